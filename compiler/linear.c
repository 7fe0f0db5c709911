/* linear.c: blocks x' = A x + c + G xi whose coefficients are numbers or parameters, advanced by
 * x(h) = P x + Q c + L N with P = exp(A h), Q its integral (Rotter & Diesmann 1999) and L L^T the
 * covariance of the noise after h (Van Loan 1978).
 *
 * Entries that depend on numbers only are numbers of the step function. The others are hidden
 * columns that the engine fills before the run, as a PlanExact tells, with one matrix exponential
 * for each distinct row of parameters. Which entries those are follows from the graph of A: P_ij
 * depends on the coefficients that lie on some path from i to j, on nothing else. */
#include <math.h>
#include <string.h>

#include "ode.h"

typedef struct Known { /* an entry: a number, or an output of the matrix function */
    bool varies;
    double num;
    int out; /* -1: zero */
} Known;

typedef struct Side { /* the block, or what is left of it while the neuron is refractory */
    const char *suffix;
    bool still;
    Known *a;
    bool *reach;   /* reach[i*n + j]: a path leads from i to j */
    double *p, *q; /* right where an entry does not vary */
    PlanExact job;
    bool wanted; /* the job writes a column that no earlier one writes */
} Side;

typedef struct Block {
    const OdeSystem *s;
    IrFn *step, *fn; /* fn: the matrix function, NULL when all entries are numbers */
    IrFn form;       /* the affine form; its outputs are the entries, then the feeds */
    double h;
    bool uniform; /* of the columns */
    int n;
    int *eq, *x, *feed; /* equations, states, u_j as values of step (-1: c_j = offset_j) */
    Known *gain, *offset;
    bool *frozen;
    bool any_frozen;
} Block;

static const char *name_of(const Block *b, int i)
{
    return b->s->eq[b->eq[i]].name;
}

static Arena *arena_of(const Block *b)
{
    return b->s->mod->arena;
}

/* ---- reading ---- */

static Known entry(Block *b, int v, int *n_out)
{
    Known e = {.out = -1};
    if (v < 0) return e;
    e.varies = !ir_is_const(&b->form, v, &e.num);
    if (!e.varies && e.num == 0.0) return e;
    e.out = (*n_out)++;
    ir_out(&b->form, e.out, v, (Span){0, 0});
    return e;
}

/* Peels what is `known` off value v = gain*u + offset and returns u, or -1 when nothing is left. It
 * goes into the propagator, so that (EL + R*I)/tau costs one operation. */
static int peel(IrFn *f, const bool *known, int v, int *gain, int *offset)
{
    *gain = ir_const(f, 1.0);
    *offset = ir_const(f, 0.0);
    for (;;) {
        Ins in = f->ins[v];
        if (known[v]) {
            *offset = ir_op2(f, OP_ADD, *offset, ir_op2(f, OP_MUL, *gain, v));
            return -1;
        }
        int a = in.arg[0], b = in.arg[1];
        bool left = a >= 0 && known[a], right = !left && b >= 0 && known[b];
        int c = left ? a : b, times = left || right ? ir_op2(f, OP_MUL, *gain, c) : -1;
        if (in.op == OP_NEG) {
            *gain = ir_op1(f, OP_NEG, *gain);
        } else if (in.op == OP_ADD && (left || right)) {
            *offset = ir_op2(f, OP_ADD, *offset, times);
        } else if (in.op == OP_SUB && (left || right)) {
            *offset = ir_op2(f, left ? OP_ADD : OP_SUB, *offset, times);
            if (left) *gain = ir_op1(f, OP_NEG, *gain);
        } else if (in.op == OP_FMA && (left || right) && known[in.arg[2]]) {
            int more = ir_op2(f, OP_MUL, *gain, in.arg[2]);
            *offset = ir_op2(f, OP_ADD, *offset, more);
            *gain = times;
        } else if (in.op == OP_MUL && (left || right)) {
            *gain = times;
        } else if (in.op == OP_DIV && right) {
            *gain = ir_op2(f, OP_DIV, *gain, c);
        } else {
            return v;
        }
        v = left ? b : a;
    }
}

