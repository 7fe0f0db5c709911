/* Values of other populations: `E[0].x`, `E[mod(i, 4)].x`, `E.x` in an input that is bound or driven. They are
 * those of t_n behind the events of t_n. A variable is a column of another population that the function
 * reads at a neuron; a named expression is worked out from such columns on the spot. */
#include "sema.h"

#include <math.h>
#include <string.h>

/* ---- where they may stand ---- */

static Ex no_place(Ctx *c, Node *n)
{
    if (ex_is_poison(network_pops(c->S, n))) return ex_poison();
    Diag *d = diag_add(c->S->diags, D_other_population, n->span, "`%s` cannot be read here", ex_source(c->S, n));
    diag_note(d, "values of other populations are read where an input is given, in every step, from values of its beginning");
    if (c->fn && c->fn->role == FN_DERIV) diag_hint(d, "declare an `input`, use it here, and give it in the population's block: `{ NAME = %s }`", ex_source(c->S, n));
    return ex_poison();
}

int links_branch(Ctx *c, Ex cond, bool taken)
{
    if (!c->links) return -1;
    int outer = c->links->guard;
    if (cond.kind != EX_BOOL || !c->fn) return outer;
    int holds = ex_value(c, cond);
    if (!taken) holds = ir_op1(c->fn, OP_NOT, holds);
    c->links->guard = outer < 0 ? holds : ir_op2(c->fn, OP_AND, outer, holds);
    return outer;
}

void links_branch_end(Ctx *c, int outer)
{
    if (c->links) c->links->guard = outer;
}

/* ---- which neuron ---- */

static uint32_t chosen(const PlanSelect *s, uint32_t k) { return s->index ? s->index[k] : s->lo + k; }

/* Number of the neuron that is element `k`, a value inside the selection. */
static int neuron_of(Ctx *c, const PlanSelect *s, int k, Span at)
{
    if (!s->index) return s->lo ? ir_op(c->fn, OP_ADD, at, 2, (int[]){k, ir_const(c->fn, s->lo)}) : k;
    double *v = arena_many(c->S->arena, double, s->n);
    for (uint32_t q = 0; q < s->n; q++) v[q] = s->index[q];
    return ir_lookup(c->fn, OP_LOOKUP, ir_table(c->mod, v, (int)s->n), k, at);
}

/* `E.x`: of one neuron for all, or element i for neuron i. -1 after a diagnostic. */
static int same_neuron(Ctx *c, Node *n, const PopRef *r)
{
    Sema *S = c->S;
    uint32_t here = c->links->reader->n;
    const char *name = S->pop[r->pop].name;
    if (r->sel.n == 1) return ir_const(c->fn, chosen(&r->sel, 0));
    if (r->sel.n == here) return neuron_of(c, &r->sel, ir_imm(c->fn, OP_I, 0, n->span), n->span);
    Diag *d = diag_add(S->diags, D_shape_mismatch, n->span, "%u values for %u neurons", r->sel.n, here);
    diag_note(d, "each neuron of `%s` reads the neuron with its own number, or all read a single one", c->links->reader->name);
    if (r->sel.n == S->pop[r->pop].n && n->kind == N_field) diag_hint(d, "say which one is read, such as `%s[0].%s` or `%s[mod(i, %u)].%s`", name, n->name, name, r->sel.n, n->name);
    return -1;
}

/* `E[k].x`. A constant is tested now; what is computed is tested in every step, and cut to the ends in case. */
static int numbered_neuron(Ctx *c, Node *index, const PopRef *r)
{
    Sema *S = c->S;
    const PopInfo *p = &S->pop[r->pop];
    IrFn *f = c->fn;
    double v;
    Ex e = elab_dim(c, index, DIM_NONE, "a neuron's number");
    if (ex_is_poison(e)) return -1;
    int k = ex_value(c, e);
    if (ir_is_const(f, k, &v)) {
        if (v == floor(v) && v >= 0 && v < r->sel.n) return ir_const(f, chosen(&r->sel, (uint32_t)v));
        Diag *d = diag_add(S->diags, D_out_of_range, index->span, "`%s` has no neuron %g", p->name, v);
        diag_note(d, "it has %u neurons%s, counted from 0 to %u", r->sel.n, r->sel.n < p->n ? " here" : "", r->sel.n - 1);
        return -1;
    }
    if (f->ins[k].op == OP_I) {
        if (r->sel.n >= c->links->reader->n) return neuron_of(c, &r->sel, k, index->span);
        Diag *d = diag_add(S->diags, D_out_of_range, index->span, "`%s` has %u neurons, `%s` has %u", p->name, r->sel.n, c->links->reader->name, c->links->reader->n);
        diag_note(d, "`i` goes from 0 to %u", c->links->reader->n - 1);
        diag_hint(d, "write `mod(i, %u)`, if the neurons are to be read in turn", r->sel.n);
        return -1;
    }
    int zero = ir_const(f, 0), seen = c->links->guard < 0 ? k : ir_op3(f, OP_SELECT, c->links->guard, k, zero);
    ir_out(f, f->n_out, seen, index->span);
    Place at = source_place(S->ast->sources, index->span.lo);
    vec_push(c->links->list, ((PlanLink){p->name, at.file ? arena_printf(S->arena, "%s:%u:%u", at.file->path, at.line, at.col) : "", r->sel.n}));
    k = ir_op2(f, OP_MIN, ir_op2(f, OP_MAX, ir_op1(f, OP_TRUNC, k), zero), ir_const(f, r->sel.n - 1.0));
    return neuron_of(c, &r->sel, k, index->span);
}

