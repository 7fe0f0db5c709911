/* Expressions: names, literals, arithmetic, comparisons, lists. See sema.h. */
#include "protocol.h"
#include "space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Dimension of a list is that of its first number: lists are checked element by element elsewhere. */
static Ex sample_of(Ex e)
{
    while (e.kind == EX_LIST && e.n) e = e.item[0];
    return e;
}

static bool need_numbers(Ctx *c, Node *n, Ex e)
{
    Ex s = sample_of(e);
    if (s.kind == EX_NUM || s.kind == EX_POISON || (e.kind == EX_LIST && e.n == 0)) return s.kind != EX_POISON;
    Diag *d = diag_add(c->S->diags, D_not_a_number, n->span, "expected a number, got %s", ex_say(c->S, s));
    if (s.kind == EX_BOOL) diag_hint(d, "turn a truth value into a number by `if … then 1 else 0`");
    return false;
}

/* What a physicist would try first when a and b do not go together. */
static void hint_conversion(Ctx *c, Diag *d, Node *na, Ex a, Node *nb, Ex b)
{
    static const struct {
        const Dim *dim;
        const char *what, *name;
    } factor[] = {{&DIM_RESISTANCE, "a resistance", "R"}, {&DIM_CONDUCTANCE, "a conductance", "gL"}, {&DIM_TIME, "a time", "tau"}};
    Sema *S = c->S;
    if (dim_none(a.dim) && na->kind == N_num) {
        diag_hint(d, "give `%s` a unit, such as `%s %s`", ex_source(S, na), ex_source(S, na), dim_unit(S->arena, b.dim));
        return;
    }
    if (dim_none(b.dim) && nb->kind == N_num) {
        diag_hint(d, "give `%s` a unit, such as `%s %s`", ex_source(S, nb), ex_source(S, nb), dim_unit(S->arena, a.dim));
        return;
    }
    for (int side = 0; side < 2; side++) {
        Node *n = side ? na : nb; /* the right one is tried first: it is where the eye rests */
        Dim q = side ? dim_div(b.dim, a.dim) : dim_div(a.dim, b.dim);
        for (size_t k = 0; k < sizeof factor / sizeof *factor; k++) {
            if (dim_eq(q, *factor[k].dim) && (k < 2 || !side)) {
                diag_hint(d, "multiply `%s` by %s, such as `%s*%s`", ex_source(S, n), factor[k].what, factor[k].name, ex_factor(S, n));
                return;
            }
            if (k == 2 && dim_eq(dim_div(DIM_NONE, q), DIM_TIME)) {
                diag_hint(d, "divide `%s` by %s, such as `%s/%s`", ex_source(S, n), factor[k].what, ex_factor(S, n), factor[k].name);
                return;
            }
        }
    }
    if (na->kind == N_list || nb->kind == N_list) {
        Node *l = na->kind == N_list ? na : nb;
        diag_note(d, "`%s` is a list here, since it names a variable", ex_source(S, l));
    }
}

/* A name that was declared without its unit is wrong once, not wherever it is used. */
static void forget(Ctx *c, Diag *d, Node *n, Ex e)
{
    if (n->kind != N_name || e.kind != EX_NUM || e.wild || !dim_none(e.dim)) return;
    Slot *s = c->inst ? inst_slot(c->inst, n->name) : NULL;
    Bind *b = s ? NULL : scope_find(c->scope, n->name);
    if (s && s->kind == DECL_PARAM && s->given && !s->given_outer) {
        s->decl->flags |= AST_FORGET;
        diag_note_at(d, s->decl->span, "`%s` is declared here", n->name);
    } else if (b && (b->kind == B_LET || b->kind == B_PARAM)) {
        if (b->state == 2) b->ex = ex_poison();
        diag_note_at(d, b->node->span, "`%s` is declared here", n->name);
    }
}

