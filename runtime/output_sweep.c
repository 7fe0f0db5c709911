/* One file of many points: each point's own output file, copied as a whole under /cortexc/points, and a table of them. */
#include "h5.h"
#include "output.h"
#include "output_meta.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define AT "/cortexc/sweep/"

struct OutputSweep {
    const Plan *plan;
    const OutputInfo *info;
    Arena *arena;
    char *path, *tmp;
    int lock;
    H5file *h5;
};

static bool broken(OutputSweep *o, Fail *f)
{
    Fail why = h5_error(o->h5);
    return fail_set(f, why.exit_code, "%s; the file was removed, as it cannot be completed", why.text);
}

OutputSweep *output_sweep_open(const Plan *p, const char *path, const OutputInfo *i, Fail *f)
{
    static const uint32_t magic = 0x0A7A, version[2] = {0, 1};
    char identity[17];
    OutputSweep *o = cx_alloc(1, sizeof *o, "output");
    *o = (OutputSweep){.plan = p, .info = i, .arena = arena_new("output")};
    o->lock = output_claim(p, path, i->force, o->arena, &o->path, &o->tmp, f);
    bool ok = o->lock >= 0 && (o->h5 = h5_create(o->tmp, f));
    output_identity(p, identity);
    if (ok && (!h5_attr(o->h5, "/", "magic", H5K_U32, 0, &magic) || !h5_attr(o->h5, "/", "version", H5K_U32, 2, version) ||
               !h5_group(o->h5, "/cortexc/points") || !h5_attr_text(o->h5, "/cortexc", "identity", identity))) {
        ok = broken(o, f);
        h5_drop(o->h5);
    }
    if (ok) return o;
    if (o->lock >= 0) {
        unlink(o->tmp);
        close(o->lock);
    }
    arena_free(o->arena);
    cx_free(o);
    return NULL;
}

/* The rates of a point, which may have other populations than the table, that of point 0: found by name. */
static bool rates(const OutputSweep *o, H5file *h, double *rate)
{
    const Plan *p = o->plan;
    uint64_t n;
    if (!h5_length(h, "/cortexc/populations/rate", &n)) return false;
    Arena *a = arena_new("output");
    const char **name = arena_many(a, const char *, n + 1);
    double *own = arena_many(a, double, n + 1);
    bool ok = h5_read_texts(h, a, "/cortexc/populations/name", n, name) && h5_read(h, "/cortexc/populations/rate", H5K_F64, 0, n, own);
    for (int k = 0; ok && k < p->n_pops; k++)
        for (uint64_t q = 0; q < n; q++)
            if (!strcmp(name[q], p->pop[p->pop_order[k]].name)) rate[k] = own[q];
    arena_free(a);
    return ok;
}

bool output_sweep_add(OutputSweep *o, uint64_t k, const char *from, double *rate, uint64_t *met, uint64_t *expected, Fail *f)
{
    uint64_t n = 0;
    *met = *expected = 0;
    H5file *h = h5_open(from, f);
    if (!h) return false;
    bool ok = rates(o, h, rate);
    if (ok && h5_length(h, "/cortexc/expect/met", &n) && n < INT_MAX) {
        uint8_t *is = cx_alloc(n, sizeof *is, "output");
        *expected = n;
        if (h5_read(h, "/cortexc/expect/met", H5K_U8, 0, n, is))
            for (uint64_t q = 0; q < n; q++) *met += is[q];
        cx_free(is);
    }
    h5_drop(h);
    if (!ok) return fail_set(f, EXIT_IO, "%s is no complete output", from);
    return h5_copy(o->h5, from, arena_printf(o->arena, "/cortexc/points/%llu", (unsigned long long)k)) || broken(o, f);
}

static bool about(OutputSweep *o, uint64_t n)
{
    H5file *h = o->h5;
    const Plan *p = o->plan;
    return h5_attr_text(h, "/cortexc", "format", "1") && h5_attr_text(h, "/cortexc", "version", o->info->version) &&
           h5_attr_text(h, "/cortexc", "title", p->title) && h5_attr_text(h, "/cortexc", "model_path", p->model_path) &&
           h5_attr(h, "/cortexc", "points", H5K_U64, 0, &n) && h5_text(h, "/cortexc/model", p->model_text) &&
           h5_text(h, "/cortexc/command_line", o->info->command_line);
}

