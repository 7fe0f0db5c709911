/* Names in expressions: variables, definitions, what every scope has, and what to say of the unknown. */
#include "protocol.h"
#include "space.h"
#include "wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void elab_not_constant(Ctx *c, Span at, const char *name)
{
    Diag *d = diag_add(c->S->diags, D_not_constant, at, "`%s` has no value here", name);
    diag_note(d, "%s is fixed before the run starts", c->what ? c->what : "this value");
}

/* Is a name a law (drawn or dependent on i, j, t) rather than one value? */
bool elab_is_law(Sema *S, Node *n, int depth)
{
    if (!n || depth > 1000) return false;
    if (n->kind == N_name) {
        static const char *const per_use[] = {"i", "j", "t", "distance", "source", "target", "position", "xi"};
        for (size_t k = 0; k < sizeof per_use / sizeof *per_use; k++)
            if (n->name == sym(per_use[k])) return true;
        Bind *b = scope_find(S->top, n->name);
        if (b && b->kind == B_NET) return true;
        if (!b || b->kind != B_LET) return false;
        if (!b->law) {
            b->law = 3;
            b->law = elab_is_law(S, b->node->kid[0], depth + 1) ? 2 : 1;
        }
        return b->law == 2;
    }
    if (n->kind == N_call && n->kid[0]->kind == N_name && function_draws(n->kid[0]->name)) return true;
    for (int k = 0; k < n->n_kids; k++)
        if (elab_is_law(S, n->kid[k], depth)) return true;
    return false;
}

static bool draws_within(Sema *S, Node *n, int depth)
{
    if (!n || depth > 64) return false;
    if (n->kind == N_name) {
        Bind *b = scope_find(S->top, n->name);
        return b && (b->kind == B_LET || b->kind == B_FUNCTION) && draws_within(S, b->node->kid[b->kind == B_LET ? 0 : 2], depth + 1);
    }
    if (n->kind == N_call && n->kid[0]->kind == N_name && function_draws(n->kid[0]->name)) return true;
    for (int k = 0; k < n->n_kids; k++)
        if (draws_within(S, n->kid[k], depth)) return true;
    return false;
}

bool elab_draws(Sema *S, Node *n) { return draws_within(S, n, 0); }

static Ex name_let(Ctx *c, Bind *b, Node *n)
{
    if (b->state == 2) return b->ex;
    if (b->state == 1) {
        Diag *d = diag_add(c->S->diags, D_cyclic_definition, n->span, "`%s` is defined by itself", b->name);
        diag_note_at(d, b->node->span, "its definition");
        return ex_poison();
    }
    Node *value = b->node->kid[0];
    if (b->kind == B_PARAM) value = b->node->kid[1];
    if (!value) {
        b->state = 2;
        Diag *d = diag_add(c->S->diags, D_no_initial_value, b->node->span, "`%s` has no value", b->name);
        diag_hint(d, "write `param %s = …`, or give it by `--set %s=…`", b->name, b->name);
        return b->ex = ex_poison();
    }
    if (path_is_pops(c->S, value)) {
        b->state = 1;
        b->ex = path_pops(c->S, value);
        b->state = 2;
        return b->ex;
    }
    if (elab_is_law(c->S, value, 0)) { /* the law: drawn anew at each use */
        b->state = 1;
        Ex e = elab(c, value);
        b->state = 0;
        return e;
    }
    b->state = 1;
    Ctx k = ctx_const(c->S, arena_printf(c->S->arena, "`%s`", b->name));
    b->ex = elab_celsius(&k, value, b->kind == B_PARAM && b->node->kid[0] && elab_is_celsius(&b->node->kid[0]->unit));
    if (b->kind == B_PARAM && b->node->kid[0] && b->node->kid[0]->kind == N_poison) b->ex = ex_poison();
    if (b->kind == B_PARAM && b->ex.kind != EX_POISON && b->node->kid[0] &&
        !elab_fits(&k, value, b->ex, b->node->kid[0]->unit.dim, arena_printf(c->S->arena, "`%s`", b->name)))
        b->ex = ex_poison();
    b->state = 2;
    return b->ex;
}

