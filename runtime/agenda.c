#include "agenda.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Counted { /* spikes stamped up to and with this step, all together */
    int64_t step;
    uint64_t total;
} Counted;

typedef struct Count {
    const PlanTally *plan;
    uint64_t total;
    Counted *past;       /* vec, ascending; of a window that slides */
    size_t head;         /* what lies before is over */
    uint64_t before;     /* total of what lies before */
} Count;

typedef struct View { /* the synapses of a projection in the order (source, target, multiplicity) */
    uint64_t n;
    uint32_t *src, *tgt, *mult, *at; /* at: where each is stored */
    uint16_t *thread;
    uint64_t filled;
} View;

struct Agenda {
    double *net;
    double **column;     /* of measures, one value a neuron */
    Count *count;
    int64_t *next;       /* of each moment, INT64_MAX when it is over or not reached */
    View *view;          /* [projection] */
    double ***col;       /* [kernel] for those that have no columns of their own, or NULL */
    int run;             /* under way, -1 before the first */
    bool fresh;          /* it has just begun: its `until` is tested */
    double **gather;     /* columns of ENGINE_BLOCK synapses */
    double *out;         /* values of one function */
    size_t n_gather;
};

/* ---- columns ---- */

double *agenda_column(const Engine *e, const KernelField *f)
{
    const Agenda *p = e->agenda;
    const char *name = strchr(f->name, '.');
    if (f->kind != FIELD_NETWORK && f->kind != FIELD_SOURCE && f->kind != FIELD_TARGET) return NULL;
    if (!name) cx_bug("a column of the network is called `%s`", f->name);
    if (*++name == '@') return p->column[strtol(name + 1, NULL, 10)];
    if (f->kind != FIELD_NETWORK) return NULL;
    for (int k = 0; k < e->plan->n_nets; k++)
        if (!strcmp(e->plan->net[k].name, name)) return &p->net[k];
    cx_bug("the network has no number `%s`", name);
}

double *const *agenda_columns(const Engine *e, int kernel)
{
    return e->agenda->col[kernel];
}

Agenda *agenda_new(Engine *e)
{
    const Plan *plan = e->plan;
    Agenda *p = cx_alloc(1, sizeof *p, "agenda");
    e->agenda = p;
    p->run = -1;
    p->net = cx_alloc((size_t)plan->n_nets + 1, sizeof *p->net, "agenda");
    for (int k = 0; k < plan->n_nets; k++) p->net[k] = plan->net[k].value;
    p->column = cx_alloc((size_t)plan->n_columns + 1, sizeof *p->column, "agenda");
    for (int k = 0; k < plan->n_columns; k++) p->column[k] = cx_alloc(plan->pop[plan->column[k]].n, sizeof **p->column, "agenda");
    p->count = cx_alloc((size_t)plan->n_tallies + 1, sizeof *p->count, "agenda");
    for (int k = 0; k < plan->n_tallies; k++) p->count[k].plan = &plan->tally[k];
    p->next = cx_alloc((size_t)plan->n_moments + 1, sizeof *p->next, "agenda");
    for (int k = 0; k < plan->n_moments; k++) p->next[k] = INT64_MAX;
    p->view = cx_alloc((size_t)plan->n_projs + 1, sizeof *p->view, "agenda");
    p->col = cx_alloc((size_t)plan->n_kernels + 1, sizeof *p->col, "agenda");
    for (int k = 0; k < plan->n_kernels; k++) {
        const Kernel *kernel = plan->kernel[k];
        bool all = kernel->n_fields > 0;
        for (int f = 0; f < kernel->n_fields; f++) all = all && kernel->field[f].kind == FIELD_NETWORK;
        if (!all) continue;
        p->col[k] = cx_alloc((size_t)kernel->n_fields, sizeof *p->col[k], "agenda");
        for (int f = 0; f < kernel->n_fields; f++) p->col[k][f] = agenda_column(e, &kernel->field[f]);
    }
    return p;
}

static void free_view(View *v)
{
    cx_free(v->src);
    cx_free(v->tgt);
    cx_free(v->mult);
    cx_free(v->at);
    cx_free(v->thread);
}

