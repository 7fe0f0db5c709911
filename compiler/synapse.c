/* Synapse models: the body of `synapse NAME { … }` with the settings of one projection becomes a module whose lanes
 * are synapses. A variable with an equation is event-driven: it is stored as it was when last written, beside the
 * time of that, and every read evaluates the closed form of its equation from there. */
#include "ode.h"
#include "wire.h"
#include "protocol.h"

#include <math.h>
#include <string.h>

bool synapse_setting(Sema *S, Node *settings, int k)
{
    static const char *const known[] = {"delay", "post_delay", "autapses", "multapses", "seed", "wrap", "store"};
    Node *e = settings->kid[k];
    for (size_t q = 0; q < sizeof known / sizeof *known; q++) {
        if (strcmp(known[q], e->name)) continue;
        for (int j = 0; j < k; j++)
            if (settings->kid[j] && settings->kid[j]->kind == N_entry && settings->kid[j]->name == e->name) {
                Diag *d = diag_add(S->diags, D_duplicate_name, ast_name_span(e), "`%s` is set twice", e->name);
                diag_note_at(d, ast_name_span(settings->kid[j]), "the first time here");
            }
        return true;
    }
    return false;
}

int synapse_sums(const Node *n, Sym *sum, int n_sums)
{
    if (!n) return n_sums;
    const Node *to = n->kind == N_assign ? n->kid[0] : NULL;
    if (to && to->kind == N_field && to->kid[0]->kind == N_name && to->kid[0]->name == sym("target")) {
        int k = 0;
        while (k < n_sums && sum[k] != to->name) k++;
        if (k == n_sums && n_sums < PLAN_SUMS) sum[n_sums++] = to->name;
    }
    for (int k = 0; k < n->n_kids; k++) n_sums = synapse_sums(n->kid[k], sum, n_sums);
    return n_sums;
}

/* ---- the parts of the body ---- */
static void read_parts(Inst *in)
{
    Sema *S = in->S;
    Node *body = in->def.body;
    for (int k = 0; k < body->n_kids; k++) {
        Node *p = body->kid[k];
        if (!p) continue;
        switch (p->kind) {
        case N_equation:
            inst_equation(in, p);
            if (p->which == EQ_UNLESS_REFRACTORY) diag_add(S->diags, D_refractory_missing, p->span, "a synapse cannot be refractory");
            break;
        case N_on: handlers_on(in, p); break;
        case N_port:
        case N_spike: {
            Diag *d = diag_add(S->diags, D_syntax, p->span, "`%s` stands in neurons only", ast_kind_name(p->kind));
            diag_hint(d, p->kind == N_port ? "a synapse aims at the port that its connection names" : "write `on pre { … }` or `on post { … }`");
            break;
        }
        case N_event: handlers_event(in, p); break;
        case N_every:
            break;
        default: break;
        }
    }
}

/* What no handler writes and no equation moves is a parameter, whatever it was called. */
static void fix_constants(Inst *in)
{
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->kind == DECL_STATE && !s->eq && !inst_assigns(in->def.body, s->name)) s->kind = DECL_PARAM;
    }
}

/* Values that the connection has to give. */
static bool check_given(Inst *in, Node *connect)
{
    Sema *S = in->S;
    Node *call = connect->kid[2], *settings = connect->n_kids > 3 ? connect->kid[3] : NULL;
    bool ok = true;
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->given || s->lost || s->kind == SLOT_DEFINE || (s->kind == DECL_STATE && s->name != sym("weight"))) continue;
        ok = false;
        bool meant = false; /* misspelt, and said so */
        for (int q = 0; settings && q < settings->n_kids; q++) {
            Node *e = settings->kid[q];
            meant = meant || (e && e->kind == N_entry && !inst_slot(in, e->name) && diag_nearest(e->name, (const char *[]){s->name}, 1));
        }
        if (meant || follow_hole(settings) || follow_body(S, in->def.body) || follow_up(S, connect, s->name)) continue;
        bool weight = s->name == sym("weight");
        Diag *d = weight ? diag_add(S->diags, D_missing_setting, call->span, "this needs a weight")
                         : diag_add(S->diags, D_missing_setting, call->span, "`%s` needs its `%s`", in->def.name, s->name);
        const char *unit = s->has_dim ? inst_unit(in, s) : "";
        if (s->decl->doc) diag_note(d, "%s: %s", s->name, s->decl->doc);
        if (settings) diag_hint(d, "add `%s = 1%s%s` to the block", s->name, *unit ? " " : "", unit), wire_mend_block(d, settings, s->name, unit);
        else diag_hint(d, "write `{ %s = 1%s%s }` behind `using %s`", s->name, *unit ? " " : "", unit, connect->name2);
    }
    return ok;
}

