/* Runs a model once for each point of its sweep: every point in a process of its own, so that none can harm the others, with its
 * results in a file of its own until they are copied into the one output. */
#include "main.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 4000, SHOWN_FAILURES = 5 };

typedef struct Job {
    pid_t pid;
    uint64_t point;
    int log;        /* descriptor of what it says on stderr */
} Job;

typedef struct Running {
    const Options *o;
    const CompiledSweep *sweep;
    const char *model, *path;
    Arena *arena;
    OutputSweep *out;
    OutputPoint *point;
    OutputAxis *axis;
    int n_pops, jobs_at_once, threads_each;
    const int *pop_order;
    Job *job;       /* vec */
    bool *ended;    /* [point] */
    uint64_t next, merged, done;
    double begun, told;
    bool failed;    /* the output: nothing further is copied */
} Running;

static volatile sig_atomic_t stop_signal;
static void on_signal(int sig) { stop_signal = sig; }

static char *part_of(const Running *r, uint64_t k) { return arena_printf(r->arena, "%s.point-%llu", r->path, (unsigned long long)k); }

/* "g = 3 mV, nu = 0.9, seed 2". */
static const char *values(const Running *r, uint64_t k)
{
    Buf b = {0};
    for (int q = 0; q < r->sweep->n_names; q++)
        buf_printf(&b, "%s%s = %.10g%s%s", q ? ", " : "", r->axis[q].name, r->point[k].value[q], *r->axis[q].unit ? " " : "", r->axis[q].unit);
    if (r->sweep->n_trials > 1) buf_printf(&b, "%sseed %llu", b.len ? ", " : "", (unsigned long long)r->point[k].seed);
    const char *text = arena_strdup(r->arena, b.p ? b.p : "");
    buf_free(&b);
    return text;
}

/* The life of a point, in its own process. */
static int live(const Running *r, uint64_t k, int log)
{
    Options o = *r->o;
    o.part = true;
    o.point = k;
    o.quiet = true;
    o.strict = false;
    o.verbose = 0;
    o.force = true;
    o.progress = "none";
    o.color = "never";
    o.threads = r->threads_each;
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0) dup2(null, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    int status = run_model(r->model, &o, part_of(r, k));
    fflush(stderr);
    return status;
}

static bool start(Running *r, Fail *f)
{
    FILE *log = tmpfile();
    if (!log) return fail_set(f, EXIT_SYSTEM, "cannot make a temporary file: %s", strerror(errno));
    int fd = dup(fileno(log));
    fclose(log);
    fflush(NULL);
    uint64_t k = r->next;
    pid_t pid = fork();
    if (!pid) _exit(live(r, k, fd));
    if (pid < 0) {
        close(fd);
        return fail_set(f, EXIT_SYSTEM, "cannot start a process: %s", strerror(errno));
    }
    r->next++;
    vec_push(r->job, ((Job){pid, k, fd}));
    return true;
}

