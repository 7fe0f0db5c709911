/* Which cell spiked when: a band for every population, in proportion to its cells. Spikes are counted
 * per pixel, so that a million take no longer than reading them; where they lie over each other the
 * colour grows darker. Few of them are drawn as strokes in SVG and PDF. */
#include "figure.h"

#include <math.h>
#include <string.h>

enum { STROKES = 6000, LEAST = 15, BAND_GAP = 5 };

typedef struct Bands {
    double *share; /* height of each band in the natural height, without gaps */
    uint64_t *spikes;
} Bands;

static bool recorded(const Figure *g, int row)
{
    return g->plan->pop[g->pop[row].plan].record_spikes;
}

static bool prepare(Figure *g, Panel *p, Fail *f)
{
    double cells = 0, left = 0;
    int n = 0;
    for (int k = 0; k < g->n_pops; k++) {
        if (!recorded(g, k)) continue;
        n++, cells += g->pop[k].n;
        double w = draw_width(g->cr, g->pop[k].name, FONT, DRAW_BOLD) + 14;
        left = w > left ? w : left;
    }
    if (!n) return figure_lacks(g, f, "recorded spikes", "write `record spikes of POPULATION` in the model and run it again");
    Bands *b = p->data = arena_one(g->arena, Bands);
    b->share = arena_many(g->arena, double, (size_t)g->n_pops);
    b->spikes = arena_many(g->arena, uint64_t, (size_t)g->n_pops);
    double total = 0.2 * cells, least = n > 20 ? 9 : LEAST;
    if (total > 330) total = 330;
    if (total < 70 && cells > 8) total = 70;
    if (total < least * n) total = least * n;
    double spare = total - least * n;
    for (int k = 0; k < g->n_pops; k++)
        if (recorded(g, k)) b->share[k] = least + spare * g->pop[k].n / cells;
    p->height = total + BAND_GAP * (n - 1) + HEADING - 4;
    p->left = left < 160 ? left : 160;
    p->right = 62;
    return true;
}

typedef struct Paper {
    const Figure *g;
    int w, h, mark_w, *mark_h;
    double *y, *band; /* per row, in pixels */
    uint16_t *count;
    uint64_t *spikes;
} Paper;

static void mark(void *user, int row, int64_t step, uint32_t cell)
{
    Paper *p = user;
    const Figure *g = p->g;
    p->spikes[row]++;
    if (!p->mark_h[row]) return;
    int x0 = (int)((double)(step - g->first) / (double)(g->last - g->first) * p->w - p->mark_w * 0.5);
    int y0 = (int)(p->y[row] + p->band[row] * cell / g->pop[row].n);
    int bottom = (int)(p->y[row] + p->band[row]), x1 = x0 + p->mark_w, y1 = y0 + p->mark_h[row];
    if (y1 > bottom) y1 = bottom;
    if (y0 > bottom - 1) y0 = bottom - 1;
    for (int y = y0; y < y1 && y < p->h; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x1 && x < p->w; x++) {
            uint16_t *c = &p->count[(size_t)y * (size_t)p->w + (size_t)x];
            *c += *c < UINT16_MAX;
        }
}

/* How opaque one mark is, so that the densest population stays short of solid. */
static double opacity(const Figure *g, const Paper *p)
{
    double most = 0;
    for (int k = 0; k < g->n_pops; k++) {
        double area = p->band[k] * p->w, marks = (double)p->spikes[k] * p->mark_w * p->mark_h[k];
        if (area > 0 && marks / area > most) most = marks / area;
    }
    double alpha = most > 0.5 ? 0.95 / (most + 0.5) : 0.95;
    return alpha < 0.2 ? 0.2 : alpha;
}

static void paint_image(Figure *g, Box b, const Paper *p)
{
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, p->w, p->h);
    cairo_surface_flush(image);
    if (cairo_surface_status(image) != CAIRO_STATUS_SUCCESS) return;
    unsigned char *data = cairo_image_surface_get_data(image);
    size_t stride = (size_t)cairo_image_surface_get_stride(image);
    double alpha = opacity(g, p);
    uint32_t table[64];
    for (int row = 0; row < g->n_pops; row++) {
        double rest = 1;
        for (int k = 0; k < 64; k++, rest *= 1 - alpha) {
            double a = 1 - rest;
            Rgb c = g->pop[row].color;
            table[k] = (uint32_t)lround(255 * a) << 24 | (uint32_t)lround(255 * a * c.r) << 16 |
                       (uint32_t)lround(255 * a * c.g) << 8 | (uint32_t)lround(255 * a * c.b);
        }
        int y0 = (int)p->y[row], y1 = (int)(p->y[row] + p->band[row]);
        for (int y = y0; y < y1 && y < p->h && p->mark_h[row]; y++) {
            uint32_t *line = (uint32_t *)(void *)(data + (size_t)y * stride);
            for (int x = 0; x < p->w; x++) {
                unsigned c = p->count[(size_t)y * (size_t)p->w + (size_t)x];
                line[x] = table[c < 63 ? c : 63];
            }
        }
    }
    cairo_surface_mark_dirty(image);
    cairo_save(g->cr);
    cairo_translate(g->cr, floor(b.x * g->scale) / g->scale, floor(b.y * g->scale) / g->scale);
    cairo_scale(g->cr, 1 / g->scale, 1 / g->scale);
    cairo_set_source_surface(g->cr, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(g->cr), g->vector ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
    cairo_paint(g->cr);
    cairo_restore(g->cr);
    cairo_surface_destroy(image);
}

