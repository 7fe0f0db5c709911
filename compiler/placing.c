/* Where the variables of synapses live. One that is written in `on pre` alone, from nothing but itself and what all synapses
 * of a source share, has the same value in all of them, provided they have one delay; so it is stored once for each
 * source. The same holds of `on post` and the target. The functions are split behind the passes, so every value is
 * computed by the very operations that would have computed it in each synapse: the bits are the same. */
#include "sema.h"

#include <string.h>

typedef struct Placing {
    Inst *in;
    IrModule *m;
    FieldKind *side;  /* of each field: FIELD_PRE, FIELD_POST, or its own kind: it stays */
} Placing;

static bool moved(const Placing *p, int64_t k) { return p->side[k] == FIELD_PRE || p->side[k] == FIELD_POST; }

/* The field's stores: all of the role that belongs to a side? */
static FieldKind writers(const IrModule *m, int64_t field)
{
    FieldKind side = FIELD_STATE;
    for (size_t k = 0; k < vec_len(m->fn); k++)
        for (size_t v = 0; v < vec_len(m->fn[k]->ins); v++) {
            const Ins *s = &m->fn[k]->ins[v];
            if (s->op != OP_STORE || s->imm.k != field || m->fn[k]->role == FN_INIT) continue;
            FieldKind now = m->fn[k]->role == FN_PRE ? FIELD_PRE : m->fn[k]->role == FN_POST ? FIELD_POST : FIELD_STATE;
            if (now == FIELD_STATE || (side != FIELD_STATE && side != now)) return FIELD_STATE;
            side = now;
        }
    return side;
}

/* Do only the synapse's own functions touch the field? Others may look at each synapse's column. */
static bool own_functions(const IrModule *m, int64_t field)
{
    for (size_t k = 0; k < vec_len(m->fn); k++) {
        const IrFn *fn = m->fn[k];
        bool own = fn->role == FN_INIT || fn->role == FN_RANGE || fn->role == FN_PRE || fn->role == FN_POST || fn->role == FN_EVENT ||
                   fn->role == FN_STEP || fn->role == FN_OBS;
        for (size_t v = 0; !own && v < vec_len(fn->ins); v++)
            if ((fn->ins[v].op == OP_LOAD || fn->ins[v].op == OP_STORE) && fn->ins[v].imm.k == field) return false;
    }
    return true;
}

/* Is the start a number? */
static bool starts_alike(const IrModule *m, int64_t field)
{
    for (size_t k = 0; k < vec_len(m->fn); k++)
        for (size_t v = 0; m->fn[k]->role == FN_INIT && v < vec_len(m->fn[k]->ins); v++) {
            const Ins *s = &m->fn[k]->ins[v];
            if (s->op == OP_STORE && s->imm.k == field) return m->fn[k]->ins[s->arg[0]].op == OP_CONST;
        }
    return false;
}

/* Is instruction v the same for all synapses of that neuron? `alike` knows of those before it. */
static bool is_alike(const Placing *p, FieldKind side, const Ins *s, const bool *alike)
{
    if (ir_op_draws((Op)s->op)) return false;
    switch ((Op)s->op) {
    case OP_LOAD: return p->m->field[s->imm.k].uniform || p->side[s->imm.k] == side;
    case OP_I:
    case OP_SRC_LOAD: return side == FIELD_PRE;
    case OP_J:
    case OP_TGT_LOAD: return side == FIELD_POST;
    case OP_MULT: return false;
    default: break;
    }
    for (int k = 0; k < 4; k++)
        if (s->arg[k] >= 0 && !alike[s->arg[k]]) return false;
    return true;
}

/* Takes out whatever is written with something that is not the same; false when there was any. */
static bool settle(Placing *p)
{
    bool done = true;
    for (size_t k = 0; k < vec_len(p->m->fn); k++) {
        const IrFn *fn = p->m->fn[k];
        if (fn->role != FN_PRE && fn->role != FN_POST) continue;
        FieldKind side = fn->role == FN_PRE ? FIELD_PRE : FIELD_POST;
        bool *alike = cx_alloc(vec_len(fn->ins) + 1, sizeof *alike, "placing");
        for (size_t v = 0; v < vec_len(fn->ins); v++) {
            const Ins *s = &fn->ins[v];
            alike[v] = is_alike(p, side, s, alike);
            if (s->op != OP_STORE || p->side[s->imm.k] != side || alike[s->arg[0]]) continue;
            p->side[s->imm.k] = FIELD_STATE;
            done = false;
        }
        cx_free(alike);
    }
    for (size_t k = 0; k < vec_len(p->in->slot); k++) { /* a variable and the time of its last write live together */
        const Slot *s = &p->in->slot[k];
        if (s->field < 0 || s->last < 0 || p->side[s->field] == p->side[s->last]) continue;
        done = done && !moved(p, s->field) && !moved(p, s->last);
        p->side[s->field] = p->side[s->last] = FIELD_STATE;
    }
    return done;
}

/* Does a `set`, `at` or `every` of the protocol write a variable of this name of a projection? */
static bool set_from_outside(const Sema *S, Node *n, Sym name)
{
    if (!n) return false;
    if (n->kind == N_assign && n->kid[0]->kind == N_field && n->kid[0]->name == name) return true;
    for (int k = 0; k < n->n_kids; k++)
        if (set_from_outside(S, n->kid[k], name)) return true;
    return false;
}

