/* What is recorded of synapses, on its way to the output file; private to output*.c. */
#ifndef CORTEXC_OUTPUT_SYNAPSES_H
#define CORTEXC_OUTPUT_SYNAPSES_H

#include "engine.h"
#include "h5.h"

typedef struct OutSynapses OutSynapses;
OutSynapses *output_synapses_new(Arena *a, const Plan *p);
/* One frame of recorder `rec`; see Sink. */
bool output_synapses_frame(OutSynapses *o, H5file *h, int rec, int64_t step, uint64_t n, const double *const *value);
/* The ends of all synapses of which something was recorded, and what is recorded at the end (not without `e`). */
bool output_synapses_finish(OutSynapses *o, H5file *h, const Engine *e);
void output_synapses_free(OutSynapses *o);

#endif
