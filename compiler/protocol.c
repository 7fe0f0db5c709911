/* The protocol in the order of the file: states of the network, what happens at which moments, and the runs. */
#include "protocol.h"

#include <math.h>
#include <string.h>

void protocol_new(Sema *S)
{
    S->protocol = arena_one(S->arena, Protocol);
}

void protocol_free(Sema *S)
{
    Protocol *P = S->protocol;
    vec_free(P->mark);
    vec_free(P->net);
    vec_free(P->info);
    vec_free(P->cell);
    vec_free(P->tally);
    vec_free(P->column);
    vec_free(P->moment);
    vec_free(P->rec);
    vec_free(P->watched);
}

/* ---- states of the network ---- */

void protocol_declare(Sema *S, Node *decls, Scope *sc)
{
    Protocol *P = S->protocol;
    for (int k = 0; k < decls->n_kids; k++) {
        Node *n = decls->kid[k];
        if (n->kind == N_poison) continue;
        Bind *b = scope_add(S, sc, n->name, B_NET, n);
        if (b->node != n) continue;
        b->index = (int)vec_len(P->net);
        NetInfo info = {.decl = n, .lo = -INFINITY, .hi = INFINITY};
        Node *unit = n->kid[0];
        PlanNet net = {.name = n->name, .unit = ""};
        if (unit && unit->kind != N_poison) {
            info.is_int = unit->which == UNIT_WORD && unit->name == sym("int");
            info.is_bool = unit->which == UNIT_WORD && unit->name == sym("bool");
            if (!info.is_int && !info.is_bool) {
                info.dim = unit->unit.dim;
                net.unit = unit->unit.text ? unit->unit.text : dim_unit(S->arena, info.dim);
            }
        }
        vec_push(P->net, net);
        vec_push(P->info, info);
    }
}

static void value(Sema *S, size_t k)
{
    NetInfo *info = &S->protocol->info[k];
    PlanNet *net = &S->protocol->net[k];
    Node *n = info->decl;
    if (!n->kid[1]) {
        Diag *d = diag_add(S->diags, D_no_initial_value, ast_name_span(n), "`%s` has no initial value", n->name);
        diag_hint(d, "give it one, `%s = 0`", n->name);
        return;
    }
    Ctx c = ctx_const(S, arena_printf(S->arena, "the first value of `%s`", n->name));
    if (info->is_bool) {
        Ex e = elab_bool(&c, n->kid[1]);
        if (e.kind == EX_BOOL) net->value = e.num;
        return;
    }
    Ex e = elab_num(&c, n->kid[1]);
    if (e.kind == EX_POISON) return;
    if (!n->kid[0] && !e.wild) {
        info->dim = e.dim;
        net->unit = dim_unit(S->arena, e.dim);
    }
    if (!e.is_const) elab_not_constant(&c, n->kid[1]->span, ex_source(S, n->kid[1]));
    else if (elab_fits(&c, n->kid[1], e, info->dim, arena_printf(S->arena, "`%s`", n->name))) net->value = e.num;
    if (info->is_int && net->value != floor(net->value)) diag_add(S->diags, D_bad_count, n->kid[1]->span, "`%s` is a whole number, this is %.17g", n->name, net->value);
    Node *iv = n->n_kids > 2 ? n->kid[2] : NULL;
    if (!iv || !elab_const(&c, iv->kid[0], info->dim, "a bound of the range", &info->lo) || !elab_const(&c, iv->kid[1], info->dim, "a bound of the range", &info->hi)) return;
    info->has_range = true;
    info->open_lo = iv->which & 1;
    info->open_hi = (iv->which & 2) != 0;
    if ((info->open_lo ? net->value <= info->lo : net->value < info->lo) || (info->open_hi ? net->value >= info->hi : net->value > info->hi))
        diag_add(S->diags, D_out_of_range, n->kid[1]->span, "`%s` is out of the range it is declared with", n->name);
}

void protocol_values(Sema *S)
{
    size_t n = vec_len(S->protocol->net);
    for (size_t k = 0; k < n; k++) value(S, k);
}

