/* The summary against closed forms, the raster and the progress. */
#include "output.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 200, STEPS = 10000 };

static double voltage[CELLS];

EngineStats engine_stats(const Engine *e)
{
    (void)e;
    return (EngineStats){.steps = STEPS};
}
uint64_t engine_state_hash(const Engine *e, int pop)
{
    (void)e;
    return (uint64_t)pop;
}
const double *engine_column(const Engine *e, int pop, int field)
{
    (void)e, (void)pop;
    cr_assert_eq(field, 1);
    return voltage;
}

static KernelField fields[] = {{"tau", "ms", FIELD_PARAM, true}, {"V", "mV", FIELD_STATE, false}};
static Kernel kernel = {.n_fields = 2, .field = fields};
static Kernel *kernels[] = {&kernel};

/* Names in alphabetical order; declared the other way round. */
static PlanPop pops[] = {
    {.name = "L1",
     .layer = "L1",
     .model = "lif",
     .record_spikes = true,
     .n = CELLS,
     .kernel = 0,
     .v_field = 1,
     .v_known = true,
     .v_rest = -70,
     .v_threshold = -50,
     .color = {1, 0, 0}},
    {.name = "L2",
     .layer = "L2",
     .model = "lif",
     .record_spikes = true,
     .n = CELLS,
     .kernel = 0,
     .v_field = 1,
     .v_known = true,
     .v_rest = -70,
     .v_threshold = -50},
    {.name = "rain",
     .layer = "rain",
     .model = "poisson_source",
     .record_spikes = true,
     .n = CELLS,
     .is_source = true,
     .kernel = -1,
     .v_field = -1},
};
static int order[] = {2, 1, 0};
static PlanRun run = {STEPS};
static Plan plan = {.title = "summary",
                    .dt = 0.1,
                    .n_pops = 3,
                    .n_runs = 1,
                    .n_kernels = 1,
                    .pop = pops,
                    .pop_order = order,
                    .run = &run,
                    .kernel = kernels};

static uint64_t state = 1;
static double draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-53;
}

static void spike(Summary *s, int pop, int64_t step, uint32_t lo, uint32_t hi)
{
    uint32_t id[CELLS];
    Fail f;
    for (uint32_t k = lo; k < hi; k++)
        id[k - lo] = k;
    Sink *to = summary_sink(s);
    cr_assert(to->spikes(to, pop, step, id, hi - lo, &f));
}

Test(summary, poisson_cells_have_cv_one_and_no_synchrony)
{
    Summary *s = summary_new(&plan, 0, 0);
    for (int64_t step = 1; step <= STEPS; step++)
        for (uint32_t k = 0; k < CELLS; k++)
            if (draw() < 0.002) spike(s, 2, step, k, k + 1); /* 20 Hz */
    SummaryRow r = summary_row(s, 2);
    cr_assert_float_eq(r.rate, 20, 1, "%g", r.rate);
    cr_assert_float_eq(r.cv, 0.95, 0.05, "%g", r.cv);
    cr_assert_float_eq(r.fano, 1, 0.3, "%g", r.fano);
    cr_assert_lt(r.synchrony, 0.05, "%g", r.synchrony);
    cr_assert_str_eq(r.word, "asynchronous");
    summary_free(s);
}

/* Each cell takes every volley with probability c, from volleys that come as Poisson events: all
 * pairs of cells have the correlation c, whatever their number. */
Test(summary, synchrony_is_the_root_of_the_correlation_for_any_number_of_cells)
{
    static const double c = 0.25;
    for (uint32_t cells = 20; cells <= CELLS; cells += 180) {
        pops[2].n = cells;
        Summary *s = summary_new(&plan, 0, 0);
        for (int64_t step = 1; step <= STEPS; step++) {
            if (draw() >= 0.008) continue;
            for (uint32_t k = 0; k < cells; k++)
                if (draw() < c) spike(s, 2, step, k, k + 1);
        }
        SummaryRow r = summary_row(s, 2);
        cr_assert_float_eq(r.synchrony, sqrt(c), 0.08, "%u cells: %g", cells, r.synchrony);
        cr_assert_str_eq(r.word, "synchronous");
        summary_free(s);
    }
    pops[2].n = CELLS;
}

