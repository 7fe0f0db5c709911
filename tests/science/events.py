"""Moments and draws of synapses against a plain reckoning from the recorded spikes: arrivals and what follows behind them, spikes
of targets, events of others, and random numbers computed anew from docs/numbers.md."""

from math import exp

from bench import check
from synapses import Trace

MASK = (1 << 64) - 1


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


GOLDEN = 0x9E3779B97F4A7C15


def key_of(seed, name):
    h = mix((seed + GOLDEN) & MASK)
    for c in name.encode():
        h = mix(((h ^ c) + GOLDEN) & MASK)
    return mix(h ^ (len(name) * GOLDEN & MASK))


def event_key(key, step, event):
    return mix(((mix(((key ^ step) + GOLDEN) & MASK) ^ event) + GOLDEN) & MASK)


def salt(text):
    """XXH3 of 4 to 8 bytes."""
    b = text.encode()
    first, last = int.from_bytes(b[:4], "little"), int.from_bytes(b[-4:], "little")
    flip = int.from_bytes(bytes.fromhex("7c01812cf721ad1c"), "little") ^ int.from_bytes(bytes.fromhex("ded46de9839097db"), "little")
    h = (last + (first << 32)) ^ flip
    h ^= ((h << 49 | h >> 15) ^ (h << 24 | h >> 40)) & MASK
    h = h * 0x9FB21C651E98DF25 & MASK
    h ^= (h >> 35) + len(b)
    h = h * 0x9FB21C651E98DF25 & MASK
    return h ^ (h >> 28)


def uniform(key, counter):
    """First uniform of the Philox4x32-10 block."""
    a, b, c, d = counter
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p, q = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (q >> 32) ^ b ^ k0, q & 0xFFFFFFFF, (p >> 32) ^ d ^ k1, p & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return ((a + (b << 32)) >> 11) * 2.0 ** -53


@check()
def release(b):
    """Each event of a synapse draws numbers of its own, also where a source has several spikes in a step; they are those of the page."""
    out = b.text("release", """
synapse release {
  param p = 0.3
  state weight : port
  state n = 0
  on pre { if random() < p { port += weight; n += 1 } }
}
neuron counter { state V : mV = 0 mV
  port V }
population A : 5 of poisson_source { rate = 3000 Hz }
population C : 7 of counter
connect A -> C : indegree(9) using release as ac { weight = 1 mV, delay = 0.2 ms*mod(i + j, 3) }
record n of ac at end
record V of C every 0.9 s
simulation { seed = 3 }
run 1 s
""")
    source, target, mult = (out.read(f"/cortexc/synapses/ac/{k}")[0] for k in ("source", "target", "multiplicity"))
    n = out.read("/cortexc/synapses/ac/n")[0]
    key, place = key_of(3, "ac"), salt("pre.0")
    trains = [[round(t / 0.1) for t in train] for train in out.trains("A", 5)]
    wrong, most, seen = 0, 0, [0] * 7
    for i, j, m, got in zip(source, target, mult, n):
        i, j, m = int(i), int(j), int(m)
        released, before, event = 0, -1, 0
        for step in trains[i]:
            event = event + 1 if step == before else 0
            before, at = step, step + 2 * ((i + j) % 3)
            most = max(most, event + 1)
            if at > 10000:
                continue
            hit = uniform(event_key(key, at, event) ^ place, (i, j, m, 0)) < 0.3
            released += hit
            seen[j] += hit and at <= 9000
        wrong += released != got
    b.same("synapses that released another number", wrong, 0)
    b.same("targets that got another number", sum(x != y for x, y in zip(seen, out.record("C", "V")[1])), 0)
    b.holds("spikes of one source in a step, at most", most, 3, 20)
    b.holds("pairs with several synapses", sum(int(m) > 0 for m in mult), 5, 63)