static bool table(OutputSweep *o, int n_axes, const OutputAxis *axis, uint64_t n, const OutputPoint *point)
{
    Arena *a = o->arena;
    H5file *h = o->h5;
    size_t pops = (size_t)o->plan->n_pops, axes = (size_t)n_axes;
    const char **name = arena_many(a, const char *, axes + 1), **unit = arena_many(a, const char *, axes + 1);
    const char **pop = arena_many(a, const char *, pops), **state = arena_many(a, const char *, n), **message = arena_many(a, const char *, n);
    double *value = arena_many(a, double, n * axes + 1), *rate = arena_many(a, double, n * pops);
    uint64_t *trial = arena_many(a, uint64_t, n), *seed = arena_many(a, uint64_t, n);
    uint64_t *met = arena_many(a, uint64_t, n), *expected = arena_many(a, uint64_t, n);
    int64_t *status = arena_many(a, int64_t, n);
    for (size_t k = 0; k < axes; k++) name[k] = axis[k].name, unit[k] = axis[k].unit;
    for (size_t k = 0; k < pops; k++) pop[k] = o->plan->pop[o->plan->pop_order[k]].name;
    for (uint64_t k = 0; k < n; k++) {
        for (size_t q = 0; q < axes; q++) value[k * axes + q] = point[k].value[q];
        for (size_t q = 0; q < pops; q++) rate[k * pops + q] = point[k].rate[q];
        trial[k] = point[k].trial, seed[k] = point[k].seed, status[k] = point[k].status;
        state[k] = point[k].state, message[k] = point[k].message;
        met[k] = point[k].met, expected[k] = point[k].expected;
    }
    return h5_texts(h, AT "name", axes, name) && h5_texts(h, AT "unit", axes, unit) && h5_texts(h, AT "population", pops, pop) &&
           h5_array(h, AT "value", H5K_F64, n, axes, value) && h5_array(h, AT "rate", H5K_F64, n, pops, rate) &&
           h5_attr_text(h, AT "rate", "units", "Hz") && h5_array(h, AT "trial", H5K_U64, n, H5_FLAT, trial) &&
           h5_array(h, AT "seed", H5K_U64, n, H5_FLAT, seed) && h5_array(h, AT "status", H5K_I64, n, H5_FLAT, status) &&
           h5_texts(h, AT "state", n, state) && h5_texts(h, AT "message", n, message) &&
           h5_array(h, AT "met", H5K_U64, n, H5_FLAT, met) && h5_array(h, AT "expected", H5K_U64, n, H5_FLAT, expected);
}

bool output_sweep_finish(OutputSweep *o, int n_axes, const OutputAxis *axis, uint64_t n, const OutputPoint *point, Fail *f)
{
    bool ok = about(o, n) && table(o, n_axes, axis, n, point);
    if (!ok) (void)broken(o, f);
    if (!h5_finish(o->h5, ok ? f : &(Fail){0})) ok = false;
    ok = output_publish(o->lock, o->path, o->tmp, ok, f);
    close(o->lock);
    arena_free(o->arena);
    cx_free(o);
    return ok;
}

/* ---- the table for people ---- */

static const char *number(Arena *a, double v) { return isnan(v) ? "-" : arena_printf(a, "%.6g", v); }

static int wider(int w, const char *text)
{
    int n = (int)strlen(text);
    return n > w ? n : w;
}

