/* The step. Every thread does all phases for its own neurons, a window of steps at a time; then all
 * meet, note each other's spikes in their rings, and thread 0 hands the window's results on while
 * the others go ahead: whatever is shared is kept twice, in turn. */
#include "agenda.h"

#include <math.h>
#include <string.h>

void engine_step_fault(Worker *w, int64_t step, const char *fmt, ...)
{
    Trouble *tr = &w->trouble[w->turn];
    va_list ap;
    if (tr->fault && tr->step <= step) return;
    tr->fault = true;
    tr->step = step;
    tr->fail.exit_code = EXIT_MODEL;
    va_start(ap, fmt);
    vsnprintf(tr->fail.text, sizeof tr->fail.text, fmt, ap);
    va_end(ap);
}

/* What was done since the last call belongs to `part`. */
static inline void spent(Worker *w, EnginePart part)
{
    if (!w->engine->opt.profile) return;
    double now = os_now();
    w->part_s[part] += now - w->since;
    w->since = now;
}

static void meet(Worker *w)
{
    threads_meet(w->engine->threads);
    spent(w, ENGINE_WAIT);
}

static const KernelFn *pop_fn(const Pop *p, int fn)
{
    return fn < 0 ? NULL : &p->kernel->fn[fn];
}

static Frame pop_frame(const Worker *w, int pop, int64_t step, double t, double t1)
{
    return (Frame){.col = w->col[pop], .step = step, .t = t, .t1 = t1, .key = w->engine->pop[pop].key, .scratch = w->scratch};
}

/* ---- phase 1 ---- */

static void sum_events(Worker *w, int64_t step, double t, double t1)
{
    Engine *e = w->engine;
    for (int k = 0; k < e->n_groups; k++) {
        const Group *g = &e->group[k];
        w->events += g->plastic      ? plastic_deliver(w, g, step, t, t1)
                     : g->procedural ? procedural_deliver(e, g, w->thread, step, w->acc)
                                     : ring_deliver(g, &g->share[w->thread], step, w->acc);
    }
    spent(w, ENGINE_DELIVERY);
    for (int k = 0; k < e->plan->n_stims; k++) {
        const Stim *s = &e->stim[k];
        if (s->kind->events && step >= s->plan->start && step < s->plan->stop) s->kind->events(w, s, step, t, t1);
    }
    spent(w, ENGINE_RANDOM);
    plastic_post(w, step, t, t1);
    plastic_events(w, step, t, t1);
    spent(w, ENGINE_DELIVERY);
    if (e->meet_arrivals) meet(w);
}

/* ---- phase 2 ---- */

static void drive(Worker *w, int64_t step, double t, double t1, int pop)
{
    Engine *e = w->engine;
    for (int k = 0; k < e->plan->n_stims; k++) {
        const Stim *s = &e->stim[k];
        if (s->plan->tgt == pop && s->kind->inputs && step >= s->plan->start && step < s->plan->stop)
            s->kind->inputs(w, s, step, t, t1);
    }
}

/* ---- phases 3 and 4 ---- */

static void reserve(Spikes *s, size_t more)
{
    if (s->n + more <= s->cap) return;
    s->cap = 2 * s->cap > s->n + more ? 2 * s->cap : s->n + more;
    s->id = cx_realloc(s->id, s->cap, sizeof *s->id, "spikes of a window");
}

/* The first of n lanes that is false, or n. */
static uint32_t first_false(const double *out, uint32_t n)
{
    uint32_t k = 0;
    while (k < n && out[k] != 0) k++;
    return k;
}

static void not_finite(Worker *w, int64_t step, int pop, uint32_t neuron)
{
    const Pop *p = &w->engine->pop[pop];
    EngineNan *nan = &w->trouble[w->turn].nan;
    int field = -1;
    for (int f = p->kernel->n_fields - 1; f >= 0; f--)
        if (p->kernel->field[f].kind == FIELD_STATE && !isfinite(p->col[f][p->kernel->field[f].uniform ? 0 : neuron])) field = f;
    *nan = (EngineNan){.hit = true, .pop = pop, .field = field, .neuron = neuron, .step = step};
}

/* The events of t_n into the variables of one population. */
static void arrive(Worker *w, int64_t step, double t, double t1, int pop)
{
    const Pop *p = &w->engine->pop[pop];
    const KernelFn *fn = pop_fn(p, p->plan->fn_arrive);
    uint32_t lo = p->part[w->thread], hi = p->part[w->thread + 1];
    Frame fr = pop_frame(w, pop, step, t, t1);
    if (fn && lo < hi) fn->range(fn, &fr, lo, hi, NULL);
}

