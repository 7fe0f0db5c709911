/* The rhythm of a population: where the power spectrum of its number of spikes is highest. */
#include "measure.h"

#include "cxmath.h"

#include <math.h>
#include <string.h>

enum { SEGMENT = 512, HALF = SEGMENT / 2 };

typedef struct Spectrum {
    int64_t begin;          /* first bin of the segment being filled */
    double count[SEGMENT];
    double power[HALF + 1]; /* summed over the segments done */
    double segments;
} Spectrum;

static void *begin(const MeasureAsk *a) { return arena_one(a->arena, Spectrum); }

/* Radix-2 in place: re + i im of SEGMENT points. */
static void transform(double *re, double *im)
{
    for (int i = 1, j = 0; i < SEGMENT; i++) {
        int bit = HALF;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            double x = re[i], y = im[i];
            re[i] = re[j], im[i] = im[j];
            re[j] = x, im[j] = y;
        }
    }
    for (int n = 2; n <= SEGMENT; n *= 2)
        for (int k = 0; k < n / 2; k++) {
            double angle = -2 * M_PI * k / n, c = cx_cos(angle), s = cx_sin(angle);
            for (int at = k; at < SEGMENT; at += n) {
                int to = at + n / 2;
                double x = re[to] * c - im[to] * s, y = re[to] * s + im[to] * c;
                re[to] = re[at] - x, im[to] = im[at] - y;
                re[at] += x, im[at] += y;
            }
        }
}

/* Adds the spectrum of a full segment, freed of its mean, under a Hann window; the next one overlaps by half. */
static void close_segment(Spectrum *p)
{
    double re[SEGMENT], im[SEGMENT] = {0}, mean = 0;
    for (int k = 0; k < SEGMENT; k++) mean += p->count[k] / SEGMENT;
    for (int k = 0; k < SEGMENT; k++) re[k] = (p->count[k] - mean) * (0.5 - 0.5 * cx_cos(2 * M_PI * k / SEGMENT));
    transform(re, im);
    for (int k = 0; k <= HALF; k++) p->power[k] += re[k] * re[k] + im[k] * im[k];
    p->segments++;
    memmove(p->count, p->count + HALF, HALF * sizeof *p->count);
    memset(p->count + HALF, 0, HALF * sizeof *p->count);
    p->begin += HALF;
}

static void spike(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    Spectrum *p = state;
    int64_t bin = measure_bin(a, step);
    (void)side, (void)cell;
    while (bin >= p->begin + SEGMENT) close_segment(p);
    p->count[bin - p->begin]++;
}

static double result(void *state, const MeasureAsk *a, const char **why)
{
    Spectrum *p = state;
    double mean = 0;
    int best = 2;
    if (measure_bins(a) < SEGMENT) return measure_none(why, "its window is shorter than 512 bins");
    while (measure_bins(a) >= p->begin + SEGMENT) close_segment(p);
    for (int k = 2; k < HALF; k++) {
        mean += p->power[k] / (HALF - 2);
        if (p->power[k] > p->power[best]) best = k;
    }
    if (!(mean > 0)) return measure_none(why, "no spikes");
    if (p->power[best] < mean * (1 + 8 / sqrt(p->segments))) return measure_none(why, "no rhythm stands out");
    double l = p->power[best - 1], m = p->power[best], r = p->power[best + 1], bend = l - 2 * m + r;
    double shift = bend < 0 ? 0.5 * (l - r) / bend : 0; /* the top of the parabola through three points */
    shift = shift > 0.5 ? 0.5 : shift < -0.5 ? -0.5 : shift;
    return (best + shift) / (SEGMENT * decimal_time(a->width, a->dt)) * 1000;
}

const Measure measure_peak_frequency = {
    .def = {.name = "peak_frequency", .doc = "frequency at which the power spectrum of the number of spikes of all selected neurons together in bins of `bin` is highest: Welch's "
                                             "method with segments of 512 bins that overlap by half, without their mean, under a Hann window, the top found by a parabola; none "
                                             "where the highest power is below (1 + 8/sqrt(segments)) times the mean power",
            .source = "Welch (1967), IEEE Trans. Audio Electroacoust. 15:70", .example = "expect peak_frequency(E, bin = 1 ms) in [30 Hz, 80 Hz]", .unit = MEASURE_RATE, .sides = 1,
            .width = "bin", .width_ms = 1},
    .begin = begin, .spike = spike, .result = result};
