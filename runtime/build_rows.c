/* The rows of a batch from its pairs: weights and delays of each projection at once, then every row on
 * every thread, ordered by delay. */
#include "build.h"

#include <math.h>
#include <string.h>

enum {
    SLICE = 512,            /* delays that are rounded one by one when one of them must be */
    MOST_PARTS = 4,         /* threads for which picks are parted one bound after the other */
    MOST_TALLIED = 1 << 20, /* targets with a count each, in a second-level cache or near */
};

/* ---- pairs of a batch ---- */

/* Empties a batch for the rows from `first` on. */
void build_rows_start(Batch *x, uint32_t first, uint32_t n_rows)
{
    x->first = first;
    x->n_rows = n_rows;
    x->n = 0;
    vec_clear(x->cut);
}

/* Must come before the synapses of each projection and row, and behind all. */
void build_rows_cut(Batch *x)
{
    vec_push(x->cut, x->n);
}

/* Of two synapses of one pair the second has multiplicity 1, and so on. */
static void number_sorted(size_t n, const uint32_t *restrict tgt, uint32_t *restrict mult)
{
    uint32_t any = 0;
    mult[0] = 0;
    for (size_t k = 1; k < n; k++) {
        mult[k] = tgt[k] == tgt[k - 1];
        any |= mult[k];
    }
    for (size_t k = 1; any && k < n; k++)
        if (mult[k]) mult[k] += mult[k - 1];
}

/* The same for targets in any order; `tally` counts the synapses of each pick and is all zero between calls. */
static void number_any(size_t n, const uint32_t *restrict pick, uint32_t *restrict mult, uint16_t *restrict tally)
{
    for (size_t k = 0; k < n; k++) mult[k] = tally[pick[k]]++;
    for (size_t k = 0; k < n; k++) tally[pick[k]] = 0;
}

/* Must n picks of projection q be sorted? Not where rows are ordered by delay anyway: then it matters only that
 * the synapses of a pair keep their order, and that those of a thread stand together. */
static bool must_sort(const Build *b, int q, size_t n)
{
    uint32_t m = b->e->plan->proj[q].tgt_sel.n;
    bool parted = !b->g->procedural && b->e->n_threads > MOST_PARTS;
    return b->g->plastic || !b->g->delayed || parted || n > UINT16_MAX || m > MOST_TALLIED;
}

/* Moves the picks below each bound (the next thread's first position) to the front, in their order. */
static void part_picks(Build *b, Builder *w, int q)
{
    const PlanProj *p = &b->e->plan->proj[q];
    uint32_t *pick = w->work.pick;
    size_t n = vec_len(pick), from = 0;
    BUILD_ROOM(w->work.sorted, n);
    for (int t = 0; t + 1 < b->e->n_threads; t++) {
        uint32_t cut = (uint32_t)engine_cut(&p->tgt_sel, b->e->pop[p->tgt].part[t + 1]), *rest = w->work.sorted;
        size_t low = from, high = 0;
        for (size_t k = from; k < n; k++) {
            uint32_t v = pick[k];
            pick[low] = v;
            rest[high] = v;
            low += v < cut;
            high += v >= cut;
        }
        memcpy(pick + low, rest, high * sizeof *pick);
        from = low;
    }
}

static void make_room(Batch *x, size_t n)
{
    BUILD_ROOM(x->tgt, x->n + n);
    BUILD_ROOM(x->src, x->n + n);
    BUILD_ROOM(x->mult, x->n + n);
}

/* Adds the synapses of one source and projection onto the n neurons `tgt`, ascending. */
void build_rows_add(Batch *x, uint32_t src, size_t n, const uint32_t *tgt)
{
    make_room(x, n);
    if (!n) return;
    memcpy(x->tgt + x->n, tgt, n * sizeof *tgt);
    for (size_t k = 0; k < n; k++) x->src[x->n + k] = src;
    number_sorted(n, tgt, x->mult + x->n);
    x->n += n;
}

