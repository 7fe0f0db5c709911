#!/usr/bin/env python3
"""The command line: exit statuses, what goes to stdout and what to stderr, files that are kept or refused.

    run.py CORTEXC"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import digest
from sweeps import sweeps

MODEL = """model "small"
param g = 1
population E : 50 of lif
stimulus -> E : poisson(rate = 10 Hz, inputs = 250) { weight = g * 0.6 mV }
run 100 ms
"""


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder, self.n, self.failed = program, folder, 0, 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def call(self, *args, **more):
        return subprocess.run([self.program, *args], cwd=self.folder, capture_output=True, text=True, errors="replace",
                              timeout=120, **more)

    def expect(self, status, *args, err=None, out=None):
        """Runs; the exit status must be `status`, stderr and stdout must hold the given patterns."""
        done = self.call(*args)
        self.holds(f"cortexc {' '.join(a[:60] for a in args)}: exit {status}", done.returncode == status,
                   f"exit {done.returncode}\n{done.stderr[-2000:]}")
        for what, text, pattern in (("stderr", done.stderr, err), ("stdout", done.stdout, out)):
            if pattern is not None:
                self.holds(f"   its {what} matches /{pattern}/",
                           re.search(pattern, text) if pattern else not text, text[-2000:])
        return done

    def holds(self, what, truth, more=""):
        self.n += 1
        print(f"{'ok  ' if truth else 'FAIL'} {what}")
        if not truth:
            self.failed += 1
            print(more)


def usage(b):
    b.expect(0, "--version", out=r"^cortexc \d+\.\d+\.\d+\n$", err="")
    b.expect(0, "--help", out="exit status", err="")
    b.expect(64, err="")
    b.expect(64, "--no-such-option", err="--no-such-option", out="")
    b.expect(64, "-o", err="needs its argument")
    b.expect(64, "--threads", "0", "m.cortex", err="1 to 1024")
    b.expect(64, "--seed", "-1", "m.cortex", err="whole number")
    b.expect(64, "--set", "g", "m.cortex", err="NAME=VALUE")
    b.expect(64, "--color", "blue", "m.cortex", err="auto, always or never")
    b.expect(64, "--progress", "dots", "m.cortex", err="dots")
    b.expect(64, "--backend", "none", "m.cortex", err="none")
    b.expect(64, "--explain", "no-such-id", err="no-such-id")
    b.expect(64, "list", "flowers", err="flowers")
    b.expect(64, "check")
    b.expect(64, "m.cortex", "second.cortex")


def inputs(b):
    b.expect(66, "missing.cortex", err="missing.cortex")
    b.expect(66, "check", "missing.cortex", err="missing.cortex")
    b.expect(66, "show", "missing.h5", err="missing.h5")
    b.expect(66, ".")
    b.expect(66, "show", "m.cortex", err="HDF5")
    b.write("long.cortex", "let a = 1 # " + "x" * (1 << 20) + "\n")
    b.expect(65, "check", "long.cortex", err=r"\[line-too-long\]")
    b.expect(65, "m.cortex", "--set", "h=2", err=r"\[set-unknown\]")
    b.expect(65, "m.cortex", "--set", "g=2 mV", err=r"\[unit-mismatch\]")
    b.expect(65, "m.cortex", "--duration", "2 mV", err=r"\[unit-mismatch\]")
    b.expect(65, "m.cortex", "--duration", "0.05 ms", err=r"\[off-grid\]")


def outputs(b):
    b.expect(0, "m.cortex", "-q", err="", out="")
    b.holds("without -o the output is named after the model", os.path.exists(b.path("m.h5")))
    b.expect(0, "run", "m.cortex", "-o", "a.h5", "--threads", "1", out="E")
    b.holds("`run` and no word are the same", digest.digest(b.path("a.h5")) == digest.digest(b.path("m.h5")))
    b.expect(0, "show", "a.h5", out="E")
    b.expect(0, "m.cortex", "-o", "a.h5", "-q", "--set", "g=2", "--seed", "9", "--duration", "50 ms")
    b.holds("--set, --seed and --duration change what comes", "steps 500 of 500, dt 0.1 ms, seed 9" in digest.digest(b.path("a.h5")),
            digest.digest(b.path("a.h5")))
    b.write("notes.h5", "not an output")
    b.expect(73, "m.cortex", "-o", "notes.h5", "-q", err="notes.h5")
    with open(b.path("notes.h5"), encoding="utf-8") as f:
        b.holds("a foreign file is not overwritten", f.read() == "not an output")
    b.expect(0, "m.cortex", "-o", "notes.h5", "-q", "--force")
    b.write("other.cortex", MODEL.replace("small", "other"))
    b.expect(73, "other.cortex", "-o", "a.h5", "-q", err="a.h5")
    b.expect(73, "m.cortex", "-o", "no/such/folder/a.h5", "-q", err="no/such/folder")
    b.expect(73, "m.cortex", "-o", ".", "-q")
    b.holds("nothing unfinished is left behind", not [f for f in os.listdir(b.folder) if f.endswith(".tmp")], str(os.listdir(b.folder)))
    if os.path.exists("/dev/full"):
        done = subprocess.run([b.program, "--help"], stdout=open("/dev/full", "w", encoding="utf-8"), stderr=subprocess.PIPE)
        b.holds("a full disk behind stdout is an error", done.returncode == 74, str(done.returncode))


def explodes(b):
    """A run that leaves the finite numbers ends there, says where, and keeps what came before."""
    b.write("explodes.cortex", """neuron cell {
  state x = 1
  dx/dt = x*x*x / (1 ms)
}
population E : 3 of cell
record x of E every 0.1 ms
run 100 ms
""")
    b.expect(65, "explodes.cortex", "-o", "explodes.h5", "-q", err=r"`x` of neuron 0 of `E` is not finite at [\d.]+ ms \[non-finite\]")
    b.holds("   what came before is in the file", os.path.exists(b.path("explodes.h5")))


ROBERTSON = """neuron robertson {{
  state x = 1
  state y = 0
  state z = 0
  dx/dt = (-0.04*x + 1e4*y*z)/(1 ms)
  dy/dt = (0.04*x - 1e4*y*z - 3e7*y^2)/(1 ms)
  dz/dt = 3e7*y^2/(1 ms)
  method = {method}
}}
population P : 200 of robertson {{ x = if mod(i, 50) == 7 then 1 else 0 }}
population Q : 3 of lif
simulation {{ dt = {dt} ms }}
run 2 ms
"""


def too_long(b):
    """Steps that are far too long for `stiff` and `adaptive` are told at the end, the same for any number of threads."""
    for method in ("stiff", "adaptive"):
        b.write("robertson.cortex", ROBERTSON.format(method=method, dt=0.005))
        said = [b.expect(0, "robertson.cortex", "-q", "--force", "--threads", n,
                         err=r"^cortexc: warning: \d+ steps of neurons of `P` were too long for the method, the first one that of neuron 7 from 0 ms on; "
                             r"take a smaller `dt`\n$").stderr for n in ("1", "2", "3")]
        b.holds(f"{method}: the same for 1, 2 and 3 threads", len(set(said)) == 1, said)
        b.write("robertson.cortex", ROBERTSON.format(method=method, dt=0.001))
        b.expect(0, "robertson.cortex", "-q", "--force")


def protocols(b):
    """What blocks must not set, and moments that are over, end the run; --duration cuts it without a change."""
    b.write("protocol.cortex", """population E : 3 of lif
