#!/usr/bin/env python3
"""Checks an output file of cortexc against the table of docs/output-file.md, with h5py alone.

    check_output.py FILE...

Prints a line per check and `N passed, M failed`; exits with 1 when one failed or there was no file."""
import json
import re
import sys

import h5py
import numpy as np

passed = failed = 0
CHUNK = 65536


def need(ok, what, found=None):
    """One check. `what` says what has to hold; `found` is shown when it does not."""
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(f"ok   {what}" if ok else f"FAIL {what}" + ("" if found is None else f": found {found}"))
    return bool(ok)


def text(v):
    return v.decode() if isinstance(v, bytes) else v


def is_text(v):
    return isinstance(v, (str, bytes))


def dataset(group, name, dtype, shape=None):
    """The data set, when it is there and of that type and shape."""
    where = f"{group.name}/{name}"
    d = group.get(name)
    if not need(isinstance(d, h5py.Dataset), f"{where} is there"):
        return None
    if dtype is str:
        kind = h5py.check_string_dtype(d.dtype)
        need(kind is not None and kind.length is None and kind.encoding == "utf-8", f"{where} is text of variable length in UTF-8", d.dtype)
    else:
        need(d.dtype == np.dtype(dtype), f"{where} is {np.dtype(dtype).name}", d.dtype)
    need(d.compression is None and not d.shuffle and not d.fletcher32, f"{where} has no filter, which libsonata could not undo")
    if d.chunks and d.ndim == 1:
        need(d.chunks[0] <= CHUNK, f"{where} has chunks of {CHUNK} elements at most", d.chunks)
    if shape is not None:
        need(d.shape == shape, f"{where} has the shape {shape}", d.shape)
    return d


def same_object(group, a, b):
    need(a in group and b in group and group[a] == group[b] and isinstance(group.get(b, getlink=True), h5py.HardLink),
         f"{group.name}/{b} is a hard link to {a}")


def check_root(f):
    magic, version = f.attrs.get("magic"), f.attrs.get("version")
    need(magic is not None and magic.dtype == np.uint32 and magic == 0x0A7A, "/ has the attribute magic, u32 0x0A7A", magic)
    need(version is not None and version.dtype == np.uint32 and list(version) == [0, 1], "/ has the attribute version, u32 {0, 1}", version)
    for name in ("spikes", "nodes", "cortexc"):
        need(name in f, f"/{name} is there")
    need(set(f) <= {"spikes", "report", "nodes", "edges", "cortexc"}, "/ holds nothing else than spikes, report, nodes, edges, cortexc", sorted(f))


def check_spikes(f, cells):
    need(set(f["spikes"]) <= set(cells), "/spikes holds populations of /nodes and nothing else", sorted(f["spikes"]))
    for name, pop in f["spikes"].items():
        where = pop.name
        need(set(pop) == {"timestamps", "node_ids"}, f"{where} holds timestamps and node_ids alone", sorted(pop))
        t, i = dataset(pop, "timestamps", "<f8"), dataset(pop, "node_ids", "<u8")
        if t is None or i is None:
            continue
        need(t.shape == i.shape and t.ndim == 1, f"{where} has as many times as cells, in one dimension", (t.shape, i.shape))
        need(t.chunks is None or t.chunks == (CHUNK,) or len(t) <= t.chunks[0], f"{where} is in chunks of {CHUNK}, or one that holds all", t.chunks)
        need(t.attrs.get("units") == "ms", f"{where}/timestamps are in ms", t.attrs.get("units"))
        if need("sorting" in pop.attrs, f"{where} has the attribute sorting"):
            sorting = pop.attrs.get_id("sorting")
            names = h5py.check_enum_dtype(sorting.dtype)
            need(names == {"none": 0, "by_id": 1, "by_time": 2}, f"{where} sorting is an enumeration none 0, by_id 1, by_time 2", names)
            need(sorting.dtype == np.uint8, f"{where} sorting is over u8", sorting.dtype)
            need(pop.attrs["sorting"] == 2, f"{where} is sorted by time", pop.attrs["sorting"])
        times, ids = t[...], i[...].astype(np.int64)
        need(np.all(np.diff(times) >= 0), f"{where} times do not go back")
        need(np.all(np.diff(ids)[np.diff(times) == 0] >= 0), f"{where} cells of one time are in order")
        need(ids.size == 0 or ids.max() < cells.get(name, 0), f"{where} spikes are of cells that exist")
        steps = times / f["cortexc"].attrs["dt"]
        need(np.allclose(steps, np.round(steps), rtol=0, atol=1e-6), f"{where} times are whole steps")
        need(times.size == 0 or (times[0] > 0 and times[-1] <= f["cortexc"].attrs["duration"]), f"{where} times are in the run")


