/* Populations as discs on a ring, arrows between them: as wide as the synapses of a target cell
 * together are strong. Arrow heads excite, round heads inhibit. */
#include "matrix.h"

#include "cxmath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool prepare(Figure *g, Panel *p, Fail *f)
{
    const Pair *pair = matrix_pairs(g, f);
    p->data = (void *)pair;
    p->height = 440;
    return pair != NULL;
}

typedef struct Disc {
    double x, y, r, ux, uy; /* u: away from the middle */
} Disc;

typedef struct Arrow {
    int from, to;
    double strength;
    bool inhibitory;
} Arrow;

static int weaker(const void *a, const void *b)
{
    const Arrow *x = a, *y = b;
    if (x->strength != y->strength) return x->strength < y->strength ? -1 : 1;
    return x->from != y->from ? x->from - y->from : x->to - y->to;
}

/* Synapses of a target cell times their weight where all weights have one unit, else the number alone. */
static Arrow *arrows(Figure *g, const Pair *pair, int *n, bool *weighed)
{
    size_t all = (size_t)g->n_pops * (size_t)g->n_pops;
    Arrow *a = arena_many(g->arena, Arrow, all + 1);
    const char *unit = NULL;
    *n = 0;
    *weighed = true;
    for (size_t k = 0; k < all; k++) {
        if (pair[k].synapses <= 0) continue;
        *weighed = *weighed && isfinite(pair[k].weight) && (!unit || !strcmp(unit, pair[k].unit));
        unit = pair[k].unit;
    }
    for (size_t k = 0; k < all; k++) {
        const Pair *p = &pair[k];
        if (p->synapses <= 0) continue;
        double s = p->indegree * (*weighed ? fabs(p->weight) : 1);
        a[(*n)++] = (Arrow){(int)k / g->n_pops, (int)k % g->n_pops, s, p->inhibitory};
    }
    qsort(a, (size_t)*n, sizeof *a, weaker);
    return a;
}

static void head(cairo_t *cr, double x, double y, double ux, double uy, double size, bool inhibitory)
{
    if (inhibitory) {
        cairo_arc(cr, x - ux * size * 0.5, y - uy * size * 0.5, size * 0.5, 0, 2 * M_PI);
    } else {
        cairo_move_to(cr, x, y);
        cairo_line_to(cr, x - ux * size - uy * size * 0.5, y - uy * size + ux * size * 0.5);
        cairo_line_to(cr, x - ux * size + uy * size * 0.5, y - uy * size - ux * size * 0.5);
        cairo_close_path(cr);
    }
    cairo_fill(cr);
}

/* From disc to disc, bent to its right, so that there and back lie apart. */
static void bend(Figure *g, const Disc *a, const Disc *b, double width, bool inhibitory)
{
    double dx = b->x - a->x, dy = b->y - a->y, d = sqrt(dx * dx + dy * dy), size = 5 + 1.7 * width;
    double mx = (a->x + b->x) / 2 - dy * 0.16, my = (a->y + b->y) / 2 + dx * 0.16;
    double ax = mx - a->x, ay = my - a->y, bx = mx - b->x, by = my - b->y, la = sqrt(ax * ax + ay * ay), lb = sqrt(bx * bx + by * by);
    if (!(d > 0)) return;
    double x0 = a->x + ax / la * (a->r + 1), y0 = a->y + ay / la * (a->r + 1);
    double x1 = b->x + bx / lb * (b->r + 2), y1 = b->y + by / lb * (b->r + 2);
    double ex = x1 + bx / lb * size * 0.8, ey = y1 + by / lb * size * 0.8; /* the stroke ends inside of its head */
    cairo_move_to(g->cr, x0, y0);
    cairo_curve_to(g->cr, x0 + (mx - x0) * 0.667, y0 + (my - y0) * 0.667, ex + (mx - ex) * 0.667, ey + (my - ey) * 0.667, ex, ey);
    cairo_set_line_width(g->cr, width);
    cairo_stroke(g->cr);
    head(g->cr, x1, y1, -bx / lb, -by / lb, size, inhibitory);
}

static void loop(Figure *g, const Disc *a, double width, bool inhibitory)
{
    double r = a->r * 0.62, x = a->x + a->ux * (a->r + r * 0.55), y = a->y + a->uy * (a->r + r * 0.55), size = 5 + 1.7 * width;
    double far = a->r + r * 0.55, toward = cx_atan2(-a->uy, -a->ux);
    double open = cx_acos((far * far + r * r - (a->r + 2) * (a->r + 2)) / (2 * far * r)), end = toward - open;
    cairo_arc(g->cr, x, y, r, toward + open, end + 2 * M_PI - 0.8 * size / r);
    cairo_set_line_width(g->cr, width);
    cairo_stroke(g->cr);
    double c = cx_cos(end), s = cx_sin(end);
    double turn = 0.45 * size / r; /* the head follows the circle: it points along the chord */
    head(g->cr, x + r * c, y + r * s, -s * cx_cos(turn) - c * cx_sin(turn), c * cx_cos(turn) - s * cx_sin(turn), size, inhibitory);
}

