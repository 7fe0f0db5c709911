"""What `expect` measures, against the same definitions worked out from the recorded spikes and values."""

import math

from bench import check, mean

NETWORK = """
population E : 80 of lif { V = uniform(0 mV, 19 mV) }
population I : 20 of lif
population q : 5 of lif
stimulus -> E : poisson(rate = 8 Hz, inputs = 300) { weight = 0.6 mV }
stimulus -> I : poisson(rate = 8 Hz, inputs = 320) { weight = 0.6 mV }
stimulus -> [E, I].I : drive(if 100 ms <= t < 140 ms then 400 pA else 0)
connect E -> I : probability(10%) as ei { weight = uniform(0.3 mV, 0.7 mV), delay = 1.5 ms }
record spikes of *
record V of E every 0.1 ms
record weight of ei at end
run 300 ms
run 300.2 ms
"""


def results(out):
    """Value of each expectation by its text."""
    import h5py
    with h5py.File(out.path, "r") as f:
        table = f["/cortexc/expect"]
        return {t.decode(): (float(v), bool(m), w.decode(), u.decode())
                for t, v, m, w, u in zip(*(table[c][()] for c in ("text", "value", "met", "why", "unit")))}


def variance(x):
    m = sum(x) / len(x)
    return sum((v - m) ** 2 for v in x) / len(x)


def covariance(x, y):
    return sum((a - mean(x)) * (b - mean(y)) for a, b in zip(x, y)) / len(x)


def counts(train, start, stop, width):
    """Spikes in the whole bins of (start, stop], in steps."""
    n = (stop - start) // width
    out = [0] * n
    for s in train:
        k = (s - start - 1) // width
        if s > start and 0 <= k < n:
            out[k] += 1
    return out


def together(columns):
    return [sum(c) for c in zip(*columns)]


def cv(trains):
    out = []
    for t in trains:
        gaps = [b - a for a, b in zip(t, t[1:])]
        if len(t) >= 3:
            out.append(math.sqrt(variance(gaps)) / mean(gaps))
    return mean(out)


def cv2(trains):
    gaps = [[b - a for a, b in zip(t, t[1:])] for t in trains]
    return mean([mean([2 * abs(b - a) / (a + b) for a, b in zip(g, g[1:])]) for g in gaps if len(g) > 1])


def pearson(x, y):
    return covariance(x, y) / math.sqrt(variance(x) * variance(y))


def pairs(columns):
    moving = [c for c in columns if variance(c) > 0]
    return mean([pearson(a, b) for k, a in enumerate(moving) for b in moving[k + 1:]])


def chi(columns):
    all_of_it, alone = variance(together(columns)), [variance(c) for c in columns]
    return math.sqrt(max(0, (all_of_it - sum(alone)) / (sum(map(math.sqrt, alone)) ** 2 - sum(alone))))


def slope(x):
    return covariance(x[:-1], x[1:]) / variance(x[:-1])


@check()
def measures(b):
    """Every measure of spikes and values, over four kinds of windows, is what its definition gives for the same data."""
    windows = {"": (0, 6002), ", from = 100 ms": (1000, 6002), ", from = 50.1 ms, to = 400 ms": (501, 4000), ", last = 250.5 ms": (3497, 6002)}
    spikes = ["rate(E{})", "count(E{})", "first_spike(E{})", "cv_isi(E{})", "local_cv(E{})", "burst_index(E, isi = 12 ms{})", "fano(E{})", "synchrony(E, bin = 5 ms{})",
              "correlation(E, bin = 10 ms{})", "correlation(E, I, bin = 10 ms{})", "branching_ratio(E, bin = 4 ms{})", "rate([E[0:10], I[3, 7]]{})"]
    values = ["mean(E.V{})", "sd(E.V{})", "min(E.V{})", "max(E.V{})"]
    lines = [f"expect {m.format(w)} in (-inf, inf)\n" for w in windows for m in spikes + values]
    out = b.text("measures", NETWORK + "".join(lines) + "expect mean(ei.weight) > 0.4 mV\nexpect sd(ei.weight) < 0.2 mV\n")
    got = {k.split(" in (")[0]: v for k, v in results(out).items()}
    trains = [[round(10 * t) for t in train] for train in out.trains("E", 80)]
    others = [[round(10 * t) for t in train] for train in out.trains("I", 20)]
    trace = out.record("E", "V")
    for w, (lo, hi) in windows.items():
        cut = [[s for s in t if lo < s <= hi] for t in trains]
        cut_i = [[s for s in t if lo < s <= hi] for t in others]
        gaps = [y - x for t in cut for x, y in zip(t, t[1:])]
        binned = {n: [counts(t, lo, hi, n) for t in cut] for n in (30, 50, 100)}
        ten = together([counts(t, lo, hi, 100) for t in cut_i])
        some = cut[:10] + [cut_i[3], cut_i[7]]
        ms = (hi - lo) / 10
        expected = [1000 * sum(map(len, cut)) / 80 / ms, sum(map(len, cut)), min(t[0] for t in cut if t) / 10, cv(cut), cv2(cut),
                    sum(g < 120 for g in gaps) / len(gaps), variance(together(binned[30])) / mean(together(binned[30])), chi(binned[50]), pairs(binned[100]),
                    pearson(together(binned[100]), ten), slope(together([counts(t, lo, hi, 40) for t in cut])), 1000 * sum(map(len, some)) / 12 / ms]
        flat = [v for frame in trace[lo:hi] for v in frame]
        expected += [math.fsum(flat) / len(flat), 0, min(flat), max(flat)]
        expected[-3] = math.sqrt(math.fsum((v - expected[-4]) ** 2 for v in flat) / len(flat))
        for m, e in zip(spikes + values, expected):
            name = "expect " + m.format(w)
            b.near(m.format(w), got[name][0], e, 1e-10 * max(1, abs(e)), 12)
    weights, _ = out.read("/cortexc/synapses/ei/weight")
    b.near("mean(ei.weight)", got["expect mean(ei.weight) > 0.4 mV"][0], mean(weights), 1e-12, 12)
    b.near("sd(ei.weight)", got["expect sd(ei.weight) < 0.2 mV"][0], math.sqrt(variance(weights)), 1e-12, 12)


