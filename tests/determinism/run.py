#!/usr/bin/env python3
"""A run is a pure function of the model and the seed: neither threads, nor the splitting of a run, nor the order of
declarations, nor what else stands in the file may change a bit of it.

    run.py CORTEXC [--few]

--few leaves out what only repeats itself, for a build in which everything is slow."""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import digest


class Bench:
    def __init__(self, program, folder, items):
        self.program, self.folder, self.items, self.runs, self.failed = program, folder, items, 0, 0

    def run(self, items, *args):
        self.runs += 1
        stem = os.path.join(self.folder, f"run{self.runs}")
        with open(stem + ".cortex", "w", encoding="utf-8") as f:
            f.write("\n".join(items) + "\n")
        subprocess.run([self.program, stem + ".cortex", "-o", stem + ".h5", "-q", "--progress", "none", *args], check=True)
        more = {name: hashes for where in ("/cortexc/synapses", "/cortexc/network", "/edges") for name, hashes in digest.records(stem + ".h5", where).items()}
        return digest.populations(stem + ".h5"), digest.spikes_on_disk(stem + ".h5"), {**digest.records(stem + ".h5"), **more}

    def same(self, what, got, expected):
        if got == expected:
            print(f"ok   {what}")
            return
        self.failed += 1
        print(f"FAIL {what}")
        for part_got, part in zip(got, expected):
            for name in sorted(part.keys() | part_got.keys()):
                if part.get(name) != part_got.get(name):
                    print(f"     {name}: {part_got.get(name)} instead of {part.get(name)}")


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return [block.strip() for block in f.read().split("\n\n")]


def protocol(b):
    """Blocks that set and measure at set moments see and do the same however the work is shared out and split."""
    items = read("protocol.cortex")
    whole = b.run(items, "--threads", "1")
    if len(whole[2]) < 9:
        b.failed += 1
        print("FAIL the protocol records", sorted(whole[2]))
    for threads in (3,) if "--few" in sys.argv else (2, 3, 4):
        b.same(f"protocol, {threads} threads", b.run(items, "--threads", str(threads)), whole)
    assert items[-1] == "run 1 s"
    b.same("protocol, ten runs of 100 ms", b.run(items[:-1] + ["run 100 ms"] * 10, "--threads", "2"), whole)
    b.same("protocol, until a time", b.run(items[:-1] + ["run 2 s until t >= 600 ms", "run 400 ms"], "--threads", "2"), whole)


def procedural(b):
    """Synapses that are made anew for each spike are those that are stored, and do the same, also where a run is split."""
    items = read("procedural.cortex")
    anew = [item.replace("store = stored", "store = procedural") for item in items]

    os.environ["CORTEXC_CACHE"] = os.path.join(b.folder, "cache")
    whole = b.run(items, "--threads", "1")
    if min(spikes for _, spikes, _, _ in whole[0].values()) < 100 or sum("syn_weight" in name for name in whole[2]) < 10:
        b.failed += 1
        print("FAIL the procedural network is silent, or its synapses are not in the file:", whole[0], sorted(whole[2]))
    for backend in ("interp", "native"):
        for threads in (3,) if "--few" in sys.argv else (1, 2, 3, 4, 7):
            b.same(f"procedural, {threads} threads, {backend}",
                   b.run(anew, "--threads", str(threads), "--backend", backend), whole)
    mixed = [item if k % 2 else anew[k] for k, item in enumerate(items)]
    b.same("every other one procedural", b.run(mixed, "--threads", "2"), whole)
    assert items[-1] == "run 300 ms"
    b.same("procedural, three runs of 100 ms", b.run(anew[:-1] + ["run 100 ms"] * 3, "--threads", "2"), whole)


def main():
    items = read("network.cortex")
    with tempfile.TemporaryDirectory() as folder:
        b = Bench(os.path.abspath(sys.argv[1]), folder, items)
        whole = b.run(items, "--threads", "1")
        for name, (cells, spikes, _, _) in whole[0].items():
            print(f"     {name}: {cells} cells, {spikes} spikes")
            if spikes < 100:
                b.failed += 1
                print(f"FAIL {name} fires less than 100 spikes, too few to see a difference")
        for threads in (3,) if "--few" in sys.argv else (2, 3, 4, 7):
            b.same(f"{threads} threads", b.run(items, "--threads", str(threads)), whole)
        b.same("all cores", b.run(items), whole)

        assert items[-1] == "run 1 s"
        parts = items[:-1] + ["run 100 ms"] * 10
        b.same("ten runs of 100 ms", b.run(parts, "--threads", "2"), whole)
        if "--few" not in sys.argv:
            uneven = items[:-1] + ["run 0.1 ms", "run 333.3 ms", "run 666.6 ms"]
            b.same("three uneven runs", b.run(uneven, "--threads", "3"), whole)

        backwards = items[-2::-1] + items[-1:]
        b.same("declarations backwards", b.run(backwards, "--threads", "2"), whole)

        more = items[:3] + ["population AAA : 77 of lif\nconnect AAA -> AAA : indegree(5) { weight = 1 mV }\n"
                            "stimulus -> AAA : poisson(rate = 10 Hz, inputs = 300) { weight = 0.6 mV }"] + items[3:]
        pops, spikes, records = b.run(more, "--threads", "2")
        if pops.pop("AAA", (0, 0))[1] < 100:
            b.failed += 1
            print("FAIL the further population is silent")
        spikes.pop("AAA", None)
        b.same("a further population beside", (pops, spikes, records), whole)

        other = b.run(items, "--seed", "12345")
        changed = [n for n in whole[0] if whole[0][n][2] != other[0][n][2]]
        if set(changed) != set(whole[0]):
            b.failed += 1
            print("FAIL another seed changes", changed)
        else:
            print("ok   another seed changes every population")
        protocol(b)
        procedural(b)
    print(f"determinism: {b.runs} runs, {b.failed} failures")
    return 1 if b.failed else 0


sys.exit(main())
