/* ode.c: what the equations are like, and which integrator advances which of them. */
#include "ode.h"

#include <math.h>
#include <string.h>

#define INTEGRATOR(x) extern const Integrator integrator_##x;
#include "integrators/integrators.def"
#undef INTEGRATOR

const Integrator *const integrators[] = {
#define INTEGRATOR(x) &integrator_##x,
#include "integrators/integrators.def"
#undef INTEGRATOR
};
const int n_integrators = (int)(sizeof integrators / sizeof *integrators);

/* By name; "linear" is another word for exact. NULL when there is none. */
const Integrator *integrator_find(const char *name)
{
    if (!strcmp(name, "linear")) return &integrator_exact;
    for (int i = 0; i < n_integrators; i++) {
        if (!strcmp(integrators[i]->name, name)) return integrators[i];
    }
    return NULL;
}

/* The numbers of the noises in the derivative, ascending, with their flags. */
static void find_noises(OdeSystem *s)
{
    OdeForm *form = s->form;
    size_t n = vec_len(s->deriv->ins);
    form->xi = arena_many(s->mod->arena, int, n + 1);
    form->xi_flags = arena_many(s->mod->arena, unsigned, n + 1);
    for (size_t v = 0; v < n; v++) {
        const Ins *in = &s->deriv->ins[v];
        if (in->op != OP_XI) continue;
        int at = 0;
        while (at < form->n_xi && form->xi[at] < in->imm.k)
            at++;
        if (at < form->n_xi && form->xi[at] == in->imm.k) continue;
        for (int m = form->n_xi++; m > at; m--) {
            form->xi[m] = form->xi[m - 1];
            form->xi_flags[m] = form->xi_flags[m - 1];
        }
        form->xi[at] = (int)in->imm.k;
        form->xi_flags[at] = in->flags;
    }
}

/* Is every value of row k of the full form, from variable lo to below hi, ready before the run? */
static bool ready_row(const OdeSystem *s, const bool *ready, int k, int lo, int hi)
{
    const Affine *full = &s->form->full;
    for (int v = lo; v < hi; v++) {
        int c = full->c[k * (full->n_var + 1) + 1 + v];
        if (c >= 0 && !ready[c]) return false;
    }
    return true;
}

/* What changes within the step in value c, which depends on the time: the time itself, or a variable of a
 * synapse that decays between events and is worked out from the time of its last write. */
static const char *moving(const OdeSystem *s, int c)
{
    const Affine *full = &s->form->full;
    for (int f = 0; f < (int)vec_len(s->mod->field); f++) {
        const char *name = s->mod->field[f].name;
        size_t n = strlen(name);
        if (n > 5 && !strcmp(name + n - 5, ".last") && affine_reach(&full->fn, c, OP_LOAD, f) >= 0)
            return arena_printf(s->mod->arena, "reads `%.*s`", (int)(n - 5), name);
    }
    return "contains `t`";
}

/* Why a linear equation cannot be advanced exactly by itself, or NULL; *kind where it can. */
static const char *alone(const OdeSystem *s, const bool *ready, int k, OdeExact *kind)
{
    const Affine *full = &s->form->full;
    Arena *arena = s->mod->arena;
    *kind = EXACT_NO;
    if (full->bad[k] >= 0) return affine_reason(s, full, full->bad[k]);
    const int *c = full->c + k * (full->n_var + 1);
    bool numbers = true;
    for (int v = 0; v <= full->n_var; v++) {
        double x = 0.0;
        if (c[v] < 0) continue;
        if (affine_reach(&full->fn, c[v], OP_T, -1) >= 0) {
            return arena_printf(arena, "the equation of `%s` %s, which changes within the step",
                                s->eq[k].name, moving(s, c[v]));
        }
        if (v == 0 || v > full->n_state) continue;
        if (!ir_is_const(&full->fn, c[v], &x))
            numbers = false;
        else if (!isfinite(x)) {
            return arena_printf(arena, "a coefficient of `%s` is not finite", s->eq[v - 1].name);
        }
    }
    *kind = numbers                                                     ? EXACT_BLOCK
            : s->prepares && ready_row(s, ready, k, 0, full->n_state) ? EXACT_ROWS
                                                                        : EXACT_LANE;
    return NULL;
}

