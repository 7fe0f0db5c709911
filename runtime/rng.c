/* Random numbers as functions of coordinates: keys, blocks, ranges of neurons, Poisson trains, and
 * the choice of an instruction set. The laws are in rng_laws_isa.c and rng_counts_isa.c, the vector
 * kernels in rng_isa.c; docs/numbers.md is the specification. */
#include "rng.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "rng_lanes.h"

RngIsa rng_isa(void)
{
    static _Atomic(RngIsa) chosen;
    RngIsa best = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (best != RNG_ISA_UNKNOWN) return best;
    best = RNG_ISA_BASE;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2")) {
        best = RNG_ISA_AVX2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl"))
            best = RNG_ISA_AVX512;
    }
    const char *wish = getenv("CORTEXC_ISA");
    if (wish && !strcmp(wish, "base")) best = RNG_ISA_BASE;
    if (wish && !strcmp(wish, "avx2") && best > RNG_ISA_AVX2) best = RNG_ISA_AVX2;
    atomic_store_explicit(&chosen, best, memory_order_relaxed);
    return best;
}

static const RngKernels *rng_kernels(void)
{
    static const RngKernels *const table[] = {[RNG_ISA_BASE] = &rng_kernels_base,
                                              [RNG_ISA_AVX2] = &rng_kernels_avx2,
                                              [RNG_ISA_AVX512] = &rng_kernels_avx512};
    return table[rng_isa()];
}

static const RngLaws *rng_laws(void)
{
    static const RngLaws *const table[] = {
        [RNG_ISA_BASE] = &rng_laws_base, [RNG_ISA_AVX2] = &rng_laws_avx2, [RNG_ISA_AVX512] = &rng_laws_avx512};
    return table[rng_isa()];
}

static const RngCounts *rng_counts(void)
{
    static const RngCounts *const table[] = {[RNG_ISA_BASE] = &rng_counts_base,
                                             [RNG_ISA_AVX2] = &rng_counts_avx2,
                                             [RNG_ISA_AVX512] = &rng_counts_avx512};
    return table[rng_isa()];
}

/* The finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* One mix per byte and one for the length, so that keys of different seeds and names are unrelated.
 */
uint64_t rng_key(uint64_t seed, const char *name)
{
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    uint64_t h = mix(seed + golden), n = 0;
    for (; name[n]; n++)
        h = mix((h ^ (unsigned char)name[n]) + golden);
    return mix(h ^ (n * golden));
}

uint64_t rng_event(uint64_t key, int64_t step, uint32_t event)
{
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    return mix((mix((key ^ (uint64_t)step) + golden) ^ event) + golden);
}

