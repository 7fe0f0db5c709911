/* The pairs of a list. */
#include "rule.h"

extern const Rule connect_pairs;

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
    .row = rule_row_pairs,
    .sorted = true,
};