void agenda_free(Engine *e)
{
    Agenda *p = e->agenda;
    if (!p) return;
    for (int k = 0; k < e->plan->n_columns; k++) cx_free(p->column[k]);
    for (int k = 0; k < e->plan->n_tallies; k++) vec_free(p->count[k].past);
    for (int k = 0; k < e->plan->n_projs; k++) free_view(&p->view[k]);
    for (int k = 0; k < e->plan->n_kernels; k++) cx_free(p->col[k]);
    for (size_t k = 0; k < p->n_gather; k++) cx_free(p->gather[k]);
    cx_free(p->gather);
    cx_free(p->out);
    cx_free(p->net);
    cx_free(p->column);
    cx_free(p->count);
    cx_free(p->next);
    cx_free(p->view);
    cx_free(p->col);
    cx_free(p);
}

/* ---- synapses ---- */

static const Kernel *proj_kernel(const Engine *e, int proj)
{
    const PlanProj *p = &e->plan->proj[proj];
    int k = p->synapse.name ? p->synapse.kernel : p->kernel;
    return k < 0 ? NULL : e->plan->kernel[k];
}

static void see(void *user, const EdgeAt *x)
{
    View *v = user;
    v->src[v->filled] = x->src;
    v->tgt[v->filled] = x->tgt;
    v->mult[v->filled] = x->mult;
    v->at[v->filled] = (uint32_t)x->at;
    v->thread[v->filled++] = (uint16_t)x->thread;
}

static void look_at(Engine *e, const PlanAct *act, int n_acts)
{
    for (int k = 0; k < n_acts; k++)
        for (int q = 0; q < act[k].n_parts; q++) {
            int proj = act[k].part[q].proj;
            if (proj < 0 || e->agenda->view[proj].src) continue;
            View *v = &e->agenda->view[proj];
            v->n = e->proj_synapses[proj];
            if (v->n > UINT32_MAX) cx_bug("more than 2^32 synapses of one projection are looked at");
            v->src = cx_alloc(v->n + 1, sizeof *v->src, "agenda");
            v->tgt = cx_alloc(v->n + 1, sizeof *v->tgt, "agenda");
            v->mult = cx_alloc(v->n + 1, sizeof *v->mult, "agenda");
            v->at = cx_alloc(v->n + 1, sizeof *v->at, "agenda");
            v->thread = cx_alloc(v->n + 1, sizeof *v->thread, "agenda");
            engine_edges_visit(e, proj, see, v);
            const Kernel *kernel = proj_kernel(e, proj);
            if (kernel && (size_t)kernel->n_fields > e->agenda->n_gather) e->agenda->n_gather = (size_t)kernel->n_fields;
        }
}

void agenda_synapses(Engine *e)
{
    Agenda *p = e->agenda;
    for (int k = 0; k < e->plan->n_moments; k++) look_at(e, e->plan->moment[k].act, e->plan->moment[k].n_acts);
    for (int k = 0; k < e->plan->n_runs; k++) look_at(e, e->plan->run[k].act, e->plan->run[k].n_acts);
    p->gather = cx_alloc(p->n_gather + 1, sizeof *p->gather, "agenda");
    for (size_t k = 0; k < p->n_gather; k++) p->gather[k] = cx_alloc(ENGINE_BLOCK, sizeof **p->gather, "agenda");
    p->out = cx_alloc(ENGINE_BLOCK, sizeof *p->out, "agenda");
}

/* Kept for sources or targets: no block touches it, or it would be with the synapses (compiler/placing.c). */
static bool shared(const KernelField *f)
{
    return f->kind == FIELD_PRE || f->kind == FIELD_POST;
}

static bool own(const KernelField *f)
{
    return f->kind != FIELD_SOURCE && f->kind != FIELD_TARGET && f->kind != FIELD_NETWORK && !shared(f);
}

/* Where a value of synapse k lies: a double, or the weight of a static one in *single. */
static double *place(const Engine *e, int proj, int field, uint64_t k, float **single)
{
    Group *g = &e->group[e->proj_group[proj]];
    const View *v = &e->agenda->view[proj];
    const Kernel *kernel = proj_kernel(e, proj);
    *single = NULL;
    if (!g->plastic) {
        if (!g->weighted) return &g->weight;
        *single = &g->share[v->thread[k]].weight[v->at[k]];
        return NULL;
    }
    return &g->share[v->thread[k]].col[field][kernel->field[field].uniform ? 0 : v->at[k]];
}

