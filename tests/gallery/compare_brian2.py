#!/usr/bin/env python3
"""Runs examples of Brian2's gallery in Brian2 and in cortexc (models/gallery/brian2) and compares.

    compare_brian2.py CORTEXC [EXAMPLE …]

Needs brian2 (2.9 with numpy below 2 was used) and h5py. Where nothing is random and the method is the same, traces agree
within 1e-6 of their unit and spikes at every step; means of random runs agree within three standard errors."""

import os
import sys

import numpy as np
from brian2 import (Hz, Mohm, Network, NeuronGroup, SpikeGeneratorGroup, SpikeMonitor, StateMonitor, Synapses,
                    PoissonInput, TimedArray, PoissonGroup, cm, defaultclock, linked_var, ms, mV, msiemens, nS, pA, pF, prefs, second, seed, siemens,
                    uF, um)

from peer import differ, example, main, mean, same, trace

DT = 0.1
prefs.codegen.target = "numpy"


def run(duration, *objects, dt=0.1):
    """Runs the objects in a network of their own; `duration` in ms."""
    defaultclock.dt = dt * ms
    net = Network(*objects)
    net.run(duration * ms, namespace={})
    return net


def trains(monitor, dt=0.1):
    """Spike times of each cell in ms, stamped at the end of their step, as ours are."""
    return [np.asarray(t / ms) + dt for _, t in sorted(monitor.spike_trains().items())]


def steps(each, dt=0.1):
    return [list(np.round(np.asarray(t) / dt).astype(int)) for t in each]


def same_spikes(what, peer, ours, dt=0.1):
    """Every spike of every cell at its step."""
    a, b = steps(peer, dt), steps(ours, dt)
    return f"{what}, spikes of {len(a)} cells", f"{sum(map(len, a))}", f"{sum(map(len, b))}, the same steps: {a == b}", a == b


def pairs(result, name):
    """Source and target of each synapse of a connection, as `connect` takes them."""
    return {k: result.weights[name, which].astype(int) for k, which in (("i", "source"), ("j", "target"))}


@example
def adaptive_threshold(ours):
    result = ours("adaptive_threshold", duration="20 s", n=50)
    G = NeuronGroup(50, """dv/dt = -v/(10*ms) : volt
                           dvt/dt = (10*mV - vt)/(15*ms) : volt""", threshold="v > vt", reset="v = 0*mV; vt += 3*mV", method="exact")
    G.vt = 10 * mV
    inputs = PoissonGroup(50, 500 * Hz)
    S = Synapses(inputs, G, on_pre="v += 3*mV")
    S.connect(j="i")
    M = SpikeMonitor(G)
    run(20000, G, inputs, S, M)
    yield mean("rate of a cell", M.count / 20, [len(t) / 20 for t in result.trains("cell")])


@example
def phase_locking(ours):
    result = ours("phase_locking")
    G = NeuronGroup(100, "dv/dt = (1.2 + 0.3*sin(2*pi*10*Hz*t) - v)/(20*ms) : 1", threshold="v > 1", reset="v = 0",
                    method="exponential_euler")
    G.v = "i/100"
    S, M = SpikeMonitor(G), StateMonitor(G, "v", record=range(0, 100, 10))
    run(2000, G, S, M)
    yield trace("x", M.v.T, result.traces["cells", "x"])
    yield same_spikes("raster", trains(S), result.trains("cells"))


@example
def if_curve_lif(ours):
    result = ours("if_curve_lif", edits=[("refractory 5 ms", "refractory 4.9 ms")])     # Brian2 counts the spike's own step
    G = NeuronGroup(100, """dv/dt = (v0 - v)/(10*ms) : volt (unless refractory)
                            v0 : volt""", threshold="v > 10*mV", reset="v = 0*mV", refractory=5 * ms, method="exact")
    G.v0 = "20*mV*i/99"
    S, M = SpikeMonitor(G), StateMonitor(G, "v", record=range(0, 100, 11))
    run(1000, G, S, M)
    yield same_spikes("f-I curve", trains(S), result.trains("cells"))
    yield trace("V", np.asarray(M.v / mV).T, result.traces["cells", "V"])


HH = """dv/dt = (gl*(El - v) + {more} - gNa*m**3*h*(v - ENa) - gK*n**4*(v - EK))/Cm : volt
        dm/dt = 0.32/mV*4*mV/exprel((13*mV - v + VT)/(4*mV))/ms*(1 - m) - 0.28/mV*5*mV/exprel((v - VT - 40*mV)/(5*mV))/ms*m : 1
        dn/dt = 0.032/mV*5*mV/exprel((15*mV - v + VT)/(5*mV))/ms*(1 - n) - 0.5*exp((10*mV - v + VT)/(40*mV))/ms*n : 1
        dh/dt = 0.128*exp((17*mV - v + VT)/(18*mV))/ms*(1 - h) - 4/(1 + exp((40*mV - v + VT)/(5*mV)))/ms*h : 1
        """
HH_VALUES = dict(Cm=200 * pF, gl=10 * nS, ENa=50 * mV, EK=-90 * mV, gNa=20000 * nS, gK=6000 * nS, VT=-63 * mV)


@example
def if_curve_hh(ours):
    result = ours("if_curve_hh", duration="300 ms", edits=[("every 0.1 ms", "every 0.01 ms")])
    G = NeuronGroup(100, HH.format(more="I") + "I : amp", threshold="v > -40*mV", refractory="v > -40*mV",
                    method="exponential_euler", namespace={**HH_VALUES, "El": -65 * mV})
    G.v, G.h, G.I = -65 * mV, 1, "0.7*nA*i/100"
    S, M = SpikeMonitor(G), StateMonitor(G, "v", record=range(0, 100, 11))
    run(300, G, S, M, dt=0.01)
    yield same_spikes("f-I curve", trains(S, 0.01), result.trains("cells"), 0.01)
    yield trace("V", np.asarray(M.v / mV).T, result.traces["cells", "V"])


