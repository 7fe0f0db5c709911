/* Constructors and printers of the syntax tree. */
#include "ast.h"

#include <string.h>

const char *ast_kind_name(NodeKind k)
{
    static const char *const names[] = {
#define X(k) #k,
        AST_KINDS(X)
#undef X
    };
    cx_assert((unsigned)k < N_NODE_KINDS);
    return names[k];
}

/* A node without children, everything else zero. It lives as long as the arena of `a`. */
Node *ast_node(Ast *a, NodeKind kind, Span span)
{
    Node *n = arena_one(a->arena, Node);
    n->kind = kind;
    n->span = span;
    n->depth = 1;
    return n;
}

static void note_depth(Node *parent, const Node *kid)
{
    if (kid && kid->depth >= parent->depth) parent->depth = kid->depth + 1;
}

/* A node with a fixed number of children; absent ones are passed, and kept, as NULL. */
Node *ast_kids(Ast *a, NodeKind kind, Span span, int n, ...)
{
    Node *node = ast_node(a, kind, span);
    int room = 1;
    while (room < n)
        room *= 2;
    node->kid = arena_many(a->arena, Node *, (size_t)room);
    node->n_kids = n;
    va_list ap;
    va_start(ap, n);
    for (int i = 0; i < n; i++) {
        node->kid[i] = va_arg(ap, Node *);
        note_depth(node, node->kid[i]);
    }
    va_end(ap);
    return node;
}

/* Appends a child. The room doubles whenever the count is a power of two, so no field for the
 * capacity is needed; ast_kids rounds up likewise. */
void ast_push(Ast *a, Node *parent, Node *kid)
{
    int n = parent->n_kids;
    if ((n & (n - 1)) == 0) {
        Node **room = arena_many(a->arena, Node *, n ? 2 * (size_t)n : 1);
        if (n) memcpy(room, parent->kid, (size_t)n * sizeof *room);
        parent->kid = room;
    }
    parent->kid[n] = kid;
    parent->n_kids = n + 1;
    note_depth(parent, kid);
}

/* A leaf or a part that carries a name; the name stands at `span`. */
Node *ast_name(Ast *a, NodeKind kind, Span span, Sym name)
{
    Node *n = ast_node(a, kind, span);
    n->name = name;
    n->name_span = span;
    return n;
}

/* `left op right`, where `a <= t < b` becomes one node. A comparison in parentheses is a value
 * like any other and is not continued. */
Node *ast_compare(Ast *a, Node *left, int op, Node *right)
{
    Span span = span_join(left->span, right->span);
    bool chain = left->kind == N_compare && !(left->flags & AST_PAREN);
    int n = chain ? left->which : 0;
    int *ops = left->ops;
    if (!chain || (n & (n - 1)) == 0) {
        ops = arena_many(a->arena, int, n ? 2 * (size_t)n : 1);
        if (n) memcpy(ops, left->ops, (size_t)n * sizeof *ops);
    }
    ops[n] = op;
    Node *c = left;
    if (!chain) {
        c = ast_node(a, N_compare, span);
        ast_push(a, c, left);
    }
    ast_push(a, c, right);
    c->span = span;
    c->ops = ops;
    c->which = n + 1;
    return c;
}

static const char *op_name(int op)
{
    switch (op) {
    case OP2_AND:
        return "and";
    case OP2_OR:
        return "or";
    case OP2_LT:
        return "<";
    case OP2_GT:
        return ">";
    case OP2_LE:
        return "<=";
    case OP2_GE:
        return ">=";
    case OP2_EQ:
        return "==";
    case OP2_NE:
        return "!=";
    case '+':
        return "+";
    case '-':
        return "-";
    case '*':
        return "*";
    case '/':
        return "/";
    case '^':
        return "^";
    case '=':
        return "=";
    default:
        cx_bug("operator %d in a syntax tree", op);
    }
}

