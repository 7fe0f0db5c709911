/* Builds all connectivity: what build.h describes, group after group. */
#include "build.h"

#include <math.h>
#include <string.h>

/* ---- between the passes ---- */

/* Turns the counts of a thread's rows into first positions, and makes room. */
static void make_room(void *user, int thread)
{
    Build *b = user;
    Group *g = b->g;
    Share *s = &g->share[thread];
    uint64_t at = 0;
    for (uint32_t k = 0; k <= g->n_rows; k++) {
        uint64_t n = s->row[k].at;
        s->row[k].at = at;
        at += n;
    }
    s->n = at;
    s->tgt = cx_alloc(at, g->wide ? sizeof(uint32_t) : sizeof(uint16_t), "synapses");
    if (g->weighted) s->weight = cx_alloc(at, sizeof(float), "synapses");
    if (g->plastic) plastic_room(b->e, g, s, thread);
    if (g->delayed) s->seg = cx_alloc(b->n_blocks, sizeof *s->seg, "synapses");
}

static void index_targets(void *user, int thread)
{
    Build *b = user;
    plastic_rows(b->g, &b->g->share[thread]);
    plastic_index_make(b->e, b->g, &b->g->share[thread], thread);
}

/* After columns were filled each row's position is the end of the row. */
static void shift_rows(void *user, int thread)
{
    Build *b = user;
    Row *row = b->g->share[thread].row;
    for (uint32_t k = b->g->n_rows; k > 0; k--) row[k].at = row[k - 1].at;
    row[0].at = 0;
}

static bool pass(Build *b, ThreadsFn *fn, Fail *f)
{
    Builder *first = NULL;
    atomic_store(&b->next, 0);
    threads_run(b->e->threads, fn, b);
    for (int t = 0; t < b->e->n_threads; t++) {
        Builder *w = &b->builder[t];
        if (w->failed && (!first || w->fail_at < first->fail_at)) first = w;
    }
    if (!first) return !(b->e->opt.stop && *b->e->opt.stop) || fail_set(f, EXIT_SYSTEM, "interrupted while the synapses were made");
    *f = first->fail;
    return false;
}

static void gather_delays(Build *b)
{
    Engine *e = b->e;
    Group *g = b->g;
    Delayed all = {0, 0, false};
    for (int k = 0; k < g->n_projs; k++) {
        int q = g->proj[k];
        for (int t = 0; t < e->n_threads; t++) {
            const Delayed *r = &b->builder[t].range[q];
            e->proj_synapses[q] += b->builder[t].n[q];
            engine_weights_join(&e->proj_weights[q], &b->builder[t].sums[q]);
            if (!r->any) continue;
            if (!all.any || r->min < all.min) all.min = r->min;
            if (!all.any || r->max > all.max) all.max = r->max;
            all.any = true;
        }
    }
    if (g->delayed) {
        g->min_delay = all.min;
        g->max_delay = all.max;
    }
}

/* Makes all rows of a group once and keeps none. */
static bool build_procedural(Build *b, Group *g, Fail *f)
{
    double expected = 0;
    for (int k = 0; k < g->n_projs; k++) expected += rule_expected(&b->call[g->proj[k]]);
    procedural_batch(g, expected);
    b->fill = true;
    if (!pass(b, build_pass_sources, f)) return false;
    gather_delays(b);
    for (int k = 0; k < g->n_projs; k++) g->n += b->e->proj_synapses[g->proj[k]];
    procedural_batch(g, (double)g->n);
    for (int t = 0; t < b->e->n_threads; t++) ring_init(&g->share[t].ring, g->max_delay);
    return true;
}

static bool build_group(Build *b, Group *g, Fail *f)
{
    Engine *e = b->e;
    b->g = g;
    b->n_blocks = ((uint64_t)g->n_rows + ROW_BLOCK - 1) / ROW_BLOCK;
    if (g->procedural) return build_procedural(b, g, f);
    for (int t = 0; t < e->n_threads; t++) {
        Share *s = &g->share[t];
        s->row = cx_alloc((size_t)g->n_rows + 1, sizeof *s->row, "synapses");
        s->base = build_acc_first(e, g->proj[0], t);
        for (int k = 1; k < g->n_projs; k++)
            if (build_acc_first(e, g->proj[k], t) < s->base) s->base = build_acc_first(e, g->proj[k], t);
    }
    for (int k = 0; k < g->n_projs; k++) {
        int q = g->proj[k];
        if (b->call[q].prob && b->rule[q]->row) b->kept[q] = cx_alloc(g->n_rows, sizeof(Kept), "connectivity");
    }
    atomic_store(&b->n_kept, 0);
    b->fill = false;
    if (!pass(b, g->by_target ? build_pass_targets : build_pass_sources, f)) return false;
    threads_run(e->threads, make_room, b);
    b->fill = true;
    if (g->by_target) {
        if (!pass(b, build_pass_targets, f)) return false;
        threads_run(e->threads, shift_rows, b);
        if (build_finishes(g) && !pass(b, build_pass_finish, f)) return false;
    } else if (!pass(b, build_pass_sources, f)) {
        return false;
    }
    gather_delays(b);
    if (g->plastic) threads_run(e->threads, index_targets, b);
    for (int t = 0; t < e->n_threads; t++) ring_init(&g->share[t].ring, g->max_delay);
    return true;
}

/* What is left of it after a failure, and the arrays. */
static void forget_kept(Build *b, const Group *g)
{
    for (int k = 0; k < g->n_projs; k++) {
        Kept *kept = b->kept[g->proj[k]];
        for (uint32_t s = 0; kept && s < g->n_rows; s++) cx_free(kept[s].pick);
        cx_free(kept);
        b->kept[g->proj[k]] = NULL;
    }
}