/* Columns of a call for n synapses from number `first` on, those of the synapses copied together. */
static Frame synapse_frame(Engine *e, int proj, uint64_t first, uint64_t n, double **col)
{
    Agenda *p = e->agenda;
    const Kernel *kernel = proj_kernel(e, proj);
    const PlanProj *plan = &e->plan->proj[proj];
    const View *v = &p->view[proj];
    for (int f = 0; f < kernel->n_fields; f++) {
        const KernelField *field = &kernel->field[f];
        if (shared(field)) {
            col[f] = NULL;
            continue;
        }
        if (!own(field)) {
            col[f] = agenda_column(e, field);
            if (!col[f]) col[f] = plastic_neurons(e, plan, field);
            continue;
        }
        col[f] = p->gather[f];
        for (uint64_t j = 0; j < (field->uniform ? 1 : n); j++) {
            float *single;
            double *at = v->n ? place(e, proj, f, first + j, &single) : NULL;
            if (v->n) col[f][j] = at ? *at : (double)*single;
        }
    }
    uint64_t key = rng_key(plan->has_key_seed ? plan->seed : e->plan->seed, plan->name);
    return (Frame){.col = col, .step = e->step, .t = decimal_time(e->step, e->plan->dt), .t1 = decimal_time(e->step + 1, e->plan->dt),
                   .key = rng_event(key, e->step, 0), .src = v->src + first, .tgt = v->tgt + first, .mult = v->mult + first, .scratch = e->worker[0].scratch};
}

/* ---- acts ---- */

static bool in_range(const Engine *e, const PlanAct *a, double v, const char *which, Fail *f)
{
    bool low = a->open_lo ? v <= a->lo : v < a->lo, high = a->open_hi ? v >= a->hi : v > a->hi;
    double t = decimal_time(e->step, e->plan->dt);
    if (isnan(v) || (a->finite && isinf(v))) return fail_set(f, EXIT_MODEL, "%s: `%s`%s would become %g at %.15g ms", a->place, a->what, which, v, t);
    if (!low && !high) return true;
    return fail_set(f, EXIT_MODEL, "%s: `%s`%s would become %.10g at %.15g ms, outside of %c%g, %g%c", a->place, a->what, which, v, t,
                    a->open_lo ? '(' : '[', a->lo, a->hi, a->open_hi ? ')' : ']');
}

static bool act_net(Engine *e, const PlanAct *a, Fail *f)
{
    const KernelFn *fn = &e->plan->kernel[e->plan->net_kernel]->fn[a->fn];
    double value;
    Frame fr = {.col = e->agenda->col[e->plan->net_kernel], .step = e->step, .t = decimal_time(e->step, e->plan->dt),
                .t1 = decimal_time(e->step + 1, e->plan->dt), .key = rng_key(e->plan->seed, "network"), .scratch = e->worker[0].scratch};
    fn->range(fn, &fr, 0, 1, (double *[]){&value});
    if (!in_range(e, a, value, "", f)) return false;
    e->agenda->net[a->to] = value;
    return true;
}

static Frame pop_frame(const Engine *e, int pop)
{
    return (Frame){.col = e->pop[pop].col, .step = e->step, .t = decimal_time(e->step, e->plan->dt), .t1 = decimal_time(e->step + 1, e->plan->dt),
                   .key = e->pop[pop].key, .scratch = e->worker[0].scratch};
}

/* Values of a function for the selected neurons from number `first` on, at most ENGINE_BLOCK of them. */
static size_t pop_values(const Engine *e, const PlanPart *part, size_t first)
{
    const KernelFn *fn = &e->pop[part->pop].kernel->fn[part->fn];
    const PlanSelect *s = &part->sel;
    size_t n = s->n - first < ENGINE_BLOCK ? s->n - first : ENGINE_BLOCK;
    Frame fr = pop_frame(e, part->pop);
    double *const out[1] = {e->agenda->out};
    if (s->index) fn->list(fn, &fr, s->index + first, (int64_t)n, out);
    else fn->range(fn, &fr, s->lo + (int64_t)first, s->lo + (int64_t)(first + n), out);
    return n;
}

