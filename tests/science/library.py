"""Ready-made synapses and the shapes of synaptic conductances: every rule of plasticity reckoned anew in plain loops from the recorded
spikes and the equations of docs/models.md, and conductances against their closed forms."""

from math import exp, log

from bench import check
from synapses import Trace, clip

STEPS = 40000  # of 0.1 ms
TOP = 2.0      # w_max in mV

NETWORK = """
population A : 8 of poisson_source {{ rate = 40 Hz }}
population B : 6 of lif {{ V = 3 mV*i }}
population R : 3 of poisson_source {{ rate = 4 Hz }}
stimulus -> B : poisson(rate = 900 Hz) {{ weight = 1.6 mV }}
connect A -> B : all_to_all using {model} as ab {{ weight = (0.2 + 0.1*mod(7*i + 13*j, 16))*[mV], delay = {delay}{more} }}
record {names} of ab at end
run 4 s
"""
DELAYS = (("varied", "(0.1*mod(5*i + 3*j, 31))*[ms]", lambda i, j: (5 * i + 3 * j) % 31), ("alike", "1.2 ms", lambda i, j: 12))


class Pairs:
    nearest = False
    names = ("weight",)

    def __init__(self, w):
        self.w, self.x, self.y = w, Trace(20.0), Trace(20.0)

    def pre(self, step):
        self.x.set(step, 0.005 + (0.0 if self.nearest else self.x.at(step)))
        self.w = clip(self.w + self.y.at(step) * TOP, TOP)

    def post(self, step):
        self.y.set(step, -0.00525 + (0.0 if self.nearest else self.y.at(step)))
        self.w = clip(self.w + self.x.at(step) * TOP, TOP)

    def values(self, step):
        return (self.w,)


class NearestPairs(Pairs):
    nearest = True


class Triplets:
    names = ("weight",)
    nearest, tau_x, tau_y, a2_plus, a3_plus, a2_minus, a3_minus = False, 101.0, 125.0, 5e-10, 1e-3, 1.7e-3, 2.3e-4

    def __init__(self, w):
        self.w, self.r1, self.r2, self.o1, self.o2 = w, Trace(16.8), Trace(self.tau_x), Trace(33.7), Trace(self.tau_y)

    def count(self, trace, step):
        trace.set(step, 1 + (0 if self.nearest else trace.at(step)))

    def pre(self, step):
        self.w = clip(self.w - TOP * self.o1.at(step) * (self.a2_minus + self.a3_minus * self.r2.at(step)), TOP)
        self.count(self.r1, step)
        self.count(self.r2, step)

    def post(self, step):
        self.w = clip(self.w + TOP * self.r1.at(step) * (self.a2_plus + self.a3_plus * self.o2.at(step)), TOP)
        self.count(self.o1, step)
        self.count(self.o2, step)

    def values(self, step):
        return (self.w,)


class NearestTriplets(Triplets):
    nearest, tau_x, tau_y, a2_plus, a3_plus, a2_minus, a3_minus = True, 714.0, 40.0, 8.8e-11, 3e-3, 1.6e-3, 1e-4


class Reward:
    """dw/dt = w_max*c*d between events, by its integral from the last event."""
    names = ("w", "c", "d")

    def __init__(self, w):
        self.w, self.x, self.y, self.c, self.d, self.last = w, Trace(20.0), Trace(20.0), Trace(1000.0), Trace(200.0), 0

    def now(self, step):
        s, tau = 0.1 * (step - self.last), 1 / (1 / 1000.0 + 1 / 200.0)
        return clip(self.w + TOP * self.c.at(self.last) * self.d.at(self.last) * tau * (1 - exp(-s / tau)), TOP)

    def move(self, step):
        """The weight of now; all traces are brought to it, too."""
        self.w = self.now(step)
        for trace in (self.c, self.d):
            trace.set(step, trace.at(step))
        self.last = step

    def pre(self, step):
        self.move(step)
        self.x.set(step, self.x.at(step) + 0.01)
        self.c.set(step, self.c.at(step) + self.y.at(step))

    def post(self, step):
        self.move(step)
        self.y.set(step, self.y.at(step) - 0.015)
        self.c.set(step, self.c.at(step) + self.x.at(step))

    def reward(self, step):
        self.move(step)
        self.d.set(step, self.d.at(step) + 0.0003)

    def values(self, step):
        return self.now(step), self.c.at(step), 1000 * self.d.at(step)  # Hz


