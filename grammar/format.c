/* The one layout of a file. Works on the tokens as the layout hands them to the parser, so that it knows where
 * statements end, and on the comments between them; changes nothing but blanks, line ends, and the `,` or `;`
 * between what is put on lines of its own.
 *
 * First all lines are made: a statement stays on one line if its blocks were written on one line and it is short
 * enough; else its blocks are opened and its head is wrapped. Brackets that were opened at the end of a line keep
 * the lines of their elements. Then lines.c aligns what stands below each other. */
#include "format.h"
#include "lines.h"
#include "parse.h"

#include "cortex.tab.h"

#include <string.h>

enum { STEP = 2, FURTHER = 4 };

typedef struct Remark { /* a comment */
    const char *text;
    size_t len;
    bool behind;         /* a token on the same line */
    bool undocumented;   /* a `;` parts it from what stands below */
    bool blank_before;   /* a blank line */
} Remark;

typedef struct Piece { /* a token */
    int kind;
    const char *text;
    size_t len;
    bool ends;           /* a statement ends behind it */
    bool gap, newline;   /* a blank, a line end before it */
    bool blank_before;   /* a blank line directly before it */
    bool unary, spaced;  /* a sign; `*`, `/` or `^` with blanks around */
    size_t remark, n_remarks; /* between it and the one before */
    size_t match;        /* of a bracket: its other end */
    int depth;           /* round and square brackets around it, within its braces */
    int inside;          /* the innermost bracket around it, 0 none */
} Piece;

typedef enum Block { ITEMS, MODEL_BODY, STATEMENTS, SETTINGS } Block;

typedef struct Format {
    Piece *piece;        /* vec; the last is the end of the file */
    Remark *remark;      /* vec */
    Line *lines;         /* vec */
    LineDraft draft;
} Format;

/* ---- reading ---- */

/* Comments, line ends and blanks of the text before a token. */
static void read_gap(Format *f, Piece *t, const char *s, size_t n, bool first)
{
    int ends = first ? 1 : 0;
    bool any = !first;
    t->remark = vec_len(f->remark);
    for (size_t k = 0; k < n; k++) {
        if (s[k] == '#') {
            size_t end = k;
            while (end < n && s[end] != '\n')
                end++;
            Remark r = {.text = s + k, .len = end - k, .behind = any && !ends, .blank_before = ends > 1};
            while (r.len && (r.text[r.len - 1] == ' ' || r.text[r.len - 1] == '\t' || r.text[r.len - 1] == '\r'))
                r.len--;
            vec_push(f->remark, r);
            k = end - 1;
            ends = 0;
            any = false;
        } else if (s[k] == '\n') {
            ends++;
            t->newline = true;
        } else if (s[k] == ';') {
            ends = 0;
            any = true;
            for (size_t q = t->remark; q < vec_len(f->remark); q++)
                f->remark[q].undocumented = true;
        }
    }
    t->gap = n > 0;
    t->blank_before = ends > 1;
    t->n_remarks = vec_len(f->remark) - t->remark;
}

static void read_pieces(Format *f, Parse *p)
{
    const char *text = p->file->text;
    uint32_t at = p->file->len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    size_t *open = NULL;
    (void)layout_next(p);
    for (bool more = true; more;) {
        Token t = *layout_next(p);
        size_t n = vec_len(f->piece);
        if (t.kind == NL) {
            if (n) f->piece[n - 1].ends = true;
            continue;
        }
        more = t.kind != CORTEX_YYEOF;
        uint32_t lo = more ? t.span.lo - p->file->base : p->file->len, hi = more ? t.span.hi - p->file->base : lo;
        Piece x = {.kind = t.kind, .text = text + lo, .len = hi - lo};
        read_gap(f, &x, text + at, lo - at, n == 0);
        at = hi;
        if (t.kind == ')' || t.kind == ']' || t.kind == '}') {
            size_t from = vec_pop(open);
            x.match = from;
            f->piece[from].match = n;
        }
        size_t levels = vec_len(open);
        if (levels) x.inside = f->piece[open[levels - 1]].kind;
        while (levels && f->piece[open[levels - 1]].kind != '{')
            levels--, x.depth++;
        if (t.kind == '(' || t.kind == '[' || t.kind == '{') vec_push(open, n);
        bool sign = t.kind == '+' || t.kind == '-';
        x.unary = sign && (!n || !layout_ends_value(f->piece[n - 1].kind));
        if (n && (f->piece[n - 1].kind == '*' || f->piece[n - 1].kind == '/' || f->piece[n - 1].kind == '^'))
            f->piece[n - 1].spaced |= x.gap;
        if (t.kind == '*' || t.kind == '/' || t.kind == '^') x.spaced = x.gap;
        vec_push(f->piece, x);
    }
    vec_free(open);
}

