#!/usr/bin/env python3
"""Ten electrically coupled cells in Brian2 and in cortexc, side by side.

    brian2_gap.py CORTEXC

Needs brian2, numpy and h5py. Brian2 sums what synapses write into a `(summed)` variable at the beginning of a step, which is
what `every step` does, so voltages agree to rounding and every spike is the same, a step later by the stamps (docs/differences.md)."""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy
from brian2 import NeuronGroup, SpikeMonitor, StateMonitor, Synapses, defaultclock, ms, prefs, run

MODEL = """
neuron unit {
  param tau = 10 ms, drive = 1
  state v = 0
  input coupling : 1
  port coupling
  dv/dt = (drive - v + coupling)/tau
  spike when v > 1 { v = 0 }
}
synapse junction {
  param w = 0.02
  every step { port += w*(source.v - target.v) }
}
population G : 10 of unit { drive = 1.05 + 0.01*i, v = 0.09*i }
connect G -> G : all_to_all using junction
record v of G every 0.1 ms
run 500 ms
"""


def in_brian2():
    prefs.codegen.target = "numpy"
    defaultclock.dt = 0.1 * ms
    cells = NeuronGroup(10, """dv/dt = (drive - v + coupling)/tau : 1
                               drive : 1
                               coupling : 1
                               tau : second (shared)""", threshold="v > 1", reset="v = 0", method="exact")
    cells.tau, cells.drive, cells.v = 10 * ms, "1.05 + 0.01*i", "0.09*i"
    junctions = Synapses(cells, cells, "coupling_post = w*(v_pre - v_post) : 1 (summed)\nw : 1")
    junctions.connect()
    junctions.w = 0.02
    voltages, spikes = StateMonitor(cells, "v", record=True), SpikeMonitor(cells)
    run(500 * ms)
    return voltages.v.T, numpy.array(spikes.t / ms), numpy.array(spikes.i)


def in_cortexc(program):
    with tempfile.TemporaryDirectory() as folder:
        model, out = os.path.join(folder, "gap.cortex"), os.path.join(folder, "gap.h5")
        with open(model, "w", encoding="utf-8") as f:
            f.write(MODEL)
        subprocess.run([program, model, "-o", out, "-q", "--progress", "none"], check=True)
        with h5py.File(out, "r") as f:
            v = f["/cortexc/record/G/v"]
            v = v if isinstance(v, h5py.Dataset) else v["data"]
            return v[()], f["/spikes/G/timestamps"][()], f["/spikes/G/node_ids"][()]


def main():
    v, t, i = in_cortexc(os.path.abspath(sys.argv[1]))
    w, s, j = in_brian2()
    print(f"voltages: largest difference {abs(v - w).max():.2g} in {v.size} values")
    mine, theirs = numpy.lexsort((i, t)), numpy.lexsort((j, s))
    same = len(t) == len(s) and (i[mine] == j[theirs]).all() and abs(t[mine] - s[theirs] - 0.1).max() < 1e-9
    print(f"spikes: {len(t)} and {len(s)}, {'the same' if same else 'different'}")
    return 0 if same and abs(v - w).max() < 1e-12 else 1


if __name__ == "__main__":
    sys.exit(main())
