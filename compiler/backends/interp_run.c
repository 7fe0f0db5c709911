/* Runs the interpreter's bytecode. Allocates nothing. */
#include "interp.h"

#include "draws.h"

typedef struct Call {
    const Frame *fr;
    const InterpFn *fn;
    const uint32_t *lane; /* lane numbers of the block, NULL in ranges */
    int64_t lo;           /* first lane of the block in ranges */
    void **slot;
} Call;

static void draw(const Call *c, const InterpIns *s, int64_t n)
{
    DrawBlock b = {.fr = c->fr, .isa = c->fn->isa, .op = (Op)s->op, .lanes = c->fn->lanes, .shared = s->shared,
                   .single = s->single, .salt = s->salt, .lane = c->lane, .lo = c->lo};
    for (int k = 0; k < 4; k++) b.arg[k] = c->slot[s->arg[k]];
    draws_block(&b, n, c->slot[s->d]);
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
    case SLOT_MULT:
        return (void *)(uintptr_t)(fr->mult + offset);
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

size_t interp_run_pass(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi, uint32_t *hit, bool *finite)
{
    enum { LANES = 256 };
    double spikes[LANES], good[LANES];
    size_t hits = 0;
    for (int64_t n; lo < hi; lo += n) {
        n = hi - lo < LANES ? hi - lo : LANES;
        interp_run_range(fn, fr, lo, lo + n, (double *[]){[PASS_SPIKES] = spikes, [PASS_FINITE] = good});
        hits += kernel_hits(spikes, (uint32_t)lo, (size_t)n, hit + hits);
        for (int64_t k = 0; k < n; k++) *finite &= good[k] != 0;
    }
    return hits;
}