/* All values are worked out from the old ones before the first is changed. */
static bool act_pop(Engine *e, const PlanAct *a, Fail *f)
{
    const PlanPart *part = &a->part[0];
    const Pop *p = &e->pop[part->pop];
    PlanPart one = *part;
    if (p->kernel->field[a->to].uniform) one.sel = (PlanSelect){.lo = 0, .hi = 1, .n = 1};
    double *fresh = cx_alloc(one.sel.n, sizeof *fresh, "agenda"), *col = p->col[a->to];
    bool ok = true;
    for (size_t k = 0, n; k < one.sel.n; k += n) {
        n = pop_values(e, &one, k);
        memcpy(fresh + k, e->agenda->out, n * sizeof *fresh);
    }
    for (size_t k = 0; ok && k < one.sel.n; k++) {
        char which[40] = "";
        if (part->sel.n > 1 && !p->kernel->field[a->to].uniform) snprintf(which, sizeof which, " of neuron %u", engine_selected(&one.sel, k));
        ok = in_range(e, a, fresh[k], which, f);
    }
    for (size_t k = 0; ok && k < one.sel.n; k++) col[engine_selected(&one.sel, k)] = fresh[k];
    cx_free(fresh);
    if (ok && p->kernel->field[a->to].kind == FIELD_PARAM) prepare_pop(e, part->pop);
    return ok;
}

static bool act_synapse(Engine *e, const PlanAct *a, Fail *f)
{
    const PlanPart *part = &a->part[0];
    Agenda *p = e->agenda;
    const View *v = &p->view[part->proj];
    const Kernel *kernel = proj_kernel(e, part->proj);
    const KernelFn *fn = &kernel->fn[part->fn];
    bool uniform = kernel->field[a->to].uniform, single_weight = !strcmp(kernel->field[a->to].name, "weight") && kernel->field[a->to].kind == FIELD_PARAM && !uniform;
    uint64_t total = uniform ? (v->n ? 1 : 0) : v->n;
    double *fresh = cx_alloc(total, sizeof *fresh, "agenda"), **col = cx_alloc((size_t)kernel->n_fields + 1, sizeof *col, "agenda");
    bool ok = true;
    for (uint64_t k = 0, n; k < total; k += n) {
        n = total - k < ENGINE_BLOCK ? total - k : ENGINE_BLOCK;
        Frame fr = synapse_frame(e, part->proj, k, n, col);
        fn->range(fn, &fr, 0, (int64_t)n, (double *[]){fresh + k});
    }
    for (uint64_t k = 0; ok && k < total; k++) {
        char which[60] = "";
        if (!uniform) snprintf(which, sizeof which, " of synapse %u -> %u", v->src[k], v->tgt[k]);
        if (single_weight) fresh[k] = (double)(float)fresh[k];
        ok = in_range(e, a, fresh[k], which, f);
    }
    Group *g = &e->group[e->proj_group[part->proj]];
    for (int t = 0; ok && uniform && total && g->plastic && t < e->n_threads; t++) g->share[t].col[a->to][0] = fresh[0];
    for (uint64_t k = 0; ok && k < total; k++) {
        float *single;
        double *at = place(e, part->proj, a->to, k, &single);
        if (at) *at = fresh[k];
        else *single = (float)fresh[k];
    }
    cx_free(fresh);
    cx_free(col);
    return ok;
}

/* A function that stores: what it left in the copies goes back. */
static bool act_run(Engine *e, const PlanAct *a, Fail *f)
{
    const PlanPart *part = &a->part[0];
    const View *v = &e->agenda->view[part->proj];
    const Kernel *kernel = proj_kernel(e, part->proj);
    const KernelFn *fn = &kernel->fn[part->fn];
    const PlanProj *plan = &e->plan->proj[part->proj];
    const PlanPort *port = &e->plan->pop[plan->tgt].port[plan->port];
    double **col = cx_alloc((size_t)kernel->n_fields + 1, sizeof *col, "agenda");
    bool ok = true;
    for (uint64_t k = 0, n; ok && k < v->n; k += n) {
        n = v->n - k < ENGINE_BLOCK ? v->n - k : ENGINE_BLOCK;
        Frame fr = synapse_frame(e, part->proj, k, n, col);
        fn->range(fn, &fr, 0, (int64_t)n, NULL);
        for (int q = 0; q < kernel->n_fields; q++) {
            if (!own(&kernel->field[q]) || kernel->field[q].uniform || kernel->field[q].kind == FIELD_PARAM) continue;
            bool weight = !strcmp(kernel->field[q].name, "weight");
            for (uint64_t j = 0; ok && j < n; j++) {
                float *single;
                double x = col[q][j];
                if (kernel->field[q].kind == FIELD_STATE && (!isfinite(x) || (weight && x < 0 && port->non_negative)))
                    ok = fail_set(f, EXIT_MODEL, "%s: `%s` of synapse %u -> %u of %s would become %g at %.15g ms", a->place ? a->place : plan->place,
                                  kernel->field[q].name, v->src[k + j], v->tgt[k + j], plan->name, x, fr.t);
                if (ok) *place(e, part->proj, q, k + j, &single) = x;
            }
        }
    }
    cx_free(col);
    return ok;
}

