/* The engine's own structures, shared by engine*.c, ring.c, state.c and stimuli/. Nobody outside of
 * runtime/ includes this.
 *
 * Threads: every population is cut into contiguous parts, one a thread. A thread owns the neurons of
 * its parts, the accumulators in front of them and all synapses onto them, so no datum is ever
 * written by two threads, and each accumulator adds its events in the same order for any number of
 * threads. Threads meet once a window: the smallest delay d of the model makes a spike of step n
 * arrive in step n + 1 + d at the earliest, so d + 1 steps can be done between two meetings. */
#ifndef CORTEXC_ENGINE_INTERNAL_H
#define CORTEXC_ENGINE_INTERNAL_H

#include "base.h"
#include "connect/rule.h"
#include "engine.h"
#include "plan.h"
#include "rng.h"
#include "stimuli/stimulus.h"

enum {
    ENGINE_BLOCK = 1024,      /* neurons that pass all phases of a step together, in cache */
    ENGINE_MAX_WINDOW = 32,   /* steps between two meetings at most */
    ENGINE_MAX_DELAY = 1 << 22, /* steps; a longer delay is refused */
    ENGINE_MAX_THREADS = 256,
    ROW_BLOCK = 64,           /* rows whose segments share one buffer */
};

/* ---- threads.c: a pool of threads that stays, and the barrier at which they meet ---- */
typedef struct Threads Threads;
typedef void ThreadsFn(void *user, int thread);
Threads *threads_new(int n, Fail *f);
void threads_run(Threads *p, ThreadsFn *fn, void *user);
void threads_meet(Threads *p);
void threads_free(Threads *p);

/* ---- ring.c: synapses in rows by source, and the events under way ---- */
typedef struct Row {
    uint64_t at;         /* first synapse */
    uint32_t seg, n_seg; /* into the segment buffer of the row's block */
} Row;

typedef struct Seg { /* synapses of one delay */
    uint16_t skip;   /* steps more than the segment before (than 0 for the first) */
    uint16_t n;
} Seg;

typedef struct Bucket { /* what arrives in one step: first synapse << 16 | number of synapses */
    uint64_t *item;
    size_t n, cap;
} Bucket;

typedef struct Ring {
    Bucket *slot;
    uint32_t mask;
} Ring;

typedef struct Wait { /* what a handler will have to do, on one thread */
    Ring late;         /* ON_PRE with `after`: the segments that came to the synapses before */
    uint32_t *count;   /* ON_EVENT: how many events in each step */
    uint32_t mask;     /* of count */
} Wait;

typedef struct Share { /* the synapses of a group onto the neurons of one thread */
    Row *row;          /* one a neuron of the source population, and one behind */
    void *tgt;         /* uint16_t, or uint32_t in a wide group: accumulator, relative to base */
    float *weight;     /* NULL when constant */
    Seg **seg;         /* one buffer a block of rows; NULL when the delay is constant */
    uint32_t base;
    uint64_t n;
    Ring ring;
    /* Of a plastic group, where `tgt` counts the neurons of the thread and synapses are numbered as they are stored. */
    double **col;      /* [field of the synapse's kernel]; NULL for columns of populations */
    uint32_t first;    /* the first target of the thread: where columns of targets begin */
    uint32_t *near;    /* [k]: the row of synapse k << shift, or the last */
    int shift;
    uint32_t *mult;    /* multiplicities, where handlers draw and any is not 0 */
    struct Wait *wait; /* [handler] */
    struct PlasticIndex *by_target; /* NULL without `on post` */
    uint32_t *order;   /* in which they act in every step; NULL: as they are stored */
} Share;

/* Projections of one source population with weights of one form that aim at different accumulators
 * share their rows: longer rows, fewer segments. No two of a group ever add to the same sum, so the
 * normative order (source population, projection, emission, source, synapse) holds for every sum. */
typedef struct Group {
    int src, n_projs;
    int *proj;                 /* vec */
    bool by_target, wide, weighted, delayed;
    bool plastic;              /* one projection whose synapses have columns; not weighted */
    bool procedural;           /* rows are made when a source spikes; shares hold nothing but the ring, base is 0 */
    double weight;             /* when not weighted */
    uint32_t min_delay, max_delay; /* equal when not delayed */
    uint32_t n_rows;
    uint32_t together;         /* procedural: rows that make about a batch */
    uint64_t n;                /* of all its synapses, */
    size_t bytes;              /* and what they take, without segments of delays */
    uint64_t key;              /* of the draws of a plastic group */
    bool silent;               /* nothing happens when spikes arrive, so they are not sent */
    bool listens;              /* its synapses have events of other populations */
    Share *share;              /* one a thread */
} Group;

