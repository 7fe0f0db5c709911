/* Diagnostics: collected while passes go on, printed in order of place. */
#include "base.h"

#include <stdlib.h>
#include <string.h>

typedef struct Remark {
    bool is_hint;
    Span at; /* {0,0}: no place */
    const char *text;
} Remark;

struct Diag {
    Arena *arena;
    DiagId id;
    DiagSeverity severity;
    Span at;
    Span range; /* what a hint replaces, where that is not `at` */
    bool ranged;
    const char *fix; /* of diag_mend */
    uint32_t caret; /* 0: the whole of `at` gets carets */
    const char *text;
    Span *marks;
    size_t n_marks, cap_marks;
    Remark *remarks;
    size_t n_remarks, cap_remarks;
    size_t order; /* of arrival */
};

struct Diags {
    Arena *arena;
    Sources *sources;
    Diag **list;
    size_t n, cap;
    Diag **known; /* hash table of what was said, a power of two long */
    size_t n_known;
    size_t count[3]; /* per severity */
};

static const struct {
    const char *name;
    DiagSeverity severity;
    const char *story;
} kinds[N_DIAG] = {
#define DIAG(id, text, sev, story) {text, sev, story},
#include "diag.def"
#undef DIAG
};

/* Room for one more in an array of the arena; the old array is left behind. */
static void *room_for_one(Arena *a, void *v, size_t n, size_t *cap, size_t elem)
{
    if (n < *cap) return v;
    *cap = *cap ? 2 * *cap : 4;
    void *more = arena_alloc(a, *cap, elem);
    if (n) memcpy(more, v, n * elem);
    return more;
}

/* None yet. Everything is kept in `a`. */
Diags *diag_new(Arena *a, Sources *s)
{
    Diags *ds = arena_one(a, Diags);
    ds->arena = a;
    ds->sources = s;
    return ds;
}

/* What makes two diagnostics the same: id and span, and the text where there is no span. */
static uint64_t key_of(const Diag *d)
{
    uint32_t key[3] = {(uint32_t)d->id, d->at.lo, d->at.hi};
    return hash_bytes(key, sizeof key, d->at.hi ? 0 : hash_str(d->text, 1));
}

static bool same(const Diag *a, const Diag *b)
{
    return a->id == b->id && a->at.lo == b->at.lo && a->at.hi == b->at.hi &&
           (a->at.hi || strcmp(a->text, b->text) == 0);
}

static Diag **find(Diag **table, size_t cap, const Diag *d)
{
    size_t k = key_of(d) & (cap - 1);
    while (table[k] && !same(table[k], d)) k = (k + 1) & (cap - 1);
    return &table[k];
}

/* False if the same was said before. */
static bool remember(Diags *ds, Diag *d)
{
    if (2 * ds->n >= ds->n_known) {
        size_t cap = ds->n_known ? 2 * ds->n_known : 64;
        Diag **table = arena_many(ds->arena, Diag *, cap);
        for (size_t k = 0; k < ds->n; k++) *find(table, cap, ds->list[k]) = ds->list[k];
        ds->known = table;
        ds->n_known = cap;
    }
    Diag **slot = find(ds->known, ds->n_known, d);
    if (*slot) return false;
    *slot = d;
    return true;
}

/* Adds a diagnostic at `at` ({0,0}: nowhere). Never NULL: a repetition gets a handle as well, which
 * is not printed. */
Diag *diag_add(Diags *ds, DiagId id, Span at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    Diag *d = arena_one(ds->arena, Diag);
    cx_assert((unsigned)id < N_DIAG);
    d->arena = ds->arena;
    d->id = id;
    d->severity = kinds[id].severity;
    d->at = at;
    d->text = arena_vprintf(ds->arena, fmt, ap);
    va_end(ap);
    if (!remember(ds, d)) return d;
    d->order = ds->n;
    ds->list = room_for_one(ds->arena, ds->list, ds->n, &ds->cap, sizeof *ds->list);
    ds->list[ds->n++] = d;
    ds->count[d->severity]++;
    return d;
}

/* Underlines `s` with ~ where it lies in the line that is shown. */
void diag_mark(Diag *d, Span s)
{
    d->marks = room_for_one(d->arena, d->marks, d->n_marks, &d->cap_marks, sizeof *d->marks);
    d->marks[d->n_marks++] = s;
}

/* Puts the caret at one place; the whole of `at` gets ~. */
void diag_caret(Diag *d, uint32_t offset)
{
    d->caret = offset;
}

static void add_remark(Diag *d, bool is_hint, Span at, const char *fmt, va_list ap)
{
    d->remarks =
        room_for_one(d->arena, d->remarks, d->n_remarks, &d->cap_remarks, sizeof *d->remarks);
    d->remarks[d->n_remarks++] = (Remark){is_hint, at, arena_vprintf(d->arena, fmt, ap)};
}

/* A fact. */
void diag_note(Diag *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_remark(d, false, (Span){0, 0}, fmt, ap);
    va_end(ap);
}

/* A fact with its place, which is shown too. */
void diag_note_at(Diag *d, Span s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_remark(d, false, s, fmt, ap);
    va_end(ap);
}

