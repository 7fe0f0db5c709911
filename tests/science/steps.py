"""What happens at which step: refractoriness, delays, protocols at late times, sums, fans, runs in pieces. Each of these has
been wrong in some simulator."""

from decimal import Decimal

from bench import check

CLOCK = """
neuron clock {                       # fires again as soon as it may
  param D = 1 ms
  state V : mV = 1 mV
  port V
  dV/dt = 1 mV/ms
  spike when V > 0 mV { refractory D }
}
neuron counter {                     # keeps all it gets
  state V : mV = 0
  input I : pA
  port V, I
  dV/dt = I*[mV/pA]/(1 ms)
}
"""


def at(h, steps):
    """Parameters of a clock that fires once, at step `steps`."""
    return f"V = -({steps} - 0.5)*{h}*[mV], D = inf"


@check()
def refractory_steps(b):
    """Spikes are exactly round(D/dt) steps apart, for 100 phases and periods of 1 to 100 steps, at six dt."""
    for dt in ("0.1", "0.01", "0.05", "0.3", "0.7", "1"):
        h = Decimal(dt)
        text = CLOCK + f"""
population phases : 100 of clock {{ V = -({h}*i + {h}/2)*[mV], D = {10 * h} ms }}
population periods : 100 of clock {{ V = -({h}*i + {h}/2)*[mV], D = {h}*(i + 1)*[ms] }}
simulation {{ dt = {dt} ms }}
run {1000 * h} ms
"""
        out = b.text("refractory", text)
        wrong = 0
        for name in ("phases", "periods"):
            for i, train in enumerate(out.trains(name, 100)):
                period = 10 if name == "phases" else i + 1
                wrong += train != [float(k * h) for k in range(i + 1, 1001, period)]
        b.same(f"dt {dt} ms: trains off their steps, of 200", wrong, 0)


@check()
def refractory_end(b):
    """An event within the refractory period is lost; one exactly at its end counts."""
    for dt in ("0.1", "0.25", "0.01", "0.37"):
        h = Decimal(dt)
        # kicked at step 5, the cells fire at step 6; probes arrive at steps 6, 7, …
        out = b.text("refractory_end", CLOCK + f"""
population kick : 1 of clock {{ {at(h, 5)} }}
population probe : 1 of clock {{ {at(h, 1)} }}
population cell : 20 of lif {{ t_ref = {10 * h} ms }}
connect kick -> cell : all_to_all {{ weight = 100 mV, delay = 0 ms }}
connect probe -> cell : all_to_all {{ weight = 1 mV, delay = {h}*(5 + j)*[ms] }}
record V of cell every {dt} ms
simulation {{ dt = {dt} ms }}
run {40 * h} ms
""")
        frames = out.record("cell", "V")
        early = sum(any(frames[k][j] != 0 for k in range(6, 40)) for j in range(10))
        late = sum(frames[6 + j][j] != 1 for j in range(10, 20))
        fired = sum(train != [float(6 * h)] for train in out.trains("cell", 20))
        b.same(f"dt {dt} ms: early events that counted, of 10", early, 0)
        b.same(f"dt {dt} ms: events from the end on that were lost, of 10", late, 0)
        b.same(f"dt {dt} ms: cells that did not fire once at step 6", fired, 0)


@check()
def delays(b):
    """A spike stamped t with delay d lifts V at t + d, for 200 delays from 0 on, at dt that are no binary fraction."""
    for dt in ("0.1", "0.01", "0.3", "0.7"):
        h = Decimal(dt)
        out = b.small("delays", edits=[("0.1 ms", f"{dt} ms"), ("run 25 ms", f"run {250 * h} ms")])
        trace, wrong = out.record("heard", "V"), 0
        for j in range(200):
            first = next((k for k, frame in enumerate(trace) if frame[j] != 0), None)
            wrong += first != 1 + j or trace[first][j] != 1.0
        b.same(f"dt {dt} ms: arrivals off their step, of 200", wrong, 0)


