/* Source k with target k. */
#include "rule.h"

extern const Rule connect_one_to_one;

static bool prepare(RuleCall *c, Fail *f)
{
    if (c->src->n == c->tgt->n) return true;
    return rule_fail(c, f, "one_to_one joins equal numbers, but %s has %u and %s has %u neurons here; "
                     "take a slice such as `[0:%u]` of the larger", c->src_name, c->src->n, c->tgt_name, c->tgt->n,
                     c->src->n < c->tgt->n ? c->src->n : c->tgt->n);
}

static bool row(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
{
    (void)f;
    if (rule_self(c, c->src, c->tgt, s) != s) vec_push(w->pick, s);
    return true;
}

const Rule connect_one_to_one = {
    .def = {.name = "one_to_one",
            .doc = "The k-th source selected with the k-th target selected; both sides have equal numbers.",
            .example = "connect input -> E.ge : one_to_one { weight = 2 nS }",
            .names_pairs = true},
    .prepare = prepare,
    .row = row,
    .sorted = true,
};
