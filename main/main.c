/* The command line. */
#include "main.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPT_FIRST = 256,
#define OPTION(id, s, l, a, h) OPT_##id,
#include "options.def"
#undef OPTION
};

static const struct option long_options[] = {
#define OPTION(id, s, l, a, h) {l, (a) ? required_argument : no_argument, NULL, OPT_##id},
#include "options.def"
#undef OPTION
    {NULL, 0, NULL, 0}};

typedef struct OptionRow {
    int id, letter;
    const char *name, *arg, *help;
} OptionRow;
static const OptionRow option_rows[] = {
#define OPTION(id, s, l, a, h) {OPT_##id, s, l, a, h},
#include "options.def"
#undef OPTION
};
enum { N_OPTIONS = sizeof option_rows / sizeof *option_rows };

typedef struct Command {
    const char *name, *args, *help;
    int (*run)(const Options *o, int argc, char **argv);
} Command;
static const Command commands[] = {
#define COMMAND(name, args, help) {#name, args, help, command_##name},
#include "commands.def"
#undef COMMAND
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

int complain_usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("cortexc: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs("\n  `cortexc --help` shows all commands and options\n", stderr);
    va_end(ap);
    return EXIT_USAGE;
}

int complain(const Options *o, const Fail *f)
{
    bool color = color_for(o, stderr);
    fprintf(stderr, "cortexc: %serror:%s %s\n", color ? "\033[1;31m" : "", color ? "\033[0m" : "", f->text);
    return f->exit_code ? f->exit_code : EXIT_SYSTEM;
}

bool color_for(const Options *o, FILE *f)
{
    if (o->color && !strcmp(o->color, "always")) return true;
    if (o->color && !strcmp(o->color, "never")) return false;
    const char *no = getenv("NO_COLOR");
    return !(no && *no) && os_is_tty(f);
}

static void help(void)
{
    printf("cortexc %s: a compiler for networks of spiking neurons\n\n  cortexc MODEL.cortex [-o out.h5]\n\ncommands:\n", CORTEXC_VERSION);
    for (int k = 0; k < N_COMMANDS; k++) printf("  %-6s %s\n         %s\n", commands[k].name, commands[k].args, commands[k].help);
    printf("\noptions:\n");
    for (int k = 0; k < N_OPTIONS; k++) {
        const OptionRow *r = &option_rows[k];
        char left[64];
        snprintf(left, sizeof left, "%c%c%c --%s%s%s", r->letter ? '-' : ' ', r->letter ? r->letter : ' ', r->letter ? ',' : ' ', r->name,
                 r->arg ? " " : "", r->arg ? r->arg : "");
        printf("  %-26s %s\n", left, r->help);
    }
    printf("\nexit status: 0 done, 64 usage, 65 mistake in the model, 66 no such input, 70 a bug of cortexc,\n"
           "  71 system, 73 cannot create the output, 74 input/output error, 75 a limit, 130/143 interrupted\n");
}

static bool whole(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno || *end || end == text || strchr(text, '-') || v > max) return false;
    *out = v;
    return true;
}

