/* What joins populations and watches them: connect, stimulus, record, run. */
#include "protocol.h"
#include "space.h"

#include <math.h>
#include <string.h>

Node *wire_setting(Node *settings, const char *name)
{
    for (int k = 0; settings && k < settings->n_kids; k++)
        if (settings->kid[k] && settings->kid[k]->kind == N_entry && !strcmp(settings->kid[k]->name, name)) return settings->kid[k]->kid[0];
    return NULL;
}

void wire_check_settings(Sema *S, Node *settings, const char *const *known, int n_known, const char *of)
{
    for (int k = 0; settings && k < settings->n_kids; k++) {
        Node *e = settings->kid[k];
        if (!e || e->kind != N_entry) continue;
        bool ok = false;
        for (int q = 0; q < n_known; q++) ok = ok || !strcmp(known[q], e->name);
        Span at = ast_name_span(e);
        for (int q = 0; q < k; q++)
            if (settings->kid[q] && settings->kid[q]->kind == N_entry && settings->kid[q]->name == e->name) {
                Diag *d = diag_add(S->diags, D_duplicate_name, at, "`%s` is set twice", e->name);
                diag_note_at(d, settings->kid[q]->span, "the first time here");
            }
        if (ok) continue;
        if (follow_up(S, settings, e->name)) continue;
        Diag *d = diag_add(S->diags, D_unknown_setting, at, "%s has no setting `%s`", of, e->name);
        const char *near = diag_nearest(e->name, known, (size_t)n_known);
        if (!strcmp(e->name, "post_delay")) diag_note(d, "only synapses with `on post` do anything at a spike of their target");
        else if (near) diag_hint(d, "did you mean `%s`?", near);
        else {
            Buf all = {0};
            for (int q = 0; q < n_known; q++) buf_printf(&all, "%s`%s`", q ? ", " : "", known[q]);
            diag_note(d, "its settings are %s", all.p);
            buf_free(&all);
        }
    }
}

/* Adds a setting at the beginning of a block. */
void wire_mend_block(Diag *d, const Node *settings, const char *name, const char *unit)
{
    uint32_t at = settings->span.lo + 1;
    diag_mend(d, (Span){at, at}, " %s = 1%s%s%s", name, *unit ? " " : "", unit, settings->n_kids ? "," : " ");
}

/* The element of a broadcast value that belongs to this cell. */
Ex wire_pick(Sema *S, Node *n, Ex e, const Cell *c)
{
    int rank = 0, sides = (c->from_list ? 1 : 0) + (c->to_list ? 1 : 0);
    for (Ex s = e; s.kind == EX_LIST && s.n; s = s.item[0]) rank++;
    if (e.kind == EX_LIST && !e.n) rank = 1;
    if (rank == 0) return e;
    if (sides == 2 && rank == 1) {
        const char *t = ast_source(S->ast, n);
        Diag *d = diag_add(S->diags, D_flat_list, n->span, "a flat list between two lists can be read in two ways");
        diag_note(d, "%d populations go to %d populations", c->n_from, c->n_to);
        if (n->kind == N_list && n->n_kids && n->n_kids <= 8) {
            Buf rows = {0};
            for (int k = 0; k < n->n_kids; k++) buf_printf(&rows, "%s[%s]", k ? ", " : "", ast_source(S->ast, n->kid[k]));
            diag_hint(d, "write `[%s]` for one value per source, or `[%s]` for one value per target", rows.p, t);
            buf_free(&rows);
        } else
            diag_hint(d, "write `[[a], [b], …]` for one value per source, or `[[a, b, …]]` for one value per target");
        return ex_poison();
    }
    if (rank > sides) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, n->span, rank == 1 ? "a list where one value is expected" : "a matrix where %s expected",
                           sides ? "a list is" : "one value is");
        diag_note(d, "lists of values go with lists of populations: %s", sides ? "here one side is a list" : "here neither side is one");
        return ex_poison();
    }
    int size[2], at[2];
    if (sides == 2) size[0] = c->n_from, size[1] = c->n_to, at[0] = c->a, at[1] = c->b;
    else size[0] = c->from_list ? c->n_from : c->n_to, at[0] = c->from_list ? c->a : c->b;
    for (int k = 0; k < rank; k++) {
        if (e.n != size[k] && e.n != 1) {
            Diag *d = diag_add(S->diags, D_shape_mismatch, n->span, "%d %s for %d populations", e.n, sides == 2 && k == 0 ? "rows" : sides == 2 ? "columns" : "values", size[k]);
            if (sides == 2) diag_note(d, "rows are the %d sources, columns the %d targets", c->n_from, c->n_to);
            return ex_poison();
        }
        e = e.item[e.n == 1 ? 0 : at[k]];
    }
    return e;
}

