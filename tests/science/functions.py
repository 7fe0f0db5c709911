"""Checks of functions and units as a model uses them: against Python's math, and against the definitions of the SI."""

import math
from collections import Counter

from bench import check

X = [0.05 + 0.091 * k for k in range(10)]
FUNCTIONS = {
    "log10(x)": lambda x: math.log10(x), "log(x)": math.log, "exp(-x)": lambda x: math.exp(-x), "sqrt(x)": math.sqrt,
    "sin(x)": math.sin, "cos(x)": math.cos, "tan(x)": math.tan, "asin(x)": math.asin, "acos(x)": math.acos, "atan(x)": math.atan,
    "atan2(x, -x)": lambda x: math.atan2(x, -x), "sinh(x)": math.sinh, "cosh(x)": math.cosh, "tanh(x)": math.tanh,
    "expm1(x)": math.expm1, "log1p(x)": math.log1p, "exprel(x)": lambda x: math.expm1(x) / x, "erf(x)": math.erf, "erfc(x)": math.erfc,
    "sign(0.3 - x)": lambda x: math.copysign(1, 0.3 - x), "step(x - 0.5)": lambda x: float(x >= 0.5), "int(10*x)": lambda x: math.trunc(10 * x),
    "mod(10*x, 3)": lambda x: math.fmod(10 * x, 3), "abs(x - 0.5)": lambda x: abs(x - 0.5), "clip(x, 0.2, 0.4)": lambda x: min(max(x, 0.2), 0.4),
    "min(x, 0.3, 2*x)": lambda x: min(x, 0.3), "max(x, 0.3)": lambda x: max(x, 0.3), "floor(7*x)": lambda x: math.floor(7 * x),
    "ceil(7*x)": lambda x: math.ceil(7 * x), "round(7*x)": lambda x: math.floor(7 * x + 0.5),
    "stairs(x, [0.1, 0.5], [2, 3])": lambda x: 0 if x < 0.1 else 2 if x < 0.5 else 3,
    "interpolate(x, [0, 1], [1, 3])": lambda x: 1 + 2 * x,
    "sum(logspace(1, 100, 3))": lambda x: 111, "dot(range(3), linspace(1, 2, 3))": lambda x: 5.5, "len(sort([3, 1, 2]))": lambda x: 3,
    "mean(transpose([[1, 3], [5, 7]])[1])": lambda x: 5,
}
UNITS = {
    "1 M/[mol/dm^3]": 1, "1 cd/[mcd]": 1000, "1 Ω/[V/A]": 1, "1 Ω/[Ohm]": 1, "1 Ohm/[1/S]": 1, "1 N/[kg*m/s^2]": 1, "1 Pa/[N/m^2]": 1, "1 J/[N*m]": 1,
    "1 W/[J/s]": 1, "1 Wb/[V*s]": 1, "1 T/[Wb/m^2]": 1, "1 H/[Wb/A]": 1, "1 F/[C/V]": 1, "1 day/[h]": 24, "1 h/[min]": 60, "1 min/[s]": 60,
    "1 kHz/[1/ms]": 1, "1 mmol/[mol]": 1e-3, "1 µm/[um]": 1, "1 uF/[pF]": 1e6, "1 kg/[g]": 1000, "1 mK/[K]": 1e-3,
}


@check()
def functions_of_models(b):
    """Functions in a model have the values of Python's math to 14 digits."""
    names = {f"e{k}": f for k, f in enumerate(FUNCTIONS)}
    lines = "\n".join(f"  {n} = {f}" for n, f in names.items())
    out = b.text("functions", f"""neuron probe {{
  param x = 0
  state y = 0
  dy/dt = 0/[ms]
{lines}
}}
population A : 10 of probe {{ x = 0.05 + 0.091*i }}
record {", ".join(names)} of A every 0.1 ms
run 0.1 ms
""")
    for name, text in names.items():
        got, want = out.record("A", name)[0], [FUNCTIONS[text](x) for x in X]
        b.near(f"{text}: largest error", max(abs(g - w) / max(1, abs(w)) for g, w in zip(got, want)), 0, 1e-14)


@check()
def units_of_models(b):
    """One of each unit is as much of the units that define it as the SI says."""
    states = "\n".join(f"  state u{k} = {text}" for k, text in enumerate(UNITS))
    still = "\n".join(f"  du{k}/dt = 0/[ms]" for k in range(len(UNITS)))
    out = b.text("units", f"""neuron probe {{
  param T : degC = 20 degC
{states}
  state kelvin = T/[K]
{still}
  dkelvin/dt = 0/[ms]
}}
population P : 1 of probe
record {", ".join(f"u{k}" for k in range(len(UNITS)))}, kelvin of P every 0.1 ms
run 0.1 ms
""")
    for k, (text, want) in enumerate(UNITS.items()):
        b.near(text, out.record("P", f"u{k}")[0][0], want, 1e-12 * want)
    b.near("20 degC in K", out.record("P", "kelvin")[0][0], 293.15, 1e-9)


@check()
def whole_draws(b):
    """Draws of whole numbers follow the binomial and the Poisson law."""
    n = 20000
    out = b.text("draws", f"""population A : {n} of lif {{ V = binomial(10, 30%)*(1 mV), EL = poisson(2.5)*(1 mV) }}
record V, EL of A every 0.1 ms
run 0.1 ms
""")
    for name, mean, var, law in (("V", 3, 2.1, lambda k: math.comb(10, k) * 0.3 ** k * 0.7 ** (10 - k)),
                                 ("EL", 2.5, 2.5, lambda k: math.exp(-2.5) * 2.5 ** k / math.factorial(k))):
        values = out.record("A", name)[0]
        count = Counter(round(v, 9) for v in values)
        b.same(f"{name}: values that are not whole", sum(c for v, c in count.items() if v != int(v)), 0)
        b.near(f"{name}: mean", sum(values) / n, mean, 4.5 * math.sqrt(var / n))
        for k in (0, 2, 5):
            b.near(f"{name}: how often {k}", count[k] / n, law(k), 4.5 * math.sqrt(law(k) * (1 - law(k)) / n))