int protocol_stim_cell(Sema *S, Sym as, const char *name, const char *stim, Dim dim, double v, double lo, double hi)
{
    if (!as || !protocol_marked(S, B_STIM, as, sym(name))) return -1;
    int net = protocol_cell(S, arena_printf(S->arena, "%s.%s", stim, name), dim_unit(S->arena, dim), dim, v);
    vec_push(S->protocol->cell, ((StimCell){.as = as, .name = sym(name), .net = net, .dim = dim, .lo = lo, .hi = hi}));
    return net;
}

/* ---- moments ---- */

static void keep(Sema *S, Block *b, PlanMoment m)
{
    m.n_acts = (int)vec_len(b->act);
    m.act = m.n_acts ? arena_dup(S->arena, b->act, sizeof *b->act * vec_len(b->act)) : NULL;
    vec_push(S->protocol->moment, m);
    vec_free(b->act);
    vec_free(b->seen);
}

/* Time when the next run begins, if it begins as early as it can: `until` may end the runs before. */
static int64_t earliest(Sema *S)
{
    int64_t t = 0;
    for (size_t k = 0; k < vec_len(S->run); k++)
        if (S->run[k].until < 0) t += S->run[k].steps;
    return t;
}

static bool wire_at(Sema *S, Node *n, PlanMoment *m)
{
    if (!network_steps(S, n->kid[0], "a moment", &m->at)) return false;
    if (m->at == INT64_MAX) {
        diag_add(S->diags, D_bad_interval, n->kid[0]->span, "this moment never comes");
        return false;
    }
    if (m->at >= earliest(S)) return true;
    Diag *d = diag_add(S->diags, D_bad_interval, n->kid[0]->span, "this moment is over when the model comes here");
    diag_note(d, "the runs before it end at %s", unit_show(S->arena, decimal_time(earliest(S), S->dt), DIM_TIME, NULL));
    diag_hint(d, "`at` counts from the beginning of the first run; move it up, or use `set`");
    return false;
}

static bool wire_clock(Sema *S, Node *n, PlanMoment *m)
{
    if (!network_steps(S, n->kid[0], "a period", &m->every) || (n->kid[1] && !network_steps(S, n->kid[1], "`from`", &m->from))) return false;
    if (m->every >= 1 && m->every < INT64_MAX && m->from < INT64_MAX) return true;
    diag_add(S->diags, D_bad_interval, n->kid[0]->span, "a period is at least one time step, and ends");
    return false;
}

static void wire_moment(Sema *S, Node *n, bool reached)
{
    static const char *const words[] = {"set", "at", "every"};
    int kind = n->kind == N_set ? 0 : n->kind == N_at ? 1 : 2;
    const char *name = arena_printf(S->arena, "%s#%d", words[kind], ++S->protocol->n_of[kind]);
    PlanMoment m = {.name = name, .place = wire_place(S, n->span), .run = (int)vec_len(S->run), .at = -1};
    Block b = {.S = S, .name = name};
    if ((kind == 1 && !wire_at(S, n, &m)) || (kind == 2 && !wire_clock(S, n, &m))) return;
    if (kind == 0) protocol_statement(&b, S->top, n->kid[0]);
    else protocol_stmts(&b, S->top, n->kid[n->n_kids - 1]);
    if (!reached && !S->opt->duration) {
        Diag *d = diag_add(S->diags, D_never_reached, n->span, "no run follows, so this never happens");
        diag_hint(d, "move it in front of the `run` that it is meant for");
    }
    keep(S, &b, m);
}

static void wire_run(Sema *S, Node *n)
{
    watch_run(S, n);
    if (n->n_kids < 2 || !n->kid[1]) return;
    Block b = {.S = S, .name = arena_printf(S->arena, "until#%zu", vec_len(S->run))};
    int until = protocol_condition(&b, S->top, n->kid[1]);
    if (vec_len(S->run)) {
        PlanRun *r = &S->run[vec_len(S->run) - 1];
        r->n_acts = (int)vec_len(b.act);
        r->act = arena_dup(S->arena, b.act, sizeof *b.act * vec_len(b.act));
        r->until = until;
        r->each_step = b.moving;
    }
    vec_free(b.act);
    vec_free(b.seen);
}

/* ---- recordings ---- */

