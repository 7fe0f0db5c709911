/* Calls: functions of numbers, of lists, random draws, the user's own functions; powers. */
#include "protocol.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How the dimensions of arguments and result go together. */
typedef enum Rule {
    R_PLAIN,   /* plain numbers in, a plain number out */
    R_KEEP,    /* the result has the dimension of the argument */
    R_SIGN,    /* any dimension in, a plain number out */
    R_SAME,    /* all arguments and the result have one dimension */
    R_RATIO,   /* both arguments have one dimension, the result is plain */
    R_SQRT,
} Rule;
typedef struct Func {
    const char *name;
    Op op;
    int arity;
    Rule rule;
} Func;
static const Func funcs[] = {
    {"exp", OP_EXP, 1, R_PLAIN},     {"log", OP_LOG, 1, R_PLAIN},     {"log10", OP_LOG10, 1, R_PLAIN},
    {"expm1", OP_EXPM1, 1, R_PLAIN}, {"log1p", OP_LOG1P, 1, R_PLAIN}, {"exprel", OP_EXPREL, 1, R_PLAIN},
    {"sin", OP_SIN, 1, R_PLAIN},     {"cos", OP_COS, 1, R_PLAIN},     {"tan", OP_TAN, 1, R_PLAIN},
    {"asin", OP_ASIN, 1, R_PLAIN},   {"acos", OP_ACOS, 1, R_PLAIN},   {"atan", OP_ATAN, 1, R_PLAIN},
    {"atan2", OP_ATAN2, 2, R_RATIO}, {"sinh", OP_SINH, 1, R_PLAIN},   {"cosh", OP_COSH, 1, R_PLAIN},
    {"tanh", OP_TANH, 1, R_PLAIN},   {"erf", OP_ERF, 1, R_PLAIN},     {"erfc", OP_ERFC, 1, R_PLAIN},
    {"floor", OP_FLOOR, 1, R_PLAIN}, {"ceil", OP_CEIL, 1, R_PLAIN},   {"round", OP_ROUND, 1, R_PLAIN},
    {"int", OP_TRUNC, 1, R_PLAIN},   {"abs", OP_ABS, 1, R_KEEP},      {"sign", OP_SIGN, 1, R_SIGN},
    {"step", OP_HEAV, 1, R_SIGN},    {"sqrt", OP_SQRT, 1, R_SQRT},    {"mod", OP_MOD, 2, R_SAME},
};
/* Draws: (mean, sd) of the variable itself, then the bounds outside which it is drawn again. */
typedef struct Law {
    const char *name;
    Op op;
    const char *arg[2];
    bool plain;
} Law;
static const Law laws[] = {
    {"normal", OP_RNORMAL, {"mean", "sd"}, false},
    {"lognormal", OP_RLOGNORMAL, {"mean", "sd"}, false},
    {"gamma", OP_RGAMMA, {"mean", "sd"}, false},
    {"exponential", OP_REXPONENTIAL, {"mean", NULL}, false},
    {"binomial", OP_RBINOMIAL, {"n", "p"}, true},
    {"poisson", OP_RPOISSON, {"mean", NULL}, true},
};
const char *const function_names[] = {
#define FUNCTION(name, example, doc) #name,
#include "functions.def"
#undef FUNCTION
};
const FunctionDoc function_docs[] = {
#define FUNCTION(name, example, doc) {#name, example, doc},
#include "functions.def"
#undef FUNCTION
};
const int n_function_names = sizeof function_names / sizeof *function_names;

bool function_known(Sym name)
{
    for (int k = 0; k < n_function_names; k++)
        if (!strcmp(name, function_names[k])) return true;
    return false;
}

bool function_draws(Sym name)
{
    for (size_t k = 0; k < sizeof laws / sizeof *laws; k++)
        if (!strcmp(name, laws[k].name)) return true;
    return !strcmp(name, "random") || !strcmp(name, "uniform") || !strcmp(name, "choice");
}

static Ex first_number(Ex e)
{
    while (e.kind == EX_LIST && e.n) e = e.item[0];
    return e;
}

static bool plain_arg(Ctx *c, Node *at, const char *fn, Ex e)
{
    Ex s = first_number(e);
    if (s.kind != EX_NUM) {
        diag_add(c->S->diags, D_not_a_number, at->span, "`%s` takes a number, got %s", fn, ex_say(c->S, s));
        return false;
    }
    if (s.wild || dim_none(s.dim)) return true;
    Diag *d = diag_add(c->S->diags, D_unit_mismatch, at->span, "`%s` takes a plain number, but this is %s", fn,
                       dim_say(c->S->arena, s.dim));
    diag_hint(d, "divide it by its unit, such as `%s/[%s]`", ex_factor(c->S, at), dim_unit(c->S->arena, s.dim));
    return false;
}

static bool same_arg(Ctx *c, Node *at, const char *fn, Ex *ref, Node *ref_at, Ex e)
{
    Ex s = first_number(e);
    if (s.kind != EX_NUM) {
        diag_add(c->S->diags, D_not_a_number, at->span, "`%s` takes numbers, got %s", fn, ex_say(c->S, s));
        return false;
    }
    if (s.wild) return true;
    if (ref->wild) {
        *ref = s;
        return true;
    }
    if (dim_eq(s.dim, ref->dim)) return true;
    Diag *d = diag_add(c->S->diags, D_unit_mismatch, at->span, "the arguments of `%s` must agree in dimension", fn);
    diag_note(d, "`%s` is %s, `%s` is %s", ast_source(c->S->ast, ref_at), dim_say(c->S->arena, ref->dim),
              ast_source(c->S->ast, at), dim_say(c->S->arena, s.dim));
    return false;
}

