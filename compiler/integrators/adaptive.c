/* adaptive.c: each neuron divides each step into 2^k equal parts, as many as the error asks for.
 * The pair of orders 3 and 2 of Bogacki & Shampine (1989) takes one whole step to estimate it; then
 * the parts are advanced by the formula of order 3. All parts of a step are equal, so that what a
 * neuron does depends on its own state only.
 *
 * A function takes the whole step where that is enough and else says how many parts the neuron wants;
 * another one does one part; the engine calls the second as often as asked (kernel.h: FN_PARTS,
 * FN_PART). */
#include <math.h>

#include "ode.h"

enum { MAX_HALVINGS = 10 };
static const double tolerance = 1e-6; /* of 1 + |x|, in internal units, for a whole step */

static bool valid(const OdeSystem *s, const bool *which, const char **why_not)
{
    if (s->deriv->lanes == LANE_NEURON) return ode_without_noise(s, which, why_not);
    s->form->culprit = 0;
    *why_not = "the steps of synapses cannot be divided";
    return false;
}

/* v, or x_k where that is frozen; x: the state before. */
static int moved(const OdeSystem *s, IrFn *f, int k, int h, double part, int slope)
{
    int by = ir_op2(f, OP_MUL, h, ir_const(f, part));
    return ode_freeze(s, f, k, ir_op3(f, OP_FMA, by, slope, ode_state(s, f, k)));
}

/* One step of length h from time t: x1, and the error unless that is NULL. */
static void pair(const OdeSystem *s, IrFn *f, int t, int h, int *x1, int *error)
{
    static const double high[3] = {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0},
                        gap[4] = {-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -1.0 / 8.0};
    static const double part[3] = {0.5, 0.75, 1.0};
    size_t n = (size_t)s->n;
    int *k[4], *x = arena_many(s->mod->arena, int, n);
    k[0] = arena_many(s->mod->arena, int, n);
    ode_slope(s, f, NULL, t, k[0]);
    for (int i = 1; i < (error ? 4 : 3); i++) {
        k[i] = arena_many(s->mod->arena, int, n);
        for (int q = 0; q < s->n; q++)
            x[q] = moved(s, f, q, h, part[i - 1], k[i - 1][q]);
        if (i == 3) break;
        ode_slope(s, f, x, ir_op3(f, OP_FMA, h, ir_const(f, part[i - 1]), t), k[i]);
    }
    for (int q = 0; q < s->n; q++) {
        int sum = ir_op2(f, OP_MUL, ir_const(f, high[0]), k[0][q]);
        for (int i = 1; i < 3; i++)
            sum = ir_op3(f, OP_FMA, ir_const(f, high[i]), k[i][q], sum);
        x1[q] = moved(s, f, q, h, 1.0, sum);
    }
    if (!error) return;
    ode_slope(s, f, x1, ir_op2(f, OP_ADD, t, h), k[3]);
    for (int q = 0; q < s->n; q++) {
        int sum = ir_op2(f, OP_MUL, ir_const(f, gap[0]), k[0][q]);
        for (int i = 1; i < 4; i++)
            sum = ir_op3(f, OP_FMA, ir_const(f, gap[i]), k[i][q], sum);
        sum = ir_op2(f, OP_MUL, h, sum);
        if (s->eq[q].frozen && s->refr_field >= 0)
            sum = ir_op3(f, OP_SELECT, ode_refractory(s, f), ir_const(f, 0.0), sum);
        error[q] = sum;
    }
}

/* The sum of squares of the errors over what is tolerated; a sum keeps what is not a number. */
static int excess(const OdeSystem *s, IrFn *f, const int *x1, const int *error)
{
    int sum = -1;
    for (int q = 0; q < s->n; q++) {
        int size =
            ir_op2(f, OP_MAX, ir_op1(f, OP_ABS, ode_state(s, f, q)), ir_op1(f, OP_ABS, x1[q]));
        int room = ir_op3(f, OP_FMA, ir_const(f, tolerance), size, ir_const(f, tolerance));
        int ratio = ir_op2(f, OP_DIV, error[q], room);
        sum = sum < 0 ? ir_op2(f, OP_MUL, ratio, ratio) : ir_op3(f, OP_FMA, ratio, ratio, sum);
    }
    return sum;
}

static int hidden(const OdeSystem *s, const char *name, const char *doc)
{
    return ir_field(s->mod, (IrField){.name = name,
                                      .unit = "ms",
                                      .doc = doc,
                                      .kind = FIELD_HIDDEN,
                                      .lo = -INFINITY,
                                      .hi = INFINITY});
}

/* m parts have an error of m m^-3 of that of the whole: m^4 must reach the excess, a sum of
 * squares. */
static bool emit(OdeSystem *s, const bool *which, IrFn *step, int *new_value)
{
    Arena *arena = s->mod->arena;
    Span none = {0, 0};
    int *x1 = arena_many(arena, int, (size_t)s->n), *error = arena_many(arena, int, (size_t)s->n);
    int part_h = hidden(s, "part.h", "length of the parts of a step"),
        part_t = hidden(s, "part.t", "time reached within the step");
    (void)which;

    IrFn *parts = ir_fn(s->mod, "parts", FN_PARTS, step->lanes);
    int t = ir_imm(parts, OP_T, 0, none), count = ir_const(parts, 1.0);
    pair(s, parts, t, ir_const(parts, s->dt), x1, error);
    int over = excess(s, parts, x1, error);
    for (int k = 0; k < MAX_HALVINGS; k++) {
        int enough = ir_op2(parts, OP_LE, over, ir_const(parts, ldexp(1.0, 4 * k)));
        count = ir_op3(parts, OP_SELECT, enough, count, ir_const(parts, ldexp(1.0, k + 1)));
    }
    ode_note_rough(s, parts, ir_op2(parts, OP_GT, over, ir_const(parts, ldexp(1.0, 4 * MAX_HALVINGS))));
    ir_store(parts, part_h, ir_op2(parts, OP_DIV, ir_const(parts, s->dt), count), none);
    ir_store(parts, part_t, t, none);
    int whole = ir_op2(parts, OP_EQ, count, ir_const(parts, 1.0)); /* that step is done already */
    for (int k = 0; k < s->n; k++) {
        int x = ir_op3(parts, OP_SELECT, whole, x1[k], ode_state(s, parts, k));
        ir_store(parts, s->eq[k].field, x, s->eq[k].span);
    }
    ir_out(parts, 0, ir_op3(parts, OP_SELECT, whole, ir_const(parts, 0.0), count), none);

    IrFn *part = ir_fn(s->mod, "part", FN_PART, step->lanes);
    int h = ir_imm(part, OP_LOAD, part_h, none), now = ir_imm(part, OP_LOAD, part_t, none);
    pair(s, part, now, h, x1, NULL);
    for (int k = 0; k < s->n; k++)
        ir_store(part, s->eq[k].field, x1[k], s->eq[k].span);
    ir_store(part, part_t, ir_op2(part, OP_ADD, now, h), none);
    for (int k = 0; k < s->n; k++)
        new_value[k] = ode_state(s, step, k);
    return true;
}

extern const Integrator integrator_adaptive;
const Integrator integrator_adaptive = {
    .name = "adaptive",
    .doc = "2^k equal parts of a step, as many as its error asks for",
    .order = 3,
    .for_noise = false,
    .valid = valid,
    .emit = emit,
};
