/* Shared by output_read.c and output_data.c only: an output file that is being read. */
#ifndef CORTEXC_OUTPUT_FILE_H
#define CORTEXC_OUTPUT_FILE_H

#include "h5.h"
#include "output.h"

enum { PACKED_AT_MOST = 1100 }; /* h5repack's deflate: 1032 to 1 at most */

struct OutputFile {
    Arena *arena;
    H5file *h5;
    char *path;
    const char *created;
    Plan plan;
    PlanRun run;
    SummaryRow *row;
    const char **note;
    int64_t steps;
};

/* 65: the file is no complete output of cortexc. Returns false. */
bool output_broken(const OutputFile *o, const char *what, Fail *f);
/* A copy without control characters: texts that go to a terminal as they are must not command it. */
const char *output_clean(OutputFile *o, const char *text);
/* n texts, cleaned. */
bool output_words(OutputFile *o, const char *path, uint64_t n, const char **text);

#endif
