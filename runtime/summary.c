/* The summary of a run: per population a rate, the irregularity of its spikes, their synchrony and
 * one word. Everything is updated as spikes come; what is kept grows with neurons, never with time.
 *
 * Rate: spikes / (cells * duration).
 * CV: standard deviation over mean of the intervals between a cell's spikes, averaged over the
 * cells with at least three spikes (two intervals); of large populations every k-th cell is looked
 * at. Synchrony: variance over mean of the number of spikes in bins of 3 ms, over at most 1,000
 * cells evenly chosen, as in Potjans & Diesmann (2014), Cereb. Cortex 24:785: 1 for independent
 * Poisson cells, and about 1 + (cells - 1) * correlation. They call a layer asynchronous below 8.
 * The first 100 ms (a fifth of shorter runs) are left out: they show where the cells started. */
#include "output.h"

#include <math.h>
#include <string.h>

#define SILENT_HZ 0.05
#define SATURATED_HZ 200.0
#define SYNCHRONOUS 8.0
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
    bool is_source, recorded, v_known, v_uniform;
    int v_field;
    double v_factor, v_rest, v_threshold, color[3];
    uint32_t n, cv_every, sync_every;
    uint64_t spikes;
    Cell *cell;
    int64_t bin;           /* being filled */
    uint64_t count;        /* in it */
    uint64_t sum, squares; /* over the filled ones */
    uint64_t v_samples;
    double v_sum, v_max; /* above rest */
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
    if (!p->cell) p->cell = cx_alloc(p->n / p->cv_every + 1, sizeof *p->cell, "summary");
    /* A spike at the end of step m is stamped m+1. */
    int64_t bin = step > s->onset ? (step - 1 - s->onset) / s->bin_steps : -1;
    if (bin > p->bin) {
        p->sum += p->count;
        p->squares += p->count * p->count;
        p->count = 0;
        p->bin = bin;
    }
    for (size_t i = 0; i < n; i++) {
        if (bin >= 0 && id[i] % p->sync_every == 0) p->count++;
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
        to->recorded = pop->record_spikes;
        to->n = pop->n;
        to->cv_every = pop->n / CV_CELLS + 1;
        to->sync_every = pop->n / (SYNCHRONY_CELLS + 1) + 1;
        memcpy(to->color, pop->color, sizeof to->color);
        watch_voltage(s, to, p, pop);
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

void summary_set_v(Summary *s, int pop, double mean, double max)
{
    s->pop[pop].v_samples = 1;
    s->pop[pop].v_sum = mean;
    s->pop[pop].v_max = max;
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

static double fano(const Summary *s, const SumPop *p)
{
    int64_t bins = full_bins(s);
    if (bins < 2) return NAN;
    uint64_t last = p->bin < bins ? p->count : 0; /* a bin the run did not fill does not count */
    double sum = (double)(p->sum + last), squares = (double)(p->squares + last * last);
    double mean = sum / (double)bins;
    return sum > 0 ? (squares / (double)bins - mean * mean) / mean : NAN;
}

/* Small populations cannot reach 8, so for them a quarter of the way from independent (1) to all
 * together (their number) is enough; chance alone moves the value by sqrt(2/bins). */
static bool synchronous(const Summary *s, const SumPop *p, double synchrony)
{
    int64_t bins = full_bins(s);
    double cells = p->n ? (double)((p->n - 1) / p->sync_every + 1) : 0;
    double most = 1 + (cells - 1) / 4, chance = bins ? 1 + 3 * sqrt(2 / (double)bins) : 0;
    double limit = most < SYNCHRONOUS ? most : SYNCHRONOUS;
    if (limit < chance) limit = chance;
    return cells > 1 && bins >= MIN_BINS && synchrony >= limit;
}

SummaryRow summary_row(const Summary *s, int pop)
{
    const SumPop *p = &s->pop[pop];
    double seconds = summary_duration(s) / 1000;
    SummaryRow r = {.name = p->name,
                    .layer = p->layer,
                    .model = p->model,
                    .is_source = p->is_source,
                    .cells = p->n,
                    .spikes = p->spikes};
    r.rate = p->n && seconds > 0 ? (double)p->spikes / ((double)p->n * seconds) : 0;
    r.cv = mean_cv(p);
    r.synchrony = fano(s, p);
    if (!p->recorded && !p->spikes) {
        r.rate = NAN;
        r.word = "";
    } else if (r.rate < SILENT_HZ) {
        r.word = "silent";
    } else if (r.rate > SATURATED_HZ) {
        r.word = "saturated";
    } else {
        r.word = synchronous(s, p, r.synchrony) ? "synchronous" : "asynchronous";
    }
    r.v_sampled = p->v_samples > 0;
    r.v_mean = r.v_sampled ? p->v_sum / (double)p->v_samples : NAN;
    r.v_max = r.v_sampled ? p->v_max : NAN;
    r.v_threshold = p->v_known ? (p->v_threshold - p->v_rest) / p->v_factor : NAN;
    memcpy(r.color, p->color, sizeof r.color);
    return r;
}

bool summary_note(const Summary *s, int pop, char *text, size_t size)
{
    const SumPop *p = &s->pop[pop];
    SummaryRow r = summary_row(s, pop);
    bool silent = !strcmp(r.word, "silent"), saturated = !strcmp(r.word, "saturated");
    const char *unit = p->v_unit, *blank = *unit ? " " : "";
    if (!r.cells || (!silent && !saturated)) return false;
    Buf b = {0};
    if (silent && r.v_sampled && r.v_mean >= 0)
        buf_printf(&b, "%s is silent: its input lifts %s by %.1f%s%s on average, %.1f%s%s at most",
                   p->name, p->v_name, r.v_mean, blank, unit, r.v_max, blank, unit);
    else if (silent && r.v_sampled)
        buf_printf(
            &b,
            "%s is silent: its input holds %s %.1f%s%s below rest on average, %.1f%s%s %s at most",
            p->name, p->v_name, -r.v_mean, blank, unit, fabs(r.v_max), blank, unit,
            r.v_max < 0 ? "below" : "above");
    else if (silent)
        buf_printf(&b, "%s is silent: %s", p->name,
                   r.is_source ? "its rate is too low for the length of the run"
                               : "what its input does to it is not known");
    else if (r.v_sampled)
        buf_printf(
            &b,
            "%s is saturated: its cells fire every %.1f ms; in spite of the resets its input "
            "holds %s %.1f%s%s %s rest on average",
            p->name, 1000 / r.rate, p->v_name, fabs(r.v_mean), blank, unit,
            r.v_mean < 0 ? "below" : "above");
    else
        buf_printf(&b, "%s is saturated: its cells fire every %.1f ms", p->name, 1000 / r.rate);
    if (r.v_sampled)
        buf_printf(&b, "; the threshold is %.4g%s%s above rest", r.v_threshold, blank, unit);
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
    if (!strcmp(word, "asynchronous")) return "\033[32m";
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

void summary_print(const Summary *s, FILE *out, bool color, int columns)
{
    static const char *const head[N_NUMBERS] = {"cells", "spikes", "rate (Hz)", "CV", "synchrony"};
    const char *off = color ? "\033[0m" : "";
    int width[N_NUMBERS], name_width = 5, numbers = 0;
    for (int c = 0; c < N_NUMBERS; c++)
        width[c] = width_of(head[c]);
    for (int k = 0; k < s->n_pops; k++) {
        SummaryRow r = summary_row(s, k);
        Line l = line_of(&r);
        if (width_of(r.name) > name_width) name_width = width_of(r.name);
        for (int c = 0; c < N_NUMBERS; c++)
            if (width_of(l.number[c]) > width[c]) width[c] = width_of(l.number[c]);
    }
    for (int c = 0; c < N_NUMBERS; c++)
        numbers += width[c] + 2;
    int room = columns - numbers - 16; /* margins and the longest word */
    if (columns > 0 && name_width > room) name_width = room > 8 ? room : 8;
    fprintf(out, "  %s%-*s", color ? "\033[1m" : "", name_width, "layer");
    for (int c = 0; c < N_NUMBERS; c++)
        fprintf(out, "  %*s", width[c], head[c]);
    fprintf(out, "%s\n", off);
    for (int row = 0; row < s->n_pops; row++) {
        SummaryRow r = summary_row(s, s->order[row]);
        Line l = line_of(&r);
        char escape[24];
        fprintf(out, "  %s", color ? raster_color(r.color, escape) : "");
        print_name(out, r.name, name_width);
        fputs(off, out);
        for (int c = 0; c < N_NUMBERS; c++)
            fprintf(out, "  %*s", width[c], l.number[c]);
        fprintf(out, "  %s%s%s\n", color ? word_color(r.word) : "",
                *r.word ? r.word : "not recorded", off);
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
        cx_free(s->pop[k].cell);
    raster_free(s->raster);
    arena_free(s->arena);
    cx_free(s);
}
