/* The plan: everything the runtime needs to know of a model. Arrays and indices; no pointers into the
 * compiler. All strings and arrays belong to the plan's arena. Times are steps; raw doubles that
 * cross are in internal units (ms, mV, pA, nS). */
#ifndef CORTEXC_PLAN_H
#define CORTEXC_PLAN_H

#include "kernel.h"

/* Which neurons: a range (index NULL) or an ascending list. */
typedef struct PlanSelect {
    uint32_t lo, hi;
    const uint32_t *index;
    uint32_t n; /* hi - lo, or the length of index */
} PlanSelect;

typedef struct PlanPort {
    const char *name;
    int acc_field; /* FIELD_ACC of the population's kernel; FIELD_INPUT where synapses add to it in every step */
    bool non_negative;
} PlanPort;

/* Events at given steps, ascending by step, then index; several of one neuron in a step count. */
typedef struct PlanEvents {
    size_t n;
    const int64_t *step;
    const uint32_t *index; /* NULL: each is for all */
} PlanEvents;
/* The first event of `step` or later. */
static inline size_t plan_events_from(const PlanEvents *e, int64_t step)
{
    size_t lo = 0, hi = e->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (e->step[mid] < step) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* The propagator over the time h of n linear equations x' = A x + c + G xi whose coefficients are
 * parameters; c_j = gain_j u_j + offset_j. A function gives the entries of each neuron: below, a, g,
 * gain, offset hold which output an entry is (-1: zero). P = exp(A h), Q its integral, L L^T the covariance
 * of the noise after h: p, f, b, l hold the columns to be written (-1: not wanted). */
typedef struct PlanExact {
    int fn;                   /* FN_MATRIX of the population's kernel */
    double h;
    int n, n_xi;
    const int *a, *g;         /* n x n, n x n_xi */
    const int *gain, *offset; /* n */
    const int *p, *f, *l;     /* n x n: P_ij; Q_ij gain_j; L_ij */
    const int *b;             /* n: sum over j of Q_ij offset_j */
} PlanExact;

typedef struct PlanPop {
    const char *name;  /* "L4.e" */
    const char *layer; /* "L4", or the population's own name when it is in no layer */
    const char *model;
    uint32_t n;
    bool is_source;          /* emits spikes and has no state */
    int kernel;              /* into Plan.kernel; -1 for a source without functions */
    int fn_init, fn_arrive, fn_pass, fn_tail, fn_reset, fn_check; /* -1: none */
    int fn_parts, fn_part; /* equations that divide their steps; -1: none */
    int n_exact;
    const PlanExact *exact;
    int n_ports;
    const PlanPort *port;
    bool record_spikes;
    bool has_key_seed; /* `seed = n` in the block */
    uint64_t seed;
    /* for the summary of a silent population: the tested variable and what it must pass */
    int v_field;             /* -1 unknown */
    double v_rest, v_threshold;
    bool v_known;
    /* sources: mean events a step of each neuron, or a FN_RATE (1/ms) of the kernel */
    double source_mean;
    int fn_rate;
    bool rate_counts;  /* fn_rate gives the number of spikes at t_{n+1} instead */
    PlanEvents list;   /* or spikes stamped at the end of the steps given */
    bool synapse_inhibitory; /* every outgoing weight known to be negative: for node tables */
    double color[3];
    const double *const *place; /* x, y and z in um of each neuron, or NULL */
} PlanPop;

typedef struct PlanAttr { /* a weight or delay: the same for all, or computed per synapse */
    bool varies;
    double value;
    int kernel, fn;
} PlanAttr;

enum { PLAN_SUMS = 8 };
typedef enum PlanWhen { ON_PRE, ON_POST, ON_EVENT } PlanWhen;
typedef struct PlanFrom { /* neurons whose spikes, or other events, are events of synapses */
    int pop;
    int field;           /* -1: spikes; or a column that is 1 where the event came in the last step */
    PlanSelect sel;
} PlanFrom;
enum PlanUse { PLAN_READS = 1, PLAN_WRITES = 2 }; /* what a function does to a field */

typedef struct PlanHandler { /* what synapses do at one kind of moment */
    PlanWhen when;
    int fn;              /* FN_PRE, FN_POST or FN_EVENT */
    const uint8_t *use;  /* [field of the kernel]: PlanUse of fn, at least; NULL: all of both */
    int trace;           /* FN_TRACE behind it, over the source or the target; -1: none */
    int field;           /* -1; or it is at an event of the source or target instead, where this column of theirs is 1 */
    int64_t after;       /* steps behind the arrival, behind the spike of the target, or behind the event */
    int n_sums, sum[PLAN_SUMS]; /* out[k] is added to this FIELD_ACC of the target's kernel */
    bool draws;          /* random numbers, anew at each event */
    int n_from;          /* ON_EVENT */
    const PlanFrom *from;
} PlanHandler;
typedef struct PlanSynapse { /* a synapse model */
    const char *name;       /* NULL for static synapses, whose weight is in PlanProj */
    int kernel, fn_init;
    int fn_source, fn_target; /* FN_TRACE that give sources and targets their first values; -1: none */
    int n_handlers;         /* in the order in which they run within a step: arrivals, spikes of targets, events */
    const PlanHandler *handler;
    bool reads_source;      /* a handler reads the source's variables */
    bool needs_source;      /* a handler that runs at no arrival needs to know the sources */
    bool needs_mult;        /* handlers draw, so they need to know the multiplicities */
    int fn_step;            /* FN_STEP: what synapses do in every step, from values of t_n; -1: nothing */
    int n_flows;
    const int *flow;        /* its out[k] is added to this FIELD_INPUT of the target's kernel */
    bool step_draws;        /* it draws random numbers */
    bool linked;            /* it, or what is recorded, reads values of neurons behind the events of t_n */
} PlanSynapse;

typedef enum PlanTri { TRI_DEFAULT, TRI_FALSE, TRI_TRUE } PlanTri;

typedef struct PlanPair { /* neurons of the whole populations */
    uint32_t src, tgt;
} PlanPair;

typedef struct PlanProj {
    const char *name; /* "SRC->TGT.port", "#2" behind further ones, or its `as` */
    const char *place; /* "file:line:col" for messages */
    bool watched;      /* blocks of the protocol read or write its synapses: it shares its rows with no other */
    int src, tgt, port;
    PlanSelect src_sel, tgt_sel;
    const char *rule;
    double arg[4];     /* as the rule's descriptor says (k of indegree, n of total, p of probability) */
    int prob_kernel, prob_fn; /* FN_PROB when p varies, else -1; of `each` it gives the target */
    const PlanPair *pair; /* of `pairs` and `edges`, sorted by source, then target */
    uint32_t n_pairs;
    PlanTri autapses, multapses;
    bool procedural;   /* rows are made anew when a source spikes, instead of being kept */
    PlanSynapse synapse;
    int kernel;        /* of functions of the protocol over static synapses, -1: none; their weight is its only own column */
    PlanAttr weight;   /* of static synapses */
    PlanAttr delay;    /* value in steps when it does not vary; the function gives ms */
    bool has_key_seed; /* `seed = n` in the block */
    uint64_t seed;
} PlanProj;

typedef struct PlanLink { /* an index into another population that is computed in every step */
    const char *pop, *place;
    uint32_t n;           /* it must be from 0 to below n */
} PlanLink;

typedef enum PlanStimKind { STIM_POISSON, STIM_DRIVE, STIM_SPIKES, N_STIM_KINDS } PlanStimKind;
typedef struct PlanStim {
    const char *name, *place;
    PlanStimKind kind;
    int tgt;
    PlanSelect sel;
    int port;          /* STIM_POISSON */
    double mean;       /* STIM_POISSON: mean events a step of each neuron, when rate_fn is -1 */
    int rate_kernel, rate_fn; /* FN_RATE, in 1/ms, all inputs together */
    PlanAttr weight;   /* LANE_SYNAPSE with source = target = the neuron */
    int weight_net, gain_net; /* numbers of the network that stand for the weight and its factor; -1: none */
    int drive_fn;      /* STIM_DRIVE: FN_DRIVE of the target's kernel */
    bool after_arrivals; /* it reads what arrivals change */
    int n_links;       /* its outputs are indices */
    const PlanLink *link;
    PlanEvents list;   /* STIM_SPIKES */
    int64_t start, stop; /* steps, stop exclusive; INT64_MAX for never */
    bool has_key_seed;
    uint64_t seed;
} PlanStim;

typedef enum PlanOver { OVER_NONE, OVER_MEAN, OVER_SD, OVER_MIN, OVER_MAX } PlanOver;
typedef struct PlanVar {
    const char *name, *unit;
    int field; /* or -1: */
    int fn;    /* FN_OBS of the population's kernel */
    PlanOver over; /* one number of all selected neurons together is written: `mean(V)` */
} PlanVar;

typedef enum PlanTimes { TIMES_EVERY, TIMES_AT, TIMES_END, TIMES_SPIKES } PlanTimes;
typedef struct PlanLook { /* when a recorder looks */
    PlanTimes kind;
    int64_t every, from, to; /* TIMES_EVERY: steps from, from + every, … < to */
    const int64_t *at;       /* TIMES_AT: these steps, ascending */
    int64_t n_at;
} PlanLook;
/* The place of `step` in the list, or -1. */
static inline int64_t plan_rank(const PlanLook *w, int64_t step)
{
    int64_t lo = 0, hi = w->n_at;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (w->at[mid] < step) lo = mid + 1;
        else hi = mid;
    }
    return lo < w->n_at && w->at[lo] == step ? lo : -1;
}
/* Whether it looks at this step, apart from the end and from spikes. */
static inline bool plan_due(const PlanLook *w, int64_t step)
{
    if (w->kind == TIMES_AT) return plan_rank(w, step) >= 0;
    return w->kind == TIMES_EVERY && step >= w->from && step < w->to && (step - w->from) % w->every == 0;
}

