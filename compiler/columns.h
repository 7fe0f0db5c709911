/* Values of a population that are known before the run. Private to the compiler room. */
#ifndef CORTEXC_COLUMNS_H
#define CORTEXC_COLUMNS_H

#include "sema.h"

uint64_t columns_key(Sema *S, const PopInfo *p);
void columns_run(Sema *S, const IrModule *m, const IrFn *fn, const PopInfo *p, double *const *col, double *const *out);
const double *columns_initial(Sema *S, PopInfo *p, int field);

#endif
