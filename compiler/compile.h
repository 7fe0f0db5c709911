/* The compiler's front door: a parsed file in, a Plan with kernels out.
 *
 *     text -> Node -> (elaborate: names, units, constants) -> IrModule -> Kernel, and the Plan
 *
 * All of it lives in the Ast's arena. Every finding about the model goes to the Ast's diagnostics. */
#ifndef CORTEXC_COMPILE_H
#define CORTEXC_COMPILE_H

#include "ast.h"
#include "ir.h"
#include "ode.h"
#include "plan.h"
#include "registry.h"

typedef struct CompileSetting { /* --set NAME=VALUE */
    const char *name, *value;
} CompileSetting;

typedef struct CompileArray { /* numbers read from a file */
    uint64_t rows, width; /* width 0: one-dimensional */
    const double *v;
    const char *unit;     /* as the file says, or NULL */
} CompileArray;

typedef struct CompileEdges { /* a population of edges of a file */
    const char *name, *source, *target; /* of the edges, and of its nodes; the latter NULL where it does not say */
    uint64_t n;
    const uint64_t *src, *tgt;
    const double *weight, *delay; /* NULL where it has none */
} CompileEdges;

typedef struct CompileOptions {
    const char *path;              /* of the model, for messages and relative imports */
    const char *const *lib_dirs;   /* NULL-terminated: where library models are looked for */
    const CompileSetting *set;
    int n_set;
    bool has_seed;
    uint64_t seed;                 /* --seed, wins over `simulation { seed }` */
    uint64_t point;                /* of a sweep */
    const char *duration;          /* --duration "2 s": replaces all runs; NULL */
    const Registry *registry;
    /* The parser, injected so that the compiler does not depend on the grammar room. */
    Node *(*parse_file)(Ast *a, const SourceFile *f);
    Node *(*parse_expression)(Ast *a, const SourceFile *f);
    /* An array of an HDF5 file into the arena; injected, since the compiler knows no HDF5. May be NULL. */
    bool (*read_array)(Arena *a, const char *path, const char *array, uint64_t max, CompileArray *out, Fail *f);
    /* The populations of edges of a file: all names, NULL at the end, and one of them read: `name`, or if that is
     * NULL the only one, or the one between nodes called `source` and `target`; out->name is NULL where none is
     * that. May be NULL. */
    const char **(*read_edges)(Arena *a, const char *path, const char *name, const char *source, const char *target,
                               uint64_t max, CompileEdges *out, Fail *f);
    bool declarations;             /* a file of declarations only, with nothing to run, is fine */
    const char *dump_after;        /* a pass name, "all" or NULL */
    Buf *dump;
} CompileOptions;

/* How the equations of one population are integrated: what `cortexc check` prints. */
typedef struct CompiledEqs {
    const char *pops;              /* "E, I": the populations that share them */
    const char *model;
    const OdeEq *eq;
    int n;
    const char *stability;         /* "dt*|lambda| is …", or NULL */
} CompiledEqs;

typedef struct CompiledSweep { /* `sweep` and `trials` */
    uint64_t n_points;           /* 0: the model is one run */
    int n_names;                 /* swept parameters, */
    const char **name, **unit;   /* and their values, in these units: */
    const double *value;         /* [point][name] */
    uint64_t n_trials, first_seed; /* point k has the seed first_seed + k % n_trials */
} CompiledSweep;

typedef struct Compiled {
    Plan *plan;                    /* kernels not yet built: plan->kernel is filled by compile_build */
    IrModule **mod;                /* [plan->n_kernels] */
    CompiledEqs *eqs;              /* vec */
    CompiledSweep sweep;
} Compiled;

/* Elaborates the tree of the main file. NULL when there were errors. */
Compiled *compile_model(Ast *a, Node *file, const CompileOptions *o);
/* Turns every module into a kernel of `backend`. */
bool compile_build(Compiled *c, const Backend *backend, Fail *f);
void compile_free(Compiled *c);

/* Names of the models in the first of `lib_dirs` that has any, sorted, NULL at the end. */
const char **compile_library(Arena *a, const char *const *lib_dirs);
typedef struct FunctionDoc {
    const char *name, *example, *doc;
} FunctionDoc;
extern const FunctionDoc function_docs[];  /* for `cortexc list functions`, in the order of function_names */
extern const char *const function_names[];
extern const int n_function_names;

#endif
