/* Writes /cortexc/synapses: one group a projection, with the ends of its synapses and one array a variable. */
#include "output_synapses.h"

#include "output_meta.h"

#include <string.h>

typedef struct OutSynRec {
    char **path;     /* per variable */
    double *factor;
    uint64_t frames;
    int64_t first;   /* step of the first frame */
    double *row;     /* vec */
    double *time;    /* vec: of recordings at given times */
} OutSynRec;

struct OutSynapses {
    const Plan *plan;
    Arena *arena;
    OutSynRec *rec;
};

/* Slashes cannot stand in the name of an HDF5 object. */
static char *group_of(const OutSynapses *o, const PlanSynRec *r)
{
    char *name = arena_strdup(o->arena, r->name);
    for (char *c = name; *c; c++)
        if (*c == '/') *c = '|';
    return arena_printf(o->arena, "/cortexc/synapses/%s", name);
}

/* "weight", or "weight#2" when an earlier recorder of the projection has it. */
static char *path_of(const OutSynapses *o, int rec, int v)
{
    const PlanSynRec *r = &o->plan->syn_rec[rec];
    int before = 0;
    for (int k = 0; k <= rec; k++)
        for (int w = 0; o->plan->syn_rec[k].proj == r->proj && !o->plan->syn_rec[k].watched && w < (k == rec ? v : o->plan->syn_rec[k].n_vars); w++)
            before += !strcmp(o->plan->syn_rec[k].var[w].name, r->var[v].name);
    return before ? arena_printf(o->arena, "%s/%s#%d", group_of(o, r), r->var[v].name, before + 1)
                  : arena_printf(o->arena, "%s/%s", group_of(o, r), r->var[v].name);
}

OutSynapses *output_synapses_new(Arena *a, const Plan *p)
{
    OutSynapses *o = arena_one(a, OutSynapses);
    *o = (OutSynapses){p, a, arena_many(a, OutSynRec, (size_t)p->n_syn_recs + 1)};
    for (int k = 0; k < p->n_syn_recs; k++) {
        const PlanSynRec *r = &p->syn_rec[k];
        o->rec[k].path = arena_many(a, char *, (size_t)r->n_vars);
        o->rec[k].factor = arena_many(a, double, (size_t)r->n_vars);
        for (int v = 0; v < r->n_vars; v++) {
            o->rec[k].path[v] = path_of(o, k, v);
            o->rec[k].factor[v] = output_factor(r->var[v].unit);
        }
    }
    return o;
}

bool output_synapses_frame(OutSynapses *o, H5file *h, int rec, int64_t step, uint64_t n, const double *const *value)
{
    OutSynRec *out = &o->rec[rec];
    bool ok = true;
    if (!n) return true;
    vec_clear(out->row);
    vec_extend(out->row, n);
    if (!out->frames) out->first = step;
    if (o->plan->syn_rec[rec].when.kind == TIMES_AT) vec_push(out->time, decimal_time(step, o->plan->dt));
    for (int v = 0; ok && v < o->plan->syn_rec[rec].n_vars; v++) {
        if (!out->frames) ok = h5_growing(h, out->path[v], H5K_F64, n, n < H5_CHUNK ? H5_CHUNK / n : 1);
        output_scale(out->row, value[v], n, out->factor[v]);
        ok = ok && h5_append(h, out->path[v], H5K_F64, n, out->frames, 1, out->row);
    }
    out->frames++;
    return ok;
}

typedef struct Ends {
    uint64_t *src, *tgt;
    uint32_t *mult;
    size_t n;
} Ends;

static void keep(void *user, uint32_t src, uint32_t tgt, uint32_t mult)
{
    Ends *x = user;
    x->src[x->n] = src;
    x->tgt[x->n] = tgt;
    x->mult[x->n++] = mult;
}

