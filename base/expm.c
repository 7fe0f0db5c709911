/* expm.c: matrix exponentials, and the covariance of linear equations with noise, in double-double
 * arithmetic.
 *
 * Scaling and squaring as in Higham (2005), the integral by the function phi(z) = (exp(z) - 1)/z of
 * exponential integrators (Hochbruck & Ostermann 2010), both from one Taylor series instead of Pade
 * quotients: in double-double numbers no solve is needed, zeros by structure stay zeros, and an entry
 * such as (exp(-h/a) - exp(-h/b))/(1/b - 1/a) has full relative accuracy however close a and b are
 * and however small h is. Noise by Van Loan's (1978) augmented matrix. */
#include "expm.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base.h"

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
    return (Dd){p, fma(a, b, -p)};
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

/* Halvings after which the matrix has a norm of at most 1/2; -1 when it is not finite. */
static int halvings(int n, const Dd *a, double *scale)
{
    double size = norm(n, a);
    int k = 0;
    *scale = 1.0;
    if (!(size <= DBL_MAX)) return -1;
    for (; size * *scale > 0.5; k++)
        *scale *= 0.5;
    return k;
}

static Dd *room(int n)
{
    return cx_alloc((size_t)n * (size_t)n + 1, sizeof(Dd), "matrix exponential");
}

/* out = exp(x) for a norm of at most 1/2, where thirty terms reach 2^-110; a path through n
 * equations begins at term n. phi (or NULL): the sum of x^k/(k + 1)!, which is (exp(x) - 1)/x. */
static void series(int n, const Dd *x, Dd *out, Dd *phi)
{
    int nn = n * n;
    Dd *term = room(n), *next = room(n);
    memset(out, 0, (size_t)nn * sizeof *out);
    for (int i = 0; i < n; i++)
        out[i * n + i] = term[i * n + i] = (Dd){1.0, 0.0};
    if (phi) memcpy(phi, out, (size_t)nn * sizeof *phi);
    for (int k = 1; k <= 40 + n; k++) {
        multiply(n, term, x, next);
        for (int i = 0; i < nn; i++)
            term[i] = dd_zero(next[i]) ? next[i] : dd_over(next[i], k);
        for (int i = 0; phi && i < nn; i++)
            if (!dd_zero(term[i])) phi[i] = dd_add(phi[i], dd_over(term[i], k + 1));
        if (!accumulate(n, out, term) && k >= n) break;
    }
    cx_free(term);
    cx_free(next);
}

/* out = exp(a), and phi = (exp(a) - 1)/a unless it is NULL; doubled by exp(2 x) = exp(x)^2 and
 * phi(2 x) = (phi(x) + exp(x) phi(x))/2. */
static void exponential(int n, const Dd *a, Dd *out, Dd *phi)
{
    int nn = n * n;
    double scale;
    int squarings = halvings(n, a, &scale);
    if (squarings < 0) {
        for (int i = 0; i < nn; i++)
            out[i] = (Dd){NAN, 0.0};
        if (phi) memcpy(phi, out, (size_t)nn * sizeof *phi);
        return;
    }
    Dd *x = room(n);
    for (int i = 0; i < nn; i++)
        x[i] = (Dd){a[i].hi * scale, a[i].lo * scale};
    series(n, x, out, phi);
    for (int k = 0; k < squarings; k++) {
        if (phi) multiply(n, out, phi, x);
        for (int i = 0; phi && i < nn; i++) {
            Dd both = dd_add(phi[i], x[i]);
            phi[i] = (Dd){both.hi / 2.0, both.lo / 2.0};
        }
        multiply(n, out, out, x);
        memcpy(out, x, (size_t)nn * sizeof *out);
    }
    cx_free(x);
}

/* out = exp(a) for an n x n row-major matrix. */
void expm(int n, const double *a, double *out)
{
    expm_step(n, a, 1.0, out, NULL);
}

/* p = exp(a h) and, unless q is NULL, q = integral of exp(a s) from 0 to h, which is h phi(a h) and
 * needs no inverse of a. */
void expm_step(int n, const double *a, double h, double *p, double *q)
{
    Dd *x = room(n), *e = room(n), *phi = q ? room(n) : NULL;
    for (int i = 0; i < n * n; i++)
        x[i] = dd_product(a[i], h);
    exponential(n, x, e, phi);
    for (int i = 0; i < n * n; i++) {
        p[i] = e[i].hi + e[i].lo;
        if (!q) continue;
        Dd step = dd_mul(phi[i], (Dd){h, 0.0});
        q[i] = step.hi + step.lo;
    }
    cx_free(x);
    cx_free(e);
    cx_free(phi);
}

