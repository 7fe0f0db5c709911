/* heun.c: Euler predictor and trapezium with the same draw, which converges to the solution in the
 * sense of Stratonovich (Ruemelin 1982); without noise Heun's method of order 2. */
#include <math.h>

#include "ode.h"

static bool valid(const OdeSystem *s, const bool *which, const char **why_not)
{
    int k = s->stratonovich ? -1 : ode_first_multiplicative(s, which);
    if (k < 0) return true;
    s->form->culprit = k;
    *why_not = arena_printf(s->mod->arena,
                            "the noise of `%s` is multiplied by a state and is meant in the "
                            "sense of Ito, but heun is in the sense of Stratonovich",
                            s->eq[k].name);
    return false;
}

static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    Arena *arena = s->mod->arena;
    size_t n = (size_t)s->n, n_c = n * (size_t)(s->form->n_xi + 1);
    int *c = arena_many(arena, int, n_c), *later = arena_many(arena, int, n_c);
    int *x = arena_many(arena, int, n);
    affine_inline(step, &s->form->noise, NULL, -1, c);
    for (int k = 0; k < s->n; k++) {
        x[k] = new_value[k];
        if (!which[k]) continue;
        x[k] = ode_increment(s, step, c, k, s->dt, sqrt(s->dt), ode_state(s, step, k));
        x[k] = ode_freeze(s, step, k, x[k]);
    }
    int *field = ode_fields(s, x);
    affine_inline(step, &s->form->noise, field, ir_imm(step, OP_T, 1, (Span){0, 0}), later);
    cx_free(field);
    double h = s->dt / 2.0, root = sqrt(s->dt) / 2.0;
    for (int k = 0; k < s->n; k++) {
        if (!which[k]) continue;
        int y = ode_increment(s, step, c, k, h, root, ode_state(s, step, k));
        y = ode_increment(s, step, later, k, h, root, y);
        new_value[k] = ode_freeze(s, step, k, y);
    }
    return true;
}

extern const Integrator integrator_heun;
const Integrator integrator_heun = {
    .name = "heun",
    .doc = "predictor and trapezium, noise in the sense of Stratonovich",
    .order = 2,
    .for_noise = true,
    .limit = 2.0,
    .valid = valid,
    .emit = emit,
};
