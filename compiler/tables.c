/* Lists of constants that are read while the model runs: one value for each neuron, `p[i]`, and curves
 * given by points. They become tables of the module. */
#include "sema.h"

#include <math.h>
#include <string.h>

/* The numbers of a flat list of constants, in the arena; NULL after a diagnostic. A number is a list of
 * one. */
double *tables_values(Ctx *c, Node *n, Ex e, const char *what)
{
    Sema *S = c->S;
    int count = e.kind == EX_LIST ? e.n : 1;
    if (!count) {
        diag_add(S->diags, D_shape_mismatch, n->span, "%s is empty", what);
        return NULL;
    }
    double *v = arena_many(S->arena, double, (size_t)count);
    for (int k = 0; k < count; k++) {
        Ex x = e.kind == EX_LIST ? e.item[k] : e;
        Node *at = n->kind == N_list && n->n_kids == count ? n->kid[k] : n;
        if (x.kind == EX_LIST) {
            diag_add(S->diags, D_shape_mismatch, at->span, "expected a list of numbers, got a list of lists");
            return NULL;
        }
        if (x.kind != EX_NUM && x.kind != EX_BOOL) {
            diag_add(S->diags, D_not_a_number, at->span, "expected a number, got %s", ex_say(S, x));
            return NULL;
        }
        if (!x.is_const) {
            Diag *d = diag_add(S->diags, D_not_constant, at->span, "the elements of %s must be constant", what);
            diag_note(d, "`%s` is drawn or changes", ex_source(S, at));
            return NULL;
        }
        v[k] = x.num;
    }
    return v;
}

/* Element `i` of a list with exactly one value for each of `n_neurons` neurons. */
Ex tables_by_neuron(Ctx *c, Node *n, Ex list, uint32_t n_neurons, Dim dim)
{
    Sema *S = c->S;
    if ((uint32_t)list.n != n_neurons) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, n->span, "a list of %d for %u neurons", list.n, n_neurons);
        diag_note(d, "a population takes one value for all, or a list of exactly one value for each neuron");
        return ex_poison();
    }
    double *v = tables_values(c, n, list, "this list");
    if (!v) return ex_poison();
    int i = ir_imm(c->fn, OP_I, 0, n->span);
    Ex e = ex_ir(ir_lookup(c->fn, OP_LOOKUP, ir_table(c->mod, v, list.n), i, n->span), dim);
    for (int k = 0; k < list.n && !e.unit; k++) e.unit = list.item[k].unit;
    return e;
}

static Ex first_of(Ex e)
{
    while (e.kind == EX_LIST && e.n) e = e.item[0];
    return e;
}

/* NaN outside of the list, so that a wrong index is found like any other value that is not finite. */
static int element(Ctx *c, Span at, int table, int n, int index)
{
    int low = ir_op(c->fn, OP_LT, at, 2, (int[]){index, ir_const(c->fn, 0)});
    int high = ir_op(c->fn, OP_GE, at, 2, (int[]){index, ir_const(c->fn, n)});
    int value = ir_lookup(c->fn, OP_LOOKUP, table, index, at);
    return ir_op(c->fn, OP_SELECT, at, 3, (int[]){ir_op2(c->fn, OP_OR, low, high), ir_const(c->fn, NAN), value});
}

/* `p[i]`, `p[i][j]` where an index is known only while the model runs. */
Ex tables_element(Ctx *c, Node *n, Ex list, int n_index, Node *const *index)
{
    Sema *S = c->S;
    int depth = 0, size[2] = {0};
    for (Ex s = list; s.kind == EX_LIST; s = s.item[0]) {
        if (depth < 2) size[depth] = s.n;
        depth++;
        if (!s.n) break;
    }
    if (depth != n_index || depth > 2 || !size[0] || (depth == 2 && !size[1])) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, n->span, "a list indexed by what is no constant gives a number, this is %s",
                           depth > n_index ? "a list" : "more indices than the list has");
        diag_note(d, "the list has %d level%s", depth, depth == 1 ? "" : "s");
        return ex_poison();
    }
    double *v = arena_many(S->arena, double, (size_t)size[0] * (size_t)(depth == 2 ? size[1] : 1));
    Ex one = first_of(list);
    if (depth == 1) {
        v = tables_values(c, n->kid[0], list, "this list");
        if (!v) return ex_poison();
    } else
        for (int k = 0; k < size[0]; k++) {
            double *row = tables_values(c, n->kid[0], list.item[k], "a row of this list");
            if (!row) return ex_poison();
            memcpy(v + (size_t)k * (size_t)size[1], row, (size_t)size[1] * sizeof *v);
        }
    int at[2], total = size[0] * (depth == 2 ? size[1] : 1);
    for (int k = 0; k < depth; k++) {
        Ex e = elab_dim(c, index[k], DIM_NONE, "an index");
        if (e.kind == EX_POISON) return e;
        bool own = index[k]->kind == N_name && !strcmp(index[k]->name, "i") && c->inst;
        if (own && size[k] < c->inst->n_neurons) {
            Diag *d = diag_add(S->diags, D_out_of_range, index[k]->span, "the list has %d elements, for %d neurons", size[k], c->inst->n_neurons);
            diag_note(d, "`i` goes from 0 to %d", c->inst->n_neurons - 1);
            return ex_poison();
        }
        at[k] = ex_value(c, e);
    }
    int table = ir_table(c->mod, v, total);
    if (depth == 1) return ex_ir(element(c, n->span, table, total, at[0]), one.dim);
    int width = ir_const(c->fn, size[1]);
    int bad = ir_op2(c->fn, OP_OR, ir_op2(c->fn, OP_LT, at[1], ir_const(c->fn, 0)), ir_op2(c->fn, OP_GE, at[1], width));
    int flat = ir_op2(c->fn, OP_ADD, ir_op2(c->fn, OP_MUL, ir_op1(c->fn, OP_FLOOR, at[0]), width), at[1]);
    flat = ir_op3(c->fn, OP_SELECT, bad, ir_const(c->fn, -1), flat);
    return ex_ir(element(c, n->span, table, total, flat), one.dim);
}