MODEL = """
synapse traced {
  event reward
  state weight : port
  state x = 0
  state y = 0
  state c = 0
  dx/dt = -x/(20 ms)
  dy/dt = -y/(15 ms)
  dc/dt = -c/(100 ms)
  on pre { port += weight; x += 1; c -= 0.1*y }
  on pre after 7.5 ms { x *= 0.9; c += 0.05*y; port += 0.125*weight }
  on pre after 20 ms { x += 0.25 }
  on post { y += 1; c += 0.2*x }
  on post after 4 ms { y *= 0.7; x += 0.01*y }
  on reward { weight += 0.01*c*[mV]; c *= 0.5 }
  on reward after 2 ms { c += 0.001*x }
}
population A : 8 of poisson_source { rate = 60 Hz }
population B : 6 of lif { V = 3 mV*i }
population R : 4 of poisson_source { rate = 20 Hz }
stimulus -> B : poisson(rate = 900 Hz) { weight = 1.6 mV }
connect A -> B : all_to_all using traced as ab { weight = 0.5 mV, delay = 0.1 ms*mod(5*i + 3*j, 31), post_delay = 1.5 ms,
                                                 reward = R[1:4].spike, reward_delay = 0.3 ms }
record weight, x, y, c of ab at end
run 2 s
"""


class Traced:
    def __init__(self):
        self.weight, self.x, self.y, self.c = 0.5, Trace(20.0), Trace(15.0), Trace(100.0)

    def add(self, trace, step, value):
        trace.set(step, trace.at(step) + value)

    def scale(self, trace, step, by):
        trace.set(step, trace.at(step) * by)

    def late_pre(self, step):
        self.add(self.x, step, 0.25)

    def middle_pre(self, step):
        self.scale(self.x, step, 0.9)
        self.add(self.c, step, 0.05 * self.y.at(step))

    def pre(self, step):
        self.add(self.x, step, 1)
        self.add(self.c, step, -0.1 * self.y.at(step))

    def late_post(self, step):
        self.scale(self.y, step, 0.7)
        self.add(self.x, step, 0.01 * self.y.at(step))

    def post(self, step):
        self.add(self.y, step, 1)
        self.add(self.c, step, 0.2 * self.x.at(step))

    def late_reward(self, step):
        self.add(self.c, step, 0.001 * self.x.at(step))

    def reward(self, step):
        self.weight += 0.01 * self.c.at(step)
        self.scale(self.c, step, 0.5)


@check()
def moments(b):
    """Further pathways, `post_delay` and events of other populations act when and in the order that the language says."""
    out = b.text("traced", MODEL)
    a, t, r = ([[round(x / 0.1) for x in train] for train in out.trains(name, n)] for name, n in (("A", 8), ("B", 6), ("R", 4)))
    rewards = [step for train in r[1:] for step in train]
    worst, events = 0.0, 0
    ends = list(zip(out.read("/cortexc/synapses/ab/source")[0], out.read("/cortexc/synapses/ab/target")[0]))
    got = [out.read(f"/cortexc/synapses/ab/{k}")[0] for k in ("weight", "x", "y", "c")]
    for k, (i, j) in enumerate(ends):
        d = (5 * i + 3 * j) % 31
        todo = [(s + d + 200, 0, "late_pre") for s in a[i]] + [(s + d + 75, 1, "middle_pre") for s in a[i]] + [(s + d, 2, "pre") for s in a[i]]
        todo += [(s + 15 + 40, 3, "late_post") for s in t[j]] + [(s + 15, 4, "post") for s in t[j]]
        todo += [(s + 3 + 20, 5, "late_reward") for s in rewards] + [(s + 3, 6, "reward") for s in rewards]
        synapse = Traced()
        for step, _, what in sorted(todo):
            if step <= 20000:
                getattr(synapse, what)(step)
                events += 1
        values = (synapse.weight, synapse.x.at(20000), synapse.y.at(20000), synapse.c.at(20000))
        worst = max([worst] + [abs(g[k] - v) / max(abs(v), 1e-3) for g, v in zip(got, values)])
    b.same("synapses", len(ends), 48)
    b.holds("events", events, 10000, 1000000, 6)
    b.holds("largest relative error", worst, 0, 1e-12)
    b.holds("weights that changed by over 5 %", sum(abs(w - 0.5) > 0.025 for w in got[0]), 10, 48)


