/* Statements of the protocol's blocks: each becomes a function over the network, the neurons of a population or
 * the synapses of a projection, and an act that runs it. */
#include "protocol.h"

#include <math.h>
#include <string.h>

/* ---- what all targets share ---- */

typedef struct Target { /* what is set, by its declaration */
    Dim dim;
    bool is_int, is_bool, celsius;
    const char *what;
} Target;

/* The new value of a target whose old one is `old`; poison after a diagnostic. */
static Ex new_value(Ctx *c, Node *n, const Target *t, Ex old)
{
    Sema *S = c->S;
    if (t->is_bool) {
        Ex truth = elab_bool(c, n->kid[1]);
        if (n->op == '=') return truth.kind == EX_BOOL ? ex_ir(ir_op1(c->fn, OP_NUM, ex_value(c, truth)), DIM_NONE) : ex_poison();
        diag_add(S->diags, D_not_a_number, n->span, "`%s` is true or false: only `=` sets it", t->what);
        return ex_poison();
    }
    Ex e = t->celsius ? elab_celsius(c, n->kid[1], true) : elab(c, n->kid[1]);
    if (e.kind == EX_POISON || e.kind == EX_LIST) return e;
    if (e.kind != EX_NUM) {
        diag_add(S->diags, D_not_a_number, n->kid[1]->span, "expected a number, got %s", ex_say(S, e));
        return ex_poison();
    }
    bool scale = n->op == '*' || n->op == '/';
    if (!elab_fits(c, n->kid[1], e, scale ? DIM_NONE : t->dim, scale ? "a factor" : arena_printf(S->arena, "`%s`", t->what))) return ex_poison();
    if (n->op != '=') {
        Op op = n->op == '+' ? OP_ADD : n->op == '-' ? OP_SUB : n->op == '*' ? OP_MUL : OP_DIV;
        e = elab_op(c, n->span, op, 2, (Ex[]){old, e}, t->dim);
    }
    Slot whole = {.name = sym(t->what)};
    if (t->is_int && (e.kind != EX_NUM || !inst_whole(S, &whole, n->kid[1], &e, c->fn))) return ex_poison();
    return e;
}

static bool in_range(Sema *S, Node *n, const PlanAct *a, Ex e, Dim dim)
{
    if (!e.is_const || e.kind != EX_NUM) return true;
    bool low = a->open_lo ? e.num <= a->lo : e.num < a->lo, high = a->open_hi ? e.num >= a->hi : e.num > a->hi;
    if (!low && !high && !isnan(e.num)) return true;
    Diag *d = diag_add(S->diags, D_out_of_range, n->kid[1]->span, "`%s` is out of its range", a->what);
    diag_note(d, "it lies in %c%s, %s%c", a->open_lo ? '(' : '[', unit_show(S->arena, a->lo, dim, NULL), unit_show(S->arena, a->hi, dim, NULL),
              a->open_hi ? ')' : ']');
    return false;
}

static bool out_is_uniform(Sema *S, const IrModule *m, const IrFn *fn)
{
    size_t n = vec_len(fn->ins);
    bool *uniform = arena_many(S->arena, bool, n + 1);
    ir_uniform(m, fn, uniform);
    return uniform[fn->ins[n - 1].arg[0]];
}

/* ---- numbers of the network ---- */

static void set_net(Block *b, const Scope *scope, Node *n, int net, const char *what, double lo, double hi, bool open_lo, bool open_hi)
{
    Sema *S = b->S;
    IrFn *fn;
    Ctx c = protocol_net_ctx(b, scope, &fn);
    NetInfo info = S->protocol->info[net];
    Target t = {.dim = info.dim, .is_int = info.is_int, .is_bool = info.is_bool, .what = what};
    Ex e = new_value(&c, n, &t, info.is_bool ? ex_poison() : protocol_net(&c, net, n->kid[0]->span));
    if (e.kind == EX_LIST) diag_add(S->diags, D_shape_mismatch, n->kid[1]->span, "`%s` is one number", what);
    PlanAct a = {.kind = ACT_NET, .to = net, .fn = ir_fn_index(c.mod, fn), .what = what, .place = wire_place(S, n->span), .lo = lo, .hi = hi,
                 .open_lo = open_lo, .open_hi = open_hi};
    if (e.kind != EX_NUM || !in_range(S, n, &a, e, info.dim)) e = ex_num(0, info.dim);
    ir_out(fn, 0, ex_value(&c, e), n->span);
    vec_push(b->act, a);
}