/* Do two operands of + - < … agree? Diagnoses at the operator. */
static bool same_dim(Ctx *c, Node *n, uint32_t op_at, const char *verb, const char *prep, bool swap,
                     Node *na, Ex a, Node *nb, Ex b, Dim *out)
{
    Ex sa = sample_of(a), sb = sample_of(b);
    *out = sa.wild ? sb.dim : sa.dim;
    if (sa.wild || sb.wild || dim_eq(sa.dim, sb.dim)) return true;
    Span at = op_at ? (Span){op_at, op_at + 1} : n->span;
    const char *pa = dim_say(c->S->arena, sa.dim), *pb = dim_say(c->S->arena, sb.dim);
    char *short_a = arena_strdup(c->S->arena, pa), *short_b = arena_strdup(c->S->arena, pb);
    char *par = strstr(short_a, " (");
    if (par) *par = 0;
    par = strstr(short_b, " (");
    if (par) *par = 0;
    Diag *d = diag_add(c->S->diags, D_unit_mismatch, at, "cannot %s %s %s %s", verb,
                       swap ? short_b : short_a, prep, swap ? short_a : short_b);
    diag_mark(d, na->span);
    diag_mark(d, nb->span);
    diag_note(d, "`%s` is %s, `%s` is %s", ex_source(c->S, na), pa, ex_source(c->S, nb), pb);
    hint_conversion(c, d, na, sa, nb, sb);
    forget(c, d, na, a);
    forget(c, d, nb, b);
    return false;
}

static Dim dim_pow_of(Dim d, int n)
{
    Dim out = DIM_NONE;
    (void)dim_pow(d, n, 1, &out);
    return out;
}

bool elab_fits(Ctx *c, Node *n, Ex e, Dim want, const char *what)
{
    if (e.kind == EX_POISON) return false;
    if (e.kind == EX_LIST) {
        bool written = n->kind == N_list && n->n_kids == e.n;
        for (int k = 0; k < e.n; k++)
            if (!elab_fits(c, written ? n->kid[k] : n, e.item[k], want, what)) return false;
        return true;
    }
    if (!need_numbers(c, n, e)) return false;
    if (e.wild || dim_eq(e.dim, want)) return true;
    Bind *named = n->kind == N_name ? scope_find(c->scope, n->name) : NULL;
    if (named && ((named->kind != B_LET && named->kind != B_PARAM) || (c->inst && inst_slot(c->inst, n->name)))) named = NULL;
    if (named && follow_up(c->S, "unit", n->name)) return false; /* a declaration without its unit is one mistake */
    const char *w = dim_say(c->S->arena, want), *g = dim_say(c->S->arena, e.dim);
    if (dim_none(e.dim) && (n->kind == N_num || (n->kind == N_neg && n->kid[0]->kind == N_num))) {
        Diag *d = diag_add(c->S->diags, D_missing_unit, n->span, "%s needs a unit", what);
        diag_note(d, "expected %s, this is a plain number", w);
        diag_hint(d, "write `%s %s`", ex_source(c->S, n), dim_unit(c->S->arena, want));
        return false;
    }
    Diag *d = diag_add(c->S->diags, D_unit_mismatch, n->span, "%s must be %s, but this is %s", what, w, g);
    bool literal = n->kind == N_qty || n->kind == N_num || (n->kind == N_neg && n->kid[0]->kind == N_qty);
    if (named) diag_note_at(d, named->node->span, "`%s` is declared here", n->name);
    else if (!literal) diag_note(d, "`%s` is %s", ex_source(c->S, n), g);
    if (!named) forget(c, d, n, e);
    Dim q = dim_div(want, e.dim);
    if (literal && dim_eq(q, dim_pow_of(e.dim, -2)) && !dim_none(e.dim)) diag_hint(d, "write `1/(%s)`", ex_source(c->S, n));
    else if (literal || named) return false;
    else if (dim_eq(q, DIM_RESISTANCE)) diag_hint(d, "multiply by a resistance, such as `R*%s`", ex_factor(c->S, n));
    else if (dim_eq(q, DIM_RATE)) diag_hint(d, "divide by a time, such as `%s/tau`", ex_factor(c->S, n));
    return false;
}

