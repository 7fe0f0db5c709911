/* The kinds of stimuli in the order of the plan's numbering. */
#include "stimulus.h"

#define STIM(name, kind) extern const StimKind stimulus_##name;
#include "stimuli.def"
#undef STIM

const StimKind *const stimulus_all[] = {
#define STIM(name, kind) [kind] = &stimulus_##name,
#include "stimuli.def"
#undef STIM
};
const int n_stimuli = (int)(sizeof stimulus_all / sizeof *stimulus_all);
