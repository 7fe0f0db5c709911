/* The parser: everything of the language is read, the tree is the one that was meant, mistakes are
 * reported once, in words, where they are; nothing crashes or leaks. */
#include "ast.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* The example blocks of the language's description. */
static const char column[] =
    "model \"five-layer column\"\n"
    "\n"
    "layer L1  : 100 of lif\n"
    "layer L23 : 400 of lif\n"
    "layer L4  : 400 of lif\n"
    "layer L5  : 300 of lif\n"
    "layer L6  : 300 of lif\n"
    "population basket : 375 of lif          # inhibitory cells\n"
    "\n"
    "let column = [L1, L23, L4, L5, L6]\n"
    "let p = [                               # rows: from, columns: to\n"
    "  [0.000, 0.020, 0.020, 0.020, 0.010],\n"
    "  [0.001, 0.100, 0.000, 0.100, 0.010],\n"
    "  [0.001, 0.150, 0.050, 0.000, 0.001],\n"
    "  [0.010, 0.010, 0.010, 0.050, 0.010],\n"
    "  [0.010, 0.001, 0.010, 0.001, 0.050],\n"
    "]\n"
    "connect column -> column : probability(p)   { weight = 0.6 mV, delay = 1.5 ms }\n"
    "connect column -> basket : probability(10%) { weight = 0.6 mV, delay = 1.5 ms }\n"
    "connect basket -> *      : probability(10%) { weight = -3 mV, delay = 1.5 ms }\n"
    "\n"
    "stimulus -> *               : poisson(rate = 10 Hz, inputs = 250) { weight = 0.6 mV }   # the "
    "rest of the brain\n"
    "stimulus -> sample(L4, 20%) : poisson(rate = 8 Hz, inputs = 100)  { weight = 1.5 mV }\n"
    "\n"
    "record V of L4[0:10] every 0.5 ms       # spikes of everything are recorded unless told "
    "otherwise\n"
    "run 1 s\n";

static const char adex[] =
    "## Adaptive exponential integrate-and-fire, conductance synapses (Brette & Gerstner 2005).\n"
    "neuron adex {\n"
    "  param C = 200 pF, gL = 10 nS, EL = -70 mV, VT = -50 mV, DT = 2 mV\n"
    "  param a = 0 nS, b = 40 pA, tau_w = 500 ms\n"
    "  param Vr = -70 mV, Vpeak = VT + 5*DT, t_ref = 5 ms\n"
    "  param Ee = 0 mV, Ei = -80 mV, tau_e = 5 ms, tau_i = 5 ms\n"
    "\n"
    "  state V  : mV = EL\n"
    "  state w  : pA = 0 pA\n"
    "  state ge : nS = 0 in [0, inf)\n"
    "  state gi : nS = 0 in [0, inf)\n"
    "  input I  : pA                       # a sum, zero again every step\n"
    "  port  ge, gi, I                     # where connections and stimuli may aim; the first is "
    "the default\n"
    "\n"
    "  I_syn = ge*(Ee - V) + gi*(Ei - V)   # a named expression, recordable\n"
    "  dV/dt  = (gL*(EL - V) + gL*DT*exp((min(V, Vpeak) - VT)/DT) + I_syn + I - w) / C   unless "
    "refractory\n"
    "  dw/dt  = (a*(V - EL) - w) / tau_w\n"
    "  dge/dt = -ge / tau_e\n"
    "  dgi/dt = -gi / tau_i\n"
    "\n"
    "  spike when V > Vpeak {\n"
    "    V = Vr\n"
    "    w += b\n"
    "    refractory t_ref\n"
    "  }\n"
    "}\n"
    "neuron fast_spiking of adex { DT = 0.5 mV, b = 0 pA }      # the same model with other "
    "defaults\n";