static bool choose(Placing *p, bool one_delay)
{
    for (size_t k = 0; k < vec_len(p->m->fn); k++) /* the protocol looks at synapses one by one */
        if (p->m->fn[k]->role == FN_SET) return false;
    Sema *S = p->in->S;
    bool any = false;
    for (size_t k = 0; k < vec_len(p->m->field); k++) p->side[k] = p->m->field[k].kind;
    for (size_t k = 0; k < vec_len(p->in->slot); k++) {
        const Slot *s = &p->in->slot[k];
        if (s->name == sym("weight")) continue; /* others look for it with each synapse */
        if (s->kind != DECL_STATE || s->field < 0 || p->m->field[s->field].uniform) continue;
        FieldKind side = writers(p->m, s->field);
        bool fixed = side == FIELD_STATE || (side == FIELD_PRE && !one_delay) || !starts_alike(p->m, s->field) || !own_functions(p->m, s->field);
        for (size_t q = 0; !fixed && q < vec_len(S->items); q++)
            fixed = S->items[q]->kind != N_connect && set_from_outside(S, S->items[q], s->name);
        if (fixed) continue;
        p->side[s->field] = side;
        if (s->last >= 0) p->side[s->last] = side;
    }
    while (!settle(p)) {
    }
    for (size_t k = 0; k < vec_len(p->m->field); k++) any = any || moved(p, (int64_t)k);
    return any;
}

/* What is left of `fn` over the neurons of one side: the writes of their own variables. */
static IrFn *over_neurons(const Placing *p, const IrFn *fn, FieldKind side)
{
    IrFn *out = ir_fn(p->m, arena_printf(p->in->S->arena, "%s.%s", fn->name, side == FIELD_PRE ? "source" : "target"), FN_TRACE, LANE_NEURON);
    out->settled = true;
    for (size_t v = 0; v < vec_len(fn->ins); v++) {
        Ins s = fn->ins[v];
        bool drop = s.type == '-' && (s.op != OP_STORE || p->side[s.imm.k] != side);
        if (s.op == OP_J) s.op = OP_I;
        if (s.op == OP_SRC_LOAD || s.op == OP_TGT_LOAD) s.op = OP_LOAD;
        if (drop || s.op == OP_MULT) s = (Ins){.op = OP_CONST, .type = 'f', .arg = {-1, -1, -1, -1}}; /* numbers of values stay; dce removes it */
        vec_push(out->ins, s);
    }
    return out;
}

/* Over synapses these variables are read of the source or target, and written no more. */
static void over_synapses(const Placing *p, IrFn *fn)
{
    for (size_t v = 0; v < vec_len(fn->ins); v++) {
        Ins *s = &fn->ins[v];
        if ((s->op != OP_LOAD && s->op != OP_STORE) || !moved(p, s->imm.k)) continue;
        if (s->op == OP_LOAD) s->op = p->side[s->imm.k] == FIELD_PRE ? OP_SRC_LOAD : OP_TGT_LOAD;
        else *s = (Ins){.op = OP_CONST, .type = 'f', .arg = {-1, -1, -1, -1}};
    }
}

static bool writes(const Placing *p, const IrFn *fn, FieldKind side)
{
    for (size_t v = 0; v < vec_len(fn->ins); v++)
        if (fn->ins[v].op == OP_STORE && p->side[fn->ins[v].imm.k] == side) return true;
    return false;
}

/* Says where each equation's variable lives. */
static void tell(const Placing *p)
{
    static const char *const where[] = {"a value for each synapse", "one value for each source", "one value for each target"};
    for (int k = 0; k < p->in->n_eqs; k++) {
        OdeEq *eq = &p->in->eqs[k];
        FieldKind side = p->side[eq->field];
        eq->why = arena_printf(p->in->S->arena, "%s; %s", eq->why, where[side == FIELD_PRE ? 1 : side == FIELD_POST ? 2 : 0]);
    }
}

void placing_run(Inst *in, PlanSynapse *plan, bool one_delay)
{
    Placing p = {in, in->mod, NULL};
    ir_run_passes(in->mod, NULL, NULL);
    for (size_t k = 0; k < vec_len(in->mod->fn); k++) in->mod->fn[k]->settled = true;
    p.side = arena_many(in->S->arena, FieldKind, vec_len(in->mod->field) + 1);
    plan->fn_source = plan->fn_target = -1;
    bool any = choose(&p, one_delay);
    tell(&p);
    if (!any) return;
    PlanHandler *h = arena_dup(in->S->arena, plan->handler, (size_t)plan->n_handlers * sizeof *h);
    plan->handler = h;
    for (int side = FIELD_PRE; side <= FIELD_POST; side++) {
        if (writes(&p, in->init, side)) *(side == FIELD_PRE ? &plan->fn_source : &plan->fn_target) = ir_fn_index(in->mod, over_neurons(&p, in->init, side));
        for (int k = 0; k < plan->n_handlers; k++)
            if (writes(&p, in->mod->fn[h[k].fn], side)) h[k].trace = ir_fn_index(in->mod, over_neurons(&p, in->mod->fn[h[k].fn], side));
    }
    for (size_t k = 0; k < vec_len(in->mod->fn); k++)
        if (in->mod->fn[k]->lanes == LANE_SYNAPSE) over_synapses(&p, in->mod->fn[k]);
    for (size_t k = 0; k < vec_len(in->mod->field); k++)
        if (moved(&p, (int64_t)k)) in->mod->field[k].kind = p.side[k];
}
