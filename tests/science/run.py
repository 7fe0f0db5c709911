#!/usr/bin/env python3
"""Runs small models and real networks and holds the results against closed forms and published numbers.

    run.py CORTEXC [--fast] [--list] [--keep DIR] [CHECK …]

The checks are the functions of the modules imported below;
--fast leaves out the large networks. The exit status is 1 when a check fails. docs/validation.md says what is held against what."""

import argparse
import os
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import measures     # noqa: F401
import recordings   # noqa: F401
import neurons      # noqa: F401  (importing enrols the checks)
import integrators  # noqa: F401
import noise        # noqa: F401
import linear       # noqa: F401
import steps        # noqa: F401
import space        # noqa: F401
import synapses     # noqa: F401
import events       # noqa: F401
import library      # noqa: F401
import plasticity   # noqa: F401
import stimuli      # noqa: F401
import links        # noqa: F401
import protocol     # noqa: F401
import networks     # noqa: F401
import rules        # noqa: F401
import functions    # noqa: F401
from bench import CHECKS, Bench


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", metavar="CORTEXC")
    parser.add_argument("checks", nargs="*", metavar="CHECK")
    parser.add_argument("--fast", action="store_true", help="leave out the large networks")
    parser.add_argument("--list", action="store_true", help="names of the checks")
    parser.add_argument("--keep", metavar="DIR", help="keep models and outputs here")
    options = parser.parse_args()
    if options.list:
        for name, fast, function in CHECKS:
            print(f"{name:<18} {'fast' if fast else 'full'}  {function.__doc__}")
        return 0
    if not options.program:
        parser.error("the program to check is missing")
    unknown = set(options.checks) - {name for name, _, _ in CHECKS}
    if unknown:
        parser.error(f"no check named {', '.join(sorted(unknown))}; --list shows them")
    passed, failed = [], []
    with tempfile.TemporaryDirectory(prefix="cortexc-science-") as temporary:
        if options.keep:
            os.makedirs(options.keep, exist_ok=True)
        bench = Bench(os.path.abspath(options.program), options.keep or temporary)
        for name, fast, function in CHECKS:
            if options.checks and name not in options.checks or options.fast and not fast:
                continue
            print(f"{name}: {function.__doc__}", flush=True)
            bench.check, begin, rows = name, time.monotonic(), len(bench.rows)
            try:
                function(bench)
            except (RuntimeError, KeyError, OSError, IndexError) as problem:
                print(f"  FAIL {type(problem).__name__}: {problem}", flush=True)
                failed.append(name)
            else:
                good = all(row[-1] for row in bench.rows[rows:])
                (passed if good else failed).append(name)
            print(f"       {time.monotonic() - begin:.1f} s", flush=True)
    good = sum(row[-1] for row in bench.rows)
    print(f"{good} of {len(bench.rows)} values hold" + (f"; failed: {', '.join(failed)}" if failed else ""))
    print(f"{len(passed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