/* Calls whose arguments nobody can guess from the name. */
static const char *const written[][2] = {
    {"clip", "clip(x, 0, 1)"},     {"linspace", "linspace(0, 1, 11)"}, {"logspace", "logspace(0.1, 10, 5)"}, {"range", "range(10)"},
    {"atan2", "atan2(y, x)"},      {"mod", "mod(t, 10 ms)"},           {"dot", "dot([1, 2], [3, 4])"},       {"random", "random()"},
};

static bool arity(Ctx *c, Node *n, const char *name, int lo, int hi)
{
    int got = n->n_kids - 1;
    if (got >= lo && got <= hi) return true;
    Diag *d = diag_add(c->S->diags, D_wrong_argument_count, n->span,
                       lo == hi ? "`%s` takes %d argument%s, got %d" : "`%s` takes %d%s or more arguments, got %d", name,
                       lo, lo == hi ? (lo == 1 ? "" : "s") : "", got);
    for (size_t k = 0; k < sizeof written / sizeof *written; k++)
        if (!strcmp(written[k][0], name)) diag_hint(d, "write it like `%s`", written[k][1]);
    return false;
}

/* Positional and named arguments put in the order of `names`. False after a diagnostic. */
static bool named_args(Ctx *c, Node *n, const char *fn, const char *const *names, int n_names, Node **out)
{
    int pos = 0;
    for (int k = 0; k < n_names; k++) out[k] = NULL;
    for (int k = 1; k < n->n_kids; k++) {
        Node *a = n->kid[k];
        int at = -1;
        if (a->kind == N_arg) {
            for (int q = 0; q < n_names; q++)
                if (names[q] && !strcmp(names[q], a->name)) at = q;
            if (at < 0) {
                Diag *d = diag_add(c->S->diags, D_bad_argument, a->span, "`%s` has no argument `%s`", fn, a->name);
                const char *near = diag_nearest(a->name, names, (size_t)n_names);
                if (near) diag_hint(d, "did you mean `%s`?", near);
                Buf all = {0};
                for (int q = 0; q < n_names; q++) buf_printf(&all, "%s`%s`", q ? ", " : "", names[q]);
                if (!near && n_names) diag_note(d, "its arguments are %s", all.p);
                buf_free(&all);
                return false;
            }
            if (out[at]) {
                Diag *d = diag_add(c->S->diags, D_bad_argument, a->span, "`%s` gets its argument `%s` twice", fn, a->name);
                diag_note_at(d, out[at]->span, "the first time here");
                return false;
            }
            out[at] = a->kid[0];
        } else {
            if (pos >= n_names) {
                diag_add(c->S->diags, D_wrong_argument_count, a->span, "`%s` takes at most %d argument%s", fn, n_names, n_names == 1 ? "" : "s");
                return false;
            }
            if (a->kind == N_poison) return false;
            out[pos++] = a;
        }
    }
    return true;
}

/* The salt of a draw: its place of use and its number there. */
static int64_t next_salt(Ctx *c)
{
    return (int64_t)hash_str(arena_printf(c->S->arena, "%s.%d", c->salt ? c->salt : "", c->n_draws++), 0);
}

typedef struct DrawLeaf {
    Op op;
    int64_t salt;
    Dim dim;
} DrawLeaf;

static Ex draw_leaf(Ctx *c, Span at, const void *user, int n, const Ex *arg)
{
    const DrawLeaf *l = user;
    int v[4];
    for (int k = 0; k < n; k++) v[k] = ex_value(c, arg[k]);
    return ex_ir(ir_draw(c->fn, l->op, l->salt, c->shared ? INS_SHARED : 0, at, n, v), l->dim);
}

static bool draws_allowed(Ctx *c, Node *n, const char *name)
{
    if (c->fn && c->has_draws) return true;
    Diag *d = diag_add(c->S->diags, D_not_constant, n->span, "`%s` draws a random number, which has no place here", name);
    if (c->fn && c->inst && c->inst->joint) diag_note(d, "synapses draw in their parameters, initial values and handlers only");
    else if (c->fn) diag_note(d, "draws stand in parameters, initial values, equations, blocks, weights and delays");
    else diag_note(d, "%s is fixed before the run starts", c->what ? c->what : "this value");
    return false;
}

