"""Networks: plans, published rates, robustness."""

import math
import os
import re

import closed
from bench import NETWORKS, check, mean



def column_rates(b, edits=(), seed=None):
    out = b.network("five_layer_column", edits=edits, seed=seed)
    sizes = (("L1", 100), ("L23", 400), ("L4", 400), ("L5", 300), ("L6", 300), ("basket", 375))
    return {name: out.rate(name, n, 100, 1000) for name, n in sizes}


@check()
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
    """Benchmark 1 of Brette et al. 2007, mean over eight networks: single ones scatter between 17 and 22 Hz."""
    rates = [b.network("brette2007_coba", seed=s).rate("E", 3200, 200, 1000) for s in range(1, 9)]
    for seed, rate in enumerate(rates, 1):
        b.holds(f"seed {seed}: E, Hz", rate, 16, 23)
    b.holds("mean of E, Hz", mean(rates), 18.5, 21)


@check(fast=False)
def cuba(b):
    """Benchmark 2 of Brette et al. 2007 over the first second, mean over eight networks."""
    rates = []
    for seed in range(1, 9):
        out = b.network("brette2007_cuba", seed=seed)
        rates.append(0.8 * out.rate("E", 3200, 0, 1000) + 0.2 * out.rate("I", 800, 0, 1000))
    b.holds("mean of all cells, Hz", mean(rates), 5.3, 5.7)


@check(fast=False)
def cobahh(b):
    """Benchmark 3 of Brette et al. 2007, mean over four networks: 35 to 39 Hz in an independent implementation."""
    rates = [b.network("brette2007_cobahh", seed=s).rate("E", 3200, 200, 1000) for s in range(1, 5)]
    b.holds("mean of E, Hz", mean(rates), 33, 41)


def brunel(b, g, eta, tolerance, end=1200, start=200, seeds=(1,)):
    outs = [b.network("brunel2000", settings=[f"g={g}", f"eta={eta}"], edits=[("run 1.2 s", f"run {end} ms")], seed=s)
            for s in seeds]
    theory = closed.brunel_stationary(g, eta)
    for name, n in (("E", 10000), ("I", 2500)):
        b.near(f"g {g} eta {eta}: {name}, Hz", mean([out.rate(name, n, start, end) for out in outs]), theory,
               tolerance * theory, 4)


@check(fast=False)
def brunel_irregular(b):
    """Brunel 2000, g 5, eta 2: within 5 % of the stationary theory."""
    brunel(b, 5, 2, 0.05)


@check(fast=False)
def brunel_fast(b):
    """Brunel 2000, g 6, eta 4, fast oscillations: within 8 % of the stationary theory."""
    brunel(b, 6, 4, 0.08)


@check(fast=False)
def brunel_slow(b):
    """Brunel 2000, g 4.5, eta 0.9, slow oscillations: within 15 % of the stationary theory, 2.5 s after a transient, six networks."""
    brunel(b, 4.5, 0.9, 0.15, end=3000, start=500, seeds=range(1, 7))


@check(fast=False)
def brunel_alpha(b):
    """The same network with alpha synapses: 28.5 and 28.6 Hz elsewhere."""
    out = b.network("brunel_alpha")
    b.near("E, Hz", out.rate("E", 10000, 200, 1200), 28.5, 0.03 * 28.5)
    b.near("I, Hz", out.rate("I", 2500, 200, 1200), 28.6, 0.03 * 28.6)


MICROCIRCUIT = (("L23.e", 20683, 0.903), ("L23.i", 5834, 2.965), ("L4.e", 21915, 4.414), ("L4.i", 5479, 5.876),
                ("L5.e", 4850, 7.569), ("L5.i", 1065, 8.633), ("L6.e", 14395, 1.105), ("L6.i", 2948, 7.829))


# Connection probabilities as printed in the paper. Rows: to, columns: from.
PRINTED = ((0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000),
           (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000),
           (0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000),
           (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000),
           (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000),
           (0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000),
           (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
           (0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443))


def plan_totals(b, name):
    """The numbers of synapses that the plan of a network gives to each pair of populations by `total`."""
    plan = b.call("emit", "plan", os.path.join(NETWORKS, name + ".cortex"))
    found = re.findall(r"^projection (\S+?)->(\S+)\.\w+: total\((\d+)\)", plan, re.M)
    return {(source, target): int(n) for source, target, n in found}, plan


@check()
def microcircuit_plan(b):
    """Potjans & Diesmann 2014 at full scale: sizes, and the number of synapses of every pair of populations."""
    totals, plan = plan_totals(b, "potjans_diesmann2014")
    sizes = {name: int(n) for name, n in re.findall(r"^population (\S+): (\d+) of", plan, re.M)}
    wrong = 0
    for k, (target, n_to, _) in enumerate(MICROCIRCUIT):
        for q, (source, n_from, _) in enumerate(MICROCIRCUIT):
            p = PRINTED[k][q]
            expected = round(math.log(1 - p) / math.log(1 - 1 / (n_from * n_to))) if p else 0
            wrong += totals.get((source, target), 0) != expected
    b.same("neurons", sum(sizes.values()), 77169)
    b.same("synapses", sum(totals.values()), 298880968)
    b.same("pairs of populations that are not as in the paper, of 64", wrong, 0)
    b.near("in-degree of L5.e (2,720 were the table transposed)",
           sum(n for (_, to), n in totals.items() if to == "L5.e") / sizes["L5.e"], 4944, 0.5, 7)


@check()
def brunel_alpha_plan(b):
    """Brunel's network with alpha synapses: every cell has 1,000 and 250 inputs, 15,625,000 synapses in all."""
    plan = b.call("emit", "plan", os.path.join(NETWORKS, "brunel_alpha.cortex"))
    sizes = {name: int(n) for name, n in re.findall(r"^population (\S+): (\d+) of", plan, re.M)}
    degrees = re.findall(r"^projection (\S+?)->(\w+)\.\w+: indegree\((\d+)\)", plan, re.M)
    b.same("synapses", sum(sizes[to] * int(k) for _, to, k in degrees), 15625000)


@check(fast=False)
def microcircuit(b):
    """Potjans & Diesmann 2014 at a fifth of its size: each rate within 25 % or 0.5 Hz of full scale."""
    out = b.network("potjans_diesmann2014", settings=["scale=0.2"])
    for name, n, rate in MICROCIRCUIT:
        b.near(f"{name}, Hz", out.rate(name, round(0.2 * n), 500, 2000), rate, max(0.25 * rate, 0.5), 4)
