"""Integrators through the whole program: orders of convergence, exactness at any dt, and which one the compiler takes."""

import math
import re
from decimal import Decimal

from bench import check, mean

LAST = 2.0   # ms, where the orders are measured


def volterra(t, y):
    """A smooth problem whose equations are linear in their own variable but not in both, with a driven term."""
    return [y[0] - y[0] * y[1] + 0.3 * math.cos(t), y[0] * y[1] - y[1]]


def driven(t, y):
    """A quadratic variable behind an exact chain."""
    return [0.5 - y[0] * y[0] + y[1], -y[1] / 0.7 + y[2], -y[2] / 1.3]


def fine(slope, y, end, n=8000):
    """Classical Runge-Kutta with n steps: exact to about 1e-14 here."""
    h = end / n
    for k in range(n):
        t = k * h
        a = slope(t, y)
        c = slope(t + h / 2, [p + h / 2 * q for p, q in zip(y, a)])
        d = slope(t + h / 2, [p + h / 2 * q for p, q in zip(y, c)])
        e = slope(t + h, [p + h * q for p, q in zip(y, d)])
        y = [p + h / 6 * (q + 2 * r + 2 * s + u) for p, q, r, s, u in zip(y, a, c, d, e)]
    return y


def at_end(out, population, variable):
    return out.record(population, variable)[-1]


def slope_of(errors):
    """Mean slope of the errors at h, h/2 and h/4 in powers of h."""
    return math.log2(errors[0] / errors[2]) / 2


@check()
def orders(b):
    """Order of every integrator on a smooth nonlinear problem, from dt, dt/2 and dt/4."""
    methods = (("euler", 1), ("exponential_euler", 1), ("rk2", 2), ("heun", 2), ("rk4", 4), ("stiff", 3), ("euler_maruyama", 1), ("milstein", 1))
    exact, chain = fine(volterra, [1.2, 0.7], LAST), fine(driven, [0.4, 0.2, 0.9], LAST)
    errors = {name: [] for name, _ in methods}
    errors["rk4 behind exact equations"] = []
    for dt in (0.04, 0.02, 0.01):
        text = """
neuron volterra {
  state x = 1.2, y = 0.7
  dx/dt = (x - x*y + 0.3*cos(t/(1 ms))) / (1 ms)
  dy/dt = (x*y - y) / (1 ms)
}
neuron chain {
  state x = 0.4, y = 0.2, z = 0.9
  dx/dt = (0.5 - x*x + y) / (1 ms)
  dy/dt = -y/(0.7 ms) + z/(1 ms)
  dz/dt = -z/(1.3 ms)
}
population chained : 1 of chain
"""
        for name, _ in methods:
            text += f"neuron by_{name} of volterra {{ method = {name} }}\npopulation p_{name} : 1 of by_{name}\n"
            text += f"record x, y of p_{name} every {LAST} ms\n"
        out = b.text("orders", text + f"record x of chained every {LAST} ms\nsimulation {{ dt = {dt} ms }}\n"
                     f"run {2 * LAST} ms\n")
        for name, _ in methods:
            errors[name].append(max(abs(at_end(out, f"p_{name}", v)[0] - e) for v, e in zip("xy", exact)))
        errors["rk4 behind exact equations"].append(abs(at_end(out, "chained", "x")[0] - chain[0]))
    for name, order in methods + (("rk4 behind exact equations", 4),):
        b.near(f"{name}: order", slope_of(errors[name]), order, 0.1, 4)


