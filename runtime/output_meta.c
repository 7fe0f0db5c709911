/* What an output file says about the network and the run: node tables for SONATA's readers, and all
 * that is needed to know where the numbers came from. */
#include "output_meta.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FORMAT_VERSION "1"

void output_identity(const Plan *p, char text[17])
{
    char full[PATH_MAX];
    const char *path = p->model_path ? p->model_path : "";
    if (realpath(path, full)) path = full;
    uint64_t hash = hash_str(path, hash_str(p->title ? p->title : "", 0));
    snprintf(text, 17, "%016llx", (unsigned long long)hash);
}

/* An array of the n numbers 0, 1, … */
bool output_count_up(H5file *h, const char *path, uint64_t n)
{
    uint64_t block = n < H5_CHUNK ? n : H5_CHUNK;
    uint64_t *v = cx_alloc(block ? block : 1, sizeof *v, "node table");
    bool ok = h5_growing(h, path, H5K_U64, H5_FLAT, block);
    for (uint64_t row = 0; ok && row < n; row += block) {
        uint64_t m = n - row < block ? n - row : block;
        for (uint64_t k = 0; k < m; k++)
            v[k] = row + k;
        ok = h5_append(h, path, H5K_U64, H5_FLAT, row, m, v);
    }
    cx_free(v);
    return ok;
}

/* Coordinates of n cells in um. */
static bool places(H5file *h, const char *path, uint64_t n, const double *v)
{
    uint64_t block = n < H5_CHUNK ? n : H5_CHUNK;
    float *out = cx_alloc(block ? block : 1, sizeof *out, "node table");
    bool ok = h5_growing(h, path, H5K_F32, H5_FLAT, block);
    for (uint64_t row = 0; ok && row < n; row += block) {
        uint64_t m = n - row < block ? n - row : block;
        for (uint64_t k = 0; k < m; k++) out[k] = (float)v[row + k];
        ok = h5_append(h, path, H5K_F32, H5_FLAT, row, m, out);
    }
    cx_free(out);
    return ok;
}

/* One type per population (its place in the plan) and one group: all its neurons are of one model.
 */
static bool node_table(H5file *h, const Plan *p, int k)
{
    const PlanPop *pop = &p->pop[k];
    Arena *a = arena_new("node table");
    const int64_t type = k;
    const uint32_t group = 0;
    char *id = arena_printf(a, "/nodes/%s/node_id", pop->name);
#define UNDER(leaf) arena_printf(a, "/nodes/%s/%s", pop->name, leaf)
    bool ok = h5_constant(h, UNDER("node_type_id"), H5K_I64, pop->n, &type) &&
              h5_constant(h, UNDER("node_group_id"), H5K_U32, pop->n, &group) &&
              output_count_up(h, id, pop->n) && h5_link(h, id, UNDER("node_group_index"));
    ok = ok && h5_repeat(h, UNDER("0/layer"), pop->n, pop->layer ? pop->layer : pop->name);
    ok = ok &&
         h5_repeat(h, UNDER("0/model_type"), pop->n, pop->is_source ? "virtual" : "point_neuron");
    ok = ok && h5_repeat(h, UNDER("0/model_template"), pop->n, pop->model ? pop->model : "");
    ok = ok &&
         h5_repeat(h, UNDER("0/synapse_class"), pop->n, pop->synapse_inhibitory ? "INH" : "EXC");
    for (int axis = 0; pop->place && axis < 3; axis++)
        ok = ok && places(h, arena_printf(a, "/nodes/%s/0/%c", pop->name, 'x' + axis), pop->n, pop->place[axis]);
#undef UNDER
    arena_free(a);
    return ok;
}

static void hex(char text[17], uint64_t v)
{
    snprintf(text, 17, "%016llx", (unsigned long long)v);
}

/* The hashes of all populations, in order of name, hashed. */
static uint64_t hash_of(const uint64_t *each, int n)
{
    return hash_bytes(each, (size_t)n * sizeof *each, 0);
}

static bool number(H5file *h, const char *name, uint64_t v)
{
    return h5_attr(h, "/cortexc", name, H5K_U64, 0, &v);
}

static bool real(H5file *h, const char *name, double v)
{
    return h5_attr(h, "/cortexc", name, H5K_F64, 0, &v);
}

static bool word(H5file *h, const char *name, const char *v)
{
    return h5_attr_text(h, "/cortexc", name, v);
}

