/* Makes an engine of a plan: columns, parts of threads, stimuli, recorders; and what can be asked of
 * one. The connectivity is built in engine_build.c, the step is in engine_step.c. */
#include "agenda.h"

#include <math.h>
#include <string.h>

enum { NEURONS_A_THREAD = 2000 /* fewer are not worth a thread */, TILE_BYTES = 1 << 20 };

/* The number of selected neurons below `neuron`: where a selection is cut between threads. */
size_t engine_cut(const PlanSelect *s, uint32_t neuron)
{
    if (!s->index) return neuron <= s->lo ? 0 : neuron >= s->hi ? s->n : neuron - s->lo;
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->index[mid] < neuron) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* The columns that functions of Plan.kernel[kernel] read when they run for `pop`: its own, or none. */
double *const *engine_columns(const Engine *e, int pop, int kernel)
{
    if (kernel == e->plan->pop[pop].kernel) return e->pop[pop].col;
    if (agenda_columns(e, kernel)) return agenda_columns(e, kernel);
    if (e->plan->kernel[kernel]->n_fields) cx_bug("a kernel of attributes has columns");
    return NULL;
}

static size_t *cuts(const Engine *e, int pop, const PlanSelect *s)
{
    size_t *cut = cx_alloc((size_t)e->n_threads + 1, sizeof *cut, "engine");
    for (int t = 0; t <= e->n_threads; t++) cut[t] = engine_cut(s, e->pop[pop].part[t]);
    return cut;
}

static int choose_threads(const Plan *p, int wanted)
{
    if (wanted > 0) return wanted < ENGINE_MAX_THREADS ? wanted : ENGINE_MAX_THREADS;
    uint64_t neurons = 0;
    for (int k = 0; k < p->n_pops; k++)
        if (!p->pop[k].is_source) neurons += p->pop[k].n;
    uint64_t n = neurons / NEURONS_A_THREAD, cores = (uint64_t)os_cores();
    if (n > cores) n = cores;
    return n < 1 ? 1 : n > ENGINE_MAX_THREADS ? ENGINE_MAX_THREADS : (int)n;
}

/* Equal parts whose bounds are multiples of 64 neurons, or of 4 (the lanes of one block of random
 * words) where there are few. */
static void make_pop(Engine *e, int k)
{
    Pop *p = &e->pop[k];
    uint64_t n = e->plan->pop[k].n, threads = (uint64_t)e->n_threads, align = n >= 1024 * threads ? 64 : 4;
    p->plan = &e->plan->pop[k];
    p->kernel = p->plan->kernel < 0 ? NULL : e->plan->kernel[p->plan->kernel];
    p->key = rng_key(p->plan->has_key_seed ? p->plan->seed : e->plan->seed, p->plan->name);
    p->count_key = rng_key(p->key, "counts");
    p->part = cx_alloc(threads + 1, sizeof *p->part, "engine");
    for (uint64_t t = 0; t <= threads; t++) {
        uint64_t at = (n * t / threads + align - 1) / align * align;
        p->part[t] = (uint32_t)(at < n ? at : n);
    }
    if (p->plan->is_source && p->plan->fn_rate < 0 && p->plan->source_mean > 0)
        p->counts = rng_poisson_new(p->plan->source_mean);
    if (!p->kernel) return;
    cx_assert(p->kernel->abi == CORTEXC_KERNEL_ABI);
    p->col = cx_alloc((size_t)p->kernel->n_fields, sizeof *p->col, "state");
    for (int f = 0; f < p->kernel->n_fields; f++) {
        const KernelField *field = &p->kernel->field[f];
        if (field->kind == FIELD_LINK) continue; /* links_columns */
        p->col[f] = field->kind == FIELD_ACC ? e->zero : field->kind == FIELD_NETWORK ? agenda_column(e, field) : cx_alloc(field->uniform ? 1 : n, sizeof(double), "state");
    }
}

