/* Source files in one space of offsets, so that a place is one number. */
#include "base.h"

#include <string.h>

typedef struct Entry {
    SourceFile file; /* first, for what is handed out is its address */
    uint32_t *lines; /* offsets of line starts within the text */
    uint32_t n_lines;
} Entry;

struct Sources {
    Arena *arena;
    Entry **files;
    size_t n, cap;
    uint32_t next_base;
};

static const uint32_t source_limit = UINT32_C(1) << 31;

/* No files yet. Everything is kept in `a`. */
Sources *source_new(Arena *a)
{
    Sources *s = arena_one(a, Sources);
    s->arena = a;
    s->next_base = 1;
    return s;
}

/* Copies text and path. The end of a file has an offset of its own, so messages can point at it.
 * NULL if all files together would pass 2 GiB. */
const SourceFile *source_add(Sources *s, const char *path, const char *text, size_t len)
{
    if (len >= source_limit - s->next_base) return NULL;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        Entry **files = arena_many(s->arena, Entry *, cap);
        if (s->n) memcpy(files, s->files, s->n * sizeof *files);
        s->files = files;
        s->cap = cap;
    }
    Entry *e = arena_one(s->arena, Entry);
    e->file.path = arena_strdup(s->arena, path);
    e->file.text = arena_strndup(s->arena, text, len);
    e->file.base = s->next_base;
    e->file.len = (uint32_t)len;
    uint32_t n_lines = 1;
    for (size_t k = 0; k < len; k++) n_lines += text[k] == '\n';
    e->lines = arena_many(s->arena, uint32_t, n_lines);
    e->n_lines = 1;
    /* A byte order mark is no column. */
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) e->lines[0] = 3;
    for (size_t k = 0; k < len; k++) {
        if (text[k] == '\n') e->lines[e->n_lines++] = (uint32_t)k + 1;
    }
    s->next_base += (uint32_t)len + 1;
    s->files[s->n++] = e;
    return &e->file;
}

/* Bytes of the character at `s` (1 to 4), of which `n` > 0 bytes are left; a byte that is no valid
 * UTF-8 counts as one character. */
size_t source_char(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t want = u[0] < 0x80                    ? 1
                  : u[0] >= 0xC2 && u[0] <= 0xDF ? 2
                  : u[0] >= 0xE0 && u[0] <= 0xEF ? 3
                  : u[0] >= 0xF0 && u[0] <= 0xF4 ? 4
                                                 : 1;
    if (want > n) return 1;
    for (size_t k = 1; k < want; k++) {
        if ((u[k] & 0xC0) != 0x80) return 1;
    }
    /* Overlong forms, surrogates and what lies above U+10FFFF are no characters. */
    if ((u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] > 0x9F) ||
        (u[0] == 0xF0 && u[1] < 0x90) || (u[0] == 0xF4 && u[1] > 0x8F)) {
        return 1;
    }
    return want;
}

/* File, line and column of an offset; `file` is NULL where the offset lies in no file. */
Place source_place(const Sources *s, uint32_t offset)
{
    Place p = {0};
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->files[mid]->file.base <= offset) lo = mid + 1;
        else hi = mid;
    }
    if (!lo || offset >= s->next_base) return p;
    const Entry *e = s->files[lo - 1];
    uint32_t at = offset - e->file.base, l = 0, h = e->n_lines;
    while (l < h) {
        uint32_t mid = (l + h) / 2;
        if (e->lines[mid] <= at) l = mid + 1;
        else h = mid;
    }
    uint32_t line = l ? l - 1 : 0; /* within a byte order mark l is 0 */
    uint32_t start = e->lines[line];
    uint32_t end = line + 1 < e->n_lines ? e->lines[line + 1] - 1 : e->file.len;
    if (end > start && e->file.text[end - 1] == '\r') end--;
    p.file = &e->file;
    p.line = line + 1;
    p.line_text = e->file.text + start;
    p.line_len = end - start;
    p.col_byte = at < start ? 0 : at > end ? end - start : at - start;
    p.col = 1;
    for (size_t k = 0; k < p.col_byte; p.col++) {
        k += source_char(p.line_text + k, p.line_len - k);
        if (k > p.col_byte) break; /* an offset within a character names that character */
    }
    return p;
}

/* The number of files. */
size_t source_count(const Sources *s)
{
    return s->n;
}

/* The k-th file in the order they were added. */
const SourceFile *source_at(const Sources *s, size_t k)
{
    cx_assert(k < s->n);
    return &s->files[k]->file;
}
