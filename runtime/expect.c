/* `expect MEASURE(…)`: hands spikes and values to the measures, each with its window. A window counted back from
 * the end (`last`) keeps what came within its length, since only the end tells where it begins. */
#include "expect.h"
#include "measures/measure.h"
#include "output_meta.h"

#include <math.h>
#include <string.h>

typedef struct Kept { /* a spike that may turn out to lie in the window */
    int64_t step;
    uint64_t cell;
    int side;
} Kept;

typedef struct Sampled { /* the values of one step */
    int64_t step;
    Average values;
} Sampled;

typedef struct Watch {
    const PlanExpect *plan;
    const Measure *measure;
    MeasureAsk ask;
    void *state;         /* of a measure of spikes, but for one of the last steps */
    uint64_t *first;     /* [population]: its first cell on its side */
    Kept *kept;          /* vec */
    Sampled *sampled;    /* vec, with `last` */
    size_t old;          /* how many of them are too old */
    Average values;      /* without */
    ExpectResult result;
} Watch;

struct Expect {
    Sink sink;
    const Plan *plan;
    Arena *arena;
    Watch *watch;
};

/* Forgets what is more than the window's length before `step`; moves the rest now and then. */
#define FORGET(w, list, limit)                                                              \
    do {                                                                                    \
        while ((w)->old < vec_len(list) && (list)[(w)->old].step <= (limit)) (w)->old++;    \
        if ((w)->old > vec_len(list) / 2 + 1024) {                                          \
            size_t left = vec_len(list) - (w)->old;                                         \
            memmove((list), (list) + (w)->old, left * sizeof *(list));                      \
            vec_head(list)->len = left;                                                     \
            (w)->old = 0;                                                                   \
        }                                                                                   \
    } while (0)

static void take_spike(Watch *w, int side, uint64_t cell, int64_t step)
{
    if (w->plan->last < 0) w->measure->spike(w->state, &w->ask, side, cell, step);
    else vec_push(w->kept, ((Kept){step, cell, side}));
}

static bool on_spikes(Sink *s, int pop, int64_t step, const uint32_t *id, size_t n, Fail *f)
{
    Expect *x = (Expect *)s;
    (void)f;
    for (int k = 0; k < x->plan->n_expects; k++) {
        Watch *w = &x->watch[k];
        const PlanExpect *e = w->plan;
        if (w->measure->def.of_values || (e->last < 0 && step <= e->from) || step > e->to) continue;
        if (e->last >= 0) FORGET(w, w->kept, step - e->last);
        for (int q = 0; q < e->n_pops; q++) {
            if (e->pop[q] != pop) continue;
            for (size_t m = 0; m < n; m++) {
                int64_t at = output_position(&e->sel[q], id[m]);
                if (at >= 0) take_spike(w, q >= e->n_first, w->first[q] + (uint64_t)at, step);
            }
        }
    }
    return true;
}

static bool on_frame(Sink *s, int rec, int64_t step, const double *const *value, Fail *f)
{
    Expect *x = (Expect *)s;
    (void)f;
    for (int k = 0; k < x->plan->n_expects; k++) {
        Watch *w = &x->watch[k];
        for (int q = 0; w->plan->rec && q < w->plan->n_pops; q++) {
            if (w->plan->rec[q] != rec) continue;
            Average one = average_of(value[0], x->plan->rec[rec].sel.n);
            if (w->plan->last < 0) {
                average_add(&w->values, &one);
                continue;
            }
            FORGET(w, w->sampled, step - w->plan->last);
            vec_push(w->sampled, ((Sampled){step, one}));
        }
    }
    return true;
}