static void set_stim(Block *b, const Scope *scope, Node *n, const Aim *aim)
{
    Sema *S = b->S;
    int done = 0;
    for (size_t k = 0; k < vec_len(S->protocol->cell); k++) {
        StimCell s = S->protocol->cell[k];
        if (s.as != aim->owner || s.name != aim->name) continue;
        set_net(b, scope, n, s.net, S->protocol->net[s.net].name, s.lo, s.hi, false, false);
        done++;
    }
    if (done || diag_errors(S->diags)) return;
    bool when = aim->name == sym("start") || aim->name == sym("stop");
    Diag *d = diag_add(S->diags, D_unknown_setting, ast_name_span(n->kid[0]), when ? "`%s` of a stimulus is fixed before the run starts" : "this stimulus has no setting `%s`", aim->name);
    if (when) diag_hint(d, "set `%s.gain` to 0 and back", aim->owner);
    else diag_note(d, "`gain`, the weight and single arguments of a stimulus can be set");
}

/* ---- variables of neurons ---- */

/* The element of a list that belongs to one of several populations, then one value for each neuron. */
static Ex list_values(Ctx *c, Node *n, Ex e, const Aim *aim, int k, Dim dim, const char *what)
{
    Sema *S = c->S;
    const PopRef *r = &aim->pops.pops[k];
    uint32_t count = S->pop[r->pop].n;
    Node *at = n->kid[1];
    if (aim->pops.is_list && aim->pops.n > 1) {
        if (e.n != aim->pops.n) {
            diag_add(S->diags, D_shape_mismatch, at->span, "%d values for %d populations", e.n, aim->pops.n);
            return ex_poison();
        }
        e = e.item[k];
    }
    if (!elab_fits(c, at, e, dim, arena_printf(S->arena, "`%s`", what)) || e.kind != EX_LIST) return e.kind == EX_LIST ? ex_poison() : e;
    if (e.n != (int)r->sel.n) {
        diag_add(S->diags, D_shape_mismatch, at->span, "%d values for %u neurons", e.n, r->sel.n);
        return ex_poison();
    }
    Ex all = e;
    all.n = (int)count;
    all.item = arena_many(S->arena, Ex, count);
    for (uint32_t i = 0; i < count; i++) all.item[i] = ex_num(0, dim);
    for (uint32_t q = 0; q < r->sel.n; q++) all.item[r->sel.index ? r->sel.index[q] : r->sel.lo + q] = e.item[q];
    return tables_by_neuron(c, at, all, count, dim);
}

static void cannot_set(Sema *S, Node *to, const PopInfo *p, Sym name, const Slot *s)
{
    if (follow_up(S, p->inst ? (void *)p->inst->def.body : (void *)p->node, name)) return;
    const char *model = p->inst ? p->inst->def.name : p->model;
    Diag *d = diag_add(S->diags, s ? D_not_a_state : D_unknown_parameter, ast_name_span(to), s ? "`%s` of `%s` cannot be set" : "`%s` of `%s` is nothing that could be set", name, p->name);
    if (s && s->kind == DECL_INPUT) {
        diag_note(d, "an input is a sum that begins at zero in every step");
        diag_hint(d, "aim a stimulus at it, such as `stimulus -> %s.%s : drive(…) as pulse`, and set `pulse.gain`", p->name, name);
        return;
    }
    if (s) {
        diag_note_at(d, ast_name_span(s->decl), "it is worked out from others here");
        return;
    }
    const char **cand = NULL;
    for (size_t k = 0; p->inst && k < vec_len(p->inst->slot); k++)
        if (p->inst->slot[k].kind == DECL_PARAM || p->inst->slot[k].kind == DECL_STATE) vec_push(cand, p->inst->slot[k].name);
    if (p->is_source) vec_push(cand, "rate");
    const char *near = diag_nearest(name, cand, vec_len(cand));
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else if (vec_len(cand)) {
        Buf all = {0};
        for (size_t k = 0; k < vec_len(cand); k++) buf_printf(&all, "%s`%s`", k ? ", " : "", cand[k]);
        diag_note(d, "parameters and states of `%s` are %s", model, all.p);
        buf_free(&all);
    }
    vec_free(cand);
}

