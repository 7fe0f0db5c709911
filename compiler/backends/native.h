/* The native backend: IR as readable C (native_emit.c), compiled and loaded (native_build.c), in the background while
 * the interpreter runs (native.c). */
#ifndef CORTEXC_NATIVE_H
#define CORTEXC_NATIVE_H

#include "frame.h"
#include "ir.h"
#include "native_abi.h"

/* Is the function called often enough to be compiled? What runs once before the simulation is not. */
bool native_worth(const IrFn *f);
/* Appends the whole C text of a module; the place of a line in the model comes as a comment. */
void native_emit(const IrModule *m, Buf *out);

typedef struct NativeLib { /* a loaded kernel */
    void *handle;
    const NativeTable *table;
} NativeLib;
/* A running or finished compilation. `stop` is looked at while the compiler runs. */
typedef struct NativeJob {
    char *source;
    size_t len;
    const volatile int *stop;
} NativeJob;
/* Loads the kernel from the cache; false where it is not there. */
bool native_build_cached(const NativeJob *job, NativeLib *lib);
/* Compiles into the cache and loads. False with a reason. */
bool native_build(const NativeJob *job, NativeLib *lib, Fail *f);
void native_build_drop(NativeLib *lib);
/* A kernel that interprets until it is compiled; native.c. */
Kernel *native_build_later(const IrModule *m, Fail *f);

#endif
