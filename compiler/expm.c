/* expm.c: matrix exponentials in double-double arithmetic.
 *
 * Scaling and squaring as in Higham (2005) and Van Loan's (1978) augmented matrix for the integral,
 * but with a Taylor series instead of a Pade quotient: in double-double numbers no solve is needed,
 * zeros by structure stay zeros, and an entry such as (exp(-h/a) - exp(-h/b))/(1/b - 1/a) has full
 * relative accuracy however close a and b are and however small h is. */
#include "ode.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "cxmath.h"

/* An unevaluated sum hi + lo with |lo| <= ulp(hi)/2 (Dekker 1971). */
typedef struct Dd {
    double hi, lo;
} Dd;

static Dd dd_sum(double a, double b)
{
    double s = a + b, t = s - a;
    return (Dd){s, (a - (s - t)) + (b - t)};
}

static Dd dd_add(Dd a, Dd b)
{
    Dd s = dd_sum(a.hi, b.hi), t = dd_sum(a.lo, b.lo);
    s = dd_sum(s.hi, s.lo + t.hi);
    return dd_sum(s.hi, s.lo + t.lo);
}

static Dd dd_product(double a, double b)
{
    double p = a * b;
    return (Dd){p, cx_fma(a, b, -p)};
}

static Dd dd_mul(Dd a, Dd b)
{
    Dd p = dd_product(a.hi, b.hi);
    return dd_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

/* a divided by a whole number. */
static Dd dd_over(Dd a, double b)
{
    double q = a.hi / b;
    Dd p = dd_product(q, b);
    return dd_sum(q, ((a.hi - p.hi) - p.lo + a.lo) / b);
}

static bool dd_zero(Dd a)
{
    return a.hi == 0.0 && a.lo == 0.0;
}

/* out = a b. Rows of a with zeros cost nothing, so independent blocks need no special case. */
static void multiply(int n, const Dd *a, const Dd *b, Dd *out)
{
    memset(out, 0, (size_t)n * (size_t)n * sizeof *out);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n; k++) {
            Dd x = a[i * n + k];
            if (dd_zero(x)) continue;
            for (int j = 0; j < n; j++) {
                if (dd_zero(b[k * n + j])) continue;
                out[i * n + j] = dd_add(out[i * n + j], dd_mul(x, b[k * n + j]));
            }
        }
    }
}

/* Largest absolute row sum. */
static double norm(int n, const Dd *a)
{
    double most = 0.0;
    for (int i = 0; i < n; i++) {
        double row = 0.0;
        for (int j = 0; j < n; j++)
            row += fabs(a[i * n + j].hi);
        if (row > most || row != row) most = row;
    }
    return most;
}

/* sum += term, and whether any entry still changed by more than 2^-110 of itself. */
static bool accumulate(int n, Dd *sum, const Dd *term)
{
    bool moved = false;
    for (int i = 0; i < n * n; i++) {
        sum[i] = dd_add(sum[i], term[i]);
        if (fabs(term[i].hi) > 0x1p-110 * fabs(sum[i].hi)) moved = true;
    }
    return moved;
}

/* out = exp(a). */
static void exponential(int n, const Dd *a, Dd *out)
{
    size_t nn = (size_t)n * (size_t)n;
    double size = norm(n, a);
    if (!(size <= DBL_MAX)) {
        for (size_t i = 0; i < nn; i++)
            out[i] = (Dd){NAN, 0.0};
        return;
    }
    int squarings = 0;
    double scale = 1.0;
    while (size * scale > 0.5) {
        scale *= 0.5;
        squarings++;
    }
    Dd *x = cx_alloc(nn, sizeof *x, "matrix exponential");
    Dd *term = cx_alloc(nn, sizeof *term, "matrix exponential");
    Dd *next = cx_alloc(nn, sizeof *next, "matrix exponential");
    memset(out, 0, nn * sizeof *out);
    for (size_t i = 0; i < nn; i++)
        x[i] = (Dd){a[i].hi * scale, a[i].lo * scale};
    for (int i = 0; i < n; i++)
        out[i * n + i] = term[i * n + i] = (Dd){1.0, 0.0};
    /* With a norm of 1/2 thirty terms reach 2^-110; a path through n equations begins at term n. */
    for (int k = 1; k <= 40 + n; k++) {
        multiply(n, term, x, next);
        for (size_t i = 0; i < nn; i++)
            term[i] = dd_over(next[i], k);
        if (!accumulate(n, out, term) && k >= n) break;
    }
    for (int k = 0; k < squarings; k++) {
        multiply(n, out, out, next);
        memcpy(out, next, nn * sizeof *out);
    }
    cx_free(x);
    cx_free(term);
    cx_free(next);
}

/* out = exp(a) for an n x n row-major matrix. */
void expm(int n, const double *a, double *out)
{
    expm_step(n, a, 1.0, out, NULL);
}

/* p = exp(a h) and, unless q is NULL, q = integral of exp(a s) from 0 to h, both from the
 * exponential of
 * [[a, 1], [0, 0]] h (Van Loan 1978), which needs no inverse of a. */
void expm_step(int n, const double *a, double h, double *p, double *q)
{
    int m = q ? 2 * n : n;
    size_t mm = (size_t)m * (size_t)m;
    Dd *big = cx_alloc(mm, sizeof *big, "matrix exponential");
    Dd *e = cx_alloc(mm, sizeof *e, "matrix exponential");
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            big[i * m + j] = dd_product(a[i * n + j], h);
        if (q) big[i * m + n + i] = (Dd){h, 0.0};
    }
    exponential(m, big, e);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            p[i * n + j] = e[i * m + j].hi + e[i * m + j].lo;
            if (q) q[i * n + j] = e[i * m + n + j].hi + e[i * m + n + j].lo;
        }
    }
    cx_free(big);
    cx_free(e);
}
