#include "engine_model.h"

#include <criterion/criterion.h>

typedef struct Result {
    Keeper kept;
    uint64_t hash[8];
    EngineStats stats;
} Result;

static Result run(const Model *m, int threads, int64_t steps, int64_t part)
{
    Result r = {.kept = keeper(&m->plan)};
    Fail f = {0};
    Engine *e = model_engine(m, threads, &r.kept, &f);
    cr_assert(e, "%s", f.text);
    for (int64_t k = 0; k < steps; k += part)
        cr_assert(engine_run(e, steps - k < part ? steps - k : part, &f), "%s", f.text);
    for (int p = 0; p < m->plan.n_pops; p++) r.hash[p] = engine_state_hash(e, p);
    engine_finish(e);
    for (int p = 0; p < m->plan.n_pops; p++) r.hash[p] ^= 3 * engine_state_hash(e, p);
    r.stats = engine_stats(e);
    cr_assert(!r.kept.disorder);
    engine_free(e);
    return r;
}

static void same(const Result *a, const Result *b)
{
    cr_assert_eq(vec_len(a->kept.spike), vec_len(b->kept.spike));
    for (size_t k = 0; k < vec_len(a->kept.spike); k++) {
        const Seen *x = &a->kept.spike[k], *y = &b->kept.spike[k];
        cr_assert(x->pop == y->pop && x->step == y->step && x->id == y->id);
    }
    cr_assert_eq(vec_len(a->kept.frame), vec_len(b->kept.frame));
    for (size_t k = 0; k < vec_len(a->kept.frame); k++) {
        const SeenFrame *x = &a->kept.frame[k], *y = &b->kept.frame[k];
        cr_assert(x->rec == y->rec && x->step == y->step && x->first == y->first && x->last == y->last);
    }
    cr_assert_eq(memcmp(a->hash, b->hash, sizeof a->hash), 0);
    cr_assert_eq(a->stats.events, b->stats.events);
    cr_assert_eq(a->stats.spikes, b->stats.spikes);
    cr_assert_eq(a->stats.synapses, b->stats.synapses);
}

/* V of neuron 0 of population `b` at each t_n, n < 40, after the events of t_n. */
static void trace(Model *m, int pop, double *V)
{
    static PlanVar var = {"V", "mV", F_V, -1};
    Keeper k = keeper(&m->plan);
    Fail f = {0};
    m->rec[0] = (PlanRec){pop, model_all(m, pop), 1, &var, {.every = 1, .to = INT64_MAX}, false};
    m->plan.n_recs = 1;
    Engine *e = model_engine(m, 1, &k, &f);
    cr_assert(e && engine_run(e, 40, &f), "%s", f.text);
    for (int j = 0; j < 40; j++) V[j] = k.frame[j].first;
    keeper_free(&k);
    engine_free(e);
}

Test(engine, delays_are_exact)
{
    static const int delays[] = {0, 1, 2, 7, 20};
    for (int d = 0; d < 5; d++) {
        Model m;
        double V[40];
        model_start(&m);
        int a = model_clock_pop(&m, "a", 1), b = model_pop(&m, "b", 1);
        model_clock[0] = 3; /* emitted in step 3, so stamped t_4 */
        model_theta = 1e9;
        model_leak = 1;
        PlanProj *p = model_proj(&m, "a->b", a, b, "all_to_all", 0);
        p->delay.value = delays[d];
        p->weight.value = 0x1p-3 * 1e9;
        trace(&m, b, V);
        for (int n = 1; n < 40; n++) cr_assert_eq(V[n] > V[n - 1] + 1e7, n == 4 + delays[d], "delay %d, step %d", delays[d], n);
    }
}

