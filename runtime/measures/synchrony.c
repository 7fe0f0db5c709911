/* Fano and synchrony: the counts of all neurons together beside those of each. */
#include "measure.h"

#include <math.h>

typedef struct Counted {
    Bins together, alone[];
} Counted;

static void *begin_fano(const MeasureAsk *a) { return arena_one(a->arena, Bins); }

static void spike_fano(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    (void)side, (void)cell;
    bins_spike(state, measure_bin(a, step));
}

static double fano(void *state, const MeasureAsk *a, const char **why)
{
    double mean, variance;
    if (measure_bins(a) < 2) return measure_none(why, "its window is shorter than two bins");
    variance = bins_variance(state, measure_bins(a), &mean);
    return mean > 0 ? variance / mean : measure_none(why, "no spikes");
}

static void *begin(const MeasureAsk *a) { return arena_alloc(a->arena, 1, sizeof(Counted) + a->cells[0] * sizeof(Bins)); }

static void spike(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    Counted *c = state;
    int64_t bin = measure_bin(a, step);
    (void)side;
    bins_spike(&c->together, bin);
    bins_spike(&c->alone[cell], bin);
}

static double synchrony(void *state, const MeasureAsk *a, const char **why)
{
    const Counted *c = state;
    int64_t bins = measure_bins(a);
    double mean, one, sum_sd = 0, sum_var = 0, active = 0;
    if (bins < 2) return measure_none(why, "its window is shorter than two bins");
    double variance = bins_variance(&c->together, bins, &mean);
    for (uint64_t k = 0; k < a->cells[0]; k++) {
        double v = bins_variance(&c->alone[k], bins, &one);
        if (!(v > 0)) continue;
        sum_var += v;
        sum_sd += sqrt(v);
        active++;
    }
    if (!(mean > 0)) return measure_none(why, "no spikes");
    double pairs = sum_sd * sum_sd - sum_var;
    if (active < 2 || !(pairs > 0)) return measure_none(why, "the counts of fewer than two neurons vary");
    double squared = (variance - sum_var) / pairs;
    return squared <= 0 ? 0 : squared >= 1 ? 1 : sqrt(squared);
}

const Measure measure_fano = {
    .def = {.name = "fano", .doc = "variance over mean of the number of spikes of all selected neurons together in bins of `bin`",
            .source = "Fano (1947), Phys. Rev. 72:26; of populations: Potjans & Diesmann (2014), Cereb. Cortex 24:785",
            .example = "expect fano(E[3], bin = 100 ms) in [0.5, 1.5]", .unit = MEASURE_NUMBER, .sides = 1, .width = "bin", .width_ms = 3},
    .begin = begin_fano, .spike = spike_fano, .result = fano};

const Measure measure_synchrony = {
    .def = {.name = "synchrony", .doc = "0 for independent neurons, 1 when all do the same: the square root of (var P - sum var c) / ((sum sd c)^2 - sum var c), with c the "
                                        "counts of a neuron in bins of `bin` and P their sum",
            .source = "the chi of Golomb & Rinzel (1993), Phys. Rev. E 48:4810, freed of its dependence on the number of neurons",
            .example = "expect synchrony(E, from = 100 ms) < 0.2", .unit = MEASURE_NUMBER, .sides = 1, .width = "bin", .width_ms = 3},
    .begin = begin, .spike = spike, .result = synchrony};