static void set_pop(Block *b, const Scope *scope, Node *n, const Aim *aim, int k)
{
    Sema *S = b->S;
    const PopRef *r = &aim->pops.pops[k];
    PopInfo *p = &S->pop[r->pop];
    Slot *s = p->inst ? inst_slot(p->inst, r->port) : NULL;
    if (s && s->lost) return;
    int source = !p->is_source ? -1 : p->source_mod ? ir_field_find(p->source_mod, r->port) : -1;
    if (p->is_source ? source < 0 : !s || (s->kind != DECL_PARAM && s->kind != DECL_STATE)) {
        if (p->inst || p->is_source) cannot_set(S, n->kid[0], p, r->port, s);
        return;
    }
    const char *salt = arena_printf(S->arena, "%s.%d", b->name, b->n_fns++), *what = arena_printf(S->arena, "%s.%s", p->name, r->port);
    IrModule *m = s ? p->inst->mod : p->source_mod;
    IrFn *fn = ir_fn(m, salt, FN_SET, LANE_NEURON);
    Ctx c = ctx_const(S, "this value");
    if (s) c = inst_ctx(p->inst, fn, salt);
    c.fn = fn;
    c.mod = m;
    c.salt = salt;
    c.scope = (Scope *)scope;
    c.has_i = c.has_t = c.has_draws = true;
    c.self = r->port;
    c.block = b;
    Target t = {.dim = s ? s->dim : DIM_RATE, .what = what};
    int field = s ? s->field : source;
    PlanAct a = {.kind = ACT_POP, .to = field, .what = what, .place = wire_place(S, n->span), .lo = s ? s->lo : 0, .hi = s ? s->hi : INFINITY, .n_parts = 1};
    if (s) a.open_lo = s->open_lo, a.open_hi = s->open_hi, t.is_int = s->is_int, t.is_bool = s->is_bool, t.celsius = s->celsius;
    if (s && s->kind == DECL_STATE) a.finite = true;
    Ctx own = c;
    own.self = NULL;
    Ex old = n->op == '=' || t.is_bool ? ex_poison() : s ? inst_name(&own, s, n->kid[0]) : ex_ir(ir_imm(fn, OP_LOAD, field, n->span), DIM_RATE);
    Ex e = new_value(&c, n, &t, old);
    if (e.kind == EX_LIST && n->op == '=') e = list_values(&c, n, e, aim, k, t.dim, what);
    if (e.kind == EX_LIST) diag_add(S->diags, D_shape_mismatch, n->kid[1]->span, "a list sets values by `=` only");
    if (e.kind != EX_NUM || field < 0 || !in_range(S, n, &a, e, t.dim)) e = ex_num(0, t.dim);
    ir_out(fn, 0, ex_value(&c, e), n->span);
    if (field >= 0 && m->field[field].uniform && !out_is_uniform(S, m, fn)) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, n->kid[1]->span, "this differs between neurons");
        diag_note(d, "names of the model go before those of the top level here");
    }
    PlanPart *part = arena_one(S->arena, PlanPart);
    *part = (PlanPart){.pop = p->plan, .proj = -1, .sel = r->sel, .fn = ir_fn_index(m, fn)};
    a.part = part;
    vec_push(b->act, a);
}

/* ---- variables of synapses ---- */

