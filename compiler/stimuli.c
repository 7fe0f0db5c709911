/* Stimuli: events and currents that nobody in the model makes. Kinds and their arguments stand in tables of
 * the runtime; a current is an expression of the language there, compiled into the target's kernel. */
#include "protocol.h"

#include <math.h>
#include <string.h>

const StimDef *stimuli_find(Sema *S, Node *call)
{
    if (call->kind != N_call || call->kid[0]->kind != N_name) return NULL;
    const Registry *r = S->opt->registry;
    for (int k = 0; k < r->n_stims; k++)
        if (!strcmp(r->stim[k]->name, call->kid[0]->name)) return r->stim[k];
    return NULL;
}

/* ---- currents ---- */
enum { MAX_ARGS = 6 };
typedef struct Current {
    Sema *S;
    const StimDef *def;
    Node **args;
    const Cell *cell;
    const Slot *port;
    Inst *in;
    Sym as;                  /* its own name, NULL where it has none */
    const char *name, *seed; /* of the stimulus; `seed` tells its draws apart from those of another seed */
    int net[MAX_ARGS];       /* of an argument that the protocol sets: the number of the network, -1 */
    int field[MAX_ARGS];     /* of an argument that is drawn once per neuron, -1 */
    int memory;              /* field of `x`, -1 */
    bool lost;
} Current;

static Dim arg_dim(const Current *w, const ArgDef *a)
{
    switch (a->kind) {
    case ARG_PORT:
    case ARG_PORTS: return w->port->dim;
    case ARG_RATE: return DIM_RATE;
    case ARG_TIME:
    case ARG_TIMES: return DIM_TIME;
    default: return DIM_NONE;
    }
}

/* One element deeper for a list of populations, so that each may have its own list. */
static Ex pick_list(Sema *S, Node *n, Ex e, const Cell *cell)
{
    bool matrix = e.kind == EX_LIST && e.n && e.item[0].kind == EX_LIST;
    if (!matrix) return e;
    if (!cell->to_list || (e.n != cell->n_to && e.n != 1)) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, n->span, cell->to_list ? "%d lists for %d populations" : "a list of %d lists for one population", e.n, cell->n_to);
        diag_note(d, "a list of lists has one for each population aimed at");
        return ex_poison();
    }
    return e.item[e.n == 1 ? 0 : cell->b];
}

/* Times become the exact times of their steps, so that they can be compared with `t`. */
static bool snap_times(Sema *S, Node *n, Ex *e)
{
    int count = e->kind == EX_LIST ? e->n : 1;
    int64_t last = -1;
    Ex *item = e->kind == EX_LIST ? arena_dup(S->arena, e->item, sizeof *item * (size_t)(count ? count : 1)) : e;
    for (int k = 0; k < count; k++) {
        Node *at = n->kind == N_list && n->n_kids == count ? n->kid[k] : n;
        int64_t step;
        bool exact;
        const char *said = item[k].is_const ? unit_show(S->arena, item[k].num, DIM_TIME, NULL) : "";
        if (!item[k].is_const) {
            diag_add(S->diags, D_not_constant, at->span, "the times of a stimulus are constant");
            return false;
        }
        if (!(item[k].num >= 0) || isinf(item[k].num) || !decimal_steps(item[k].num, S->dt, &step, &exact)) {
            diag_add(S->diags, D_out_of_range, at->span, "%s is no time of a stimulus", said);
            return false;
        }
        /* what was computed may miss the grid by its rounding */
        if (!exact && fabs(decimal_time(step, S->dt) - item[k].num) > 1e-6 * S->dt) {
            Diag *d = diag_add(S->diags, D_off_grid, at->span, "%s is no multiple of the time step", said);
            diag_note(d, "the time step is %s", unit_show(S->arena, S->dt, DIM_TIME, NULL));
            diag_hint(d, "the nearest multiple is %s", unit_show(S->arena, decimal_time(step, S->dt), DIM_TIME, NULL));
            return false;
        }
        if (step <= last) {
            diag_add(S->diags, D_bad_interval, at->span, step == last ? "two of these times are the same step" : "the times of a stimulus must ascend");
            return false;
        }
        last = step;
        item[k].num = decimal_time(step, S->dt);
    }
    if (e->kind == EX_LIST) e->item = item;
    return true;
}

