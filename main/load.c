/* A model from its file to the compiler, the same way for every command. */
#include "main.h"
#include "h5.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_MODEL_BYTES = 64 << 20, SHOWN_DIAGS = 50 };

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
                             .parse_file = parse_file, .parse_expression = parse_expression, .read_array = read_array, .declarations = o->check, .dump_after = o->dump_after, .dump = dump};
        l->model = compile_model(&l->ast, l->file, &co);
    }
    if (diag_count(l->ast.diags) && !(o->quiet && !diag_errors(l->ast.diags)))
        diag_print(l->ast.diags, stderr, color_for(o, stderr), SHOWN_DIAGS);
    if (!syntax_ok || diag_errors(l->ast.diags)) return EXIT_MODEL;
    return 0;
}

void unload(Loaded *l)
{
    compile_free(l->model);
    if (l->arena) arena_free(l->arena);
    *l = (Loaded){0};
}
