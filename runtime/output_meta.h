/* Private to output*.c and expect.c. */
#ifndef CORTEXC_OUTPUT_META_H
#define CORTEXC_OUTPUT_META_H

#include "h5.h"
#include "output.h"

typedef struct OutputTotals { /* per population, in the order of Plan.pop */
    const uint64_t *spikes, *hash;
    int64_t steps;
} OutputTotals;

/* The same title and the same model file, as 16 hexadecimal digits. */
void output_identity(const Plan *p, char text[17]);
/* /nodes and /cortexc but for /cortexc/record. False when the file has failed. */
bool output_meta(H5file *h, const Plan *p, const OutputInfo *i, const Engine *e, const Summary *s,
                 const Expect *x, const OutputTotals *totals);

int output_claim(const Plan *p, const char *path, bool force, Arena *a, char **to, char **tmp, Fail *f);
bool output_publish(int lock, const char *path, const char *tmp, bool ok, Fail *f);
/* An array of the n numbers 0, 1, … */
bool output_count_up(H5file *h, const char *path, uint64_t n);

/* output_records.c: the place of a neuron among the selected ones, or -1. */
int64_t output_position(const PlanSelect *s, uint32_t id);

/* output.c: what one internal unit is in the unit shown, and values in that unit (row may be value). */
double output_factor(const char *unit);
void output_scale(double *row, const double *value, size_t n, double factor);

#endif
