/* Constants, units and selections: what the middle of the compiler makes of a text. */
#include "compile.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Node *parse_file(Ast *a, const SourceFile *f);
Node *parse_expression(Ast *a, const SourceFile *f);

typedef struct Made {
    Arena *arena;
    Ast ast;
    Compiled *model; /* NULL after errors */
    char *said;
} Made;

static Made make(const char *text, uint64_t seed)
{
    static const char *const lib[] = {"models/lib", NULL};
    Made m = {.arena = arena_new("test")};
    m.ast = (Ast){.arena = m.arena, .sources = source_new(m.arena)};
    m.ast.diags = diag_new(m.arena, m.ast.sources);
    const SourceFile *src = source_add(m.ast.sources, "m.cortex", text, strlen(text));
    CompileOptions o = {.path = "m.cortex", .lib_dirs = lib, .has_seed = seed != 0, .seed = seed, .registry = &runtime_registry,
                        .parse_file = parse_file, .parse_expression = parse_expression};
    m.model = compile_model(&m.ast, parse_file(&m.ast, src), &o);
    size_t n;
    FILE *f = open_memstream(&m.said, &n);
    diag_print(m.ast.diags, f, false, 0);
    fclose(f);
    return m;
}

static void unmake(Made *m)
{
    compile_free(m->model);
    arena_free(m->arena);
    free(m->said);
}

/* "VALUE UNIT" of an expression beside some declarations, or the id of the first message. */
static const char *worth(const char *decls, const char *expr)
{
    static char out[256];
    char text[2048];
    snprintf(text, sizeof text, "%s\nparam answer = %s\npopulation Z : 1 of lif\nrun 1 ms\n", decls, expr);
    Made m = make(text, 0);
    if (m.model) {
        json_error_t e;
        json_t *all = json_loads(m.model->plan->params_json, 0, &e), *one = json_object_get(all, "answer");
        const char *unit = json_string_value(json_object_get(one, "unit"));
        snprintf(out, sizeof out, "%.12g%s%s", json_number_value(json_object_get(one, "value")), unit && *unit ? " " : "", unit ? unit : "?");
        json_decref(all);
    } else {
        const char *lo = strchr(m.said, '['), *hi = lo ? strchr(lo, ']') : NULL;
        while (hi && hi[1] != '\n') lo = strchr(hi, '['), hi = lo ? strchr(lo, ']') : NULL;
        snprintf(out, sizeof out, "%.*s", lo && hi ? (int)(hi - lo - 1) : 0, lo ? lo + 1 : "");
    }
    unmake(&m);
    return out;
}

#define IS(decls, expr, answer) cr_expect_str_eq(worth(decls, expr), answer, "%s gave %s, not %s", expr, worth(decls, expr), answer)

Test(elab, literals)
{
    IS("", "10 mV", "10 mV");
    IS("", "-70 mV", "-70 mV");
    IS("", "20%", "0.2");
    IS("let p = 30%", "p", "0.3");
    IS("", "1e-3", "0.001");
    IS("", "0.1 mV/ms", "0.1 mV/ms");
    IS("", "1 uF/cm^2 * (100 um^2)", "1 pF");
    IS("", "2 [mV]", "not-a-number");
    IS("", "2*[mV/ms]", "2 mV/ms");
    IS("", "10 mV/[mV]", "10");
    IS("", "1 V + 5 mV", "1.005 V");
}

Test(elab, arithmetic)
{
    IS("", "2^3^2", "512");
    IS("", "-2^2", "-4");
    IS("", "(2 mV)^2/(1 mV)", "4 mV");
    IS("", "sqrt(9 mV^2)", "3 mV");
    IS("", "(8 um^3)^(1/3)", "2 um");
    IS("", "(1 mV)^0.3333", "unit-mismatch");
    IS("", "2^(1 mV)", "unit-mismatch");
    IS("", "if 1 < 2 < 3 then 5 ms else 0", "5 ms");
    IS("", "if 2 < 1 then 0/0 else 1", "1");
    IS("", "0/0", "non-finite-constant");
    IS("", "min(3, 1, 2) + max(1, 2)", "3");
    IS("", "clip(5 mV, 0, 3 mV)", "3 mV");
    IS("", "mod(-1, 3)", "2");
    IS("", "round(-0.5)", "-1");
    IS("", "5 mV + 3 pA", "unit-mismatch");
    IS("", "5 mV + 0", "5 mV");
    IS("", "exp(1 mV)", "unit-mismatch");
    IS("", "10 nS * 20 mV + 1 pA", "201 pA");
    IS("", "200 pF/(10 nS) + 1 ms", "21 ms");
}

