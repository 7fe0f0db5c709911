/* `sweep` and `trials`: which points there are, and the values of the one that is compiled. A point is the model with other
 * values of its parameters and another seed, exactly as `--set` and `--seed` would give them. */
#include "sema.h"

#include <math.h>
#include <string.h>

enum { MOST = 100000 }; /* points */

typedef struct Axis {
    Node *node;
    Node *names;
    Ex list;
    uint64_t n;
} Axis;

static bool is_set(Sema *S, Sym name)
{
    for (int k = 0; k < S->opt->n_set; k++)
        if (S->opt->set[k].name == name) return true;
    return false;
}

/* A parameter that is swept and declared nowhere is declared by its sweep. */
void sweep_declare(Sema *S)
{
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        if (n->kind != N_sweep) continue;
        for (int q = 0; q < n->kid[0]->n_kids; q++) {
            Node *name = n->kid[0]->kid[q];
            if (scope_here(S->top, name->name)) continue;
            Node *decl = ast_kids(S->ast, N_decl, name->span, 3, (Node *)NULL, ast_node(S->ast, N_poison, name->span), (Node *)NULL);
            decl->name = name->name;
            decl->name_span = name->span;
            (void)scope_add(S, S->top, name->name, B_PARAM, decl);
        }
    }
}

/* From now on the parameter has this value instead of its own, and still its dimension. */
void sweep_give(Sema *S, Bind *b, Node *v)
{
    Node *old = b->node->kid[1], *literal = old && old->kind == N_neg ? old->kid[0] : old;
    if (!b->node->kid[0] && literal && (literal->kind == N_qty || (literal->kind == N_num && literal->num != 0))) {
        b->node->kid[0] = ast_node(S->ast, N_unit, literal->span); /* the default tells the dimension */
        b->node->kid[0]->unit = literal->kind == N_qty ? literal->unit : (Unit){.factor = 1};
    }
    b->node->kid[1] = v;
}

/* The unit in which it was written, or the customary one. */
static Unit shown_in(Sema *S, Ex e)
{
    Unit u = {.dim = e.dim, .factor = 1, .text = dim_unit(S->arena, e.dim)};
    const char *text = u.text;
    if (e.unit) return *e.unit;
    if (*text) (void)unit_parse(text, strlen(text), &u);
    u.text = text;
    return u;
}

/* A value as if it had been written. */
static Node *written(Sema *S, Node *at, Ex e)
{
    Node *n = ast_node(S->ast, e.kind == EX_BOOL ? N_bool : e.percent ? N_pct : dim_none(e.dim) ? N_num : N_qty, at->span);
    n->num = e.num;
    n->unit = shown_in(S, e);
    n->text = arena_printf(S->arena, "%.17g", e.num);
    return n;
}

static bool one_value(Sema *S, Node *at, Ex e)
{
    if ((e.kind == EX_NUM || e.kind == EX_BOOL) && e.is_const) return true;
    if (e.kind != EX_POISON) diag_add(S->diags, D_not_a_number, at->span, "a swept value is a number, got %s", ex_say(S, e));
    return false;
}

/* `[[a, b], …]`, whose columns have dimensions of their own, unlike those of a matrix. */
static Ex tuples(Ctx *c, Node *list)
{
    Ex out = {.kind = EX_LIST, .is_const = true, .n = list->n_kids, .item = arena_many(c->S->arena, Ex, (size_t)list->n_kids + 1)};
    for (int k = 0; k < list->n_kids; k++) {
        Node *row = list->kid[k];
        if (row->kind != N_list) {
            out.item[k] = elab(c, row);
            if (ex_is_poison(out.item[k])) return ex_poison();
            continue;
        }
        Ex *e = &out.item[k];
        *e = (Ex){.kind = EX_LIST, .is_const = true, .n = row->n_kids, .item = arena_many(c->S->arena, Ex, (size_t)row->n_kids + 1)};
        for (int q = 0; q < row->n_kids; q++) {
            e->item[q] = elab(c, row->kid[q]);
            if (ex_is_poison(e->item[q])) return ex_poison();
            const Ex *first = k && out.item[0].kind == EX_LIST && q < out.item[0].n ? &out.item[0].item[q] : NULL;
            if (first && first->kind == EX_NUM && !elab_fits(c, row->kid[q], e->item[q], first->dim, "this column")) return ex_poison();
        }
    }
    return out;
}

static bool read_axis(Sema *S, Node *n, Axis *x)
{
    *x = (Axis){.node = n, .names = n->kid[0]};
    int set = 0, names = x->names->n_kids;
    for (int k = 0; k < names; k++) {
        Node *name = x->names->kid[k];
        const Bind *b = scope_here(S->top, name->name);
        set += is_set(S, name->name);
        if (b && b->kind == B_PARAM) continue;
        if (b && (b->kind != B_LET || follow_up(S, "sweep", name->name))) {
            Diag *d = diag_add(S->diags, D_not_constant, name->span, "`%s` is no parameter and cannot be swept", name->name);
            diag_note_at(d, ast_name_span(b->node), "it is declared here");
            return false;
        }
        Diag *d = diag_add(S->diags, D_not_constant, name->span, "`%s` is a `let`, only a `param` can be swept", name->name);
        if (b) diag_note_at(d, ast_name_span(b->node), "it is declared here");
        diag_hint(d, "write `param %s = …` there", name->name);
        return false;
    }
    if (set == names) return false; /* fixed from outside */
    if (set) {
        diag_add(S->diags, D_bad_argument, x->names->span, "--set fixes one of these, but they are swept together");
        return false;
    }
    Ctx c = ctx_const(S, "a swept value");
    x->list = names > 1 && n->kid[1]->kind == N_list ? tuples(&c, n->kid[1]) : elab(&c, n->kid[1]);
    if (x->list.kind == EX_POISON) return false;
    if (x->list.kind != EX_LIST || !x->list.n) {
        Diag *d = diag_add(S->diags, D_bad_argument, n->kid[1]->span, x->list.kind == EX_LIST ? "the list is empty" : "a sweep goes over a list, this is %s", ex_say(S, x->list));
        if (x->list.kind != EX_LIST) diag_hint(d, "write `%s = [%s]`, or `linspace(…)`", x->names->kid[0]->name, ex_source(S, n->kid[1]));
        return false;
    }
    x->n = (uint64_t)x->list.n;
    for (int k = 0; k < x->list.n; k++) {
        Ex e = x->list.item[k];
        if (names == 1 && n->kid[0]->kind == N_names && e.kind != EX_LIST) {
            if (!one_value(S, n->kid[1], e)) return false;
            continue;
        }
        if (e.kind != EX_LIST || e.n != names) {
            Diag *d = diag_add(S->diags, D_shape_mismatch, n->kid[1]->span, "each point of this sweep is a list of %d value%s", names, names > 1 ? "s" : "");
            if (names == 1) diag_hint(d, "write a list of numbers");
            return false;
        }
        for (int q = 0; q < names; q++)
            if (!one_value(S, n->kid[1], e.item[q])) return false;
    }
    return true;
}

