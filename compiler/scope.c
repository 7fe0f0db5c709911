/* Scopes: which name stands for what. */
#include "sema.h"

#include <string.h>

/* Names that every scope has and nobody may declare. */
bool word_is_reserved_name(Sym s)
{
    static const char *const words[] = {"t", "dt", "i", "j", "N", "pi", "inf", "port", "source", "target",
                                        "pre", "post", "N_source", "N_target", "distance"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (!strcmp(s, words[k])) return true;
    return false;
}

Bind *scope_here(const Scope *sc, Sym name)
{
    for (Bind *b = sc->first; b; b = b->next)
        if (b->name == name) return b;
    return NULL;
}

Bind *scope_find(const Scope *sc, Sym name)
{
    for (; sc; sc = sc->up) {
        Bind *b = scope_here(sc, name);
        if (b) return b;
    }
    return NULL;
}

/* Declares; a second declaration of the name is a diagnostic and returns the first. */
Bind *scope_add(Sema *S, Scope *sc, Sym name, BindKind kind, Node *node)
{
    Span at = node ? (ast_name_span(node)) : (Span){0, 0};
    if (word_is_reserved_name(name)) {
        Diag *d = diag_add(S->diags, D_reserved_name, at, "`%s` cannot be declared", name);
        diag_note(d, "it has a meaning of its own in every model");
    }
    Bind *old = scope_here(sc, name);
    if (old) {
        Span first = old->node ? ast_name_span(old->node) : at;
        bool later = old->node && first.lo > at.lo; /* populations are declared behind values */
        Diag *d = diag_add(S->diags, D_duplicate_name, later ? first : at, "`%s` is declared twice", name);
        if (old->node) diag_note_at(d, later ? at : first, "the first time here");
        if (later) *old = (Bind){.name = name, .kind = kind, .node = node, .next = old->next}; /* what stands first counts */
        return old;
    }
    Bind *b = arena_one(S->arena, Bind);
    *b = (Bind){.name = name, .kind = kind, .node = node, .next = sc->first};
    sc->first = b;
    return b;
}
