/* The first look at the protocol: what its blocks set stays variable in the modules that are made next; all
 * else is folded into them. */
#include "protocol.h"

#include <string.h>

const Mark *protocol_marked(Sema *S, BindKind kind, Sym owner, Sym name)
{
    for (size_t k = 0; k < vec_len(S->protocol->mark); k++) {
        const Mark *m = &S->protocol->mark[k];
        if (m->kind == kind && m->owner == owner && m->name == name) return m;
    }
    return NULL;
}

/* Is `model` the one that is meant, or derived from it? */
static bool descends(Sema *S, Sym model, Sym from)
{
    for (int depth = 0; model && depth < MODEL_CHAIN; depth++) {
        if (model == from) return true;
        const Bind *b = scope_find(S->top, model);
        bool derived = b && (b->node->kind == N_neuron_of || b->node->kind == N_synapse_of);
        model = derived ? b->node->name2 : NULL;
    }
    return false;
}

bool protocol_joins(Sema *S, const Aim *a, size_t k)
{
    const ProjInfo *p = &S->joined[k];
    return a->owner_kind == B_PROJ ? p->as == a->owner : descends(S, p->model, a->owner);
}

/* ---- does a value differ between neurons or synapses? ---- */

static bool spread_name(Sema *S, const Inst *in, const Scope *sc, Node *n)
{
    static const char *const each[] = {"i", "j", "N", "distance", "source", "target", "position", "refractory", "last_spike", "port"};
    for (const Scope *s = sc; s; s = s->up) {
        const Bind *b = scope_here(s, n->name);
        if (b && (b->kind == B_LOCAL || (s != S->top && b->kind == B_NET))) return false;
        if (b && b->kind == B_AGAIN) return true;
    }
    if (in && inst_slot((Inst *)in, n->name)) return true;
    for (size_t k = 0; k < sizeof each / sizeof *each; k++)
        if (!strcmp(n->name, each[k])) return true;
    Bind *b = scope_find(S->top, n->name);
    if (!b) return !word_is_reserved_name(n->name);
    if (b->kind == B_NET) return false;
    if (b->kind != B_LET && b->kind != B_PARAM) return true;
    Node *value = b->node->kid[b->kind == B_PARAM ? 1 : 0];
    if (!value || b->law == 3) return false;
    if (elab_is_law(S, value, 0)) return protocol_spread(S, NULL, S->top, value, false);
    if (value->kind == N_num || value->kind == N_qty || value->kind == N_neg || value->kind == N_pct) return false;
    Ctx c = ctx_const(S, "this value");
    Ex e = elab(&c, n);
    return e.kind == EX_LIST;
}

/* `measured`: within the arguments of a measure, where paths are taken together. */
bool protocol_spread(Sema *S, const Inst *in, const Scope *sc, Node *n, bool measured)
{
    static const char *const lists[] = {"linspace", "logspace", "range", "file", "transpose", "sort", "position"};
    static const char *const measures[] = {"sum", "mean", "min", "max", "count", "rate", "len"};
    if (!n) return false;
    switch (n->kind) {
    case N_name: return !measured && spread_name(S, in, sc, n);
    case N_list: return !measured;
    case N_field:
        if (n->kid[0]->kind == N_name) {
            const Bind *b = scope_find(S->top, n->kid[0]->name);
            if (b && b->kind == B_STIM) return false;
        }
        return !measured;
    case N_index:
        if (path_is_pops(S, n)) return !measured;
        for (int k = 1; k < n->n_kids; k++)
            if (protocol_spread(S, in, sc, n->kid[k], measured)) return true;
        return false;
    case N_call: {
        Sym f = n->kid[0]->kind == N_name ? n->kid[0]->name : NULL;
        if (!f || (function_draws(f) && strcmp(f, "shared"))) return true;
        for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
            if (!strcmp(f, lists[k])) return !measured;
        bool measure = false;
        for (size_t k = 0; k < sizeof measures / sizeof *measures; k++)
            measure = measure || (!strcmp(f, measures[k]) && (n->n_kids == 2 || (n->n_kids > 2 && n->kid[2]->kind == N_arg)));
        for (int k = 1; k < n->n_kids; k++) {
            if (measure && n->kid[k]->kind == N_arg && !strcmp(n->kid[k]->name, "per")) return true;
            if (protocol_spread(S, in, sc, n->kid[k], measure || measured)) return true;
        }
        return false;
    }
    default: break;
    }
    for (int k = 0; k < n->n_kids; k++)
        if (protocol_spread(S, in, sc, n->kid[k], measured)) return true;
    return false;
}