@check()
def stochastic_orders(b):
    """Strong and weak orders on geometric Brownian motion, whose exact solution knows the same noise."""
    n, growth, sigma = 20000, 1.0, 0.6
    strong = {"ito": [], "stratonovich": [], "milstein": [], "turned": []}
    weak = []
    for dt in (0.1, 0.05, 0.025):
        out = b.text("geometric", f"""
neuron ito {{
  state x = 1
  state W : ms^(1/2) = 0
  dx/dt = {growth}/[ms]*x + {sigma}/[ms^(1/2)]*x*xi
  dW/dt = xi
}}
neuron stratonovich of ito {{ noise = stratonovich }}
neuron milstein of ito {{ method = milstein }}
neuron turned of ito {{ method = milstein, noise = stratonovich }}
population a : {n} of ito
population c : {n} of stratonovich
population d : {n} of milstein
population e : {n} of turned
record x, W of [a, c, d, e] every 1 ms
simulation {{ dt = {dt} ms }}
run 2 ms
""")
        slow = growth - sigma * sigma / 2
        for name, population, drift in (("ito", "a", slow), ("stratonovich", "c", growth), ("milstein", "d", slow), ("turned", "e", growth)):
            xs, ws = at_end(out, population, "x"), at_end(out, population, "W")
            exact = [math.exp(drift + sigma * w) for w in ws]
            strong[name].append(mean([abs(x - e) for x, e in zip(xs, exact)]))
            if name == "ito":
                weak.append(abs(mean([x - e for x, e in zip(xs, exact)])))
    b.near("euler_maruyama: strong order", slope_of(strong["ito"]), 0.5, 0.1, 4)
    b.near("euler_maruyama: weak order", slope_of(weak), 1, 0.1, 4)
    b.near("milstein, Ito: strong order", slope_of(strong["milstein"]), 1, 0.1, 4)
    b.near("milstein, Stratonovich: strong order", slope_of(strong["turned"]), 1, 0.1, 4)
    b.near("heun, Stratonovich: strong order", slope_of(strong["stratonovich"]), 1, 0.1, 4)


HODGKIN_HUXLEY = """
neuron squid {
  param C = 100 pF, gNa = 12 uS, gK = 3.6 uS, gL = 30 nS, ENa = 50 mV, EK = -77 mV, EL = -54.4 mV
  state V : mV = -65 mV
  state m = 0.05, h = 0.6, n = 0.32
  input I : pA
  x = V/[mV]
  am = 1/exprel(-(x + 40)/10)
  bm = 4*exp(-(x + 65)/18)
  ah = 0.07*exp(-(x + 65)/20)
  bh = 1/(1 + exp(-(x + 35)/10))
  an = 0.1/exprel(-(x + 55)/10)
  bn = 0.125*exp(-(x + 65)/80)
  dV/dt = (gNa*m*m*m*h*(ENa - V) + gK*n*n*n*n*(EK - V) + gL*(EL - V) + I)/C
  dm/dt = (am*(1 - m) - bm*m)/(FAST*(1 ms))
  dh/dt = (ah*(1 - h) - bh*h)/(1 ms)
  dn/dt = (an*(1 - n) - bn*n)/(1 ms)
}
"""


@check()
def stiff_problems(b):
    """What explicit methods cannot do at this step: a relaxation oscillator, a forced decay, a membrane with a fast gate."""
    out = b.text("stiff", """
neuron pol {
  state x = 2, y = 0
  dx/dt = y/(1 ms)
  dy/dt = (1000*(1 - x*x)*y - x)/(1 ms)
}
neuron forced {
  state x = 1
  dx/dt = -1e4/[ms]*(x - cos(t/(1 ms))) - sin(t/(1 ms))/[ms]
}
neuron pol_stiff of pol { method = stiff }
neuron pol_parts of pol { method = adaptive }
neuron forced_stiff of forced { method = stiff }
population p : 1 of pol_stiff
population q : 1 of pol_parts
population f : 3 of forced_stiff
record x of [p, q, f] every 50 ms
simulation { dt = 0.1 ms }
run 500.1 ms
""")
    p, q, f = (out.record(name, "x") for name in "pqf")
    b.holds("van der Pol, mu = 1000: stiff against adaptive", max(abs(x[0] - y[0]) for x, y in zip(p, q)), 0, 1e-5)
    b.holds("van der Pol moves", abs(p[10][0] - 2), 0.1, 1)
    b.holds("decay a thousand steps fast behind a cosine", max(abs(x[0] - math.cos(50 * k)) for k, x in enumerate(f)), 0, 1e-4)
    trains = {}
    for name, method, dt in (("truth", "rk4", 0.0005), ("stiff", "stiff", 0.02), ("adaptive", "adaptive", 0.1)):
        out = b.text("squid", HODGKIN_HUXLEY.replace("FAST", "0.1") + f"""
population s : 1 of squid {{ method = {method}, I = 1000 pA }}
record V of s every 0.1 ms
simulation {{ dt = {dt} ms }}
run 12 ms
""")
        trains[name] = [frame[0] for frame in out.record("s", "V")]
    b.holds("squid axon, m ten times as fast: it fires", max(trains["truth"]), 20, 50)
    for name, room in (("stiff", 0.5), ("adaptive", 0.01)):
        b.holds(f"  {name}: largest gap, mV", max(abs(x - y) for x, y in zip(trains[name], trains["truth"])), 0, room)


