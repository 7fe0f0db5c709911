/* What this machine can do at most: the seconds that the simplest loops of a simulator need. Prints one JSON object: for
 * one thread and for all cores the bandwidth of a triad in GB/s, and the nanoseconds of a read-modify-write of 4
 * bytes at random places of areas of several sizes (in MB), each thread in its own.
 *
 *     cc -O3 -march=native -pthread limits.c -o limits && ./limits THREADS */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIAD = 16 << 20, REPEATS = 5, TOUCHES = 1 << 22, MOST = 64 };
static const double AREA_MB[] = {0.2, 2, 20, 200};
enum { AREAS = sizeof AREA_MB / sizeof AREA_MB[0] };

typedef struct Thread {
    pthread_barrier_t *meet;
    double gb_per_s;
    double ns[AREAS];
    int threads;
    int failed;
} Thread;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Two arrays are read and one is written; what writing reads beforehand is not counted. */
static double triad(double *a, const double *b, const double *c, size_t n)
{
    double best = 1e9;
    for (int r = 0; r < REPEATS; r++) {
        double start = now();
        for (size_t k = 0; k < n; k++) a[k] = b[k] + 3.0 * c[k];
        double s = now() - start;
        if (s < best) best = s;
        __asm__ volatile("" : : "r"(a) : "memory");
    }
    return 3.0 * sizeof *a * (double)n / best / 1e9;
}

/* The places are read from a list, as targets of synapses are. */
static double touch(float *area, const uint32_t *place)
{
    double best = 1e9;
    for (int r = 0; r < REPEATS; r++) {
        double start = now();
        for (int k = 0; k < TOUCHES; k++) area[place[k]] += 1.0f;
        double s = now() - start;
        if (s < best) best = s;
        __asm__ volatile("" : : "r"(area) : "memory");
    }
    return best / TOUCHES * 1e9;
}

static void *work(void *of)
{
    Thread *t = of;
    size_t n = (size_t)TRIAD / (size_t)t->threads;
    double *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b), *c = malloc(n * sizeof *c);
    float *area = malloc((size_t)(AREA_MB[AREAS - 1] * 1e6));
    uint32_t *place = malloc(TOUCHES * sizeof *place);
    t->failed = !a || !b || !c || !area || !place;
    pthread_barrier_wait(t->meet);
    if (t->failed) return NULL;
    for (size_t k = 0; k < n; k++) a[k] = 0, b[k] = 1, c[k] = 2;
    memset(area, 0, (size_t)(AREA_MB[AREAS - 1] * 1e6));
    t->gb_per_s = triad(a, b, c, n);
    uint64_t x = 88172645463325252u;
    for (int s = 0; s < AREAS; s++) {
        uint64_t cells = (uint64_t)(AREA_MB[s] * 1e6) / sizeof *area;
        for (int k = 0; k < TOUCHES; k++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            place[k] = (uint32_t)((x >> 32) * cells >> 32);
        }
        t->ns[s] = touch(area, place);
    }
    free(a), free(b), free(c), free(area), free(place);
    return NULL;
}

/* All threads at once: the sum of their bandwidths, the mean of their times. */
static int measure(int threads)
{
    pthread_t id[MOST];
    Thread t[MOST];
    pthread_barrier_t meet;
    pthread_barrier_init(&meet, NULL, (unsigned)threads);
    for (int k = 0; k < threads; k++) {
        t[k] = (Thread){.meet = &meet, .threads = threads};
        if (pthread_create(&id[k], NULL, work, &t[k])) exit(1); /* some may wait already */
    }
    double gb = 0, ns[AREAS] = {0};
    int failed = 0;
    for (int k = 0; k < threads; k++) {
        pthread_join(id[k], NULL);
        failed |= t[k].failed;
        gb += t[k].gb_per_s;
        for (int s = 0; s < AREAS; s++) ns[s] += t[k].ns[s] / threads;
    }
    pthread_barrier_destroy(&meet);
    printf("\"%d\": {\"triad\": %.2f, \"touch\": {", threads, gb);
    for (int s = 0; s < AREAS; s++) printf("%s\"%g\": %.3f", s ? ", " : "", AREA_MB[s], ns[s]);
    printf("}}");
    return failed;
}

int main(int argc, char **argv)
{
    int most = argc > 1 ? atoi(argv[1]) : 1;
    if (most < 1 || most > MOST) return 64;
    printf("{");
    int failed = measure(1);
    if (most > 1 && !failed) {
        printf(", ");
        failed = measure(most);
    }
    printf("}\n");
    return failed;
}
