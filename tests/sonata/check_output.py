#!/usr/bin/env python3
"""Checks an output file of cortexc against the table of docs/output-file.md, with h5py alone.

    check_output.py FILE...

Prints what is wrong and exits with 1, or prints one line per file.
"""
import json
import re
import sys

import h5py
import numpy as np

problems = []


def need(ok, what):
    if not ok:
        problems.append(what)
    return bool(ok)


def text(v):
    return v.decode() if isinstance(v, bytes) else v


def is_text(v):
    return isinstance(v, (str, bytes))


def dataset(group, name, dtype, shape=None):
    """The data set, when it is there and of that type and shape."""
    where = f"{group.name}/{name}"
    d = group.get(name)
    if not need(isinstance(d, h5py.Dataset), f"{where}: no such data set"):
        return None
    if dtype is str:
        need(h5py.check_string_dtype(d.dtype) is not None, f"{where}: is no text but {d.dtype}")
    else:
        need(d.dtype == np.dtype(dtype), f"{where}: is {d.dtype}, not {np.dtype(dtype)}")
    need(d.compression is None and not d.shuffle, f"{where}: libsonata cannot read compressed data")
    if shape is not None:
        need(d.shape == shape, f"{where}: has the shape {d.shape}, not {shape}")
    return d


def same_object(group, a, b):
    need(a in group and b in group and group[a] == group[b] and group.get(b, getlink=True).__class__ is h5py.HardLink,
         f"{group.name}: {b} is no hard link to {a}")


def check_root(f):
    magic, version = f.attrs.get("magic"), f.attrs.get("version")
    need(magic is not None and magic.dtype == np.uint32 and magic == 0x0A7A, f"/: magic is {magic}")
    need(version is not None and version.dtype == np.uint32 and list(version) == [0, 1], f"/: version is {version}")
    for name in ("spikes", "nodes", "cortexc"):
        need(name in f, f"/{name} is missing")


def check_spikes(f, cells):
    for name, pop in f["spikes"].items():
        where = pop.name
        need(name in cells, f"{where}: no such population in /nodes")
        need(set(pop) == {"timestamps", "node_ids"}, f"{where}: holds {sorted(pop)}")
        t, i = dataset(pop, "timestamps", "<f8"), dataset(pop, "node_ids", "<u8")
        if t is None or i is None:
            continue
        need(t.shape == i.shape and t.ndim == 1, f"{where}: {t.shape} times and {i.shape} cells")
        need(t.attrs.get("units") == "ms", f"{where}: units are {t.attrs.get('units')}")
        sorting = pop.attrs.get_id("sorting") if "sorting" in pop.attrs else None
        if need(sorting is not None, f"{where}: no attribute sorting"):
            names = h5py.check_enum_dtype(sorting.dtype)
            need(names == {"none": 0, "by_id": 1, "by_time": 2}, f"{where}: sorting is the enumeration {names}")
            need(sorting.dtype == np.uint8, f"{where}: sorting is over {sorting.dtype}")
            need(pop.attrs["sorting"] == 2, f"{where}: is sorted {pop.attrs['sorting']}")
        times, ids = t[...], i[...]
        need(np.all(np.diff(times) >= 0), f"{where}: times go back")
        same = np.diff(times) == 0
        need(np.all(np.diff(ids.astype(np.int64))[same] >= 0), f"{where}: cells of one time are not in order")
        need(ids.size == 0 or ids.max() < cells.get(name, 0), f"{where}: a spike of no cell")