typedef struct PlanRec { /* one `record VARS of POP …`, per population */
    int pop;
    PlanSelect sel;
    int n_vars;
    const PlanVar *var;
    PlanLook when;
    bool watched;            /* only looked at: nothing of it is written */
} PlanRec;

typedef struct PlanCount { /* `record rate of POP every …`, `record count of POP every …` */
    int pop;
    PlanSelect sel;
    bool each;               /* numbers of spikes of each neuron; else the rate of a neuron in Hz, all together */
    int64_t every, from, to; /* steps: of (t - every, t] at t = from + every, from + 2 every, … <= to */
} PlanCount;

typedef struct PlanSynRec { /* one `record VARS of PROJECTION …`; the functions belong to the kernel of its synapse */
    const char *name; /* of the projection */
    int proj;         /* into Plan.proj */
    int n_vars;
    const PlanVar *var;
    PlanLook when;
    bool watched;
    bool connectivity; /* the projection itself is written, with its first variable as the weight, if any */
} PlanSynRec;

typedef struct PlanExpect { /* `expect rate(…) in [lo, hi]`, checked at the end of the run */
    const char *text;       /* as the user wrote it */
    const char *measure;    /* "rate" */
    const int *pop;
    const PlanSelect *sel;
    int n_pops, n_first;    /* of them, how many are the first side (correlation) */
    int64_t from, to;       /* steps: spikes stamped in (from, to] count, values of from <= t < to */
    int64_t last;           /* or the last so many steps before `to`; -1 */
    int64_t width;          /* steps: a bin, or the longest interval of a burst */
    const int *rec;         /* of values: recorders, one a population; NULL */
    int syn_rec, n_syn_recs; /* of synapses: the first recorder and how many, one a projection; -1 */
    const char *unit;       /* of the value and the bounds */
    double lo, hi;
    bool open_lo, open_hi;
} PlanExpect;

