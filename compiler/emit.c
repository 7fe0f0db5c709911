/* The functions of a neuron's module: init, step, test, reset, arrive, check, and what is recorded. */
#include "sema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void inst_init(Inst *in)
{
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->kind != DECL_PARAM) continue;
        Ctx c = in->init_ctx;
        (void)inst_param(&c, s, s->decl);
    }
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].kind == DECL_STATE) (void)inst_given(in, &in->slot[k], NULL);
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->kind == DECL_STATE) {
            if (s->state == 2 && s->ex.kind == EX_POISON) s->dim = s->has_dim ? s->dim : DIM_NONE;
            s->field = inst_field(in, s, FIELD_STATE);
            if (s->ex.kind != EX_NUM) continue;
            Ctx c = in->init_ctx;
            ir_store(in->init, s->field, ex_value(&c, s->ex), ast_name_span(s->decl));
        } else if (s->kind == DECL_INPUT) {
            if (!s->has_dim && !s->lost) {
                s->lost = true;
                Diag *d = diag_add(in->S->diags, D_missing_unit, ast_name_span(s->decl), "the input `%s` needs its unit", s->name);
                diag_hint(d, "write `input %s : pA`", s->name), diag_range(d, (Span){0, 0});
            }
            s->field = inst_field(in, s, FIELD_INPUT);
        }
    }
    if (in->last_spike_field >= 0) ir_store(in->init, in->last_spike_field, ir_const(in->init, -INFINITY), (Span){0, 0});
}

/* Does `n` fall when `v` rises, as `-V/DT` and `(EL - V)/DT` do? Other names count as positive, as scales are. */
static bool falls_with(const Node *n, Sym v)
{
    if (n->kind == N_neg) return ast_mentions(n->kid[0], N_name, v) && !falls_with(n->kid[0], v);
    if (n->kind != N_binary) return false;
    Node *a = n->kid[0], *b = n->kid[1];
    bool in_a = ast_mentions(a, N_name, v), in_b = ast_mentions(b, N_name, v);
    if (in_a && in_b) return false;
    if (n->op == '-' && in_b) return !falls_with(b, v);
    return (n->op == '+' || n->op == '-' || n->op == '*' || (n->op == '/' && in_a)) && falls_with(in_a ? a : b, v);
}

/* A plain exponential of the tested variable overflows before the test can reset it. */
static bool bare_exp_of(Node *n, Sym v, Node **call)
{
    if (!n) return false;
    if (n->kind == N_call && n->kid[0]->kind == N_name) {
        Sym f = n->kid[0]->name;
        if (f == sym("min") || f == sym("clip")) return false;
        if ((f == sym("exp") || f == sym("sinh") || f == sym("cosh")) && n->n_kids == 2) {
            bool falls = f == sym("exp") && falls_with(n->kid[1], v);
            if (ast_mentions(n->kid[1], N_name, v) && !ast_mentions(n->kid[1], N_call, NULL) && !falls) {
                *call = n;
                return true;
            }
        }
    }
    for (int k = 0; k < n->n_kids; k++)
        if (bare_exp_of(n->kid[k], v, call)) return true;
    return false;
}

/* The variable and bound of `spike when V > VT`. */
bool inst_tested(const Inst *in, Node **var, Node **bound)
{
    *var = *bound = NULL;
    if (!in->spike) return false;
    Node *c = in->spike->kid[0];
    if (c->kind == N_crosses) *var = c->kid[0], *bound = c->kid[1];
    else if (c->kind == N_compare && c->which == 1 && (c->ops[0] == OP2_GT || c->ops[0] == OP2_GE)) *var = c->kid[0], *bound = c->kid[1];
    else return false;
    return (*var)->kind == N_name;
}

/* The user's text at a place, for the integrators' explanations. */
static const char *quote(void *ctx, Span at)
{
    Sema *S = ctx;
    Node here = {.span = at};
    return at.hi ? ast_source(S->ast, &here) : NULL;
}

/* `method = rk4` and `noise = stratonovich`. */
static bool directive(Sema *S, Sym name, Node *v, OdeSystem *sys)
{
    if (v->kind != N_name) {
        diag_add(S->diags, D_bad_argument, v->span, "`%s` is a word, such as `%s`", name, name == sym("method") ? "rk4" : "ito");
        return false;
    }
    if (name == sym("method")) {
        sys->method = v->name, sys->method_span = v->span;
        return true;
    }
    sys->stratonovich = v->name == sym("stratonovich");
    if (sys->stratonovich || v->name == sym("ito")) return true;
    diag_add(S->diags, D_bad_argument, v->span, "noise is `ito` or `stratonovich`");
    return false;
}

