#!/usr/bin/env python3
"""`cortexc plot`: every panel in every format, facts of the pixels, equal bytes for equal input, and bad input.

    run.py CORTEXC [--few]"""

import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
import zlib

import h5py
import numpy as np

CRASH = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|Segmentation|internal error|assertion failed")
PANELS = ["raster", "rates", "traces", "V", "rate", "mean(V)", "indegree", "strength", "matrix", "network", "weights"]

MODEL = """model "a small one"
layer L4 { population e : 80 of lif; population i : 20 of lif }
layer L5 : 60 of lif
connect L4.e -> [L4.i, L5] : probability(20%) { weight = 0.6 mV }
connect L4.e -> L4.e : probability(20%) using stdp as ee { weight = normal(0.6 mV, 0.1 mV), w_max = 2 mV }
connect L4.i -> L5 : probability(20%) as inh { weight = -2 mV }
stimulus -> * : poisson(rate = 10 Hz, inputs = 250) { weight = 0.6 mV }
record V of L4.e[0:8] every 0.5 ms
record weight of ee every 50 ms
record weight of inh at end
record rate of * every 5 ms
record mean(V) of L5 every 1 ms
record V of L5[0:2] at [10 ms, 20 ms]
run 200 ms
"""
# five spikes of four cells, at four times
KNOWN = """model "known"
population s : 4 of spike_list { times = [10 ms, 50 ms, 50 ms, 100 ms, 150 ms], indices = [0, 1, 2, 3, 0] }
run 200 ms
"""
MANY = """population pool[k in range(40)] : 2 of lif
stimulus -> * : poisson(rate = 10 Hz, inputs = 250) { weight = 0.6 mV }
connect pool -> pool : probability(20%) { weight = 0.2 mV }
run 50 ms
"""
BARE = "population E : 5 of lif\nrun 20 ms\n"


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder, self.n, self.failed = program, folder, 0, 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def holds(self, what, truth, more=""):
        self.n, self.failed = self.n + 1, self.failed + (not truth)
        print(f"{'ok  ' if truth else 'FAIL'} {what}")
        if not truth:
            print(more)

    def call(self, *args):
        return subprocess.run([self.program, *args], cwd=self.folder, capture_output=True, text=True, errors="replace", timeout=120)

    def expect(self, what, status, pattern, *args):
        done = self.call(*args)
        text = done.stdout + done.stderr
        self.holds(f"{what}: exit {status}", done.returncode == status and not CRASH.search(text), f"exit {done.returncode}\n{text[-2000:]}")
        self.holds(f"   says /{pattern}/", re.search(pattern, text), text[-2000:])
        return done