/* An argument that the protocol sets: a number of the network, which begins with the one given. */
static Ex set_argument(Current *w, Ctx *c, int k, Ex e, Dim dim)
{
    const ArgDef *a = &w->def->arg[k];
    if (!e.is_const) {
        Diag *d = diag_add(w->S->diags, D_not_constant, w->args[k]->span, "`%s` cannot be set by the protocol: here it is no constant", a->name);
        diag_hint(d, "set the `gain` of the stimulus, or use a `state` of the network in the expression");
        return ex_poison();
    }
    w->net[k] = protocol_stim_cell(w->S, w->as, a->name, w->name, dim, e.num, a->lo, a->hi);
    return protocol_net(c, w->net[k], w->args[k]->span);
}

/* The value of argument k where `c` runs; poison after a diagnostic. */
static Ex argument(Current *w, Ctx *c, int k)
{
    Sema *S = w->S;
    const ArgDef *a = &w->def->arg[k];
    Node *n = w->args[k];
    Dim dim = arg_dim(w, a);
    bool list = a->kind == ARG_TIMES || a->kind == ARG_PORTS;
    if (!n) return ex_num(a->def, dim);
    if (w->net[k] >= 0) return protocol_net(c, w->net[k], n->span);
    if (w->field[k] >= 0) return ex_ir(ir_imm(c->fn, OP_LOAD, w->field[k], n->span), dim);
    Ctx at = *c;
    at.scope = S->top;
    bool once = !w->def->each_step && !list && elab_draws(S, n);
    if (once) {
        at.fn = w->in->init;
        at.links = NULL;
        at.has_t = false;
        at.salt = arena_printf(S->arena, "init.%s.%s%s", w->name, a->name, w->seed);
        at.n_draws = 0;
    }
    if (a->kind == ARG_TIME) at.has_t = false;
    at.has_draws = once || w->def->each_step;
    Ex e = elab(&at, n);
    if (!once) c->n_draws = at.n_draws;
    if (e.kind != EX_POISON) e = list ? pick_list(S, n, e, w->cell) : wire_pick(S, n, e, w->cell);
    const char *what = w->def->each_step ? arena_printf(S->arena, "a drive of `%s`", w->port->name) : arena_printf(S->arena, "`%s`", a->name);
    if (e.kind == EX_POISON || !elab_fits(&at, n, e, dim, what)) return ex_poison();
    if (a->kind == ARG_TIMES && !snap_times(S, n, &e)) return ex_poison();
    if (e.kind == EX_NUM) e.dim = dim, e.wild = false;
    if (e.kind == EX_NUM && e.is_const && !(e.num >= a->lo && e.num <= a->hi)) {
        Diag *d = diag_add(S->diags, D_out_of_range, n->span, "`%s` cannot be %s", a->name, unit_show(S->arena, e.num, dim, NULL));
        diag_note(d, "%s: %s", a->name, a->doc);
        return ex_poison();
    }
    if (e.kind == EX_NUM && e.is_const && (isnan(e.num) || isinf(e.num)) && a->kind == ARG_PORT) {
        diag_add(S->diags, D_non_finite_constant, n->span, "this current has no finite value");
        return ex_poison();
    }
    if (e.kind == EX_NUM && w->as && protocol_marked(S, B_STIM, w->as, sym(a->name))) return set_argument(w, c, k, e, dim);
    if (!once || e.is_const) return e;
    w->field[k] = ir_field(w->in->mod, (IrField){.name = arena_printf(S->arena, "%s.%s", w->name, a->name), .unit = dim_unit(S->arena, dim),
                                                 .kind = FIELD_PARAM, .doc = a->doc});
    ir_store(w->in->init, w->field[k], ex_value(&at, e), n->span);
    return ex_ir(ir_imm(c->fn, OP_LOAD, w->field[k], n->span), dim);
}

