/* A figure from an output file: which panels, how large, and how they stand. Panels over time lie
 * one below the other on one time axis; the others follow below, two in a row. */
#include "figure.h"

#include <math.h>
#include <string.h>

#define PLOT(name) extern const PlotKind plot_##name;
#include "plots.def"
#undef PLOT
static const PlotKind *const kinds[] = {
#define PLOT(name) &plot_##name,
#include "plots.def"
#undef PLOT
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* Words that stand for several panels. */
static const struct {
    const char *name, *doc, *of[2];
} groups[] = {{"matrix", "who talks to whom: indegree and strength side by side", {"indegree", "strength"}}};
enum { N_GROUPS = sizeof groups / sizeof *groups, PAD = 18, GAP = 14, AXIS = 40, TITLE = 44 };
enum { WIDE = 960, NARROW = 560, DPI = 192, UNITS = 96, LARGEST = 20000, MOST_PIXELS = 200 << 20 };

bool plot_row(int k, const char **name, const char **doc)
{
    if (k >= N_KINDS + N_GROUPS) return false;
    *name = k < N_KINDS ? kinds[k]->name : groups[k - N_KINDS].name;
    *doc = k < N_KINDS ? kinds[k]->doc : groups[k - N_KINDS].doc;
    return true;
}

bool figure_lacks(const Figure *g, Fail *f, const char *what, const char *how)
{
    return fail_set(f, EXIT_MODEL, "%s has no %s; %s", g->path, what, how);
}

bool figure_inhibitory(const OutputProj *p)
{
    static const char *const port[] = {"gi", "Ii", "si", "gaba", "inh"};
    for (size_t k = 0; k < sizeof port / sizeof *port; k++)
        if (!strcmp(p->port, port[k])) return true;
    return p->weight_mean < 0 || strstr(p->port, "inh") || strstr(p->port, "gaba");
}

double figure_x(const Figure *g, Box b, double ms)
{
    return b.x + (ms - g->from) / (g->to - g->from) * b.w;
}

/* ---- spikes ---- */
typedef struct Taker {
    Sink sink;
    Figure *g;
    FigureSpike *take;
    void *user;
} Taker;

static bool take_spikes(Sink *s, int pop, int64_t step, const uint32_t *id, size_t n, Fail *f)
{
    Taker *t = (Taker *)s;
    int row = t->g->row_of[pop];
    (void)f;
    if (row < 0 || step <= t->g->first || step > t->g->last) return true;
    for (size_t k = 0; k < n; k++)
        t->take(t->user, row, step, id[k]);
    return true;
}

bool figure_spikes(Figure *g, FigureSpike *take, void *user, Fail *f)
{
    Taker t = {{.spikes = take_spikes}, g, take, user};
    return output_spikes(g->file, &t.sink, f);
}

/* ---- what to draw ---- */

/* Pale colours become darker: yellow marks cannot be seen on white. */
static Rgb darker(Rgb c, double most)
{
    double l = draw_luminance(c);
    return l > most ? (Rgb){c.r * most / l, c.g * most / l, c.b * most / l} : c;
}

static bool in_list(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; *p;) {
        size_t m = strcspn(p, ",");
        const char *a = p, *z = p + m;
        while (a < z && *a == ' ') a++;
        while (z > a && z[-1] == ' ') z--;
        if ((size_t)(z - a) == n && !memcmp(a, name, n)) return true;
        p += m + (p[m] == ',');
    }
    return false;
}

