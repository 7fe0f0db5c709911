/* `cortexc fmt`: files into the one layout. A file is replaced as a whole or not at all. */
#include "main.h"
#include "format.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_MODEL_BYTES = 64 << 20 };

static bool read_stdin(Arena *a, char **text, size_t *len, Fail *f)
{
    Buf b = {0};
    char part[1 << 16];
    for (size_t n; b.len <= MAX_MODEL_BYTES && (n = fread(part, 1, sizeof part, stdin)) > 0;) buf_add(&b, part, n);
    bool ok = !ferror(stdin) && b.len <= MAX_MODEL_BYTES;
    if (!ok) fail_set(f, b.len > MAX_MODEL_BYTES ? EXIT_LIMIT : EXIT_IO, b.len > MAX_MODEL_BYTES ? "stdin is larger than 64 MiB" : "stdin cannot be read");
    *text = arena_strndup(a, b.p ? b.p : "", b.len);
    *len = b.len;
    buf_free(&b);
    return ok;
}

/* Writes beside the file, with its mode, and renames. A link stays one: what it points to is replaced. */
static bool replace(Arena *a, const char *path, const Buf *text, Fail *f)
{
    const char *real = os_real_path(a, path), *tmp = arena_printf(a, "%s.%d.tmp", real, (int)getpid());
    struct stat s;
    FILE *out = fopen(tmp, "wbx");
    if (!out) return fail_set(f, EXIT_CANTCREATE, "cannot create %s: %s", tmp, strerror(errno));
    bool ok = fwrite(text->p ? text->p : "", 1, text->len, out) == text->len;
    if (ok && stat(real, &s) == 0) ok = fchmod(fileno(out), s.st_mode & 07777) == 0;
    int error = errno;
    if (fclose(out) != 0 && ok) ok = false, error = errno;
    if (!ok) fail_set(f, EXIT_IO, "cannot write %s: %s", tmp, strerror(error));
    ok = ok && os_rename(tmp, real, f);
    if (!ok) (void)unlink(tmp);
    return ok;
}

static int format_one(const Options *o, const char *path)
{
    Arena *arena = arena_new("formatting");
    Ast ast = {.arena = arena, .sources = source_new(arena)};
    ast.diags = diag_new(arena, ast.sources);
    bool piped = !strcmp(path, "-"), ok;
    Buf out = {0};
    Fail f;
    char *text;
    size_t len;
    int status = 0;
    ok = piped ? read_stdin(arena, &text, &len, &f) : os_read_file(arena, path, MAX_MODEL_BYTES, &text, &len, &f);
    if (!ok) {
        status = complain(o, &f);
    } else if (!format_file(&ast, source_add(ast.sources, piped ? "stdin" : path, text, len), &out)) {
        tell_diagnostics(o, ast.sources, ast.diags);
        status = EXIT_MODEL;
    } else {
        bool changed = len != out.len || (len && memcmp(text, out.p, len));
        if (piped && !o->format_check) {
            if (fwrite(out.p ? out.p : "", 1, out.len, stdout) != out.len) status = EXIT_IO;
        } else if (changed) {
            if (o->format_check) status = 1;
            else if (!replace(arena, path, &out, &f)) status = complain(o, &f);
            if (status <= 1 && !o->quiet) printf("%s\n", piped ? "stdin" : path);
        }
    }
    buf_free(&out);
    arena_free(arena);
    return status;
}

int command_fmt(const Options *o, int argc, char **argv)
{
    if (argc < 1) return complain_usage("`cortexc fmt` takes files, or `-` for stdin");
    int status = 0;
    for (int k = 0; k < argc; k++) {
        int s = format_one(o, argv[k]);
        if (s > status) status = s;
    }
    return status;
}
