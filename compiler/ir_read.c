/* Reads the text form of the IR. Value numbers are names here: a text edited by hand need not count
 * them up. */
#include "ir.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 16 };

typedef struct Reader {
    Arena *a;
    int line;
    char *word[MAX_WORDS];
    bool quoted[MAX_WORDS];
    int n;
    IrModule *m;
    IrFn *f;
    int *value; /* vec: instruction of each value number of the text, -1 unknown */
    char *error;
    double *values; /* vec: of the table that is being read */
    int64_t n_values;
} Reader;

static bool bad(Reader *r, const char *fmt, ...) CX_PRINTF(2, 3);
static bool bad(Reader *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = arena_vprintf(r->a, fmt, ap);
    va_end(ap);
    if (!r->error) r->error = arena_printf(r->a, "line %d: %s", r->line, text);
    return false;
}

static bool split_quoted(Reader *r, const char **at, const char *end, char *w)
{
    const char *p = *at + 1;
    while (p < end && *p != '"') {
        if (*p == '\\' && end - p > 3 && p[1] == 'x') {
            char hex[3] = {p[2], p[3], 0};
            *w++ = (char)strtoul(hex, NULL, 16);
            p += 4;
        } else {
            if (*p == '\\' && end - p > 1) p++;
            *w++ = *p++;
        }
    }
    if (p >= end) return bad(r, "a text has no closing quote");
    *at = p + 1;
    return true;
}

/* The words of one line; `;` begins a comment. */
static bool split(Reader *r, const char *p, const char *end)
{
    r->n = 0;
    for (;;) {
        while (p < end && (unsigned char)*p <= ' ')
            p++;
        if (p >= end || *p == ';') return true;
        if (r->n == MAX_WORDS) return bad(r, "too many words");
        char *w = arena_alloc(r->a, (size_t)(end - p) + 1, 1);
        r->word[r->n] = w;
        r->quoted[r->n++] = *p == '"';
        if (*p == '"') {
            if (!split_quoted(r, &p, end, w)) return false;
        } else {
            while (p < end && (unsigned char)*p > ' ' && *p != ';')
                *w++ = *p++;
        }
    }
}

static bool is(const Reader *r, int k, const char *s)
{
    return k < r->n && !r->quoted[k] && !strcmp(r->word[k], s);
}

static const char *text_of(const Reader *r, int k)
{
    return is(r, k, "-") ? "" : r->word[k];
}

static bool number(Reader *r, const char *s, double *v)
{
    char *end;
    *v = strtod(s, &end);
    return *s && !*end ? true : bad(r, "`%s` is not a number", s);
}

static bool integer(Reader *r, int k, int64_t *v)
{
    if (k >= r->n) return bad(r, "a number is missing");
    char *end;
    errno = 0;
    *v = r->word[k][0] == '-' ? strtoll(r->word[k], &end, 0)
                              : (int64_t)strtoull(r->word[k], &end, 0);
    return !*end && r->word[k][0] && !errno ? true
                                            : bad(r, "`%s` is not a whole number", r->word[k]);
}

static int name_index(const char *s, const char *const *name, int n)
{
    for (int k = 0; k < n; k++)
        if (!strcmp(s, name[k])) return k;
    return -1;
}

static bool read_range(Reader *r, char *s, IrField *f)
{
    size_t n = strlen(s);
    char *comma = strchr(s, ',');
    if (n < 5 || !comma || !strchr("([", s[0]) || !strchr(")]", s[n - 1]))
        return bad(r, "`%s` is not a range", s);
    f->open_lo = s[0] == '(';
    f->open_hi = s[n - 1] == ')';
    s[n - 1] = *comma = 0;
    return number(r, s + 1, &f->lo) && number(r, comma + 1, &f->hi);
}