/* A sentence one can act on. */
void diag_hint(Diag *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_remark(d, true, (Span){0, 0}, fmt, ap);
    va_end(ap);
}

void diag_range(Diag *d, Span s)
{
    d->range = s;
    d->ranged = true;
}

void diag_mend(Diag *d, Span s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    d->fix = arena_vprintf(d->arena, fmt, ap);
    va_end(ap);
    diag_range(d, s);
}

/* X of "write `X`" and "did you mean `X`?" in the arena; NULL for other sentences, and where something is left out. */
static const char *quoted(const Diag *d, const char *hint)
{
    static const char *const before[] = {"write `", "did you mean `"}, *const behind[] = {"`", "`?"};
    for (int k = 0; k < 2; k++) {
        size_t a = strlen(before[k]), b = strlen(behind[k]), n = strlen(hint);
        if (n <= a + b || strncmp(hint, before[k], a) || strcmp(hint + n - b, behind[k])) continue;
        char *x = arena_strndup(d->arena, hint + a, n - a - b);
        if (!strchr(x, '`') && !strstr(x, "\xE2\x80\xA6") && !strstr(x, "...")) return x;
    }
    return NULL;
}

DiagView diag_view(const Diags *ds, size_t k)
{
    cx_assert(k < ds->n);
    const Diag *d = ds->list[k];
    DiagView v = {.id = d->id, .severity = d->severity, .at = d->at, .text = d->text, .n_remarks = d->n_remarks,
                  .range = d->ranged ? d->range : d->at, .fix = d->fix};
    for (size_t q = 0; q < d->n_remarks && !v.fix; q++)
        if (d->remarks[q].is_hint && v.range.hi) v.fix = quoted(d, d->remarks[q].text);
    return v;
}

const char *diag_remark(const Diags *ds, size_t k, size_t remark, bool *is_hint, Span *at)
{
    cx_assert(k < ds->n && remark < ds->list[k]->n_remarks);
    const Remark *r = &ds->list[k]->remarks[remark];
    *is_hint = r->is_hint;
    *at = r->at;
    return r->text;
}

/* The number of errors. */
size_t diag_errors(const Diags *ds)
{
    return ds->count[SEV_ERROR];
}

/* The number of warnings. */
size_t diag_warnings(const Diags *ds)
{
    return ds->count[SEV_WARNING];
}

/* The number of all diagnostics. */
size_t diag_count(const Diags *ds)
{
    return ds->n;
}

/* "unit-mismatch". */
const char *diag_name(DiagId id)
{
    cx_assert((unsigned)id < N_DIAG);
    return kinds[id].name;
}

/* The long explanation. */
const char *diag_story(DiagId id)
{
    cx_assert((unsigned)id < N_DIAG);
    return kinds[id].story;
}

/* The id of a name. */
bool diag_find(const char *name, DiagId *id)
{
    for (int k = 0; k < N_DIAG; k++) {
        if (strcmp(kinds[k].name, name) == 0) {
            *id = (DiagId)k;
            return true;
        }
    }
    return false;
}

/* ---- printing ---- */

enum { WIDEST = 160 }; /* longer source lines are shown as a window of this many characters */

static const char *paint(bool color, const char *code)
{
    return color ? code : "";
}

#define RESET "\033[0m"
#define BOLD "\033[1m"
#define GREEN "\033[1;32m"

static void put_char(FILE *out, const char *s, size_t n)
{
    unsigned char c = (unsigned char)s[0];
    if ((n == 1 && c >= 0x80) || (c < 0x20 && c != '\t') || c == 0x7F) fputs("\xEF\xBF\xBD", out);
    else fwrite(s, 1, n, out);
}

/* Draws `c` into the cells of a line that a span covers; an empty span covers one cell. */
static void draw(char *cells, const uint32_t *start, uint32_t n, uint32_t line_at, Span s, char c)
{
    if (s.hi <= line_at) s.hi = s.lo + 1;
    if (s.hi == s.lo) s.hi++;
    for (uint32_t k = 0; k <= n; k++) {
        uint32_t lo = line_at + start[k], hi = line_at + start[k + 1];
        if (lo < s.hi && hi > s.lo) cells[k] = c;
    }
}

