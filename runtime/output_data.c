/* Recorded variables, projections and recorded synapses of an output file. Nothing in the file is
 * trusted: populations must exist, sizes must agree with what is stored. */
#include "output_file.h"

#include <math.h>
#include <string.h>

#define AT "/cortexc/projections/"
#define RECORD "/cortexc/record"
#define SYNAPSES "/cortexc/synapses"

static int find_pop(const OutputFile *o, const char *name)
{
    for (int k = 0; k < o->plan.n_pops; k++)
        if (!strcmp(o->plan.pop[k].name, name)) return k;
    return -1;
}

/* A matrix may not claim more than what is stored of it can hold. */
static bool stored_of(OutputFile *o, const char *path, uint64_t rows, uint64_t columns)
{
    uint64_t stored, cells;
    return h5_stored(o->h5, path, &stored) && !__builtin_mul_overflow(rows, columns, &cells) &&
           cells / PACKED_AT_MOST <= stored;
}

/* The cells of the columns; NULL where the file names none, as for what is of a whole population. */
static bool read_cells(OutputFile *o, OutputVar *x, Fail *f)
{
    const char *path;
    uint64_t n, stored;
    if (!h5_read_attr_text(o->h5, o->arena, x->path, "node_ids", &path)) return true;
    if (!h5_length(o->h5, path, &n) || n != x->cells || !h5_stored(o->h5, path, &stored) ||
        n / PACKED_AT_MOST > stored || n > o->plan.pop[x->pop].n)
        return output_broken(o, "the cells of a recorded variable", f);
    uint64_t *id = arena_many(o->arena, uint64_t, n);
    uint32_t *cell = arena_many(o->arena, uint32_t, n);
    if (!h5_read(o->h5, path, H5K_U64, 0, n, id))
        return output_broken(o, "the cells of a recorded variable", f);
    for (uint64_t k = 0; k < n; k++) {
        if (id[k] >= o->plan.pop[x->pop].n)
            return output_broken(o, "a recorded cell that its population does not have", f);
        cell[k] = (uint32_t)id[k];
    }
    x->cell = cell;
    return true;
}

/* One that was recorded at times of its own has no step, and comes back with dt = 0. */
static bool read_var(OutputFile *o, int pop, const char *path, const char *name, OutputVar *x,
                     Fail *f)
{
    const char *times;
    *x = (OutputVar){.pop = pop, .name = output_clean(o, name), .path = path, .unit = ""};
    if (h5_read_attr_text(o->h5, o->arena, path, "times", &times)) return true;
    if (!h5_shape(o->h5, path, &x->frames, &x->cells) ||
        !h5_read_attr(o->h5, path, "start", H5K_F64, &x->start) ||
        !h5_read_attr(o->h5, path, "dt", H5K_F64, &x->dt) || !isfinite(x->start) ||
        !(x->dt > 0 && x->dt <= 1e15))
        return output_broken(o, "a recorded variable", f);
    if (h5_read_attr_text(o->h5, o->arena, path, "units", &x->unit))
        x->unit = output_clean(o, x->unit);
    x->together = x->cells == H5_FLAT;
    if (x->together) x->cells = 1;
    if (!stored_of(o, path, x->frames, x->cells)) return output_broken(o, "a recorded variable", f);
    return x->together || read_cells(o, x, f);
}

int output_vars(OutputFile *o, const OutputVar **var, Fail *f)
{
    int n = 0;
    OutputVar *all = NULL;
    for (int k = 0; k < o->plan.n_pops; k++) {
        const char *group = arena_printf(o->arena, RECORD "/%s", o->plan.pop[k].name), **name;
        size_t m = h5_names(o->h5, o->arena, group, &name);
        for (size_t v = 0; v < m; v++) {
            OutputVar x;
            const char *path = arena_printf(o->arena, "%s/%s", group, name[v]);
            if (!read_var(o, k, path, name[v], &x, f)) {
                vec_free(all);
                return -1;
            }
            if (x.dt > 0) vec_push(all, x);
        }
    }
    n = (int)vec_len(all);
    *var = n ? arena_dup(o->arena, all, (size_t)n * sizeof *all) : NULL;
    vec_free(all);
    return n;
}

bool output_var_read(OutputFile *o, const OutputVar *x, uint64_t first, uint64_t n, uint64_t col,
                     uint64_t m, double *v, Fail *f)
{
    bool ok = x->together ? h5_read(o->h5, x->path, H5K_F64, first, n, v)
                          : h5_read_part(o->h5, x->path, first, n, col, m, v);
    return ok || output_broken(o, "a recorded variable", f);
}

