/* From the tree of the main file to a plan with modules: imports, declarations, library, settings, and the
 * order in which everything else is called. */
#include "protocol.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ---- */
enum { MAX_MODEL_BYTES = 64 << 20 };

static void take_items(Sema *S, Node *file, const char *path, int depth);

static const char *beside(Sema *S, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    if (name[0] == '/' || !slash) return name;
    return arena_printf(S->arena, "%.*s/%s", (int)(slash - path), path, name);
}

static void import(Sema *S, Node *n, const char *path, int depth)
{
    const char *file = beside(S, path, n->text), *real = os_real_path(S->arena, file);
    for (size_t k = 0; k < vec_len(S->open_files); k++)
        if (!strcmp(os_real_path(S->arena, S->open_files[k]), real)) {
            Diag *d = diag_add(S->diags, D_cyclic_import, n->span, "`%s` imports itself", file);
            diag_note(d, "the chain of imports is %s%s%s", S->open_files[k], k + 1 < vec_len(S->open_files) ? " → … → " : " → ", file);
            return;
        }
    for (size_t k = 0; k < vec_len(S->seen_files); k++)
        if (!strcmp(S->seen_files[k], real)) return;
    Fail f;
    char *text;
    size_t len;
    if (depth > 100 || !os_read_file(S->arena, file, MAX_MODEL_BYTES, &text, &len, &f)) {
        Diag *d = diag_add(S->diags, D_import_not_found, n->span, "cannot import `%s`", n->text);
        diag_note(d, "%s", depth > 100 ? "more than 100 files import each other" : f.text);
        return;
    }
    const SourceFile *src = source_add(S->ast->sources, file, text, len);
    if (!src) {
        diag_add(S->diags, D_import_not_found, n->span, "all files together are too long");
        return;
    }
    take_items(S, S->opt->parse_file(S->ast, src), file, depth + 1);
}

static void take_items(Sema *S, Node *file, const char *path, int depth)
{
    vec_push(S->open_files, path);
    vec_push(S->seen_files, os_real_path(S->arena, path));
    follow_lost(S, file);
    for (int k = 0; k < file->n_kids; k++) {
        Node *n = file->kid[k];
        if (!n) continue;
        if (n->kind == N_import) import(S, n, path, depth);
        else vec_push(S->items, n);
    }
    (void)vec_pop(S->open_files);
}

/* ---- the library of models ---- */
const char **compile_library(Arena *a, const char *const *lib_dirs)
{
    const char **out = NULL;
    for (int d = 0; lib_dirs && lib_dirs[d] && !vec_len(out); d++) {
        DIR *dir = opendir(lib_dirs[d]);
        if (!dir) continue;
        for (struct dirent *e; (e = readdir(dir));) {
            size_t len = strlen(e->d_name);
            if (len > 7 && !strcmp(e->d_name + len - 7, ".cortex")) vec_push(out, sym_n(e->d_name, len - 7));
        }
        closedir(dir);
    }
    size_t n = vec_len(out);
    const char **keep = arena_many(a, const char *, n + 1);
    for (size_t k = 0; k < n; k++) {
        size_t at = k;
        for (; at > 0 && strcmp(keep[at - 1], out[k]) > 0; at--) keep[at] = keep[at - 1];
        keep[at] = out[k];
    }
    vec_free(out);
    return keep;
}

/* All names, synapses among them; the count in *n. */
const char **library_names(Sema *S, int *n)
{
    if (!S->lib_names) S->lib_names = compile_library(S->arena, S->opt->lib_dirs);
    for (*n = 0; S->lib_names[*n];) ++*n;
    return S->lib_names;
}

static void declare(Sema *S, Node *n, Scope *sc, bool library);

Bind *library_find(Sema *S, Sym name)
{
    Bind *b = scope_here(S->lib, name);
    if (b) return b;
    for (size_t k = 0; k < vec_len(S->missing_lib); k++)
        if (S->missing_lib[k] == name) return NULL;
    vec_push(S->missing_lib, name);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(name)) return NULL;
    for (int d = 0; S->opt->lib_dirs && S->opt->lib_dirs[d]; d++) {
        const char *path = arena_printf(S->arena, "%s/%s.cortex", S->opt->lib_dirs[d], name);
        Fail f;
        char *text;
        size_t len;
        if (!os_exists(path) || !os_read_file(S->arena, path, MAX_MODEL_BYTES, &text, &len, &f)) continue;
        const SourceFile *src = source_add(S->ast->sources, path, text, len);
        if (!src) return NULL;
        Node *file = S->opt->parse_file(S->ast, src);
        follow_lost(S, file);
        for (int k = 0; k < file->n_kids; k++)
            if (file->kid[k]) declare(S, file->kid[k], S->lib, true);
        return scope_here(S->lib, name);
    }
    return NULL;
}

