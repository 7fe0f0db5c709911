/* Passes over all rows or columns of a group: to count, to fill, and to finish what columns filled. */
#include "build.h"

#include <string.h>

static bool stopped(const Build *b)
{
    return b->e->opt.stop && *b->e->opt.stop;
}

/* Gives a thread the next block of rows to make; false when there is none, or no sense in it. */
static bool take_block(Build *b, const Builder *w, uint64_t *block)
{
    return !w->failed && !stopped(b) && (*block = atomic_fetch_add(&b->next, 1)) < b->n_blocks;
}

/* Blocks are taken in order, so all before the one that failed are in work: the first failure in the
 * order of sources is found whatever the threads do. */
static void no_more_blocks(Build *b, const Builder *w)
{
    if (w->failed) atomic_store(&b->next, b->n_blocks);
}

static uint32_t block_end(const Group *g, uint32_t lo)
{
    return g->n_rows - lo < ROW_BLOCK ? g->n_rows : lo + ROW_BLOCK;
}

/* Behind the last row that goes into a batch with `first`, at most hi. */
static uint32_t batch_end(const Build *b, uint32_t first, uint32_t hi)
{
    uint64_t n = 0;
    uint32_t end = first;
    if (b->g->procedural) return hi - first < b->g->together ? hi : first + b->g->together;
    while (end < hi) {
        for (int t = 0; t < b->e->n_threads; t++) n += b->g->share[t].row[end + 1].at - b->g->share[t].row[end].at;
        if (n > BUILD_BATCH && end > first) break;
        end++;
    }
    return end;
}

/* ---- rules by source ---- */

/* The targets of a source to w->work.pick. */
static bool pick_row(Build *b, Builder *w, int q, uint32_t src)
{
    uint32_t s = rule_position(&b->e->plan->proj[q].src_sel, src);
    Kept *kept = b->kept[q] ? &b->kept[q][src] : NULL;
    vec_clear(w->work.pick);
    if (s == RULE_NONE) return true;
    if (b->fill && kept && kept->pick) {
        vec_extend(w->work.pick, kept->n);
        memcpy(w->work.pick, kept->pick, kept->n * sizeof *kept->pick);
        cx_free(kept->pick);
        kept->pick = NULL;
        return true;
    }
    if (!b->rule[q]->row(&b->call[q], &w->work, s, &w->fail)) {
        w->failed = true;
        w->fail_at = src;
        return false;
    }
    size_t n = vec_len(w->work.pick);
    if (b->fill || !kept || !n || atomic_fetch_add(&b->n_kept, n) + n > BUILD_MOST_KEPT) return true;
    *kept = (Kept){cx_alloc(n, sizeof *kept->pick, "connectivity"), n};
    memcpy(kept->pick, w->work.pick, n * sizeof *kept->pick);
    return true;
}

/* Counts the synapses of a row on each thread. */
static void count_row(Build *b, Builder *w, uint32_t src)
{
    const Engine *e = b->e;
    for (int k = 0; k < b->g->n_projs; k++) {
        int q = b->g->proj[k];
        const PlanProj *p = &e->plan->proj[q];
        if (e->n_threads == 1 && b->rule[q]->degree) { /* no need to know onto whom */
            uint32_t s = rule_position(&p->src_sel, src);
            if (s != RULE_NONE) b->g->share[0].row[src].at += b->rule[q]->degree(&b->call[q], s);
            continue;
        }
        if (!pick_row(b, w, q, src)) return;
        size_t n = vec_len(w->work.pick), before = 0;
        for (int t = 0; t < e->n_threads; t++) {
            uint32_t cut = (uint32_t)engine_cut(&p->tgt_sel, e->pop[p->tgt].part[t + 1]);
            size_t below = t + 1 < e->n_threads ? 0 : n;
            for (size_t j = 0; j < n && t + 1 < e->n_threads; j++) below += w->work.pick[j] < cut;
            b->g->share[t].row[src].at += below - before;
            before = below;
        }
    }
}

static void fill_rows(Build *b, Builder *w, uint32_t lo, uint32_t hi)
{
    Batch *x = &w->batch;
    build_rows_start(x, lo, hi - lo);
    for (int k = 0; k < b->g->n_projs; k++)
        for (uint32_t src = lo; src < hi; src++) {
            int q = b->g->proj[k];
            build_rows_cut(x);
            if (!pick_row(b, w, q, src)) return;
            build_rows_pick(b, w, q, src);
        }
    build_rows_cut(x);
    if (b->g->procedural) build_rows_attributes(b, w);
    else build_rows_write(b, w);
}

/* Counts the synapses of procedural rows whose weights and delays are the same for all. */
static void count_rows(Build *b, Builder *w, uint32_t lo, uint32_t hi)
{
    for (uint32_t src = lo; src < hi; src++)
        for (int k = 0; k < b->g->n_projs; k++) {
            int q = b->g->proj[k];
            uint32_t s = rule_position(&b->e->plan->proj[q].src_sel, src);
            if (s != RULE_NONE && b->rule[q]->degree) {
                w->n[q] += b->rule[q]->degree(&b->call[q], s);
                continue;
            }
            if (!pick_row(b, w, q, src)) return;
            w->n[q] += vec_len(w->work.pick);
        }
}