RULES = (("stdp", Pairs, ""), ("stdp_nearest", NearestPairs, ""), ("stdp_triplet", Triplets, ", A3_plus = 1e-3, A2_minus = 1.7e-3"),
         ("stdp_triplet_nearest", NearestTriplets, ", A3_plus = 3e-3, A2_minus = 1.6e-3, A3_minus = 1e-4"),
         ("stdp_reward", Reward, ", reward = R.spike, reward_delay = 0.7 ms, dose = 0.3 Hz"))


def start(i, j):
    return 0.2 + 0.1 * ((7 * i + 13 * j) % 16)


def steps_of(out, name, n):
    return [[round(t / 0.1) for t in train] for train in out.trains(name, n)]


def reckon(b, what, out, rule, steps):
    """Every synapse of a run of NETWORK anew by `rule`; `steps` is the delay of a pair."""
    a, t, r = steps_of(out, "A", 8), steps_of(out, "B", 6), steps_of(out, "R", 3)
    got = [out.read(f"/cortexc/synapses/ab/{k}")[0] for k in rule.names]
    worst, events, moved, inside = 0.0, 0, 0, 0
    for n, (i, j) in enumerate((i, j) for i in range(8) for j in range(6)):
        synapse = rule(start(i, j))
        todo = [(s + steps(i, j), 0, synapse.pre) for s in a[i]] + [(s, 1, synapse.post) for s in t[j]]
        todo += [(s + 7, 2, synapse.reward) for train in r for s in train] if rule is Reward else []
        for step, _, act in sorted(todo, key=lambda x: x[:2]):
            if step <= STEPS:
                act(step)
                events += 1
        values = synapse.values(STEPS)
        worst = max([worst] + [abs(g[n] - v) / max(abs(v), 1e-6) for g, v in zip(got, values)])
        moved += abs(values[0] - start(i, j)) > 1e-3
        inside += 0.001 < values[0] < TOP - 0.001
    b.holds(f"{what}: events", events, 15000, 100000, 6)
    b.holds(f"{what}: weights that moved", moved, 30, 48)
    b.holds(f"{what}: weights at no bound", inside, 15, 48)
    b.holds(f"{what}: relative error", worst, 0, 1e-12)


@check()
def plasticity(b):
    """The final weight of every synapse of every rule of the library, with delays that differ and with one for all."""
    for model, rule, more in RULES:
        for kind, delay, steps in DELAYS:
            out = b.text(model, NETWORK.format(model=model, delay=delay, more=", w_max = 2 mV" + more, names=", ".join(rule.names)))
            reckon(b, f"{model}, delays {kind}", out, rule, steps)


def alpha(s, tau):
    return s / tau * exp(1 - s / tau)


def twice(s, rise, decay):
    at = log(decay / rise) * rise * decay / (decay - rise)
    return (exp(-s / decay) - exp(-s / rise)) / (exp(-at / decay) - exp(-at / rise))


@check()
def conductances(b):
    """Conductances of alpha functions and of two exponentials against their closed forms; the block of NMDA against its formula."""
    out = b.text("conductances", """
population pulse : 1 of spike_list { times = [0.9 ms], indices = [0] }
population alpha : 1 of lif_cond_alpha
population twice : 1 of lif_cond_biexp
population nmda : 1 of lif_nmda
connect pulse -> [alpha, twice].Xe : all_to_all { weight = 3 nS, delay = 0.1 ms }
connect pulse -> [alpha, twice].Xi : all_to_all { weight = 2 nS, delay = 0.1 ms }
connect pulse -> nmda.Xn : all_to_all { weight = 3 nS, delay = 0.1 ms }
stimulus -> nmda.I : sine(amplitude = 150 pA, frequency = 20 Hz)
record ge, gi of [alpha, twice] every 0.1 ms
record V, gn, unblocked of nmda every 0.1 ms
run 100 ms
""")
    shapes = (("alpha", "ge", 3.0, lambda s: alpha(s, 2.0)), ("alpha", "gi", 2.0, lambda s: alpha(s, 5.0)),
              ("twice", "ge", 3.0, lambda s: twice(s, 0.5, 5.0)), ("twice", "gi", 2.0, lambda s: twice(s, 1.0, 10.0)),
              ("nmda", "gn", 3.0, lambda s: twice(s, 2.0, 100.0)))
    for name, variable, weight, shape in shapes:
        trace = [frame[0] for frame in out.record(name, variable)]
        error = max(abs(trace[k] / (weight * shape(0.1 * (k - 10))) - 1) for k in range(11, 600))
        b.holds(f"{name}.{variable}: relative error", error, 0, 1e-12)
        b.near(f"{name}.{variable}: peak over the weight", max(trace) / weight, 1, 1e-3)
    v, open_ = ([frame[0] for frame in out.record("nmda", k)] for k in ("V", "unblocked"))
    b.holds("nmda: span of V, mV", max(v) - min(v), 10, 100)
    b.holds("nmda: error of the block", max(abs(u * (1 + exp(-0.062 * x) / 3.57) - 1) for x, u in zip(v, open_)), 0, 1e-14)