Test(summary, one_cell_is_active_and_no_more)
{
    pops[0].n = 1;
    Summary *s = summary_new(&plan, 0, 0);
    for (int64_t step = 500; step <= STEPS; step += 500)
        spike(s, 0, step, 0, 1);
    cr_assert_str_eq(summary_row(s, 0).word, "active");
    cr_assert(isnan(summary_row(s, 0).synchrony));
    summary_free(s);
    pops[0].n = CELLS;
}

Test(summary, volleys_are_synchronous_and_regular)
{
    Summary *s = summary_new(&plan, 0, 0);
    for (int64_t step = 500; step <= STEPS; step += 500) /* 20 Hz, all together */
        spike(s, 0, step, 0, CELLS);
    SummaryRow r = summary_row(s, 0);
    cr_assert_eq(r.spikes, 20u * CELLS);
    cr_assert_float_eq(r.rate, 20, 1e-9);
    cr_assert_float_eq(r.cv, 0, 1e-9);
    /* 300 bins of 3 ms behind the onset of 100 ms; the first two volleys fall into it. With all
     * cells in m/CELLS of the bins the mean is m and the variance CELLS*m - m^2. */
    double m = 18.0 * CELLS / 300;
    cr_assert_float_eq(r.fano, CELLS - m, 2, "%g", r.fano);
    cr_assert_float_eq(r.synchrony, 1, 1e-9, "%g", r.synchrony);
    cr_assert_str_eq(r.word, "synchronous");
    summary_free(s);
}

Test(summary, cv_of_a_known_pattern)
{
    Summary *s = summary_new(&plan, 0, 0);
    static const int64_t at[] = {100, 200, 500}; /* intervals 100, 300: mean 200, deviation 100 */
    for (int k = 0; k < 3; k++)
        spike(s, 0, at[k], 0, 1);
    spike(s, 0, 600, 1, 2), spike(s, 0, 800, 1, 2); /* two spikes are too few */
    cr_assert_float_eq(summary_row(s, 0).cv, 0.5, 1e-12);
    cr_assert(isnan(summary_row(s, 1).cv));
    summary_free(s);
}

Test(summary, the_start_is_no_synchrony)
{
    Summary *s = summary_new(&plan, 0, 0);
    spike(s, 0, 10, 0, CELLS);
    for (int64_t step = 1000; step <= STEPS; step += 20)
        spike(s, 0, step, (uint32_t)(step / 20 % CELLS), (uint32_t)(step / 20 % CELLS) + 1);
    cr_assert_lt(summary_row(s, 0).synchrony, 0.1);
    cr_assert_str_eq(summary_row(s, 0).word, "asynchronous");
    summary_free(s);
}

static char *printed(const Summary *s, bool color, int columns)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    summary_print(s, out, color, columns);
    fclose(out);
    return text;
}

Test(summary, silent_and_saturated_layers_are_explained)
{
    Summary *s = summary_new(&plan, 0, 0);
    for (int k = 0; k < CELLS; k++)
        voltage[k] = k ? -64 : -59;
    summary_sample(s, (const Engine *)1);
    for (int64_t step = 30; step <= STEPS; step += 30)
        spike(s, 1, step, 0, CELLS);
    char note[512];
    cr_assert(summary_note(s, 0, note, sizeof note));
    cr_assert_str_eq(note, "L1 is silent: nothing is connected to it");
    cr_assert_str_eq(summary_row(s, 1).word, "saturated");
    cr_assert(summary_note(s, 1, note, sizeof note));
    cr_assert_not_null(strstr(note, "fire every 3.0 ms"), "%s", note);
    char *text = printed(s, false, 100);
    cr_assert_not_null(strstr(text, "L1 is silent"));
    cr_assert_lt(strstr(text, "rain"), strstr(text, "L2  "));
    cr_assert_not_null(strstr(text, "66,600"), "%s", text);
    free(text);
    for (int columns = 40; columns <= 100; columns += 5) {
        text = printed(s, false, columns);
        cr_assert_not_null(strstr(text, "saturated\n"), "%s", text);
        for (const char *line = text; *line; line = strchr(line, '\n') + 1)
            cr_assert_leq(strchr(line, '\n') - line, columns, "%s", text);
        free(text);
    }
    summary_free(s);
}

