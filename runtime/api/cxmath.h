/* Elementary functions with the same bits on every compiler and instruction set. Only + - * /, fma,
 * sqrt, comparisons and integer operations on the bits of doubles; choices are selects, never
 * branches, so `for (i …) out[i] = cx_exp(in[i])` becomes vector code. Included by the runtime, by
 * the interpreter and by generated C; needs nothing but stdint.h, and -ffp-contract=off.
 * Ranges, accuracy and special values: docs/numbers.md. Coefficients are near-minimax polynomials
 * (interpolation at Chebyshev nodes in 300-bit arithmetic). */
#ifndef CORTEXC_CXMATH_H
#define CORTEXC_CXMATH_H

#include <stdint.h>

#define CXM_FN static inline __attribute__((always_inline, unused))

/* Adding and taking away 1.5 * 2^52 rounds to a whole number, which the low bits of the sum hold.
 */
#define CXM_SHIFT 0x1.8p52
#define CXM_INF (__builtin_inf())
#define CXM_NAN (__builtin_nan(""))
#define CXM_LN2_HI 0x1.62e42fefa3800p-1 /* 42 bits: times a whole number below 2^11 it is exact */
#define CXM_LN2_LO 0x1.ef35793c76730p-45

typedef struct CxPair { /* an unevaluated sum, |lo| at most about half an ulp of hi */
    double hi, lo;
} CxPair;

/* ---- one operation of the machine each ---- */
CXM_FN double cx_fma(double a, double b, double c)
{
    return __builtin_fma(a, b, c);
}

CXM_FN double cx_abs(double x)
{
    return __builtin_fabs(x);
}

CXM_FN double cx_sqrt(double x)
{
    return __builtin_sqrt(x);
}

CXM_FN double cx_floor(double x)
{
    return __builtin_floor(x);
}

CXM_FN double cx_ceil(double x)
{
    return __builtin_ceil(x);
}

CXM_FN double cx_trunc(double x)
{
    return __builtin_trunc(x);
}

CXM_FN uint64_t cxm_bits(double x)
{
    uint64_t u;
    __builtin_memcpy(&u, &x, sizeof u);
    return u;
}

CXM_FN double cxm_double(uint64_t u)
{
    double x;
    __builtin_memcpy(&x, &u, sizeof x);
    return x;
}

/* |x| with the sign of s. */
CXM_FN double cxm_copysign(double x, double s)
{
    return __builtin_copysign(x, s);
}

/* c ? a : b by masks, for places where the compiler would make branches of nested choices. */
CXM_FN double cxm_pick(int c, double a, double b)
{
    uint64_t m = -(uint64_t)(c != 0);
    return cxm_double((cxm_bits(a) & m) | (cxm_bits(b) & ~m));
}

/* ---- sums and products without loss ---- */

/* a + b exactly, for |a| >= |b| or a = 0. */
CXM_FN CxPair cxm_fast_sum(double a, double b)
{
    double s = a + b;
    return (CxPair){s, (a - s) + b};
}

/* a + b exactly. */
CXM_FN CxPair cxm_sum(double a, double b)
{
    double s = a + b, t = s - a;
    return (CxPair){s, (a - (s - t)) + (b - t)};
}

/* a * b exactly, barring underflow. */
CXM_FN CxPair cxm_prod(double a, double b)
{
    double p = a * b;
    return (CxPair){p, cx_fma(a, b, -p)};
}

/* n / d rounded once, nearly: the quotient of the high parts and one correction. */
CXM_FN double cxm_div(CxPair n, CxPair d)
{
    double y = 1.0 / d.hi, q = n.hi * y;
    double rest = cx_fma(-q, d.hi, n.hi) + cx_fma(-q, d.lo, n.lo);
    return cx_fma(rest, y, q);
}

/* ---- rounding and the like ---- */
CXM_FN double cx_round(double x)
{
    double t = __builtin_trunc(x);
    double away = t + cxm_copysign(1.0, x);
    return cx_abs(x - t) >= 0.5 ? away : t;
}

CXM_FN double cx_sign(double x)
{
    return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : x);
}

CXM_FN int cx_finite(double x)
{
    return cx_abs(x) <= 0x1.fffffffffffffp1023;
}

/* a - b q for a whole q, with the sign of b and below b in magnitude. The remainder by a rounded
 * quotient is exact, so two rounds are exact while |a / b| < 2^100; beyond, no digit of a tells
 * where in the period it is and the result is a zero. */
CXM_FN double cx_mod(double a, double b)
{
    double d = cx_abs(b), big = cx_abs(a / b);
    double r = cx_fma(-__builtin_trunc(a / b), b, a);
    r = cx_fma(-__builtin_trunc(r / b), b, r);
    double up = r + d, down = r - d;
    r = r >= d ? down : (r <= -d ? up : r);
    double bent = r + b;
    r = r * cxm_copysign(1.0, b) < 0.0 ? bent : r;
    r = r == 0.0 ? cxm_copysign(0.0, b) : r;
    r = big >= 0x1p100 ? cxm_copysign(0.0, b) : r;
    double whole = (a < 0.0) == (b < 0.0) ? a : b;
    whole = a == 0.0 ? cxm_copysign(0.0, b) : whole;
    r = d == CXM_INF ? whole : r;
    int good = cx_finite(a) & (b != 0.0) & (b == b);
    return good ? r : CXM_NAN;
}

