/* Paths: which populations, which of their neurons, which port. Read left to right, populations
 * first. */
#include "space.h"
#include "rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_pops(Sema *S, Node *n, int depth)
{
    if (!n || depth > (S->declared ? 1000 : 16)) return false;
    switch (n->kind) {
    case N_wild: return true;
    case N_name: {
        Bind *b = scope_find(S->top, n->name);
        if (!b) return false;
        if (b->kind == B_POP || b->kind == B_LAYER) return true;
        if (b->kind != B_LET) return false;
        if (!S->declared) return is_pops(S, b->node->kid[0], depth + 1);
        if (!b->pops) {
            b->pops = 3;
            b->pops = is_pops(S, b->node->kid[0], depth + 1) ? 2 : 1;
        }
        return b->pops == 2;
    }
    case N_field:
    case N_field_wild:
    case N_index: return is_pops(S, n->kid[0], depth + 1);
    case N_list:
        for (int k = 0; k < n->n_kids; k++)
            if (is_pops(S, n->kid[k], depth + 1)) return true;
        return false;
    case N_call: return n->kid[0]->kind == N_name && n->kid[0]->name == sym("sample");
    default: return false;
    }
}

bool path_is_pops(Sema *S, Node *n) { return is_pops(S, n, 0); }

static PopRef whole(Sema *S, int pop, Span span)
{
    uint32_t n = S->pop[pop].n;
    return (PopRef){.pop = pop, .sel = {.lo = 0, .hi = n, .n = n}, .span = span};
}

static Ex all_of(Sema *S, Span span, bool sources)
{
    Ex e = {.kind = EX_POPS, .is_list = true, .is_const = true,
            .pops = arena_many(S->arena, PopRef, vec_len(S->pop) + 1)};
    for (size_t k = 0; k < vec_len(S->pop); k++)
        if (sources || !S->pop[k].is_source) e.pops[e.n++] = whole(S, (int)k, span);
    return e;
}

static Ex of_layer(Sema *S, const LayerInfo *l, Span span)
{
    Ex e = {.kind = EX_POPS, .is_list = true, .is_const = true,
            .pops = arena_many(S->arena, PopRef, vec_len(l->pop) + 1)};
    for (size_t k = 0; k < vec_len(l->pop); k++) e.pops[e.n++] = whole(S, l->pop[k], span);
    return e;
}

static Ex empty_selection(Sema *S, Node *n, const char *why)
{
    Diag *d = diag_add(S->diags, D_empty_selection, n->span, "this selects no neuron");
    diag_note(d, "%s", why);
    return ex_poison();
}

/* The list that a name, or a `let` of it, was declared as; NULL for everything else. */
static const LayerInfo *declared_list(Sema *S, const Node *n)
{
    for (int depth = 0; n->kind == N_name && depth < 64; depth++) {
        const Bind *b = scope_find(S->top, n->name);
        if (b && b->kind == B_LAYER) return vec_len(S->layer[b->index].part) ? &S->layer[b->index] : NULL;
        if (!b || b->kind != B_LET) return NULL;
        n = b->node->kid[0];
    }
    return NULL;
}

/* Whole numbers start, stop, step of a slice whose stop may be left out; false after a diagnostic. */
static bool slice_bounds(Ctx *c, Node *sl, double n, double v[3])
{
    v[0] = 0, v[1] = n, v[2] = 1;
    for (int q = 0; q < 3 && q < sl->n_kids; q++)
        if (sl->kid[q] && !elab_const(c, sl->kid[q], DIM_NONE, "a number of a slice", &v[q])) return false;
    for (int q = 0; q < 3; q++)
        if (v[q] != floor(v[q]) || v[q] < 0 || (q == 2 && v[q] < 1)) {
            diag_add(c->S->diags, D_out_of_range, sl->span, "a slice is made of whole numbers from 0 on");
            return false;
        }
    return true;
}