static const char *said(const Running *r, int log)
{
    char text[MESSAGE_BYTES];
    lseek(log, 0, SEEK_SET);
    ssize_t n = read(log, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    while (n > 0 && text[n - 1] == '\n') text[--n] = 0;
    return arena_strdup(r->arena, text);
}

/* Takes what points have left, in their order, so that the file does not depend on who ended first. */
static void merge(Running *r, Fail *f)
{
    for (; r->merged < r->next && r->ended[r->merged]; r->merged++) {
        OutputPoint *p = &r->point[r->merged];
        char *part = part_of(r, r->merged);
        if (!r->failed && os_exists(part) && !output_sweep_add(r->out, r->merged, part, (double *)(uintptr_t)p->rate, &p->met, &p->expected, f)) r->failed = true;
        unlink(part);
        unlink(arena_printf(r->arena, "%s.tmp", part));
    }
}

static void end(Running *r, size_t which, int status)
{
    Job j = r->job[which];
    OutputPoint *p = &r->point[j.point];
    r->job[which] = r->job[vec_len(r->job) - 1];
    (void)vec_pop(r->job);
    p->message = said(r, j.log);
    close(j.log);
    p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    p->state = WIFSIGNALED(status) ? "crashed" : !p->status ? "done" : p->status == 130 || p->status == 143 ? "interrupted" : "failed";
    if (WIFSIGNALED(status) && !*p->message) p->message = arena_printf(r->arena, "ended by signal %d", WTERMSIG(status));
    r->ended[j.point] = true;
    r->done++;
}

static void tell(Running *r, bool last)
{
    double now = os_now();
    bool tty = os_is_tty(stderr), json = !strcmp(r->o->progress, "json"), bar = !strcmp(r->o->progress, "bar") || (!strcmp(r->o->progress, "auto") && tty);
    if (r->o->quiet || !strcmp(r->o->progress, "none") || (!last && now - r->told < (bar ? 0.1 : json ? 0.5 : 10))) return;
    r->told = now;
    double left = r->done ? (now - r->begun) / (double)r->done * (double)(r->sweep->n_points - r->done) : 0;
    unsigned long long done = r->done, all = r->sweep->n_points, running = vec_len(r->job);
    if (json) fprintf(stderr, "{\"points\": %llu, \"done\": %llu, \"running\": %llu, \"wall_s\": %.1f, \"left_s\": %.1f}\n", all, done, running, now - r->begun, left);
    else fprintf(stderr, "%s%llu of %llu points, %llu running, %.0f s, about %.0f s left%s", bar ? "\r\033[K" : "", done, all, running, now - r->begun, left, bar && !last ? "" : "\n");
    fflush(stderr);
}

static void run_all(Running *r, Fail *f)
{
    bool stopping = false;
    while (r->done < r->sweep->n_points) {
        while (!stop_signal && !r->failed && r->next < r->sweep->n_points && vec_len(r->job) < (size_t)r->jobs_at_once)
            if (!start(r, f)) r->failed = true;
        if (stop_signal && !stopping) {
            stopping = true;
            for (size_t k = 0; k < vec_len(r->job); k++) kill(r->job[k].pid, (int)stop_signal);
        }
        if (!vec_len(r->job)) break;
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        for (size_t k = 0; pid > 0 && k < vec_len(r->job); k++)
            if (r->job[k].pid == pid) {
                end(r, k, status);
                break;
            }
        merge(r, f);
        tell(r, false);
    }
    tell(r, true);
}

static void complain_of_points(const Running *r)
{
    uint64_t bad = 0;
    for (uint64_t k = 0; k < r->sweep->n_points; k++) {
        const OutputPoint *p = &r->point[k];
        if (!strcmp(p->state, "done") || !strcmp(p->state, "not run") || !strcmp(p->state, "interrupted")) continue;
        if (++bad > SHOWN_FAILURES) continue;
        fprintf(stderr, "cortexc: point %llu (%s) %s with %d:\n%s\n", (unsigned long long)k, values(r, k), p->state, p->status, p->message);
    }
    if (bad > SHOWN_FAILURES) fprintf(stderr, "cortexc: %llu more points failed\n", (unsigned long long)(bad - SHOWN_FAILURES));
}

static bool tell_expected(const Running *r)
{
    uint64_t met = 0, all = 0;
    for (uint64_t k = 0; k < r->sweep->n_points; k++) {
        const OutputPoint *p = &r->point[k];
        met += p->met, all += p->expected;
        if (p->met < p->expected && !r->o->quiet) fprintf(stderr, "point %llu (%s):\n%s\n", (unsigned long long)k, values(r, k), p->message);
    }
    if (all && !r->o->quiet) printf("met: %llu of %llu expectations\n", (unsigned long long)met, (unsigned long long)all);
    return met == all;
}

int sweep_run(const Loaded *l, const Options *o, const char *model, const char *path)
{
    Fail f = {0};
    const CompiledSweep *s = &l->model->sweep;
    const Plan *p = l->model->plan;
    int cores = o->threads > 0 ? o->threads : os_cores();
    OutputInfo info = {.version = CORTEXC_VERSION, .command_line = o->command_line, .backend = o->backend, .force = o->force};
    Running r = {.o = o, .sweep = s, .model = model, .path = path, .arena = l->arena, .n_pops = p->n_pops, .begun = os_now()};
    r.jobs_at_once = (uint64_t)cores < s->n_points ? cores : (int)s->n_points;
    r.threads_each = cores / r.jobs_at_once;
    r.point = arena_many(l->arena, OutputPoint, s->n_points);
    r.ended = arena_many(l->arena, bool, s->n_points);
    r.axis = arena_many(l->arena, OutputAxis, (size_t)s->n_names + 1);
    double *rate = arena_many(l->arena, double, s->n_points * (size_t)p->n_pops + 1);
    const char **pop = arena_many(l->arena, const char *, (size_t)p->n_pops + 1);
    for (int q = 0; q < s->n_names; q++) r.axis[q] = (OutputAxis){s->name[q], s->unit[q]};
    for (int q = 0; q < p->n_pops; q++) pop[q] = p->pop[p->pop_order[q]].name;
    for (uint64_t k = 0; k < s->n_points; k++) {
        for (int q = 0; q < p->n_pops; q++) rate[k * (size_t)p->n_pops + (size_t)q] = NAN;
        r.point[k] = (OutputPoint){.value = s->value + k * (size_t)s->n_names, .trial = k % s->n_trials, .seed = s->first_seed + k % s->n_trials, .status = -1,
                                   .state = "not run", .message = "", .rate = rate + k * (size_t)p->n_pops};
    }
    struct sigaction sa = {.sa_handler = on_signal};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    r.out = output_sweep_open(p, path, &info, &f);
    if (!r.out) return complain(o, &f);
    run_all(&r, &f);
    vec_free(r.job);
    Fail end_of = {0};
    bool ok = output_sweep_finish(r.out, s->n_names, r.axis, s->n_points, r.point, &end_of);
    if (r.failed) return complain(o, &f);
    if (!ok) return complain(o, &end_of);
    if (!o->quiet) output_sweep_print(stdout, p->title, s->n_names, r.axis, p->n_pops, pop, s->n_points, r.point);
    complain_of_points(&r);
    bool met = tell_expected(&r);
    if (!o->quiet) printf("results: %s\n", path);
    if (stop_signal) {
        fprintf(stderr, "cortexc: interrupted after %llu of %llu points; what was simulated is in %s\n", (unsigned long long)r.done, (unsigned long long)s->n_points, path);
        return 128 + (int)stop_signal;
    }
    for (uint64_t k = 0; k < s->n_points; k++)
        if (r.point[k].status) return r.point[k].status;
    return met || !o->strict ? 0 : 1;
}
