#!/usr/bin/env python3
"""How fast cortexc is here: runs each workload several times and prints medians.

    run.py CORTEXC [WORKLOAD …] [--runs N] [--threads N]

Columns: seconds to build the network and to simulate it; of the whole process the seconds on the clock, those of all
its threads on a processor (which a busy machine changes less) and its largest memory; synaptic events per second of
simulating; bytes per synapse."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "models")
TEN = """population P : 10 of lif { V = uniform(0 mV, 15 mV) }
stimulus -> P : poisson(rate = 10 Hz, inputs = 1000) { weight = 0.2 mV }
simulation { dt = 0.1 ms }
run 100 ms
"""
# name: (model, simulated time, further arguments)
WORKLOADS = {
    "ten": (None, "100 ms", []),
    "cuba": (f"{MODELS}/brette2007_cuba.cortex", "10 s", []),
    "coba": (f"{MODELS}/brette2007_coba.cortex", "10 s", []),
    "cobahh": (f"{MODELS}/brette2007_cobahh.cortex", "1 s", []),
    "brunel": (f"{MODELS}/brunel2000.cortex", "1 s", []),
    "column": (f"{MODELS}/potjans_diesmann2014.cortex", "1 s", ["--set", "scale=0.2"]),
    "threads": (f"{HERE}/threads.cortex", "500 ms", []),
}


def measure(program, name, threads, folder, out):
    model, duration, more = WORKLOADS[name]
    if not model:
        model = os.path.join(folder, "ten.cortex")
        with open(model, "w", encoding="utf-8") as f:
            f.write(TEN)
    command = [program, model, "-o", out, "--force", "-q", "--progress", "none", "--duration", duration, *more]
    command += ["--threads", str(threads)] if threads else []
    start = os.times().elapsed
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)} ends with {child.returncode}")
    return {"out": out, "whole": os.times().elapsed - start, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}


def read(run):
    """Adds what the output file says. h5py is loaded behind the last measurement, since a process begins its life as
    large as the one that starts it."""
    import h5py
    with h5py.File(run.pop("out"), "r") as f:
        a = f["/cortexc"].attrs
        for key in ("wall_build", "wall_run", "events", "synapses", "synapse_bytes", "threads"):
            run[key] = float(a[key])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("cortexc")
    p.add_argument("workload", nargs="*", help=", ".join(WORKLOADS))
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--threads", type=int)
    o = p.parse_intermixed_args()
    unknown = [w for w in o.workload if w not in WORKLOADS]
    if unknown:
        p.error(f"no workload `{unknown[0]}`; there are {', '.join(WORKLOADS)}")
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: [measure(os.path.abspath(o.cortexc), name, o.threads, folder, f"{folder}/{name}{k}.h5")
                       for k in range(o.runs)] for name in o.workload or WORKLOADS}
        for run in sum(runs.values(), []):
            read(run)
    print("workload   threads  build s   run s  whole s   cpu s  peak MB  events/s  B/synapse")
    for name, of in runs.items():
        m = {key: statistics.median(r[key] for r in of) for key in of[0]}
        each = f"{m['synapse_bytes'] / m['synapses']:.1f}" if m["synapses"] else "-"
        print(f"{name:10}{m['threads']:8.0f}{m['wall_build']:9.2f}{m['wall_run']:8.2f}{m['whole']:9.2f}{m['cpu']:8.2f}"
              f"{m['peak']:9.0f}{m['events'] / m['wall_run']:10.2g}{each:>11}")
    return 0


sys.exit(main())
