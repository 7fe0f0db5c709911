/* The output file while a run goes on: spikes and frames are buffered up to one chunk and appended.
 */
#include "output.h"

#include "h5.h"
#include "output_meta.h"
#include "output_network.h"
#include "output_synapses.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct OutPop {
    bool record, created;
    char *group, *time_path, *id_path;
    double *time; /* one chunk at most, not yet written */
    uint32_t *id;
    size_t n, cap;
    uint64_t written, spikes;
    Hash *hash;
} OutPop;

typedef struct OutRec {
    const PlanRec *rec;
    const char *pop;
    bool report;          /* its first variable goes to /report, too */
    char *mapping, *data; /* of /report/POP */
    char **path;          /* per variable */
    double *factor;       /* what one internal unit is in the unit shown, per variable */
    double *buf;          /* [variable][row][neuron] */
    uint64_t chunk_rows, rows, frames;
    int64_t first; /* step of the first frame */
} OutRec;

struct Output {
    Sink sink; /* first, so that a Sink* is an Output* */
    const Plan *plan;
    const OutputInfo *info;
    Arena *arena;
    char *path, *tmp;
    int lock; /* descriptor that holds the lock of `tmp` */
    H5file *h5;
    OutPop *pop;
    OutRec *rec;
    OutSynapses *synapses;
    OutNetwork *network;
    int64_t last_step;
};

/* ---- creating ---- */

/* Whether what stands at `path` may be replaced. */
static bool may_replace(const Plan *p, const char *path, bool force, Fail *f)
{
    struct stat st;
    if (stat(path, &st) != 0) return true;
    if (S_ISDIR(st.st_mode))
        return fail_set(f, EXIT_CANTCREATE, "cannot write %s: it is a folder", path);
    if (!S_ISREG(st.st_mode))
        return fail_set(f, EXIT_CANTCREATE, "cannot write %s: it is not a regular file", path);
    if (force) return true;
    Arena *a = arena_new("output identity");
    char mine[17];
    const char *theirs = NULL;
    output_identity(p, mine);
    H5file *h = h5_open(path, NULL);
    bool same =
        h && h5_read_attr_text(h, a, "/cortexc", "identity", &theirs) && !strcmp(mine, theirs);
    h5_drop(h);
    arena_free(a);
    return same ||
           fail_set(f, EXIT_CANTCREATE,
                    "%s exists and is no output of this model; --force overwrites it", path);
}

/* Says in plain words why a file cannot be created, which HDF5 does not. */
static bool refuse_create(const char *path, int why, Fail *f)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = '\0';
    const char *where = slash ? folder : ".";
    if (why == EWOULDBLOCK)
        return fail_set(f, EXIT_CANTCREATE, "cannot write %s: another run is writing it", path);
    if (why == ENOENT)
        return fail_set(f, EXIT_CANTCREATE, "cannot write %s: there is no folder %s", path, where);
    if (why == EACCES || why == EPERM || why == EROFS)
        return fail_set(f, EXIT_CANTCREATE, "cannot write %s: no permission to write in %s", path,
                        where);
    return fail_set(f, EXIT_CANTCREATE, "cannot write %s: %s", path, strerror(why));
}

/* Makes `tmp` and locks it for as long as the descriptor stays open; -1 and a Fail, which speaks of
 * `path`. A run that ended between the two calls may have renamed what was opened: then once more.
 */
static int lock_tmp(const char *tmp, const char *path, Fail *f)
{
    for (;;) {
        int fd = open(tmp, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) {
            refuse_create(path, errno, f);
            return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            close(fd);
            refuse_create(path, EWOULDBLOCK, f);
            return -1;
        }
        struct stat mine, there;
        if (fstat(fd, &mine) == 0 && stat(tmp, &there) == 0 && mine.st_ino == there.st_ino &&
            mine.st_dev == there.st_dev)
            return fd;
        close(fd);
    }
}

/* Shown unit to internal unit; an unknown or empty one is left as it is. */
double output_factor(const char *unit)
{
    Unit u;
    size_t n = unit ? strlen(unit) : 0;
    if (!n || unit_parse(unit, n, &u) != n) return 1;
    return unit_factor(&u);
}