Test(summary, colors_are_the_nearest_a_terminal_has)
{
    char text[24];
    cr_assert_str_eq(raster_color((double[]){0.84, 0.37, 0}, text), "\033[38;5;166m");
    cr_assert_str_eq(raster_color((double[]){0.9, 0.6, 0}, text), "\033[38;5;172m");
    cr_assert_str_eq(raster_color((double[]){0, 0, 0}, text), "");
    cr_assert_str_eq(raster_color((double[]){1, 2, NAN}, text), "\033[38;5;226m");
}

Test(summary, reasons_name_what_is_connected)
{
    static const PlanPort port[1];
    static PlanProj proj[] = {{.src = 2, .tgt = 0, .weight = {.value = 1}},
                              {.src = 2, .tgt = 1, .weight = {.value = 1}}};
    Plan p = plan;
    char note[512];
    pops[0].n_ports = pops[1].n_ports = 1, pops[0].port = pops[1].port = port;
    p.proj = proj, p.n_projs = 2;
    for (int inhibited = 0; inhibited < 2; inhibited++) {
        if (inhibited) proj[1].weight.value = -1;
        Summary *s = summary_new(&p, 0, 0);
        for (int k = 0; k < CELLS; k++)
            voltage[k] = k ? -64 : -59;
        summary_sample(s, (const Engine *)1);
        for (int64_t step = 30; step <= STEPS; step += 30)
            spike(s, 1, step, 0, CELLS);
        cr_assert(summary_note(s, 0, note, sizeof note));
        cr_assert_str_eq(note, "L1 is silent: its input lifts V by 6.0 mV on average, 11.0 mV at "
                               "most; the threshold is 20 mV above rest");
        cr_assert(summary_note(s, 1, note, sizeof note));
        cr_assert_eq(strstr(note, "no inhibition reaches it") == NULL, inhibited, "%s", note);
        summary_free(s);
    }
}

Test(summary, rows_of_a_file_are_shown_as_they_are)
{
    Summary *s = summary_new(&plan, 0, 0);
    SummaryRow row = {.name = "other", .cells = CELLS, .spikes = 7, .rate = 3, .word = "saturated"};
    char note[512];
    summary_set_row(s, 1, &row, "L2 is what it is");
    cr_assert_str_eq(summary_row(s, 1).name, "L2");
    cr_assert_str_eq(summary_row(s, 1).word, "saturated");
    cr_assert_eq(summary_row(s, 1).spikes, 7u);
    cr_assert(summary_note(s, 1, note, sizeof note));
    cr_assert_str_eq(note, "L2 is what it is");
    row.word = "\033[2J";
    summary_set_row(s, 1, &row, "");
    cr_assert_str_eq(summary_row(s, 1).word, "");
    cr_assert_not(summary_note(s, 1, note, sizeof note));
    summary_free(s);
}

Test(summary, raster_leaves_out_what_is_not_recorded)
{
    pops[1].record_spikes = false;
    Summary *s = summary_new(&plan, 60, 12);
    spike(s, 0, 5000, 0, CELLS), spike(s, 1, 5000, 0, CELLS);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    summary_raster(s, out, false, 60, 12);
    fclose(out);
    cr_assert_not_null(strstr(text, "  L1 "), "%s", text);
    cr_assert_null(strstr(text, "  L2 "), "%s", text);
    cr_assert_eq(summary_row(s, 1).spikes, (uint64_t)CELLS);
    free(text);
    summary_free(s);
}

