/* The pairs of a list. */
#include "rule.h"

extern const Rule connect_pairs;

static bool row(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
{
    const PlanPair *pair = c->proj->pair;
    uint32_t neuron = rule_at(c->src, s), n = c->proj->n_pairs, lo = 0, hi = n;
    (void)f;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (pair[mid].src < neuron) lo = mid + 1;
        else hi = mid;
    }
    for (uint32_t k = lo; k < n && pair[k].src == neuron; k++) {
        if (c->same && !c->autapses && pair[k].tgt == neuron) continue;
        if (!c->multapses && k > lo && pair[k].tgt == pair[k - 1].tgt) continue;
        uint32_t t = rule_position(c->tgt, pair[k].tgt);
        if (t == RULE_NONE) return rule_fail(c, f, "the target %u of a pair is not selected", pair[k].tgt);
        vec_push(w->pick, t);
    }
    return true;
}

static const ArgDef args[] = {
    {"list", ARG_PAIRS, true, 0, 0, 1, "pairs [i, j] of a source and a target, counted in the whole populations"},
};
const Rule connect_pairs = {
    .def = {.name = "pairs",
            .doc = "The pairs of a list; one that stands twice is made twice, unless `multapses = false`.",
            .example = "connect E -> I.ge : pairs([[0, 1], [0, 2], [5, 3]]) { weight = 6 nS }",
            .n_args = 1,
            .arg = args,
            .names_pairs = true,
            .multapses_default = true},
    .row = row,
    .sorted = true,
};
