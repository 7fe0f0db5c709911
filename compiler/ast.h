/* The syntax tree. The parser builds it through these constructors and nothing else; `resolve`
 * and `check` read it and fill the two fields marked so. One Node type: kind, span, name, kids.
 *
 * Layout of `kid[]` and `name` by kind (a `?` kid may be NULL):
 *
 *  file        kid = items in order
 *  -- items
 *  model       text = the title (string contents)
 *  import      text = the path
 *  neuron      name; kid = parts                              flag AST_OF unset
 *  neuron_of   name; name2 = base; kid[0] = settings
 *  synapse, synapse_of                                        likewise
 *  function    name; kid[0] = params (decls), kid[1]? = result unit, kid[2] = body expr
 *  layer       name; kid[0] = group                           layer L1 : 100 of lif
 *  layer_block name; kid[0]? = index (N_INDEXED), kid[1] = items  layer L4 { … }
 *  population  name; kid[0] = group
 *  group       name = model; kid[0]? = index (N_INDEXED, for `pool[k in …]`), kid[1] = count expr, kid[2]? = settings
 *  indexed     name = k; kid[0] = list expr
 *  let         name; kid[0] = value          (`let a = 1, b = 2` gives two nodes; also statement let, kid[1]? = unit)
 *  decls       kid = decl…                   `which` = DECL_PARAM, DECL_STATE, DECL_INPUT (top level and in bodies)
 *  decl        name; kid[0]? = unit, kid[1]? = init expr, kid[2]? = interval; doc
 *  connect     kid[0] = source, kid[1] = target, kid[2] = rule call, kid[3]? = settings; name? = as; name2? = using
 *  stimulus    kid[0] = target, kid[1] = call, kid[2]? = settings; name? = as
 *  record      kid[0] = list of variables, kid[1]? = list of populations, kid[2]? = when (every, at)
 *  rec_every   kid[0] = interval, kid[1]? = from, kid[2]? = to
 *  rec_at      kid[0] = times
 *  simulation  kid[0] = settings
 *  run         kid[0] = duration, kid[1]? = until
 *  set         kid[0] = statement
 *  at          kid[0] = time, kid[1] = block
 *  every       kid[0] = period, kid[1]? = from, kid[2] = block   (also a part of a neuron)
 *  for         kid[0] = names (N_NAMES), kid[1] = list, kid[2] = items
 *  if_items    kid[0] = condition, kid[1] = items, kid[2]? = else items
 *  sweep       kid[0] = names (N_NAMES), kid[1] = list
 *  trials      kid[0] = count
 *  expect      kid[0] = measure or condition, kid[1]? = interval
 *  items       kid = items
 *  -- parts of a neuron or synapse (besides decls, every)
 *  port        kid = names (N_NAME)
 *  define      name; kid[0]? = unit, kid[1] = expr             I_syn = …, method = …, noise = …
 *  equation    name = the variable (V of dV/dt); kid[0] = right side; `which` = EQ_PLAIN,
 *              EQ_UNLESS_REFRACTORY, EQ_EACH_STEP
 *  spike       kid[0] = condition, kid[1]? = block
 *  event       name; kid[0]? = condition, kid[1]? = block
 *  crosses     kid[0], kid[1]                                  V crosses VT
 *  on          kid[0] = what (path), kid[1]? = after, kid[2] = block
 *  -- statements
 *  block       kid = statements
 *  assign      op = '=', '+', '-', '*', '/'; kid[0] = target path, kid[1] = expr
 *  refr_for    kid[0] = duration          refr_until  kid[0] = condition
 *  if_block    kid[0] = condition, kid[1] = block, kid[2]? = block or if_block
 *  -- settings
 *  settings    kid = entry…               entry  name; kid[0] = expr
 *  interval    kid[0], kid[1]; open_lo, open_hi in `which` bits 0 and 1
 *  unit        `unit`, text as written; `which` = UNIT_KNOWN, or UNIT_WORD with name = port, int, bool, degC
 *  -- expressions
 *  num         num, text = digits as written     (plain)
 *  qty         num in internal units, unit, text = the whole literal
 *  pct         num = fraction, text
 *  str         text     bool  num = 0|1     wild     (a `*`)     refractory (as a value)
 *  name        name
 *  field       kid[0], name               E.ge, L4.e          field_wild  kid[0]     E.*
 *  index       kid[0] = base, kid[1…] = subscripts (expressions or slices)
 *  slice       kid[0]?, kid[1]?, kid[2]? = start, stop, step
 *  call        kid[0] = callee (a name, or what stands before the parenthesis), kid[1…] = arguments
 *  arg         name; kid[0]               a named argument
 *  list        kid = elements             `[…]`; flag AST_TRAILING when it ends in a comma
 *  bracket_unit  unit, text               `[mV/ms]` when the resolver decided it is a unit
 *  neg, not    kid[0]
 *  binary      op = '+','-','*','/','^', OP2_AND, OP2_OR; kid[0], kid[1]; at = offset of the operator
 *  compare     which = count of comparisons; kid[0..n] operands, ops[0..n-1] (a <= t < b is one node)
 *  if_expr     kid[0], kid[1], kid[2]
 *  poison      anything in error; every pass passes over it in silence. name = what it would have
 *              declared, where that was still legible
 */
