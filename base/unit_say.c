/* Dimensions and values in words: what messages and reports say. */
#include "base.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Name {
    const char *unit; /* its dimension is the one that is named */
    const char *name; /* with article */
} Name;

/* The first ones are also the parts from which other names are composed. */
static const Name names[] = {
    {"mV", "a voltage"},
    {"pA", "a current"},
    {"ms", "a time"},
    {"nS", "a conductance"},
    {"pF", "a capacitance"},
    {"MOhm", "a resistance"},
    {"fC", "a charge"},
    {"um", "a length"},
    {"um^2", "an area"},
    {"um^3", "a volume"},
    {"mM", "a concentration"},
    {"K", "a temperature"},
    {"g", "a mass"},
    {"mol", "an amount"},
    {"Hz", "a rate"},
    /* from here on whole names only */
    {"um/ms", "a speed"},
    {"um/ms^2", "an acceleration"},
    {"fJ", "an energy"},
    {"fW", "a power"},
    {"nN", "a force"},
    {"Pa", "a pressure"},
    {"cd", "a luminous intensity"},
    {"uF/cm^2", "a capacitance per area"},
    {"mS/cm^2", "a conductance per area"},
    {"uA/cm^2", "a current per area"},
    {"Ohm*cm", "a resistivity"},
    {"um^2/ms", "a diffusion constant"},
    {"T", "a magnetic flux density"},
    {"H", "an inductance"},
    {"1/ms^2", "a rate per time"},
    {"1/(ms*mV)", "a rate per voltage"},
    {"mV*ms", "a voltage times time"},
    {"1/ms^(1/2)", "a white noise"},
    {"mV/ms^(1/2)", "a voltage per root of time"},
    {"pA/ms^(1/2)", "a current per root of time"},
    {"nS/ms^(1/2)", "a conductance per root of time"},
    {"mV*ms^(1/2)", "a voltage times root of time"},
    {"pA*ms^(1/2)", "a current times root of time"},
    {"ms^(1/2)", "a root of time"},
};
enum { N_NAMES = sizeof names / sizeof names[0], N_PARTS = 15 };

static Dim dim_of(const char *unit)
{
    Unit u;
    size_t n = strlen(unit);
    cx_assert(unit_parse(unit, n, &u) == n);
    return u.dim;
}

static const char *bare(const char *name)
{
    return strchr(name, ' ') + 1; /* without the article */
}

static const char *article(const char *noun)
{
    return strchr("aeiou", noun[0]) ? "an" : "a";
}

static void add_power(Buf *b, const char *name, int e)
{
    int num = e, den = 60;
    for (int d = 2; d <= den; d++) {
        while (num % d == 0 && den % d == 0) num /= d, den /= d;
    }
    buf_printf(b, "%s", name);
    if (den > 1) buf_printf(b, "^(%d/%d)", num, den);
    else if (num > 1) buf_printf(b, "^%d", num);
}

/* The dimension in SI base units, such as kg*m/s^2. */
static const char *in_base_units(Arena *a, Dim d)
{
    static const char *const base[N_DIM] = {"kg", "m", "s", "A", "K", "mol", "cd"};
    Buf b = {0};
    for (int k = 0; k < N_DIM; k++) {
        if (d.e[k] <= 0) continue;
        if (b.len) buf_add(&b, "*", 1);
        add_power(&b, base[k], d.e[k]);
    }
    if (!b.len) buf_add(&b, "1", 1);
    for (int k = 0; k < N_DIM; k++) {
        if (d.e[k] >= 0) continue;
        buf_add(&b, "/", 1);
        add_power(&b, base[k], -d.e[k]);
    }
    char *s = arena_strndup(a, b.p, b.len);
    buf_free(&b);
    return s;
}

/* Name with article and customary unit of any dimension that is not a plain number: a known one, or
 * one made of two known ones, or base units. */
static void describe(Arena *a, Dim d, const char **name, const char **unit)
{
    Dim part[N_PARTS];
    for (size_t k = 0; k < N_NAMES; k++) {
        Dim known = dim_of(names[k].unit);
        if (k < N_PARTS) part[k] = known;
        if (dim_eq(d, known)) {
            *name = names[k].name;
            *unit = names[k].unit;
            return;
        }
    }
    for (size_t i = 0; i < N_PARTS; i++) {
        const char *u = names[i].unit, *n = bare(names[i].name);
        if (dim_eq(d, dim_mul(part[i], part[i]))) {
            *name = arena_printf(a, "a squared %s", n);
            *unit = arena_printf(a, "%s^2", u);
            return;
        }
        if (dim_none(dim_mul(d, part[i]))) {
            *name = arena_printf(a, "an inverse %s", n);
            *unit = arena_printf(a, "1/%s", u);
            return;
        }
    }
    for (size_t i = 0; i < N_PARTS; i++) {
        for (size_t j = 0; j < N_PARTS; j++) {
            const char *u = names[i].unit, *v = names[j].unit, *n = bare(names[i].name);
            if (dim_eq(d, dim_div(part[i], part[j]))) {
                *name = arena_printf(a, "%s %s per %s", article(n), n, bare(names[j].name));
                *unit = arena_printf(a, "%s/%s", u, v);
                return;
            }
            if (i < j && dim_eq(d, dim_mul(part[i], part[j]))) {
                *name = arena_printf(a, "%s %s times %s", article(n), n, bare(names[j].name));
                *unit = arena_printf(a, "%s*%s", u, v);
                return;
            }
        }
    }
    *name = "a quantity";
    *unit = in_base_units(a, d);
}

