/* Elaboration: one walk over the tree that resolves names, checks units and either computes a value
 * (all that is constant) or emits IR (all that is not). Private to the compiler room. */
#ifndef CORTEXC_SEMA_H
#define CORTEXC_SEMA_H

#include "compile.h"

typedef struct Sema Sema;
typedef struct Inst Inst;
struct PopInfo;

/* ---- what an expression is ---- */
typedef enum ExKind { EX_POISON, EX_NUM, EX_BOOL, EX_STR, EX_LIST, EX_POPS } ExKind;
typedef struct PopRef {
    int pop; /* into Sema.pop */
    PlanSelect sel;
    Sym port; /* NULL: none named */
    Span span;
    const struct PopRef *more; /* sample(…, replace = true): those that were drawn once more, and so on */
} PopRef;
typedef struct Ex Ex;
struct Ex {
    ExKind kind;
    bool is_const;
    bool wild;    /* a bare 0 or inf: fits every dimension */
    bool percent; /* written as 20%: a fraction wherever a count could stand */
    bool is_list; /* EX_POPS: denotes a list of populations, even of one */
    double num;   /* EX_NUM, EX_BOOL (0 or 1) when is_const */
    int value;    /* IR value otherwise */
    Dim dim;
    const Unit *unit; /* as the user wrote it, or NULL */
    const char *str;
    Ex *item;     /* EX_LIST */
    PopRef *pops; /* EX_POPS */
    int n;        /* of item or pops */
};

/* ---- names ---- */
typedef enum BindKind {
    B_LET, B_PARAM, B_FUNCTION, B_NEURON, B_SYNAPSE, B_POP, B_LAYER, B_PROJ, B_STIM,
    B_LOCAL, /* an argument of a function or a `let` of a block: ex */
    B_NET,   /* a number of the whole network: index into Protocol.net */
    B_AGAIN, /* a `let` of a block of the protocol that differs between neurons: worked out at each use */
} BindKind;
typedef struct Bind Bind;
struct Bind {
    Sym name;
    BindKind kind;
    Node *node;      /* the declaration */
    Ex ex;           /* cached value of a constant let or param; value of a local */
    int state;       /* 0 not looked at, 1 being elaborated, 2 cached, 3 not constant (elaborate at each use) */
    int index;       /* B_POP: into Sema.pop; B_LAYER: into Sema.layer */
    bool library;    /* from models/lib */
    int law, pops;   /* whether it is a law, populations: 0 not known, 1 no, 2 yes, 3 being looked at */
    Bind *next;
};
typedef struct Scope Scope;
struct Scope {
    Scope *up;
    Bind *first;
};
Bind *scope_add(Sema *S, Scope *sc, Sym name, BindKind kind, Node *node);
Bind *scope_here(const Scope *sc, Sym name);
Bind *scope_find(const Scope *sc, Sym name);

/* ---- where an expression stands ---- */
typedef struct Ctx {
    Sema *S;
    Scope *scope;
    IrFn *fn;             /* NULL: only constants are allowed here */
    IrModule *mod;        /* of fn: where tables go */
    Inst *inst;           /* the model whose params and states are in scope, or NULL */
    const char *salt;     /* base of the salts of the draws made here */
    int n_draws;
    bool has_i, has_j, has_t, has_draws, has_xi;
    bool in_init;         /* states stand for their initial values */
    bool shared;          /* within shared(…): one draw for the population */
    int t_which;          /* immediate of OP_T: 0 at t_n, 1 at t_{n+1} */
    int *cur;             /* per field: current value in this function, -1 not loaded */
    bool *dirty;          /* per field: to be stored at the end */
    int n_cur;
    Sym self;             /* the setting being given: its own name means the outer one */
    const char *what;     /* "a weight", "a number of neurons": for not-constant */
    int depth;
    bool untaken;         /* a branch that may never be taken: 0/0 is no mistake there */
    int source_n, target_n; /* N_source, N_target; -1 unknown */
    const PopRef *from, *to; /* of a synapse */
    const double *wrap;   /* of a synapse: three periods of space in um, 0 for none; or NULL */
    struct PopInfo *home; /* whose neurons a selection looks at */
    bool unused;          /* nobody uses the value: only its form is checked */
    struct Block *block;  /* of the protocol, where measures may stand; or NULL */
    struct Links *links;  /* values of other populations may be read; or NULL */
} Ctx;