typedef struct Strokes {
    Figure *g;
    Box b;
    const Paper *p;
    int row; /* being drawn */
} Strokes;

static void stroke(void *user, int row, int64_t step, uint32_t cell)
{
    Strokes *s = user;
    Figure *g = s->g;
    double scale = g->scale, h = s->p->mark_h[row] / scale;
    if (row != s->row && s->row >= 0) {
        draw_color(g->cr, g->pop[s->row].color, 1);
        cairo_stroke(g->cr);
    }
    s->row = row;
    double x = s->b.x + (double)(step - g->first) / (double)(g->last - g->first) * s->b.w;
    double y = s->b.y + (s->p->y[row] + s->p->band[row] * cell / g->pop[row].n) / scale;
    cairo_move_to(g->cr, x, y);
    cairo_line_to(g->cr, x, y + h);
}

static bool draw_strokes(Figure *g, Box b, const Paper *p, Fail *f)
{
    Strokes s = {g, b, p, -1};
    cairo_set_line_width(g->cr, p->mark_w / g->scale);
    bool ok = figure_spikes(g, stroke, &s, f);
    if (s.row >= 0) draw_color(g->cr, g->pop[s.row].color, 1);
    cairo_stroke(g->cr);
    return ok;
}

static void words(Figure *g, Box b, const Paper *p)
{
    double seconds = (g->to - g->from) / 1000, last = -1e9;
    draw_text(g->cr, b.x + b.w + 10, b.y - 6, FONT_SMALL, DRAW_LEFT, draw_pale, "rate");
    for (int k = 0; k < g->n_pops; k++) {
        char text[48], number[32];
        double h = p->band[k] / g->scale, y = b.y + p->y[k] / g->scale + h / 2 + 4.3;
        double size = h < 11 ? 9 : FONT;
        if (!p->mark_h[k] || y - last < size) continue;
        last = y;
        double rate = (double)p->spikes[k] / g->pop[k].n / seconds;
        draw_number(number, rate, rate < 9.95 ? 1 : 0);
        snprintf(text, sizeof text, "%s Hz", number);
        draw_text_in(g->cr, b.x - 10, y, size, DRAW_RIGHT | DRAW_BOLD, g->pop[k].ink, g->pop[k].name, 150);
        draw_text(g->cr, b.x + b.w + 10, y, size < FONT ? size : FONT_SMALL, DRAW_LEFT, draw_ink, text);
    }
}

static bool draw(Figure *g, const Panel *panel, Box b, Fail *f)
{
    const Bands *bands = panel->data;
    double natural = panel->height - (HEADING - 4), y = 0, scale = g->scale;
    b = (Box){b.x, b.y + HEADING - 4, b.w, b.h - (HEADING - 4)};
    int n = 0, seen = 0;
    uint64_t spikes = 0;
    for (int k = 0; k < g->n_pops; k++) n += bands->share[k] > 0;
    double gap = n > 1 ? BAND_GAP * fmin(1, b.h / natural) : 0;
    double stretch = (b.h - gap * (n - 1)) / (natural - BAND_GAP * (n - 1));
    Paper p = {.g = g, .w = (int)(b.w * scale), .h = (int)ceil(b.h * scale), .mark_w = (int)lround(1.3 * scale)};
    if (p.mark_w < 1) p.mark_w = 1;
    p.spikes = bands->spikes;
    p.y = arena_many(g->arena, double, (size_t)g->n_pops);
    p.band = arena_many(g->arena, double, (size_t)g->n_pops);
    p.mark_h = arena_many(g->arena, int, (size_t)g->n_pops);
    p.count = cx_alloc((size_t)p.w * (size_t)p.h + 1, sizeof *p.count, "raster");
    for (int k = 0; k < g->n_pops; k++) {
        if (!bands->share[k]) continue;
        double h = bands->share[k] * stretch, row = h / g->pop[k].n;
        p.y[k] = floor(y * scale);
        p.band[k] = floor(h * scale);
        double tall = fmax(row > 3 ? fmin(0.8 * row, 12) : row, 1.5);
        p.mark_h[k] = (int)fmax(1, lround(tall * scale));
        draw_color(g->cr, g->pop[k].color, 0.07);
        cairo_rectangle(g->cr, b.x, floor(b.y * scale) / scale + p.y[k] / scale, b.w, p.band[k] / scale);
        cairo_fill(g->cr);
        y += h + (++seen < n ? gap : 0);
    }
    memset(p.spikes, 0, (size_t)g->n_pops * sizeof *p.spikes);
    bool ok = figure_spikes(g, mark, &p, f);
    for (int k = 0; k < g->n_pops; k++) spikes += p.spikes[k];
    if (ok && g->vector && spikes <= STROKES) ok = draw_strokes(g, b, &p, f);
    else if (ok) paint_image(g, b, &p);
    if (ok) words(g, b, &p);
    cx_free(p.count);
    return ok;
}

const PlotKind plot_raster = {.name = "raster",
                              .doc = "which cell spiked when, a band for each population, with its mean rate",
                              .time = true,
                              .prepare = prepare,
                              .draw = draw};