/* ---- declarations ---- */
static void declare_population(Sema *S, Node *n, Sym layer)
{
    if (n->kind == N_poison) return;
    Sym name = layer ? sym(arena_printf(S->arena, "%s.%s", layer, n->name)) : n->name;
    PopInfo p = {.name = name, .layer = layer ? layer : n->name, .node = n, .group = n->kid[0]};
    for (size_t k = 0; layer && k < vec_len(S->pop); k++)
        if (S->pop[k].name == name) {
            Diag *d = diag_add(S->diags, D_duplicate_name, n->name_span, "`%s` is declared twice", name);
            diag_note_at(d, S->pop[k].node->name_span, "the first time here");
            return;
        }
    if (!layer) {
        Bind *b = scope_add(S, S->top, name, B_POP, n);
        if (b->node != n) return;
        b->index = (int)vec_len(S->pop);
    }
    vec_push(S->pop, p);
}

static LayerInfo *layer_of(Sema *S, Sym name)
{
    for (size_t k = 0; k < vec_len(S->layer); k++)
        if (S->layer[k].name == name) return &S->layer[k];
    LayerInfo l = {.name = name};
    vec_push(S->layer, l);
    return &S->layer[vec_len(S->layer) - 1];
}

static void declare_layer(Sema *S, Node *n)
{
    Bind *b = scope_add(S, S->top, n->name, B_LAYER, n);
    if (b->node != n) return;
    LayerInfo *l = layer_of(S, n->name);
    b->index = (int)(l - S->layer);
    l->block = true;
    Node *items = n->kid[n->n_kids - 1];
    for (int k = 0; items && k < items->n_kids; k++) {
        Node *p = items->kid[k];
        if (p && p->kind == N_poison) layer_of(S, n->name)->lost = true;
        if (!p || p->kind == N_poison) continue;
        if (p->kind != N_population) {
            diag_add(S->diags, D_syntax, p->span, "a layer holds populations only");
            continue;
        }
        if (p->kid[0]->kind == N_group && p->kid[0]->kid[0]) {
            Diag *d = diag_add(S->diags, D_syntax, p->kid[0]->kid[0]->span, "a list of populations cannot stand inside a layer");
            diag_hint(d, "make the layer a list: `layer %s[%s in %s] { population %s : … }`", n->name, p->kid[0]->kid[0]->name,
                      ex_source(S, p->kid[0]->kid[0]->kid[0]), p->name);
            layer_of(S, n->name)->lost = true;
            continue;
        }
        size_t before = vec_len(S->pop);
        declare_population(S, p, n->name);
        if (vec_len(S->pop) > before) vec_push(layer_of(S, n->name)->pop, (int)before);
    }
}

static bool is_population(const Node *n) { return n->kind == N_population || n->kind == N_layer || n->kind == N_layer_block; }

/* A list of populations or layers: the elements are declared under names such as `pool[3]`, which stand
 * for nothing in a file; `pool` is the list. */
static void declare_list(Sema *S, Node *n)
{
    Bind *b = scope_add(S, S->top, n->name, B_LAYER, n);
    if (b->node != n) return;
    b->index = (int)(layer_of(S, n->name) - S->layer);
    Node **all = NULL;
    if (expand_list(S, n, &all) < 0) S->layer[b->index].lost = true;
    for (size_t k = 0; k < vec_len(all) && !S->layer[b->index].lost; k++) {
        size_t before = vec_len(S->pop);
        int part = (int)(layer_of(S, all[k]->name) - S->layer);
        if (all[k]->kind == N_layer_block) {
            declare_layer(S, all[k]);
        } else {
            declare_population(S, all[k], NULL);
            if (vec_len(S->pop) > before) vec_push(S->layer[part].pop, (int)before);
        }
        vec_push(S->layer[b->index].part, part);
        for (size_t q = before; q < vec_len(S->pop); q++) vec_push(S->layer[b->index].pop, (int)q);
        if (S->layer[part].lost) S->layer[b->index].lost = true;
    }
    vec_free(all);
}

