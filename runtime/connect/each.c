/* One target for each source, given by its number. */
#include "rule.h"

extern const Rule connect_each;

static bool row(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
{
    const uint32_t src = rule_at(c->src, s), zero = 0;
    double j, *const out[1] = {&j};
    Frame fr = {.key = c->attr_key, .src = &src, .tgt = &zero, .mult = &zero, .scratch = w->scratch};
    c->prob->range(c->prob, &fr, 0, 1, out);
    if (j != __builtin_floor(j))
        return rule_fail(c, f, "the source %u has the target j = %g, which is no whole number; write `floor(…)`", src, j);
    if (!(j >= 0 && j < 4294967295.0)) return true;
    uint32_t t = rule_position(c->tgt, (uint32_t)j);
    if (t != RULE_NONE && !(c->same && !c->autapses && (uint32_t)j == src)) vec_push(w->pick, t);
    return true;
}

static const ArgDef args[] = {
    {"j", ARG_TARGET, true, 0, 0, 1, "number of the target in its whole population, an expression of i"},
};
const Rule connect_each = {
    .def = {.name = "each",
            .doc = "Each source with the one target j; none where j is outside of the neurons selected.",
            .example = "connect E -> E.ge : each(j = i + 1) { weight = 6 nS }",
            .n_args = 1,
            .arg = args,
            .names_pairs = true},
    .row = row,
    .sorted = true,
};
