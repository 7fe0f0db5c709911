/* Units: literals are what was written, dimensions have names. */
#include <criterion/criterion.h>

#include "base.h"

#include <math.h>
#include <string.h>

static Arena *a;

static void set_up(void)
{
    a = arena_new("a test");
}

static void tear_down(void)
{
    arena_free(a);
    sym_free_all();
    cr_expect_eq(cx_mem_now(), 0);
}

TestSuite(units, .init = set_up, .fini = tear_down);

static Unit unit(const char *text)
{
    Unit u;
    size_t n = unit_parse(text, strlen(text), &u);
    cr_assert_eq(n, strlen(text), "%s: %zu", text, n);
    return u;
}

static double value(const char *digits, const char *text)
{
    Unit u = unit(text);
    return unit_value(digits, strlen(digits), &u);
}

static size_t consumed(const char *text)
{
    Unit u;
    return unit_parse(text, strlen(text), &u);
}

Test(units, literals_are_what_was_written)
{
    static const struct {
        const char *digits, *unit;
        double v;
    } want[] = {
        {"0.1", "mV", 0.1}, {"-70", "mV", -70}, {"1.5", "nA", 1500}, {"300", "pA", 300},
        {"8", "Hz", 0.008}, {"0.3", "kHz", 0.3}, {"100", "Ohm", 1e-7}, {"10", "MOhm", 0.01},
        {"1", "GOhm", 1}, {"10", "nS", 10}, {"0.7", "uS", 700}, {"200", "pF", 200},
        {"1", "nF", 1000}, {"0.1", "s", 100}, {"1", "us", 0.001}, {"25", "um", 25},
        {"1", "cm", 10000}, {"2", "mM", 2}, {"50", "nM", 5e-5}, {"1", "M", 1000},
        {"1", "mol", 1e18}, {"1", "kg", 1e12}, {"310", "K", 310}, {"1", "uF/cm^2", 0.01},
        {"0.12", "S/cm^2", 1.2}, {"2", "mV/ms^(1/2)", 2}, {"0.1", "mV/ms", 0.1},
        {"3", "1/ms", 3}, {"0.32", "1/(ms*mV)", 0.32}, {"1", "min", 60000}, {"0.7", "min", 42000},
        {"24", "h", 86400000}, {"0.1", "h", 360000}, {"1", "day", 86400000},
        {"1", "1/min", 1 / 60000.0}, {"7", "1/h", 7 / 3600000.0}, {"1", "fC", 1},
        {"1e3", "mV", 1000}, {"1E-3", "V", 1}, {"+2.5e+1", "mV", 25}, {".5", "mV", 0.5},
        {"5.", "mV", 5}, {"0", "nA", 0}, {"1", "Wb", 1e6}, {"1", "dam", 1e7}, {"0.3", "m/s", 300},
        {"0.1", "min^2", 3.6e8},
    };
    for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
        double v = value(want[k].digits, want[k].unit);
        cr_expect(v == want[k].v, "%s %s = %.17g, not %.17g", want[k].digits, want[k].unit, v,
                  want[k].v);
    }
    cr_assert_eq(unit_value("0.1", 3, &(Unit){.factor = 1}), 0.1);
    cr_assert(value("0.1234567890123456789012345678901234567890", "h") == 444444.4404444444404);
}

Test(units, the_internal_system_is_coherent)
{
    cr_assert(dim_eq(dim_mul(DIM_VOLTAGE, DIM_CONDUCTANCE), DIM_CURRENT));
    cr_assert(dim_eq(dim_mul(DIM_CONDUCTANCE, DIM_RESISTANCE), DIM_NONE));
    cr_assert(dim_eq(dim_mul(DIM_CAPACITANCE, DIM_RESISTANCE), DIM_TIME));
    cr_assert(dim_eq(dim_div(DIM_NONE, DIM_TIME), DIM_RATE));
    cr_assert_eq(value("1", "mV*nS/pA"), 1);
    cr_assert_eq(value("1", "pF*mV/ms/pA"), 1);
    cr_assert(dim_none(unit("mV*nS/pA").dim));
}

