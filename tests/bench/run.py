#!/usr/bin/env python3
"""How fast cortexc is here, beside other simulators where they are installed.

    run.py CORTEXC [WORKLOAD …] [--runs N] [--brian2 PYTHON] [--nest PYTHON] [--json FILE]

Runs each workload with cortexc and its peers in turn, N times, and prints medians. See README.md beside this file."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import limits
from process import measure
from report import print_grow, print_limits, print_workload
from workloads import GROW, GROW_INDEGREE, HERE, WORKLOADS, find, own

PEERS = ("brian2", "nest")


class Failed(Exception):
    """A program that was to be measured did not end well."""


class Ours:
    """Runs of cortexc. Kernels that one run has compiled serve the later ones, but for runs that begin cold."""

    def __init__(self, program, folder):
        self.program, self.folder, self.count = os.path.abspath(program), folder, 0

    def __call__(self, model, ms, settings=(), threads=None, cold=False, warm=False):
        """One run: with `cold` or `warm` as a user starts it, whatever the kernels; else compiled, with so many threads."""
        self.count += 1
        cache = os.path.join(self.folder, f"cold{self.count}" if cold else "kernels")
        out = os.path.join(self.folder, "out.h5")
        command = [self.program, model, "-o", out, "--force", "-q", "--progress", "none", "--duration", f"{ms:g} ms"]
        for s in settings:
            command += ["--set", s]
        if not cold and not warm:
            command += ["--backend", "native", "--threads", str(threads)]
        took = measure(command, stdout=subprocess.DEVNULL, env={**environment(), "CORTEXC_CACHE": cache})
        if took["status"]:
            raise Failed(f"{' '.join(command)}: ends with {took['status']}")
        took.update(read(out))
        os.remove(out)
        if cold:
            shutil.rmtree(cache, ignore_errors=True)
        return took


def read(path):
    """What the output file says of a run."""
    import h5py
    with h5py.File(path, "r") as f:
        a, populations = f["cortexc"].attrs, f["cortexc/populations"]
        cells = sum(int(n) for n in populations["cells"][...])
        return {"build": float(a["wall_build"]), "sim": float(a["wall_run"]), "events": float(a["events"]), "cells": cells,
                "synapses": int(a["synapses"]), "bytes": float(a["synapse_bytes"]), "threads": int(a["threads"]),
                "rate": int(a["spikes"]) / cells / float(a["duration"]) * 1000}


def environment():
    """Compilers shall compile, not find what they compiled before."""
    return {**os.environ, "CCACHE_DISABLE": "1"}


def peer(name, python, workload, ms, threads):
    """One run of another simulator."""
    command = [python, "-B", os.path.join(HERE, f"peer_{name}.py"), workload, f"{ms:g}", "--threads", str(threads)]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as messages:
        env = {**environment(), "OMP_NUM_THREADS": str(threads)}
        took = measure(command, stdout=out, stderr=messages, env=env)
        out.seek(0)
        messages.seek(0)
        if took["status"]:
            raise Failed(f"{' '.join(command)}: ends with {took['status']}\n{messages.read()[-2000:]}")
        took.update(json.loads(out.read().strip().splitlines()[-1]))
    return {**took, "threads": threads}


def pythons(o):
    """The interpreters of the peers that are here."""
    found = {}
    for name in PEERS:
        given = getattr(o, name)
        if given == "none":
            continue
        python = given or sys.executable
        if not subprocess.run([python, "-c", f"import {name}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            found[name] = python
        elif given:
            sys.exit(f"{given} cannot import {name}")
        else:
            print(f"{name}: not installed; --{name} PYTHON names an interpreter that has it", file=sys.stderr)
    return found


def jobs(w, key, ours, found, ms):
    """What is run in turn: (who, threads or how, function)."""
    out = [("cortexc", t, lambda t=t: ours(w.model, ms, w.settings, threads=t)) for t in w.threads]
    if w.cold:
        out += [("cortexc", "cold", lambda: ours(w.model, ms, w.settings, cold=True)),
                ("cortexc", "warm", lambda: ours(w.model, ms, w.settings, warm=True))]
    others = [(name, t, lambda name=name, t=t: peer(name, found[name], key, ms, t)) for name in PEERS if name in found
              for t in getattr(w, name)]
    mixed = []  # ours and theirs one after the other, as far as both go
    while out or others:
        mixed += out[:1] + others[:1]
        out, others = out[1:], others[1:]
    return mixed


def compare(key, ours, found, o):
    """Medians of one workload: {(who, threads or how): {quantity: value}}."""
    w, results = WORKLOADS[key], {}
    ms = max(w.ms / 10, min(w.ms, 100)) if o.quick else w.ms
    todo = jobs(w, key, ours, found, ms)
    for k in range(o.runs):
        for who, how, run in todo:
            try:
                took = run()
            except Failed as e:
                print(e, file=sys.stderr)
                todo = [j for j in todo if j[:2] != (who, how)]
                results.pop((who, how), None)
                continue
            print(f"  {key} {k + 1}/{o.runs}: {who} {how}: {took['sim']:.3g} s of {took['whole']:.3g} s", file=sys.stderr, flush=True)
            results.setdefault((who, how), []).append(took)
    return {job: median(of) for job, of in results.items()}, ms


def median(of):
    return {key: statistics.median(r[key] for r in of) for key in of[0]}


def grow(ours, o):
    """Medians for networks of more and more neurons."""
    sizes = {n: ms for n, ms in GROW.items() if not o.quick or n <= 10_000}
    results = {n: [] for n in sizes}
    for k in range(o.runs):
        for n, ms in sizes.items():
            try:
                took = ours(own("grow"), ms, [f"cells={n}", f"indegree={GROW_INDEGREE}"], threads=o.grow_threads)
            except Failed as e:
                print(e, file=sys.stderr)
                continue
            print(f"  grow {k + 1}/{o.runs}: {n} neurons: {took['sim']:.3g} s", file=sys.stderr, flush=True)
            results[n].append(took)
    return {n: median(of) for n, of in results.items() if of}


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("cortexc")
    p.add_argument("workload", nargs="*", help=f"{', '.join(WORKLOADS)}, by these names or as W1 to W8; grow; default: all but grow")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--brian2", metavar="PYTHON", help="an interpreter that has brian2, or none")
    p.add_argument("--nest", metavar="PYTHON", help="an interpreter that has nest, or none")
    p.add_argument("--grow-threads", type=int, default=1, metavar="N", help="threads of grow")
    p.add_argument("--quick", action="store_true", help="one run of a tenth of the time, to see that everything works")
    p.add_argument("--json", metavar="FILE", help="write all medians there, too")
    o = p.parse_intermixed_args()
    if o.quick:
        o.runs = 1
    keys = []
    for name in o.workload:
        key = "grow" if name == "grow" else find(name)
        if not key:
            p.error(f"no workload `{name}`; there are {', '.join(WORKLOADS)}, grow")
        keys.append(key)
    return o, keys or list(WORKLOADS)


def main():
    o, keys = arguments()
    found = pythons(o) if any(k != "grow" for k in keys) else {}
    everything = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ours = Ours(o.cortexc, folder)
        machine = everything["limits"] = limits.measure_machine(folder)
        print_limits(machine)
        for key in keys:
            if key == "grow":
                results = grow(ours, o)
                print_grow(results)
            else:
                results, ms = compare(key, ours, found, o)
                print_workload(WORKLOADS[key], ms, o.runs, results, machine, judge=not o.quick)
            everything[key] = {" ".join(map(str, k)) if isinstance(k, tuple) else k: v for k, v in results.items()}
            if o.json:
                with open(o.json, "w", encoding="utf-8") as f:
                    json.dump(everything, f, indent=1)
    return 0


sys.exit(main())
