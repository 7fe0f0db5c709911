/* Small worlds (Watts & Strogatz 1998, Nature 393: 440), directed: neuron s sends to its k neighbours on
 * a ring, and each of these synapses is redirected with probability p to a neuron drawn uniformly from
 * those that are neither s nor its targets at that moment. Out-degrees are k; in-degrees are k on average. */
#include "rule.h"

extern const Rule connect_small_world;

static bool prepare(RuleCall *c, Fail *f)
{
    const PlanSelect *a = c->src, *b = c->tgt;
    double k = c->proj->arg[0];
    bool equal = c->same && a->n == b->n;
    for (uint32_t q = 0; equal && q < a->n; q++) equal = rule_at(a, q) == rule_at(b, q);
    if (!equal) return rule_fail(c, f, "small_world is a ring of neurons: the same ones of one population on both sides");
    if (k < a->n && k == 2 * __builtin_floor(k / 2)) return true;
    return rule_fail(c, f, k < a->n ? "k = %.17g is odd, but half of the neighbours stand on either side"
                                    : "k = %.17g, but a neuron has only %u others", k, a->n - 1);
}

static bool row(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
{
    uint32_t n = c->src->n, k = (uint32_t)c->proj->arg[0], neuron = rule_at(c->src, s), draws = 0;
    uint64_t where = rng_key(c->key, "target");
    double p = c->proj->arg[1];
    size_t old = vec_len(w->pick), words = ((size_t)n + 63) / 64;
    (void)f;
    if (vec_len(w->seen) < words) vec_extend(w->seen, words - vec_len(w->seen)); /* zeroed */
    vec_extend(w->pick, k);
    uint32_t *pick = w->pick + old;
    uint64_t *seen = w->seen;
    seen[s / 64] |= (uint64_t)1 << (s & 63);
    for (uint32_t e = 0; e < k; e++) {
        uint64_t step = e / 2 + 1;
        pick[e] = (uint32_t)((e % 2 ? s + step : s + n - step) % n);
        seen[pick[e] / 64] |= (uint64_t)1 << (pick[e] & 63);
    }
    for (uint32_t e = 0; e < k && k + 1 < n; e++) {
        if (!(rng_uniform((RngAt){.key = c->key, .c0 = neuron, .c1 = e}) < p)) continue;
        uint32_t t;
        do t = rng_below((RngAt){.key = where, .c0 = neuron, .c1 = draws++}, n);
        while (seen[t / 64] >> (t & 63) & 1);
        seen[pick[e] / 64] &= ~((uint64_t)1 << (pick[e] & 63));
        seen[t / 64] |= (uint64_t)1 << (t & 63);
        pick[e] = t;
    }
    seen[s / 64] = 0;
    for (uint32_t e = 0; e < k; e++) seen[pick[e] / 64] = 0;
    return true;
}

static const ArgDef args[] = {
    {"k", ARG_COUNT, true, 0, 0, 4294967295.0, "neighbours on the ring, half of them on either side"},
    {"p", ARG_CHANCE, true, 0, 0, 1, "probability that a synapse is redirected"},
};
const Rule connect_small_world = {
    .def = {.name = "small_world",
            .doc = "Each neuron to its k neighbours on a ring; each synapse goes with probability p to a neuron drawn at random instead.",
            .example = "connect E -> E.ge : small_world(10, 5%) { weight = 6 nS }",
            .n_args = 2,
            .arg = args},
    .prepare = prepare,
    .row = row,
};
