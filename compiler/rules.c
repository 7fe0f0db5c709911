/* Connection rules whose arguments are conditions, lists of pairs, targets and matrices: what becomes
 * a function of i and j, and what becomes a list in the plan. */
#include "wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number, or a truth value, that belongs to this cell of a broadcast. */
static Ex value_of(AttrWork *w, Ctx *c, Node *n)
{
    Ex e = elab(c, n);
    return e.kind == EX_POISON ? e : wire_pick(w->S, n, e, w->cell);
}

/* where(condition, p): p of the pairs that fulfil the condition, 0 of all others. */
static bool where(AttrWork *w, Node **args, PlanProj *p)
{
    Sema *S = w->S;
    IrFn *fn = wire_attr_fn(w, "condition", FN_PROB);
    Ctx c = wire_attr_ctx(w, fn, "condition");
    Ex cond = value_of(w, &c, args[0]), chance = ex_num(1, DIM_NONE);
    if (cond.kind != EX_BOOL && cond.kind != EX_POISON) {
        Diag *d = diag_add(S->diags, D_not_a_number, args[0]->span, "expected a condition, got %s", ex_say(S, cond));
        diag_hint(d, "compare it with something, such as `where(%s > 0)`", ex_source(S, args[0]));
        return false;
    }
    if (args[1]) {
        c.salt = "p";
        chance = value_of(w, &c, args[1]);
        if (!elab_fits(&c, args[1], chance, DIM_NONE, "`p`")) return false;
        if (chance.is_const && !wire_in_range(S, args[1], &(ArgDef){.name = "p", .kind = ARG_FRACTION, .hi = 1}, chance.num)) return false;
    }
    if (cond.kind == EX_POISON) return false;
    int both = ir_op3(fn, OP_SELECT, ex_value(&c, cond), ex_value(&c, chance), ir_const(fn, 0));
    ir_out(fn, 0, both, args[0]->span);
    p->prob_fn = ir_fn_index(w->mod, fn);
    return true;
}

/* each(j = …): the number of the target, a function of the source alone. */
static bool each(AttrWork *w, Node *n, PlanProj *p)
{
    IrFn *fn = wire_attr_fn(w, "target", FN_PROB);
    Ctx c = wire_attr_ctx(w, fn, "target");
    c.has_j = false;
    Ex e = value_of(w, &c, n);
    if (!elab_fits(&c, n, e, DIM_NONE, "the number of a target")) return false;
    ir_out(fn, 0, ex_value(&c, e), n->span);
    p->prob_fn = ir_fn_index(w->mod, fn);
    return true;
}

static int by_pair(const void *a, const void *b)
{
    const PlanPair *x = a, *y = b;
    return x->src != y->src ? (x->src < y->src ? -1 : 1) : x->tgt < y->tgt ? -1 : x->tgt > y->tgt;
}

/* Does neuron `v` of the whole population belong to the selection? */
bool rules_selected(const PlanSelect *s, double v)
{
    if (v < s->lo || v >= s->hi) return false;
    if (!s->index) return true;
    uint32_t lo = 0, hi = s->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->index[mid] < v) lo = mid + 1;
        else hi = mid;
    }
    return lo < s->n && s->index[lo] == v;
}

/* One end of a pair: a neuron of the selection. */
static bool pair_end(AttrWork *w, Node *at, const PopRef *side, Ex e, const char *what, uint32_t *out)
{
    Sema *S = w->S;
    const PopInfo *p = &S->pop[side->pop];
    if (e.kind != EX_NUM || !e.is_const || !(e.wild || dim_none(e.dim)) || e.num != floor(e.num)) {
        Diag *d = diag_add(S->diags, D_out_of_range, at->span, "a pair is made of two whole numbers");
        if (e.kind == EX_NUM && e.is_const) diag_note(d, "its %s is %.17g", what, e.num);
        return false;
    }
    if (e.num >= 0 && e.num < p->n && rules_selected(&side->sel, e.num)) {
        *out = (uint32_t)e.num;
        return true;
    }
    bool whole = !(e.num >= 0 && e.num < p->n);
    if (whole) {
        Diag *d = diag_add(S->diags, D_out_of_range, at->span, "`%s` has no neuron %.17g", p->name, e.num);
        diag_note(d, "the %s is one of the %u neurons of `%s`, counted from 0 to %u", what, p->n, p->name, p->n - 1);
    } else {
        Diag *d = diag_add(S->diags, D_out_of_range, at->span, "neuron %.17g of `%s` is not selected", e.num, p->name);
        diag_note(d, "the numbers of a pair count in the whole population, and here only %s takes part", wire_selected(S, side));
    }
    return false;
}

