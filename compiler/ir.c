/* Building the IR: modules, fields, functions, instructions, and copying one function into another.
 */
#include "ir.h"

#include <math.h>
#include <string.h>

const IrOp ir_op_table[N_OPS] = {
#define OP(id, name, args, type, c, doc) [OP_##id] = {name, #args, #c, doc, #type[0]},
#include "ops.def"
#undef OP
};

/* An empty module in arena `a`; its vectors are on the heap until ir_module_free. */
IrModule *ir_module(Arena *a, const char *name)
{
    IrModule *m = arena_one(a, IrModule);
    m->arena = a;
    m->name = arena_strdup(a, name ? name : "");
    return m;
}

/* Ends a module; what lies in its arena goes with the arena. */
void ir_module_free(IrModule *m)
{
    if (!m) return;
    for (size_t k = 0; k < vec_len(m->fn); k++)
        vec_free(m->fn[k]->ins);
    vec_free(m->fn);
    vec_free(m->field);
    vec_free(m->table);
}

/* Appends a field; its texts are copied. A field without a declared range gets the whole line. */
int ir_field(IrModule *m, IrField f)
{
    f.name = arena_strdup(m->arena, f.name);
    f.unit = arena_strdup(m->arena, f.unit ? f.unit : "");
    f.doc = arena_strdup(m->arena, f.doc ? f.doc : "");
    if (f.lo == 0 && f.hi == 0) f.lo = -INFINITY, f.hi = INFINITY;
    vec_push(m->field, f);
    return (int)vec_len(m->field) - 1;
}

/* The number of the field of that name, -1 when there is none. */
int ir_field_find(const IrModule *m, const char *name)
{
    for (size_t k = 0; k < vec_len(m->field); k++)
        if (!strcmp(m->field[k].name, name)) return (int)k;
    return -1;
}

int ir_table(IrModule *m, const double *v, int n)
{
    for (size_t k = 0; k < vec_len(m->table); k++)
        if (m->table[k].n == n && !memcmp(m->table[k].v, v, (size_t)n * sizeof *v)) return (int)k;
    IrTable t = {arena_dup(m->arena, v, (size_t)n * sizeof *v), n};
    vec_push(m->table, t);
    return (int)vec_len(m->table) - 1;
}

/* Appends an empty function. */
IrFn *ir_fn(IrModule *m, const char *name, FnRole role, LaneKind lanes)
{
    IrFn *f = arena_one(m->arena, IrFn);
    f->name = arena_strdup(m->arena, name);
    f->role = role;
    f->lanes = lanes;
    vec_push(m->fn, f);
    return f;
}

/* The function of that name, NULL when there is none. */
IrFn *ir_fn_find(const IrModule *m, const char *name)
{
    for (size_t k = 0; k < vec_len(m->fn); k++)
        if (!strcmp(m->fn[k]->name, name)) return m->fn[k];
    return NULL;
}

/* The place of `f` in its module, which is also its place in the kernel; -1 when it is not there.
 */
int ir_fn_index(const IrModule *m, const IrFn *f)
{
    for (size_t k = 0; k < vec_len(m->fn); k++)
        if (m->fn[k] == f) return (int)k;
    return -1;
}

static int push(IrFn *f, Op op, int64_t k, unsigned flags, Span s, int n, const int *arg)
{
    const IrOp *row = &ir_op_table[op];
    if ((size_t)n != strlen(row->args))
        cx_bug("%s takes %zu arguments, not %d", row->name, strlen(row->args), n);
    Ins ins = {.op = (uint16_t)op,
               .type = row->type,
               .flags = (uint8_t)flags,
               .arg = {-1, -1, -1, -1},
               .imm.k = k,
               .span = s};
    for (int i = 0; i < n; i++) {
        if (arg[i] < 0 || (size_t)arg[i] >= vec_len(f->ins))
            cx_bug("%s: %s of %%%d, which does not exist", f->name, row->name, arg[i]);
        if (f->ins[arg[i]].type != row->args[i])
            cx_bug("%s: argument %d of %s has type %c", f->name, i, row->name, f->ins[arg[i]].type);
        ins.arg[i] = arg[i];
    }
    vec_push(f->ins, ins);
    return (int)vec_len(f->ins) - 1;
}

