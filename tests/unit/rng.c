/* The random numbers: Philox against its reference implementation, scalar against vector, one
 * instruction set against another, and every law against its exact distribution. Seeds are fixed,
 * so the statistics are constants; the thresholds are those of about five standard deviations. */
#include "rng.h"

#include <Random123/philox.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rng_lanes.h"

enum { N = 100000 };
static double sample[N];

static RngAt at(uint32_t i)
{
    return (RngAt){.key = rng_key(42, "test"), .c0 = i, .c2 = 17};
}

/* ---- statistics ---- */
static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov: sqrt(n) times the largest distance; 2.7 is passed once in a million. */
static void check_cdf(const char *what, double (*cdf)(double, const double *), const double *par)
{
    qsort(sample, N, sizeof *sample, ascending);
    double worst = 0;
    for (int i = 0; i < N; i++) {
        double f = cdf(sample[i], par);
        worst = fmax(worst, fmax(f - i / (double)N, (i + 1) / (double)N - f));
    }
    cr_expect_lt(worst * sqrt(N), 2.7, "%s: KS %.3f", what, worst * sqrt(N));
}

/* Chi-square of counts in `sample` against a law on 0 … top, cells of less than 10 expected joined.
 */
static void check_law(const char *what, double (*log_pmf)(double, const double *),
                      const double *par, int top)
{
    int *seen = calloc((size_t)top + 2, sizeof *seen);
    for (int i = 0; i < N; i++) {
        cr_assert(sample[i] >= 0 && sample[i] == floor(sample[i]), "%s gave %g", what, sample[i]);
        seen[sample[i] > top ? top + 1 : (int)sample[i]]++;
    }
    double chi = 0, expected = 0, observed = 0, all = 0;
    int cells = 0;
    for (int k = 0; k <= top + 1; k++) {
        double p = k <= top ? exp(log_pmf(k, par)) : fmax(0, 1 - all);
        all += k <= top ? p : 0;
        expected += N * p;
        observed += seen[k];
        double left = N * (1 - all);
        if ((expected >= 10 && left >= 10) || k == top + 1) {
            if (expected > 1e-3)
                chi += (observed - expected) * (observed - expected) / expected, cells++;
            else
                cr_expect_eq(observed, 0, "%s: impossible values", what);
            expected = observed = 0;
        }
    }
    double limit = cells + 5 * sqrt(2.0 * cells) + 10;
    cr_expect_lt(chi, limit, "%s: chi-square %.1f over %d cells", what, chi, cells);
    free(seen);
}

static void check_moments(const char *what, double mean, double sd)
{
    double s = 0, v = 0;
    for (int i = 0; i < N; i++)
        s += sample[i] - mean;
    for (int i = 0; i < N; i++)
        v += (sample[i] - mean) * (sample[i] - mean);
    cr_expect_lt(fabs(s / N), 5 * sd / sqrt(N), "%s: mean off by %g of %g", what, s / N, sd);
    cr_expect_float_eq(sqrt(v / N), sd, 0.02 * sd, "%s: sd %g, want %g", what, sqrt(v / N), sd);
}

/* ---- blocks and keys ---- */
Test(rng, follows_the_reference_philox)
{
    uint64_t key = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t ctr[4] = {i * 0x9e3779b9u, i, ~i * 77, i << 20}, got[4];
        key = rng_key(key, "x");
        philox4x32_ctr_t c = {{ctr[0], ctr[1], ctr[2], ctr[3]}};
        philox4x32_key_t k = {{(uint32_t)key, (uint32_t)(key >> 32)}};
        philox4x32_ctr_t want = philox4x32(c, k);
        rng_block(key, ctr, got);
        for (int w = 0; w < 4; w++)
            cr_assert_eq(got[w], want.v[w]);
    }
    /* known answers of the paper's authors */
    uint32_t out[4], zero[4] = {0}, ones[4] = {~0u, ~0u, ~0u, ~0u};
    uint32_t pi[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    rng_block(0, zero, out);
    cr_expect(out[0] == 0x6627e8d5 && out[1] == 0xe169c58d && out[2] == 0xbc57ac4c &&
              out[3] == 0x9b00dbd8);
    rng_block(~0ull, ones, out);
    cr_expect(out[0] == 0x408f276d && out[1] == 0x41c83b0e && out[2] == 0xa20bc7c6 &&
              out[3] == 0x6d5451fd);
    rng_block(0x299f31d0a4093822, pi, out);
    cr_expect(out[0] == 0xd16cfe09 && out[1] == 0x94fdcceb && out[2] == 0x5001e420 &&
              out[3] == 0x24126ea1);
}