/* "a voltage (mV)", "a plain number", "a current per length (pA/um)". */
const char *dim_say(Arena *a, Dim d)
{
    const char *name, *unit;
    if (dim_none(d)) return "a plain number";
    describe(a, d, &name, &unit);
    return arena_printf(a, "%s (%s)", name, unit);
}

/* The unit in which such a value is customarily shown ("mV"), "" for plain numbers. unit_parse
 * reads it. */
const char *dim_unit(Arena *a, Dim d)
{
    const char *name, *unit;
    if (dim_none(d)) return "";
    describe(a, d, &name, &unit);
    return unit;
}

/* The shortest decimal, of at most 15 digits, that reads back as `v`, times 10^shift. */
static const char *show_number(Arena *a, double v, int shift)
{
    char text[40], digits[24];
    if (isnan(v)) return "nan";
    if (isinf(v)) return v > 0 ? "inf" : "-inf";
    if (v == 0) return "0";
    for (int n = 0; n < 15; n++) {
        snprintf(text, sizeof text, "%.*e", n, v);
        if (strtod(text, NULL) == v) break;
    }
    const char *sign = text[0] == '-' ? "-" : "";
    int n = 0;
    const char *mark = strchr(text, 'e');
    for (const char *p = text; p < mark; p++) {
        if (*p >= '0' && *p <= '9') digits[n++] = *p;
    }
    while (n > 1 && digits[n - 1] == '0') n--;
    digits[n] = '\0';
    int e = atoi(mark + 1) + shift; /* the power of the first digit */
    if (e < -5 || e > 14) {
        return arena_printf(a, "%s%c%s%se%d", sign, digits[0], n > 1 ? "." : "", digits + 1, e);
    }
    if (e < 0) return arena_printf(a, "%s0.%.*s%s", sign, -e - 1, "00000000000000", digits);
    if (e >= n - 1) return arena_printf(a, "%s%s%.*s", sign, digits, e - n + 1, "00000000000000");
    return arena_printf(a, "%s%.*s.%s", sign, e + 1, digits, digits + e + 1);
}

/* "1.5 ms", "-70 mV": v is in internal units, shown in `u`, or in the customary unit of `d` if `u`
 * is NULL or of another dimension. */
const char *unit_show(Arena *a, double v, Dim d, const Unit *u)
{
    Unit customary;
    if (!u || !dim_eq(u->dim, d)) {
        const char *name = dim_unit(a, d);
        if (!*name) return show_number(a, v, 0);
        size_t n = strlen(name);
        cx_assert(unit_parse(name, n, &customary) == n);
        u = &customary;
    }
    if (u->factor != 1) v /= u->factor;
    const char *number = show_number(a, v, -(int)u->pow10);
    return u->text && *u->text ? arena_printf(a, "%s %s", number, u->text) : number;
}

/* The unit that `word` stands for with other capitals, or spelled out ("mv", "sec"); NULL for any other
 * word. */
const char *unit_nearest(Arena *a, const char *word)
{
    size_t n = strlen(word);
    Unit unit;
    if (n > 6) return NULL;
    for (unsigned mask = 0; mask < 1u << n; mask++) {
        char *s = arena_strdup(a, word);
        for (size_t k = 0; k < n; k++) {
            if (mask >> k & 1)
                s[k] = (char)(islower((unsigned char)s[k]) ? toupper((unsigned char)s[k])
                                                           : tolower((unsigned char)s[k]));
        }
        if (unit_name(s, n, &unit)) return s;
    }
    static const char *const spelled_out[][2] = {
        {"sec", "s"},    {"second", "s"},    {"seconds", "s"}, {"msec", "ms"},  {"usec", "us"},
        {"ohm", "Ohm"},  {"ohms", "Ohm"},    {"volt", "V"},    {"hours", "h"},  {"hour", "h"},
        {"days", "day"}, {"minutes", "min"}, {"micron", "um"}, {"hertz", "Hz"},
    };
    for (size_t k = 0; k < sizeof spelled_out / sizeof *spelled_out; k++) {
        if (strcmp(word, spelled_out[k][0]) == 0) return spelled_out[k][1];
    }
    return NULL;
}
