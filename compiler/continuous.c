/* What synapses do at every time: `every step { … }`, which adds to inputs of the target from values of t_n, and
 * equations `each step`, which are integrated as those of neurons are, with both neurons held at t_n. */
#include "ode.h"
#include "sema.h"

#include <string.h>

bool continuous_is(const Node *every)
{
    return every->kind == N_every && every->kid[0]->kind == N_name && !strcmp(every->kid[0]->name, "step");
}

bool continuous_each(const Slot *s) { return s->eq && s->eq->which == EQ_EACH_STEP; }

bool continuous_any(const Node *body)
{
    bool any = false;
    for (int k = 0; k < body->n_kids; k++) {
        const Node *p = body->kid[k];
        any = any || (p && (continuous_is(p) || (p->kind == N_equation && p->which == EQ_EACH_STEP)));
    }
    return any;
}

bool continuous_silent(const Node *body)
{
    bool pre = false;
    for (int k = 0; k < body->n_kids; k++) {
        const Node *p = body->kid[k];
        pre = pre || (p && p->kind == N_on && p->kid[0]->kind == N_name && p->kid[0]->name == sym("pre"));
    }
    return continuous_any(body) && !pre;
}

bool continuous_reads(const Node *n)
{
    if (!n) return false;
    const Node *of = n->kind == N_field ? n->kid[0] : NULL;
    bool any = of && of->kind == N_name && (of->name == sym("source") || of->name == sym("target"));
    for (int k = 0; k < n->n_kids; k++) any = any || continuous_reads(n->kid[k]);
    return any;
}

static bool adds_to_port(const Node *n)
{
    if (!n) return false;
    if (n->kind == N_assign && n->kid[0]->kind == N_name && n->kid[0]->name == sym("port")) return true;
    bool any = false;
    for (int k = 0; k < n->n_kids; k++) any = any || adds_to_port(n->kid[k]);
    return any;
}

bool continuous_aims(const Node *body)
{
    bool any = false;
    for (int k = 0; k < body->n_kids; k++) any = any || (body->kid[k] && continuous_is(body->kid[k]) && adds_to_port(body->kid[k]->kid[2]));
    return any;
}

/* Does what is added to `to` go where it can be added at this moment? Diagnoses. */
bool continuous_fits(Ctx *c, Node *n, const Slot *to)
{
    Sema *S = c->S;
    bool flows = c->inst->joint->handler == FN_STEP;
    if (to->kind == (flows ? DECL_INPUT : DECL_STATE)) return true;
    Diag *d = to->kind != DECL_STATE && to->kind != DECL_INPUT
                  ? diag_add(S->diags, D_handler_write, n->span, "nothing can be added to `%s`, which is no state and no input", to->name)
              : flows ? diag_add(S->diags, D_current_into_state, n->span, "`every step` cannot add to the state `%s`", to->name)
                      : diag_add(S->diags, D_event_into_input, n->span, "an event cannot add to the input `%s`", to->name);
    if (to->decl) diag_note_at(d, ast_name_span(to->decl), "it is declared here");
    diag_note(d, flows ? "what acts in every step is a current, which flows into an input; a state jumps by events, `on pre { … }`"
                       : "an event is a jump of a state; an input is a current that flows during a step, `every step { … }`");
    return false;
}

/* ---- code ---- */

static void emit_blocks(Inst *in, IrFn *fn, PlanSynapse *plan)
{
    Sema *S = in->S;
    const Joint *joint = in->joint;
    Ctx c = inst_ctx(in, fn, "every");
    c.has_j = true;
    c.source_n = joint->from ? (int)joint->from->sel.n : 1;
    c.target_n = joint->to ? (int)joint->to->sel.n : 1;
    block_begin(&c, joint->n_sums);
    int none = ir_const(fn, 0), *flow = arena_many(S->arena, int, (size_t)joint->n_sums);
    for (int k = 0; k < joint->n_sums; k++) c.cur[c.n_cur - 1 - k] = none;
    for (int k = 0; k < in->def.body->n_kids; k++) {
        Node *p = in->def.body->kid[k];
        if (!p || !continuous_is(p)) continue;
        if (p->kid[1]) diag_add(S->diags, D_bad_argument, p->kid[1]->span, "`every step` has no `from`");
        else block_stmts(&c, p->kid[2]);
    }
    block_flush(&c);
    for (int k = 0; k < joint->n_sums; k++) {
        int v = c.cur[c.n_cur - 1 - k];
        if (v == none || !joint->to) continue;
        flow[plan->n_flows] = inst_slot(S->pop[joint->to->pop].inst, joint->sum[k])->field;
        ir_out(fn, plan->n_flows++, v, (Span){0, 0});
    }
    plan->flow = flow;
}

