/* Writes /report, /cortexc/record and /cortexc/at_spikes: frames are buffered up to one chunk and appended. */
#include "output_records.h"

#include "average.h"
#include "output_meta.h"

#include <string.h>

typedef struct OutVar { /* one array: frames by cells, or a number a frame */
    char *path;
    double factor;   /* what one internal unit is in the unit shown */
    PlanOver over;
    uint64_t width;  /* H5_FLAT: one number */
    double *buf;     /* chunk_rows rows */
} OutVar;

typedef struct OutRec {
    const PlanRec *rec; /* NULL: one that is only watched */
    const char *pop;
    bool report;          /* a variable, the first that is no average, goes to /report, too: */
    int reported;
    char *mapping, *data; /* of /report/POP */
    OutVar *var;
    uint64_t chunk_rows, rows, frames;
    int64_t first; /* step of the first frame */
    double *time;  /* vec: of recordings at given times */
} OutRec;

typedef struct OutRows { /* of a recorder at spikes */
    const PlanRec *rec; /* NULL: another kind */
    char *group;
    double *time;       /* vecs, one chunk at most */
    uint32_t *id;
    double **value;     /* [variable] before, [n_vars + variable] behind the reset */
    uint64_t written;
} OutRows;

typedef struct OutCount { /* of rates and counts */
    const PlanCount *count;
    char *path;
    int64_t next;        /* step that ends the interval */
    uint64_t width, chunk_rows, rows, frames;
    double *now, *buf;   /* of the interval; finished ones */
} OutCount;

struct OutRecords {
    const Plan *plan;
    Arena *arena;
    OutRec *rec;
    OutRows *rows;
    OutCount *count;
    const char **path; /* vec: all that are taken */
};

/* Position among the selected neurons, or -1. */
int64_t output_position(const PlanSelect *s, uint32_t id)
{
    if (id < s->lo || id >= s->hi) return -1;
    if (!s->index) return id - s->lo;
    uint32_t lo = 0, hi = s->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->index[mid] < id) lo = mid + 1;
        else hi = mid;
    }
    return lo < s->n && s->index[lo] == id ? (int64_t)lo : -1;
}

/* "…/POP/V", or "V#2" when an earlier recorder of the same population has it; a slash cannot stand in the name of an
 * HDF5 object. */
static char *new_path(OutRecords *o, const char *folder, const char *pop, const char *variable)
{
    char *name = arena_strdup(o->arena, variable);
    for (char *c = name; *c; c++)
        if (*c == '/') *c = '|';
    char *path = arena_printf(o->arena, "/cortexc/%s/%s%s%s", folder, pop, *name ? "/" : "", name), *first = path;
    for (int count = 2;; count++) {
        bool taken = false;
        for (size_t k = 0; k < vec_len(o->path); k++) taken = taken || !strcmp(o->path[k], path);
        if (!taken) break;
        path = arena_printf(o->arena, "%s#%d", first, count);
    }
    vec_push(o->path, path);
    return path;
}

/* Rows of a chunk of arrays `width` wide, of a recording that has `frames` at most. */
static uint64_t rows_of_chunk(uint64_t width, uint64_t frames)
{
    uint64_t rows = width == H5_FLAT ? H5_CHUNK : H5_CHUNK / (width ? width : 1);
    if (rows > frames) rows = frames;
    return rows ? rows : 1;
}

/* Frames that `every` steps from `from` to the end of the run or `to` make, with those steps before it. */
static uint64_t planned(const Plan *p, int64_t every, int64_t from, int64_t to)
{
    int64_t end = 0;
    for (int k = 0; k < p->n_runs; k++) end += p->run[k].steps;
    if (to < end) end = to;
    return end > from && every > 0 ? ((uint64_t)(end - from) + (uint64_t)every - 1) / (uint64_t)every : 1;
}

OutRecords *output_records_new(Arena *a, const Plan *p)
{
    OutRecords *o = arena_one(a, OutRecords);
    *o = (OutRecords){.plan = p, .arena = a};
    o->rec = arena_many(a, OutRec, (size_t)p->n_recs + 1);
    o->rows = arena_many(a, OutRows, (size_t)p->n_recs + 1);
    o->count = arena_many(a, OutCount, (size_t)p->n_counts + 1);
    return o;
}

