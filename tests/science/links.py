"""Neurons that read each other: inputs bound to variables of other populations, and synapses that act at every time."""

from math import cos, pi

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