/* ---- blanks ---- */

static bool is_number(int kind)
{
    return kind == NUM || kind == QTY || kind == PCT;
}

/* May `(` or `[` follow without a blank? */
static bool takes_bracket(int kind)
{
    return layout_ends_value(kind) && !is_number(kind) && kind != STR && kind != TRUE && kind != FALSE && kind != REFRACTORY;
}

/* Does a blank stand between two tokens of a line? */
static bool blank_between(const Piece *a, const Piece *b)
{
    if (b->kind == ',') return false;
    if (a->kind == ',') return true;
    if (a->kind == '(' || a->kind == '[' || b->kind == ')' || b->kind == ']') return false;
    if (a->kind == '{' && b->kind == '}') return false;
    if (a->kind == '.' || b->kind == '.') return is_number(a->kind) && b->gap;
    if (b->kind == ':') return !b->inside || b->inside == '{';
    if (a->kind == ':') return a->inside != '[';
    if (a->kind == '*' || a->kind == '/' || a->kind == '^') return a->spaced;
    if (b->kind == '*' || b->kind == '/' || b->kind == '^') return b->spaced;
    if (a->unary) return b->unary;
    if (b->kind == '(' || b->kind == '[') return is_number(a->kind) ? b->gap : !takes_bracket(a->kind);
    return true;
}

/* ---- lines ---- */

/* Does the bracket end its line, so that its elements keep theirs? */
static bool opened(const Format *f, size_t k)
{
    return (f->piece[k].kind == '(' || f->piece[k].kind == '[') && f->piece[k + 1].newline && f->piece[k].match != k + 1;
}

/* How good a place behind this piece is for breaking a long line; -1 none. Lower is better. */
static int break_rank(const Piece *t)
{
    switch (t->kind) {
    case ',':
    case AND:
    case OR:
        return 3 * t->depth;
    case '+':
    case '-':
        return t->unary ? -1 : 3 * t->depth + 1;
    case LE:
    case GE:
    case EQ:
    case NE:
    case '<':
    case '>':
    case THEN:
    case ELSE:
        return 3 * t->depth + 1;
    case '*':
    case '/':
        return t->spaced ? 3 * t->depth + 2 : -1;
    case ARROW:
        return 1;
    case ':':
        return t->depth ? -1 : 1;
    case '=':
        return t->depth ? -1 : 2;
    default:
        return -1;
    }
}

static void begin(Format *f, int indent, int further)
{
    f->draft.line = (Line){.indent = indent, .point = {-1, -1}};
    f->draft.further = further;
    f->draft.elements = 0;
}

static void finish(Format *f)
{
    lines_finish(&f->lines, &f->draft);
}

/* Comments before piece `k`: behind the last line, or on lines of their own. */
static void remarks(Format *f, size_t k, int indent)
{
    const Piece *t = &f->piece[k];
    for (size_t q = t->remark; q < t->remark + t->n_remarks; q++) {
        const Remark *r = &f->remark[q];
        size_t n = vec_len(f->lines);
        if (r->behind && n && !f->lines[n - 1].remark && f->lines[n - 1].kind != LINE_REMARK) {
            lines_remark(&f->lines[n - 1], r->text, r->len);
            continue;
        }
        Line own = {.kind = LINE_REMARK, .indent = indent, .blank_before = r->blank_before, .point = {-1, -1}};
        bool document = (r->behind || r->undocumented) && r->len > 1 && r->text[1] == '#' && !(r->len > 2 && r->text[2] == '#');
        Buf text = {0};
        if (document) buf_add(&text, "#", 1); /* `##` on a line of its own would be documentation */
        buf_add(&text, r->text, r->len);
        lines_add(&f->lines, &own, text.p, text.len);
        buf_free(&text);
    }
}

/* Appends piece `k` to the line being made, with the blank before it. */
static void append(Format *f, size_t k)
{
    LineDraft *d = &f->draft;
    const Piece *t = &f->piece[k];
    if (d->text.len && blank_between(&f->piece[k - 1], t)) buf_add(&d->text, " ", 1);
    buf_add(&d->text, t->text, t->len);
    int rank = break_rank(t);
    if (rank >= 0) vec_push(d->breaks, ((Break){d->text.len, rank, t->depth}));
}

/* Is it one list, up to its `]` or the `,` behind it? */
static bool is_row(const Format *f, size_t a, size_t b)
{
    if (f->piece[a].kind != '[') return false;
    size_t end = f->piece[a].match + 1;
    return end == b || (end + 1 == b && f->piece[end].kind == ',');
}

