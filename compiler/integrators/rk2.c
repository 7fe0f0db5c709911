/* rk2.c: the midpoint rule, x(h) = x + h f(x + h/2 f(x, t_n), t_n + h/2). */
#include "ode.h"

static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    int *dx = arena_many(s->mod->arena, int, (size_t)s->n);
    ode_slope(s, step, NULL, -1, dx);
    ode_stage(s, step, which, s->dt / 2.0, dx);
    for (int k = 0; k < s->n; k++) {
        if (which[k]) new_value[k] = ode_moved(s, step, k, s->dt, dx[k]);
    }
    return true;
}

extern const Integrator integrator_rk2;
const Integrator integrator_rk2 = {
    .name = "rk2",
    .doc = "midpoint rule",
    .order = 2,
    .for_noise = false,
    .limit = 2.0,
    .valid = ode_without_noise,
    .emit = emit,
};