static void make_worker(Engine *e, int thread)
{
    Worker *w = &e->worker[thread];
    size_t n_pops = (size_t)e->plan->n_pops;
    w->engine = e;
    w->thread = thread;
    w->acc_at = cx_alloc(n_pops, sizeof *w->acc_at, "engine");
    w->col = cx_alloc(n_pops, sizeof *w->col, "engine");
    w->out = cx_alloc(ENGINE_BLOCK, sizeof *w->out, "engine");
    w->count = cx_alloc(ENGINE_BLOCK, sizeof *w->count, "engine");
    w->scratch = cx_alloc(1, e->scratch_bytes, "engine");
    for (size_t p = 0; p < n_pops; p++) {
        const Pop *pop = &e->pop[p];
        size_t n_fields = pop->kernel ? (size_t)pop->kernel->n_fields : 0, n = pop->part[thread + 1] - pop->part[thread];
        w->acc_at[p] = cx_alloc(n_fields, sizeof *w->acc_at[p], "engine");
        w->col[p] = cx_alloc(n_fields, sizeof *w->col[p], "engine");
        for (size_t f = 0; f < n_fields; f++) {
            if (pop->kernel->field[f].kind != FIELD_ACC) continue;
            w->acc_at[p][f] = (uint32_t)w->n_acc;
            w->n_acc += (n + 7) / 8 * 8;
        }
    }
    w->acc = cx_alloc(w->n_acc, sizeof *w->acc, "sums of events");
    for (size_t p = 0; p < n_pops; p++) {
        const Pop *pop = &e->pop[p];
        for (int f = 0; pop->kernel && f < pop->kernel->n_fields; f++) {
            /* Columns are addressed by the neuron's index, of which only the thread's part exists. */
            uintptr_t acc = (uintptr_t)(w->acc + w->acc_at[p][f]) - pop->part[thread] * sizeof(double);
            w->col[p][f] = pop->kernel->field[f].kind == FIELD_ACC ? (double *)acc : pop->col[f];
        }
    }
}

static bool make_stim(Engine *e, int k, Fail *f)
{
    Stim *s = &e->stim[k];
    const PlanStim *p = s->plan = &e->plan->stim[k];
    const PlanPop *tgt = &e->plan->pop[p->tgt];
    s->kind = stimulus_kinds[p->kind];
    s->key = rng_key(p->has_key_seed ? p->seed : e->plan->seed, p->name);
    s->count_key = rng_key(s->key, "counts");
    s->cut = cuts(e, p->tgt, &p->sel);
    s->same = p->weight_net < 0 ? &p->weight.value : agenda_value(e, p->weight_net);
    s->gain = p->gain_net < 0 ? NULL : agenda_value(e, p->gain_net);
    if (!s->kind->events) {
        e->pop[p->tgt].driven = true;
        e->pop[p->tgt].waits = e->pop[p->tgt].waits || p->after_arrivals;
        return true;
    }
    if (p->kind == STIM_POISSON && p->rate_fn < 0) {
        if (!(p->mean >= 0 && p->mean <= 1e9))
            return fail_set(f, EXIT_MODEL, "stimulus %s (%s): %g events a step are not between 0 and 1e9", p->name, p->place, p->mean);
        s->counts = rng_poisson_new(p->mean);
    }
    const PlanPort *port = &tgt->port[p->port];
    size_t n = p->weight.varies ? p->sel.n : 1;
    double *weight = cx_alloc(n, sizeof *weight, "stimuli");
    weight[0] = p->weight.value;
    if (p->weight.varies) {
        const KernelFn *fn = &e->plan->kernel[p->weight.kernel]->fn[p->weight.fn];
        uint32_t *i = cx_alloc(n, sizeof *i, "stimuli"), *mult = cx_alloc(n, sizeof *mult, "stimuli");
        for (size_t j = 0; j < n; j++) i[j] = engine_selected(&p->sel, j);
        Frame fr = {.t1 = e->plan->dt, .key = s->key, .src = i, .tgt = i, .mult = mult, .scratch = e->worker[0].scratch};
        double *const out[1] = {weight};
        fn->range(fn, &fr, 0, (int64_t)n, out);
        cx_free(i);
        cx_free(mult);
    }
    bool ok = true;
    for (size_t j = 0; ok && j < n; j++) {
        if (!isfinite(weight[j]))
            ok = fail_set(f, EXIT_MODEL, "stimulus %s (%s): the weight of neuron %u is not finite", p->name, p->place,
                          engine_selected(&p->sel, j));
        else if (weight[j] < 0 && port->non_negative)
            ok = fail_set(f, EXIT_MODEL, "stimulus %s (%s): neuron %u has weight %g into `%s`, which is declared non-negative",
                          p->name, p->place, engine_selected(&p->sel, j), weight[j], port->name);
    }
    if (p->weight.varies) s->weight = weight;
    else cx_free(weight);
    return ok;
}

