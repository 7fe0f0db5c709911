/* The kinds of stimuli in the order of the plan's numbering. */
#include "../engine_internal.h"

extern const StimKind poisson_kind, drive_kind, spikes_kind;

const StimKind *const stimulus_kinds[N_STIM_KINDS] = {
    [STIM_POISSON] = &poisson_kind,
    [STIM_DRIVE] = &drive_kind,
    [STIM_SPIKES] = &spikes_kind,
};

double stimulus_weight(const Stim *s, size_t k)
{
    double w = s->weight ? s->weight[k] : *s->same;
    return s->gain ? w * *s->gain : w;
}