static Ex elab_law(Ctx *c, Node *n, const Law *l)
{
    int first_bound = l->arg[1] ? 2 : 1, n_order = first_bound + 2;
    const char *order[4] = {l->arg[0], l->arg[1]};
    order[first_bound] = "min", order[first_bound + 1] = "max";
    Node *arg[4];
    if (!draws_allowed(c, n, l->name) || !named_args(c, n, l->name, order, n_order, arg)) return ex_poison();
    Ex e[4], ref = ex_poison();
    for (int k = 0; k < n_order; k++) {
        if (!arg[k] && k < first_bound) {
            Diag *d = diag_add(c->S->diags, D_wrong_argument_count, n->span, "`%s` needs its `%s`", l->name, order[k]);
            diag_hint(d, "write `%s(%s%s%s)`", l->name, l->arg[0], l->arg[1] ? ", " : "", l->arg[1] ? l->arg[1] : "");
            return ex_poison();
        }
        if (!arg[k]) {
            e[k] = (Ex){.kind = EX_NUM, .is_const = true, .wild = true, .num = k == first_bound ? -INFINITY : INFINITY};
            continue;
        }
        e[k] = elab(c, arg[k]);
        if (e[k].kind == EX_POISON) return ex_poison();
        if (l->plain) {
            if (!plain_arg(c, arg[k], l->name, e[k])) return ex_poison();
            ref = ex_num(0, DIM_NONE);
        } else if (k == 0) {
            ref = first_number(e[0]);
            if (ref.kind != EX_NUM) {
                diag_add(c->S->diags, D_not_a_number, arg[0]->span, "`%s` takes numbers, got %s", l->name, ex_say(c->S, ref));
                return ex_poison();
            }
        } else if (!same_arg(c, arg[k], l->name, &ref, arg[0], e[k]))
            return ex_poison();
        if (k == 1 && !strcmp(order[1], "sd") && e[1].is_const && e[1].num < 0) {
            diag_add(c->S->diags, D_out_of_range, arg[1]->span, "a standard deviation cannot be negative");
            return ex_poison();
        }
    }
    if (e[n_order - 2].is_const && e[n_order - 1].is_const && e[n_order - 2].kind == EX_NUM &&
        e[n_order - 1].kind == EX_NUM && e[n_order - 2].num > e[n_order - 1].num) {
        diag_add(c->S->diags, D_out_of_range, n->span, "`min` is above `max`: nothing can be drawn");
        return ex_poison();
    }
    /* the elements of a list share the number of the draw: their declarations tell them apart */
    DrawLeaf leaf = {l->op, next_salt(c), ref.wild ? DIM_NONE : ref.dim};
    return ex_spread(c, n->span, n_order, e, draw_leaf, &leaf);
}

static Ex elab_uniform(Ctx *c, Node *n)
{
    static const char *const order[] = {"a", "b", "min", "max"};
    Node *arg[4];
    if (!draws_allowed(c, n, "uniform") || !named_args(c, n, "uniform", order, 4, arg)) return ex_poison();
    if (!arg[0] || !arg[1]) {
        Diag *d = diag_add(c->S->diags, D_wrong_argument_count, n->span, "`uniform` takes 2 arguments");
        diag_hint(d, "write `uniform(from, to)`, or `random()` for a number between 0 and 1");
        return ex_poison();
    }
    Ex a = elab(c, arg[0]), b = elab(c, arg[1]);
    if (a.kind == EX_POISON || b.kind == EX_POISON) return ex_poison();
    Ex ref = first_number(a);
    if (!same_arg(c, arg[0], "uniform", &ref, arg[0], a) || !same_arg(c, arg[1], "uniform", &ref, arg[0], b)) return ex_poison();
    for (int k = 2; k < 4; k++) { /* drawn again while outside: evenly within what is left */
        if (!arg[k]) continue;
        Ex bound = elab(c, arg[k]);
        if (bound.kind == EX_POISON || !same_arg(c, arg[k], "uniform", &ref, arg[0], bound)) return ex_poison();
        Ex *end = k == 2 ? &a : &b;
        *end = elab_op(c, arg[k]->span, k == 2 ? OP_MAX : OP_MIN, 2, (Ex[]){*end, bound}, ref.dim);
    }
    if ((arg[2] || arg[3]) && a.kind == EX_NUM && b.kind == EX_NUM && a.is_const && b.is_const && a.num > b.num) {
        diag_add(c->S->diags, D_out_of_range, n->span, "nothing between `min` and `max` can be drawn");
        return ex_poison();
    }
    Ex u = ex_ir(ir_draw(c->fn, OP_RUNIFORM, next_salt(c), c->shared ? INS_SHARED : 0, n->span, 0, NULL), DIM_NONE);
    Ex width = elab_op(c, n->span, OP_SUB, 2, (Ex[]){b, a}, ref.dim);
    Ex part = elab_op(c, n->span, OP_MUL, 2, (Ex[]){width, u}, ref.dim);
    return elab_op(c, n->span, OP_ADD, 2, (Ex[]){a, part}, ref.dim);
}

/* choice(list), choice(list, weights): a table of the elements, and one of the bounds between which a uniform
 * number belongs to each. */
