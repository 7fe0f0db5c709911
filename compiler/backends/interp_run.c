/* Runs the interpreter's bytecode. Allocates nothing. */
#include "interp.h"

#include "rng.h"

typedef struct Call {
    const Frame *fr;
    const InterpFn *fn;
    const uint32_t *lane; /* lane numbers of the block, NULL in ranges */
    int64_t lo;           /* first lane of the block in ranges */
    void **slot;
} Call;

static RngAt coordinates(const Call *c, uint64_t key, bool shared, int64_t k)
{
    const Frame *fr = c->fr;
    uint32_t step_lo = (uint32_t)fr->step, step_hi = (uint32_t)((uint64_t)fr->step >> 32) & 0xffff;
    if (shared) return (RngAt){key, 0xffffffff, 0, step_lo, step_hi};
    int64_t lane = c->lane ? c->lane[k] : c->lo + k;
    if (c->fn->lanes == LANE_NEURON) return (RngAt){key, (uint32_t)lane, 0, step_lo, step_hi};
    return (RngAt){key, fr->src[lane], fr->tgt[lane], fr->mult ? fr->mult[lane] : 0, 0};
}

/* The coordinates of the block's synapses, in ranges. */
static RngSynapses synapses(const Call *c)
{
    const Frame *fr = c->fr;
    return (RngSynapses){fr->src + c->lo, fr->tgt + c->lo, fr->mult ? fr->mult + c->lo : NULL};
}

static double draw_one(Op op, RngAt at, const double *x)
{
    switch (op) {
    case OP_RUNIFORM:
        return rng_uniform(at);
    case OP_RNORMAL:
        return rng_normal(at, x[0], x[1], x[2], x[3]);
    case OP_RLOGNORMAL:
        return rng_lognormal(at, x[0], x[1], x[2], x[3]);
    case OP_REXPONENTIAL:
        return rng_exponential(at, x[0], x[1], x[2]);
    case OP_RGAMMA:
        return rng_gamma(at, x[0], x[1], x[2], x[3]);
    case OP_RBINOMIAL:
        return rng_binomial(at, x[0], x[1]);
    case OP_RPOISSON:
        return rng_poisson(at, x[0]);
    default:
        cx_bug("operation %d is not a draw", (int)op);
    }
}

static void draw_lane(const Call *c, const InterpIns *s, uint64_t key, int64_t k)
{
    double x[4];
    for (int j = 0; j < 4; j++)
        x[j] = ((const double *)c->slot[s->arg[j]])[s->single >> j & 1 ? 0 : k];
    ((double *)c->slot[s->d])[k] = draw_one((Op)s->op, coordinates(c, key, s->shared, k), x);
}

static void draw_uniforms(const Call *c, uint64_t key, int64_t n, double *d)
{
    const Frame *fr = c->fr;
    if (c->fn->lanes == LANE_NEURON)
        rng_uniform_range(key, (uint32_t)c->lo, fr->step, (int)n, d);
    else
        rng_uniform_synapses(key, synapses(c), (int)n, d);
}

/* The first candidates of all lanes; lanes whose candidate the bounds refuse are drawn one by one, from the
 * beginning. */
static void draw_normals(const Call *c, const InterpIns *s, uint64_t key, int64_t n, double *d)
{
    const Frame *fr = c->fr;
    const double *min = c->slot[s->arg[2]], *max = c->slot[s->arg[3]];
    bool one_min = s->single & 4, one_max = s->single & 8;
    if (c->fn->lanes == LANE_NEURON)
        rng_normal_range(key, (uint32_t)c->lo, fr->step, (int)n, d);
    else
        rng_normal_synapses(key, synapses(c), (int)n, d);
    c->fn->isa->scale[s->single & 3](n, d, c->slot[s->arg[0]], c->slot[s->arg[1]], NULL);
    for (int64_t k = 0; k < n; k++)
        if (!(d[k] >= min[one_min ? 0 : k] && d[k] <= max[one_max ? 0 : k])) draw_lane(c, s, key, k);
}

static void draw(const Call *c, const InterpIns *s, int64_t n)
{
    uint64_t key = c->fr->key ^ s->salt;
    bool block = !c->lane && !s->shared;
    if (block && s->op == OP_RUNIFORM)
        draw_uniforms(c, key, n, c->slot[s->d]);
    else if (block && s->op == OP_RNORMAL)
        draw_normals(c, s, key, n, c->slot[s->d]);
    else
        for (int64_t k = 0; k < n; k++)
            draw_lane(c, s, key, k);
}

static void run_block(const Call *c, const InterpIns *s, int n_ins, int64_t n)
{
    void **p = c->slot;
    for (const InterpIns *end = s + n_ins; s < end; s++) {
        if (s->loop)
            s->loop(n, p[s->d], p[s->arg[0]], p[s->arg[1]], p[s->arg[2]]);
        else
            draw(c, s, n);
    }
}

static void *frame_slot(const InterpFrameSlot *s, const Call *c, double *const *out)
{
    const Frame *fr = c->fr;
    size_t offset = c->lane ? 0 : (size_t)c->lo;
    switch (s->kind) {
    case SLOT_BASE:
        return fr->col[s->index];
    case SLOT_COL:
        return fr->col[s->index] + offset;
    case SLOT_OUT:
        return out[s->index];
    case SLOT_LANE:
        return (void *)(uintptr_t)c->lane;
    case SLOT_SRC:
        return (void *)(uintptr_t)(fr->src + offset);
    case SLOT_TGT:
        return (void *)(uintptr_t)(fr->tgt + offset);
    default:
        cx_bug("slot of kind %d in a frame", (int)s->kind);
    }
}

static void run(const InterpProg *p, Call *c, int64_t n, double *const *out)
{
    void **slot = c->slot = c->fr->scratch;
    InterpCell *cell = (InterpCell *)((char *)c->fr->scratch + p->cells_at);
    for (int k = 0; k < p->n_slots; k++)
        slot[k] = (void *)(p->start[k].at + ((uintptr_t)c->fr->scratch & p->start[k].relative));
    for (int k = 0; k < p->n_frame; k++)
        slot[p->frame[k].slot] = frame_slot(&p->frame[k], c, out);
    cell[ONCE_T].f = c->fr->t;
    cell[ONCE_T1].f = c->fr->t1;
    cell[ONCE_STEP].f = (double)c->fr->step;
    run_block(c, p->once, p->n_once, 1);
    for (int64_t at = 0; at < n;) {
        int64_t m = n - at < p->block ? n - at : p->block;
        cell[ONCE_LANE].f = (double)c->lo;
        run_block(c, p->body, p->n_body, m);
        at += m;
        c->lo += m;
        if (c->lane) c->lane += m;
        for (int k = 0; k < p->n_frame && at < n; k++)
            slot[p->frame[k].slot] = (char *)slot[p->frame[k].slot] + p->frame[k].bytes * m;
    }
}

void interp_run_range(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi,
                      double *const *out)
{
    const InterpFn *f = fn->impl;
    if (lo < hi) run(&f->range, &(Call){.fr = fr, .fn = f, .lo = lo}, hi - lo, out);
}

void interp_run_list(const KernelFn *fn, const Frame *fr, const uint32_t *lane, int64_t n,
                     double *const *out)
{
    const InterpFn *f = fn->impl;
    if (n > 0) run(&f->list, &(Call){.fr = fr, .fn = f, .lane = lane}, n, out);
}
