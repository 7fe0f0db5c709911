/* `file("a.csv")` and `file("a.h5:/path")`: numbers of a file as a list, or as a list of rows. */
#include "sema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE_BYTES = 512 << 20, MAX_ELEMENTS = 10000000 };

struct FileList { /* a file is read once */
    const char *name;
    CompileArray array;
    bool ok;
};

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static bool separates(char c) { return c == ',' || c == ';'; }

/* One line of numbers, to `v`: how many, or -1 where a field is no number; *field is then its beginning. */
static int line_numbers(char *at, char *end, double **v, char **field)
{
    int n = 0;
    bool wanted = false; /* a separator was the last thing seen */
    for (;;) {
        while (at < end && blank(*at)) at++;
        *field = at;
        if (at == end) return wanted ? -1 : n;
        char *stop;
        double x = strtod(at, &stop);
        if (stop == at || stop > end || !isfinite(x) || (stop < end && !blank(*stop) && !separates(*stop))) return -1;
        vec_push(*v, x);
        n++;
        at = stop;
        while (at < end && blank(*at)) at++;
        wanted = at < end && separates(*at);
        if (wanted) at++;
    }
}

/* A table of numbers in text: commas, semicolons or blanks between them, `#` before comments, and perhaps
 * names in the first line. */
static bool read_text(Sema *S, Node *n, const char *path, const char *said, CompileArray *out)
{
    Fail f = {0};
    char *text;
    size_t len;
    if (!os_read_file(S->arena, path, MAX_FILE_BYTES, &text, &len, &f)) {
        diag_add(S->diags, D_bad_file, n->span, "%s", f.text);
        return false;
    }
    double *v = NULL;
    int line = 0, rows = 0, width = 0;
    bool ok = true;
    for (char *p = text, *stop = text + len; ok && p < stop;) {
        char *end = memchr(p, '\n', (size_t)(stop - p)), *next = end ? end + 1 : stop, *field;
        if (!end) end = stop;
        char *hash = memchr(p, '#', (size_t)(end - p));
        if (hash) end = hash;
        line++;
        size_t before = vec_len(v);
        int got = line_numbers(p, end, &v, &field);
        p = next;
        if (got == 0) continue;
        if (got < 0 && !rows && !width) { /* names of the columns */
            width = -1;
            if (v) vec_head(v)->len = before;
            continue;
        }
        if (got < 0) {
            int size = (int)strcspn(field, ",; \t\r\n#");
            if (field + size > end) size = (int)(end - field);
            diag_add(S->diags, D_bad_file, n->span, "%s, line %d: `%.*s` is no number", said, line, size > 40 ? 40 : size, field);
            ok = false;
        } else if (rows && got != width) {
            Diag *d = diag_add(S->diags, D_bad_file, n->span, "%s, line %d: a row of %d where the rows before have %d", said, line, got, width);
            diag_note(d, "all rows of a table are equally long");
            ok = false;
        } else {
            rows++;
            width = got;
        }
    }
    if (ok && !rows) {
        diag_add(S->diags, D_bad_file, n->span, "%s holds no numbers", said);
        ok = false;
    }
    if (ok) {
        bool flat = width == 1 || rows == 1;
        *out = (CompileArray){.rows = flat ? vec_len(v) : (uint64_t)rows, .width = flat ? 0 : (uint64_t)width,
                              .v = arena_dup(S->arena, v, vec_len(v) * sizeof *v)};
    }
    vec_free(v);
    return ok;
}