/* `stairs(x, xs, ys)`: 0 before the first of xs, then the y of the last x reached. `interpolate(x, xs, ys)`:
 * straight lines between the points, the first and last y beyond them. */
Ex tables_curve(Ctx *c, Node *n, const char *name)
{
    Sema *S = c->S;
    bool stairs = !strcmp(name, "stairs");
    if (n->n_kids != 4) {
        Diag *d = diag_add(S->diags, D_wrong_argument_count, n->span, "`%s` takes 3 arguments, got %d", name, n->n_kids - 1);
        diag_hint(d, "write it like `%s(t, [0 ms, 10 ms], [0 pA, 100 pA])`", name);
        return ex_poison();
    }
    Ex x = elab_num(c, n->kid[1]), xs = elab(c, n->kid[2]), ys = elab(c, n->kid[3]);
    if (x.kind == EX_POISON || xs.kind == EX_POISON || ys.kind == EX_POISON) return ex_poison();
    if (!elab_fits(c, n->kid[2], xs, x.wild ? first_of(xs).dim : x.dim, "a place of the curve")) return ex_poison();
    double *px = tables_values(c, n->kid[2], xs, "this list"), *py = px ? tables_values(c, n->kid[3], ys, "this list") : NULL;
    if (!py) return ex_poison();
    int count = xs.kind == EX_LIST ? xs.n : 1, values = ys.kind == EX_LIST ? ys.n : 1;
    if (count != values) {
        diag_add(S->diags, D_shape_mismatch, n->kid[3]->span, "%d values for %d places", values, count);
        return ex_poison();
    }
    for (int k = 1; k < count; k++)
        if (!(px[k] > px[k - 1])) {
            Node *at = n->kid[2]->kind == N_list && n->kid[2]->n_kids == count ? n->kid[2]->kid[k] : n->kid[2];
            Diag *d = diag_add(S->diags, D_out_of_range, at->span, "the places of a curve must ascend");
            diag_note(d, "number %d is %s, number %d is %s", k - 1, unit_show(S->arena, px[k - 1], first_of(xs).dim, NULL), k,
                      unit_show(S->arena, px[k], first_of(xs).dim, NULL));
            return ex_poison();
        }
    Dim dim = first_of(ys).dim;
    if (!c->fn || !c->mod) {
        diag_add(S->diags, D_not_constant, n->span, "`%s` has no place here", name);
        return ex_poison();
    }
    IrFn *f = c->fn;
    int at = ex_value(c, x);
    if (stairs) {
        double *steps = arena_many(S->arena, double, (size_t)count + 1);
        memcpy(steps + 1, py, (size_t)count * sizeof *py);
        int place = ir_lookup(f, OP_SEARCH, ir_table(c->mod, px, count), at, n->span);
        return ex_ir(ir_lookup(f, OP_LOOKUP, ir_table(c->mod, steps, count + 1), place, n->span), dim);
    }
    double *slope = arena_many(S->arena, double, (size_t)count);
    for (int k = 0; k + 1 < count; k++) slope[k] = (py[k + 1] - py[k]) / (px[k + 1] - px[k]);
    at = ir_op2(f, OP_MIN, ir_op2(f, OP_MAX, at, ir_const(f, px[0])), ir_const(f, px[count - 1]));
    int place = ir_lookup(f, OP_SEARCH, ir_table(c->mod, px, count), at, n->span);
    place = ir_op2(f, OP_SUB, place, ir_const(f, 1));
    int x0 = ir_lookup(f, OP_LOOKUP, ir_table(c->mod, px, count), place, n->span);
    int y0 = ir_lookup(f, OP_LOOKUP, ir_table(c->mod, py, count), place, n->span);
    int by = ir_lookup(f, OP_LOOKUP, ir_table(c->mod, slope, count), place, n->span);
    return ex_ir(ir_op2(f, OP_ADD, y0, ir_op2(f, OP_MUL, by, ir_op2(f, OP_SUB, at, x0))), dim);
}