static bool check_weight(Inst *in, const char *name)
{
    Slot *s = inst_slot(in, sym("weight"));
    const Slot *port = in->joint->port;
    if (!s || !s->given || s->ex.kind != EX_NUM || !s->ex.is_const) return true;
    if (isinf(s->ex.num)) {
        diag_add(in->S->diags, D_non_finite_constant, s->given->span, "a weight must be finite");
        return false;
    }
    if (!(s->ex.num < 0 && s->decl->kid[0] && s->decl->kid[0]->name == sym("port") && port->has_range && port->lo >= 0)) return true;
    Diag *d = diag_add(in->S->diags, D_negative_conductance, s->given->span, "a negative weight into `%s`, which cannot be negative", port->name);
    diag_note(d, "the synapse `%s` would pull `%s` below the range it is declared with", name, port->name);
    diag_hint(d, "inhibition is a positive weight into an inhibitory port, such as `gi`");
    return false;
}

/* ---- equations ---- */
static const char *quote(void *ctx, Span at)
{
    Sema *S = ctx;
    Node here = {.span = at};
    return at.hi ? ast_source(S->ast, &here) : NULL;
}

static void no_closed_form(Inst *in, Slot *s, const char *why)
{
    Diag *d = diag_add(in->S->diags, D_no_closed_form, s->eq->kid[0]->span, "`%s` has no closed form between events", s->name);
    diag_note(d, "%s", why);
    diag_hint(d, "write `each step` behind it to have it integrated in every step, or make it linear in `%s` alone", s->name);
}

/* Brings dx/dt into the form a*x + b. */
static bool make_law(Inst *in, Slot *s)
{
    Sema *S = in->S;
    Node *rhs = s->eq->kid[0];
    if (continuous_reads(rhs)) {
        no_closed_form(in, s, "it contains a variable of a neuron, which changes at any time");
        return false;
    }
    IrFn *deriv = ir_fn(in->mod, "deriv", FN_DERIV, LANE_SYNAPSE);
    Ctx c = inst_ctx(in, deriv, "deriv");
    c.has_t = c.has_draws = false;
    c.what = "the rate of a variable that changes between events";
    Ex e = elab_num(&c, rhs);
    bool ok = e.kind != EX_POISON && elab_fits(&c, rhs, e, dim_div(s->dim, DIM_TIME), arena_printf(S->arena, "d%s/dt", s->name));
    if (ok) {
        ir_out(deriv, 0, ex_value(&c, e), rhs->span);
        OdeEq eq = {.field = s->field, .name = s->name, .text = ast_source(S->ast, rhs), .span = rhs->span};
        OdeSystem sys = {.mod = in->mod, .deriv = deriv, .eq = &eq, .n = 1, .refr_field = -1, .dt = S->dt, .diags = S->diags,
                         .quote = quote, .quote_ctx = S};
        int *state = arena_one(S->arena, int);
        *state = s->field;
        s->law = arena_one(S->arena, Affine);
        *s->law = affine_build(&sys, 1, state, 0, NULL);
        if (s->law->bad[0] >= 0) {
            no_closed_form(in, s, affine_reason(&sys, s->law, s->law->bad[0]));
            ok = false;
        }
        for (size_t k = 0; ok && k < vec_len(in->slot); k++) {
            const Slot *q = &in->slot[k];
            for (int v = 0; ok && q->kind == DECL_STATE && v < 2; v++)
                if (affine_reach(&s->law->fn, s->law->c[v], OP_LOAD, q->field) >= 0) {
                    no_closed_form(in, s, arena_printf(S->arena, "`%s` changes, too", q->name));
                    ok = false;
                }
        }
    }
    vec_free(deriv->ins);
    (void)vec_pop(in->mod->fn);
    return ok;
}

