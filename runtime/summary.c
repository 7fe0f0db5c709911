/* The summary of a run: per population a rate, the irregularity of its spikes, their synchrony and
 * one word. Everything is updated as spikes come; what is kept grows with neurons, never with time.
 *
 * Rate: spikes / (cells * duration).
 * CV: standard deviation over mean of the intervals between a cell's spikes, averaged over the
 * cells with at least three spikes (two intervals); of large populations every k-th cell is looked
 * at.
 * Synchrony: the chi of Golomb & Rinzel (1993), Phys. Rev. E 48:4810, on spike counts c_i in bins
 * of 3 ms and freed of its dependence on the number of cells. With P the sum of the c_i, chi^2 =
 * (var P - sum var c_i) / ((sum sd c_i)^2 - sum var c_i), the mean correlation of all pairs of
 * cells, each weighted by its two standard deviations: 0 for independent cells, 1 when all do the
 * same, whatever their number and rate. At most 1,000 cells, evenly chosen, are looked at. Fano:
 * var P / mean P of the same cells, which Potjans & Diesmann (2014), Cereb. Cortex 24:785, call
 * synchrony; it grows with the number of cells. The first 100 ms (a fifth of shorter runs) are left
 * out: they show where the cells started. */
#include "output.h"

#include "bins.h"

#include <math.h>
#include <string.h>

#define SILENT_HZ 0.05
#define SATURATED_HZ 100.0
#define SYNCHRONOUS                                                                                \
    0.2 /* chi: above what Brunel (2000) calls asynchronous, below his oscillations */
#define BIN_MS 3.0
#define ONSET_MS 100.0

enum { CV_CELLS = 65536, SYNCHRONY_CELLS = 1000, MIN_BINS = 10 };

typedef struct Cell {
    int64_t first, last;
    uint64_t n;
    double squares; /* of the intervals, in steps; whole numbers, so sums are exact below 2^53 */
} Cell;

typedef struct SumPop {
    char *name, *layer, *model, *v_name, *v_unit;
    bool is_source, v_known, v_uniform;
    bool has_input, uninhibited;
    int v_field;
    double v_factor, v_rest, v_threshold, color[3];
    uint32_t n, cv_every, sync_every;
    uint64_t spikes;
    Cell *cell;
    Bins together, *alone; /* of the cells looked at for synchrony */
    uint64_t v_samples;
    double v_sum, v_max;    /* above rest */
    const SummaryRow *told; /* by a file: then nothing above counts */
    const char *told_note;
} SumPop;

struct Summary {
    Sink sink; /* first, so that a Sink* is a Summary* */
    Arena *arena;
    char *title;
    double dt;
    int n_pops, *order;
    SumPop *pop;
    int64_t steps, planned, last_step, bin_steps, onset;
    Raster *raster;
};

static bool take_spikes(Sink *sink, int k, int64_t step, const uint32_t *id, size_t n, Fail *f)
{
    (void)f;
    Summary *s = (Summary *)sink;
    SumPop *p = &s->pop[k];
    if (step > s->last_step) s->last_step = step;
    p->spikes += n;
    if (!p->cell) {
        p->cell = cx_alloc(p->n / p->cv_every + 1, sizeof *p->cell, "summary");
        p->alone = cx_alloc(p->n / p->sync_every + 1, sizeof *p->alone, "summary");
    }
    /* A spike at the end of step m is stamped m+1. */
    int64_t bin = step > s->onset ? (step - 1 - s->onset) / s->bin_steps : -1;
    for (size_t i = 0; i < n; i++) {
        if (bin >= 0 && id[i] % p->sync_every == 0) {
            bins_spike(&p->together, bin);
            bins_spike(&p->alone[id[i] / p->sync_every], bin);
        }
        if (id[i] % p->cv_every) continue;
        Cell *c = &p->cell[id[i] / p->cv_every];
        if (c->n++) {
            double d = (double)(step - c->last);
            c->squares += d * d;
        } else {
            c->first = step;
        }
        c->last = step;
    }
    raster_spikes(s->raster, k, step, id, n);
    return true;
}

static bool take_frame(Sink *sink, int rec, int64_t step, const double *const *value, Fail *f)
{
    (void)rec, (void)value, (void)f;
    Summary *s = (Summary *)sink;
    if (step > s->last_step) s->last_step = step;
    return true;
}