/* Values belong to times, one each. */
static bool same_length(Current *w, const Bind *values)
{
    const StimDef *def = w->def;
    if (def->arg[def->n_args - 1].kind != ARG_PORTS) return true;
    Ex v = values->ex, t = values->next->ex;
    int n = v.kind == EX_LIST ? v.n : 1, times = t.kind == EX_LIST ? t.n : 1;
    if (n == times) return true;
    diag_add(w->S->diags, D_shape_mismatch, w->args[def->n_args - 1]->span, "%d value%s for %d time%s", n, n == 1 ? "" : "s", times, times == 1 ? "" : "s");
    return false;
}

/* An expression of the table with the arguments as its names. */
static Ex expression(Current *w, Ctx *c, const char *text)
{
    Sema *S = w->S;
    Scope names = {0};
    for (int k = 0; k < w->def->n_args && !w->lost; k++) {
        Bind *b = arena_one(S->arena, Bind);
        *b = (Bind){.name = sym(w->def->arg[k].name), .kind = B_LOCAL, .ex = argument(w, c, k), .next = names.first};
        names.first = b;
        w->lost = b->ex.kind == EX_POISON;
    }
    if (w->lost || !same_length(w, names.first)) return ex_poison();
    if (w->memory >= 0) {
        Bind *b = arena_one(S->arena, Bind);
        *b = (Bind){.name = sym("x"), .kind = B_LOCAL, .ex = ex_ir(ir_imm(c->fn, OP_LOAD, w->memory, (Span){0, 0}), w->port->dim), .next = names.first};
        names.first = b;
    }
    const SourceFile *src = source_add(S->ast->sources, arena_printf(S->arena, "stimulus %s", w->def->name), text, strlen(text));
    Node *value = S->opt->parse_expression(S->ast, src);
    if (!value) cx_bug("the stimulus `%s` has a mistake in its expression", w->def->name);
    Ctx in = *c;
    in.scope = &names;
    in.has_draws = true;
    Ex e = elab(&in, value);
    c->n_draws = in.n_draws;
    return e.kind == EX_POISON || !elab_fits(&in, value, e, w->port->dim, w->def->name) ? ex_poison() : e;
}

/* The hidden state of a current with a memory, with its first value. */
static bool remember(Current *w)
{
    Sema *S = w->S;
    Ctx c = ctx_const(S, "a stimulus");
    c.fn = w->in->init;
    c.mod = w->in->mod;
    c.has_i = true;
    c.salt = arena_printf(S->arena, "init.%s%s", w->name, w->seed);
    /* arguments that change with time have their values at t = 0 here */
    c.has_t = true;
    Ex e = expression(w, &c, w->def->first);
    if (e.kind == EX_POISON) return false;
    w->memory = ir_field(w->in->mod, (IrField){.name = arena_printf(S->arena, "%s.x", w->name), .unit = dim_unit(S->arena, w->port->dim),
                                               .kind = FIELD_HIDDEN, .doc = "memory of a stimulus"});
    ir_store(w->in->init, w->memory, ex_value(&c, e), (Span){0, 0});
    return true;
}

