/* The `on … { … }` blocks of a synapse model: at what moments they run, and the functions they become. Blocks of one
 * moment are one handler, in the order in which they stand. */
#include "sema.h"
#include "wire.h"

#include <string.h>

enum { LONGEST = (1 << 22) - 1 }; /* steps of a delay, as many as the engine takes */

static bool is_name(const Node *n, const char *name) { return n->kind == N_name && n->name == sym(name); }

static Node *event_of(const Inst *in, Sym name)
{
    for (int k = 0; k < in->def.body->n_kids; k++) {
        Node *p = in->def.body->kid[k];
        if (p && p->kind == N_event && p->name == name) return p;
    }
    return NULL;
}

/* The event that a setting `NAME` or `NAME_delay` is about, or NULL. */
static Node *event_of_setting(const Inst *in, Sym setting)
{
    size_t n = strlen(setting);
    Node *e = event_of(in, setting);
    if (e || n < 7 || strcmp(setting + n - 6, "_delay")) return e;
    char *name = arena_dup(in->S->arena, setting, n - 5);
    name[n - 6] = 0;
    return event_of(in, sym(name));
}

bool handlers_bind(Inst *in, Sym setting) { return event_of_setting(in, setting) != NULL; }

bool handlers_any(const Inst *in, const char *moment)
{
    for (int k = 0; k < in->def.body->n_kids; k++) {
        Node *p = in->def.body->kid[k];
        if (p && p->kind == N_on && is_name(p->kid[0], moment)) return true;
    }
    return false;
}

void handlers_event(Inst *in, Node *p)
{
    Sema *S = in->S;
    Span at = ast_name_span(p);
    if (p->kid[0]) {
        Diag *d = diag_add(S->diags, D_syntax, p->kid[0]->span, "an event of a synapse has no condition of its own");
        diag_hint(d, "write `event %s`, and say in the block of the connection whose event it is: `%s = POPULATION.spike`", p->name, p->name);
    }
    if (word_is_reserved_name(p->name)) {
        Diag *d = diag_add(S->diags, D_reserved_name, at, "`%s` cannot be declared", p->name);
        diag_note(d, "it has a meaning of its own in every model");
        return;
    }
    Slot *s = inst_slot(in, p->name);
    Node *other = s ? s->decl : event_of(in, p->name);
    if (other != p) {
        Diag *d = diag_add(S->diags, D_duplicate_name, at, "`%s` is declared twice", p->name);
        diag_note_at(d, ast_name_span(other), "the first time here");
    } else if (!handlers_any(in, p->name) && !follow_body(S, in->def.body)) {
        Diag *d = diag_add(S->diags, D_missing_setting, at, "nothing is done at the event `%s`", p->name);
        diag_hint(d, "add `on %s { … }`", p->name);
    }
}

void handlers_on(Inst *in, Node *p)
{
    Sema *S = in->S;
    Node *what = p->kid[0];
    if (what->kind == N_poison || is_name(what, "pre") || is_name(what, "post") || (what->kind == N_name && event_of(in, what->name))) return;
    Node *side = what->kind == N_field ? what->kid[0] : NULL;
    if (side && (is_name(side, "source") || is_name(side, "target"))) {
        if (what->name != sym("spike")) return; /* read by bind_end */
        bool source = is_name(side, "source");
        Diag *d = diag_add(S->diags, D_unknown_name, what->span, "the spikes of the two neurons have words of their own");
        diag_hint(d, source ? "write `on pre { … }`" : "write `on post { … }`");
        return;
    }
    if (what->kind != N_name) {
        diag_add(S->diags, D_unknown_name, what->span, "`%s` is no event", ast_source(S->ast, what));
        return;
    }
    if (inst_slot(in, what->name)) {
        diag_add(S->diags, D_unknown_name, what->span, "`%s` is no event", what->name);
        return;
    }
    if (follow_up(S, in->def.body, what->name)) return;
    Diag *d = diag_add(S->diags, D_unknown_name, what->span, "no event is called `%s`", what->name);
    const char **cand = NULL;
    vec_push(cand, "pre");
    vec_push(cand, "post");
    for (int k = 0; k < in->def.body->n_kids; k++)
        if (in->def.body->kid[k] && in->def.body->kid[k]->kind == N_event) vec_push(cand, in->def.body->kid[k]->name);
    const char *near = diag_nearest(what->name, cand, vec_len(cand));
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else diag_hint(d, "declare it: `event %s`, and say in the block of the connection whose event it is: `%s = POPULATION.spike`", what->name, what->name);
    vec_free(cand);
}