/* ---- what is read of it ---- */

typedef struct Reading {
    Ctx *c;
    PopInfo *pop;
    int neuron; /* a value of c->fn */
    Node *at;
    const Slot *of; /* the named expression that is worked out, or NULL */
    const char *end; /* "source" or "target" of a synapse; NULL: another population */
} Reading;

static bool is_source(const Reading *r) { return r->end[0] == 's'; }

static int column(const Reading *r, const IrField *of)
{
    Ctx *c = r->c;
    const char *name = arena_printf(c->S->arena, "%s.%s", r->end ? r->end : r->pop->name, of->name);
    FieldKind kind = !r->end ? FIELD_LINK : is_source(r) ? FIELD_SOURCE : FIELD_TARGET;
    int field = ir_field_find(c->mod, name);
    if (field < 0)
        field = ir_field(c->mod, (IrField){.name = name, .unit = of->unit, .kind = kind, .uniform = of->uniform, .lo = -INFINITY, .hi = INFINITY,
                                         .span = r->at->span});
    if (of->uniform) return ir_imm(c->fn, OP_LOAD, field, r->at->span);
    if (r->end) return ir_imm(c->fn, is_source(r) ? OP_SRC_LOAD : OP_TGT_LOAD, field, r->at->span);
    return ir_lookup(c->fn, OP_LINK, field, r->neuron, r->at->span);
}

static int refuse(const Reading *r, const char *why, const char *note)
{
    Diag *d = diag_add(r->c->S->diags, D_other_population, r->at->span, "%s", why);
    diag_note(d, "%s", note);
    return -1;
}

/* An instruction of a named expression, worked out for the neuron that is read; -1 after a diagnostic. */
static int copy_ins(const Reading *r, const IrModule *m, const Ins *s, const int *map)
{
    Ctx *c = r->c;
    Sema *S = c->S;
    if (ir_op_table[s->op].c[0] || s->op == OP_CONST || s->op == OP_TRUTH || s->op == OP_T || s->op == OP_STEP) return ir_copy(c->fn, s, map);
    if (s->op == OP_I) return !r->end ? r->neuron : ir_imm(c->fn, is_source(r) ? OP_I : OP_J, 0, r->at->span);
    if (s->op == OP_LOAD && m->field[s->imm.k].kind != FIELD_INPUT) return column(r, &m->field[s->imm.k]);
    if (s->op == OP_LOOKUP || s->op == OP_SEARCH)
        return ir_lookup(c->fn, (Op)s->op, ir_table(c->mod, m->table[s->imm.k].v, m->table[s->imm.k].n), map[s->arg[0]], s->span);
    if (s->op == OP_LOAD)
        return refuse(r, arena_printf(S->arena, "`%s` of `%s` contains the input `%s`", r->of->name, r->pop->name, m->field[s->imm.k].name),
                      "inputs are summed while others read, so they have no value at that time");
    return refuse(r, arena_printf(S->arena, "`%s` of `%s` draws random numbers", r->of->name, r->pop->name),
                  "what is drawn has a value for its own neurons only");
}

static Ex named_expression(Reading *r, Slot *s)
{
    Ctx *c = r->c;
    const IrModule *m = r->pop->inst->mod;
    const IrFn *obs = ir_fn_find(m, arena_printf(c->S->arena, "obs.%s", s->name));
    if (!obs) return ex_poison(); /* it is in error */
    r->of = s;
    size_t n = vec_len(obs->ins);
    int *map = arena_many(c->S->arena, int, n + 1);
    for (size_t k = 0; k < n; k++) {
        const Ins *ins = &obs->ins[k];
        if (ins->op == OP_OUT) return ex_ir(map[ins->arg[0]], s->dim);
        if (ins->op == OP_OUTB) return (Ex){.kind = EX_BOOL, .value = map[ins->arg[0]]};
        map[k] = copy_ins(r, m, ins, map);
        if (map[k] < 0) return ex_poison();
    }
    return ex_poison();
}

