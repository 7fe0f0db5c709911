/* exponential_euler.c: x' = a x + b with a, b of time t_n (Hochbruck & Ostermann 2010, section 2;
 * "cnexp" of NEURON): x(h) = x + (a x + b) h exprel(a h), exact where a and b do not change. */
#include "ode.h"

static bool valid(const OdeSystem *s, const bool *which, const char **why_not)
{
    for (int k = 0; k < s->n; k++) {
        if (!which[k]) continue;
        s->form->culprit = k;
        if (ode_noisy(s, k)) {
            *why_not = arena_printf(
                s->mod->arena, "the equation of `%s` contains the white noise `xi`", s->eq[k].name);
            return false;
        }
        if (s->form->own[k].bad[k] >= 0) {
            *why_not = affine_reason(s, &s->form->own[k], s->form->own[k].bad[k]);
            return false;
        }
    }
    return true;
}

static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    int *slope = cx_alloc((size_t)s->n, sizeof *slope, "exponential Euler");
    int *c = cx_alloc((size_t)s->n * 2, sizeof *c, "exponential Euler");
    ode_slope(s, step, NULL, -1, slope);
    for (int k = 0; k < s->n; k++) {
        if (!which[k]) continue;
        affine_inline(step, &s->form->own[k], NULL, -1, c);
        int h = ir_const(step, s->dt), a = c[k * 2 + 1], gain = h;
        if (a >= 0)
            gain = ir_op2(step, OP_MUL, h, ir_op1(step, OP_EXPREL, ir_op2(step, OP_MUL, a, h)));
        int x = ir_op3(step, OP_FMA, slope[k], gain, ode_state(s, step, k));
        new_value[k] = ode_freeze(s, step, k, x);
    }
    cx_free(c);
    cx_free(slope);
    return true;
}

extern const Integrator integrator_exponential_euler;
const Integrator integrator_exponential_euler = {
    .name = "exponential_euler",
    .doc = "exact for each equation while the other variables are held",
    .order = 1,
    .for_noise = false,
    .valid = valid,
    .emit = emit,
};