Test(elab, lists)
{
    IS("", "sum([1, 2] + [10, 20])", "33");
    IS("", "sum([1, 2, 3] * 2 mV)", "12 mV");
    IS("", "sum([1, 2] + [10])", "23");
    IS("", "sum([1, 2] + [1, 2, 3])", "shape-mismatch");
    IS("", "sum([1 mV, 2 pA])", "unit-mismatch");
    IS("", "[[1, 2], [3, 4]][1][0]", "3");
    IS("", "sum(transpose([[1, 2], [3, 4]])[0])", "4");
    IS("", "sum(dot([1, 2], [[1, 10], [2, 20]]))", "55");
    IS("", "dot([1, 2], [3, 4])", "11");
    IS("", "[[1, 2], [3]][0][0]", "shape-mismatch");
    IS("", "[1, 2, 3, 4][1:4:2][1]", "4");
    IS("", "[1, 2][2]", "out-of-range");
    IS("", "len(range(3, 10, 2)) + mean(linspace(0, 4, 5))", "6");
    IS("", "sort([3, 1, 2])[0]", "1");
    IS("let a = [1, 2]\nlet b = a*10", "b[1]", "20");
}

Test(elab, units_beside_variables)
{
    IS("let s = 2", "3 mV/s", "unit-ambiguous");
    IS("let s = 2", "3 mV / s", "1.5 mV");
    IS("let m = 2", "sum([m])", "unit-ambiguous");
    IS("let m = 2", "sum([m,])", "2");
    IS("let x = 2", "sum([x])", "2");
}

Test(elab, functions_and_names)
{
    IS("function f(V: mV) : 1/ms = V/(2 mV*ms)", "f(4 mV)", "2000 Hz");
    IS("function f(V: mV) : 1/ms = V/(2 mV*ms)", "f(4)", "missing-unit");
    IS("function f(x) = f(x)", "f(1)", "cyclic-definition");
    IS("let a = b + 1\nlet b = a", "a", "cyclic-definition");
    IS("", "ln(2)", "unknown-function");
    IS("", "nothing", "unknown-name");
    IS("param tau = 20 ms", "2*tau", "40 ms");
}

Test(elab, temperatures)
{
    IS("param T : degC = 36.5 degC", "T - 300 K", "9.65 K");
    IS("", "20 degC", "unit-mismatch");
}

