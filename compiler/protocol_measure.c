/* What the protocol reads: numbers of the network, measures of populations and projections, and single
 * variables of them. A measure becomes an act of its own in front of the statement that uses it. */
#include "protocol.h"

#include <math.h>
#include <string.h>

/* ---- numbers of the network ---- */

int protocol_cell(Sema *S, const char *name, const char *unit, Dim dim, double value)
{
    Protocol *P = S->protocol;
    if (!name) name = arena_printf(S->arena, "~%zu", vec_len(P->net));
    vec_push(P->net, ((PlanNet){.name = name, .unit = unit, .value = value}));
    vec_push(P->info, ((NetInfo){.dim = dim}));
    return (int)vec_len(P->net) - 1;
}

static int field_of(IrModule *m, const char *name, const char *unit, FieldKind kind, bool uniform)
{
    int f = ir_field_find(m, name);
    return f >= 0 ? f : ir_field(m, (IrField){.name = name, .unit = unit, .kind = kind, .uniform = uniform, .lo = -INFINITY, .hi = INFINITY});
}

Ex protocol_net(Ctx *c, int net, Span at)
{
    Sema *S = c->S;
    const PlanNet *n = &S->protocol->net[net];
    const NetInfo *info = &S->protocol->info[net];
    FnRole role = c->fn ? c->fn->role : FN_DERIV;
    if (!c->fn) {
        elab_not_constant(c, at, n->name);
        return ex_poison();
    }
    if (role == FN_DERIV && !c->has_t) { /* an equation between events, whose coefficients are constant */
        Diag *d = diag_add(S->diags, D_no_closed_form, at, "a block may change `%s` between events", n->name);
        diag_hint(d, "write `each step` behind the equation to have it integrated in every step");
        return ex_poison();
    }
    Ex e;
    if (info->decl && (role == FN_INIT || role == FN_WEIGHT || role == FN_DELAY || role == FN_PROB)) e = ex_num(n->value, info->dim);
    else {
        int f = field_of(c->mod, arena_printf(S->arena, "network.%s", n->name), n->unit, FIELD_NETWORK, true);
        e = ex_ir(ir_imm(c->fn, OP_LOAD, f, at), info->dim);
    }
    return info->is_bool ? elab_op(c, at, OP_NE, 2, (Ex[]){e, ex_num(0, DIM_NONE)}, DIM_NONE) : e;
}

Ex protocol_again(Ctx *c, const Bind *b)
{
    Ex e = elab(c, b->node->kid[0]);
    if (b->node->n_kids > 1 && b->node->kid[1] && e.kind == EX_NUM && !elab_fits(c, b->node->kid[0], e, b->node->kid[1]->unit.dim, "this value")) return ex_poison();
    return e;
}

/* A function of the network, and where its expression stands. */
Ctx protocol_net_ctx(Block *b, const Scope *scope, IrFn **fn)
{
    Sema *S = b->S;
    Protocol *P = S->protocol;
    if (!P->mod) P->mod = network_new_module(S, "network");
    Ctx c = ctx_const(S, "this value");
    c.salt = arena_printf(S->arena, "%s.%d", b->name, b->n_fns++);
    c.fn = *fn = ir_fn(P->mod, c.salt, FN_SET, LANE_NEURON);
    c.mod = P->mod;
    c.scope = (Scope *)scope;
    c.has_t = c.has_draws = true;
    c.block = b;
    return c;
}

int protocol_put(Block *b, const Ctx *c, IrFn *fn, Ex e, Node *at, const char *name, Dim dim)
{
    Ctx k = *c;
    int net = protocol_cell(b->S, NULL, dim_unit(b->S->arena, dim), dim, 0);
    if (e.kind == EX_BOOL) {
        ir_out(fn, 0, ir_op1(fn, OP_NUM, ex_value(&k, e)), at->span);
        b->S->protocol->info[net].is_bool = true;
    } else
        ir_out(fn, 0, ex_value(&k, e), at->span);
    PlanAct a = {.kind = ACT_NET, .to = net, .fn = ir_fn_index(b->S->protocol->mod, fn), .what = name, .place = wire_place(b->S, at->span), .lo = -INFINITY, .hi = INFINITY};
    vec_push(b->act, a);
    return net;
}