static Ex elab_choice(Ctx *c, Node *n)
{
    static const char *const order[] = {"list", "weights"};
    Node *arg[2];
    Sema *S = c->S;
    if (!draws_allowed(c, n, "choice") || !named_args(c, n, "choice", order, 2, arg)) return ex_poison();
    if (!arg[0]) {
        Diag *d = diag_add(S->diags, D_wrong_argument_count, n->span, "`choice` needs a list");
        diag_hint(d, "write it like `choice([1 mV, 5 mV], weights = [3, 1])`");
        return ex_poison();
    }
    Ex list = elab(c, arg[0]);
    if (list.kind == EX_POISON) return list;
    if (list.kind != EX_LIST) {
        diag_add(S->diags, D_not_a_number, arg[0]->span, "`choice` takes a list, got %s", ex_say(S, list));
        return ex_poison();
    }
    double *v = tables_values(c, arg[0], list, "this list");
    if (!v) return ex_poison();
    double *upto = arena_many(S->arena, double, (size_t)list.n), total = 0;
    if (arg[1]) {
        Ex weights = elab(c, arg[1]);
        double *w = weights.kind == EX_POISON ? NULL : tables_values(c, arg[1], weights, "the weights");
        if (!w || !plain_arg(c, arg[1], "choice", weights)) return ex_poison();
        if (weights.kind != EX_LIST || weights.n != list.n) {
            diag_add(S->diags, D_shape_mismatch, arg[1]->span, "%d weight%s for %d elements", weights.kind == EX_LIST ? weights.n : 1,
                     weights.kind == EX_LIST && weights.n != 1 ? "s" : "", list.n);
            return ex_poison();
        }
        bool ok = true;
        for (int k = 0; k < list.n; k++) {
            ok = ok && w[k] >= 0 && !isinf(w[k]);
            upto[k] = total += w[k];
        }
        if (!ok || !(total > 0) || isinf(total)) {
            diag_add(S->diags, D_out_of_range, arg[1]->span, "weights are numbers from 0 on, and not all are 0");
            return ex_poison();
        }
    } else {
        for (int k = 0; k < list.n; k++) upto[k] = total += 1;
    }
    int last = list.n - 1;
    while (last > 0 && upto[last - 1] == total) last--; /* what has no weight behind the last that has some */
    Ex ref = first_number(list);
    for (int k = 0; k < list.n && ref.wild; k++) ref = list.item[k];
    int u = ir_draw(c->fn, OP_RUNIFORM, next_salt(c), c->shared ? INS_SHARED : 0, n->span, 0, NULL);
    int at = last ? ir_lookup(c->fn, OP_SEARCH, ir_table(c->mod, upto, last), ir_op2(c->fn, OP_MUL, u, ir_const(c->fn, total)), n->span)
                  : ir_const(c->fn, 0);
    Ex e = ex_ir(ir_lookup(c->fn, OP_LOOKUP, ir_table(c->mod, v, list.n), at, n->span), ref.wild ? DIM_NONE : ref.dim);
    e.unit = ref.unit;
    return e;
}

static int by_value(const void *a, const void *b)
{
    double x = ((const Ex *)a)->num, y = ((const Ex *)b)->num;
    return x < y ? -1 : x > y;
}

static Ex list_transpose(Ctx *c, Ex m)
{
    int rows = m.n, cols = rows ? m.item[0].n : 0;
    Ex out = {.kind = EX_LIST, .n = cols, .item = arena_many(c->S->arena, Ex, cols ? (size_t)cols : 1)};
    for (int k = 0; k < cols; k++) {
        out.item[k] = (Ex){.kind = EX_LIST, .n = rows, .item = arena_many(c->S->arena, Ex, (size_t)rows)};
        for (int q = 0; q < rows; q++) out.item[k].item[q] = m.item[q].item[k];
    }
    return out;
}

/* sum, mean, min, max, len, sort, transpose of one list; dot of two; linspace, logspace, range. */
static Ex elab_list_call(Ctx *c, Node *n, const char *name, Ex e)
{
    if (!strcmp(name, "len")) return ex_num(e.n, DIM_NONE);
    if (!strcmp(name, "transpose")) {
        if (e.n && e.item[0].kind == EX_LIST) return list_transpose(c, e);
        diag_add(c->S->diags, D_shape_mismatch, n->span, "`transpose` takes a matrix: a list of rows");
        return ex_poison();
    }
    if (e.n == 0) {
        if (!strcmp(name, "sum")) return (Ex){.kind = EX_NUM, .is_const = true, .wild = true};
        if (!strcmp(name, "sort")) return e;
        diag_add(c->S->diags, D_shape_mismatch, n->span, "`%s` of an empty list has no value", name);
        return ex_poison();
    }
    if (!strcmp(name, "sort")) {
        for (int k = 0; k < e.n; k++)
            if (e.item[k].kind != EX_NUM || !e.item[k].is_const) {
                diag_add(c->S->diags, D_not_constant, n->span, "`sort` takes a list of constant numbers");
                return ex_poison();
            }
        Ex out = e;
        out.item = arena_dup(c->S->arena, e.item, sizeof *e.item * (size_t)e.n);
        qsort(out.item, (size_t)out.n, sizeof *out.item, by_value);
        return out;
    }
    Op op = !strcmp(name, "min") ? OP_MIN : !strcmp(name, "max") ? OP_MAX : OP_ADD;
    Ex acc = e.item[0];
    for (int k = 1; k < e.n && acc.kind != EX_POISON; k++) {
        Ex s = first_number(acc).wild ? first_number(e.item[k]) : first_number(acc);
        acc = elab_op(c, n->span, op, 2, (Ex[]){acc, e.item[k]}, s.dim);
    }
    if (!strcmp(name, "mean") && acc.kind != EX_POISON)
        acc = elab_op(c, n->span, OP_DIV, 2, (Ex[]){acc, ex_num(e.n, DIM_NONE)}, first_number(acc).dim);
    return acc;
}

