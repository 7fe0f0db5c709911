/* Units and dimensions. Inside, every value is in the coherent system of ms, um, mV, pA, so that
 * what people write (10 nS, 1 nF, 8 Hz) differs from what is computed with by a power of ten only,
 * and a literal can be rounded once, from its decimal text. */
#include "base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ONE = 60 }; /* sixtieths of an exponent */

typedef struct Row {
    const char *name;
    bool prefixes;
    int8_t e[N_DIM];
    int8_t pow10;
    double factor;
    const char *doc;
} Row;

static const Row rows[] = {
#define UNIT(name, prefixes, kg, m, s, A, K, mol, cd, pow10, factor, doc) \
    {name, prefixes, {kg, m, s, A, K, mol, cd}, pow10, factor, doc},
#include "units.def"
#undef UNIT
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static const struct {
    const char *name;
    int pow10;
} prefixes[] = {{"y", -24}, {"z", -21}, {"a", -18}, {"f", -15}, {"p", -12}, {"n", -9},
                {"u", -6},  {"\xC2\xB5", -6}, {"\xCE\xBC", -6}, {"m", -3}, {"c", -2}, {"da", 1},
                {"d", -1},  {"h", 2},   {"k", 3},   {"M", 6},   {"G", 9},   {"T", 12},
                {"P", 15},  {"E", 18},  {"Z", 21},  {"Y", 24}};

/* The powers of ten, relative to SI, of the internal kg m s A K mol cd. From them follow mV
 * (-12 + 2*-6 + 3*3 + 12 = -3), nS, pF; a mole is such that mM is 1. */
static const int internal_pow10[N_DIM] = {-12, -6, -3, -12, 0, -18, 0};

#define D1(kg, m, s, a) {{(kg) * ONE, (m) * ONE, (s) * ONE, (a) * ONE, 0, 0, 0}}
const Dim DIM_NONE = D1(0, 0, 0, 0), DIM_TIME = D1(0, 0, 1, 0), DIM_VOLTAGE = D1(1, 2, -3, -1),
          DIM_CURRENT = D1(0, 0, 0, 1), DIM_RATE = D1(0, 0, -1, 0),
          DIM_CONDUCTANCE = D1(-1, -2, 3, 2), DIM_CAPACITANCE = D1(-1, -2, 4, 2),
          DIM_LENGTH = D1(0, 1, 0, 0), DIM_RESISTANCE = D1(1, 2, -3, -2);

/* ---- dimensions ---- */

/* The same dimension? */
bool dim_eq(Dim a, Dim b)
{
    return memcmp(a.e, b.e, sizeof a.e) == 0;
}

/* A plain number? */
bool dim_none(Dim a)
{
    return dim_eq(a, DIM_NONE);
}

static int16_t clamp16(int v)
{
    return (int16_t)(v > INT16_MAX ? INT16_MAX : v < -INT16_MAX ? -INT16_MAX : v);
}

/* The dimension of a product. Exponents beyond 546 saturate; nobody writes them. */
Dim dim_mul(Dim a, Dim b)
{
    for (int k = 0; k < N_DIM; k++) a.e[k] = clamp16(a.e[k] + b.e[k]);
    return a;
}

/* The dimension of a quotient. */
Dim dim_div(Dim a, Dim b)
{
    for (int k = 0; k < N_DIM; k++) a.e[k] = clamp16(a.e[k] - b.e[k]);
    return a;
}

/* a^(num/den); false when an exponent is no multiple of 1/60 or out of range. */
bool dim_pow(Dim a, int num, int den, Dim *out)
{
    if (den == 0) return false;
    for (int k = 0; k < N_DIM; k++) {
        int64_t v = (int64_t)a.e[k] * num;
        if (v % den) return false;
        v /= den;
        if (v > INT16_MAX || v < -INT16_MAX) return false;
        a.e[k] = (int16_t)v;
    }
    *out = a;
    return true;
}

/* ---- parsing: a scale is factor * 10^(p60/60) relative to SI ---- */

typedef struct Scale {
    Dim dim;
    int p60;
    double factor;
} Scale;

static double whole_pow(double x, int n)
{
    double r = 1;
    for (; n > 0; n--) r *= x;
    return r;
}

/* The n-th root by Newton's method, which unlike pow gives the same bits everywhere. */
static double nth_root(double x, int n)
{
    if (n == 1 || x == 1) return x;
    if (n == 2) return sqrt(x);
    double r = x > 1 ? x : 1;
    for (int k = 0; k < 2000; k++) {
        double next = r - (r - x / whole_pow(r, n - 1)) / n;
        if (!(next < r)) break;
        r = next;
    }
    return r;
}

static double factor_pow(double x, int num, int den)
{
    double p = whole_pow(nth_root(x, den), abs(num));
    return num < 0 ? 1 / p : p;
}

static Unit unit_of(Scale s, const char *text, size_t n)
{
    int p60 = s.p60;
    for (int k = 0; k < N_DIM; k++) p60 -= s.dim.e[k] * internal_pow10[k];
    int whole = p60 >= 0 ? p60 / ONE : -((-p60 + ONE - 1) / ONE), rest = p60 - whole * ONE;
    int den = ONE;
    for (int d = 2; d <= den; d++) { /* 30/60 is a square root, not a sixtieth one */
        while (rest % d == 0 && den % d == 0) rest /= d, den /= d;
    }
    double root = rest ? nth_root(whole_pow(10, rest), den) : 1;
    return (Unit){s.dim, whole, s.factor * root, sym_n(text, n)};
}

static bool row_named(const Row *r, const char *s, size_t n)
{
    return strlen(r->name) == n && memcmp(r->name, s, n) == 0;
}

static Scale scale_of_row(const Row *r)
{
    Scale s = {.p60 = r->pow10 * ONE, .factor = r->factor};
    for (int k = 0; k < N_DIM; k++) s.dim.e[k] = (int16_t)(r->e[k] * ONE);
    return s;
}

/* An exact name wins over prefix and name, so `min` is no milli-inch and `cd` no centiday. */
static bool scale_named(const char *s, size_t n, Scale *out)
{
    for (size_t k = 0; k < N_ROWS; k++) {
        if (row_named(&rows[k], s, n)) {
            *out = scale_of_row(&rows[k]);
            return true;
        }
    }
    for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++) {
        size_t len = strlen(prefixes[p].name);
        if (len >= n || memcmp(prefixes[p].name, s, len) != 0) continue;
        for (size_t k = 0; k < N_ROWS; k++) {
            if (rows[k].prefixes && row_named(&rows[k], s + len, n - len)) {
                *out = scale_of_row(&rows[k]);
                out->p60 += prefixes[p].pow10 * ONE;
                return true;
            }
        }
    }
    return false;
}

