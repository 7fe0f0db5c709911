/* The interpreter and compiled kernels against the plainest possible way: one lane after the other, one
 * instruction after the other, each by ir_eval_op. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir.h"
#include "rng.h"

enum { N_LANES = 700, N_FIELDS = 6, MAX_OUT = 4, MAX_INS = 128 };

static const Span NOWHERE = {0, 0};
static const char *const ISA[] = {"base", "avx2", "avx512"};
static Arena *arena;

static void setup(void)
{
    arena = arena_new("test");
}

static void teardown(void)
{
    arena_free(arena);
    unsetenv("CORTEXC_ISA");
}

TestSuite(interp, .init = setup, .fini = teardown);

typedef struct State {
    double cell[N_FIELDS][N_LANES];
    double *col[N_FIELDS];
    double result[MAX_OUT][N_LANES];
    double *out[MAX_OUT];
    uint32_t src[N_LANES], tgt[N_LANES], mult[N_LANES];
} State;

static uint64_t noise_state = 1;

static uint32_t noise(uint32_t below)
{
    noise_state = noise_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((noise_state >> 33) % below);
}

static const double SPECIAL_VALUES[] = {0.0,        -0.0,  1.0,    -1.0,     0.5,       -0.5,
                                        1.5,        2.5,   3.0,    -7.25,    1e-3,      700.0,
                                        -745.0,     710.0, 1e9,    -1e19,    0x1p-1022, 0x1p-1074,
                                        -0x1p-1074, 1e308, -1e308, INFINITY, -INFINITY, NAN};
enum { N_SPECIAL = sizeof SPECIAL_VALUES / sizeof *SPECIAL_VALUES };

static double some_value(void)
{
    return noise(8) ? (double)noise(2000) / 100.0 - 8.0 : SPECIAL_VALUES[noise(N_SPECIAL)];
}

static State *state_new(void)
{
    State *s = arena_one(arena, State);
    for (int f = 0; f < N_FIELDS; f++) {
        s->col[f] = s->cell[f];
        for (int k = 0; k < N_LANES; k++)
            s->cell[f][k] = some_value();
    }
    for (int k = 0; k < MAX_OUT; k++)
        s->out[k] = s->result[k];
    for (uint32_t k = 0; k < N_LANES; k++)
        s->src[k] = k * 7 % 100, s->tgt[k] = 4000000000u - k, s->mult[k] = k % 3;
    return s;
}

static State *state_copy(const State *from)
{
    State *s = arena_dup(arena, from, sizeof *from);
    for (int f = 0; f < N_FIELDS; f++)
        s->col[f] = s->cell[f];
    for (int k = 0; k < MAX_OUT; k++)
        s->out[k] = s->result[k];
    return s;
}

static bool same_bits(double a, double b)
{
    return (a != a && b != b) || !memcmp(&a, &b, sizeof a);
}

static void expect_same(const State *a, const State *b, const char *what, const IrModule *m)
{
    for (int f = 0; f < N_FIELDS + MAX_OUT; f++) {
        const double *x = f < N_FIELDS ? a->cell[f] : a->result[f - N_FIELDS];
        const double *y = f < N_FIELDS ? b->cell[f] : b->result[f - N_FIELDS];
        for (int k = 0; k < N_LANES; k++) {
            if (same_bits(x[k], y[k])) continue;
            Buf t = {0};
            ir_print(m, &t);
            cr_assert_fail("%s: %s %d, lane %d: %a, not %a\n%s", what,
                           f < N_FIELDS ? "field" : "result", f < N_FIELDS ? f : f - N_FIELDS, k,
                           x[k], y[k], t.p);
        }
    }
}

static double reference_draw(const Ins *s, const IrFn *f, const Frame *fr, int64_t lane,
                             const double *x)
{
    RngAt at = {.key = fr->key ^ (uint64_t)s->imm.k};
    if (f->lanes == LANE_NEURON || s->flags & INS_SHARED) {
        at.c0 = s->flags & INS_SHARED ? 0xffffffff : (uint32_t)lane;
        at.c2 = (uint32_t)fr->step;
        at.c3 = (uint32_t)(fr->step >> 32) & 0xffff;
        at.paired = !(s->flags & INS_SHARED);
    } else {
        at.c0 = fr->src[lane], at.c1 = fr->tgt[lane], at.c2 = fr->mult[lane];
    }
    switch ((Op)s->op) {
    case OP_RUNIFORM:
        return rng_uniform(at);
    case OP_RNORMAL:
        return rng_normal(at, x[0], x[1], x[2], x[3]);
    case OP_RLOGNORMAL:
        return rng_lognormal(at, x[0], x[1], x[2], x[3]);
    case OP_REXPONENTIAL:
        return rng_exponential(at, x[0], x[1], x[2]);
    case OP_RGAMMA:
        return rng_gamma(at, x[0], x[1], x[2], x[3]);
    case OP_RBINOMIAL:
        return rng_binomial_within(at, x[0], x[1], x[2], x[3]);
    default:
        return rng_poisson_within(at, x[0], x[1], x[2]);
    }
}

static void reference_lane(const IrModule *m, const IrFn *f, const Frame *fr, int64_t lane,
                           double *const *out, int64_t at)
{
    double v[MAX_INS];
    for (size_t i = 0; i < vec_len(f->ins); i++) {
        const Ins *s = &f->ins[i];
        int64_t k = s->imm.k;
        double x[4] = {0};
        for (int j = 0; j < 4; j++)
            if (s->arg[j] >= 0) x[j] = v[s->arg[j]];
        switch ((Op)s->op) {
        case OP_CONST:
            v[i] = s->imm.f;
            break;
        case OP_TRUTH:
            v[i] = k ? 1.0 : 0.0;
            break;
        case OP_LOAD:
            v[i] = fr->col[k][m->field[k].uniform ? 0 : lane];
            break;
        case OP_STORE:
            fr->col[k][m->field[k].uniform ? 0 : lane] = x[0];
            break;
        case OP_OUT:
        case OP_OUTB:
            out[k][at] = x[0];
            break;
        case OP_T:
            v[i] = k ? fr->t1 : fr->t;
            break;
        case OP_STEP:
            v[i] = (double)fr->step;
            break;
        case OP_I:
            v[i] = f->lanes == LANE_NEURON ? (double)lane : fr->src[lane];
            break;
        case OP_J:
            v[i] = fr->tgt[lane];
            break;
        default:
            if (!ir_eval_op((Op)s->op, x, &v[i])) v[i] = reference_draw(s, f, fr, lane, x);
        }
    }
}

static Frame frame_of(State *s, void *scratch)
{
    return (Frame){.col = s->col,
                   .step = ((int64_t)5 << 32) + 17,
                   .t = 1.7,
                   .t1 = 1.8,
                   .key = 99,
                   .src = s->src,
                   .tgt = s->tgt,
                   .mult = s->mult,
                   .scratch = scratch};
}

static Kernel *kernel_by(const char *backend, const IrModule *m, const char *isa)
{
    Fail fail = {0};
    setenv("CORTEXC_ISA", isa, 1);
    Kernel *k = backend_find(backend)->build(m, &fail);
    cr_assert_not_null(k, "%s", fail.text);
    return k;
}

static Kernel *kernel_of(const IrModule *m, const char *isa) { return kernel_by("interp", m, isa); }

/* Runs a function over lanes as a range, as a range in two calls, and as a list with and without gaps; all must
 * agree with the reference. */