/* ---- elab.c ---- */
Ex elab(Ctx *c, Node *n);
bool elab_too_much(Sema *S, Span at);               /* counts, and diagnoses once */
Ex elab_celsius(Ctx *c, Node *n, bool allowed);     /* a literal in degC becomes a temperature in K */
bool elab_is_celsius(const Unit *u);
Ex elab_name(Ctx *c, Node *n);                      /* elab_name.c */
void elab_not_constant(Ctx *c, Span at, const char *name); /* diagnoses */
bool elab_is_law(Sema *S, Node *n, int depth);          /* drawn anew, or dependent on i, j, t, at each use? */
Ex elab_num(Ctx *c, Node *n);                       /* must be a number (any dimension) */
Ex elab_dim(Ctx *c, Node *n, Dim want, const char *what); /* a number of that dimension; 0 fits */
Ex elab_bool(Ctx *c, Node *n);
bool elab_fits(Ctx *c, Node *n, Ex e, Dim want, const char *what); /* diagnoses */
int ex_value(Ctx *c, Ex e);                         /* as an IR value of c->fn */
Ex ex_poison(void);
Ex ex_num(double v, Dim d);
Ex ex_ir(int value, Dim d);
Ex ex_truth(bool v);
const char *ex_say(Sema *S, Ex e);                  /* "a voltage (mV)", "a list of 3" */
const char *ex_source(Sema *S, Node *n);            /* the user's text, cut short */
const char *ex_factor(Sema *S, Node *n);            /* the same, in parentheses where a factor needs them */
/* Calls `leaf` on numbers, elementwise where arguments are lists (the shallower are spread over the
 * deeper, lists of one over longer ones). */
typedef Ex ExLeaf(Ctx *c, Span at, const void *user, int n, const Ex *arg);
Ex ex_spread(Ctx *c, Span at, int n, const Ex *arg, ExLeaf *leaf, const void *user);
/* Applies a dimension-checked primitive to numbers, elementwise over lists. */
Ex elab_op(Ctx *c, Span at, Op op, int n, const Ex *arg, Dim result);
/* Constant of a wanted dimension, in internal units; false after a diagnostic. */
bool elab_const(Ctx *c, Node *n, Dim want, const char *what, double *out);
Ctx ctx_const(Sema *S, const char *what);
bool elab_is_unit(Ctx *c, Node *list, Unit *u);
bool ex_is_poison(Ex e);

/* ---- elab_call.c ---- */
Ex elab_call(Ctx *c, Node *n);
Ex elab_power(Ctx *c, Node *n);
bool function_known(Sym name);
bool function_draws(Sym name); /* a random number at each use? */

/* Does the expression draw random numbers, itself or through a `let`? */
bool elab_draws(Sema *S, Node *n);

/* ---- tables.c ---- */
double *tables_values(Ctx *c, Node *n, Ex e, const char *what); /* of a list of constants; diagnoses */
Ex tables_by_neuron(Ctx *c, Node *n, Ex list, uint32_t n_neurons, Dim dim);
Ex tables_element(Ctx *c, Node *n, Ex list, int n_index, Node *const *index);
Ex tables_curve(Ctx *c, Node *n, const char *name);

/* ---- files.c ---- */
Ex files_list(Ctx *c, Node *n); /* file("…") */
const char *files_beside(Sema *S, Node *n, const char *path);

/* ---- paths.c ---- */
/* Whether the expression can denote populations (so that it is tried as a path first). */
bool path_is_pops(Sema *S, Node *n);
/* Populations of a path, list, pattern or sample. Empty with a diagnostic when there is none. */
Ex path_pops(Sema *S, Node *n);
/* Whether `n` is a declared list, or a slice or picks of its elements, as opposed to of neurons: how many
 * elements, which (in the arena), and in `base` the name of the list; -1 for anything else. */
int path_parts(Sema *S, Node *n, Node **base, int **which);

