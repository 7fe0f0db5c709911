/* A raster of spikes in the terminal. Each population has some lines, each line four rows of dots,
 * each row a range of cells. How many cells of its range a row shows (1, 4, 16, … ) is decided when
 * it is drawn, so that busy populations are not solid and slow ones not empty. Time is kept in
 * columns of equal length; when they are full, two become one, so that nobody has to know how long
 * the run will be. */
#include "output.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEVELS = 6, /* the first 4^level cells of a row's range */
    DOTS_X = 2,
    DOTS_Y = 4,    /* in one character of braille */
    MAX_FILL = 30, /* per cent of dots */
    LABEL = 12     /* longest label */
};

typedef struct RastPop {
    char name[64];
    double color[3];
    uint32_t n;
    int rows;       /* lines of characters */
    int64_t bin;    /* steps in a column */
    uint8_t *level; /* [row of dots][column]: bit l is set when level l shows a spike */
} RastPop;

struct Raster {
    int n_pops, n_shown, n_left_out, rows, columns; /* columns as kept, not as drawn */
    int *order;
    double dt;
    RastPop *pop;
};

/* Lines go to populations in proportion to their cells, but at least two where there is room, and
 * no more than there are cells to show. */
static void share_rows(Raster *r, int rows)
{
    int least = 2 * r->n_shown <= rows ? 2 : 1;
    for (int k = 0; k < r->n_shown; k++) {
        RastPop *p = &r->pop[r->order[k]];
        p->rows = p->n <= DOTS_Y ? 1 : least;
        r->rows += p->rows;
    }
    for (; r->rows < rows; r->rows++) {
        RastPop *best = NULL;
        for (int k = 0; k < r->n_shown; k++) {
            RastPop *p = &r->pop[r->order[k]];
            if ((uint32_t)(p->rows * DOTS_Y) >= p->n) continue;
            if (!best || (uint64_t)p->n * (uint64_t)(best->rows + 1) >
                             (uint64_t)best->n * (uint64_t)(p->rows + 1))
                best = p;
        }
        if (!best) return;
        best->rows++;
    }
}

Raster *raster_new(const Plan *p, int columns, int rows)
{
    Raster *r = cx_alloc(1, sizeof *r, "raster");
    *r = (Raster){.n_pops = p->n_pops, .dt = p->dt, .columns = 4 * DOTS_X * columns};
    r->pop = cx_alloc((size_t)p->n_pops + 1, sizeof *r->pop, "raster");
    r->order = cx_alloc((size_t)p->n_pops + 1, sizeof *r->order, "raster");
    for (int k = 0; k < p->n_pops; k++) {
        RastPop *to = &r->pop[k];
        int at = p->pop_order ? p->pop_order[k] : k;
        if (p->pop[at].record_spikes && p->pop[at].n) {
            if (r->n_shown < rows)
                r->order[r->n_shown++] = at;
            else
                r->n_left_out++;
        }
        snprintf(to->name, sizeof to->name, "%s", p->pop[k].name);
        memcpy(to->color, p->pop[k].color, sizeof to->color);
        to->n = p->pop[k].n;
        to->bin = 1;
    }
    share_rows(r, rows);
    for (int k = 0; k < r->n_shown; k++) {
        RastPop *to = &r->pop[r->order[k]];
        to->level = cx_alloc((size_t)(to->rows * DOTS_Y * r->columns), 1, "raster");
    }
    return r;
}

static void halve(RastPop *p, int columns)
{
    for (int y = 0; y < p->rows * DOTS_Y; y++) {
        uint8_t *row = p->level + (size_t)y * (size_t)columns;
        for (int x = 0; x < columns; x += 2)
            row[x / 2] = row[x] | row[x + 1];
        memset(row + columns / 2, 0, (size_t)columns / 2);
    }
    p->bin *= 2;
}

