#!/usr/bin/env python3
"""What must have a test of its own has one: every diagnostic that the program can give a golden test with its exact text,
every ready-made model, connection rule and stimulus a golden run, every integrator a model that chooses it."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as f:
        return f.read()


def everything(suffixes, *folders):
    out = []
    for folder in folders:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            out += [read(where, n) for n in names if n.endswith(suffixes)]
    return "\n".join(out)


def rows(macro, *parts):
    return re.findall(rf"^{macro}\((\w+)", read(*parts), re.M)


def main():
    missing = []
    sources = everything((".c", ".h", ".l", ".y"), "base", "compiler", "grammar", "main")
    golden = everything((".err", ".out"), "tests/golden") + read("tests", "cli", "run.py").replace("\\[", "[").replace("\\]", "]")
    for ident, name in re.findall(r'^DIAG\((\w+), "([\w-]+)"', read("base/diag.def"), re.M):
        if not re.search(rf"\bD_{ident}\b", sources):
            missing.append(f"diagnostic {name}: stands in diag.def, but nothing gives it")
        elif f"[{name}]" not in golden:
            missing.append(f"diagnostic {name}: no golden test shows its text")
    runs = everything((".cortex",), "tests/golden/run")
    for model in sorted(os.listdir(os.path.join(ROOT, "models", "lib"))):
        name = model.removesuffix(".cortex")
        if name != model and not re.search(rf"\b{name}\b", runs):
            missing.append(f"models/lib/{model}: in no golden run")
    for kind, macro, parts in (("rule", "RULE", ("runtime", "connect", "connect.def")),
                               ("stimulus", "STIM", ("runtime", "stimuli", "stimuli.def"))):
        for name in rows(macro, *parts):
            if not re.search(rf":\s*{name}\b", runs):
                missing.append(f"{kind} {name}: in no golden run")
    methods = everything((".out",), "tests/golden/ok")
    for name in rows("INTEGRATOR", "compiler", "integrators", "integrators.def"):
        if not re.search(rf"\b{name}\b", methods):
            missing.append(f"integrator {name}: no golden test of `check` shows it chosen")
    print("\n".join(missing))
    print(f"enrolled: {len(missing)} without a test")
    return 1 if missing else 0


sys.exit(main())