/* ---- neuron.c ---- */
enum { MODEL_CHAIN = 64 }; /* models derived from each other, at most */
typedef struct ModelDef {
    Node *body;          /* N_neuron: the equations */
    Node *settings[MODEL_CHAIN];  /* of the `of` chain, base first */
    int n_settings;
    Sym name;
} ModelDef;
bool model_find(Sema *S, Sym name, Span at, BindKind kind, ModelDef *out); /* B_NEURON or B_SYNAPSE */

typedef struct Slot {    /* a param, state, input or named expression of an instance */
    Sym name;
    Node *decl;          /* N_decl or N_define */
    int kind;            /* DECL_PARAM, DECL_STATE, DECL_INPUT, or SLOT_DEFINE */
    Dim dim;
    bool has_dim;
    Unit unit;
    Node *given;         /* the overriding expression, or NULL */
    bool given_outer;    /* `given` stands in the population's block */
    Ex ex;               /* param: constant, or marks a per-neuron field */
    int field;           /* -1: folded */
    int state;           /* 0, 1 being worked on, 2 done */
    int init_value;      /* state: IR value in init */
    bool is_int, is_bool; /* a state that counts, or is true or false: kept as a number, 1 or 0 */
    bool frozen;         /* unless refractory */
    bool celsius;        /* declared `: degC`: given in degC, kept in K */
    bool lost;           /* in error: silent wherever it is used */
    bool varies, spread; /* a block of the protocol sets it; to values that differ between neurons or synapses */
    bool is_port;
    double lo, hi;
    bool open_lo, open_hi, has_range;
    Node *eq;
    int acc;             /* FIELD_ACC; of an input that synapses aim at, its own field; else -1 */
    int last;            /* event-driven variable of a synapse: the field with the time of its last write; else -1 */
    struct Affine *law;  /* and its equation, linear in itself */
} Slot;
enum { SLOT_DEFINE = 100 };

struct Inst {
    Sema *S;
    ModelDef def;
    Node *settings;      /* of the population, or NULL */
    struct PopInfo *pop; /* whose neurons they are, or NULL */
    int n_neurons;       /* `N`; 1 for a model that no population uses */
    IrModule *mod;
    Slot *slot;          /* vec */
    int refr_field, last_spike_field, above_field;
    Node *spike;
    Sym default_port;
    IrFn *init;
    Ctx init_ctx;
    bool uses_until;
    bool orphans;        /* equations without their states */
    bool no_ports;       /* its ports are in error: nothing is missing */
    Node *until;
    OdeEq *eqs;
    int n_eqs;
    const char *stability; /* what advice.c says of them, or NULL */
    PlanExact *exact;    /* propagators to be made before the run */
    int n_exact;
    struct Joint *joint; /* of a synapse: what it joins (synapse.c); NULL for neurons */
};
/* Reads declarations; emits nothing. `mod_name` names the module. */
Inst *inst_new(Sema *S, const ModelDef *def, Node *settings, const char *mod_name);
Slot *inst_slot(Inst *in, Sym name);
/* Emits all functions; returns false after diagnostics. */
bool inst_emit(Inst *in, Sym const *used_ports, int n_used);
/* Variable and bound of `spike when V > VT`; false when the condition has another form. */
bool inst_tested(const Inst *in, Node **var, Node **bound);
Ex inst_name(Ctx *c, Slot *s, Node *at); /* value of a slot in context */
/* The condition of a spike or event, with `crosses`; `name` tells their memories apart. */
Ex inst_condition(Ctx *c, Node *cond, const char *name);
void block_if(Ctx *c, Ex cond, Node *yes, Node *no); /* branches run on copies, then what they touched is selected */
void block_stmts(Ctx *c, Node *block);
void block_begin(Ctx *c, int n_more);    /* n_more: places behind the fields that are no fields */
void block_flush(Ctx *c);                /* stores what was assigned */
Ctx inst_ctx(Inst *in, IrFn *fn, const char *salt);
/* What synapses share with neurons. */
void inst_declare(Inst *in);                              /* params, states, inputs, named expressions of the body */
void inst_equation(Inst *in, Node *eq);
bool inst_assigns(Node *n, Sym name);                     /* does a statement below n set `name`? */
void inst_settings(Inst *in, Node *settings, bool outer);
void inst_init(Inst *in);                                 /* emits in->init */
void inst_ranges(Inst *in, LaneKind lanes);
int inst_load(Ctx *c, int field, Span at);
/* What emit.c and block.c share with the declarations. */
bool inst_is_directive(Node *n);              /* `method = …`, `noise = …` */
bool inst_directives(Inst *in, OdeSystem *sys); /* reads all that is given; diagnoses */
const char *inst_kind_word(int kind);         /* "a parameter" */
void inst_check_states(Inst *in); /* a state that nothing ever changes has lost its equation, or is a parameter */
void inst_hint_state(Inst *in, Diag *d, Sym name, const Slot *s);
int inst_hidden(Inst *in, const char *name, const char *unit, const char *doc); /* a new hidden field */
int inst_field(Inst *in, Slot *s, FieldKind kind);                              /* the field of a slot */
bool inst_whole(Sema *S, const Slot *s, Node *at, Ex *e, IrFn *fn); /* rounds what goes into an `: int` */
Ex inst_given(Inst *in, Slot *s, Node *use);  /* a param or initial value, worked out once */
Ex inst_param(Ctx *c, Slot *s, Node *at);     /* a param here: a constant or its column */
bool inst_follows(Inst *in, const Slot *s);   /* is its value worked out from one that the protocol sets? */
bool inst_fixed(Inst *in, const Slot *s);     /* does it keep its one constant value for the whole run? */
void block_assign(Ctx *c, int field, int value);
const char *inst_unit(Inst *in, Slot *s);

