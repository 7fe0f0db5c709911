/* What a call of a function of plastic synapses is about: their columns, those of their neurons, and the ends of each. */
#include "agenda.h"

#include <string.h>

double *plastic_neurons(const Engine *e, const PlanProj *p, const KernelField *f)
{
    const Pop *pop = &e->pop[f->kind == FIELD_SOURCE ? p->src : p->tgt];
    const char *name = strchr(f->name, '.') + 1;
    double *column = agenda_column(e, f);
    if (column) return column;
    for (int k = 0; k < pop->kernel->n_fields; k++)
        if (!strcmp(pop->kernel->field[k].name, name)) return pop->col[k];
    cx_bug("%s has no column `%s`", pop->plan->name, name);
}

void plastic_point(const Engine *e, const Group *g, const Share *s, uint64_t first, double **col)
{
    const Kernel *k = plastic_kernel(e, g);
    for (int f = 0; f < k->n_fields; f++) {
        const KernelField *field = &k->field[f];
        if (!plastic_own(field)) col[f] = plastic_neurons(e, &e->plan->proj[g->proj[0]], field);
        else if (field->kind == FIELD_POST) col[f] = (double *)((uintptr_t)s->col[f] - s->first * sizeof(double)); /* by neuron */
        else col[f] = s->col[f] + (plastic_each(field) ? first : 0);
    }
}

/* Makes the table from which plastic_row begins. */
void plastic_rows(const Group *g, Share *s)
{
    s->shift = 0;
    while (s->n >> s->shift > g->n_rows) s->shift++;
    size_t n = (size_t)(s->n >> s->shift) + 2;
    s->near = cx_alloc(n, sizeof *s->near, "synapses");
    for (size_t k = 0, row = 0; k < n; k++) {
        while (row + 1 < g->n_rows && s->row[row + 1].at <= (uint64_t)k << s->shift) row++;
        s->near[k] = (uint32_t)row;
    }
}

uint32_t plastic_row(const Share *s, uint64_t at)
{
    const uint32_t *near = s->near + (at >> s->shift);
    uint32_t lo = near[0], hi = near[1] + 1; /* row[lo].at <= at < row[hi].at */
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->row[mid].at <= at) lo = mid;
        else hi = mid;
    }
    return lo;
}

void plastic_sources(const Share *s, uint64_t at, size_t n, uint32_t *src)
{
    uint32_t row = n ? plastic_row(s, at) : 0;
    for (size_t k = 0; k < n; row++)
        for (; k < n && at + k < s->row[row + 1].at; k++) src[k] = row;
}

void plastic_targets(const Group *g, const Share *s, uint64_t at, size_t n, uint32_t *tgt)
{
    const uint16_t *t16 = (const uint16_t *)s->tgt + (g->wide ? 0 : at);
    const uint32_t *t32 = (const uint32_t *)s->tgt + (g->wide ? at : 0);
    uint32_t first = s->first;
    if (g->wide)
        for (size_t k = 0; k < n; k++) tgt[k] = first + t32[k];
    else
        for (size_t k = 0; k < n; k++) tgt[k] = first + t16[k];
}

void plastic_aim(Worker *w, const Group *g, const Share *s, uint64_t at, size_t n, Frame *fr)
{
    plastic_sources(s, at, n, w->syn_src);
    plastic_targets(g, s, at, n, w->syn_tgt);
    fr->src = w->syn_src;
    fr->tgt = w->syn_tgt;
    fr->mult = s->mult ? s->mult + at : NULL;
    plastic_point(w->engine, g, s, at, w->syn_col);
}

void plastic_copy(Worker *w, const Group *g, const Share *s, const uint8_t *use, const uint32_t *at, size_t n, Frame *fr)
{
    const Kernel *k = plastic_kernel(w->engine, g);
    for (int f = 0; f < k->n_fields; f++) {
        if (!plastic_each(&k->field[f])) continue;
        double *to = w->syn_col[f] = w->syn_copy + (size_t)f * ENGINE_BLOCK;
        const double *from = s->col[f];
        for (size_t j = 0; (!use || use[f] & PLAN_READS) && j < n; j++) to[j] = from[at[j]];
    }
    fr->mult = s->mult ? w->syn_mult : NULL;
    for (size_t j = 0; s->mult && j < n; j++) w->syn_mult[j] = s->mult[at[j]];
}

void plastic_gather(Worker *w, const Group *g, const Share *s, const uint8_t *use, const uint32_t *at, size_t n, Frame *fr)
{
    for (size_t j = 0; j < n; j++) {
        plastic_sources(s, at[j], 1, &w->syn_src[j]);
        plastic_targets(g, s, at[j], 1, &w->syn_tgt[j]);
    }
    fr->src = w->syn_src;
    fr->tgt = w->syn_tgt;
    plastic_point(w->engine, g, s, 0, w->syn_col);
    plastic_copy(w, g, s, use, at, n, fr);
}

void plastic_back(Worker *w, const Group *g, const Share *s, const uint8_t *use, const uint32_t *at, size_t n)
{
    const Kernel *k = plastic_kernel(w->engine, g);
    for (int f = 0; f < k->n_fields; f++) {
        if (!plastic_each(&k->field[f]) || (use && !(use[f] & PLAN_WRITES))) continue;
        const double *from = w->syn_copy + (size_t)f * ENGINE_BLOCK;
        double *to = s->col[f];
        for (size_t j = 0; j < n; j++) to[at[j]] = from[j];
    }
}
