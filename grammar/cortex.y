/* The grammar of the language. A NL ends every item, part, statement and setting (layout.c says
 * which line ends count); WILD is a `*` where a value is expected, QTY a number with its unit. An
 * item, part, statement or setting in error is replaced by poison, and parsing goes on behind its
 * NL. `[mV]` is read as a list: only the resolver knows what the names mean. */
%code requires {
#include "parse.h"
}
%code {
static int cortex_yylex(CORTEX_YYSTYPE *value, Span *where, Parse *p);
static void cortex_yyerror(Span *where, Parse *p, const char *text);

#define YYMAXDEPTH 60000
#define YYMALLOC yy_take
#define YYFREE cx_free
#define YYLLOC_DEFAULT(now, rhs, n)                                                              \
    ((now) = (n) ? (Span){YYRHSLOC(rhs, 1).lo, YYRHSLOC(rhs, n).hi}                               \
                 : (Span){YYRHSLOC(rhs, 0).hi, YYRHSLOC(rhs, 0).hi})

static void *yy_take(size_t n)
{
    return cx_alloc(n, 1, "the parser");
}

/* Short names for the constructors of ast.h. */
#define NODE(kind, at) ast_node(p->ast, N_##kind, at)
#define KIDS(kind, at, ...) ast_kids(p->ast, N_##kind, at, __VA_ARGS__)

static Node *named(Node *n, Node *name)
{
    if (!name) return n;
    n->name = name->name;
    n->name_span = name->span;
    return n;
}

static Node *named2(Node *n, Node *name)
{
    if (!name) return n;
    n->name2 = name->name;
    n->name2_span = name->span;
    return n;
}

static Node *which(Node *n, int w)
{
    n->which = w;
    return n;
}

static Node *with_op(Node *n, int op, uint32_t at)
{
    n->op = op;
    n->at = at;
    return n;
}

static Node *with_text(Node *n, const Token *t)
{
    n->text = t->text;
    return n;
}

static Node *spanned(Node *n, Span span)
{
    n->span = span;
    return n;
}

static Node *push(Parse *p, Node *list, Node *n)
{
    ast_push(p->ast, list, n);
    list->span.hi = n->span.hi;
    return list;
}

static Node *compared(Parse *p, Span span, Node *left, int op, Node *right)
{
    return parse_deep(p, spanned(ast_compare(p->ast, left, op, right), span));
}

static Node *index_of(Parse *p, Span span, Node *base, Node *subscripts)
{
    Node *n = KIDS(index, span, 1, base);
    for (int k = 0; k < subscripts->n_kids; k++) ast_push(p->ast, n, subscripts->kid[k]);
    return parse_deep(p, n);
}

static Node *call_of(Parse *p, Span span, Node *callee, Node *arguments)
{
    Node *n = KIDS(call, span, 1, callee);
    for (int k = 0; k < arguments->n_kids; k++) ast_push(p->ast, n, arguments->kid[k]);
    return parse_deep(p, n);
}
}

%define api.pure full
%define api.prefix {cortex_yy}
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%define lr.default-reduction consistent
%locations
%param {Parse *p}
%expect 0

%union {
    Token token;
    Node *node;
}

%token START_FILE START_EXPRESSION JUNK "unexpected character"
%token <token> NUM "number" QTY "quantity" PCT "percentage" STR "string" IDENT "name"
%token <token> WILD "wildcard"
%token NL "line end" ARROW "->"
%token ADDEQ "+=" SUBEQ "-=" MULEQ "*=" DIVEQ "/=" LE "<=" GE ">=" EQ "==" NE "!="
%token AND "and" OR "or" NOT "not" IF "if" THEN "then" ELSE "else" TRUE "true" FALSE "false"
%token OF "of" IN "in" AS "as" USING "using" UNLESS "unless" WHEN "when" CROSSES "crosses" ON "on"
%token UNTIL "until" FROM "from" TO "to" AFTER "after"
%token MODEL "model" IMPORT "import" NEURON "neuron" SYNAPSE "synapse" FUNCTION "function"
%token LAYER "layer" POPULATION "population" LET "let" CONNECT "connect" STIMULUS "stimulus"
%token RECORD "record" SIMULATION "simulation" RUN "run" SET "set" AT "at" EVERY "every" FOR "for"
%token SWEEP "sweep" TRIALS "trials" EXPECT "expect" REFRACTORY "refractory"
/* words that remain usable as names */
%token <token> PARAM "param" STATE "state" INPUT "input" PORT "port" EVENT "event" SPIKE "spike"
%token <token> EACH "each"