Test(rng, keys_depend_on_every_bit_of_seed_and_name)
{
    uint64_t base = rng_key(1, "L4.e");
    cr_expect_eq(base, rng_key(1, "L4.e"));
    double flips = 0;
    for (int b = 0; b < 64; b++)
        flips += __builtin_popcountll(base ^ rng_key(1 ^ (1ull << b), "L4.e"));
    cr_expect_float_eq(flips / 64, 32, 2.5);
    const char *names[] = {"", "a", "b", "aa", "ab", "ba", "L4.i", "L4.e ", "L5.e"};
    for (int i = 0; i < 9; i++) {
        cr_expect_neq(base, rng_key(1, names[i]));
        for (int j = 0; j < i; j++)
            cr_expect_neq(rng_key(1, names[i]), rng_key(1, names[j]));
    }
    /* the first draws over seeds are themselves uniform */
    for (int i = 0; i < N; i++)
        sample[i] = rng_uniform((RngAt){.key = rng_key((uint64_t)i, "population")});
    check_moments("first draws over seeds", 0.5, sqrt(1 / 12.0));
}

/* ---- vector against scalar ---- */
Test(rng, ranges_equal_single_draws)
{
    static double u[3000], z[3000];
    uint64_t key = rng_key(3, "range");
    const int64_t steps[] = {0, 1, 0xffffffff, 0x123456789a};
    const int sizes[] = {0, 1, 2, 7, 255, 256, 257, 1000, 3000};
    for (int s = 0; s < 4; s++)
        for (int k = 0; k < 9; k++) {
            uint32_t lo = (uint32_t)(k * 37 + s);
            int n = sizes[k];
            rng_uniform_range(key, lo, steps[s], n, u);
            rng_normal_range(key, lo, steps[s], n, z);
            for (int i = 0; i < n; i++) {
                RngAt a = {key, lo + (uint32_t)i, 0, (uint32_t)steps[s],
                           (uint32_t)(steps[s] >> 32), true};
                double want = rng_normal(a, 0, 1, -INFINITY, INFINITY), w = rng_uniform(a);
                cr_assert(!memcmp(&w, &u[i], sizeof w) && !memcmp(&want, &z[i], sizeof want));
            }
        }
}

/* Two draws for a pair that is joined twice differ, and a block of synapses is what its lanes are one by one. */
Test(rng, synapses_one_by_one)
{
    enum { MOST = 600 };
    static uint32_t src[MOST], tgt[MOST], mult[MOST];
    static double u[MOST], z[MOST];
    uint64_t key = rng_key(9, "synapses");
    for (uint32_t k = 0; k < MOST; k++) {
        src[k] = k * 2654435761u;
        tgt[k] = k / 3;
        mult[k] = k % 5;
    }
    for (int n = 1; n <= MOST; n += n < 40 ? 1 : 37)
        for (int with = 0; with < 2; with++) {
            rng_uniform_synapses(key, (RngSynapses){src, tgt, with ? mult : NULL}, n, u);
            rng_normal_synapses(key, (RngSynapses){src, tgt, with ? mult : NULL}, n, z);
            for (int k = 0; k < n; k++) {
                RngAt a = {key, src[k], tgt[k], with ? mult[k] : 0, 0, false};
                double normal = rng_normal(a, 0, 1, -INFINITY, INFINITY), uniform = rng_uniform(a);
                cr_assert(!memcmp(&uniform, &u[k], sizeof uniform) && !memcmp(&normal, &z[k], sizeof normal));
            }
        }
}

Test(rng, poissons_of_many_means_equal_single_draws)
{
    enum { MOST = 1500 };
    static double mean[MOST];
    static uint32_t out[MOST];
    const int64_t step = 0x123456789a;
    for (uint32_t i = 0; i < MOST; i++)
        mean[i] = i % 7 == 0 ? 0 : pow(10, -4 + 5.5 * rng_uniform(at(i)));
    for (int n = 1; n <= MOST; n += n < 40 ? 1 : 97) {
        cr_assert_eq(rng_poisson_means(11, 3, step, n, mean, out), n);
        for (int i = 0; i < n; i++) {
            RngAt a = {11, 3 + (uint32_t)i, 0, (uint32_t)step, (uint32_t)(step >> 32), false};
            cr_assert_eq(out[i], rng_poisson(a, mean[i]), "mean %g", mean[i]);
        }
    }
    mean[1000] = NAN;
    cr_expect_eq(rng_poisson_means(11, 3, step, MOST, mean, out), 1000);
    mean[20] = 2e9;
    mean[11] = -1;
    cr_expect_eq(rng_poisson_means(11, 3, step, MOST, mean, out), 11);
}

