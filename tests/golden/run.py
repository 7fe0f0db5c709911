#!/usr/bin/env python3
"""Compares what cortexc says and computes with the expectations that stand beside the models.

    run.py CORTEXC err|ok|fmt|run [--bless] [--few] [NAME …]

err, ok   X.cortex beside X.err or X.out: the exit status on the first line, then the exact text of
          `cortexc check X.cortex`, run within the folder: messages (err), or messages and what is printed (ok).
fmt       X.cortex beside X.out: what `cortexc fmt -` makes of it.
run       X.cortex beside X.txt: the digest of the output (tests/digest.py). The model runs on every backend, on 1, 2, 3
          and 4 threads and with every instruction set of this machine; all must agree byte for byte.
          X.args may hold further arguments; one that ends in .cortex is the model, seen from the root of the tree.

--bless writes expectations anew, from one thread; read the difference as carefully as code. --few leaves out all but 1 and 3
threads with the widest instructions, for a build in which everything is slow."""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))

PLAIN = {k: v for k, v in os.environ.items() if k not in ("CORTEXC_ISA", "NO_COLOR", "COLUMNS", "TERM")}


def call(command, cwd, **env):
    done = subprocess.run(command, cwd=cwd, env={**PLAIN, **env}, capture_output=True, timeout=120)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def check_text(program, folder, name, kind):
    status, out, err = call([program, "check", name + ".cortex"], folder)
    return f"exit {status}\n" + (err if kind == "err" else out + err)


def format_text(program, folder, name):
    with open(os.path.join(folder, name + ".cortex"), "rb") as f:
        done = subprocess.run([program, "fmt", "-"], stdin=f, env=PLAIN, capture_output=True, timeout=120)
    return f"exit {done.returncode}\n" + (done.stdout + done.stderr).decode(errors="replace")


def text_of(program, folder, name, kind):
    return format_text(program, folder, name) if kind == "fmt" else check_text(program, folder, name, kind)


def backends():
    with open(os.path.join(ROOT, "compiler", "backends", "backends.def"), encoding="utf-8") as f:
        return re.findall(r"^BACKEND\((\w+)\)", f.read(), re.M)


def instruction_sets():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        flags = set(re.search(r"^flags\s*:(.*)$", f.read(), re.M)[1].split())
    sets = ["base"]
    for name, needs in (("avx2", {"avx2", "fma", "bmi2"}),
                        ("avx512", {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})):
        if needs <= flags:
            sets.append(name)
        else:
            print(f"note: this machine has no {name}, so nothing is said about it")
    return sets


def run_text(program, folder, name, threads, backend, isa):
    from digest import digest
    args = []
    if os.path.exists(os.path.join(folder, name + ".args")):
        with open(os.path.join(folder, name + ".args"), encoding="utf-8") as f:
            args = shlex.split(f.read(), comments=True)
    model = next((os.path.join(ROOT, a) for a in args if a.endswith(".cortex")), os.path.join(folder, name + ".cortex"))
    args = [a for a in args if not a.endswith(".cortex")]
    with tempfile.TemporaryDirectory() as tmp:
        out = os.path.join(tmp, "out.h5")
        status, _, err = call([program, model, "-o", out, "--progress", "none", "-q", "--threads", str(threads),
                               "--backend", backend, *args], folder, CORTEXC_ISA=isa)
        return digest(out) if status == 0 else f"exit {status}\n{err}"


def difference(expected, got, name, how=""):
    return "".join(difflib.unified_diff(expected.splitlines(True), got.splitlines(True), name, "what came" + how))


def read(path):
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        return f.read()


def main():
    bless, few = "--bless" in sys.argv, "--few" in sys.argv
    program, kind, *names = [a for a in sys.argv[1:] if not a.startswith("--")]
    program = os.path.abspath(program)
    folder = os.path.join(HERE, kind)
    suffix = {"err": ".err", "ok": ".out", "fmt": ".out", "run": ".txt"}[kind]
    files = os.listdir(folder)
    models = {f.rsplit(".", 1)[0] for f in files if f.endswith((".cortex", ".args"))}
    expectations = {f[:-len(suffix)] for f in files if f.endswith(suffix)}
    failed = [f"{suffix[1:]} without a model: {n}" for n in sorted(expectations - models)]
    first = ("interp", 1, "base")
    matrix = []
    if kind == "run" and not bless:
        sets = instruction_sets()
        for b in backends():
            if b != "interp": # whose kernels take a second each to compile
                matrix += [(b, 3, sets[-1])] + ([(b, 1, sets[0])] if b == "native" and not few else [])
                continue
            if few:
                matrix += [(b, 1, sets[-1]), (b, 3, sets[-1])]
                continue
            matrix += [(b, t, sets[-1]) for t in (1, 2, 3, 4)] + [(b, 1 + k % 2, isa) for k, isa in enumerate(sets[:-1])]
    for name in sorted(models):
        if names and name not in names:
            continue
        path = os.path.join(folder, name + suffix)
        expected = read(path)
        if bless:
            got = run_text(program, folder, name, first[1], first[0], first[2]) if kind == "run" else \
                text_of(program, folder, name, kind)
            if kind == "run" and got.startswith("exit"):
                failed.append(f"{name}: {got}")
            elif got != expected:
                with open(path, "w", encoding="utf-8") as f:
                    f.write(got)
                print(f"wrote {os.path.relpath(path, ROOT)}")
            continue
        if expected is None:
            failed.append(f"{name}: no expectation; write it with --bless and read it")
        elif kind != "run":
            got = text_of(program, folder, name, kind)
            if got != expected:
                failed.append(difference(expected, got, name + suffix))
            if kind == "err" and expected.startswith("exit 0"):
                failed.append(f"{name}: an expectation under err/ must be a failure")
            if kind == "ok" and not expected.startswith("exit 0"):
                failed.append(f"{name}: an expectation under ok/ must be no failure")
        else:
            for backend, threads, isa in matrix:
                got = run_text(program, folder, name, threads, backend, isa)
                if got != expected:
                    failed.append(difference(expected, got, name + suffix, f" ({backend}, {threads} threads, {isa})"))
    if not models:
        failed.append(f"no model in {folder}")
    print("\n".join(failed))
    print(f"golden {kind}: {len(models)} models, {len(failed)} failures")
    return 1 if failed else 0


sys.exit(main())