/* ---- functions over synapses ---- */

IrModule *protocol_synapses(Sema *S, size_t joined)
{
    ProjInfo *p = &S->joined[joined];
    if (p->inst) return p->inst->mod;
    if (!p->mod) {
        p->mod = network_new_module(S, p->name);
        const char *unit = p->port->unit.text ? p->port->unit.text : dim_unit(S->arena, p->port->dim);
        (void)ir_field(p->mod, (IrField){.name = "weight", .unit = unit, .kind = FIELD_PARAM, .uniform = !S->proj[joined].weight.varies,
                                         .lo = -INFINITY, .hi = INFINITY});
    }
    return p->mod;
}

Ctx protocol_synapse_ctx(Block *b, size_t joined, IrFn *fn, const char *salt)
{
    Sema *S = b->S;
    ProjInfo *p = &S->joined[joined];
    Ctx c = ctx_const(S, "this value");
    if (p->inst) c = inst_ctx(p->inst, fn, salt);
    c.fn = fn;
    c.mod = protocol_synapses(S, joined);
    c.salt = salt;
    c.has_i = c.has_j = c.has_t = true;
    c.has_draws = false;
    c.source_n = (int)p->from.sel.n;
    c.target_n = (int)p->to.sel.n;
    c.from = &p->from;
    c.to = &p->to;
    c.block = b;
    return c;
}

/* ---- measures ---- */

typedef struct Measure {
    PlanTake take;
    PlanPer per;
    bool spikes, rate, has_last, has_from;
    Node *of, *window;
} Measure;

static const Seen *seen(const Block *b, const Node *n, int proj)
{
    for (size_t k = 0; k < vec_len(b->seen); k++)
        if (b->seen[k].node == n && b->seen[k].proj == proj) return &b->seen[k];
    return NULL;
}

static bool take_of(Sym f, PlanTake *take)
{
    static const char *const names[] = {[TAKE_SUM] = "sum", [TAKE_MEAN] = "mean", [TAKE_MIN] = "min", [TAKE_MAX] = "max", [TAKE_COUNT] = "count"};
    for (int k = TAKE_SUM; k <= TAKE_COUNT; k++)
        if (!strcmp(names[k], f)) {
            *take = (PlanTake)k;
            return true;
        }
    return false;
}

static Bind *projection(Sema *S, const Node *n)
{
    Bind *b = n->kind == N_field && n->kid[0]->kind == N_name && !path_is_pops(S, n->kid[0]) ? scope_find(S->top, n->kid[0]->name) : NULL;
    return b && b->kind == B_PROJ ? b : NULL;
}

/* A bare variable of the synapse whose block this is. */
static bool own_variable(const Ctx *c, const Node *n)
{
    return c->inst && c->inst->joint && n->kind == N_name && inst_slot(c->inst, n->name);
}

static bool options(Ctx *c, Node *n, Measure *m)
{
    Sema *S = c->S;
    for (int k = 2; k < n->n_kids; k++) {
        Node *a = n->kid[k];
        const char *name = a->kind == N_arg ? a->name : "";
        if (a->kind == N_poison) return false;
        if (!strcmp(name, "per") && !m->spikes) {
            Node *v = a->kid[0];
            bool source = v->kind == N_name && v->name == sym("source"), target = v->kind == N_name && v->name == sym("target");
            if (source || target) {
                m->per = source ? PER_SOURCE : PER_TARGET;
                continue;
            }
            diag_add(S->diags, D_bad_argument, v->span, "`per` is `source` or `target`");
            return false;
        }
        if ((!strcmp(name, "last") || !strcmp(name, "from")) && m->spikes && !m->window) {
            m->has_last = !strcmp(name, "last");
            m->window = a->kid[0];
            continue;
        }
        Diag *d = diag_add(S->diags, D_bad_argument, a->span, "`%s` has no such argument here", n->kid[0]->name);
        if (m->spikes) diag_hint(d, "its window is `last = 500 ms` or `from = 1 s`");
        else diag_hint(d, "`per = target` or `per = source` takes synapses together by neuron");
        return false;
    }
    return true;
}

