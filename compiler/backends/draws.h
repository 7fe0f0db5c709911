/* Random draws of blocks of lanes: the same code for every backend. */
#ifndef CORTEXC_DRAWS_H
#define CORTEXC_DRAWS_H

#include "interp_isa.h"
#include "ir.h"

typedef struct DrawBlock {
    const Frame *fr;
    const InterpIsa *isa;
    Op op;
    LaneKind lanes;
    bool shared;
    unsigned single;      /* bit k: argument k is one cell for all lanes */
    uint64_t salt;
    const uint32_t *lane; /* lane numbers, or NULL: */
    int64_t lo;           /* the first of consecutive lanes */
    const double *arg[4];
} DrawBlock;

/* n draws, one a lane, into out, which must not overlap an argument. */
void draws_block(const DrawBlock *c, int64_t n, double *out);

#endif