static void check_fn(const IrModule *m, int number, const Kernel *kernel, const char *what, const State *start, int64_t lo, int64_t hi)
{
    uint32_t lane[N_LANES];
    int64_t n = 0;
    State *want = state_copy(start), *want_list = state_copy(start);
    Frame fr = frame_of(want, NULL);
    for (int64_t k = lo; k < hi; k++)
        reference_lane(m, m->fn[number], &fr, k, want->out, k - lo);
    fr = frame_of(want_list, NULL);
    for (int64_t k = lo; k < hi; k++) {
        if (k % 3 == 1) continue;
        lane[n] = (uint32_t)k;
        reference_lane(m, m->fn[number], &fr, k, want_list->out, n++);
    }
    const KernelFn *fn = &kernel->fn[number];
    void *scratch = cx_alloc(1, kernel->scratch_bytes, "test");
    memset(scratch, 0xff, kernel->scratch_bytes);
    State *got = state_copy(start);
    fr = frame_of(got, scratch);
    fn->range(fn, &fr, lo, hi, got->out);
    expect_same(got, want, what, m);

    got = state_copy(start);
    fr = frame_of(got, scratch);
    int64_t mid = lo + (hi - lo) / 3;
    double *rest[MAX_OUT];
    for (int k = 0; k < MAX_OUT; k++)
        rest[k] = got->out[k] + (mid - lo);
    fn->range(fn, &fr, mid, hi, rest);
    fn->range(fn, &fr, lo, mid, got->out);
    expect_same(got, want, "two calls", m);

    got = state_copy(start);
    fr = frame_of(got, scratch);
    fn->list(fn, &fr, lane, n, got->out);
    expect_same(got, want_list, "list", m);
    cx_free(scratch);
}

