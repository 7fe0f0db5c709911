/* The reference backend: turns the functions of a module into bytecode whose instructions work on
 * blocks of lanes. Needs no tool chain and starts at once. */
#include "interp.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_BLOCK = 256, MIN_BLOCK = 64, REGISTER_BYTES = 24 * 1024 /* of a first-level cache */ };

typedef struct Writer {
    const IrModule *m;
    const IrFn *f;
    const InterpIsa *isa;
    Arena *a;
    bool list;
    int n; /* instructions of f */
    bool *uniform;
    int *last;        /* last instruction that reads value v, -1 none */
    int *place;       /* slot of value v */
    int *column;      /* field in whose column value v is computed, -1 none */
    int *result;      /* result as which value v is computed, -1 none */
    InterpSlot *slot; /* vecs */
    InterpIns *once, *body;
    int *free_reg; /* slots of registers */
    int n_regs, n_cells;
} Writer;

static int slot_of(Writer *w, SlotKind kind, int index)
{
    for (size_t k = 0; k < vec_len(w->slot); k++)
        if (w->slot[k].kind == kind && w->slot[k].index == index) return (int)k;
    vec_push(w->slot, ((InterpSlot){.kind = kind, .index = index}));
    return (int)vec_len(w->slot) - 1;
}

static int slot_const(Writer *w, InterpCell c)
{
    for (size_t k = 0; k < vec_len(w->slot); k++)
        if (w->slot[k].kind == SLOT_CONST && !memcmp(w->slot[k].cell, &c, sizeof c)) return (int)k;
    InterpSlot s = {.kind = SLOT_CONST, .cell = arena_dup(w->a, &c, sizeof c)};
    vec_push(w->slot, s);
    return (int)vec_len(w->slot) - 1;
}

static int new_cell(Writer *w)
{
    return slot_of(w, SLOT_ONCE, w->n_cells++);
}

/* The register freed last is the one most likely in the cache. */
static int new_reg(Writer *w)
{
    return vec_len(w->free_reg) ? vec_pop(w->free_reg) : slot_of(w, SLOT_REG, w->n_regs++);
}

static void emit(Writer *w, bool once, InterpLoop *loop, int d, int a, int b, int c)
{
    InterpIns s = {.loop = loop, .d = d, .arg = {a, b < 0 ? d : b, c < 0 ? d : c, d}};
    if (!loop) cx_bug("no loop for an operation of %s", w->f->name);
    if (once)
        vec_push(w->once, s);
    else
        vec_push(w->body, s);
}

static bool is_pure(const Ins *s)
{
    return ir_op_table[s->op].c[0] != 0;
}

/* Is field k stored strictly between instructions lo and hi? */
static bool stored_between(const Writer *w, int64_t k, int lo, int hi)
{
    for (int i = lo + 1; i < hi; i++)
        if (w->f->ins[i].op == OP_STORE && w->f->ins[i].imm.k == k) return true;
    return false;
}

/* A load is the column itself as long as nothing overwrites the field before its last reader. */
static bool load_in_place(const Writer *w, int i)
{
    return !stored_between(w, w->f->ins[i].imm.k, i, w->last[i]);
}

/* May value v be computed right in the column of field k, which instruction `at` stores? Not when
 * anyone still needs what stands there, or the column changes while v is still read from it. */
static bool store_in_place(const Writer *w, int v, int64_t k, int at)
{
    if (stored_between(w, k, v, at) || stored_between(w, k, at, w->last[v])) return false;
    for (int i = 0; i < at; i++) {
        const Ins *s = &w->f->ins[i];
        if (s->op == OP_LOAD && s->imm.k == k && (i > v || (load_in_place(w, i) && w->last[i] > v)))
            return false;
        if (i < v && w->column[i] == k && w->last[i] > v) return false;
    }
    return true;
}

/* Chooses for each pure value whether it is computed in a column or a result instead of a register.
 */