/* ---- what a statement names ---- */

static Ex of_model(Sema *S, Sym model, Sym name, Span at)
{
    Ex e = {.kind = EX_POPS, .is_list = true, .is_const = true, .pops = arena_many(S->arena, PopRef, vec_len(S->pop) + 1)};
    for (size_t k = 0; k < vec_len(S->pop); k++) {
        uint32_t n = S->pop[k].n;
        if (descends(S, S->pop[k].model, model))
            e.pops[e.n++] = (PopRef){.pop = (int)k, .sel = {.lo = 0, .hi = n, .n = n}, .port = name, .span = at};
    }
    return e;
}

static void say_nothing_called(Sema *S, Node *at, Sym name)
{
    if (follow_up(S, "set", name)) return;
    Diag *d = diag_add(S->diags, D_unknown_name, at->span, "nothing that can be set is called `%s`", name);
    const char **cand = NULL;
    for (Bind *b = S->top->first; b; b = b->next)
        if (b->kind == B_NET || b->kind == B_POP || b->kind == B_LAYER || b->kind == B_PROJ || b->kind == B_STIM || b->kind == B_NEURON)
            vec_push(cand, b->name);
    const char *near = diag_nearest(name, cand, vec_len(cand));
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else diag_hint(d, "a network state is declared at the top level: `state %s = 0`", name);
    vec_free(cand);
}

static Aim aim_name(Sema *S, const Scope *scope, Node *to, bool tell)
{
    Aim none = {AIM_NONE};
    for (const Scope *s = scope; s; s = s->up) {
        Bind *b = scope_here(s, to->name);
        if (!b) continue;
        if (b->kind == B_NET && b->node && b->node->kind == N_decl) return (Aim){.kind = AIM_NET, .net = b->index, .name = to->name};
        if (!tell) return none;
        Diag *d = diag_add(S->diags, D_not_a_state, to->span, "`%s` cannot be set here", to->name);
        if (b->node) diag_note_at(d, ast_name_span(b->node), "it is declared here");
        if (b->kind == B_PARAM && s == S->top) diag_hint(d, "declare it as `state %s = %s`", to->name, b->node->kid[1] ? ex_source(S, b->node->kid[1]) : "0");
        else if (b->kind == B_POP || b->kind == B_LAYER) diag_hint(d, "name one of its variables, such as `%s.V`", to->name);
        else if (b->kind == B_PROJ) diag_hint(d, "name one of its variables, such as `%s.weight`", to->name);
        else if (b->kind == B_STIM) diag_hint(d, "name one of its settings, such as `%s.gain`", to->name);
        return none;
    }
    if (tell) say_nothing_called(S, to, to->name);
    return none;
}

Aim protocol_aim(Sema *S, const Scope *scope, Node *to, bool tell)
{
    Aim none = {AIM_NONE};
    if (to->kind == N_poison) return none;
    if (to->kind == N_name) return aim_name(S, scope, to, tell);
    if (to->kind == N_field && to->kid[0]->kind == N_name && !path_is_pops(S, to->kid[0])) {
        Sym owner = to->kid[0]->name;
        Bind *b = scope_find(S->top, owner);
        if (!b) b = library_find(S, owner);
        Aim a = {.owner = owner, .name = to->name, .owner_kind = b ? b->kind : B_LOCAL};
        if (b && (b->kind == B_PROJ || b->kind == B_SYNAPSE)) a.kind = AIM_SYNAPSE;
        else if (b && b->kind == B_STIM) a.kind = AIM_STIM;
        else if (b && b->kind == B_NEURON) {
            a.pops = of_model(S, owner, to->name, ast_name_span(to));
            if (a.pops.n) a.kind = AIM_POP;
            else if (tell) diag_add(S->diags, D_unknown_population, to->kid[0]->span, "no population is of the model `%s`", owner);
        } else if (tell)
            say_nothing_called(S, to->kid[0], owner);
        return a;
    }
    if (!path_is_pops(S, to)) {
        if (tell) {
            Diag *d = diag_add(S->diags, D_unknown_name, to->span, "`%s` cannot be set", ex_source(S, to));
            diag_note(d, "a block sets variables of populations, connections and stimuli, and states of the network");
        }
        return none;
    }
    Ex pops = network_pops(S, to);
    if (pops.kind != EX_POPS) return none;
    for (int k = 0; k < pops.n; k++)
        if (!pops.pops[k].port) {
            if (tell) {
                Diag *d = diag_add(S->diags, D_not_a_state, to->span, "`%s` is a population", ex_source(S, to));
                diag_hint(d, "name one of its variables, such as `%s.V`", ex_source(S, to));
            }
            return none;
        }
    return (Aim){.kind = AIM_POP, .pops = pops};
}