static Ex spikes_measure(Ctx *c, Node *n, const Measure *m)
{
    Sema *S = c->S;
    Ex pops = network_pops(S, m->of);
    if (pops.kind != EX_POPS || !wire_port_free(S, m->of, pops, "what is counted") || !wire_sends_spikes(S, m->of, pops)) return ex_poison();
    PlanTally tally = {.n_pops = pops.n};
    int64_t window = 0;
    if (m->window && !network_steps(S, m->window, m->has_last ? "`last`" : "`from`", &window)) return ex_poison();
    if (m->has_last && (window < 1 || window == INT64_MAX)) {
        diag_add(S->diags, D_bad_interval, m->window->span, "a window takes some time, and ends");
        return ex_poison();
    }
    if (m->has_last) tally.last = window;
    else tally.from = window;
    int *pop = arena_many(S->arena, int, (size_t)pops.n);
    PlanSelect *sel = arena_many(S->arena, PlanSelect, (size_t)pops.n);
    for (int k = 0; k < pops.n; k++) {
        pop[k] = S->pop[pops.pops[k].pop].plan;
        sel[k] = pops.pops[k].sel;
    }
    tally.pop = pop;
    tally.sel = sel;
    vec_push(S->protocol->tally, tally);
    int net = protocol_cell(S, NULL, "", DIM_NONE, 0);
    PlanAct a = {.kind = ACT_COUNT, .to = net, .from = (int)vec_len(S->protocol->tally) - 1, .what = ex_source(S, n), .place = wire_place(S, n->span)};
    vec_push(c->block->act, a);
    c->block->moving = true;
    Seen s = {n, -1, net, DIM_NONE};
    vec_push(c->block->seen, s);
    return protocol_net(c, net, n->span);
}

/* The rate is the count by the neurons and the length of the window, which is shorter at the beginning. */
static Ex rate_of(Ctx *c, Node *n, const Measure *m, Ex count)
{
    Sema *S = c->S;
    Ex pops = network_pops(S, m->of);
    int64_t window = 0;
    double neurons = 0;
    if (count.kind != EX_NUM || pops.kind != EX_POPS) return ex_poison();
    if (m->window) (void)network_steps(S, m->window, "a window", &window);
    for (int k = 0; k < pops.n; k++) neurons += pops.pops[k].sel.n;
    int now = ir_imm(c->fn, OP_T, c->t_which, n->span), width = now;
    if (m->has_last) width = ir_op2(c->fn, OP_MIN, now, ir_const(c->fn, decimal_time(window, S->dt)));
    else if (window) width = ir_op2(c->fn, OP_MAX, ir_op2(c->fn, OP_SUB, now, ir_const(c->fn, decimal_time(window, S->dt))), ir_const(c->fn, 0));
    int some = ir_op2(c->fn, OP_GT, width, ir_const(c->fn, 0));
    int rate = ir_op2(c->fn, OP_DIV, ex_value(c, count), ir_op2(c->fn, OP_MUL, ir_const(c->fn, neurons), width));
    return ex_ir(ir_op3(c->fn, OP_SELECT, some, rate, ir_const(c->fn, 0)), DIM_RATE);
}

