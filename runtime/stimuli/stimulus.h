/* Stimuli: descriptors for the compiler, and what the kinds of the plan do in a step for the neurons of one
 * thread. */
#ifndef CORTEXC_STIMULUS_H
#define CORTEXC_STIMULUS_H

#include "base.h"
#include "plan.h"
#include "registry.h"

struct Worker;
struct Stim;
typedef struct StimKind {
    /* Phase 1: adds events to the accumulators. NULL for a kind that makes none. */
    void (*events)(struct Worker *w, const struct Stim *s, int64_t step, double t, double t1);
    /* Phase 2: adds to the inputs. NULL for a kind that does not. */
    void (*inputs)(struct Worker *w, const struct Stim *s, int64_t step, double t, double t1);
} StimKind;
extern const StimKind *const stimulus_kinds[N_STIM_KINDS];
/* The weight of selected neuron k, with its gain. */
double stimulus_weight(const struct Stim *s, size_t k);

#define STIM(name) extern const StimDef stimulus_##name;
#include "stimuli.def"
#undef STIM

#endif
