/* Where neurons are, and what is known of each of them before the run: coordinates, parameters and
 * initial values as arrays of numbers. Private to the compiler room. */
#ifndef CORTEXC_SPACE_H
#define CORTEXC_SPACE_H

#include "sema.h"

/* `position = …` of a population's block, or NULL. */
Node *space_given(const PopInfo *p);
/* Coordinates of a population in um, three arrays of p->n numbers; NULL where it has none. Diagnoses. */
const double *const *space_places(Sema *S, PopInfo *p);
/* `distance` between source and target in a connection; `position.x` of a neuron; `source.X`, `target.X`. */
Ex space_distance(Ctx *c, Node *n);
bool space_is_position(Ctx *c, Node *n);
Ex space_position(Ctx *c, Node *n);
bool space_is_end(Ctx *c, Node *n);
Ex space_end(Ctx *c, Node *n);
/* `wrap = [Lx, Ly]` of a connection: periods in um, 0 for none. */
bool space_wrap(Sema *S, Node *n, double wrap[3]);
/* Which neurons of a population fulfil a condition: an array of p->n truths, or NULL after a diagnostic. */
const double *space_chosen(Sema *S, PopInfo *p, Node *condition);

#endif
