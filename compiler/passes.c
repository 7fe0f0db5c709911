/* The pass list. */
#include "ir.h"

#include <string.h>

const IrPass ir_passes[] = {
    {"fold", "computes what is constant and applies exact identities", fold_run},
    {"cse", "computes once what is computed twice", cse_run},
    {"fuse", "joins a product and a sum into one operation that rounds once", fuse_run},
    {"divide", "multiplies by the reciprocal of a constant instead of dividing by it", divide_run},
    {"dce", "drops what nothing reads", dce_run},
    {"join", "makes one function of what a population does in every step", join_run},
};
const int n_ir_passes = sizeof ir_passes / sizeof *ir_passes;

void ir_run_passes(IrModule *m, const char *dump_after, Buf *dump)
{
    for (int k = 0; k < n_ir_passes; k++) {
        ir_passes[k].run(m);
        const char *wrong = ir_verify(m->arena, m);
        if (wrong) cx_bug("after %s: %s", ir_passes[k].name, wrong);
        if (dump_after && dump &&
            (!strcmp(dump_after, "all") || !strcmp(dump_after, ir_passes[k].name))) {
            buf_printf(dump, "; after %s\n", ir_passes[k].name);
            ir_print(m, dump);
        }
    }
}