void output_sweep_print(FILE *out, const char *title, int n_axes, const OutputAxis *axis, int n_pops, const char *const *pop, uint64_t n,
                        const OutputPoint *point)
{
    enum { MOST = 12 }; /* populations that fit a line */
    Arena *a = arena_new("table");
    int shown = n_pops < MOST ? n_pops : MOST, columns = n_axes + shown + 2;
    uint64_t trials = 0, expected = 0;
    for (uint64_t k = 0; k < n; k++) {
        if (point[k].trial + 1 > trials) trials = point[k].trial + 1;
        if (point[k].expected > expected) expected = point[k].expected;
    }
    const char **cell = arena_many(a, const char *, (n + 1) * (size_t)columns);
    int *width = arena_many(a, int, (size_t)columns);
    for (int q = 0; q < n_axes; q++) cell[q] = *axis[q].unit ? arena_printf(a, "%s (%s)", axis[q].name, axis[q].unit) : axis[q].name;
    cell[n_axes] = trials > 1 ? "seed" : "";
    for (int q = 0; q < shown; q++) cell[n_axes + 1 + q] = arena_printf(a, "%s (Hz)", pop[q]);
    cell[columns - 1] = expected ? "met" : "";
    for (uint64_t k = 0; k < n; k++) {
        const char **row = cell + (k + 1) * (size_t)columns;
        const OutputPoint *p = &point[k];
        for (int q = 0; q < n_axes; q++) row[q] = number(a, p->value[q]);
        row[n_axes] = trials > 1 ? arena_printf(a, "%llu", (unsigned long long)p->seed) : "";
        for (int q = 0; q < shown; q++) row[n_axes + 1 + q] = isnan(p->rate[q]) ? "-" : arena_printf(a, "%.2f", p->rate[q]);
        row[columns - 1] = expected && p->expected ? arena_printf(a, "%llu/%llu", (unsigned long long)p->met, (unsigned long long)p->expected) : "";
    }
    for (uint64_t k = 0; k <= n; k++)
        for (int q = 0; q < columns; q++) width[q] = wider(width[q], cell[k * (size_t)columns + (size_t)q]);
    fprintf(out, "%s: %llu points\n", title, (unsigned long long)n);
    for (uint64_t k = 0; k <= n; k++) {
        fprintf(out, k ? "  %5llu" : "  point", (unsigned long long)(k ? k - 1 : 0));
        for (int q = 0; q < columns; q++)
            if (width[q]) fprintf(out, "  %*s", width[q], cell[k * (size_t)columns + (size_t)q]);
        if (k && strcmp(point[k - 1].state, "done") != 0) fprintf(out, "  %s", point[k - 1].state);
        fputc('\n', out);
    }
    if (shown < n_pops) fprintf(out, "  %d further populations are in the file\n", n_pops - shown);
    arena_free(a);
}

bool output_sweep_show(const char *path, FILE *out)
{
    H5file *h = os_exists(path) ? h5_open(path, NULL) : NULL;
    if (!h) return false;
    Arena *a = arena_new("table");
    uint64_t n = 0, axes = 0, pops = 0, rows, across;
    const char *title = "";
    bool ok = h5_length(h, AT "state", &n) && h5_length(h, AT "population", &pops) && h5_length(h, AT "name", &axes) && n && n <= 1000000 &&
              pops <= 100000 && axes <= 100 && h5_read_attr_text(h, a, "/cortexc", "title", &title) && h5_shape(h, AT "rate", &rows, &across) && rows == n &&
              across == pops;
    if (ok) {
        const char **name = arena_many(a, const char *, axes + 1), **unit = arena_many(a, const char *, axes + 1);
        const char **pop = arena_many(a, const char *, pops + 1), **state = arena_many(a, const char *, n);
        double *value = arena_many(a, double, n * axes + 1), *rate = arena_many(a, double, n * pops + 1);
        uint64_t *trial = arena_many(a, uint64_t, n), *seed = arena_many(a, uint64_t, n), *met = arena_many(a, uint64_t, n), *expected = arena_many(a, uint64_t, n);
        OutputAxis *axis = arena_many(a, OutputAxis, axes + 1);
        OutputPoint *point = arena_many(a, OutputPoint, n);
        ok = (!axes || (h5_read_texts(h, a, AT "name", axes, name) && h5_read_texts(h, a, AT "unit", axes, unit) && h5_read_wide(h, AT "value", n, axes, value))) &&
             h5_read_texts(h, a, AT "population", pops, pop) && h5_read_texts(h, a, AT "state", n, state) && h5_read_wide(h, AT "rate", n, pops, rate) &&
             h5_read(h, AT "trial", H5K_U64, 0, n, trial) && h5_read(h, AT "seed", H5K_U64, 0, n, seed) && h5_read(h, AT "met", H5K_U64, 0, n, met) &&
             h5_read(h, AT "expected", H5K_U64, 0, n, expected);
        for (uint64_t k = 0; ok && k < axes; k++) axis[k] = (OutputAxis){name[k], unit[k]};
        for (uint64_t k = 0; ok && k < n; k++)
            point[k] = (OutputPoint){.value = value + k * axes, .trial = trial[k], .seed = seed[k], .state = state[k], .message = "", .rate = rate + k * pops,
                                     .met = met[k], .expected = expected[k]};
        if (ok) output_sweep_print(out, title, (int)axes, axis, (int)pops, pop, n, point);
    }
    h5_drop(h);
    arena_free(a);
    return ok;
}
