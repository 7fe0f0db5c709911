/* Where results go: the output file (HDF5, SONATA-shaped; docs/output-file.md lists every path),
 * the summary and raster in the terminal, and the progress of a run. */
#ifndef CORTEXC_OUTPUT_H
#define CORTEXC_OUTPUT_H

#include "base.h"
#include "engine.h"
#include "expect.h"
#include "plan.h"

typedef struct Summary Summary;

/* ---- output.c: writing. Streams while running; memory does not grow with simulated time. ---- */
typedef struct Output Output;
typedef struct OutputInfo {
    const char *version, *command_line, *backend;
    int threads;             /* shown when there is no engine to ask */
    const char *params_json; /* the resolved parameters; NULL: the plan's */
    bool force;              /* overwrite what is no output of the same model */
    bool part;               /* of a sweep: it will be copied into another file */
} OutputInfo;

/* Creates `path`.tmp. NULL and a Fail (73) when `path` is a folder, cannot be created there, is
 * being written by another run, or exists and is no output of the same model (same title and model
 * file) without `force`. The plan and the info must outlive the Output. */
Output *output_open(const Plan *p, const char *path, const OutputInfo *i, Fail *f);
Sink *output_sink(Output *o);
/* Writes what is known only at the end, syncs and renames to `path`. `e` may be NULL (no state
 * hashes, no wall times), and so may `s` (no statistics) and `x` (nothing of what was expected).
 * Frees `o` also when it fails. After a failed write (Fail 74) nothing stands under either name;
 * when only the renaming fails, the results stay in `path`.tmp. */
bool output_finish(Output *o, const Engine *e, const Summary *s, const Expect *x, Fail *f);
/* Ends without a result: removes `path`.tmp and frees `o` (may be NULL). */
void output_abandon(Output *o);
/* XXH3 of the spikes of one population so far: (step i64, id u32) pairs, little endian, in order.
 */
uint64_t output_spike_hash(const Output *o, int pop);

/* ---- output_read.c: reading back, for `cortexc show`. Nothing in the file is trusted. ---- */
typedef struct OutputFile OutputFile;
/* NULL and a Fail: 66 no such file, 65 no complete output of cortexc. */
OutputFile *output_read(const char *path, Fail *f);
/* Title, dt, seed, steps (one run) and populations (name, layer, model, n, colour, rest and
 * threshold) as they stood when the file was written. No kernels, no connections. */
const Plan *output_plan(const OutputFile *o);
/* When the run was made, as it stands in the file ("2026-01-31T12:00:00Z"), or "". */
const char *output_created(const OutputFile *o);
/* Replays the recorded spikes through to->spikes: population by population, within one
 * in order of time. Reads in blocks. */
bool output_spikes(OutputFile *o, Sink *to, Fail *f);
void output_close(OutputFile *o);

/* ---- output_data.c: what else a file holds, for pictures and measures. Pointers belong to the
 * file. Counts of -1 and false: a Fail (65), the file is damaged. ---- */
typedef struct OutputVar { /* a variable recorded every so often, [frames x cells] or [frames] */
    bool together;         /* one number of all selected cells, such as their rate */
    int pop;               /* as in output_plan */
    const char *name, *unit;
    double start, dt; /* ms; frame k is of time start + k dt */
    uint64_t frames, cells;
    const uint32_t *cell; /* which cells of the population; NULL: one column for all of them */
    const char *path;
} OutputVar;
/* In order of declaration of the populations, then by name. */
int output_vars(OutputFile *o, const OutputVar **var, Fail *f);
/* Frames first … first+n-1 of m columns from `col` on, as v[frame][column], in units of the file. */
bool output_var_read(OutputFile *o, const OutputVar *x, uint64_t first, uint64_t n, uint64_t col,
                     uint64_t m, double *v, Fail *f);

typedef struct OutputProj { /* what is known of a projection in every file */
    const char *name, *port, *unit, *synapse;
    int src, tgt;
    uint64_t synapses;
    double weight_mean, weight_sd; /* at the end, in `unit`; NaN when not known */
} OutputProj;
int output_projs(OutputFile *o, const OutputProj **proj, Fail *f);

typedef struct OutputSyn { /* a variable recorded of every synapse of a projection */
    const char *projection, *name, *unit, *path;
    int src, tgt;
    uint64_t frames, synapses; /* frames is 0 for one value at the end */
} OutputSyn;
int output_syns(OutputFile *o, const OutputSyn **syn, Fail *f);
/* Values of one frame (0 when there are none), of `synapses` elements. */
bool output_syn_read(OutputFile *o, const OutputSyn *x, uint64_t frame, double *v, Fail *f);
/* All of the above at once: the summary of a file, ready to print. */
Summary *output_summary(const char *path, int columns, int rows, Fail *f);