const char *wire_place(Sema *S, Span at)
{
    Place p = source_place(S->ast->sources, at.lo);
    return p.file ? arena_printf(S->arena, "%s:%u:%u", p.file->path, p.line, p.col) : "";
}

const char *wire_selected(Sema *S, const PopRef *r)
{
    PopInfo *p = &S->pop[r->pop];
    if (!r->sel.index && r->sel.n == p->n) return p->name;
    if (!r->sel.index) return arena_printf(S->arena, "%s[%u:%u]", p->name, r->sel.lo, r->sel.hi);
    return arena_printf(S->arena, "%s[%u of %u]", p->name, r->sel.n, p->n);
}

/* ---- first look: which ports are used, which populations excite or inhibit ---- */
static void use_port(Sema *S, const PopRef *r, Span at, bool events)
{
    PopInfo *p = &S->pop[r->pop];
    Slot *s = network_port(S, r, at, events);
    if (!s) return;
    for (size_t k = 0; k < vec_len(p->used_ports); k++)
        if (p->used_ports[k] == s->name) return;
    vec_push(p->used_ports, s->name);
}

bool wire_port_free(Sema *S, Node *n, Ex e, const char *side)
{
    for (int k = 0; k < e.n; k++)
        if (e.pops[k].port) {
            Diag *d = diag_add(S->diags, D_unknown_port, e.pops[k].span.hi ? e.pops[k].span : n->span, "%s is a population, not a port", side);
            diag_hint(d, "leave out `.%s`", e.pops[k].port);
            if (e.pops[k].span.hi) diag_mend(d, (Span){e.pops[k].span.lo - 1, e.pops[k].span.hi}, "%s", "");
            return false;
        }
    return true;
}

/* Do any of these populations send spikes? Diagnoses. */
bool wire_sends_spikes(Sema *S, Node *n, Ex e)
{
    const PopInfo *p = NULL;
    for (int k = 0; k < e.n; k++) {
        p = &S->pop[e.pops[k].pop];
        if (p->is_source || !p->inst || p->inst->spike || follow_body(S, p->inst->def.body)) return true;
    }
    if (!p) return true;
    if (follow_up(S, "spikes", p->inst->def.body->name)) return false;
    Diag *d = diag_add(S->diags, D_spike_missing, n->span, "`%s` sends no spikes", p->name);
    diag_note_at(d, p->inst->def.body->name_span.hi ? p->inst->def.body->name_span : p->inst->def.body->span, "its model has no `spike when`");
    for (size_t k = 0; k < vec_len(p->inst->slot); k++)
        if (p->inst->slot[k].kind == DECL_STATE) {
            diag_hint(d, "add a line such as `spike when %s > … { %s = … }`", p->inst->slot[k].name, p->inst->slot[k].name);
            break;
        }
    return false;
}

/* Is the port of a connection a state, into which events go? Else its synapses add to an input in every step. */
static bool takes_events(Sema *S, Node *n)
{
    ModelDef model;
    if (!n->name2 || n->name2 == sym("static") || !model_find(S, n->name2, n->name2_span.hi ? n->name2_span : n->span, B_SYNAPSE, &model)) return true;
    return !continuous_aims(model.body);
}

/* What a synapse adds to besides the port. */
static void use_sums(Sema *S, Node *n, Ex to)
{
    Sym sum[PLAN_SUMS];
    ModelDef model;
    if (!n->name2 || n->name2 == sym("static") || !model_find(S, n->name2, n->name2_span.hi ? n->name2_span : n->span, B_SYNAPSE, &model)) return;
    int n_sums = synapse_sums(model.body, sum, 0);
    for (int q = 0; q < to.n; q++)
        for (int k = 0; k < n_sums; k++) {
            PopInfo *p = &S->pop[to.pops[q].pop];
            Slot *s = p->inst ? inst_slot(p->inst, sum[k]) : NULL;
            bool known = !s || s->kind != DECL_STATE;
            for (size_t j = 0; j < vec_len(p->used_ports); j++) known = known || p->used_ports[j] == sum[k];
            if (!known) vec_push(p->used_ports, sum[k]);
        }
}

