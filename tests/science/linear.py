"""Linear equations whose coefficients are parameters, and their noise: propagators against decimal arithmetic, exact laws."""

import math
from decimal import Decimal, getcontext

from bench import check, mean

getcontext().prec = 40


def product(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def exponential(a):
    """exp of a small matrix of decimals, by halving, Taylor series and squaring, to some thirty digits."""
    n, halvings = len(a), 10
    a = [[x / 2 ** halvings for x in row] for row in a]
    one = [[Decimal(i == j) for j in range(n)] for i in range(n)]
    total, term = one, one
    for k in range(1, 24):
        term = [[x / k for x in row] for row in product(term, a)]
        total = [[x + y for x, y in zip(p, q)] for p, q in zip(total, term)]
    for _ in range(halvings):
        total = product(total, total)
    return total


def ms(values):
    return "[" + ", ".join(f"{v} ms" for v in values) + "]"


def flow(a, c, x, t):
    """x(t) of x' = a x + c."""
    n = len(a)
    big = [[Decimal(v) * Decimal(t) for v in row] + [Decimal(f) * Decimal(t)] for row, f in zip(a, c)] + [[Decimal(0)] * (n + 1)]
    e = exponential(big)
    return [float(sum(p * Decimal(v) for p, v in zip(row, x)) + row[n]) for row in e[:n]]


@check()
def own_rates(b):
    """Coupled equations with rates of each neuron's own, from numbers, draws and lists: exact to 1e-12 at any dt."""
    taus, slow = [10.0, 12.5, 12.5, 17.0, 5.0], [5.0, 5.0, 7.0, 9.0, 5.0]
    for dt in ("0.01", "0.1", "1", "5"):
        out = b.text("own_rates", f"""
neuron m {{
  param tau_m = 20 ms, tau_e = 5 ms, R = 0.1 GOhm, EL = -70 mV, back = 0.5 pA/mV
  state V : mV = -60 mV
  state ge : pA = 10 pA
  state he : pA/ms = 4 pA/ms
  state w : pA = 0 pA
  input I : pA
  port I
  dV/dt = (EL - V + R*(ge + I - w))/tau_m
  dge/dt = he - ge/tau_e
  dhe/dt = -he/tau_e
  dw/dt = (2*back*(V - EL) - w)/(30 ms)
}}
population A : 5 of m {{ tau_m = {ms(taus)}, tau_e = {ms(slow)}, EL = -70 mV + i*(1 mV), I = 30 pA }}
record V, ge, w of A every 5 ms
simulation {{ dt = {dt} ms }}
run 45 ms
""")
        for name, place in (("V", 0), ("ge", 1), ("w", 3)):
            worst = 0.0
            for k, frame in enumerate(out.record("A", name)):
                for i, got in enumerate(frame):
                    tm, te, rest = Decimal(taus[i]), Decimal(slow[i]), Decimal(-70 + i)
                    # V in mV, currents in pA: 0.1 GOhm is 0.1 mV/pA
                    a = [[-1 / tm, Decimal("0.1") / tm, 0, -Decimal("0.1") / tm], [0, -1 / te, 1, 0], [0, 0, -1 / te, 0],
                         [1 / Decimal(30), 0, 0, -1 / Decimal(30)]]
                    c = [(rest + 3) / tm, 0, 0, -rest / 30]
                    want = flow(a, c, [-60, 10, 4, 0], 5 * k)[place]
                    worst = max(worst, abs(got - want) / max(1, abs(want)))
            b.holds(f"dt {dt} ms: {name}", worst, 0, 1e-12)


def covariance(xs, ys):
    mx, my = mean(xs), mean(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / (len(xs) - 1)


@check()
def joint_noise(b):
    """One noise in two equations, one that drives another, and a shared one: moments and lagged moments at any dt."""
    n, tau_y, tau_x, s = 20000, 7.0, 4.0, 0.3
    a, c = 1 / tau_x, 1 / tau_y
    for dt in (0.1, 1, 10):
        out = b.text("joint_noise", f"""
neuron m {{
  param tau_x = 4 ms, tau_y = 7 ms, s = 0.3/[ms^(1/2)]
  state x = 0, y = 0
  dx/dt = -x/tau_x + s*xi
  dy/dt = (x - y)/tau_y
}}
neuron twice {{
  state x = 0, y = 0
  dx/dt = -x/(4 ms) + 0.3/[ms^(1/2)]*xi
  dy/dt = -y/(7 ms) - 0.3/[ms^(1/2)]*xi + 0.4/[ms^(1/2)]*xi_1
}}
neuron common {{
  state x = 0, y = 0
  dx/dt = -x/(4 ms) + 0.3/[ms^(1/2)]*shared(xi) + 0.3/[ms^(1/2)]*xi
  dy/dt = (x - y)/(7 ms)
}}
population numbers : {n} of m
population kinds : {n} of m {{ tau_x = 4 ms + 0 ms*i, s = 0.3/[ms^(1/2)] + 0/[ms^(1/2)]*i }}
population twins : {n} of twice
population flock : {n} of common
record x, y of [numbers, kinds, twins, flock] every 10 ms
simulation {{ dt = {dt} ms }}
run 110 ms
""")
        # stationary moments of y' = (x - y)/tau_y behind x
        xx = s * s / (2 * a)
        xy = xx * c / (a + c)
        for population in ("numbers", "kinds"):
            x, y = out.record(population, "x"), out.record(population, "y")
            late, last = 9, 10
            b.near(f"dt {dt} ms, {population}: var x", covariance(x[last], x[last]), xx, 4 * xx * math.sqrt(2 / n))
            b.near(f"dt {dt} ms, {population}: cov x y", covariance(x[last], y[last]), xy, 4 * xx * math.sqrt(2 / n))
            b.near(f"dt {dt} ms, {population}: var y", covariance(y[last], y[last]), xy, 4 * xy * math.sqrt(2 / n))
            h = 10.0
            lag = c / (c - a) * (math.exp(-a * h) - math.exp(-c * h)) * xy + math.exp(-c * h) * xy
            b.near(f"dt {dt} ms, {population}: y(t) y(t + 10 ms)", covariance(y[late], y[last]), lag, 4 * xy / math.sqrt(n))
            b.near(f"dt {dt} ms, {population}: mean of y", mean(y[last]), 0, 4 * math.sqrt(xy / n))
        x, y = out.record("twins", "x")[10], out.record("twins", "y")[10]
        both, yy = -s * s / (a + c), 0.25 / (2 * c)
        b.near(f"dt {dt} ms, two noises: cov x y", covariance(x, y), both, 4 * math.sqrt(xx * yy * 2 / n))
        b.near(f"dt {dt} ms, two noises: var y", covariance(y, y), yy, 4 * yy * math.sqrt(2 / n))
        x = out.record("flock", "x")[10]
        b.near(f"dt {dt} ms, shared beside own: var over neurons", covariance(x, x), xx, 4 * xx * math.sqrt(2 / n))


@check()
def set_rates(b):
    """Rates that `set` changes between runs: propagators are made anew, and stay exact to 1e-12."""
    def after(taus, rests, te, x):
        for tm, rest in zip(taus, rests):
            tm, rest = Decimal(tm), Decimal(rest)
            x = flow([[-1 / tm, 1 / tm], [0, -1 / Decimal(te)]], [rest / tm, 0], x, 10)
        return x[0]

    for dt in (0.1, 2.5):
        out = b.text("set_rates", f"""
neuron m {{
  param tau_m = 20 ms, tau_e = 5 ms, EL = -70 mV
  state V : mV = -60 mV, ge : mV = 10 mV
  dV/dt = (EL - V + ge)/tau_m
  dge/dt = -ge/tau_e
}}
population A : 3 of m {{ tau_e = 5 ms + 1 ms*i }}
population B : 1 of m
record V of [A, B] every 10 ms
simulation {{ dt = {dt} ms }}
run 10 ms
set A.tau_m = 8 ms
set B.tau_m = 8 ms
set B.EL = -65 mV
run 20 ms
""")
        for i in range(3):
            b.near(f"dt {dt} ms: neuron {i} of three kinds, mV", out.record("A", "V")[2][i],
                   after((20, 8), (-70, -70), 5 + i, [-60, 10]), 1e-12 * 70, 15)
        b.near(f"dt {dt} ms: one kind, mV", out.record("B", "V")[2][0], after((20, 8), (-70, -65), 5, [-60, 10]), 1e-12 * 70, 15)
