/* What is recorded of the whole network, on its way to the output file; private to output*.c. */
#ifndef CORTEXC_OUTPUT_NETWORK_H
#define CORTEXC_OUTPUT_NETWORK_H

#include "engine.h"
#include "h5.h"

typedef struct OutNetwork OutNetwork;
OutNetwork *output_network_new(Arena *a, const Plan *p);
/* One frame of recorder `rec`; see Sink. */
bool output_network_frame(OutNetwork *o, H5file *h, int rec, int64_t step, double value);
bool output_network_finish(OutNetwork *o, H5file *h, const Engine *e);
void output_network_free(OutNetwork *o);

#endif