/* Adds the synapses of one source and projection onto what a rule picked, w->work.pick. */
void build_rows_pick(Build *b, Builder *w, int q, uint32_t src)
{
    const PlanSelect *sel = &b->e->plan->proj[q].tgt_sel;
    Batch *x = &w->batch;
    size_t n = vec_len(w->work.pick);
    bool sorted = b->rule[q]->sorted;
    if (!n) return;
    make_room(x, n);
    if (!sorted && must_sort(b, q, n)) {
        rule_sort_picks(&w->work);
        sorted = true;
    } else if (!sorted && !b->g->procedural) {
        part_picks(b, w, q);
    }
    const uint32_t *restrict pick = w->work.pick;
    uint32_t *restrict tgt = x->tgt + x->n, *restrict from = x->src + x->n, lo = sel->lo;
    if (sel->index)
        for (size_t k = 0; k < n; k++) tgt[k] = sel->index[pick[k]];
    else
        for (size_t k = 0; k < n; k++) tgt[k] = lo + pick[k];
    for (size_t k = 0; k < n; k++) from[k] = src;
    if (sorted) {
        number_sorted(n, pick, x->mult + x->n);
    } else {
        BUILD_ROOM(w->tally, sel->n);
        number_any(n, pick, x->mult + x->n, w->tally);
    }
    x->n += n;
}

/* ---- attributes ---- */

static const KernelFn *attr_fn(const Engine *e, const PlanAttr *a)
{
    return &e->plan->kernel[a->kernel]->fn[a->fn];
}

/* Of several failures on one thread the first in the order of rows, then projections, is kept. */
static bool fail_synapse(Build *b, Builder *w, int q, uint64_t row, const char *fmt, ...) CX_PRINTF(5, 6);
static bool fail_synapse(Build *b, Builder *w, int q, uint64_t row, const char *fmt, ...)
{
    char text[300];
    va_list ap;
    if (w->failed && w->fail_at <= row) return false;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    w->failed = true;
    w->fail_at = row;
    return rule_fail(&b->call[q], &w->fail, "%s", text);
}

/* Milliseconds to steps, to the nearest, ties up, in exact decimals where that matters. False when
 * negative, not a number or too long. */
bool build_rows_steps(double ms, double dt, uint32_t *steps)
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

static bool tell_weight(Build *b, Builder *w, int q, size_t from, size_t n)
{
    const Batch *x = &w->batch;
    const PlanProj *p = &b->e->plan->proj[q];
    const PlanPort *port = &b->e->plan->pop[p->tgt].port[p->port];
    for (size_t k = 0; k < n; k++) {
        double v = x->value[k];
        uint32_t src = x->src[from + k], tgt = x->tgt[from + k];
        if (!isfinite((float)v))
            return fail_synapse(b, w, q, src, "synapse %u -> %u has weight %g, which is not a finite number in single precision", src, tgt, v);
        if (v < 0 && port->non_negative)
            return fail_synapse(b, w, q, src, "synapse %u -> %u has weight %g into `%s`, which is declared non-negative", src, tgt, v, port->name);
    }
    cx_bug("a weight of projection %s is wrong, but none can be found", p->name);
}

static bool weights(Build *b, Builder *w, int q, const Frame *fr, size_t from, size_t n)
{
    Batch *x = &w->batch;
    const PlanProj *p = &b->e->plan->proj[q];
    const KernelFn *fn = attr_fn(b->e, &p->weight);
    double *const out[1] = {x->value};
    fn->range(fn, fr, 0, (int64_t)n, out);
    unsigned wrong = build_isa()->weights(n, x->value, x->weight + from);
    if (wrong & BUILD_ODD || (wrong & BUILD_NEGATIVE && b->e->plan->pop[p->tgt].port[p->port].non_negative)) {
        fn->range(fn, fr, 0, (int64_t)n, out); /* in double precision again */
        return tell_weight(b, w, q, from, n);
    }
    if (!b->known) engine_weights_add(&w->sums[q], n, x->value);
    return true;
}