/* What is recorded of a population at t_n. */
static void record(Worker *w, int k, int64_t step, double t, double t1, int pop, const KernelFn *arrive)
{
    Frame fr = pop_frame(w, pop, step, t, t1);
    engine_record_frames(w, k, pop, &fr, arrive);
}

/* Phases 1 to 3 up to the integration where others are read: all variables first, then all inputs. */
static void link_neurons(Worker *w, int k, int64_t step, double t, double t1, bool arrived)
{
    const Engine *e = w->engine;
    for (int p = 0; !arrived && p < e->plan->n_pops; p++) arrive(w, step, t, t1, p);
    spent(w, ENGINE_UPDATE);
    meet(w);
    plastic_record(w, k, step, t, t1);
    for (int p = 0; p < e->plan->n_pops; p++)
        if (e->pop[p].driven) drive(w, step, t, t1, p);
    spent(w, ENGINE_UPDATE);
    continuous_step(w, step, t, t1);
    spent(w, ENGINE_DELIVERY);
    for (int p = 0; p < e->plan->n_pops; p++)
        if (e->pop[p].recorded) record(w, k, step, t, t1, p, NULL);
    spent(w, ENGINE_UPDATE);
    meet(w);
}

/* Neurons lo to below lo + n, each divides the step into as many parts as it wants. */
static void step_parts(Worker *w, const Pop *p, const Frame *fr, uint32_t lo, uint32_t n)
{
    const KernelFn *parts = pop_fn(p, p->plan->fn_parts), *part = pop_fn(p, p->plan->fn_part);
    parts->range(parts, fr, lo, lo + n, (double *[]){w->out});
    for (uint32_t k = 0, left = n; left; k++) {
        left = 0;
        for (uint32_t j = 0; j < n; j++)
            if (w->out[j] > k) w->count[left++] = lo + j;
        if (left == n) part->range(part, fr, lo, lo + n, NULL);
        else if (left) part->list(part, fr, w->count, left, NULL);
    }
}

/* Is trouble of this step and population news? The first in time, population and neuron is told. */
static bool news(const EngineNan *nan, int64_t step, int pop)
{
    return !nan->hit || step < nan->step || (step == nan->step && pop < nan->pop);
}

/* Equations, spikes and resets of the n neurons from `lo` on. */
static void step_block(Worker *w, Spikes *spikes, const KernelFn *pass, const Frame *before, int pop, uint32_t lo, uint32_t n)
{
    const Pop *p = &w->engine->pop[pop];
    const KernelFn *reset = pop_fn(p, p->plan->fn_reset), *check = pop_fn(p, p->plan->fn_check);
    bool finite = true;
    Frame after = *before;
    after.t = before->t1;
    reserve(spikes, n);
    uint32_t *hit = spikes->id + spikes->n;
    size_t hits = pass->pass(pass, before, lo, lo + n, hit, &finite);
    spikes->n += hits;
    if (hits) {
        if (p->watched) engine_record_spikes(w, pop, &after, hit, hits, false);
        if (reset) reset->list(reset, &after, hit, (int64_t)hits, NULL);
        if (p->watched) engine_record_spikes(w, pop, &after, hit, hits, true);
    }
    if (!check || (finite && !(hits && reset)) || !news(&w->trouble[w->turn].nan, before->step, pop)) return;
    /* What a reset has mended is no trouble, and what it has spoilt is. */
    double *const out[1] = {w->out};
    if (finite) check->list(check, &after, hit, (int64_t)hits, out);
    else check->range(check, &after, lo, lo + n, out);
    uint32_t n_out = finite ? (uint32_t)hits : n, bad = first_false(w->out, n_out);
    if (bad < n_out) not_finite(w, before->step, pop, finite ? hit[bad] : lo + bad);
}

