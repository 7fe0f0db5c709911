/* One population's neurons: a model with its settings becomes an IR module. Parameters fold to constants
 * where they can and become per-neuron columns where they must. */
#include "sema.h"

#include <math.h>
#include <string.h>

/* ---- declarations ---- */
Slot *inst_slot(Inst *in, Sym name)
{
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].name == name) return &in->slot[k];
    return NULL;
}

static void declare(Inst *in, Node *decl, int kind)
{
    Sema *S = in->S;
    if (in->joint && kind == DECL_INPUT) {
        Diag *d = diag_add(S->diags, D_not_a_state, ast_name_span(decl), "a synapse has no inputs");
        diag_hint(d, "declare `%s` as `param` or `state`", decl->name);
        return;
    }
    if (word_is_reserved_name(decl->name)) {
        Diag *d = diag_add(S->diags, D_reserved_name, ast_name_span(decl), "`%s` cannot be declared", decl->name);
        diag_note(d, "it has a meaning of its own in every model");
        return;
    }
    Slot *old = inst_slot(in, decl->name);
    if (old) {
        Diag *d = diag_add(S->diags, D_duplicate_name, ast_name_span(decl), "`%s` is declared twice", decl->name);
        diag_note_at(d, ast_name_span(old->decl), "the first time here");
        return;
    }
    Slot s = {.name = decl->name, .decl = decl, .kind = kind, .field = -1, .acc = -1, .last = -1, .init_value = -1,
              .lo = -INFINITY, .hi = INFINITY};
    Node *unit = decl->kind == N_poison ? decl : decl->kid[0];
    if (unit && unit->kind == N_poison) s.lost = true;
    else if (unit && unit->name == sym("port")) {
        if (!in->joint) {
            Diag *d = diag_add(S->diags, D_unknown_unit, unit->span, "`port` is no unit of a neuron");
            diag_note(d, "in a synapse it is the dimension of the variable aimed at");
            s.lost = true;
        } else {
            s.unit = in->joint->port->unit;
            if (!s.unit.text) s.unit.text = dim_unit(S->arena, in->joint->port->dim);
            s.dim = in->joint->port->dim;
            s.has_dim = true;
        }
    } else if (unit) {
        s.unit = unit->unit;
        s.is_int = unit->which == UNIT_WORD && unit->name == sym("int");
        s.is_bool = unit->which == UNIT_WORD && unit->name == sym("bool");
        if (s.is_int || s.is_bool) s.unit = (Unit){.factor = 1};
        s.celsius = elab_is_celsius(&s.unit);
        if (s.celsius) s.unit.text = "K";
        s.dim = unit->unit.dim;
        s.has_dim = true;
    }
    if (kind != SLOT_DEFINE && decl->kind != N_poison) s.given = decl->kid[1];
    vec_push(in->slot, s);
}

bool inst_is_directive(Node *n) { return n->name == sym("method") || n->name == sym("noise"); }

