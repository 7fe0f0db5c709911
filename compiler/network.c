/* Populations and layers, the modules of their neurons, and what wire.c needs of them. */
#include "space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

Ex network_pops(Sema *S, Node *n)
{
    if (!n->binding) {
        Ex *keep = arena_one(S->arena, Ex);
        *keep = path_pops(S, n);
        n->binding = keep;
    }
    return *(Ex *)n->binding;
}

/* Okabe & Ito's palette: told apart by the colour-blind. */
static const double palette[][3] = {{0.90, 0.62, 0.00}, {0.34, 0.71, 0.91}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
                                    {0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.94, 0.89, 0.26}, {0.47, 0.47, 0.47}};

static void population_size(Sema *S, PopInfo *p)
{
    Node *g = p->group;
    p->n = 1;
    if (!g || g->kind != N_group) return;
    p->model = g->name;
    Ctx c = ctx_const(S, "a number of neurons");
    double v;
    if (elab_const(&c, g->kid[1], DIM_NONE, "a number of neurons", &v)) {
        if (v != floor(v) || v < 1 || v > 4e9) {
            Diag *d = diag_add(S->diags, D_bad_count, g->kid[1]->span, "a population cannot have %.17g neurons", v);
            diag_note(d, "the number of neurons is whole, at least 1 and at most 4 billion");
            if (v != floor(v) && v > 0) diag_hint(d, "write `round(%s)`", ast_source(S->ast, g->kid[1]));
        } else
            p->n = (uint32_t)v;
    }
    p->is_source = sources_known(p->model);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(PopInfo *const *)a)->name, (*(PopInfo *const *)b)->name);
}

void network_populations(Sema *S)
{
    size_t n = vec_len(S->pop);
    for (size_t k = 0; k < n; k++) population_size(S, &S->pop[k]);
    PopInfo **order = arena_many(S->arena, PopInfo *, n + 1); /* the plan numbers populations by name */
    for (size_t k = 0; k < n; k++) order[k] = &S->pop[k];
    qsort(order, n, sizeof *order, by_name);
    for (size_t k = 0; k < n; k++) order[k]->plan = (int)k;
    for (Bind *b = S->top->first; b; b = b->next) /* lists of populations seen by a loop had no sizes yet */
        if (b->ex.kind == EX_POPS) b->state = 0;
    for (size_t k = 0; k < vec_len(S->pop); k++) {
        PopInfo *p = &S->pop[k];
        if (p->is_source || !p->model) continue;
        ModelDef def;
        if (!model_find(S, p->model, ast_name_span(p->group), B_NEURON, &def)) continue;
        p->inst = inst_new(S, &def, p->group->n_kids > 2 ? p->group->kid[2] : NULL, p->name);
        p->inst->pop = p;
    }
}

static void say_ports(Diag *d, const Inst *in)
{
    Buf all = {0};
    for (size_t k = 0; k < vec_len(in->slot); k++)
        if (in->slot[k].is_port)
            buf_printf(&all, "%s`%s` (%s)", all.len ? ", " : "", in->slot[k].name, in->slot[k].kind == DECL_INPUT ? "for currents" : "for events");
    if (all.len) diag_note(d, "the ports of `%s` are %s", in->def.name, all.p);
    Sym state = NULL;
    for (size_t k = 0; k < vec_len(in->slot) && !state; k++)
        if (in->slot[k].kind == DECL_STATE) state = in->slot[k].name;
    if (!all.len) diag_hint(d, "add a line such as `port %s` to `neuron %s`", state ? state : "V", in->def.body->name);
    buf_free(&all);
}

