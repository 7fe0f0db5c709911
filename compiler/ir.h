/* READ THIS FIRST. The IR: what a checked model becomes, and all that integrators, passes and
 * backends see.
 *
 * A module belongs to one population (or to the attributes of one projection or stimulus). It has a
 * table of fields (columns of doubles, one value a neuron, or one for all when `uniform`) and
 * functions. A function is straight-line typed SSA: an array of instructions, each the value with
 * its index; arguments are smaller indices. There is no control flow: `if` is select, random draws
 * are pure functions of their coordinates. All values are doubles or truth values, in the internal
 * units (ms, mV, pA, nS, pF, um).
 *
 * Functions run over lanes: neurons of the population (LANE_NEURON) or synapses (LANE_SYNAPSE, where
 * `i` and `j` are source and target). Loads of uniform fields, constants and `t` give the same value
 * in all lanes; backends compute what depends only on such values once.
 *
 * The text form (ir_print) reads back (ir_read) to an equal module, so every dump is an input:
 *
 *     module "L4.e"
 *       field 0 V state mV
 *       field 1 I input pA
 *     fn step neuron
 *       %0 = load V
 *       %1 = const 0x1.8p+1
 *       %2 = mul %0 %1
 *       store V %2
 */
#ifndef CORTEXC_IR_H
#define CORTEXC_IR_H

#include "base.h"
#include "kernel.h" /* FieldKind, FnRole, Op: shared with the runtime */

typedef enum LaneKind { LANE_NEURON, LANE_SYNAPSE } LaneKind;

typedef struct Ins {
    uint16_t op;      /* OP_… */
    char type;        /* 'f', 'b' or '-' */
    uint8_t flags;    /* INS_SHARED */
    int32_t arg[4];   /* value numbers, -1 when unused */
    union {
        double f;     /* OP_CONST */
        int64_t k;    /* field, output, salt, … */
    } imm;
    Span span;        /* where in the model it comes from; {0,0} for what the compiler added */
} Ins;
/* The rows of ops.def as data, by Op. */
typedef struct IrOp {
    const char *name, *args; /* args: one type letter each */
    const char *c, *doc;     /* c: "" for an operation that backends treat by hand */
    char type;
} IrOp;
extern const IrOp ir_op_table[N_OPS];

/* Is it a random draw? Their rows stand together in ops.def. */
static inline bool ir_op_draws(Op op) { return op >= OP_RUNIFORM && op <= OP_RPOISSON; }

enum { INS_SHARED = 1 }; /* a draw that is the same for the whole population */

typedef struct IrField {
    const char *name, *unit, *doc;
    FieldKind kind;
    bool uniform;
    double lo, hi;    /* declared range, -inf … inf */
    bool open_lo, open_hi;
    bool fed;         /* an input to which synapses add in every step */
    Span span;
} IrField;

typedef struct IrFn {
    const char *name; /* unique in the module */
    FnRole role;
    LaneKind lanes;
    Ins *ins;         /* vec */
    int n_out;
    bool settled;     /* products stay as they are: what was fused before a function was split decides */
} IrFn;

typedef struct IrTable { /* numbers that functions read by index; at least one */
    const double *v;
    int n;
} IrTable;

typedef struct IrModule {
    Arena *arena;
    const char *name;
    const Sources *sources; /* of the spans, or NULL */
    IrField *field;   /* vec */
    IrTable *table;   /* vec */
    IrFn **fn;        /* vec */
} IrModule;

IrModule *ir_module(Arena *a, const char *name);
void ir_module_free(IrModule *m); /* the vecs; the rest belongs to the arena */
int ir_field(IrModule *m, IrField f);                 /* returns its number */
int ir_field_find(const IrModule *m, const char *name); /* -1 when absent */
/* The number of a table with these n >= 1 values, which are copied; equal tables are one. */
int ir_table(IrModule *m, const double *v, int n);
IrFn *ir_fn(IrModule *m, const char *name, FnRole role, LaneKind lanes);
IrFn *ir_fn_find(const IrModule *m, const char *name);
int ir_fn_index(const IrModule *m, const IrFn *f);
/* Building. Each returns the value number, of an instruction that stands already where the operation
 * folds away. Constant arguments are folded on the spot by the same code that the interpreter runs;
 * x*1, x+0 … are simplified only where that is exact for every x. */