/* Philox4x32-10 (Salmon et al. 2011); the low half of the key is its first word. */
void rng_block(uint64_t key, const uint32_t ctr[4], uint32_t out[4])
{
    uint32_t a = ctr[0], b = ctr[1], c = ctr[2], d = ctr[3];
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int r = 0; r < RNG_ROUNDS; r++) {
        uint64_t p = (uint64_t)a * RNG_MUL0, q = (uint64_t)c * RNG_MUL1;
        a = (uint32_t)(q >> 32) ^ b ^ k0;
        b = (uint32_t)q;
        c = (uint32_t)(p >> 32) ^ d ^ k1;
        d = (uint32_t)p;
        k0 += RNG_WEYL0;
        k1 += RNG_WEYL1;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

double rng_uniform(RngAt at)
{
    uint64_t first, second;
    rng_draw_next(&(RngDraw){.at = at}, &first, &second);
    return rng_unit(first);
}

/* ---- the laws: rng_laws_isa.c and rng_counts_isa.c ---- */
double rng_normal(RngAt at, double mean, double sd, double lo, double hi)
{
    return rng_laws()->normal(at, mean, sd, lo, hi);
}

double rng_lognormal(RngAt at, double mean, double sd, double lo, double hi)
{
    return rng_laws()->lognormal(at, mean, sd, lo, hi);
}

double rng_exponential(RngAt at, double mean, double lo, double hi)
{
    return rng_laws()->exponential(at, mean, lo, hi);
}

double rng_gamma(RngAt at, double mean, double sd, double lo, double hi)
{
    return rng_laws()->gamma(at, mean, sd, lo, hi);
}

double rng_binomial(RngAt at, double n, double p)
{
    return rng_counts()->binomial(at, n, p);
}

double rng_poisson(RngAt at, double mean)
{
    return rng_counts()->poisson(at, mean);
}

/* A count outside [lo, hi] is drawn again under a key of its own, since one count may take several blocks; after
 * RNG_ATTEMPTS the last one is clipped to a whole number inside. */
static double count_within(RngAt at, bool binomial, double a, double b, double lo, double hi)
{
    double k = 0;
    uint64_t key = at.key;
    for (uint32_t n = 0; n < RNG_ATTEMPTS; n++) {
        if (n) at.key = rng_event(key, (int64_t)n, 0);
        k = binomial ? rng_binomial(at, a, b) : rng_poisson(at, a);
        if ((k >= lo && k <= hi) || k != k) return k;
        if (!(lo <= hi)) break;
    }
    return k < lo ? cx_ceil(lo) : cx_floor(hi);
}

double rng_binomial_within(RngAt at, double n, double p, double lo, double hi)
{
    return count_within(at, true, n, p, lo, hi);
}

double rng_poisson_within(RngAt at, double mean, double lo, double hi)
{
    return count_within(at, false, mean, 0.0, lo, hi);
}

double rng_hypergeometric(RngAt at, double good, double bad, double draws)
{
    return rng_counts()->hypergeometric(at, good, bad, draws);
}

/* Lemire (2019): the high half of word * n, redrawn where the low half shows the uneven part. */
uint32_t rng_below(RngAt at, uint32_t n)
{
    if (n == 0) return 0;
    RngDraw d = {.at = at};
    uint32_t uneven = -n % n;
    for (;;) {
        uint64_t first, second;
        rng_draw_next(&d, &first, &second);
        uint64_t m = (first & 0xffffffffu) * n;
        if ((uint32_t)m >= uneven) return (uint32_t)(m >> 32);
    }
}

/* ---- many neurons at once ---- */
static int slice(int n, int at)
{
    return n - at < RNG_SLICE ? n - at : RNG_SLICE;
}

static uint32_t high16(int64_t step)
{
    return (uint32_t)((uint64_t)step >> 32) & 0xffff;
}

void rng_uniform_range(uint64_t key, uint32_t lo, int64_t step, int n, double *out)
{
    const RngKernels *k = rng_kernels();
    uint64_t first[RNG_SLICE], second[RNG_SLICE];
    for (int at = 0; at < n; at += RNG_SLICE) {
        int m = slice(n, at);
        k->blocks(key, lo + (uint32_t)at, 0, (uint32_t)step, high16(step), m, first, second);
        k->uniforms(m, first, out + at);
    }
}

void rng_normal_range(uint64_t key, uint32_t lo, int64_t step, int n, double *out)
{
    const RngKernels *k = rng_kernels();
    uint64_t first[RNG_SLICE], second[RNG_SLICE];
    for (int at = 0; at < n; at += RNG_SLICE) {
        int m = slice(n, at);
        k->blocks(key, lo + (uint32_t)at, 0, (uint32_t)step, high16(step), m, first, second);
        k->normals(m, first, second, out + at);
    }
}

/* ---- many synapses at once ---- */

/* A slice of one coordinate, in a buffer that ends with a whole group; zeros where there is none. */
static const uint32_t *group(uint32_t buffer[RNG_SLICE], const uint32_t *from, int at, int n)
{
    int end = (n + RNG_GROUP - 1) / RNG_GROUP * RNG_GROUP, m = from ? n : 0;
    if (from) memcpy(buffer, from + at, (size_t)m * sizeof *buffer);
    memset(buffer + m, 0, (size_t)(end - m) * sizeof *buffer);
    return buffer;
}

static void synapses(uint64_t key, RngSynapses s, int n, bool normal, double *out)
{
    const RngKernels *k = rng_kernels();
    uint64_t first[RNG_SLICE], second[RNG_SLICE];
    uint32_t src[RNG_SLICE], tgt[RNG_SLICE], mult[RNG_SLICE];
    for (int at = 0; at < n; at += RNG_SLICE) {
        int m = slice(n, at);
        k->scattered(key, group(src, s.src, at, m), group(tgt, s.tgt, at, m),
                     group(mult, s.mult, at, m), s.attempt << 16, m, first, second);
        if (normal) k->normals(m, first, second, out + at);
        else k->uniforms(m, first, out + at);
    }
}

void rng_uniform_synapses(uint64_t key, RngSynapses s, int n, double *out)
{
    synapses(key, s, n, false, out);
}

void rng_normal_synapses(uint64_t key, RngSynapses s, int n, double *out)
{
    synapses(key, s, n, true, out);
}

/* ---- many numbers below n ---- */
void rng_line_start(RngLine *s, uint64_t key, uint32_t line, uint32_t n)
{
    s->key = key;
    s->line = line;
    s->n = n;
    s->block = 0;
    s->at = s->end = 0;
}

/* Draws blocks for about `want` numbers, at least one. */
static void fill_line(RngLine *s, uint64_t want)
{
    enum { WORDS = sizeof s->ready / sizeof *s->ready, BLOCKS = WORDS / 4 };
    static const uint32_t zero[BLOCKS];
    const RngKernels *k = rng_kernels();
    uint64_t first[BLOCKS], second[BLOCKS];
    uint32_t line[BLOCKS], block[BLOCKS], word[WORDS], uneven = -s->n % s->n;
    int n = want < WORDS ? (int)(want + 3) / 4 : BLOCKS;
    for (int b = 0; b < BLOCKS; b++) {
        line[b] = s->line;
        block[b] = s->block + (uint32_t)b;
    }
    k->scattered(s->key, line, block, zero, 0, n, first, second);
    for (int b = 0; b < n; b++) {
        memcpy(word + 4 * b, first + b, 8);
        memcpy(word + 4 * b + 2, second + b, 8);
    }
    s->block += (uint32_t)n;
    s->at = 0;
    s->end = 4 * n;
    if (!k->below(s->n, uneven, 4 * n, word, s->ready)) return;
    s->end = 0;
    for (int j = 0; j < 4 * n; j++)
        if ((uint32_t)((uint64_t)word[j] * s->n) >= uneven) s->ready[s->end++] = (uint32_t)((uint64_t)word[j] * s->n >> 32);
}

void rng_line_below(RngLine *s, uint64_t k, uint32_t *out)
{
    while (k > 0) {
        if (s->at == s->end) fill_line(s, k);
        uint64_t m = (uint64_t)(s->end - s->at);
        if (m > k) m = k;
        memcpy(out, s->ready + s->at, (size_t)m * sizeof *out);
        s->at += (int)m;
        out += m;
        k -= m;
    }
}

/* ---- Poisson trains ---- */

/* e^-m to about 100 bits, for m <= 64: the series at m / 1024, squared ten times. */
static __float128 exp_minus(double m)
{
    __float128 x = -(__float128)m / 1024, term = 1, sum = 1;
    for (int k = 1; k < 24; k++) {
        term = term * x / k;
        sum += term;
    }
    for (int k = 0; k < 10; k++)
        sum *= sum;
    return sum;
}

/* Above a mean of RNG_TABLE_MEAN the trains call rng_poisson neuron by neuron. Owned by the caller.
 */
RngPoisson *rng_poisson_new(double mean)
{
    RngPoisson *p = cx_alloc(1, sizeof *p, "a Poisson table");
    p->mean = mean > 0.0 ? mean : 0.0;
    if (p->mean > RNG_TABLE_MEAN) return p;
    __float128 term = exp_minus(p->mean), sum = 0;
    const __float128 full = 0x1p64;
    for (int j = 0;; j++) {
        sum += term;
        term = term * p->mean / (j + 1);
        cx_assert(p->n < (int)(sizeof p->cum / sizeof *p->cum));
        bool end = (1 - sum) * full < 1 && j >= p->mean;
        p->cum[p->n++] = end ? UINT64_MAX : (uint64_t)(sum * full);
        if (end) break;
    }
    uint32_t high;
    do {
        high = (uint32_t)(p->cum[p->n_top] >> 32);
        p->top[p->n_top++] = (int32_t)(high ^ 0x80000000u);
    } while (high < UINT32_MAX);
    return p;
}

void rng_poisson_free(RngPoisson *p)
{
    cx_free(p);
}

/* The count of neuron i from both words, for the rare word that falls on an entry of the table. */
static uint32_t poisson_open(const RngPoisson *p, uint64_t key, uint32_t i, int64_t step,
                             uint32_t word)
{
    uint32_t more[4], ctr[4] = {i >> 2, 1, (uint32_t)step, high16(step) | 1u << 16};
    rng_block(key, ctr, more);
    uint64_t r = (uint64_t)word << 32 | more[i & 3];
    uint32_t k = 0;
    while ((int)k < p->n && r >= p->cum[k])
        k++;
    return k;
}

void rng_poisson_range(const RngPoisson *p, uint64_t key, uint32_t lo, int64_t step, int n,
                       uint32_t *out)
{
    if (!p->n) {
        for (int i = 0; i < n; i++) {
            RngAt at = {key, lo + (uint32_t)i, 1, (uint32_t)step, high16(step)};
            out[i] = (uint32_t)rng_poisson(at, p->mean);
        }
        return;
    }
    const RngKernels *k = rng_kernels();
    enum { BLOCKS = RNG_SLICE / 4 };
    uint64_t first[BLOCKS], second[BLOCKS];
    uint32_t word[RNG_SLICE], count[RNG_SLICE];
    int skip = (int)(lo & 3); /* words of the first block that belong to neurons before lo */
    for (int at = 0; at < n;) {
        int use = n - at < RNG_SLICE - skip ? n - at : RNG_SLICE - skip;
        uint32_t i0 = lo + (uint32_t)at;
        k->blocks(key, i0 >> 2, 1, (uint32_t)step, high16(step), (skip + use + 3) / 4, first,
                  second);
        for (int b = 0; b < BLOCKS; b++) {
            memcpy(word + 4 * b, first + b, 8);
            memcpy(word + 4 * b + 2, second + b, 8);
        }
        bool open = k->counts(p->top, p->n_top, skip + use, word, count);
        for (int j = skip; open && j < skip + use; j++)
            if (word[j] == ((uint32_t)p->top[count[j]] ^ 0x80000000u))
                count[j] = poisson_open(p, key, i0 + (uint32_t)(j - skip), step, word[j]);
        memcpy(out + at, count + skip, (size_t)use * sizeof *out);
        at += use;
        skip = 0;
    }
}
