/* One population's neurons: a model with its settings becomes an IR module. Parameters fold to constants
 * where they can and become per-neuron columns where they must. */
#include "sema.h"

#include <math.h>
#include <string.h>

static Span name_of(Node *n) { return n->name_span.hi ? n->name_span : n->span; }

/* ---- which model ---- */
bool model_find(Sema *S, Sym name, Span at, BindKind kind, ModelDef *out)
{
    *out = (ModelDef){.name = name};
    Node *chain[MODEL_CHAIN];
    int n = 0;
    for (Sym look = name;;) {
        Bind *b = scope_here(S->top, look);
        if (!b || b->kind != kind) b = library_find(S, look);
        if (!b || b->kind != kind) {
            if (follow_up(S, "model", look)) return false;
            const char *sort = kind == B_NEURON ? "neuron" : "synapse";
            Diag *d = b ? diag_add(S->diags, D_unknown_model, at, "`%s` is no %s model", look, sort)
                        : diag_add(S->diags, D_unknown_model, at, "there is no %s model `%s`", sort, look);
            int count;
            const char **lib = library_names(S, &count);
            const char **cand = NULL;
            for (Bind *q = S->top->first; q; q = q->next)
                if (q->kind == kind) vec_push(cand, q->name);
            for (int k = 0; k < count; k++) {
                const Bind *q = library_find(S, lib[k]);
                if (q && q->kind == kind) vec_push(cand, lib[k]);
            }
            if (kind == B_SYNAPSE) vec_push(cand, sym("static"));
            const char *near = diag_nearest(look, cand, vec_len(cand));
            if (near && !b) diag_hint(d, "did you mean `%s`?", near);
            Buf all = {0};
            for (size_t k = 0; (!near || b) && k < vec_len(cand); k++) buf_printf(&all, "%s%s", k ? ", " : "", cand[k]);
            if (all.len) diag_note(d, "the %s at hand are %s", kind == B_NEURON ? "models" : "synapses", all.p);
            buf_free(&all);
            vec_free(cand);
            return false;
        }
        if (b->node->kind == N_neuron || b->node->kind == N_synapse) {
            out->body = b->node;
            break;
        }
        bool circle = false;
        for (int k = 0; k < n; k++) circle = circle || chain[k] == b->node->kid[0];
        if (circle || n == MODEL_CHAIN) {
            if (follow_up(S, "chain", circle ? b->node->name2 : sym(""))) return false;
            if (circle) diag_add(S->diags, D_cyclic_definition, name_of(b->node), "`%s` is derived from itself", look);
            else diag_add(S->diags, D_nesting_too_deep, name_of(b->node), "more than %d models are derived from each other", MODEL_CHAIN);
            return false;
        }
        chain[n++] = b->node->kid[0];
        at = b->node->name2_span.hi ? b->node->name2_span : b->node->span;
        look = b->node->name2;
    }
    while (n) out->settings[out->n_settings++] = chain[--n];
    return true;
}

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
        Diag *d = diag_add(S->diags, D_not_a_state, name_of(decl), "a synapse has no inputs");
        diag_hint(d, "declare `%s` as `param` or `state`", decl->name);
        return;
    }
    if (word_is_reserved_name(decl->name)) {
        Diag *d = diag_add(S->diags, D_reserved_name, name_of(decl), "`%s` cannot be declared", decl->name);
        diag_note(d, "it has a meaning of its own in every model");
        return;
    }
    Slot *old = inst_slot(in, decl->name);
    if (old) {
        Diag *d = diag_add(S->diags, D_duplicate_name, name_of(decl), "`%s` is declared twice", decl->name);
        diag_note_at(d, name_of(old->decl), "the first time here");
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

static bool is_directive(Node *n) { return n->name == sym("method") || n->name == sym("noise"); }

void inst_settings(Inst *in, Node *settings, bool outer)
{
    if (!settings) return;
    Sema *S = in->S;
    for (int k = 0; k < settings->n_kids; k++) {
        Node *e = settings->kid[k];
        if (!e || e->kind != N_entry) continue;
        if (outer && in->joint && synapse_setting(S, settings, k) && !inst_slot(in, e->name)) continue; /* read by the connection */
        bool by_network = e->name == sym("seed") || e->name == sym("position");
        if (outer && by_network && !inst_slot(in, e->name)) continue;
        if (is_directive(e) && !inst_slot(in, e->name)) continue;                 /* read by emit_step */
        Slot *s = inst_slot(in, e->name);
        if (s && s->kind != SLOT_DEFINE) {
            for (int q = 0; q < k; q++)
                if (settings->kid[q] && settings->kid[q]->kind == N_entry && settings->kid[q]->name == e->name) {
                    Diag *d = diag_add(S->diags, D_duplicate_name, name_of(e), "`%s` is given twice", e->name);
                    diag_note_at(d, name_of(settings->kid[q]), "the first time here");
                }
            s->given = e->kid[0];
            s->given_outer = outer;
            continue;
        }
        if (!s && (follow_hole(in->def.body) || follow_up(S, in->def.body, e->name))) continue;
        Diag *d = diag_add(S->diags, D_unknown_parameter, name_of(e), s ? "`%s` cannot be given: `%s` is computed" : "`%s` has no parameter `%s`", s ? e->name : in->def.name, e->name);
        const char **cand = NULL;
        Buf all = {0};
        for (size_t q = 0; q < vec_len(in->slot); q++)
            if (in->slot[q].kind != SLOT_DEFINE) {
                vec_push(cand, in->slot[q].name);
                buf_printf(&all, "%s`%s`", all.len ? ", " : "", in->slot[q].name);
            }
        const char *near = diag_nearest(e->name, cand, vec_len(cand));
        if (near) diag_hint(d, "did you mean `%s`?", near);
        else if (all.len) diag_note(d, "its parameters, states and inputs are %s", all.p);
        buf_free(&all);
        vec_free(cand);
    }
}

static bool mentions(Node *n, NodeKind kind, Sym name)
{
    if (!n) return false;
    if (n->kind == kind && (!name || n->name == name)) return true;
    for (int k = 0; k < n->n_kids; k++)
        if (mentions(n->kid[k], kind, name)) return true;
    return false;
}

static const char *kind_word(int kind)
{
    return kind == DECL_PARAM ? "a parameter" : kind == DECL_INPUT ? "an input" : kind == SLOT_DEFINE ? "a named expression" : "a state";
}

/* What to declare, or which state was meant. */
static void hint_state(Inst *in, Diag *d, Sym name, const Slot *s)
{
    const char **cand = NULL;
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].kind == DECL_STATE) vec_push(cand, in->slot[k].name);
    const char *near = s ? NULL : diag_nearest(name, cand, vec_len(cand));
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else if (s && s->kind == DECL_PARAM && s->given) diag_hint(d, "write `state %s = %s`", name, ex_source(in->S, s->given));
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