/* ---- synapse.c ---- */
/* Makes the synapses of one projection; false after diagnostics. `pick` takes the element of a list that
 * belongs to it. Fills p->synapse. */
typedef Ex SynapsePick(const void *user, Node *n, Ex e);
typedef struct Joint {
    const PopRef *from, *to;
    const Slot *port;
    SynapsePick *pick;
    const void *user;
    Sym sum[PLAN_SUMS];  /* variables of the target that `on pre` adds to; the first is the port */
    int n_sums;
    int handler;         /* role of the one being emitted; 0: none, and neurons cannot be read */
    const double *wrap;      /* periods of space, or NULL */
} Joint;
Inst *synapse_new(Sema *S, Node *connect, const ModelDef *def, Joint *joint, const char *name, PlanProj *p);
/* Names of the variables X of `target.X += …` in a body, at most PLAN_SUMS, behind the n that are there; the new n. */
int synapse_sums(const Node *body, Sym *sum, int n);
bool synapse_setting(Sema *S, Node *settings, int k);  /* is it a setting of the connection itself? */
Ex synapse_read(Ctx *c, Slot *s, Node *at);           /* an event-driven variable, now */
Ex synapse_neuron(Ctx *c, Node *n);                   /* source.X, target.X */
Ex synapse_port(Ctx *c, Node *n);                     /* `port` as a value */
bool synapse_assign(Ctx *c, Node *n);                 /* statements that only synapses have; false: not one */
void synapse_check_unused(Sema *S);                   /* models that no connection uses */
void synapse_free(Sema *S);
bool synapse_record(Sema *S, Node *n);                /* `record … of PROJECTION`; false: of populations */
bool synapse_is_projection(Sema *S, Node *n);
void synapse_finish(Sema *S);                         /* the kernels, once nobody adds to the modules any more */

/* ---- handlers.c: the `on … { … }` blocks of synapses ---- */
void handlers_on(Inst *in, Node *on);                 /* checks what a block waits for; diagnoses */
void handlers_event(Inst *in, Node *event);           /* checks the declaration of an event; diagnoses */
bool handlers_any(const Inst *in, const char *moment); /* is there an `on MOMENT`? */
bool handlers_bind(Inst *in, Sym setting);            /* does a setting belong to an event of the model? */
/* Emits all handlers, in the order in which they run; `connect` is NULL for a model that joins nothing. Diagnoses. */
void handlers_emit(Inst *in, Node *connect, PlanSynapse *plan);
void handlers_needs(const Inst *in, PlanSynapse *plan); /* once the passes have run */