static void watch_voltage(Summary *s, SumPop *to, const Plan *p, const PlanPop *pop)
{
    const Kernel *kernel = pop->kernel >= 0 && p->kernel ? p->kernel[pop->kernel] : NULL;
    to->v_field = pop->v_known && pop->v_field >= 0 && kernel ? pop->v_field : -1;
    to->v_known = pop->v_known;
    to->v_name = "V", to->v_unit = "mV", to->v_factor = 1;
    to->v_rest = pop->v_rest, to->v_threshold = pop->v_threshold;
    if (to->v_field < 0) return;
    const KernelField *field = &kernel->field[pop->v_field];
    Unit u;
    to->v_uniform = field->uniform;
    to->v_name = arena_strdup(s->arena, field->name);
    to->v_unit = arena_strdup(s->arena, field->unit ? field->unit : "");
    size_t len = strlen(to->v_unit);
    if (len && unit_parse(to->v_unit, len, &u) == len) to->v_factor = unit_factor(&u);
}

/* What is connected to a population, as far as the plan tells. Whether something inhibits it is
 * known where there is one port, whose weights have a sign. */
static void watch_inputs(SumPop *to, const Plan *p, int k)
{
    bool known = p->pop[k].n_ports == 1, inhibited = false;
    for (int j = 0; j < p->n_projs; j++) {
        const PlanProj *proj = &p->proj[j];
        if (proj->tgt != k) continue;
        to->has_input = true;
        known = known && !proj->weight.varies;
        inhibited = inhibited || proj->weight.value < 0;
    }
    for (int j = 0; j < p->n_stims; j++) {
        const PlanStim *stim = &p->stim[j];
        if (stim->tgt != k) continue;
        to->has_input = true;
        known = known && stim->kind == STIM_POISSON && !stim->weight.varies;
        inhibited = inhibited || stim->weight.value < 0;
    }
    to->uninhibited = known && !inhibited;
}

Summary *summary_new(const Plan *p, int columns, int rows)
{
    Summary *s = cx_alloc(1, sizeof *s, "summary");
    bool exact;
    *s = (Summary){.sink = {take_spikes, take_frame},
                   .arena = arena_new("summary"),
                   .steps = -1,
                   .dt = p->dt,
                   .n_pops = p->n_pops};
    s->title = arena_strdup(s->arena, p->title ? p->title : "");
    s->pop = arena_many(s->arena, SumPop, (size_t)p->n_pops);
    s->order = arena_many(s->arena, int, (size_t)p->n_pops);
    for (int k = 0; k < p->n_runs; k++)
        s->planned += p->run[k].steps;
    if (!decimal_steps(BIN_MS, p->dt, &s->bin_steps, &exact) || s->bin_steps < 1) s->bin_steps = 1;
    if (!decimal_steps(ONSET_MS, p->dt, &s->onset, &exact)) s->onset = 0;
    if (s->onset > s->planned / 5) s->onset = s->planned / 5;
    for (int k = 0; k < p->n_pops; k++) {
        const PlanPop *pop = &p->pop[k];
        SumPop *to = &s->pop[k];
        s->order[k] = p->pop_order ? p->pop_order[k] : k;
        to->name = arena_strdup(s->arena, pop->name);
        to->layer = arena_strdup(s->arena, pop->layer ? pop->layer : pop->name);
        to->model = arena_strdup(s->arena, pop->model ? pop->model : "");
        to->is_source = pop->is_source;
        to->n = pop->n;
        to->cv_every = pop->n / CV_CELLS + 1;
        to->sync_every = pop->n / (SYNCHRONY_CELLS + 1) + 1;
        memcpy(to->color, pop->color, sizeof to->color);
        watch_voltage(s, to, p, pop);
        watch_inputs(to, p, k);
    }
    s->raster = columns > 0 && rows > 0 ? raster_new(p, columns, rows) : NULL;
    return s;
}

Sink *summary_sink(Summary *s)
{
    return &s->sink;
}

void summary_steps(Summary *s, int64_t steps)
{
    s->steps = steps;
}

