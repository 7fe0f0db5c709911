/* Lines of formatted text: see lines.h. */
#include "lines.h"

#include <string.h>

enum { NEAR = 30, MOST_BLANKS = 16, MOST_REMARK = 40 };

int lines_columns(const char *s, size_t n)
{
    int columns = 0;
    for (size_t k = 0; k < n; k++)
        columns += ((unsigned char)s[k] & 0xc0) != 0x80;
    return columns;
}

static char *kept(const char *s, size_t n)
{
    char *p = cx_alloc(n + 1, 1, "formatted text");
    if (n) memcpy(p, s, n);
    return p;
}

void lines_add(Line **lines, const Line *l, const char *text, size_t len)
{
    Line out = *l;
    while (len && text[len - 1] == ' ')
        len--;
    out.text = kept(text, len);
    out.len = len;
    vec_push(*lines, out);
}

void lines_remark(Line *l, const char *text, size_t len)
{
    l->remark = kept(text, len);
    l->remark_len = len;
}

/* The best place for a break of what begins at `at`: of the lowest rank, and of these the last; first not too
 * near the beginning, then anywhere. */
static size_t best_break(const LineDraft *d, size_t at, size_t first, int room)
{
    size_t n = vec_len(d->breaks), best = n;
    for (int near = NEAR; best == n; near = 0) {
        for (size_t k = first; k < n; k++) {
            int columns = lines_columns(d->text.p + at, d->breaks[k].at - at);
            if (columns > room || columns <= near) continue;
            if (best == n || d->breaks[k].rank <= d->breaks[best].rank) best = k;
        }
        if (!near) break;
    }
    return best;
}

void lines_finish(Line **lines, LineDraft *d)
{
    size_t at = 0, first = 0;
    Line l = d->line;
    while (at < d->text.len && l.indent + lines_columns(d->text.p + at, d->text.len - at) > LINES_WIDTH) {
        size_t best = best_break(d, at, first, LINES_WIDTH - l.indent);
        if (best == vec_len(d->breaks)) break;
        Break b = d->breaks[best];
        Line part = l;
        part.kind = LINE_PLAIN;
        part.opens = part.row = false;
        lines_add(lines, &part, d->text.p + at, b.at - at);
        bool element = d->elements && b.depth == d->depth && d->text.p[b.at - 1] == ',';
        for (at = b.at; d->text.p[at] == ' ';)
            at++;
        first = best + 1;
        l = (Line){.indent = element ? d->elements : d->further, .opens = d->line.opens};
    }
    if (at < d->text.len) lines_add(lines, &l, d->text.p + at, d->text.len - at);
    d->text.len = 0;
    vec_clear(d->breaks);
}

static void insert(Line *l, size_t at, int blanks)
{
    if (blanks <= 0) return;
    char *p = cx_alloc(l->len + (size_t)blanks + 1, 1, "formatted text");
    memcpy(p, l->text, at);
    memset(p + at, ' ', (size_t)blanks);
    memcpy(p + at + (size_t)blanks, l->text + at, l->len - at);
    cx_free(l->text);
    l->text = p;
    l->len += (size_t)blanks;
    for (int k = 0; k < LINES_POINTS; k++)
        if (l->point[k] >= (long)at) l->point[k] += blanks;
}

/* Aligns point `q` of the lines [a, b), unless that takes too many blanks or makes one too long. */
static void align_point(Line *lines, size_t a, size_t b, int q)
{
    int least = LINES_WIDTH, most = 0;
    for (size_t k = a; k < b; k++) {
        int at = lines_columns(lines[k].text, (size_t)lines[k].point[q]);
        if (at < least) least = at;
        if (at > most) most = at;
    }
    if (most - least > MOST_BLANKS) return;
    for (size_t k = a; k < b; k++) {
        const Line *l = &lines[k];
        if (l->indent + lines_columns(l->text, l->len) + most - lines_columns(l->text, (size_t)l->point[q]) > LINES_WIDTH) return;
    }
    for (size_t k = a; k < b; k++)
        insert(&lines[k], (size_t)lines[k].point[q], most - lines_columns(lines[k].text, (size_t)lines[k].point[q]));
}

static void align_points(Line *lines, size_t a, size_t b)
{
    for (int q = 0; q < LINES_POINTS; q++) {
        for (size_t k = a; k < b; k++) {
            size_t end = k;
            while (end < b && lines[end].point[q] >= 0 && (q == 0 || (lines[end].point[0] < 0) == (lines[k].point[0] < 0)))
                end++;
            if (end > k + 1) align_point(lines, k, end, q);
            if (end > k) k = end - 1;
        }
    }
}