/* One part of a measure: a function that gives the variable of each lane. */
static bool pop_part(Ctx *c, const PopRef *r, Node *at, PlanPart *part, Dim *dim)
{
    Sema *S = c->S;
    Block *b = c->block;
    PopInfo *p = &S->pop[r->pop];
    Slot *s = p->inst ? inst_slot(p->inst, r->port) : NULL;
    *part = (PlanPart){.pop = p->plan, .proj = -1, .sel = r->sel, .fn = -1};
    if (s && s->lost) return false;
    if (!s || s->kind == DECL_INPUT) {
        if (!p->inst && !p->is_source) return false;
        Diag *d = diag_add(S->diags, D_unknown_name, r->span.hi ? r->span : at->span, s ? "the input `%s` of `%s` has a value during a step only" : "there is no `%s` in `%s`", r->port, p->name);
        const char **cand = NULL;
        for (size_t k = 0; p->inst && k < vec_len(p->inst->slot); k++) vec_push(cand, p->inst->slot[k].name);
        const char *near = s ? NULL : diag_nearest(r->port, cand, vec_len(cand));
        if (near) diag_hint(d, "did you mean `%s`?", near);
        vec_free(cand);
        return false;
    }
    const char *salt = arena_printf(S->arena, "%s.%d", b->name, b->n_fns++);
    IrFn *fn = ir_fn(p->inst->mod, salt, FN_SET, LANE_NEURON);
    Ctx k = inst_ctx(p->inst, fn, salt);
    k.block = b;
    Ex e = inst_name(&k, s, at);
    if (e.kind == EX_POISON) return false;
    int v = e.kind == EX_BOOL ? ir_op1(fn, OP_NUM, ex_value(&k, e)) : ex_value(&k, e);
    ir_out(fn, 0, v, at->span);
    part->fn = ir_fn_index(p->inst->mod, fn);
    *dim = e.kind == EX_BOOL ? DIM_NONE : e.dim;
    if (s->kind != DECL_PARAM) b->moving = true;
    return true;
}

static bool synapse_part(Ctx *c, size_t joined, Sym name, Node *at, PlanPart *part, Dim *dim)
{
    Sema *S = c->S;
    Block *b = c->block;
    ProjInfo *p = &S->joined[joined];
    Slot *s = p->inst ? inst_slot(p->inst, name) : NULL;
    *part = (PlanPart){.pop = -1, .proj = (int)joined, .fn = -1};
    if (p->inst ? !s : name != sym("weight")) {
        if (follow_up(S, p, name)) return false;
        Diag *d = diag_add(S->diags, D_unknown_name, at->span, p->inst ? "`%s` has no variable `%s`" : "static synapses have a `weight` only", p->inst ? p->inst->def.name : "", name);
        const char **cand = NULL;
        for (size_t k = 0; p->inst && k < vec_len(p->inst->slot); k++) vec_push(cand, p->inst->slot[k].name);
        const char *near = diag_nearest(name, cand, vec_len(cand));
        if (near) diag_hint(d, "did you mean `%s`?", near);
        vec_free(cand);
        return false;
    }
    const char *salt = arena_printf(S->arena, "%s.%d", b->name, b->n_fns++);
    IrModule *m = protocol_synapses(S, joined);
    IrFn *fn = ir_fn(m, salt, FN_SET, LANE_SYNAPSE);
    Ctx k = protocol_synapse_ctx(b, joined, fn, salt);
    Ex e = s ? inst_name(&k, s, at) : ex_ir(ir_imm(fn, OP_LOAD, 0, at->span), p->port->dim);
    if (e.kind == EX_POISON) return false;
    ir_out(fn, 0, ex_value(&k, e), at->span);
    part->fn = ir_fn_index(m, fn);
    *dim = e.dim;
    b->moving = true;
    return true;
}

/* The projection whose synapses the function in `c` runs over, -1 for none. */
static int lanes_of(const Ctx *c)
{
    for (size_t k = 0; c->fn && c->fn->lanes == LANE_SYNAPSE && k < vec_len(c->S->joined); k++) {
        const ProjInfo *p = &c->S->joined[k];
        if ((p->inst ? p->inst->mod : p->mod) == c->mod) return (int)k;
    }
    return -1;
}