Slot *network_port(Sema *S, const PopRef *r, Span at, bool events)
{
    PopInfo *p = &S->pop[r->pop];
    if (p->is_source) {
        Diag *d = diag_add(S->diags, D_no_port, at, "`%s` is a source of spikes and takes no input", p->name);
        diag_hint(d, "connect from it, not to it");
        return NULL;
    }
    Inst *in = p->inst;
    if (!in) return NULL;
    Sym name = r->port ? r->port : in->default_port;
    if (!in->default_port) { /* one word for the whole model */
        if (in->no_ports || follow_body(S, in->def.body) || follow_up(S, "ports", in->def.body->name)) return NULL;
        name = NULL;
    }
    if (!name) {
        Diag *d = diag_add(S->diags, D_no_port, at, "`%s` has no port to aim at", p->name);
        say_ports(d, in);
        return NULL;
    }
    Slot *s = inst_slot(in, name);
    if (s && s->lost) return NULL;
    if (!s || !s->is_port) {
        if (in->no_ports || follow_hole(in->def.body) || (!s && follow_up(S, in->def.body, name))) return NULL;
        Diag *d = diag_add(S->diags, D_unknown_port, r->port ? r->span : at, s ? "`%s` of `%s` is no port" : "`%s` has no port `%s`", s ? name : p->name,
                           s ? p->name : name);
        const char **cand = NULL;
        for (size_t k = 0; k < vec_len(in->slot); k++)
            if (in->slot[k].is_port) vec_push(cand, in->slot[k].name);
        const char *near = s ? NULL : diag_nearest(name, cand, vec_len(cand));
        vec_free(cand);
        say_ports(d, in);
        if (near) diag_hint(d, "did you mean `%s`?", near);
        else if (s && (s->kind == DECL_STATE || s->kind == DECL_INPUT)) diag_hint(d, "add `%s` to the `port` line of `neuron %s`", name, in->def.body->name);
        return NULL;
    }
    if (events == (s->kind == DECL_STATE)) return s;
    Sym other = NULL;
    for (size_t k = 0; k < vec_len(in->slot) && !other; k++)
        if (in->slot[k].is_port && (in->slot[k].kind == DECL_STATE) == events) other = in->slot[k].name;
    Diag *d;
    if (!r->port && other) {
        d = diag_add(S->diags, D_port_missing, at, events ? "events need a port that is a state" : "a current needs a port that is an input");
        diag_note(d, "the first port of `%s` is `%s`, %s", in->def.name, name, events ? "an input" : "a state");
    } else if (events) {
        d = diag_add(S->diags, D_event_into_input, r->port ? r->span : at, "events cannot aim at the input `%s` of `%s`", name, p->name);
        diag_note(d, "an input is a current that flows during a step; an event is a jump of a state");
    } else {
        d = diag_add(S->diags, D_current_into_state, r->port ? r->span : at, "a current cannot aim at the state `%s` of `%s`", name, p->name);
        diag_note(d, "a state jumps by events; a current is added to an input");
    }
    if (other) {
        diag_hint(d, "aim at `%s.%s`", p->name, other);
        if (r->port) diag_mend(d, r->span, "%s", other);
        else diag_mend(d, (Span){at.hi, at.hi}, ".%s", other);
    } else
        diag_hint(d, events ? "the model has no port for events: add a state and a line such as `port ge` to it" : "the model has no port for currents: add `input I : pA` and `port I` to it");
    return NULL;
}

bool network_steps(Sema *S, Node *n, const char *what, int64_t *steps)
{
    Ctx c = ctx_const(S, what);
    return network_steps_within(&c, n, what, steps);
}

bool network_steps_within(Ctx *c, Node *n, const char *what, int64_t *steps)
{
    Sema *S = c->S;
    double v;
    if (!elab_const(c, n, DIM_TIME, what, &v)) return false;
    if (v == INFINITY) {
        *steps = INT64_MAX;
        return true;
    }
    bool exact;
    if (v < 0 || !decimal_steps(v, S->dt, steps, &exact)) {
        Diag *d = diag_add(S->diags, D_bad_interval, n->span, v < 0 ? "%s cannot be negative" : "%s is too long", what);
        if (v > 0) diag_note(d, "time is counted in steps of %s, at most 10^15 of them", unit_show(S->arena, S->dt, DIM_TIME, NULL));
        return false;
    }
    /* what is computed, as 3*T, may miss its decimal by a rounding */
    if (exact || fabs(decimal_time(*steps, S->dt) - v) <= 1e-12 * v) return true;
    Diag *d = diag_add(S->diags, D_off_grid, n->span, "%s is no multiple of the time step", what);
    diag_note(d, "the time step is %s", unit_show(S->arena, S->dt, DIM_TIME, NULL));
    const char *nearest = unit_show(S->arena, decimal_time(*steps, S->dt), DIM_TIME, NULL);
    diag_hint(d, "the nearest multiple is %s", nearest);
    if (*steps > 0) diag_mend(d, n->span, "%s", nearest);
    return false;
}

