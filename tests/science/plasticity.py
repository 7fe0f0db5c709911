"""Rules of plasticity beyond one synapse by itself, and those that models bring along: final weights reckoned anew in plain loops from the
recorded spikes and the equations of the papers."""

import os
import re

from bench import NETWORKS, check
from library import DELAYS, NETWORK, STEPS, TOP, Pairs, reckon, start, steps_of
from synapses import Trace, clip


@check()
def homeostatic(b):
    """The final weights of `homeostatic`, whose synapses onto a target share what every scaling leaves of their sum."""
    for kind, delay, steps in DELAYS:
        more = ", w_max = 2 mV, w_sum = 6 mV, interval = 80 ms"
        out = b.text("homeostatic", NETWORK.format(model="homeostatic", delay=delay, more=more, names="weight, x, y"))
        a, t = steps_of(out, "A", 8), steps_of(out, "B", 6)
        got = [out.read(f"/cortexc/synapses/ab/{k}")[0] for k in ("weight", "x", "y")]
        worst, factors = 0.0, []
        for j in range(6):
            synapses = [Pairs(start(i, j)) for i in range(8)]
            todo = [(s + steps(i, j), 0, i) for i in range(8) for s in a[i]] + [(s, 1, i) for i in range(8) for s in t[j]]
            todo += [(s, 2, 0) for s in range(0, STEPS, 800)]  # the one due at the end belongs to a further run
            for step, what, i in sorted(todo):
                if what == 2:
                    factor = 6.0 / sum(synapse.w for synapse in synapses)
                    for synapse in synapses:
                        synapse.w *= factor
                    factors.append(abs(factor - 1))
                elif step <= STEPS:
                    (synapses[i].post if what else synapses[i].pre)(step)
            for i, synapse in enumerate(synapses):
                for g, v in zip(got, (synapse.w, synapse.x.at(STEPS), synapse.y.at(STEPS))):
                    worst = max(worst, abs(g[6 * i + j] / v - 1))
        b.same(f"delays {kind}: scalings", len(factors), 6 * 50)
        b.holds(f"delays {kind}: mean change by a scaling", sum(factors) / len(factors), 1e-3, 0.5)
        b.holds(f"delays {kind}: relative error of weights and traces", worst, 0, 1e-12)


class Balancing:
    """Inhibition that balances excitation (Vogels and others 2011)."""
    names = ("weight", "x", "y")

    def __init__(self, w):
        self.w, self.x, self.y = w, Trace(20.0), Trace(20.0)

    def pre(self, step):
        self.x.set(step, self.x.at(step) + 1)
        self.w = clip(self.w + (self.y.at(step) - 2.1) * 0.01, TOP)

    def post(self, step):
        self.y.set(step, self.y.at(step) + 1)
        self.w = clip(self.w + self.x.at(step) * 0.01, TOP)

    def values(self, step):
        return self.w, self.x.at(step), self.y.at(step)


class PowerLaw:
    """Strengthening by a power of the weight (Morrison, Aertsen & Diesmann 2007)."""
    names = ("weight", "x", "y")

    def __init__(self, w):
        self.w, self.x, self.y = w, Trace(15.0), Trace(30.0)

    def pre(self, step):
        self.w = max(self.w - 0.02 * 0.5 * self.w * self.y.at(step), 0.0)
        self.x.set(step, self.x.at(step) + 1)

    def post(self, step):
        self.w += 0.02 * self.w ** 0.4 * self.x.at(step)
        self.y.set(step, self.y.at(step) + 1)

    def values(self, step):
        return self.w, self.x.at(step), self.y.at(step)


class Learning:
    """Growth where the source fired shortly before, decay where it did not (Diehl & Cook 2015)."""
    names = ("weight", "x")

    def __init__(self, w):
        self.w, self.x = w, Trace(20.0)

    def pre(self, step):
        self.x.set(step, 1.0)

    def post(self, step):
        self.w = clip(self.w + 0.05 * (self.x.at(step) - 0.4) * TOP, TOP)

    def values(self, step):
        return self.w, self.x.at(step)


OF_MODELS = (("gallery/brian2/vogels2011", "balancing", Balancing, ", eta = 0.01, alpha = 2.1, w_max = 2 mV"),
             ("gallery/nest/hpc_benchmark", "power_law", PowerLaw, ", lambda = 0.02, alpha = 0.5"),
             ("diehl_cook2015", "learning", Learning, ", w_max = 2 mV"))


def own_synapse(path, name):
    """The synapse `name` as the model declares it, with its weight in mV."""
    with open(os.path.join(NETWORKS, path + ".cortex"), encoding="utf-8") as f:
        text = f.read()
    block = text[text.index(f"synapse {name} {{"):]
    return re.sub(r"\b(nS|pA)\b", "mV", block[:block.index("\n}\n") + 3]).replace("w_max = 1\n", "w_max = 1 mV\n")


@check()
def rules_of_models(b):
    """The final weights of the rules that models of the collection declare themselves, with delays that differ and with one for all."""
    for path, name, rule, more in OF_MODELS:
        for kind, delay, steps in DELAYS:
            text = NETWORK.format(model=name, delay=delay, more=more, names=", ".join(rule.names))
            reckon(b, f"{name}, delays {kind}", b.text(name, own_synapse(path, name) + text), rule, steps)
