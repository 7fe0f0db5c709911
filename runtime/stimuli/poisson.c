/* A private Poisson train for each neuron: in every step the number of its events is drawn and their
 * weights are added to the neuron's accumulator. */
#include "../engine_internal.h"

extern const StimKind poisson_kind;

/* Counts are at most 1e9, and doubles are made of signed numbers several at a time. */
static void add_weights(double *restrict acc, const uint32_t *restrict count, const double *restrict weight, double same,
                        uint32_t n, const double *gain)
{
    if (weight && gain)
        for (uint32_t k = 0; k < n; k++) acc[k] += (double)(int32_t)count[k] * (weight[k] * *gain);
    else if (weight)
        for (uint32_t k = 0; k < n; k++) acc[k] += (double)(int32_t)count[k] * weight[k];
    else
        for (uint32_t k = 0; k < n; k++) acc[k] += (double)(int32_t)count[k] * same;
}

/* Neurons lo … hi-1, the first at position `at` of the selection. */
static void add(Worker *w, const Stim *s, int64_t step, double t, double t1, uint32_t lo, uint32_t hi, size_t at)
{
    const PlanStim *p = s->plan;
    const Engine *e = w->engine;
    int field = e->pop[p->tgt].plan->port[p->port].acc_field;
    double *acc = w->col[p->tgt][field];
    const KernelFn *rate = p->rate_fn < 0 ? NULL : &e->plan->kernel[p->rate_kernel]->fn[p->rate_fn];
    Frame fr = {.step = step, .t = t, .t1 = t1, .key = s->key, .scratch = w->scratch};
    if (rate) fr.col = engine_columns(e, p->tgt, p->rate_kernel);
    for (uint32_t i = lo; i < hi;) {
        uint32_t n = hi - i < ENGINE_BLOCK ? hi - i : ENGINE_BLOCK;
        uint32_t *count = w->count;
        if (rate) {
            double *const out[1] = {w->out};
            rate->range(rate, &fr, i, i + n, out);
            for (uint32_t k = 0; k < n; k++) {
                RngAt draw = {s->count_key, i + k, 0, (uint32_t)step, (uint32_t)((uint64_t)step >> 32)};
                double mean = w->out[k] * e->plan->dt;
                if (!(mean >= 0 && mean <= 1e9)) {
                    engine_step_fault(w, step, "stimulus %s (%s): neuron %u has a rate of %g/ms at %.15g ms", p->name,
                                      p->place, i + k, w->out[k], t);
                    return;
                }
                count[k] = (uint32_t)rng_poisson(draw, mean);
            }
        } else {
            rng_poisson_range(s->counts, s->count_key, i, step, (int)n, count);
        }
        add_weights(acc + i, count, s->weight ? s->weight + at + (i - lo) : NULL, stimulus_weight(s, 0), n, s->gain);
        i += n;
    }
}

static void events(Worker *w, const Stim *s, int64_t step, double t, double t1)
{
    const PlanSelect *sel = &s->plan->sel;
    size_t at = s->cut[w->thread], end = s->cut[w->thread + 1];
    while (at < end) {
        size_t to = at + 1;
        if (!sel->index) to = end;
        while (to < end && sel->index[to] == sel->index[at] + (to - at)) to++;
        uint32_t lo = engine_selected(sel, at);
        add(w, s, step, t, t1, lo, lo + (uint32_t)(to - at), at);
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
