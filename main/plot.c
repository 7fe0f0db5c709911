/* `plot`: from the words of the command line to a figure. */
#include "main.h"
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool option_time(const char *text, double *ms)
{
    char *end;
    Unit u;
    double v = strtod(text, &end);
    while (*end == ' ') end++;
    size_t n = strlen(end);
    if (end == text || !isfinite(v)) return false;
    if (!n) {
        *ms = v;
        return v == 0;
    }
    if (unit_parse(end, n, &u) != n || !dim_eq(u.dim, DIM_TIME)) return false;
    size_t digits = (size_t)(end - text);
    while (digits && text[digits - 1] == ' ') digits--;
    *ms = unit_value(text, digits, &u);
    return true;
}

static bool take_size(const char *text, int *w, int *h)
{
    char *end;
    long a = strtol(text, &end, 10);
    if (end == text || *end != 'x' || a < 100 || a > 20000) return false;
    const char *second = end + 1;
    long b = strtol(second, &end, 10);
    if (end == second || *end || b < 100 || b > 20000) return false;
    *w = (int)a, *h = (int)b;
    return true;
}

int command_plot(const Options *o, int argc, char **argv)
{
    Fail f = {0};
    char said[1024] = "";
    PlotOptions p = {.out = o->output, .what = (const char *const *)argv + 1, .n_what = argc - 1, .of = o->plot_of, .from = NAN, .to = NAN,
                     .dpi = o->dpi, .title = o->plot_title, .force = o->force};
    if (argc < 1) return complain_usage("`cortexc plot` takes an output file, and what to draw of it");
    if (o->plot_from && !option_time(o->plot_from, &p.from)) return complain_usage("--from takes a time, such as \"200 ms\", not `%s`", o->plot_from);
    if (o->plot_to && !option_time(o->plot_to, &p.to)) return complain_usage("--to takes a time, such as \"1.5 s\", not `%s`", o->plot_to);
    if (o->plot_size && !take_size(o->plot_size, &p.width, &p.height))
        return complain_usage("--size takes WIDTHxHEIGHT, each from 100 to 20000, such as 960x540, not `%s`", o->plot_size);
    if (!plot_file(argv[0], &p, said, sizeof said, &f)) return complain(o, &f);
    if (!o->quiet) printf("%s\n", said);
    return 0;
}