static void step_neurons(Worker *w, Spikes *spikes, int k, int64_t step, double t, double t1, int pop, bool arrived)
{
    const Pop *p = &w->engine->pop[pop];
    bool linked = w->engine->linked; /* link_neurons came before */
    uint32_t lo = p->part[w->thread], hi = p->part[w->thread + 1];
    if (lo == hi) return;
    if (!arrived && !linked && (p->waits || p->plan->fn_parts >= 0)) {
        arrive(w, step, t, t1, pop);
        arrived = true;
    }
    const KernelFn *pass = pop_fn(p, arrived || linked ? p->plan->fn_tail : p->plan->fn_pass);
    Frame before = pop_frame(w, pop, step, t, t1);
    size_t before_all = spikes->n;
    if (p->driven && !linked) drive(w, step, t, t1, pop);
    if (p->recorded && !linked) record(w, k, step, t, t1, pop, arrived ? NULL : pop_fn(p, p->plan->fn_arrive));
    for (uint32_t n; lo < hi && pass; lo += n) {
        n = hi - lo < ENGINE_BLOCK ? hi - lo : ENGINE_BLOCK;
        if (p->plan->fn_parts >= 0) step_parts(w, p, &before, lo, n);
        step_block(w, spikes, pass, &before, pop, lo, n);
    }
    if (p->heard) plastic_fired(w, pop, step, spikes->id + before_all, spikes->n - before_all);
}

/* May a block of neurons take several steps one after the other? */
static bool by_tile(const Pop *p)
{
    return !p->plan->is_source && !p->driven && !p->recorded && !p->watched && !p->heard && p->plan->fn_parts < 0;
}

/* The m steps from `step` on, whose times are t[0] to t[m], block by block. */
static void step_tile(Worker *w, Spikes *spikes, int m, int64_t step, const double *t, int pop, bool arrived)
{
    enum { BLOCK = 256 };
    const Pop *p = &w->engine->pop[pop];
    uint32_t lo = p->part[w->thread], hi = p->part[w->thread + 1];
    if (p->plan->fn_pass < 0) return;
    for (uint32_t n; lo < hi; lo += n) {
        n = hi - lo < BLOCK ? hi - lo : BLOCK;
        for (int j = 0; j < m; j++) {
            Frame before = {.col = w->tile[j].col[pop], .step = step + j, .t = t[j], .t1 = t[j + 1], .key = p->key, .scratch = w->scratch};
            const KernelFn *pass = pop_fn(p, arrived && j == 0 ? p->plan->fn_tail : p->plan->fn_pass);
            step_block(w, &spikes[j], pass, &before, pop, lo, n);
        }
    }
}

/* The neurons of this thread that had other events in this step, behind its end. */
static void note_events(Worker *w, int k, int64_t step)
{
    const Engine *e = w->engine;
    if (!e->n_channels) return;
    Spikes *s = &w->noted[w->turn][k];
    for (int c = 0; c < e->n_channels; c++) {
        const Pop *p = &e->pop[e->channel[c].pop];
        uint32_t lo = p->part[w->thread], hi = p->part[w->thread + 1];
        size_t first = s->n;
        reserve(s, hi - lo);
        s->n += kernel_hits(p->col[e->channel[c].field] + lo, lo, hi - lo, s->id + s->n);
        s->end[c] = s->n;
        if (e->channel[c].steps) plastic_came(w, c, step, s->id + first, s->n - first);
    }
}

/* How many spikes each of n neurons of a source has at the end of this step; false after a fault. */
static bool count_spikes(Worker *w, const Frame *fr, int pop, uint32_t lo, uint32_t n)
{
    const Pop *p = &w->engine->pop[pop];
    const KernelFn *rate = pop_fn(p, p->plan->fn_rate);
    bool counts = p->plan->rate_counts;
    double dt = w->engine->plan->dt;
    int64_t step = fr->step;
    if (!rate) {
        rng_poisson_range(p->counts, p->count_key, lo, step, (int)n, w->count);
        return true;
    }
    rate->range(rate, fr, lo, lo + n, (double *[]){w->out});
    uint32_t bad = 0;
    if (counts) {
        while (bad < n && w->out[bad] >= 0 && w->out[bad] <= 1e9) {
            w->count[bad] = (uint32_t)w->out[bad];
            bad++;
        }
    } else {
        for (uint32_t k = 0; k < n; k++) w->out[k] *= dt;
        bad = (uint32_t)rng_poisson_means(p->count_key, lo, step, (int)n, w->out, w->count);
    }
    if (bad < n)
        engine_step_fault(w, step, "neuron %u of %s has a rate of %g/ms at %.15g ms", lo + bad, p->plan->name, w->out[bad] / dt,
                          fr->t);
    return bad == n;
}

/* As many spikes of neurons lo, lo + 1, … as counted. Most are silent, so eight are looked at together; the buffer holds
 * whole groups of eight. */