/* pairs([[i, j], …]): sorted into the plan; a pair that stands twice is made twice. */
static bool pairs(AttrWork *w, Node *n, PlanProj *p)
{
    Sema *S = w->S;
    Ctx c = ctx_const(S, "a list of pairs");
    Ex list = elab(&c, n);
    if (list.kind == EX_POISON) return false;
    if (list.kind == EX_LIST && list.n == 2 && n->kind != N_list && list.item[0].kind == EX_NUM) { /* a file of one row */
        Ex *row = arena_one(S->arena, Ex);
        *row = list;
        list = (Ex){.kind = EX_LIST, .is_const = true, .n = 1, .item = row};
    }
    if (list.kind != EX_LIST || (list.n && (list.item[0].kind != EX_LIST || list.item[0].n != 2))) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, n->span, "expected a list of pairs, got %s", list.kind == EX_LIST ? "another list" : ex_say(S, list));
        diag_hint(d, "write it like `pairs([[0, 1], [0, 2]])`: source, target");
        return false;
    }
    PlanPair *out = arena_many(S->arena, PlanPair, (size_t)list.n + 1);
    bool ok = true, written = n->kind == N_list && n->n_kids == list.n;
    for (int k = 0; k < list.n; k++) {
        Node *pair = written ? n->kid[k] : n;
        bool ends = pair->kind == N_list && pair->n_kids == 2;
        ok = pair_end(w, ends ? pair->kid[0] : pair, &w->from, list.item[k].item[0], "first number", &out[k].src) && ok;
        ok = pair_end(w, ends ? pair->kid[1] : pair, &w->to, list.item[k].item[1], "second number", &out[k].tgt) && ok;
    }
    if (ok && list.n) qsort(out, (size_t)list.n, sizeof *out, by_pair);
    p->pair = out;
    p->n_pairs = (uint32_t)list.n;
    return ok;
}

/* Position of source or target in its selection, as a value. */
static int position(AttrWork *w, IrFn *fn, Op op, const PlanSelect *s, Span at)
{
    int k = ir_imm(fn, op, 0, at);
    if (!s->index) return ir_op2(fn, OP_SUB, k, ir_const(fn, s->lo));
    double *index = arena_many(w->S->arena, double, s->n);
    for (uint32_t q = 0; q < s->n; q++) index[q] = s->index[q];
    int behind = ir_lookup(fn, OP_SEARCH, ir_table(w->mod, index, (int)s->n), k, at);
    return ir_op2(fn, OP_SUB, behind, ir_const(fn, 1));
}

static int entry(AttrWork *w, IrFn *fn, int table, Span at)
{
    int row = position(w, fn, OP_I, &w->from.sel, at), col = position(w, fn, OP_J, &w->to.sel, at);
    int flat = ir_op2(fn, OP_ADD, ir_op2(fn, OP_MUL, row, ir_const(fn, w->to.sel.n)), col);
    return ir_lookup(fn, OP_LOOKUP, table, flat, at);
}

/* matrix(rows): row k, column q is the weight from the k-th source to the q-th target selected; 0 is
 * no synapse. */
