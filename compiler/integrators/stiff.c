/* stiff.c: a linearly implicit Rosenbrock method of order 3 with four stages, stiffly accurate and
 * L-stable (RODAS3 of Sandu et al. 1997; Hairer & Wanner 1996, section IV.7): with W = 1/(g h) - J,
 *     W K_i = f(t + a_i h, x + sum_j a_ij K_j) + sum_j c_ij/h K_j + g_i h df/dt,   x(h) = x + sum_i
 * m_i K_i. J is derived from the equations. W is factored once a step, without pivots, in
 * straight-line code that knows which entries are zero; equations that do not depend on each other
 * cost nothing together. */
#include "ode.h"

enum { STAGES = 4, MAX_LOOP = 8 };
static const double gross = 0.1; /* an error of this much of 1 + |x| in one step is told */
static const double gamma_0 = 0.5, node[STAGES] = {0.0, 0.0, 1.0, 1.0},
                    slope_t[STAGES] = {0.5, 1.5, 0.0, 0.0};
static const double weight[STAGES] = {2.0, 0.0, 1.0, 1.0};
static const double at[STAGES][STAGES] = {{0}, {0}, {2.0}, {2.0, 0.0, 1.0}};
static const double carry[STAGES][STAGES] = {{0}, {4.0}, {1.0, -1.0}, {1.0, -1.0, -8.0 / 3.0}};

/* The matrix and what it acts on, in an order in which what an equation depends on comes before it.
 */
typedef struct Stiff {
    int n;
    int *order; /* order[i]: the equation in row i */
    int *w;     /* entries, then factors; -1 for zero */
} Stiff;

/* Equations that depend on each other in a loop, by transitive closure of the pattern of J. */
static void closure(const OdeSystem *s, const int *d, bool *reach)
{
    int n = s->n;
    for (int i = 0; i < n * n; i++)
        reach[i] = d[i / n * (n + 1) + i % n] >= 0 || i / n == i % n;
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n && reach[i * n + k]; j++)
                reach[i * n + j] = reach[i * n + j] || reach[k * n + j];
        }
    }
}

/* Derivatives by all states, and by time in the last place of each row. */
static int jacobian(const OdeSystem *s, IrFn *f, int *out, int *d)
{
    int n = s->n, *var = arena_many(s->mod->arena, int, (size_t)n + 1);
    for (int k = 0; k < n; k++)
        var[k] = s->eq[k].field;
    var[n] = DERIVE_TIME;
    return derive_inline(f, s->deriv, n + 1, var, out, d);
}

static bool valid(const OdeSystem *s, const bool *which, const char **why_not)
{
    if (!ode_without_noise(s, which, why_not)) return false;
    Arena *arena = s->mod->arena;
    size_t n = (size_t)s->n;
    IrFn scratch = {.name = "stiff", .role = FN_DERIV};
    int *out = arena_many(arena, int, n), *d = arena_many(arena, int, n *(n + 1));
    bool *reach = arena_many(arena, bool, n *n);
    int bad = jacobian(s, &scratch, out, d);
    vec_free(scratch.ins);
    s->form->culprit = 0;
    if (bad >= 0) {
        *why_not =
            arena_printf(arena, "%s has no derivative", ir_op_table[s->deriv->ins[bad].op].name);
        return false;
    }
    closure(s, d, reach);
    for (size_t k = 0; k < n; k++) {
        int loop = 0;
        for (size_t j = 0; j < n; j++)
            loop += reach[k * n + j] && reach[j * n + k];
        if (loop <= MAX_LOOP) continue;
        s->form->culprit = (int)k;
        *why_not = arena_printf(
            arena,
            "%d equations depend on each other around `%s`; this method solves %d together at most",
            loop, s->eq[k].name, (int)MAX_LOOP);
        return false;
    }
    return true;
}

/* What an equation depends on goes before it; loops stay together. */
static void sort(const OdeSystem *s, const bool *reach, int *order)
{
    int n = s->n, at_end = 0;
    bool *done = arena_many(s->mod->arena, bool, (size_t)n);
    while (at_end < n) {
        for (int k = 0; k < n; k++) {
            bool ready = !done[k];
            for (int j = 0; j < n; j++)
                ready = ready && (!reach[k * n + j] || reach[j * n + k] || done[j]);
            if (!ready) continue;
            for (int j = 0; j < n; j++) {
                if (done[j] || !reach[k * n + j] || !reach[j * n + k]) continue;
                done[j] = true;
                order[at_end++] = j;
            }
        }
    }
}

/* a - b*c with -1 for zero. */
static int less(IrFn *f, int a, int b, int c)
{
    if (b < 0 || c < 0) return a;
    if (a < 0) return ir_op1(f, OP_NEG, ir_op2(f, OP_MUL, b, c));
    return ir_op3(f, OP_FMA, ir_op1(f, OP_NEG, b), c, a);
}