/* Every word of a line's blocks in order but for those that would bias: one by one, in pieces of any length. */
Test(rng, lines_one_by_one)
{
    enum { MOST = 3000 };
    static uint32_t all[MOST];
    const uint32_t below[] = {1, 3, 20683, 0xc0000000u, 0xffffffffu};
    uint64_t key = rng_key(10, "lines");
    for (uint32_t c = 0; c < 5; c++)
        for (uint32_t piece = 1; piece < 700; piece += 1 + piece / 2) {
            RngLine line;
            uint32_t n = below[c], uneven = -n % n, block[4], got = 0;
            rng_line_start(&line, key, 77 + c, n);
            for (uint32_t k = 0; k < MOST; k += piece) rng_line_below(&line, MOST - k < piece ? MOST - k : piece, all + k);
            for (uint32_t k = 0; got < MOST; k++) {
                if (k % 4 == 0) rng_block(key, (uint32_t[4]){77 + c, k / 4, 0, 0}, block);
                uint64_t product = (uint64_t)block[k % 4] * n;
                if ((uint32_t)product < uneven) continue;
                cr_assert_eq(all[got], product >> 32, "number %u below %u in pieces of %u", got, n, piece);
                got++;
            }
        }
}

Test(rng, gaps_one_by_one)
{
    uint64_t key = rng_key(11, "gaps");
    double gap[256], scale = 1 / cx_log1p(-0.03);
    for (int n = 1; n <= 256; n += 1 + n / 3) {
        rng_line_gaps(key, 5, 0xfffffff0u, n, scale, gap);
        for (int k = 0; k < n; k++) {
            double u = rng_uniform((RngAt){.key = key, .c0 = 5, .c1 = 0xfffffff0u + (uint32_t)k});
            cr_assert_eq(gap[k], 1 + floor(cx_log(1 - u) * scale));
        }
    }
}

