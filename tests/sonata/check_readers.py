#!/usr/bin/env python3
"""Opens an output file of cortexc with libsonata, bmtk and bluepysnap, which have to see what h5py sees.

    check_readers.py FILE...

Needs the packages of requirements.txt. A reader that is missing is an error. Prints a line per check and
`N passed, M failed`; exits with 1 when one failed or there was no file."""
import json
import os
import sys
import tempfile
import warnings

import h5py
import numpy as np

warnings.simplefilter("ignore")
import bluepysnap  # noqa: E402
import bmtk  # noqa: E402
import libsonata  # noqa: E402
from bmtk.utils import sonata  # noqa: E402
from bmtk.utils.reports import SpikeTrains  # noqa: E402
from bmtk.utils.reports.compartment.compartment_reader import CompartmentReaderVer01  # noqa: E402


passed = failed = 0


def same(a, b, what):
    global passed, failed
    a, b = np.asarray(a), np.asarray(b)
    ok = a.shape == b.shape and np.array_equal(a, b)
    passed, failed = passed + ok, failed + (not ok)
    print(f"ok   {what}" if ok else f"FAIL {what}: {a} is not {b}")


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
        same(np.allclose(got.times, start + dt * np.arange(len(data)), rtol=0, atol=1e-6 * dt), True, f"libsonata: times of frames of {name}")
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
            same(pop.get_attribute(column, libsonata.Selection([(0, n)])) if n else [], want, f"libsonata: {column} of {name}")


def libsonata_edges(path, f):
    if "edges" not in f:
        return
    storage = libsonata.EdgeStorage(path)
    same(sorted(storage.population_names), sorted(f["edges"]), "libsonata: populations of edges")
    for name, group in f["edges"].items():
        pop = storage.open_population(name)
        ends = {side: group[side + "_node_id"] for side in ("source", "target")}
        same([pop.source, pop.target], [d.attrs["node_population"] for d in ends.values()], f"libsonata: ends of {name}")
        for side, find in (("source", pop.efferent_edges), ("target", pop.afferent_edges)):
            for node in sorted(set(ends[side][...].tolist()))[:5]:
                same(sorted(find([node]).flatten()), np.flatnonzero(ends[side][...] == node), f"libsonata: edges of {side} {node} of {name}")
        for attribute in group["0"]:
            same(pop.get_attribute(attribute, pop.select_all()), group["0"][attribute][...], f"libsonata: {attribute} of {name}")


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


def snap(path, f):
    # bluepysnap starts from two configurations: what the file holds of a circuit and of a simulation
    with tempfile.TemporaryDirectory() as folder:
        path, circuit, simulation = os.path.abspath(path), os.path.join(folder, "circuit.json"), os.path.join(folder, "simulation.json")
        kinds = {n: {"type": g["0/model_type"].asstr()[0]} for n, g in f["nodes"].items() if len(g["node_id"])}
        reports = {"all": {"cells": "x", "type": "compartment", "file_name": path[:-3], "variable_name": "v", "dt": 0.1,
                           "start_time": 0, "end_time": 1}} if "report" in f else {}
        with open(circuit, "w") as out:
            json.dump({"version": 2, "networks": {"nodes": [{"nodes_file": path, "populations": kinds}], "edges": []}}, out)
        with open(simulation, "w") as out:
            json.dump({"version": 2, "network": circuit, "run": {"tstop": 1, "dt": 0.1, "random_seed": 1},
                       "output": {"output_dir": os.path.dirname(path), "spikes_file": os.path.basename(path)}, "reports": reports}, out)
        nodes = bluepysnap.Circuit(circuit).nodes
        for name in kinds:
            same(nodes[name].get(properties="layer").to_numpy().astype(str), f[f"nodes/{name}/0/layer"].asstr()[...], f"bluepysnap: layers of {name}")
        results = bluepysnap.Simulation(simulation)
        same(sorted(results.spikes.population_names), sorted(f["spikes"]), "bluepysnap: populations with spikes")
        for name, group in f["spikes"].items():
            if name in kinds and len(group["node_ids"]):
                got = results.spikes[name].get()
                same(got.index.to_numpy(), group["timestamps"][...], f"bluepysnap: times of {name}")
                same(got.to_numpy(), group["node_ids"][...], f"bluepysnap: cells of {name}")
        for name, group in f.get("report", {}).items():
            if group["data"].size:
                got = results.reports["all"][name].get()
                same(got.to_numpy(), group["data"][...], f"bluepysnap: values of {name}")
                same(got.columns.to_numpy(), group["mapping/node_ids"][...], f"bluepysnap: nodes of {name}")


print(f"libsonata {libsonata.version}, bmtk {bmtk.__version__}, bluepysnap {bluepysnap.__version__}, h5py {h5py.__version__}")
for file_path in sys.argv[1:]:
    print(file_path)
    with h5py.File(file_path, "r") as h5:
        for part in (libsonata_spikes, libsonata_reports, libsonata_nodes, libsonata_edges, bmtk_spikes, bmtk_reports, bmtk_nodes, snap):
            try:
                part(file_path, h5)
            except Exception as e:  # a reader that gives up has failed, too
                failed += 1
                print(f"FAIL {part.__name__}: {type(e).__name__}: {e}")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