static bool open_rec(OutRecords *o, H5file *h, int k)
{
    const PlanRec *r = &o->plan->rec[k];
    OutRec *out = &o->rec[k];
    *out = (OutRec){.rec = r, .pop = o->plan->pop[r->pop].name, .first = r->when.from};
    while (out->reported < r->n_vars && r->var[out->reported].over) out->reported++;
    out->report = out->reported < r->n_vars && r->when.kind == TIMES_EVERY;
    for (int before = 0; before < k; before++) out->report = out->report && !(o->rec[before].report && o->plan->rec[before].pop == r->pop);
    out->mapping = arena_printf(o->arena, "/report/%s/mapping", out->pop);
    out->data = arena_printf(o->arena, "/report/%s/data", out->pop);
    out->var = arena_many(o->arena, OutVar, (size_t)r->n_vars);
    uint64_t widest = H5_FLAT;
    for (int v = 0; v < r->n_vars; v++)
        if (!r->var[v].over) widest = r->sel.n;
    out->chunk_rows = rows_of_chunk(widest, r->when.kind == TIMES_AT    ? (uint64_t)r->when.n_at
                                            : r->when.kind == TIMES_END ? 1
                                                                        : planned(o->plan, r->when.every, r->when.from, r->when.to));
    bool ok = true;
    if (out->report) ok = h5_growing(h, out->data, H5K_F32, r->sel.n, out->chunk_rows);
    for (int v = 0; ok && v < r->n_vars; v++) {
        OutVar *to = &out->var[v];
        *to = (OutVar){new_path(o, "record", out->pop, r->var[v].name), output_factor(r->var[v].unit), r->var[v].over,
                       r->var[v].over ? H5_FLAT : r->sel.n, NULL};
        to->buf = cx_alloc(out->chunk_rows * (to->over || !r->sel.n ? 1 : r->sel.n), sizeof *to->buf, "recorder");
        ok = h5_growing(h, to->path, H5K_F64, to->width, out->chunk_rows);
    }
    return ok;
}

static void open_rows(OutRecords *o, int k)
{
    const PlanRec *r = &o->plan->rec[k];
    OutRows *out = &o->rows[k];
    *out = (OutRows){.rec = r, .group = new_path(o, "at_spikes", o->plan->pop[r->pop].name, "")};
    out->value = arena_many(o->arena, double *, 2 * (size_t)r->n_vars);
}

static bool open_count(OutRecords *o, H5file *h, int k)
{
    const PlanCount *c = &o->plan->count[k];
    OutCount *out = &o->count[k];
    *out = (OutCount){.count = c, .next = c->from + c->every, .width = c->each ? c->sel.n : H5_FLAT};
    out->path = new_path(o, "record", o->plan->pop[c->pop].name, c->each ? "count" : "rate");
    out->chunk_rows = rows_of_chunk(out->width, planned(o->plan, c->every, c->from, c->to));
    size_t n = c->each ? c->sel.n : 1;
    out->now = cx_alloc(n, sizeof *out->now, "recorder");
    out->buf = cx_alloc(n * out->chunk_rows, sizeof *out->buf, "recorder");
    return h5_growing(h, out->path, H5K_F64, out->width, out->chunk_rows);
}

bool output_records_open(OutRecords *o, H5file *h)
{
    bool ok = true;
    for (int k = 0; k < o->plan->n_recs; k++) {
        if (o->plan->rec[k].watched) continue;
        if (o->plan->rec[k].when.kind == TIMES_SPIKES) open_rows(o, k);
        else ok = open_rec(o, h, k) && ok;
    }
    for (int k = 0; k < o->plan->n_counts; k++) ok = open_count(o, h, k) && ok;
    return ok;
}

/* ---- while running ---- */