static void send_counts(Spikes *spikes, uint32_t *count, uint32_t lo, uint32_t n)
{
    for (uint32_t k = n; k % 8; k++) count[k] = 0;
    for (uint32_t k = 0; k < n; k += 8) {
        uint64_t pair[4];
        memcpy(pair, count + k, sizeof pair);
        if (!(pair[0] | pair[1] | pair[2] | pair[3])) continue;
        for (uint32_t j = k; j < k + 8; j++) {
            if (!count[j]) continue;
            reserve(spikes, count[j]);
            for (uint32_t q = count[j]; q > 0; q--) spikes->id[spikes->n++] = lo + j;
        }
    }
}

static void step_source(Worker *w, Spikes *spikes, int64_t step, double t, double t1, int pop)
{
    const Pop *p = &w->engine->pop[pop];
    const PlanEvents *list = &p->plan->list;
    uint32_t lo = p->part[w->thread], hi = p->part[w->thread + 1];
    for (size_t k = plan_events_from(list, step); k < list->n && list->step[k] == step; k++) {
        if (list->index[k] < lo || list->index[k] >= hi) continue;
        reserve(spikes, 1);
        spikes->id[spikes->n++] = list->index[k];
    }
    if (p->plan->fn_rate < 0 && !p->counts) return;
    Frame fr = pop_frame(w, pop, step, t, t1);
    for (uint32_t n; lo < hi; lo += n) {
        n = hi - lo < ENGINE_BLOCK ? hi - lo : ENGINE_BLOCK;
        if (!count_spikes(w, &fr, pop, lo, n)) return;
        send_counts(spikes, w->count, lo, n);
    }
}

/* ---- between windows ---- */

static const uint32_t *spikes_of(const Engine *e, int thread, int turn, int k, int pop, size_t *n)
{
    const Spikes *s = &e->worker[thread].spikes[turn][k];
    size_t from = pop ? s->end[pop - 1] : 0;
    *n = s->end[pop] - from;
    return s->id ? s->id + from : NULL;
}

static const uint32_t *noted_of(const Engine *e, int thread, int turn, int k, int channel, size_t *n)
{
    const Spikes *s = &e->worker[thread].noted[turn][k];
    size_t from = channel ? s->end[channel - 1] : 0;
    *n = s->end[channel] - from;
    return s->id ? s->id + from : NULL;
}

static void post(Worker *w, int turn, int64_t step, int n)
{
    Engine *e = w->engine;
    for (int g = 0; g < e->n_groups; g++) {
        const Group *group = &e->group[g];
        Share *share = &group->share[w->thread];
        if (!share->n && !group->procedural) continue;
        for (int k = 0; k < n; k++) {
            for (int t = 0; t < e->n_threads; t++) {
                size_t count;
                const uint32_t *id = spikes_of(e, t, turn, k, group->src, &count);
                if (count && group->procedural) procedural_post(e, group, w->thread, step + k, id, count);
                else if (count && !group->silent) ring_post(group, share, &share->ring, step + k, id, count);
                for (int p = 0; group->listens && p < e->plan->n_pops; p++) {
                    id = spikes_of(e, t, turn, k, p, &count);
                    if (count) plastic_note(e, group, share, p, -1, step + k, id, count);
                }
                for (int c = 0; group->plastic && c < e->n_channels; c++) {
                    id = noted_of(e, t, turn, k, c, &count);
                    if (count) plastic_note(e, group, share, e->channel[c].pop, e->channel[c].field, step + k, id, count);
                    if (count) plastic_send(e, group, share, c, step + k, id, count);
                }
            }
        }
    }
}

static void keep_flight(Pop *p, int64_t step, const uint32_t *id, size_t n)
{
    for (size_t k = 0; k < n; k++) vec_push(p->flight, ((Flight){step, id[k]}));
}

static void drop_flight(Pop *p, int64_t now)
{
    size_t n = vec_len(p->flight);
    while (p->flight_head < n && p->flight[p->flight_head].step + 1 + (int64_t)p->max_delay < now) p->flight_head++;
    if (p->flight_head > n / 2) {
        memmove(p->flight, p->flight + p->flight_head, (n - p->flight_head) * sizeof *p->flight);
        vec_head(p->flight)->len = n - p->flight_head;
        p->flight_head = 0;
    }
}

