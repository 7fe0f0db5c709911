/* What is watched of a run, and the runs themselves: record, run, expect. */
#include "wire.h"

#include <math.h>
#include <string.h>

static bool record_var(Sema *S, Node *v, PopInfo *p, PlanVar *out)
{
    Inst *in = p->inst;
    if (!in && !p->is_source) return false;
    if (!in) {
        diag_add(S->diags, D_record_not_recordable, v->span, "`%s` is a source and has no variables", p->name);
        return false;
    }
    Slot *s = inst_slot(in, v->name);
    if (s && s->lost) return false;
    if (!s) {
        if (follow_hole(in->def.body) || follow_up(S, in->def.body, v->name)) return false;
        Diag *d = diag_add(S->diags, D_record_not_recordable, v->span, "`%s` has no variable `%s`", p->name, v->name);
        const char **cand = NULL;
        for (size_t k = 0; k < vec_len(in->slot); k++) vec_push(cand, in->slot[k].name);
        const char *near = diag_nearest(v->name, cand, vec_len(cand));
        if (near) diag_hint(d, "did you mean `%s`?", near);
        else {
            Buf all = {0};
            for (size_t k = 0; k < vec_len(cand); k++) buf_printf(&all, "%s`%s`", k ? ", " : "", cand[k]);
            diag_note(d, "its variables are %s", all.p ? all.p : "none");
            buf_free(&all);
        }
        vec_free(cand);
        return false;
    }
    *out = (PlanVar){.name = s->name, .unit = s->unit.text ? s->unit.text : dim_unit(S->arena, s->dim), .field = -1, .fn = -1};
    if (s->kind == SLOT_DEFINE) {
        IrFn *fn = ir_fn_find(in->mod, arena_printf(S->arena, "obs.%s", s->name));
        if (!fn) return false;
        out->fn = ir_fn_index(in->mod, fn);
    } else if (s->field >= 0)
        out->field = s->field;
    else {
        Diag *d = diag_add(S->diags, D_record_not_recordable, v->span, "`%s` is the same number for all of `%s`", v->name, p->name);
        diag_note(d, "a parameter that does not vary stands in the output under /cortexc");
        return false;
    }
    return true;
}

void watch_record(Sema *S, Node *n)
{
    if (!n->kid[1]) return; /* protocol_wire */
    if (synapse_record(S, n)) return;
    Node *vars = n->kid[0], *when = n->n_kids > 2 ? n->kid[2] : NULL;
    bool spikes = false;
    static const char *const later[] = {"rate", "count", "connectivity", "weight"};
    for (int k = 0; k < vars->n_kids; k++) {
        Node *v = vars->kid[k];
        if (v->kind != N_name) {
            if (v->kind != N_poison) diag_add(S->diags, D_not_yet, v->span, "this version records variables by name only");
            return;
        }
        for (size_t q = 0; q < sizeof later / sizeof *later; q++)
            if (!strcmp(v->name, later[q])) {
                bool own = false;
                for (size_t p = 0; p < vec_len(S->pop); p++) own = own || (S->pop[p].inst && inst_slot(S->pop[p].inst, v->name));
                if (own) continue;
                diag_add(S->diags, D_not_yet, v->span, "this version cannot record `%s` yet", v->name);
                return;
            }
        if (!strcmp(v->name, "spikes")) spikes = true;
    }
    PlanRec base = {.every = 1, .from = 0, .to = INT64_MAX};
    if (when && when->kind == N_rec_at) {
        diag_add(S->diags, D_not_yet, when->span, "this version records at regular intervals only");
        return;
    }
    if (when && !network_steps(S, when->kid[0], "a recording interval", &base.every)) return;
    if (when && base.every < 1) {
        diag_add(S->diags, D_bad_interval, when->kid[0]->span, "a recording interval is at least one time step");
        return;
    }
    if (when && when->n_kids > 1 && when->kid[1] && !network_steps(S, when->kid[1], "`from`", &base.from)) return;
    if (when && when->n_kids > 2 && when->kid[2] && !network_steps(S, when->kid[2], "`to`", &base.to)) return;
    if (base.to <= base.from) {
        diag_add(S->diags, D_bad_interval, span_join(when->kid[1] ? when->kid[1]->span : when->kid[2]->span, when->kid[2]->span), "this window ends before it begins");
        return;
    }
    for (int q = 0; q < n->kid[1]->n_kids; q++) {
        Ex pops = network_pops(S, n->kid[1]->kid[q]);
        if (pops.kind != EX_POPS || !wire_port_free(S, n->kid[1]->kid[q], pops, "what is recorded from")) continue;
        if (spikes && !wire_sends_spikes(S, n->kid[1]->kid[q], pops)) continue;
        for (int b = 0; b < pops.n; b++) {
            PopInfo *p = &S->pop[pops.pops[b].pop];
            if (spikes) {
                p->spikes_wanted = true;
                if (vars->n_kids == 1) continue;
            }
            PlanRec r = base;
            PlanVar *list = arena_many(S->arena, PlanVar, (size_t)vars->n_kids);
            r.pop = p->plan;
            r.sel = pops.pops[b].sel;
            for (int k = 0; k < vars->n_kids; k++)
                if (strcmp(vars->kid[k]->name, "spikes") && record_var(S, vars->kid[k], p, &list[r.n_vars])) r.n_vars++;
            r.var = list;
            if (r.n_vars) vec_push(S->rec, r);
        }
    }
}

