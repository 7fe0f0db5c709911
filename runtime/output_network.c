/* Writes /cortexc/network: numbers of the whole network that are recorded, one array each. */
#include "output_network.h"

#include "output_meta.h"

#include <string.h>

typedef struct OutNet { /* one recorded number */
    char *path;
    double factor;
    double *value;   /* vec: not yet written */
    double *time;    /* vec, in ms: of frames at given times */
    uint64_t frames; /* written */
    int64_t first;   /* step of the first frame */
    bool any;
} OutNet;

struct OutNetwork {
    const Plan *plan;
    Arena *arena;
    OutNet *net; /* [recorder] */
};

/* "shown", or "shown#2" when an earlier recorder has it; slashes cannot stand in the name of an HDF5 object. */
static char *path_of(const OutNetwork *o, int rec)
{
    const PlanNetRec *r = o->plan->net_rec;
    int before = 0;
    for (int k = 0; k < rec; k++) before += r[k].net == r[rec].net;
    char *name = arena_strdup(o->arena, o->plan->net[r[rec].net].name);
    for (char *c = name; *c; c++)
        if (*c == '/') *c = '|';
    return before ? arena_printf(o->arena, "/cortexc/network/%s#%d", name, before + 1) : arena_printf(o->arena, "/cortexc/network/%s", name);
}

OutNetwork *output_network_new(Arena *a, const Plan *p)
{
    OutNetwork *o = arena_one(a, OutNetwork);
    *o = (OutNetwork){p, a, arena_many(a, OutNet, (size_t)p->n_net_recs + 1)};
    for (int k = 0; k < p->n_net_recs; k++) {
        o->net[k].path = path_of(o, k);
        o->net[k].factor = output_factor(p->net[p->net_rec[k].net].unit);
    }
    return o;
}

static bool write_values(OutNet *n, H5file *h)
{
    size_t count = vec_len(n->value);
    if (!count) return true;
    bool ok = n->frames || h5_growing(h, n->path, H5K_F64, H5_FLAT, count < H5_CHUNK ? count : H5_CHUNK);
    ok = ok && h5_append(h, n->path, H5K_F64, H5_FLAT, n->frames, count, n->value);
    n->frames += count;
    vec_clear(n->value);
    return ok;
}

bool output_network_frame(OutNetwork *o, H5file *h, int rec, int64_t step, double value)
{
    OutNet *n = &o->net[rec];
    double scaled;
    if (!n->any) n->first = step;
    n->any = true;
    output_scale(&scaled, &value, 1, n->factor);
    vec_push(n->value, scaled);
    if (o->plan->net_rec[rec].when.kind == TIMES_AT) vec_push(n->time, decimal_time(step, o->plan->dt));
    return vec_len(n->value) < H5_CHUNK || write_values(n, h);
}

/* What tells a reader when the frames were taken. */
static bool write_when(const OutNetwork *o, H5file *h, int rec)
{
    const OutNet *n = &o->net[rec];
    const PlanLook *w = &o->plan->net_rec[rec].when;
    if (w->kind == TIMES_AT) {
        const char *to = arena_printf(o->arena, "/cortexc/record_times/%s", n->path + strlen("/cortexc/"));
        return h5_array(h, to, H5K_F64, vec_len(n->time), H5_FLAT, n->time) && h5_attr_text(h, to, "units", "ms") &&
               h5_attr_text(h, n->path, "times", to);
    }
    double start = decimal_time(n->first, o->plan->dt), dt = decimal_time(w->every, o->plan->dt);
    return h5_attr(h, n->path, "start", H5K_F64, 0, &start) && (w->kind == TIMES_END || h5_attr(h, n->path, "dt", H5K_F64, 0, &dt));
}

bool output_network_finish(OutNetwork *o, H5file *h, const Engine *e)
{
    bool ok = true;
    for (int k = 0; ok && k < o->plan->n_net_recs; k++) {
        const PlanNetRec *r = &o->plan->net_rec[k];
        OutNet *n = &o->net[k];
        if (e && (r->when.kind == TIMES_END || (r->when.kind == TIMES_AT && plan_rank(&r->when, engine_stats(e).steps) >= 0)))
            ok = output_network_frame(o, h, k, engine_stats(e).steps, engine_net(e, r->net));
        ok = ok && write_values(n, h);
        if (!ok || !n->frames) continue;
        ok = h5_attr_text(h, n->path, "units", o->plan->net[r->net].unit) && write_when(o, h, k);
    }
    return ok;
}

void output_network_free(OutNetwork *o)
{
    for (int k = 0; o && k < o->plan->n_net_recs; k++) {
        vec_free(o->net[k].value);
        vec_free(o->net[k].time);
    }
}