static void keep_equation(Inst *in, const Slot *s)
{
    in->eqs[in->n_eqs++] = (OdeEq){.field = s->field, .name = s->name, .text = ast_source(in->S->ast, s->eq->kid[0]), .span = s->eq->kid[0]->span,
                                   .method = "event-driven", .why = "linear in itself alone: exact from its last write to each event"};
}

static bool make_laws(Inst *in)
{
    bool ok = true;
    in->eqs = arena_many(in->S->arena, OdeEq, vec_len(in->slot) + 1);
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].eq && in->slot[k].field >= 0 && !continuous_each(&in->slot[k])) ok = make_law(in, &in->slot[k]) && ok;
    for (size_t k = 0; ok && k < vec_len(in->slot); k++) { /* reads were plain loads until here */
        Slot *s = &in->slot[k];
        if (!s->eq || continuous_each(s)) continue;
        keep_equation(in, s);
        s->last = ir_field(in->mod, (IrField){.name = arena_printf(in->S->arena, "%s.last", s->name), .unit = "ms", .kind = FIELD_HIDDEN,
                                              .lo = -INFINITY, .hi = INFINITY, .doc = "time of the last write"});
        ir_store(in->init, s->last, ir_const(in->init, 0), (Span){0, 0});
    }
    return ok;
}

/* x(t) = x0 exp(a d) + b d exprel(a d) at d = t - t0, where x was written last at t0. */
Ex synapse_read(Ctx *c, Slot *s, Node *at)
{
    IrFn *f = c->fn;
    int x = inst_load(c, s->field, at->span), last = inst_load(c, s->last, at->span);
    int t = ir_imm(f, OP_T, c->t_which, at->span);
    if (f->ins[last].op == OP_T) return ex_ir(x, s->dim); /* written in this handler */
    int law[2], d = ir_op2(f, OP_SUB, t, last);
    affine_inline(f, s->law, NULL, -1, law);
    int ad = law[1] < 0 ? -1 : ir_op2(f, OP_MUL, law[1], d);
    int v = ad < 0 ? x : ir_op2(f, OP_MUL, x, ir_op1(f, OP_EXP, ad));
    if (law[0] >= 0) {
        int gain = ir_op2(f, OP_MUL, law[0], d);
        v = ir_op2(f, OP_ADD, v, ad < 0 ? gain : ir_op2(f, OP_MUL, gain, ir_op1(f, OP_EXPREL, ad)));
    }
    return ex_ir(v, s->dim);
}

/* ---- neurons ---- */
static Ex neuron_value(Ctx *c, const PopRef *r, bool source, Sym name, Node *at)
{
    if (!r) return ex_poison(); /* nothing is known of the neurons of a model that joins none */
    Sema *S = c->S;
    Inst *in = S->pop[r->pop].inst;
    const char *side = source ? "source" : "target", *pop = S->pop[r->pop].name;
    if (!in) {
        if (S->pop[r->pop].is_source) diag_add(S->diags, D_unknown_name, at->span, "the sources, `%s`, have no variables", pop);
        return ex_poison();
    }
    Slot *s = inst_slot(in, name);
    if (s && s->lost) return ex_poison();
    if (!s) {
        if (follow_up(S, at, name)) return ex_poison();
        Diag *d = diag_add(S->diags, D_unknown_name, at->span, "the %s, `%s`, has no variable `%s`", side, pop, name);
        const char **cand = NULL;
        for (size_t k = 0; k < vec_len(in->slot); k++) vec_push(cand, in->slot[k].name);
        const char *near = diag_nearest(name, cand, vec_len(cand));
        if (near) diag_hint(d, "did you mean `%s.%s`?", side, near);
        vec_free(cand);
        return ex_poison();
    }
    if (inst_fixed(in, s)) return ex_num(s->ex.num, s->dim);
    return links_end(c, &S->pop[r->pop], s, source, at);
}