static void choose_places(Writer *w)
{
    const Ins *ins = w->f->ins;
    for (int v = 0; v < w->n; v++)
        w->column[v] = w->result[v] = -1;
    for (int v = 0; v < w->n; v++) {
        if (w->uniform[v] || !is_pure(&ins[v])) continue;
        for (int i = v + 1; i <= w->last[v] && w->column[v] < 0; i++) {
            if (ins[i].arg[0] != v) continue;
            if (ins[i].op == OP_OUT) w->result[v] = (int)ins[i].imm.k;
            if (ins[i].op == OP_STORE && !w->list && store_in_place(w, v, ins[i].imm.k, i))
                w->column[v] = (int)ins[i].imm.k;
        }
    }
}

/* A place for value i; its registers may be those of arguments that are read here for the last
 * time. */
static int place_value(Writer *w, int i)
{
    if (w->uniform[i]) return new_cell(w);
    if (w->column[i] >= 0) return slot_of(w, SLOT_COL, w->column[i]);
    if (w->result[i] >= 0) return slot_of(w, SLOT_OUT, w->result[i]);
    return new_reg(w);
}

static void free_arguments(Writer *w, int i)
{
    const Ins *s = &w->f->ins[i];
    for (int k = 0; k < 4; k++) {
        int v = s->arg[k];
        if (v < 0 || w->last[v] != i || w->slot[w->place[v]].kind != SLOT_REG) continue;
        bool again = false;
        for (int j = 0; j < k; j++)
            again |= s->arg[j] == v;
        if (!again) vec_push(w->free_reg, w->place[v]);
    }
}

static unsigned singles(const Writer *w, const Ins *s)
{
    unsigned p = 0;
    for (int k = 0; k < 4; k++)
        if (s->arg[k] >= 0 && w->uniform[s->arg[k]]) p |= 1u << k;
    return p;
}

static void write_pure(Writer *w, int i)
{
    const Ins *s = &w->f->ins[i];
    int arg[3];
    for (int k = 0; k < 3; k++)
        arg[k] = s->arg[k] >= 0 ? w->place[s->arg[k]] : -1;
    free_arguments(w, i);
    w->place[i] = place_value(w, i);
    emit(w, w->uniform[i], w->isa->pure[s->op][w->uniform[i] ? 0 : singles(w, s)], w->place[i],
         arg[0], arg[1], arg[2]);
}

static void write_draw(Writer *w, int i)
{
    const Ins *s = &w->f->ins[i];
    InterpIns d = {.op = (uint8_t)s->op,
                   .single = (uint8_t)singles(w, s),
                   .shared = s->flags & INS_SHARED,
                   .salt = (uint64_t)s->imm.k};
    d.d = w->place[i] =
        place_value(w, i); /* apart from the arguments, which are read after writing */
    for (int k = 0; k < 4; k++) {
        d.arg[k] = s->arg[k] >= 0 ? w->place[s->arg[k]] : d.d;
        if (s->arg[k] < 0) d.single |= (uint8_t)(1u << k);
    }
    free_arguments(w, i);
    if (w->uniform[i])
        vec_push(w->once, d);
    else
        vec_push(w->body, d);
}

static void write_load(Writer *w, int i)
{
    int k = (int)w->f->ins[i].imm.k;
    bool once = w->uniform[i];
    if (w->list && !once) {
        w->place[i] = new_reg(w);
        emit(w, false, w->isa->gather, w->place[i], slot_of(w, SLOT_BASE, k),
             slot_of(w, SLOT_LANE, 0), -1);
        return;
    }
    int column = slot_of(w, once ? SLOT_BASE : SLOT_COL, k);
    if (load_in_place(w, i)) {
        w->place[i] = column;
        return;
    }
    w->place[i] = place_value(w, i);
    emit(w, once, w->isa->copy, w->place[i], column, -1, -1);
}

/* A column of the sources or targets. */
static void write_end_load(Writer *w, int i)
{
    const Ins *s = &w->f->ins[i];
    int d = w->place[i] = new_reg(w), column = slot_of(w, SLOT_BASE, (int)s->imm.k);
    int ends = slot_of(w, s->op == OP_SRC_LOAD ? SLOT_SRC : SLOT_TGT, 0);
    if (w->list)
        emit(w, false, w->isa->gather_by, d, column, slot_of(w, SLOT_LANE, 0), ends);
    else
        emit(w, false, w->isa->gather, d, column, ends, -1);
}