Test(units, prefixes)
{
    Unit u;
    static const char *const same[][2] = {{"um", "\xC2\xB5m"}, {"um", "\xCE\xBCm"},
                                          {"kOhm", "k\xCE\xA9"}, {"kOhm", "k\xE2\x84\xA6"}};
    for (size_t k = 0; k < 4; k++) {
        Unit x = unit(same[k][0]), y = unit(same[k][1]);
        cr_assert(dim_eq(x.dim, y.dim) && x.pow10 == y.pow10);
    }
    static const char *const all[] = {"y", "z", "a", "f", "p", "n", "u", "m", "c", "d", "da",
                                      "h", "k", "M", "G", "T", "P", "E", "Z", "Y"};
    static const int power[] = {-24, -21, -18, -15, -12, -9, -6, -3, -2, -1, 1,
                                2, 3, 6, 9, 12, 15, 18, 21, 24};
    for (size_t k = 0; k < 20; k++) {
        cr_assert_eq(unit(arena_printf(a, "%sV", all[k])).pow10, power[k] + 3);
    }
    cr_assert(dim_eq(unit("min").dim, DIM_TIME));
    cr_assert(dim_eq(unit("m").dim, DIM_LENGTH));
    cr_assert(dim_eq(unit("mS").dim, DIM_CONDUCTANCE));
    cr_assert_eq(unit("cd").dim.e[DIM_CD], 60);
    cr_assert_eq(unit("Pa").dim.e[DIM_KG], 60);
    static const char *const none[] = {"", "tau", "EL", "msec", "kmin", "mh", "mday", "V2", "_mV",
                                       "k", "mmm", "Mdeg", "kdegC", "l", "volt"};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        cr_assert(!unit_name(none[k], strlen(none[k]), &u), "%s", none[k]);
    }
    cr_assert_str_eq(unit("degC").text, "degC");
    cr_assert_str_eq(unit("uF/cm^2").text, "uF/cm^2");
}

Test(units, the_longest_run_is_taken)
{
    cr_assert_eq(consumed("mV/tau"), 2);
    cr_assert_eq(consumed("mV/ms*x"), 5);
    cr_assert_eq(consumed("mV / ms"), 2);
    cr_assert_eq(consumed("ms^2.5"), 4);
    cr_assert_eq(consumed("ms^x"), 2);
    cr_assert_eq(consumed("ms^-1)"), 5);
    cr_assert_eq(consumed("ms^(-1/2) "), 9);
    cr_assert_eq(consumed("ms^(1/0)"), 2);
    cr_assert_eq(consumed("ms^(1/7)"), 2);
    cr_assert_eq(consumed("ms^(1/2"), 2);
    cr_assert_eq(consumed("ms^1/2"), 4);
    cr_assert_eq(consumed("ms^99999"), 2);
    cr_assert_eq(consumed("mV/(ms*tau)"), 2);
    cr_assert_eq(consumed("mV/(ms*nS)^2"), 12);
    cr_assert_eq(consumed("(mV)"), 0);
    cr_assert_eq(consumed("1/tau"), 0);
    cr_assert_eq(consumed("1"), 0);
    cr_assert_eq(consumed("1/"), 0);
    cr_assert_eq(consumed("tau"), 0);
    cr_assert_eq(consumed("ms2"), 0);
    cr_assert_eq(consumed("mV/ms2"), 2);
    cr_assert_eq(consumed(""), 0);
    char deep[4000];
    memset(deep, '(', sizeof deep);
    memcpy(deep, "ms*", 3);
    cr_assert_eq(unit_parse(deep, sizeof deep, &(Unit){.factor = 0}), 2);
}

Test(units, roots)
{
    cr_assert_eq(value("1", "s^(1/2)"), sqrt(10) * 10);
    cr_assert_eq(value("1", "s^(1/3)"), 10);
    cr_assert_float_eq(value("1", "s^(1/4)"), 5.623413251903491, 1e-15 * 6);
    cr_assert_float_eq(value("1", "s^(-1/4)"), 1 / 5.623413251903491, 1e-16);
    cr_assert_eq(value("1", "min^(1/2)"), sqrt(60) * sqrt(10) * 10);
    Dim d;
    cr_assert(dim_pow(DIM_TIME, 1, 2, &d));
    cr_assert(dim_eq(dim_mul(d, d), DIM_TIME));
    cr_assert(!dim_pow(DIM_TIME, 1, 7, &d));
    cr_assert(!dim_pow(DIM_TIME, 1, 0, &d));
    cr_assert(!dim_pow(DIM_TIME, 1000, 1, &d));
    cr_assert(dim_pow(DIM_VOLTAGE, 0, 1, &d) && dim_none(d));
    cr_assert(dim_pow(DIM_TIME, -1, 1, &d) && dim_eq(d, DIM_RATE));
}