void wire_used_ports(Sema *S)
{
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        if (n->kind == N_connect) {
            Ex from = network_pops(S, n->kid[0]), to = network_pops(S, n->kid[1]);
            if (from.kind == EX_POPS) (void)wire_port_free(S, n->kid[0], from, "the source");
            for (int q = 0; to.kind == EX_POPS && q < to.n; q++) use_port(S, &to.pops[q], n->kid[1]->span, takes_events(S, n));
            if (to.kind == EX_POPS) use_sums(S, n, to);
        } else if (n->kind == N_stimulus) {
            Ex to = network_pops(S, n->kid[0]);
            const StimDef *d = stimuli_find(S, n->kid[1]);
            for (int q = 0; d && d->events && to.kind == EX_POPS && q < to.n; q++) use_port(S, &to.pops[q], n->kid[0]->span, true);
        }
    }
}

/* ---- attributes ---- */
Ctx wire_attr_ctx(AttrWork *w, IrFn *fn, const char *salt)
{
    Ctx c = ctx_const(w->S, salt);
    c.fn = fn;
    c.mod = w->mod;
    c.has_i = c.has_j = c.has_draws = true;
    c.salt = salt;
    c.source_n = (int)w->from.sel.n;
    c.target_n = (int)w->to.sel.n;
    c.from = &w->from;
    c.to = &w->to;
    c.wrap = w->wrap;
    return c;
}

IrFn *wire_attr_fn(AttrWork *w, const char *name, FnRole role)
{
    if (!w->mod) w->mod = network_new_module(w->S, w->name);
    return ir_fn(w->mod, name, role, LANE_SYNAPSE);
}

/* A value of dimension `want`, constant or a function of (i, j) with draws. */
static bool attr_value(AttrWork *w, Node *n, const char *salt, FnRole role, Dim want, const char *what, PlanAttr *out)
{
    IrFn *fn = wire_attr_fn(w, salt, role);
    Ctx c = wire_attr_ctx(w, fn, salt);
    Ex e = elab(&c, n);
    if (e.kind != EX_POISON) e = wire_pick(w->S, n, e, w->cell);
    if (e.kind == EX_POISON || !elab_fits(&c, n, e, want, what)) return false;
    *out = (PlanAttr){.kernel = -1, .fn = -1};
    if (e.is_const) {
        if (isnan(e.num)) {
            diag_add(w->S->diags, D_non_finite_constant, n->span, "%s has no value (it is 0/0 or the like)", what);
            return false;
        }
        out->value = e.num;
        vec_free(fn->ins);
        (void)vec_pop(w->mod->fn);
        return true;
    }
    out->varies = true;
    out->fn = ir_fn_index(w->mod, fn);
    ir_out(fn, 0, ex_value(&c, e), n->span);
    return true;
}

/* `store = procedural`: may these synapses be made anew for each spike, and shall they? */
static bool store_setting(Sema *S, Node *n, const RuleDef *rule, const ModelDef *model)
{
    static const char *const words[] = {"procedural", "stored"};
    Node *v = wire_setting(n->n_kids > 3 ? n->kid[3] : NULL, "store");
    if (!v || v->kind == N_poison || (v->kind == N_name && v->name == sym("stored"))) return false;
    if (v->kind != N_name || v->name != sym("procedural")) {
        Diag *d = diag_add(S->diags, D_bad_argument, v->span, "`store` is a word, `stored` or `procedural`");
        const char *near = v->kind == N_name ? diag_nearest(v->name, words, 2) : NULL;
        if (near) diag_hint(d, "did you mean `%s`?", near);
        return false;
    }
    Diag *d = NULL;
    if (model) {
        d = diag_add(S->diags, D_must_be_stored, v->span, "synapses of `%s` have values of their own, which must be stored", model->name);
        diag_hint(d, "leave `store` out, or connect without `using`");
    } else if (rule->by_target) {
        d = diag_add(S->diags, D_must_be_stored, v->span, "`%s` draws for each target, so a single source cannot tell its synapses", rule->name);
        diag_hint(d, "take a rule that works by source, such as `outdegree`, `total` or `probability`, or leave `store` out");
    } else if (protocol_watched(S, n->name, NULL)) {
        d = diag_add(S->diags, D_must_be_stored, v->span, "blocks read or set the synapses of `%s`, so these must be stored", n->name);
        diag_hint(d, "leave `store` out, or the statements about `%s`", n->name);
    }
    return !d;
}

