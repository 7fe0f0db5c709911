/* euler.c: forward Euler, x(h) = x + h f(x, t_n). */
#include "ode.h"

static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    int *dx = arena_many(s->mod->arena, int, (size_t)s->n);
    ode_slope(s, step, NULL, -1, dx);
    for (int k = 0; k < s->n; k++) {
        if (which[k]) new_value[k] = ode_moved(s, step, k, s->dt, dx[k]);
    }
    return true;
}

extern const Integrator integrator_euler;
const Integrator integrator_euler = {
    .name = "euler",
    .doc = "forward Euler, for comparison with other programs",
    .order = 1,
    .for_noise = false,
    .limit = 2.0,
    .valid = ode_without_noise,
    .emit = emit,
};
