/* The table of backends. */
#include "ir.h"

#include <string.h>

#define BACKEND(name) extern const Backend name##_backend;
#include "backends.def"
#undef BACKEND

const Backend *const backends[] = {
#define BACKEND(name) &name##_backend,
#include "backends.def"
#undef BACKEND
};
const int n_backends = sizeof backends / sizeof *backends;

/* NULL when there is none of that name. */
const Backend *backend_find(const char *name)
{
    for (int k = 0; k < n_backends; k++)
        if (!strcmp(backends[k]->name, name)) return backends[k];
    return NULL;
}
