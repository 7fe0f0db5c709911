"""The limits of this machine: compiles limits.c and runs it."""

import json
import os
import platform
import subprocess

from workloads import HERE


def processor():
    """The name of the processor as the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
            return next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())
    except OSError:
        return platform.machine()


def measure_machine(folder):
    """{"name", "cores", threads: {"triad": GB/s, "touch": {MB: ns}}}, or {} without a C compiler."""
    program, cores = os.path.join(folder, "limits"), len(os.sched_getaffinity(0))
    compiler = os.environ.get("CC", "cc")
    try:
        subprocess.run([compiler, "-O3", "-march=native", "-pthread", os.path.join(HERE, "limits.c"), "-o", program], check=True)
        done = subprocess.run([program, str(min(cores, 64))], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as e:
        print(f"the limits of this machine are not known: {e}")
        return {}
    return {"name": processor(), "cores": cores, **json.loads(done.stdout)}


def ns_of(machine, threads, megabytes):
    """Nanoseconds of one touch in the smallest measured area that holds so much; None where nothing was measured."""
    of = machine.get(str(threads)) or machine.get("1")
    if not of:
        return None
    areas = sorted((float(mb), ns) for mb, ns in of["touch"].items())
    return next((ns for mb, ns in areas if mb >= megabytes), areas[-1][1])
