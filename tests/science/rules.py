"""Checks of what each connection rule makes: numbers of synapses, degrees, pairs; of files of edges, of `choice`."""

import math
import os
from collections import Counter

import h5py

from bench import check


def made(b, rule, more="", n=60, pair="A -> A"):
    """(source, target) of every synapse that the rule makes, in the order of the output."""
    out = b.text("rule", f"""
population A : {n} of lif
population B : 40 of lif
connect {pair} : {rule} as e {{ weight = 1 mV{more} }}
record weight of e at end
run 0.1 ms
""")
    source, target = (out.read(f"/cortexc/synapses/e/{k}")[0] for k in ("source", "target"))
    return list(zip(source, target))


def degrees(pairs, side, n):
    count = Counter(p[side] for p in pairs)
    return [count[k] for k in range(n)]


@check()
def degrees_of_rules(b):
    """Each rule makes the degrees and totals that it says, without autapses, and without multapses where they are not wanted."""
    single = ", multapses = false"
    for rule, side, degree, more in (("indegree(7)", 1, 7, ""), ("indegree(7)", 1, 7, single), ("outdegree(9)", 0, 9, ""),
                                     ("outdegree(9)", 0, 9, single), ("all_to_all", 0, 59, ""), ("all_to_all", 1, 59, ""),
                                     ("small_world(6, 30%)", 0, 6, ""), ("indegree(55)", 1, 55, single)):
        pairs = made(b, rule, more)
        b.same(f"{rule}{more}: neurons of another degree", sum(d != degree for d in degrees(pairs, side, 60)), 0)
        b.same(f"{rule}{more}: autapses", sum(i == j for i, j in pairs), 0)
        if more or "indegree" not in rule and "outdegree" not in rule:
            b.same(f"{rule}{more}: pairs joined twice", len(pairs) - len(set(pairs)), 0)
    for more in ("", single):
        pairs = made(b, "total(500)", more)
        b.same(f"total(500){more}: synapses", len(pairs), 500)
        b.same(f"total(500){more}: autapses", sum(i == j for i, j in pairs), 0)
    b.same("total(500), multapses = false: pairs joined twice", len(pairs) - len(set(pairs)), 0)
    b.same("autapses = true: in-degrees other than 60", sum(d != 60 for d in degrees(made(b, "all_to_all", ", autapses = true"), 1, 60)), 0)
    b.same("one_to_one between slices: other pairs", sum(i != j + 5 for i, j in made(b, "one_to_one", pair="A[5:45] -> B")), 0)


@check()
def chances_of_rules(b):
    """Rules by chance make as many synapses, and as varied degrees, as the binomial law says."""
    n, p = 400, 0.2
    for rule, prob in (("probability(20%)", lambda i, j: p), ("probability(if i < j then 30% else 10%)", lambda i, j: 0.3 if i < j else 0.1),
                       ("where(mod(i + j, 2) == 0, p = 40%)", lambda i, j: 0.4 if (i + j) % 2 == 0 else 0)):
        pairs = made(b, rule, n=n)
        law = [prob(i, j) for i in range(n) for j in range(n) if i != j]
        mean, var = sum(law), sum(q * (1 - q) for q in law)
        b.near(f"{rule}: synapses", len(pairs), mean, 4.5 * math.sqrt(var))
        b.same(f"{rule}: impossible pairs", sum(prob(i, j) == 0 or i == j for i, j in pairs), 0)
        chi = sum((d - sum(prob(i, j) for i in range(n) if i != j)) ** 2 / sum(prob(i, j) * (1 - prob(i, j)) for i in range(n) if i != j)
                  for j, d in enumerate(degrees(pairs, 1, n)))
        b.near(f"{rule}: chi square of the in-degrees", chi, n, 4.5 * math.sqrt(2 * n))