void summary_sample(Summary *s, const Engine *e)
{
    s->steps = engine_stats(e).steps;
    for (int k = 0; k < s->n_pops; k++) {
        SumPop *p = &s->pop[k];
        if (p->v_field < 0 || !p->n) continue;
        const double *v = engine_column(e, k, p->v_field);
        uint32_t n = p->v_uniform ? 1 : p->n;
        double sum = 0, max = v[0];
        for (uint32_t i = 0; i < n; i++) {
            sum += v[i];
            max = v[i] > max ? v[i] : max;
        }
        if (!isfinite(sum)) continue; /* the run says so itself */
        double mean = (sum / n - p->v_rest) / p->v_factor;
        max = (max - p->v_rest) / p->v_factor;
        if (!p->v_samples || max > p->v_max) p->v_max = max;
        p->v_sum += mean;
        p->v_samples++;
    }
}

void summary_set_row(Summary *s, int pop, const SummaryRow *row, const char *note)
{
    static const char *const word[] = {"silent", "saturated", "synchronous", "asynchronous",
                                       "active"};
    SummaryRow *to = arena_one(s->arena, SummaryRow);
    const SumPop *p = &s->pop[pop];
    *to = *row;
    to->name = p->name, to->layer = p->layer, to->model = p->model, to->word = "";
    for (size_t k = 0; k < sizeof word / sizeof *word; k++)
        if (!strcmp(row->word, word[k])) to->word = word[k];
    s->pop[pop].told = to;
    s->pop[pop].told_note = arena_strdup(s->arena, note);
}

int summary_count(const Summary *s)
{
    return s->n_pops;
}

const int *summary_order(const Summary *s)
{
    return s->order;
}

const char *summary_title(const Summary *s)
{
    return s->title;
}

static int64_t steps_done(const Summary *s)
{
    int64_t steps = s->steps >= 0 ? s->steps : s->planned;
    return s->last_step > steps ? s->last_step : steps;
}

double summary_duration(const Summary *s)
{
    return decimal_time(steps_done(s), s->dt);
}

static double mean_cv(const SumPop *p)
{
    double sum = 0;
    uint64_t cells = 0;
    for (uint32_t i = 0; p->cell && i < p->n; i += p->cv_every) {
        const Cell *c = &p->cell[i / p->cv_every];
        if (c->n < 3 || c->last == c->first) continue;
        double intervals = (double)(c->n - 1), mean = (double)(c->last - c->first) / intervals;
        double variance = c->squares / intervals - mean * mean;
        sum += variance > 0 ? sqrt(variance) / mean : 0;
        cells++;
    }
    return cells ? sum / (double)cells : NAN;
}

static int64_t full_bins(const Summary *s)
{
    int64_t steps = steps_done(s);
    return steps > s->onset ? (steps - s->onset) / s->bin_steps : 0;
}

/* Fills Fano and synchrony; true when synchrony is beyond what chance explains. A Poisson variable
 * of mean m has a variance known from `bins` draws to a factor of 1 +- sqrt((2 + 1/m) / bins). */
static bool measure_synchrony(const Summary *s, const SumPop *p, SummaryRow *r)
{
    int64_t bins = full_bins(s);
    double mean, one, sum_sd = 0, sum_var = 0;
    uint32_t cells = 0;
    r->fano = r->synchrony = NAN;
    if (bins < MIN_BINS || !p->alone) return false;
    double variance = bins_variance(&p->together, bins, &mean);
    for (uint32_t i = 0; i < p->n; i += p->sync_every) {
        double v = bins_variance(&p->alone[i / p->sync_every], bins, &one);
        if (!(v > 0)) continue;
        sum_var += v;
        sum_sd += sqrt(v);
        cells++;
    }
    if (mean > 0) r->fano = variance / mean;
    double pairs = sum_sd * sum_sd - sum_var;
    if (cells < 2 || !(pairs > 0)) return false;
    double squared = (variance - sum_var) / pairs;
    r->synchrony = squared <= 0 ? 0 : squared >= 1 ? 1 : sqrt(squared);
    return squared > 3 * sqrt((2 + 1 / mean) / (double)bins) * sum_var / pairs;
}

static const char *word_of(const SummaryRow *r, bool beyond_chance)
{
    if (r->rate < SILENT_HZ) return "silent";
    if (r->rate > SATURATED_HZ && !r->is_source) return "saturated";
    if (isnan(r->synchrony)) return "active";
    return beyond_chance && r->synchrony >= SYNCHRONOUS ? "synchronous" : "asynchronous";
}

