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

/* Kept with the synapses? */
static bool own(const KernelField *f)
{
    return f->kind != FIELD_SOURCE && f->kind != FIELD_TARGET && f->kind != FIELD_NETWORK;
}

/* One value for each synapse? */
static bool each(const KernelField *f)
{
    return own(f) && f->kind != FIELD_PRE && f->kind != FIELD_POST && !f->uniform;
}

/* How many values of a field a thread keeps. */
static size_t room(const Engine *e, const Group *g, const Share *s, const KernelField *f, int thread)
{
    const uint32_t *part = e->pop[e->plan->proj[g->proj[0]].tgt].part;
    return f->kind == FIELD_PRE ? g->n_rows : f->kind == FIELD_POST ? part[thread + 1] - part[thread] : f->uniform ? 1 : s->n;
}

static bool has(const PlanSynapse *m, PlanWhen when)
{
    bool any = false;
    for (int h = 0; h < m->n_handlers; h++) any = any || m->handler[h].when == when;
    return any;
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
    for (int f = 0; f < k->n_fields; f++) {
        const KernelField *field = &k->field[f];
        if (!own(field)) col[f] = plastic_neurons(e, &e->plan->proj[g->proj[0]], field);
        else if (field->kind == FIELD_POST) col[f] = (double *)((uintptr_t)s->col[f] - s->first * sizeof(double)); /* by neuron */
        else col[f] = s->col[f] + (each(field) ? first : 0);
    }
}

void plastic_point(const Engine *e, const Group *g, const Share *s, uint64_t first, double **col)
{
    point(e, g, s, first, col);
}

/* ---- building ---- */

void plastic_room(const Engine *e, const Group *g, Share *s, int thread)
{
    const Kernel *k = plastic_kernel(e, g);
    s->col = cx_alloc((size_t)k->n_fields, sizeof *s->col, "synapses");
    for (int f = 0; f < k->n_fields; f++)
        if (own(&k->field[f])) s->col[f] = cx_alloc(room(e, g, s, &k->field[f], thread), sizeof(double), "synapses");
    s->first = e->pop[e->plan->proj[g->proj[0]].tgt].part[thread];
    if (model_of(e, g)->needs_source) s->src = cx_alloc(s->n, sizeof *s->src, "synapses");
    if (model_of(e, g)->needs_mult) s->mult = cx_alloc(s->n, sizeof *s->mult, "synapses");
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
    for (int f = 0; f < k->n_fields; f++) col[f] = own(&k->field[f]) ? s->col[f] + (each(&k->field[f]) ? first : 0) : agenda_column(e, &k->field[f]);
    Frame fr = {.col = col, .key = key, .src = src, .tgt = tgt, .mult = mult, .scratch = scratch, .t1 = e->plan->dt};
    const KernelFn *init = &k->fn[p->synapse.fn_init];
    init->range(init, &fr, 0, (int64_t)n, NULL);
    bool ok = true;
    for (int f = 0; ok && f < k->n_fields; f++) {
        const KernelField *field = &k->field[f];
        if (!each(field) || field->kind == FIELD_HIDDEN) continue;
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
    if (!has(&p->synapse, ON_POST)) return;
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
    size_t one = (s->src ? sizeof *s->src : 0) + (s->mult ? sizeof *s->mult : 0), bytes = 0;
    for (int f = 0; f < k->n_fields; f++)
        if (own(&k->field[f])) bytes += room(e, g, s, &k->field[f], thread) * sizeof(double);
    if (s->post_at) {
        one += sizeof *s->post;
        bytes += (e->pop[p->tgt].part[thread + 1] - e->pop[p->tgt].part[thread] + 2) * sizeof *s->post_at;
    }
    return bytes + one * s->n;
}

void plastic_free(const Engine *e, const Group *g, Share *s)
{
    const Kernel *k = plastic_kernel(e, g);
    for (int f = 0; s->col && f < k->n_fields; f++) cx_free(s->col[f]);
    cx_free(s->col);
    cx_free(s->src);
    cx_free(s->mult);
    for (int h = 0; s->wait && h < model_of(e, g)->n_handlers; h++) {
        ring_free(&s->wait[h].late);
        cx_free(s->wait[h].count);
    }
    cx_free(s->wait);
    cx_free(s->post_at);
    cx_free(s->post);
    cx_free(s->order);
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
        for (int p = 0; p < e->plan->n_pops; p++)
            if (e->pop[p].heard) w->fired[p] = cx_alloc(e->pop[p].heard_steps, sizeof *w->fired[p], "engine");
        w->came = cx_alloc((size_t)e->n_channels, sizeof *w->came, "engine");
        for (int c = 0; c < e->n_channels; c++)
            if (e->channel[c].steps) w->came[c] = cx_alloc(e->channel[c].steps, sizeof *w->came[c], "engine");
    }
}