static bool read_field(Reader *r)
{
    int64_t k;
    if (r->f) return bad(r, "a field behind a function");
    if (r->n < 5) return bad(r, "a field is `field NUMBER NAME KIND UNIT`");
    if (!integer(r, 1, &k)) return false;
    if (k != (int64_t)vec_len(r->m->field)) return bad(r, "field %s is not next", r->word[1]);
    if (ir_field_find(r->m, r->word[2]) >= 0) return bad(r, "two fields `%s`", r->word[2]);
    IrField f = {
        .name = r->word[2], .unit = text_of(r, 4), .doc = "", .lo = -INFINITY, .hi = INFINITY};
    int kind = name_index(r->word[3], field_kind_name, N_FIELD_KINDS);
    if (kind < 0) return bad(r, "unknown kind of field `%s`", r->word[3]);
    f.kind = (FieldKind)kind;
    for (int i = 5; i < r->n; i++) {
        if (is(r, i, "uniform"))
            f.uniform = true;
        else if (is(r, i, "in") && i + 1 < r->n) {
            if (!read_range(r, r->word[++i], &f)) return false;
        } else if (is(r, i, "doc") && i + 1 < r->n)
            f.doc = r->word[++i];
        else
            return bad(r, "unexpected `%s`", r->word[i]);
    }
    int at = ir_field(r->m, f);
    r->m->field[at].lo = f.lo, r->m->field[at].hi = f.hi; /* also a range of the one point 0 */
    return true;
}

static bool read_table(Reader *r)
{
    int64_t k;
    if (r->f) return bad(r, "a table behind a function");
    if (r->n != 3) return bad(r, "a table is `table NUMBER LENGTH`");
    if (!integer(r, 1, &k) || !integer(r, 2, &r->n_values)) return false;
    if (k != (int64_t)vec_len(r->m->table)) return bad(r, "table %s is not next", r->word[1]);
    if (r->n_values < 1 || r->n_values > 100000000) return bad(r, "a table cannot have %s elements", r->word[2]);
    vec_clear(r->values);
    return true;
}

/* Behind a table stand lines of its values; with the last one the table is there. */
static bool read_values(Reader *r)
{
    for (int k = 1; k < r->n; k++) {
        double v;
        if (!number(r, r->word[k], &v)) return false;
        vec_push(r->values, v);
    }
    if ((int64_t)vec_len(r->values) > r->n_values || !r->n_values) return bad(r, "more values than the table has elements");
    if ((int64_t)vec_len(r->values) < r->n_values) return true;
    size_t before = vec_len(r->m->table);
    (void)ir_table(r->m, r->values, (int)r->n_values);
    r->n_values = 0;
    return vec_len(r->m->table) > before || bad(r, "two equal tables");
}

static bool read_fn(Reader *r)
{
    if (r->n != 3 && r->n != 4) return bad(r, "a function is `fn NAME [ROLE] neuron|synapse`");
    int role = name_index(r->word[r->n - 2], fn_role_name, N_FN_ROLES);
    if (role < 0) return bad(r, "unknown role `%s`", r->word[r->n - 2]);
    bool synapse = is(r, r->n - 1, "synapse");
    if (!synapse && !is(r, r->n - 1, "neuron"))
        return bad(r, "unknown lanes `%s`", r->word[r->n - 1]);
    if (ir_fn_find(r->m, r->word[1])) return bad(r, "two functions `%s`", r->word[1]);
    r->f = ir_fn(r->m, r->word[1], (FnRole)role, synapse ? LANE_SYNAPSE : LANE_NEURON);
    vec_clear(r->value);
    return true;
}

static bool value_number(Reader *r, int k, int64_t *v)
{
    char *end;
    if (k >= r->n) return bad(r, "an argument is missing");
    *v = r->word[k][0] == '%' && r->word[k][1] ? strtoll(r->word[k] + 1, &end, 10) : -1;
    if (*v < 0 || *end || *v > 10000000) return bad(r, "`%s` is not a value", r->word[k]);
    return true;
}

/* The immediate of the operation at word *k; moves *k behind it. */
static bool read_imm(Reader *r, Ins *s, int *k)
{
    switch ((Op)s->op) {
    case OP_CONST:
        if (*k >= r->n) return bad(r, "a number is missing");
        if (!number(r, r->word[*k], &s->imm.f)) return false;
        if (s->imm.f != s->imm.f) s->imm.f = (double)NAN;
        ++*k;
        return true;
    case OP_LOAD:
    case OP_SRC_LOAD:
    case OP_TGT_LOAD:
    case OP_LINK:
    case OP_STORE:
        if (*k >= r->n) return bad(r, "a field is missing");
        s->imm.k = ir_field_find(r->m, r->word[*k]);
        if (s->imm.k < 0) return bad(r, "unknown field `%s`", r->word[*k]);
        ++*k;
        return true;
    case OP_TRUTH:
    case OP_OUT:
    case OP_OUTB:
    case OP_T:
    case OP_LOOKUP:
    case OP_SEARCH:
    case OP_XI:
    case OP_RUNIFORM:
    case OP_RNORMAL:
    case OP_RLOGNORMAL:
    case OP_REXPONENTIAL:
    case OP_RGAMMA:
    case OP_RBINOMIAL:
    case OP_RPOISSON:
        if (!integer(r, *k, &s->imm.k)) return false;
        ++*k;
        if (is(r, *k, "shared")) s->flags = INS_SHARED, ++*k;
        return true;
    default:
        return true;
    }
}

