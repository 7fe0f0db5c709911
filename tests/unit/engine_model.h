/* Hand-made kernels and plans for the tests of the engine: a leaky neuron with jumps, and a population
 * that spikes when it is told. Included by one test program each. */
#ifndef ENGINE_MODEL_H
#define ENGINE_MODEL_H

#include "base.h"
#include "engine.h"
#include "plan.h"
#include "rng.h"

#include <math.h>
#include <string.h>

/* ---- the leaky neuron ---- */
enum { F_V, F_REFR, F_I, F_IN, F_GE, F_AT, N_F };
enum { LIF_INIT, LIF_ARRIVE, LIF_STEP, LIF_TEST, LIF_RESET, LIF_CHECK, LIF_OBS, LIF_DRIVE, LIF_RATE, N_LIF,
       CLOCK_TEST = N_LIF, LIF_PASS, LIF_TAIL, CLOCK_PASS, SUMS_PASS, SUMS_TAIL, N_FNS };

static const KernelField model_fields[N_F] = {
    {"V", "mV", FIELD_STATE, false}, {"refractory", "", FIELD_HIDDEN, false}, {"I", "pA", FIELD_INPUT, false},
    {"in", "mV", FIELD_ACC, false},  {"ge", "nS", FIELD_ACC, false},          {"at", "", FIELD_PARAM, false},
};
static const PlanPort model_ports[] = {{"in", F_IN, false}, {"ge", F_GE, true}};

static double model_theta = 10, model_leak = 0.99, model_rate = 0.1;
static int64_t model_clock[64]; /* step in which neuron i of a clock spikes */
static int64_t model_nan_step = -1;
static uint32_t model_nan_neuron;

static inline void lane(const KernelFn *fn, const Frame *fr, uint32_t i, double *out)
{
    double *V = fr->col[F_V], *refr = fr->col[F_REFR], *I = fr->col[F_I], *in = fr->col[F_IN], *ge = fr->col[F_GE];
    switch ((intptr_t)fn->impl) {
    case LIF_INIT:
        V[i] = rng_uniform((RngAt){.key = fr->key, .c0 = i}) * model_theta;
        fr->col[F_AT][i] = i < 64 ? (double)model_clock[i] : -1;
        break;
    case LIF_ARRIVE:
        if (refr[i] == 0) V[i] += in[i];
        if (refr[i] == 0) V[i] += ge[i];
        in[i] = ge[i] = 0;
        break;
    case LIF_STEP:
        if (refr[i] > 0) refr[i] -= 1;
        else V[i] = V[i] * model_leak + I[i];
        I[i] = 0;
        if (fr->step == model_nan_step && i >= model_nan_neuron) V[i] = NAN;
        break;
    case LIF_TEST: *out = refr[i] == 0 && V[i] >= model_theta; break;
    case LIF_RESET:
        V[i] = 0;
        refr[i] = 5;
        break;
    case LIF_CHECK: *out = isfinite(V[i]); break;
    case LIF_OBS: *out = 2 * V[i] + I[i]; break;
    case LIF_DRIVE: I[i] += 0.1 + fr->t; break;
    case LIF_RATE: *out = model_rate * (1 + i % 3); break;
    case CLOCK_TEST: *out = (double)fr->step == fr->col[F_AT][i]; break;
    default: break;
    }
}

static inline void model_range(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi, double *const *out)
{
    for (int64_t i = lo; i < hi; i++) lane(fn, fr, (uint32_t)i, out ? out[0] + (i - lo) : NULL);
}

static inline void model_list(const KernelFn *fn, const Frame *fr, const uint32_t *list, int64_t n, double *const *out)
{
    for (int64_t k = 0; k < n; k++) lane(fn, fr, list[k], out ? out[0] + k : NULL);
}

/* Arrivals, step, test and check, as a compiled model has them in one. */
static inline size_t model_pass(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi, uint32_t *hit, bool *finite)
{
    static const KernelFn part[] = {{.impl = (void *)LIF_ARRIVE}, {.impl = (void *)LIF_STEP}, {.impl = (void *)LIF_TEST}, {.impl = (void *)LIF_CHECK},
                                    {.impl = (void *)CLOCK_TEST}};
    Frame after = *fr;
    size_t hits = 0;
    intptr_t kind = (intptr_t)fn->impl;
    after.t = fr->t1;
    for (int64_t i = lo; i < hi; i++) {
        double spikes = 0, good = 1;
        if (kind == LIF_PASS || kind == SUMS_PASS) lane(&part[0], fr, (uint32_t)i, NULL);
        if (kind == LIF_PASS || kind == LIF_TAIL) lane(&part[1], fr, (uint32_t)i, NULL);
        if (kind < SUMS_PASS) lane(&part[kind == CLOCK_PASS ? 4 : 2], &after, (uint32_t)i, &spikes);
        if (kind != CLOCK_PASS) lane(&part[3], &after, (uint32_t)i, &good);
        if (spikes != 0) hit[hits++] = (uint32_t)i;
        *finite &= good != 0;
    }
    return hits;
}