static bool write_frames(H5file *h, OutRec *out)
{
    uint64_t row = out->frames - out->rows;
    bool ok = true;
    if (!out->rows) return true;
    if (out->report) ok = h5_append(h, out->data, H5K_F64, out->rec->sel.n, row, out->rows, out->var[out->reported].buf);
    for (int v = 0; ok && v < out->rec->n_vars; v++) ok = h5_append(h, out->var[v].path, H5K_F64, out->var[v].width, row, out->rows, out->var[v].buf);
    out->rows = 0;
    return ok;
}

static double over_all(PlanOver over, const double *value, size_t n)
{
    Average a = average_of(value, n);
    return over == OVER_MEAN ? a.mean : over == OVER_SD ? average_sd(&a) : over == OVER_MIN ? a.min : a.max;
}

bool output_records_frame(OutRecords *o, H5file *h, int rec, int64_t step, const double *const *value)
{
    OutRec *out = &o->rec[rec];
    if (!out->rec) return true;
    size_t n = out->rec->sel.n;
    if (!out->frames) out->first = step;
    if (out->rec->when.kind != TIMES_EVERY) vec_push(out->time, decimal_time(step, o->plan->dt));
    for (int v = 0; v < out->rec->n_vars; v++) {
        const OutVar *to = &out->var[v];
        double one;
        if (to->over) one = over_all(to->over, value[v], n);
        output_scale(to->buf + out->rows * (to->over ? 1 : n), to->over ? &one : value[v], to->over ? 1 : n, to->factor);
    }
    out->frames++;
    return ++out->rows < out->chunk_rows || write_frames(h, out);
}

static bool write_rows(const OutRecords *o, H5file *h, OutRows *out)
{
    size_t n = vec_len(out->time);
    const PlanRec *r = out->rec;
    char *time = arena_printf(o->arena, "%s/timestamps", out->group), *id = arena_printf(o->arena, "%s/node_ids", out->group);
    bool ok = true, create = !out->written;
    if (create)
        ok = h5_growing(h, time, H5K_F64, H5_FLAT, n) && h5_growing(h, id, H5K_U64, H5_FLAT, n) && h5_attr_text(h, time, "units", "ms");
    ok = ok && h5_append(h, time, H5K_F64, H5_FLAT, out->written, n, out->time) && h5_append(h, id, H5K_U32, H5_FLAT, out->written, n, out->id);
    for (int v = 0; ok && v < 2 * r->n_vars; v++) {
        const PlanVar *var = &r->var[v % r->n_vars];
        char *path = arena_printf(o->arena, "%s/%s/%s", out->group, v < r->n_vars ? "before" : "after", var->name);
        output_scale(out->value[v], out->value[v], n, output_factor(var->unit));
        if (create) ok = h5_growing(h, path, H5K_F64, H5_FLAT, n) && h5_attr_text(h, path, "units", var->unit);
        ok = ok && h5_append(h, path, H5K_F64, H5_FLAT, out->written, n, out->value[v]);
        vec_clear(out->value[v]);
    }
    out->written += n;
    vec_clear(out->time);
    vec_clear(out->id);
    return ok;
}

bool output_records_rows(OutRecords *o, H5file *h, int rec, int64_t step, const uint32_t *id, size_t n, const double *const *before,
                         const double *const *after)
{
    OutRows *out = &o->rows[rec];
    double t = decimal_time(step, o->plan->dt);
    if (!out->rec) return true;
    for (size_t k = 0; k < n; k++) {
        vec_push(out->time, t);
        vec_push(out->id, id[k]);
        for (int v = 0; v < out->rec->n_vars; v++) {
            vec_push(out->value[v], before[v][k]);
            vec_push(out->value[out->rec->n_vars + v], after[v][k]);
        }
        if (vec_len(out->time) == H5_CHUNK && !write_rows(o, h, out)) return false;
    }
    return true;
}

static bool write_counts(H5file *h, OutCount *out)
{
    uint64_t row = out->frames - out->rows, rows = out->rows;
    out->rows = 0;
    return !rows || h5_append(h, out->path, H5K_F64, out->width, row, rows, out->buf);
}