static const char *quote(void *ctx, Span at)
{
    Sema *S = ctx;
    Node here = {.span = at};
    return at.hi ? ast_source(S->ast, &here) : NULL;
}

static void emit_equations(Inst *in, IrFn *fn)
{
    Sema *S = in->S;
    IrFn *deriv = ir_fn(in->mod, "deriv", FN_DERIV, LANE_SYNAPSE);
    OdeSystem sys = {.mod = in->mod, .deriv = deriv, .eq = in->eqs + in->n_eqs, .refr_field = -1, .dt = S->dt, .method = S->method,
                     .method_span = S->method_span, .diags = S->diags, .quote = quote, .quote_ctx = S};
    bool ok = inst_directives(in, &sys);
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (!continuous_each(s)) continue;
        Ctx c = inst_ctx(in, deriv, arena_printf(S->arena, "step.%s", s->name));
        c.has_j = c.has_xi = true;
        Node *rhs = s->eq->kid[0];
        Ex e = elab_num(&c, rhs);
        ok = ok && e.kind != EX_POISON && elab_fits(&c, rhs, e, dim_div(s->dim, DIM_TIME), arena_printf(S->arena, "d%s/dt", s->name));
        if (!ok) continue;
        ir_out(deriv, sys.n, ex_value(&c, e), rhs->span);
        sys.eq[sys.n++] = (OdeEq){.field = s->field, .name = s->name, .text = ast_source(S->ast, rhs), .span = rhs->span};
    }
    if (ok && sys.n && ode_integrate(&sys, fn)) in->n_eqs += sys.n;
    vec_free(deriv->ins);
    (void)vec_pop(in->mod->fn);
}

void continuous_emit(Inst *in, PlanSynapse *plan)
{
    plan->fn_step = -1;
    if (!continuous_any(in->def.body)) return;
    IrFn *fn = ir_fn(in->mod, "step", FN_STEP, LANE_SYNAPSE);
    in->joint->handler = FN_STEP;
    emit_blocks(in, fn, plan);
    emit_equations(in, fn);
    in->joint->handler = 0;
    plan->fn_step = ir_fn_index(in->mod, fn);
}

static bool looks(const IrFn *fn, Op from, Op to)
{
    for (size_t k = 0; k < vec_len(fn->ins); k++)
        if (fn->ins[k].op >= from && fn->ins[k].op <= to) return true;
    return false;
}

/* Does it read variables of the two populations? What synapses keep for their sources and targets is their own. */
static bool reads_neurons(const IrModule *m, const IrFn *fn)
{
    for (size_t k = 0; k < vec_len(fn->ins); k++) {
        const Ins *s = &fn->ins[k];
        if ((s->op == OP_SRC_LOAD || s->op == OP_TGT_LOAD) && (m->field[s->imm.k].kind == FIELD_SOURCE || m->field[s->imm.k].kind == FIELD_TARGET))
            return true;
    }
    return false;
}

void continuous_needs(const Inst *in, PlanSynapse *plan)
{
    const IrModule *m = in->mod;
    for (size_t k = 0; k < vec_len(m->fn); k++) {
        const IrFn *fn = m->fn[k];
        bool steps = (int)k == plan->fn_step, source = looks(fn, OP_SRC_LOAD, OP_SRC_LOAD);
        if (!steps && fn->role != FN_OBS) continue;
        plan->linked = plan->linked || steps || reads_neurons(m, fn);
        if (!steps) continue;
        plan->step_draws = looks(fn, OP_RUNIFORM, OP_RPOISSON);
        plan->needs_source = plan->needs_source || source || looks(fn, OP_I, OP_I) || plan->step_draws;
        plan->needs_mult = plan->needs_mult || plan->step_draws;
    }
}