SummaryRow summary_row(const Summary *s, int pop)
{
    const SumPop *p = &s->pop[pop];
    if (p->told) return *p->told;
    double seconds = summary_duration(s) / 1000;
    SummaryRow r = {.name = p->name,
                    .layer = p->layer,
                    .model = p->model,
                    .is_source = p->is_source,
                    .cells = p->n,
                    .spikes = p->spikes};
    r.rate = p->n && seconds > 0 ? (double)p->spikes / ((double)p->n * seconds) : 0;
    r.cv = mean_cv(p);
    r.word = word_of(&r, measure_synchrony(s, p, &r));
    r.v_sampled = p->v_samples > 0;
    r.v_mean = r.v_sampled ? p->v_sum / (double)p->v_samples : NAN;
    r.v_max = r.v_sampled ? p->v_max : NAN;
    r.v_threshold = p->v_known ? (p->v_threshold - p->v_rest) / p->v_factor : NAN;
    memcpy(r.color, p->color, sizeof r.color);
    return r;
}

static void note_silent(const SumPop *p, const SummaryRow *r, Buf *b)
{
    const char *unit = p->v_unit, *blank = *unit ? " " : "";
    if (r->is_source || !p->has_input || !r->v_sampled) {
        buf_printf(b, "%s is silent: %s", p->name,
                   r->is_source    ? "its rate is too low for the length of the run"
                   : !p->has_input ? "nothing is connected to it"
                                   : "its input did not bring it to threshold");
        return;
    }
    if (r->v_mean >= 0)
        buf_printf(b, "%s is silent: its input lifts %s by %.1f%s%s on average, %.1f%s%s at most",
                   p->name, p->v_name, r->v_mean, blank, unit, r->v_max, blank, unit);
    else
        buf_printf(
            b,
            "%s is silent: its input holds %s %.1f%s%s below rest on average, %.1f%s%s %s at most",
            p->name, p->v_name, -r->v_mean, blank, unit, fabs(r->v_max), blank, unit,
            r->v_max < 0 ? "below" : "above");
    buf_printf(b, "; the threshold is %.4g%s%s above rest", r->v_threshold, blank, unit);
}

bool summary_note(const Summary *s, int pop, char *text, size_t size)
{
    const SumPop *p = &s->pop[pop];
    SummaryRow r = summary_row(s, pop);
    bool silent = !strcmp(r.word, "silent"), saturated = !strcmp(r.word, "saturated");
    if (p->told) {
        snprintf(text, size, "%s", p->told_note);
        return *text != '\0';
    }
    if (!r.cells || (!silent && !saturated)) return false;
    Buf b = {0};
    if (silent)
        note_silent(p, &r, &b);
    else
        buf_printf(&b,
                   "%s is saturated: its cells fire every %.1f ms, driven far above threshold%s",
                   p->name, 1000 / r.rate, p->uninhibited ? "; no inhibition reaches it" : "");
    snprintf(text, size, "%s", b.p);
    buf_free(&b);
    return true;
}

/* ---- the table ---- */

static int width_of(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += (*s & 0xC0) != 0x80;
    return n;
}

/* 1234567 as "1,234,567". */
static const char *grouped(uint64_t v, char text[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v), at = 0;
    for (int k = 0; k < n; k++) {
        if (k && (n - k) % 3 == 0) text[at++] = ',';
        text[at++] = digits[k];
    }
    text[at] = '\0';
    return text;
}

static const char *rounded(double v, char text[32])
{
    snprintf(text, 32, isfinite(v) ? "%.2f" : "-", v);
    return text;
}

static const char *word_color(const char *word)
{
    if (!*word) return "\033[2m";
    if (!strcmp(word, "asynchronous") || !strcmp(word, "active")) return "\033[32m";
    return !strcmp(word, "saturated") ? "\033[31m" : "\033[33m";
}

static void print_wrapped(FILE *out, const char *text, int columns)
{
    int at = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        char piece[128];
        snprintf(piece, sizeof piece, "%.*s", (int)len, text);
        int w = width_of(piece);
        if (at > 2 && at + 1 + w > columns) {
            fputs("\n    ", out);
            at = 4;
        } else {
            fputs(at ? " " : "  ", out);
            at += at ? 1 : 2;
        }
        fwrite(text, 1, len, out);
        at += w;
        text += len + (text[len] == ' ');
    }
    fputc('\n', out);
}