def check_report(name, report, cells):
    where = report.name
    mapping = report.get("mapping")
    need(name in cells, f"{where} is of a population of /nodes")
    need(set(report) == {"data", "mapping"}, f"{where} holds data and mapping alone", sorted(report))
    data = dataset(report, "data", "<f4")
    if data is None or not isinstance(mapping, h5py.Group):
        return
    n = data.shape[1]
    need(is_text(data.attrs.get("units")), f"{where}/data have the text attribute units")
    need(is_text(data.attrs.get("variable")), f"{where}/data have the text attribute variable")
    need(set(mapping) == {"node_ids", "index_pointers", "index_pointer", "element_ids", "element_pos", "time"}, f"{where}/mapping is complete", sorted(mapping))
    ids = dataset(mapping, "node_ids", "<u8", (n,))
    pointers = dataset(mapping, "index_pointers", "<u8", (n + 1,))
    same_object(mapping, "index_pointers", "index_pointer")
    for leaf, dtype in (("element_ids", "<u4"), ("element_pos", "<f4")):
        d = dataset(mapping, leaf, dtype, (n,))
        need(d is not None and not d[...].any(), f"{where}/mapping/{leaf} are 0")
    time = dataset(mapping, "time", "<f8", (3,))
    if ids is None or pointers is None or time is None:
        return
    sorted_ = ids.attrs.get("sorted")
    need(sorted_ is not None and sorted_.dtype == np.uint8 and sorted_ == 1, f"{where}/mapping/node_ids have the attribute sorted, u8 1", sorted_)
    need(np.all(np.diff(ids[...].astype(np.int64)) > 0), f"{where}/mapping/node_ids are in order")
    need(n == 0 or ids[-1] < cells.get(name, 0), f"{where}/mapping/node_ids are cells that exist")
    need(np.array_equal(pointers[...], np.arange(n + 1)), f"{where}/mapping/index_pointers are 0, 1, ... N")
    need(time.attrs.get("units") == "ms", f"{where}/mapping/time is in ms", time.attrs.get("units"))
    start, stop, dt = time[...]
    frames = data.shape[0]
    need(int((stop - start) / dt) == frames, f"{where}/mapping/time tells {frames} frames", int((stop - start) / dt))
    need(frames == 0 or int((np.nextafter(stop, -np.inf) - start) / dt) < frames, f"{where}/mapping/time: stop is the smallest that does")


def check_nodes(f):
    cells = {}
    for name, pop in f["nodes"].items():
        n = len(pop["node_id"]) if "node_id" in pop else 0
        cells[name] = n
        dataset(pop, "node_type_id", "<i8", (n,))
        ids = dataset(pop, "node_id", "<u8", (n,))
        group = dataset(pop, "node_group_id", "<u4", (n,))
        index = dataset(pop, "node_group_index", "<u8", (n,))
        for d, want, values in ((ids, np.arange(n), "0, 1, ..."), (index, np.arange(n), "0, 1, ..."), (group, np.zeros(n), "0")):
            need(d is not None and np.array_equal(d[...], want), f"{pop.name}: {d.name.split('/')[-1] if d is not None else ''} is {values}")
        if not need("0" in pop, f"{pop.name}/0 is there"):
            continue
        for column in ("layer", "model_type", "model_template", "synapse_class"):
            dataset(pop["0"], column, str, (n,))
        for axis in {"x", "y", "z"} & set(pop["0"]):
            dataset(pop["0"], axis, "<f4", (n,))
        if n and "model_type" in pop["0"] and "synapse_class" in pop["0"]:
            for column, allowed in (("model_type", {"point_neuron", "virtual"}), ("synapse_class", {"EXC", "INH"})):
                values = set(map(text, pop["0"][column][...]))
                need(values <= allowed, f"{pop.name}/0/{column} is one of {sorted(allowed)}", values)
    return cells


TABLE = {"name": str, "layer": str, "model": str, "word": str, "note": str, "spike_hash": str, "state_hash": str, "is_source": "u1",
         "cells": "<u8", "spikes": "<u8", "rate": "<f8", "cv": "<f8", "synchrony": "<f8", "fano": "<f8", "v_mean": "<f8",
         "v_max": "<f8", "v_rest": "<f8", "v_threshold": "<f8"}
TEXTS = ("format", "version", "hdf5_version", "title", "model_path", "model_hash", "identity", "host", "created", "backend",
         "spike_hash")