/* The same among the settings of a derived neuron or of a population. */
static bool directives_given(Inst *in, Node *settings, OdeSystem *sys)
{
    bool ok = true;
    for (int k = 0; settings && k < settings->n_kids; k++) {
        Node *e = settings->kid[k];
        if (e && e->kind == N_entry && inst_is_directive(e) && !inst_slot(in, e->name))
            ok = directive(in->S, e->name, e->kid[0], sys) && ok;
    }
    return ok;
}

bool inst_directives(Inst *in, OdeSystem *sys)
{
    bool ok = true;
    for (int k = 0; k < in->def.body->n_kids; k++) {
        Node *p = in->def.body->kid[k];
        if (p && p->kind == N_define && inst_is_directive(p)) ok = directive(in->S, p->name, p->kid[1], sys) && ok;
    }
    for (int k = 0; k < in->def.n_settings; k++) ok = directives_given(in, in->def.settings[k], sys) && ok;
    return directives_given(in, in->settings, sys) && ok;
}

static bool emit_step(Inst *in)
{
    Sema *S = in->S;
    IrFn *deriv = ir_fn(in->mod, "deriv", FN_DERIV, LANE_NEURON);
    OdeEq *eqs = NULL;
    bool ok = true;
    Node *var, *bound, *call;
    bool has_test = inst_tested(in, &var, &bound);
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (!s->eq) continue;
        Ctx c = inst_ctx(in, deriv, arena_printf(S->arena, "step.%s", s->name));
        c.has_xi = true;
        Node *rhs = s->eq->kid[0];
        /* named expressions may carry xi into an equation as well */
        Ex e = elab_num(&c, rhs);
        Dim want = dim_div(s->dim, DIM_TIME);
        if (e.kind == EX_POISON || !elab_fits(&c, rhs, e, want, arena_printf(S->arena, "d%s/dt", s->name))) {
            ok = false;
            continue;
        }
        if (has_test && var->name == s->name && s->decl && bare_exp_of(rhs, s->name, &call)) {
            Diag *d = diag_add(S->diags, D_unbounded_exponential, call->span, "this exponential can overflow before the spike is detected");
            diag_note(d, "`%s` grows without bound within one step", s->name);
            diag_hint(d, "bound it by the threshold: `min(%s, %s)` instead of `%s`", s->name, ast_source(S->ast, bound), s->name);
        }
        ir_out(deriv, (int)vec_len(eqs), ex_value(&c, e), rhs->span);
        OdeEq eq = {.field = s->field, .frozen = s->frozen, .name = s->name, .text = ast_source(S->ast, rhs), .span = rhs->span};
        vec_push(eqs, eq);
    }
    in->n_eqs = (int)vec_len(eqs);
    in->eqs = in->n_eqs ? arena_dup(S->arena, eqs, sizeof *eqs * vec_len(eqs)) : NULL;
    vec_free(eqs);
    IrFn *step = ir_fn(in->mod, "step", FN_STEP, LANE_NEURON);
    OdeSystem sys = {.mod = in->mod, .deriv = deriv, .eq = in->eqs, .n = in->n_eqs, .refr_field = in->refr_field,
                     .dt = S->dt, .method = S->method, .method_span = S->method_span, .diags = S->diags,
                     .quote = quote, .quote_ctx = S, .prepares = true};
    ok = inst_directives(in, &sys) && ok;
    if (ok && in->n_eqs) ok = ode_integrate(&sys, step);
    if (ok && in->n_eqs) in->stability = advice_stability(&sys, in->init);
    /* the compiler's own copy of the equations is no function of the kernel */
    for (size_t k = 0; k < vec_len(in->mod->fn); k++)
        if (in->mod->fn[k] == deriv) {
            vec_free(deriv->ins);
            for (size_t q = k + 1; q < vec_len(in->mod->fn); q++) in->mod->fn[q - 1] = in->mod->fn[q];
            (void)vec_pop(in->mod->fn);
            break;
        }
    in->n_exact = (int)vec_len(sys.job);
    in->exact = arena_many(S->arena, PlanExact, vec_len(sys.job) + 1);
    for (int k = 0; k < in->n_exact; k++) {
        in->exact[k] = sys.job[k].plan;
        in->exact[k].fn = ir_fn_index(in->mod, sys.job[k].fn);
    }
    vec_free(sys.job);
    if (!ok) return false;
    if (in->refr_field >= 0) {
        int r = ir_imm(step, OP_LOAD, in->refr_field, (Span){0, 0});
        int zero = ir_const(step, 0), some = ir_op2(step, OP_GT, r, zero);
        int left = ir_op3(step, OP_SELECT, some, ir_op2(step, OP_SUB, r, ir_const(step, 1)), zero);
        if (in->until) {
            Ctx c = inst_ctx(in, step, "step");
            c.t_which = 1;
            Ex over = elab_bool(&c, in->until);
            if (over.kind == EX_POISON) return false;
            int waiting = ir_op2(step, OP_EQ, r, ir_const(step, INFINITY));
            left = ir_op3(step, OP_SELECT, ir_op2(step, OP_AND, waiting, ex_value(&c, over)), zero, left);
        }
        ir_store(step, in->refr_field, left, (Span){0, 0});
    }
    moments_every(in, step);
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].kind == DECL_INPUT) ir_store(step, in->slot[k].field, ir_const(step, 0), (Span){0, 0});
    return true;
}