void ring_init(Ring *r, uint32_t max_delay);
void ring_grow(Bucket *b);
static inline void ring_put(Bucket *b, uint64_t item)
{
    if (b->n == b->cap) ring_grow(b);
    b->item[b->n++] = item;
}
void ring_push(Ring *r, int64_t step, uint64_t item); /* an item of a bucket, into that of `step` */
void ring_free(Ring *r);
void ring_post(const Group *g, const Share *s, Ring *ring, int64_t step, const uint32_t *id, size_t n);
uint64_t ring_deliver(const Group *g, Share *s, int64_t step, double *acc);
/* Visits the synapses of row `src` in stored order: accumulator relative to base, weight, delay. */
typedef void RingVisit(void *user, uint32_t acc, double weight, uint32_t delay);
void ring_row(const Group *g, const Share *s, uint32_t src, RingVisit *visit, void *user);

/* ---- the engine ---- */
typedef struct Flight { /* a spike that may still have to arrive somewhere */
    int64_t step;       /* of emission */
    uint32_t id;
} Flight;

typedef struct Pop {
    const PlanPop *plan;
    const Kernel *kernel;    /* NULL for a source without functions */
    uint64_t key, count_key;
    double **col;            /* accumulators are elsewhere: their entry is a column of zeros */
    uint32_t *part;          /* threads + 1 bounds */
    RngPoisson *counts;      /* sources with a constant rate */
    bool sends;              /* has synapses */
    uint32_t max_delay;
    Flight *flight;          /* vec, oldest first, from flight_head on */
    size_t flight_head;
    bool driven, recorded, watched; /* watched: at its spikes */
    bool waits;              /* something reads its states between arrivals and equations */
    bool heard;              /* its spikes are noted for `on post`, those of so many steps: */
    uint32_t heard_steps;    /* a power of two */
} Pop;

typedef struct SpikeRows { /* of a recorder at spikes, of one thread and window: one a spike */
    uint32_t *id;    /* vecs */
    int64_t *step;
    double **value;  /* [variable] before the reset, [n_vars + variable] behind it */
} SpikeRows;

typedef struct Rec {
    const PlanRec *plan;
    size_t *cut;             /* threads + 1: positions of the selection */
    size_t frame_size;       /* doubles of one frame */
    double *frames[2];       /* of two windows, in turn */
    const double **value;    /* two a variable, for the call of the sink */
    SpikeRows *rows[2];      /* [thread]; NULL but for recorders at spikes */
} Rec;

typedef struct SynRec { /* a recorder of synapses */
    const PlanSynRec *plan;
    uint64_t n;
    uint32_t **position;     /* [thread][synapse]: place in the order (source, target, multiplicity) */
    double *frames[2];
    const double **value;
} SynRec;

typedef struct Stim {
    const PlanStim *plan;
    const StimKind *kind;
    uint64_t key, count_key;
    size_t *cut;
    RngPoisson *counts;
    double *weight;          /* one a selected neuron; NULL when constant */
    const double *same, *gain; /* the constant weight, and what multiplies weights; NULL: nothing does */
} Stim;

typedef struct Spikes { /* of one thread and step; those of population p end at end[p] */
    uint32_t *id;
    size_t n, cap;
    size_t *end;
} Spikes;

typedef struct Channel { /* events of neurons other than spikes that synapses listen to */
    int pop, field;
    uint32_t steps;  /* as heard_steps of Pop, where they are those of targets; else 0 */
} Channel;

typedef struct Tile { /* the sums of one step of several that a block of neurons takes at once */
    double *acc;
    double ***col;
} Tile;

typedef struct Trouble { /* the first a thread met in a window */
    EngineNan nan;
    bool fault;      /* or: a value in phase 1 of `step` that the model must not have */
    int64_t step;
    Fail fail;
} Trouble;