Test(summary, runs_that_ended_early_are_rated_by_what_was_done)
{
    Summary *s = summary_new(&plan, 0, 0);
    for (int64_t step = 100; step <= 1000; step += 100)
        spike(s, 0, step, 0, CELLS);
    summary_steps(s, 1000);
    cr_assert_float_eq(summary_row(s, 0).rate, 100, 1e-9);
    cr_assert_float_eq(summary_duration(s), 100, 1e-12);
    summary_free(s);
}

/* Not inlined: gcc 12 believes that `text` outlives its pointer. */
__attribute__((noinline)) static char *raster(const Summary *s, const char *locale, int columns,
                                              int rows)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    setenv("LC_ALL", locale, 1);
    summary_raster(s, out, false, columns, rows);
    fclose(out);
    return text;
}

Test(summary, raster_shows_time_and_layers)
{
    Summary *s = summary_new(&plan, 60, 12);
    /* L1: a volley at 500 ms; rain: never; L2: only the last cell, at the start. */
    spike(s, 0, 5000, 0, CELLS);
    spike(s, 1, 1, CELLS - 1, CELLS);
    summary_steps(s, STEPS);
    char *text = raster(s, "C", 60, 12);
    for (const char *c = text; *c; c++)
        cr_assert(*c == '\n' || (*c >= ' ' && *c <= '~'));
    char *l1 = strstr(text, "\n  L1 ") + 1;
    char *dot = strpbrk(l1 + 7, ".:*#"), *end = strchr(l1, '\n');
    cr_assert(dot < end);
    cr_assert_float_eq((double)(dot - l1 - 7) / (60 - 7 - 4), 0.5, 0.05, "%s", text);
    cr_assert_not_null(strstr(text, "ms\n"));
    cr_assert_not_null(strstr(text, "1000 ms"), "%s", text);
    free(text);
    text = raster(s, "C.UTF-8", 60, 4);
    int lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    cr_assert_leq(lines, 4 + 3);
    cr_assert_not_null(strstr(text, "\xE2\xA0") ? text : strstr(text, "\xE2\xA1"), "%s", text);
    free(text);
    summary_free(s);
}

Test(summary, raster_of_an_unforeseen_length)
{
    Summary *s = summary_new(&plan, 20, 3);
    for (int64_t step = 1; step <= 50 * STEPS; step += 997)
        spike(s, 2, step, 0, 1);
    summary_steps(s, 50 * STEPS);
    char *text = raster(s, "C", 40, 3);
    cr_assert_not_null(strstr(text, "40000"), "%s", text);
    free(text);
    summary_free(s);
}

Test(summary, progress_in_json)
{
    char *text = NULL;
    size_t size;
    ProgressMode mode;
    cr_assert(progress_mode("json", &mode));
    cr_assert_not(progress_mode("loud", &mode) && mode);
    FILE *err = open_memstream(&text, &size);
    Progress *pr = progress_new(PROGRESS_JSON, err, &plan);
    progress_tick(pr, 1, 100, 0); /* too early for a line */
    progress_done(pr, 100, 100, 42);
    fclose(err);
    cr_assert_not_null(strstr(text, "\"spikes\":42"), "%s", text);
    cr_assert_not_null(strstr(text, "\"simulated_ms\":10.0"), "%s", text);
    cr_assert_not_null(strstr(text, "\"done\":true}\n"), "%s", text);
    cr_assert_eq(strchr(text, '\n'), text + size - 1);
    free(text);
    progress_done(NULL, 0, 0, 0);
}

Test(summary, progress_off_the_terminal_is_a_line_now_and_then)
{
    char *text = NULL;
    size_t size;
    FILE *err = open_memstream(&text, &size);
    Progress *pr = progress_new(PROGRESS_NONE, err, &plan);
    progress_done(pr, 100, 100, 42);
    pr = progress_new(PROGRESS_AUTO, err, &plan);
    for (int k = 0; k < 100; k++)
        progress_tick(pr, k, 100, 0);
    progress_done(pr, 100, 100, 42);
    fclose(err);
    cr_assert_eq(strchr(text, '\n'), text + size - 1, "%s", text);
    cr_assert_not_null(strstr(text, "100 %  10.0 ms of 10.0 ms"), "%s", text);
    free(text);
}
