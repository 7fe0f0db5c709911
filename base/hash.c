/* Hashes: XXH3 with 64 bits, the same on every machine. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base.h"

#include <string.h>

struct Hash {
    XXH3_state_t state; /* wants 64-byte alignment */
    void *block;        /* what cx_alloc gave */
};

/* The hash of `n` bytes. */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, n, seed);
}

/* The hash of a string without its end. */
uint64_t hash_str(const char *s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s, strlen(s), seed);
}

/* A hash to add to; hash_value of all parts equals hash_bytes of the whole with seed 0. */
Hash *hash_new(void)
{
    void *block = cx_alloc(1, sizeof(Hash) + 64, "a hash");
    Hash *h = (Hash *)(((uintptr_t)block + 63) & ~(uintptr_t)63);
    h->block = block;
    XXH3_64bits_reset(&h->state);
    return h;
}

/* Adds `n` bytes. */
void hash_add(Hash *h, const void *p, size_t n)
{
    if (n) XXH3_64bits_update(&h->state, p, n);
}

/* The hash of all that was added; more may be added afterwards. */
uint64_t hash_value(const Hash *h)
{
    return XXH3_64bits_digest(&h->state);
}

/* NULL is nothing to do. */
void hash_free(Hash *h)
{
    if (h) cx_free(h->block);
}