@check()
def dividing(b):
    """Adaptive steps keep their accuracy whatever dt is, and each neuron has its own."""
    def pol(x, y, n, end):
        return fine(lambda t, v: [v[1], 5 * (1 - v[0] * v[0]) * v[1] - v[0]], [x, y], end, n)[0]
    for dt in (0.05, 0.5, 2):
        out = b.text("dividing", f"""
neuron pol {{
  method = adaptive
  state x = 2, y = 0
  dx/dt = y/(1 ms)
  dy/dt = (5*(1 - x*x)*y - x)/(1 ms)
}}
population p : 3 of pol {{ x = 2 + 0.1*i }}
record x of p every 10 ms
simulation {{ dt = {dt} ms }}
run 22 ms
""")
        last = out.record("p", "x")[2]
        b.holds(f"dt {dt} ms: error after 20 ms", max(abs(last[k] - pol(2 + 0.1 * k, 0, 40000, 20)) for k in range(3)), 0, 1e-4)


@check()
def exact_blocks(b):
    """An oscillator, a chain without leak and equal time constants are exact to 1e-12 at any dt."""
    omega, damping = 0.7, 0.15
    for dt in ("0.01", "0.1", "0.37", "1"):
        h = Decimal(dt)
        out = b.text("exact", f"""
neuron oscillator {{
  state x = 1
  state v : 1/ms = 0
  dx/dt = v
  dv/dt = -{omega}^2/[ms^2]*x - 2*{damping}/[ms]*v
}}
neuron leakless {{
  state a = 0.5
  state s : ms = 0
  state r : ms^2 = 0
  da/dt = 0/[ms]
  ds/dt = a
  dr/dt = s
}}
neuron equal {{
  state x = 1, y = 0, z = 0
  dx/dt = -x/(3 ms)
  dy/dt = (x - y)/(3 ms)
  dz/dt = (y - z)/(3 ms)
}}
population o : 1 of oscillator
population l : 1 of leakless
population e : 1 of equal
record x of o every {dt} ms
record r of l every {dt} ms
record z of e every {dt} ms
simulation {{ dt = {dt} ms }}
run {20 // h * h} ms
""")
        times = [float(k * h) for k in range(len(out.record("o", "x")))]
        w = math.sqrt(omega * omega - damping * damping)
        swing = [math.exp(-damping * t) * (math.cos(w * t) + damping / w * math.sin(w * t)) for t in times]
        b.holds(f"dt {dt} ms: oscillator", max(abs(f[0] - x) for f, x in zip(out.record("o", "x"), swing)), 0, 1e-12)
        b.holds(f"dt {dt} ms: t^2/4 without a leak",
                max(abs(f[0] / (t * t / 4) - 1) for f, t in zip(out.record("l", "r")[1:], times[1:])), 0, 1e-12)
        b.holds(f"dt {dt} ms: three equal time constants",
                max(abs(f[0] / (t * t / 18 * math.exp(-t / 3)) - 1) for f, t in zip(out.record("e", "z")[1:], times[1:])),
                0, 1e-12)


