#!/usr/bin/env python3
"""The shipped models, cut short, give the same bits on any number of threads, with every instruction set, interpreted
and compiled, by `cc` and where it is installed by clang, and, where other builds of the program are named, with these.

    models.py CORTEXC [OTHER ...]"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))
import digest

SMALLER = {"potjans_diesmann2014": ["--set", "scale=0.1"]}


def run(program, model, path, threads, isa=None, backend="interp", compiler=None):
    name = os.path.splitext(os.path.basename(model))[0]
    env = dict(os.environ, **({"CORTEXC_ISA": isa} if isa else {}), **({"CC": compiler} if compiler else {}))
    done = subprocess.run([program, model, "-o", path, "--force", "-q", "--progress", "none", "--duration", "60 ms",
                           "--threads", str(threads), "--backend", backend, *SMALLER.get(name, [])], env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} ends with {done.returncode}:\n{done.stderr}")
    return digest.digest(path)


def main():
    program, others = os.path.abspath(sys.argv[1]), [os.path.abspath(p) for p in sys.argv[2:]]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CORTEXC_CACHE"] = os.path.join(folder, "cache")
        path = os.path.join(folder, "out.h5")
        for model in sorted(glob.glob(os.path.join(ROOT, "models", "*.cortex"))):
            name = os.path.basename(model)
            expected = run(program, model, path, 1)
            spikes = sum(n for _, n, _, _ in digest.populations(path).values())
            ways = [(f"{t} threads", program, t, None, "interp", None) for t in (2, 3, 4)]
            ways += [(f"{isa} instructions", program, 2, isa, "interp", None) for isa in ("base", "avx2", "avx512")]
            ways += [(f"compiled, {isa} instructions", program, 3, isa, "native", None) for isa in ("base", "avx2", "avx512")]
            ways += [(f"compiled by {cc}", program, 2, None, "native", cc) for cc in filter(shutil.which, ["clang"])]
            ways += [("compiled while it runs", program, 2, None, "auto", None)]
            ways += [(other, other, 2, None, backend, None) for backend in ("interp", "native") for other in others]
            wrong = 0
            for what, other, threads, isa, backend, compiler in ways:
                got = run(other, model, path, threads, isa, backend, compiler)
                if got == expected:
                    continue
                wrong += 1
                print(f"FAIL {name}: {what}")
                for a, b in zip(expected.splitlines(), got.splitlines()):
                    if a != b:
                        print(f"     {b}\n     instead of {a}")
            failed += wrong
            print(f"{'FAIL' if wrong else 'ok  '} {name}: {spikes} spikes, {len(ways) + 1} runs")
    return 1 if failed else 0


sys.exit(main())
