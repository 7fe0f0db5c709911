/* What happens to a model at moments of a run: `set`, `at`, `every`, `until`, and the numbers of the network.
 * All of it is done by one thread between two windows of steps, in phase 2 of a step. Private to the runtime. */
#ifndef CORTEXC_AGENDA_H
#define CORTEXC_AGENDA_H

#include "engine_internal.h"

Agenda *agenda_new(Engine *e);
void agenda_free(Engine *e);
/* Behind the building of connectivity. */
void agenda_synapses(Engine *e);
/* The column that a FIELD_NETWORK field, or one called "source.@3", reads; NULL for others. */
double *agenda_column(const Engine *e, const KernelField *f);
/* Columns of a kernel that has none but numbers of the network. */
double *const *agenda_columns(const Engine *e, int kernel);
/* Run `run` of the plan begins now: its moments are put on the clock. */
bool agenda_begin(Engine *e, int run, Fail *f);
/* The first step from `from` on, below `end`, in which there is something to do; `end` if none. */
int64_t agenda_next(const Engine *e, int64_t from, int64_t end);
/* Does what is due at the time reached, of which phase 1 is done. *over: `until` is met. */
bool agenda_run(Engine *e, bool *over, Fail *f);
/* A number of the network; stays in its place. */
const double *agenda_value(const Engine *e, int net);
/* Spikes of one population stamped with the time of `step`. */
void agenda_spikes(Engine *e, int pop, int64_t step, const uint32_t *id, size_t n);

#endif
