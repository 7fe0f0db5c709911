/* Constant folding, and identities that hold bit for bit for every double (also -0, infinities and
 * NaN, whose payload nobody reads). */
#include "ir.h"

#include <math.h>
#include <string.h>

#include "backends/interp_isa.h"

/* Runs the interpreter's own loop over one lane, so that folding cannot change a result. */
bool ir_eval_op(Op op, const double *arg, double *out)
{
    const IrOp *row = &ir_op_table[op];
    InterpLoop *loop = interp_isa_base.pure[op][0];
    if (!loop) return false;
    InterpCell x[4] = {0}, r = {0};
    for (int k = 0; row->args[k]; k++) {
        if (row->args[k] == 'b')
            x[k].b = arg[k] != 0 ? -1 : 0;
        else
            x[k].f = arg[k];
    }
    loop(1, &r, &x[0], &x[1], &x[2]);
    *out = row->type == 'b' ? (r.b ? 1.0 : 0.0) : r.f;
    return true;
}

static uint64_t bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

/* Is v the constant c, sign of zero included? */
static bool is(const IrFn *f, int v, double c)
{
    return f->ins[v].op == OP_CONST && bits(f->ins[v].imm.f) == bits(c);
}

static bool is_truth(const IrFn *f, int v, bool c)
{
    return f->ins[v].op == OP_TRUTH && (f->ins[v].imm.k != 0) == c;
}

/* The x of a value `op x`, or -1. */
static int under(const IrFn *f, int v, Op op)
{
    return f->ins[v].op == op ? f->ins[v].arg[0] : -1;
}

/* 1/c when c is a power of two whose inverse is a normal number: then x/c and x*(1/c) are the same
 * real number, rounded once. */
static bool exact_inverse(const IrFn *f, int v, double *inverse)
{
    if (f->ins[v].op != OP_CONST) return false;
    uint64_t u = bits(f->ins[v].imm.f), e = u >> 52 & 2047;
    if ((u & (((uint64_t)1 << 52) - 1)) || e < 1 || e > 2045) return false;
    *inverse = 1.0 / f->ins[v].imm.f;
    return true;
}

static int fold_arithmetic(IrFn *f, Op op, Span s, int a, int b)
{
    double inverse;
    int x = under(f, a, OP_NEG), y = under(f, b, OP_NEG);
    switch (op) {
    case OP_ADD:
        if (is(f, a, -0.0)) return b;
        if (is(f, b, -0.0)) return a;
        if (y >= 0) return ir_op(f, OP_SUB, s, 2, (int[]){a, y});
        if (x >= 0) return ir_op(f, OP_SUB, s, 2, (int[]){b, x});
        return -1;
    case OP_SUB:
        if (is(f, b, 0.0)) return a;
        if (is(f, a, -0.0)) return ir_op(f, OP_NEG, s, 1, &b);
        if (y >= 0) return ir_op(f, OP_ADD, s, 2, (int[]){a, y});
        return -1;
    case OP_MUL:
        if (is(f, a, 1.0)) return b;
        if (is(f, b, 1.0)) return a;
        if (is(f, a, -1.0)) return ir_op(f, OP_NEG, s, 1, &b);
        if (is(f, b, -1.0)) return ir_op(f, OP_NEG, s, 1, &a);
        if (x >= 0 && y >= 0) return ir_op(f, OP_MUL, s, 2, (int[]){x, y});
        return -1;
    case OP_DIV:
        if (is(f, b, 1.0)) return a;
        if (is(f, b, -1.0)) return ir_op(f, OP_NEG, s, 1, &a);
        if (x >= 0 && y >= 0) return ir_op(f, OP_DIV, s, 2, (int[]){x, y});
        if (exact_inverse(f, b, &inverse)) {
            int c = ir_const(f, inverse);
            return ir_op(f, OP_MUL, s, 2, (int[]){a, c});
        }
        return -1;
    case OP_MIN:
    case OP_MAX:
        return a == b ? a : -1;
    case OP_LT:
    case OP_GT:
        return a == b ? ir_truth(f, false) : -1;
    case OP_AND:
        if (a == b || is_truth(f, b, true) || is_truth(f, a, false)) return a;
        if (is_truth(f, a, true) || is_truth(f, b, false)) return b;
        return -1;
    case OP_OR:
        if (a == b || is_truth(f, b, false) || is_truth(f, a, true)) return a;
        if (is_truth(f, a, false) || is_truth(f, b, true)) return b;
        return -1;
    default:
        return -1;
    }
}

static int fold_unary(IrFn *f, Op op, Span s, int a)
{
    int x;
    switch (op) {
    case OP_NEG:
        return under(f, a, OP_NEG);
    case OP_ABS:
        if (f->ins[a].op == OP_ABS) return a;
        x = under(f, a, OP_NEG);
        return x >= 0 ? ir_op(f, OP_ABS, s, 1, &x) : -1;
    case OP_NOT:
        if ((x = under(f, a, OP_NOT)) >= 0) return x;
        if (f->ins[a].op == OP_EQ)
            return ir_op(f, OP_NE, s, 2, (int[]){f->ins[a].arg[0], f->ins[a].arg[1]});
        if (f->ins[a].op == OP_NE)
            return ir_op(f, OP_EQ, s, 2, (int[]){f->ins[a].arg[0], f->ins[a].arg[1]});
        return -1;
    default:
        return -1;
    }
}

int fold_op(IrFn *f, Op op, Span s, const int *arg)
{
    int x;
    switch (op) {
    case OP_NEG:
    case OP_ABS:
    case OP_NOT:
        return fold_unary(f, op, s, arg[0]);
    case OP_SELECT:
    case OP_SELECTB:
        if (arg[1] == arg[2]) return arg[1];
        if (f->ins[arg[0]].op == OP_TRUTH) return f->ins[arg[0]].imm.k ? arg[1] : arg[2];
        if ((x = under(f, arg[0], OP_NOT)) >= 0)
            return ir_op(f, op, s, 3, (int[]){x, arg[2], arg[1]});
        if (is(f, arg[1], 1.0) && is(f, arg[2], 0.0)) return ir_op(f, OP_NUM, s, 1, arg);
        if (is_truth(f, arg[1], true) && is_truth(f, arg[2], false)) return arg[0];
        return -1;
    case OP_FMA:
        if (is(f, arg[0], 1.0)) return ir_op(f, OP_ADD, s, 2, arg + 1);
        if (is(f, arg[1], 1.0)) return ir_op(f, OP_ADD, s, 2, (int[]){arg[0], arg[2]});
        if (is(f, arg[2], -0.0)) return ir_op(f, OP_MUL, s, 2, arg);
        return -1;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_MIN:
    case OP_MAX:
    case OP_LT:
    case OP_GT:
    case OP_AND:
    case OP_OR:
        return fold_arithmetic(f, op, s, arg[0], arg[1]);
    default:
        return -1;
    }
}

/* Builds every function anew; ir_op does the folding. */
void fold_run(IrModule *m)
{
    for (size_t k = 0; k < vec_len(m->fn); k++) {
        IrFn *f = m->fn[k];
        Ins *old = f->ins;
        int *map = cx_alloc(vec_len(old) + 1, sizeof *map, "fold");
        f->ins = NULL;
        for (size_t i = 0; i < vec_len(old); i++)
            map[i] = ir_copy(f, &old[i], map);
        cx_free(map);
        vec_free(old);
    }
}