void watch_run(Sema *S, Node *n)
{
    PlanRun r = {.until = -1};
    if (!network_steps(S, n->kid[0], "the duration of a run", &r.steps)) return;
    if (r.steps < 1 || r.steps == INT64_MAX) {
        Diag *d = diag_add(S->diags, D_bad_interval, n->kid[0]->span, r.steps < 1 ? "a run takes at least one time step" : "a run ends at some time");
        if (r.steps < 1) diag_note(d, "the time step is %s", unit_show(S->arena, S->dt, DIM_TIME, NULL));
        return;
    }
    vec_push(S->run, r);
}

/* An expectation from a loop names what this round of it looks at: its own text is that of all rounds. */
static const char *said_of_round(Sema *S, const PlanExpect *x, const Ex *pops)
{
    Buf b = {0};
    buf_printf(&b, "expect rate(");
    for (int k = 0; k < pops->n; k++) buf_printf(&b, "%s%s", k ? ", " : "", wire_selected(S, &pops->pops[k]));
    if (x->from > 0) buf_printf(&b, ", from = %s", unit_show(S->arena, decimal_time(x->from, S->dt), DIM_TIME, NULL));
    buf_printf(&b, ") in %c%.4g Hz, %.4g Hz%c", x->open_lo ? '(' : '[', x->lo, x->hi, x->open_hi ? ')' : ']');
    const char *text = arena_strdup(S->arena, b.p);
    buf_free(&b);
    return text;
}