enum { FIRST_SHARED_XI = 1000 }; /* numbers of noises that a population shares; own ones lie below */

/* xi_1 … xi_999 */
static bool is_further_xi(const char *s)
{
    size_t n = strlen(s);
    return n > 3 && n <= 6 && !strncmp(s, "xi_", 3) && strspn(s + 3, "0123456789") == n - 3;
}

static Ex name_special(Ctx *c, Node *n, bool *found)
{
    const char *s = n->name;
    *found = true;
    if (!strcmp(s, "port") && c->inst && c->inst->joint) return synapse_port(c, n);
    if (!strcmp(s, "pi")) return ex_num(3.14159265358979323846, DIM_NONE);
    if (!strcmp(s, "inf")) return (Ex){.kind = EX_NUM, .is_const = true, .num = INFINITY, .wild = true};
    if (!strcmp(s, "dt")) {
        if (c->S->dt > 0) return ex_num(c->S->dt, DIM_TIME);
        elab_not_constant(c, n->span, "dt");
        return ex_poison();
    }
    bool ok = false, known = true;
    Op op = OP_I;
    Dim dim = DIM_NONE;
    int64_t imm = 0;
    if (!strcmp(s, "i")) ok = c->has_i, op = OP_I;
    else if (!strcmp(s, "j")) ok = c->has_j, op = OP_J;
    else if (!strcmp(s, "t")) ok = c->has_t, op = OP_T, dim = DIM_TIME, imm = c->t_which;
    else if (!strcmp(s, "distance")) return space_distance(c, n);
    else if (!strcmp(s, "xi") || is_further_xi(s)) {
        ok = c->has_xi, op = OP_XI;
        imm = (s[2] ? strtoll(s + 3, NULL, 10) : 0) + (c->shared ? FIRST_SHARED_XI : 0);
        dim_pow(DIM_RATE, 1, 2, &dim);
    } else if (!strcmp(s, "N")) {
        if (c->source_n >= 0) return ex_num(c->source_n, DIM_NONE);
        ok = false;
    } else if (!strcmp(s, "N_source") || !strcmp(s, "N_target")) {
        int v = s[2] == 's' ? c->source_n : c->target_n;
        if (v >= 0 && c->target_n >= 0) return ex_num(v, DIM_NONE);
        ok = false;
    } else if (!strcmp(s, "last_spike") && c->inst) {
        Inst *in = c->inst;
        if (in->last_spike_field < 0)
            in->last_spike_field = ir_field(in->mod, (IrField){.name = "last_spike", .unit = "ms", .kind = FIELD_HIDDEN,
                                                               .lo = -INFINITY, .hi = INFINITY, .doc = "time of the last spike"});
        if (c->fn) return ex_ir(ir_imm(c->fn, OP_LOAD, in->last_spike_field, n->span), DIM_TIME);
    } else
        known = false;
    if (!known) {
        *found = false;
        return ex_poison();
    }
    if (!ok || !c->fn) {
        if (c->fn) {
            Diag *d = diag_add(c->S->diags, D_unknown_name, n->span, "`%s` has no meaning here", s);
            if (op == OP_XI && c->inst && c->inst->joint) diag_note(d, "in synapses, noise stands in equations `each step` only");
            else if (op == OP_XI) diag_note(d, "noise stands in differential equations only");
            if (op == OP_J) diag_note(d, "`j` is the index of a synapse's target");
        } else
            elab_not_constant(c, n->span, s);
        return ex_poison();
    }
    int v = ir_imm(c->fn, op, imm, n->span);
    if (op == OP_XI && c->shared) c->fn->ins[v].flags = INS_SHARED;
    return ex_ir(v, dim);
}

