/* The rate of each population over time: its spikes smoothed with a Gaussian, whose width is told. */
#include "figure.h"

#include "cxmath.h"

#include <math.h>

enum { SIDE = 16 }; /* bins on either side of the kernel: four standard deviations */

static bool prepare(Figure *g, Panel *p, Fail *f)
{
    bool any = false;
    for (int k = 0; k < g->n_pops; k++) {
        if (!g->plan->pop[g->pop[k].plan].record_spikes) continue;
        double w = draw_width(g->cr, g->pop[k].name, FONT_SMALL, DRAW_BOLD) + 16;
        any = true;
        if (!g->with_raster && w > p->right) p->right = w < 150 ? w : 150;
    }
    if (!any) return figure_lacks(g, f, "recorded spikes", "write `record spikes of POPULATION` in the model and run it again");
    p->height = 120 + HEADING;
    return true;
}

typedef struct Counts {
    int64_t first, bin;
    int n;
    double *count; /* [row][bin] */
} Counts;

static void take(void *user, int row, int64_t step, uint32_t cell)
{
    Counts *c = user;
    (void)cell;
    int64_t at = (step - 1 - c->first) / c->bin;
    if (at < c->n) c->count[(int64_t)row * c->n + at]++;
}

/* A round width of about 1/150 of the window, in whole steps: the kernel's standard deviation. */
static double round_width(double ms, double dt)
{
    static const double steps[] = {1, 2, 3, 5};
    double ten = 1e-6, best = ten;
    for (int k = 0; k < 80; k++) {
        double w = ten * steps[k % 4];
        if (w <= ms) best = w;
        if (k % 4 == 3) ten *= 10;
    }
    return best > 4 * dt ? best : 4 * dt;
}

/* Spikes in a bin to a smooth rate; what lies outside of the window counts neither as spikes nor as time. */
static void smooth(const double *count, double *rate, int n, const double *kernel, double to_hz)
{
    for (int k = 0; k < n; k++) {
        double sum = 0, mass = 0;
        for (int d = -SIDE; d <= SIDE; d++) {
            if (k + d < 0 || k + d >= n) continue;
            sum += kernel[d + SIDE] * count[k + d];
            mass += kernel[d + SIDE];
        }
        rate[k] = sum / mass * to_hz;
    }
}

static void names(Figure *g, Box b)
{
    double y = b.y + 10;
    int left = 0;
    for (int k = 0; k < g->n_pops; k++) left += g->plan->pop[g->pop[k].plan].record_spikes;
    for (int k = 0; k < g->n_pops; k++) {
        if (!g->plan->pop[g->pop[k].plan].record_spikes) continue;
        if (left-- > 1 && y + 15 > b.y + b.h) {
            draw_text(g->cr, b.x + b.w + 10, y, FONT_SMALL, DRAW_LEFT, draw_pale,
                      arena_printf(g->arena, "%d more", left + 1));
            return;
        }
        draw_text_in(g->cr, b.x + b.w + 10, y, FONT_SMALL, DRAW_BOLD, g->pop[k].ink, g->pop[k].name, 136);
        y += 15;
    }
}

static bool draw(Figure *g, const Panel *p, Box b, Fail *f)
{
    double dt = g->plan->dt, sd = round_width((g->to - g->from) / 150, dt);
    Counts c = {.first = g->first, .bin = (int64_t)floor(sd / 4 / dt + 0.5)};
    if (c.bin < 1) c.bin = 1;
    double bin = (double)c.bin * dt, top = 0, kernel[2 * SIDE + 1];
    sd = 4 * bin;
    (void)p;
    c.n = (int)((g->last - g->first + c.bin - 1) / c.bin);
    c.count = cx_alloc((size_t)c.n * (size_t)g->n_pops, sizeof *c.count, "rates");
    double *rate = cx_alloc((size_t)c.n * (size_t)g->n_pops, sizeof *rate, "rates");
    bool ok = figure_spikes(g, take, &c, f);
    for (int d = -SIDE; d <= SIDE; d++)
        kernel[d + SIDE] = cx_exp(-0.5 * (d / 4.0) * (d / 4.0));
    for (int k = 0; k < g->n_pops; k++) {
        double *r = rate + (int64_t)k * c.n;
        smooth(c.count + (int64_t)k * c.n, r, c.n, kernel, 1000 / bin / g->pop[k].n);
        for (int j = 0; j < c.n; j++) top = r[j] > top ? r[j] : top;
    }
    char remark[96], number[32];
    draw_number(number, sd, sd < 1 ? 1 : 0);
    snprintf(remark, sizeof remark, "smoothed with a Gaussian of %s ms", number);
    b = draw_heading(g, b, "rate (Hz)", remark);
    top = top > 0 ? top * 1.05 : 1;
    figure_time_grid(g, b);
    draw_y_axis(g, b.x, b.y + b.h, b.y, 0, top, 5, b.x + b.w);
    cairo_set_line_width(g->cr, g->n_pops > 10 ? 1.1 : 1.6);
    cairo_set_line_join(g->cr, CAIRO_LINE_JOIN_ROUND);
    for (int k = 0; ok && k < g->n_pops; k++) {
        if (!g->plan->pop[g->pop[k].plan].record_spikes) continue;
        for (int j = 0; j < c.n; j++) {
            double x = figure_x(g, b, g->from + (j + 0.5) * bin), y = b.y + b.h - rate[(int64_t)k * c.n + j] / top * b.h;
            if (x <= b.x + b.w) cairo_line_to(g->cr, x, y);
        }
        draw_color(g->cr, g->pop[k].color, 1);
        cairo_stroke(g->cr);
    }
    if (!g->with_raster) names(g, b);
    cx_free(c.count);
    cx_free(rate);
    return ok;
}

const PlotKind plot_rates = {
    .name = "rates", .doc = "spikes a second and cell, for each population", .time = true, .prepare = prepare, .draw = draw};
