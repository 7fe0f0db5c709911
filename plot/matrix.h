/* Populations against populations: what indegree, strength and network share. */
#ifndef CORTEXC_MATRIX_H
#define CORTEXC_MATRIX_H

#include "figure.h"

typedef struct Pair {
    double synapses, indegree; /* of all projections from row to column */
    double weight;             /* mean of the projections that have the commonest unit of the pair, or NaN */
    const char *unit;
    bool inhibitory;
} Pair;

/* pair[source * n_pops + target]; NULL and a Fail when the file knows of no synapses. */
const Pair *matrix_pairs(Figure *g, Fail *f);
/* The height of a matrix of the chosen populations in half a figure. */
double matrix_height(Figure *g);
/* A coloured square with its number for each value (NaN: nothing), excitatory or inhibitory. `text`
 * is that number in words. */
void matrix_draw(Figure *g, Box b, const Pair *pair, const double *value, char (*text)[32]);

#endif
