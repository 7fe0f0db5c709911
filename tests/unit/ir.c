#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir.h"

static Arena *arena;

static void setup(void)
{
    arena = arena_new("test");
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(ir, .init = setup, .fini = teardown);

static const Span NOWHERE = {0, 0};

static IrModule *sample(void)
{
    IrModule *m = ir_module(arena, "L4.e");
    ir_field(m, (IrField){.name = "V", .unit = "mV", .kind = FIELD_STATE});
    ir_field(m, (IrField){.name = "I", .unit = "pA", .kind = FIELD_INPUT});
    ir_field(m, (IrField){.name = "g",
                          .unit = "",
                          .kind = FIELD_PARAM,
                          .uniform = true,
                          .lo = 0,
                          .hi = INFINITY,
                          .open_lo = true,
                          .doc = "a \"gain\""});
    return m;
}

static IrFn *step_of(IrModule *m)
{
    return ir_fn(m, "step", FN_STEP, LANE_NEURON);
}

static int load(IrFn *f, int field)
{
    return ir_imm(f, OP_LOAD, field, NOWHERE);
}

static const char *text_of(const IrModule *m)
{
    Buf b = {0};
    ir_print(m, &b);
    char *s = arena_strdup(arena, b.p);
    buf_free(&b);
    return s;
}

static void expect_text(const IrModule *m, const char *fn_text)
{
    const char *t = strstr(text_of(m), "fn step");
    cr_assert(t && !strcmp(t, fn_text), "got:\n%s\nexpected:\n%s", t, fn_text);
}

static Op op_of(const IrFn *f, int v)
{
    return (Op)f->ins[v].op;
}

static int arg_of(const IrFn *f, int v, int k)
{
    return f->ins[v].arg[k];
}

static int count_op(const IrFn *f, Op op)
{
    int n = 0;
    for (size_t i = 0; i < vec_len(f->ins); i++)
        n += f->ins[i].op == op;
    return n;
}

Test(ir, print_shows_names_hex_and_decimal)
{
    IrModule *m = sample();
    IrFn *f = step_of(m);
    int v = load(f, 0), c = ir_const(f, 1.5);
    ir_store(f, 0, ir_op2(f, OP_ADD, v, c), NOWHERE);
    ir_out(f, 0, ir_op2(f, OP_LT, v, c), NOWHERE);
    cr_assert_str_eq(text_of(m), "module \"L4.e\"\n"
                                 "  field 0 V state mV\n"
                                 "  field 1 I input pA\n"
                                 "  field 2 g param - uniform in (0,inf] doc \"a \\\"gain\\\"\"\n"
                                 "fn step neuron\n"
                                 "  %0 = load V\n"
                                 "  %1 = const 0x1.8p+0 ; 1.5\n"
                                 "  %2 = add %0 %1\n"
                                 "  store V %2\n"
                                 "  %4 = lt %0 %1\n"
                                 "  outb 0 %4\n");
    cr_assert_null(ir_verify(arena, m));
    ir_module_free(m);
}

Test(ir, every_operation_reads_back)
{
    IrModule *m = sample();
    ir_field(
        m,
        (IrField){
            .name = "odd name;\n", .unit = "m V", .kind = FIELD_HIDDEN, .lo = -1e-300, .hi = 0.1});
    IrFn *f = step_of(m), *w = ir_fn(m, "w 1", FN_WEIGHT, LANE_SYNAPSE),
         *d = ir_fn(m, "deriv", FN_DERIV, LANE_NEURON);
    const double odd[] = {-0.0, INFINITY, -INFINITY, NAN, -NAN, 0x1p-1074, 0.1, 1e300};
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++)
        ir_const(f, odd[k]);
    int x = load(f, 0), b = ir_op2(f, OP_LT, x, load(f, 1)), arg[4];
    for (int op = 0; op < N_OPS; op++) {
        const char *types = ir_op_table[op].args;
        for (int k = 0; types[k]; k++)
            arg[k] = types[k] == 'b' ? b : x;
        int n = (int)strlen(types);
        if (ir_op_table[op].c[0])
            ir_op(f, (Op)op, NOWHERE, n, arg);
        else if (op >= OP_RUNIFORM && op <= OP_RPOISSON)
            ir_draw(f, (Op)op, INT64_MIN + op, op & 1, NOWHERE, n, arg);
    }
    ir_imm(f, OP_T, 1, NOWHERE);
    ir_imm(f, OP_STEP, 0, NOWHERE);
    ir_truth(f, true);
    ir_store(f, 3, x, NOWHERE);
    ir_out(w, 0, ir_op2(w, OP_ADD, ir_imm(w, OP_I, 0, NOWHERE), ir_imm(w, OP_J, 0, NOWHERE)),
           NOWHERE);
    ir_out(d, 1, ir_imm(d, OP_XI, 3, NOWHERE), NOWHERE);
    ir_out(d, 0, ir_imm(d, OP_T, 0, NOWHERE), NOWHERE);
    cr_assert_null(ir_verify(arena, m), "%s", ir_verify(arena, m));

    char *error = NULL;
    const char *text = text_of(m);
    IrModule *r = ir_read(arena, text, &error);
    cr_assert_not_null(r, "%s", error);
    cr_assert_str_eq(text_of(r), text);
    cr_assert_eq(ir_hash(r), ir_hash(m));
    cr_assert_eq(vec_len(r->fn[0]->ins), vec_len(f->ins));
    for (size_t i = 0; i < vec_len(f->ins); i++) {
        const Ins *p = &f->ins[i], *q = &r->fn[0]->ins[i];
        cr_assert(p->op == q->op && p->type == q->type && p->flags == q->flags &&
                  p->imm.k == q->imm.k);
        cr_assert_arr_eq(p->arg, q->arg, sizeof p->arg);
    }
    cr_assert_eq(r->field[3].lo, -1e-300);
    cr_assert_eq(r->field[3].hi, 0.1);
    cr_assert(r->field[2].open_lo && !r->field[2].open_hi);
    ir_module_free(r);
    ir_module_free(m);
}

