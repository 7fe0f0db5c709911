/* A private Poisson train for each neuron: in every step the number of its events is drawn and their
 * weights are added to the neuron's accumulator. */
#include "../engine_internal.h"

extern const StimKind poisson_kind;

/* Counts are at most 1e9, and doubles are made of signed numbers several at a time. */
static void add_weights(double *restrict acc, const uint32_t *restrict count, const double *restrict weight, double scale,
                        uint32_t n)
{
    if (weight)
        for (uint32_t k = 0; k < n; k++) acc[k] += (double)(int32_t)count[k] * (weight[k] * scale);
    else
        for (uint32_t k = 0; k < n; k++) acc[k] += (double)(int32_t)count[k] * scale;
}

/* Counts of n neurons from i on, of a rate that varies; false after a fault. */
static bool draw_counts(Worker *w, const Stim *s, const KernelFn *rate, const Frame *fr, uint32_t i, uint32_t n)
{
    const PlanStim *p = s->plan;
    double dt = w->engine->plan->dt;
    rate->range(rate, fr, i, i + n, (double *[]){w->out});
    for (uint32_t k = 0; k < n; k++) w->out[k] *= dt;
    uint32_t bad = (uint32_t)rng_poisson_means(s->count_key, i, fr->step, (int)n, w->out, w->count);
    if (bad < n)
        engine_step_fault(w, fr->step, "stimulus %s (%s): neuron %u has a rate of %g/ms at %.15g ms", p->name, p->place, i + bad,
                          w->out[bad] / dt, fr->t);
    return bad == n;
}

/* Neurons lo … hi-1, whose weights are weight[0], … or, without, all `scale`. */
static void add(Worker *w, const Stim *s, int64_t step, double t, double t1, uint32_t lo, uint32_t hi, const double *weight,
                double scale)
{
    const PlanStim *p = s->plan;
    const Engine *e = w->engine;
    double *acc = w->col[p->tgt][e->pop[p->tgt].plan->port[p->port].acc_field];
    if (p->rate_fn < 0) {
        rng_poisson_add(s->counts, s->count_key, lo, step, (int)(hi - lo), weight, scale, acc + lo);
        return;
    }
    const KernelFn *rate = &e->plan->kernel[p->rate_kernel]->fn[p->rate_fn];
    Frame fr = {.col = engine_columns(e, p->tgt, p->rate_kernel), .step = step, .t = t, .t1 = t1, .key = s->key,
                .scratch = w->scratch};
    for (uint32_t i = lo, n; i < hi; i += n) {
        n = hi - i < ENGINE_BLOCK ? hi - i : ENGINE_BLOCK;
        if (!draw_counts(w, s, rate, &fr, i, n)) return;
        add_weights(acc + i, w->count, weight ? weight + (i - lo) : NULL, scale, n);
    }
}

static void events(Worker *w, const Stim *s, int64_t step, double t, double t1)
{
    const PlanSelect *sel = &s->plan->sel;
    size_t at = s->cut[w->thread], end = s->cut[w->thread + 1];
    double scale = s->weight ? s->gain ? *s->gain : 1.0 : stimulus_weight(s, 0);
    while (at < end) {
        size_t to = at + 1;
        if (!sel->index) to = end;
        while (to < end && sel->index[to] == sel->index[at] + (to - at)) to++;
        uint32_t lo = engine_selected(sel, at);
        add(w, s, step, t, t1, lo, lo + (uint32_t)(to - at), s->weight ? s->weight + at : NULL, scale);
        at = to;
    }
}

static const ArgDef args[] = {
    {"rate", ARG_RATE, true, 0, 0, __builtin_inf(), "mean rate of one input; may depend on t and i"},
    {"inputs", ARG_COUNT, false, 1, 0, 9007199254740992.0, "how many such inputs each neuron has"},
};
const StimDef stimulus_poisson = {
    .name = "poisson",
    .doc = "Independent Poisson trains, private to each neuron; every event adds the weight.",
    .example = "stimulus -> L4.e : poisson(rate = 8 Hz, inputs = 2100) { weight = 87.8 pA }",
    .n_args = 2,
    .arg = args,
    .events = true,
};
const StimKind poisson_kind = {.events = events};
