/* Bodies whose first line is missing. Lines that can only stand in a model or a block, up to a `}` that has no `{`,
 * are one mistake and not one a line: they are taken out before the parser sees them. */
#include "parse.h"

#include "cortex.tab.h"

/* Does the token, the first of its line, surely begin a declaration of the top level? */
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
    case LET:
    case FOR:
    case SET:
    case AT:
        return true;
    default:
        return false;
    }
}

/* Can the line that begins here stand in a model or a block only? */
static bool inside_only(const Token *t)
{
    switch (t->kind) {
    case INPUT:
    case PORT:
    case SPIKE:
    case EVENT:
        return t[1].kind == IDENT || t[1].kind == WHEN;
    case ON:
    case REFRACTORY:
        return true;
    case IDENT:
        return t[1].kind == '/' || t[1].kind == '=' || t[1].kind == ADDEQ || t[1].kind == SUBEQ;
    default:
        return false;
    }
}

static void take_out(Parse *p, size_t from, size_t brace, Node *list)
{
    Token *t = p->token;
    Span all = span_join(t[from].span, t[brace].span);
    Diag *d = message_error(p, D_unmatched_brace, t[brace].span, "a `}` without its `{`");
    if (d) {
        diag_note_at(d, t[from].span, "what it ends begins here, as the inside of a model or of a block");
        diag_hint(d, "put its first line above, such as `neuron NAME {`");
    }
    ast_push(p->ast, list, ast_node(p->ast, N_poison, all));
    for (size_t k = from; k <= brace; k++)
        t[k].kind = T_LINE_END;
}

/* Takes them out; N_poison for each in what comes back. */
Node *orphans_take(Parse *p)
{
    Node *list = ast_node(p->ast, N_items, (Span){0, 0});
    size_t n = vec_len(p->token), none = SIZE_MAX, from = none;
    int braces = 0, parens = 0;
    bool inside = false;
    for (size_t k = 0; k < n && !p->stopped; k++) {
        const Token *t = &p->token[k];
        if (t->first && begins_item(t->kind)) { /* brackets that are still open were forgotten */
            if (!braces) from = none, inside = false;
            parens = 0;
        } else if (t->first && !braces && !parens && t->kind != '}' && t->kind != T_LINE_END && t->kind != T_END) {
            if (from == none) from = k;
            inside |= inside_only(t);
        }
        if (t->kind == '(' || t->kind == '[') parens++;
        if ((t->kind == ')' || t->kind == ']') && parens) parens--;
        if (t->kind == '{') braces++;
        if (t->kind != '}') continue;
        parens = 0;
        if (braces) {
            braces--;
            continue;
        }
        if (from != none && inside) take_out(p, from, k, list);
        from = none;
        inside = false;
    }
    return list;
}