%type <node> items item if_items index group lets sweeps sweep values when
%type <node> name names use_settings settings entries entry as using
%type <node> body parts part plain held condition block_or_not block stmts stmt assign
%type <node> decls decl decls_or_not init range unit_or_not unit interval from to until
%type <node> expr postfix list subscripts subscript expr_or_not args arguments arg
%type <token> word

%precedence ELSE_
%left OR
%left AND
%precedence NOT
%left '<' '>' LE GE EQ NE
%left '+' '-'
%left '*' '/'
%precedence UMINUS
%right '^'

%%

start:
    START_FILE items                  { p->result = $items; }
  | START_EXPRESSION expr NL          { p->result = $expr; }
  | START_EXPRESSION error NL         { p->result = NULL; }
  ;

/* ---- items: what may stand at the top level, in a layer, in `for` and `if` ---- */

items:
    %empty                            { $$ = NODE(items, @$); }
  | items NL                          { $$ = $1; }
  | items item NL                     { $$ = $1; parse_add(p, $1, $2); }
  | items error NL                    { $$ = $1; parse_add(p, $1, parse_poison(p, @2)); yyerrok; }
  ;

item:
    MODEL STR                         { $$ = with_text(NODE(model, @$), &$2); }
  | IMPORT STR                        { $$ = with_text(NODE(import, @$), &$2); }
  | NEURON name body
      { $$ = named(spanned($body, @$), $name); $$->kind = N_neuron; }
  | NEURON name OF name[base] settings
                                      { $$ = named(KIDS(neuron_of, @$, 1, $settings), $2);
                                        named2($$, $base); }
  | SYNAPSE name body
      { $$ = named(spanned($body, @$), $name); $$->kind = N_synapse; }
  | SYNAPSE name OF name[base] settings
                                      { $$ = named(KIDS(synapse_of, @$, 1, $settings), $2);
                                        named2($$, $base); }
  | FUNCTION name '(' decls_or_not ')' unit_or_not '=' expr
                                      { $$ = named(KIDS(function, @$, 3, $4, $6, $8), $2); }
  | LAYER name index ':' group
      { $$ = named(KIDS(layer, @$, 1, $group), $name); $group->kid[0] = $index; }
  | LAYER name index '{' items '}'
      { $$ = named(KIDS(layer_block, @$, 2, $index, $items), $name); }
  | POPULATION name index ':' group
      { $$ = named(KIDS(population, @$, 1, $group), $name); $group->kid[0] = $index; }
  | LET lets
      { $$ = spanned($2, @$); if ($2->n_kids == 1) $2->kid[0]->span = @$; }
  | PARAM decls                       { $$ = which(spanned($2, @$), DECL_PARAM); }
  | STATE decls                       { $$ = which(spanned($2, @$), DECL_STATE); }
  | CONNECT postfix[from] ARROW postfix[to] ':' postfix[rule] using as use_settings
                                      { Node *rule = parse_rule(p, $rule, false);
                                        $$ = KIDS(connect, @$, 4, $from, $to, rule, $use_settings);
                                        named2(named($$, $as), $using); }
  | STIMULUS ARROW postfix[to] ':' postfix[kind] as use_settings
                                      { Node *kind = parse_rule(p, $kind, true);
                                        $$ = KIDS(stimulus, @$, 3, $to, kind, $use_settings);
                                        named($$, $as); }
  | RECORD values[what] OF values[whose] when
                                      { $$ = KIDS(record, @$, 3, $what, $whose, $when); }
  | RECORD values[what] when          { $$ = message_record(p, KIDS(record, @$, 3, $what, (Node *)NULL, $when)); }
  | SIMULATION settings               { $$ = KIDS(simulation, @$, 1, $2); }
  | RUN expr until                    { $$ = KIDS(run, @$, 2, $2, $3); }
  | SET assign                        { $$ = KIDS(set, @$, 1, $2); }
  | AT expr block                     { $$ = KIDS(at, @$, 2, $2, $3); }
  | EVERY expr from block             { $$ = KIDS(every, @$, 3, $2, $3, $4); }
  | FOR names IN expr '{' items '}'   { $$ = KIDS(for, @$, 3, $2, $4, $6); }
  | if_items
  | SWEEP sweeps
      { $$ = spanned($2, @$); if ($2->n_kids == 1) $2->kid[0]->span = @$; }
  | TRIALS expr                       { $$ = KIDS(trials, @$, 1, $2); }
  | EXPECT expr                       { $$ = KIDS(expect, @$, 2, $2, (Node *)NULL); }
  | EXPECT expr IN interval           { $$ = KIDS(expect, @$, 2, $2, $4); }
  ;

