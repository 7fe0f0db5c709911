/* Accuracy, special values and reproducibility of cxmath.h. The reference is the 64-bit long double
 * of the system's library. The checksums are one set for all compilers, levels of optimisation and
 * instruction sets: a compiler that contracts or reorders shows here. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxmath.h"

static uint64_t state;

static uint64_t word(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Arguments must not depend on the system's library: a linear scale, or random bits between two
 * doubles of one sign (about logarithmic), with either sign when `both`. */
typedef enum Scale { LINEAR, BITS, BITS_BOTH } Scale;

static uint64_t bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static double draw(Scale scale, double a, double b)
{
    uint64_t w = word();
    if (scale == LINEAR) return a + (b - a) * ((double)(w >> 11) * 0x1p-53);
    uint64_t lo = bits(a), hi = bits(b), u = lo + (w >> 1) % (hi - lo);
    double x;
    memcpy(&x, &u, sizeof x);
    return scale == BITS_BOTH && (w & 1) ? -x : x;
}

static double ulps(double got, long double want)
{
    double w = (double)want;
    if (isnan(w)) return isnan(got) ? 0 : INFINITY;
    if (isinf(w) || isinf(got)) return got == w ? 0 : INFINITY;
    if (isnan(got)) return INFINITY;
    int e;
    frexp(w, &e);
    if (e < -1021) e = -1021;
    return (double)fabsl(((long double)got - want) * ldexpl(1, 53 - e));
}

static long double exprell(long double x)
{
    return x == 0 ? 1 : expm1l(x) / x;
}

#define WRAP(f)                                                                                    \
    static double my_##f(double x)                                                                 \
    {                                                                                              \
        return cx_##f(x);                                                                          \
    }
WRAP(exp)
WRAP(log) WRAP(log10) WRAP(expm1) WRAP(log1p) WRAP(exprel) WRAP(sin) WRAP(cos) WRAP(tan) WRAP(asin)
    WRAP(acos) WRAP(atan) WRAP(sinh) WRAP(cosh) WRAP(tanh) WRAP(erf) WRAP(erfc) WRAP(round)

        typedef struct Row {
    const char *name;
    double (*f)(double);
    long double (*want)(long double);
    Scale scale;
    double a, b, bound;
    uint64_t sum; /* of the bits over the first 4096 arguments */
} Row;
#define F(f) #f, my_##f, f##l

static const Row row[] = {
    {F(exp), LINEAR, -745, 710, 1, 0x73086f1530c020a2u},
    {F(exp), BITS_BOTH, 1e-20, 2, 1, 0x2dc0bb3487fdd12du},
    {F(log), BITS, 5e-324, 1e308, 1, 0xbf0fd885f67cb1cbu},
    {F(log), LINEAR, 0.4, 2.5, 1, 0x8caf74860ce7ac89u},
    {F(log10), BITS, 5e-324, 1e308, 1, 0x634fb7ba3983fca4u},
    {F(log10), LINEAR, 0.4, 2.5, 1, 0x3b015fcd03d5c612u},
    {F(expm1), LINEAR, -50, 710, 1, 0x027441478f025f8au},
    {F(expm1), BITS_BOTH, 1e-300, 3, 1, 0x2a7cd0859b54416bu},
    {F(log1p), LINEAR, -1, 3, 1, 0xebe0ae443c362643u},
    {F(log1p), BITS, 1e-310, 1e308, 1, 0xa3bb95655aa8432du},
    {F(log1p), BITS_BOTH, 1e-30, 0.999, 1, 0xa72dc818aef0f82eu},
    {F(exprel), LINEAR, -800, 717, 3, 0x753c16b8f6471b80u},
    {F(exprel), BITS_BOTH, 1e-300, 3, 3, 0x59a88c420b52a4b4u},
    {F(sin), BITS_BOTH, 1e-300, 0x1p20, 1, 0x503096bdf2f1ad8bu},
    {F(sin), LINEAR, -20, 20, 1, 0x07d5a27f367ae36eu},
    {F(sin), BITS_BOTH, 0x1p20, 1e308, 2, 0xdd70b28a2261b86fu},
    {F(cos), BITS_BOTH, 1e-300, 0x1p20, 1, 0x0898d48ba256937fu},
    {F(cos), LINEAR, -20, 20, 1, 0xe621483b15f881afu},
    {F(cos), BITS_BOTH, 0x1p20, 1e308, 2, 0xb13489c1f6d27197u},
    {F(tan), BITS_BOTH, 1e-300, 0x1p20, 1, 0x96a94c0c656e3531u},
    {F(tan), LINEAR, -20, 20, 1, 0x7b75eb72aff842dau},
    {F(tan), BITS_BOTH, 0x1p20, 1e308, 2, 0x1b6387aa4051960eu},
    {F(asin), LINEAR, -1, 1, 1, 0xe23193406d33b974u},
    {F(asin), BITS_BOTH, 1e-310, 1, 1, 0x58584c4c8a111a40u},
    {F(acos), LINEAR, -1, 1, 1, 0x2dfe6862df06ffd5u},
    {F(acos), BITS, 0.999, 1, 1, 0x419d19f714a6cab8u},
    {F(atan), LINEAR, -5, 5, 1, 0x52354ee70108d0f8u},
    {F(atan), BITS_BOTH, 1e-310, 1e308, 1, 0x50670fca1d9e2f40u},
    {F(sinh), LINEAR, -711, 711, 2, 0xdf58a18302b2e121u},
    {F(sinh), BITS_BOTH, 1e-300, 50, 2, 0xf23e35dab28a549du},
    {F(cosh), LINEAR, -711, 711, 2, 0xe23ab51b2bd27823u},
    {F(cosh), BITS_BOTH, 1e-300, 50, 2, 0x2f7ce6c5f68b23b7u},
    {F(tanh), LINEAR, -3, 3, 1, 0xbdcf52026796cbffu},
    {F(tanh), BITS_BOTH, 1e-300, 50, 1, 0x527a8eb3b5e0ae32u},
    {F(erf), LINEAR, -7, 7, 2, 0x3c5761db468adc4cu},
    {F(erf), BITS_BOTH, 1e-300, 7, 2, 0x37ab5691612c3dc5u},
    {F(erfc), LINEAR, -7, 27.3, 2, 0x0937f090ab113e37u},
    {F(erfc), BITS_BOTH, 1e-300, 27, 2, 0x48945ea0b44602aeu},
    {F(round), LINEAR, -10, 10, 0, 0x1c51a3bbdfa71751u},
};

