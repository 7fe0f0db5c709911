/* The making of connectivity, shared by engine_build.c, build_*.c and engine_weights.c.
 *
 * For each group two passes make the same pairs, one to count and one to fill, so that no more memory
 * is needed than the result and a batch of rows. Only where each pair has a probability of its own the
 * first pass keeps what it found for the second one.
 *
 * Rules by source: any thread makes the rows of any block of sources and writes them into the shares
 * of all threads; where they go is fixed by the counts. Rules by target: each thread makes the
 * columns of its own targets, then rows are finished (attributes, order of delays) by blocks.
 *
 * Of a procedural group one pass makes all rows, to count them, to check their values and to find the
 * extremes of delays, and keeps none. */
#ifndef CORTEXC_BUILD_H
#define CORTEXC_BUILD_H

#include "engine_internal.h"
#include "rng_lanes.h"

#include <stdatomic.h>

enum {
    BUILD_SUMS = 4096,         /* weights whose sums fit 64 bits */
    BUILD_BATCH = 8192,        /* synapses made together, in a second-level cache; one row may have more */
    BUILD_MOST_KEPT = 1 << 28, /* picks between the passes: 1 GiB */
    BUILD_ODD = 1,             /* a weight that is no finite number */
    BUILD_NEGATIVE = 2,
};

/* Sums of whole numbers, split so that 64 bits hold them: that of value 2^40 is high 2^30 + low, that of
 * the squares of |value| 2^30 is pp 2^50 + pq 2^26 + qq. */
typedef struct BuildSums {
    int64_t high, low, pp, pq, qq;
} BuildSums;

typedef struct BuildIsa { /* build_isa.c */
    unsigned (*weights)(size_t n, double *value, float *weight);
    bool (*delays)(size_t n, const double *ms, double dt, uint32_t *delay, uint32_t range[2]);
    bool (*sums)(size_t n, const double *value, BuildSums *sums);
    void (*range)(size_t n, const double *value, double range[2]);
} BuildIsa;
extern const BuildIsa build_isa_base, build_isa_avx2, build_isa_avx512;

static inline const BuildIsa *build_isa(void)
{
    RngIsa isa = rng_isa();
    return isa == RNG_ISA_AVX512 ? &build_isa_avx512 : isa == RNG_ISA_AVX2 ? &build_isa_avx2 : &build_isa_base;
}

typedef struct Delayed { /* extremes met */
    uint32_t min, max;
    bool any;
} Delayed;

/* The synapses of some rows, projection after projection, row after row, those of one thread together. Targets are
 * ascending where rows are not ordered by delay. */
typedef struct Batch {
    uint32_t first, n_rows;
    size_t n;
    size_t *cut;               /* vec: [projection][row], where its synapses begin, and one behind all */
    uint32_t *src, *tgt, *mult, *delay; /* vecs */
    float *weight;             /* vec */
    double *value;             /* vec */
    uint32_t min_delay, max_delay;
} Batch;

typedef struct Builder { /* temporaries of one thread */
    RuleWork work;
    Batch batch;
    uint64_t *next;            /* vec, by delay: where the next synapse goes */
    uint64_t *key, *key2;      /* vecs: delays and where they stand in the batch, to be sorted */
    uint32_t *mult, *tgt;      /* vecs: multiplicities and targets of plastic synapses in the order they are stored, of one thread */
    uint16_t *tally;           /* vec: synapses of a row onto each target, all zero between rows */
    uint64_t *cursor;          /* vec: [row][thread], what of a row that is finished is in the batch */
    Seg **seg;                 /* vec a thread */
    uint64_t *n;               /* synapses a projection */
    WeightSums *sums;          /* a projection */
    size_t n_segs;
    Delayed *range;            /* a projection */
    bool failed;
    uint64_t fail_at;
    Fail fail;
} Builder;

typedef struct Kept { /* what a rule picked for one source in the first pass */
    uint32_t *pick;            /* NULL: nothing was kept */
    size_t n;
} Kept;

typedef struct Build { /* also kept with a procedural group, for threads to make rows with */
    Engine *e;
    Group *g;
    RuleCall *call;            /* a projection */
    const Rule **rule;
    Builder *builder;          /* a thread */
    bool fill;
    bool known;                /* these rows were made and checked before */
    Kept **kept;               /* a projection: NULL, or one a source */
    atomic_uint_fast64_t n_kept;
    atomic_uint_fast64_t next; /* block of rows to be taken */
    uint64_t n_blocks;
} Build;

static inline uint32_t build_acc_first(const Engine *e, int q, int thread)
{
    const PlanProj *p = &e->plan->proj[q];
    return e->worker[thread].acc_at[p->tgt][e->pop[p->tgt].plan->port[p->port].acc_field];
}

static inline uint32_t build_part_size(const Engine *e, int pop, int thread)
{
    return e->pop[pop].part[thread + 1] - e->pop[pop].part[thread];
}

/* A vec used as plain scratch: its length is what was ever asked for. */
#define BUILD_ROOM(v, n) (vec_len(v) < (n) ? (void)vec_extend((v), (n) - vec_len(v)) : (void)0)

static inline void build_store(const Group *g, Share *s, uint64_t at, uint32_t acc)
{
    if (g->wide) ((uint32_t *)s->tgt)[at] = acc;
    else ((uint16_t *)s->tgt)[at] = (uint16_t)acc;
}

/* Do rows that columns filled need more than their targets? */
static inline bool build_finishes(const Group *g)
{
    return g->weighted || g->delayed || g->plastic;
}

/* build_groups.c: which projections share their rows. */
void build_groups(Build *b);

/* build_rows.c: the rows of a batch from its pairs. */
void build_rows_start(Batch *x, uint32_t first, uint32_t n_rows);
void build_rows_cut(Batch *x);
void build_rows_add(Batch *x, uint32_t src, size_t n, const uint32_t *tgt);
void build_rows_pick(Build *b, Builder *w, int q, uint32_t src);
bool build_rows_attributes(Build *b, Builder *w);
bool build_rows_write(Build *b, Builder *w);
void build_rows_segments(Build *b, Builder *w, uint64_t block);
void build_rows_new(Builder *w, const Engine *e);
void build_rows_free(Builder *w, int threads);
bool build_rows_steps(double ms, double dt, uint32_t *steps);

/* procedural.c */
void procedural_batch(Group *g, double synapses);
void procedural_keep(Build *b);

/* build_pass.c: passes over all rows or columns of a group, for threads_run. */
void build_pass_sources(void *build, int thread);
void build_pass_targets(void *build, int thread);
void build_pass_finish(void *build, int thread);

#endif
