/* Integrators: closed forms, the choice of methods, orders of convergence, noise. Systems are
 * written as text; a small reader makes the derivative function, a small evaluator runs the step.
 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ode.h"

enum { MAX_EQ = 9 };

typedef struct System {
    Arena *arena;
    OdeEq eq[MAX_EQ];
    OdeSystem ode;
    IrFn *step;
} System;

/* ---- reader: + - * / ( ) numbers, names of fields, t, xi, xi_1, exp(), sin(), min(,), pos(,,)
 * ---- */

typedef struct Reader {
    IrModule *m;
    IrFn *f;
    const char *p;
} Reader;

static int read_sum(Reader *r);

static void blanks(Reader *r)
{
    while (*r->p == ' ')
        r->p++;
}

static bool eat(Reader *r, char c)
{
    blanks(r);
    if (*r->p != c) return false;
    r->p++;
    return true;
}

static int read_name(Reader *r)
{
    char name[32];
    int n = 0;
    while (isalnum((unsigned char)*r->p) || *r->p == '_')
        name[n++] = *r->p++;
    name[n] = 0;
    Span none = {0, 0};
    if (!strcmp(name, "t")) return ir_imm(r->f, OP_T, 0, none);
    if (!strcmp(name, "xi")) return ir_imm(r->f, OP_XI, 0, none);
    if (!strncmp(name, "xi_", 3)) return ir_imm(r->f, OP_XI, name[3] - '0', none);
    if (eat(r, '(')) {
        int a[3], k = 0;
        do
            a[k++] = read_sum(r);
        while (eat(r, ','));
        cr_assert(eat(r, ')'));
        if (!strcmp(name, "exp")) return ir_op1(r->f, OP_EXP, a[0]);
        if (!strcmp(name, "sin")) return ir_op1(r->f, OP_SIN, a[0]);
        if (!strcmp(name, "min")) return ir_op2(r->f, OP_MIN, a[0], a[1]);
        cr_assert_str_eq(name, "pos"); /* pos(a, b, c): a > 0 ? b : c */
        int cond = ir_op2(r->f, OP_GT, a[0], ir_const(r->f, 0.0));
        return ir_op3(r->f, OP_SELECT, cond, a[1], a[2]);
    }
    int field = ir_field_find(r->m, name);
    cr_assert(field >= 0, "unknown name %s", name);
    return ir_imm(r->f, OP_LOAD, field, none);
}

static int read_atom(Reader *r)
{
    blanks(r);
    if (eat(r, '-')) return ir_op1(r->f, OP_NEG, read_atom(r));
    if (eat(r, '(')) {
        int v = read_sum(r);
        cr_assert(eat(r, ')'));
        return v;
    }
    if (!isdigit((unsigned char)*r->p)) return read_name(r);
    char *end;
    double x = strtod(r->p, &end);
    r->p = end;
    return ir_const(r->f, x);
}

static int read_product(Reader *r)
{
    int v = read_atom(r);
    for (;;) {
        if (eat(r, '*'))
            v = ir_op2(r->f, OP_MUL, v, read_atom(r));
        else if (eat(r, '/'))
            v = ir_op2(r->f, OP_DIV, v, read_atom(r));
        else
            return v;
    }
}

static int read_sum(Reader *r)
{
    int v = read_product(r);
    for (;;) {
        if (eat(r, '+'))
            v = ir_op2(r->f, OP_ADD, v, read_product(r));
        else if (eat(r, '-'))
            v = ir_op2(r->f, OP_SUB, v, read_product(r));
        else
            return v;
    }
}

/* `text`: "V' = -V/20 + I; I' = -I/5". A leading `!` freezes the equation. `params` are fields
 * "tau C" that are no equations. Field numbers: states in order, refractory counter, params. */
static System *system_new(const char *text, const char *params, double dt, const char *method)
{
    System *s = cx_alloc(1, sizeof *s, "test");
    s->arena = arena_new("test");
    IrModule *m = ir_module(s->arena, "test");
    char *copy = arena_strdup(s->arena, text), *save = NULL;
    int n = 0;
    for (char *p = strtok_r(copy, ";", &save); p; p = strtok_r(NULL, ";", &save), n++) {
        while (*p == ' ')
            p++;
        OdeEq *eq = &s->eq[n];
        if (*p == '!') eq->frozen = true, p++;
        char *prime = strchr(p, '\'');
        eq->name = arena_strndup(s->arena, p, (size_t)(prime - p));
        eq->text = strchr(p, '=') + 2;
        eq->field = ir_field(m, (IrField){.name = eq->name, .unit = "", .kind = FIELD_STATE});
    }
    int refr = ir_field(m, (IrField){.name = "refr", .unit = "", .kind = FIELD_HIDDEN});
    copy = arena_strdup(s->arena, params);
    for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        ir_field(m, (IrField){.name = p, .unit = "", .kind = FIELD_PARAM});
    }
    IrFn *deriv = ir_fn(m, "deriv", FN_DERIV, LANE_NEURON);
    for (int k = 0; k < n; k++) {
        Reader r = {m, deriv, s->eq[k].text};
        int v = read_sum(&r);
        cr_assert(!*r.p, "left over: %s", r.p);
        ir_out(deriv, k, v, (Span){0, 0});
    }
    s->step = ir_fn(m, "step", FN_STEP, LANE_NEURON);
    s->ode = (OdeSystem){.mod = m,
                         .deriv = deriv,
                         .eq = s->eq,
                         .n = n,
                         .refr_field = refr,
                         .dt = dt,
                         .method = method,
                         .diags = diag_new(s->arena, source_new(s->arena))};
    return s;
}

