/* Which model a name means: the user's or the library's, through its `of` chain. */
#include "sema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool model_find(Sema *S, Sym name, Span at, BindKind kind, ModelDef *out)
{
    *out = (ModelDef){.name = name};
    Node *chain[MODEL_CHAIN];
    int n = 0;
    for (Sym look = name;;) {
        Bind *b = scope_here(S->top, look);
        if (!b || b->kind != kind) b = library_find(S, look);
        if (!b || b->kind != kind) {
            if (follow_up(S, "model", look)) return false;
            const char *sort = kind == B_NEURON ? "neuron" : "synapse";
            Diag *d = b ? diag_add(S->diags, D_unknown_model, at, "`%s` is no %s model", look, sort)
                        : diag_add(S->diags, D_unknown_model, at, "there is no %s model `%s`", sort, look);
            int count;
            const char **lib = library_names(S, &count);
            const char **cand = NULL;
            for (Bind *q = S->top->first; q; q = q->next)
                if (q->kind == kind) vec_push(cand, q->name);
            for (int k = 0; k < count; k++) {
                const Bind *q = library_find(S, lib[k]);
                if (q && q->kind == kind) vec_push(cand, lib[k]);
            }
            if (kind == B_SYNAPSE) vec_push(cand, sym("static"));
            const char *near = diag_nearest(look, cand, vec_len(cand));
            if (near && !b) diag_hint(d, "did you mean `%s`?", near);
            Buf all = {0};
            for (size_t k = 0; (!near || b) && k < vec_len(cand); k++) buf_printf(&all, "%s%s", k ? ", " : "", cand[k]);
            if (all.len) diag_note(d, "the %s at hand are %s", kind == B_NEURON ? "models" : "synapses", all.p);
            buf_free(&all);
            vec_free(cand);
            return false;
        }
        if (b->node->kind == N_neuron || b->node->kind == N_synapse) {
            out->body = b->node;
            break;
        }
        bool circle = false;
        for (int k = 0; k < n; k++) circle = circle || chain[k] == b->node->kid[0];
        if (circle || n == MODEL_CHAIN) {
            if (follow_up(S, "chain", circle ? b->node->name2 : sym(""))) return false;
            if (circle) diag_add(S->diags, D_cyclic_definition, ast_name_span(b->node), "`%s` is derived from itself", look);
            else diag_add(S->diags, D_nesting_too_deep, ast_name_span(b->node), "more than %d models are derived from each other", MODEL_CHAIN);
            return false;
        }
        chain[n++] = b->node->kid[0];
        at = b->node->name2_span.hi ? b->node->name2_span : b->node->span;
        look = b->node->name2;
    }
    while (n) out->settings[out->n_settings++] = chain[--n];
    return true;
}