static Spikes *make_lists(int window, int n, const char *what)
{
    Spikes *s = cx_alloc((size_t)window, sizeof *s, what);
    for (int k = 0; k < window; k++) s[k].end = cx_alloc((size_t)n, sizeof(size_t), what);
    return s;
}

static void free_lists(Spikes *s, int window)
{
    for (int k = 0; s && k < window; k++) {
        cx_free(s[k].id);
        cx_free(s[k].end);
    }
    cx_free(s);
}

/* Where nothing looks at states or events between two steps of a window, a block of neurons may take several steps
 * while it is in the first-level cache. Their sums should stay in the second. */
static void choose_tile(Engine *e)
{
    size_t most = 1;
    bool plain = !e->linked && !e->meet_arrivals && !e->n_channels && !e->plan->n_syn_recs;
    for (int k = 0; k < e->n_groups; k++) plain = plain && !e->group[k].plastic;
    for (int t = 0; t < e->n_threads; t++)
        if (e->worker[t].n_acc > most) most = e->worker[t].n_acc;
    size_t fit = TILE_BYTES / (most * sizeof(double));
    e->tile = !plain || fit < 1 ? 1 : fit < (size_t)e->window ? (int)fit : e->window;
}

static void make_tiles(Engine *e, Worker *w)
{
    size_t n_pops = (size_t)e->plan->n_pops;
    w->tile = cx_alloc((size_t)e->tile, sizeof *w->tile, "sums of events");
    w->tile[0] = (Tile){w->acc, w->col};
    for (int j = 1; j < e->tile; j++) {
        Tile *tile = &w->tile[j];
        tile->acc = cx_alloc(w->n_acc, sizeof *tile->acc, "sums of events");
        tile->col = cx_alloc(n_pops, sizeof *tile->col, "engine");
        for (size_t p = 0; p < n_pops; p++) {
            const Kernel *kernel = e->pop[p].kernel;
            int n_fields = kernel ? kernel->n_fields : 0;
            tile->col[p] = cx_alloc((size_t)n_fields, sizeof *tile->col[p], "engine");
            for (int f = 0; f < n_fields; f++) {
                double *first = w->tile[0].col[p][f];
                uintptr_t moved = (uintptr_t)first - (uintptr_t)w->tile[0].acc + (uintptr_t)tile->acc;
                tile->col[p][f] = kernel->field[f].kind == FIELD_ACC ? (double *)moved : first;
            }
        }
    }
}

static void free_tiles(Engine *e, Worker *w)
{
    for (int j = 1; w->tile && j < e->tile; j++) {
        cx_free(w->tile[j].acc);
        for (int p = 0; p < e->plan->n_pops; p++) cx_free(w->tile[j].col[p]);
        cx_free(w->tile[j].col);
    }
    if (w->tile) w->acc = w->tile[0].acc, w->col = w->tile[0].col;
    cx_free(w->tile);
}

static void make_buffers(Engine *e)
{
    engine_record_buffers(e);
    choose_tile(e);
    for (int t = 0; t < e->n_threads; t++) {
        make_tiles(e, &e->worker[t]);
        for (int j = 0; j < 2; j++) {
            e->worker[t].spikes[j] = make_lists(e->window, e->plan->n_pops, "spikes of a window");
            if (e->n_channels) e->worker[t].noted[j] = make_lists(e->window, e->n_channels, "events of a window");
        }
    }
}