static void system_free(System *s)
{
    ir_module_free(s->ode.mod);
    arena_free(s->arena);
    cx_free(s);
}

static System *integrate(const char *text, const char *params, double dt, const char *method)
{
    System *s = system_new(text, params, dt, method);
    cr_assert(ode_integrate(&s->ode, s->step), "refused: %s", text);
    const char *fault = ir_verify(s->arena, s->ode.mod);
    cr_assert(!fault, "%s", fault);
    return s;
}

/* ---- evaluator ---- */

static double (*normal)(int64_t salt, int64_t step, int lane);

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static double gauss(int64_t salt, int64_t step, int lane)
{
    uint64_t a = mix(mix(mix((uint64_t)salt) ^ (uint64_t)step) ^ (uint64_t)lane), b = mix(a);
    double u = ((double)(a >> 11) + 0.5) * 0x1p-53, v = (double)(b >> 11) * 0x1p-53;
    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

static double one(int64_t salt, int64_t step, int lane)
{
    (void)salt, (void)step, (void)lane;
    return 1.0;
}

static void advance(const System *s, double *x, int64_t n, int lane)
{
    const IrFn *f = s->step;
    size_t len = vec_len(f->ins);
    double *v = cx_alloc(len + 1, sizeof *v, "test");
    for (size_t i = 0; i < len; i++) {
        const Ins *in = &f->ins[i];
        double a[4] = {0};
        for (int k = 0; k < 4; k++)
            a[k] = in->arg[k] >= 0 ? v[in->arg[k]] : 0.0;
        switch (in->op) {
        case OP_CONST:
            v[i] = in->imm.f;
            break;
        case OP_TRUTH:
            v[i] = (double)in->imm.k;
            break;
        case OP_LOAD:
            v[i] = x[in->imm.k];
            break;
        case OP_STORE:
            x[in->imm.k] = a[0];
            break;
        case OP_T:
            v[i] = (double)(n + in->imm.k) * s->ode.dt;
            break;
        case OP_RNORMAL:
            v[i] = a[0] + a[1] * normal(in->imm.k, n, lane);
            break;
        default:
            cr_assert(ir_eval_op((Op)in->op, a, &v[i]), "operation %d", in->op);
        }
    }
    cx_free(v);
}

static void steps(const System *s, double *x, int n, int lane)
{
    for (int k = 0; k < n; k++)
        advance(s, x, k, lane);
}

static void near(double got, double want, double rel)
{
    cr_assert(fabs(got - want) <= rel * fabs(want), "got %.17g, want %.17g (%.2g relative)", got,
              want, fabs(got - want) / fabs(want));
}

static void methods(const System *s, const char *want)
{
    Buf b = {0};
    for (int k = 0; k < s->ode.n; k++)
        buf_printf(&b, "%s%s", k ? " " : "", s->eq[k].method);
    cr_assert_str_eq(b.p, want);
    buf_free(&b);
}

static void chosen(const char *text, const char *params, const char *want)
{
    System *s = integrate(text, params, 0.1, NULL);
    methods(s, want);
    for (int k = 0; k < s->ode.n; k++) {
        cr_assert(s->eq[k].why && *s->eq[k].why);
        cr_assert((s->eq[k].ruled_out == NULL) == !strcmp(s->eq[k].method, "exact"));
    }
    system_free(s);
}

/* ---- closed forms ---- */

static const double some_dt[] = {1e-3, 0.1, 1.0, 7.0, 100.0};

Test(exact, leak_and_input)
{
    for (int i = 0; i < 5; i++) {
        double h = some_dt[i];
        System *s = integrate("V' = (-70 - V)/20 + I/200", "I", h, NULL);
        methods(s, "exact");
        double x[3] = {-55.0, 0.0, 30.0}, rest = -70.0 + 20.0 * 30.0 / 200.0;
        advance(s, x, 0, 0);
        near(x[0], rest + 15.0 * exp(-h / 20.0) - 3.0 * exp(-h / 20.0), 1e-14);
        system_free(s);
    }
}

/* An alpha synapse into a membrane; tau_m equal to, nearly equal to and far from tau_s. */
Test(exact, alpha_potential)
{
    static const double tau_m[] = {5.0, 5.0000001, 5.1, 20.0, 0.5};
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
            double h = some_dt[j], ts = 5.0, tm = tau_m[i];
            char text[128];
            snprintf(text, sizeof text, "V' = -V/%.9g + a/250; a' = b - a/5; b' = -b/5", tm);
            System *s = integrate(text, "", h, NULL);
            methods(s, "exact exact exact");
            double x[4] = {0.0, 0.0, 2.0, 0.0};
            int n = h < 1 ? 50 : 1;
            steps(s, x, n, 0);
            long double t = n * (long double)h, d = 1.0L / ts - 1.0L / tm, z = d * t, phi;
            /* V = b0/250 * integral u exp(-u/ts) exp(-(t-u)/tm) du */
            if (fabsl(z) < 1e-2L) {
                phi = 0.0L;
                long double term = 1.0L;
                for (int k = 0; k < 12; k++) {
                    phi += term / (k + 2);
                    term *= -z / (k + 1);
                }
                phi *= t * t;
            } else {
                phi = (1.0L - (1.0L + z) * expl(-z)) / (d * d);
            }
            near(x[0], (double)(2.0L / 250.0L * expl(-t / tm) * phi), 1e-12);
            near(x[1], (double)(2.0L * t * expl(-t / ts)), 1e-12);
            system_free(s);
        }
    }
}

