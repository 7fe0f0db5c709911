#!/usr/bin/env python3
"""A workload in Brian2 as it is fastest there: a C++ program of one thread, in double precision, compiled for this processor.

    peer_brian2.py WORKLOAD MS [--threads N]

Prints JSON: seconds of building (code generation, compiling, and making the network), of simulating, the mean rate of all neurons, the
synapses, and the peak of memory of the compiled program. Needs brian2; 2.9 was used."""

import argparse
import json
import os
import sys
import tempfile
import time

START = time.monotonic()

import brian2 as b2
from brian2 import Hz, mV, ms, nS, pF, uS

HERE = os.path.dirname(os.path.abspath(__file__))


def cuba():
    cells = b2.NeuronGroup(4000, """dV/dt = (EL - V + ge + gi)/tau_m : volt (unless refractory)
                                    dge/dt = -ge/tau_e : volt
                                    dgi/dt = -gi/tau_i : volt""",
                           threshold="V > VT", reset="V = Vr", refractory=5 * ms, method="exact",
                           namespace=dict(EL=-49 * mV, VT=-50 * mV, Vr=-60 * mV, tau_m=20 * ms, tau_e=5 * ms, tau_i=10 * ms))
    cells.V = "-60*mV + 10*mV*rand()"
    excite = b2.Synapses(cells[:3200], cells, on_pre="ge += 1.62*mV")
    inhibit = b2.Synapses(cells[3200:], cells, on_pre="gi += -9*mV")
    excite.connect(p=0.02)
    inhibit.connect(p=0.02)
    return [cells], [excite, inhibit], []


def kicked(cells):
    """The synapses of benchmarks 1 and 3, and conductances at the start that wake the network."""
    excite = b2.Synapses(cells[:3200], cells, on_pre="ge += 6*nS")
    inhibit = b2.Synapses(cells[3200:], cells, on_pre="gi += 67*nS")
    excite.connect(p=0.02)
    inhibit.connect(p=0.02)
    cells.V = "-60*mV + 10*mV*rand()"
    cells.ge = "(1.5*randn() + 4)*10*nS"
    cells.gi = "(12*randn() + 20)*10*nS"
    return [cells], [excite, inhibit], []


def coba():
    return kicked(b2.NeuronGroup(4000, """dV/dt = (gL*(EL - V) + ge*(Ee - V) + gi*(Ei - V))/C : volt (unless refractory)
                                          dge/dt = -ge/tau_e : siemens
                                          dgi/dt = -gi/tau_i : siemens""",
                                 threshold="V > VT", reset="V = Vr", refractory=5 * ms, method="exponential_euler",
                                 namespace=dict(C=200 * pF, gL=10 * nS, EL=-60 * mV, VT=-50 * mV, Vr=-60 * mV, Ee=0 * mV,
                                                Ei=-80 * mV, tau_e=5 * ms, tau_i=10 * ms)))


def cobahh():
    cells = b2.NeuronGroup(4000, """
        dV/dt = (gL*(EL - V) + gNa*m*m*m*h*(ENa - V) + gK*n*n*n*n*(EK - V) + ge*(Ee - V) + gi*(Ei - V))/C : volt
        dm/dt = am*(1 - m) - bm*m : 1
        dh/dt = ah*(1 - h) - bh*h : 1
        dn/dt = an*(1 - n) - bn*n : 1
        dge/dt = -ge/tau_e : siemens
        dgi/dt = -gi/tau_i : siemens
        am = 0.32*4/exprel((13*mV - V + VT)/(4*mV))/ms : Hz
        bm = 0.28*5/exprel((V - VT - 40*mV)/(5*mV))/ms : Hz
        ah = 0.128*exp((17*mV - V + VT)/(18*mV))/ms : Hz
        bh = 4/(1 + exp((40*mV - V + VT)/(5*mV)))/ms : Hz
        an = 0.032*5/exprel((15*mV - V + VT)/(5*mV))/ms : Hz
        bn = 0.5*exp((10*mV - V + VT)/(40*mV))/ms : Hz""",
                           threshold="V > -20*mV", refractory="V > -20*mV", method="exponential_euler",
                           namespace=dict(C=200 * pF, gL=10 * nS, gNa=20 * uS, gK=6 * uS, EL=-60 * mV, ENa=50 * mV, EK=-90 * mV,
                                          VT=-63 * mV, Ee=0 * mV, Ei=-80 * mV, tau_e=5 * ms, tau_i=10 * ms))
    return kicked(cells)