/* W = L U in place, L with ones on its diagonal; the diagonal of U is kept inverted. */
static void factor(IrFn *f, Stiff *m)
{
    int n = m->n;
    for (int k = 0; k < n; k++) {
        m->w[k * n + k] = ir_op2(f, OP_DIV, ir_const(f, 1.0), m->w[k * n + k]);
        for (int i = k + 1; i < n; i++) {
            if (m->w[i * n + k] < 0) continue;
            m->w[i * n + k] = ir_op2(f, OP_MUL, m->w[i * n + k], m->w[k * n + k]);
            for (int j = k + 1; j < n; j++)
                m->w[i * n + j] = less(f, m->w[i * n + j], m->w[i * n + k], m->w[k * n + j]);
        }
    }
}

/* x = W^-1 x, where x is in the order of the equations. */
static void solve(IrFn *f, const Stiff *m, int *x)
{
    int n = m->n;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++)
            x[m->order[i]] = less(f, x[m->order[i]], m->w[i * n + j], x[m->order[j]]);
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++)
            x[m->order[i]] = less(f, x[m->order[i]], m->w[i * n + j], x[m->order[j]]);
        x[m->order[i]] = ir_op2(f, OP_MUL, x[m->order[i]], m->w[i * n + i]);
    }
}

/* v, or zero where equation k is frozen and the neuron refractory. */
static int unless_frozen(const OdeSystem *s, IrFn *f, int k, int v)
{
    if (v < 0 || !s->eq[k].frozen || s->refr_field < 0) return v;
    return ir_op3(f, OP_SELECT, ode_refractory(s, f), ir_const(f, 0.0), v);
}

/* acc + c*v, c a number. */
static int plus(IrFn *f, int acc, double c, int v)
{
    return c == 0.0 || v < 0 ? acc : ir_op3(f, OP_FMA, ir_const(f, c), v, acc);
}

/* The last stage is the difference from the formula of order 2 that the others make up. */
static void note_error(OdeSystem *s, IrFn *f, const int *last, const int *x1)
{
    int rough = -1;
    for (int q = 0; q < s->n; q++) {
        if (last[q] < 0) continue;
        int size = ir_op2(f, OP_MAX, ir_op1(f, OP_ABS, ode_state(s, f, q)), ir_op1(f, OP_ABS, x1[q]));
        int room = ir_op3(f, OP_FMA, ir_const(f, gross), size, ir_const(f, gross));
        int over = ir_op2(f, OP_GT, ir_op1(f, OP_ABS, last[q]), room);
        rough = rough < 0 ? over : ir_op2(f, OP_OR, rough, over);
    }
    if (rough >= 0) ode_note_rough(s, f, rough);
}

static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    Arena *arena = s->mod->arena;
    int n = s->n;
    size_t nn = (size_t)n * (size_t)n;
    int *f0 = arena_many(arena, int, (size_t)n), *d = arena_many(arena, int, nn + (size_t)n),
        *k[STAGES];
    int *x = arena_many(arena, int, (size_t)n);
    bool *reach = arena_many(arena, bool, nn);
    Stiff m = {.n = n, .order = arena_many(arena, int, (size_t)n), .w = arena_many(arena, int, nn)};
    (void)which;
    (void)jacobian(s, step, f0, d);
    closure(s, d, reach);
    sort(s, reach, m.order);
    for (int i = 0; i < n * n; i++) {
        int row = m.order[i / n], column = m.order[i % n],
            entry = unless_frozen(s, step, row, d[row * (n + 1) + column]);
        m.w[i] = entry < 0 ? -1 : ir_op1(step, OP_NEG, entry);
        if (i / n == i % n) {
            int diagonal = ir_const(step, 1.0 / (gamma_0 * s->dt));
            m.w[i] = entry < 0 ? diagonal : ir_op2(step, OP_SUB, diagonal, entry);
        }
    }
    factor(step, &m);
    for (int i = 0; i < STAGES; i++) {
        k[i] = arena_many(arena, int, (size_t)n);
        bool moved = false;
        for (int q = 0; q < n; q++) {
            x[q] = ode_state(s, step, q);
            for (int j = 0; j < i; j++) {
                x[q] = plus(step, x[q], at[i][j], k[j][q]);
                moved = moved || at[i][j] != 0.0;
            }
        }
        if (moved) ode_slope(s, step, x, ir_imm(step, OP_T, node[i] == 1.0, (Span){0, 0}), k[i]);
        for (int q = 0; q < n; q++) {
            int r = unless_frozen(s, step, q, moved ? k[i][q] : f0[q]);
            for (int j = 0; j < i; j++)
                r = plus(step, r, carry[i][j] / s->dt, k[j][q]);
            k[i][q] =
                plus(step, r, slope_t[i] * s->dt, unless_frozen(s, step, q, d[q * (n + 1) + n]));
        }
        solve(step, &m, k[i]);
    }
    for (int q = 0; q < n; q++) {
        int sum = ode_state(s, step, q);
        for (int i = 0; i < STAGES; i++)
            sum = plus(step, sum, weight[i], k[i][q]);
        new_value[q] = ode_freeze(s, step, q, sum);
    }
    if (step->lanes == LANE_NEURON) note_error(s, step, k[STAGES - 1], new_value);
    return true;
}

extern const Integrator integrator_stiff;
const Integrator integrator_stiff = {
    .name = "stiff",
    .doc = "linearly implicit Rosenbrock method, for steps longer than the fastest time constant",
    .order = 3,
    .for_noise = false,
    .valid = valid,
    .emit = emit,
};