/* A state that nothing ever changes has lost its equation, or is a parameter. */
static void check_equations(Inst *in)
{
    if (in->orphans || in->no_ports || follow_body(in->S, in->def.body)) return;
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->kind != DECL_STATE || s->eq || s->lost || s->is_port || inst_assigns(in->def.body, s->name)) continue;
        Diag *d = diag_add(in->S->diags, D_missing_equation, name_of(s->decl), "nothing ever changes the state `%s`", s->name);
        diag_hint(d, "add its equation, `d%s/dt = …`, or declare it as `param`", s->name);
    }
}

static int hidden(Inst *in, const char *name, const char *unit, const char *doc)
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
        else if (p->kind == N_define && !is_directive(p))
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
        Diag *d = diag_add(S->diags, s ? D_not_a_state : D_unknown_name, name_of(p), s ? "`%s` is no state" : "there is no state `%s`", p->name);
        if (s) diag_note_at(d, name_of(s->decl), "it is declared as %s", kind_word(s->kind));
        hint_state(in, d, p->name, s);
    } else if (s->is_int || s->is_bool) {
        Diag *d = diag_add(S->diags, D_not_a_state, name_of(p), "`%s` has no derivative", p->name);
        diag_note_at(d, name_of(s->decl), s->is_int ? "it is declared as a whole number" : "it is declared as true or false");
        s->lost = true;
    } else if (s->eq) {
        Diag *d = diag_add(S->diags, D_duplicate_equation, name_of(p), "`%s` has two equations", p->name);
        diag_note_at(d, name_of(s->eq), "the first one is here");
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
            if (p->which == EQ_EACH_STEP)
                diag_add(S->diags, D_not_yet, p->span, "`each step` stands behind the equations of synapses");
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
        case N_on:
            diag_add(S->diags, D_not_yet, p->span, "this version does not run `%s` in a neuron yet", ast_kind_name(p->kind));
            break;
        default: break;
        }
    }
    for (int k = 0; k < def->n_settings; k++) inst_settings(in, def->settings[k], false);
    inst_settings(in, settings, true);
    bool frozen = false;
    for (size_t k = 0; k < vec_len(in->slot); k++) frozen = frozen || in->slot[k].frozen;
    bool refr = (in->spike || moments_any_event(in)) && (mentions(body, N_refr_for, NULL) || mentions(body, N_refr_until, NULL));
    check_equations(in);
    if (frozen && !refr && !follow_body(S, body)) {
        for (size_t k = 0; k < vec_len(in->slot); k++)
            if (in->slot[k].frozen) {
                Diag *d = diag_add(S->diags, D_refractory_missing, in->slot[k].eq->span, "`unless refractory`, but nothing makes this neuron refractory");
                diag_hint(d, "add `refractory 2 ms` to the block behind `spike when …`");
            }
    }
    if (refr || follow_body(S, body)) in->refr_field = hidden(in, "refractory", "", "steps of refractoriness left");
    if (mentions(body, N_name, sym("last_spike"))) in->last_spike_field = hidden(in, "last_spike", "ms", "time of the last spike");
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

