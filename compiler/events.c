/* Lists of events: the times of `spikes` and `spike_list` become steps, ordered for the engine. */
#include "wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Event {
    int64_t step;
    uint32_t index;
} Event;

static int by_step(const void *a, const void *b)
{
    const Event *x = a, *y = b;
    if (x->step != y->step) return x->step < y->step ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static Node *element_of(Node *list, int n, int k) { return list->kind == N_list && list->n_kids == n ? list->kid[k] : list; }

/* Constants at the top level, all of dimension `want`; NULL after a diagnostic. */
static double *constants(Sema *S, Node *n, Dim want, const char *what, int *count)
{
    Ctx c = ctx_const(S, what);
    Ex e = elab(&c, n);
    if (e.kind == EX_POISON) return NULL;
    if (e.kind == EX_LIST && !e.n) { /* no events at all */
        *count = 0;
        return arena_many(S->arena, double, 1);
    }
    if (!elab_fits(&c, n, e, want, what)) return NULL;
    *count = e.kind == EX_LIST ? e.n : 1;
    return tables_values(&c, n, e, what);
}

/* The numbers of neurons behind `indices`: whole, below `n`, and selected. */
static bool check_indices(Sema *S, Node *at, const double *index, int count, uint32_t n, const PlanSelect *sel)
{
    for (int k = 0; k < count; k++) {
        Node *here = element_of(at, count, k);
        if (!(index[k] >= 0 && index[k] < n) || index[k] != floor(index[k])) {
            Diag *d = diag_add(S->diags, D_out_of_range, here->span, "there is no neuron %.17g", index[k]);
            diag_note(d, "the population has the neurons 0 to %u", n - 1);
            return false;
        }
        uint32_t i = (uint32_t)index[k];
        bool in = !sel || (!sel->index && i >= sel->lo && i < sel->hi);
        if (!in && sel->index) in = bsearch(&i, sel->index, sel->n, sizeof i, by_number) != NULL;
        if (in) continue;
        Diag *d = diag_add(S->diags, D_out_of_range, here->span, "neuron %u is not among those aimed at", i);
        diag_note(d, "indices count in the whole population");
        return false;
    }
    return true;
}

/* `times` and `indices` (NULL: every event is for all) as events, ascending. `stamped`: the events of a
 * source, whose spikes carry the time at which their step ends; others act at the beginning of theirs. */
bool events_list(Sema *S, Node *times, Node *indices, uint32_t n, const PlanSelect *sel, bool stamped, PlanEvents *out)
{
    int count, n_index = 0;
    double *t = constants(S, times, DIM_TIME, "the times", &count), *index = NULL;
    if (!t) return false;
    if (indices && !(index = constants(S, indices, DIM_NONE, "the indices", &n_index))) return false;
    if (indices && n_index != count) {
        Diag *d = diag_add(S->diags, D_shape_mismatch, indices->span, "%d indices for %d times", n_index, count);
        diag_note(d, "each event has a time and the number of its neuron");
        return false;
    }
    if (indices && !check_indices(S, indices, index, count, n, sel)) return false;
    Event *e = arena_many(S->arena, Event, (size_t)count + 1);
    int moved = 0;
    double most = 0;
    for (int k = 0; k < count; k++) {
        bool exact;
        Node *here = element_of(times, count, k);
        if (!(t[k] >= 0) || isinf(t[k]) || !decimal_steps(t[k], S->dt, &e[k].step, &exact)) {
            diag_add(S->diags, D_out_of_range, here->span, "%s is no time of an event", unit_show(S->arena, t[k], DIM_TIME, NULL));
            return false;
        }
        double by = fabs(decimal_time(e[k].step, S->dt) - t[k]);
        if (!exact && by > 0.01 * S->dt) moved++;
        if (!exact && by > most) most = by;
        if (stamped && e[k].step-- == 0) {
            Diag *d = diag_add(S->diags, D_out_of_range, here->span, "a source cannot spike at %s", unit_show(S->arena, t[k], DIM_TIME, NULL));
            diag_note(d, "a spike carries the time at which its step ends: the first is %s", unit_show(S->arena, S->dt, DIM_TIME, NULL));
            return false;
        }
        e[k].index = index ? (uint32_t)index[k] : 0;
    }
    if (moved) {
        Diag *d = diag_add(S->diags, D_times_rounded, times->span, "%d of %d times move to the grid", moved, count);
        diag_note(d, "by at most %.0f %% of the time step, which is %s", 100 * most / S->dt, unit_show(S->arena, S->dt, DIM_TIME, NULL));
    }
    if (count) qsort(e, (size_t)count, sizeof *e, by_step);
    int64_t *step = arena_many(S->arena, int64_t, (size_t)count + 1);
    uint32_t *id = arena_many(S->arena, uint32_t, (size_t)count + 1);
    for (int k = 0; k < count; k++) step[k] = e[k].step, id[k] = e[k].index;
    *out = (PlanEvents){.n = (size_t)count, .step = step, .index = indices ? id : NULL};
    return true;
}
