/* Builds all connectivity: groups of projections, then for each group two passes that make the same
 * pairs, one to count and one to fill, so that no more memory is needed than the result and a row. Only
 * where each pair has a probability of its own the first pass keeps what it found for the second one.
 *
 * Rules by source: any thread makes the rows of any block of sources and writes them into the shares
 * of all threads; where they go is fixed by the counts. Rules by target: each thread makes the
 * columns of its own targets, then rows are finished (attributes, order of delays) by blocks. */
#include "engine_internal.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

typedef struct Part { /* synapses of one source and one projection onto one thread */
    int q;
    const uint32_t *tgt; /* neurons, ascending */
    size_t n;
} Part;

typedef struct Delayed { /* extremes met */
    uint32_t min, max;
    bool any;
} Delayed;

typedef struct Builder { /* temporaries of one thread */
    RuleWork work;
    uint32_t *target;    /* vec: one row, projection after projection */
    size_t *cut;         /* [projections of the group][threads + 1] */
    uint32_t *acc;       /* vecs over the synapses of a row on one thread */
    float *weight;
    uint32_t *delay, *mult;
    Seg **seg;           /* vec a thread */
    uint64_t *n;         /* synapses a projection */
    size_t n_segs;
    Delayed *range;      /* a projection */
    bool failed;
    uint64_t fail_at;
    Fail fail;
} Builder;

enum { MOST_KEPT = 1 << 28 }; /* picks between the passes: 1 GiB */

typedef struct Kept { /* what a rule picked for one source in the first pass */
    uint32_t *pick;      /* NULL: nothing was kept */
    size_t n;
} Kept;

typedef struct Build {
    Engine *e;
    Group *g;
    RuleCall *call;      /* a projection */
    const Rule **rule;
    Builder *builder;    /* a thread */
    bool fill;
    Kept **kept;         /* a projection: NULL, or one a source */
    atomic_uint_fast64_t n_kept;
    atomic_uint_fast64_t next; /* block of rows to be taken */
    uint64_t n_blocks;
} Build;

static bool stopped(const Build *b)
{
    return b->e->opt.stop && *b->e->opt.stop;
}

/* Gives a thread the next block of rows to make; false when there is none, or no sense in it. */
static bool take_block(Build *b, const Builder *w, uint64_t *block)
{
    return !w->failed && !stopped(b) && (*block = atomic_fetch_add(&b->next, 1)) < b->n_blocks;
}

static const KernelFn *attr_fn(const Engine *e, const PlanAttr *a)
{
    return a->varies ? &e->plan->kernel[a->kernel]->fn[a->fn] : NULL;
}

static uint32_t acc_first(const Engine *e, int q, int thread)
{
    const PlanProj *p = &e->plan->proj[q];
    return e->worker[thread].acc_at[p->tgt][e->pop[p->tgt].plan->port[p->port].acc_field];
}

static uint32_t part_size(const Engine *e, int pop, int thread)
{
    return e->pop[pop].part[thread + 1] - e->pop[pop].part[thread];
}

/* ---- groups ---- */

/* Does projection q add to this field of its targets? */
static bool adds_to(const Engine *e, int q, int field)
{
    const PlanProj *p = &e->plan->proj[q];
    bool any = e->plan->pop[p->tgt].port[p->port].acc_field == field;
    for (int h = 0; h < p->synapse.n_handlers; h++)
        for (int k = 0; k < p->synapse.handler[h].n_sums; k++) any = any || p->synapse.handler[h].sum[k] == field;
    return any;
}

