/* shared.c: what integrators have in common: states, freezing, slopes at a stage, noise draws. */
#include <math.h>
#include <stdio.h>

#include "ode.h"

int ode_state(const OdeSystem *s, IrFn *step, int k)
{
    return ir_imm(step, OP_LOAD, s->eq[k].field, s->eq[k].span);
}

int ode_refractory(const OdeSystem *s, IrFn *step)
{
    int counter = ir_imm(step, OP_LOAD, s->refr_field, (Span){0, 0});
    return ir_op2(step, OP_GT, counter, ir_const(step, 0.0));
}

int ode_freeze(const OdeSystem *s, IrFn *step, int k, int value)
{
    if (!s->eq[k].frozen || s->refr_field < 0) return value;
    return ir_op3(step, OP_SELECT, ode_refractory(s, step), ode_state(s, step, k), value);
}

static int rough_field(const OdeSystem *s, const char *name, const char *unit, const char *doc)
{
    return ir_field(s->mod, (IrField){.name = name, .unit = unit, .doc = doc, .kind = FIELD_HIDDEN, .lo = -INFINITY, .hi = INFINITY});
}

void ode_note_rough(const OdeSystem *s, IrFn *f, int rough)
{
    Span none = {0, 0};
    int n = rough_field(s, "rough.n", "", "steps whose error was too large"),
        t = rough_field(s, "rough.t", "ms", "beginning of the first of them");
    int seen = ir_imm(f, OP_LOAD, n, none), zero = ir_const(f, 0.0);
    int first = ir_op2(f, OP_AND, rough, ir_op2(f, OP_EQ, seen, zero));
    ir_store(f, t, ir_op3(f, OP_SELECT, first, ir_imm(f, OP_T, 0, none), ir_imm(f, OP_LOAD, t, none)), none);
    ir_store(f, n, ir_op3(f, OP_SELECT, rough, ir_op2(f, OP_ADD, seen, ir_const(f, 1.0)), seen), none);
}

int ode_moved(const OdeSystem *s, IrFn *step, int k, double h, int slope)
{
    int x = ir_op3(step, OP_FMA, ir_const(step, h), slope, ode_state(s, step, k));
    return ode_freeze(s, step, k, x);
}

int *ode_fields(const OdeSystem *s, const int *x)
{
    size_t n = vec_len(s->mod->field);
    int *field = cx_alloc(n + 1, sizeof *field, "stage");
    for (size_t i = 0; i < n; i++)
        field[i] = -1;
    for (int k = 0; x && k < s->n; k++)
        field[s->eq[k].field] = x[k];
    return field;
}

void ode_slope(const OdeSystem *s, IrFn *step, const int *x, int t_value, int *dx)
{
    int *field = ode_fields(s, x), *xi = affine_no_noise(step, s->deriv);
    ir_inline(step, s->deriv, field, t_value, xi, dx);
    cx_free(xi);
    cx_free(field);
}

void ode_stage(const OdeSystem *s, IrFn *step, const bool *which, double h, int *dx)
{
    Arena *arena = s->mod->arena;
    int *x = arena_many(arena, int, (size_t)s->n);
    bool *others = arena_many(arena, bool, (size_t)s->n);
    int t = ir_imm(step, OP_T, h == s->dt, (Span){0, 0});
    if (h != s->dt) t = ir_op2(step, OP_ADD, t, ir_const(step, h));
    for (int k = 0; k < s->n; k++)
        others[k] = !which[k];
    exact_advance(s, others, h, step, x);
    for (int k = 0; k < s->n; k++) {
        if (which[k]) x[k] = ode_moved(s, step, k, h, dx[k]);
    }
    ode_slope(s, step, x, t, dx);
}

int ode_xi(const OdeSystem *s, IrFn *step, int m)
{
    char name[32] = "xi";
    if (s->form->xi[m] != 0) snprintf(name, sizeof name, "xi_%d", s->form->xi[m]);
    return ode_normal(s, step, name, s->form->xi_flags[m]);
}