@check()
def zero_delay(b):
    """Delay 0 acts at the instant of the spike, after its reset and before the next step; effects spread a step at a time."""
    out = b.text("zero_delay", CLOCK + f"""
population first : 1 of clock {{ {at(0.1, 3)} }}
population same : 1 of clock {{ {at(0.1, 3)} }}
population second : 1 of lif {{ t_ref = 0.5 ms }}
population third : 1 of lif
population self : 1 of lif {{ V = 30 mV, t_ref = 0 ms, Vr = 5 mV }}
connect first -> [second, same] : all_to_all {{ weight = 30 mV, delay = 0 ms }}
connect second -> third : all_to_all {{ weight = 30 mV, delay = 0 ms }}
connect self -> self : all_to_all {{ weight = 2 mV, delay = 0 ms, autapses = true }}
record V of [second, third, self, same] every 0.1 ms
simulation {{ dt = 0.1 ms }}
run 2 ms
""")
    v = {name: [f[0] for f in out.record(name, "V")] for name in ("second", "third", "self", "same")}
    b.near("V of the second at the spike of the first, mV", v["second"][3], 30, 0)
    b.near("V of the third at the spike of the second, mV", v["third"][4], 30, 0)
    b.near("a spike onto a cell that fires at the same time, mV", v["same"][3], 30.05, 1e-12)
    b.near("a spike onto itself, after its own reset, mV", v["self"][1], 7, 0)
    for name, time in (("first", 0.3), ("second", 0.4), ("third", 0.5), ("self", 0.1)):
        times, _ = out.spikes(name)
        b.same(f"{name} fired once, at {time} ms", times == [time], True)


@check()
def late_protocol(b):
    """A current that depends on the time is switched at exactly its steps after 3.5 million of them; so fires a clock."""
    on = [(1, 2), (3, 4), (5, 8), (10, 11)]     # steps after 353,538 s
    windows = " or ".join(f"{353538 + Decimal(a) / 10} ms <= t < {353538 + Decimal(z) / 10} ms" for a, z in on)
    out = b.text("late", CLOCK + f"""
neuron detector {{                    # follows its input within the step
  state V : mV = 0
  input I : pA
  port I
  dV/dt = (I*[mV/pA] - V)/(0.001 ms)
  spike when V > 0.5 mV
}}
population seen : 1 of detector
population clock_1s : 1 of clock {{ D = 1 s }}
population off_grid : 1 of clock {{ D = 333.3 ms }}
stimulus -> seen.I : drive(if {windows} then 1 pA else 0)
simulation {{ dt = 0.1 ms }}
run 353.54 s
""")
    expected = [float(353538 + Decimal(k + 1) / 10) for a, z in on for k in range(a, z)]
    b.same("spikes of the detector that are as expected", out.spikes("seen")[0] == expected, True)
    for name, period in (("clock_1s", 10000), ("off_grid", 3333)):
        times = [float(Decimal(k) / 10) for k in range(1, 3535401, period)]
        b.same(f"{name}: spikes off their step", sum(x != y for x, y in zip(out.spikes(name)[0], times)), 0)
        b.same(f"{name}: spikes", len(out.spikes(name)[0]), len(times))


@check()
def long_steps(b):
    """Time stays exact with steps of 999.9 s, past 2^32 ms."""
    out = b.text("long", CLOCK + f"""
neuron detector {{
  state V : mV = 0
  input I : pA
  port I
  dV/dt = (I*[mV/pA] - V)/(1 ms)
  spike when V > 0.5 mV
}}
population seen : 1 of detector
population clock_7 : 1 of clock {{ D = 7*999.9 s }}
stimulus -> seen.I : drive(if 4500*999.9 s <= t < 4501*999.9 s then 1 pA else 0)
simulation {{ dt = 999.9 s }}
run 5000*999.9 s
""")
    b.same("the one spike stands at step 4501", out.spikes("seen")[0] == [float(4501 * 999900)], True)
    b.same("clock of 7 steps is exact", out.spikes("clock_7")[0] == [float(k * 999900) for k in range(1, 5001, 7)], True)