#ifndef CORTEXC_AST_H
#define CORTEXC_AST_H

#include "base.h"

#define AST_KINDS(X)                                                                              \
    X(file) X(model) X(import) X(neuron) X(neuron_of) X(synapse) X(synapse_of) X(function)        \
    X(layer) X(layer_block) X(population) X(group) X(indexed) X(let) X(decls) X(decl) X(connect)  \
    X(stimulus) X(record) X(rec_every) X(rec_at) X(simulation) X(run) X(set) X(at) X(every)       \
    X(for) X(if_items) X(sweep) X(trials) X(expect) X(items) X(port) X(define) X(equation)        \
    X(spike) X(event) X(crosses) X(on) X(block) X(assign) X(refr_for) X(refr_until) X(if_block)   \
    X(settings) X(entry) X(interval) X(unit) X(num) X(qty) X(pct) X(str) X(bool) X(wild)          \
    X(refractory) X(name) X(names) X(field) X(field_wild) X(index) X(slice) X(call) X(arg)        \
    X(list) X(bracket_unit) X(neg) X(not) X(binary) X(compare) X(if_expr) X(poison)

typedef enum NodeKind {
#define X(k) N_##k,
    AST_KINDS(X)
#undef X
    N_NODE_KINDS
} NodeKind;

enum { DECL_PARAM = 1, DECL_STATE, DECL_INPUT };
enum { EQ_PLAIN, EQ_UNLESS_REFRACTORY, EQ_EACH_STEP };
enum { OP2_AND = 256, OP2_OR, OP2_LT, OP2_GT, OP2_LE, OP2_GE, OP2_EQ, OP2_NE };
enum { AST_TRAILING = 1, AST_PAREN = 2, AST_EXPANDED = 4, AST_FORGET = 8, AST_COLUMN = 16, AST_SET = 32 }; /* PAREN: it stood in
    parentheses; EXPANDED: from a top-level `if` or `for`; FORGET: a declaration in error, silent wherever it is used; COLUMN: a value of each synapse, edges.c */
enum { UNIT_WORD, UNIT_KNOWN };             /* `which` of N_unit: port, int, bool; a real unit */

typedef struct Node Node;
struct Node {
    NodeKind kind;
    Span span;      /* the whole construct */
    Span name_span; /* of `name`, where there is one */
    Sym name, name2;
    Span name2_span;
    int op, which;
    uint32_t at; /* offset of the operator */
    unsigned flags;
    double num;
    Unit unit;
    const char *text; /* contents of strings, spelling of literals */
    const char *doc;  /* the `##` lines above, joined by newlines, or NULL */
    int *ops;         /* of a comparison */
    Node **kid;
    int n_kids;
    int depth; /* 1 + the deepest kid; the parser keeps it below its limit on nesting */
    /* filled by later passes */
    Dim dim;        /* by check: dimension of an expression */
    void *binding;  /* by resolve: what a name stands for */
};

typedef struct Ast {
    Arena *arena;
    Sources *sources;
    Diags *diags;
} Ast;

Node *ast_node(Ast *a, NodeKind kind, Span span);
Node *ast_kids(Ast *a, NodeKind kind, Span span, int n, ...); /* n Node* follow, NULLs are kept */
void ast_push(Ast *a, Node *parent, Node *kid);               /* appends, widens nothing */
Node *ast_name(Ast *a, NodeKind kind, Span span, Sym name);
Node *ast_compare(Ast *a, Node *left, int op, Node *right);   /* chains when left is a compare */
const char *ast_kind_name(NodeKind k);
bool ast_mentions(Node *n, NodeKind kind, Sym name); /* NULL: any name */
/* Where a message about a declaration points: its name, else all of it. */
static inline Span ast_name_span(const Node *n) { return n->name_span.hi ? n->name_span : n->span; }
/* Indented text of a tree, for `cortexc emit ast` and tests. */
void ast_print(const Node *n, Buf *out);
/* The user's own spelling of a node (its source text, line ends folded to blanks). */
const char *ast_source(Ast *a, const Node *n);

/* grammar/: parses one file. Syntax errors go to a->diags; the tree that comes back holds what
 * could be understood, N_poison elsewhere. Never NULL. */
Node *parse_file(Ast *a, const SourceFile *f);
/* The text of `--set NAME=VALUE`: one expression. NULL after an error. */
Node *parse_expression(Ast *a, const SourceFile *f);
Sym parse_word(const char *keyword); /* NULL when `keyword` is none of the language's words */

#endif