def check_report(name, report, cells):
    where = report.name
    mapping = report.get("mapping")
    data = dataset(report, "data", "<f4")
    if data is None or not need(isinstance(mapping, h5py.Group), f"{where}/mapping is missing"):
        return
    n = data.shape[1]
    need(is_text(data.attrs.get("units")), f"{where}: data have no units")
    need(is_text(data.attrs.get("variable")), f"{where}: data have no variable")
    ids = dataset(mapping, "node_ids", "<u8", (n,))
    pointers = dataset(mapping, "index_pointers", "<u8", (n + 1,))
    same_object(mapping, "index_pointers", "index_pointer")
    dataset(mapping, "element_ids", "<u4", (n,))
    dataset(mapping, "element_pos", "<f4", (n,))
    time = dataset(mapping, "time", "<f8", (3,))
    if ids is None or pointers is None or time is None:
        return
    sorted_ = ids.attrs.get("sorted")
    need(sorted_ is not None and sorted_.dtype == np.uint8 and sorted_ == 1, f"{where}: node_ids say sorted {sorted_}")
    need(np.all(np.diff(ids[...].astype(np.int64)) > 0), f"{where}: node_ids are not in order")
    need(n == 0 or ids[-1] < cells.get(name, 0), f"{where}: a node of no cell")
    need(np.array_equal(pointers[...], np.arange(n + 1)), f"{where}: index_pointers")
    need(time.attrs.get("units") == "ms", f"{where}: units of time are {time.attrs.get('units')}")
    start, stop, dt = time[...]
    frames = data.shape[0]
    need(int((stop - start) / dt) == frames, f"{where}: time tells {int((stop - start) / dt)} frames of {frames}")
    need(frames == 0 or int((np.nextafter(stop, -np.inf) - start) / dt) < frames, f"{where}: stop is not the smallest")


def check_nodes(f):
    cells = {}
    for name, pop in f["nodes"].items():
        n = len(pop["node_id"]) if "node_id" in pop else 0
        cells[name] = n
        dataset(pop, "node_type_id", "<i8", (n,))
        ids = dataset(pop, "node_id", "<u8", (n,))
        group = dataset(pop, "node_group_id", "<u4", (n,))
        index = dataset(pop, "node_group_index", "<u8", (n,))
        for d, want in ((ids, np.arange(n)), (index, np.arange(n)), (group, np.zeros(n))):
            need(d is None or np.array_equal(d[...], want), f"{pop.name}: {d.name} is not 0, 1, ... or 0, 0, ...")
        if not need("0" in pop, f"{pop.name}/0 is missing"):
            continue
        for column in ("layer", "model_type", "model_template", "synapse_class"):
            dataset(pop["0"], column, str, (n,))
        if n and "model_type" in pop["0"] and "synapse_class" in pop["0"]:
            need(set(map(text, pop["0/model_type"][...])) <= {"point_neuron", "virtual"}, f"{pop.name}: model_type")
            need(set(map(text, pop["0/synapse_class"][...])) <= {"EXC", "INH"}, f"{pop.name}: synapse_class")
    return cells


TABLE = {"name": str, "layer": str, "model": str, "word": str, "spike_hash": str, "state_hash": str, "is_source": "u1",
         "cells": "<u8", "spikes": "<u8", "rate": "<f8", "cv": "<f8", "synchrony": "<f8", "v_mean": "<f8",
         "v_max": "<f8", "v_rest": "<f8", "v_threshold": "<f8"}
TEXTS = ("format", "version", "hdf5_version", "title", "model_path", "model_hash", "identity", "host", "created", "backend",
         "spike_hash")
NUMBERS = {"seed": "<u8", "dt": "<f8", "steps": "<u8", "steps_planned": "<u8", "duration": "<f8", "threads": "<u8",
           "wall_build": "<f8", "wall_run": "<f8", "neurons": "<u8", "synapses": "<u8", "spikes": "<u8", "events": "<u8"}