/* Function 0 on every instruction set of the interpreter. */
static void check(const IrModule *m, const State *start, int64_t lo, int64_t hi)
{
    for (int isa = 0; isa < 3; isa++) {
        Kernel *kernel = kernel_of(m, ISA[isa]);
        check_fn(m, 0, kernel, ISA[isa], start, lo, hi);
        kernel->free(kernel);
    }
}

static IrModule *module_with(bool uniform_last)
{
    static const char *const name[] = {"a", "b", "c", "d", "e", "g"};
    IrModule *m = ir_module(arena, "test");
    for (int k = 0; k < N_FIELDS; k++)
        ir_field(m, (IrField){.name = name[k],
                              .kind = k < 5 ? FIELD_STATE : FIELD_PARAM,
                              .uniform = uniform_last && k == 5});
    return m;
}

static int load(IrFn *f, int field)
{
    return ir_imm(f, OP_LOAD, field, NOWHERE);
}

/* Columns of other populations, read at one neuron for all and at a computed one, over ranges and lists. */
Test(interp, links)
{
    IrModule *m = ir_module(arena, "links");
    int own = ir_field(m, (IrField){.name = "I", .kind = FIELD_INPUT});
    int other = ir_field(m, (IrField){.name = "E.V", .kind = FIELD_LINK});
    IrFn *f = ir_fn(m, "drive", FN_DRIVE, LANE_NEURON);
    int place = ir_op2(f, OP_MOD, ir_op2(f, OP_MUL, ir_imm(f, OP_I, 0, NOWHERE), ir_const(f, 7)), ir_const(f, 5));
    int sum = ir_op2(f, OP_ADD, ir_lookup(f, OP_LINK, other, place, NOWHERE), ir_lookup(f, OP_LINK, other, ir_const(f, 4), NOWHERE));
    ir_store(f, own, ir_op2(f, OP_ADD, ir_imm(f, OP_LOAD, own, NOWHERE), sum), NOWHERE);
    cr_assert_null(ir_verify(arena, m));
    static const char *const isas[] = {"base", "avx2", "avx512"};
    for (int isa = 0; isa < 3; isa++) {
        Kernel *kernel = kernel_of(m, isas[isa]);
        void *scratch = cx_alloc(1, kernel->scratch_bytes, "test");
        double input[700], V[5] = {1, 2, 4, 8, 16}, *col[2] = {input, V};
        uint32_t lane[350];
        for (int k = 0; k < 700; k++) input[k] = k;
        for (uint32_t k = 0; k < 350; k++) lane[k] = 2 * k;
        Frame fr = {.col = col, .scratch = scratch};
        kernel->fn[0].range(&kernel->fn[0], &fr, 0, 700, NULL);
        kernel->fn[0].list(&kernel->fn[0], &fr, lane, 350, NULL);
        for (int k = 0; k < 700; k++) cr_assert_eq(input[k], k + (k % 2 ? 1 : 2) * (V[7 * k % 5] + 16));
        cx_free(scratch);
        kernel->free(kernel);
    }
    ir_module_free(m);
}