typedef struct Worker { /* what one thread owns */
    struct Engine *engine;
    int thread;
    double *acc;        /* of the step being summed or advanced, */
    size_t n_acc;
    uint32_t **acc_at;  /* [pop][field]: where its accumulators begin */
    double ***col;      /* [pop][field] with these accumulators; */
    Tile *tile;         /* [engine's tile] all of both */
    Spikes *spikes[2];  /* [step of the window] */
    Spikes *noted[2];   /* the same of the channels */
    double *out;        /* ENGINE_BLOCK */
    double **index;     /* ENGINE_BLOCK for each index of the drive that has the most; the first holds the memory of all */
    uint32_t *count;    /* ENGINE_BLOCK */
    int turn;           /* which of the two windows is being filled */
    void *scratch;
    double **syn_col;   /* columns of the synapses of one call */
    double *syn_out;    /* PLAN_SUMS times ENGINE_BLOCK */
    uint32_t *syn_src, *syn_tgt, *syn_mult; /* ENGINE_BLOCK each: the synapses of one call */
    double *syn_copy;   /* ENGINE_BLOCK for each column, where the synapses of a call do not stand together */
    struct PlasticLanes *lanes; /* two */
    uint32_t ***fired;  /* [pop][stamp modulo heard_steps]: vec of its own neurons that spiked */
    uint32_t ***came;   /* the same of channels */
    Trouble trouble[2];
    uint64_t events;
    double part_s[ENGINE_PARTS], since; /* with EngineOptions.profile: what was measured, up to when */
} Worker;

/* Of weights, in whole multiples of 2^-40 and 2^-60, so that their order does not matter. */
typedef struct WeightSums {
    uint64_t n;
    __int128 sum;
    unsigned __int128 squares;
    double min, max;
    bool wild; /* one is beyond 2^19 or no number */
} WeightSums;

typedef struct Agenda Agenda; /* agenda.h */

struct Engine {
    const Plan *plan;
    Agenda *agenda;
    EngineOptions opt;
    Threads *threads;
    int n_threads;
    Pop *pop;
    Rec *rec;
    SynRec *syn_rec;
    Stim *stim;
    bool meet_arrivals;  /* synapses read their sources: nobody integrates before all events are summed */
    bool linked;         /* values of other neurons are read behind the events: everybody meets before and behind that */
    int n_channels;
    Channel *channel;    /* vec */
    int n_groups;
    Group *group;
    uint64_t *proj_synapses;
    WeightSums *proj_weights; /* where they are drawn and static */
    int *proj_group;
    struct Build *procedural; /* what makes rows anew; NULL where all are stored */
    Worker *worker;
    double *zero;        /* a column of zeros */
    size_t scratch_bytes;
    int64_t step;        /* steps done */
    bool arrived;        /* phase 1 of `step` is done already */
    bool over;           /* `until` of the run under way is met */
    bool refused;        /* a block set what the model must not have */
    int window;
    int tile;            /* steps whose events are summed before any neuron takes them; divides nothing, at most window */
    EngineNan nan;
    EngineStats stats;
    /* of the run under way */
    int64_t run_end;
    bool halt[2];        /* written by thread 0 before a meeting, read behind it, in turn */
    bool failed;
    Fail *fail;
    double last_progress;
    uint32_t *gather;    /* vec: spikes of one population from all threads */
};

/* engine.c */
size_t engine_cut(const PlanSelect *s, uint32_t neuron); /* selected neurons below `neuron` */
static inline uint32_t engine_selected(const PlanSelect *s, size_t k)
{
    return s->index ? s->index[k] : s->lo + (uint32_t)k;
}
double *const *engine_columns(const Engine *e, int pop, int kernel);

/* engine_build.c: all connectivity. */
bool engine_build(Engine *e, Fail *f);

/* ---- procedural.c: rows that are made anew for each spike ---- */
/* As ring_post, ring_deliver and ring_row, for one thread; procedural_row is for thread 0 between runs or windows. */
void procedural_post(const Engine *e, const Group *g, int thread, int64_t step, const uint32_t *id, size_t n);
uint64_t procedural_deliver(const Engine *e, const Group *g, int thread, int64_t step, double *acc);
void procedural_row(const Engine *e, const Group *g, int thread, uint32_t src, RingVisit *visit, void *user);
void procedural_free(Engine *e);

