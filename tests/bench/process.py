#!/usr/bin/env python3
"""Runs one program and says what it took.

    process.py FILE PROGRAM [ARGUMENT …]    writes that to FILE as JSON and ends as the program does"""

import json
import os
import subprocess
import sys
import threading
import time


def watch(pid, stop, seen):
    """Keeps the high-water mark of a process' memory, in MB. The system's own account of a child that has ended begins with
    the size of its parent and includes compilers that it called, so it is no use here."""
    pause = 0.001
    while True:
        try:
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
                for line in f:
                    if line.startswith("VmHWM:"):
                        seen["peak"] = int(line.split()[1]) / 1024
        except OSError:
            return
        if stop.wait(pause):
            return
        pause = min(2 * pause, 0.02)


def measure(command, **how):
    """Runs `command` to its end: dict of status, whole (s on the clock), cpu (s of all its threads) and peak (MB)."""
    start = time.monotonic()
    child = subprocess.Popen(command, **how)
    stop, seen = threading.Event(), {"peak": 0.0}
    watcher = threading.Thread(target=watch, args=(child.pid, stop, seen))
    watcher.start()
    _, status, used = os.wait4(child.pid, 0)
    whole = time.monotonic() - start
    stop.set()
    watcher.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    return {"status": child.returncode, "whole": whole, "cpu": used.ru_utime + used.ru_stime, "peak": seen["peak"]}


if __name__ == "__main__":
    took = measure(sys.argv[2:])
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump(took, out)
    sys.exit(took["status"])
