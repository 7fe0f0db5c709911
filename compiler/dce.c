/* Drops what nothing reads, and stores that a later store of the same function hides. */
#include "ir.h"

static void dce_fn(IrFn *f, size_t n_fields)
{
    Ins *old = f->ins;
    size_t n = vec_len(old);
    bool *live = cx_alloc(n + 1, sizeof *live, "dce");
    bool *hidden = cx_alloc(n_fields + 1, sizeof *hidden, "dce"); /* stored again before any load */
    int *map = cx_alloc(n + 1, sizeof *map, "dce");
    for (size_t i = n; i-- > 0;) {
        const Ins *s = &old[i];
        if (s->op == OP_STORE) {
            live[i] = !hidden[s->imm.k];
            hidden[s->imm.k] = true;
        } else if (s->type == '-') {
            live[i] = true;
        }
        if (!live[i]) continue;
        if (s->op == OP_LOAD) hidden[s->imm.k] = false;
        for (int k = 0; k < 4; k++)
            if (s->arg[k] >= 0) live[s->arg[k]] = true;
    }
    f->ins = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!live[i]) continue;
        Ins s = old[i];
        for (int k = 0; k < 4; k++)
            if (s.arg[k] >= 0) s.arg[k] = map[s.arg[k]];
        vec_push(f->ins, s);
        map[i] = (int)vec_len(f->ins) - 1;
    }
    cx_free(map);
    cx_free(hidden);
    cx_free(live);
    vec_free(old);
}

void dce_run(IrModule *m)
{
    for (size_t k = 0; k < vec_len(m->fn); k++)
        dce_fn(m->fn[k], vec_len(m->field));
}