Test(engine, order_of_sums)
{
    /* Sums at one instant: only in this order do the large weights cancel before the small one. */
    for (int by_age = 0; by_age < 2; by_age++) {
        Model m;
        double V[40];
        model_start(&m);
        int a = model_clock_pop(&m, "a", 3), b = model_pop(&m, "b", 1);
        model_theta = 1e30;
        model_leak = 0;
        PlanProj *p = model_proj(&m, "a->b", a, b, "all_to_all", 0);
        p->weight = model_attr(SYN_TABLE);
        for (int k = 0; k < 3; k++) {
            int from_end = by_age ? 2 - k : k; /* neuron 2 fires first and has the longest way */
            model_clock[k] = by_age ? 5 - k : 5;
            model_weight_table[k] = from_end == 0 ? 0x1p60 : from_end == 1 ? -0x1p60 : 1;
        }
        if (by_age) p->delay = model_attr(SYN_BY_SOURCE);
        trace(&m, b, V);
        double total = 0;
        for (int n = 1; n < 40; n++) total += V[n];
        cr_assert_eq(total, 1, "%d: %g", by_age, total);
    }
}

/* ---- a network of everything, against a simulation that follows the definition literally ---- */

static PlanVar two_vars[] = {{"V", "mV", F_V, -1}, {"2V+I", "mV", -1, LIF_OBS}};
static uint32_t some[] = {0, 1, 2, 17, 18, 90, 150};

static void network(Model *m)
{
    model_start(m);
    int a = model_pop(m, "a", 203), b = model_pop(m, "b", 77), s = model_source(m, "s", 31, 0.02);
    PlanProj *p;
    p = model_proj(m, "a->a.in", a, a, "probability", 0.1);
    p->weight = model_attr(SYN_WEIGHT);
    p->delay = model_attr(SYN_DELAY);
    p = model_proj(m, "a->a.in#2", a, a, "total", 3000);
    p->weight = model_attr(SYN_WEIGHT);
    p->delay = model_attr(SYN_DELAY);
    p = model_proj(m, "a->b.in", a, b, "indegree", 20);
    p->weight.value = 0.3;
    p->delay.value = 4;
    p = model_proj(m, "a->b.ge", a, b, "outdegree", 9);
    p->weight = model_attr(SYN_WEIGHT);
    p->delay = model_attr(SYN_DELAY);
    p->port = 1;
    p = model_proj(m, "b->a.in", b, a, "indegree", 10);
    p->weight.value = -0.7;
    p->delay = model_attr(SYN_DELAY);
    p = model_proj(m, "b->b.in", b, b, "indegree", 10);
    p->weight.value = -0.7;
    p->delay = model_attr(SYN_DELAY);
    p = model_proj(m, "b->b.in#2", b, b, "indegree", 3);
    p->weight = model_attr(SYN_WEIGHT);
    p->delay.value = 2;
    p = model_proj(m, "s->a.in", s, a, "all_to_all", 0);
    p->weight.value = 1.1;
    p->delay.value = 3;
    p->tgt_sel = (PlanSelect){0, 0, some, 7};
    m->stim[0] = (PlanStim){.name = "drive", .place = "x", .weight_net = -1, .gain_net = -1, .kind = STIM_DRIVE, .tgt = a, .sel = {10, 100, NULL, 90},
                            .drive_fn = LIF_DRIVE, .rate_fn = -1, .start = 5, .stop = 90};
    m->stim[1] = (PlanStim){.name = "noise", .place = "x", .weight_net = -1, .gain_net = -1, .kind = STIM_POISSON, .tgt = a, .sel = model_all(m, a), .mean = 0.3,
                            .rate_fn = -1, .weight = {.value = 1.3}, .stop = INT64_MAX};
    m->stim[2] = (PlanStim){.name = "noise2", .place = "x", .weight_net = -1, .gain_net = -1, .kind = STIM_POISSON, .tgt = b, .sel = {0, 0, some, 5}, .mean = 0.1,
                            .rate_kernel = 0, .rate_fn = LIF_RATE, .weight = model_attr(SYN_WEIGHT), .start = 3, .stop = 200};
    m->plan.n_stims = 3;
    m->rec[0] = (PlanRec){a, model_all(m, a), 2, two_vars, {.every = 1, .to = INT64_MAX}, false};
    m->rec[1] = (PlanRec){b, {0, 0, some, 5}, 2, two_vars, {.every = 7, .from = 3, .to = 150}, false};
    m->plan.n_recs = 2;
}

