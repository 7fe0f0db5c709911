/* What the runtime offers to the compiler: connection rules, stimuli and measures with their parameters, from
 * connect.def, stimuli.def and measures.def. main injects it; the compiler checks calls against these tables. */
#ifndef CORTEXC_REGISTRY_H
#define CORTEXC_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

/* Dimension classes a parameter may have. */
typedef enum ArgKind {
    ARG_COUNT,    /* a whole number >= lo */
    ARG_FRACTION, /* a plain number in [0, 1], may be an expression of i, j and draws */
    ARG_RATE,     /* 1/time, may be an expression of t and i */
    ARG_BOOL,
    ARG_PORT,     /* has the dimension of the variable aimed at, expression of t and i */
    ARG_NUMBER,   /* a plain number, expression of t and i */
    ARG_TIME,     /* a time, expression of i */
    ARG_TIMES,    /* a constant time or list of times, on the grid and ascending */
    ARG_PORTS,    /* constants of the dimension of the variable aimed at, as many as there are times */
    ARG_EVENTS,   /* a constant time or list of times, rounded to the grid, in any order */
    ARG_INDICES,  /* constant whole numbers, as many as there are times */
    ARG_CHANCE,   /* a constant in [0, 1]; 0 is a value like others */
    ARG_CONDITION, /* a truth value, expression of i, j and draws */
    ARG_TARGET,   /* the number of a target, expression of i and draws */
    ARG_PAIRS,    /* a constant list of pairs of numbers of neurons */
    ARG_MATRIX,   /* constant weights: rows are sources, columns targets */
    ARG_EDGES,    /* a text: of a file, or in it */
} ArgKind;

typedef struct ArgDef {
    const char *name;
    ArgKind kind;
    bool required;
    double def, lo, hi;
    const char *doc;
} ArgDef;

typedef struct RuleDef { /* connection rules */
    const char *name, *doc, *example;
    int n_args;
    const ArgDef *arg;      /* value k goes to PlanProj.arg[k] */
    bool names_pairs;       /* makes the pairs it names, autapses included, unless told otherwise */
    bool multapses_default;
    bool by_target;         /* draws for each target, so the synapses of a source are known only with all others */
} RuleDef;

typedef struct StimDef {
    const char *name, *doc, *example;
    int n_args;
    const ArgDef *arg;
    bool events;            /* aims at states with a weight; otherwise adds to inputs */
    /* What is added to an input, in the language itself; the arguments are names in it. NULL for events. */
    const char *value;
    /* With a memory: `x` in `value` is a hidden state of each neuron with this first value and this next one. */
    const char *first, *next;
    bool each_step;         /* draws in arguments are made in every step, not once per neuron */
} StimDef;

typedef enum MeasureUnit { MEASURE_NUMBER, MEASURE_RATE, MEASURE_TIME, MEASURE_VALUE } MeasureUnit;
typedef struct MeasureDef { /* what `expect` can look at */
    const char *name, *doc, *source, *example;
    MeasureUnit unit;       /* of the result: a number, Hz, ms, or that of the variable */
    bool of_values;         /* of a variable, `mean(E.V)`; else of spikes */
    int sides;              /* populations side by side that it takes at most */
    const char *width;      /* the name of a further argument, a time, or NULL */
    double width_ms;        /* what it is when left out */
} MeasureDef;

struct PlanProj;
typedef struct Registry {
    int n_rules, n_stims, n_measures;
    const RuleDef *const *rule;
    const StimDef *const *stim;
    const MeasureDef *const *measure;
    /* Whether a projection's rule can do what its arguments ask between these populations; a sentence in
     * `why` otherwise. */
    bool (*check_rule)(const struct PlanProj *p, const char *src, const char *tgt, char *why, size_t size);
} Registry;
extern const Registry runtime_registry;

#endif
