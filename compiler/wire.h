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

/* ---- events.c ---- */
bool events_list(Sema *S, Node *times, Node *indices, uint32_t n, const PlanSelect *sel, bool stamped, PlanEvents *out);

/* ---- stimuli.c ---- */
const StimDef *stimuli_find(Sema *S, Node *call); /* NULL when there is none of this name */
void stimuli_wire(Sema *S, Node *n);

#endif
