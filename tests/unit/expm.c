/* The matrix exponential against closed forms. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "ode.h"

static void near(double got, long double want, double rel)
{
    long double gap = fabsl((long double)got - want);
    cr_assert(gap <= rel * fabsl(want) + 1e-300L, "got %.17g, want %.17Lg (%.2Lg relative)", got,
              want, gap / fabsl(want));
}

Test(expm, zero_and_empty)
{
    double a[4] = {0}, e[4];
    expm(2, a, e);
    cr_assert(e[0] == 1.0 && e[1] == 0.0 && e[2] == 0.0 && e[3] == 1.0);
    expm(0, a, e);
}

Test(expm, diagonal)
{
    static const double x[] = {-1e6, -700.0, -20.0, -1.0, -1e-3, -1e-300,
                               0.0,  1e-9,   0.1,   3.0,  300.0};
    enum { N = sizeof x / sizeof *x };
    double a[N * N] = {0}, e[N * N];
    for (int i = 0; i < N; i++)
        a[i * N + i] = x[i];
    expm(N, a, e);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            if (i == j)
                near(e[i * N + j], expl(x[i]), 4e-16);
            else
                cr_assert(e[i * N + j] == 0.0);
        }
    }
}

Test(expm, nilpotent)
{
    double a[9] = {0, 2, 5, 0, 0, 3, 0, 0, 0}, e[9];
    static const double want[9] = {1, 2, 8, 0, 1, 3, 0, 0, 1};
    expm(3, a, e);
    for (int i = 0; i < 9; i++)
        cr_assert_float_eq(e[i], want[i], 1e-15);
}

Test(expm, rotation)
{
    for (double w = 1e-3; w < 2000.0; w *= 3.7) {
        double a[4] = {0, -w, w, 0}, e[4];
        expm(2, a, e);
        cr_assert_float_eq(e[0], (double)cosl(w), 3e-16);
        cr_assert_float_eq(e[1], (double)-sinl(w), 3e-16);
        cr_assert_float_eq(e[2], (double)sinl(w), 3e-16);
    }
}

/* V' = -V/m + I/c, I' = -I/s: the entry for I in V is a divided difference of exponentials. */
Test(expm, synapse_and_membrane)
{
    static const double tau[] = {1e-3, 0.5, 2.0, 4.999999999, 5.0, 5.0000001, 20.0, 1e3};
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 8; j++) {
            for (double h = 1e-6; h < 50.0; h *= 7.3) {
                double a[4] = {-1.0 / tau[i], 0.004, 0.0, -1.0 / tau[j]}, p[4], q[4];
                expm_step(2, a, h, p, q);
                long double x = (long double)a[0] * h, y = (long double)a[3] * h, d = y - x;
                long double ratio = d == 0 ? 1 : expm1l(d) / d;
                long double psp = a[1] * (long double)h * expl(x) * ratio;
                if (fabsl(d) > 30) psp = a[1] * (long double)h * (expl(y) - expl(x)) / d;
                if (psp > 1e-290L) near(p[1], psp, 1e-15);
                near(q[0], h * (expm1l(x) / x), 1e-15);
                cr_assert(p[2] == 0.0 && q[2] == 0.0);
            }
        }
    }
}

Test(expm, stiff)
{
    double a[9] = {-1e6, 1, 0, 0, -1, 1, 0, 0, -1e-6}, e[9];
    expm(3, a, e);
    long double x = -1e6L, y = -1, z = -1e-6L;
    near(e[4], expl(y), 1e-15);
    near(e[8], expl(z), 1e-15);
    near(e[1], expl(y) / (y - x), 1e-15);
    near(e[5], (expl(z) - expl(y)) / (z - y), 1e-15);
    near(e[2], (expl(z) / (z - x) - expl(y) / (y - x)) / (z - y), 1e-14);
    cr_assert(e[0] == 0.0);
}

