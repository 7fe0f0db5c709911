/* Recorded variables over time, one lane for each cell. A recording after the step shows the reset of a
 * spike, never its peak; so the spikes are drawn as ticks above the trace. */
#include "figure.h"

#include <math.h>
#include <string.h>

enum { MOST = 6, BLOCK = 4096 };

typedef struct Lane {
    const OutputVar *var;
    uint64_t col;
    int row; /* in Figure.pop */
    float *lo, *hi; /* per column of pixels; NaN: nothing */
    float *first, *last;
    uint8_t *spike;
} Lane;

typedef struct Lanes {
    int n, columns;
    uint64_t recorded; /* cells of which there are recordings */
    bool all;          /* each frame has a column of its own: points, not ranges */
    Lane *lane;
    const char *unit;
} Lanes;

static void lane_name(const Figure *g, const Lane *l, char *text, size_t size)
{
    if (l->var->cell) snprintf(text, size, "%s[%u]", g->pop[l->row].name, l->var->cell[l->col]);
    else snprintf(text, size, "%s", g->pop[l->row].name);
}

static bool prepare(Figure *g, Panel *p, Fail *f)
{
    Lanes *t = p->data = arena_one(g->arena, Lanes);
    int vars = 0;
    (void)f;
    t->lane = arena_many(g->arena, Lane, MOST + (size_t)g->n_vars);
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < g->n_vars; k++) {
            const OutputVar *x = &g->var[k];
            size_t n = strcspn(x->name, "#");
            int row = g->row_of[x->pop];
            if (row < 0 || strlen(p->arg) != n || strncmp(p->arg, x->name, n) != 0) continue;
            if (!pass) {
                vars++;
                t->recorded += x->cells;
                continue;
            }
            uint64_t share = vars < MOST ? (uint64_t)(MOST / vars) : 1;
            if (!t->unit) t->unit = x->unit;
            for (uint64_t c = 0; c < x->cells && c < share && t->n < 2 * MOST; c++)
                t->lane[t->n++] = (Lane){.var = x, .col = c, .row = row};
        }
    for (int k = 0; k < t->n; k++) {
        char text[160];
        lane_name(g, &t->lane[k], text, sizeof text);
        double w = draw_width(g->cr, text, FONT_SMALL, DRAW_BOLD) + 16;
        p->right = fmax(p->right, fmin(w, 150));
    }
    p->height = HEADING + (t->n == 1 ? 120 : t->n * (t->n < 4 ? 72 : 46));
    return true;
}

/* All lanes of one recording, block by block: memory does not grow with its length. */
static bool read_lanes(Figure *g, Lanes *t, int first, int n, Fail *f)
{
    const OutputVar *x = t->lane[first].var;
    double *v = cx_alloc(BLOCK * (size_t)n, sizeof *v, "traces");
    bool ok = true;
    double from = ceil((g->from - x->start) / x->dt - 1e-9), to = floor((g->to - x->start) / x->dt + 1e-9);
    uint64_t at = from > 0 ? (from < 1e18 ? (uint64_t)from : x->frames) : 0;
    uint64_t end = to < 0 ? 0 : to + 1 < (double)x->frames ? (uint64_t)to + 1 : x->frames;
    for (; ok && at < end; at += BLOCK) {
        uint64_t m = end - at < BLOCK ? end - at : BLOCK;
        ok = output_var_read(g->file, x, at, m, t->lane[first].col, (uint64_t)n, v, f);
        for (uint64_t k = 0; ok && k < m; k++) {
            double ms = x->start + (double)(at + k) * x->dt;
            int c = (int)((ms - g->from) / (g->to - g->from) * t->columns);
            if (c < 0) c = 0;
            if (c >= t->columns) c = t->columns - 1;
            for (int j = 0; j < n; j++) {
                Lane *l = &t->lane[first + j];
                float value = (float)v[k * (uint64_t)n + (uint64_t)j];
                if (!(fabsf(value) < 1e30f)) continue;
                if (!(l->lo[c] <= l->hi[c])) l->first[c] = value;
                l->last[c] = value;
                if (!(l->lo[c] <= value)) l->lo[c] = value;
                if (!(l->hi[c] >= value)) l->hi[c] = value;
            }
        }
    }
    cx_free(v);
    return ok;
}