if_items:
    IF expr '{' items '}'             { $$ = KIDS(if_items, @$, 3, $2, $4, (Node *)NULL); }
  | IF expr '{' items[then] '}' ELSE '{' items[else] '}'
                                      { $$ = KIDS(if_items, @$, 3, $2, $then, $else); }
  | IF expr '{' items[then] '}' ELSE if_items[chain]
                                      { Node *chain = KIDS(items, @chain, 1, $chain);
                                        $$ = KIDS(if_items, @$, 3, $2, $then, chain);
                                        parse_deep(p, $$); }
  ;

index:
    %empty                            { $$ = NULL; }
  | '[' name IN expr ']'              { $$ = named(KIDS(indexed, @$, 1, $expr), $name); }
  ;

group:
    expr OF name use_settings         { $$ = named(KIDS(group, @$, 3, (Node *)NULL, $1, $4), $3); }
  ;

lets:
    name '=' expr                     { $$ = KIDS(items, @$, 1, named(KIDS(let, @$, 1, $3), $1)); }
  | lets ',' name '=' expr
      { $$ = push(p, $1, named(KIDS(let, span_join(@3, @5), 1, $5), $3)); }
  ;

sweeps:
    sweep                             { $$ = KIDS(items, @$, 1, $1); }
  | sweeps ',' sweep                  { $$ = push(p, $1, $3); }
  ;

sweep:
    name '=' expr                     { $$ = KIDS(sweep, @$, 2, KIDS(names, @1, 1, $1), $3); }
  | '(' names ')' '=' expr            { $$ = KIDS(sweep, @$, 2, $2, $5); }
  ;

using:
    %empty                            { $$ = NULL; }
  | USING name                        { $$ = $2; }
  ;

as:
    %empty                            { $$ = NULL; }
  | AS name                           { $$ = $2; }
  ;

until:
    %empty                            { $$ = NULL; }
  | UNTIL expr                        { $$ = $2; }
  ;

from:
    %empty                            { $$ = NULL; }
  | FROM expr                         { $$ = $2; }
  ;

to:
    %empty                            { $$ = NULL; }
  | TO expr                           { $$ = $2; }
  ;

when:
    %empty                            { $$ = NULL; }
  | EVERY expr from to                { $$ = KIDS(rec_every, @$, 3, $2, $3, $4); }
  | AT expr                           { $$ = KIDS(rec_at, @$, 1, $2); }
  ;

values:
    postfix                           { $$ = KIDS(list, @$, 1, $1); }
  | values ',' postfix                { $$ = push(p, $1, $3); }
  ;

/* ---- settings: { weight = 1 nS, delay = 1 ms } ---- */

use_settings:
    %empty                            { $$ = NULL; }
  | settings
  ;

settings:
    '{' entries '}'                   { $$ = spanned($2, @$); }
  ;

entries:
    %empty                            { $$ = NODE(settings, @$); }
  | entries NL                        { $$ = $1; }
  | entries entry NL                  { $$ = push(p, $1, $2); }
  | entries entry ','                 { $$ = push(p, $1, $2); }
  | entries error NL                  { $$ = push(p, $1, parse_poison(p, @2)); yyerrok; }
  ;

entry:
    name '=' expr                     { $$ = named(KIDS(entry, @$, 1, $3), $1); }
  ;

/* ---- the body of a neuron or a synapse ---- */

body:
    '{' parts '}'                     { $$ = $2; }
  ;

