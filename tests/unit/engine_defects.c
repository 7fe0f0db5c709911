/* Defects that simulators of this kind have had, each of which must not be ours. What leaks, decays or fires by
 * itself is switched off, so that a voltage counts the weights that arrived. */
#include "engine_model.h"

#include <criterion/criterion.h>

/* `a` fires as model_clock says and `b` adds up what it gets. */
static void clocks_to_sums(Model *m, uint32_t n_a, uint32_t n_b)
{
    model_start(m);
    model_clock_pop(m, "a", n_a);
    int b = model_pop(m, "b", n_b);
    m->pop[b].fn_pass = SUMS_PASS, m->pop[b].fn_tail = SUMS_TAIL;
    m->pop[b].fn_reset = m->pop[b].fn_init = -1;
}

static Engine *start(const Model *m, int threads)
{
    Fail f = {0};
    Engine *e = model_engine(m, threads, NULL, &f);
    cr_assert(e, "%s", f.text);
    return e;
}

static void advance(Engine *e, int64_t steps)
{
    Fail f = {0};
    cr_assert(engine_run(e, steps, &f), "%s", f.text);
}

/* What population `b` has got in all. */
static double sum(const Engine *e, const Model *m)
{
    double s = 0;
    for (uint32_t i = 0; i < m->pop[1].n; i++) s += engine_column(e, 1, F_V)[i];
    return s;
}

Test(engine_defects, no_spike_is_lost_between_threads)
{
    static const uint32_t sizes[][2] = {{32, 24}, {24, 32}, {64, 1}, {1, 64}, {63, 65}, {64, 4097}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int threads = 1; threads <= 9; threads++) {
            Model m;
            clocks_to_sums(&m, sizes[k][0], sizes[k][1]);
            for (uint32_t i = 0; i < sizes[k][0]; i++) model_clock[i] = i % 7;
            model_proj(&m, "a->b", 0, 1, "all_to_all", 0);
            Engine *e = start(&m, threads);
            advance(e, 20);
            double pairs = (double)sizes[k][0] * sizes[k][1];
            cr_assert_eq(engine_stats(e).spikes, sizes[k][0]);
            cr_assert_eq(engine_stats(e).events, (uint64_t)pairs);
            cr_assert_eq(sum(e, &m), pairs, "%g of %g", sum(e, &m), pairs);
            engine_free(e);
        }
}

Test(engine_defects, sixty_four_threads_for_three_neurons)
{
    Model m;
    clocks_to_sums(&m, 3, 3);
    for (int i = 0; i < 3; i++) model_clock[i] = 5 * i;
    model_proj(&m, "a->b", 0, 1, "all_to_all", 0)->delay.value = 40;
    Engine *e = start(&m, 64);
    advance(e, 60);
    cr_assert_eq(sum(e, &m), 9);
    engine_free(e);
}

Test(engine_defects, delays_longer_than_the_run)
{
    Model m;
    clocks_to_sums(&m, 1, 1);
    model_clock[0] = 3;
    model_proj(&m, "a->b", 0, 1, "all_to_all", 0)->delay.value = 1000;
    Engine *e = start(&m, 2);
    advance(e, 500);
    cr_assert_eq(sum(e, &m), 0);
    advance(e, 504); /* stamped at 4, due at 1004: phase 1 of a step that has not begun */
    cr_assert_eq(sum(e, &m), 0);
    advance(e, 1);
    cr_assert_eq(sum(e, &m), 1);
    engine_free(e);
}

Test(engine_defects, spikes_at_the_boundary_of_two_runs)
{
    for (int delay = 0; delay < 4; delay++)
        for (int first = 1; first < 12; first++) {
            Model m;
            clocks_to_sums(&m, 1, 1);
            model_clock[0] = 5;
            model_proj(&m, "a->b", 0, 1, "all_to_all", 0)->delay.value = delay;
            Engine *e = start(&m, 1);
            advance(e, first);
            cr_assert_eq(sum(e, &m), first > 6 + delay);
            advance(e, 12 - first);
            cr_assert_eq(sum(e, &m), 1, "delay %d, parts %d and %d", delay, first, 12 - first);
            engine_free(e);
        }
}