/* engine_weights.c */
void engine_weights_add(WeightSums *s, size_t n, const double *value);
void engine_weights_join(WeightSums *s, const WeightSums *more);
int engine_weights_column(const Engine *e, const Group *g);

/* engine_record.c: what recorders see. */
void engine_record_make(Engine *e, int k);
void engine_record_buffers(Engine *e);
void engine_record_free(Engine *e);
/* Where a frame is kept: `size` doubles for the k-th step of a window. */
double *engine_record_slot(const Engine *e, const PlanLook *w, double *const frames[2], size_t size, int turn, int k, int64_t step);
void engine_record_begin(Worker *w); /* of a window */
/* `arrive`: events of the step that the recorded neurons have not summed yet; may be NULL. */
void engine_record_frames(Worker *w, int k, int pop, const Frame *fr, const KernelFn *arrive);
void engine_record_spikes(Worker *w, int pop, const Frame *fr, const uint32_t *id, size_t n, bool behind);
bool engine_record_give(Engine *e, int turn, int64_t step, int k);

/* engine_edges.c: visits the synapses of a projection in the order (source, target, multiplicity). */
typedef struct EdgeAt {
    uint32_t src, tgt, mult, delay;
    int thread;
    uint64_t at; /* number among the synapses of the group on that thread; plastic groups only */
    double weight;
} EdgeAt;
typedef void EdgeVisit(void *user, const EdgeAt *edge);
void engine_edges_visit(const Engine *e, int proj, EdgeVisit *visit, void *user);

/* ---- plastic.c: synapses with columns of their own ---- */
static inline const Kernel *plastic_kernel(const Engine *e, const Group *g)
{
    return e->plan->kernel[e->plan->proj[g->proj[0]].synapse.kernel];
}
/* Runs FN_INIT for the n synapses from `first` on and checks what came out; src, tgt, mult: theirs. */
bool plastic_init(const Engine *e, const Group *g, Share *s, uint64_t key, uint64_t first, size_t n, const uint32_t *src,
                  const uint32_t *tgt, const uint32_t *mult, void *scratch, char *why, size_t size);
void plastic_room(const Engine *e, const Group *g, Share *s, int thread);
size_t plastic_bytes(const Engine *e, const Group *g, int thread);
void plastic_free(const Engine *e, const Group *g, Share *s);
void plastic_workers(Engine *e);
/* Prepares a group once its synapses stand: what its handlers wait for, and what populations must note for them.
 * Returns the largest window that its events allow. */
int plastic_attach(Engine *e, Group *g);
uint64_t plastic_deliver(Worker *w, const Group *g, int64_t step, double t, double t1);
void plastic_post(Worker *w, int64_t step, double t, double t1);
void plastic_events(Worker *w, int64_t step, double t, double t1);
/* Notes n spikes of a population, or events of another field of it, of `step` where they are events of the group's synapses. */
void plastic_note(const Engine *e, const Group *g, Share *s, int pop, int field, int64_t step, const uint32_t *id, size_t n);
/* Notes that source neurons had the events of a channel in `step`. */
void plastic_send(const Engine *e, const Group *g, Share *s, int channel, int64_t step, const uint32_t *id, size_t n);
void plastic_came(Worker *w, int channel, int64_t step, const uint32_t *id, size_t n);
void plastic_fired(Worker *w, int pop, int64_t step, const uint32_t *id, size_t n);
/* plastic_look.c */
void plastic_make_rec(Engine *e, int k);
void plastic_record(Worker *w, int k, int64_t step, double t, double t1);
void plastic_values(const Engine *e, int rec, int var, double *out);
/* Is there one value of the field for each synapse? Is it kept with the synapses at all? */
static inline bool plastic_own(const KernelField *f)
{
    return f->kind != FIELD_SOURCE && f->kind != FIELD_TARGET && f->kind != FIELD_NETWORK;
}
static inline bool plastic_each(const KernelField *f)
{
    return plastic_own(f) && f->kind != FIELD_PRE && f->kind != FIELD_POST && !f->uniform;
}

