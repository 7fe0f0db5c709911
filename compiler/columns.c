/* Values of a population that are known before the run: functions of the neuron, run by the
 * interpreter at once. They have the bits that the run will have. */
#include "columns.h"

#include "cxmath.h"
#include "rng.h"

#include <string.h>

/* The key of a population's draws, as the engine makes it. */
uint64_t columns_key(Sema *S, const PopInfo *p)
{
    uint64_t seed = S->seed;
    if (p->group && p->group->n_kids > 2) (void)wire_seed(S, p->group->kid[2], &seed);
    return rng_key(seed, p->name);
}

/* Runs function `fn` of `m` over the n neurons of a population. Columns are made here (col may be
 * NULL where no field is read or written). Without an interpreter (an instruction set that this
 * machine lacks was asked for) all stays zero: whoever runs the model will be told. */
void columns_run(Sema *S, const IrModule *m, const IrFn *fn, const PopInfo *p, double *const *col, double *const *out)
{
    Fail fail = {0};
    Kernel *k = backend_find("interp")->build(m, &fail);
    if (!k) return;
    void *scratch = cx_alloc(1, k->scratch_bytes, "positions");
    const KernelFn *f = &k->fn[ir_fn_index(m, fn)];
    Frame fr = {.col = col, .t1 = S->dt, .key = columns_key(S, p), .scratch = scratch};
    f->range(f, &fr, 0, p->n, out);
    cx_free(scratch);
    k->free(k);
}

/* The module with its initial function alone, after the passes that the run will see. */
static IrModule *initial_module(Sema *S, const Inst *in, IrFn **init)
{
    IrModule *m = network_new_module(S, in->mod->name);
    for (size_t k = 0; k < vec_len(in->mod->field); k++) vec_push(m->field, in->mod->field[k]);
    for (size_t k = 0; k < vec_len(in->mod->table); k++) vec_push(m->table, in->mod->table[k]);
    *init = ir_fn(m, "init", FN_INIT, LANE_NEURON);
    for (size_t k = 0; k < vec_len(in->init->ins); k++) vec_push((*init)->ins, in->init->ins[k]);
    ir_run_passes(m, NULL, NULL);
    return m;
}

/* Column `field` as it stands when the run begins. */
const double *columns_initial(Sema *S, PopInfo *p, int field)
{
    if (p->column) return p->column[field];
    IrFn *init;
    IrModule *m = initial_module(S, p->inst, &init);
    size_t n = vec_len(m->field);
    p->column = arena_many(S->arena, double *, n + 1);
    for (size_t k = 0; k < n; k++) p->column[k] = arena_many(S->arena, double, p->n);
    columns_run(S, m, init, p, p->column, NULL);
    return p->column[field];
}
