"""Closed forms and reference integrations that the programs are held against. Standard library only.

Times are in ms, voltages in mV, currents in pA, capacitances in pF, conductances in nS, rates in Hz."""

import math
from decimal import Decimal, getcontext

getcontext().prec = 50


def lif_passage(mu, start, theta, tau):
    """Time in which tau V' = mu - V goes from start to theta (all voltages from the same zero)."""
    return tau * math.log((mu - start) / (mu - theta))


def lif_rate(mu, reset, theta, tau, t_ref):
    return 1000 / (t_ref + lif_passage(mu, reset, theta, tau))


def psp_exponential(t, weight, C, tau_m, tau_s):
    """V(t) - EL after an exponential current of initial size `weight`, exact to double precision."""
    t, w, C, tm, ts = (Decimal(str(x)) for x in (t, weight, C, tau_m, tau_s))
    if tm == ts:
        return float(w / C * t * (-t / tm).exp())
    return float(w / C * ((-t / tm).exp() - (-t / ts).exp()) / (1 / ts - 1 / tm))


def psp_alpha(t, weight, C, tau_m, tau_s):
    """V(t) - EL after the current weight * (t/tau_s) * exp(1 - t/tau_s)."""
    t, w, C, tm, ts = (Decimal(str(x)) for x in (t, weight, C, tau_m, tau_s))
    scale = w * Decimal(1).exp() / (C * ts) * (-t / tm).exp()
    if tm == ts:
        return float(scale * t * t / 2)
    k = 1 / ts - 1 / tm
    return float(scale * (1 - (-k * t).exp() * (1 + k * t)) / (k * k))


def gauss_legendre(n=32):
    """Nodes and weights on [-1, 1] by Newton's method on the Legendre polynomial."""
    rule = []
    for i in range(n):
        x = math.cos(math.pi * (i + 0.75) / (n + 0.5))
        for _ in range(100):
            p0, p1 = 1.0, x
            for k in range(2, n + 1):
                p0, p1 = p1, ((2 * k - 1) * x * p1 - (k - 1) * p0) / k
            slope = n * (x * p1 - p0) / (x * x - 1)
            step = p1 / slope
            x -= step
            if abs(step) < 1e-16:
                break
        rule.append((x, 2 / ((1 - x * x) * slope * slope)))
    return rule


GAUSS = gauss_legendre()


def scaled_erfc(x):
    """exp(x^2) * erfc(x) for x >= 0."""
    if x < 8:
        return math.exp(x * x) * math.erfc(x)
    # the continued fraction converges fast out there
    f = x
    for k in range(60, 0, -1):
        f = x + k / 2 / f
    return 1 / (f * math.sqrt(math.pi))


def siegert(mu, sigma, reset, theta, tau, t_ref):
    """Stationary rate of the LIF neuron tau V' = mu - V + sigma sqrt(tau) xi (Siegert 1951; Brunel 2000, eq. 21)."""

    def integrand(u):  # exp(u^2) * (1 + erf(u))
        return scaled_erfc(-u) if u <= 0 else math.exp(u * u) * (1 + math.erf(u))

    lo, hi = (reset - mu) / sigma, (theta - mu) / sigma
    if hi > 20:
        return 0.0
    pieces = max(8, int(4 * (hi - lo)))
    width = (hi - lo) / pieces
    total = 0.0
    for k in range(pieces):
        mid = lo + (k + 0.5) * width
        total += sum(w * integrand(mid + 0.5 * width * x) for x, w in GAUSS)
    return 1000 / (t_ref + tau * math.sqrt(math.pi) * total * 0.5 * width)


def brunel_stationary(g, eta, J=0.1, CE=1000, gamma=0.25, tau=20.0, theta=20.0, reset=10.0, t_ref=2.0):
    """Self-consistent rate of Brunel 2000, model A, in Hz: the fixed point nu = siegert(mu(nu), sigma(nu))."""
    nu_ext = 1000 * eta * theta / (J * CE * tau)

    def excess(nu):
        mu = tau / 1000 * J * CE * (nu_ext + nu * (1 - g * gamma))
        variance = tau / 1000 * J * J * CE * (nu_ext + nu * (1 + g * g * gamma))
        return siegert(mu, math.sqrt(variance), reset, theta, tau, t_ref) - nu

    lo, hi = 0.0, 500.0
    for _ in range(80):
        mid = (lo + hi) / 2
        if excess(mid) > 0:
            lo = mid
        else:
            hi = mid
    return lo