/* ---- continuous.c: what synapses do at every time ---- */
bool continuous_is(const Node *every);                /* `every step` */
bool continuous_each(const Slot *s);                  /* an equation `each step`? */
bool continuous_any(const Node *body);                /* is there any of that? */
bool continuous_silent(const Node *body);             /* and nothing that happens when a spike arrives? */
bool continuous_reads(const Node *n);                 /* does an expression contain `source.X` or `target.X`? */
bool continuous_aims(const Node *body);               /* does `every step` add to the port, which has to be an input then? */
bool continuous_fits(Ctx *c, Node *n, const Slot *to); /* may the handler being emitted add to this variable? Diagnoses */
void continuous_emit(Inst *in, PlanSynapse *plan);
void continuous_needs(const Inst *in, PlanSynapse *plan); /* once the passes have run */

/* ---- placing.c ---- */
/* To be called once all functions of the module stand. Runs the passes, then moves variables that synapses share to their sources and targets, as far as the delay, the same
 * for all or not, allows it. Fills what the plan says of it. */
void placing_run(Inst *in, PlanSynapse *plan, bool one_delay);

/* ---- moments.c ---- */
bool moments_any_event(const Inst *in);
void moments_check(Inst *in, Node *event);
int moments_event(const Inst *in, Sym event); /* the field that is 1 where the event came in the last step; -1 when nobody may ask */
bool moments_run(Inst *in, IrFn *test, int spikes);
void moments_every(Inst *in, IrFn *step);
void moments_bind_inputs(Sema *S, struct PopInfo *pop); /* behind inst_emit, before the plan */

/* ---- links.c: values of other populations ---- */
typedef struct Links {       /* of one function of a population that may read them */
    struct PopInfo *reader;
    PlanLink *list;          /* vec: the indices that are computed; output k of the function is that of list[k] */
    int guard;               /* truth value under which the branch being read is taken; -1 always */
} Links;
Ex links_value(Ctx *c, Node *n);                   /* a path that ends in a variable, or populations */
/* A variable of the source or the target of the synapse whose function is made. */
Ex links_end(Ctx *c, struct PopInfo *p, Slot *s, bool source, Node *at);
/* Enters a branch of `if`, which only counts where `cond` is `taken`; what to give to links_branch_end. */
int links_branch(Ctx *c, Ex cond, bool taken);
void links_branch_end(Ctx *c, int outer);
void links_plan(Ctx *c, PlanStim *p);              /* hands the list to the plan */

/* ---- sources.c: models that only emit spikes ---- */
typedef struct PopInfo PopInfo;
bool sources_known(Sym model);
void sources_read(Sema *S, PopInfo *p); /* fills what the plan needs; diagnoses */

/* ---- network.c ---- */
typedef struct ProjInfo { /* a projection and what of it can be recorded */
    const char *name;
    Sym as;
    const Slot *port;
    Inst *inst;          /* NULL for static synapses */
    Sym model;           /* NULL for static synapses */
    PopRef from, to;
    IrModule *mod;       /* of functions of the protocol over static synapses; NULL until it is needed */
} ProjInfo;
struct PopInfo {
    Sym name;            /* "L4.e" */
    Sym layer;
    Node *node, *group;
    Sym model;
    bool is_source;
    uint32_t n;
    Inst *inst;          /* NULL for built-in sources */
    const double *const *place; /* x, y, z in um of each neuron, or NULL; see space.h */
    int place_state;     /* 0 not looked at, 1 being worked on, 2 done */
    bool place_lost;     /* its position is in error */
    double **column;     /* the fields of inst as they stand when the run begins, or NULL */
    Sym *used_ports;     /* vec */
    bool spikes_wanted;
    bool any_out, all_inh;
    int plan;            /* index in the plan */
    int n_samples;       /* of this population so far */
    double source_mean;  /* events a step of a built-in source, or its functions */
    int source_fn, source_init; /* -1 none */
    IrModule *source_mod; /* of a built-in source, or NULL */
    bool source_counts;  /* its function gives numbers of spikes */
    PlanEvents source_list;
};
typedef struct LayerInfo {
    Sym name;
    int *pop;            /* vec */
    int *part;           /* vec, into Sema.layer: `pool[0]`, `pool[1]`, … of a list */
    bool block;          /* declared with { … }: denotes a list */
    bool lost;           /* some of it could not be read */
} LayerInfo;

typedef struct Told {
    const void *where;
    Sym name;
} Told;

