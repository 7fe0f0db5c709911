/* The runtime: instantiates a Plan and advances it (the step of the language reference). Results do
 * not depend on the number of threads. */
#ifndef CORTEXC_ENGINE_H
#define CORTEXC_ENGINE_H

#include "base.h"
#include "plan.h"

/* Where results go. All calls come from the thread that called engine_run, in order of time, and
 * between two steps' barriers. A false return ends the run with the Fail that was filled. */
typedef struct Sink Sink;
struct Sink {
    /* Spikes of one population stamped with the time of `step` (t = step*dt), ascending in id; a
     * source's neuron with k events stands k times. Called only when n > 0. */
    bool (*spikes)(Sink *s, int pop, int64_t step, const uint32_t *id, size_t n, Fail *f);
    /* One frame of recorder `rec`: values of variable v for selected neuron k at value[v][k]. */
    bool (*frame)(Sink *s, int rec, int64_t step, const double *const *value, Fail *f);
    /* The same of synapse recorder `rec`, in the order (source, target, multiplicity). May be NULL. */
    bool (*synapses)(Sink *s, int rec, int64_t step, uint64_t n, const double *const *value, Fail *f);
    /* Of a recorder at spikes: n of those stamped `step`, ascending in id; several calls a step. May be NULL. */
    bool (*rows)(Sink *s, int rec, int64_t step, const uint32_t *id, size_t n, const double *const *before, const double *const *after, Fail *f);
    /* A number of the network, of recorder `rec` of the plan's. May be NULL. */
    bool (*network)(Sink *s, int rec, int64_t step, double value, Fail *f);
};

/* What the time of a run is spent on. */
typedef enum EnginePart {
    ENGINE_UPDATE,   /* equations, tests, resets, and what recorders look at */
    ENGINE_DELIVERY, /* events through synapses */
    ENGINE_RANDOM,   /* draws of Poisson stimuli and sources */
    ENGINE_EXCHANGE, /* spikes into the rings of all threads */
    ENGINE_WAIT,     /* for other threads */
    ENGINE_OUTPUT,   /* results to the sinks */
    ENGINE_PARTS,
} EnginePart;

typedef struct EngineOptions {
    int threads;            /* 0: all cores, fewer for small networks */
    int n_sinks;
    Sink **sink;
    /* Called now and then (at most every 0.1 s of wall time) from engine_run. May be NULL. */
    void (*progress)(void *user, int64_t steps_done, int64_t steps_total, uint64_t spikes);
    void *user;
    bool profile;             /* measure part_s of EngineStats, which costs some time */
    const volatile int *stop; /* when *stop is not 0 building fails and a run ends after a window of steps */
} EngineOptions;

typedef struct EngineStats {
    uint64_t neurons, synapses, spikes, events; /* events: synaptic deliveries */
    int64_t steps;
    double build_s, run_s;
    double part_s[ENGINE_PARTS]; /* with `profile`: of run_s, the mean of all threads */
    int threads;
    size_t bytes_synapses, bytes_state;
} EngineStats;

/* Where a run met its first value that is not finite. */
typedef struct EngineNan {
    bool hit;
    int pop, field;
    uint32_t neuron;
    int64_t step;
} EngineNan;

typedef struct Engine Engine;
/* Builds state and connectivity. NULL and a Fail (65 for what is wrong with the model, such as a
 * negative weight into a variable declared non-negative). */
Engine *engine_new(const Plan *p, const EngineOptions *o, Fail *f);
/* The next calls of engine_run belong to run `run` of the plan: its `set`, `at`, `every` and `until` begin. */
bool engine_begin(Engine *e, int run, Fail *f);
/* Is the `until` of the run under way met? */
bool engine_over(const Engine *e);
/* Did a block of the protocol end the run, by a value out of its range or a moment that was over? What came
 * before is whole. */
bool engine_refused(const Engine *e);
/* A number of the network, now. */
double engine_net(const Engine *e, int net);
/* Advances by `steps`, or to where `until` is met. May be called again; the results of a run in parts equal those of one. */
bool engine_run(Engine *e, int64_t steps, Fail *f);
/* After the last run: phase 1 of the final time (interface: state hash, recordings at end). */
void engine_finish(Engine *e);
/* Then hands on what is recorded at the end. */
bool engine_last_frames(Engine *e, Fail *f);
EngineStats engine_stats(const Engine *e);
EngineNan engine_nan(const Engine *e);
/* The number of synapses of a projection. */
uint64_t engine_proj_synapses(const Engine *e, int proj);
/* Bytes a synapse of a projection takes on average, with its share of what is kept for sources and targets. */
double engine_proj_bytes(const Engine *e, int proj);
/* How many neurons stand on both sides of a projection but are not joined with themselves. */
uint64_t engine_proj_autapses(const Engine *e, int proj);
/* Hash of the whole state of one population: every column, spikes in flight from it. */
uint64_t engine_state_hash(const Engine *e, int pop);
/* Column of a field (n values, or one when uniform). */
const double *engine_column(const Engine *e, int pop, int field);
/* Visits the synapses of a projection in the order (source, target, multiplicity). */
typedef void EngineEdge(void *user, uint32_t src, uint32_t tgt, double weight, int64_t delay_steps);
void engine_edges(const Engine *e, int proj, EngineEdge *visit, void *user);
/* Mean, standard deviation and range of the weights of a projection at the time reached, the same
 * for any number of threads. `known` is false for synapses without a weight or with one beyond 2^19. */
typedef struct EngineWeights {
    bool known;
    double mean, sd, min, max;
} EngineWeights;
EngineWeights engine_weights(const Engine *e, int proj);
/* The ends of the synapses of a projection, in the same order. */
typedef void EngineSynapse(void *user, uint32_t src, uint32_t tgt, uint32_t mult);
void engine_synapses(const Engine *e, int proj, EngineSynapse *visit, void *user);
/* Values of variable `var` of synapse recorder `rec` at the time reached, in that order. */
void engine_synapse_values(const Engine *e, int rec, int var, double *out);
void engine_free(Engine *e);

#endif
