/* Every source with every target. */
#include "rule.h"

extern const Rule connect_all_to_all;

static uint64_t degree_of(const RuleCall *c, uint32_t s)
{
    return c->tgt->n - (rule_self(c, c->src, c->tgt, s) != RULE_NONE);
}

static bool row(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
{
    uint32_t skip = rule_self(c, c->src, c->tgt, s), n = c->tgt->n;
    size_t at = vec_len(w->pick), m = n - (skip != RULE_NONE);
    (void)f;
    vec_extend(w->pick, m);
    for (uint32_t k = 0; k < m; k++) w->pick[at + k] = k + (k >= skip);
    return true;
}

const Rule connect_all_to_all = {
    .def = {.name = "all_to_all",
            .doc = "Every source with every target; within one population not with itself.",
            .example = "connect E -> I.ge : all_to_all { weight = 6 nS }"},
    .row = row,
    .degree = degree_of,
    .sorted = true,
};
