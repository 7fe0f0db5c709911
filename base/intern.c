/* Names, each kept once. Open addressing with linear probing; the spellings live in an arena. */
#include "base.h"

#include <pthread.h>
#include <string.h>

typedef struct Slot {
    uint64_t hash;
    Sym name;
    size_t len;
} Slot;

static struct {
    Arena *arena;
    Slot *slots;
    size_t cap, used; /* cap is a power of two */
} table;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static Slot *find(Slot *slots, size_t cap, uint64_t hash, const char *s, size_t n)
{
    for (size_t k = hash & (cap - 1);; k = (k + 1) & (cap - 1)) {
        Slot *slot = &slots[k];
        if (!slot->name) return slot;
        if (slot->hash == hash && slot->len == n && memcmp(slot->name, s, n) == 0) return slot;
    }
}

static void grow(void)
{
    size_t cap = table.cap ? 2 * table.cap : 1024;
    Slot *slots = cx_alloc(cap, sizeof *slots, "names");
    for (size_t k = 0; k < table.cap; k++) {
        Slot *old = &table.slots[k];
        if (old->name) *find(slots, cap, old->hash, old->name, old->len) = *old;
    }
    cx_free(table.slots);
    table.slots = slots;
    table.cap = cap;
}

/* The one pointer for this spelling. */
Sym sym(const char *s)
{
    return sym_n(s, strlen(s));
}

/* The one pointer for the `n` bytes at `s`. May be called from any thread. */
Sym sym_n(const char *s, size_t n)
{
    uint64_t hash = hash_bytes(s, n, 0);
    pthread_mutex_lock(&table_lock);
    if (!table.arena) table.arena = arena_new("names");
    if (2 * table.used >= table.cap) grow();
    Slot *slot = find(table.slots, table.cap, hash, s, n);
    if (!slot->name) {
        *slot = (Slot){hash, arena_strndup(table.arena, s, n), n};
        table.used++;
    }
    Sym name = slot->name;
    pthread_mutex_unlock(&table_lock);
    return name;
}

/* Forgets every name: no Sym may be used afterwards. */
void sym_free_all(void)
{
    pthread_mutex_lock(&table_lock);
    arena_free(table.arena);
    cx_free(table.slots);
    memset(&table, 0, sizeof table);
    pthread_mutex_unlock(&table_lock);
}