/* Event-driven variables are brought up to date before what they depend on changes. */
static void settle(Block *b, size_t joined, const Slot *changed)
{
    Sema *S = b->S;
    Inst *in = S->joined[joined].inst;
    bool needed = changed->last >= 0;
    for (size_t k = 0; k < vec_len(in->slot) && !needed; k++)
        for (int v = 0; v < 2 && in->slot[k].last >= 0; v++)
            needed = needed || affine_reach(&in->slot[k].law->fn, in->slot[k].law->c[v], OP_LOAD, changed->field) >= 0;
    if (!needed) return;
    IrFn *fn = ir_fn_find(in->mod, "settle");
    if (!fn) {
        fn = ir_fn(in->mod, "settle", FN_SET, LANE_SYNAPSE);
        Ctx c = inst_ctx(in, fn, "settle");
        for (size_t k = 0; k < vec_len(in->slot); k++) {
            Slot *s = &in->slot[k];
            if (s->last < 0) continue;
            ir_store(fn, s->field, ex_value(&c, synapse_read(&c, s, s->decl)), (Span){0, 0});
            ir_store(fn, s->last, ir_imm(fn, OP_T, 0, (Span){0, 0}), (Span){0, 0});
        }
    }
    PlanPart *part = arena_one(S->arena, PlanPart);
    *part = (PlanPart){.pop = -1, .proj = (int)joined, .fn = ir_fn_index(in->mod, fn)};
    PlanAct a = {.kind = ACT_RUN, .n_parts = 1, .part = part, .what = S->joined[joined].name};
    vec_push(b->act, a);
}

static void set_synapses(Block *b, const Scope *scope, Node *n, size_t joined, Sym name)
{
    Sema *S = b->S;
    ProjInfo *p = &S->joined[joined];
    Slot *s = p->inst ? inst_slot(p->inst, name) : NULL;
    bool weight = name == sym("weight");
    if (s && s->lost) return;
    if (p->inst ? !s || s->kind == SLOT_DEFINE || s->field < 0 : !weight) {
        if (follow_up(S, p, name)) return;
        Diag *d = diag_add(S->diags, D_unknown_parameter, ast_name_span(n->kid[0]), "`%s` of `%s` cannot be set", name, p->name);
        if (!p->inst) diag_note(d, name == sym("delay") ? "delays are fixed before the run starts" : "static synapses have a `weight` only");
        else if (s) diag_note_at(d, ast_name_span(s->decl), "it is worked out from others here");
        else {
            const char **cand = NULL;
            for (size_t k = 0; k < vec_len(p->inst->slot); k++)
                if (p->inst->slot[k].kind != SLOT_DEFINE) vec_push(cand, p->inst->slot[k].name);
            const char *near = diag_nearest(name, cand, vec_len(cand));
            if (near) diag_hint(d, "did you mean `%s`?", near);
            vec_free(cand);
        }
        return;
    }
    const char *salt = arena_printf(S->arena, "%s.%d", b->name, b->n_fns++), *what = arena_printf(S->arena, "%s.%s", p->as ? p->as : p->name, name);
    IrModule *m = protocol_synapses(S, joined);
    IrFn *fn = ir_fn(m, salt, FN_SET, LANE_SYNAPSE);
    Ctx c = protocol_synapse_ctx(b, joined, fn, salt);
    c.scope = (Scope *)scope;
    c.has_draws = true;
    c.self = name;
    if (s) p->inst->joint->handler = FN_SET;
    int field = s ? s->field : 0;
    Target t = {.dim = s ? s->dim : p->port->dim, .what = what};
    if (s) t.is_int = s->is_int, t.is_bool = s->is_bool;
    PlanAct a = {.kind = ACT_SYNAPSE, .to = field, .what = what, .place = wire_place(S, n->span), .lo = s ? s->lo : -INFINITY, .hi = s ? s->hi : INFINITY,
                 .finite = true, .n_parts = 1};
    if (s) a.open_lo = s->open_lo, a.open_hi = s->open_hi;
    if (weight && p->port->has_range && p->port->lo >= 0 && a.lo < 0) a.lo = 0;
    Ctx own = c;
    own.self = NULL;
    Ex old = n->op == '=' || t.is_bool ? ex_poison() : s ? inst_name(&own, s, n->kid[0]) : ex_ir(ir_imm(fn, OP_LOAD, 0, n->span), t.dim);
    Ex e = new_value(&c, n, &t, old);
    if (s) p->inst->joint->handler = 0;
    if (e.kind == EX_LIST) diag_add(S->diags, D_shape_mismatch, n->kid[1]->span, "synapses take one value, or an expression of `i` and `j`");
    if (e.kind != EX_NUM || !in_range(S, n, &a, e, t.dim)) e = ex_num(0, t.dim);
    ir_out(fn, 0, ex_value(&c, e), n->span);
    if (m->field[field].uniform && !out_is_uniform(S, m, fn)) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, n->kid[1]->span, "this differs between synapses");
        diag_note(d, "names of the model go before those of the top level here");
    }
    if (s) settle(b, joined, s);
    PlanPart *part = arena_one(S->arena, PlanPart);
    *part = (PlanPart){.pop = -1, .proj = (int)joined, .fn = ir_fn_index(m, fn)};
    a.part = part;
    vec_push(b->act, a);
}