static int slot_field(Inst *in, Slot *s, FieldKind kind)
{
    return ir_field(in->mod, (IrField){.name = s->name, .unit = inst_unit(in, s), .doc = s->decl->doc, .kind = kind, .lo = s->lo, .hi = s->hi,
                                       .open_lo = s->open_lo, .open_hi = s->open_hi, .span = name_of(s->decl)});
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
static bool whole_number(Sema *S, const Slot *s, Node *at, Ex *e, IrFn *fn)
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

/* Value of a param or initial value of a state, at most once; constants stay constants. */
static Ex slot_given(Inst *in, Slot *s, Node *use)
{
    Sema *S = in->S;
    if (s->state == 2) return s->ex;
    if (s->state == 1) {
        Diag *d = diag_add(S->diags, D_cyclic_definition, use ? use->span : s->decl->span, "`%s` is defined by itself", s->name);
        diag_note_at(d, name_of(s->decl), "its declaration");
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
        Diag *d = diag_add(S->diags, D_no_initial_value, name_of(s->decl), s->kind == DECL_STATE ? "`%s` has no initial value" : "`%s` has no value", s->name);
        const char *unit = s->has_dim && !dim_none(s->dim) ? s->unit.text : NULL;
        if (s->has_dim) diag_hint(d, "write `%s%s%s = 0`", s->name, unit ? " : " : "", unit ? unit : "");
        else diag_hint(d, "write `%s = …` with its unit", s->name);
        s->state = 2;
        return s->ex = ex_poison();
    }
    Ctx c = in->init_ctx;
    c.salt = in->joint ? s->name : arena_printf(S->arena, "init.%s", s->name); /* a weight is drawn alike in all synapses */
    c.n_draws = 0;
    if (s->given_outer) c.self = s->name;
    Ex e = elab_celsius(&c, s->given, s->celsius);
    if (in->joint && s->given_outer && e.kind != EX_POISON) e = in->joint->pick(in->joint->user, s->given, e);
    if (s->is_bool && e.kind == EX_BOOL) {
        e = e.is_const ? ex_num(e.num, DIM_NONE) : ex_ir(ir_op1(c.fn, OP_NUM, e.value), DIM_NONE);
    } else if (s->is_bool && e.kind == EX_NUM) {
        diag_add(S->diags, D_not_a_number, s->given->span, "`%s` is true or false, this is %s", s->name, ex_say(S, e));
        e = ex_poison();
    }
    if (s->is_int && e.kind == EX_NUM && !whole_number(S, s, s->given, &e, c.fn)) e = ex_poison();
    if (e.kind == EX_STR || e.kind == EX_POPS || e.kind == EX_BOOL) {
        Diag *d = diag_add(S->diags, D_not_a_number, s->given->span, "`%s` is a number", s->name);
        diag_note(d, "this is %s", ex_say(S, e));
        e = ex_poison();
    }
    Node *own = s->decl->kid[1];
    if (!s->has_dim && own && own != s->given && !mentions(own, N_name, NULL)) {
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

static Ex param_value(Ctx *c, Slot *s, Node *at)
{
    Inst *in = c->inst;
    Ex e = slot_given(in, s, at);
    if (e.kind == EX_POISON || e.is_const) return e;
    if (s->field < 0) {
        s->field = slot_field(in, s, FIELD_PARAM);
        s->init_value = e.value;
        ir_store(in->init, s->field, e.value, (s->given ? s->given : s->decl)->span);
    }
    if (c->in_init) return ex_ir(s->init_value, s->dim);
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
    case DECL_PARAM: return param_value(c, s, at);
    case DECL_STATE:
        if (!c->in_init && !c->fn) break;
        if (!c->in_init && s->last >= 0) return synapse_read(c, s, at);
        if (!s->is_bool) return c->in_init ? slot_given(in, s, at) : ex_ir(inst_load(c, s->field, at->span), s->dim);
        {
            Ex e = c->in_init ? slot_given(in, s, at) : ex_ir(inst_load(c, s->field, at->span), s->dim);
            return e.kind == EX_POISON ? e : elab_op(c, at->span, OP_NE, 2, (Ex[]){e, ex_num(0, DIM_NONE)}, DIM_NONE);
        }
    case DECL_INPUT:
        if (c->in_init) return ex_num(0, s->dim);
        if (!c->fn) break;
        return ex_ir(inst_load(c, s->field, at->span), s->dim);
    case SLOT_DEFINE: {
        if (s->state == 1) {
            Diag *d = diag_add(in->S->diags, D_cyclic_definition, at->span, "`%s` is defined by itself", s->name);
            diag_note_at(d, name_of(s->decl), "its definition");
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

/* ---- statement blocks ---- */
void inst_assign(Ctx *c, int field, int value)
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
        if (s) diag_note_at(d, name_of(s->decl), "it is declared as %s", kind_word(s->kind));
        hint_state(in, d, to->name, s);
        return;
    }
    if (s->is_bool) {
        Ex truth = elab_bool(c, n->kid[1]);
        if (n->op != '=') diag_add(S->diags, D_not_a_number, n->span, "`%s` is true or false: only `=` sets it", s->name);
        else if (truth.kind == EX_BOOL) inst_assign(c, s->field, ir_op1(c->fn, OP_NUM, ex_value(c, truth)));
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
    if (s->is_int && (e.kind != EX_NUM || !whole_number(S, s, n->kid[1], &e, c->fn))) return;
    inst_assign(c, s->field, ex_value(c, e));
    if (s->last >= 0) inst_assign(c, s->last, ir_imm(c->fn, OP_T, c->t_which, (Span){0, 0}));
}

static void stmt_refractory(Ctx *c, Node *n)
{
    Inst *in = c->inst;
    Sema *S = in->S;
    if (n->kind == N_refr_until) {
        in->until = n->kid[0];
        inst_assign(c, in->refr_field, ir_const(c->fn, INFINITY));
        return;
    }
    Ex e = elab_dim(c, n->kid[0], DIM_TIME, "a refractory time");
    if (e.kind == EX_POISON) return;
    if (e.is_const) {
        int64_t steps;
        bool exact;
        if (e.num == INFINITY) { /* for good */
            inst_assign(c, in->refr_field, ir_const(c->fn, INFINITY));
            return;
        }
        if (!(e.num >= 0) || !decimal_steps(e.num, S->dt, &steps, &exact)) {
            diag_add(S->diags, D_out_of_range, n->kid[0]->span, "a refractory time is a time from 0 on");
            return;
        }
        inst_assign(c, in->refr_field, ir_const(c->fn, (double)steps));
        return;
    }
    int q = ir_op2(c->fn, OP_DIV, ex_value(c, e), ir_const(c->fn, S->dt));
    inst_assign(c, in->refr_field, ir_op1(c->fn, OP_FLOOR, ir_op2(c->fn, OP_ADD, q, ir_const(c->fn, 0.5))));
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

/* ---- the functions ---- */
void inst_init(Inst *in)
{
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->kind != DECL_PARAM) continue;
        Ctx c = in->init_ctx;
        (void)param_value(&c, s, s->decl);
    }
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].kind == DECL_STATE) (void)slot_given(in, &in->slot[k], NULL);
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (s->kind == DECL_STATE) {
            if (s->state == 2 && s->ex.kind == EX_POISON) s->dim = s->has_dim ? s->dim : DIM_NONE;
            s->field = slot_field(in, s, FIELD_STATE);
            if (s->ex.kind != EX_NUM) continue;
            Ctx c = in->init_ctx;
            ir_store(in->init, s->field, ex_value(&c, s->ex), name_of(s->decl));
        } else if (s->kind == DECL_INPUT) {
            if (!s->has_dim && !s->lost) {
                s->lost = true;
                Diag *d = diag_add(in->S->diags, D_missing_unit, name_of(s->decl), "the input `%s` needs its unit", s->name);
                diag_hint(d, "write `input %s : pA`", s->name);
            }
            s->field = slot_field(in, s, FIELD_INPUT);
        }
    }
    if (in->last_spike_field >= 0) ir_store(in->init, in->last_spike_field, ir_const(in->init, -INFINITY), (Span){0, 0});
}

/* A plain exponential of the tested variable overflows before the test can reset it. */
static bool bare_exp_of(Node *n, Sym v, Node **call)
{
    if (!n) return false;
    if (n->kind == N_call && n->kid[0]->kind == N_name) {
        Sym f = n->kid[0]->name;
        if (f == sym("min") || f == sym("clip")) return false;
        if ((f == sym("exp") || f == sym("sinh") || f == sym("cosh")) && n->n_kids == 2) {
            if (mentions(n->kid[1], N_name, v) && !mentions(n->kid[1], N_call, NULL)) {
                *call = n;
                return true;
            }
        }
    }
    for (int k = 0; k < n->n_kids; k++)
        if (bare_exp_of(n->kid[k], v, call)) return true;
    return false;
}

/* The variable and bound of `spike when V > VT`. */
bool inst_tested(const Inst *in, Node **var, Node **bound)
{
    *var = *bound = NULL;
    if (!in->spike) return false;
    Node *c = in->spike->kid[0];
    if (c->kind == N_crosses) *var = c->kid[0], *bound = c->kid[1];
    else if (c->kind == N_compare && c->which == 1 && (c->ops[0] == OP2_GT || c->ops[0] == OP2_GE)) *var = c->kid[0], *bound = c->kid[1];
    else return false;
    return (*var)->kind == N_name;
}

/* The user's text at a place, for the integrators' explanations. */
static const char *quote(void *ctx, Span at)
{
    Sema *S = ctx;
    Node here = {.span = at};
    return at.hi ? ast_source(S->ast, &here) : NULL;
}

/* `method = rk4` and `noise = stratonovich`. */
static bool directive(Sema *S, Sym name, Node *v, OdeSystem *sys)
{
    if (v->kind != N_name) {
        diag_add(S->diags, D_bad_argument, v->span, "`%s` is a word, such as `%s`", name, name == sym("method") ? "rk4" : "ito");
        return false;
    }
    if (name == sym("method")) {
        sys->method = v->name, sys->method_span = v->span;
        return true;
    }
    sys->stratonovich = v->name == sym("stratonovich");
    if (sys->stratonovich || v->name == sym("ito")) return true;
    diag_add(S->diags, D_bad_argument, v->span, "noise is `ito` or `stratonovich`");
    return false;
}

/* The same among the settings of a derived neuron or of a population. */
static bool directives_given(Inst *in, Node *settings, OdeSystem *sys)
{
    bool ok = true;
    for (int k = 0; settings && k < settings->n_kids; k++) {
        Node *e = settings->kid[k];
        if (e && e->kind == N_entry && is_directive(e) && !inst_slot(in, e->name))
            ok = directive(in->S, e->name, e->kid[0], sys) && ok;
    }
    return ok;
}

static bool emit_step(Inst *in)
{
    Sema *S = in->S;
    IrFn *deriv = ir_fn(in->mod, "deriv", FN_DERIV, LANE_NEURON);
    OdeEq *eqs = NULL;
    bool ok = true;
    Node *var, *bound, *call;
    bool has_test = inst_tested(in, &var, &bound);
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (!s->eq) continue;
        Ctx c = inst_ctx(in, deriv, arena_printf(S->arena, "step.%s", s->name));
        c.has_xi = true;
        Node *rhs = s->eq->kid[0];
        /* named expressions may carry xi into an equation as well */
        Ex e = elab_num(&c, rhs);
        Dim want = dim_div(s->dim, DIM_TIME);
        if (e.kind == EX_POISON || !elab_fits(&c, rhs, e, want, arena_printf(S->arena, "d%s/dt", s->name))) {
            ok = false;
            continue;
        }
        if (has_test && var->name == s->name && s->decl && bare_exp_of(rhs, s->name, &call)) {
            Diag *d = diag_add(S->diags, D_unbounded_exponential, call->span, "this exponential can overflow before the spike is detected");
            diag_note(d, "`%s` grows without bound within one step", s->name);
            diag_hint(d, "bound it by the threshold: `min(%s, %s)` instead of `%s`", s->name, ast_source(S->ast, bound), s->name);
        }
        ir_out(deriv, (int)vec_len(eqs), ex_value(&c, e), rhs->span);
        OdeEq eq = {.field = s->field, .frozen = s->frozen, .name = s->name, .text = ast_source(S->ast, rhs), .span = rhs->span};
        vec_push(eqs, eq);
    }
    in->n_eqs = (int)vec_len(eqs);
    in->eqs = in->n_eqs ? arena_dup(S->arena, eqs, sizeof *eqs * vec_len(eqs)) : NULL;
    vec_free(eqs);
    IrFn *step = ir_fn(in->mod, "step", FN_STEP, LANE_NEURON);
    OdeSystem sys = {.mod = in->mod, .deriv = deriv, .eq = in->eqs, .n = in->n_eqs, .refr_field = in->refr_field,
                     .dt = S->dt, .method = S->method, .method_span = S->method_span, .diags = S->diags,
                     .quote = quote, .quote_ctx = S};
    for (int k = 0; k < in->def.body->n_kids; k++) {
        Node *p = in->def.body->kid[k];
        if (p && p->kind == N_define && is_directive(p)) ok = directive(S, p->name, p->kid[1], &sys) && ok;
    }
    for (int k = 0; k < in->def.n_settings; k++) ok = directives_given(in, in->def.settings[k], &sys) && ok;
    ok = directives_given(in, in->settings, &sys) && ok;
    if (ok && in->n_eqs) ok = ode_integrate(&sys, step);
    /* the compiler's own copy of the equations is no function of the kernel */
    for (size_t k = 0; k < vec_len(in->mod->fn); k++)
        if (in->mod->fn[k] == deriv) {
            vec_free(deriv->ins);
            for (size_t q = k + 1; q < vec_len(in->mod->fn); q++) in->mod->fn[q - 1] = in->mod->fn[q];
            (void)vec_pop(in->mod->fn);
            break;
        }
    if (!ok) return false;
    if (in->refr_field >= 0) {
        int r = ir_imm(step, OP_LOAD, in->refr_field, (Span){0, 0});
        int zero = ir_const(step, 0), some = ir_op2(step, OP_GT, r, zero);
        int left = ir_op3(step, OP_SELECT, some, ir_op2(step, OP_SUB, r, ir_const(step, 1)), zero);
        if (in->until) {
            Ctx c = inst_ctx(in, step, "step");
            c.t_which = 1;
            Ex over = elab_bool(&c, in->until);
            if (over.kind == EX_POISON) return false;
            int waiting = ir_op2(step, OP_EQ, r, ir_const(step, INFINITY));
            left = ir_op3(step, OP_SELECT, ir_op2(step, OP_AND, waiting, ex_value(&c, over)), zero, left);
        }
        ir_store(step, in->refr_field, left, (Span){0, 0});
    }
    moments_every(in, step);
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].kind == DECL_INPUT) ir_store(step, in->slot[k].field, ir_const(step, 0), (Span){0, 0});
    return true;
}

