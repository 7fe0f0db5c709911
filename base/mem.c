/* Memory from the system, counted. In front of every block stands a header; blocks of 4 KiB and
 * more begin at a multiple of 64 bytes, so that columns can be read by whole vectors. */
#include "base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct MemHead {
    size_t bytes; /* as asked for */
    size_t pad;   /* from the system's block to the user's */
} MemHead;

enum { COLUMN_BYTES = 4096, COLUMN_ALIGN = 64, LARGE_PAGE = 1 << 21 };
_Static_assert(sizeof(MemHead) == 16, "the header must keep blocks 16-byte aligned");

static _Atomic size_t mem_now, mem_peak;
static _Atomic long mem_countdown; /* 0: never fail */

static CX_NORETURN void out_of_memory(size_t count, size_t size, const char *purpose)
{
    unsigned long long bytes = 0;
    fflush(stdout);
    if (__builtin_mul_overflow((unsigned long long)count, size, &bytes)) {
        fprintf(stderr, "out of memory: %s needs %zu times %zu bytes\n", purpose, count, size);
    } else {
        fprintf(stderr, "out of memory: %s needs %llu bytes\n", purpose, bytes);
    }
    fflush(stderr);
    _Exit(EXIT_SYSTEM);
}

static bool must_fail(void)
{
    return atomic_load_explicit(&mem_countdown, memory_order_relaxed) > 0 &&
           atomic_fetch_sub(&mem_countdown, 1) == 1;
}

static void count_in(size_t bytes)
{
    size_t now = atomic_fetch_add_explicit(&mem_now, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&mem_peak, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak(&mem_peak, &peak, now)) {
    }
}

static MemHead *head_of(void *p)
{
    return (MemHead *)p - 1;
}

static size_t slack_of(size_t bytes)
{
    return sizeof(MemHead) + (bytes >= COLUMN_BYTES ? COLUMN_ALIGN : 0);
}

static size_t pad_of(const char *raw, size_t bytes)
{
    if (bytes < COLUMN_BYTES) return sizeof(MemHead);
    uintptr_t first = (uintptr_t)raw + sizeof(MemHead);
    return sizeof(MemHead) + (size_t)(-first & (COLUMN_ALIGN - 1));
}

/* Synapses are read at random places all over their memory: with large pages a third less time goes into finding out where a
 * page is, and building meets a five-hundredth of the page faults. A system without them ignores the advice. */
static void advise_large_pages(char *raw, size_t whole)
{
#ifdef MADV_HUGEPAGE
    uintptr_t from = ((uintptr_t)raw + LARGE_PAGE - 1) & ~(uintptr_t)(LARGE_PAGE - 1);
    uintptr_t to = ((uintptr_t)raw + whole) & ~(uintptr_t)(LARGE_PAGE - 1);
    if (whole >= 2 * (size_t)LARGE_PAGE && from < to) (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
    (void)raw, (void)whole;
#endif
}

/* Zeroed memory for `count` things of `size` bytes; never NULL, not even for nothing. `purpose` is
 * what the message says when there is no more. */
void *cx_alloc(size_t count, size_t size, const char *purpose)
{
    size_t bytes, whole;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, slack_of(bytes), &whole) || must_fail()) {
        out_of_memory(count, size, purpose);
    }
    char *raw = calloc(1, whole);
    if (!raw) out_of_memory(count, size, purpose);
    advise_large_pages(raw, whole);
    size_t pad = pad_of(raw, bytes);
    char *p = raw + pad;
    *head_of(p) = (MemHead){bytes, pad};
    count_in(bytes);
    return p;
}

/* Grows or shrinks a block. Bytes beyond the old length are not set. `p` may be NULL. */
void *cx_realloc(void *p, size_t count, size_t size, const char *purpose)
{
    if (!p) return cx_alloc(count, size, purpose);
    size_t bytes, whole;
    MemHead old = *head_of(p);
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, slack_of(bytes), &whole) || must_fail()) {
        out_of_memory(count, size, purpose);
    }
    size_t kept = old.bytes < bytes ? old.bytes : bytes;
    /* The data may sit further in than the new block is long when a column becomes small. */
    if (old.pad > sizeof(MemHead) && bytes < COLUMN_BYTES) {
        memmove((char *)p - old.pad + sizeof(MemHead), p, kept);
        p = (char *)p - old.pad + sizeof(MemHead);
        old.pad = sizeof(MemHead);
    }
    char *raw = realloc((char *)p - old.pad, whole);
    if (!raw) out_of_memory(count, size, purpose);
    advise_large_pages(raw, whole);
    size_t pad = pad_of(raw, bytes);
    if (pad != old.pad) memmove(raw + pad, raw + old.pad, kept);
    char *q = raw + pad;
    *head_of(q) = (MemHead){bytes, pad};
    count_in(bytes);
    atomic_fetch_sub_explicit(&mem_now, old.bytes, memory_order_relaxed);
    return q;
}

/* Gives a block of cx_alloc or cx_realloc back; NULL is nothing to do. */
void cx_free(void *p)
{
    if (!p) return;
    MemHead *h = head_of(p);
    atomic_fetch_sub_explicit(&mem_now, h->bytes, memory_order_relaxed);
    free((char *)p - h->pad);
}

/* Bytes handed out and not yet freed, without headers. */
size_t cx_mem_now(void)
{
    return atomic_load_explicit(&mem_now, memory_order_relaxed);
}

/* The largest value cx_mem_now ever had. */
size_t cx_mem_peak(void)
{
    return atomic_load_explicit(&mem_peak, memory_order_relaxed);
}

/* Lets the n-th allocation from now on fail as if memory had run out; 0 never. For tests. */
void cx_mem_fail_after(long n)
{
    atomic_store(&mem_countdown, n);
}
