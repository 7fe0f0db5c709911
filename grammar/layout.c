/* Line ends: which of them end a statement. The scanner gives every line end; the parser sees a
 * NL where a statement, a part or a setting ends, one before each `}` and one at the end of the
 * file, and none inside ( ) and [ ] or where a line goes on. The same pass knows which brackets are
 * open, so it also mends what is best mended here: braces that nobody closed, `=` in a condition,
 * `L2/3` as a name, a missing comma between the rows of a list. */
#include "parse.h"

#include "cortex.tab.h"

#include <string.h>

static const Token *at(const Parse *p, size_t k)
{
    size_t n = vec_len(p->token);
    return &p->token[k < n ? k : n - 1];
}

static Open *innermost(const Parse *p)
{
    return vec_len(p->open) ? &p->open[vec_len(p->open) - 1] : NULL;
}

static bool in_parens(const Parse *p)
{
    const Open *o = innermost(p);
    return o && o->kind != '{';
}

/* A value, or a name, may end with such a token; what follows may be an operator. */
bool layout_ends_value(int kind)
{
    switch (kind) {
    case IDENT:
    case NUM:
    case QTY:
    case PCT:
    case STR:
    case TRUE:
    case FALSE:
    case WILD:
    case REFRACTORY:
    case ')':
    case ']':
        return true;
    default:
        return scan_word_soft(kind);
    }
}

/* A line that ends so goes on. */
static bool goes_on(int kind)
{
    switch (kind) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '^':
    case '<':
    case '>':
    case LE:
    case GE:
    case EQ:
    case NE:
    case AND:
    case OR:
    case NOT:
    case ADDEQ:
    case SUBEQ:
    case MULEQ:
    case DIVEQ:
    case '=':
    case ',':
    case ':':
    case ARROW:
    case '{':
    case THEN:
    case ELSE:
    case OF:
        return true;
    default:
        return false;
    }
}

/* A line that begins so continues the one above. */
static bool continues(const Parse *p, int kind)
{
    switch (kind) {
    case '*':
        return p->any_last && layout_ends_value(p->last.kind);
    case '+':
    case '-':
    case '/':
    case '^':
    case '<':
    case '>':
    case LE:
    case GE:
    case EQ:
    case NE:
    case AND:
    case OR:
    case ADDEQ:
    case SUBEQ:
    case MULEQ:
    case DIVEQ:
    case '=':
    case ':':
    case ARROW:
    case '{':
    case THEN:
    case ELSE:
    case USING:
    case AS:
    case UNLESS:
    case OF:
    case IN:
        return true;
    default:
        return false;
    }
}

/* These begin a declaration and stand nowhere else, least of all inside a neuron or a bracket. */
static bool begins_item(int kind)
{
    switch (kind) {
    case MODEL:
    case IMPORT:
    case NEURON:
    case SYNAPSE:
    case FUNCTION:
    case LAYER:
    case POPULATION:
    case CONNECT:
    case STIMULUS:
    case RECORD:
    case SIMULATION:
    case RUN:
    case SWEEP:
    case TRIALS:
    case EXPECT:
        return true;
    default:
        return false;
    }
}

/* Whether the token `k`, the first of its line, surely begins a statement, so that a bracket still
 * open above it was forgotten. */
static bool begins_statement(const Parse *p, size_t k)
{
    const Token *t = at(p, k), *next = at(p, k + 1);
    if (begins_item(t->kind)) return true;
    switch (t->kind) {
    case LET:
    case SET:
    case ON:
    case AT:
    case EVERY:
    case FOR:
    case T_END:
        return true;
    case PARAM:
    case STATE:
    case INPUT:
    case PORT:
    case EVENT:
    case SPIKE:
        return next->kind == IDENT || next->kind == WHEN;
    case IDENT:
        return next->kind == '/' && at(p, k + 2)->name == sym("dt") && at(p, k + 3)->kind == '=';
    default:
        return false;
    }
}

/* Hands out `t`, which was made from the token `index`. */
static const Token *hand_out(Parse *p, Token t, size_t index, bool made)
{
    if (p->any_last && p->last.kind != NL) {
        p->before = p->last;
        p->any_before = true;
    }
    if (t.kind == NL) {
        p->fresh = true;
        p->condition = false;
        p->arrow_at = 0;
    } else {
        if (p->fresh) p->statement = index;
        p->fresh = t.kind == '{';
        p->last = t;
        p->any_last = true;
    }
    p->out = t;
    p->out_index = index;
    p->made = made;
    return &p->out;
}

