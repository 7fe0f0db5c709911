/* The text form of the IR, which ir_read.c reads back. */
#include "ir.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Names are bare words; whatever could not be read back as one word stands in quotes. */
static bool is_word(const char *s)
{
    if (!*s || !strcmp(s, "-")) return false;
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == '"' || *s == ';' || *s == 127) return false;
    return true;
}

static void print_quoted(Buf *b, const char *s)
{
    buf_add(b, "\"", 1);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_printf(b, "\\%c", *s);
        else if ((unsigned char)*s < ' ' || *s == 127)
            buf_printf(b, "\\x%02x", (unsigned char)*s);
        else
            buf_add(b, s, 1);
    }
    buf_add(b, "\"", 1);
}

static void print_word(Buf *b, const char *s)
{
    if (!s || !*s)
        buf_add(b, "-", 1);
    else if (is_word(s))
        buf_add(b, s, strlen(s));
    else
        print_quoted(b, s);
}

static void print_field(Buf *b, size_t k, const IrField *f)
{
    buf_printf(b, "  field %zu ", k);
    print_word(b, f->name);
    buf_printf(b, " %s ", field_kind_name[f->kind]);
    print_word(b, f->unit);
    if (f->uniform) buf_printf(b, " uniform");
    if (f->lo != -INFINITY || f->hi != INFINITY || f->open_lo || f->open_hi)
        buf_printf(b, " in %c%.17g,%.17g%c", f->open_lo ? '(' : '[', f->lo, f->hi,
                   f->open_hi ? ')' : ']');
    if (f->doc && *f->doc) {
        buf_printf(b, " doc ");
        print_quoted(b, f->doc);
    }
    buf_printf(b, "\n");
}

static void print_ins(Buf *b, const IrModule *m, size_t i, const Ins *s)
{
    const IrOp *row = &ir_op_table[s->op];
    buf_printf(b, "  ");
    if (s->type != '-') buf_printf(b, "%%%zu = ", i);
    buf_printf(b, "%s", row->name);
    switch ((Op)s->op) {
    case OP_CONST:
        if (s->imm.f != s->imm.f)
            buf_printf(b, " nan");
        else
            buf_printf(b, " %a ; %.6g", s->imm.f, s->imm.f);
        break;
    case OP_LOAD:
    case OP_SRC_LOAD:
    case OP_TGT_LOAD:
    case OP_LINK:
    case OP_STORE:
        buf_printf(b, " ");
        if (s->imm.k >= 0 && (size_t)s->imm.k < vec_len(m->field))
            print_word(b, m->field[s->imm.k].name);
        else
            buf_printf(b, "?%" PRId64, s->imm.k);
        break;
    case OP_TRUTH:
    case OP_OUT:
    case OP_OUTB:
    case OP_T:
    case OP_LOOKUP:
    case OP_SEARCH:
    case OP_XI:
        buf_printf(b, " %" PRId64, s->imm.k);
        break;
    case OP_RUNIFORM:
    case OP_RNORMAL:
    case OP_RLOGNORMAL:
    case OP_REXPONENTIAL:
    case OP_RGAMMA:
    case OP_RBINOMIAL:
    case OP_RPOISSON:
        buf_printf(b, " %#" PRIx64, (uint64_t)s->imm.k);
        break;
    default:
        break;
    }
    if (s->flags & INS_SHARED) buf_printf(b, " shared");
    for (int k = 0; k < 4; k++)
        if (s->arg[k] >= 0) buf_printf(b, " %%%d", s->arg[k]);
    buf_printf(b, "\n");
}

/* Appends the module's text to `out`. Numbers are hexadecimal, so exact; a rounded decimal stands
 * behind them as a comment. A function of the name of its role is written without its role. */
void ir_print(const IrModule *m, Buf *out)
{
    buf_printf(out, "module ");
    print_quoted(out, m->name);
    buf_printf(out, "\n");
    for (size_t k = 0; k < vec_len(m->field); k++)
        print_field(out, k, &m->field[k]);
    for (size_t k = 0; k < vec_len(m->table); k++) {
        buf_printf(out, "  table %zu %d\n", k, m->table[k].n);
        for (int i = 0; i < m->table[k].n; i++)
            buf_printf(out, "%s %a%s", i % 8 ? "" : "    values", m->table[k].v[i], i % 8 == 7 || i + 1 == m->table[k].n ? "\n" : "");
    }
    for (size_t k = 0; k < vec_len(m->fn); k++) {
        const IrFn *f = m->fn[k];
        buf_printf(out, "fn ");
        print_word(out, f->name);
        if (strcmp(f->name, fn_role_name[f->role])) buf_printf(out, " %s", fn_role_name[f->role]);
        buf_printf(out, " %s\n", f->lanes == LANE_NEURON ? "neuron" : "synapse");
        for (size_t i = 0; i < vec_len(f->ins); i++)
            print_ins(out, m, i, &f->ins[i]);
    }
}