static void legend(Figure *g, Box b, bool weighed)
{
    double y = b.y + b.h - 10, x = b.x;
    static const char *const word[] = {"excitatory", "inhibitory"};
    for (int k = 0; k < 2; k++) {
        draw_color(g->cr, k ? draw_inhibitory : draw_excitatory, 0.85);
        cairo_set_line_width(g->cr, 2.5);
        cairo_move_to(g->cr, x, y - 4);
        cairo_line_to(g->cr, x + 20, y - 4);
        cairo_stroke(g->cr);
        head(g->cr, x + 28, y - 4, 1, 0, 9, k);
        draw_text(g->cr, x + 34, y, FONT_SMALL, 0, draw_ink, word[k]);
        x += 34 + draw_width(g->cr, word[k], FONT_SMALL, 0) + 20;
    }
    (void)weighed;
}

static bool draw(Figure *g, const Panel *p, Box b, Fail *f)
{
    bool weighed;
    int n, most = 0;
    Arrow *a = arrows(g, p->data, &n, &weighed);
    Disc *disc = arena_many(g->arena, Disc, (size_t)g->n_pops);
    (void)f;
    b = draw_heading(g, b, "network", weighed ? "width: synapses per target cell × mean weight" : "width: synapses per target cell");
    for (int k = 0; k < g->n_pops; k++) most = (int)g->pop[k].n > most ? (int)g->pop[k].n : most;
    double many = fmin(1, 10.0 / g->n_pops); /* thinner and paler, lest arrows hide each other */
    double large = fmin(27, 190.0 / g->n_pops + 6), x = b.x + b.w / 2, y = b.y + (b.h - 26) / 2;
    double beside = 0;
    for (int k = 0; k < g->n_pops; k++) { /* names that do not fit into the largest disc stand outside */
        double w = draw_width(g->cr, g->pop[k].name, 7, DRAW_BOLD);
        if (w > 2 * large + 2) beside = fmax(beside, fmin(100, w * 8 / 7));
    }
    double ry = (b.h - 26) / 2 - 2.1 * large - 4, rx = fmin(b.w / 2 - 2.3 * large - 4 - beside, 1.35 * ry);
    if (g->n_pops == 1) rx = ry = 0;
    for (int k = 0; k < g->n_pops; k++) {
        double angle = 2 * M_PI * k / g->n_pops - M_PI / 2;
        if (g->n_pops == 2) angle = M_PI * (1 - k);
        double c = cx_cos(angle), s = cx_sin(angle), share = sqrt((double)g->pop[k].n / most);
        disc[k] = (Disc){x + rx * c, y + ry * s, large * (0.62 + 0.38 * share), c, s};
    }
    for (int k = 0; k < n; k++) {
        double share = a[n - 1].strength > 0 ? a[k].strength / a[n - 1].strength : 1, width = fmax(0.3, many * (0.7 + 4.8 * sqrt(share)));
        draw_color(g->cr, a[k].inhibitory ? draw_inhibitory : draw_excitatory, many * many * (share < 0.02 ? 0.4 : 0.8));
        if (a[k].from == a[k].to) loop(g, &disc[a[k].to], width, a[k].inhibitory);
        else bend(g, &disc[a[k].from], &disc[a[k].to], width, a[k].inhibitory);
    }
    for (int k = 0; k < g->n_pops; k++) {
        const Disc *d = &disc[k];
        Rgb c = g->pop[k].color;
        cairo_arc(g->cr, d->x, d->y, d->r, 0, 2 * M_PI);
        draw_color(g->cr, c, 1);
        cairo_fill_preserve(g->cr);
        draw_color(g->cr, (Rgb){1, 1, 1}, 1);
        cairo_set_line_width(g->cr, 1.5);
        cairo_stroke(g->cr);
        double size = FONT;
        while (size > 7 && draw_width(g->cr, g->pop[k].name, size, DRAW_BOLD) > 2 * d->r - 4) size -= 0.5;
        if (draw_width(g->cr, g->pop[k].name, size, DRAW_BOLD) > 2 * d->r + 2) { /* beside it, then */
            int how = d->ux > 0.3 ? DRAW_LEFT : d->ux < -0.3 ? DRAW_RIGHT : DRAW_MIDDLE;
            draw_text_in(g->cr, d->x + d->ux * 2.2 * d->r, d->y + d->uy * 2.4 * d->r + 3, 8, how | DRAW_BOLD, g->pop[k].ink, g->pop[k].name, 100);
            continue;
        }
        draw_text_in(g->cr, d->x, d->y + size * 0.36, size, DRAW_MIDDLE | DRAW_BOLD,
                     draw_luminance(c) < 0.5 ? (Rgb){1, 1, 1} : draw_ink, g->pop[k].name, 2 * d->r + 2);
    }
    legend(g, b, weighed);
    return true;
}

const PlotKind plot_network = {
    .name = "network", .doc = "populations as discs, the connections between them as arrows", .prepare = prepare, .draw = draw};
