/* What a neuron does at moments of its own: `event NAME when …` beside its spike, and `every P { … }`. */
#include "sema.h"

#include <string.h>

static bool is_event(const Node *p) { return p && p->kind == N_event; }

bool moments_any_event(const Inst *in)
{
    for (int k = 0; k < in->def.body->n_kids; k++)
        if (is_event(in->def.body->kid[k])) return true;
    return false;
}

void moments_check(Inst *in, Node *p)
{
    Sema *S = in->S;
    Span at = ast_name_span(p);
    if (!p->kid[0]) {
        Diag *d = diag_add(S->diags, D_syntax, at, "an event of a neuron needs its condition");
        diag_hint(d, "write `event %s when … { … }`", p->name);
    }
    Slot *s = inst_slot(in, p->name);
    Node *other = s ? s->decl : NULL;
    for (int k = 0; k < in->def.body->n_kids && in->def.body->kid[k] != p && !other; k++)
        if (is_event(in->def.body->kid[k]) && in->def.body->kid[k]->name == p->name) other = in->def.body->kid[k];
    if (!other) return;
    Diag *d = diag_add(S->diags, D_duplicate_name, at, "`%s` is declared twice", p->name);
    diag_note_at(d, ast_name_span(other), "the first time here");
}

static bool binds(const Node *n, Sym event)
{
    if (!n) return false;
    if ((n->kind == N_entry || n->kind == N_on) && n->kid[0]->kind == N_field && n->kid[0]->name == event) return true;
    for (int k = 0; k < n->n_kids; k++)
        if (binds(n->kid[k], event)) return true;
    return false;
}

/* Where synapses may be told of an event, whether it came is kept until the next step. */
static void keep(Inst *in, IrFn *test, Sym event, int cond)
{
    bool any = false;
    for (size_t k = 0; !any && k < vec_len(in->S->items); k++)
        any = (in->S->items[k]->kind == N_connect || in->S->items[k]->kind == N_synapse || in->S->items[k]->kind == N_synapse_of) &&
              binds(in->S->items[k], event);
    if (!any) return;
    int field = inst_hidden(in, arena_printf(in->S->arena, "event.%s", event), "", "did the event come?");
    ir_store(in->init, field, ir_const(in->init, 0), (Span){0, 0});
    ir_store(test, field, ir_op1(test, OP_NUM, cond), (Span){0, 0});
}

int moments_event(const Inst *in, Sym event)
{
    return ir_field_find(in->mod, arena_printf(in->S->arena, "event.%s", event));
}

/* All conditions are tested on one state; then the blocks run, in the order in which they stand. `spikes` is the
 * truth value of the spike. */
bool moments_run(Inst *in, IrFn *test, int spikes)
{
    Node *body = in->def.body;
    int *cond = arena_many(in->S->arena, int, (size_t)body->n_kids + 1);
    bool ok = true;
    for (int k = 0; k < body->n_kids; k++) {
        Node *p = body->kid[k];
        if (!is_event(p) || !p->kid[0]) continue;
        Ctx c = inst_ctx(in, test, arena_printf(in->S->arena, "test.%s", p->name));
        c.t_which = 1;
        Ex e = inst_condition(&c, p->kid[0], p->name);
        ok = ok && e.kind != EX_POISON;
        cond[k] = e.kind == EX_POISON ? spikes : ex_value(&c, e);
    }
    for (int k = 0; k < body->n_kids; k++)
        if (is_event(body->kid[k]) && body->kid[k]->kid[0]) keep(in, test, body->kid[k]->name, cond[k]);
    Ctx c = inst_ctx(in, test, "reset");
    c.t_which = 1;
    block_begin(&c, 0);
    for (int k = 0; k < body->n_kids; k++) {
        Node *p = body->kid[k];
        if (p == in->spike && p) {
            block_if(&c, (Ex){.kind = EX_BOOL, .value = spikes}, p->n_kids > 1 ? p->kid[1] : NULL, NULL);
            if (in->last_spike_field < 0) continue;
            int before = ir_imm(test, OP_LOAD, in->last_spike_field, (Span){0, 0}), now = ir_imm(test, OP_T, 1, (Span){0, 0});
            ir_store(test, in->last_spike_field, ir_op3(test, OP_SELECT, spikes, now, before), (Span){0, 0});
        } else if (is_event(p) && p->kid[0])
            block_if(&c, (Ex){.kind = EX_BOOL, .value = cond[k]}, p->kid[1], NULL);
    }
    block_flush(&c);
    return ok;
}