typedef struct Ticker {
    Figure *g;
    Lanes *t;
} Ticker;

static void take(void *user, int row, int64_t step, uint32_t cell)
{
    Ticker *k = user;
    const Figure *g = k->g;
    int c = (int)((double)(step - g->first) / (double)(g->last - g->first) * k->t->columns);
    for (int j = 0; j < k->t->n; j++) {
        Lane *l = &k->t->lane[j];
        if (l->row == row && l->var->cell && l->var->cell[l->col] == cell)
            l->spike[c < k->t->columns ? c : k->t->columns - 1] = 1;
    }
}

static bool collect(Figure *g, Lanes *t, bool spikes, Fail *f)
{
    for (int k = 0; k < t->n; k++) {
        Lane *l = &t->lane[k];
        l->lo = arena_many(g->arena, float, (size_t)t->columns);
        l->hi = arena_many(g->arena, float, (size_t)t->columns);
        l->first = arena_many(g->arena, float, (size_t)t->columns);
        l->last = arena_many(g->arena, float, (size_t)t->columns);
        l->spike = arena_many(g->arena, uint8_t, (size_t)t->columns);
        for (int c = 0; c < t->columns; c++) l->lo[c] = l->hi[c] = NAN;
    }
    for (int k = 0, n; k < t->n; k += n) {
        for (n = 1; k + n < t->n && t->lane[k + n].var == t->lane[k].var; n++) {
        }
        if (!read_lanes(g, t, k, n, f)) return false;
    }
    return !spikes || figure_spikes(g, take, &(Ticker){g, t}, f);
}

/* Each column from its first value to its last by way of its extremes, the nearer one first, so that a
 * jump is one thin line. */