Test(exact, oscillator)
{
    for (int i = 0; i < 5; i++) {
        double h = some_dt[i];
        System *s = integrate("x' = -0.01*x + 2*y; y' = -2*x - 0.01*y", "", h, NULL);
        double x[3] = {1.0, 0.0, 0.0}, e = exp(-0.01 * h);
        advance(s, x, 0, 0);
        cr_assert_float_eq(x[0], e * cos(2.0 * h), 1e-13);
        cr_assert_float_eq(x[1], -e * sin(2.0 * h), 1e-13);
        system_free(s);
    }
}

Test(exact, singular_matrix)
{
    System *s = integrate("x' = v; v' = F", "F", 0.5, NULL);
    methods(s, "exact exact");
    double x[4] = {1.0, 2.0, 0.0, 3.0};
    steps(s, x, 4, 0);
    near(x[0], 1.0 + 4.0 + 6.0, 1e-14);
    near(x[1], 8.0, 1e-14);
    system_free(s);
}

/* A rate known only per neuron: single equations, and those driven by decays. */
Test(exact, rate_per_neuron)
{
    static const double tau[] = {5.0, 5.0 + 1e-9, 20.0, 0.01, 1e5};
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
            double h = some_dt[j], tm = tau[i];
            System *s = integrate("V' = (3 - V)/tau + g*y; y' = -y/5", "tau g", h, NULL);
            methods(s, "exact exact");
            double x[5] = {1.0, 2.0, 0.0, tm, 0.25};
            advance(s, x, 0, 0);
            long double a = -1.0L / tm, b = -0.2L, k = (b - a) * h;
            long double ratio = fabsl(k) > 20 ? (expl(b * h) - expl(a * h)) / (b - a)
                                              : h * expl(a * h) * (k == 0 ? 1 : expm1l(k) / k);
            near(x[0], (double)(3.0L - 2.0L * expl(a * h) + 0.5L * ratio), 2e-12);
            system_free(s);
        }
    }
}

/* Constants around an input go into the propagator: one fused operation for each of I, V and a. */
Test(exact, input_costs_one_operation)
{
    static const char *const same[] = {"(3 + I)/4", "(I + 3)*0.25", "-(-3 - I)/4", "0.75 - I/-4",
                                       "(I - -3)/4"};
    for (int i = 0; i < 5; i++) {
        char text[64];
        snprintf(text, sizeof text, "V' = %s - V/20 + a; a' = -a/3", same[i]);
        System *s = integrate(text, "I", 0.1, NULL);
        ir_run_passes(s->ode.mod, NULL, NULL);
        int fused = 0, other = 0;
        for (size_t k = 0; k < vec_len(s->step->ins); k++) {
            int op = s->step->ins[k].op;
            fused += op == OP_FMA || op == OP_MUL;
            other += op == OP_ADD || op == OP_DIV || op == OP_SUB || op == OP_NEG;
        }
        cr_assert(fused == 4 && other == 0, "%s: %d fused, %d other", same[i], fused, other);
        double x[4] = {1.0, 0.0, 0.0, 5.0};
        advance(s, x, 0, 0);
        near(x[0], 40.0 - 39.0 * exp(-0.005), 1e-14);
        system_free(s);
    }
}

