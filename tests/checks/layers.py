#!/usr/bin/env python3
"""Who may include whom: base nothing; runtime/api the C library; runtime api and base; compiler base and
runtime/api; grammar base and the syntax tree; plot what reads an output; main
everything. Only runtime/h5.c knows of HDF5, only plot of Cairo."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ["base", "runtime/api", "runtime", "plot", "compiler", "grammar", "main"]
MAY = {
    "base": {"base"},
    "runtime/api": {"runtime/api"},
    "runtime": {"runtime", "runtime/api", "base"},
    "plot": {"plot", "runtime", "runtime/api", "base"},
    "compiler": {"compiler", "runtime/api", "base"},
    "grammar": {"grammar", "base", "compiler/ast.h"},
    "main": set(ROOMS),
}
GENERATED = {"cortex.tab.h": "grammar", "cortex.lex.h": "grammar"}
LIBRARIES = {"hdf5.h": {"runtime/h5.c"}, "cairo.h": {"plot/figure.h"}, "cairo-pdf.h": {"plot/write.c"}, "cairo-svg.h": {"plot/write.c"}}


def room_of(path):
    return max((r for r in ROOMS if path.startswith(r + "/")), key=len)


def main():
    files = []
    for room in ("base", "runtime", "plot", "compiler", "grammar", "main"):
        for folder, _, names in os.walk(os.path.join(ROOT, room)):
            files += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names
                      if n.endswith((".c", ".h", ".def", ".l", ".y"))]
    headers = {}
    for f in files:
        headers.setdefault(os.path.basename(f), []).append(f)
    wrong = []
    for f in sorted(files):
        room = room_of(f)
        with open(os.path.join(ROOT, f), encoding="utf-8") as text:
            for number, line in enumerate(text, 1):
                include = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
                if not include:
                    continue
                bracket, name = include.groups()
                if name in LIBRARIES and f not in LIBRARIES[name]:
                    wrong.append(f"{f}:{number}: only {', '.join(LIBRARIES[name])} may include <{name}>")
                if bracket == "<":
                    continue
                tail = re.sub(r"^(\.\./)+", "", name)
                found = [h for h in headers.get(os.path.basename(name), []) if h.endswith(tail)]
                rooms = {room_of(h) for h in found} or {GENERATED.get(name)}
                if rooms == {None}:
                    wrong.append(f"{f}:{number}: no room holds \"{name}\"")
                elif not any(r in MAY[room] or h in MAY[room] for h in found for r in [room_of(h)]) \
                        and not rooms & MAY[room]:
                    wrong.append(f"{f}:{number}: {room} may not include \"{name}\" of {' or '.join(sorted(rooms))}")
    print("\n".join(wrong))
    print(f"layers: {len(files)} files, {len(wrong)} includes that are not allowed")
    return 1 if wrong else 0


sys.exit(main())
