/* The synapses of a thread by target, for what they do when their targets spike.
 *
 * Numbers of synapses that are onto one target ascend, on average by the number of targets of the thread. Where these
 * fit 16 bits, the steps from each to the next are kept in 16 bits, longer ones in several; else the numbers are. Sources
 * are found by walking along the ends of the rows at the same time. */
#include "engine_internal.h"

enum { LONG = 65535, /* goes on so far, and there is no synapse */
       ENDS = 4,     /* that are looked at together */
       WALKS = 4 };  /* along the rows at the same time, as each step of one waits for the step before */

struct PlasticIndex {
    uint64_t *first;   /* [neuron of the part, and one behind] entry */
    void *entry;       /* uint16_t: steps, or uint32_t: synapses, where wide */
    uint32_t *row_end; /* [source, and ENDS that are beyond all] number behind its last synapse */
    uint32_t n_rows;
    bool wide;
    size_t bytes;
};

/* Counts the entries of each neuron to n[neuron]. */
static void count_steps(const Share *s, uint32_t neurons, uint64_t *n)
{
    const uint16_t *tgt = s->tgt;
    uint32_t *last = cx_alloc(neurons, sizeof *last, "synapses");
    for (uint32_t k = 0; k < s->n; k++) {
        uint32_t *l = &last[tgt[k]];
        n[tgt[k]] += 1 + (k - *l) / LONG;
        *l = k;
    }
    cx_free(last);
}

/* Writes those of each neuron from at[neuron] on, which moves on. */
static void write_steps(const Share *s, uint32_t neurons, uint64_t *at, uint16_t *entry)
{
    const uint16_t *tgt = s->tgt;
    uint32_t *last = cx_alloc(neurons, sizeof *last, "synapses");
    for (uint32_t k = 0; k < s->n; k++) {
        uint32_t step = k - last[tgt[k]];
        uint64_t *to = &at[tgt[k]];
        for (; step >= LONG; step -= LONG) entry[(*to)++] = LONG;
        entry[(*to)++] = (uint16_t)step;
        last[tgt[k]] = k;
    }
    cx_free(last);
}

/* The synapses of a group that stand on one thread. */
void plastic_index_make(const Engine *e, const Group *g, Share *s, int thread)
{
    const PlanProj *p = &e->plan->proj[g->proj[0]];
    uint32_t neurons = e->pop[p->tgt].part[thread + 1] - e->pop[p->tgt].part[thread];
    bool any = false;
    for (int h = 0; h < p->synapse.n_handlers; h++) any = any || p->synapse.handler[h].when == ON_POST;
    if (!any) return;
    if (s->n >= UINT32_MAX) cx_bug("more than 2^32 plastic synapses on one thread");
    PlasticIndex *x = s->by_target = cx_alloc(1, sizeof *x, "synapses");
    x->wide = g->wide;
    x->n_rows = g->n_rows;
    x->first = cx_alloc((size_t)neurons + 2, sizeof *x->first, "synapses");
    x->row_end = cx_alloc((size_t)g->n_rows + ENDS, sizeof *x->row_end, "synapses");
    for (uint32_t k = 0; k < g->n_rows + ENDS; k++) x->row_end[k] = k < g->n_rows ? (uint32_t)s->row[k + 1].at : UINT32_MAX;
    uint64_t *at = x->first + 1; /* which filling moves on by one place, to where it belongs */
    if (!g->wide) count_steps(s, neurons, at + 1);
    else
        for (uint32_t k = 0; k < s->n; k++) at[((uint32_t *)s->tgt)[k] + 1]++;
    for (uint32_t j = 0; j < neurons; j++) at[j + 1] += at[j];
    uint64_t entries = at[neurons];
    size_t size = g->wide ? sizeof(uint32_t) : sizeof(uint16_t);
    x->entry = cx_alloc(entries, size, "synapses");
    if (!g->wide) write_steps(s, neurons, at, x->entry);
    else
        for (uint32_t k = 0; k < s->n; k++) ((uint32_t *)x->entry)[at[((uint32_t *)s->tgt)[k]]++] = k;
    x->bytes = entries * size + ((size_t)neurons + 2) * sizeof *x->first + ((size_t)g->n_rows + ENDS) * sizeof *x->row_end;
}

/* What it takes; 0 for NULL. */
size_t plastic_index_bytes(const PlasticIndex *x)
{
    return x ? x->bytes : 0;
}

/* NULL is nothing to do. */
void plastic_index_free(PlasticIndex *x)
{
    if (!x) return;
    cx_free(x->first);
    cx_free(x->entry);
    cx_free(x->row_end);
    cx_free(x);
}

/* The beginning of the synapses onto a neuron of the share. */
PlasticCursor plastic_index_find(const Share *s, uint32_t neuron)
{
    const uint64_t *first = s->by_target->first + (neuron - s->first);
    return (PlasticCursor){.next = first[0], .end = first[1], .tgt = neuron};
}

/* The first row behind `row` that ends behind synapse `at`, where many rows are passed. */
static __attribute__((noinline)) uint32_t leap(const PlasticIndex *x, uint32_t row, uint32_t at)
{
    uint32_t step = 1;
    for (; row + step < x->n_rows && x->row_end[row + step] <= at; step *= 2) row += step;
    for (; step; step /= 2)
        if (row + step < x->n_rows && x->row_end[row + step] <= at) row += step;
    return row + 1;
}

static inline uint32_t next_row(const PlasticIndex *x, uint32_t row, uint32_t at)
{
    const uint32_t *end = x->row_end + row;
    row += (uint32_t)((end[0] <= at) + (end[1] <= at) + (end[2] <= at) + (end[3] <= at));
    return x->row_end[row] <= at ? leap(x, row, at) : row;
}

static void read_sources(const PlasticIndex *x, uint32_t row, size_t n, const uint32_t *at, uint32_t *src)
{
    uint32_t walk[WALKS] = {0};
    size_t part = n / WALKS;
    for (int q = 0; part && q < WALKS; q++) {
        uint32_t first = at[(size_t)q * part];
        row = walk[q] = x->row_end[row] <= first ? leap(x, row, first) : row;
    }
    for (size_t k = 0; k < part; k++)
        for (size_t q = 0; q < WALKS; q++) src[q * part + k] = walk[q] = next_row(x, walk[q], at[q * part + k]);
    if (part) row = walk[WALKS - 1];
    for (size_t k = WALKS * part; k < n; k++) src[k] = row = next_row(x, row, at[k]);
}

void plastic_index_read(const PlasticIndex *x, PlasticCursor *c, bool sources, size_t most, PlasticLanes *lanes)
{
    size_t from = lanes->n, n = from;
    uint32_t *at = lanes->at;
    if (x->wide) {
        const uint32_t *entry = x->entry;
        while (n < most && c->next < c->end) at[n++] = entry[c->next++];
    } else {
        const uint16_t *entry = x->entry;
        uint64_t next = c->next;
        uint32_t last = c->at;
        while (n < most && next < c->end) {
            uint64_t sure = most - n < c->end - next ? most - n : c->end - next;
            for (uint64_t end = next + sure; next < end; next++) {
                last += entry[next];
                at[n] = last;
                n += entry[next] != LONG;
            }
        }
        c->next = next;
        c->at = last;
    }
    for (size_t k = from; k < n; k++) lanes->tgt[k] = c->tgt;
    if (sources && n > from) {
        read_sources(x, c->row, n - from, at + from, lanes->src + from);
        c->row = lanes->src[n - 1];
    }
    lanes->n = n;
}
