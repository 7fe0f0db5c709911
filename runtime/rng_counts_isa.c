/* Laws of counts: binomial, Poisson, hypergeometric. Small ones by inversion of one uniform, large
 * ones by rejection under a hat with constant cost (Hoermann 1993; Stadlober 1989). Probabilities
 * are written by Loader's (2000) saddle-point expansion, which loses no digits for counts up to
 * 2^53. */
#include "rng_lanes.h"

#define LOG_TWO_PI 0x1.d67f1c864beb4p+0

/* log k! minus Stirling's formula for it, k >= 1. */
static double stirling_rest(double k)
{
    static const double small[16] = {0x0p+0,
                                     0x1.4c071bcda0a5bp-4,
                                     0x1.52a9b923ea649p-5,
                                     0x1.c579a268d80b3p-6,
                                     0x1.54a2662fd78a9p-6,
                                     0x1.10b4e513fcbedp-6,
                                     0x1.c6b167bebdf36p-7,
                                     0x1.85d4d612e4a86p-7,
                                     0x1.552805e7b3076p-7,
                                     0x1.2f4871b12ab64p-7,
                                     0x1.10f9d4c0743a7p-7,
                                     0x1.f0593088014f8p-8,
                                     0x1.c7018733aa9c6p-8,
                                     0x1.a40514700f36cp-8,
                                     0x1.86076c002d4a7p-8,
                                     0x1.6c08f6f194a10p-8};
    if (k < 16.0) return small[(int)k];
    double r = 1.0 / k, z = r * r;
    return r *
           (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z * (1.0 / 1680 - z * (1.0 / 1188)))));
}

/* k log(k / mean) + mean - k, for k > 0. */
static double deviance(double k, double mean)
{
    double d = (mean - k) / k;
    return k * (d - cx_log1p(d));
}

static double log_poisson(double k, double mean)
{
    if (k == 0.0) return -mean;
    return -stirling_rest(k) - deviance(k, mean) - 0.5 * (LOG_TWO_PI + cx_log(k));
}

/* p + q = 1, both given because the smaller one is exact. */
static double log_binomial(double k, double n, double p, double q)
{
    if (k == 0.0) return n * (p < 0.5 ? cx_log1p(-p) : cx_log(q));
    if (k == n) return n * (q < 0.5 ? cx_log1p(-q) : cx_log(p));
    double l = n - k;
    return stirling_rest(n) - stirling_rest(k) - stirling_rest(l) - deviance(k, n * p) -
           deviance(l, n * q) - 0.5 * (LOG_TWO_PI + cx_log(k) + cx_log(l / n));
}

static double log_hypergeometric(double k, double good, double bad, double draws)
{
    double all = good + bad, p = draws / all, q = (all - draws) / all;
    return log_binomial(k, good, p, q) + log_binomial(draws - k, bad, p, q) -
           log_binomial(draws, all, p, q);
}

/* A mean up to 10: walk up the cumulative law. Above: transformed rejection (PTRS). */
static double count_poisson(RngAt at, double mean)
{
    RngDraw d = {.at = at};
    uint64_t first, second;
    if (mean != mean || mean == CXM_INF) return mean;
    if (mean <= 0.0) return 0.0;
    if (mean < 10.0) {
        rng_draw_next(&d, &first, &second);
        double u = rng_unit(first), p = cx_exp(-mean), k = 0.0;
        while (u >= p && k < 200.0) {
            u -= p;
            k += 1.0;
            p *= mean / k;
        }
        return k;
    }
    double b = 0.931 + 2.53 * cx_sqrt(mean), a = -0.059 + 0.02483 * b;
    double inv_alpha = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2.0);
    for (;;) {
        rng_draw_next(&d, &first, &second);
        double u = rng_unit(first) - 0.5, v = 1.0 - rng_unit(second), us = 0.5 - cx_abs(u);
        double k = cx_floor((2.0 * a / us + b) * u + mean + 0.43);
        if (us >= 0.07 && v <= squeeze) return k;
        if (!(k >= 0.0) || (us < 0.013 && v > us)) continue;
        if (cx_log(v * inv_alpha / (a / (us * us) + b)) <= log_poisson(k, mean)) return k;
    }
}

/* For p <= 1/2. Few expected successes: walk up the cumulative law; else transformed rejection
 * (BTRS). */
