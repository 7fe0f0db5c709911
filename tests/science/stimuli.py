"""Stimuli and sources: given currents to the bit of their formulas, random ones by their laws, given spikes one by one."""

import math

from bench import check, mean, variance

PROBE = """
neuron probe {
  input I : pA
  state V : mV = 0
  port V, I
  dV/dt = 0 mV/ms
}
"""


@check()
def given_currents(b):
    """Each current with a formula, step by step, also where it changes."""
    kinds = {
        "step(times = [1 ms, 2 ms], values = [3 pA, -1 pA])": lambda n, t: 0 if n < 10 else 3 if n < 20 else -1,
        "step(3*0.1 ms, 5 pA)": lambda n, t: 5 if n >= 3 else 0,
        "ramp(1 pA, 5 pA, start = 1 ms, stop = 3 ms)": lambda n, t: 0 if n < 10 else 1 + 2 * (t - 1) if n < 30 else 5,
        "sine(2 pA, 300 Hz, phase = 1, offset = 1 pA)": lambda n, t: 1 + 2 * math.sin(2 * math.pi * 0.3 * t + 1),
        "pulse_train(4 pA, width = 0.2 ms, period = 0.7 ms, start = 0.3 ms)": lambda n, t: 4 if n >= 3 and (n - 3) % 7 < 2 else 0,
        "table([1 ms, 2 ms, 4 ms], [1 pA, 3 pA, 0 pA])":
            lambda n, t: 1 if n < 10 else 1 + 2 * (t - 1) if n < 20 else 3 - 1.5 * (t - 2) if n < 40 else 0,
    }
    for kind, formula in kinds.items():
        out = b.text("current", PROBE + f"""
population p : 2 of probe
stimulus -> p.I : {kind} {{ start = 0.2 ms, stop = 4.8 ms, gain = 2 }}
record I of p every 0.1 ms
run 5 ms
""")
        got = [frame[1] for frame in out.record("p", "I")]
        want = [2 * formula(n, n / 10) if 2 <= n < 48 else 0 for n in range(50)]
        b.near(f"{kind}: largest error, pA", max(abs(x - y) for x, y in zip(got, want)), 0, 1e-12)


@check()
def random_currents(b):
    """`ou` has its stationary law from the first step at any dt; `noise` is new in every step; both differ between neurons."""
    n = 4000
    for dt in (0.1, 0.5):
        out = b.text("random", PROBE + f"""
population a : {n} of probe
population b : {n} of probe
stimulus -> a.I : ou(mean = 100 pA, sigma = 30 pA, tau = 5 ms)
stimulus -> b.I : noise(mean = 100 pA, sd = 30 pA)
record I of [a, b] every 2.5 ms
simulation {{ dt = {dt} ms }}
run 51 ms
""")
        for pop, rho in (("a", math.exp(-0.5)), ("b", 0)):
            frames = out.record(pop, "I")
            for k in (0, 20):
                b.near(f"dt {dt} ms, {pop}, frame {k}: mean", mean(frames[k]), 100, 4 * 30 / math.sqrt(n))
                b.near(f"dt {dt} ms, {pop}, frame {k}: standard deviation", math.sqrt(variance(frames[k])), 30, 4 * 30 / math.sqrt(2 * n))
            both = mean([(x - 100) * (y - 100) / 900 for x, y in zip(frames[7], frames[8])])
            b.near(f"dt {dt} ms, {pop}: correlation over 2.5 ms", both, rho, 4 * math.sqrt(1.4 / n))


@check()
def given_spikes(b):
    """Spikes of lists and regular sources have their times; private events act at theirs, also several in a step."""
    out = b.text("given", PROBE + """
population list : 3 of spike_list { times = [1 ms, 0.3 ms, 0.3 ms, 2 ms], indices = [0, 2, 2, 1] }
population clock : 3 of regular_source { rate = [100 Hz, 200 Hz, 300 Hz], phase = 0.25 }
population heard : 3 of probe
population told : 3 of probe { V = [0 mV, 1 mV, 2 mV] }
connect list -> heard : one_to_one { weight = 1 mV, delay = 0.1 ms }
stimulus -> told : spikes(times = [1 ms, 1 ms, 0 ms], indices = [0, 0, 2]) { weight = 2 mV }
stimulus -> told[1:3] : spikes(times = 1.5 ms) { weight = 1 mV }
record spikes of list, clock
record V of heard, told every 0.1 ms
run 20 ms
""")
    pairs = [("spikes of the list", out.trains("list", 3), [[1.0], [2.0], [0.3, 0.3]])]
    for k, rate in enumerate((0.1, 0.2, 0.3)):
        want = [math.ceil(round((m + 0.25) / rate * 10, 6)) / 10 for m in range(10)]
        pairs.append((f"regular spikes at {rate} kHz", out.trains("clock", 3)[k], [t for t in want if t <= 20]))
    heard, told = out.record("heard", "V"), out.record("told", "V")
    pairs.append(("heard at 0.3, 0.4, 1, 1.1, 2.1 ms", [list(heard[k]) for k in (3, 4, 10, 11, 21)],
                  [[0, 0, 0], [0, 0, 2], [0, 0, 2], [1, 0, 2], [1, 1, 2]]))
    pairs.append(("told at 0, 0.9, 1, 1.5 ms", [list(told[k]) for k in (0, 9, 10, 15)],
                  [[0, 1, 4], [0, 1, 4], [4, 1, 4], [4, 2, 5]]))
    for what, got, want in pairs:
        b.same(f"{what}: places that differ", sum(x != y for x, y in zip(got, want)) + abs(len(got) - len(want)), 0)
