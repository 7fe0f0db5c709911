/* Reading an output file back. The file may come from anywhere: every size is checked against what
 * is stored before memory is asked for. */
#include "output_file.h"

#include <math.h>
#include <string.h>

enum { MAX_POPS = 1 << 20 };

bool output_broken(const OutputFile *o, const char *what, Fail *f)
{
    return fail_set(f, EXIT_MODEL, "%s is no complete output of cortexc: %s", o->path, what);
}

#define AT "/cortexc/populations/"

const char *output_clean(OutputFile *o, const char *text)
{
    char *clean = arena_strdup(o->arena, text);
    for (char *c = clean; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F) *c = '?';
    return clean;
}

bool output_words(OutputFile *o, const char *path, uint64_t n, const char **text)
{
    if (!h5_read_texts(o->h5, o->arena, path, n, text)) return false;
    for (uint64_t k = 0; k < n; k++)
        text[k] = output_clean(o, text[k]);
    return true;
}

/* The number of cells a population has, checked against its table of nodes. */
static bool check_cells(OutputFile *o, const char *name, uint64_t cells, Fail *f)
{
    const char *path = arena_printf(o->arena, "/nodes/%s/node_id", name);
    uint64_t n, stored;
    if (strchr(name, '/') || !h5_length(o->h5, path, &n) || !h5_stored(o->h5, path, &stored))
        return output_broken(o, "a population has no table of nodes", f);
    if (n != cells || cells > UINT32_MAX || cells / PACKED_AT_MOST > stored)
        return output_broken(o, "a population has another number of cells than its table of nodes", f);
    return true;
}

static bool read_pops(OutputFile *o, Fail *f)
{
    Arena *a = o->arena;
    H5file *h = o->h5;
    uint64_t n, stored;
    if (!h5_length(h, AT "cells", &n) || !h5_stored(h, AT "cells", &stored))
        return output_broken(o, "no table of populations", f);
    if (n > MAX_POPS || n / PACKED_AT_MOST > stored)
        return output_broken(o, "its table of populations", f);
    const char **name = arena_many(a, const char *, n), **layer = arena_many(a, const char *, n);
    const char **model = arena_many(a, const char *, n);
    uint64_t *cells = arena_many(a, uint64_t, n);
    uint8_t *source = arena_many(a, uint8_t, n);
    double *rest = arena_many(a, double, n), *threshold = arena_many(a, double, n);
    double *color = arena_many(a, double, 3 * n);
    if (!output_words(o, AT "name", n, name) || !output_words(o, AT "layer", n, layer) ||
        !output_words(o, AT "model", n, model) || !h5_read(h, AT "cells", H5K_U64, 0, n, cells) ||
        !h5_read(h, AT "is_source", H5K_U8, 0, n, source) ||
        !h5_read(h, AT "v_rest", H5K_F64, 0, n, rest) ||
        !h5_read(h, AT "v_threshold", H5K_F64, 0, n, threshold) ||
        !h5_read_wide(h, AT "color", n, 3, color))
        return output_broken(o, "its table of populations", f);
    o->plan.n_pops = (int)n;
    o->plan.pop = arena_many(a, PlanPop, n);
    for (uint64_t k = 0; k < n; k++) {
        if (!check_cells(o, name[k], cells[k], f)) return false;
        uint64_t spikes;
        const char *times = arena_printf(a, "/spikes/%s/timestamps", name[k]);
        PlanPop *p = &o->plan.pop[k];
        *p = (PlanPop){.name = name[k],
                       .layer = layer[k],
                       .model = model[k],
                       .n = (uint32_t)cells[k],
                       .is_source = source[k],
                       .record_spikes = h5_length(h, times, &spikes),
                       .kernel = -1,
                       .v_field = -1,
                       .v_rest = rest[k],
                       .v_threshold = threshold[k],
                       .v_known = isfinite(rest[k] + threshold[k])};
        memcpy(p->color, color + 3 * k, sizeof p->color);
    }
    return true;
}