int output_projs(OutputFile *o, const OutputProj **proj, Fail *f)
{
    Arena *a = o->arena;
    H5file *h = o->h5;
    uint64_t n, stored;
    *proj = NULL;
    if (!h5_length(h, AT "synapses", &n)) return 0;
    if (!h5_stored(h, AT "synapses", &stored) || n > stored / 8 || n > INT32_MAX) {
        output_broken(o, "its table of projections", f);
        return -1;
    }
    const char **name = arena_many(a, const char *, n), **source = arena_many(a, const char *, n);
    const char **target = arena_many(a, const char *, n), **port = arena_many(a, const char *, n);
    const char **unit = arena_many(a, const char *, n), **synapse = arena_many(a, const char *, n);
    uint64_t *count = arena_many(a, uint64_t, n);
    double *mean = arena_many(a, double, n), *sd = arena_many(a, double, n);
    OutputProj *all = arena_many(a, OutputProj, n);
    bool ok = output_words(o, AT "name", n, name) && output_words(o, AT "source", n, source) &&
              output_words(o, AT "target", n, target) && output_words(o, AT "port", n, port) &&
              output_words(o, AT "unit", n, unit) && output_words(o, AT "synapse", n, synapse) &&
              h5_read(h, AT "synapses", H5K_U64, 0, n, count) &&
              h5_read(h, AT "weight_mean", H5K_F64, 0, n, mean) &&
              h5_read(h, AT "weight_sd", H5K_F64, 0, n, sd);
    for (uint64_t k = 0; ok && k < n; k++) {
        all[k] = (OutputProj){name[k],  port[k],  unit[k], synapse[k], find_pop(o, source[k]),
                              find_pop(o, target[k]), count[k], mean[k], sd[k]};
        ok = all[k].src >= 0 && all[k].tgt >= 0;
    }
    if (!ok) output_broken(o, "its table of projections", f);
    *proj = all;
    return ok ? (int)n : -1;
}

/* Is there a population of that name, in an attribute of a group? */
static bool end_of(OutputFile *o, const char *group, const char *attr, int *pop)
{
    const char *name;
    if (!h5_read_attr_text(o->h5, o->arena, group, attr, &name)) return false;
    *pop = find_pop(o, name);
    return *pop >= 0;
}

static bool read_syn(OutputFile *o, const char *group, const char *name, const char *var,
                     OutputSyn *x)
{
    uint64_t rows, width, n;
    *x = (OutputSyn){.projection = output_clean(o, name), .name = output_clean(o, var), .unit = ""};
    x->path = arena_printf(o->arena, "%s/%s", group, var);
    if (!end_of(o, group, "source_population", &x->src) ||
        !end_of(o, group, "target_population", &x->tgt) ||
        !h5_length(o->h5, arena_printf(o->arena, "%s/source", group), &n) ||
        !h5_shape(o->h5, x->path, &rows, &width))
        return false;
    x->frames = width == H5_FLAT ? 0 : rows;
    x->synapses = width == H5_FLAT ? rows : width;
    if (h5_read_attr_text(o->h5, o->arena, x->path, "units", &x->unit))
        x->unit = output_clean(o, x->unit);
    return x->synapses == n && stored_of(o, x->path, x->frames ? x->frames : 1, n);
}

int output_syns(OutputFile *o, const OutputSyn **syn, Fail *f)
{
    const char **name, **var;
    size_t n = h5_names(o->h5, o->arena, SYNAPSES, &name);
    OutputSyn *all = NULL;
    bool ok = true;
    for (size_t k = 0; ok && k < n; k++) {
        const char *group = arena_printf(o->arena, SYNAPSES "/%s", name[k]);
        size_t m = h5_names(o->h5, o->arena, group, &var);
        for (size_t v = 0; ok && v < m; v++) {
            OutputSyn x;
            if (!strcmp(var[v], "source") || !strcmp(var[v], "target") ||
                !strcmp(var[v], "multiplicity"))
                continue;
            ok = read_syn(o, group, name[k], var[v], &x);
            if (ok) vec_push(all, x);
        }
    }
    int count = (int)vec_len(all);
    *syn = count ? arena_dup(o->arena, all, (size_t)count * sizeof *all) : NULL;
    vec_free(all);
    if (!ok) output_broken(o, "its recorded synapses", f);
    return ok ? count : -1;
}

bool output_syn_read(OutputFile *o, const OutputSyn *x, uint64_t frame, double *v, Fail *f)
{
    bool ok = x->frames ? h5_read_part(o->h5, x->path, frame, 1, 0, x->synapses, v)
                        : h5_read(o->h5, x->path, H5K_F64, 0, x->synapses, v);
    return ok || output_broken(o, "its recorded synapses", f);
}