Ex inst_condition(Ctx *c, Node *cond, const char *name)
{
    Inst *in = c->inst;
    IrFn *fn = c->fn;
    if (cond->kind != N_crosses) return elab_bool(c, cond);
    Ex a = elab_num(c, cond->kid[0]), b = elab_num(c, cond->kid[1]);
    if (a.kind == EX_POISON || b.kind == EX_POISON || !elab_fits(c, cond->kid[1], b, a.dim, "the level crossed")) return ex_poison();
    int above = ir_op2(fn, OP_GT, ex_value(c, a), ex_value(c, b));
    int field = inst_hidden(in, name ? arena_printf(in->S->arena, "above.%s", name) : "above", "", "was above the level at the last test");
    int was = ir_op2(fn, OP_NE, ir_imm(fn, OP_LOAD, field, cond->span), ir_const(fn, 0));
    ir_store(fn, field, ir_op1(fn, OP_NUM, above), cond->span);
    if (!name) in->above_field = field;
    return (Ex){.kind = EX_BOOL, .value = ir_op2(fn, OP_AND, above, ir_op1(fn, OP_NOT, was))};
}

static bool emit_test(Inst *in)
{
    bool events = moments_any_event(in);
    if (!in->spike && !events) return true;
    IrFn *fn = ir_fn(in->mod, "test", FN_TEST, LANE_NEURON);
    Ctx c = inst_ctx(in, fn, "test");
    c.t_which = 1;
    Node *cond = in->spike ? in->spike->kid[0] : NULL;
    Ex e = cond ? inst_condition(&c, cond, NULL) : ex_truth(false);
    if (e.kind == EX_POISON) return false;
    int v = ex_value(&c, e);
    if (in->refr_field >= 0) {
        int r = ir_op2(fn, OP_GT, ir_imm(fn, OP_LOAD, in->refr_field, (Span){0, 0}), ir_const(fn, 0));
        v = ir_op2(fn, OP_AND, v, ir_op1(fn, OP_NOT, r));
    }
    ir_out(fn, 0, v, cond ? cond->span : (Span){0, 0});
    return !events || moments_run(in, fn, v);
}

static void emit_reset(Inst *in)
{
    if (moments_any_event(in)) return; /* its block ran with those of the events */
    if (!in->spike || (in->spike->n_kids < 2 || !in->spike->kid[1])) {
        if (in->last_spike_field < 0) return;
    }
    IrFn *fn = ir_fn(in->mod, "reset", FN_RESET, LANE_NEURON);
    Ctx c = inst_ctx(in, fn, "reset");
    c.t_which = 1;
    block_begin(&c, 0);
    if (in->spike->n_kids > 1) block_stmts(&c, in->spike->kid[1]);
    if (in->last_spike_field >= 0) block_assign(&c, in->last_spike_field, ir_imm(fn, OP_T, 1, (Span){0, 0}));
    block_flush(&c);
}

