/* The irregularity of spikes. */
#include "measure.h"

#include <math.h>

typedef struct Cell {
    int64_t first, last;
    uint64_t n;
    double squares; /* of the intervals, in steps; whole numbers, so sums are exact below 2^53 */
} Cell;

static void *begin(const MeasureAsk *a) { return arena_many(a->arena, Cell, a->cells[0]); }

static void spike(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    Cell *c = (Cell *)state + cell;
    (void)a, (void)side;
    if (c->n++) c->squares += (double)(step - c->last) * (double)(step - c->last);
    else c->first = step;
    c->last = step;
}

static double result(void *state, const MeasureAsk *a, const char **why)
{
    double sum = 0, cells = 0;
    for (uint64_t k = 0; k < a->cells[0]; k++) {
        const Cell *c = (const Cell *)state + k;
        if (c->n < 3 || c->last == c->first) continue;
        double intervals = (double)(c->n - 1), mean = (double)(c->last - c->first) / intervals;
        double variance = c->squares / intervals - mean * mean;
        sum += variance > 0 ? sqrt(variance) / mean : 0;
        cells++;
    }
    return cells > 0 ? sum / cells : measure_none(why, "no neuron has three spikes");
}

const Measure measure_cv_isi = {
    .def = {.name = "cv_isi", .doc = "standard deviation over mean of the intervals between a neuron's spikes, the mean over the neurons with at least three spikes",
            .source = "Softky & Koch (1993), J. Neurosci. 13:334", .example = "expect cv_isi(E, from = 200 ms) in [0.8, 1.2]", .unit = MEASURE_NUMBER, .sides = 1},
    .begin = begin, .spike = spike, .result = result};
