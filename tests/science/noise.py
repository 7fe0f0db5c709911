"""Noise: laws of what is drawn, and of what it makes of a membrane."""

import math

import closed
from bench import check, mean, variance


@check()
def campbell(b):
    """Mean and standard deviation of V under Poisson shot noise, within three standard errors."""
    trace = b.small("campbell").record("cells", "V")[2:]
    values = [x for frame in trace for x in frame]
    mu, sd = closed.shot_noise(0.5, 2.0, 20.0, 0.1)
    n = len(values)
    b.near("mean of V, mV", mean(values), mu, 3 * sd / math.sqrt(n))
    b.near("standard deviation of V, mV", math.sqrt(variance(values)), sd, 3 * sd / math.sqrt(2 * n))


@check()
def poisson_sources(b):
    """Counts of 1,000 Poisson sources over 10 s: mean and Fano factor within three standard errors."""
    counts = [len(train) for train in b.small("poisson").trains("src", 1000)]
    b.near("mean count", mean(counts), 150, 3 * math.sqrt(150 / 1000))
    b.near("Fano factor", variance(counts) / mean(counts), 1, 3 * math.sqrt(2 / 1000))


@check()
def poisson_fast(b):
    """Sources and private trains of 50 kHz at dt 0.1 and 1 ms keep their rate; k events in a step are delivered k times."""
    for dt in (0.1, 1):
        out = b.text("poisson_fast", f"""
neuron counter {{
  state V : mV = 0
  port V
  dV/dt = 0 mV/ms
}}
population src : 1000 of poisson_source {{ rate = 50 kHz }}
population heard : 1000 of counter
population private : 1000 of counter
connect src -> heard : one_to_one {{ weight = 1 mV, delay = 0 ms }}
stimulus -> private : poisson(rate = 50 Hz, inputs = 1000) {{ weight = 1 mV }}
record V of [heard, private] every {dt} ms
simulation {{ dt = {dt} ms; seed = 3 }}
run 21 ms
""")
        trains = out.trains("src", 1000)
        frame = round(20 / dt)
        counts = [len([t for t in train if t <= 20]) for train in trains]
        jumps = out.record("heard", "V")[frame]
        own = out.record("private", "V")[frame]
        error = 3 * math.sqrt(1000 / 1000)
        b.near(f"dt {dt} ms: events of a source in 20 ms", mean(counts), 1000, error)
        b.near(f"dt {dt} ms: Fano factor of sources", variance(counts) / mean(counts), 1, 3 * math.sqrt(2 / 1000))
        b.same(f"dt {dt} ms: sources with events lost on the way", sum(c != j for c, j in zip(counts, jumps)), 0)
        # private jumps act at t_n, also at t_0
        b.near(f"dt {dt} ms: private events in 20 ms", mean(own) * frame / (frame + 1), 1000, error)
        b.near(f"dt {dt} ms: Fano factor of private trains", variance(own) / mean(own), 1, 3 * math.sqrt(2 / 1000))


@check()
def siegert(b):
    """Rate of the LIF neuron with white noise at dt 0.01 ms."""
    rate = b.small("siegert").rate("cells", 200, 100, 2000)
    b.near("rate, Hz", rate, 27.1095934379, 0.03 * 27.11)


@check()
def ou_variance(b):
    """The exact Ornstein-Uhlenbeck process has its variance at any dt, at one time constant and in the long run."""
    n, tau = 20000, 10.0
    for dt in (0.05, 0.5, 2, 10, 50):
        out = b.text("ou", f"""
neuron ou {{
  param tau = {tau} ms, sigma = 2 mV
  state V : mV = 0
  dV/dt = -V/tau + sigma*sqrt(2/tau)*xi
}}
population p : {n} of ou
record V of p every {max(dt, tau)} ms
simulation {{ dt = {dt} ms }}
run 150 ms
""")
        error = 3 * math.sqrt(2 / n)
        frames = out.record("p", "V")
        if dt <= tau:
            b.near(f"dt {dt} ms: variance at {tau:g} ms over closed form",
                   variance(frames[1]) / (4 * -math.expm1(-2)), 1, error)
        b.near(f"dt {dt} ms: stationary variance over 4 mV^2", variance(frames[-1]) / 4, 1, error)
        b.near(f"dt {dt} ms: mean of V, mV", mean(frames[-1]), 0, 3 * 2 / math.sqrt(n))


@check()
def noise_step(b):
    """The standard deviation that Euler-Maruyama makes depends on dt only as its own formula says."""
    n, tau = 20000, 10.0
    for dt in (0.1, 0.5, 2):
        out = b.text("em", f"""
neuron walk {{
  param tau = {tau} ms, sigma = 2 mV
  state V : mV = 0
  dV/dt = -V/tau + sigma*sqrt(2/tau)*xi
  method = euler_maruyama
}}
population p : {n} of walk
record V of p every 100 ms
simulation {{ dt = {dt} ms }}
run 200 ms
""")
        sd = 2 / math.sqrt(1 - dt / (2 * tau))
        b.near(f"dt {dt} ms: standard deviation, mV", math.sqrt(variance(out.record("p", "V")[-1])), sd,
               3 * sd / math.sqrt(2 * n))


@check()
def first_draws(b):
    """The first random number differs between neurons, names and seeds, and comes again with the same seed."""
    text = """
population A : 5 of lif { V = uniform(0 mV, 1 mV) }
population B : 5 of lif { V = uniform(0 mV, 1 mV) }
neuron walk { state V = 0; dV/dt = 1/[ms^(1/2)]*xi }
population C : 5 of walk
population D : 5 of walk
record V of [A, B, C, D] every 0.1 ms
run 0.2 ms
"""
    drawn = []
    for seed in (1, 2, 3, 1):
        out = b.text("draws", text, seed=seed)
        drawn.append([x for name, frame in (("A", 0), ("B", 0), ("C", 1), ("D", 1)) for x in out.record(name, "V")[frame]])
    values = [x for run in drawn[:3] for x in run]
    b.same("values that differ, of 60", len(set(values)), 60)
    b.same("with the first seed again: values that differ", sum(x != y for x, y in zip(drawn[0], drawn[3])), 0)


@check()
def sd_zero(b):
    """normal(…, 0), lognormal and gamma with sd 0 are the mean, in initial values, weights and delays."""
    out = b.text("sd_zero", """
population p : 10 of lif { V = normal(3 mV, 0 mV), VT = 100 mV }
population q : 10 of lif { V = lognormal(3 mV, 0 mV), VT = 100 mV }
population r : 10 of lif { V = gamma(3 mV, 0 mV), VT = 100 mV }
population one : 1 of lif { V = 100 mV, t_ref = 1000 ms }
population heard : 10 of lif
connect one -> heard : all_to_all { weight = normal(1 mV, 0 mV), delay = normal(0.3 ms, 0 ms) }
record V of [p, q, r, heard] every 0.1 ms
run 1 ms
""")
    b.same("initial values off their mean", sum(x != 3 for x in out.record("p", "V")[0]), 0)
    for law, name in (("lognormal", "q"), ("gamma", "r")):
        b.holds(f"{law}: distance to the mean, mV", max(abs(x - 3) for x in out.record(name, "V")[0]), 0, 1e-14)
    frames = out.record("heard", "V")
    b.same("jumps off their size or step", sum(x != 0 for x in frames[3]) + sum(x != 1 for x in frames[4]), 0)