static int64_t plan_steps(const Plan *p)
{
    int64_t steps = 0;
    for (int k = 0; k < p->n_runs; k++)
        steps += p->run[k].steps;
    return steps;
}

static bool open_pop(Output *o, int k)
{
    const PlanPop *pop = &o->plan->pop[k];
    OutPop *out = &o->pop[k];
    out->hash = hash_new();
    out->record = pop->record_spikes;
    if (!out->record) return true;
    out->group = arena_printf(o->arena, "/spikes/%s", pop->name);
    out->time_path = arena_printf(o->arena, "%s/timestamps", out->group);
    out->id_path = arena_printf(o->arena, "%s/node_ids", out->group);
    return h5_group(o->h5, out->group);
}

/* Only with the first spikes at hand: a short run gets one chunk of the right size. */
static bool create_spikes(Output *o, OutPop *out)
{
    static const char *const order[] = {"none", "by_id", "by_time"};
    out->created = true;
    return h5_growing(o->h5, out->time_path, H5K_F64, H5_FLAT, out->n) &&
           h5_growing(o->h5, out->id_path, H5K_U64, H5_FLAT, out->n) &&
           h5_attr_text(o->h5, out->time_path, "units", "ms") &&
           h5_attr_enum(o->h5, out->group, "sorting", order, 3, 2);
}

/* "V", or "V#2" when an earlier recorder of the same population has it; a slash cannot stand in the
 * name of an HDF5 object. */
static char *variable_path(Output *o, int rec, int v)
{
    const Plan *p = o->plan;
    const PlanRec *r = &p->rec[rec];
    int before = 0;
    for (int k = 0; k <= rec; k++)
        for (int w = 0; p->rec[k].pop == r->pop && w < (k == rec ? v : p->rec[k].n_vars); w++)
            before += !strcmp(p->rec[k].var[w].name, r->var[v].name);
    char *name = arena_strdup(o->arena, r->var[v].name);
    for (char *c = name; *c; c++)
        if (*c == '/') *c = '|';
    const char *pop = p->pop[r->pop].name;
    return before ? arena_printf(o->arena, "/cortexc/record/%s/%s#%d", pop, name, before + 1)
                  : arena_printf(o->arena, "/cortexc/record/%s/%s", pop, name);
}

static uint64_t rows_of_chunk(const Output *o, const PlanRec *r)
{
    uint64_t rows = H5_CHUNK / (r->sel.n ? r->sel.n : 1);
    int64_t end = plan_steps(o->plan);
    if (r->to < end) end = r->to;
    uint64_t frames =
        end > r->from && r->every > 0
            ? ((uint64_t)(end - r->from) + (uint64_t)r->every - 1) / (uint64_t)r->every
            : 1;
    if (rows > frames) rows = frames;
    return rows ? rows : 1;
}

static bool open_rec(Output *o, int k)
{
    const PlanRec *r = &o->plan->rec[k];
    OutRec *out = &o->rec[k];
    size_t n_vars = (size_t)r->n_vars;
    *out = (OutRec){
        .rec = r, .pop = o->plan->pop[r->pop].name, .report = n_vars > 0, .first = r->from};
    for (int before = 0; before < k; before++)
        out->report &= o->plan->rec[before].pop != r->pop;
    out->mapping = arena_printf(o->arena, "/report/%s/mapping", out->pop);
    out->data = arena_printf(o->arena, "/report/%s/data", out->pop);
    out->path = arena_many(o->arena, char *, n_vars);
    out->factor = arena_many(o->arena, double, n_vars);
    out->chunk_rows = rows_of_chunk(o, r);
    out->buf = cx_alloc(n_vars * out->chunk_rows * (r->sel.n ? r->sel.n : 1), sizeof *out->buf,
                        "recorder");
    bool ok = true;
    if (out->report) ok = h5_growing(o->h5, out->data, H5K_F32, r->sel.n, out->chunk_rows);
    for (int v = 0; ok && v < r->n_vars; v++) {
        out->path[v] = variable_path(o, k, v);
        out->factor[v] = output_factor(r->var[v].unit);
        ok = h5_growing(o->h5, out->path[v], H5K_F64, r->sel.n, out->chunk_rows);
    }
    return ok;
}