/* Does the form of equation j contain another state? */
static bool is_driven(const OdeSystem *s, int j)
{
    const Affine *full = &s->form->full;
    for (int i = 0; i < s->n; i++) {
        if (i != j && full->c[j * (full->n_var + 1) + 1 + i] >= 0) return true;
    }
    return false;
}

/* What the classification carries from one equation to the others. */
typedef struct Classes {
    const OdeSystem *s;
    bool *moved;   /* noise moves it, its own or that of an equation it depends on */
    bool *steady;  /* the strengths of its own noises are known before the run */
} Classes;

/* Why the noise of equations k and j cannot be one exact law, or NULL. */
static const char *no_joint_law(const Classes *q, int k, int j, OdeExact kind)
{
    const OdeSystem *s = q->s;
    const char *to = s->eq[j].name, *from = s->eq[k].name;
    const char *when = s->prepares ? "before the run" : "when compiling";
    if (!q->steady[k] || !q->steady[j]) {
        return arena_printf(s->mod->arena,
                            "noise moves both `%s` and `%s`, and its strength is not known %s", from,
                            to, when);
    }
    if (kind != EXACT_LANE && s->form->exact[j] != EXACT_LANE) return NULL;
    return arena_printf(s->mod->arena,
                        "noise moves both `%s` and `%s`, and their rates are not known %s", from, to,
                        when);
}

/* Why equation k cannot be exact as `kind` given how the others are, or NULL. */
static const char *together(const Classes *q, int k, OdeExact kind)
{
    const OdeSystem *s = q->s;
    const Affine *full = &s->form->full;
    Arena *arena = s->mod->arena;
    for (int j = 0; j < s->n; j++) {
        const char *to = s->eq[j].name, *why_not = NULL;
        bool shares = j != k && ode_shares(s, k, j);
        if (shares && s->form->exact[j] == EXACT_NO)
            return arena_printf(arena, "the same noise drives `%s` and `%s`", s->eq[k].name, to);
        if (shares && (why_not = no_joint_law(q, k, j, kind))) return why_not;
        if (j == k || full->c[k * (full->n_var + 1) + 1 + j] < 0) continue;
        if (s->form->exact[j] == EXACT_NO)
            return arena_printf(arena, "it depends on `%s`, which is not exact", to);
        if (q->moved[j] && (why_not = no_joint_law(q, k, j, kind))) return why_not;
        if (kind == EXACT_BLOCK && s->form->exact[j] != EXACT_BLOCK) {
            return arena_printf(
                arena, "it depends on `%s`, whose rate is not a number known when compiling", to);
        }
        if (kind == EXACT_ROWS && s->form->exact[j] == EXACT_LANE)
            return arena_printf(arena, "it depends on `%s`, whose rate changes", to);
        if (kind == EXACT_LANE && (is_driven(s, j) || full->c[j * (full->n_var + 1)] >= 0)) {
            return arena_printf(arena,
                                "the rates of `%s` and `%s` are not both known %s, and `%s` does "
                                "more than decay",
                                s->eq[k].name, to, s->prepares ? "before the run" : "when compiling",
                                to);
        }
    }
    return NULL;
}

