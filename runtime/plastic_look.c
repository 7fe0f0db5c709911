/* What recorders see of plastic synapses, in the order (source, target, multiplicity). */
#include "agenda.h"

#include <string.h>

typedef struct Ranking {
    uint32_t **position;
    uint64_t n;
} Ranking;

static void place(void *user, const EdgeAt *x)
{
    Ranking *p = user;
    p->position[x->thread][x->at] = (uint32_t)p->n++;
}

/* [thread][synapse]: place in the order (source, target, multiplicity). */
static uint32_t **positions(const Engine *e, int proj)
{
    const Group *g = &e->group[e->proj_group[proj]];
    Ranking p = {cx_alloc((size_t)e->n_threads, sizeof *p.position, "recordings"), 0};
    if (e->proj_synapses[proj] > UINT32_MAX) cx_bug("more than 2^32 synapses of one projection are looked at");
    for (int t = 0; t < e->n_threads; t++) p.position[t] = cx_alloc(g->share[t].n, sizeof **p.position, "recordings");
    engine_edges_visit(e, proj, place, &p);
    return p.position;
}

void plastic_make_rec(Engine *e, int k)
{
    SynRec *r = &e->syn_rec[k];
    r->plan = &e->plan->syn_rec[k];
    r->n = e->proj_synapses[r->plan->proj];
    r->value = cx_alloc((size_t)r->plan->n_vars, sizeof *r->value, "recordings");
    if (e->plan->proj[r->plan->proj].synapse.name || e->plan->proj[r->plan->proj].watched) r->position = positions(e, r->plan->proj);
}

/* A field of the synapses of one thread, to dst[position]. */
static void column(const Engine *e, const Group *g, const Share *s, int f, const uint32_t *position, double *dst)
{
    const KernelField *field = &plastic_kernel(e, g)->field[f];
    const double *from = s->col[f];
    const uint16_t *t16 = s->tgt;
    const uint32_t *t32 = s->tgt;
    for (uint32_t src = 0; src < g->n_rows; src++)
        for (uint64_t k = s->row[src].at; k < s->row[src + 1].at; k++)
            dst[position[k]] = from[field->kind == FIELD_PRE ? src : field->kind == FIELD_POST ? (g->wide ? t32[k] : t16[k]) : field->uniform ? 0 : k];
}

/* Values of one variable of the synapses of one thread, to dst[position]. */
static void values(const Engine *e, const SynRec *r, const PlanVar *var, int thread, Worker *w, Frame fr, double *dst)
{
    const Group *g = &e->group[e->proj_group[r->plan->proj]];
    const Share *s = &g->share[thread];
    const uint32_t *position = r->position[thread];
    if (!g->plastic) {
        for (uint64_t k = 0; k < s->n; k++) dst[position[k]] = s->weight ? s->weight[k] : g->weight;
        return;
    }
    if (var->field >= 0) {
        column(e, g, s, var->field, position, dst);
        return;
    }
    const KernelFn *fn = &plastic_kernel(e, g)->fn[var->fn];
    double *const out[1] = {w->out};
    for (uint64_t at = 0, n; at < s->n; at += n) {
        n = s->n - at < ENGINE_BLOCK ? s->n - at : ENGINE_BLOCK;
        plastic_aim(w, g, s, at, n, &fr);
        fn->range(fn, &fr, 0, (int64_t)n, out);
        for (uint64_t k = 0; k < n; k++) dst[position[at + k]] = w->out[k];
    }
}

void plastic_record(Worker *w, int k, int64_t step, double t, double t1)
{
    Engine *e = w->engine;
    for (int r = 0; r < e->plan->n_syn_recs; r++) {
        const SynRec *rec = &e->syn_rec[r];
        const PlanSynRec *p = rec->plan;
        if (!plan_due(&p->when, step)) continue;
        double *frame = engine_record_slot(e, &p->when, rec->frames, (size_t)p->n_vars * rec->n, w->turn, k, step);
        Frame fr = {.col = w->syn_col, .step = step, .t = t, .t1 = t1, .scratch = w->scratch};
        for (int v = 0; v < p->n_vars; v++) values(e, rec, &p->var[v], w->thread, w, fr, frame + (size_t)v * rec->n);
    }
}

static void keep_weight(void *user, const EdgeAt *x)
{
    double **next = user;
    *(*next)++ = x->weight;
}

/* Values of a variable of a synapse recorder at the time reached. */
void plastic_values(const Engine *e, int rec, int var, double *out)
{
    const SynRec *r = &e->syn_rec[rec];
    const PlanVar *v = &r->plan->var[var];
    Worker *w = &e->worker[0];
    if (!r->position) {
        engine_edges_visit(e, r->plan->proj, keep_weight, &out);
        return;
    }
    Frame fr = {.col = w->syn_col, .step = e->step, .t = decimal_time(e->step, e->plan->dt), .t1 = decimal_time(e->step + 1, e->plan->dt),
                .scratch = w->scratch};
    for (int t = 0; t < e->n_threads; t++) values(e, r, v, t, w, fr, out);
}
