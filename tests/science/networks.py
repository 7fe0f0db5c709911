"""Networks: plans, published rates, robustness."""

import math
import re

import closed
from bench import NETWORKS, check, mean



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
