/* Everything a run can change, listed once. Hash, memory plan and checkpoint walk this table, so
 * none of them can forget an entry. Accumulators are zero between phase 1 and the next and hold no
 * state; the rings repeat what spikes in flight and connectivity say. */
#include "engine_internal.h"

typedef struct InFlight { /* a spike under way: steps since its emission */
    uint64_t age;
    uint64_t id;
} InFlight;

static void part(StateVisit *visit, void *user, const char *name, const void *data, size_t n, size_t size)
{
    visit(user, &(StatePart){name, data, 0, n, n, size});
}

static void columns(const Engine *e, int pop, StateVisit *visit, void *user)
{
    const Pop *p = &e->pop[pop];
    for (int f = 0; p->kernel && f < p->kernel->n_fields; f++) {
        const KernelField *field = &p->kernel->field[f];
        if (field->kind != FIELD_ACC && field->kind != FIELD_LINK) part(visit, user, field->name, p->col[f], field->uniform ? 1 : p->plan->n, sizeof(double));
    }
}

static void spikes(const Engine *e, int pop, StateVisit *visit, void *user)
{
    const Pop *p = &e->pop[pop];
    InFlight *list = NULL;
    for (size_t k = p->flight_head; k < vec_len(p->flight); k++) {
        int64_t last = p->flight[k].step + 1 + (int64_t)p->max_delay; /* its latest arrival */
        if (e->arrived ? last > e->step : last >= e->step)
            vec_push(list, ((InFlight){(uint64_t)(e->step - p->flight[k].step), p->flight[k].id}));
    }
    part(visit, user, "spikes in flight", list, vec_len(list), sizeof *list);
    vec_free(list);
}

static void (*const table[])(const Engine *e, int pop, StateVisit *visit, void *user) = {columns, spikes, plastic_state};

/* Visits all state of one population, in a fixed order that does not depend on threads; a column may come in parts. The
 * data are valid during the call only. */
void state_each(const Engine *e, int pop, StateVisit *visit, void *user)
{
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) table[k](e, pop, visit, user);
}

static void add_hash(void *user, const StatePart *p)
{
    uint64_t n = p->of;
    if (!p->at) hash_add(user, &n, sizeof n);
    if (p->n) hash_add(user, p->data, p->n * p->size);
}

uint64_t state_hash(const Engine *e, int pop)
{
    Hash *h = hash_new();
    state_each(e, pop, add_hash, h);
    uint64_t value = hash_value(h);
    hash_free(h);
    return value;
}

static void add_bytes(void *user, const StatePart *p)
{
    *(size_t *)user += p->n * p->size;
}

/* Bytes of the state of all populations, without that of their synapses. */
size_t state_bytes(const Engine *e)
{
    size_t bytes = 0;
    for (int p = 0; p < e->plan->n_pops; p++) {
        columns(e, p, add_bytes, &bytes);
        spikes(e, p, add_bytes, &bytes);
    }
    return bytes;
}