/* `expect rate(E, from = 200 ms) in [4 Hz, 5 Hz]`. */
static void watch_expect(Sema *S, Node *n)
{
    static const char *const later[] = {"count", "cv_isi", "fano", "synchrony", "correlation", "burst_index", "branching_ratio",
                                        "mean", "sd", "min", "max", "first_spike"};
    static const char *const windows[] = {"from", "to", "last"};
    Node *m = n->kid[0], *iv = n->n_kids > 1 ? n->kid[1] : NULL;
    if (m->kind == N_poison) return;
    for (size_t k = 0; m->kind == N_call && m->kid[0]->kind == N_name && k < sizeof later / sizeof *later; k++)
        if (!strcmp(later[k], m->kid[0]->name)) {
            diag_add(S->diags, D_not_yet, m->kid[0]->span, "this version cannot expect `%s` yet", m->kid[0]->name);
            return;
        }
    static const char *const measures[] = {"rate"};
    if (m->kind != N_call || m->kid[0]->kind != N_name || strcmp(m->kid[0]->name, "rate") || !iv || m->n_kids < 2) {
        const char *near = m->kind == N_call && m->kid[0]->kind == N_name && m->kid[0]->name != sym("rate") ? m->kid[0]->name : NULL;
        if (near) {
            Diag *d = diag_add(S->diags, D_bad_argument, m->kid[0]->span, "there is no measure `%s`", near);
            near = diag_nearest(near, measures, 1);
            if (near) diag_hint(d, "did you mean `%s`?", near);
            return;
        }
        Diag *d = diag_add(S->diags, D_bad_argument, m->span, "expected a measure and an interval");
        diag_hint(d, "write it like `expect rate(E, from = 200 ms) in [4 Hz, 5 Hz]`");
        return;
    }
    PlanExpect x = {.text = ast_source(S->ast, n), .measure = "rate", .to = INT64_MAX};
    int64_t last = -1;
    bool ok = true;
    for (int k = 2; k < m->n_kids; k++) {
        Node *a = m->kid[k];
        if (a->kind == N_arg && !strcmp(a->name, "from")) ok = network_steps(S, a->kid[0], "`from`", &x.from) && ok;
        else if (a->kind == N_arg && !strcmp(a->name, "to")) ok = network_steps(S, a->kid[0], "`to`", &x.to) && ok;
        else if (a->kind == N_arg && !strcmp(a->name, "last")) ok = network_steps(S, a->kid[0], "`last`", &last) && ok;
        else {
            Diag *d = diag_add(S->diags, D_bad_argument, a->span, "`rate` takes a population and a window");
            const char *near = a->kind == N_arg ? diag_nearest(a->name, windows, 3) : NULL;
            if (near) diag_hint(d, "did you mean `%s`?", near);
            else diag_hint(d, "a window is `from = …`, `to = …` or `last = …`");
            ok = false;
        }
    }
    int64_t total = 0;
    for (size_t k = 0; k < vec_len(S->run); k++) total += S->run[k].steps;
    if (x.to > total) x.to = total;
    if (last >= 0) x.from = last < x.to ? x.to - last : 0;
    Ctx c = ctx_const(S, "a bound of what is expected");
    ok = elab_const(&c, iv->kid[0], DIM_RATE, "a rate", &x.lo) && elab_const(&c, iv->kid[1], DIM_RATE, "a rate", &x.hi) && ok;
    if (ok && (x.lo > x.hi || (x.lo == x.hi && (iv->which & 3)))) {
        Diag *d = diag_add(S->diags, D_bad_interval, iv->span, "no rate lies in this interval");
        if (x.lo > x.hi) diag_hint(d, "write `[%s, %s]`", ex_source(S, iv->kid[1]), ex_source(S, iv->kid[0]));
        return;
    }
    x.lo *= 1000, x.hi *= 1000;
    x.open_lo = iv->which & 1;
    x.open_hi = (iv->which & 2) != 0;
    Ex pops = network_pops(S, m->kid[1]);
    if (!ok || pops.kind != EX_POPS || !wire_port_free(S, m->kid[1], pops, "what is measured") || !wire_sends_spikes(S, m->kid[1], pops)) return;
    if (x.from >= x.to && total > 0) {
        if (S->opt->duration) return; /* the user cut the run short of what the model measures */
        Diag *d = diag_add(S->diags, D_bad_interval, m->span, "this window is empty");
        diag_note(d, "the model runs for %s", unit_show(S->arena, decimal_time(total, S->dt), DIM_TIME, NULL));
        return;
    }
    int *pop = arena_many(S->arena, int, (size_t)pops.n);
    PlanSelect *sel = arena_many(S->arena, PlanSelect, (size_t)pops.n);
    for (int k = 0; k < pops.n; k++) {
        PopInfo *p = &S->pop[pops.pops[k].pop];
        pop[k] = p->plan;
        sel[k] = pops.pops[k].sel;
    }
    x.pop = pop;
    x.sel = sel;
    x.n_pops = pops.n;
    if (n->flags & AST_EXPANDED) x.text = said_of_round(S, &x, &pops);
    vec_push(S->expect, x);
}

void watch_expects(Sema *S)
{
    for (size_t k = 0; k < vec_len(S->items); k++)
        if (S->items[k]->kind == N_expect) watch_expect(S, S->items[k]);
}