int ode_normal(const OdeSystem *s, IrFn *step, const char *name, unsigned flags)
{
    (void)s;
    int arg[4] = {ir_const(step, 0.0), ir_const(step, 1.0), ir_const(step, -INFINITY),
                  ir_const(step, INFINITY)};
    return ir_draw(step, OP_RNORMAL, (int64_t)hash_str(name, 0), flags, (Span){0, 0}, 4, arg);
}

void ode_ready(const OdeSystem *s, const IrFn *f, bool *ready)
{
    for (size_t v = 0; v < vec_len(f->ins); v++) {
        const Ins *in = &f->ins[v];
        switch ((Op)in->op) {
        case OP_CONST:
        case OP_TRUTH:
        case OP_I:
            ready[v] = true;
            continue;
        case OP_LOAD:
            ready[v] = s->mod->field[in->imm.k].kind == FIELD_PARAM;
            continue;
        default:
            break;
        }
        ready[v] = in->op == OP_LOOKUP || in->op == OP_SEARCH || ir_op_table[in->op].c[0];
        for (int k = 0; k < 4; k++)
            ready[v] = ready[v] && (in->arg[k] < 0 || ready[in->arg[k]]);
    }
}

bool ode_has_xi(const OdeSystem *s, int k, int m)
{
    const Affine *noise = &s->form->noise;
    return noise->bad[k] >= 0 || noise->c[k * (noise->n_var + 1) + 1 + m] >= 0;
}

bool ode_shares(const OdeSystem *s, int k, int j)
{
    for (int m = 0; m < s->form->n_xi; m++) {
        if (ode_has_xi(s, k, m) && ode_has_xi(s, j, m)) return true;
    }
    return false;
}

bool ode_noisy(const OdeSystem *s, int k)
{
    return ode_shares(s, k, k);
}

int ode_first_noisy(const OdeSystem *s, const bool *which)
{
    for (int k = 0; k < s->n; k++) {
        if (which[k] && ode_noisy(s, k)) return k;
    }
    return -1;
}

/* Is the gain of noise m in equation k moved by noise m itself? */
static bool multiplicative(const OdeSystem *s, int k, int m)
{
    const Affine *noise = &s->form->noise;
    int gain = noise->c[k * (noise->n_var + 1) + 1 + m];
    for (int j = 0; gain >= 0 && j < s->n; j++) {
        if (ode_has_xi(s, j, m) && affine_reach(&noise->fn, gain, OP_LOAD, s->eq[j].field) >= 0)
            return true;
    }
    return false;
}

int ode_first_multiplicative(const OdeSystem *s, const bool *which)
{
    for (int k = 0; k < s->n; k++) {
        for (int m = 0; which[k] && m < s->form->n_xi; m++) {
            if (multiplicative(s, k, m)) return k;
        }
    }
    return -1;
}

bool ode_without_noise(const OdeSystem *s, const bool *which, const char **why_not)
{
    int k = ode_first_noisy(s, which);
    if (k < 0) return true;
    s->form->culprit = k;
    *why_not = arena_printf(s->mod->arena, "the equation of `%s` contains the white noise `xi`",
                            s->eq[k].name);
    return false;
}

int ode_increment(const OdeSystem *s, IrFn *step, const int *c, int k, double h, double root,
                  int acc)
{
    const OdeForm *form = s->form;
    const int *mine = c + k * (form->n_xi + 1);
    if (mine[0] >= 0) acc = ir_op3(step, OP_FMA, ir_const(step, h), mine[0], acc);
    for (int m = 0; m < form->n_xi; m++) {
        if (mine[1 + m] < 0) continue;
        int gain = ir_op2(step, OP_MUL, mine[1 + m], ir_const(step, root));
        acc = ir_op3(step, OP_FMA, gain, ode_xi(s, step, m), acc);
    }
    return acc;
}