NUMBERS = {"seed": "<u8", "dt": "<f8", "steps": "<u8", "steps_planned": "<u8", "duration": "<f8", "threads": "<u8",
           "wall_build": "<f8", "wall_run": "<f8", "neurons": "<u8", "synapses": "<u8", "spikes": "<u8", "events": "<u8",
           "synapse_bytes": "<u8"}


def check_tables(f, cells):
    c = f["cortexc"]
    table = c["populations"]
    n = len(table["name"])
    need(set(table) == set(TABLE) | {"color"}, "/cortexc/populations has the columns documented", sorted(set(table) ^ set(TABLE)))
    for column, dtype in TABLE.items():
        dataset(table, column, dtype, (n,))
    dataset(table, "color", "<f8", (n, 3))
    need(np.all((table["color"][...] >= 0) & (table["color"][...] <= 1)), "/cortexc/populations/color is from 0 to 1")
    need(len({tuple(v) for v in table["color"][...]}) == n or n > 12, "/cortexc/populations/color tells populations apart")
    names = [text(v) for v in table["name"][...]]
    need(dict(zip(names, table["cells"][...])) == cells, "/cortexc/populations has the cells of /nodes")
    words = {text(w) for w in table["word"][...]}
    need(words <= {"silent", "saturated", "synchronous", "asynchronous", "active"}, "/cortexc/populations/word is one of five", words)
    seconds = c.attrs["duration"] / 1000
    for k, name in enumerate(names):
        spikes, rate, word = table["spikes"][k], table["rate"][k], text(table["word"][k])
        if name in f["spikes"]:
            need(spikes == len(f["spikes"][name]["node_ids"]), f"{name}: the table counts the spikes of /spikes", spikes)
        if cells.get(name) and seconds:
            need(np.isclose(rate, spikes / cells[name] / seconds), f"{name}: the rate is that of its spikes", rate)
        chi = table["synchrony"][k]
        need(np.isnan(chi) or 0 <= chi <= 1, f"{name}: synchrony is from 0 to 1", chi)
        need(bool(text(table["note"][k])) == (word in ("silent", "saturated") and cells[name] > 0), f"{name}: a note where it is silent or saturated")
        for column in ("spike_hash", "state_hash"):
            need(re.fullmatch("[0-9a-f]{16}", text(table[column][k])), f"{name}: {column} is 16 digits", text(table[column][k]))
    layers = [text(v) for v in c["layers/name"][...]]
    need(layers == list(dict.fromkeys(text(v) for v in table["layer"][...])), "/cortexc/layers has the layers of the table, in order", layers)
    dataset(c["layers"], "name", str, (len(layers),))
    dataset(c["layers"], "color", "<f8", (len(layers), 3))
    need(c.attrs["spikes"] == table["spikes"][...].sum(), "/cortexc: spikes are the sum of the table", c.attrs["spikes"])
    need(c.attrs["neurons"] == sum(cells.values()), "/cortexc: neurons are the sum of the table", c.attrs["neurons"])


PROJECTIONS = {"name": str, "source": str, "target": str, "port": str, "unit": str, "synapse": str, "synapses": "<u8", "weight_mean": "<f8",
               "weight_sd": "<f8"}


def check_projections(f, c, cells):
    table = c.get("projections")
    if table is None:
        need(c.attrs["synapses"] == 0, "/cortexc/projections is absent only without synapses")
        return
    need(set(table) == set(PROJECTIONS), "/cortexc/projections has the columns documented", sorted(set(table) ^ set(PROJECTIONS)))
    n = len(table["name"])
    for column, dtype in PROJECTIONS.items():
        dataset(table, column, dtype, (n,))
    need(table["synapses"][...].sum() == c.attrs["synapses"], "/cortexc/projections: synapses are all of them", table["synapses"][...].sum())
    ends = {text(v) for column in ("source", "target") for v in table[column][...]}
    need(ends <= set(cells), "/cortexc/projections: ends are populations", ends)
    for name, count, mean, sd in zip(table["name"].asstr(), table["synapses"], table["weight_mean"], table["weight_sd"]):
        need(np.isnan(sd) == np.isnan(mean) and not sd < 0, f"{name}: a deviation comes with a mean", sd)
        group = c.get("synapses", {}).get(name.replace("/", "|"))
        if group and "weight" in group:
            last = group["weight"][...] if group["weight"].ndim == 1 else None
            need(len(group["source"]) == count, f"{name}: as many synapses as are recorded", count)
            if last is not None:
                need(np.isclose(mean, last.mean(), rtol=1e-9) and np.isclose(sd, last.std(), rtol=1e-6, atol=1e-9),
                     f"{name}: mean and deviation are those of the recorded weights", (mean, last.mean(), sd, last.std()))


