/* Every pair that fulfils a condition, or each of them with probability p. */
#include "rule.h"

extern const Rule connect_where;

static const ArgDef args[] = {
    {"condition", ARG_CONDITION, true, 0, 0, 1, "a comparison of i, j and the like"},
    {"p", ARG_FRACTION, false, 1, 0, 1, "probability of a pair that fulfils the condition"},
};
const Rule connect_where = {
    .def = {.name = "where",
            .doc = "Each pair that fulfils the condition, with probability p, independently of all others.",
            .example = "connect E -> I.ge : where(abs(i - j) < 10, p = 20%) { weight = 6 nS }",
            .n_args = 2,
            .arg = args},
    .row = rule_row_varying,
    .sorted = true,
};