/* One unit name with its prefix. False when it is none. */
bool unit_name(const char *s, size_t n, Unit *out)
{
    Scale scale;
    if (!scale_named(s, n, &scale)) return false;
    *out = unit_of(scale, s, n);
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A whole number of at most three digits; its length, 0 if there is none. */
static size_t read_int(const char *s, size_t n, int *out)
{
    size_t k = 0;
    *out = 0;
    while (k < n && is_digit(s[k]) && k < 4) *out = 10 * *out + (s[k++] - '0');
    return k < 4 ? k : 0;
}

/* The exponent behind a `^`; its length, 0 if there is none. */
static size_t read_exponent(const char *s, size_t n, int *num, int *den)
{
    size_t k = 0, len;
    bool group = n && s[0] == '(', negative = false;
    *den = 1;
    k += group;
    if (k < n && s[k] == '-') negative = true, k++;
    if (!(len = read_int(s + k, n - k, num))) return 0;
    k += len;
    if (negative) *num = -*num;
    if (!group) return k;
    if (k < n && s[k] == '/') {
        k++;
        if (!(len = read_int(s + k, n - k, den)) || *den == 0) return 0;
        k += len;
    }
    return k < n && s[k] == ')' ? k + 1 : 0;
}

static bool scale_pow(Scale a, int num, int den, Scale *out)
{
    int64_t p = (int64_t)a.p60 * num;
    if (p % den || !dim_pow(a.dim, num, den, &a.dim)) return false;
    p /= den;
    if (p > 1000 * ONE || p < -1000 * ONE) return false;
    int x = abs(num), y = den;
    while (y) {
        int r = x % y;
        x = y;
        y = r;
    }
    if (a.factor != 1) a.factor = x ? factor_pow(a.factor, num / x, den / x) : 1;
    a.p60 = (int)p;
    *out = a;
    return isfinite(a.factor) && a.factor > 0;
}

static Scale scale_mul(Scale a, Scale b, int sign)
{
    a.dim = sign > 0 ? dim_mul(a.dim, b.dim) : dim_div(a.dim, b.dim);
    a.p60 += sign * b.p60;
    a.factor = sign > 0 ? a.factor * b.factor : a.factor / b.factor;
    return a;
}

static size_t read_product(const char *s, size_t n, int depth, Scale *out);

static size_t read_term(const char *s, size_t n, bool groups, int depth, Scale *out)
{
    size_t k = 0;
    if (groups && n && s[0] == '(') {
        if (depth > 8) return 0;
        k = read_product(s + 1, n - 1, depth + 1, out);
        if (!k || k + 1 >= n || s[k + 1] != ')') return 0;
        k += 2;
    } else {
        if (!n || !is_letter(s[0])) return 0;
        while (k < n && (is_letter(s[k]) || is_digit(s[k]))) k++;
        if (!scale_named(s, k, out)) return 0;
    }
    int num, den;
    if (k < n && s[k] == '^') {
        size_t len = read_exponent(s + k + 1, n - k - 1, &num, &den);
        if (len && scale_pow(*out, num, den, out)) k += 1 + len;
    }
    return k;
}

static size_t read_product(const char *s, size_t n, int depth, Scale *out)
{
    Scale total = {.factor = 1}, term;
    size_t k = 0;
    if (n > 2 && s[0] == '1' && s[1] == '/') {
        k = 1;
    } else {
        k = read_term(s, n, depth > 0, depth, &total);
        if (!k) return 0;
    }
    size_t terms = k > 1 || s[0] != '1';
    while (k + 1 < n && (s[k] == '*' || s[k] == '/')) {
        size_t len = read_term(s + k + 1, n - k - 1, true, depth, &term);
        if (!len) break;
        total = scale_mul(total, term, s[k] == '*' ? 1 : -1);
        k += 1 + len;
        terms++;
    }
    *out = total;
    return terms ? k : 0;
}

/* The longest compound unit at the start of `s`: names joined by * / ^ without blanks, a leading
 * `1/`, groups in parentheses behind an operator. Returns the bytes consumed, 0 if there is none;
 * what may follow a unit is for the caller to judge. out->text is what was consumed. */
size_t unit_parse(const char *s, size_t n, Unit *out)
{
    Scale total;
    size_t k = read_product(s, n, 0, &total);
    if (k) *out = unit_of(total, s, k);
    return k;
}

/* ---- values ---- */

typedef struct Digits {
    char *d;    /* '0'..'9', not terminated; value = d * 10^e */
    size_t n;
    long e;
    bool negative;
} Digits;

static void digits_read(const char *s, size_t n, Digits *out, char *room)
{
    size_t k = 0;
    bool point = false;
    *out = (Digits){.d = room};
    if (k < n && (s[k] == '-' || s[k] == '+')) out->negative = s[k++] == '-';
    for (; k < n && (is_digit(s[k]) || s[k] == '.'); k++) {
        if (s[k] == '.') {
            point = true;
            continue;
        }
        room[out->n++] = s[k];
        out->e -= point;
    }
    if (k < n && (s[k] == 'e' || s[k] == 'E')) {
        bool negative = false;
        long e = 0;
        k++;
        if (k < n && (s[k] == '-' || s[k] == '+')) negative = s[k++] == '-';
        for (; k < n && is_digit(s[k]); k++) {
            if (e < 100000) e = 10 * e + (s[k] - '0');
        }
        out->e += negative ? -e : e;
    }
}

static double digits_value(const Digits *d)
{
    Buf b = {0};
    buf_printf(&b, "%s%.*se%ld", d->negative ? "-" : "", (int)d->n, d->n ? d->d : "", d->e);
    double v = strtod(b.p, NULL);
    buf_free(&b);
    return v;
}

enum { SPARE = 64 }; /* digits a multiplication or division may add */

static void digits_mul(Digits *d, uint64_t by)
{
    unsigned __int128 carry = 0;
    /* From the last digit on, SPARE places further right, so that the carry fits in front. */
    for (size_t k = d->n; k-- > 0;) {
        carry += (unsigned __int128)(d->d[k] - '0') * by;
        d->d[k + SPARE] = (char)('0' + (int)(carry % 10));
        carry /= 10;
    }
    size_t at = SPARE;
    while (carry) {
        d->d[--at] = (char)('0' + (int)(carry % 10));
        carry /= 10;
    }
    d->d += at;
    d->n += SPARE - at;
}

static void digits_div(Digits *d, uint64_t by)
{
    unsigned __int128 rest = 0;
    size_t n = d->n + 40; /* past 40 digits a single 1 says that something is left */
    for (size_t k = 0; k < n; k++) {
        rest = rest * 10 + (k < d->n ? (unsigned)(d->d[k] - '0') : 0);
        d->d[k] = (char)('0' + (int)(rest / by));
        rest %= by;
    }
    d->d[n] = rest ? '1' : '0';
    d->e -= 41;
    d->n = n + 1;
}

/* Correctly rounded internal value of a decimal literal ("1.5e3", a sign is allowed) in unit `u`;
 * with a fractional root of ten in the unit it is within one unit of the last place. */
double unit_value(const char *digits, size_t n, const Unit *u)
{
    Digits d;
    char *room = cx_alloc(n + 2 * SPARE, 1, "a number");
    digits_read(digits, n, &d, room);
    d.e += (long)u->pow10;
    double f = u->factor, inverse = 1 / f, v;
    const double most = 1e17;
    if (d.n && f > 1 && f < most && f == floor(f)) {
        digits_mul(&d, (uint64_t)f);
        v = digits_value(&d);
    } else if (d.n && f < 1 && inverse < most && 1 / floor(inverse + 0.5) == f) {
        digits_div(&d, (uint64_t)floor(inverse + 0.5));
        v = digits_value(&d);
    } else {
        v = digits_value(&d) * f;
    }
    cx_free(room);
    return v;
}

/* Internal units per 1 of `u`. */
double unit_factor(const Unit *u)
{
    return unit_value("1", 1, u);
}

/* Rows of units.def. */
size_t unit_count(void)
{
    return N_ROWS;
}

/* The k-th row, as a unit without prefix. */
void unit_row(size_t k, const char **name, const char **doc, Unit *u)
{
    cx_assert(k < N_ROWS);
    *name = rows[k].name;
    *doc = rows[k].doc;
    *u = unit_of(scale_of_row(&rows[k]), rows[k].name, strlen(rows[k].name));
}