#define MODEL_PASS(name, role) {name, role, 2, NULL, NULL, NULL, model_pass}
#define MODEL_FN(name, role, n_out) {name, role, n_out, NULL, model_range, model_list, NULL}
static KernelFn model_fns[N_FNS] = {
    MODEL_FN("init", FN_INIT, 0),   MODEL_FN("arrive", FN_ARRIVE, 0), MODEL_FN("step", FN_STEP, 0),
    MODEL_FN("test", FN_TEST, 1),   MODEL_FN("reset", FN_RESET, 0),   MODEL_FN("check", FN_CHECK, 1),
    MODEL_FN("obs", FN_OBS, 1),     MODEL_FN("drive", FN_DRIVE, 0),   MODEL_FN("rate", FN_RATE, 1),
    MODEL_FN("clock", FN_TEST, 1),  MODEL_PASS("pass", FN_PASS), MODEL_PASS("tail", FN_TAIL), MODEL_PASS("clock pass", FN_PASS),
    MODEL_PASS("sums", FN_PASS), MODEL_PASS("sums tail", FN_TAIL),
};

/* ---- attributes of synapses ---- */
enum { SYN_WEIGHT, SYN_DELAY, SYN_PROB, SYN_TABLE, SYN_NEGATIVE, SYN_BAD_DELAY, SYN_LONG_DELAY, SYN_BY_SOURCE, N_SYN };
static double model_weight_table[8]; /* SYN_TABLE: by source */

static inline void synapse_range(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi, double *const *out)
{
    for (int64_t k = lo; k < hi; k++) {
        RngAt at = {.key = fr->key, .c0 = fr->src[k], .c1 = fr->tgt[k], .c2 = fr->mult[k]};
        double *o = &out[0][k - lo];
        switch ((intptr_t)fn->impl) {
        case SYN_WEIGHT:
            at.key = rng_key(at.key, "w");
            *o = rng_uniform(at);
            break;
        case SYN_DELAY:
            at.key = rng_key(at.key, "d");
            *o = 0.1 * rng_below(at, 12);
            break;
        case SYN_LONG_DELAY:
            at.key = rng_key(at.key, "d");
            *o = rng_below(at, 2) ? 0.1 * 70000 : 0.2;
            break;
        case SYN_BY_SOURCE: *o = 0.1 * fr->src[k]; break;
        case SYN_PROB: *o = fr->src[k] < fr->tgt[k] ? 0.5 : 0.1; break;
        case SYN_TABLE: *o = model_weight_table[fr->src[k] & 7]; break;
        case SYN_NEGATIVE: *o = fr->src[k] == 3 && fr->tgt[k] == 17 ? -0.4 : 0.5; break;
        case SYN_BAD_DELAY: *o = fr->src[k] == 5 ? -1 : 1; break;
        default: break;
        }
    }
}

#define SYNAPSE_FN(name, role) {name, role, 1, NULL, synapse_range, NULL, NULL}
static KernelFn synapse_fns[N_SYN] = {
    SYNAPSE_FN("weight", FN_WEIGHT), SYNAPSE_FN("delay", FN_DELAY), SYNAPSE_FN("prob", FN_PROB), SYNAPSE_FN("table", FN_WEIGHT),
    SYNAPSE_FN("negative", FN_WEIGHT), SYNAPSE_FN("bad delay", FN_DELAY), SYNAPSE_FN("long delay", FN_DELAY),
    SYNAPSE_FN("delay by source", FN_DELAY),
};

static Kernel model_kernel = {.abi = CORTEXC_KERNEL_ABI, .backend = "test", .n_fields = N_F, .n_fns = N_FNS,
                              .field = model_fields, .fn = model_fns};
static Kernel synapse_kernel = {.abi = CORTEXC_KERNEL_ABI, .backend = "test", .n_fns = N_SYN, .fn = synapse_fns};
static Kernel *model_kernels[] = {&model_kernel, &synapse_kernel};

/* ---- plans ---- */
typedef struct Model {
    Plan plan;
    PlanPop pop[8];
    PlanProj proj[16];
    PlanStim stim[8];
    PlanRec rec[4];
} Model;

static inline void model_start(Model *m)
{
    for (intptr_t k = 0; k < N_FNS; k++) model_fns[k].impl = (const void *)k;
    for (intptr_t k = 0; k < N_SYN; k++) synapse_fns[k].impl = (const void *)k;
    memset(m, 0, sizeof *m);
    m->plan = (Plan){.dt = 0.1, .seed = 7, .pop = m->pop, .proj = m->proj, .stim = m->stim, .rec = m->rec,
                     .n_kernels = 2, .kernel = model_kernels};
    model_theta = 10;
    model_leak = 0.99;
    model_nan_step = -1;
    for (int k = 0; k < 64; k++) model_clock[k] = -1;
}

