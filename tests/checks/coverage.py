#!/usr/bin/env python3
"""Everything that the language offers is used in a test that is executed and explained in the docs: each keyword, function,
connection rule, stimulus, unit, measure and integrator in a model that a test, a page of the docs or models/ runs, and in a page;
each diagnostic in a golden text and in a page. The pages that docs/ref/generate.py writes count for what is a mere table there: functions,
units, diagnostics.

    coverage.py CORTEXC"""

import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREFIX = "(?:Y|Z|E|P|T|G|M|k|h|da|d|c|m|u|µ|n|p|f|a|z|y)?"


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def files(*patterns):
    return [read(p) for pattern in patterns for p in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True)) if "/build/" not in p]


def uncommented(text):
    return re.sub(r'("(?:[^"\\\n]|\\.)*")|#[^\n]*', lambda m: m[1] or "", text)


def executed():
    """The text of all models that a test or a page runs; of Python programs, their texts."""
    models = [uncommented(t) for t in files("tests/golden/ok/*.cortex", "tests/golden/run/*.cortex", "tests/science/models/*.cortex",
                                            "tests/determinism/*.cortex", "tests/golden/fmt/*.cortex", "models/**/*.cortex")]
    pages = [uncommented(b) for t in files("README.md", "docs/**/*.md") for b in re.findall(r"^```cortex[^\n]*\n(.*?)^```", t, re.M | re.S)]
    programs = files("tests/science/*.py", "tests/determinism/*.py", "tests/cli/*.py", "tests/stats/*.py")
    return "\n".join(models + pages + programs)


def names(program, kind):
    done = subprocess.run([program, "list", kind], capture_output=True, text=True)
    if done.returncode:
        return []
    return re.findall(r"^([^\s(]+)", done.stdout, re.M)


def main():
    program = os.path.abspath(sys.argv[1])
    tests, golden = executed(), "\n".join(files("tests/golden/*/*.err", "tests/golden/*/*.out", "tests/cli/run.py")).replace("\\[", "[").replace("\\]", "]")
    pages = {p: read(os.path.relpath(p, ROOT)) for p in glob.glob(os.path.join(ROOT, "docs/**/*.md"), recursive=True)}
    docs = "\n".join(t for p, t in pages.items() if "/docs/ref/" not in p)
    tables = "\n".join(t for p, t in pages.items() if "/docs/ref/" in p)
    missing, refused = [], read("compiler/compile.c")

    def need(kind, name, test, page, where=docs):
        if not re.search(test, golden if kind == "diagnostic" else tests):
            missing.append(f"{kind} {name}: in no test that is executed")
        if not re.search(page, where):
            missing.append(f"{kind} {name}: in no page of the docs")

    count = 0
    for word in re.findall(r'^WORD\(\w+, "(\w+)"', read("grammar/words.def"), re.M):
        if f'case N_{word}: return "{word}";' not in refused:  # by name, as what is not there yet
            need("keyword", word, rf"\b{word}\b", rf"\b{word}\b")
        count += 1
    for kind, what in (("functions", "function"), ("rules", "rule"), ("stimuli", "stimulus"), ("integrators", "integrator"), ("measures", "measure")):
        for name in names(program, kind):
            call = rf"\b{name}\s*\(" if what == "function" else rf'\b{name}\s*\(|"{name}"' if what == "measure" else rf"\b{name}\b"
            need(what, name, call, rf"\b{name}\b", docs + tables if what == "function" else docs)
            count += 1
    for name in names(program, "units"):
        need("unit", name, rf"(?:\d\s*|\[|[/*]){PREFIX}{name}\b", rf"(?m)^{name}\b", tables)
        count += 1
    for name in names(program, "diagnostics"):
        need("diagnostic", name, rf"\[{name}\]", rf"(?m)^## {name}$", tables)
        count += 1
    print("\n".join(missing))
    print(f"coverage: {count} words, {len(missing)} findings")
    return 1 if missing or count < 200 else 0


sys.exit(main())
