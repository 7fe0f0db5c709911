/* Every source makes k synapses onto targets drawn at random. */
#include "rule.h"

extern const Rule connect_outdegree;

static bool prepare(RuleCall *c, Fail *f)
{
    return rule_check_draw(c, "k", c->proj->arg[0], false, f);
}

static uint64_t degree_of(const RuleCall *c, uint32_t s)
{
    (void)s;
    return (uint64_t)c->proj->arg[0];
}

static bool row(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
{
    (void)f;
    rule_draw(w, c->key, rule_at(c->src, s), degree_of(c, s), c->tgt->n,
              rule_self(c, c->src, c->tgt, s), c->multapses);
    return true;
}

static const ArgDef args[] = {
    {"k", ARG_COUNT, true, 0, 0, 4294967295.0, "synapses that each source makes"},
};
const Rule connect_outdegree = {
    .def = {.name = "outdegree",
            .doc = "Each source makes exactly k synapses, onto targets drawn at random.",
            .example = "connect E -> I.ge : outdegree(80) { weight = 6 nS }",
            .n_args = 1,
            .arg = args,
            .multapses_default = true},
    .prepare = prepare,
    .row = row,
    .degree = degree_of,
};