static const char stdp[] =
    "## Pair-based STDP, additive, all-to-all (Song, Miller & Abbott 2000).\n"
    "synapse stdp {\n"
    "  param tau_pre = 20 ms, tau_post = 20 ms, A_pre = 0.01, A_post = -0.0105\n"
    "  param w_max : port                  # has the dimension of the port aimed at\n"
    "  state weight : port\n"
    "  state x = 0\n"
    "  state y = 0\n"
    "  dx/dt = -x / tau_pre\n"
    "  dy/dt = -y / tau_post\n"
    "  on pre  { port += weight; x += A_pre;  weight = clip(weight + y*w_max, 0, w_max) }\n"
    "  on post { y += A_post; weight = clip(weight + x*w_max, 0, w_max) }\n"
    "}\n";

static const char populations[] =
    "population E : 3200 of lif { V = uniform(-60 mV, -50 mV), position = grid(80, 40, spacing = "
    "25 um) }\n"
    "layer L4 { population e : 21915 of iaf_psc_exp; population i : 5479 of iaf_psc_exp }\n"
    "population thalamus : 902 of poisson_source { rate = 15 Hz }\n";

static const char connections[] =
    "connect E -> I.ge : probability(2%) { weight = 6 nS, delay = 1.5 ms }\n"
    "connect E -> E.ge : indegree(80) using stdp as ee { weight = uniform(0 nS, 10 nS), w_max = 10 "
    "nS, delay = 1 ms + distance/(0.3 m/s) }\n";

static const char protocol[] =
    "stimulus -> L4.e : poisson(rate = 8 Hz, inputs = 2100) { weight = 87.8 pA }      # private "
    "trains\n"
    "stimulus -> L5[0:50].I : drive(if 100 ms <= t < 200 ms then 300 pA else 0) as pulse\n"
    "stimulus -> *.I : ou(mean = 100 pA, sigma = 30 pA, tau = 5 ms) { start = 50 ms, stop = 900 ms "
    "}\n"
    "\n"
    "record spikes of L4, L5\n"
    "record V, ge of L4.e[0:10] every 0.5 ms\n"
    "record weight of ee at end                 # or at [0 s, 10 s], or every 100 ms from 1 s to 2 "
    "s\n"
    "record rate of * every 5 ms                # population averages: rate, mean(V), sd(V)\n"
    "record count of E every 500 ms             # per neuron\n"
    "record V, w of E at spikes                 # before and after the reset\n"
    "\n"
    "simulation { dt = 0.1 ms, seed = 1 }\n"
    "run 500 ms\n"
    "set L5.tau_m = 12 ms                       # parameters and states may change between runs\n"
    "at 700 ms { adex.b = 0 pA }\n"
    "state shown = 0                            # a state of the whole network: readable "
    "everywhere, recordable\n"
    "every 500 ms from 1 s {\n"
    "  ee.weight *= 78 nS / sum(ee.weight, per = target)\n"
    "  if count(E, last = 500 ms) < 5 { pulse.gain += 1 } else { shown += 1 }\n"
    "}\n"
    "run 24 h until shown == 60000\n";

