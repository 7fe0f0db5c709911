/* Kernels as machine code of their own. Functions that run once, before the simulation, stay with the interpreter; so
 * does everything until the compiler is done. Both give the same bits, so the change may happen between any two calls
 * and nobody has to be asked. */
#include "native.h"

#include "draws.h"
#include "interp.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

extern const Backend interp_backend;

enum { PATIENCE_MS = 100 /* a run that is over by then is not worth compiling */ };

typedef struct Switch { /* what KernelFn.impl points to */
    const KernelFn *interp;
    const NativeFn *_Atomic compiled; /* NULL until there is one */
} Switch;

typedef struct Native Native;
struct Native {
    Arena *arena;
    Kernel *interp, *kernel;
    Switch *at;
    int n;
    char *source;
    size_t len;
    NativeLib lib;
    volatile int stop;  /* nobody wants it any more */
    bool queued;
    Native *next;       /* guarded by the queue's lock */
    Fail fail;
};

static const InterpIsa *isa_now; /* the same for all kernels */

static void draw(const Frame *fr, int op, uint64_t salt, int flags, const uint32_t *lane, int64_t lo, int64_t n, const double *a,
                 const double *b, const double *c, const double *d, double *out)
{
    DrawBlock block = {.fr = fr, .isa = isa_now, .op = (Op)op, .lanes = flags & NATIVE_SYNAPSES ? LANE_SYNAPSE : LANE_NEURON,
                       .shared = flags & NATIVE_SHARED, .single = (unsigned)flags & 15, .salt = salt, .lane = lane, .lo = lo,
                       .arg = {a, b, c, d}};
    draws_block(&block, n, out);
}

static const NativeHost host = {draw};

static void run_range(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi, double *const *out)
{
    const Switch *s = fn->impl;
    const NativeFn *c = atomic_load_explicit(&s->compiled, memory_order_acquire);
    if (c) c->range(fn, fr, lo, hi, out);
    else s->interp->range(s->interp, fr, lo, hi, out);
}

static void run_list(const KernelFn *fn, const Frame *fr, const uint32_t *lane, int64_t n, double *const *out)
{
    const Switch *s = fn->impl;
    const NativeFn *c = atomic_load_explicit(&s->compiled, memory_order_acquire);
    if (c) c->list(fn, fr, lane, n, out);
    else s->interp->list(s->interp, fr, lane, n, out);
}

static size_t run_pass(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi, uint32_t *hit, bool *finite)
{
    const Switch *s = fn->impl;
    const NativeFn *c = atomic_load_explicit(&s->compiled, memory_order_acquire);
    return c ? c->pass(fn, fr, lo, hi, hit, finite) : s->interp->pass(s->interp, fr, lo, hi, hit, finite);
}

/* From now on calls go to the compiled functions. */
static void publish(Native *x)
{
    cx_assert(x->lib.table->n == x->n);
    *x->lib.table->host = &host;
    for (int k = 0; k < x->n; k++)
        if (x->lib.table->fn[k].range || x->lib.table->fn[k].pass) atomic_store_explicit(&x->at[k].compiled, &x->lib.table->fn[k], memory_order_release);
}

/* ---- one thread compiles, one kernel after the other ---- */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t change; /* something was queued, given up or done */
    pthread_t thread;
    Native *first, *now;
    bool started, quit;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

