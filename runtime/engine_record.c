/* What recorders see: frames of the values of neurons and synapses, and rows for single spikes. Threads fill what
 * belongs to their own neurons; behind the meeting thread 0 hands it on. */
#include "engine_internal.h"

#include <string.h>

enum { FRAME_BYTES = 32 << 20 }; /* recorded values kept for a window, where one step does not need more */

/* Frames that one window can hold. */
static int64_t slots_of(const PlanLook *w, int window)
{
    if (w->kind == TIMES_EVERY) return (window - 1) / w->every + 1;
    int64_t most = 1;
    for (int64_t lo = 0, hi = 0; hi < w->n_at; hi++) {
        while (w->at[hi] - w->at[lo] >= window) lo++;
        if (hi - lo + 1 > most) most = hi - lo + 1;
    }
    return most;
}

/* Where the frame of `step`, the k-th of its window, is kept. */
static int64_t slot_of(const PlanLook *w, int64_t slots, int k, int64_t step)
{
    if (w->kind == TIMES_EVERY) return k / w->every;
    return w->kind == TIMES_AT ? plan_rank(w, step) % slots : 0;
}

double *engine_record_slot(const Engine *e, const PlanLook *w, double *const frames[2], size_t size, int turn, int k, int64_t step)
{
    return frames[turn] + (size_t)slot_of(w, slots_of(w, e->window), k, step) * size;
}

void engine_record_make(Engine *e, int k)
{
    Rec *r = &e->rec[k];
    const PlanRec *p = r->plan = &e->plan->rec[k];
    r->cut = cx_alloc((size_t)e->n_threads + 1, sizeof *r->cut, "engine");
    for (int t = 0; t <= e->n_threads; t++) r->cut[t] = engine_cut(&p->sel, e->pop[p->pop].part[t]);
    r->frame_size = (size_t)p->n_vars * p->sel.n;
    r->value = cx_alloc(2 * (size_t)p->n_vars, sizeof *r->value, "recordings");
    if (p->when.kind == TIMES_SPIKES) {
        for (int j = 0; j < 2; j++) {
            r->rows[j] = cx_alloc((size_t)e->n_threads, sizeof *r->rows[j], "recordings");
            for (int t = 0; t < e->n_threads; t++) r->rows[j][t].value = cx_alloc(2 * (size_t)p->n_vars, sizeof(double *), "recordings");
        }
        e->pop[p->pop].watched = true;
    } else
        e->pop[p->pop].recorded = true;
}

/* Bounds the window by the memory for recorded values and makes the buffers. */
void engine_record_buffers(Engine *e)
{
    double a_step = 0;
    for (int k = 0; k < e->plan->n_recs; k++)
        if (e->rec[k].plan->when.kind == TIMES_EVERY) a_step += (double)e->rec[k].frame_size * sizeof(double) / (double)e->rec[k].plan->when.every;
    for (int k = 0; k < e->plan->n_syn_recs; k++)
        if (e->syn_rec[k].plan->when.kind == TIMES_EVERY)
            a_step += (double)e->syn_rec[k].plan->n_vars * (double)e->syn_rec[k].n * sizeof(double) / (double)e->syn_rec[k].plan->when.every;
    while (e->window > 1 && a_step * e->window > FRAME_BYTES) e->window--;
    for (int k = 0; k < e->plan->n_recs; k++) {
        Rec *r = &e->rec[k];
        if (r->plan->when.kind == TIMES_SPIKES) continue;
        size_t n = (size_t)slots_of(&r->plan->when, e->window);
        for (int j = 0; j < 2; j++) r->frames[j] = cx_alloc(n * r->frame_size, sizeof(double), "recordings");
    }
    for (int k = 0; k < e->plan->n_syn_recs; k++) {
        SynRec *r = &e->syn_rec[k];
        if (r->plan->when.kind == TIMES_END) continue;
        size_t n = (size_t)slots_of(&r->plan->when, e->window) * (size_t)r->plan->n_vars * r->n;
        for (int j = 0; j < 2; j++) r->frames[j] = cx_alloc(n, sizeof(double), "recordings");
    }
}

/* ---- of neurons ---- */

/* The values of neurons of a thread, by position in the selection: from … to-1. */
static void values(const Worker *w, const Rec *rec, const PlanVar *var, const Frame *fr, size_t from, size_t to, double *dst)
{
    const PlanRec *p = rec->plan;
    const Pop *pop = &w->engine->pop[p->pop];
    if (var->field >= 0) {
        const double *col = pop->col[var->field];
        bool uniform = pop->kernel->field[var->field].uniform;
        for (size_t j = from; j < to; j++) dst[j - from] = col[uniform ? 0 : engine_selected(&p->sel, j)];
        return;
    }
    const KernelFn *fn = &pop->kernel->fn[var->fn];
    double *const out[1] = {dst};
    if (p->sel.index) fn->list(fn, fr, p->sel.index + from, (int64_t)(to - from), out);
    else fn->range(fn, fr, p->sel.lo + (int64_t)from, p->sel.lo + (int64_t)to, out);
}

