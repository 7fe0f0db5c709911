/* What a model expects of itself: measures over windows, from the spikes as they come. */
#ifndef CORTEXC_EXPECT_H
#define CORTEXC_EXPECT_H

#include "engine.h"

typedef struct Expect Expect;
typedef struct ExpectResult {
    const char *text;
    double value; /* Hz */
    bool met;
} ExpectResult;

/* The plan must outlive it. */
Expect *expect_new(const Plan *p);
Sink *expect_sink(Expect *x);
int expect_count(const Expect *x);
/* After `steps` steps: a window that the run did not reach the end of is cut there. */
ExpectResult expect_result(const Expect *x, int k, int64_t steps);
void expect_free(Expect *x);

#endif