static uint64_t fold(uint64_t sum, double x)
{
    uint64_t u = x != x ? 0 : bits(x);
    return (sum ^ u) * 0x9e3779b97f4a7c15u + (sum >> 29);
}

/* How many arguments each function gets; CXMATH_ARGUMENTS=100000000 makes the table of docs/numbers.md. */
static long arguments(void)
{
    const char *text = getenv("CXMATH_ARGUMENTS");
    return text ? strtol(text, NULL, 10) : 1 << 19;
}

static void tell(const char *name, double worst, double at)
{
    if (getenv("CXMATH_ARGUMENTS")) printf("%-8s %.3f ulp at %a\n", name, worst, at), fflush(stdout);
}

Test(cxmath, stays_within_the_promised_ulps, .timeout = 3600)
{
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        const Row *r = &row[k];
        double worst = 0, at = 0;
        state = 1000 + k;
        for (long i = 0, n = arguments(); i < n; i++) {
            double x = draw(r->scale, r->a, r->b), u = ulps(r->f(x), r->want(x));
            if (u > worst) worst = u, at = x;
        }
        tell(r->name, worst, at);
        cr_expect_leq(worst, r->bound, "%s: %.3f ulp at %a", r->name, worst, at);
    }
}

Test(cxmath, has_the_same_bits_everywhere)
{
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        const Row *r = &row[k];
        uint64_t sum = 0;
        state = 1;
        for (int i = 0; i < 4096; i++)
            sum = fold(sum, r->f(draw(r->scale, r->a, r->b)));
        cr_expect_eq(sum, r->sum, "%s, row %zu: 0x%016llx", r->name, k, (unsigned long long)sum);
    }
    uint64_t sum = 0;
    state = 1;
    for (int i = 0; i < 4096; i++) {
        double x = draw(BITS_BOTH, 1e-3, 1e3), y = draw(BITS_BOTH, 1e-3, 1e3);
        sum = fold(fold(fold(sum, cx_pow(cx_abs(x), y)), cx_atan2(x, y)), cx_mod(x, y));
    }
    cr_expect_eq(sum, 0x7e20e4f8af42b3c6u, "two arguments: 0x%016llx", (unsigned long long)sum);
}

