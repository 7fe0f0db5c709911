/* Averages in blocks. */
#include "average.h"

#include <math.h>

enum { BLOCK = 1024 };

/* Of n > 0 values; two passes, so that a large mean costs the spread nothing. */
Average average_of(const double *v, size_t n)
{
    Average a = {.n = (double)n, .min = v[0], .max = v[0]};
    double all = 0;
    for (size_t lo = 0; lo < n; lo += BLOCK) {
        double sum = 0;
        for (size_t k = lo; k < n && k < lo + BLOCK; k++) {
            sum += v[k];
            a.min = v[k] < a.min ? v[k] : a.min;
            a.max = v[k] > a.max ? v[k] : a.max;
        }
        all += sum;
    }
    a.mean = all / a.n;
    for (size_t lo = 0; lo < n; lo += BLOCK) {
        double sum = 0;
        for (size_t k = lo; k < n && k < lo + BLOCK; k++) sum += (v[k] - a.mean) * (v[k] - a.mean);
        a.squares += sum;
    }
    return a;
}

/* Joins two sets of values (Chan, Golub & LeVeque 1983, Am. Stat. 37:242). */
void average_add(Average *to, const Average *more)
{
    if (!(more->n > 0)) return;
    if (!(to->n > 0)) {
        *to = *more;
        return;
    }
    double n = to->n + more->n, off = more->mean - to->mean;
    to->mean += off * (more->n / n);
    to->squares += more->squares + off * off * (to->n * (more->n / n));
    to->min = more->min < to->min ? more->min : to->min;
    to->max = more->max > to->max ? more->max : to->max;
    to->n = n;
}

/* The standard deviation of these values themselves (divided by their number). */
double average_sd(const Average *a) { return sqrt(a->squares / a->n); }
