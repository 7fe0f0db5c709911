/* An arena: allocations that are freed together. Chunks double, so there are few of them. */
#include "base.h"

#include <string.h>

typedef struct Chunk {
    struct Chunk *next;
    size_t used, size;
    _Alignas(16) char data[];
} Chunk;

struct Arena {
    const char *name;
    Chunk *chunks; /* the first one is being filled */
    size_t next_size;
};

enum { FIRST_CHUNK = 4032, LARGEST_CHUNK = 1 << 20 };

/* `name` is what an out-of-memory message says; it must outlive the arena. */
Arena *arena_new(const char *name)
{
    Arena *a = cx_alloc(1, sizeof *a, name);
    a->name = name;
    a->next_size = FIRST_CHUNK;
    return a;
}

/* Frees everything that came from the arena, and the arena. NULL is nothing to do. */
void arena_free(Arena *a)
{
    if (!a) return;
    for (Chunk *c = a->chunks; c;) {
        Chunk *next = c->next;
        cx_free(c);
        c = next;
    }
    cx_free(a);
}

static Chunk *chunk_new(Arena *a, size_t bytes)
{
    size_t whole;
    if (__builtin_add_overflow(bytes, sizeof(Chunk), &whole)) whole = SIZE_MAX;
    Chunk *c = cx_alloc(1, whole, a->name);
    c->size = bytes;
    return c;
}

/* Zeroed and 16-byte aligned memory for `count` things of `size` bytes, never NULL. */
void *arena_alloc(Arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - 64) bytes = SIZE_MAX - 64;
    bytes = (bytes + 15) & ~(size_t)15;
    Chunk *c = a->chunks;
    if (c && c->size - c->used >= bytes) {
        void *p = c->data + c->used;
        c->used += bytes;
        return p;
    }
    if (bytes > a->next_size / 2) {
        /* A large thing gets a chunk of its own, behind the one that is being filled. */
        Chunk *own = chunk_new(a, bytes);
        own->used = bytes;
        if (c) {
            own->next = c->next;
            c->next = own;
        } else {
            a->chunks = own;
        }
        return own->data;
    }
    Chunk *fresh = chunk_new(a, a->next_size);
    if (a->next_size < LARGEST_CHUNK) a->next_size *= 2;
    fresh->next = c;
    fresh->used = bytes;
    a->chunks = fresh;
    return fresh->data;
}

/* A copy of `bytes` bytes. */
void *arena_dup(Arena *a, const void *p, size_t bytes)
{
    void *q = arena_alloc(a, bytes, 1);
    if (bytes) memcpy(q, p, bytes);
    return q;
}

/* A copy of a string. */
char *arena_strdup(Arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

/* The `n` bytes at `s` as a string. */
char *arena_strndup(Arena *a, const char *s, size_t n)
{
    char *q = arena_alloc(a, n + 1, 1);
    if (n) memcpy(q, s, n);
    return q;
}

/* printf into the arena. */
char *arena_printf(Arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

/* vprintf into the arena; `ap` is left undefined, as vprintf leaves it. */
char *arena_vprintf(Arena *a, const char *fmt, va_list ap)
{
    va_list again;
    cx_assert(fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    cx_assert(n >= 0);
    char *s = arena_alloc(a, (size_t)n + 1, 1);
    vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}
