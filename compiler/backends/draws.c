/* Random draws of blocks of lanes. Where lanes are consecutive the vectorised forms are used; the values are those of
 * drawing one by one. */
#include "draws.h"

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
    return (RngSynapses){fr->src + c->lo, fr->tgt + c->lo, fr->mult ? fr->mult + c->lo : NULL};
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

/* The first candidates of all lanes; lanes whose candidate the bounds refuse are drawn one by one, from the
 * beginning. */
static void draw_normals(const DrawBlock *c, uint64_t key, int64_t n, double *out)
{
    const double *min = c->arg[2], *max = c->arg[3];
    bool one_min = c->single & 4, one_max = c->single & 8;
    if (c->lanes == LANE_NEURON) rng_normal_range(key, (uint32_t)c->lo, c->fr->step, (int)n, out);
    else rng_normal_synapses(key, synapses(c), (int)n, out);
    c->isa->scale[c->single & 3](n, out, c->arg[0], c->arg[1], NULL);
    for (int64_t k = 0; k < n; k++)
        if (!(out[k] >= min[one_min ? 0 : k] && out[k] <= max[one_max ? 0 : k])) draw_lane(c, key, k, out);
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
