/* How the recorded weights of each projection are distributed; where there are several frames, the
 * first one as an outline behind the last. */
#include "figure.h"

#include <math.h>
#include <string.h>

enum { BINS = 40, MOST = 12, ROW = 170 };

typedef struct Set {
    int n;
    const OutputSyn *syn[MOST];
} Set;

static bool prepare(Figure *g, Panel *p, Fail *f)
{
    Set *s = p->data = arena_one(g->arena, Set);
    for (int k = 0; k < g->n_syns && s->n < MOST; k++)
        if (g->row_of[g->syn[k].src] >= 0 && g->row_of[g->syn[k].tgt] >= 0 && g->syn[k].synapses) s->syn[s->n++] = &g->syn[k];
    if (!s->n)
        return figure_lacks(g, f, "recorded weights", "name a projection (`connect … as ee`), write `record weight of ee at end` and run it again");
    int columns = s->n < 3 ? s->n : 3;
    p->height = HEADING + (s->n + columns - 1) / columns * ROW;
    return true;
}

typedef struct Histogram {
    double lo, hi;
    double count[2][BINS]; /* of the first frame, of the last */
} Histogram;

static bool count(Figure *g, const OutputSyn *x, Histogram *h, Fail *f)
{
    uint64_t n = x->synapses, last = x->frames ? x->frames - 1 : 0;
    double *v[2] = {cx_alloc(n, sizeof(double), "weights"), cx_alloc(n, sizeof(double), "weights")};
    bool ok = output_syn_read(g->file, x, 0, v[0], f) && output_syn_read(g->file, x, last, v[1], f);
    h->lo = INFINITY, h->hi = -INFINITY;
    for (int s = 0; ok && s < 2; s++)
        for (uint64_t k = 0; k < n; k++) {
            if (!(fabs(v[s][k]) < 1e300)) continue;
            h->lo = fmin(h->lo, v[s][k]);
            h->hi = fmax(h->hi, v[s][k]);
        }
    if (!(h->lo <= h->hi)) h->lo = 0, h->hi = 1;
    if (h->hi - h->lo < 1e-9 * fabs(h->hi) || h->hi == h->lo) {
        double half = h->hi ? fabs(h->hi) / 2 : 0.5;
        h->lo -= half, h->hi += half;
    }
    for (int s = 0; ok && s < 2; s++)
        for (uint64_t k = 0; k < n; k++) {
            if (!(fabs(v[s][k]) < 1e300)) continue;
            int at = (int)((v[s][k] - h->lo) / (h->hi - h->lo) * BINS);
            h->count[s][at < BINS ? at : BINS - 1]++;
        }
    cx_free(v[0]);
    cx_free(v[1]);
    return ok;
}

static void steps(Figure *g, Box b, const double *c, double most, bool fill)
{
    cairo_move_to(g->cr, b.x, b.y + b.h);
    for (int k = 0; k < BINS; k++) {
        double y = b.y + b.h - c[k] / most * b.h;
        cairo_line_to(g->cr, b.x + b.w * k / BINS, y);
        cairo_line_to(g->cr, b.x + b.w * (k + 1) / BINS, y);
    }
    cairo_line_to(g->cr, b.x + b.w, b.y + b.h);
    if (fill) cairo_fill(g->cr);
    else cairo_stroke(g->cr);
}

static bool draw(Figure *g, const Panel *p, Box b, Fail *f)
{
    const Set *s = p->data;
    bool before = false;
    for (int k = 0; k < s->n; k++) before = before || s->syn[k]->frames > 1;
    b = draw_heading(g, b, "weights", before ? "synapses at the last recording; line: at the first" : "number of synapses");
    int columns = s->n < 3 ? s->n : 3, rows = (s->n + columns - 1) / columns;
    double w = b.w / columns, h = b.h / rows;
    for (int k = 0; k < s->n; k++) {
        const OutputSyn *x = s->syn[k];
        Histogram t = {0};
        Box in = {b.x + k % columns * w + 48, b.y + k / columns * h + 22, w - 48 - 12, h - 22 - 44};
        char name[160];
        double most = 1;
        if (!count(g, x, &t, f)) return false;
        for (int c = 0; c < BINS; c++) most = fmax(most, fmax(t.count[1][c], x->frames > 1 ? t.count[0][c] : 0));
        most *= 1.05;
        draw_text_in(g->cr, in.x, in.y - 8, FONT_SMALL, DRAW_BOLD, draw_ink, x->projection, in.w);
        draw_y_axis(g, in.x - 3, in.y + in.h, in.y, 0, most, 4, in.x + in.w);
        draw_color(g->cr, g->pop[g->row_of[x->src]].color, 0.85);
        steps(g, in, t.count[1], most, true);
        if (x->frames > 1) {
            draw_color(g->cr, draw_ink, 1);
            cairo_set_line_width(g->cr, 1);
            steps(g, in, t.count[0], most, false);
        }
        snprintf(name, sizeof name, *x->unit ? "%.60s (%.30s)" : "%.60s", x->name, x->unit);
        draw_x_axis(g, in.y + in.h + 3, in.x, in.x + in.w, t.lo, t.hi, in.w > 180 ? 6 : 4, name);
    }
    return true;
}

const PlotKind plot_weights = {
    .name = "weights", .doc = "histograms of recorded synapses, one for each projection", .wide = true, .prepare = prepare, .draw = draw};
