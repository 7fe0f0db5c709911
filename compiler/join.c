/* What a population does in every step as one function: arrivals, equations, test for a spike and the look whether
 * all is finite. Values then stay in registers between the phases instead of going through memory. Built from what the
 * phases are after their own passes, so joining moves no bit. */
#include "ir.h"

/* Is field k an input to which nothing ever adds? Then it is zero. */
static bool idle(const IrModule *m, int k)
{
    if (m->field[k].kind != FIELD_INPUT || m->field[k].fed) return false;
    for (size_t q = 0; q < vec_len(m->fn); q++) {
        const IrFn *f = m->fn[q];
        for (size_t i = 0; i < vec_len(f->ins); i++) {
            double v;
            bool zero = f->ins[i].op == OP_STORE && ir_is_const(f, f->ins[i].arg[0], &v) && v == 0;
            if (f->ins[i].op == OP_STORE && f->ins[i].imm.k == k && !zero) return false;
        }
    }
    return true;
}

/* Drops the stores of zero to idle inputs. */
static void drop_idle(const IrModule *m, IrFn *f)
{
    Ins *old = f->ins;
    int *map = cx_alloc(vec_len(old) + 1, sizeof *map, "joining");
    f->ins = NULL;
    for (size_t i = 0; i < vec_len(old); i++)
        map[i] = old[i].op == OP_STORE && idle(m, (int)old[i].imm.k) ? -1 : ir_copy(f, &old[i], map);
    cx_free(map);
    vec_free(old);
}

/* Appends a phase; its time is that of the end of the step where `late`. Returns its value 0, or -1. */
static int append(IrModule *m, IrFn *dst, FnRole role, bool late)
{
    const IrFn *src = NULL;
    for (size_t k = 0; !src && k < vec_len(m->fn); k++)
        if (m->fn[k]->role == role && m->fn[k]->lanes == LANE_NEURON) src = m->fn[k];
    if (!src) return -1;
    size_t n_fields = vec_len(m->field);
    int end = -1, *value = cx_alloc((size_t)src->n_out + 1, sizeof *value, "joining");
    int *known = cx_alloc(n_fields + 1, sizeof *known, "joining");
    for (size_t k = 0; k < n_fields; k++) known[k] = idle(m, (int)k) ? ir_const(dst, 0) : -1;
    for (size_t i = 0; late && i < vec_len(src->ins) && end < 0; i++)
        if (src->ins[i].op == OP_T) end = ir_imm(dst, OP_T, 1, src->ins[i].span);
    ir_inline(dst, src, known, end, NULL, value);
    int first = src->n_out ? value[0] : -1;
    cx_free(known);
    cx_free(value);
    return first;
}

static void join(IrModule *m, const char *name, FnRole role, bool arrivals)
{
    IrFn *f = ir_fn(m, name, role, LANE_NEURON);
    f->settled = true;
    if (arrivals) append(m, f, FN_ARRIVE, false);
    append(m, f, FN_STEP, false);
    drop_idle(m, f);
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