/* The matrix function of the block: the first n_out outputs of the form. */
static IrFn *matrix_function(Block *b, int n_out)
{
    IrModule *m = b->s->mod;
    const char *name = arena_printf(m->arena, "matrix.%s", name_of(b, 0));
    IrFn *fn = ir_fn_find(m, name);
    if (!fn) {
        int *value = arena_many(m->arena, int, (size_t)b->form.n_out + 1);
        fn = ir_fn(m, name, FN_MATRIX, b->form.lanes);
        ir_inline(fn, &b->form, NULL, -1, NULL, value);
        for (int k = 0; k < n_out; k++)
            ir_out(fn, k, value[k], (Span){0, 0});
    }
    bool *same = arena_many(m->arena, bool, vec_len(fn->ins) + 1);
    ir_uniform(m, fn, same);
    b->uniform = true;
    for (size_t v = 0; v < vec_len(fn->ins); v++)
        b->uniform = b->uniform && (fn->ins[v].op != OP_OUT || same[v]);
    return fn;
}

/* Which paths there are, and the numbers of the propagators as far as they are numbers. */
static void side_finish(Block *b, Side *d)
{
    int n = b->n;
    double *a = arena_many(arena_of(b), double, (size_t)n *(size_t)n);
    d->reach = arena_many(arena_of(b), bool, (size_t)n *(size_t)n);
    d->p = arena_many(arena_of(b), double, (size_t)n *(size_t)n);
    d->q = arena_many(arena_of(b), double, (size_t)n *(size_t)n);
    for (int i = 0; i < n * n; i++) {
        a[i] = d->a[i].varies ? 0.0 : d->a[i].num;
        d->reach[i] = d->a[i].varies || d->a[i].num != 0.0 || i % n == i / n;
    }
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n && d->reach[i * n + k]; j++)
                d->reach[i * n + j] = d->reach[i * n + j] || d->reach[k * n + j];
        }
    }
    expm_step(n, a, b->h, d->p, d->q);
}

static Side side_of(Block *b, const Known *a, bool still)
{
    int n = b->n;
    Side d = {.still = still, .suffix = still ? ".held" : ""};
    d.a = arena_many(arena_of(b), Known, (size_t)n * (size_t)n);
    for (int i = 0; i < n * n; i++)
        d.a[i] = still && b->frozen[i / n] ? (Known){.out = -1} : a[i];
    side_finish(b, &d);
    return d;
}

/* ---- columns ---- */

static int *absent(const Block *b, int n)
{
    int *v = arena_many(arena_of(b), int, (size_t)n + 1);
    memset(v, -1, sizeof *v * (size_t)n);
    return v;
}

static void job_begin(Block *b, Side *d)
{
    int n = b->n, *a = absent(b, n * n), *gain = absent(b, n), *offset = absent(b, n);
    for (int i = 0; i < n * n; i++)
        a[i] = d->a[i].out;
    for (int j = 0; j < n; j++) {
        gain[j] = b->gain[j].out;
        offset[j] = d->still && b->frozen[j] ? -1 : b->offset[j].out;
    }
    d->wanted = false;
    d->job = (PlanExact){.fn = -1,
                         .h = b->h,
                         .n = n,
                         .a = a,
                         .g = absent(b, 0),
                         .gain = gain,
                         .offset = offset,
                         .p = absent(b, n * n),
                         .f = absent(b, n * n),
                         .l = absent(b, n * n),
                         .b = absent(b, n)};
}

static void job_end(Block *b, const Side *d)
{
    if (d->wanted) vec_push(((OdeSystem *)b->s)->job, ((OdeJob){.fn = b->fn, .plan = d->job}));
}

/* The value of the column `what` of a side, at place `at` of the job's list `to`. */
static int column(Block *b, Side *d, const char *what, const int *to, int at)
{
    IrModule *m = b->s->mod;
    const char *name =
        arena_printf(m->arena, "%s%s%s", what, b->h == b->s->dt ? "" : ".half", d->suffix);
    int field = ir_field_find(m, name);
    if (field < 0) {
        field = ir_field(m, (IrField){.name = name,
                                      .unit = "",
                                      .doc = "entry of a propagator",
                                      .kind = FIELD_HIDDEN,
                                      .uniform = b->uniform,
                                      .lo = -INFINITY,
                                      .hi = INFINITY});
        ((int *)to)[at] = field;
        d->wanted = true;
    }
    return ir_imm(b->step, OP_LOAD, field, (Span){0, 0});
}

