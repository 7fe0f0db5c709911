#!/usr/bin/env python3
"""`cortexc stats`: every column against the same definition in numpy, cases whose answer is known, and bad input.

    run.py CORTEXC"""

import json
import os
import re
import subprocess
import sys
import tempfile

import h5py
import numpy as np

DT, BIN, FINE, BURST = 0.1, 30, 10, 60  # ms; steps
CRASH = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|Segmentation|internal error|assertion failed")

NETWORK = """population E : 80 of lif
population I : 20 of lif
population quiet : 5 of lif
stimulus -> [E, I] : poisson(rate = 10 Hz, inputs = 250) { weight = 0.5 mV }
stimulus -> E.I : drive(60 pA * sin(2*pi*40 Hz*t))
connect E -> [E, I] : probability(10%) { weight = 0.5 mV, delay = 1.5 ms }
connect I -> [E, I] : probability(10%) { weight = -3 mV, delay = 1.5 ms }
run 2 s
"""
# a clock, a stutterer (intervals 1 and 3 ms by turns), two that do the same, one of bursts, and a rhythm of 40 Hz
KNOWN = """population clock : 1 of spike_list { times = [10 ms, 20 ms, 30 ms, 40 ms, 50 ms], indices = [0, 0, 0, 0, 0] }
population stutter : 1 of spike_list { times = [1 ms, 2 ms, 5 ms, 6 ms, 9 ms], indices = [0, 0, 0, 0, 0] }
population twins : 2 of spike_list { times = [10 ms, 10 ms, 40 ms, 40 ms, 80 ms, 80 ms], indices = [0, 1, 0, 1, 0, 1] }
population rhythm : 10 of poisson_source { rate = if mod(t, 25 ms) < 5 ms then 300 Hz else 0 Hz }
run 3 s
"""


def spikes(path):
    """Population -> (cells, trains in steps)."""
    out = {}
    with h5py.File(path, "r") as f:
        for name in f["nodes"]:
            n = len(f[f"nodes/{name}/node_id"])
            steps = np.rint(f[f"spikes/{name}/timestamps"][()] / DT).astype(int)
            ids = f[f"spikes/{name}/node_ids"][()]
            out[name] = (n, [steps[ids == k] for k in range(n)])
    return out


def counts(train, start, stop, width):
    n = (stop - start) // width
    at = (train[(train > start) & (train <= stop)] - start - 1) // width
    return np.bincount(at[at < n], minlength=n).astype(float)


def spectrum(c):
    """Frequency of the highest power in units of 1/bin, or None."""
    power, n, window = np.zeros(257), 0, 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    for at in range(0, len(c) - 511, 256):
        part = c[at:at + 512]
        power += np.abs(np.fft.rfft((part - part.mean()) * window)) ** 2
        n += 1
    if not n or not power[2:256].mean() > 0:
        return None
    k = 2 + int(np.argmax(power[2:256]))
    if power[k] < power[2:256].mean() * (1 + 8 / np.sqrt(n)):
        return None
    left, top, right = power[k - 1:k + 2]
    bend = left - 2 * top + right
    return (k + (np.clip(0.5 * (left - right) / bend, -0.5, 0.5) if bend < 0 else 0)) / 512


def mean(values):
    values = list(values)
    return float(np.mean(values)) if values else None


