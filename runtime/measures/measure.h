/* Measures: what a model can expect of itself, one file each. Those of spikes see them as they come and keep
 * what grows with the number of neurons, never with time; those of values get averages. */
#ifndef CORTEXC_MEASURE_H
#define CORTEXC_MEASURE_H

#include "average.h"
#include "base.h"
#include "bins.h"
#include "registry.h"

typedef struct MeasureAsk {
    Arena *arena;      /* what `begin` makes lives there */
    int64_t from, to;  /* steps: spikes stamped in (from, to]; `to` is known at the end only */
    int64_t width;     /* steps, of a measure with such an argument */
    double dt;         /* ms */
    uint64_t cells[2]; /* selected neurons on each side */
} MeasureAsk;

typedef struct Measure {
    MeasureDef def;
    /* Of spikes: the state, one spike of selected neuron `cell` (in order of time), and the result in Hz, ms or as a
     * number; or NaN, and `why` in the words of a report. */
    void *(*begin)(const MeasureAsk *a);
    void (*spike)(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step);
    double (*result)(void *state, const MeasureAsk *a, const char **why);
    double (*of)(const Average *a); /* of values */
} Measure;

#define MEASURE(name) extern const Measure measure_##name;
#include "measures.def"
#undef MEASURE

const Measure *measure_find(const char *name);
/* The bin of a spike, and the number of whole bins of the window. */
static inline int64_t measure_bin(const MeasureAsk *a, int64_t step) { return (step - 1 - a->from) / a->width; }
static inline int64_t measure_bins(const MeasureAsk *a) { return (a->to - a->from) / a->width; }
double measure_none(const char **why, const char *reason); /* NaN */

#endif