static bool read_ins(Reader *r)
{
    int k = 0;
    int64_t number_of = -1;
    if (!r->f) return bad(r, "an instruction before any function");
    if (is(r, 1, "=")) {
        if (!value_number(r, 0, &number_of)) return false;
        k = 2;
    }
    if (k >= r->n) return bad(r, "an operation is missing");
    int op = 0;
    while (op < N_OPS && strcmp(r->word[k], ir_op_table[op].name))
        op++;
    if (op == N_OPS) return bad(r, "unknown operation `%s`", r->word[k]);
    const IrOp *row = &ir_op_table[op];
    Ins s = {.op = (uint16_t)op, .type = row->type, .arg = {-1, -1, -1, -1}};
    if ((row->type == '-') != (number_of < 0))
        return bad(r, row->type == '-' ? "`%s` has no value" : "`%s` needs a value", row->name);
    k++;
    if (!read_imm(r, &s, &k)) return false;
    for (int i = 0; row->args[i]; i++, k++) {
        int64_t v = -1;
        if (!value_number(r, k, &v)) return false;
        if ((size_t)v >= vec_len(r->value) || r->value[v] < 0)
            return bad(r, "unknown value `%s`", r->word[k]);
        s.arg[i] = r->value[v];
        if (r->f->ins[s.arg[i]].type != row->args[i])
            return bad(r, "`%s` has the wrong type", r->word[k]);
    }
    if (k < r->n) return bad(r, "unexpected `%s`", r->word[k]);
    if (op == OP_OUT || op == OP_OUTB) {
        if (s.imm.k < 0 || s.imm.k > 65535) return bad(r, "no result has this number");
        if (s.imm.k >= r->f->n_out) r->f->n_out = (int)s.imm.k + 1;
    }
    vec_push(r->f->ins, s);
    if (number_of >= 0) {
        while ((int64_t)vec_len(r->value) <= number_of)
            vec_push(r->value, -1);
        if (r->value[number_of] >= 0) return bad(r, "%%%d is given twice", (int)number_of);
        r->value[number_of] = (int)vec_len(r->f->ins) - 1;
    }
    return true;
}

static bool read_line(Reader *r)
{
    if (r->n == 0) return true;
    if (is(r, 0, "module")) {
        if (r->m) return bad(r, "a second module");
        if (r->n != 2) return bad(r, "a module is `module \"NAME\"`");
        r->m = ir_module(r->a, r->word[1]);
        return true;
    }
    if (!r->m) return bad(r, "the text does not begin with `module`");
    if (is(r, 0, "field")) return read_field(r);
    if (is(r, 0, "table")) return r->n_values ? bad(r, "a table lacks values") : read_table(r);
    if (is(r, 0, "values")) return read_values(r);
    if (r->n_values) return bad(r, "a table lacks values");
    if (is(r, 0, "fn")) return read_fn(r);
    return read_ins(r);
}

/* The module is checked by ir_verify too, so what this returns is safe to run. Spans are nowhere.
 */
IrModule *ir_read(Arena *a, const char *text, char **error)
{
    Reader r = {.a = a};
    bool ok = true;
    while (ok && *text) {
        const char *end = strchr(text, '\n');
        if (!end) end = text + strlen(text);
        r.line++;
        ok = split(&r, text, end) && read_line(&r);
        text = *end ? end + 1 : end;
    }
    if (ok && !r.m) ok = bad(&r, "the text does not begin with `module`");
    if (ok) {
        const char *wrong = ir_verify(a, r.m);
        if (wrong) {
            r.error = arena_strdup(a, wrong);
            ok = false;
        }
    }
    vec_free(r.value);
    vec_free(r.values);
    if (!ok) {
        ir_module_free(r.m);
        if (error) *error = r.error;
        return NULL;
    }
    return r.m;
}
