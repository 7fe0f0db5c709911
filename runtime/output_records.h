/* What is recorded of neurons, on its way to the output file; private to output*.c. */
#ifndef CORTEXC_OUTPUT_RECORDS_H
#define CORTEXC_OUTPUT_RECORDS_H

#include "engine.h"
#include "h5.h"

typedef struct OutRecords OutRecords;
OutRecords *output_records_new(Arena *a, const Plan *p);
bool output_records_open(OutRecords *o, H5file *h);
/* See Sink. */
bool output_records_frame(OutRecords *o, H5file *h, int rec, int64_t step, const double *const *value);
bool output_records_rows(OutRecords *o, H5file *h, int rec, int64_t step, const uint32_t *id, size_t n, const double *const *before,
                         const double *const *after);
bool output_records_spikes(OutRecords *o, H5file *h, int pop, int64_t step, const uint32_t *id, size_t n);
/* After `steps` steps. */
bool output_records_finish(OutRecords *o, H5file *h, int64_t steps);
void output_records_free(OutRecords *o);

#endif
