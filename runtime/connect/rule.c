/* What connection rules share: positions in selections, unbiased draws with and without replacement,
 * sorting, messages. */
#include "rule.h"

#include <string.h>

#define RULE(name) extern const Rule connect_##name;
#include "connect.def"
#undef RULE

const Rule *const rule_all[] = {
#define RULE(name) &connect_##name,
#include "connect.def"
#undef RULE
};
const int n_rules = (int)(sizeof rule_all / sizeof *rule_all);

const Rule *rule_find(const char *name)
{
    for (int k = 0; k < n_rules; k++)
        if (strcmp(rule_all[k]->def.name, name) == 0) return rule_all[k];
    return NULL;
}

/* The position of a neuron in a selection, or RULE_NONE. */
uint32_t rule_position(const PlanSelect *s, uint32_t neuron)
{
    if (!s->index) return neuron >= s->lo && neuron < s->hi ? neuron - s->lo : RULE_NONE;
    uint32_t lo = 0, hi = s->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->index[mid] < neuron) lo = mid + 1;
        else hi = mid;
    }
    return lo < s->n && s->index[lo] == neuron ? lo : RULE_NONE;
}

/* Where the neuron at position k of `from` must be left out of `to` (an autapse that is not wanted);
 * RULE_NONE when nothing is left out. */
uint32_t rule_self(const RuleCall *c, const PlanSelect *from, const PlanSelect *to, uint32_t k)
{
    return c->same && !c->autapses ? rule_position(to, rule_at(from, k)) : RULE_NONE;
}

/* Picks k of n candidates (positions 0 … n-1 without `skip`) for a line of pairs and appends them to
 * w->pick: with replacement in order of drawing, without it (again false, k not above the number of
 * candidates) ascending. The draw is a pure function of key, line, k, n and skip. */
void rule_draw(RuleWork *w, uint64_t key, uint32_t line, uint64_t k, uint32_t n, uint32_t skip, bool again)
{
    uint32_t m = n - (skip != RULE_NONE);
    size_t old = vec_len(w->pick);
    if (!k) return;
    cx_assert(m > 0 && (again || k <= m));
    RngLine s;
    rng_line_start(&s, key, line, m);
    vec_extend(w->pick, (size_t)k);
    uint32_t *pick = w->pick + old;
    if (again) {
        rng_line_below(&s, k, pick);
        for (uint64_t j = 0; skip != RULE_NONE && j < k; j++) pick[j] += pick[j] >= skip;
        return;
    }
    /* Draw the smaller of the set and its complement; what was drawn before is drawn again. */
    size_t words = ((size_t)m + 63) / 64;
    if (vec_len(w->seen) < words) vec_extend(w->seen, words - vec_len(w->seen)); /* zeroed */
    bool inverse = k > m / 2;
    for (uint64_t left = inverse ? m - k : k; left > 0;) {
        uint32_t some[64];
        uint64_t most = left < 64 ? left : 64;
        rng_line_below(&s, most, some);
        for (uint64_t j = 0; j < most; j++) {
            uint64_t bit = (uint64_t)1 << (some[j] & 63), *word = &w->seen[some[j] / 64];
            left -= !(*word & bit);
            *word |= bit;
        }
    }
    size_t at = 0;
    for (size_t j = 0; j < words; j++) {
        uint64_t bits = inverse ? ~w->seen[j] : w->seen[j];
        w->seen[j] = 0;
        for (; bits; bits &= bits - 1) {
            uint32_t p = (uint32_t)(64 * j) + (uint32_t)__builtin_ctzll(bits);
            if (p < m) pick[at++] = p + (p >= skip);
        }
    }
}

/* Can every line have its k picks? `what` names the argument; by_target: a line is a target. */
bool rule_check_draw(const RuleCall *c, const char *what, double k, bool by_target, Fail *f)
{
    const PlanSelect *lines = by_target ? c->tgt : c->src, *from = by_target ? c->src : c->tgt;
    const char *name = by_target ? c->src_name : c->tgt_name, *kind = by_target ? "sources" : "targets";
    if (!(k >= 0) || k > 4294967295.0) return rule_fail(c, f, "%s = %.17g is not between 0 and 4294967295", what, k);
    if (k == 0 || (c->multapses && from->n > 1)) return true;
    /* Only a line whose own neuron is among the candidates has one less. */
    uint32_t least = from->n;
    if (c->same && !c->autapses)
        for (uint32_t j = 0; j < lines->n && least == from->n; j++)
            if (rule_self(c, lines, from, j) != RULE_NONE) least--;
    if (c->multapses ? least > 0 : k <= least) return true;
    if (least == 0)
        return rule_fail(c, f, "%s = %.17g, but a neuron of %s finds no other than itself among the %s; allow `autapses = true`",
                         what, k, name, kind);
    return rule_fail(c, f, "%s = %.17g, but there are only %u %s in %s and `multapses = false` takes each at most once; "
                     "lower %s or allow multapses", what, k, least, kind, name, what);
}

