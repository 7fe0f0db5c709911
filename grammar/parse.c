/* The doors of this room, and what the actions of the grammar need beyond the constructors. */
#include "parse.h"

#include "cortex.tab.h"

#include <string.h>

/* The documentation above the token that begins at `at`, or NULL. */
const char *parse_doc(const Parse *p, uint32_t at)
{
    size_t lo = 0, hi = vec_len(p->docs);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->docs[mid].at < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < vec_len(p->docs) && p->docs[lo].at == at ? p->docs[lo].text : NULL;
}

/* Appends an item or part with its documentation. The several nodes of `let a = 1, b = 2` come in
 * N_items and are taken out of it; they share the documentation, as do the names of a `param`. */
void parse_add(Parse *p, Node *list, Node *item)
{
    const char *doc = parse_doc(p, item->span.lo);
    list->span.hi = item->span.hi;
    if (item->kind != N_items) {
        item->doc = doc;
        ast_push(p->ast, list, item);
    }
    if (item->kind != N_items && item->kind != N_decls) return;
    for (int k = 0; k < item->n_kids; k++) {
        Node *n = item->kid[k];
        n->doc = parse_doc(p, n->span.lo);
        if (!n->doc) n->doc = doc;
        if (item->kind == N_items) ast_push(p->ast, list, n);
    }
}

/* What stands for a statement in error; it has the name that the statement would have declared, so
 * that later passes need not call it unknown. */
Node *parse_poison(Parse *p, Span span)
{
    Node *n = ast_node(p->ast, N_poison, span);
    size_t lo = 0, hi = vec_len(p->token);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->token[mid].span.lo < span.lo)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo + 1 >= vec_len(p->token)) return n;
    const Token *t = &p->token[lo];
    switch (t->kind) {
    case NEURON:
    case SYNAPSE:
    case FUNCTION:
    case LAYER:
    case POPULATION:
    case LET:
    case PARAM:
    case STATE:
    case INPUT:
    case EVENT:
        if (t[1].kind == IDENT) {
            n->name = t[1].name;
            n->name_span = t[1].span;
        }
        break;
    case IDENT:
        if (t[1].kind == '=') {
            n->name = t->name;
            n->name_span = t->span;
        }
        break;
    default:
        break;
    }
    return n;
}

/* Keeps trees shallow enough for passes that recurse. */
Node *parse_deep(Parse *p, Node *n)
{
    if (n->depth > PARSE_MAX_DEPTH) {
        message_stop(p, D_nesting_too_deep, (Span){n->span.hi, n->span.hi},
                     "this expression is nested too deeply");
        return ast_node(p->ast, N_poison, n->span);
    }
    return n;
}

/* A unit in a declaration. `port`, `int` and `bool` are words in its place, `1` a plain number. */
Node *parse_unit(Parse *p, Span span)
{
    static const char *const words[] = {"port", "int", "bool"};
    Node *n = ast_node(p->ast, N_unit, span);
    const char *s = p->file->text + (span.lo - p->file->base);
    size_t len = span.hi - span.lo, k = 0;
    char *text = arena_alloc(p->ast->arena, len + 1, 1);
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '#') {
            while (i < len && s[i] != '\n')
                i++;
        } else if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n') {
            text[k++] = s[i];
        }
    }
    n->text = text;
    for (size_t w = 0; w < 3; w++) {
        if (strcmp(text, words[w]) == 0) {
            n->name = sym(text);
            n->name_span = span;
            return n;
        }
    }
    n->which = UNIT_KNOWN;
    n->unit = (Unit){.factor = 1};
    if (strcmp(text, "1") != 0 && unit_parse(text, k, &n->unit) != k) {
        n->kind = N_poison;
        Diag *d = message_error(p, D_unknown_unit, span, "`%s` is no unit", text);
        const char *near = unit_nearest(p->ast->arena, text);
        if (d && near)
            diag_hint(d, "did you mean `%s`?", near);
        else if (d)
            diag_hint(d,
                      "behind `:` stands a unit such as `mV` or `nS/ms`, or `int`, `bool`, `port`");
    }
    n->unit.text = text;
    return n;
}

/* Numbers, quantities, fractions, strings. */
Node *parse_literal(Parse *p, NodeKind kind, const Token *t)
{
    Node *n = ast_node(p->ast, kind, t->span);
    n->num = t->num;
    n->text = t->text;
    if (t->unit) n->unit = *t->unit;
    return n;
}

/* `left op right`; `1/2 ms`, which is half a kilohertz, is worth a word. */
Node *parse_binary(Parse *p, Span span, int op, uint32_t at, Node *left, Node *right)
{
    Node *n = ast_kids(p->ast, N_binary, span, 2, left, right);
    n->op = op;
    n->at = at;
    if (op == '/' && left->kind == N_num && right->kind == N_qty && !(right->flags & AST_PAREN) &&
        !p->stopped) {
        Diag *d = diag_add(p->ast->diags, D_unit_quotient, span,
                           "this divides by the quantity `%s`", right->text);
        diag_caret(d, at);
        const char *s = right->text;
        int digits = (int)strspn(s, "0123456789.");
        diag_hint(d, "write `%s/(%s)` for this, `%s/%.*s*[%s]` for a fraction of the unit",
                  left->text, s, left->text, digits, s, right->unit.text);
    }
    return parse_deep(p, n);
}

