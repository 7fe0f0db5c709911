/* Words, ticks and axes: light lines, few of them, numbers that can be read. */
#include "figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const Rgb draw_ink = {0.13, 0.13, 0.13}, draw_pale = {0.45, 0.45, 0.45}, draw_grid = {0.90, 0.90, 0.90};
/* Okabe & Ito's blue and vermillion, which all eyes tell apart. */
const Rgb draw_excitatory = {0.00, 0.45, 0.70}, draw_inhibitory = {0.84, 0.37, 0.00};

void draw_color(cairo_t *cr, Rgb c, double alpha)
{
    cairo_set_source_rgba(cr, c.r, c.g, c.b, alpha);
}

Rgb draw_mix(Rgb a, Rgb b, double s)
{
    return (Rgb){a.r + s * (b.r - a.r), a.g + s * (b.g - a.g), a.b + s * (b.b - a.b)};
}

double draw_luminance(Rgb c)
{
    return 0.30 * c.r + 0.59 * c.g + 0.11 * c.b;
}

/* No hinting: the same shapes and widths at every size and in every format. */
static void font(cairo_t *cr, double size, int how)
{
    cairo_font_options_t *o = cairo_font_options_create();
    cairo_font_options_set_hint_style(o, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(o, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(o, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(cr, o);
    cairo_font_options_destroy(o);
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           how & DRAW_BOLD ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

/* Cairo stops drawing for good at a text that is no UTF-8, and files may hold any bytes. */
static void utf8(char *out, size_t size, const char *text)
{
    size_t n = 0, left = strlen(text);
    while (left && n + 8 < size) {
        size_t m = source_char(text, left);
        bool good = m > 1 || ((unsigned char)*text >= ' ' && (unsigned char)*text < 0x7F);
        if (good) memcpy(out + n, text, m);
        else out[n] = '?';
        n += good ? m : 1;
        text += m, left -= m;
    }
    out[n] = '\0';
}

double draw_width(cairo_t *cr, const char *text, double size, int how)
{
    char clean[1024];
    cairo_text_extents_t e;
    utf8(clean, sizeof clean, text);
    font(cr, size, how);
    cairo_text_extents(cr, clean, &e);
    return e.x_advance;
}

void draw_text(cairo_t *cr, double x, double y, double size, int how, Rgb c, const char *text)
{
    char clean[1024];
    double w = draw_width(cr, text, size, how);
    utf8(clean, sizeof clean, text);
    draw_color(cr, c, 1);
    cairo_move_to(cr, how & DRAW_MIDDLE ? x - w / 2 : how & DRAW_RIGHT ? x - w : x, y);
    cairo_show_text(cr, clean);
    cairo_new_path(cr);
}

void draw_text_in(cairo_t *cr, double x, double y, double size, int how, Rgb c, const char *text,
                  double room)
{
    char cut[1024];
    utf8(cut, sizeof cut - 4, text);
    size_t n = strlen(cut);
    while (n && draw_width(cr, cut, size, how) > room) {
        do n--;
        while (n && ((unsigned char)cut[n] & 0xC0) == 0x80);
        memcpy(cut + n, "…", sizeof "…");
    }
    draw_text(cr, x, y, size, how, c, cut);
}

Box draw_heading(Figure *g, Box b, const char *name, const char *remark)
{
    double w = draw_width(g->cr, name, FONT, DRAW_BOLD);
    draw_text(g->cr, b.x, b.y + 12, FONT, DRAW_BOLD, draw_ink, name);
    if (remark)
        draw_text_in(g->cr, b.x + w + 10, b.y + 12, FONT_SMALL, DRAW_LEFT, draw_pale, remark,
                     b.w - w - 10);
    return (Box){b.x, b.y + HEADING, b.w, b.h - HEADING};
}

double draw_snap(const Figure *g, double v)
{
    return (floor(v * g->scale) + 0.5) / g->scale;
}

void draw_line(Figure *g, double x0, double y0, double x1, double y1, double width, Rgb c)
{
    if (x0 == x1) x0 = x1 = draw_snap(g, x0);
    if (y0 == y1) y0 = y1 = draw_snap(g, y0);
    draw_color(g->cr, c, 1);
    cairo_set_line_width(g->cr, width);
    cairo_move_to(g->cr, x0, y0);
    cairo_line_to(g->cr, x1, y1);
    cairo_stroke(g->cr);
}

void draw_dash(cairo_t *cr, double on, double off)
{
    cairo_set_dash(cr, (const double[]){on, off}, on > 0 ? 2 : 0, 0);
}

static double power_of_ten(int e)
{
    char text[16];
    snprintf(text, sizeof text, "1e%d", e);
    return strtod(text, NULL);
}

Ticks draw_ticks(double lo, double hi, int most)
{
    static const double round_number[] = {1, 2, 5, 10};
    double range = hi - lo;
    if (!(range > 0) || !isfinite(range) || most < 1) return (Ticks){.step = 1};
    int decade = -30;
    while (decade < 300 && range / power_of_ten(decade + 1) > most)
        decade++;
    double ten = power_of_ten(decade);
    for (int k = 0; k < 4; k++) {
        Ticks t = {.step = ten * round_number[k]};
        double first = ceil(lo / t.step - 1e-9), last = floor(hi / t.step + 1e-9);
        if (last - first + 1 > most || fabs(first) > 1e15) continue;
        t.first = (int64_t)first;
        t.n = (int)(last - first) + 1;
        int below = k == 3 ? decade + 1 : decade;
        t.decimals = below < 0 ? -below : 0;
        return t;
    }
    return (Ticks){.step = 1};
}

double draw_tick(const Ticks *t, int k)
{
    return (double)(t->first + k) * t->step;
}

void draw_number(char text[32], double v, int decimals)
{
    char plain[32];
    if (decimals > 6 || fabs(v) >= 1e6) snprintf(plain, sizeof plain, "%.3g", v);
    else snprintf(plain, sizeof plain, "%.*f", decimals, v);
    snprintf(text, 32, "%s%s", *plain == '-' ? "−" : "", plain + (*plain == '-'));
}

void draw_count(char text[32], double v)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%.0f", v < 1e15 ? v : 1e15), k = 0;
    for (int d = 0; d < n; d++) {
        if (d && (n - d) % 3 == 0) text[k++] = ',';
        text[k++] = digits[d];
    }
    text[k] = '\0';
}

void draw_y_axis(Figure *g, double x, double y0, double y1, double lo, double hi, int most,
                 double grid_to)
{
    Ticks t = draw_ticks(lo, hi, most);
    for (int k = 0; k < t.n; k++) {
        char text[32];
        double v = draw_tick(&t, k), y = y0 + (v - lo) / (hi - lo) * (y1 - y0);
        if (grid_to > x) draw_line(g, x, y, grid_to, y, 0.8, draw_grid);
        draw_line(g, x - 4, y, x, y, 0.8, draw_pale);
        draw_number(text, v, t.decimals);
        draw_text(g->cr, x - 7, y + 4, FONT_SMALL, DRAW_RIGHT, draw_ink, text);
    }
    draw_line(g, x, y0, x, y1, 0.8, draw_pale);
}

void draw_x_axis(Figure *g, double y, double x0, double x1, double lo, double hi, int most,
                 const char *name)
{
    Ticks t = draw_ticks(lo, hi, most);
    draw_line(g, x0, y, x1, y, 0.8, draw_pale);
    for (int k = 0; k < t.n; k++) {
        char text[32];
        double v = draw_tick(&t, k), x = x0 + (v - lo) / (hi - lo) * (x1 - x0);
        draw_line(g, x, y, x, y + 4, 0.8, draw_pale);
        draw_number(text, v, t.decimals);
        draw_text(g->cr, x, y + 16, FONT_SMALL, DRAW_MIDDLE, draw_ink, text);
    }
    if (name) draw_text(g->cr, (x0 + x1) / 2, y + 33, FONT, DRAW_MIDDLE, draw_ink, name);
}