/* cov += p cov p^T. */
static void carry(int n, const Dd *p, Dd *cov, Dd *half, Dd *turned)
{
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            turned[i * n + j] = p[j * n + i];
    }
    multiply(n, p, cov, half);
    Dd *moved = room(n);
    multiply(n, half, turned, moved);
    for (int i = 0; i < n * n; i++)
        cov[i] = dd_add(cov[i], moved[i]);
    cx_free(moved);
}

/* p = exp(a h) and cov = integral of exp(a s) d exp(a^T s) from 0 to h for a short h: from the
 * exponential of [[-a, d], [0, a^T]] h = [[., y], [0, z]] follow p = z^T and cov = z^T y. */
static void short_noise(int n, const Dd *a, const Dd *d, Dd *p, Dd *cov)
{
    int m = 2 * n;
    Dd *big = room(m), *e = room(m), *y = room(n);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            Dd x = a[i * n + j];
            big[i * m + j] = (Dd){-x.hi, -x.lo};
            big[(n + j) * m + n + i] = x;
            big[i * m + n + j] = d[i * n + j];
        }
    }
    series(m, big, e, NULL);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            p[i * n + j] = e[(n + j) * m + n + i];
            y[i * n + j] = e[i * m + n + j];
        }
    }
    multiply(n, p, y, cov);
    cx_free(big);
    cx_free(e);
    cx_free(y);
}

static Dd dd_root(Dd a)
{
    if (!(a.hi > 0.0)) return (Dd){0.0, 0.0};
    double r = sqrt(a.hi);
    Dd square = dd_product(r, r);
    return dd_sum(r, ((a.hi - square.hi) - square.lo + a.lo) / (2.0 * r));
}

static Dd dd_quotient(Dd a, Dd b)
{
    double q = a.hi / b.hi;
    Dd p = dd_mul((Dd){q, 0.0}, b);
    return dd_sum(q, ((a.hi - p.hi) - p.lo + a.lo) / b.hi);
}

/* The lower triangle l with l l^T = cov. What the equations before determine, to 80 bits, has no
 * noise of its own: its column is zero. */
static void cholesky(int n, const Dd *cov, Dd *l)
{
    memset(l, 0, (size_t)n * (size_t)n * sizeof *l);
    for (int j = 0; j < n; j++) {
        for (int i = j; i < n; i++) {
            Dd left = cov[i * n + j];
            for (int k = 0; k < j; k++) {
                Dd part = dd_mul(l[i * n + k], l[j * n + k]);
                left = dd_add(left, (Dd){-part.hi, -part.lo});
            }
            if (i == j && !(left.hi > 0x1p-80 * cov[j * n + j].hi)) break;
            l[i * n + j] = i == j ? dd_root(left) : dd_quotient(left, l[j * n + j]);
        }
    }
}

/* The lower triangle l, n x n, whose l l^T is the covariance after the time h of x' = a x + g xi
 * with m white noises: the integral of exp(a s) g g^T exp(a^T s). Van Loan's matrix grows with
 * exp(-a h), so it is used for a short time only, which is then doubled: cov(2 s) = cov(s) + p(s)
 * cov(s) p(s)^T. NaN everywhere if a or g is not finite. */
void expm_noise(int n, int m, const double *a, const double *g, double h, double *l)
{
    size_t nn = (size_t)n * (size_t)n;
    Dd *x = room(n), *d = room(n), *p = room(n), *cov = room(n), *work = room(n), *more = room(n);
    double scale, small;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            x[i * n + j] = dd_product(a[i * n + j], h);
            for (int k = 0; k < m; k++)
                d[i * n + j] = dd_add(d[i * n + j], dd_product(g[i * m + k], g[j * m + k]));
            d[i * n + j] = dd_mul(d[i * n + j], (Dd){h, 0.0});
        }
    }
    int doublings = halvings(n, x, &scale), shrunk = halvings(n, d, &small);
    if (doublings < 0 || shrunk < 0) {
        for (size_t i = 0; i < nn; i++)
            l[i] = NAN;
    } else {
        for (size_t i = 0; i < nn; i++) {
            x[i] = (Dd){x[i].hi * scale, x[i].lo * scale};
            d[i] = (Dd){d[i].hi * small, d[i].lo * small};
        }
        short_noise(n, x, d, p, cov);
        for (int k = 0; k < doublings; k++) {
            carry(n, p, cov, work, more);
            multiply(n, p, p, work);
            memcpy(p, work, nn * sizeof *p);
        }
        for (size_t i = 0; i < nn; i++)
            cov[i] = (Dd){cov[i].hi / small * scale, cov[i].lo / small * scale};
        cholesky(n, cov, work);
        for (size_t i = 0; i < nn; i++)
            l[i] = work[i].hi + work[i].lo;
    }
    cx_free(x);
    cx_free(d);
    cx_free(p);
    cx_free(cov);
    cx_free(work);
    cx_free(more);
}
