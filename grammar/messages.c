/* Words for syntax errors: what was expected, at the end of the token before; and the mistakes that
 * beginners make by themselves, each with its own. */
#include "parse.h"

#include "cortex.tab.h"

#include <string.h>

/* Stops the reading of this file with one last error. */
void message_stop(Parse *p, DiagId id, Span at, const char *text)
{
    if (p->stopped) return;
    p->stopped = true;
    p->errors++;
    diag_add(p->ast->diags, id, at, "%s", text);
}

/* An error of this file. NULL when there are too many already, or reading was stopped. */
Diag *message_error(Parse *p, DiagId id, Span at, const char *fmt, ...)
{
    if (p->errors >= PARSE_MAX_ERRORS) {
        message_stop(p, D_too_many_errors, at,
                     "too many syntax errors, the rest of this file is not read");
    }
    if (p->stopped) return NULL;
    p->errors++;
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(p->ast->arena, fmt, ap);
    va_end(ap);
    return diag_add(p->ast->diags, id, at, "%s", text);
}

/* ---- what the parser could go on with ---- */

typedef struct Expected {
    const char *const *name;
    int n;
} Expected;

static bool has(const Expected *e, const char *name)
{
    for (int k = 0; k < e->n; k++) {
        if (strcmp(e->name[k], name) == 0) return true;
    }
    return false;
}

static bool one_of(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(name, *list) == 0) return true;
    }
    return false;
}

static const char *const begins_value[] = {
    "number", "quantity", "percentage", "string", "wildcard", "true", "false", "refractory",
    "not",    "if",       "'('",        "'['",    "'-'",      "'+'",  "name",  NULL};
static const char *const soft_words[] = {"param", "state", "input", "port",
                                         "event", "spike", "each",  NULL};
static const char *const operators[] = {"'+'", "'-'", "'*'", "'/'", "'^'", "'<'", "'>'", "<=", ">=",
                                        "==",  "!=",  "and", "or",  "'('", "'['", "'.'", NULL};
/* The order in which alternatives are named. */
static const char *const single_words[] = {
    "')'",   "']'",     "'}'",    "','",    "':'",        "'{'",   "'='",   "->",  "of",   "in",
    "then",  "else",    "when",   "using",  "as",         "until", "every", "at",  "from", "to",
    "after", "crosses", "unless", "each",   "refractory", "'/'",   "'^'",   "'*'", "+=",   "-=",
    "*=",    "/=",      "string", "number", "'('",        "'['",   NULL};

enum { MOST_NAMED = 4 };

typedef struct Choices {
    const char *text[MOST_NAMED];
    int n;
} Choices;

static void choose(Choices *c, const char *text)
{
    if (c->n < MOST_NAMED) c->text[c->n++] = text;
}

static bool inside_brace(const Parse *p)
{
    size_t n = vec_len(p->open);
    return n && p->open[n - 1].kind == '{';
}

static const char *quoted(Parse *p, const char *name)
{
    if (name[0] == '\'') return arena_printf(p->ast->arena, "a `%c`", name[1]);
    if (strcmp(name, "string") == 0) return "a text in quotes";
    if (strcmp(name, "number") == 0) return "a number";
    return arena_printf(p->ast->arena, "`%s`", name);
}

