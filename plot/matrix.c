#include "matrix.h"

#include <math.h>
#include <string.h>

const Pair *matrix_pairs(Figure *g, Fail *f)
{
    size_t n = (size_t)g->n_pops;
    if (!g->n_projs) {
        figure_lacks(g, f, "connections", "they are told by models with a `connect`, in files of this version");
        return NULL;
    }
    Pair *pair = arena_many(g->arena, Pair, n * n);
    double *most = arena_many(g->arena, double, n * n), *weighed = arena_many(g->arena, double, n * n);
    for (size_t k = 0; k < n * n; k++) pair[k].weight = NAN;
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < g->n_projs; k++) {
            const OutputProj *q = &g->proj[k];
            int src = g->row_of[q->src], tgt = g->row_of[q->tgt];
            if (src < 0 || tgt < 0 || !q->synapses) continue;
            size_t at = (size_t)src * n + (size_t)tgt;
            double count = (double)q->synapses;
            Pair *p = &pair[at];
            if (!pass) {
                p->synapses += count;
                p->indegree += count / g->pop[tgt].n;
                if (count > most[at]) most[at] = count, p->unit = q->unit, p->inhibitory = figure_inhibitory(q);
            } else if (!strcmp(q->unit, p->unit) && isfinite(q->weight_mean)) {
                if (!weighed[at]) p->weight = 0;
                p->weight = (p->weight * weighed[at] + q->weight_mean * count) / (weighed[at] + count);
                weighed[at] += count;
            }
        }
    return pair;
}

static double widest(Figure *g)
{
    double w = 0;
    for (int k = 0; k < g->n_pops; k++) w = fmax(w, draw_width(g->cr, g->pop[k].name, FONT_SMALL, DRAW_BOLD));
    return fmin(w, 110);
}

static double cell_size(Figure *g, double width)
{
    return fmin(54, (width - widest(g) - 30) / g->n_pops);
}

double matrix_height(Figure *g)
{
    double width = g->opt->width ? g->opt->width / 2.0 - 32 : 448, w = widest(g), cell = cell_size(g, width);
    return HEADING + 24 + (w + 8 > cell ? w + 10 : 20) + cell * g->n_pops;
}

static void column_name(Figure *g, const FigPop *p, double x, double y, double size, bool upright)
{
    cairo_save(g->cr);
    cairo_translate(g->cr, upright ? x + size * 0.36 : x, y);
    if (upright) cairo_rotate(g->cr, -M_PI / 2);
    draw_text_in(g->cr, 0, 0, size, DRAW_BOLD | (upright ? DRAW_LEFT : DRAW_MIDDLE), p->ink, p->name, 110);
    cairo_restore(g->cr);
}

void matrix_draw(Figure *g, Box b, const Pair *pair, const double *value, char (*text)[32])
{
    int n = g->n_pops;
    double w = widest(g), most = 0;
    double cell = fmin(cell_size(g, b.w), (b.h - 24 - 20) / n);
    bool upright = w + 8 > cell;
    double x = b.x + w + 26, y = b.y + 20 + (upright ? w + 10 : 20);
    cell = fmin(cell, (b.y + b.h - y) / n);
    for (int k = 0; k < n * n; k++)
        if (fabs(value[k]) > most) most = fabs(value[k]);
    draw_text(g->cr, x + cell * n / 2, b.y + 10, FONT_SMALL, DRAW_MIDDLE, draw_pale, "to");
    cairo_save(g->cr);
    cairo_translate(g->cr, b.x + 10, y + cell * n / 2);
    cairo_rotate(g->cr, -M_PI / 2);
    draw_text(g->cr, 0, 0, FONT_SMALL, DRAW_MIDDLE, draw_pale, "from");
    cairo_restore(g->cr);
    double letter = fmax(7.5, fmin(FONT_SMALL, cell * 0.9));
    int every = (int)ceil(letter / fmax(cell, 0.1)); /* names that would lie over each other are left out */
    for (int k = 0; k < n; k += every) {
        column_name(g, &g->pop[k], x + (k + 0.5) * cell, y - 7, letter, upright);
        draw_text_in(g->cr, x - 8, y + (k + 0.5) * cell + letter * 0.36, letter, DRAW_BOLD | DRAW_RIGHT, g->pop[k].ink, g->pop[k].name, 110);
    }
    for (int k = 0; k < n * n; k++) {
        double cx = x + k % n * cell, cy = y + k / n * cell, v = fabs(value[k]);
        bool there = isfinite(v) && pair[k].synapses > 0;
        Rgb full = pair[k].inhibitory ? draw_inhibitory : draw_excitatory, white = {1, 1, 1};
        Rgb c = there ? draw_mix((Rgb){0.97, 0.97, 0.97}, full, most > 0 ? 0.08 + 0.92 * v / most : 0) : (Rgb){0.97, 0.97, 0.97};
        draw_color(g->cr, c, 1);
        cairo_rectangle(g->cr, cx + 0.75, cy + 0.75, cell - 1.5, cell - 1.5);
        cairo_fill(g->cr);
        double size = fmin(FONT_SMALL, cell * 0.42);
        while (size > 6 && there && draw_width(g->cr, text[k], size, 0) > cell - 5) size -= 0.5;
        if (there && size > 6) draw_text(g->cr, cx + cell / 2, cy + cell / 2 + size * 0.36, size, DRAW_MIDDLE, draw_luminance(c) < 0.56 ? white : draw_ink, text[k]);
    }
}