static bool matrix(AttrWork *w, Node *n, Node **settings, const Slot *port, bool model, PlanProj *p)
{
    Sema *S = w->S;
    Ctx c = ctx_const(S, "a matrix of weights");
    uint32_t rows = w->from.sel.n, cols = w->to.sel.n;
    Node *weight = wire_setting(*settings, "weight");
    Ex m = elab(&c, n);
    if (m.kind == EX_POISON) return false;
    if (weight) {
        Diag *d = diag_add(S->diags, D_bad_argument, weight->span, "the entries of `matrix` are the weights already");
        diag_hint(d, "write `matrix(%s*%s)` for a common factor, or `where(m[i][j] > 0)` for a matrix of zeros and ones", ex_factor(S, weight),
                  ex_factor(S, n));
        return false;
    }
    if (m.kind == EX_LIST && n->kind != N_list && m.n && m.item[0].kind == EX_NUM && (uint32_t)m.n == rows * cols && (rows == 1 || cols == 1)) {
        Ex *row = arena_many(S->arena, Ex, rows); /* a file of one row or column */
        for (uint32_t k = 0; k < rows; k++) row[k] = (Ex){.kind = EX_LIST, .is_const = true, .n = (int)cols, .item = m.item + k * cols};
        m = (Ex){.kind = EX_LIST, .is_const = true, .n = (int)rows, .item = row};
    }
    bool rank = m.kind == EX_LIST && m.n && m.item[0].kind == EX_LIST && m.item[0].n && m.item[0].item[0].kind != EX_LIST;
    if (!rank || (uint32_t)m.n != rows || (uint32_t)m.item[0].n != cols) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, n->span, "expected a matrix of %u rows with %u entries", rows, cols);
        if (rank) diag_note(d, "this has %d row%s with %d", m.n, m.n == 1 ? "" : "s", m.item[0].n);
        diag_note(d, "rows are the sources, columns the targets");
        return false;
    }
    if (!elab_fits(&c, n, m, port->dim, "a weight")) return false;
    double *all = arena_many(S->arena, double, (size_t)rows * cols);
    for (uint32_t k = 0; k < rows; k++) {
        Node *row = n->kind == N_list && (uint32_t)n->n_kids == rows ? n->kid[k] : n;
        double *v = tables_values(&c, row, m.item[k], "a row of this matrix");
        if (!v) return false;
        for (uint32_t q = 0; q < cols; q++) {
            Node *at = row->kind == N_list && (uint32_t)row->n_kids == cols ? row->kid[q] : row;
            all[(size_t)k * cols + q] = v[q];
            if (!isfinite(v[q])) diag_add(S->diags, D_non_finite_constant, at->span, "a weight must be finite");
            else if (v[q] >= 0 || !port->has_range || port->lo < 0) continue;
            else {
                Diag *d = diag_add(S->diags, D_negative_conductance, at->span, "a negative weight into `%s`, which cannot be negative", port->name);
                diag_note(d, "the synapse from the source %u to the target %u of the matrix has it", k, q);
            }
            return false;
        }
    }
    if (model) {
        edges_matrix(w, n, all, settings, port, p);
        return true;
    }
    IrFn *makes = wire_attr_fn(w, "entry", FN_PROB);
    int table = ir_table(w->mod, all, (int)(rows * cols));
    int nonzero = ir_op2(makes, OP_NE, entry(w, makes, table, n->span), ir_const(makes, 0));
    ir_out(makes, 0, ir_op3(makes, OP_SELECT, nonzero, ir_const(makes, 1), ir_const(makes, 0)), n->span);
    p->prob_fn = ir_fn_index(w->mod, makes);
    IrFn *value = wire_attr_fn(w, "weight", FN_WEIGHT);
    ir_out(value, 0, entry(w, value, table, n->span), n->span);
    p->weight = (PlanAttr){.varies = true, .kernel = -1, .fn = ir_fn_index(w->mod, value)};
    return true;
}

/* Does the rule read its own arguments? Then `rules_args` does. */
bool rules_special(const RuleDef *rule)
{
    return rule->n_args && rule->arg[0].kind >= ARG_CONDITION;
}

/* Does the rule give the weights? */
bool rules_weighted(const RuleDef *rule)
{
    return rule->n_args && rule->arg[0].kind == ARG_MATRIX;
}

/* Fills what the arguments of a special rule say; false after a diagnostic. */
bool rules_args(AttrWork *w, const RuleDef *rule, Node **args, Node **settings, const Slot *port, bool model, PlanProj *p)
{
    switch (rule->arg[0].kind) {
    case ARG_CONDITION: return where(w, args, p);
    case ARG_TARGET: return each(w, args[0], p);
    case ARG_PAIRS: return pairs(w, args[0], p);
    case ARG_MATRIX: return matrix(w, args[0], settings, port, model, p);
    case ARG_EDGES: return edges_rule(w, args, settings, port, p);
    default: cx_bug("rule %s", rule->name);
    }
}