/* The alternatives in words; an empty list when nothing sensible can be said. */
static Choices choices(Parse *p, const Expected *e)
{
    Choices c = {.n = 0};
    bool value = has(e, "quantity"), name = has(e, "name") && !value;
    bool operator= has(e, "and"), some_operators = has(e, "'*'") && has(e, "'/'");
    bool after_value = has(e, "'.'"), left_side = has(e, "'='") && has(e, "':'");
    if (has(e, "neuron")) {
        choose(&c, "a declaration");
        return c;
    }
    if (has(e, "on")) {
        choose(&c, "a part of the model, such as `param`, `state` or an equation");
        return c;
    }
    if (has(e, "let") && has(e, "quantity")) {
        choose(&c, "a statement");
        return c;
    }
    if (value) choose(&c, "a value");
    if (name) choose(&c, "a name");
    for (const char *const *w = single_words; *w; w++) {
        if (!has(e, *w) || (value && one_of(*w, begins_value)) ||
            (operator&& one_of(*w, operators)) || ((value || name) && one_of(*w, soft_words))) {
            continue;
        }
        if (after_value && one_of(*w, operators)) continue;
        if (left_side && (strcmp(*w, "':'") == 0 || strcmp(*w, "'/'") == 0)) continue;
        if (one_of(*w, (const char *const[]){"-=", "*=", "/=", NULL})) continue;
        choose(&c, quoted(p, *w));
    }
    if (has(e, "line end")) {
        choose(&c, "the end of the line");
        if (inside_brace(p) && !has(e, "'}'")) choose(&c, "a `}`");
    }
    if (!c.n && (operator|| some_operators)) choose(&c, "an operator");
    return c;
}

static const char *joined(Parse *p, const Choices *c)
{
    const char *text = c->text[0];
    for (int k = 1; k < c->n; k++) {
        text =
            arena_printf(p->ast->arena, "%s%s%s", text, k + 1 < c->n ? ", " : " or ", c->text[k]);
    }
    return text;
}

/* ---- what was there instead ---- */

static const Token *raw(const Parse *p, size_t k)
{
    size_t n = vec_len(p->token);
    return &p->token[k < n ? k : n - 1];
}

/* The token itself, cut short, in backquotes. */
static const char *spelled(Parse *p, const Token *t)
{
    enum { LONG = 24 };
    const char *s = p->file->text + (t->span.lo - p->file->base);
    size_t len = t->span.hi - t->span.lo, k = 0;
    if (len <= LONG) return arena_printf(p->ast->arena, "`%.*s`", (int)len, s);
    while (k < LONG)
        k += source_char(s + k, len - k);
    return arena_printf(p->ast->arena, "`%.*s...`", (int)k, s);
}

static const char *found(Parse *p)
{
    const Token *t = &p->out;
    if (t->kind == CORTEX_YYEOF) return "the end of the file";
    if (t->kind == NL) {
        const Token *at = raw(p, p->out_index);
        if (at->kind == '}') return "`}`";
        if (at->kind == T_END) return "the end of the file";
        if (at->kind == T_SEMICOLON) return "`;`";
        return "the end of the line";
    }
    return spelled(p, t);
}

/* ---- the mistakes that have their own words ---- */

/* All words that may begin a line, for "did you mean". */
static const char *nearest_word(const char *word)
{
    static const char *const firsts[] = {
        "model",   "import",   "neuron", "synapse",    "function",   "layer", "population", "let",
        "connect", "stimulus", "record", "simulation", "run",        "set",   "at",         "every",
        "for",     "if",       "sweep",  "trials",     "expect",     "param", "state",      "input",
        "port",    "event",    "spike",  "on",         "refractory",
    };
    static const char *const elsewhere[][2] = {
        {"parameter", "param"},    {"parameters", "param"}, {"var", "let"},
        {"const", "let"},          {"def", "function"},     {"include", "import"},
        {"connection", "connect"}, {"group", "population"}, {"simulate", "run"},
        {"cell", "neuron"},        {"inputs", "input"},     {"ports", "port"},
        {"while", "every"},        {"reset", "spike"},
    };
    for (size_t k = 0; k < sizeof elsewhere / sizeof *elsewhere; k++) {
        if (strcmp(word, elsewhere[k][0]) == 0) return elsewhere[k][1];
    }
    return strlen(word) > 2 ? diag_nearest(word, firsts, sizeof firsts / sizeof *firsts) : NULL;
}

