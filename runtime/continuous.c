/* What synapses do in every step: a thread runs over the synapses onto its neurons in blocks, from values of t_n that
 * nobody changes meanwhile (Engine.linked), and adds to the inputs of its own neurons in the order of the synapses. */
#include "engine_internal.h"

#include <math.h>

typedef struct Order {
    const Group *g;
    uint64_t *n; /* [thread] */
    bool twice;  /* a pair has several synapses */
} Order;

static void add_in_order(void *user, const EdgeAt *x)
{
    Order *o = user;
    o->g->share[x->thread].order[o->n[x->thread]++] = (uint32_t)x->at;
    o->twice = o->twice || x->mult;
}

/* Rows are stored by delay, so where delays differ the synapses of a pair may stand in another order than that of their
 * multiplicities, in which they are added. */
void continuous_order(Engine *e)
{
    for (int q = 0; q < e->plan->n_projs; q++) {
        Group *g = &e->group[e->proj_group[q]];
        if (!e->plan->proj[q].synapse.name || !e->plan->proj[q].synapse.n_flows || !g->delayed) continue;
        Order o = {.g = g, .n = cx_alloc((size_t)e->n_threads, sizeof *o.n, "synapses")};
        for (int t = 0; t < e->n_threads; t++) {
            if (g->share[t].n > UINT32_MAX) cx_bug("more than 2^32 plastic synapses on one thread");
            g->share[t].order = cx_alloc(g->share[t].n, sizeof *g->share[t].order, "synapses");
        }
        engine_edges_visit(e, q, add_in_order, &o);
        for (int t = 0; t < e->n_threads && !o.twice; t++) {
            cx_free(g->share[t].order);
            g->share[t].order = NULL;
        }
        cx_free(o.n);
    }
}

/* The first state of the n synapses from `at` on that is not finite ends the run behind this step. */
static void check(Worker *w, const PlanProj *p, const Group *g, const Frame *fr, uint64_t at, size_t n)
{
    const Kernel *k = plastic_kernel(w->engine, g);
    const Share *s = &g->share[w->thread];
    for (int f = 0; f < k->n_fields; f++) {
        if (k->field[f].kind != FIELD_STATE) continue;
        const double *v = s->col[f] + at;
        double sum = 0; /* 0 where all are finite */
        for (size_t j = 0; j < n; j++) sum += 0 * v[j];
        for (size_t j = 0; sum != 0 && j < n; j++)
            if (!isfinite(v[j])) {
                uint32_t src, tgt;
                plastic_sources(s, at + j, 1, &src);
                plastic_targets(g, s, at + j, 1, &tgt);
                engine_step_fault(w, fr->step + 1, "%s of synapse %u -> %u of %s is not finite at %.15g ms", k->field[f].name, src,
                                  tgt, p->name, fr->t1);
                return;
            }
    }
}

static void step_synapses(Worker *w, const PlanProj *p, const Group *g, int64_t step, double t, double t1)
{
    const Engine *e = w->engine;
    const Share *s = &g->share[w->thread];
    const Kernel *k = plastic_kernel(e, g);
    const KernelFn *fn = &k->fn[p->synapse.fn_step];
    Frame fr = {.col = w->syn_col, .step = step, .t = t, .t1 = t1, .scratch = w->scratch};
    double *out[PLAN_SUMS];
    if (p->synapse.step_draws) fr.key = rng_event(g->key, step, UINT32_MAX);
    for (int q = 0; q < p->synapse.n_flows; q++) out[q] = w->syn_out + q * ENGINE_BLOCK;
    for (uint64_t at = 0, n; at < s->n; at += n) {
        n = s->n - at < ENGINE_BLOCK ? s->n - at : ENGINE_BLOCK;
        if (s->order) plastic_gather(w, g, s, NULL, s->order + at, n, &fr);
        else plastic_aim(w, g, s, at, n, &fr);
        fn->range(fn, &fr, 0, (int64_t)n, out);
        if (s->order) plastic_back(w, g, s, NULL, s->order + at, n);
        for (int q = 0; q < p->synapse.n_flows; q++) {
            double *sum = w->col[p->tgt][p->synapse.flow[q]];
            for (uint64_t j = 0; j < n; j++) sum[fr.tgt[j]] += out[q][j];
        }
        if (!s->order) check(w, p, g, &fr, at, n);
    }
    if (s->order && s->n) check(w, p, g, &fr, 0, s->n);
}

void continuous_step(Worker *w, int64_t step, double t, double t1)
{
    const Engine *e = w->engine;
    for (int q = 0; q < e->plan->n_projs; q++) {
        const PlanProj *p = &e->plan->proj[q];
        if (p->synapse.name && p->synapse.fn_step >= 0) step_synapses(w, p, &e->group[e->proj_group[q]], step, t, t1);
    }
}
