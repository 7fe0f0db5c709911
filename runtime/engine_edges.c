/* Lists the synapses of a projection in the order (source, target, multiplicity). Rows are stored by
 * delay, so where a pair has several synapses the multiplicity of each is found from its delay,
 * which is drawn again. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

typedef struct Edge {
    uint32_t tgt, delay, at; /* at: position in storage */
    double weight;
} Edge;

typedef struct Walk {
    Edge *edge;  /* vec: one row */
    uint32_t first, size, shift; /* accumulators of the projection, and from there to neurons */
} Walk;

static void add(void *user, uint32_t acc, double weight, uint32_t delay)
{
    Walk *w = user;
    Edge edge = {acc + w->shift, delay, (uint32_t)vec_len(w->edge), weight};
    if (acc - w->first < w->size) vec_push(w->edge, edge);
}

static int by_target(const void *a, const void *b)
{
    const Edge *x = a, *y = b;
    return x->tgt != y->tgt ? (x->tgt < y->tgt ? -1 : 1) : x->at < y->at ? -1 : 1;
}

/* Orders the n synapses of one pair by multiplicity: those of equal delay are in order already. */
static void order_pair(const Engine *e, int proj, uint32_t src, Edge *edge, size_t n, void *scratch)
{
    const PlanProj *p = &e->plan->proj[proj];
    const KernelFn *fn = &e->plan->kernel[p->delay.kernel]->fn[p->delay.fn];
    uint64_t key = rng_key(p->has_key_seed ? p->seed : e->plan->seed, p->name);
    for (size_t m = 0; m < n; m++) {
        uint32_t tgt = edge[m].tgt, mult = (uint32_t)m, delay = 0;
        double ms, *const out[1] = {&ms};
        Frame fr = {.t1 = e->plan->dt, .key = key, .src = &src, .tgt = &tgt, .mult = &mult, .scratch = scratch};
        fn->range(fn, &fr, 0, 1, out);
        cx_assert(build_rows_steps(ms, e->plan->dt, &delay));
        size_t k = m;
        while (k < n && edge[k].delay != delay) k++;
        cx_assert(k < n);
        Edge found = edge[k];
        for (; k > m; k--) edge[k] = edge[k - 1];
        edge[m] = found;
    }
}

void engine_edges_visit(const Engine *e, int proj, EdgeVisit *visit, void *user)
{
    const PlanProj *p = &e->plan->proj[proj];
    const Group *g = &e->group[e->proj_group[proj]];
    int field = e->plan->pop[p->tgt].port[p->port].acc_field;
    void *scratch = cx_alloc(1, e->scratch_bytes, "edges");
    Walk w = {0};
    for (uint32_t src = 0; src < g->n_rows; src++) {
        for (int t = 0; t < e->n_threads; t++) {
            const uint32_t *part = e->pop[p->tgt].part;
            w.first = e->worker[t].acc_at[p->tgt][field] - g->share[t].base;
            w.size = part[t + 1] - part[t];
            w.shift = part[t] - w.first;
            vec_clear(w.edge);
            if (g->procedural) procedural_row(e, g, t, src, add, &w);
            else ring_row(g, &g->share[t], src, add, &w);
            size_t n = vec_len(w.edge);
            if (n > 1 && g->delayed) qsort(w.edge, n, sizeof *w.edge, by_target);
            for (size_t k = 0, end; k < n; k = end) {
                for (end = k + 1; end < n && w.edge[end].tgt == w.edge[k].tgt; end++) {
                }
                if (g->delayed && end > k + 1) order_pair(e, proj, src, w.edge + k, end - k, scratch);
                for (size_t j = k; j < end; j++)
                    visit(user, &(EdgeAt){src, w.edge[j].tgt, (uint32_t)(j - k), w.edge[j].delay, t,
                                          g->procedural ? 0 : g->share[t].row[src].at + w.edge[j].at, w.edge[j].weight});
            }
        }
    }
    vec_free(w.edge);
    cx_free(scratch);
}

typedef struct Told {
    const Engine *e;
    const Group *g;
    int weight; /* column of plastic synapses, -1 none */
    EngineEdge *edge;
    EngineSynapse *synapse;
    void *user;
} Told;

static void tell_edge(void *user, const EdgeAt *x)
{
    const Told *t = user;
    double weight = t->weight < 0 ? x->weight : t->g->share[x->thread].col[t->weight][x->at];
    t->edge(t->user, x->src, x->tgt, weight, x->delay);
}

void engine_edges(const Engine *e, int proj, EngineEdge *visit, void *user)
{
    Told t = {.e = e, .g = &e->group[e->proj_group[proj]], .edge = visit, .user = user};
    t.weight = engine_weights_column(e, t.g);
    engine_edges_visit(e, proj, tell_edge, &t);
}

static void tell_synapse(void *user, const EdgeAt *x)
{
    const Told *t = user;
    t->synapse(t->user, x->src, x->tgt, x->mult);
}

void engine_synapses(const Engine *e, int proj, EngineSynapse *visit, void *user)
{
    engine_edges_visit(e, proj, tell_synapse, &(Told){.synapse = visit, .user = user});
}
