/* A matrix of weights: an entry that is not zero is a synapse. The compiler makes the entries
 * functions of the pair. */
#include "rule.h"

extern const Rule connect_matrix;

static const ArgDef args[] = {
    {"weights", ARG_MATRIX, true, 0, 0, 1, "a list of rows, one row a source, one entry a target"},
};
const Rule connect_matrix = {
    .def = {.name = "matrix",
            .doc = "Each entry that is not zero is the weight of a synapse, from the source of its row to the target of its column.",
            .example = "connect E[0:2] -> I[0:3].ge : matrix([[1 nS, 0 nS, 2 nS], [0 nS, 3 nS, 0 nS]])",
            .n_args = 1,
            .arg = args,
            .names_pairs = true},
    .row = rule_row_varying,
    .sorted = true,
};
