/* a*b + c becomes fma(a, b, c) where nothing else reads the product: one rounding less and one
 * instruction less. This is the only place where products are contracted, so that every backend
 * gives the same bits. */
#include "ir.h"

static int *count_uses(const Ins *ins)
{
    int *use = cx_alloc(vec_len(ins) + 1, sizeof *use, "fuse");
    for (size_t i = 0; i < vec_len(ins); i++)
        for (int k = 0; k < 4; k++)
            if (ins[i].arg[k] >= 0) use[ins[i].arg[k]]++;
    return use;
}

static bool is_product(const Ins *ins, const int *use, int v)
{
    return ins[v].op == OP_MUL && use[v] == 1;
}

/* -(a*b) as a product: the minus goes where it costs nothing, if there is such a place. */
static void negate_one(IrFn *f, int *a, int *b)
{
    bool free_b = f->ins[*b].op == OP_CONST || f->ins[*b].op == OP_NEG;
    bool free_a = f->ins[*a].op == OP_CONST || f->ins[*a].op == OP_NEG;
    if (free_b && !free_a)
        *b = ir_op1(f, OP_NEG, *b);
    else
        *a = ir_op1(f, OP_NEG, *a);
}

/* The fused form of old[i] in f, or -1. The product itself stays behind for dce. */
static int fuse_ins(IrFn *f, const Ins *old, const int *use, size_t i, const int *map)
{
    const Ins *s = &old[i];
    if (s->op != OP_ADD && s->op != OP_SUB) return -1;
    int side = is_product(old, use, s->arg[0]) ? 0 : is_product(old, use, s->arg[1]) ? 1 : -1;
    if (side < 0) return -1;
    const Ins *p = &old[s->arg[side]];
    int a = map[p->arg[0]], b = map[p->arg[1]], c = map[s->arg[1 - side]];
    if (s->op == OP_SUB && side == 0) c = ir_op1(f, OP_NEG, c);
    if (s->op == OP_SUB && side == 1) negate_one(f, &a, &b);
    return ir_op(f, OP_FMA, s->span, 3, (int[]){a, b, c});
}

void fuse_run(IrModule *m)
{
    for (size_t k = 0; k < vec_len(m->fn); k++) {
        IrFn *f = m->fn[k];
        if (f->settled) continue;
        Ins *old = f->ins;
        int *use = count_uses(old);
        int *map = cx_alloc(vec_len(old) + 1, sizeof *map, "fuse");
        f->ins = NULL;
        for (size_t i = 0; i < vec_len(old); i++) {
            map[i] = fuse_ins(f, old, use, i, map);
            if (map[i] < 0) map[i] = ir_copy(f, &old[i], map);
        }
        cx_free(map);
        cx_free(use);
        vec_free(old);
    }
}
