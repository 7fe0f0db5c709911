/* `check`, `emit`, `show`, `list`, `--explain`: looking without running. */
#include "main.h"
#include "output.h"
#include "plot.h"

#include <locale.h>
#include <string.h>

/* Are the equations of two populations advanced alike, as far as `check` says? */
static bool same_answers(const CompiledEqs *a, const CompiledEqs *b)
{
    bool same = !strcmp(a->model, b->model) && a->n == b->n && !a->stability == !b->stability;
    for (int m = 0; same && m < a->n; m++) same = !strcmp(a->eq[m].method, b->eq[m].method) && !strcmp(a->eq[m].why, b->eq[m].why);
    return same && (!a->stability || !strcmp(a->stability, b->stability));
}

int command_check(const Options *o, int argc, char **argv)
{
    if (argc != 1) return complain_usage("`cortexc check` takes one model");
    Loaded l;
    Options checked = *o;
    checked.check = true;
    int status = load(argv[0], &checked, true, NULL, &l);
    if (!status && !o->quiet) {
        const Compiled *c = l.model;
        uint64_t n = 0;
        for (int k = 0; k < c->plan->n_pops; k++) n += c->plan->pop[k].n;
        printf("%s: no mistakes; %d populations, %llu neurons, %d projections, %d stimuli\n", argv[0], c->plan->n_pops, (unsigned long long)n,
               c->plan->n_projs, c->plan->n_stims);
        for (size_t k = 0; k < vec_len(c->eqs); k++) {
            const CompiledEqs *q = &c->eqs[k];
            bool told = false; /* the same answers for a population before? */
            for (size_t j = 0; j < k && !told; j++) told = same_answers(&c->eqs[j], q);
            if (told) continue;
            printf("\n%s", q->pops);
            for (size_t j = k + 1; j < vec_len(c->eqs); j++)
                if (same_answers(q, &c->eqs[j])) printf(", %s", c->eqs[j].pops);
            printf(" (%s)\n", q->model);
            for (int m = 0; m < q->n; m++) {
                const OdeEq *e = &q->eq[m];
                printf("  d%s/dt = %s\n    %s: %s\n", e->name, e->text, e->method, e->why);
                if (e->ruled_out) printf("    not %s\n", e->ruled_out);
            }
            if (q->stability) printf("  %s\n", q->stability);
        }
    }
    unload(&l);
    return status;
}

static void print_when(const PlanLook *w)
{
    if (w->kind == TIMES_END) printf(" at end");
    else if (w->kind == TIMES_SPIKES) printf(" at spikes");
    else if (w->kind == TIMES_AT) printf(" at %lld times", (long long)w->n_at);
    else printf(" every %lld steps", (long long)w->every);
}

/* What synapses do beside the arrivals of spikes and the spikes of their targets. */
static void print_synapse(const Compiled *c, const PlanSynapse *s)
{
    static const char *const word[] = {[ON_PRE] = "pre", [ON_POST] = "post", [ON_EVENT] = "event"};
    for (int k = 0; k < s->n_handlers; k++) {
        const PlanHandler *h = &s->handler[k];
        if (h->when != ON_EVENT && h->field < 0 && !h->after && h->trace < 0) continue;
        printf("  on %s", word[h->when]);
        for (int q = 0; q < h->n_from; q++) {
            const PlanPop *from = &c->plan->pop[h->from[q].pop];
            const char *event = h->from[q].field < 0 ? "spike" : c->mod[from->kernel]->field[h->from[q].field].name;
            printf("%s %s.%s (%u neurons)", q ? "," : " of", from->name, event, h->from[q].sel.n);
        }
        if (h->field >= 0) printf(", at an event of the neuron");
        if (h->after) printf(", after %lld steps", (long long)h->after);
        if (h->trace >= 0) printf(", once for each %s", h->when == ON_PRE ? "source" : "target");
        printf("\n");
    }
    if (s->fn_step >= 0) printf("  in every step%s\n", s->n_flows ? ", adding to inputs of the target" : "");
}

/* What inputs of a population read of others. */
static void print_links(const IrModule *m)
{
    for (size_t k = 0, n = 0; k < vec_len(m->field); k++)
        if (m->field[k].kind == FIELD_LINK) printf("%s %s", n++ ? "," : ", reads", m->field[k].name);
}