static bool is_list(const Node *n)
{
    if (n->kind == N_layer_block) return n->kid[0] != NULL;
    return n->kid[0] && n->kid[0]->kind == N_group && n->kid[0]->kid[0];
}
static void declare(Sema *S, Node *n, Scope *sc, bool library)
{
    BindKind kind;
    switch (n->kind) {
    case N_neuron:
    case N_neuron_of: kind = B_NEURON; break;
    case N_synapse:
    case N_synapse_of: kind = B_SYNAPSE; break;
    case N_function: kind = B_FUNCTION; break;
    case N_let: kind = B_LET; break;
    case N_decls:
        if (library) return;
        if (n->which == DECL_INPUT) {
            Diag *d = diag_add(S->diags, D_syntax, n->span, "the network has no inputs");
            diag_hint(d, "inputs stand in neurons; at the top level there are `param` and `state`");
            return;
        }
        if (n->which == DECL_STATE) {
            protocol_declare(S, n, sc);
            return;
        }
        for (int k = 0; k < n->n_kids; k++) (void)scope_add(S, sc, n->kid[k]->name, B_PARAM, n->kid[k]);
        return;
    case N_layer:
    case N_population:
    case N_layer_block:
        if (library) return;
        if (is_list(n)) {
            declare_list(S, n);
        } else if (n->kind == N_layer_block) {
            declare_layer(S, n);
        } else {
            declare_population(S, n, NULL);
            (void)layer_of(S, n->name);
        }
        return;
    default: return;
    }
    if (library) { /* what the user declares wins over the library, so no clash here */
        Bind *b = arena_one(S->arena, Bind);
        *b = (Bind){.name = n->name, .kind = kind, .node = n, .library = true, .next = sc->first};
        sc->first = b;
        return;
    }
    Bind *b = scope_add(S, sc, n->name, kind, n);
    if (b->node == n && (kind == B_NEURON || kind == B_SYNAPSE)) {
        int count;
        const char **names = library_names(S, &count);
        for (int k = 0; k < count; k++)
            if (names[k] == n->name && !((n->kind == N_neuron_of || n->kind == N_synapse_of) && n->name2 == n->name))
                diag_add(S->diags, D_shadows_library, ast_name_span(n), "`%s` here stands before the library's `%s`", n->name, n->name);
    }
}

/* ---- settings of the whole simulation ---- */
static void read_simulation(Sema *S)
{
    static const char *const known[] = {"dt", "seed", "method"};
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        if (n->kind != N_simulation || !n->kid[0]) continue;
        for (int q = 0; q < n->kid[0]->n_kids; q++) {
            Node *e = n->kid[0]->kid[q];
            if (!e || e->kind != N_entry) continue;
            Ctx c = ctx_const(S, arena_printf(S->arena, "`%s`", e->name));
            double v;
            if (e->name == sym("dt")) {
                if (!elab_const(&c, e->kid[0], DIM_TIME, "`dt`", &v)) continue;
                Decimal dec;
                if (!(v > 0) || isinf(v) || !decimal_of(v, &dec) || v < 1e-9 || v > 1e6)
                    diag_add(S->diags, D_out_of_range, e->kid[0]->span, "the time step must be above 0 and below 1000 s");
                else
                    S->dt = v;
            } else if (e->name == sym("seed")) {
                if (!elab_const(&c, e->kid[0], DIM_NONE, "`seed`", &v)) continue;
                if (v != floor(v) || v < 0 || v > 9007199254740992.0)
                    diag_add(S->diags, D_bad_count, e->kid[0]->span, "a seed is a whole number from 0 on");
                else
                    S->seed = (uint64_t)v;
            } else if (e->name == sym("method")) {
                if (e->kid[0]->kind != N_name) diag_add(S->diags, D_bad_argument, e->kid[0]->span, "`method` is a word, such as `rk4`");
                else S->method = e->kid[0]->name, S->method_span = e->kid[0]->span;
            } else {
                Diag *d = diag_add(S->diags, D_unknown_setting, ast_name_span(e), "a simulation has no setting `%s`", e->name);
                const char *near = diag_nearest(e->name, known, 3);
                if (near) diag_hint(d, "did you mean `%s`?", near);
                else diag_note(d, "its settings are `dt`, `seed`, `method`");
            }
        }
    }
    if (S->opt->has_seed) S->seed = S->opt->seed;
}