/* Does any coefficient on a path from i to j vary? */
static bool path_varies(const Block *b, const Side *d, int i, int j)
{
    int n = b->n;
    for (int u = 0; u < n; u++) {
        for (int v = 0; v < n && d->reach[i * n + u]; v++) {
            if (d->a[u * n + v].varies && d->reach[v * n + j]) return true;
        }
    }
    return false;
}

/* ---- rows ---- */

/* acc + c*v as one fused operation; acc -1 is an empty sum. */
static int plus(IrFn *f, int acc, int c, int v)
{
    double x;
    bool number = ir_is_const(f, c, &x);
    if (number && x == 0.0) return acc;
    if (acc < 0) return number && x == 1.0 ? v : ir_op2(f, OP_MUL, c, v);
    return number && x == 1.0 ? ir_op2(f, OP_ADD, v, acc) : ir_op3(f, OP_FMA, c, v, acc);
}

static int propagated(Block *b, Side *d, int i, int j)
{
    int at = i * b->n + j;
    if (!path_varies(b, d, i, j)) return ir_const(b->step, d->p[at]);
    return column(b, d, arena_printf(arena_of(b), "%s.P.%s", name_of(b, i), name_of(b, j)),
                  d->job.p, at);
}

static int fed(Block *b, Side *d, int i, int j)
{
    int at = i * b->n + j;
    if (!b->gain[j].varies && !path_varies(b, d, i, j))
        return ir_const(b->step, d->q[at] * b->gain[j].num);
    return column(b, d, arena_printf(arena_of(b), "%s.F.%s", name_of(b, i), name_of(b, j)),
                  d->job.f, at);
}

/* Sum over j of Q_ij offset_j, -1 when there is nothing. */
static int constant(Block *b, Side *d, int i)
{
    double sum = 0.0;
    bool varies = false;
    for (int j = 0; j < b->n; j++) {
        bool counts =
            d->reach[i * b->n + j] && b->offset[j].out >= 0 && !(d->still && b->frozen[j]);
        if (!counts) continue;
        varies = varies || b->offset[j].varies || path_varies(b, d, i, j);
        sum = fma(d->q[i * b->n + j], b->offset[j].num, sum);
    }
    if (varies) return column(b, d, arena_printf(arena_of(b), "%s.B", name_of(b, i)), d->job.b, i);
    return sum != 0.0 ? ir_const(b->step, sum) : -1;
}

/* Row i of P x + Q c: constants first, then free terms, then other states, its own state last. */
static int row(Block *b, Side *d, int i)
{
    int n = b->n, acc = constant(b, d, i);
    for (int j = 0; j < n; j++) {
        if (b->feed[j] < 0 || !d->reach[i * n + j] || (d->still && b->frozen[j])) continue;
        acc = plus(b->step, acc, fed(b, d, i, j), b->feed[j]);
    }
    for (int k = 0; k < n; k++) {
        if (k != i && d->reach[i * n + k])
            acc = plus(b->step, acc, propagated(b, d, i, k), b->x[k]);
    }
    acc = plus(b->step, acc, propagated(b, d, i, i), b->x[i]);
    return acc < 0 ? ir_const(b->step, 0.0) : acc;
}

/* ---- noise ---- */

/* The strengths of the noises of one kind, own or shared: g[i*n_m + m]. */
typedef struct Noise {
    unsigned flags;
    int n_m, *m; /* indices of form->xi */
    Known *g;
} Noise;

static bool moves(const Block *b, const Side *d, const Noise *w, int i)
{
    for (int j = 0; j < b->n; j++) {
        for (int m = 0; m < w->n_m; m++) {
            if (!(d->still && b->frozen[j]) && w->g[j * w->n_m + m].out >= 0 &&
                d->reach[i * b->n + j])
                return true;
        }
    }
    return false;
}

/* The draw of pivot j: the noises of the block in turn, then further ones called after equations.
 */