EXPECT = {"text": str, "value": "<f8", "unit": str, "why": str, "lo": "<f8", "hi": "<f8", "met": "u1"}


def check_expect(c):
    if not need(("expect" in c) == bool(re.search(r"^\s*expect\s", text(c["model"][()]), re.M)), "/cortexc/expect is there when the model expects something"):
        return
    if "expect" not in c:
        return
    e = c["expect"]
    n = len(e["text"])
    need(set(e) == set(EXPECT), "/cortexc/expect has the columns documented", sorted(e))
    for column, dtype in EXPECT.items():
        dataset(e, column, dtype, (n,))
    none = np.isnan(e["value"][...])
    need(np.array_equal(none, [text(w) != "" for w in e["why"][...]]), "/cortexc/expect/why tells why there is no value, and only then")
    need(not e["met"][...][none].any(), "what has no value is not met")
    inside = (e["value"][...] > e["lo"][...]) & (e["value"][...] < e["hi"][...])
    edge = (e["value"][...] == e["lo"][...]) | (e["value"][...] == e["hi"][...])
    need(np.array_equal((e["met"][...] == 1)[~edge], inside[~edge]), "/cortexc/expect/met says whether the value is in the bounds")


def check_records(f, cells):
    for pop, variables in f["cortexc"].get("record", {}).items():
        need(pop in cells, f"/cortexc/record/{pop} is of a population of /nodes")
        for variable, d in variables.items():
            where = d.name
            dataset(variables, variable, "<f8")
            need(is_text(d.attrs.get("units")), f"{where} has the text attribute units")
            times = f.get(d.attrs["times"]) if "times" in d.attrs else None
            if times is None:
                need(d.attrs.get("dt", 0) > 0 and d.attrs.get("start", -1) >= 0, f"{where} has the attributes start and dt")
            else:
                need(times.shape == d.shape[:1] and np.all(np.diff(times[...]) > 0), f"{where} has a time for every frame, ascending")
            ids = f.get(d.attrs.get("node_ids", "/absent"))
            if need(ids is not None and ids.dtype == np.uint64, f"{where} names its cells by node_ids, u64"):
                need(d.ndim == 1 or d.shape[1:] == ids.shape, f"{where} has a column per cell, or one number of all", (d.shape, ids.shape))
                need(ids.size == 0 or ids[...].max() < cells.get(pop, 0), f"{where} is of cells that exist")


def check_synapses(f, cells):
    for name, group in f["cortexc"].get("synapses", {}).items():
        where = group.name
        for attribute in ("source_population", "target_population", "port", "synapse"):
            need(is_text(group.attrs.get(attribute)), f"{where} has the text attribute {attribute}", group.attrs.get(attribute))
        source = dataset(group, "source", "<u8")
        if source is None:
            continue
        n = len(source)
        target, multiplicity = dataset(group, "target", "<u8", (n,)), dataset(group, "multiplicity", "<u4", (n,))
        if target is None or multiplicity is None:
            continue
        ends = list(zip(source[...], target[...], multiplicity[...]))
        need(ends == sorted(set(ends)), f"{where} is in the order of source, target, multiplicity")
        for side, d in (("source", source), ("target", target)):
            need(n == 0 or d[...].max() < cells.get(group.attrs[side + "_population"], 0), f"{where} has a {side} that exists")
        for variable in set(group) - {"source", "target", "multiplicity"}:
            d = dataset(group, variable, "<f8")
            need(d.shape[-1] == n, f"{where}/{variable} has a value per synapse", d.shape)
            need(is_text(d.attrs.get("units")), f"{where}/{variable} has the text attribute units")
            if "times" in d.attrs:
                need(f[d.attrs["times"]].shape == d.shape[:1], f"{where}/{variable} has a time for every frame")
            elif d.ndim == 2:
                need(d.attrs.get("dt", 0) > 0 and d.attrs.get("start", -1) >= 0, f"{where}/{variable} has the attributes start and dt")


def check_at_spikes(f, cells):
    for pop, group in f["cortexc"].get("at_spikes", {}).items():
        time = dataset(group, "timestamps", "<f8")
        if time is None:
            continue
        n = len(time)
        ids = dataset(group, "node_ids", "<u8", (n,))
        need(np.all(np.diff(time[...]) >= 0), f"{group.name}: spikes are in order of time")
        need(n == 0 or ids[...].max() < cells.get(pop.split("#")[0], 0), f"{group.name} is of cells that exist")
        need(set(group["before"]) == set(group["after"]), f"{group.name}: the same variables before and after")
        for side in ("before", "after"):
            for variable in group[side]:
                d = dataset(group[side], variable, "<f8", (n,))
                need(is_text(d.attrs.get("units")), f"{d.name} has the text attribute units")


