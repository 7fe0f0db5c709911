/* Spikes in quick succession. */
#include "measure.h"

typedef struct Bursts {
    uint64_t intervals, within;
    int64_t last[]; /* of each cell; 0: none yet, as no spike is stamped 0 */
} Bursts;

static void *begin(const MeasureAsk *a)
{
    return arena_alloc(a->arena, 1, sizeof(Bursts) + a->cells[0] * sizeof(int64_t));
}

static void spike(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    Bursts *b = state;
    (void)side;
    if (b->last[cell]) {
        b->intervals++;
        b->within += step - b->last[cell] < a->width;
    }
    b->last[cell] = step;
}

static double result(void *state, const MeasureAsk *a, const char **why)
{
    const Bursts *b = state;
    (void)a;
    return b->intervals ? (double)b->within / (double)b->intervals : measure_none(why, "no neuron has two spikes");
}

const Measure measure_burst_index = {
    .def = {.name = "burst_index", .doc = "fraction of all intervals between spikes of a neuron that are shorter than `isi`",
            .source = "the bursts of Harris et al. (2001), Neuron 32:141", .example = "expect burst_index(E, isi = 10 ms) < 0.1", .unit = MEASURE_NUMBER, .sides = 1,
            .width = "isi", .width_ms = 6},
    .begin = begin, .spike = spike, .result = result};
