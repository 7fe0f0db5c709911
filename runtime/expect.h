/* What a model expects of itself: measures over windows, from spikes and values as they come. */
#ifndef CORTEXC_EXPECT_H
#define CORTEXC_EXPECT_H

#include "engine.h"

typedef struct Expect Expect;
typedef struct ExpectResult {
    const char *text, *unit; /* unit of the value: "Hz", "" */
    double value;            /* NaN when there is none: */
    const char *why;         /* why there is none ("no spikes"), or NULL */
    bool met;
} ExpectResult;

/* The plan must outlive it. */
Expect *expect_new(const Plan *p);
Sink *expect_sink(Expect *x);
int expect_count(const Expect *x);
/* Once, after the run: windows end where the run did. Looks at the synapses of `e`. */
void expect_finish(Expect *x, const Engine *e);
ExpectResult expect_result(const Expect *x, int k);
void expect_free(Expect *x);

#endif