/* The end of the token before, or the token itself where a statement begins. */
static Span place(const Parse *p)
{
    const Token *prev = p->out.kind == NL || p->out.kind == CORTEX_YYEOF ? &p->last : &p->before;
    bool any = p->out.kind == NL || p->out.kind == CORTEX_YYEOF ? p->any_last : p->any_before;
    if (!any || p->out_index <= p->statement) {
        return p->out.kind == NL && any ? (Span){prev->span.hi, prev->span.hi} : p->out.span;
    }
    return (Span){prev->span.hi, prev->span.hi};
}

static bool is_name(const Token *t, const char *name)
{
    return t->kind == IDENT && strcmp(t->name, name) == 0;
}

static bool plot_in_file(Parse *p)
{
    const Token *t = raw(p, p->statement);
    if (!is_name(t, "plot")) return false;
    Diag *d = message_error(p, D_plot_in_file, t->span,
                            "plots are made after the run, not in the model file");
    if (d) diag_hint(d, "take this line away and type `cortexc plot out.h5` after the run");
    return true;
}

/* `mend`: what the hint stands for, or nowhere. */
static void say_record_everything(Parse *p, Span at, Span mend)
{
    Diag *d = message_error(p, D_record_everything, at, "a recording names its variables");
    if (!d) return;
    diag_note(d, "the spikes of everything are recorded unless told otherwise");
    diag_range(d, mend);
    diag_hint(d, "write `record V of *`");
}

static bool record_everything(Parse *p)
{
    const Token *what = raw(p, p->statement + 1);
    if (raw(p, p->statement)->kind != RECORD ||
        (!is_name(what, "everything") && !is_name(what, "all"))) {
        return false;
    }
    int next = raw(p, p->statement + 2)->kind;
    bool all = next == T_LINE_END || next == T_SEMICOLON || next == T_END;
    say_record_everything(p, what->span, all ? span_join(raw(p, p->statement)->span, what->span) : (Span){0, 0});
    return true;
}

Node *message_record(Parse *p, Node *record)
{
    const Node *first = record->kid[0]->n_kids ? record->kid[0]->kid[0] : NULL;
    if (!first || first->kind != N_name || (strcmp(first->name, "everything") && strcmp(first->name, "all"))) return record;
    say_record_everything(p, first->span, (Span){0, 0});
    return parse_poison(p, record->span);
}

/* `g = 5` at the top level, `poplation E : 10 of lif`. */
static bool unknown_item(Parse *p, const Expected *e)
{
    const Token *t = raw(p, p->out_index);
    if (!has(e, "neuron") || p->made || t->kind != IDENT) return false;
    int next = raw(p, p->out_index + 1)->kind;
    if (next == '=') {
        Diag *d = message_error(p, D_missing_let, t->span,
                                "a value at the top level needs `let` or `param`");
        if (d)
            diag_hint(d, "write `let %s = ...`, or `param %s = ...` to set it from outside",
                      t->name, t->name);
        return true;
    }
    Diag *d =
        message_error(p, D_syntax, t->span, "expected a declaration, found %s", spelled(p, t));
    const char *near = nearest_word(t->name);
    if (d && near)
        diag_hint(d, "did you mean `%s`?", near);
    else if (d &&
             (next == ADDEQ || next == SUBEQ || next == MULEQ || next == DIVEQ || next == '.')) {
        diag_hint(d, "write `set %s...` to change a value between runs", t->name);
    }
    return true;
}

static bool begins_value_token(int kind)
{
    return kind == '[' || kind == '-' || layout_ends_value(kind);
}

/* `10 mv`, `5 neurons`: a number with a name behind it. */
static bool unknown_unit(Parse *p)
{
    if (p->out.kind != IDENT || p->before.kind != NUM || p->out.first) return false;
    Unit unit;
    if (unit_name(p->out.name, strlen(p->out.name), &unit))
        return false; /* and yet it was not taken */
    const char *near = unit_nearest(p->ast->arena, p->out.name);
    size_t n = vec_len(p->open);
    if (!near && n && p->open[n - 1].kind == '[') return false;
    int next = raw(p, p->out_index + 1)->kind;
    if (next == '=' || next == ADDEQ || next == SUBEQ) return false;
    Diag *d = message_error(p, D_unknown_unit, p->out.span, "`%s` is no unit", p->out.name);
    if (d && near)
        diag_hint(d, "did you mean `%s`?", near);
    else if (d)
        diag_hint(d, "behind a number stands its unit, an operator or `of`");
    return true;
}