Test(rng, instruction_sets_agree)
{
    const RngKernels *kernels[] = {&rng_kernels_base, &rng_kernels_avx2, &rng_kernels_avx512};
    const RngLaws *laws[] = {&rng_laws_base, &rng_laws_avx2, &rng_laws_avx512};
    const RngCounts *counts[] = {&rng_counts_base, &rng_counts_avx2, &rng_counts_avx512};
    bool has[] = {true, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"),
                  __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")};
    uint64_t word[2][2 * RNG_SLICE];
    static double u[2][RNG_SLICE], z[2][RNG_SLICE], acc[2][2][RNG_SLICE];
    uint16_t c[2][RNG_SLICE];
    double mean[RNG_SLICE];
    uint32_t up[RNG_SLICE], down[RNG_SLICE], many[2][RNG_SLICE] = {{0}};
    for (uint32_t k = 0; k < RNG_SLICE; k++) {
        mean[k] = 11 * rng_uniform(at(k));
        up[k] = k * k;
        down[k] = ~k;
    }
    for (int isa = 1; isa < 3; isa++) {
        if (!has[isa]) continue;
        for (int round = 0; round < 50; round++) {
            RngPoisson *p = rng_poisson_new(0.3 * round);
            bool open[2];
            for (int k = 0; k < 2; k++) {
                const RngKernels *f = kernels[k * isa];
                f->words(rng_key(5, "isa"), 0xfffffff0u, 1, (uint32_t)round, 3, RNG_SLICE, word[k]);
                if (round % 2) f->scattered(rng_key(6, "isa"), up, down, up, (uint32_t)round << 16, RNG_SLICE, word[k]);
                if (round % 3) f->line(rng_key(7, "isa"), (uint32_t)round, 0xfffffff0u, RNG_SLICE, word[k]);
                f->uniforms(RNG_SLICE, word[k], u[k]);
                f->normals(RNG_SLICE, word[k], z[k]);
                memcpy(c[k], word[k] + RNG_SLICE, sizeof c[k]);
                open[k] = f->counts(p, RNG_SLICE, c[k]);
                f->poissons(RNG_SLICE - round, word[k], mean, many[k]);
                f->add(RNG_SLICE - round, c[k], NULL, 0.3, acc[k][0]);
                f->add(RNG_SLICE - round, c[k], z[k], 0.3, acc[k][1]);
            }
            cr_assert(!memcmp(word[0], word[1], sizeof word[0]) && open[0] == open[1]);
            cr_assert(!memcmp(u[0], u[1], sizeof u[0]) && !memcmp(z[0], z[1], sizeof z[0]));
            cr_assert(!memcmp(many[0], many[1], sizeof many[0]));
            cr_assert(!memcmp(c[0], c[1], sizeof c[0]) && !memcmp(acc[0], acc[1], sizeof acc[0]));
            rng_poisson_free(p);
        }
        for (uint32_t i = 0; i < 2000; i++) {
            double a[7], b[7];
            for (int k = 0; k < 2; k++) {
                const RngLaws *l = laws[k * isa];
                const RngCounts *n = counts[k * isa];
                double *out = k ? b : a;
                out[0] = l->normal(at(i), 1, 2, 0, 5);
                out[1] = l->lognormal(at(i), 1, 2, 0, 5);
                out[2] = l->exponential(at(i), 1, 0, 5);
                out[3] = l->gamma(at(i), 1, 2, 0, 5);
                out[4] = n->binomial(at(i), 1000, 0.3);
                out[5] = n->poisson(at(i), i * 0.1);
                out[6] = n->hypergeometric(at(i), 1000, 3000, i);
            }
            cr_assert(!memcmp(a, b, sizeof a));
        }
    }
}

/* ---- continuous laws ---- */
static double phi(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static double cdf_uniform(double x, const double *p)
{
    (void)p;
    return x;
}

static double cdf_normal(double x, const double *p) /* mean sd lo hi */
{
    double a = phi((p[2] - p[0]) / p[1]), b = phi((p[3] - p[0]) / p[1]);
    return (phi((x - p[0]) / p[1]) - a) / (b - a);
}

static double cdf_lognormal(double x, const double *p)
{
    double v = log1p(p[1] / p[0] * p[1] / p[0]);
    return phi((log(x / p[0]) + v / 2) / sqrt(v));
}

static double cdf_exponential(double x, const double *p)
{
    return -expm1(-x / p[0]);
}

/* The incomplete gamma function: series below shape + 1, continued fraction above. */
static double cdf_gamma(double x, const double *p)
{
    double a = p[0] / p[1] * p[0] / p[1];
    x = x / p[0] * a;
    if (x <= 0) return 0;
    double front = exp(a * log(x) - x - lgamma(a));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (int k = 1; k < 200000 && term > sum * 1e-15; k++)
            sum += term *= x / (a + k);
        return front * sum;
    }
    double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
    for (int i = 1; i < 200000; i++) {
        double an = -(double)i * (i - a), del;
        b += 2;
        d = 1 / (an * d + b);
        c = b + an / c;
        h *= del = d * c;
        if (fabs(del - 1) < 1e-14) break;
    }
    return 1 - front * h;
}

Test(rng, uniforms_are_uniform_and_independent)
{
    for (uint32_t i = 0; i < N; i++)
        sample[i] = rng_uniform(at(i));
    check_moments("uniform", 0.5, sqrt(1 / 12.0));
    double neighbour = 0, step = 0, attempt = 0;
    for (uint32_t i = 0; i < N; i++) {
        RngAt a = at(i), b = a, c = a;
        b.c2++;
        c.c3 += 1u << 16;
        double u = rng_uniform(a) - 0.5;
        neighbour += u * (rng_uniform(at(i + 1)) - 0.5);
        step += u * (rng_uniform(b) - 0.5);
        attempt += u * (rng_uniform(c) - 0.5);
    }
    double limit = 5 * sqrt(N) / 12;
    cr_expect(fabs(neighbour) < limit && fabs(step) < limit && fabs(attempt) < limit,
              "%g %g %g of %g", neighbour, step, attempt, limit);
    check_cdf("uniform", cdf_uniform, NULL);
    cr_expect(sample[0] >= 0 && sample[N - 1] < 1);
}

Test(rng, normal_follows_its_law)
{
    const double all[] = {-65, 5, -INFINITY, INFINITY}, some[] = {0.0, 1, -0.5, 2},
                 tail[] = {0, 1, 2.5, 9};
    for (uint32_t i = 0; i < N; i++)
        sample[i] = rng_normal(at(i), -65, 5, -INFINITY, INFINITY);
    check_moments("normal", -65, 5);
    double product = 0;
    for (int i = 1; i < N; i++)
        product += (sample[i] + 65) * (sample[i - 1] + 65) / 25;
    cr_expect_lt(fabs(product), 5 * sqrt(N));
    check_cdf("normal", cdf_normal, all);
    for (uint32_t i = 0; i < N; i++)
        sample[i] = rng_normal(at(i), 0, 1, -0.5, 2);
    check_cdf("normal in [-0.5, 2]", cdf_normal, some);
    cr_expect(sample[0] >= -0.5 && sample[N - 1] <= 2);
    for (uint32_t i = 0; i < N; i++)
        sample[i] = rng_normal(at(i), 0, 1, 2.5, 9);
    check_cdf("tail of the normal", cdf_normal, tail);
}

/* The error of z is that of its probability, in arithmetic of 64 bits, over the density. */
Test(rng, normal_is_the_quantile_to_14_digits)
{
    double worst = 0, last = -9;
    for (uint64_t k = 0; k < 400000; k++) {
        uint64_t w = k < 200000 ? k * (1ull << 45) / 200000 << 18 : ~((400000 - k) * (1ull << 45) / 200000 << 18);
        if (k % 4 == 1) w = 1ull << (k / 4 % 64);
        long double half = ((w >> 12) + 0.5L) * 0x1p-52L, p = half < 0.5L ? half : 1 - half;
        double z = rng_bell(w), x = fabs(z);
        long double off = (erfcl(x / sqrtl(2)) / 2 - p) / (expl(-(long double)x * x / 2) / sqrtl(2 * acosl(-1)));
        cr_assert((z < 0) == (half < 0.5L));
        worst = fmax(worst, fabs((double)off) / x);
        if (k % 4 == 1) continue;
        cr_assert_geq(z, last, "not ascending at %lx", (unsigned long)w);
        last = z;
    }
    cr_expect_lt(worst, 1.2e-14, "relative error %g", worst);
    cr_expect_float_eq(rng_bell(0), -8.209536151601387, 1e-14);
    cr_expect_eq(rng_bell(~0ull), -rng_bell(0));
}

/* Many at once: moments, and how many lie beyond 1, 2, … standard deviations. */
Test(rng, normals_of_neurons_have_the_right_moments_and_tails)
{
    enum { STEPS = 100 };
    double moment[5] = {0}, all = (double)N * STEPS;
    int64_t beyond[7][2] = {{0}};
    for (int step = 0; step < STEPS; step++) {
        rng_normal_range(rng_key(4, "many"), 7, step, N, sample);
        for (int i = 0; i < N; i++) {
            double x = sample[i], power = 1;
            for (int m = 1; m < 5; m++)
                moment[m] += power *= x;
            for (int k = 1; k < 7 && fabs(x) > k; k++)
                beyond[k][x > 0]++;
        }
    }
    const double want[] = {0, 0, 1, 0, 3}, spread[] = {0, 1, 2, 15, 96}; /* variances of the powers */
    for (int m = 1; m < 5; m++)
        cr_expect_lt(fabs(moment[m] / all - want[m]), 5 * sqrt(spread[m] / all), "moment %d: %g", m, moment[m] / all);
    for (int k = 1; k < 7; k++)
        for (int side = 0; side < 2; side++) {
            double mean = all * phi(-k);
            cr_expect_lt(fabs((double)beyond[k][side] - mean), 5 * sqrt(mean) + 1, "beyond %d: %ld of %g", k,
                         (long)beyond[k][side], mean);
        }
}

Test(rng, other_continuous_laws_hold)
{
    const double par[][2] = {{2, 0.5}, {2, 5}, {1, 1}, {80, 8}, {1e-3, 3e-3}, {5, 0.01}};
    for (int k = 0; k < 6; k++) {
        for (uint32_t i = 0; i < N; i++)
            sample[i] = rng_lognormal(at(i), par[k][0], par[k][1], 0, INFINITY);
        check_cdf("lognormal", cdf_lognormal, par[k]);
        for (uint32_t i = 0; i < N; i++)
            sample[i] = rng_gamma(at(i), par[k][0], par[k][1], 0, INFINITY);
        if (par[k][1] < 2 * par[k][0]) check_moments("gamma", par[k][0], par[k][1]);
        check_cdf("gamma", cdf_gamma, par[k]);
    }
    for (uint32_t i = 0; i < N; i++)
        sample[i] = rng_exponential(at(i), 3, 0, INFINITY);
    check_moments("exponential", 3, 3);
    check_cdf("exponential", cdf_exponential, (double[]){3});
    for (uint32_t i = 0; i < N; i++) {
        double x = rng_gamma(at(i), -80, 8, -90, -75);
        cr_assert(x >= -90 && x <= -75);
        cr_assert_eq(rng_gamma(at(i), -80, 8, -INFINITY, INFINITY),
                     -rng_gamma(at(i), 80, 8, 0, INFINITY));
    }
}

Test(rng, degenerate_laws_give_what_they_must)
{
    cr_expect_eq(rng_normal(at(1), 3, 0, -INFINITY, INFINITY), 3);
    cr_expect_eq(rng_lognormal(at(1), 3, 0, 0, INFINITY), 3);
    cr_expect_eq(rng_gamma(at(1), 3, 0, 0, INFINITY), 3);
    cr_expect_eq(rng_exponential(at(1), 0, 0, INFINITY), 0);
    cr_expect_eq(rng_normal(at(1), 0, 1, 50, 60), 50, "an unreachable interval is clipped to");
    cr_expect_eq(rng_normal(at(1), 0, 1, -60, -50), -50);
    cr_expect(isnan(rng_normal(at(1), NAN, 1, 0, 1)) && isnan(rng_gamma(at(1), 1, NAN, 0, 1)));
    cr_expect(rng_poisson(at(1), 0) == 0 && rng_poisson(at(1), -1) == 0 &&
              isnan(rng_poisson(at(1), NAN)));
    cr_expect(rng_binomial(at(1), 10, 0) == 0 && rng_binomial(at(1), 10, 1) == 10 &&
              rng_binomial(at(1), 0, 0.5) == 0);
    cr_expect(rng_hypergeometric(at(1), 5, 7, 12) == 5 && rng_hypergeometric(at(1), 5, 0, 3) == 3);
    cr_expect(rng_hypergeometric(at(1), 0, 7, 3) == 0 && rng_hypergeometric(at(1), 5, 7, 0) == 0);
    cr_expect_eq(rng_below(at(1), 1), 0);
}

/* ---- counts ---- */
static double log_poisson(double k, const double *p)
{
    return k * log(p[0]) - p[0] - lgamma(k + 1);
}

static double log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

static double log_binomial(double k, const double *p) /* n p */
{
    return k > p[0] ? -INFINITY : log_choose(p[0], k) + k * log(p[1]) + (p[0] - k) * log1p(-p[1]);
}

static double log_hypergeometric(double k, const double *p) /* good bad draws */
{
    if (k > p[0] || k > p[2] || p[2] - k > p[1]) return -INFINITY;
    return log_choose(p[0], k) + log_choose(p[1], p[2] - k) - log_choose(p[0] + p[1], p[2]);
}

Test(rng, poisson_follows_its_law)
{
    const double means[] = {0.01, 0.3, 1.6, 5, 9.99, 10, 11, 30, 150, 2000};
    for (int k = 0; k < 10; k++) {
        for (uint32_t i = 0; i < N; i++)
            sample[i] = rng_poisson(at(i), means[k]);
        check_law("poisson", log_poisson, &means[k], (int)(means[k] + 8 * sqrt(means[k]) + 8));
    }
    for (uint32_t i = 0; i < N; i++)
        sample[i] = rng_poisson(at(i), 1e14);
    check_moments("poisson of a large mean", 1e14, 1e7);
}

Test(rng, binomial_follows_its_law)
{
    const double par[][2] = {{1, 0.3},   {10, 0.5}, {10, 0.93},  {1000, 0.002}, {1000, 0.4},
                             {50, 0.25}, {60, 0.9}, {1e9, 5e-9}, {1e9, 1e-7},   {30000, 0.5}};
    for (int k = 0; k < 10; k++) {
        for (uint32_t i = 0; i < N; i++)
            sample[i] = rng_binomial(at(i), par[k][0], par[k][1]);
        double mean = par[k][0] * par[k][1];
        check_law("binomial", log_binomial, par[k],
                  (int)fmin(par[k][0], mean + 8 * sqrt(mean) + 8));
    }
    for (uint32_t i = 0; i < N; i++)
        sample[i] = rng_binomial(at(i), 0x1p53, 0.37);
    check_moments("binomial of 2^53", 0x1p53 * 0.37, sqrt(0x1p53 * 0.37 * 0.63));
}

static double log_few(double k, const double *p) /* a Poisson law restricted to 2 … 6 */
{
    double all = 0;
    for (int j = 2; j <= 6; j++) all += exp(log_poisson(j, p));
    return k < 2 || k > 6 ? -INFINITY : log_poisson(k, p) - log(all);
}

static double log_many(double k, const double *p) /* a binomial one to 38 … 60 */
{
    double all = 0;
    for (int j = 38; j <= 60; j++) all += exp(log_binomial(j, p));
    return k < 38 || k > 60 ? -INFINITY : log_binomial(k, p) - log(all);
}

Test(rng, counts_keep_within_their_bounds)
{
    const double mean[] = {1.3}, par[] = {60, 0.6};
    for (uint32_t i = 0; i < N; i++) sample[i] = rng_poisson_within(at(i), 1.3, 1.5, 6);
    check_law("poisson from 1.5 to 6", log_few, mean, 8);
    for (uint32_t i = 0; i < N; i++) sample[i] = rng_binomial_within(at(i), 60, 0.6, 38, INFINITY);
    check_law("binomial from 38 on", log_many, par, 60);
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert_eq(rng_poisson_within(at(i), 40, -INFINITY, INFINITY), rng_poisson(at(i), 40));
        cr_assert_eq(rng_binomial_within(at(i), 90, 0.4, 0, 90), rng_binomial(at(i), 90, 0.4));
    }
    cr_expect_eq(rng_poisson_within(at(1), 1, 200.5, INFINITY), 201, "an unreachable interval is clipped to");
    cr_expect_eq(rng_binomial_within(at(1), 10, 1, 0, 3.5), 3);
    cr_expect(isnan(rng_poisson_within(at(1), NAN, 0, 1)));
}

