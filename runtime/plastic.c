/* Synapses with state: each plastic projection keeps its rows for itself, and for every synapse the columns of its
 * model in double precision, numbered as they are stored. A thread owns the synapses onto its neurons, so handlers
 * write without locks and every synapse sees its events in the same order for any number of threads. */
#include "agenda.h"

#include <math.h>
#include <string.h>

static const PlanSynapse *model_of(const Engine *e, const Group *g)
{
    return &e->plan->proj[g->proj[0]].synapse;
}

static bool own(const KernelField *f)
{
    return f->kind != FIELD_SOURCE && f->kind != FIELD_TARGET && f->kind != FIELD_NETWORK;
}

double *plastic_neurons(const Engine *e, const PlanProj *p, const KernelField *f)
{
    const Pop *pop = &e->pop[f->kind == FIELD_SOURCE ? p->src : p->tgt];
    const char *name = strchr(f->name, '.') + 1;
    double *column = agenda_column(e, f);
    if (column) return column;
    for (int k = 0; k < pop->kernel->n_fields; k++)
        if (!strcmp(pop->kernel->field[k].name, name)) return pop->col[k];
    cx_bug("%s has no column `%s`", pop->plan->name, name);
}

/* Points `col` at the synapses from `first` on. */
static void point(const Engine *e, const Group *g, const Share *s, uint64_t first, double **col)
{
    const Kernel *k = plastic_kernel(e, g);
    for (int f = 0; f < k->n_fields; f++)
        col[f] = own(&k->field[f]) ? s->col[f] + (k->field[f].uniform ? 0 : first) : plastic_neurons(e, &e->plan->proj[g->proj[0]], &k->field[f]);
}

/* ---- building ---- */

void plastic_room(const Engine *e, const Group *g, Share *s)
{
    const Kernel *k = plastic_kernel(e, g);
    s->col = cx_alloc((size_t)k->n_fields, sizeof *s->col, "synapses");
    for (int f = 0; f < k->n_fields; f++)
        if (own(&k->field[f])) s->col[f] = cx_alloc(k->field[f].uniform ? 1 : s->n, sizeof(double), "synapses");
    if (model_of(e, g)->post_source) s->src = cx_alloc(s->n, sizeof *s->src, "synapses");
}

static bool check_ranges(const Kernel *k, const Frame *fr, size_t n, const uint32_t *src, const uint32_t *tgt, char *why, size_t size)
{
    double inside[256], *const out[1] = {inside};
    for (int q = 0; q < k->n_fns; q++) {
        const KernelFn *fn = &k->fn[q];
        if (fn->role != FN_RANGE) continue;
        const char *name = strchr(fn->name, '.') + 1;
        for (size_t lo = 0; lo < n; lo += 256) {
            size_t hi = n - lo < 256 ? n : lo + 256;
            fn->range(fn, fr, (int64_t)lo, (int64_t)hi, out);
            for (size_t j = lo; j < hi; j++)
                if (inside[j - lo] == 0) {
                    snprintf(why, size, "`%s` of synapse %u -> %u would start outside the range it is declared with", name, src[j], tgt[j]);
                    return false;
                }
        }
    }
    return true;
}

bool plastic_init(const Engine *e, const Group *g, Share *s, uint64_t key, uint64_t first, size_t n, const uint32_t *src,
                  const uint32_t *mult, void *scratch, char *why, size_t size)
{
    const PlanProj *p = &e->plan->proj[g->proj[0]];
    const Kernel *k = plastic_kernel(e, g);
    const PlanPort *port = &e->plan->pop[p->tgt].port[p->port];
    const uint32_t *tgt = (const uint32_t *)s->tgt + first;
    if (!n) return true;
    double **col = cx_alloc((size_t)k->n_fields, sizeof *col, "synapses");
    for (int f = 0; f < k->n_fields; f++) col[f] = own(&k->field[f]) ? s->col[f] + (k->field[f].uniform ? 0 : first) : agenda_column(e, &k->field[f]);
    Frame fr = {.col = col, .key = key, .src = src, .tgt = tgt, .mult = mult, .scratch = scratch, .t1 = e->plan->dt};
    const KernelFn *init = &k->fn[p->synapse.fn_init];
    init->range(init, &fr, 0, (int64_t)n, NULL);
    bool ok = true;
    for (int f = 0; ok && f < k->n_fields; f++) {
        const KernelField *field = &k->field[f];
        if (!own(field) || field->kind == FIELD_HIDDEN || field->uniform) continue;
        bool weight = !strcmp(field->name, "weight");
        for (size_t j = 0; ok && j < n; j++) {
            double v = col[f][j];
            /* A weight that no handler writes is one of single precision, as in static synapses. */
            if (weight && field->kind == FIELD_PARAM) col[f][j] = v = (double)(float)v;
            ok = isfinite(v) && !(weight && v < 0 && port->non_negative);
            if (ok) continue;
            if (isfinite(v)) snprintf(why, size, "synapse %u -> %u has weight %g into `%s`, which is declared non-negative", src[j], tgt[j], v, port->name);
            else snprintf(why, size, "`%s` of synapse %u -> %u would start at %g", field->name, src[j], tgt[j], v);
        }
    }
    ok = ok && check_ranges(k, &fr, n, src, tgt, why, size);
    cx_free(col);
    return ok;
}