void inst_settings(Inst *in, Node *settings, bool outer)
{
    if (!settings) return;
    Sema *S = in->S;
    for (int k = 0; k < settings->n_kids; k++) {
        Node *e = settings->kid[k];
        if (!e || e->kind != N_entry) continue;
        if (outer && in->joint && synapse_setting(S, settings, k) && !inst_slot(in, e->name)) continue; /* read by the connection */
        if (in->joint && handlers_bind(in, e->name) && !inst_slot(in, e->name)) continue; /* read by handlers_emit */
        bool by_network = e->name == sym("seed") || e->name == sym("position");
        if (outer && by_network && !inst_slot(in, e->name)) continue;
        if (inst_is_directive(e) && !inst_slot(in, e->name)) continue;                 /* read by emit_step */
        Slot *s = inst_slot(in, e->name);
        if (s && s->kind != SLOT_DEFINE) {
            for (int q = 0; q < k; q++)
                if (settings->kid[q] && settings->kid[q]->kind == N_entry && settings->kid[q]->name == e->name) {
                    Diag *d = diag_add(S->diags, D_duplicate_name, ast_name_span(e), "`%s` is given twice", e->name);
                    diag_note_at(d, ast_name_span(settings->kid[q]), "the first time here");
                }
            s->given = e->kid[0];
            s->given_outer = outer;
            continue;
        }
        if (!s && (follow_hole(in->def.body) || follow_up(S, in->def.body, e->name))) continue;
        Diag *d = diag_add(S->diags, D_unknown_parameter, ast_name_span(e), s ? "`%s` cannot be given: `%s` is computed" : "`%s` has no parameter `%s`", s ? e->name : in->def.name, e->name);
        const char **cand = NULL;
        Buf all = {0};
        for (size_t q = 0; q < vec_len(in->slot); q++)
            if (in->slot[q].kind != SLOT_DEFINE) {
                vec_push(cand, in->slot[q].name);
                buf_printf(&all, "%s`%s`", all.len ? ", " : "", in->slot[q].name);
            }
        for (int q = 0; in->joint && q < in->def.body->n_kids; q++)
            if (in->def.body->kid[q] && in->def.body->kid[q]->kind == N_event) vec_push(cand, in->def.body->kid[q]->name);
        const char *near = diag_nearest(e->name, cand, vec_len(cand));
        if (near) diag_hint(d, "did you mean `%s`?", near);
        else if (all.len) diag_note(d, "its parameters, states and inputs are %s", all.p);
        buf_free(&all);
        vec_free(cand);
    }
}

const char *inst_kind_word(int kind)
{
    return kind == DECL_PARAM ? "a parameter" : kind == DECL_INPUT ? "an input" : kind == SLOT_DEFINE ? "a named expression" : "a state";
}

/* What to declare, or which state was meant. */
void inst_hint_state(Inst *in, Diag *d, Sym name, const Slot *s)
{
    const char **cand = NULL;
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].kind == DECL_STATE) vec_push(cand, in->slot[k].name);
    const char *near = s ? NULL : diag_nearest(name, cand, vec_len(cand));
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else if (s && s->kind == DECL_PARAM && s->given) diag_hint(d, "write `state %s = %s`", name, ex_source(in->S, s->given)), diag_range(d, (Span){0, 0});
    else diag_hint(d, "declare it, with its unit, such as `state %s : mV = 0 mV`", name);
    vec_free(cand);
}

bool inst_assigns(Node *n, Sym name)
{
    if (!n) return false;
    if (n->kind == N_assign && n->kid[0]->kind == N_name && n->kid[0]->name == name) return true;
    for (int k = 0; k < n->n_kids; k++)
        if (inst_assigns(n->kid[k], name)) return true;
    return false;
}

void inst_check_states(Inst *in)
{
    if (in->orphans || in->no_ports || follow_body(in->S, in->def.body)) return;
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->kind != DECL_STATE || s->eq || s->lost || s->is_port || (s->decl->flags & AST_SET) || inst_assigns(in->def.body, s->name)) continue;
        Diag *d = diag_add(in->S->diags, D_missing_equation, ast_name_span(s->decl), "nothing ever changes the state `%s`", s->name);
        diag_hint(d, "add its equation, `d%s/dt = …`, or declare it as `param`", s->name);
    }
}

int inst_hidden(Inst *in, const char *name, const char *unit, const char *doc)
{
    return ir_field(in->mod, (IrField){.name = name, .unit = unit, .doc = doc, .kind = FIELD_HIDDEN, .lo = -INFINITY, .hi = INFINITY});
}

Ctx inst_ctx(Inst *in, IrFn *fn, const char *salt)
{
    return (Ctx){.S = in->S, .scope = in->def.body ? in->S->top : NULL, .fn = fn, .mod = in->mod, .inst = in, .salt = salt, .has_i = true,
                 .has_t = true, .has_draws = true, .source_n = in->n_neurons, .target_n = -1, .what = "this value"};
}