/* What a list of acts sets, each thing once. */
static void print_acts(const Plan *p, const PlanAct *act, int n)
{
    const char *sep = ", sets";
    for (int k = 0; k < n; k++) {
        bool told = !act[k].what || (act[k].kind != ACT_NET && act[k].kind != ACT_POP && act[k].kind != ACT_SYNAPSE);
        for (int q = 0; q < k && !told; q++) told = act[q].what && !strcmp(act[q].what, act[k].what);
        if (told || (act[k].kind == ACT_NET && *p->net[act[k].to].name == '~')) continue;
        printf("%s %s", sep, act[k].what);
        sep = ",";
    }
}

static void print_plan(const Compiled *c)
{
    const Plan *p = c->plan;
    if (c->sweep.n_points) printf("point 0 of %llu\n", (unsigned long long)c->sweep.n_points);
    printf("plan \"%s\"\n  dt %.17g ms\n  seed %llu\n", p->title, p->dt, (unsigned long long)p->seed);
    for (int k = 0; k < p->n_pops; k++) {
        const PlanPop *q = &p->pop[k];
        printf("population %s: %u of %s, layer %s", q->name, q->n, q->model, q->layer);
        if (q->list.n) printf(", %zu events", q->list.n);
        else if (q->is_source && q->fn_rate < 0) printf(", %.17g events a step", q->source_mean);
        if (q->kernel >= 0) {
            printf(", kernel %d", q->kernel);
            print_links(c->mod[q->kernel]);
        }
        printf("\n");
    }
    for (int k = 0; k < p->n_projs; k++) {
        const PlanProj *q = &p->proj[k];
        printf("projection %s: %s", q->name, q->rule);
        if (q->n_pairs) printf("(%u)", q->n_pairs);
        else if (q->prob_fn < 0) printf("(%.17g)", q->arg[0]);
        if (q->synapse.name) printf(", using %s by kernel %d", q->synapse.name, q->synapse.kernel);
        else if (q->weight.varies) printf(", weight by kernel %d", q->weight.kernel);
        else printf(", weight %.17g", q->weight.value);
        if (q->delay.varies) printf(", delay by kernel %d", q->delay.kernel);
        else printf(", delay %.17g steps", q->delay.value);
        printf(q->procedural ? ", procedural\n" : "\n");
        if (q->synapse.name) print_synapse(c, &q->synapse);
    }
    for (int k = 0; k < p->n_stims; k++) {
        static const char *const stim_kind[N_STIM_KINDS] = {[STIM_POISSON] = "poisson", [STIM_DRIVE] = "drive", [STIM_SPIKES] = "spikes"};
        const PlanStim *q = &p->stim[k];
        printf("stimulus %s: %s onto %u neurons", q->name, stim_kind[q->kind], q->sel.n);
        if (q->kind == STIM_POISSON && q->rate_fn < 0) printf(", %.17g events a step", q->mean);
        if (q->kind == STIM_SPIKES) printf(", %zu events", q->list.n);
        if (q->rate_fn >= 0) printf(", rate by kernel %d", q->rate_kernel);
        if (q->weight_net >= 0) printf(", weight %s", p->net[q->weight_net].name);
        if (q->gain_net >= 0) printf(", gain %s", p->net[q->gain_net].name);
        printf("\n");
    }
    for (int k = 0; k < p->n_recs; k++) {
        const PlanRec *q = &p->rec[k];
        printf("record %s:", p->pop[q->pop].name);
        for (int v = 0; v < q->n_vars; v++) printf(" %s", q->var[v].name);
        printf(" of %u neurons", q->sel.n);
        print_when(&q->when);
        printf("%s\n", q->watched ? ", for what is expected" : "");
    }
    for (int k = 0; k < p->n_counts; k++) {
        const PlanCount *q = &p->count[k];
        printf("record %s of %s: %u neurons every %lld steps\n", q->each ? "count" : "rate", p->pop[q->pop].name, q->sel.n, (long long)q->every);
    }
    for (int k = 0; k < p->n_syn_recs; k++) {
        const PlanSynRec *q = &p->syn_rec[k];
        printf("record synapses of %s:", q->name);
        for (int v = 0; v < q->n_vars; v++) printf(" %s", q->var[v].name);
        print_when(&q->when);
        printf("%s\n", q->connectivity ? ", the whole projection" : q->watched ? ", for what is expected" : "");
    }
    for (int k = 0; k < p->n_nets; k++)
        if (*p->net[k].name != '~') printf("network %s = %.10g %s\n", p->net[k].name, p->net[k].value, p->net[k].unit);
    for (int k = 0; k < p->n_runs; k++) {
        for (int q = 0; q < p->n_moments; q++) {
            const PlanMoment *m = &p->moment[q];
            if (m->run != k) continue;
            printf("%s", m->name);
            if (m->every) printf(" each %lld steps from %lld", (long long)m->every, (long long)m->from);
            else if (m->at >= 0) printf(" at step %lld", (long long)m->at);
            printf(": %d acts", m->n_acts);
            print_acts(p, m->act, m->n_acts);
            printf("\n");
        }
        printf("run %lld steps%s\n", (long long)p->run[k].steps, p->run[k].until >= 0 ? " until a condition" : "");
    }
}