def brunel():
    cells = b2.NeuronGroup(12500, "dV/dt = -V/tau_m : volt (unless refractory)", threshold="V > 20*mV", reset="V = 10*mV",
                           refractory=2 * ms, method="exact", namespace=dict(tau_m=20 * ms))
    excite = b2.Synapses(cells[:10000], cells, on_pre="V += 0.1*mV", delay=1.5 * ms)
    inhibit = b2.Synapses(cells[10000:], cells, on_pre="V += -0.5*mV", delay=1.5 * ms)
    excite.connect(p=0.1)
    inhibit.connect(p=0.1)
    noise = b2.PoissonInput(cells, "V", N=1000, rate=20 * Hz, weight=0.1 * mV)
    return [cells], [excite, inhibit], [noise]


def adex(method="euler"):
    cells = b2.NeuronGroup(5000, """
        dV/dt = (gL*(EL - V) + gL*DT*exp((V - VT)/DT) + ge*(Ee - V) + gi*(Ei - V) - w)/C : volt (unless refractory)
        dw/dt = (a*(V - EL) - w)/tau_w : amp
        dge/dt = -ge/tau_e : siemens
        dgi/dt = -gi/tau_i : siemens
        b : amp (constant)""",
                           threshold="V > VT + 5*DT", reset="V = Vr; w += b", refractory=5 * ms, method=method,
                           namespace=dict(C=200 * pF, gL=10 * nS, EL=-70 * mV, VT=-50 * mV, DT=2 * mV, a=0 * nS, tau_w=500 * ms,
                                          Vr=-70 * mV, Ee=0 * mV, Ei=-80 * mV, tau_e=5 * ms, tau_i=5 * ms))
    cells.V = "-70*mV + 15*mV*rand()"
    cells.b = "40*pA*int(i < 4000)"
    afferents = b2.PoissonGroup(400, rates="10*Hz + 4*Hz*sin(2*pi*4*Hz*t) + 6*Hz*int(t >= 1*second)")
    joined = []
    for source, port, weight, p, delay in ((cells[:4000], "ge", 0.5, 0.05, 1.5), (cells[4000:], "gi", 5, 0.05, 1),
                                           (afferents, "ge", 0.5, 0.5, 1.5)):
        joined.append(b2.Synapses(source, cells, on_pre=f"{port} += {weight}*nS", delay=delay * ms))
        joined[-1].connect(p=p)
    return [cells, afferents], joined, []


def adex_rk4():
    return adex("rk4")


def ten():
    cells = b2.NeuronGroup(10, "dV/dt = -V/tau_m : volt (unless refractory)", threshold="V > 20*mV", reset="V = 0*mV",
                           refractory=2 * ms, method="exact", namespace=dict(tau_m=20 * ms))
    cells.V = "15*mV*rand()"
    return [cells], [], [b2.PoissonInput(cells, "V", N=1000, rate=10 * Hz, weight=0.2 * mV)]


WORKLOADS = {f.__name__: f for f in (cuba, coba, cobahh, brunel, ten, adex, adex_rk4)}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("workload", choices=WORKLOADS)
    p.add_argument("ms", type=float)
    p.add_argument("--threads", type=int, default=1)
    o = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-brian2-") as folder:
        b2.set_device("cpp_standalone", build_on_run=False)
        took = os.path.join(folder, "took.json")
        b2.prefs.devices.cpp_standalone.openmp_threads = o.threads if o.threads > 1 else 0
        b2.prefs.devices.cpp_standalone.run_cmd_unix = [sys.executable, os.path.join(HERE, "process.py"), took, "./main"]
        b2.defaultclock.dt = 0.1 * ms
        cells, joined, more = WORKLOADS[o.workload]()
        spikes = [b2.SpikeMonitor(c) for c in cells]
        b2.Network(cells, joined, more, spikes).run(o.ms * ms)
        b2.device.build(directory=os.path.join(folder, "code"), run=False)
        b2.device.run(with_output=False)
        simulated = b2.device._last_run_time
        n = sum(s.num_spikes for s in spikes)
        with open(took, encoding="utf-8") as f:
            peak = json.load(f)["peak"]
        print(json.dumps({"build": time.monotonic() - START - simulated, "sim": simulated, "peak": peak, "spikes": int(n),
                          "rate": n / sum(map(len, cells)) / o.ms * 1000, "synapses": sum(len(s) for s in joined)}))
    return 0


sys.exit(main())
