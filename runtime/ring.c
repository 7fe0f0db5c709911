/* Events under way. When a source spikes, each segment of its row (the synapses of one delay) is
 * noted in the bucket of the step in which it arrives; in that step the bucket is walked and the
 * weights are added to the accumulators, which fit the cache since they are those of one step only.
 * Notes are made in the order of emission and source, so the walk is in the normative order. */
#include "engine_internal.h"

enum { AHEAD = 6, LINE = 64, MAX_LINES = 8, SEG_MAX = 65535 };

void ring_init(Ring *r, uint32_t max_delay)
{
    uint32_t n = 1;
    while (n < max_delay + 1) n *= 2;
    r->slot = cx_alloc(n, sizeof *r->slot, "events under way");
    r->mask = n - 1;
}

void ring_free(Ring *r)
{
    if (!r->slot) return;
    for (uint32_t k = 0; k <= r->mask; k++) cx_free(r->slot[k].item);
    cx_free(r->slot);
}

/* Doubles the room of a bucket. */
__attribute__((noinline)) void ring_grow(Bucket *b)
{
    b->cap = b->cap ? 2 * b->cap : 16;
    b->item = cx_realloc(b->item, b->cap, sizeof *b->item, "events under way");
}

static inline void bucket_push(Bucket *b, uint64_t at, uint64_t n)
{
    ring_put(b, at << 16 | n);
}

void ring_push(Ring *r, int64_t step, uint64_t item)
{
    ring_put(&r->slot[(uint64_t)step & r->mask], item);
}

/* Notes the rows of `n` spikes emitted in `step`. Called in order of step, ids ascending, at the end
 * of a window: the ring holds max_delay + 1 steps because every earlier bucket was walked. */
void ring_post(const Group *g, const Share *s, Ring *ring, int64_t step, const uint32_t *id, size_t n)
{
    Bucket *slot = ring->slot;
    uint32_t mask = ring->mask;
    const Row *row = s->row;
    if (!g->delayed) {
        Bucket *b = &slot[(uint64_t)(step + 1 + g->min_delay) & mask];
        for (size_t k = 0; k < n; k++) {
            if (k + 8 < n) __builtin_prefetch(&row[id[k + 8]]);
            const Row *r = &row[id[k]];
            for (uint64_t at = r[0].at, end = r[1].at; at < end; at += SEG_MAX)
                bucket_push(b, at, end - at < SEG_MAX ? end - at : SEG_MAX);
        }
        return;
    }
    for (size_t k = 0; k < n; k++) {
        if (k + 8 < n) __builtin_prefetch(&row[id[k + 8]]);
        if (k + 3 < n) {
            const Row *next = &row[id[k + 3]];
            if (next->n_seg) __builtin_prefetch(&s->seg[id[k + 3] / ROW_BLOCK][next->seg]);
        }
        const Row *r = &row[id[k]];
        if (!r->n_seg) continue;
        const Seg *seg = s->seg[id[k] / ROW_BLOCK] + r->seg;
        uint64_t at = r->at, arrival = (uint64_t)step + 1;
        for (uint32_t j = 0; j < r->n_seg; j++) {
            arrival += seg[j].skip;
            if (seg[j].n) bucket_push(&slot[arrival & mask], at, seg[j].n);
            at += seg[j].n;
        }
    }
}

static inline void prefetch(const void *p, size_t bytes)
{
    const char *c = p;
    size_t n = bytes < (size_t)MAX_LINES * LINE ? bytes : (size_t)MAX_LINES * LINE;
    for (size_t k = 0; k < n; k += LINE) __builtin_prefetch(c + k, 0, 3);
}

/* One walk for all four forms; `wide` and `weighted` are constants where it is called. */
static inline __attribute__((always_inline)) uint64_t walk(const Group *g, const Share *s, const Bucket *b,
                                                           double *acc, bool wide, bool weighted)
{
    const uint16_t *t16 = s->tgt;
    const uint32_t *t32 = s->tgt;
    const float *weight = s->weight;
    const double c = g->weight;
    const uint64_t *item = b->item;
    size_t n = b->n;
    uint64_t events = 0;
    acc += s->base;
    for (size_t k = 0; k < n; k++) {
        if (k + AHEAD < n) {
            uint64_t at = item[k + AHEAD] >> 16, m = item[k + AHEAD] & 0xffff;
            if (wide) prefetch(t32 + at, m * sizeof *t32);
            else prefetch(t16 + at, m * sizeof *t16);
            if (weighted) prefetch(weight + at, m * sizeof *weight);
        }
        uint64_t at = item[k] >> 16;
        uint32_t m = (uint32_t)(item[k] & 0xffff);
        const uint16_t *a16 = t16 + (wide ? 0 : at);
        const uint32_t *a32 = t32 + (wide ? at : 0);
        const float *w = weight + (weighted ? at : 0);
        uint32_t j = 0;
        for (; j + 4 <= m; j += 4) {
            double *p0 = acc + (wide ? a32[j] : a16[j]), *p1 = acc + (wide ? a32[j + 1] : a16[j + 1]);
            double *p2 = acc + (wide ? a32[j + 2] : a16[j + 2]), *p3 = acc + (wide ? a32[j + 3] : a16[j + 3]);
            *p0 += weighted ? (double)w[j] : c;
            *p1 += weighted ? (double)w[j + 1] : c;
            *p2 += weighted ? (double)w[j + 2] : c;
            *p3 += weighted ? (double)w[j + 3] : c;
        }
        for (; j < m; j++) acc[wide ? a32[j] : a16[j]] += weighted ? (double)w[j] : c;
        events += m;
    }
    return events;
}

/* Adds all that arrives in `step` to the accumulators and empties the bucket. Returns the number of
 * synaptic events. */
uint64_t ring_deliver(const Group *g, Share *s, int64_t step, double *acc)
{
    Bucket *b = &s->ring.slot[(uint64_t)step & s->ring.mask];
    uint64_t events;
    if (!b->n) return 0;
    if (g->wide) events = g->weighted ? walk(g, s, b, acc, true, true) : walk(g, s, b, acc, true, false);
    else events = g->weighted ? walk(g, s, b, acc, false, true) : walk(g, s, b, acc, false, false);
    b->n = 0;
    return events;
}

void ring_row(const Group *g, const Share *s, uint32_t src, RingVisit *visit, void *user)
{
    const Row *r = &s->row[src];
    const Seg whole = {0, 0};
    const Seg *seg = g->delayed && r->n_seg ? s->seg[src / ROW_BLOCK] + r->seg : &whole;
    uint32_t delay = g->delayed ? 0 : g->min_delay;
    uint64_t at = r[0].at, end = at;
    for (uint32_t k = 0; k < (g->delayed ? r->n_seg : 1); k++) {
        delay += seg[k].skip;
        end = g->delayed ? end + seg[k].n : r[1].at;
        for (; at < end; at++)
            visit(user, g->wide ? ((const uint32_t *)s->tgt)[at] : ((const uint16_t *)s->tgt)[at],
                  g->weighted ? (double)s->weight[at] : g->weight, delay);
    }
}