@example
def cuba(ours):
    """Once with the synapses and starts of one of our runs, and with those that each draws for itself."""
    edits = [("refractory 5 ms", "refractory 4.9 ms"), ("expect rate(P) in [5.0 Hz, 6.0 Hz]", ""), ("connect P[0:3200] -> P.ge    : probability(2%) {", "connect P[0:3200] -> P.ge : probability(2%) as E { delay = 0 ms, autapses = true,"),
             ("connect P[3200:4000] -> P.gi : probability(2%) {", "connect P[3200:4000] -> P.gi : probability(2%) as I { delay = 0 ms, autapses = true,")]

    def network(duration, result=None):
        G = NeuronGroup(4000, """dv/dt = (ge + gi - (v + 49*mV))/(20*ms) : volt (unless refractory)
                                 dge/dt = -ge/(5*ms) : volt
                                 dgi/dt = -gi/(10*ms) : volt""", threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exact")
        E, I = Synapses(G, G, on_pre="ge += 1.62*mV"), Synapses(G, G, on_pre="gi -= 9*mV")
        if result:
            E.connect(**pairs(result, "E"))
            I.connect(**pairs(result, "I"))
            G.v = result.traces["P", "V"][0] * mV
        else:
            E.connect("i < 3200", p=0.02)
            I.connect("i >= 3200", p=0.02)
            G.v = "-60*mV + rand()*10*mV"
        M = SpikeMonitor(G)
        run(duration, G, E, I, M)
        return M

    result = ours("cuba", edits=edits + [("run 1 s", "record V of P every 1 s\nrecord weight of E, I at end\nrun 1 s")])
    yield same_spikes("one network", trains(network(1000, result)), result.trains("P"))

    mine, peer = [ours("cuba", seed=k, edits=edits).rate("P") for k in range(1, 9)], []
    for k in range(8):
        seed(k + 1)
        peer.append(network(1000).num_spikes / 4000)
    yield mean("rate", peer, mine)


@example
def cobahh(ours):
    """Once with the synapses and starts of one of our runs, and with those that each draws for itself."""
    edits = [("P.ge    : probability(2%) {", "P.ge : probability(2%) as E { delay = 0 ms, autapses = true,"),
             ("P.gi : probability(2%) {", "P.gi : probability(2%) as I { delay = 0 ms, autapses = true,")]

    def network(duration, result=None):
        G = NeuronGroup(4000, HH.format(more="ge*(0*mV - v) + gi*(-80*mV - v)") + """dge/dt = -ge/(5*ms) : siemens
                                 dgi/dt = -gi/(10*ms) : siemens""", threshold="v > -20*mV", refractory="v > -20*mV",
                        method="exponential_euler", namespace={**HH_VALUES, "El": -60 * mV})
        E = Synapses(G if result else G[:3200], G, on_pre="ge += 6*nS")
        I = Synapses(G if result else G[3200:], G, on_pre="gi += 67*nS")
        if result:
            E.connect(**pairs(result, "E"))
            I.connect(**pairs(result, "I"))
            G.v, G.ge, G.gi = (result.traces["P", v][0] * unit for v, unit in (("V", mV), ("ge", nS), ("gi", nS)))
        else:
            G.v, G.ge, G.gi = "-60*mV + (randn()*5 - 5)*mV", "clip((randn()*1.5 + 4)*10, 0, inf)*nS", "clip((randn()*12 + 20)*10, 0, inf)*nS"
            E.connect(p=0.02)
            I.connect(p=0.02)
        M = SpikeMonitor(G)
        run(duration, G, E, I, M)
        return M

    result = ours("cobahh", duration="300 ms", edits=edits + [("record V of P[0:3] every 0.1 ms", "record V, ge, gi of P every 1 s\nrecord weight of E, I at end")])
    yield same_spikes("one network for 300 ms", trains(network(300, result)), result.trains("P"))

    mine, peer = [ours("cobahh", seed=k).rate("P", 200) for k in range(1, 7)], []
    for k in range(6):
        seed(k + 1)
        peer.append((network(1000).t / ms > 200).sum() / 4000 / 0.8)
    yield mean("rate from 200 ms on", peer, mine)


@example
def brunel_hakim1999(ours):
    mine = [ours("brunel_hakim1999", seed=k, edits=[("refractory 2 ms", "refractory 1.9 ms")]).rate("net", 100) for k in range(1, 7)]
    peer = []
    for k in range(6):
        seed(k + 1)
        G = NeuronGroup(5000, "dV/dt = (25*mV - V + 1*mV*sqrt(20*ms)*xi)/(20*ms) : volt (unless refractory)", threshold="V > 20*mV",
                        reset="V = 10*mV", refractory=2 * ms, method="euler")
        G.V = 10 * mV
        S = Synapses(G, G, on_pre="V -= 0.1*mV", delay=2 * ms)
        S.connect(p=0.2)
        M = SpikeMonitor(G)
        run(300, G, S, M)
        peer.append((M.t / ms > 100).sum() / 5000 / 0.2)
    yield mean("rate from 100 ms on", peer, mine)


@example
def diesmann1999(ours):
    edits = [("param taum = 10 ms, taupsp", "method = euler_maruyama\n  param taum = 10 ms, taupsp"), ("refractory 1 ms", "refractory 0.9 ms")]     # as Brian2's euler
    results = [ours("diesmann1999", seed=k, edits=edits) for k in range(1, 9)]
    mine = [r.times["chain"][r.ids["chain"] >= 900] for r in results]
    mine = [t[t > 90] for t in mine]
    peer = []
    for number in range(1, 9):
        seed(number)
        np.random.seed(number)
        G = NeuronGroup(1000, """dV/dt = (-70*mV - V + x)/(10*ms) : volt (unless refractory)
                                 dx/dt = (-x + y)/(0.325*ms) : volt
                                 dy/dt = -y/(0.325*ms) + 25.27*mV/ms + (39.24*mV/ms**0.5)*xi : volt""",
                        threshold="V > -55*mV", reset="V = -70*mV", refractory=1 * ms, method="euler")
        G.V = "-70*mV + rand()*15*mV"
        P = SpikeGeneratorGroup(85, np.arange(85), np.random.randn(85) * ms + 50 * ms)
        S, T = Synapses(P, G, on_pre="y += 4.86*mV"), Synapses(G, G, on_pre="y += 4.86*mV", delay=5 * ms)
        S.connect(j="k for k in range(100)")
        T.connect(j="k for k in range((i//100 + 1)*100, (i//100 + 2)*100) if i < N_pre - 100")
        M = SpikeMonitor(G)
        run(120, G, P, S, T, M)
        t = np.asarray(M.t / ms)[np.asarray(M.i) >= 900]
        peer.append(t[t > 90])
    yield mean("spikes of the last group behind 90 ms", [len(t) for t in peer], [len(t) for t in mine], "")
    yield mean("median time of these", [np.median(t) + DT for t in peer], [np.median(t) for t in mine], "ms")


@example
def stdp(ours):
    """Once with the same spikes and first weights for both, and with those that each draws for itself."""
    def cell(P, duration, first="rand()*0.01", delay=0 * ms):
        G = NeuronGroup(1, """dv/dt = (ge*(0*mV - v) - 74*mV - v)/(10*ms) : volt
                              dge/dt = -ge/(5*ms) : 1""", threshold="v > -54*mV", reset="v = -60*mV", method="exponential_euler")
        G.v = -60 * mV
        S = Synapses(P, G, """w : 1
                              dx/dt = -x/(20*ms) : 1 (event-driven)
                              dy/dt = -y/(20*ms) : 1 (event-driven)""",
                     on_pre="ge += w; x += 0.0001; w = clip(w + y, 0, 0.01)", on_post="y -= 0.000105; w = clip(w + x, 0, 0.01)")
        S.connect()
        S.w, S.pre.delay = first, delay
        M, W = SpikeMonitor(G), StateMonitor(S, "w", record=True, dt=1 * second)
        run(duration, P, G, S, M, W)
        return M, np.asarray(S.w), W.w.T

    step, k = np.nonzero(np.random.default_rng(1).random((50000, 1000)) < 15 * DT / 1000)
    for name, values in (("times", np.round((step + 1) * DT, 1)), ("indices", k)):
        np.savetxt(os.path.join(ours.temporary, name + ".csv"), values, "%g", header=name, comments="")
    result = ours("stdp", duration="5 s", edits=[("poisson_source { rate = 15 Hz }", 'spike_list { times = file("times.csv", unit = [ms]), indices = file("indices.csv") }'),
                                                 ("record weight of S at end\n", "")])
    M, _, weights = cell(SpikeGeneratorGroup(1000, k, step * DT * ms), 5000, result.weights["S", "weight"][0].ravel(), DT * ms)
    yield same_spikes("cell with given input", trains(M), result.trains("output"))
    yield trace("its weights each second", weights, result.weights["S", "weight"])

    results, peer = [ours("stdp", seed=k) for k in range(1, 7)], []
    for k in range(6):
        seed(k + 1)
        M, w, _ = cell(PoissonGroup(1000, rates=15 * Hz), 20000)
        peer.append((M.num_spikes / 20, np.mean(w)))
    yield mean("rate", [r for r, _ in peer], [r.rate("output") for r in results])
    yield mean("mean weight at the end", [w for _, w in peer], [r.weights["S", "weight"].mean() for r in results], "")


@example
def tsodyks1998(ours):
    result = ours("tsodyks1998")
    G = NeuronGroup(2, """dV/dt = (100*Mohm*I - V)/(40*ms) : volt
                          dI/dt = -I/(3*ms) : amp""", method="exact")
    times = np.array([100, 150, 200, 250, 300, 350, 400, 450, 950]) * ms
    P = SpikeGeneratorGroup(1, np.zeros(9, int), times)
    S = Synapses(P, G, """w : amp
                          U : 1
                          tau_rec : second
                          tau_facil : second
                          dx/dt = (1 - x)/tau_rec : 1 (event-driven)
                          du/dt = -u/tau_facil : 1 (event-driven)""",
                 on_pre="u += U*(1 - u); I += w*u*x; x -= u*x")
    S.connect()
    S.x, S.w, S.U, S.tau_rec, S.tau_facil = 1, [250, 1540] * pA, [0.5, 0.03], [800, 130] * ms, [0.001, 530] * ms
    M = StateMonitor(G, ["V", "I"], record=True)
    run(1200, G, P, S, M)
    yield trace("V", np.asarray(M.V / mV).T, result.traces["cells", "V"])
    yield trace("I", np.asarray(M.I / pA).T, result.traces["cells", "Ie"])


@example
def hindmarsh_rose1984(ours):
    result = ours("hindmarsh_rose1984")
    G = NeuronGroup(3, """dx/dt = (y - x**3 + 3*x**2 + I - z)/ms : 1
                          dy/dt = (1 - 5*x**2 - y)/ms : 1
                          dz/dt = 0.001*(4*(x + 1.6) - z)/ms : 1
                          I : 1""", method="rk4")
    G.x, G.y, G.I = -1.6, -11.8, [0.4, 2, 4]
    M = StateMonitor(G, ["x", "z"], record=True)
    run(1000, G, M)
    yield trace("x", M.x.T, result.traces["cells", "x"])
    yield trace("z", M.z.T, result.traces["cells", "z"])


@example
def morris_lecar1981(ours):
    result = ours("morris_lecar1981")
    G = NeuronGroup(11, """dV/dt = (I - 2*msiemens/cm**2*(V + 50*mV) - 4*msiemens/cm**2*m*(V - 100*mV)
                                      - 8*msiemens/cm**2*n*(V + 70*mV))/(20*uF/cm**2) : volt
                           dn/dt = cosh((V + 1*mV)/(29*mV))*(w - n)/(15*ms) : 1
                           m = 0.5*(1 + tanh((V - 10*mV)/(15*mV))) : 1
                           w = 0.5*(1 + tanh((V + 1*mV)/(14.5*mV))) : 1
                           I : amp/meter**2""", method="rk4")
    G.V, G.I = -50 * mV, "i*40e-6*amp/cm**2"
    M = StateMonitor(G, ["V", "n"], record=True)
    run(500, G, M)
    yield trace("V", np.asarray(M.V / mV).T, result.traces["fibres", "V"])
    yield trace("n", M.n.T, result.traces["fibres", "n"])


@example
def wang_buzsaki1996(ours):
    result = ours("wang_buzsaki1996", edits=[("every 0.1 ms", "every 0.01 ms")])
    G = NeuronGroup(1, """dv/dt = (3500*nS*m**3*h*(55*mV - v) + 900*nS*n**4*(-90*mV - v) + 10*nS*(-65*mV - v) + 100*pA)/(100*pF) : volt
                          m = am/(am + bm) : 1
                          am = 1/exprel(-(v + 35*mV)/(10*mV))/ms : Hz
                          bm = 4*exp(-(v + 60*mV)/(18*mV))/ms : Hz
                          dh/dt = 5*(0.07*exp(-(v + 58*mV)/(20*mV))/ms*(1 - h) - 1/(exp(-0.1/mV*(v + 28*mV)) + 1)/ms*h) : 1
                          dn/dt = 5*(0.1/exprel(-(v + 34*mV)/(10*mV))/ms*(1 - n) - 0.125*exp(-(v + 44*mV)/(80*mV))/ms*n) : 1""",
                    method="rk4")
    G.v, G.h = -70 * mV, 1
    M = StateMonitor(G, ["v", "h", "n"], record=True)
    run(200, G, M, dt=0.01)
    for theirs, mine, unit in (("v", "V", mV), ("h", "h", 1), ("n", "n", 1)):
        yield trace(mine, np.asarray(getattr(M, theirs) / unit).T, result.traces["cell", mine])


ADEX = """dv/dt = (gL*(EL - v) + gL*2*mV*exp((clip(v, -1*volt, -40*mV) + 50*mV)/(2*mV)) + I - w)/C : volt
          dw/dt = (a*(v - EL) - w)/tw : amp
          C : farad
          gL : siemens
          EL : volt
          a : siemens
          tw : second
          b : amp
          Vr : volt
          I : amp"""
PATTERNS = dict(C=[200, 200, 130, 200, 200, 100, 100, 100] * pF, gL=[10, 12, 18, 10, 12, 10, 10, 12] * nS,
                EL=[-70, -70, -58, -58, -70, -65, -65, -60] * mV, a=[2, 2, 4, 2, -10, -10, 10, -11] * nS,
                tw=[30, 300, 150, 120, 300, 90, 90, 130] * ms, b=[0, 60, 120, 100, 0, 30, 100, 30] * pA,
                Vr=[-58, -58, -50, -46, -58, -47, -47, -48] * mV, I=[500, 500, 400, 210, 300, 110, 180, 160] * pA)


def patterns(copies=1):
    """The eight cells, `copies` of each side by side, at rest."""
    G = NeuronGroup(8 * copies, ADEX, threshold="v > -40*mV", reset="v = Vr; w += b", method="rk4")
    for name, values in PATTERNS.items():
        setattr(G, name, np.repeat(values, copies))
    G.v = "EL"
    return G


def precise_patterns(steps, change=0.0):
    """V of the eight cells by the same scheme and step in numbers of 64 bits behind the point; all currents are larger by
    the fraction `change`."""
    real = np.longdouble
    units = dict(C=pF, gL=nS, EL=mV, a=nS, tw=ms, b=pA, Vr=mV, I=pA)
    C, gL, EL, a, tw, b, Vr, I = (np.round(np.asarray(PATTERNS[k] / units[k])).astype(real) for k in units)
    I, h = I * (1 + real(change)), real(1) / 100

    def slope(v, w):
        return (gL * (EL - v) + gL * 2 * np.exp((np.minimum(v, real(-40)) + 50) / 2) + I - w) / C, (a * (v - EL) - w) / tw

    v, w, seen = EL, 0 * b, []
    for _ in range(steps):
        seen.append(v)
        v1, w1 = slope(v, w)
        v2, w2 = slope(v + h / 2 * v1, w + h / 2 * w1)
        v3, w3 = slope(v + h / 2 * v2, w + h / 2 * w2)
        v4, w4 = slope(v + h * v3, w + h * w3)
        v, w = v + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4), w + h / 6 * (w1 + 2 * w2 + 2 * w3 + w4)
        v, w = np.where(v > -40, Vr, v), np.where(v > -40, w + b, w)
    return np.array(seen)