static void apply_sets(Sema *S)
{
    for (int k = 0; k < S->opt->n_set; k++) {
        const CompileSetting *s = &S->opt->set[k];
        const SourceFile *src = source_add(S->ast->sources, arena_printf(S->arena, "--set %s", s->name), s->value, strlen(s->value));
        Span at = {src->base, src->base + src->len};
        Bind *b = scope_here(S->top, sym(s->name));
        if (!b || b->kind != B_PARAM) {
            Diag *d = diag_add(S->diags, D_set_unknown, at, "the model has no `param %s` at its top level", s->name);
            const char **cand = NULL;
            Buf all = {0};
            for (Bind *q = S->top->first; q; q = q->next)
                if (q->kind == B_PARAM) {
                    vec_push(cand, q->name);
                    buf_printf(&all, "%s`%s`", all.len ? ", " : "", q->name);
                }
            const char *near = diag_nearest(s->name, cand, vec_len(cand));
            if (near) diag_hint(d, "did you mean `%s`?", near);
            else if (all.len) diag_note(d, "it has %s", all.p);
            else diag_note(d, "it has no `param` at its top level");
            buf_free(&all);
            vec_free(cand);
            continue;
        }
        Node *v = S->opt->parse_expression(S->ast, src);
        if (v) sweep_give(S, b, v);
    }
}

/* Every `let`, `param` and function is looked at, used or not. */
static void check_unused(Sema *S)
{
    Bind **order = NULL; /* as declared: what is computed from others comes after them as a rule */
    for (Bind *b = S->top->first; b; b = b->next) vec_push(order, b);
    for (size_t next = vec_len(order); next-- > 0;) {
        Bind *b = order[next];
        if (b->state == 2 || b->library) continue;
        Node use = {.kind = N_name, .name = b->name, .span = ast_name_span(b->node)};
        if (b->kind == B_PARAM || b->kind == B_LET) {
            IrModule *scratch = network_new_module(S, "scratch");
            Ctx c = ctx_const(S, arena_printf(S->arena, "`%s`", b->name));
            c.fn = ir_fn(scratch, "scratch", FN_WEIGHT, LANE_SYNAPSE);
            c.mod = scratch;
            c.has_i = c.has_j = c.has_t = c.has_draws = c.unused = true;
            Ex e = elab(&c, &use);
            if (b->kind == B_PARAM && e.kind == EX_NUM && e.is_const && b->node->n_kids > 2 && b->node->kid[2]) {
                Node *iv = b->node->kid[2];
                double lo, hi;
                Ctx at = ctx_const(S, "a bound");
                if (elab_const(&at, iv->kid[0], e.dim, "a bound of the range", &lo) && elab_const(&at, iv->kid[1], e.dim, "a bound of the range", &hi) &&
                    ((iv->which & 1 ? e.num <= lo : e.num < lo) || (iv->which & 2 ? e.num >= hi : e.num > hi)))
                    diag_add(S->diags, D_out_of_range, b->node->kid[1]->span, "`%s` is out of the range it is declared with", b->name);
            }
        }
    }
    vec_free(order);
}

