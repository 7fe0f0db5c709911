/* derive.c: derivatives of functions of the IR by the rules of calculus, forward: beside every
 * value stand its partial derivatives, as values of the function that is being built. */
#include <math.h>
#include <string.h>

#include "ode.h"

enum { NO_RULE = -2 }; /* -1 is zero by structure */

static int n_args(const Ins *in)
{
    return (int)strlen(ir_op_table[in->op].args);
}

static int times(IrFn *f, int a, int b)
{
    double x;
    if (a < 0 || b < 0) return -1;
    if (ir_is_const(f, a, &x) && x == 1.0) return b;
    if (ir_is_const(f, b, &x) && x == 1.0) return a;
    return ir_op2(f, OP_MUL, a, b);
}

static int sum(IrFn *f, int a, int b)
{
    if (a < 0) return b;
    return b < 0 ? a : ir_op2(f, OP_ADD, a, b);
}

static int number(IrFn *f, double x)
{
    return ir_const(f, x);
}

static int inverse(IrFn *f, int a)
{
    return ir_op2(f, OP_DIV, number(f, 1.0), a);
}

/* 1 + sign*a*a. */
static int one_and_square(IrFn *f, int a, double sign)
{
    return ir_op3(f, OP_FMA, ir_op2(f, OP_MUL, number(f, sign), a), a, number(f, 1.0));
}

/* exprel'(a) = exprel(a) - (exprel(a) - 1)/a, by its series near zero. */
static int exprel_slope(IrFn *f, int a, int y)
{
    static const double series[] = {1.0 / 144.0, 1.0 / 30.0, 1.0 / 8.0, 1.0 / 3.0, 0.5};
    int near = ir_op2(f, OP_LT, ir_op1(f, OP_ABS, a), number(f, 1e-3)), p = number(f, series[0]);
    for (int k = 1; k < 5; k++)
        p = ir_op3(f, OP_FMA, p, a, number(f, series[k]));
    int rest = ir_op2(f, OP_DIV, ir_op2(f, OP_SUB, y, number(f, 1.0)), a);
    return ir_op3(f, OP_SELECT, near, p, ir_op2(f, OP_SUB, y, rest));
}

/* The partial derivative of y = op(x) by argument k; -1 for zero, NO_RULE where there is none. */
static int rule(IrFn *f, Op op, const int *x, int y, int k)
{
    switch (op) {
    case OP_ADD:
        return number(f, 1.0);
    case OP_SUB:
        return number(f, k ? -1.0 : 1.0);
    case OP_NEG:
        return number(f, -1.0);
    case OP_MUL:
        return x[1 - k];
    case OP_FMA:
        return k == 2 ? number(f, 1.0) : x[1 - k];
    case OP_DIV:
        return k ? ir_op1(f, OP_NEG, ir_op2(f, OP_DIV, y, x[1])) : inverse(f, x[1]);
    case OP_ABS:
        return ir_op1(f, OP_SIGN, x[0]);
    case OP_SQRT:
        return ir_op2(f, OP_DIV, number(f, 0.5), y);
    case OP_MOD:
        if (!k) return number(f, 1.0);
        return ir_op1(f, OP_NEG, ir_op1(f, OP_FLOOR, ir_op2(f, OP_DIV, x[0], x[1])));
    case OP_FLOOR:
    case OP_CEIL:
    case OP_TRUNC:
    case OP_ROUND:
    case OP_SIGN:
    case OP_HEAV:
    case OP_LOOKUP:
    case OP_SEARCH:
        return -1;
    case OP_EXP:
        return y;
    case OP_LOG:
        return inverse(f, x[0]);
    case OP_LOG10:
        return ir_op2(f, OP_DIV, number(f, 0x1.bcb7b1526e50ep-2), x[0]);
    case OP_POW:
        if (k) return ir_op2(f, OP_MUL, y, ir_op1(f, OP_LOG, x[0]));
        return ir_op2(f, OP_MUL, x[1],
                      ir_op2(f, OP_POW, x[0], ir_op2(f, OP_SUB, x[1], number(f, 1.0))));
    case OP_EXPM1:
        return ir_op1(f, OP_EXP, x[0]);
    case OP_LOG1P:
        return inverse(f, ir_op2(f, OP_ADD, number(f, 1.0), x[0]));
    case OP_EXPREL:
        return exprel_slope(f, x[0], y);
    case OP_SIN:
        return ir_op1(f, OP_COS, x[0]);
    case OP_COS:
        return ir_op1(f, OP_NEG, ir_op1(f, OP_SIN, x[0]));
    case OP_TAN:
        return one_and_square(f, y, 1.0);
    case OP_ASIN:
        return inverse(f, ir_op1(f, OP_SQRT, one_and_square(f, x[0], -1.0)));
    case OP_ACOS:
        return ir_op1(f, OP_NEG, inverse(f, ir_op1(f, OP_SQRT, one_and_square(f, x[0], -1.0))));
    case OP_ATAN:
        return inverse(f, one_and_square(f, x[0], 1.0));
    case OP_ATAN2: {
        int square = ir_op3(f, OP_FMA, x[0], x[0], ir_op2(f, OP_MUL, x[1], x[1]));
        int part = ir_op2(f, OP_DIV, x[1 - k], square);
        return k ? ir_op1(f, OP_NEG, part) : part;
    }
    case OP_SINH:
        return ir_op1(f, OP_COSH, x[0]);
    case OP_COSH:
        return ir_op1(f, OP_SINH, x[0]);
    case OP_TANH:
        return one_and_square(f, y, -1.0);
    case OP_ERF:
    case OP_ERFC: {
        int bell = ir_op1(f, OP_EXP, ir_op1(f, OP_NEG, ir_op2(f, OP_MUL, x[0], x[0])));
        return ir_op2(f, OP_MUL,
                      number(f, op == OP_ERF ? 0x1.20dd750429b6dp+0 : -0x1.20dd750429b6dp+0), bell);
    }
    default:
        return NO_RULE;
    }
}

