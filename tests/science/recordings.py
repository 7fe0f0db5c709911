"""What is recorded besides traces, against the spikes, traces and weights of the same run."""

import math

from bench import check, mean

NETWORK = """
population E : 2500 of lif { V = uniform(0 mV, 19 mV) }
population I : 20 of lif
population P : 3 of poisson_source { rate = 50 Hz }
stimulus -> E : poisson(rate = 8 Hz, inputs = 300) { weight = 0.6 mV }
stimulus -> I : poisson(rate = 8 Hz, inputs = 320) { weight = 0.6 mV }
connect E -> I : probability(10%) as ei { weight = uniform(0.3 mV, 0.7 mV), delay = uniform(1 ms, 4 ms) }
connect I -> E[0:100] : indegree(3) { weight = -1 mV, delay = 1.5 ms }
connect P -> I : all_to_all using stdp as ps { weight = 1 mV, w_max = 2 mV, delay = 1 ms }
record spikes of [E, I, P]
record rate of * every 5 ms
record count of [I[2:9], P] every 50 ms from 20 ms to 175 ms
record V, mean(V), sd(V), min(V), max(V) of E[0:2100] every 0.1 ms
record mean(V) of E[0:2100:3] every 1 ms from 10 ms to 20 ms
record V of E[3, 5] at [10 ms, 20 ms, 200 ms, 0 ms, 20 ms]
record V of E at end
record V, I of I[1:20:2] at spikes
record weight of ps every 50 ms
record weight of ps at [0 ms, 100 ms, 200 ms]
record weight of ps at end
record connectivity of *
run 120.3 ms
run 79.7 ms
"""


def stacked(values, shape):
    return [values[k * shape[1]:(k + 1) * shape[1]] for k in range(shape[0])]


@check()
def recordings(b):
    """Rates, counts, averages, values at given times and at spikes are those of the spikes and traces beside them."""
    out = b.text("recordings", NETWORK)
    trace = out.record("E", "V")
    b.same("frames of 200 ms every 0.1 ms", len(trace), 2000)
    for pop, n in (("E", 2500), ("I", 20)):
        rate, shape = out.read(f"/cortexc/record/{pop}/rate")
        times = [round(10 * t) for t in out.spikes(pop)[0]]
        wrong = sum(abs(r - 1000 * sum(50 * k < s <= 50 * k + 50 for s in times) / n / 5) > 1e-9 for k, r in enumerate(rate))
        b.same(f"{pop}: intervals of the rate", shape[0], 40)
        b.same(f"{pop}: rates that are not those of the spikes", wrong, 0)
    for pop, lo, hi in (("I", 2, 9), ("P", 0, 3)):
        frames = out.record(pop, "count")
        trains = [[round(10 * t) for t in train] for train in out.trains(pop, 20)[lo:hi]]
        expected = [[sum(200 + 500 * k < s <= 700 + 500 * k for s in t) for t in trains] for k in range(3)]
        b.same(f"{pop}: counts that differ", sum(x != y for f, e in zip(frames, expected) for x, y in zip(f, e)) + abs(len(frames) - 3), 0)
    worst = {"mean": 0, "sd": 0, "min": 0, "max": 0}
    columns = {name: out.read(f"/cortexc/record/E/{name}(V)")[0] for name in worst}
    for k in range(0, 2000, 37):
        m = math.fsum(trace[k]) / 2100
        known = {"mean": m, "sd": math.sqrt(math.fsum((v - m) ** 2 for v in trace[k]) / 2100), "min": min(trace[k]), "max": max(trace[k])}
        for name in worst:
            worst[name] = max(worst[name], abs(columns[name][k] - known[name]))
    for name in worst:
        b.holds(f"{name}(V): largest difference, mV", worst[name], 0, 1e-12)
    some, _ = out.read("/cortexc/record/E/mean(V)#2")
    b.same("means of 10 ms every 1 ms", len(some), 10)
    b.holds("of every third neuron: largest difference, mV", max(abs(m - mean(trace[100 + 10 * k][::3])) for k, m in enumerate(some)), 0, 1e-12)
    picked, end = out.record("E", "V#2"), out.record("E", "V#3")
    times, _ = out.read("/cortexc/record_times/E/V#2")
    b.same("times of the list", sum(x != y for x, y in zip(times, [0, 10, 20, 200])) + abs(len(times) - 4), 0)
    b.same("values at these times that differ", sum(picked[k][q] != trace[round(10 * times[k])][i] for k in range(3) for q, i in enumerate((3, 5))), 0)
    b.same("at the end", sum(picked[3][q] != end[0][i] for q, i in enumerate((3, 5))), 0)
    ids, _ = out.read("/cortexc/at_spikes/I/node_ids")
    when, _ = out.read("/cortexc/at_spikes/I/timestamps")
    known = [(t, i) for t, i in zip(*out.spikes("I")) if i % 2]
    b.holds("spikes of every second I neuron", len(known), 50, 1000)
    b.same("rows at spikes that are not of them", sum(x != y for x, y in zip(zip(when, ids), known)) + abs(len(when) - len(known)), 0)
    before, after = (out.read(f"/cortexc/at_spikes/I/{side}/V")[0] for side in ("before", "after"))
    b.holds("V before the reset: least, mV", min(before), 20, 30)
    b.same("V behind it that is not 0 mV", sum(v != 0 for v in after), 0)