static bool same_sum(const Engine *e, int a, int b)
{
    const PlanProj *p = &e->plan->proj[a];
    if (p->tgt != e->plan->proj[b].tgt) return false;
    bool any = adds_to(e, b, e->plan->pop[p->tgt].port[p->port].acc_field);
    for (int h = 0; h < p->synapse.n_handlers; h++)
        for (int k = 0; k < p->synapse.handler[h].n_sums; k++) any = any || adds_to(e, b, p->synapse.handler[h].sum[k]);
    return any;
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Do all accumulators of the group and of projection q lie within 16 bits, on every thread? */
static bool narrow_with(const Engine *e, const Group *g, int q)
{
    for (int t = 0; t < e->n_threads; t++) {
        uint64_t lo = acc_first(e, q, t), hi = lo + part_size(e, e->plan->proj[q].tgt, t);
        for (int k = 0; g && k < g->n_projs; k++) {
            uint64_t first = acc_first(e, g->proj[k], t), end = first + part_size(e, e->plan->proj[g->proj[k]].tgt, t);
            if (first < lo) lo = first;
            if (end > hi) hi = end;
        }
        if (hi - lo > 65536) return false;
    }
    return true;
}

static bool fits(const Engine *e, const Group *g, int q, bool by_target)
{
    const PlanProj *p = &e->plan->proj[q];
    if (g->plastic || p->synapse.name || p->watched || e->plan->proj[g->proj[0]].watched || g->src != p->src || g->by_target != by_target || g->weighted != p->weight.varies ||
        g->delayed != p->delay.varies)
        return false;
    if (!g->weighted && !same_bits(g->weight, p->weight.value)) return false;
    if (!g->delayed && g->min_delay != (uint32_t)p->delay.value) return false;
    return g->wide || narrow_with(e, g, q);
}

/* Puts each projection into the first group that fits and lies behind every group that adds to the
 * same sum, which keeps the order of projections for each sum. */
static void make_groups(Build *b)
{
    Engine *e = b->e;
    int n = e->plan->n_projs;
    e->group = cx_alloc((size_t)n, sizeof *e->group, "connectivity");
    for (int q = 0; q < n; q++) {
        const PlanProj *p = &e->plan->proj[q];
        bool by_target = b->rule[q]->column != NULL;
        int first = 0, at;
        for (int r = 0; r < q; r++) {
            if (e->plan->proj[r].src != p->src) first = e->proj_group[r] + 1;
            else if (same_sum(e, q, r) && e->proj_group[r] >= first) first = e->proj_group[r] + 1;
        }
        for (at = first; at < e->n_groups && !fits(e, &e->group[at], q, by_target); at++) {
        }
        if (at == e->n_groups) {
            e->group[e->n_groups++] = (Group){
                .src = p->src,
                .by_target = by_target,
                .plastic = p->synapse.name != NULL,
                .wide = p->synapse.name || !narrow_with(e, NULL, q),
                .weighted = p->weight.varies && !p->synapse.name,
                .weight = p->weight.value,
                .delayed = p->delay.varies,
                .min_delay = p->delay.varies ? 0 : (uint32_t)p->delay.value,
                .max_delay = p->delay.varies ? 0 : (uint32_t)p->delay.value,
                .n_rows = e->pop[p->src].plan->n,
                .share = cx_alloc((size_t)e->n_threads, sizeof(Share), "connectivity"),
            };
        }
        vec_push(e->group[at].proj, q);
        e->group[at].n_projs++;
        e->proj_group[q] = at;
    }
}

/* ---- attributes of a row ---- */

static bool fail_synapse(Build *b, Builder *w, int q, uint64_t row, const char *fmt, ...) CX_PRINTF(5, 6);
static bool fail_synapse(Build *b, Builder *w, int q, uint64_t row, const char *fmt, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    w->failed = true;
    w->fail_at = row;
    return rule_fail(&b->call[q], &w->fail, "%s", text);
}

static void *room(void *vec, size_t n, size_t size)
{
    return vec_len(vec) >= n ? vec : vec_grow(vec, n - vec_len(vec), size);
}
/* A vec used as plain scratch: its length is what was ever asked for. */
#define ROOM(v, n) ((v) = room((v), (n), sizeof *(v)), vec_len(v) < (n) ? (void)(vec_head(v)->len = (n)) : (void)0)

/* Milliseconds to steps, to the nearest, ties up, in exact decimals where that matters. False when
 * negative, not a number or too long. */
bool engine_delay_steps(double ms, double dt, uint32_t *steps)
{
    double x = ms / dt;
    int64_t n;
    bool exact;
    if (!(ms >= 0) || !(x < (double)ENGINE_MAX_DELAY)) return false;
    n = (int64_t)x;
    double rest = x - (double)n;
    if (fabs(rest - 0.5) > 1e-9 * (1 + x)) n += rest > 0.5;
    else if (!decimal_steps(ms, dt, &n, &exact)) return false;
    *steps = (uint32_t)n;
    return true;
}

/* Weights and delays of one part, to w->weight + at and w->delay + at. */
static bool attributes(Build *b, Builder *w, const Group *g, uint32_t src, const Part *part, size_t at)
{
    Engine *e = b->e;
    const PlanProj *p = &e->plan->proj[part->q];
    const PlanPort *port = &e->plan->pop[p->tgt].port[p->port];
    RuleWork *r = &w->work;
    size_t n = part->n;
    ROOM(r->src, n);
    ROOM(r->mult, n);
    ROOM(r->value, n);
    for (size_t k = 0; k < n; k++) {
        r->src[k] = src;
        r->mult[k] = k && part->tgt[k] == part->tgt[k - 1] ? r->mult[k - 1] + 1 : 0;
    }
    Frame fr = {.key = b->call[part->q].attr_key, .src = r->src, .tgt = part->tgt, .mult = r->mult, .scratch = r->scratch,
                .t1 = e->plan->dt};
    double *const out[1] = {r->value};
    if (g->weighted) {
        const KernelFn *fn = attr_fn(e, &p->weight);
        fn->range(fn, &fr, 0, (int64_t)n, out);
        for (size_t k = 0; k < n; k++) {
            float v = (float)r->value[k];
            if (!isfinite(v))
                return fail_synapse(b, w, part->q, src, "synapse %u -> %u has weight %g, which is not a finite number in single precision",
                                    src, part->tgt[k], r->value[k]);
            if (r->value[k] < 0 && port->non_negative)
                return fail_synapse(b, w, part->q, src, "synapse %u -> %u has weight %g into `%s`, which is declared non-negative",
                                    src, part->tgt[k], r->value[k], port->name);
            w->weight[at + k] = v;
        }
    }
    if (g->delayed) {
        const KernelFn *fn = attr_fn(e, &p->delay);
        Delayed *range = &w->range[part->q];
        fn->range(fn, &fr, 0, (int64_t)n, out);
        for (size_t k = 0; k < n; k++) {
            uint32_t d;
            if (!engine_delay_steps(r->value[k], e->plan->dt, &d))
                return fail_synapse(b, w, part->q, src, r->value[k] < 0 ? "synapse %u -> %u has delay %g ms, which is negative"
                                    : r->value[k] > 0 ? "synapse %u -> %u has delay %g ms, which is longer than 4194303 steps"
                                                      : "synapse %u -> %u has delay %g ms, which is not a number",
                                    src, part->tgt[k], r->value[k]);
            w->delay[at + k] = d;
            if (!range->any || d < range->min) range->min = d;
            if (!range->any || d > range->max) range->max = d;
            range->any = true;
        }
    }
    return true;
}

static inline void store_target(const Group *g, Share *s, uint64_t at, uint32_t acc)
{
    if (g->wide) ((uint32_t *)s->tgt)[at] = acc;
    else ((uint16_t *)s->tgt)[at] = (uint16_t)acc;
}

static void push_segments(Seg **segs, uint32_t skip, uint32_t n)
{
    for (; skip > 65535; skip -= 65535) vec_push(*segs, ((Seg){65535, 0}));
    for (; n > 65535; n -= 65535) {
        vec_push(*segs, ((Seg){(uint16_t)skip, 65535}));
        skip = 0;
    }
    vec_push(*segs, ((Seg){(uint16_t)skip, (uint16_t)n}));
}

/* Gives the synapses of a row their first states; `key` holds in its low half which of the part each is. */
static bool init_synapses(Build *b, Builder *w, Share *s, uint32_t src, const Part *part, const uint64_t *key)
{
    RuleWork *r = &w->work;
    uint64_t first = s->row[src].at;
    size_t n = part->n;
    char why[200];
    ROOM(r->src, n);
    ROOM(r->mult, n);
    ROOM(w->mult, n);
    for (size_t k = 0; k < n; k++) {
        r->src[k] = src;
        w->mult[k] = k && part->tgt[k] == part->tgt[k - 1] ? w->mult[k - 1] + 1 : 0;
    }
    for (size_t k = 0; k < n; k++) r->mult[k] = w->mult[key ? (uint32_t)key[k] : k];
    if (s->src && n) memcpy(s->src + first, r->src, n * sizeof *s->src);
    if (s->mult && n) memcpy(s->mult + first, r->mult, n * sizeof *s->mult);
    return plastic_init(b->e, b->g, s, b->call[part->q].attr_key, first, n, r->src, r->mult, r->scratch, why, sizeof why) ||
           fail_synapse(b, w, part->q, src, "%s", why);
}

/* Writes the row of `src` on thread t: its parts one behind the other, ordered by delay. */
static bool write_row(Build *b, Builder *w, int t, uint32_t src, const Part *part, int n_parts)
{
    Group *g = b->g;
    Share *s = &g->share[t];
    uint64_t first = s->row[src].at;
    size_t n = 0;
    for (int k = 0; k < n_parts; k++) n += part[k].n;
    ROOM(w->acc, n);
    if (g->weighted) ROOM(w->weight, n);
    if (g->delayed) ROOM(w->delay, n);
    size_t at = 0;
    for (int k = 0; k < n_parts; k++) {
        if (!part[k].n) continue;
        int tgt = b->e->plan->proj[part[k].q].tgt;
        uint32_t shift = acc_first(b->e, part[k].q, t) - s->base - b->e->pop[tgt].part[t];
        for (size_t j = 0; j < part[k].n; j++) w->acc[at + j] = part[k].tgt[j] + shift;
        if ((g->weighted || g->delayed) && !attributes(b, w, g, src, &part[k], at)) return false;
        w->n[part[k].q] += part[k].n;
        at += part[k].n;
    }
    if (!g->delayed) {
        for (size_t k = 0; k < n; k++) store_target(g, s, first + k, w->acc[k]);
        if (g->weighted && n) memcpy(s->weight + first, w->weight, n * sizeof *s->weight);
        return !g->plastic || init_synapses(b, w, s, src, &part[0], NULL);
    }
    uint32_t max = 0;
    int bits = 0;
    ROOM(w->work.key, n);
    for (size_t k = 0; k < n; k++) {
        w->work.key[k] = (uint64_t)w->delay[k] << 32 | k;
        if (w->delay[k] > max) max = w->delay[k];
    }
    while (max >> bits) bits++;
    rule_sort(&w->work, n, 32, bits);
    s->row[src].seg = (uint32_t)vec_len(w->seg[t]);
    uint32_t last = 0;
    for (size_t k = 0, begin = 0; k < n; k++) {
        uint32_t from = (uint32_t)w->work.key[k], d = (uint32_t)(w->work.key[k] >> 32);
        store_target(g, s, first + k, w->acc[from]);
        if (g->weighted) s->weight[first + k] = w->weight[from];
        if (k + 1 == n || (uint32_t)(w->work.key[k + 1] >> 32) != d) {
            push_segments(&w->seg[t], d - last, (uint32_t)(k + 1 - begin));
            last = d;
            begin = k + 1;
        }
    }
    s->row[src].n_seg = (uint32_t)vec_len(w->seg[t]) - s->row[src].seg;
    return !g->plastic || init_synapses(b, w, s, src, &part[0], w->work.key);
}

/* Copies the segments of a block of rows to buffers of just their size. */
static void keep_segments(Build *b, Builder *w, uint64_t block)
{
    for (int t = 0; b->g->delayed && t < b->e->n_threads; t++) {
        size_t n = vec_len(w->seg[t]);
        if (!n) continue;
        b->g->share[t].seg[block] = cx_alloc(n, sizeof(Seg), "synapses");
        memcpy(b->g->share[t].seg[block], w->seg[t], n * sizeof(Seg));
        w->n_segs += n;
    }
}

/* ---- rules by source ---- */

/* The targets of a source to w->work.pick. */
static bool pick_row(Build *b, Builder *w, int q, uint32_t src, uint32_t s)
{
    Kept *kept = b->kept[q] ? &b->kept[q][src] : NULL;
    if (b->fill && kept && kept->pick) {
        vec_extend(w->work.pick, kept->n);
        memcpy(w->work.pick, kept->pick, kept->n * sizeof *kept->pick);
        cx_free(kept->pick);
        kept->pick = NULL;
        return true;
    }
    if (!b->rule[q]->row(&b->call[q], &w->work, s, &w->fail)) return false;
    size_t n = vec_len(w->work.pick);
    if (b->fill || !kept || !n || atomic_fetch_add(&b->n_kept, n) + n > MOST_KEPT) return true;
    *kept = (Kept){cx_alloc(n, sizeof *kept->pick, "connectivity"), n};
    memcpy(kept->pick, w->work.pick, n * sizeof *kept->pick);
    return true;
}

static bool make_row(Build *b, Builder *w, uint32_t src)
{
    Engine *e = b->e;
    Group *g = b->g;
    int threads = e->n_threads;
    size_t *bound = w->cut; /* reused as [projection][thread + 1] bounds in the row */
    vec_clear(w->target);
    for (int k = 0; k < g->n_projs; k++, bound += threads + 1) {
        int q = g->proj[k];
        const PlanProj *p = &e->plan->proj[q];
        const uint32_t *part = e->pop[p->tgt].part;
        uint32_t s = rule_position(&p->src_sel, src);
        vec_clear(w->work.pick);
        if (s != RULE_NONE && !pick_row(b, w, q, src, s)) {
            w->failed = true;
            w->fail_at = src;
            return false;
        }
        size_t n = vec_len(w->work.pick), at = vec_len(w->target);
        if (b->fill && !b->rule[q]->sorted) rule_sort_picks(&w->work);
        vec_extend(w->target, n);
        uint32_t *tgt = w->target + at;
        for (size_t j = 0; j < n; j++) tgt[j] = rule_at(&p->tgt_sel, w->work.pick[j]);
        bound[0] = at;
        bound[threads] = at + n;
        for (int t = 1; t < threads; t++) {
            size_t below = 0;
            for (size_t j = 0; j < n; j++) below += tgt[j] < part[t];
            bound[t] = at + below;
        }
    }
    return true;
}

static void rows_by_source(void *user, int thread)
{
    Build *b = user;
    Builder *w = &b->builder[thread];
    Group *g = b->g;
    int threads = b->e->n_threads;
    Part *part = cx_alloc((size_t)g->n_projs, sizeof *part, "connectivity");
    for (uint64_t block; take_block(b, w, &block);) {
        uint32_t lo = (uint32_t)(block * ROW_BLOCK), hi = g->n_rows - lo < ROW_BLOCK ? g->n_rows : lo + ROW_BLOCK;
        for (int t = 0; b->fill && t < threads; t++) vec_clear(w->seg[t]);
        for (uint32_t s = lo; s < hi && !w->failed; s++) {
            if (!make_row(b, w, s)) break;
            for (int t = 0; t < threads; t++) {
                uint64_t n = 0;
                for (int k = 0; k < g->n_projs; k++) {
                    const size_t *bound = w->cut + (size_t)k * (size_t)(threads + 1) + t;
                    part[k] = (Part){g->proj[k], w->target + bound[0], bound[1] - bound[0]};
                    n += part[k].n;
                }
                if (!b->fill) g->share[t].row[s].at = n;
                else if (!write_row(b, w, t, s, part, g->n_projs)) break;
            }
        }
        if (b->fill) keep_segments(b, w, block);
    }
    /* Blocks are taken in order, so all before the one that failed are in work: the first failure in
     * the order of sources is found whatever the threads do. */
    if (w->failed) atomic_store(&b->next, b->n_blocks);
    cx_free(part);
}

/* ---- rules by target ---- */

static void columns_by_target(void *user, int thread)
{
    Build *b = user;
    Builder *w = &b->builder[thread];
    Engine *e = b->e;
    Group *g = b->g;
    Share *s = &g->share[thread];
    for (int k = 0; k < g->n_projs; k++) {
        int q = g->proj[k];
        const PlanProj *p = &e->plan->proj[q];
        const uint32_t *part = e->pop[p->tgt].part;
        size_t from = engine_cut(&p->tgt_sel, part[thread]), to = engine_cut(&p->tgt_sel, part[thread + 1]);
        uint32_t shift = acc_first(e, q, thread) - s->base - part[thread];
        for (size_t t = from; t < to && !stopped(b); t++) {
            uint32_t acc = rule_at(&p->tgt_sel, (uint32_t)t) + shift;
            vec_clear(w->work.pick);
            if (!b->rule[q]->column(&b->call[q], &w->work, (uint32_t)t, &w->fail)) {
                w->failed = true;
                w->fail_at = t;
                return;
            }
            size_t n = vec_len(w->work.pick);
            for (size_t j = 0; j < n; j++) {
                Row *row = &s->row[rule_at(&p->src_sel, w->work.pick[j])];
                if (b->fill) store_target(g, s, row->at, acc);
                row->at++;
            }
        }
    }
}

/* Behind the filling: each row is in place, projection after projection, targets ascending. */
static void finish_rows(void *user, int thread)
{
    Build *b = user;
    Builder *w = &b->builder[thread];
    Engine *e = b->e;
    Group *g = b->g;
    Part *part = cx_alloc((size_t)g->n_projs, sizeof *part, "connectivity");
    for (uint64_t block; take_block(b, w, &block);) {
        uint32_t lo = (uint32_t)(block * ROW_BLOCK), hi = g->n_rows - lo < ROW_BLOCK ? g->n_rows : lo + ROW_BLOCK;
        for (int t = 0; t < e->n_threads; t++) vec_clear(w->seg[t]);
        for (uint32_t src = lo; src < hi && !w->failed; src++) {
            for (int t = 0; t < e->n_threads && !w->failed; t++) {
                Share *s = &g->share[t];
                uint64_t at = s->row[src].at, n = s->row[src + 1].at - at, j = 0;
                ROOM(w->target, n);
                for (int k = 0; k < g->n_projs; k++) {
                    int q = g->proj[k], tgt = e->plan->proj[q].tgt;
                    uint32_t first = acc_first(e, q, t) - s->base, size = part_size(e, tgt, t);
                    part[k] = (Part){q, w->target + j, 0};
                    for (; j < n; j++) {
                        uint32_t acc = g->wide ? ((uint32_t *)s->tgt)[at + j] : ((uint16_t *)s->tgt)[at + j];
                        if (acc - first >= size) break;
                        w->target[j] = acc - first + e->pop[tgt].part[t];
                        part[k].n++;
                    }
                }
                cx_assert(j == n);
                write_row(b, w, t, src, part, g->n_projs);
            }
        }
        keep_segments(b, w, block);
    }
    if (w->failed) atomic_store(&b->next, b->n_blocks);
    cx_free(part);
}

/* ---- between the passes ---- */

/* Turns the counts of a thread's rows into first positions, and makes room. */
static void make_room(void *user, int thread)
{
    Build *b = user;
    Group *g = b->g;
    Share *s = &g->share[thread];
    uint64_t at = 0;
    for (uint32_t k = 0; k <= g->n_rows; k++) {
        uint64_t n = s->row[k].at;
        s->row[k].at = at;
        at += n;
    }
    s->n = at;
    s->tgt = cx_alloc(at, g->wide ? sizeof(uint32_t) : sizeof(uint16_t), "synapses");
    if (g->weighted) s->weight = cx_alloc(at, sizeof(float), "synapses");
    if (g->plastic) plastic_room(b->e, g, s, thread);
    if (g->delayed) s->seg = cx_alloc(b->n_blocks, sizeof *s->seg, "synapses");
}

static void index_targets(void *user, int thread)
{
    Build *b = user;
    plastic_index(b->e, b->g, &b->g->share[thread], thread);
}

/* After columns were filled each row's position is the end of the row. */
static void shift_rows(void *user, int thread)
{
    Build *b = user;
    Row *row = b->g->share[thread].row;
    for (uint32_t k = b->g->n_rows; k > 0; k--) row[k].at = row[k - 1].at;
    row[0].at = 0;
}

static bool pass(Build *b, ThreadsFn *fn, Fail *f)
{
    Builder *first = NULL;
    atomic_store(&b->next, 0);
    threads_run(b->e->threads, fn, b);
    for (int t = 0; t < b->e->n_threads; t++) {
        Builder *w = &b->builder[t];
        if (w->failed && (!first || w->fail_at < first->fail_at)) first = w;
    }
    if (!first) return !stopped(b) || fail_set(f, EXIT_SYSTEM, "interrupted while the synapses were made");
    *f = first->fail;
    return false;
}

static void gather_delays(Build *b)
{
    Engine *e = b->e;
    Group *g = b->g;
    Delayed all = {0, 0, false};
    for (int k = 0; k < g->n_projs; k++) {
        int q = g->proj[k];
        for (int t = 0; t < e->n_threads; t++) {
            const Delayed *r = &b->builder[t].range[q];
            e->proj_synapses[q] += b->builder[t].n[q];
            if (!r->any) continue;
            if (!all.any || r->min < all.min) all.min = r->min;
            if (!all.any || r->max > all.max) all.max = r->max;
            all.any = true;
        }
    }
    if (g->delayed) {
        g->min_delay = all.min;
        g->max_delay = all.max;
    }
}

static bool build_group(Build *b, Group *g, Fail *f)
{
    Engine *e = b->e;
    b->g = g;
    b->n_blocks = ((uint64_t)g->n_rows + ROW_BLOCK - 1) / ROW_BLOCK;
    for (int t = 0; t < e->n_threads; t++) {
        Share *s = &g->share[t];
        s->row = cx_alloc((size_t)g->n_rows + 1, sizeof *s->row, "synapses");
        s->base = acc_first(e, g->proj[0], t);
        for (int k = 1; k < g->n_projs; k++)
            if (acc_first(e, g->proj[k], t) < s->base) s->base = acc_first(e, g->proj[k], t);
        if (g->plastic) s->base -= e->pop[e->plan->proj[g->proj[0]].tgt].part[t]; /* so that targets are neurons */
        b->builder[t].cut = cx_realloc(b->builder[t].cut, (size_t)g->n_projs * (size_t)(e->n_threads + 1),
                                       sizeof(size_t), "connectivity");
    }
    for (int k = 0; k < g->n_projs; k++) {
        int q = g->proj[k];
        if (b->call[q].prob && b->rule[q]->row) b->kept[q] = cx_alloc(g->n_rows, sizeof(Kept), "connectivity");
    }
    atomic_store(&b->n_kept, 0);
    b->fill = false;
    if (!pass(b, g->by_target ? columns_by_target : rows_by_source, f)) return false;
    threads_run(e->threads, make_room, b);
    b->fill = true;
    if (g->by_target) {
        if (!pass(b, columns_by_target, f)) return false;
        threads_run(e->threads, shift_rows, b);
        if (!pass(b, finish_rows, f)) return false;
    } else if (!pass(b, rows_by_source, f)) {
        return false;
    }
    gather_delays(b);
    if (g->plastic) threads_run(e->threads, index_targets, b);
    for (int t = 0; t < e->n_threads; t++) ring_init(&g->share[t].ring, g->max_delay);
    return true;
}

/* What is left of it after a failure, and the arrays. */
static void forget_kept(Build *b, const Group *g)
{
    for (int k = 0; k < g->n_projs; k++) {
        Kept *kept = b->kept[g->proj[k]];
        for (uint32_t s = 0; kept && s < g->n_rows; s++) cx_free(kept[s].pick);
        cx_free(kept);
        b->kept[g->proj[k]] = NULL;
    }
}

/* ---- all projections ---- */

static bool prepare(Build *b, int q, Fail *f)
{
    Engine *e = b->e;
    const PlanProj *p = &e->plan->proj[q];
    const PlanPop *src = &e->plan->pop[p->src], *tgt = &e->plan->pop[p->tgt];
    const Rule *rule = rule_find(p->rule);
    RuleCall *c = &b->call[q];
    if (!rule) cx_bug("no connection rule `%s`", p->rule);
    b->rule[q] = rule;
    *c = rule_call(rule, p, src->name, tgt->name, e->plan->seed);
    c->prob = p->prob_fn < 0 ? NULL : &e->plan->kernel[p->prob_kernel]->fn[p->prob_fn];
    if (!p->src_sel.n || !p->tgt_sel.n)
        return rule_fail(c, f, "no neuron of %s is selected; check the bounds of the slice", (p->src_sel.n ? tgt : src)->name);
    if (!p->weight.varies) {
        if (!isfinite(p->weight.value)) return rule_fail(c, f, "the weight %g is not finite", p->weight.value);
        if (p->weight.value < 0 && tgt->port[p->port].non_negative)
            return rule_fail(c, f, "every synapse has weight %g into `%s`, which is declared non-negative", p->weight.value,
                             tgt->port[p->port].name);
    }
    if (!p->delay.varies && !(p->delay.value >= 0 && p->delay.value < ENGINE_MAX_DELAY))
        return rule_fail(c, f, "a delay of %.17g steps is not between 0 and %d", p->delay.value, ENGINE_MAX_DELAY - 1);
    return !rule->prepare || rule->prepare(c, f);
}

/* Says at once what would fill the memory for hours. A synapse takes two bytes at the very least. */
static bool enough_memory(Build *b, Fail *f)
{
    double synapses = 0, memory = (double)os_memory();
    for (int q = 0; q < b->e->plan->n_projs; q++) synapses += rule_expected(&b->call[q]);
    if (memory <= 0 || 2 * synapses <= memory) return true;
    return fail_set(f, EXIT_LIMIT, "the connections are about %.3g synapses, which need at least %.3g GB; this machine has %.3g GB", synapses,
                    2e-9 * synapses, 1e-9 * memory);
}

static void free_builder(Builder *w, int threads)
{
    rule_work_free(&w->work);
    vec_free(w->target);
    vec_free(w->acc);
    vec_free(w->weight);
    vec_free(w->delay);
    vec_free(w->mult);
    for (int t = 0; t < threads; t++) vec_free(w->seg[t]);
    cx_free(w->seg);
    cx_free(w->cut);
    cx_free(w->n);
    cx_free(w->range);
}

/* Makes the synapses of all projections of e->plan, their rings, the window and the delays of the
 * populations. False with exit code 65 for what a model cannot mean. */
bool engine_build(Engine *e, Fail *f)
{
    size_t n = (size_t)e->plan->n_projs, threads = (size_t)e->n_threads;
    Build b = {.e = e};
    b.call = cx_alloc(n, sizeof *b.call, "connectivity");
    b.rule = cx_alloc(n, sizeof *b.rule, "connectivity");
    b.kept = cx_alloc(n, sizeof *b.kept, "connectivity");
    b.builder = cx_alloc(threads, sizeof *b.builder, "connectivity");
    e->proj_synapses = cx_alloc(n, sizeof *e->proj_synapses, "connectivity");
    e->proj_group = cx_alloc(n, sizeof *e->proj_group, "connectivity");
    for (size_t t = 0; t < threads; t++) {
        Builder *w = &b.builder[t];
        w->work.scratch = cx_alloc(1, e->scratch_bytes, "connectivity");
        w->seg = cx_alloc(threads, sizeof *w->seg, "connectivity");
        w->n = cx_alloc(n, sizeof *w->n, "connectivity");
        w->range = cx_alloc(n, sizeof *w->range, "connectivity");
    }
    bool ok = true;
    for (int q = 0; ok && q < e->plan->n_projs; q++) ok = prepare(&b, q, f);
    ok = ok && enough_memory(&b, f);
    if (ok) make_groups(&b);
    for (int k = 0; ok && k < e->n_groups; k++) {
        ok = build_group(&b, &e->group[k], f);
        forget_kept(&b, &e->group[k]);
    }
    e->window = ENGINE_MAX_WINDOW;
    for (int k = 0; ok && k < e->n_groups; k++) {
        Group *g = &e->group[k];
        uint64_t any = 0;
        for (size_t t = 0; t < threads; t++) any += g->share[t].n;
        e->stats.synapses += any;
        g->bytes = any * ((g->wide ? 4 : 2) + (g->weighted ? 4 : 0)) + threads * ((size_t)g->n_rows + 1) * sizeof(Row);
        for (size_t t = 0; g->plastic && t < threads; t++) g->bytes += plastic_bytes(e, g, (int)t);
        for (size_t t = 0; t < threads; t++) g->n += g->share[t].n;
        e->stats.bytes_synapses += g->bytes;
        if (!any) continue;
        if (g->plastic) {
            int window = plastic_attach(e, g);
            if (window < e->window) e->window = window;
        }
        if (g->silent) continue;
        Pop *src = &e->pop[g->src];
        src->sends = true;
        if (g->max_delay > src->max_delay) src->max_delay = g->max_delay;
        if (g->min_delay + 1 < (uint32_t)e->window) e->window = (int)g->min_delay + 1;
    }
    for (size_t q = 0; q < n; q++) cx_free(b.call[q].table);
    for (size_t t = 0; t < threads; t++) e->stats.bytes_synapses += b.builder[t].n_segs * sizeof(Seg);
    for (size_t t = 0; t < threads; t++) free_builder(&b.builder[t], e->n_threads);
    cx_free(b.builder);
    cx_free(b.kept);
    cx_free(b.rule);
    cx_free(b.call);
    return ok;
}
