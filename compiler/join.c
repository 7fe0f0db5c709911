/* What a population does in every step as one function: arrivals, equations, test for a spike and the look whether
 * all is finite. Values then stay in registers between the phases instead of going through memory. Built from what the
 * phases are after their own passes, so joining moves no bit. */
#include "ir.h"

/* Appends a phase; its time is that of the end of the step where `late`. Returns its value 0, or -1. */
static int append(IrModule *m, IrFn *dst, FnRole role, bool late)
{
    const IrFn *src = NULL;
    for (size_t k = 0; !src && k < vec_len(m->fn); k++)
        if (m->fn[k]->role == role && m->fn[k]->lanes == LANE_NEURON) src = m->fn[k];
    if (!src) return -1;
    int end = -1, *value = cx_alloc((size_t)src->n_out + 1, sizeof *value, "joining");
    for (size_t i = 0; late && i < vec_len(src->ins) && end < 0; i++)
        if (src->ins[i].op == OP_T) end = ir_imm(dst, OP_T, 1, src->ins[i].span);
    ir_inline(dst, src, NULL, end, NULL, value);
    int first = src->n_out ? value[0] : -1;
    cx_free(value);
    return first;
}

static void join(IrModule *m, const char *name, FnRole role, bool arrivals)
{
    IrFn *f = ir_fn(m, name, role, LANE_NEURON);
    f->settled = true;
    if (arrivals) append(m, f, FN_ARRIVE, false);
    append(m, f, FN_STEP, false);
    int spike = append(m, f, FN_TEST, true), finite = append(m, f, FN_CHECK, true);
    ir_out(f, PASS_SPIKES, spike < 0 ? ir_truth(f, false) : spike, (Span){0, 0});
    ir_out(f, PASS_FINITE, finite < 0 ? ir_truth(f, true) : finite, (Span){0, 0});
}

/* Adds `pass` and, where something arrives, `tail`, which is `pass` behind the arrivals. Equations that divide their
 * steps stand between the two, so there is no `pass` then. */
void join_run(IrModule *m)
{
    bool steps = false, arrives = false, parts = false;
    for (size_t k = 0; k < vec_len(m->fn); k++) {
        FnRole role = m->fn[k]->role;
        if (m->fn[k]->lanes != LANE_NEURON) continue;
        steps = steps || role == FN_STEP || role == FN_TEST || role == FN_ARRIVE || role == FN_CHECK;
        arrives = arrives || role == FN_ARRIVE;
        parts = parts || role == FN_PARTS;
        if (role == FN_PASS || role == FN_TAIL) return;
    }
    if (!steps) return;
    if (!parts) join(m, "pass", FN_PASS, true);
    if (arrives || parts) join(m, "tail", FN_TAIL, false);
    cse_run(m);
    dce_run(m);
}
