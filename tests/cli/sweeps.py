"""Sweeps and trials from the command line: every point is the single run that `--set` and `--seed` give."""

import json
import os
import signal
import subprocess
import time

MODEL = """model "swept"
param w = 0.5 mV, n = 300
population E : 60 of lif { V = uniform(0 mV, 19 mV) }
population I : 20 of lif
stimulus -> * : poisson(rate = nu, inputs = n) { weight = w }
connect I -> E : probability(20%) as ie { weight = -g*0.2 mV, delay = 1.5 ms }
record V of E[0:3] every 1 ms
expect rate(E) < 38 Hz
sweep nu = [8 Hz, 10 Hz], g = linspace(0, 4, 3)
sweep (w, n) = [[0.5 mV, 300], [0.6 mV, 280]]
trials 2
simulation { seed = 7 }
run 60 ms
"""

FAILS = """param g = 1
population E : 10 of lif { tau_m = g*10 ms }
stimulus -> E : poisson(rate = 10 Hz, inputs = 250) { weight = 0.6 mV }
run 20 ms
sweep g = [1, 0, -1, 2]
"""


def points(path):
    """The table of a sweep's file, and what is left of the file of each point once it is extracted."""
    import h5py
    with h5py.File(path, "r") as f:
        t = {c: f["/cortexc/sweep/" + c][()] for c in f["/cortexc/sweep"]}
        t["points"] = sorted(int(k) for k in f["/cortexc/points"])
    return t


def extract(path, k, to):
    import h5py
    with h5py.File(path, "r") as f, h5py.File(to, "w") as g:
        g.attrs.update(f[f"/cortexc/points/{k}"].attrs)
        for name in f[f"/cortexc/points/{k}"]:
            f.copy(f"/cortexc/points/{k}/{name}", g, name)


def everything(path):
    """All arrays of a file but those that tell of the machine and the call."""
    import h5py
    out = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset) and name not in ("cortexc/command_line", "cortexc/model"):
            out[name] = node[()].tolist() if node.shape else node[()]

    with h5py.File(path, "r") as f:
        f.visititems(visit)
    return {name: repr(value) for name, value in out.items()}


def sweeps(b, digest):
    b.write("swept.cortex", MODEL)
    done = b.expect(0, "swept.cortex", "--progress", "json", out="swept: 24 points\n  point  nu .Hz.  g  w .mV.    n  seed  E .Hz.  I .Hz.  met\n      0 ")
    ticks = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    b.holds("progress counts points", ticks and ticks[-1]["done"] == ticks[-1]["points"] == 24, str(ticks[-1:]))
    t = points(b.path("swept.h5"))
    b.holds("all points are there", t["points"] == list(range(24)) and set(t["state"]) == {b"done"} and not t["status"].any(), str(t["state"]))
    b.holds("names and units", list(t["name"]) == [b"nu", b"g", b"w", b"n"] and list(t["unit"]) == [b"Hz", b"", b"mV", b""], str(t["unit"]))
    known = [[nu, g, w, n] for nu in (8, 10) for g in (0, 2, 4) for w, n in ((0.5, 300), (0.6, 280)) for _ in range(2)]
    b.holds("the product in order, the last fastest, then trials", t["value"].tolist() == known and t["seed"].tolist() == [7, 8] * 12, str(t["value"]))
    wrong = []
    for k in (0, 5, 10, 15, 23):
        nu, g, w, n = known[k]
        extract(b.path("swept.h5"), k, b.path("point.h5"))
        b.write("single.cortex", MODEL.replace("trials 2\n", ""))
        settings = [f"nu={nu} Hz", f"g={g}", f"w={w} mV", f"n={n}"]
        b.call("single.cortex", "-q", "-o", "single.h5", "--seed", str(7 + k % 2), *[x for s in settings for x in ("--set", s)])
        if digest.digest(b.path("point.h5")) != digest.digest(b.path("single.h5")) or everything(b.path("point.h5")) != everything(b.path("single.h5")):
            wrong.append(k)
    b.holds("points are single runs with --set and --seed, bit for bit", not wrong, str(wrong))
    b.expect(0, "swept.cortex", "-q", "-o", "two.h5", "--threads", "3")
    u = points(b.path("two.h5"))
    b.holds("and do not depend on the number of threads", (u["rate"] == t["rate"]).all())
    b.expect(1, "swept.cortex", "-q", "-o", "two.h5", "--strict")
    b.holds("expectations are counted", 0 < t["met"].sum() < t["expected"].sum() == 24, str(t["met"]))
    b.expect(0, "show", "swept.h5", out="swept: 24 points\n")
    for command in ("stats", "plot"):
        b.expect(65, command, "swept.h5", err="swept.h5 holds 24 runs of a sweep; `cortexc show` prints their table")
    b.holds("nothing but the result is left", not [f for f in os.listdir(b.folder) if ".point-" in f], str(os.listdir(b.folder)))
    b.write("fails.cortex", FAILS)
    b.expect(65, "fails.cortex", err=r"point 1 \(g = 0\) failed with 65:\n", out="2 +-1 +-  failed\n")
    t = points(b.path("fails.h5"))
    b.holds("a point that fails leaves the others", list(t["state"]) == [b"done", b"failed", b"failed", b"done"] and t["points"] == [0, 3], str(t["state"]))
    b.holds("and its message is kept", all(m for m in t["message"][1:3]) and not t["message"][0], str(t["message"]))
    b.write("stops.cortex", "param g = 1\npopulation E : 5 of lif { I = g*300 pA }\nstate n = 0 in [0, 10]\n"
            "every 10 ms { n += count(E, last = 10 ms) }\nsweep g = [1, 3]\nrun 100 ms\n")
    b.expect(65, "stops.cortex", "-q", err=r"outside of \[0, 10\]\ncortexc: the run ended at \S+ ms; what came before is in the output\n")
    b.expect(65, "swept.cortex", "-q", "--set", "w=1 mV", err="swept together")
    b.expect(73, "fails.cortex", "-o", "swept.h5", err="no output of this model")
    b.write("long.cortex", MODEL.replace("run 60 ms", "run 10 s"))
    run = subprocess.Popen([b.program, "long.cortex", "-q", "-o", "long.h5", "--threads", "2"], cwd=b.folder, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    run.send_signal(signal.SIGTERM)
    _, err = run.communicate(timeout=60)
    t = points(b.path("long.h5"))
    b.holds("SIGTERM ends a sweep with what there is", run.returncode == 143 and b"interrupted" in set(t["state"]) and b"not run" in set(t["state"]),
            f"{run.returncode} {err} {t['state']}")