static int pivot(Block *b, const Noise *w, int j)
{
    if (j < w->n_m) return ode_xi(b->s, b->step, w->m[j]);
    const char *name =
        arena_printf(arena_of(b), "%s.%s", w->flags ? "shared xi" : "xi", name_of(b, j));
    return ode_normal(b->s, b->step, name, w->flags);
}

/* value[i] += row i of L N for the noises of one kind. */
static void add_noise(Block *b, Side *d, const Noise *w, int *value)
{
    int n = b->n, *g = absent(b, n * w->n_m);
    bool varies = false;
    double *l = arena_many(arena_of(b), double, (size_t)n *(size_t)n);
    double *a = arena_many(arena_of(b), double, (size_t)n *(size_t)n);
    double *num = arena_many(arena_of(b), double, (size_t)n *(size_t)w->n_m);
    for (int i = 0; i < n * n; i++) {
        varies = varies || d->a[i].varies;
        a[i] = d->a[i].num;
    }
    for (int i = 0; i < n * w->n_m; i++) {
        if (d->still && b->frozen[i / w->n_m]) continue;
        varies = varies || w->g[i].varies;
        g[i] = w->g[i].out;
        num[i] = w->g[i].num;
    }
    job_begin(b, d);
    d->job.g = g;
    d->job.n_xi = w->n_m;
    if (!varies) expm_noise(n, w->n_m, a, num, b->h, l);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            if (!moves(b, d, w, i) || !moves(b, d, w, j)) continue;
            const char *name = arena_printf(arena_of(b), "%s.L%s.%s", name_of(b, i),
                                            w->flags ? "s" : "", name_of(b, j));
            int c =
                varies ? column(b, d, name, d->job.l, i * n + j) : ir_const(b->step, l[i * n + j]);
            value[i] = plus(b->step, value[i], c, pivot(b, w, j));
        }
    }
    job_end(b, d);
}

/* spread[k] for the equations with their own noise only, where the rate varies. */
static void find_spread(Block *b, Side *d, const Known *unit, int *spread)
{
    int n = b->n;
    for (int i = 0; i < n; i++) {
        if (unit[i].out < 0 || !d->a[i * n + i].varies) continue;
        int *g = absent(b, n);
        g[i] = unit[i].out;
        job_begin(b, d);
        d->job.g = g;
        d->job.n_xi = 1;
        spread[b->eq[i]] =
            column(b, d, arena_printf(arena_of(b), "%s.S", name_of(b, i)), d->job.l, i * n + i);
        job_end(b, d);
    }
}

/* ---- the whole block ---- */

static bool follows_frozen(const Block *b, const Side *d, int i)
{
    for (int j = 0; j < b->n; j++) {
        if (j != i && b->frozen[j] && d->reach[i * b->n + j]) return true;
    }
    return false;
}

static void block_begin(Block *b, const bool *which, int part)
{
    const OdeSystem *s = b->s;
    size_t n = (size_t)s->n;
    b->eq = arena_many(s->mod->arena, int, n);
    b->x = arena_many(s->mod->arena, int, n);
    b->feed = arena_many(s->mod->arena, int, n);
    b->frozen = arena_many(s->mod->arena, bool, n);
    b->gain = arena_many(s->mod->arena, Known, n);
    b->offset = arena_many(s->mod->arena, Known, n);
    for (int k = 0; k < s->n; k++) {
        if (!which[k] || s->form->part[k] != part) continue;
        b->eq[b->n] = k;
        b->x[b->n] = ode_state(s, b->step, k);
        b->frozen[b->n] = s->eq[k].frozen && s->refr_field >= 0;
        b->any_frozen = b->any_frozen || b->frozen[b->n];
        b->n++;
    }
}