@check()
def bursts(b):
    """Events of neurons that are no spikes reach synapses when they should, of the neurons that were selected."""
    out = b.text("bursts", """
neuron burster {
  param tau = 10 ms
  state V : mV = 0 mV
  state n = 0
  state m = 0
  port V
  dV/dt = (20 mV - V)/tau
  event burst when V > 15 mV { n += 1; V = 0 mV }
  event half when V > 7 mV { m += 1 }
}
synapse told {
  event reward
  event other
  state weight : port
  state c = 0
  state d = 0
  on pre { port += weight }
  on reward { c += 1 }
  on other { d += 1 }
  on reward after 3 ms { d += 1000 }
}
population A : 3 of poisson_source { rate = 40 Hz }
population K : 7 of burster { tau = 5 ms + 1.7 ms*i, V = 1 mV*i }
population B : 4 of lif
connect A -> B : all_to_all using told as ab { weight = 0 mV, reward = K[1:6].burst, reward_delay = 0.5 ms, other = K.half, other_delay = 0 ms }
record n, m of K every 0.1 ms
record c, d of ab every 0.1 ms
run 200 ms
""")
    n, m = (out.record("K", k) for k in ("n", "m"))
    c, d = (out.read(f"/cortexc/synapses/ab/{k}")[0] for k in ("c", "d"))
    wrong = 0
    for k in range(2000):
        come = [sum(n[k - late][1:6]) if k >= late else 0 for late in (5, 35)]
        wrong += any(x != come[0] for x in c[12 * k:12 * k + 12]) or any(x != sum(m[k]) + 1000 * come[1] for x in d[12 * k:12 * k + 12])
    b.same("times at which synapses know another number", wrong, 0)
    b.holds("events", c[-1], 20, 1000, 6)


@check()
def ends(b):
    """Events of the two neurons themselves: those of sources arrive after the delay, those of targets after `post_delay`."""
    out = b.text("ends", """
neuron burster {
  param tau = 10 ms
  state V : mV = 0 mV
  state n = 0
  state m = 0
  port V
  dV/dt = (20 mV - V)/tau
  spike when V > 19 mV { V = 0 mV }
  event burst when V > 15 mV { n += 1; V = 0 mV }
  event half when V > 7 mV { m += 1 }
}
synapse told {
  state weight : port
  state c = 0
  state d = 0
  on pre { port += weight; c += 1e6 }
  on source.burst { c += 1 }
  on source.half after 2 ms { c += 1000; port += weight }
  on target.burst { d += 1 }
  on target.half after 3 ms { d += 1000 }
}
population K : 7 of burster { tau = 5 ms + 1.7 ms*i, V = 1 mV*i }
population L : 5 of burster { tau = 4 ms + 1.3 ms*i }
connect K -> L : all_to_all using told as kl { weight = 0 mV, delay = (0.1*mod(5*i + 3*j, 11))*[ms], post_delay = 0.7 ms }
record n, m of [K, L] every 0.1 ms
record c, d of kl every 0.1 ms
run 150 ms
""")
    n, m, nl, ml = (out.record(p, k) for p in ("K", "L") for k in ("n", "m"))
    c, d = (out.read(f"/cortexc/synapses/kl/{k}")[0] for k in ("c", "d"))
    wrong = 0

    def count(frames, k, who):
        return frames[k][who] if k >= 0 else 0

    for k in range(1500):
        for i in range(7):
            for j in range(5):
                late = (5 * i + 3 * j) % 11
                x = count(n, k - late, i) + 1000 * count(m, k - late - 20, i)
                y = count(nl, k - 7, j) + 1000 * count(ml, k - 37, j)
                wrong += c[35 * k + 5 * i + j] != x or d[35 * k + 5 * i + j] != y
    b.same("values that differ", wrong, 0)
    b.holds("events of sources and targets", sum(n[-1]) + sum(nl[-1]), 60, 1000, 6)
