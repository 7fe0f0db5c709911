/* Space: shapes that give a population its coordinates, and the expressions that read them. Coordinates
 * are tables of the modules that use them, so nothing of them is left for the run. */
#include "space.h"

#include "columns.h"
#include "cxmath.h"
#include "rng.h"

#include <math.h>
#include <string.h>

enum { MOST_ARGS = 4 };
typedef enum ShapeKind { LINE, RING, GRID, DISC, SPHERE, BALL, BOX, XYZ } ShapeKind;
typedef struct Shape {
    const char *name;
    ShapeKind kind;
    const char *arg[MOST_ARGS]; /* in order; those before `spacing` and `radius` of a grid are counts */
    int n_args, n_needed;
    const char *example;
} Shape;
static const Shape shapes[] = {
    {"line", LINE, {"spacing"}, 1, 1, "line(spacing = 25 um)"},
    {"ring", RING, {"radius"}, 1, 1, "ring(radius = 100 um)"},
    {"grid", GRID, {"nx", "ny", "nz", "spacing"}, 4, 2, "grid(10, 10, spacing = 25 um)"},
    {"disc", DISC, {"radius"}, 1, 1, "disc(radius = 100 um)"},
    {"sphere", SPHERE, {"radius"}, 1, 1, "sphere(radius = 100 um)"},
    {"ball", BALL, {"radius"}, 1, 1, "ball(radius = 100 um)"},
    {"box", BOX, {"lx", "ly", "lz"}, 3, 2, "box(400 um, 400 um, 100 um)"},
    {"xyz", XYZ, {"x", "y", "z"}, 3, 1, "xyz(10 um*i, uniform(0 um, 50 um))"},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

Node *space_given(const PopInfo *p)
{
    Node *set = p->group && p->group->kind == N_group && p->group->n_kids > 2 ? p->group->kid[2] : NULL;
    if (p->inst && inst_slot(p->inst, sym("position"))) return NULL; /* the model's own variable */
    for (int k = 0; set && k < set->n_kids; k++)
        if (set->kid[k] && set->kid[k]->kind == N_entry && set->kid[k]->name == sym("position")) return set->kid[k]->kid[0];
    return NULL;
}

static const Shape *find_shape(Sema *S, Node *call)
{
    const char *cand[N_SHAPES];
    Buf all = {0};
    for (int k = 0; k < N_SHAPES; k++) {
        cand[k] = shapes[k].name;
        buf_printf(&all, "%s`%s`", k ? ", " : "", cand[k]);
        if (call->kind == N_call && call->kid[0]->kind == N_name && !strcmp(cand[k], call->kid[0]->name)) {
            buf_free(&all);
            return &shapes[k];
        }
    }
    Node *name = call->kind == N_call ? call->kid[0] : call;
    const Shape *bare = NULL;
    for (int k = 0; name->kind == N_name && k < N_SHAPES; k++)
        if (!strcmp(name->name, cand[k])) bare = &shapes[k];
    Diag *d = diag_add(S->diags, D_bad_argument, name->span, bare ? "the shape `%s` needs its arguments" : name->kind == N_name ? "there is no shape `%s`"
                       : "`%s` is no shape", ex_source(S, name));
    const char *near = name->kind == N_name ? diag_nearest(name->name, cand, N_SHAPES) : NULL;
    if (bare) diag_hint(d, "write it like `%s`", bare->example);
    else if (near) diag_hint(d, "did you mean `%s`?", near);
    else diag_note(d, "the shapes are %s", all.p);
    buf_free(&all);
    return NULL;
}

/* Arguments in the shape's order and `origin`; false after a diagnostic. */
static bool take_args(Sema *S, Node *call, const Shape *s, Node **out, Node **at)
{
    int pos = 0;
    for (int k = 1; k < call->n_kids; k++) {
        Node *a = call->kid[k];
        int found = -1;
        if (a->kind == N_poison) return false;
        if (a->kind == N_arg && !strcmp(a->name, "origin") && s->kind != XYZ && !*at) {
            *at = a->kid[0];
            continue;
        }
        for (int q = 0; a->kind == N_arg && q < s->n_args; q++)
            if (!strcmp(s->arg[q], a->name)) found = q;
        if (a->kind != N_arg && pos < s->n_args) found = pos++;
        if (found < 0 || out[found]) {
            Diag *d = diag_add(S->diags, D_bad_argument, a->span, found < 0 && a->kind == N_arg ? "`%s` has no argument `%s`"
                               : found < 0 ? "`%s` takes no more arguments" : "`%s` gets its argument `%s` twice", s->name,
                               found < 0 ? (a->kind == N_arg ? a->name : "") : s->arg[found]);
            diag_hint(d, "write it like `%s`", s->example);
            return false;
        }
        out[found] = a->kind == N_arg ? a->kid[0] : a;
    }
    for (int k = 0; k < s->n_args; k++)
        if (!out[k] && (k < s->n_needed || !strcmp(s->arg[k], "spacing"))) {
            Diag *d = diag_add(S->diags, D_wrong_argument_count, call->span, "`%s` needs its `%s`", s->name, s->arg[k]);
            diag_hint(d, "write it like `%s`", s->example);
            return false;
        }
    return true;
}

/* A constant length from `least` on, in um. */
static bool length(Sema *S, Node *n, const char *what, double least, double *out)
{
    Ctx c = ctx_const(S, what);
    *out = 0;
    if (!n) return true;
    if (!elab_const(&c, n, DIM_LENGTH, what, out)) return false;
    if (*out >= least && isfinite(*out)) return true;
    diag_add(S->diags, D_out_of_range, n->span, *out < least ? "%s cannot be negative" : "%s must be finite", what);
    return false;
}

/* Up to three lengths in a list. */
static bool lengths(Sema *S, Node *n, const char *what, double least, double out[3])
{
    out[0] = out[1] = out[2] = 0;
    if (!n) return true;
    if (n->kind != N_list || n->n_kids < 1 || n->n_kids > 3) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, n->span, "expected a list of one to three lengths");
        diag_hint(d, "write it like `[400 um, 400 um]`");
        return false;
    }
    bool ok = true;
    for (int k = 0; k < n->n_kids; k++) ok = length(S, n->kid[k], what, least, &out[k]) && ok;
    return ok;
}