Test(engine_defects, more_synapses_of_a_neuron_than_16_bits_count)
{
    static const int delays[] = {-1, SYN_DELAY};
    for (int k = 0; k < 2; k++)
        for (int threads = 1; threads <= 3; threads++) {
            Model m;
            clocks_to_sums(&m, 1, 1);
            model_clock[0] = 2;
            PlanProj *p = model_proj(&m, "a->b", 0, 1, "outdegree", 2000000);
            p->multapses = TRI_TRUE;
            if (delays[k] >= 0) p->delay = model_attr(delays[k]);
            Engine *e = start(&m, threads);
            advance(e, 30);
            cr_assert_eq(engine_proj_synapses(e, 0), 2000000u);
            cr_assert_eq(sum(e, &m), 2000000);
            engine_free(e);
        }
}

Test(engine_defects, sources_with_several_events_a_step)
{
    for (int threads = 1; threads <= 3; threads++) {
        Model m;
        clocks_to_sums(&m, 1, 6);
        int s = model_source(&m, "s", 11, 3);
        model_proj(&m, "s->b", s, 1, "all_to_all", 0)->delay.value = 0;
        Engine *e = start(&m, threads);
        advance(e, 100);
        engine_finish(e);
        cr_assert_gt(engine_stats(e).spikes, 2800u);
        cr_assert_eq(engine_stats(e).events, 6 * engine_stats(e).spikes);
        cr_assert_eq(sum(e, &m), 6.0 * (double)engine_stats(e).spikes);
        engine_free(e);
    }
}

typedef struct Pair {
    uint32_t src, tgt;
    int n;
} Pair;

static void note(void *user, uint32_t src, uint32_t tgt, double weight, int64_t delay)
{
    Pair *p = user;
    (void)weight;
    (void)delay;
    *p = (Pair){src, tgt, p->n + 1};
}

Test(engine_defects, one_synapse_in_all)
{
    Pair one = {0};
    for (int threads = 1; threads <= 5; threads++) {
        Model m;
        clocks_to_sums(&m, 50, 70);
        model_proj(&m, "a->b", 0, 1, "total", 1);
        Engine *e = start(&m, threads);
        Pair p = {0};
        engine_edges(e, 0, note, &p);
        cr_assert_eq(p.n, 1);
        if (threads == 1) one = p;
        cr_assert(p.src == one.src && p.tgt == one.tgt);
        engine_free(e);
    }
}

/* Weights that differ from neuron to neuron belong to the neuron and not to its place on a thread. */
Test(engine_defects, weights_of_neurons_on_several_threads)
{
    static const uint32_t index[] = {1, 2, 3, 40, 41, 77, 200, 201, 202, 299};
    const double *want = NULL;
    Engine *first = NULL;
    Model m;
    clocks_to_sums(&m, 1, 300);
    m.stim[0] = (PlanStim){.name = "noise", .place = "x", .weight_net = -1, .gain_net = -1, .kind = STIM_POISSON, .tgt = 1,
                           .sel = {.index = index, .n = sizeof index / sizeof *index}, .mean = 1, .rate_fn = -1,
                           .weight = model_attr(SYN_BY_SOURCE), .stop = INT64_MAX};
    m.stim[0].weight.varies = true;
    m.stim[0].rate_kernel = -1;
    m.plan.n_stims = 1;
    for (int threads = 1; threads <= 5; threads++) {
        Engine *e = start(&m, threads);
        advance(e, 200);
        const double *V = engine_column(e, 1, F_V);
        for (uint32_t i = 0, k = 0; i < 300; i++) {
            bool in = k < m.stim[0].sel.n && index[k] == i;
            if (in) k++;
            cr_assert(in ? fabs(V[i] / (0.1 * i) - 200) < 80 : V[i] == 0, "neuron %u has %g", i, V[i]);
        }
        if (!first) {
            first = e;
            want = V;
        } else {
            cr_assert_eq(memcmp(V, want, 300 * sizeof *V), 0);
            engine_free(e);
        }
    }
    engine_free(first);
}