/* Every operation in every pattern of uniform arguments, on all combinations of special values. */
Test(interp, each_operation_on_special_values, .timeout = 60)
{
    enum { N_FEW = N_SPECIAL };
    for (int op = 0; op < N_OPS; op++) {
        const char *types = ir_op_table[op].args;
        int n_args = (int)strlen(types);
        if (!ir_op_table[op].c[0]) continue;
        for (int single = 0; single < (1 << n_args) - 1; single++) {
            IrModule *m = ir_module(arena, "test");
            IrFn *f;
            int arg[4];
            for (int k = 0; k < n_args; k++)
                ir_field(m, (IrField){.name = (const char *[]){"a", "b", "c"}[k],
                                      .kind = FIELD_STATE,
                                      .uniform = single >> k & 1});
            f = ir_fn(m, "obs", FN_OBS, LANE_NEURON);
            for (int k = 0; k < n_args; k++) {
                arg[k] = load(f, k);
                if (types[k] == 'b') arg[k] = ir_op2(f, OP_GT, arg[k], ir_const(f, 0));
            }
            /* pushed past the folder, which would swap `not` away */
            Ins s = {.op = (uint16_t)op, .type = ir_op_table[op].type, .arg = {-1, -1, -1, -1}};
            for (int k = 0; k < n_args; k++)
                s.arg[k] = arg[k];
            vec_push(f->ins, s);
            ir_out(f, 0, (int)vec_len(f->ins) - 1, NOWHERE);
            cr_assert_null(ir_verify(arena, m));
            static const char *const isas[] = {"base", "avx2", "avx512"};
            for (int isa = 0; isa < 3; isa++) {
                Kernel *kernel = kernel_of(m, isas[isa]);
                void *scratch = cx_alloc(1, kernel->scratch_bytes, "test");
                double *cell[3], *out = cx_alloc(N_FEW * N_FEW, sizeof *out, "test");
                for (int k = 0; k < 3; k++)
                    cell[k] = cx_alloc(N_FEW * N_FEW, sizeof *cell[k], "test");
                int n = n_args == 1 ? N_FEW : N_FEW * N_FEW;
                for (int third = 0; third < (n_args == 3 ? N_FEW : 1); third++) {
                    double x[3] = {SPECIAL_VALUES[third], SPECIAL_VALUES[(third + 5) % N_FEW],
                                   SPECIAL_VALUES[third]};
                    for (int k = 0; k < n; k++) {
                        cell[0][k] = single & 1 ? x[0] : SPECIAL_VALUES[k % N_FEW];
                        cell[1][k] = single & 2 ? x[1] : SPECIAL_VALUES[k / N_FEW];
                        cell[2][k] = single & 4 ? x[2] : SPECIAL_VALUES[(k + third) % N_FEW];
                    }
                    Frame fr = {.col = cell, .scratch = scratch};
                    kernel->fn[0].range(&kernel->fn[0], &fr, 0, n, &out);
                    for (int k = 0; k < n; k++) {
                        double a[3], want;
                        for (int j = 0; j < n_args; j++)
                            a[j] = types[j] == 'b' ? cell[j][k] > 0 : cell[j][k];
                        ir_eval_op((Op)op, a, &want);
                        cr_assert(same_bits(out[k], want),
                                  "%s %s pattern %d (%a, %a, %a): %a, not %a", isas[isa],
                                  ir_op_table[op].name, single, cell[0][k], cell[1][k], cell[2][k],
                                  out[k], want);
                    }
                }
                for (int k = 0; k < 3; k++)
                    cx_free(cell[k]);
                cx_free(out);
                cx_free(scratch);
                kernel->free(kernel);
            }
            ir_module_free(m);
        }
    }
}

static int random_of(const IrFn *f, char type)
{
    for (;;) {
        int v = (int)noise((uint32_t)vec_len(f->ins));
        if (noise(3))
            v = (int)vec_len(f->ins) - 1 -
                (int)noise(vec_len(f->ins) > 8 ? 8 : (uint32_t)vec_len(f->ins));
        if (f->ins[v].type == type) return v;
    }
}