void inst_declare(Inst *in)
{
    Node *body = in->def.body;
    for (int k = 0; k < body->n_kids; k++) {
        Node *p = body->kid[k];
        if (!p) continue;
        if (p->kind == N_decls)
            for (int q = 0; q < p->n_kids; q++) declare(in, p->kid[q], p->which);
        else if (p->kind == N_define && !inst_is_directive(p))
            declare(in, p, SLOT_DEFINE);
        else if (p->kind == N_poison && p->name)
            declare(in, p, DECL_STATE); /* it would have been something */
    }
}

void inst_equation(Inst *in, Node *p)
{
    Sema *S = in->S;
    Slot *s = inst_slot(in, p->name);
    if (!s) in->orphans = true;
    if (follow_up(S, s ? (void *)in->def.body->kid : (void *)in->def.body, p->name) && (!s || s->kind != DECL_STATE)) return;
    if (!s || s->kind != DECL_STATE) {
        Diag *d = diag_add(S->diags, s ? D_not_a_state : D_unknown_name, ast_name_span(p), s ? "`%s` is no state" : "there is no state `%s`", p->name);
        if (s) diag_note_at(d, ast_name_span(s->decl), "it is declared as %s", inst_kind_word(s->kind));
        inst_hint_state(in, d, p->name, s);
    } else if (s->is_int || s->is_bool) {
        Diag *d = diag_add(S->diags, D_not_a_state, ast_name_span(p), "`%s` has no derivative", p->name);
        diag_note_at(d, ast_name_span(s->decl), s->is_int ? "it is declared as a whole number" : "it is declared as true or false");
        s->lost = true;
    } else if (s->eq) {
        Diag *d = diag_add(S->diags, D_duplicate_equation, ast_name_span(p), "`%s` has two equations", p->name);
        diag_note_at(d, ast_name_span(s->eq), "the first one is here");
    } else {
        s->eq = p;
        s->frozen = p->which == EQ_UNLESS_REFRACTORY;
    }
}

Inst *inst_new(Sema *S, const ModelDef *def, Node *settings, const char *mod_name)
{
    Inst *in = arena_one(S->arena, Inst);
    *in = (Inst){.S = S, .def = *def, .settings = settings, .n_neurons = 1, .refr_field = -1, .last_spike_field = -1, .above_field = -1};
    in->mod = network_new_module(S, mod_name);
    Node *body = def->body;
    inst_declare(in);
    for (int k = 0; k < body->n_kids; k++) {
        Node *p = body->kid[k];
        if (!p) continue;
        switch (p->kind) {
        case N_port:
            for (int q = 0; q < p->n_kids; q++) {
                Slot *s = inst_slot(in, p->kid[q]->name);
                if (!s && follow_up(S, body, p->kid[q]->name)) {
                    in->no_ports = true;
                    continue;
                }
                if (!s || (s->kind != DECL_STATE && s->kind != DECL_INPUT)) {
                    in->no_ports = true;
                    Diag *d = diag_add(S->diags, D_unknown_port, p->kid[q]->span, "`%s` is no state or input of `%s`", p->kid[q]->name, def->name);
                    diag_note(d, "a port is a variable that connections and stimuli may aim at");
                    continue;
                }
                s->is_port = true;
                if (!in->default_port) in->default_port = s->name;
            }
            break;
        case N_equation:
            inst_equation(in, p);
            if (p->which == EQ_EACH_STEP) {
                Diag *d = diag_add(S->diags, D_syntax, p->span, "`each step` stands behind the equations of synapses");
                diag_hint(d, "leave it out: those of neurons are integrated in every step");
            }
            break;
        case N_spike:
            if (in->spike) {
                Diag *d = diag_add(S->diags, D_duplicate_equation, p->span, "a neuron has one `spike when`");
                diag_note_at(d, in->spike->span, "the first one is here");
            } else
                in->spike = p;
            break;
        case N_event: moments_check(in, p); break;
        case N_every: break;
        case N_on: {
            Diag *d = diag_add(S->diags, D_syntax, p->span, "`on` stands in synapses");
            diag_hint(d, "what happens at the neuron's own spike stands in the block of `spike when`");
            break;
        }
        default: break;
        }
    }
    for (int k = 0; k < def->n_settings; k++) inst_settings(in, def->settings[k], false);
    inst_settings(in, settings, true);
    bool frozen = false;
    for (size_t k = 0; k < vec_len(in->slot); k++) frozen = frozen || in->slot[k].frozen;
    bool refr = (in->spike || moments_any_event(in)) && (ast_mentions(body, N_refr_for, NULL) || ast_mentions(body, N_refr_until, NULL));
    if (frozen && !refr && !follow_body(S, body)) {
        for (size_t k = 0; k < vec_len(in->slot); k++)
            if (in->slot[k].frozen) {
                Diag *d = diag_add(S->diags, D_refractory_missing, in->slot[k].eq->span, "`unless refractory`, but nothing makes this neuron refractory");
                diag_hint(d, "add `refractory 2 ms` to the block behind `spike when …`");
            }
    }
    if (refr || follow_body(S, body)) in->refr_field = inst_hidden(in, "refractory", "", "steps of refractoriness left");
    if (ast_mentions(body, N_name, sym("last_spike"))) in->last_spike_field = inst_hidden(in, "last_spike", "ms", "time of the last spike");
    return in;
}