@check()
def recorded_connectivity(b):
    """/edges has every synapse with its weight and delay, in order, and both indices find them again."""
    out = b.text("connectivity", NETWORK)
    every, last = out.read("/cortexc/synapses/ps/weight"), out.read("/cortexc/synapses/ps/weight#3")[0]
    at = stacked(*out.read("/cortexc/synapses/ps/weight#2"))
    frames = stacked(*every)
    b.same("weights at 0, 100 and 200 ms that differ from frames", sum(x != y for a, e in zip(at, (frames[0], frames[2], last)) for x, y in zip(a, e)), 0)
    b.holds("weights that have changed", sum(x != y for x, y in zip(at[0], at[2])), 30, 60)
    for name, n_src, n_tgt in (("E__I__ei", 2500, 20), ("I__E__V", 20, 2500), ("P__I__ps", 3, 20)):
        group = f"/edges/{name}/"
        src, tgt = out.read(group + "source_node_id")[0], out.read(group + "target_node_id")[0]
        weight, delay = out.read(group + "0/syn_weight")[0], out.read(group + "0/delay")[0]
        b.same(f"{name}: out of order", sum(x > y for x, y in zip(zip(src, tgt), list(zip(src, tgt))[1:])), 0)
        for side, ends, n in (("source_to_target", src, n_src), ("target_to_source", tgt, n_tgt)):
            nodes = stacked(*out.read(f"{group}indices/{side}/node_id_to_ranges"))
            ranges = stacked(*out.read(f"{group}indices/{side}/range_to_edge_id"))
            found = [[e for lo, hi in ranges[a:z] for e in range(lo, hi)] for a, z in nodes]
            known = [[] for _ in range(n)]
            for e, node in enumerate(ends):
                known[node].append(e)
            b.same(f"{name}: neurons whose edges {side} does not find", sum(x != y for x, y in zip(found, known)) + abs(len(found) - n), 0)
        if name == "E__I__ei":
            b.near("ei: mean weight, mV", mean(weight), 0.5, 0.01)
            b.near("ei: mean delay, ms", mean(delay), 2.5, 0.05)
            b.same("ei: delays off the grid", sum(abs(10 * d - round(10 * d)) > 1e-9 for d in delay), 0)
        elif name == "I__E__V":
            b.same("I to E: synapses", len(src), 300)
            b.same("I to E: weights and delays that are not -1 mV and 1.5 ms", sum((w, d) != (-1, 1.5) for w, d in zip(weight, delay)), 0)
        else:
            b.same("ps: weights that are not those at the end", sum(x != y for x, y in zip(weight, last)), 0)
