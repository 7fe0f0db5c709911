"""The grammar of the language as a page: the rules of grammar/cortex.y without their actions, rewritten as EBNF."""

import re

TOKEN = r"""'(?:[^'])+'|"(?:[^"])*"|%\w+|[A-Za-z_]\w*(?:\[\w+\])?|[:;|]"""
SPACE = r"/\*.*?\*/"


def without_actions(text):
    """Drops `{ … }`, which are C; braces in quotes belong to the grammar."""
    out, depth, k = [], 0, 0
    while k < len(text):
        quoted = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"").match(text, k)
        if quoted:
            out.append("" if depth else quoted[0])
            k = quoted.end()
            continue
        depth += text[k] == "{"
        if not depth:
            out.append(text[k])
        depth -= text[k] == "}"
        k += 1
    return "".join(out)


def read(path):
    """(rules: name -> list of alternatives, each a list of symbols; sections: (title, names); levels of operators; names of tokens)"""
    with open(path, encoding="utf-8") as f:
        head, body, _ = f.read().split("\n%%\n")
    alias = dict(re.findall(r"\b([A-Z]+)(?: (\"[^\"]+\"))", re.sub(r"/\*.*?\*/", "", " ".join(re.findall(r"^%token.*$", head, re.M)), flags=re.S)))
    levels = re.findall(r"^%(left|right|precedence) (.*)$", head, re.M)
    rules, sections = {}, [("Start", [])]
    for part in re.split(r"(/\* ---- .*? ---- \*/)", body):
        title = re.match(r"/\* ---- (.*?) ---- \*/", part)
        if title:
            name = title[1].split(":")[0]
            sections.append((name[0].upper() + name[1:], []))
            continue
        part = re.sub(r"^%type.*$", "", without_actions(re.sub(SPACE, "", part, flags=re.S)), flags=re.M)
        name = None
        for symbol in re.findall(TOKEN, part):
            symbol = re.sub(r"\[\w+\]$", "", symbol) if symbol[0] not in "'\"" else symbol
            if symbol == ":":
                name = rules[name].pop()[-1] if name else None
            elif symbol == ";":
                name = None
            elif name is None:
                name = symbol
                rules[name] = [[]]
                sections[-1][1].append(name)
                rules[name][0].append(name)
            elif symbol == "|":
                rules[name].append([])
            else:
                if not rules[name]:
                    rules[name].append([])
                rules[name][-1].append(symbol)
    return rules, sections, levels, alias


def clean(alternatives):
    """Without what is for mistakes and for the parser alone."""
    out = []
    for a in alternatives:
        if "error" in a or "START_EXPRESSION" in a:
            continue
        a = [s for s in a if s not in ("%empty", "START_FILE")]
        out.append(a[:a.index("%prec")] if "%prec" in a else a)
    return out


class Page:
    def __init__(self, rules, alias):
        self.rule = {name: clean(a) for name, a in rules.items()}
        self.alias = alias
        self.inline = {name for name, a in self.rule.items() if [] in a and name not in {s for x in a for s in x}}

    def symbol(self, s):
        if s in self.inline:
            rest = [a for a in self.rule[s] if a]
            return f"[ {self.choice(rest)} ]"
        if s.startswith("'"):
            return f'"{s[1:-1]}"'
        if s in self.alias:
            text = self.alias[s].strip('"')
            return WORDLIKE.get(s, f'"{text}"')
        return s

    def sequence(self, symbols):
        return " ".join(self.symbol(s) for s in symbols)

    def choice(self, alternatives):
        return " | ".join(self.sequence(a) for a in alternatives)

    def right_side(self, name):
        """The alternatives as text; repetition is written `{ … }` where the grammar has a rule that begins with itself."""
        alternatives = self.rule[name]
        again = [a[1:] for a in alternatives if a and a[0] == name]
        once = [a for a in alternatives if not a or a[0] != name]
        if not again or name in ("expr", "postfix"):
            return [self.sequence(a) for a in alternatives if a]
        repeat = f"{{ {self.choice(again)} }}"
        first = [self.sequence(a) for a in once if a]
        return [f"{first[0]} {repeat}" if first else repeat]


