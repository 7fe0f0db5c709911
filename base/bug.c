/* An internal contradiction ends the program at once: a wrong result would be worse. */
#include "base.h"

#include <stdlib.h>

/* Prints where and why, then leaves with 70. Skips the handlers of exit, which might trip over the
 * same contradiction or over threads that still run. */
void cx_bug_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fflush(stdout);
    fprintf(stderr, "cortexc: internal error at %s:%d: ", file, line);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nthis is a defect of cortexc, not of your model; please report it\n");
    fflush(stderr);
    va_end(ap);
    _Exit(EXIT_BUG);
}
