/* Text that grows. */
#include "base.h"

#include <string.h>

static void reserve(Buf *b, size_t more)
{
    size_t need;
    if (__builtin_add_overflow(b->len, more, &need) || need == SIZE_MAX) need = SIZE_MAX - 1;
    if (need + 1 <= b->cap) return;
    size_t cap = b->cap > SIZE_MAX / 2 ? SIZE_MAX : 2 * b->cap;
    if (cap < need + 1) cap = need + 1;
    if (cap < 64) cap = 64;
    b->p = cx_realloc(b->p, cap, 1, "text");
    b->cap = cap;
}

/* Appends formatted text. */
void buf_printf(Buf *b, const char *fmt, ...)
{
    va_list ap, again;
    cx_assert(fmt);
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    cx_assert(n >= 0);
    reserve(b, (size_t)n);
    vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
    b->len += (size_t)n;
    va_end(again);
    va_end(ap);
}

/* Appends `n` bytes. */
void buf_add(Buf *b, const char *s, size_t n)
{
    reserve(b, n);
    if (n) memcpy(b->p + b->len, s, n);
    b->len += n;
    b->p[b->len] = '\0';
}

/* Gives the text back; the buffer is empty and may be used again. */
void buf_free(Buf *b)
{
    cx_free(b->p);
    *b = (Buf){0};
}