static Ex value_of(const Axis *x, uint64_t k, int name)
{
    Ex e = x->list.item[k];
    return e.kind == EX_LIST ? e.item[name] : e;
}

static uint64_t trials(Sema *S)
{
    Node *first = NULL;
    double v = 1;
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        if (n->kind != N_trials) continue;
        if (first) {
            Diag *d = diag_add(S->diags, D_duplicate_name, n->span, "the number of trials is given twice");
            diag_note_at(d, first->span, "the first time here");
            return 1;
        }
        first = n;
        Ctx c = ctx_const(S, "a number of trials");
        if (!elab_const(&c, n->kid[0], DIM_NONE, "a number of trials", &v)) return 1;
        if (v == floor(v) && v >= 1 && v <= MOST) continue;
        diag_add(S->diags, D_bad_count, n->kid[0]->span, v > MOST ? "%.0f trials are too many; at most %d" : "%g is no number of trials from 1 on", v, MOST);
        v = 1;
    }
    return (uint64_t)v;
}

void sweep_apply(Sema *S)
{
    Axis *axis = NULL;
    CompiledSweep *out = &S->out->sweep;
    bool any = false, ok = true;
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        if (n->kind != N_sweep && n->kind != N_trials) continue;
        any = true;
        if (n->kind == N_trials) continue;
        Axis x;
        size_t before = diag_errors(S->diags);
        if (read_axis(S, n, &x)) {
            for (size_t q = 0; q < vec_len(axis); q++)
                for (int a = 0; a < x.names->n_kids; a++)
                    for (int b = 0; b < axis[q].names->n_kids; b++)
                        if (x.names->kid[a]->name == axis[q].names->kid[b]->name) {
                            Diag *d = diag_add(S->diags, D_duplicate_name, x.names->kid[a]->span, "`%s` is swept twice", x.names->kid[a]->name);
                            diag_note_at(d, axis[q].names->kid[b]->span, "the first time here");
                        }
            vec_push(axis, x);
        }
        ok = ok && diag_errors(S->diags) == before;
    }
    out->n_trials = trials(S);
    double points = (double)out->n_trials;
    for (size_t k = 0; k < vec_len(axis); k++) points *= (double)axis[k].n;
    if (ok && points > MOST) {
        Diag *d = diag_add(S->diags, D_bad_count, axis ? axis[0].node->span : (Span){0, 0}, "%.0f points are too many", points);
        diag_note(d, "a sweep has at most %d points, trials included", MOST);
        diag_hint(d, "take fewer values, or several files");
        ok = false;
    }
    if (ok && any && (vec_len(axis) || out->n_trials > 1)) {
        for (size_t k = 0; k < vec_len(axis); k++) out->n_names += axis[k].names->n_kids;
        uint64_t n = (uint64_t)points, rest = (S->opt->point < n ? S->opt->point : 0) / out->n_trials;
        size_t names = (size_t)out->n_names;
        const char **name = arena_many(S->arena, const char *, names + 1), **unit = arena_many(S->arena, const char *, names + 1);
        double *value = arena_many(S->arena, double, n * names + 1);
        uint64_t inner = 1;
        int at = out->n_names;
        for (size_t k = vec_len(axis); k-- > 0;) { /* the last axis changes first */
            const Axis *x = &axis[k];
            uint64_t mine = rest % x->n;
            rest /= x->n;
            at -= x->names->n_kids;
            for (int q = 0; q < x->names->n_kids; q++) {
                Ex e = value_of(x, mine, q), first = value_of(x, 0, q);
                Unit shown = shown_in(S, first);
                name[at + q] = x->names->kid[q]->name;
                unit[at + q] = shown.text ? shown.text : "";
                for (uint64_t p = 0; p < n; p++)
                    value[p * names + (size_t)(at + q)] = value_of(x, p / out->n_trials / inner % x->n, q).num / unit_factor(&shown);
                Bind *b = scope_here(S->top, x->names->kid[q]->name);
                Node *from = x->node->kid[1];
                if (from->kind == N_list && from->n_kids == x->list.n) from = from->kid[mine];
                if (from->kind == N_list && from->n_kids == x->names->n_kids) from = from->kid[q];
                sweep_give(S, b, written(S, from, e));
            }
            inner *= x->n;
        }
        out->n_points = n;
        out->name = name, out->unit = unit, out->value = value;
    }
    vec_free(axis);
}
