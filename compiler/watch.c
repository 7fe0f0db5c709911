/* What is watched of a run, and the runs themselves: record, run. */
#include "wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A variable of a population that `v` names, for a recorder; diagnoses. */
bool watch_var(Sema *S, Node *v, PopInfo *p, PlanVar *out)
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

static bool every(Sema *S, Node *when, PlanLook *out)
{
    if (!network_steps(S, when->kid[0], "a recording interval", &out->every)) return false;
    if (out->every < 1) {
        diag_add(S->diags, D_bad_interval, when->kid[0]->span, "a recording interval is at least one time step");
        return false;
    }
    if (when->n_kids > 1 && when->kid[1] && !network_steps(S, when->kid[1], "`from`", &out->from)) return false;
    if (when->n_kids > 2 && when->kid[2] && !network_steps(S, when->kid[2], "`to`", &out->to)) return false;
    if (out->to > out->from) return true;
    diag_add(S->diags, D_bad_interval, span_join(when->kid[1] ? when->kid[1]->span : when->kid[2]->span, when->kid[2]->span), "this window ends before it begins");
    return false;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* `at 10 ms`, `at [0 s, 10 s]`, `at linspace(…)`. */
static bool times(Sema *S, Node *list, PlanLook *out)
{
    Ctx c = ctx_const(S, "a time of recording");
    Ex e = elab(&c, list);
    if (e.kind == EX_POISON) return false;
    int n = e.kind == EX_LIST ? e.n : 1;
    if (e.kind == EX_LIST && !n) {
        diag_add(S->diags, D_bad_interval, list->span, "the list is empty");
        return false;
    }
    int64_t *at = arena_many(S->arena, int64_t, (size_t)n);
    for (int k = 0; k < n; k++) {
        Node *one = list->kind == N_list && list->n_kids == n ? list->kid[k] : list;
        Ex x = e.kind == EX_LIST ? e.item[k] : e;
        bool exact;
        if (x.kind != EX_NUM || !x.is_const || !elab_fits(&c, one, x, DIM_TIME, "a time of recording")) {
            if (x.kind != EX_NUM && x.kind != EX_POISON) diag_add(S->diags, D_not_a_number, one->span, "expected a time, got %s", ex_say(S, x));
            return false;
        }
        if (x.num < 0 || !decimal_steps(x.num, S->dt, &at[k], &exact)) {
            diag_add(S->diags, D_bad_interval, one->span, "a time of recording is from 0 on");
            return false;
        }
        if (!exact && fabs(decimal_time(at[k], S->dt) - x.num) > 1e-12 * x.num) {
            Diag *d = diag_add(S->diags, D_off_grid, one->span, "a time of recording is no multiple of the time step");
            diag_note(d, "the time step is %s", unit_show(S->arena, S->dt, DIM_TIME, NULL));
            diag_hint(d, "the nearest multiple is %s", unit_show(S->arena, decimal_time(at[k], S->dt), DIM_TIME, NULL));
            return false;
        }
    }
    qsort(at, (size_t)n, sizeof *at, ascending);
    int64_t kept = 1;
    for (int k = 1; k < n; k++)
        if (at[k] != at[kept - 1]) at[kept++] = at[k];
    out->kind = TIMES_AT, out->at = at, out->n_at = kept;
    return true;
}

bool watch_when(Sema *S, Node *when, PlanLook *out)
{
    *out = (PlanLook){.every = 1, .to = INT64_MAX};
    if (!when) return true;
    if (when->kind != N_rec_at) return every(S, when, out);
    Node *at = when->kid[0];
    bool word = at->kind == N_name && !scope_find(S->top, at->name);
    if (word && at->name == sym("end")) out->kind = TIMES_END;
    else if (word && at->name == sym("spikes")) out->kind = TIMES_SPIKES;
    else return at->kind != N_poison && times(S, at, out);
    return true;
}

/* `spikes`, `rate` and `count` of a population that has no variable of this name. */
static bool is_word(const PopInfo *p, const Node *v, const char *word)
{
    return v->kind == N_name && v->name == sym(word) && !(p->inst && inst_slot(p->inst, v->name));
}

static void record_count(Sema *S, Node *v, Node *when_at, const PlanLook *when, const PopInfo *p, const PopRef *of)
{
    if (!when_at || when->kind != TIMES_EVERY) {
        Diag *d = diag_add(S->diags, D_bad_interval, when_at ? when_at->span : v->span, "a %s is recorded at regular intervals, over each of which spikes are counted", v->name);
        diag_hint(d, "add an interval, such as `every 5 ms`");
        return;
    }
    PlanCount c = {.pop = p->plan, .sel = of->sel, .each = v->name == sym("count"), .every = when->every, .from = when->from, .to = when->to};
    vec_push(S->count, c);
}

/* `V`, or `mean(V)`, `sd(V)`, `min(V)`, `max(V)` over the population. */
static bool record_value(Sema *S, Node *v, PopInfo *p, const PlanLook *when, PlanVar *out)
{
    static const char *const over[] = {[OVER_MEAN] = "mean", [OVER_SD] = "sd", [OVER_MIN] = "min", [OVER_MAX] = "max"};
    if (v->kind == N_name) return watch_var(S, v, p, out);
    int which = 0;
    for (int k = OVER_MEAN; k <= OVER_MAX; k++)
        if (v->kind == N_call && v->kid[0]->kind == N_name && v->n_kids == 2 && !strcmp(v->kid[0]->name, over[k])) which = k;
    if (!which || v->kid[1]->kind != N_name) {
        if (v->kind == N_poison) return false;
        Diag *d = diag_add(S->diags, D_record_not_recordable, v->span, "a recording takes variables, or their `mean`, `sd`, `min` and `max` over the population");
        if (v->kind != N_call || !which) diag_hint(d, "give the expression a name in the model, `x = …`, and record `x`");
        else diag_hint(d, "write `%s(V)`", over[which]);
        return false;
    }
    if (when->kind == TIMES_SPIKES) {
        diag_add(S->diags, D_record_not_recordable, v->span, "single spikes have no `%s` over the population", over[which]);
        return false;
    }
    if (!watch_var(S, v->kid[1], p, out)) return false;
    out->name = arena_printf(S->arena, "%s(%s)", over[which], out->name);
    out->over = (PlanOver)which;
    return true;
}

void watch_record(Sema *S, Node *n)
{
    if (!n->kid[1]) return; /* protocol_wire */
    if (synapse_record(S, n)) return;
    Node *vars = n->kid[0], *when_at = n->n_kids > 2 ? n->kid[2] : NULL;
    PlanLook when;
    if (!watch_when(S, when_at, &when)) return;
    for (int q = 0; q < n->kid[1]->n_kids; q++) {
        Node *of = n->kid[1]->kid[q];
        Ex pops = network_pops(S, of);
        if (pops.kind != EX_POPS || !wire_port_free(S, of, pops, "what is recorded from")) continue;
        for (int b = 0; b < pops.n; b++) {
            PopInfo *p = &S->pop[pops.pops[b].pop];
            PlanRec r = {.pop = p->plan, .sel = pops.pops[b].sel, .when = when};
            PlanVar *list = arena_many(S->arena, PlanVar, (size_t)vars->n_kids);
            bool can_spike = true;
            for (int k = 0; k < vars->n_kids; k++) {
                Node *v = vars->kid[k];
                bool spikes = is_word(p, v, "spikes"), count = is_word(p, v, "rate") || is_word(p, v, "count");
                if (spikes || count) {
                    can_spike = can_spike && (b || wire_sends_spikes(S, of, pops));
                    if (!can_spike) continue;
                    if (spikes) p->spikes_wanted = true;
                    else record_count(S, v, when_at, &when, p, &pops.pops[b]);
                } else if (record_value(S, v, p, &when, &list[r.n_vars]))
                    r.n_vars++;
            }
            r.var = list;
            if (r.n_vars && when.kind == TIMES_SPIKES && (p->is_source || !wire_sends_spikes(S, of, pops))) return;
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
