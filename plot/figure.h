/* What the panels of a figure share. Lengths are in units of 1/96 inch, y grows downwards. */
#ifndef CORTEXC_FIGURE_H
#define CORTEXC_FIGURE_H

#include "output.h"
#include "plot.h"

#include <cairo.h>

typedef struct Rgb {
    double r, g, b;
} Rgb;
typedef struct Box {
    double x, y, w, h;
} Box;
typedef struct FigPop {
    int plan; /* as in output_plan */
    const char *name;
    uint32_t n;
    Rgb color, ink; /* of marks; of words, which need more contrast */
} FigPop;

typedef struct PlotKind PlotKind;
typedef struct Panel {
    const PlotKind *kind;
    const char *arg;     /* which variable, for traces */
    double height;       /* as it would like to be, with its heading */
    double left, right;  /* room for words beside a panel over time */
    void *data;          /* the panel's own, in the figure's arena */
} Panel;

typedef struct Figure {
    Arena *arena;
    const char *path;
    OutputFile *file;
    const Plan *plan;
    const PlotOptions *opt;
    int n_pops;     /* those chosen */
    FigPop *pop;
    int *row_of;    /* [population of the plan]: place in pop, or -1 */
    int n_projs, n_vars, n_syns;
    const OutputProj *proj;
    const OutputVar *var;
    const OutputSyn *syn;
    int64_t first, last; /* window: steps first+1 … last */
    double from, to;     /* the same in ms */
    int n_panels;
    Panel *panel;
    bool with_raster; /* then colours need no explanation beside the others */
    cairo_t *cr;
    double scale; /* device pixels per unit, also of images inside of SVG and PDF */
    bool vector;
} Figure;

struct PlotKind {
    const char *name, *doc;
    bool time; /* shares the time axis with the others of its kind */
    bool wide; /* takes a row of its own */
    /* Says how much room the panel wants; false and a Fail (65) when the file does not hold it. */
    bool (*prepare)(Figure *g, Panel *p, Fail *f);
    bool (*draw)(Figure *g, const Panel *p, Box b, Fail *f);
};

/* ---- draw.c: words, ticks, axes ---- */
enum { DRAW_LEFT = 0, DRAW_MIDDLE = 1, DRAW_RIGHT = 2, DRAW_BOLD = 4 };
extern const Rgb draw_ink, draw_pale, draw_grid, draw_excitatory, draw_inhibitory;
enum { FONT = 12, FONT_SMALL = 11, HEADING = 22 }; /* sizes; height of a heading with its gap */
void draw_color(cairo_t *cr, Rgb c, double alpha);
Rgb draw_mix(Rgb a, Rgb b, double share_of_b);
double draw_luminance(Rgb c);
double draw_width(cairo_t *cr, const char *text, double size, int how);
/* At the baseline y; `how` is DRAW_LEFT … with DRAW_BOLD. */
void draw_text(cairo_t *cr, double x, double y, double size, int how, Rgb c, const char *text);
/* Cut with an ellipsis where it is longer than `room`. */
void draw_text_in(cairo_t *cr, double x, double y, double size, int how, Rgb c, const char *text,
                  double room);
/* A bold name and a pale remark at the top of a box; returns what is left of the box. */
Box draw_heading(Figure *g, Box b, const char *name, const char *remark);
void draw_line(Figure *g, double x0, double y0, double x1, double y1, double width, Rgb c);
/* The centre of the device pixel that holds v, so that thin lines are sharp. */
double draw_snap(const Figure *g, double v);
void draw_dash(cairo_t *cr, double on, double off);
typedef struct Ticks {
    double step;
    int64_t first; /* tick k stands at (first + k)*step */
    int n, decimals;
} Ticks;
/* Round numbers in [lo, hi], `most` at most. */
Ticks draw_ticks(double lo, double hi, int most);
double draw_tick(const Ticks *t, int k);
void draw_number(char text[32], double v, int decimals);
void draw_count(char text[32], double v); /* 12,345 */
/* Ticks and numbers left of x for values lo … hi from y0 up to y1. */
void draw_y_axis(Figure *g, double x, double y0, double y1, double lo, double hi, int most,
                 double grid_to);
/* Numbers below y for values lo … hi from x0 to x1, with the name of the axis below them. */
void draw_x_axis(Figure *g, double y, double x0, double x1, double lo, double hi, int most,
                 const char *name);

/* ---- figure.c ---- */
double figure_x(const Figure *g, Box b, double ms);
/* The recorded spikes of the chosen populations within the window, one call each in order of
 * population, then time. */
typedef void FigureSpike(void *user, int row, int64_t step, uint32_t cell);
bool figure_spikes(Figure *g, FigureSpike *take, void *user, Fail *f);
/* Time axis of a panel: pale lines behind it. */
void figure_time_grid(Figure *g, Box b);
/* The name of a projection is inhibitory: a negative weight, or a port that is called so. */
bool figure_inhibitory(const OutputProj *p);
/* 65 "FILE has no WHAT; HOW". Returns false. */
bool figure_lacks(const Figure *g, Fail *f, const char *what, const char *how);

/* ---- write.c: the figure as bytes, and the bytes as a file ---- */
typedef enum WriteFormat { WRITE_PNG, WRITE_SVG, WRITE_PDF } WriteFormat;
/* By the ending of the name; false when it is none of them. */
bool write_format(const char *path, WriteFormat *out);
/* 73 where `path` cannot be, or holds something else than a figure and `force` is not given. */
bool write_allowed(const char *path, bool force, Fail *f);
typedef struct WriteSurface {
    cairo_surface_t *surface;
    WriteFormat format;
    Buf bytes;
} WriteSurface;
/* `scale` device pixels per unit; PDF and SVG have the size in units. */
void write_open(WriteSurface *w, WriteFormat format, double width, double height, double scale,
                const char *title, const char *date);
/* To PATH.tmp, synced, renamed; frees in any case. */
bool write_finish(WriteSurface *w, const char *path, Fail *f);
void write_drop(WriteSurface *w);

#endif