# (name, declarations, equation that is looked at, its method, equation without the obstacle, its method)
RUNGS = (
    ("a product of two states", "state V : mV = 1 mV; state ge : nS = 1 nS; dge/dt = -ge/(5 ms)",
     "dV/dt = -V/(10 ms) + ge*(0 mV - V)/(200 pF)", "exponential_euler",
     "dV/dt = -V/(10 ms) + ge*(60 mV)/(200 pF)", "exact"),
    ("time within the step", "state V : mV = 1 mV",
     "dV/dt = (5 mV*sin(t/(3 ms)) - V)/(10 ms)", "exponential_euler",
     "dV/dt = (5 mV - V)/(10 ms)", "exact"),
    ("a nonlinear function of its own variable", "state V : mV = 1 mV",
     "dV/dt = (2 mV*exp((min(V, 5 mV) - 3 mV)/(2 mV)) - V)/(10 ms)", "rk4",
     "dV/dt = (2 mV - V)/(10 ms)", "exact"),
    ("a square of its own variable beside a product", "state V : mV = 1 mV; state g = 1; dg/dt = -g/(5 ms)",
     "dV/dt = (-g*V - V*V/(3 mV))/(10 ms)", "rk4",
     "dV/dt = (-g*V - V)/(10 ms)", "exponential_euler"),
    ("noise multiplied by a state", "state x = 1",
     "dx/dt = -x/(10 ms) + 0.1/[ms^(1/2)]*x*xi", "euler_maruyama",
     "dx/dt = -x/(10 ms) + 0.1/[ms^(1/2)]*xi", "exact"),
    ("noise multiplied by a state, Stratonovich", "noise = stratonovich; state x = 1",
     "dx/dt = -x/(10 ms) + 0.1/[ms^(1/2)]*x*xi", "heun",
     "dx/dt = -x/(10 ms) + 0.1/[ms^(1/2)]*xi", "exact"),
    ("the same noise in two equations", "state y = 1; state x = 1; dy/dt = (1 - y*y)/(5 ms) + 0.1/[ms^(1/2)]*xi",
     "dx/dt = -x/(10 ms) + 0.1/[ms^(1/2)]*xi", "euler_maruyama",
     "dx/dt = -x/(10 ms) + 0.1/[ms^(1/2)]*xi_1", "exact"),
    ("noise of changing strength in what drives it",
     "state y = 1; state x = 1; state s : 1/ms^(1/2) = 1/[ms^(1/2)]; every 1 ms { s = 0/[ms^(1/2)] }; dy/dt = -y/(5 ms) + s*xi",
     "dx/dt = (y - x)/(10 ms)", "exponential_euler",
     "dx/dt = -x/(10 ms)", "exact"),
    ("rates that change during the run in a loop",
     "state k = 1; every 1 ms { k = 0.5 }; state x = 1; state v = 0; dv/dt = -k*x/(1 ms)",
     "dx/dt = v/(1 ms) - x/(3 ms)", "exponential_euler",
     "dx/dt = -x/(3 ms)", "exact"),
)


def chosen(b, declarations, equation):
    """The method that `check` prints for an equation."""
    stem = b.write("ladder", f"neuron n {{ {declarations}\n{equation}\n}}\npopulation p : 2 of n\nrun 1 ms\n")
    said = b.call("check", stem + ".cortex")
    found = re.search(r"^  " + re.escape(equation) + r"\n    (\w+):", said, re.M)
    return found[1] if found else said


@check()
def ladder(b):
    """Each rung of the ladder: the integrator with an obstacle in the way, and without it."""
    for name, declarations, hard, method, easy, better in RUNGS:
        for equation, expected in ((hard, method), (easy, better)):
            got = chosen(b, declarations, equation)
            b.same(f"{name}: {got}"[:52] if equation == hard else f"  without it: {got}"[:52], got == expected, True)
            if got != expected:
                print(f"       expected {expected}")