/* Does the name stand for something that could be meant where a unit stands? Connections, stimuli and models are no
 * values; populations are, in a list. */
static bool has_value(Ctx *c, Sym name, bool list)
{
    if (c->inst && inst_slot(c->inst, name)) return true;
    const Bind *b = scope_find(c->scope, name);
    if (!b || b->kind == B_PROJ || b->kind == B_STIM || b->kind == B_NEURON || b->kind == B_SYNAPSE) return false;
    return list || (b->kind != B_POP && b->kind != B_LAYER);
}

/* A unit in which no name can be taken for a variable: `mV/(1 s)` for `mV/s`. The first name stays where a number
 * stands in front of it. */
static const char *spelled_unit(Sema *S, const char *unit, bool numbered)
{
    Buf b = {0};
    for (const char *p = unit; *p;) {
        size_t len = strcspn(p, "/*^()0123456789-. ");
        if (!len) buf_printf(&b, "%c", *p);
        else buf_printf(&b, numbered && p == unit ? "%.*s" : "(1 %.*s)", (int)len, p);
        p += len ? len : 1;
    }
    const char *text = arena_strdup(S->arena, b.p);
    buf_free(&b);
    return text;
}

/* `3 mV/s` beside a variable `s`: two readings, so the user must choose. */
static bool qty_ambiguous(Ctx *c, Node *n)
{
    const char *t = n->text, *u = t;
    if (!u || !strpbrk(u, "/*^")) return false;
    while (*u && (strchr("0123456789.eE+-", *u) || *u == ' ')) {
        if ((*u == 'e' || *u == 'E') && !(u[1] == '-' || u[1] == '+' || (u[1] >= '0' && u[1] <= '9'))) break;
        u++;
    }
    for (const char *p = u; *p;) {
        size_t len = strcspn(p, "/*^()0123456789-. ");
        if (len) {
            Sym name = sym_n(p, len);
            if (p != u && has_value(c, name, false)) {
                Diag *d = diag_add(c->S->diags, D_unit_ambiguous, n->span, "`%s` can be read in two ways", t);
                diag_note(d, "`%s` is a unit and also a variable here", name);
                int digits = (int)(u - t);
                while (digits && t[digits - 1] == ' ') digits--;
                diag_hint(d, "write `%.*s %c %s` for the variable or `%.*s %s` for the unit", (int)(p - 1 - t), t, p[-1], p,
                          digits, t, spelled_unit(c->S, u, true));
                return true;
            }
        }
        p += len ? len : 1;
    }
    return false;
}

/* Names of `[…]` when it can be read as a unit: only names, numbers, * / ^ and parentheses. */
static bool unit_shaped(Node *n, Ctx *c, int *units, int *declared)
{
    switch (n->kind) {
    case N_num: return true;
    case N_neg: return unit_shaped(n->kid[0], c, units, declared);
    case N_name: {
        Unit u;
        if (unit_name(n->name, strlen(n->name), &u)) ++*units;
        else return false;
        if (has_value(c, n->name, true)) ++*declared;
        return true;
    }
    case N_binary:
        return (n->op == '*' || n->op == '/' || n->op == '^') && unit_shaped(n->kid[0], c, units, declared) &&
               unit_shaped(n->kid[1], c, units, declared);
    case N_qty: { /* `[1/ms]` may have been lexed as numbers and units */
        ++*units;
        return true;
    }
    default: return false;
    }
}