/* ---- exponential ---- */

/* x = k ln 2 + r.hi + r.lo with |r| <= ln 2 / 2, for |x| < 1100; xlo is a tail of x. */
CXM_FN CxPair cxm_exp_reduce(double x, double xlo, double *k)
{
    double kd = cx_fma(x, 0x1.71547652b82fep+0, CXM_SHIFT) - CXM_SHIFT;
    *k = kd;
    return cxm_fast_sum(cx_fma(-kd, CXM_LN2_HI, x), cx_fma(-kd, CXM_LN2_LO, xlo));
}

/* (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, even and odd powers apart: two short chains instead of a long one. */
CXM_FN double cxm_exp_poly(double r)
{
    double s = r * r, even = 0x1.1f7385560be05p-29, odd = 0x1.af4ecd2129492p-26;
    even = cx_fma(even, s, 0x1.27e4db25ce3adp-22);
    odd = cx_fma(odd, s, 0x1.71de01c3fc936p-19);
    even = cx_fma(even, s, 0x1.a01a01a6ec522p-16);
    odd = cx_fma(odd, s, 0x1.a01a01ac0a9eep-13);
    even = cx_fma(even, s, 0x1.6c16c16c162b0p-10);
    odd = cx_fma(odd, s, 0x1.111111111009cp-7);
    even = cx_fma(even, s, 0x1.5555555555556p-5);
    odd = cx_fma(odd, s, 0x1.5555555555557p-3);
    return cx_fma(odd, r, cx_fma(even, s, 0.5));
}

/* 2^k for a whole k in [-1022, 1023]. */
CXM_FN double cxm_pow2(double k)
{
    return cxm_double((cxm_bits(k + CXM_SHIFT) << 52) + 0x3ff0000000000000u);
}

/* p 2^k for a whole |k| < 2000 in two factors, so that only the last one can over- or underflow. */
CXM_FN double cxm_scale(double p, double k)
{
    double t = cx_fma(0.5, k, CXM_SHIFT);
    double first = cxm_double((cxm_bits(t) << 52) + 0x3ff0000000000000u);
    return p * first * cxm_pow2(k - (t - CXM_SHIFT));
}

/* e^(x + xlo) - 1 = (1 + result) 2^k - 1: the part e^r - 1 as a pair. */
CXM_FN CxPair cxm_expm1_part(double x, double xlo, double *k)
{
    CxPair r = cxm_exp_reduce(x, xlo, k);
    CxPair e = cxm_fast_sum(r.hi, r.hi * r.hi * cxm_exp_poly(r.hi));
    e.lo += cx_fma(r.lo, r.hi, r.lo);
    return e;
}

CXM_FN double cx_exp(double x)
{
    double k, edge = cxm_copysign(746.0, x), c = cx_abs(x) > 746.0 ? edge : x;
    CxPair r = cxm_exp_reduce(c, 0.0, &k);
    double p = 1.0 + (r.hi + cx_fma(r.hi * r.hi, cxm_exp_poly(r.hi), r.lo));
    return cxm_scale(p, k);
}

/* (e^x - 1) 2^-k as a pair, for -100 <= x < 1100. */
CXM_FN CxPair cxm_expm1_scaled(double x, double *k)
{
    CxPair e = cxm_expm1_part(x, 0.0, k);
    double small = *k > 200.0 ? 200.0 : *k;
    double back = cxm_pow2(-small);
    CxPair one = cxm_sum(1.0, -back), s = cxm_sum(one.hi, e.hi);
    return cxm_fast_sum(s.hi, s.lo + (e.lo + one.lo));
}

CXM_FN double cx_expm1(double x)
{
    double k, c = x > 710.0 ? 710.0 : x;
    c = c < -50.0 ? -50.0 : c;
    CxPair u = cxm_expm1_scaled(c, &k);
    double r = cxm_scale(u.hi, k);
    return cx_abs(x) < 0x1p-54 ? x : r;
}

/* (e^x - 1) / x, which exponential integrators call for every equation and step: no pairs, one division. With x = k ln 2
 * + r the quotient is (2^(k-20) (e^r - 1) + (2^(k-20) - 2^-20)) / (2^-20 x), where the scale keeps it finite up to 716.
 * Near 0, where k = 0, it is 1 + r poly(r): a caller that knows all its x to be near needs nothing else. */
#define CXM_EXPREL_NEAR 0.34
CXM_FN double cx_exprel_near(double x)
{
    return cx_fma(x, cxm_exp_poly(x), 1.0);
}

CXM_FN double cx_exprel(double x)
{
    double d = x > 720.0 ? 720.0 : x, c = d < -50.0 ? -50.0 : d;
    double shifted = cx_fma(c, 0x1.71547652b82fep+0, CXM_SHIFT), k = shifted - CXM_SHIFT;
    double r = cx_fma(-k, CXM_LN2_LO, cx_fma(-k, CXM_LN2_HI, c));
    double p = cxm_exp_poly(r), e = cx_fma(r * r, p, r), near = cx_fma(r, p, 1.0);
    double s = cxm_double((cxm_bits(shifted) << 52) + 0x3eb0000000000000u);
    double q = cx_fma(s, e, s - 0x1p-20) / (d * 0x1p-20);
    return cx_abs(x) < CXM_EXPREL_NEAR ? near : q;
}