# Tokens that are no fixed text, and how the page names them.
WORDLIKE = {"NUM": "NUMBER", "QTY": "QUANTITY", "PCT": "PERCENTAGE", "STR": "TEXT", "IDENT": "NAME", "WILD": '"*"', "NL": "END"}

LEXICAL = """\
| token | |
|---|---|
| `NAME` | a letter or `_`, then letters, digits and `_`; no reserved word |
| `NUMBER` | `3`, `0.5`, `.5`, `1e-3`; no sign |
| `QUANTITY` | a number, blanks or none, and a unit of names from the [table of units](units.md) joined by `/ * ^` without blanks: `10 mV`, `0.1 mV/ms`, `1 uF/cm^2` |
| `PERCENTAGE` | a number and `%` |
| `TEXT` | `"…"` on one line |
| `END` | the end of a line that is complete, or `;`. Inside of `( )` and `[ ]` line ends do not count, nor do those behind an operator, `,` `:` `->` `=` `{` `then` `else` `of`, nor in front of a line that begins with an operator or with `->` `:` `=` `{` `then` `else` `using` `as` `unless` `of` `in` |

`#` begins a comment, `##` one that documents the declaration below.
"""


def operators(levels, page):
    lines = ["| binds | operators | of equals |\n|---|---|---|\n"]
    shown = [(side, re.findall(r"'[^']'|\w+", names)) for side, names in levels]
    names = {"UMINUS": "`-` `+` in front of a value", "ELSE_": "`if … then … else …`", "NOT": "`not`"}
    for n, (side, ops) in enumerate(reversed(shown)):
        text = " ".join(names.get(o) or f"`{page.symbol(o)[1:-1]}`" for o in ops)
        chain = "chain: `a < b < c` is `a < b and b < c`" if "LE" in ops else {"left": "the left one first", "right": "the right one first"}.get(side, "")
        lines.append(f"| {'tightest' if n == 0 else 'loosest' if n == len(shown) - 1 else ''} | {text} | {chain} |\n")
    return "".join(lines)


def page(grammar, words, note):
    """The whole page. `words` is the text of grammar/words.def."""
    rules, sections, levels, alias = read(grammar)
    p = Page(rules, alias)
    out = [f"# The grammar\n\n{note}What the parser reads, from `grammar/cortex.y`. [The language](../language.md) says what it means. `[ x ]` is x or nothing, "
           "`{ x }` any number of x, none included, `|` separates alternatives, `\"…\"` is literal text, capitals are the tokens below.\n\n",
           "## Tokens\n\n", LEXICAL, "\n"]
    hard = re.findall(r'^WORD\(\w+, "(\w+)", false\)$', words, re.M)
    soft = re.findall(r'^WORD\(\w+, "(\w+)", true\)$', words, re.M)
    out.append("Reserved words: " + " ".join(f"`{w}`" for w in hard) + ". These are words only where the grammar expects them and names everywhere else: "
               + " ".join(f"`{w}`" for w in soft) + ".\n\n")
    for title, names in sections:
        names = [n for n in names if n not in p.inline]
        if not names:
            continue
        lines = []
        for name in names:
            sides = p.right_side(name)
            if len(sides) > 1 and sum(map(len, sides)) < 60:
                sides = [" | ".join(sides)]
            lines.append(f"{name} =\n    " + "\n  | ".join(sides) if len(sides) > 1 else f"{name} = {sides[0]}")
        out.append(f"## {title}\n\n```text\n" + "\n\n".join(lines) + "\n```\n\n")
        if title.startswith("The body"):
            out.append("In `dV/dt = …` the two names around `/` are `dV` and `dt`; the name behind `each` is `step`.\n\n")
        if title == "Expressions":
            out.append(operators(levels, p) + "\n")
    return "".join(out).rstrip() + "\n"
