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
    return rng_unit(rng_draw_word(&(RngDraw){.at = at}));
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

/* A slice of an odd neuron begins with the word of the one before. */
static void neurons(uint64_t key, uint32_t lo, int64_t step, int n, bool normal, double *out)
{
    const RngKernels *k = rng_kernels();
    uint64_t word[RNG_SLICE + 2 * RNG_GROUP];
    int skip = (int)(lo & 1);
    for (int at = 0; at < n; at += RNG_SLICE) {
        int m = slice(n, at);
        k->words(key, (lo + (uint32_t)at) >> 1, 0, (uint32_t)step, high16(step), (skip + m + 1) / 2, word);
        if (normal) k->normals(m, word + skip, out + at);
        else k->uniforms(m, word + skip, out + at);
    }
}

void rng_uniform_range(uint64_t key, uint32_t lo, int64_t step, int n, double *out)
{
    neurons(key, lo, step, n, false, out);
}

void rng_normal_range(uint64_t key, uint32_t lo, int64_t step, int n, double *out)
{
    neurons(key, lo, step, n, true, out);
}

int rng_poisson_means(uint64_t key, uint32_t lo, int64_t step, int n, const double *mean, uint32_t *count)
{
    const RngKernels *k = rng_kernels();
    uint64_t word[2 * RNG_SLICE];
    for (int at = 0; at < n; at += RNG_SLICE) {
        int m = slice(n, at);
        k->words(key, lo + (uint32_t)at, 0, (uint32_t)step, high16(step), m, word);
        if (k->poissons(m, word, mean + at, count + at)) continue;
        for (int i = at; i < at + m; i++) {
            RngAt lane = {key, lo + (uint32_t)i, 0, (uint32_t)step, high16(step), false};
            if (!(mean[i] >= 0.0 && mean[i] <= 1e9)) return i;
            if (mean[i] >= 10.0) count[i] = (uint32_t)rng_poisson(lane, mean[i]);
        }
    }
    return n;
}

/* ---- many synapses at once ---- */

/* A slice of one coordinate in whole groups: where it is none, a copy in a buffer that ends with one; zeros
 * where there is no coordinate. */
static const uint32_t *group(uint32_t buffer[RNG_SLICE], const uint32_t *from, int at, int n)
{
    int end = (n + RNG_GROUP - 1) / RNG_GROUP * RNG_GROUP, m = from ? n : 0;
    if (m == end) return from + at;
    if (from) memcpy(buffer, from + at, (size_t)m * sizeof *buffer);
    memset(buffer + m, 0, (size_t)(end - m) * sizeof *buffer);
    return buffer;
}