static int by_source_then_name(const void *a, const void *b)
{
    const PlanProj *x = a, *y = b;
    if (x->src != y->src) return x->src < y->src ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int stim_by_name(const void *a, const void *b) { return strcmp(((const PlanStim *)a)->name, ((const PlanStim *)b)->name); }

static char *params_json(Sema *S)
{
    json_t *all = json_object();
    for (Bind *b = S->top->first; b; b = b->next) {
        if (b->kind != B_PARAM || b->ex.kind != EX_NUM || !b->ex.is_const) continue;
        json_t *one = json_object();
        Unit shown = {.factor = 1, .text = dim_unit(S->arena, b->ex.dim)};
        if (b->ex.unit) shown = *b->ex.unit;
        else if (*shown.text) (void)unit_parse(shown.text, strlen(shown.text), &shown);
        json_object_set_new(one, "value", isfinite(b->ex.num) ? json_real(b->ex.num / unit_factor(&shown)) : json_null());
        json_object_set_new(one, "unit", json_string(shown.text ? shown.text : dim_unit(S->arena, b->ex.dim)));
        json_object_set_new(all, b->name, one);
    }
    char *text = json_dumps(all, JSON_SORT_KEYS), *keep = arena_strdup(S->arena, text ? text : "{}");
    free(text);
    json_decref(all);
    return keep;
}

#define TAKE(field, n_field, vec)                                                                       \
    do {                                                                                                \
        plan->n_field = (int)vec_len(vec);                                                              \
        plan->field = vec_len(vec) ? arena_dup(S->arena, (vec), sizeof *(vec) * vec_len(vec)) : NULL;   \
    } while (0)

static void fill_plan(Sema *S, Node *file)
{
    Plan *plan = S->out->plan;
    plan->arena = S->arena;
    for (int k = 0; k < file->n_kids; k++)
        if (file->kid[k] && file->kid[k]->kind == N_model) plan->title = file->kid[k]->text;
    if (!plan->title) plan->title = os_basename(S->arena, S->opt->path, ".cortex");
    plan->model_path = S->opt->path;
    const SourceFile *main_file = source_at(S->ast->sources, 0);
    plan->model_text = main_file->text;
    plan->params_json = params_json(S);
    plan->model_hash = hash_bytes(main_file->text, main_file->len, 0);
    plan->dt = S->dt;
    plan->seed = S->seed;
    TAKE(proj, n_projs, S->proj);
    TAKE(stim, n_stims, S->stim);
    TAKE(rec, n_recs, S->rec);
    TAKE(count, n_counts, S->count);
    TAKE(syn_rec, n_syn_recs, S->syn_rec);
    TAKE(expect, n_expects, S->expect);
    if (plan->n_projs) qsort(plan->proj, (size_t)plan->n_projs, sizeof *plan->proj, by_source_then_name);
    for (int k = 0; k < plan->n_syn_recs; k++)
        while (strcmp(plan->proj[plan->syn_rec[k].proj].name, plan->syn_rec[k].name)) plan->syn_rec[k].proj++;
    if (plan->n_stims) qsort(plan->stim, (size_t)plan->n_stims, sizeof *plan->stim, stim_by_name);
    protocol_plan(S);
    TAKE(run, n_runs, S->run);
    plan->n_kernels = (int)vec_len(S->out->mod);
    plan->kernel = arena_many(S->arena, Kernel *, (size_t)plan->n_kernels + 1);
}

static void set_duration(Sema *S)
{
    if (!S->opt->duration) return;
    const SourceFile *src = source_add(S->ast->sources, "--duration", S->opt->duration, strlen(S->opt->duration));
    Node *v = src ? S->opt->parse_expression(S->ast, src) : NULL;
    int64_t left;
    if (!v || !network_steps(S, v, "the duration", &left)) return;
    if (left < 1 || left == INT64_MAX) {
        diag_add(S->diags, D_bad_interval, v->span, "a run takes some time and ends at some time");
        return;
    }
    if (!vec_len(S->run)) vec_push(S->run, ((PlanRun){.until = -1}));
    size_t last = vec_len(S->run) - 1;
    for (size_t k = 0; k <= last; k++) { /* the runs are cut where the time is over; the last one takes what is left */
        PlanRun *r = &S->run[k];
        if (k == last || r->steps > left) r->steps = left;
        left -= r->steps;
    }
    while (!S->run[last].steps) (void)vec_pop(S->run), last--;
}

/* The last character of a file, or its beginning when it is empty. */
static Span end_of(const Node *file)
{
    return file->span.hi > file->span.lo ? (Span){file->span.hi - 1, file->span.hi} : (Span){file->span.lo, file->span.lo + 1};
}

static void elaborate(Sema *S, Node *file)
{
    take_items(S, file, S->opt->path, 0);
    S->unread = diag_errors(S->diags) > 0;
    for (size_t k = 0; k < vec_len(S->items); k++)
        if (!is_population(S->items[k])) declare(S, S->items[k], S->top, false);
    sweep_declare(S);
    apply_sets(S);
    sweep_apply(S);
    read_simulation(S);
    S->out->sweep.first_seed = S->seed;
    S->seed += S->opt->point % S->out->sweep.n_trials;
    for (size_t k = 0; k < vec_len(S->items); k++) /* the lengths of their lists may be values */
        if (is_population(S->items[k])) declare(S, S->items[k], S->top, false);
    expand_all(S);
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        if (n->flags & AST_EXPANDED) declare(S, n, S->top, false);
        if (n->name && (n->kind == N_connect || n->kind == N_stimulus))
            (void)scope_add(S, S->top, n->name, n->kind == N_connect ? B_PROJ : B_STIM, n);
    }
    S->declared = true;
    bool library = S->opt->declarations && !vec_len(S->pop);
    for (size_t k = 0; k < vec_len(S->items); k++) {
        NodeKind kind = S->items[k]->kind;
        library = library && (kind == N_model || kind == N_neuron || kind == N_neuron_of || kind == N_synapse || kind == N_synapse_of ||
                              kind == N_function || kind == N_let || kind == N_decls || kind == N_simulation);
    }
    library = library && vec_len(S->items);
    if (!vec_len(S->pop) && !library && !diag_errors(S->diags)) {
        Diag *d = diag_add(S->diags, D_no_population, end_of(file), "the model has no population");
        diag_hint(d, "add a line such as `population E : 100 of lif`");
    }
    network_populations(S);
    protocol_values(S);
    protocol_mark(S);
    wire_used_ports(S);
    bool instances = network_instances(S);
    check_unused(S);
    wire_all(S);
    protocol_wire(S);
    synapse_finish(S);
    set_duration(S);
    expected_all(S);
    if (!vec_len(S->run) && !library && !diag_errors(S->diags)) {
        Diag *d = diag_add(S->diags, D_no_run, end_of(file), "the model never runs");
        diag_hint(d, "add a line such as `run 1 s`");
    }
    if (!instances || diag_errors(S->diags)) return;
    (void)network_plan(S);
    if (!diag_errors(S->diags)) fill_plan(S, file);
}

