/* The measures of `expect`, of every population of an output file. */
#ifndef CORTEXC_STATS_H
#define CORTEXC_STATS_H

#include "base.h"

typedef struct StatsColumn {
    const char *name;  /* of the measure */
    const char *title; /* in a table, with its unit */
    const char *unit;  /* "Hz" or "" */
    double width;      /* ms: of its bins or its interval, 0 when it has none */
    const char *width_name;
} StatsColumn;

typedef struct Stats Stats;
/* Spikes stamped in (from, to] ms; NAN: from the beginning, to the end. NULL and a Fail: 64 for a window that is none,
 * 65 for a damaged file, 66 for none. Populations are looked at one after the other: memory is that of the largest. */
Stats *stats_read(const char *path, double from, double to, Fail *f);
int stats_columns(void);
StatsColumn stats_column(int k);
int stats_rows(const Stats *s);
const char *stats_name(const Stats *s, int row); /* of the population */
uint64_t stats_cells(const Stats *s, int row);
uint64_t stats_spikes(const Stats *s, int row);  /* recorded, in the window */
bool stats_recorded(const Stats *s, int row);    /* false: its spikes were not recorded, nothing is known */
/* NaN where there is none; then the reason, else NULL. */
double stats_value(const Stats *s, int row, int column, const char **why);
double stats_from(const Stats *s); /* ms */
double stats_to(const Stats *s);
void stats_free(Stats *s);

#endif