bool elab_is_unit(Ctx *c, Node *list, Unit *u)
{
    if (list->kind == N_bracket_unit) {
        *u = list->unit;
        return true;
    }
    if (list->kind != N_list || list->n_kids != 1 || (list->flags & AST_TRAILING)) return false;
    int units = 0, declared = 0;
    if (!unit_shaped(list->kid[0], c, &units, &declared) || !units) return false;
    const char *text = ast_source(c->S->ast, list->kid[0]);
    size_t len = strlen(text);
    if (unit_parse(text, len, u) != len) return false;
    if (declared == 0) {
        u->text = text;
        return true;
    }
    Diag *d = diag_add(c->S->diags, D_unit_ambiguous, list->span, "`[%s]` can be a unit or a list", text);
    diag_note(d, "%s a unit and also a variable here", units > 1 ? "one of its names is" : "it is");
    bool named = strcspn(text, "/*^()0123456789-. ") > 0 && !strchr(text, '^');
    diag_hint(d, "write `[%s,]` for a list of one, `(%s%s)` for the unit", text, named ? "1 " : "", spelled_unit(c->S, text, named));
    *u = (Unit){.factor = 0};
    return true;
}

/* Where operator `k` of a chain of comparisons stands. */
static uint32_t compare_at(Ctx *c, Node *n, int k)
{
    Node between = {.span = {n->kid[k]->span.hi, n->kid[k + 1]->span.lo}};
    if (between.span.lo >= between.span.hi) return n->at;
    const char *text = ast_source(c->S->ast, &between);
    size_t skip = strcspn(text, "<>=!");
    return text[skip] ? between.span.lo + (uint32_t)skip : n->at;
}

static Ex elab_compare(Ctx *c, Node *n)
{
    Ex left = elab(c, n->kid[0]), all = ex_poison();
    for (int k = 0; k < n->which; k++) {
        Ex right = elab(c, n->kid[k + 1]);
        if (left.kind == EX_POISON || right.kind == EX_POISON) return ex_poison();
        Op op = OP_LT;
        switch (n->ops[k]) {
        case OP2_LT: op = OP_LT; break;
        case OP2_GT: op = OP_GT; break;
        case OP2_LE: op = OP_LE; break;
        case OP2_GE: op = OP_GE; break;
        case OP2_EQ: op = OP_EQ; break;
        case OP2_NE: op = OP_NE; break;
        default: cx_bug("comparison %d", n->ops[k]);
        }
        Ex one;
        if (left.kind == EX_BOOL && right.kind == EX_BOOL && (op == OP_EQ || op == OP_NE)) {
            Ex a = elab_op(c, n->span, OP_NUM, 1, &left, DIM_NONE), b = elab_op(c, n->span, OP_NUM, 1, &right, DIM_NONE);
            one = elab_op(c, n->span, op, 2, (Ex[]){a, b}, DIM_NONE);
        } else {
            Dim d;
            if (!need_numbers(c, n->kid[k], left) || !need_numbers(c, n->kid[k + 1], right)) return ex_poison();
            if (!same_dim(c, n, compare_at(c, n, k), "compare", "with", false, n->kid[k],
                          left, n->kid[k + 1], right, &d))
                return ex_poison();
            one = elab_op(c, n->span, op, 2, (Ex[]){left, right}, DIM_NONE);
        }
        all = k == 0 ? one : elab_op(c, n->span, OP_AND, 2, (Ex[]){all, one}, DIM_NONE);
        left = right;
    }
    return all;
}

Ex elab_bool(Ctx *c, Node *n)
{
    Ex e = elab(c, n);
    if (e.kind == EX_BOOL || e.kind == EX_POISON) return e;
    Diag *d = diag_add(c->S->diags, D_not_a_number, n->span, "expected a condition, got %s", ex_say(c->S, e));
    if (n->kind == N_num && (n->num == 0 || n->num == 1)) diag_hint(d, "write `%s`", n->num == 1 ? "true" : "false");
    else diag_hint(d, "compare it with something, such as `%s > 0`", ex_factor(c->S, n));
    return ex_poison();
}

