/* Writes /edges/SRC__DST__NAME: one population of edges a projection, in the order (source, target, multiplicity), with the
 * index of both ends that SONATA's readers ask for. */
#include "output_edges.h"

#include "output_meta.h"

#include <string.h>

typedef struct Writing {
    H5file *h;
    bool ok;
    const char *source, *target, *weight, *delay; /* paths; weight NULL: there is none */
    uint64_t written, n;
    uint64_t *src, *tgt;   /* one chunk */
    double *w, *d;
    double dt, factor;
    const double *values;  /* weights of synapses that change, of all; NULL */
    /* index: edges of a source stand side by side; those of a target are gathered */
    uint64_t *of_source, *of_target; /* [neuron]: numbers of edges */
    uint64_t *range;                 /* [2 * edge], by target */
    uint64_t *next;                  /* [target]: where its next one goes */
} Writing;

static bool flush(Writing *x)
{
    x->ok = x->ok && (!x->n || (h5_append(x->h, x->source, H5K_U64, H5_FLAT, x->written, x->n, x->src) &&
                                h5_append(x->h, x->target, H5K_U64, H5_FLAT, x->written, x->n, x->tgt) &&
                                h5_append(x->h, x->delay, H5K_F64, H5_FLAT, x->written, x->n, x->d) &&
                                (!x->weight || h5_append(x->h, x->weight, H5K_F64, H5_FLAT, x->written, x->n, x->w))));
    x->written += x->n;
    x->n = 0;
    return x->ok;
}

static void write_edge(void *user, uint32_t src, uint32_t tgt, double weight, int64_t delay)
{
    Writing *x = user;
    uint64_t at = x->written + x->n;
    x->src[x->n] = src;
    x->tgt[x->n] = tgt;
    output_scale(x->w + x->n, x->values ? x->values + at : &weight, 1, x->factor);
    x->d[x->n] = decimal_time(delay, x->dt);
    x->of_source[src]++;
    x->of_target[tgt]++;
    if (++x->n == H5_CHUNK) (void)flush(x);
}

static void index_edge(void *user, uint32_t src, uint32_t tgt, double weight, int64_t delay)
{
    Writing *x = user;
    (void)src, (void)weight, (void)delay;
    uint64_t at = x->next[tgt]++;
    x->range[2 * at] = x->n;
    x->range[2 * at + 1] = ++x->n;
}

/* Ranges of rows of range_to_edge_id for each of n neurons with `count` rows. */
static uint64_t *running(const uint64_t *count, uint64_t n, bool one_each)
{
    uint64_t *to = cx_alloc(2 * n + 1, sizeof *to, "edges"), row = 0;
    for (uint64_t k = 0; k < n; k++) {
        uint64_t rows = one_each ? count[k] > 0 : count[k];
        to[2 * k] = row;
        to[2 * k + 1] = row += rows;
    }
    return to;
}

static bool write_index(Arena *a, H5file *h, const char *group, const char *side, uint64_t n, const uint64_t *nodes, uint64_t rows, const uint64_t *ranges)
{
    const char *at = arena_printf(a, "%s/indices/%s", group, side);
    const char *node = arena_printf(a, "%s/node_id_to_ranges", at);
    return h5_array(h, node, H5K_U64, n, 2, nodes) && h5_link(h, node, arena_printf(a, "%s/node_id_to_range", at)) &&
           h5_array(h, arena_printf(a, "%s/range_to_edge_id", at), H5K_U64, rows, 2, ranges);
}

static bool write_indices(Arena *a, H5file *h, const char *group, const Engine *e, int proj, Writing *x, uint64_t n_src, uint64_t n_tgt)
{
    uint64_t edges = x->written, sources = 0, at = 0;
    uint64_t *by_source = running(x->of_source, n_src, true), *by_target = running(x->of_target, n_tgt, false);
    for (uint64_t k = 0; k < n_src; k++) sources += x->of_source[k] > 0;
    uint64_t *rows = cx_alloc(2 * sources + 1, sizeof *rows, "edges");
    for (uint64_t k = 0, row = 0; k < n_src; k++) {
        if (!x->of_source[k]) continue;
        rows[2 * row] = at;
        rows[2 * row++ + 1] = at += x->of_source[k];
    }
    x->range = cx_alloc(2 * edges + 1, sizeof *x->range, "edges");
    x->next = x->of_target;
    for (uint64_t k = 0; k < n_tgt; k++) x->next[k] = by_target[2 * k];
    x->n = 0;
    engine_edges(e, proj, index_edge, x);
    bool ok = write_index(a, h, group, "source_to_target", n_src, by_source, sources, rows) &&
              write_index(a, h, group, "target_to_source", n_tgt, by_target, edges, x->range);
    cx_free(by_source);
    cx_free(by_target);
    cx_free(rows);
    cx_free(x->range);
    return ok;
}