Test(exact, rest_is_a_fixed_point)
{
    System *s = integrate("V' = (-70 - V)/20 + a/200; a' = -a/3", "", 0.1, NULL);
    double x[3] = {-70.0, 0.0, 0.0};
    steps(s, x, 10000, 0);
    near(x[0], -70.0, 1e-13);
    system_free(s);
}

/* ---- refractory ---- */

Test(frozen, exact_block)
{
    System *s =
        integrate("!V' = (-70 - V)/20 + a/200; a' = -a/3; w' = (V + 70 - w)/100", "", 0.5, NULL);
    methods(s, "exact exact exact");
    double x[4] = {-60.0, 9.0, 1.0, 1.0};
    advance(s, x, 0, 0);
    cr_assert(x[0] == -60.0);
    near(x[1], 9.0 * exp(-0.5 / 3.0), 1e-14);
    near(x[2], 10.0 - 9.0 * exp(-0.005), 1e-14);
    double y[4] = {-60.0, 9.0, 1.0, 0.0};
    advance(s, y, 0, 0);
    cr_assert(y[0] < -60.0 && y[2] < x[2]);
    system_free(s);
}

Test(frozen, lane)
{
    System *s = integrate("V' = -V/tau + y; !y' = -y/5", "tau", 2.0, NULL);
    double x[4] = {1.0, 3.0, 1.0, 10.0}, e = exp(-0.2);
    advance(s, x, 0, 0);
    near(x[0], e + 30.0 * (1.0 - e), 1e-14);
    cr_assert(x[1] == 3.0);
    system_free(s);
}

Test(frozen, other_methods)
{
    static const char *const method[] = {"euler",         "rk2", "rk4", "heun", "exponential_euler",
                                         "euler_maruyama"};
    for (int i = 0; i < 6; i++) {
        System *s = integrate("!V' = -V*w; w' = V - w", "", 0.01, method[i]);
        double x[3] = {2.0, 1.0, 4.0};
        steps(s, x, 100, 0);
        cr_assert(x[0] == 2.0);
        cr_assert_float_eq(x[1], 2.0 - exp(-1.0), 5e-3);
        double y[3] = {2.0, 1.0, 0.0};
        steps(s, y, 100, 0);
        cr_assert(y[0] < 1.0);
        system_free(s);
    }
}

/* ---- the ladder: each rung, and a neighbour without the obstacle ---- */

Test(ladder, exact_or_not)
{
    chosen("V' = (I - V)/20", "I", "exact");
    chosen("V' = (I*sin(t) - V)/20", "I", "exponential_euler");
    chosen("V' = -V/20; g' = -g/5", "", "exact exact");
    chosen("V' = -V/20 - g*V; g' = -g/5", "", "exponential_euler exact");
    chosen("V' = -V/20 + g*(0 - 1); g' = -g/5", "", "exact exact");
    chosen("V' = -V/tau; w' = -w/tau", "tau", "exact exact");
    chosen("V' = -V/20 + y; y' = -y/tau", "tau", "exact exact");
    chosen("V' = -V/20 + y; y' = (1 - y)/tau", "tau", "exponential_euler exact");
    chosen("V' = -V/tau + w; w' = V - w", "tau", "exponential_euler exponential_euler");
    chosen("V' = -V/20 + w; w' = V - w", "", "exact exact");
    chosen("V' = -V/tau + w; w' = x - w; x' = -x", "tau", "exponential_euler exact exact");
    chosen("V' = pos(I, -V, 1 - V)", "I", "exact");
    chosen("V' = pos(V, -V, 1 - V)", "", "rk4");
    chosen("V' = 0*w - V; w' = exp(V) - w", "", "exact exponential_euler");
}

Test(ladder, exponential_euler_or_rk4)
{
    chosen("V' = g*(1 - V); g' = -g*V", "", "exponential_euler exponential_euler");
    chosen("V' = g*(1 - V); g' = -g*g", "", "rk4 rk4");
    chosen("V' = exp(V) - w; w' = (V - w)/100; g' = -g/5", "", "rk4 rk4 exact");
    chosen("V' = exp(V) - w; w' = -w/100; g' = -g/5", "", "rk4 exact exact");
}