Test(units, dimensions_in_words)
{
    static const char *const want[][2] = {
        {"V", "a voltage (mV)"},
        {"nA", "a current (pA)"},
        {"h", "a time (ms)"},
        {"kHz", "a rate (Hz)"},
        {"Ohm", "a resistance (MOhm)"},
        {"cm^2", "an area (um^2)"},
        {"uF/cm^2", "a capacitance per area (uF/cm^2)"},
        {"mV/ms", "a voltage per time (mV/ms)"},
        {"A/m", "a current per length (pA/um)"},
        {"V^2", "a squared voltage (mV^2)"},
        {"1/V", "an inverse voltage (1/mV)"},
        {"1/(s*V)", "a rate per voltage (1/(ms*mV))"},
        {"mV/ms^(1/2)", "a voltage per root of time (mV/ms^(1/2))"},
        {"nS/mV", "a conductance per voltage (nS/mV)"},
        {"W/K", "a quantity (kg*m^2/s^3/K)"},
        {"s^(1/3)", "a quantity (s^(1/3))"},
        {"1/K^2", "a quantity (1/K^2)"},
    };
    for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
        cr_expect_str_eq(dim_say(a, unit(want[k][0]).dim), want[k][1]);
    }
    cr_assert_str_eq(dim_say(a, DIM_NONE), "a plain number");
    cr_assert_str_eq(dim_unit(a, DIM_NONE), "");
    for (size_t k = 0; k < unit_count(); k++) {
        const char *name, *doc;
        Unit u;
        unit_row(k, &name, &doc, &u);
        cr_assert(dim_eq(unit(dim_unit(a, u.dim)).dim, u.dim), "%s", name);
        cr_assert_gt(strlen(doc), 0);
    }
}

Test(units, values_are_shown_as_written)
{
    static const char *const text[][2] = {{"1.5", "ms"}, {"-70", "mV"}, {"0.1", "h"}, {"8", "Hz"},
                                          {"1.25", "nA"}, {"1e30", "V"}, {"0.00012", "V"},
                                          {"0.7", "S"}, {"123456.789", "pA"}, {"1e-7", "mV"}};
    for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
        Unit u = unit(text[k][1]);
        double v = value(text[k][0], text[k][1]);
        cr_expect_str_eq(unit_show(a, v, u.dim, &u),
                         arena_printf(a, "%s %s", text[k][0], text[k][1]));
    }
    cr_assert_str_eq(unit_show(a, 1500, DIM_CURRENT, NULL), "1500 pA");
    cr_assert_str_eq(unit_show(a, 0.008, DIM_RATE, NULL), "8 Hz");
    cr_assert_str_eq(unit_show(a, 0.1, DIM_RESISTANCE, NULL), "100 MOhm");
    cr_assert_str_eq(unit_show(a, 0.1 + 0.2, DIM_NONE, NULL), "0.3");
    cr_assert_str_eq(unit_show(a, 100, DIM_NONE, NULL), "100");
    cr_assert_str_eq(unit_show(a, -0.0, DIM_TIME, NULL), "0 ms");
    cr_assert_str_eq(unit_show(a, INFINITY, DIM_TIME, NULL), "inf ms");
    cr_assert_str_eq(unit_show(a, 1e15, DIM_NONE, NULL), "1e15");
    cr_assert_str_eq(unit_show(a, 1.5e-8, DIM_NONE, NULL), "1.5e-8");
    Unit mv = unit("mV"); /* of another dimension: the customary unit is shown */
    cr_assert_str_eq(unit_show(a, 2, DIM_TIME, &mv), "2 ms");
}
