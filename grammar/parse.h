/* Inside of grammar/: text -> tokens (cortex.l) -> tokens without needless line ends (layout.c)
 * -> tree (cortex.y). The whole file is scanned before it is parsed, so that messages can look
 * around; messages.c finds the words for what went wrong. */
#ifndef CORTEXC_PARSE_H
#define CORTEXC_PARSE_H

#include "ast.h"

typedef struct Token {
    int kind;         /* of cortex.tab.h, or one of the T_ below */
    Span span;
    bool first;       /* the first of its line */
    bool blank;       /* a blank or a line end stands before it */
    Sym name;         /* of names and words */
    const char *text; /* contents of strings, spelling of literals */
    const Unit *unit; /* of quantities */
    double num;
} Token;

/* Tokens of the scanner that the layout turns into others. */
enum { T_LINE_END = 1, T_SEMICOLON, T_END };

typedef struct Doc {
    uint32_t at; /* where the token below begins */
    const char *text;
} Doc;

/* A bracket that is open. */
typedef struct Open {
    int kind; /* '(', '[' or '{' */
    Span span;
    bool items; /* a brace around declarations, as in `layer L4 {` */
    bool layer; /* and these are populations */
    bool junk;  /* nothing can be opened here, and so it was said */
    bool list;  /* a bracket around a list, not an index */
    size_t statement; /* index of the first token of the statement around it */
} Open;

typedef struct Parse {
    Ast *ast;
    const SourceFile *file;
    int start;        /* START_FILE or START_EXPRESSION until it was handed out */
    Node *result;
    int errors;
    bool stopped;     /* a limit was passed: the rest of the file is not looked at */
    /* scanner */
    uint32_t pos;     /* byte offset in the text */
    bool line_has_token, line_has_comment, line_has_junk, blank;
    Buf doc;          /* `##` lines that wait for their declaration */
    bool has_doc;
    Token *token;     /* vec; ends with T_END */
    Doc *docs;        /* vec, by place */
    /* layout */
    size_t next;      /* index of the token to look at */
    Open *open;       /* vec, innermost last */
    Token out;        /* what was handed to the parser last */
    size_t out_index; /* index of the token it was made from */
    bool made;        /* `out` was put in by the layout */
    Token before;     /* the last but one that was no line end */
    Token last;       /* the last that was no line end, may be `out` itself */
    bool any_before, any_last;
    size_t statement; /* index of the first token of the statement */
    bool force_line_end, fresh;
    bool condition;   /* between if, when, until and their end */
    size_t condition_depth;
    bool list_closed; /* `out` closed a list */
    uint32_t arrow_at; /* of the last `->` of the statement, or 0 */
} Parse;

enum { PARSE_MAX_ERRORS = 20, PARSE_MAX_LINE = 1 << 20, PARSE_MAX_NESTING = 1000,
       PARSE_MAX_DEPTH = 4000 };

/* ---- cortex.l ---- */
void scan_text(Parse *p);
int scan_word(const char *s, size_t n); /* the token of a word, 0 if it is none */
bool scan_word_soft(int token);

/* ---- layout.c ---- */
const Token *layout_next(Parse *p);
/* After a syntax error at the last token handed out: goes to where the next statement begins. */
void layout_resync(Parse *p, bool brace_missing);
bool layout_ends_value(int kind);

/* ---- orphans.c ---- */
Node *orphans_take(Parse *p);

/* ---- messages.c ---- */
/* NULL when no more can be said (too many errors, or stopped). */
Diag *message_error(Parse *p, DiagId id, Span at, const char *fmt, ...) CX_PRINTF(4, 5);
void message_stop(Parse *p, DiagId id, Span at, const char *text);
/* Returns whether a `{` was among what was expected. */
/* `record everything` and the like are no recording of the network; else the node itself. */
Node *message_record(Parse *p, Node *record);
bool message_syntax(Parse *p, const char *const *expected, int n);

/* ---- parse.c: what the actions of the grammar do beyond ast.h ---- */
const char *parse_doc(const Parse *p, uint32_t at);
void parse_add(Parse *p, Node *list, Node *item);
Node *parse_poison(Parse *p, Span span);
Node *parse_deep(Parse *p, Node *n);
Node *parse_unit(Parse *p, Span span);
Node *parse_literal(Parse *p, NodeKind kind, const Token *t);
Node *parse_binary(Parse *p, Span span, int op, uint32_t at, Node *left, Node *right);
Node *parse_equation(Parse *p, Span span, Node *dv, Node *dt, Node *right, Node *held);
Node *parse_rule(Parse *p, Node *rule, bool stimulus);
void parse_comma(Parse *p, Span comma);

#endif
