/* exact.c: exact integration of linear equations (Rotter & Diesmann 1999) and of Ornstein-Uhlenbeck
 * processes (Gillespie 1996).
 *
 * A block x' = A x + c with numbers in A becomes x(h) = P x + Q c with P = exp(A h) and Q its
 * integral (Van Loan 1978). Where a rate differs between neurons or runs, a single equation x' = a
 * x + c, also when driven by decaying y_j' = b_j y_j, is advanced with exp in the step function. */
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

/* acc + c*v as one fused operation; acc -1 is an empty sum. */
static int plus(IrFn *f, int acc, double c, int v)
{
    if (c == 0.0) return acc;
    if (acc < 0) return c == 1.0 ? v : ir_op2(f, OP_MUL, ir_const(f, c), v);
    return c == 1.0 ? ir_op2(f, OP_ADD, v, acc) : ir_op3(f, OP_FMA, ir_const(f, c), v, acc);
}

/* The constant-coefficient equations eq[0 … n-1] with their states x. The free term of each is
 * gain*feed + offset (feed -1: offset only). */
typedef struct Block {
    int n;
    int *eq, *x, *feed;
    double *gain, *offset;
    bool *frozen;
    double *a, *p, *q, *p_refr, *q_refr;
} Block;

/* Peels constants off value v = gain*u + offset and returns u, or -1 when nothing is left. They go
 * into the propagator, so that (EL + R*I)/tau costs one operation. */
static int peel(const IrFn *f, int v, double *gain, double *offset)
{
    *gain = 1.0;
    *offset = 0.0;
    for (;;) {
        const Ins *in = &f->ins[v];
        double c, d;
        if (ir_is_const(f, v, &c)) {
            *offset += *gain * c;
            return -1;
        }
        int a = in->arg[0], b = in->arg[1];
        bool left = a >= 0 && ir_is_const(f, a, &c);
        bool right = !left && b >= 0 && ir_is_const(f, b, &c);
        if (in->op == OP_NEG) {
            *gain = -*gain;
        } else if (in->op == OP_ADD && (left || right)) {
            *offset += *gain * c;
        } else if (in->op == OP_SUB && (left || right)) {
            *offset += left ? *gain * c : -*gain * c;
            if (left) *gain = -*gain;
        } else if (in->op == OP_FMA && (left || right) && ir_is_const(f, in->arg[2], &d)) {
            *offset += *gain * d;
            *gain *= c;
        } else if (in->op == OP_MUL && (left || right)) {
            *gain *= c;
        } else if (in->op == OP_DIV && right) {
            *gain /= c;
        } else {
            return v;
        }
        v = left ? b : a;
    }
}

/* Row i of P x + Q c: constants first, then free terms, then other states, its own state last.
 * `still` leaves out the free terms of frozen equations. */
static int row(IrFn *f, const Block *b, int i, const double *p, const double *q, bool still)
{
    double sum = 0.0;
    int n = b->n, acc = -1;
    for (int j = 0; j < n; j++) {
        if (!still || !b->frozen[j]) sum = fma(q[i * n + j], b->offset[j], sum);
    }
    if (sum != 0.0) acc = ir_const(f, sum);
    for (int j = 0; j < n; j++) {
        if (b->feed[j] < 0 || (still && b->frozen[j])) continue;
        acc = plus(f, acc, q[i * n + j] * b->gain[j], b->feed[j]);
    }
    for (int k = 0; k < n; k++) {
        if (k != i) acc = plus(f, acc, p[i * n + k], b->x[k]);
    }
    acc = plus(f, acc, p[i * n + i], b->x[i]);
    return acc < 0 ? ir_const(f, 0.0) : acc;
}

/* Does equation i follow a frozen one, so that it needs a second row while refractory? */
static bool follows_frozen(const Block *b, int i)
{
    for (int j = 0; j < b->n; j++) {
        int at = i * b->n + j;
        if (j != i && b->frozen[j] &&
            (b->p[at] != 0.0 || b->q[at] != 0.0 || b->p_refr[at] != 0.0)) {
            return true;
        }
    }
    return false;
}