typedef struct Spike {
    int64_t step;
    uint32_t id;
} Spike;

Test(engine, follows_the_definition)
{
    enum { STEPS = 120 };
    Model m;
    network(&m);
    Keeper kept = keeper(&m.plan);
    Fail f = {0};
    Engine *e = model_engine(&m, 3, &kept, &f);
    cr_assert(e, "%s", f.text);
    cr_assert(engine_run(e, STEPS, &f), "%s", f.text);
    engine_finish(e);

    double *cols[3][N_F];
    ModelEdge *edge[8];
    Spike *fired[3] = {0};
    size_t seen = 0;
    for (int q = 0; q < m.plan.n_projs; q++) edge[q] = model_edges(e, q);
    for (int p = 0; p < 3; p++)
        for (int k = 0; k < N_F; k++) cols[p][k] = cx_alloc(m.pop[p].n, sizeof(double), "test");
    uint64_t key[3];
    for (int p = 0; p < 3; p++) key[p] = rng_key(7, m.pop[p].name);
    for (int p = 0; p < 2; p++)
        model_range(&model_fns[LIF_INIT], &(Frame){.col = cols[p], .key = key[p]}, 0, m.pop[p].n, NULL);
    for (int64_t n = 0; n <= STEPS; n++) {
        double t = decimal_time(n, 0.1), t1 = decimal_time(n + 1, 0.1);
        for (int q = 0; q < m.plan.n_projs; q++) {
            const PlanProj *p = &m.proj[q];
            double *acc = cols[p->tgt][p->port ? F_GE : F_IN];
            for (size_t k = 0; k < vec_len(fired[p->src]); k++)
                for (size_t j = 0; j < vec_len(edge[q]); j++)
                    if (edge[q][j].src == fired[p->src][k].id && fired[p->src][k].step + 1 + edge[q][j].delay == n)
                        acc[edge[q][j].tgt] += edge[q][j].weight;
        }
        for (int s = 1; s < 3; s++) {
            const PlanStim *st = &m.stim[s];
            uint64_t k0 = rng_key(7, st->name), k1 = rng_key(k0, "counts");
            if (n < st->start || n >= st->stop) continue;
            RngPoisson *table = rng_poisson_new(st->mean);
            for (uint32_t k = 0; k < st->sel.n; k++) {
                uint32_t i = st->sel.index ? st->sel.index[k] : k, count, zero = 0;
                double w = st->weight.value;
                if (st->rate_fn < 0) rng_poisson_range(table, k1, i, n, 1, &count);
                else count = (uint32_t)rng_poisson((RngAt){k1, i, 0, (uint32_t)n, 0}, model_rate * (1 + i % 3) * 0.1);
                double *const out[1] = {&w};
                if (st->weight.varies)
                    synapse_range(&synapse_fns[st->weight.fn], &(Frame){.key = k0, .src = &i, .tgt = &i, .mult = &zero}, 0, 1, out);
                cols[st->tgt][F_IN][i] += count * w;
            }
            rng_poisson_free(table);
        }
        for (int p = 0; p < 2; p++)
            model_range(&model_fns[LIF_ARRIVE], &(Frame){.col = cols[p]}, 0, m.pop[p].n, NULL);
        if (n == STEPS) break;
        if (n >= 5 && n < 90) model_range(&model_fns[LIF_DRIVE], &(Frame){.col = cols[0], .t = t}, 10, 100, NULL);
        for (; seen < vec_len(kept.frame) && kept.frame[seen].step == n; seen++) {
            int p = kept.frame[seen].rec;
            uint32_t last = p == 0 ? 202 : 18;
            cr_assert_eq(kept.frame[seen].first, cols[p][F_V][0]);
            cr_assert_eq(kept.frame[seen].last, 2 * cols[p][F_V][last] + cols[p][F_I][last]);
        }
        for (int p = 0; p < 2; p++) {
            Frame fr = {.col = cols[p], .step = n, .t = t1, .t1 = t1};
            model_range(&model_fns[LIF_STEP], &fr, 0, m.pop[p].n, NULL);
            for (uint32_t i = 0; i < m.pop[p].n; i++) {
                double out = 0;
                lane(&model_fns[LIF_TEST], &fr, i, &out);
                if (out == 0) continue;
                lane(&model_fns[LIF_RESET], &fr, i, NULL);
                vec_push(fired[p], ((Spike){n, i}));
            }
        }
        RngPoisson *table = rng_poisson_new(0.02);
        for (uint32_t i = 0; i < 31; i++) {
            uint32_t count;
            rng_poisson_range(table, rng_key(key[2], "counts"), i, n, 1, &count);
            for (uint32_t k = 0; k < count; k++) vec_push(fired[2], ((Spike){n, i}));
        }
        rng_poisson_free(table);
    }
    cr_assert_eq(seen, vec_len(kept.frame));
    size_t at[3] = {0};
    for (size_t k = 0; k < vec_len(kept.spike); k++) {
        const Seen *s = &kept.spike[k];
        cr_assert_lt(at[s->pop], vec_len(fired[s->pop]));
        const Spike *x = &fired[s->pop][at[s->pop]++];
        cr_assert(x->step + 1 == s->step && x->id == s->id);
    }
    for (int p = 0; p < 3; p++) {
        cr_assert_eq(at[p], vec_len(fired[p]));
        cr_assert_gt(at[p], 50u);
        vec_free(fired[p]);
    }
    for (int p = 0; p < 2; p++) cr_assert_eq(memcmp(cols[p][F_V], engine_column(e, p, F_V), m.pop[p].n * sizeof(double)), 0);
    for (int p = 0; p < 3; p++)
        for (int k = 0; k < N_F; k++) cx_free(cols[p][k]);
    for (int q = 0; q < m.plan.n_projs; q++) vec_free(edge[q]);
    keeper_free(&kept);
    engine_free(e);
}