/* One option; 0 to go on, else the exit status plus 1. */
static int take(Options *o, int id, char *arg)
{
    uint64_t v;
    switch (id) {
    case OPT_OUT: o->output = arg; break;
    case OPT_SET: {
        char *eq = strchr(arg, '=');
        if (!eq || eq == arg || !eq[1]) return 1 + complain_usage("--set takes NAME=VALUE, not `%s`", arg);
        CompileSetting s = {.name = sym_n(arg, (size_t)(eq - arg)), .value = eq + 1};
        vec_push(o->set, s);
        break;
    }
    case OPT_SEED:
        if (!whole(arg, UINT64_MAX, &o->seed)) return 1 + complain_usage("--seed takes a whole number, not `%s`", arg);
        o->has_seed = true;
        break;
    case OPT_DURATION:
        if (!*arg) return 1 + complain_usage("--duration takes a time, such as \"2 s\"");
        o->duration = arg;
        break;
    case OPT_THREADS:
        if (!whole(arg, 1024, &v) || v < 1) return 1 + complain_usage("--threads takes a number from 1 to 1024, not `%s`", arg);
        o->threads = (int)v;
        break;
    case OPT_FROM: o->plot_from = arg; break;
    case OPT_TO: o->plot_to = arg; break;
    case OPT_OF: o->plot_of = arg; break;
    case OPT_SIZE: o->plot_size = arg; break;
    case OPT_TITLE: o->plot_title = arg; break;
    case OPT_JSON: o->json = true; break;
    case OPT_DPI:
        if (!whole(arg, 2400, &v) || v < 24) return 1 + complain_usage("--dpi takes a number from 24 to 2400, not `%s`", arg);
        o->dpi = (int)v;
        break;
    case OPT_BACKEND: o->backend = arg; break;
    case OPT_FORCE: o->force = true; break;
    case OPT_STRICT: o->strict = true; break;
    case OPT_PROGRESS: o->progress = arg; break;
    case OPT_QUIET: o->quiet = true; break;
    case OPT_VERBOSE: o->verbose++; break;
    case OPT_PROFILE: o->profile = true; break;
    case OPT_COLOR:
        if (strcmp(arg, "auto") && strcmp(arg, "always") && strcmp(arg, "never")) return 1 + complain_usage("--color takes auto, always or never, not `%s`", arg);
        o->color = arg;
        break;
    case OPT_DIAGNOSTICS:
        if (strcmp(arg, "text") && strcmp(arg, "json")) return 1 + complain_usage("--diagnostics takes text or json, not `%s`", arg);
        o->json_diagnostics = !strcmp(arg, "json");
        break;
    case OPT_CHECK: o->format_check = true; break;
    case OPT_DUMP_AFTER: o->dump_after = arg; break;
    case OPT_EXPLAIN: return 1 + explain(arg);
    case OPT_VERSION: printf("cortexc %s\n", CORTEXC_VERSION); return 1;
    case OPT_HELP: help(); return 1;
    default: return 1 + EXIT_USAGE;
    }
    return 0;
}

static const char *join(int argc, char **argv, Buf *b)
{
    for (int k = 0; k < argc; k++) buf_printf(b, "%s%s", k ? " " : "", argv[k]);
    return b->p ? b->p : "";
}

/* A first word that is no file but near a command; says so. */
static bool misspelled(const char *word)
{
    const char *names[N_COMMANDS];
    for (int k = 0; k < N_COMMANDS; k++) names[k] = commands[k].name;
    if (strchr(word, '.') || os_exists(word)) return false;
    const char *near = diag_nearest(word, names, N_COMMANDS);
    if (near) (void)complain_usage("there is no command `%s`; did you mean `%s`?", word, near);
    return near != NULL;
}

int main(int argc, char **argv)
{
    Options o = {.progress = "auto", .backend = "auto", .color = "auto", .began = os_now()};
    Buf line = {0};
    o.command_line = join(argc, argv, &line);
    char letters[4 * N_OPTIONS + 2], *p = letters;
    *p++ = ':';
    for (int k = 0; k < N_OPTIONS; k++)
        if (option_rows[k].letter) {
            *p++ = (char)option_rows[k].letter;
            if (option_rows[k].arg) *p++ = ':';
        }
    *p = 0;
    int status = -1, c;
    opterr = 0;
    while (status < 0 && (c = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
        if (c == '?') status = optopt && optopt < 256 ? complain_usage("unknown option `-%c`", optopt) : complain_usage("unknown option `%s`", argv[optind - 1]);
        else if (c == ':') status = complain_usage("`%s` needs its argument", argv[optind - 1]);
        else {
            int id = c;
            for (int k = 0; k < N_OPTIONS; k++)
                if (option_rows[k].letter == c) id = option_rows[k].id;
            int r = take(&o, id, optarg);
            if (r) status = r - 1;
        }
    }
    if (status < 0) {
        char **rest = argv + optind;
        int n = argc - optind;
        const Command *cmd = NULL;
        for (int k = 0; n && k < N_COMMANDS; k++)
            if (!strcmp(rest[0], commands[k].name)) cmd = &commands[k];
        if (!n) {
            help();
            status = EXIT_USAGE;
        } else
            status = cmd ? cmd->run(&o, n - 1, rest + 1) : misspelled(rest[0]) ? EXIT_USAGE : command_run(&o, n, rest);
    }
    vec_free(o.set);
    buf_free(&line);
    sym_free_all();
    if (fflush(stdout) != 0 && status == 0) status = EXIT_IO;
    return status;
}
