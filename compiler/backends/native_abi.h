/* What a compiled kernel and the program tell each other; read by both, behind frame.h. */
#ifndef CORTEXC_NATIVE_ABI_H
#define CORTEXC_NATIVE_ABI_H

#include <stddef.h>

enum { NATIVE_SHARED = 16, NATIVE_SYNAPSES = 32, NATIVE_BLOCK = 256 };

/* What compiled code asks of the program: random draws, so that a law is written once.
 * Lanes lo … lo+n-1, or lane[0 … n-1]. Bits 0 to 3 of `flags`: argument k is one cell for all. */
typedef struct NativeHost {
    void (*draw)(const Frame *fr, int op, uint64_t salt, int flags, const uint32_t *lane, int64_t lo, int64_t n,
                 const double *a, const double *b, const double *c, const double *d, double *out);
} NativeHost;

typedef struct NativeFn { /* as in KernelFn; NULL for functions that are not worth it */
    void (*range)(const void *fn, const Frame *fr, int64_t lo, int64_t hi, double *const *out);
    void (*list)(const void *fn, const Frame *fr, const uint32_t *lane, int64_t n, double *const *out);
    size_t (*pass)(const void *fn, const Frame *fr, int64_t lo, int64_t hi, uint32_t *hit, _Bool *finite); /* instead of both */
} NativeFn;

/* The true ones of n truths 0 or -1 of lanes from `first` on, ascending; returns how many. */
static inline __attribute__((unused)) size_t native_hits(const int64_t *truth, int64_t first, int64_t n, uint32_t *hit)
{
    size_t hits = 0;
    for (int64_t k = 0, end; k < n; k = end) {
        int64_t any = 0;
        end = n - k < 16 ? n : k + 16;
        for (int64_t j = k; j < end; j++) any |= truth[j];
        for (int64_t j = k; any && j < end; j++)
            if (truth[j]) hit[hits++] = (uint32_t)(first + j);
    }
    return hits;
}

typedef struct NativeTable { /* the one symbol of a compiled kernel, `cortexc_native` */
    int n;
    const NativeFn *fn;
    const NativeHost **host;
} NativeTable;

#endif
