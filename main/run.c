/* `cortexc MODEL.cortex`: compile, run, write. */
#include "main.h"
#include "engine.h"
#include "expect.h"
#include "output.h"

#include <locale.h>
#include <math.h>
#include <signal.h>
#include <string.h>

static volatile int stop_now;
static volatile sig_atomic_t stop_signal;

static void on_signal(int sig)
{
    stop_signal = sig;
    stop_now = 1;
}

static void catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigemptyset(&sa.sa_mask);
    sa.sa_flags = (int)SA_RESETHAND; /* a second one ends the program at once */
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is a failed write */
}

/* The equation of the variable that went wrong, as a diagnostic at its line. */
static void tell_nan(Loaded *l, const Options *o, const EngineNan *nan)
{
    const Plan *p = l->model->plan;
    const PlanPop *pop = &p->pop[nan->pop];
    Span at = {0, 0};
    const char *text = NULL;
    for (size_t k = 0; k < vec_len(l->model->eqs); k++)
        for (int q = 0; q < l->model->eqs[k].n; q++)
            if (!strcmp(l->model->eqs[k].pops, pop->name) && l->model->eqs[k].eq[q].field == nan->field) {
                at = l->model->eqs[k].eq[q].span;
                text = l->model->eqs[k].eq[q].name;
            }
    Diags *ds = diag_new(l->arena, l->ast.sources);
    const char *name = text ? text : p->kernel[pop->kernel]->field[nan->field].name;
    Diag *d = diag_add(ds, D_non_finite, at, "`%s` of neuron %u of `%s` is not finite at %.10g ms", name, nan->neuron, pop->name,
                       decimal_time(nan->step + 1, p->dt));
    diag_note(d, "the run ended there; what came before is in the output file");
    diag_hint(d, "a smaller `dt`, or a bound such as `min(V, Vpeak)` inside an exponential, helps most often");
    tell_diagnostics(o, l->ast.sources, ds);
}

/* Runs all runs of the plan in pieces of 10 simulated ms, between which progress is told and V looked at:
 * the pieces depend on the model alone, so what is sampled does too. */
static bool simulate(Engine *e, const Plan *p, Summary *s, Progress *pr, Fail *f)
{
    int64_t total = 0, done = 0, piece = (int64_t)(10 / p->dt);
    if (piece < 1) piece = 1;
    for (int k = 0; k < p->n_runs; k++) total += p->run[k].steps;
    double last = 0;
    for (int k = 0; k < p->n_runs; k++) {
        if (!engine_begin(e, k, f)) return false;
        for (int64_t left = p->run[k].steps; left > 0 && !engine_over(e);) {
            int64_t next = piece - done % piece;
            if (next > left) next = left;
            if (!engine_run(e, next, f)) return false;
            left -= next;
            done = engine_stats(e).steps;
            if (s) summary_sample(s, e);
            if (stop_now) return true;
            if (pr && os_now() - last > 0.05) {
                last = os_now();
                progress_tick(pr, done, total, engine_stats(e).spikes);
            }
        }
    }
    return true;
}

/* What the model expects of itself, met or not; false when something is not. */
static bool tell_expected(const Options *o, const Expect *x)
{
    bool all = true;
    for (int k = 0; k < expect_count(x); k++) {
        ExpectResult r = expect_result(x, k);
        FILE *to = r.met ? stdout : stderr;
        all = all && r.met;
        if (o->quiet && r.met) continue;
        fprintf(to, "%s: %s (", r.met ? "met" : "cortexc: not met", r.text);
        if (r.why) fprintf(to, "%s)\n", r.why);
        else fprintf(to, "%.4g%s%s)\n", r.value, *r.unit ? " " : "", r.unit);
    }
    return all;
}

static void tell(const Options *o, const Summary *s, const EngineStats *st, const char *path)
{
    bool color = color_for(o, stdout);
    int columns = os_columns(stdout);
    if (columns > 120) columns = 120;
    summary_print(s, stdout, color, columns);
    putchar('\n');
    summary_raster(s, stdout, color, columns, 0);
    const char *few = !o->threads && st->threads < os_cores() ? ", for so few neurons gain nothing from more" : "";
    printf("\n%llu neurons, %llu synapses, %llu spikes; built in %.2f s, run in %.2f s with %d thread%s%s\n", (unsigned long long)st->neurons,
           (unsigned long long)st->synapses, (unsigned long long)st->spikes, st->build_s, st->run_s, st->threads, st->threads == 1 ? "" : "s", few);
    printf("results: %s\nnext:    cortexc plot %s\n", path, path);
}