/* Events are summed here for the recorded neurons and once more, when they are zero, for all: x + 0 is x. */
static void take(Worker *w, const Rec *rec, const Frame *fr, const KernelFn *arrive, double *frame)
{
    size_t from = rec->cut[w->thread], to = rec->cut[w->thread + 1];
    const PlanSelect *sel = &rec->plan->sel;
    if (arrive && from < to && sel->index) arrive->list(arrive, fr, sel->index + from, (int64_t)(to - from), NULL);
    else if (arrive && from < to) arrive->range(arrive, fr, sel->lo + (int64_t)from, sel->lo + (int64_t)to, NULL);
    for (int v = 0; from < to && v < rec->plan->n_vars; v++)
        values(w, rec, &rec->plan->var[v], fr, from, to, frame + (size_t)v * rec->plan->sel.n + from);
}

void engine_record_frames(Worker *w, int k, int pop, const Frame *fr, const KernelFn *arrive)
{
    Engine *e = w->engine;
    for (int r = 0; r < e->plan->n_recs; r++) {
        const Rec *rec = &e->rec[r];
        if (rec->plan->pop != pop || !plan_due(&rec->plan->when, fr->step)) continue;
        take(w, rec, fr, arrive, engine_record_slot(e, &rec->plan->when, rec->frames, rec->frame_size, w->turn, k, fr->step));
    }
}

/* ---- at spikes ---- */

void engine_record_begin(Worker *w)
{
    Engine *e = w->engine;
    for (int r = 0; r < e->plan->n_recs; r++) {
        if (!e->rec[r].rows[w->turn]) continue;
        SpikeRows *rows = &e->rec[r].rows[w->turn][w->thread];
        vec_clear(rows->id);
        vec_clear(rows->step);
        for (int v = 0; v < 2 * e->rec[r].plan->n_vars; v++) vec_clear(rows->value[v]);
    }
}

/* The values of n neurons that spike, before their reset and once more behind it. */
void engine_record_spikes(Worker *w, int pop, const Frame *fr, const uint32_t *id, size_t n, bool behind)
{
    Engine *e = w->engine;
    const Pop *p = &e->pop[pop];
    for (int r = 0; r < e->plan->n_recs; r++) {
        const PlanRec *plan = e->rec[r].plan;
        if (plan->pop != pop || plan->when.kind != TIMES_SPIKES) continue;
        SpikeRows *rows = &e->rec[r].rows[w->turn][w->thread];
        size_t first = vec_len(behind ? rows->value[plan->n_vars] : rows->value[0]);
        for (size_t k = 0; !behind && k < n; k++) {
            if (engine_cut(&plan->sel, id[k]) == engine_cut(&plan->sel, id[k] + 1)) continue;
            vec_push(rows->id, id[k]);
            vec_push(rows->step, fr->step);
        }
        size_t m = vec_len(rows->id) - first;
        for (int v = 0; m && v < plan->n_vars; v++) {
            double **to = &rows->value[behind ? plan->n_vars + v : v];
            const PlanVar *var = &plan->var[v];
            vec_extend(*to, m);
            double *dst = *to + first;
            if (var->field >= 0) {
                bool uniform = p->kernel->field[var->field].uniform;
                for (size_t k = 0; k < m; k++) dst[k] = p->col[var->field][uniform ? 0 : rows->id[first + k]];
            } else {
                const KernelFn *fn = &p->kernel->fn[var->fn];
                fn->list(fn, fr, rows->id + first, (int64_t)m, (double *const[1]){dst});
            }
        }
    }
}

/* The rows of spikes at the end of `step`. */
static bool give_rows(Engine *e, int rec, int turn, int64_t step)
{
    Rec *r = &e->rec[rec];
    int n_vars = r->plan->n_vars;
    for (int t = 0; t < e->n_threads; t++) {
        const SpikeRows *rows = &r->rows[turn][t];
        size_t lo = 0, hi = vec_len(rows->step);
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (rows->step[mid] < step) lo = mid + 1;
            else hi = mid;
        }
        size_t n = 0;
        while (lo + n < vec_len(rows->step) && rows->step[lo + n] == step) n++;
        if (!n) continue;
        for (int v = 0; v < 2 * n_vars; v++) r->value[v] = rows->value[v] + lo;
        for (int s = 0; s < e->opt.n_sinks; s++) {
            Sink *sink = e->opt.sink[s];
            if (sink->rows && !sink->rows(sink, rec, step + 1, rows->id + lo, n, r->value, r->value + n_vars, e->fail)) return false;
        }
    }
    return true;
}