static const char *found_text(Parse *p)
{
    return arena_strndup(p->ast->arena, p->file->text + (p->out.span.lo - p->file->base), p->out.span.hi - p->out.span.lo);
}

static bool missing_comma(Parse *p, const Expected *e)
{
    size_t n = vec_len(p->open);
    if (p->out.kind == '[' || p->out.kind == '(') n--;
    if (!n || p->open[n - 1].kind == '{' || !has(e, "','") || !begins_value_token(p->out.kind) ||
        !layout_ends_value(p->before.kind)) {
        return false;
    }
    /* A `(` that nobody closed is likelier than a list that goes on in the next line. */
    if (p->open[n - 1].kind == '(' && p->out.first) return false;
    Diag *d = message_error(p, D_missing_comma, place(p), "expected a `,` before %s", found(p));
    bool named = p->before.kind == IDENT && p->open[n - 1].kind == '(';
    if (d && named) diag_hint(d, "write `%s = %s` if `%s` is the name of an argument", p->before.name, found_text(p), p->before.name);
    else if (d) {
        diag_range(d, span_join(p->before.span, p->out.span));
        diag_hint(d, "write `%s, %s`",
                  arena_strndup(p->ast->arena, p->file->text + (p->before.span.lo - p->file->base),
                                p->before.span.hi - p->before.span.lo),
                  arena_strndup(p->ast->arena, p->file->text + (p->out.span.lo - p->file->base),
                                p->out.span.hi - p->out.span.lo));
    }
    return true;
}

static bool missing_colon(Parse *p, const Expected *e)
{
    int first = raw(p, p->statement)->kind;
    size_t n = vec_len(p->open);
    if (p->out.kind == '(' || p->out.kind == '[' || p->out.kind == '{') n--;
    if (!has(e, "':'") || (n && p->open[n - 1].kind != '{')) return false;
    if ((first == CONNECT || first == STIMULUS) && p->arrow_at) {
        const char *what = first == CONNECT ? "rule" : "kind of stimulus";
        Diag *d = message_error(p, D_missing_colon, place(p), "expected a `:` and the %s, found %s",
                                what, found(p));
        if (d) {
            diag_hint(d, first == CONNECT
                             ? "write `connect A -> B : probability(10%%) { weight = 1 mV }`"
                             : "write `stimulus -> A : poisson(rate = 10 Hz) { weight = 1 mV }`");
        }
        return true;
    }
    if ((first == LAYER || first == POPULATION) && p->out_index == p->statement + 2) {
        Diag *d = message_error(p, D_missing_colon, place(p),
                                "expected a `:` and the number of neurons, found %s", found(p));
        if (d)
            diag_hint(d, "write `%s %s : 100 of lif`", first == LAYER ? "layer" : "population",
                      raw(p, p->statement + 1)->name ? raw(p, p->statement + 1)->name : "E");
        return true;
    }
    return false;
}

/* `population E : lif`, `population E : 10 lif`, `layer L : 10`. */
static bool missing_count(Parse *p, const Expected *e)
{
    const Token *first = raw(p, p->statement), *name = raw(p, p->statement + 1), *what = raw(p, p->statement + 3);
    if ((first->kind != LAYER && first->kind != POPULATION) || !name->name || !has(e, "of") || p->out_index != p->statement + 4) return false;
    const char *word = first->kind == LAYER ? "layer" : "population";
    if (what->kind == IDENT) {
        Diag *d = message_error(p, D_missing_count, what->span, "expected a number of neurons and `of` before `%s`", what->name);
        if (d) diag_hint(d, "write `%s %s : 100 of %s`", word, name->name, what->name), diag_range(d, span_join(first->span, what->span));
        return true;
    }
    if (what->kind != NUM) return false;
    bool model = p->out.kind == IDENT;
    Diag *d = message_error(p, D_missing_count, place(p), model ? "expected `of` before `%s`" : "expected `of` and a model%s", model ? p->out.name : "");
    if (d) diag_range(d, span_join(first->span, model ? p->out.span : what->span));
    if (d) diag_hint(d, "write `%s %s : %s of %s`", word, name->name, what->text ? what->text : "100", model ? p->out.name : "lif");
    return true;
}

