/* Continuous laws, compiled once per instruction set (their bits do not differ, fma is just
 * faster). A law gives candidates; `restricted` draws them until one lies within the bounds. */
#include "rng_lanes.h"

/* One candidate. The mean is > 0 but for the normal. */
typedef double Candidate(RngDraw *d, double a, double b);

static double candidate_normal(RngDraw *d, double mean, double sd)
{
    return mean + sd * rng_bell(rng_draw_word(d));
}

static double candidate_lognormal(RngDraw *d, double mean, double sd)
{
    double ratio = sd / mean, var = cx_log1p(ratio * ratio);
    return mean * cx_exp(candidate_normal(d, -0.5 * var, cx_sqrt(var)));
}

static double candidate_exponential(RngDraw *d, double mean, double unused)
{
    (void)unused;
    return -mean * cx_log(1.0 - rng_unit(rng_draw_word(d)));
}

/* Marsaglia and Tsang (2000). A try takes two blocks: the normal; the acceptance and, for a shape
 * below 1, the power that brings shape + 1 down to it. The logarithm of the ratio is written with
 * log1p so that it holds for any shape. */
static double candidate_gamma(RngDraw *d, double mean, double sd)
{
    double root = mean / sd, shape = root * root;
    if (shape > 1e30) return candidate_normal(d, mean, sd); /* no double tells them apart */
    double s = shape < 1.0 ? shape + 1.0 : shape;
    double t = s - 1.0 / 3.0, c = 1.0 / cx_sqrt(9.0 * t);
    for (;;) {
        uint64_t first, second;
        double z = candidate_normal(d, 0.0, 1.0), y = c * z;
        rng_draw_next(d, &first, &second);
        double u = 1.0 - rng_unit(first), w = 1.0 - rng_unit(second);
        if (y <= -1.0) continue;
        double rest = 3.0 * (cx_log1p(y) - y) - y * y * (3.0 + y);
        if (cx_log(u) > 0.5 * z * z + t * rest) continue;
        double x = t * (1.0 + y) * (1.0 + y) * (1.0 + y);
        if (shape < 1.0) x *= cx_exp(cx_log(w) / shape);
        return x * (mean / shape);
    }
}

static double clip(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* The law restricted to [lo, hi] by drawing again; after RNG_ATTEMPTS blocks the last one is
 * clipped. A spread of 0 gives the mean. Laws of positive variables are mirrored for a negative
 * mean. */
static double restricted(RngAt at, Candidate *law, bool positive, double mean, double sd, double lo,
                         double hi)
{
    if (mean != mean || sd != sd) return mean + sd;
    if (sd == 0.0 || (positive && mean == 0.0)) return clip(mean, lo, hi);
    RngDraw d = {.at = at};
    double sign = positive && mean < 0.0 ? -1.0 : 1.0, x;
    do {
        x = sign * law(&d, sign * mean, sd);
        if (x >= lo && x <= hi) return x;
    } while (d.attempt < RNG_ATTEMPTS && lo <= hi);
    return clip(x, lo, hi);
}

static double law_normal(RngAt at, double mean, double sd, double lo, double hi)
{
    return restricted(at, candidate_normal, false, mean, sd, lo, hi);
}

static double law_lognormal(RngAt at, double mean, double sd, double lo, double hi)
{
    return restricted(at, candidate_lognormal, true, mean, sd, lo, hi);
}

static double law_exponential(RngAt at, double mean, double lo, double hi)
{
    return restricted(at, candidate_exponential, true, mean, mean, lo, hi);
}

static double law_gamma(RngAt at, double mean, double sd, double lo, double hi)
{
    at.paired = false;
    return restricted(at, candidate_gamma, true, mean, sd, lo, hi);
}

const RngLaws RNG_PASTE(rng_laws_, CX_ISA) = {law_normal, law_lognormal, law_exponential,
                                              law_gamma};