/* The synapses of a thread by target, for `on post`. */
void plastic_index(const Engine *e, const Group *g, Share *s, int thread)
{
    const PlanProj *p = &e->plan->proj[g->proj[0]];
    if (p->synapse.fn_post < 0) return;
    uint32_t lo = e->pop[p->tgt].part[thread], n = e->pop[p->tgt].part[thread + 1] - lo;
    const uint32_t *tgt = s->tgt;
    if (s->n > UINT32_MAX) cx_bug("more than 2^32 plastic synapses on one thread");
    s->post_at = cx_alloc((size_t)n + 2, sizeof *s->post_at, "synapses");
    s->post = cx_alloc(s->n, sizeof *s->post, "synapses");
    uint64_t *at = s->post_at + 1; /* which filling moves on by one place, to where it belongs */
    for (uint64_t k = 0; k < s->n; k++) at[tgt[k] - lo + 1]++;
    for (uint32_t j = 0; j < n; j++) at[j + 1] += at[j];
    for (uint64_t k = 0; k < s->n; k++) s->post[at[tgt[k] - lo]++] = (uint32_t)k;
}

size_t plastic_bytes(const Engine *e, const Group *g, int thread)
{
    const Kernel *k = plastic_kernel(e, g);
    const Share *s = &g->share[thread];
    const PlanProj *p = &e->plan->proj[g->proj[0]];
    size_t each = s->src ? sizeof *s->src : 0, bytes = 0;
    for (int f = 0; f < k->n_fields; f++)
        if (own(&k->field[f]) && !k->field[f].uniform) each += sizeof(double);
    if (s->post_at) {
        each += sizeof *s->post;
        bytes = (e->pop[p->tgt].part[thread + 1] - e->pop[p->tgt].part[thread] + 2) * sizeof *s->post_at;
    }
    return bytes + each * s->n;
}

void plastic_free(const Engine *e, const Group *g, Share *s)
{
    const Kernel *k = plastic_kernel(e, g);
    for (int f = 0; s->col && f < k->n_fields; f++) cx_free(s->col[f]);
    cx_free(s->col);
    cx_free(s->src);
    cx_free(s->post_at);
    cx_free(s->post);
}

/* Room of the threads for calls of handlers. */
void plastic_workers(Engine *e)
{
    int n = 0;
    for (int q = 0; q < e->plan->n_projs; q++) {
        const PlanSynapse *s = &e->plan->proj[q].synapse;
        if (s->name && e->plan->kernel[s->kernel]->n_fields >= n) n = e->plan->kernel[s->kernel]->n_fields + 1;
    }
    for (int t = 0; n && t < e->n_threads; t++) {
        Worker *w = &e->worker[t];
        w->syn_col = cx_alloc((size_t)n, sizeof *w->syn_col, "engine");
        w->syn_out = cx_alloc((size_t)PLAN_SUMS * ENGINE_BLOCK, sizeof *w->syn_out, "engine");
        w->syn_src = cx_alloc(ENGINE_BLOCK, sizeof *w->syn_src, "engine");
        w->fired = cx_alloc((size_t)e->plan->n_pops, sizeof *w->fired, "engine");
    }
}

/* ---- phase 1 ---- */

/* The row that holds synapse `at`. */
static uint32_t row_of(const Group *g, const Share *s, uint64_t at)
{
    uint32_t lo = 0, hi = g->n_rows; /* row[lo].at <= at < row[hi].at */
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->row[mid].at <= at) lo = mid;
        else hi = mid;
    }
    return lo;
}