/* ---- plastic_lanes.c: what a call is about ---- */
/* Column of the population that a field "source.V" or "target.V" names. */
double *plastic_neurons(const Engine *e, const PlanProj *p, const KernelField *f);
/* Points `col` at the columns of the synapses of a share from `first` on, and of their neurons. */
void plastic_point(const Engine *e, const Group *g, const Share *s, uint64_t first, double **col);
void plastic_rows(const Group *g, Share *s); /* once the rows stand */
uint32_t plastic_row(const Share *s, uint64_t at); /* the source of synapse `at` */
/* The ends of the n synapses from `at` on, in their order. */
void plastic_sources(const Share *s, uint64_t at, size_t n, uint32_t *src);
void plastic_targets(const Group *g, const Share *s, uint64_t at, size_t n, uint32_t *tgt);
/* Points a call of one of their functions at the n <= ENGINE_BLOCK synapses from `at` on, lane 0 being the first: all of
 * the frame but `step`, times and key. */
void plastic_aim(Worker *w, const Group *g, const Share *s, uint64_t at, size_t n, Frame *fr);
/* The same for any n synapses, whose columns are copied together; plastic_back puts them back. `use` says what the
 * function does to each field (PlanUse); NULL: all that it can. */
void plastic_gather(Worker *w, const Group *g, const Share *s, const uint8_t *use, const uint32_t *at, size_t n, Frame *fr);
/* The part of plastic_gather that copies. */
void plastic_copy(Worker *w, const Group *g, const Share *s, const uint8_t *use, const uint32_t *at, size_t n, Frame *fr);
void plastic_back(Worker *w, const Group *g, const Share *s, const uint8_t *use, const uint32_t *at, size_t n);

/* ---- plastic_index.c: synapses by target ---- */
typedef struct PlasticIndex PlasticIndex;
typedef struct PlasticLanes { /* synapses of one call, not next to each other */
    size_t n;
    uint32_t at[ENGINE_BLOCK], src[ENGINE_BLOCK], tgt[ENGINE_BLOCK];
} PlasticLanes;
typedef struct PlasticCursor { /* in the synapses onto one neuron */
    uint64_t next, end;        /* of the entries */
    uint32_t tgt, at, row;     /* neuron; the last synapse that was read, and its source or one before */
} PlasticCursor;
void plastic_index_make(const Engine *e, const Group *g, Share *s, int thread);
size_t plastic_index_bytes(const PlasticIndex *x);
void plastic_index_free(PlasticIndex *x);
PlasticCursor plastic_index_find(const Share *s, uint32_t neuron);
/* Adds synapses until lanes->n is `most` or the cursor is at its end; sources only where `sources`. */
void plastic_index_read(const PlasticIndex *x, PlasticCursor *c, bool sources, size_t most, PlasticLanes *lanes);

/* ---- plastic_state.c: visits the columns of all plastic synapses onto a population. ---- */
typedef struct StatePart { /* elements at … at + n of `of` */
    const char *name;
    const void *data;
    size_t at, n, of, size;
} StatePart;
typedef void StateVisit(void *user, const StatePart *part);
void plastic_state(const Engine *e, int pop, StateVisit *visit, void *user);

/* ---- links.c: columns of other populations ---- */
void links_columns(Engine *e); /* once all populations are made */
void links_workers(Engine *e);
/* Runs a drive whose outputs are indices, and tests these. */
void links_drive(Worker *w, const Stim *s, const KernelFn *fn, const Frame *fr);

/* ---- continuous.c ---- */
void continuous_order(Engine *e); /* once the synapses stand */
void continuous_step(Worker *w, int64_t step, double t, double t1); /* phase 3 of all synapses onto the thread's neurons */

/* engine_step.c */
void engine_step_run(void *engine, int thread);
void engine_step_finish(void *engine, int thread);
/* What went wrong in phase 1 of the time reached; true when nothing did. */
bool engine_step_arrived(Engine *e, Fail *f);
/* Notes a value that ends the run at phase 1 of `step`. */
void engine_step_fault(Worker *w, int64_t step, const char *fmt, ...) CX_PRINTF(3, 4);

/* ---- prepare.c: columns of propagators, made from parameters ---- */
void prepare_pop(Engine *e, int pop);

/* ---- state.c: everything a run can change, listed once ---- */
void state_each(const Engine *e, int pop, StateVisit *visit, void *user);
uint64_t state_hash(const Engine *e, int pop);
size_t state_bytes(const Engine *e);

#endif