/* `-v`: what was built, on stderr. */
static void tell_built(const Plan *p, const Engine *e)
{
    EngineStats st = engine_stats(e);
    for (int k = 0; k < p->n_projs; k++) {
        uint64_t left_out = engine_proj_autapses(e, k);
        fprintf(stderr, "built: %s, %llu synapses by %s, ", p->proj[k].name, (unsigned long long)engine_proj_synapses(e, k), p->proj[k].rule);
        if (p->proj[k].procedural) fprintf(stderr, "made anew for each spike");
        else fprintf(stderr, "%.1f bytes each", engine_proj_bytes(e, k));
        if (left_out) fprintf(stderr, ", %llu neurons not with themselves", (unsigned long long)left_out);
        fprintf(stderr, "\n");
    }
    fprintf(stderr, "built: %.1f MB of synapses, %.1f MB of states, in %.2f s with %d thread%s\n", (double)st.bytes_synapses / 1e6,
            (double)st.bytes_state / 1e6, st.build_s, st.threads, st.threads == 1 ? "" : "s");
}

/* Steps that were far too long for `stiff` or `adaptive`: how many, and where the first one was. */
static void tell_rough(const Plan *p, const Engine *e)
{
    for (int k = 0; k < p->n_pops; k++) {
        const Kernel *kernel = p->pop[k].kernel >= 0 ? p->kernel[p->pop[k].kernel] : NULL;
        int n = -1, t = -1;
        for (int q = 0; kernel && q < kernel->n_fields; q++) {
            if (!strcmp(kernel->field[q].name, "rough.n")) n = q;
            if (!strcmp(kernel->field[q].name, "rough.t")) t = q;
        }
        if (n < 0 || t < 0) continue;
        const double *times = engine_column(e, k, n), *when = engine_column(e, k, t);
        double steps = 0;
        uint32_t first = UINT32_MAX;
        for (uint32_t i = 0; i < p->pop[k].n; i++) {
            steps += times[i];
            if (times[i] > 0 && (first == UINT32_MAX || when[i] < when[first])) first = i;
        }
        if (steps == 0) continue;
        fprintf(stderr, "cortexc: warning: %.0f step%s of neurons of `%s` %s too long for the method, the first one that of neuron %u from %.10g ms on; "
                "take a smaller `dt`\n", steps, steps == 1 ? "" : "s", p->pop[k].name, steps == 1 ? "was" : "were", first, when[first]);
    }
}

/* `--profile`: where the time went, `compiled` and `written` being spent before building and behind the run. */
static void tell_profile(const Options *o, const EngineStats *st, double compiled, double written)
{
    static const char *const name[ENGINE_PARTS] = {"update", "delivery", "random numbers", "exchange", "waiting", "output"};
    double whole = os_now() - o->began, rest = whole - compiled - st->build_s;
    printf("\ntime                   s      %%\n");
    const char *row = "%-15s %8.3f %6.1f\n";
    printf(row, "compiling", compiled, 100 * compiled / whole);
    printf(row, "building", st->build_s, 100 * st->build_s / whole);
    for (int k = 0; k < ENGINE_PARTS; k++) {
        double s = st->part_s[k] + (k == ENGINE_OUTPUT ? written : 0);
        printf(row, name[k], s, 100 * s / whole);
        rest -= s;
    }
    printf(row, "rest", rest, 100 * rest / whole);
    printf(row, "whole", whole, 100.0);
}

/* What kept kernels from being compiled, once. */
static void tell_notes(const Plan *p)
{
    for (int k = 0; k < p->n_kernels; k++) {
        const char *note = __atomic_load_n(&p->kernel[k]->note, __ATOMIC_ACQUIRE);
        if (!note) continue;
        fprintf(stderr, "cortexc: note: the model was interpreted (the results are the same): %s\n", note);
        return;
    }
}