/* ---- moments ---- */
typedef struct Moment {
    PlanWhen when;
    Sym name;      /* "pre", "post", the event, or "source.EVENT", "target.EVENT" */
    Node *end;     /* of the last two: the path, as it stands */
    int64_t after; /* as written */
} Moment;

/* A setting of the connection, else of the models it derives from, the last first. */
static Node *setting_of(const Inst *in, const char *name)
{
    Node *found = wire_setting(in->settings, name);
    for (int k = in->def.n_settings; !found && k-- > 0;) found = wire_setting(in->def.settings[k], name);
    return found;
}

static bool steps_of(Inst *in, Node *n, const char *what, int64_t *steps)
{
    Ctx fixed = ctx_const(in->S, what);
    fixed.inst = in;
    if (!network_steps_within(&fixed, n, what, steps)) return false;
    if (*steps <= LONGEST) return true;
    Diag *d = diag_add(in->S->diags, D_bad_delay, n->span, "%s is too long", what);
    diag_note(d, "a delay has at most %d steps", LONGEST);
    return false;
}

static bool moment_of(Inst *in, Node *on, Moment *m)
{
    Node *what = on->kid[0], *end = what->kind == N_field ? what : NULL;
    bool source = end && is_name(end->kid[0], "source");
    Sym name = end ? sym(arena_printf(in->S->arena, "%s.%s", source ? "source" : "target", what->name)) : what->name;
    *m = (Moment){.name = name, .end = end, .when = name == sym("pre") || source ? ON_PRE : name == sym("post") || end ? ON_POST : ON_EVENT};
    return !on->kid[1] || steps_of(in, on->kid[1], "`after`", &m->after);
}

/* How long all of the events are under way before `after` begins: what the connection gives. `on pre` has its delay
 * in the rows of the synapses. */
static bool delay_of(Inst *in, const Moment *m, int64_t *steps)
{
    const char *name = m->when == ON_POST ? "post_delay" : arena_printf(in->S->arena, "%s_delay", m->name);
    Node *n = m->when == ON_PRE ? NULL : setting_of(in, name);
    *steps = m->when == ON_EVENT ? 1 : 0;
    return !n || steps_of(in, n, arena_printf(in->S->arena, "`%s`", name), steps);
}

/* Within a step older spikes come first, so the longest way does. */
static bool before(const Inst *in, const Moment *a, const Moment *b)
{
    if (a->when != b->when) return a->when < b->when;
    for (int k = 0; a->name != b->name && k < in->def.body->n_kids; k++) { /* events in order of declaration */
        Node *p = in->def.body->kid[k];
        if (p && p->kind == N_event && (p->name == a->name || p->name == b->name)) return p->name == a->name;
    }
    if (a->after != b->after || a->name == b->name) return a->after > b->after;
    return a->end && b->end ? strcmp(a->name, b->name) < 0 : !a->end && b->end;
}

/* All moments of the model, sorted; -1 after a diagnostic. */
static int moments(Inst *in, Moment **out)
{
    Moment *m = arena_many(in->S->arena, Moment, (size_t)in->def.body->n_kids + 1);
    int n = 0;
    bool ok = true;
    for (int k = 0; k < in->def.body->n_kids; k++) {
        Node *p = in->def.body->kid[k];
        Moment now;
        if (!p || p->kind != N_on || (p->kid[0]->kind != N_name && p->kid[0]->kind != N_field)) continue;
        if (!moment_of(in, p, &now)) {
            ok = false;
            continue;
        }
        int at = 0;
        while (at < n && before(in, &m[at], &now)) at++;
        if (at < n && !before(in, &now, &m[at])) continue;
        memmove(m + at + 1, m + at, (size_t)(n - at) * sizeof *m);
        m[at] = now;
        n++;
    }
    *out = m;
    return ok ? n : -1;
}