int command_emit(const Options *o, int argc, char **argv)
{
    if (argc != 2) return complain_usage("`cortexc emit` takes a stage (ast, ir, plan) and a model");
    bool ast = !strcmp(argv[0], "ast"), ir = !strcmp(argv[0], "ir"), plan = !strcmp(argv[0], "plan");
    if (!ast && !ir && !plan) return complain_usage("`cortexc emit` knows ast, ir and plan, not `%s`", argv[0]);
    Loaded l;
    Buf out = {0};
    int status = load(argv[1], o, !ast, &out, &l);
    if (l.file && ast) ast_print(l.file, &out);
    if (!status && ir)
        for (size_t k = 0; k < vec_len(l.model->mod); k++) ir_print(l.model->mod[k], &out);
    if (out.len) fwrite(out.p, 1, out.len, stdout);
    if (!status && plan) print_plan(l.model);
    buf_free(&out);
    unload(&l);
    return status;
}

int command_show(const Options *o, int argc, char **argv)
{
    if (argc != 1) return complain_usage("`cortexc show` takes one output file");
    setlocale(LC_CTYPE, "");
    Fail f;
    int columns = os_columns(stdout);
    if (columns > 120) columns = 120;
    if (output_sweep_show(argv[0], stdout)) return 0;
    Summary *s = output_summary(argv[0], RASTER_COLUMNS, RASTER_ROWS, &f);
    if (!s) return complain(o, &f);
    summary_print(s, stdout, color_for(o, stdout), columns);
    putchar('\n');
    summary_raster(s, stdout, color_for(o, stdout), columns, 0);
    summary_free(s);
    return 0;
}

/* ---- list ---- */
static bool wanted(const char *only, const char *name) { return !only || !strcmp(only, name); }

static int list_args(const ArgDef *a, int n)
{
    for (int k = 0; k < n; k++) {
        printf("    %-10s %s%s\n", a[k].name, a[k].doc, a[k].required ? "" : " (may be left out)");
    }
    return n;
}

static int list_rules(const char *only)
{
    int found = 0;
    for (int k = 0; k < runtime_registry.n_rules; k++) {
        const RuleDef *r = runtime_registry.rule[k];
        if (!wanted(only, r->name)) continue;
        printf("%s\n    %s\n    %s\n", r->name, r->doc, r->example);
        list_args(r->arg, r->n_args);
        found++;
    }
    return found;
}

static int list_stimuli(const char *only)
{
    int found = 0;
    for (int k = 0; k < runtime_registry.n_stims; k++) {
        const StimDef *r = runtime_registry.stim[k];
        if (!wanted(only, r->name)) continue;
        printf("%s\n    %s\n    %s\n", r->name, r->doc, r->example);
        list_args(r->arg, r->n_args);
        found++;
    }
    return found;
}

static int list_measures(const char *only)
{
    int found = 0;
    for (int k = 0; k < runtime_registry.n_measures; k++) {
        const MeasureDef *m = runtime_registry.measure[k];
        if (!wanted(only, m->name)) continue;
        printf("%s\n    %s\n    %s\n", m->name, m->doc, m->example);
        if (m->width) printf("    %-10s a time (%g ms when it is left out)\n", m->width, m->width_ms);
        if (*m->source) printf("    after %s\n", m->source);
        found++;
    }
    return found;
}

static int list_units(const char *only)
{
    int found = 0;
    for (size_t k = 0; k < unit_count(); k++) {
        const char *name, *doc;
        Unit u;
        unit_row(k, &name, &doc, &u);
        if (!wanted(only, name)) continue;
        printf("%-6s %s\n", name, doc);
        found++;
    }
    return found;
}