/* ---- parameters and initial values ---- */
static void check_range(Inst *in, Slot *s, Node *at, Ex e)
{
    if (e.kind != EX_NUM || !e.is_const || !s->has_range) return;
    bool low = s->open_lo ? e.num <= s->lo : e.num < s->lo, high = s->open_hi ? e.num >= s->hi : e.num > s->hi;
    if (!low && !high && !isnan(e.num)) return;
    Diag *d = diag_add(in->S->diags, D_out_of_range, at->span, "`%s` is out of its range", s->name);
    diag_note(d, "`%s` is declared to lie in %c%s, %s%c", s->name, s->open_lo ? '(' : '[',
              unit_show(in->S->arena, s->lo, s->dim, NULL), unit_show(in->S->arena, s->hi, s->dim, NULL), s->open_hi ? ')' : ']');
}

static void take_dim(Inst *in, Slot *s, Node *at, Ex *e)
{
    if (e->kind != EX_NUM) return;
    if (!s->has_dim) {
        s->dim = e->wild ? DIM_NONE : e->dim;
        s->has_dim = true;
        if (e->unit) s->unit = *e->unit;
    } else if (!elab_fits(&in->init_ctx, at, *e, s->dim, arena_printf(in->S->arena, "`%s`", s->name)))
        *e = ex_poison();
    if (e->kind == EX_NUM) e->dim = s->dim, e->wild = false;
}

const char *inst_unit(Inst *in, Slot *s)
{
    if (s->unit.text) return s->unit.text;
    return dim_unit(in->S->arena, s->dim);
}

int inst_field(Inst *in, Slot *s, FieldKind kind)
{
    return ir_field(in->mod, (IrField){.name = s->name, .unit = inst_unit(in, s), .doc = s->decl->doc, .kind = kind, .lo = s->lo, .hi = s->hi,
                                       .open_lo = s->open_lo, .open_hi = s->open_hi, .span = ast_name_span(s->decl)});
}

static void read_range(Inst *in, Slot *s)
{
    Node *iv = s->kind == SLOT_DEFINE || s->decl->n_kids < 3 ? NULL : s->decl->kid[2];
    if (!iv) return;
    Ctx c = in->init_ctx;
    s->has_range = elab_const(&c, iv->kid[0], s->dim, "a bound of the range", &s->lo) &&
                   elab_const(&c, iv->kid[1], s->dim, "a bound of the range", &s->hi);
    s->open_lo = iv->which & 1;
    s->open_hi = (iv->which & 2) != 0;
}