/* What the text between the blocks mentions. */
static const char *const mentioned[] = {
    "layer X : 3 of lif; population input : 10 of lif; population each : 3 of lif",
    "for k, x in [1, 2] { let y = k*x }",
    "for P in [L4.e, L5.e] { record V of P every 1 ms }",
    "population pool[k in range(10)] : 50 + 10*k of lif { V = -60 mV }",
    "layer col[k in range(3)] : 10 of lif",
    "connect pool[3] -> pool[k + 1][0:50] : each(j = mod(i + 1, N_target))",
    "connect E[3, 5, 8] -> E[position.x < 100 um] : pairs([[1, 2], [3, 4]]) { autapses = true }",
    "connect E -> [E, I].ge : edges(\"sonata_edges.h5\")",
    "population R : 20 of retina { eye = E[0].x, I = 300 pA*sin(2*pi*5 Hz*t) }",
    "connect pops -> pops : total(K) { weight = normal(W, 10%*abs(W)) }",
    "connect E -> I : probability(1%) { reward = VTA.spike, reward_delay = 1 ms }",
    "import \"other.cortex\"",
    "function alpha_m(V: mV) : 1/ms = 0.32/[ms*mV]*(V/[mV] + 1)",
    "param g : mV/ms^(1/2) = 2 mV/ms^(1/2), r : 1/(ms*mV), T : degC = 6.3 degC, k : int = 3",
    "sweep g = linspace(3, 8, 11), nu = [0.9, 2]",
    "sweep (a, b) = [[1, 2], [3, 4]]",
    "trials 5",
    "expect rate(L4.e, from = 200 ms) in [4.0 Hz, 4.8 Hz]",
    "expect cv_isi(E, to = 1 s, last = 500 ms) > 0.5",
    "if g > 3 { run 1 s } else if g > 2 { run 2 s } else { run 3 s }",
    "record weight of ee every 100 ms from 1 s to 2 s; record weight of ee at [0 s, 10 s]",
    "record rate, mean(V), sd(V) of * every 5 ms",
    "stimulus -> *.I : ou(mean = 100 pA, sigma = 30 pA, tau = 5 ms) as noise_of_all",
    "run 24 h until shown == 60000",
    "neuron x {\n event burst when V crosses VT { n += 1 }\n event quiet\n spike when V > 3 mV\n "
    "every step { if a { let x : mV = 3 mV } else if b { x = 1 } else { x -= 2 } }\n every 10 ms "
    "from 1 s { refractory until V < -40 mV }\n method = rk4\n dx/dt = xi/[s]^(1/2) each step\n "
    "state = 3\n port I, input, state\n}",
    "synapse y { on pre after 10 ms { port += weight }; on reward { weight += target.refractory*x "
    "}; event reward }",
    "let u = 10 µV + 3 Ω*[µA]",
    "connect E -> layer_of_two.* : all_to_all",
    "let b = true and not false or E.spike.x[::2].y",
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const examples[] = {column, adex, stdp, populations, connections, protocol};

/* A text, its tree and what was said about it. */
typedef struct Trial {
    Ast ast;
    Node *tree;
    char *said;
} Trial;

static Trial trial_of(const char *text, size_t len, bool expression)
{
    Trial t = {.ast = {.arena = arena_new("test")}};
    t.ast.sources = source_new(t.ast.arena);
    t.ast.diags = diag_new(t.ast.arena, t.ast.sources);
    const SourceFile *f = source_add(t.ast.sources, "m.cortex", text, len);
    t.tree = expression ? parse_expression(&t.ast, f) : parse_file(&t.ast, f);
    size_t n;
    FILE *out = open_memstream(&t.said, &n);
    diag_print(t.ast.diags, out, false, 0);
    fclose(out);
    return t;
}

static Trial trial(const char *text)
{
    return trial_of(text, strlen(text), false);
}

static void trial_end(Trial *t)
{
    free(t->said);
    arena_free(t->ast.arena);
}

static char *dump(const Node *n)
{
    Buf b = {0};
    ast_print(n, &b);
    char *s = strdup(b.p ? b.p : "");
    buf_free(&b);
    return s;
}

/* An expression with all its parentheses. */
static void sexpr(const Node *n, Buf *b)
{
    static const char *const compared[] = {"<", ">", "<=", ">=", "==", "!="};
    if (!n) {
        buf_printf(b, "_");
        return;
    }
    if (n->n_kids == 0) {
        buf_printf(b, "%s", n->name ? n->name : n->text ? n->text : ast_kind_name(n->kind));
        return;
    }
    buf_printf(b, "(");
    if (n->kind == N_compare) {
        sexpr(n->kid[0], b);
        for (int k = 0; k < n->which; k++) {
            buf_printf(b, " %s ", compared[n->ops[k] - OP2_LT]);
            sexpr(n->kid[k + 1], b);
        }
    } else if (n->kind == N_binary) {
        sexpr(n->kid[0], b);
        if (n->op < 256)
            buf_printf(b, " %c ", n->op);
        else
            buf_printf(b, n->op == OP2_AND ? " and " : " or ");
        sexpr(n->kid[1], b);
    } else {
        buf_printf(b, "%s", ast_kind_name(n->kind));
        if (n->name) buf_printf(b, " %s", n->name);
        for (int k = 0; k < n->n_kids; k++) {
            buf_printf(b, " ");
            sexpr(n->kid[k], b);
        }
    }
    buf_printf(b, ")");
}

static void reads_as(const char *text, const char *expected)
{
    Trial t = trial_of(text, strlen(text), true);
    cr_assert(t.tree, "%s", t.said);
    Buf b = {0};
    sexpr(t.tree, &b);
    cr_assert_str_eq(b.p, expected, "%s", text);
    buf_free(&b);
    trial_end(&t);
}

/* The tree of `text`, without a diagnostic. */
static void tree_is(const char *text, const char *expected)
{
    Trial t = trial(text);
    cr_assert_str_empty(t.said, "%s", text);
    char *s = dump(t.tree);
    cr_assert_str_eq(s, expected, "%s", text);
    free(s);
    trial_end(&t);
}

/* Two texts with the same tree. */
static void same(const char *a, const char *b)
{
    Trial t = trial(a), u = trial(b);
    char *x = dump(t.tree), *y = dump(u.tree);
    cr_assert_str_empty(t.said, "%s", a);
    cr_assert_str_empty(u.said, "%s", b);
    cr_assert_str_eq(x, y, "%s\n---\n%s", a, b);
    free(x);
    free(y);
    trial_end(&t);
    trial_end(&u);
}

/* What is said about `text`: one line for each diagnostic, `line:col: text [id]`. */
static void says(const char *text, const char *expected)
{
    Trial t = trial(text);
    Buf b = {0};
    for (char *save, *line = strtok_r(t.said, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "m.cortex:", 9) != 0) continue;
        char *colon = strstr(line, ": error: ");
        if (colon)
            buf_printf(&b, "%.*s: %s\n", (int)(colon - line - 9), line + 9, colon + 9);
        else
            buf_printf(&b, "%s\n", line + 9);
    }
    cr_assert_str_eq(b.p ? b.p : "", expected, "%s", text);
    buf_free(&b);
    trial_end(&t);
}

