/* Counts in bins. */
#include "bins.h"

/* A spike in `bin`, which is not before that of the last one. */
void bins_spike(Bins *c, int64_t bin)
{
    if (bin > c->bin) {
        c->sum += c->count;
        c->squares += c->count * c->count;
        c->count = 0;
        c->bin = bin;
    }
    c->count++;
}

/* Mean and variance over the first `bins` bins. A bin that the run did not fill does not count. */
double bins_variance(const Bins *c, int64_t bins, double *mean)
{
    uint64_t last = c->bin < bins ? c->count : 0;
    *mean = (double)(c->sum + last) / (double)bins;
    return (double)(c->squares + last * last) / (double)bins - *mean * *mean;
}
