/* The output file while a run goes on: spikes and frames are buffered up to one chunk and appended.
 */
#include "output.h"

#include "h5.h"
#include "output_edges.h"
#include "output_meta.h"
#include "output_records.h"
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

struct Output {
    Sink sink; /* first, so that a Sink* is an Output* */
    const Plan *plan;
    const OutputInfo *info;
    Arena *arena;
    char *path, *tmp;
    int lock; /* descriptor that holds the lock of `tmp` */
    H5file *h5;
    OutPop *pop;
    OutRecords *records;
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

static bool open_layout(Output *o)
{
    static const uint32_t magic = 0x0A7A, version[2] = {0, 1};
    bool ok = h5_attr(o->h5, "/", "magic", H5K_U32, 0, &magic) &&
              h5_attr(o->h5, "/", "version", H5K_U32, 2, version) && h5_group(o->h5, "/spikes") &&
              h5_group(o->h5, "/cortexc");
    for (int k = 0; k < o->plan->n_pops; k++)
        ok = open_pop(o, k) && ok;
    return output_records_open(o->records, o->h5) && ok;
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
    if (!output_records_spikes(o->records, o->h5, pop, step, id, n)) return failed(o, f);
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
    if (step > o->last_step) o->last_step = step;
    return output_records_frame(o->records, o->h5, rec, step, value) || failed(o, f);
}

static bool take_rows(Sink *s, int rec, int64_t step, const uint32_t *id, size_t n, const double *const *before, const double *const *after, Fail *f)
{
    Output *o = (Output *)s;
    return output_records_rows(o->records, o->h5, rec, step, id, n, before, after) || failed(o, f);
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

static void release(Output *o)
{
    for (int k = 0; k < o->plan->n_pops; k++) {
        cx_free(o->pop[k].time);
        cx_free(o->pop[k].id);
        if (o->pop[k].hash) hash_free(o->pop[k].hash);
    }
    output_records_free(o->records);
    if (o->lock >= 0) close(o->lock);
    output_synapses_free(o->synapses);
    output_network_free(o->network);
    arena_free(o->arena);
    cx_free(o);
}

/* Takes the lock of `path`.tmp, if what stands at `path` may be replaced: a descriptor, or -1 and a Fail. */
int output_claim(const Plan *p, const char *path, bool force, Arena *a, char **to, char **tmp, Fail *f)
{
    char real[PATH_MAX];
    if (!may_replace(p, path, force, f)) return -1;
    *to = arena_strdup(a, realpath(path, real) ? real : path); /* a link stays one */
    *tmp = arena_printf(a, "%s.tmp", *to);
    return lock_tmp(*tmp, path, f);
}

/* Syncs what is complete and gives it its name; else removes it. */
bool output_publish(int lock, const char *path, const char *tmp, bool ok, Fail *f)
{
    Fail why = {0};
    if (ok && fsync(lock) != 0) ok = fail_set(f, EXIT_IO, "cannot write %s to disk: %s", tmp, strerror(errno));
    if (!ok) unlink(tmp);
    if (ok && !os_rename(tmp, path, &why)) /* what is on disk is not thrown away for its name */
        ok = fail_set(f, why.exit_code, "%.300s%s", why.text, os_exists(tmp) ? "; the results are complete in the former" : "");
    return ok;
}

Output *output_open(const Plan *p, const char *path, const OutputInfo *i, Fail *f)
{
    Output *o = cx_alloc(1, sizeof *o, "output");
    *o = (Output){
        .sink = {take_spikes, take_frame, take_synapses, take_rows, take_network}, .plan = p, .info = i, .arena = arena_new("output")};
    o->pop = arena_many(o->arena, OutPop, (size_t)p->n_pops);
    o->records = output_records_new(o->arena, p);
    o->synapses = output_synapses_new(o->arena, p);
    o->network = output_network_new(o->arena, p);
    o->lock = output_claim(p, path, i->force, o->arena, &o->path, &o->tmp, f);
    if (o->lock < 0 || !(o->h5 = h5_create(o->tmp, f))) {
        if (o->lock >= 0) unlink(o->tmp);
        release(o);
        return NULL;
    }
    if (i->part) h5_spell(o->h5);
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
    int64_t steps = e ? engine_stats(e).steps : plan_steps(p);
    if (!e && o->last_step > steps) steps = o->last_step;
    ok = ok && output_records_finish(o->records, o->h5, steps) && output_synapses_finish(o->synapses, o->h5, e) && output_network_finish(o->network, o->h5, e) &&
         output_edges(o->arena, o->h5, p, e);
    ok = ok && output_meta(o->h5, p, o->info, e, s, x, &(OutputTotals){spikes, hash, steps});
    if (!ok) failed(o, f);
    if (!h5_finish(o->h5, ok ? f : &(Fail){0})) ok = false;
    o->h5 = NULL;
    ok = output_publish(o->lock, o->path, o->tmp, ok, f);
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