static void hints(const char *text, const char *hint)
{
    Trial t = trial(text);
    cr_assert(strstr(t.said, hint), "%s\n%s", text, t.said);
    trial_end(&t);
}

Test(parse, reads_every_example)
{
    for (size_t k = 0; k < COUNT(examples); k++) {
        Trial t = trial(examples[k]);
        cr_assert_str_empty(t.said, "%s", t.said);
        trial_end(&t);
    }
    for (size_t k = 0; k < COUNT(mentioned); k++) {
        Trial t = trial(mentioned[k]);
        cr_assert_str_empty(t.said, "%s", t.said);
        trial_end(&t);
    }
}

Test(parse, binds_as_in_mathematics)
{
    reads_as("a + b*c^d", "(a + (b * (c ^ d)))");
    reads_as("a - b - c", "((a - b) - c)");
    reads_as("a/b*c", "((a / b) * c)");
    reads_as("a^b^c", "(a ^ (b ^ c))");
    reads_as("-x^2", "(neg (x ^ 2))");
    reads_as("-a*b", "((neg a) * b)");
    reads_as("2^-3*4", "((2 ^ (neg 3)) * 4)");
    reads_as("(a + b)*c", "((a + b) * c)");
    reads_as("not a < b and c or d", "(((not (a < b)) and c) or d)");
    reads_as("a <= t < b", "(a <= t < b)");
    reads_as("a < b == c != d", "(a < b == c != d)");
    reads_as("(a < b) < c", "((a < b) < c)");
    reads_as("1 + if c then a else b + 1", "(1 + (if_expr c a (b + 1)))");
    reads_as("if a then b else if c then d else e", "(if_expr a b (if_expr c d e))");
    reads_as("f(a, from = 3)[1:2, :].x",
             "(field x (index (call f a (arg from 3)) (slice 1 2 _) (slice _ _ _)))");
    reads_as("[E, I].*", "(field_wild (list E I))");
    reads_as("sum(*)", "(call sum wild)");
    reads_as("a * *", "(a * wild)");
    reads_as("[]", "list");
}

