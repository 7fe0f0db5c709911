/* Loops over the weights and delays of many synapses, compiled once per instruction set; all give the
 * same bits, since lanes are independent and sums are those of whole numbers. */
#include "build.h"

/* Rounds n weights to single precision, in place too. Returns BUILD_ODD where one is no finite number
 * then, and BUILD_NEGATIVE where one is below zero. */
static unsigned isa_weights(size_t n, double *restrict value, float *restrict weight)
{
    uint64_t odd = 0, negative = 0;
    for (size_t k = 0; k < n; k++) {
        float v = (float)value[k];
        double w = v;
        odd |= cx_abs(w) < CXM_INF ? 0 : 1;
        negative |= value[k] < 0.0 ? 1 : 0;
        weight[k] = v;
        value[k] = w;
    }
    return (odd ? BUILD_ODD : 0) | (negative ? BUILD_NEGATIVE : 0);
}

/* Milliseconds to steps to the nearest. False when one is negative, too long or so near to half a step
 * that exact decimals must decide: then `delay` means nothing. */
static bool isa_delays(size_t n, const double *restrict ms, double dt, uint32_t *restrict delay, uint32_t range[2])
{
    const double most = ENGINE_MAX_DELAY;
    uint64_t wrong = 0;
    int32_t min = INT32_MAX, max = 0;
    for (size_t k = 0; k < n; k++) {
        double t = ms[k], x = t / dt, y = x < most ? x : 0.0, z = y > 0.0 ? y : 0.0;
        double whole = cx_trunc(z), rest = z - whole;
        double clear = cx_abs(rest - 0.5) - 1e-9 * (1.0 + z); /* above 0: not near to half a step */
        clear = t >= 0.0 ? clear : -1.0;
        clear = x < most ? clear : -1.0;
        wrong |= clear > 0.0 ? 0 : 1;
        double up = rest > 0.5 ? 1.0 : 0.0;
        delay[k] = (uint32_t)(int32_t)(whole + up);
    }
    for (size_t k = 0; k < n; k++) {
        int32_t d = (int32_t)delay[k];
        min = d < min ? d : min;
        max = d > max ? d : max;
    }
    range[0] = (uint32_t)min;
    range[1] = (uint32_t)max;
    return !wrong;
}

/* Sums of at most BUILD_SUMS numbers in whole multiples of 2^-40, and of their squares in those of
 * 2^-60, both toward zero, as what build.h says of BuildSums. False where one is beyond 2^19. */
static bool isa_sums(size_t n, const double *restrict value, BuildSums *restrict sums)
{
    int64_t high = 0, low = 0, pp = 0, pq = 0, qq = 0;
    uint64_t wild = 0;
    for (size_t k = 0; k < n; k++) wild |= cx_abs(value[k]) <= 524288.0 ? 0 : 1;
    for (size_t k = 0; k < n; k++) {
        double w = value[k], v = cxm_pick(cx_abs(w) <= 524288.0, w, 0.0);
        double y = v * 0x1p40, z = v * 0x1p30;
        int32_t h = (int32_t)(y * 0x1p-30), l = (int32_t)(y - (double)h * 0x1p30);
        int32_t p = (int32_t)(z * 0x1p-25), q = (int32_t)(z - (double)p * 0x1p25);
        high += h;
        low += l;
        pp += (int64_t)p * p;
        pq += (int64_t)p * q;
        qq += (int64_t)q * q;
    }
    *sums = (BuildSums){high, low, pp, pq, qq};
    return !wild;
}

/* The smallest and the largest of n numbers that are no NaN, -0 below 0. */
static void isa_range(size_t n, const double *value, double range[2])
{
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (size_t k = 0; k < n; k++) {
        int64_t b = (int64_t)cxm_bits(value[k]);
        int64_t key = b < 0 ? b ^ INT64_MAX : b;
        min = key < min ? key : min;
        max = key > max ? key : max;
    }
    range[0] = cxm_double((uint64_t)(min < 0 ? min ^ INT64_MAX : min));
    range[1] = cxm_double((uint64_t)(max < 0 ? max ^ INT64_MAX : max));
}

const BuildIsa RNG_PASTE(build_isa_, CX_ISA) = {isa_weights, isa_delays, isa_sums, isa_range};