Test(ladder, noise)
{
    chosen("V' = -V/20 + 2*xi", "", "exact");
    chosen("V' = -V/20 + V*xi", "", "euler_maruyama");
    chosen("V' = -V/tau + s*xi; w' = -w/5 + xi_1", "tau s", "exact exact");
    chosen("V' = -V/20 + xi; w' = -w/5 + xi", "", "exact exact");
    chosen("V' = -V/20 + w + xi; w' = -w/5", "", "exact exact");
    chosen("V' = -V/20 + w + xi; w' = V - w/5", "", "exact exact");
    chosen("V' = -V/20 + w + xi; w' = 1 - w*w + xi", "", "euler_maruyama euler_maruyama");
    chosen("V' = -V/20 + w; w' = s*xi - w", "s", "exponential_euler exact");
    chosen("V' = g*(0 - V); g' = -g/5 + xi", "", "exponential_euler exact");
    chosen("V' = exp(V) + g; g' = -g/5 + xi", "", "euler_maruyama exact");
    chosen("V' = exp(V) + g; g' = -g/5", "", "rk4 exact");
    chosen("V' = exp(V) + xi; g' = -g/5", "", "euler_maruyama exact");
}

Test(ladder, stratonovich)
{
    System *s = system_new("V' = -V + V*xi", "", 0.1, NULL);
    s->ode.stratonovich = true;
    cr_assert(ode_integrate(&s->ode, s->step));
    methods(s, "heun");
    system_free(s);
}

Test(ladder, says_why)
{
    System *s = integrate("V' = g*(0 - V) - V/20; g' = -g/5", "", 0.1, NULL);
    cr_assert_str_eq(s->eq[0].ruled_out, "exact: `g` multiplies `V`, both states");
    cr_assert_str_eq(s->eq[1].why, "linear with constant coefficients");
    system_free(s);
    s = integrate("V' = exp(V) - V*sin(t)", "", 0.1, NULL);
    cr_assert_str_eq(s->eq[0].ruled_out, "exact: exp(...) is not linear in `V`; "
                                         "exponential_euler: exp(...) is not linear in `V`");
    system_free(s);
    s = integrate("V' = 1/V; w' = w*w; u' = V*w*u; z' = -z*t; y' = u - y", "", 0.1, NULL);
    static const char *const want[] = {
        "exact: a quotient divides by `V`", "exact: `w` is multiplied by itself",
        "exact: `V` multiplies `w`, both states",
        "exact: the equation of `z` contains `t`, which changes within the step",
        "exact: it depends on `u`, which is not exact"};
    for (int k = 0; k < 5; k++)
        cr_assert(!strncmp(s->eq[k].ruled_out, want[k], strlen(want[k])), "%s", s->eq[k].ruled_out);
    system_free(s);
}

/* ---- methods asked for ---- */

static void refused(const char *text, const char *method, bool stratonovich)
{
    System *s = system_new(text, "", 0.1, method);
    s->ode.stratonovich = stratonovich;
    cr_assert(!ode_integrate(&s->ode, s->step), "%s for %s", method, text);
    cr_assert_eq(diag_errors(s->ode.diags), 1);
    cr_assert_eq(vec_len(s->step->ins), 0);
    system_free(s);
}

Test(asked, refused)
{
    refused("V' = exp(V)", "exact", false);
    refused("V' = -V; w' = exp(w)", "linear", false);
    refused("V' = exp(V)", "exponential_euler", false);
    refused("V' = -V + xi", "exponential_euler", false);
    refused("V' = -V + xi", "euler", false);
    refused("V' = -V + xi", "rk2", false);
    refused("V' = -V + xi", "rk4", false);
    refused("V' = -V + V*xi", "heun", false);
    refused("V' = -V + V*xi", "euler_maruyama", true);
    refused("V' = -V + V*xi", "exact", false);
    refused("V' = -V", "eulr", false);
    refused("V' = -V + xi*xi", NULL, false);
    refused("V' = -V + xi", "stiff", false);
    refused("V' = -V + xi", "adaptive", false);
    refused("V' = xi; w' = V*xi_1", "milstein", false);
    refused("a' = b*a; b' = c*b; c' = d*c; d' = e*d; e' = f*e; f' = g*f; g' = h*g; h' = i*h; i' = a*i", "stiff", false);
    refused("V' = -V + exp(xi)", "euler_maruyama", false);
}

Test(asked, applies_to_all)
{
    static const char *const method[] = {"euler",         "rk2", "rk4", "heun", "exponential_euler",
                                         "euler_maruyama"};
    for (int i = 0; i < 6; i++) {
        System *s = integrate("V' = -V*g; g' = -g/5", "", 0.1, method[i]);
        cr_assert_str_eq(s->eq[0].method, method[i]);
        cr_assert_str_eq(s->eq[1].method, method[i]);
        system_free(s);
    }
    System *s = integrate("V' = -V/20", "", 0.1, "linear");
    methods(s, "exact");
    system_free(s);
    s = integrate("V' = -V/20 + w*xi; w' = -w", "", 0.1, "heun");
    system_free(s);
}

