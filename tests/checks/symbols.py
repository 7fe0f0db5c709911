#!/usr/bin/env python3
"""Reads the built libraries with nm.

    symbols.py LIBRARY.a …

1. Every external symbol begins with the name of its file (`arena_push` in arena.c) or with a name that the table
   below allows, so that a call tells where to look.
2. No code that computes results calls a transcendental function of the system's library: those differ between machines.
   runtime/api/cxmath.h has them all; sqrt, fma, floor, ceil and trunc are exact everywhere."""

import os
import re
import subprocess
import sys

# Files whose symbols carry the name of a header section or of a family rather than their own.
ALSO = {
    "bug.c": ["cx_bug"],
    "mem.c": ["cx_"],
    "intern.c": ["sym"],
    "unit.c": ["dim_", "DIM_"],
    "unit_say.c": ["dim_", "unit_"],
    "kernel.c": ["field_kind_name", "fn_role_name"],
    "backends.c": ["backend_", "n_backends"],
    "shared.c": ["ode_"],  # what integrators share, declared in ode.h
    "fold.c": ["ir_"],
    "passes.c": ["ir_", "n_ir_passes"],
    "ode.c": ["integrator", "n_integrators"],
    "compile.c": ["library_"],
    "scope.c": ["word_"],
    # sections of sema.h: expressions, functions, and instances of models
    "ex.c": ["ctx_", "elab_"],
    "elab_name.c": ["elab_"],
    "elab_call.c": ["elab_", "function_", "n_function_names"],
    "neuron.c": ["inst_"],
    "emit.c": ["inst_"],
    "paths.c": ["path_"],
    "cortex.lex.c": ["scan_", "cortex_lex"],
    "cortex.tab.c": ["cortex_yy"],
    "layout.c": ["layout_"],
    "messages.c": ["message_"],
    "figure.c": ["plot_"],
    "rule.c": ["n_rules"],
    "currents.c": ["stimulus_"],
    "rate.c": ["measure_"],
    "synchrony.c": ["measure_"],
    "values.c": ["measure_"],
    "stimulus.c": ["stimulus_", "stim_", "n_stimuli"],
    "registry.c": ["runtime_registry"],
}
# Families: files whose name begins so may use it as a prefix.
FAMILY = ["ir_", "protocol_", "diag_", "engine_", "output_", "rng_", "interp_", "native_", "plastic_"]
# Folders of one descriptor a file: `connect_total` in connect/total.c.
DESCRIPTOR = ["connect", "stimulus", "measure", "integrator", "backend", "plot"]

LIBM = """acos acosh asin asinh atan atan2 atanh cbrt cos cosh erf erfc exp exp10 exp2 expm1 fmod hypot j0 j1 jn
lgamma lgamma_r log log10 log1p log2 logb pow pow10 remainder sin sincos sinh tan tanh tgamma y0 y1 yn""".split()
FORBIDDEN = {s + kind for s in LIBM for kind in ("", "f", "l", "_finite")} | {f"_ZGV{s}" for s in LIBM}


def nm(library, *options):
    text = subprocess.run(["nm", *options, library], capture_output=True, text=True, check=True).stdout
    member = ""
    for line in text.splitlines():
        if line.endswith(":"):
            member = re.sub(r"\.o:$", "", line)
        elif line.strip():
            yield member, line.split()


def allowed(member, name):
    stem = member[:-2] if member.endswith(".c") else member
    bare = re.sub(r"_isa$", "", stem)
    prefixes = [stem, bare] + ALSO.get(member, []) + [f for f in FAMILY if stem.startswith(f)]
    return any(name.startswith(p) for p in prefixes) or any(name == f"{d}_{stem}" for d in DESCRIPTOR)


def main():
    wrong, seen = [], 0
    for library in sys.argv[1:]:
        short = os.path.basename(library)
        for member, row in nm(library, "--defined-only", "--extern-only"):
            name = row[-1]
            if name.startswith(("__asan", "__odr_asan", "__ubsan")):
                continue
            seen += 1
            if not allowed(member, name):
                wrong.append(f"{short}: {member}: `{name}` does not begin with the name of its file")
        for member, row in nm(library, "--undefined-only"):
            name = re.sub(r"^(__)?|@.*$", "", row[-1])
            if name in FORBIDDEN or row[-1].startswith("_ZGV"):
                wrong.append(f"{short}: {member}: calls `{row[-1]}` of the system's library")
    print("\n".join(wrong))
    print(f"symbols: {seen} symbols of {len(sys.argv) - 1} libraries, {len(wrong)} that do not belong")
    return 1 if wrong or not seen else 0


sys.exit(main())
