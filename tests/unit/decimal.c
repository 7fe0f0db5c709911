/* Exact decimals for time. */
#include <criterion/criterion.h>

#include "base.h"

#include <float.h>
#include <math.h>

static int64_t steps(double v, double dt, bool want_exact)
{
    int64_t n = -1;
    bool exact;
    cr_assert(decimal_steps(v, dt, &n, &exact));
    cr_assert_eq(exact, want_exact, "%.17g / %.17g", v, dt);
    return n;
}

Test(decimal, shortest_that_reads_back)
{
    Decimal d;
    cr_assert(decimal_of(0.1, &d));
    cr_assert(d.m == 1 && d.e == -1);
    cr_assert(decimal_of(-1500, &d));
    cr_assert(d.m == -15 && d.e == 2);
    cr_assert(decimal_of(0, &d));
    cr_assert(d.m == 0 && d.e == 0);
    cr_assert(decimal_of(0.1 + 0.2, &d));
    cr_assert(d.m == (__int128)30000000000000004 && d.e == -17);
    cr_assert(decimal_of(DBL_TRUE_MIN, &d));
    cr_assert(!decimal_of(NAN, &d));
    cr_assert(!decimal_of(INFINITY, &d));
}

Test(decimal, division_is_exact)
{
    cr_assert_eq(steps(0.3, 0.1, true), 3);
    cr_assert_eq(steps(353538, 0.1, true), 3535380);
    cr_assert_eq(steps(353538.1, 0.1, true), 3535381);
    cr_assert_eq(steps(86400000, 0.025, true), INT64_C(3456000000));
    cr_assert_eq(steps(1.5, 0.1, true), 15);
    cr_assert_eq(steps(5, 0.3, false), 17);
    for (int64_t k = 0; k < 200000; k++) {
        cr_assert_eq(steps(decimal_time(k, 0.1), 0.1, true), k);
    }
}

Test(decimal, ties_go_up)
{
    cr_assert_eq(steps(0.25, 0.1, false), 3);
    cr_assert_eq(steps(0.35, 0.1, false), 4);
    cr_assert_eq(steps(0.05, 0.1, false), 1);
    cr_assert_eq(steps(0.0499999, 0.1, false), 0);
    cr_assert_eq(steps(-0.25, 0.1, false), -2);
    cr_assert_eq(steps(-0.26, 0.1, false), -3);
}

Test(decimal, far_ends)
{
    int64_t n;
    bool exact;
    cr_assert_eq(steps(1e-300, 1e300, false), 0);
    cr_assert_eq(steps(0, 0.1, true), 0);
    cr_assert(!decimal_steps(1e300, 1e-300, &n, &exact));
    cr_assert(!decimal_steps(1e19, 1, &n, &exact));
    cr_assert(!decimal_steps(1, 0, &n, &exact));
    cr_assert(!decimal_steps(1, -0.1, &n, &exact));
    cr_assert(!decimal_steps(INFINITY, 0.1, &n, &exact));
    cr_assert_eq(steps(1e18, 1, true), INT64_C(1000000000000000000));
    cr_assert_eq(steps(1e10, 0.12345678901234567, false), INT64_C(81000000729));
}

Test(decimal, time_is_the_nearest_double)
{
    cr_assert_eq(decimal_time(3, 0.1), 0.3);
    cr_assert_eq(decimal_time(3535380, 0.1), 353538.0);
    cr_assert_eq(decimal_time(INT64_C(1) << 40, 0.1), 109951162777.6);
    cr_assert_eq(decimal_time((INT64_C(1) << 40) + 1, 0.1), 109951162777.7);
    cr_assert_eq(decimal_time((INT64_C(1) << 53) - 1, 0.1), 900719925474099.1);
    cr_assert_eq(decimal_time((INT64_C(1) << 53) - 1, 0.025), 225179981368524.775);
    cr_assert_eq(decimal_time(INT64_MAX, 0.001), 9223372036854775.807);
    cr_assert_eq(decimal_time(INT64_MIN, 0.001), -9223372036854775.808);
    cr_assert_eq(decimal_time(10, 0.1 + 0.2), 3.0000000000000004);
    cr_assert_eq(decimal_time(-7, 0.1), -0.7);
    cr_assert_eq(decimal_time(0, 0.1), 0.0);
    cr_assert_eq(decimal_time(5, 1e-30), 5e-30);
    cr_assert_eq(decimal_time(5, 0.0), 0.0);
}