@check()
def measures_of_lists(b):
    """A connection between lists of populations is measured as a whole, static or plastic, where some of its projections are empty, too."""
    out = b.text("lists", """
population A : 30 of poisson_source { rate = 50 Hz }
population B : 20 of lif { V = 19 mV }
population C : 2 of lif
connect [A, B] -> [B, C] : probability([[0.3, 0], [0.1, 0.5]]) as web { weight = [[uniform(0 mV, 1 mV), 5 mV], [3 mV, -2 mV]] }
connect [A, B] -> [B, C] : probability(20%) using stdp as pairs { weight = uniform(0.2 mV, 0.4 mV), w_max = 1 mV, A_pre = 0.1 }
connect A -> [C, B] : probability(0) as none { weight = 1 mV }
record weight of web at end
record weight of pairs at end
expect mean(web.weight) in (0 mV, 2 mV)
expect sd(web.weight) in (0 mV, 3 mV)
expect min(web.weight) in (-3 mV, 0 mV)
expect max(web.weight) in (0 mV, 3 mV)
expect mean(pairs.weight) in (0 mV, 1 mV)
expect sd(pairs.weight) in (0 mV, 1 mV)
expect min(pairs.weight) in (0 mV, 1 mV)
expect max(pairs.weight) in (0 mV, 1 mV)
expect mean(none.weight) in (-inf, inf)
run 1 s
""")
    got = {k.split(") ")[0] + ")": v for k, v in results(out).items()}
    ends = {"web": ("A->B", "B->B", "B->C"), "pairs": ("A->B", "A->C", "B->B", "B->C")}
    for name, pairs_of in ends.items():
        w = [x for pair in pairs_of for x in out.read(f"/cortexc/synapses/{name}:{pair}.V/weight")[0]]
        b.holds(f"synapses of {name}", len(w), 100, 1000)
        b.near(f"mean({name}.weight)", got[f"expect mean({name}.weight)"][0], mean(w), 1e-12, 12)
        b.near(f"sd({name}.weight)", got[f"expect sd({name}.weight)"][0], math.sqrt(variance(w)), 1e-12, 12)
        b.near(f"min({name}.weight)", got[f"expect min({name}.weight)"][0], min(w), 0, 12)
        b.near(f"max({name}.weight)", got[f"expect max({name}.weight)"][0], max(w), 0, 12)
    b.same("reason where there is no synapse", got["expect mean(none.weight)"][2] == "no synapses", True)


@check()
def measures_by_hand(b):
    """Trains of a few spikes, whose measures are known by heart; silence and single spikes have no irregularity."""
    out = b.text("by_hand", """
population s : 3 of spike_list { times = [10 ms, 20 ms, 40 ms, 15 ms, 17 ms], indices = [0, 0, 0, 1, 1] }
population p : 2 of spike_list { times = [1 ms, 1 ms, 7 ms, 7 ms], indices = [0, 1, 0, 1] }
population q : 5 of lif
run 60 ms
expect rate(s) == 0
expect count(s, to = 17 ms) == 3
expect first_spike(s, from = 10 ms) == 15 ms
expect cv_isi(s) in [0.3333, 0.3334]
expect burst_index(s) in (0.33, 0.34)
expect synchrony(p) in [1, 1]
expect correlation(p) > 0.999999
expect fano(p, bin = 6 ms, to = 12 ms) == 0
expect fano(p, bin = 3 ms, to = 12 ms) == 1
expect branching_ratio(p, bin = 1 ms, to = 9 ms) < 0
expect count(q) <= 0
expect rate(q) < 1 Hz
expect 0 mV <= mean(q.V) <= 0 mV
expect first_spike(q) in [0 ms, 1 s]
expect cv_isi(q) >= 0
expect cv_isi(s[1]) >= 0
expect burst_index(q) >= 0
expect fano(q) >= 0
expect synchrony(q) >= 0
expect correlation(q) >= -1
expect correlation(s, q) >= -1
expect branching_ratio(q) >= -1
expect fano(s, to = 5 ms) >= 0
""")
    rows = list(results(out).items())
    known = [5 / 3 / 0.06, 3, 15, 1 / 3, 1 / 3, 1, 1, 0, 1, -1 / 6, 0, 0, 0]
    for (text, (value, met, why, _)), e in zip(rows, known):
        b.near(text[7:], value, e, 1e-12, 12)
        b.same("  reasons against it", len(why), 0)
    b.same("met among them", sum(r[1][1] for r in rows[:13]), 12)
    for text, (value, met, why, _) in rows[13:]:
        b.same(f"{text[7:]}: neither a value nor met, but a reason", int(math.isnan(value) and not met and len(why) > 5), 1)