static int list_functions(const char *only)
{
    int found = 0;
    for (int k = 0; k < n_function_names; k++) {
        if (!wanted(only, function_names[k])) continue;
        printf("%-44s %s\n", function_docs[k].example, function_docs[k].doc);
        found++;
    }
    return found;
}

static int list_integrators(const char *only)
{
    int found = 0;
    for (int k = 0; k < n_integrators; k++) {
        if (!wanted(only, integrators[k]->name)) continue;
        printf("%-18s %s\n", integrators[k]->name, integrators[k]->doc);
        found++;
    }
    return found;
}

static int list_plots(const char *only)
{
    const char *name, *doc;
    int found = 0;
    for (int k = 0; plot_row(k, &name, &doc); k++) {
        if (!wanted(only, name)) continue;
        printf("%-10s %s\n", name, doc);
        found++;
    }
    return found;
}

static int list_diagnostics(const char *only)
{
    int found = 0;
    for (int k = 0; k < N_DIAG; k++) {
        if (!wanted(only, diag_name((DiagId)k))) continue;
        if (only) return explain(only) == 0;
        const char *story = diag_story((DiagId)k); /* its first sentence */
        size_t n = strcspn(story, ".:");
        printf("%-26s ", diag_name((DiagId)k));
        for (size_t c = 0; c < n; c++) putchar(story[c] == '\n' ? ' ' : story[c]);
        putchar('\n');
        found++;
    }
    return found;
}

/* The doc comment and signature of every neuron of a library file. */
static int list_models(const Options *o, const char *only)
{
    int found = 0;
    Arena *a = arena_new("list");
    const char **dirs = library_dirs(a), **names = compile_library(a, dirs);
    for (int k = 0; names[k]; k++) {
        if (!wanted(only, names[k])) continue;
        const char *path = NULL;
        for (int d = 0; dirs[d] && !path; d++) {
            const char *p = arena_printf(a, "%s/%s.cortex", dirs[d], names[k]);
            if (os_exists(p)) path = p;
        }
        if (!path) continue;
        found++;
        Loaded l;
        if (load(path, o, false, NULL, &l) == 0)
            for (int q = 0; q < l.file->n_kids; q++) {
                const Node *n = l.file->kid[q];
                if (!n || !n->name || strcmp(n->name, names[k])) continue;
                if (only) {
                    const SourceFile *src = source_at(l.ast.sources, 0); /* as it is written, with its comments */
                    printf("%s\n%s\n\n%.*s\n", n->name, n->doc ? n->doc : "", (int)(n->span.hi - n->span.lo), src->text + (n->span.lo - src->base));
                } else {
                    const char *first = n->doc ? n->doc : "";
                    printf("%-16s %.*s\n", n->name, (int)strcspn(first, "\n"), first);
                }
            }
        unload(&l);
    }
    arena_free(a);
    return found;
}

int command_list(const Options *o, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*list)(const char *only);
    } kinds[] = {{"rules", list_rules}, {"stimuli", list_stimuli}, {"measures", list_measures}, {"units", list_units}, {"functions", list_functions},
                 {"integrators", list_integrators}, {"plots", list_plots}, {"diagnostics", list_diagnostics}};
    if (argc < 1 || argc > 2) return complain_usage("`cortexc list` takes models, rules, stimuli, measures, units, functions, integrators, plots or diagnostics");
    const char *only = argc > 1 ? argv[1] : NULL;
    int found = -1;
    if (!strcmp(argv[0], "models")) found = list_models(o, only);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (!strcmp(argv[0], kinds[k].name)) found = kinds[k].list(only);
    if (found < 0) return complain_usage("`cortexc list` knows no `%s`", argv[0]);
    if (!found && only) return complain_usage("no `%s` among the %s", only, argv[0]);
    return 0;
}

int explain(const char *id)
{
    DiagId d;
    const char *names[N_DIAG];
    for (int k = 0; k < N_DIAG; k++) names[k] = diag_name((DiagId)k);
    if (!diag_find(id, &d)) {
        const char *near = diag_nearest(id, names, N_DIAG);
        if (near) return complain_usage("there is no diagnostic `%s`; did you mean `%s`?", id, near);
        return complain_usage("there is no diagnostic `%s`; `cortexc list diagnostics` shows all", id);
    }
    printf("%s\n\n%s", diag_name(d), diag_story(d));
    return 0;
}