void raster_spikes(Raster *r, int pop, int64_t step, const uint32_t *id, size_t n)
{
    RastPop *p = r ? &r->pop[pop] : NULL;
    if (!p || !p->level || step < 0) return;
    int64_t at = step > 0 ? step - 1 : 0; /* stamped at the end of its step */
    while (at / p->bin >= r->columns)
        halve(p, r->columns);
    uint64_t dots = (uint64_t)(p->rows * DOTS_Y), column = (uint64_t)(at / p->bin);
    for (size_t k = 0; k < n; k++) {
        uint64_t row = id[k] * dots / p->n, first = (row * p->n + dots - 1) / dots;
        int level = 0;
        for (uint64_t shown = 1; id[k] - first >= shown && level < LEVELS; shown *= 4)
            level++;
        if (level == LEVELS) continue;
        p->level[row * (uint64_t)r->columns + column] |= (uint8_t)(0xFF << level);
    }
}

const char *raster_color(const double rgb[3], char text[24])
{
    static const int level[6] = {0,   95,  135,
                                 175, 215, 255}; /* of the cube of a terminal's colours */
    int c[3];
    for (int k = 0; k < 3; k++) {
        double v = 255 * (rgb[k] > 0 ? rgb[k] < 1 ? rgb[k] : 1 : 0);
        c[k] = 0;
        while (c[k] < 5 && v > (level[c[k]] + level[c[k] + 1]) / 2.0)
            c[k]++;
    }
    text[0] = '\0';
    if (c[0] || c[1] || c[2]) snprintf(text, 24, "\033[38;5;%dm", 16 + 36 * c[0] + 6 * c[1] + c[2]);
    return text;
}

static bool utf8_locale(void)
{
    static const char *const name[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int k = 0; k < 3; k++) {
        const char *v = getenv(name[k]);
        if (v && *v)
            return strstr(v, "UTF-8") || strstr(v, "utf8") || strstr(v, "UTF8") ||
                   strstr(v, "utf-8");
    }
    return false;
}

/* The busiest level that still leaves the dots apart, drawn into dot[y][x]. */
static int choose_dots(const Raster *r, const RastPop *p, int rows, int width, int64_t steps,
                       uint8_t *dot)
{
    int from = p->rows * DOTS_Y, to = rows * DOTS_Y;
    for (int level = LEVELS - 1;; level--) {
        size_t filled = 0, size = (size_t)to * (size_t)width;
        memset(dot, 0, size);
        for (int y = 0; y < from; y++) {
            for (int x = 0; x < r->columns; x++) {
                if (!(p->level[(size_t)y * (size_t)r->columns + (size_t)x] >> level & 1)) continue;
                int64_t column = (int64_t)((double)x * (double)p->bin * width / (double)steps);
                if (column >= width) column = width - 1;
                uint8_t *d = &dot[(size_t)(y * to / from) * (size_t)width + (size_t)column];
                filled += !*d;
                *d = 1;
            }
        }
        if (level == 0 || 100 * filled <= MAX_FILL * size) return level;
    }
}

static void print_line(FILE *out, const uint8_t *dot, int row, int width, bool utf8)
{
    static const uint8_t bit[DOTS_Y][DOTS_X] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    static const char ascii[] = " ..::*###";
    for (int x = 0; x < width; x += DOTS_X) {
        unsigned cell = 0;
        for (int y = 0; y < DOTS_Y; y++)
            for (int k = 0; k < DOTS_X; k++)
                if (dot[(size_t)(row * DOTS_Y + y) * (size_t)width + (size_t)(x + k)])
                    cell |= bit[y][k];
        if (!utf8)
            fputc(ascii[__builtin_popcount(cell)], out);
        else if (!cell)
            fputc(' ', out);
        else
            fprintf(out, "\xE2%c%c", (int)(0xA0 | cell >> 6), (int)(0x80 | (cell & 0x3F)));
    }
}

