/* What the files of the random numbers share: the words of a draw in order, the step from random
 * words to uniform and normal numbers, and the tables of what is compiled per instruction set. */
#ifndef CORTEXC_RNG_LANES_H
#define CORTEXC_RNG_LANES_H

#include "cxmath.h"
#include "rng.h"

enum {
    RNG_ROUNDS = 10,
    RNG_SLICE = 512,      /* lanes handled at a time */
    RNG_GROUP = 16,       /* lanes of two of the widest vectors */
    RNG_ATTEMPTS = 10000, /* blocks after which a restricted law gives up and clips */
    RNG_TABLE_MEAN = 64,  /* above, trains draw neuron by neuron */
    RNG_TRAINS = 1024,    /* neurons whose trains are handled at a time */
    RNG_CROWD = 64,       /* neurons that draw together where events are rare */
};
#define RNG_RARE_MEAN 0.0625 /* up to here they do */
#define RNG_MUL0 0xd2511f53u
#define RNG_MUL1 0xcd9e8d57u
#define RNG_WEYL0 0x9e3779b9u
#define RNG_WEYL1 0xbb67ae85u

/* A Poisson law for words of 16 bits. The count j owns whole[j] = floor(2^16 P(j)) of them, in order
 * from the count `first` on: a count is first + the number of entries of top that lie below the word,
 * with the sign bits of both flipped so that signed comparisons order them. A word above all
 * entries is open: a second one of 64 bits, R, decides by what is left of every P(j):
 * #{j : R >= rest[j]}. */
struct RngPoisson {
    double mean;
    int crowd; /* neurons that one count is for: 1 or RNG_CROWD; 0: the mean is too large */
    int first, n_top, n_rest;
    int16_t top[96];
    uint64_t rest[192];
};

/* Which instruction set to use: the best of the machine, lowered by CORTEXC_ISA. */
typedef enum RngIsa { RNG_ISA_UNKNOWN, RNG_ISA_BASE, RNG_ISA_AVX2, RNG_ISA_AVX512 } RngIsa;
RngIsa rng_isa(void);

