/* Random numbers as pure functions of coordinates (Philox4x32-10; Salmon et al. 2011).
 *
 * key     = rng_key(seed, name of the declaration) ^ salt of the draw (64 bits)
 * counter = neuron lanes:  (i, 0, step low 32 bits, step high 16 bits | attempt << 16), and where a law takes one
 *                          word an attempt the block of two neurons: (i / 2, 0, …), of which neuron i has half i % 2
 *           synapse lanes: (source, target, multiplicity, attempt << 16); at an event of the run the key
 *                          of the declaration is replaced by rng_event(key, step, event),
 *                          for what is done in every step with the event 0xffffffff
 * attempt counts redraws (truncation, rejection). One block of 128 bits per attempt: words 0,1 give the
 * first 53-bit uniform, words 2,3 the second.
 * A shared draw uses i = 0xffffffff and a block of its own. */
#ifndef CORTEXC_RNG_H
#define CORTEXC_RNG_H

#include <stdbool.h>
#include <stdint.h>

typedef struct RngAt { /* coordinates of one draw */
    uint64_t key;
    uint32_t c0, c1, c2, c3; /* attempt is added to c3 as attempt << 16 */
    bool paired;             /* c0 is a neuron that shares its blocks with c0 ^ 1 */
} RngAt;

uint64_t rng_key(uint64_t seed, const char *name); /* also for sub-streams: rng_key(key, "weight") */
uint64_t rng_event(uint64_t key, int64_t step, uint32_t event); /* of one of several events that synapses have in a step */
void rng_block(uint64_t key, const uint32_t ctr[4], uint32_t out[4]);
double rng_uniform(RngAt at);                      /* [0, 1), 53 bits */
double rng_normal(RngAt at, double mean, double sd, double lo, double hi);
double rng_lognormal(RngAt at, double mean, double sd, double lo, double hi);
double rng_exponential(RngAt at, double mean, double lo, double hi);
double rng_gamma(RngAt at, double mean, double sd, double lo, double hi);
double rng_binomial(RngAt at, double n, double p); /* exact law for any n up to 2^53 */
double rng_poisson(RngAt at, double mean);         /* exact law for any mean */
double rng_binomial_within(RngAt at, double n, double p, double lo, double hi); /* drawn again outside [lo, hi] */
double rng_poisson_within(RngAt at, double mean, double lo, double hi);
double rng_hypergeometric(RngAt at, double good, double bad, double draws); /* exact law */
uint32_t rng_below(RngAt at, uint32_t n);          /* uniform in 0 … n-1, no bias (Lemire, redraws) */

/* n neuron lanes with consecutive i = lo …; the same values as one by one, vectorised. */
void rng_uniform_range(uint64_t key, uint32_t lo, int64_t step, int n, double *out);
void rng_normal_range(uint64_t key, uint32_t lo, int64_t step, int n, double *out); /* standard */

/* As rng_poisson with counters (lo + k, 0, step). Returns n, or the first lane whose mean is not within 0 … 1e9, from
 * where on there are no counts. */
int rng_poisson_means(uint64_t key, uint32_t lo, int64_t step, int n, const double *mean, uint32_t *count);

/* n synapse lanes with coordinates (src[k], tgt[k], mult[k]); mult may be NULL for zeros. */
typedef struct RngSynapses {
    const uint32_t *src, *tgt, *mult;
    uint32_t attempt;
} RngSynapses;
void rng_uniform_synapses(uint64_t key, RngSynapses s, int n, double *out);
void rng_normal_synapses(uint64_t key, RngSynapses s, int n, double *out); /* standard */

/* Numbers below n as of rng_below, one after the other from all words of the blocks (line, 0, 0, 0),
 * (line, 1, 0, 0), … of the key. */
typedef struct RngLine {
    uint64_t key;
    uint32_t line, n, block; /* block: the next one */
    int at, end;             /* of `ready` */
    uint32_t ready[256];
} RngLine;
void rng_line_start(RngLine *s, uint64_t key, uint32_t line, uint32_t n);
/* The next k of them. */
void rng_line_below(RngLine *s, uint64_t k, uint32_t *out);

/* 1 + floor(scale log(1 - u)) for the uniforms of the blocks (line, from, 0, 0), (line, from + 1, 0, 0), …: with scale
 * 1 / log(1 - p) the distances between events of probability p. n <= 256. */
void rng_line_gaps(uint64_t key, uint32_t line, uint32_t from, int n, double scale, double *out);

/* Private Poisson trains of one mean: neuron i takes the 16-bit word i % 8 of the block with counter (i / 8, 1,
 * step lo, step hi), and the block (i, 2, …) where that leaves its count open. Where events are rare, crowds of 64
 * neurons draw the number of their events so, and from the blocks (crowd, 3, …) who has them. Means above 64 are drawn
 * by rng_poisson from (i, 1, …). The law is exact to 2^-64. */
typedef struct RngPoisson RngPoisson;
RngPoisson *rng_poisson_new(double mean);
void rng_poisson_free(RngPoisson *p);
void rng_poisson_range(const RngPoisson *p, uint64_t key, uint32_t lo, int64_t step, int n, uint32_t *out);
/* acc[k] += count * (weight[k] * scale), or count * scale where weight is NULL. */
void rng_poisson_add(const RngPoisson *p, uint64_t key, uint32_t lo, int64_t step, int n, const double *weight,
                     double scale, double *acc);

#endif
