/* Mean, spread and extremes of a variable. */
#include "measure.h"

static double mean(const Average *a) { return a->mean; }
static double least(const Average *a) { return a->min; }
static double greatest(const Average *a) { return a->max; }

#define OF_VALUES(id, text, shown, function)                                                                       \
    const Measure measure_##id = {                                                                                 \
        .def = {.name = #id, .doc = text, .source = "", .example = shown, .unit = MEASURE_VALUE, .of_values = true, .sides = 1}, \
        .of = function}

OF_VALUES(mean, "mean of a variable over the selected neurons and all steps of the window, or over the synapses of a projection at the end",
          "expect mean(E.V, last = 200 ms) in [-60 mV, -55 mV]", mean);
OF_VALUES(sd, "standard deviation of the same values", "expect sd(ee.weight) < 0.1 nS", average_sd);
OF_VALUES(min, "the least of them", "expect min(E.V) > -80 mV", least);
OF_VALUES(max, "the greatest of them", "expect max(E.w) < 100 pA", greatest);
