/* Mean, standard deviation and range of the weights of a projection. Static weights are added up while
 * they are made; those of plastic synapses when somebody asks. Sums are whole numbers, so neither the
 * order of the synapses nor the threads matter. */
#include "build.h"

#include <math.h>
#include <string.h>

/* Adds n weights to the sums. */
void engine_weights_add(WeightSums *s, size_t n, const double *value)
{
    const BuildIsa *isa = build_isa();
    for (size_t at = 0; at < n; at += BUILD_SUMS) {
        size_t m = n - at < BUILD_SUMS ? n - at : BUILD_SUMS;
        WeightSums more = {.n = m};
        BuildSums sums;
        double range[2];
        more.wild = !isa->sums(m, value + at, &sums);
        isa->range(m, value + at, range);
        more.sum = (__int128)sums.high * (1 << 30) + sums.low; /* high may be negative, so no shift */
        more.squares = ((unsigned __int128)sums.pp << 50) + ((unsigned __int128)sums.pq << 26) + (unsigned __int128)sums.qq;
        more.min = range[0];
        more.max = range[1];
        engine_weights_join(s, &more);
    }
}

/* Adds the sums of other synapses. */
void engine_weights_join(WeightSums *s, const WeightSums *more)
{
    if (!more->n) return;
    s->min = s->n && s->min < more->min ? s->min : more->min;
    s->max = s->n && s->max > more->max ? s->max : more->max;
    s->sum += more->sum;
    s->squares += more->squares;
    s->n += more->n;
    s->wild |= more->wild;
}

static EngineWeights tell(const WeightSums *s)
{
    if (s->wild || !s->n) return (EngineWeights){0};
    double mean = (double)s->sum * 0x1p-40 / (double)s->n;
    double square = (double)s->squares * 0x1p-60 / (double)s->n, var = square - mean * mean;
    bool same = s->min == s->max;
    return (EngineWeights){true, same ? s->min : mean, same || var < 0 ? 0 : sqrt(var), s->min, s->max};
}

/* The column of plastic synapses that holds their weight, or -1. */
int engine_weights_column(const Engine *e, const Group *g)
{
    const Kernel *k = g->plastic ? plastic_kernel(e, g) : NULL;
    int found = -1;
    for (int f = 0; k && f < k->n_fields; f++)
        if (!strcmp(k->field[f].name, "weight")) found = f;
    return found;
}

typedef struct Walk {
    const Engine *e;
    const Group *g;
    int column;
    WeightSums *sums; /* a thread */
} Walk;

static void walk(void *user, int thread)
{
    const Walk *w = user;
    const Share *s = &w->g->share[thread];
    engine_weights_add(&w->sums[thread], s->n, s->col[w->column]);
}

static EngineWeights one_weight(uint64_t n, double weight)
{
    bool known = n && fabs(weight) <= 524288.0;
    return known ? (EngineWeights){true, weight, 0, weight, weight} : (EngineWeights){0};
}

EngineWeights engine_weights(const Engine *e, int proj)
{
    const Group *g = &e->group[e->proj_group[proj]];
    Walk w = {e, g, engine_weights_column(e, g), NULL};
    WeightSums all = {0};
    if (g->plastic && w.column < 0) return (EngineWeights){0};
    if (g->weighted) return tell(&e->proj_weights[proj]);
    if (!g->plastic) return one_weight(e->proj_synapses[proj], g->weight);
    for (int t = 0; t < e->n_threads; t++)
        if (!g->share[t].col[w.column]) return (EngineWeights){0};
    if (plastic_kernel(e, g)->field[w.column].uniform)
        return one_weight(e->proj_synapses[proj], g->share[0].col[w.column][0]);
    w.sums = cx_alloc((size_t)e->n_threads, sizeof *w.sums, "weights");
    threads_run(e->threads, walk, &w);
    for (int t = 0; t < e->n_threads; t++) engine_weights_join(&all, &w.sums[t]);
    cx_free(w.sums);
    return tell(&all);
}
