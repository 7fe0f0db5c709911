#include "engine_model.h"
#include "connect/rule.h"
#include "registry.h"

#include <criterion/criterion.h>

static Engine *build(Model *m, int threads)
{
    Fail f = {0};
    Engine *e = model_engine(m, threads, NULL, &f);
    cr_assert(e, "%s", f.text);
    return e;
}

/* The edges are the same for 1, 2, 3 and 4 threads; returns them. */
static ModelEdge *edges_of(Model *m, int proj)
{
    ModelEdge *first = NULL;
    for (int threads = 1; threads <= 4; threads++) {
        Engine *e = build(m, threads);
        ModelEdge *v = model_edges(e, proj);
        cr_assert_eq(vec_len(v), engine_proj_synapses(e, proj));
        if (threads == 1) {
            first = v;
        } else {
            cr_assert_eq(vec_len(v), vec_len(first));
            cr_assert_eq(memcmp(v ? v : (void *)"", first ? first : (void *)"", vec_len(v) * sizeof *v), 0, "%d threads", threads);
            vec_free(v);
        }
        engine_free(e);
    }
    for (size_t k = 1; k < vec_len(first); k++)
        cr_assert(first[k - 1].src < first[k].src || (first[k - 1].src == first[k].src && first[k - 1].tgt <= first[k].tgt));
    return first;
}

/* What the compiler is told of a rule is how it works. */
Test(connect, by_target)
{
    for (int k = 0; k < n_rules; k++) cr_assert_eq(rule_all[k]->def.by_target, rule_all[k]->column != NULL, "%s", rule_all[k]->def.name);
}

static void refuse(Model *m, const char *part)
{
    Fail f = {0};
    Engine *e = model_engine(m, 2, NULL, &f);
    cr_assert_null(e);
    cr_assert_eq(f.exit_code, EXIT_MODEL);
    cr_assert(strstr(f.text, part), "`%s` is not in: %s", part, f.text);
}

static size_t autapses(const ModelEdge *v)
{
    size_t n = 0;
    for (size_t k = 0; k < vec_len(v); k++) n += v[k].src == v[k].tgt;
    return n;
}

static size_t multapses(const ModelEdge *v)
{
    size_t n = 0;
    for (size_t k = 1; k < vec_len(v); k++) n += v[k].src == v[k - 1].src && v[k].tgt == v[k - 1].tgt;
    return n;
}

Test(connect, all_to_all)
{
    Model m;
    model_start(&m);
    int a = model_pop(&m, "a", 70), b = model_pop(&m, "b", 130);
    model_proj(&m, "a->a", a, a, "all_to_all", 0);
    model_proj(&m, "a->b", a, b, "all_to_all", 0);
    PlanProj *self = model_proj(&m, "a->a#2", a, a, "all_to_all", 0);
    self->autapses = TRI_TRUE;
    ModelEdge *v = edges_of(&m, 0), *w = edges_of(&m, 1), *x = edges_of(&m, 2);
    cr_assert_eq(vec_len(v), 70 * 69);
    cr_assert_eq(autapses(v), 0);
    cr_assert_eq(vec_len(w), 70 * 130);
    cr_assert_eq(vec_len(x), 70 * 70);
    vec_free(v);
    vec_free(w);
    vec_free(x);
}

Test(connect, selections)
{
    static const uint32_t some[] = {1, 5, 6, 40, 69};
    Model m;
    model_start(&m);
    int a = model_pop(&m, "a", 70);
    PlanProj *p = model_proj(&m, "a->a", a, a, "all_to_all", 0);
    p->src_sel = (PlanSelect){0, 0, some, 5};
    p->tgt_sel = (PlanSelect){5, 42, NULL, 37};
    PlanProj *q = model_proj(&m, "a->a#2", a, a, "one_to_one", 0);
    q->src_sel = (PlanSelect){0, 0, some, 5};
    q->tgt_sel = (PlanSelect){3, 8, NULL, 5};
    PlanProj *r = model_proj(&m, "a->a#3", a, a, "indegree", 30);
    r->src_sel = (PlanSelect){0, 0, some, 5};
    r->tgt_sel = (PlanSelect){5, 42, NULL, 37};
    ModelEdge *v = edges_of(&m, 0);
    cr_assert_eq(vec_len(v), 5 * 37 - 3);
    cr_assert_eq(autapses(v), 0);
    for (size_t k = 0; k < vec_len(v); k++) cr_assert(v[k].tgt >= 5 && v[k].tgt < 42);
    vec_free(v);
    v = edges_of(&m, 1);
    cr_assert_eq(vec_len(v), 5);
    for (uint32_t k = 0; k < 5; k++) cr_assert(v[k].src == some[k] && v[k].tgt == 3 + k);
    vec_free(v);
    v = edges_of(&m, 2);
    cr_assert_eq(vec_len(v), 37 * 30);
    cr_assert_eq(autapses(v), 0);
    vec_free(v);
    q->tgt_sel = (PlanSelect){3, 9, NULL, 6};
    refuse(&m, "one_to_one joins equal numbers");
    q->tgt_sel = (PlanSelect){3, 3, NULL, 0};
    refuse(&m, "no neuron of a is selected");
}

