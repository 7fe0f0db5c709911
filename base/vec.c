/* The growable array of base.h. */
#include "base.h"

#include <string.h>

/* Room for `more` elements of `elem` bytes behind the present ones, zeroed; the length stays. `v`
 * may be NULL. Returns the array, which may have moved. */
void *vec_grow(void *v, size_t more, size_t elem)
{
    size_t len = vec_len(v), cap = v ? vec_head(v)->cap : 0, need, bytes;
    if (__builtin_add_overflow(len, more, &need)) need = SIZE_MAX;
    if (!v || need > cap) {
        size_t twice = cap < 8 ? 8 : cap > SIZE_MAX / 2 ? SIZE_MAX : 2 * cap;
        cap = need > twice ? need : twice;
        if (__builtin_mul_overflow(cap, elem, &bytes) ||
            __builtin_add_overflow(bytes, sizeof(VecHead), &bytes)) {
            bytes = SIZE_MAX; /* cx_realloc says what is wrong */
        }
        VecHead *h = cx_realloc(v ? vec_head(v) : NULL, bytes, 1, "a growing array");
        *h = (VecHead){len, cap};
        v = h + 1;
    }
    memset((char *)v + len * elem, 0, more * elem);
    return v;
}

/* Frees the array; vec_free also forgets it. */
void vec_drop(void *v)
{
    if (v) cx_free(vec_head(v));
}
