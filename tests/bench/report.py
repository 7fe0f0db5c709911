"""What run.py prints."""

from limits import ns_of
from workloads import GROW_FACTOR, GROW_INDEGREE

UNIT = {"sim": "s", "build": "s", "whole": "s", "peak": "MB"}
MEANS = {"sim": "simulation", "build": "building", "whole": "whole process", "peak": "peak memory"}


def print_limits(machine):
    if not machine:
        return
    print(f"machine: {machine['name']}, {machine['cores']} cores")
    for threads, of in machine.items():
        if not isinstance(of, dict):
            continue
        touch = ", ".join(f"{ns:.1f} ns in {mb} MB" for mb, ns in of["touch"].items())
        print(f"  {threads} thread{'s' if threads != '1' else ''}: triad {of['triad']:.0f} GB/s; 4 bytes changed at random: {touch}")


def demand(value, bounds, at_least=True):
    """How a figure stands to what is asked of it."""
    if not bounds:
        return ""
    bar, aim = bounds
    met = [value >= x if at_least else value <= x for x in bounds]
    word = "better than the aim" if met[1] else "met" if met[0] else "NOT met"
    return f"   (bar {bar:g}, aim {aim:g}: {word})"


def share_of_limit(of, machine):
    """Synaptic events per second over how many changes of 4 bytes at random places of all neurons' sums could be made."""
    ns = ns_of(machine, of["threads"], of["cells"] * 8 / of["threads"] / 1e6)
    return of["events"] / of["sim"] / (of["threads"] * 1e9 / ns) if ns else None


def print_rows(results, machine):
    print("  program       threads  build s    sim s  whole s  peak MB  rate Hz  events/s  of limit  B/synapse")
    for (who, how), of in results.items():
        row = f"  {who + (' ' + how if isinstance(how, str) else ''):14}{of['threads']:7.0f}{of['build']:9.3g}{of['sim']:9.3g}"
        row += f"{of['whole']:9.3g}{of['peak']:9.0f}{of['rate']:9.2f}"
        if of.get("events"):
            share = share_of_limit(of, machine)
            row += f"{of['events'] / of['sim']:10.2g}" + (f"{100 * share:8.0f} %" if share else " " * 10) + f"{of['bytes'] / of['synapses']:11.1f}"
        print(row)


def lines(w, results, judge):
    """Ratios, and figures with a demand of their own; `judge` if the run was as long as the demands mean."""
    ours = {how: of for (who, how), of in results.items() if who == "cortexc"}
    for (who, how), of in results.items():
        if who == "cortexc" or how not in ours:
            continue
        ratio = of["sim"] / ours[how]["sim"]
        yield f"{who} / cortexc, simulation, {how} : {how} threads", f"{ratio:.1f}{demand(ratio, w.ratio.get((who, how)))}"
    for name, seconds in w.elsewhere.items():
        if 1 in ours and judge:
            ratio = seconds / ours[1]["sim"]
            yield f"{name} / cortexc, simulation, {name}'s {seconds:g} s taken elsewhere", f"{ratio:.1f}{demand(ratio, w.ratio.get((name, 1)))}"
    for how, kernels in (("cold", "no kernels compiled"), ("warm", "kernels compiled before")):
        for (who, t), of in results.items():
            if who != "cortexc" and how in ours and t == 1:
                ratio = of["whole"] / ours[how]["whole"]
                yield f"{who} / cortexc, whole process, {kernels}", f"{ratio:.1f}{demand(ratio, w.cold_ratio.get(who) if how == 'cold' else None)}"
    if 1 in ours and 2 in ours:
        gain = ours[1]["sim"] / ours[2]["sim"]
        yield "one thread / two threads of cortexc, simulation", f"{gain:.2f}{demand(gain, w.gain)}"
    for (what, how), bounds in w.most.items():
        if how in ours:
            of = ours[how][what]
            threads = "cold" if how == "cold" else f"{how} thread{'s' if how != 1 else ''}"
            yield f"{MEANS[what]}, {threads}", f"{of:.3g} {UNIT[what]}{demand(of, bounds, at_least=False)}"


def print_workload(w, ms, runs, results, machine, judge):
    print(f"\n{w.label}: {w.title}; {ms:g} ms, medians of {runs}\n  {w.command(ms)}")
    print_rows(results, machine)
    rates = [of["rate"] for of in results.values()]
    if rates and max(rates) > 1.25 * min(rates):
        print("  the rates differ by more than a quarter: is this the same network?")
    for what, value in lines(w, results, judge):
        print(f"  {what:64} {value if judge else value.split('   (')[0]}")


def print_grow(results):
    print(f"\ngrow: cost of a synaptic event, in-degree {GROW_INDEGREE:,}\n  neurons   synapses  threads  build s    sim s  peak MB  rate Hz  ns/event  to 10^4")
    cost = {n: of["sim"] / of["events"] * 1e9 for n, of in results.items()}
    usual = cost.get(10_000, next(iter(cost.values()), 0))
    for n, of in results.items():
        factor = cost[n] / usual
        print(f"  {n:<9,}{of['synapses']:10.3g}{of['threads']:9.0f}{of['build']:9.3g}{of['sim']:9.3g}{of['peak']:9.0f}{of['rate']:9.2f}"
              f"{cost[n]:10.2f}{factor:9.2f}{'' if factor <= GROW_FACTOR else f'  more than {GROW_FACTOR}'}")
