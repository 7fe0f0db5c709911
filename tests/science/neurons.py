"""One neuron, without noise: closed forms and independent integrations."""

import math
from decimal import Decimal

import closed
from bench import check


@check()
def formulas(b):
    """The closed forms reproduce the published digits."""
    b.near("first passage, ms", closed.lif_passage(40, 0, 15, 10), 4.7000362925, 1e-10, 12)
    b.near("Siegert, Hz", closed.siegert(15, math.sqrt(1.5), 0, 15, 10, 2), 27.1095934379, 1e-9, 12)
    for g, eta, rate in ((5, 2, 37.95), (6, 4, 55.84), (4.5, 0.9, 6.52)):
        b.near(f"Brunel theory g {g} eta {eta}, Hz", closed.brunel_stationary(g, eta), rate, 0.005, 6)


@check()
def first_passage(b):
    """Threshold is reached at the first step past 4.7000362925 ms, along the exact curve, at any dt."""
    for dt in ("0.001", "0.01", "0.1", "0.37", "1"):
        h = Decimal(dt)
        out = b.small("first_passage", edits=[("0.001 ms", f"{dt} ms"), ("run 8 ms", f"run {8 // h * h} ms")])
        steps = math.floor(closed.lif_passage(40, 0, 15, 10) / float(h)) + 1
        times, _ = out.spikes("cell")
        b.near(f"dt {dt} ms: first passage, ms", times[0] if times else math.inf, float(steps * h), 0, 10)
        trace = out.record("cell", "V")
        error = max(abs(trace[k][0] / (-40 * math.expm1(-k * float(h) / 10)) - 1) for k in range(1, steps))
        b.holds(f"dt {dt} ms: relative error of V", error, 0, 1e-12)


@check()
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
    b.same("trains that differ from the closed form", wrong, 0)
    b.holds("largest distance to the continuous ISI, ms", worst, 0, 0.1)


@check()
def fi_curve(b):
    """Rate against current of the LIF neuron: 1/(t_ref + tau log((mu - Vr)/(mu - theta))), late by less than a step."""
    dt = 0.01
    out = b.text("fi_curve", f"""
population cells : 60 of lif
stimulus -> cells.I : drive(201 pA * 1.04^i)
simulation {{ dt = {dt} ms }}
run 1 s
""")
    late, relative = [], []
    for i, train in enumerate(out.trains("cells", 60)):
        interval = (train[-1] - train[0]) / (len(train) - 1)
        exact = 1000 / closed.lif_rate(0.1 * 201 * 1.04 ** i, 0, 20, 20, 2)
        late.append(interval - exact)
        relative.append(abs(exact / interval - 1))
    b.holds("interval minus closed form: smallest, ms", min(late), 0, dt)
    b.holds("interval minus closed form: largest, ms", max(late), 0, dt)
    b.holds("largest relative error of the rate", max(relative), 0, 0.005)


CURRENTS = (("exp_fast", closed.psp_exponential, 100.0, 0.5), ("exp_near", closed.psp_exponential, 100.0, 10.001),
            ("exp_same", closed.psp_exponential, 100.0, 10.0), ("alpha_fast", closed.psp_alpha, 100.0, 2.0),
            ("alpha_near", closed.psp_alpha, 100.0, 10.001), ("alpha_same", closed.psp_alpha, 100.0, 10.0),
            ("inhibited", closed.psp_exponential, -400.0, 2.0))


