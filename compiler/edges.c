/* edges("file.h5"): the pairs of a SONATA edges file, and what belongs to single synapses: the weights and delays
 * of such a file, and the entries of a matrix where a synapse model has a state `weight`. */
#include "wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EDGES = 100000000 };

struct Column { /* a value for each synapse */
    const double *key;   /* number of the pair, ascending, as often as there are synapses of it */
    const double *value;
    size_t n;
    double n_tgt;        /* pair = source*n_tgt + target */
    Dim dim;
    const Unit *unit;
};

/* An expression that stands for the column, wherever synapses are made. */
Node *edges_column(Sema *S, Span at, const PlanPair *pair, const double *value, size_t n, uint32_t n_tgt, Dim dim, const Unit *unit)
{
    struct Column *c = arena_one(S->arena, struct Column);
    double *key = arena_many(S->arena, double, n + 1);
    for (size_t k = 0; k < n; k++) key[k] = (double)pair[k].src * n_tgt + pair[k].tgt;
    *c = (struct Column){.key = key, .value = value, .n = n, .n_tgt = n_tgt, .dim = dim, .unit = unit};
    Node *out = ast_node(S->ast, N_name, at);
    out->name = sym("a column of the file"); /* nobody can write this */
    out->flags |= AST_COLUMN;
    out->binding = c;
    return out;
}

Ex edges_value(Ctx *c, Node *n)
{
    const struct Column *col = n->binding;
    if (!c->fn || c->fn->lanes != LANE_SYNAPSE) cx_bug("a column of edges outside of synapses");
    int pair = ir_op2(c->fn, OP_ADD, ir_op2(c->fn, OP_MUL, ir_imm(c->fn, OP_I, 0, n->span), ir_const(c->fn, col->n_tgt)), ir_imm(c->fn, OP_J, 0, n->span));
    int before = ir_lookup(c->fn, OP_SEARCH, ir_table(c->mod, col->key, (int)col->n), ir_op2(c->fn, OP_SUB, pair, ir_const(c->fn, 0.5)), n->span);
    int at = ir_op2(c->fn, OP_ADD, before, ir_imm(c->fn, OP_MULT, 0, n->span));
    Ex e = ex_ir(ir_lookup(c->fn, OP_LOOKUP, ir_table(c->mod, col->value, (int)col->n), at, n->span), col->dim);
    e.unit = col->unit;
    return e;
}

/* A copy of the block with one more setting. */
static Node *with_entry(Sema *S, Node *settings, const char *name, Node *value)
{
    Node *out = ast_node(S->ast, N_settings, value->span);
    for (int k = 0; settings && k < settings->n_kids; k++) ast_push(S->ast, out, settings->kid[k]);
    if (settings) out->span = settings->span;
    Node *e = ast_kids(S->ast, N_entry, value->span, 1, value);
    e->name = sym(name);
    ast_push(S->ast, out, e);
    return out;
}

static bool text_of(Sema *S, Node *n, const char *what)
{
    if (n->kind == N_str) return true;
    diag_add(S->diags, D_bad_argument, n->span, "expected %s, in quotes", what);
    return false;
}

static bool read_edges(AttrWork *w, Node **args, CompileEdges *e)
{
    Sema *S = w->S;
    Node *file = args[0];
    if (!text_of(S, file, "the path of a SONATA edges file") || (args[1] && !text_of(S, args[1], "the name of a population of edges"))) return false;
    const char *path = files_beside(S, file, file->text);
    Fail f = {0};
    if (!os_exists(path) || !S->opt->read_edges) {
        Diag *d = diag_add(S->diags, D_bad_file, file->span, "there is no file `%s`", file->text);
        if (strcmp(path, file->text)) diag_note(d, "it is looked for beside the model: %s", path);
        return false;
    }
    const char **names = S->opt->read_edges(S->arena, path, args[1] ? args[1]->text : NULL, S->pop[w->from.pop].name, S->pop[w->to.pop].name, MAX_EDGES, e, &f);
    if (!names) {
        diag_add(S->diags, D_bad_file, file->span, "%s", f.text);
        return false;
    }
    if (e->name) return true;
    Buf all = {0};
    size_t n = 0;
    for (; names[n]; n++) buf_printf(&all, "%s`%s`", n ? ", " : "", names[n]);
    Diag *d = args[1] ? diag_add(S->diags, D_bad_file, args[1]->span, "%s has no population of edges `%s`", file->text, args[1]->text)
              : n     ? diag_add(S->diags, D_bad_file, file->span, "which population of edges of `%s`?", file->text)
                      : diag_add(S->diags, D_bad_file, file->span, "%s holds no population of edges", file->text);
    if (n) diag_note(d, "it holds %s", all.p);
    const char *near = args[1] ? diag_nearest(args[1]->text, names, n) : n ? names[0] : NULL;
    if (near && args[1]) diag_hint(d, "did you mean `\"%s\"`?", near);
    else if (near) diag_hint(d, "write it like `edges(\"%s\", name = \"%s\")`", file->text, near);
    buf_free(&all);
    return false;
}

typedef struct Edge {
    PlanPair pair;
    uint64_t at; /* in the file */
} Edge;