Test(connect, probability)
{
    for (int varying = 0; varying < 2; varying++) {
        Model m;
        model_start(&m);
        int a = model_pop(&m, "a", 400);
        PlanProj *p = model_proj(&m, "a->a", a, a, "probability", 0.1);
        if (varying) {
            p->prob_kernel = 1;
            p->prob_fn = SYN_PROB;
        }
        ModelEdge *v = edges_of(&m, 0);
        double pairs = 400.0 * 399, mean = varying ? pairs * 0.3 : pairs * 0.1;
        double var = varying ? pairs / 2 * (0.25 + 0.09) : pairs * 0.09;
        cr_assert_lt(fabs((double)vec_len(v) - mean), 4 * sqrt(var), "%zu", vec_len(v));
        cr_assert_eq(autapses(v) + multapses(v), 0);
        size_t up = 0;
        for (size_t k = 0; k < vec_len(v); k++) up += v[k].src < v[k].tgt;
        cr_assert_lt(fabs((double)up - pairs / 2 * (varying ? 0.5 : 0.1)), 4 * sqrt(pairs / 2 * 0.25));
        vec_free(v);
    }
    for (int one = 0; one < 2; one++) {
        Model m;
        model_start(&m);
        int a = model_pop(&m, "a", 10);
        model_proj(&m, "a->a", a, a, "probability", one);
        ModelEdge *v = edges_of(&m, 0);
        cr_assert_eq(vec_len(v), one ? 90u : 0u);
        vec_free(v);
    }
}

/* Chi-square of in- and out-degrees against the binomial law, exact degrees on the fixed side. */
static void degrees(const char *rule, double arg, size_t total, bool fixed_in, bool fixed_out)
{
    Model m;
    model_start(&m);
    int a = model_pop(&m, "a", 300), b = model_pop(&m, "b", 200);
    model_proj(&m, "a->b", a, b, rule, arg);
    ModelEdge *v = edges_of(&m, 0);
    cr_assert_eq(vec_len(v), total);
    cr_assert_gt(multapses(v), 0);
    double in[200] = {0}, out[300] = {0}, chi_in = 0, chi_out = 0;
    for (size_t k = 0; k < total; k++) {
        in[v[k].tgt]++;
        out[v[k].src]++;
    }
    for (int k = 0; k < 200; k++) chi_in += pow(in[k] - (double)total / 200, 2) / ((double)total / 200);
    for (int k = 0; k < 300; k++) chi_out += pow(out[k] - (double)total / 300, 2) / ((double)total / 300);
    if (fixed_in) cr_assert_eq(chi_in, 0);
    else cr_assert(chi_in > 199 - 4 * 20 && chi_in < 199 + 4 * 20, "%g", chi_in);
    if (fixed_out) cr_assert_eq(chi_out, 0);
    else cr_assert(chi_out > 299 - 4 * 24.5 && chi_out < 299 + 4 * 24.5, "%g", chi_out);
    vec_free(v);
}

Test(connect, degrees)
{
    degrees("indegree", 60, 200 * 60, true, false);
    degrees("outdegree", 40, 300 * 40, false, true);
    degrees("total", 12345, 12345, false, false);
}

Test(connect, autapses_are_left_out_without_bias)
{
    static const char *const rules[] = {"indegree", "outdegree", "total"};
    for (int r = 0; r < 3; r++) {
        for (int yes = 0; yes < 2; yes++) {
            Model m;
            model_start(&m);
            int a = model_pop(&m, "a", 100);
            PlanProj *p = model_proj(&m, "a->a", a, a, rules[r], r == 2 ? 20000 : 200);
            if (yes) p->autapses = TRI_TRUE;
            ModelEdge *v = edges_of(&m, 0);
            cr_assert_eq(vec_len(v), 20000);
            if (yes) cr_assert(autapses(v) > 130 && autapses(v) < 280);
            else cr_assert_eq(autapses(v), 0);
            vec_free(v);
        }
    }
}