/* What can be added to the general message. */
static void advise(Parse *p, Diag *d, const Expected *e)
{
    const Token *first = raw(p, p->statement);
    size_t n = vec_len(p->open);
    if ((p->out.kind == '(' || p->out.kind == '[' || p->out.kind == '{') && n) n--;
    if (n && p->open[n - 1].kind != '{' && (has(e, "')'") || has(e, "']'"))) {
        const Open *o = &p->open[n - 1];
        if (source_place(p->ast->sources, o->span.lo).line !=
            source_place(p->ast->sources, p->out.span.lo).line) {
            diag_note_at(d, o->span, "the `%c` opened here", o->kind);
        }
    }
    if (has(e, "name") && !has(e, "quantity") && p->out.name && p->out.kind != IDENT &&
        !p->out.first) {
        diag_note(d, "`%s` is a word of the language and cannot be a name", p->out.name);
    }
    if (first->kind == IDENT && p->out_index > p->statement) {
        const char *near = nearest_word(first->name);
        if (near) diag_hint(d, "did you mean `%s`?", near), diag_range(d, first->span);
    }
    int out = p->out.kind;
    if (p->out.kind == EQ && has(e, "'='")) diag_hint(d, "`==` compares, `=` sets a value");
    if (has(e, "->") && (out == '-' || out == '=' || (p->out.name && strcmp(p->out.name, "to") == 0))) diag_hint(d, "write `->`"), diag_range(d, p->out.span);
    if (first->kind == RECORD && has(e, "of")) diag_hint(d, "write `record V of E`");
    if ((out == ADDEQ || out == SUBEQ || out == MULEQ || out == DIVEQ) && !has(e, "+=") &&
        has(e, "'='")) {
        diag_hint(d, "changes stand in a block, as in `on pre { x += 1 }`");
    }
    const char *word = out == IDENT ? diag_nearest(p->out.name, e->name, (size_t)e->n) : NULL;
    if (word && scan_word(word, strlen(word))) diag_hint(d, "did you mean `%s`?", word), diag_range(d, p->out.span);
    if (out == ELSE) diag_hint(d, "an `else` follows the `}` of its `if`");
    if (p->out.kind == CROSSES) diag_hint(d, "`crosses` stands behind `when` only");
}

/* Says what is wrong at the last token, given what the parser could have taken instead. Returns
 * whether that includes a `{`. */
bool message_syntax(Parse *p, const char *const *expected, int n)
{
    Expected e = {expected, n};
    bool brace = has(&e, "'{'");
    /* Junk was spoken of when it was scanned. */
    if (p->stopped || p->out.kind == JUNK) return brace;
    if (plot_in_file(p) || record_everything(p) || unknown_item(p, &e) || missing_count(p, &e) ||
        (!brace && unknown_unit(p)) || missing_comma(p, &e) || missing_colon(p, &e)) {
        return brace;
    }
    Choices c = choices(p, &e);
    bool next_line = p->out.first && p->out_index > p->statement && p->out.kind != NL;
    const char *there =
        next_line ? arena_printf(p->ast->arena, "%s in the next line", found(p)) : found(p);
    Diag *d =
        c.n ? message_error(p, D_syntax, place(p), "expected %s, found %s", joined(p, &c), there)
            : message_error(p, D_syntax, place(p), "unexpected %s", there);
    if (d) advise(p, d, &e);
    if (p->out.kind == '{' && inside_brace(p)) p->open[vec_len(p->open) - 1].junk = true;
    return brace;
}
