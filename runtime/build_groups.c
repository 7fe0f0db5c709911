/* Which projections share their rows. */
#include "build.h"

#include <string.h>

/* Does projection q add to this field of its targets? */
static bool adds_to(const Engine *e, int q, int field)
{
    const PlanProj *p = &e->plan->proj[q];
    bool any = e->plan->pop[p->tgt].port[p->port].acc_field == field;
    for (int h = 0; h < p->synapse.n_handlers; h++)
        for (int k = 0; k < p->synapse.handler[h].n_sums; k++) any = any || p->synapse.handler[h].sum[k] == field;
    return any;
}

static bool same_sum(const Engine *e, int a, int b)
{
    const PlanProj *p = &e->plan->proj[a];
    if (p->tgt != e->plan->proj[b].tgt) return false;
    bool any = adds_to(e, b, e->plan->pop[p->tgt].port[p->port].acc_field);
    for (int h = 0; h < p->synapse.n_handlers; h++)
        for (int k = 0; k < p->synapse.handler[h].n_sums; k++) any = any || adds_to(e, b, p->synapse.handler[h].sum[k]);
    return any;
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Do all accumulators of the group and of projection q lie within 16 bits, on every thread? */
static bool narrow_with(const Engine *e, const Group *g, int q)
{
    for (int t = 0; t < e->n_threads; t++) {
        uint64_t lo = build_acc_first(e, q, t), hi = lo + build_part_size(e, e->plan->proj[q].tgt, t);
        for (int k = 0; g && k < g->n_projs; k++) {
            uint64_t first = build_acc_first(e, g->proj[k], t), end = first + build_part_size(e, e->plan->proj[g->proj[k]].tgt, t);
            if (first < lo) lo = first;
            if (end > hi) hi = end;
        }
        if (hi - lo > 65536) return false;
    }
    return true;
}

static bool fits(const Engine *e, const Group *g, int q, bool by_target)
{
    const PlanProj *p = &e->plan->proj[q];
    if (p->procedural != g->procedural) return false;
    if (g->plastic || p->synapse.name || p->watched || e->plan->proj[g->proj[0]].watched || g->src != p->src || g->by_target != by_target || g->weighted != p->weight.varies ||
        g->delayed != p->delay.varies)
        return false;
    if (!g->weighted && !same_bits(g->weight, p->weight.value)) return false;
    if (!g->delayed && g->min_delay != (uint32_t)p->delay.value) return false;
    return g->wide || narrow_with(e, g, q);
}

/* Puts each projection into the first group that fits and lies behind every group that adds to the
 * same sum, which keeps the order of projections for each sum. */
void build_groups(Build *b)
{
    Engine *e = b->e;
    int n = e->plan->n_projs;
    e->group = cx_alloc((size_t)n, sizeof *e->group, "connectivity");
    for (int q = 0; q < n; q++) {
        const PlanProj *p = &e->plan->proj[q];
        bool by_target = b->rule[q]->column != NULL;
        int first = 0, at;
        for (int r = 0; r < q; r++) {
            if (e->plan->proj[r].src != p->src) first = e->proj_group[r] + 1;
            else if (same_sum(e, q, r) && e->proj_group[r] >= first) first = e->proj_group[r] + 1;
        }
        for (at = first; at < e->n_groups && !fits(e, &e->group[at], q, by_target); at++) {
        }
        if (at == e->n_groups) {
            e->group[e->n_groups++] = (Group){
                .src = p->src,
                .by_target = by_target,
                .plastic = p->synapse.name != NULL,
                .procedural = p->procedural,
                .wide = p->procedural || !narrow_with(e, NULL, q),
                .weighted = p->weight.varies && !p->synapse.name,
                .weight = p->weight.value,
                .delayed = p->delay.varies,
                .min_delay = p->delay.varies ? 0 : (uint32_t)p->delay.value,
                .max_delay = p->delay.varies ? 0 : (uint32_t)p->delay.value,
                .n_rows = e->pop[p->src].plan->n,
                .share = cx_alloc((size_t)e->n_threads, sizeof(Share), "connectivity"),
            };
        }
        vec_push(e->group[at].proj, q);
        e->group[at].n_projs++;
        e->proj_group[q] = at;
    }
}
