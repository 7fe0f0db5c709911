/* The world failed: a sentence and the exit status it deserves. */
#include "base.h"

/* Fills `f` (which may be NULL) and returns false, so that `return fail_set(…)` reads well. */
bool fail_set(Fail *f, int exit_code, const char *fmt, ...)
{
    if (f) {
        va_list ap;
        va_start(ap, fmt);
        f->exit_code = exit_code;
        vsnprintf(f->text, sizeof f->text, fmt, ap);
        va_end(ap);
    }
    return false;
}