/* The value of a variable that does vary. */
static Ex value(Reading *r, Slot *s)
{
    Inst *in = r->pop->inst;
    if (s->kind == SLOT_DEFINE) return named_expression(r, s);
    if (s->kind == DECL_INPUT) {
        (void)refuse(r, arena_printf(r->c->S->arena, "`%s` of `%s` is an input", s->name, r->pop->name),
                     "inputs are summed while others read, so they have no value at that time");
        return ex_poison();
    }
    if (s->field < 0 && s->ex.kind == EX_NUM && inst_follows(in, s)) {
        (void)refuse(r, arena_printf(r->c->S->arena, "`%s` of `%s` is worked out from a parameter that a block sets", s->name, r->pop->name),
                     "it has no column that others could read; read that parameter");
        return ex_poison();
    }
    if (s->field < 0) return ex_poison(); /* it is in error */
    int v = column(r, &in->mod->field[s->field]);
    if (s->is_bool) return (Ex){.kind = EX_BOOL, .value = ir_op2(r->c->fn, OP_NE, v, ir_const(r->c->fn, 0))};
    return ex_ir(v, s->dim);
}

Ex links_end(Ctx *c, PopInfo *p, Slot *s, bool source, Node *at)
{
    return value(&(Reading){.c = c, .pop = p, .at = at, .end = source ? "source" : "target"}, s);
}

static Ex variable(Reading *r, Sym name)
{
    Sema *S = r->c->S;
    Inst *in = r->pop->inst;
    if (!in) {
        if (r->pop->is_source) diag_add(S->diags, D_unknown_name, r->at->span, "`%s` is a source and has no variables", r->pop->name);
        return ex_poison();
    }
    Slot *s = inst_slot(in, name);
    if (s && s->lost) return ex_poison();
    if (!s) {
        if (follow_hole(in->def.body) || follow_up(S, in->def.body, name)) return ex_poison();
        Diag *d = diag_add(S->diags, D_unknown_name, r->at->span, "`%s` has no variable `%s`", r->pop->name, name);
        const char **cand = NULL;
        for (size_t k = 0; k < vec_len(in->slot); k++) vec_push(cand, in->slot[k].name);
        const char *near = diag_nearest(name, cand, vec_len(cand));
        if (near) diag_hint(d, "did you mean `%s`?", near);
        vec_free(cand);
        return ex_poison();
    }
    return inst_fixed(r->pop->inst, s) ? ex_num(s->ex.num, s->dim) : value(r, s);
}

/* Is the index of a path a number of neurons or populations, one of them? */
static bool is_number(const Node *k)
{
    return k->kind != N_slice && k->kind != N_compare && k->kind != N_not && k->kind != N_bool &&
           !(k->kind == N_binary && (k->op == OP2_AND || k->op == OP2_OR));
}

Ex links_value(Ctx *c, Node *n)
{
    Sema *S = c->S;
    Node *of = n->kind == N_field ? n->kid[0] : n, *index = NULL;
    Ex e = ex_poison();
    Sym name = n->name;
    if (of != n && of->kind == N_index && of->n_kids == 2 && is_number(of->kid[1])) {
        e = network_pops(S, of->kid[0]);
        if (ex_is_poison(e)) return e;
        if (!e.is_list) index = of->kid[1];
    }
    if (!index) {
        e = network_pops(S, n);
        if (ex_is_poison(e) || !e.n || !e.pops[0].port) return e;
        name = e.pops[0].port;
    }
    if (!c->links || !c->fn) return no_place(c, n);
    if (e.n != 1) {
        diag_add(S->diags, D_other_population, n->span, "one population is read at a time, these are %d", e.n);
        return ex_poison();
    }
    Reading r = {.c = c, .pop = &S->pop[e.pops[0].pop], .at = n};
    r.neuron = index ? numbered_neuron(c, index, &e.pops[0]) : same_neuron(c, n, &e.pops[0]);
    return r.neuron < 0 ? ex_poison() : variable(&r, name);
}

void links_plan(Ctx *c, PlanStim *p)
{
    Links *l = c->links;
    for (size_t i = 0; i < vec_len(c->fn->ins); i++) {
        const Ins *s = &c->fn->ins[i];
        p->after_arrivals |= s->op == OP_LINK || (s->op == OP_LOAD && c->mod->field[s->imm.k].kind == FIELD_STATE);
    }
    if (!l) return;
    p->n_links = (int)vec_len(l->list);
    p->link = p->n_links ? arena_dup(c->S->arena, l->list, sizeof *l->list * vec_len(l->list)) : NULL;
    vec_free(l->list);
    l->list = NULL;
}
