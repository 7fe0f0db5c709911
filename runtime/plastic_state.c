/* The columns of plastic synapses as state, a piece at a time, so that nobody needs room for all of one. */
#include "engine_internal.h"

typedef struct Piece { /* a column under way */
    StateVisit *visit;
    void *user;
    StatePart part;
    double value[ENGINE_BLOCK];
} Piece;

static void flush(Piece *p)
{
    if (p->part.n || !p->part.of) p->visit(p->user, &p->part);
    p->part.at += p->part.n;
    p->part.n = 0;
}

typedef struct Order { /* [thread] synapses in the order (source, target, multiplicity); NULL: as they are stored */
    uint32_t **at;
    uint64_t *n;
} Order;

static void add(void *user, const EdgeAt *x)
{
    Order *o = user;
    o->at[x->thread][o->n[x->thread]++] = (uint32_t)x->at;
}

static Order order_of(const Engine *e, int proj)
{
    const Group *g = &e->group[e->proj_group[proj]];
    Order o = {NULL, NULL};
    if (!g->delayed) return o;
    o.at = cx_alloc((size_t)e->n_threads, sizeof *o.at, "state");
    o.n = cx_alloc((size_t)e->n_threads, sizeof *o.n, "state");
    for (int t = 0; t < e->n_threads; t++) {
        if (g->share[t].n > UINT32_MAX) cx_bug("more than 2^32 plastic synapses on one thread");
        o.at[t] = cx_alloc(g->share[t].n, sizeof **o.at, "state");
    }
    engine_edges_visit(e, proj, add, &o);
    return o;
}

static void free_order(const Engine *e, Order o)
{
    for (int t = 0; o.at && t < e->n_threads; t++) cx_free(o.at[t]);
    cx_free(o.at);
    cx_free(o.n);
}

/* The part of one row that stands on one thread. */
static void push_row(Piece *p, const Group *g, const Share *s, const uint32_t *order, const KernelField *field, const double *from, uint32_t src)
{
    const uint16_t *t16 = s->tgt;
    const uint32_t *t32 = s->tgt;
    for (uint64_t at = s->row[src].at, end = s->row[src + 1].at, n; at < end; at += n) {
        n = end - at < ENGINE_BLOCK - p->part.n ? end - at : ENGINE_BLOCK - p->part.n;
        double *to = p->value + p->part.n;
        for (uint64_t j = 0; field->kind == FIELD_POST && j < n; j++) {
            uint64_t k = order ? order[at + j] : at + j;
            to[j] = from[g->wide ? t32[k] : t16[k]];
        }
        for (uint64_t j = 0; plastic_each(field) && j < n; j++) to[j] = from[order ? order[at + j] : at + j];
        for (uint64_t j = 0; field->kind != FIELD_POST && !plastic_each(field) && j < n; j++) to[j] = from[field->kind == FIELD_PRE ? src : 0];
        p->part.n += n;
        if (p->part.n == ENGINE_BLOCK) flush(p);
    }
}

/* Every own column of each projection with plastic synapses onto the population: one value a synapse, in the order
 * (source, target, multiplicity). */
void plastic_state(const Engine *e, int pop, StateVisit *visit, void *user)
{
    for (int q = 0; q < e->plan->n_projs; q++) {
        const PlanProj *p = &e->plan->proj[q];
        if (!p->synapse.name || p->tgt != pop) continue;
        const Group *g = &e->group[e->proj_group[q]];
        const Kernel *k = plastic_kernel(e, g);
        Order o = order_of(e, q);
        Piece *piece = cx_alloc(1, sizeof *piece, "state");
        for (int f = 0; f < k->n_fields; f++) {
            if (!plastic_own(&k->field[f])) continue;
            piece->visit = visit;
            piece->user = user;
            piece->part = (StatePart){k->field[f].name, piece->value, 0, 0, e->proj_synapses[q], sizeof(double)};
            for (uint32_t src = 0; src < g->n_rows; src++)
                for (int t = 0; t < e->n_threads; t++)
                    push_row(piece, g, &g->share[t], o.at ? o.at[t] : NULL, &k->field[f], g->share[t].col[f], src);
            flush(piece);
        }
        cx_free(piece);
        free_order(e, o);
    }
}
