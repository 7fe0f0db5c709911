/* The output file: written through the sinks from plans made by hand, and read back. With
 * CORTEXC_SAMPLE=FILE the sample of the first test stays there, for tests/sonata. */
#include "output.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- an engine and a plan made by hand ---- */

EngineStats engine_stats(const Engine *e)
{
    (void)e;
    return (EngineStats){.neurons = 16,
                         .synapses = 12,
                         .spikes = 5,
                         .steps = 1000,
                         .threads = 3,
                         .build_s = 0.5,
                         .run_s = 1.5};
}
uint64_t engine_state_hash(const Engine *e, int pop)
{
    (void)e;
    return 0xABC0u + (uint64_t)pop;
}
const double *engine_column(const Engine *e, int pop, int field)
{
    (void)e, (void)pop, (void)field;
    return NULL;
}

uint64_t engine_proj_synapses(const Engine *e, int proj)
{
    (void)e, (void)proj;
    return 0;
}

EngineWeights engine_weights(const Engine *e, int proj)
{
    (void)e, (void)proj;
    return (EngineWeights){0};
}

void engine_synapses(const Engine *e, int proj, EngineSynapse *visit, void *user)
{
    (void)e, (void)proj, (void)visit, (void)user;
}

void engine_edges(const Engine *e, int proj, EngineEdge *visit, void *user)
{
    (void)e, (void)proj, (void)visit, (void)user;
}

double engine_net(const Engine *e, int net)
{
    (void)e, (void)net;
    return 0;
}

void engine_synapse_values(const Engine *e, int rec, int var, double *out)
{
    (void)e, (void)rec, (void)var, (void)out;
}

static uint32_t picked[] = {1, 4, 5};
static PlanVar of_e[] = {{"V", "mV", 0, -1}, {"I/C", "uA/cm^2", 1, -1}};
static PlanVar of_e2[] = {{"V", "uV", 0, -1}};
static PlanVar of_i[] = {{"V", "mV", 0, -1}};
static PlanRec recs[] = {
    {.pop = 1,
     .sel = {.index = picked, .n = 3},
     .n_vars = 2,
     .var = of_e,
     .when = {.every = 5, .to = INT64_MAX}},
    {.pop = 1,
     .sel = {.lo = 2, .hi = 4, .n = 2},
     .n_vars = 1,
     .var = of_e2,
     .when = {.every = 3, .from = 1, .to = 1000}},
    {.pop = 2, .sel = {.n = 0}, .n_vars = 1, .var = of_i, .when = {.every = 10, .to = 1000}},
};
static PlanPop pops[] = {
    {.name = "L23",
     .layer = "L23",
     .model = "lif",
     .n = 4,
     .record_spikes = true,
     .kernel = -1,
     .v_field = -1},
    {.name = "L4.e",
     .layer = "L4",
     .model = "lif",
     .n = 8,
     .record_spikes = true,
     .kernel = -1,
     .v_field = -1,
     .v_known = true,
     .v_rest = -70,
     .v_threshold = -50,
     .color = {0.8, 0.2, 0.1}},
    {.name = "L4.i",
     .layer = "L4",
     .model = "lif",
     .n = 3,
     .kernel = -1,
     .v_field = -1,
     .synapse_inhibitory = true},
    {.name = "none",
     .layer = "none",
     .model = "lif",
     .n = 0,
     .record_spikes = true,
     .kernel = -1,
     .v_field = -1},
    {.name = "rain",
     .layer = "rain",
     .model = "poisson_source",
     .n = 5,
     .is_source = true,
     .record_spikes = true,
     .kernel = -1,
     .v_field = -1},
};
static int order[] = {1, 2, 0, 4, 3};
static PlanRun run = {1000};
static int inner_cells[] = {2};
static PlanSelect all_inner[] = {{.hi = 3, .n = 3}};
static PlanExpect expects[] = {
    {.text = "rate(L4.i) in [5 Hz, 8 Hz]",
     .measure = "rate",
     .pop = inner_cells,
     .sel = all_inner,
     .n_pops = 1,
     .to = 1000,
     .lo = 5,
     .hi = 8},
};
static Plan plan = {.title = "a sample",
                    .model_path = "sample.cortex",
                    .model_text = "model \"a sample\"\n",
                    .params_json = "{\"g\":5}",
                    .model_hash = 77,
                    .dt = 0.1,
                    .seed = 9,
                    .n_pops = 5,
                    .n_recs = 3,
                    .n_runs = 1,
                    .pop = pops,
                    .pop_order = order,
                    .rec = recs,
                    .n_expects = 1,
                    .expect = expects,
                    .run = &run};
