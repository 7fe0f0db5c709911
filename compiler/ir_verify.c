/* The rules every module keeps, checked after every pass. */
#include "ir.h"

#include <string.h>

/* A column of neurons, of their population or of the synapses they have; one that is uniform can be loaded anywhere. */
static bool of_neuron(const IrModule *m, const IrFn *f, int64_t k)
{
    FieldKind kind = m->field[k].kind;
    return kind == FIELD_LINK || (f->role != FN_TRACE && (kind == FIELD_SOURCE || kind == FIELD_TARGET || kind == FIELD_PRE || kind == FIELD_POST));
}

static bool on_side(const IrModule *m, int64_t k, Op op)
{
    FieldKind kind = m->field[k].kind;
    return op == OP_SRC_LOAD ? kind == FIELD_SOURCE || kind == FIELD_PRE : kind == FIELD_TARGET || kind == FIELD_POST;
}

static const char *check_imm(Arena *a, const IrModule *m, const IrFn *f, const Ins *s,
                             const bool *uniform)
{
    int64_t k = s->imm.k;
    switch ((Op)s->op) {
    case OP_TRUTH:
    case OP_T:
        return k == 0 || k == 1 ? NULL : "selector is neither 0 nor 1";
    case OP_LOOKUP:
    case OP_SEARCH:
        return k >= 0 && (size_t)k < vec_len(m->table) ? NULL : "no such table";
    case OP_LOAD:
        if (k < 0 || (size_t)k >= vec_len(m->field)) return "no such field";
        return of_neuron(m, f, k) && !m->field[k].uniform ? "column of other neurons read as an own one" : NULL;
    case OP_SRC_LOAD:
    case OP_TGT_LOAD:
        if (f->lanes != LANE_SYNAPSE) return "a neuron of a synapse in a function over neurons";
        if (k < 0 || (size_t)k >= vec_len(m->field)) return "no such field";
        return on_side(m, k, (Op)s->op) ? NULL : "column of another kind";
    case OP_LINK:
        if (f->lanes != LANE_NEURON || f->role != FN_DRIVE) return "another population read outside of an input";
        if (k < 0 || (size_t)k >= vec_len(m->field)) return "no such field";
        return m->field[k].kind == FIELD_LINK ? NULL : "column of another kind";
    case OP_STORE:
        if (k < 0 || (size_t)k >= vec_len(m->field)) return "no such field";
        if (f->lanes == LANE_SYNAPSE && f->role != FN_INIT && f->role != FN_PRE && f->role != FN_POST && f->role != FN_EVENT &&
            f->role != FN_STEP && f->role != FN_SET)
            return "store in a function over synapses";
        if (of_neuron(m, f, k)) return "store to other neurons";
        if (f->role == FN_INIT) {
            if (m->field[k].uniform && !uniform[s->arg[0]])
                return arena_printf(a, "uniform field `%s` takes a value that varies",
                                    m->field[k].name);
            return NULL;
        }
        if (m->field[k].kind == FIELD_PARAM)
            return arena_printf(a, "param `%s` is written outside init", m->field[k].name);
        /* Ranges of one population run on several threads: a shared cell would be a race. */
        if (m->field[k].uniform)
            return arena_printf(a, "uniform field `%s` is written outside init", m->field[k].name);
        return NULL;
    case OP_J:
    case OP_MULT:
        return f->lanes == LANE_SYNAPSE ? NULL : "target index in a function over neurons";
    case OP_XI:
        return f->role == FN_DERIV ? NULL : "noise outside a deriv function";
    case OP_OUT:
    case OP_OUTB:
        return k >= 0 && k < f->n_out ? NULL : "no such result";
    default:
        return NULL;
    }
}

static const char *check_fn(Arena *a, const IrModule *m, const IrFn *f)
{
    size_t n = vec_len(f->ins);
    const char *bad = NULL;
    if ((unsigned)f->role >= N_FN_ROLES || (unsigned)f->lanes > LANE_SYNAPSE)
        return arena_printf(a, "fn %s: no such role or kind of lanes", f->name);
    if (f->n_out < 0 || (size_t)f->n_out > n)
        return arena_printf(a, "fn %s: result 0 is missing", f->name);
    /* Arguments first, since uniformity follows them. */
    for (size_t i = 0; i < n && !bad; i++) {
        const Ins *s = &f->ins[i];
        if (s->op >= N_OPS) return arena_printf(a, "fn %s, %%%zu: no such operation", f->name, i);
        const IrOp *row = &ir_op_table[s->op];
        int n_args = (int)strlen(row->args);
        if (s->type != row->type) bad = "result has the wrong type";
        for (int k = 0; k < 4 && !bad; k++) {
            if (k >= n_args) {
                if (s->arg[k] != -1) bad = "too many arguments";
            } else if (s->arg[k] < 0 || (size_t)s->arg[k] >= i) {
                bad = "argument does not come before its use";
            } else if (f->ins[s->arg[k]].type != row->args[k]) {
                bad = "argument has the wrong type";
            }
        }
        if (!bad && (s->op == OP_LOAD || s->op == OP_SRC_LOAD || s->op == OP_TGT_LOAD || s->op == OP_LINK)) bad = check_imm(a, m, f, s, NULL);
        if (bad) bad = arena_printf(a, "fn %s, %%%zu %s: %s", f->name, i, row->name, bad);
    }
    if (bad) return bad;
    bool *uniform = cx_alloc(n + 1, sizeof *uniform, "verifier");
    bool *seen = cx_alloc((size_t)f->n_out + 1, sizeof *seen, "verifier");
    ir_uniform(m, f, uniform);
    for (size_t i = 0; i < n && !bad; i++) {
        const Ins *s = &f->ins[i];
        bad = check_imm(a, m, f, s, uniform);
        if (!bad && (s->op == OP_OUT || s->op == OP_OUTB)) {
            if (seen[s->imm.k]) bad = "result is given twice";
            seen[s->imm.k] = true;
        }
        if (bad)
            bad = arena_printf(a, "fn %s, %%%zu %s: %s", f->name, i, ir_op_table[s->op].name, bad);
    }
    for (int k = 0; k < f->n_out && !bad; k++)
        if (!seen[k]) bad = arena_printf(a, "fn %s: result %d is missing", f->name, k);
    cx_free(seen);
    cx_free(uniform);
    return bad;
}

const char *ir_verify(Arena *a, const IrModule *m)
{
    for (size_t k = 0; k < vec_len(m->field); k++) {
        const IrField *f = &m->field[k];
        if ((unsigned)f->kind >= N_FIELD_KINDS)
            return arena_printf(a, "field %zu: no such kind", k);
        if (!f->name || !*f->name) return arena_printf(a, "field %zu has no name", k);
        if (ir_field_find(m, f->name) != (int)k) return arena_printf(a, "two fields `%s`", f->name);
    }
    for (size_t k = 0; k < vec_len(m->fn); k++) {
        if (!m->fn[k]->name || !*m->fn[k]->name)
            return arena_printf(a, "function %zu has no name", k);
        if (ir_fn_find(m, m->fn[k]->name) != m->fn[k])
            return arena_printf(a, "two functions `%s`", m->fn[k]->name);
        const char *bad = check_fn(a, m, m->fn[k]);
        if (bad) return bad;
    }
    return NULL;
}