static void advance(Block *b, bool noise, int *value, int *spread)
{
    const OdeSystem *s = b->s;
    const Affine *full = &s->form->full;
    Arena *arena = s->mod->arena;
    int n = b->n, width = full->n_var + 1, n_out = 0;
    int *c = arena_many(arena, int, (size_t)s->n *(size_t)width), *u = absent(b, n);
    affine_inline(&b->form, full, NULL, -1, c);
    bool *known = arena_many(arena, bool, vec_len(b->form.ins) + 1), varies = false,
         joint = s->form->joint[b->eq[0]];
    ode_ready(s, &b->form, known);

    Known *a = arena_many(arena, Known, (size_t)n * (size_t)n),
          *unit = arena_many(arena, Known, (size_t)n);
    for (int i = 0; i < n * n; i++) {
        a[i] = entry(b, c[b->eq[i / n] * width + 1 + b->eq[i % n]], &n_out);
        varies = varies || a[i].varies;
    }
    Noise kind[2] = {{.flags = 0}, {.flags = INS_SHARED}};
    for (int q = 0; q < 2; q++) {
        Noise *w = &kind[q];
        w->m = arena_many(arena, int, (size_t)s->form->n_xi + 1);
        for (int m = 0; joint && m < s->form->n_xi; m++) {
            bool here = false;
            for (int i = 0; i < n; i++)
                here = here || c[b->eq[i] * width + 1 + full->n_state + m] >= 0;
            if (here && (s->form->xi_flags[m] & INS_SHARED) == w->flags) w->m[w->n_m++] = m;
        }
        w->g = arena_many(arena, Known, (size_t)n * (size_t)w->n_m + 1);
        for (int i = 0; i < n * w->n_m; i++) {
            w->g[i] = entry(b, c[b->eq[i / w->n_m] * width + 1 + full->n_state + w->m[i % w->n_m]],
                            &n_out);
            varies = varies || w->g[i].varies;
        }
    }
    for (int i = 0; i < n; i++) {
        bool alone = !joint && varies && ode_noisy(s, b->eq[i]);
        unit[i] = alone ? entry(b, ir_const(&b->form, 1.0), &n_out) : (Known){.out = -1};
    }
    for (size_t v = 0; !varies && v < vec_len(b->form.ins); v++)
        known[v] = ir_is_const(&b->form, (int)v, NULL);
    for (int j = 0; j < n; j++) {
        int gain = -1, offset = -1, free_term = c[b->eq[j] * width];
        if (free_term >= 0) u[j] = peel(&b->form, known, free_term, &gain, &offset);
        b->gain[j] = entry(b, u[j] < 0 ? -1 : gain, &n_out);
        b->offset[j] = entry(b, offset, &n_out);
    }
    int n_entries = n_out;
    for (int j = 0; j < n; j++) {
        b->feed[j] = -1;
        if (u[j] >= 0) ir_out(&b->form, n_out++, u[j], (Span){0, 0});
    }
    if (varies) b->fn = matrix_function(b, n_entries);
    int *out = arena_many(arena, int, (size_t)n_out + 1);
    ir_inline(b->step, &b->form, NULL, -1, NULL, out);
    for (int j = 0, k = n_entries; j < n; j++) {
        if (u[j] >= 0) b->feed[j] = out[k++];
    }

    Side side[2] = {side_of(b, a, false), side_of(b, a, true)};
    int *next[2] = {absent(b, n), absent(b, n)};
    for (int q = 0; q < (b->any_frozen ? 2 : 1); q++) {
        job_begin(b, &side[q]);
        for (int i = 0; i < n; i++)
            if (q == 0 || (!b->frozen[i] && (joint || follows_frozen(b, &side[0], i))))
                next[q][i] = row(b, &side[q], i);
        job_end(b, &side[q]);
        for (int w = 0; noise && joint && w < 2; w++)
            if (kind[w].n_m) add_noise(b, &side[q], &kind[w], next[q]);
    }
    if (noise && !joint && varies) find_spread(b, &side[0], unit, spread);
    for (int i = 0; i < n; i++) {
        bool two =
            b->any_frozen && !b->frozen[i] && (follows_frozen(b, &side[0], i) || (noise && joint));
        if (two)
            next[0][i] =
                ir_op3(b->step, OP_SELECT, ode_refractory(s, b->step), next[1][i], next[0][i]);
        value[b->eq[i]] = next[0][i];
    }
}

void linear_advance(const OdeSystem *s, const bool *which, double h, bool noise, IrFn *step,
                    int *value, int *spread)
{
    for (int part = 0; part < s->n; part++) {
        Block b = {.s = s,
                   .step = step,
                   .h = h,
                   .form = {.name = "block", .role = FN_DERIV, .lanes = step->lanes}};
        block_begin(&b, which, part);
        if (b.n) advance(&b, noise, value, spread);
        vec_free(b.form.ins);
    }
}
