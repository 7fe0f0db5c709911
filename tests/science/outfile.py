"""Reads what the checks need from an output file: with h5py where it is installed, else with h5dump.
Standard library otherwise. Arrays come back as flat lists plus their shape."""

import array
import os
import re
import shutil
import subprocess

try:
    import h5py
except ImportError:
    h5py = None


class OutFile:
    def __init__(self, path):
        self.path = path
        if h5py is None and not shutil.which("h5dump"):
            raise SystemExit("reading the output needs h5py, or h5dump (Debian: hdf5-tools)")

    def read(self, name):
        """(flat list, shape) of the dataset `name`; KeyError when there is none."""
        if h5py:
            with h5py.File(self.path, "r") as f:
                data = f[name]
                if not isinstance(data, h5py.Dataset):
                    data = data["data"]
                return data[()].ravel().tolist(), data.shape
        for candidate in (name, name + "/data"):
            head = subprocess.run(["h5dump", "-H", "-d", candidate, self.path], capture_output=True, text=True)
            shape = re.search(r"SIMPLE \{ \(([^)]*)\)", head.stdout)
            kind = re.search(r"DATATYPE\s+H5T_(IEEE_F|STD_[IU])(\d+)", head.stdout)
            if head.returncode == 0 and shape and kind:
                break
        else:
            raise KeyError(name)
        shape = tuple(int(x) for x in shape[1].split(","))
        code = {("IEEE_F", "32"): "f", ("IEEE_F", "64"): "d", ("STD_U", "64"): "Q", ("STD_I", "64"): "q",
                ("STD_U", "32"): "I", ("STD_I", "32"): "i"}[kind[1], kind[2]]
        raw = self.path + ".raw"
        subprocess.run(["h5dump", "-d", candidate, "-b", "NATIVE", "-o", raw, self.path], check=True,
                       stdout=subprocess.DEVNULL)
        values = array.array(code)
        with open(raw, "rb") as f:
            values.frombytes(f.read())
        os.remove(raw)
        return values.tolist(), shape

    def spikes(self, population):
        """Times in ms and indices of all spikes of a population, in the order of the file; none if it never fired."""
        try:
            times, _ = self.read(f"/spikes/{population}/timestamps")
        except KeyError:
            return [], []
        return times, self.read(f"/spikes/{population}/node_ids")[0]

    def trains(self, population, n):
        out = [[] for _ in range(n)]
        for t, k in zip(*self.spikes(population)):
            out[k].append(t)
        for train in out:
            train.sort()
        return out

    def rate(self, population, n, start, stop):
        """Mean rate in Hz of n neurons over the steps between start and stop; a spike is stamped at the end of its step."""
        times, _ = self.spikes(population)
        return 1000 * sum(1 for t in times if start < t <= stop) / n / (stop - start)

    def record(self, population, variable):
        """Frames of a recorded variable: a list of lists, one value per recorded neuron, in double precision."""
        values, shape = self.read(f"/cortexc/record/{population}/{variable}")
        width = shape[1] if len(shape) > 1 else 1
        return [values[k * width:(k + 1) * width] for k in range(shape[0])]