static PlanTri tri_setting(Sema *S, Node *settings, const char *name)
{
    Node *n = wire_setting(settings, name);
    if (!n) return TRI_DEFAULT;
    Ctx c = ctx_const(S, name);
    Ex e = elab_bool(&c, n);
    return e.kind != EX_BOOL ? TRI_DEFAULT : e.num != 0 ? TRI_TRUE : TRI_FALSE;
}

bool wire_seed(Sema *S, Node *settings, uint64_t *seed)
{
    Node *n = wire_setting(settings, "seed");
    Ctx c = ctx_const(S, "a seed");
    double v;
    if (!n || !elab_const(&c, n, DIM_NONE, "a seed", &v)) return false;
    if (v != floor(v) || v < 0 || v > 9007199254740992.0) {
        diag_add(S->diags, D_bad_count, n->span, "a seed is a whole number from 0 on");
        return false;
    }
    *seed = (uint64_t)v;
    return true;
}

static const RuleDef *rule_find(Sema *S, Node *rule)
{
    const Registry *r = S->opt->registry;
    Node *name = rule->kind == N_call ? rule->kid[0] : rule;
    if (rule->kind == N_poison) return NULL;
    const char *cand[64];
    int n = 0;
    for (int k = 0; k < r->n_rules && n < 64; k++) cand[n++] = r->rule[k]->name;
    if (name->kind != N_name) {
        Diag *d = diag_add(S->diags, D_unknown_rule, rule->span, "expected a connection rule");
        if (rule->kind == N_pct || rule->kind == N_num) diag_hint(d, "write `probability(%s)`", ast_source(S->ast, rule));
        else diag_hint(d, "write `probability(10%%)`, `indegree(100)`, `one_to_one` or another rule (`cortexc list rules`)");
        return NULL;
    }
    for (int k = 0; k < r->n_rules; k++)
        if (!strcmp(r->rule[k]->name, name->name)) return r->rule[k];
    if (follow_up(S, "rule", name->name)) return NULL;
    Diag *d = diag_add(S->diags, D_unknown_rule, name->span, "there is no connection rule `%s`", name->name);
    const char *near = diag_nearest(name->name, cand, (size_t)n);
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else {
        Buf all = {0};
        for (int k = 0; k < n; k++) buf_printf(&all, "%s%s", k ? ", " : "", cand[k]);
        diag_note(d, "the rules are %s", all.p);
        buf_free(&all);
    }
    return NULL;
}

/* Arguments of a rule or stimulus call by the registry's table. */
bool wire_args(Sema *S, Node *call, const char *name, const ArgDef *def, int n_def, const char *example, Node **out)
{
    int pos = 0;
    for (int k = 0; k < n_def; k++) out[k] = NULL;
    for (int k = 1; call->kind == N_call && k < call->n_kids; k++) {
        Node *a = call->kid[k];
        int at = -1;
        if (a->kind == N_arg) {
            const char *cand[16];
            for (int q = 0; q < n_def && q < 16; q++) {
                cand[q] = def[q].name;
                if (!strcmp(def[q].name, a->name)) at = q;
            }
            if (at < 0) {
                Diag *d = diag_add(S->diags, D_bad_argument, a->span, "`%s` has no argument `%s`", name, a->name);
                const char *near = diag_nearest(a->name, cand, (size_t)n_def);
                if (near) diag_hint(d, "did you mean `%s`?", near);
                else if (n_def == 1 && a->n_kids) diag_hint(d, "write `%s(%s = %s)`", name, def[0].name, ex_source(S, a->kid[0]));
                else diag_hint(d, "write it like `%s`", example);
                return false;
            }
            if (out[at]) {
                Diag *d = diag_add(S->diags, D_bad_argument, a->span, "`%s` gets its argument `%s` twice", name, a->name);
                diag_note_at(d, out[at]->span, "the first time here");
                return false;
            }
            out[at] = a->kid[0];
        } else if (a->kind == N_poison)
            return false;
        else if (pos < n_def)
            out[pos++] = a;
        else {
            Diag *d = diag_add(S->diags, D_wrong_argument_count, a->span, "`%s` takes %s%d argument%s", name, n_def ? "at most " : "", n_def, n_def == 1 ? "" : "s");
            diag_hint(d, "write it like `%s`", example);
            return false;
        }
    }
    for (int k = 0; k < n_def; k++)
        if (def[k].required && !out[k]) {
            Diag *d = diag_add(S->diags, D_wrong_argument_count, call->span, "`%s` needs its `%s`", name, def[k].name);
            diag_note(d, "%s: %s", def[k].name, def[k].doc);
            diag_hint(d, "write it like `%s`", example);
            return false;
        }
    return true;
}

