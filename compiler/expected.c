/* What a model expects of itself: `expect MEASURE(…) in [a, b]`, or compared with constants. */
#include "wire.h"

#include <math.h>
#include <string.h>

typedef struct Bound {
    Node *lo, *hi; /* NULL: none */
    bool open_lo, open_hi;
    Span span;     /* of both */
} Bound;

static const MeasureDef *measure_of(Sema *S, const Node *n)
{
    const Registry *r = S->opt->registry;
    for (int k = 0; n->kind == N_call && n->kid[0]->kind == N_name && k < r->n_measures; k++)
        if (!strcmp(r->measure[k]->name, n->kid[0]->name)) return r->measure[k];
    return NULL;
}

static bool no_measure(Sema *S, Node *n, Node *at)
{
    if (n->kind == N_poison) return false;
    if (n->kind == N_call && n->kid[0]->kind == N_name) {
        const Registry *r = S->opt->registry;
        const char **names = NULL;
        for (int k = 0; k < r->n_measures; k++) vec_push(names, r->measure[k]->name);
        Diag *d = diag_add(S->diags, D_bad_argument, n->kid[0]->span, "there is no measure `%s`", n->kid[0]->name);
        const char *near = diag_nearest(n->kid[0]->name, names, vec_len(names));
        if (near) diag_hint(d, "did you mean `%s`?", near);
        else {
            Buf all = {0};
            for (size_t k = 0; k < vec_len(names); k++) buf_printf(&all, "%s`%s`", k ? ", " : "", names[k]);
            diag_note(d, "the measures are %s", all.p);
            buf_free(&all);
        }
        vec_free(names);
        return false;
    }
    Diag *d = diag_add(S->diags, D_bad_argument, at->span, "expected a measure and an interval");
    diag_hint(d, "write it like `expect rate(E, from = 200 ms) in [4 Hz, 5 Hz]` or `expect count(E) > 0`");
    return false;
}

/* The bound that `measure OP value` sets; with `flip` the value stands on the left. */
static bool compared(int op, Node *value, bool flip, Bound *b)
{
    bool below = op == OP2_LT || op == OP2_LE, above = op == OP2_GT || op == OP2_GE, open = op == OP2_LT || op == OP2_GT;
    if (op == OP2_EQ) {
        b->lo = b->hi = value;
        return true;
    }
    if (!below && !above) return false;
    if (below != flip) {
        if (b->hi) return false;
        b->hi = value, b->open_hi = open;
    } else {
        if (b->lo) return false;
        b->lo = value, b->open_lo = open;
    }
    return true;
}

/* `expect X in [a, b)`, `expect X > a`, `expect a <= X < b`; the measure's call, or NULL after a diagnostic. */
static Node *parts(Sema *S, Node *n, Bound *b)
{
    Node *c = n->kid[0], *iv = n->n_kids > 1 ? n->kid[1] : NULL;
    if (c->kind == N_poison || (iv && iv->kind == N_poison)) return NULL;
    if (iv && c->kind != N_compare) {
        *b = (Bound){iv->kid[0], iv->kid[1], iv->which & 1, (iv->which & 2) != 0, iv->span};
        if (measure_of(S, c)) return c;
        (void)no_measure(S, c, c);
        return NULL;
    }
    int at = -1;
    for (int k = 0; c->kind == N_compare && k < c->n_kids; k++)
        if (measure_of(S, c->kid[k])) at = at < 0 ? k : -2;
    if (at < 0 || iv) {
        Node *call = c;
        for (int k = 0; c->kind == N_compare && at == -1 && k < c->n_kids; k++)
            if (c->kid[k]->kind == N_call) call = c->kid[k];
        if (at == -2) diag_add(S->diags, D_bad_argument, c->span, "a measure is compared with constants only");
        else if (measure_of(S, c)) (void)no_measure(S, n, c);
        else (void)no_measure(S, call, c);
        return NULL;
    }
    *b = (Bound){.span = c->span};
    if ((at == 0 || compared(c->ops[0], c->kid[0], true, b)) && at <= 1 && c->which <= at + 1 &&
        (at == c->which || compared(c->ops[at], c->kid[at + 1], false, b)))
        return c->kid[at];
    Diag *d = diag_add(S->diags, D_bad_argument, c->span, "this comparison is no interval");
    diag_hint(d, "write `a < %s < b`, `%s > a`, `%s < b` or `%s == a`", c->kid[at]->kid[0]->name, c->kid[at]->kid[0]->name, c->kid[at]->kid[0]->name,
              c->kid[at]->kid[0]->name);
    return NULL;
}