/* Closes the intervals that end before `step`. */
static bool close_intervals(const OutRecords *o, H5file *h, OutCount *out, int64_t step)
{
    const PlanCount *c = out->count;
    size_t n = c->each ? c->sel.n : 1;
    while (out->next < step && out->next <= c->to) {
        double *row = out->buf + out->rows * n;
        if (c->each) memcpy(row, out->now, n * sizeof *row);
        else *row = *out->now / c->sel.n / decimal_time(c->every, o->plan->dt) * 1000;
        memset(out->now, 0, n * sizeof *out->now);
        out->next += c->every;
        out->frames++;
        if (++out->rows == out->chunk_rows && !write_counts(h, out)) return false;
    }
    return true;
}

bool output_records_spikes(OutRecords *o, H5file *h, int pop, int64_t step, const uint32_t *id, size_t n)
{
    for (int k = 0; k < o->plan->n_counts; k++) {
        OutCount *out = &o->count[k];
        const PlanCount *c = out->count;
        if (c->pop != pop || step <= c->from) continue;
        if (!close_intervals(o, h, out, step)) return false;
        for (size_t q = 0; q < n; q++) {
            int64_t at = output_position(&c->sel, id[q]);
            if (at >= 0) out->now[c->each ? at : 0]++;
        }
    }
    return true;
}

/* ---- the end ---- */