static bool hash_word(H5file *h, const char *name, uint64_t v)
{
    char text[17];
    hex(text, v);
    return word(h, name, text);
}

/* Model, run and machine: attributes of /cortexc, long texts beside them. */
static bool about(H5file *h, const Plan *p, const OutputInfo *i, const Engine *e,
                  const OutputTotals *totals)
{
    char host[256] = "", when[32] = "", identity[17];
    gethostname(host, sizeof host - 1);
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    output_identity(p, identity);
    EngineStats stats = {.threads = i->threads, .steps = totals->steps};
    if (e) stats = engine_stats(e);
    int64_t planned = 0;
    uint64_t neurons = 0, spikes = 0;
    for (int k = 0; k < p->n_runs; k++)
        planned += p->run[k].steps;
    for (int k = 0; k < p->n_pops; k++) {
        neurons += p->pop[k].n;
        spikes += totals->spikes[k];
    }
    const char *params = i->params_json ? i->params_json : p->params_json;
    return word(h, "format", FORMAT_VERSION) && word(h, "version", i->version) &&
           word(h, "hdf5_version", h5_version()) && word(h, "title", p->title) &&
           word(h, "model_path", p->model_path) && hash_word(h, "model_hash", p->model_hash) &&
           word(h, "identity", identity) && number(h, "seed", p->seed) && real(h, "dt", p->dt) &&
           number(h, "steps", (uint64_t)totals->steps) &&
           number(h, "steps_planned", (uint64_t)planned) &&
           real(h, "duration", decimal_time(totals->steps, p->dt)) && word(h, "host", host) &&
           word(h, "created", when) && word(h, "backend", i->backend) &&
           number(h, "threads", (uint64_t)stats.threads) && real(h, "wall_build", stats.build_s) &&
           real(h, "wall_run", stats.run_s) && number(h, "neurons", neurons) &&
           number(h, "synapses", stats.synapses) && number(h, "spikes", spikes) &&
           number(h, "events", stats.events) && number(h, "synapse_bytes", stats.bytes_synapses) &&
           hash_word(h, "spike_hash", hash_of(totals->hash, p->n_pops)) &&
           h5_text(h, "/cortexc/model", p->model_text) &&
           h5_text(h, "/cortexc/parameters", params ? params : "{}") &&
           h5_text(h, "/cortexc/command_line", i->command_line);
}

/* The table of populations: one array per column, rows in order of declaration. */
typedef struct Table {
    const char **name, **layer, **model, **word, **note, **spike_hash, **state_hash;
    uint8_t *source;
    uint64_t *cells, *spikes;
    double *rate, *cv, *synchrony, *fano, *v_mean, *v_max, *v_rest, *v_threshold, *color;
} Table;

static Table table_new(Arena *a, size_t n)
{
    return (Table){.name = arena_many(a, const char *, n),
                   .layer = arena_many(a, const char *, n),
                   .model = arena_many(a, const char *, n),
                   .word = arena_many(a, const char *, n),
                   .note = arena_many(a, const char *, n),
                   .spike_hash = arena_many(a, const char *, n),
                   .state_hash = arena_many(a, const char *, n),
                   .source = arena_many(a, uint8_t, n),
                   .cells = arena_many(a, uint64_t, n),
                   .spikes = arena_many(a, uint64_t, n),
                   .rate = arena_many(a, double, n),
                   .cv = arena_many(a, double, n),
                   .synchrony = arena_many(a, double, n),
                   .fano = arena_many(a, double, n),
                   .v_mean = arena_many(a, double, n),
                   .v_max = arena_many(a, double, n),
                   .v_rest = arena_many(a, double, n),
                   .v_threshold = arena_many(a, double, n),
                   .color = arena_many(a, double, 3 * n)};
}