static void synapses(uint64_t key, RngSynapses s, int n, bool normal, double *out)
{
    const RngKernels *k = rng_kernels();
    uint64_t word[RNG_SLICE];
    uint32_t src[RNG_SLICE], tgt[RNG_SLICE], mult[RNG_SLICE];
    for (int at = 0; at < n; at += RNG_SLICE) {
        int m = slice(n, at);
        k->scattered(key, group(src, s.src, at, m), group(tgt, s.tgt, at, m),
                     group(mult, s.mult, at, m), s.attempt << 16, m, word);
        if (normal) k->normals(m, word, out + at);
        else k->uniforms(m, word, out + at);
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
    enum { WORDS = sizeof s->ready / sizeof *s->ready };
    const RngKernels *k = rng_kernels();
    uint32_t word[WORDS], uneven = -s->n % s->n;
    int n = want < WORDS ? (int)(want + 3) / 4 * 4 : WORDS;
    k->line(s->key, s->line, s->block, n / 4, word);
    s->block += (uint32_t)n / 4;
    s->at = 0;
    s->end = n;
    if (!k->below(s->n, uneven, n, word, s->ready)) return;
    s->end = 0;
    for (int j = 0; j < n; j++) {
        uint64_t product = (uint64_t)word[j] * s->n;
        if ((uint32_t)product >= uneven) s->ready[s->end++] = (uint32_t)(product >> 32);
    }
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

void rng_line_gaps(uint64_t key, uint32_t line, uint32_t from, int n, double scale, double *out)
{
    const RngKernels *k = rng_kernels();
    uint64_t word[RNG_SLICE]; /* two a block */
    cx_assert(n <= RNG_SLICE / 2);
    k->line(key, line, from, n, word);
    k->gaps(n, word, scale, out);
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

/* Words of 16 bits that belong to a count of this probability; some must stay open. */
static uint32_t owned(__float128 probability)
{
    __float128 words = probability * 65536;
    return words < 65535 ? (uint32_t)words : 65535;
}

/* Owned by the caller. */
RngPoisson *rng_poisson_new(double mean)
{
    RngPoisson *p = cx_alloc(1, sizeof *p, "a Poisson table");
    p->mean = mean > 0.0 ? mean : 0.0;
    if (p->mean > RNG_TABLE_MEAN) return p;
    p->crowd = p->mean <= RNG_RARE_MEAN ? RNG_CROWD : 1;
    double m = p->mean * p->crowd;
    uint32_t used = 0;
    __float128 term = exp_minus(m), sum = 0;
    for (int j = 0; owned(term) || j <= m; term = term * m / ++j) {
        if (!owned(term)) continue;
        if (!p->n_top) p->first = j;
        cx_assert(p->n_top < (int)(sizeof p->top / sizeof *p->top));
        used += owned(term);
        p->top[p->n_top++] = (int16_t)((int32_t)used - 1 - 0x8000);
    }
    const __float128 full = 0x1p64, left = 65536 - used;
    term = exp_minus(m);
    for (int j = 0;; term = term * m / ++j) {
        sum += (term * 65536 - owned(term)) / left;
        if ((1 - sum) * full < 1 && j >= m) return p;
        cx_assert(p->n_rest < (int)(sizeof p->rest / sizeof *p->rest));
        p->rest[p->n_rest++] = (uint64_t)(sum * full);
    }
}

void rng_poisson_free(RngPoisson *p)
{
    cx_free(p);
}

/* The count of an item (a neuron or a crowd) whose first word leaves it open. */
static uint16_t poisson_open(const RngPoisson *p, uint64_t key, uint32_t item, int64_t step)
{
    uint64_t first, second;
    RngDraw d = {.at = {key, item, 2, (uint32_t)step, high16(step), false}};
    rng_draw_next(&d, &first, &second);
    uint16_t k = 0;
    while (k < p->n_rest && first >= p->rest[k])
        k++;
    return k;
}

/* The counts of n items from `item` on, a multiple of 8; the buffer holds whole groups of RNG_GROUP blocks. */
static void poisson_counts(const RngPoisson *p, uint64_t key, uint32_t item, int64_t step, int n, uint16_t *count)
{
    const RngKernels *k = rng_kernels();
    k->words(key, item >> 3, 1, (uint32_t)step, high16(step), (n + 7) / 8, count);
    if (!k->counts(p, n, count)) return;
    for (int j = 0; j < n; j++)
        if (count[j] == p->first + p->n_top) count[j] = poisson_open(p, key, item + (uint32_t)j, step);
}

/* Whose the e-th event of a crowd is, for the few behind the first block. */
static uint32_t poisson_place(uint64_t key, uint32_t crowd, int64_t step, uint32_t e)
{
    uint32_t word[4], ctr[4] = {crowd, 3, (uint32_t)step, high16(step) | (e / 16) << 16};
    rng_block(key, ctr, word);
    return word[e % 16 / 4] >> 8 * (e % 4);
}

/* The same for neurons of crowds, the first one the first of its crowd: how many events each crowd has, then whose they
 * are, one byte of the crowd's blocks each. */
static void poisson_crowds(const RngPoisson *p, uint64_t key, uint32_t lo, int64_t step, int n, uint16_t *count)
{
    _Static_assert(RNG_TRAINS / RNG_CROWD <= RNG_GROUP, "crowds of a slice fit into one group of blocks");
    uint16_t buffer[8 * RNG_GROUP];
    uint8_t place[RNG_GROUP][16];
    uint32_t first = lo / RNG_CROWD;
    int n_crowds = (n + RNG_CROWD - 1) / RNG_CROWD, skip = (int)(first % 8);
    const uint16_t *events = buffer + skip;
    poisson_counts(p, key, first - (uint32_t)skip, step, skip + n_crowds, buffer);
    memset(count, 0, (size_t)n_crowds * RNG_CROWD * sizeof *count);
    rng_kernels()->words(key, first, 3, (uint32_t)step, high16(step), n_crowds, place);
    for (int c = 0; c < n_crowds; c++)
        for (uint32_t e = 0; e < events[c]; e++) {
            uint32_t at = e < 16 ? place[c][e] : poisson_place(key, first + (uint32_t)c, step, e);
            count[c * RNG_CROWD + (int)(at % RNG_CROWD)]++;
        }
}

/* Counts of the neurons from i on, at most n of them: returns how many and where they are in the buffer. */
static int poisson_slice(const RngPoisson *p, uint64_t key, uint32_t i, int64_t step, int n, uint16_t buffer[RNG_TRAINS],
                         const uint16_t **count)
{
    int skip = (int)(i % (p->crowd > 1 ? RNG_CROWD : 8)), m = n < RNG_TRAINS - skip ? n : RNG_TRAINS - skip;
    if (p->crowd > 1) poisson_crowds(p, key, i - (uint32_t)skip, step, skip + m, buffer);
    else poisson_counts(p, key, i - (uint32_t)skip, step, skip + m, buffer);
    *count = buffer + skip;
    return m;
}

static uint32_t poisson_single(const RngPoisson *p, uint64_t key, uint32_t i, int64_t step)
{
    return (uint32_t)rng_poisson((RngAt){key, i, 1, (uint32_t)step, high16(step), false}, p->mean);
}

void rng_poisson_range(const RngPoisson *p, uint64_t key, uint32_t lo, int64_t step, int n,
                       uint32_t *out)
{
    uint16_t buffer[RNG_TRAINS];
    const uint16_t *count;
    for (int i = 0; i < n && !p->crowd; i++)
        out[i] = poisson_single(p, key, lo + (uint32_t)i, step);
    for (int at = 0, m; at < n && p->crowd; at += m) {
        m = poisson_slice(p, key, lo + (uint32_t)at, step, n - at, buffer, &count);
        for (int i = 0; i < m; i++)
            out[at + i] = count[i];
    }
}

void rng_poisson_add(const RngPoisson *p, uint64_t key, uint32_t lo, int64_t step, int n, const double *weight,
                     double scale, double *acc)
{
    uint16_t buffer[RNG_TRAINS];
    const uint16_t *count;
    for (int i = 0; i < n && !p->crowd; i++)
        acc[i] += (double)poisson_single(p, key, lo + (uint32_t)i, step) * (weight ? weight[i] * scale : scale);
    for (int at = 0, m; at < n && p->crowd; at += m) {
        m = poisson_slice(p, key, lo + (uint32_t)at, step, n - at, buffer, &count);
        rng_kernels()->add(m, count, weight ? weight + at : NULL, scale, acc + at);
    }
}