bool wire_in_range(Sema *S, Node *at, const ArgDef *d, double v)
{
    if (v >= d->lo && v <= d->hi && (d->kind != ARG_COUNT || v == floor(v))) return true;
    if (d->kind == ARG_FRACTION || d->kind == ARG_CHANCE) {
        Diag *g = diag_add(S->diags, D_bad_probability, at->span, "a probability lies between 0 and 1, this is %.17g", v);
        if (v > 1 && v <= 100 && at->kind == N_num) diag_hint(g, "write `%s%%`", ast_source(S->ast, at));
        return false;
    }
    bool whole = d->kind == ARG_COUNT && v != floor(v);
    Diag *g = diag_add(S->diags, D_bad_count, at->span, whole ? "`%s` is a whole number, this is %.17g" : "`%s` cannot be %.17g", d->name, v);
    diag_note(g, "%s: %s", d->name, d->doc);
    return false;
}

/* Delay of a projection, in steps when it is the same for all. */
static bool delay_attr(AttrWork *w, Node *n, PlanAttr *out)
{
    Sema *S = w->S;
    if (!n) {
        *out = (PlanAttr){.value = 1, .kernel = -1, .fn = -1};
        return true;
    }
    if (!attr_value(w, n, "delay", FN_DELAY, DIM_TIME, "a delay", out)) return false;
    if (out->varies) return true;
    int64_t steps;
    bool exact;
    double ms = out->value;
    if (!(ms >= 0) || isinf(ms) || !decimal_steps(ms, S->dt, &steps, &exact) || steps > 10000000) {
        Diag *d = diag_add(S->diags, D_bad_delay, n->span, ms < 0 ? "a delay cannot be negative" : "this delay is too long");
        diag_note(d, "a delay is a time from 0 ms to 10 million steps");
        if (ms < 0 && n->kind == N_neg) diag_hint(d, "write `%s`", ex_source(S, n->kid[0]));
        return false;
    }
    out->value = (double)steps;
    double got = decimal_time(steps, S->dt);
    if (!exact && fabs(got - ms) > 0.01 * ms) {
        Diag *d = diag_add(S->diags, D_delay_rounded, n->span, "this delay becomes %s", unit_show(S->arena, got, DIM_TIME, NULL));
        diag_note(d, "delays are multiples of the time step %s", unit_show(S->arena, S->dt, DIM_TIME, NULL));
    }
    return true;
}

bool wire_weight(AttrWork *w, Node *settings, Node *call, const Slot *port, PlanAttr *out)
{
    Sema *S = w->S;
    Node *n = wire_setting(settings, "weight");
    if (!n) {
        static const char *const meant[] = {"weight"};
        for (int k = 0; settings && k < settings->n_kids; k++)
            if (settings->kid[k] && (settings->kid[k]->kind == N_poison || diag_nearest(settings->kid[k]->name, meant, 1))) return false;
        Diag *d = diag_add(S->diags, D_missing_setting, call->span, "this needs a weight");
        const char *unit = port->unit.text ? port->unit.text : dim_unit(S->arena, port->dim);
        diag_note(d, "`%s` is %s", port->name, dim_say(S->arena, port->dim));
        if (settings) diag_hint(d, "add `weight = 1%s%s` to the block", *unit ? " " : "", unit), wire_mend_block(d, settings, "weight", unit);
        else diag_hint(d, "write `%s { weight = 1%s%s }`", ex_source(S, call), *unit ? " " : "", unit);
        return false;
    }
    if (!attr_value(w, n, "weight", FN_WEIGHT, port->dim, "a weight", out)) return false;
    if (out->varies) return true;
    if (isinf(out->value)) {
        diag_add(S->diags, D_non_finite_constant, n->span, "a weight must be finite");
        return false;
    }
    if (out->value < 0 && port->has_range && port->lo >= 0) {
        Diag *d = diag_add(S->diags, D_negative_conductance, n->span, "a negative weight into `%s`, which cannot be negative", port->name);
        diag_note(d, "the synapse `%s` would pull `%s` below the range it is declared with", w->name, port->name);
        PopInfo *to = &S->pop[w->to.pop];
        Slot *gi = to->inst ? inst_slot(to->inst, sym("gi")) : NULL;
        if (gi && gi->is_port && gi != port) diag_hint(d, "inhibition is a positive weight into an inhibitory port: aim at `%s.gi` with `%s`", to->name, unit_show(S->arena, -out->value, port->dim, NULL));
        else diag_hint(d, "inhibition is a positive weight into an inhibitory port, such as `gi`");
        return false;
    }
    return true;
}

