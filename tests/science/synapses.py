"""Plastic synapses against a plain reckoning from the recorded spikes: every trace is summed anew from the closed forms of
its law, in the order of events that the language gives, and shares nothing with the compiler."""

import struct
from math import exp

from bench import check

STEPS = 20000  # of 0.1 ms

NETWORK = """
neuron counter {{ state V : mV = 0 mV
  port V }}
population A : 8 of poisson_source {{ rate = 40 Hz }}
population B : 6 of lif {{ V = 3 mV*i }}
population C : 6 of counter
stimulus -> B : poisson(rate = 900 Hz) {{ weight = 1.6 mV }}
connect A -> {target} : all_to_all using {model} as ee {{ weight = {weight}, delay = {delay}{more} }}
record {what} of ee at end
record {what} of ee every 250 ms
run 2 s
"""
WEIGHT = "(0.2 + 0.1*mod(7*i + 13*j, 16))*[mV]"
DELAY = "(0.1*mod(5*i + 3*j, 31))*[ms]"


def weight(i, j):
    return 0.2 + 0.1 * ((7 * i + 13 * j) % 16)


def delay(i, j):
    return (5 * i + 3 * j) % 31


def clip(w, top):
    return min(max(w, 0.0), top)


class Trace:
    """x decays with time constant tau from when it was last set."""

    def __init__(self, tau, value=0.0, rest=0.0):
        self.tau, self.value, self.rest, self.step = tau, value, rest, 0

    def at(self, step):
        return self.rest + (self.value - self.rest) * exp(-(step - self.step) * 0.1 / self.tau)

    def set(self, step, value):
        self.value, self.step = value, step


class Pair:
    def __init__(self, w, nearest=False):
        self.x, self.y, self.weight, self.nearest = Trace(20.0), Trace(17.0), w, nearest

    def pre(self, step):
        self.x.set(step, 0.03 + (0.0 if self.nearest else self.x.at(step)))
        self.weight = clip(self.weight + self.y.at(step) * 2.0, 2.0)

    def post(self, step):
        self.y.set(step, -0.031 + (0.0 if self.nearest else self.y.at(step)))
        self.weight = clip(self.weight + self.x.at(step) * 2.0, 2.0)

    def values(self, step):
        return self.weight, self.x.at(step), self.y.at(step)


class Triplet:
    def __init__(self, w):
        self.r1, self.r2, self.o1, self.o2, self.weight = Trace(16.8), Trace(101.0), Trace(33.7), Trace(125.0), w

    def pre(self, step):
        self.weight = clip(self.weight - 2.0 * self.o1.at(step) * (7e-3 + 2.3e-4 * self.r2.at(step)), 2.0)
        for trace in (self.r1, self.r2):
            trace.set(step, trace.at(step) + 1)

    def post(self, step):
        self.weight = clip(self.weight + 2.0 * self.r1.at(step) * (5e-10 + 6.2e-3 * self.o2.at(step)), 2.0)
        for trace in (self.o1, self.o2):
            trace.set(step, trace.at(step) + 1)

    def values(self, step):
        return self.weight, self.r2.at(step), self.o2.at(step)


class Short:
    def __init__(self, w):
        self.x, self.u, self.weight, self.given = Trace(200.0, 1.0, 1.0), Trace(300.0), w, 0.0

    def pre(self, step):
        u = self.u.at(step)
        u += 0.2 * (1 - u)
        x = self.x.at(step)
        self.given += self.weight * u * x
        self.u.set(step, u)
        self.x.set(step, x - u * x)

    def post(self, step):
        pass

    def values(self, step):
        return self.x.at(step), self.u.at(step)


def compare(b, what, out, target, make, names):
    """The synapses after each 250 ms and at the end. Within a step arrivals come first, oldest spike first."""
    sources = [[round(t / 0.1) for t in train] for train in out.trains("A", 8)]
    targets = [[round(t / 0.1) for t in train] for train in out.trains(target, 6)] if target == "B" else [[] for _ in range(6)]
    frames = {k: out.read(f"/cortexc/synapses/ee/{k}")[0] for k in names}
    last = {k: out.read(f"/cortexc/synapses/ee/{k}#2")[0] for k in names}
    ends = list(zip(out.read("/cortexc/synapses/ee/source")[0], out.read("/cortexc/synapses/ee/target")[0]))
    b.same(f"{what}: synapses in order", int(ends == [(i, j) for i in range(8) for j in range(6)]), 1)
    worst, events, effect = 0.0, 0, [0.0] * 6
    for n, (i, j) in enumerate(ends):
        synapse = make(weight(i, j))
        todo = sorted([(t + delay(i, j), 0) for t in sources[i]] + [(t, 1) for t in targets[j]])
        looks = [(2500 * k, k) for k in range(8)] + [(19000, "effect")] * (target == "C") + [(STEPS, None)]
        at = 0
        for step, frame in looks:
            while at < len(todo) and todo[at][0] <= step:
                (synapse.post if todo[at][1] else synapse.pre)(todo[at][0])
                at += 1
                events += 1
            if frame == "effect":
                effect[j] += synapse.given
                continue
            for k, value in zip(names, synapse.values(step)):
                got = last[k][n] if frame is None else frames[k][frame * len(ends) + n]
                worst = max(worst, abs(got - value))
    b.holds(f"{what}: events", events, 2000, 100000, 6)
    b.holds(f"{what}: largest error", worst, 0, 1e-12)
    return effect