def check_edges(f, cells):
    for name, group in f.get("edges", {}).items():
        where = group.name
        source = dataset(group, "source_node_id", "<u8")
        if source is None:
            continue
        n = len(source)
        target = dataset(group, "target_node_id", "<u8", (n,))
        for side, ends in (("source", source), ("target", target)):
            pop = ends.attrs.get("node_population")
            need(pop in cells and (n == 0 or ends[...].max() < cells[pop]), f"{where}: {side}s are cells of the population named", pop)
        dataset(group, "edge_type_id", "<i8", (n,)), dataset(group, "edge_group_id", "<u4", (n,))
        index = dataset(group, "edge_group_index", "<u8", (n,))
        need(np.array_equal(index[...], np.arange(n)), f"{where}/edge_group_index counts up")
        delay = dataset(group["0"], "delay", "<f8", (n,))
        need(delay.attrs.get("units") == "ms" and (n == 0 or delay[...].min() >= 0), f"{where}/0/delay is in ms")
        if "syn_weight" in group["0"]:
            need(is_text(dataset(group["0"], "syn_weight", "<f8", (n,)).attrs.get("units")), f"{where}/0/syn_weight has the text attribute units")
        for side, ends in (("source_to_target", source), ("target_to_source", target)):
            at = group["indices"][side]
            nodes = dataset(at, "node_id_to_ranges", "<u8", (cells.get(ends.attrs["node_population"]), 2))
            need(at["node_id_to_range"] == nodes, f"{at.name}/node_id_to_range is the same array")
            ranges = dataset(at, "range_to_edge_id", "<u8")[...]
            found = 0
            for node, (lo, hi) in enumerate(nodes[...]):
                for a, z in ranges[lo:hi]:
                    found += int(np.count_nonzero(ends[int(a):int(z)] == node))
            need(found == n, f"{at.name} finds every edge at its neuron", (found, n))


def check_cortexc(f, cells):
    c = f["cortexc"]
    for name in TEXTS:
        need(isinstance(c.attrs.get(name), str), f"/cortexc has the text attribute {name}", c.attrs.get(name))
    for name, dtype in NUMBERS.items():
        v = c.attrs.get(name)
        need(v is not None and v.dtype == np.dtype(dtype), f"/cortexc has the attribute {name}, {np.dtype(dtype).name}", v)
    for name in ("model", "parameters", "command_line"):
        need(name in c and is_text(c[name][()]), f"/cortexc/{name} is text")
    try:
        need(isinstance(json.loads(c["parameters"][()]), dict), "/cortexc/parameters is a JSON object")
    except (KeyError, ValueError) as e:
        need(False, "/cortexc/parameters is a JSON object", e)
    if need("populations" in c and "layers" in c, "/cortexc has tables of populations and layers"):
        check_tables(f, cells)
    check_projections(f, c, cells)
    check_expect(c)
    check_at_spikes(f, cells)
    check_edges(f, cells)
    check_records(f, cells)
    check_synapses(f, cells)


def check_record_agrees(f):
    recorded = f["cortexc"].get("record", {})
    regular = {pop for pop, variables in recorded.items() if any(d.ndim == 2 and "dt" in d.attrs and name.split("#")[0] != "count" for name, d in variables.items())}
    need(set(f.get("report", {})) == regular, "/report has the populations with traces under /cortexc/record and nothing else")
    for pop, report in f.get("report", {}).items():
        variable = report["data"].attrs["variable"].replace("/", "|")
        d = f.get(f"cortexc/record/{pop}/{variable}")
        if need(d is not None, f"/cortexc/record/{pop}/{variable} is there, as in /report"):
            need(np.array_equal(d[...].astype(np.float32), report["data"][...], equal_nan=True), f"/report/{pop} has the values of {d.name}")
            need(np.array_equal(report["mapping/node_ids"][...], f[d.attrs["node_ids"]][...]), f"/report/{pop} has the cells of {d.name}")
            need(report["mapping/time"][0] == d.attrs["start"] and report["mapping/time"][2] == d.attrs["dt"], f"/report/{pop} has the times of {d.name}")


def check(path):
    print(path)
    with h5py.File(path, "r") as f:
        check_root(f)
        if failed:
            return
        cells = check_nodes(f)
        check_spikes(f, cells)
        for name, report in f.get("report", {}).items():
            check_report(name, report, cells)
        check_cortexc(f, cells)
        check_record_agrees(f)


for file in sys.argv[1:]:
    check(file)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
