/* Spikes counted in bins of equal length, of a cell or of many together. What is kept is a handful of numbers,
 * however long the run is. */
#ifndef CORTEXC_BINS_H
#define CORTEXC_BINS_H

#include <stdint.h>

typedef struct Bins { /* the bin being filled, and what the filled ones add up to */
    int64_t bin;
    uint64_t count, sum, squares;
} Bins;

void bins_spike(Bins *c, int64_t bin);
double bins_variance(const Bins *c, int64_t bins, double *mean);

#endif