/* Every word of `--of` has to be a population or a layer of the file. */
static bool check_of(const Figure *g, Fail *f)
{
    const char **name = arena_many(g->arena, const char *, 2 * (size_t)g->plan->n_pops + 1);
    size_t n = 0;
    for (int k = 0; k < g->plan->n_pops; k++) {
        name[n++] = g->plan->pop[k].name;
        name[n++] = g->plan->pop[k].layer;
    }
    for (const char *p = g->opt->of; *p;) {
        size_t m = strcspn(p, ","), known = 0;
        char *word = arena_strndup(g->arena, p, m);
        while (*word == ' ') word++;
        for (size_t z = strlen(word); z && word[z - 1] == ' '; z--) word[z - 1] = '\0';
        while (known < n && strcmp(name[known], word) != 0) known++;
        if (known == n) {
            const char *near = diag_nearest(word, name, n);
            return fail_set(f, EXIT_USAGE, "%s has no population `%s`%s%s%s", g->path, word,
                            near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
        }
        p += m + (p[m] == ',');
    }
    return true;
}

static bool choose_pops(Figure *g, Fail *f)
{
    const Plan *p = g->plan;
    g->pop = arena_many(g->arena, FigPop, (size_t)p->n_pops + 1);
    g->row_of = arena_many(g->arena, int, (size_t)p->n_pops + 1);
    if (g->opt->of && !check_of(g, f)) return false;
    for (int k = 0; k < p->n_pops; k++) {
        const PlanPop *q = &p->pop[k];
        g->row_of[k] = -1;
        if (g->opt->of && !in_list(g->opt->of, q->name) && !in_list(g->opt->of, q->layer)) continue;
        int before = 0; /* of the same layer: darker, so that they can be told apart */
        for (int j = 0; j < k; j++)
            before += !strcmp(p->pop[j].layer, q->layer);
        Rgb c = {q->color[0], q->color[1], q->color[2]};
        if (!(c.r >= 0 && c.r <= 1 && c.g >= 0 && c.g <= 1 && c.b >= 0 && c.b <= 1)) c = draw_pale;
        c = draw_mix(darker(c, 0.66), (Rgb){0, 0, 0}, before ? 0.45 : 0);
        g->row_of[k] = g->n_pops;
        g->pop[g->n_pops++] = (FigPop){k, q->name, q->n, c, darker(c, 0.46)};
    }
    if (!g->n_pops) return figure_lacks(g, f, "populations", "there is nothing to draw");
    return true;
}

static bool choose_window(Figure *g, Fail *f)
{
    const PlotOptions *o = g->opt;
    double dt = g->plan->dt;
    int64_t end = g->plan->run[0].steps;
    bool exact;
    g->last = end;
    if (isfinite(o->from) && (o->from < 0 || !decimal_steps(o->from, dt, &g->first, &exact) || g->first >= end))
        return fail_set(f, EXIT_USAGE, "--from lies outside of the run, which ends at %g ms", decimal_time(end, dt));
    if (isfinite(o->to) && (!decimal_steps(o->to, dt, &g->last, &exact) || g->last <= g->first))
        return fail_set(f, EXIT_USAGE, "--to lies before the beginning of the figure");
    if (g->last > end) g->last = end;
    if (g->last <= g->first) return figure_lacks(g, f, "time", "nothing was simulated");
    g->from = decimal_time(g->first, dt);
    g->to = decimal_time(g->last, dt);
    return true;
}

static void add_panel(Figure *g, const PlotKind *kind, const char *arg)
{
    for (int k = 0; k < g->n_panels; k++)
        if (g->panel[k].kind == kind && g->panel[k].arg == arg) return;
    Panel *all = arena_many(g->arena, Panel, (size_t)g->n_panels + 1);
    if (g->n_panels) memcpy(all, g->panel, (size_t)g->n_panels * sizeof *all);
    all[g->n_panels++] = (Panel){.kind = kind, .arg = arg};
    g->panel = all;
    g->with_raster = g->with_raster || kind == &plot_raster;
}

/* "V#2" is a second recording of V. */
static Sym plain_name(const OutputVar *x)
{
    return sym_n(x->name, strcspn(x->name, "#"));
}

/* One panel for each variable that was recorded of the chosen populations. False: there is none. */
static bool add_traces(Figure *g, const char *only)
{
    bool any = false;
    for (int k = 0; k < g->n_vars; k++) {
        Sym name = plain_name(&g->var[k]);
        if (g->row_of[g->var[k].pop] < 0 || !g->var[k].cells || (only && strcmp(only, name) != 0)) continue;
        add_panel(g, &plot_traces, name);
        any = true;
    }
    return any;
}

static bool unknown_panel(Figure *g, const char *word, Fail *f)
{
    const char **name = arena_many(g->arena, const char *, (size_t)(N_KINDS + N_GROUPS + g->n_vars)), *doc;
    size_t n = 0;
    while (plot_row((int)n, &name[n], &doc)) n++;
    for (int k = 0; k < g->n_vars; k++) name[n++] = plain_name(&g->var[k]);
    const char *near = diag_nearest(word, name, n);
    if (near) return fail_set(f, EXIT_USAGE, "there is no plot `%s`; did you mean `%s`?", word, near);
    return fail_set(f, EXIT_USAGE, "there is no plot `%s`, and no variable of that name was recorded; `cortexc list plots` shows all plots", word);
}

static bool add_word(Figure *g, const char *word, Fail *f)
{
    if (!strcmp(word, "traces"))
        return add_traces(g, NULL) || figure_lacks(g, f, "recorded variables", "write `record V of POPULATION[0:5] every 0.5 ms` in the model and run it again");
    for (int k = 0; k < N_KINDS; k++)
        if (!strcmp(word, kinds[k]->name)) {
            add_panel(g, kinds[k], NULL);
            return true;
        }
    for (int k = 0; k < N_GROUPS; k++)
        if (!strcmp(word, groups[k].name)) return add_word(g, groups[k].of[0], f) && add_word(g, groups[k].of[1], f);
    if (add_traces(g, word)) return true;
    if (!strcmp(word, "V") || !strcmp(word, "ge") || !strcmp(word, "gi") || !strcmp(word, "w"))
        return figure_lacks(g, f, arena_printf(g->arena, "recorded `%s`", word),
                            arena_printf(g->arena, "write `record %s of POPULATION[0:5] every 0.5 ms` in the model and run it again", word));
    return unknown_panel(g, word, f);
}

static bool choose_panels(Figure *g, Fail *f)
{
    bool any_spikes = false;
    for (int k = 0; k < g->n_pops; k++)
        any_spikes = any_spikes || g->plan->pop[g->pop[k].plan].record_spikes;
    for (int k = 0; k < g->opt->n_what; k++)
        if (!add_word(g, g->opt->what[k], f)) return false;
    if (!g->opt->n_what) {
        if (any_spikes) add_panel(g, &plot_raster, NULL), add_panel(g, &plot_rates, NULL);
        bool traces = add_traces(g, NULL);
        if (!any_spikes && !traces)
            return figure_lacks(g, f, "spikes and no recorded variables", "write `record spikes of POPULATION` in the model and run it again");
    }
    for (int k = 0; k < g->n_panels; k++)
        if (!g->panel[k].kind->prepare(g, &g->panel[k], f)) return false;
    return true;
}

/* ---- how they stand ---- */
typedef struct Layout {
    double width, height, left, right, squeeze; /* squeeze: of heights, where the size is given */
    int n_time;
    Box *box; /* [panel] with room for words at both sides of panels over time */
} Layout;

static double panel_rows(Figure *g, Layout *l, bool place, double y)
{
    double half = (l->width - 2 * PAD - 2 * GAP) / 2, full = l->width - 2 * PAD, row = 0;
    int column = 0;
    for (int k = 0; k < g->n_panels; k++) {
        const Panel *p = &g->panel[k];
        if (!p->kind->time) continue;
        double h = p->height * l->squeeze;
        if (place) l->box[k] = (Box){PAD + l->left, y, full - l->left - l->right, h};
        y += h + GAP;
    }
    y += l->n_time ? AXIS - GAP : 0;
    y += l->n_time && l->n_time < g->n_panels ? 2 * GAP : 0;
    for (int k = 0; k < g->n_panels; k++) {
        const Panel *p = &g->panel[k];
        if (p->kind->time) continue;
        bool alone = true; /* in its row: wide, or nothing comes beside it */
        for (int j = k + 1; j < g->n_panels && alone; j++)
            alone = g->panel[j].kind->time || g->panel[j].kind->wide;
        if ((p->kind->wide || (alone && !column)) && column) y += row + 2 * GAP, column = 0, row = 0;
        double h = p->height * l->squeeze;
        bool whole = p->kind->wide || (alone && !column);
        if (place) l->box[k] = (Box){PAD + column * (half + 2 * GAP), y, whole ? full : half, h};
        row = row > h ? row : h;
        if (whole || column) y += row + 2 * GAP, column = 0, row = 0;
        else column = 1;
    }
    if (column) y += row + 2 * GAP;
    return y - (l->n_time < g->n_panels ? 2 * GAP : 0) + PAD;
}

static Layout layout(Figure *g)
{
    Layout l = {.squeeze = 1, .left = 44, .right = 16, .box = arena_many(g->arena, Box, (size_t)g->n_panels)};
    const char *title = g->opt->title ? g->opt->title : g->plan->title;
    double top = PAD + (*title ? TITLE : 0);
    for (int k = 0; k < g->n_panels; k++) {
        const Panel *p = &g->panel[k];
        l.n_time += p->kind->time;
        if (p->left > l.left) l.left = p->left;
        if (p->right > l.right) l.right = p->right;
    }
    bool narrow = !l.n_time && g->n_panels == 1 && !g->panel[0].kind->wide;
    l.width = g->opt->width ? g->opt->width : narrow ? NARROW : WIDE;
    l.height = ceil(panel_rows(g, &l, false, top));
    if (g->opt->height) {
        l.squeeze = 0;
        double fixed = panel_rows(g, &l, false, top);
        l.squeeze = (g->opt->height - fixed) / (l.height - fixed);
        if (l.squeeze < 0.2) l.squeeze = 0.2;
        l.height = g->opt->height;
    }
    panel_rows(g, &l, true, top);
    return l;
}

/* The unit of the time axis: as one would say it. */
static const char *time_unit(const Figure *g, double *ms)
{
    *ms = g->to > 36e6 ? 3.6e6 : g->to > 1.2e6 ? 6e4 : g->to > 1e4 ? 1e3 : 1;
    return g->to > 36e6 ? "h" : g->to > 1.2e6 ? "min" : g->to > 1e4 ? "s" : "ms";
}

static int time_ticks(Box b)
{
    return b.w > 500 ? 11 : b.w > 250 ? 6 : 4;
}

void figure_time_grid(Figure *g, Box b)
{
    double ms;
    time_unit(g, &ms);
    Ticks t = draw_ticks(g->from / ms, g->to / ms, time_ticks(b));
    for (int k = 0; k < t.n; k++) {
        double x = figure_x(g, b, draw_tick(&t, k) * ms);
        draw_line(g, x, b.y, x, b.y + b.h, 0.8, draw_grid);
    }
}

static void time_axis(Figure *g, Box b)
{
    char name[32];
    double ms;
    snprintf(name, sizeof name, "time (%s)", time_unit(g, &ms));
    draw_x_axis(g, b.y + b.h + 4, b.x, b.x + b.w, g->from / ms, g->to / ms, time_ticks(b), name);
}

static void draw_title(Figure *g, const Layout *l)
{
    const char *title = g->opt->title ? g->opt->title : g->plan->title;
    char cells[32], spikes[32];
    uint64_t n = 0;
    if (!*title) return;
    for (int k = 0; k < g->n_pops; k++) n += g->pop[k].n;
    draw_text_in(g->cr, PAD, PAD + 14, 16, DRAW_BOLD, draw_ink, title, l->width - 2 * PAD);
    draw_count(cells, (double)n);
    draw_number(spikes, g->to - g->from < 1e4 ? g->to - g->from : (g->to - g->from) / 1e3, 0);
    const char *remark = arena_printf(g->arena, "%s neuron%s in %d population%s, %s %s", cells, n == 1 ? "" : "s", g->n_pops,
                                      g->n_pops == 1 ? "" : "s", spikes, g->to - g->from < 1e4 ? "ms" : "s");
    draw_text_in(g->cr, PAD, PAD + 32, FONT_SMALL, DRAW_LEFT, draw_pale, remark, l->width - 2 * PAD);
}

static bool draw_all(Figure *g, const Layout *l, Fail *f)
{
    int last = -1;
    draw_color(g->cr, (Rgb){1, 1, 1}, 1);
    cairo_paint(g->cr);
    draw_title(g, l);
    for (int k = 0; k < g->n_panels; k++) {
        cairo_save(g->cr);
        if (!g->panel[k].kind->draw(g, &g->panel[k], l->box[k], f)) return false;
        cairo_restore(g->cr);
        if (g->panel[k].kind->time) last = k;
    }
    if (last >= 0) time_axis(g, l->box[last]);
    return true;
}

static bool draw_file(Figure *g, const char *out, WriteFormat format, char *said, size_t size, Fail *f)
{
    WriteSurface measure, w;
    write_open(&measure, WRITE_PNG, 1, 1, 1, "", "");
    g->cr = cairo_create(measure.surface);
    Layout l = {0};
    bool ok = choose_panels(g, f);
    if (ok) l = layout(g);
    cairo_destroy(g->cr);
    write_drop(&measure);
    if (!ok) return false;
    g->vector = format != WRITE_PNG;
    g->scale = (double)(g->opt->dpi ? g->opt->dpi : DPI) / UNITS;
    double px = round(l.width * g->scale), py = round(l.height * g->scale);
    if (px > LARGEST || py > LARGEST || px * py > MOST_PIXELS)
        return fail_set(f, EXIT_USAGE, "a figure of %.0f x %.0f pixels is too large; a smaller --size or --dpi helps", px, py);
    write_open(&w, format, l.width, l.height, g->scale, g->plan->title, output_created(g->file));
    g->cr = cairo_create(w.surface);
    ok = draw_all(g, &l, f);
    cairo_destroy(g->cr);
    if (!ok) {
        write_drop(&w);
        return false;
    }
    if (!write_finish(&w, out, f)) return false;
    Buf list = {0};
    for (int k = 0; k < g->n_panels; k++)
        buf_printf(&list, "%s%s", k ? ", " : "", g->panel[k].arg ? g->panel[k].arg : g->panel[k].kind->name);
    if (format == WRITE_PNG) snprintf(said, size, "%s: %s; %.0f x %.0f pixels", out, list.p, px, py);
    else snprintf(said, size, "%s: %s", out, list.p);
    buf_free(&list);
    return true;
}

bool plot_file(const char *path, const PlotOptions *o, char *said, size_t size, Fail *f)
{
    WriteFormat format = WRITE_PNG;
    Arena *a = arena_new("figure");
    const char *out = o->out ? o->out : arena_printf(a, "%s.png", os_basename(a, path, ".h5"));
    Figure g = {.arena = a, .path = path, .opt = o};
    bool ok = write_format(out, &format) || fail_set(f, EXIT_USAGE, "a figure is written as .png, .svg or .pdf, not as `%s`", out);
    g.file = ok ? output_read(path, f) : NULL;
    ok = g.file != NULL && write_allowed(out, o->force, f);
    if (ok) {
        g.plan = output_plan(g.file);
        ok = (g.n_vars = output_vars(g.file, &g.var, f)) >= 0 && (g.n_projs = output_projs(g.file, &g.proj, f)) >= 0 &&
             (g.n_syns = output_syns(g.file, &g.syn, f)) >= 0 && choose_pops(&g, f) && choose_window(&g, f) &&
             draw_file(&g, out, format, said, size, f);
    }
    output_close(g.file);
    arena_free(a);
    return ok;
}