/* What the summary of the run said. */
static bool read_rows(OutputFile *o, Fail *f)
{
    static const char *const name[] = {"rate", "cv", "synchrony", "fano", "v_mean", "v_max"};
    enum { N = sizeof name / sizeof *name };
    Arena *a = o->arena;
    uint64_t n = (uint64_t)o->plan.n_pops, *spikes = arena_many(a, uint64_t, n);
    const char **word = arena_many(a, const char *, n);
    double *v[N];
    bool ok = h5_read(o->h5, AT "spikes", H5K_U64, 0, n, spikes);
    for (int c = 0; c < N; c++) {
        v[c] = arena_many(a, double, n);
        ok = ok && h5_read(o->h5, arena_printf(a, AT "%s", name[c]), H5K_F64, 0, n, v[c]);
    }
    o->row = arena_many(a, SummaryRow, n);
    o->note = arena_many(a, const char *, n);
    if (!ok || !h5_read_texts(o->h5, a, AT "word", n, word) ||
        !output_words(o, AT "note", n, o->note))
        return output_broken(o, "its table of populations", f);
    for (uint64_t k = 0; k < n; k++) {
        const PlanPop *p = &o->plan.pop[k];
        SummaryRow *r = &o->row[k];
        *r = (SummaryRow){.is_source = p->is_source,
                          .cells = p->n,
                          .spikes = spikes[k],
                          .word = word[k],
                          .rate = v[0][k],
                          .cv = v[1][k],
                          .synchrony = v[2][k],
                          .fano = v[3][k],
                          .v_mean = v[4][k],
                          .v_max = v[5][k]};
        r->v_sampled = isfinite(r->v_mean + r->v_max);
        r->v_threshold = p->v_threshold - p->v_rest;
        memcpy(r->color, p->color, sizeof r->color);
    }
    return true;
}

static bool read_head(OutputFile *o, Fail *f)
{
    const char *format;
    H5file *h = o->h5;
    Plan *p = &o->plan;
    uint64_t steps, planned;
    if (!h5_read_attr_text(h, o->arena, "/cortexc", "format", &format))
        return output_broken(o, "it has no /cortexc", f);
    if (strcmp(format, "1") != 0)
        return fail_set(f, EXIT_MODEL, "%s has format %s; this program reads format 1", o->path,
                        format);
    if (!h5_read_attr_text(h, o->arena, "/cortexc", "title", &p->title) ||
        !h5_read_attr_text(h, o->arena, "/cortexc", "model_path", &p->model_path) ||
        !h5_read_attr(h, "/cortexc", "dt", H5K_F64, &p->dt) ||
        !h5_read_attr(h, "/cortexc", "seed", H5K_U64, &p->seed) ||
        !h5_read_attr(h, "/cortexc", "steps", H5K_U64, &steps) ||
        !h5_read_attr(h, "/cortexc", "steps_planned", H5K_U64, &planned))
        return output_broken(o, "an attribute of /cortexc is missing", f);
    if (!isfinite(p->dt) || p->dt <= 0 || steps > INT64_MAX / 2 || planned > INT64_MAX)
        return output_broken(o, "its times make no sense", f);
    o->steps = (int64_t)steps;
    if (!h5_read_attr_text(h, o->arena, "/cortexc", "created", &o->created)) o->created = "";
    o->run.steps = (int64_t)planned;
    p->run = &o->run;
    p->n_runs = 1;
    return true;
}

OutputFile *output_read(const char *path, Fail *f)
{
    if (!os_exists(path)) {
        fail_set(f, EXIT_NOINPUT, "there is no file %s", path);
        return NULL;
    }
    H5file *h = h5_open(path, f);
    if (!h) return NULL;
    OutputFile *o = cx_alloc(1, sizeof *o, "output file");
    *o = (OutputFile){.arena = arena_new("output file"), .h5 = h};
    o->path = arena_strdup(o->arena, path);
    uint64_t points;
    if (h5_length(h, "/cortexc/sweep/state", &points)) {
        fail_set(f, EXIT_MODEL, "%s holds %llu runs of a sweep; `cortexc show` prints their table", path, (unsigned long long)points);
        output_close(o);
        return NULL;
    }
    if (read_head(o, f) && read_pops(o, f) && read_rows(o, f)) return o;
    output_close(o);
    return NULL;
}