@check()
def chance(b):
    """`unreliable` releases as often as its probability says, each synapse for itself."""
    out = b.text("chance", """
population A : 50 of poisson_source { rate = 100 Hz }
neuron counter { state V : mV = 0 mV
  port V }
population C : 40 of counter
connect A -> C : all_to_all using unreliable { weight = 1 mV, p = 0.25 }
record V of C every 9 s
run 10 s
""")
    spikes = sum(t <= 8999.9 for train in out.trains("A", 50) for t in train)
    seen = out.record("C", "V")[1]
    mean, spread = spikes * 0.25, (spikes * 0.25 * 0.75) ** 0.5
    b.holds("released over expected, mean of 40 targets", sum(seen) / 40 / mean, 1 - 4 * spread / mean / 40 ** 0.5, 1 + 4 * spread / mean / 40 ** 0.5, 6)
    b.holds("spread over the binomial one", (sum((x - mean) ** 2 for x in seen) / 40) ** 0.5 / spread, 0.6, 1.5)


@check()
def placing(b):
    """Variables that are stored once for each source or target have the bits that they have when each synapse stores its own."""
    text = """
population A : 40 of poisson_source {{ rate = 300 Hz }}
population B : 60 of lif {{ V = 3 mV*mod(i, 6) }}
stimulus -> B : poisson(rate = 900 Hz) {{ weight = 1.6 mV }}
synapse busy {{
  param w_max : port
  state weight : port
  state n = 0
  state u = 0.1
  state r = 0
  state o = 0
  du/dt = (0.1 - u)/(30 ms)
  dr/dt = -r/(10 ms)
  do/dt = -o/(25 ms)
  on pre {{
    u += 0.2*(1 - u)
    port += weight*u
    weight = clip(weight - 0.01*o*w_max*(1 + 0.1*r), 0, w_max)
    r += 1
    if r > 3 {{ n += 1; r = 0.5*r }}
  }}
  on pre after 5 ms {{ r *= 0.9 }}
  on post after 1 ms {{ o = 0.5*o + 1/(1 + target.V/[mV]) }}
  on post {{ weight = clip(weight + 0.002*r*w_max, 0, w_max); o += 0.3 }}
}}
connect A -> B : indegree(30) using {model} as ab {{ weight = uniform(0 mV, 0.4 mV), w_max = 0.5 mV, delay = 1.2 ms{more} }}
record {names} of ab every 100 ms
run 1 s
"""
    for model, more, names in (("busy", ("n", "u", "r", "o"), "weight, n, u, r, o"), ("stdp_triplet", ("r1", "r2", "o1", "o2"), "weight, r1, r2, o1, o2"),
                               ("tsodyks_markram", ("u",), "x, u")):
        start = {"u": "0.1" if model == "busy" else "0"}
        spread = "".join(f", {k} = {start.get(k, '0')} + 0*j" for k in more)
        top = "" if model != "tsodyks_markram" else "w_max"
        outs = [b.text(model, text.format(model=model, more=m, names=names).replace(", w_max = 0.5 mV" if top else "\0", "")) for m in ("", spread)]
        for name in names.split(", "):
            one, each = (out.read(f"/cortexc/synapses/ab/{name}")[0] for out in outs)
            b.same(f"{model}.{name}: values that differ", sum(x != y for x, y in zip(one, each)), 0)
            b.holds(f"{model}.{name}: different values", len(set(each)), 2, 1e6)
        stem = b.write(model, text.format(model=model, more="", names=names).replace(", w_max = 0.5 mV" if top else "\0", ""))
        said = b.call("check", stem + ".cortex")
        b.same(f"{model}: equations of sources and targets", said.count("one value for each"), {"busy": 3, "stdp_triplet": 4, "tsodyks_markram": 2}[model])