/* Where no unit is declared the default tells the dimension, also when another value is given. */
static void default_dim(Inst *in, Slot *s)
{
    Node *n = s->decl->n_kids > 1 ? s->decl->kid[1] : NULL;
    if (s->has_dim || s->given == n || !n) return;
    Node *literal = n->kind == N_neg ? n->kid[0] : n;
    if (literal->kind == N_qty) {
        s->dim = literal->unit.dim;
        s->unit = literal->unit;
        s->unit.text = dim_unit(in->S->arena, s->dim);
        s->has_dim = true;
    } else if (literal->kind == N_num && literal->num != 0)
        s->has_dim = true;
}

/* What a state `: int` becomes: a constant must be whole, anything else is rounded. */
bool inst_whole(Sema *S, const Slot *s, Node *at, Ex *e, IrFn *fn)
{
    if (!e->is_const) e->value = ir_op1(fn, OP_ROUND, e->value);
    else if (e->num != floor(e->num)) {
        diag_add(S->diags, D_bad_count, at->span, "`%s` is a whole number, this is %.17g", s->name, e->num);
        return false;
    }
    return true;
}

/* A list gives one value to each neuron. */
static Ex list_value(Inst *in, Slot *s, Ctx *c, Ex list)
{
    Node *at = s->given;
    Ex one = list;
    while (one.kind == EX_LIST && one.n) one = one.item[0];
    if (one.kind == EX_LIST) one = ex_poison();
    take_dim(in, s, at, &one);
    if (!s->has_dim || !elab_fits(c, at, list, s->dim, arena_printf(in->S->arena, "`%s`", s->name))) return ex_poison();
    read_range(in, s);
    for (int k = 0; k < list.n; k++) check_range(in, s, at->kind == N_list && at->n_kids == list.n ? at->kid[k] : at, list.item[k]);
    return tables_by_neuron(c, at, list, (uint32_t)in->n_neurons, s->dim);
}

/* The name that means the file's in what is given to a variable, `C = C`; none where the model declares it. */
static Sym slot_self(const Slot *s) { return s->given != s->decl->kid[1] ? s->name : NULL; }