static const char *which_name(const Node *n)
{
    static const char *const decls[] = {"", "param", "state", "input"};
    static const char *const held[] = {"", "unless-refractory", "each-step"};
    static const char *const ends[] = {"[]", "(]", "[)", "()"};
    switch (n->kind) {
    case N_decls:
        return decls[n->which & 3];
    case N_equation:
        return n->which == EQ_PLAIN ? "" : held[n->which % 3];
    case N_interval:
        return ends[n->which & 3];
    default:
        return "";
    }
}

/* Text in quotes, with line ends and control bytes made visible. */
static void print_quoted(Buf *out, const char *s)
{
    buf_add(out, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '\n') {
            buf_add(out, "\\n", 2);
        } else if (c < 32 || c == '"' || c == '\\' || c == 127) {
            buf_printf(out, "\\x%02x", c);
        } else {
            buf_add(out, s, 1);
        }
    }
    buf_add(out, "\"", 1);
}

static void print_node(const Node *n, int indent, Buf *out)
{
    buf_printf(out, "%*s", 2 * indent, "");
    if (!n) {
        buf_add(out, "-\n", 2);
        return;
    }
    buf_printf(out, "%s", ast_kind_name(n->kind));
    if (n->name) buf_printf(out, " %s", n->name);
    if (n->name2) {
        const char *how = n->kind == N_neuron_of || n->kind == N_synapse_of ? "of" : "using";
        buf_printf(out, " %s %s", how, n->name2);
    }
    if (n->kind == N_binary || n->kind == N_assign) buf_printf(out, " %s", op_name(n->op));
    for (int i = 0; n->kind == N_compare && i < n->which; i++) {
        buf_printf(out, " %s", op_name(n->ops[i]));
    }
    if (n->kind == N_bool) buf_printf(out, " %s", n->num != 0 ? "true" : "false");
    if (*which_name(n)) buf_printf(out, " %s", which_name(n));
    if (n->kind == N_list && (n->flags & AST_TRAILING)) buf_printf(out, " trailing");
    if (n->text && (n->kind == N_str || n->kind == N_model || n->kind == N_import)) {
        buf_add(out, " ", 1);
        print_quoted(out, n->text);
    } else if (n->text) {
        buf_printf(out, " %s", n->text);
    }
    if (n->doc) {
        buf_printf(out, " doc=");
        print_quoted(out, n->doc);
    }
    buf_add(out, "\n", 1);
    for (int i = 0; i < n->n_kids; i++)
        print_node(n->kid[i], indent + 1, out);
}

/* One node a line, two blanks for each level, `-` for an absent child. */
void ast_print(const Node *n, Buf *out)
{
    print_node(n, 0, out);
}

/* The source text of `n` with comments left out and every run of blanks and line ends made one
 * blank, so that it fits into a message. In the arena of `a`; "" for a node without a place. */
const char *ast_source(Ast *a, const Node *n)
{
    if (!n->span.hi || n->span.hi <= n->span.lo) return "";
    Place at = source_place(a->sources, n->span.lo);
    if (!at.file || n->span.hi > at.file->base + at.file->len) return "";
    const char *s = at.file->text + (n->span.lo - at.file->base);
    size_t len = n->span.hi - n->span.lo, k = 0;
    char *out = arena_many(a->arena, char, len + 1);
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (c == '"' && (i == 0 || s[i - 1] != '\\')) quoted = !quoted;
        if (!quoted && c == '#') {
            while (i + 1 < len && s[i + 1] != '\n')
                i++;
            c = ' ';
        }
        if (c == '\n' || c == '\r' || c == '\t' || c == '\0') c = ' ';
        if (c == ' ' && !quoted && k && out[k - 1] == ' ') continue;
        out[k++] = c;
    }
    while (k && out[k - 1] == ' ')
        k--;
    out[k] = '\0';
    return out;
}

/* Does the tree hold a node of that kind, and of that name unless it is NULL? */
bool ast_mentions(Node *n, NodeKind kind, Sym name)
{
    if (!n) return false;
    if (n->kind == kind && (!name || n->name == name)) return true;
    for (int k = 0; k < n->n_kids; k++)
        if (ast_mentions(n->kid[k], kind, name)) return true;
    return false;
}