/* The tokens [a, b), without braces, at the end of the line being made. */
static void head(Format *f, size_t a, size_t b, int indent)
{
    typedef struct Kept { /* a bracket whose elements have lines of their own */
        size_t close;
        int indent, depth;
    } Kept;
    Kept *open = NULL;
    size_t start = b; /* where the line of an element begins */
    for (size_t k = a; k < b; k++) {
        const Piece *t = &f->piece[k];
        Kept *o = vec_len(open) ? &open[vec_len(open) - 1] : NULL;
        bool closes = o && o->close == k;
        bool element = o && !closes && t->depth == o->depth && t->newline && (t[-1].kind == ',' || t[-1].match == o->close);
        int inner = o ? o->indent + STEP : k == a ? indent : indent + FURTHER;
        if (f->draft.text.len && (t->n_remarks || closes || element)) {
            f->draft.line.row = start < k && is_row(f, start, k);
            finish(f);
            remarks(f, k, inner);
            begin(f, closes ? o->indent : inner, closes || !o ? indent + FURTHER : inner + FURTHER);
            start = o && !closes ? k : b;
        }
        f->draft.elements = o && !closes ? inner : 0;
        f->draft.depth = o ? o->depth : 0;
        append(f, k);
        if (closes) (void)vec_pop(open);
        if (opened(f, k)) vec_push(open, ((Kept){t->match, f->draft.line.indent, t->depth + 1}));
    }
    vec_free(open);
}

static Block block_kind(const Format *f, size_t a, size_t brace, Block where)
{
    bool of = false;
    for (size_t k = a; k < brace; k++)
        of |= f->piece[k].kind == OF;
    switch (f->piece[a].kind) {
    case NEURON:
    case SYNAPSE:
        return of ? SETTINGS : MODEL_BODY;
    case LAYER:
        return of ? SETTINGS : ITEMS;
    case POPULATION:
    case CONNECT:
    case STIMULUS:
    case SIMULATION:
        return SETTINGS;
    case FOR:
        return ITEMS;
    case IF:
        return where == ITEMS ? ITEMS : STATEMENTS;
    default:
        return STATEMENTS;
    }
}

/* Can all of the statement stand on one line, as far as its comments and line ends are concerned? */
static bool is_flat(const Format *f, size_t a, size_t b)
{
    int braces = f->piece[a].kind == '{';
    if (opened(f, a)) return false;
    for (size_t k = a + 1; k < b; k++) {
        const Piece *t = &f->piece[k];
        if (t->n_remarks || opened(f, k) || (braces && t->newline)) return false;
        braces += (t->kind == '{') - (t->kind == '}');
    }
    return true;
}

/* The statement [a, b) as one line. */
static void flat(Format *f, size_t a, size_t b, Block where)
{
    typedef struct Level {
        size_t start;
        Block kind;
    } Level;
    Level *level = NULL;
    vec_push(level, ((Level){a, where}));
    for (size_t k = a; k < b; k++) {
        const Piece *t = &f->piece[k];
        Level *top = &level[vec_len(level) - 1];
        if (k > a && t[-1].ends && t->kind != '}') {
            if (t[-1].kind != ',') buf_add(&f->draft.text, top->kind == SETTINGS ? "," : ";", 1);
            top->start = k;
        }
        if (t->kind == ',' && t[1].kind == '}') continue;
        append(f, k);
        if (t->kind == '{') vec_push(level, ((Level){k + 1, block_kind(f, top->start, k, top->kind)}));
        else if (t->kind == '}') (void)vec_pop(level);
    }
    vec_free(level);
}

/* What a statement on one line is aligned with, and where. */
static void points(Format *f, size_t a, size_t b, Block where)
{
    Line *l = &f->draft.line;
    int kind = f->piece[a].kind, at[LINES_POINTS] = {':', 0};
    switch (kind) {
    case LAYER: l->kind = LINE_LAYER; break;
    case POPULATION: l->kind = LINE_POPULATION; break;
    case CONNECT: l->kind = LINE_CONNECT, at[1] = '{'; break;
    case STIMULUS: l->kind = LINE_STIMULUS, at[1] = '{'; break;
    case PARAM:
    case STATE:
    case INPUT:
        if (where == STATEMENTS || where == SETTINGS) break;
        l->kind = kind == PARAM ? LINE_PARAM : LINE_STATE;
        at[1] = '=';
        break;
    default:
        if (where == MODEL_BODY && kind == IDENT) l->kind = LINE_EQUATION, at[0] = '=', at[1] = UNLESS;
        break;
    }
    if (l->kind == LINE_PLAIN) return;
    size_t text = 0;
    for (size_t k = a; k < b; k++) {
        const Piece *t = &f->piece[k];
        if (k > a) text += blank_between(t - 1, t);
        if (t->kind == ',' && !t->depth && at[1] == '=') {
            l->kind = LINE_PLAIN;
            return;
        }
        for (int q = 0; q < LINES_POINTS; q++)
            if (at[q] && t->kind == at[q] && !t->depth && l->point[q] < 0) l->point[q] = (long)text;
        text += t->len;
        if (t->kind == '{') break;
    }
    if (l->point[0] < 0 && at[1] != '=') l->kind = LINE_PLAIN;
}