/* One value a neuron: read at the synapse's end, or at the neuron itself. */
static Ex column_value(Ctx *c, Node *n, int column, bool source, Dim dim)
{
    Sema *S = c->S;
    int pop = S->protocol->column[column];
    int lanes = lanes_of(c);
    const char *name;
    if (lanes >= 0) {
        const ProjInfo *p = &S->joined[lanes];
        int end = S->pop[source ? p->from.pop : p->to.pop].plan;
        name = arena_printf(S->arena, "%s.@%d", source ? "source" : "target", column);
        if (end == pop) return ex_ir(ir_imm(c->fn, source ? OP_SRC_LOAD : OP_TGT_LOAD, field_of(c->mod, name, "", source ? FIELD_SOURCE : FIELD_TARGET, false), n->span), dim);
    } else if (c->fn->lanes == LANE_NEURON && c->inst && c->inst->pop && c->inst->pop->plan == pop) {
        name = arena_printf(S->arena, "network.@%d", column);
        return ex_ir(ir_imm(c->fn, OP_LOAD, field_of(c->mod, name, "", FIELD_NETWORK, false), n->span), dim);
    }
    Diag *d = diag_add(S->diags, D_bad_argument, n->span, "this is one value for each %s, which has no meaning here", source ? "source" : "target");
    diag_hint(d, "leave out `per = …`, or use it where variables of that population or of its synapses are set");
    return ex_poison();
}

static Ex joined_measure(Ctx *c, Node *n, const Measure *m)
{
    Sema *S = c->S;
    Block *b = c->block;
    PlanPart *part = NULL;
    Dim dim = DIM_NONE;
    bool ok = true;
    int only = -1, column = -1;
    if (own_variable(c, m->of) || projection(S, m->of)) {
        Sym as = m->of->kind == N_field ? m->of->kid[0]->name : NULL, name = m->of->name;
        int here = lanes_of(c), count = 0;
        if (here >= 0 && as && S->joined[here].as != as) here = -1;
        for (size_t k = 0; k < vec_len(S->joined); k++) count += as && S->joined[k].as == as;
        if (m->per != PER_ALL || !as) only = here; /* each projection of a list by itself */
        if (m->per != PER_ALL && only < 0)
            for (size_t k = 0; k < vec_len(S->joined); k++)
                if (count == 1 && S->joined[k].as == as) only = (int)k;
        if (m->per != PER_ALL && only < 0) {
            if (count > 1) diag_add(S->diags, D_bad_argument, m->of->span, "`%s` is %d projections: sums over neurons are those of one", as, count);
            return ex_poison();
        }
        const Seen *old = seen(b, n, only);
        if (old) return m->per == PER_ALL ? protocol_net(c, old->at, n->span) : column_value(c, n, old->at, m->per == PER_SOURCE, old->dim);
        for (size_t k = 0; k < vec_len(S->joined); k++) {
            PlanPart p;
            if (only >= 0 ? (int)k != only : S->joined[k].as != as) continue;
            ok = synapse_part(c, k, name, m->of, &p, &dim) && ok;
            vec_push(part, p);
        }
        if (ok && !vec_len(part) && as) diag_add(S->diags, D_empty_selection, m->of->span, "`%s` has no synapses", as);
        ok = ok && vec_len(part);
    } else {
        const Seen *old = seen(b, n, -1);
        if (old) return protocol_net(c, old->at, n->span);
        Ex pops = network_pops(S, m->of);
        ok = pops.kind == EX_POPS;
        for (int k = 0; ok && k < pops.n; k++) {
            PlanPart p;
            Dim one;
            if (!pops.pops[k].port) {
                Diag *d = diag_add(S->diags, D_bad_argument, m->of->span, "`%s` takes a variable of a population", n->kid[0]->name);
                diag_hint(d, "write `%s(%s.V)`", n->kid[0]->name, ex_source(S, m->of));
                ok = false;
                break;
            }
            ok = pop_part(c, &pops.pops[k], m->of, &p, &one);
            if (ok && k && !dim_eq(one, dim)) {
                diag_add(S->diags, D_unit_mismatch, m->of->span, "`%s` differs in dimension between these populations", pops.pops[k].port);
                ok = false;
            }
            dim = one;
            if (ok) vec_push(part, p);
        }
        if (ok && m->per != PER_ALL) {
            diag_add(S->diags, D_bad_argument, n->span, "`per` goes with variables of a projection");
            ok = false;
        }
    }
    if (!ok) {
        vec_free(part);
        return ex_poison();
    }
    if (m->take == TAKE_COUNT) dim = DIM_NONE;
    PlanAct a = {.kind = ACT_MEASURE, .take = m->take, .per = m->per, .n_parts = (int)vec_len(part), .what = ex_source(S, n), .place = wire_place(S, n->span)};
    a.part = arena_dup(S->arena, part, sizeof *part * vec_len(part));
    vec_free(part);
    if (m->per == PER_ALL) a.to = protocol_cell(S, NULL, dim_unit(S->arena, dim), dim, 0);
    else {
        const ProjInfo *p = &S->joined[a.part[0].proj];
        vec_push(S->protocol->column, S->pop[m->per == PER_SOURCE ? p->from.pop : p->to.pop].plan);
        a.to = column = (int)vec_len(S->protocol->column) - 1;
    }
    vec_push(b->act, a);
    Seen s = {n, only, a.to, dim};
    vec_push(b->seen, s);
    return column < 0 ? protocol_net(c, a.to, n->span) : column_value(c, n, column, m->per == PER_SOURCE, dim);
}