static bool write_projection(Arena *a, H5file *h, const Plan *p, const Engine *e, int rec, int number)
{
    const PlanSynRec *r = &p->syn_rec[rec];
    const PlanProj *proj = &p->proj[r->proj];
    const PlanPop *src = &p->pop[proj->src], *tgt = &p->pop[proj->tgt];
    bool named = !strstr(r->name, "->"); /* else it is called by its ends already */
    char *group = arena_printf(a, "/edges/%s__%s__%s", src->name, tgt->name, named ? r->name : tgt->port[proj->port].name);
    if (number) group = arena_printf(a, "%s#%d", group, number + 1);
    uint64_t n = engine_proj_synapses(e, r->proj);
    double *values = NULL;
    if (r->n_vars && proj->synapse.name) {
        values = cx_alloc(n, sizeof *values, "edges");
        engine_synapse_values(e, rec, 0, values);
    }
#define UNDER(leaf) arena_printf(a, "%s/" leaf, group)
    Writing x = {.h = h, .ok = true, .source = UNDER("source_node_id"), .target = UNDER("target_node_id"), .delay = UNDER("0/delay"),
                 .weight = r->n_vars ? UNDER("0/syn_weight") : NULL, .values = values, .dt = p->dt, .factor = r->n_vars ? output_factor(r->var[0].unit) : 1};
    uint64_t chunk = n < H5_CHUNK ? n : H5_CHUNK;
    x.src = cx_alloc(chunk + 1, sizeof *x.src, "edges"), x.tgt = cx_alloc(chunk + 1, sizeof *x.tgt, "edges");
    x.w = cx_alloc(chunk + 1, sizeof *x.w, "edges"), x.d = cx_alloc(chunk + 1, sizeof *x.d, "edges");
    x.of_source = cx_alloc(src->n, sizeof *x.of_source, "edges"), x.of_target = cx_alloc(tgt->n, sizeof *x.of_target, "edges");
    x.ok = h5_growing(h, x.source, H5K_U64, H5_FLAT, chunk) && h5_growing(h, x.target, H5K_U64, H5_FLAT, chunk) &&
           h5_growing(h, x.delay, H5K_F64, H5_FLAT, chunk) && (!x.weight || h5_growing(h, x.weight, H5K_F64, H5_FLAT, chunk));
    if (x.ok) engine_edges(e, r->proj, write_edge, &x);
    const int64_t type = r->proj;
    const uint32_t edge_group = 0;
    bool ok = flush(&x) && h5_attr_text(h, x.source, "node_population", src->name) && h5_attr_text(h, x.target, "node_population", tgt->name) &&
              h5_attr_text(h, x.delay, "units", "ms") && (!x.weight || h5_attr_text(h, x.weight, "units", r->var[0].unit)) &&
              h5_attr_text(h, group, "projection", r->name) && h5_attr_text(h, group, "port", tgt->port[proj->port].name) &&
              h5_constant(h, UNDER("edge_type_id"), H5K_I64, n, &type) && h5_constant(h, UNDER("edge_group_id"), H5K_U32, n, &edge_group) &&
              output_count_up(h, UNDER("edge_group_index"), n) && write_indices(a, h, group, e, r->proj, &x, src->n, tgt->n);
#undef UNDER
    cx_free(x.src), cx_free(x.tgt), cx_free(x.w), cx_free(x.d);
    cx_free(x.of_source), cx_free(x.of_target);
    cx_free(values);
    return ok;
}

bool output_edges(Arena *a, H5file *h, const Plan *p, const Engine *e)
{
    bool ok = true;
    for (int k = 0; e && ok && k < p->n_syn_recs; k++) {
        const PlanSynRec *r = &p->syn_rec[k];
        int same = 0; /* further connections between the same ends at the same port have the same name */
        if (!r->connectivity) continue;
        for (int q = 0; q < k; q++) {
            const PlanProj *x = &p->proj[p->syn_rec[q].proj], *y = &p->proj[r->proj];
            same += p->syn_rec[q].connectivity && strstr(r->name, "->") && strstr(p->syn_rec[q].name, "->") && x->src == y->src && x->tgt == y->tgt && x->port == y->port;
        }
        ok = write_projection(a, h, p, e, k, same);
    }
    return ok;
}