Ex inst_condition(Ctx *c, Node *cond, const char *name)
{
    Inst *in = c->inst;
    IrFn *fn = c->fn;
    if (cond->kind != N_crosses) return elab_bool(c, cond);
    Ex a = elab_num(c, cond->kid[0]), b = elab_num(c, cond->kid[1]);
    if (a.kind == EX_POISON || b.kind == EX_POISON || !elab_fits(c, cond->kid[1], b, a.dim, "the level crossed")) return ex_poison();
    int above = ir_op2(fn, OP_GT, ex_value(c, a), ex_value(c, b));
    int field = hidden(in, name ? arena_printf(in->S->arena, "above.%s", name) : "above", "", "was above the level at the last test");
    int was = ir_op2(fn, OP_NE, ir_imm(fn, OP_LOAD, field, cond->span), ir_const(fn, 0));
    ir_store(fn, field, ir_op1(fn, OP_NUM, above), cond->span);
    if (!name) in->above_field = field;
    return (Ex){.kind = EX_BOOL, .value = ir_op2(fn, OP_AND, above, ir_op1(fn, OP_NOT, was))};
}

static bool emit_test(Inst *in)
{
    bool events = moments_any_event(in);
    if (!in->spike && !events) return true;
    IrFn *fn = ir_fn(in->mod, "test", FN_TEST, LANE_NEURON);
    Ctx c = inst_ctx(in, fn, "test");
    c.t_which = 1;
    Node *cond = in->spike ? in->spike->kid[0] : NULL;
    Ex e = cond ? inst_condition(&c, cond, NULL) : ex_truth(false);
    if (e.kind == EX_POISON) return false;
    int v = ex_value(&c, e);
    if (in->refr_field >= 0) {
        int r = ir_op2(fn, OP_GT, ir_imm(fn, OP_LOAD, in->refr_field, (Span){0, 0}), ir_const(fn, 0));
        v = ir_op2(fn, OP_AND, v, ir_op1(fn, OP_NOT, r));
    }
    ir_out(fn, 0, v, cond ? cond->span : (Span){0, 0});
    return !events || moments_run(in, fn, v);
}

