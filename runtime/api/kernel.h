/* The second waist: what a backend hands to the runtime. A kernel holds no addresses of state; every
 * call gets a Frame. The runtime cannot tell backends apart. */
#ifndef CORTEXC_KERNEL_H
#define CORTEXC_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define CORTEXC_KERNEL_ABI 1

typedef enum Op {
#define OP(id, name, args, type, c, doc) OP_##id,
#include "ops.def"
#undef OP
    N_OPS
} Op;

typedef enum FieldKind {
    FIELD_PARAM,  /* written by init (and by `set`) only */
    FIELD_STATE,
    FIELD_INPUT,  /* a sum, zero again after every step */
    FIELD_ACC,    /* sum of the events that arrive for a port; zeroed by arrive */
    FIELD_HIDDEN, /* the compiler's own state: refractory counter, last spike, time of the last write */
    FIELD_SOURCE, /* of synapses: the column of the population of the sources that is called as what follows "source." */
    FIELD_TARGET, /* the same of the targets, "target.V" */
    FIELD_LINK,   /* the column of another population, called as "POPULATION.VARIABLE"; read at any of its neurons */
    FIELD_PRE,    /* of synapses: one value for each source, kept with the synapses */
    FIELD_POST,   /* of synapses: one value for each target */
    FIELD_NETWORK, /* a number of the whole network, called as what follows "network."; or, not uniform, a column of measures */
    N_FIELD_KINDS
} FieldKind;
extern const char *const field_kind_name[N_FIELD_KINDS]; /* "param", "state", … */

typedef enum FnRole {
    FN_INIT,   /* stores all params that vary and all initial states; draws with step 0 */
    FN_ARRIVE, /* phase 1: each port's variable += its FIELD_ACC (dropped while refractory), acc = 0 */
    FN_STEP,   /* phase 3: integrates t_n to t_{n+1}, counts refractoriness down, zeroes inputs */
    FN_TEST,   /* phase 4: out[0] = spikes at t_{n+1}? */
    FN_RESET,  /* phase 4, over the list of spiking neurons */
    FN_CHECK,  /* out[0] = every state is finite */
    FN_RANGE,  /* once after init: out[0] = the variable it is named after ("range.V") is in its range */
    FN_OBS,    /* out[0] = a recorded expression */
    FN_DRIVE,  /* phase 3: adds a stimulus to an input */
    FN_WEIGHT, FN_DELAY, FN_PROB, /* per synapse: out[0]; delay in ms */
    FN_RATE,   /* per neuron: out[0] in 1/ms, or spikes a step */
    FN_PRE,    /* per synapse, at the arrival of a spike: writes its columns; out[k] is added to a sum (PlanSynapse) */
    FN_POST,   /* per synapse, at a spike of the target */
    FN_PARTS,  /* phase 3, before FN_STEP: advances the equations, or out[0] = in how many parts they divide this step */
    FN_PART,   /* one of them; called out[0] times for each neuron */
    FN_MATRIX, /* before the run: out[k] = coefficients of linear equations (PlanExact) */
    FN_EVENT,  /* per synapse, at another event */
    FN_TRACE,  /* of synapses, over their sources or targets: writes FIELD_PRE or FIELD_POST */
    FN_SET,    /* between steps: out[0] is what a block of the protocol sets or measures, or stores to synapses */
    FN_PASS,   /* phases 1, 3 and 4 up to the reset in one: arrive, step, test, check; out[PASS_…] */
    FN_TAIL,   /* the same without the arrivals */
    FN_DERIV,  /* compiler only: out[k] = d/dt of equation k */
    N_FN_ROLES
} FnRole;
enum { PASS_SPIKES, PASS_FINITE }; /* results of FN_PASS and FN_TAIL: spikes at t_{n+1}? is every state finite? */
extern const char *const fn_role_name[N_FN_ROLES];

typedef struct KernelFn KernelFn;
struct KernelFn {
    const char *name;
    FnRole role;
    int n_out;
    const void *impl;
    /* Lanes lo … hi-1. out[k][lane - lo]. `out` may be NULL when n_out is 0. */
    void (*range)(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi, double *const *out);
    /* Lanes lane[0 … n-1], ascending. out[k][position]. */
    void (*list)(const KernelFn *fn, const Frame *fr, const uint32_t *lane, int64_t n, double *const *out);
    /* FN_PASS and FN_TAIL: the spiking lanes of lo … hi-1 to hit, which has room for all, ascending. Returns how many.
     * *finite becomes false where a state is not. */
    size_t (*pass)(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi, uint32_t *hit, bool *finite);
};

/* Appends first + k for each of the n truths 0.0 or 1.0 that is true to hit; returns how many. */
size_t kernel_hits(const double *truth, uint32_t first, size_t n, uint32_t *hit);

typedef struct KernelField {
    const char *name, *unit;
    FieldKind kind;
    bool uniform;
} KernelField;

typedef struct Kernel Kernel;
struct Kernel {
    int abi;
    const char *backend;
    uint64_t hash;
    int n_fields, n_fns;
    const KernelField *field;
    const KernelFn *fn;
    size_t scratch_bytes;
    const char *note;    /* why it is slower than it could be, or NULL; may appear while it runs: read it atomically */
    void *impl;
    void (*free)(Kernel *k);
};

#endif