static Ex elab_spaces(Ctx *c, Node *n, const char *name)
{
    bool log_form = !strcmp(name, "logspace"), range = !strcmp(name, "range");
    if (!arity(c, n, name, range ? 1 : 3, 3)) return ex_poison();
    Ex a[3];
    int got = n->n_kids - 1;
    for (int k = 0; k < got; k++) {
        a[k] = elab_num(c, n->kid[k + 1]);
        if (a[k].kind == EX_POISON) return ex_poison();
        if (!a[k].is_const) {
            diag_add(c->S->diags, D_not_constant, n->kid[k + 1]->span, "`%s` takes constants", name);
            return ex_poison();
        }
    }
    Ex ref = a[0];
    if (range) {
        double lo = got == 1 ? 0 : a[0].num, hi = got == 1 ? a[0].num : a[1].num, by = got == 3 ? a[2].num : 1;
        for (int k = 1; k < got; k++)
            if (!same_arg(c, n->kid[k + 1], name, &ref, n->kid[1], a[k])) return ex_poison();
        double count = by != 0 ? ceil((hi - lo) / by) : -1;
        if (!(count >= 0) || count > 1e7) {
            diag_add(c->S->diags, D_out_of_range, n->span, "this range has no end, or more than 10 million elements");
            return ex_poison();
        }
        Ex out = {.kind = EX_LIST, .n = (int)count, .item = arena_many(c->S->arena, Ex, count > 0 ? (size_t)count : 1)};
        for (int k = 0; k < out.n; k++) out.item[k] = ex_num(lo + k * by, ref.dim);
        return out;
    }
    if (!same_arg(c, n->kid[2], name, &ref, n->kid[1], a[1])) return ex_poison();
    if (a[2].num < 1 || a[2].num > 1e7 || a[2].num != floor(a[2].num)) {
        diag_add(c->S->diags, D_bad_count, n->kid[3]->span, "the number of points must be a whole number from 1 to 10 million");
        return ex_poison();
    }
    Ex out = {.kind = EX_LIST, .n = (int)a[2].num, .item = arena_many(c->S->arena, Ex, (size_t)a[2].num)};
    double lo = a[0].num, hi = a[1].num;
    if (log_form && !(lo > 0 && hi > 0)) {
        diag_add(c->S->diags, D_out_of_range, n->span, "`logspace` goes from one positive value to another");
        return ex_poison();
    }
    for (int k = 0; k < out.n; k++) {
        double f = out.n == 1 ? 0 : (double)k / (out.n - 1), v = lo + f * (hi - lo);
        if (log_form) {
            double power = 0;
            (void)ir_eval_op(OP_POW, (double[]){hi / lo, f}, &power);
            v = lo * power;
        }
        out.item[k] = ex_num(k == out.n - 1 && out.n > 1 ? hi : v, ref.dim);
        out.item[k].unit = a[0].unit;
    }
    return out;
}

static Ex elab_user(Ctx *c, Node *n, Bind *b)
{
    Node *f = b->node, *params = f->kid[0];
    if (c->depth > 100) {
        diag_add(c->S->diags, D_cyclic_definition, n->span, "`%s` calls itself", b->name);
        return ex_poison();
    }
    const char *names[64];
    Node *arg[64];
    int np = params->n_kids;
    if (np > 64) np = 64;
    for (int k = 0; k < np; k++) names[k] = params->kid[k]->name;
    if (!named_args(c, n, b->name, names, np, arg)) return ex_poison();
    Scope inner = {.up = c->scope};
    /* The body sees its arguments and the top level, not the caller's variables. */
    Ctx k = *c;
    k.inst = NULL;
    k.from = k.to = NULL;
    k.home = NULL;
    k.scope = &inner;
    k.self = NULL;
    k.has_xi = k.has_i = k.has_j = false;
    k.depth++;
    inner.up = c->S->top;
    for (int q = 0; q < np; q++) {
        Node *p = params->kid[q], *given = arg[q] ? arg[q] : p->kid[1];
        if (!given) {
            if (follow_hole(n)) return ex_poison();
            Diag *d = diag_add(c->S->diags, D_wrong_argument_count, n->span, "`%s` needs its argument `%s`", b->name, names[q]);
            diag_note_at(d, f->name_span, "it is declared here");
            return ex_poison();
        }
        if (p->kid[0] && p->kid[0]->kind == N_poison) return ex_poison();
        Dim want = p->kid[0] ? p->kid[0]->unit.dim : DIM_NONE;
        Ex e = elab(c, given);
        if (e.kind == EX_POISON || !elab_fits(c, given, e, want, arena_printf(c->S->arena, "`%s`", names[q]))) return ex_poison();
        if (e.wild) e.wild = false, e.dim = want;
        Bind *l = arena_one(c->S->arena, Bind);
        *l = (Bind){.name = names[q], .kind = B_LOCAL, .node = p, .ex = e, .next = inner.first};
        inner.first = l;
    }
    Ex e = elab(&k, f->kid[2]);
    c->n_draws = k.n_draws;
    if (f->kid[1] && f->kid[1]->kind == N_poison) return ex_poison();
    Dim want = f->kid[1] ? f->kid[1]->unit.dim : DIM_NONE;
    if (e.kind == EX_NUM && f->kid[1] && !elab_fits(&k, f->kid[2], e, want, arena_printf(c->S->arena, "the result of `%s`", b->name)))
        return ex_poison();
    return e;
}