/* ---- measures ---- */

typedef struct Taken {
    double sum, min, max;
    uint64_t n;
} Taken;

static void take(Taken *t, double x)
{
    if (!t->n || x < t->min) t->min = x;
    if (!t->n || x > t->max) t->max = x;
    t->sum += x;
    t->n++;
}

static double taken(const Taken *t, PlanTake how)
{
    switch (how) {
    case TAKE_SUM: return t->sum;
    case TAKE_COUNT: return (double)t->n;
    case TAKE_MEAN: return t->n ? t->sum / (double)t->n : (double)NAN;
    case TAKE_MIN: return t->n ? t->min : (double)NAN;
    case TAKE_MAX: return t->n ? t->max : (double)NAN;
    }
    return 0;
}

/* Neurons by index in blocks of 1,024, block sums in order. */
static void take_pop(const Engine *e, const PlanPart *part, Taken *t)
{
    Taken block = {0};
    uint32_t number = 0;
    for (size_t k = 0, n; k < part->sel.n; k += n) {
        n = pop_values(e, part, k);
        for (size_t j = 0; j < n; j++) {
            uint32_t b = engine_selected(&part->sel, k + j) / 1024;
            if (block.n && b != number) {
                t->sum += block.sum;
                block = (Taken){0};
            }
            number = b;
            take(&block, e->agenda->out[j]);
            if (!t->n || e->agenda->out[j] < t->min) t->min = e->agenda->out[j];
            if (!t->n || e->agenda->out[j] > t->max) t->max = e->agenda->out[j];
            t->n++;
        }
    }
    t->sum += block.sum;
}

static bool act_measure(Engine *e, const PlanAct *a)
{
    Agenda *p = e->agenda;
    Taken all = {0}, *one = NULL;
    uint32_t n_ones = 0;
    if (a->per != PER_ALL) {
        n_ones = e->plan->pop[e->plan->column[a->to]].n;
        one = cx_alloc(n_ones, sizeof *one, "agenda");
    }
    for (int q = 0; q < a->n_parts; q++) {
        const PlanPart *part = &a->part[q];
        if (part->proj < 0) {
            take_pop(e, part, &all);
            continue;
        }
        const View *v = &p->view[part->proj];
        const Kernel *kernel = proj_kernel(e, part->proj);
        const KernelFn *fn = &kernel->fn[part->fn];
        double **col = cx_alloc((size_t)kernel->n_fields + 1, sizeof *col, "agenda");
        for (uint64_t k = 0, n; k < v->n; k += n) {
            n = v->n - k < ENGINE_BLOCK ? v->n - k : ENGINE_BLOCK;
            Frame fr = synapse_frame(e, part->proj, k, n, col);
            fn->range(fn, &fr, 0, (int64_t)n, (double *[]){p->out});
            for (uint64_t j = 0; j < n; j++) take(!one ? &all : &one[a->per == PER_SOURCE ? v->src[k + j] : v->tgt[k + j]], p->out[j]);
        }
        cx_free(col);
    }
    if (!one) p->net[a->to] = taken(&all, a->take);
    for (uint32_t k = 0; k < n_ones; k++) p->column[a->to][k] = taken(&one[k], a->take);
    cx_free(one);
    return true;
}

/* ---- spikes ---- */

static size_t selected(const PlanSelect *s, const uint32_t *id, size_t n)
{
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        size_t at = engine_cut(s, id[k]);
        count += at < s->n && engine_selected(s, at) == id[k];
    }
    return count;
}

