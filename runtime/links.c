/* Values of other populations that an input reads: their columns stand in the table of the reader's own, and
 * an index that is computed is tested in every step. See Engine.linked for when they are read. */
#include "engine_internal.h"

#include <string.h>

/* The column of `POPULATION.VARIABLE`; names of populations contain dots, those of variables do not. */
static double *column(const Engine *e, const char *name)
{
    const char *dot = strrchr(name, '.');
    for (int k = 0; dot && k < e->plan->n_pops; k++) {
        const Pop *p = &e->pop[k];
        if (strncmp(p->plan->name, name, (size_t)(dot - name)) || p->plan->name[dot - name]) continue;
        for (int f = 0; p->kernel && f < p->kernel->n_fields; f++)
            if (!strcmp(p->kernel->field[f].name, dot + 1)) return p->col[f];
    }
    cx_bug("no column `%s` to read", name);
}

void links_columns(Engine *e)
{
    for (int k = 0; k < e->plan->n_pops; k++) {
        Pop *p = &e->pop[k];
        for (int f = 0; p->kernel && f < p->kernel->n_fields; f++) {
            if (p->kernel->field[f].kind != FIELD_LINK) continue;
            p->col[f] = column(e, p->kernel->field[f].name);
            e->linked = true;
        }
    }
}

void links_workers(Engine *e)
{
    int most = 0;
    for (int k = 0; k < e->plan->n_stims; k++)
        if (e->plan->stim[k].n_links > most) most = e->plan->stim[k].n_links;
    for (int t = 0; most && t < e->n_threads; t++) {
        double **index = e->worker[t].index = cx_alloc((size_t)most, sizeof *index, "engine");
        index[0] = cx_alloc((size_t)most * ENGINE_BLOCK, sizeof **index, "engine");
        for (int q = 1; q < most; q++) index[q] = index[0] + (size_t)q * ENGINE_BLOCK;
    }
}

static void test(Worker *w, const PlanStim *p, const Frame *fr, uint32_t neuron, int64_t lane, double *const *index)
{
    for (int q = 0; q < p->n_links; q++) {
        double k = index[q][lane];
        if (k >= 0 && k < p->link[q].n) continue;
        engine_step_fault(w, fr->step, "%s: neuron %u of %s reads neuron %.10g of %s, which has %u, at %.15g ms", p->link[q].place, neuron,
                          w->engine->plan->pop[p->tgt].name, k, p->link[q].pop, p->link[q].n, fr->t);
    }
}

void links_drive(Worker *w, const Stim *s, const KernelFn *fn, const Frame *fr)
{
    const PlanStim *p = s->plan;
    double *const *index = w->index;
    for (size_t at = s->cut[w->thread], end = s->cut[w->thread + 1], n; at < end; at += n) {
        n = end - at < ENGINE_BLOCK ? end - at : ENGINE_BLOCK;
        if (p->sel.index) fn->list(fn, fr, p->sel.index + at, (int64_t)n, index);
        else fn->range(fn, fr, p->sel.lo + (int64_t)at, p->sel.lo + (int64_t)(at + n), index);
        for (size_t k = 0; k < n; k++) test(w, p, fr, engine_selected(&p->sel, at + k), (int64_t)k, index);
    }
}
