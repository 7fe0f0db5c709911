/* How many synapses a cell of each population has from each other population. */
#include "matrix.h"

#include <math.h>

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
    char(*text)[32] = arena_alloc(g->arena, n, sizeof *text);
    (void)f;
    for (size_t k = 0; k < n; k++) {
        value[k] = pair[k].synapses > 0 ? pair[k].indegree : NAN;
        if (pair[k].indegree < 1000) draw_number(text[k], pair[k].indegree, pair[k].indegree < 9.95 ? 1 : 0);
        else draw_count(text[k], pair[k].indegree);
    }
    b = draw_heading(g, b, "mean in-degree", "synapses per target cell");
    matrix_draw(g, b, pair, value, text);
    return true;
}

const PlotKind plot_indegree = {
    .name = "indegree", .doc = "matrix: synapses that a cell of the column receives from the row", .prepare = prepare, .draw = draw};