static void emit_reset(Inst *in)
{
    if (moments_any_event(in)) return; /* its block ran with those of the events */
    if (!in->spike || (in->spike->n_kids < 2 || !in->spike->kid[1])) {
        if (in->last_spike_field < 0) return;
    }
    IrFn *fn = ir_fn(in->mod, "reset", FN_RESET, LANE_NEURON);
    Ctx c = inst_ctx(in, fn, "reset");
    c.t_which = 1;
    block_begin(&c, 0);
    if (in->spike->n_kids > 1) block_stmts(&c, in->spike->kid[1]);
    if (in->last_spike_field >= 0) inst_assign(&c, in->last_spike_field, ir_imm(fn, OP_T, 1, (Span){0, 0}));
    block_flush(&c);
}

static void emit_arrive(Inst *in, Sym const *used, int n_used)
{
    IrFn *fn = NULL;
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        bool aimed = false;
        for (int q = 0; q < n_used; q++) aimed = aimed || used[q] == s->name;
        if (s->kind != DECL_STATE || !aimed) continue;
        if (!fn) fn = ir_fn(in->mod, "arrive", FN_ARRIVE, LANE_NEURON);
        s->acc = ir_field(in->mod, (IrField){.name = arena_printf(in->S->arena, "%s.in", s->name), .unit = inst_unit(in, s), .kind = FIELD_ACC,
                                             .lo = -INFINITY, .hi = INFINITY, .doc = "sum of the events that arrive"});
        int old = ir_imm(fn, OP_LOAD, s->field, (Span){0, 0}), sum = ir_imm(fn, OP_LOAD, s->acc, (Span){0, 0});
        int now = ir_op2(fn, OP_ADD, old, sum);
        if (s->frozen) {
            int refr = ir_op2(fn, OP_GT, ir_imm(fn, OP_LOAD, in->refr_field, (Span){0, 0}), ir_const(fn, 0));
            now = ir_op3(fn, OP_SELECT, refr, old, now);
        }
        ir_store(fn, s->field, now, (Span){0, 0});
        ir_store(fn, s->acc, ir_const(fn, 0), (Span){0, 0});
    }
}

