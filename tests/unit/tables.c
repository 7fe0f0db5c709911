/* Tables of numbers in the intermediate representation: kept once, read back, and looked up with the same answer
 * by every instruction set. */
#include "ir.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const Span NOWHERE = {0, 0};
static const double places[] = {-1, 0, 0.1, 2.5, 7}, values[] = {3, 1, 4, 1.5, -9};

/* out 0: how many places are at most x; out 1: the value at index x */
static IrModule *module(Arena *a)
{
    IrModule *m = ir_module(a, "tables");
    int x = ir_field(m, (IrField){.name = "x", .kind = FIELD_STATE});
    IrFn *f = ir_fn(m, "obs", FN_OBS, LANE_NEURON);
    int at = ir_imm(f, OP_LOAD, x, NOWHERE);
    ir_out(f, 0, ir_lookup(f, OP_SEARCH, ir_table(m, places, 5), at, NOWHERE), NOWHERE);
    ir_out(f, 1, ir_lookup(f, OP_LOOKUP, ir_table(m, values, 5), at, NOWHERE), NOWHERE);
    return m;
}

Test(tables, equal_ones_are_one)
{
    Arena *a = arena_new("test");
    IrModule *m = module(a);
    cr_assert_eq(ir_table(m, values, 5), 1);
    cr_assert_eq(ir_table(m, values, 4), 2);
    cr_assert_eq(vec_len(m->table), 3);
    ir_module_free(m);
    arena_free(a);
}

Test(tables, text_reads_back)
{
    Arena *a = arena_new("test");
    IrModule *m = module(a);
    double many[19];
    for (int k = 0; k < 19; k++) many[k] = 0.1 * k;
    (void)ir_table(m, many, 19);
    Buf text = {0}, again = {0};
    ir_print(m, &text);
    char *error = NULL;
    IrModule *r = ir_read(a, text.p, &error);
    cr_assert_not_null(r, "%s", error);
    ir_print(r, &again);
    cr_assert_str_eq(again.p, text.p);
    cr_assert_eq(ir_hash(r), ir_hash(m));
    buf_free(&text);
    buf_free(&again);
    ir_module_free(r);
    ir_module_free(m);
    arena_free(a);
}

Test(tables, reader_and_verifier_refuse)
{
    static const char *const wrong[][2] = {
        {"module \"m\"\n  table 1 1\n", "line 2: table 1 is not next"},
        {"module \"m\"\n  table 0 0\n", "line 2: a table cannot have 0 elements"},
        {"module \"m\"\n  table 0 2\n    values 1 2 3\n", "line 3: more values than the table has elements"},
        {"module \"m\"\n  table 0 2\n    values 1\nfn obs neuron\n", "line 4: a table lacks values"},
        {"module \"m\"\nfn obs neuron\n  %0 = const 1\n  %1 = lookup 0 %0\n  out 0 %1\n", "fn obs, %1 lookup: no such table"},
    };
    Arena *a = arena_new("test");
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        char *error = NULL;
        cr_assert_null(ir_read(a, wrong[k][0], &error));
        cr_assert_str_eq(error, wrong[k][1]);
    }
    arena_free(a);
}

Test(tables, every_instruction_set_looks_up_the_same)
{
    static const char *const isa[] = {"base", "avx2", "avx512"};
    enum { N = 300 };
    for (int k = 0; k < 3; k++) {
        setenv("CORTEXC_ISA", isa[k], 1);
        Arena *a = arena_new("test");
        IrModule *m = module(a);
        Fail f = {0};
        Kernel *kernel = backend_find("interp")->build(m, &f);
        cr_assert_not_null(kernel, "%s", f.text);
        static double x[N], found[N], got[N];
        for (int i = 0; i < N; i++) x[i] = i == 7 ? NAN : i == 8 ? INFINITY : i == 9 ? -INFINITY : (i * 37 % 101) * 0.1 - 1.5;
        void *scratch = cx_alloc(1, kernel->scratch_bytes, "test");
        Frame fr = {.col = (double *[]){x}, .scratch = scratch};
        kernel->fn[0].range(&kernel->fn[0], &fr, 0, N, (double *[]){found, got});
        for (int i = 0; i < N; i++) {
            int count = 0, at = !(x[i] > 0) ? 0 : x[i] >= 4 ? 4 : (int)x[i];
            while (count < 5 && places[count] <= x[i]) count++;
            cr_assert_eq(found[i], count, "%s: search of %g", isa[k], x[i]);
            cr_assert_eq(got[i], values[at], "%s: lookup of %g", isa[k], x[i]);
        }
        cx_free(scratch);
        kernel->free(kernel);
        ir_module_free(m);
        arena_free(a);
    }
}