/* Between two steps at which blocks run the numbers of the network stay as they are. */
static bool give_network(Engine *e, int64_t step)
{
    for (int r = 0; r < e->plan->n_net_recs; r++) {
        const PlanNetRec *p = &e->plan->net_rec[r];
        if (!plan_due(&p->when, step)) continue;
        for (int s = 0; s < e->opt.n_sinks; s++) {
            Sink *sink = e->opt.sink[s];
            if (sink->network && !sink->network(sink, r, step, *agenda_value(e, p->net), e->fail)) return false;
        }
    }
    return true;
}

static bool give_spikes(Engine *e, int turn, int64_t step, int k)
{
    for (int p = 0; p < e->plan->n_pops; p++) {
        Pop *pop = &e->pop[p];
        size_t total = 0, n = 0;
        const uint32_t *id = NULL;
        vec_clear(e->gather);
        for (int t = 0; t < e->n_threads; t++) {
            const uint32_t *list = spikes_of(e, t, turn, k, p, &n);
            if (!n) continue;
            if (pop->sends) keep_flight(pop, step, list, n);
            total += n;
            if (n == total) {
                id = list;
                continue;
            }
            if (!vec_len(e->gather)) {
                vec_extend(e->gather, total - n);
                memcpy(e->gather, id, (total - n) * sizeof *id);
            }
            vec_extend(e->gather, n);
            memcpy(e->gather + total - n, list, n * sizeof *list);
            id = e->gather;
        }
        e->stats.spikes += total;
        if (!total) continue;
        if (e->plan->n_tallies) agenda_spikes(e, p, step + 1, id, total);
        for (int s = 0; s < e->opt.n_sinks; s++) {
            Sink *sink = e->opt.sink[s];
            if (sink->spikes && !sink->spikes(sink, p, step + 1, id, total, e->fail)) return false;
        }
    }
    return true;
}

/* The earliest trouble of a window: by step, then a fault (phase 1) before a value that is not
 * finite (phase 4), then population and neuron. NULL when there was none. */
static const Trouble *first_trouble(const Engine *e, int turn)
{
    const Trouble *best = NULL;
    for (int t = 0; t < e->n_threads; t++) {
        const Trouble *tr = &e->worker[t].trouble[turn];
        if (!tr->fault && !tr->nan.hit) continue;
        if (!best) {
            best = tr;
            continue;
        }
        int64_t a = tr->fault && (!tr->nan.hit || tr->step <= tr->nan.step) ? 2 * tr->step : 2 * tr->nan.step + 1;
        int64_t b = best->fault && (!best->nan.hit || best->step <= best->nan.step) ? 2 * best->step : 2 * best->nan.step + 1;
        if (a < b || (a == b && a % 2 && (tr->nan.pop < best->nan.pop ||
                                          (tr->nan.pop == best->nan.pop && tr->nan.neuron < best->nan.neuron))))
            best = tr;
    }
    return best;
}

static void say_not_finite(Engine *e, EngineNan nan)
{
    const Pop *p = &e->pop[nan.pop];
    e->nan = nan;
    e->failed = true;
    fail_set(e->fail, EXIT_MODEL, "%s of neuron %u of %s is not finite at %.15g ms",
             nan.field < 0 ? "a state" : p->kernel->field[nan.field].name, nan.neuron, p->plan->name,
             decimal_time(nan.step + 1, e->plan->dt));
}

/* Thread 0, behind the meeting: hands n steps from `step` on to the sinks. */
static void give(Engine *e, int turn, int64_t step, int n)
{
    const Trouble *tr = first_trouble(e, turn);
    if (e->failed) return;
    bool fault = tr && tr->fault && (!tr->nan.hit || tr->step <= tr->nan.step);
    int64_t end = !tr ? step + n : fault ? tr->step : tr->nan.step + 1;
    for (int k = 0; step + k < end; k++) {
        if (!engine_record_give(e, turn, step + k, k) || !give_network(e, step + k) || !give_spikes(e, turn, step + k, k)) {
            e->failed = true;
            return;
        }
        e->stats.steps++;
    }
    if (fault) {
        *e->fail = tr->fail;
        e->failed = true;
    } else if (tr) {
        say_not_finite(e, tr->nan);
    }
    for (int p = 0; p < e->plan->n_pops; p++)
        if (e->pop[p].sends) drop_flight(&e->pop[p], step + n);
    if (e->opt.progress) {
        double now = os_now();
        if (now - e->last_progress >= 0.1) {
            int64_t total = 0;
            for (int k = 0; k < e->plan->n_runs; k++) total += e->plan->run[k].steps;
            e->opt.progress(e->opt.user, step + n, total > e->run_end ? total : e->run_end, e->stats.spikes);
            e->last_progress = now;
        }
    }
}