static uint32_t power_above(int64_t n)
{
    uint32_t m = 1;
    while (m <= n) m *= 2;
    return m;
}

/* Nobody asks for multiplicities that are all 0. */
static void drop_zeros(Share *s)
{
    uint64_t k = 0;
    while (s->mult && k < s->n && !s->mult[k]) k++;
    if (k < s->n) return;
    cx_free(s->mult);
    s->mult = NULL;
}

/* First values of what sources and targets keep. */
static void start_traces(const Engine *e, const Group *g, int thread)
{
    const PlanProj *p = &e->plan->proj[g->proj[0]];
    const Kernel *k = plastic_kernel(e, g);
    const uint32_t *part = e->pop[p->tgt].part;
    double **col = cx_alloc((size_t)k->n_fields, sizeof *col, "synapses");
    Frame fr = {.col = col, .scratch = e->worker[thread].scratch, .t1 = e->plan->dt};
    point(e, g, &g->share[thread], 0, col);
    if (p->synapse.fn_source >= 0) k->fn[p->synapse.fn_source].range(&k->fn[p->synapse.fn_source], &fr, 0, g->n_rows, NULL);
    if (p->synapse.fn_target >= 0) k->fn[p->synapse.fn_target].range(&k->fn[p->synapse.fn_target], &fr, part[thread], part[thread + 1], NULL);
    cx_free(col);
}

static void note_for(Pop *p, int64_t steps)
{
    p->sends = true;
    if (steps > p->max_delay) p->max_delay = (uint32_t)steps;
}

static int channel_of(const Engine *e, int pop, int field)
{
    int k = 0;
    while (k < e->n_channels && (e->channel[k].pop != pop || e->channel[k].field != field)) k++;
    return k;
}

static void listen_to(Engine *e, int pop, int field, uint32_t steps)
{
    int k = channel_of(e, pop, field);
    if (k == e->n_channels) vec_push(e->channel, ((Channel){pop, field, 0}));
    e->n_channels = (int)vec_len(e->channel);
    if (steps > e->channel[k].steps) e->channel[k].steps = steps;
}

