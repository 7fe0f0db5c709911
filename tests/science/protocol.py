"""The protocol: what `set`, `at`, `every` and `until` do, against closed forms and against models that come to the same without them."""

import math

from bench import check

LEAK = """
neuron leak {
  param tau = 10 ms, E0 = 1 mV
  param k = 2*E0
  state V : mV = 0 mV
  port V
  dV/dt = (k - V)/tau
}
"""


def to(v, end, tau, t):
    return end + (v - end) * math.exp(-t / tau)


@check()
def parameters_set(b):
    """Parameters, what follows them, states of single neurons and measures, against the closed form phase by phase."""
    out = b.text("set", LEAK + """
population P : 3 of leak
population Q : 2000 of leak { V = 1 uV*i }
state shown = 0
record V of P every 10 ms
record V of Q[0:2] every 10 ms
run 10 ms
set P.tau = 20 ms
at 15 ms { P[1].V = 5 mV; shown += 1 }
run 10 ms
set P.E0 = mean(P.V)
set Q[1].V += 3 mV
run 10 ms
set leak.tau = 5 ms
set P[1:3].tau = [2 ms, 4 ms]
set Q[0].V = mean(Q.V) + 1 mV*count(Q[3:7].V)
run 10.1 ms
""")
    frames = out.record("P", "V")
    v = to(0, 2, 10, 10)
    b.near("10 ms", frames[1][0], v, 1e-13)
    w = to(5, 2, 20, 5)
    v = to(v, 2, 20, 10)
    b.near("20 ms, with another time constant", frames[2][0], v, 1e-13)
    b.near("20 ms, of the neuron that was set", frames[2][1], w, 1e-13)
    k = 2 * (2 * v + w) / 3
    v, w, u = to(v, k, 20, 10), to(w, k, 20, 10), to(v, k, 20, 10)
    b.near("30 ms, towards twice the mean", frames[3][0], v, 1e-13)
    v, w, u = to(v, k, 5, 10), to(w, k, 2, 10), to(u, k, 4, 10)
    for i, x in enumerate((v, w, u)):
        b.near(f"40 ms, neuron {i} with its own time constant", frames[4][i], x, 1e-13)
    q = [to(1e-3 * i, 2, 10, 20) for i in range(2000)]
    q[1] += 3
    q = [to(x, 2, 10, 10) for x in q]
    b.near("20 ms: recordings of a time come behind what is set at it", out.record("Q", "V")[2][1], to(1e-3, 2, 10, 20) + 3, 1e-13)
    b.near("40 ms, from the mean of all", out.record("Q", "V")[4][0], to(sum(q) / 2000 + 4, 2, 5, 10), 1e-12)


@check()
def moments_in_time(b):
    """When `at` and `every` act, in which order, and where `until` ends a run."""
    out = b.text("moments", """
neuron clock {
  state n = 0
  state last = 0
  dn/dt = 0/[ms]
  dlast/dt = 0/[ms]
}
population C : 1 of clock
state steps = 0, even : bool = false
record n, last of C every 0.1 ms
every 0.3 ms from 0.1 ms { C.n += 1; steps += 1 }
every 0.2 ms { C.n = 2*C.n; even = not even }
run 1 ms
set C.n = 100
at 1.5 ms {
  let before = mean(C.n)
  if before > 150 { C.last = before } else if before > 100 { C.last = 1 } else { C.last = 2 }
}
every 0.5 ms { C.n += 1000 }
run 10 s until steps >= 7 and even
set C.n = -1
run 0.2 ms
""")
    n, last, even, steps, want, left = 0.0, 0.0, False, 0, [], None
    for k in range(40):
        if left is not None and left == 0:
            break
        if k >= 1 and (k - 1) % 3 == 0:
            n, steps = n + 1, steps + 1
        if k % 2 == 0:
            n, even = 2 * n, not even
        if k == 10:
            n = 100.0
        if k == 15:
            last = n if n > 150 else 1 if n > 100 else 2
        if k >= 10 and k % 5 == 0:
            n += 1000
        if k > 10 and left is None and steps >= 7 and even:
            n, left = -1.0, 2
        want.append((n, last))
        if left is not None:
            left -= 1
    got = list(zip([f[0] for f in out.record("C", "n")], [f[0] for f in out.record("C", "last")]))
    b.same("frames until the end", len(got), len(want))
    b.same("frames that differ from a plain reckoning", sum(x != y for x, y in zip(got, want)), 0)