static void name_unknown(Ctx *c, Node *n)
{
    if (follow_up(c->S, c->inst ? (void *)c->inst->def.body : (void *)c->S, n->name)) return;
    Diag *d = diag_add(c->S->diags, D_unknown_name, n->span, "nothing is called `%s`", n->name);
    if (n->name == c->self) {
        diag_note(d, "the value that `%s` has without this one cannot be read here", n->name);
        return;
    }
    const char **cand = NULL;
    for (Scope *s = c->scope; s; s = s->up)
        for (Bind *b = s->first; b; b = b->next) vec_push(cand, b->name);
    if (c->inst)
        for (size_t k = 0; k < vec_len(c->inst->slot); k++) vec_push(cand, c->inst->slot[k].name);
    const char *near = diag_nearest(n->name, cand, vec_len(cand));
    Unit u;
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else if (unit_name(n->name, strlen(n->name), &u))
        diag_hint(d, "`%s` is a unit: units stand directly behind a number, or in brackets: `[%s]`", n->name, n->name);
    else if (unit_nearest(c->S->arena, n->name) && strlen(n->name) > 1)
        diag_hint(d, "if a unit is meant, it is `%s`", unit_nearest(c->S->arena, n->name));
    else if (function_known(n->name)) diag_hint(d, "`%s` is a function: write `%s(…)`", n->name, n->name);
    vec_free(cand);
}

/* Where a model is given values its names hide those of the file; a reader may have meant either if both would do. */
static void tell_hidden(Ctx *c, Node *n, Ex own)
{
    Sema *S = c->S;
    Bind *b = scope_here(S->top, n->name);
    if (!b || (b->kind != B_LET && b->kind != B_PARAM) || b->state == 1 || own.kind != EX_NUM) return;
    Node *value = b->node->kid[b->kind == B_LET ? 0 : 1];
    bool law = !value || elab_is_law(S, value, 0);
    Ex other = law ? ex_poison() : name_let(c, b, n);
    if (!law && (other.kind != EX_NUM || !dim_eq(other.dim, own.dim))) return;
    if (!law && own.is_const && other.is_const && own.num == other.num) return;
    Diag *d = diag_add(S->diags, D_hidden_name, n->span, "`%s` is that of `%s` here, not that of the file", n->name, c->inst->def.name);
    diag_note_at(d, b->node->span, "that of the file");
    if (b->kind == B_PARAM || law || ast_mentions(value, N_name, NULL)) {
        diag_hint(d, "give one of them another name");
        return;
    }
    bool number = value->kind == N_num || value->kind == N_qty;
    const char *text = arena_printf(S->arena, number ? "%s" : "(%s)", ast_source(S->ast, value));
    diag_hint(d, "if the other is meant, write `%s`; if not, give one of them another name", text);
    diag_mend(d, n->span, "%s", text);
}

Ex elab_name(Ctx *c, Node *n)
{
    if (n->flags & AST_COLUMN) return edges_value(c, n);
    for (Scope *s = c->scope; s; s = s->up) {
        Bind *b = scope_here(s, n->name);
        if (b && b->kind == B_LOCAL) return b->ex;
        if (b && b->kind == B_AGAIN) return protocol_again(c, b);
        if (b && b->kind == B_NET && s != c->S->top) return protocol_net(c, b->index, n->span); /* a `let` of a block */
    }
    Slot *s = c->inst && n->name != c->self ? inst_slot(c->inst, n->name) : NULL;
    if (s) {
        Ex own = inst_name(c, s, n);
        if (c->self) tell_hidden(c, n, own);
        return own;
    }
    bool found;
    Ex e = name_special(c, n, &found);
    if (found) return e;
    Bind *b = scope_find(c->scope, n->name);
    if (!b) {
        name_unknown(c, n);
        return ex_poison();
    }
    switch (b->kind) {
    case B_NET: return protocol_net(c, b->index, n->span);
    case B_LET:
    case B_PARAM: return name_let(c, b, n);
    case B_POP:
    case B_LAYER: return path_pops(c->S, n);
    case B_FUNCTION: {
        Diag *d = diag_add(c->S->diags, D_not_a_number, n->span, "`%s` is a function", n->name);
        diag_hint(d, "write `%s(…)`", n->name);
        break;
    }
    default: {
        Diag *d = diag_add(c->S->diags, D_not_a_number, n->span, "`%s` is no value", n->name);
        diag_note_at(d, b->node->span, "it is declared here");
    }
    }
    return ex_poison();
}