/* Begin and end of entry `k` of a row `[a, b],`; false when there is none. */
static bool entry(const Line *l, int k, size_t *from, size_t *to)
{
    int depth = 0, n = 0;
    bool quoted = false;
    size_t begin = 1;
    for (size_t at = 0; at < l->len; at++) {
        char c = l->text[at];
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        if (c == '(' || c == '[') depth++;
        if (c == ')' || c == ']') depth--;
        if ((c == ',' && depth == 1) || (c == ']' && depth == 0)) {
            if (n == k) {
                *from = begin;
                *to = at;
                return at > begin;
            }
            n++;
            begin = at + 2;
        }
        if (depth == 0) break;
    }
    return false;
}

/* Columns of the rows [a, b) of a list, aligned to the right. */
static void align_rows(Line *lines, size_t a, size_t b)
{
    size_t from, to;
    for (int k = 0; entry(&lines[a], k, &from, &to); k++) {
        int most = 0, least = LINES_WIDTH;
        for (size_t r = a; r < b; r++) {
            if (!entry(&lines[r], k, &from, &to)) return;
            int columns = lines_columns(lines[r].text + from, to - from);
            if (columns > most) most = columns;
            if (columns < least) least = columns;
        }
        if (most - least > MOST_BLANKS) continue;
        for (size_t r = a; r < b; r++) {
            (void)entry(&lines[r], k, &from, &to);
            insert(&lines[r], from, most - lines_columns(lines[r].text + from, to - from));
        }
    }
}

/* Have they the same number of entries, and room enough? */
static bool rows_fit(const Line *lines, size_t a, size_t b)
{
    size_t from, to;
    int first = 0;
    while (entry(&lines[a], first, &from, &to))
        first++;
    for (size_t r = a; r < b; r++) {
        int n = 0;
        while (entry(&lines[r], n, &from, &to))
            n++;
        if (n != first) return false;
    }
    int width = 0;
    for (int k = 0; k < first; k++) {
        int most = 0;
        for (size_t r = a; r < b; r++)
            if (entry(&lines[r], k, &from, &to) && lines_columns(lines[r].text + from, to - from) > most)
                most = lines_columns(lines[r].text + from, to - from);
        width += most + 2;
    }
    return lines[a].indent + width + 2 <= LINES_WIDTH;
}

static int width(const Line *l)
{
    return l->indent + lines_columns(l->text, l->len);
}

/* Comments behind lines that follow each other begin in one column. */
static void align_remarks(Line *lines, size_t a, size_t b)
{
    for (size_t k = a; k < b;) {
        size_t end = k;
        int least = 10 * LINES_WIDTH, most = 0;
        for (; end < b; end++) {
            int w = width(&lines[end]), lo = w < least ? w : least, hi = w > most ? w : most;
            if (hi - lo > MOST_REMARK) break;
            least = lo, most = hi;
        }
        for (; k < end; k++) {
            Line *l = &lines[k];
            size_t blanks = (size_t)(most - width(l)) + 2, n = l->remark_len;
            char *text = cx_alloc(l->len + blanks + n + 1, 1, "formatted text");
            memcpy(text, l->text, l->len);
            memset(text + l->len, ' ', blanks);
            memcpy(text + l->len + blanks, l->remark, n);
            cx_free(l->text);
            l->text = text;
            l->len += blanks + n;
        }
    }
}

void lines_align(Line *lines)
{
    size_t n = vec_len(lines);
    for (size_t a = 0, b; a < n; a = b) {
        for (b = a + 1; b < n && lines[a].kind != LINE_PLAIN && lines[b].kind == lines[a].kind && lines[b].indent == lines[a].indent &&
                        !lines[b].blank_before;)
            b++;
        if (b > a + 1 && lines[a].kind != LINE_REMARK) align_points(lines, a, b);
    }
    for (size_t a = 0, b; a < n; a = b) {
        for (b = a + 1; b < n && lines[a].row && lines[b].row && lines[b].indent == lines[a].indent;)
            b++;
        if (lines[a].row && b > a + 1 && rows_fit(lines, a, b)) align_rows(lines, a, b);
    }
    for (size_t a = 0, b; a < n; a = b) {
        for (b = a + 1; b < n && lines[a].remark && lines[b].remark && !lines[b].blank_before;)
            b++;
        if (lines[a].remark) align_remarks(lines, a, b);
    }
}

void lines_print(const Line *lines, Buf *out)
{
    for (size_t k = 0; k < vec_len(lines); k++) {
        const Line *l = &lines[k];
        if (l->blank_before && k && !lines[k - 1].opens) buf_add(out, "\n", 1);
        buf_printf(out, "%*s", l->indent, "");
        buf_add(out, l->text, l->len);
        buf_add(out, "\n", 1);
    }
}

void lines_free(Line **lines)
{
    for (size_t k = 0; k < vec_len(*lines); k++) {
        cx_free((*lines)[k].text);
        cx_free((*lines)[k].remark);
    }
    vec_free(*lines);
}
