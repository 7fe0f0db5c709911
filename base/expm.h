/* expm.c: the matrix exponential by scaling, Taylor series and squaring in double-double arithmetic,
 * so that small entries are as accurate as large ones; the same bits everywhere. Matrices are n x n,
 * row-major. Entries that are zero by structure come out as exact zeros. NaN everywhere if a is not
 * finite. Compiler and runtime both make propagators with it. */
#ifndef CORTEXC_EXPM_H
#define CORTEXC_EXPM_H

void expm(int n, const double *a, double *out);
/* p = exp(a h), q = integral of exp(a s) over s in [0, h]: x(h) = p x(0) + q c for x' = a x + c.
 * q may be NULL. */
void expm_step(int n, const double *a, double h, double *p, double *q);
/* x' = a x + g xi with m independent white noises (g is n x m): the covariance after h is l l^T, l a
 * lower triangle. */
void expm_noise(int n, int m, const double *a, const double *g, double h, double *l);

#endif