/* Is the clock of an `every` the step itself? */
static bool each_step(const Inst *in, const Node *period)
{
    (void)in;
    return period->kind == N_name && !strcmp(period->name, "step");
}

/* Appended to the step behind the integration: values and time are those of t_{n+1}. */
void moments_every(Inst *in, IrFn *step)
{
    Sema *S = in->S;
    int count = 0;
    for (int k = 0; k < in->def.body->n_kids; k++) {
        Node *p = in->def.body->kid[k];
        if (!p || p->kind != N_every) continue;
        Ctx c = inst_ctx(in, step, arena_printf(S->arena, "every.%d", count++));
        c.t_which = 1;
        block_begin(&c, 0);
        int64_t period, from = 0;
        if (each_step(in, p->kid[0])) {
            if (p->kid[1]) diag_add(S->diags, D_bad_argument, p->kid[1]->span, "`every step` has no `from`");
            block_stmts(&c, p->kid[2]);
        } else {
            Ctx fixed = ctx_const(S, "a period");
            fixed.inst = in;
            if (!network_steps_within(&fixed, p->kid[0], "a period", &period) ||
                (p->kid[1] && !network_steps_within(&fixed, p->kid[1], "`from`", &from)))
                continue;
            if (period < 1 || period == INT64_MAX || from == INT64_MAX) {
                diag_add(S->diags, D_bad_interval, p->kid[0]->span, "a period is at least one time step");
                continue;
            }
            Span at = p->kid[0]->span;
            int no = ir_op2(step, OP_SUB, ir_imm(step, OP_STEP, 0, at), ir_const(step, (double)(from - 1)));
            int due = ir_op2(step, OP_EQ, ir_op2(step, OP_MOD, no, ir_const(step, (double)period)), ir_const(step, 0));
            due = ir_op2(step, OP_AND, due, ir_op2(step, OP_GE, no, ir_const(step, 0)));
            block_if(&c, (Ex){.kind = EX_BOOL, .value = due}, p->kid[2], NULL);
        }
        block_flush(&c);
    }
}

/* A population may bind an input: it is evaluated from values of t_n in every step, like a drive. */
void moments_bind_inputs(Sema *S, PopInfo *pop)
{
    Inst *in = pop->inst;
    for (size_t k = 0; in && in->init && k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->kind != DECL_INPUT || !s->given || s->lost || s->given->kind == N_poison) continue;
        const char *name = arena_printf(S->arena, "%s.%s", pop->name, s->name);
        IrFn *fn = ir_fn(in->mod, arena_printf(S->arena, "bound %s", s->name), FN_DRIVE, LANE_NEURON);
        Ctx c = inst_ctx(in, fn, arena_printf(S->arena, "bound.%s", s->name));
        Links links = {.reader = pop, .guard = -1};
        if (s->given_outer) c.self = s->name;
        c.links = &links;
        Ex e = elab(&c, s->given);
        if (e.kind == EX_LIST && elab_fits(&c, s->given, e, s->dim, "this input")) e = tables_by_neuron(&c, s->given, e, pop->n, s->dim);
        if (e.kind == EX_POISON || !elab_fits(&c, s->given, e, s->dim, arena_printf(S->arena, "`%s`", s->name))) {
            vec_free(links.list);
            continue;
        }
        int sum = ir_op2(fn, OP_ADD, ir_imm(fn, OP_LOAD, s->field, s->given->span), ex_value(&c, e));
        ir_store(fn, s->field, sum, s->given->span);
        PlanStim p = {.name = network_unique(S, name), .place = name, .kind = STIM_DRIVE, .tgt = pop->plan,
                      .sel = {.lo = 0, .hi = pop->n, .n = pop->n}, .rate_kernel = -1, .rate_fn = -1, .weight_net = -1, .gain_net = -1,
                      .drive_fn = ir_fn_index(in->mod, fn), .stop = INT64_MAX};
        links_plan(&c, &p);
        vec_push(S->stim, p);
    }
}