Test(connect, without_replacement)
{
    static const char *const rules[] = {"indegree", "outdegree", "total"};
    static const double few[] = {3, 3, 300}, many[] = {90, 90, 9000}, full[] = {99, 99, 9900};
    for (int r = 0; r < 3; r++) {
        for (int size = 0; size < 3; size++) {
            Model m;
            model_start(&m);
            int a = model_pop(&m, "a", 100);
            double arg = size == 0 ? few[r] : size == 1 ? many[r] : full[r];
            PlanProj *p = model_proj(&m, "a->a", a, a, rules[r], arg);
            p->multapses = TRI_FALSE;
            ModelEdge *v = edges_of(&m, 0);
            cr_assert_eq(vec_len(v), (size_t)(r == 2 ? arg : 100 * arg));
            cr_assert_eq(multapses(v) + autapses(v), 0);
            vec_free(v);
            p->arg[0] = r == 2 ? 9901 : 100;
            refuse(&m, "lower");
        }
    }
}

Test(connect, impossible_draws)
{
    Model m;
    model_start(&m);
    int a = model_pop(&m, "a", 1);
    PlanProj *p = model_proj(&m, "a->a", a, a, "indegree", 1);
    refuse(&m, "autapses = true");
    p->rule = "total";
    refuse(&m, "autapses = true");
    p->rule = "outdegree";
    p->arg[0] = 0;
    ModelEdge *v = edges_of(&m, 0);
    cr_assert_eq(vec_len(v), 0);
    p->rule = "probability";
    p->arg[0] = 1.5;
    refuse(&m, "is not between 0 and 1");
}

Test(connect, attributes_are_functions_of_the_synapse)
{
    static const char *const rules[] = {"indegree", "outdegree", "total", "probability", "all_to_all"};
    static const double arg[] = {120, 120, 12000, 0.5, 0};
    for (int r = 0; r < 5; r++) {
        Model m;
        model_start(&m);
        int a = model_pop(&m, "a", 100);
        model_pop(&m, "b", 40);
        PlanProj *p = model_proj(&m, "a->a", a, a, rules[r], arg[r]);
        p->weight = model_attr(SYN_WEIGHT);
        p->delay = model_attr(SYN_DELAY);
        PlanProj *q = model_proj(&m, "a->b", a, 1, rules[r], arg[r]);
        q->weight = model_attr(SYN_WEIGHT);
        q->delay = model_attr(SYN_DELAY);
        ModelEdge *v = edges_of(&m, 0);
        uint64_t key = rng_key(7, "a->a");
        uint32_t mult = 0;
        for (size_t k = 0; k < vec_len(v); k++) {
            mult = k && v[k].src == v[k - 1].src && v[k].tgt == v[k - 1].tgt ? mult + 1 : 0;
            RngAt at = {.c0 = v[k].src, .c1 = v[k].tgt, .c2 = mult};
            at.key = rng_key(key, "w");
            cr_assert_eq((float)rng_uniform(at), (float)v[k].weight);
            at.key = rng_key(key, "d");
            cr_assert_eq(rng_below(at, 12), v[k].delay);
        }
        vec_free(v);
        v = edges_of(&m, 1);
        cr_assert_gt(vec_len(v), 0);
        vec_free(v);
    }
}

Test(connect, seed_of_the_block_and_names)
{
    Model m;
    model_start(&m);
    int a = model_pop(&m, "a", 50);
    PlanProj *p = model_proj(&m, "a->a", a, a, "total", 100);
    ModelEdge *v = edges_of(&m, 0);
    p->has_key_seed = true;
    p->seed = 7;
    ModelEdge *same = edges_of(&m, 0);
    p->seed = 8;
    ModelEdge *other = edges_of(&m, 0);
    cr_assert_eq(memcmp(v, same, 100 * sizeof *v), 0);
    cr_assert_neq(memcmp(v, other, 100 * sizeof *v), 0);
    vec_free(v);
    vec_free(same);
    vec_free(other);
}

Test(connect, pairs)
{
    static const PlanPair list[] = {{1, 1}, {1, 2}, {1, 2}, {6, 3}};
    Model m;
    model_start(&m);
    int a = model_pop(&m, "a", 10);
    PlanProj *p = model_proj(&m, "a->a", a, a, "pairs", 0);
    p->src_sel = (PlanSelect){1, 7, NULL, 6};
    p->tgt_sel = (PlanSelect){1, 4, NULL, 3};
    p->pair = list;
    p->n_pairs = 4;
    ModelEdge *v = edges_of(&m, 0);
    cr_assert_eq(vec_len(v), 4);
    for (size_t k = 0; k < 4; k++) cr_assert(v[k].src == list[k].src && v[k].tgt == list[k].tgt);
    vec_free(v);
    p->autapses = p->multapses = TRI_FALSE;
    v = edges_of(&m, 0);
    cr_assert_eq(vec_len(v), 2);
    cr_assert_eq(autapses(v) + multapses(v), 0);
    vec_free(v);
}

