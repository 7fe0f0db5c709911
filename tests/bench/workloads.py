"""The workloads: which model, for how long, who can run it, and what is asked of it."""

import os
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "models")


@dataclass
class Workload:
    """One row. Ratios are peer over cortexc; every demand is a pair (bar, aim)."""
    label: str
    title: str
    model: str
    ms: int
    settings: list = field(default_factory=list)
    threads: tuple = (1,)                          # of cortexc
    brian2: tuple = ()                             # threads of the peer; empty: it does not run this one
    nest: tuple = ()
    cold: bool = False                             # also as a whole process that finds no compiled kernels
    elsewhere: dict = field(default_factory=dict)  # name: seconds of one thread, measured earlier on two cores of an EPYC (Zen 4)
    ratio: dict = field(default_factory=dict)      # (name, threads): demand on the ratio of simulation proper
    cold_ratio: dict = field(default_factory=dict)  # name: demand on the ratio of whole processes
    gain: tuple = ()                               # demand on one thread over two threads
    most: dict = field(default_factory=dict)       # (quantity, threads or "cold"): demand on a figure of cortexc itself

    def command(self, ms):
        """What to type to run it alone."""
        path = os.path.relpath(self.model, os.path.dirname(os.path.dirname(HERE)))
        return " ".join(["cortexc", path, *(f"--set {s}" for s in self.settings), f'--duration "{ms:g} ms"'])


def shipped(name):
    return os.path.join(MODELS, name + ".cortex")


def own(name):
    return os.path.join(HERE, name + ".cortex")


COLD = {"brian2": (20, 40)}
WORKLOADS = {
    "cuba": Workload("W1", "CUBA: 4,000 neurons with synaptic currents", shipped("brette2007_cuba"), 10_000, threads=(1, 2),
                     brian2=(1,), nest=(1, 2), cold=True, ratio={("brian2", 1): (3, 5)}, cold_ratio=COLD),
    "coba": Workload("W2", "COBA: 4,000 neurons with conductances, exponential Euler", shipped("brette2007_coba"), 10_000,
                     threads=(1, 2), brian2=(1,), nest=(1, 2), cold=True, ratio={("brian2", 1): (5, 8)}, cold_ratio=COLD),
    "cobahh": Workload("W3", "COBAHH: 4,000 Hodgkin-Huxley neurons, exponential Euler", shipped("brette2007_cobahh"), 1_000,
                       threads=(1, 2), brian2=(1,), nest=(1, 2), cold=True, ratio={("brian2", 1): (6, 10)}, cold_ratio=COLD),
    "brunel": Workload("W4", "Brunel 2000: 12,500 neurons, 15.6 M synapses, delta pulses", shipped("brunel2000"), 1_000,
                       threads=(1, 2), brian2=(1,), nest=(1, 2), elsewhere={"GeNN": 4.8}, ratio={("GeNN", 1): (5, 7)}, gain=(1.7, 1.9)),
    "brunel10": Workload("W4x10", "the same with 125,000 neurons, 156 M synapses", shipped("brunel2000"), 1_000,
                         settings=["cells=125000"], threads=(1, 2), nest=(2,), elsewhere={"GeNN": 50}, ratio={("GeNN", 1): (6, 10)}),
    "column": Workload("W5", "Potjans & Diesmann 2014: 77,169 neurons, 299 M synapses", shipped("potjans_diesmann2014"), 1_000,
                       threads=(1, 2), nest=(2,), elsewhere={"GeNN": 34.6}, ratio={("GeNN", 1): (6, 12), ("nest", 2): (45, 150)},
                       most={("sim", 2): (3.4, 1), ("build", 2): (10, 4), ("peak", 2): (2800, 2200)}),
    "fifth": Workload("W5/5", "a fifth of that: 15,435 neurons, 12 M synapses", shipped("potjans_diesmann2014"), 1_000,
                      settings=["scale=0.2"], threads=(1, 2), nest=(1, 2), elsewhere={"GeNN": 2.7}),
    "plastic": Workload("W6", "plastic balanced network: 11,250 neurons, 127 M synapses, 81 M plastic", own("plastic"), 1_000,
                        threads=(1, 2), nest=(2,), ratio={("nest", 2): (8, 15)}, most={("peak", 2): (1600, 1100)}),
    "ten": Workload("W7", "the smallest: ten neurons", own("ten"), 100, brian2=(1,), nest=(1,), cold=True,
                    most={("whole", "cold"): (0.050, 0.015)}),
    "adex": Workload("W8", "AdEx with conductances: 5,000 neurons, 400 afferents, 2.25 M synapses, Euler", own("adex"), 1_500,
                     threads=(1, 2), brian2=(1,), cold=True, ratio={("brian2", 1): (4, 8)}, cold_ratio=COLD),
    "adex_rk4": Workload("W8rk4", "the same by Runge-Kutta, as the shipped model is", shipped("adex_afferent"), 1_500,
                         threads=(1, 2), brian2=(1,), cold=True),
    "threads": Workload("threads", "100,000 neurons of in-degree 100", own("threads"), 500, threads=(1, 2), gain=(1.7, 1.9)),
}

# The cost of a synaptic event as the network grows: neurons, simulated ms.
GROW = {1_000: 10_000, 10_000: 1_000, 100_000: 200, 1_000_000: 100}
GROW_INDEGREE = 1_000
GROW_FACTOR = 2


def find(name):
    """The key of a workload that is given by its name or label, in small or capital letters; None if there is none."""
    for key, w in WORKLOADS.items():
        if name.lower() in (key, w.label.lower()):
            return key
    return None