Test(parse, takes_the_longest_unit)
{
    reads_as("10 mV/tau", "(10 mV / tau)");
    reads_as("10 mV/ms", "10 mV/ms");
    reads_as("10mV", "10mV");
    reads_as("1 uF/cm^2*x", "(1 uF/cm^2 * x)");
    reads_as("2 mV/ms^(1/2)", "2 mV/ms^(1/2)");
    reads_as("10 mV/s.x", "(10 mV / (field x s))");
    reads_as("10 mV/s[0]", "(10 mV / (index s 0))");
    says("let a = 3 min(b)", "1:10: expected a `,` or the end of the line, found `min` [syntax]\n");
}

Test(parse, goes_on_over_line_ends)
{
    same("let a = 1 +\n 2", "let a = 1 + 2");
    same("let a = 1\n\n  # why\n  + 2", "let a = 1 + 2");
    same("let a = [1,\n 2\n]\n", "let a = [1, 2]");
    same("let a = f(1\n, x\n= 2)", "let a = f(1, x = 2)");
    same("let a =\n if b\n then c\n else d", "let a = if b then c else d");
    same("connect A\n -> B\n : all_to_all\n using stdp\n as x\n { w = 1\n d = 2, e = 3 }",
         "connect A -> B : all_to_all using stdp as x { w = 1; d = 2; e = 3 }");
    same("let a = b\n * c", "let a = b * c");
    same("record V of *\nrun 1 s", "record V of *; run 1 s");
    same("if a {\n run 1 s\n}\nelse {\n}", "if a { run 1 s } else { }");
    same("run 1 s;run 2 s;", "run 1 s\nrun 2 s\n");
}

Test(parse, keeps_documentation)
{
    tree_is("## A model.\n## Two lines.\nneuron x {\n  ## capacitance\n  param C = 1, D = 2\n"
            "  state V # no\n  ## lost\n\n  port V\n  ## slope\n  dV/dt = 0\n}\n## both\nlet a = "
            "1, b = 2\n",
            "file\n"
            "  neuron x doc=\"A model.\\nTwo lines.\"\n"
            "    decls param doc=\"capacitance\"\n"
            "      decl C doc=\"capacitance\"\n        -\n        num 1\n        -\n"
            "      decl D doc=\"capacitance\"\n        -\n        num 2\n        -\n"
            "    decls state\n      decl V\n        -\n        -\n        -\n"
            "    port\n      name V\n"
            "    equation V doc=\"slope\"\n      num 0\n"
            "  let a doc=\"both\"\n    num 1\n"
            "  let b doc=\"both\"\n    num 2\n");
}

Test(parse, knows_values_of_literals)
{
    Trial t = trial("let a = [20%, 0.1 mV/ms, 1e-3, 1 uF/cm^2, \"q\\\"\\\\\", .5]");
    cr_assert_str_empty(t.said);
    Node *list = t.tree->kid[0]->kid[0];
    cr_assert_eq(list->kid[0]->num, 0.2);
    cr_assert_eq(list->kid[1]->num, 0.1);
    cr_assert_str_eq(list->kid[1]->unit.text, "mV/ms");
    cr_assert_eq(list->kid[2]->num, 1e-3);
    cr_assert_str_eq(list->kid[4]->text, "q\"\\");
    cr_assert_eq(list->kid[5]->num, 0.5);
    cr_assert_str_eq(ast_source(&t.ast, list->kid[3]), "1 uF/cm^2");
    trial_end(&t);
    cr_assert(parse_word("neuron"));
    cr_assert(parse_word("port"));
    cr_assert_null(parse_word("lif"));
    cr_assert_null(parse_word(""));
}

Test(parse, warns_of_units_read_otherwise)
{
    says("let a = 50 ms^2", "1:9: warning: the power applies to the unit only [unit-power]\n");
    says("let a = 50 um^2", "");
    says("let a = 2 mV/ms^2", "");
    says("let a = 1/2 ms", "1:10: warning: this divides by the quantity `2 ms` [unit-quotient]\n");
    says("let a = 1/(2 ms)", "");
}

