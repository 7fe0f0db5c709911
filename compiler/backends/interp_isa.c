/* One loop per operation and pattern of arguments, made from the rows of ops.def. This file is compiled
 * once per instruction set; all give the same bits, since every lane goes through the same operations
 * of cxmath.h and nothing is contracted. */
#include "interp_isa.h"

#include <stdbool.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "cxmath.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

/* Lanes are independent: d is either an argument itself or apart from all of them. */
#ifdef __clang__
#define LANES _Pragma("clang loop vectorize(assume_safety)") for (int64_t k = 0; k < n; k++)
#else
#define LANES _Pragma("GCC ivdep") for (int64_t k = 0; k < n; k++)
#endif

typedef double Cell_f;
typedef int64_t Cell_b;
/* Of arguments f an expression of type b is a C truth; of arguments b it is a mask already. */
#define RESULT_f_f(e) (e)
#define RESULT_b_f(e) (e)
#define RESULT_f_b(e) ((e) ? (int64_t)-1 : (int64_t)0)
#define RESULT_b_b(e) (e)

#define UNUSED __attribute__((unused))
#define LOOP(id, p) \
    static void id##_##p(int64_t n, void *d_, UNUSED const void *a_, UNUSED const void *b_, UNUSED const void *c_)

#define LOOP1(id, p, ta, tr, e) \
    LOOP(id, p) \
    { \
        Cell_##tr *d = d_; \
        LANES { \
            const Cell_##ta A = ((const Cell_##ta *)a_)[k]; \
            d[k] = RESULT_##ta##_##tr(e); \
        } \
    }
/* A single cell is read before the loop, which may overwrite it as far as the compiler knows. */
#define LOOP2(id, p, ta, tb, tr, e) \
    LOOP(id, p) \
    { \
        Cell_##tr *d = d_; \
        const Cell_##ta a0 = *(const Cell_##ta *)a_; \
        const Cell_##tb b0 = *(const Cell_##tb *)b_; \
        LANES { \
            const Cell_##ta A = (p) & 1 ? a0 : ((const Cell_##ta *)a_)[k]; \
            const Cell_##tb B = (p) & 2 ? b0 : ((const Cell_##tb *)b_)[k]; \
            d[k] = RESULT_##ta##_##tr(e); \
        } \
    }
#define LOOP3(id, p, ta, tb, tc, tr, e) \
    LOOP(id, p) \
    { \
        Cell_##tr *d = d_; \
        const Cell_##ta a0 = *(const Cell_##ta *)a_; \
        const Cell_##tb b0 = *(const Cell_##tb *)b_; \
        const Cell_##tc c0 = *(const Cell_##tc *)c_; \
        LANES { \
            const Cell_##ta A = (p) & 1 ? a0 : ((const Cell_##ta *)a_)[k]; \
            const Cell_##tb B = (p) & 2 ? b0 : ((const Cell_##tb *)b_)[k]; \
            const Cell_##tc C = (p) & 4 ? c0 : ((const Cell_##tc *)c_)[k]; \
            d[k] = RESULT_##ta##_##tr(e); \
        } \
    }

#define MAKE1(id, ta, tr, e) LOOP1(id, 0, ta, tr, e)
#define MAKE2(id, ta, tb, tr, e) \
    LOOP2(id, 0, ta, tb, tr, e) LOOP2(id, 1, ta, tb, tr, e) LOOP2(id, 2, ta, tb, tr, e)
#define MAKE3(id, ta, tb, tc, tr, e) \
    LOOP3(id, 0, ta, tb, tc, tr, e) LOOP3(id, 1, ta, tb, tc, tr, e) LOOP3(id, 2, ta, tb, tc, tr, e) \
    LOOP3(id, 3, ta, tb, tc, tr, e) LOOP3(id, 4, ta, tb, tc, tr, e) LOOP3(id, 5, ta, tb, tc, tr, e) \
    LOOP3(id, 6, ta, tb, tc, tr, e)
#define MAKE_f(id, tr, e) MAKE1(id, f, tr, e)
#define MAKE_b(id, tr, e) MAKE1(id, b, tr, e)
#define MAKE_ff(id, tr, e) MAKE2(id, f, f, tr, e)
#define MAKE_bb(id, tr, e) MAKE2(id, b, b, tr, e)
#define MAKE_fff(id, tr, e) MAKE3(id, f, f, f, tr, e)
#define MAKE_bff(id, tr, e) MAKE3(id, b, f, f, tr, e)
#define MAKE_bbb(id, tr, e) MAKE3(id, b, b, b, tr, e)

#define SPECIAL(id, name, args, type, doc)
#define OP(id, name, args, type, c, doc) MAKE_##args(id, type, c)
#include "ops.def"
#undef OP

LOOP(copy, 0)
{
    uint64_t *d = d_;
    const uint64_t *a = a_;
    LANES d[k] = a[k];
}

LOOP(fill, 0)
{
    uint64_t *d = d_;
    const uint64_t a0 = *(const uint64_t *)a_;
    LANES d[k] = a0;
}

LOOP(gather, 0)
{
    uint64_t *d = d_;
    const uint64_t *a = a_;
    const uint32_t *b = b_;
    LANES d[k] = a[b[k]];
}

