/* Exact decimals for time. People write 0.1 ms and mean one tenth, which no double is; so a double
 * stands for its shortest decimal that reads back, and whole steps are found in integers. */
#include "base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 U128;

/* The shortest of 15, 16 or 17 digits that reads back as `v`, without zeros at the end. False if
 * `v` is not finite. */
bool decimal_of(double v, Decimal *out)
{
    char text[40];
    if (!isfinite(v)) return false;
    for (int digits = 14; digits <= 16; digits++) {
        snprintf(text, sizeof text, "%.*e", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    const char *mark = strchr(text, 'e');
    int e = atoi(mark + 1);
    int64_t m = 0;
    bool after_point = false;
    for (const char *p = text; p < mark; p++) {
        if (*p == '.') after_point = true;
        if (*p < '0' || *p > '9') continue;
        m = 10 * m + (*p - '0');
        e -= after_point;
    }
    while (m && m % 10 == 0) {
        m /= 10;
        e++;
    }
    if (!m) e = 0;
    *out = (Decimal){text[0] == '-' ? -m : m, e};
    return true;
}

/* a * 10^k, false on overflow of 127 bits. */
static bool scale(U128 a, int k, U128 *out)
{
    const U128 limit = ~(U128)0 >> 1;
    for (; k > 0 && a; k--) {
        if (a > limit / 10) return false;
        a *= 10;
    }
    *out = a;
    return true;
}

/* The whole number of steps nearest to v/dt, computed exactly; a half goes up. *exact tells whether
 * it divides. False if dt is not above 0, a number is not finite, or the steps pass 63 bits. */
bool decimal_steps(double v, double dt, int64_t *steps, bool *exact)
{
    Decimal a, b;
    if (!(dt > 0) || !decimal_of(v, &a) || !decimal_of(dt, &b)) return false;
    bool negative = a.m < 0;
    U128 num = (U128)(negative ? -a.m : a.m), den = (U128)b.m;
    /* Mantissas have at most 17 digits: where a numerator overflows the quotient is above 2^63,
     * where a denominator does it is far below one half. */
    if (!scale(num, a.e - b.e, &num)) return false;
    if (!scale(den, b.e - a.e, &den)) {
        *steps = 0;
        *exact = num == 0;
        return true;
    }
    U128 q = num / den, r = num % den;
    *exact = r == 0;
    if (negative ? r > den - r : r >= den - r && r) q++;
    if (q > (U128)INT64_MAX) return false;
    *steps = negative ? -(int64_t)q : (int64_t)q;
    return true;
}

/* The double nearest to the exact product of step and the decimal dt. dt is finite. */
double decimal_time(int64_t step, double dt)
{
    /* Every step of a run asks with the same dt. */
    static _Thread_local double last_dt = 0;
    static _Thread_local Decimal last = {0, 0};
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (dt != last_dt) {
        cx_assert(decimal_of(dt, &last));
        last_dt = dt;
    }
    __int128 p = (__int128)step * last.m;
    const __int128 exact = (__int128)1 << 53;
    if (p >= -exact && p <= exact && last.e >= -22 && last.e <= 22) {
        /* Both numbers are doubles exactly, so one operation rounds once. */
        return last.e < 0 ? (double)p / tens[-last.e] : (double)p * tens[last.e];
    }
    char text[64], *end = text + sizeof text - 16, *s = end;
    for (U128 u = (U128)(p < 0 ? -p : p); u; u /= 10) *--s = (char)('0' + (int)(u % 10));
    if (s == end) *--s = '0';
    if (p < 0) *--s = '-';
    snprintf(end, 16, "e%d", last.e);
    return strtod(s, NULL);
}