static bool open_layout(Output *o)
{
    static const uint32_t magic = 0x0A7A, version[2] = {0, 1};
    bool ok = h5_attr(o->h5, "/", "magic", H5K_U32, 0, &magic) &&
              h5_attr(o->h5, "/", "version", H5K_U32, 2, version) && h5_group(o->h5, "/spikes") &&
              h5_group(o->h5, "/cortexc");
    for (int k = 0; k < o->plan->n_pops; k++)
        ok = open_pop(o, k) && ok;
    for (int k = 0; k < o->plan->n_recs; k++)
        ok = open_rec(o, k) && ok;
    return ok;
}

/* ---- while running ---- */

static bool write_spikes(Output *o, OutPop *out)
{
    if (!out->created && !create_spikes(o, out)) return false;
    if (!out->n) return true;
    bool ok = h5_append(o->h5, out->time_path, H5K_F64, H5_FLAT, out->written, out->n, out->time) &&
              h5_append(o->h5, out->id_path, H5K_U32, H5_FLAT, out->written, out->n, out->id);
    out->written += out->n;
    out->n = 0;
    return ok;
}

static void make_room(OutPop *out, size_t more)
{
    if (out->n + more <= out->cap || out->cap == H5_CHUNK) return;
    size_t cap = out->cap ? out->cap : 1024;
    while (cap < H5_CHUNK && cap < out->n + more)
        cap *= 2;
    out->time = cx_realloc(out->time, cap, sizeof *out->time, "spike buffer");
    out->id = cx_realloc(out->id, cap, sizeof *out->id, "spike buffer");
    out->cap = cap;
}

static void hash_spikes(Hash *hash, int64_t step, const uint32_t *id, size_t n)
{
    enum { BLOCK = 256, PAIR = sizeof step + sizeof *id };
    unsigned char pair[BLOCK * PAIR];
    for (size_t at = 0; at < n;) {
        size_t m = n - at < BLOCK ? n - at : BLOCK;
        for (size_t k = 0; k < m; k++) {
            memcpy(pair + k * PAIR, &step, sizeof step);
            memcpy(pair + k * PAIR + sizeof step, &id[at + k], sizeof *id);
        }
        hash_add(hash, pair, m * PAIR);
        at += m;
    }
}

static bool failed(const Output *o, Fail *f)
{
    Fail why = h5_error(o->h5);
    return fail_set(f, why.exit_code, "%s; the file was removed, as it cannot be completed",
                    why.text);
}

static bool take_spikes(Sink *s, int pop, int64_t step, const uint32_t *id, size_t n, Fail *f)
{
    Output *o = (Output *)s;
    OutPop *out = &o->pop[pop];
    if (step > o->last_step) o->last_step = step;
    out->spikes += n;
    hash_spikes(out->hash, step, id, n);
    if (!out->record) return true;
    double t = decimal_time(step, o->plan->dt);
    for (size_t at = 0; at < n;) {
        make_room(out, n - at);
        size_t m = n - at < out->cap - out->n ? n - at : out->cap - out->n;
        for (size_t k = 0; k < m; k++)
            out->time[out->n + k] = t;
        memcpy(out->id + out->n, id + at, m * sizeof *id);
        out->n += m;
        at += m;
        if (out->n == H5_CHUNK && !write_spikes(o, out)) return failed(o, f);
    }
    return true;
}

static bool write_frames(Output *o, OutRec *out)
{
    size_t n = out->rec->sel.n, per_variable = out->chunk_rows * n;
    uint64_t row = out->frames - out->rows;
    bool ok = true;
    if (!out->rows) return true;
    if (out->report) ok = h5_append(o->h5, out->data, H5K_F64, n, row, out->rows, out->buf);
    for (int v = 0; ok && v < out->rec->n_vars; v++)
        ok = h5_append(o->h5, out->path[v], H5K_F64, n, row, out->rows,
                       out->buf + (size_t)v * per_variable);
    out->rows = 0;
    return ok;
}

/* Units are powers of ten: dividing by one above 1, and multiplying by the whole inverse of one below, are
 * each rounded once. */
void output_scale(double *row, const double *value, size_t n, double factor)
{
    for (size_t k = 0; k < n; k++)
        row[k] = factor >= 1 ? value[k] / factor : value[k] * (1 / factor);
}