static void draw_trace(Figure *g, const Lanes *t, const Lane *l, Box b, double lo, double hi)
{
    for (int c = 0; c < t->columns; c++) {
        if (!(l->lo[c] <= l->hi[c])) continue;
        bool up = l->first[c] - l->lo[c] < l->hi[c] - l->first[c];
        const float way[] = {l->first[c], up ? l->lo[c] : l->hi[c], up ? l->hi[c] : l->lo[c], l->last[c]};
        double x = b.x + (c + 0.5) / t->columns * b.w;
        for (int k = 0; k < 4; k++)
            if (!k || way[k] != way[k - 1]) cairo_line_to(g->cr, x, b.y + b.h - (way[k] - lo) / (hi - lo) * b.h);
    }
    draw_color(g->cr, g->pop[l->row].color, 1);
    cairo_set_line_width(g->cr, 1.2);
    cairo_set_line_join(g->cr, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke(g->cr);
}

static void draw_spikes(Figure *g, const Lanes *t, const Lane *l, Box b, double y0, double y1)
{
    for (int c = 0; c < t->columns; c++) {
        if (!l->spike[c]) continue;
        double x = b.x + (c + 0.5) / t->columns * b.w;
        cairo_move_to(g->cr, x, y0);
        cairo_line_to(g->cr, x, y1);
    }
    draw_color(g->cr, g->pop[l->row].ink, 1);
    cairo_set_line_width(g->cr, 1.2);
    cairo_stroke(g->cr);
}

/* A bar of a round length instead of numbers, where a lane has no room for them. */
static void scale_bar(Figure *g, Box b, double range, const char *unit)
{
    char text[64], number[32];
    Ticks t = draw_ticks(0, range, 3);
    double h = t.step / range * b.h, x = b.x - 12, y = b.y + b.h / 2;
    draw_number(number, t.step, t.decimals);
    snprintf(text, sizeof text, "%s %.20s", number, unit);
    draw_line(g, x, y - h / 2, x, y + h / 2, 1.6, draw_ink);
    cairo_save(g->cr);
    cairo_translate(g->cr, x - 7, y);
    cairo_rotate(g->cr, -M_PI / 2);
    draw_text(g->cr, 0, 0, FONT_SMALL, DRAW_MIDDLE, draw_ink, text);
    cairo_restore(g->cr);
}

static double threshold(const Figure *g, const Panel *p, const Lanes *t, const Lane *l, double lo, double hi)
{
    const PlanPop *q = &g->plan->pop[g->pop[l->row].plan];
    bool fits = !strcmp(p->arg, "V") && !strcmp(t->unit, "mV") && q->v_known;
    return fits && q->v_threshold > lo - (hi - lo) && q->v_threshold < hi + 2 * (hi - lo) + 1 ? q->v_threshold : NAN;
}

static bool draw(Figure *g, const Panel *p, Box b, Fail *f)
{
    Lanes *t = p->data;
    bool voltage = !strcmp(p->arg, "V") || !strcmp(p->arg, "v"), any = false, dashed = false;
    double lo = INFINITY, hi = -INFINITY;
    t->columns = (int)(b.w * g->scale);
    double frame = t->lane[0].var->dt / (g->to - g->from) * t->columns;
    if (frame > 0.8 && t->columns > 64) t->columns = (int)fmax(64, fmin(t->columns, 2 * b.w));
    if (!collect(g, t, voltage, f)) return false;
    for (int k = 0; k < t->n; k++)
        for (int c = 0; c < t->columns; c++) {
            if (t->lane[k].lo[c] < lo) lo = t->lane[k].lo[c];
            if (t->lane[k].hi[c] > hi) hi = t->lane[k].hi[c];
            any = any || t->lane[k].spike[c];
        }
    if (!(lo <= hi)) lo = 0, hi = 1;
    for (int k = 0; k < t->n; k++) {
        double v = threshold(g, p, t, &t->lane[k], lo, hi);
        if (isfinite(v)) dashed = true, hi = fmax(hi, v), lo = fmin(lo, v);
    }
    if (hi - lo < 1e-9 * fmax(1, fabs(hi))) lo -= 0.5, hi += 0.5;
    double range = hi - lo, top = hi + range * (any ? 0.45 : 0.06), bottom = lo - range * 0.05;
    char name[96], remark[128] = "";
    snprintf(name, sizeof name, *t->unit ? "%.40s (%.40s)" : "%.40s", p->arg, t->unit);
    int n = 0;
    if ((uint64_t)t->n < t->recorded)
        n = snprintf(remark, sizeof remark, "%d of %llu recorded cells; ", t->n, (unsigned long long)t->recorded);
    if (any) n += snprintf(remark + n, sizeof remark - (size_t)n, "ticks: spikes; ");
    if (dashed) n += snprintf(remark + n, sizeof remark - (size_t)n, "dashed: threshold; ");
    if (n) remark[n - 2] = '\0';
    b = draw_heading(g, b, name, remark);
    figure_time_grid(g, b);
    double h = b.h / t->n, gap = t->n > 1 ? fmin(6, h * 0.12) : 0;
    bool numbers = h > 56;
    for (int k = 0; k < t->n; k++) {
        const Lane *l = &t->lane[k];
        Box lane = {b.x, b.y + k * h + gap / 2, b.w, h - gap};
        char text[160];
        double per = lane.h / (top - bottom), v = threshold(g, p, t, l, lo, hi);
        double y_hi = lane.y + (top - hi) * per;
        if (numbers) draw_y_axis(g, b.x, lane.y + lane.h, y_hi - range * 0.02 * per, bottom, hi + range * 0.02, h > 90 ? 5 : 3, 0);
        if (isfinite(v)) {
            draw_dash(g->cr, 4, 3);
            draw_line(g, b.x, lane.y + (top - v) * per, b.x + b.w, lane.y + (top - v) * per, 0.8, draw_pale);
            draw_dash(g->cr, 0, 0);
        }
        draw_trace(g, t, l, lane, bottom, top);
        if (any) draw_spikes(g, t, l, lane, lane.y + (top - hi - range * 0.08) * per, lane.y);
        lane_name(g, l, text, sizeof text);
        draw_text_in(g->cr, b.x + b.w + 10, lane.y + lane.h / 2 + 4, FONT_SMALL, DRAW_BOLD, g->pop[l->row].ink, text, 138);
    }
    if (!numbers) scale_bar(g, (Box){b.x, b.y + floor(t->n / 2) * h, b.w, h - gap}, top - bottom, t->unit);
    return true;
}

const PlotKind plot_traces = {.name = "traces",
                              .doc = "every recorded variable, a lane for each cell; the name of a variable draws it alone",
                              .time = true,
                              .prepare = prepare,
                              .draw = draw};