static bool stim_current(Sema *S, Node *n, const StimDef *def, Node **args, const Cell *cell, const PopRef *to, PlanStim *p, const char *name)
{
    Slot *port = network_port(S, to, n->kid[0]->span, false);
    if (!port) return false;
    Inst *in = S->pop[to->pop].inst;
    if (!in->init) return false; /* its equations are in error */
    Node *settings = n->n_kids > 2 ? n->kid[2] : NULL;
    Current w = {.S = S, .def = def, .args = args, .cell = cell, .port = port, .in = in, .name = name, .memory = -1,
                 .seed = p->has_key_seed ? arena_printf(S->arena, ".%llu", (unsigned long long)p->seed) : "", .as = n->name, .net = {-1, -1, -1, -1, -1, -1}, .field = {-1, -1, -1, -1, -1, -1}};
    if (def->first && !remember(&w)) return false;
    IrFn *fn = ir_fn(in->mod, arena_printf(S->arena, "drive %s", name), FN_DRIVE, LANE_NEURON);
    Ctx c = ctx_const(S, "a current");
    c.fn = fn;
    c.mod = in->mod;
    c.has_i = c.has_t = true;
    c.source_n = (int)to->sel.n;
    c.salt = "drive";
    Links links = {.reader = &S->pop[to->pop], .guard = -1};
    if (def->each_step) c.links = &links;
    Ex e = expression(&w, &c, def->value);
    links_plan(&c, p);
    if (e.kind == EX_POISON) return false;
    Node *gain = wire_setting(settings, "gain");
    double g = 1;
    if (gain && !elab_const(&c, gain, DIM_NONE, "a gain", &g)) return false;
    int set = protocol_stim_cell(S, n->name, "gain", name, DIM_NONE, g, -INFINITY, INFINITY);
    if (gain || set >= 0) {
        Span at = gain ? gain->span : n->span;
        e = elab_op(&c, at, OP_MUL, 2, (Ex[]){e, set < 0 ? ex_num(g, DIM_NONE) : protocol_net(&c, set, at)}, port->dim);
    }
    int sum = ir_op2(fn, OP_ADD, ir_imm(fn, OP_LOAD, port->field, n->span), ex_value(&c, e));
    ir_store(fn, port->field, sum, n->span);
    if (def->next) {
        Ex next = expression(&w, &c, def->next);
        if (next.kind == EX_POISON) return false;
        ir_store(fn, w.memory, ex_value(&c, next), n->span);
    }
    p->drive_fn = ir_fn_index(in->mod, fn);
    return true;
}

/* ---- events ---- */
static bool time_setting(Sema *S, Node *settings, const char *name, int64_t *steps)
{
    Node *n = wire_setting(settings, name);
    return !n || network_steps(S, n, arena_printf(S->arena, "`%s`", name), steps);
}

/* `gain` multiplies the weight of events; either may be a number of the network. */
static bool gain_weight(AttrWork *w, Node *stimulus, const Slot *port, PlanStim *p)
{
    Node *settings = stimulus->n_kids > 2 ? stimulus->kid[2] : NULL, *n = wire_setting(settings, "gain");
    PlanAttr *weight = &p->weight;
    double gain = 1;
    Ctx c = ctx_const(w->S, "a gain");
    if (n && !elab_const(&c, n, DIM_NONE, "a gain", &gain)) return false;
    if (!weight->varies) {
        double lo = port->has_range && port->lo >= 0 ? 0 : -INFINITY;
        p->weight_net = protocol_stim_cell(w->S, stimulus->name, "weight", w->name, port->dim, weight->value, lo, INFINITY);
    } else if (stimulus->name && protocol_marked(w->S, B_STIM, stimulus->name, sym("weight"))) {
        Diag *d = diag_add(w->S->diags, D_not_constant, wire_setting(settings, "weight")->span, "`weight` cannot be set by the protocol: here it differs between neurons");
        diag_hint(d, "set the `gain` of the stimulus");
        return false;
    }
    p->gain_net = protocol_stim_cell(w->S, stimulus->name, "gain", w->name, DIM_NONE, gain, -INFINITY, INFINITY);
    if (!n || p->gain_net >= 0) return true;
    if (isinf(gain)) {
        diag_add(w->S->diags, D_non_finite_constant, n->span, "a gain must be finite");
        return false;
    }
    if (p->weight_net >= 0) p->gain_net = protocol_cell(w->S, arena_printf(w->S->arena, "%s.gain", w->name), "", DIM_NONE, gain);
    else weight->value *= gain;
    if (!weight->varies) return true;
    IrFn *fn = w->mod->fn[weight->fn];
    Ins out = vec_pop(fn->ins);
    ir_out(fn, 0, ir_op2(fn, OP_MUL, out.arg[0], ir_const(fn, gain)), n->span);
    return true;
}

