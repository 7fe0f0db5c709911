/* rk4.c: the classical Runge-Kutta method (Kutta 1901). Equations that are advanced exactly enter
 * with their states at the stages' times t_n + h/2 and t_n + h, so that order 4 is kept. */
#include "ode.h"

static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    Arena *arena = s->mod->arena;
    int *dx = arena_many(arena, int, (size_t)s->n), *sum = arena_many(arena, int, (size_t)s->n);
    int two = ir_const(step, 2.0);
    ode_slope(s, step, NULL, -1, dx);
    for (int k = 0; k < s->n; k++)
        sum[k] = dx[k];
    for (int r = 0; r < 2; r++) {
        ode_stage(s, step, which, s->dt / 2.0, dx);
        for (int k = 0; k < s->n; k++)
            sum[k] = ir_op3(step, OP_FMA, two, dx[k], sum[k]);
    }
    ode_stage(s, step, which, s->dt, dx);
    for (int k = 0; k < s->n; k++) {
        if (!which[k]) continue;
        new_value[k] = ode_moved(s, step, k, s->dt / 6.0, ir_op2(step, OP_ADD, sum[k], dx[k]));
    }
    return true;
}

extern const Integrator integrator_rk4;
const Integrator integrator_rk4 = {
    .name = "rk4",
    .doc = "the classical Runge-Kutta method",
    .order = 4,
    .for_noise = false,
    .limit = 2.785,
    .valid = ode_without_noise,
    .emit = emit,
};