static bool when_of(Sema *S, Node *when, PlanNetRec *r)
{
    *r = (PlanNetRec){0};
    if (!watch_when(S, when, &r->when)) return false;
    if (r->when.kind != TIMES_SPIKES) return true;
    Diag *d = diag_add(S->diags, D_record_not_recordable, when->span, "the network has no spikes, its populations have");
    diag_hint(d, "record numbers of the network `at` given times, `at end` or `every` so often");
    return false;
}

static void record_one(Sema *S, Node *v, PlanNetRec r)
{
    Protocol *P = S->protocol;
    const Bind *b = v->kind == N_name ? scope_find(S->top, v->name) : NULL;
    size_t before = vec_len(P->rec);
    if (b && b->kind == B_NET) {
        r.net = b->index;
        vec_push(P->rec, r);
        return;
    }
    for (size_t k = 0; v->kind == N_field && v->kid[0]->kind == N_name && k < vec_len(P->cell); k++)
        if (P->cell[k].as == v->kid[0]->name && P->cell[k].name == v->name) {
            r.net = P->cell[k].net;
            vec_push(P->rec, r);
        }
    if (vec_len(P->rec) > before || v->kind == N_poison || (v->kind == N_name && follow_up(S, "record", v->name))) return;
    Diag *d = diag_add(S->diags, D_record_not_recordable, v->span, "`%s` is no state of the network", ex_source(S, v));
    const char **cand = NULL;
    for (Bind *q = S->top->first; q; q = q->next)
        if (q->kind == B_NET) vec_push(cand, q->name);
    const char *near = v->kind == N_name ? diag_nearest(v->name, cand, vec_len(cand)) : NULL;
    if (near) diag_hint(d, "did you mean `%s`?", near);
    else if (v->kind == N_name && vec_len(S->pop)) diag_hint(d, "variables are recorded of populations: `record %s of %s`", v->name, S->pop[0].name);
    vec_free(cand);
}

/* `record shown every 1 s`, without a population */
static void record(Sema *S, Node *n)
{
    PlanNetRec r;
    if (!when_of(S, n->kid[2], &r)) return;
    for (int k = 0; k < n->kid[0]->n_kids; k++) record_one(S, n->kid[0]->kid[k], r);
}

void protocol_wire(Sema *S)
{
    size_t last = 0;
    for (size_t k = 0; k < vec_len(S->joined); k++)
        if (S->joined[k].inst) protocol_every(S->joined[k].inst, k);
    for (size_t k = 0; k < vec_len(S->items); k++)
        if (S->items[k]->kind == N_run) last = k + 1;
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        if (n->kind == N_run) wire_run(S, n);
        else if (n->kind == N_record && !n->kid[1]) record(S, n);
        else if (n->kind == N_set || n->kind == N_at || n->kind == N_every) wire_moment(S, n, k < last);
    }
}

/* ---- into the plan ---- */

/* Projections are numbered in their normative order now, no more in that of the file. */
static void renumber(Sema *S, const PlanAct *act, int n)
{
    for (int k = 0; k < n; k++)
        for (int q = 0; q < act[k].n_parts; q++) {
            PlanPart *p = (PlanPart *)&act[k].part[q];
            if (p->proj < 0) continue;
            const char *name = S->joined[p->proj].name;
            p->proj = 0;
            while (strcmp(S->out->plan->proj[p->proj].name, name)) p->proj++;
        }
}

#define KEEP(field, n_field, vec)                                                                       \
    do {                                                                                                \
        plan->n_field = (int)vec_len(vec);                                                              \
        plan->field = vec_len(vec) ? arena_dup(S->arena, (vec), sizeof *(vec) * vec_len(vec)) : NULL;   \
    } while (0)

void protocol_plan(Sema *S)
{
    Plan *plan = S->out->plan;
    Protocol *P = S->protocol;
    for (size_t k = 0; k < vec_len(P->moment); k++) renumber(S, P->moment[k].act, P->moment[k].n_acts);
    for (size_t k = 0; k < vec_len(S->run); k++) renumber(S, S->run[k].act, S->run[k].n_acts);
    KEEP(net, n_nets, P->net);
    KEEP(tally, n_tallies, P->tally);
    KEEP(column, n_columns, P->column);
    KEEP(moment, n_moments, P->moment);
    KEEP(net_rec, n_net_recs, P->rec);
    plan->net_kernel = P->mod ? network_module(S, P->mod) : -1;
}