struct Sema {
    Ast *ast;
    Arena *arena;
    Diags *diags;
    const CompileOptions *opt;
    Scope *top;          /* declarations of the model */
    Scope *lib;          /* declarations of library files, behind top */
    PopInfo *pop;        /* vec, in order of declaration */
    LayerInfo *layer;    /* vec */
    Node **items;        /* vec: all top-level items, imports expanded, in order */
    const char **seen_files; /* vec: paths already imported */
    const char **open_files; /* vec: the chain of imports that are being read */
    Sym *missing_lib;    /* vec: names looked for in vain */
    const char **lib_names;
    double dt;
    uint64_t seed;
    const char *method;  /* simulation { method = … } */
    Span method_span;
    Compiled *out;
    const char **names;  /* vec: of projections and stimuli so far */
    PlanProj *proj;      /* vecs that become the plan */
    PlanStim *stim;
    PlanRec *rec;
    PlanCount *count;
    PlanSynRec *syn_rec;
    Inst **synapses;     /* vec: all that were made */
    ProjInfo *joined;    /* vec: the projections in order of declaration */
    PlanRun *run;
    PlanExpect *expect;
    uint64_t *mod_hash;
    IrModule **all_mods; /* vec */
    Span *lost;          /* vec: what could not be read */
    long work;           /* expressions elaborated so far */
    int deep;            /* of them, those within each other */
    bool declared;       /* all names are known */
    bool unread;         /* there were mistakes of syntax */
    bool fixed_end;      /* it is known when the run ends */
    Told *told;          /* vec: what was called missing */
    Node **samples;      /* vec: the calls of sample(…) */
    struct FileList *files; /* vec: what `file(…)` has read */
    struct Protocol *protocol;
};

/* ---- follow.c ---- */
void follow_lost(Sema *S, Node *file);
bool follow_up(Sema *S, const void *where, Sym name);
bool follow_hole(const Node *n);
bool follow_body(const Sema *S, const Node *body);

/* Populations of a path, evaluated once per node. */
Ex network_pops(Sema *S, Node *n);
void network_populations(Sema *S);      /* sizes and models of all populations */
bool network_instances(Sema *S);        /* their modules, once the used ports are known */
Slot *network_port(Sema *S, const PopRef *r, Span at, bool events); /* diagnoses; NULL */
int network_port_index(const Inst *in, const Slot *port); /* into PlanPop.port */
bool network_plan(Sema *S);             /* the populations' part of the plan */
bool network_steps(Sema *S, Node *n, const char *what, int64_t *steps); /* a duration on the grid */
bool network_steps_within(Ctx *c, Node *n, const char *what, int64_t *steps); /* with the names of `c` */
const char *network_unique(Sema *S, const char *name); /* "#2" behind the second of a name */
IrModule *network_new_module(Sema *S, const char *name);
int network_module(Sema *S, IrModule *m); /* runs the passes; equal modules share a kernel */

/* ---- expand.c ---- */
void expand_all(Sema *S);               /* unrolls top-level `if` and `for` */
int expand_list(Sema *S, Node *n, Node ***out); /* the elements of a list of populations or layers */

/* ---- sweep.c ---- */
void sweep_declare(Sema *S);            /* before settings from outside */
void sweep_apply(Sema *S);              /* behind them: gives the swept parameters the values of this point */
void sweep_give(Sema *S, Bind *b, Node *v); /* a parameter has this value instead of its own */

/* ---- wire.c ---- */
void wire_used_ports(Sema *S);          /* first look at connects and stimuli */
void wire_mend_block(Diag *d, const Node *settings, const char *name, const char *unit); /* a fix: one more setting, of 1 */
bool wire_seed(Sema *S, Node *settings, uint64_t *seed); /* `seed = n` of a block */
void expected_all(Sema *S);              /* expected.c: once runs and recordings are known */
void wire_all(Sema *S);                 /* projections, stimuli, recorders, runs into the plan */

/* ---- compile.c ---- */
Bind *library_find(Sema *S, Sym name);       /* loads models/lib/NAME.cortex at first use */
const char **library_names(Sema *S, int *n); /* for "did you mean" and listings */

/* reserved.c-like facts */
bool word_is_reserved_name(Sym s);

#endif