/* A function of random instructions; its stores and loads of few fields tread on each other. */
static void random_function(IrModule *m, FnRole role, LaneKind lanes)
{
    IrFn *f = ir_fn(m, arena_printf(arena, "f%zu", vec_len(m->fn)), role, lanes);
    ir_op2(f, OP_LT, load(f, 0), ir_const(f, some_value()));
    load(f, 5);
    int n = 6 + (int)noise(60), n_out = (int)noise(MAX_OUT + 1), arg[4];
    while ((int)vec_len(f->ins) < n) {
        Op op = (Op)noise(N_OPS);
        const char *types = ir_op_table[op].args;
        for (int k = 0; types[k]; k++)
            arg[k] = random_of(f, types[k]);
        if (!noise(3)) op = noise(2) ? OP_STORE : OP_LOAD;
        if (op == OP_STORE) {
            if (lanes == LANE_NEURON) ir_store(f, (int)noise(3), random_of(f, 'f'), NOWHERE);
        } else if (op == OP_LOAD)
            load(f, noise(4) ? (int)noise(3) : 5);
        else if (op == OP_T)
            ir_imm(f, op, noise(2), NOWHERE);
        else if (op == OP_STEP || op == OP_I || (op == OP_J && lanes == LANE_SYNAPSE))
            ir_imm(f, op, 0, NOWHERE);
        else if (ir_op_table[op].c[0])
            ir_op(f, op, NOWHERE, (int)strlen(types), arg);
        else if (op == OP_RUNIFORM)
            ir_draw(f, op, noise(3), noise(4) == 0, NOWHERE, 0, NULL);
        else if (op == OP_RNORMAL) {
            arg[2] = ir_const(f, -INFINITY), arg[3] = ir_const(f, noise(2) ? INFINITY : 1e300);
            ir_draw(f, op, noise(3), noise(4) == 0, NOWHERE, 4, arg);
        }
    }
    for (int k = 0; k < n_out; k++)
        ir_out(f, k, random_of(f, noise(2) ? 'f' : 'b'), NOWHERE);
}

Test(interp, random_functions_agree_with_the_reference, .timeout = 120)
{
    static const int64_t bounds[][2] = {{0, 1},   {0, 255},   {0, 256}, {0, 257},  {3, 3},
                                        {13, 20}, {101, 700}, {1, 258}, {299, 556}};
    for (int round = 0; round < 400; round++) {
        IrModule *m = module_with(true);
        random_function(m, FN_STEP, round % 5 == 4 ? LANE_SYNAPSE : LANE_NEURON);
        cr_assert_null(ir_verify(arena, m), "%s", ir_verify(arena, m));
        const int64_t *b = bounds[round % 9];
        check(m, state_new(), b[0], b[1]);
        cse_run(m);
        fold_run(m);
        dce_run(m);
        cr_assert_null(ir_verify(arena, m), "%s", ir_verify(arena, m));
        check(m, state_new(), b[0], b[1]);
        ir_module_free(m);
    }
}

/* A folder of its own for compiled kernels, so that nothing comes from an earlier run. */
static void fresh_cache(char *folder)
{
    cr_assert_not_null(mkdtemp(folder));
    setenv("CORTEXC_CACHE", folder, 1);
}

/* Many functions in one module, for the compiler takes its time for each. */
Test(interp, compiled_functions_agree_with_the_reference, .timeout = 300)
{
    static const int64_t bounds[][2] = {{0, 1}, {0, 255}, {0, 256}, {0, 257}, {3, 3}, {13, 20}, {101, 700}, {1, 258}, {299, 556}};
    char folder[] = "/tmp/cortexc-test-XXXXXX";
    fresh_cache(folder);
    IrModule *m = module_with(true);
    for (int k = 0; k < 27; k++) random_function(m, k % 5 == 4 ? FN_STEP : FN_PART, k % 5 == 4 ? LANE_SYNAPSE : LANE_NEURON);
    cr_assert_null(ir_verify(arena, m), "%s", ir_verify(arena, m));
    for (int isa = 0; isa < 2; isa++) {
        Kernel *kernel = kernel_by("native", m, ISA[isa]);
        cr_assert_str_eq(kernel->backend, "native");
        for (int k = 0; k < 27; k++) check_fn(m, k, kernel, "native", state_new(), bounds[k % 9][0], bounds[k % 9][1]);
        kernel->free(kernel);
    }
    ir_module_free(m);
}