/* ---- marks ---- */

static void add_mark(Sema *S, BindKind kind, Sym owner, Sym name, bool spread)
{
    Mark *m = (Mark *)protocol_marked(S, kind, owner, name);
    if (m) m->spread = m->spread || spread;
    else vec_push(S->protocol->mark, ((Mark){kind, owner, name, spread}));
}

static bool is_whole(Sema *S, const PopRef *r) { return !r->sel.index && r->sel.n == S->pop[r->pop].n; }

static void watch_name(Sema *S, Node *n)
{
    const Bind *b = n->kind == N_name ? scope_find(S->top, n->name) : NULL;
    if (b && (b->kind == B_PROJ || b->kind == B_SYNAPSE)) vec_push(S->protocol->watched, n->name);
}

/* Every `ee.…` of an expression: the synapses of that projection are looked at. */
static void watch(Sema *S, Node *n)
{
    if (!n) return;
    if (n->kind == N_field) watch_name(S, n->kid[0]);
    for (int k = 0; k < n->n_kids; k++) watch(S, n->kid[k]);
}

static void mark_assign(Sema *S, Node *n)
{
    Aim a = protocol_aim(S, S->top, n->kid[0], false);
    if (a.kind == AIM_SYNAPSE || a.kind == AIM_STIM) add_mark(S, a.owner_kind, a.owner, a.name, protocol_spread(S, NULL, S->top, n->kid[1], false));
    for (int k = 0; a.kind == AIM_POP && k < a.pops.n; k++) {
        PopInfo *p = &S->pop[a.pops.pops[k].pop];
        Sym name = a.pops.pops[k].port;
        bool spread = !is_whole(S, &a.pops.pops[k]) || protocol_spread(S, p->inst, S->top, n->kid[1], false);
        if (p->is_source) add_mark(S, B_POP, p->name, name, spread);
        Slot *s = p->inst ? inst_slot(p->inst, name) : NULL;
        if (s && s->kind == DECL_STATE) s->decl->flags |= AST_SET; /* of the model, so in all its populations */
        if (!s || s->kind != DECL_PARAM) continue;
        s->varies = true;
        s->spread = s->spread || spread;
    }
}

static void mark_block(Sema *S, Node *n)
{
    if (!n) return;
    if (n->kind == N_assign) mark_assign(S, n);
    for (int k = 0; k < n->n_kids; k++) mark_block(S, n->kid[k]);
}

void protocol_mark(Sema *S)
{
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        if (n->kind != N_set && n->kind != N_at && n->kind != N_every && n->kind != N_run) continue;
        watch(S, n);
        if (n->kind != N_run) mark_block(S, n);
    }
}

void protocol_mark_synapse(Inst *in, Sym as)
{
    Sema *S = in->S;
    for (size_t k = 0; k < vec_len(S->protocol->mark); k++) {
        const Mark *m = &S->protocol->mark[k];
        bool meant = m->kind == B_PROJ ? as && m->owner == as : m->kind == B_SYNAPSE && descends(S, in->def.name, m->owner);
        Slot *s = meant ? inst_slot(in, m->name) : NULL;
        if (!s || s->kind != DECL_PARAM) continue;
        s->varies = true;
        s->spread = s->spread || m->spread;
    }
}

bool protocol_watched(Sema *S, Sym as, Sym model)
{
    for (size_t k = 0; k < vec_len(S->protocol->watched); k++)
        if (S->protocol->watched[k] == as || (model && descends(S, model, S->protocol->watched[k]))) return true;
    return false;
}