parts:
    %empty                            { $$ = NODE(neuron, @$); }
  | parts NL                          { $$ = $1; }
  | parts part NL                     { $$ = $1; parse_add(p, $1, $2); }
  | parts plain NL                    { $$ = $1; parse_add(p, $1, $2); }
  | parts plain ','                   { $$ = $1; parse_add(p, $1, $2); parse_comma(p, @3); }
  | parts error NL                    { $$ = $1; parse_add(p, $1, parse_poison(p, @2)); yyerrok; }
  ;

part:
    PARAM decls                       { $$ = which(spanned($2, @$), DECL_PARAM); }
  | STATE decls                       { $$ = which(spanned($2, @$), DECL_STATE); }
  | INPUT decls                       { $$ = which(spanned($2, @$), DECL_INPUT); }
  | PORT names                        { $$ = spanned($2, @$); $$->kind = N_port; }
  | SPIKE WHEN condition block_or_not { $$ = KIDS(spike, @$, 2, $3, $4); }
  | EVENT name
      { $$ = named(KIDS(event, @$, 2, (Node *)NULL, (Node *)NULL), $2); }
  | EVENT name WHEN condition block_or_not
                                      { $$ = named(KIDS(event, @$, 2, $4, $5), $2); }
  | EVERY expr from block             { $$ = KIDS(every, @$, 3, $2, $3, $4); }
  | ON postfix block                  { $$ = KIDS(on, @$, 3, $2, (Node *)NULL, $3); }
  | ON postfix AFTER expr block       { $$ = KIDS(on, @$, 3, $2, $4, $5); }
  ;

plain:
    name unit_or_not '=' expr         { $$ = named(KIDS(define, @$, 2, $2, $4), $1); }
  | name '/' name[dt] '=' expr held   { $$ = parse_equation(p, @$, $1, $dt, $expr, $held); }
  ;

held:
    %empty                            { $$ = NULL; }
  | UNLESS REFRACTORY                 { $$ = which(NODE(names, @$), EQ_UNLESS_REFRACTORY); }
  | EACH name                         { $$ = named(which(NODE(names, @$), EQ_EACH_STEP), $2); }
  ;

condition:
    expr
  | expr CROSSES expr                 { $$ = KIDS(crosses, @$, 2, $1, $3); }
  ;

/* ---- statements ---- */

block_or_not:
    %empty                            { $$ = NULL; }
  | block
  ;

block:
    '{' stmts '}'                     { $$ = spanned($2, @$); }
  ;

stmts:
    %empty                            { $$ = NODE(block, @$); }
  | stmts NL                          { $$ = $1; }
  | stmts stmt NL                     { $$ = push(p, $1, $2); }
  | stmts stmt ','                    { $$ = push(p, $1, $2); parse_comma(p, @3); }
  | stmts error NL                    { $$ = push(p, $1, parse_poison(p, @2)); yyerrok; }
  ;

stmt:
    LET name unit_or_not '=' expr     { $$ = named(KIDS(let, @$, 2, $5, $3), $2); }
  | assign
  | REFRACTORY expr                   { $$ = KIDS(refr_for, @$, 1, $2); }
  | REFRACTORY UNTIL expr             { $$ = KIDS(refr_until, @$, 1, $3); }
  | IF expr block                     { $$ = KIDS(if_block, @$, 3, $2, $3, (Node *)NULL); }
  | IF expr block[then] ELSE block[else]
                                      { $$ = KIDS(if_block, @$, 3, $2, $then, $else); }
  | IF expr block[then] ELSE chained
      { $$ = parse_deep(p, KIDS(if_block, @$, 3, $2, $then, $chained)); }
  ;

%type <node> chained;
chained:
    IF expr block                     { $$ = KIDS(if_block, @$, 3, $2, $3, (Node *)NULL); }
  | IF expr block[then] ELSE block[else]
                                      { $$ = KIDS(if_block, @$, 3, $2, $then, $else); }
  | IF expr block[then] ELSE chained[more]
                                      { $$ = KIDS(if_block, @$, 3, $2, $then, $more);
                                        parse_deep(p, $$); }
  ;

