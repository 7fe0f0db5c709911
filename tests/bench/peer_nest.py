#!/usr/bin/env python3
"""A workload in NEST.

    peer_nest.py WORKLOAD MS [--threads N]

Prints JSON: seconds of building and of simulating, the mean rate of all neurons, and the peak of memory. Needs
nest-simulator; 3.10 was used."""

import argparse
import json
import math
import resource
import sys
import time

START = time.monotonic()

import nest
import numpy as np

DT = 0.1


def indegree(k):
    return {"rule": "fixed_indegree", "indegree": int(k), "allow_autapses": False, "allow_multapses": True}


def static(weight, delay):
    return {"synapse_model": "static_synapse", "weight": weight, "delay": delay}


def constant(weight, delay):
    """A synapse model for synapses that are all alike, which takes the least memory."""
    name = f"same_{weight:g}_{delay:g}"
    nest.CopyModel("static_synapse_hom_w", name, {"weight": weight, "delay": delay})
    return {"synapse_model": name}


def brette(model, exc, inh, low, high, **of):
    """Benchmarks 1 to 3 of Brette et al. 2007."""
    cells = nest.Create(model, 4000, params=of)
    cells.V_m = nest.random.uniform(low, high)
    for source, weight in ((cells[:3200], exc), (cells[3200:], inh)):
        nest.Connect(source, cells, {"rule": "pairwise_bernoulli", "p": 0.02, "allow_autapses": False}, static(weight, DT))
    return cells


def cuba():
    return brette("iaf_psc_exp", 16.2, -90.0, -60, -50, C_m=200.0, tau_m=20.0, E_L=-49.0, V_th=-50.0, V_reset=-60.0, t_ref=5.0,
                  tau_syn_ex=5.0, tau_syn_in=10.0)


def kick(cells):
    """Input of the first 50 ms, which wakes the network."""
    noise = nest.Create("poisson_generator", params={"rate": 300.0, "stop": 50.0})
    nest.Connect(noise, cells, syn_spec=static(6.0, DT))
    return cells


def coba():
    return kick(brette("iaf_cond_exp", 6.0, -67.0, -60, -50, C_m=200.0, g_L=10.0, E_L=-60.0, V_th=-50.0, V_reset=-60.0, t_ref=5.0,
                       E_ex=0.0, E_in=-80.0, tau_syn_ex=5.0, tau_syn_in=10.0))


def cobahh():
    return kick(brette("hh_cond_exp_traub", 6.0, -67.0, -60, -50, C_m=200.0, g_L=10.0, E_L=-60.0, V_T=-63.0, g_Na=20000.0, g_K=6000.0,
                       E_Na=50.0, E_K=-90.0, E_ex=0.0, E_in=-80.0, tau_syn_ex=5.0, tau_syn_in=10.0, t_ref=2.0))


def brunel(factor=1):
    """Delta pulses; 1,000 and 250 synapses onto each neuron whatever the size."""
    of = {"C_m": 1.0, "tau_m": 20.0, "t_ref": 2.0, "E_L": 0.0, "V_reset": 10.0, "V_m": 0.0, "V_th": 20.0}
    cells = nest.Create("iaf_psc_delta", 12500 * factor, params=of)
    noise = nest.Create("poisson_generator", params={"rate": 20000.0})
    n = 10000 * factor
    exc = constant(0.1, 1.5)
    nest.Connect(noise, cells, syn_spec=exc)
    nest.Connect(cells[:n], cells, indegree(1000), exc)
    nest.Connect(cells[n:], cells, indegree(250), constant(-0.5, 1.5))
    return cells


def brunel10():
    return brunel(10)


SIZE = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
RATE = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])
INPUTS = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
V_MEAN = [-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43]
V_SD = [5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48]
PROBABILITY = np.array([  # rows: to, columns: from
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
    [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443]])