static void *compile_all(void *unused)
{
    (void)unused;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PATIENCE_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
    pthread_mutex_lock(&queue.lock);
    while (!queue.quit && pthread_cond_timedwait(&queue.change, &queue.lock, &until) == 0) {}
    while (!queue.quit) {
        Native *x = queue.first;
        if (!x) {
            pthread_cond_wait(&queue.change, &queue.lock);
            continue;
        }
        queue.first = x->next;
        queue.now = x;
        pthread_mutex_unlock(&queue.lock);
        NativeJob job = {x->source, x->len, &x->stop};
        bool ok = native_build(&job, &x->lib, &x->fail);
        if (ok) publish(x);
        else if (!x->stop) __atomic_store_n(&x->kernel->note, x->fail.text, __ATOMIC_RELEASE);
        pthread_mutex_lock(&queue.lock);
        queue.now = NULL;
        pthread_cond_broadcast(&queue.change);
    }
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

static void enqueue(Native *x)
{
    pthread_mutex_lock(&queue.lock);
    Native **end = &queue.first;
    while (*end) end = &(*end)->next;
    *end = x;
    x->queued = true;
    if (!queue.started) {
        queue.quit = false;
        queue.started = pthread_create(&queue.thread, NULL, compile_all, NULL) == 0;
    }
    pthread_cond_broadcast(&queue.change);
    pthread_mutex_unlock(&queue.lock);
}

/* Takes a kernel out of the queue, or ends its compilation. The thread ends with the last one. */
static void give_up(Native *x)
{
    if (!x->queued) return;
    pthread_mutex_lock(&queue.lock);
    x->stop = 1;
    for (Native **at = &queue.first; *at; at = &(*at)->next)
        if (*at == x) {
            *at = x->next;
            break;
        }
    while (queue.now == x) pthread_cond_wait(&queue.change, &queue.lock);
    bool last = queue.started && !queue.first && !queue.now;
    if (last) queue.quit = true, queue.started = false;
    pthread_t thread = queue.thread;
    pthread_cond_broadcast(&queue.change);
    pthread_mutex_unlock(&queue.lock);
    if (last) pthread_join(thread, NULL);
}

static void free_native(Kernel *k)
{
    Native *x = k->impl;
    give_up(x);
    x->interp->free(x->interp);
    native_build_drop(&x->lib);
    cx_free(x->source);
    arena_free(x->arena);
}

static bool worth(const IrModule *m)
{
    for (size_t k = 0; k < vec_len(m->fn); k++)
        if (native_worth(m->fn[k])) return true;
    return false;
}

/* A kernel that interprets and can change over; *out is its inside, or NULL where there is nothing to compile. */
static Kernel *new_kernel(const IrModule *m, Native **out, Fail *f)
{
    Kernel *interp = interp_backend.build(m, f);
    *out = NULL;
    if (!interp || !worth(m)) return interp;
    isa_now = interp_isa(f);
    Arena *a = arena_new("native kernel");
    Native *x = arena_one(a, Native);
    Kernel *k = arena_one(a, Kernel);
    KernelFn *fn = arena_many(a, KernelFn, (size_t)interp->n_fns + 1);
    *x = (Native){.arena = a, .interp = interp, .n = interp->n_fns, .at = arena_many(a, Switch, (size_t)interp->n_fns + 1),
                   .kernel = k};
    *k = *interp;
    k->impl = x;
    k->free = free_native;
    k->fn = fn;
    for (int i = 0; i < k->n_fns; i++) {
        fn[i] = interp->fn[i];
        x->at[i].interp = &interp->fn[i];
        if (!fn[i].range || !native_worth(m->fn[i])) continue;
        fn[i].impl = &x->at[i];
        if (fn[i].pass) {
            fn[i].pass = run_pass;
            fn[i].range = NULL, fn[i].list = NULL;
            continue;
        }
        fn[i].range = run_range;
        fn[i].list = run_list;
    }
    Buf text = {0};
    native_emit(m, &text);
    x->source = text.p;
    x->len = text.len;
    *out = x;
    return k;
}

/* Does not wait for the compiler. */
Kernel *native_build_later(const IrModule *m, Fail *f)
{
    Native *x;
    Kernel *k = new_kernel(m, &x, f);
    if (!k || !x) return k;
    NativeJob job = {x->source, x->len, &x->stop};
    if (native_build_cached(&job, &x->lib)) publish(x);
    else enqueue(x);
    return k;
}

static Kernel *build_native(const IrModule *m, Fail *f)
{
    Native *x;
    Kernel *k = new_kernel(m, &x, f);
    if (!k || !x) return k;
    NativeJob job = {x->source, x->len, NULL};
    if (!native_build(&job, &x->lib, f)) {
        k->free(k);
        return NULL;
    }
    publish(x);
    k->backend = "native";
    return k;
}

const Backend native_backend = {
    .name = "native",
    .doc = "compiles with the system's C compiler first (`cc`, or $CC)",
    .build = build_native,
};