/* A column of another population, at the neuron whose number is the argument. */
static void write_link(Writer *w, int i)
{
    const Ins *s = &w->f->ins[i];
    int at = w->place[s->arg[0]], column = slot_of(w, SLOT_BASE, (int)s->imm.k);
    free_arguments(w, i);
    w->place[i] = place_value(w, i);
    emit(w, w->uniform[i], w->isa->gather_at, w->place[i], column, at, -1);
}

static void write_store(Writer *w, int i)
{
    const Ins *s = &w->f->ins[i];
    int v = s->arg[0], k = (int)s->imm.k;
    bool single = w->uniform[v];
    if (w->m->field[k].uniform) {
        emit(w, true, w->isa->copy, slot_of(w, SLOT_BASE, k), w->place[v], -1, -1);
    } else if (w->list) {
        emit(w, false, single ? w->isa->scatter_fill : w->isa->scatter, slot_of(w, SLOT_BASE, k),
             w->place[v], slot_of(w, SLOT_LANE, 0), -1);
    } else {
        int d = slot_of(w, SLOT_COL, k);
        if (d != w->place[v])
            emit(w, false, single ? w->isa->fill : w->isa->copy, d, w->place[v], -1, -1);
    }
    free_arguments(w, i);
}

static void write_out(Writer *w, int i)
{
    const Ins *s = &w->f->ins[i];
    int v = s->arg[0], from = w->place[v], d = slot_of(w, SLOT_OUT, (int)s->imm.k);
    InterpLoop *number = w->isa->pure[OP_NUM][0];
    if (w->uniform[v]) {
        if (s->op == OP_OUTB) {
            int cell = new_cell(w);
            emit(w, true, number, cell, from, -1, -1);
            from = cell;
        }
        emit(w, false, w->isa->fill, d, from, -1, -1);
    } else if (s->op == OP_OUTB) {
        emit(w, false, number, d, from, -1, -1);
    } else if (d != from) {
        emit(w, false, w->isa->copy, d, from, -1, -1);
    }
    free_arguments(w, i);
}

/* Lane numbers as doubles. In lists sources and targets are looked up by the lanes of the list. */
static void write_index(Writer *w, int i)
{
    bool synapse = w->f->lanes == LANE_SYNAPSE;
    int d = w->place[i] = new_reg(w), lane = w->list ? slot_of(w, SLOT_LANE, 0) : -1;
    Op op = w->f->ins[i].op;
    int ends = synapse ? slot_of(w, op == OP_I ? SLOT_SRC : op == OP_J ? SLOT_TGT : SLOT_MULT, 0) : -1;
    if (synapse && w->list)
        emit(w, false, w->isa->widen_gather, d, ends, lane, -1);
    else if (synapse)
        emit(w, false, w->isa->widen, d, ends, -1, -1);
    else if (w->list)
        emit(w, false, w->isa->widen, d, lane, -1, -1);
    else
        emit(w, false, w->isa->count, d, slot_of(w, SLOT_ONCE, ONCE_LANE), -1, -1);
}

/* An element of a table, or a place in it. */
static void write_table(Writer *w, int i)
{
    const Ins *s = &w->f->ins[i];
    const IrTable *t = &w->m->table[s->imm.k];
    int at = w->place[s->arg[0]], table = slot_of(w, SLOT_TABLE, (int)s->imm.k);
    if (!w->slot[table].cell) {
        InterpTable *keep = arena_one(w->a, InterpTable);
        *keep = (InterpTable){arena_dup(w->a, t->v, (size_t)t->n * sizeof *t->v), t->n};
        w->slot[table].cell = keep;
    }
    free_arguments(w, i);
    w->place[i] = place_value(w, i);
    emit(w, w->uniform[i], s->op == OP_LOOKUP ? w->isa->lookup : w->isa->search, w->place[i], at, table, -1);
}