static OutputInfo info = {
    .version = "0.1.0", .command_line = "cortexc sample.cortex", .backend = "interp", .threads = 2};

/* The library itself forgets a chunk when its write fails. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5\n";
}

static const char *scratch(const char *name)
{
    static char folder[] = "/tmp/cortexc-output-XXXXXX", path[256];
    static bool made;
    if (!made) cr_assert_not_null(mkdtemp(folder));
    made = true;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void tidy(const char *path)
{
    char folder[256];
    unlink(path);
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    rmdir(folder);
}

/* What the sample network does: everything a sink may be given. */
static void play(Sink *s, int64_t from, int64_t to)
{
    Fail f;
    for (int64_t step = from; step < to; step++) {
        double v[8] = {-70 + 0.001 * (double)step, -60, -55}, w[8] = {1, 2, (double)step};
        const double *value[] = {v, w};
        if (step % 5 == 0) cr_assert(s->frame(s, 0, step, value, &f));
        if (step >= 1 && (step - 1) % 3 == 0) cr_assert(s->frame(s, 1, step, value, &f));
        if (step % 10 == 0) cr_assert(s->frame(s, 2, step, value, &f));
        uint32_t id[] = {(uint32_t)(step % 8), 7}, twice[] = {2, 2, 4}, inner[] = {0, 2};
        if (step % 7 == 0) cr_assert(s->spikes(s, 1, step + 1, id, step % 8 < 7 ? 2 : 1, &f));
        if (step % 100 == 3) cr_assert(s->spikes(s, 2, step + 1, inner, 2, &f));
        if (step % 50 == 0) cr_assert(s->spikes(s, 4, step + 1, twice, 3, &f));
    }
}

typedef struct Seen {
    Sink sink;
    uint64_t n[5], sum[5];
    int64_t last[5];
} Seen;

static bool see(Sink *s, int pop, int64_t step, const uint32_t *id, size_t n, Fail *f)
{
    (void)f;
    Seen *seen = (Seen *)s;
    cr_assert_gt(step, seen->last[pop]);
    seen->last[pop] = step;
    seen->n[pop] += n;
    for (size_t k = 0; k < n; k++)
        seen->sum[pop] = seen->sum[pop] * 31 + (uint64_t)step * 8 + id[k];
    return true;
}

Test(output, what_is_written_is_read_back)
{
    const char *keep = getenv("CORTEXC_SAMPLE"), *path = keep ? keep : scratch("a.h5");
    Fail f = {0};
    Summary *s = summary_new(&plan, 60, 10);
    Expect *x = expect_new(&plan);
    info.force = true;
    Output *o = output_open(&plan, path, &info, &f);
    cr_assert_not_null(o, "%s", f.text);
    play(output_sink(o), 0, 1000);
    play(summary_sink(s), 0, 1000);
    Sink *counting = expect_sink(x);
    uint32_t one = 1;
    cr_assert(counting->spikes(counting, 2, 5, &one, 1, &f));
    cr_assert_not(os_exists(path) && !keep);
    cr_assert(output_finish(o, (const Engine *)1, s, x, &f), "%s", f.text);

    OutputFile *in = output_read(path, &f);
    cr_assert_not_null(in, "%s", f.text);
    const Plan *p = output_plan(in);
    cr_assert_str_eq(p->title, "a sample");
    cr_assert_eq(p->n_pops, 5);
    cr_assert_eq(p->run[0].steps, 1000);
    cr_assert_eq(p->dt, 0.1);
    for (int k = 0; k < 5; k++) {
        cr_assert_str_eq(p->pop[k].name, pops[order[k]].name);
        cr_assert_str_eq(p->pop[k].layer, pops[order[k]].layer);
        cr_assert_eq(p->pop[k].n, pops[order[k]].n);
        cr_assert_eq(p->pop[k].is_source, pops[order[k]].is_source);
    }
    cr_assert_eq(p->pop[0].v_threshold, -50);
    cr_assert(p->pop[0].v_known && !isnan(p->pop[0].v_rest));
    cr_assert_eq(p->pop[0].color[0], 0.8);
    Seen wanted = {.sink = {see, NULL}}, got = wanted;
    for (int64_t step = 0; step < 1000; step++) {
        uint32_t id[] = {(uint32_t)(step % 8), 7}, twice[] = {2, 2, 4};
        if (step % 7 == 0) see(&wanted.sink, 0, step + 1, id, step % 8 < 7 ? 2 : 1, &f);
        if (step % 50 == 0) see(&wanted.sink, 3, step + 1, twice, 3, &f);
    }
    cr_assert(output_spikes(in, &got.sink, &f), "%s", f.text);
    cr_assert_arr_eq(got.n, wanted.n, sizeof got.n);
    cr_assert_arr_eq(got.sum, wanted.sum, sizeof got.sum);
    output_close(in);

    Summary *again = output_summary(path, 60, 10, &f);
    cr_assert_not_null(again, "%s", f.text);
    for (int k = 0; k < 5; k++) { /* those whose spikes are not in the file, too */
        SummaryRow a = summary_row(again, k), b = summary_row(s, order[k]);
        char note[2][512] = {"", ""};
        cr_assert_str_eq(a.name, b.name);
        cr_assert_str_eq(a.word, b.word);
        cr_assert_eq(a.spikes, b.spikes);
        cr_assert_eq(a.rate, b.rate);
        cr_assert(a.cv == b.cv || (isnan(a.cv) && isnan(b.cv)));
        cr_assert(a.synchrony == b.synchrony || (isnan(a.synchrony) && isnan(b.synchrony)));
        cr_assert_eq(summary_note(again, k, note[0], 512), summary_note(s, order[k], note[1], 512));
        cr_assert_str_eq(note[0], note[1]);
    }
    cr_assert_eq(summary_row(again, 1).spikes, 20u);
    summary_free(s), summary_free(again), expect_free(x);
    if (!keep) tidy(path);
}

