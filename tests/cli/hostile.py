#!/usr/bin/env python3
"""Bad input of every kind: a clear message, the right status, no crash, no partial file, nothing left over.

    hostile.py CORTEXC"""

import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time

MODEL = """population E : 50 of lif
stimulus -> E : poisson(rate = 10 Hz, inputs = 250) { weight = 0.6 mV }
run 100 ms
"""
LIF = "population E : 1 of lif\nrun 1 ms\n"
CRASH = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|Segmentation|internal error|assertion failed")


def with_line(line):
    return MODEL.replace("run ", line + "\nrun ")


def chain(n, text, first):
    return first + "".join(text.format(k=k, p=k - 1) for k in range(1, n))


# name -> (text or bytes of the model, exit status, pattern of the message)
MODELS = {
    "empty": ("", 65, r"empty\.cortex:1:1: .*\[no-population\]"),
    "comments": ("# one\n## two\n\n", 65, r"\[no-population\]"),
    "junk": (bytes((k * 7919 + k // 251) % 256 for k in range(5000)), 65, r"junk\.cortex:1:\d+: error"),
    "nul": (MODEL.replace("E :", "E\0 :"), 65, r"U\+0000"),
    "utf16": (MODEL.encode("utf-16"), 65, r"error"),
    "crlf": (MODEL.replace("\n", "\r\n"), 0, ""),
    "bom": (b"\xef\xbb\xbf" + MODEL.encode(), 0, ""),
    "no_end": (MODEL.rstrip("\n"), 0, ""),
    "parens": ("let a = " + "(" * 100000 + "1" + ")" * 100000 + "\n" + MODEL, 65, r"\[nesting-too-deep\]"),
    "lists": ("let a = " + "[" * 5000 + "1" + "]" * 5000 + "\n" + MODEL, 65, r"\[nesting-too-deep\]"),
    "ifs": ("let a = " + "if true then " * 5000 + "1" + " else 2" * 5000 + "\n" + MODEL, 65, r"\[nesting-too-deep\]"),
    "blocks": ("if true {\n" * 5000 + "}\n" * 5000, 65, r"\[nesting-too-deep\]"),
    "sum": ("let a = " + "1+" * 5000 + "1\n" + MODEL, 65, r"\[nesting-too-deep\]"),
    "deep_enough": ("let a = " + "(" * 900 + "1" + ")" * 900 + "\n" + MODEL, 0, ""),
    "lets": (chain(5000, "let a{k} = a{p} + 1\n", "let a0 = 1\n") + LIF, 0, ""),
    "lets_back": ("".join(f"let a{k} = a{k + 1} + 1\n" for k in range(5000)) + "let a5000 = 1\n" + LIF, 65, r"\[nesting-too-deep\]"),
    "doubling_functions": (chain(60, "function f{k}(x) = f{p}(x) + f{p}(x)\n", "function f0(x) = x\n") + "let y = f59(1)\n" + LIF, 65,
                           r"\[nesting-too-deep\]"),
    "doubling_lists": (chain(100, "let a{k} = [a{p}, a{p}]\n", "let a0 = [1, 2]\n") + "let s = a99 + 1\n" + LIF, 65, r"\[nesting-too-deep\]"),
    "doubling_populations": ("population E : 1 of lif\n" + chain(100, "let a{k} = [a{p}, a{p}]\n", "let a0 = [E, E]\n") +
                             "record V of a99 every 1 ms\nrun 1 ms\n", 65, r"\[nesting-too-deep\]"),
    "derived": (chain(300, "neuron a{k} of a{p} {{ }}\n", "neuron a0 of lif { }\n") + "population E : 1 of a299\nrun 1 ms\n", 65,
                r"\[nesting-too-deep\]"),
    "circle": ("neuron a of b { }\nneuron b of a { }\npopulation E : 1 of a\nrun 1 ms\n", 65, r"\[cyclic-definition\]"),
    "imports_itself": ('import "imports_itself.cortex"\n' + MODEL, 65, r"\[cyclic-import\]"),
    "imports_folder": ('import "folder"\n' + MODEL, 65, r"\[import-not-found\]"),
    "imports_nothing": ('import "nothing.cortex"\n' + MODEL, 65, r"\[import-not-found\]"),
    "no_neurons": (MODEL.replace("50", "0"), 65, r"\[bad-count\]"),
    "too_many_neurons": (MODEL.replace("50", "1e12"), 65, r"\[bad-count\]"),
    "too_many_synapses": (with_line("connect E -> E : all_to_all { weight = 1 mV }").replace("50 of", "2e6 of"), 75, r"synapses"),
    "no_duration": (MODEL.replace("100 ms", "0 s"), 65, r"\[bad-interval\]"),
    "long_duration": (MODEL.replace("100 ms", "1e300 s"), 65, r"\[bad-interval\]"),
    "endless": (MODEL.replace("100 ms", "inf"), 65, r"\[bad-interval\]"),
    "dt_zero": ("simulation { dt = 0 ms }\n" + MODEL, 65, r"\[out-of-range\]"),
    "dt_negative": ("simulation { dt = -1 ms }\n" + MODEL, 65, r"\[out-of-range\]"),
    "dt_tiny": ("simulation { dt = 1e-300 ms }\n" + MODEL, 65, r"\[out-of-range\]"),
    "dt_nan": ("simulation { dt = 0/0 * 1 ms }\n" + MODEL, 65, r"\[non-finite-constant\]"),
    "nan_delay": (with_line("connect E -> E : all_to_all { weight = 1 mV, delay = (1 ms)*sqrt(uniform(-2, -1)) }"), 65, r"not a number"),
    "nan_weight": (with_line("connect E -> E : all_to_all { weight = (1 mV)*sqrt(uniform(-2, -1)) }"), 65, r"not a finite number"),
    "negative_delay": (with_line("connect E -> E : all_to_all { weight = 1 mV, delay = uniform(-2 ms, -1 ms) }"), 65, r"negative"),
    "long_delay": (with_line("connect E -> E : all_to_all { weight = 1 mV, delay = uniform(1e9 s, 2e9 s) }"), 65, r"longer than"),
    "bad_probability": (with_line("connect E -> E : probability(0.1*i) { weight = 1 mV }"), 65, r"between 0 and 1"),
    "rate": (MODEL.replace("10 Hz", "1e30 Hz"), 65, r"events a step"),
    "negative_rate": (MODEL.replace("10 Hz", "10 Hz*sin(t/(1 ms))"), 65, r"neuron 0 has a rate"),
}
# what ends while it runs leaves a file of what came before
RUNS = {
    "nan": ("neuron x { state V : mV = 0 mV; dV/dt = (1 mV/ms)*sqrt(-1 - V/(1 mV)) }\npopulation E : 3 of x\nrun 10 ms\n", r"\[non-finite\]"),
    "inf": ("neuron x { state V : mV = 1 mV; dV/dt = V*V/(1 mV*ms) }\npopulation E : 3 of x\nrun 1000 ms\n", r"`V` of neuron 0 of `E` is not finite"),
}


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder, self.passed, self.failed = program, folder, 0, 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())

    def holds(self, what, truth, more=""):
        self.passed, self.failed = self.passed + bool(truth), self.failed + (not truth)
        print(f"{'ok  ' if truth else 'FAIL'} {what}")
        if not truth:
            print(more)

    def clean(self, what, *finals):
        left = [f for f in os.listdir(self.folder) if f.endswith((".tmp", ".spool"))] + [f for f in finals if os.path.exists(self.path(f))]
        self.holds(f"   {what}: nothing is left over", not left, str(left))
        for f in left:
            os.remove(self.path(f))

    def expect(self, what, status, pattern, *args, **more):
        """Runs; status and stderr must be as given, and no sanitizer may speak."""
        try:
            done = subprocess.run([self.program, *args], cwd=self.folder, timeout=120, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})
            code, err = done.returncode, (done.stderr or b"").decode(errors="replace")
        except subprocess.TimeoutExpired:
            code, err = "no end", ""
        allowed = status if isinstance(status, tuple) else (status,)
        good = code in allowed and re.search(pattern, err) and not CRASH.search(err) and len(err) < 40000
        self.holds(f"{what}: exit {'/'.join(map(str, allowed))}", good, f"exit {code}\n{err[:1500]}\n…\n{err[-1500:]}")
        return err


def models(b):
    for name, (text, status, pattern) in MODELS.items():
        b.write(name + ".cortex", text)
        b.expect(name, status, pattern, name + ".cortex", "-q", "-o", "out.h5")
        if status == 0:
            b.holds("   its output is there", os.path.exists(b.path("out.h5")))
            os.remove(b.path("out.h5"))
        b.clean(name, "out.h5")
    for name, (text, pattern) in RUNS.items():
        b.write(name + ".cortex", text)
        b.expect(name, 65, pattern, name + ".cortex", "-q", "-o", name + ".h5")
        b.expect("   what came before can be shown", 0, "", "show", name + ".h5")
        b.clean(name)
    with open(b.path("long.cortex"), "wb") as f:
        f.write(b"let a = ")
        for _ in range(100):
            f.write(b"1+" * 500000)
        f.write(b"1\n")
    b.expect("a line of 100 MB", (65, 75), "long", "check", "long.cortex")
    os.remove(b.path("long.cortex"))
    b.write("long.cortex", b"let a = " + b"1+" * 10000000 + b"1\n")
    b.expect("a line of 20 MB", 65, r"\[(line-too-long|nesting-too-deep)\]", "check", "long.cortex")


def files(b):
    b.write("m.cortex", "param g = 1\n" + MODEL)
    b.expect("no such model", 66, "nothing.cortex", "nothing.cortex")
    b.expect("a folder as a model", 66, "folder", "folder")
    b.expect("an empty name", 66, "cortexc", "")
    b.expect("an endless device as a model", (65, 66, 75), "zero", "check", "/dev/zero")
    b.expect("nothing as a model", 65, "no-population", "check", "/dev/null")
    b.expect("the output is a folder", 73, "folder", "m.cortex", "-q", "-o", "folder")
    b.expect("the output lies nowhere", 73, "no/such", "m.cortex", "-q", "-o", "no/such/out.h5")
    b.expect("the output lies below a file", 73, "m.cortex", "m.cortex", "-q", "-o", "m.cortex/out.h5")
    b.expect("the output has an endless name", 73, "cortexc", "m.cortex", "-q", "-o", "x" * 300 + ".h5")
    if os.geteuid() != 0:
        os.chmod(b.path("folder"), 0o500)
        b.expect("no permission for the output", 73, "folder", "m.cortex", "-q", "-o", "folder/out.h5")
        os.chmod(b.path("folder"), 0o700)
        b.write("secret.cortex", MODEL)
        os.chmod(b.path("secret.cortex"), 0)
        b.expect("no permission for the model", 66, "secret", "secret.cortex", "-q")
    else:  # for whom everything is permitted
        b.expect("no permission for the output", (71, 73), "/proc", "m.cortex", "-q", "-o", "/proc/out.h5")
    b.expect("the model as its own output", 73, "m.cortex", "m.cortex", "-q", "-o", "m.cortex")
    b.write("short.h5", b"\x89HDF\r\n\x1a\n" + bytes(40))
    b.write("noise.h5", bytes((k * 31) % 256 for k in range(9000)))
    b.expect("show of a torn file", 66, "short.h5", "show", "short.h5")
    b.expect("show of noise", 66, "noise.h5", "show", "noise.h5")
    b.expect("show of nothing", 66, "/dev/null", "show", "/dev/null")
    b.expect("show of a folder", (65, 66, 74), "folder", "show", "folder")
    b.clean("files")


def settings(b):
    b.expect("--set of an unknown name", 65, r"\[set-unknown\]", "m.cortex", "-q", "--set", "h=2")
    b.expect("--set of another dimension", 65, r"\[unit-mismatch\]", "m.cortex", "-q", "--set", "g=2 mV", "-o", "out.h5")
    b.expect("--set of no expression", 65, r"--set g:1:\d+: error", "m.cortex", "-q", "--set", "g=2+")
    b.expect("--set of nothing", 64, "NAME=VALUE", "m.cortex", "-q", "--set", "g=")
    b.expect("--set of a neuron", 65, r"\[set-unknown\]", "m.cortex", "-q", "--set", "E=3")
    b.expect("--set of what has no value", 65, r"\[non-finite-constant\]", "m.cortex", "-q", "--set", "g=0/0")
    b.expect("--duration of no time", 65, r"\[missing-unit\]", "m.cortex", "-q", "--duration", "20")
    b.expect("--duration of nothing", 64, "takes a time", "m.cortex", "-q", "--duration", "")
    b.expect("--duration 0", 65, r"\[bad-interval\]", "m.cortex", "-q", "--duration", "0 ms")
    for args in (("--nonsense", "m.cortex"), ("-Z", "m.cortex"), ("--threads", "many", "m.cortex"), ("--threads", "99999999999", "m.cortex"),
                 ("--seed", "1e3", "m.cortex"), ("--seed", "99999999999999999999", "m.cortex"), ("m.cortex", "-o"), ("check",), ("check", "m.cortex", "m.cortex")):
        b.expect("options " + " ".join(args), 64, "cortexc", *args)
    b.clean("settings", "m.h5", "out.h5")


def streams(b):
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            b.expect("a full stdout of check", 74, "", "check", "m.cortex", stdout=full)
            b.expect("a full stdout of a run", 74, "", "m.cortex", "-o", "full.h5", stdout=full)
            b.holds("   but the result is there", os.path.exists(b.path("full.h5")))
            b.expect("a full stderr", 65, "", "check", "m.cortex", "--set", "h=1", stderr=full)
    b.expect("a closed stdout", (0, 74), "", "m.cortex", "-o", "closed.h5", preexec_fn=lambda: os.close(1))
    b.expect("a closed stderr", 65, "", "check", "m.cortex", "--set", "h=1", preexec_fn=lambda: os.close(2))
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as broken:
        b.expect("a reader that went away", (0, 74, -signal.SIGPIPE), "", "m.cortex", "-o", "pipe.h5", stdout=broken)
    master, slave = pty.openpty()
    b.expect("a terminal without width", 0, "", "m.cortex", "-o", "tty.h5", stdout=slave, stderr=slave, env={**os.environ, "TERM": "dumb"})
    os.close(slave)
    os.close(master)
    b.clean("streams")


def meetings(b):
    b.write("slow.cortex", MODEL.replace("50 of", "2000 of").replace("100 ms", "1000 s"))
    child = subprocess.Popen([b.program, "slow.cortex", "-o", "slow.h5", "--progress", "json"], cwd=b.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    child.stderr.readline()
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    b.holds("SIGINT ends a run with 130", child.returncode == 130 and not CRASH.search(err.decode(errors="replace")), f"{child.returncode} {err[-800:]}")
    b.expect("   and what was simulated can be shown", 0, "", "show", "slow.h5")
    two = [subprocess.Popen([b.program, "m.cortex", "-q", "--force", "-o", "both.h5"], cwd=b.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(p.wait(timeout=120), p.stderr.read().decode(errors="replace")) for p in two]
    for p in two:
        p.communicate()
    b.holds("two programs on one output: each ends well or says why", all(code in (0, 73, 74) and not CRASH.search(err) for code, err in ends), str(ends))
    b.expect("   and one whole file remains", 0, "", "show", "both.h5")
    b.clean("meetings")


def main():
    with tempfile.TemporaryDirectory() as folder:
        b = Bench(os.path.abspath(sys.argv[1]), folder)
        os.mkdir(b.path("folder"))
        for part in (models, files, settings, streams, meetings):
            print(f"-- {part.__name__}")
            part(b)
        print(f"{b.passed} passed, {b.failed} failed")
        return 1 if b.failed else 0


sys.exit(main())