bool space_wrap(Sema *S, Node *n, double wrap[3])
{
    return lengths(S, n, "a period of space", 0, wrap);
}

static bool place_grid(Sema *S, PopInfo *p, Node *call, Node **arg, double *const *xyz)
{
    double size[3] = {1, 1, 1}, d;
    Ctx c = ctx_const(S, "a number of places");
    for (int k = 0; k < 3; k++) {
        if (!arg[k]) continue;
        if (!elab_const(&c, arg[k], DIM_NONE, "a number of places", &size[k])) return false;
        if (size[k] < 1 || size[k] != floor(size[k])) {
            diag_add(S->diags, D_bad_count, arg[k]->span, "a number of places is whole and at least 1");
            return false;
        }
    }
    if (!length(S, arg[3], "a spacing", 0, &d)) return false;
    if (size[0] * size[1] * size[2] != p->n) {
        Diag *g = diag_add(S->diags, D_shape_mismatch, call->span, "this grid has %.0f places for %u neurons", size[0] * size[1] * size[2], p->n);
        diag_note(g, "neuron i stands in column i mod nx of row floor(i/nx)");
        return false;
    }
    uint32_t nx = (uint32_t)size[0], ny = (uint32_t)size[1];
    for (uint32_t i = 0; i < p->n; i++) {
        xyz[0][i] = d * (i % nx);
        xyz[1][i] = d * (i / nx % ny);
        xyz[2][i] = d * (i / nx / ny);
    }
    return true;
}