int path_parts(Sema *S, Node *n, Node **base, int **which)
{
    bool index = n->kind == N_index;
    const LayerInfo *l = declared_list(S, index ? n->kid[0] : n);
    if (!l) return -1;
    int all = (int)vec_len(l->part), count = 0;
    bool slice = index && n->n_kids == 2 && n->kid[1]->kind == N_slice;
    *base = index ? n->kid[0] : n;
    *which = arena_many(S->arena, int, (size_t)(index && !slice ? n->n_kids : all) + 1);
    Ctx c = ctx_const(S, "an index");
    if (index && !slice) {
        for (int k = 1; k < n->n_kids; k++) {
            double v;
            if (!elab_const(&c, n->kid[k], DIM_NONE, "an index", &v)) return 0;
            if (v != floor(v) || v < 0 || v >= all) {
                diag_add(S->diags, D_out_of_range, n->kid[k]->span, "`%s` has no element %.17g: they are 0 to %d", l->name, v, all - 1);
                return 0;
            }
            (*which)[count++] = (int)v;
        }
        return count;
    }
    double v[3] = {0, all, 1};
    if (slice && !slice_bounds(&c, n->kid[1], all, v)) return 0;
    if (v[1] > all) {
        diag_add(S->diags, D_out_of_range, n->kid[1]->span, "`%s` has no element %.0f: they are 0 to %d", l->name, v[1] - 1, all - 1);
        return 0;
    }
    for (double q = v[0]; q < v[1]; q += v[2]) (*which)[count++] = (int)q;
    if (!count) (void)empty_selection(S, n, "a slice [start:stop] ends before `stop`");
    return count;
}