static void init_states(Engine *e)
{
    for (int k = 0; k < e->plan->n_pops; k++) {
        const Pop *p = &e->pop[k];
        if (p->plan->fn_init < 0 || !p->plan->n) continue;
        const KernelFn *fn = &p->kernel->fn[p->plan->fn_init];
        Frame fr = {.col = p->col, .t1 = decimal_time(1, e->plan->dt), .key = p->key, .scratch = e->worker[0].scratch};
        fn->range(fn, &fr, 0, p->plan->n, NULL);
    }
}

/* What was drawn must lie in the range its declaration gives; names the first neuron where it does not. */
static bool check_ranges(Engine *e, Fail *f)
{
    for (int k = 0; k < e->plan->n_pops; k++) {
        const Pop *p = &e->pop[k];
        for (int q = 0; p->kernel && q < p->kernel->n_fns; q++) {
            const KernelFn *fn = &p->kernel->fn[q];
            if (fn->role != FN_RANGE) continue;
            const char *name = strchr(fn->name, '.') + 1;
            int field = 0;
            while (strcmp(p->kernel->field[field].name, name)) field++;
            Frame fr = {.col = p->col, .t1 = decimal_time(1, e->plan->dt), .key = p->key, .scratch = e->worker[0].scratch};
            double inside[256];
            for (uint32_t lo = 0; lo < p->plan->n; lo += 256) {
                uint32_t hi = p->plan->n - lo < 256 ? p->plan->n : lo + 256;
                fn->range(fn, &fr, lo, hi, (double *[]){inside});
                for (uint32_t i = lo; i < hi; i++)
                    if (inside[i - lo] == 0)
                        return fail_set(f, EXIT_MODEL, "`%s` of neuron %u of `%s` would start at %.10g %s, outside the range it is declared with", name, i,
                                        p->plan->name, p->col[field][i], p->kernel->field[field].unit ? p->kernel->field[field].unit : "");
            }
        }
    }
    return true;
}

/* The plan must outlive the engine. */
Engine *engine_new(const Plan *p, const EngineOptions *o, Fail *f)
{
    double start = os_now();
    Engine *e = cx_alloc(1, sizeof *e, "engine");
    uint32_t largest = 0;
    bool ok = true;
    e->plan = p;
    e->opt = *o;
    e->n_threads = choose_threads(p, o->threads);
    e->threads = threads_new(e->n_threads, f);
    if (!e->threads) {
        cx_free(e);
        return NULL;
    }
    e->scratch_bytes = 4096; /* which cx_alloc aligns to 64 bytes */
    for (int k = 0; k < p->n_kernels; k++)
        if (p->kernel[k]->scratch_bytes > e->scratch_bytes) e->scratch_bytes = p->kernel[k]->scratch_bytes;
    for (int k = 0; k < p->n_pops; k++)
        if (p->pop[k].n > largest) largest = p->pop[k].n;
    e->zero = cx_alloc(largest, sizeof *e->zero, "state");
    e->pop = cx_alloc((size_t)p->n_pops, sizeof *e->pop, "engine");
    e->rec = cx_alloc((size_t)p->n_recs, sizeof *e->rec, "engine");
    e->stim = cx_alloc((size_t)p->n_stims, sizeof *e->stim, "engine");
    e->worker = cx_alloc((size_t)e->n_threads, sizeof *e->worker, "engine");
    (void)agenda_new(e);
    for (int k = 0; k < p->n_pops; k++) make_pop(e, k);
    links_columns(e);
    e->syn_rec = cx_alloc((size_t)p->n_syn_recs, sizeof *e->syn_rec, "engine");
    for (int t = 0; t < e->n_threads; t++) make_worker(e, t);
    links_workers(e);
    for (int k = 0; k < p->n_recs; k++) engine_record_make(e, k);
    for (int k = 0; ok && k < p->n_stims; k++) ok = make_stim(e, k, f);
    if (!ok || !engine_build(e, f)) {
        engine_free(e);
        return NULL;
    }
    plastic_workers(e);
    continuous_order(e);
    for (int k = 0; k < p->n_syn_recs; k++) plastic_make_rec(e, k);
    agenda_synapses(e);
    make_buffers(e);
    init_states(e);
    for (int k = 0; k < p->n_pops; k++) prepare_pop(e, k);
    if (!check_ranges(e, f)) {
        engine_free(e);
        return NULL;
    }
    for (int k = 0; k < p->n_pops; k++)
        if (!p->pop[k].is_source) e->stats.neurons += p->pop[k].n;
    e->stats.threads = e->n_threads;
    e->stats.bytes_state = state_bytes(e);
    e->stats.build_s = os_now() - start;
    return e;
}

