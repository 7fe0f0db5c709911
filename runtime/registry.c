/* The tables that the compiler checks calls against, made of connect.def, stimuli.def and measures.def. */
#include "registry.h"

#include "connect/rule.h"
#include "measures/measure.h"
#include "stimuli/stimulus.h"

#include <string.h>

#define RULE(name) extern const Rule connect_##name;
#include "connect/connect.def"
#undef RULE
static const RuleDef *const rules[] = {
#define RULE(name) &connect_##name.def,
#include "connect/connect.def"
#undef RULE
};

static const StimDef *const stims[] = {
#define STIM(name) &stimulus_##name,
#include "stimuli/stimuli.def"
#undef STIM
};

static const MeasureDef *const measures[] = {
#define MEASURE(name) &measure_##name.def,
#include "measures/measures.def"
#undef MEASURE
};

/* What the rule itself says of its arguments and the sizes of both sides, before anything is built. */
static bool check_rule(const PlanProj *p, const char *src, const char *tgt, char *why, size_t size)
{
    const Rule *rule = rule_find(p->rule);
    RuleCall c = rule_call(rule, p, src, tgt, 0);
    Fail f = {0};
    bool ok = !rule->prepare || rule->prepare(&c, &f);
    cx_free(c.table);
    if (ok) return true;
    const char *text = strstr(f.text, "): "); /* the place is the caller's to tell */
    snprintf(why, size, "%s", text ? text + 3 : f.text);
    return false;
}

const Registry runtime_registry = {
    .n_rules = (int)(sizeof rules / sizeof *rules),
    .n_stims = (int)(sizeof stims / sizeof *stims),
    .n_measures = (int)(sizeof measures / sizeof *measures),
    .rule = rules,
    .measure = measures,
    .stim = stims,
    .check_rule = check_rule,
};
