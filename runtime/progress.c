/* How far a run has come, on stderr: a bar on a terminal, a line now and then elsewhere, one JSON
 * object a line for programs. */
#include "output.h"

#include <jansson.h>
#include <string.h>

#define LINE_EVERY_S 10.0
#define BAR_EVERY_S 0.1
#define JSON_EVERY_S 0.5

enum { TEXT_COLUMNS = 66 }; /* beside the bar, which is to keep its length */

typedef enum Style { STYLE_NONE, STYLE_BAR, STYLE_LINE, STYLE_JSON } Style;

struct Progress {
    FILE *err;
    Style style;
    double dt, start, last;
};

bool progress_mode(const char *word, ProgressMode *out)
{
    static const char *const name[] = {"auto", "bar", "json", "none"};
    for (int k = 0; k < 4; k++)
        if (!strcmp(word, name[k])) {
            *out = (ProgressMode)k;
            return true;
        }
    return false;
}

Progress *progress_new(ProgressMode mode, FILE *err, const Plan *p)
{
    Progress *pr = cx_alloc(1, sizeof *pr, "progress");
    Style style = mode == PROGRESS_JSON   ? STYLE_JSON
                  : mode == PROGRESS_BAR  ? STYLE_BAR
                  : mode == PROGRESS_NONE ? STYLE_NONE
                  : os_is_tty(err)        ? STYLE_BAR
                                          : STYLE_LINE;
    double now = os_now();
    *pr = (Progress){.err = err, .style = style, .dt = p->dt, .start = now, .last = now};
    return pr;
}

/* "12 s", "3 min 20 s", "2 h 5 min". */
static const char *span(double s, char text[32])
{
    long v = (long)(s + 0.5);
    if (s < 0)
        snprintf(text, 32, "?");
    else if (s < 10)
        snprintf(text, 32, "%.1f s", s);
    else if (v < 60)
        snprintf(text, 32, "%ld s", v);
    else if (v < 3600)
        snprintf(text, 32, "%ld min %ld s", v / 60, v % 60);
    else
        snprintf(text, 32, "%ld h %ld min", v / 3600, v / 60 % 60);
    return text;
}

/* Times in a run are shown in seconds from one second on. */
static const char *simulated(double ms, double total, char text[32])
{
    if (total >= 1000)
        snprintf(text, 32, "%.2f s", ms / 1000);
    else
        snprintf(text, 32, "%.1f ms", ms);
    return text;
}

static const char *memory(uint64_t bytes, char text[32])
{
    double mb = (double)bytes / 1e6;
    snprintf(text, 32, mb < 1000 ? "%.0f MB" : "%.2f GB", mb < 1000 ? mb : mb / 1000);
    return text;
}

static void write_json(const Progress *pr, double done, double total, double wall, double eta,
                       uint64_t spikes, bool last)
{
    json_t *o = json_object();
    json_object_set_new(o, "simulated_ms", json_real(done));
    json_object_set_new(o, "total_ms", json_real(total));
    json_object_set_new(o, "wall_s", json_real(wall));
    json_object_set_new(o, "eta_s", eta < 0 ? json_null() : json_real(eta));
    json_object_set_new(o, "spikes", json_integer((json_int_t)spikes));
    json_object_set_new(o, "memory_bytes", json_integer((json_int_t)os_rss()));
    json_object_set_new(o, "done", json_boolean(last));
    json_dumpf(o, pr->err, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    json_decref(o);
    fputc('\n', pr->err);
    fflush(pr->err);
}

/* Appends to a text what fits into `room` columns as a whole. */
static void append(Buf *text, int room, const char *more)
{
    if ((int)(text->len + strlen(more)) <= room) buf_add(text, more, strlen(more));
}

static void write_text(Progress *pr, double done, double total, double wall, double eta,
                       uint64_t spikes, bool last)
{
    char a[32], b[32], c[32], piece[64];
    double part = total > 0 ? done / total : 1;
    bool bar = pr->style == STYLE_BAR;
    int columns = bar ? os_columns(pr->err) : 1000, width = bar ? columns - TEXT_COLUMNS : 0;
    if (width > 30) width = 30;
    if (width < 5) width = 0;
    int room = columns - 1 - (width ? width + 3 : 0);
    Buf text = {0};
    buf_printf(&text, "%3.0f %%  %s of %s", 100 * part, simulated(done, total, a),
               simulated(total, total, b));
    snprintf(piece, sizeof piece, " in %s", span(wall, c));
    append(&text, room, piece);
    snprintf(piece, sizeof piece, ", %s left", span(eta, c));
    if (!last) append(&text, room, piece);
    snprintf(piece, sizeof piece, "  %llu spikes", (unsigned long long)spikes);
    append(&text, room, piece);
    snprintf(piece, sizeof piece, "  %s", memory(os_rss(), c));
    append(&text, room, piece);
    if (bar) fputs("\r\033[K", pr->err);
    if (width) {
        fputc('[', pr->err);
        for (int k = 0; k < width; k++)
            fputc(k < (int)(part * width) ? '=' : k == (int)(part * width) ? '>' : ' ', pr->err);
        fputs("] ", pr->err);
    }
    fputs(text.p, pr->err);
    if (!bar) fputc('\n', pr->err);
    fflush(pr->err);
    buf_free(&text);
}

static void report(Progress *pr, int64_t steps_done, int64_t steps_total, uint64_t spikes,
                   bool last)
{
    double now = os_now(), wall = now - pr->start;
    double every = pr->style == STYLE_BAR    ? BAR_EVERY_S
                   : pr->style == STYLE_JSON ? JSON_EVERY_S
                                             : LINE_EVERY_S;
    if (pr->style == STYLE_NONE || (!last && now - pr->last < every)) return;
    double done = (double)steps_done * pr->dt, total = (double)steps_total * pr->dt;
    double eta =
        steps_done > 0 ? wall * (double)(steps_total - steps_done) / (double)steps_done : -1;
    pr->last = now;
    if (pr->style == STYLE_JSON)
        write_json(pr, done, total, wall, eta, spikes, last);
    else
        write_text(pr, done, total, wall, eta, spikes, last);
}

void progress_tick(Progress *pr, int64_t steps_done, int64_t steps_total, uint64_t spikes)
{
    if (pr) report(pr, steps_done, steps_total, spikes, false);
}

void progress_done(Progress *pr, int64_t steps_done, int64_t steps_total, uint64_t spikes)
{
    if (!pr) return;
    if (pr->style == STYLE_BAR) {
        /* The bar makes room for what is printed next: one line stays. */
        report(pr, steps_done, steps_total, spikes, true);
        fputc('\n', pr->err);
    } else {
        report(pr, steps_done, steps_total, spikes, true);
    }
    cx_free(pr);
}