static bool stopped(const Engine *e)
{
    return e->opt.stop && *e->opt.stop;
}

/* Phase 1 of the time reached. */
static bool arrive(Engine *e, Fail *f)
{
    if (e->arrived) return true;
    threads_run(e->threads, engine_step_finish, e);
    e->arrived = true;
    return engine_step_arrived(e, f);
}

bool engine_run(Engine *e, int64_t steps, Fail *f)
{
    double start = os_now();
    if (steps <= 0 || e->failed) return !e->failed || fail_set(f, EXIT_MODEL, "the run has ended before");
    int64_t end = e->step + steps;
    e->fail = f;
    e->over = false;
    bool ok = true;
    while (ok && e->step < end && !e->over && !stopped(e)) {
        int64_t due = agenda_next(e, e->step, end);
        if (due == e->step) {
            ok = arrive(e, f);
            e->refused = ok && !agenda_run(e, &e->over, f);
            ok = ok && !e->refused;
            e->failed = e->failed || !ok;
            due = e->over || !ok ? e->step : agenda_next(e, e->step + 1, end);
        }
        if (due == e->step) continue;
        e->run_end = due;
        threads_run(e->threads, engine_step_run, e);
        e->step = e->run_end;
        e->arrived = false;
        ok = !e->failed;
    }
    e->fail = NULL;
    e->stats.run_s += os_now() - start;
    return !e->failed;
}

bool engine_begin(Engine *e, int run, Fail *f)
{
    e->over = false;
    if (agenda_begin(e, run, f)) return true;
    e->failed = e->refused = true;
    return false;
}

bool engine_refused(const Engine *e)
{
    return e->refused;
}

bool engine_over(const Engine *e)
{
    return e->over;
}

double engine_net(const Engine *e, int net)
{
    return *agenda_value(e, net);
}

void engine_finish(Engine *e)
{
    if (e->arrived || e->failed) return;
    threads_run(e->threads, engine_step_finish, e);
    e->arrived = true;
}

EngineStats engine_stats(const Engine *e)
{
    EngineStats s = e->stats;
    for (int t = 0; t < e->n_threads; t++) {
        s.events += e->worker[t].events;
        for (int k = 0; k < ENGINE_PARTS; k++) s.part_s[k] += e->worker[t].part_s[k] / e->n_threads;
    }
    return s;
}

EngineNan engine_nan(const Engine *e)
{
    return e->nan;
}

uint64_t engine_proj_synapses(const Engine *e, int proj)
{
    return e->proj_synapses[proj];
}

double engine_proj_bytes(const Engine *e, int proj)
{
    const Group *g = &e->group[e->proj_group[proj]];
    return g->n ? (double)g->bytes / (double)g->n : 0;
}

uint64_t engine_proj_autapses(const Engine *e, int proj)
{
    const PlanProj *p = &e->plan->proj[proj];
    RuleCall c = rule_call(rule_find(p->rule), p, "", "", e->plan->seed);
    uint64_t n = 0;
    for (uint32_t k = 0; k < p->src_sel.n; k++) n += rule_self(&c, &p->src_sel, &p->tgt_sel, k) != RULE_NONE;
    return n;
}