Test(output, hash_is_that_of_step_and_id_however_the_run_is_cut)
{
    const char *path = scratch("a.h5");
    Fail f = {0};
    uint64_t hash[2];
    for (int k = 0; k < 2; k++) {
        Output *o = output_open(&plan, path, &info, &f);
        cr_assert_not_null(o, "%s", f.text);
        play(output_sink(o), 0, k ? 1000 : 431);
        if (!k) play(output_sink(o), 431, 1000);
        hash[k] = output_spike_hash(o, 1);
        output_abandon(o);
    }
    Hash *h = hash_new();
    for (int64_t step = 1; step <= 1000; step++) {
        uint32_t id[] = {(uint32_t)((step - 1) % 8), 7};
        for (int k = 0; (step - 1) % 7 == 0 && k < ((step - 1) % 8 < 7 ? 2 : 1); k++) {
            hash_add(h, &step, sizeof step);
            hash_add(h, &id[k], sizeof id[k]);
        }
    }
    cr_assert_eq(hash[0], hash[1]);
    cr_assert_eq(hash[0], hash_value(h));
    hash_free(h);
    tidy(path);
}

Test(output, long_runs_do_not_take_more_memory)
{
    const char *path = scratch("a.h5");
    Fail f = {0};
    Output *o = output_open(&plan, path, &info, &f);
    cr_assert_not_null(o, "%s", f.text);
    Sink *s = output_sink(o);
    static uint32_t id[3000];
    double v[8] = {0};
    const double *value[] = {v, v};
    size_t at_first = 0;
    uint64_t spikes = 0;
    for (int64_t step = 1; step <= 1200; step++, spikes += 3000) {
        for (int k = 0; k < 3000; k++)
            id[k] = (uint32_t)(k * 8 / 3000);
        cr_assert(s->spikes(s, 1, step, id, 3000, &f));
        for (int k = 0; k < 50; k++)
            cr_assert(s->frame(s, 0, step * 250 + k * 5, value, &f));
        if (step == 100) at_first = cx_mem_now();
    }
    cr_assert_eq(cx_mem_now(), at_first);
    cr_assert(output_finish(o, NULL, NULL, NULL, &f), "%s", f.text);
    OutputFile *in = output_read(path, &f);
    cr_assert_not_null(in, "%s", f.text);
    Seen got = {.sink = {see, NULL}};
    cr_assert(output_spikes(in, &got.sink, &f), "%s", f.text);
    cr_assert_eq(got.n[0], spikes);
    output_close(in);
    tidy(path);
}

static void refused(const Plan *p, const char *path, bool force, const char *word)
{
    OutputInfo i = info;
    Fail f = {0};
    i.force = force;
    cr_assert_null(output_open(p, path, &i, &f));
    cr_assert_eq(f.exit_code, EXIT_CANTCREATE);
    cr_assert_not_null(strstr(f.text, word), "%s", f.text);
}