/* One pass of a group whose rules work by source. */
void build_pass_sources(void *build, int thread)
{
    Build *b = build;
    Builder *w = &b->builder[thread];
    for (uint64_t block; take_block(b, w, &block);) {
        uint32_t lo = (uint32_t)(block * ROW_BLOCK), hi = block_end(b->g, lo);
        if (!b->fill) {
            for (uint32_t s = lo; s < hi && !w->failed; s++) count_row(b, w, s);
            continue;
        }
        if (b->g->procedural && !build_finishes(b->g)) {
            count_rows(b, w, lo, hi);
            continue;
        }
        for (uint32_t end; lo < hi && !w->failed; lo = end) fill_rows(b, w, lo, end = batch_end(b, lo, hi));
        build_rows_segments(b, w, block);
    }
    no_more_blocks(b, w);
}

/* ---- rules by target ---- */

/* One pass of a group whose rules work by target, over the targets of a thread. */
void build_pass_targets(void *build, int thread)
{
    Build *b = build;
    Builder *w = &b->builder[thread];
    Engine *e = b->e;
    Group *g = b->g;
    Share *s = &g->share[thread];
    for (int k = 0; k < g->n_projs; k++) {
        int q = g->proj[k];
        const PlanProj *p = &e->plan->proj[q];
        const uint32_t *part = e->pop[p->tgt].part;
        size_t from = engine_cut(&p->tgt_sel, part[thread]), to = engine_cut(&p->tgt_sel, part[thread + 1]);
        uint32_t shift = build_acc_first(e, q, thread) - s->base - part[thread];
        for (size_t t = from; t < to && !stopped(b); t++) {
            uint32_t acc = rule_at(&p->tgt_sel, (uint32_t)t) + shift;
            vec_clear(w->work.pick);
            if (!b->rule[q]->column(&b->call[q], &w->work, (uint32_t)t, &w->fail)) {
                w->failed = true;
                w->fail_at = t;
                return;
            }
            size_t n = vec_len(w->work.pick);
            if (b->fill && !build_finishes(g)) w->n[q] += n;
            for (size_t j = 0; j < n; j++) {
                Row *row = &s->row[rule_at(&p->src_sel, w->work.pick[j])];
                if (b->fill) build_store(g, s, row->at, acc);
                row->at++;
            }
        }
    }
}

/* Takes rows that columns filled, projection after projection with targets ascending, into the batch. */
static void read_rows(Build *b, Builder *w, uint32_t lo, uint32_t hi)
{
    const Engine *e = b->e;
    const Group *g = b->g;
    Batch *x = &w->batch;
    size_t threads = (size_t)e->n_threads;
    build_rows_start(x, lo, hi - lo);
    BUILD_ROOM(w->cursor, (size_t)(hi - lo) * threads);
    memset(w->cursor, 0, (size_t)(hi - lo) * threads * sizeof *w->cursor);
    for (int k = 0; k < g->n_projs; k++)
        for (uint32_t src = lo; src < hi; src++) {
            int q = g->proj[k], tgt = e->plan->proj[q].tgt;
            build_rows_cut(x);
            vec_clear(w->work.pick);
            for (int t = 0; t < e->n_threads; t++) {
                const Share *s = &g->share[t];
                uint64_t *done = &w->cursor[(src - lo) * threads + (size_t)t];
                uint64_t at = s->row[src].at + *done, n = s->row[src + 1].at - at, j = 0;
                uint32_t first = build_acc_first(e, q, t) - s->base, size = build_part_size(e, tgt, t);
                size_t old = vec_len(w->work.pick);
                vec_extend(w->work.pick, n);
                for (; j < n; j++) {
                    uint32_t acc = g->wide ? ((uint32_t *)s->tgt)[at + j] : ((uint16_t *)s->tgt)[at + j];
                    if (acc - first >= size) break;
                    w->work.pick[old + j] = acc - first + e->pop[tgt].part[t];
                }
                vec_head(w->work.pick)->len = old + j;
                *done += j;
            }
            build_rows_add(x, src, vec_len(w->work.pick), w->work.pick);
        }
    build_rows_cut(x);
}

/* Behind the filling by columns: every row gets its attributes and its order. */
void build_pass_finish(void *build, int thread)
{
    Build *b = build;
    Builder *w = &b->builder[thread];
    for (uint64_t block; take_block(b, w, &block);) {
        uint32_t lo = (uint32_t)(block * ROW_BLOCK), hi = block_end(b->g, lo);
        for (uint32_t end; lo < hi && !w->failed; lo = end) {
            end = batch_end(b, lo, hi);
            read_rows(b, w, lo, end);
            build_rows_write(b, w);
        }
        build_rows_segments(b, w, block);
    }
    no_more_blocks(b, w);
}