Test(rng, hypergeometric_follows_its_law)
{
    const double par[][3] = {
        {5, 7, 4},          {7, 5, 9},          {1, 1000, 500},  {50, 50, 50},
        {1000, 3000, 400},  {3000, 1000, 3500}, {1e6, 3e6, 2e3}, {500, 100000, 90000},
        {2000, 2000, 2000}, {30, 1e9, 1e8}};
    for (int k = 0; k < 10; k++) {
        const double *p = par[k];
        for (uint32_t i = 0; i < N; i++)
            sample[i] = rng_hypergeometric(at(i), p[0], p[1], p[2]);
        check_law("hypergeometric", log_hypergeometric, p, (int)fmin(p[0], p[2]));
    }
    double g = 1e12, b = 3e12, n = 2e12, all = g + b;
    for (uint32_t i = 0; i < N; i++)
        sample[i] = rng_hypergeometric(at(i), g, b, n);
    check_moments("hypergeometric of 10^12", n * g / all,
                  sqrt(n * (g / all) * (b / all) * (all - n) / (all - 1)));
}

static double log_equal(double k, const double *p)
{
    return k < p[0] ? -log(p[0]) : -INFINITY;
}

Test(rng, below_is_even)
{
    const double n[] = {2, 7, 100, 1000};
    for (int k = 0; k < 4; k++) {
        for (uint32_t i = 0; i < N; i++)
            sample[i] = rng_below(at(i), (uint32_t)n[k]);
        check_law("below", log_equal, &n[k], (int)n[k]);
    }
    for (uint32_t i = 0; i < N; i++)
        sample[i] = rng_below(at(i), 3000000000u);
    check_moments("below 3e9", 1.5e9, 3e9 / sqrt(12));
}

