/* Given spike trains: events at listed steps, for one listed neuron each or for all. */
#include "../engine_internal.h"

extern const StimKind spikes_kind;

static void events(Worker *w, const Stim *s, int64_t step, double t, double t1)
{
    (void)t;
    (void)t1;
    const PlanStim *p = s->plan;
    const PlanEvents *list = &p->list;
    const Pop *pop = &w->engine->pop[p->tgt];
    double *acc = w->col[p->tgt][pop->plan->port[p->port].acc_field];
    uint32_t lo = pop->part[w->thread], hi = pop->part[w->thread + 1];
    for (size_t k = plan_events_from(list, step); k < list->n && list->step[k] == step; k++) {
        if (list->index) {
            uint32_t i = list->index[k];
            if (i >= lo && i < hi) acc[i] += stimulus_weight(s, s->weight ? engine_cut(&p->sel, i) : 0);
            continue;
        }
        for (size_t at = s->cut[w->thread]; at < s->cut[w->thread + 1]; at++)
            acc[engine_selected(&p->sel, at)] += stimulus_weight(s, at);
    }
}

static const ArgDef args[] = {
    {"times", ARG_EVENTS, true, 0, 0, __builtin_inf(), "times of the events, in any order"},
    {"indices", ARG_INDICES, false, 0, 0, 4294967295.0, "the neuron of each event; without it every event reaches all"},
};
const StimDef stimulus_spikes = {
    .name = "spikes",
    .doc = "Events at given times, private to the neurons aimed at; every event adds the weight.",
    .example = "stimulus -> E.ge : spikes(times = [10 ms, 12 ms], indices = [0, 3]) { weight = 5 nS }",
    .n_args = 2,
    .arg = args,
    .events = true,
};
const StimKind spikes_kind = {.events = events};