static double neighbour(double v, int64_t away)
{
    int64_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits += away;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* libsonata counts frames by truncating (stop - start)/dt, which for the decimal end of a recording
 * is often one less than it should be: the smallest double that gives the right number. */
static double report_stop(double start, double dt, uint64_t frames, double guess)
{
    if (!frames) return start;
    while ((uint64_t)((guess - start) / dt) < frames)
        guess = neighbour(guess, 1);
    while (guess > start && (uint64_t)((neighbour(guess, -1) - start) / dt) >= frames)
        guess = neighbour(guess, -1);
    return guess;
}

static bool write_mapping(const OutRecords *o, H5file *h, const OutRec *out, const uint64_t *ids)
{
    const PlanRec *r = out->rec;
    uint64_t n = r->sel.n;
    uint64_t *pointer = cx_alloc(n + 1, sizeof *pointer, "report mapping");
    for (uint64_t k = 0; k <= n; k++)
        pointer[k] = k;
    double dt = o->plan->dt, time[3];
    time[0] = decimal_time(out->first, dt);
    time[2] = decimal_time(r->when.every, dt);
    time[1] = report_stop(time[0], time[2], out->frames,
                          decimal_time(out->first + (int64_t)out->frames * r->when.every, dt));
    const uint8_t sorted = 1;
    const uint32_t element = 0; /* a point neuron has one place */
    const float position = 0;
#define UNDER(name) arena_printf(o->arena, "%s/%s", out->mapping, name)
    bool ok = h5_array(h, UNDER("node_ids"), H5K_U64, n, H5_FLAT, ids) &&
              h5_attr(h, UNDER("node_ids"), "sorted", H5K_U8, 0, &sorted) &&
              h5_array(h, UNDER("index_pointers"), H5K_U64, n + 1, H5_FLAT, pointer) &&
              h5_link(h, UNDER("index_pointers"), UNDER("index_pointer")) &&
              h5_constant(h, UNDER("element_ids"), H5K_U32, n, &element) &&
              h5_constant(h, UNDER("element_pos"), H5K_F32, n, &position) &&
              h5_array(h, UNDER("time"), H5K_F64, 3, H5_FLAT, time) &&
              h5_attr_text(h, UNDER("time"), "units", "ms");
#undef UNDER
    ok = ok && h5_attr_text(h, out->data, "units", r->var[out->reported].unit) &&
         h5_attr_text(h, out->data, "variable", r->var[out->reported].name);
    cx_free(pointer);
    return ok;
}

static uint64_t *ids_of(const PlanSelect *s)
{
    uint64_t *ids = cx_alloc(s->n ? s->n : 1, sizeof *ids, "recorder");
    for (uint64_t k = 0; k < s->n; k++) ids[k] = s->index ? s->index[k] : s->lo + k;
    return ids;
}

/* The cells of an array, named by its attribute; the variables of one recorder share one list. */
static bool write_ids(const OutRecords *o, H5file *h, const char *path, uint64_t n, const uint64_t *ids, const char **shared)
{
    const char *to = arena_printf(o->arena, "/cortexc/record_ids/%s", path + strlen("/cortexc/record/"));
    bool ok = (*shared ? h5_link(h, *shared, to) : h5_array(h, to, H5K_U64, n, H5_FLAT, ids)) && h5_attr_text(h, path, "node_ids", to);
    if (!*shared) *shared = to;
    return ok;
}

static bool write_grid(const OutRecords *o, H5file *h, const char *path, int64_t first, int64_t every)
{
    double start = decimal_time(first, o->plan->dt), dt = decimal_time(every, o->plan->dt);
    return h5_attr(h, path, "start", H5K_F64, 0, &start) && h5_attr(h, path, "dt", H5K_F64, 0, &dt);
}

static bool finish_rec(const OutRecords *o, H5file *h, OutRec *out)
{
    const PlanRec *r = out->rec;
    if (!r) return true;
    uint64_t *ids = ids_of(&r->sel);
    bool ok = write_frames(h, out) && (!out->report || write_mapping(o, h, out, ids));
    const char *shared = NULL, *times = NULL;
    for (int v = 0; ok && v < r->n_vars; v++) {
        const char *path = out->var[v].path;
        ok = write_ids(o, h, path, r->sel.n, ids, &shared) && h5_attr_text(h, path, "units", r->var[v].unit);
        if (!ok || r->when.kind == TIMES_EVERY) {
            ok = ok && write_grid(o, h, path, out->first, r->when.every);
            continue;
        }
        const char *to = arena_printf(o->arena, "/cortexc/record_times/%s", path + strlen("/cortexc/record/"));
        ok = (times ? h5_link(h, times, to)
                    : h5_array(h, to, H5K_F64, vec_len(out->time), H5_FLAT, out->time) && h5_attr_text(h, to, "units", "ms")) &&
             h5_attr_text(h, path, "times", to);
        if (!times) times = to;
    }
    cx_free(ids);
    return ok;
}

/* Intervals that were not full when the run ended are left out. */
static bool finish_count(const OutRecords *o, H5file *h, OutCount *out, int64_t steps)
{
    const PlanCount *c = out->count;
    const char *shared = NULL;
    bool ok = close_intervals(o, h, out, steps + 1) && write_counts(h, out);
    uint64_t *ids = ids_of(&c->sel);
    ok = ok && write_ids(o, h, out->path, c->sel.n, ids, &shared) && h5_attr_text(h, out->path, "units", c->each ? "" : "Hz") &&
         write_grid(o, h, out->path, c->from + c->every, c->every);
    cx_free(ids);
    return ok;
}

bool output_records_finish(OutRecords *o, H5file *h, int64_t steps)
{
    bool ok = true;
    for (int k = 0; ok && k < o->plan->n_recs; k++) {
        ok = finish_rec(o, h, &o->rec[k]);
        if (ok && o->rows[k].rec) ok = write_rows(o, h, &o->rows[k]);
    }
    for (int k = 0; ok && k < o->plan->n_counts; k++) ok = finish_count(o, h, &o->count[k], steps);
    return ok;
}

void output_records_free(OutRecords *o)
{
    if (!o) return;
    for (int k = 0; k < o->plan->n_recs; k++) {
        for (int v = 0; o->rec[k].rec && v < o->rec[k].rec->n_vars; v++) cx_free(o->rec[k].var[v].buf);
        vec_free(o->rec[k].time);
        vec_free(o->rows[k].time);
        vec_free(o->rows[k].id);
        for (int v = 0; o->rows[k].rec && v < 2 * o->rows[k].rec->n_vars; v++) vec_free(o->rows[k].value[v]);
    }
    for (int k = 0; k < o->plan->n_counts; k++) {
        cx_free(o->count[k].now);
        cx_free(o->count[k].buf);
    }
    vec_free(o->path);
}