/* A number. All NaN are one NaN, so that equal modules print equal texts. */
int ir_const(IrFn *f, double v)
{
    int r = push(f, OP_CONST, 0, 0, (Span){0, 0}, 0, NULL);
    f->ins[r].imm.f = v != v ? (double)NAN : v;
    return r;
}

/* A truth value. */
int ir_truth(IrFn *f, bool v)
{
    return push(f, OP_TRUTH, v, 0, (Span){0, 0}, 0, NULL);
}

/* An operation without arguments that imm.k selects. */
int ir_imm(IrFn *f, Op op, int64_t k, Span s)
{
    return push(f, op, k, 0, s, 0, NULL);
}

/* What the table says at value `at`: an element, or how many elements are at most `at`. */
int ir_lookup(IrFn *f, Op op, int table, int at, Span s)
{
    return push(f, op, table, 0, s, 1, &at);
}

/* Whether v is known now, and what it is. */
bool ir_is_const(const IrFn *f, int v, double *value)
{
    const Ins *s = &f->ins[v];
    if (s->op != OP_CONST && s->op != OP_TRUTH) return false;
    if (value) *value = s->op == OP_CONST ? s->imm.f : s->imm.k ? 1.0 : 0.0;
    return true;
}

/* A pure operation: a constant when its arguments are, an earlier value when an exact identity says
 * so. */
int ir_op(IrFn *f, Op op, Span s, int n, const int *arg)
{
    double x[4], r;
    bool known = n > 0;
    for (int i = 0; i < n && known; i++)
        known = ir_is_const(f, arg[i], &x[i]);
    if (known && ir_eval_op(op, x, &r)) {
        int v = ir_op_table[op].type == 'b' ? ir_truth(f, r != 0) : ir_const(f, r);
        f->ins[v].span = s;
        return v;
    }
    int same = n > 0 ? fold_op(f, op, s, arg) : -1;
    return same >= 0 ? same : push(f, op, 0, 0, s, n, arg);
}

int ir_op1(IrFn *f, Op op, int a)
{
    return ir_op(f, op, (Span){0, 0}, 1, (int[]){a});
}

int ir_op2(IrFn *f, Op op, int a, int b)
{
    return ir_op(f, op, (Span){0, 0}, 2, (int[]){a, b});
}

int ir_op3(IrFn *f, Op op, int a, int b, int c)
{
    return ir_op(f, op, (Span){0, 0}, 3, (int[]){a, b, c});
}

/* A random draw. Two with the same salt and arguments are the same draw. */
int ir_draw(IrFn *f, Op op, int64_t salt, unsigned flags, Span s, int n, const int *arg)
{
    return push(f, op, salt, flags, s, n, arg);
}

void ir_store(IrFn *f, int field, int value, Span s)
{
    push(f, OP_STORE, field, 0, s, 1, &value);
}

void ir_out(IrFn *f, int k, int value, Span s)
{
    push(f, f->ins[value].type == 'b' ? OP_OUTB : OP_OUT, k, 0, s, 1, &value);
    if (k >= f->n_out) f->n_out = k + 1;
}

int ir_copy(IrFn *dst, const Ins *s, const int *map)
{
    int n = (int)strlen(ir_op_table[s->op].args), arg[4];
    for (int i = 0; i < n; i++)
        arg[i] = map[s->arg[i]];
    if (ir_op_table[s->op].c[0]) return ir_op(dst, s->op, s->span, n, arg);
    int v = push(dst, s->op, s->imm.k, s->flags, s->span, n, arg);
    if (s->op == OP_CONST) dst->ins[v].imm.f = s->imm.f;
    if ((s->op == OP_OUT || s->op == OP_OUTB) && s->imm.k >= dst->n_out)
        dst->n_out = (int)s->imm.k + 1;
    return v;
}