@check()
def static_and_matrix(b):
    """A synapse that only adds its weight is a static one; a matrix gives plastic synapses what a function of i and j would."""
    text = """
synapse mine {
  state weight : port
  on pre { port += weight }
}
let m = [[0, 0.5, 1], [2, 0, 0.25], [0.75, 1.5, 0], [0, 0, 1.25]]
population A : 4 of poisson_source { rate = 100 Hz }
population B : 30 of lif
population C : 3 of lif { V = 12 mV + 2 mV*i }
stimulus -> C : poisson(rate = 900 Hz) { weight = 1.6 mV }
connect A -> B : indegree(5) USING { weight = normal(0.5 mV, 0.1 mV), delay = 2 ms }
connect A -> C : RULE, w_max = 3 mV, delay = 1 ms }
record V of B every 1 ms
record weight of ac at end
run 500 ms
"""
    matrix = "matrix(m*[mV]) using stdp as ac { tau_pre = 20 ms"
    where = "where(m[i][j] > 0) using stdp as ac { weight = m[i][j]*[mV]"
    one, two = (b.text("static_and_matrix", text.replace("USING", using).replace("RULE", rule)) for using, rule in (("", matrix), ("using mine", where)))
    stem = b.write("static_and_matrix", text.replace("USING", "using mine").replace("RULE", matrix))
    b.same("projections that run as plastic ones", b.call("emit", "plan", stem + ".cortex").count("using"), 1)
    b.same("voltages that differ", sum(x != y for a, c in zip(one.record("B", "V"), two.record("B", "V")) for x, y in zip(a, c)), 0)
    w = [out.read("/cortexc/synapses/ac/weight")[0] for out in (one, two)]
    b.same("weights", len(w[0]), 7)
    b.same("weights that differ", sum(x != y for x, y in zip(*w)), 0)
    b.same("weights that moved", sum(abs(x - y) > 1e-3 for x, y in zip(w[0], (0.5, 1, 2, 0.25, 0.75, 1.5, 1.25))), 7)


@check()
def clopath(b):
    """Plasticity of the voltage: every weight reckoned anew from the recorded spikes and the recorded voltages of the targets."""
    out = b.text("clopath", """
population A : 8 of poisson_source { rate = 30 Hz }
population B : 6 of adex_clopath
stimulus -> B.I : ou(mean = 800 pA, sigma = 500 pA, tau = 5 ms)
connect A -> B : all_to_all using clopath as ab { weight = (0.8 + 0.1*mod(7*i + 13*j, 16))*[nS], w_max = 5 nS, delay = (0.1*mod(5*i + 3*j, 31))*[ms] }
record V, u_minus, u_plus of B every 0.1 ms
record weight, x of ab at end
run 1 s
""")
    sources = steps_of(out, "A", 8)
    v, minus, plus = (out.record("B", k) for k in ("V", "u_minus", "u_plus"))
    weight, x = (out.read(f"/cortexc/synapses/ab/{k}")[0] for k in ("weight", "x"))
    worst, up, down = 0.0, 0, 0
    for k, (i, j) in enumerate((i, j) for i in range(8) for j in range(6)):
        w, trace = 0.8 + 0.1 * ((7 * i + 13 * j) % 16), Trace(15.0)
        arrivals = {}
        for s in sources[i]:
            arrivals[s + (5 * i + 3 * j) % 31] = arrivals.get(s + (5 * i + 3 * j) % 31, 0) + 1
        for step in range(10000):
            for _ in range(arrivals.get(step, 0)):
                less = max(minus[step][j] + 70.6, 0)
                down += less > 0
                w = clip(w - 5 * 14e-5 * less, 5.0)
                trace.set(step, trace.at(step) + 1 / 15.0)
            more = max(v[step][j] + 45.3, 0) * max(plus[step][j] + 70.6, 0)
            up += more > 0
            w = clip(w + 5 * 8e-5 * trace.at(step) * more * 0.1, 5.0)
        if 10000 not in arrivals:  # what comes at the last instant would read a voltage that no frame shows
            worst = max(worst, abs(weight[k] - w) / max(w, 0.01), abs(x[k] - 1000 * trace.at(10000)) / 10)
    b.holds("weakenings", down, 300, 10000)
    b.holds("steps with growth", up, 1000, 480000)
    b.holds("relative error of weights and traces", worst, 0, 1e-12)
    b.holds("weights at no bound", sum(0.001 < w < 4.999 for w in weight), 20, 48)