/* ---- statements ---- */

void protocol_statement(Block *b, const Scope *scope, Node *n)
{
    Sema *S = b->S;
    Protocol *P = S->protocol;
    vec_clear(b->seen);
    Aim a = protocol_aim(S, scope, n->kid[0], true);
    int done = 0;
    switch (a.kind) {
    case AIM_NONE: break;
    case AIM_NET: {
        NetInfo info = P->info[a.net];
        set_net(b, scope, n, a.net, P->net[a.net].name, info.has_range ? info.lo : -INFINITY, info.has_range ? info.hi : INFINITY, info.open_lo, info.open_hi);
        break;
    }
    case AIM_STIM: set_stim(b, scope, n, &a); break;
    case AIM_POP:
        for (int k = 0; k < a.pops.n; k++) set_pop(b, scope, n, &a, k);
        break;
    case AIM_SYNAPSE:
        for (size_t k = 0; k < vec_len(S->joined); k++)
            if (protocol_joins(S, &a, k)) set_synapses(b, scope, n, k, a.name), done++;
        if (!done && !diag_errors(S->diags)) diag_add(S->diags, D_empty_selection, n->kid[0]->span, "`%s` has no synapses", a.owner);
        break;
    }
}

int protocol_condition(Block *b, const Scope *scope, Node *n)
{
    IrFn *fn;
    vec_clear(b->seen);
    Ctx c = protocol_net_ctx(b, scope, &fn);
    c.what = "this condition";
    Ex e = elab_bool(&c, n);
    if (e.kind != EX_BOOL) e = ex_truth(false);
    for (size_t k = 0; k < vec_len(fn->ins); k++) b->moving = b->moving || fn->ins[k].op == OP_T || fn->ins[k].op == OP_STEP;
    return protocol_put(b, &c, fn, e, n, ex_source(b->S, n), DIM_NONE);
}

static void stmt_if(Block *b, const Scope *scope, Node *n)
{
    int net = protocol_condition(b, scope, n->kid[0]);
    size_t unless = vec_len(b->act);
    vec_push(b->act, ((PlanAct){.kind = ACT_UNLESS, .from = net}));
    protocol_stmts(b, scope, n->kid[1]);
    Node *other = n->n_kids > 2 ? n->kid[2] : NULL;
    size_t skip = vec_len(b->act);
    if (other) vec_push(b->act, ((PlanAct){.kind = ACT_SKIP}));
    b->act[unless].to = (int)vec_len(b->act);
    if (!other) return;
    if (other->kind == N_if_block) stmt_if(b, scope, other);
    else protocol_stmts(b, scope, other);
    b->act[skip].to = (int)vec_len(b->act);
}