LOOP(gather_at, 0)
{
    uint64_t *d = d_;
    const uint64_t *a = a_;
    const double *b = b_;
    LANES d[k] = a[(int64_t)b[k]];
}

LOOP(gather_by, 0)
{
    uint64_t *d = d_;
    const uint64_t *a = a_;
    const uint32_t *b = b_, *c = c_;
    LANES d[k] = a[c[b[k]]];
}

LOOP(scatter, 0)
{
    uint64_t *d = d_;
    const uint64_t *a = a_;
    const uint32_t *b = b_;
    for (int64_t k = 0; k < n; k++) d[b[k]] = a[k];
}

LOOP(scatter_fill, 0)
{
    uint64_t *d = d_;
    const uint64_t a0 = *(const uint64_t *)a_;
    const uint32_t *b = b_;
    for (int64_t k = 0; k < n; k++) d[b[k]] = a0;
}

LOOP(count, 0)
{
    double *d = d_;
    const double a0 = *(const double *)a_;
    LANES d[k] = a0 + (double)(int32_t)k;
}

LOOP(widen, 0)
{
    double *d = d_;
    const uint32_t *a = a_;
    LANES d[k] = (double)a[k];
}

LOOP(widen_gather, 0)
{
    double *d = d_;
    const uint32_t *a = a_, *b = b_;
    LANES d[k] = (double)a[b[k]];
}

LOOP(lookup, 0)
{
    double *d = d_;
    const double *a = a_;
    const InterpTable *t = b_;
    const double last = (double)(t->n - 1);
    for (int64_t k = 0; k < n; k++) d[k] = t->v[!(a[k] > 0.0) ? 0 : (int64_t)(a[k] < last ? a[k] : last)];
}

/* Neighbouring lanes mostly ask for the same place, so it is tried first. */
LOOP(search, 0)
{
    double *d = d_;
    const double *a = a_;
    const InterpTable *t = b_;
    int64_t at = 0;
    for (int64_t k = 0; k < n; k++) {
        const double x = a[k];
        if (!((at == 0 || t->v[at - 1] <= x) && (at == t->n || t->v[at] > x))) {
            int64_t lo = 0, hi = t->n;
            while (lo < hi) {
                const int64_t mid = lo + (hi - lo) / 2;
                if (t->v[mid] <= x) lo = mid + 1;
                else hi = mid;
            }
            at = lo;
        }
        d[k] = (double)at;
    }
}

#define SCALE(p) \
    LOOP(scale, p) \
    { \
        double *d = d_; \
        const double a0 = *(const double *)a_, b0 = *(const double *)b_; \
        LANES { \
            const double A = (p) & 1 ? a0 : ((const double *)a_)[k]; \
            const double B = (p) & 2 ? b0 : ((const double *)b_)[k]; \
            const double x = A + B * d[k]; \
            d[k] = B == 0.0 ? A : x; \
        } \
    }
SCALE(0)
SCALE(1)
SCALE(2)
SCALE(3)

/* Mostly none or few, so four lanes at a time are looked at. */
static int outside(int n, const double *x, double a, double b, uint32_t *lane)
{
    int found = 0, k = 0;
#ifdef __AVX2__
    const __m256d lo = _mm256_set1_pd(a), hi = _mm256_set1_pd(b);
    for (; k + 4 <= n; k += 4) {
        __m256d v = _mm256_loadu_pd(x + k);
        __m256d in = _mm256_and_pd(_mm256_cmp_pd(v, lo, _CMP_GE_OQ), _mm256_cmp_pd(v, hi, _CMP_LE_OQ));
        for (unsigned out = ~(unsigned)_mm256_movemask_pd(in) & 15u; out; out &= out - 1)
            lane[found++] = (uint32_t)(k + __builtin_ctz(out));
    }
#endif
    for (; k < n; k++)
        if (!(x[k] >= a && x[k] <= b)) lane[found++] = (uint32_t)k;
    return found;
}

#define ROW1(id) {id##_0}
#define ROW2(id) {id##_0, id##_1, id##_2}
#define ROW3(id) {id##_0, id##_1, id##_2, id##_3, id##_4, id##_5, id##_6}
#define ROW_f(id) ROW1(id)
#define ROW_b(id) ROW1(id)
#define ROW_ff(id) ROW2(id)
#define ROW_bb(id) ROW2(id)
#define ROW_fff(id) ROW3(id)
#define ROW_bff(id) ROW3(id)
#define ROW_bbb(id) ROW3(id)
#define NAME_(isa) #isa
#define NAME(isa) NAME_(isa)

const InterpIsa JOIN(interp_isa_, CX_ISA) = {
    .name = NAME(CX_ISA),
    .pure =
        {
#define SPECIAL(id, name, args, type, doc)
#define OP(id, name, args, type, c, doc) [OP_##id] = ROW_##args(id),
#include "ops.def"
#undef OP
        },
    .copy = copy_0,
    .fill = fill_0,
    .gather = gather_0,
    .gather_at = gather_at_0,
    .gather_by = gather_by_0,
    .scatter = scatter_0,
    .scatter_fill = scatter_fill_0,
    .count = count_0,
    .widen = widen_0,
    .widen_gather = widen_gather_0,
    .lookup = lookup_0,
    .search = search_0,
    .scale = {scale_0, scale_1, scale_2, scale_3},
    .outside = outside,
};