void engine_synapse_values(const Engine *e, int rec, int var, double *out)
{
    plastic_values(e, rec, var, out);
}

uint64_t engine_state_hash(const Engine *e, int pop)
{
    return state_hash(e, pop);
}

/* Accumulators show as zeros, which they are between steps. */
const double *engine_column(const Engine *e, int pop, int field)
{
    return e->pop[pop].col[field];
}

static void free_groups(Engine *e)
{
    for (int k = 0; k < e->n_groups; k++) {
        Group *g = &e->group[k];
        for (int t = 0; t < e->n_threads; t++) {
            Share *s = &g->share[t];
            for (uint32_t b = 0; s->seg && b < (g->n_rows + ROW_BLOCK - 1) / ROW_BLOCK; b++) cx_free(s->seg[b]);
            cx_free(s->seg);
            cx_free(s->row);
            cx_free(s->tgt);
            cx_free(s->weight);
            ring_free(&s->ring);
            if (g->plastic) plastic_free(e, g, s);
        }
        cx_free(g->share);
        vec_free(g->proj);
    }
    cx_free(e->group);
}

static void free_worker(Engine *e, Worker *w)
{
    free_tiles(e, w);
    for (int p = 0; p < e->plan->n_pops; p++) {
        cx_free(w->acc_at[p]);
        cx_free(w->col[p]);
    }
    for (int j = 0; j < 2; j++) {
        free_lists(w->spikes[j], e->window);
        free_lists(w->noted[j], e->window);
    }
    cx_free(w->acc_at);
    cx_free(w->col);
    cx_free(w->acc);
    cx_free(w->out);
    if (w->index) cx_free(w->index[0]);
    cx_free(w->index);
    cx_free(w->count);
    cx_free(w->scratch);
    for (int p = 0; w->fired && p < e->plan->n_pops; p++) {
        for (uint32_t k = 0; w->fired[p] && k < e->pop[p].heard_steps; k++) vec_free(w->fired[p][k]);
        cx_free(w->fired[p]);
    }
    cx_free(w->fired);
    for (int c = 0; w->came && c < e->n_channels; c++) {
        for (uint32_t k = 0; w->came[c] && k < e->channel[c].steps; k++) vec_free(w->came[c][k]);
        cx_free(w->came[c]);
    }
    cx_free(w->came);
    cx_free(w->syn_col);
    cx_free(w->syn_src);
    cx_free(w->syn_copy);
    cx_free(w->lanes);
    cx_free(w->syn_out);
}

void engine_free(Engine *e)
{
    if (!e) return;
    threads_free(e->threads);
    free_groups(e);
    procedural_free(e);
    for (int t = 0; t < e->n_threads; t++) free_worker(e, &e->worker[t]);
    for (int k = 0; k < e->plan->n_pops; k++) {
        Pop *p = &e->pop[k];
        for (int f = 0; p->kernel && f < p->kernel->n_fields; f++)
            if (p->kernel->field[f].kind != FIELD_ACC && p->kernel->field[f].kind != FIELD_NETWORK && p->kernel->field[f].kind != FIELD_LINK) cx_free(p->col[f]);
        cx_free(p->col);
        cx_free(p->part);
        if (p->counts) rng_poisson_free(p->counts);
        vec_free(p->flight);
    }
    engine_record_free(e);
    cx_free(e->syn_rec);
    agenda_free(e);
    for (int k = 0; k < e->plan->n_stims; k++) {
        cx_free(e->stim[k].cut);
        cx_free(e->stim[k].weight);
        if (e->stim[k].counts) rng_poisson_free(e->stim[k].counts);
    }
    cx_free(e->pop);
    cx_free(e->rec);
    cx_free(e->stim);
    cx_free(e->worker);
    cx_free(e->zero);
    cx_free(e->proj_synapses);
    cx_free(e->proj_weights);
    cx_free(e->proj_group);
    vec_free(e->gather);
    vec_free(e->channel);
    cx_free(e);
}