Ex elab_power(Ctx *c, Node *n)
{
    Ex a = elab(c, n->kid[0]), b = elab(c, n->kid[1]);
    if (a.kind == EX_POISON || b.kind == EX_POISON) return ex_poison();
    Ex sa = first_number(a);
    if (sa.kind != EX_NUM || !plain_arg(c, n->kid[1], "^", b)) {
        if (sa.kind != EX_NUM) diag_add(c->S->diags, D_not_a_number, n->kid[0]->span, "expected a number, got %s", ex_say(c->S, sa));
        return ex_poison();
    }
    if (b.kind == EX_NUM && b.is_const) {
        int num = 0, den = 1;
        for (den = 1; den <= 60; den++) {
            double x = b.num * den;
            if (fabs(x) <= 600 && fabs(x - rint(x)) < 1e-12 * (1 + fabs(x))) {
                num = (int)rint(x);
                break;
            }
        }
        Dim d = sa.dim;
        if (!dim_none(sa.dim) && (den > 60 || !dim_pow(sa.dim, num, den, &d))) {
            Diag *g = diag_add(c->S->diags, D_unit_mismatch, n->span, "%s cannot be raised to this power", dim_say(c->S->arena, sa.dim));
            diag_note(g, "powers of quantities are whole numbers or fractions such as 1/2 and 2/3");
            diag_hint(g, "write the exponent as a fraction, or divide by the unit first: `(%s/[%s])^…`", ex_factor(c->S, n->kid[0]), dim_unit(c->S->arena, sa.dim));
            return ex_poison();
        }
        if (den == 1 && num >= -16 && num <= 16) { /* small whole powers multiply */
            int m = num < 0 ? -num : num;
            if (m == 0) return ex_num(1, DIM_NONE);
            Ex r = ex_poison(), sq = a;
            Dim sq_dim = sa.dim;
            for (Dim r_dim = DIM_NONE; m; m >>= 1) {
                if (m & 1) {
                    r_dim = r.kind == EX_POISON ? sq_dim : dim_mul(r_dim, sq_dim);
                    r = r.kind == EX_POISON ? sq : elab_op(c, n->span, OP_MUL, 2, (Ex[]){r, sq}, r_dim);
                }
                if (m > 1) {
                    sq_dim = dim_mul(sq_dim, sq_dim);
                    sq = elab_op(c, n->span, OP_MUL, 2, (Ex[]){sq, sq}, sq_dim);
                }
            }
            return num > 0 ? r : elab_op(c, n->span, OP_DIV, 2, (Ex[]){ex_num(1, DIM_NONE), r}, d);
        }
        if (num == 1 && den == 2) return elab_op(c, n->span, OP_SQRT, 1, &a, d);
        return elab_op(c, n->span, OP_POW, 2, (Ex[]){a, b}, d);
    }
    if (!sa.wild && !dim_none(sa.dim)) {
        Diag *d = diag_add(c->S->diags, D_unit_mismatch, n->span, "%s can only be raised to a constant power", dim_say(c->S->arena, sa.dim));
        diag_hint(d, "divide it by its unit first, such as `(%s/[%s])^…`", ex_factor(c->S, n->kid[0]), dim_unit(c->S->arena, sa.dim));
        return ex_poison();
    }
    return elab_op(c, n->span, OP_POW, 2, (Ex[]){a, b}, DIM_NONE);
}

static Ex elab_min_max(Ctx *c, Node *n, const char *name)
{
    if (!arity(c, n, name, 1, 64)) return ex_poison();
    Ex acc = elab(c, n->kid[1]);
    if (acc.kind == EX_POISON) return acc;
    if (n->n_kids == 2) {
        if (acc.kind == EX_LIST) return elab_list_call(c, n, name, acc);
        diag_add(c->S->diags, D_wrong_argument_count, n->span, "`%s` takes a list or at least 2 numbers", name);
        return ex_poison();
    }
    Ex ref = first_number(acc);
    if (!same_arg(c, n->kid[1], name, &ref, n->kid[1], acc)) return ex_poison();
    for (int k = 2; k < n->n_kids; k++) {
        Ex e = elab(c, n->kid[k]);
        if (e.kind == EX_POISON || !same_arg(c, n->kid[k], name, &ref, n->kid[1], e)) return ex_poison();
        acc = elab_op(c, n->span, !strcmp(name, "min") ? OP_MIN : OP_MAX, 2, (Ex[]){acc, e}, ref.dim);
    }
    return acc;
}

static Ex elab_clip(Ctx *c, Node *n)
{
    if (!arity(c, n, "clip", 3, 3)) return ex_poison();
    Ex x = elab(c, n->kid[1]), lo = elab(c, n->kid[2]), hi = elab(c, n->kid[3]);
    if (x.kind == EX_POISON || lo.kind == EX_POISON || hi.kind == EX_POISON) return ex_poison();
    Ex ref = first_number(x);
    if (!same_arg(c, n->kid[1], "clip", &ref, n->kid[1], x) || !same_arg(c, n->kid[2], "clip", &ref, n->kid[1], lo) ||
        !same_arg(c, n->kid[3], "clip", &ref, n->kid[1], hi))
        return ex_poison();
    Ex up = elab_op(c, n->span, OP_MAX, 2, (Ex[]){x, lo}, ref.dim);
    return elab_op(c, n->span, OP_MIN, 2, (Ex[]){up, hi}, ref.dim);
}