/* Parts: equations that lean on each other or share a noise. */
static void find_parts(const Classes *q)
{
    const OdeSystem *s = q->s;
    OdeForm *form = s->form;
    const Affine *full = &form->full;
    for (int k = 0; k < s->n; k++)
        form->part[k] = form->exact[k] == EXACT_BLOCK || form->exact[k] == EXACT_ROWS ? k : -1;
    for (bool changed = true; changed;) {
        changed = false;
        for (int k = 0; k < s->n; k++) {
            for (int j = 0; j < s->n; j++) {
                bool tied = full->c[k * (full->n_var + 1) + 1 + j] >= 0 || ode_shares(s, k, j);
                if (form->part[k] < 0 || form->part[j] < 0 || !tied) continue;
                if (form->part[k] == form->part[j]) continue;
                int low = form->part[k] < form->part[j] ? form->part[k] : form->part[j];
                form->part[k] = form->part[j] = low;
                changed = true;
            }
        }
    }
    for (int k = 0; k < s->n; k++) {
        for (int j = 0; j < s->n; j++) {
            bool leans = j != k && full->c[k * (full->n_var + 1) + 1 + j] >= 0 && q->moved[j];
            if (form->part[k] < 0 || !(leans || (j != k && ode_shares(s, k, j)))) continue;
            for (int i = 0; i < s->n; i++)
                form->joint[i] = form->joint[i] || form->part[i] == form->part[k];
        }
    }
}

/* Which equations noise moves, directly or through others. */
static void find_moved(const OdeSystem *s, bool *moved)
{
    const Affine *full = &s->form->full;
    for (bool changed = true; changed;) {
        changed = false;
        for (int k = 0; k < s->n; k++) {
            bool now = ode_noisy(s, k);
            for (int j = 0; j < s->n && full->bad[k] < 0; j++)
                now = now || (moved[j] && full->c[k * (full->n_var + 1) + 1 + j] >= 0);
            changed = changed || now != moved[k];
            moved[k] = now;
        }
    }
}

/* The largest set of equations that are exact and depend on exact equations only: start with all
 * that could be alone, strike out what leans on others until nothing changes. */