Test(engine, threads_and_parts_change_nothing)
{
    Model m;
    network(&m);
    Result one = run(&m, 1, 300, 300);
    cr_assert_gt(one.stats.spikes, 1000u);
    cr_assert_gt(one.stats.events, 10000u);
    for (int threads = 2; threads <= 5; threads++) {
        Result r = run(&m, threads, 300, 300);
        same(&one, &r);
        keeper_free(&r.kept);
    }
    static const int64_t parts[] = {1, 7, 100};
    for (int k = 0; k < 3; k++) {
        Result r = run(&m, 1 + k, 300, parts[k]);
        same(&one, &r);
        keeper_free(&r.kept);
    }
    keeper_free(&one.kept);
}

Test(engine, windows_change_nothing)
{
    /* The same network with all delays above 0 runs in windows; its parts of one step do not. */
    Model m;
    network(&m);
    for (int q = 0; q < m.plan.n_projs; q++) m.proj[q].delay = (PlanAttr){.value = 3 + q % 2};
    Result a = run(&m, 2, 200, 200), b = run(&m, 3, 200, 1);
    same(&a, &b);
    keeper_free(&a.kept);
    keeper_free(&b.kept);
}

Test(engine, more_threads_than_neurons)
{
    Model m;
    model_start(&m);
    int a = model_pop(&m, "a", 3);
    PlanProj *p = model_proj(&m, "a->a", a, a, "all_to_all", 0);
    p->weight.value = 20;
    p->delay.value = 6;
    m.stim[0] = (PlanStim){.name = "noise", .place = "x", .weight_net = -1, .gain_net = -1, .kind = STIM_POISSON, .tgt = a, .sel = model_all(&m, a), .mean = 0.3,
                           .rate_fn = -1, .weight = {.value = 3}, .stop = INT64_MAX};
    m.plan.n_stims = 1;
    Result one = run(&m, 1, 300, 300), many = run(&m, 16, 300, 300);
    cr_assert_gt(one.stats.spikes, 10u);
    same(&one, &many);
    keeper_free(&one.kept);
    keeper_free(&many.kept);
}

