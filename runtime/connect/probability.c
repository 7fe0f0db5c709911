/* Every pair with probability p, independently. With a constant p the distances between successes
 * are geometric, so the work is that of the synapses and not that of the pairs. */
#include "cxmath.h"
#include "rule.h"

extern const Rule connect_probability;

static bool prepare(RuleCall *c, Fail *f)
{
    double p = c->proj->arg[0];
    if (c->prob || (p >= 0 && p <= 1)) return true;
    return rule_fail(c, f, "p = %.17g is not between 0 and 1", p);
}

enum { SOME = 256 }; /* distances drawn at a time */

static bool row_constant(const RuleCall *c, RuleWork *w, uint32_t s)
{
    double p = c->proj->arg[0];
    uint32_t skip = rule_self(c, c->src, c->tgt, s), n = c->tgt->n - (skip != RULE_NONE), neuron = rule_at(c->src, s);
    if (p == 0) return true;
    if (p == 1) {
        for (uint32_t k = 0; k < n; k++) vec_push(w->pick, k + (k >= skip));
        return true;
    }
    double scale = 1.0 / cx_log1p(-p), at = -1, gap[SOME];
    int some;
    for (uint32_t from = 0;; from += (uint32_t)some) {
        double expected = (n - at) * p + 8;
        some = expected < SOME ? (int)expected : SOME;
        rng_line_gaps(c->key, neuron, from, some, scale, gap);
        for (int k = 0; k < some; k++) {
            at += gap[k];
            if (!(at < n)) return true;
            uint32_t t = (uint32_t)at;
            vec_push(w->pick, t + (t >= skip));
        }
    }
}

static bool row(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
{
    return c->prob ? rule_row_varying(c, w, s, f) : row_constant(c, w, s);
}

static const ArgDef args[] = {
    {"p", ARG_FRACTION, true, 0, 0, 1, "probability of a pair; may depend on i, j and distance"},
};
const Rule connect_probability = {
    .def = {.name = "probability",
            .doc = "Each pair of source and target with probability p, independently of all others.",
            .example = "connect E -> I.ge : probability(2%) { weight = 6 nS }",
            .n_args = 1,
            .arg = args},
    .prepare = prepare,
    .row = row,
    .sorted = true,
};
