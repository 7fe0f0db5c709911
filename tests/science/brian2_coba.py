#!/usr/bin/env python3
"""The COBA network of Brette et al. 2007 in Brian2, to set beside models/brette2007_coba.cortex.

    brian2_coba.py [NETWORKS]

Needs brian2 (and numpy below 2 for its older versions). Prints the mean rate of all 4,000 cells between 200 ms and 1 s for each
network, their mean and its standard error. Integrated by exponential Euler at 0.1 ms, as cortexc chooses."""

import sys

import numpy
from brian2 import (Network, NeuronGroup, SpikeMonitor, Synapses, mV, ms, nS, pF, second, seed)


def rate(number):
    seed(number)
    constants = dict(gL=10 * nS, C=200 * pF, EL=-60 * mV, Ee=0 * mV, Ei=-80 * mV, tau_e=5 * ms, tau_i=10 * ms, VT=-50 * mV, Vr=-60 * mV)
    cells = NeuronGroup(4000, """dV/dt = (gL*(EL - V) + ge*(Ee - V) + gi*(Ei - V))/C : volt (unless refractory)
                                 dge/dt = -ge/tau_e : siemens
                                 dgi/dt = -gi/tau_i : siemens""",
                        threshold="V > VT", reset="V = Vr", refractory=5 * ms, method="exponential_euler", namespace=constants)
    excite = Synapses(cells[:3200], cells, on_pre="ge += 6*nS")
    inhibit = Synapses(cells[3200:], cells, on_pre="gi += 67*nS")
    excite.connect(p=0.02)
    inhibit.connect(p=0.02)
    cells.V = "EL + (5*randn() - 5)*mV"
    cells.ge = "(1.5*randn() + 4)*10*nS"
    cells.gi = "(12*randn() + 20)*10*nS"
    spikes = SpikeMonitor(cells)
    Network(cells, excite, inhibit, spikes).run(1 * second)
    return int((numpy.asarray(spikes.t / ms) > 200).sum()) / 4000 / 0.8


rates = [rate(k + 1) for k in range(int(sys.argv[1]) if len(sys.argv) > 1 else 8)]
print(" ".join(f"{r:.2f}" for r in rates))
print(f"{numpy.mean(rates):.2f} Hz +- {numpy.std(rates, ddof=1) / len(rates) ** 0.5:.2f}")
