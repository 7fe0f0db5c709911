/* Measures by their names. */
#include "measure.h"

#include <math.h>
#include <string.h>

static const Measure *const all[] = {
#define MEASURE(name) &measure_##name,
#include "measures.def"
#undef MEASURE
};

const Measure *measure_find(const char *name)
{
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (!strcmp(all[k]->def.name, name)) return all[k];
    cx_bug("no measure %s", name);
}

double measure_none(const char **why, const char *reason)
{
    *why = reason;
    return NAN;
}