def shot_noise(weight, rate, tau, dt):
    """Mean and standard deviation of V (from rest) just after the events of a step, when a Poisson number of jumps of
    size `weight` (mean rate*dt, rate in 1/ms) is added at each point of the grid and V decays in between: Campbell's
    theorem on the grid."""
    mean = weight * rate * dt / -math.expm1(-dt / tau)
    variance = weight * weight * rate * dt / -math.expm1(-2 * dt / tau)
    return mean, math.sqrt(variance)


# ---- the shipped neurons, written down again from their papers ----

def exprel(x):
    return 1.0 if x == 0 else math.expm1(x) / x


def squid_rates(V):
    return ((1 / exprel(-(V + 40) / 10), 4 * math.exp(-(V + 65) / 18)),
            (0.07 * math.exp(-(V + 65) / 20), 1 / (1 + math.exp(-(V + 35) / 10))),
            (0.1 / exprel(-(V + 55) / 10), 0.125 * math.exp(-(V + 65) / 80)))


def traub_rates(V, VT=-63.0):
    v = V - VT
    return ((0.32 * 4 / exprel((13 - v) / 4), 0.28 * 5 / exprel((v - 40) / 5)),
            (0.128 * math.exp((17 - v) / 18), 4 / (1 + math.exp((40 - v) / 5))),
            (0.032 * 5 / exprel((15 - v) / 5), 0.5 * math.exp((10 - v) / 40)))


def hodgkin_huxley(I, rates, C, gNa, gK, gL, ENa, EK, EL, rest, crossing):
    def slope(y):
        V, m, h, n = y
        gates = [a * (1 - x) - b * x for (a, b), x in zip(rates(V), (m, h, n))]
        current = gNa * m**3 * h * (ENa - V) + gK * n**4 * (EK - V) + gL * (EL - V) + I
        return [current / C] + gates

    start = [rest] + [a / (a + b) for a, b in rates(rest)]
    return start, slope, crossing, None, 0.0


def hh_squid(I):
    return hodgkin_huxley(I, squid_rates, 100.0, 12000.0, 3600.0, 30.0, 50.0, -77.0, -54.387, -65.0, 0.0)


def hh_traub_miles(I):
    return hodgkin_huxley(I, traub_rates, 200.0, 20000.0, 6000.0, 10.0, 50.0, -90.0, -60.0, -60.0, -20.0)


def adex(I, C=200.0, gL=10.0, EL=-70.0, VT=-50.0, DT=2.0, a=0.0, b=40.0, tau_w=500.0, Vr=-70.0, t_ref=5.0):
    peak = VT + 5 * DT

    def slope(y):
        V, w = y
        return [(gL * (EL - V) + gL * DT * math.exp((min(V, peak) - VT) / DT) + I - w) / C, (a * (V - EL) - w) / tau_w]

    return [EL, 0.0], slope, peak, lambda y: [Vr, y[1] + b], t_ref


def eif(I):
    return adex(I, 200.0, 20.0, -65.0, -59.9, 3.48, 0.0, 0.0, 500.0, -68.0, 1.7)


def izhikevich(I, a=0.02, b=0.2, c=-65.0, d=8.0):
    def slope(y):
        V, u = y
        return [0.04 * V * V + 5 * V + 140 - u + I, a * (b * V - u)]

    return [-70.0, -14.0], slope, 30.0, lambda y: [c, y[1] + d], 0.0


def spikes_of(cell, duration, dt):
    """Spike times by fixed steps of classical Runge-Kutta; V stands still during the refractory period."""
    y, slope, level, reset, t_ref = cell
    frozen, out = 0, []

    def go(y):
        d = slope(y)
        return [0.0] + d[1:] if frozen > 0 else d

    for k in range(round(duration / dt)):
        before = y[0]
        k1 = go(y)
        k2 = go([p + dt / 2 * q for p, q in zip(y, k1)])
        k3 = go([p + dt / 2 * q for p, q in zip(y, k2)])
        k4 = go([p + dt * q for p, q in zip(y, k3)])
        y = [p + dt / 6 * (a + 2 * b + 2 * c + d) for p, a, b, c, d in zip(y, k1, k2, k3, k4)]
        frozen = max(0, frozen - 1)
        if frozen == 0 and y[0] > level and (reset or before <= level):
            out.append((k + 1) * dt)
            if reset:
                y = reset(y)
                frozen = round(t_ref / dt)
    return out
