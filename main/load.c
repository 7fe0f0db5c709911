/* A model from its file to the compiler, the same way for every command. */
#include "main.h"
#include "h5.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_MODEL_BYTES = 64 << 20 };

/* Where library models are looked for: $CORTEXC_LIB, beside the installed program, the source tree. */
const char **library_dirs(Arena *a)
{
    const char **out = NULL;
    const char *env = getenv("CORTEXC_LIB");
    if (env && *env) vec_push(out, arena_strdup(a, env));
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n > 0) {
        exe[n] = 0;
        char *slash = strrchr(exe, '/');
        if (slash) *slash = 0;
        vec_push(out, arena_printf(a, "%s/../share/cortexc/lib", exe));
    }
    vec_push(out, CORTEXC_SOURCE_LIB);
    vec_push(out, CORTEXC_INSTALL_LIB);
    vec_push(out, NULL);
    const char **keep = arena_dup(a, out, sizeof *out * vec_len(out));
    vec_free(out);
    return keep;
}

/* Numbers for the compiler, which knows no HDF5. */
static bool read_array(Arena *a, const char *path, const char *array, uint64_t max, CompileArray *out, Fail *f)
{
    H5file *h = h5_open(path, f);
    if (!h) return false;
    uint64_t n, width;
    bool ok = h5_shape(h, array, &n, &width);
    if (!ok) fail_set(f, EXIT_MODEL, "%s has no array `%s` of one or two dimensions", path, array);
    bool flat = ok && width == H5_FLAT;
    uint64_t across = !ok || flat ? 1 : width;
    if (ok && (n > max || across > max || n * across > max))
        ok = fail_set(f, EXIT_MODEL, "`%s` of %s holds more than 10 million numbers", array, path);
    if (ok) {
        double *v = arena_many(a, double, n * across + 1);
        ok = n * across == 0 || (flat ? h5_read(h, array, H5K_F64, 0, n, v) : h5_read_wide(h, array, n, width, v));
        if (!ok) fail_set(f, EXIT_MODEL, "`%s` of %s cannot be read as numbers", array, path);
        *out = (CompileArray){.rows = n, .width = flat ? 0 : width, .v = v};
        if (ok && !h5_read_attr_text(h, a, array, "unit", &out->unit)) (void)h5_read_attr_text(h, a, array, "units", &out->unit);
    }
    h5_drop(h);
    return ok;
}

static const uint64_t *ids(H5file *h, Arena *a, const char *array, uint64_t n)
{
    uint64_t *v = arena_many(a, uint64_t, n + 1), count;
    return h5_length(h, array, &count) && count == n && h5_read(h, array, H5K_U64, 0, n, v) ? v : NULL;
}

/* A column of the one group of attributes, in the order of the edges; NULL where there is none. */
static const double *attribute(H5file *h, Arena *a, const char *group, const char *name, uint64_t n, bool *ok)
{
    const char *path = arena_printf(a, "%s/0/%s", group, name);
    uint64_t count, rows;
    if (!h5_length(h, path, &count)) return NULL;
    double *v = arena_many(a, double, count + 1), *out = arena_many(a, double, n + 1);
    const uint64_t *which = NULL, *at = NULL;
    if (h5_length(h, arena_printf(a, "%s/edge_group_id", group), &rows)) which = ids(h, a, arena_printf(a, "%s/edge_group_id", group), n);
    if (h5_length(h, arena_printf(a, "%s/edge_group_index", group), &rows)) at = ids(h, a, arena_printf(a, "%s/edge_group_index", group), n);
    *ok = h5_read(h, path, H5K_F64, 0, count, v);
    for (uint64_t k = 0; *ok && k < n; k++) {
        uint64_t row = at ? at[k] : k;
        *ok = row < count && (!which || which[k] == 0);
        if (*ok) out[k] = v[row];
    }
    return out;
}