Ex synapse_neuron(Ctx *c, Node *n)
{
    bool source = !strcmp(n->kid[0]->name, "source");
    const Joint *j = c->inst ? c->inst->joint : NULL; /* static synapses have no model */
    const PopRef *from = j ? j->from : c->from, *to = j ? j->to : c->to;
    return neuron_value(c, source ? from : to, source, n->name, n);
}

Ex synapse_port(Ctx *c, Node *n)
{
    const Joint *j = c->inst->joint;
    if (j->handler && c->fn) return neuron_value(c, j->to, false, j->port->name, n);
    diag_add(c->S->diags, D_not_constant, n->span, "`port` changes during the run, so it has no place here");
    return ex_poison();
}

/* ---- handlers ---- */
static void say_write(Ctx *c, Node *n, const char *what, const char *hint)
{
    Diag *d = diag_add(c->S->diags, D_handler_write, n->span, "%s", what);
    diag_hint(d, "%s", hint);
}

/* `port += …`, `target.X += …`; sum k stands at place n_cur - 1 - k of c->cur, behind the fields. */
static void add_to_sum(Ctx *c, Node *n, const Slot *to, int k, const char *what)
{
    if (n->op != '+' && n->op != '-') {
        say_write(c, n, arena_printf(c->S->arena, "a handler only adds to `%s`", what),
                  k ? "use `+=` or `-=`" : "write `port += weight`");
        return;
    }
    if (c->inst->joint->handler != FN_PRE && c->inst->joint->handler != FN_STEP) {
        FnRole role = (FnRole)c->inst->joint->handler;
        const char *what_block = role == FN_POST ? "`on post` cannot add to `%s`" : role == FN_SET ? "`every` cannot add to `%s`" : "this event cannot add to `%s`";
        say_write(c, n, arena_printf(c->S->arena, what_block, what), "events arrive in `on pre`");
        return;
    }
    if (!continuous_fits(c, n->kid[0], to)) return;
    Ex e = elab_num(c, n->kid[1]);
    if (e.kind == EX_POISON || !elab_fits(c, n->kid[1], e, to->dim, arena_printf(c->S->arena, "what is added to `%s`", to->name))) return;
    int *sum = &c->cur[c->n_cur - 1 - k], v = ex_value(c, e);
    double zero;
    if (n->op == '-') v = ir_op1(c->fn, OP_NEG, v);
    *sum = ir_is_const(c->fn, *sum, &zero) && zero == 0 ? v : ir_op2(c->fn, OP_ADD, *sum, v);
}

static void add_to_target(Ctx *c, Node *n)
{
    Sema *S = c->S;
    const Joint *j = c->inst->joint;
    Node *to = n->kid[0];
    Inst *in = j->to ? S->pop[j->to->pop].inst : NULL;
    Slot *s = in ? inst_slot(in, to->name) : NULL;
    if (!s) {
        (void)neuron_value(c, j->to, false, to->name, to);
        return;
    }
    if (s->lost) return;
    int k = 0;
    while (k < j->n_sums && j->sum[k] != s->name) k++;
    if (k == j->n_sums) diag_add(S->diags, D_handler_write, to->span, "a synapse adds to at most %d variables of its target", PLAN_SUMS);
    else add_to_sum(c, n, s, k, arena_printf(S->arena, "target.%s", s->name));
}

