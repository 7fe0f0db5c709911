/* Pearson's correlation of counts in bins: the mean over all pairs of neurons, or between two populations. */
#include "measure.h"

#include <math.h>

enum { CELLS = 1000 }; /* of more, as many evenly chosen ones are looked at */

typedef struct Correlation {
    uint64_t every, n;      /* every k-th cell; how many that are */
    int64_t bin;            /* the one being filled */
    uint32_t *active, n_active; /* cells with spikes in it */
    uint32_t *count;        /* of each cell in it */
    double *sum, *products; /* [cell], [cell][cell], of the bins before */
} Correlation;

static void *begin(const MeasureAsk *a)
{
    Correlation *c = arena_one(a->arena, Correlation);
    bool pair = a->cells[1] > 0;
    c->every = pair ? 1 : (a->cells[0] + CELLS - 1) / CELLS;
    c->n = pair ? 2 : (a->cells[0] + c->every - 1) / c->every;
    c->active = arena_many(a->arena, uint32_t, c->n);
    c->count = arena_many(a->arena, uint32_t, c->n);
    c->sum = arena_many(a->arena, double, c->n);
    c->products = arena_many(a->arena, double, c->n * c->n);
    return c;
}

static void close_bin(Correlation *c)
{
    for (uint32_t p = 0; p < c->n_active; p++) {
        uint32_t i = c->active[p];
        c->sum[i] += c->count[i];
        for (uint32_t q = 0; q < c->n_active; q++) {
            uint32_t j = c->active[q];
            if (i <= j) c->products[i * c->n + j] += (double)c->count[i] * (double)c->count[j];
        }
    }
    for (uint32_t p = 0; p < c->n_active; p++) c->count[c->active[p]] = 0;
    c->n_active = 0;
}

static void spike(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    Correlation *c = state;
    int64_t bin = measure_bin(a, step);
    if (a->cells[1]) cell = (uint64_t)side;
    else if (cell % c->every) return;
    if (bin != c->bin) close_bin(c);
    c->bin = bin;
    uint32_t k = (uint32_t)(cell / c->every);
    if (!c->count[k]++) c->active[c->n_active++] = k;
}

static double result(void *state, const MeasureAsk *a, const char **why)
{
    Correlation *c = state;
    double bins = (double)measure_bins(a), sum = 0, pairs = 0;
    if (bins < 2) return measure_none(why, "its window is shorter than two bins");
    if (c->bin < measure_bins(a)) close_bin(c);
    for (uint64_t i = 0; i < c->n; i++) {
        double mi = c->sum[i] / bins, vi = c->products[i * c->n + i] / bins - mi * mi;
        for (uint64_t j = i + 1; vi > 0 && j < c->n; j++) {
            double mj = c->sum[j] / bins, vj = c->products[j * c->n + j] / bins - mj * mj;
            if (!(vj > 0)) continue;
            sum += (c->products[i * c->n + j] / bins - mi * mj) / sqrt(vi * vj);
            pairs++;
        }
    }
    return pairs > 0 ? sum / pairs : measure_none(why, a->cells[1] ? "the counts of one of them do not vary" : "the counts of fewer than two neurons vary");
}

const Measure measure_correlation = {
    .def = {.name = "correlation", .doc = "Pearson's correlation of numbers of spikes in bins of `bin`: of one population the mean over all pairs of its neurons (of over 1,000, "
                                          "of as many evenly chosen ones), of two that of their totals",
            .source = "Perkel, Gerstein & Moore (1967), Biophys. J. 7:419", .example = "expect correlation(E, I, bin = 5 ms) > 0.3", .unit = MEASURE_NUMBER, .sides = 2,
            .width = "bin", .width_ms = 3},
    .begin = begin, .spike = spike, .result = result};
