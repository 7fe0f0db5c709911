/* Random draws of blocks of lanes. Where lanes are consecutive the vectorised forms are used; the values are those of
 * drawing one by one. */
#include "draws.h"

#include "cxmath.h"
#include "rng.h"

static RngAt coordinates(const DrawBlock *c, uint64_t key, int64_t k)
{
    const Frame *fr = c->fr;
    uint32_t step_lo = (uint32_t)fr->step, step_hi = (uint32_t)((uint64_t)fr->step >> 32) & 0xffff;
    if (c->shared) return (RngAt){key, 0xffffffff, 0, step_lo, step_hi, false};
    int64_t lane = c->lane ? c->lane[k] : c->lo + k;
    if (c->lanes == LANE_NEURON) return (RngAt){key, (uint32_t)lane, 0, step_lo, step_hi, true};
    return (RngAt){key, fr->src[lane], fr->tgt[lane], fr->mult ? fr->mult[lane] : 0, 0, false};
}

/* The coordinates of consecutive synapses. */
static RngSynapses synapses(const DrawBlock *c)
{
    const Frame *fr = c->fr;
    return (RngSynapses){.src = fr->src + c->lo, .tgt = fr->tgt + c->lo, .mult = fr->mult ? fr->mult + c->lo : NULL};
}

static double draw_one(Op op, RngAt at, const double *x)
{
    switch (op) {
    case OP_RUNIFORM:
        return rng_uniform(at);
    case OP_RNORMAL:
        return rng_normal(at, x[0], x[1], x[2], x[3]);
    case OP_RLOGNORMAL:
        return rng_lognormal(at, x[0], x[1], x[2], x[3]);
    case OP_REXPONENTIAL:
        return rng_exponential(at, x[0], x[1], x[2]);
    case OP_RGAMMA:
        return rng_gamma(at, x[0], x[1], x[2], x[3]);
    case OP_RBINOMIAL:
        return rng_binomial_within(at, x[0], x[1], x[2], x[3]);
    case OP_RPOISSON:
        return rng_poisson_within(at, x[0], x[1], x[2]);
    default:
        cx_bug("operation %d is not a draw", (int)op);
    }
}

static void draw_lane(const DrawBlock *c, uint64_t key, int64_t k, double *out)
{
    double x[4] = {0};
    for (int j = 0; j < 4; j++)
        if (c->arg[j]) x[j] = c->arg[j][c->single >> j & 1 ? 0 : k];
    out[k] = draw_one(c->op, coordinates(c, key, k), x);
}

static void draw_uniforms(const DrawBlock *c, uint64_t key, int64_t n, double *out)
{
    if (c->lanes == LANE_NEURON) rng_uniform_range(key, (uint32_t)c->lo, c->fr->step, (int)n, out);
    else rng_uniform_synapses(key, synapses(c), (int)n, out);
}

enum { SOME = 256, FEW = 2, TRIES = 4 };

static double arg(const DrawBlock *c, int which, int64_t k)
{
    return c->arg[which][c->single >> which & 1 ? 0 : k];
}

/* Which of the lanes [lo, hi) hold a value that the bounds refuse; returns how many. */
static int refused(const DrawBlock *c, int64_t lo, int64_t hi, const double *x, uint32_t lane[SOME])
{
    int n = 0;
    if ((c->single & 12) == 12) {
        n = c->isa->outside((int)(hi - lo), x + lo, *c->arg[2], *c->arg[3], lane);
        for (int j = 0; j < n; j++) lane[j] += (uint32_t)lo;
        return n;
    }
    for (int64_t k = lo; k < hi; k++)
        if (!(x[k] >= arg(c, 2, k) && x[k] <= arg(c, 3, k))) lane[n++] = (uint32_t)k;
    return n;
}

/* Next candidates of n lanes of synapses at once. Returns how many are still refused, and puts them in front. */
static int try_again(const DrawBlock *c, uint64_t key, uint32_t attempt, int n, uint32_t lane[SOME], double *out)
{
    const Frame *fr = c->fr;
    uint32_t src[SOME], tgt[SOME], mult[SOME];
    double z[SOME];
    int left = 0;
    for (int j = 0; j < n; j++) {
        int64_t at = c->lo + lane[j];
        src[j] = fr->src[at];
        tgt[j] = fr->tgt[at];
        mult[j] = fr->mult ? fr->mult[at] : 0;
    }
    rng_normal_synapses(key, (RngSynapses){src, tgt, mult, attempt}, n, z);
    for (int j = 0; j < n; j++) {
        uint32_t k = lane[j];
        double x = arg(c, 0, k) + arg(c, 1, k) * z[j];
        if (x >= arg(c, 2, k) && x <= arg(c, 3, k)) out[k] = x;
        else lane[left++] = k;
    }
    return left;
}

/* The first candidates of all lanes, then the next ones of those that the bounds refuse. The last few lanes are drawn
 * one by one from the beginning, also where no candidate can be right. */
static void draw_normals(const DrawBlock *c, uint64_t key, int64_t n, double *out)
{
    bool neurons = c->lanes == LANE_NEURON;
    if (neurons) rng_normal_range(key, (uint32_t)c->lo, c->fr->step, (int)n, out);
    else rng_normal_synapses(key, synapses(c), (int)n, out);
    bool standard = c->single == 15 && *c->arg[0] == 0 && *c->arg[1] == 1;
    if (standard && *c->arg[2] == -CXM_INF && *c->arg[3] == CXM_INF) return; /* white noise */
    c->isa->scale[c->single & 3](n, out, c->arg[0], c->arg[1], NULL);
    for (int64_t lo = 0; lo < n; lo += SOME) {
        uint32_t lane[SOME];
        int bad = refused(c, lo, lo + SOME < n ? lo + SOME : n, out, lane);
        for (uint32_t attempt = 1; !neurons && bad >= FEW && attempt <= TRIES; attempt++)
            bad = try_again(c, key, attempt, bad, lane, out);
        for (int j = 0; j < bad; j++) draw_lane(c, key, lane[j], out);
    }
}

void draws_block(const DrawBlock *c, int64_t n, double *out)
{
    uint64_t key = c->fr->key ^ c->salt;
    bool block = !c->lane && !c->shared;
    if (block && c->op == OP_RUNIFORM) draw_uniforms(c, key, n, out);
    else if (block && c->op == OP_RNORMAL) draw_normals(c, key, n, out);
    else
        for (int64_t k = 0; k < n; k++) draw_lane(c, key, k, out);
}
