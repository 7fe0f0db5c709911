/* Irregularity from each interval to the next, which slow changes of the rate do not touch. */
#include "measure.h"

#include <math.h>

typedef struct Cell {
    int64_t last, interval; /* of the last spike (0: none yet), and before it */
    double sum, n;
} Cell;

static void *begin(const MeasureAsk *a) { return arena_many(a->arena, Cell, a->cells[0]); }

static void spike(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    Cell *c = (Cell *)state + cell;
    int64_t interval = c->last ? step - c->last : 0;
    (void)a, (void)side;
    if (c->interval > 0 && interval > 0) {
        c->sum += 2 * fabs((double)(interval - c->interval)) / (double)(interval + c->interval);
        c->n++;
    }
    c->interval = interval;
    c->last = step;
}

static double result(void *state, const MeasureAsk *a, const char **why)
{
    double sum = 0, cells = 0;
    for (uint64_t k = 0; k < a->cells[0]; k++) {
        const Cell *c = (const Cell *)state + k;
        if (!(c->n > 0)) continue;
        sum += c->sum / c->n;
        cells++;
    }
    return cells > 0 ? sum / cells : measure_none(why, "no neuron has three spikes");
}

const Measure measure_local_cv = {
    .def = {.name = "local_cv", .doc = "CV2: the mean of 2 |b - a| / (b + a) over all pairs of successive intervals a, b of a neuron, and of that over the neurons; 1 for "
                                       "Poisson spikes, and unlike cv_isi also when their rate changes slowly",
            .source = "Holt, Softky, Koch & Douglas (1996), J. Neurophysiol. 75:1806", .example = "expect local_cv(E) in [0.8, 1.2]", .unit = MEASURE_NUMBER, .sides = 1},
    .begin = begin, .spike = spike, .result = result};