Test(expm, singular_integral)
{
    double a[4] = {0, 1, 0, 0}, p[4], q[4];
    expm_step(2, a, 0.1, p, q);
    near(p[1], 0.1L, 4e-16);
    near(q[0], 0.1L, 4e-16);
    near(q[1], 0.005L, 4e-16);
    cr_assert(p[0] == 1.0 && p[2] == 0.0 && q[2] == 0.0);
}

Test(expm, not_finite)
{
    double a[4] = {-1, INFINITY, 0, -1}, e[4];
    expm(2, a, e);
    for (int i = 0; i < 4; i++)
        cr_assert(isnan(e[i]));
    a[1] = NAN;
    expm(2, a, e);
    for (int i = 0; i < 4; i++)
        cr_assert(isnan(e[i]));
}

/* ---- the covariance of noise ---- */

/* An Ornstein-Uhlenbeck process, for steps from a millionth of its time constant to a million. */
Test(expm_noise, one_equation)
{
    for (double h = 1e-6; h < 2e6; h *= 10.0) {
        double a = -1.0, g = 0.7, l;
        expm_noise(1, 1, &a, &g, h, &l);
        near(l, sqrtl(-0.49L / 2.0L * expm1l(-2.0L * h)), 4e-16);
    }
}

/* White noise and its integrals: the covariances are h, h^2/2, h^3/3, h^4/8, h^5/20, h^3/6. */
Test(expm_noise, integrals)
{
    for (double h = 1e-5; h < 1e6; h *= 10.0) {
        double a[9] = {0, 0, 0, 1, 0, 0, 0, 1, 0}, g[3] = {1, 0, 0}, l[9];
        long double t = h;
        expm_noise(3, 1, a, g, h, l);
        near(l[0], sqrtl(t), 4e-16);
        near(l[3], t * sqrtl(t) / 2.0L, 4e-16);
        near(l[4], t * sqrtl(t / 12.0L), 1e-15);
        near(l[6], t * t * sqrtl(t) / 6.0L, 4e-16);
        near(l[6] * l[6] + l[7] * l[7] + l[8] * l[8], t * t * t * t * t / 20.0L, 1e-15);
        cr_assert(l[1] == 0.0 && l[2] == 0.0 && l[5] == 0.0);
    }
}

/* y' = -b y + xi, x' = -a x + y + s xi_1: all three moments in closed form. */
Test(expm_noise, driven)
{
    for (double h = 1e-3; h < 1e4; h *= 7.0) {
        const double a = 0.3, b = 0.11, s = 0.4;
        double m[4] = {-b, 0, 1, -a}, g[4] = {1, 0, 0, s}, l[4];
        long double c = 1.0L / (a - b), k;
        long double bb = -expm1l(-2.0L * b * h) / (2.0L * b), aa = -expm1l(-2.0L * a * h) / (2.0L * a);
        long double ab = -expm1l(-((long double)a + b) * h) / ((long double)a + b);
        expm_noise(2, 2, m, g, h, l);
        near(l[0], sqrtl(bb), 4e-16);
        k = c * (bb - ab);
        near(l[0] * l[2], k, 1e-12);
        near(l[2] * l[2] + l[3] * l[3], c * c * (bb + aa - 2.0L * ab) + s * s * aa, h < 0.1 ? 1e-9 : 1e-12);
    }
}

/* Two equations that are the same have one noise: nothing is left for the second. */
Test(expm_noise, degenerate)
{
    double a[4] = {-2, 0, 0, -2}, g[2] = {3, 3}, l[4];
    expm_noise(2, 1, a, g, 0.3, l);
    cr_assert(l[0] == l[2] && l[3] == 0.0);
    double zero[2] = {0, 0};
    expm_noise(2, 1, a, zero, 0.3, l);
    cr_assert(l[0] == 0.0 && l[2] == 0.0 && l[3] == 0.0);
    g[0] = NAN;
    expm_noise(2, 1, a, g, 0.3, l);
    cr_assert(isnan(l[0]));
}