static const Token *line_end(Parse *p, size_t index, bool made)
{
    Token t = {.kind = NL, .span = at(p, index)->span};
    if (made) t.span = (Span){p->last.span.hi, p->last.span.hi};
    return hand_out(p, t, index, made);
}

/* Forgets the parentheses and square brackets that are open inside the innermost brace. */
static void drop_parens(Parse *p)
{
    while (in_parens(p))
        (void)vec_pop(p->open);
}

/* A `}`, there or supplied before the token `next`: first a NL, then itself. */
static const Token *close_brace(Parse *p, bool supplied)
{
    drop_parens(p);
    if (p->out.kind != NL && p->out.kind != '{') return line_end(p, p->next, true);
    size_t statement = vec_pop(p->open).statement; /* `else` goes on with it */
    Token t = *at(p, p->next);
    t.kind = '}';
    size_t index = p->next;
    if (supplied) {
        t.span = (Span){p->last.span.hi, p->last.span.hi};
        p->force_line_end = true;
    } else {
        p->next++;
    }
    (void)hand_out(p, t, index, supplied);
    p->statement = statement;
    return &p->out;
}

/* Says where the brace that nobody closed was opened. */
static void unclosed(Parse *p, const Token *found)
{
    drop_parens(p);
    const Open *o = innermost(p);
    if (o->junk) return;
    Span end = {p->last.span.hi, p->last.span.hi};
    const char *what = found->kind == T_END ? "the end of the file"
                                            : arena_printf(p->ast->arena, "`%s`", found->name);
    Diag *d = message_error(p, D_unclosed_brace, end, "expected a `}`, found %s", what);
    if (!d) return;
    Place place = source_place(p->ast->sources, o->span.lo);
    diag_note_at(d, o->span, "the `{` of line %u is not closed", place.line);
}

/* What may stand in a layer. */
static bool in_layer(int kind)
{
    return kind == POPULATION || kind == LET || kind == FOR || kind == IF;
}

/* True when the brace of this statement surrounds declarations. */
static bool opens_items(const Parse *p)
{
    for (size_t k = 0; k < vec_len(p->open); k++) {
        if (!p->open[k].items) return false;
    }
    int first = at(p, p->statement)->kind;
    if (first == LAYER) {
        for (size_t k = p->statement; k < p->next; k++) {
            if (at(p, k)->kind == OF) return false;
        }
        return true;
    }
    return first == FOR || first == IF;
}

static void open_bracket(Parse *p, const Token *t)
{
    Open o = {.kind = t->kind, .span = t->span, .statement = p->statement};
    if (t->kind == '{') {
        o.items = opens_items(p);
        o.layer = o.items && at(p, p->statement)->kind == LAYER;
    }
    if (t->kind == '[') o.list = !layout_ends_value(p->last.kind) || !p->any_last;
    if (vec_len(p->open) >= PARSE_MAX_NESTING) {
        message_stop(p, D_nesting_too_deep, t->span, "brackets are nested more than 1,000 deep");
        return;
    }
    vec_push(p->open, o);
}

/* `L2/3` before a `:`, `{` or `[`: takes the three tokens as the name L23. */
static bool slash_in_name(Parse *p, Token *t)
{
    const Token *slash = at(p, p->next + 1), *tail = at(p, p->next + 2);
    if (p->last.kind != LAYER && p->last.kind != POPULATION && p->last.kind != NEURON) return false;
    if (t->kind != IDENT || slash->kind != '/' || (tail->kind != NUM && tail->kind != IDENT) ||
        slash->blank || tail->blank || !p->any_last) {
        return false;
    }
    Span all = span_join(t->span, tail->span);
    const char *ours =
        arena_printf(p->ast->arena, "%s%s", t->name, tail->kind == NUM ? tail->text : tail->name);
    Diag *d = message_error(p, D_slash_in_name, all, "a name cannot contain `/`");
    if (d) diag_hint(d, "write `%s`", ours);
    t->name = sym(ours);
    t->span = all;
    p->next += 2;
    return true;
}

/* Keeps track of `if`, `when`, `until`, inside which `=` can only mean `==`. */
static void watch_condition(Parse *p, Token *t)
{
    size_t depth = vec_len(p->open);
    switch (t->kind) {
    case IF:
    case WHEN:
    case UNTIL:
        p->condition = true;
        p->condition_depth = depth;
        break;
    case THEN:
    case '{':
        p->condition = false;
        break;
    case '=':
        if (p->condition && depth == p->condition_depth) {
            Diag *d = message_error(p, D_assignment_in_condition, t->span,
                                    "`=` does not compare two values");
            if (d) diag_hint(d, "write `==`");
            t->kind = EQ;
        }
        break;
    default:
        break;
    }
}