static bool take_frame(Sink *s, int rec, int64_t step, const double *const *value, Fail *f)
{
    Output *o = (Output *)s;
    OutRec *out = &o->rec[rec];
    size_t n = out->rec->sel.n;
    if (!out->frames) out->first = step;
    if (step > o->last_step) o->last_step = step;
    for (int v = 0; v < out->rec->n_vars; v++) {
        double *row = out->buf + ((size_t)v * out->chunk_rows + out->rows) * n, u = out->factor[v];
        output_scale(row, value[v], n, u);
    }
    out->frames++;
    if (++out->rows == out->chunk_rows && !write_frames(o, out)) return failed(o, f);
    return true;
}

static bool take_synapses(Sink *s, int rec, int64_t step, uint64_t n, const double *const *value, Fail *f)
{
    Output *o = (Output *)s;
    return output_synapses_frame(o->synapses, o->h5, rec, step, n, value) || failed(o, f);
}

static bool take_network(Sink *s, int rec, int64_t step, double value, Fail *f)
{
    Output *o = (Output *)s;
    return output_network_frame(o->network, o->h5, rec, step, value) || failed(o, f);
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

static bool write_mapping(Output *o, const OutRec *out, const uint64_t *ids)
{
    const PlanRec *r = out->rec;
    uint64_t n = r->sel.n;
    uint64_t *pointer = cx_alloc(n + 1, sizeof *pointer, "report mapping");
    for (uint64_t k = 0; k <= n; k++)
        pointer[k] = k;
    double dt = o->plan->dt, time[3];
    time[0] = decimal_time(out->first, dt);
    time[2] = decimal_time(r->every, dt);
    time[1] = report_stop(time[0], time[2], out->frames,
                          decimal_time(out->first + (int64_t)out->frames * r->every, dt));
    const uint8_t sorted = 1;
    const uint32_t element = 0; /* a point neuron has one place */
    const float position = 0;
#define UNDER(name) arena_printf(o->arena, "%s/%s", out->mapping, name)
    bool ok = h5_array(o->h5, UNDER("node_ids"), H5K_U64, n, H5_FLAT, ids) &&
              h5_attr(o->h5, UNDER("node_ids"), "sorted", H5K_U8, 0, &sorted) &&
              h5_array(o->h5, UNDER("index_pointers"), H5K_U64, n + 1, H5_FLAT, pointer) &&
              h5_link(o->h5, UNDER("index_pointers"), UNDER("index_pointer")) &&
              h5_constant(o->h5, UNDER("element_ids"), H5K_U32, n, &element) &&
              h5_constant(o->h5, UNDER("element_pos"), H5K_F32, n, &position) &&
              h5_array(o->h5, UNDER("time"), H5K_F64, 3, H5_FLAT, time) &&
              h5_attr_text(o->h5, UNDER("time"), "units", "ms");
#undef UNDER
    ok = ok && h5_attr_text(o->h5, out->data, "units", r->var[0].unit) &&
         h5_attr_text(o->h5, out->data, "variable", r->var[0].name);
    cx_free(pointer);
    return ok;
}

static bool finish_rec(Output *o, OutRec *out)
{
    const PlanRec *r = out->rec;
    uint64_t n = r->sel.n;
    uint64_t *ids = cx_alloc(n ? n : 1, sizeof *ids, "recorder");
    for (uint64_t k = 0; k < n; k++)
        ids[k] = r->sel.index ? r->sel.index[k] : r->sel.lo + k;
    double start = decimal_time(out->first, o->plan->dt), dt = decimal_time(r->every, o->plan->dt);
    bool ok = write_frames(o, out) && (!out->report || write_mapping(o, out, ids));
    const char *shared = NULL; /* the variables of one recorder share one array of ids */
    for (int v = 0; ok && v < r->n_vars; v++) {
        const char *name = out->path[v] + strlen("/cortexc/record/");
        const char *path = arena_printf(o->arena, "/cortexc/record_ids/%s", name);
        ok = (shared ? h5_link(o->h5, shared, path)
                     : h5_array(o->h5, path, H5K_U64, n, H5_FLAT, ids)) &&
             h5_attr_text(o->h5, out->path[v], "units", r->var[v].unit) &&
             h5_attr(o->h5, out->path[v], "start", H5K_F64, 0, &start) &&
             h5_attr(o->h5, out->path[v], "dt", H5K_F64, 0, &dt) &&
             h5_attr_text(o->h5, out->path[v], "node_ids", path);
        if (!shared) shared = path;
    }
    cx_free(ids);
    return ok;
}

static void release(Output *o)
{
    for (int k = 0; k < o->plan->n_pops; k++) {
        cx_free(o->pop[k].time);
        cx_free(o->pop[k].id);
        if (o->pop[k].hash) hash_free(o->pop[k].hash);
    }
    for (int k = 0; k < o->plan->n_recs; k++)
        cx_free(o->rec[k].buf);
    if (o->lock >= 0) close(o->lock);
    output_synapses_free(o->synapses);
    output_network_free(o->network);
    arena_free(o->arena);
    cx_free(o);
}

Output *output_open(const Plan *p, const char *path, const OutputInfo *i, Fail *f)
{
    char real[PATH_MAX];
    if (!may_replace(p, path, i->force, f)) return NULL;
    Output *o = cx_alloc(1, sizeof *o, "output");
    *o = (Output){
        .sink = {take_spikes, take_frame, take_synapses, take_network}, .plan = p, .info = i, .arena = arena_new("output")};
    o->path = arena_strdup(o->arena, realpath(path, real) ? real : path); /* a link stays one */
    o->tmp = arena_printf(o->arena, "%s.tmp", o->path);
    o->pop = arena_many(o->arena, OutPop, (size_t)p->n_pops);
    o->rec = arena_many(o->arena, OutRec, (size_t)p->n_recs);
    o->synapses = output_synapses_new(o->arena, p);
    o->network = output_network_new(o->arena, p);
    o->lock = lock_tmp(o->tmp, path, f);
    if (o->lock < 0 || !(o->h5 = h5_create(o->tmp, f))) {
        if (o->lock >= 0) unlink(o->tmp);
        release(o);
        return NULL;
    }
    if (!open_layout(o)) {
        failed(o, f);
        output_abandon(o);
        return NULL;
    }
    return o;
}

Sink *output_sink(Output *o)
{
    return &o->sink;
}

uint64_t output_spike_hash(const Output *o, int pop)
{
    return hash_value(o->pop[pop].hash);
}

bool output_finish(Output *o, const Engine *e, const Summary *s, const Expect *x, Fail *f)
{
    const Plan *p = o->plan;
    size_t n_pops = (size_t)p->n_pops;
    uint64_t *spikes = arena_many(o->arena, uint64_t, n_pops);
    uint64_t *hash = arena_many(o->arena, uint64_t, n_pops);
    bool ok = true;
    for (int k = 0; k < p->n_pops; k++) {
        ok = ok && (!o->pop[k].record || write_spikes(o, &o->pop[k]));
        spikes[k] = o->pop[k].spikes;
        hash[k] = hash_value(o->pop[k].hash);
    }
    for (int k = 0; k < p->n_recs; k++)
        ok = ok && finish_rec(o, &o->rec[k]);
    ok = ok && output_synapses_finish(o->synapses, o->h5, e) && output_network_finish(o->network, o->h5, e);
    int64_t steps = e ? engine_stats(e).steps : plan_steps(p);
    if (!e && o->last_step > steps) steps = o->last_step;
    ok = ok && output_meta(o->h5, p, o->info, e, s, x, &(OutputTotals){spikes, hash, steps});
    if (!ok) failed(o, f);
    if (!h5_finish(o->h5, ok ? f : &(Fail){0})) ok = false;
    o->h5 = NULL;
    if (ok && fsync(o->lock) != 0)
        ok = fail_set(f, EXIT_IO, "cannot write %s to disk: %s", o->tmp, strerror(errno));
    if (!ok) unlink(o->tmp);
    Fail why = {0};
    if (ok &&
        !os_rename(o->tmp, o->path, &why)) /* what is on disk is not thrown away for its name */
        ok = fail_set(f, why.exit_code, "%.300s%s", why.text,
                      os_exists(o->tmp) ? "; the results are complete in the former" : "");
    release(o);
    return ok;
}

void output_abandon(Output *o)
{
    if (!o) return;
    h5_drop(o->h5);
    unlink(o->tmp);
    release(o);
}