static void classify(OdeSystem *s)
{
    OdeForm *form = s->form;
    Arena *arena = s->mod->arena;
    size_t n = (size_t)s->n;
    form->exact = arena_many(arena, OdeExact, n);
    form->not_exact = arena_many(arena, const char *, n);
    form->part = arena_many(arena, int, n);
    form->joint = arena_many(arena, bool, n);
    Classes q = {s, arena_many(arena, bool, n), arena_many(arena, bool, n)};
    bool *ready = arena_many(arena, bool, vec_len(form->full.fn.ins) + 1);
    ode_ready(s, &form->full.fn, ready);
    find_moved(s, q.moved);
    for (int k = 0; k < s->n; k++) {
        form->not_exact[k] = alone(s, ready, k, &form->exact[k]);
        q.steady[k] = form->full.bad[k] < 0 && ready_row(s, ready, k, form->full.n_state, form->full.n_var);
        for (int v = form->full.n_state; !s->prepares && v < form->full.n_var; v++) {
            int c = form->full.c[k * (form->full.n_var + 1) + 1 + v];
            q.steady[k] = q.steady[k] && (c < 0 || ir_is_const(&form->full.fn, c, NULL));
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (int k = 0; k < s->n; k++) {
            const char *why_not = "";
            OdeExact was = form->exact[k], kind = was;
            if (was == EXACT_NO) continue;
            for (; kind <= EXACT_LANE && (why_not = together(&q, k, kind)); kind++)
                if (kind == EXACT_BLOCK && !s->prepares) kind++;
            if (kind == was) continue;
            form->exact[k] = why_not ? EXACT_NO : kind;
            if (why_not) form->not_exact[k] = why_not;
            changed = true;
        }
    }
    find_parts(&q);
}

static OdeForm *form_build(OdeSystem *s)
{
    Arena *arena = s->mod->arena;
    OdeForm *form = s->form = arena_one(arena, OdeForm);
    int *state = arena_many(arena, int, (size_t)s->n + 1);
    for (int k = 0; k < s->n; k++)
        state[k] = s->eq[k].field;
    find_noises(s);
    form->full = affine_build(s, s->n, state, form->n_xi, form->xi);
    form->noise = affine_build(s, 0, NULL, form->n_xi, form->xi);
    form->own = arena_many(arena, Affine, (size_t)s->n);
    for (int k = 0; k < s->n; k++)
        form->own[k] = affine_build(s, 1, state + k, 0, NULL);
    classify(s);
    return form;
}

static void form_free(OdeSystem *s)
{
    affine_free(&s->form->full);
    affine_free(&s->form->noise);
    for (int k = 0; k < s->n; k++)
        affine_free(&s->form->own[k]);
    s->form = NULL;
}

/* What the compiler chooses: the exact equations, and one method for the rest (NULL: there is
 * none). */
typedef struct Choice {
    bool *exact, *rest;
    const Integrator *method;
    const char *why, *no_exponential; /* why not exponential Euler, or NULL */
} Choice;

/* Does an equation of `rest` depend on an exact one that is driven by noise? */
static bool follows_noise(const OdeSystem *s, const Choice *c)
{
    for (int k = 0; k < s->n; k++) {
        for (int j = 0; c->rest[k] && j < s->n; j++) {
            const Affine *a = &s->form->noise;
            if (!c->exact[j] || !ode_noisy(s, j)) continue;
            if (affine_reach(&a->fn, a->c[k * (a->n_var + 1)], OP_LOAD, s->eq[j].field) >= 0)
                return true;
        }
    }
    return false;
}

/* Climbs down the ladder of ode.h. */
static Choice choose(const OdeSystem *s)
{
    Arena *arena = s->mod->arena;
    Choice c = {arena_many(arena, bool, (size_t)s->n), arena_many(arena, bool, (size_t)s->n), NULL,
                "", NULL};
    bool any = false;
    for (int k = 0; k < s->n; k++) {
        c.exact[k] = s->form->exact[k] != EXACT_NO;
        c.rest[k] = !c.exact[k];
        any = any || c.rest[k];
    }
    if (!any) return c;
    if (ode_first_noisy(s, c.rest) >= 0) {
        bool heun = s->stratonovich && ode_first_multiplicative(s, c.rest) >= 0;
        c.method = heun ? &integrator_heun : &integrator_euler_maruyama;
        const char *no_milstein = NULL;
        bool closer = ode_first_multiplicative(s, c.rest) >= 0 &&
                      integrator_milstein.valid(s, c.rest, &no_milstein);
        c.why = heun     ? "white noise multiplied by a state, in the sense of Stratonovich"
                : closer ? "white noise multiplied by a state (`milstein` has a higher strong order)"
                         : "white noise in equations that are not exact";
        return c;
    }
    c.method = &integrator_exponential_euler;
    c.why = "linear in itself while the other variables keep their values of the start of the step";
    if (c.method->valid(s, c.rest, &c.no_exponential)) return c;
    bool noisy = follows_noise(s, &c);
    c.method = noisy ? &integrator_euler_maruyama : &integrator_rk4;
    c.why = noisy ? "not linear, and driven by a variable with white noise"
                  : "the general method for equations without noise";
    return c;
}

static void answer(OdeSystem *s, const Choice *c)
{
    Arena *arena = s->mod->arena;
    for (int k = 0; k < s->n; k++) {
        OdeEq *eq = &s->eq[k];
        eq->ruled_out = NULL;
        if (c->exact[k]) {
            eq->method = integrator_exact.name;
            if (ode_noisy(s, k))
                eq->why = s->form->joint[k] ? "linear with additive noise, advanced by its exact law"
                                            : "linear with constant additive noise (Ornstein-Uhlenbeck)";
            else if (s->form->exact[k] == EXACT_BLOCK)
                eq->why = "linear with constant coefficients";
            else if (s->form->exact[k] == EXACT_ROWS)
                eq->why = "linear with parameters as coefficients";
            else
                eq->why = "linear with coefficients that are constant over the step";
            continue;
        }
        eq->method = c->method->name;
        eq->why = c->why;
        eq->ruled_out = arena_printf(arena, "exact: %s", s->form->not_exact[k]);
        if (c->no_exponential) {
            eq->ruled_out =
                arena_printf(arena, "%s; exponential_euler: %s", eq->ruled_out, c->no_exponential);
        }
    }
}

static bool unknown_method(OdeSystem *s)
{
    Buf all = {0};
    const char *name[32];
    for (int i = 0; i < n_integrators && i < 32; i++) {
        name[i] = integrators[i]->name;
        buf_printf(&all, "%s%s", i ? ", " : "", name[i]);
    }
    Diag *d =
        diag_add(s->diags, D_unknown_method, s->method_span, "unknown method `%s`", s->method);
    const char *near = diag_nearest(s->method, name, (size_t)n_integrators);
    if (near) diag_hint(d, "did you mean `%s`?", near);
    diag_note(d, "the methods are %s", all.p);
    buf_free(&all);
    return false;
}

/* The equation as the user wrote it. */
static const char *equation_text(const OdeSystem *s, int k)
{
    const OdeEq *eq = &s->eq[k];
    if (!eq->text) return arena_printf(s->mod->arena, "d%s/dt", eq->name);
    return arena_printf(s->mod->arena, "d%s/dt = %s", eq->name, eq->text);
}

static bool refuse(OdeSystem *s, const Integrator *method, const char *why_not)
{
    int k = s->form->culprit;
    Choice c = choose(s);
    const char *best = c.exact[k] ? "exact" : c.method->name;
    Diag *d = diag_add(s->diags, D_method_invalid, s->method_span,
                       "method `%s` cannot advance `%s`", method->name, s->eq[k].name);
    diag_note_at(d, s->eq[k].span, "`%s`: %s", equation_text(s, k), why_not);
    diag_hint(d, "leave out `method`, and `%s` is advanced by %s", s->eq[k].name, best);
    return false;
}

/* A noise that is squared or in a function has no meaning. */
static bool noise_is_linear(OdeSystem *s)
{
    for (int k = 0; k < s->n; k++) {
        int bad = s->form->noise.bad[k];
        if (bad < 0) continue;
        Diag *d =
            diag_add(s->diags, D_method_invalid, s->eq[k].span,
                     "no method can advance `%s`: white noise must enter linearly", s->eq[k].name);
        diag_note(d, "`%s`: %s", equation_text(s, k), affine_reason(s, &s->form->noise, bad));
        diag_hint(d, "write the equation as a sum of terms such as `sigma*xi`");
        return false;
    }
    return true;
}

/* One method for all equations, as the user asked. */
static bool as_asked(OdeSystem *s, IrFn *step, int *value)
{
    const Integrator *method = integrator_find(s->method);
    const char *why_not = "";
    if (!method) return unknown_method(s);
    bool *all = arena_many(s->mod->arena, bool, (size_t)s->n);
    for (int k = 0; k < s->n; k++)
        all[k] = true;
    if (!method->valid(s, all, &why_not)) return refuse(s, method, why_not);
    for (int k = 0; k < s->n; k++) {
        s->eq[k].method = method->name;
        s->eq[k].why = arena_printf(s->mod->arena, "asked for by `method = %s`", s->method);
        s->eq[k].ruled_out = NULL;
    }
    return method->emit(s, all, step, value);
}

static bool as_chosen(OdeSystem *s, IrFn *step, int *value)
{
    Choice c = choose(s);
    answer(s, &c);
    return integrator_exact.emit(s, c.exact, step, value) &&
           (!c.method || c.method->emit(s, c.rest, step, value));
}

/* See ode.h. Takes no ownership; the answers live in the module's arena. */
bool ode_integrate(OdeSystem *s, IrFn *step)
{
    if (!s->n) return !s->method || integrator_find(s->method) || unknown_method(s);
    int *value = arena_many(s->mod->arena, int, (size_t)s->n);
    form_build(s);
    bool ok =
        noise_is_linear(s) && (s->method ? as_asked(s, step, value) : as_chosen(s, step, value));
    for (int k = 0; ok && k < s->n; k++) {
        const Ins *in = &step->ins[value[k]];
        bool same = in->op == OP_LOAD && in->imm.k == s->eq[k].field;
        if (!same) ir_store(step, s->eq[k].field, value[k], s->eq[k].span);
    }
    form_free(s);
    return ok;
}
