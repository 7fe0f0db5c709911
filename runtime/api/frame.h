/* What a call of a kernel's function is about. Also part of the C that the native backend writes. */
#ifndef CORTEXC_FRAME_H
#define CORTEXC_FRAME_H

#include <stdint.h>

typedef struct Frame {
    double *const *col;  /* col[f]: base of field f's column (index = neuron), or its single value */
    int64_t step;
    double t, t1;        /* exact t_n and t_{n+1}, ms */
    uint64_t key;        /* of the declaration: rng_key(seed, name) */
    /* LANE_SYNAPSE: coordinates of lane k */
    const uint32_t *src, *tgt, *mult;
    void *scratch;       /* kernel->scratch_bytes, 64-byte aligned, one per thread */
} Frame;

#endif