void ir_inline(IrFn *dst, const IrFn *src, const int *field_value, int t_value, const int *xi_value,
               int *out_value)
{
    size_t n = vec_len(src->ins), n_fields = 0;
    if (dst == src) cx_bug("%s cannot be inlined into itself", src->name);
    for (size_t i = 0; i < n; i++)
        if ((src->ins[i].op == OP_LOAD || src->ins[i].op == OP_STORE) &&
            (size_t)src->ins[i].imm.k >= n_fields)
            n_fields = (size_t)src->ins[i].imm.k + 1;
    int *map = cx_alloc(n + 1, sizeof *map, "inlining");
    /* A load behind a store of the inlined body sees what was stored, not the value handed in. */
    int *now = cx_alloc(n_fields + 1, sizeof *now, "inlining");
    for (size_t k = 0; k < n_fields; k++)
        now[k] = field_value ? field_value[k] : -1;
    for (size_t i = 0; i < n; i++) {
        const Ins *s = &src->ins[i];
        if (s->op == OP_LOAD && now[s->imm.k] >= 0) {
            map[i] = now[s->imm.k];
        } else if (s->op == OP_T && t_value >= 0) {
            map[i] = t_value;
        } else if (s->op == OP_XI && xi_value) {
            map[i] = xi_value[s->imm.k];
        } else if (s->op == OP_OUT || s->op == OP_OUTB) {
            if (out_value) out_value[s->imm.k] = map[s->arg[0]];
            map[i] = -1;
        } else {
            map[i] = ir_copy(dst, s, map);
            if (s->op == OP_STORE && now[s->imm.k] >= 0) now[s->imm.k] = map[s->arg[0]];
        }
    }
    cx_free(now);
    cx_free(map);
}

bool ir_depends(const IrFn *f, int v, int field)
{
    bool *dep = cx_alloc((size_t)v + 1, sizeof *dep, "dependencies");
    for (int i = 0; i <= v; i++) {
        const Ins *s = &f->ins[i];
        dep[i] = s->op == OP_LOAD && s->imm.k == field;
        for (int k = 0; k < 4; k++)
            dep[i] |= s->arg[k] >= 0 && dep[s->arg[k]];
    }
    bool r = dep[v];
    cx_free(dep);
    return r;
}

void ir_uniform(const IrModule *m, const IrFn *f, bool *uniform)
{
    for (size_t i = 0; i < vec_len(f->ins); i++) {
        const Ins *s = &f->ins[i];
        bool u = true;
        switch ((Op)s->op) {
        case OP_LOAD:
            u = m->field[s->imm.k].uniform;
            break;
        case OP_SRC_LOAD:
        case OP_TGT_LOAD:
        case OP_I:
        case OP_J:
        case OP_MULT:
        case OP_XI:
            u = false;
            break;
        case OP_RUNIFORM:
        case OP_RNORMAL:
        case OP_RLOGNORMAL:
        case OP_REXPONENTIAL:
        case OP_RGAMMA:
        case OP_RBINOMIAL:
        case OP_RPOISSON:
            u = s->flags & INS_SHARED;
            break;
        default:
            break;
        }
        for (int k = 0; k < 4; k++)
            u = u && (s->arg[k] < 0 || uniform[s->arg[k]]);
        uniform[i] = u;
    }
}

/* Hashes the text without its first line, which names the module; spans are not in the text. */
uint64_t ir_hash(const IrModule *m)
{
    Buf b = {0};
    ir_print(m, &b);
    const char *body = strchr(b.p, '\n');
    uint64_t h = hash_bytes(body, strlen(body), CORTEXC_KERNEL_ABI);
    buf_free(&b);
    return h;
}