/* Named arguments: the window, and the width of a bin. */
static bool window(Sema *S, Node *m, const MeasureDef *def, bool of_synapses, PlanExpect *x)
{
    bool ok = true, exact;
    if (def->width && (!decimal_steps(def->width_ms, S->dt, &x->width, &exact) || x->width < 1)) x->width = 1;
    for (int k = 1; k < m->n_kids; k++) {
        Node *a = m->kid[k];
        if (a->kind != N_arg) continue;
        const char *known[] = {"from", "to", "last", def->width};
        int64_t *to[] = {&x->from, &x->to, &x->last, &x->width};
        int n_known = def->width ? 4 : 3, which = 0;
        while (which < n_known && strcmp(a->name, known[which])) which++;
        if (which == n_known) {
            Diag *d = diag_add(S->diags, D_bad_argument, a->span, "`%s` has no argument `%s`", def->name, a->name);
            const char *near = diag_nearest(a->name, known, (size_t)n_known);
            if (near) diag_range(d, ast_name_span(a)), diag_hint(d, "did you mean `%s`?", near);
            else diag_hint(d, "a window is `from = …`, `to = …` or `last = …`%s%s%s", def->width ? "; `" : "", def->width ? def->width : "", def->width ? " = …` is a time" : "");
            ok = false;
        } else if (of_synapses) {
            diag_add(S->diags, D_bad_argument, a->span, "synapses are looked at once, at the end of the run");
            ok = false;
        } else
            ok = network_steps(S, a->kid[0], arena_printf(S->arena, "`%s`", a->name), to[which]) && ok;
        if (ok && which >= 2 && *to[which] < 1) {
            diag_add(S->diags, D_bad_interval, a->span, "`%s` is at least one time step", a->name);
            ok = false;
        }
        if (ok && which == 2 && x->from > 0) {
            diag_add(S->diags, D_bad_interval, a->span, "a window is counted `from` a time or back from its end, not both");
            ok = false;
        }
    }
    return ok;
}

/* Positional arguments: one, or two where the measure takes two sides. */
static int sides(Sema *S, Node *m, const MeasureDef *def, Node *side[2])
{
    int n = 0;
    for (int k = 1; k < m->n_kids; k++) {
        if (m->kid[k]->kind == N_poison) return 0;
        if (m->kid[k]->kind == N_arg) continue;
        if (n == def->sides) {
            Diag *d = diag_add(S->diags, D_wrong_argument_count, m->kid[k]->span, "`%s` takes %s", def->name,
                               def->sides > 1 ? "one or two populations" : def->of_values ? "one variable" : "one population and a window");
            if (!def->of_values && def->sides == 1) diag_hint(d, "several are a list, `[%s, %s]`; a window is `from = …`, `to = …` or `last = …`", ex_source(S, side[0]), ex_source(S, m->kid[k]));
            return 0;
        }
        side[n++] = m->kid[k];
    }
    if (!n) {
        Diag *d = diag_add(S->diags, D_wrong_argument_count, m->span, "`%s` of what?", def->name);
        diag_hint(d, "write it like `%s`", def->example);
    }
    return n;
}

static bool add_pops(Sema *S, Node *n, bool spikes, PlanExpect *x, Ex *all)
{
    Ex pops = network_pops(S, n);
    if (pops.kind != EX_POPS || (spikes && (!wire_port_free(S, n, pops, "what is measured") || !wire_sends_spikes(S, n, pops)))) return false;
    int *pop = arena_many(S->arena, int, (size_t)(x->n_pops + pops.n));
    PlanSelect *sel = arena_many(S->arena, PlanSelect, (size_t)(x->n_pops + pops.n));
    for (int k = 0; k < x->n_pops; k++) pop[k] = x->pop[k], sel[k] = x->sel[k];
    for (int k = 0; k < pops.n; k++) {
        pop[x->n_pops + k] = S->pop[pops.pops[k].pop].plan;
        sel[x->n_pops + k] = pops.pops[k].sel;
    }
    x->pop = pop, x->sel = sel;
    x->n_pops += pops.n;
    *all = pops;
    return true;
}

