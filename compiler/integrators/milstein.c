/* milstein.c: Milstein's method (1974) for noise whose terms commute (Kloeden & Platen 1992,
 * section 10.3): x(h) = x + h f + sum_m g_m dW_m + 1/2 sum_{m,l} (g_m . grad) g_l (dW_m dW_l - [m =
 * l] h), in the sense of Stratonovich without the last h. The gradients are taken of the equations
 * themselves. */
#include <math.h>

#include "ode.h"

/* Gains g[k*n_xi + m], -1 for zero, and turn[(k*n_xi + m)*n_xi + l] = (g_m . grad) g_l in equation
 * k. */
typedef struct Gains {
    int *c; /* all values of form->noise, drift first */
    int *turn;
} Gains;

/* False at an instruction without a derivative. Frozen variables turn nothing: `still` is true
 * while they are. */
static bool find_gains(const OdeSystem *s, IrFn *f, int still, Gains *g)
{
    const Affine *noise = &s->form->noise;
    Arena *arena = s->mod->arena;
    int n = s->n, m_n = s->form->n_xi, width = m_n + 1, zero = ir_const(f, 0.0);
    int *var = arena_many(arena, int, (size_t)n),
        *d = arena_many(arena, int, (size_t)(n * width * n));
    g->c = arena_many(arena, int, (size_t)(n * width));
    g->turn = arena_many(arena, int, (size_t)(n * m_n * m_n) + 1);
    for (int k = 0; k < n; k++)
        var[k] = s->eq[k].field;
    for (int i = 0; i < n * width * n; i++)
        d[i] = -1;
    if (derive_inline(f, &noise->fn, n, var, g->c, d) >= 0) return false;
    for (int k = 0; k < n * width; k++) {
        if (noise->c[k] < 0) g->c[k] = -1;
    }
    for (int k = 0; k < n * m_n * m_n; k++) {
        int at = k / (m_n * m_n), m = k / m_n % m_n, l = k % m_n, sum = -1;
        for (int j = 0; j < n && g->c[at * width + 1 + l] >= 0; j++) {
            int by = g->c[j * width + 1 + m], slope = d[(at * width + 1 + l) * n + j];
            if (by < 0 || slope < 0) continue;
            if (s->eq[j].frozen && still >= 0) by = ir_op3(f, OP_SELECT, still, zero, by);
            sum = sum < 0 ? ir_op2(f, OP_MUL, by, slope) : ir_op3(f, OP_FMA, by, slope, sum);
        }
        g->turn[k] = sum;
    }
    return true;
}

static const char *xi_name(const OdeSystem *s, int m)
{
    int number = s->form->xi[m];
    return number ? arena_printf(s->mod->arena, "xi_%d", number) : "xi";
}

/* Do noises m and l commute in equation k? What is equal at sixteen points is taken for equal. */
static bool commute(const OdeSystem *s, const IrFn *f, const Gains *g, int k, int m, int l)
{
    int n = s->form->n_xi, a = g->turn[(k * n + m) * n + l], b = g->turn[(k * n + l) * n + m];
    return (a < 0 && b < 0) || derive_same(s->mod, f, a, b);
}

static bool valid(const OdeSystem *s, const bool *which, const char **why_not)
{
    IrFn scratch = {.name = "milstein", .role = FN_DERIV};
    Gains g;
    bool ok = find_gains(s, &scratch, -1, &g);
    if (!ok) {
        s->form->culprit =
            ode_first_multiplicative(s, which) < 0 ? 0 : ode_first_multiplicative(s, which);
        *why_not = "the strength of a noise has no derivative";
    }
    for (int k = 0; ok && k < s->n; k++) {
        for (int m = 0; ok && which[k] && m < s->form->n_xi; m++) {
            for (int l = 0; ok && l < m; l++) {
                if (commute(s, &scratch, &g, k, m, l)) continue;
                s->form->culprit = k;
                *why_not =
                    arena_printf(s->mod->arena,
                                 "the noises `%s` and `%s` do not commute in `%s`: one moves what "
                                 "is the strength of the other",
                                 xi_name(s, l), xi_name(s, m), s->eq[k].name);
                ok = false;
            }
        }
    }
    vec_free(scratch.ins);
    return ok;
}

static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    Gains g;
    int n = s->form->n_xi, still = s->refr_field >= 0 ? ode_refractory(s, step) : -1;
    (void)find_gains(s, step, still, &g);
    for (int k = 0; k < s->n; k++) {
        if (!which[k]) continue;
        int x = ode_increment(s, step, g.c, k, s->dt, sqrt(s->dt), ode_state(s, step, k));
        for (int m = 0; m < n; m++) {
            for (int l = 0; l <= m; l++) {
                int turn = g.turn[(k * n + m) * n + l];
                if (turn < 0) continue;
                int two = ir_op2(step, OP_MUL, ode_xi(s, step, m), ode_xi(s, step, l));
                if (m == l && !s->stratonovich)
                    two = ir_op2(step, OP_SUB, two, ir_const(step, 1.0));
                int weight =
                    ir_op2(step, OP_MUL, ir_const(step, m == l ? s->dt / 2.0 : s->dt), turn);
                x = ir_op3(step, OP_FMA, weight, two, x);
            }
        }
        new_value[k] = ode_freeze(s, step, k, x);
    }
    return true;
}

extern const Integrator integrator_milstein;
const Integrator integrator_milstein = {
    .name = "milstein",
    .doc = "Milstein's method for noise that commutes, of either sense",
    .order = 1,
    .for_noise = true,
    .limit = 2.0,
    .valid = valid,
    .emit = emit,
};
