/* Exactly n synapses between pairs drawn at random. The number is split over the sources by a fixed
 * binary tree: of the synapses of a range, those of its lower half are binomial (with multapses) or
 * hypergeometric (without). Given the out-degrees, targets are drawn as in `outdegree`. */
#include "rule.h"

extern const Rule connect_total;

typedef struct Tree {
    const RuleCall *c;
    uint64_t key;
    uint64_t *pairs;  /* [k]: pairs of the sources before position k */
    uint64_t *degree;
} Tree;

static void split(Tree *t, uint32_t lo, uint32_t hi, uint64_t n)
{
    while (n > 0 && hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        double left = (double)(t->pairs[mid] - t->pairs[lo]), right = (double)(t->pairs[hi] - t->pairs[mid]);
        RngAt at = {.key = t->key, .c0 = lo, .c1 = hi};
        double k = left == 0 ? 0 : right == 0 ? (double)n
                 : t->c->multapses ? rng_binomial(at, (double)n, left / (left + right))
                                   : rng_hypergeometric(at, left, right, (double)n);
        split(t, lo, mid, (uint64_t)k);
        n -= (uint64_t)k;
        lo = mid;
    }
    if (n > 0) t->degree[lo] = n;
}

static bool prepare(RuleCall *c, Fail *f)
{
    double n = c->proj->arg[0];
    uint32_t n_src = c->src->n;
    if (!(n >= 0) || n > 9007199254740992.0) return rule_fail(c, f, "n = %.17g is not between 0 and 2^53", n);
    Tree t = {.c = c, .key = rng_key(c->key, "total")};
    t.pairs = cx_alloc((size_t)n_src + 1, sizeof *t.pairs, "connectivity");
    for (uint32_t k = 0; k < n_src; k++)
        t.pairs[k + 1] = t.pairs[k] + c->tgt->n - (rule_self(c, c->src, c->tgt, k) != RULE_NONE);
    double all = (double)t.pairs[n_src];
    bool ok = n == 0 || (c->multapses ? all > 0 : n <= all);
    if (ok) {
        c->table = t.degree = cx_alloc(n_src, sizeof *t.degree, "connectivity");
        split(&t, 0, n_src, (uint64_t)n);
    } else if (c->multapses || all == 0) {
        rule_fail(c, f, "total(%.17g) finds no pair: the only neuron is its own target; allow `autapses = true`", n);
    } else {
        rule_fail(c, f, "total(%.17g) with `multapses = false`, but there are only %.17g pairs; lower n or allow multapses",
                  n, all);
    }
    cx_free(t.pairs);
    return ok;
}

static uint64_t degree_of(const RuleCall *c, uint32_t s)
{
    const uint64_t *degree = c->table;
    return degree[s];
}

static bool row(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
{
    (void)f;
    rule_draw(w, c->key, rule_at(c->src, s), degree_of(c, s), c->tgt->n, rule_self(c, c->src, c->tgt, s), c->multapses);
    return true;
}

static const ArgDef args[] = {
    {"n", ARG_COUNT, true, 0, 0, 9007199254740992.0, "number of synapses in all"},
};
const Rule connect_total = {
    .def = {.name = "total",
            .doc = "Exactly n synapses in all, each between a source and a target drawn at random.",
            .example = "connect E -> I.ge : total(100000) { weight = 6 nS }",
            .n_args = 1,
            .arg = args,
            .multapses_default = true},
    .prepare = prepare,
    .row = row,
    .degree = degree_of,
};
