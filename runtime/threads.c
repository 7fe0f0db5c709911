/* A pool of threads that stays for the life of an engine, and its barrier. The barrier spins
 * briefly, then yields, then sleeps, so that it is fast where every thread has a core and behaves
 * where there are more threads than cores. */
#include "engine_internal.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

typedef struct Barrier {
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) atomic_uint phase;
    unsigned n;
    int spin, yield;
    pthread_mutex_t lock;
    pthread_cond_t wake;
} Barrier;

struct Threads {
    Barrier start, end, meet;
    int n;
    pthread_t *id;
    int n_started;
    ThreadsFn *fn;
    void *user;
    bool quit;
};

typedef struct Seat {
    Threads *pool;
    int thread;
} Seat;

static void barrier_init(Barrier *b, int n)
{
    int cores = os_cores();
    atomic_init(&b->arrived, 0);
    atomic_init(&b->phase, 0);
    b->n = (unsigned)n;
    b->spin = n <= cores ? 2000 : 0;
    b->yield = 16;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->wake, NULL);
}

static void barrier_free(Barrier *b)
{
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->wake);
}

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void barrier_wait(Barrier *b)
{
    unsigned phase = atomic_load_explicit(&b->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&b->arrived, 1, memory_order_acq_rel) + 1 == b->n) {
        atomic_store_explicit(&b->arrived, 0, memory_order_relaxed);
        pthread_mutex_lock(&b->lock);
        atomic_store_explicit(&b->phase, phase + 1, memory_order_release);
        pthread_mutex_unlock(&b->lock);
        pthread_cond_broadcast(&b->wake);
        return;
    }
    for (int k = 0; k < b->spin; k++) {
        if (atomic_load_explicit(&b->phase, memory_order_acquire) != phase) return;
        relax();
    }
    for (int k = 0; k < b->yield; k++) {
        if (atomic_load_explicit(&b->phase, memory_order_acquire) != phase) return;
        sched_yield();
    }
    pthread_mutex_lock(&b->lock);
    while (atomic_load_explicit(&b->phase, memory_order_acquire) == phase) pthread_cond_wait(&b->wake, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static void *work(void *arg)
{
    Seat seat = *(Seat *)arg;
    cx_free(arg);
    for (;;) {
        barrier_wait(&seat.pool->start);
        if (seat.pool->quit) return NULL;
        seat.pool->fn(seat.pool->user, seat.thread);
        barrier_wait(&seat.pool->end);
    }
}

/* Starts n - 1 threads; the caller of threads_run is thread 0. NULL and exit code 71 when the
 * system refuses one. */
Threads *threads_new(int n, Fail *f)
{
    /* Blocks of 4 KiB are aligned to a cache line, as the barriers want. */
    Threads *p = cx_alloc(1, sizeof *p > 4096 ? sizeof *p : 4096, "threads");
    p->n = n;
    p->id = cx_alloc((size_t)n, sizeof *p->id, "threads");
    barrier_init(&p->start, n);
    barrier_init(&p->end, n);
    barrier_init(&p->meet, n);
    for (int k = 1; k < n; k++) {
        Seat *seat = cx_alloc(1, sizeof *seat, "threads");
        *seat = (Seat){p, k};
        int err = pthread_create(&p->id[k], NULL, work, seat);
        if (err) {
            cx_free(seat);
            fail_set(f, EXIT_SYSTEM, "cannot start thread %d of %d: %s", k + 1, n, strerror(err));
            /* those that run wait at the start for seats that stay empty: take these ourselves */
            p->quit = true;
            atomic_fetch_add(&p->start.arrived, (unsigned)(n - p->n_started - 1));
            barrier_wait(&p->start);
            for (int j = 1; j <= p->n_started; j++) pthread_join(p->id[j], NULL);
            p->n = 1;
            threads_free(p);
            return NULL;
        }
        p->n_started++;
    }
    return p;
}

/* Calls fn(user, k) on every thread k and returns when all have returned. */
void threads_run(Threads *p, ThreadsFn *fn, void *user)
{
    if (p->n == 1) {
        fn(user, 0);
        return;
    }
    p->fn = fn;
    p->user = user;
    barrier_wait(&p->start);
    fn(user, 0);
    barrier_wait(&p->end);
}

/* Within threads_run: waits until every thread is here. What was written before is seen behind. */
void threads_meet(Threads *p)
{
    if (p->n > 1) barrier_wait(&p->meet);
}

void threads_free(Threads *p)
{
    if (!p) return;
    if (p->n > 1) {
        p->quit = true;
        barrier_wait(&p->start);
        for (int k = 1; k < p->n; k++) pthread_join(p->id[k], NULL);
    }
    barrier_free(&p->start);
    barrier_free(&p->end);
    barrier_free(&p->meet);
    cx_free(p->id);
    cx_free(p);
}