connect E -> E : all_to_all as ee { weight = 1 mV }
state n : int = 0 in [0, 3]
record n every 10 ms
record V of E every 10 ms
every 10 ms { n += 1 }
run 1 s until n == 3
at 25 ms { E.tau_m = 12 ms }
run 20 ms
""")
    b.expect(65, "protocol.cortex", "-o", "protocol.h5", "-q", err=r"protocol.cortex:6:15: `n` would become 4 at 30 ms, outside of \[0, 3\]")
    b.holds("   what came before is in the file", digest.digest(b.path("protocol.h5")).startswith("steps 300 of 10200"))
    b.expect(0, "protocol.cortex", "-o", "protocol.h5", "-q", "--duration", "25 ms", "--force")
    b.holds("--duration cuts the runs", digest.digest(b.path("protocol.h5")).startswith("steps 200 of 250"), digest.digest(b.path("protocol.h5")))
    for line, told in (("set E.V = 1/n*[mV]", r"`E\.V` of neuron 0 would become inf at 5 ms"), ("set ee.weight = n*[mV]/(n + 1) - i/n*[mV]", "of synapse 0 -> 1 would become"),
                       ("set E.t_ref = -1 ms*(1 - n)", r"outside of \[0, inf\)"), ("set E.V = mean(ee.weight)/n", "would become inf")):
        b.write("wrong.cortex", f"population E : 3 of lif\nconnect E -> E : all_to_all as ee {{ weight = 1 mV }}\nstate n = 0\nrun 5 ms\n{line}\nrun 5 ms\n")
        b.expect(65, "wrong.cortex", "-o", "wrong.h5", "-q", "--force", err=told)
    b.write("late.cortex", "population E : 3 of lif\nstate n = 0\nrun 1 s until t == 20 ms\nat 10 ms { n = 1 }\nrun 5 ms\n")
    b.expect(65, "late.cortex", "-o", "late.h5", "-q", err=r"late.cortex:4:1: the moment 10 ms is over when the model comes here, at 20 ms")


def progress(b):
    done = b.expect(0, "m.cortex", "-o", "p.h5", "--progress", "json")
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    b.holds("--progress json prints an object a line", lines and all(isinstance(json.loads(line), dict) for line in lines), done.stderr)
    done = b.call("check", "broken.cortex", "--color", "always")
    b.holds("--color always colours", "\033[" in done.stderr, done.stderr)
    done = b.call("check", "broken.cortex")
    b.holds("without a terminal nothing is coloured", "\033[" not in done.stderr and done.returncode == 65, done.stderr)


def profiled(b):
    b.expect(0, "m.cortex", "-o", "plain.h5", "-q", out="")
    for threads in ("1", "2"):
        done = b.expect(0, "m.cortex", "-o", "profile.h5", "-q", "--profile", "--threads", threads, out="random numbers")
        rows = {m[1]: float(m[2]) for m in re.finditer(r"^(\w[\w ]*?) +(-?[\d.]+) +-?[\d.]+$", done.stdout, re.M)}
        parts = [s for name, s in rows.items() if name != "whole"]
        b.holds("   the parts are all there, and sum up to the whole",
                len(parts) == 9 and min(parts) >= -0.002 and abs(sum(parts) - rows["whole"]) < 0.02, done.stdout)
        b.holds("   and the results are those without it", digest.digest(b.path("profile.h5")) == digest.digest(b.path("plain.h5")))
    b.write("swept.cortex", MODEL + "trials 2\n")
    b.expect(64, "swept.cortex", "-o", "swept.h5", "--profile", err="one run")


def interrupted(b):
    b.write("long-run.cortex", MODEL.replace("50 of", "2000 of").replace("run 100 ms", "run 1000 s"))
    for sent, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        child = subprocess.Popen([b.program, "long-run.cortex", "-o", "stopped.h5", "--progress", "json"], cwd=b.folder,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = child.stderr.readline()  # it has begun
        time.sleep(0.3)
        child.send_signal(sent)
        _, rest = child.communicate(timeout=60)
        b.holds(f"{sent.name} ends a run with {status}", child.returncode == status, f"{child.returncode}\n{line}{rest[-2000:]}")
        b.holds("   and leaves a complete file of what was simulated",
                re.match(r"steps (\d+) of 10000000", digest.digest(b.path("stopped.h5")))[1] not in ("0", "10000000"))


def listings(b):
    for what in ("models", "rules", "stimuli", "measures", "units", "functions", "integrators", "diagnostics"):
        done = b.expect(0, "list", what, out=r"\w", err="")
        b.holds(f"   `list {what}` has several lines", len(done.stdout.splitlines()) > 1, done.stdout)
    b.expect(0, "list", "models", "lif", out="tau_m")
    b.expect(0, "list", "rules", "indegree", out="indegree")
    b.expect(64, "list", "models", "no_such_model", err="no_such_model")
    with open(os.path.join(ROOT, "base", "diag.def"), encoding="utf-8") as f:
        ids = re.findall(r'^DIAG\(\w+, "([\w-]+)"', f.read(), re.M)
    silent = [i for i in ids if b.call("--explain", i).returncode or not b.call("--explain", i).stdout.strip()]
    b.holds(f"--explain tells the story of all {len(ids)} diagnostics", ids and not silent, str(silent))


def stages(b):
    for stage in ("ast", "ir", "plan"):
        b.expect(0, "emit", stage, "m.cortex", out="E", err="")
    b.expect(64, "emit", "poem", "m.cortex", err="poem")
    b.expect(0, "emit", "plan", os.path.join(ROOT, "tests/golden/run/together.cortex"), err="",
             out=r"kernel \d+, reads pool\[1\]\.V\n(.|\n)*  on event of VTA\[1\]\.spike \(2 neurons\), after 20 steps\n"
                 r"(.|\n)*at#1 at step 150: \d+ acts, sets pool\[1\]\.tau_e, ")
    b.expect(0, "check", "m.cortex", out="exact")
    for folder in ("models", "tests/bench"):
        for name in sorted(os.listdir(os.path.join(ROOT, folder))):
            if name.endswith(".cortex"):
                b.expect(0, "check", os.path.join(ROOT, folder, name))


def swept(b):
    sweeps(b, digest)


def main():
    with tempfile.TemporaryDirectory() as folder:
        b = Bench(os.path.abspath(sys.argv[1]), folder)
        b.write("m.cortex", MODEL)
        b.write("broken.cortex", MODEL.replace("0.6 mV", "0.6 pA"))
        for part in (usage, inputs, outputs, explodes, too_long, protocols, progress, profiled, interrupted, listings, stages, swept):
            print(f"-- {part.__name__}")
            part(b)
        print(f"cli: {b.n} checks, {b.failed} failures")
        return 1 if b.failed else 0


sys.exit(main())