int plastic_attach(Engine *e, Group *g)
{
    const PlanProj *p = &e->plan->proj[g->proj[0]];
    const PlanSynapse *m = &p->synapse;
    int window = ENGINE_MAX_WINDOW;
    g->key = rng_key(p->has_key_seed ? p->seed : e->plan->seed, p->name);
    if (m->reads_source) {
        e->meet_arrivals = true;
        window = 1;
    }
    e->linked = e->linked || m->linked;
    g->silent = !has(m, ON_PRE);
    for (int t = 0; t < e->n_threads; t++) {
        start_traces(e, g, t);
        g->share[t].wait = cx_alloc((size_t)m->n_handlers, sizeof *g->share[t].wait, "events under way");
        drop_zeros(&g->share[t]);
    }
    for (int k = 0; k < m->n_handlers; k++) {
        const PlanHandler *h = &m->handler[k];
        Pop *tgt = &e->pop[p->tgt];
        if (h->field >= 0) listen_to(e, h->when == ON_PRE ? p->src : p->tgt, h->field, h->when == ON_POST ? power_above(h->after) : 0);
        else if (h->when == ON_POST) {
            uint32_t steps = power_above(h->after);
            tgt->heard = true;
            if (steps > tgt->heard_steps) tgt->heard_steps = steps;
            note_for(tgt, h->after);
        }
        if (h->when == ON_PRE) note_for(&e->pop[p->src], g->max_delay + h->after);
        if (h->when == ON_EVENT && h->after + 1 < window) window = (int)h->after + 1;
        for (int q = 0; q < h->n_from; q++) {
            if (h->from[q].field < 0) note_for(&e->pop[h->from[q].pop], h->after);
            else listen_to(e, h->from[q].pop, h->from[q].field, 0);
        }
        g->listens = g->listens || h->n_from;
        for (int t = 0; t < e->n_threads; t++) {
            Wait *wait = &g->share[t].wait[k];
            if (h->when == ON_PRE && h->field >= 0) ring_init(&wait->late, g->max_delay + (uint32_t)h->after);
            else if (h->when == ON_PRE && h->after) ring_init(&wait->late, (uint32_t)h->after);
            if (h->when != ON_EVENT) continue;
            wait->mask = power_above(h->after) - 1;
            wait->count = cx_alloc((size_t)wait->mask + 1, sizeof *wait->count, "events under way");
        }
    }
    return window;
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

uint32_t plastic_source(const Group *g, const Share *s, uint64_t at)
{
    return row_of(g, s, at);
}

typedef struct Call { /* of a handler */
    Worker *w;
    const Group *g;
    const Share *s;
    const PlanHandler *h;
    const KernelFn *fn;
    Frame fr;
} Call;

static Call call_of(Worker *w, const Group *g, const PlanHandler *h, int64_t step, double t, double t1)
{
    return (Call){w, g, &g->share[w->thread], h, &plastic_kernel(w->engine, g)->fn[h->fn],
                  {.col = w->syn_col, .step = step, .t = t, .t1 = t1, .scratch = w->scratch}};
}

/* Another event of this step, of those that one synapse may have in it: it draws numbers of its own. */
static void number(Call *c, uint32_t event)
{
    if (c->h->draws) c->fr.key = rng_event(c->g->key, c->fr.step, event);
}

/* Points the call at the n synapses from `at` on. */
static void aim(Call *c, uint64_t at, const uint32_t *src)
{
    c->fr.src = src;
    c->fr.tgt = (const uint32_t *)c->s->tgt + at;
    c->fr.mult = c->s->mult ? c->s->mult + at : NULL;
    point(c->w->engine, c->g, c->s, at, c->w->syn_col);
}

/* What the handler adds to sums of the targets is added in the order of the segment. */
static void arrive(Call *c, uint64_t at, uint64_t m)
{
    Worker *w = c->w;
    int tgt = w->engine->plan->proj[c->g->proj[0]].tgt;
    double *out[PLAN_SUMS];
    for (int q = 0; q < c->h->n_sums; q++) out[q] = w->syn_out + q * ENGINE_BLOCK;
    for (uint64_t n; m; at += n, m -= n) {
        n = m < ENGINE_BLOCK ? m : ENGINE_BLOCK;
        aim(c, at, w->syn_src);
        c->fn->range(c->fn, &c->fr, 0, (int64_t)n, out);
        for (int q = 0; q < c->h->n_sums; q++) {
            double *acc = w->col[tgt][c->h->sum[q]];
            for (uint64_t j = 0; j < n; j++) acc[c->fr.tgt[j]] += out[q][j];
        }
    }
}

/* `on pre` for the segments of one bucket. A source with several spikes in a step has the same segments again; a segment
 * of more than 65535 synapses stands in pieces. */
static void arrivals(Call *c, const Bucket *b)
{
    Worker *w = c->w;
    uint32_t event = 0;
    uint64_t first = UINT64_MAX, piece = UINT64_MAX;
    for (size_t k = 0; k < b->n; k++) {
        uint64_t at = b->item[k] >> 16, m = b->item[k] & 0xffff;
        uint32_t src = row_of(c->g, c->s, at);
        if (at == first) event++;
        else if (at != piece) {
            first = at;
            event = 0;
        }
        piece = m == 0xffff ? at + m : UINT64_MAX;
        for (uint64_t j = 0; j < m && j < ENGINE_BLOCK; j++) w->syn_src[j] = src;
        number(c, event);
        arrive(c, at, m);
        if (c->h->trace >= 0 && at + m == c->s->row[src + 1].at) { /* all of its synapses are through: there is one delay */
            const KernelFn *trace = &plastic_kernel(w->engine, c->g)->fn[c->h->trace];
            trace->range(trace, &c->fr, src, src + 1, NULL);
        }
    }
}

uint64_t plastic_deliver(Worker *w, const Group *g, int64_t step, double t, double t1)
{
    const PlanSynapse *m = model_of(w->engine, g);
    Share *s = &g->share[w->thread];
    Bucket *now = &s->ring.slot[(uint64_t)step & s->ring.mask];
    uint64_t events = 0;
    if (!s->n) return 0;
    for (size_t k = 0; k < now->n; k++) events += now->item[k] & 0xffff;
    for (int k = 0; k < m->n_handlers && m->handler[k].when == ON_PRE; k++) {
        const PlanHandler *h = &m->handler[k];
        Ring *late = h->after || h->field >= 0 ? &s->wait[k].late : NULL;
        for (size_t j = 0; late && h->field < 0 && j < now->n; j++) ring_push(late, step + h->after, now->item[j]);
        Bucket *b = late ? &late->slot[(uint64_t)step & late->mask] : now;
        if (!b->n) continue;
        Call c = call_of(w, g, h, step, t, t1);
        arrivals(&c, b);
        if (late) b->n = 0;
    }
    now->n = 0;
    return events;
}

static const uint32_t *came(const Worker *w, int channel, int64_t stamp)
{
    return w->came[channel][(uint64_t)stamp & (w->engine->channel[channel].steps - 1)];
}

/* `on post` for the neurons that spiked with the stamp of `step`, or `after` before, in the order projection, neuron,
 * synapse. */
void plastic_post(Worker *w, int64_t step, double t, double t1)
{
    const Engine *e = w->engine;
    for (int q = 0; q < e->plan->n_projs; q++) {
        const PlanProj *p = &e->plan->proj[q];
        const Pop *tgt = &e->pop[p->tgt];
        for (int k = 0; k < p->synapse.n_handlers; k++) {
            const PlanHandler *h = &p->synapse.handler[k];
            if (h->when != ON_POST) continue;
            const Group *g = &e->group[e->proj_group[q]];
            const Share *s = &g->share[w->thread];
            if (!s->n) continue;
            const uint32_t *fired = h->field < 0 ? w->fired[p->tgt][(uint64_t)(step - h->after) & (tgt->heard_steps - 1)]
                                                 : came(w, channel_of(e, p->tgt, h->field), step - h->after);
            if (!vec_len(fired)) continue;
            Call c = call_of(w, g, h, step, t, t1);
            number(&c, 0);
            aim(&c, 0, s->src);
            for (size_t j = 0; j < vec_len(fired); j++) {
                const uint64_t *at = s->post_at + (fired[j] - tgt->part[w->thread]);
                if (at[1] > at[0]) c.fn->list(c.fn, &c.fr, s->post + at[0], (int64_t)(at[1] - at[0]), NULL);
            }
            if (h->trace < 0) continue;
            const KernelFn *trace = &plastic_kernel(e, g)->fn[h->trace];
            trace->list(trace, &c.fr, fired, (int64_t)vec_len(fired), NULL);
        }
    }
}

/* `on EVENT` for all synapses, once for each event that comes in `step`. */
void plastic_events(Worker *w, int64_t step, double t, double t1)
{
    const Engine *e = w->engine;
    for (int q = 0; q < e->plan->n_projs; q++) {
        const PlanSynapse *m = &e->plan->proj[q].synapse;
        const Group *g = &e->group[e->proj_group[q]];
        const Share *s = &g->share[w->thread];
        for (int k = 0; g->listens && k < m->n_handlers; k++) {
            if (m->handler[k].when != ON_EVENT) continue;
            uint32_t *count = &s->wait[k].count[(uint64_t)step & s->wait[k].mask];
            if (s->n) {
                Call c = call_of(w, g, &m->handler[k], step, t, t1);
                aim(&c, 0, s->src);
                for (uint32_t event = 0; event < *count; event++) {
                    number(&c, event);
                    c.fn->range(c.fn, &c.fr, 0, (int64_t)s->n, NULL);
                }
            }
            *count = 0;
        }
    }
}

void plastic_note(const Engine *e, const Group *g, Share *s, int pop, int field, int64_t step, const uint32_t *id, size_t n)
{
    const PlanSynapse *m = model_of(e, g);
    for (int k = 0; k < m->n_handlers; k++) {
        const PlanHandler *h = &m->handler[k];
        for (int q = 0; q < h->n_from; q++) {
            const PlanSelect *sel = &h->from[q].sel;
            if (h->from[q].pop != pop || h->from[q].field != field) continue;
            for (size_t j = 0; j < n; j++)
                if (engine_cut(sel, id[j]) < engine_cut(sel, id[j] + 1)) s->wait[k].count[(uint64_t)(step + 1 + h->after) & s->wait[k].mask]++;
        }
    }
}

void plastic_send(const Engine *e, const Group *g, Share *s, int channel, int64_t step, const uint32_t *id, size_t n)
{
    const PlanSynapse *m = model_of(e, g);
    for (int k = 0; k < m->n_handlers; k++) {
        const PlanHandler *h = &m->handler[k];
        if (h->when == ON_PRE && h->field >= 0 && channel_of(e, g->src, h->field) == channel)
            ring_post(g, s, &s->wait[k].late, step + h->after, id, n);
    }
}

void plastic_came(Worker *w, int channel, int64_t step, const uint32_t *id, size_t n)
{
    uint32_t **list = &w->came[channel][(uint64_t)(step + 1) & (w->engine->channel[channel].steps - 1)];
    vec_clear(*list);
    for (size_t k = 0; k < n; k++) vec_push(*list, id[k]);
}

/* Keeps the spikes of a thread's neurons of one population, stamped with the time behind `step`. */
void plastic_fired(Worker *w, int pop, int64_t step, const uint32_t *id, size_t n)
{
    uint32_t **list = &w->fired[pop][(uint64_t)(step + 1) & (w->engine->pop[pop].heard_steps - 1)];
    vec_clear(*list);
    for (size_t k = 0; k < n; k++) vec_push(*list, id[k]);
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
    if (e->plan->proj[r->plan->proj].synapse.name || e->plan->proj[r->plan->proj].watched) r->position = positions(e, r->plan->proj);
}

/* A field of the synapses of one thread, to dst[position]. */
static void column(const Engine *e, const Group *g, const Share *s, int f, const uint32_t *position, double *dst)
{
    const KernelField *field = &plastic_kernel(e, g)->field[f];
    const double *from = s->col[f];
    const uint32_t *tgt = s->tgt;
    for (uint32_t src = 0; src < g->n_rows; src++)
        for (uint64_t k = s->row[src].at; k < s->row[src + 1].at; k++)
            dst[position[k]] = from[field->kind == FIELD_PRE ? src : field->kind == FIELD_POST ? tgt[k] - s->first : field->uniform ? 0 : k];
}

/* Values of one variable of the synapses of one thread, to dst[position]. */
static void values(const Engine *e, const SynRec *r, const PlanVar *var, int thread, Frame fr, double *buffer, double *dst)
{
    const Group *g = &e->group[e->proj_group[r->plan->proj]];
    const Share *s = &g->share[thread];
    const uint32_t *position = r->position[thread];
    if (!g->plastic) {
        for (uint64_t k = 0; k < s->n; k++) dst[position[k]] = s->weight ? s->weight[k] : g->weight;
        return;
    }
    if (var->field >= 0) {
        column(e, g, s, var->field, position, dst);
        return;
    }
    const KernelFn *fn = &plastic_kernel(e, g)->fn[var->fn];
    double *const out[1] = {buffer};
    uint32_t row = 0;
    for (uint64_t at = 0, n; at < s->n; at += n) {
        while (s->row[row + 1].at <= at) row++;
        n = s->row[row + 1].at - at < ENGINE_BLOCK ? s->row[row + 1].at - at : ENGINE_BLOCK;
        point(e, g, s, at, (double **)(uintptr_t)fr.col);
        fr.tgt = (const uint32_t *)s->tgt + at;
        for (uint64_t k = 0; k < n; k++) ((uint32_t *)(uintptr_t)fr.src)[k] = row;
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
        if (!plan_due(&p->when, step)) continue;
        double *frame = engine_record_slot(e, &p->when, rec->frames, (size_t)p->n_vars * rec->n, w->turn, k, step);
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
            for (int t = 0; t < e->n_threads; t++) column(e, g, &g->share[t], f, position[t], all);
            visit(user, k->field[f].name, all, n, sizeof *all);
        }
        for (int t = 0; t < e->n_threads; t++) cx_free(position[t]);
        cx_free(position);
        cx_free(all);
    }
}