/* ---- the protocol: what happens to the model at moments of the run ---- */
typedef struct PlanNet { /* a number of the whole network: FIELD_NETWORK columns read it */
    const char *name, *unit;
    double value;        /* at the beginning */
} PlanNet;

typedef struct PlanNetRec { /* a recorded number of the network */
    int net;
    PlanLook when; /* never TIMES_SPIKES */
} PlanNetRec;

typedef struct PlanTally { /* spikes that are counted */
    int n_pops;
    const int *pop;
    const PlanSelect *sel;
    int64_t last;        /* steps back from now; 0: since `from` */
    int64_t from;
} PlanTally;

typedef enum ActKind {
    ACT_NET,      /* network number `to` = out[0] of a function of the network's kernel */
    ACT_POP,      /* field `to` of the selected neurons of `part` = out[0]; once when the field is uniform */
    ACT_SYNAPSE,  /* the same of all synapses of `part`; the weight of static ones */
    ACT_RUN,      /* runs a function that stores, over all synapses of `part` */
    ACT_MEASURE,  /* network number `to` = out[0] of all parts taken together, or column `to` of PlanColumn one a neuron */
    ACT_COUNT,    /* network number `to` = spikes of PlanCount `from` */
    ACT_UNLESS,   /* goes on at act `to` unless network number `from` is not 0 */
    ACT_SKIP,     /* goes on at act `to` */
} ActKind;
typedef enum PlanTake { TAKE_SUM, TAKE_MEAN, TAKE_MIN, TAKE_MAX, TAKE_COUNT } PlanTake;
typedef enum PlanPer { PER_ALL, PER_SOURCE, PER_TARGET } PlanPer;
typedef struct PlanPart { /* neurons or synapses, and the function that is evaluated over them */
    int pop, proj;        /* the other is -1 */
    PlanSelect sel;       /* of pop */
    int fn;               /* of the kernel of the population, or PlanProj.kernel; -1 for TAKE_COUNT */
} PlanPart;
typedef struct PlanAct {
    ActKind kind;
    int to, from, fn;
    PlanTake take;
    PlanPer per;
    int n_parts;
    const PlanPart *part;
    const char *what, *place;  /* "E.tau_m"; "file:line:col" */
    double lo, hi;             /* range of what is set */
    bool open_lo, open_hi, finite;
} PlanAct;

