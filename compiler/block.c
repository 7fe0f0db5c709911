/* Statement blocks: what a spike, an event or a clock does to the states of a neuron. */
#include "sema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void block_assign(Ctx *c, int field, int value)
{
    c->cur[field] = value;
    c->dirty[field] = true;
}

static void stmt_assign(Ctx *c, Node *n)
{
    Inst *in = c->inst;
    Sema *S = in->S;
    Node *to = n->kid[0];
    if (in->joint && synapse_assign(c, n)) return;
    if (to->kind != N_name) {
        if (to->kind != N_poison) diag_add(S->diags, D_unknown_name, to->span, "only the neuron's own states can be set here");
        return;
    }
    Slot *s = inst_slot(in, to->name);
    if (!s || s->kind != DECL_STATE) {
        (void)elab(c, n->kid[1]);
        if (follow_up(S, s ? (void *)in->def.body->kid : (void *)in->def.body, to->name)) return;
        Diag *d = diag_add(S->diags, s ? D_not_a_state : D_unknown_name, to->span, s ? "`%s` cannot be set: it is no state" : "there is no state `%s`", to->name);
        if (s) diag_note_at(d, ast_name_span(s->decl), "it is declared as %s", inst_kind_word(s->kind));
        inst_hint_state(in, d, to->name, s);
        return;
    }
    if (s->is_bool) {
        Ex truth = elab_bool(c, n->kid[1]);
        if (n->op != '=') diag_add(S->diags, D_not_a_number, n->span, "`%s` is true or false: only `=` sets it", s->name);
        else if (truth.kind == EX_BOOL) block_assign(c, s->field, ir_op1(c->fn, OP_NUM, ex_value(c, truth)));
        return;
    }
    Ex e = elab_num(c, n->kid[1]);
    if (e.kind == EX_POISON || s->lost) return;
    bool scale = n->op == '*' || n->op == '/';
    if (!elab_fits(c, n->kid[1], e, scale ? DIM_NONE : s->dim, scale ? "a factor" : arena_printf(S->arena, "`%s`", s->name))) return;
    if (n->op != '=') {
        Ex old = s->last >= 0 ? synapse_read(c, s, to) : ex_ir(inst_load(c, s->field, to->span), s->dim);
        Op op = n->op == '+' ? OP_ADD : n->op == '-' ? OP_SUB : n->op == '*' ? OP_MUL : OP_DIV;
        e = elab_op(c, n->span, op, 2, (Ex[]){old, e}, s->dim);
    }
    if (s->is_int && (e.kind != EX_NUM || !inst_whole(S, s, n->kid[1], &e, c->fn))) return;
    block_assign(c, s->field, ex_value(c, e));
    if (s->last >= 0) block_assign(c, s->last, ir_imm(c->fn, OP_T, c->t_which, (Span){0, 0}));
}

static void stmt_refractory(Ctx *c, Node *n)
{
    Inst *in = c->inst;
    Sema *S = in->S;
    if (n->kind == N_refr_until) {
        in->until = n->kid[0];
        block_assign(c, in->refr_field, ir_const(c->fn, INFINITY));
        return;
    }
    Ex e = elab_dim(c, n->kid[0], DIM_TIME, "a refractory time");
    if (e.kind == EX_POISON) return;
    if (e.is_const) {
        int64_t steps;
        bool exact;
        if (e.num == INFINITY) { /* for good */
            block_assign(c, in->refr_field, ir_const(c->fn, INFINITY));
            return;
        }
        if (!(e.num >= 0) || !decimal_steps(e.num, S->dt, &steps, &exact)) {
            diag_add(S->diags, D_out_of_range, n->kid[0]->span, "a refractory time is a time from 0 on");
            return;
        }
        block_assign(c, in->refr_field, ir_const(c->fn, (double)steps));
        return;
    }
    int q = ir_op2(c->fn, OP_DIV, ex_value(c, e), ir_const(c->fn, S->dt));
    block_assign(c, in->refr_field, ir_op1(c->fn, OP_FLOOR, ir_op2(c->fn, OP_ADD, q, ir_const(c->fn, 0.5))));
}

static void stmt_if(Ctx *c, Node *n);

/* Both branches run on copies, then every touched variable is selected. */
void block_if(Ctx *c, Ex cond, Node *yes_block, Node *no_block)
{
    Ctx yes = *c, no = *c;
    size_t bytes = (size_t)c->n_cur * sizeof(int);
    yes.cur = arena_dup(c->S->arena, c->cur, bytes);
    no.cur = arena_dup(c->S->arena, c->cur, bytes);
    block_stmts(&yes, yes_block);
    no.n_draws = yes.n_draws;
    if (no_block && no_block->kind == N_if_block) stmt_if(&no, no_block);
    else block_stmts(&no, no_block);
    c->n_draws = no.n_draws;
    if (cond.kind == EX_POISON) return;
    Span at = yes_block ? yes_block->span : (Span){0, 0};
    for (int f = 0; f < c->n_cur; f++) {
        if (yes.cur[f] == no.cur[f]) {
            c->cur[f] = yes.cur[f];
            continue;
        }
        int a = yes.cur[f] >= 0 ? yes.cur[f] : inst_load(c, f, at), b = no.cur[f] >= 0 ? no.cur[f] : inst_load(c, f, at);
        c->cur[f] = a == b ? a : ir_op3(c->fn, OP_SELECT, ex_value(c, cond), a, b);
    }
}

static void stmt_if(Ctx *c, Node *n)
{
    Ex cond = elab_bool(c, n->kid[0]);
    block_if(c, cond, n->kid[1], n->n_kids > 2 ? n->kid[2] : NULL);
}

void block_stmts(Ctx *c, Node *block)
{
    if (!block) return;
    Scope inner = {.up = c->scope}, *outer = c->scope;
    c->scope = &inner;
    for (int k = 0; k < block->n_kids; k++) {
        Node *s = block->kid[k];
        if (!s) continue;
        switch (s->kind) {
        case N_let: {
            Ex e = elab(c, s->kid[0]);
            if (s->n_kids > 1 && s->kid[1] && e.kind == EX_NUM) (void)elab_fits(c, s->kid[0], e, s->kid[1]->unit.dim, "this value");
            Bind *b = arena_one(c->S->arena, Bind);
            *b = (Bind){.name = s->name, .kind = B_LOCAL, .node = s, .ex = e, .next = inner.first};
            inner.first = b;
            break;
        }
        case N_assign: stmt_assign(c, s); break;
        case N_refr_for:
        case N_refr_until:
            if (!c->inst->joint) stmt_refractory(c, s);
            else diag_add(c->S->diags, D_refractory_missing, s->span, "a synapse cannot be refractory");
            break;
        case N_if_block: stmt_if(c, s); break;
        default: break;
        }
    }
    c->scope = outer;
}

void block_begin(Ctx *c, int n_more)
{
    c->n_cur = (int)vec_len(c->inst->mod->field) + n_more;
    c->cur = arena_many(c->S->arena, int, (size_t)c->n_cur + 1);
    c->dirty = arena_many(c->S->arena, bool, (size_t)c->n_cur + 1);
    for (int k = 0; k < c->n_cur; k++) c->cur[k] = -1;
}

void block_flush(Ctx *c)
{
    for (int k = 0; k < c->n_cur; k++)
        if (c->dirty[k] && c->cur[k] >= 0) ir_store(c->fn, k, c->cur[k], (Span){0, 0}); /* below zero: behind a mistake in a condition */
}