static bool read_population(H5file *h, Arena *a, const char *path, uint64_t max, CompileEdges *e, Fail *f)
{
    const char *group = arena_printf(a, "/edges/%s", e->name), *src = arena_printf(a, "%s/source_node_id", group);
    const char *tgt = arena_printf(a, "%s/target_node_id", group);
    bool ok = true;
    if (!h5_length(h, src, &e->n)) return fail_set(f, EXIT_MODEL, "%s has no array `%s`", path, src);
    if (e->n > max) return fail_set(f, EXIT_MODEL, "`%s` of %s holds more than 100 million edges", e->name, path);
    e->src = ids(h, a, src, e->n);
    e->tgt = ids(h, a, tgt, e->n);
    if (!e->src || !e->tgt) return fail_set(f, EXIT_MODEL, "`%s` and `%s` of %s must be equally many whole numbers", src, tgt, path);
    e->weight = attribute(h, a, group, "syn_weight", e->n, &ok);
    if (ok) e->delay = attribute(h, a, group, "delay", e->n, &ok);
    return ok || fail_set(f, EXIT_MODEL, "the attributes of `%s` of %s are not one group `0` with a row for each edge", e->name, path);
}

/* Edges for the compiler, which knows no HDF5. */
static const char **read_edges(Arena *a, const char *path, const char *name, const char *source, const char *target, uint64_t max, CompileEdges *out, Fail *f)
{
    H5file *h = h5_open(path, f);
    if (!h) return NULL;
    size_t n = 0, fit = 0;
    const char **names = h5_children(h, a, "/edges", &n);
    *out = (CompileEdges){0};
    for (size_t k = 0; k < n; k++) {
        CompileEdges e = {.name = names[k]};
        (void)h5_read_attr_text(h, a, arena_printf(a, "/edges/%s/source_node_id", names[k]), "node_population", &e.source);
        (void)h5_read_attr_text(h, a, arena_printf(a, "/edges/%s/target_node_id", names[k]), "node_population", &e.target);
        bool meant = name ? !strcmp(name, names[k]) : n == 1 || (e.source && e.target && !strcmp(e.source, source) && !strcmp(e.target, target));
        if (meant) *out = e, fit++;
    }
    if (fit != 1) out->name = NULL;
    bool ok = !out->name || read_population(h, a, path, max, out, f);
    h5_drop(h);
    return ok ? names : NULL;
}

int load(const char *path, const Options *o, bool compile, Buf *dump, Loaded *l)
{
    *l = (Loaded){.arena = arena_new("compilation")};
    l->ast = (Ast){.arena = l->arena, .sources = source_new(l->arena)};
    l->ast.diags = diag_new(l->arena, l->ast.sources);
    Fail f;
    char *text;
    size_t len;
    if (!os_read_file(l->arena, path, MAX_MODEL_BYTES, &text, &len, &f)) return complain(o, &f);
    const SourceFile *src = source_add(l->ast.sources, path, text, len);
    cx_assert(src);
    l->file = parse_file(&l->ast, src);
    bool syntax_ok = diag_errors(l->ast.diags) == 0;
    if (compile) {
        CompileOptions co = {.path = path, .lib_dirs = library_dirs(l->arena), .set = o->set, .n_set = (int)vec_len(o->set),
                             .has_seed = o->has_seed, .seed = o->seed, .point = o->point, .duration = o->duration, .registry = &runtime_registry,
                             .parse_file = parse_file, .parse_expression = parse_expression, .read_array = read_array, .read_edges = read_edges, .declarations = o->check, .dump_after = o->dump_after, .dump = dump};
        l->model = compile_model(&l->ast, l->file, &co);
    }
    if (diag_count(l->ast.diags) && !(o->quiet && !diag_errors(l->ast.diags)))
        tell_diagnostics(o, l->ast.sources, l->ast.diags);
    if (!syntax_ok || diag_errors(l->ast.diags)) return EXIT_MODEL;
    return 0;
}

void unload(Loaded *l)
{
    compile_free(l->model);
    if (l->arena) arena_free(l->arena);
    *l = (Loaded){0};
}