/* ---- hyperbolic functions, from e^|x| = 2^k (1 + e) ---- */
CXM_FN double cx_tanh(double x)
{
    double k, a = cx_abs(x);
    double c = a > 22.0 ? 22.0 : a;
    CxPair u = cxm_expm1_scaled(2.0 * c, &k);
    double s = cxm_pow2(k);
    CxPair n = {u.hi * s, u.lo * s};
    CxPair d = cxm_sum(2.0, n.hi);
    d.lo += n.lo;
    double r = cxm_div(n, d);
    r = a >= 22.0 ? 1.0 : r;
    r = a < 0x1p-30 ? a : r;
    return x != x ? x : cxm_copysign(r, x);
}

CXM_FN double cx_cosh(double x)
{
    double k, a = cx_abs(x);
    double c = a > 712.0 ? 712.0 : a;
    CxPair e = cxm_expm1_part(c, 0.0, &k);
    CxPair p = cxm_fast_sum(1.0, e.hi);
    p.lo += e.lo;
    double kk = k > 100.0 ? 100.0 : k;
    double back = cxm_pow2(-2.0 * kk) / p.hi;
    CxPair s = cxm_fast_sum(p.hi, back);
    double r = cxm_scale(s.hi + (s.lo + p.lo), k - 1.0);
    return x != x ? x : r;
}

CXM_FN double cx_sinh(double x)
{
    double k, a = cx_abs(x);
    double c = a > 712.0 ? 712.0 : a;
    CxPair u = cxm_expm1_scaled(c, &k);
    /* sinh = (E + E / (E + 1)) / 2 with E = e^a - 1; above 40 the second term is below rounding */
    double small = k > 60.0 ? 60.0 : k;
    double s = cxm_pow2(small);
    CxPair n = {u.hi * s, u.lo * s};
    CxPair d = cxm_sum(1.0, n.hi);
    d.lo += n.lo;
    CxPair t = cxm_sum(n.hi, cxm_div(n, d));
    double near = 0.5 * (t.hi + (t.lo + n.lo));
    double far = cxm_scale(u.hi, k - 1.0);
    double r = a > 40.0 ? far : near;
    r = a < 0x1p-30 ? a : r;
    return x != x ? x : cxm_copysign(r, x);
}

/* ---- logarithms ---- */

