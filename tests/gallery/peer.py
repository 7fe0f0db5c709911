"""What the comparisons with other simulators share: runs of our models, and rows that hold two results against each other."""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = {}


def example(function):
    """Enrols a comparison; it takes `ours` and yields rows."""
    EXAMPLES[function.__name__] = function
    return function


class Result:
    """What a run of ours left behind."""

    def __init__(self, path):
        self.path = path        # the next run overwrites it
        with h5py.File(path) as f:
            about = f["cortexc"]
            self.duration = float(about.attrs["duration"])
            self.synapses = int(about.attrs["synapses"])
            table = about["populations"]
            self.cells = dict(zip(table["name"].asstr()[...], (int(n) for n in table["cells"][...])))
            self.times = {p: s["timestamps"][...] for p, s in f["spikes"].items()}
            self.ids = {p: s["node_ids"][...] for p, s in f["spikes"].items()}
            self.traces = {(p, v): d[...] for p, vs in about.get("record", {}).items() for v, d in vs.items()}
            self.weights = {(p, v): d[...] for p, vs in about.get("synapses", {}).items() for v, d in vs.items()}

    def edges(self, projection):
        """Numbers of sources and of targets and the weights, where the connectivity was recorded; `projection` is `E__I__port`."""
        with h5py.File(self.path) as f:
            return [f["edges"][projection][k][...] for k in ("source_node_id", "target_node_id", "0/syn_weight")]

    def rate(self, population, start=0.0):
        """Mean rate in Hz from `start` ms on."""
        n = (self.times[population] > start).sum()
        return 1000.0 * n / self.cells[population] / (self.duration - start)

    def trains(self, population):
        """Times of each cell."""
        return [self.times[population][self.ids[population] == k] for k in range(self.cells[population])]


class Ours:
    """Runs models/gallery/FOLDER/NAME.cortex, or models/NAME.cortex where no such model is."""

    def __init__(self, program, folder):
        self.program, self.folder = os.path.abspath(program), folder
        self.temporary = tempfile.mkdtemp(prefix="cortexc-gallery-")

    def __call__(self, name, duration=None, seed=None, edits=(), **settings):
        """Result of one run; `edits` are pairs of texts (old, new)."""
        models = os.path.join(ROOT, "models")
        path = os.path.join(models, "gallery", self.folder, name + ".cortex")
        with open(path if os.path.exists(path) else os.path.join(models, name + ".cortex"), encoding="utf-8") as f:
            text = f.read()
        for old, new in edits:
            if old not in text:
                raise RuntimeError(f"{name} does not contain `{old}`")
            text = text.replace(old, new)
        words = ["--duration", duration] if duration else []
        words += ["--seed", str(seed)] if seed is not None else []
        for key, value in settings.items():
            words += ["--set", f"{key}={value}"]
        return self.text(text, name, *words)

    def text(self, text, name="model", *words):
        """Result of a model that is given as text."""
        model, out = os.path.join(self.temporary, name + ".cortex"), os.path.join(self.temporary, name + ".h5")
        with open(model, "w", encoding="utf-8") as f:
            f.write(text)
        subprocess.run([self.program, model, "-o", out, "-q", "--force", "--progress", "none", "--threads", "1", *words], check=True)
        return Result(out)


def trace(what, peer, ours, allowed=1e-6):
    """Largest difference between two arrays of the same shape."""
    peer, ours = numpy.asarray(peer), numpy.asarray(ours)
    if peer.shape != ours.shape:
        return what, f"shape {peer.shape}", f"shape {ours.shape}", False
    worst = float(abs(peer - ours).max()) if peer.size else 0.0
    return what, f"{peer.min():.4g} to {peer.max():.4g}", f"differs by {worst:.1e} at most", worst <= allowed


def same(what, peer, ours):
    """Two numbers that must be equal."""
    return what, f"{peer}", f"{ours}", peer == ours


def differ(what, peer, ours, expected):
    """A row of docs/differences.md: both values must be the expected pair."""
    return what, f"{peer}", f"{ours}", (peer, ours) == expected


def mean(what, peer, ours, unit="Hz"):
    """Means over several runs, which must agree within three standard errors of their difference."""
    peer, ours = numpy.asarray(peer, float), numpy.asarray(ours, float)
    sem = [x.std(ddof=1) / len(x) ** 0.5 for x in (peer, ours)]
    apart = abs(peer.mean() - ours.mean()) / (numpy.hypot(*sem) or 1e-300)
    good = apart <= 3
    return (f"{what} ({len(peer)}, {len(ours)} runs)", f"{peer.mean():.4g} +- {sem[0]:.2g} {unit}",
            f"{ours.mean():.4g} +- {sem[1]:.2g} {unit}, {apart:.1f} standard errors apart", good)


def main(folder, doc):
    """The command line: CORTEXC [EXAMPLE …]."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(doc)
        return 64
    ours, failed = Ours(sys.argv[1], folder), 0
    for name in sys.argv[2:] or EXAMPLES:
        for what, peer, mine, good in EXAMPLES[name](ours):
            print(f"{'ok  ' if good else 'FAIL'} {name}: {what}: {folder} {peer}; cortexc {mine}", flush=True)
            failed += not good
    return 1 if failed else 0
