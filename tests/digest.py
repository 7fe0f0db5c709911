"""What an output file says about a run, reduced to text that is the same on every machine: counts, hashes of
spikes and states per population, and hashes of what was recorded. No times, hosts, versions or paths."""

import hashlib
import struct

import h5py


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def populations(path):
    """Per population, by name: (cells, spikes, hash of spikes, hash of state)."""
    with h5py.File(path, "r") as f:
        table = f["/cortexc/populations"]
        rows = zip(*(table[column][()] for column in ("name", "cells", "spikes", "spike_hash", "state_hash")))
        return {text(name): (int(cells), int(spikes), text(a), text(b)) for name, cells, spikes, a, b in rows}


def spikes_on_disk(path):
    """Per population the hash of the two arrays under /spikes, to see that they agree with the table."""
    with h5py.File(path, "r") as f:
        out = {}
        for name, group in f.get("/spikes", {}).items():
            times, ids = group["timestamps"][()], group["node_ids"][()]
            out[name] = (len(times), short(times.tobytes(), ids.tobytes()))
        return out


def records(path, where="/cortexc/record"):
    """Per recorded variable: (shape, hash of its bytes)."""
    out = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset):
            out[name] = (node.shape, short(node[()].tobytes()))

    with h5py.File(path, "r") as f:
        if where in f:
            f[where].visititems(visit)
    return out


def short(*parts):
    h = hashlib.sha256()
    for p in parts:
        h.update(struct.pack("<Q", len(p)) + p)
    return h.hexdigest()[:16]


def expected(path):
    """What the model expects of itself: (text, value to the last bit or the reason why there is none, whether it is met)."""
    with h5py.File(path, "r") as f:
        table = f.get("/cortexc/expect")
        if table is None:
            return []
        rows = zip(*(table[column][()] for column in ("text", "value", "unit", "why", "met")))
        return [(text(t), text(why) or f"{float(v)!r} {text(unit)}".rstrip(), bool(met)) for t, v, unit, why, met in rows]


def digest(path):
    with h5py.File(path, "r") as f:
        a = f["/cortexc"].attrs
        lines = [f"steps {int(a['steps'])} of {int(a['steps_planned'])}, dt {float(a['dt']):g} ms, "
                 f"seed {int(a['seed'])}, {int(a['neurons'])} neurons, {int(a['synapses'])} synapses"]
    written = spikes_on_disk(path)
    for name, (cells, n, spikes, state) in sorted(populations(path).items()):
        disk = written.get(name, (0, "-"))
        lines.append(f"population {name}: {cells} cells, {n} spikes {spikes}, {disk[0]} on disk {disk[1]}, state {state}")
    for name, (shape, bits) in sorted(records(path).items()):
        lines.append(f"record {name}: {' x '.join(map(str, shape))} {bits}")
    for name, (shape, bits) in sorted(records(path, "/cortexc/synapses").items()):
        lines.append(f"synapses {name}: {' x '.join(map(str, shape))} {bits}")
    for what, where in (("network", "/cortexc/network"), ("at spikes", "/cortexc/at_spikes"), ("edges", "/edges")):
        for name, (shape, bits) in sorted(records(path, where).items()):
            lines.append(f"{what} {name}: {' x '.join(map(str, shape))} {bits}")
    for what, value, met in expected(path):
        lines.append(f"{what}: {value}, {'met' if met else 'not met'}")
    return "\n".join(lines) + "\n"