static Ex elab_if(Ctx *c, Node *n)
{
    Ex cond = elab_bool(c, n->kid[0]);
    bool outer = c->untaken;
    c->untaken = true;
    int guard = links_branch(c, cond, true);
    Ex a = elab(c, n->kid[1]);
    links_branch_end(c, guard);
    (void)links_branch(c, cond, false);
    Ex b = elab(c, n->kid[2]);
    links_branch_end(c, guard);
    c->untaken = outer;
    if (cond.kind == EX_POISON || a.kind == EX_POISON || b.kind == EX_POISON) return ex_poison();
    if (a.kind == EX_BOOL && b.kind == EX_BOOL) {
        if (cond.is_const) return cond.num != 0 ? a : b;
        return elab_op(c, n->span, OP_SELECTB, 3, (Ex[]){cond, a, b}, DIM_NONE);
    }
    if (!need_numbers(c, n->kid[1], a) || !need_numbers(c, n->kid[2], b)) return ex_poison();
    Dim d;
    if (!same_dim(c, n, 0, "choose between", "and", false, n->kid[1], a, n->kid[2], b, &d)) return ex_poison();
    if (cond.is_const) {
        Ex e = cond.num != 0 ? a : b;
        if (e.kind == EX_NUM && e.wild && !(a.wild && b.wild)) e.wild = false, e.dim = d;
        return e;
    }
    return elab_op(c, n->span, OP_SELECT, 3, (Ex[]){cond, a, b}, d);
}

static Ex elab_binary(Ctx *c, Node *n)
{
    if (n->op == OP2_AND || n->op == OP2_OR) {
        Ex a = elab_bool(c, n->kid[0]), b = elab_bool(c, n->kid[1]);
        if (a.kind == EX_POISON || b.kind == EX_POISON) return ex_poison();
        return elab_op(c, n->span, n->op == OP2_AND ? OP_AND : OP_OR, 2, (Ex[]){a, b}, DIM_NONE);
    }
    if (n->op == '^') return elab_power(c, n);
    Ex a = elab(c, n->kid[0]), b = elab(c, n->kid[1]);
    if (a.kind == EX_POISON || b.kind == EX_POISON) return ex_poison();
    if (!need_numbers(c, n->kid[0], a) || !need_numbers(c, n->kid[1], b)) return ex_poison();
    Dim d;
    Ex sa = sample_of(a), sb = sample_of(b);
    switch (n->op) {
    case '+':
        if (!same_dim(c, n, n->at, "add", "to", true, n->kid[0], a, n->kid[1], b, &d)) return ex_poison();
        return elab_op(c, n->span, OP_ADD, 2, (Ex[]){a, b}, d);
    case '-':
        if (!same_dim(c, n, n->at, "subtract", "from", true, n->kid[0], a, n->kid[1], b, &d)) return ex_poison();
        return elab_op(c, n->span, OP_SUB, 2, (Ex[]){a, b}, d);
    case '*': d = dim_mul(sa.dim, sb.dim); break;
    case '/': d = dim_div(sa.dim, sb.dim); break;
    default: cx_bug("operator %d", n->op);
    }
    return elab_op(c, n->span, n->op == '*' ? OP_MUL : OP_DIV, 2, (Ex[]){a, b}, d);
}

