/* The kinds of stimuli in the order of the plan's numbering. */
#include "stimulus.h"

extern const StimKind stimulus_kind_poisson, stimulus_kind_drive, stimulus_kind_spikes;

const StimKind *const stimulus_kinds[N_STIM_KINDS] = {
    [STIM_POISSON] = &stimulus_kind_poisson,
    [STIM_DRIVE] = &stimulus_kind_drive,
    [STIM_SPIKES] = &stimulus_kind_spikes,
};