static double binomial_half(RngAt at, double n, double p)
{
    RngDraw d = {.at = at};
    uint64_t first, second;
    double q = 1.0 - p;
    if (n * p < 10.0) {
        rng_draw_next(&d, &first, &second);
        double u = rng_unit(first), r = cx_exp(n * cx_log1p(-p)), k = 0.0, odds = p / q;
        while (u >= r && k < n && k < 200.0) {
            u -= r;
            r *= odds * ((n - k) / (k + 1.0));
            k += 1.0;
        }
        return k;
    }
    double sd = cx_sqrt(n * p * q), b = 1.15 + 2.53 * sd, a = -0.0873 + 0.0248 * b + 0.01 * p;
    double centre = n * p + 0.5, squeeze = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * sd;
    double at_mode = log_binomial(cx_floor((n + 1.0) * p), n, p, q);
    for (;;) {
        rng_draw_next(&d, &first, &second);
        double u = rng_unit(first) - 0.5, v = 1.0 - rng_unit(second), us = 0.5 - cx_abs(u);
        double k = cx_floor((2.0 * a / us + b) * u + centre);
        if (!(k >= 0.0) || k > n) continue;
        if (us >= 0.07 && v <= squeeze) return k;
        if (cx_log(v * alpha / (a / (us * us) + b)) <= log_binomial(k, n, p, q) - at_mode) return k;
    }
}

/* n is rounded down, p clipped to [0, 1]; n up to 2^53. */
static double count_binomial(RngAt at, double n, double p)
{
    if (n != n || p != p) return n + p;
    n = cx_floor(n);
    if (!(n > 0.0) || p <= 0.0) return 0.0;
    if (p >= 1.0) return n;
    return p <= 0.5 ? binomial_half(at, n, p) : n - binomial_half(at, n, 1.0 - p);
}

/* A spread of few counts: inversion from the mode outwards, with the ratio of neighbours. */
static double hypergeometric_walk(RngAt at, double good, double bad, double draws, double mode)
{
    RngDraw d = {.at = at};
    uint64_t first, second;
    rng_draw_next(&d, &first, &second);
    double least = draws > bad ? draws - bad : 0.0, most = draws < good ? draws : good;
    double u = rng_unit(first), up = mode, down = mode;
    double p_up = cx_exp(log_hypergeometric(mode, good, bad, draws)), p_down = p_up;
    if (u < p_up) return mode;
    u -= p_up;
    while (up < most || down > least) {
        if (up < most) {
            p_up *= ((good - up) / (up + 1.0)) * ((draws - up) / (bad - draws + up + 1.0));
            up += 1.0;
            if (u < p_up) return up;
            u -= p_up;
        }
        if (down > least) {
            p_down *= (down / (good - down + 1.0)) * ((bad - draws + down) / (draws - down + 1.0));
            down -= 1.0;
            if (u < p_down) return down;
            u -= p_down;
        }
        if (p_up + p_down < 0x1p-80) break; /* u is what rounding left over */
    }
    return mode;
}

/* Ratio of uniforms with Stadlober's constants, for good <= bad and draws <= half of all. */
static double hypergeometric_ratio(RngAt at, double good, double bad, double draws, double mode,
                                   double sd)
{
    RngDraw d = {.at = at};
    uint64_t first, second;
    double centre = draws * (good / (good + bad)) + 0.5;
    double width = 0x1.b72cd3f331398p+0 * cx_sqrt(sd * sd + 0.5) + 0x1.cc3ebd3bc7118p-1;
    double most = draws < good ? draws : good, at_mode = log_hypergeometric(mode, good, bad, draws);
    for (;;) {
        rng_draw_next(&d, &first, &second);
        double x = 1.0 - rng_unit(first), y = rng_unit(second);
        double k = cx_floor(centre + width * (y - 0.5) / x);
        if (!(k >= 0.0) || k > most) continue;
        if (2.0 * cx_log(x) <= log_hypergeometric(k, good, bad, draws) - at_mode) return k;
    }
}

/* Good ones among `draws` taken without putting back; arguments are rounded down. By symmetry the
 * smaller kind and the smaller part are counted. */
static double count_hypergeometric(RngAt at, double good, double bad, double draws)
{
    if (good != good || bad != bad || draws != draws) return good + bad + draws;
    good = good > 0.0 ? cx_floor(good) : 0.0;
    bad = bad > 0.0 ? cx_floor(bad) : 0.0;
    double all = good + bad, n = draws > 0.0 ? cx_floor(draws) : 0.0;
    if (n >= all) return good;
    if (good == 0.0 || n == 0.0) return 0.0;
    if (bad == 0.0) return n;
    double few = good <= bad ? good : bad, many = all - few, part = n <= all - n ? n : all - n;
    double share = few / all;
    double sd =
        cx_sqrt(part * share * (many / all) * ((all - part) / (all - 1.0 > 0.0 ? all - 1.0 : 1.0)));
    double mode = cx_floor((part + 1.0) * ((few + 1.0) / (all + 2.0)));
    double k = sd < 8.0 ? hypergeometric_walk(at, few, many, part, mode)
                        : hypergeometric_ratio(at, few, many, part, mode, sd);
    if (part != n) k = few - k;
    return good <= bad ? k : n - k;
}

const RngCounts RNG_PASTE(rng_counts_, CX_ISA) = {count_binomial, count_poisson,
                                                  count_hypergeometric};