Test(ir, reader_names_line_and_cause)
{
    static const char *const wrong[][2] = {
        {"", "line 0: the text does not begin with `module`"},
        {"module \"a\"\nfn step neuron\n  %0 = foo", "line 3: unknown operation `foo`"},
        {"module \"a\"\nfn step neuron\n  %0 = load V", "line 3: unknown field `V`"},
        {"module \"a\"\nfn step neuron\n  %1 = neg %0", "line 3: unknown value `%0`"},
        {"module \"a\"\nfn step neuron\n  %0 = const 1\n  %0 = const 2",
         "line 4: %0 is given twice"},
        {"module \"a\"\nfn step neuron\n  %0 = const 1x", "line 3: `1x` is not a number"},
        {"module \"a\"\nfn step neuron\n  %0 = truth 1\n  %1 = neg %0",
         "line 4: `%0` has the wrong type"},
        {"module \"a\"\nfn step neuron\n  %0 = t 0 7", "line 3: unexpected `7`"},
        {"module \"a\"\nfn step neuron\n  t 0", "line 3: `t` needs a value"},
        {"module \"a\"\nfn step dendrite", "line 2: unknown lanes `dendrite`"},
        {"module \"a\"\nfn foo neuron", "line 2: unknown role `foo`"},
        {"module \"a\"\n  field 1 V state mV", "line 2: field 1 is not next"},
        {"module \"a\"\n  field 0 V mood mV", "line 2: unknown kind of field `mood`"},
        {"module \"a\"\n  field 0 V state mV in 3", "line 2: `3` is not a range"},
        {"module \"a", "line 1: a text has no closing quote"},
        {"module \"a\"\nfn step neuron\n  %0 = xi 0",
         "fn step, %0 xi: noise outside a deriv function"},
    };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        char *error = NULL;
        cr_assert_null(ir_read(arena, wrong[k][0], &error));
        cr_assert_str_eq(error, wrong[k][1]);
    }
}