static Ex elab_dot(Ctx *c, Node *n)
{
    if (!arity(c, n, "dot", 2, 2)) return ex_poison();
    Ex a = elab(c, n->kid[1]), b = elab(c, n->kid[2]);
    if (a.kind == EX_POISON || b.kind == EX_POISON) return ex_poison();
    if (a.kind != EX_LIST || b.kind != EX_LIST || a.n != b.n) {
        diag_add(c->S->diags, D_shape_mismatch, n->span, "`dot` takes two lists of the same length");
        return ex_poison();
    }
    /* element by element along the first axis, so a vector times a matrix gives one value per column */
    Ex p = {.kind = EX_LIST, .is_const = true, .n = a.n, .item = arena_many(c->S->arena, Ex, a.n ? (size_t)a.n : 1)};
    Dim d = dim_mul(first_number(a).dim, first_number(b).dim);
    for (int k = 0; k < a.n; k++) {
        p.item[k] = elab_op(c, n->span, OP_MUL, 2, (Ex[]){a.item[k], b.item[k]}, d);
        if (p.item[k].kind == EX_POISON) return ex_poison();
    }
    return elab_list_call(c, n, "sum", p);
}

/* floor(t/T) and mod(t, T) with a constant T on the grid count whole steps, so that no rounding of t
 * can make a period begin a step late. Not inside equations, where t is the time of a stage. */
static bool time_in_steps(Ctx *c, Node *n, const char *name, Ex *out)
{
    Node *t = NULL, *period = NULL, *a = n->kid[1];
    if (!strcmp(name, "mod") && n->n_kids == 3) t = n->kid[1], period = n->kid[2];
    else if (!strcmp(name, "floor") && n->n_kids == 2 && a->kind == N_binary && a->op == '/') t = a->kid[0], period = a->kid[1];
    Node *from = NULL; /* mod(t - from, T), floor((t - from)/T) */
    if (t && t->kind == N_binary && t->op == '-') from = t->kid[1], t = t->kid[0];
    if (!t || t->kind != N_name || strcmp(t->name, "t") || !c->has_t || !c->fn || c->t_which || c->has_xi || c->S->dt <= 0) return false;
    Ctx k = *c;
    k.fn = NULL;
    if (period->kind == N_name && (period->name == t->name || (c->inst && inst_slot(c->inst, period->name)))) return false;
    Ex p = period->kind == N_qty || period->kind == N_name ? elab(&k, period) : ex_poison();
    int64_t steps, first = 0;
    bool exact;
    Decimal dt;
    if (from) {
        Ex f = from->kind == N_qty || from->kind == N_name ? elab(&k, from) : ex_poison();
        if (f.kind != EX_NUM || !f.is_const || !dim_eq(f.dim, DIM_TIME) || !decimal_steps(f.num, c->S->dt, &first, &exact) || !exact) return false;
    }
    if (p.kind != EX_NUM || !p.is_const || !dim_eq(p.dim, DIM_TIME) || !(p.num > 0) || !decimal_steps(p.num, c->S->dt, &steps, &exact) || !exact || steps < 1)
        return false;
    int no = ir_op2(c->fn, OP_SUB, ir_imm(c->fn, OP_STEP, 0, n->span), ir_const(c->fn, (double)first)), m = ir_const(c->fn, (double)steps);
    if (!strcmp(name, "floor")) {
        *out = ex_ir(ir_op1(c->fn, OP_FLOOR, ir_op2(c->fn, OP_DIV, no, m)), DIM_NONE);
        return true;
    }
    if (!decimal_of(c->S->dt, &dt) || dt.e > 0 || dt.e < -22 || dt.m > (1 << 30)) return false;
    double scale = 1;
    for (int q = 0; q < -dt.e; q++) scale *= 10;
    int left = ir_op2(c->fn, OP_MUL, ir_op2(c->fn, OP_MOD, no, m), ir_const(c->fn, (double)dt.m));
    *out = ex_ir(ir_op2(c->fn, OP_DIV, left, ir_const(c->fn, scale)), DIM_TIME);
    return true;
}

static Ex elab_plain_call(Ctx *c, Node *n, const Func *f)
{
    if (!arity(c, n, f->name, f->arity, f->arity)) return ex_poison();
    Ex steps;
    if (time_in_steps(c, n, f->name, &steps)) return steps;
    Ex a[2];
    for (int k = 0; k < f->arity; k++) {
        a[k] = elab(c, n->kid[k + 1]);
        if (a[k].kind == EX_POISON) return ex_poison();
    }
    if (!strcmp(f->name, "int") && a[0].kind == EX_BOOL) return elab_op(c, n->span, OP_NUM, 1, a, DIM_NONE);
    Ex ref = first_number(a[0]);
    Dim d = DIM_NONE;
    if (f->rule == R_PLAIN) {
        for (int k = 0; k < f->arity; k++)
            if (!plain_arg(c, n->kid[k + 1], f->name, a[k])) return ex_poison();
    } else {
        for (int k = 0; k < f->arity; k++)
            if (!same_arg(c, n->kid[k + 1], f->name, &ref, n->kid[1], a[k])) return ex_poison();
        if (f->rule == R_KEEP || f->rule == R_SAME) d = ref.dim;
        if (f->rule == R_SQRT && !dim_pow(ref.dim, 1, 2, &d)) {
            diag_add(c->S->diags, D_unit_mismatch, n->span, "%s has no square root", dim_say(c->S->arena, ref.dim));
            return ex_poison();
        }
    }
    return elab_op(c, n->span, f->op, f->arity, a, d);
}