static void note_sign(Sema *S, int pop, const PlanAttr *weight, const Slot *port)
{
    PopInfo *p = &S->pop[pop];
    bool inh = (!weight->varies && weight->value < 0) || !strcmp(port->name, "gi") || !strcmp(port->name, "Ii");
    p->all_inh = (p->any_out ? p->all_inh : true) && inh;
    p->any_out = true;
}

static Ex pick_cell(const void *user, Node *n, Ex e)
{
    const AttrWork *w = user;
    return wire_pick(w->S, n, e, w->cell);
}

/* May these synapses be static ones, because they do nothing but `on pre { port += weight }`? */
static bool is_static(const ModelDef *def, Node *settings)
{
    const Node *body = def->body, *on = NULL, *decl = NULL;
    for (int k = 0; k < body->n_kids; k++) {
        const Node *p = body->kid[k];
        if (p && p->kind == N_on && !on) on = p;
        else if (p && p->kind == N_decls && p->n_kids == 1 && !decl) decl = p->kid[0];
        else if (p) return false;
    }
    if (!on || !decl || def->n_settings || !wire_setting(settings, "weight")) return false;
    bool weight = decl->name == sym("weight") && decl->kid[0] && decl->kid[0]->name == sym("port") && (decl->n_kids < 3 || !decl->kid[2]);
    bool pre = on->kid[0]->kind == N_name && on->kid[0]->name == sym("pre") && !on->kid[1] && on->kid[2] && on->kid[2]->n_kids == 1;
    const Node *add = pre ? on->kid[2]->kid[0] : NULL;
    return weight && add && add->kind == N_assign && add->op == '+' && add->kid[0]->kind == N_name && add->kid[0]->name == sym("port") &&
           add->kid[1]->kind == N_name && add->kid[1]->name == sym("weight");
}

/* A weight that a block sets to values that differ between synapses is stored for each from the beginning. */
static void vary_weight(AttrWork *w, Sym as, PlanAttr *weight)
{
    const Mark *m = as ? protocol_marked(w->S, B_PROJ, as, sym("weight")) : NULL;
    if (!m || !m->spread || weight->varies) return;
    IrFn *fn = wire_attr_fn(w, "weight", FN_WEIGHT);
    ir_out(fn, 0, ir_const(fn, weight->value), (Span){0, 0});
    *weight = (PlanAttr){.varies = true, .kernel = -1, .fn = ir_fn_index(w->mod, fn)};
}

