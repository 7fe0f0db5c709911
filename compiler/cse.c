/* One computation of what is computed twice. Draws are pure functions, so they take part; a load is
 * the same as an earlier one, or as the value last stored to its field. */
#include "ir.h"

#include <string.h>

typedef struct Table {
    int *slot; /* instruction + 1, 0 empty */
    size_t mask;
} Table;

static bool commutes(unsigned op)
{
    return op == OP_ADD || op == OP_MUL || op == OP_EQ || op == OP_NE || op == OP_AND ||
           op == OP_OR || op == OP_FMA;
}

static bool same(const Ins *a, const Ins *b)
{
    return a->op == b->op && a->flags == b->flags && a->imm.k == b->imm.k &&
           !memcmp(a->arg, b->arg, sizeof a->arg);
}

static uint64_t ins_hash(const Ins *s)
{
    uint64_t h = (uint64_t)s->op << 8 | s->flags;
    h = (h ^ (uint64_t)s->imm.k) * 0x9e3779b97f4a7c15u;
    for (int k = 0; k < 4; k++)
        h = (h ^ h >> 29 ^ (uint32_t)s->arg[k]) * 0xbf58476d1ce4e5b9u;
    return h ^ h >> 32;
}

/* The value equal to `s`, which is appended when it is new. */
static int intern(Table *t, IrFn *f, const Ins *s)
{
    for (size_t at = ins_hash(s) & t->mask;; at = (at + 1) & t->mask) {
        if (t->slot[at] && !same(&f->ins[t->slot[at] - 1], s)) continue;
        if (!t->slot[at]) {
            vec_push(f->ins, *s);
            t->slot[at] = (int)vec_len(f->ins);
        }
        return t->slot[at] - 1;
    }
}

static void cse_fn(IrFn *f, size_t n_fields)
{
    Ins *old = f->ins;
    size_t n = vec_len(old), cap = 16;
    while (cap < 2 * n)
        cap *= 2;
    Table t = {cx_alloc(cap, sizeof(int), "cse"), cap - 1};
    int *map = cx_alloc(n + 1, sizeof *map, "cse");
    int *stored =
        cx_alloc(n_fields + 1, sizeof *stored, "cse"); /* value + 1, 0 nothing stored yet */
    f->ins = NULL;
    for (size_t i = 0; i < n; i++) {
        Ins s = old[i];
        for (int k = 0; k < 4; k++)
            if (s.arg[k] >= 0) s.arg[k] = map[s.arg[k]];
        if (commutes(s.op) && s.arg[0] > s.arg[1]) {
            int x = s.arg[0];
            s.arg[0] = s.arg[1];
            s.arg[1] = x;
        }
        if (s.type == '-') {
            if (s.op == OP_STORE) stored[s.imm.k] = s.arg[0] + 1;
            vec_push(f->ins, s);
            map[i] = (int)vec_len(f->ins) - 1;
        } else if (s.op == OP_LOAD && stored[s.imm.k]) {
            map[i] = stored[s.imm.k] - 1;
        } else {
            map[i] = intern(&t, f, &s);
        }
    }
    cx_free(stored);
    cx_free(map);
    cx_free(t.slot);
    vec_free(old);
}

void cse_run(IrModule *m)
{
    for (size_t k = 0; k < vec_len(m->fn); k++)
        cse_fn(m->fn[k], vec_len(m->field));
}
