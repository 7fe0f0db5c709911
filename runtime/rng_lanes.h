/* What the files of the random numbers share: the blocks of a draw in order, the step from random
 * words to uniform and normal numbers, and the tables of what is compiled per instruction set. */
#ifndef CORTEXC_RNG_LANES_H
#define CORTEXC_RNG_LANES_H

#include "cxmath.h"
#include "rng.h"

enum {
    RNG_ROUNDS = 10,
    RNG_SLICE = 256,      /* lanes handled at a time */
    RNG_GROUP = 16,       /* lanes of two of the widest vectors */
    RNG_ATTEMPTS = 10000, /* blocks after which a restricted law gives up and clips */
    RNG_TABLE_MEAN = 64,  /* above, trains draw neuron by neuron */
};
#define RNG_MUL0 0xd2511f53u
#define RNG_MUL1 0xcd9e8d57u
#define RNG_WEYL0 0x9e3779b9u
#define RNG_WEYL1 0xbb67ae85u

/* Cumulative Poisson law: X = #{j : R >= cum[j]} for a uniform 64-bit R. top[j] is the high half
 * with its sign bit flipped (so that signed comparisons order it), up to the first that is all
 * ones. */
struct RngPoisson {
    double mean;
    int n, n_top; /* both 0: the mean is too large for a table */
    uint64_t cum[192];
    int32_t top[192];
};

/* Which instruction set to use: the best of the machine, lowered by CORTEXC_ISA. */
typedef enum RngIsa { RNG_ISA_UNKNOWN, RNG_ISA_BASE, RNG_ISA_AVX2, RNG_ISA_AVX512 } RngIsa;
RngIsa rng_isa(void);

typedef struct RngKernels {
    /* n <= RNG_SLICE blocks with first counter word from, from + 1, …: words 0,1 and 2,3 of each.
     */
    void (*blocks)(uint64_t key, uint32_t from, uint32_t c1, uint32_t c2, uint32_t c3, int n,
                   uint64_t *first, uint64_t *second);
    /* The same with counters (c0[k], c1[k], c2[k], c3), read in whole groups of RNG_GROUP. */
    void (*scattered)(uint64_t key, const uint32_t *c0, const uint32_t *c1, const uint32_t *c2,
                      uint32_t c3, int n, uint64_t *first, uint64_t *second);
    void (*uniforms)(int n, const uint64_t *word, double *out);
    void (*normals)(int n, const uint64_t *first, const uint64_t *second, double *out);
    /* Lemire's numbers below m: the high halves of the products word m. True when some low half is
     * below `reject`, so that its word must be passed over. */
    bool (*below)(uint32_t m, uint32_t reject, int n, const uint32_t *word, uint32_t *out);
    /* Counts decided by 32-bit words; true when some word equals an entry and leaves it open. */
    bool (*counts)(const int32_t *top, int n_top, int n, const uint32_t *word, uint32_t *out);
} RngKernels;

typedef struct RngLaws {
    double (*normal)(RngAt at, double mean, double sd, double lo, double hi);
    double (*lognormal)(RngAt at, double mean, double sd, double lo, double hi);
    double (*exponential)(RngAt at, double mean, double lo, double hi);
    double (*gamma)(RngAt at, double mean, double sd, double lo, double hi);
} RngLaws;

typedef struct RngCounts {
    double (*binomial)(RngAt at, double n, double p);
    double (*poisson)(RngAt at, double mean);
    double (*hypergeometric)(RngAt at, double good, double bad, double draws);
} RngCounts;

extern const RngKernels rng_kernels_base, rng_kernels_avx2, rng_kernels_avx512;
extern const RngLaws rng_laws_base, rng_laws_avx2, rng_laws_avx512;
extern const RngCounts rng_counts_base, rng_counts_avx2, rng_counts_avx512;
#define RNG_PASTE_(a, b) a##b
#define RNG_PASTE(a, b) RNG_PASTE_(a, b)

typedef struct RngDraw {
    RngAt at;
    uint32_t attempt; /* blocks taken so far; the coordinates have room for 65536 */
} RngDraw;

/* The next block of a draw: attempt 0, 1, … */
CXM_FN void rng_draw_next(RngDraw *d, uint64_t *first, uint64_t *second)
{
    uint32_t w[4], ctr[4] = {d->at.c0, d->at.c1, d->at.c2, d->at.c3 + (d->attempt++ << 16)};
    rng_block(d->at.key, ctr, w);
    *first = w[0] | (uint64_t)w[1] << 32;
    *second = w[2] | (uint64_t)w[3] << 32;
}

/* The top 53 bits of w, times 2^-53. Both halves are exact, so is their sum. */
CXM_FN double rng_unit(uint64_t w)
{
    double hi = cxm_double((w >> 43) | 0x4330000000000000u) - 0x1p52;
    double lo = cxm_double(((w >> 11) & 0xffffffffu) | 0x4330000000000000u) - 0x1p52;
    return hi * 0x1p-21 + lo * 0x1p-53;
}

/* Box and Muller (1958): sqrt(-2 log u) cos(2 pi v) with u in [2^-53, 1], v in [0, 1), in four steps of
 * about equal length, so that loops over one of them have many lanes under way at once. */

/* u = 2^k (1 + f), and s = f / (2 + f): cx_log without its care of special values. */
CXM_FN double rng_bell_log(double u, double *k, double *f)
{
    uint64_t t = cxm_bits(u) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    *k = cxm_double((t >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    *f = cxm_double((t & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
    return *f / (2.0 + *f);
}

CXM_FN double rng_bell_radius(double k, double f, double s)
{
    return cx_sqrt(-2.0 * cxm_log_finish(k, f, 0.0, s));
}

/* v = quarters / 4 + what is returned, which is exact; quarters in the low bits. */
CXM_FN double rng_bell_turn(double v, double *quarters)
{
    double t = 4.0 * v + CXM_SHIFT;
    *quarters = t;
    return v - 0.25 * (t - CXM_SHIFT);
}

CXM_FN double rng_bell_cosine(double quarters, double turn)
{
    uint64_t q = cxm_bits(quarters);
    CxPair r = cxm_prod(turn, 0x1.921fb54442d18p+2);
    CxPair s = cxm_sin_part(r), c = cxm_cos_part(r);
    double sv = s.hi + s.lo, cv = c.hi + c.lo;
    return cxm_double(cxm_bits(cxm_pick(q & 1, sv, cv)) ^ (((q + 1) & 2) << 62));
}

CXM_FN double rng_bell(uint64_t first, uint64_t second)
{
    double k, f, quarters, s = rng_bell_log(1.0 - rng_unit(first), &k, &f);
    double turn = rng_bell_turn(rng_unit(second), &quarters);
    return rng_bell_radius(k, f, s) * rng_bell_cosine(quarters, turn);
}

#endif