/* One cell of a connect: one source population to one target population. */
static bool connect_cell(Sema *S, Node *n, const ModelDef *model, const RuleDef *rule, Node **args, const Cell *cell, const PopRef *from, const PopRef *to, bool many, bool procedural)
{
    Slot *port = network_port(S, to, n->kid[1]->span, !model || !continuous_aims(model->body));
    if (!port) return false;
    Node *settings = n->n_kids > 3 ? n->kid[3] : NULL, *delay = wire_setting(settings, "delay");
    if (delay && model && continuous_silent(model->body)) {
        Diag *d = diag_add(S->diags, D_bad_delay, delay->span, "`%s` has nothing that a delay could hold up", n->name2);
        diag_note(d, "a delay is that of the spikes, for `on pre`; what is done in every step reads both neurons at one time");
        return false;
    }
    const char *name = arena_printf(S->arena, "%s->%s.%s", wire_selected(S, from), wire_selected(S, to), port->name);
    if (n->name) name = many ? arena_printf(S->arena, "%s:%s", n->name, name) : n->name;
    AttrWork *w = arena_one(S->arena, AttrWork); /* the protocol looks at it later */
    *w = (AttrWork){.S = S, .cell = arena_dup(S->arena, cell, sizeof *cell), .from = *from, .to = *to, .name = name};
    Inst *synapse = NULL;
    PlanProj p = {.place = wire_place(S, n->span), .src = S->pop[from->pop].plan, .tgt = S->pop[to->pop].plan, .port = network_port_index(S->pop[to->pop].inst, port),
                  .src_sel = from->sel, .tgt_sel = to->sel, .rule = rule->name, .kernel = -1, .prob_kernel = -1, .prob_fn = -1};
    if (!space_wrap(S, wire_setting(settings, "wrap"), w->wrap)) return false;
    bool special = rules_special(rule), ok = !special || rules_args(w, rule, args, &settings, port, model != NULL, &p), none = false;
    if (!ok && (rules_weighted(rule) || rule->arg[0].kind == ARG_EDGES)) return false; /* no word on weights that it may have given */
    for (int k = 0; !special && k < rule->n_args; k++) {
        const ArgDef *d = &rule->arg[k];
        p.arg[k] = d->def;
        if (!args[k]) continue;
        PlanAttr v = {0};
        if (!attr_value(w, args[k], d->name, FN_PROB, DIM_NONE, arena_printf(S->arena, "`%s`", d->name), &v)) {
            ok = false;
            continue;
        }
        if (v.varies && d->kind != ARG_FRACTION) {
            diag_add(S->diags, D_not_constant, args[k]->span, "`%s` must be the same for all synapses", d->name);
            ok = false;
        } else if (v.varies)
            p.prob_fn = v.fn;
        else if (!wire_in_range(S, args[k], d, v.value))
            ok = false;
        else {
            p.arg[k] = v.value;
            none = none || (v.value == 0 && (d->kind == ARG_FRACTION || d->kind == ARG_COUNT));
        }
    }
    p.procedural = procedural;
    p.autapses = tri_setting(S, settings, "autapses");
    p.multapses = tri_setting(S, settings, "multapses");
    p.has_key_seed = wire_seed(S, settings, &p.seed);
    ok = delay_attr(w, wire_setting(settings, "delay"), &p.delay) && ok;
    if (model) {
        Joint *joint = arena_one(S->arena, Joint);
        *joint = (Joint){.from = from, .to = to, .port = port, .pick = pick_cell, .user = w, .wrap = w->wrap};
        Node *own = n; /* with what the rule adds to its block */
        if (settings != (n->n_kids > 3 ? n->kid[3] : NULL)) {
            own = ast_kids(S->ast, N_connect, n->span, 4, n->kid[0], n->kid[1], n->kid[2], settings);
            own->name = n->name, own->name_span = n->name_span, own->name2 = n->name2, own->name2_span = n->name2_span;
        }
        synapse = synapse_new(S, own, model, joint, name, &p);
        ok = synapse && ok;
    } else if (!rules_weighted(rule))
        ok = wire_weight(w, settings, n->kid[2], port, &p.weight) && ok;
    p.watched = protocol_watched(S, n->name, model ? model->name : NULL);
    none = none && !p.watched; /* what a block names is there, also where a sweep leaves it no synapse */
    if (ok && !model) vary_weight(w, n->name, &p.weight);
    if (ok) note_sign(S, from->pop, &p.weight, port);
    if (ok && !none && w->mod && vec_len(w->mod->fn)) {
        int kernel = network_module(S, w->mod);
        if (p.prob_fn >= 0) p.prob_kernel = kernel;
        if (p.weight.varies && !synapse) p.weight.kernel = kernel;
        if (p.delay.varies) p.delay.kernel = kernel;
    }
    if (!ok) return false;
    p.name = network_unique(S, name);
    char why[400];
    if (!none && !S->opt->registry->check_rule(&p, S->pop[from->pop].name, S->pop[to->pop].name, why, sizeof why)) {
        diag_add(S->diags, D_bad_count, n->kid[2]->span, "%s", why);
        return false;
    }
    if (!none) vec_push(S->proj, p);
    if (!none) vec_push(S->joined, ((ProjInfo){.name = p.name, .as = n->name, .port = port, .inst = synapse, .model = model ? model->name : NULL, .from = *from, .to = *to}));
    return true;
}