def column(scale=1.0):
    """Potjans & Diesmann 2014, made smaller as in van Albada, Helias & Diesmann 2015."""
    n = np.round(SIZE * scale).astype(int)
    synapses = np.round(np.log(1 - PROBABILITY) / np.log(1 - 1 / np.outer(SIZE, SIZE)))
    w = 87.8
    strength = np.where(np.arange(8) % 2 == 0, 1.0, -4.0) * np.ones((8, 8))
    strength[0, 2] = 2.0
    weight = strength * w / math.sqrt(scale)
    mean = 0.5e-3 * ((strength * w * synapses) @ RATE / SIZE + 8.0 * INPUTS * w)
    of = {"C_m": 250.0, "tau_m": 10.0, "t_ref": 2.0, "E_L": -65.0, "V_th": -50.0, "V_reset": -65.0, "tau_syn_ex": 0.5, "tau_syn_in": 0.5}
    pops = [nest.Create("iaf_psc_exp", int(k), params=of) for k in n]
    for k, pop in enumerate(pops):
        pop.V_m = nest.random.normal(V_MEAN[k], V_SD[k])
        if scale < 1:
            pop.I_e = (1 - math.sqrt(scale)) * mean[k]
        noise = nest.Create("poisson_generator", params={"rate": 8.0 * round(INPUTS[k] * scale)})
        nest.Connect(noise, pop, syn_spec=static(w / math.sqrt(scale), 1.5))
    for t, target in enumerate(pops):
        for s, source in enumerate(pops):
            total = int(round(synapses[t, s] * scale**2))
            if not total:
                continue
            m, inhibits = weight[t, s], s % 2 == 1
            bounds = {"min": -np.inf, "max": 0.0} if inhibits else {"min": 0.0, "max": np.inf}
            d = 0.75 if inhibits else 1.5
            nest.Connect(source, target, {"rule": "fixed_total_number", "N": total}, {
                "synapse_model": "static_synapse",
                "weight": nest.math.redraw(nest.random.normal(m, 0.1 * abs(m)), **bounds),
                "delay": nest.math.redraw(nest.random.normal(d, d / 2), min=DT - 0.5 * DT, max=np.inf)})
    every = pops[0]
    for pop in pops[1:]:
        every += pop
    return every


def fifth():
    return column(0.2)


def plastic():
    """The network of the example hpc_benchmark at scale 1."""
    tau_syn, weight, ne = 0.32582722403722841, 45.61, 9000
    of = {"E_L": 0.0, "C_m": 250.0, "tau_m": 10.0, "t_ref": 0.5, "V_th": 20.0, "V_reset": 0.0, "tau_syn_ex": tau_syn,
          "tau_syn_in": tau_syn, "tau_minus": 30.0}
    cells = nest.Create("iaf_psc_alpha", 11250, params=of)
    cells.V_m = nest.random.normal(5.7, 7.2)
    exc, inh = cells[:ne], cells[ne:]
    threshold = 20.0 / (10.0 / 250.0 * weight * math.e * tau_syn)
    noise = nest.Create("poisson_generator", params={"rate": 1.685 * threshold * 1000})
    nest.SetDefaults("static_synapse_hpc", {"delay": 1.5})
    nest.CopyModel("static_synapse_hpc", "excites", {"weight": weight})
    nest.CopyModel("static_synapse_hpc", "inhibits", {"weight": -5 * weight})
    nest.SetDefaults("stdp_pl_synapse_hom_hpc", {"weight": weight, "delay": 1.5, "alpha": 0.0513, "lambda": 0.1, "mu": 0.4, "tau_plus": 15.0})
    nest.Connect(noise, cells, syn_spec={"synapse_model": "excites"})
    nest.Connect(exc, exc, indegree(ne), {"synapse_model": "stdp_pl_synapse_hom_hpc"})
    nest.Connect(exc, inh, indegree(ne), {"synapse_model": "excites"})
    nest.Connect(inh, cells, indegree(2250), {"synapse_model": "inhibits"})
    return cells


def ten():
    cells = nest.Create("iaf_psc_delta", 10, params={"C_m": 1.0, "tau_m": 20.0, "t_ref": 2.0, "E_L": 0.0, "V_reset": 0.0, "V_th": 20.0})
    cells.V_m = nest.random.uniform(0, 15)
    noise = nest.Create("poisson_generator", params={"rate": 10000.0})
    nest.Connect(noise, cells, syn_spec=static(0.2, DT))
    return cells


WORKLOADS = {f.__name__: f for f in (cuba, coba, cobahh, brunel, brunel10, column, fifth, plastic, ten)}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("workload", choices=WORKLOADS)
    p.add_argument("ms", type=float)
    p.add_argument("--threads", type=int, default=1)
    o = p.parse_args()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.set(resolution=DT, local_num_threads=o.threads, rng_seed=1, print_time=False)
    cells = WORKLOADS[o.workload]()
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Prepare()
    begin = time.monotonic()
    nest.Run(o.ms)
    end = time.monotonic()
    nest.Cleanup()
    n = recorder.n_events
    print(json.dumps({"build": begin - START, "sim": end - begin, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                      "spikes": int(n), "rate": n / len(cells) / o.ms * 1000}))
    return 0


sys.exit(main())