/* One by one, some of them near to half a step or wrong. */
static bool delays_with_care(Build *b, Builder *w, int q, size_t from, size_t n, const double *ms, uint32_t range[2])
{
    Batch *x = &w->batch;
    range[0] = UINT32_MAX;
    range[1] = 0;
    for (size_t k = 0; k < n; k++) {
        uint32_t d, src = x->src[from + k];
        if (!build_rows_steps(ms[k], b->e->plan->dt, &d))
            return fail_synapse(b, w, q, src, ms[k] < 0 ? "synapse %u -> %u has delay %g ms, which is negative"
                                : ms[k] > 0 ? "synapse %u -> %u has delay %g ms, which is longer than 4194303 steps"
                                            : "synapse %u -> %u has delay %g ms, which is not a number",
                                src, x->tgt[from + k], ms[k]);
        x->delay[from + k] = d;
        if (d < range[0]) range[0] = d;
        if (d > range[1]) range[1] = d;
    }
    return true;
}

static bool delays(Build *b, Builder *w, int q, const Frame *fr, size_t from, size_t n)
{
    Batch *x = &w->batch;
    const KernelFn *fn = attr_fn(b->e, &b->e->plan->proj[q].delay);
    Delayed *all = &w->range[q];
    double *const out[1] = {x->value};
    fn->range(fn, fr, 0, (int64_t)n, out);
    for (size_t at = 0; at < n; at += SLICE) {
        size_t m = n - at < SLICE ? n - at : SLICE;
        uint32_t range[2];
        if (!build_isa()->delays(m, x->value + at, b->e->plan->dt, x->delay + from + at, range) &&
            !delays_with_care(b, w, q, from + at, m, x->value + at, range))
            return false;
        if (!all->any || range[0] < all->min) all->min = range[0];
        if (!all->any || range[1] > all->max) all->max = range[1];
        all->any = true;
        if (range[0] < x->min_delay) x->min_delay = range[0];
        if (range[1] > x->max_delay) x->max_delay = range[1];
    }
    return true;
}

/* Weights and delays of the k-th projection of the group. */
static void attributes(Build *b, Builder *w, int k)
{
    const Group *g = b->g;
    Batch *x = &w->batch;
    int q = g->proj[k];
    size_t from = x->cut[(size_t)k * x->n_rows], n = x->cut[(size_t)(k + 1) * x->n_rows] - from;
    w->n[q] += n;
    if (!n) return;
    BUILD_ROOM(x->value, n);
    Frame fr = {.key = b->call[q].attr_key, .src = x->src + from, .tgt = x->tgt + from, .mult = x->mult + from,
                .scratch = w->work.scratch, .t1 = b->e->plan->dt};
    if (g->weighted) weights(b, w, q, &fr, from, n);
    if (g->delayed) delays(b, w, q, &fr, from, n);
}

/* ---- rows ---- */

static void push_segments(Seg **segs, uint32_t skip, size_t n)
{
    for (; skip > 65535; skip -= 65535) vec_push(*segs, ((Seg){65535, 0}));
    for (; n > 65535; n -= 65535) {
        vec_push(*segs, ((Seg){(uint16_t)skip, 65535}));
        skip = 0;
    }
    vec_push(*segs, ((Seg){(uint16_t)skip, (uint16_t)n}));
}

typedef struct Part { /* synapses of one row and projection onto one thread: [at, end) of the batch */
    size_t at, end;
    uint32_t shift; /* from neurons to accumulators */
} Part;

/* Where the row being written goes. */
typedef struct Target {
    Group *g;
    Share *s;
    uint64_t first;
    uint32_t *mult; /* of plastic synapses: those of this row as they are stored, or NULL */
} Target;