static void emit_arrive(Inst *in, Sym const *used, int n_used)
{
    IrFn *fn = NULL;
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        bool aimed = false;
        for (int q = 0; q < n_used; q++) aimed = aimed || used[q] == s->name;
        if (s->kind == DECL_INPUT && aimed) { /* synapses that act in every step add to it at once */
            s->acc = s->field;
            in->mod->field[s->field].fed = true;
        }
        if (s->kind != DECL_STATE || !aimed) continue;
        if (!fn) fn = ir_fn(in->mod, "arrive", FN_ARRIVE, LANE_NEURON);
        s->acc = ir_field(in->mod, (IrField){.name = arena_printf(in->S->arena, "%s.in", s->name), .unit = inst_unit(in, s), .kind = FIELD_ACC,
                                             .lo = -INFINITY, .hi = INFINITY, .doc = "sum of the events that arrive"});
        int old = ir_imm(fn, OP_LOAD, s->field, (Span){0, 0}), sum = ir_imm(fn, OP_LOAD, s->acc, (Span){0, 0});
        int now = ir_op2(fn, OP_ADD, old, sum);
        if (s->frozen) {
            int refr = ir_op2(fn, OP_GT, ir_imm(fn, OP_LOAD, in->refr_field, (Span){0, 0}), ir_const(fn, 0));
            now = ir_op3(fn, OP_SELECT, refr, old, now);
        }
        ir_store(fn, s->field, now, (Span){0, 0});
        ir_store(fn, s->acc, ir_const(fn, 0), (Span){0, 0});
    }
}

static void emit_check(Inst *in)
{
    IrFn *fn = ir_fn(in->mod, "check", FN_CHECK, LANE_NEURON);
    int all = ir_truth(fn, true);
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].kind == DECL_STATE)
            all = ir_op2(fn, OP_AND, all, ir_op1(fn, OP_FINITE, ir_imm(fn, OP_LOAD, in->slot[k].field, (Span){0, 0})));
    ir_out(fn, 0, all, (Span){0, 0});
}

/* Parameters and initial values that are drawn or depend on `i` are tested when they are known. */
void inst_ranges(Inst *in, LaneKind lanes)
{
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (!s->has_range || s->field < 0 || s->ex.kind != EX_NUM || s->ex.is_const) continue;
        IrFn *fn = ir_fn(in->mod, arena_printf(in->S->arena, "range.%s", s->name), FN_RANGE, lanes);
        int v = ir_imm(fn, OP_LOAD, s->field, (Span){0, 0});
        int low = ir_op2(fn, s->open_lo ? OP_GT : OP_GE, v, ir_const(fn, s->lo));
        int high = ir_op2(fn, s->open_hi ? OP_LT : OP_LE, v, ir_const(fn, s->hi));
        ir_out(fn, 0, ir_op2(fn, OP_AND, low, high), ast_name_span(s->decl));
    }
}

bool inst_emit(Inst *in, Sym const *used, int n_used)
{
    size_t before = diag_errors(in->S->diags);
    inst_check_states(in);
    in->init = ir_fn(in->mod, "init", FN_INIT, LANE_NEURON);
    in->init_ctx = inst_ctx(in, in->init, "init");
    in->init_ctx.in_init = true;
    in->init_ctx.has_t = false;
    in->init_ctx.has_draws = true;
    inst_init(in);
    /* the reset block comes before the step so that `refractory until` is known there */
    bool ok = emit_test(in);
    emit_reset(in);
    ok = emit_step(in) && ok;
    if (diag_errors(in->S->diags) > before) ok = false;
    if (!ok) return false;
    emit_arrive(in, used, n_used);
    emit_check(in);
    inst_ranges(in, LANE_NEURON);
    for (size_t k = 0; k < vec_len(in->slot); k++) { /* unused named expressions are checked as well */
        Slot *s = &in->slot[k];
        if (s->kind != SLOT_DEFINE) continue;
        IrFn *fn = ir_fn(in->mod, arena_printf(in->S->arena, "obs.%s", s->name), FN_OBS, LANE_NEURON);
        Ctx c = inst_ctx(in, fn, "obs");
        Ex e = inst_name(&c, s, s->decl);
        if (e.kind == EX_NUM || e.kind == EX_BOOL) ir_out(fn, 0, ex_value(&c, e), ast_name_span(s->decl));
        else ok = false;
    }
    return ok && diag_errors(in->S->diags) == before;
}
