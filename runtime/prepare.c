/* prepare.c: the propagators of linear equations whose coefficients are parameters. For each distinct
 * row of coefficients one matrix exponential is computed, however many neurons have it. */
#include "engine_internal.h"

#include <math.h>
#include <string.h>

#include "expm.h"

/* The distinct rows met so far, n_out doubles each, and what came out of them. */
typedef struct Rows {
    size_t n_out, n_cols, n;
    double *row, *col;   /* vecs */
    uint32_t *slot;      /* open addressing: number + 1 of a row, 0 empty */
    size_t n_slots;
} Rows;

static uint32_t *find_slot(const Rows *r, const double *row)
{
    size_t bytes = r->n_out * sizeof *row, at = hash_bytes(row, bytes, 0) & (r->n_slots - 1);
    while (r->slot[at] && memcmp(r->row + (r->slot[at] - 1) * r->n_out, row, bytes)) at = (at + 1) & (r->n_slots - 1);
    return &r->slot[at];
}

static void widen(Rows *r)
{
    cx_free(r->slot);
    r->n_slots = r->n_slots ? 2 * r->n_slots : 64;
    r->slot = cx_alloc(r->n_slots, sizeof *r->slot, "propagators");
    for (size_t k = 0; k < r->n; k++) *find_slot(r, r->row + k * r->n_out) = (uint32_t)k + 1;
}

typedef struct Work { /* of one PlanExact */
    const PlanExact *x;
    double *a, *g, *p, *q, *l;
} Work;

static double pick(const double *row, int out)
{
    return out < 0 ? 0.0 : row[out];
}

static bool any(const int *field, int n)
{
    for (int k = 0; k < n; k++)
        if (field[k] >= 0) return true;
    return false;
}

/* All columns of one row of coefficients, to `col` in the order p, f, l, b. */
static void propagate(const Work *w, const double *row, double *col)
{
    const PlanExact *x = w->x;
    int n = x->n, nn = n * n;
    for (int k = 0; k < nn; k++) w->a[k] = pick(row, x->a[k]);
    for (int k = 0; k < n * x->n_xi; k++) w->g[k] = pick(row, x->g[k]);
    if (any(x->p, nn) || any(x->f, nn) || any(x->b, n)) expm_step(n, w->a, x->h, w->p, w->q);
    if (any(x->l, nn)) expm_noise(n, x->n_xi, w->a, w->g, x->h, w->l);
    for (int k = 0; k < nn; k++)
        if (x->p[k] >= 0) *col++ = w->p[k];
    for (int k = 0; k < nn; k++)
        if (x->f[k] >= 0) *col++ = w->q[k] * pick(row, x->gain[k % n]);
    for (int k = 0; k < nn; k++)
        if (x->l[k] >= 0) *col++ = w->l[k];
    for (int i = 0; i < n; i++) {
        double sum = 0.0;
        for (int j = 0; j < n; j++) sum = fma(w->q[i * n + j], pick(row, x->offset[j]), sum);
        if (x->b[i] >= 0) *col++ = sum;
    }
}

/* The number of the row, computed when it is new. */
static size_t number_of(Rows *r, const Work *w, const double *row)
{
    if (2 * (r->n + 1) > r->n_slots) widen(r);
    uint32_t *slot = find_slot(r, row);
    if (!*slot) {
        vec_extend(r->row, r->n_out);
        memcpy(r->row + r->n * r->n_out, row, r->n_out * sizeof *row);
        vec_extend(r->col, r->n_cols);
        propagate(w, row, r->col + r->n * r->n_cols);
        *slot = (uint32_t)++r->n;
    }
    return *slot - 1;
}

/* The columns in the order of `propagate`; their number. */
static size_t list_fields(const PlanExact *x, int *field)
{
    size_t n = 0;
    const int *list[4] = {x->p, x->f, x->l, x->b};
    for (int k = 0; k < 4; k++)
        for (int j = 0; j < (k == 3 ? x->n : x->n * x->n); j++)
            if (list[k][j] >= 0) field[n++] = list[k][j];
    return n;
}

static void prepare_exact(Engine *e, const Pop *p, const PlanExact *x)
{
    enum { LANES = 256 };
    const KernelFn *fn = &p->kernel->fn[x->fn];
    size_t nn = (size_t)x->n * (size_t)x->n;
    int *field = cx_alloc(3 * nn + (size_t)x->n, sizeof *field, "propagators");
    Rows r = {.n_out = (size_t)fn->n_out, .n_cols = list_fields(x, field)};
    Work w = {.x = x};
    w.a = cx_alloc(4 * nn + (size_t)x->n * (size_t)x->n_xi + 1, sizeof *w.a, "propagators");
    w.p = w.a + nn;
    w.q = w.p + nn;
    w.l = w.q + nn;
    w.g = w.l + nn;
    double *value = cx_alloc(r.n_out * (LANES + 1), sizeof *value, "propagators"), *row = value + r.n_out * LANES;
    double **out = cx_alloc(r.n_out, sizeof *out, "propagators");
    for (size_t k = 0; k < r.n_out; k++) out[k] = value + k * LANES;
    bool uniform = p->kernel->field[field[0]].uniform;
    uint32_t n = uniform ? 1 : p->plan->n;
    Frame fr = {.col = p->col, .t1 = decimal_time(1, e->plan->dt), .key = p->key, .scratch = e->worker[0].scratch};
    for (uint32_t lo = 0; lo < n; lo += LANES) {
        uint32_t hi = n - lo < LANES ? n : lo + LANES;
        fn->range(fn, &fr, lo, hi, out);
        for (uint32_t i = lo; i < hi; i++) {
            for (size_t k = 0; k < r.n_out; k++) row[k] = out[k][i - lo];
            size_t at = number_of(&r, &w, row);
            const double *col = r.col + at * r.n_cols;
            for (size_t k = 0; k < r.n_cols; k++) p->col[field[k]][i] = col[k];
        }
    }
    cx_free(out);
    cx_free(value);
    cx_free(w.a);
    cx_free(field);
    cx_free(r.slot);
    vec_free(r.row);
    vec_free(r.col);
}

/* Fills the columns of propagators of population `pop` from its parameters as they are now; to be
 * called while no thread steps. */
void prepare_pop(Engine *e, int pop)
{
    const Pop *p = &e->pop[pop];
    for (int k = 0; p->plan->n && k < p->plan->n_exact; k++) prepare_exact(e, p, &p->plan->exact[k]);
}
