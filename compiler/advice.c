/* advice.c: how stiff the equations are where the run begins, and whether the step is near the
 * limit of the methods that advance them. */
#include <math.h>
#include <string.h>

#include "cxmath.h"
#include "ode.h"

/* Where explicit methods become unstable on x' = -l x: the largest h*l; 0 for those without a
 * limit. */
static double limit_of(const char *method)
{
    const Integrator *m = integrator_find(method);
    return m ? m->limit : 0.0;
}

/* The spectral radius of the n x n matrix a, which is overwritten: |a^(2^12)| to the power 2^-12,
 * by squaring. */
static double radius(int n, double *a)
{
    double *square = cx_alloc((size_t)n * (size_t)n + 1, sizeof *square, "stability"),
           log_size = 0.0, power = 1.0;
    for (int round = 0; round <= 12; round++) {
        double most = 0.0;
        for (int i = 0; i < n * n; i++)
            if (!(fabs(a[i]) <= most)) most = fabs(a[i]);
        if (!(most > 0.0 && isfinite(most))) {
            log_size = most == 0.0 ? -INFINITY : NAN;
            break;
        }
        log_size += cx_log(most) / power;
        memset(square, 0, sizeof *square * (size_t)n * (size_t)n);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++)
                for (int j = 0; j < n; j++)
                    square[i * n + j] += a[i * n + k] / most * (a[k * n + j] / most);
        memcpy(a, square, sizeof *a * (size_t)n * (size_t)n);
        power *= 2.0;
    }
    cx_free(square);
    return cx_exp(log_size);
}

/* h times the spectral radius of the derivatives of the equations by each other, with the values
 * that `init` stores for the first neuron (draws at their means, inputs zero); NaN when it is not
 * known. Only equations whose method has a limit count. */
static double stiffness(const OdeSystem *s, const IrFn *init)
{
    Arena *arena = s->mod->arena;
    size_t n = (size_t)s->n, n_fields = vec_len(s->mod->field);
    int *var = arena_many(arena, int, n), *out = arena_many(arena, int, n),
        *d = arena_many(arena, int, n *n);
    double *a = arena_many(arena, double, n *n), *field = arena_many(arena, double, n_fields + 1),
           size = NAN;
    IrFn slopes = {.name = "slopes", .role = FN_DERIV};
    for (size_t k = 0; k < n; k++)
        var[k] = s->eq[k].field;
    if (derive_inline(&slopes, s->deriv, (int)n, var, out, d) < 0) {
        size_t most =
            vec_len(slopes.ins) > vec_len(init->ins) ? vec_len(slopes.ins) : vec_len(init->ins);
        double *value = cx_alloc(most + 1, sizeof *value, "stability");
        derive_numbers(s->mod, init, field, value);
        derive_numbers(s->mod, &slopes, field, value);
        for (size_t i = 0; i < n * n; i++) {
            bool counts =
                limit_of(s->eq[i / n].method) > 0.0 && limit_of(s->eq[i % n].method) > 0.0;
            a[i] = counts && d[i] >= 0 ? s->dt * value[d[i]] : 0.0;
        }
        size = radius((int)n, a);
        cx_free(value);
    }
    vec_free(slopes.ins);
    return size;
}

/* See ode.h. */
const char *advice_stability(const OdeSystem *s, const IrFn *init)
{
    double limit = INFINITY;
    const char *method = NULL;
    for (int k = 0; k < s->n; k++) {
        double at = limit_of(s->eq[k].method);
        if (at <= 0.0 || at >= limit) continue;
        limit = at;
        method = s->eq[k].method;
    }
    if (!method) return NULL;
    double size = stiffness(s, init);
    if (!(size > 0.0)) return NULL;
    const char *text = arena_printf(
        s->mod->arena, "dt*|lambda| is %.2g at the initial values; %s is unstable from about %.2g",
        size, method, limit);
    if (size < limit / 2.0) return text;
    return arena_printf(s->mod->arena, "%s: use `method = stiff` or dt <= %.1g ms", text,
                        s->dt * limit / (2.0 * size));
}
