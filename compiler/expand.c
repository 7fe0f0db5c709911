/* Top-level `if` and `for` are expanded before anything is declared: each round of a loop is a copy of
 * its items in which the loop's names (and the `let`s inside) are replaced by what they stand for. A list
 * of populations or layers is a loop over its declaration. */
#include "sema.h"

#include <string.h>

typedef struct Subst {
    Sym name;
    Node *value;
    struct Subst *next;
} Subst;

static Node *copy(Sema *S, Node *n, const Subst *map)
{
    if (!n) return NULL;
    if (elab_too_much(S, n->span)) return ast_node(S->ast, N_poison, n->span);
    if (n->kind == N_name)
        for (const Subst *s = map; s; s = s->next)
            if (s->name == n->name) {
                Node *v = copy(S, s->value, NULL);
                v->span = n->span; /* messages point at the use */
                return v;
            }
    Node *out = arena_dup(S->arena, n, sizeof *n);
    out->binding = NULL;
    if (n->n_kids) out->kid = arena_dup(S->arena, n->kid, sizeof *n->kid * (size_t)n->n_kids);
    for (int k = 0; k < n->n_kids; k++) out->kid[k] = copy(S, n->kid[k], map);
    return out;
}

static Node *number(Sema *S, int v, Span at)
{
    Node *n = ast_node(S->ast, N_num, at);
    n->num = v;
    n->text = arena_printf(S->arena, "%d", v);
    return n;
}

static void expand_items(Sema *S, Node *items, const Subst *map, Node ***out);

/* Element `k` of what a loop goes over: of a declared list the population or layer itself, which may be
 * one of those that `which` names. */
static Node *element(Sema *S, Node *list, Node *base, const int *which, int k)
{
    return ast_kids(S->ast, N_index, list->span, 2, base ? base : list, number(S, base ? which[k] : k, list->span));
}

static void expand_for(Sema *S, Node *n, const Subst *map, Node ***out)
{
    Node *names = n->kid[0], *list = copy(S, n->kid[1], map), *base = NULL;
    Ctx c = ctx_const(S, "the list of a loop");
    int *which = NULL;
    Ex e = path_is_pops(S, list) ? path_pops(S, list) : elab(&c, list);
    if (e.kind == EX_POISON) return;
    if (e.kind != EX_LIST && e.kind != EX_POPS) {
        diag_add(S->diags, D_not_a_number, list->span, "a loop goes over a list, this is %s", ex_say(S, e));
        return;
    }
    if (names->n_kids > 2) {
        diag_add(S->diags, D_wrong_argument_count, names->span, "a loop has one name, or an index and a name");
        return;
    }
    int rounds = e.kind == EX_POPS ? path_parts(S, list, &base, &which) : -1;
    if (rounds < 0) rounds = e.n;
    for (int k = 0; k < rounds && !elab_too_much(S, n->span); k++) {
        Subst value = {.name = names->kid[names->n_kids - 1]->name, .value = element(S, list, base, which, k), .next = (Subst *)map};
        Subst index = {.name = names->kid[0]->name, .value = number(S, k, names->span), .next = &value};
        expand_items(S, n->kid[2], names->n_kids == 2 ? &index : &value, out);
    }
}

static void expand_items(Sema *S, Node *items, const Subst *map, Node ***out)
{
    for (int k = 0; items && k < items->n_kids; k++) {
        Node *n = items->kid[k];
        if (!n) continue;
        if (n->kind == N_items) {
            expand_items(S, n, map, out);
        } else if (n->kind == N_if_items) {
            Node *cond = copy(S, n->kid[0], map);
            Ctx c = ctx_const(S, "this condition");
            Ex e = elab_bool(&c, cond);
            if (e.kind != EX_BOOL) continue;
            if (e.num != 0) expand_items(S, n->kid[1], map, out);
            else if (n->n_kids > 2 && n->kid[2]) expand_items(S, n->kid[2], map, out);
        } else if (n->kind == N_for) {
            expand_for(S, n, map, out);
        } else if (n->kind == N_let && map) {
            Subst *s = arena_one(S->arena, Subst);
            *s = (Subst){.name = n->name, .value = copy(S, n->kid[0], map), .next = (Subst *)map};
            map = s;
        } else {
            n = copy(S, n, map);
            n->flags |= AST_EXPANDED;
            vec_push(*out, n);
        }
    }
}

/* The declarations that `population pool[k in list] : …` or `layer …` stands for, named `pool[0]`, `pool[1]`, …
 * Returns their number, -1 after a diagnostic. */
int expand_list(Sema *S, Node *n, Node ***out)
{
    bool block = n->kind == N_layer_block;
    Node *indexed = block ? n->kid[0] : n->kid[0]->kid[0], *list = indexed->kid[0];
    Ctx c = ctx_const(S, "the list of populations");
    if (word_is_reserved_name(indexed->name)) {
        Diag *d = diag_add(S->diags, D_reserved_name, indexed->name_span, "`%s` cannot be declared", indexed->name);
        diag_note(d, "it has a meaning of its own in every model");
    }
    Ex e = elab(&c, list);
    if (e.kind == EX_POISON) return -1;
    if (e.kind != EX_LIST || !e.n) {
        Diag *d = diag_add(S->diags, D_not_a_number, list->span, "a list of populations goes over a list, this is %s", e.kind == EX_LIST ? "an empty one" : ex_say(S, e));
        if (e.kind == EX_NUM) diag_hint(d, "write `range(%s)`", ex_source(S, list));
        return -1;
    }
    for (int k = 0; k < e.n; k++) {
        if (elab_too_much(S, n->span)) return -1;
        bool plain = e.item[k].kind == EX_NUM && e.item[k].is_const && dim_none(e.item[k].dim) && !e.item[k].percent && !e.item[k].wild;
        Node *value = element(S, list, NULL, NULL, k);
        if (plain) {
            value = number(S, 0, list->span);
            value->num = e.item[k].num;
            value->text = arena_printf(S->arena, "%.17g", e.item[k].num);
        }
        Subst map = {.name = indexed->name, .value = value};
        Node *one = copy(S, n, &map);
        if (one->kind == N_poison) return -1;
        *(block ? &one->kid[0] : &one->kid[0]->kid[0]) = NULL;
        one->name = sym(arena_printf(S->arena, "%s[%d]", n->name, k));
        vec_push(*out, one);
    }
    return e.n;
}

void expand_all(Sema *S)
{
    Node **out = NULL;
    for (size_t k = 0; k < vec_len(S->items); k++) {
        Node *n = S->items[k];
        if (n->kind == N_if_items || n->kind == N_for) {
            Node holder = {.kind = N_items, .kid = &n, .n_kids = 1};
            expand_items(S, &holder, NULL, &out);
        } else
            vec_push(out, n);
    }
    vec_free(S->items);
    S->items = out;
}
