/* Numbers of spikes, and rates. */
#include "measure.h"

static void *begin(const MeasureAsk *a) { return arena_one(a->arena, uint64_t); }

static void spike(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    (void)a, (void)side, (void)cell, (void)step;
    ++*(uint64_t *)state;
}

static double per_cell_and_second(void *state, const MeasureAsk *a, const char **why)
{
    (void)why;
    return (double)*(uint64_t *)state / (double)a->cells[0] / decimal_time(a->to - a->from, a->dt) * 1000;
}

static double number(void *state, const MeasureAsk *a, const char **why)
{
    (void)a, (void)why;
    return (double)*(uint64_t *)state;
}

const Measure measure_rate = {
    .def = {.name = "rate", .doc = "spikes of a neuron per second, the mean over the selected neurons and the window", .source = "",
            .example = "expect rate(E, from = 200 ms) in [4 Hz, 5 Hz]", .unit = MEASURE_RATE, .sides = 1},
    .begin = begin, .spike = spike, .result = per_cell_and_second};

const Measure measure_count = {
    .def = {.name = "count", .doc = "number of spikes of all selected neurons together", .source = "",
            .example = "expect count(E[3], to = 100 ms) == 1", .unit = MEASURE_NUMBER, .sides = 1},
    .begin = begin, .spike = spike, .result = number};