static bool write_ends(const OutSynapses *o, H5file *h, const Engine *e, const PlanSynRec *r)
{
    const PlanProj *p = &o->plan->proj[r->proj];
    const PlanPop *tgt = &o->plan->pop[p->tgt];
    uint64_t n = engine_proj_synapses(e, r->proj);
    Ends x = {cx_alloc(n, sizeof *x.src, "synapses"), cx_alloc(n, sizeof *x.tgt, "synapses"), cx_alloc(n, sizeof *x.mult, "synapses"), 0};
    const char *group = group_of(o, r);
    engine_synapses(e, r->proj, keep, &x);
    bool ok = h5_array(h, arena_printf(o->arena, "%s/source", group), H5K_U64, n, H5_FLAT, x.src) &&
              h5_array(h, arena_printf(o->arena, "%s/target", group), H5K_U64, n, H5_FLAT, x.tgt) &&
              h5_array(h, arena_printf(o->arena, "%s/multiplicity", group), H5K_U32, n, H5_FLAT, x.mult) &&
              h5_attr_text(h, group, "source_population", o->plan->pop[p->src].name) &&
              h5_attr_text(h, group, "target_population", tgt->name) && h5_attr_text(h, group, "port", tgt->port[p->port].name) &&
              h5_attr_text(h, group, "synapse", p->synapse.name ? p->synapse.name : "static");
    cx_free(x.src);
    cx_free(x.tgt);
    cx_free(x.mult);
    return ok;
}

static bool write_last(const OutSynapses *o, H5file *h, const Engine *e, int rec)
{
    const PlanSynRec *r = &o->plan->syn_rec[rec];
    uint64_t n = engine_proj_synapses(e, r->proj);
    double *value = cx_alloc(n, sizeof *value, "synapses");
    bool ok = true;
    for (int v = 0; ok && v < r->n_vars; v++) {
        engine_synapse_values(e, rec, v, value);
        output_scale(value, value, n, o->rec[rec].factor[v]);
        ok = h5_array(h, o->rec[rec].path[v], H5K_F64, n, H5_FLAT, value) &&
             h5_attr_text(h, o->rec[rec].path[v], "units", r->var[v].unit);
    }
    cx_free(value);
    return ok;
}

/* The times of frames at given times, one list for all variables of a recorder. */
static bool write_times(const OutSynapses *o, H5file *h, int rec)
{
    const PlanSynRec *r = &o->plan->syn_rec[rec];
    const OutSynRec *out = &o->rec[rec];
    const char *times = NULL;
    bool ok = true;
    for (int v = 0; ok && out->frames && v < r->n_vars; v++) {
        const char *to = arena_printf(o->arena, "/cortexc/record_times/%s", out->path[v] + strlen("/cortexc/"));
        ok = (times ? h5_link(h, times, to) : h5_array(h, to, H5K_F64, vec_len(out->time), H5_FLAT, out->time) && h5_attr_text(h, to, "units", "ms")) &&
             h5_attr_text(h, out->path[v], "units", r->var[v].unit) && h5_attr_text(h, out->path[v], "times", to);
        if (!times) times = to;
    }
    return ok;
}

bool output_synapses_finish(OutSynapses *o, H5file *h, const Engine *e)
{
    bool ok = true;
    for (int k = 0; e && ok && k < o->plan->n_syn_recs; k++) {
        const PlanSynRec *r = &o->plan->syn_rec[k];
        bool first = true;
        if (r->watched) continue;
        for (int q = 0; q < k; q++) first = first && (o->plan->syn_rec[q].proj != r->proj || o->plan->syn_rec[q].watched);
        if (first) ok = write_ends(o, h, e, r);
        if (r->when.kind == TIMES_END) {
            ok = ok && write_last(o, h, e, k);
            continue;
        }
        if (r->when.kind == TIMES_AT) {
            ok = ok && write_times(o, h, k);
            continue;
        }
        double start = decimal_time(o->rec[k].first, o->plan->dt), dt = decimal_time(r->when.every, o->plan->dt);
        for (int v = 0; ok && o->rec[k].frames && v < r->n_vars; v++)
            ok = h5_attr_text(h, o->rec[k].path[v], "units", r->var[v].unit) &&
                 h5_attr(h, o->rec[k].path[v], "start", H5K_F64, 0, &start) && h5_attr(h, o->rec[k].path[v], "dt", H5K_F64, 0, &dt);
    }
    return ok;
}

void output_synapses_free(OutSynapses *o)
{
    for (int k = 0; o && k < o->plan->n_syn_recs; k++) {
        vec_free(o->rec[k].row);
        vec_free(o->rec[k].time);
    }
}
