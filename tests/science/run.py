#!/usr/bin/env python3
"""Runs small models and real networks and holds the results against closed forms and published numbers.

    run.py CORTEXC [--fast] [--list] [--keep DIR] [CHECK …]

Each check is a function below; --fast leaves out the large ones. The exit status is 1 when a check fails."""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import closed
from outfile import OutFile

HERE = os.path.dirname(os.path.abspath(__file__))
NETWORKS = os.path.join(HERE, "..", "..", "models")
CHECKS = []


class Bench:
    """Runs models and keeps the rows of the table."""

    def __init__(self, program, folder):
        self.program, self.folder, self.rows, self.check, self.runs = program, folder, [], "", 0

    def simulate(self, path, edits=(), settings=(), seed=None):
        """Runs a copy of a model in which each `edits` pair (old, new) is replaced; returns its output."""
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for old, new in edits:
            if old not in text:
                raise RuntimeError(f"{path} does not contain `{old}`")
            text = text.replace(old, new)
        self.runs += 1
        stem = os.path.join(self.folder, f"{self.runs:03d}-{os.path.basename(path)[:-7]}")
        with open(stem + ".cortex", "w", encoding="utf-8") as f:
            f.write(text)
        command = [self.program, stem + ".cortex", "-o", stem + ".h5", "-q", "--progress", "none"]
        for setting in settings:
            command += ["--set", setting]
        if seed is not None:
            command += ["--seed", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
        return OutFile(stem + ".h5")

    def small(self, name, **more):
        return self.simulate(os.path.join(HERE, "models", name + ".cortex"), **more)

    def network(self, name, **more):
        return self.simulate(os.path.join(NETWORKS, name + ".cortex"), **more)

    def holds(self, what, value, low, high, digits=4):
        """One row of the table: value must lie within [low, high]."""
        ok = low <= value <= high
        self.rows.append((self.check, what, value, low, high, ok))
        print(f"  {'ok  ' if ok else 'FAIL'} {what:<46} {value:>14.{digits}g}   in [{low:.{digits}g}, {high:.{digits}g}]",
              flush=True)

    def near(self, what, value, expected, tolerance, digits=6):
        self.holds(what, value, expected - tolerance, expected + tolerance, digits)


def check(fast):
    def enrol(function):
        CHECKS.append((function.__name__, fast, function))
        return function
    return enrol


def mean(values):
    return sum(values) / len(values)


def variance(values):
    m = mean(values)
    return sum((x - m) ** 2 for x in values) / (len(values) - 1)


# ---- formulas: the references themselves ----

@check(fast=True)
def formulas(b):
    """The closed forms reproduce the published digits."""
    b.near("first passage, ms", closed.lif_passage(40, 0, 15, 10), 4.7000362925, 1e-10, 12)
    b.near("Siegert, Hz", closed.siegert(15, math.sqrt(1.5), 0, 15, 10, 2), 27.1095934379, 1e-9, 12)
    for g, eta, rate in ((5, 2, 37.95), (6, 4, 55.84), (4.5, 0.9, 6.52)):
        b.near(f"Brunel theory g {g} eta {eta}, Hz", closed.brunel_stationary(g, eta), rate, 0.005, 6)


# ---- one neuron ----

@check(fast=True)
def lif_current(b):
    """Every spike of 40 neurons with constant currents and 40 refractory periods is where it must be."""
    out = b.small("lif_current")
    wrong, worst = 0, 0.0
    for i, train in enumerate(out.trains("cells", 40)):
        mu, t_ref, tau = 0.1 * (205 + 10 * i), 7 + i, 20.0
        passage = closed.lif_passage(mu, 0, 20, tau) / 0.1
        rise = math.floor(passage) + 1
        expected = [k / 10 for k in range(rise, 10001, rise + t_ref)]
        wrong += train != expected
        worst = max(worst, abs((rise + t_ref) / 10 - (passage / 10 + t_ref / 10)))
    b.holds("trains that differ from the closed form", wrong, 0, 0)
    b.holds("largest distance to the continuous ISI, ms", worst, 0, 0.1)


@check(fast=True)
def first_passage(b):
    """Threshold is reached at the first step past 4.7000362925 ms, along the exact curve."""
    out = b.small("first_passage")
    times, _ = out.spikes("cell")
    b.near("first passage on a grid of 1 us, ms", times[0] if times else math.inf, 4.701, 1e-12)
    trace = out.record("cell", "V")
    error = max(abs(trace[k][0] / (-40 * math.expm1(-k / 1e4)) - 1) for k in range(1, 4701))
    b.holds("relative error of V", error, 0, 1e-12)


def psp(b, dt, steps):
    out = b.small("psp", edits=[] if dt == 0.1 else [("0.1 ms", f"{dt} ms")])
    arrival = 1 + steps
    for name, form, weight, tau_s in (
            ("exp_fast", closed.psp_exponential, 100.0, 0.5), ("exp_near", closed.psp_exponential, 100.0, 10.001),
            ("exp_same", closed.psp_exponential, 100.0, 10.0), ("alpha_fast", closed.psp_alpha, 100.0, 2.0),
            ("alpha_near", closed.psp_alpha, 100.0, 10.001), ("alpha_same", closed.psp_alpha, 100.0, 10.0),
            ("inhibited", closed.psp_exponential, -400.0, 2.0)):
        trace = [frame[0] for frame in out.record(name, "V")]
        exact = [form((k - arrival) * dt if k > arrival else 0.0, weight, 250.0, 10.0, tau_s)
                 for k in range(len(trace))]
        peak = max(abs(x) for x in exact)
        error = max(abs(x - y) for x, y in zip(trace, exact)) / peak
        b.holds(f"{name}, dt {dt} ms: error over peak", error, 0, 1e-12)


@check(fast=True)
def psp_shapes(b):
    """Exponential and alpha currents, also with tau_s = tau_m and nearly so, at three step sizes."""
    for dt, steps in ((0.1, 10), (0.25, 4), (0.5, 2)):
        psp(b, dt, steps)


@check(fast=True)
def delays(b):
    """A spike stamped t with delay d lifts V at t + d, for every delay from 0 to 19.9 ms."""
    trace = b.small("delays").record("heard", "V")
    wrong = 0
    for j in range(200):
        first = next((k for k, frame in enumerate(trace) if frame[j] != 0), None)
        wrong += first != 1 + j or trace[first][j] != 1.0
    b.holds("arrivals off their step", wrong, 0, 0)


@check(fast=True)
def conductance(b):
    """A constant conductance: the exponential approach to the weighted reversal potential."""
    trace = b.small("conductance").record("cell", "V")
    rest = (10 * -60 + 30 * 0) / 40
    error = max(abs(frame[0] - (rest + (-60 - rest) * math.exp(-0.1 * k / 5))) for k, frame in enumerate(trace))
    b.holds("largest error of V, mV", error, 0, 1e-4)


@check(fast=True)
def library(b):
    """Shipped neurons against an independent fine integration of the published equations."""
    out = b.small("library")
    frame = [out.record("squid_cell", x)[0][0] for x in "mhn"]
    for name, value, exact in zip("mhn", frame, (0.0529324852572, 0.596120753508, 0.317676914061)):
        b.near(f"squid gate {name} at rest", value, exact, 1e-12, 13)
    for name, cell in (("adex_cell", closed.adex(500)), ("eif_cell", closed.eif(100)),
                       ("izhikevich_cell", closed.izhikevich(10)), ("squid_cell", closed.hh_squid(1000)),
                       ("traub_cell", closed.hh_traub_miles(300))):
        expected = closed.spikes_of(cell, 190, 0.01)
        times, _ = out.spikes(name)
        b.near(f"{name}: spikes", len(times), len(expected), 0)
        b.near(f"{name}: last spike, ms", times[-1] if times else math.inf, expected[-1], 0.005 * expected[-1])


# ---- noise ----

@check(fast=True)
def campbell(b):
    """Mean and standard deviation of shot noise, within three standard errors."""
    trace = b.small("campbell").record("cells", "V")[2:]
    values = [x for frame in trace for x in frame]
    mu, sd = closed.shot_noise(0.5, 2.0, 20.0, 0.1)
    n = len(values)
    b.near("mean of V, mV", mean(values), mu, 3 * sd / math.sqrt(n))
    b.near("standard deviation of V, mV", math.sqrt(variance(values)), sd, 3 * sd / math.sqrt(2 * n))


@check(fast=True)
def poisson_sources(b):
    """Counts of 1,000 Poisson sources over 10 s: mean and Fano factor within three standard errors."""
    counts = [len(train) for train in b.small("poisson").trains("src", 1000)]
    b.near("mean count", mean(counts), 150, 3 * math.sqrt(150 / 1000))
    b.near("Fano factor", variance(counts) / mean(counts), 1, 3 * math.sqrt(2 / 1000))


@check(fast=True)
def siegert(b):
    """Rate of the LIF neuron with white noise."""
    rate = b.small("siegert").rate("cells", 200, 100, 2000)
    b.near("rate, Hz", rate, 27.1095934379, 0.03 * 27.11)


# ---- networks ----

def column_rates(b, edits=(), seed=None):
    out = b.network("five_layer_column", edits=edits, seed=seed)
    sizes = (("L1", 100), ("L23", 400), ("L4", 400), ("L5", 300), ("L6", 300), ("basket", 375))
    return {name: out.rate(name, n, 100, 1000) for name, n in sizes}


@check(fast=True)
def column(b):
    """The first model of the guide has the rates that are printed there."""
    rates = column_rates(b)
    for name, expected in (("L1", 0.5), ("L23", 13), ("L4", 9), ("L5", 5), ("L6", 1), ("basket", 13)):
        b.near(f"{name}, Hz", rates[name], expected, max(0.25 * expected, 0.5), 4)


@check(fast=False)
def column_robust(b):
    """No layer falls silent or saturates when a weight is halved or doubled; without inhibition it burns."""
    places = (("p)   { weight = 0.6 mV", "p)   { weight = {} mV", 0.6),
              ("10%) { weight = 0.6 mV", "10%) { weight = {} mV", 0.6),
              ("weight = -3 mV", "weight = {} mV", -3.0), ("weight = 1.5 mV", "weight = {} mV", 1.5))
    for old, new, weight in places:
        for factor in (0.5, 2):
            rates = column_rates(b, edits=[(old, new.replace("{}", str(weight * factor)))])
            b.holds(f"{old.split('{')[-1].strip()} times {factor}: slowest, Hz", min(rates.values()), 0.02, 60)
            b.holds(f"{old.split('{')[-1].strip()} times {factor}: fastest, Hz", max(rates.values()), 0.02, 60)
    rates = column_rates(b, edits=[("weight = -3 mV", "weight = 0 mV")])
    b.holds("no inhibition: fastest, Hz", max(rates.values()), 100, 1000)


@check(fast=False)
def coba(b):
    """Benchmark 1 of Brette et al. 2007, mean over three networks."""
    rates = [b.network("brette2007_coba", edits=[("run 1 s", "run 2 s")], seed=s).rate("E", 3200, 200, 2000)
             for s in (1, 2, 3)]
    b.holds("E, Hz", mean(rates), 18, 21)


@check(fast=False)
def cuba(b):
    """Benchmark 2 of Brette et al. 2007, mean over three networks."""
    rates = []
    for seed in (1, 2, 3):
        out = b.network("brette2007_cuba", seed=seed)
        rates.append(0.8 * out.rate("E", 3200, 0, 1000) + 0.2 * out.rate("I", 800, 0, 1000))
    b.holds("all, Hz", mean(rates), 5.3, 5.7)


@check(fast=False)
def cobahh(b):
    """Benchmark 3 of Brette et al. 2007: 35 to 39 Hz in an independent implementation of the same steps."""
    b.holds("E, Hz", b.network("brette2007_cobahh").rate("E", 3200, 200, 1000), 33, 41)


def brunel(b, g, eta, rate, tolerance):
    out = b.network("brunel2000", settings=[f"g={g}", f"eta={eta}"])
    b.near(f"g {g} eta {eta}: E, Hz", out.rate("E", 10000, 200, 1200), rate, tolerance * rate)
    b.near(f"g {g} eta {eta}: I, Hz", out.rate("I", 2500, 200, 1200), rate, tolerance * rate)


@check(fast=False)
def brunel_irregular(b):
    """Brunel 2000, asynchronous irregular state."""
    brunel(b, 5, 2, closed.brunel_stationary(5, 2), 0.05)


@check(fast=False)
def brunel_fast(b):
    """Brunel 2000, fast oscillations."""
    brunel(b, 6, 4, closed.brunel_stationary(6, 4), 0.08)


@check(fast=False)
def brunel_slow(b):
    """Brunel 2000, slow oscillations."""
    brunel(b, 4.5, 0.9, closed.brunel_stationary(4.5, 0.9), 0.15)


@check(fast=False)
def brunel_alpha(b):
    """The same network with alpha synapses: 28.5 and 28.6 Hz elsewhere."""
    out = b.network("brunel_alpha")
    b.near("E, Hz", out.rate("E", 10000, 200, 1200), 28.5, 0.03 * 28.5)
    b.near("I, Hz", out.rate("I", 2500, 200, 1200), 28.6, 0.03 * 28.6)


MICROCIRCUIT = (("L23.e", 20683, 0.903), ("L23.i", 5834, 2.965), ("L4.e", 21915, 4.414), ("L4.i", 5479, 5.876),
                ("L5.e", 4850, 7.569), ("L5.i", 1065, 8.633), ("L6.e", 14395, 1.105), ("L6.i", 2948, 7.829))


@check(fast=False)
def microcircuit(b):
    """Potjans & Diesmann 2014 at a fifth of its size: each rate within 25 % or 0.5 Hz of full scale."""
    out = b.network("potjans_diesmann2014", settings=["scale=0.2"])
    for name, n, rate in MICROCIRCUIT:
        b.near(f"{name}, Hz", out.rate(name, round(0.2 * n), 500, 2000), rate, max(0.25 * rate, 0.5), 4)


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
    failed = []
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
                if not all(row[-1] for row in bench.rows[rows:]):
                    failed.append(name)
            print(f"       {time.monotonic() - begin:.1f} s", flush=True)
    good = sum(row[-1] for row in bench.rows)
    print(f"{good} of {len(bench.rows)} values hold; failed checks: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