Test(parse, reports_each_mistake_once)
{
    says("population E : of lif\nneuron x {\n  param C =\n  dV/dt = (1 + 2\n  dw/dt = 3 +\n}\n"
         "connect E -> E : total(3 { weight = }\nlet x = )\nrun 1 s\n",
         "1:15: expected a value, found `of` [syntax]\n"
         "3:12: expected a value, found the end of the line [syntax]\n"
         "4:17: expected a `)`, found the end of the line [syntax]\n"
         "5:14: expected a value, found `}` [syntax]\n"
         "7:25: expected a `)` or a `,`, found `{` [syntax]\n"
         "8:8: expected a value, found `)` [syntax]\n");
    Trial t = trial("let a = \nrun 1 s\npopulation E : of lif\nrun 2 s");
    char *s = dump(t.tree);
    cr_assert_str_eq(
        s, "file\n  poison a\n  run\n    qty 1 s\n    -\n  poison E\n  run\n    qty 2 s\n    -\n");
    free(s);
    trial_end(&t);
}

Test(parse, has_words_for_beginners)
{
    says("layer L2/3 : 10 of lif", "1:7: a name cannot contain `/` [slash-in-name]\n");
    hints("layer L2/3 : 10 of lif", "hint: write `L23`");
    says("connect a -> b : 30%", "1:18: expected a rule, found `30%` [rule-expected]\n");
    hints("connect a -> b : 30%", "hint: write `probability(30%)`");
    says("let a = [1 2]", "1:11: expected a `,` before `2` [missing-comma]\n");
    says("let a = [[1, 2]\n[3, 4]]",
         "1:16: expected a `,` between the rows of a list [missing-comma]\n");
    says("plot V", "1:1: plots are made after the run, not in the model file [plot-in-file]\n");
    says("record everything", "1:8: a recording names its variables [record-everything]\n");
    says("g = 5", "1:1: a value at the top level needs `let` or `param` [missing-let]\n");
    hints("poplation E : 10 of lif", "did you mean `population`?");
    hints("neuron x { paramm C = 3 }", "did you mean `param`?");
    says("connect a -> b all_to_all",
         "1:15: expected a `:` and the rule, found `all_to_all` [missing-colon]\n");
    says("if a = 3 { run 1 s }",
         "1:6: `=` does not compare two values [assignment-in-condition]\n");
    says("if f(a = 3) { run 1 s }", "");
    says("let a = b && !c || d ** 2",
         "1:11: `&&` is not an operator of this language [foreign-operator]\n"
         "1:14: `!` is not an operator of this language [foreign-operator]\n"
         "1:17: `||` is not an operator of this language [foreign-operator]\n"
         "1:22: `**` is not an operator of this language [foreign-operator]\n");
    says("// a\n% b\nrun 1 s", "1:1: `//` begins no comment here [foreign-comment]\n"
                               "2:1: `%` begins no comment here [foreign-comment]\n");
    says("run 10 mv", "1:8: `mv` is no unit [unknown-unit]\n");
    hints("run 10 mv", "did you mean `mV`?");
    says("let a = \"b", "1:9: this string has no closing quote [unterminated-string]\n");
    says("at 1 s { x = 1, y = 2 }",
         "1:15: a `,` does not end a statement [comma-between-statements]\n");
    says("neuron x { V/dt = 3 }",
         "1:12: the left side of an equation is `dV/dt`, not `V/dt` [bad-equation]\n");
    says("let layer = 3", "1:4: expected a name, found `layer` [syntax]\n");
    says("let na\xc3\xafve = 3",
         "1:7: unexpected character: `\xc3\xaf` (U+00EF) [unexpected-character]\n");
}

Test(parse, finds_the_brace_that_is_open)
{
    says("neuron x {\n  state V\npopulation E : 10 of x\nrun 1 s\n",
         "2:10: expected a `}`, found `population` [unclosed-brace]\n");
    hints("neuron x {\n  state V\npopulation E : 10 of x\n", "the `{` of line 1 is not closed");
    says("layer L {\n  population E : 10 of x\n",
         "2:25: expected a `}`, found the end of the file [unclosed-brace]\n");
    says("run 1 s\n}\nrun 2 s", "2:1: a `}` without its `{` [unmatched-brace]\n");
}