/* ---- whose events ---- */
static bool bind_from(Inst *in, Node *n, PlanHandler *h)
{
    Sema *S = in->S;
    Sym spike = sym("spike");
    if (n->kind == N_poison) return false;
    if (n->kind != N_field || n->kid[0]->kind == N_num) {
        bool pops = path_is_pops(S, n);
        Diag *d = diag_add(S->diags, D_bad_argument, n->span, "expected the event of a population");
        if (pops) diag_hint(d, "write `%s.spike`", ast_source(S->ast, n));
        else diag_hint(d, "write `POPULATION.spike`");
        return false;
    }
    Ex from = network_pops(S, n->kid[0]);
    if (from.kind != EX_POPS || !wire_port_free(S, n->kid[0], from, "what sends the event")) return false;
    if (n->name == spike && !wire_sends_spikes(S, n->kid[0], from)) return false;
    PlanFrom *list = arena_many(S->arena, PlanFrom, (size_t)from.n + 1);
    for (int k = 0; k < from.n; k++) {
        const PopInfo *p = &S->pop[from.pops[k].pop];
        list[k] = (PlanFrom){p->plan, n->name == spike || !p->inst ? -1 : moments_event(p->inst, n->name), from.pops[k].sel};
        if (n->name == spike || list[k].field >= 0) continue;
        if (p->inst && follow_up(S, p->inst->def.body, n->name)) return false;
        Diag *d = diag_add(S->diags, D_unknown_name, ast_name_span(n), "`%s` has no event `%s`", p->name, n->name);
        const char **cand = NULL;
        vec_push(cand, spike);
        for (int q = 0; p->inst && q < p->inst->def.body->n_kids; q++)
            if (p->inst->def.body->kid[q] && p->inst->def.body->kid[q]->kind == N_event) vec_push(cand, p->inst->def.body->kid[q]->name);
        const char *near = diag_nearest(n->name, cand, vec_len(cand));
        diag_hint(d, "write `%s.%s`", ast_source(S->ast, n->kid[0]), near ? near : spike);
        vec_free(cand);
        return false;
    }
    h->from = list;
    h->n_from = from.n;
    return true;
}

static bool bind_event(Inst *in, Node *connect, const Moment *m, PlanHandler *h)
{
    Sema *S = in->S;
    if (!connect) return true;
    Node *given = setting_of(in, m->name);
    if (given) return bind_from(in, given, h);
    if (follow_up(S, connect, m->name)) return false;
    Node *call = connect->kid[2];
    Diag *d = diag_add(S->diags, D_missing_setting, call->span, "`%s` needs its event `%s`", in->def.name, m->name);
    const Node *e = event_of(in, m->name);
    if (e->doc) diag_note(d, "%s: %s", m->name, e->doc);
    diag_hint(d, in->settings ? "add `%s = POPULATION.spike` to the block" : "write `{ %s = POPULATION.spike }` behind the connection", m->name);
    return false;
}

/* An event of one of the two neurons themselves. */
static bool bind_end(Inst *in, const Moment *m, PlanHandler *h)
{
    Sema *S = in->S;
    const PopRef *r = m->when == ON_PRE ? in->joint->from : in->joint->to;
    h->field = -1;
    if (!m->end || !r) return true;
    const PopInfo *p = &S->pop[r->pop];
    h->field = p->inst ? moments_event(p->inst, m->end->name) : -1;
    if (h->field >= 0) return true;
    if (p->inst && follow_up(S, p->inst->def.body, m->end->name)) return false;
    Diag *d = diag_add(S->diags, D_unknown_name, m->end->span, "the %s, `%s`, has no event `%s`", m->when == ON_PRE ? "source" : "target", p->name, m->end->name);
    diag_hint(d, "add `event %s when … { }` to its model", m->end->name);
    return false;
}

/* ---- code ---- */
static bool any_draw(const IrFn *fn)
{
    for (size_t k = 0; k < vec_len(fn->ins); k++)
        if (fn->ins[k].op >= OP_RUNIFORM && fn->ins[k].op <= OP_RPOISSON) return true;
    return false;
}

