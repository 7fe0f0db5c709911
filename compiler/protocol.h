/* The protocol of a model: `run`, `set`, `at`, `every` at the top level and the states of the whole network.
 * protocol_marks.c looks first at what the blocks set, so that it is not folded; protocol.c turns them into
 * lists of acts (plan.h), protocol_block.c their statements and protocol_measure.c what they read. Private to
 * the compiler room. */
#ifndef CORTEXC_PROTOCOL_H
#define CORTEXC_PROTOCOL_H

#include "wire.h"

typedef struct Mark { /* OWNER.NAME is set by a block */
    BindKind kind;    /* B_PROJ, B_STIM, B_SYNAPSE; B_POP for sources */
    Sym owner, name;
    bool spread;
} Mark;

typedef struct NetInfo { /* beside PlanNet */
    Dim dim;
    bool is_int, is_bool, has_range;
    double lo, hi;
    bool open_lo, open_hi;
    Node *decl;          /* NULL for numbers of the compiler's own */
} NetInfo;

typedef struct StimCell { /* a setting of one stimulus that blocks set */
    Sym as, name;
    int net;
    Dim dim;
    double lo, hi;
} StimCell;

typedef struct Seen { /* a measure that was taken in this statement */
    Node *node;
    int proj;            /* -1 unless it is one a neuron */
    int at;              /* number of the network, or column of measures */
    Dim dim;
} Seen;

typedef struct Block { /* the block that is being turned into acts */
    Sema *S;
    const char *name;    /* "at#1" */
    PlanAct *act;        /* vec */
    Seen *seen;          /* vec */
    int n_fns;
    bool moving;         /* reads what may change between moments: spikes, states, time */
} Block;

typedef struct Protocol {
    Mark *mark;          /* vecs */
    PlanNet *net;
    NetInfo *info;
    StimCell *cell;
    PlanTally *tally;
    int *column;
    PlanMoment *moment;
    PlanNetRec *rec;
    IrModule *mod;       /* of functions of the network; NULL until one is needed */
    Sym *watched;        /* names of projections and of synapse models that blocks speak of */
    int n_of[3];         /* `set`, `at`, `every` so far */
} Protocol;

typedef enum AimKind { AIM_NONE, AIM_NET, AIM_POP, AIM_SYNAPSE, AIM_STIM } AimKind;
typedef struct Aim { /* what a statement sets */
    AimKind kind;
    BindKind owner_kind; /* of synapses: B_PROJ or B_SYNAPSE */
    Sym owner, name;
    Ex pops;
    int net;
} Aim;
/* What `to` names; AIM_NONE when it cannot be set, which `tell` says. */
Aim protocol_aim(Sema *S, const Scope *scope, Node *to, bool tell);
/* Does projection k of Sema.joined belong to what is aimed at? */
bool protocol_joins(Sema *S, const Aim *a, size_t k);

/* ---- protocol_marks.c ---- */
void protocol_mark(Sema *S);                       /* behind network_populations */
void protocol_mark_synapse(Inst *in, Sym as);      /* marks the slots of a projection's model */
const Mark *protocol_marked(Sema *S, BindKind kind, Sym owner, Sym name);
bool protocol_watched(Sema *S, Sym as, Sym model); /* do blocks speak of this projection? */
bool protocol_spread(Sema *S, const Inst *in, const Scope *sc, Node *n, bool measured);

/* ---- protocol.c ---- */
void protocol_new(Sema *S);
void protocol_free(Sema *S);
void protocol_declare(Sema *S, Node *decls, Scope *sc); /* `state shown = 0` */
void protocol_values(Sema *S);                     /* their first values */
void protocol_wire(Sema *S);                       /* moments and runs, behind all connections and stimuli */
void protocol_plan(Sema *S);                       /* into the plan, whose projections are in their order */
int protocol_cell(Sema *S, const char *name, const char *unit, Dim dim, double value);
/* The setting `name` of the stimulus `as` as a number of the network, -1 when no block sets it. */
int protocol_stim_cell(Sema *S, Sym as, const char *name, const char *stim, Dim dim, double value, double lo, double hi);

/* ---- protocol_measure.c ---- */
Ex protocol_net(Ctx *c, int net, Span at);         /* a number of the network, here */
bool protocol_measure(Ctx *c, Node *call, Ex *out); /* false: not a measure */
bool protocol_part(Ctx *c, Node *n, Ex *out);      /* E.V, ee.weight, pulse.gain; false: something else */
Ex protocol_again(Ctx *c, const Bind *b);
IrModule *protocol_synapses(Sema *S, size_t joined); /* the module of functions over the synapses of a projection */
Ctx protocol_synapse_ctx(Block *b, size_t joined, IrFn *fn, const char *salt);
Ctx protocol_net_ctx(Block *b, const Scope *scope, IrFn **fn);
int protocol_put(Block *b, const Ctx *c, IrFn *fn, Ex e, Node *at, const char *name, Dim dim); /* into a new number */

/* ---- protocol_block.c ---- */
void protocol_stmts(Block *b, const Scope *outer, Node *block);
void protocol_statement(Block *b, const Scope *scope, Node *assign);
int protocol_condition(Block *b, const Scope *scope, Node *n); /* number of the network that is 1 where it holds */
void protocol_every(Inst *in, size_t joined);      /* `every P { … }` of a synapse model */

#endif