/* A refusal quotes the equation and the reason, and names what would be chosen instead. */
Test(asked, refusal_says)
{
    System *s = system_new("V' = g*(0 - V); g' = -g/5", "", 0.1, "exact");
    cr_assert(!ode_integrate(&s->ode, s->step));
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    diag_print(s->ode.diags, out, false, 0);
    fclose(out);
    cr_assert(strstr(text, "method `exact` cannot advance `V`"), "%s", text);
    cr_assert(strstr(text, "`dV/dt = g*(0 - V)`: `g` multiplies `V`, both states"), "%s", text);
    cr_assert(strstr(text, "`V` is advanced by exponential_euler"), "%s", text);
    free(text);
    system_free(s);
    s = system_new("V' = -V", "", 0.1, "rk5");
    cr_assert(!ode_integrate(&s->ode, s->step));
    out = open_memstream(&text, &len);
    diag_print(s->ode.diags, out, false, 0);
    fclose(out);
    cr_assert(strstr(text, "unknown method `rk5`") && strstr(text, "did you mean `rk"), "%s", text);
    free(text);
    system_free(s);
}

/* ---- orders of convergence: the slope of log(error) over two halvings ---- */

static double result(const char *text, const char *method, int per_unit)
{
    System *s = integrate(text, "", 1.0 / per_unit, method);
    double x[MAX_EQ + 3] = {0.7, 0.4, 0.0};
    if (s->ode.n == 1) x[1] = 0.0;
    IrFn *part = ir_fn_find(s->ode.mod, "part");
    if (part) { /* undivided steps */
        x[ir_field_find(s->ode.mod, "part.h")] = 1.0 / per_unit;
        s->step = part;
    }
    steps(s, x, 2 * per_unit, 0);
    system_free(s);
    return x[0];
}

static void order(const char *text, const char *method, int coarse, double want)
{
    double truth = result(text, strcmp(method ? method : "rk4", "rk4") ? "rk4" : method, 4096);
    double a = fabs(result(text, method, coarse) - truth),
           b = fabs(result(text, method, coarse * 4) - truth);
    double slope = log(a / b) / log(4.0);
    cr_assert_float_eq(slope, want, 0.1, "%s on %s: order %.3f, want %g", method, text, slope,
                       want);
}

Test(orders, deterministic)
{
    static const char *const text[] = {"x' = x - x*x*x", "x' = sin(3*t) - x*x",
                                       "x' = y*sin(t) - x*x; y' = x - y",
                                       "x' = y - x*x; y' = -y*3"};
    for (int i = 0; i < 4; i++) {
        order(text[i], "euler", 128, 1.0);
        order(text[i], "rk2", 64, 2.0);
        order(text[i], "heun", 64, 2.0);
        order(text[i], "rk4", 32, 4.0);
        order(text[i], NULL, 32, 4.0);
        if (i < 3) order(text[i], "stiff", 64, 3.0); /* 4 on the last */
        order(text[i], "adaptive", 64, 3.0);
    }
    order("x' = exp(-x)/(1 + x*x) - 0.3*pos(x, x, 1); y' = 0 - y", "stiff", 64, 3.0);
    order("x' = y*(1 - x); y' = -y*x", "exponential_euler", 128, 1.0);
    order("x' = sin(t) - x*y; y' = 1 - x*y", "exponential_euler", 128, 1.0);
}

Test(orders, exact_block_keeps_four)
{
    System *s = integrate("x' = y - x*x; y' = -y*3", "", 0.1, NULL);
    methods(s, "rk4 exact");
    system_free(s);
}

/* ---- derivatives: of every rule against differences ---- */

