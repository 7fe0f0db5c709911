/* Source places and the layout of diagnostics. */
#include <criterion/criterion.h>

#include "base.h"

#include <stdlib.h>
#include <string.h>

static Arena *a;
static Sources *sources;
static Diags *ds;
static const SourceFile *file;

static void set_up(void)
{
    a = arena_new("a test");
    sources = source_new(a);
    ds = diag_new(a, sources);
}

static void tear_down(void)
{
    arena_free(a);
    cr_expect_eq(cx_mem_now(), 0);
}

TestSuite(diag, .init = set_up, .fini = tear_down);
TestSuite(source, .init = set_up, .fini = tear_down);

static void load(const char *text)
{
    file = source_add(sources, "column.cortex", text, strlen(text));
    cr_assert_not_null(file);
}

/* The first place of `what` behind the first place of `after`. */
static Span span(const char *after, const char *what)
{
    const char *p = strstr(strstr(file->text, after) + strlen(after), what);
    uint32_t lo = file->base + (uint32_t)(p - file->text);
    return (Span){lo, lo + (uint32_t)strlen(what)};
}

static const char *printed(bool color, size_t limit)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    diag_print(ds, f, color, limit);
    fclose(f);
    char *copy = arena_strndup(a, text, n);
    free(text);
    return copy;
}

Test(source, places)
{
    load("\xEF\xBB\xBF" "ab\r\n\xCE\xBC" "m \xFFx\n\nend");
    const SourceFile *first = file;
    Place p = source_place(sources, first->base + 3);
    cr_assert(p.file == first && p.line == 1 && p.col == 1 && p.line_len == 2);
    p = source_place(sources, first->base);
    cr_assert(p.line == 1 && p.col == 1);
    p = source_place(sources, first->base + 6); /* the line feed of \r\n */
    cr_assert(p.line == 1 && p.col == 3);
    p = source_place(sources, first->base + 9); /* behind the two bytes of mu */
    cr_assert(p.line == 2 && p.col == 2 && p.col_byte == 2);
    p = source_place(sources, first->base + 12); /* behind a byte that is no UTF-8 */
    cr_assert(p.line == 2 && p.col == 5);
    p = source_place(sources, first->base + first->len);
    cr_assert(p.line == 4 && p.col == 4);
    load("second");
    cr_assert_eq(file->base, first->base + first->len + 1);
    p = source_place(sources, file->base);
    cr_assert(p.file == file && p.line == 1 && p.col == 1);
    cr_assert_null(source_place(sources, 0).file);
    cr_assert_null(source_place(sources, file->base + file->len + 1).file);
    cr_assert_eq(source_count(sources), 2);
    cr_assert_eq(source_at(sources, 1), file);
    load("");
    cr_assert_eq(source_place(sources, file->base).line, 1);
}

Test(diag, the_layout_of_the_design)
{
    load("neuron x {\n  dV/dt = (EL - V + I) / tau_m\n}\n");
    Diag *d = diag_add(ds, D_unit_mismatch, span("V ", "+"), "cannot add a current to a voltage");
    diag_mark(d, span("(", "EL - V"));
    diag_mark(d, span("+ ", "I"));
    diag_note(d, "`EL - V` is a voltage (mV), `I` is a current (pA)");
    diag_hint(d, "multiply `I` by a resistance, such as `R*I`");
    cr_assert_str_eq(printed(false, 0),
                     "column.cortex:2:19: error: cannot add a current to a voltage [unit-mismatch]\n"
                     "    2 |   dV/dt = (EL - V + I) / tau_m\n"
                     "      |            ~~~~~~ ^ ~\n"
                     "  note: `EL - V` is a voltage (mV), `I` is a current (pA)\n"
                     "  hint: multiply `I` by a resistance, such as `R*I`\n");
    cr_assert_eq(diag_errors(ds), 1);
    cr_assert_eq(diag_warnings(ds), 0);
}

Test(diag, caret_within_a_range_and_notes_with_places)
{
    load("\tparam a = 1\n\tb = (a + c) * 2\n");
    Diag *d = diag_add(ds, D_unknown_name, span("b = ", "(a + c)"), "no `c` here");
    diag_caret(d, span("+ ", "c").lo);
    diag_note_at(d, span("param ", "a"), "`a` is declared here");
    cr_assert_str_eq(printed(false, 0), "column.cortex:2:11: error: no `c` here [unknown-name]\n"
                                        "    2 | \tb = (a + c) * 2\n"
                                        "      | \t    ~~~~~^~\n"
                                        "  column.cortex:1:8: note: `a` is declared here\n"
                                        "    1 | \tparam a = 1\n"
                                        "      | \t      ^\n");
}

