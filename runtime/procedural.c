/* Synapses that are not stored (`store = procedural`): the row of a source is a pure function of the
 * call and the source, so each thread makes its part of it whenever the source spikes. Where all delays
 * are equal, the bucket of a step holds the sources whose spikes arrive in it, and rows are made when they
 * do. Where delays differ, rows are made at the meeting behind the spike, and buckets hold events: the
 * accumulator above the bits of the weight. In both cases sources come in the order of emission and the
 * synapses of each pair in that of their multiplicity, so every sum adds up as from stored rows. */
#include "build.h"

#include <string.h>

/* Sets how many rows are made together, about a batch, of a group of so many synapses; 0: nobody knows. */
void procedural_batch(Group *g, double synapses)
{
    double rows = BUILD_BATCH * (double)g->n_rows / synapses;
    g->together = !(synapses > 0) || rows < 1 ? 1 : rows < ROW_BLOCK ? (uint32_t)rows : ROW_BLOCK;
}

/* Takes what a build needs to make rows anew from it, with temporaries for each thread and for procedural_row, or
 * frees it where all rows are stored. */
void procedural_keep(Build *b)
{
    Engine *e = b->e;
    bool any = false;
    for (int k = 0; k < e->n_groups; k++) any = any || e->group[k].procedural;
    for (int q = 0; q < e->plan->n_projs; q++) {
        if (any && e->plan->proj[q].procedural) continue;
        cx_free(b->call[q].table);
        b->call[q].table = NULL;
    }
    if (!any) {
        cx_free(b->call);
        cx_free(b->rule);
        return;
    }
    size_t n = (size_t)e->n_threads + 1;
    e->procedural = cx_alloc(1, sizeof *e->procedural, "connectivity");
    e->procedural->call = b->call;
    e->procedural->rule = b->rule;
    e->procedural->builder = cx_alloc(n, sizeof *b->builder, "connectivity");
    for (size_t t = 0; t < n; t++) build_rows_new(&e->procedural->builder[t], e);
}

void procedural_free(Engine *e)
{
    Build *b = e->procedural;
    if (!b) return;
    for (int t = 0; t <= e->n_threads; t++) build_rows_free(&b->builder[t], e->n_threads);
    for (int q = 0; q < e->plan->n_projs; q++) cx_free(b->call[q].table);
    cx_free(b->builder);
    cx_free(b->call);
    cx_free(b->rule);
    cx_free(b);
}

/* The targets of a source on one thread to w->work.pick. */
static void pick(const Engine *e, Builder *w, int q, int thread, uint32_t src)
{
    const Build *b = e->procedural;
    const PlanProj *p = &e->plan->proj[q];
    uint32_t s = rule_position(&p->src_sel, src);
    vec_clear(w->work.pick);
    if (s == RULE_NONE) return;
    if (!b->rule[q]->row(&b->call[q], &w->work, s, &w->fail)) cx_bug("a row cannot be made again: %s", w->fail.text);
    if (e->n_threads == 1 || !vec_len(w->work.pick)) return;
    uint32_t lo = (uint32_t)engine_cut(&p->tgt_sel, e->pop[p->tgt].part[thread]);
    uint32_t n = (uint32_t)engine_cut(&p->tgt_sel, e->pop[p->tgt].part[thread + 1]) - lo;
    uint32_t *list = w->work.pick;
    size_t kept = 0;
    for (size_t k = 0, all = vec_len(list); k < all; k++) {
        uint32_t v = list[k];
        list[kept] = v;
        kept += v - lo < n;
    }
    vec_head(list)->len = kept;
}

/* From neurons to accumulators. */
static uint32_t shift_of(const Engine *e, int q, int thread)
{
    return build_acc_first(e, q, thread) - e->pop[e->plan->proj[q].tgt].part[thread];
}

/* The rows of n sources on one thread to the batch of w. */
static void make(const Engine *e, const Group *g, Builder *w, int thread, const uint32_t *id, size_t n)
{
    Build b = {.e = (Engine *)(uintptr_t)e, .g = (Group *)(uintptr_t)g, .call = e->procedural->call, .rule = e->procedural->rule, .known = true};
    Batch *x = &w->batch;
    build_rows_start(x, 0, (uint32_t)n);
    for (int k = 0; k < g->n_projs; k++)
        for (size_t j = 0; j < n; j++) {
            build_rows_cut(x);
            pick(e, w, g->proj[k], thread, id[j]);
            build_rows_pick(&b, w, g->proj[k], id[j]);
        }
    build_rows_cut(x);
    if (!build_rows_attributes(&b, w)) cx_bug("a row cannot be made again: %s", w->fail.text);
}

static inline uint64_t event_of(uint32_t acc, float weight)
{
    uint32_t bits;
    memcpy(&bits, &weight, sizeof bits);
    return (uint64_t)acc << 32 | bits;
}