/* ---- handing on ---- */

static bool give_frame(Engine *e, int rec, int64_t step, const double *frame, Fail *f)
{
    Rec *r = &e->rec[rec];
    for (int v = 0; v < r->plan->n_vars; v++) r->value[v] = frame + (size_t)v * r->plan->sel.n;
    for (int s = 0; s < e->opt.n_sinks; s++) {
        Sink *sink = e->opt.sink[s];
        if (sink->frame && !sink->frame(sink, rec, step, r->value, f)) return false;
    }
    return true;
}

static bool give_synapses(Engine *e, int rec, int64_t step, const double *frame, Fail *f)
{
    SynRec *r = &e->syn_rec[rec];
    for (int v = 0; v < r->plan->n_vars; v++) r->value[v] = frame + (size_t)v * r->n;
    for (int s = 0; s < e->opt.n_sinks; s++) {
        Sink *sink = e->opt.sink[s];
        if (sink->synapses && !sink->synapses(sink, rec, step, r->n, r->value, f)) return false;
    }
    return true;
}

bool engine_record_give(Engine *e, int turn, int64_t step, int k)
{
    for (int r = 0; r < e->plan->n_recs; r++) {
        const Rec *rec = &e->rec[r];
        const PlanLook *w = &rec->plan->when;
        if (w->kind == TIMES_SPIKES && !give_rows(e, r, turn, step)) return false;
        if (plan_due(w, step) && !give_frame(e, r, step, engine_record_slot(e, w, rec->frames, rec->frame_size, turn, k, step), e->fail)) return false;
    }
    for (int r = 0; r < e->plan->n_syn_recs; r++) {
        const SynRec *rec = &e->syn_rec[r];
        const PlanLook *w = &rec->plan->when;
        if (!plan_due(w, step)) continue;
        double *frame = engine_record_slot(e, w, rec->frames, (size_t)rec->plan->n_vars * rec->n, turn, k, step);
        if (!give_synapses(e, r, step, frame, e->fail)) return false;
    }
    return true;
}

/* Frames of the time at which the run ended: `at end`, and times in a list that the steps did not come to. Behind engine_finish. */
bool engine_last_frames(Engine *e, Fail *f)
{
    for (int r = 0; r < e->plan->n_recs; r++) {
        const Rec *rec = &e->rec[r];
        const PlanLook *w = &rec->plan->when;
        if (w->kind != TIMES_END && (w->kind != TIMES_AT || plan_rank(w, e->step) < 0)) continue;
        for (int t = 0; t < e->n_threads; t++) {
            Worker *worker = &e->worker[t];
            Frame fr = {.col = worker->col[rec->plan->pop], .step = e->step, .t = decimal_time(e->step, e->plan->dt),
                        .t1 = decimal_time(e->step + 1, e->plan->dt), .key = e->pop[rec->plan->pop].key, .scratch = worker->scratch};
            take(worker, rec, &fr, NULL, rec->frames[0]);
        }
        if (!give_frame(e, r, e->step, rec->frames[0], f)) return false;
    }
    for (int r = 0; r < e->plan->n_syn_recs; r++) {
        const SynRec *rec = &e->syn_rec[r];
        if (rec->plan->when.kind != TIMES_AT || plan_rank(&rec->plan->when, e->step) < 0) continue;
        for (int v = 0; v < rec->plan->n_vars; v++) plastic_values(e, r, v, rec->frames[0] + (size_t)v * rec->n);
        if (!give_synapses(e, r, e->step, rec->frames[0], f)) return false;
    }
    return true;
}

void engine_record_free(Engine *e)
{
    for (int k = 0; k < e->plan->n_recs; k++) {
        Rec *r = &e->rec[k];
        cx_free(r->cut);
        cx_free(r->value);
        for (int j = 0; j < 2; j++) {
            cx_free(r->frames[j]);
            for (int t = 0; r->rows[j] && t < e->n_threads; t++) {
                vec_free(r->rows[j][t].id);
                vec_free(r->rows[j][t].step);
                for (int v = 0; v < 2 * r->plan->n_vars; v++) vec_free(r->rows[j][t].value[v]);
                cx_free(r->rows[j][t].value);
            }
            cx_free(r->rows[j]);
        }
    }
    for (int k = 0; k < e->plan->n_syn_recs; k++) {
        SynRec *r = &e->syn_rec[k];
        for (int t = 0; r->position && t < e->n_threads; t++) cx_free(r->position[t]);
        cx_free(r->position);
        cx_free(r->frames[0]);
        cx_free(r->frames[1]);
        cx_free(r->value);
    }
}