typedef struct RngKernels {
    /* Words of the n blocks with first counter word from, from + 1, …, two of 64 bits each, in
     * order. Written in whole groups of RNG_GROUP blocks. */
    void (*words)(uint64_t key, uint32_t from, uint32_t c1, uint32_t c2, uint32_t c3, int n,
                  void *word);
    /* The same of the blocks (c0, from, 0, 0), (c0, from + 1, 0, 0), … */
    void (*line)(uint64_t key, uint32_t c0, uint32_t from, int n, void *word);
    /* First words of the blocks with counters (c0[k], c1[k], c2[k], c3), read and written in whole
     * groups of RNG_GROUP. */
    void (*scattered)(uint64_t key, const uint32_t *c0, const uint32_t *c1, const uint32_t *c2,
                      uint32_t c3, int n, uint64_t *word);
    void (*uniforms)(int n, const uint64_t *word, double *out);
    void (*normals)(int n, const uint64_t *word, double *out); /* n <= RNG_SLICE */
    /* 1 + floor(scale log(1 - u)) of the first words of n blocks, of two words each. */
    void (*gaps)(int n, const uint64_t *word, double scale, double *out);
    /* Lemire's numbers below m: the high halves of the products word m. True when some low half is
     * below `reject`, so that its word must be passed over. */
    bool (*below)(uint32_t m, uint32_t reject, int n, const uint32_t *word, uint32_t *out);
    /* Words of 16 bits become counts, in whole groups of 64; true where some word is open, which
     * becomes first + n_top. */
    bool (*counts)(const RngPoisson *p, int n, uint16_t *word);
    /* Poisson counts by inversion of word[2 k]; false where some mean is not from 0 to below 10,
     * whose lane then gets no count. n <= RNG_SLICE. */
    bool (*poissons)(int n, const uint64_t *word, const double *mean, uint32_t *count);
    /* acc[k] += count[k] * (weight[k] * scale), without weight acc[k] += count[k] * scale. */
    void (*add)(int n, const uint16_t *count, const double *weight, double scale, double *acc);
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

/* The next word of a draw that takes one at a time: the first of its block, or its half of the
 * block of a pair. */
CXM_FN uint64_t rng_draw_word(RngDraw *d)
{
    uint64_t word[2];
    RngDraw pair = *d;
    if (d->at.paired) pair.at.c0 >>= 1;
    rng_draw_next(&pair, &word[0], &word[1]);
    d->attempt = pair.attempt;
    return word[d->at.paired ? d->at.c0 & 1 : 0];
}

/* The top 53 bits of w, times 2^-53. Both halves are exact, so is their sum. */
CXM_FN double rng_unit(uint64_t w)
{
    double hi = cxm_double((w >> 43) | 0x4330000000000000u) - 0x1p52;
    double lo = cxm_double(((w >> 11) & 0xffffffffu) | 0x4330000000000000u) - 0x1p52;
    return hi * 0x1p-21 + lo * 0x1p-53;
}

/* ---- normal numbers: the quantile of u = (top 52 bits of w + 1/2) 2^-52, as u - 1/2, exactly ---- */
CXM_FN double rng_bell_centred(uint64_t w)
{
    return cxm_double((w >> 12) | 0x3ff0000000000000u) - 1.5 + 0x1p-53;
}

/* u is below 1/32 or above 31/32 when w + RNG_BELL_SHIFT is below RNG_BELL_FAR: its top 5 bits are all the same. */
#define RNG_BELL_SHIFT (1ull << 59)
#define RNG_BELL_FAR (1ull << 60)

/* c0 + c1 t + … + c8 t^8 by pairs, which do not wait for each other. */
CXM_FN double rng_poly(const double c[9], double t)
{
    double t2 = t * t, t4 = t2 * t2;
    double low = cx_fma(t2, cx_fma(t, c[3], c[2]), cx_fma(t, c[1], c[0]));
    double high = cx_fma(t2, cx_fma(t, c[7], c[6]), cx_fma(t, c[5], c[4]));
    return cx_fma(t4, cx_fma(t4, c[8], high), low);
}

/* The quantile for |q| < 15/32: q times a ratio in (15/32)^2 - q^2. All coefficients are positive, here and below. */
CXM_FN double rng_bell_middle(double q)
{
    static const double a[9] = {0x1.fca665373eebbp+1, 0x1.65220379feea8p+8, 0x1.7d8c359ca2175p+13,
                                0x1.8769e0f069f66p+17, 0x1.92bb8e7ba1d74p+20, 0x1.8f22a703a10aap+22,
                                0x1.5179cdfc1ef66p+23, 0x1.73a1252920676p+22, 0x1.d7eab6fba780fp+18};
    static const double b[9] = {1.0, 0x1.7eed68dc13ce6p+6, 0x1.ba561bdd67cc7p+11,
                                0x1.f4e9406a93080p+15, 0x1.2512f7449d1a5p+19, 0x1.599b7aaebe238p+21,
                                0x1.76f7b888a2c2cp+22, 0x1.348c30fe3ea5ep+22, 0x1.e2fa4926ded1cp+19};
    double t = cx_fma(-q, q, 0x1.c2p-3);
    return q * (rng_poly(a, t) / rng_poly(b, t));
}

/* The same beyond: a ratio in sqrt(-2 log p), where p = 1/2 - |q| is at least 2^-53. */
CXM_FN double rng_bell_tail(double q)
{
    static const double a[9] = {0x1.b4ebafd04fdd6p+0, 0x1.c5de72f93b973p+1, 0x1.75c7721856a63p+1,
                                0x1.426a425019736p+0, 0x1.3dae85bacc8ebp-2, 0x1.68025cfe143a0p-5,
                                0x1.bb209a97d3888p-9, 0x1.002712ed952e3p-13, 0x1.867237e72d0bfp-20};
    static const double b[9] = {1.0, 0x1.62a9051c113e5p+0, 0x1.8fde65841f0ffp-1,
                                0x1.d4e69b2f6b514p-3, 0x1.2d0713d8e6920p-5, 0x1.957610442aeabp-9,
                                0x1.f118bb4ff2583p-14, 0x1.8670275975318p-20, 0.0};
    double t = cx_sqrt(-2.0 * cx_log(0.5 - cx_abs(q))) - 2.5;
    return cxm_copysign(rng_poly(a, t) / rng_poly(b, t), q);
}

CXM_FN double rng_bell(uint64_t w)
{
    double q = rng_bell_centred(w);
    return w + RNG_BELL_SHIFT < RNG_BELL_FAR ? rng_bell_tail(q) : rng_bell_middle(q);
}

#endif
