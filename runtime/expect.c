/* `expect rate(…)`: counts spikes in windows. */
#include "expect.h"

struct Expect {
    Sink sink;
    const Plan *plan;
    uint64_t *count;
};

static bool selected(const PlanSelect *s, uint32_t id)
{
    if (id < s->lo || id >= s->hi) return false;
    if (!s->index) return true;
    uint32_t lo = 0, hi = s->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->index[mid] < id) lo = mid + 1;
        else hi = mid;
    }
    return lo < s->n && s->index[lo] == id;
}

static bool on_spikes(Sink *s, int pop, int64_t step, const uint32_t *id, size_t n, Fail *f)
{
    Expect *x = (Expect *)s;
    (void)f;
    for (int k = 0; k < x->plan->n_expects; k++) {
        const PlanExpect *e = &x->plan->expect[k];
        if (step <= e->from || step > e->to) continue;
        for (int q = 0; q < e->n_pops; q++) {
            if (e->pop[q] != pop) continue;
            const PlanSelect *sel = &e->sel[q];
            if (!sel->index && sel->n == x->plan->pop[pop].n) x->count[k] += n;
            else
                for (size_t m = 0; m < n; m++) x->count[k] += selected(sel, id[m]);
        }
    }
    return true;
}

Expect *expect_new(const Plan *p)
{
    Expect *x = cx_alloc(1, sizeof *x, "expectations");
    x->plan = p;
    x->sink = (Sink){.spikes = on_spikes};
    x->count = cx_alloc((size_t)p->n_expects + 1, sizeof *x->count, "expectations");
    return x;
}

Sink *expect_sink(Expect *x) { return &x->sink; }

int expect_count(const Expect *x) { return x->plan->n_expects; }

/* Mean rate over the selected neurons and the window, in Hz. */
ExpectResult expect_result(const Expect *x, int k, int64_t steps)
{
    const PlanExpect *e = &x->plan->expect[k];
    int64_t to = e->to < steps ? e->to : steps;
    double cells = 0, ms = to > e->from ? decimal_time(to - e->from, x->plan->dt) : 0;
    for (int q = 0; q < e->n_pops; q++) cells += e->sel[q].n;
    ExpectResult r = {.text = e->text, .value = ms > 0 ? (double)x->count[k] / cells / ms * 1000 : 0};
    r.met = ms > 0 && (e->open_lo ? r.value > e->lo : r.value >= e->lo) && (e->open_hi ? r.value < e->hi : r.value <= e->hi);
    return r;
}

void expect_free(Expect *x)
{
    if (!x) return;
    cx_free(x->count);
    cx_free(x);
}