bool synapse_assign(Ctx *c, Node *n)
{
    Node *to = n->kid[0];
    if (to->kind == N_name && to->name == sym("port")) {
        add_to_sum(c, n, c->inst->joint->port, 0, "port");
        return true;
    }
    if (to->kind == N_field && to->kid[0]->kind == N_name && to->kid[0]->name == sym("target")) {
        add_to_target(c, n);
        return true;
    }
    if (to->kind == N_field && to->kid[0]->kind == N_name && to->kid[0]->name == sym("source")) {
        say_write(c, n, "a synapse does not change its source", "what arrives is added to `port` or to `target.X`");
        return true;
    }
    Slot *s = to->kind == N_name ? inst_slot(c->inst, to->name) : NULL;
    if (!s || s->kind == DECL_STATE) return false;
    Diag *d = diag_add(c->S->diags, D_handler_write, to->span, "a handler cannot set `%s`", s->name);
    diag_note_at(d, ast_name_span(s->decl), "it is declared as %s", s->kind == DECL_PARAM ? "a parameter" : "a named expression");
    if (s->kind == DECL_PARAM) diag_hint(d, "declare it as `state %s`", s->name);
    return true;
}

/* What is computed when it is recorded: event-driven variables and named expressions. */
static void emit_recordable(Inst *in)
{
    in->joint->handler = FN_OBS;
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->kind != SLOT_DEFINE && s->last < 0) continue;
        IrFn *fn = ir_fn(in->mod, arena_printf(in->S->arena, "obs.%s", s->name), FN_OBS, LANE_SYNAPSE);
        Ctx c = inst_ctx(in, fn, "obs");
        c.has_j = true;
        c.has_draws = false;
        Ex e = inst_name(&c, s, s->decl);
        if (e.kind == EX_NUM || e.kind == EX_BOOL) ir_out(fn, 0, ex_value(&c, e), ast_name_span(s->decl));
    }
    in->joint->handler = 0;
}

Inst *synapse_new(Sema *S, Node *connect, const ModelDef *def, Joint *joint, const char *name, PlanProj *p)
{
    size_t before = diag_errors(S->diags);
    Inst *in = arena_one(S->arena, Inst);
    *in = (Inst){.S = S, .def = *def, .settings = connect && connect->n_kids > 3 ? connect->kid[3] : NULL, .n_neurons = -1, .refr_field = -1,
                 .last_spike_field = -1, .above_field = -1, .joint = joint};
    vec_push(S->synapses, in);
    in->mod = network_new_module(S, name);
    joint->sum[0] = joint->port->name;
    joint->n_sums = synapse_sums(def->body, joint->sum, 1);
    inst_declare(in);
    read_parts(in);
    for (int k = 0; k < def->n_settings; k++) inst_settings(in, def->settings[k], false);
    inst_settings(in, in->settings, true);
    fix_constants(in);
    protocol_mark_synapse(in, connect ? connect->name : NULL);
    if (!handlers_any(in, "pre") && !continuous_any(def->body) && !follow_body(S, def->body)) {
        Diag *d = diag_add(S->diags, D_missing_setting, !connect ? ast_name_span(def->body) : connect->name2_span.hi ? connect->name2_span : connect->span, "`%s` does nothing when a spike arrives", def->name);
        diag_hint(d, "add `on pre { port += weight }` to it");
    }
    bool ok = !connect || check_given(in, connect);
    in->init = ir_fn(in->mod, "init", FN_INIT, LANE_SYNAPSE);
    in->init_ctx = inst_ctx(in, in->init, "init");
    in->init_ctx.in_init = in->init_ctx.has_j = in->init_ctx.has_draws = true;
    in->init_ctx.has_t = false;
    in->init_ctx.source_n = joint->from ? (int)joint->from->sel.n : 1;
    in->init_ctx.target_n = joint->to ? (int)joint->to->sel.n : 1;
    in->init_ctx.from = joint->from;
    in->init_ctx.to = joint->to;
    in->init_ctx.wrap = joint->wrap;
    inst_init(in);
    ok = check_weight(in, name) && ok;
    if (!make_laws(in) || !ok || diag_errors(S->diags) > before) return NULL;
    p->synapse = (PlanSynapse){.name = def->name, .fn_init = ir_fn_index(in->mod, in->init)};
    handlers_emit(in, connect, &p->synapse);
    continuous_emit(in, &p->synapse);
    emit_recordable(in);
    inst_ranges(in, LANE_SYNAPSE);
    if (diag_errors(S->diags) > before) return NULL;
    if (!connect) return in;
    p->weight = (PlanAttr){.kernel = -1, .fn = -1};
    const Slot *weight = inst_slot(in, sym("weight"));
    if (weight && weight->ex.kind == EX_NUM && weight->ex.is_const) p->weight.value = weight->ex.num;
    else p->weight.varies = true;
    return in;
}