def check_tables(f, cells):
    c = f["cortexc"]
    table = c["populations"]
    n = len(table["name"])
    for column, dtype in TABLE.items():
        dataset(table, column, dtype, (n,))
    dataset(table, "color", "<f8", (n, 3))
    names = [text(v) for v in table["name"][...]]
    need(dict(zip(names, table["cells"][...])) == cells, "/cortexc/populations: other cells than /nodes")
    words = {text(w) for w in table["word"][...]}
    need(words <= {"", "silent", "saturated", "synchronous", "asynchronous"}, f"/cortexc/populations/word: {words}")
    seconds = c.attrs["duration"] / 1000
    for k, name in enumerate(names):
        spikes, rate = table["spikes"][k], table["rate"][k]
        if name in f["spikes"]:
            need(spikes == len(f["spikes"][name]["node_ids"]), f"{name}: {spikes} spikes in the table, others in /spikes")
        if cells.get(name) and seconds and not np.isnan(rate):
            need(np.isclose(rate, spikes / cells[name] / seconds), f"{name}: a rate of {rate}")
        need(re.fullmatch("[0-9a-f]{16}", text(table["spike_hash"][k])), f"{name}: spike_hash")
    layers = [text(v) for v in c["layers/name"][...]]
    need(layers == list(dict.fromkeys(text(v) for v in table["layer"][...])), "/cortexc/layers/name")
    dataset(c["layers"], "color", "<f8", (len(layers), 3))
    need(c.attrs["spikes"] == table["spikes"][...].sum(), "/cortexc: attribute spikes")
    need(c.attrs["neurons"] == sum(cells.values()), "/cortexc: attribute neurons")


def check_cortexc(f, cells):
    c = f["cortexc"]
    for name in TEXTS:
        need(isinstance(c.attrs.get(name), str), f"/cortexc: no text attribute {name}")
    for name, dtype in NUMBERS.items():
        v = c.attrs.get(name)
        need(v is not None and v.dtype == np.dtype(dtype), f"/cortexc: attribute {name} is {v!r}")
    for name in ("model", "parameters", "command_line"):
        need(name in c and is_text(c[name][()]), f"/cortexc/{name} is no text")
    try:
        json.loads(c["parameters"][()])
    except (KeyError, ValueError) as e:
        need(False, f"/cortexc/parameters: {e}")
    if need("populations" in c and "layers" in c, "/cortexc: no tables"):
        check_tables(f, cells)
    for pop, variables in c.get("record", {}).items():
        for variable, d in variables.items():
            where = d.name
            dataset(variables, variable, "<f8")
            need(is_text(d.attrs.get("units")), f"{where}: no units")
            need(d.attrs.get("dt", 0) > 0 and d.attrs.get("start", -1) >= 0, f"{where}: no start and dt")
            ids = f.get(d.attrs.get("node_ids", "/absent"))
            if need(ids is not None and ids.dtype == np.uint64, f"{where}: no node_ids"):
                need(d.shape[1:] == ids.shape, f"{where}: shape {d.shape} for {ids.shape} cells")
                need(ids.size == 0 or ids[...].max() < cells.get(pop, 0), f"{where}: a node of no cell")


def check_record_agrees(f):
    for pop, report in f.get("report", {}).items():
        variable = report["data"].attrs["variable"].replace("/", "|")
        d = f.get(f"cortexc/record/{pop}/{variable}")
        if need(d is not None, f"/cortexc/record/{pop}/{variable} is missing"):
            need(np.array_equal(d[...].astype(np.float32), report["data"][...], equal_nan=True),
                 f"/report/{pop}: other values than {d.name}")
            need(np.array_equal(report["mapping/node_ids"][...], f[d.attrs["node_ids"]][...]), f"/report/{pop}: node_ids")
            need(report["mapping/time"][0] == d.attrs["start"] and report["mapping/time"][2] == d.attrs["dt"],
                 f"/report/{pop}: times differ from {d.name}")


def check(path):
    with h5py.File(path, "r") as f:
        check_root(f)
        if problems:
            return
        cells = check_nodes(f)
        check_spikes(f, cells)
        for name, report in f.get("report", {}).items():
            check_report(name, report, cells)
        check_cortexc(f, cells)
        check_record_agrees(f)
        if not problems:
            spikes = sum(len(p["node_ids"]) for p in f["spikes"].values())
            print(f"{path}: {len(cells)} populations, {spikes} spikes, {len(f.get('report', {}))} reports are as documented")


for file in sys.argv[1:]:
    check(file)
for p in problems:
    print(p, file=sys.stderr)
sys.exit(1 if problems or len(sys.argv) < 2 else 0)