/* Sorts the picks, counting by digits, the lowest first. All digits are counted at once. */
void rule_sort_picks(RuleWork *w)
{
    enum { DIGIT = 8, VALUES = 1 << DIGIT, MOST = 4 };
    size_t n = vec_len(w->pick);
    uint32_t *a = w->pick, max = 0, count[MOST][VALUES];
    int digits = 1;
    if (n < 24) {
        for (size_t k = 1; k < n; k++) {
            uint32_t v = a[k];
            size_t j = k;
            for (; j > 0 && a[j - 1] > v; j--) a[j] = a[j - 1];
            a[j] = v;
        }
        return;
    }
    for (size_t k = 0; k < n; k++) max = a[k] > max ? a[k] : max;
    while (digits < MOST && max >> (DIGIT * digits)) digits++;
    memset(count, 0, (size_t)digits * sizeof *count);
    for (int d = 0; d < digits; d++)
        for (size_t k = 0; k < n; k++) count[d][a[k] >> (DIGIT * d) & (VALUES - 1)]++;
    if (vec_len(w->sorted) < n) vec_extend(w->sorted, n - vec_len(w->sorted));
    uint32_t *b = w->sorted;
    for (int d = 0; d < digits; d++) {
        uint32_t at = 0, *next = count[d];
        for (int v = 0; v < VALUES; v++) {
            uint32_t m = next[v];
            next[v] = at;
            at += m;
        }
        for (size_t k = 0; k < n; k++) b[next[a[k] >> (DIGIT * d) & (VALUES - 1)]++] = a[k];
        uint32_t *swap = a;
        a = b;
        b = swap;
    }
    if (a != w->pick) memcpy(w->pick, a, n * sizeof *a);
}

RuleCall rule_call(const Rule *rule, const PlanProj *p, const char *src, const char *tgt, uint64_t seed)
{
    RuleCall c = {.proj = p, .src_name = src, .tgt_name = tgt, .src = &p->src_sel, .tgt = &p->tgt_sel, .same = p->src == p->tgt};
    c.attr_key = rng_key(p->has_key_seed ? p->seed : seed, p->name);
    c.key = rng_key(c.attr_key, "edges");
    c.autapses = p->autapses == TRI_DEFAULT ? !c.same || rule->def.names_pairs : p->autapses == TRI_TRUE;
    c.multapses = p->multapses == TRI_DEFAULT ? rule->def.multapses_default : p->multapses == TRI_TRUE;
    return c;
}

enum { PAIRS = 1024 };

/* The targets of a source where each pair has a probability of its own, given by c->prob. */
bool rule_row_varying(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
{
    uint32_t skip = rule_self(c, c->src, c->tgt, s), neuron = rule_at(c->src, s), n = c->tgt->n;
    double p[PAIRS], *const out[1] = {p};
    uint32_t src[PAIRS], tgt[PAIRS], mult[PAIRS];
    for (uint32_t lo = 0; lo < n; lo += PAIRS) {
        uint32_t m = n - lo < PAIRS ? n - lo : PAIRS;
        for (uint32_t k = 0; k < m; k++) {
            src[k] = neuron;
            tgt[k] = rule_at(c->tgt, lo + k);
            mult[k] = 0;
        }
        Frame fr = {.key = c->attr_key, .src = src, .tgt = tgt, .mult = mult, .scratch = w->scratch};
        c->prob->range(c->prob, &fr, 0, m, out);
        for (uint32_t k = 0; k < m; k++) {
            if (lo + k == skip) continue;
            if (!(p[k] >= 0 && p[k] <= 1))
                return rule_fail(c, f, "the pair %u -> %u has p = %g, which is not between 0 and 1", src[k], tgt[k], p[k]);
            if (rng_uniform((RngAt){.key = c->key, .c0 = src[k], .c1 = tgt[k]}) < p[k]) vec_push(w->pick, lo + k);
        }
    }
    return true;
}

/* The targets of a source that PlanProj.pair lists. */
bool rule_row_pairs(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f)
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

/* Fills f with exit code 65 and "projection NAME (place): …". */
bool rule_fail(const RuleCall *c, Fail *f, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fail_set(f, EXIT_MODEL, "projection %s (%s): %s", c->proj->name, c->proj->place, text);
}

void rule_work_free(RuleWork *w)
{
    vec_free(w->pick);
    vec_free(w->seen);
    vec_free(w->sorted);
    cx_free(w->scratch);
    *w = (RuleWork){0};
}

/* About how many synapses the rule will make; 0 where nobody can tell before. */
double rule_expected(const RuleCall *c)
{
    double n = c->src->n, m = c->tgt->n, a = c->proj->arg[0];
    const char *name = c->proj->rule;
    if (!strcmp(name, "all_to_all")) return n * m;
    if (!strcmp(name, "probability")) return c->prob ? 0 : n * m * a;
    if (!strcmp(name, "indegree")) return a * m;
    if (!strcmp(name, "outdegree")) return a * n;
    if (!strcmp(name, "total")) return a;
    if (!strcmp(name, "small_world")) return a * n;
    if (!strcmp(name, "each")) return n;
    if (!strcmp(name, "pairs") || !strcmp(name, "edges")) return c->proj->n_pairs;
    return 0;
}
