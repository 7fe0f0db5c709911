/* What an expression stands for: values, and operations on them element by element. */
#include "sema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

Ex ex_poison(void) { return (Ex){.kind = EX_POISON}; }
Ex ex_num(double v, Dim d) { return (Ex){.kind = EX_NUM, .is_const = true, .num = v, .dim = d}; }
Ex ex_ir(int value, Dim d) { return (Ex){.kind = EX_NUM, .value = value, .dim = d}; }
Ex ex_truth(bool v) { return (Ex){.kind = EX_BOOL, .is_const = true, .num = v}; }
bool ex_is_poison(Ex e) { return e.kind == EX_POISON; }

Ctx ctx_const(Sema *S, const char *what)
{
    return (Ctx){.S = S, .scope = S->top, .what = what, .source_n = -1, .target_n = -1};
}

/* The value in the user's words, for "expected …, got …". */
const char *ex_say(Sema *S, Ex e)
{
    switch (e.kind) {
    case EX_NUM: return e.wild ? "a plain number" : dim_say(S->arena, e.dim);
    case EX_BOOL: return "a truth value";
    case EX_STR: return "a text";
    case EX_LIST: return arena_printf(S->arena, "a list of %d", e.n);
    case EX_POPS: return e.n == 1 ? "a population" : "a list of populations";
    case EX_POISON: break;
    }
    return "nothing";
}

const char *ex_source(Sema *S, Node *n)
{
    const char *t = ast_source(S->ast, n);
    size_t len = strlen(t), k = 0;
    if (len <= 60 && !strchr(t, '\n')) return t;
    while (k < len && k < 56 && t[k] != '\n') k += source_char(t + k, len - k);
    return arena_printf(S->arena, "%.*s…", (int)k, t);
}

const char *ex_factor(Sema *S, Node *n)
{
    bool whole = n->kind == N_name || n->kind == N_call || n->kind == N_field || n->kind == N_index || n->kind == N_num || (n->flags & AST_PAREN);
    const char *t = ex_source(S, n);
    return whole || *t == '(' ? t : arena_printf(S->arena, "(%s)", t);
}

/* Constants become instructions only where they meet something that is not constant. */
int ex_value(Ctx *c, Ex e)
{
    if (e.kind == EX_BOOL) return e.is_const ? ir_truth(c->fn, e.num != 0) : e.value;
    return e.is_const ? ir_const(c->fn, e.num) : e.value;
}

/* Definitions that use each other can mean more than any memory holds, in a few lines. */
bool elab_too_much(Sema *S, Span at)
{
    enum { MOST = 10000000, DEEPEST = 600 };
    if (S->work > MOST) return true;
    if (++S->work <= MOST && S->deep < DEEPEST) return false;
    diag_add(S->diags, D_nesting_too_deep, at,
             S->deep < DEEPEST ? "what is written here stands for more than 10 million expressions" : "expressions and definitions lie in each other more than 600 deep");
    S->work = MOST + 1;
    return true;
}

static int depth_of(Ex e) { return e.kind == EX_LIST ? 1 + (e.n ? depth_of(e.item[0]) : 0) : 0; }

Ex ex_spread(Ctx *c, Span at, int n, const Ex *arg, ExLeaf *leaf, const void *user)
{
    int depth = 0;
    for (int k = 0; k < n; k++) {
        if (arg[k].kind == EX_POISON) return ex_poison();
        int d = depth_of(arg[k]);
        if (d > depth) depth = d;
    }
    if (elab_too_much(c->S, at)) return ex_poison();
    if (!depth) return leaf(c, at, user, n, arg);
    int len = 1;
    for (int k = 0; k < n; k++) {
        if (depth_of(arg[k]) < depth || arg[k].n == 1) continue;
        if (len != 1 && arg[k].n != len) {
            Diag *d = diag_add(c->S->diags, D_shape_mismatch, at, "lists of %d and %d elements do not go together",
                               len, arg[k].n);
            diag_note(d, "arithmetic on lists goes element by element; a list of one is spread");
            return ex_poison();
        }
        len = arg[k].n;
    }
    Ex out = {.kind = EX_LIST, .is_const = true, .n = len, .item = arena_many(c->S->arena, Ex, len ? (size_t)len : 1)};
    for (int q = 0; q < len; q++) {
        Ex sub[4];
        for (int k = 0; k < n; k++)
            sub[k] = depth_of(arg[k]) < depth ? arg[k] : arg[k].item[arg[k].n == 1 ? 0 : q];
        out.item[q] = ex_spread(c, at, n, sub, leaf, user);
        if (out.item[q].kind == EX_POISON) return ex_poison();
    }
    return out;
}

typedef struct OpLeaf {
    Op op;
    Dim dim;
} OpLeaf;

static double evaluate(Op op, const double *v)
{
    double r;
    if (!ir_eval_op(op, v, &r)) cx_bug("operation %d has no constant value", (int)op);
    return r;
}

static Ex op_leaf(Ctx *c, Span at, const void *user, int n, const Ex *arg)
{
    const OpLeaf *o = user;
    bool all_const = true, wild = n > 0;
    for (int k = 0; k < n; k++) {
        all_const = all_const && arg[k].is_const;
        wild = wild && arg[k].wild;
    }
    bool truth = ir_op_table[o->op].type == 'b';
    Ex out = {.kind = truth ? EX_BOOL : EX_NUM, .dim = o->dim, .wild = wild && !truth};
    if (all_const) {
        double v[4] = {0};
        bool finite = true;
        for (int k = 0; k < n; k++) {
            v[k] = arg[k].num;
            finite = finite && isfinite(v[k]);
        }
        out.is_const = true;
        out.num = evaluate(o->op, v);
        if (!c->untaken && (isnan(out.num) || (finite && isinf(out.num)))) {
            Node here = {.span = at};
            diag_add(c->S->diags, D_non_finite_constant, at, isnan(out.num) ? "`%s` has no value" : "`%s` is infinite", ex_source(c->S, &here));
            return ex_poison();
        }
        for (int k = 0; k < n && !out.unit; k++)
            if (arg[k].kind == EX_NUM && arg[k].unit && !truth && dim_eq(arg[k].unit->dim, o->dim)) out.unit = arg[k].unit;
        return out;
    }
    int v[4];
    for (int k = 0; k < n; k++) v[k] = ex_value(c, arg[k]);
    out.value = ir_op(c->fn, o->op, at, n, v);
    out.wild = false;
    return out;
}

Ex elab_op(Ctx *c, Span at, Op op, int n, const Ex *arg, Dim result)
{
    return ex_spread(c, at, n, arg, op_leaf, &(OpLeaf){op, result});
}