/* `on pre` for all that arrives in `step`: what a handler adds to the port is added in the order of the segment. */
uint64_t plastic_deliver(Worker *w, const Group *g, int64_t step, double t, double t1)
{
    const Engine *e = w->engine;
    Share *s = &g->share[w->thread];
    Bucket *b = &s->ring.slot[(uint64_t)step & s->ring.mask];
    if (!b->n) return 0;
    const PlanProj *p = &e->plan->proj[g->proj[0]];
    uint64_t events = 0;
    if (p->synapse.fn_pre < 0) {
        for (size_t k = 0; k < b->n; k++) events += b->item[k] & 0xffff;
        b->n = 0;
        return events;
    }
    const KernelFn *pre = &plastic_kernel(e, g)->fn[p->synapse.fn_pre];
    double *out[PLAN_SUMS];
    for (int q = 0; q < p->synapse.n_sums; q++) out[q] = w->syn_out + q * ENGINE_BLOCK;
    Frame fr = {.col = w->syn_col, .step = step, .t = t, .t1 = t1, .src = w->syn_src, .scratch = w->scratch};
    for (size_t k = 0; k < b->n; k++) {
        uint64_t at = b->item[k] >> 16, m = b->item[k] & 0xffff, n;
        uint32_t src = row_of(g, s, at);
        for (uint64_t j = 0; j < m && j < ENGINE_BLOCK; j++) w->syn_src[j] = src;
        for (events += m; m; at += n, m -= n) {
            n = m < ENGINE_BLOCK ? m : ENGINE_BLOCK;
            fr.tgt = (const uint32_t *)s->tgt + at;
            point(e, g, s, at, w->syn_col);
            pre->range(pre, &fr, 0, (int64_t)n, out);
            for (int q = 0; q < p->synapse.n_sums; q++) {
                double *acc = w->col[p->tgt][p->synapse.sum[q]];
                for (uint64_t j = 0; j < n; j++) acc[fr.tgt[j]] += out[q][j];
            }
        }
    }
    b->n = 0;
    return events;
}

/* `on post` for the neurons that spiked with the stamp of `step`, in the order projection, neuron, synapse. */
void plastic_post(Worker *w, int64_t step, double t, double t1)
{
    const Engine *e = w->engine;
    for (int q = 0; q < e->plan->n_projs; q++) {
        const PlanProj *p = &e->plan->proj[q];
        if (!p->synapse.name || p->synapse.fn_post < 0 || !vec_len(w->fired[p->tgt])) continue;
        const Group *g = &e->group[e->proj_group[q]];
        const Share *s = &g->share[w->thread];
        if (!s->n) continue;
        const KernelFn *post = &plastic_kernel(e, g)->fn[p->synapse.fn_post];
        Frame fr = {.col = w->syn_col, .step = step, .t = t, .t1 = t1, .src = s->src, .tgt = s->tgt, .scratch = w->scratch};
        point(e, g, s, 0, w->syn_col);
        for (size_t k = 0; k < vec_len(w->fired[p->tgt]); k++) {
            const uint64_t *at = s->post_at + (w->fired[p->tgt][k] - e->pop[p->tgt].part[w->thread]);
            if (at[1] > at[0]) post->list(post, &fr, s->post + at[0], (int64_t)(at[1] - at[0]), NULL);
        }
    }
}

/* ---- looking at them ---- */

typedef struct Ranking {
    uint32_t **position;
    uint64_t n;
} Ranking;

static void place(void *user, const EdgeAt *x)
{
    Ranking *p = user;
    p->position[x->thread][x->at] = (uint32_t)p->n++;
}

/* [thread][synapse]: place in the order (source, target, multiplicity). */
static uint32_t **positions(const Engine *e, int proj)
{
    const Group *g = &e->group[e->proj_group[proj]];
    Ranking p = {cx_alloc((size_t)e->n_threads, sizeof *p.position, "recordings"), 0};
    if (e->proj_synapses[proj] > UINT32_MAX) cx_bug("more than 2^32 synapses of one projection are looked at");
    for (int t = 0; t < e->n_threads; t++) p.position[t] = cx_alloc(g->share[t].n, sizeof **p.position, "recordings");
    engine_edges_visit(e, proj, place, &p);
    return p.position;
}