static void write_ins(Writer *w, int i)
{
    const Ins *s = &w->f->ins[i];
    InterpCell c;
    if (s->type != '-' && w->last[i] < 0) return;
    switch ((Op)s->op) {
    case OP_CONST:
        c.f = s->imm.f;
        w->place[i] = slot_const(w, c);
        return;
    case OP_TRUTH:
        c.b = s->imm.k ? -1 : 0;
        w->place[i] = slot_const(w, c);
        return;
    case OP_T:
        w->place[i] = slot_of(w, SLOT_ONCE, s->imm.k ? ONCE_T1 : ONCE_T);
        return;
    case OP_STEP:
        w->place[i] = slot_of(w, SLOT_ONCE, ONCE_STEP);
        return;
    case OP_LOAD:
        write_load(w, i);
        return;
    case OP_SRC_LOAD:
    case OP_TGT_LOAD:
        write_end_load(w, i);
        return;
    case OP_LINK:
        write_link(w, i);
        return;
    case OP_STORE:
        write_store(w, i);
        return;
    case OP_OUT:
    case OP_OUTB:
        write_out(w, i);
        return;
    case OP_I:
    case OP_J:
    case OP_MULT:
        write_index(w, i);
        return;
    case OP_LOOKUP:
    case OP_SEARCH:
        write_table(w, i);
        return;
    case OP_RUNIFORM:
    case OP_RNORMAL:
    case OP_RLOGNORMAL:
    case OP_REXPONENTIAL:
    case OP_RGAMMA:
    case OP_RBINOMIAL:
    case OP_RPOISSON:
        write_draw(w, i);
        return;
    default:
        write_pure(w, i);
        return;
    }
}

static int lane_bytes(const Writer *w, SlotKind k)
{
    switch (k) {
    case SLOT_COL:
    case SLOT_OUT:
        return 8;
    case SLOT_LANE:
        return 4;
    case SLOT_SRC:
    case SLOT_TGT:
    case SLOT_MULT:
        return w->list ? 0 : 4;
    default:
        return 0;
    }
}