const char *network_unique(Sema *S, const char *name)
{
    int count = 1;
    for (size_t k = 0; k < vec_len(S->names); k++)
        if (!strcmp(S->names[k], name)) count++;
    vec_push(S->names, name);
    return count == 1 ? name : arena_printf(S->arena, "%s#%d", name, count);
}

/* A module of this compilation; what no kernel needs in the end is freed with the rest. */
IrModule *network_new_module(Sema *S, const char *name)
{
    IrModule *m = ir_module(S->arena, name);
    m->sources = S->ast->sources;
    vec_push(S->all_mods, m);
    return m;
}

int network_port_index(const Inst *in, const Slot *port)
{
    int n = 0;
    for (size_t k = 0; k < vec_len(in->slot) && &in->slot[k] != port; k++) n += in->slot[k].acc >= 0;
    return n;
}

int network_module(Sema *S, IrModule *m)
{
    const char *bad = ir_verify(S->arena, m);
    if (bad) cx_bug("module %s before the passes: %s", m->name, bad);
    ir_run_passes(m, S->opt->dump_after, S->opt->dump);
    uint64_t h = ir_hash(m);
    for (size_t k = 0; k < vec_len(S->mod_hash); k++)
        if (S->mod_hash[k] == h) return (int)k;
    vec_push(S->mod_hash, h);
    vec_push(S->out->mod, m);
    return (int)vec_len(S->mod_hash) - 1;
}

bool network_instances(Sema *S)
{
    bool ok = true;
    for (size_t k = 0; k < vec_len(S->pop); k++) {
        PopInfo *p = &S->pop[k];
        (void)space_places(S, p);
        if (p->is_source) sources_read(S, p);
        if (!p->inst) continue;
        p->inst->n_neurons = (int)p->n;
        ok = inst_emit(p->inst, p->used_ports, (int)vec_len(p->used_ports)) && ok;
    }
    /* Models that no population uses are checked all the same. */
    for (Bind *b = S->top->first; b; b = b->next) {
        if (b->kind != B_NEURON || b->library) continue;
        bool used = false;
        for (size_t k = 0; k < vec_len(S->pop); k++)
            for (Bind *q = scope_here(S->top, S->pop[k].model ? S->pop[k].model : sym("")); q && !used;) {
                used = q == b;
                Bind *base = q->node->kind == N_neuron_of ? scope_here(S->top, q->node->name2) : NULL;
                q = S->pop[k].inst ? base : NULL; /* without an instance the models may go in circles */
            }
        ModelDef def;
        if (used || !model_find(S, b->name, b->node->name_span, B_NEURON, &def)) continue;
        Inst *in = inst_new(S, &def, NULL, b->name);
        ok = inst_emit(in, NULL, 0) && ok;
        vec_free(in->slot);
    }
    return ok;
}

static int role_of(const IrModule *m, FnRole role)
{
    for (size_t k = 0; k < vec_len(m->fn); k++)
        if (m->fn[k]->role == role) return (int)k;
    return -1;
}

static void plan_silence(Sema *S, Inst *in, PlanPop *out)
{
    Node *var, *bound;
    out->v_field = -1;
    if (!inst_tested(in, &var, &bound)) return;
    Slot *v = inst_slot(in, var->name);
    if (!v || v->kind != DECL_STATE) return;
    out->v_field = v->field;
    Ctx c = in->init_ctx;
    IrModule *scratch = network_new_module(S, "scratch"); /* the bound may be an expression of parameters */
    c.fn = ir_fn(scratch, "bound", FN_OBS, LANE_NEURON);
    c.mod = scratch;
    bool constant = true;
    for (size_t k = 0; k < vec_len(in->slot); k++) constant = constant && (in->slot[k].kind != DECL_PARAM || inst_fixed(in, &in->slot[k]));
    Slot *el = inst_slot(in, sym("EL"));
    if (constant && bound->kind == N_name) {
        Ex e = elab(&c, bound);
        Ex rest = el && el->kind == DECL_PARAM ? el->ex : v->ex;
        if (e.kind == EX_NUM && e.is_const && rest.kind == EX_NUM && rest.is_const) {
            out->v_threshold = e.num;
            out->v_rest = rest.num;
            out->v_known = true;
        }
    }
}