@check()
def psp_shapes(b):
    """Potentials of exponential and alpha currents, also with tau_s = tau_m and nearly so, pointwise, at any dt."""
    for dt, delay in (("0.01", 100), ("0.1", 10), ("0.37", 3), ("1", 1)):
        h = Decimal(dt)
        out = b.small("psp", edits=[("0.1 ms", f"{dt} ms"), ("delay = 1 ms", f"delay = {delay * h} ms"),
                                    ("run 60 ms", f"run {60 // h * h} ms")])
        arrival = 1 + delay
        for name, form, weight, tau_s in CURRENTS:
            trace = [frame[0] for frame in out.record(name, "V")]
            late = range(arrival + 1, len(trace), max(1, len(trace) // 400))
            error = max(abs(trace[k] / form((k - arrival) * h, weight, 250.0, 10.0, tau_s) - 1) for k in late)
            early = max(abs(x) for x in trace[:arrival + 1])
            b.holds(f"{name}, dt {dt} ms: relative error", error + early, 0, 1e-12)


@check()
def conductance(b):
    """A constant conductance: the exponential approach to the weighted reversal potential."""
    trace = b.small("conductance").record("cell", "V")
    rest = (10 * -60 + 30 * 0) / 40
    error = max(abs(frame[0] - (rest + (-60 - rest) * math.exp(-0.1 * k / 5))) for k, frame in enumerate(trace))
    b.holds("largest error of V, mV", error, 0, 1e-4)


@check()
def rest_gates(b):
    """Gates of the Hodgkin-Huxley neurons start at their steady state, and the squid axon stays there."""
    out = b.text("rest", """
population squid : 1 of hh_squid
population traub : 1 of hh_traub_miles
record V, m, h, n of squid every 0.1 ms
record m, h, n of traub every 0.1 ms
simulation { dt = 0.1 ms }
run 100 ms
""")
    published = (0.0529324852572, 0.596120753508, 0.317676914061)
    for name, exact, (alpha, beta) in zip("mhn", published, closed.squid_rates(-65.0)):
        b.near(f"squid {name}", out.record("squid", name)[0][0], exact, 1e-12, 13)
        b.near(f"squid {name} over its closed form", out.record("squid", name)[0][0] * (alpha + beta) / alpha, 1, 1e-12, 13)
    for name, (alpha, beta) in zip("mhn", closed.traub_rates(-60.0)):
        b.near(f"traub_miles {name} over its closed form", out.record("traub", name)[0][0] * (alpha + beta) / alpha, 1, 1e-12, 13)
    b.near("squid V after 100 ms, mV", out.record("squid", "V")[-1][0], -65, 0.01, 8)


@check()
def library(b):
    """Shipped neurons with constant currents against an independent integration of the published equations."""
    out = b.small("library")
    for name, cell in (("adex_cell", closed.adex(500)), ("eif_cell", closed.eif(100)),
                       ("izhikevich_cell", closed.izhikevich(10)), ("squid_rk4", closed.hh_squid(1000)),
                       ("traub_rk4", closed.hh_traub_miles(300))):
        expected, (times, _) = closed.spikes_of(cell, 180, 0.01), out.spikes(name)
        b.same(f"{name}: spikes", len(times), len(expected))
        b.holds(f"{name}: largest difference of times, ms", max(abs(s - t) for s, t in zip(times, expected)), 0, 0.0101)
    for name, fine in (("squid_cell", "squid_rk4"), ("traub_cell", "traub_rk4")):
        # the integrator of their own choice is of first order
        coarse, (fine, _) = out.spikes(name)[0], out.spikes(fine)
        k = min(len(coarse), len(fine)) - 1
        b.near(f"{name}: spikes, exponential Euler", len(coarse), len(fine), 1)
        b.near(f"{name}: spike {k + 1}, ms", coarse[k], fine[k], 0.01 * fine[k])


def doublets(train):
    """Intervals of a train and whether they grow."""
    gaps = [y - x for x, y in zip(train, train[1:])]
    return gaps, all(y >= x - 0.02 for x, y in zip(gaps, gaps[1:]))


@check()
def characters(b):
    """Each shipped neuron fires as its page says: rheobase, adaptation, bursts, onset of firing."""
    out = b.text("characters", """
population lif_below : 1 of lif ; population lif_above : 1 of lif
population exp_below : 1 of lif_exp ; population exp_above : 1 of lif_exp
population alpha_below : 1 of lif_alpha ; population alpha_above : 1 of lif_alpha
population cond_below : 1 of lif_cond ; population cond_above : 1 of lif_cond
population eif_below : 1 of eif ; population eif_above : 1 of eif
population adex_below : 1 of adex ; population adex_above : 1 of adex ; population adex_500 : 1 of adex
population izh_below : 1 of izhikevich ; population izh_above : 1 of izhikevich
population regular : 1 of izhikevich
population fast : 1 of izhikevich { a = 0.1/[ms], d = 2 mV/ms }
population chattering : 1 of izhikevich { c = -50 mV, d = 2 mV/ms }
population bursting : 1 of izhikevich { c = -55 mV, d = 4 mV/ms }
population squid_below : 1 of hh_squid ; population squid_above : 1 of hh_squid
population traub_0 : 1 of hh_traub_miles ; population traub_low : 1 of hh_traub_miles { EL = -65 mV }
population low_threshold : 1 of izhikevich { b = 0.25/[ms], d = 2 mV/ms, V = -64.4 mV }
population traub_100 : 1 of hh_traub_miles
stimulus -> lif_below.I : drive(199 pA)
stimulus -> lif_above.I : drive(201 pA)
stimulus -> [exp_below, alpha_below].I : drive(374 pA)
stimulus -> [exp_above, alpha_above].I : drive(376 pA)
stimulus -> cond_below.I : drive(99 pA)
stimulus -> cond_above.I : drive(101 pA)
stimulus -> eif_below.I : drive(32 pA)
stimulus -> eif_above.I : drive(33 pA)
stimulus -> adex_below.I : drive(179 pA)
stimulus -> adex_above.I : drive(181 pA)
stimulus -> adex_500.I : drive(500 pA)
stimulus -> izh_below.I : drive(3.7 pA)
stimulus -> izh_above.I : drive(3.9 pA)
stimulus -> [regular, fast, chattering, bursting].I : drive(10 pA)
stimulus -> squid_below.I : drive(600 pA)
stimulus -> squid_above.I : drive(660 pA)
stimulus -> traub_100.I : drive(100 pA)
simulation { dt = 0.02 ms }
run 1 s
""")
    train = lambda name: out.trains(name, 1)[0]
    for name in ("lif", "exp", "alpha", "cond", "eif", "adex", "izh"):
        b.same(f"{name}: spikes below the rheobase", len([t for t in train(name + "_below") if t > 100]), 0)
        b.holds(f"{name}: spikes above it", len(train(name + "_above")), 1, 100)
    b.holds("squid: spikes at 600 pA after the first 200 ms", len([t for t in train("squid_below") if t > 200]), 0, 0)
    b.holds("squid: rate at 660 pA, Hz", len([t for t in train("squid_above") if t > 200]) / 0.8, 50, 75)
    b.near("traub_miles: spikes in 1 s without input", len(train("traub_0")), 14, 1)
    b.same("traub_miles with EL -65 mV: spikes", len(train("traub_low")), 0)
    b.same("low-threshold spiking: spikes without input", len(train("low_threshold")), 0)
    b.near("traub_miles: spikes in 1 s at 100 pA", len(train("traub_100")), 32, 1)
    gaps, grow = doublets(train("adex_500"))
    b.same("adex: intervals grow", grow, True)
    b.holds("adex: last interval over first", gaps[-1] / gaps[0], 2, 10)
    gaps, grow = doublets(train("regular"))
    b.holds("regular spiking: last interval over first", gaps[-1] / gaps[0], 1.2, 10)
    b.holds("fast spiking: rate over regular", len(train("fast")) / len(train("regular")), 3, 10)
    gaps, _ = doublets(train("chattering"))
    b.holds("chattering: long over short intervals", max(gaps[5:]) / min(gaps[5:]), 5, 50)
    gaps, _ = doublets(train("bursting"))
    b.holds("intrinsically bursting: later interval over first", gaps[-1] / gaps[0], 5, 50)