/* Arrivals, step, test and check in one, against the four one behind the other. */
Test(interp, phases_in_one_keep_every_bit, .timeout = 300)
{
    static const int64_t bounds[][2] = {{0, 700}, {3, 3}, {13, 20}, {101, 690}, {0, 256}, {1, 258}};
    static const FnRole roles[] = {FN_ARRIVE, FN_STEP, FN_TEST, FN_CHECK};
    char folder[] = "/tmp/cortexc-test-XXXXXX";
    fresh_cache(folder);
    for (int round = 0; round < 60; round++) {
        IrModule *m = module_with(true);
        for (int k = 0; k < 4; k++) {
            if (round % 7 == k + 1) continue; /* each may be missing */
            random_function(m, roles[k], LANE_NEURON);
            IrFn *f = m->fn[vec_len(m->fn) - 1];
            if (roles[k] != FN_TEST && roles[k] != FN_CHECK) continue;
            while (f->n_out) (void)vec_pop(f->ins), f->n_out--; /* results stand at the end; here it is one truth */
            ir_out(f, 0, random_of(f, 'b'), NOWHERE);
        }
        size_t n = vec_len(m->fn);
        int64_t lo = bounds[round % 6][0], hi = bounds[round % 6][1];
        State *start = state_new(), *want = state_copy(start);
        Frame fr = frame_of(want, NULL), after = fr;
        uint32_t hit[N_LANES], want_hit[N_LANES];
        size_t want_hits = 0;
        bool want_finite = true;
        after.t = fr.t1;
        for (int64_t lane = lo; lane < hi; lane++)
            for (size_t k = 0; k < n; k++) {
                FnRole role = m->fn[k]->role;
                reference_lane(m, m->fn[k], role == FN_TEST || role == FN_CHECK ? &after : &fr, lane, want->out, 0);
                if (role == FN_TEST && want->out[0][0] != 0) want_hit[want_hits++] = (uint32_t)lane;
                if (role == FN_CHECK) want_finite &= want->out[0][0] != 0;
            }
        memcpy(want->result, start->result, sizeof want->result);
        join_run(m);
        cr_assert_null(ir_verify(arena, m), "%s", ir_verify(arena, m));
        for (int form = 0; form < (round < 4 ? 4 : 2); form++) {
            Kernel *kernel = kernel_by(form < 2 ? "interp" : "native", m, ISA[form % 2]);
            void *scratch = cx_alloc(1, kernel->scratch_bytes, "test");
            State *got = state_copy(start);
            const KernelFn *pass = &kernel->fn[n];
            bool finite = true;
            fr = frame_of(got, scratch);
            cr_assert_eq(pass->role, FN_PASS);
            size_t hits = pass->pass(pass, &fr, lo, hi, hit, &finite);
            expect_same(got, want, "phases in one", m);
            cr_assert(hits == want_hits && !memcmp(hit, want_hit, hits * sizeof *hit), "%zu spikes, not %zu", hits, want_hits);
            cr_assert_eq(finite, want_finite);
            cx_free(scratch);
            kernel->free(kernel);
        }
        ir_module_free(m);
    }
}

Test(interp, compiled_operations_on_special_values, .timeout = 300)
{
    char folder[] = "/tmp/cortexc-test-XXXXXX";
    fresh_cache(folder);
    IrModule *m = module_with(false);
    for (int op = 0; op < N_OPS; op++) {
        const char *types = ir_op_table[op].args;
        if (!ir_op_table[op].c[0]) continue;
        IrFn *f = ir_fn(m, ir_op_table[op].name, FN_OBS, LANE_NEURON);
        Ins s = {.op = (uint16_t)op, .type = ir_op_table[op].type, .arg = {-1, -1, -1, -1}};
        for (int k = 0; types[k]; k++) {
            s.arg[k] = load(f, k);
            if (types[k] == 'b') s.arg[k] = ir_op2(f, OP_GT, s.arg[k], ir_const(f, 0));
        }
        vec_push(f->ins, s); /* past the folder */
        ir_out(f, 0, (int)vec_len(f->ins) - 1, NOWHERE);
    }
    cr_assert_null(ir_verify(arena, m));
    State *start = state_new();
    for (int k = 0; k < N_SPECIAL * N_SPECIAL; k++) {
        start->cell[0][k] = SPECIAL_VALUES[k % N_SPECIAL];
        start->cell[1][k] = SPECIAL_VALUES[k / N_SPECIAL];
        start->cell[2][k] = SPECIAL_VALUES[(k * 7 + 3) % N_SPECIAL];
    }
    for (int isa = 0; isa < 2; isa++) {
        Kernel *kernel = kernel_by("native", m, ISA[isa]);
        for (int k = 0; k < kernel->n_fns; k++) check_fn(m, k, kernel, m->fn[k]->name, start, 0, N_SPECIAL * N_SPECIAL);
        kernel->free(kernel);
    }
    ir_module_free(m);
}