/* ---- output_sweep.c: many points in one file ---- */
typedef struct OutputAxis {
    const char *name, *unit;
} OutputAxis;
typedef struct OutputPoint {
    const double *value;    /* [axis] */
    uint64_t trial, seed;
    int status;             /* exit status of its run */
    const char *state;      /* done, interrupted, failed, crashed, not run */
    const char *message;    /* what it said of what went wrong, or "" */
    const double *rate;     /* [population], Hz, in order of declaration; NaN where there is none */
    uint64_t met, expected; /* of what the model expects */
} OutputPoint;
typedef struct OutputSweep OutputSweep;
/* Creates `path`.tmp; see output_open. */
OutputSweep *output_sweep_open(const Plan *p, const char *path, const OutputInfo *i, Fail *f);
/* Copies the output file `from` of point k to /cortexc/points/k and reads what the table tells of it; rate: one a population. */
bool output_sweep_add(OutputSweep *o, uint64_t k, const char *from, double *rate, uint64_t *met, uint64_t *expected, Fail *f);
/* Writes the table and gives the file its name; frees `o` also when it fails. */
bool output_sweep_finish(OutputSweep *o, int n_axes, const OutputAxis *axis, uint64_t n, const OutputPoint *point, Fail *f);
/* The table of such a file, printed; false when `path` is none. */
bool output_sweep_show(const char *path, FILE *out);
void output_sweep_print(FILE *out, const char *title, int n_axes, const OutputAxis *axis, int n_pops, const char *const *pop, uint64_t n,
                        const OutputPoint *point);

/* ---- summary.c: one line and one word per population, from spikes as they come. ---- */
typedef struct SummaryRow {
    const char *name, *layer, *model;
    bool is_source;
    uint64_t cells, spikes;
    double rate; /* Hz, mean over cells and the whole run */
    double cv;   /* of the intervals between spikes; mean over cells with >= 3 spikes, or NaN */
    double synchrony; /* from 0 (independent) to 1 (all together), NaN when it cannot be told */
    double fano;      /* variance over mean of the population's count in 3 ms, or NaN */
    const char *word; /* silent, saturated, synchronous, asynchronous; active: too short a run or
                       * too few cells to tell; "": nothing is known */
    bool v_sampled;   /* then: how far V was above its rest, in mV, and where the threshold is */
    double v_mean, v_max, v_threshold;
    double color[3];
} SummaryRow;

/* Room for a raster of `columns` x `rows` characters (0: none). Copies what it needs of the plan.
 */
Summary *summary_new(const Plan *p, int columns, int rows);
Sink *summary_sink(Summary *s);
/* To be called now and then and once after the run: looks at V where it is known, and at how many
 * steps were done. Costs one pass over the neurons. */
void summary_sample(Summary *s, const Engine *e);
/* For runs without an engine: the number of steps done. Without either the plan's runs count. */
void summary_steps(Summary *s, int64_t steps);
/* For files: a row as it was written, and its note or "". Copied; a word that is none is "". */
void summary_set_row(Summary *s, int pop, const SummaryRow *row, const char *note);
int summary_count(const Summary *s);
SummaryRow summary_row(const Summary *s, int pop); /* pop as in Plan.pop */
const int *summary_order(const Summary *s);        /* of declaration: summary_count populations */
/* Why a population is silent or saturated, one line without its end; false: nothing to say. */
bool summary_note(const Summary *s, int pop, char *text, size_t size);
const char *summary_title(const Summary *s);
double summary_duration(const Summary *s); /* ms done */
/* The table with its explanations, at most `columns` wide. */
void summary_print(const Summary *s, FILE *out, bool color, int columns);
void summary_free(Summary *s);

/* ---- raster.c: which cell spiked when, by layer. Braille in UTF-8 locales, ASCII elsewhere. ----
 */
enum { RASTER_COLUMNS = 100, RASTER_ROWS = 24 }; /* a raster that fits a screen with its table */
typedef struct Raster Raster;
/* Of the populations whose spikes are recorded. */
Raster *raster_new(const Plan *p, int columns, int rows);
void raster_spikes(Raster *r, int pop, int64_t step, const uint32_t *id, size_t n);
void raster_print(const Raster *r, FILE *out, bool color, int columns, int rows, int64_t steps);
void raster_free(Raster *r);
/* The escape that turns a terminal to a colour of 256 near `rgb` (0 … 1); black is left alone. */
const char *raster_color(const double rgb[3], char text[24]);
/* The summary's own raster, stretched over `columns`; at most `rows` rows (0: as many as it has).
 */
void summary_raster(const Summary *s, FILE *out, bool color, int columns, int rows);

/* ---- progress.c ---- */
typedef enum ProgressMode {
    PROGRESS_AUTO,
    PROGRESS_BAR,
    PROGRESS_JSON,
    PROGRESS_NONE
} ProgressMode;
typedef struct Progress Progress;
/* False when there is no such mode. */
bool progress_mode(const char *word, ProgressMode *out);
/* AUTO: a bar on a terminal, a line every 10 s elsewhere. */
Progress *progress_new(ProgressMode mode, FILE *err, const Plan *p);
void progress_tick(Progress *pr, int64_t steps_done, int64_t steps_total, uint64_t spikes);
/* The last tick: wipes the bar, writes the last line, frees. May be called with NULL. */
void progress_done(Progress *pr, int64_t steps_done, int64_t steps_total, uint64_t spikes);

#endif