static int run_loaded(Loaded *l, const Options *o, const char *path)
{
    Fail f = {0};
    const Plan *p = l->model->plan;
    const Backend *b = backend_find(o->backend);
    ProgressMode mode;
    if (!b) return complain_usage("there is no backend `%s`", o->backend);
    if (!progress_mode(o->progress, &mode)) return complain_usage("--progress takes auto, bar, json or none, not `%s`", o->progress);
    if (!compile_build(l->model, b, &f)) return complain(o, &f);
    OutputInfo info = {.version = CORTEXC_VERSION, .command_line = o->command_line, .backend = b->name, .threads = o->threads, .force = o->force, .part = o->part};
    catch_signals();
    Output *out = output_open(p, path, &info, &f);
    if (!out) return complain(o, &f);
    Summary *s = summary_new(p, RASTER_COLUMNS, RASTER_ROWS);
    Expect *x = expect_new(p);
    Sink *sinks[] = {output_sink(out), summary_sink(s), expect_sink(x)};
    EngineOptions eo = {.threads = o->threads, .n_sinks = 3, .sink = sinks, .profile = o->profile, .stop = &stop_now};
    int status = 0;
    double compiled = os_now() - o->began;
    Engine *e = engine_new(p, &eo, &f);
    if (!e) {
        output_abandon(out);
        summary_free(s);
        expect_free(x);
        status = complain(o, &f);
        return stop_now ? 128 + (int)stop_signal : status;
    }
    if (o->verbose) tell_built(p, e);
    Progress *pr = o->quiet ? NULL : progress_new(mode, stderr, p);
    bool ok = simulate(e, p, s, pr, &f);
    EngineNan nan = engine_nan(e);
    if (ok && !stop_now) engine_finish(e);
    if (ok && !stop_now) ok = engine_last_frames(e, &f);
    expect_finish(x, e);
    EngineStats st = engine_stats(e);
    int64_t total = 0;
    for (int k = 0; k < p->n_runs; k++) total += p->run[k].steps;
    if (ok && !stop_now) total = st.steps; /* `until` may have ended runs */
    progress_done(pr, st.steps, total, st.spikes);
    Fail why = f;
    double written = os_now();
    const char *place = o->part ? "the output" : path; /* a point's own file goes into that of its sweep */
    if (!ok && !nan.hit && !engine_refused(e)) {
        status = complain(o, &f);
        output_abandon(out);
    } else if (!output_finish(out, e, s, x, &f)) {
        status = complain(o, &f);
    } else if (engine_refused(e)) {
        status = complain(o, &why);
        fprintf(stderr, "cortexc: the run ended at %.10g ms; what came before is in %s\n", decimal_time(st.steps, p->dt), place);
    } else {
        written = os_now() - written;
        bool met = tell_expected(o, x);
        tell_rough(p, e);
        if (!o->quiet) tell(o, s, &st, path);
        if (o->profile) tell_profile(o, &st, compiled, written);
        if (!o->quiet) tell_notes(p);
        if (nan.hit) {
            tell_nan(l, o, &nan);
            status = EXIT_MODEL;
        } else if (stop_now) {
            fprintf(stderr, "cortexc: interrupted after %.10g ms; what was simulated is in %s\n", decimal_time(st.steps, p->dt), place);
            status = 128 + (int)stop_signal;
        } else if (!met && o->strict)
            status = 1;
    }
    engine_free(e);
    expect_free(x);
    summary_free(s);
    return status;
}

int run_model(const char *model, const Options *o, const char *path)
{
    Loaded l;
    int status = load(model, o, true, NULL, &l);
    if (!status) status = run_loaded(&l, o, path);
    unload(&l);
    return status;
}

int command_run(const Options *o, int argc, char **argv)
{
    if (argc != 1) return complain_usage(argc ? "one model at a time: what is `%s`?" : "which model?", argc > 1 ? argv[1] : "");
    setlocale(LC_CTYPE, "");
    Loaded l;
    Buf dump = {0};
    int status = load(argv[0], o, true, o->dump_after ? &dump : NULL, &l);
    if (dump.len) fwrite(dump.p, 1, dump.len, stdout);
    buf_free(&dump);
    if (!status) {
        if (o->profile && l.model->sweep.n_points) {
            unload(&l);
            return complain_usage("--profile looks at one run, and this model has a sweep or trials");
        }
        const char *path = o->output ? o->output : arena_printf(l.arena, "%s.h5", os_basename(l.arena, argv[0], ".cortex"));
        status = l.model->sweep.n_points ? sweep_run(&l, o, argv[0], path) : run_loaded(&l, o, path);
    }
    unload(&l);
    return status;
}