def run(b, model, more, names, target="B"):
    text = NETWORK.format(model=model, weight=WEIGHT, delay=DELAY, more=more, what="WHAT", target=target)
    return b.text(model, text.replace("record WHAT of ee at end\nrecord WHAT of ee every 250 ms",
                                      f"record {', '.join(names)} of ee every 250 ms\nrecord {', '.join(names)} of ee at end"
                                      + ("\nrecord V of C every 1.9 s" if target == "C" else "")))


@check()
def stdp_pairs(b):
    """Weights and traces of pair plasticity, all spikes and nearest ones, agree with a reckoning from the spikes."""
    more = ", w_max = 2 mV, A_pre = 0.03, A_post = -0.031, tau_post = 17 ms"
    names = ("weight", "x", "y")
    compare(b, "stdp", run(b, "stdp", more, names), "B", Pair, names)
    compare(b, "stdp_nearest", run(b, "stdp_nearest", more, names), "B", lambda w: Pair(w, True), names)


@check()
def stdp_triplets(b):
    """The same for triplets."""
    names = ("weight", "r2", "o2")
    compare(b, "stdp_triplet", run(b, "stdp_triplet", ", w_max = 2 mV", names), "B", Triplet, names)


@check()
def short_term(b):
    """Resources, release and effect of Tsodyks-Markram synapses agree with a reckoning from the spikes."""
    names = ("x", "u")
    out = run(b, "tsodyks_markram", ", U = 0.2, tau_rec = 200 ms, tau_facil = 300 ms", names, "C")

    def single(w):  # weights that no handler writes are of single precision
        return Short(struct.unpack("f", struct.pack("f", w))[0])

    effect = compare(b, "tsodyks_markram", out, "C", single, names)
    seen = out.record("C", "V")[1]
    b.holds("largest error of what the targets got, relative", max(abs(v / e - 1) for v, e in zip(seen, effect)), 0, 1e-12)


@check()
def two_receptors(b):
    """A synapse that adds to two variables does what two static ones do, to the last bit."""
    out = b.text("two_receptors", """
synapse both {
  state weight : port
  on pre { port += weight; target.gi += 0.5*weight }
}
population A : 40 of poisson_source { rate = 30 Hz }
population C : 8 of lif_cond
population D : 8 of lif_cond
connect A -> C.ge : all_to_all using both { weight = (1 + mod(i, 3))*[nS], delay = 1 ms + 0.1 ms*mod(j, 4) }
connect A -> D.ge : all_to_all { weight = (1 + mod(i, 3))*[nS], delay = 1 ms + 0.1 ms*mod(j, 4) }
connect A -> D.gi : all_to_all { weight = 0.5*(1 + mod(i, 3))*[nS], delay = 1 ms + 0.1 ms*mod(j, 4) }
record ge, gi of [C, D] every 1 ms
run 1 s
""")
    for variable in ("ge", "gi"):
        b.same(f"values of {variable} that differ", sum(x != y for a, c in zip(out.record("C", variable), out.record("D", variable))
                                                       for x, y in zip(a, c)), 0)
    b.holds("events that counted: mean gi, nS", sum(out.record("C", "gi")[-1]) / 8, 1, 100)


@check(fast=False)
def song2000(b):
    """Competition drives the weights apart (Song, Miller & Abbott 2000): over 70 % end in the outer fifths."""
    out = b.network("song2000", edits=[("run 1000 s", "run 400 s")])
    w, _ = out.read("/cortexc/synapses/plastic/weight")
    outer = sum(1 for x in w if x < 0.03 or x > 0.12) / len(w)
    b.holds("weights in the outer fifths", outer, 0.7, 1)
    b.holds("rate of the cell, Hz", out.rate("cell", 1, 200000, 400000), 5, 50)
