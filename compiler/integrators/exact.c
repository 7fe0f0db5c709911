/* exact.c: exact integration of linear equations (Rotter & Diesmann 1999) and of Ornstein-Uhlenbeck
 * processes (Gillespie 1996).
 *
 * Blocks with numbers or parameters as coefficients are those of linear.c. Where a rate is a value of
 * the step, a single equation x' = a x + c, also when driven by decaying y_j' = b_j y_j, is advanced
 * with exp in the step function. */
#include <math.h>

#include "ode.h"

static bool valid(const OdeSystem *s, const bool *which, const char **why_not)
{
    for (int k = 0; k < s->n; k++) {
        if (!which[k] || s->form->exact[k] != EXACT_NO) continue;
        s->form->culprit = k;
        *why_not = s->form->not_exact[k];
        return false;
    }
    return true;
}

/* a*h, or -1 when a is zero. */
static int rate_times(IrFn *f, int a, double h)
{
    return a < 0 ? -1 : ir_op2(f, OP_MUL, a, ir_const(f, h));
}

/* integral of exp(a s) from 0 to h = h exprel(a h), for z = a h. */
static int filled(IrFn *f, int z, double h)
{
    int step = ir_const(f, h);
    return z < 0 ? step : ir_op2(f, OP_MUL, step, ir_op1(f, OP_EXPREL, z));
}

/* (exp(a h) - exp(b h))/(a - b) for za = a h, zb = b h, without cancellation or overflow:
 * h exp(max) exprel(-|za - zb|). */
static int divided_difference(IrFn *f, int za, int zb, double h)
{
    za = za < 0 ? ir_const(f, 0.0) : za;
    zb = zb < 0 ? ir_const(f, 0.0) : zb;
    int apart = ir_op1(f, OP_NEG, ir_op1(f, OP_ABS, ir_op2(f, OP_SUB, za, zb)));
    int peak = ir_op1(f, OP_EXP, ir_op2(f, OP_MAX, za, zb));
    return ir_op2(f, OP_MUL, peak, filled(f, apart, h));
}

/* value[k] for one equation whose rate is a value of the step function. */
static int advance_lane(const OdeSystem *s, int k, double h, const int *c, IrFn *step)
{
    const int width = s->form->full.n_var + 1, *mine = c + k * width;
    int z = rate_times(step, mine[1 + k], h), fill = filled(step, z, h), acc = -1;
    if (mine[0] >= 0) acc = ir_op2(step, OP_MUL, fill, mine[0]);
    for (int j = 0; j < s->n; j++) {
        int gain = mine[1 + j];
        if (j == k || gain < 0) continue;
        int factor = divided_difference(step, z, rate_times(step, c[j * width + 1 + j], h), h);
        if (s->eq[j].frozen && s->refr_field >= 0) {
            factor = ir_op3(step, OP_SELECT, ode_refractory(s, step), fill, factor);
        }
        int weight = ir_op2(step, OP_MUL, factor, gain), y = ode_state(s, step, j);
        acc = acc < 0 ? ir_op2(step, OP_MUL, weight, y) : ir_op3(step, OP_FMA, weight, y, acc);
    }
    int x = ode_state(s, step, k);
    if (z < 0) return acc < 0 ? x : ir_op2(step, OP_ADD, x, acc);
    int decay = ir_op1(step, OP_EXP, z);
    return acc < 0 ? ir_op2(step, OP_MUL, decay, x) : ir_op3(step, OP_FMA, decay, x, acc);
}

/* value + sum over the noises of g sqrt((exp(2 a h) - 1)/(2 a)) N(0, 1): the exact law of
 * x' = a x + … + g xi. spread: the root, if it is a column. */
static int add_noise(const OdeSystem *s, int k, double h, const int *c, IrFn *step, int spread,
                     int value)
{
    const OdeForm *form = s->form;
    const int *mine = c + k * (form->full.n_var + 1);
    for (int m = 0; m < form->n_xi; m++) {
        int gain = mine[1 + form->full.n_state + m];
        if (gain < 0) continue;
        int sd = spread;
        if (sd < 0) {
            int var = filled(step, rate_times(step, mine[1 + k], 2.0 * h), 2.0 * h);
            sd = ir_op1(step, OP_SQRT, ir_op2(step, OP_MUL, ir_const(step, 0.5), var));
        }
        value = ir_op3(step, OP_FMA, ir_op2(step, OP_MUL, gain, sd), ode_xi(s, step, m), value);
    }
    return value;
}

static void advance(const OdeSystem *s, const bool *which, double h, bool noise, IrFn *step,
                    int *value)
{
    const Affine *form = &s->form->full;
    bool any = false;
    for (int k = 0; k < s->n; k++)
        any = any || which[k];
    if (!any) return;
    int *c = cx_alloc((size_t)s->n * (size_t)(form->n_var + 1) + 1, sizeof *c, "exact integration");
    affine_inline(step, form, NULL, -1, c);
    int *spread = cx_alloc((size_t)s->n + 1, sizeof *spread, "exact integration");
    for (int k = 0; k < s->n; k++)
        spread[k] = -1;
    linear_advance(s, which, h, noise, step, value, spread);
    for (int k = 0; k < s->n; k++) {
        if (!which[k]) continue;
        if (s->form->exact[k] == EXACT_LANE) value[k] = advance_lane(s, k, h, c, step);
        if (noise && !s->form->joint[k])
            value[k] = add_noise(s, k, h, c, step, spread[k], value[k]);
        value[k] = ode_freeze(s, step, k, value[k]);
    }
    cx_free(spread);
    cx_free(c);
}

/* The states of the exact equations `which` at t_n + h, for the stages of other methods. */
void exact_advance(const OdeSystem *s, const bool *which, double h, IrFn *step, int *value)
{
    advance(s, which, h, false, step, value);
}

static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    advance(s, which, s->dt, true, step, new_value);
    return true;
}

extern const Integrator integrator_exact;
const Integrator integrator_exact = {
    .name = "exact",
    .doc = "matrix exponential of linear equations, exact for any dt",
    .order = 0,
    .for_noise = true,
    .valid = valid,
    .emit = emit,
};
