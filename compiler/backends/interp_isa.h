/* The loops of the interpreter, compiled once per instruction set (interp_isa.c). */
#ifndef CORTEXC_INTERP_ISA_H
#define CORTEXC_INTERP_ISA_H

#include "kernel.h"

typedef union InterpCell {
    double f;
    int64_t b; /* a truth value: all ones or zero */
} InterpCell;

typedef struct InterpTable {
    const double *v;
    int64_t n;
} InterpTable;

/* d[k] = op(a[k], b[k], c[k]) for k < n, n >= 1. d may be the same array as an argument, but must
 * not overlap one otherwise. */
typedef void InterpLoop(int64_t n, void *d, const void *a, const void *b, const void *c);

typedef struct InterpIsa {
    const char *name;
    /* By the arguments that are one cell for all lanes: bit 0 for the first, … NULL for the
     * operations of other kinds, and where all arguments are single (that is pattern 0 with n = 1).
     */
    InterpLoop *pure[N_OPS][8];
    InterpLoop *copy;         /* d[k] = a[k] */
    InterpLoop *fill;         /* d[k] = a[0] */
    InterpLoop *gather;       /* d[k] = a[b[k]], b 32-bit */
    InterpLoop *gather_at;    /* d[k] = a[b[k]], b a double: a whole number inside */
    InterpLoop *gather_by;    /* d[k] = a[c[b[k]]], b and c 32-bit */
    InterpLoop *scatter;      /* d[b[k]] = a[k] */
    InterpLoop *scatter_fill; /* d[b[k]] = a[0] */
    InterpLoop *count;        /* d[k] = a[0] + k */
    InterpLoop *widen;        /* d[k] = (double)a[k], a 32-bit */
    InterpLoop *widen_gather; /* d[k] = (double)a[b[k]], both 32-bit */
    InterpLoop *lookup;       /* d[k] = element a[k] of the InterpTable b */
    InterpLoop *search;       /* d[k] = how many elements of the InterpTable b are <= a[k] */
    /* d[k] = b[k] == 0 ? a[k] : a[k] + b[k] * d[k], patterns as above and 3 for both single */
    InterpLoop *scale[4];
    /* Which of x[0 … n-1] are not within [a, b]: their numbers to lane; returns how many. */
    int (*outside)(int n, const double *x, double a, double b, uint32_t *lane);
} InterpIsa;

extern const InterpIsa interp_isa_base, interp_isa_avx2, interp_isa_avx512;

#endif