void synapse_finish(Sema *S)
{
    if (diag_errors(S->diags)) return;
    for (size_t k = 0; k < vec_len(S->joined); k++) {
        const ProjInfo *j = &S->joined[k];
        PlanProj *p = &S->proj[k];
        if (j->mod) p->kernel = network_module(S, j->mod);
        if (!j->inst) continue;
        placing_run(j->inst, &p->synapse, !p->delay.varies);
        p->synapse.kernel = network_module(S, j->inst->mod);
        handlers_needs(j->inst, &p->synapse);
        continuous_needs(j->inst, &p->synapse);
    }
}

/* Errors of a model that joins nothing, in silence or not, if it aimed at a variable of this dimension. */
static size_t try_port(Sema *S, const ModelDef *def, Dim dim, Diags *into)
{
    Diags *outer = S->diags;
    size_t told = vec_len(S->told), before = diag_errors(into);
    Slot *port = arena_one(S->arena, Slot);
    Joint *joint = arena_one(S->arena, Joint);
    PlanProj none = {0};
    *port = (Slot){.name = sym("port"), .kind = continuous_aims(def->body) ? DECL_INPUT : DECL_STATE, .dim = dim, .has_dim = true, .unit = {.text = dim_unit(S->arena, dim)}, .acc = -1};
    *joint = (Joint){.port = port};
    S->diags = into;
    (void)synapse_new(S, NULL, def, joint, def->name, &none);
    S->diags = outer;
    if (into != outer)
        while (vec_len(S->told) > told) (void)vec_pop(S->told);
    return diag_errors(into) - before;
}

void synapse_check_unused(Sema *S)
{
    const Dim dim[] = {DIM_VOLTAGE, DIM_CONDUCTANCE, DIM_CURRENT, DIM_NONE};
    for (Bind *b = S->top->first; b; b = b->next) {
        bool used = b->kind != B_SYNAPSE || b->library;
        for (size_t k = 0; !used && k < vec_len(S->items); k++) {
            Sym name = S->items[k]->kind == N_connect ? S->items[k]->name2 : NULL;
            for (int depth = 0; name && depth < MODEL_CHAIN && !used; depth++) {
                Bind *q = scope_here(S->top, name);
                used = q == b;
                name = q && q->node->kind == N_synapse_of ? q->node->name2 : NULL;
            }
        }
        ModelDef def;
        if (used || !model_find(S, b->name, ast_name_span(b->node), B_SYNAPSE, &def)) continue;
        bool fine = false;
        for (size_t k = 0; !fine && k < sizeof dim / sizeof *dim; k++) fine = !try_port(S, &def, dim[k], diag_new(S->arena, S->ast->sources));
        if (!fine) (void)try_port(S, &def, dim[0], S->diags);
    }
}

void synapse_free(Sema *S)
{
    for (size_t k = 0; k < vec_len(S->synapses); k++) {
        Inst *in = S->synapses[k];
        for (size_t q = 0; q < vec_len(in->slot); q++)
            if (in->slot[q].law) affine_free(in->slot[q].law);
        vec_free(in->slot);
    }
    vec_free(S->synapses);
}

