/* The tables that the compiler checks calls against, made of connect.def and stimuli.def. */
#include "registry.h"

#include "connect/rule.h"
#include "stimuli/stimulus.h"

#define RULE(name) extern const Rule connect_##name;
#include "connect/connect.def"
#undef RULE
#define STIM(name, kind) extern const StimKind stimulus_##name;
#include "stimuli/stimuli.def"
#undef STIM

static const RuleDef *const rules[] = {
#define RULE(name) &connect_##name.def,
#include "connect/connect.def"
#undef RULE
};

static const StimDef *const stims[] = {
#define STIM(name, kind) &stimulus_##name.def,
#include "stimuli/stimuli.def"
#undef STIM
};

const Registry runtime_registry = {
    .n_rules = (int)(sizeof rules / sizeof *rules),
    .n_stims = (int)(sizeof stims / sizeof *stims),
    .rule = rules,
    .stim = stims,
};
