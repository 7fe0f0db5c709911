/* What connections and stimuli share: settings, arguments, broadcasting. Private to the compiler room. */
#ifndef CORTEXC_WIRE_H
#define CORTEXC_WIRE_H

#include "sema.h"

/* One element of a broadcast: where between the lists of sources and targets we are. */
typedef struct Cell {
    bool from_list, to_list;
    int a, b, n_from, n_to;
} Cell;

typedef struct AttrWork {
    Sema *S;
    const Cell *cell;
    PopRef from, to;
    IrModule *mod; /* made at first need */
    const char *name;
    double wrap[3]; /* periods of space in um, 0 for none */
} AttrWork;

Node *wire_setting(Node *settings, const char *name); /* NULL when it is not given */
void wire_check_settings(Sema *S, Node *settings, const char *const *known, int n_known, const char *of);
/* The element of a broadcast value that belongs to this cell. */
Ex wire_pick(Sema *S, Node *n, Ex e, const Cell *c);
const char *wire_place(Sema *S, Span at);               /* "file:line:col" */
const char *wire_selected(Sema *S, const PopRef *r);    /* "E", "E[0:10]" */
bool wire_weight(AttrWork *w, Node *settings, Node *call, const Slot *port, PlanAttr *out);
/* Arguments of a rule or stimulus call by the registry's table, in its order; NULL where left out. */
bool wire_args(Sema *S, Node *call, const char *name, const ArgDef *def, int n_def, const char *example, Node **out);
bool wire_in_range(Sema *S, Node *at, const ArgDef *d, double v);

/* An empty function of a synapse in the module of the projection, and where its expression stands. */
IrFn *wire_attr_fn(AttrWork *w, const char *name, FnRole role);
Ctx wire_attr_ctx(AttrWork *w, IrFn *fn, const char *salt);

bool wire_port_free(Sema *S, Node *n, Ex e, const char *side); /* a path that must not name a port; diagnoses */
bool wire_sends_spikes(Sema *S, Node *n, Ex e);                /* diagnoses populations that never spike */

/* ---- watch.c ---- */
void watch_record(Sema *S, Node *n);
void watch_run(Sema *S, Node *n);
/* Reads `every P from A to B`, `at [T, …]`, `at end`, `at spikes`; nothing said is every step. Diagnoses. */
bool watch_when(Sema *S, Node *when, PlanLook *out);
bool watch_var(Sema *S, Node *v, struct PopInfo *p, PlanVar *out);

/* ---- synapse.c ---- */
bool synapse_watch(Sema *S, Node *v, const ProjInfo *proj, bool at_end, PlanVar *out);

/* ---- rules.c ---- */
bool rules_special(const RuleDef *rule);
bool rules_weighted(const RuleDef *rule);
bool rules_args(AttrWork *w, const RuleDef *rule, Node **args, Node **settings, const Slot *port, bool model, PlanProj *p);

bool rules_selected(const PlanSelect *s, double neuron);

/* ---- edges.c ---- */
Node *edges_column(Sema *S, Span at, const PlanPair *pair, const double *value, size_t n, uint32_t n_tgt, Dim dim, const Unit *unit);
Ex edges_value(Ctx *c, Node *n);
bool edges_rule(AttrWork *w, Node **args, Node **settings, const Slot *port, PlanProj *p);
void edges_matrix(AttrWork *w, Node *at, const double *entry, Node **settings, const Slot *port, PlanProj *p);

/* ---- events.c ---- */
bool events_list(Sema *S, Node *times, Node *indices, uint32_t n, const PlanSelect *sel, bool stamped, PlanEvents *out);

/* ---- stimuli.c ---- */
const StimDef *stimuli_find(Sema *S, Node *call); /* NULL when there is none of this name */
void stimuli_wire(Sema *S, Node *n);

#endif
