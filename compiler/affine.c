/* affine.c: which equations are affine in which variables, by walking the derivative function once
 * and carrying for every value the coefficients of the variables as values of a new function. */
#include "ode.h"

#include <string.h>

/* While building: row[v*width + k] for value v of deriv; bad[v] the instruction that spoilt it. */
typedef struct Build {
    const IrFn *src;
    Affine *a;
    IrFn *fn;
    int width;
    int *row, *bad;
    int *map; /* for ir_copy: value of deriv -> value of fn */
} Build;

static bool is_const(const IrFn *f, int v, double want)
{
    double x;
    return v >= 0 && ir_is_const(f, v, &x) && x == want;
}

static int zero_to_absent(const IrFn *f, int v)
{
    return is_const(f, v, 0.0) ? -1 : v;
}

static int present(IrFn *f, int v)
{
    return v >= 0 ? v : ir_const(f, 0.0);
}

static int scale(IrFn *f, int a, int by)
{
    if (a < 0) return -1;
    if (is_const(f, a, 1.0)) return by;
    if (is_const(f, by, 1.0)) return a;
    return ir_op2(f, OP_MUL, a, by);
}

static int *row_of(const Build *b, int v)
{
    return b->row + (size_t)v * (size_t)b->width;
}

/* Does value v contain none of the variables? */
static bool is_free(const Build *b, int v)
{
    const int *r = row_of(b, v);
    for (int k = 1; k < b->width; k++) {
        if (r[k] >= 0) return false;
    }
    return true;
}

static int n_args(const Ins *in)
{
    return (int)strlen(ir_op_table[in->op].args);
}

/* The same instruction in the new function, on arguments without variables. */
static int copy(Build *b, const Ins *in)
{
    for (int k = 0; k < n_args(in); k++)
        b->map[in->arg[k]] = present(b->fn, row_of(b, in->arg[k])[0]);
    return ir_copy(b->fn, in, b->map);
}

static int sum(IrFn *f, Op op, int x, int y)
{
    if (y < 0) return x;
    if (x < 0) return op == OP_SUB ? ir_op1(f, OP_NEG, y) : y;
    return ir_op2(f, op, x, y);
}

static void combine(Build *b, Op op, const int *x, const int *y, int *out)
{
    for (int k = 0; k < b->width; k++)
        out[k] = zero_to_absent(b->fn, sum(b->fn, op, x[k], y[k]));
}

/* Product of two values of which one is free of variables; false when neither is. */
static bool product(Build *b, int x, int y, int *out)
{
    if (!is_free(b, x) && !is_free(b, y)) return false;
    if (!is_free(b, y)) {
        int swap = x;
        x = y;
        y = swap;
    }
    int by = present(b->fn, row_of(b, y)[0]);
    for (int k = 0; k < b->width; k++) {
        int c = row_of(b, x)[k];
        bool drop = k > 0 && is_const(b->fn, by, 0.0);
        out[k] = drop ? -1 : zero_to_absent(b->fn, scale(b->fn, c, by));
    }
    return true;
}

static int variable_of(const Affine *a, const Ins *in)
{
    for (int k = 0; in->op == OP_LOAD && k < a->n_state; k++) {
        if (in->imm.k == a->state[k]) return k;
    }
    for (int k = a->n_state; in->op == OP_XI && k < a->n_var; k++) {
        if (in->imm.k == a->xi[k - a->n_state]) return k;
    }
    return -1;
}