/* Neurons that were drawn more than once take part as often. That has a meaning where the rule looks at each of them
 * by itself: as sources, as targets. */
static bool takes_again(Sema *S, Node *n, const RuleDef *rule, const PopRef *from, const PopRef *to)
{
    static const char *const both[] = {"all_to_all", "probability", "where"};
    bool source = !strcmp(rule->name, "outdegree") || !strcmp(rule->name, "each"), target = !strcmp(rule->name, "indegree");
    for (size_t k = 0; k < sizeof both / sizeof *both; k++)
        if (!strcmp(both[k], rule->name)) source = target = true;
    if ((!from->more || source) && (!to->more || target)) return true;
    Diag *d = diag_add(S->diags, D_bad_argument, n->kid[from->more && !source ? 0 : 1]->span, "`%s` cannot join neurons that are drawn with replacement here", rule->name);
    diag_note(d, "a neuron that is drawn twice counts twice: as a source for all_to_all, probability, where, outdegree and each, as a target for indegree instead of the last two");
    return false;
}

static void wire_connect(Sema *S, Node *n)
{
    static const char *const known[] = {"weight", "delay", "autapses", "multapses", "seed", "wrap", "store"};
    Ex from = network_pops(S, n->kid[0]), to = network_pops(S, n->kid[1]);
    const RuleDef *rule = rule_find(S, n->kid[2]);
    bool plastic = n->name2 && n->name2 != sym("static");
    ModelDef model;
    if (plastic && !model_find(S, n->name2, n->name2_span.hi ? n->name2_span : n->span, B_SYNAPSE, &model)) return;
    if (plastic && is_static(&model, n->n_kids > 3 ? n->kid[3] : NULL) && !protocol_watched(S, NULL, model.name)) plastic = false;
    if (!plastic) wire_check_settings(S, n->n_kids > 3 ? n->kid[3] : NULL, known, sizeof known / sizeof *known, "a connection");
    if (from.kind != EX_POPS || to.kind != EX_POPS || !rule) return;
    if (!wire_port_free(S, n->kid[0], from, "the source")) return;
    if (!(plastic && continuous_silent(model.body)) && !wire_sends_spikes(S, n->kid[0], from)) return;
    bool procedural = store_setting(S, n, rule, plastic ? &model : NULL);
    Node *args[4];
    if (!wire_args(S, n->kid[2], rule->name, rule->arg, rule->n_args, rule->example, args)) return;
    for (int a = 0; a < from.n; a++)
        for (int b = 0; b < to.n; b++) {
            Cell cell = {.from_list = from.is_list, .to_list = to.is_list, .a = a, .b = b, .n_from = from.n, .n_to = to.n};
            if (!takes_again(S, n, rule, &from.pops[a], &to.pops[b])) return;
            for (const PopRef *s = &from.pops[a]; s; s = s->more)
                for (const PopRef *t = &to.pops[b]; t; t = t->more) {
                    PopRef source = *s, target = *t;
                    target.port = to.pops[b].port, target.span = to.pops[b].span;
                    (void)connect_cell(S, n, plastic ? &model : NULL, rule, args, &cell, &source, &target, from.is_list || to.is_list, procedural);
                }
        }
}

void wire_all(Sema *S)
{
    bool any_spikes = false;
    for (size_t k = 0; k < vec_len(S->pop); k++) moments_bind_inputs(S, &S->pop[k]);
    for (size_t k = 0; k < vec_len(S->items); k++) /* what is recorded of synapses may stand before them */
        if (S->items[k]->kind == N_connect) wire_connect(S, S->items[k]);
    synapse_check_unused(S);
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        switch (n->kind) {
        case N_connect: break;
        case N_stimulus: stimuli_wire(S, n); break;
        case N_record: watch_record(S, n); break;
        default: break;
        }
    }
    for (size_t k = 0; k < vec_len(S->pop); k++) any_spikes = any_spikes || S->pop[k].spikes_wanted;
    for (size_t k = 0; !any_spikes && k < vec_len(S->pop); k++) S->pop[k].spikes_wanted = true;
}