/* ---- trains ---- */
Test(rng, trains_follow_the_poisson_law)
{
    static uint32_t out[N];
    const double means[] = {0, 1e-3, 0.03, 0.0625, 0.07, 0.2, 1.6, 8, 24, 64, 64.5, 100};
    for (int k = 0; k < 12; k++) {
        RngPoisson *p = rng_poisson_new(means[k]);
        rng_poisson_range(p, rng_key(9, "train"), 5, 3, N, out);
        for (int i = 0; i < N; i++)
            sample[i] = out[i];
        if (k)
            check_law("train", log_poisson, &means[k], (int)(means[k] + 8 * sqrt(means[k]) + 8));
        else
            for (int i = 0; i < N; i++)
                cr_assert_eq(out[i], 0);
        double product = 0;
        for (int i = 1; i < N; i++)
            product += (sample[i] - means[k]) * (sample[i - 1] - means[k]);
        cr_expect(fabs(product) <= 5 * means[k] * sqrt(N), "neighbours are correlated");
        rng_poisson_free(p);
    }
}

Test(rng, trains_do_not_depend_on_how_they_are_cut)
{
    static uint32_t all[2000], part[2000];
    static double acc[2000], weight[2000];
    const double means[] = {0.01, 1.6, 40, 70};
    for (uint32_t i = 0; i < 2000; i++)
        weight[i] = rng_uniform(at(i));
    for (int k = 0; k < 4; k++) {
        RngPoisson *p = rng_poisson_new(means[k]);
        rng_poisson_range(p, 77, 0, 12345678901, 2000, all);
        for (uint32_t lo = 0, n = 1; lo + n <= 2000; lo += n, n = n * 5 % 307 + 1) {
            rng_poisson_range(p, 77, lo, 12345678901, (int)n, part);
            cr_assert(!memcmp(part, all + lo, n * sizeof *part), "lo %u n %u", lo, n);
            for (int each = 0; each < 2; each++) {
                for (uint32_t i = 0; i < n; i++)
                    acc[i] = i;
                rng_poisson_add(p, 77, lo, 12345678901, (int)n, each ? weight : NULL, 0.7, acc);
                for (uint32_t i = 0; i < n; i++)
                    cr_assert_eq(acc[i], i + all[lo + i] * (each ? weight[i] * 0.7 : 0.7));
            }
        }
        rng_poisson_free(p);
    }
}