def pixels(data):
    """The picture of a PNG file of 8 bits a channel, [rows x columns x 3]."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body, head = 8, b"", None
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        assert zlib.crc32(data[at + 4:at + 8 + n]) == struct.unpack(">I", data[at + 8 + n:at + 12 + n])[0]
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", data[at + 8:at + 8 + n])
        elif kind == b"IDAT":
            body += data[at + 8:at + 8 + n]
        at += 12 + n
    w, h, depth, colour = head[:4]
    assert depth == 8 and colour in (2, 6) and kind == b"IEND"
    step = 3 if colour == 2 else 4
    raw = np.frombuffer(zlib.decompress(body), np.uint8).reshape(h, 1 + w * step)
    out, above = np.zeros((h, w * step), np.uint8), [0] * (w * step)
    for y in range(h):
        kind, row = raw[y, 0], raw[y, 1:].tolist()
        for x in range(w * step if kind else 0):
            left = row[x - step] if x >= step else 0
            if kind == 1:
                add = left
            elif kind == 2:
                add = above[x]
            elif kind == 3:
                add = (left + above[x]) // 2
            else:
                corner = above[x - step] if x >= step else 0
                p = left + above[x] - corner
                add = min((abs(p - left), 0, left), (abs(p - above[x]), 1, above[x]), (abs(p - corner), 2, corner))[2]
            row[x] = (row[x] + add) & 255
        above = row
        out[y] = row
    return out.reshape(h, w, step)[:, :, :3]


def formats(b):
    for panel in PANELS:
        said = b.expect(f"{panel} as PNG", 0, r"\d+ x \d+ pixels", "plot", "m.h5", panel, "-o", "a.png", "--dpi", "48").stdout
        data = b.read("a.png")
        size = tuple(map(int, re.search(r"(\d+) x (\d+) pixels", said).groups()))
        b.holds("   of the size it tells", data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24]) == size, said)
        picture = pixels(data)
        inked = (np.abs(picture.astype(int) - 255).sum(axis=2) > 60).mean()
        b.holds("   on a white ground, with something on it", (picture[0] == 255).all() and (picture[:, -1] == 255).all() and 0.004 < inked < 0.6, str(inked))
        b.expect(f"{panel} as SVG", 0, "a.svg", "plot", "m.h5", panel, "-o", "a.svg")
        root = xml.etree.ElementTree.fromstring(b.read("a.svg"))
        b.holds("   is XML with the root <svg>", root.tag == "{http://www.w3.org/2000/svg}svg" and len(list(root.iter())) > 20, root.tag)
        b.expect(f"{panel} as PDF", 0, "a.pdf", "plot", "m.h5", panel, "-o", "a.pdf")
        pdf = b.read("a.pdf")
        b.holds("   begins and ends as PDF", pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF"))
    b.expect("without words and without -o: all of the usual", 0, r"^m\.png: raster, rates, V, rate, mean\(V\); ", "plot", "m.h5", "--dpi", "48")
    b.expect("some words at once", 0, "raster, weights, network", "plot", "m.h5", "raster", "weights", "network", "raster", "-o", "a.png", "--dpi", "48")
    b.expect("forty populations", 0, "network", "plot", "many.h5", "raster", "rates", "matrix", "network", "-o", "a.png", "--dpi", "48")
    b.expect("forty populations on little room", 0, "network", "plot", "many.h5", "raster", "matrix", "network", "-o", "a.svg", "--size", "200x150")
    b.expect("-q says nothing", 0, r"^$", "plot", "m.h5", "-q", "-o", "a.png", "--dpi", "48")


def same(b):
    for ending in ("png", "svg", "pdf"):
        for name in ("one", "two"):
            b.call("plot", "m.h5", "raster", "rates", "traces", "matrix", "network", "weights", "-o", f"{name}.{ending}", "--dpi", "48")
        b.holds(f"equal bytes for equal input: {ending}", b.read(f"one.{ending}") == b.read(f"two.{ending}"))
    with h5py.File(b.path("m.h5")) as f:
        year = str(f["cortexc"].attrs["created"])[:4]
    b.holds("the date of a PDF is that of the run", re.search(rb"/CreationDate \((D:)?" + year.encode(), b.read("one.pdf")))


def facts(b):
    def picture(*args):
        b.call("plot", *args, "-o", "p.png", "--dpi", "96")
        return pixels(b.read("p.png")).astype(int)

    def runs(mask):
        return int(np.diff(np.concatenate([[0], mask.astype(int)])).clip(0).sum())

    whole = picture("known.h5", "raster", "--title", "", "--size", "600x200")
    b.holds("--size at 96 dpi is the size in pixels", whole.shape == (200, 600, 3), str(whole.shape))
    band = whole[20:150, 62:538]  # between the words
    orange = (np.abs(band - [230, 158, 0]).sum(axis=2) < 60)
    columns, rows = runs(orange.any(axis=0)), runs(orange.any(axis=1))
    b.holds("four times of spikes are four strokes, three of the cells four lines", (columns, rows) == (4, 4), f"{columns} {rows}")
    at = np.flatnonzero(orange.any(axis=0))
    b.holds("the first at a 20th of the axis, the last at three quarters",
            abs(at[0] - at[-1] + 140 / 200 * (600 - 2 * 18 - 44 - 62)) < 3, f"{at[0]} {at[-1]}")
    part = picture("known.h5", "raster", "--title", "", "--size", "600x200", "--from", "20 ms", "--to", "0.12 s")
    orange = (np.abs(part[20:150, 62:538] - [230, 158, 0]).sum(axis=2) < 60)
    b.holds("--from and --to leave two of them", runs(orange.any(axis=0)) == 2, str(runs(orange.any(axis=0))))
    layers = picture("m.h5", "raster")
    for name, colour in (("L4.e", (230, 158, 0)), ("L5", (87, 181, 232))):
        b.holds(f"the colour of {name} is there", (np.abs(layers - colour).sum(axis=2) < 40).sum() > 200)
    only = picture("m.h5", "raster", "--of", "L5")
    b.holds("--of L5 leaves the others away", (np.abs(only - (230, 158, 0)).sum(axis=2) < 40).sum() == 0)
    b.expect("--of with a layer takes its populations", 0, "raster", "plot", "m.h5", "raster", "--of", "L4", "-o", "p.png", "--dpi", "48")


def hostile(b):
    use = ("plot", "m.h5")
    b.expect("no file", 64, "takes an output file", "plot")
    b.expect("a missing file", 66, "missing.h5", "plot", "missing.h5")
    b.expect("a file of something else", 66, "notes.txt", "plot", "notes.txt", "-o", "x.png")
    b.expect("a panel misspelled", 64, "did you mean `raster`", *use, "rastr")
    b.expect("a panel that is none", 64, "list plots", *use, "flowers")
    b.expect("a population misspelled", 64, "did you mean `L4", *use, "--of", "L4.x")
    b.expect("an unknown format", 64, r"\.png, \.svg or \.pdf", *use, "-o", "x.jpg")
    b.expect("no recorded variable", 65, "record V of", "plot", "bare.h5", "traces")
    b.expect("no V", 65, "record V of", "plot", "bare.h5", "V")
    b.expect("no weights", 65, "record weight of", "plot", "bare.h5", "weights")
    b.expect("no connections", 65, "connect", "plot", "bare.h5", "network")
    b.expect("no spikes at all draws", 0, "raster", "plot", "bare.h5", "-o", "x.png", "--dpi", "48")
    for option, value, pattern in (("--size", "big", "WIDTHxHEIGHT"), ("--size", "10x10", "WIDTHxHEIGHT"), ("--dpi", "1", "24 to 2400"), ("--from", "20", "--from"),
                                   ("--from", "5 mV", "--from"), ("--from", "3 s", "ends at 200 ms"), ("--to", "-1 ms", "--to"), ("--to", "x", "--to")):
        b.expect(f"{option} {value}", 64, pattern, *use, option, value, "-o", "x.png")
    b.expect("a figure too large", 64, "too large", *use, "--size", "20000x20000", "--dpi", "2400", "-o", "x.png")
    b.expect("a folder as output", 73, "folder", *use, "-o", "folder.png")
    b.expect("an output nowhere", 73, "no/such", *use, "-o", "no/such/x.png")
    b.write("notes.svg", "my notes")
    b.expect("a foreign file is kept", 73, "--force", *use, "-o", "notes.svg")
    b.holds("   as it was", b.read("notes.svg") == b"my notes")
    b.expect("   but for --force", 0, "notes.svg", *use, "-o", "notes.svg", "--force")
    b.expect("a figure is replaced", 0, "notes.svg", *use, "-o", "notes.svg")
    if os.path.exists("/dev/full"):
        os.symlink("/dev/full", b.path("full.png.tmp"))
        b.expect("a full disk", 74, "full.png", *use, "-o", "full.png", "--dpi", "48")
        b.holds("   leaves nothing", not os.path.lexists(b.path("full.png")) and not os.path.lexists(b.path("full.png.tmp")))
    b.holds("nothing unfinished is left behind", not [f for f in os.listdir(b.folder) if f.endswith(".tmp")])


def damaged(b):
    """What is wrong in the file is told or drawn around; nothing crashes."""
    def change(what, edit, *words):
        shutil.copy(b.path("m.h5"), b.path("bad.h5"))
        with h5py.File(b.path("bad.h5"), "r+") as f:
            edit(f)
        done = b.call("plot", "bad.h5", *(words or PANELS), "-o", "bad.svg")
        b.holds(f"damaged: {what}", done.returncode in (0, 65) and not CRASH.search(done.stderr) and (done.returncode == 0 or "bad.h5" in done.stderr),
                f"exit {done.returncode} {done.stderr[-1500:]}")

    def replace(f, path, data):
        attrs = dict(f[path].attrs)
        del f[path]
        f[path] = data
        f[path].attrs.update(attrs)

    record = "cortexc/record/L4.e/V"
    change("a recording without its step", lambda f: f[record].attrs.__delitem__("dt"))
    change("a recording of step 0", lambda f: f[record].attrs.__setitem__("dt", 0.0))
    change("a recording that begins never", lambda f: f[record].attrs.__setitem__("start", np.nan))
    change("a recording far away", lambda f: f[record].attrs.__setitem__("start", 1e18))
    change("a recording of nothing but NaN", lambda f: replace(f, record, np.full((400, 8), np.nan)))
    change("a recording of no frames", lambda f: replace(f, record, np.zeros((0, 8))))
    change("a recording of no cells", lambda f: replace(f, record, np.zeros((400, 0))))
    change("a recording of texts", lambda f: replace(f, record, np.array([[b"x"] * 8] * 4)))
    change("cells that are not there", lambda f: f["cortexc/record_ids/L4.e/V"].__setitem__(0, 1 << 40))
    change("a recording that claims more than is stored", lambda f: (f.__delitem__(record), f.create_dataset(record, (1 << 40, 8), "f8", chunks=(64, 8)))[0])
    change("infinite values", lambda f: f[record].__setitem__((3, 3), np.inf))
    change("a unit that is no UTF-8", lambda f: f[record].attrs.__setitem__("units", np.array(b"\xff\xfe<&>", h5py.string_dtype())))
    change("spikes beyond the run", lambda f: f["spikes/L5/timestamps"].__setitem__(-1, 1e300))
    change("a colour that is none", lambda f: f["cortexc/populations/color"].__setitem__((0, 0), np.nan))
    change("a projection of nobody", lambda f: replace(f, "cortexc/projections/source", np.array(["nobody"] * len(f["cortexc/projections/source"]), h5py.string_dtype())))
    change("no table of projections", lambda f: f["cortexc"].__delitem__("projections"), "network")
    change("half a table of projections", lambda f: f["cortexc/projections"].__delitem__("unit"))
    change("weights that are no numbers", lambda f: f["cortexc/synapses/ee/weight"].__setitem__((0, 0), np.nan))
    change("ends of synapses missing", lambda f: f["cortexc/synapses/ee"].__delitem__("source"))
    change("a title with the signs of XML", lambda f: f["cortexc"].attrs.__setitem__("title", "<a> & \"b\" \x01"))
    change("a date that is none", lambda f: f["cortexc"].attrs.__setitem__("created", "never"))
    data = b.read("m.h5")
    for cut in (100, 4000, len(data) // 2, len(data) - 100):
        b.write("torn.h5", data[:cut])
        done = b.call("plot", "torn.h5", "-o", "bad.png")
        b.holds(f"a file cut after {cut} bytes", done.returncode in (65, 66) and not CRASH.search(done.stderr), f"{done.returncode} {done.stderr}")


def large(b):
    """A million spikes in less than a second of work (the clock on the wall also counts what else the machine does)."""
    b.write("large.cortex", "population S : 10000 of poisson_source { rate = 100 Hz }\nrun 1 s\n")
    b.expect("a run of a million spikes", 0, "", "large.cortex", "-o", "large.h5", "-q")
    for ending in ("png", "svg", "pdf"):
        best = 1e9
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            b.call("plot", "large.h5", "raster", "-o", f"large.{ending}")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            if best < 1.0:
                break
        b.holds(f"a million spikes as {ending} in {best:.2f} s", best < 1.0)


def main():
    with tempfile.TemporaryDirectory() as folder:
        b = Bench(os.path.abspath(sys.argv[1]), folder)
        os.mkdir(b.path("folder.png"))
        b.write("notes.txt", "nothing")
        for name, text in (("m", MODEL), ("known", KNOWN), ("many", MANY), ("bare", BARE)):
            b.write(f"{name}.cortex", text)
            b.expect(f"the run of {name}", 0, "", f"{name}.cortex", "-o", f"{name}.h5", "-q")
        for part in (formats, same, facts, hostile, damaged) + (() if "--few" in sys.argv else (large,)):
            print(f"-- {part.__name__}")
            part(b)
        print(f"plot: {b.n} checks, {b.failed} failures")
        return 1 if b.failed else 0


sys.exit(main())