/* Value of a param or initial value of a state, at most once; constants stay constants. */
Ex inst_given(Inst *in, Slot *s, Node *use)
{
    Sema *S = in->S;
    if (s->state == 2) return s->ex;
    if (s->state == 1) {
        Diag *d = diag_add(S->diags, D_cyclic_definition, use ? use->span : s->decl->span, "`%s` is defined by itself", s->name);
        diag_note_at(d, ast_name_span(s->decl), "its declaration");
        return ex_poison();
    }
    s->state = 1;
    if (s->lost || (s->given && s->given->kind == N_poison)) {
        s->state = 2;
        return s->ex = ex_poison();
    }
    if (!s->given && in->joint && (s->kind == DECL_PARAM || s->name == sym("weight"))) {
        s->state = 2; /* synapse.c says so at the connection */
        if (!in->joint->from && s->has_dim) return s->ex = ex_ir(ir_imm(in->init, OP_I, 0, s->decl->span), s->dim); /* any value */
        return s->ex = ex_poison();
    }
    if (!s->given) {
        Diag *d = diag_add(S->diags, D_no_initial_value, ast_name_span(s->decl), s->kind == DECL_STATE ? "`%s` has no initial value" : "`%s` has no value", s->name);
        const char *unit = s->has_dim && !dim_none(s->dim) ? s->unit.text : NULL;
        diag_range(d, s->decl->span);
        if (s->has_dim) diag_hint(d, "write `%s%s%s = 0`", s->name, unit ? " : " : "", unit ? unit : "");
        else diag_hint(d, "write `%s = …` with its unit", s->name);
        s->state = 2;
        return s->ex = ex_poison();
    }
    Ctx c = in->init_ctx;
    c.salt = in->joint ? s->name : arena_printf(S->arena, "init.%s", s->name); /* a weight is drawn alike in all synapses */
    c.n_draws = 0;
    c.self = slot_self(s);
    Ex e = elab_celsius(&c, s->given, s->celsius);
    if (in->joint && s->given_outer && e.kind != EX_POISON) e = in->joint->pick(in->joint->user, s->given, e);
    if (s->is_bool && e.kind == EX_BOOL) {
        e = e.is_const ? ex_num(e.num, DIM_NONE) : ex_ir(ir_op1(c.fn, OP_NUM, e.value), DIM_NONE);
    } else if (s->is_bool && e.kind == EX_NUM) {
        diag_add(S->diags, D_not_a_number, s->given->span, "`%s` is true or false, this is %s", s->name, ex_say(S, e));
        e = ex_poison();
    }
    if (s->is_int && e.kind == EX_NUM && !inst_whole(S, s, s->given, &e, c.fn)) e = ex_poison();
    if (e.kind == EX_STR || e.kind == EX_POPS || e.kind == EX_BOOL) {
        Diag *d = diag_add(S->diags, D_not_a_number, s->given->span, "`%s` is a number", s->name);
        diag_note(d, "this is %s", ex_say(S, e));
        e = ex_poison();
    }
    Node *own = s->decl->kid[1];
    if (!s->has_dim && own && own != s->given && !ast_mentions(own, N_name, NULL)) {
        /* the model's own value tells the dimension, which one that is given from outside must have */
        Ex d = elab(&c, own);
        take_dim(in, s, own, &d);
    }
    default_dim(in, s);
    if (e.kind == EX_LIST) e = list_value(in, s, &c, e);
    take_dim(in, s, s->given, &e);
    read_range(in, s);
    check_range(in, s, s->given, e);
    s->ex = e;
    s->state = 2;
    return e;
}

static bool names_varying(Inst *in, const Slot *of, Node *n, int depth)
{
    if (!n || depth > MODEL_CHAIN) return false;
    if (n->kind == N_name) {
        Slot *s = n->name == slot_self(of) ? NULL : inst_slot(in, n->name);
        if (!s) {
            const Bind *b = scope_find(in->S->top, n->name);
            return b && b->kind == B_FUNCTION && names_varying(in, of, b->node->kid[2], depth + 1);
        }
        if (s->varies) return true;
        if (s->kind == SLOT_DEFINE) return names_varying(in, s, s->decl->kid[1], depth + 1);
        return s->kind == DECL_PARAM && inst_follows(in, s);
    }
    for (int k = 0; k < n->n_kids; k++)
        if (names_varying(in, of, n->kid[k], depth + 1)) return true;
    return false;
}

bool inst_follows(Inst *in, const Slot *s)
{
    bool any = false;
    for (size_t k = 0; k < vec_len(in->slot) && !any; k++) any = in->slot[k].varies;
    return any && s->kind == DECL_PARAM && !s->varies && s->given && !elab_draws(in->S, s->given) && names_varying(in, s, s->given, 0);
}

bool inst_fixed(Inst *in, const Slot *s)
{
    return s->kind == DECL_PARAM && s->ex.kind == EX_NUM && s->ex.is_const && !s->varies && !inst_follows(in, s);
}

/* What follows a parameter that the protocol sets is worked out wherever it is used. */
static Ex param_followed(Ctx *c, Slot *s)
{
    Inst *in = c->inst;
    Ctx k = *c;
    k.self = slot_self(s);
    k.has_xi = false;
    Ex e = elab_celsius(&k, s->given, s->celsius);
    if (in->joint && s->given_outer && e.kind != EX_POISON) e = in->joint->pick(in->joint->user, s->given, e);
    if (e.kind == EX_LIST) e = tables_by_neuron(&k, s->given, e, (uint32_t)in->n_neurons, s->dim);
    if (e.kind == EX_NUM) e.dim = s->dim, e.wild = false;
    return e;
}