bool protocol_measure(Ctx *c, Node *n, Ex *out)
{
    Sema *S = c->S;
    Measure m = {.take = TAKE_SUM};
    Sym f = n->kid[0]->kind == N_name ? n->kid[0]->name : NULL;
    m.rate = f && !strcmp(f, "rate");
    if (!f || n->n_kids < 2 || !(m.rate || take_of(f, &m.take))) return false;
    if ((m.take == TAKE_MIN || m.take == TAKE_MAX) && n->n_kids > 2 && n->kid[2]->kind != N_arg) return false; /* of two numbers */
    m.of = n->kid[1];
    bool synapses = own_variable(c, m.of) || projection(S, m.of), pops = !synapses && path_is_pops(S, m.of);
    if (!synapses && !pops && m.take != TAKE_COUNT && !m.rate) return false;
    *out = ex_poison();
    if (!synapses && !pops) {
        if (m.of->kind != N_poison && !(m.of->kind == N_name && follow_up(S, "population", m.of->name))) {
            Diag *d = diag_add(S->diags, D_bad_argument, m.of->span, "`%s` takes a population", f);
            diag_hint(d, "write it like `%s(E, last = 500 ms)`", f);
        }
        return true;
    }
    if (pops && !m.rate && m.take == TAKE_COUNT) {
        Ex p = network_pops(S, m.of);
        if (p.kind == EX_POISON) return true;
        m.spikes = !p.n || !p.pops[0].port;
    }
    m.spikes = m.spikes || m.rate;
    if (m.rate && synapses) {
        diag_add(S->diags, D_bad_argument, m.of->span, "synapses have no rate");
        return true;
    }
    if (!options(c, n, &m)) return true;
    if (!m.spikes) {
        *out = joined_measure(c, n, &m);
        return true;
    }
    const Seen *old = seen(c->block, n, -1);
    *out = old ? protocol_net(c, old->at, n->span) : spikes_measure(c, n, &m);
    if (m.rate) *out = rate_of(c, n, &m, *out);
    return true;
}

/* ---- single variables ---- */

static Ex stim_part(Ctx *c, Node *n)
{
    Sema *S = c->S;
    for (size_t k = 0; k < vec_len(S->protocol->cell); k++) {
        const StimCell *s = &S->protocol->cell[k];
        if (s->as == n->kid[0]->name && s->name == n->name) return protocol_net(c, s->net, n->span);
    }
    Diag *d = diag_add(S->diags, D_not_constant, n->span, "`%s` is not known here", ex_source(S, n));
    diag_note(d, "only settings of stimuli that a block sets can be read");
    return ex_poison();
}