/* The axis of time: a tick every 1, 2 or 5 times a power of ten milliseconds. */
static void print_axis(FILE *out, int margin, int width, double duration, bool utf8)
{
    double tick = 1e-3;
    for (int k = 0; tick * width / duration < 9 && k < 60; k++)
        tick *= k % 3 == 1 ? 2.5 : 2;
    int *at = cx_alloc((size_t)width + 1, sizeof *at, "raster");
    for (int x = 0; x < width; x++)
        at[x] = -1;
    for (int k = 0; k * tick <= duration * (1 + 1e-9); k++) {
        int x = (int)(k * tick / duration * width + 1e-9);
        at[x < width ? x : width - 1] = k;
    }
    fprintf(out, "%*s", margin, "");
    for (int x = 0; x < width; x++)
        fputs(at[x] >= 0 ? utf8 ? "\xE2\x94\xB4" : "+" : utf8 ? "\xE2\x94\x80" : "-", out);
    fprintf(out, "\n%*s", margin, "");
    int done = 0;
    for (int x = 0; x < width; x++) {
        if (at[x] < 0 || x < done) continue;
        char text[32];
        int n = snprintf(text, sizeof text, "%.6g", at[x] * tick),
            start = x + n > width ? width - n : x;
        if (start < done) continue;
        fprintf(out, "%*s%s", start - done, "", text);
        done = start + n + 1;
        if (done <= width) fputc(' ', out);
    }
    fputs(done <= width ? "ms\n" : " ms\n", out);
    cx_free(at);
}

static void print_label(FILE *out, const char *name, int width)
{
    int shown = 0;
    for (const char *c = name; *c; c++) {
        bool start = (*c & 0xC0) != 0x80;
        if (start && shown == width) break;
        shown += start;
        fputc(*c, out);
    }
    fprintf(out, "%*s ", width - shown, "");
}

void raster_print(const Raster *r, FILE *out, bool color, int columns, int rows, int64_t steps)
{
    if (!r->n_shown || steps <= 0) return;
    bool utf8 = utf8_locale();
    int label = 2, most = 0, least = 1 << (2 * LEVELS);
    for (int k = 0; k < r->n_shown; k++) {
        int n = (int)strlen(r->pop[r->order[k]].name);
        if (n > label) label = n < LABEL ? n : LABEL;
    }
    int margin = label + 2 + 1, width = columns - margin - 4; /* the axis ends with a unit */
    if (width < 10) width = 10;
    for (int k = 0; k < r->n_shown; k++) {
        const RastPop *p = &r->pop[r->order[k]];
        int lines = rows > 0 && rows < r->rows ? p->rows * rows / r->rows : p->rows;
        char escape[24];
        if (lines < 1) lines = 1;
        uint8_t *dot = cx_alloc((size_t)(lines * DOTS_Y * width * DOTS_X), 1, "raster");
        int shown = 1 << (2 * choose_dots(r, p, lines, width * DOTS_X, steps, dot));
        int range = (int)(p->n / (uint32_t)(p->rows * DOTS_Y)) + 1;
        if (shown > range) shown = range;
        if (shown > most) most = shown;
        if (shown < least) least = shown;
        for (int y = 0; y < lines; y++) {
            fputs("  ", out);
            if (color) fputs(raster_color(p->color, escape), out);
            print_label(out, y ? "" : p->name, label);
            print_line(out, dot, y, width * DOTS_X, utf8);
            fputs(color ? "\033[0m\n" : "\n", out);
        }
        cx_free(dot);
    }
    print_axis(out, margin, width, decimal_time(steps, r->dt), utf8);
    fprintf(out, "%*sa row of dots shows ", margin, "");
    if (least == most)
        fprintf(out, "%d cell%s", most, most == 1 ? "" : "s");
    else
        fprintf(out, "%d to %d cells", least, most);
    if (r->n_left_out) fprintf(out, "; %d more populations are not shown", r->n_left_out);
    fputc('\n', out);
}

void raster_free(Raster *r)
{
    if (!r) return;
    for (int k = 0; k < r->n_pops; k++)
        cx_free(r->pop[k].level);
    cx_free(r->pop);
    cx_free(r->order);
    cx_free(r);
}
