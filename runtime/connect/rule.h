/* A connection rule: its descriptor and how it makes pairs. A rule works either by source (`row`
 * gives the targets of one source) or by target (`column` gives the sources of one target), always
 * as positions within the selections. Rows and columns are made in any order, on any thread, more
 * than once: they are pure functions of the call and the position. */
#ifndef CORTEXC_RULE_H
#define CORTEXC_RULE_H

#include "base.h"
#include "plan.h"
#include "registry.h"
#include "rng.h"

typedef struct RuleCall { /* one projection */
    const PlanProj *proj;
    const char *src_name, *tgt_name;
    const PlanSelect *src, *tgt;
    uint64_t key;      /* of the edges */
    uint64_t attr_key; /* of the projection: functions draw with it */
    bool same;         /* one population on both sides */
    bool autapses, multapses;
    const KernelFn *prob; /* NULL when p is constant */
    void *table;       /* what prepare made; cx_free */
} RuleCall;

typedef struct RuleWork { /* temporaries of one thread */
    uint32_t *pick;    /* vec: the result */
    uint64_t *seen;    /* vec: a bit a candidate, all zero between calls */
    uint32_t *sorted;  /* vec: scratch of rule_sort_picks */
    void *scratch;
} RuleWork;

typedef struct Rule {
    RuleDef def;
    /* Checks the arguments and makes tables. False with exit code 65. May be NULL. */
    bool (*prepare)(RuleCall *c, Fail *f);
    bool (*row)(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f);
    bool (*column)(const RuleCall *c, RuleWork *w, uint32_t t, Fail *f);
    bool sorted;       /* picks come ascending */
    /* How many targets the row of s has, where that is known before it is made; else NULL. */
    uint64_t (*degree)(const RuleCall *c, uint32_t s);
} Rule;

extern const Rule *const rule_all[];
extern const int n_rules;
const Rule *rule_find(const char *name);

/* The call of a projection with its keys and defaults; `prob` is left to the caller. */
RuleCall rule_call(const Rule *rule, const PlanProj *p, const char *src, const char *tgt, uint64_t seed);

enum { RULE_NONE = UINT32_MAX };
static inline uint32_t rule_at(const PlanSelect *s, uint32_t k)
{
    return s->index ? s->index[k] : s->lo + k;
}
uint32_t rule_position(const PlanSelect *s, uint32_t neuron);
uint32_t rule_self(const RuleCall *c, const PlanSelect *from, const PlanSelect *to, uint32_t k);
void rule_draw(RuleWork *w, uint64_t key, uint32_t line, uint64_t k, uint32_t n, uint32_t skip, bool again);
bool rule_check_draw(const RuleCall *c, const char *what, double k, bool by_target, Fail *f);
void rule_sort_picks(RuleWork *w);
double rule_expected(const RuleCall *c);
bool rule_fail(const RuleCall *c, Fail *f, const char *fmt, ...) CX_PRINTF(3, 4);
bool rule_row_varying(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f);
bool rule_row_pairs(const RuleCall *c, RuleWork *w, uint32_t s, Fail *f);
void rule_work_free(RuleWork *w);

#endif