static Ex elab_list(Ctx *c, Node *n)
{
    Unit u;
    if (elab_is_unit(c, n, &u)) {
        if (u.factor == 0) return ex_poison(); /* ambiguous, and said so */
        Unit *keep = arena_one(c->S->arena, Unit);
        *keep = u;
        Ex e = ex_num(unit_factor(&u), u.dim);
        e.unit = keep;
        return e;
    }
    Ex out = {.kind = EX_LIST, .n = n->n_kids, .is_const = true,
              .item = arena_many(c->S->arena, Ex, n->n_kids ? (size_t)n->n_kids : 1)};
    for (int k = 0; k < n->n_kids; k++) {
        out.item[k] = elab(c, n->kid[k]);
        if (out.item[k].kind == EX_POISON) return ex_poison();
        if (k && (out.item[k].kind == EX_LIST) != (out.item[0].kind == EX_LIST)) {
            Diag *d = diag_add(c->S->diags, D_shape_mismatch, n->kid[k]->span, "this list mixes numbers and lists");
            diag_note(d, "element 0 is %s, element %d is %s", ex_say(c->S, out.item[0]), k, ex_say(c->S, out.item[k]));
            return ex_poison();
        }
        if (k && out.item[k].kind == EX_LIST && out.item[k].n != out.item[0].n) {
            Diag *d = diag_add(c->S->diags, D_shape_mismatch, n->kid[k]->span, "the rows of this matrix differ in length");
            diag_note(d, "row 0 has %d elements, row %d has %d", out.item[0].n, k, out.item[k].n);
            return ex_poison();
        }
        Ex s0 = sample_of(out.item[0]), sk = sample_of(out.item[k]);
        if (k && s0.kind == EX_NUM && sk.kind == EX_NUM && !s0.wild && !sk.wild && !dim_eq(s0.dim, sk.dim)) {
            Diag *d = diag_add(c->S->diags, D_unit_mismatch, n->kid[k]->span, "the elements of a list must agree in dimension");
            diag_note(d, "element 0 is %s, element %d is %s", ex_say(c->S, s0), k, ex_say(c->S, sk));
            return ex_poison();
        }
    }
    /* A bare 0 first in a list of voltages is 0 mV: the dimension of the others is the list's. */
    Ex ref = ex_poison();
    for (int k = 0; k < out.n && ref.kind == EX_POISON; k++)
        if (sample_of(out.item[k]).kind == EX_NUM && !sample_of(out.item[k]).wild) ref = sample_of(out.item[k]);
    if (ref.kind == EX_NUM)
        for (int k = 0; k < out.n; k++)
            if (out.item[k].kind == EX_NUM && out.item[k].wild) out.item[k].dim = ref.dim, out.item[k].wild = false;
    return out;
}

/* Is an index known only while the model runs, as `i` or an expression of it is? */
static bool runs_along(Ctx *c, Node *n)
{
    if (n->kind == N_slice || n->kind == N_poison) return false;
    if (n->kind == N_name) {
        static const char *const along[] = {"i", "j", "t", "distance", "source", "target", "position", "refractory", "last_spike"};
        for (const Scope *s = c->scope; s; s = s->up) {
            Bind *b = scope_here(s, n->name);
            if (b && b->kind == B_LOCAL) return !b->ex.is_const;
        }
        if (c->inst && inst_slot(c->inst, n->name)) return true;
        for (size_t k = 0; k < sizeof along / sizeof *along; k++)
            if (!strcmp(n->name, along[k])) return true;
        Bind *b = scope_find(c->S->top, n->name);
        return b && (b->kind == B_NET || (b->kind == B_LET && elab_is_law(c->S, b->node->kid[0], 0)));
    }
    if (n->kind == N_call && n->kid[0]->kind == N_name && function_draws(n->kid[0]->name)) return true;
    for (int k = 0; k < n->n_kids; k++)
        if (runs_along(c, n->kid[k])) return true;
    return false;
}

