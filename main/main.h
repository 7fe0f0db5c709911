/* The program: options, commands, and how a model is loaded. Knows all rooms. */
#ifndef CORTEXC_MAIN_H
#define CORTEXC_MAIN_H

#include "base.h"
#include "compile.h"

typedef struct Options {
    const char *plot_from, *plot_to, *plot_of, *plot_size, *plot_title;
    int dpi;
    bool json;
    const char *output, *duration, *backend, *progress, *color, *dump_after;
    CompileSetting *set; /* vec */
    bool has_seed, force, quiet, strict, check, format_check, json_diagnostics;
    int verbose, threads;
    bool profile;
    double began;         /* when the program did, in seconds of os_now */
    bool part;            /* one point of a sweep: */
    uint64_t seed, point;
    const char *command_line;
} Options;

/* A model on its way through the compiler. */
typedef struct Loaded {
    Arena *arena;
    Ast ast;
    Node *file;
    Compiled *model; /* NULL after errors */
    const char **lib_dirs;
} Loaded;

/* Reads, parses and, with `compile`, elaborates. Prints all diagnostics to stderr. Returns an exit status;
 * `l` must be given to unload in any case. `dump` receives --dump-after, may be NULL. */
int load(const char *path, const Options *o, bool compile, Buf *dump, Loaded *l);
void unload(Loaded *l);
const char **library_dirs(Arena *a); /* NULL-terminated */

/* Loads and runs a model into `path`, one point of it if it has a sweep. */
int run_model(const char *model, const Options *o, const char *path);
/* sweep.c: all points of a model into `path`. */
int sweep_run(const Loaded *l, const Options *o, const char *model, const char *path);

/* All diagnostics on stderr, as text or as JSON. */
void tell_diagnostics(const Options *o, Sources *s, const Diags *ds);

bool color_for(const Options *o, FILE *f);
/* "cortexc: error: …" on stderr; returns the exit status. */
int complain(const Options *o, const Fail *f);
int complain_usage(const char *fmt, ...) CX_PRINTF(1, 2);

#define COMMAND(name, args, help) int command_##name(const Options *o, int argc, char **argv);
#include "commands.def"
#undef COMMAND
/* "200 ms", "1.5 s"; a bare 0 needs no unit. False: it is no time. */
bool option_time(const char *text, double *ms);
int explain(const char *id);

#endif