Test(cxmath, holds_for_two_arguments, .timeout = 3600)
{
    double worst_pow = 0, worst_atan2 = 0;
    state = 7;
    for (long i = 0, n = arguments(); i < n; i++) {
        double x = draw(BITS, 5e-324, 1e308), y = draw(LINEAR, -1, 1) * 745 / fabs(log(x));
        if (i & 1) x = draw(LINEAR, 0, 20), y = draw(LINEAR, -40, 40);
        if ((i & 3) == 3)
            x = 1 + draw(BITS_BOTH, 1e-15, 0.5), y = draw(LINEAR, -1, 1) * 700 / fabs(log(x));
        double u = ulps(cx_pow(x, y), powl(x, y));
        if (u > worst_pow && isfinite((double)powl(x, y))) worst_pow = u;
        x = draw(BITS_BOTH, 1e-300, 1e300);
        y = i & 1 ? draw(BITS_BOTH, 1e-300, 1e300) : x * draw(LINEAR, -5, 5);
        u = ulps(cx_atan2(y, x), atan2l(y, x));
        if (u > worst_atan2) worst_atan2 = u;
    }
    tell("pow", worst_pow, NAN);
    tell("atan2", worst_atan2, NAN);
    cr_expect_leq(worst_pow, 1.0, "pow: %.3f ulp", worst_pow);
    cr_expect_leq(worst_atan2, 1.0, "atan2: %.3f ulp", worst_atan2);
}

static const double special[] = {0.0,
                                 -0.0,
                                 1,
                                 -1,
                                 2,
                                 -2,
                                 3,
                                 -3,
                                 0.5,
                                 -0.5,
                                 1.5,
                                 -2.5,
                                 INFINITY,
                                 -INFINITY,
                                 NAN,
                                 1e308,
                                 -1e308,
                                 5e-324,
                                 -5e-324,
                                 1e-310,
                                 0x1p53,
                                 -0x1p53,
                                 0x1p53 - 1,
                                 1 - 0x1p53,
                                 0x1p70,
                                 710,
                                 -746,
                                 0x1.fffffffffffffp-1,
                                 -0x1.fffffffffffffp-1,
                                 0x1.0000000000001p0,
                                 -0x1.0000000000001p0};
enum { N_SPECIAL = sizeof special / sizeof *special };

static bool close_enough(double got, double want)
{
    if (isnan(want)) return isnan(got);
    if (want == 0 || isinf(want)) return got == want && signbit(got) == signbit(want);
    return fabs(got - want) <= 4.5e-16 * fabs(want) + 5e-324 && signbit(got) == signbit(want);
}

Test(cxmath, keeps_special_values)
{
    for (size_t k = 0; k < sizeof row / sizeof *row; k++)
        for (int i = 0; i < N_SPECIAL; i++) {
            double x = special[i], got = row[k].f(x), want = (double)row[k].want(x);
            if (row[k].f == my_exprel && isinf(x)) want = x > 0 ? x : 0.0;
            cr_expect(close_enough(got, want), "%s(%a) = %a, want %a", row[k].name, x, got, want);
        }
    for (int i = 0; i < N_SPECIAL; i++)
        for (int j = 0; j < N_SPECIAL; j++) {
            double x = special[i], y = special[j];
            cr_expect(close_enough(cx_pow(x, y), pow(x, y)), "pow(%a, %a) = %a", x, y,
                      cx_pow(x, y));
            cr_expect(close_enough(cx_atan2(x, y), atan2(x, y)), "atan2(%a, %a) = %a", x, y,
                      cx_atan2(x, y));
        }
}

Test(cxmath, takes_remainders_with_the_sign_of_the_divisor)
{
    state = 3;
    for (int i = 0; i < 200000; i++) {
        double a = draw(BITS_BOTH, 1e-10, 1e20), b = draw(BITS_BOTH, 1e-6, 1e6);
        double want = fmod(a, b);
        if (want != 0 && (want < 0) != (b < 0)) want += b;
        cr_assert_eq(cx_mod(a, b), want, "mod(%a, %a) = %a", a, b, cx_mod(a, b));
    }
    cr_expect_eq(cx_mod(-1, 3), 2);
    cr_expect_eq(cx_mod(1, -3), -2);
    cr_expect_eq(cx_mod(1, INFINITY), 1);
    cr_expect_eq(cx_mod(-1, INFINITY), INFINITY);
    cr_expect(signbit(cx_mod(6, -3)) && !signbit(cx_mod(-6, 3)));
    cr_expect(isnan(cx_mod(1, 0)) && isnan(cx_mod(INFINITY, 1)) && isnan(cx_mod(NAN, 1)) &&
              isnan(cx_mod(1, NAN)));
}

Test(cxmath, knows_signs_and_the_finite)
{
    cr_expect(cx_sign(-3) == -1 && cx_sign(0) == 0 && cx_sign(5e-324) == 1 && isnan(cx_sign(NAN)));
    cr_expect(cx_finite(0x1.fffffffffffffp1023) && cx_finite(-5e-324));
    cr_expect(!cx_finite(INFINITY) && !cx_finite(-INFINITY) && !cx_finite(NAN));
}