const char *output_created(const OutputFile *o)
{
    return o->created;
}

const Plan *output_plan(const OutputFile *o)
{
    return &o->plan;
}

/* One spike after the other, handed over when the time changes. */
typedef struct Replay {
    Sink *to;
    int pop;
    int64_t step, last;
    uint32_t *id;
    size_t n;
} Replay;

static bool hand_over(Replay *r, Fail *f)
{
    size_t n = r->n;
    r->n = 0;
    return !n || r->to->spikes(r->to, r->pop, r->step, r->id, n, f);
}

static bool replay_block(OutputFile *o, Replay *r, const double *time, const uint64_t *id,
                         uint64_t n, Fail *f)
{
    const PlanPop *p = &o->plan.pop[r->pop];
    for (uint64_t k = 0; k < n; k++) {
        double step = time[k] / o->plan.dt + 0.5;
        if (!(step >= 0 && step < (double)(o->steps + 1)) || id[k] >= p->n)
            return output_broken(o, "a spike of no cell or of no time of the run", f);
        if ((int64_t)step < r->step) return output_broken(o, "its spikes are not in order of time", f);
        if (((int64_t)step != r->step || r->n == H5_CHUNK) && !hand_over(r, f)) return false;
        r->step = (int64_t)step;
        r->id[r->n++] = (uint32_t)id[k];
    }
    return true;
}

static bool replay_pop(OutputFile *o, Replay *r, double *time, uint64_t *id, Fail *f)
{
    const char *name = o->plan.pop[r->pop].name;
    const char *time_path = arena_printf(o->arena, "/spikes/%s/timestamps", name);
    const char *id_path = arena_printf(o->arena, "/spikes/%s/node_ids", name);
    uint64_t n, m;
    if (!o->plan.pop[r->pop].record_spikes) return true;
    if (!h5_length(o->h5, time_path, &n) || !h5_length(o->h5, id_path, &m) || m != n)
        return output_broken(o, "a population's spikes", f);
    r->step = 0;
    for (uint64_t row = 0; row < n; row += H5_CHUNK) {
        uint64_t block = n - row < H5_CHUNK ? n - row : H5_CHUNK;
        if (!h5_read(o->h5, time_path, H5K_F64, row, block, time) ||
            !h5_read(o->h5, id_path, H5K_U64, row, block, id))
            return output_broken(o, "a population's spikes", f);
        if (!replay_block(o, r, time, id, block, f)) return false;
    }
    return hand_over(r, f);
}

bool output_spikes(OutputFile *o, Sink *to, Fail *f)
{
    double *time = cx_alloc(H5_CHUNK, sizeof *time, "reading spikes");
    uint64_t *id = cx_alloc(H5_CHUNK, sizeof *id, "reading spikes");
    Replay r = {.to = to, .id = cx_alloc(H5_CHUNK, sizeof *r.id, "reading spikes")};
    bool ok = true;
    for (r.pop = 0; ok && r.pop < o->plan.n_pops; r.pop++)
        ok = replay_pop(o, &r, time, id, f);
    cx_free(time), cx_free(id), cx_free(r.id);
    return ok;
}

void output_close(OutputFile *o)
{
    if (!o) return;
    h5_drop(o->h5);
    arena_free(o->arena);
    cx_free(o);
}

Summary *output_summary(const char *path, int columns, int rows, Fail *f)
{
    OutputFile *o = output_read(path, f);
    if (!o) return NULL;
    Summary *s = summary_new(&o->plan, columns, rows);
    summary_steps(s, o->steps);
    for (int k = 0; k < o->plan.n_pops; k++)
        summary_set_row(s, k, &o->row[k], o->note[k]);
    if (!output_spikes(o, summary_sink(s), f)) {
        summary_free(s);
        s = NULL;
    }
    output_close(o);
    return s;
}