Test(ir, reader_takes_any_numbering_and_comments)
{
    char *error = NULL;
    IrModule *m =
        ir_read(arena,
                "; a comment\nmodule \"a\" ; more\n\n  field 0 V state mV\nfn go step neuron\n"
                "  %70 = load V\n  %3 = mul %70 %70\n  store V %3",
                &error);
    cr_assert_not_null(m, "%s", error);
    cr_assert_eq(m->fn[0]->role, FN_STEP);
    cr_assert_eq(m->fn[0]->ins[1].arg[1], 0);
    ir_module_free(m);
}

Test(ir, verify_finds_each_violation)
{
    IrModule *m = sample();
    IrFn *f = step_of(m);
    int v = load(f, 0);
    ir_store(f, 0, v, NOWHERE);
    cr_assert_null(ir_verify(arena, m));
#define BROKEN(change, text)                                                                       \
    do {                                                                                           \
        Ins keep[2] = {f->ins[0], f->ins[1]};                                                      \
        change;                                                                                    \
        const char *got = ir_verify(arena, m);                                                     \
        cr_assert(got && !strcmp(got, text), "%s: %s", #change, got);                              \
        f->ins[0] = keep[0], f->ins[1] = keep[1];                                                  \
    } while (0)
    BROKEN(f->ins[1].arg[0] = 1, "fn step, %1 store: argument does not come before its use");
    BROKEN(f->ins[1].arg[0] = -1, "fn step, %1 store: argument does not come before its use");
    BROKEN(f->ins[1].arg[1] = 0, "fn step, %1 store: too many arguments");
    BROKEN(f->ins[1].imm.k = 2, "fn step, %1 store: param `g` is written outside init");
    BROKEN(f->ins[1].imm.k = 9, "fn step, %1 store: no such field");
    BROKEN(f->ins[0].imm.k = -1, "fn step, %0 load: no such field");
    BROKEN(f->ins[0].type = 'b', "fn step, %0 load: result has the wrong type");
    BROKEN(f->ins[0].op = N_OPS, "fn step, %0: no such operation");
    BROKEN(f->ins[0].op = OP_J, "fn step, %0 j: target index in a function over neurons");
    BROKEN((f->ins[0].op = OP_T, f->ins[0].imm.k = 2),
           "fn step, %0 t: selector is neither 0 nor 1");
    BROKEN((f->ins[0] = (Ins){.op = OP_TRUTH, .type = 'b', .arg = {-1, -1, -1, -1}}),
           "fn step, %1 store: argument has the wrong type");
    f->n_out = 1;
    cr_assert_str_eq(ir_verify(arena, m), "fn step: result 0 is missing");
    ir_out(f, 0, v, NOWHERE);
    ir_out(f, 0, v, NOWHERE);
    cr_assert_str_eq(ir_verify(arena, m), "fn step, %3 out: result is given twice");
    vec_head(f->ins)->len = 2, f->n_out = 0;
    f->role = FN_INIT;
    f->ins[1].imm.k = 2;
    cr_assert_str_eq(ir_verify(arena, m),
                     "fn step, %1 store: uniform field `g` takes a value that varies");
    f->ins[1].imm.k = 0;
    ir_fn(m, "step", FN_STEP, LANE_NEURON);
    cr_assert_str_eq(ir_verify(arena, m), "two functions `step`");
    ir_field(m, (IrField){.name = "V", .kind = FIELD_STATE});
    cr_assert_str_eq(ir_verify(arena, m), "two fields `V`");
    ir_module_free(m);
}

/* Other populations are read in drives only, and never as a column of one's own. */
Test(ir, links_stand_in_drives)
{
    IrModule *m = ir_module(arena, "links");
    int own = ir_field(m, (IrField){.name = "I", .kind = FIELD_INPUT});
    int other = ir_field(m, (IrField){.name = "L4.e.V", .unit = "mV", .kind = FIELD_LINK});
    IrFn *f = ir_fn(m, "bound I", FN_DRIVE, LANE_NEURON);
    int fixed = ir_lookup(f, OP_LINK, other, ir_const(f, 3), NOWHERE);
    int each = ir_lookup(f, OP_LINK, other, ir_imm(f, OP_I, 0, NOWHERE), NOWHERE);
    ir_store(f, own, ir_op2(f, OP_ADD, fixed, each), NOWHERE);
    cr_assert_null(ir_verify(arena, m));
    bool uniform[8];
    ir_uniform(m, f, uniform);
    cr_assert(uniform[fixed] && !uniform[each]);
    Buf text = {0};
    char *error;
    ir_print(m, &text);
    IrModule *again = ir_read(arena, text.p, &error);
    cr_assert(again && ir_hash(again) == ir_hash(m));
    f->ins[each].op = OP_LOAD, f->ins[each].arg[0] = -1;
    cr_assert_str_eq(ir_verify(arena, m), "fn bound I, %3 load: column of other neurons read as an own one");
    m->field[other].uniform = true;
    cr_assert_null(ir_verify(arena, m));
    m->field[other].uniform = false;
    f->ins[each] = f->ins[fixed], f->ins[each].imm.k = own;
    cr_assert_str_eq(ir_verify(arena, m), "fn bound I, %3 link_load: column of another kind");
    f->ins[each].imm.k = other;
    f->role = FN_STEP;
    cr_assert_str_eq(ir_verify(arena, m), "fn bound I, %1 link_load: another population read outside of an input");
    buf_free(&text);
    ir_module_free(again);
    ir_module_free(m);
}

Test(ir, constants_fold_on_the_spot)
{
    IrModule *m = sample();
    IrFn *f = step_of(m);
    double x;
    cr_assert(ir_is_const(f, ir_op2(f, OP_ADD, ir_const(f, 0.1), ir_const(f, 0.2)), &x) &&
              x == 0.1 + 0.2);
    cr_assert(ir_is_const(f, ir_op2(f, OP_LT, ir_const(f, 1), ir_const(f, 2)), &x) && x == 1);
    cr_assert(ir_is_const(f, ir_op1(f, OP_NOT, ir_truth(f, true)), &x) && x == 0);
    cr_assert(ir_is_const(f,
                          ir_op3(f, OP_SELECT, ir_truth(f, false), ir_const(f, 1), ir_const(f, 2)),
                          &x) &&
              x == 2);
    cr_assert(ir_is_const(f, ir_op1(f, OP_EXP, ir_const(f, 0)), &x) && x == 1);
    cr_assert(ir_is_const(f, ir_op1(f, OP_FINITE, ir_const(f, INFINITY)), &x) && x == 0);
    cr_assert(ir_is_const(f, ir_op1(f, OP_NUM, ir_truth(f, true)), &x) && x == 1);
    cr_assert(ir_is_const(f, ir_op1(f, OP_SQRT, ir_const(f, -1)), &x) && x != x);
    cr_assert_not(ir_is_const(f, load(f, 0), &x));
    double arg[] = {3, 0, 5};
    cr_assert_not(ir_eval_op(OP_RPOISSON, arg, &x));
    cr_assert_not(ir_eval_op(OP_LOAD, arg, &x));
    ir_module_free(m);
}

/* What is not exact for some value must stay. */
Test(ir, identities_are_exact)
{
    IrModule *m = sample();
    IrFn *f = step_of(m);
    int x = load(f, 0), y = load(f, 1), nx = ir_op1(f, OP_NEG, x), b = ir_op2(f, OP_LT, x, y),
        nb = ir_op1(f, OP_NOT, b);
    int one = ir_const(f, 1), zero = ir_const(f, 0), minus = ir_const(f, -0.0),
        yes = ir_truth(f, true);
    cr_assert_eq(ir_op2(f, OP_MUL, x, one), x);
    cr_assert_eq(ir_op2(f, OP_MUL, one, x), x);
    cr_assert_eq(ir_op2(f, OP_DIV, x, one), x);
    cr_assert_eq(ir_op2(f, OP_SUB, x, zero), x);
    cr_assert_eq(ir_op2(f, OP_ADD, x, minus), x);
    cr_assert_eq(ir_op2(f, OP_ADD, minus, x), x);
    cr_assert_eq(ir_op1(f, OP_NEG, nx), x);
    cr_assert_eq(ir_op1(f, OP_NOT, nb), b);
    cr_assert_eq(ir_op3(f, OP_SELECT, yes, x, y), x);
    cr_assert_eq(ir_op3(f, OP_SELECT, b, x, x), x);
    cr_assert_eq(ir_op2(f, OP_AND, b, yes), b);
    cr_assert_eq(ir_op2(f, OP_OR, b, yes), yes);
    cr_assert_eq(op_of(f, ir_op2(f, OP_SUB, x, ir_op1(f, OP_NEG, y))), OP_ADD);
    cr_assert_eq(op_of(f, ir_op2(f, OP_ADD, nx, y)), OP_SUB);
    cr_assert_eq(op_of(f, ir_op2(f, OP_DIV, x, ir_const(f, 4))), OP_MUL);
    cr_assert_eq(op_of(f, ir_op3(f, OP_FMA, one, x, y)), OP_ADD);
    cr_assert_eq(op_of(f, ir_op3(f, OP_FMA, x, y, minus)), OP_MUL);
    cr_assert_eq(op_of(f, ir_op3(f, OP_SELECT, b, one, zero)), OP_NUM);
    cr_assert_eq(arg_of(f, ir_op3(f, OP_SELECT, nb, x, y), 1), y);
    cr_assert_eq(op_of(f, ir_op1(f, OP_NOT, ir_op2(f, OP_EQ, x, y))), OP_NE);
    /* not exact for some value: x + 0 at -0, x * 0 and x - x at inf, not lt at NaN, x / 3, 0 - x at
     * 0 */
    cr_assert_eq(op_of(f, ir_op2(f, OP_ADD, x, zero)), OP_ADD);
    cr_assert_eq(op_of(f, ir_op2(f, OP_SUB, x, minus)), OP_SUB);
    cr_assert_eq(op_of(f, ir_op2(f, OP_MUL, x, zero)), OP_MUL);
    cr_assert_eq(op_of(f, ir_op2(f, OP_SUB, x, x)), OP_SUB);
    cr_assert_eq(op_of(f, ir_op2(f, OP_SUB, zero, x)), OP_SUB);
    cr_assert_eq(op_of(f, ir_op1(f, OP_NOT, b)), OP_NOT);
    cr_assert_eq(op_of(f, ir_op2(f, OP_DIV, x, ir_const(f, 3))), OP_DIV);
    cr_assert_eq(op_of(f, ir_op2(f, OP_DIV, x, ir_const(f, 0x1p-1074))), OP_DIV);
    cr_assert_null(ir_verify(arena, m));
    ir_module_free(m);
}

Test(ir, cse_joins_loads_draws_and_stored_values)
{
    IrModule *m = sample();
    IrFn *f = step_of(m);
    int a = load(f, 0), b = load(f, 0), c = load(f, 1);
    int s = ir_op2(f, OP_ADD, a, c), t = ir_op2(f, OP_ADD, c, b);
    int d = ir_draw(f, OP_RUNIFORM, 7, 0, NOWHERE, 0, NULL),
        e = ir_draw(f, OP_RUNIFORM, 7, 0, NOWHERE, 0, NULL);
    int g = ir_draw(f, OP_RUNIFORM, 8, 0, NOWHERE, 0, NULL);
    ir_store(f, 0, ir_op2(f, OP_MUL, s, t), NOWHERE);
    int again = load(f, 0);
    ir_out(f, 0, ir_op2(f, OP_SUB, again, c), NOWHERE);
    ir_out(f, 1, ir_op2(f, OP_MUL, ir_op2(f, OP_MUL, d, e), g), NOWHERE);
    cse_run(m);
    cr_assert_null(ir_verify(arena, m));
    expect_text(m, "fn step neuron\n"
                   "  %0 = load V\n"
                   "  %1 = load I\n"
                   "  %2 = add %0 %1\n"
                   "  %3 = draw_uniform 0x7\n"
                   "  %4 = draw_uniform 0x8\n"
                   "  %5 = mul %2 %2\n"
                   "  store V %5\n"
                   "  %7 = sub %5 %1\n"
                   "  out 0 %7\n"
                   "  %9 = mul %3 %3\n"
                   "  %10 = mul %4 %9\n"
                   "  out 1 %10\n");
    ir_module_free(m);
}

Test(ir, fuse_takes_products_of_one_use)
{
    IrModule *m = sample();
    IrFn *f = step_of(m);
    int x = load(f, 0), y = load(f, 1), two = ir_const(f, 2);
    ir_out(f, 0, ir_op2(f, OP_ADD, ir_op2(f, OP_MUL, x, y), two), NOWHERE);
    ir_out(f, 1, ir_op2(f, OP_SUB, ir_op2(f, OP_MUL, x, y), two), NOWHERE);
    ir_out(f, 2, ir_op2(f, OP_SUB, y, ir_op2(f, OP_MUL, x, two)), NOWHERE);
    ir_out(f, 3, ir_op2(f, OP_SUB, two, ir_op2(f, OP_MUL, x, y)), NOWHERE);
    int p = ir_op2(f, OP_MUL, x, x);
    ir_out(f, 4, ir_op2(f, OP_ADD, p, p), NOWHERE);
    fuse_run(m);
    dce_run(m);
    cr_assert_null(ir_verify(arena, m));
    expect_text(m, "fn step neuron\n"
                   "  %0 = load V\n"
                   "  %1 = load I\n"
                   "  %2 = const 0x1p+1 ; 2\n"
                   "  %3 = fma %0 %1 %2\n"
                   "  out 0 %3\n"
                   "  %5 = const -0x1p+1 ; -2\n"
                   "  %6 = fma %0 %1 %5\n"
                   "  out 1 %6\n"
                   "  %8 = const -0x1p+1 ; -2\n"
                   "  %9 = fma %0 %8 %1\n"
                   "  out 2 %9\n"
                   "  %11 = neg %0\n"
                   "  %12 = fma %11 %1 %2\n"
                   "  out 3 %12\n"
                   "  %14 = mul %0 %0\n"
                   "  %15 = add %14 %14\n"
                   "  out 4 %15\n");
    ir_module_free(m);
}

Test(ir, dce_drops_unread_values_and_hidden_stores)
{
    IrModule *m = sample();
    IrFn *f = step_of(m);
    int x = load(f, 0), y = load(f, 1);
    ir_op1(f, OP_EXP, ir_op2(f, OP_ADD, x, y));
    ir_store(f, 0, y, NOWHERE); /* hidden by the last store */
    ir_store(f, 1, x, NOWHERE); /* read below, so kept */
    int z = load(f, 1);
    ir_store(f, 1, y, NOWHERE);
    ir_store(f, 0, z, NOWHERE);
    dce_run(m);
    cr_assert_null(ir_verify(arena, m));
    expect_text(m, "fn step neuron\n"
                   "  %0 = load V\n"
                   "  %1 = load I\n"
                   "  store I %0\n"
                   "  %3 = load I\n"
                   "  store I %1\n"
                   "  store V %3\n");
    ir_module_free(m);
}

/* Divisions by constants, as they are after the passes, against the machine's. */
Test(ir, divisions_by_constants_keep_their_value)
{
    uint64_t word = 12345;
    for (int round = 0; round < 3000; round++) {
        static const double some[] = {3, -10, 0.1, 200, 7, 1e-9, -0.5, 1024, 281, 1e150, 0x1.fffffffffffffp0, 0x1.0000000000001p0};
        word = word * 6364136223846793005u + 1442695040888963407u;
        double c = round < 12 ? some[round] : ldexp(1 + (double)(word >> 12) * 0x1p-52, (int)(word % 41) - 20);
        IrModule *m = sample();
        IrFn *f = step_of(m);
        ir_out(f, 0, ir_op2(f, OP_DIV, load(f, 0), ir_const(f, c)), NOWHERE);
        divide_run(m);
        cr_assert_eq(count_op(f, OP_DIV), 0);
        for (int k = 0; k < 300; k++) {
            static const double special[] = {0.0, -0.0, INFINITY, -INFINITY, 1, -3, 1e140, 1e-140};
            word = word * 6364136223846793005u + 1442695040888963407u;
            double x = k < 8 ? special[k] : k < 40 ? c * (double)(k - 20) : ldexp((double)(int64_t)word, (int)(word % 61) - 90);
            double value[8], got = NAN, want = x / c;
            for (size_t i = 0; i < vec_len(f->ins); i++) {
                const Ins *s = &f->ins[i];
                double arg[3];
                if (s->op == OP_OUT) {
                    got = value[s->arg[0]];
                    break;
                }
                for (int j = 0; j < 3; j++) arg[j] = s->arg[j] >= 0 ? value[s->arg[j]] : 0;
                if (s->op == OP_LOAD) value[i] = x;
                else if (s->op == OP_CONST) value[i] = s->imm.f;
                else cr_assert(ir_eval_op((Op)s->op, arg, &value[i]));
            }
            cr_assert(!memcmp(&got, &want, sizeof got), "%a / %a = %a, not %a", x, c, want, got);
        }
        ir_module_free(m);
    }
}

Test(ir, passes_dump_what_was_asked_and_the_dump_reads_back)
{
    IrModule *m = sample();
    IrFn *f = step_of(m);
    int x = load(f, 0), c = ir_const(f, 2);
    ir_store(f, 0, ir_op2(f, OP_ADD, ir_op2(f, OP_MUL, x, c), load(f, 0)), NOWHERE);
    Buf b = {0};
    ir_run_passes(m, "fuse", &b);
    cr_assert_eq(strncmp(b.p, "; after fuse\nmodule", 19), 0);
    char *error = NULL;
    IrModule *r = ir_read(arena, b.p, &error);
    cr_assert_not_null(r, "%s", error);
    cr_assert_eq(count_op(r->fn[0], OP_FMA), 1);
    cr_assert_eq(count_op(r->fn[0], OP_LOAD), 1);
    cr_assert_eq(count_op(m->fn[0], OP_MUL), 0);
    ir_module_free(r);
    ir_module_free(m);
    buf_free(&b);
}

Test(ir, inline_replaces_loads_time_noise_and_outputs)
{
    IrModule *m = sample();
    IrFn *d = ir_fn(m, "deriv", FN_DERIV, LANE_NEURON), *f = step_of(m);
    int v = load(d, 0), i = load(d, 1), t = ir_imm(d, OP_T, 0, NOWHERE),
        xi = ir_imm(d, OP_XI, 1, NOWHERE);
    ir_out(d, 1, ir_op2(d, OP_ADD, v, i), NOWHERE);
    ir_out(d, 0, ir_op2(d, OP_MUL, t, xi), NOWHERE);
    int x = ir_const(f, 3), now = ir_const(f, 5), noise[] = {-1, ir_const(f, 7)}, out[2] = {-1, -1};
    int field_value[] = {x, -1, -1};
    ir_inline(f, d, field_value, now, noise, out);
    double c;
    cr_assert(ir_is_const(f, out[0], &c) && c == 35);
    cr_assert_eq(f->ins[out[1]].op, OP_ADD);
    cr_assert_eq(f->ins[out[1]].arg[0], x);
    cr_assert_eq(f->n_out, 0);
    cr_assert(ir_depends(f, out[1], 1));
    cr_assert_not(ir_depends(f, out[1], 0));
    cr_assert_null(ir_verify(arena, m));
    ir_module_free(m);
}

Test(ir, inline_keeps_the_order_of_stores_and_loads)
{
    IrModule *m = sample();
    IrFn *src = ir_fn(m, "arrive", FN_ARRIVE, LANE_NEURON), *f = step_of(m);
    ir_store(src, 0, ir_op2(src, OP_ADD, load(src, 0), load(src, 1)), NOWHERE);
    ir_out(src, 0, load(src, 0), NOWHERE);
    int x = load(f, 1), field_value[] = {x, -1, -1}, out[1];
    ir_inline(f, src, field_value, -1, NULL, out);
    cr_assert_eq(f->ins[out[0]].op, OP_ADD);
    cr_assert_eq(f->ins[out[0]].arg[0], x);
    ir_inline(f, src, NULL, -1, NULL, out);
    cr_assert_eq(f->ins[out[0]].op, OP_LOAD);
    ir_module_free(m);
}

Test(ir, hash_sees_content_only)
{
    IrModule *a = sample(), *b = sample();
    b->name = "other";
    int va = load(step_of(a), 0);
    int vb = ir_imm(step_of(b), OP_LOAD, 0, (Span){3, 4});
    cr_assert_eq(ir_hash(a), ir_hash(b));
    ir_store(a->fn[0], 0, va, NOWHERE);
    ir_store(b->fn[0], 1, vb, NOWHERE);
    cr_assert_neq(ir_hash(a), ir_hash(b));
    ir_module_free(a);
    ir_module_free(b);
}

Test(ir, uniform_follows_dependence)
{
    IrModule *m = sample();
    IrFn *f = step_of(m);
    int v = load(f, 0), g = load(f, 2), t = ir_imm(f, OP_T, 0, NOWHERE);
    int gt = ir_op2(f, OP_MUL, g, t), vg = ir_op2(f, OP_MUL, v, g);
    int same[] = {gt, gt, gt}, other[] = {v, gt, gt};
    int own = ir_draw(f, OP_RPOISSON, 1, 0, NOWHERE, 3, same),
        all = ir_draw(f, OP_RPOISSON, 1, INS_SHARED, NOWHERE, 3, same);
    int mix = ir_draw(f, OP_RPOISSON, 1, INS_SHARED, NOWHERE, 3, other);
    bool u[16];
    ir_uniform(m, f, u);
    cr_assert(u[g] && u[t] && u[gt] && u[all]);
    cr_assert(!u[v] && !u[vg] && !u[own] && !u[mix]);
    ir_module_free(m);
}

/* NAME.ir read, printed and run through all passes gives NAME.after; BLESS=1 writes that file anew.
 */
static void golden(const char *name)
{
    Fail fail = {0};
    char *text, *want, *error = NULL;
    size_t len;
    const char *path = arena_printf(arena, "tests/golden/ir/%s.ir", name);
    const char *after = arena_printf(arena, "tests/golden/ir/%s.after", name);
    cr_assert(os_read_file(arena, path, 1 << 20, &text, &len, &fail), "%s", fail.text);
    IrModule *m = ir_read(arena, text, &error);
    cr_assert_not_null(m, "%s: %s", path, error);
    IrModule *again = ir_read(arena, text_of(m), &error);
    cr_assert_not_null(again, "%s: %s", path, error);
    cr_assert_str_eq(text_of(m), text_of(again));
    ir_run_passes(m, NULL, NULL);
    const char *got = text_of(m);
    if (getenv("BLESS")) {
        FILE *f = fopen(after, "w");
        cr_assert_not_null(f, "%s", after);
        fputs(got, f);
        fclose(f);
    }
    cr_assert(os_read_file(arena, after, 1 << 20, &want, &len, &fail), "%s", fail.text);
    cr_assert(!strcmp(got, want), "%s is now:\n%s", after, got);
    ir_module_free(again);
    ir_module_free(m);
}

Test(ir, golden_modules)
{
    DIR *dir = opendir("tests/golden/ir");
    cr_assert_not_null(dir, "tests run in the root of the source tree");
    int n = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        size_t len = strlen(e->d_name);
        if (len < 4 || strcmp(e->d_name + len - 3, ".ir")) continue;
        golden(arena_strndup(arena, e->d_name, len - 3));
        n++;
    }
    closedir(dir);
    cr_assert_gt(n, 0);
}