Ex inst_param(Ctx *c, Slot *s, Node *at)
{
    Inst *in = c->inst;
    Ex e = inst_given(in, s, at);
    if (e.kind == EX_POISON) return e;
    bool follows = inst_follows(in, s);
    if (!c->in_init && !c->fn && (s->varies || follows)) {
        elab_not_constant(c, at->span, s->name);
        return ex_poison();
    }
    if (follows && !c->in_init) return param_followed(c, s);
    if (e.is_const && !s->varies) return e;
    if (follows) return e;
    if (s->field < 0) {
        s->field = inst_field(in, s, FIELD_PARAM);
        in->mod->field[s->field].uniform = e.is_const && !s->spread;
        s->init_value = ex_value(&in->init_ctx, e);
        ir_store(in->init, s->field, s->init_value, (s->given ? s->given : s->decl)->span);
    }
    if (c->in_init) return e.is_const ? e : ex_ir(s->init_value, s->dim);
    if (!c->fn) return e;
    return ex_ir(ir_imm(c->fn, OP_LOAD, s->field, at->span), s->dim);
}

int inst_load(Ctx *c, int field, Span at)
{
    if (c->cur && field < c->n_cur) {
        if (c->cur[field] < 0) c->cur[field] = ir_imm(c->fn, OP_LOAD, field, at);
        return c->cur[field];
    }
    return ir_imm(c->fn, OP_LOAD, field, at);
}

Ex inst_name(Ctx *c, Slot *s, Node *at)
{
    Inst *in = c->inst;
    if (s->lost || (s->decl->flags & AST_FORGET)) return ex_poison();
    switch (s->kind) {
    case DECL_PARAM: return inst_param(c, s, at);
    case DECL_STATE:
        if (!c->in_init && !c->fn) break;
        if (!c->in_init && s->last >= 0) return synapse_read(c, s, at);
        if (!s->is_bool) return c->in_init ? inst_given(in, s, at) : ex_ir(inst_load(c, s->field, at->span), s->dim);
        {
            Ex e = c->in_init ? inst_given(in, s, at) : ex_ir(inst_load(c, s->field, at->span), s->dim);
            return e.kind == EX_POISON ? e : elab_op(c, at->span, OP_NE, 2, (Ex[]){e, ex_num(0, DIM_NONE)}, DIM_NONE);
        }
    case DECL_INPUT:
        if (c->in_init) return ex_num(0, s->dim);
        if (!c->fn) break;
        return ex_ir(inst_load(c, s->field, at->span), s->dim);
    case SLOT_DEFINE: {
        if (s->state == 1) {
            Diag *d = diag_add(in->S->diags, D_cyclic_definition, at->span, "`%s` is defined by itself", s->name);
            diag_note_at(d, ast_name_span(s->decl), "its definition");
            return ex_poison();
        }
        s->state = 1;
        Ctx k = *c;
        k.self = NULL;
        k.has_xi = false;
        k.salt = arena_printf(in->S->arena, "define.%s", s->name); /* one value a step, wherever it is used */
        k.n_draws = 0;
        Ex e = elab(&k, s->decl->kid[1]);
        s->state = 0;
        if (s->unit.text || s->decl->kid[0]) {
            if (e.kind != EX_POISON && !elab_fits(c, s->decl->kid[1], e, s->dim, arena_printf(in->S->arena, "`%s`", s->name))) return ex_poison();
            if (e.kind == EX_NUM) e.dim = s->dim, e.wild = false;
        } else if (e.kind == EX_NUM)
            s->dim = e.dim, s->has_dim = true;
        return e;
    }
    default: break;
    }
    diag_add(in->S->diags, D_not_constant, at->span, "`%s` changes during the run, so it has no place here", s->name);
    return ex_poison();
}
