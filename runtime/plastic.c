/* Synapses with state: each plastic projection keeps its rows for itself, and for every synapse the columns of its
 * model in double precision, numbered as they are stored. A thread owns the synapses onto its neurons, so handlers
 * write without locks and every synapse sees its events in the same order for any number of threads. */
#include "agenda.h"

#include <math.h>
#include <string.h>

enum {
    POST_BLOCK = 256, /* synapses that are worked at together, while as many are asked for */
    AHEAD = 3,        /* segments before it is worked at a segment is asked for, */
    MOST_ASKED = 64,  /* so many of its synapses at most */
    LINE = 64,        /* bytes */
};

static const PlanSynapse *model_of(const Engine *e, const Group *g)
{
    return &e->plan->proj[g->proj[0]].synapse;
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

/* ---- building ---- */

void plastic_room(const Engine *e, const Group *g, Share *s, int thread)
{
    const Kernel *k = plastic_kernel(e, g);
    s->col = cx_alloc((size_t)k->n_fields, sizeof *s->col, "synapses");
    for (int f = 0; f < k->n_fields; f++)
        if (plastic_own(&k->field[f])) {
            size_t n = room(e, g, s, &k->field[f], thread);
            s->col[f] = cx_alloc(n, sizeof(double), "synapses");
            os_large_pages(s->col[f], n * sizeof(double));
        }
    s->first = e->pop[e->plan->proj[g->proj[0]].tgt].part[thread];
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
                  const uint32_t *tgt, const uint32_t *mult, void *scratch, char *why, size_t size)
{
    const PlanProj *p = &e->plan->proj[g->proj[0]];
    const Kernel *k = plastic_kernel(e, g);
    const PlanPort *port = &e->plan->pop[p->tgt].port[p->port];
    if (!n) return true;
    double **col = cx_alloc((size_t)k->n_fields, sizeof *col, "synapses");
    for (int f = 0; f < k->n_fields; f++) col[f] = plastic_own(&k->field[f]) ? s->col[f] + (plastic_each(&k->field[f]) ? first : 0) : agenda_column(e, &k->field[f]);
    Frame fr = {.col = col, .key = key, .src = src, .tgt = tgt, .mult = mult, .scratch = scratch, .t1 = e->plan->dt};
    const KernelFn *init = &k->fn[p->synapse.fn_init];
    init->range(init, &fr, 0, (int64_t)n, NULL);
    bool ok = true;
    for (int f = 0; ok && f < k->n_fields; f++) {
        const KernelField *field = &k->field[f];
        if (!plastic_each(field) || field->kind == FIELD_HIDDEN) continue;
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

size_t plastic_bytes(const Engine *e, const Group *g, int thread)
{
    const Kernel *k = plastic_kernel(e, g);
    const Share *s = &g->share[thread];
    size_t bytes = (s->mult ? sizeof *s->mult : 0) * s->n + plastic_index_bytes(s->by_target) + ((s->n >> s->shift) + 2) * sizeof *s->near;
    for (int f = 0; f < k->n_fields; f++)
        if (plastic_own(&k->field[f])) bytes += room(e, g, s, &k->field[f], thread) * sizeof(double);
    return bytes;
}

void plastic_free(const Engine *e, const Group *g, Share *s)
{
    const Kernel *k = plastic_kernel(e, g);
    for (int f = 0; s->col && f < k->n_fields; f++) cx_free(s->col[f]);
    cx_free(s->col);
    cx_free(s->mult);
    cx_free(s->near);
    for (int h = 0; s->wait && h < model_of(e, g)->n_handlers; h++) {
        ring_free(&s->wait[h].late);
        cx_free(s->wait[h].count);
    }
    cx_free(s->wait);
    plastic_index_free(s->by_target);
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
        w->syn_src = cx_alloc(3 * ENGINE_BLOCK, sizeof *w->syn_src, "engine");
        w->syn_tgt = w->syn_src + ENGINE_BLOCK;
        w->syn_mult = w->syn_tgt + ENGINE_BLOCK;
        w->syn_copy = cx_alloc((size_t)n * ENGINE_BLOCK, sizeof *w->syn_copy, "engine");
        w->lanes = cx_alloc(2, sizeof *w->lanes, "engine");
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
    plastic_point(e, g, &g->share[thread], 0, col);
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

typedef struct Call { /* of a handler */
    Worker *w;
    const Group *g;
    const Share *s;
    const PlanHandler *h;
    const KernelFn *fn;
    Frame fr;
    uint32_t event; /* of those that a synapse may have in one step */
} Call;

static Call call_of(Worker *w, const Group *g, const PlanHandler *h, int64_t step, double t, double t1)
{
    plastic_point(w->engine, g, &g->share[w->thread], 0, w->syn_col);
    return (Call){w, g, &g->share[w->thread], h, &plastic_kernel(w->engine, g)->fn[h->fn],
                  {.col = w->syn_col, .step = step, .t = t, .t1 = t1, .src = w->syn_src, .tgt = w->syn_tgt, .scratch = w->scratch}, 0};
}

/* Another event of this step, of those that one synapse may have in it: it draws numbers of its own. */
static void number(Call *c, uint32_t event)
{
    if (c->h->draws) c->fr.key = rng_event(c->g->key, c->fr.step, event);
}

/* Points the call, whose ends are known, at the synapses from `at` on. */
static void aim(Call *c, uint64_t at)
{
    const Kernel *k = plastic_kernel(c->w->engine, c->g);
    for (int f = 0; f < k->n_fields; f++)
        if (plastic_each(&k->field[f])) c->w->syn_col[f] = c->s->col[f] + at;
    if (c->s->mult) c->fr.mult = c->s->mult + at;
}

/* Runs the handler for n lanes. What it adds to sums of the targets is added in their order. */
static void arrive(Call *c, size_t n)
{
    Worker *w = c->w;
    int tgt = w->engine->plan->proj[c->g->proj[0]].tgt;
    double *out[PLAN_SUMS];
    for (int q = 0; q < c->h->n_sums; q++) out[q] = w->syn_out + q * ENGINE_BLOCK;
    c->fn->range(c->fn, &c->fr, 0, (int64_t)n, out);
    for (int q = 0; q < c->h->n_sums; q++) {
        double *acc = w->col[tgt][c->h->sum[q]];
        for (size_t j = 0; j < n; j++) acc[w->syn_tgt[j]] += out[q][j];
    }
}

/* The m synapses of a source from `at` on. */
static void arrive_long(Call *c, uint64_t at, uint64_t m, uint32_t src)
{
    for (uint64_t j = 0; j < m && j < ENGINE_BLOCK; j++) c->w->syn_src[j] = src;
    for (uint64_t n; m; at += n, m -= n) {
        n = m < ENGINE_BLOCK ? m : ENGINE_BLOCK;
        aim(c, at);
        plastic_targets(c->g, c->s, at, n, c->w->syn_tgt);
        arrive(c, n);
    }
}

/* Copies a column of the synapses of n segments to `lane`, or back. */
static void carry(double *column, const uint64_t *item, size_t n, double *lane, bool back)
{
    for (size_t k = 0; k < n; k++) {
        size_t m = item[k] & 0xffff;
        double *stored = column + (item[k] >> 16);
        for (size_t j = 0; j < m; j++) *(back ? &stored[j] : &lane[j]) = back ? lane[j] : stored[j];
        lane += m;
    }
}

/* The same for n short segments, none of them twice, of ENGINE_BLOCK synapses at most: their columns are copied
 * together, so that there is one call for all. */
static void arrive_short(Call *c, const uint64_t *item, size_t n, const uint32_t *src)
{
    Worker *w = c->w;
    const Share *s = c->s;
    const Kernel *kernel = plastic_kernel(w->engine, c->g);
    const uint8_t *use = c->h->use;
    size_t lanes = 0;
    for (size_t k = 0; k < n; k++) {
        uint64_t at = item[k] >> 16, m = item[k] & 0xffff;
        plastic_targets(c->g, s, at, m, w->syn_tgt + lanes);
        for (size_t j = 0; j < m; j++) w->syn_src[lanes + j] = src[k];
        for (size_t j = 0; s->mult && j < m; j++) w->syn_mult[lanes + j] = s->mult[at + j];
        lanes += m;
    }
    if (s->mult) c->fr.mult = w->syn_mult;
    for (int f = 0; f < kernel->n_fields; f++) {
        if (!plastic_each(&kernel->field[f])) continue;
        w->syn_col[f] = w->syn_copy + (size_t)f * ENGINE_BLOCK;
        if (!use || use[f] & PLAN_READS) carry(s->col[f], item, n, w->syn_col[f], false);
    }
    arrive(c, lanes);
    for (int f = 0; f < kernel->n_fields; f++)
        if (plastic_each(&kernel->field[f]) && (!use || use[f] & PLAN_WRITES)) carry(s->col[f], item, n, w->syn_col[f], true);
}

/* The handler for n segments, of `lanes` synapses in all, whose sources are w->lanes->src; what sources keep changes when
 * all of their synapses are through: there is one delay then. */
static void work_at(Call *c, const uint64_t *item, size_t n, size_t lanes)
{
    const uint32_t *src = c->w->lanes->src;
    number(c, c->event);
    if (n > 1 && lanes <= ENGINE_BLOCK) arrive_short(c, item, n, src);
    else
        for (size_t k = 0; k < n; k++) arrive_long(c, item[k] >> 16, item[k] & 0xffff, src[k]);
    for (size_t k = 0; c->h->trace >= 0 && k < n; k++) {
        const KernelFn *trace = &plastic_kernel(c->w->engine, c->g)->fn[c->h->trace];
        if ((item[k] >> 16) + (item[k] & 0xffff) == c->s->row[src[k] + 1].at) trace->range(trace, &c->fr, src[k], src[k] + 1, NULL);
    }
}

/* Asks for the beginning of a segment. */
static void ask_for_range(const Call *c, uint64_t at, uint64_t m)
{
    const Kernel *k = plastic_kernel(c->w->engine, c->g);
    size_t size = c->g->wide ? 4 : 2, most = m < MOST_ASKED ? m : MOST_ASKED;
    for (size_t j = 0; j < most; j += LINE / size) __builtin_prefetch((const char *)c->s->tgt + (at + j) * size);
    for (int f = 0; f < k->n_fields; f++) {
        if (!plastic_each(&k->field[f]) || (c->h->use && !c->h->use[f])) continue;
        for (size_t j = 0; j < most; j += LINE / sizeof(double)) __builtin_prefetch(&c->s->col[f][at + j], 1);
    }
}

/* `on pre` for the segments of one bucket. A source with several spikes in a step has the same segments again; a segment
 * of more than 65535 synapses stands in pieces. */
static void arrivals(Call *c, const Bucket *b)
{
    uint32_t event = 0;
    uint64_t first = UINT64_MAX, piece = UINT64_MAX;
    size_t from = 0, n = 0; /* the segments from there on, of n synapses, are to be worked at */
    for (size_t k = 0; k < b->n; k++) {
        uint64_t at = b->item[k] >> 16, m = b->item[k] & 0xffff;
        uint32_t src = plastic_row(c->s, at);
        if (k + AHEAD < b->n) ask_for_range(c, b->item[k + AHEAD] >> 16, b->item[k + AHEAD] & 0xffff);
        if (at == first) event++;
        else if (at != piece) {
            first = at;
            event = 0;
        }
        piece = m == 0xffff ? at + m : UINT64_MAX;
        if (k > from && (event || event != c->event || n + m > ENGINE_BLOCK)) {
            work_at(c, b->item + from, k - from, n);
            from = k;
            n = 0;
        }
        n += m;
        c->event = event;
        c->w->lanes->src[k - from] = src;
    }
    if (n) work_at(c, b->item + from, b->n - from, n);
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

/* Asks for what the call will need of the synapses. */
static void ask_for(const Call *c, const PlasticLanes *x)
{
    const Kernel *k = plastic_kernel(c->w->engine, c->g);
    for (int f = 0; f < k->n_fields; f++) {
        if (!plastic_each(&k->field[f]) || (c->h->use && !c->h->use[f])) continue;
        const double *column = c->s->col[f];
        for (size_t j = 0; j < x->n; j++) __builtin_prefetch(&column[x->at[j]], 1);
    }
}

/* The handler for all synapses onto n neurons: blocks of synapses, of which the next is on its way from memory while one
 * is worked at. */
static void follow(Call *c, const uint32_t *neuron, size_t n)
{
    Worker *w = c->w;
    const PlasticIndex *index = c->s->by_target;
    bool sources = model_of(w->engine, c->g)->needs_source;
    PlasticLanes *next = &w->lanes[0], *now = &w->lanes[1];
    PlasticCursor at = {0};
    now->n = 0;
    for (size_t k = 0; k < n || at.next < at.end || now->n;) {
        next->n = 0;
        while (next->n < POST_BLOCK && (k < n || at.next < at.end)) {
            if (at.next == at.end) at = plastic_index_find(c->s, neuron[k++]);
            plastic_index_read(index, &at, sources, POST_BLOCK, next);
        }
        ask_for(c, next);
        if (now->n) {
            c->fr.src = now->src;
            c->fr.tgt = now->tgt;
            plastic_copy(w, c->g, c->s, c->h->use, now->at, now->n, &c->fr);
            c->fn->range(c->fn, &c->fr, 0, (int64_t)now->n, NULL);
            plastic_back(w, c->g, c->s, c->h->use, now->at, now->n);
        }
        PlasticLanes *done = now;
        now = next;
        next = done;
    }
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
            follow(&c, fired, vec_len(fired));
            if (h->trace < 0) continue;
            plastic_point(e, g, s, 0, w->syn_col);
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
                for (uint32_t event = 0; event < *count; event++) {
                    number(&c, event);
                    for (uint64_t at = 0, n; at < s->n; at += n) {
                        n = s->n - at < ENGINE_BLOCK ? s->n - at : ENGINE_BLOCK;
                        plastic_aim(w, g, s, at, n, &c.fr);
                        c.fn->range(c.fn, &c.fr, 0, (int64_t)n, NULL);
                    }
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
