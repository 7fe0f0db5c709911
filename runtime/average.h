/* Mean, spread and extremes of many values. They are added by index in blocks of 1,024, and the blocks' sums in
 * their order, so that the result does not depend on who computed them. */
#ifndef CORTEXC_AVERAGE_H
#define CORTEXC_AVERAGE_H

#include <stddef.h>

typedef struct Average {
    double n, mean, squares; /* squares: sum of (value - mean)^2 */
    double min, max;
} Average;

Average average_of(const double *v, size_t n);
void average_add(Average *to, const Average *more);
double average_sd(const Average *a);

#endif