/* x, y and z as functions of i with draws. */
static bool place_xyz(Sema *S, PopInfo *p, Node **arg, double *const *xyz)
{
    static const char *const salt[] = {"position.x", "position.y", "position.z"};
    IrModule *m = network_new_module(S, p->name);
    IrFn *fn = ir_fn(m, "position", FN_OBS, LANE_NEURON);
    for (int k = 0; k < 3; k++) {
        Ctx c = ctx_const(S, "a position");
        c.fn = fn;
        c.mod = m;
        c.salt = salt[k];
        c.has_i = c.has_draws = true;
        c.source_n = (int)p->n;
        Ex e = ex_num(0, DIM_LENGTH);
        if (arg[k]) e = elab_dim(&c, arg[k], DIM_LENGTH, "a coordinate");
        if (ex_is_poison(e)) return false;
        ir_out(fn, k, ex_value(&c, e), arg[k] ? arg[k]->span : (Span){0, 0});
    }
    columns_run(S, m, fn, p, NULL, xyz);
    return true;
}

static void place_round(ShapeKind kind, uint64_t key, uint32_t n, double r, double *const *xyz)
{
    const double turn = 6.283185307179586;
    for (uint32_t i = 0; i < n; i++) {
        double u = kind == RING ? 0 : rng_uniform((RngAt){.key = key, .c0 = i});
        double angle = turn * (kind == RING ? (double)i / n : rng_uniform((RngAt){.key = key, .c0 = i, .c1 = 1})), flat = r, z = 0;
        if (kind == DISC) flat = r * cx_sqrt(u);
        if (kind == SPHERE || kind == BALL) {
            double out = kind == SPHERE ? r : r * cx_pow(rng_uniform((RngAt){.key = key, .c0 = i, .c1 = 2}), 1.0 / 3.0);
            z = out * (2 * u - 1);
            flat = out * cx_sqrt(1 - (2 * u - 1) * (2 * u - 1));
        }
        xyz[0][i] = flat * cx_cos(angle);
        xyz[1][i] = flat * cx_sin(angle);
        xyz[2][i] = z;
    }
}

static bool place(Sema *S, PopInfo *p, Node *call, double *const *xyz)
{
    Node *arg[MOST_ARGS] = {0}, *at = NULL;
    double shift[3], size[3] = {0};
    if (call->kind == N_poison) return false;
    const Shape *s = find_shape(S, call);
    if (!s || !take_args(S, call, s, arg, &at)) return false;
    uint64_t key = rng_key(columns_key(S, p), "position");
    if (s->kind == XYZ) {
        if (!place_xyz(S, p, arg, xyz)) return false;
    } else if (s->kind == GRID) {
        if (!place_grid(S, p, call, arg, xyz)) return false;
    } else {
        for (int k = 0; k < s->n_args; k++)
            if (!length(S, arg[k], arena_printf(S->arena, "`%s`", s->arg[k]), 0, &size[k])) return false;
        if (s->kind != LINE && s->kind != BOX) place_round(s->kind, key, p->n, size[0], xyz);
        else
            for (uint32_t i = 0; i < p->n; i++)
                for (uint32_t k = 0; k < 3; k++)
                    xyz[k][i] = s->kind == BOX ? size[k] * rng_uniform((RngAt){.key = key, .c0 = i, .c1 = k}) : k ? 0 : size[0] * i;
    }
    if (!lengths(S, at, "a place", -INFINITY, shift)) return false;
    for (int k = 0; k < 3; k++)
        for (uint32_t i = 0; i < p->n; i++) {
            xyz[k][i] += shift[k];
            if (isfinite(xyz[k][i])) continue;
            diag_add(S->diags, D_non_finite_constant, call->span, "neuron %u of `%s` has no place: its %c is not finite", i, p->name, 'x' + k);
            return false;
        }
    return true;
}

const double *const *space_places(Sema *S, PopInfo *p)
{
    Node *given = space_given(p);
    if (p->place_state == 2 || !given) return p->place;
    if (p->place_state == 1) {
        diag_add(S->diags, D_cyclic_definition, given->span, "the positions of `%s` are defined by themselves", p->name);
        return NULL;
    }
    p->place_state = 1;
    double **xyz = arena_many(S->arena, double *, 3);
    for (int k = 0; k < 3; k++) xyz[k] = arena_many(S->arena, double, p->n);
    p->place_lost = !place(S, p, given, xyz);
    if (!p->place_lost) p->place = (const double *const *)xyz;
    p->place_state = 2;
    return p->place;
}