/* Synapses off the ring are binomial and their targets uniform; out-degrees are exact. */
Test(connect, small_world)
{
    enum { N = 500, K = 20 };
    static const double p[] = {0, 0.3, 1};
    for (int r = 0; r < 3; r++) {
        Model m;
        model_start(&m);
        int a = model_pop(&m, "a", N);
        PlanProj *q = model_proj(&m, "a->a", a, a, "small_world", K);
        q->arg[1] = p[r];
        ModelEdge *v = edges_of(&m, 0);
        double out[N] = {0}, far = 0, bin[10] = {0}, chi = 0;
        cr_assert_eq(vec_len(v), N * K);
        cr_assert_eq(autapses(v) + multapses(v), 0);
        for (size_t k = 0; k < vec_len(v); k++) {
            uint32_t d = (v[k].tgt + N - v[k].src) % N;
            out[v[k].src]++;
            if (d <= K / 2 || d >= N - K / 2) continue;
            far++;
            bin[(d - K / 2 - 1) * 10 / (N - K - 1)]++;
        }
        for (int k = 0; k < N; k++) cr_assert_eq(out[k], K);
        /* a redirected synapse may come back to a place on the ring that another has left */
        cr_assert(far <= p[r] * N * K + 4 * sqrt(p[r] * (1 - p[r]) * N * K), "%g", far);
        cr_assert(far >= p[r] * N * K * (1 - (double)K / N) - 4 * sqrt(N * K), "%g", far);
        for (int k = 0; k < 10 && far > 0; k++) chi += pow(bin[k] - far / 10, 2) / (far / 10);
        cr_assert_lt(chi, 9 + 5 * sqrt(18), "%g", chi);
        vec_free(v);
        q->tgt_sel = (PlanSelect){0, N - 1, NULL, N - 1};
        refuse(&m, "the same ones of one population");
    }
}

/* Many synapses a pair and many threads take other ways through the building, and give the same edges; the weights told
 * are those of the edges. */
Test(connect, dense_rows_and_weights)
{
    for (int long_delays = 0; long_delays < 2; long_delays++) {
        Model m;
        model_start(&m);
        int a = model_pop(&m, "a", 70), b = model_pop(&m, "b", 30);
        PlanProj *p = model_proj(&m, "a->b", a, b, "total", 40000);
        p->weight = model_attr(SYN_WEIGHT);
        p->delay = model_attr(long_delays ? SYN_LONG_DELAY : SYN_DELAY);
        ModelEdge *v = edges_of(&m, 0);
        double sum = 0, squares = 0, min = INFINITY, max = -INFINITY, n = (double)vec_len(v);
        for (size_t k = 0; k < vec_len(v); k++) {
            sum += v[k].weight;
            squares += v[k].weight * v[k].weight;
            min = fmin(min, v[k].weight);
            max = fmax(max, v[k].weight);
        }
        EngineWeights first = {0};
        for (int threads = 1; threads <= 6; threads++) {
            Engine *e = build(&m, threads);
            EngineWeights w = engine_weights(e, 0);
            ModelEdge *u = model_edges(e, 0);
            cr_assert(vec_len(u) == vec_len(v) && !memcmp(u, v, vec_len(v) * sizeof *v), "%d threads", threads);
            if (threads == 1) first = w;
            cr_assert(w.known && w.mean == first.mean && w.sd == first.sd && w.min == min && w.max == max);
            cr_assert(fabs(w.mean - sum / n) < 1e-9 && fabs(w.sd - sqrt(squares / n - pow(sum / n, 2))) < 1e-6);
            vec_free(u);
            engine_free(e);
        }
        vec_free(v);
    }
}

Test(connect, wrong_attributes)
{
    Model m;
    model_start(&m);
    int a = model_pop(&m, "a", 40);
    PlanProj *p = model_proj(&m, "a->a.ge", a, a, "all_to_all", 0);
    p->port = 1;
    p->weight = model_attr(SYN_NEGATIVE);
    refuse(&m, "projection a->a.ge (test:1:1): synapse 3 -> 17 has weight -0.4 into `ge`, which is declared non-negative");
    p->port = 0;
    p->delay = model_attr(SYN_BAD_DELAY);
    refuse(&m, "synapse 5 -> 0 has delay -1 ms, which is negative");
    p->delay = (PlanAttr){.value = 1};
    p->port = 1;
    p->weight = (PlanAttr){.value = -2};
    refuse(&m, "weight -2 into `ge`");
}

Test(connect, registry_lists_all)
{
    cr_assert_eq(runtime_registry.n_rules, 12);
    cr_assert_eq(runtime_registry.n_stims, 10);
    for (int k = 0; k < runtime_registry.n_rules; k++) {
        const RuleDef *r = runtime_registry.rule[k];
        cr_assert(r->name && r->doc && r->example);
        for (int j = 0; j < r->n_args; j++) cr_assert(r->arg[j].name && r->arg[j].doc);
    }
}