/* A number that is the same for all is taken now; what differs between neurons is worked out at each use. */
static void stmt_let(Block *b, Scope *scope, Node *n)
{
    Sema *S = b->S;
    Bind *bind = arena_one(S->arena, Bind);
    *bind = (Bind){.name = n->name, .kind = B_AGAIN, .node = n, .next = scope->first};
    if (!protocol_spread(S, NULL, scope, n->kid[0], false)) {
        IrFn *fn;
        vec_clear(b->seen);
        Ctx c = protocol_net_ctx(b, scope, &fn);
        Ex e = elab(&c, n->kid[0]);
        if (e.kind != EX_NUM && e.kind != EX_BOOL && e.kind != EX_POISON) diag_add(S->diags, D_not_a_number, n->kid[0]->span, "expected a number, got %s", ex_say(S, e));
        if (e.kind == EX_NUM && n->n_kids > 1 && n->kid[1] && !elab_fits(&c, n->kid[0], e, n->kid[1]->unit.dim, "this value")) e = ex_poison();
        if (e.kind != EX_NUM && e.kind != EX_BOOL) {
            *bind = (Bind){.name = n->name, .kind = B_LOCAL, .node = n, .ex = ex_poison(), .next = scope->first};
            ir_out(fn, 0, ir_const(fn, 0), n->span);
        } else {
            bind->kind = B_NET;
            bind->index = protocol_put(b, &c, fn, e, n, n->name, e.kind == EX_NUM ? e.dim : DIM_NONE);
        }
    }
    scope->first = bind;
}

void protocol_stmts(Block *b, const Scope *outer, Node *block)
{
    Scope scope = {.up = (Scope *)outer};
    for (int k = 0; block && k < block->n_kids; k++) {
        Node *s = block->kid[k];
        if (!s) continue;
        switch (s->kind) {
        case N_let: stmt_let(b, &scope, s); break;
        case N_assign: protocol_statement(b, &scope, s); break;
        case N_if_block: stmt_if(b, &scope, s); break;
        case N_refr_for:
        case N_refr_until: diag_add(b->S->diags, D_refractory_missing, s->span, "only the block of a spike or event makes a neuron refractory"); break;
        default: break;
        }
    }
}

/* ---- `every P { … }` of a synapse model ---- */

static bool clock_of(Inst *in, Node *p, int64_t *period, int64_t *from)
{
    Sema *S = in->S;
    Ctx fixed = ctx_const(S, "a period");
    fixed.inst = in;
    *from = 0;
    if (!network_steps_within(&fixed, p->kid[0], "a period", period) || (p->kid[1] && !network_steps_within(&fixed, p->kid[1], "`from`", from))) return false;
    if (*period >= 1 && *period < INT64_MAX && *from < INT64_MAX) return true;
    diag_add(S->diags, D_bad_interval, p->kid[0]->span, "a period is at least one time step");
    return false;
}

void protocol_every(Inst *in, size_t joined)
{
    Sema *S = in->S;
    int count = 0;
    for (int k = 0; k < in->def.body->n_kids; k++) {
        Node *p = in->def.body->kid[k];
        PlanMoment m = {.name = arena_printf(S->arena, "every.%d", count), .place = "", .at = -1};
        if (!p || p->kind != N_every || (p->kid[0]->kind == N_name && !strcmp(p->kid[0]->name, "step")) || !clock_of(in, p, &m.every, &m.from)) continue;
        Block b = {.S = S, .name = m.name};
        IrFn *fn = ir_fn(in->mod, arena_printf(S->arena, "every.%d", count++), FN_SET, LANE_SYNAPSE);
        Ctx c = protocol_synapse_ctx(&b, joined, fn, fn->name);
        c.has_draws = true;
        in->joint->handler = FN_SET;
        block_begin(&c, in->joint->n_sums);
        for (int q = 0; q < in->joint->n_sums; q++) c.cur[c.n_cur - 1 - q] = ir_const(fn, 0);
        block_stmts(&c, p->kid[2]);
        in->joint->handler = 0;
        for (int q = 0; q < in->joint->n_sums; q++) c.dirty[c.n_cur - 1 - q] = false;
        block_flush(&c);
        PlanPart *part = arena_one(S->arena, PlanPart);
        *part = (PlanPart){.pop = -1, .proj = (int)joined, .fn = ir_fn_index(in->mod, fn)};
        PlanAct a = {.kind = ACT_RUN, .n_parts = 1, .part = part, .what = S->joined[joined].name, .place = wire_place(S, p->span)};
        vec_push(b.act, a);
        m.place = wire_place(S, p->span);
        m.n_acts = (int)vec_len(b.act);
        m.act = arena_dup(S->arena, b.act, sizeof *b.act * vec_len(b.act));
        vec_push(S->protocol->moment, m);
        vec_free(b.act);
        vec_free(b.seen);
    }
}