/* The source line of `p` with a gutter, and below it what `d` (or a remark alone) points at. */
static void show_line(const Diags *ds, FILE *out, bool color, Place p, Span at, uint32_t caret,
                      const Span *marks, size_t n_marks)
{
    uint32_t line_at = p.file->base + (uint32_t)(p.line_text - p.file->text);
    /* start[k] is the byte where character k begins; the end of the line is a character too. */
    uint32_t *start = cx_alloc((size_t)p.line_len + 2, sizeof *start, "a source line");
    char *cells = cx_alloc((size_t)p.line_len + 2, 1, "a source line");
    uint32_t n = 0, focus = 0;
    for (uint32_t b = 0; b < p.line_len; n++) {
        start[n] = b;
        b += (uint32_t)source_char(p.line_text + b, p.line_len - b);
    }
    start[n] = p.line_len;
    start[n + 1] = p.line_len + 1;
    while (focus < n && start[focus + 1] <= p.col_byte) focus++;

    memset(cells, ' ', n + 1);
    for (size_t k = 0; k < n_marks; k++) {
        /* A mark that begins further up or ends further down would only blur this line. */
        if (source_place(ds->sources, marks[k].lo).line_text == p.line_text) {
            Span m = marks[k];
            if (m.hi > line_at + p.line_len && m.lo < line_at + p.line_len) {
                m.hi = line_at + p.line_len;
            }
            draw(cells, start, n, line_at, m, '~');
        }
    }
    Span here = at;
    if (here.lo < line_at) here.lo = line_at;
    if (here.hi > line_at + p.line_len && here.lo < line_at + p.line_len) {
        here.hi = line_at + p.line_len;
    }
    draw(cells, start, n, line_at, here, caret ? '~' : '^');
    if (caret) cells[focus] = '^';

    uint32_t from = 0, to = n;
    if (n > WIDEST) {
        from = focus > WIDEST / 2 ? focus - WIDEST / 2 : 0;
        to = from + WIDEST < n ? from + WIDEST : n;
        if (to == n) from = n - WIDEST;
    }
    fprintf(out, "%5u | %s", p.line, from ? "\xE2\x80\xA6" : "");
    for (uint32_t k = from; k < to; k++) {
        put_char(out, p.line_text + start[k], start[k + 1] - start[k]);
    }
    fprintf(out, "%s\n      | %s%s", to < n ? "\xE2\x80\xA6" : "", from ? " " : "",
            paint(color, GREEN));
    uint32_t last = to + (to == n); /* the end of the line may carry a caret */
    while (last > from && cells[last - 1] == ' ') last--;
    for (uint32_t k = from; k < last; k++) {
        bool tab = k < n && p.line_text[start[k]] == '\t';
        fputc(tab && cells[k] == ' ' ? '\t' : cells[k], out);
    }
    fprintf(out, "%s\n", paint(color, RESET));
    cx_free(cells);
    cx_free(start);
}

static void print_one(const Diags *ds, const Diag *d, FILE *out, bool color)
{
    static const char *const word[] = {"error", "warning", "note"};
    static const char *const ink[] = {"\033[1;31m", "\033[1;33m", "\033[1;36m"};
    Place p = source_place(ds->sources, d->caret ? d->caret : d->at.lo);
    if (p.file) fprintf(out, "%s:%u:%u: ", p.file->path, p.line, p.col);
    fprintf(out, "%s%s:%s %s%s%s [%s]\n", paint(color, ink[d->severity]), word[d->severity],
            paint(color, RESET), paint(color, BOLD), d->text, paint(color, RESET),
            kinds[d->id].name);
    if (p.file) show_line(ds, out, color, p, d->at, d->caret, d->marks, d->n_marks);
    for (size_t k = 0; k < d->n_remarks; k++) {
        const Remark *r = &d->remarks[k];
        Place q = source_place(ds->sources, r->at.lo);
        fputs("  ", out);
        if (q.file) fprintf(out, "%s:%u:%u: ", q.file->path, q.line, q.col);
        fprintf(out, "%s%s:%s %s\n", paint(color, ink[SEV_NOTE]), r->is_hint ? "hint" : "note",
                paint(color, RESET), r->text);
        if (q.file) show_line(ds, out, color, q, r->at, 0, NULL, 0);
    }
}

/* Where a diagnostic is shown; those without a place come last. */
static uint32_t where(const Diag *d)
{
    uint32_t at = d->caret ? d->caret : d->at.lo;
    return at ? at : UINT32_MAX;
}

static int by_place(const void *a, const void *b)
{
    const Diag *x = *(Diag *const *)a, *y = *(Diag *const *)b;
    if (where(x) != where(y)) return where(x) < where(y) ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* Prints all in order of place. With a `limit` (0: none) errors have precedence over the rest, and
 * a last line counts what is not shown. */
void diag_print(const Diags *ds, FILE *out, bool color, size_t limit)
{
    if (!ds->n) return;
    Diag **sorted = cx_alloc(ds->n, sizeof *sorted, "diagnostics");
    memcpy(sorted, ds->list, ds->n * sizeof *sorted);
    qsort(sorted, ds->n, sizeof *sorted, by_place);
    if (!limit || limit > ds->n) limit = ds->n;
    size_t errors = ds->count[SEV_ERROR] < limit ? ds->count[SEV_ERROR] : limit;
    size_t others = limit - errors;
    for (size_t k = 0; k < ds->n; k++) {
        size_t *left = sorted[k]->severity == SEV_ERROR ? &errors : &others;
        if (*left) {
            --*left;
            print_one(ds, sorted[k], out, color);
        }
    }
    cx_free(sorted);
    size_t shown = ds->count[SEV_ERROR] < limit ? ds->count[SEV_ERROR] : limit;
    size_t e = ds->count[SEV_ERROR] - shown, rest = ds->n - limit - e;
    if (e) fprintf(out, "%zu more error%s%s", e, plural(e), rest ? " and " : "\n");
    if (rest) fprintf(out, "%zu more warning%s\n", rest, plural(rest));
}