enum { N_NUMBERS = 5 };
typedef struct Line {
    char number[N_NUMBERS][32];
} Line;

static Line line_of(const SummaryRow *r)
{
    Line l;
    grouped(r->cells, l.number[0]);
    grouped(r->spikes, l.number[1]);
    rounded(r->rate, l.number[2]);
    rounded(r->cv, l.number[3]);
    rounded(r->synchrony, l.number[4]);
    return l;
}

static void print_name(FILE *out, const char *name, int width)
{
    int shown = 0;
    const char *c = name;
    bool cut = width_of(name) > width;
    for (; *c && !(cut && shown == width - 1 && (*c & 0xC0) != 0x80); c++) {
        shown += (*c & 0xC0) != 0x80;
        fputc(*c, out);
    }
    if (cut) fputc('~', out), shown++;
    fprintf(out, "%*s", width - shown, "");
}

/* Leaves columns out, the least needed first, until names of `least` characters have room. */
static int fit(bool shown[N_NUMBERS], const int width[N_NUMBERS], int columns, int least)
{
    static const int given_up[] = {1, 4, 3, 0}; /* spikes, synchrony, CV, cells */
    int room = columns - 16;                    /* margins and the longest word */
    for (int c = 0; c < N_NUMBERS; c++)
        room -= width[c] + 2;
    for (size_t k = 0; room < least && k < sizeof given_up / sizeof *given_up; k++) {
        shown[given_up[k]] = false;
        room += width[given_up[k]] + 2;
    }
    return room;
}

void summary_print(const Summary *s, FILE *out, bool color, int columns)
{
    static const char *const head[N_NUMBERS] = {"cells", "spikes", "rate (Hz)", "CV", "synchrony"};
    const char *off = color ? "\033[0m" : "";
    bool shown[N_NUMBERS] = {true, true, true, true, true};
    int width[N_NUMBERS], name_width = 5;
    for (int c = 0; c < N_NUMBERS; c++)
        width[c] = width_of(head[c]);
    for (int k = 0; k < s->n_pops; k++) {
        SummaryRow r = summary_row(s, k);
        Line l = line_of(&r);
        if (width_of(r.name) > name_width) name_width = width_of(r.name);
        for (int c = 0; c < N_NUMBERS; c++)
            if (width_of(l.number[c]) > width[c]) width[c] = width_of(l.number[c]);
    }
    if (columns > 0) {
        int room = fit(shown, width, columns, name_width < 8 ? name_width : 8);
        if (name_width > room) name_width = room > 5 ? room : 5;
    }
    fprintf(out, "  %s%-*s", color ? "\033[1m" : "", name_width, "layer");
    for (int c = 0; c < N_NUMBERS; c++)
        if (shown[c]) fprintf(out, "  %*s", width[c], head[c]);
    fprintf(out, "%s\n", off);
    for (int row = 0; row < s->n_pops; row++) {
        SummaryRow r = summary_row(s, s->order[row]);
        Line l = line_of(&r);
        char escape[24];
        fprintf(out, "  %s", color ? raster_color(r.color, escape) : "");
        print_name(out, r.name, name_width);
        fputs(off, out);
        for (int c = 0; c < N_NUMBERS; c++)
            if (shown[c]) fprintf(out, "  %*s", width[c], l.number[c]);
        fprintf(out, "  %s%s%s\n", color ? word_color(r.word) : "", *r.word ? r.word : "-", off);
    }
    for (int row = 0; row < s->n_pops; row++) {
        char text[512];
        if (summary_note(s, s->order[row], text, sizeof text))
            print_wrapped(out, text, columns > 20 ? columns : 1000);
    }
}

void summary_raster(const Summary *s, FILE *out, bool color, int columns, int rows)
{
    if (s->raster) raster_print(s->raster, out, color, columns, rows, steps_done(s));
}

void summary_free(Summary *s)
{
    if (!s) return;
    for (int k = 0; k < s->n_pops; k++)
        cx_free(s->pop[k].cell), cx_free(s->pop[k].alone);
    raster_free(s->raster);
    arena_free(s->arena);
    cx_free(s);
}
