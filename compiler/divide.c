/* x / c for a constant c becomes fma(x, high, x * low), where high + low is 1/c to 106 bits: a division takes as long
 * as five multiplications. The sum before its only rounding is off by 2^-104 of itself, so the result is that of the division
 * unless this lies within 2^-51 ulp of the middle between two doubles, or is subnormal (Brisebarre, Muller and Raina 2004). High
 * is rounded towards zero: both parts have one sign, and so infinite x and zeros of either sign come out as they do from
 * a division. */
#include "ir.h"

#include <math.h>

/* 1/c in two parts; false where a part would be subnormal or overflow. */
static bool reciprocal(double c, double *high, double *low)
{
    if (!(fabs(c) > 0x1p-900) || !(fabs(c) < 0x1p900)) return false;
    *high = 1.0 / c;
    double rest = fma(-*high, c, 1.0); /* exact */
    if (rest < 0) {
        *high = fma(-*high, 0x1p-53, *high); /* the next one towards zero: it is no power of two */
        rest = fma(-*high, c, 1.0);
    }
    *low = rest / c;
    return true;
}

void divide_run(IrModule *m)
{
    for (size_t k = 0; k < vec_len(m->fn); k++) {
        IrFn *f = m->fn[k];
        Ins *old = f->ins;
        int *map = cx_alloc(vec_len(old) + 1, sizeof *map, "division");
        f->ins = NULL;
        for (size_t i = 0; i < vec_len(old); i++) {
            double c, high, low;
            if (old[i].op == OP_DIV && ir_is_const(f, map[old[i].arg[1]], &c) && reciprocal(c, &high, &low)) {
                int x = map[old[i].arg[0]], by = ir_const(f, high);
                Span at = old[i].span;
                map[i] = low == 0 ? ir_op(f, OP_MUL, at, 2, (int[]){x, by})
                                  : ir_op(f, OP_FMA, at, 3, (int[]){x, by, ir_op(f, OP_MUL, at, 2, (int[]){x, ir_const(f, low)})});
            } else {
                map[i] = ir_copy(f, &old[i], map);
            }
        }
        cx_free(map);
        vec_free(old);
    }
}