static size_t round_up(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static const void *keep(Arena *a, const void *vec, size_t elem)
{
    return vec_len(vec) ? arena_dup(a, vec, vec_len(vec) * elem) : NULL;
}

static InterpProg finish(Writer *w)
{
    InterpProg p = {.n_once = (int)vec_len(w->once),
                    .n_body = (int)vec_len(w->body),
                    .n_slots = (int)vec_len(w->slot),
                    .block = MAX_BLOCK};
    while (p.block > MIN_BLOCK && w->n_regs * p.block * (int)sizeof(InterpCell) > REGISTER_BYTES)
        p.block /= 2;
    p.once = keep(w->a, w->once, sizeof *w->once);
    p.body = keep(w->a, w->body, sizeof *w->body);
    p.cells_at = round_up((size_t)p.n_slots * sizeof(void *));
    size_t regs_at = round_up(p.cells_at + (size_t)w->n_cells * sizeof(InterpCell));
    size_t reg_bytes = (size_t)p.block * sizeof(InterpCell);
    p.bytes = regs_at + (size_t)w->n_regs * reg_bytes;
    InterpStart *start = arena_many(w->a, InterpStart, (size_t)p.n_slots + 1);
    InterpFrameSlot *frame = arena_many(w->a, InterpFrameSlot, (size_t)p.n_slots + 1);
    for (int k = 0; k < p.n_slots; k++) {
        const InterpSlot *s = &w->slot[k];
        size_t index = (size_t)s->index;
        if (s->kind == SLOT_CONST || s->kind == SLOT_TABLE)
            start[k] = (InterpStart){(uintptr_t)s->cell, 0};
        else if (s->kind == SLOT_ONCE)
            start[k] = (InterpStart){p.cells_at + index * sizeof(InterpCell), UINTPTR_MAX};
        else if (s->kind == SLOT_REG)
            start[k] = (InterpStart){regs_at + index * reg_bytes, UINTPTR_MAX};
        else
            frame[p.n_frame++] = (InterpFrameSlot){k, s->index, s->kind, lane_bytes(w, s->kind)};
    }
    p.start = start;
    p.frame = frame;
    return p;
}

static InterpProg write_prog(Arena *a, const IrModule *m, const IrFn *f, const InterpIsa *isa,
                             bool list)
{
    size_t n = vec_len(f->ins);
    Writer w = {.m = m, .f = f, .isa = isa, .a = a, .list = list, .n = (int)n, .n_cells = N_ONCE};
    w.uniform = cx_alloc(n + 1, sizeof *w.uniform, "interpreter");
    w.last = cx_alloc(4 * n + 4, sizeof *w.last, "interpreter");
    w.place = w.last + n, w.column = w.place + n, w.result = w.column + n;
    ir_uniform(m, f, w.uniform);
    for (int i = 0; i < w.n; i++)
        w.last[i] = -1;
    for (int i = 0; i < w.n; i++)
        for (int k = 0; k < 4; k++)
            if (f->ins[i].arg[k] >= 0) w.last[f->ins[i].arg[k]] = i;
    choose_places(&w);
    for (int i = 0; i < w.n; i++)
        write_ins(&w, i);
    InterpProg p = finish(&w);
    vec_free(w.slot);
    vec_free(w.once);
    vec_free(w.body);
    vec_free(w.free_reg);
    cx_free(w.last);
    cx_free(w.uniform);
    return p;
}

/* The best instruction set of this machine, or a lower one by CORTEXC_ISA. */
const InterpIsa *interp_isa(Fail *fail)
{
    static const InterpIsa *const isa[] = {&interp_isa_base, &interp_isa_avx2, &interp_isa_avx512};
    int best = 0;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2"))
        best = 1;
    if (best && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        best = 2;
#endif
    const char *asked = getenv("CORTEXC_ISA");
    if (!asked || !*asked) return isa[best];
    for (int k = 0; k < 3; k++)
        if (!strcmp(asked, isa[k]->name)) return isa[k < best ? k : best];
    fail_set(fail, EXIT_USAGE, "CORTEXC_ISA is `%s`, not base, avx2 or avx512", asked);
    return NULL;
}

static bool needs_noise(const IrFn *f)
{
    for (size_t i = 0; i < vec_len(f->ins); i++)
        if (f->ins[i].op == OP_XI) return true;
    return false;
}

static void free_kernel(Kernel *k)
{
    arena_free(k->impl);
}

/* Functions keep their numbers. Those with white noise in them cannot run and have no entry points.
 */
static Kernel *build(const IrModule *m, Fail *fail)
{
    Arena *a = arena_new("interp kernel");
    const char *wrong = ir_verify(a, m);
    const InterpIsa *isa = interp_isa(fail);
    if (wrong) fail_set(fail, EXIT_BUG, "module %s: %s", m->name, wrong);
    if (wrong || !isa) {
        arena_free(a);
        return NULL;
    }
    Kernel *k = arena_one(a, Kernel);
    *k = (Kernel){.abi = CORTEXC_KERNEL_ABI,
                  .backend = "interp",
                  .hash = ir_hash(m),
                  .impl = a,
                  .free = free_kernel,
                  .n_fields = (int)vec_len(m->field),
                  .n_fns = (int)vec_len(m->fn),
                  .scratch_bytes = 64};
    KernelField *field = arena_many(a, KernelField, (size_t)k->n_fields + 1);
    for (int i = 0; i < k->n_fields; i++)
        field[i] =
            (KernelField){arena_strdup(a, m->field[i].name), arena_strdup(a, m->field[i].unit),
                          m->field[i].kind, m->field[i].uniform};
    KernelFn *fn = arena_many(a, KernelFn, (size_t)k->n_fns + 1);
    for (int i = 0; i < k->n_fns; i++) {
        const IrFn *f = m->fn[i];
        fn[i] = (KernelFn){.name = arena_strdup(a, f->name), .role = f->role, .n_out = f->n_out};
        if (needs_noise(f)) continue;
        InterpFn *impl = arena_one(a, InterpFn);
        *impl = (InterpFn){isa, f->lanes, write_prog(a, m, f, isa, false),
                           write_prog(a, m, f, isa, true)};
        if (impl->range.bytes > k->scratch_bytes) k->scratch_bytes = impl->range.bytes;
        if (impl->list.bytes > k->scratch_bytes) k->scratch_bytes = impl->list.bytes;
        fn[i].impl = impl;
        fn[i].range = interp_run_range;
        fn[i].list = interp_run_list;
        if (fn[i].role == FN_PASS || fn[i].role == FN_TAIL) fn[i].pass = interp_run_pass;
    }
    k->field = field;
    k->fn = fn;
    return k;
}

const Backend interp_backend = {
    .name = "interp",
    .doc = "evaluates blocks of neurons at once; starts without a compiler",
    .build = build,
};