static Ex elab_index(Ctx *c, Node *n)
{
    if (path_is_pops(c->S, n)) return path_pops(c->S, n);
    Node *base = n, *index[8];
    int count = 0;
    for (; base->kind == N_index && count + base->n_kids <= 8 && (base == n || !path_is_pops(c->S, base)); base = base->kid[0]) {
        memmove(index + base->n_kids - 1, index, (size_t)count * sizeof *index);
        memcpy(index, base->kid + 1, (size_t)(base->n_kids - 1) * sizeof *index);
        count += base->n_kids - 1;
    }
    Ex e = elab(c, base);
    for (int k = 0; k < count && e.kind != EX_POISON; k++) {
        if (e.kind != EX_LIST) {
            Diag *d = diag_add(c->S->diags, D_not_a_number, base->span, "only lists and populations have elements, this is %s",
                               ex_say(c->S, e));
            Node inside = {.span = {base->span.hi, n->span.hi}};
            if (base->kind == N_num || base->kind == N_qty)
                diag_hint(d, "write `%s*%s` if the brackets hold a unit", ex_source(c->S, base), ast_source(c->S->ast, &inside));
            return ex_poison();
        }
        Ctx cc = ctx_const(c->S, "an index");
        cc.scope = c->scope;
        if (index[k]->kind == N_slice) {
            double v[3] = {0, e.n, 1};
            for (int q = 0; q < 3 && q < index[k]->n_kids; q++)
                if (index[k]->kid[q] && !elab_const(&cc, index[k]->kid[q], DIM_NONE, "an index", &v[q])) return ex_poison();
            if (v[2] < 1 || v[0] < 0 || v[1] > e.n || v[0] > v[1]) {
                diag_add(c->S->diags, D_out_of_range, index[k]->span, "the list has %d elements: 0 to %d", e.n, e.n - 1);
                return ex_poison();
            }
            Ex out = {.kind = EX_LIST, .is_const = true, .item = arena_many(c->S->arena, Ex, (size_t)e.n + 1)};
            for (double q = v[0]; q < v[1]; q += v[2]) out.item[out.n++] = e.item[(int)q];
            e = out;
            continue;
        }
        double v;
        if (c->fn && c->mod && runs_along(c, index[k])) return tables_element(c, n, e, count - k, index + k);
        if (!elab_const(&cc, index[k], DIM_NONE, "an index", &v)) return ex_poison();
        if (v != floor(v) || v < 0 || v >= e.n) {
            diag_add(c->S->diags, D_out_of_range, index[k]->span, "the list has %d elements: 0 to %d", e.n, e.n - 1);
            return ex_poison();
        }
        e = e.item[(int)v];
    }
    return e;
}

static Ex elab_refractory(Ctx *c, Node *n)
{
    if (!c->inst || c->inst->refr_field < 0 || !c->fn) {
        diag_add(c->S->diags, D_refractory_missing, n->span, "no `refractory …` statement gives this a meaning");
        return ex_poison();
    }
    int r = ir_imm(c->fn, OP_LOAD, c->inst->refr_field, n->span);
    return (Ex){.kind = EX_BOOL, .value = ir_op2(c->fn, OP_GT, r, ir_const(c->fn, 0))};
}

static Ex elab_kind(Ctx *c, Node *n);

Ex elab(Ctx *c, Node *n)
{
    if (!n || elab_too_much(c->S, n->span)) return ex_poison();
    c->S->deep++;
    Ex e = elab_kind(c, n);
    c->S->deep--;
    return e;
}