Test(derive, rules)
{
    static const struct {
        Op op;
        double x[3];
    } at[] = {{OP_ADD, {0.3, 0.7}},   {OP_SUB, {0.3, 0.7}},   {OP_MUL, {0.3, 0.7}},   {OP_DIV, {0.3, 0.7}},
              {OP_NEG, {0.3}},        {OP_FMA, {0.3, 0.7, 2}}, {OP_ABS, {-0.3}},       {OP_MIN, {0.3, 0.7}},
              {OP_MAX, {0.3, 0.7}},   {OP_SQRT, {0.3}},       {OP_FLOOR, {0.3}},      {OP_CEIL, {0.3}},
              {OP_TRUNC, {0.3}},      {OP_ROUND, {0.3}},      {OP_MOD, {2.3, 0.7}},   {OP_SIGN, {0.3}},
              {OP_HEAV, {0.3}},       {OP_EXP, {0.3}},        {OP_LOG, {0.3}},        {OP_LOG10, {0.3}},
              {OP_POW, {0.3, 1.7}},   {OP_EXPM1, {0.3}},      {OP_LOG1P, {0.3}},      {OP_EXPREL, {0.3}},
              {OP_EXPREL, {-3e-5}},   {OP_EXPREL, {9e-4}},    {OP_SIN, {0.3}},        {OP_COS, {0.3}},
              {OP_TAN, {0.3}},        {OP_ASIN, {0.3}},       {OP_ACOS, {0.3}},       {OP_ATAN, {0.3}},
              {OP_ATAN2, {0.3, -0.7}}, {OP_SINH, {0.3}},      {OP_COSH, {0.3}},       {OP_TANH, {0.3}},
              {OP_ERF, {0.3}},        {OP_ERFC, {0.3}}};
    Arena *arena = arena_new("test");
    for (size_t q = 0; q < sizeof at / sizeof *at; q++) {
        IrModule *m = ir_module(arena, "test");
        IrFn *f = ir_fn(m, "f", FN_DERIV, LANE_NEURON), *g = ir_fn(m, "g", FN_DERIV, LANE_NEURON);
        int n = (int)strlen(ir_op_table[at[q].op].args), arg[3], var[3], out, d[3];
        double x[3], value[200], r[2];
        for (int k = 0; k < n; k++) {
            var[k] = ir_field(m, (IrField){.name = (const char *[]){"a", "b", "c"}[k], .unit = ""});
            arg[k] = ir_imm(f, OP_LOAD, var[k], (Span){0, 0});
            x[k] = at[q].x[k];
        }
        ir_out(f, 0, ir_op(f, at[q].op, (Span){0, 0}, n, arg), (Span){0, 0});
        cr_assert_eq(derive_inline(g, f, n, var, &out, d), -1);
        cr_assert(vec_len(g->ins) < 200);
        derive_numbers(m, g, x, value);
        for (int k = 0; k < n; k++) {
            for (int side = 0; side < 2; side++) {
                double y[3] = {at[q].x[0], at[q].x[1], at[q].x[2]};
                y[k] += side ? 1e-5 : -1e-5;
                ir_eval_op(at[q].op, y, &r[side]);
            }
            double want = (r[1] - r[0]) / 2e-5, got = d[k] < 0 ? 0.0 : value[d[k]];
            cr_assert_float_eq(got, want, 1e-8, "%s by argument %d: %.12g, want %.12g", ir_op_table[at[q].op].name, k, got, want);
        }
        ir_module_free(m);
    }
    arena_free(arena);
}

/* ---- the interpreter backend gives the bits of the evaluator, after the passes too ---- */

static void same_bits(const char *text, const char *method)
{
    enum { LANES = 77, STEPS = 25, MAX_FIELDS = 16 };
    System *s = integrate(text, "tau I", 0.1, method),
           *plain = integrate(text, "tau I", 0.1, method);
    IrModule *m = s->ode.mod;
    ir_run_passes(m, NULL, NULL);
    ir_run_passes(plain->ode.mod, NULL, NULL);
    Fail fail = {0};
    Kernel *kernel = backend_find("interp")->build(m, &fail);
    cr_assert(kernel, "%s", fail.text);
    double column[MAX_FIELDS][LANES], *col[MAX_FIELDS];
    int n = (int)vec_len(m->field), refr = ir_field_find(m, "refr"), tau = ir_field_find(m, "tau");
    for (int k = 0; k < n; k++) {
        col[k] = column[k];
        for (int i = 0; i < LANES; i++)
            column[k][i] = 0.3 + 0.1 * k + 0.01 * i;
    }
    for (int i = 0; i < LANES; i++)
        column[refr][i] = i % 3 == 0, column[tau][i] = 2.0 + i;
    double start[MAX_FIELDS][LANES];
    memcpy(start, column, sizeof start);
    Frame frame = {.col = col,
                   .scratch = aligned_alloc(64, (kernel->scratch_bytes + 63) / 64 * 64)};
    const KernelFn *step = &kernel->fn[ir_fn_index(m, s->step)];
    for (int k = 0; k < STEPS; k++) {
        frame.step = k;
        frame.t = k * 0.1;
        frame.t1 = (k + 1) * 0.1;
        step->range(step, &frame, 0, LANES, NULL);
    }
    for (int i = 0; i < LANES; i++) {
        double x[MAX_FIELDS];
        for (int k = 0; k < n; k++)
            x[k] = start[k][i];
        steps(plain, x, STEPS, i);
        for (int k = 0; k < n; k++)
            cr_assert(!memcmp(&x[k], &column[k][i], 8), "%s: field %d, lane %d", text, k, i);
    }
    free(frame.scratch);
    kernel->free(kernel);
    system_free(s);
    system_free(plain);
}