/* pool[3], pool[0:2], pool[1, 4]: populations, or layers, of a declared list. */
static bool of_parts(Sema *S, Node *n, Ex *out)
{
    Node *base;
    int *which, count = path_parts(S, n, &base, &which);
    if (count < 0) return false;
    *out = ex_poison();
    if (!count) return true;
    const LayerInfo *l = declared_list(S, base);
    Ex all = {.kind = EX_POPS, .is_const = true, .pops = arena_many(S->arena, PopRef, vec_len(l->pop) * (size_t)count + 1)};
    bool one = n->kind == N_index && n->n_kids == 2 && n->kid[1]->kind != N_slice;
    for (int k = 0; k < count; k++) {
        Ex e = of_layer(S, &S->layer[l->part[which[k]]], n->span);
        for (int q = 0; q < e.n; q++) all.pops[all.n++] = e.pops[q];
        all.is_list = !one || S->layer[l->part[which[k]]].block;
    }
    if (all.n) *out = all;
    return true;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Neuron number `k` of a selection. */
static uint32_t chosen(const PlanSelect *s, uint32_t k) { return s->index ? s->index[k] : s->lo + k; }

static bool is_condition(const Node *n)
{
    return n->kind == N_compare || n->kind == N_not || n->kind == N_bool || (n->kind == N_binary && (n->op == OP2_AND || n->op == OP2_OR));
}

/* E[position.x < 100 um]: the neurons of `from` for which it is true. */
static bool of_condition(Sema *S, Node *n, int pop, const PlanSelect *from, PlanSelect *to)
{
    const double *is = space_chosen(S, &S->pop[pop], n->kid[1]);
    if (!is) return false;
    uint32_t *list = arena_many(S->arena, uint32_t, from->n), count = 0;
    for (uint32_t k = 0; k < from->n; k++)
        if (is[chosen(from, k)] != 0) list[count++] = chosen(from, k);
    if (!count) {
        Ex none = empty_selection(S, n, arena_printf(S->arena, "`%s` is true for no neuron of `%s`", ex_source(S, n->kid[1]), S->pop[pop].name));
        return !ex_is_poison(none);
    }
    *to = (PlanSelect){.lo = list[0], .hi = list[count - 1] + 1, .index = list, .n = count};
    return true;
}

/* E[0:100], E[3, 5, 8], and element k of a list of populations. */
static Ex of_index(Sema *S, Node *n)
{
    Ex e;
    if (of_parts(S, n, &e)) return e;
    e = path_pops(S, n->kid[0]);
    if (e.kind == EX_POISON) return e;
    Ctx c = ctx_const(S, "an index");
    if (e.is_list && n->n_kids == 2 && n->kid[1]->kind != N_slice) {
        double v;
        if (!elab_const(&c, n->kid[1], DIM_NONE, "an index", &v)) return ex_poison();
        if (v != floor(v) || v < 0 || v >= e.n) {
            diag_add(S->diags, D_out_of_range, n->kid[1]->span, "there are %d populations here: 0 to %d", e.n, e.n - 1);
            return ex_poison();
        }
        Ex one = e;
        one.pops += (int)v;
        one.n = 1;
        one.is_list = false;
        return one;
    }
    Ex out = e;
    out.pops = arena_dup(S->arena, e.pops, sizeof *e.pops * (size_t)e.n);
    for (int p = 0; p < e.n; p++) {
        PlanSelect from = e.pops[p].sel, *to = &out.pops[p].sel;
        out.pops[p].more = NULL;
        if (!S->pop[e.pops[p].pop].n) continue; /* a loop over populations comes before their sizes */
        if (n->n_kids == 2 && n->kid[1]->kind == N_slice) {
            double v[3];
            Node *sl = n->kid[1];
            if (!slice_bounds(&c, sl, from.n, v)) return ex_poison();
            if (v[1] > from.n) {
                Diag *d = diag_add(S->diags, D_out_of_range, sl->span, "`%s` has no neuron %.0f", S->pop[e.pops[p].pop].name, v[1] - 1);
                diag_note(d, "it has %u neurons%s, counted from 0 to %u", from.n, from.n < S->pop[e.pops[p].pop].n ? " here" : "", from.n - 1);
                if (v[0] < from.n) diag_hint(d, "write `%.0f:%u`", v[0], from.n);
                return ex_poison();
            }
            if (v[0] >= v[1]) return empty_selection(S, n, "a slice [start:stop] ends before `stop`");
            if (v[2] == 1 && !from.index) {
                *to = (PlanSelect){.lo = from.lo + (uint32_t)v[0], .hi = from.lo + (uint32_t)v[1], .n = (uint32_t)(v[1] - v[0])};
                continue;
            }
            uint32_t *list = arena_many(S->arena, uint32_t, (size_t)(v[1] - v[0])), count = 0;
            for (double q = v[0]; q < v[1]; q += v[2]) list[count++] = chosen(&from, (uint32_t)q);
            *to = (PlanSelect){.lo = list[0], .hi = list[count - 1] + 1, .index = list, .n = count};
            continue;
        }
        if (n->n_kids == 2 && is_condition(n->kid[1])) {
            if (!of_condition(S, n, e.pops[p].pop, &from, to)) return ex_poison();
            continue;
        }
        uint32_t count = (uint32_t)n->n_kids - 1, *list = arena_many(S->arena, uint32_t, count + 1);
        for (uint32_t q = 0; q < count; q++) {
            double v;
            Node *s = n->kid[q + 1];
            if (!elab_const(&c, s, DIM_NONE, "a neuron's number", &v)) return ex_poison();
            if (v != floor(v) || v < 0 || v >= from.n) {
                Diag *d = diag_add(S->diags, D_out_of_range, s->span, "`%s` has no neuron %g", S->pop[e.pops[p].pop].name, v);
                diag_note(d, "it has %u neurons%s, counted from 0 to %u", from.n, from.n < S->pop[e.pops[p].pop].n ? " here" : "", from.n - 1);
                return ex_poison();
            }
            list[q] = chosen(&from, (uint32_t)v);
        }
        qsort(list, count, sizeof *list, ascending);
        for (uint32_t q = 1; q < count; q++)
            if (list[q] == list[q - 1]) {
                diag_add(S->diags, D_duplicate_name, n->span, "neuron %u is picked twice", list[q]);
                return ex_poison();
            }
        *to = (PlanSelect){.lo = list[0], .hi = list[count - 1] + 1, .index = list, .n = count};
    }
    return out;
}

/* Draws `count` times one of `from`, which may come again: those drawn at all, those drawn twice or more, … */
static void sample_again(Sema *S, PopRef *ref, const PlanSelect *from, uint32_t count)
{
    PopInfo *pop = &S->pop[ref->pop];
    uint64_t key = rng_key(S->seed, arena_printf(S->arena, "sample %s %d", pop->name, pop->n_samples++));
    uint32_t *times = arena_many(S->arena, uint32_t, from->n), most = 0;
    for (uint32_t q = 0; q < count; q++) {
        uint32_t k = rng_below((RngAt){.key = key, .c0 = q, .c1 = 1}, from->n);
        if (++times[k] > most) most = times[k];
    }
    PopRef *last = NULL;
    for (uint32_t level = 1; level <= most; level++) {
        uint32_t *list = arena_many(S->arena, uint32_t, from->n), n = 0;
        for (uint32_t k = 0; k < from->n; k++)
            if (times[k] >= level) list[n++] = chosen(from, k);
        PopRef *r = last ? arena_one(S->arena, PopRef) : ref;
        if (last) {
            *r = *ref;
            last->more = r;
        }
        r->sel = (PlanSelect){.lo = list[0], .hi = list[n - 1] + 1, .index = list, .n = n};
        r->more = NULL;
        last = r;
    }
}

/* sample(E, 50), sample(E, 20%): one fixed random set, a function of the seed, the population and the
 * place of this call among the samples of that population. */
static Ex of_sample(Sema *S, Node *n)
{
    if (n->n_kids < 3) {
        Diag *d = diag_add(S->diags, D_wrong_argument_count, n->span, "`sample` takes a population and how many");
        diag_hint(d, "write `sample(E, 50)` or `sample(E, 20%%)`");
        return ex_poison();
    }
    Ex e = path_pops(S, n->kid[1]);
    if (e.kind == EX_POISON) return e;
    bool again = false;
    if (n->n_kids > 3) {
        Node *a = n->kid[3];
        if (a->kind == N_poison) return ex_poison();
        if (n->n_kids > 4 || a->kind != N_arg || strcmp(a->name, "replace")) {
            Diag *d = diag_add(S->diags, D_bad_argument, n->kid[n->n_kids > 4 ? 4 : 3]->span, "`sample` takes a population, how many, and perhaps `replace`");
            diag_hint(d, "write it like `sample(E, 50, replace = true)`");
            return ex_poison();
        }
        Ctx truth = ctx_const(S, "`replace`");
        Ex e3 = elab_bool(&truth, a->kid[0]);
        if (e3.kind != EX_BOOL) return ex_poison();
        again = e3.num != 0;
    }
    const char *text = ast_source(S->ast, n);
    for (size_t k = 0; k < vec_len(S->samples); k++)
        if (S->samples[k]->span.lo != n->span.lo && !strcmp(ast_source(S->ast, S->samples[k]), text)) {
            Diag *d = diag_add(S->diags, D_two_samples, n->span, "this draws other neurons than the first `%s`", text);
            diag_note_at(d, S->samples[k]->span, "the first one is here");
            diag_hint(d, "if the same ones are meant, write `let s = %s` and use `s` in both places", text);
            break;
        }
    vec_push(S->samples, n);
    Ctx c = ctx_const(S, "the size of a sample");
    Ex size = elab_dim(&c, n->kid[2], DIM_NONE, "the size of a sample");
    if (size.kind == EX_POISON || !size.is_const) return ex_poison();
    double v = size.num;
    bool part = size.percent || (v > 0 && v < 1);
    Ex out = e;
    out.pops = arena_dup(S->arena, e.pops, sizeof *e.pops * (size_t)e.n);
    for (int p = 0; p < e.n; p++) {
        PlanSelect from = e.pops[p].sel;
        double want = part ? floor(v * from.n + 0.5) : v;
        if (want != floor(want) || want < 1 || want > (again ? 1e9 : from.n)) {
            Diag *d = diag_add(S->diags, D_out_of_range, n->kid[2]->span, "cannot take %g of the %u neurons of `%s`", want, from.n,
                               S->pop[e.pops[p].pop].name);
            if (!again) diag_hint(d, "take a whole number from 1 to %u, or a percentage", from.n);
            return ex_poison();
        }
        if (again) {
            sample_again(S, &out.pops[p], &from, (uint32_t)want);
            continue;
        }
        uint32_t k = (uint32_t)want, *pool = arena_many(S->arena, uint32_t, from.n);
        for (uint32_t q = 0; q < from.n; q++) pool[q] = chosen(&from, q);
        uint64_t key = rng_key(S->seed, arena_printf(S->arena, "sample %s %d", S->pop[e.pops[p].pop].name,
                                                     S->pop[e.pops[p].pop].n_samples++));
        for (uint32_t q = 0; q < k; q++) {
            uint32_t r = q + rng_below((RngAt){.key = key, .c0 = q}, from.n - q), tmp = pool[q];
            pool[q] = pool[r];
            pool[r] = tmp;
        }
        qsort(pool, k, sizeof *pool, ascending);
        out.pops[p].sel = (PlanSelect){.lo = pool[0], .hi = pool[k - 1] + 1, .index = pool, .n = k};
    }
    return out;
}

/* Can it be a variable of one of these populations? */
static bool port_of_any(Sema *S, const Ex *e, Sym name)
{
    for (int k = 0; k < e->n; k++) {
        const PopInfo *p = &S->pop[e->pops[k].pop];
        if (!p->is_source && (!p->inst || inst_slot(p->inst, name))) return true;
    }
    return false;
}

/* Does the path denote a single layer, `L4` or `column[2]`, rather than a list of them? */
static bool one_layer(Sema *S, const Node *n)
{
    if (n->kind == N_index) return declared_list(S, n->kid[0]) && n->n_kids == 2 && n->kid[1]->kind != N_slice;
    return n->kind == N_name && !declared_list(S, n);
}

/* `.name`: a population of a layer where there is one, else a port; distributes over a list. */
static Ex of_field(Sema *S, Node *n)
{
    Ex e = path_pops(S, n->kid[0]);
    if (e.kind == EX_POISON) return e;
    Ex out = e;
    out.pops = arena_many(S->arena, PopRef, (size_t)e.n + 1);
    out.n = 0;
    for (int k = 0; k < e.n; k++) {
        PopInfo *p = &S->pop[e.pops[k].pop];
        if (p->layer && !e.pops[k].port && p->name == sym(arena_printf(S->arena, "%s.%s", p->layer, n->name)))
            out.pops[out.n++] = e.pops[k];
    }
    if (out.n) {
        if (one_layer(S, n->kid[0])) out.is_list = false;
        return out;
    }
    Bind *base = n->kid[0]->kind == N_name ? scope_find(S->top, n->kid[0]->name) : NULL;
    if (base && base->kind == B_LAYER && S->layer[base->index].block && !port_of_any(S, &e, n->name)) {
        if (S->layer[base->index].lost || follow_up(S, base, n->name)) return ex_poison();
        Diag *d = diag_add(S->diags, D_unknown_population, ast_name_span(n), "the layer `%s` has no population `%s`", base->name, n->name);
        Buf all = {0};
        for (int k = 0; k < e.n; k++) buf_printf(&all, "%s`%s`", k ? ", " : "", S->pop[e.pops[k].pop].name);
        diag_note(d, "it has %s", all.p ? all.p : "none");
        buf_free(&all);
        return ex_poison();
    }
    for (int k = 0; k < e.n; k++) { /* a population that could not be read */
        Sym layer = S->pop[e.pops[k].pop].layer;
        for (size_t q = 0; q < vec_len(S->layer); q++)
            if (layer == S->layer[q].name && S->layer[q].block && S->layer[q].lost && follow_up(S, "part", n->name)) return ex_poison();
    }
    for (int k = 0; k < e.n; k++) {
        if (e.pops[k].port) {
            diag_add(S->diags, D_unknown_port, n->name_span, "`%s` is a port and has no parts", e.pops[k].port);
            return ex_poison();
        }
        out.pops[k] = e.pops[k];
        out.pops[k].port = n->name;
        out.pops[k].span = ast_name_span(n);
    }
    out.n = e.n;
    return out;
}

Ex path_pops(Sema *S, Node *n)
{
    switch (n->kind) {
    case N_wild: {
        Ex e = all_of(S, n->span, false);
        return e.n ? e : empty_selection(S, n, "the model has no population of neurons");
    }
    case N_name: {
        Bind *b = scope_find(S->top, n->name);
        if (b && b->kind == B_POP) {
            Ex e = {.kind = EX_POPS, .is_const = true, .n = 1, .pops = arena_one(S->arena, PopRef)};
            e.pops[0] = whole(S, b->index, n->span);
            return e;
        }
        if (b && b->kind == B_LAYER && S->layer[b->index].lost && !vec_len(S->layer[b->index].pop)) return ex_poison();
        if (b && b->kind == B_LAYER) return of_layer(S, &S->layer[b->index], n->span);
        if (b && b->kind == B_LET && path_is_pops(S, n)) {
            if (b->state == 1) {
                diag_add(S->diags, D_cyclic_definition, n->span, "`%s` is defined by itself", n->name);
                return ex_poison();
            }
            if (b->state != 2) {
                b->state = 1;
                b->ex = path_pops(S, b->node->kid[0]);
                b->state = 2;
            }
            return b->ex;
        }
        if (!b && follow_up(S, "population", n->name)) return ex_poison();
        if (b && b->kind == B_LET) { /* a list of what is missing is no second mistake */
            Ctx c = ctx_const(S, "a population");
            if (ex_is_poison(elab(&c, n))) return ex_poison();
        }
        Diag *d = diag_add(S->diags, D_unknown_population, n->span,
                           b ? "`%s` is no population" : "there is no population `%s`", n->name);
        if (b && b->node) diag_note_at(d, ast_name_span(b->node), "it is declared here");
        const char **cand = NULL;
        for (size_t k = 0; k < vec_len(S->pop); k++) vec_push(cand, S->pop[k].name);
        for (size_t k = 0; k < vec_len(S->layer); k++) vec_push(cand, S->layer[k].name);
        const char *near = b ? NULL : diag_nearest(n->name, cand, vec_len(cand));
        if (near) diag_hint(d, "did you mean `%s`?", near);
        else if (!b && vec_len(S->pop)) {
            Buf list = {0};
            for (size_t k = 0; k < vec_len(S->pop) && k < 8; k++) buf_printf(&list, "%s`%s`", k ? ", " : "", S->pop[k].name);
            diag_note(d, "the populations are %s%s", list.p, vec_len(S->pop) > 8 ? ", …" : "");
            buf_free(&list);
        }
        vec_free(cand);
        return ex_poison();
    }
    case N_field: return of_field(S, n);
    case N_field_wild: {
        Ex e = path_pops(S, n->kid[0]);
        e.is_list = true;
        return e;
    }
    case N_index: return of_index(S, n);
    case N_call:
        if (n->kid[0]->kind == N_name && n->kid[0]->name == sym("sample")) return of_sample(S, n);
        break;
    case N_list: {
        Ex out = {.kind = EX_POPS, .is_list = true, .is_const = true};
        PopRef *refs = NULL;
        bool bad = false;
        for (int k = 0; k < n->n_kids; k++) {
            Ex e = path_pops(S, n->kid[k]);
            if (e.kind == EX_POISON) bad = true;
            for (int q = 0; q < e.n && e.kind == EX_POPS && !bad; q++) {
                bad = elab_too_much(S, n->span);
                vec_push(refs, e.pops[q]);
            }
        }
        out.n = (int)vec_len(refs);
        if (!bad && out.n) out.pops = arena_dup(S->arena, refs, sizeof *refs * (size_t)out.n);
        vec_free(refs);
        if (bad) return ex_poison();
        return out.n ? out : empty_selection(S, n, "the list is empty");
    }
    case N_poison: return ex_poison();
    default: break;
    }
    diag_add(S->diags, D_unknown_population, n->span, "expected a population, such as `E`, `L4.e`, `E[0:100]` or `*`");
    return ex_poison();
}