@example
def naud2008(ours):
    result = ours("naud2008", edits=[("every 0.1 ms", "every 0.01 ms")])
    mine, mine_w = (result.traces["cells", k] for k in ("V", "w"))
    G = patterns()
    S, M = SpikeMonitor(G), StateMonitor(G, ["v", "w"], record=True)
    run(500, G, S, M, dt=0.01)
    peer, peer_w = np.asarray(M.v / mV).T, np.asarray(M.w / pA).T
    yield same_spikes("patterns", trains(S, 0.01), result.trains("cells"), 0.01)
    yield trace("V of the seven regular patterns", peer[:, :7], mine[:, :7])
    yield trace("w of the seven regular patterns", peer_w[:, :7], mine_w[:, :7])
    yield trace("V of the irregular pattern, first 200 ms", peer[:20000, 7], mine[:20000, 7])
    # The irregular pattern is chaotic: what two programs round differently grows. So Brian2 takes one step from each of our
    # states, in which nothing can grow; and the same scheme, nearly without rounding, tells how far each has come from it.
    n = len(mine) - 1
    G = patterns(n)
    G.v_, G.w_ = mine[:-1].T.ravel() * 1e-3, mine_w[:-1].T.ravel() * 1e-12
    run(0.01, G, dt=0.01)
    yield trace(f"V one step after each of {8 * n} states", np.asarray(G.v / mV).reshape(8, n).T, mine[1:], 1e-12)
    yield trace(f"w one step after each of {8 * n} states", np.asarray(G.w / pA).reshape(8, n).T, mine_w[1:], 1e-12)
    exact, moved = precise_patterns(n + 1), precise_patterns(n + 1, 2.0**-52)
    far = [float(abs(x - exact)[:, 7].max()) for x in (peer, mine, moved)]
    yield ("V of the irregular pattern, from the same scheme in extended precision", f"{far[0]:.1e}",
           f"{far[1]:.1e}; that scheme with I changed by 2^-52 of it: {far[2]:.1e}", far[2] > 1e-5 and max(far[:2]) < 100 * far[2])