@check()
def files_of_edges(b):
    """Edges of a SONATA file have the pairs, weights and delays of the file, each synapse of a pair its own."""
    edges = [(3, 1, 0.5, 1.2), (0, 2, 1.5, 0.3), (3, 1, 2.5, 2.0), (1, 0, 4, 0), (3, 0, 8, 0.7), (2, 2, 16, 3.1)]
    path = os.path.join(b.folder, "edges.h5")
    with h5py.File(path, "w") as f:
        for name, source, rows in (("other", "p", edges[:1]), ("these", "s", edges)):
            g = f.create_group("edges/" + name)
            for k, (end, pop) in enumerate((("source", source), ("target", "p"))):
                d = g.create_dataset(end + "_node_id", data=[e[k] for e in rows], dtype="u8")
                d.attrs["node_population"] = pop
            order = list(range(len(rows)))[::-1]
            g.create_dataset("edge_group_index", data=order, dtype="u8")
            g.create_dataset("0/syn_weight", data=[e[2] for e in rows[::-1]])
            g.create_dataset("0/delay", data=[e[3] for e in rows[::-1]])
    probe = "neuron probe { state V : mV = 0 mV; dV/dt = 0 mV/ms; port V }\n"
    out = b.text("edges", probe + """
population s : 4 of spike_list { times = [1 ms, 2 ms, 3 ms, 4 ms], indices = [0, 1, 2, 3] }
population p : 3 of probe
connect s -> p : edges("edges.h5")
record V of p every 0.1 ms
run 10 ms
""")
    frames = out.record("p", "V")
    jumps = {(k, j): frames[k][j] - frames[k - 1][j] for k in range(1, len(frames)) for j in range(3) if frames[k][j] != frames[k - 1][j]}
    want = {(round(10 * (i + 1 + d)), j): w for i, j, w, d in edges}
    b.same("other jumps of the targets", sum(jumps.get(k) != w for k, w in want.items()) + len(jumps) - len(want), 0)
    out = b.text("edges", probe + """
synapse keeps { state weight : port; on pre { port += weight } }
population s : 4 of poisson_source { rate = 1 Hz }
population p : 3 of probe
connect s -> p : edges("edges.h5", name = "these") using keeps as all
connect s[2, 3] -> p[1:3] : edges("edges.h5", "these") as some { weight = 1 mV, delay = 1 ms }
record weight of all, some at end
run 0.1 ms
""")
    for name, want in (("all", [e[:3] for e in edges]), ("some", [(3, 1, 1), (3, 1, 1), (2, 2, 1)])):
        got = [out.read(f"/cortexc/synapses/{name}/{k}")[0] for k in ("source", "target", "weight")]
        b.same(f"`{name}`: other synapses", int(sorted(zip(*got)) != sorted(want)), 0)


@check()
def samples(b):
    """A neuron that a sample with replacement draws n times gets n stimuli and n times the synapses."""
    out = b.text("samples", """
neuron probe { state V : mV = 0 mV; dV/dt = 0 mV/ms; spike when V > 1 V { V = 0 mV }; port V }
population P : 40 of probe
population s : 1 of spike_list { times = [1 ms], indices = [0] }
let drawn = sample(P, 60, replace = true)
stimulus -> drawn : spikes([0.5 ms]) { weight = 1 mV }
connect s -> drawn : indegree(1) { weight = 100 mV }
record V of P every 1 ms
run 4 ms
""")
    frames = out.record("P", "V")
    times = [round(v) for v in frames[1]]
    b.same("draws", sum(times), 60)
    b.same("neurons drawn twice or more, at least", int(max(times) > 1), 1)
    b.same("synapses onto another number of draws", sum(round((y - x) / 100) != n for x, y, n in zip(frames[1], frames[3], times)), 0)


@check()
def choices(b):
    """`choice` draws each element as often as its weight says."""
    n = 20000
    for law, want in (("choice([1 mV, 2 mV, 5 mV])", {1: 1 / 3, 2: 1 / 3, 5: 1 / 3}),
                      ("choice([1 mV, 2 mV, 5 mV, 7 mV], weights = [0, 3, 1, 0])", {2: 0.75, 5: 0.25}),
                      ("uniform(0 mV, 10 mV, min = 8 mV)", None)):
        out = b.text("choice", f"population A : {n} of lif {{ V = {law} }}\nrecord V of A every 0.1 ms\nrun 0.1 ms\n")
        values = out.record("A", "V")[0]
        if want is None:
            b.near(f"{law}: mean", sum(values) / n, 9, 4.5 * 2 / math.sqrt(12 * n))
            b.same(f"{law}: values outside", sum(not 8 <= v <= 10 for v in values), 0)
            continue
        count = Counter(values)
        b.same(f"{law}: other values", sum(c for v, c in count.items() if v not in want), 0)
        for v, p in want.items():
            b.near(f"{law}: how often {v} mV", count[v] / n, p, 4.5 * math.sqrt(p * (1 - p) / n))