def expected(n, trains, start, stop):
    trains = [t[(t > start) & (t <= stop)] for t in trains]
    gaps = [np.diff(t) for t in trains]
    all_gaps = np.concatenate(gaps)
    cells = np.array([counts(t, start, stop, BIN) for t in trains])
    total, alone = cells.sum(axis=0), cells.var(axis=1)
    moving = cells[alone > 0]
    chi = pairs = None
    if len(moving) > 1:
        mixed = np.sqrt(alone).sum() ** 2 - alone.sum()
        chi = float(np.sqrt(max(0, (total.var() - alone.sum()) / mixed)))
        pairs = float(np.corrcoef(moving)[np.triu_indices(len(moving), 1)].mean())
    peak = spectrum(counts(np.sort(np.concatenate(trains)), start, stop, FINE))
    return {"rate": sum(map(len, trains)) / n / ((stop - start) * DT) * 1000,
            "cv_isi": mean(g.std() / g.mean() for g in gaps if len(g) > 1 and g.sum() > 0),
            "local_cv": mean(mean(2 * abs(b - a) / (a + b) for a, b in zip(g, g[1:]) if a and b) for g in gaps if len(g) > 1),
            "fano": float(total.var() / total.mean()) if total.mean() > 0 else None,
            "synchrony": chi, "correlation": pairs, "peak_frequency": peak and peak / (FINE * DT) * 1000,
            "burst_index": float((all_gaps < BURST).mean()) if len(all_gaps) else None,
            "branching_ratio": float(np.polyfit(total[:-1], total[1:], 1)[0]) if total[:-1].var() > 0 else None}


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder, self.n, self.failed = program, folder, 0, 0

    def holds(self, what, truth, more=""):
        self.n, self.failed = self.n + 1, self.failed + (not truth)
        print(f"{'ok  ' if truth else 'FAIL'} {what}")
        if not truth:
            print(more)

    def call(self, *args, status=0):
        done = subprocess.run([self.program, *args], cwd=self.folder, capture_output=True, text=True, errors="replace", timeout=120)
        self.holds(f"cortexc {' '.join(args)}: exit {status}", done.returncode == status and not CRASH.search(done.stderr), f"{done.returncode} {done.stderr}")
        return done.stdout + done.stderr

    def run(self, name, text):
        with open(os.path.join(self.folder, f"{name}.cortex"), "w", encoding="utf-8") as f:
            f.write(text)
        self.call(f"{name}.cortex", "-o", f"{name}.h5", "-q")

    def stats(self, name, *window):
        told = json.loads(self.call("stats", f"{name}.h5", "--json", *window))
        return {row["name"]: row for row in told["populations"]}


def main():
    with tempfile.TemporaryDirectory() as folder:
        b = Bench(os.path.abspath(sys.argv[1]), folder)
        b.run("network", NETWORK)
        data = spikes(os.path.join(folder, "network.h5"))
        for window, start, stop in (((), 0, 20000), (("--from", "200 ms", "--to", "1.5 s"), 2000, 15000)):
            rows = b.stats("network", *window)
            for name, (n, trains) in data.items():
                for column, want in expected(n, trains, start, stop).items():
                    got = rows[name][column]
                    same = got is None if want is None else got is not None and abs(got - want) <= 1e-9 * max(1, abs(want))
                    b.holds(f"{name} {column} in {start}..{stop}: {want}", same, str(got))
        b.run("known", KNOWN)
        rows = b.stats("known")
        for name, column, want, within in (
                ("clock", "cv_isi", 0, 0), ("clock", "local_cv", 0, 0), ("clock", "rate", 5 / 3, 1e-12), ("clock", "burst_index", 0, 0),
                ("stutter", "cv_isi", 0.5, 1e-12), ("stutter", "local_cv", 1, 1e-12), ("stutter", "burst_index", 1, 0),
                ("twins", "correlation", 1, 1e-12), ("twins", "synchrony", 1, 1e-9), ("rhythm", "peak_frequency", 40, 0.5)):
            got = rows[name][column]
            b.holds(f"{name}: {column} is {want}", got is not None and abs(got - want) <= within, str(got))
        text = b.call("stats", "network.h5")
        b.holds("the table has a line for each population", all(re.search(rf"^{name} ", text, re.M) for name in data), text)
        b.call("stats", "missing.h5", status=66)
        b.call("stats", "known.cortex", status=66)
        b.call("stats", status=64)
        b.call("stats", "network.h5", "--from", "3 s", status=64)
        b.call("stats", "network.h5", "--to", "3", status=64)
        print(f"stats: {b.n} checks, {b.failed} failures")
        return 1 if b.failed else 0


sys.exit(main())
