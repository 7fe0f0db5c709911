"""Checks of space and of the rules that say which pairs: what each source gives to each target is read from jumps of the targets."""

import math

from bench import check, mean

PROBE = """
neuron probe { state V : mV = 0 mV, a : mV = 0 mV; dV/dt = 0 mV/ms; da/dt = 0 mV/ms; port V }
"""


def given(b, name, sources, targets, line, more="", places=("", "")):
    """The output, and what one spike of each source (rows) adds to each target (columns) by the connection `line`."""
    times = ", ".join(f"{k + 1} ms" for k in range(sources))
    out = b.text(name, PROBE + f"""
population s : {sources} of spike_list {{ times = [{times}], indices = range({sources}){places[0]} }}
population p : {targets} of probe {{ V = 0 mV{places[1]} }}
{more}
connect {line}
record V of p every 1 ms
run {sources + 2} ms
""")
    frames = out.record("p", "V")
    return out, [[y - x for x, y in zip(frames[k], frames[k + 1])] for k in range(1, sources + 1)]


def places(out, pop):
    return list(zip(*(out.read(f"/nodes/{pop}/0/{axis}")[0] for axis in "xyz")))


@check()
def pairs_made(b):
    """Rules that say which pairs make these and no others."""
    rules = {
        "where(abs(i - j) < 2)": lambda i, j: abs(i - j) < 2,
        "where(mod(i, 2) == 0 and j > 3, p = if i == 2 then 0 else 1)": lambda i, j: i in (0, 4) and j > 3,
        "each(j = 2*i)": lambda i, j: j == 2 * i,
        "each(j = 9 - 3*i)": lambda i, j: j == 9 - 3 * i,
        "pairs([[5, 0], [1, 7], [1, 2], [1, 7]])": lambda i, j: {(5, 0): 1, (1, 7): 2, (1, 2): 1}.get((i, j), 0),
    }
    for rule, formula in rules.items():
        _, got = given(b, "pairs", 6, 8, f"s -> p : {rule} {{ weight = 1 mV }}")
        wrong = sum(got[i][j] != formula(i, j) for i in range(6) for j in range(8))
        b.same(f"{rule}: wrong pairs", wrong, 0)
    _, got = given(b, "matrix", 6, 8, "s[1, 4] -> p[2:5] : matrix([[1 mV, 0 mV, -2 mV], [0 mV, 3 mV, 0 mV]])")
    want = {(1, 2): 1, (1, 4): -2, (4, 3): 3}
    b.same("matrix: wrong weights", sum(got[i][j] != want.get((i, j), 0) for i in range(6) for j in range(8)), 0)


@check()
def distances(b):
    """Distances are those of the coordinates in the file, also in periodic space; ends of a synapse give their values."""
    here = (", position = ball(radius = 80 um, origin = [100 um, 100 um, 50 um])", ", position = grid(4, 3, 2, spacing = 60 um)")
    for wrap, period in (("", (0, 0, 0)), (", wrap = [240 um, 180 um]", (240, 180, 0))):
        out, got = given(b, "distance", 5, 24, f"s -> p : all_to_all {{ weight = 1 mV*distance/[um]{wrap} }}", places=here)
        worst = 0
        for i, a in enumerate(places(out, "s")):
            for j, c in enumerate(places(out, "p")):
                gaps = [abs(x - y) for x, y in zip(a, c)]
                gaps = [min(g % w, w - g % w) if w else g for g, w in zip(gaps, period)]
                worst = max(worst, abs(math.hypot(*gaps) - got[i][j]))
        b.near(f"largest error of a distance{wrap}, um", worst, 0, 1e-4)
    out, got = given(b, "chosen", 5, 24, "s[position.x > 100 um] -> p[position.y < 50 um or i == 23] : all_to_all { weight = 1 mV }", places=here)
    xs, ys = [x for x, _, _ in places(out, "s")], [y for _, y, _ in places(out, "p")]
    wrong = sum(got[i][j] != (xs[i] > 100 and (ys[j] < 50 or j == 23)) for i in range(5) for j in range(24))
    b.same("selected by position: wrong pairs", wrong, 0)
    out, got = given(b, "ends", 5, 24, "s -> p : all_to_all { weight = 2*target.a }", "record a of p every 1 ms", ("", ", a = uniform(1 mV, 3 mV)"))
    a = out.record("p", "a")[0]
    b.near("largest error of a target's value, mV", max(abs(got[i][j] - 2 * a[j]) for i in range(5) for j in range(24)), 0, 1e-5)


@check()
def shapes(b):
    """Random shapes are filled evenly; regular ones have their places."""
    n = 4000
    out = b.text("shapes", PROBE + f"""
population disc : {n} of probe {{ position = disc(radius = 100 um) }}
population ball : {n} of probe {{ position = ball(radius = 100 um) }}
population sphere : {n} of probe {{ position = sphere(radius = 100 um) }}
population box : {n} of probe {{ position = box(100 um, 200 um, 300 um) }}
population ring : 4 of probe {{ position = ring(radius = 100 um) }}
population line : 4 of probe {{ position = line(spacing = 3 um, origin = [1 um, 2 um]) }}
population own : {n} of probe {{ position = xyz(1 um*i, normal(5 um, 2 um)) }}
run 1 ms
""")
    for shape, power in (("disc", 2), ("ball", 3)):
        at = [math.hypot(*p) / 100 for p in places(out, shape)]
        b.holds(f"{shape}: largest radius", max(at), 0.98, 1 + 1e-6)
        b.near(f"{shape}: mean of the part within", mean([r ** power for r in at]), 0.5, 4 / math.sqrt(12 * n))
    for shape, width in (("disc", 0.5), ("ball", 1 / math.sqrt(5)), ("sphere", 1 / math.sqrt(3))):
        for axis in range(2 if shape == "disc" else 3):
            b.near(f"{shape}: mean {'xyz'[axis]}", mean([p[axis] / 100 for p in places(out, shape)]), 0, 4 * width / math.sqrt(n))
    b.near("sphere: largest error of a radius", max(abs(math.hypot(*p) - 100) for p in places(out, "sphere")), 0, 1e-4)
    for axis in range(3):
        b.near(f"box: mean {'xyz'[axis]}", mean([p[axis] / (100 * (axis + 1)) for p in places(out, "box")]), 0.5, 4 / math.sqrt(12 * n))
    want = [(100, 0, 0), (0, 100, 0), (-100, 0, 0), (0, -100, 0)]
    b.near("ring: largest error", max(math.dist(p, q) for p, q in zip(places(out, "ring"), want)), 0, 1e-4)
    b.near("line: largest error", max(math.dist(p, (1 + 3 * k, 2, 0)) for k, p in enumerate(places(out, "line"))), 0, 1e-4)
    own = places(out, "own")
    b.same("xyz: wrong x or z", sum(p[0] != k or p[2] != 0 for k, p in enumerate(own)), 0)
    b.near("xyz: mean y", mean([p[1] for p in own]), 5, 4 * 2 / math.sqrt(n))