/* Fills the row of value v; false when v is not affine although its arguments are. */
static bool visit(Build *b, int v)
{
    const Ins *in = &b->src->ins[v];
    int *out = row_of(b, v), n = n_args(in), variable = variable_of(b->a, in);
    if (variable >= 0) {
        out[variable + 1] = ir_const(b->fn, 1.0);
        return true;
    }
    bool all_free = true;
    for (int k = 0; k < n; k++)
        all_free = all_free && is_free(b, in->arg[k]);
    if (all_free) {
        out[0] = copy(b, in);
        return true;
    }
    switch (in->op) {
    case OP_ADD:
    case OP_SUB:
        combine(b, (Op)in->op, row_of(b, in->arg[0]), row_of(b, in->arg[1]), out);
        return true;
    case OP_NEG:
        for (int k = 0; k < b->width; k++) {
            int c = row_of(b, in->arg[0])[k];
            out[k] = c < 0 ? -1 : ir_op1(b->fn, OP_NEG, c);
        }
        return true;
    case OP_MUL:
        return product(b, in->arg[0], in->arg[1], out);
    case OP_FMA:
        if (!product(b, in->arg[0], in->arg[1], out)) return false;
        combine(b, OP_ADD, out, row_of(b, in->arg[2]), out);
        return true;
    case OP_DIV:
        if (!is_free(b, in->arg[1])) return false;
        for (int k = 0; k < b->width; k++) {
            int c = row_of(b, in->arg[0])[k];
            int by = present(b->fn, row_of(b, in->arg[1])[0]);
            out[k] = c < 0 || is_const(b->fn, by, 1.0) ? c : ir_op2(b->fn, OP_DIV, c, by);
        }
        return true;
    case OP_SELECT:
        if (!is_free(b, in->arg[0])) return false;
        for (int k = 0; k < b->width; k++) {
            int x = row_of(b, in->arg[1])[k], y = row_of(b, in->arg[2])[k];
            if (x < 0 && y < 0) continue;
            out[k] = ir_op3(b->fn, OP_SELECT, row_of(b, in->arg[0])[0], present(b->fn, x),
                            present(b->fn, y));
        }
        return true;
    default:
        return false;
    }
}

/* Reads s->deriv as affine in the given state fields and noises. The arrays `state` and `xi` must
 * outlive the result, which the caller frees with affine_free. */
Affine affine_build(const OdeSystem *s, int n_state, const int *state, int n_xi, const int *xi)
{
    Affine a = {.fn = {.name = "affine", .role = FN_DERIV, .lanes = s->deriv->lanes},
                .n_eq = s->n,
                .n_var = n_state + n_xi,
                .n_state = n_state,
                .state = state,
                .xi = xi};
    int width = a.n_var + 1, n = (int)vec_len(s->deriv->ins);
    a.c = arena_many(s->mod->arena, int, (size_t)s->n *(size_t)width);
    a.bad = arena_many(s->mod->arena, int, (size_t)s->n);
    Build b = {.src = s->deriv, .a = &a, .fn = &a.fn, .width = width};
    b.row = cx_alloc((size_t)n * (size_t)width + 1, sizeof *b.row, "affine form");
    b.bad = cx_alloc((size_t)n + 1, sizeof *b.bad, "affine form");
    b.map = cx_alloc((size_t)n + 1, sizeof *b.map, "affine form");
    memset(b.row, -1, (size_t)n * (size_t)width * sizeof *b.row);
    memset(a.c, -1, (size_t)s->n * (size_t)width * sizeof *a.c);
    for (int v = 0; v < n; v++) {
        const Ins *in = &s->deriv->ins[v];
        b.bad[v] = -1;
        for (int k = 0; k < n_args(in) && b.bad[v] < 0; k++)
            b.bad[v] = b.bad[in->arg[k]];
        if (in->op == OP_OUT && in->imm.k < s->n) {
            memcpy(a.c + in->imm.k * width, row_of(&b, in->arg[0]), (size_t)width * sizeof *a.c);
            a.bad[in->imm.k] = b.bad[v];
        } else if (in->op == OP_STORE || in->op == OP_OUT || in->op == OP_OUTB) {
            cx_bug("a derivative function stores or has too many outputs");
        } else if (b.bad[v] < 0 && !visit(&b, v)) {
            memset(row_of(&b, v), -1, (size_t)width * sizeof *b.row);
            b.bad[v] = v;
        }
    }
    for (int k = 0; k < s->n; k++) {
        for (int v = 0; v < width && a.bad[k] < 0; v++) {
            int c = a.c[k * width + v];
            if (c >= 0) ir_out(&a.fn, k * width + v, c, (Span){0, 0});
        }
    }
    cx_free(b.row);
    cx_free(b.bad);
    cx_free(b.map);
    return a;
}

void affine_free(Affine *a)
{
    vec_free(a->fn.ins);
}

/* xi_value for ir_inline that makes every noise of src zero; to be freed with cx_free. */
int *affine_no_noise(IrFn *dst, const IrFn *src)
{
    size_t most = 0;
    for (size_t v = 0; v < vec_len(src->ins); v++) {
        const Ins *in = &src->ins[v];
        if (in->op == OP_XI && (size_t)in->imm.k > most) most = (size_t)in->imm.k;
    }
    int *xi = cx_alloc(most + 1, sizeof *xi, "noise");
    for (size_t m = 0; m <= most; m++)
        xi[m] = ir_const(dst, 0.0);
    return xi;
}