@check()
def sums(b):
    """Everything that arrives at once is added: three sources, three projections, two stimuli."""
    out = b.text("sums", CLOCK + f"""
population three : 3 of clock {{ {at(0.1, 2)} }}
population cell : 4 of counter
connect three -> cell : all_to_all {{ weight = 1 mV, delay = 0.3 ms }}
connect three -> cell : all_to_all {{ weight = 0.25 mV, delay = 0.3 ms }}
connect three[0] -> cell : all_to_all {{ weight = -0.5 mV, delay = 0.3 ms }}
stimulus -> cell.I : drive(300 pA)
stimulus -> cell[0:2].I : drive(200 pA)
record V of cell every 0.1 ms
simulation {{ dt = 0.1 ms }}
run 1 ms
""")
    frames = out.record("cell", "V")
    for j, current in ((0, 500), (3, 300)):
        b.near(f"jump of cell {j}, mV", frames[5][j] - frames[4][j], 3.25 + 0.1 * current, 1e-12)
        b.near(f"slope of cell {j}, mV per step", frames[9][j] - frames[8][j], 0.1 * current, 1e-12)


@check()
def fans(b):
    """One neuron with 70,000 synapses onto others, and one that 70,000 reach: none is lost."""
    out = b.text("fans", CLOCK + f"""
population one : 1 of clock {{ {at(0.1, 1)} }}
population many : 70000 of counter
population sources : 70000 of clock {{ {at(0.1, 1)} }}
population goal : 1 of counter
population drawn : 1 of counter
connect one -> many : all_to_all {{ weight = 1 mV, delay = 0.3 ms }}
connect one -> many : outdegree(140000) {{ weight = 1 mV, delay = 0.5 ms }}
connect sources -> goal : all_to_all {{ weight = 1 mV, delay = 0.3 ms }}
connect sources -> drawn : indegree(100000) {{ weight = 1 mV, delay = 0.3 ms }}
record V of many every 0.5 ms
record V of [goal, drawn] every 0.5 ms
simulation {{ dt = 0.1 ms }}
run 1.1 ms
""")
    frames = out.record("many", "V")
    b.same("targets reached by one spike", sum(frames[1]), 70000)
    b.same("targets reached twice or not at all", sum(x != 1 for x in frames[1]), 0)
    b.same("synapses drawn from one source", sum(frames[2]) - 70000, 140000)
    b.same("sources that reach one target", out.record("goal", "V")[1][0], 70000)
    b.same("synapses drawn onto one target", out.record("drawn", "V")[1][0], 100000)


@check()
def run_in_pieces(b):
    """100 times `run 10 ms` is `run 1 s`, bit for bit: spikes, voltages, spikes in flight and random numbers."""
    whole = b.network("five_layer_column")
    pieces = b.network("five_layer_column", edits=[("run 1 s", "for k in range(100) { run 10 ms }")])
    odd = b.network("five_layer_column", edits=[("run 1 s", "run 0.1 ms\nrun 99.8 ms\nrun 0.1 ms\nrun 900 ms")])
    for what, other in (("100 times 10 ms", pieces), ("0.1 + 99.8 + 0.1 + 900 ms", odd)):
        differ = sum(whole.spikes(p) != other.spikes(p) for p in ("L1", "L23", "L4", "L5", "L6", "basket"))
        b.same(f"{what}: populations whose spikes differ", differ, 0)
        b.same(f"{what}: V is the same", whole.record("L4", "V") == other.record("L4", "V"), True)
    b.same("frames of 1 s every 0.5 ms", len(whole.record("L4", "V")), 2000)