/* Without a compiler `native` says so and `auto` goes on interpreting. */
Test(interp, a_missing_compiler_is_told)
{
    Fail fail = {0};
    char folder[] = "/tmp/cortexc-test-XXXXXX";
    fresh_cache(folder);
    setenv("CC", "/nowhere/cc", 1);
    IrModule *m = module_with(true);
    random_function(m, FN_PART, LANE_NEURON);
    cr_assert_null(backend_find("native")->build(m, &fail));
    cr_assert(strstr(fail.text, "no C compiler"), "%s", fail.text);
    Kernel *kernel = backend_find("auto")->build(m, &fail);
    cr_assert_not_null(kernel);
    check_fn(m, 0, kernel, "auto", state_new(), 0, 300);
    kernel->free(kernel);
    ir_module_free(m);
}

/* fold, cse and dce change no bit of what a function does. */
Test(interp, passes_keep_every_bit, .timeout = 120)
{
    for (int round = 0; round < 400; round++) {
        IrModule *m = module_with(true);
        random_function(m, FN_STEP, LANE_NEURON);
        State *start = state_new(), *want = state_copy(start), *got = state_copy(start);
        Frame fr = frame_of(want, NULL);
        for (int64_t k = 0; k < 60; k++)
            reference_lane(m, m->fn[0], &fr, k, want->out, k);
        fold_run(m);
        cse_run(m);
        fold_run(m);
        dce_run(m);
        cr_assert_null(ir_verify(arena, m), "%s", ir_verify(arena, m));
        fr = frame_of(got, NULL);
        for (int64_t k = 0; k < 60; k++)
            reference_lane(m, m->fn[0], &fr, k, got->out, k);
        expect_same(got, want, "passes", m);
        ir_module_free(m);
    }
}

Test(interp, swaps_fields)
{
    IrModule *m = module_with(false);
    IrFn *f = ir_fn(m, "step", FN_STEP, LANE_NEURON);
    int a = load(f, 0), b = load(f, 1);
    ir_store(f, 0, b, NOWHERE);
    ir_store(f, 1, a, NOWHERE);
    ir_store(f, 2, ir_op2(f, OP_ADD, load(f, 0), load(f, 1)), NOWHERE);
    check(m, state_new(), 5, 600);
    ir_module_free(m);
}

Test(interp, init_writes_uniform_fields_and_reads_them_back)
{
    IrModule *m = module_with(true);
    IrFn *f = ir_fn(m, "init", FN_INIT, LANE_NEURON);
    int g = load(f, 5), draw = ir_draw(f, OP_RUNIFORM, 4, INS_SHARED, NOWHERE, 0, NULL);
    ir_store(f, 5, draw, NOWHERE);
    ir_store(f, 0, ir_op2(f, OP_ADD, load(f, 5), ir_imm(f, OP_I, 0, NOWHERE)), NOWHERE);
    ir_store(f, 1, draw, NOWHERE);
    ir_out(f, 0, draw, NOWHERE);
    ir_out(f, 1, ir_op2(f, OP_LT, draw, ir_const(f, 2)), NOWHERE);
    cr_assert_null(ir_verify(arena, m), "%s", ir_verify(arena, m));
    (void)g;
    check(m, state_new(), 0, 300);
    ir_module_free(m);
}

Test(interp, draws_of_synapses_use_both_ends)
{
    IrModule *m = module_with(true);
    IrFn *f = ir_fn(m, "weight", FN_WEIGHT, LANE_SYNAPSE);
    int one = ir_const(f, 1),
        arg[] = {ir_imm(f, OP_I, 0, NOWHERE), one, ir_const(f, -INFINITY), ir_const(f, INFINITY)};
    ir_out(f, 0, ir_draw(f, OP_RNORMAL, 12, 0, NOWHERE, 4, arg), NOWHERE);
    ir_out(f, 1, ir_imm(f, OP_J, 0, NOWHERE), NOWHERE);
    check(m, state_new(), 0, 300);
    check(m, state_new(), 31, 300);
    ir_module_free(m);
}