typedef struct Work {
    IrFn *dst;
    int n;
    int *row; /* row[v*n + j]: derivative of value v of the source by variable j */
} Work;

static int or_zero(IrFn *f, int v)
{
    return v < 0 ? ir_const(f, 0.0) : v;
}

/* What is chosen by a condition takes its derivative with it: the other may be infinite. */
static void choose(Work *w, int cond, const int *yes, const int *no, int *out)
{
    for (int j = 0; j < w->n; j++) {
        if (yes[j] < 0 && no[j] < 0) continue;
        out[j] = ir_op3(w->dst, OP_SELECT, cond, or_zero(w->dst, yes[j]), or_zero(w->dst, no[j]));
    }
}

/* Fills the row of value v, which is y in dst with arguments x; false when there is no rule. */
static bool visit(Work *w, const Ins *in, int v, int y, const int *x)
{
    int *out = w->row + (size_t)v * (size_t)w->n;
    const int *of[4];
    bool any = false;
    for (int k = 0; k < n_args(in); k++) {
        of[k] = w->row + (size_t)in->arg[k] * (size_t)w->n;
        for (int j = 0; j < w->n; j++)
            any = any || of[k][j] >= 0;
    }
    if (!any || in->type != 'f' || in->op == OP_NUM) return true;
    if (in->op == OP_SELECT) {
        choose(w, x[0], of[1], of[2], out);
        return true;
    }
    if (in->op == OP_MIN || in->op == OP_MAX) {
        choose(w, ir_op2(w->dst, in->op == OP_MIN ? OP_LT : OP_GT, x[0], x[1]), of[0], of[1], out);
        return true;
    }
    for (int k = 0; k < n_args(in); k++) {
        int slope = NO_RULE - 1;
        for (int j = 0; j < w->n; j++) {
            if (of[k][j] < 0) continue;
            if (slope < NO_RULE) slope = rule(w->dst, (Op)in->op, x, y, k);
            if (slope == NO_RULE) return false;
            out[j] = sum(w->dst, out[j], times(w->dst, slope, of[k][j]));
        }
    }
    return true;
}