Test(elab, durations_are_exact)
{
    static const struct {
        const char *dt, *run;
        int64_t steps;
    } cases[] = {{"0.1 ms", "0.3 ms", 3},   {"0.1 ms", "1 s", 10000},       {"0.025 ms", "0.1 ms", 4}, {"0.1 ms", "1 day", 864000000},
                 {"0.1 ms", "0.7 ms", 7},   {"0.05 ms", "10.05 ms", 201},   {"3 us", "9 us", 3},       {"1 ms", "2 min", 120000},
                 {"0.1 ms", "0.25 ms", -1}, {"0.3 ms", "1 ms", -1},         {"0.1 ms", "-1 ms", -1},   {"0.1 ms", "0.1 ms + 0.2 ms", 3},
                 {"0.1 ms", "3*(0.1 ms)", 3},   {"0.1 ms", "0.30001 ms", -1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char text[256];
        snprintf(text, sizeof text, "simulation { dt = %s }\npopulation Z : 1 of lif\nrun %s\n", cases[k].dt, cases[k].run);
        Made m = make(text, 0);
        int64_t steps = m.model ? m.model->plan->run[0].steps : -1;
        cr_expect_eq(steps, cases[k].steps, "%s in %s: %lld", cases[k].run, cases[k].dt, (long long)steps);
        unmake(&m);
    }
}

static int fields(const char *settings, const char *name)
{
    char text[512];
    snprintf(text, sizeof text, "population Z : 3 of lif %s\nrun 1 ms\n", settings);
    Made m = make(text, 0);
    cr_assert(m.model, "%s", m.said);
    const IrModule *mod = m.model->mod[m.model->plan->pop[0].kernel];
    int n = 0;
    for (size_t k = 0; k < vec_len(mod->field); k++) n += !strcmp(mod->field[k].name, name) && mod->field[k].kind == FIELD_PARAM;
    unmake(&m);
    return n;
}

Test(elab, parameters_fold_unless_they_vary)
{
    cr_expect_eq(fields("", "tau_m"), 0);
    cr_expect_eq(fields("{ tau_m = 5 ms + 5 ms }", "tau_m"), 0);
    cr_expect_eq(fields("{ tau_m = 2*t_ref + 10 ms }", "tau_m"), 0);
    cr_expect_eq(fields("{ tau_m = normal(20 ms, 1 ms) }", "tau_m"), 1);
    cr_expect_eq(fields("{ tau_m = 10 ms + i*1 ms }", "tau_m"), 1);
    cr_expect_eq(fields("{ V = uniform(0 mV, 1 mV) }", "V"), 0); /* a state, not a parameter */
}

/* The selection of the one stimulus. */
static PlanSelect selected(const char *path, uint64_t seed, Made *m)
{
    char text[512];
    snprintf(text, sizeof text, "population E : 100 of lif\nlet s = sample(E, 10)\nstimulus -> %s : poisson(rate = 1 Hz) { weight = 1 mV }\nrun 1 ms\n", path);
    *m = make(text, seed);
    return m->model ? m->model->plan->stim[0].sel : (PlanSelect){0};
}

static uint32_t member(const PlanSelect *s, uint32_t k) { return s->index ? s->index[k] : s->lo + k; }

Test(elab, selections)
{
    static const struct {
        const char *path;
        uint32_t n, first, last;
    } cases[] = {{"E", 100, 0, 99},           {"E[5:20]", 15, 5, 19},      {"E[0:100:10]", 10, 0, 90}, {"E[:3]", 3, 0, 2},
                 {"E[90:]", 10, 90, 99},      {"E[9, 3, 7]", 3, 3, 9},     {"E[10:20][2:4]", 2, 12, 13}, {"E[0:100:10][1:3]", 2, 10, 20},
                 {"E[10:10]", 0, 0, 0},       {"E[0:101]", 0, 0, 0},       {"E[3, 3]", 0, 0, 0},       {"E[-1]", 0, 0, 0}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        Made m;
        PlanSelect s = selected(cases[k].path, 0, &m);
        cr_expect_eq(s.n, cases[k].n, "%s has %u: %s", cases[k].path, s.n, m.said);
        if (s.n) cr_expect(member(&s, 0) == cases[k].first && member(&s, s.n - 1) == cases[k].last, "%s", cases[k].path);
        unmake(&m);
    }
}

Test(elab, samples)
{
    static const char *const paths[] = {"sample(E, 50)", "sample(E, 20%)", "s", "sample(E[10:60], 50)", "sample(E[0:100:2], 7)"};
    static const uint32_t size[] = {50, 20, 10, 50, 7};
    for (size_t k = 0; k < 5; k++) {
        Made m, again, other;
        PlanSelect a = selected(paths[k], 1, &m), b = selected(paths[k], 1, &again), c = selected(paths[k], 2, &other);
        cr_assert_eq(a.n, size[k], "%s: %s", paths[k], m.said);
        bool same = b.n == a.n, differs = false;
        for (uint32_t q = 0; q < a.n; q++) {
            if (q) cr_expect_lt(member(&a, q - 1), member(&a, q), "%s is sorted and picks nobody twice", paths[k]);
            same = same && member(&a, q) == member(&b, q);
            differs = differs || member(&a, q) != member(&c, q);
        }
        cr_expect(same, "%s is a function of the seed", paths[k]);
        cr_expect(differs || k == 3, "%s depends on the seed", paths[k]);
        unmake(&m), unmake(&again), unmake(&other);
    }
}

Test(elab, lists_of_populations)
{
    Made m = make("layer L {\n  population e : 10 of lif\n  population i : 20 of lif\n}\npopulation S : 5 of poisson_source { rate = 1 Hz }\n"
                  "connect S -> L : all_to_all { weight = [1 mV, 2 mV] }\n"
                  "connect [L, S] -> L.i : indegree([[1], [2], [3]]) { weight = 3 mV }\n"
                  "record V of * every 0.1 ms\nrun 1 ms\n", 0);
    cr_expect_null(m.model, "a column is no list of three");
    unmake(&m);
    m = make("layer L {\n  population e : 10 of lif\n  population i : 20 of lif\n}\npopulation S : 5 of poisson_source { rate = 1 Hz }\n"
             "connect S -> L : all_to_all { weight = [1 mV, 2 mV] }\n"
             "connect [L, S] -> L.i : indegree([1, 2, 3]) { weight = 3 mV }\n"
             "connect L -> L : indegree([[0, 4], [5, 6]]) { weight = [[1 mV, 2 mV]] }\n"
             "record V of * every 0.1 ms\nrun 1 ms\n", 0);
    cr_assert(m.model, "%s", m.said);
    const Plan *p = m.model->plan;
    cr_expect_eq(p->n_projs, 2 + 3 + 3, "%d", p->n_projs); /* a zero makes none */
    cr_expect_eq(p->n_recs, 2, "sources have no V");
    double sum = 0;
    for (int k = 0; k < p->n_projs; k++) sum += p->proj[k].weight.value;
    cr_expect_float_eq(sum, 1 + 2 + 9 + (2 + 1 + 2), 1e-12);
    unmake(&m);
}