Test(backend, same_bits)
{
    same_bits("!V' = (1 - V + I + a)/20; a' = b - a/5; b' = -b/5", NULL);
    same_bits("!V' = (1 - V)/tau + y + I*sin(t); y' = -y/5", NULL);
    same_bits("V' = (1 - V)/tau + y + I; !y' = -y/5", NULL);
    same_bits("!V' = exp(min(V, 1)) - w + g; w' = (V - w)/100; g' = -g/tau", NULL);
    same_bits("V' = V - V*V*sin(t) + w; w' = -w", "rk2");
    same_bits("V' = V - V*V*sin(t) + w; w' = -w", "heun");
}

/* ---- noise ---- */

Test(noise, ornstein_uhlenbeck_step)
{
    normal = one;
    for (int i = 0; i < 5; i++) {
        double h = some_dt[i];
        System *s =
            integrate("x' = (4 - x)/20 + w + 0.3*xi; w' = -w/5; y' = -y/tau + s*xi_1; z' = 2*xi_2",
                      "tau s", h, NULL);
        methods(s, "exact exact exact exact");
        double x[7] = {4.0, 0.0, 0.0, 0.0, 0.0, 7.0, 1.5};
        advance(s, x, 0, 0);
        near(x[0], 4.0 + 0.3 * sqrt(10.0 * -expm1(-h / 10.0)), 1e-13);
        near(x[2], 1.5 * sqrt(3.5 * -expm1(-2.0 * h / 7.0)), 1e-13);
        near(x[3], 2.0 * sqrt(h), 1e-13);
        system_free(s);
    }
}

Test(noise, ornstein_uhlenbeck_variance)
{
    normal = gauss;
    for (int i = 1; i < 4; i++) {
        System *s = integrate("x' = -x/5 + 2*xi", "", some_dt[i], NULL);
        double sum = 0.0, x[2] = {0.0, 0.0};
        int n = 20000, each = some_dt[i] < 1 ? 50 : 10;
        for (int k = 0; k < n * each; k++) {
            advance(s, x, k, 0);
            if (k % each == 0) sum += x[0] * x[0];
        }
        near(sum / n, 10.0, 0.04);
        system_free(s);
    }
}

Test(noise, same_noise_same_draw)
{
    normal = gauss;
    System *s = integrate("x' = 2*xi; y' = 2*xi; z' = 2*xi_1", "", 0.1, NULL);
    double x[4] = {0};
    steps(s, x, 3, 0);
    cr_assert(x[0] == x[1] && x[0] != x[2]);
    system_free(s);
}

static double path_sum;

static double counted(int64_t salt, int64_t step, int lane)
{
    double z = gauss(salt, step, lane);
    path_sum += z;
    return z;
}

/* Geometric Brownian motion dx = m x dt + s x dW over unit time: mean errors against the solution
 * on the same path, as absolute value (strong) and signed (weak). */
static void brownian(const char *method, bool stratonovich, int n, double *strong, double *weak)
{
    const double m = 1.0, sd = 0.5;
    const int paths = 4000;
    System *s = system_new("x' = 1*x + 0.5*x*xi", "", 1.0 / n, method);
    s->ode.stratonovich = stratonovich;
    cr_assert(ode_integrate(&s->ode, s->step));
    ir_run_passes(s->ode.mod, NULL, NULL); /* one draw a noise and step, which `counted` sums */
    normal = counted;
    *strong = *weak = 0.0;
    for (int lane = 0; lane < paths; lane++) {
        double x[2] = {1.0, 0.0};
        path_sum = 0.0;
        steps(s, x, n, lane);
        double drift = stratonovich ? m : m - sd * sd / 2.0;
        double draws = path_sum, gap = x[0] - exp(drift + sd * draws / sqrt(n));
        *strong += fabs(gap) / paths;
        *weak += gap / paths;
    }
    system_free(s);
}

Test(noise, orders)
{
    double strong[2], weak[2];
    brownian("euler_maruyama", false, 8, &strong[0], &weak[0]);
    brownian("euler_maruyama", false, 128, &strong[1], &weak[1]);
    cr_assert_float_eq(log(strong[0] / strong[1]) / log(16.0), 0.6, 0.2);
    cr_assert_float_eq(log(weak[0] / weak[1]) / log(16.0), 1.0, 0.25);
    brownian("milstein", false, 8, &strong[0], &weak[0]);
    brownian("milstein", false, 128, &strong[1], &weak[1]);
    cr_assert_float_eq(log(strong[0] / strong[1]) / log(16.0), 1.0, 0.1);
    brownian("milstein", true, 8, &strong[0], &weak[0]);
    brownian("milstein", true, 128, &strong[1], &weak[1]);
    cr_assert_float_eq(log(strong[0] / strong[1]) / log(16.0), 1.0, 0.1);
    brownian(NULL, true, 8, &strong[0], &weak[0]);
    brownian(NULL, true, 128, &strong[1], &weak[1]);
    cr_assert_float_eq(log(strong[0] / strong[1]) / log(16.0), 1.0, 0.2);
}