/* ---- recordings ---- */
/* A variable of the synapses of a projection, for a recorder. */
bool synapse_watch(Sema *S, Node *v, const ProjInfo *proj, bool at_end, PlanVar *out)
{
    Inst *in = proj->inst;
    if (v->kind != N_name) {
        if (v->kind != N_poison) diag_add(S->diags, D_record_not_recordable, v->span, "a recording of synapses takes their variables by name");
        return false;
    }
    if (!in) {
        const char *unit = proj->port->unit.text ? proj->port->unit.text : dim_unit(S->arena, proj->port->dim);
        *out = (PlanVar){.name = v->name, .unit = unit, .field = -1, .fn = -1};
        if (v->name == sym("weight") && (at_end || protocol_marked(S, B_PROJ, proj->as, v->name))) return true;
        Diag *d = diag_add(S->diags, D_record_not_recordable, v->span,
                           v->name == sym("weight") ? "the weights of these synapses never change" : "static synapses have no variable `%s`", v->name);
        if (v->name == sym("weight")) diag_hint(d, "write `record weight of %s at end`", proj->as), diag_range(d, (Span){0, 0});
        return false;
    }
    Slot *s = inst_slot(in, v->name);
    if (!s) {
        if (follow_up(S, in->slot, v->name)) return false;
        Diag *d = diag_add(S->diags, D_record_not_recordable, v->span, "`%s` has no variable `%s`", in->def.name, v->name);
        const char **cand = NULL;
        for (size_t k = 0; k < vec_len(in->slot); k++) vec_push(cand, in->slot[k].name);
        const char *near = diag_nearest(v->name, cand, vec_len(cand));
        if (near) diag_hint(d, "did you mean `%s`?", near);
        vec_free(cand);
        return false;
    }
    *out = (PlanVar){.name = s->name, .unit = inst_unit(in, s), .field = -1, .fn = -1};
    IrFn *fn = ir_fn_find(in->mod, arena_printf(S->arena, "obs.%s", s->name));
    if (fn) out->fn = ir_fn_index(in->mod, fn);
    else if (s->field >= 0) out->field = s->field;
    else {
        diag_add(S->diags, D_record_not_recordable, v->span, "`%s` is the same number for all of `%s`", v->name, proj->as);
        return false;
    }
    return true;
}

/* `at end`, `at [0 s, 10 s]`, or `every T from A to B`. */
static bool record_when(Sema *S, Node *n, PlanLook *out)
{
    Node *when = n->n_kids > 2 ? n->kid[2] : NULL;
    if (!when) {
        Diag *d = diag_add(S->diags, D_bad_interval, n->span, "when are these synapses recorded?");
        diag_hint(d, "add `at end` or `every 100 ms`");
        return false;
    }
    if (!watch_when(S, when, out)) return false;
    if (out->kind == TIMES_SPIKES) diag_add(S->diags, D_bad_interval, when->span, "synapses are recorded at times, not at spikes");
    return out->kind != TIMES_SPIKES;
}

/* `record connectivity of ee`: who is joined to whom, with weights as they are at the end, and delays. */
static void record_connectivity(Sema *S, const ProjInfo *proj)
{
    PlanSynRec r = {.name = proj->name, .when = {.kind = TIMES_END}, .watched = true, .connectivity = true};
    Node weight = {.kind = N_name, .name = sym("weight")};
    PlanVar *v = arena_one(S->arena, PlanVar);
    const Slot *s = proj->inst ? inst_slot(proj->inst, weight.name) : NULL;
    if ((!proj->inst || (s && (s->field >= 0 || ir_fn_find(proj->inst->mod, "obs.weight")))) && synapse_watch(S, &weight, proj, true, v)) r.n_vars = 1;
    for (size_t k = 0; k < vec_len(S->syn_rec); k++)
        if (S->syn_rec[k].connectivity && !strcmp(S->syn_rec[k].name, r.name)) return;
    r.var = v;
    vec_push(S->syn_rec, r);
}

bool synapse_is_projection(Sema *S, Node *n)
{
    const Bind *b = n->kind == N_name ? scope_here(S->top, n->name) : NULL;
    return b && b->kind == B_PROJ;
}

