/* When something happens first. */
#include "measure.h"

static void *begin(const MeasureAsk *a)
{
    int64_t *first = arena_one(a->arena, int64_t);
    *first = -1;
    return first;
}

static void spike(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    int64_t *first = state;
    (void)a, (void)side, (void)cell;
    if (*first < 0) *first = step;
}

static double result(void *state, const MeasureAsk *a, const char **why)
{
    int64_t first = *(int64_t *)state;
    return first < 0 ? measure_none(why, "no spikes") : decimal_time(first, a->dt);
}

const Measure measure_first_spike = {
    .def = {.name = "first_spike", .doc = "time of the first spike of any selected neuron in the window, counted from the beginning of the run", .source = "",
            .example = "expect first_spike(E) in [10 ms, 12 ms]", .unit = MEASURE_TIME, .sides = 1},
    .begin = begin, .spike = spike, .result = result};