/* The count of neuron i as docs/numbers.md has it, in arithmetic of 113 bits. */
static uint32_t train_reference(double mean, uint64_t key, uint32_t i, uint32_t step)
{
    int crowd = mean <= 0.0625 ? 64 : 1;
    uint32_t item = i / (uint32_t)crowd, w[4], ctr[4] = {item / 8, 1, step, 0}, total = 0, count = 0;
    __float128 none = expl(-(long double)mean * crowd), p = none, owned = 0, rest = 0;
    rng_block(key, ctr, w);
    uint32_t word = w[item % 8 / 2] >> 16 * (item % 2) & 0xffff;
    for (int k = 0; k < 300; p *= mean * crowd / ++k) {
        owned += (uint32_t)(p * 65536);
        if (word >= owned) total++;
    }
    if (word >= owned) {
        uint32_t next[4] = {item, 2, step, 0};
        rng_block(key, next, w);
        __float128 r = ((__float128)w[1] * 0x1p32 + w[0]) * 0x1p-64;
        p = none;
        total = 0;
        for (int k = 0; k < 300; p *= mean * crowd / ++k) {
            rest += p * 65536 - (uint32_t)(p * 65536);
            if (r >= rest / (65536 - owned)) total++;
        }
    }
    if (crowd == 1) return total;
    for (uint32_t e = 0; e < total; e++) {
        uint32_t place[4] = {item, 3, step, (e / 16) << 16};
        rng_block(key, place, w);
        count += (w[e % 16 / 4] >> 8 * (e % 4)) % 64 == i % 64;
    }
    return count;
}

