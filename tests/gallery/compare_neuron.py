#!/usr/bin/env python3
"""Runs the cells of docs/guide/from-neuron.md in NEURON and in cortexc and compares.

    compare_neuron.py CORTEXC [EXAMPLE …]

Needs neuron (9.0 was used) and h5py. NEURON's fixed step is implicit, ours is not, so both run with a step of 0.001 ms
and agree within what that leaves."""

import sys

import numpy as np
from neuron import h

from peer import example, main, same, trace

h.load_file("stdrun.hoc")
DT = 0.001
TRAINS = ((3.13, 7.07), (5.31, 11.17), (2.57, 4.03))     # start and interval in ms, never two at once


def simulate(stop, **vectors):
    """Runs NEURON from rest; returns the recorded vectors as arrays, one value a step."""
    kept = {name: h.Vector().record(ref) for name, ref in vectors.items()}
    h.dt, h.steps_per_ms, h.celsius = DT, 1 / DT, 6.3
    h.finitialize(-65)
    h.continuerun(stop)
    return {name: np.asarray(vector) for name, vector in kept.items()}


def patch():
    """A section of 10,000 um^2."""
    soma = h.Section(name="soma")
    soma.L = soma.diam = (1e4 / np.pi) ** 0.5
    return soma


@example
def hodgkin_huxley(ours):
    soma = patch()
    soma.insert("hh")
    h.usetable_hh = 0
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 5, 90, 1.0
    v = simulate(100, v=soma(0.5)._ref_v)["v"]
    result = ours.text(f"""population soma : 1 of hh_squid {{ EL = -54.3 mV }}
      stimulus -> soma.I : drive(1 nA) {{ start = 5 ms, stop = 95 ms }}
      record V of soma every 0.1 ms
      simulation {{ dt = {DT} ms, method = rk4 }}
      run 100 ms""")
    theirs = (np.flatnonzero((v[1:] > 0) & (v[:-1] <= 0)) + 1) * DT
    mine = result.times["soma"]
    yield same("spikes", len(theirs), len(mine))
    yield trace("their times in ms", theirs, mine, 0.05)


@example
def exp2syn(ours):
    soma = patch()
    soma.insert("pas")
    soma(0.5).pas.g, soma(0.5).pas.e = 5e-5, -65       # 5 nS
    stim = h.NetStim()
    stim.start, stim.interval, stim.number, stim.noise = 10, 20, 5, 0
    synapse = h.Exp2Syn(soma(0.5))
    synapse.tau1, synapse.tau2, synapse.e = 0.5, 5, 0
    wire = h.NetCon(stim, synapse)
    wire.weight[0], wire.delay = 0.001, 1
    kept = simulate(100, v=soma(0.5)._ref_v, g=synapse._ref_g)
    result = ours.text(f"""neuron cell {{
        param C = 100 pF, gL = 5 nS, EL = -65 mV, tau1 = 0.5 ms, tau2 = 5 ms, e = 0 mV
        state V : mV = EL
        state A : nS = 0
        state B : nS = 0
        port B, V
        t_peak = tau1*tau2/(tau2 - tau1)*log(tau2/tau1)
        factor = 1/(exp(-t_peak/tau2) - exp(-t_peak/tau1))
        g = factor*(B - A)
        dV/dt = (gL*(EL - V) + g*(e - V))/C
        dA/dt = -A/tau1
        dB/dt = -B/tau2
      }}
      synapse exp2 {{
        state weight : port
        on pre {{ port += weight; target.A += weight }}
      }}
      population stim : 1 of regular_source {{ rate = 50 Hz, phase = 0.5 }}
      population soma : 1 of cell
      connect stim -> soma.B : one_to_one using exp2 {{ weight = 1 nS, delay = 1 ms }}
      record V, g of soma every 0.1 ms
      simulation {{ dt = {DT} ms }}
      run 100 ms""")
    for name, scale in (("g", 1000.0), ("v", 1.0)):
        yield trace(name, kept[name][:-1:100][:1000] * scale, result.traces["soma", name if name == "g" else "V"].ravel(), 5e-3)


@example
def intfire1(ours):
    cell = h.IntFire1()
    cell.tau, cell.refrac = 10, 5
    stims, wires = [], []
    for start, interval in TRAINS:
        stim = h.NetStim()
        stim.start, stim.interval, stim.number, stim.noise = start, interval, 1000, 0
        wire = h.NetCon(stim, cell)
        wire.weight[0], wire.delay = 0.4, 1
        stims.append(stim)
        wires.append(wire)
    fired = h.Vector()
    recorder = h.NetCon(cell, None)
    recorder.record(fired)
    h.dt = 0.025
    h.finitialize(-65)
    h.continuerun(200)
    times = sorted([start + interval * n for start, interval in TRAINS for n in range(60) if start + interval * n < 199])
    listed = ", ".join(f"{t:.2f} ms" for t in times)
    result = ours.text(f"""neuron IntFire1 {{
        param tau = 10 ms, refrac = 5 ms
        state m = 0
        port m
        dm/dt = -m/tau   unless refractory
        spike when m > 1 {{ m = 0; refractory refrac }}
      }}
      population stim : 1 of spike_list {{ times = [{listed}], indices = 0*range({len(times)}) }}
      population cell : 1 of IntFire1
      connect stim -> cell : all_to_all {{ weight = 0.4, delay = 1 ms }}
      simulation {{ dt = {DT} ms }}
      run 200 ms""")
    yield trace("times of spikes in ms", np.asarray(fired), result.times["cell"], 2 * DT)


if __name__ == "__main__":
    sys.exit(main("neuron", __doc__))