/* `record weight of E`, where no projection is called E and no neuron has a weight. */
static bool weight_of_none(Sema *S, Node *vars, Node *of)
{
    Node *weight = NULL;
    for (int k = 0; k < vars->n_kids; k++)
        if (vars->kid[k]->kind == N_name && vars->kid[k]->name == sym("weight")) weight = vars->kid[k];
    for (size_t p = 0; weight && p < vec_len(S->pop); p++)
        if (S->pop[p].inst && inst_slot(S->pop[p].inst, weight->name)) return false;
    if (!weight) return false;
    Node *at = of->kid[0];
    if (at->kind == N_poison || (at->kind == N_name && !scope_here(S->top, at->name) && follow_up(S, of, at->name))) return true;
    bool known = at->kind != N_name || scope_here(S->top, at->name);
    Diag *d = known ? diag_add(S->diags, D_record_not_recordable, weight->span, "weights are recorded of projections, not of neurons")
                    : diag_add(S->diags, D_unknown_name, at->span, "no projection is called `%s`", ast_source(S->ast, at));
    const char **cand = NULL;
    for (size_t k = 0; k < vec_len(S->joined); k++)
        if (S->joined[k].as) vec_push(cand, S->joined[k].as);
    const char *near = known ? NULL : diag_nearest(at->name, cand, vec_len(cand));
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else diag_hint(d, "name the connection, `connect … using stdp as ee { … }`, and write `record weight of ee at end`");
    vec_free(cand);
    return true;
}

static bool is_whole(Sema *S, const Node *v)
{
    if (v->kind != N_name || v->name != sym("connectivity")) return false;
    for (size_t p = 0; p < vec_len(S->pop); p++)
        if (S->pop[p].inst && inst_slot(S->pop[p].inst, v->name)) return false;
    return true;
}

bool synapse_record(Sema *S, Node *n)
{
    Node *vars = n->kid[0], *of = n->kid[1];
    int n_proj = 0, n_whole = 0;
    for (int k = 0; k < of->n_kids; k++) n_proj += synapse_is_projection(S, of->kid[k]);
    for (int k = 0; k < vars->n_kids; k++) n_whole += is_whole(S, vars->kid[k]);
    if (!n_proj && !n_whole) return weight_of_none(S, vars, of);
    PlanSynRec base = {.when = {.kind = TIMES_END}};
    if ((n_whole < vars->n_kids || n->kid[2]) && !record_when(S, n, &base.when)) return true;
    if (n_whole && base.when.kind != TIMES_END) {
        diag_add(S->diags, D_bad_interval, n->kid[2]->span, "the connectivity is written once, `at end`");
        return true;
    }
    for (int k = 0; k < of->n_kids; k++) {
        for (size_t q = 0; n_whole && of->kid[k]->kind == N_wild && q < vec_len(S->joined); q++) record_connectivity(S, &S->joined[q]);
        if (n_whole && of->kid[k]->kind == N_wild) continue;
        if (!synapse_is_projection(S, of->kid[k])) {
            if (of->kid[k]->kind != N_poison && !(of->kid[k]->kind == N_name && follow_up(S, of, of->kid[k]->name))) {
                Diag *d = diag_add(S->diags, D_record_not_recordable, of->kid[k]->span, "this is no projection");
                if (n_whole) diag_hint(d, "name the connection, `connect … as ee`, or write `record connectivity of *`");
            }
            continue;
        }
        for (size_t q = 0; q < vec_len(S->joined); q++) {
            const ProjInfo *proj = &S->joined[q];
            if (proj->as != of->kid[k]->name) continue;
            PlanSynRec r = base;
            r.name = proj->name;
            PlanVar *list = arena_many(S->arena, PlanVar, (size_t)vars->n_kids);
            for (int v = 0; v < vars->n_kids; v++) {
                if (is_whole(S, vars->kid[v])) record_connectivity(S, proj);
                else if (synapse_watch(S, vars->kid[v], proj, base.when.kind == TIMES_END, &list[r.n_vars])) r.n_vars++;
            }
            r.var = list;
            if (r.n_vars) vec_push(S->syn_rec, r);
        }
    }
    return true;
}