/* dV/dt = right: the grammar has read `name / name = …`. */
Node *parse_equation(Parse *p, Span span, Node *dv, Node *dt, Node *right, Node *held)
{
    Node *n = ast_kids(p->ast, N_equation, span, 1, right);
    bool shape = dv->name[0] == 'd' && dv->name[1] && strcmp(dt->name, "dt") == 0;
    if (!shape) {
        Diag *d = message_error(p, D_bad_equation, span_join(dv->span, dt->span),
                                "the left side of an equation is `dV/dt`, not `%s/%s`", dv->name,
                                dt->name);
        bool d_first = dv->name[0] == 'd' && dv->name[1];
        if (d)
            diag_hint(d, "write `d%s/dt = ...` for the derivative of `%s`", dv->name + d_first,
                      dv->name + d_first);
        n->kind = N_poison;
        return n;
    }
    n->name = sym(dv->name + 1);
    n->name_span = (Span){dv->span.lo + 1, dv->span.hi};
    if (held && held->which == EQ_EACH_STEP && strcmp(held->name, "step") != 0) {
        Diag *d =
            message_error(p, D_syntax, held->name_span, "expected `step`, found `%s`", held->name);
        if (d) diag_hint(d, "write `each step` to integrate this equation in every step");
    }
    n->which = held ? held->which : EQ_PLAIN;
    return n;
}

/* Checks that the rule of a connection, or the kind of a stimulus, is a call; a bare name is one
 * without arguments. */
Node *parse_rule(Parse *p, Node *rule, bool stimulus)
{
    if (rule->kind == N_call && rule->kid[0]->kind == N_name) return rule;
    if (rule->kind == N_name) return ast_kids(p->ast, N_call, rule->span, 1, rule);
    if (rule->kind == N_poison) return rule;
    Diag *d = message_error(p, D_rule_expected, rule->span,
                            stimulus ? "expected a kind of stimulus, found %s"
                                     : "expected a rule, found %s",
                            arena_printf(p->ast->arena, "`%s`", ast_source(p->ast, rule)));
    if (d && stimulus) {
        diag_hint(d, "write a kind of stimulus such as `poisson(rate = 10 Hz)`");
    } else if (d && rule->kind == N_pct) {
        diag_hint(d, "write `probability(%s)`", rule->text);
    } else if (d && rule->kind == N_num && rule->num > 0 && rule->num <= 1) {
        diag_hint(d, "write `probability(%s)`", rule->text);
    } else if (d && rule->kind == N_num) {
        diag_hint(d, "write `indegree(%s)` for %s inputs to each neuron", rule->text, rule->text);
    } else if (d) {
        diag_hint(d, "write a rule such as `probability(10%%)` or `all_to_all`");
    }
    return ast_node(p->ast, N_poison, rule->span);
}

/* `V = Vr, w += b`: understood, and an error with what mends it. Where no statement follows, the
 * comma is not the mistake. */
void parse_comma(Parse *p, Span comma)
{
    const Token *next = &p->token[p->next < vec_len(p->token) ? p->next : vec_len(p->token) - 1];
    if (!next->name && next->kind != T_LINE_END && next->kind != '}') return;
    Diag *d = message_error(p, D_comma_between_statements, comma, "a `,` does not end a statement");
    if (d) diag_hint(d, "write `;` or begin a new line"), diag_mend(d, comma, ";");
}

static Node *run(Ast *a, const SourceFile *f, int start, bool *clean)
{
    Parse p = {.ast = a, .file = f, .start = start};
    scan_text(&p);
    Node *orphans = orphans_take(&p);
    cortex_yyparse(&p);
    for (int k = 0; p.result && start == START_FILE && k < orphans->n_kids; k++)
        ast_push(a, p.result, orphans->kid[k]);
    *clean = p.errors == 0;
    vec_free(p.token);
    vec_free(p.docs);
    vec_free(p.open);
    return p.result;
}

/* The tree of a file, N_file, kept in the arena of `a`. Mistakes are diagnostics; their statements
 * are N_poison. */
Node *parse_file(Ast *a, const SourceFile *f)
{
    bool clean;
    Node *n = run(a, f, START_FILE, &clean);
    Span all = {f->base, f->base + f->len};
    if (!n) {
        n = ast_node(a, N_file, all);
        ast_push(a, n, ast_node(a, N_poison, all));
    }
    n->kind = N_file;
    n->span = all;
    return n;
}

/* One expression, all of `f`. NULL after a mistake, which is a diagnostic. */
Node *parse_expression(Ast *a, const SourceFile *f)
{
    bool clean;
    Node *n = run(a, f, START_EXPRESSION, &clean);
    return clean ? n : NULL;
}

/* The name of a word of the language, also of those that may be names; NULL for any other. */
Sym parse_word(const char *keyword)
{
    return *keyword && scan_word(keyword, strlen(keyword)) ? sym(keyword) : NULL;
}