void plastic_make_rec(Engine *e, int k)
{
    SynRec *r = &e->syn_rec[k];
    r->plan = &e->plan->syn_rec[k];
    r->n = e->proj_synapses[r->plan->proj];
    r->value = cx_alloc((size_t)r->plan->n_vars, sizeof *r->value, "recordings");
    if (e->plan->proj[r->plan->proj].synapse.name) r->position = positions(e, r->plan->proj);
}

bool plastic_due(const PlanSynRec *r, int64_t step)
{
    return !r->at_end && step >= r->from && step < r->to && (step - r->from) % r->every == 0;
}

/* Values of one variable of the synapses of one thread, to dst[position]. */
static void values(const Engine *e, const SynRec *r, const PlanVar *var, int thread, Frame fr, double *buffer, double *dst)
{
    const Group *g = &e->group[e->proj_group[r->plan->proj]];
    const Share *s = &g->share[thread];
    const uint32_t *position = r->position[thread];
    if (var->field >= 0) {
        bool uniform = plastic_kernel(e, g)->field[var->field].uniform;
        for (uint64_t k = 0; k < s->n; k++) dst[position[k]] = s->col[var->field][uniform ? 0 : k];
        return;
    }
    const KernelFn *fn = &plastic_kernel(e, g)->fn[var->fn];
    double *const out[1] = {buffer};
    for (uint64_t at = 0, n; at < s->n; at += n) {
        n = s->n - at < ENGINE_BLOCK ? s->n - at : ENGINE_BLOCK;
        point(e, g, s, at, (double **)(uintptr_t)fr.col);
        fr.tgt = (const uint32_t *)s->tgt + at;
        fn->range(fn, &fr, 0, (int64_t)n, out);
        for (uint64_t k = 0; k < n; k++) dst[position[at + k]] = buffer[k];
    }
}

void plastic_record(Worker *w, int k, int64_t step, double t, double t1)
{
    Engine *e = w->engine;
    for (int r = 0; r < e->plan->n_syn_recs; r++) {
        const SynRec *rec = &e->syn_rec[r];
        const PlanSynRec *p = rec->plan;
        if (!plastic_due(p, step)) continue;
        double *frame = rec->frames[w->turn] + (size_t)(k / p->every) * (size_t)p->n_vars * rec->n;
        Frame fr = {.col = w->syn_col, .step = step, .t = t, .t1 = t1, .src = w->syn_src, .scratch = w->scratch};
        for (int v = 0; v < p->n_vars; v++) values(e, rec, &p->var[v], w->thread, fr, w->out, frame + (size_t)v * rec->n);
    }
}

static void keep_weight(void *user, const EdgeAt *x)
{
    double **next = user;
    *(*next)++ = x->weight;
}

/* Values of a variable of a synapse recorder at the time reached. */
void plastic_values(const Engine *e, int rec, int var, double *out)
{
    const SynRec *r = &e->syn_rec[rec];
    const PlanVar *v = &r->plan->var[var];
    Worker *w = &e->worker[0];
    if (!r->position) {
        engine_edges_visit(e, r->plan->proj, keep_weight, &out);
        return;
    }
    Frame fr = {.col = w->syn_col, .step = e->step, .t = decimal_time(e->step, e->plan->dt), .t1 = decimal_time(e->step + 1, e->plan->dt),
                .src = w->syn_src, .scratch = w->scratch};
    for (int t = 0; t < e->n_threads; t++) values(e, r, v, t, fr, w->out, out);
}

void plastic_state(const Engine *e, int pop, void (*visit)(void *user, const char *name, const void *data, size_t count, size_t size),
                   void *user)
{
    for (int q = 0; q < e->plan->n_projs; q++) {
        const PlanProj *p = &e->plan->proj[q];
        if (!p->synapse.name || p->tgt != pop) continue;
        const Group *g = &e->group[e->proj_group[q]];
        const Kernel *k = plastic_kernel(e, g);
        size_t n = e->proj_synapses[q];
        uint32_t **position = positions(e, q);
        double *all = cx_alloc(n, sizeof *all, "state");
        for (int f = 0; f < k->n_fields; f++) {
            if (!own(&k->field[f])) continue;
            for (int t = 0; t < e->n_threads; t++)
                for (uint64_t j = 0; j < g->share[t].n; j++) all[position[t][j]] = g->share[t].col[f][k->field[f].uniform ? 0 : j];
            visit(user, k->field[f].name, all, n, sizeof *all);
        }
        for (int t = 0; t < e->n_threads; t++) cx_free(position[t]);
        cx_free(position);
        cx_free(all);
    }
}