/* From now on sums are those of the j-th step of a tile. */
static void turn_to(Worker *w, int j)
{
    w->acc = w->tile[j].acc;
    w->col = w->tile[j].col;
}

/* The steps k to k + m - 1 of a window; `step` is the first of them, t[0] to t[m] are their times. */
static void take_steps(Worker *w, int k, int m, int64_t step, const double *t, bool arrived)
{
    Engine *e = w->engine;
    Spikes *spikes = &w->spikes[w->turn][k];
    for (int j = 0; j < m; j++) {
        turn_to(w, j);
        if (!arrived || j > 0) sum_events(w, step + j, t[j], t[j + 1]);
    }
    turn_to(w, 0);
    if (e->linked) link_neurons(w, k, step, t[0], t[1], arrived);
    else plastic_record(w, k, step, t[0], t[1]);
    for (int p = 0; p < e->plan->n_pops; p++) {
        if (m > 1 && by_tile(&e->pop[p])) step_tile(w, spikes, m, step, t, p, arrived);
        else
            for (int j = 0; j < m; j++) {
                turn_to(w, j);
                if (e->plan->pop[p].is_source) step_source(w, &spikes[j], step + j, t[j], t[j + 1], p);
                else step_neurons(w, &spikes[j], k + j, step + j, t[j], t[j + 1], p, arrived && j == 0);
            }
        spent(w, e->plan->pop[p].is_source ? ENGINE_RANDOM : ENGINE_UPDATE);
        for (int j = 0; j < m; j++) spikes[j].end[p] = spikes[j].n;
    }
    turn_to(w, 0);
    note_events(w, k, step);
}

/* The loop of one thread from e->step to e->run_end. Thread 0 leaves e->step where it came to. */
void engine_step_run(void *engine, int thread)
{
    Engine *e = engine;
    Worker *w = &e->worker[thread];
    const double dt = e->plan->dt;
    int64_t step = e->step, end = e->run_end;
    bool arrived = e->arrived, halt = false;
    double t[ENGINE_MAX_WINDOW + 1];
    t[0] = decimal_time(step, dt);
    if (e->opt.profile) w->since = os_now();
    for (int turn = 0; step < end && !halt; turn ^= 1) {
        int n = end - step < e->window ? (int)(end - step) : e->window;
        for (int k = 0; k < n; k++) w->spikes[turn][k].n = 0;
        for (int k = 0; k < n && e->n_channels; k++) w->noted[turn][k].n = 0;
        w->turn = turn;
        engine_record_begin(w);
        w->trouble[turn].nan.hit = w->trouble[turn].fault = false;
        for (int k = 0, m; k < n; k += m) {
            m = n - k < e->tile ? n - k : e->tile;
            for (int j = 0; j < m; j++) t[j + 1] = decimal_time(step + k + j + 1, dt);
            take_steps(w, k, m, step + k, t, arrived);
            arrived = false;
            t[0] = t[m];
        }
        if (thread == 0) e->halt[turn] = e->failed || (e->opt.stop && *e->opt.stop);
        meet(w);
        halt = e->halt[turn] || first_trouble(e, turn);
        post(w, turn, step, n);
        spent(w, ENGINE_EXCHANGE);
        if (thread == 0) give(e, turn, step, n);
        spent(w, ENGINE_OUTPUT);
        step += n;
    }
    /* The others still read e->step and e->arrived when they begin, so these wait for all to end. */
    if (thread == 0) e->run_end = step;
}

/* Phase 1 of the time reached, for one thread. */
void engine_step_finish(void *engine, int thread)
{
    Engine *e = engine;
    Worker *w = &e->worker[thread];
    double t = decimal_time(e->step, e->plan->dt), t1 = decimal_time(e->step + 1, e->plan->dt);
    w->turn = 0;
    if (e->opt.profile) w->since = os_now();
    w->trouble[0].nan.hit = w->trouble[0].fault = false;
    sum_events(w, e->step, t, t1);
    for (int p = 0; p < e->plan->n_pops; p++) arrive(w, e->step, t, t1, p);
}

bool engine_step_arrived(Engine *e, Fail *f)
{
    const Trouble *tr = first_trouble(e, 0);
    if (!tr) return true;
    *f = tr->fail;
    e->failed = true;
    return false;
}