static inline void put(const Target *to, const Batch *x, size_t from, uint64_t at, uint32_t acc)
{
    build_store(to->g, to->s, at, acc);
    if (to->g->weighted) to->s->weight[at] = x->weight[from];
    if (to->mult) to->mult[at - to->first] = x->mult[from];
}

/* As they stand in the batch. */
static void write_plain(const Target *to, const Batch *x, const Part *part, int n_parts)
{
    uint64_t at = to->first;
    for (int k = 0; k < n_parts; k++)
        for (size_t j = part[k].at; j < part[k].end; j++) put(to, x, j, at++, x->tgt[j] + part[k].shift);
}

static inline __attribute__((always_inline)) void scatter(const Target *to, const Batch *x, const Part *p, uint64_t *next,
                                                          bool wide, bool weighted)
{
    const size_t min = x->min_delay;
    uint16_t *narrow = to->s->tgt;
    uint32_t *broad = to->s->tgt;
    float *weight = to->s->weight;
    for (size_t j = p->at; j < p->end; j++) {
        uint64_t at = next[x->delay[j] - min]++;
        if (wide) broad[at] = x->tgt[j] + p->shift;
        else narrow[at] = (uint16_t)(x->tgt[j] + p->shift);
        if (weighted) weight[at] = x->weight[j];
    }
}

/* Counts the synapses of each delay, which gives where each goes. */
static void write_counted(Builder *w, const Target *to, const Part *part, int n_parts, Seg **seg)
{
    const Batch *x = &w->batch;
    const Group *g = to->g;
    const size_t min = x->min_delay;
    uint32_t span = x->max_delay - x->min_delay + 1, last = 0;
    BUILD_ROOM(w->next, span);
    memset(w->next, 0, span * sizeof *w->next);
    uint64_t *next = w->next, at = to->first;
    for (int k = 0; k < n_parts; k++)
        for (size_t j = part[k].at; j < part[k].end; j++) next[x->delay[j] - min]++;
    for (uint32_t d = 0; d < span; d++) {
        uint64_t n = next[d];
        next[d] = at;
        at += n;
        if (!n) continue;
        push_segments(seg, x->min_delay + d - last, n);
        last = x->min_delay + d;
    }
    for (int k = 0; k < n_parts; k++) {
        const Part *p = &part[k];
        if (to->mult)
            for (size_t j = p->at; j < p->end; j++) put(to, x, j, next[x->delay[j] - min]++, x->tgt[j] + p->shift);
        else if (g->wide) g->weighted ? scatter(to, x, p, next, true, true) : scatter(to, x, p, next, true, false);
        else g->weighted ? scatter(to, x, p, next, false, true) : scatter(to, x, p, next, false, false);
    }
}

/* Sorts n keys by their upper halves, of `bits` bits; stable (counting by digits, lowest first). */
static void sort_keys(Builder *w, size_t n, int bits)
{
    uint64_t *a = w->key, *b;
    if (n < 24) {
        for (size_t k = 1; k < n; k++) {
            uint64_t v = a[k];
            size_t j = k;
            for (; j > 0 && a[j - 1] >> 32 > v >> 32; j--) a[j] = a[j - 1];
            a[j] = v;
        }
        return;
    }
    BUILD_ROOM(w->key2, n);
    b = w->key2;
    for (int lo = 32; lo < 32 + bits; lo += 8) {
        size_t count[257] = {0};
        for (size_t k = 0; k < n; k++) count[(a[k] >> lo & 255) + 1]++;
        for (int d = 0; d < 256; d++) count[d + 1] += count[d];
        for (size_t k = 0; k < n; k++) b[count[a[k] >> lo & 255]++] = a[k];
        uint64_t *swap = a;
        a = b;
        b = swap;
    }
    if (a != w->key) memcpy(w->key, a, n * sizeof *a);
}

