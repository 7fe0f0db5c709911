"""Neurons that read each other: inputs bound to variables of other populations, and synapses that act at every time."""

import struct
from math import cos, exp

from bench import check


@check()
def linked(b):
    """A bound input is the recorded variable of the other population at the same time, to the bit."""
    out = b.text("linked", """
neuron osc {
  param amp = 1 mV
  state V : mV = amp*i
  input back : mV/ms
  port V
  twice = 2*V + 1 mV
  dV/dt = amp*cos(2*pi*50 Hz*t)*(1 kHz) - V/(5 ms) + back
  spike when V > 9 mV { V = 0 mV }
}
neuron reader {
  input a : mV, b : mV, c : mV, d : mV
  state x : mV = 0 mV
  dx/dt = (a + b + c + d - x)/(3 ms)
}
population E : 40 of osc { amp = 1 mV + 0.1 mV*i, back = -R[mod(i, 7)].x*(100 Hz) }
population one : 1 of osc
population R : 40 of reader { a = E.V, b = E[3].twice, c = one.V, d = E[floor(20 + 19*cos(t*(1 kHz)))].V }
population noise : 5 of poisson_source { rate = 500 Hz }
connect noise -> E : probability(50%) { weight = 0.7 mV }
record V, back of E every 0.1 ms
record V of one every 0.1 ms
record x, a, b, c, d of R every 0.1 ms
run 100 ms
""")
    V, back, x, one = out.record("E", "V"), out.record("E", "back"), out.record("R", "x"), out.record("one", "V")
    a, twice, c, d = (out.record("R", name) for name in "abcd")
    wrong = {"same number": 0, "named expression": 0, "single neuron": 0, "computed number": 0, "back": 0}
    for n in range(1000):
        t = float(f"{n/10:.1f}")
        chosen = int(20 + 19 * cos(t) // 1)
        wrong["same number"] += a[n] != V[n]
        wrong["named expression"] += twice[n] != [2 * V[n][3] + 1] * 40
        wrong["single neuron"] += c[n] != one[n] * 40
        wrong["computed number"] += d[n] != [V[n][chosen]] * 40
        wrong["back"] += back[n] != [-x[n][i % 7] * 0.1 for i in range(40)]
    for what, count in wrong.items():
        b.same(f"{what}: frames that differ, of 1000", count, 0)
    b.holds("spikes", len(out.spikes("E")[0]), 50, 1e9)


@check()
def links_outside(b):
    """A number of a neuron that is computed is tested in every step; an untaken branch does not count."""
    cell = "neuron cell { input a : mV\n state V : mV = 1 mV\n dV/dt = (a - V)/(10 ms) }\npopulation E : 4 of cell\n"
    for what, value, complaint in (
            ("above the last neuron from 1 ms on", "E[3 + step(t - 1 ms)].V", "reads neuron 4 of E, which has 4, at 1 ms"),
            ("below the first neuron", "E[i - 1].V", "neuron 0 of R reads neuron -1 of E, which has 4, at 0 ms"),
            ("no number", "E[0*log(0*t/[ms])].V", "reads neuron"),
            ("inside", "E[mod(7*i, 4)].V", ""),
            ("outside in a branch that is not taken", "if i > 3 then 0 mV else E[i + 0*t/[ms]].V", "")):
        said = ""
        try:
            b.text("outside", cell + f"population R : 9 of cell {{ a = {value} }}\nrun 2 ms\n")
        except RuntimeError as problem:
            said = str(problem)
        good = complaint in said and ".cortex:5:" in said if complaint else not said
        b.same(what + (" is found, with its place" if complaint else " is no mistake"), int(good), 1)


PASSIVE = """
neuron passive {
  param C = 200 pF, gL = 10 nS, EL = -70 mV
  state V : mV = EL
  input I : pA
  port I
  dV/dt = (gL*(EL - V) + I)/C
}
"""


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def recorded(out, projection, variable):
    """Frames of a variable of synapses, in the order (source, target, multiplicity)."""
    values, shape = out.read(f"/cortexc/synapses/{projection}/{variable}")
    return [values[k * shape[1]:(k + 1) * shape[1]] for k in range(shape[0])]


def frames(out, population, variable, neuron=0):
    return [frame[neuron] for frame in out.record(population, variable)]


@check()
def gap_pair(b):
    """Two passive cells with a gap junction: the mean decays with C/gL, the difference with C/(gL + 2g)."""
    g, leak, tau = 2.0, 10.0, 20.0
    errors = []
    for dt in (0.1, 0.05, 0.025):
        out = b.text("gap_pair", PASSIVE + f"""
population A : 1 of passive {{ V = -50 mV }}
population B : 1 of passive
connect A -> B.I : all_to_all using gap {{ g = 2 nS }}
connect B -> A.I : all_to_all using gap {{ g = 2 nS }}
record V, I of A every {dt} ms
record V, I of B every {dt} ms
simulation {{ dt = {dt} ms }}
run 60 ms
""")
        u, v = frames(out, "A", "V"), frames(out, "B", "V")
        decay = exp(-dt / tau)
        held = [20 * (decay - 2 * g / leak * (1 - decay)) ** n for n in range(len(u))]  # the coupling is held over a step
        mean = max(abs(x + y + 140 - 20 * decay ** n) for n, (x, y) in enumerate(zip(u, v)))
        difference = max(abs(x - y - d) for x, y, d in zip(u, v, held))
        b.holds(f"dt {dt} ms: mean, largest error in mV", mean, 0, 1e-9)
        b.holds(f"dt {dt} ms: difference with the coupling held, in mV", difference, 0, 1e-9)
        errors.append(max(abs(x - y - 20 * exp(-n * dt * (leak + 2 * g) / 200)) for n, (x, y) in enumerate(zip(u, v))))
        b.same(f"dt {dt} ms: steps in which the currents do not cancel",
               sum(x + y != 0 for x, y in zip(frames(out, "A", "I"), frames(out, "B", "I"))), 0)
    b.near("error against the closed form, over that of half the step", errors[0] / errors[1], 2, 0.05)
    b.near("and again", errors[1] / errors[2], 2, 0.05)


@check()
def gap_network(b):
    """A net of gap junctions: currents add up in the order of the synapses, and all of them to nothing."""
    out = b.text("gap_network", PASSIVE + """
population E : 40 of passive { V = -70 mV + 0.5 mV*mod(7*i, 40), I = 1 pA*i }
connect E -> E.I : where(mod(i + j, 3) == 0 or abs(i - j) == 7) using gap as ee { g = 0.1 nS*(1 + mod(i + j, 5)) }
record V, I of E every 0.1 ms
run 20 ms
""")
    V, current = out.record("E", "V"), out.record("E", "I")
    wrong, leak = 0, 0.0
    for n, (v, got) in enumerate(zip(V, current)):
        flow = [float(j) for j in range(40)]
        for i in range(40):
            for j in range(40):
                if i != j and ((i + j) % 3 == 0 or abs(i - j) == 7):
                    flow[j] += 0.1 * (1 + (i + j) % 5) * (v[i] - v[j])
        wrong += flow != got
        leak = max(leak, abs(sum(got) - sum(range(40))))
    b.same("frames of 200 in which a current differs in any bit", wrong, 0)
    b.holds("sum of all junctions' currents, pA", leak, 0, 1e-10)


@check()
def order_of_currents(b):
    """Where pairs have several synapses with delays of their own, currents are added by source, target, multiplicity."""
    out = b.text("order", PASSIVE + """
synapse leaky { param q : pA
  state s = 1
  on pre { s += 1 }
  every step { port += q*s } }
population S : 3 of regular_source { rate = 100 Hz }
population A : 5 of passive
connect S -> A.I : indegree(40) using leaky as sa { q = normal(1 pA, 1 pA), delay = uniform(0.1 ms, 30 ms) }
record I of A every 0.1 ms
record q, s of sa every 0.1 ms
run 60 ms
""")
    current, weight, s = out.record("A", "I"), recorded(out, "sa", "q"), recorded(out, "sa", "s")
    target = out.read("/cortexc/synapses/sa/target")[0]
    wrong, other = 0, 0
    for got, w, x in zip(current, weight, s):
        flow, back = [0.0] * 5, [0.0] * 5
        for k in range(200):
            flow[target[k]] += w[k] * x[k]
            back[target[-1 - k]] += w[-1 - k] * x[-1 - k]
        wrong += flow != got
        other += back != got
    b.same("frames of 600 in which a current differs in any bit", wrong, 0)
    b.holds("frames that another order would change", other, 300, 600)


@check()
def each_step(b):
    """Equations `each step`, worked out anew from the recorded voltages and spikes: graded release, NMDA, traces."""
    out = b.text("each_step", PASSIVE.replace("port I", "port I\n  spike when V > -55 mV { V = EL }") + """
synapse graded {
  param g = 2 nS
  state s = 0
  ds/dt = (1 - s)*0.5/(1 + exp(-(source.V + 62 mV)/(2 mV)))/(1 ms) - s/(8 ms) each step
  every step { port += g*s*(0 mV - target.V) }
}
synapse nmda {
  param weight : nS
  state x = 0
  state s = 0
  state trace : mV = -70 mV
  dx/dt = -x/(2 ms)
  ds/dt = 0.4*x*(1 - s)/(1 ms) - s/(60 ms) each step
  dtrace/dt = (target.V - trace)/(10 ms) each step
  on pre { x += 1 }
  every step { port += weight*s*(0 mV - target.V)/(1 + exp(-0.062*target.V/[mV])/3.57) }
}
population A : 5 of passive { I = 140 pA + 10 pA*i }
population B : 4 of passive
population S : 6 of poisson_source { rate = 60 Hz }
connect A -> B.I : all_to_all using graded as ab
connect S -> B.I : all_to_all using nmda as sb { weight = 0.3 nS*(1 + i), delay = 0.1 ms*(1 + mod(i + 2*j, 4)) }
record V of A every 0.1 ms
record V, I of B every 0.1 ms
record s of ab every 0.1 ms
record x, s, trace of sb every 0.1 ms
run 200 ms
""")
    u, v, current = out.record("A", "V"), out.record("B", "V"), out.record("B", "I")
    arrivals = [[] for _ in range(24)]
    for t, i in zip(*out.spikes("S")):
        for j in range(4):
            arrivals[4 * i + j].append(round(10 * t) + 1 + (i + 2 * j) % 4)
    s, x, gate, trace = [0.0] * 20, [(0.0, 0)] * 24, [0.0] * 24, [-70.0] * 24
    off = {"graded s": 0.0, "x": 0.0, "NMDA s": 0.0, "trace": 0.0, "current": 0.0}

    def decayed(pair, n):
        return pair[0] * exp(-(n - pair[1]) * 0.1 / 2)

    def relaxed(value, a, rest, h=0.1):
        return rest + (value - rest) * exp(a * h)

    got_s, got_x, got_gate, got_trace = (recorded(out, *of) for of in (("ab", "s"), ("sb", "x"), ("sb", "s"), ("sb", "trace")))
    for n in range(2000):
        for k in range(24):
            for _ in range(arrivals[k].count(n)):
                x[k] = (decayed(x[k], n) + 1, n)
        now = [decayed(pair, n) for pair in x]
        flow = [0.0] * 4
        for k in range(20):
            flow[k % 4] += 2 * s[k] * (0 - v[n][k % 4])
        for k in range(24):
            w = v[n][k % 4]
            flow[k % 4] += single(0.3 * (1 + k // 4)) * gate[k] * (0 - w) / (1 + exp(-0.062 * w) / 3.57)
        for what, mine, its in (("graded s", s, got_s[n]), ("x", now, got_x[n]), ("NMDA s", gate, got_gate[n]),
                                ("trace", trace, got_trace[n]), ("current", flow, current[n])):
            off[what] = max(off[what], max(abs(p - q) for p, q in zip(mine, its)))
        for k in range(20):
            rise = 0.5 / (1 + exp(-(u[n][k // 4] + 62) / 2))
            s[k] = relaxed(s[k], -(rise + 1 / 8), rise / (rise + 1 / 8))
        for k in range(24):
            rise = 0.4 * now[k]
            gate[k] = relaxed(gate[k], -(rise + 1 / 60), rise / (rise + 1 / 60))
            trace[k] = relaxed(trace[k], -0.1, v[n][k % 4])
    for what, error in off.items():
        b.holds(f"{what}, largest error", error, 0, 1e-9)
    b.holds("spikes of cells that couple", len(out.spikes("A")[0]), 3, 1e9)
    b.holds("arrivals", sum(map(len, arrivals)), 50, 1e9)


@check()
def synapse_not_finite(b):
    """A state of a synapse that grows without bound ends the run, with the synapse and the time."""
    said = ""
    try:
        b.text("blow_up", PASSIVE + """
synapse bomb { param a = 0
  state s = 1
  ds/dt = a*s*s/(1 ms) each step
  every step { port += s*(1 pA) } }
population A : 3 of passive
connect A -> A.I : all_to_all using bomb as ab { a = if i == 2 and j == 1 then 1 else 0 }
record V of A every 0.1 ms
run 10 ms
""")
    except RuntimeError as problem:
        said = str(problem)
    b.same("the message names synapse 2 -> 1 of ab", int("s of synapse 2 -> 1 of ab is not finite at" in said), 1)
