/* euler_maruyama.c: Euler with white noise in the sense of Ito (Maruyama 1955):
 * x(h) = x + h f(x, t_n) + sqrt(h) sum_m g_m(x, t_n) N_m. Strong order 1/2, 1 for additive noise.
 */
#include <math.h>

#include "ode.h"

static bool valid(const OdeSystem *s, const bool *which, const char **why_not)
{
    int k = s->stratonovich ? ode_first_multiplicative(s, which) : -1;
    if (k < 0) return true;
    s->form->culprit = k;
    *why_not = arena_printf(s->mod->arena,
                            "the noise of `%s` is multiplied by a state and the model says "
                            "`noise = stratonovich`, but euler_maruyama is in the sense of Ito",
                            s->eq[k].name);
    return false;
}

static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    int *c = arena_many(s->mod->arena, int, (size_t)s->n *(size_t)(s->form->n_xi + 1));
    affine_inline(step, &s->form->noise, NULL, -1, c);
    for (int k = 0; k < s->n; k++) {
        if (!which[k]) continue;
        int x = ode_increment(s, step, c, k, s->dt, sqrt(s->dt), ode_state(s, step, k));
        new_value[k] = ode_freeze(s, step, k, x);
    }
    return true;
}

extern const Integrator integrator_euler_maruyama;
const Integrator integrator_euler_maruyama = {
    .name = "euler_maruyama",
    .doc = "Euler with white noise in the sense of Ito",
    .order = 1,
    .for_noise = true,
    .limit = 2.0,
    .valid = valid,
    .emit = emit,
};