/* mean(E.V): a recorder of every step for each population, of which nothing is written. */
static bool of_variable(Sema *S, Node *n, int64_t total, PlanExpect *x, Ex *pops, Dim *dim)
{
    bool unknown = n->kind == N_field && n->kid[0]->kind == N_name && !scope_find(S->top, n->kid[0]->name);
    if (n->kind != N_field || (!unknown && !path_is_pops(S, n->kid[0]))) {
        Diag *d = diag_add(S->diags, D_bad_argument, n->span, "expected a variable of a population or of a named connection");
        diag_hint(d, "write it like `%s(E.V)`", x->measure);
        return false;
    }
    if (!add_pops(S, n->kid[0], false, x, pops) || !wire_port_free(S, n->kid[0], *pops, "what is measured")) return false;
    Node name = {.kind = N_name, .name = n->name, .span = ast_name_span(n)};
    int *rec = arena_many(S->arena, int, (size_t)x->n_pops);
    for (int k = 0; k < x->n_pops; k++) {
        PopInfo *p = &S->pop[pops->pops[k].pop];
        PlanVar *v = arena_one(S->arena, PlanVar);
        if (!watch_var(S, &name, p, v)) return false;
        Dim its = inst_slot(p->inst, n->name)->dim;
        if (k && !dim_eq(its, *dim)) {
            Diag *d = diag_add(S->diags, D_unit_mismatch, n->span, "`%s` is not the same kind of variable everywhere", n->name);
            diag_note(d, "it is %s in `%s` and %s in `%s`", dim_say(S->arena, *dim), S->pop[pops->pops[0].pop].name, dim_say(S->arena, its), p->name);
            return false;
        }
        *dim = its;
        if (!k) x->unit = v->unit;
        PlanRec r = {.pop = p->plan, .sel = x->sel[k], .n_vars = 1, .var = v, .when = {.every = 1, .from = x->from, .to = x->to}, .watched = true};
        if (x->last >= 0 && S->fixed_end) r.when.from = (x->to < total ? x->to : total) - x->last;
        if (r.when.from < 0) r.when.from = 0;
        rec[k] = (int)vec_len(S->rec);
        vec_push(S->rec, r);
    }
    x->rec = rec;
    return true;
}

/* mean(ee.weight), at the end: of all projections of that name together. */
static bool of_synapses(Sema *S, Node *n, PlanExpect *x, Dim *dim)
{
    Node name = {.kind = N_name, .name = n->name, .span = ast_name_span(n)};
    const ProjInfo *first = NULL;
    x->syn_rec = (int)vec_len(S->syn_rec);
    for (size_t q = 0; q < vec_len(S->joined); q++) {
        const ProjInfo *p = &S->joined[q];
        if (p->as != n->kid[0]->name) continue;
        PlanVar *v = arena_one(S->arena, PlanVar);
        if (!synapse_watch(S, &name, p, true, v)) return false;
        Dim its = p->inst ? inst_slot(p->inst, n->name)->dim : p->port->dim;
        if (first && !dim_eq(its, *dim)) {
            Diag *d = diag_add(S->diags, D_unit_mismatch, n->span, "`%s` is not the same kind of variable everywhere", n->name);
            diag_note(d, "it is %s in `%s` and %s in `%s`", dim_say(S->arena, *dim), first->name, dim_say(S->arena, its), p->name);
            return false;
        }
        if (!first) first = p, x->unit = v->unit;
        *dim = its;
        vec_push(S->syn_rec, ((PlanSynRec){.name = p->name, .n_vars = 1, .var = v, .when = {.kind = TIMES_END}, .watched = true}));
        x->n_syn_recs++;
    }
    return true;
}

static bool bounds(Sema *S, const Bound *b, const MeasureDef *def, Dim dim, PlanExpect *x)
{
    Ctx c = ctx_const(S, "a bound of what is expected");
    const char *what = arena_printf(S->arena, "a bound of `%s`", def->name);
    x->lo = -INFINITY, x->hi = INFINITY;
    if ((b->lo && !elab_const(&c, b->lo, dim, what, &x->lo)) || (b->hi && !elab_const(&c, b->hi, dim, what, &x->hi))) return false;
    x->open_lo = b->open_lo, x->open_hi = b->open_hi;
    if (x->lo > x->hi || (x->lo == x->hi && (x->open_lo || x->open_hi))) {
        Diag *d = diag_add(S->diags, D_bad_interval, b->span, "nothing lies in this interval");
        if (x->lo > x->hi) diag_hint(d, "write `[%s, %s]`", ex_source(S, b->hi), ex_source(S, b->lo));
        return false;
    }
    Unit u = {.factor = 1};
    if (*x->unit) (void)unit_parse(x->unit, strlen(x->unit), &u);
    double f = unit_factor(&u); /* powers of ten: dividing by one, or multiplying by the inverse, is rounded once */
    x->lo = f >= 1 ? x->lo / f : x->lo * (1 / f);
    x->hi = f >= 1 ? x->hi / f : x->hi * (1 / f);
    return true;
}

