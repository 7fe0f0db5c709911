/* `cortexc stats`: replays the spikes of a file through the measures. */
#include "stats.h"

#include "measures/measure.h"
#include "output.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *measure, *title;
} columns[] = {{"rate", "rate (Hz)"},          {"cv_isi", "CV"},           {"local_cv", "CV2"},           {"fano", "Fano"}, {"synchrony", "synchrony"},
               {"correlation", "correlation"}, {"peak_frequency", "peak (Hz)"}, {"burst_index", "bursts"}, {"branching_ratio", "branching"}};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

typedef struct Row {
    uint64_t spikes;
    bool done;
    double value[N_COLUMNS];
    const char *why[N_COLUMNS];
} Row;

struct Stats {
    Sink sink;
    OutputFile *file;
    const Plan *plan;
    int64_t from, to; /* steps */
    Row *row;
    int pop;          /* being looked at, -1 none */
    Arena *arena;     /* of its measures */
    MeasureAsk ask[N_COLUMNS];
    void *state[N_COLUMNS];
};

static int64_t width_of(const Measure *m, double dt)
{
    int64_t steps = 0;
    bool exact;
    if (!m->def.width) return 0;
    return decimal_steps(m->def.width_ms, dt, &steps, &exact) && steps > 0 ? steps : 1;
}

static void begin(Stats *s, int pop)
{
    s->pop = pop;
    s->arena = arena_new("statistics");
    for (int k = 0; k < N_COLUMNS; k++) {
        const Measure *m = measure_find(columns[k].measure);
        s->ask[k] = (MeasureAsk){.arena = s->arena, .from = s->from, .to = s->to, .width = width_of(m, s->plan->dt), .dt = s->plan->dt,
                                 .cells = {s->plan->pop[pop].n, 0}};
        s->state[k] = m->begin(&s->ask[k]);
    }
}

static void end(Stats *s)
{
    if (s->pop < 0) return;
    Row *r = &s->row[s->pop];
    for (int k = 0; k < N_COLUMNS; k++) r->value[k] = measure_find(columns[k].measure)->result(s->state[k], &s->ask[k], &r->why[k]);
    r->done = true;
    arena_free(s->arena);
    s->pop = -1;
}

static bool on_spikes(Sink *sink, int pop, int64_t step, const uint32_t *id, size_t n, Fail *f)
{
    Stats *s = (Stats *)sink;
    (void)f;
    if (step <= s->from || step > s->to) return true;
    if (pop != s->pop) {
        end(s);
        begin(s, pop);
    }
    s->row[pop].spikes += n;
    for (int k = 0; k < N_COLUMNS; k++) {
        const Measure *m = measure_find(columns[k].measure);
        for (size_t j = 0; j < n; j++) m->spike(s->state[k], &s->ask[k], 0, id[j], step);
    }
    return true;
}

static bool window(Stats *s, double from, double to, Fail *f)
{
    bool exact;
    int64_t all = s->plan->run[0].steps;
    s->to = all;
    if (isfinite(from) && (from < 0 || !decimal_steps(from, s->plan->dt, &s->from, &exact) || s->from >= all))
        return fail_set(f, EXIT_USAGE, "--from lies outside of the run, which ends at %g ms", decimal_time(all, s->plan->dt));
    if (isfinite(to) && (!decimal_steps(to, s->plan->dt, &s->to, &exact) || s->to <= s->from))
        return fail_set(f, EXIT_USAGE, "--to lies before the beginning of the window");
    if (s->to > all) s->to = all;
    return true;
}

Stats *stats_read(const char *path, double from, double to, Fail *f)
{
    OutputFile *file = output_read(path, f);
    if (!file) return NULL;
    Stats *s = cx_alloc(1, sizeof *s, "statistics");
    *s = (Stats){.sink = {.spikes = on_spikes}, .file = file, .plan = output_plan(file), .pop = -1};
    s->row = cx_alloc((size_t)s->plan->n_pops + 1, sizeof *s->row, "statistics");
    bool ok = window(s, from, to, f) && output_spikes(file, &s->sink, f);
    if (!ok && s->pop >= 0) arena_free(s->arena);
    if (!ok) {
        stats_free(s);
        return NULL;
    }
    end(s);
    for (int k = 0; k < s->plan->n_pops; k++) {
        if (s->row[k].done || !s->plan->pop[k].record_spikes) continue;
        begin(s, k); /* one without spikes */
        end(s);
    }
    return s;
}

int stats_columns(void) { return N_COLUMNS; }

StatsColumn stats_column(int k)
{
    const MeasureDef *d = &measure_find(columns[k].measure)->def;
    return (StatsColumn){d->name, columns[k].title, d->unit == MEASURE_RATE ? "Hz" : "", d->width ? d->width_ms : 0, d->width ? d->width : ""};
}

int stats_rows(const Stats *s) { return s->plan->n_pops; }

const char *stats_name(const Stats *s, int row) { return s->plan->pop[row].name; }

uint64_t stats_cells(const Stats *s, int row) { return s->plan->pop[row].n; }

uint64_t stats_spikes(const Stats *s, int row) { return s->row[row].spikes; }

bool stats_recorded(const Stats *s, int row) { return s->plan->pop[row].record_spikes; }

double stats_value(const Stats *s, int row, int column, const char **why)
{
    const Row *r = &s->row[row];
    *why = r->done ? r->why[column] : "its spikes were not recorded";
    return *why ? NAN : r->value[column];
}

double stats_from(const Stats *s) { return decimal_time(s->from, s->plan->dt); }

double stats_to(const Stats *s) { return decimal_time(s->to, s->plan->dt); }

void stats_free(Stats *s)
{
    if (!s) return;
    output_close(s->file);
    cx_free(s->row);
    cx_free(s);
}
