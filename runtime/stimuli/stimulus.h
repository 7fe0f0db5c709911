/* A kind of stimulus: its descriptor and what it does in a step, for the neurons of one thread. */
#ifndef CORTEXC_STIMULUS_H
#define CORTEXC_STIMULUS_H

#include "base.h"
#include "plan.h"
#include "registry.h"

struct Worker;
struct Stim;
typedef struct StimKind {
    StimDef def;
    PlanStimKind kind;
    /* Phase 1: adds events to the accumulators. NULL for a kind that makes none. */
    void (*events)(struct Worker *w, const struct Stim *s, int64_t step, double t, double t1);
    /* Phase 2: adds to the inputs. NULL for a kind that does not. */
    void (*inputs)(struct Worker *w, const struct Stim *s, int64_t step, double t, double t1);
} StimKind;
extern const StimKind *const stimulus_all[];
extern const int n_stimuli;

#endif