/* The populations of one side of a measure, several in brackets as in a model. */
static void say_side(Sema *S, Buf *b, const Ex *pops)
{
    for (int k = 0; k < pops->n; k++)
        buf_printf(b, "%s%s", k ? ", " : pops->n > 1 ? "[" : "", wire_selected(S, &pops->pops[k]));
    if (pops->n > 1) buf_printf(b, "]");
}

/* An expectation from a loop names what this round of it looks at: its own text is that of all rounds. */
static const char *said_of_round(Sema *S, const PlanExpect *x, const Ex *pops, const Ex *second, const MeasureDef *def,
                                 Node *side)
{
    Buf b = {0};
    const char *blank = *x->unit ? " " : "";
    buf_printf(&b, "expect %s(", x->measure);
    say_side(S, &b, pops);
    if (second->n) buf_printf(&b, ", "), say_side(S, &b, second);
    if (def->of_values && pops->n) buf_printf(&b, ".%s", side->name);
    else if (def->of_values) buf_printf(&b, "%s", ast_source(S->ast, side));
    if (x->from > 0) buf_printf(&b, ", from = %s", unit_show(S->arena, decimal_time(x->from, S->dt), DIM_TIME, NULL));
    if (x->to < INT64_MAX) buf_printf(&b, ", to = %s", unit_show(S->arena, decimal_time(x->to, S->dt), DIM_TIME, NULL));
    if (x->last >= 0) buf_printf(&b, ", last = %s", unit_show(S->arena, decimal_time(x->last, S->dt), DIM_TIME, NULL));
    buf_printf(&b, ") in %c%.4g%s%s, %.4g%s%s%c", x->open_lo ? '(' : '[', x->lo, blank, x->unit, x->hi, blank, x->unit, x->open_hi ? ')' : ']');
    const char *text = arena_strdup(S->arena, b.p);
    buf_free(&b);
    return text;
}

static void expect(Sema *S, Node *n, int64_t total)
{
    Bound b;
    Node *m = parts(S, n, &b), *side[2];
    if (!m) return;
    const MeasureDef *def = measure_of(S, m);
    PlanExpect x = {.text = ast_source(S->ast, n), .measure = def->name, .to = INT64_MAX, .last = -1, .syn_rec = -1, .unit = ""};
    Ex pops = {0}, second = {0};
    Dim dim = def->unit == MEASURE_RATE ? DIM_RATE : def->unit == MEASURE_TIME ? DIM_TIME : DIM_NONE;
    int n_sides = sides(S, m, def, side);
    if (!n_sides) return;
    bool synapses = def->of_values && side[0]->kind == N_field && synapse_is_projection(S, side[0]->kid[0]);
    if (!window(S, m, def, synapses, &x)) return;
    if (def->unit == MEASURE_RATE) x.unit = "Hz";
    if (def->unit == MEASURE_TIME) x.unit = "ms";
    bool ok = synapses ? of_synapses(S, side[0], &x, &dim) : def->of_values ? of_variable(S, side[0], total, &x, &pops, &dim) : add_pops(S, side[0], true, &x, &pops);
    x.n_first = x.n_pops;
    if (ok && n_sides > 1) ok = add_pops(S, side[1], true, &x, &second);
    bool nothing = synapses && !x.n_syn_recs; /* of no dimension: only why it is not met is told */
    if (!ok || (!nothing && !bounds(S, &b, def, dim, &x))) return;
    int64_t to = x.to < total ? x.to : total;
    if (!synapses && x.from >= to && total > 0) {
        if (S->opt->duration) return; /* the user cut the run short of what the model measures */
        Diag *d = diag_add(S->diags, D_bad_interval, m->span, "this window is empty");
        diag_note(d, "the model runs for %s", unit_show(S->arena, decimal_time(total, S->dt), DIM_TIME, NULL));
        return;
    }
    if (n->flags & AST_EXPANDED) x.text = said_of_round(S, &x, &pops, &second, def, side[0]);
    vec_push(S->expect, x);
}

void expected_all(Sema *S)
{
    int64_t total = 0;
    for (size_t k = 0; k < vec_len(S->run); k++) total += S->run[k].steps;
    S->fixed_end = true; /* unless a run waits for something */
    for (size_t k = 0; k < vec_len(S->items); k++) {
        const Node *n = S->items[k];
        if (n->kind == N_run && n->n_kids > 1 && n->kid[1]) S->fixed_end = false;
    }
    for (size_t k = 0; k < vec_len(S->items); k++)
        if (S->items[k]->kind == N_expect) expect(S, S->items[k], total);
}