/* ---- what reads them ---- */
static const double *const *needed(Ctx *c, Node *n, PopInfo *p)
{
    const double *const *xyz = space_places(c->S, p);
    if (xyz || p->place_lost || space_given(p)) return xyz;
    Diag *d = diag_add(c->S->diags, D_no_position, n->span, "`%s` has no position in space", p->name);
    if (p->node) diag_note_at(d, ast_name_span(p->node), "it is declared here");
    diag_hint(d, "add `position = grid(10, 10, spacing = 25 um)` or another shape to its block");
    return NULL;
}

static bool all_equal(const double *v, uint32_t n)
{
    for (uint32_t k = 1; k < n; k++)
        if (v[k] != v[0]) return false;
    return true;
}

/* Element `op` of an array with a value for each neuron. */
static int column(Ctx *c, Op op, const double *v, uint32_t n, Span at)
{
    if (all_equal(v, n)) return ir_const(c->fn, v[0]);
    return ir_lookup(c->fn, OP_LOOKUP, ir_table(c->mod, v, (int)n), ir_imm(c->fn, op, 0, at), at);
}

/* What stands for a value where nobody uses the expression. */
static Ex anything(Ctx *c, Node *n) { return ex_ir(ir_imm(c->fn, OP_I, 0, n->span), DIM_LENGTH); }

static bool has_ends(Ctx *c, Node *n)
{
    if (c->fn && c->from) return true;
    Diag *d = diag_add(c->S->diags, D_unknown_name, n->span, "`%s` has no meaning here", ex_source(c->S, n));
    diag_note(d, "source, target and distance are those of a synapse, in the rule and the settings of a connection");
    return false;
}

Ex space_distance(Ctx *c, Node *n)
{
    if (c->unused && c->fn) return anything(c, n);
    if (!has_ends(c, n)) return ex_poison();
    PopInfo *from = &c->S->pop[c->from->pop], *to = &c->S->pop[c->to->pop];
    const double *const *a = needed(c, n, from), *const *b = needed(c, n, to);
    if (!a || !b) return ex_poison();
    IrFn *f = c->fn;
    int sum = ir_const(f, 0);
    for (int k = 0; k < 3; k++) {
        int d = ir_op2(f, OP_SUB, column(c, OP_I, a[k], from->n, n->span), column(c, OP_J, b[k], to->n, n->span));
        if (c->wrap && c->wrap[k] > 0) {
            int period = ir_const(f, c->wrap[k]), rest = ir_op2(f, OP_MOD, ir_op1(f, OP_ABS, d), period);
            d = ir_op2(f, OP_MIN, rest, ir_op2(f, OP_SUB, period, rest));
        }
        sum = ir_op2(f, OP_ADD, sum, ir_op2(f, OP_MUL, d, d));
    }
    return ex_ir(ir_op1(f, OP_SQRT, sum), DIM_LENGTH);
}

static bool is_axis(Sym s) { return s[0] >= 'x' && s[0] <= 'z' && !s[1]; }

static bool says_position(const Node *n) { return n->kind == N_name && !strcmp(n->name, "position"); }

/* `position.…` where no variable has that name. */
bool space_is_position(Ctx *c, Node *n)
{
    return n->kind == N_field && says_position(n->kid[0]) && !(c->inst && inst_slot(c->inst, n->kid[0]->name)) &&
           !scope_find(c->scope, n->kid[0]->name);
}

static Ex coordinate(Ctx *c, Node *n, PopInfo *p, Op op)
{
    if (!is_axis(n->name)) {
        Diag *d = diag_add(c->S->diags, D_unknown_name, ast_name_span(n), "a position has no part `%s`", n->name);
        diag_note(d, "its parts are `x`, `y` and `z`");
        return ex_poison();
    }
    const double *const *xyz = needed(c, n, p);
    return xyz ? ex_ir(column(c, op, xyz[n->name[0] - 'x'], p->n, n->span), DIM_LENGTH) : ex_poison();
}

