/* The pairs of a file of edges. The compiler has read them. */
#include "rule.h"

extern const Rule connect_edges;

static const ArgDef args[] = {
    {"file", ARG_EDGES, true, 0, 0, 1, "a SONATA edges file, in quotes, looked for beside the model"},
    {"name", ARG_EDGES, false, 0, 0, 1, "of the population of edges within it, in quotes, where there are several"},
};
const Rule connect_edges = {
    .def = {.name = "edges",
            .doc = "The edges of a SONATA file between the neurons selected; its weights and delays where the block gives none.",
            .example = "connect E -> I.ge : edges(\"edges.h5\") { delay = 1 ms }",
            .n_args = 2,
            .arg = args,
            .names_pairs = true,
            .multapses_default = true},
    .row = rule_row_pairs,
    .sorted = true,
};