Expect *expect_new(const Plan *p)
{
    Expect *x = cx_alloc(1, sizeof *x, "expectations");
    *x = (Expect){.sink = {.spikes = on_spikes, .frame = on_frame}, .plan = p, .arena = arena_new("expectations")};
    x->watch = arena_many(x->arena, Watch, (size_t)p->n_expects + 1);
    for (int k = 0; k < p->n_expects; k++) {
        const PlanExpect *e = &p->expect[k];
        Watch *w = &x->watch[k];
        *w = (Watch){.plan = e, .measure = measure_find(e->measure),
                     .ask = {.arena = x->arena, .from = e->from, .to = e->to, .width = e->width, .dt = p->dt}};
        w->first = arena_many(x->arena, uint64_t, (size_t)e->n_pops + 1);
        for (int q = 0; q < e->n_pops; q++) {
            w->first[q] = w->ask.cells[q >= e->n_first];
            w->ask.cells[q >= e->n_first] += e->sel[q].n;
        }
        if (w->measure->begin) w->state = w->measure->begin(&w->ask);
    }
    return x;
}

Sink *expect_sink(Expect *x) { return &x->sink; }

int expect_count(const Expect *x) { return x->plan->n_expects; }

/* The result of a measure of spikes; those that were kept are handed over now that the window is known. */
static double of_spikes(Watch *w, const char **why)
{
    for (size_t k = 0; k < vec_len(w->kept); k++)
        if (w->kept[k].step > w->ask.from && w->kept[k].step <= w->ask.to)
            w->measure->spike(w->state, &w->ask, w->kept[k].side, w->kept[k].cell, w->kept[k].step);
    return w->measure->result(w->state, &w->ask, why);
}

static double of_values(Watch *w, const char **why)
{
    for (size_t k = 0; k < vec_len(w->sampled); k++)
        if (w->sampled[k].step >= w->ask.from && w->sampled[k].step < w->ask.to) average_add(&w->values, &w->sampled[k].values);
    return w->values.n > 0 ? w->measure->of(&w->values) : measure_none(why, "no value was seen");
}

static double of_synapses(const Expect *x, const Watch *w, const Engine *e, const char **why)
{
    Average all = {0};
    for (int rec = w->plan->syn_rec; rec < w->plan->syn_rec + w->plan->n_syn_recs; rec++) {
        size_t n = (size_t)engine_proj_synapses(e, x->plan->syn_rec[rec].proj);
        if (!n) continue;
        double *value = cx_alloc(n, sizeof *value, "expectations");
        engine_synapse_values(e, rec, 0, value);
        Average a = average_of(value, n);
        average_add(&all, &a);
        cx_free(value);
    }
    return all.n > 0 ? w->measure->of(&all) : measure_none(why, "no synapses");
}

void expect_finish(Expect *x, const Engine *e)
{
    int64_t steps = engine_stats(e).steps;
    for (int k = 0; k < x->plan->n_expects; k++) {
        Watch *w = &x->watch[k];
        const PlanExpect *p = w->plan;
        ExpectResult *r = &w->result;
        *r = (ExpectResult){.text = p->text, .unit = p->unit};
        if (p->to > steps) w->ask.to = steps;
        if (p->last >= 0) w->ask.from = p->last < w->ask.to ? w->ask.to - p->last : 0;
        double v = p->syn_rec >= 0           ? of_synapses(x, w, e, &r->why)
                   : w->ask.to <= w->ask.from ? measure_none(&r->why, "the run ended before this window")
                   : w->measure->begin        ? of_spikes(w, &r->why)
                                              : of_values(w, &r->why);
        r->value = v;
        if (w->measure->def.unit == MEASURE_VALUE) output_scale(&r->value, &v, 1, output_factor(p->unit));
        r->met = !r->why && (p->open_lo ? r->value > p->lo : r->value >= p->lo) && (p->open_hi ? r->value < p->hi : r->value <= p->hi);
    }
}

ExpectResult expect_result(const Expect *x, int k) { return x->watch[k].result; }

void expect_free(Expect *x)
{
    if (!x) return;
    for (int k = 0; k < x->plan->n_expects; k++) {
        vec_free(x->watch[k].kept);
        vec_free(x->watch[k].sampled);
    }
    arena_free(x->arena);
    cx_free(x);
}
