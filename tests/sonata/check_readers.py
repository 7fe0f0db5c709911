#!/usr/bin/env python3
"""Opens an output file of cortexc with libsonata and bmtk, which have to see what h5py sees.

    check_readers.py FILE...

Needs the packages of requirements.txt. A reader that is missing is an error.
"""
import sys
import tempfile
import warnings

import h5py
import numpy as np

warnings.simplefilter("ignore")
import libsonata  # noqa: E402
from bmtk.utils import sonata  # noqa: E402
from bmtk.utils.reports import SpikeTrains  # noqa: E402
from bmtk.utils.reports.compartment.compartment_reader import CompartmentReaderVer01  # noqa: E402


def same(a, b, what):
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or not np.array_equal(a, b):
        raise SystemExit(f"{what}: {a} is not {b}")


def libsonata_spikes(path, f):
    reader = libsonata.SpikeReader(path)
    same(sorted(reader.get_population_names()), sorted(f["spikes"]), "libsonata: populations with spikes")
    for name, group in f["spikes"].items():
        pop = reader[name]
        same(pop.sorting, "by_time", f"libsonata: sorting of {name}")
        got = pop.get_dict()
        same(got["node_ids"], group["node_ids"][...], f"libsonata: cells of {name}")
        same(got["timestamps"], group["timestamps"][...], f"libsonata: times of {name}")
        if len(group["node_ids"]):
            one = int(group["node_ids"][0])
            got = pop.get_dict(node_ids=[one])
            same(got["timestamps"], group["timestamps"][...][group["node_ids"][...] == one], f"libsonata: cell of {name}")


def libsonata_reports(path, f):
    if "report" not in f:
        return
    reader = libsonata.ElementReportReader(path)
    same(sorted(reader.get_population_names()), sorted(f["report"]), "libsonata: populations with reports")
    for name, group in f["report"].items():
        pop, data = reader[name], group["data"]
        if data.shape[1] == 0 or data.shape[0] == 0:
            continue  # libsonata knows no empty reports
        start, stop, dt = group["mapping/time"][...]
        same(pop.times, (start, stop, dt), f"libsonata: times of {name}")
        same(pop.time_units, "ms", f"libsonata: unit of time of {name}")
        same(pop.data_units, data.attrs["units"], f"libsonata: unit of {name}")
        same(pop.get_node_ids(), group["mapping/node_ids"][...], f"libsonata: nodes of {name}")
        got = pop.get()
        same(got.data, data[...], f"libsonata: values of {name}")
        same(np.asarray(got.ids)[:, 0], group["mapping/node_ids"][...], f"libsonata: elements of {name}")
        if not np.allclose(got.times, start + dt * np.arange(len(data)), rtol=0, atol=1e-6 * dt):
            raise SystemExit(f"libsonata: frames of {name} at {got.times}")
        node = int(group["mapping/node_ids"][-1])
        same(pop.get(node_ids=[node]).data[:, 0], data[:, -1], f"libsonata: node {node} of {name}")


def libsonata_nodes(path, f):
    nodes = libsonata.NodeStorage(path)
    same(sorted(nodes.population_names), sorted(f["nodes"]), "libsonata: populations")
    for name, group in f["nodes"].items():
        pop = nodes.open_population(name)
        n = len(group["node_id"])
        same(pop.size, n, f"libsonata: cells of {name}")
        for column in group["0"]:
            want = [v.decode() for v in group["0"][column][...]] if n else []
            same(pop.get_attribute(column, libsonata.Selection([(0, n)])) if n else [], want, f"libsonata: {column}")


def bmtk_spikes(path, f):
    trains = SpikeTrains.load(path)
    same(sorted(trains.populations), sorted(f["spikes"]), "bmtk: populations with spikes")
    for name, group in f["spikes"].items():
        ids, times = group["node_ids"][...], group["timestamps"][...]
        if not len(ids):
            continue
        frame = trains.to_dataframe(populations=name)
        by_time = np.lexsort((frame["node_ids"], frame["timestamps"]))
        same(frame["timestamps"].to_numpy()[by_time], times, f"bmtk: times of {name}")
        same(frame["node_ids"].to_numpy()[by_time], ids, f"bmtk: cells of {name}")
        one = int(ids[0])
        same(np.sort(trains.get_times(node_id=one, population=name)), times[ids == one], f"bmtk: cell of {name}")


def bmtk_reports(path, f):
    for name, group in f.get("report", {}).items():
        report = CompartmentReaderVer01(path).get_population(name)
        data, nodes = group["data"], group["mapping/node_ids"][...]
        same(report.units(), data.attrs["units"], f"bmtk: unit of {name}")
        same(report.variable(), data.attrs["variable"], f"bmtk: variable of {name}")
        same(report.n_steps(), data.shape[0], f"bmtk: frames of {name}")
        same(report.node_ids(), nodes, f"bmtk: nodes of {name}")
        for k in range(len(nodes)):
            same(np.ravel(report.data(node_id=nodes[k])), data[:, k], f"bmtk: values of {name}")


def bmtk_nodes(path, f):
    # bmtk wants a table of node types beside every table of nodes, even when it has nothing to add
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as types:
        types.write("node_type_id population\n")
        for name, group in f["nodes"].items():
            if len(group["node_id"]):
                types.write(f"{group['node_type_id'][0]} {name}\n")
        types.flush()
        file = sonata.File(data_files=[path], data_type_files=[types.name])
    same(sorted(file.nodes.population_names), sorted(f["nodes"]), "bmtk: populations")
    for name, group in f["nodes"].items():
        same(len(file.nodes[name]), len(group["node_id"]), f"bmtk: cells of {name}")
        for k, node in enumerate(file.nodes[name]):
            if k == 10:
                break
            layer, want = node["layer"], group["0/layer"][k]
            layer = layer.decode() if isinstance(layer, bytes) else layer
            same((node.node_id, layer), (k, want.decode()), f"bmtk: cell {k} of {name}")


for file_path in sys.argv[1:]:
    with h5py.File(file_path, "r") as h5:
        for part in (libsonata_spikes, libsonata_reports, libsonata_nodes, bmtk_spikes, bmtk_reports, bmtk_nodes):
            part(file_path, h5)
    print(f"{file_path}: libsonata {libsonata.version} and bmtk read what h5py reads")
sys.exit(0 if len(sys.argv) > 1 else 1)