/* Blocks of normal numbers are made by other code than single ones. */
Test(interp, normal_draws_of_ranges_equal_single_ones)
{
    for (int p = 0; p < 4; p++) {
        IrModule *m = module_with(false);
        IrFn *f = ir_fn(m, "init", FN_INIT, LANE_NEURON);
        int arg[] = {p & 1 ? ir_const(f, -55) : load(f, 0), p & 2 ? ir_const(f, 2.5) : load(f, 1),
                     ir_const(f, -INFINITY), ir_const(f, INFINITY)};
        ir_store(f, 0, ir_draw(f, OP_RNORMAL, 7, 0, NOWHERE, 4, arg), NOWHERE);
        State *s = state_new();
        const double odd[][2] = {{-0.0, 0},      {0, -0.0}, {-0.0, -0.0}, {INFINITY, INFINITY},
                                 {-INFINITY, 3}, {NAN, 1},  {1, NAN},     {2, -1}};
        for (int k = 0; k < 80; k++)
            s->cell[0][300 + k] = odd[k % 8][0], s->cell[1][300 + k] = odd[k % 8][1];
        check(m, s, 2, 699);
        ir_module_free(m);
    }
}

/* The laws with bounds and the counts have no block form; the coordinates still must be right. */
Test(interp, every_law_draws_at_its_lane)
{
    static const double parameter[][4] = {
        {0}, {1, 2, 0, 3}, {2, 1, 0.5, 8}, {2, 0, 5}, {3, 1, 0, 9}, {20, 0.3, 4, 7}, {4, 3, INFINITY}};
    for (int lanes = LANE_NEURON; lanes <= LANE_SYNAPSE; lanes++)
        for (int op = OP_RUNIFORM; op <= OP_RPOISSON; op++) {
            IrModule *m = module_with(false);
            IrFn *f = ir_fn(m, "obs", FN_OBS, (LaneKind)lanes);
            int arg[4], n = (int)strlen(ir_op_table[op].args);
            for (int k = 0; k < n; k++)
                arg[k] = ir_const(f, parameter[op - OP_RUNIFORM][k]);
            ir_out(f, 0, ir_draw(f, (Op)op, -1, 0, NOWHERE, n, arg), NOWHERE);
            ir_out(f, 1, ir_draw(f, (Op)op, -1, INS_SHARED, NOWHERE, n, arg), NOWHERE);
            check(m, state_new(), 10, 290);
            ir_module_free(m);
        }
}

Test(interp, kernel_describes_the_module)
{
    IrModule *m = module_with(true);
    IrFn *d = ir_fn(m, "deriv", FN_DERIV, LANE_NEURON), *f = ir_fn(m, "step", FN_STEP, LANE_NEURON);
    ir_out(d, 0, ir_imm(d, OP_XI, 0, NOWHERE), NOWHERE);
    ir_store(f, 0, ir_const(f, 1), NOWHERE);
    Kernel *k = kernel_of(m, "base");
    cr_assert_eq(k->abi, CORTEXC_KERNEL_ABI);
    cr_assert_eq(k->n_fns, 2);
    cr_assert_eq(k->n_fields, N_FIELDS);
    cr_assert_str_eq(k->field[5].name, "g");
    cr_assert(k->field[5].uniform && k->field[5].kind == FIELD_PARAM);
    cr_assert_eq(k->hash, ir_hash(m));
    cr_assert_null((void *)k->fn[0].range);
    cr_assert_eq(k->fn[1].role, FN_STEP);
    k->free(k);
    Fail fail = {0};
    setenv("CORTEXC_ISA", "mmx", 1);
    cr_assert_null(backend_find("interp")->build(m, &fail));
    cr_assert_str_eq(fail.text, "CORTEXC_ISA is `mmx`, not base, avx2 or avx512");
    cr_assert_null(backend_find("quantum"));
    ir_module_free(m);
}