static void propagators(Block *b, double h, Arena *arena)
{
    size_t n = (size_t)b->n;
    double *still = arena_many(arena, double, n *n);
    b->p = arena_many(arena, double, n *n);
    b->q = arena_many(arena, double, n *n);
    b->p_refr = arena_many(arena, double, n *n);
    b->q_refr = arena_many(arena, double, n *n);
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            still[i * n + j] = b->frozen[i] ? 0.0 : b->a[i * n + j];
        any = any || b->frozen[i];
    }
    expm_step(b->n, b->a, h, b->p, b->q);
    if (any) expm_step(b->n, still, h, b->p_refr, b->q_refr);
}

/* value[k] for the equations of `which` whose coefficients are numbers; c: their affine form. */
static void advance_block(const OdeSystem *s, const bool *which, double h, const int *c, IrFn *step,
                          int *value)
{
    Arena *arena = s->mod->arena;
    const Affine *form = &s->form->full;
    int width = form->n_var + 1;
    size_t most = (size_t)s->n;
    Block b = {.eq = arena_many(arena, int, most),
               .x = arena_many(arena, int, most),
               .feed = arena_many(arena, int, most),
               .frozen = arena_many(arena, bool, most),
               .gain = arena_many(arena, double, most),
               .offset = arena_many(arena, double, most)};
    for (int k = 0; k < s->n; k++) {
        if (!which[k] || s->form->exact[k] != EXACT_BLOCK) continue;
        b.eq[b.n] = k;
        b.x[b.n] = ode_state(s, step, k);
        int free_term = c[k * width];
        b.feed[b.n] = free_term < 0 ? -1 : peel(step, free_term, &b.gain[b.n], &b.offset[b.n]);
        b.frozen[b.n] = s->eq[k].frozen && s->refr_field >= 0;
        b.n++;
    }
    if (!b.n) return;
    b.a = arena_many(arena, double, (size_t)b.n *(size_t)b.n);
    for (int i = 0; i < b.n; i++) {
        for (int j = 0; j < b.n; j++) {
            int v = form->c[b.eq[i] * width + 1 + b.eq[j]];
            if (v >= 0) ir_is_const(&form->fn, v, &b.a[i * b.n + j]);
        }
    }
    propagators(&b, h, arena);
    for (int i = 0; i < b.n; i++) {
        int k = b.eq[i], now = row(step, &b, i, b.p, b.q, false);
        if (!b.frozen[i] && follows_frozen(&b, i)) {
            int still = row(step, &b, i, b.p_refr, b.q_refr, true);
            now = ir_op3(step, OP_SELECT, ode_refractory(s, step), still, now);
        }
        value[k] = now;
    }
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
 * x' = a x + … + g xi. */
static int add_noise(const OdeSystem *s, int k, double h, const int *c, IrFn *step, int value)
{
    const OdeForm *form = s->form;
    const int *mine = c + k * (form->full.n_var + 1);
    for (int m = 0; m < form->n_xi; m++) {
        int gain = mine[1 + form->full.n_state + m];
        if (gain < 0) continue;
        int var = filled(step, rate_times(step, mine[1 + k], 2.0 * h), 2.0 * h);
        int sd = ir_op1(step, OP_SQRT, ir_op2(step, OP_MUL, ir_const(step, 0.5), var));
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
    advance_block(s, which, h, c, step, value);
    for (int k = 0; k < s->n; k++) {
        if (!which[k]) continue;
        if (s->form->exact[k] == EXACT_LANE) value[k] = advance_lane(s, k, h, c, step);
        if (noise) value[k] = add_noise(s, k, h, c, step, value[k]);
        value[k] = ode_freeze(s, step, k, value[k]);
    }
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