/* See ode.h. `value` has n_eq*(n_var + 1) entries. */
void affine_inline(IrFn *dst, const Affine *a, const int *field_value, int t_value, int *value)
{
    for (int i = 0; i < a->n_eq * (a->n_var + 1); i++)
        value[i] = -1;
    int *xi = affine_no_noise(dst, &a->fn);
    ir_inline(dst, &a->fn, field_value, t_value, xi, value);
    cx_free(xi);
    for (int i = 0; i < a->n_eq * (a->n_var + 1); i++) {
        if (a->c[i] < 0 || a->bad[i / (a->n_var + 1)] >= 0) value[i] = -1;
    }
}

/* The last instruction `op` with immediate k (any when k is -1) that value v of f depends on; -1
 * when there is none. */
int affine_reach(const IrFn *f, int v, Op op, int64_t k)
{
    if (v < 0) return -1;
    bool *need = cx_alloc((size_t)v + 1, sizeof *need, "dependence");
    int found = -1;
    need[v] = true;
    for (int i = v; i >= 0 && found < 0; i--) {
        const Ins *in = &f->ins[i];
        if (!need[i]) continue;
        if (in->op == op && (k < 0 || in->imm.k == k)) found = i;
        for (int j = 0; j < n_args(in); j++)
            need[in->arg[j]] = true;
    }
    cx_free(need);
    return found;
}

/* "`ge`, `gi` and `V`": the variables of `a` in value v of the derivative; *n their number. */
static const char *names_in(const OdeSystem *s, const Affine *a, int v, int *n)
{
    const char *name[64];
    *n = 0;
    for (int k = 0; k < a->n_var && *n < 64; k++) {
        bool state = k < a->n_state;
        int64_t which = state ? a->state[k] : a->xi[k - a->n_state];
        if (affine_reach(s->deriv, v, state ? OP_LOAD : OP_XI, which) < 0) continue;
        name[(*n)++] = state ? s->mod->field[which].name : "xi";
    }
    const char *text = "";
    for (int k = 0; k < *n; k++) {
        const char *join = k == 0 ? "" : k == *n - 1 ? " and " : ", ";
        text = arena_printf(s->mod->arena, "%s%s`%s`", text, join, name[k]);
    }
    return text;
}

/* What instruction `bad` of the derivative does to the variables of `a`, as half a sentence that
 * quotes the user's text where s->quote gives it. */
const char *affine_reason(const OdeSystem *s, const Affine *a, int bad)
{
    Arena *arena = s->mod->arena;
    const Ins *in = &s->deriv->ins[bad];
    const char *text = s->quote && in->span.hi ? s->quote(s->quote_ctx, in->span) : NULL;
    const char *what = text ? arena_printf(arena, "`%s`", text) : NULL;
    int n, n_left;
    const char *all = names_in(s, a, bad, &n);
    if (in->op == OP_MUL || in->op == OP_FMA) {
        const char *left = names_in(s, a, in->arg[0], &n_left);
        if (n == 1) {
            return what ? arena_printf(arena, "%s multiplies %s by itself", what, all)
                        : arena_printf(arena, "%s is multiplied by itself", all);
        }
        int n_right;
        const char *right = names_in(s, a, in->arg[1], &n_right);
        return what ? arena_printf(arena, "%s multiplies the states %s", what, all)
                    : arena_printf(arena, "%s multipl%s %s, %s states", left,
                                   n_left > 1 ? "y" : "ies", right, n > 2 ? "all" : "both");
    }
    if (in->op == OP_DIV) {
        const char *below = names_in(s, a, in->arg[1], &n);
        return arena_printf(arena, "%s divides by %s", what ? what : "a quotient", below);
    }
    if (in->op == OP_SELECT) {
        const char *tested = names_in(s, a, in->arg[0], &n);
        return arena_printf(arena, "%s changes with a condition on %s", what ? what : "a term",
                            tested);
    }
    return arena_printf(arena, "%s is not linear in %s",
                        what ? what : arena_printf(arena, "%s(...)", ir_op_table[in->op].name),
                        all);
}