/* See ode.h. */
int derive_inline(IrFn *dst, const IrFn *src, int n, const int *var, int *out_value, int *d)
{
    size_t n_ins = vec_len(src->ins);
    Work w = {.dst = dst, .n = n};
    w.row = cx_alloc(n_ins * (size_t)n + 1, sizeof *w.row, "derivatives");
    int *map = cx_alloc(n_ins + 1, sizeof *map, "derivatives"), bad = -1;
    memset(w.row, -1, sizeof *w.row * n_ins * (size_t)n);
    for (size_t v = 0; v < n_ins && bad < 0; v++) {
        const Ins *in = &src->ins[v];
        int x[4] = {-1, -1, -1, -1};
        for (int k = 0; k < n_args(in); k++)
            x[k] = map[in->arg[k]];
        if (in->op == OP_OUT) {
            out_value[in->imm.k] = x[0];
            memcpy(d + in->imm.k * n, w.row + (size_t)in->arg[0] * (size_t)n,
                   sizeof *d * (size_t)n);
            continue;
        }
        map[v] = ir_copy(dst, in, map);
        for (int j = 0; j < n; j++) {
            bool is =
                var[j] == DERIVE_TIME ? in->op == OP_T : in->op == OP_LOAD && in->imm.k == var[j];
            if (is) w.row[v * (size_t)n + (size_t)j] = ir_const(dst, 1.0);
        }
        if (!visit(&w, in, (int)v, map[v], x)) bad = (int)v;
    }
    cx_free(map);
    cx_free(w.row);
    return bad;
}

static double drawn(const Ins *in, const double *x)
{
    switch ((Op)in->op) {
    case OP_RUNIFORM:
        return 0.5;
    case OP_RBINOMIAL:
        return x[0] * x[1];
    default:
        return x[0];
    }
}

static double looked_up(const IrTable *t, const Ins *in, double at)
{
    int k = 0;
    if (in->op == OP_LOOKUP) return t->v[at < 0.0 ? 0 : at < t->n ? (int)at : t->n - 1];
    while (k < t->n && t->v[k] <= at)
        k++;
    return k;
}

/* See ode.h. */
void derive_numbers(const IrModule *m, const IrFn *f, double *field, double *value)
{
    for (size_t v = 0; v < vec_len(f->ins); v++) {
        const Ins *in = &f->ins[v];
        double x[4] = {0};
        for (int k = 0; k < n_args(in); k++)
            x[k] = value[in->arg[k]];
        if (in->op == OP_CONST)
            value[v] = in->imm.f;
        else if (in->op == OP_TRUTH)
            value[v] = (double)in->imm.k;
        else if (in->op == OP_LOAD)
            value[v] = field[in->imm.k];
        else if (in->op == OP_STORE)
            field[in->imm.k] = x[0];
        else if (in->op == OP_OUT || in->op == OP_OUTB)
            value[v] = x[0];
        else if (in->op == OP_LOOKUP || in->op == OP_SEARCH)
            value[v] = looked_up(&m->table[in->imm.k], in, x[0]);
        else if (in->op >= OP_RUNIFORM && in->op <= OP_RPOISSON)
            value[v] = drawn(in, x);
        else if (!n_args(in))
            value[v] = 0.0;
        else if (!ir_eval_op((Op)in->op, x, &value[v]))
            value[v] = NAN;
    }
}

/* See ode.h. */
bool derive_same(const IrModule *m, const IrFn *f, int a, int b)
{
    double *value = cx_alloc(vec_len(f->ins) + 1, sizeof *value, "comparison");
    double *field = cx_alloc(vec_len(m->field) + 1, sizeof *field, "comparison");
    bool same = true;
    for (uint64_t point = 0; same && point < 16; point++) {
        for (uint64_t k = 0; k < vec_len(m->field); k++) {
            uint64_t key[2] = {point, k};
            field[k] = 0.25 + (double)(hash_bytes(key, sizeof key, 0) >> 11) * 0x1p-53;
        }
        derive_numbers(m, f, field, value);
        double x = a < 0 ? 0.0 : value[a], y = b < 0 ? 0.0 : value[b];
        same = fabs(x - y) <= 1e-12 * (fabs(x) + fabs(y));
    }
    cx_free(field);
    cx_free(value);
    return same;
}