static inline float weight_of(uint64_t event)
{
    uint32_t bits = (uint32_t)event;
    float weight;
    memcpy(&weight, &bits, sizeof weight);
    return weight;
}

void procedural_post(const Engine *e, const Group *g, int thread, int64_t step, const uint32_t *id, size_t n)
{
    const Ring *ring = &g->share[thread].ring;
    if (!g->n) return;
    if (!g->delayed) {
        Bucket *b = &ring->slot[(uint64_t)(step + 1 + g->min_delay) & ring->mask];
        for (size_t k = 0; k < n; k++) ring_put(b, id[k]);
        return;
    }
    Builder *w = &e->procedural->builder[thread];
    const Batch *x = &w->batch;
    for (size_t from = 0, m; from < n; from += m) {
        m = n - from < g->together ? n - from : g->together;
        make(e, g, w, thread, id + from, m);
        for (int k = 0; k < g->n_projs; k++) {
            uint32_t shift = shift_of(e, g->proj[k], thread);
            for (size_t j = x->cut[(size_t)k * m], end = x->cut[(size_t)(k + 1) * m]; j < end; j++)
                ring_put(&ring->slot[((uint64_t)step + 1 + x->delay[j]) & ring->mask],
                         event_of(x->tgt[j] + shift, g->weighted ? x->weight[j] : 0));
        }
    }
}

static void add_events(const Group *g, const Bucket *b, double *acc)
{
    const uint64_t *item = b->item;
    double c = g->weight;
    if (g->weighted)
        for (size_t k = 0; k < b->n; k++) acc[item[k] >> 32] += (double)weight_of(item[k]);
    else
        for (size_t k = 0; k < b->n; k++) acc[item[k] >> 32] += c;
}

/* Rows whose synapses all have one weight and one delay need no batch. */
static uint64_t add_picks(const Engine *e, const Group *g, Builder *w, int thread, const Bucket *b, double *acc)
{
    const double c = g->weight;
    uint64_t events = 0;
    for (size_t from = 0; from < b->n; from++)
        for (int k = 0; k < g->n_projs; k++) {
            int q = g->proj[k];
            const PlanSelect *sel = &e->plan->proj[q].tgt_sel;
            pick(e, w, q, thread, (uint32_t)b->item[from]);
            const uint32_t *list = w->work.pick, shift = shift_of(e, q, thread);
            size_t n = vec_len(list);
            if (sel->index)
                for (size_t j = 0; j < n; j++) acc[(uint32_t)(sel->index[list[j]] + shift)] += c;
            else
                for (size_t j = 0; j < n; j++) acc[(uint32_t)(sel->lo + list[j] + shift)] += c;
            events += n;
        }
    return events;
}

static uint64_t add_rows(const Engine *e, const Group *g, Builder *w, int thread, const Bucket *b, double *acc)
{
    const Batch *x = &w->batch;
    uint64_t events = 0;
    for (size_t from = 0, m; from < b->n; from += m) {
        uint32_t id[ROW_BLOCK];
        m = b->n - from < g->together ? b->n - from : g->together;
        for (size_t k = 0; k < m; k++) id[k] = (uint32_t)b->item[from + k];
        make(e, g, w, thread, id, m);
        for (int k = 0; k < g->n_projs; k++) {
            uint32_t shift = shift_of(e, g->proj[k], thread);
            for (size_t j = x->cut[(size_t)k * m], end = x->cut[(size_t)(k + 1) * m]; j < end; j++)
                acc[(uint32_t)(x->tgt[j] + shift)] += (double)x->weight[j];
        }
        events += x->n;
    }
    return events;
}

uint64_t procedural_deliver(const Engine *e, const Group *g, int thread, int64_t step, double *acc)
{
    const Ring *ring = &g->share[thread].ring;
    Bucket *b = &ring->slot[(uint64_t)step & ring->mask];
    Builder *w = &e->procedural->builder[thread];
    uint64_t events = b->n;
    if (!b->n) return 0;
    if (g->delayed) add_events(g, b, acc);
    else events = g->weighted ? add_rows(e, g, w, thread, b, acc) : add_picks(e, g, w, thread, b, acc);
    b->n = 0;
    return events;
}

void procedural_row(const Engine *e, const Group *g, int thread, uint32_t src, RingVisit *visit, void *user)
{
    Builder *w = &e->procedural->builder[e->n_threads];
    const Batch *x = &w->batch;
    make(e, g, w, thread, &src, 1);
    for (int k = 0; k < g->n_projs; k++)
        for (size_t j = x->cut[k]; j < x->cut[k + 1]; j++)
            visit(user, x->tgt[j] + shift_of(e, g->proj[k], thread), g->weighted ? (double)x->weight[j] : g->weight,
                  g->delayed ? x->delay[j] : g->min_delay);
}