@example
def mirollo_strogatz1990(ours):
    result = ours("mirollo_strogatz1990", edits=[("x = random()", "x = i/100")])
    G = NeuronGroup(100, "dv/dt = (1.01 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    G.v = "i/100"
    S = Synapses(G, G, on_pre="v += 0.1/100")
    S.connect(condition="i != j")
    M = SpikeMonitor(G)
    run(1000, G, S, M)
    groups = [len(set(np.round(x, 6))) for x in (M.t[-100:] / ms, result.times["cells"][-100:])]
    yield same("moments in which the last 100 spikes fall", *groups)


@example
def reliability(ours):
    edits = [("param tau = 10 ms", "method = euler_maruyama\n  param tau = 10 ms"), ("refractory 5 ms", "refractory 4.9 ms")]
    mine = [ours("reliability", duration="2 s", seed=k, edits=edits).rate("frozen") for k in range(1, 41)]
    seed(1)
    c = NeuronGroup(40, "du/dt = -u/(5*ms) + sqrt(2/(5*ms))*xi : 1", method="euler")
    G = NeuronGroup(1000, """dx/dt = (0.9 + 0.5*I - x)/(10*ms) + 0.015*sqrt(2/(10*ms))*xi : 1
                             I : 1 (linked)""", threshold="x > 1", reset="x = 0", refractory=5 * ms, method="euler")
    G.I = linked_var(c, "u", index=np.arange(1000)//25)
    M = SpikeMonitor(G)
    run(2000, c, G, M)
    yield mean("rate with frozen noise", np.reshape(M.count, (40, 25)).mean(axis=1)/2, mine)


@example
def spatial_connections(ours):
    G = NeuronGroup(100, """x : meter
                            y : meter""")
    G.x, G.y = "50*um*(i % 10)", "50*um*(i//10)"
    S = Synapses(G, G)
    S.connect(condition="i != j and sqrt((x_pre - x_post)**2 + (y_pre - y_post)**2) < 125*um")
    yield same("synapses", len(S), ours("spatial_connections").synapses)


@example
def clopath2010(ours):
    result = ours("clopath2010")
    G = NeuronGroup(10, """dv/dt = (-70*mV - v)/(10*ms) : volt
                           du_slow/dt = (v - u_slow)/(10*ms) : volt
                           du_fast/dt = (v - u_fast)/(7*ms) : volt""", threshold="v > -50*mV", reset="v = -20*mV", refractory="v > -50*mV",
                    method="exact")
    G.v = G.u_slow = G.u_fast = -70 * mV
    index, times = np.concatenate([np.full(int(2 * f), k) for k, f in enumerate(range(5, 55, 5))]), []
    for f in range(5, 55, 5):
        times += [(n + 0.5) * 1000 / f for n in range(2 * f)]
    P = SpikeGeneratorGroup(10, index, (np.ceil(np.round(np.array(times) / DT, 6)) * DT - DT) * ms)     # a step earlier, as ours are stamped
    S = Synapses(P, G, """w : 1
                          dx/dt = -x/(15*ms) : 1 (event-driven)""",
                 on_pre="w = clip(w - 1.4e-4/mV*clip(u_slow_post + 70.6*mV, 0*mV, inf*mV), 0, 1); x += 1",
                 on_post="w = clip(w + 8e-4/mV*x*clip(u_fast_post + 70.6*mV, 0*mV, inf*mV), 0, 1)")
    T = Synapses(P, G, on_pre="v_post += 30*mV", delay=10 * ms)
    for synapses in (S, T):
        synapses.connect(j="i")
    S.w, S.pre.delay = 0.5, DT * ms
    M, W = StateMonitor(G, ["u_slow", "u_fast"], record=True, dt=1 * ms), StateMonitor(S, "w", record=True, dt=10 * ms)
    run(2000, G, P, S, T, M, W)
    yield trace("u_slow", np.asarray(M.u_slow / mV).T, result.traces["late", "u_slow"])
    yield trace("weights", W.w.T, result.weights["S", "weight"])


@example
def jansen_rit1995(ours):
    result = ours("jansen_rit1995")
    G = NeuronGroup(3, """dy0/dt = z0 : volt
                          dy1/dt = z1 : volt
                          dy2/dt = z2 : volt
                          dz0/dt = 3.25*mV*100*Hz*5*Hz/(1 + exp(0.56/mV*(6*mV - (y1 - y2)))) - 200*Hz*z0 - (100*Hz)**2*y0 : volt/second
                          dz1/dt = 3.25*mV*100*Hz*(120*Hz + 0.8*C*5*Hz/(1 + exp(0.56/mV*(6*mV - C*y0)))) - 200*Hz*z1 - (100*Hz)**2*y1 : volt/second
                          dz2/dt = 22*mV*50*Hz*0.25*C*5*Hz/(1 + exp(0.56/mV*(6*mV - 0.25*C*y0))) - 100*Hz*z2 - (50*Hz)**2*y2 : volt/second
                          C : 1""", method="rk4")
    G.C = [68, 135, 270]
    M = StateMonitor(G, ["y0", "y1", "y2"], record=True, dt=1 * ms)
    run(2000, G, M)
    yield trace("y1 - y2", np.asarray((M.y1 - M.y2) / mV).T, result.traces["columns", "lfp"])


@example
def gap_junctions(ours):
    result = ours("gap_junctions")
    G = NeuronGroup(10, """dv/dt = (1.05 - v + Igap)/(10*ms) : 1
                           Igap : 1""", threshold="v > 1", reset="v = 0", method="exact")
    G.v = "i/10"
    S = Synapses(G, G, "Igap_post = 0.02*(v_pre - v_post) : 1 (summed)")
    S.connect(condition="i != j")
    M, R = StateMonitor(G, "v", record=True), SpikeMonitor(G)
    run(500, G, S, M, R)
    yield same_spikes("raster", trains(R), result.trains("cells"))
    yield trace("v", M.v.T, result.traces["cells", "v"])


@example
def vogels2011(ours):
    """Once with the synapses and starts of one of our runs, and with those that each draws for itself."""
    def network(duration, result=None):
        G = NeuronGroup(2000, """dv/dt = (10*nS*(-60*mV - v) - ge*v + gi*(-80*mV - v) + 200*pA)/(200*pF) : volt (unless refractory)
                                 dge/dt = -ge/(5*ms) : siemens
                                 dgi/dt = -gi/(10*ms) : siemens""", threshold="v > -50*mV", reset="v = -60*mV", refractory=5.1 * ms,
                        method="exponential_euler")     # it counts the spike's own step
        G.v = "-60*mV + rand()*10*mV"
        E, I = G[:1600], G[1600:]
        X, Y = Synapses(E, G, on_pre="ge += 0.3*nS", delay=DT * ms), Synapses(I, I, on_pre="gi += 3*nS", delay=DT * ms)
        Z = Synapses(I, E, """w : 1
                              dx/dt = -x/(20*ms) : 1 (event-driven)
                              dy/dt = -y/(20*ms) : 1 (event-driven)""",
                     on_pre="gi += w*nS; x += 1; w = clip(w + (y - 0.12)*0.1, 0, 100)", on_post="y += 1; w = clip(w + x*0.1, 0, 100)")
        if result:
            G.v = np.concatenate([result.traces[p, "V"][0] for p in "EI"]) * mV
            X.connect(**{k: np.concatenate([pairs(result, "EE")[k], pairs(result, "EI")[k] + 1600*(k == "j")]) for k in "ij"})
            Y.connect(**pairs(result, "II"))
            Z.connect(**pairs(result, "inh"))
        else:
            X.connect(condition="i != j", p=0.1)
            Y.connect(condition="i != j", p=0.1)
            Z.connect(p=0.1)
        Z.pre.delay = DT * ms
        M = SpikeMonitor(G)
        run(duration, G, X, Y, Z, M)
        return M, Z

    late = ("expect rate(E, last = 1 s) in (2 Hz, 6 Hz)", "")     # asked of 10 s
    result = ours("vogels2011", duration="1 s", edits=[late,
        ("connect E -> [E, I].ge :", "connect E -> I.ge : probability(10%) as EI { weight = 0.3 nS }\nconnect E -> E.ge :"),
        ("probability(10%) { weight = 0.3", "probability(10%) as EE { weight = 0.3"), ("{ weight = 3 nS }", "as II { weight = 3 nS }"),
        ("run 10 s", "record V of [E, I] every 1 s\nrecord weight of EE, EI, II at end\nrun 10 s")])
    M, Z = network(1000, result)
    yield same_spikes("one network", trains(M), result.trains("E") + result.trains("I"))
    yield trace("its weights after 1 s, in nS", np.asarray(Z.w), result.weights["inh", "weight"].ravel())

    mine, peer = [ours("vogels2011", duration="2 s", seed=k, edits=[late]).rate("E", 1000) for k in range(1, 5)], []
    for number in range(1, 5):
        seed(number)
        M, _ = network(2000)
        peer.append(((M.t / ms > 1000) & (M.i < 1600)).sum() / 1600)
    yield mean("rate of the excitatory cells in the second second", peer, mine)


def pursuit(copies, dt, driven, starts):
    """So many retinas and eyes of their own; monitors of the positions and the spikes, in this order: eyes, retinas, motors."""
    E = NeuronGroup(copies, f"""dx/dt = velocity : 1
                                dvelocity/dt = (1/(50*ms))**2*(x0 - x) - 1/(50*ms)*velocity : 1/second
                                dx0/dt = -x0/(20*ms) : 1
                                dx_object/dt = (n - x_object)/(500*ms) : 1
                                dn/dt = -n/(500*ms) + {driven} : 1""", method="euler")
    R = NeuronGroup(20*copies, """dv/dt = (4*exp(-((x_object - x_eye - place)/0.1)**2) - (1 + gs)*v)/(20*ms) : 1
                                  gs : 1
                                  place : 1 (constant)
                                  x_object : 1 (linked)
                                  x_eye : 1 (linked)""", threshold="v > 1", reset="v = 0", method="exact")
    R.x_eye, R.x_object = linked_var(E, "x", index=np.arange(20*copies)//20), linked_var(E, "x_object", index=np.arange(20*copies)//20)
    R.place, R.v = "-1.0 + 2.0*(i % 20)/19", starts
    M = NeuronGroup(2*copies, "dv/dt = -v/(20*ms) : 1", threshold="v > 1", reset="v = 0", refractory=5*ms, method="exact")
    T, S = Synapses(M, E, "w : 1", on_pre="x0 += w"), Synapses(R, M, "w : 1 (constant)", on_pre="v += w")
    T.connect(j="i//2")
    S.connect(j="2*(i//20) + int(place_pre > 0)")
    T.w, S.w = "0.5*sign(i % 2 - 0.5)", "20*abs(place_pre)/20"
    E.state_updater.order = 1       # the eye moves when the retina has looked
    S.pre.when = "after_resets"     # a spike that meets one of its motor cell is not lost
    X, spikes = StateMonitor(E, ["x", "x_object"], record=True, dt=1*ms), [SpikeMonitor(R), SpikeMonitor(M)]
    run(2000, E, R, M, T, S, X, *spikes, dt=dt)
    return X, *spikes


@example
def retina_eye(ours):
    """Once with an object that swings and one start for both, once with noise; the eye by Euler's method, as in the paper."""
    euler = [("param tau = 500 ms", "method = euler\n  param tau = 500 ms"), ("param alpha = 1", "method = euler\n  param alpha = 1"),
             ("refractory 5 ms", "refractory 4.9 ms")]
    result = ours("retina_eye", edits=euler + [("sqrt(1/tau)*xi", "3*sin(2*pi*1.5 Hz*t)/tau"), ("v = random()", "v = (i + 0.5)/20")])
    X, R, M = pursuit(1, DT, "3*sin(2*pi*1.5*Hz*t)/(500*ms)", "(i + 0.5)/20")
    yield trace("x of the object that swings", X.x_object.T, result.traces["object", "x"])
    yield same_spikes("retina", trains(R), result.trains("retina"))
    yield same_spikes("motors", trains(M), result.trains("motors"))
    yield trace("x of the eye", X.x.T, result.traces["eye", "x"])

    euler[0] = ("param tau = 500 ms", "method = euler_maruyama\n  param tau = 500 ms")
    results = [ours("retina_eye", seed=k, edits=euler) for k in range(1, 31)]
    seed(1)
    X, R, M = pursuit(30, DT, "(500*ms)**-0.5*xi", "rand()")
    yield mean("sd of the object with noise", X.x_object.std(axis=1), [r.traces["object", "x"].std() for r in results], "")
    yield mean("sd of the eye", X.x.std(axis=1), [r.traces["eye", "x"].std() for r in results], "")
    yield mean("sd of what the eye misses", (X.x_object - X.x).std(axis=1),
               [(r.traces["object", "x"] - r.traces["eye", "x"]).std() for r in results], "")
    yield mean("rate of the motor cells", np.reshape(M.count, (30, 2)).mean(axis=1)/2, [r.rate("motors") for r in results])


@example
def nonlinear_synapses(ours):
    result = ours("nonlinear_synapses")
    P = SpikeGeneratorGroup(2, result.ids["input"], (result.times["input"] - DT) * ms)     # a step earlier, as ours are stamped
    G = NeuronGroup(1, """dv/dt = (g - v)/(10*ms) : 1
                          g : 1""", method="exact")
    S = Synapses(P, G, """dg_syn/dt = -g_syn/(10*ms) + x*(1 - g_syn)/(10*ms) : 1 (clock-driven)
                          g_post = g_syn : 1 (summed)
                          dx/dt = -x/(10*ms) : 1 (clock-driven)
                          w : 1""", on_pre="x += w", method="exponential_euler")
    S.connect()
    S.w = [1, 10]
    M, N = StateMonitor(G, "v", record=True), StateMonitor(S, "g_syn", record=True, dt=1 * ms)
    run(1000, P, G, S, M, N)
    yield trace("g", N.g_syn.T, result.weights["S", "g"])
    yield trace("v", M.v.T, result.traces["target_cell", "v"])


@example
def izhikevich2007(ours):
    result = ours("izhikevich2007", edits=[("event reward", "method = euler\n  event reward")])
    times = np.array([500, 550, 1000, 1010, 1500, 1510, 3500, 3550, 4000, 4010, 4500, 4510])
    P = SpikeGeneratorGroup(2, [0, 1, 0, 1, 1, 0] * 2, times * ms)
    G = NeuronGroup(2, """dv/dt = (ge*(0*mV + 60*mV) - 74*mV - v)/(10*ms) : volt
                          dge/dt = -ge/(5*ms) : 1""", threshold="v > -54*mV", reset="v = -60*mV", method="exact")
    G.v = -60 * mV
    T = Synapses(P, G, on_pre="v += 100*mV")
    T.connect(j="i")
    S = Synapses(G, G, """mode : 1
                          dc/dt = -c/(1000*ms) : 1 (clock-driven)
                          dd/dt = -d/(200*ms) : 1 (clock-driven)
                          ds/dt = mode*c*d/(1*ms) : 1 (clock-driven)
                          dx/dt = -x/(20*ms) : 1 (event-driven)
                          dy/dt = -y/(20*ms) : 1 (event-driven)""",
                 on_pre="ge += s; x += 1e-4; c = clip(c + mode*y, -0.01, 0.01); s = clip(s + (1 - mode)*y, -0.01, 0.01)",
                 on_post="y -= 1.05e-4; c = clip(c + mode*x, -0.01, 0.01); s = clip(s + (1 - mode)*x, -0.01, 0.01)", method="euler")
    S.connect(i=0, j=1)
    S.s = S.c = 1e-10
    D = SpikeGeneratorGroup(1, [0, 0, 0], [3520, 4020, 4520] * ms)
    R = Synapses(D, S, on_pre="d_post += 0.005")
    R.connect()
    M, V = SpikeMonitor(G), StateMonitor(S, ["s", "c", "d"], record=True, dt=10 * ms)
    net = run(3000, P, G, T, S, D, R, M, V)
    S.mode = 1
    net.run(3000 * ms, namespace={})
    yield same_spikes("cells", trains(M), result.trains("cells"))
    for name, what in (("s", "strength"), ("c", "eligibility"), ("d", "dopamine")):
        peer, mine = getattr(V, name).T, result.weights["S", name]
        yield trace(what, peer, mine, 1e-6 * abs(peer).max())


def delay_lines(copies, sigma_ear, sigma):
    """So many pairs of ears that hear one sound, each with its thirty detectors; monitors of the delays, the ears and the detectors."""
    dt, k, late = 0.02, np.arange(50000), 2/3*ms
    turned = np.sin(k*12.9898)*43758.5453
    sound = TimedArray(10*np.sqrt(12)*(turned - np.floor(turned) - 0.5), dt=dt*ms)
    G = NeuronGroup(2*copies, """dx/dt = (sound(t - delay) - x)/(1*ms) + sigma_ear*(2/(1*ms))**.5*xi : 1 (unless refractory)
                                 delay = distance*sin(theta) : second
                                 distance : second
                                 dtheta/dt = 2*pi/second : radian""", threshold="x > 1", reset="x = 0", refractory=2.5*ms, method="euler",
                    namespace={"sound": sound, "sigma_ear": sigma_ear})
    G.distance = np.tile([-0.5, 0.5], copies)*late
    D = NeuronGroup(30*copies, "dv/dt = -v/(1*ms) + sigma*(2/(1*ms))**.5*xi : 1", threshold="v > 1", reset="v = 0", method="euler",
                    namespace={"sigma": sigma})
    S = Synapses(G, D, on_pre="v += 0.5")
    S.connect("i//2 == j//30")
    n = np.asarray(S.j) % 30
    S.delay = np.where(np.asarray(S.i) % 2 == 0, n, 29 - n)/29*1.1*late
    S.pre.when = "after_resets"     # a spike that meets one of its target is not lost
    M, spikes = StateMonitor(G, "delay", record=[0, 1], dt=1*ms), [SpikeMonitor(G), SpikeMonitor(D)]
    run(1000, G, D, S, M, *spikes, dt=dt)
    return M, *spikes


@example
def jeffress1948(ours):
    """Once without noise in the cells, and with it; the sound is the same. Brian2 counts the spike's own step as refractory."""
    edits = [("state v = 0", "method = euler_maruyama\n  state v = 0"), ("state x = 0", "method = euler_maruyama\n  state x = 0"), ("refractory 2.5 ms", "refractory 2.48 ms")]
    result = ours("jeffress1948", edits=edits + [("expect count(detectors) > 100", "")], sigma_ear=0, sigma=0)
    M, E, D = delay_lines(1, 0, 0)
    yield trace("how much later it reaches each ear", np.asarray(M.delay/ms).T, result.traces["ears", "late"])
    yield same_spikes("ears without noise", trains(E, 0.02), result.trains("ears"), 0.02)
    yield same_spikes("detectors without noise", trains(D, 0.02), result.trains("detectors"), 0.02)

    results = [ours("jeffress1948", seed=k, edits=edits) for k in range(1, 21)]
    seed(1)
    M, E, D = delay_lines(20, 0.1, 0.1)
    yield mean("rate of an ear", np.reshape(E.count, (20, 2)).mean(axis=1), [r.rate("ears") for r in results])
    yield mean("rate of a detector", np.reshape(D.count, (20, 30)).mean(axis=1), [r.rate("detectors") for r in results])
    ears = [(np.asarray(D.i) % 30)[(np.asarray(D.i)//30 == k) & (D.t < 500*ms)].mean() for k in range(20)]
    yield mean("mean index of the detectors that fire in the first half", ears,
               [r.ids["detectors"][r.times["detectors"] <= 500].mean() for r in results], "")


def ring(until, weights, copies=1, more=lambda cells: [], extra=(0, 0)):
    """So many rings of Compte et al. for so many ms, with a cue from 500 to 750 ms; monitors of both populations' spikes.
    `weights`: E to E in nS, one for each pair; `more`: what else stimulates the two groups; `extra`: constant currents, in pA."""
    cells, monitors = [], []
    for N, C, gL, refractory in ((512, 500, 25, 2.1), (128, 200, 20, 1.1)):     # Brian2 counts the spike's own step
        cells.append(NeuronGroup(copies*N, """dv/dt = (gL*(-70*mV - v) - (gx + gn/(1 + exp(-0.062*v/mV)/3.57))*v
                                                + gi*(-70*mV - v) + I)/C : volt (unless refractory)
                                       dgx/dt = -gx/(2*ms) : siemens
                                       dgn/dt = -gn/(100*ms) : siemens
                                       dgi/dt = -gi/(10*ms) : siemens
                                       I : amp""", threshold="v > -50*mV", reset="v = -60*mV", refractory=refractory*ms, method="rk4",
                                 namespace={"C": C*pF, "gL": gL*nS}))
        cells[-1].v = -60*mV
        monitors.append(SpikeMonitor(cells[-1]))
    E, I = cells
    saturating = dict(model="w : siemens\nds/dt = -s/(100*ms) : 1 (event-driven)",
                      on_pre="opened = 0.63*(1 - s); gn_post += w*opened; s += opened", delay=DT*ms)
    EE, EI = Synapses(E, E, **saturating), Synapses(E, I, **saturating)
    IE, II = (Synapses(I, G, on_pre=f"gi_post += {g}*nS/128", delay=DT*ms) for G, g in ((E, 684), (I, 524)))
    for S in (EE, EI, IE, II):
        sizes = S.source.N//copies, S.target.N//copies
        S.connect(condition="i//%d == j//%d" % sizes + " and i != j"*(S.source is S.target))
    EE.w, EI.w = weights[EE.i[:] % 512, EE.j[:] % 512]*nS, 598*nS/512
    net = Network(*cells, *monitors, EE, EI, IE, II, *more(cells))
    defaultclock.dt = DT*ms
    for begin, end, cue in ((0, 500, 0), (500, 750, 300), (750, until, 0)):
        E.I, I.I = extra[0]*pA, extra[1]*pA
        E.I += cue*pA*((np.arange(copies*512) % 512 >= 224) & (np.arange(copies*512) % 512 < 288))
        if end > begin:
            net.run((end - begin)*ms, namespace={})
    return monitors


@example
def ring_attractor(ours):
    """Once with constant currents in place of the noise, and with it; all equations by rk4."""
    edits = [("using saturating {\n  weight = 195", "using saturating as EE {\n  weight = 195"), ("param C = 500 pF", "method = rk4\n  param C = 500 pF")]
    noise = "stimulus -> [E, I].gx    : poisson(rate = 1.8 Hz, inputs = 1000) { weight = [3.1 nS, 2.38 nS] }"
    currents = "stimulus -> E.I : drive(490 pA + 40 pA*sin(i))\nstimulus -> I.I : drive(400 pA + 20 pA*sin(i))\nrecord weight of EE at end"
    bump = "expect rate(E[224:288], from = 1 s) in (15 Hz, 80 Hz)"
    result = ours("ring_attractor", edits=edits + [(noise, currents), (bump, "")])
    weights = np.zeros((512, 512))
    weights[result.weights["EE", "source"], result.weights["EE", "target"]] = result.weights["EE", "weight"].ravel()
    E, I = ring(2000, weights, extra=(490 + 40*np.sin(np.arange(512)), 400 + 20*np.sin(np.arange(128))))
    yield same_spikes("E with constant currents", trains(E), result.trains("E"))
    yield same_spikes("I with constant currents", trains(I), result.trains("I"))

    results, copies = [ours("ring_attractor", seed=k, edits=edits) for k in range(1, 31)], 6
    seed(1)
    E, I = ring(2000, weights, copies, more=lambda cells: [PoissonInput(G, "gx", 1000, 1.8*Hz, w*nS) for G, w in zip(cells, (3.1, 2.38))])
    yield mean("rate of I", np.reshape(I.count, (copies, 128)).mean(axis=1)/2, [r.rate("I") for r in results])
    yield mean("rate of E", np.reshape(E.count, (copies, 512)).mean(axis=1)/2, [r.rate("E") for r in results])
    place = np.asarray(E.i)[(E.t > 1000*ms) & (E.i % 512 >= 224) & (E.i % 512 < 288)]//512
    yield mean("rate where the cue was, from 1 s on", np.bincount(place, minlength=copies)/64,
               [((r.times["E"] > 1000) & (r.ids["E"] >= 224) & (r.ids["E"] < 288)).sum()/64 for r in results])


@example
def differences(ours):
    """The rows of docs/differences.md that a run can show."""
    G = NeuronGroup(1, "dv/dt = 1/ms : 1", threshold="v > 0.95", reset="v = -inf", method="euler")
    S = SpikeMonitor(G)
    run(2, G, S)
    result = ours.text("""neuron cell { state v = 0
      dv/dt = 1/[ms]
      spike when v > 0.95 and last_spike < 0 ms }
      population G : 1 of cell
      run 2 ms""")
    yield differ("stamp in ms of a spike found between 0.9 and 1.0", float(round(S.t[0] / ms, 3)), float(result.times["G"][0]), (0.9, 1.0))

    G = NeuronGroup(1, "dv/dt = 100/ms : 1 (unless refractory)", threshold="v > 1", reset="v = 0", refractory=1 * ms, method="euler")
    S = SpikeMonitor(G)
    run(10, G, S)
    result = ours.text("""neuron cell { state v = 0
      dv/dt = 100/[ms] unless refractory
      spike when v > 1 { v = 0; refractory 1 ms } }
      population G : 1 of cell
      run 10 ms""")
    yield differ("interval in ms of a cell that always fires, refractory time 1 ms", float(round((S.t[1] - S.t[0]) / ms, 3)),
                 float(round(result.times["G"][1] - result.times["G"][0], 3)), (1.0, 1.1))

    G = NeuronGroup(10, "v : 1", threshold="False")
    S = Synapses(G, G, on_pre="v += 1")
    S.connect(p=1)
    result = ours.text("""neuron cell { state v = 0
      port v
      spike when v > 1 }
      population G : 10 of cell
      connect G -> G : probability(1) { weight = 1 }
      run 1 ms""")
    run(1, G, S)
    yield differ("synapses of ten cells with probability 1", len(S), result.synapses, (100, 90))

    G = NeuronGroup(2, "dv/dt = 1/ms : 1", threshold="v > 0.95", reset="v = 0", method="euler")
    S = Synapses(G, G, on_pre="v += 0.5")
    S.connect(i=0, j=1)
    M = StateMonitor(G, "v", record=1)
    run(1.2, G, S, M)
    result = ours.text("""neuron cell { state v = 0
      port v
      dv/dt = 1/[ms]
      spike when v > 0.95 { v = 0 } }
      population G : 2 of cell
      connect G -> G : pairs([[0, 1]]) { weight = 0.5, delay = 0 ms }
      record v of G every 0.1 ms
      run 1.2 ms""")
    yield differ("v at 1 ms of a cell that fires then and gets 0.5 without delay from one that does so, too",
                 float(round(M.v[0][10], 6)), float(round(result.traces["G", "v"][10][1], 6)), (0.0, 0.5))

    G = NeuronGroup(1, "v : 1")
    P = SpikeGeneratorGroup(1, [0], [0.5] * ms)
    S = Synapses(P, G, on_pre="v += 1")
    S.connect()
    M = StateMonitor(G, "v", record=0)
    run(1, G, P, S, M)
    result = ours.text("""neuron cell { state v = 0
      port v }
      population P : 1 of spike_list { times = [0.5 ms], indices = [0] }
      population G : 1 of cell
      connect P -> G : one_to_one { weight = 1 }
      record v of G every 0.1 ms
      run 1 ms""")
    yield differ("first frame with the effect of a generated spike of 0.5 ms, delay left out",
                 *(int(np.argmax(np.asarray(x).ravel() > 0)) for x in (M.v, result.traces["G", "v"])), (6, 6))

    P = PoissonGroup(1000, 20000 * Hz)
    S = SpikeMonitor(P)
    run(10, P, S)
    result = ours.text("""population P : 1000 of poisson_source { rate = 20 kHz }
      run 10 ms""")
    most = [int(max(np.unique(np.stack([np.asarray(i), np.round(np.asarray(t) / DT)]), axis=1, return_counts=True)[1]))
            for i, t in ((S.i, S.t / ms), (result.ids["P"], result.times["P"]))]
    yield "most spikes of one Poisson source of 20 kHz in a step", f"{most[0]}", f"{most[1]}", most[0] == 1 and most[1] > 4


if __name__ == "__main__":
    sys.exit(main("brian2", __doc__))