/* `E.V` where a variable of the same population is set; of a single neuron, or of a parameter that is the same for all, anywhere. */
static Ex pop_variable(Ctx *c, Node *n)
{
    Sema *S = c->S;
    Ex pops = network_pops(S, n);
    if (pops.kind != EX_POPS) return ex_poison();
    PopRef r = pops.pops[0];
    PopInfo *p = &S->pop[r.pop];
    Slot *s = pops.n == 1 && p->inst && r.port ? inst_slot(p->inst, r.port) : NULL;
    if (s && c->inst && c->inst == p->inst) return inst_name(c, s, n);
    if (s && inst_fixed(p->inst, s)) return ex_num(s->ex.num, s->dim);
    bool one = pops.n == 1 && r.port && (r.sel.n == 1 || (s && s->kind == DECL_PARAM && s->field >= 0 && p->inst->mod->field[s->field].uniform));
    if (!one) {
        Diag *d = diag_add(S->diags, D_not_a_number, n->span, "`%s` is no single value here", ex_source(S, n));
        if (r.port) diag_hint(d, "write `mean(%s)`, or pick one neuron", ex_source(S, n));
        return ex_poison();
    }
    const Seen *old = seen(c->block, n, -1);
    if (old) return protocol_net(c, old->at, n->span);
    r.sel = (PlanSelect){.lo = r.sel.index ? r.sel.index[0] : r.sel.lo, .n = 1};
    r.sel.hi = r.sel.lo + 1;
    PlanPart part;
    Dim dim;
    if (!pop_part(c, &r, n, &part, &dim)) return ex_poison();
    int net = protocol_cell(S, NULL, dim_unit(S->arena, dim), dim, 0);
    PlanAct a = {.kind = ACT_MEASURE, .to = net, .take = TAKE_MAX, .n_parts = 1, .part = arena_dup(S->arena, &part, sizeof part),
                 .what = ex_source(S, n), .place = wire_place(S, n->span)};
    vec_push(c->block->act, a);
    Seen seen_now = {n, -1, net, dim};
    vec_push(c->block->seen, seen_now);
    return protocol_net(c, net, n->span);
}

bool protocol_part(Ctx *c, Node *n, Ex *out)
{
    Sema *S = c->S;
    if (path_is_pops(S, n)) {
        Ex pops = network_pops(S, n);
        if (pops.kind == EX_POPS && !pops.pops[0].port) return false;
        *out = pop_variable(c, n);
        return true;
    }
    const Bind *b = n->kind == N_field && n->kid[0]->kind == N_name ? scope_find(S->top, n->kid[0]->name) : NULL;
    if (!b || (b->kind != B_PROJ && b->kind != B_STIM && b->kind != B_SYNAPSE)) return false;
    *out = ex_poison();
    if (b->kind == B_STIM) {
        *out = stim_part(c, n);
        return true;
    }
    int here = lanes_of(c);
    Aim of = {.owner_kind = b->kind, .owner = b->name};
    if (here < 0 || !protocol_joins(S, &of, (size_t)here)) {
        Diag *d = diag_add(S->diags, D_not_a_number, n->span, "`%s` is no single value here", ex_source(S, n));
        diag_hint(d, "write `mean(%s)` or `sum(%s, per = target)`", ex_source(S, n), ex_source(S, n));
        return true;
    }
    const ProjInfo *p = &S->joined[here];
    Slot *s = p->inst ? inst_slot(p->inst, n->name) : NULL;
    if (s) *out = inst_name(c, s, n);
    else if (!p->inst && n->name == sym("weight")) *out = ex_ir(ir_imm(c->fn, OP_LOAD, 0, n->span), p->port->dim);
    else diag_add(S->diags, D_unknown_name, ast_name_span(n), "`%s` has no variable `%s`", b->name, n->name);
    return true;
}