static void emit(Inst *in, const Moment *m, const char *name, PlanHandler *h)
{
    static const FnRole role[] = {[ON_PRE] = FN_PRE, [ON_POST] = FN_POST, [ON_EVENT] = FN_EVENT};
    Sema *S = in->S;
    Joint *joint = in->joint;
    IrFn *fn = ir_fn(in->mod, name, role[m->when], LANE_SYNAPSE);
    Ctx c = inst_ctx(in, fn, name);
    c.has_j = true;
    c.source_n = joint->from ? (int)joint->from->sel.n : 1;
    c.target_n = joint->to ? (int)joint->to->sel.n : 1;
    block_begin(&c, joint->n_sums);
    int none = ir_const(fn, 0);
    for (int k = 0; k < joint->n_sums; k++) c.cur[c.n_cur - 1 - k] = none;
    joint->handler = role[m->when];
    for (int k = 0; k < in->def.body->n_kids; k++) {
        Node *p = in->def.body->kid[k];
        Moment own;
        bool on = p && p->kind == N_on && (p->kid[0]->kind == N_name || p->kid[0]->kind == N_field) && moment_of(in, p, &own);
        if (on && own.name == m->name && own.after == m->after) block_stmts(&c, p->kid[2]);
    }
    joint->handler = 0;
    block_flush(&c);
    for (int k = 0; k < joint->n_sums; k++) {
        int v = c.cur[c.n_cur - 1 - k];
        if (v == none || !joint->to) continue;
        h->sum[h->n_sums] = inst_slot(S->pop[joint->to->pop].inst, joint->sum[k])->acc;
        ir_out(fn, h->n_sums++, v, (Span){0, 0});
    }
    h->fn = ir_fn_index(in->mod, fn);
    h->draws = any_draw(fn);
}

void handlers_emit(Inst *in, Node *connect, PlanSynapse *plan)
{
    Moment *m;
    int n = moments(in, &m), further[3] = {0};
    Node *late = connect ? wire_setting(in->settings, "post_delay") : NULL;
    bool post = n < 0;
    for (int k = 0; k < n; k++) post = post || m[k].when == ON_POST;
    if (late && !post && !follow_body(in->S, in->def.body)) {
        Diag *d = diag_add(in->S->diags, D_unknown_setting, late->span, "`%s` does nothing at a spike of the target", in->def.name);
        diag_note(d, "`post_delay` moves `on post`");
    }
    if (n <= 0) return;
    PlanHandler *list = arena_many(in->S->arena, PlanHandler, (size_t)n);
    for (int k = 0; k < n; k++) {
        PlanHandler *h = &list[k];
        const char *name = m[k].when == ON_EVENT ? arena_printf(in->S->arena, "on.%s", m[k].name) : m[k].name;
        int64_t delay;
        if (m[k].after) name = arena_printf(in->S->arena, "%s.after.%d", name, further[m[k].when]++);
        *h = (PlanHandler){.when = m[k].when, .trace = -1};
        if (!bind_end(in, &m[k], h)) continue;
        if (m[k].when == ON_EVENT && !bind_event(in, connect, &m[k], h)) continue;
        if (!delay_of(in, &m[k], &delay)) continue;
        h->after = m[k].after + delay;
        emit(in, &m[k], name, h);
    }
    plan->handler = list;
    plan->n_handlers = n;
}

static bool looks(const IrModule *m, const IrFn *fn, Op op, FieldKind kind)
{
    for (size_t k = 0; k < vec_len(fn->ins); k++)
        if (fn->ins[k].op == op && (op == OP_I || m->field[fn->ins[k].imm.k].kind == kind)) return true;
    return false;
}

static const uint8_t *use_of(Arena *a, const IrModule *m, const IrFn *fn)
{
    uint8_t *use = arena_many(a, uint8_t, vec_len(m->field) + 1);
    for (size_t k = 0; k < vec_len(fn->ins); k++) {
        const Ins *s = &fn->ins[k];
        if (s->op == OP_LOAD) use[s->imm.k] |= PLAN_READS;
        if (s->op == OP_STORE) use[s->imm.k] |= PLAN_WRITES;
    }
    return use;
}

void handlers_needs(const Inst *in, PlanSynapse *plan)
{
    for (int k = 0; k < plan->n_handlers; k++) {
        PlanHandler *h = (PlanHandler *)(uintptr_t)&plan->handler[k]; /* made by handlers_emit */
        const IrFn *fn = in->mod->fn[h->fn];
        h->use = use_of(in->S->arena, in->mod, fn);
        bool neuron = looks(in->mod, fn, OP_SRC_LOAD, FIELD_SOURCE), trace = looks(in->mod, fn, OP_SRC_LOAD, FIELD_PRE);
        plan->reads_source = plan->reads_source || neuron;
        plan->needs_mult = plan->needs_mult || h->draws;
        if (h->when != ON_PRE) plan->needs_source = plan->needs_source || neuron || trace || h->draws || looks(in->mod, fn, OP_I, FIELD_STATE);
    }
}