@check()
def normalised_weights(b):
    """Static and plastic weights that are scaled to a constant sum for each target, and what then arrives."""
    for model, rest in (("static", ""), ("stdp", ", w_max = 20 mV")):
        using = "" if model == "static" else " using stdp"
        out = b.text("normal_" + model, f"""
neuron counter {{ state V : mV = 0 mV
  port V }}
population S : 7 of spike_list {{ times = [5 ms, 25 ms], indices = [2, 3] }}
population C : 5 of counter
connect S -> C : probability(70%){using} as ee {{ weight = uniform(1 mV, 2 mV), delay = 1 ms{rest} }}
connect S -> C : all_to_all as ff {{ weight = 1 mV }}
record weight of ee at end
record weight of ff at end
record V of C every 10 ms
run 20 ms
set ee.weight *= 6 mV/sum(ee.weight, per = target)
set ff.weight = 0.3 mV*count(ee.weight)
run 20 ms
set ff.weight = (0.1 + i)*[mV]
run 10 ms
""")
        w, _ = out.read("/cortexc/synapses/ee/weight")
        ends = list(zip(out.read("/cortexc/synapses/ee/source")[0], out.read("/cortexc/synapses/ee/target")[0]))
        for j in range(5):
            b.near(f"{model}: sum of the weights onto neuron {j}", sum(x for x, (_, t) in zip(w, ends) if t == j), 6, 1e-6)
        frames = out.record("C", "V")
        weight = dict(zip(ends, w))
        for j in range(5):
            b.near(f"{model}: what arrived at neuron {j} behind it", frames[4][j] - frames[2][j], weight.get((3, j), 0) + 0.3 * len(w), 1e-5)
        f, _ = out.read("/cortexc/synapses/ff/weight")
        b.near(f"{model}: weights by source", max(abs(x - 0.1 - k // 5) for k, x in enumerate(f)), 0, 1e-6)


@check()
def weights_by_voltage(b):
    """A block that reads both neurons of static and of plastic synapses sees their values at that time."""
    for model, rest in (("static", ""), ("stdp", ", w_max = 40 mV")):
        out = b.text("voltage_" + model, f"""
population S : 2 of lif {{ V = 3 mV*i }}
population E : 3 of lif {{ V = 5 mV + 1 mV*i }}
stimulus -> E.I : drive(300 pA + 10 pA*i)
connect S -> E : all_to_all using {model} as se {{ weight = 1 mV{rest} }}
every 10 ms {{ se.weight = 1 mV + target.V + source.V }}
record V of S every 10 ms
record V of E every 10 ms
record weight of se every 10 ms
run 40 ms
""")
        w, _ = out.read("/cortexc/synapses/se/weight")
        w = [w[k:k + 6] for k in range(0, len(w), 6)]
        s, e = out.record("S", "V"), out.record("E", "V")
        want = [[1 + s[k][i] + e[k][j] for i in range(2) for j in range(3)] for k in range(4)]
        b.near(f"{model}: largest difference", max(abs(x - y) for a, c in zip(w, want) for x, y in zip(a, c)), 0, 2e-6)
        b.same(f"{model}: frames", len(w), 4)


@check()
def traces_set(b):
    """An event-driven trace whose time constant is set goes on from where it was; homeostasis within a synapse."""
    out = b.text("traces", """
neuron counter { state V : mV = 0 mV
  port V }
synapse fade {
  param tau = 10 ms, half = tau/2
  state weight : port
  state x = 0
  state y = 0
  dx/dt = -x/tau
  dy/dt = -y/half
  on pre { x += 1; y += 1 }
  every 30 ms { weight = 2*weight/mean(weight, per = target)*[mV] }
}
population S : 2 of spike_list { times = [5 ms, 5 ms], indices = [0, 1] }
population C : 3 of counter
connect S -> C : all_to_all using fade as ee { weight = (1 + i + j)*[mV], delay = 1 ms }
record x, y, weight of ee every 10 ms
run 20 ms
set ee.tau = 20 ms
run 30 ms
""")
    x, y = out.read("/cortexc/synapses/ee/x")[0], out.read("/cortexc/synapses/ee/y")[0]
    w = out.read("/cortexc/synapses/ee/weight")[0]
    a, c = math.exp(-14 / 10), math.exp(-14 / 5)
    b.near("x at 10 ms", x[6], math.exp(-0.4), 1e-14)
    b.near("x at 40 ms", x[24], a * math.exp(-20 / 20), 1e-14)
    b.near("y at 40 ms, which follows", y[24], c * math.exp(-20 / 10), 1e-14)
    for k, (first, second) in enumerate(((1, 2), (2, 3), (3, 4))):
        b.near(f"weight onto neuron {k} behind homeostasis at 0 and 30 ms", w[18 + k], 2 * first / ((first + second) / 2), 1e-13)


@check()
def homeostasis(b):
    """The ready-made `homeostatic` keeps the sums of weights that change with every spike, and leaves order in them."""
    out = b.text("homeostasis", """
population S : 100 of poisson_source { rate = 20 Hz }
population E : 10 of lif
connect S -> E : probability(60%) using homeostatic as se { weight = uniform(0.5 mV, 1.5 mV), w_max = 3 mV, w_sum = 40 mV, A_pre = 0.05, A_post = -0.04 }
record weight of se every 100 ms
record weight of se every 100 ms from 99.9 ms
run 2 s
""")
    ends = out.read("/cortexc/synapses/se/target")[0]
    for when, name, low, high in (("behind", "weight", 0, 1e-12), ("before", "weight#2", 0.1, 100)):
        w, (frames, n) = out.read(f"/cortexc/synapses/se/{name}")
        worst = max(abs(sum(x for x, j in zip(w[f * n:(f + 1) * n], ends) if j == t) - 40) for f in range(1, frames) for t in range(10))
        b.holds(f"largest distance of a sum from 40 mV {when} scaling", worst, low, high)
    w, (frames, n) = out.read("/cortexc/synapses/se/weight")
    b.holds("synapses that changed their place in the order of weights", sum(x != y for x, y in zip(sorted(range(n), key=w[:n].__getitem__),
            sorted(range(n), key=w[-n:].__getitem__))), n // 2, n)


@check()
def stimuli_set(b):
    """Gains, values, weights and rates of stimuli and sources that blocks set."""
    out = b.text("stimuli_set", """
neuron probe {
  input I : pA
  state V : mV = 0
  state W : mV = 0
  port V, W, I
  dV/dt = 0 mV/ms
  dW/dt = 0 mV/ms
}
population p : 2000 of probe
population s : 500 of poisson_source { rate = 10 Hz }
connect s -> p.W : all_to_all { weight = 1 mV }
stimulus -> p.I : drive(2 pA) as pulse
stimulus -> p.V : poisson(rate = 10 Hz, inputs = 10) as noise { weight = 1 mV }
record I of p[0] every 0.1 ms
record V, W of p every 100 ms
run 100 ms
set pulse.gain += 1
set noise.rate = 40 Hz
set s.rate *= 3
run 100 ms
set pulse.value = 5 pA
set noise.weight = 3 mV
set noise.inputs = 5
run 100 ms
at 350 ms { if count(s, last = 100 ms) > 0 { noise.gain = 0; s.rate = 0 Hz } }
run 200.1 ms
""")
    i = [frame[0] for frame in out.record("p", "I")]
    for k, want in ((999, 2), (1000, 4), (1999, 4), (2000, 10), (3000, 10)):
        b.same(f"current in step {k}, pA", i[k], want)
    v = [sum(f) / len(f) for f in out.record("p", "V")]
    w = [f[0] for f in out.record("p", "W")]
    for name, x, want in (("1 input of 10 x 10 Hz", v[1], 10), ("of 10 x 40 Hz", v[2] - v[1], 40), ("of 5 x 40 Hz, three times as strong", v[3] - v[2], 60),
                          ("of the same, half of the time", v[4] - v[3], 30), ("of none", v[5] - v[4], 0)):
        b.near(f"mean sum {name}, mV", x, want, 4 * 3 * math.sqrt(max(want, 0) / 2000))
    for name, x, want in (("10 Hz", w[1], 500), ("30 Hz", w[2] - w[1], 1500), ("30 Hz, half of the time", w[4] - w[3], 750), ("0 Hz", w[5] - w[4], 0)):
        b.near(f"events of 500 sources with {name}", x, want, 4 * math.sqrt(want))
@check()
def presented_until(b):
    """Examples are shown again until they have made enough spikes, as in Diehl & Cook 2015; rates are counted without a miss."""
    out = b.text("until", """
population E : 40 of lif
stimulus -> E : poisson(rate = 100 Hz, inputs = 10) as image { weight = 1.2 mV }
state shown = 0, tries = 0, seen = 0
record shown, tries, seen, image.gain every 50 ms
record tries, image.gain at [200 ms, 0 ms, 150.1 ms, 100 s]
record V of E[0] every 0.1 ms
every 50 ms from 50 ms {
  seen = count(E, last = 50 ms)
  tries += 1
  if count(E, last = 50 ms) < 20 { image.gain += 0.1 } else { shown += 1; image.gain = 1 }
}
run 10 s until shown == 8
""")
    duration = len(out.record("E", "V"))
    trains = [[round(t / 0.1) for t in train] for train in out.trains("E", 40)]
    gain = out.read("/cortexc/network/image.gain")[0]
    tries = out.read("/cortexc/network/tries")[0]
    for name, want in (("tries#2", [tries[0], tries[3], tries[4]]), ("image.gain#2", [gain[0], gain[3], gain[4]])):
        got = out.read(f"/cortexc/network/{name}")[0]
        b.same(f"values of {name} at given times that differ from the frames", sum(x != y for x, y in zip(got, want)) + abs(len(got) - 3), 0)
    times = out.read("/cortexc/record_times/network/tries#2")[0]
    b.same("times that are not those asked for", sum(x != y for x, y in zip(times, [0.0, 150.1, 200.0])) + abs(len(times) - 3), 0)
    seen = out.read("/cortexc/network/seen")[0]
    shown = out.read("/cortexc/network/shown")[0]
    b.same("frames of the network", len(seen), duration // 500)
    spikes = [sum(1 for train in trains for t in train if 500 * (k - 1) < t <= 500 * k) for k in range(len(seen))]
    b.same("counts that differ from the spikes", sum(x != y for x, y in zip(spikes[1:], seen[1:])), 0)
    good, g, wrong = 0, 1.0, 0
    for k in range(1, len(seen)):
        if spikes[k] < 20:
            g += 0.1
        else:
            good, g = good + 1, 1.0
        wrong += gain[k] != g or shown[k] != good
    b.same("gains and counts that differ from a plain reckoning", wrong, 0)
    last = sum(1 for train in trains for t in train if duration - 500 < t <= duration)
    b.same("the run ends with the eighth example", int(good == 7 and last >= 20), 1)