void agenda_spikes(Engine *e, int pop, int64_t step, const uint32_t *id, size_t n)
{
    for (int k = 0; k < e->plan->n_tallies; k++) {
        Count *c = &e->agenda->count[k];
        const PlanTally *p = c->plan;
        size_t more = 0;
        for (int q = 0; q < p->n_pops; q++)
            if (p->pop[q] == pop) more += !p->sel[q].index && p->sel[q].n == e->plan->pop[pop].n ? n : selected(&p->sel[q], id, n);
        if (!more || (!p->last && step <= p->from)) continue;
        c->total += more;
        if (!p->last) continue;
        size_t len = vec_len(c->past);
        if (len > c->head && c->past[len - 1].step == step) c->past[len - 1].total = c->total;
        else vec_push(c->past, ((Counted){step, c->total}));
        while (c->head < vec_len(c->past) && c->past[c->head].step <= step - p->last) c->before = c->past[c->head++].total;
        if (c->head > 1024 && c->head > vec_len(c->past) / 2) {
            size_t left = vec_len(c->past) - c->head;
            memmove(c->past, c->past + c->head, left * sizeof *c->past);
            vec_head(c->past)->len = left;
            c->head = 0;
        }
    }
}

/* Spikes stamped in (now - last, now]. */
static double counted(const Engine *e, const Count *c)
{
    uint64_t before = c->before;
    if (!c->plan->last) return (double)c->total;
    for (size_t k = c->head; k < vec_len(c->past) && c->past[k].step <= e->step - c->plan->last; k++) before = c->past[k].total;
    return (double)(c->total - before);
}

const double *agenda_value(const Engine *e, int net)
{
    return &e->agenda->net[net];
}

/* ---- what is due ---- */

static bool run_acts(Engine *e, const PlanAct *act, int n, Fail *f)
{
    Agenda *p = e->agenda;
    for (int k = 0; k < n; k++) {
        const PlanAct *a = &act[k];
        bool ok = true;
        switch (a->kind) {
        case ACT_NET: ok = act_net(e, a, f); break;
        case ACT_POP: ok = act_pop(e, a, f); break;
        case ACT_SYNAPSE: ok = act_synapse(e, a, f); break;
        case ACT_RUN: ok = act_run(e, a, f); break;
        case ACT_MEASURE: ok = act_measure(e, a); break;
        case ACT_COUNT: p->net[a->to] = counted(e, &p->count[a->from]); break;
        case ACT_UNLESS:
            if (p->net[a->from] == 0) k = a->to - 1;
            break;
        case ACT_SKIP: k = a->to - 1; break;
        }
        if (!ok) return false;
    }
    return true;
}

bool agenda_begin(Engine *e, int run, Fail *f)
{
    Agenda *p = e->agenda;
    p->run = run;
    p->fresh = true;
    for (int k = 0; k < e->plan->n_moments; k++) {
        const PlanMoment *m = &e->plan->moment[k];
        if (m->run != run) continue;
        if (m->every) p->next[k] = m->from >= e->step ? m->from : m->from + (e->step - m->from + m->every - 1) / m->every * m->every;
        else p->next[k] = m->at < 0 ? e->step : m->at;
        if (p->next[k] < e->step)
            return fail_set(f, EXIT_MODEL, "%s: the moment %.15g ms is over when the model comes here, at %.15g ms", m->place,
                            decimal_time(m->at, e->plan->dt), decimal_time(e->step, e->plan->dt));
    }
    return true;
}

int64_t agenda_next(const Engine *e, int64_t from, int64_t end)
{
    const Agenda *p = e->agenda;
    const PlanRun *run = p->run < 0 ? NULL : &e->plan->run[p->run];
    if (run && run->until >= 0 && run->each_step) return from < end ? from : end;
    if (p->fresh && run && run->until >= 0) return from < end ? from : end;
    for (int k = 0; k < e->plan->n_moments; k++)
        if (p->next[k] >= from && p->next[k] < end) end = p->next[k];
    return end;
}

bool agenda_run(Engine *e, bool *over, Fail *f)
{
    Agenda *p = e->agenda;
    for (int k = 0; k < e->plan->n_moments; k++) {
        const PlanMoment *m = &e->plan->moment[k];
        if (p->next[k] != e->step) continue;
        p->next[k] = m->every ? e->step + m->every : INT64_MAX;
        if (!run_acts(e, m->act, m->n_acts, f)) return false;
    }
    const PlanRun *run = p->run < 0 ? NULL : &e->plan->run[p->run];
    p->fresh = false;
    *over = false;
    if (!run || run->until < 0) return true;
    if (!run_acts(e, run->act, run->n_acts, f)) return false;
    *over = p->net[run->until] != 0;
    return true;
}