static int by_pair(const void *a, const void *b)
{
    const Edge *x = a, *y = b;
    if (x->pair.src != y->pair.src) return x->pair.src < y->pair.src ? -1 : 1;
    if (x->pair.tgt != y->pair.tgt) return x->pair.tgt < y->pair.tgt ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

static bool node_id(AttrWork *w, Node *at, const PopRef *side, uint64_t id, uint64_t edge, const char *what)
{
    const PopInfo *p = &w->S->pop[side->pop];
    if (id < p->n) return true;
    Diag *d = diag_add(w->S->diags, D_bad_file, at->span, "edge %llu of the file has the %s %llu", (unsigned long long)edge, what, (unsigned long long)id);
    diag_note(d, "`%s` has %u neurons, counted from 0 to %u", p->name, p->n, p->n - 1);
    return false;
}

/* The column in the order of the pairs. */
static double *sorted(Sema *S, const Edge *edge, size_t n, const double *v)
{
    double *out = arena_many(S->arena, double, n + 1);
    for (size_t k = 0; k < n; k++) out[k] = v[edge[k].at];
    return out;
}

static bool check_column(AttrWork *w, Node *at, const Edge *edge, const double *v, size_t n, const Slot *port)
{
    for (size_t k = 0; k < n; k++) {
        bool negative = v[k] < 0 && (!port || (port->has_range && port->lo >= 0));
        if (isfinite(v[k]) && !negative) continue;
        Diag *d = !negative ? diag_add(w->S->diags, D_bad_file, at->span, "a %s of the file is no finite number", port ? "weight" : "delay")
                  : port    ? diag_add(w->S->diags, D_negative_conductance, at->span, "a negative weight into `%s`, which cannot be negative", port->name)
                            : diag_add(w->S->diags, D_bad_delay, at->span, "a delay cannot be negative");
        diag_note(d, "edge %llu of the file has it", (unsigned long long)edge[k].at);
        return false;
    }
    return true;
}

/* Fills p->pair with the edges between the neurons selected; `settings` gets the weights and delays of the file where
 * it has none of its own. */
bool edges_rule(AttrWork *w, Node **args, Node **settings, const Slot *port, PlanProj *p)
{
    Sema *S = w->S;
    CompileEdges e = {0};
    if (!read_edges(w, args, &e)) return false;
    Edge *edge = arena_many(S->arena, Edge, e.n + 1);
    size_t n = 0;
    for (uint64_t k = 0; k < e.n; k++) {
        if (!node_id(w, args[0], &w->from, e.src[k], k, "source") || !node_id(w, args[0], &w->to, e.tgt[k], k, "target")) return false;
        if (!rules_selected(&w->from.sel, (double)e.src[k]) || !rules_selected(&w->to.sel, (double)e.tgt[k])) continue;
        edge[n++] = (Edge){{(uint32_t)e.src[k], (uint32_t)e.tgt[k]}, k};
    }
    if (n < e.n) {
        Diag *d = diag_add(S->diags, D_left_out, args[0]->span, "%llu of the %llu edges of the file are left out", (unsigned long long)(e.n - n), (unsigned long long)e.n);
        diag_note(d, "they are not between %s and %s", wire_selected(S, &w->from), wire_selected(S, &w->to));
    }
    if (n) qsort(edge, n, sizeof *edge, by_pair);
    PlanPair *pair = arena_many(S->arena, PlanPair, n + 1);
    for (size_t k = 0; k < n; k++) pair[k] = edge[k].pair;
    p->pair = pair;
    p->n_pairs = (uint32_t)n;
    if (!n) return true;
    uint32_t n_tgt = S->pop[w->to.pop].n;
    if (e.weight && !wire_setting(*settings, "weight")) {
        double *v = sorted(S, edge, n, e.weight);
        double factor = port->unit.text && *port->unit.text ? unit_factor(&port->unit) : 1;
        for (size_t k = 0; k < n; k++) v[k] *= factor;
        if (!check_column(w, args[0], edge, v, n, port)) return false;
        *settings = with_entry(S, *settings, "weight", edges_column(S, args[0]->span, pair, v, n, n_tgt, port->dim, &port->unit));
    }
    if (e.delay && !wire_setting(*settings, "delay")) {
        double *v = sorted(S, edge, n, e.delay);
        if (!check_column(w, args[0], edge, v, n, NULL)) return false;
        *settings = with_entry(S, *settings, "delay", edges_column(S, args[0]->span, pair, v, n, n_tgt, DIM_TIME, NULL));
    }
    return true;
}

/* A matrix of weights for a synapse model: its entries that are not zero as pairs. */
void edges_matrix(AttrWork *w, Node *at, const double *entry, Node **settings, const Slot *port, PlanProj *p)
{
    Sema *S = w->S;
    const PlanSelect *from = &w->from.sel, *to = &w->to.sel;
    PlanPair *pair = arena_many(S->arena, PlanPair, (size_t)from->n * to->n + 1);
    double *v = arena_many(S->arena, double, (size_t)from->n * to->n + 1);
    size_t n = 0;
    for (uint32_t a = 0; a < from->n; a++)
        for (uint32_t b = 0; b < to->n; b++) {
            double x = entry[(size_t)a * to->n + b];
            if (x == 0) continue;
            pair[n] = (PlanPair){from->index ? from->index[a] : from->lo + a, to->index ? to->index[b] : to->lo + b};
            v[n++] = x;
        }
    p->rule = "pairs";
    p->pair = pair;
    p->n_pairs = (uint32_t)n;
    if (n) *settings = with_entry(S, *settings, "weight", edges_column(S, at->span, pair, v, n, S->pop[w->to.pop].n, port->dim, &port->unit));
}
