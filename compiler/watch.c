/* What is watched of a run, and the runs themselves: record, run. */
#include "wire.h"

#include <math.h>
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

void watch_record(Sema *S, Node *n)
{
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
                if (strcmp(vars->kid[k]->name, "spikes") && watch_var(S, vars->kid[k], p, &list[r.n_vars])) r.n_vars++;
            r.var = list;
            if (r.n_vars) vec_push(S->rec, r);
        }
    }
}

void watch_run(Sema *S, Node *n)
{
    if (n->n_kids > 1 && n->kid[1]) {
        diag_add(S->diags, D_not_yet, n->kid[1]->span, "this version has no `run … until` yet");
        return;
    }
    PlanRun r;
    if (!network_steps(S, n->kid[0], "the duration of a run", &r.steps)) return;
    if (r.steps < 1 || r.steps == INT64_MAX) {
        Diag *d = diag_add(S->diags, D_bad_interval, n->kid[0]->span, r.steps < 1 ? "a run takes at least one time step" : "a run ends at some time");
        if (r.steps < 1) diag_note(d, "the time step is %s", unit_show(S->arena, S->dt, DIM_TIME, NULL));
        return;
    }
    vec_push(S->run, r);
}
