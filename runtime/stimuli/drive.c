/* A value added to an input in every step, evaluated at the step's beginning and held over it. */
#include "../engine_internal.h"

extern const StimKind drive_kind;

static void inputs(Worker *w, const Stim *s, int64_t step, double t, double t1)
{
    const PlanStim *p = s->plan;
    const KernelFn *fn = &w->engine->pop[p->tgt].kernel->fn[p->drive_fn];
    size_t at = s->cut[w->thread], end = s->cut[w->thread + 1];
    Frame fr = {.col = w->col[p->tgt], .step = step, .t = t, .t1 = t1, .key = s->key, .scratch = w->scratch};
    if (at == end) return;
    if (p->n_links) links_drive(w, s, fn, &fr);
    else if (p->sel.index) fn->list(fn, &fr, p->sel.index + at, (int64_t)(end - at), NULL);
    else fn->range(fn, &fr, p->sel.lo + (int64_t)at, p->sel.lo + (int64_t)end, NULL);
}

static const ArgDef args[] = {
    {"value", ARG_PORT, true, 0, -__builtin_inf(), __builtin_inf(), "what is added; may depend on t and i, and draw in every step"},
};
const StimDef stimulus_drive = {
    .name = "drive",
    .doc = "Adds an expression of time and index to an input, held over each step.",
    .example = "stimulus -> L5[0:50].I : drive(if 100 ms <= t < 200 ms then 300 pA else 0) as pulse",
    .n_args = 1,
    .arg = args,
    .value = "value",
    .each_step = true,
};
const StimKind drive_kind = {.inputs = inputs};