/* x = 2^k m with m in [sqrt 1/2, sqrt 2), for finite x > 0. */
CXM_FN double cxm_log_reduce(double x, double *k)
{
    double lift = x * 0x1p54;
    double y = x < 0x1p-1022 ? lift : x;
    uint64_t t = cxm_bits(y) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    double e = cxm_double((t >> 52) | 0x4330000000000000u);
    *k = e - (x < 0x1p-1022 ? 0x1p52 + 1077.0 : 0x1p52 + 1023.0);
    return cxm_double((t & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);
}

/* k ln 2 + log(1 + f + flo) for 1 + f in [sqrt 1/2, sqrt 2]: with s = f / (2 + f),
 * log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)). */
CXM_FN double cxm_log_sum(double k, double f, double flo)
{
    double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
    double p = 0x1.0c0aff044a970p-3;
    p = cx_fma(p, z, 0x1.0fbde0f4ad17bp-3);
    p = cx_fma(p, z, 0x1.3b1c3c1c81c8fp-3);
    p = cx_fma(p, z, 0x1.745cf8e4bba1bp-3);
    p = cx_fma(p, z, 0x1.c71c7201a55d7p-3);
    p = cx_fma(p, z, 0x1.2492492476a1ap-2);
    p = cx_fma(p, z, 0x1.9999999999a39p-2);
    p = cx_fma(p, z, 0x1.5555555555555p-1);
    double tail = cx_fma(k, CXM_LN2_LO, flo);
    double small = half - cx_fma(s, cx_fma(p, z, half), tail);
    return k * CXM_LN2_HI - (small - f);
}

CXM_FN double cx_log(double x)
{
    double k, m = cxm_log_reduce(x, &k);
    double r = cxm_log_sum(k, m - 1.0, 0.0);
    r = x == 0.0 ? -CXM_INF : r;
    r = x < 0.0 ? CXM_NAN : r;
    return x < CXM_INF ? r : x; /* infinity and NaN are their own logarithms */
}

CXM_FN double cx_log1p(double x)
{
    double k;
    CxPair u = cxm_sum(1.0, x);
    double m = cxm_log_reduce(u.hi, &k);
    double kk = k > 200.0 ? 200.0 : k;
    double c = k > 200.0 ? 0.0 : u.lo * cxm_pow2(-kk); /* what 1 + x lost */
    CxPair f = cxm_fast_sum(m - 1.0, c);
    double r = cxm_log_sum(k, f.hi, f.lo * cx_fma(f.hi, f.hi - 1.0, 1.0));
    r = cx_abs(x) < 0x1p-54 ? x : r;
    r = x == -1.0 ? -CXM_INF : r;
    r = x < -1.0 ? CXM_NAN : r;
    return x < CXM_INF ? r : x;
}

/* log x to about 2^-66 of itself, for finite x > 0. */
CXM_FN CxPair cxm_log_pair(double x)
{
    double k, f = cxm_log_reduce(x, &k) - 1.0;
    CxPair d = cxm_fast_sum(2.0, f);
    double y = 1.0 / d.hi, s = f * y;
    double slo = y * (cx_fma(-s, d.hi, f) - s * d.lo);
    CxPair z = cxm_prod(s, s);
    z.lo = cx_fma(2.0 * s, slo, z.lo);
    double p = 0x1.b8e0c07ef591ap-4;
    p = cx_fma(p, z.hi, 0x1.ac4927065cf5ap-4);
    p = cx_fma(p, z.hi, 0x1.e1f80a4c22cd4p-4);
    p = cx_fma(p, z.hi, 0x1.1110df7e2b9b8p-3);
    p = cx_fma(p, z.hi, 0x1.3b13b1bd0ead0p-3);
    p = cx_fma(p, z.hi, 0x1.745d1745124c7p-3);
    p = cx_fma(p, z.hi, 0x1.c71c71c71cfe7p-3);
    p = cx_fma(p, z.hi, 0x1.2492492492491p-2);
    p = cx_fma(p, z.hi, 0x1.999999999999ap-2);
    CxPair t = cxm_fast_sum(0x1.5555555555555p-1, z.hi * p); /* 2/3 + … */
    t.lo += 0x1.5555555555555p-55;
    CxPair u = cxm_prod(z.hi, t.hi);
    u.lo += cx_fma(z.hi, t.lo, z.lo * t.hi);
    CxPair w = cxm_fast_sum(2.0, u.hi);
    w.lo += u.lo;
    CxPair v = cxm_prod(s, w.hi);
    v.lo += cx_fma(s, w.lo, slo * w.hi);
    CxPair sum = cxm_fast_sum(k * CXM_LN2_HI, v.hi);
    return cxm_fast_sum(sum.hi, sum.lo + cx_fma(k, CXM_LN2_LO, v.lo));
}

CXM_FN double cx_log10(double x)
{
    CxPair l = cxm_log_pair(x);
    CxPair p = cxm_prod(l.hi, 0x1.bcb7b1526e50ep-2);
    double r = p.hi + (p.lo + cx_fma(l.hi, 0x1.95355baaafad3p-57, l.lo * 0x1.bcb7b1526e50ep-2));
    r = x == 0.0 ? -CXM_INF : r;
    r = x < 0.0 ? CXM_NAN : r;
    return x < CXM_INF ? r : x;
}

/* x^y as e^(y log |x|), with the special values of C99 (annex F). */
CXM_FN double cx_pow(double x, double y)
{
    double a = cx_abs(x), k;
    double yc = y > 0x1p66 ? 0x1p66 : y; /* beyond, all but |x| = 1 is 0 or infinite */
    yc = yc < -0x1p66 ? -0x1p66 : yc;
    CxPair l = cxm_log_pair(a);
    CxPair e = cxm_prod(yc, l.hi);
    e.lo = cx_fma(yc, l.lo, e.lo);
    double hi = e.hi > 710.0 ? 710.0 : e.hi;
    hi = hi < -746.0 ? -746.0 : hi;
    double lo = hi == e.hi ? e.lo : 0.0;
    CxPair q = cxm_expm1_part(hi, lo, &k);
    CxPair s = cxm_fast_sum(1.0, q.hi);
    double r = cxm_scale(s.hi + (s.lo + q.lo), k);
    double at0 = y < 0.0 ? CXM_INF : 0.0, at_inf = y < 0.0 ? 0.0 : CXM_INF;
    r = a == 0.0 ? at0 : r;
    r = a == CXM_INF ? at_inf : r;
    double half = 0.5 * y;
    int whole = cx_floor(y) == y, odd = whole & (cx_floor(half) != half);
    double neg = odd ? -r : r;
    neg = (whole | (a == 0.0) | (a == CXM_INF)) ? neg : CXM_NAN;
    r = cxm_copysign(1.0, x) < 0.0 ? neg : r;
    r = ((x != x) | (y != y)) ? x + y : r;
    r = ((x == -1.0) & (cx_abs(y) == CXM_INF)) ? 1.0 : r;
    return ((x == 1.0) | (y == 0.0)) ? 1.0 : r;
}

/* ---- trigonometric functions ---- */

/* x - n pi/2 as a pair in [-pi/4, pi/4] for |x| < 2^20; the low two bits of *quadrant are n mod 4.
 */
CXM_FN CxPair cxm_trig_small(double x, uint64_t *quadrant)
{
    double t = cx_fma(x, 0x1.45f306dc9c883p-1, CXM_SHIFT), q = t - CXM_SHIFT;
    *quadrant = cxm_bits(t);
    /* pi/2 in 33 + 33 + 53 + 53 bits: the first two products are exact for |q| < 2^20 */
    CxPair r = cxm_sum(cx_fma(-q, 0x1.921fb54400000p+0, x), -q * 0x1.0b4611a600000p-34);
    CxPair c = cxm_prod(q, 0x1.3198a2e037073p-69);
    CxPair d = cxm_sum(r.lo, -c.hi);
    d.lo -= cx_fma(q, 0x1.129024e088a68p-123, c.lo);
    CxPair s = cxm_sum(r.hi, d.hi);
    return cxm_fast_sum(s.hi, s.lo + d.lo);
}

/* A whole number below 2^52 as a double, times 2^-s. */
CXM_FN double cxm_digit(uint64_t u, double scale)
{
    return (cxm_double(u | 0x4330000000000000u) - 0x1p52) * scale;
}

/* The same for 2^20 <= |x| < infinity (Payne and Hanek 1983). With x = m 2^e, the bits of 2/pi that
 * give multiples of 4 are left out and 192 bits from there on are multiplied by m. The window is
 * moved into place by halves of the index instead of a look-up, so that lanes stay independent. */
CXM_FN CxPair cxm_trig_large(double x, uint64_t *quadrant)
{
    const uint64_t w[] = {
        /* 34 zero bits, then 2/pi */
        0x0000000028be60dbu, 0x9391054a7f09d5f4u, 0x7d4d377036d8a566u, 0x4f10e4107f9458eau,
        0xf7aef1586dc91b8eu, 0x909374b801924bbau, 0x827464873f877ac7u, 0x2c4a69cfba208d7du,
        0x4baed1213a671c09u, 0xad17df904e64758eu, 0x60d4ce7d272117e2u, 0xef7e4a0ec7fe25ffu,
        0xf7816603fbcbc462u, 0xd6829b47db4d9fb3u, 0xc9f2c26dd3d18fd9u, 0xa797fa8b5d49eeb1u,
        0xfaf97c5ecf41ce7du, 0xe294a4ba9afed7ecu, 0x47e357421580cc11u};
    uint64_t e = (cxm_bits(x) >> 52) & 0x7ff, at = e - 1043; /* the first bit of the window */
    double m = cxm_double((cxm_bits(x) & 0x800fffffffffffffu) | 0x4330000000000000u);
    uint64_t m8 = -((at >> 9) & 1), m4 = -((at >> 8) & 1), m2 = -((at >> 7) & 1),
             m1 = -((at >> 6) & 1);
    uint64_t a[11], b[7], c[5], d[4];
    for (int i = 0; i < 11; i++)
        a[i] = w[i] ^ (m8 & (w[i] ^ w[i + 8]));
    for (int i = 0; i < 7; i++)
        b[i] = a[i] ^ (m4 & (a[i] ^ a[i + 4]));
    for (int i = 0; i < 5; i++)
        c[i] = b[i] ^ (m2 & (b[i] ^ b[i + 2]));
    for (int i = 0; i < 4; i++)
        d[i] = c[i] ^ (m1 & (c[i] ^ c[i + 1]));
    uint64_t s = at & 63;
    uint64_t v0 = (d[0] << s) | ((d[1] >> 1) >> (63 - s));
    uint64_t v1 = (d[1] << s) | ((d[2] >> 1) >> (63 - s));
    uint64_t v2 = (d[2] << s) | ((d[3] >> 1) >> (63 - s));
    /* four digits of 48 bits; the products are in quarter turns */
    CxPair p0 = cxm_prod(m, cxm_digit(v0 >> 16, 0x1p-46));
    CxPair p1 = cxm_prod(m, cxm_digit(((v0 & 0xffff) << 32) | (v1 >> 32), 0x1p-94));
    CxPair p2 = cxm_prod(m, cxm_digit(((v1 & 0xffffffff) << 16) | (v2 >> 48), 0x1p-142));
    double p3 = m * cxm_digit(v2 & 0xffffffffffff, 0x1p-190);
    double turns = p0.hi - 4.0 * cx_floor(0.25 * p0.hi);
    CxPair top = cxm_sum(turns + p0.lo, p1.hi); /* the first sum is a multiple of 2^-46: exact */
    double t = top.hi + CXM_SHIFT;
    *quadrant = cxm_bits(t);
    CxPair u = cxm_sum(p1.lo, top.lo), v = cxm_sum(u.hi, p2.hi);
    CxPair f = cxm_sum(top.hi - (t - CXM_SHIFT), v.hi);
    f = cxm_fast_sum(f.hi, f.lo + (u.lo + v.lo + p2.lo + p3));
    CxPair r = cxm_prod(f.hi, 0x1.921fb54442d18p+0);
    r.lo += cx_fma(f.hi, 0x1.1a62633145c07p-54, f.lo * 0x1.921fb54442d18p+0);
    return cxm_fast_sum(r.hi, r.lo);
}

/* x - n pi/2 for any finite x, NaN else. */
CXM_FN CxPair cxm_trig_reduce(double x, uint64_t *quadrant)
{
    uint64_t n_small, n_large;
    CxPair s = cxm_trig_small(x, &n_small), l = cxm_trig_large(x, &n_large);
    uint64_t m = -(uint64_t)(cx_abs(x) >= 0x1p20);
    *quadrant = (n_small & ~m) | (n_large & m);
    CxPair r = {cxm_pick(cx_abs(x) >= 0x1p20, l.hi, s.hi),
                cxm_pick(cx_abs(x) >= 0x1p20, l.lo, s.lo)};
    r.hi = cx_finite(x) ? r.hi : CXM_NAN;
    return r;
}

CXM_FN CxPair cxm_sin_part(CxPair r)
{
    double z = r.hi * r.hi;
    double p = -0x1.ab17a79237a19p-41;
    p = cx_fma(p, z, 0x1.61217ec01749dp-33);
    p = cx_fma(p, z, -0x1.ae64541266378p-26);
    p = cx_fma(p, z, 0x1.71de3a54605eep-19);
    p = cx_fma(p, z, -0x1.a01a01a019936p-13);
    p = cx_fma(p, z, 0x1.1111111111110p-7);
    p = cx_fma(p, z, -0x1.5555555555555p-3);
    return cxm_fast_sum(r.hi, cx_fma(z * r.hi, p, cx_fma(-0.5 * z, r.lo, r.lo)));
}

CXM_FN CxPair cxm_cos_part(CxPair r)
{
    double z = r.hi * r.hi;
    double p = 0x1.ab783376962cfp-45;
    p = cx_fma(p, z, -0x1.9394b9c9c20a4p-37);
    p = cx_fma(p, z, 0x1.1eed8deb6d561p-29);
    p = cx_fma(p, z, -0x1.27e4fb7712bdfp-22);
    p = cx_fma(p, z, 0x1.a01a01a019d0ap-16);
    p = cx_fma(p, z, -0x1.6c16c16c16c16p-10);
    p = cx_fma(p, z, 0x1.5555555555555p-5);
    double zlo = cx_fma(r.hi, r.hi, -z);
    CxPair w = cxm_fast_sum(1.0, -0.5 * z);
    return cxm_fast_sum(w.hi, w.lo + cx_fma(z * z, p, cx_fma(-r.hi, r.lo, -0.5 * zlo)));
}

CXM_FN double cx_sin(double x)
{
    uint64_t n;
    CxPair r = cxm_trig_reduce(x, &n), s = cxm_sin_part(r), c = cxm_cos_part(r);
    double sv = s.hi + s.lo, cv = c.hi + c.lo;
    double v = cxm_double(cxm_bits(cxm_pick(n & 1, cv, sv)) ^ ((n & 2) << 62));
    return cx_abs(x) < 0x1p-27 ? x : v;
}

CXM_FN double cx_cos(double x)
{
    uint64_t n;
    CxPair r = cxm_trig_reduce(x, &n), s = cxm_sin_part(r), c = cxm_cos_part(r);
    double sv = s.hi + s.lo, cv = c.hi + c.lo;
    return cxm_double(cxm_bits(cxm_pick(n & 1, sv, cv)) ^ (((n + 1) & 2) << 62));
}

CXM_FN double cx_tan(double x)
{
    uint64_t n;
    CxPair r = cxm_trig_reduce(x, &n), s = cxm_sin_part(r), c = cxm_cos_part(r);
    CxPair num = {cxm_pick(n & 1, -c.hi, s.hi), cxm_pick(n & 1, -c.lo, s.lo)};
    CxPair den = {cxm_pick(n & 1, s.hi, c.hi), cxm_pick(n & 1, s.lo, c.lo)};
    double v = cxm_div(num, den);
    return cx_abs(x) < 0x1p-27 ? x : v;
}

/* atan(t) - t for |t| <= tan(pi/8). */
CXM_FN double cxm_atan_tail(double t)
{
    double z = t * t;
    double p = 0x1.0a997ba33c1dbp-6;
    p = cx_fma(p, z, -0x1.1b1992aa413c9p-5);
    p = cx_fma(p, z, 0x1.74d3a7b43351ap-5);
    p = cx_fma(p, z, -0x1.ac7858539e493p-5);
    p = cx_fma(p, z, 0x1.e199c62156609p-5);
    p = cx_fma(p, z, -0x1.110e84aa36d9dp-4);
    p = cx_fma(p, z, 0x1.3b1392a9c2d8bp-4);
    p = cx_fma(p, z, -0x1.745d165c497f3p-4);
    p = cx_fma(p, z, 0x1.c71c71c2fc236p-4);
    p = cx_fma(p, z, -0x1.249249248d739p-3);
    p = cx_fma(p, z, 0x1.9999999999952p-3);
    p = cx_fma(p, z, -0x1.5555555555555p-2);
    return p * z * t;
}

/* The angle of (b, a) for finite a, b >= 0, not both 0: moved by pi/4 or pi/2 so that the quotient
 * stays below tan(pi/8). */
CXM_FN CxPair cxm_atan_quadrant(double a, double b)
{
    int low = a <= 0x1.a827999fcef32p-2 * b, high = b < 0x1.a827999fcef32p-2 * a;
    CxPair up = cxm_sum(a, -b), sum = cxm_sum(a, b);
    CxPair n = {cxm_pick(low, a, cxm_pick(high, -b, up.hi)), cxm_pick(low | high, 0.0, up.lo)};
    CxPair d = {cxm_pick(low, b, cxm_pick(high, a, sum.hi)), cxm_pick(low | high, 0.0, sum.lo)};
    double turn = cxm_pick(low, 0.0, cxm_pick(high, 2.0, 1.0)); /* times pi/4 */
    double base = turn * 0x1.921fb54442d18p-1, base_lo = turn * 0x1.1a62633145c07p-55;
    double t = n.hi / d.hi;
    double rest = (cx_fma(-t, d.hi, n.hi) + cx_fma(-t, d.lo, n.lo)) / d.hi;
    CxPair s = cxm_fast_sum(base, t);
    s.lo += base_lo + (cxm_atan_tail(t) + rest);
    return s;
}

CXM_FN double cx_atan(double x)
{
    double a = cx_abs(x), c = a > 0x1p70 ? 0x1p70 : a;
    CxPair s = cxm_atan_quadrant(c, 1.0);
    double r = s.hi + s.lo;
    r = a < 0x1p-27 ? a : r;
    return x != x ? x : cxm_copysign(r, x);
}

/* The angle of the point (x, y), in [-pi, pi], with the special values of C99. */
CXM_FN double cx_atan2(double y, double x)
{
    double a = cx_abs(y), b = cx_abs(x);
    int ai = a == CXM_INF, bi = b == CXM_INF;
    double a1 = cxm_pick(ai, 1.0, cxm_pick(bi, 0.0, a));
    double b1 = cxm_pick(bi, 1.0, cxm_pick(ai, 0.0, b));
    double most = a1 > b1 ? a1 : b1;
    double scale = cxm_pick(most > 0x1p1000, 0x1p-100, cxm_pick(most < 0x1p-900, 0x1p120, 1.0));
    b1 = cxm_pick(most == 0.0, 1.0, b1);
    CxPair s = cxm_atan_quadrant(a1 * scale, b1 * scale);
    CxPair back = cxm_sum(0x1.921fb54442d18p+1, -s.hi);
    double turned = back.hi + (back.lo + (0x1.1a62633145c07p-53 - s.lo));
    double r = cxm_pick(cxm_copysign(1.0, x) < 0.0, turned, s.hi + s.lo);
    return ((x != x) | (y != y)) ? x + y : cxm_copysign(r, y);
}

/* asin(s) - s for |s| <= 1/2, z = s^2. */
CXM_FN double cxm_asin_tail(double s, double z)
{
    double p = 0x1.e58a4f278e007p-6;
    p = cx_fma(p, z, -0x1.3bd7e353ddbc2p-6);
    p = cx_fma(p, z, 0x1.40c91fa8deb7ep-6);
    p = cx_fma(p, z, 0x1.8dcdf11997e0fp-9);
    p = cx_fma(p, z, 0x1.31777489dfd29p-7);
    p = cx_fma(p, z, 0x1.3b462d121c5d2p-7);
    p = cx_fma(p, z, 0x1.7b02ef007d23ep-7);
    p = cx_fma(p, z, 0x1.c990a42b32b03p-7);
    p = cx_fma(p, z, 0x1.1c4efd20ebb99p-6);
    p = cx_fma(p, z, 0x1.6e8ba121b9d5fp-6);
    p = cx_fma(p, z, 0x1.f1c71c7a5e151p-6);
    p = cx_fma(p, z, 0x1.6db6db6dac0eap-5);
    p = cx_fma(p, z, 0x1.3333333333389p-4);
    p = cx_fma(p, z, 0x1.5555555555555p-3);
    return p * z * s;
}

/* asin(min(|x|, sqrt((1 - |x|)/2))) as a pair: the inner half directly, the outer by the half
 * angle. */
CXM_FN CxPair cxm_asin_part(double a)
{
    double out = 0.5 * (1.0 - a), root = cx_sqrt(out);
    double z = a > 0.5 ? out : a * a, s = a > 0.5 ? root : a;
    double lo = a > 0.5 ? cx_fma(-root, root, out) / (root + root) : 0.0;
    lo = out > 0.0 ? lo : 0.0;
    return cxm_fast_sum(s, lo + cxm_asin_tail(s, z));
}

CXM_FN double cx_asin(double x)
{
    double a = cx_abs(x);
    CxPair p = cxm_asin_part(a);
    double inner = p.hi + p.lo;
    CxPair o = cxm_fast_sum(0x1.921fb54442d18p+0, -2.0 * p.hi);
    double outer = o.hi + (o.lo + (0x1.1a62633145c07p-54 - 2.0 * p.lo));
    double r = a > 0.5 ? outer : inner;
    r = a < 0x1p-27 ? a : r;
    r = a > 1.0 ? CXM_NAN : r;
    return x != x ? x : cxm_copysign(r, x);
}

CXM_FN double cx_acos(double x)
{
    double a = cx_abs(x);
    CxPair p = cxm_asin_part(a);
    double k = a > 0.5 ? 2.0 : 1.0;
    double hi = k * p.hi, lo = k * p.lo;
    /* |x| <= 1/2: pi/2 - asin x; x > 1/2: 2 asin …; x < -1/2: pi - 2 asin … */
    double base = a > 0.5 ? (x < 0.0 ? 0x1.921fb54442d18p+1 : 0.0) : 0x1.921fb54442d18p+0;
    double base_lo = a > 0.5 ? (x < 0.0 ? 0x1.1a62633145c07p-53 : 0.0) : 0x1.1a62633145c07p-54;
    double sign = (a > 0.5) == (x < 0.0) ? -1.0 : 1.0;
    CxPair s = cxm_sum(base, sign * hi);
    double r = s.hi + (s.lo + cx_fma(sign, lo, base_lo));
    r = a > 1.0 ? CXM_NAN : r;
    return x != x ? x : r;
}

/* ---- error function ---- */

/* erfc(x) for x in [1/2, 28]: e^(-x^2) q(t) / (1 + 2x) with t = (x - 4) / (x + 4); the smooth
 * factor q is between 1.1 and 1.3 (Shepherd and Laframboise 1981). The result times 2^-k. */
CXM_FN double cxm_erfc_part(double x, double *k)
{
    double t = (x - 4.0) / (x + 4.0);
    double p = 0x1.0dfda8356c02ap-29;
    p = cx_fma(p, t, -0x1.4b9f9f4f16542p-27);
    p = cx_fma(p, t, -0x1.3bd47c8d78956p-26);
    p = cx_fma(p, t, 0x1.bb796a644b068p-24);
    p = cx_fma(p, t, 0x1.43ba3f7063ea8p-24);
    p = cx_fma(p, t, -0x1.b7f7f6721ba0ap-21);
    p = cx_fma(p, t, 0x1.3ac5f5a5c124bp-22);
    p = cx_fma(p, t, 0x1.7ef4cab4caa97p-18);
    p = cx_fma(p, t, -0x1.78897f736b663p-17);
    p = cx_fma(p, t, -0x1.9954da84115cbp-16);
    p = cx_fma(p, t, 0x1.3be05579d16a4p-13);
    p = cx_fma(p, t, -0x1.a1df44dc2b137p-13);
    p = cx_fma(p, t, -0x1.8d4a9b1930f9ep-11);
    p = cx_fma(p, t, 0x1.49c672aa18854p-8);
    p = cx_fma(p, t, -0x1.09623883eaff1p-6);
    p = cx_fma(p, t, 0x1.3079edf61e415p-5);
    p = cx_fma(p, t, -0x1.0fb06dfe4e683p-4);
    p = cx_fma(p, t, 0x1.7fee004e14c52p-4);
    p = cx_fma(p, t, -0x1.9ddb23c3e8df2p-4);
    p = cx_fma(p, t, 0x1.16ecefcfa52b5p-4);
    p = cx_fma(p, t, 0x1.f7f5df66fd76bp-7);
    p = cx_fma(p, t, -0x1.1df1ad154a28ep-3);
    CxPair q = cxm_fast_sum(0x1.3ba5916e9fd7fp+0, p * t);
    CxPair sq = cxm_prod(x, x);
    CxPair e = cxm_expm1_part(-sq.hi, -sq.lo, k);
    CxPair f = cxm_fast_sum(1.0, e.hi);
    f.lo += e.lo;
    CxPair n = cxm_prod(f.hi, q.hi);
    n.lo += cx_fma(f.hi, q.lo, f.lo * q.hi);
    return cxm_div(n, cxm_fast_sum(2.0 * x, 1.0));
}

/* erf(x) - x for |x| <= 1/2. */
CXM_FN double cxm_erf_tail(double x)
{
    double z = x * x;
    double p = 0x1.cac3adf531b41p-27;
    p = cx_fma(p, z, -0x1.5dd2aa62eb12ep-23);
    p = cx_fma(p, z, 0x1.b9d791f41c41fp-20);
    p = cx_fma(p, z, -0x1.f4d2061b0dba6p-17);
    p = cx_fma(p, z, 0x1.f9a325cb67f8fp-14);
    p = cx_fma(p, z, -0x1.c02db3fdba119p-11);
    p = cx_fma(p, z, 0x1.565bcd0e6738ep-8);
    p = cx_fma(p, z, -0x1.b82ce31288b13p-6);
    p = cx_fma(p, z, 0x1.ce2f21a042be2p-4);
    p = cx_fma(p, z, -0x1.812746b0379e7p-2);
    return x * cx_fma(p, z, 0x1.06eba8214db69p-3);
}

CXM_FN double cx_erf(double x)
{
    double k, a = cx_abs(x);
    double c = a < 0.5 ? 0.5 : (a > 6.5 ? 6.5 : a);
    double part = cxm_erfc_part(c, &k), far = 1.0 - cxm_scale(part, k);
    double near = a + cxm_erf_tail(a);
    double r = a < 0.5 ? near : far;
    return x != x ? x : cxm_copysign(r, x);
}

CXM_FN double cx_erfc(double x)
{
    double k, a = cx_abs(x);
    double c = a < 0.5 ? 0.5 : (a > 28.0 ? 28.0 : a);
    double part = cxm_erfc_part(c, &k), far = cxm_scale(part, k);
    double left = 2.0 - far;
    far = x < 0.0 ? left : far;
    CxPair s = cxm_sum(1.0, -x);
    double near = s.hi + (s.lo - cxm_erf_tail(x));
    double r = a < 0.5 ? near : far;
    return x != x ? x : r;
}

#endif