assign:
    postfix '=' expr                  { $$ = with_op(KIDS(assign, @$, 2, $1, $3), '=', @2.lo); }
  | postfix ADDEQ expr                { $$ = with_op(KIDS(assign, @$, 2, $1, $3), '+', @2.lo); }
  | postfix SUBEQ expr                { $$ = with_op(KIDS(assign, @$, 2, $1, $3), '-', @2.lo); }
  | postfix MULEQ expr                { $$ = with_op(KIDS(assign, @$, 2, $1, $3), '*', @2.lo); }
  | postfix DIVEQ expr                { $$ = with_op(KIDS(assign, @$, 2, $1, $3), '/', @2.lo); }
  ;

/* ---- declarations: V : mV = EL in [-100 mV, 0 mV] ---- */

decls_or_not:
    %empty                            { $$ = which(NODE(decls, @$), DECL_PARAM); }
  | decls                             { $$ = which($1, DECL_PARAM); }
  ;

decls:
    decl                              { $$ = KIDS(decls, @$, 1, $1); }
  | decls ',' decl                    { $$ = push(p, $1, $3); }
  ;

decl:
    name unit_or_not init range       { $$ = named(KIDS(decl, @$, 3, $2, $3, $4), $1); }
  ;

init:
    %empty                            { $$ = NULL; }
  | '=' expr                          { $$ = $2; }
  ;

range:
    %empty                            { $$ = NULL; }
  | IN interval                       { $$ = $2; }
  ;

interval:
    '[' expr ',' expr ']'             { $$ = which(KIDS(interval, @$, 2, $2, $4), 0); }
  | '(' expr ',' expr ']'             { $$ = which(KIDS(interval, @$, 2, $2, $4), 1); }
  | '[' expr ',' expr ')'             { $$ = which(KIDS(interval, @$, 2, $2, $4), 2); }
  | '(' expr ',' expr ')'             { $$ = which(KIDS(interval, @$, 2, $2, $4), 3); }
  ;

names:
    name                              { $$ = KIDS(names, @$, 1, $1); }
  | names ',' name                    { $$ = push(p, $1, $3); }
  ;

name:
    word                              { $$ = ast_name(p->ast, N_name, @$, $1.name); }
  ;

word: IDENT | PARAM | STATE | INPUT | PORT | EVENT | SPIKE | EACH ;

unit_or_not:
    %empty                            { $$ = NULL; }
  | ':' unit                          { $$ = $2; }
  ;

unit:
    product                           { $$ = parse_unit(p, @$); }
  ;

product: factor | product '*' factor | product '/' factor ;
factor: name | NUM | name '^' exponent | '(' product ')' ;
exponent: NUM | '-' NUM | '(' fraction ')' ;
fraction: NUM | '-' NUM | NUM '/' NUM | '-' NUM '/' NUM ;

/* ---- expressions ---- */

expr:
    postfix
  | REFRACTORY                        { $$ = NODE(refractory, @$); }
  | '-' expr %prec UMINUS
      { $$ = parse_deep(p, with_op(KIDS(neg, @$, 1, $2), '-', @1.lo)); }
  | '+' expr %prec UMINUS             { $$ = parse_deep(p, spanned($2, @$)); }
  | expr '^' expr                     { $$ = parse_binary(p, @$, '^', @2.lo, $1, $3); }
  | expr '*' expr                     { $$ = parse_binary(p, @$, '*', @2.lo, $1, $3); }
  | expr '/' expr                     { $$ = parse_binary(p, @$, '/', @2.lo, $1, $3); }
  | expr '+' expr                     { $$ = parse_binary(p, @$, '+', @2.lo, $1, $3); }
  | expr '-' expr                     { $$ = parse_binary(p, @$, '-', @2.lo, $1, $3); }
  | expr '<' expr                     { $$ = compared(p, @$, $1, OP2_LT, $3); }
  | expr '>' expr                     { $$ = compared(p, @$, $1, OP2_GT, $3); }
  | expr LE expr                      { $$ = compared(p, @$, $1, OP2_LE, $3); }
  | expr GE expr                      { $$ = compared(p, @$, $1, OP2_GE, $3); }
  | expr EQ expr                      { $$ = compared(p, @$, $1, OP2_EQ, $3); }
  | expr NE expr                      { $$ = compared(p, @$, $1, OP2_NE, $3); }
  | expr AND expr                     { $$ = parse_binary(p, @$, OP2_AND, @2.lo, $1, $3); }
  | expr OR expr                      { $$ = parse_binary(p, @$, OP2_OR, @2.lo, $1, $3); }
  | NOT expr
      { $$ = parse_deep(p, with_op(KIDS(not, @$, 1, $2), 0, @1.lo)); }
  | IF expr THEN expr ELSE expr %prec ELSE_
                                      { $$ = parse_deep(p, KIDS(if_expr, @$, 3, $2, $4, $6)); }
  ;