/* After a limit was passed: what is still needed to end the file in order. */
static const Token *wind_up(Parse *p)
{
    p->next = vec_len(p->token) - 1;
    drop_parens(p);
    if (p->open && vec_len(p->open)) return close_brace(p, true);
    if (p->out.kind != NL) return line_end(p, p->next, true);
    Token t = *at(p, p->next);
    t.kind = CORTEX_YYEOF;
    return hand_out(p, t, p->next, true);
}

/* A line end at p->next: NULL when it is to be passed over. */
static const Token *end_line(Parse *p)
{
    size_t here = p->next, next = here;
    bool semicolon = false;
    while (at(p, next)->kind == T_LINE_END || at(p, next)->kind == T_SEMICOLON) {
        semicolon |= at(p, next)->kind == T_SEMICOLON;
        next++;
    }
    if (in_parens(p) && !p->force_line_end && !semicolon) {
        if (!begins_statement(p, next)) {
            p->next = next;
            return NULL;
        }
        drop_parens(p);
        p->force_line_end = true;
    }
    bool forced = p->force_line_end;
    p->force_line_end = false;
    p->next = next;
    if (p->out.kind == NL || !p->any_last) return NULL;
    if (forced) return line_end(p, here, false);
    if (p->out.kind == '{') return NULL;
    /* Nothing goes on across a line that begins something else: there a value is missing. */
    if (!semicolon && ((goes_on(p->last.kind) && !begins_statement(p, next)) ||
                       continues(p, at(p, next)->kind))) {
        return NULL;
    }
    return line_end(p, here, false);
}

static bool missing_comma_between_rows(const Parse *p, const Token *t)
{
    const Open *o = innermost(p);
    return t->kind == '[' && t->blank && p->list_closed && o && o->kind == '[' && o->list;
}

/* The next token for the parser. */
const Token *layout_next(Parse *p)
{
    if (p->start) {
        Token t = {.kind = p->start, .span = {p->file->base, p->file->base}};
        p->start = 0;
        p->out = t;
        p->fresh = true;
        return &p->out;
    }
    for (;;) {
        if (p->stopped) return wind_up(p);
        const Token *raw = at(p, p->next);
        if (p->force_line_end && raw->kind != T_LINE_END && raw->kind != T_SEMICOLON) {
            p->force_line_end = false;
            if (p->out.kind != NL) return line_end(p, p->next, true);
        }
        if (raw->kind == T_LINE_END || raw->kind == T_SEMICOLON) {
            const Token *t = end_line(p);
            if (t) return t;
            continue;
        }
        if (raw->kind == T_END) {
            drop_parens(p);
            if (!vec_len(p->open)) return wind_up(p);
            if (p->out.kind == NL || p->out.kind == '{') unclosed(p, raw);
            return close_brace(p, true);
        }
        if (raw->first && begins_item(raw->kind) && vec_len(p->open)) {
            size_t k = vec_len(p->open);
            while (k && p->open[k - 1].kind != '{')
                k--;
            if (k && (!p->open[k - 1].items || (p->open[k - 1].layer && !in_layer(raw->kind)))) {
                if (p->out.kind == NL || p->out.kind == '{') unclosed(p, raw);
                return close_brace(p, true);
            }
        }
        if (raw->kind == '}') {
            drop_parens(p);
            if (vec_len(p->open)) return close_brace(p, false);
            Diag *d = message_error(p, D_unmatched_brace, raw->span, "a `}` without its `{`");
            if (d) diag_hint(d, "take it away, or look for the `{` that is missing above");
            p->next++;
            continue;
        }
        Token t = *raw;
        if (t.kind == '*' && !(p->any_last && !p->fresh && layout_ends_value(p->out.kind))) {
            t.kind = WILD;
        }
        if (missing_comma_between_rows(p, &t)) {
            Span end = {p->last.span.hi, p->last.span.hi};
            Diag *d =
                message_error(p, D_missing_comma, end, "expected a `,` between the rows of a list");
            if (d) diag_hint(d, "write `[[a, b], [c, d]]`");
            p->list_closed = false;
            Token comma = {.kind = ',', .span = end};
            return hand_out(p, comma, p->next, true);
        }
        slash_in_name(p, &t);
        watch_condition(p, &t);
        p->list_closed = false;
        if (t.kind == ARROW) p->arrow_at = t.span.lo;
        if (t.kind == '(' || t.kind == '[' || t.kind == '{') {
            open_bracket(p, &t);
            if (p->stopped) continue;
        } else if ((t.kind == ')' || t.kind == ']') && in_parens(p)) {
            /* Intervals close with the other kind, so the kinds are the parser's business. */
            Open o = vec_pop(p->open);
            p->list_closed = o.kind == '[' && o.list;
        }
        size_t index = p->next++;
        return hand_out(p, t, index, false);
    }
}