/* ---- all projections ---- */

static bool prepare(Build *b, int q, Fail *f)
{
    Engine *e = b->e;
    const PlanProj *p = &e->plan->proj[q];
    const PlanPop *src = &e->plan->pop[p->src], *tgt = &e->plan->pop[p->tgt];
    const Rule *rule = rule_find(p->rule);
    RuleCall *c = &b->call[q];
    if (!rule) cx_bug("no connection rule `%s`", p->rule);
    b->rule[q] = rule;
    *c = rule_call(rule, p, src->name, tgt->name, e->plan->seed);
    c->prob = p->prob_fn < 0 ? NULL : &e->plan->kernel[p->prob_kernel]->fn[p->prob_fn];
    if (!p->src_sel.n || !p->tgt_sel.n)
        return rule_fail(c, f, "no neuron of %s is selected; check the bounds of the slice", (p->src_sel.n ? tgt : src)->name);
    if (!p->weight.varies) {
        if (!isfinite(p->weight.value)) return rule_fail(c, f, "the weight %g is not finite", p->weight.value);
        if (p->weight.value < 0 && tgt->port[p->port].non_negative)
            return rule_fail(c, f, "every synapse has weight %g into `%s`, which is declared non-negative", p->weight.value,
                             tgt->port[p->port].name);
    }
    if (!p->delay.varies && !(p->delay.value >= 0 && p->delay.value < ENGINE_MAX_DELAY))
        return rule_fail(c, f, "a delay of %.17g steps is not between 0 and %d", p->delay.value, ENGINE_MAX_DELAY - 1);
    return !rule->prepare || rule->prepare(c, f);
}

/* Projections are prepared side by side: `total` splits its number over all sources. */
static void prepare_some(void *build, int thread)
{
    Build *b = build;
    Builder *w = &b->builder[thread];
    uint64_t q;
    while (!w->failed && (q = atomic_fetch_add(&b->next, 1)) < (uint64_t)b->e->plan->n_projs) {
        w->failed = !prepare(b, (int)q, &w->fail);
        w->fail_at = q;
    }
}

/* Says at once what would fill the memory for hours. A synapse takes two bytes at the very least. */
static bool enough_memory(Build *b, Fail *f)
{
    double synapses = 0, memory = (double)os_memory();
    for (int q = 0; q < b->e->plan->n_projs; q++)
        if (!b->e->plan->proj[q].procedural) synapses += rule_expected(&b->call[q]);
    if (memory <= 0 || 2 * synapses <= memory) return true;
    return fail_set(f, EXIT_LIMIT, "the connections are about %.3g synapses, which need at least %.3g GB; this machine has %.3g GB", synapses,
                    2e-9 * synapses, 1e-9 * memory);
}

/* Makes the synapses of all projections of e->plan, their rings, the window and the delays of the
 * populations. False with exit code 65 for what a model cannot mean. */
bool engine_build(Engine *e, Fail *f)
{
    size_t n = (size_t)e->plan->n_projs, threads = (size_t)e->n_threads;
    Build b = {.e = e};
    b.call = cx_alloc(n, sizeof *b.call, "connectivity");
    b.rule = cx_alloc(n, sizeof *b.rule, "connectivity");
    b.kept = cx_alloc(n, sizeof *b.kept, "connectivity");
    b.builder = cx_alloc(threads, sizeof *b.builder, "connectivity");
    e->proj_synapses = cx_alloc(n, sizeof *e->proj_synapses, "connectivity");
    e->proj_weights = cx_alloc(n, sizeof *e->proj_weights, "connectivity");
    e->proj_group = cx_alloc(n, sizeof *e->proj_group, "connectivity");
    for (size_t t = 0; t < threads; t++) build_rows_new(&b.builder[t], e);
    bool ok = pass(&b, prepare_some, f) && enough_memory(&b, f);
    if (ok) build_groups(&b);
    for (int k = 0; ok && k < e->n_groups; k++) {
        ok = build_group(&b, &e->group[k], f);
        forget_kept(&b, &e->group[k]);
    }
    e->window = ENGINE_MAX_WINDOW;
    for (int k = 0; ok && k < e->n_groups; k++) {
        Group *g = &e->group[k];
        uint64_t any = g->n; /* of a procedural group */
        for (size_t t = 0; t < threads; t++) any += g->share[t].n;
        e->stats.synapses += any;
        if (!g->procedural) g->bytes = any * ((g->wide ? 4 : 2) + (g->weighted ? 4 : 0)) + threads * ((size_t)g->n_rows + 1) * sizeof(Row);
        for (size_t t = 0; g->plastic && t < threads; t++) g->bytes += plastic_bytes(e, g, (int)t);
        for (size_t t = 0; t < threads; t++) g->n += g->share[t].n;
        e->stats.bytes_synapses += g->bytes;
        if (!any) continue;
        if (g->plastic) {
            int window = plastic_attach(e, g);
            if (window < e->window) e->window = window;
        }
        if (g->silent) continue;
        Pop *src = &e->pop[g->src];
        src->sends = true;
        if (g->max_delay > src->max_delay) src->max_delay = g->max_delay;
        if (g->min_delay + 1 < (uint32_t)e->window) e->window = (int)g->min_delay + 1;
    }
    for (size_t t = 0; t < threads; t++) e->stats.bytes_synapses += b.builder[t].n_segs * sizeof(Seg);
    for (size_t t = 0; t < threads; t++) build_rows_free(&b.builder[t], e->n_threads);
    cx_free(b.builder);
    cx_free(b.kept);
    procedural_keep(&b);
    return ok;
}
