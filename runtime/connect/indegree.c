/* Every target gets k synapses from sources drawn at random. */
#include "rule.h"

extern const Rule connect_indegree;

static bool prepare(RuleCall *c, Fail *f)
{
    return rule_check_draw(c, "k", c->proj->arg[0], true, f);
}

static bool column(const RuleCall *c, RuleWork *w, uint32_t t, Fail *f)
{
    (void)f;
    rule_draw(w, c->key, rule_at(c->tgt, t), (uint64_t)c->proj->arg[0], c->src->n,
              rule_self(c, c->tgt, c->src, t), c->multapses);
    return true;
}

static const ArgDef args[] = {
    {"k", ARG_COUNT, true, 0, 0, 4294967295.0, "synapses that each target receives"},
};
const Rule connect_indegree = {
    .def = {.name = "indegree",
            .doc = "Each target receives exactly k synapses, from sources drawn at random.",
            .example = "connect E -> I.ge : indegree(80) { weight = 6 nS }",
            .n_args = 1,
            .arg = args,
            .multapses_default = true,
            .by_target = true},
    .prepare = prepare,
    .column = column,
};