int ir_const(IrFn *f, double v);
int ir_truth(IrFn *f, bool v);
int ir_imm(IrFn *f, Op op, int64_t k, Span s);        /* load, t, i, xi, draws without arguments */
int ir_lookup(IrFn *f, Op op, int k, int at, Span s); /* OP_LOOKUP, OP_SEARCH in table k, OP_LINK in field k */
int ir_op(IrFn *f, Op op, Span s, int n, const int *arg);
int ir_op1(IrFn *f, Op op, int a);
int ir_op2(IrFn *f, Op op, int a, int b);
int ir_op3(IrFn *f, Op op, int a, int b, int c);
int ir_draw(IrFn *f, Op op, int64_t salt, unsigned flags, Span s, int n, const int *arg);
void ir_store(IrFn *f, int field, int value, Span s);
void ir_out(IrFn *f, int k, int value, Span s);       /* OUT or OUTB by the value's type; grows n_out */
bool ir_is_const(const IrFn *f, int v, double *value); /* truth values as 1 and 0 */
/* Appends one instruction of another function with its arguments renumbered by `map`; through ir_op
 * where it is pure, so what can fold does. Returns the new value number (of stores too). */
int ir_copy(IrFn *dst, const Ins *s, const int *map);
/* Appends src's body to dst. Loads of field k take value `field_value[k]` (a value of dst) where it is
 * >= 0, t(0)/t(1) take t_value when >= 0, xi(k) takes xi_value[k] when xi_value is given. Stores are
 * appended as they are; outputs are not: out_value[k] receives the value of output k. */
void ir_inline(IrFn *dst, const IrFn *src, const int *field_value, int t_value, const int *xi_value,
               int *out_value);
/* Does value v depend on a load of field k (directly or not)? */
bool ir_depends(const IrFn *f, int v, int field);
/* uniform[v]: is value v the same in all lanes of a call, because it depends only on constants, time,
 * uniform fields and shared draws? */
void ir_uniform(const IrModule *m, const IrFn *f, bool *uniform);
/* One pure operation on numbers, with the bits the backends give; truth values are 1 and 0 here.
 * False for the operations that need a lane. */
bool ir_eval_op(Op op, const double *arg, double *out);

void ir_print(const IrModule *m, Buf *out);
/* Reads what ir_print wrote. NULL and a text in *error ("line 3: unknown operation `foo`"). */
IrModule *ir_read(Arena *a, const char *text, char **error);
/* First violation of the rules above as text, or NULL. Runs after every pass. */
const char *ir_verify(Arena *a, const IrModule *m);

/* The pass list is one table in passes.c: fold, cse, fuse (a*b+c with a single use of the product
 * becomes fma), divide, dce, join. */
typedef struct IrPass {
    const char *name, *doc;
    void (*run)(IrModule *m);
} IrPass;
void fold_run(IrModule *m);
void cse_run(IrModule *m);
void fuse_run(IrModule *m);
void divide_run(IrModule *m);
void dce_run(IrModule *m);
void join_run(IrModule *m);
/* What `op` of these arguments is by an identity that is exact for every value: a value number, or -1. */
int fold_op(IrFn *f, Op op, Span s, const int *arg);
extern const IrPass ir_passes[];
extern const int n_ir_passes;
/* Runs all; `dump_after` (a pass name, "all" or NULL) prints to `dump`; verifies after each. */
void ir_run_passes(IrModule *m, const char *dump_after, Buf *dump);

/* Equal content gives an equal hash (names of module and spans left out): kernels are shared. */
uint64_t ir_hash(const IrModule *m);

/* ---- backends/: a Backend turns a module into a Kernel (kernel.h). One file and one line in
 * backends.def each. ---- */
typedef struct Backend {
    const char *name, *doc;
    /* The kernel lives until free. NULL with a reason in `f`. */
    Kernel *(*build)(const IrModule *m, Fail *f);
} Backend;
extern const Backend *const backends[];
extern const int n_backends;
const Backend *backend_find(const char *name);

#endif