static inline int model_pop(Model *m, const char *name, uint32_t n)
{
    m->pop[m->plan.n_pops] = (PlanPop){.name = name, .n = n, .kernel = 0, .fn_init = LIF_INIT, .fn_arrive = LIF_ARRIVE,
        
        .fn_pass = LIF_PASS, .fn_tail = LIF_TAIL, .fn_reset = LIF_RESET, .fn_check = LIF_CHECK, .n_ports = 2,
        .port = model_ports, .record_spikes = true, .v_field = 0, .fn_rate = -1, .fn_parts = -1, .fn_part = -1};
    return m->plan.n_pops++;
}

static inline int model_clock_pop(Model *m, const char *name, uint32_t n)
{
    int p = model_pop(m, name, n);
    m->pop[p].fn_pass = m->pop[p].fn_tail = CLOCK_PASS;
    m->pop[p].fn_reset = m->pop[p].fn_arrive = m->pop[p].fn_check = -1;
    return p;
}

static inline int model_source(Model *m, const char *name, uint32_t n, double mean)
{
    int p = model_pop(m, name, n);
    m->pop[p] = (PlanPop){.name = name, .n = n, .is_source = true, .kernel = -1, .fn_init = -1, .fn_arrive = -1,
        .fn_pass = -1, .fn_tail = -1, .fn_reset = -1, .fn_check = -1, .record_spikes = true, .v_field = -1,
        .source_mean = mean, .fn_rate = -1, .fn_parts = -1, .fn_part = -1};
    return p;
}

static inline PlanSelect model_all(const Model *m, int pop)
{
    return (PlanSelect){0, m->pop[pop].n, NULL, m->pop[pop].n};
}

static inline PlanProj *model_proj(Model *m, const char *name, int src, int tgt, const char *rule, double arg)
{
    PlanProj *p = &m->proj[m->plan.n_projs++];
    *p = (PlanProj){.name = name, .place = "test:1:1", .src = src, .tgt = tgt, .src_sel = model_all(m, src),
                    .tgt_sel = model_all(m, tgt), .rule = rule, .arg = {arg}, .prob_kernel = -1, .prob_fn = -1,
                    .weight = {.value = 1}, .delay = {.value = 1}};
    return p;
}

static inline PlanAttr model_attr(int fn)
{
    return (PlanAttr){.varies = true, .kernel = 1, .fn = fn};
}

/* ---- a sink that keeps everything ---- */
typedef struct Seen {
    int pop;
    int64_t step;
    uint32_t id;
} Seen;
typedef struct SeenFrame {
    int rec;
    int64_t step;
    double first, last;
} SeenFrame;
typedef struct Keeper {
    Sink sink;
    const Plan *plan;
    Seen *spike;      /* vec */
    SeenFrame *frame; /* vec */
    int64_t now;
    bool disorder;
} Keeper;

static inline bool keep_spikes(Sink *s, int pop, int64_t step, const uint32_t *id, size_t n, Fail *f)
{
    Keeper *k = (Keeper *)s;
    (void)f;
    if (step < k->now) k->disorder = true;
    k->now = step;
    for (size_t j = 0; j < n; j++) {
        if (j && id[j] < id[j - 1]) k->disorder = true;
        vec_push(k->spike, ((Seen){pop, step, id[j]}));
    }
    return true;
}

static inline bool keep_frame(Sink *s, int rec, int64_t step, const double *const *value, Fail *f)
{
    Keeper *k = (Keeper *)s;
    const PlanRec *r = &k->plan->rec[rec];
    (void)f;
    if (step < k->now) k->disorder = true;
    k->now = step;
    vec_push(k->frame, ((SeenFrame){rec, step, value[0][0], value[r->n_vars - 1][r->sel.n - 1]}));
    return true;
}

static inline Keeper keeper(const Plan *p)
{
    return (Keeper){.sink = {keep_spikes, keep_frame}, .plan = p};
}

static inline void keeper_free(Keeper *k)
{
    vec_free(k->spike);
    vec_free(k->frame);
}

static inline Engine *model_engine(const Model *m, int threads, Keeper *k, Fail *f)
{
    Sink *sink = k ? &k->sink : NULL;
    /* The array of sinks must live as long as the engine. */
    static Sink *kept[64];
    static int at;
    Sink **slot = &kept[at++ % 64];
    *slot = sink;
    return engine_new(&m->plan, &(EngineOptions){.threads = threads, .n_sinks = k ? 1 : 0, .sink = slot}, f);
}

/* ---- edges ---- */
typedef struct ModelEdge {
    uint32_t src, tgt;
    int64_t delay;
    double weight;
} ModelEdge;

static inline void keep_edge(void *user, uint32_t src, uint32_t tgt, double weight, int64_t delay)
{
    ModelEdge **v = user;
    ModelEdge x;
    memset(&x, 0, sizeof x);
    x.src = src;
    x.tgt = tgt;
    x.delay = delay;
    x.weight = weight;
    vec_push(*v, x);
}

static inline ModelEdge *model_edges(const Engine *e, int proj)
{
    ModelEdge *v = NULL;
    engine_edges(e, proj, keep_edge, &v);
    return v;
}

#endif