Test(rng, trains_are_those_of_the_page)
{
    enum { NEURONS = 20000 };
    static uint32_t out[NEURONS];
    const double means[] = {0.002, 0.05, 0.0625, 0.4, 3.3, 21, 64};
    for (int k = 0; k < 7; k++) {
        RngPoisson *p = rng_poisson_new(means[k]);
        rng_poisson_range(p, 99, 3, 5, NEURONS, out);
        for (uint32_t i = 0; i < NEURONS; i++)
            cr_assert_eq(out[i], train_reference(means[k], 99, i + 3, 5), "mean %g, neuron %u", means[k], i + 3);
        rng_poisson_free(p);
    }
}

/* A table made for the purpose, of whose words all are open. */
Test(rng, open_words_are_decided_by_a_second_block)
{
    enum { NEURONS = 300 };
    RngPoisson p = {.mean = 1, .crowd = 1, .first = 2, .n_top = 1, .n_rest = 1, .top = {INT16_MIN}};
    uint32_t out[NEURONS], w[4];
    for (uint32_t i = 0; i < NEURONS; i += 7) {
        uint32_t ctr[4] = {i, 2, 5, 0};
        rng_block(99, ctr, w);
        for (int above = 0; above < 2; above++) {
            p.rest[0] = (w[0] | (uint64_t)w[1] << 32) + (uint64_t)above;
            rng_poisson_range(&p, 99, 0, 5, NEURONS, out);
            cr_assert_eq(out[i], above ? 0 : 1);
        }
    }
}

Test(rng, tables_hold_the_law_to_64_bits)
{
    RngPoisson *p = rng_poisson_new(1.6);
    const uint32_t words[] = {13231, 34401, 51337, 60369, 63982, 65138, 65446, 65516, 65530, 65532};
    /* from arithmetic of 40 digits */
    for (int j = 0; j < p->n_top; j++)
        cr_expect_eq((uint16_t)p->top[j] ^ 0x8000, words[j] - 1);
    cr_expect_eq(p->n_top, 10);
    cr_expect_eq(p->first, 0);
    cr_expect_eq(p->rest[0], 0x1f5f7da70aa0fe35u);
    cr_expect_eq(p->rest[1], 0x37f846b24f287a86u);
    for (int j = 1; j < p->n_rest; j++)
        cr_expect(p->rest[j] >= p->rest[j - 1]);
    rng_poisson_free(p);
}