Ex elab_call(Ctx *c, Node *n)
{
    Node *callee = n->kid[0];
    if (callee->kind != N_name) {
        diag_add(c->S->diags, D_unknown_function, callee->span, "only functions can be called");
        return ex_poison();
    }
    Sym name = callee->name;
    Ex measure;
    if (c->block && protocol_measure(c, n, &measure)) return measure;
    Bind *b = scope_find(c->scope, name);
    if (b && b->kind == B_FUNCTION) return elab_user(c, n, b);
    for (size_t k = 0; k < sizeof funcs / sizeof *funcs; k++)
        if (!strcmp(name, funcs[k].name)) return elab_plain_call(c, n, &funcs[k]);
    for (size_t k = 0; k < sizeof laws / sizeof *laws; k++)
        if (!strcmp(name, laws[k].name)) return elab_law(c, n, &laws[k]);
    if (!strcmp(name, "uniform")) return elab_uniform(c, n);
    if (!strcmp(name, "random")) {
        if (!arity(c, n, name, 0, 0) || !draws_allowed(c, n, name)) return ex_poison();
        return ex_ir(ir_draw(c->fn, OP_RUNIFORM, next_salt(c), c->shared ? INS_SHARED : 0, n->span, 0, NULL), DIM_NONE);
    }
    if (!strcmp(name, "min") || !strcmp(name, "max")) return elab_min_max(c, n, name);
    if (!strcmp(name, "stairs") || !strcmp(name, "interpolate")) return tables_curve(c, n, name);
    if (!strcmp(name, "file")) return files_list(c, n);
    if (!strcmp(name, "clip")) return elab_clip(c, n);
    if (!strcmp(name, "dot")) return elab_dot(c, n);
    if (!strcmp(name, "linspace") || !strcmp(name, "logspace") || !strcmp(name, "range")) return elab_spaces(c, n, name);
    if (!strcmp(name, "len") || !strcmp(name, "sum") || !strcmp(name, "mean") || !strcmp(name, "transpose") || !strcmp(name, "sort")) {
        if (!arity(c, n, name, 1, 1)) return ex_poison();
        Ex e = elab(c, n->kid[1]);
        if (e.kind == EX_POISON) return e;
        if (e.kind == EX_POPS && !strcmp(name, "len")) {
            Node *base;
            int *which, parts = path_parts(c->S, n->kid[1], &base, &which);
            return ex_num(parts >= 0 ? parts : e.n, DIM_NONE);
        }
        if (e.kind != EX_LIST) {
            diag_add(c->S->diags, D_not_a_number, n->kid[1]->span, "`%s` takes a list, got %s", name, ex_say(c->S, e));
            return ex_poison();
        }
        return elab_list_call(c, n, name, e);
    }
    if (!strcmp(name, "shared")) {
        if (!arity(c, n, name, 1, 1)) return ex_poison();
        if (!c->fn || c->fn->lanes != LANE_NEURON) {
            diag_add(c->S->diags, D_not_constant, n->span, "`shared` stands where neurons draw: in equations, blocks and drives");
            return ex_poison();
        }
        bool outer = c->shared;
        c->shared = true;
        Ex e = elab(c, n->kid[1]);
        c->shared = outer;
        return e;
    }
    if (!strcmp(name, "choice")) return elab_choice(c, n);
    if (follow_up(c->S, "function", name)) return ex_poison();
    Diag *d = diag_add(c->S->diags, D_unknown_function, callee->span, "there is no function `%s`", name);
    static const char *const elsewhere[][2] = {{"ln", "log"},         {"fabs", "abs"},     {"heaviside", "step"}, {"rand", "random"},   {"randn", "normal"},
                                               {"arctan", "atan"},    {"arcsin", "asin"},  {"arccos", "acos"},    {"power", "^"},       {"pow", "^"},
                                               {"gauss", "normal"},   {"ceiling", "ceil"}, {"length", "len"},     {"average", "mean"},  {"sgn", "sign"},
                                               {"truncate", "int"},   {"fmod", "mod"},     {"randint", "uniform"}};
    for (size_t k = 0; k < sizeof elsewhere / sizeof *elsewhere; k++)
        if (!strcmp(name, elsewhere[k][0])) {
            diag_hint(d, strcmp(elsewhere[k][1], "^") ? "write `%s(…)`" : "write `x%sy`", elsewhere[k][1]);
            return ex_poison();
        }
    const char **cand = NULL;
    for (int k = 0; k < n_function_names; k++) vec_push(cand, function_names[k]);
    for (Scope *s = c->scope; s; s = s->up)
        for (Bind *q = s->first; q; q = q->next)
            if (q->kind == B_FUNCTION) vec_push(cand, q->name);
    const char *near = diag_nearest(name, cand, vec_len(cand));
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else diag_hint(d, "`cortexc list functions` shows them all");
    vec_free(cand);
    return ex_poison();
}
