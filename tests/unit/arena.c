/* Memory, arenas, vectors, names, buffers, hashes, files. */
#include <criterion/criterion.h>

#include "base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(mem, counts_what_is_out)
{
    size_t before = cx_mem_now();
    void *p = cx_alloc(10, 100, "a test");
    cr_assert_eq(cx_mem_now(), before + 1000);
    p = cx_realloc(p, 5000, 1, "a test");
    cr_assert_eq(cx_mem_now(), before + 5000);
    cr_assert_geq(cx_mem_peak(), before + 5000);
    cx_free(p);
    cr_assert_eq(cx_mem_now(), before);
    cx_free(NULL);
}

Test(mem, columns_are_aligned_and_zeroed)
{
    for (size_t n = 4096; n < 400000; n = n * 3 / 2 + 1) {
        unsigned char *p = cx_alloc(n, 1, "a test");
        cr_assert_eq((uintptr_t)p % 64, 0);
        for (size_t k = 0; k < n; k++) cr_assert_eq(p[k], 0);
        cx_free(p);
    }
    void *nothing = cx_alloc(0, 8, "nothing");
    cr_assert_not_null(nothing);
    cx_free(nothing);
}

Test(mem, growing_and_shrinking_keeps_the_data)
{
    size_t sizes[] = {100, 4095, 4096, 5000, 300000, 3000000, 6000, 4096, 4000, 20, 4096, 10};
    unsigned char *p = NULL;
    size_t old = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        size_t n = sizes[k], kept = old < n ? old : n;
        p = cx_realloc(p, n, 1, "a test");
        for (size_t b = 0; b < kept; b++) cr_assert_eq(p[b], (unsigned char)(b * 7 + 1));
        for (size_t b = 0; b < n; b++) p[b] = (unsigned char)(b * 7 + 1);
        if (n >= 4096) cr_assert_eq((uintptr_t)p % 64, 0);
        old = n;
    }
    cx_free(p);
}

Test(mem, the_third_allocation_fails, .exit_code = 71)
{
    cx_mem_fail_after(3);
    void *a = cx_alloc(1, 1, "one"), *b = cx_alloc(1, 1, "two");
    cx_free(a);
    cx_free(b);
    cx_alloc(1, 1, "three");
    exit(0);
}

Test(mem, a_product_past_64_bits_fails, .exit_code = 71)
{
    volatile size_t half = SIZE_MAX / 2;
    cx_alloc(half, 3, "too much");
    exit(0);
}

Test(bug, leaves_with_70, .exit_code = 70)
{
    cx_assert(1 + 1 == 3);
}

Test(arena, alignment_and_zero)
{
    Arena *a = arena_new("a test");
    for (size_t n = 1; n < 40000; n = n * 5 / 4 + 1) {
        unsigned char *p = arena_alloc(a, n, 1);
        cr_assert_eq((uintptr_t)p % 16, 0);
        for (size_t k = 0; k < n; k++) cr_assert_eq(p[k], 0);
        memset(p, 0xAB, n);
    }
    cr_assert_str_eq(arena_printf(a, "%d-%s", 3, "x"), "3-x");
    cr_assert_str_eq(arena_strndup(a, "abcdef", 3), "abc");
    cr_assert_str_eq(arena_strdup(a, ""), "");
    arena_free(a);
}

Test(arena, gives_everything_back)
{
    size_t before = cx_mem_now();
    Arena *a = arena_new("a test");
    for (int k = 0; k < 1000; k++) arena_alloc(a, (size_t)k, 17);
    arena_free(a);
    cr_assert_eq(cx_mem_now(), before);
}

Test(vec, push_extend_pop)
{
    int *v = NULL;
    cr_assert_eq(vec_len(v), 0);
    for (int k = 0; k < 1000; k++) vec_push(v, k);
    cr_assert_eq(vec_len(v), 1000);
    cr_assert_eq(vec_pop(v), 999);
    vec_extend(v, 5);
    cr_assert_eq(vec_len(v), 1004);
    for (size_t k = 999; k < 1004; k++) cr_assert_eq(v[k], 0);
    cr_assert_eq(v[998], 998);
    vec_clear(v);
    cr_assert_eq(vec_len(v), 0);
    vec_free(v);
    cr_assert_null(v);
}

Test(intern, one_pointer_per_spelling)
{
    size_t before = cx_mem_now();
    char text[32];
    Sym first = sym("tau_m");
    for (int k = 0; k < 5000; k++) {
        snprintf(text, sizeof text, "name%d", k);
        Sym s = sym(text);
        cr_assert_str_eq(s, text);
        cr_assert_eq(s, sym_n(text, strlen(text)));
    }
    cr_assert_eq(first, sym_n("tau_max", 5));
    cr_assert_neq(first, sym("tau"));
    sym_free_all();
    cr_assert_eq(cx_mem_now(), before);
}

Test(buf, grows)
{
    Buf b = {0};
    for (int k = 0; k < 100; k++) buf_printf(&b, "%d,", k);
    buf_add(&b, "end", 3);
    cr_assert_eq(b.len, 293);
    cr_assert_str_eq(b.p + b.len - 6, "99,end");
    buf_free(&b);
    cr_assert_eq(b.len, 0);
}

Test(hash, streaming_equals_whole)
{
    char text[5000];
    for (size_t k = 0; k < sizeof text; k++) text[k] = (char)(k * k);
    Hash *h = hash_new();
    for (size_t k = 0; k < sizeof text; k += 500) hash_add(h, text + k, 500);
    cr_assert_eq(hash_value(h), hash_bytes(text, sizeof text, 0));
    hash_free(h);
    cr_assert_eq(hash_str("", 0), UINT64_C(0x2D06800538D394C2)); /* from the XXH3 specification */
    cr_assert_neq(hash_str("E", 0), hash_str("E", 1));
}

Test(os, files)
{
    Arena *a = arena_new("a test");
    Fail f = {0};
    char *text, from[] = "/tmp/cortexc-test-XXXXXX";
    size_t len;
    int fd = mkstemp(from);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "run 1 s\n", 8), 8);
    close(fd);
    char *to = arena_printf(a, "%s.moved", from);
    cr_assert(os_rename(from, to, &f));
    cr_assert(!os_exists(from));
    cr_assert(os_read_file(a, to, 100, &text, &len, &f));
    cr_assert_str_eq(text, "run 1 s\n");
    cr_assert_eq(len, 8);
    cr_assert(!os_read_file(a, to, 7, &text, &len, &f));
    cr_assert_eq(f.exit_code, EXIT_LIMIT);
    cr_assert(!os_read_file(a, "/tmp", 7, &text, &len, &f));
    cr_assert_eq(f.exit_code, EXIT_NOINPUT);
    cr_assert_str_eq(f.text, "cannot read /tmp: it is a folder");
    unlink(to);
    cr_assert(!os_read_file(a, to, 7, &text, &len, &f));
    cr_assert_eq(f.exit_code, EXIT_NOINPUT);
    cr_assert(!os_rename(from, to, &f));
    cr_assert(os_is_dir("/tmp"));
    cr_assert_str_eq(os_basename(a, "a/b/column.cortex", ".cortex"), "column");
    cr_assert_str_eq(os_basename(a, "column", ".cortex"), "column");
    cr_assert_str_eq(os_basename(a, ".cortex", ".cortex"), ".cortex");
    cr_assert_str_eq(os_basename(a, "a/b/", NULL), "b");
    cr_assert_gt(os_cores(), 0);
    cr_assert_gt(os_rss(), 0);
    cr_assert_gt(os_free_bytes("/tmp/x.h5"), 0);
    arena_free(a);
}