postfix:
    name
  | NUM                               { $$ = parse_literal(p, N_num, &$1); }
  | QTY                               { $$ = parse_literal(p, N_qty, &$1); }
  | PCT                               { $$ = parse_literal(p, N_pct, &$1); }
  | STR                               { $$ = parse_literal(p, N_str, &$1); }
  | TRUE                              { $$ = NODE(bool, @$); $$->num = 1; }
  | FALSE                             { $$ = NODE(bool, @$); }
  | WILD                              { $$ = NODE(wild, @$); }
  | '(' expr ')'                      { $$ = spanned($2, @$); $$->flags |= AST_PAREN; }
  | '[' list ']'                      { $$ = parse_deep(p, spanned($2, @$)); }
  | postfix '.' name                  { $$ = parse_deep(p, named(KIDS(field, @$, 1, $1), $3)); }
  | postfix '.' WILD                  { $$ = parse_deep(p, KIDS(field_wild, @$, 1, $1)); }
  | postfix '.' REFRACTORY            { $$ = KIDS(field, @$, 1, $1); $$->name = sym("refractory");
                                        $$->name_span = @3; parse_deep(p, $$); }
  | postfix '[' subscripts ']'        { $$ = index_of(p, @$, $1, $3); }
  | postfix '(' args ')'              { $$ = call_of(p, @$, $1, $3); }
  ;

list:
    %empty                            { $$ = NODE(list, @$); }
  | elements
  | elements ','                      { $$ = $1; $$->flags |= AST_TRAILING; }
  ;

%type <node> elements;
elements:
    expr                              { $$ = KIDS(list, @$, 1, $1); }
  | elements ',' expr                 { $$ = push(p, $1, $3); }
  ;

subscripts:
    subscript                         { $$ = KIDS(list, @$, 1, $1); }
  | subscripts ',' subscript          { $$ = push(p, $1, $3); }
  ;

subscript:
    expr
  | expr_or_not[a] ':' expr_or_not[b] { $$ = KIDS(slice, @$, 3, $a, $b, (Node *)NULL); }
  | expr_or_not[a] ':' expr_or_not[b] ':' expr_or_not[c]
                                      { $$ = KIDS(slice, @$, 3, $a, $b, $c); }
  ;

expr_or_not:
    %empty                            { $$ = NULL; }
  | expr
  ;

args:
    %empty                            { $$ = NODE(list, @$); }
  | arguments
  | arguments ','                     { $$ = $1; }
  ;

arguments:
    arg                               { $$ = KIDS(list, @$, 1, $1); }
  | arguments ',' arg                 { $$ = push(p, $1, $3); }
  ;

arg:
    expr
  | name '=' expr                     { $$ = named(KIDS(arg, @$, 1, $3), $1); }
  | FROM '=' expr
      { $$ = KIDS(arg, @$, 1, $3); $$->name = sym("from"); $$->name_span = @1; }
  | TO '=' expr
      { $$ = KIDS(arg, @$, 1, $3); $$->name = sym("to"); $$->name_span = @1; }
  ;

%%

static int cortex_yylex(CORTEX_YYSTYPE *value, Span *where, Parse *p)
{
    const Token *t = layout_next(p);
    value->token = *t;
    *where = t->span;
    return t->kind;
}

/* Only called for a stack that would grow beyond its limit. */
static void cortex_yyerror(Span *where, Parse *p, const char *text)
{
    (void)text;
    message_stop(p, D_nesting_too_deep, *where, "this is nested too deeply");
}

static int yyreport_syntax_error(const yypcontext_t *context, Parse *p)
{
    enum { MOST = YYNTOKENS };
    yysymbol_kind_t kinds[MOST];
    const char *expected[MOST];
    int n = yypcontext_expected_tokens(context, kinds, MOST);
    if (n < 0) n = 0;
    for (int k = 0; k < n; k++) expected[k] = yysymbol_name(kinds[k]);
    layout_resync(p, message_syntax(p, expected, n));
    return 0;
}
