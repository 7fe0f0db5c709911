/* The interpreter's bytecode: interp.c writes it, interp_run.c runs it.
 *
 * A function becomes two programs, one for ranges and one for lists of lanes. A program runs its
 * `once` part with one lane for all that is uniform, then `body` for blocks of lanes. Operands are
 * slots: places in a table of pointers that every call makes in its own scratch memory, so that any
 * number of threads can run one program. A slot may point into a column of the frame, so loads and
 * most stores of ranges cost nothing. */
#ifndef CORTEXC_INTERP_H
#define CORTEXC_INTERP_H

#include "interp_isa.h"
#include "ir.h"

typedef enum SlotKind {
    SLOT_CONST, /* a cell of the program */
    SLOT_TABLE, /* an InterpTable of the program */
    SLOT_ONCE,  /* uniform cell `index` of the scratch memory */
    SLOT_REG,   /* register `index`: a block of cells */
    SLOT_BASE,  /* start of column `index` */
    SLOT_COL,   /* column `index` at the block's first lane (ranges) */
    SLOT_OUT,   /* result `index` at the block's first lane */
    SLOT_LANE,  /* lane numbers of the block (lists) */
    SLOT_SRC,   /* sources: at the block's first lane in ranges, the start in lists */
    SLOT_TGT,   /* targets, the same */
    SLOT_MULT,  /* which of the synapses of a pair, the same */
} SlotKind;

typedef struct InterpSlot {
    SlotKind kind;
    int32_t index;
    const void *cell; /* SLOT_CONST, SLOT_TABLE */
} InterpSlot;

/* Where a slot points when a call begins, before the frame's own slots are filled in: `at`, counted
 * from the scratch memory where `relative` is all ones, from nowhere where it is 0. */
typedef struct InterpStart {
    uintptr_t at, relative;
} InterpStart;

/* Uniform cells that every program has. */
enum { ONCE_T, ONCE_T1, ONCE_STEP, ONCE_LANE, N_ONCE };

typedef struct InterpIns {
    InterpLoop *loop;   /* NULL: a draw */
    int32_t d, arg[4];  /* slots; unused arguments are slot d */
    uint8_t op;         /* draws: */
    uint8_t single;     /* bit k: argument k is one cell */
    bool shared;
    uint64_t salt;
} InterpIns;

typedef struct InterpFrameSlot { /* a slot that points into the frame */
    int32_t slot, index;
    SlotKind kind;
    int32_t bytes; /* goes on by so many bytes a lane */
} InterpFrameSlot;

typedef struct InterpProg {
    const InterpIns *once, *body;
    const InterpStart *start;
    const InterpFrameSlot *frame;
    int n_once, n_body, n_slots, n_frame;
    int block;              /* lanes */
    size_t cells_at, bytes; /* of the scratch memory, which begins with the slots */
} InterpProg;

typedef struct InterpFn {
    const InterpIsa *isa;
    LaneKind lanes;
    InterpProg range, list;
} InterpFn;

/* The best instruction set of this machine, or a lower one by CORTEXC_ISA; NULL and a Fail for an unknown name. */
const InterpIsa *interp_isa(Fail *fail);
void interp_run_range(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi,
                      double *const *out);
size_t interp_run_pass(const KernelFn *fn, const Frame *fr, int64_t lo, int64_t hi, uint32_t *hit, bool *finite);
void interp_run_list(const KernelFn *fn, const Frame *fr, const uint32_t *lane, int64_t n,
                     double *const *out);

#endif