/* An argument of events that the protocol sets becomes a number of the network. */
static bool settable(Ctx *c, Node *stimulus, const char *name, Node *at, const char *stim, Dim dim, Ex *e)
{
    Sema *S = c->S;
    if (!stimulus->name || !protocol_marked(S, B_STIM, stimulus->name, sym(name))) return true;
    if (!e->is_const) {
        Diag *d = diag_add(S->diags, D_not_constant, at->span, "`%s` cannot be set by the protocol: here it is no constant", name);
        diag_hint(d, "set the `gain` of the stimulus, or use a `state` of the network in the expression");
        return false;
    }
    *e = protocol_net(c, protocol_stim_cell(S, stimulus->name, name, stim, dim, e->num, 0, INFINITY), at->span);
    return true;
}

static bool stim_poisson(Sema *S, Node *n, Node **args, const Cell *cell, const PopRef *to, PlanStim *p, const char *name)
{
    Slot *port = network_port(S, to, n->kid[0]->span, true);
    if (!port) return false;
    Node *settings = n->n_kids > 2 ? n->kid[2] : NULL;
    p->port = network_port_index(S->pop[to->pop].inst, port);
    AttrWork w = {.S = S, .cell = cell, .from = *to, .to = *to, .name = name};
    if (!wire_weight(&w, settings, n->kid[1], port, &p->weight) || !gain_weight(&w, n, port, p)) return false;
    IrFn *fn;
    if (!w.mod) w.mod = network_new_module(S, name);
    fn = ir_fn(w.mod, "rate", FN_RATE, LANE_NEURON);
    Ctx c = ctx_const(S, "a rate");
    c.fn = fn;
    c.mod = w.mod;
    c.has_i = c.has_t = true;
    c.source_n = (int)to->sel.n;
    Ex rate = elab(&c, args[0]);
    if (rate.kind != EX_POISON) rate = wire_pick(S, args[0], rate, cell);
    if (rate.kind == EX_POISON || !elab_fits(&c, args[0], rate, DIM_RATE, "the rate")) return false;
    if (!settable(&c, n, "rate", args[0], name, DIM_RATE, &rate)) return false;
    if (args[1]) {
        Ex inputs = elab(&c, args[1]);
        if (inputs.kind != EX_POISON) inputs = wire_pick(S, args[1], inputs, cell);
        if (inputs.kind == EX_POISON || !elab_fits(&c, args[1], inputs, DIM_NONE, "the number of inputs")) return false;
        if (inputs.is_const && !(inputs.num >= 0)) {
            diag_add(S->diags, D_bad_count, args[1]->span, "the number of inputs is a number from 0 on");
            return false;
        }
        if (!settable(&c, n, "inputs", args[1], name, DIM_NONE, &inputs)) return false;
        rate = elab_op(&c, args[0]->span, OP_MUL, 2, (Ex[]){rate, inputs}, DIM_RATE);
    }
    p->rate_kernel = p->rate_fn = -1;
    if (rate.is_const) {
        if (!(rate.num >= 0) || isinf(rate.num)) {
            diag_add(S->diags, D_out_of_range, args[0]->span, "a rate is a number from 0 on");
            return false;
        }
        p->mean = rate.num * S->dt;
        vec_free(fn->ins);
        (void)vec_pop(w.mod->fn);
    } else {
        ir_out(fn, 0, ex_value(&c, rate), args[0]->span);
        p->rate_fn = ir_fn_index(w.mod, fn);
    }
    if (!vec_len(w.mod->fn)) return true;
    int kernel = network_module(S, w.mod);
    if (p->rate_fn >= 0) p->rate_kernel = kernel;
    if (p->weight.varies) p->weight.kernel = kernel;
    return true;
}

