/* Follow-up errors are not said: what a mistake of syntax swallowed is not missing, and a name that is
 * missing once need not be called missing at every use. */
#include "sema.h"

#include <string.h>

static void collect(Sema *S, Node *n)
{
    if (!n) return;
    if (n->kind == N_poison && n->span.hi) { /* and what stands beside it, for the parser took up again later */
        Place lo = source_place(S->ast->sources, n->span.lo), hi = source_place(S->ast->sources, n->span.hi - 1);
        Span whole = n->span;
        whole.lo -= lo.col_byte;
        if (hi.file) whole.hi = hi.file->base + (uint32_t)(hi.line_text - hi.file->text) + hi.line_len;
        vec_push(S->lost, whole);
    }
    for (int k = 0; k < n->n_kids; k++) collect(S, n->kid[k]);
}

/* Notes what the parser could not read of a file. */
void follow_lost(Sema *S, Node *file) { collect(S, file); }

static bool letter(char c) { return c == '_' || (unsigned char)c >= 0x80 || strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", c); }

/* Does the word stand in text that could not be read? */
static bool swallowed(Sema *S, const char *name)
{
    size_t len = strlen(name);
    for (size_t k = 0; k < vec_len(S->lost); k++) {
        Node at = {.span = S->lost[k]};
        const char *text = ast_source(S->ast, &at);
        for (const char *p = text; len && (p = strstr(p, name)); p += len)
            if ((p == text || !letter(p[-1])) && (!p[len] || !letter(p[len]))) return true;
    }
    return false;
}

/* Whether an error that says `name` is missing in `where` (a model, a scope; any address; the top level,
 * which everything sees, is S itself) would only be the
 * consequence of another one. When it is not, it counts as said from now on. */
bool follow_up(Sema *S, const void *where, Sym name)
{
    for (size_t k = 0; k < vec_len(S->told); k++)
        if (S->told[k].name == name && (S->told[k].where == where || S->told[k].where == S || where == S)) return true;
    Told t = {where, name};
    vec_push(S->told, t);
    return swallowed(S, name);
}

/* Is a part of this block, model or list unreadable, so that nothing can be said to be missing there? */
bool follow_hole(const Node *n)
{
    if (!n) return false;
    if (n->kind == N_poison) return true;
    for (int k = 0; k < n->n_kids; k++)
        if (n->kid[k] && (n->kid[k]->kind == N_poison || (n->kid[k]->kind == N_decls && follow_hole(n->kid[k])))) return true;
    return false;
}

/* Is the body of a model, or a brace anywhere, unreadable, so that no line of it can be called missing? */
bool follow_body(const Sema *S, const Node *body) { return S->unread || follow_hole(body); }