/* Looks for the end of the statement from the token `k`, with `parens` open around it. Returns its
 * index, or SIZE_MAX if the brackets do not balance before it. */
static size_t statement_end(const Parse *p, size_t k, size_t parens, bool balanced)
{
    size_t braces = 0;
    for (;; k++) {
        const Token *t = at(p, k);
        switch (t->kind) {
        case '(':
        case '[':
            if (!braces) parens++;
            break;
        case ')':
        case ']':
            if (!braces && parens) parens--;
            break;
        case '{':
            braces++;
            break;
        case '}':
            if (!braces) return balanced && parens ? SIZE_MAX : k;
            braces--;
            break;
        case T_LINE_END:
        case T_SEMICOLON:
            if (braces) break;
            if (balanced && parens) {
                if (at(p, k + 1)->kind != T_LINE_END && begins_statement(p, k + 1)) return SIZE_MAX;
                break;
            }
            if (t->kind == T_SEMICOLON) return k;
            /* A line that is visibly not over belongs to the statement in error. */
            if (k && goes_on(at(p, k - 1)->kind)) break;
            if (at(p, k + 1)->kind == '{' || at(p, k + 1)->kind == ELSE) break;
            return k;
        case T_END:
            return (balanced && parens) || braces ? SIZE_MAX : k;
        default:
            break;
        }
    }
}

/* Whether `k` begins what would stand in a block or in settings. */
static bool begins_inside(const Parse *p, size_t k)
{
    int kind = at(p, k)->kind, next = at(p, k + 1)->kind;
    if (kind != IDENT && !scan_word_soft(kind)) return false;
    return next == '=' || next == ADDEQ || next == SUBEQ || next == MULEQ || next == DIVEQ ||
           next == '.' || next == IDENT;
}

/* Where a `{` is missing, its `}` is not: returns the index behind it, or 0 if it is not found
 * before the next declaration. */
static size_t behind_block(const Parse *p)
{
    size_t k = p->out_index, braces = 0;
    size_t first = k;
    while (at(p, first)->kind == T_LINE_END)
        first++;
    if (!begins_inside(p, first)) return 0;
    for (;; k++) {
        const Token *t = at(p, k);
        if (t->kind == T_END || (t->first && !braces && begins_item(t->kind))) return 0;
        if (t->kind == '{') braces++;
        if (t->kind == '}' && braces-- == 0) return k + 1;
    }
}

/* Leaves the statement in error: drops the brackets it opened, and goes to its end, or to the line
 * that surely begins another. With `brace_missing` its block is passed over too. */
void layout_resync(Parse *p, bool brace_missing)
{
    size_t behind = brace_missing && !p->stopped ? behind_block(p) : 0;
    if (behind) {
        size_t end = statement_end(p, behind, 0, false);
        drop_parens(p);
        p->next = end == SIZE_MAX ? behind : end;
        p->force_line_end = p->out.kind != NL;
        return;
    }
    if (p->stopped || p->out.kind == NL || p->out.kind == CORTEX_YYEOF) {
        drop_parens(p);
        return;
    }
    size_t k = p->out_index;
    const Token *t = at(p, k);
    /* An opening bracket in error was not meant to be open. */
    if ((p->out.kind == '(' || p->out.kind == '[' || p->out.kind == '{') && !p->made &&
        vec_len(p->open)) {
        (void)vec_pop(p->open);
    }
    size_t parens = 0;
    for (size_t n = vec_len(p->open); n && p->open[n - 1].kind != '{'; n--)
        parens++;
    bool own_line = t->first && k > p->statement && (parens || begins_statement(p, k));
    size_t end = own_line ? k : SIZE_MAX;
    if (end == SIZE_MAX) end = statement_end(p, k, parens, true);
    if (end == SIZE_MAX) end = statement_end(p, k, 0, false);
    if (end == SIZE_MAX) {
        /* A brace inside is open to the end of the file: go on behind it. */
        for (end = k; at(p, end)->kind != T_LINE_END && at(p, end)->kind != T_END;)
            end++;
    }
    drop_parens(p);
    p->next = end;
    p->force_line_end = true;
}