bool network_plan(Sema *S)
{
    Plan *plan = S->out->plan;
    size_t n = vec_len(S->pop);
    plan->n_pops = (int)n;
    plan->pop = arena_many(S->arena, PlanPop, n + 1);
    plan->pop_order = arena_many(S->arena, int, n + 1);
    for (size_t q = 0; q < n; q++) {
        PopInfo *p = &S->pop[q];
        PlanPop *out = &plan->pop[p->plan];
        plan->pop_order[q] = p->plan;
        *out = (PlanPop){.name = p->name, .layer = p->layer ? p->layer : p->name, .model = p->model, .n = p->n, .is_source = p->is_source,
                         .kernel = -1, .fn_init = -1, .fn_arrive = -1, .fn_pass = -1, .fn_tail = -1, .fn_reset = -1, .fn_check = -1,
                         .fn_rate = -1, .fn_parts = -1, .fn_part = -1, .v_field = -1, .record_spikes = p->spikes_wanted, .synapse_inhibitory = p->any_out && p->all_inh};
        if (p->group->n_kids > 2) out->has_key_seed = wire_seed(S, p->group->kid[2], &out->seed);
        out->place = space_places(S, p);
        int colour = 0;
        for (size_t k = 0; k < vec_len(S->layer); k++)
            if (S->layer[k].name == out->layer) colour = (int)k;
        memcpy(out->color, palette[(size_t)colour % (sizeof palette / sizeof *palette)], sizeof out->color);
        if (p->is_source) {
            out->source_mean = p->source_mean;
            out->kernel = p->source_mod ? network_module(S, p->source_mod) : -1;
            out->fn_rate = p->source_fn;
            out->fn_init = p->source_mod ? p->source_init : -1;
            out->rate_counts = p->source_counts;
            out->list = p->source_list;
            continue;
        }
        Inst *in = p->inst;
        IrModule *m = in->mod;
        CompiledEqs eqs = {.pops = p->name, .model = p->model, .eq = in->eqs, .n = in->n_eqs, .stability = in->stability};
        vec_push(S->out->eqs, eqs);
        plan_silence(S, in, out);
        PlanPort *ports = arena_many(S->arena, PlanPort, vec_len(in->slot) + 1);
        for (size_t k = 0; k < vec_len(in->slot); k++) {
            Slot *s = &in->slot[k];
            if (s->acc < 0) continue;
            ports[out->n_ports++] = (PlanPort){.name = s->name, .acc_field = s->acc, .non_negative = s->has_range && s->lo >= 0};
        }
        out->port = ports;
        out->exact = in->exact;
        out->n_exact = in->n_exact;
        out->kernel = network_module(S, m);
        out->fn_init = role_of(m, FN_INIT);
        out->fn_arrive = role_of(m, FN_ARRIVE);
        out->fn_parts = role_of(m, FN_PARTS);
        out->fn_part = role_of(m, FN_PART);
        out->fn_pass = role_of(m, FN_PASS);
        out->fn_tail = role_of(m, FN_TAIL);
        if (out->fn_tail < 0) out->fn_tail = out->fn_pass;
        out->fn_reset = role_of(m, FN_RESET);
        out->fn_check = role_of(m, FN_CHECK);
    }
    for (size_t k = 0; k < vec_len(S->joined); k++) {
        const ProjInfo *j = &S->joined[k];
        CompiledEqs eqs = {.pops = j->name};
        if (!j->inst || !j->inst->n_eqs) continue;
        eqs.model = j->inst->def.name, eqs.eq = j->inst->eqs, eqs.n = j->inst->n_eqs;
        vec_push(S->out->eqs, eqs);
    }
    return true;
}