static void table_row(Table *t, int row, Arena *a, const Plan *p, int k, const Engine *e,
                      const Summary *s, const OutputTotals *totals, uint64_t state)
{
    const PlanPop *pop = &p->pop[k];
    const double none = NAN;
    SummaryRow r = {.rate = none, .cv = none, .synchrony = none, .fano = none, .word = ""};
    char note[512] = "";
    if (s) {
        r = summary_row(s, k);
        if (!summary_note(s, k, note, sizeof note)) note[0] = '\0';
    }
    t->name[row] = pop->name;
    t->layer[row] = pop->layer ? pop->layer : pop->name;
    t->model[row] = pop->model ? pop->model : "";
    t->source[row] = pop->is_source;
    t->cells[row] = pop->n;
    t->spikes[row] = totals->spikes[k];
    t->rate[row] = r.rate;
    t->cv[row] = r.cv;
    t->synchrony[row] = r.synchrony;
    t->fano[row] = r.fano;
    t->word[row] = r.word;
    t->note[row] = arena_strdup(a, note);
    t->v_mean[row] = r.v_sampled ? r.v_mean : none;
    t->v_max[row] = r.v_sampled ? r.v_max : none;
    t->v_rest[row] = pop->v_known ? pop->v_rest : none;
    t->v_threshold[row] = pop->v_known ? pop->v_threshold : none;
    memcpy(t->color + 3 * row, pop->color, sizeof pop->color);
    t->spike_hash[row] = arena_printf(a, "%016llx", (unsigned long long)totals->hash[k]);
    t->state_hash[row] = e ? arena_printf(a, "%016llx", (unsigned long long)state) : "";
}

static bool populations(H5file *h, const Plan *p, const Engine *e, const Summary *s,
                        const OutputTotals *totals)
{
    Arena *a = arena_new("output tables");
    size_t n = (size_t)p->n_pops, n_layers = 0;
    Table t = table_new(a, n);
    uint64_t *state = arena_many(a, uint64_t, n);
    const char **layer = arena_many(a, const char *, n);
    double *layer_color = arena_many(a, double, 3 * n);
    for (int k = 0; e && k < p->n_pops; k++)
        state[k] = engine_state_hash(e, k);
    for (int row = 0; row < p->n_pops; row++) {
        int k = p->pop_order ? p->pop_order[row] : row;
        table_row(&t, row, a, p, k, e, s, totals, state[k]);
        size_t l = 0;
        while (l < n_layers && strcmp(layer[l], t.layer[row]) != 0)
            l++;
        if (l < n_layers) continue;
        layer[n_layers] = t.layer[row];
        memcpy(layer_color + 3 * n_layers++, p->pop[k].color, 3 * sizeof(double));
    }
#define AT "/cortexc/populations/"
    bool ok = h5_texts(h, AT "name", n, t.name) && h5_texts(h, AT "layer", n, t.layer) &&
              h5_texts(h, AT "model", n, t.model) &&
              h5_array(h, AT "is_source", H5K_U8, n, H5_FLAT, t.source) &&
              h5_array(h, AT "cells", H5K_U64, n, H5_FLAT, t.cells) &&
              h5_array(h, AT "spikes", H5K_U64, n, H5_FLAT, t.spikes) &&
              h5_array(h, AT "rate", H5K_F64, n, H5_FLAT, t.rate) &&
              h5_attr_text(h, AT "rate", "units", "Hz") &&
              h5_array(h, AT "cv", H5K_F64, n, H5_FLAT, t.cv) &&
              h5_array(h, AT "synchrony", H5K_F64, n, H5_FLAT, t.synchrony) &&
              h5_array(h, AT "fano", H5K_F64, n, H5_FLAT, t.fano) &&
              h5_texts(h, AT "word", n, t.word) && h5_texts(h, AT "note", n, t.note) &&
              h5_array(h, AT "v_mean", H5K_F64, n, H5_FLAT, t.v_mean) &&
              h5_array(h, AT "v_max", H5K_F64, n, H5_FLAT, t.v_max) &&
              h5_array(h, AT "v_rest", H5K_F64, n, H5_FLAT, t.v_rest) &&
              h5_array(h, AT "v_threshold", H5K_F64, n, H5_FLAT, t.v_threshold) &&
              h5_texts(h, AT "spike_hash", n, t.spike_hash) &&
              h5_texts(h, AT "state_hash", n, t.state_hash) &&
              h5_array(h, AT "color", H5K_F64, n, 3, t.color) &&
              h5_texts(h, "/cortexc/layers/name", n_layers, layer) &&
              h5_array(h, "/cortexc/layers/color", H5K_F64, n_layers, 3, layer_color) &&
              (!e || hash_word(h, "state_hash", hash_of(state, p->n_pops)));
#undef AT
    arena_free(a);
    return ok;
}

/* How many synapses each projection has and what they weigh at the end: enough for a picture of who
 * talks to whom without recording every synapse. Means and deviations in the unit of the port. */