Test(engine, long_delays)
{
    Model m;
    model_start(&m);
    int a = model_clock_pop(&m, "a", 40), b = model_pop(&m, "b", 40);
    for (int k = 0; k < 40; k++) model_clock[k] = k;
    model_theta = 1e9;
    PlanProj *p = model_proj(&m, "a->b", a, b, "all_to_all", 0);
    p->delay = model_attr(SYN_LONG_DELAY);
    Result r = run(&m, 2, 70100, 70100);
    cr_assert_eq(r.stats.synapses, 1600u);
    cr_assert_eq(r.stats.events, 1600u);
    keeper_free(&r.kept);
}

Test(engine, first_value_that_is_not_finite)
{
    Model m;
    for (int threads = 1; threads <= 4; threads++) {
        network(&m);
        model_nan_step = 122;
        model_nan_neuron = 3;
        Keeper k = keeper(&m.plan);
        Fail f = {0};
        Engine *e = model_engine(&m, threads, &k, &f);
        cr_assert(!engine_run(e, 500, &f));
        cr_assert_eq(f.exit_code, EXIT_MODEL);
        cr_assert_str_eq(f.text, "V of neuron 3 of a is not finite at 12.3 ms");
        EngineNan nan = engine_nan(e);
        cr_assert(nan.hit && nan.pop == 0 && nan.field == F_V && nan.neuron == 3 && nan.step == 122);
        cr_assert_eq(engine_stats(e).steps, 123);
        for (size_t j = 0; j < vec_len(k.spike); j++) cr_assert_leq(k.spike[j].step, 123);
        cr_assert_eq(k.frame[vec_len(k.frame) - 1].step, 122);
        cr_assert(!engine_run(e, 1, &f));
        keeper_free(&k);
        engine_free(e);
    }
}

Test(engine, wrong_rates_end_the_run)
{
    Model m;
    network(&m);
    model_rate = -1;
    Fail f = {0};
    Engine *e = model_engine(&m, 2, NULL, &f);
    cr_assert(!engine_run(e, 10, &f));
    cr_assert(strstr(f.text, "stimulus noise2 (x): neuron 0 has a rate of -1/ms at 0.3 ms"), "%s", f.text);
    cr_assert_eq(engine_stats(e).steps, 3);
    engine_free(e);
    model_rate = 0.1;
}

static bool break_sink(Sink *s, int pop, int64_t step, const uint32_t *id, size_t n, Fail *f)
{
    (void)s;
    (void)pop;
    (void)id;
    (void)n;
    return step < 50 || fail_set(f, EXIT_IO, "disk full");
}

Test(engine, sink_that_fails_and_stop)
{
    Model m;
    network(&m);
    Fail f = {0};
    Sink broken = {break_sink, NULL}, *list[] = {&broken};
    Engine *e = engine_new(&m.plan, &(EngineOptions){.threads = 2, .n_sinks = 1, .sink = list}, &f);
    cr_assert(!engine_run(e, 1000, &f));
    cr_assert_eq(f.exit_code, EXIT_IO);
    engine_free(e);
    volatile int stop = 1;
    cr_assert_not(engine_new(&m.plan, &(EngineOptions){.threads = 2, .stop = &stop}, &f));
    cr_assert_str_eq(f.text, "interrupted while the synapses were made");
    stop = 0;
    e = engine_new(&m.plan, &(EngineOptions){.threads = 2, .stop = &stop}, &f);
    stop = 1;
    cr_assert(engine_run(e, 1000, &f));
    cr_assert_leq(engine_stats(e).steps, 32);
    stop = 0;
    cr_assert(engine_run(e, 100, &f));
    engine_free(e);
}
