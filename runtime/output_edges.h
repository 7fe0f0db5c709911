/* `record connectivity of …`: projections as SONATA's edges; private to output*.c. */
#ifndef CORTEXC_OUTPUT_EDGES_H
#define CORTEXC_OUTPUT_EDGES_H

#include "engine.h"
#include "h5.h"

/* Writes /edges for the recorders that ask for it. False when the file has failed. */
bool output_edges(Arena *a, H5file *h, const Plan *p, const Engine *e);

#endif