static bool projections(H5file *h, const Plan *p, const Engine *e)
{
    size_t n = e ? (size_t)p->n_projs : 0;
    if (!n) return true;
    Arena *a = arena_new("output tables");
    const char **name = arena_many(a, const char *, n), **source = arena_many(a, const char *, n);
    const char **target = arena_many(a, const char *, n), **port = arena_many(a, const char *, n);
    const char **unit = arena_many(a, const char *, n), **synapse = arena_many(a, const char *, n);
    uint64_t *count = arena_many(a, uint64_t, n);
    double *mean = arena_many(a, double, n), *sd = arena_many(a, double, n);
    for (size_t k = 0; k < n; k++) {
        const PlanProj *q = &p->proj[k];
        const PlanPop *to = &p->pop[q->tgt];
        const PlanPort *at = &to->port[q->port];
        const char *shown = to->kernel < 0 ? NULL : p->kernel[to->kernel]->field[at->acc_field].unit;
        EngineWeights w = engine_weights(e, (int)k);
        name[k] = q->name, source[k] = p->pop[q->src].name, target[k] = p->pop[q->tgt].name;
        port[k] = at->name, unit[k] = shown ? shown : "";
        synapse[k] = q->synapse.name ? q->synapse.name : "static";
        count[k] = engine_proj_synapses(e, (int)k);
        mean[k] = w.known ? w.mean / output_factor(unit[k]) : NAN;
        sd[k] = w.known ? w.sd / output_factor(unit[k]) : NAN;
    }
#define AT "/cortexc/projections/"
    bool ok = h5_texts(h, AT "name", n, name) && h5_texts(h, AT "source", n, source) &&
              h5_texts(h, AT "target", n, target) && h5_texts(h, AT "port", n, port) &&
              h5_texts(h, AT "unit", n, unit) && h5_texts(h, AT "synapse", n, synapse) &&
              h5_array(h, AT "synapses", H5K_U64, n, H5_FLAT, count) &&
              h5_array(h, AT "weight_mean", H5K_F64, n, H5_FLAT, mean) &&
              h5_array(h, AT "weight_sd", H5K_F64, n, H5_FLAT, sd);
#undef AT
    arena_free(a);
    return ok;
}

/* What the model expects of itself, in order of declaration; nothing when it expects nothing. */
static bool expected(H5file *h, const Plan *p, const Expect *x)
{
    size_t n = x ? (size_t)expect_count(x) : 0;
    if (!n) return true;
    Arena *a = arena_new("output tables");
    const char **text = arena_many(a, const char *, n), **unit = arena_many(a, const char *, n);
    const char **why = arena_many(a, const char *, n);
    double *value = arena_many(a, double, n), *lo = arena_many(a, double, n);
    double *hi = arena_many(a, double, n);
    uint8_t *met = arena_many(a, uint8_t, n);
    for (size_t k = 0; k < n; k++) {
        ExpectResult r = expect_result(x, (int)k);
        text[k] = r.text, value[k] = r.value, met[k] = r.met;
        unit[k] = r.unit, why[k] = r.why ? r.why : "";
        lo[k] = p->expect[k].lo, hi[k] = p->expect[k].hi;
    }
#define AT "/cortexc/expect/"
    bool ok = h5_texts(h, AT "text", n, text) &&
              h5_array(h, AT "value", H5K_F64, n, H5_FLAT, value) &&
              h5_array(h, AT "lo", H5K_F64, n, H5_FLAT, lo) &&
              h5_array(h, AT "hi", H5K_F64, n, H5_FLAT, hi) &&
              h5_texts(h, AT "unit", n, unit) && h5_texts(h, AT "why", n, why) &&
              h5_array(h, AT "met", H5K_U8, n, H5_FLAT, met);
#undef AT
    arena_free(a);
    return ok;
}

bool output_meta(H5file *h, const Plan *p, const OutputInfo *i, const Engine *e, const Summary *s,
                 const Expect *x, const OutputTotals *totals)
{
    bool ok = h5_group(h, "/cortexc") && h5_group(h, "/nodes") && about(h, p, i, e, totals) &&
              populations(h, p, e, s, totals) && projections(h, p, e) && expected(h, p, x);
    for (int k = 0; ok && k < p->n_pops; k++)
        ok = node_table(h, p, k);
    return ok;
}