Compiled *compile_model(Ast *a, Node *file, const CompileOptions *o)
{
    Arena *ar = a->arena;
    Sema *S = arena_one(ar, Sema);
    *S = (Sema){.ast = a, .arena = ar, .diags = a->diags, .opt = o, .dt = 0.1, .seed = 1};
    S->top = arena_one(ar, Scope);
    S->lib = arena_one(ar, Scope);
    S->top->up = S->lib;
    S->out = arena_one(ar, Compiled);
    S->out->plan = arena_one(ar, Plan);
    protocol_new(S);
    elaborate(S, file);
    bool ok = diag_errors(a->diags) == 0;
    for (size_t k = 0; k < vec_len(S->all_mods); k++) { /* what no kernel needs */
        bool taken = false;
        for (size_t q = 0; q < vec_len(S->out->mod); q++) taken = taken || S->out->mod[q] == S->all_mods[k];
        if (!taken) ir_module_free(S->all_mods[k]);
    }
    vec_free(S->all_mods);
    for (size_t k = 0; k < vec_len(S->pop); k++) {
        vec_free(S->pop[k].used_ports);
        if (S->pop[k].inst) vec_free(S->pop[k].inst->slot);
    }
    for (size_t k = 0; k < vec_len(S->layer); k++) {
        vec_free(S->layer[k].pop);
        vec_free(S->layer[k].part);
    }
    vec_free(S->pop);
    vec_free(S->layer);
    vec_free(S->items);
    vec_free(S->seen_files);
    vec_free(S->open_files);
    vec_free(S->missing_lib);
    vec_free(S->names);
    vec_free(S->proj);
    vec_free(S->stim);
    vec_free(S->rec);
    vec_free(S->count);
    vec_free(S->syn_rec);
    vec_free(S->joined);
    synapse_free(S);
    protocol_free(S);
    vec_free(S->run);
    vec_free(S->expect);
    vec_free(S->mod_hash);
    vec_free(S->lost);
    vec_free(S->told);
    vec_free(S->samples);
    vec_free(S->files);
    if (ok) return S->out;
    compile_free(S->out);
    return NULL;
}

bool compile_build(Compiled *c, const Backend *backend, Fail *f)
{
    for (int k = 0; k < c->plan->n_kernels; k++)
        if (!(c->plan->kernel[k] = backend->build(c->mod[k], f))) return false;
    return true;
}

void compile_free(Compiled *c)
{
    if (!c) return;
    for (int k = 0; c->plan->kernel && k < c->plan->n_kernels; k++)
        if (c->plan->kernel[k]) c->plan->kernel[k]->free(c->plan->kernel[k]);
    for (size_t k = 0; k < vec_len(c->mod); k++) ir_module_free(c->mod[k]);
    vec_free(c->mod);
    vec_free(c->eqs);
}