static void emit_check(Inst *in)
{
    IrFn *fn = ir_fn(in->mod, "check", FN_CHECK, LANE_NEURON);
    int all = ir_truth(fn, true);
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].kind == DECL_STATE)
            all = ir_op2(fn, OP_AND, all, ir_op1(fn, OP_FINITE, ir_imm(fn, OP_LOAD, in->slot[k].field, (Span){0, 0})));
    ir_out(fn, 0, all, (Span){0, 0});
}

/* Parameters and initial values that are drawn or depend on `i` are tested when they are known. */
void inst_ranges(Inst *in, LaneKind lanes)
{
    for (size_t k = 0; k < vec_len(in->slot); k++) {
        Slot *s = &in->slot[k];
        if (!s->has_range || s->field < 0 || s->ex.kind != EX_NUM || s->ex.is_const) continue;
        IrFn *fn = ir_fn(in->mod, arena_printf(in->S->arena, "range.%s", s->name), FN_RANGE, lanes);
        int v = ir_imm(fn, OP_LOAD, s->field, (Span){0, 0});
        int low = ir_op2(fn, s->open_lo ? OP_GT : OP_GE, v, ir_const(fn, s->lo));
        int high = ir_op2(fn, s->open_hi ? OP_LT : OP_LE, v, ir_const(fn, s->hi));
        ir_out(fn, 0, ir_op2(fn, OP_AND, low, high), name_of(s->decl));
    }
}

