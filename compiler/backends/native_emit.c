/* Writes a module as C: one function a range of lanes and one a list of lanes, each a loop whose body is the straight
 * line of the IR, so that the C compiler makes vectors of it. What an operation does stands in ops.def alone.
 *
 * Random draws come in blocks from the program. A body with draws is cut into levels: level 0 needs draws only of
 * arguments that are the same for all lanes, level k + 1 those whose arguments level k computes. Between levels values
 * wait in arrays of one block of lanes. */
#include "native.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const char native_frame_text[], native_abi_text[], native_cxmath_text[];
/* The headers that compiled kernels stand on, whole. */
#define EMBED(symbol, file) \
    __asm__(".section .rodata\n.global " #symbol "\n" #symbol ":\n.incbin \"" file "\"\n.byte 0\n.previous\n")
EMBED(native_frame_text, CORTEXC_API "/frame.h");
EMBED(native_cxmath_text, CORTEXC_API "/cxmath.h");
EMBED(native_abi_text, CORTEXC_BACKENDS "/native_abi.h");

typedef struct Writer {
    const IrModule *m;
    const IrFn *f;
    Buf *out;
    bool list, pass; /* of its two forms the one over a list; FN_PASS or FN_TAIL, which have a form of their own */
    int n, n_levels;
    bool *uniform;
    int *last, *level, *until; /* until: the last level at which a value is read */
    bool draws;
    bool near;                 /* every argument of exprel is known to be near 0 */
    uint32_t line;             /* of the model, last said */
} Writer;

bool native_worth(const IrFn *f)
{
    switch (f->role) {
    case FN_INIT:
    case FN_RANGE:
    case FN_WEIGHT:
    case FN_DELAY:
    case FN_PROB:
    case FN_MATRIX:
    case FN_SET:
    case FN_DERIV:
    case FN_TEST: /* part of FN_PASS */
        return false;
    case FN_STEP:
        return f->lanes == LANE_SYNAPSE;
    default:
        return true;
    }
}

static bool is_pass(const IrFn *f) { return f->role == FN_PASS || f->role == FN_TAIL; }

static bool is_draw(const Ins *s) { return ir_op_draws((Op)s->op); }

static bool is_inline(const Ins *s) { return s->op == OP_CONST || s->op == OP_TRUTH; }

static int greater(int a, int b) { return a > b ? a : b; }

/* Gives every value and store its level; loads and stores of one column keep their order. */
static void find_levels(Writer *w)
{
    int n_fields = (int)vec_len(w->m->field);
    int *stored = cx_alloc((size_t)n_fields * 2 + 1, sizeof *stored, "native code"), *touched = stored + n_fields;
    for (int v = 0; v < w->n; v++) {
        const Ins *s = &w->f->ins[v];
        int at = 0;
        bool varies = false;
        for (int k = 0; k < 4; k++) {
            if (s->arg[k] < 0 || w->uniform[s->arg[k]]) continue;
            at = greater(at, w->level[s->arg[k]]);
            varies = true;
        }
        if (is_draw(s) && !w->uniform[v]) {
            w->draws = true;
            if (varies) at++;
        }
        if (s->op == OP_LOAD) at = greater(at, stored[s->imm.k]), touched[s->imm.k] = greater(touched[s->imm.k], at);
        if (s->op == OP_STORE) stored[s->imm.k] = touched[s->imm.k] = at = greater(at, touched[s->imm.k]);
        w->level[v] = w->until[v] = at;
        w->n_levels = greater(w->n_levels, at + 1);
        for (int k = 0; k < 4; k++) /* a draw reads what the level before has computed */
            if (s->arg[k] >= 0) w->until[s->arg[k]] = greater(w->until[s->arg[k]], at);
    }
    cx_free(stored);
}

static bool staged(const Writer *w, int v)
{
    return !w->uniform[v] && (w->until[v] > w->level[v] || is_draw(&w->f->ins[v]));
}

/* The text that stands for value v inside a loop over k; `at` is the level that reads it. */
static void put_value(Writer *w, Buf *b, int v, int at)
{
    const Ins *s = &w->f->ins[v];
    if (s->op == OP_TRUTH) buf_printf(b, s->imm.k ? "(int64_t)-1" : "(int64_t)0");
    else if (s->op == OP_CONST && isnan(s->imm.f)) buf_printf(b, "CXM_NAN");
    else if (s->op == OP_CONST && isinf(s->imm.f)) buf_printf(b, s->imm.f < 0 ? "(-CXM_INF)" : "CXM_INF");
    else if (s->op == OP_CONST) buf_printf(b, s->imm.f < 0 || (s->imm.f == 0 && signbit(s->imm.f)) ? "(%a)" : "%a", s->imm.f);
    else if (staged(w, v) && (at > w->level[v] || is_draw(s))) buf_printf(b, "s%d[k]", v);
    else buf_printf(b, "v%d", v);
}

/* The expression of ops.def with its letters replaced by values. */
static void put_expression(Writer *w, const Ins *s, int at)
{
    const IrOp *op = &ir_op_table[s->op];
    bool truth = op->type == 'b' && op->args[0] == 'f';
    if (truth) buf_printf(w->out, "-(int64_t)(");
    if (w->near && s->op == OP_EXPREL) {
        buf_printf(w->out, "cx_exprel_near(");
        put_value(w, w->out, s->arg[0], at);
        buf_printf(w->out, ")");
        return;
    }
    for (const char *c = op->c; *c;) {
        size_t n = 0;
        while ((c[n] >= 'a' && c[n] <= 'z') || (c[n] >= 'A' && c[n] <= 'Z') || (c[n] >= '0' && c[n] <= '9') || c[n] == '_') n++;
        if (n == 1 && *c >= 'A' && *c <= 'D') put_value(w, w->out, s->arg[*c - 'A'], at);
        else buf_add(w->out, c, n ? n : 1);
        c += n ? n : 1;
    }
    if (truth) buf_printf(w->out, ")");
}

static const char *type_of(const Ins *s) { return s->type == 'b' ? "int64_t" : "double"; }

static const char *lane_of(const Writer *w) { return w->list ? "lane[k]" : "k"; }

/* What comes of one instruction that is no draw; `head` declares or names its result. */
static void put_body(Writer *w, int v, int at)
{
    const Ins *s = &w->f->ins[v];
    Buf *b = w->out;
    const char *lane = lane_of(w);
    bool synapse = w->f->lanes == LANE_SYNAPSE;
    switch ((Op)s->op) {
    case OP_LOAD:
        buf_printf(b, w->m->field[s->imm.k].uniform ? "fr->col[%d][0]" : "c%d[%s]", (int)s->imm.k, lane);
        return;
    case OP_SRC_LOAD:
        buf_printf(b, "fr->col[%d][src[%s]]", (int)s->imm.k, lane);
        return;
    case OP_TGT_LOAD:
        buf_printf(b, "fr->col[%d][tgt[%s]]", (int)s->imm.k, lane);
        return;
    case OP_LINK:
        buf_printf(b, "fr->col[%d][(int64_t)", (int)s->imm.k);
        put_value(w, b, s->arg[0], at);
        buf_printf(b, "]");
        return;
    case OP_T:
        buf_printf(b, s->imm.k ? "fr->t1" : "fr->t");
        return;
    case OP_STEP:
        buf_printf(b, "(double)fr->step");
        return;
    case OP_I:
    case OP_J:
    case OP_MULT:
        if (synapse) buf_printf(b, "(double)%s[%s]", s->op == OP_I ? "src" : s->op == OP_J ? "tgt" : "mult", lane);
        else if (w->list) buf_printf(b, "(double)lane[k]");
        else buf_printf(b, "first + (double)(int32_t)k");
        return;
    case OP_LOOKUP:
    case OP_SEARCH:
        buf_printf(b, "%s(table%d, %d, ", s->op == OP_LOOKUP ? "element" : "place", (int)s->imm.k, w->m->table[s->imm.k].n);
        put_value(w, b, s->arg[0], at);
        buf_printf(b, ")");
        return;
    default:
        if (!*ir_op_table[s->op].c) cx_bug("no C for the operation %s", ir_op_table[s->op].name);
        put_expression(w, s, at);
    }
}

/* The line of the model that what follows comes from. */
static void put_place(Writer *w, const Ins *s)
{
    if (!w->m->sources || !s->span.hi) return;
    Place p = source_place(w->m->sources, s->span.lo);
    if (p.line == w->line) return;
    w->line = p.line;
    uint32_t n = p.line_len, from = 0;
    while (from < n && (p.line_text[from] == ' ' || p.line_text[from] == '\t')) from++;
    /* in quotes, for a backslash at the end would swallow the next line; without its number, so that a line added
     * above does not make another kernel */
    buf_printf(w->out, "        // `%.*s`\n", (int)(n - from), p.line_text + from);
}

static void put_draw(Writer *w, int v)
{
    const Ins *s = &w->f->ins[v];
    bool once = w->uniform[v];
    unsigned flags = (s->flags & INS_SHARED ? NATIVE_SHARED : 0) | (w->f->lanes == LANE_SYNAPSE ? NATIVE_SYNAPSES : 0);
    Buf args = {0};
    for (int k = 0; k < 4; k++) {
        int a = s->arg[k];
        if (a < 0 || w->uniform[a] || is_inline(&w->f->ins[a])) flags |= 1u << k;
        if (a < 0) {
            buf_printf(&args, "0, ");
        } else if (flags >> k & 1) {
            buf_printf(&args, "&(double){");
            put_value(w, &args, a, w->level[v]);
            buf_printf(&args, "}, ");
        } else
            buf_printf(&args, "s%d, ", a);
    }
    if (once) buf_printf(w->out, "    double v%d;\n", v);
    buf_printf(w->out, "    host->draw(fr, %d, 0x%llxu, %u, %s, %s, %s, %s%s%d);\n", s->op, (unsigned long long)s->imm.k, flags,
               w->list && !once ? "lane" : "0", once || w->list ? "0" : "at", once ? "1" : "n", args.p, once ? "&v" : "s", v);
    buf_free(&args);
}

static bool needed(const Writer *w, int v) { return w->f->ins[v].type == '-' || w->last[v] >= 0; }

/* All that is the same for every lane, and the stores of columns with one value. */
static void put_uniform(Writer *w)
{
    for (int v = 0; v < w->n; v++) {
        const Ins *s = &w->f->ins[v];
        if (s->op == OP_STORE && w->m->field[s->imm.k].uniform) {
            buf_printf(w->out, "    fr->col[%d][0] = ", (int)s->imm.k);
            put_value(w, w->out, s->arg[0], 0);
            buf_printf(w->out, ";\n");
        }
        if (!w->uniform[v] || s->type == '-' || is_inline(s) || !needed(w, v)) continue;
        if (is_draw(s)) {
            put_draw(w, v);
            continue;
        }
        buf_printf(w->out, "    const %s v%d = ", type_of(s), v);
        put_body(w, v, 0);
        buf_printf(w->out, ";\n");
    }
}

/* Does instruction v belong into the loop of a level? */
static bool in_loop(const Writer *w, int v, int level)
{
    const Ins *s = &w->f->ins[v];
    if (w->level[v] != level || is_inline(s) || is_draw(s) || !needed(w, v)) return false;
    if (s->op == OP_STORE) return !w->m->field[s->imm.k].uniform;
    return s->type == '-' || !w->uniform[v];
}

/* One instruction as a line of the loop. */
static void put_line(Writer *w, int v, int level)
{
    const Ins *s = &w->f->ins[v];
    put_place(w, s);
    buf_printf(w->out, "        ");
    if (s->op == OP_STORE) {
        buf_printf(w->out, "c%d[%s] = ", (int)s->imm.k, lane_of(w));
        put_value(w, w->out, s->arg[0], level);
    } else if (s->op == OP_OUT || s->op == OP_OUTB) {
        bool mask = w->pass && s->imm.k == PASS_FINITE;
        buf_printf(w->out, mask ? "finite &= " : w->pass ? "any |= spikes[k] = " : "o%d[k] = ", (int)s->imm.k);
        put_value(w, w->out, s->arg[0], level);
        if (s->op == OP_OUTB && !w->pass) buf_printf(w->out, " ? 1.0 : 0.0");
    } else {
        buf_printf(w->out, "const %s v%d = ", type_of(s), v);
        put_body(w, v, level);
    }
    buf_printf(w->out, ";\n");
    if (s->type != '-' && staged(w, v)) buf_printf(w->out, "        s%d[k] = v%d;\n", v, v);
}

/* Marks what a value of this level is computed from within the level, where that is cheap. */
static bool mark_slice(const Writer *w, int v, int level, bool *slice)
{
    const Ins *s = &w->f->ins[v];
    if (slice[v] || w->uniform[v] || is_inline(s) || w->level[v] < level || is_draw(s)) return true;
    switch ((Op)s->op) {
    case OP_LOAD:
        for (int i = 0; i < v; i++) /* what was stored before is not there when the loop has run once */
            if (w->f->ins[i].op == OP_STORE && w->f->ins[i].imm.k == s->imm.k) return false;
        break;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_FMA:
    case OP_NEG:
    case OP_SELECT:
    case OP_GT:
    case OP_LT:
        break;
    default:
        return false;
    }
    slice[v] = true;
    for (int k = 0; k < 4; k++)
        if (s->arg[k] >= 0 && !mark_slice(w, s->arg[k], level, slice)) return false;
    return true;
}

/* A loop in front that looks whether all arguments of exprel are near 0, where it is a polynomial; false where that
 * would take long, or there are none. Most exponential integrators never leave there. */
static bool put_near(Writer *w, int level)
{
    bool *slice = cx_alloc((size_t)w->n + 1, sizeof *slice, "native code"), good = w->pass, any = false;
    for (int v = 0; v < w->n && good; v++) {
        if (w->f->ins[v].op != OP_EXPREL || !in_loop(w, v, level)) continue;
        any = true;
        good = mark_slice(w, w->f->ins[v].arg[0], level, slice);
    }
    good = good && any;
    if (good) {
        buf_printf(w->out, "    int64_t far = 0;\n    LANES for (int64_t k = 0; k < n; k++) {\n");
        for (int v = 0; v < w->n; v++)
            if (slice[v]) put_line(w, v, level);
        for (int v = 0; v < w->n; v++) {
            if (w->f->ins[v].op != OP_EXPREL || !in_loop(w, v, level)) continue;
            buf_printf(w->out, "        far |= -(int64_t)!(cx_abs(");
            put_value(w, w->out, w->f->ins[v].arg[0], level);
            buf_printf(w->out, ") < CXM_EXPREL_NEAR);\n");
        }
        buf_printf(w->out, "    }\n");
    }
    cx_free(slice);
    return good;
}

static void put_lanes(Writer *w, int level)
{
    w->line = 0;
    buf_printf(w->out, "    LANES for (int64_t k = 0; k < n; k++) {\n");
    for (int v = 0; v < w->n; v++)
        if (in_loop(w, v, level)) put_line(w, v, level);
    buf_printf(w->out, "    }\n");
}

static void put_loop(Writer *w, int level)
{
    bool any = false;
    for (int v = 0; v < w->n && !any; v++) any = in_loop(w, v, level);
    if (!any) return;
    if (put_near(w, level)) {
        buf_printf(w->out, "    if (!far) {\n");
        w->near = true;
        put_lanes(w, level);
        w->near = false;
        buf_printf(w->out, "    } else {\n");
        put_lanes(w, level);
        buf_printf(w->out, "    }\n");
        return;
    }
    put_lanes(w, level);
}

/* Pointers to the block's first lane. */
static void put_pointers(Writer *w)
{
    bool *seen = cx_alloc(vec_len(w->m->field) + 1, sizeof *seen, "native code"), *seen_out = cx_alloc((size_t)w->f->n_out + 1, 1, "native code");
    bool src = false, tgt = false, mult = false, first = false, synapse = w->f->lanes == LANE_SYNAPSE;
    const char *at = w->list ? "" : " + at", *rel = w->list ? " + at" : " + (at - lo)";
    for (int v = 0; v < w->n; v++) {
        const Ins *s = &w->f->ins[v];
        if (!needed(w, v)) continue;
        bool column = (s->op == OP_LOAD || s->op == OP_STORE) && !w->m->field[s->imm.k].uniform;
        if (column && !seen[s->imm.k]) {
            buf_printf(w->out, "    double *const c%d = fr->col[%d]%s;\n", (int)s->imm.k, (int)s->imm.k, at);
            seen[s->imm.k] = true;
        }
        if ((s->op == OP_OUT || s->op == OP_OUTB) && !w->pass && !seen_out[s->imm.k]) {
            buf_printf(w->out, "    double *const o%d = out[%d]%s;\n", (int)s->imm.k, (int)s->imm.k, rel);
            seen_out[s->imm.k] = true;
        }
        src = src || s->op == OP_SRC_LOAD || (s->op == OP_I && synapse);
        tgt = tgt || s->op == OP_TGT_LOAD || (s->op == OP_J && synapse);
        mult = mult || s->op == OP_MULT;
        first = first || (s->op == OP_I && !synapse && !w->list);
    }
    if (src) buf_printf(w->out, "    const uint32_t *const src = fr->src%s;\n", at);
    if (tgt) buf_printf(w->out, "    const uint32_t *const tgt = fr->tgt%s;\n", at);
    if (mult) buf_printf(w->out, "    const uint32_t *const mult = fr->mult%s;\n", at);
    if (first) buf_printf(w->out, "    const double first = (double)at; // index of the block's first neuron\n");
    cx_free(seen);
    cx_free(seen_out);
}

static void put_fn(const IrModule *m, const IrFn *f, int number, bool list, Buf *out)
{
    size_t n = vec_len(f->ins);
    Writer w = {.m = m, .f = f, .out = out, .list = list, .pass = is_pass(f), .n = (int)n};
    w.uniform = cx_alloc(n + 1, sizeof *w.uniform, "native code");
    w.last = cx_alloc(3 * n + 3, sizeof *w.last, "native code");
    w.level = w.last + n, w.until = w.level + n;
    ir_uniform(m, f, w.uniform);
    for (int v = 0; v < w.n; v++) w.last[v] = -1;
    for (int v = 0; v < w.n; v++)
        for (int k = 0; k < 4; k++)
            if (f->ins[v].arg[k] >= 0) w.last[f->ins[v].arg[k]] = v;
    find_levels(&w);
    buf_printf(out, "\n// %s: %s\n", f->name, w.pass ? "a range of lanes, and which of them spike" : list ? "a list of lanes" : "a range of lanes");
    if (w.pass) buf_printf(out, "static size_t f%d_pass(const void *fn, const Frame *fr, int64_t lo, int64_t hi, uint32_t *hit, _Bool *all)\n{\n", number);
    else if (list) buf_printf(out, "static void f%d_list(const void *fn, const Frame *fr, const uint32_t *lanes, int64_t count, double *const *out)\n{\n", number);
    else buf_printf(out, "static void f%d_range(const void *fn, const Frame *fr, int64_t lo, int64_t hi, double *const *out)\n{\n", number);
    buf_printf(out, w.pass ? "    size_t hits = 0;\n    int64_t finite = -1, spikes[NATIVE_BLOCK] __attribute__((aligned(64)));\n    (void)fn;\n"
                           : "    (void)fn, (void)out;\n");
    put_uniform(&w);
    for (int v = 0; v < w.n; v++)
        if (staged(&w, v) && needed(&w, v) && !is_inline(&f->ins[v]))
            buf_printf(out, "    %s s%d[NATIVE_BLOCK] __attribute__((aligned(64)));\n", type_of(&f->ins[v]), v);
    const char *end = list ? "count" : "hi";
    buf_printf(out, "    for (int64_t at = %s, n; at < %s; at += n) {\n", list ? "0" : "lo", end);
    buf_printf(out, w.draws || w.pass ? "    n = %s - at < NATIVE_BLOCK ? %s - at : NATIVE_BLOCK;\n" : "    n = %s - at;\n", end, end);
    if (list) buf_printf(out, "    const uint32_t *const lane = lanes + at;\n");
    if (w.pass) buf_printf(out, "    int64_t any = 0;\n");
    put_pointers(&w);
    for (int level = 0; level < w.n_levels; level++) {
        for (int v = 0; v < w.n; v++)
            if (is_draw(&f->ins[v]) && !w.uniform[v] && w.level[v] == level && needed(&w, v)) put_draw(&w, v);
        put_loop(&w, level);
    }
    if (w.pass) buf_printf(out, "    if (any) hits += native_hits(spikes, at, n, hit + hits);\n    }\n    *all &= finite != 0;\n    return hits;\n}\n");
    else buf_printf(out, "    }\n}\n");
    cx_free(w.last);
    cx_free(w.uniform);
}

static void put_tables(const IrModule *m, Buf *out)
{
    if (!vec_len(m->table)) return;
    buf_printf(out, "\nstatic inline double element(const double *v, int n, double at)\n{\n"
                    "    return v[!(at > 0.0) ? 0 : (int64_t)(at < (double)(n - 1) ? at : (double)(n - 1))];\n}\n"
                    "static inline double place(const double *v, int n, double x)\n{\n"
                    "    int lo = 0, hi = n;\n"
                    "    while (lo < hi) {\n        int mid = lo + (hi - lo) / 2;\n"
                    "        if (v[mid] <= x) lo = mid + 1;\n        else hi = mid;\n    }\n    return (double)lo;\n}\n");
    for (size_t k = 0; k < vec_len(m->table); k++) {
        buf_printf(out, "static const double table%zu[] = {", k);
        for (int e = 0; e < m->table[k].n; e++) {
            double x = m->table[k].v[e];
            if (isfinite(x)) buf_printf(out, "%s%a,", e % 8 ? " " : "\n    ", x);
            else buf_printf(out, "%s%s,", e % 8 ? " " : "\n    ", isnan(x) ? "CXM_NAN" : x < 0 ? "-CXM_INF" : "CXM_INF");
        }
        buf_printf(out, "\n};\n");
    }
}

void native_emit(const IrModule *m, Buf *out)
{
    /* no name of a population: those that differ in nothing else share one kernel, which is compiled once */
    buf_printf(out, "// A kernel written by cortexc. Values are in ms, mV, pA, nS, pF, um.\n");
    /* That pass turns a choice between an old and a new state into a masked store, which costs more than it saves. */
    buf_printf(out, "#if defined(__GNUC__) && !defined(__clang__)\n#pragma GCC optimize(\"no-tree-dominator-opts\")\n#endif\n");
    buf_add(out, native_frame_text, strlen(native_frame_text));
    buf_add(out, native_abi_text, strlen(native_abi_text));
    buf_add(out, native_cxmath_text, strlen(native_cxmath_text));
    buf_printf(out, "\n#ifdef __clang__\n#define LANES _Pragma(\"clang loop vectorize(assume_safety)\")\n"
                    "#else\n#define LANES _Pragma(\"GCC ivdep\")\n#endif\n"
                    "static const NativeHost *host;\n");
    for (size_t k = 0; k < vec_len(m->field); k++)
        buf_printf(out, "// column %zu: %s%s%s\n", k, m->field[k].name, m->field[k].unit && *m->field[k].unit ? " in " : "",
                   m->field[k].unit ? m->field[k].unit : "");
    put_tables(m, out);
    for (size_t k = 0; k < vec_len(m->fn); k++) {
        if (!native_worth(m->fn[k])) continue;
        put_fn(m, m->fn[k], (int)k, false, out);
        if (!is_pass(m->fn[k])) put_fn(m, m->fn[k], (int)k, true, out);
    }
    buf_printf(out, "\nstatic const NativeFn functions[] = {\n");
    for (size_t k = 0; k < vec_len(m->fn); k++)
        buf_printf(out, !native_worth(m->fn[k]) ? "    {0, 0, 0},\n" : is_pass(m->fn[k]) ? "    {0, 0, f%zu_pass},\n" : "    {f%zu_range, f%zu_list, 0},\n", k, k);
    buf_printf(out, "};\n__attribute__((visibility(\"default\"))) const NativeTable cortexc_native = {%zu, functions, &host};\n", vec_len(m->fn));
}