static bool stim_spikes(Sema *S, Node *n, Node **args, const Cell *cell, const PopRef *to, PlanStim *p, const char *name)
{
    Slot *port = network_port(S, to, n->kid[0]->span, true);
    if (!port) return false;
    p->port = network_port_index(S->pop[to->pop].inst, port);
    AttrWork w = {.S = S, .cell = cell, .from = *to, .to = *to, .name = name};
    Node *settings = n->n_kids > 2 ? n->kid[2] : NULL;
    if (!wire_weight(&w, settings, n->kid[1], port, &p->weight) || !gain_weight(&w, n, port, p)) return false;
    if (!events_list(S, args[0], args[1], S->pop[to->pop].n, &to->sel, false, &p->list)) return false;
    if (p->weight.varies) p->weight.kernel = network_module(S, w.mod);
    return true;
}

void stimuli_wire(Sema *S, Node *n)
{
    static const char *const for_events[] = {"weight", "start", "stop", "gain", "seed"}, *const for_current[] = {"start", "stop", "gain", "seed"};
    Ex to = network_pops(S, n->kid[0]);
    Node *call = n->kid[1], *settings = n->n_kids > 2 ? n->kid[2] : NULL;
    const StimDef *def = stimuli_find(S, call);
    if (!def) {
        if (call->kind == N_poison) return;
        Node *name = call->kind == N_call ? call->kid[0] : call;
        const Registry *r = S->opt->registry;
        const char *cand[32];
        for (int k = 0; k < r->n_stims; k++) cand[k] = r->stim[k]->name;
        Diag *d = diag_add(S->diags, D_unknown_stimulus, name->span, "there is no stimulus `%s`", ast_source(S->ast, name));
        const char *near = name->kind == N_name ? diag_nearest(name->name, cand, (size_t)r->n_stims) : NULL;
        const StimDef *like = r->stim[0];
        static const char *const steady[] = {"current", "dc", "constant", "inject", "const"};
        for (size_t q = 0; name->kind == N_name && q < sizeof steady / sizeof *steady; q++)
            for (int k = 0; !strcmp(steady[q], name->name) && k < r->n_stims; k++)
                if (r->stim[k]->each_step) like = r->stim[k];
        if (near) diag_hint(d, "did you mean `%s`?", near);
        else diag_hint(d, "write it like `%s`", like->example);
        return;
    }
    wire_check_settings(S, settings, def->events ? for_events : for_current, def->events ? 5 : 4, "this stimulus");
    Node *args[MAX_ARGS];
    if (!wire_args(S, call, def->name, def->arg, def->n_args, def->example, args) || to.kind != EX_POPS) return;
    PlanStim base = {.place = wire_place(S, n->span), .kind = !def->events ? STIM_DRIVE : !strcmp(def->name, "spikes") ? STIM_SPIKES : STIM_POISSON, .rate_kernel = -1, .rate_fn = -1,
                     .weight_net = -1, .gain_net = -1, .drive_fn = -1, .start = 0, .stop = INT64_MAX};
    base.has_key_seed = wire_seed(S, settings, &base.seed);
    if (!time_setting(S, settings, "start", &base.start) || !time_setting(S, settings, "stop", &base.stop)) return;
    for (int b = 0; b < to.n; b++) {
        Cell cell = {.to_list = to.is_list, .b = b, .n_from = 1, .n_to = to.n};
        for (const PopRef *more = &to.pops[b]; more; more = more->more) { /* once more what was drawn again */
            PopRef one = *more, *r = &one;
            one.port = to.pops[b].port, one.span = to.pops[b].span;
            PlanStim p = base;
            p.tgt = S->pop[r->pop].plan;
            p.sel = r->sel;
            Slot *port = network_port(S, r, n->kid[0]->span, def->events);
            if (!port) continue;
            const char *name = arena_printf(S->arena, "%s->%s.%s", def->name, wire_selected(S, r), port->name);
            if (n->name) name = to.is_list ? arena_printf(S->arena, "%s:%s", n->name, name) : n->name;
            p.name = network_unique(S, name);
            bool ok = p.kind == STIM_DRIVE ? stim_current(S, n, def, args, &cell, r, &p, p.name)
                      : p.kind == STIM_SPIKES ? stim_spikes(S, n, args, &cell, r, &p, p.name)
                                              : stim_poisson(S, n, args, &cell, r, &p, p.name);
            if (ok) vec_push(S->stim, p);
        }
    }
}