static char *repeat(const char *head, const char *part, size_t n)
{
    size_t h = strlen(head), k = strlen(part);
    char *s = malloc(h + n * k + 1);
    memcpy(s, head, h);
    for (size_t i = 0; i < n; i++)
        memcpy(s + h + i * k, part, k);
    s[h + n * k] = '\0';
    return s;
}

Test(parse, stops_at_its_limits, .timeout = 120)
{
    static const struct {
        const char *head, *part;
        size_t n;
        const char *id;
    } cases[] = {
        {"let a = ", "(", 100000, "nesting-too-deep"},
        {"let a = ", "-", 100000, "nesting-too-deep"},
        {"let a = 1", "+1", 100000, "nesting-too-deep"},
        {"let a = ", "2^", 100000, "nesting-too-deep"},
        {"let a = b", "(1)", 20000, "nesting-too-deep"},
        {"let a = ", "[", 1500, "nesting-too-deep"},
        {"", "for k in x {\n", 5000, "nesting-too-deep"},
        {"let a = ", "1", 2000000, "line-too-long"},
        {"", "let = 3\n", 100, "too-many-errors"},
        {"", "}\n", 100, "too-many-errors"},
        {"", "\xff\x01\n", 1000, "too-many-errors"},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        char *s = repeat(cases[k].head, cases[k].part, cases[k].n);
        Trial t = trial(s);
        cr_assert(strstr(t.said, cases[k].id), "case %zu", k);
        cr_assert_leq(diag_count(t.ast.diags), 21, "case %zu", k);
        trial_end(&t);
        free(s);
    }
    Trial t = trial_of("let a\0 = 3\nrun 1 s\0\n", 20, false);
    cr_assert_eq(diag_errors(t.ast.diags), 2);
    trial_end(&t);
}

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Examples cut up and mixed: no crash, no leak, always a tree, never a flood. */
Test(parse, survives_mutation, .timeout = 300)
{
    static const char *const bits[] = {
        "(",        ")",    "[",   "]",     "{",       "}",       "\n",   ",", ":",     "=",
        "->",       "*",    "if ", "else ", "neuron ", "run ",    "\"",   "#", "10 mV", "/",
        "\xce\xa9", "\xff", ";",   "dt",    "^",       "record ", "let ", "%", ".",     "of "};
    uint32_t state = 12345;
    sym_free_all();
    size_t before = cx_mem_now();
    int rounds = getenv("CORTEXC_FUZZ_ROUNDS") ? atoi(getenv("CORTEXC_FUZZ_ROUNDS")) : 1500;
    for (int round = 0; round < rounds; round++) {
        const char *from = examples[draw(&state) % COUNT(examples)];
        size_t len = strlen(from);
        char *s = malloc(len + 200);
        memcpy(s, from, len + 1);
        for (uint32_t k = draw(&state) % 8 + 1; k > 0; k--) {
            size_t at = draw(&state) % len;
            switch (draw(&state) % 4) {
            case 0:
                s[at] = (char)draw(&state);
                break;
            case 1:
                memmove(s + at, s + at + 1, len - at), len--;
                break;
            case 2: {
                size_t cut = draw(&state) % 40 % (len - at);
                memmove(s + at, s + at + cut, len + 1 - at - cut);
                len -= cut;
                break;
            }
            default: {
                const char *bit = bits[draw(&state) % COUNT(bits)];
                size_t n = strlen(bit);
                memmove(s + at + n, s + at, len + 1 - at);
                memcpy(s + at, bit, n);
                len += n;
            }
            }
            if (len < 2) break;
        }
        Trial t = trial_of(s, len, draw(&state) % 8 == 0);
        if (t.tree) free(dump(t.tree));
        cr_assert_leq(diag_errors(t.ast.diags), 21);
        trial_end(&t);
        free(s);
    }
    sym_free_all();
    cr_assert_eq(cx_mem_now(), before);
}