static void block(Format *f, size_t a, size_t b, int indent, Block kind);

static void statement(Format *f, size_t a, size_t b, int indent, Block where)
{
    bool blocks = false;
    for (size_t k = a; k < b; k++)
        blocks |= f->piece[k].kind == '{';
    bool blank = f->piece[a].blank_before;
    begin(f, indent, indent + FURTHER);
    f->draft.line.blank_before = blank;
    if (is_flat(f, a, b)) {
        flat(f, a, b, where);
        if (indent + lines_columns(f->draft.text.p, f->draft.text.len) <= LINES_WIDTH || !blocks) {
            points(f, a, b, where);
            finish(f);
            return;
        }
        f->draft.text.len = 0;
        vec_clear(f->draft.breaks);
    }
    for (size_t k = a, brace; k < b; k = f->piece[brace].match + 1) {
        for (brace = k; brace < b && f->piece[brace].kind != '{';)
            brace++;
        head(f, k, brace, indent);
        if (brace == b) break;
        size_t close = f->piece[brace].match;
        if (f->piece[brace].n_remarks) {
            finish(f);
            remarks(f, brace, indent + FURTHER);
            begin(f, indent, indent + FURTHER);
        }
        append(f, brace);
        if (close > brace + 1 || f->piece[close].n_remarks) {
            f->draft.line.opens = true;
            finish(f);
            block(f, brace + 1, close, indent + STEP, block_kind(f, a, brace, where));
            begin(f, indent, indent + FURTHER);
        }
        append(f, close);
    }
    finish(f);
}

/* The entry [a, end) and those behind it that stand on the same line, as far as there is room. Returns the end of
 * the last one. */
static size_t settings(Format *f, size_t a, size_t end, size_t b, int indent)
{
    size_t last = end;
    while (is_flat(f, a, end)) {
        int width = 0;
        for (size_t k = a; k < end; k++) width += lines_columns(f->piece[k].text, f->piece[k].len) + (k > a && blank_between(&f->piece[k - 1], &f->piece[k]));
        if (indent + width > LINES_WIDTH) break;
        last = end;
        const Piece *next = &f->piece[end];
        if (end + 1 >= b || next->kind != ',' || next->n_remarks || next[1].newline || next[1].n_remarks) break;
        for (end++; end < b && !f->piece[end].ends && !(f->piece[end + 1].kind == ',' && !f->piece[end + 1].depth);) end++;
        if (end < b) end++;
    }
    statement(f, a, last, indent, SETTINGS);
    return last;
}

/* The statements [a, b) of a block, or of the file. */
static void block(Format *f, size_t a, size_t b, int indent, Block kind)
{
    for (size_t k = a; k < b;) {
        remarks(f, k, indent);
        size_t end = k;
        for (; end < b; end++) {
            if (f->piece[end].kind == '{') end = f->piece[end].match;
            if (f->piece[end].ends || (kind == SETTINGS && f->piece[end + 1].kind == ',' && !f->piece[end + 1].depth)) break;
        }
        if (end < b) end++;
        if (kind == SETTINGS) end = settings(f, k, end, b, indent);
        else statement(f, k, end, indent, kind);
        if (end < b && kind == SETTINGS && f->piece[end].kind == ',') remarks(f, end++, indent);
        k = end;
    }
    remarks(f, b, indent);
}

bool format_file(Ast *a, const SourceFile *file, Buf *out)
{
    Node *before = parse_file(a, file);
    if (diag_errors(a->diags)) return false;
    Parse p = {.ast = a, .file = file, .start = START_FILE};
    scan_text(&p);
    Format f = {0};
    read_pieces(&f, &p);
    block(&f, 0, vec_len(f.piece) - 1, 0, ITEMS);
    lines_align(f.lines);
    lines_print(f.lines, out);
    vec_free(p.token);
    vec_free(p.docs);
    vec_free(p.open);
    vec_free(f.piece);
    vec_free(f.remark);
    lines_free(&f.lines);
    vec_free(f.draft.breaks);
    buf_free(&f.draft.text);
    const SourceFile *again = source_add(a->sources, file->path, out->p ? out->p : "", out->len);
    if (!again) return true; /* too long to be looked at twice */
    Buf was = {0}, is = {0};
    ast_print(before, &was);
    ast_print(parse_file(a, again), &is);
    bool same = was.len == is.len && !memcmp(was.p, is.p, was.len) && !diag_errors(a->diags);
    buf_free(&was);
    buf_free(&is);
    if (!same) cx_bug("formatting would change the meaning of %s", file->path);
    return true;
}