/* The path within the folder of the model that names it, by the node `n`. */
const char *files_beside(Sema *S, Node *n, const char *path)
{
    const SourceFile *from = source_place(S->ast->sources, n->span.lo).file;
    const char *slash = from ? strrchr(from->path, '/') : NULL;
    if (*path == '/' || !slash) return path;
    return arena_printf(S->arena, "%.*s/%s", (int)(slash - from->path), from->path, path);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

static bool read_any(Sema *S, Node *n, const char *name, CompileArray *out)
{
    const char *colon = strstr(name, ":/");
    const char *path = colon ? arena_printf(S->arena, "%.*s", (int)(colon - name), name) : name;
    const char *full = files_beside(S, n, path);
    if (!os_exists(full)) {
        Diag *d = diag_add(S->diags, D_bad_file, n->span, "there is no file `%s`", path);
        if (strcmp(path, full)) diag_note(d, "it is looked for beside the model: %s", full);
        return false;
    }
    if (!colon && (ends_with(path, ".h5") || ends_with(path, ".hdf5"))) {
        Diag *d = diag_add(S->diags, D_bad_file, n->span, "which array of `%s`?", path);
        diag_hint(d, "write it like `file(\"%s:/group/array\")`", path);
        return false;
    }
    if (!colon) return read_text(S, n, full, path, out);
    Fail f = {0};
    if (!S->opt->read_array) {
        diag_add(S->diags, D_bad_file, n->span, "HDF5 files cannot be read here");
        return false;
    }
    if (S->opt->read_array(S->arena, full, colon + 1, MAX_ELEMENTS, out, &f)) return true;
    diag_add(S->diags, D_bad_file, n->span, "%s", f.text);
    return false;
}

static Ex number_of(double v, Dim dim, const Unit *unit)
{
    Ex e = ex_num(v * (unit ? unit_factor(unit) : 1), dim);
    e.unit = unit;
    return e;
}

static Ex list_of(Sema *S, const CompileArray *a, Dim dim, const Unit *unit)
{
    Ex out = {.kind = EX_LIST, .is_const = true, .n = (int)a->rows, .item = arena_many(S->arena, Ex, a->rows ? a->rows : 1)};
    for (uint64_t k = 0; k < a->rows; k++) {
        if (!a->width) {
            out.item[k] = number_of(a->v[k], dim, unit);
            continue;
        }
        CompileArray row = {.rows = a->width, .v = a->v + k * a->width};
        out.item[k] = list_of(S, &row, dim, unit);
    }
    return out;
}

Ex files_list(Ctx *c, Node *n)
{
    Sema *S = c->S;
    Node *path = NULL, *unit_at = NULL;
    for (int k = 1; k < n->n_kids; k++) {
        Node *a = n->kid[k];
        if (a->kind == N_poison) return ex_poison();
        bool named = a->kind == N_arg;
        if (named && strcmp(a->name, "unit")) {
            diag_add(S->diags, D_bad_argument, a->span, "`file` has no argument `%s`", a->name);
            return ex_poison();
        }
        if (named || k == 2) unit_at = named ? a->kid[0] : a;
        else if (k == 1) path = a;
    }
    if (!path || n->n_kids > 3) {
        Diag *d = diag_add(S->diags, D_wrong_argument_count, n->span, "`file` takes a path and perhaps a unit");
        diag_hint(d, "write it like `file(\"values.csv\", unit = [mV])`");
        return ex_poison();
    }
    if (path->kind != N_str) {
        diag_add(S->diags, D_bad_argument, path->span, "expected the path of a file, in quotes");
        return ex_poison();
    }
    struct FileList *f = NULL;
    const char *full = files_beside(S, n, path->text);
    for (size_t k = 0; k < vec_len(S->files); k++)
        if (!strcmp(S->files[k].name, full)) f = &S->files[k];
    if (!f) {
        struct FileList one = {.name = full};
        one.ok = read_any(S, path, path->text, &one.array);
        uint64_t size = one.array.rows * (one.array.width ? one.array.width : 1);
        if (one.ok && size > MAX_ELEMENTS) {
            diag_add(S->diags, D_bad_file, path->span, "%s holds more than 10 million numbers", path->text);
            one.ok = false;
        }
        vec_push(S->files, one);
        f = &S->files[vec_len(S->files) - 1];
    }
    if (!f->ok) return ex_poison();
    Dim dim = DIM_NONE;
    const Unit *unit = NULL;
    if (unit_at) {
        Ex u = elab_num(c, unit_at);
        if (u.kind == EX_POISON) return u;
        if (!u.is_const || !u.unit || u.num != unit_factor(u.unit)) {
            Diag *d = diag_add(S->diags, D_bad_argument, unit_at->span, "expected a unit");
            diag_hint(d, "write it in brackets, such as `unit = [mV]`");
            return ex_poison();
        }
        unit = u.unit;
        dim = u.dim;
    } else if (f->array.unit && *f->array.unit) {
        Unit *own = arena_one(S->arena, Unit);
        if (unit_parse(f->array.unit, strlen(f->array.unit), own) != strlen(f->array.unit)) {
            Diag *d = diag_add(S->diags, D_bad_file, path->span, "%s says its unit is `%s`, which is none", path->text, f->array.unit);
            diag_hint(d, "say it here: `file(\"%s\", unit = [mV])`", path->text);
            return ex_poison();
        }
        own->text = f->array.unit;
        unit = own;
        dim = own->dim;
    }
    return list_of(S, &f->array, dim, unit);
}