bool inst_emit(Inst *in, Sym const *used, int n_used)
{
    size_t before = diag_errors(in->S->diags);
    in->init = ir_fn(in->mod, "init", FN_INIT, LANE_NEURON);
    in->init_ctx = inst_ctx(in, in->init, "init");
    in->init_ctx.in_init = true;
    in->init_ctx.has_t = false;
    in->init_ctx.has_draws = true;
    inst_init(in);
    /* the reset block comes before the step so that `refractory until` is known there */
    bool ok = emit_test(in);
    emit_reset(in);
    ok = emit_step(in) && ok;
    if (diag_errors(in->S->diags) > before) ok = false;
    if (!ok) return false;
    emit_arrive(in, used, n_used);
    emit_check(in);
    inst_ranges(in, LANE_NEURON);
    for (size_t k = 0; k < vec_len(in->slot); k++) { /* unused named expressions are checked as well */
        Slot *s = &in->slot[k];
        if (s->kind != SLOT_DEFINE) continue;
        IrFn *fn = ir_fn(in->mod, arena_printf(in->S->arena, "obs.%s", s->name), FN_OBS, LANE_NEURON);
        Ctx c = inst_ctx(in, fn, "obs");
        Ex e = inst_name(&c, s, s->decl);
        if (e.kind == EX_NUM || e.kind == EX_BOOL) ir_out(fn, 0, ex_value(&c, e), name_of(s->decl));
        else ok = false;
    }
    return ok && diag_errors(in->S->diags) == before;
}