Test(diag, spans_at_edges)
{
    load("a = [1,\n  2]\n\xCE\xBC\xCE\xBC = x\nend");
    diag_add(ds, D_syntax, span("a = ", "[1,\n  2]"), "first");
    diag_add(ds, D_syntax, (Span){file->base + file->len, file->base + file->len}, "second");
    diag_add(ds, D_syntax, span("= ", "x"), "third");
    cr_assert_str_eq(printed(false, 0), "column.cortex:1:5: error: first [syntax]\n"
                                        "    1 | a = [1,\n"
                                        "      |     ^^^\n"
                                        "column.cortex:3:6: error: third [syntax]\n"
                                        "    3 | \xCE\xBC\xCE\xBC = x\n"
                                        "      |      ^\n"
                                        "column.cortex:4:4: error: second [syntax]\n"
                                        "    4 | end\n"
                                        "      |    ^\n");
}

Test(diag, order_repetition_and_limit)
{
    load("a b c d e");
    diag_add(ds, D_unknown_name, span("d ", "e"), "e");
    diag_add(ds, D_no_run, (Span){0, 0}, "nowhere");
    diag_add(ds, D_unit_power, span("", "a"), "warned");
    diag_add(ds, D_unit_power, span("a ", "b"), "warned");
    Diag *again = diag_add(ds, D_unknown_name, span("d ", "e"), "e again");
    diag_hint(again, "not shown");
    diag_add(ds, D_unknown_name, span("b ", "c"), "c");
    diag_add(ds, D_no_run, (Span){0, 0}, "nowhere");
    diag_add(ds, D_no_run, (Span){0, 0}, "nowhere else");
    cr_assert_eq(diag_count(ds), 6);
    cr_assert_eq(diag_errors(ds), 4);
    cr_assert_eq(diag_warnings(ds), 2);
    cr_assert_str_eq(printed(false, 3), "column.cortex:1:5: error: c [unknown-name]\n"
                                        "    1 | a b c d e\n"
                                        "      |     ^\n"
                                        "column.cortex:1:9: error: e [unknown-name]\n"
                                        "    1 | a b c d e\n"
                                        "      |         ^\n"
                                        "error: nowhere [no-run]\n"
                                        "1 more error and 2 more warnings\n");
    cr_assert_not_null(strstr(printed(false, 5), "1:1: warning: warned [unit-power]"));
}

Test(diag, long_lines_are_shown_as_a_window)
{
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    text[500] = '!';
    load(text);
    diag_add(ds, D_unexpected_character, span("", "!"), "what is this");
    const char *out = printed(false, 0);
    const char *line = strchr(out, '\n') + 1, *carets = strchr(line, '\n') + 1;
    cr_assert_eq(carets - line - 1, 8 + 3 + 160 + 3);
    cr_assert_eq(memcmp(line, "    1 | \xE2\x80\xA6x", 12), 0);
    /* the ellipsis has three bytes and one column */
    cr_assert_eq(strchr(line, '!') - line - 2, strchr(carets, '^') - carets);
}

Test(diag, colour_and_control_characters)
{
    load("a\033b\xFF");
    diag_add(ds, D_unexpected_character, span("a", "\033"), "odd");
    cr_assert_str_eq(printed(true, 0),
                     "column.cortex:1:2: \033[1;31merror:\033[0m \033[1modd\033[0m "
                     "[unexpected-character]\n"
                     "    1 | a\xEF\xBF\xBD" "b\xEF\xBF\xBD\n"
                     "      | \033[1;32m ^\033[0m\n");
}

Test(diag, every_id_has_a_name_and_a_story)
{
    DiagId id;
    for (int k = 0; k < N_DIAG; k++) {
        cr_assert(diag_find(diag_name((DiagId)k), &id));
        cr_assert_eq((int)id, k);
        cr_assert_gt(strlen(diag_story(id)), 40, "%s", diag_name(id));
        cr_assert_eq(strcspn(diag_name(id), "_ "), strlen(diag_name(id)));
    }
    cr_assert(!diag_find("no-such-thing", &id));
}

Test(diag, many)
{
    load("x");
    for (uint32_t k = 0; k < 20000; k++) diag_add(ds, D_syntax, (Span){1, 1 + k}, "n");
    cr_assert_eq(diag_count(ds), 20000);
}

Test(diag, nearest)
{
    const char *const names[] = {"tau_m", "tau_w", "probability", NULL, "weight", "C", "delay"};
    size_t n = sizeof names / sizeof *names;
    cr_assert_str_eq(diag_nearest("taum", names, n), "tau_m");
    cr_assert_str_eq(diag_nearest("propability", names, n), "probability");
    cr_assert_str_eq(diag_nearest("wieght", names, n), "weight");
    cr_assert_str_eq(diag_nearest("dely", names, n), "delay");
    cr_assert_null(diag_nearest("x", names, n));
    cr_assert_null(diag_nearest("weight", (const char *[]){"weight"}, 1)); /* the word itself is no hint */
    cr_assert_null(diag_nearest("voltage", names, n));
    cr_assert_null(diag_nearest("", names, n));
    char word[200];
    memset(word, 'x', 199);
    word[199] = '\0';
    cr_assert_null(diag_nearest(word, names, n));
}
