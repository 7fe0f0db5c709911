/* Populations that are sources of spikes: their parameters, and the function or list behind them. */
#include "protocol.h"

#include <math.h>
#include <string.h>

typedef struct SourceDef {
    const char *name, *param[2];
    int n_params, n_needed;
    const char *example;
} SourceDef;
static const SourceDef sources[] = {
    {"poisson_source", {"rate"}, 1, 1, "poisson_source { rate = 15 Hz }"},
    {"regular_source", {"rate", "phase"}, 2, 1, "regular_source { rate = 10 Hz }"},
    {"spike_list", {"times", "indices"}, 2, 2, "spike_list { times = [10 ms, 20 ms], indices = [0, 1] }"},
};

static const SourceDef *source_def(Sym model)
{
    for (size_t k = 0; k < sizeof sources / sizeof *sources; k++)
        if (model && !strcmp(sources[k].name, model)) return &sources[k];
    return NULL;
}

bool sources_known(Sym model) { return source_def(model) != NULL; }

/* The given parameters in the order of the definition. */
static bool params(Sema *S, PopInfo *p, const SourceDef *def, Node **out)
{
    Node *set = p->group->n_kids > 2 ? p->group->kid[2] : NULL;
    bool misspelt = false, ok = true;
    for (int k = 0; set && k < set->n_kids; k++) {
        Node *e = set->kid[k];
        if (!e || e->kind != N_entry || e->name == sym("seed") || e->name == sym("position")) continue;
        bool known = false;
        for (int q = 0; q < def->n_params; q++) {
            if (strcmp(def->param[q], e->name)) continue;
            known = true;
            out[q] = e->kid[0];
        }
        if (known) continue;
        const char *near = diag_nearest(e->name, def->param, (size_t)def->n_params);
        misspelt = misspelt || near;
        ok = false;
        Diag *d = diag_add(S->diags, D_unknown_parameter, ast_name_span(e), "`%s` has no parameter `%s`", def->name, e->name);
        if (near) diag_hint(d, "did you mean `%s`?", near);
        else if (def->n_params == 1) diag_note(d, "it has `%s`", def->param[0]);
        else diag_note(d, "it has `%s` and `%s`", def->param[0], def->param[1]);
    }
    for (int q = 0; q < def->n_needed; q++) {
        if (out[q]) continue;
        if (misspelt || follow_hole(set)) return false;
        Diag *d = diag_add(S->diags, D_missing_setting, p->group->span, "`%s` needs its %s", def->name, def->param[q]);
        diag_hint(d, "write `%u of %s`", p->n, def->example);
        return false;
    }
    return ok;
}

static bool rate_fits(Sema *S, Node *n, Ex e)
{
    if (!e.is_const || (e.num >= 0 && !isinf(e.num))) return true;
    diag_add(S->diags, D_out_of_range, n->span, "a rate is a number from 0 on");
    return false;
}

/* A parameter of each neuron: constant, or a value of `fn`. What is drawn is drawn once, in `init`; a list
 * has one value for each neuron. */
static Ex param(Sema *S, PopInfo *p, Ctx *c, Node *n, const char *name, Dim dim)
{
    const Mark *mark = protocol_marked(S, B_POP, p->name, sym(name));
    bool drawn = elab_draws(S, n) || mark;
    Ctx k = *c;
    if (drawn) {
        IrFn *init = ir_fn_find(c->mod, "init");
        k.fn = init ? init : ir_fn(c->mod, "init", FN_INIT, LANE_NEURON);
        k.has_draws = true;
        k.has_t = false;
        k.salt = arena_printf(S->arena, "init.%s", name);
    }
    Ex e = elab(&k, n);
    const char *what = arena_printf(S->arena, "`%s`", name);
    if (e.kind == EX_POISON || !elab_fits(c, n, e, dim, what)) return ex_poison();
    if (e.kind == EX_LIST) e = tables_by_neuron(&k, n, e, p->n, dim);
    if (mark && e.kind == EX_NUM && !rate_fits(S, n, e)) return ex_poison();
    if (e.kind == EX_POISON || !drawn || (e.is_const && !mark)) return e;
    int field = ir_field(c->mod, (IrField){.name = name, .unit = dim_unit(S->arena, dim), .kind = FIELD_PARAM, .uniform = e.is_const && !mark->spread});
    ir_store(k.fn, field, ex_value(&k, e), n->span);
    return ex_ir(ir_imm(c->fn, OP_LOAD, field, n->span), dim);
}

/* Spikes at the times (k + phase)/rate, on the grid or at the next point of it: in the step to t_{n+1} as many
 * as that time has passed and t_n has not. A time within a billionth of a period of the grid lies on it. */
static Ex regular(Ctx *c, Ex rate, Ex phase, Span at)
{
    int passed[2];
    for (int k = 0; k < 2; k++) {
        Ex t = ex_ir(ir_imm(c->fn, OP_T, k, at), DIM_TIME);
        int cycles = ir_op2(c->fn, OP_MUL, ex_value(c, rate), ex_value(c, t));
        cycles = ir_op2(c->fn, OP_SUB, cycles, ex_value(c, phase));
        passed[k] = ir_op1(c->fn, OP_FLOOR, ir_op2(c->fn, OP_ADD, cycles, ir_const(c->fn, 1e-9)));
    }
    return ex_ir(ir_op2(c->fn, OP_SUB, passed[1], passed[0]), DIM_NONE);
}

void sources_read(Sema *S, PopInfo *p)
{
    p->source_fn = p->source_init = -1;
    const SourceDef *def = source_def(p->model);
    Node *given[2] = {NULL, NULL};
    if (!def || !params(S, p, def, given)) return;
    if (!strcmp(def->name, "spike_list")) {
        (void)events_list(S, given[0], given[1], p->n, NULL, true, &p->source_list);
        return;
    }
    p->source_counts = !strcmp(def->name, "regular_source");
    IrModule *m = network_new_module(S, p->name);
    IrFn *fn = ir_fn(m, "rate", FN_RATE, LANE_NEURON);
    Ctx c = ctx_const(S, "a rate");
    c.fn = fn;
    c.mod = m;
    c.has_i = true;
    c.has_t = !p->source_counts;
    c.source_n = (int)p->n;
    Ex e = param(S, p, &c, given[0], "rate", DIM_RATE);
    if (e.kind != EX_NUM || !rate_fits(S, given[0], e)) return;
    if (p->source_counts) {
        Ex phase = ex_num(0, DIM_NONE);
        if (given[1]) phase = param(S, p, &c, given[1], "phase", DIM_NONE);
        if (phase.kind != EX_NUM) return;
        if (phase.is_const && !(phase.num >= 0 && phase.num < 1)) {
            Diag *d = diag_add(S->diags, D_out_of_range, given[1]->span, "a phase lies in [0, 1)");
            diag_note(d, "it is a part of the period: the first spike comes at phase/rate");
            return;
        }
        e = regular(&c, e, phase, given[0]->span);
    }
    if (e.is_const) {
        p->source_mean = e.num * S->dt;
        return;
    }
    ir_out(fn, 0, ex_value(&c, e), given[0]->span);
    p->source_fn = ir_fn_index(m, fn);
    IrFn *init = ir_fn_find(m, "init");
    p->source_init = init ? ir_fn_index(m, init) : -1;
    p->source_mod = m;
}
