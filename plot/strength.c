/* What one synapse between two populations weighs on average. */
#include "matrix.h"

#include <math.h>
#include <string.h>

static bool prepare(Figure *g, Panel *p, Fail *f)
{
    const Pair *pair = matrix_pairs(g, f);
    p->data = (void *)pair;
    p->height = pair ? matrix_height(g) : 0;
    return pair != NULL;
}

static bool draw(Figure *g, const Panel *p, Box b, Fail *f)
{
    const Pair *pair = p->data;
    size_t n = (size_t)g->n_pops * (size_t)g->n_pops;
    double *value = arena_many(g->arena, double, n);
    char(*text)[32] = arena_alloc(g->arena, n, sizeof *text), name[64] = "mean weight";
    const char *unit = NULL;
    bool one = true; /* unit for all pairs */
    (void)f;
    for (size_t k = 0; k < n; k++) {
        if (!pair[k].unit) continue;
        one = one && (!unit || !strcmp(unit, pair[k].unit));
        unit = pair[k].unit;
    }
    if (one && unit && *unit) snprintf(name, sizeof name, "mean weight (%.40s)", unit);
    for (size_t k = 0; k < n; k++) {
        char number[32];
        double v = value[k] = pair[k].weight, a = fabs(v);
        int decimals = a >= 100 || a == floor(a) ? 0 : a >= 10 ? 1 : a >= 0.1 ? 2 : 3;
        if (a < 100 && fabs(v * 10 - round(v * 10)) < 1e-9) decimals = a == floor(a) ? 0 : 1;
        draw_number(number, v, decimals);
        snprintf(text[k], sizeof text[k], one ? "%.20s" : "%.15s %.10s", number, pair[k].unit ? pair[k].unit : "");
    }
    b = draw_heading(g, b, name, "of one synapse");
    matrix_draw(g, b, pair, value, text);
    return true;
}

const PlotKind plot_strength = {
    .name = "strength", .doc = "matrix: mean weight of the synapses from the row to the column", .prepare = prepare, .draw = draw};
