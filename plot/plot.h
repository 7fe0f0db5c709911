/* Figures of an output file: PNG, SVG or PDF, drawn with Cairo. Reads nothing but the file. */
#ifndef CORTEXC_PLOT_H
#define CORTEXC_PLOT_H

#include "base.h"

typedef struct PlotOptions {
    const char *out;          /* its ending says the format; NULL: the input's name with .png */
    const char *const *what;  /* panels from top to bottom; none: raster, rates and traces */
    int n_what;
    const char *of;           /* populations or layers, "L4, basket"; NULL: all */
    double from, to;          /* ms; NAN: from the beginning, to the end */
    int width, height;        /* in units of 1/96 inch; 0: as fits what is drawn */
    int dpi;                  /* of PNG, and of what is drawn as an image in the others; 0: 192 */
    const char *title;        /* NULL: the model's; "": none */
    bool force;               /* overwrite what is no figure */
} PlotOptions;

/* Draws and writes. False and a Fail: 64 no such panel, population or format, 65 the file does not
 * hold what is asked for (the text says how to record it), 66 no such file, 73 and 74 the figure
 * cannot be written; nothing is left behind. `said` receives a line about what was drawn. */
bool plot_file(const char *path, const PlotOptions *o, char *said, size_t size, Fail *f);

/* Row k of the table of panels; false behind the last one. */
bool plot_row(int k, const char **name, const char **doc);

#endif