typedef struct PlanMoment {
    const char *name;          /* "set#1", "at#2", "every#1", in the order of the file */
    const char *place;
    int run;                   /* reached before this run */
    int64_t at;                /* step, -1: when it is reached */
    int64_t every, from;       /* every > 0: at from + k*every, from where it is reached */
    int n_acts;
    const PlanAct *act;
} PlanMoment;

typedef struct PlanRun {
    int64_t steps;
    int n_acts;                /* `until`: acts that end in network number `until` */
    const PlanAct *act;
    int until;                 /* -1: none */
    bool each_step;            /* its condition may change between moments */
} PlanRun;

typedef struct Plan {
    void *arena; /* Arena* */
    const char *title, *model_path, *model_text, *params_json;
    uint64_t model_hash;
    double dt;
    uint64_t seed;
    int n_pops, n_projs, n_stims, n_recs, n_counts, n_syn_recs, n_runs, n_expects, n_kernels;
    PlanPop *pop;     /* in order of name; `pop_order` gives the order of declaration */
    int *pop_order;
    PlanProj *proj;   /* in the normative order: by source population, then name */
    PlanStim *stim;   /* by name */
    PlanRec *rec;
    PlanCount *count;
    PlanSynRec *syn_rec;
    PlanRun *run;
    int n_nets, n_tallies, n_columns, n_moments, n_net_recs;
    const PlanNet *net;
    const PlanNetRec *net_rec;
    const PlanTally *tally;
    const int *column;   /* of each column of measures: the population whose neurons it belongs to */
    PlanMoment *moment;
    int net_kernel;      /* functions of ACT_NET; -1: none */
    PlanExpect *expect;
    Kernel **kernel;
} Plan;

#endif