Test(output, only_outputs_of_the_same_model_are_overwritten)
{
    const char *path = scratch("a.h5");
    Fail f = {0};
    FILE *text = fopen(path, "w");
    fputs("thesis", text);
    fclose(text);
    refused(&plan, path, false, "no output of this model");
    OutputInfo i = info;
    i.force = true;
    Output *o = output_open(&plan, path, &i, &f);
    cr_assert(o && output_finish(o, NULL, NULL, NULL, &f), "%s", f.text);
    o = output_open(&plan, path, &info, &f);
    cr_assert(o && output_finish(o, NULL, NULL, NULL, &f), "%s", f.text);
    Plan other = plan;
    other.title = "another";
    refused(&other, path, false, "no output of this model");
    other = plan;
    other.model_path = "other.cortex";
    refused(&other, path, false, "no output of this model");
    tidy(path);
}

Test(output, says_why_a_file_cannot_be_made)
{
    char path[300];
    const char *file = scratch("a.h5");
    snprintf(path, sizeof path, "%.*s", (int)(strlen(file) - strlen("/a.h5")), file);
    refused(&plan, path, true, "is a folder");
    strcat(path, "/absent/a.h5");
    refused(&plan, path, false, "there is no folder");
    refused(&plan, "/dev/null", true, "not a regular file");
    if (geteuid() != 0) refused(&plan, "/proc/a.h5", false, "");
    Fail f = {0};
    Output *o = output_open(&plan, file, &info, &f);
    cr_assert_not_null(o, "%s", f.text);
    refused(&plan, file, true, "another run is writing it");
    output_abandon(o);
    tidy(file);
}

Test(output, abandoned_leaves_nothing)
{
    const char *path = scratch("a.h5");
    char tmp[300];
    Fail f = {0};
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    Output *o = output_open(&plan, path, &info, &f);
    cr_assert_not_null(o, "%s", f.text);
    play(output_sink(o), 0, 100);
    cr_assert(os_exists(tmp));
    output_abandon(o);
    cr_assert_not(os_exists(tmp));
    cr_assert_not(os_exists(path));
    output_abandon(NULL);
    tidy(path);
}

/* A limit on the size of files stands for a full disk, which is noticed at the end or on the way.
 */
Test(output, a_full_disk_is_a_clear_end)
{
    const char *path = scratch("a.h5");
    char tmp[300];
    Fail f = {0};
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    for (int while_running = 0; while_running < 2; while_running++) {
        Output *o = output_open(&plan, path, &info, &f);
        cr_assert_not_null(o, "%s", f.text);
        Sink *s = output_sink(o);
        signal(SIGXFSZ, SIG_IGN);
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){40000, RLIM_INFINITY}), 0);
        bool ok = true;
        uint32_t id = 0;
        for (int64_t step = 1; ok && while_running && step < 3000000; step++) {
            id = (id * 1664525u + 1013904223u) & 0x7FFFFFFFu;
            uint32_t cell = id % 8;
            ok = s->spikes(s, 1, step, &cell, 1, &f);
        }
        cr_assert_eq(ok, !while_running);
        if (while_running) {
            cr_assert_eq(f.exit_code, EXIT_IO);
            cr_assert_not_null(strstr(f.text, "File too large"), "%s", f.text);
        }
        f = (Fail){0};
        cr_assert_not(output_finish(o, NULL, NULL, NULL, &f));
        cr_assert_eq(f.exit_code, EXIT_IO);
        cr_assert_not_null(strstr(f.text, "File too large"), "%s", f.text);
        cr_assert_not(os_exists(path));
        cr_assert_not(os_exists(tmp));
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    }
    tidy(path);
}

Test(output, foreign_files_are_refused_when_read)
{
    const char *path = scratch("a.h5");
    Fail f = {0};
    cr_assert_null(output_read(path, &f));
    cr_assert_eq(f.exit_code, EXIT_NOINPUT);
    Output *o = output_open(&plan, path, &info, &f);
    cr_assert_not_null(o, "%s", f.text);
    play(output_sink(o), 0, 1000);
    cr_assert(output_finish(o, NULL, NULL, NULL, &f), "%s", f.text);
    struct stat st;
    stat(path, &st);
    cr_assert_eq(truncate(path, st.st_size / 2), 0);
    cr_assert_null(output_read(path, &f));
    cr_assert_eq(f.exit_code, EXIT_NOINPUT);
    cr_assert_null(output_summary(path, 60, 10, &f));
    tidy(path);
}