Ex space_position(Ctx *c, Node *n)
{
    PopInfo *p = c->home ? c->home : c->inst ? c->inst->pop : NULL;
    if (c->fn && (c->unused || (c->inst && !p))) return anything(c, n);
    if (c->fn && p) return coordinate(c, n, p, OP_I);
    Diag *d = diag_add(c->S->diags, D_unknown_name, n->span, "`%s` has no meaning here", ex_source(c->S, n));
    if (c->from) diag_hint(d, "write `source.%s` or `target.%s`", ex_source(c->S, n), ex_source(c->S, n));
    else diag_note(d, "a position is that of a neuron, in its model or in the block of its population");
    return ex_poison();
}

static bool says_end(const Node *n) { return n->kind == N_name && (!strcmp(n->name, "source") || !strcmp(n->name, "target")); }

/* `source.X`, `target.X`, `source.position.x`. */
bool space_is_end(Ctx *c, Node *n)
{
    (void)c;
    return n->kind == N_field && (says_end(n->kid[0]) || (n->kid[0]->kind == N_field && says_end(n->kid[0]->kid[0])));
}

Ex space_end(Ctx *c, Node *n)
{
    Sema *S = c->S;
    bool deep = !says_end(n->kid[0]);
    Node *end = deep ? n->kid[0]->kid[0] : n->kid[0];
    if (c->unused) return ex_poison();
    if (!has_ends(c, n)) return ex_poison();
    bool source = !strcmp(end->name, "source");
    PopInfo *p = &S->pop[(source ? c->from : c->to)->pop];
    Op op = source ? OP_I : OP_J;
    if (source ? !c->has_i : !c->has_j) {
        diag_add(S->diags, D_unknown_name, n->span, "`%s` has no meaning here", ex_source(S, n));
        return ex_poison();
    }
    if (deep && !strcmp(n->kid[0]->name, "position")) return coordinate(c, n, p, op);
    Inst *in = p->inst;
    Slot *s = in && !deep ? inst_slot(in, n->name) : NULL;
    if (s && s->lost) return ex_poison();
    if (s && (s->kind == DECL_PARAM || s->kind == DECL_STATE)) {
        if (ex_is_poison(s->ex)) return s->ex;
        if (s->ex.is_const) return s->ex;
        if (s->field >= 0 && diag_errors(S->diags)) return ex_ir(ir_imm(c->fn, op, 0, n->span), s->dim); /* nothing will run */
        if (s->field >= 0) return ex_ir(column(c, op, columns_initial(S, p, s->field), p->n, n->span), s->dim);
    }
    if (!in && !p->is_source) return ex_poison();
    Diag *d = diag_add(S->diags, D_unknown_name, ast_name_span(n),
                       s ? "`%s` is no parameter and no state of `%s`" : "there is no parameter or state `%s` of `%s`", n->name, p->name);
    const char **cand = NULL;
    for (size_t k = 0; in && k < vec_len(in->slot); k++)
        if (in->slot[k].kind == DECL_PARAM || in->slot[k].kind == DECL_STATE) vec_push(cand, in->slot[k].name);
    const char *near = s ? NULL : diag_nearest(n->name, cand, vec_len(cand));
    if (near) diag_hint(d, "did you mean `%s.%s`?", end->name, near);
    else diag_note(d, "parameters and initial values of the %s can be read, and `%s.position.x`, `y`, `z`", end->name, end->name);
    vec_free(cand);
    return ex_poison();
}

const double *space_chosen(Sema *S, PopInfo *p, Node *condition)
{
    IrModule *m = network_new_module(S, p->name);
    IrFn *fn = ir_fn(m, "chosen", FN_OBS, LANE_NEURON);
    Ctx c = ctx_const(S, "a selection");
    c.fn = fn;
    c.mod = m;
    c.has_i = true;
    c.home = p;
    c.source_n = (int)p->n;
    Ex e = elab_bool(&c, condition);
    if (ex_is_poison(e)) return NULL;
    ir_out(fn, 0, ex_value(&c, e), condition->span);
    double *v = arena_many(S->arena, double, p->n);
    columns_run(S, m, fn, p, NULL, (double *const[]){v});
    return v;
}