static Ex elab_kind(Ctx *c, Node *n)
{
    Ex part;
    switch (n->kind) {
    case N_num: {
        Ex e = ex_num(n->num, DIM_NONE);
        e.wild = n->num == 0;
        return e;
    }
    case N_pct: {
        Ex e = ex_num(n->num, DIM_NONE);
        e.percent = true;
        return e;
    }
    case N_qty: {
        if (qty_ambiguous(c, n)) return ex_poison();
        if (n->unit.text && strstr(n->unit.text, "degC")) {
            Diag *d = diag_add(c->S->diags, D_unit_mismatch, n->span, "degrees Celsius stand only as the value of a parameter declared `: degC`");
            diag_note(d, "they have another zero than K, so sums and products of them mean nothing");
            double kelvin = n->num + 273.15;
            if (elab_is_celsius(&n->unit)) diag_hint(d, "write `%.10g K` for this temperature, `%.10g K` for a difference", kelvin, n->num);
            else diag_hint(d, "write `K` instead of `degC`");
            return ex_poison();
        }
        Ex e = ex_num(n->num, n->unit.dim);
        e.unit = &n->unit;
        return e;
    }
    case N_bool: return ex_truth(n->num != 0);
    case N_str: return (Ex){.kind = EX_STR, .is_const = true, .str = n->text};
    case N_name: return elab_name(c, n);
    case N_list:
    case N_bracket_unit: return elab_list(c, n);
    case N_neg: {
        Ex e = elab(c, n->kid[0]);
        if (e.kind == EX_POISON || !need_numbers(c, n->kid[0], e)) return ex_poison();
        return elab_op(c, n->span, OP_NEG, 1, &e, sample_of(e).dim);
    }
    case N_not: {
        Ex e = elab_bool(c, n->kid[0]);
        return e.kind == EX_POISON ? e : elab_op(c, n->span, OP_NOT, 1, &e, DIM_NONE);
    }
    case N_binary: return elab_binary(c, n);
    case N_compare: return elab_compare(c, n);
    case N_if_expr: return elab_if(c, n);
    case N_index: return elab_index(c, n);
    case N_call: return path_is_pops(c->S, n) ? path_pops(c->S, n) : elab_call(c, n);
    case N_field:
        if (c->block && protocol_part(c, n, &part)) return part;
        if (path_is_pops(c->S, n)) return c->inst || c->links || (c->fn && !c->block) ? links_value(c, n) : path_pops(c->S, n);
        if ((c->inst ? c->inst->joint && c->inst->joint->handler : c->block && c->fn && c->fn->lanes == LANE_SYNAPSE) && n->kid[0]->kind == N_name &&
            (!strcmp(n->kid[0]->name, "source") || !strcmp(n->kid[0]->name, "target")))
            return synapse_neuron(c, n);
        if (space_is_position(c, n)) return space_position(c, n);
        if (space_is_end(c, n)) return space_end(c, n);
        if (ex_is_poison(elab(c, n->kid[0]))) return ex_poison();
        diag_add(c->S->diags, D_unknown_name, ast_name_span(n), "`%s` has no part `%s`", ex_source(c->S, n->kid[0]), n->name);
        return ex_poison();
    case N_wild:
    case N_field_wild: return path_pops(c->S, n);
    case N_refractory: return elab_refractory(c, n);
    case N_poison: return ex_poison();
    default: break;
    }
    diag_add(c->S->diags, D_not_a_number, n->span, "expected a value");
    return ex_poison();
}

bool elab_is_celsius(const Unit *u) { return u->text && !strcmp(u->text, "degC"); }

Ex elab_celsius(Ctx *c, Node *n, bool allowed)
{
    Node *q = n->kind == N_neg ? n->kid[0] : n;
    if (!allowed || q->kind != N_qty || !elab_is_celsius(&q->unit)) return elab(c, n);
    return ex_num((n->kind == N_neg ? -q->num : q->num) + 273.15, q->unit.dim);
}

Ex elab_num(Ctx *c, Node *n)
{
    Ex e = elab(c, n);
    if (e.kind == EX_POISON) return e;
    if (e.kind != EX_NUM) {
        diag_add(c->S->diags, D_not_a_number, n->span, "expected a number, got %s", ex_say(c->S, e));
        return ex_poison();
    }
    return e;
}

Ex elab_dim(Ctx *c, Node *n, Dim want, const char *what)
{
    Ex e = elab_num(c, n);
    if (e.kind == EX_POISON || !elab_fits(c, n, e, want, what)) return ex_poison();
    if (e.wild) e.dim = want, e.wild = false;
    return e;
}

bool elab_const(Ctx *c, Node *n, Dim want, const char *what, double *out)
{
    Ctx k = *c;
    k.fn = NULL;
    k.what = what;
    Ex e = elab_dim(&k, n, want, what);
    if (e.kind == EX_POISON) return false;
    if (!e.is_const) {
        elab_not_constant(c, n->span, ex_source(c->S, n));
        return false;
    }
    if (isnan(e.num)) {
        diag_add(c->S->diags, D_non_finite_constant, n->span, "`%s` has no value (it is 0/0 or the like)", ex_source(c->S, n));
        return false;
    }
    *out = e.num;
    return true;
}
