/* `stats`: a table of measures of every population, or the same as JSON. */
#include "main.h"
#include "stats.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static void print_table(const Stats *s)
{
    int wide = 10;
    for (int r = 0; r < stats_rows(s); r++) wide = (int)strlen(stats_name(s, r)) > wide ? (int)strlen(stats_name(s, r)) : wide;
    printf("%-*s %8s %10s", wide, "population", "cells", "spikes");
    for (int c = 0; c < stats_columns(); c++) printf(" %11s", stats_column(c).title);
    printf("\n");
    for (int r = 0; r < stats_rows(s); r++) {
        printf("%-*s %8llu %10llu", wide, stats_name(s, r), (unsigned long long)stats_cells(s, r), (unsigned long long)stats_spikes(s, r));
        for (int c = 0; c < stats_columns(); c++) {
            const char *why;
            double v = stats_value(s, r, c, &why);
            if (isnan(v)) printf(" %11s", "-");
            else printf(" %11.*f", fabs(v) < 10 ? 3 : 1, v);
        }
        printf("\n");
    }
    printf("\nspikes from %g ms to %g ms\n", stats_from(s), stats_to(s));
}

static int print_json(const Stats *s)
{
    json_t *all = json_pack("{s:f, s:f, s:[]}", "from_ms", stats_from(s), "to_ms", stats_to(s), "populations");
    json_t *rows = json_object_get(all, "populations");
    for (int r = 0; r < stats_rows(s); r++) {
        json_t *name = json_string(stats_name(s, r));
        json_t *row = json_pack("{s:o, s:I, s:I}", "name", name ? name : json_null(), "cells", (json_int_t)stats_cells(s, r), "spikes",
                                (json_int_t)stats_spikes(s, r));
        for (int c = 0; c < stats_columns(); c++) {
            const char *why;
            double v = stats_value(s, r, c, &why);
            json_object_set_new(row, stats_column(c).name, isfinite(v) ? json_real(v) : json_null());
        }
        json_array_append_new(rows, row);
    }
    int bad = json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(all);
    return bad ? EXIT_IO : 0;
}

int command_stats(const Options *o, int argc, char **argv)
{
    Fail f = {0};
    double from = NAN, to = NAN;
    if (argc != 1) return complain_usage("`cortexc stats` takes one output file");
    if (o->plot_from && !option_time(o->plot_from, &from)) return complain_usage("--from takes a time, such as \"200 ms\", not `%s`", o->plot_from);
    if (o->plot_to && !option_time(o->plot_to, &to)) return complain_usage("--to takes a time, such as \"1.5 s\", not `%s`", o->plot_to);
    Stats *s = stats_read(argv[0], from, to, &f);
    if (!s) return complain(o, &f);
    int status = 0;
    if (o->json) status = print_json(s);
    else print_table(s);
    stats_free(s);
    return status;
}