/* For few synapses of very different delays. */
static void write_sorted(Builder *w, const Target *to, const Part *part, int n_parts, size_t n, Seg **seg)
{
    const Batch *x = &w->batch;
    size_t m = 0;
    uint32_t last = 0;
    int bits = 0;
    BUILD_ROOM(w->key, n);
    for (int k = 0; k < n_parts; k++)
        for (size_t j = part[k].at; j < part[k].end; j++) w->key[m++] = (uint64_t)x->delay[j] << 32 | (uint32_t)j;
    while (x->max_delay >> bits) bits++;
    sort_keys(w, n, bits);
    for (size_t k = 0, begin = 0; k < n; k++) {
        size_t from = (uint32_t)w->key[k];
        uint32_t d = (uint32_t)(w->key[k] >> 32);
        int p = 0;
        while (from < part[p].at || from >= part[p].end) p++;
        put(to, x, from, to->first + k, x->tgt[from] + part[p].shift);
        if (k + 1 == n || (uint32_t)(w->key[k + 1] >> 32) != d) {
            push_segments(seg, d - last, k + 1 - begin);
            last = d;
            begin = k + 1;
        }
    }
}

static size_t below(const uint32_t *tgt, size_t lo, size_t hi, uint32_t neuron)
{
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (tgt[mid] < neuron) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* Row r of the batch on thread t. */
static void write_row(Build *b, Builder *w, int t, uint32_t r, Part *part)
{
    Group *g = b->g;
    Share *s = &g->share[t];
    const Engine *e = b->e;
    const Batch *x = &w->batch;
    Row *row = &s->row[x->first + r];
    Target to = {g, s, row->at, g->plastic ? w->mult + (row->at - s->row[x->first].at) : NULL};
    size_t n = 0;
    for (int k = 0; k < g->n_projs; k++) {
        const uint32_t *bound = e->pop[e->plan->proj[g->proj[k]].tgt].part + t;
        size_t lo = x->cut[(size_t)k * x->n_rows + r], hi = x->cut[(size_t)k * x->n_rows + r + 1];
        part[k].at = t ? below(x->tgt, lo, hi, bound[0]) : lo;
        part[k].end = t + 1 < e->n_threads ? below(x->tgt, part[k].at, hi, bound[1]) : hi;
        n += part[k].end - part[k].at;
    }
    if (!g->delayed) {
        write_plain(&to, x, part, g->n_projs);
        return;
    }
    row->seg = (uint32_t)vec_len(w->seg[t]);
    if (!n) {
    } else if (x->max_delay - x->min_delay < 4 * n + 64) {
        write_counted(w, &to, part, g->n_projs, &w->seg[t]);
    } else {
        write_sorted(w, &to, part, g->n_projs, n, &w->seg[t]);
    }
    row->n_seg = (uint32_t)vec_len(w->seg[t]) - row->seg;
}

/* Gives the synapses of the batch on thread t their first states. */
static bool init_synapses(Build *b, Builder *w, int t)
{
    Group *g = b->g;
    Share *s = &g->share[t];
    Batch *x = &w->batch;
    const Row *row = &s->row[x->first];
    uint64_t first = row->at;
    size_t n = row[x->n_rows].at - first;
    uint64_t key = b->call[g->proj[0]].attr_key;
    char why[200];
    if (!n) return true;
    uint32_t *src = x->src; /* of the pairs, and in another order: not needed any more */
    for (uint32_t r = 0; r < x->n_rows; r++)
        for (uint64_t k = row[r].at; k < row[r + 1].at; k++) src[k - first] = x->first + r;
    BUILD_ROOM(w->tgt, n);
    plastic_targets(g, s, first, n, w->tgt);
    if (s->mult) memcpy(s->mult + first, w->mult, n * sizeof *w->mult);
    if (plastic_init(b->e, g, s, key, first, n, src, w->tgt, w->mult, w->work.scratch, why, sizeof why)) return true;
    for (uint32_t r = 0; r < x->n_rows; r++) { /* whose? */
        uint64_t at = row[r].at - first;
        if (!plastic_init(b->e, g, s, key, row[r].at, row[r + 1].at - row[r].at, src + at, w->tgt + at, w->mult + at, w->work.scratch, why,
                          sizeof why))
            return fail_synapse(b, w, g->proj[0], x->first + r, "%s", why);
    }
    cx_bug("a synapse of projection %s is wrong, but none can be found", b->call[g->proj[0]].proj->name);
}

/* Makes weights and delays of the batch where they differ between synapses. */
bool build_rows_attributes(Build *b, Builder *w)
{
    const Group *g = b->g;
    Batch *x = &w->batch;
    x->min_delay = UINT32_MAX;
    x->max_delay = 0;
    if (g->weighted) BUILD_ROOM(x->weight, x->n);
    if (g->delayed) BUILD_ROOM(x->delay, x->n);
    for (int k = 0; k < g->n_projs; k++) attributes(b, w, k);
    return !w->failed;
}

/* Gives the batch its weights and delays and writes its rows, whose places are known, on all threads. */
bool build_rows_write(Build *b, Builder *w)
{
    const Engine *e = b->e;
    Group *g = b->g;
    Batch *x = &w->batch;
    if (g->plastic) BUILD_ROOM(w->mult, x->n);
    if (!build_rows_attributes(b, w)) return false;
    Part *part = cx_alloc((size_t)g->n_projs, sizeof *part, "connectivity");
    for (int t = 0; t < e->n_threads; t++) {
        for (int k = 0; k < g->n_projs; k++)
            part[k].shift = build_acc_first(e, g->proj[k], t) - g->share[t].base - e->pop[e->plan->proj[g->proj[k]].tgt].part[t];
        for (uint32_t r = 0; r < x->n_rows; r++) write_row(b, w, t, r, part);
        if (g->plastic) init_synapses(b, w, t);
    }
    cx_free(part);
    return !w->failed;
}

/* Copies the segments of a block of rows to buffers of just their size. */
void build_rows_segments(Build *b, Builder *w, uint64_t block)
{
    for (int t = 0; b->g->delayed && t < b->e->n_threads; t++) {
        size_t n = vec_len(w->seg[t]);
        if (!n) continue;
        b->g->share[t].seg[block] = cx_alloc(n, sizeof(Seg), "synapses");
        memcpy(b->g->share[t].seg[block], w->seg[t], n * sizeof(Seg));
        w->n_segs += n;
        vec_clear(w->seg[t]);
    }
}

/* The temporaries of a thread. */
void build_rows_new(Builder *w, const Engine *e)
{
    size_t n = (size_t)e->plan->n_projs;
    w->work.scratch = cx_alloc(1, e->scratch_bytes, "connectivity");
    w->seg = cx_alloc((size_t)e->n_threads, sizeof *w->seg, "connectivity");
    w->n = cx_alloc(n, sizeof *w->n, "connectivity");
    w->sums = cx_alloc(n, sizeof *w->sums, "connectivity");
    w->range = cx_alloc(n, sizeof *w->range, "connectivity");
}

/* Frees them, not the builder itself. */
void build_rows_free(Builder *w, int threads)
{
    Batch *x = &w->batch;
    rule_work_free(&w->work);
    vec_free(x->cut);
    vec_free(x->src);
    vec_free(x->tgt);
    vec_free(x->mult);
    vec_free(x->delay);
    vec_free(x->weight);
    vec_free(x->value);
    vec_free(w->next);
    vec_free(w->key);
    vec_free(w->key2);
    vec_free(w->mult);
    vec_free(w->tgt);
    vec_free(w->cursor);
    vec_free(w->tally);
    for (int t = 0; t < threads; t++) vec_free(w->seg[t]);
    cx_free(w->seg);
    cx_free(w->n);
    cx_free(w->sums);
    cx_free(w->range);
}
