#!/usr/bin/env python3
"""Runs every model of models, models/validation and models/gallery and looks at what it says of itself.

    run.py CORTEXC [NAME …]

Each has a doc comment that names its source and tells what to see, must pass `check` without a warning and run; what is
quick enough runs for its whole time and must meet its `expect`, the others are cut short."""

import glob
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What takes long: name -> a shorter time, for which its `expect` is not asked.
SHORTER = {"brian2/cobahh": "200 ms", "brian2/cuba": "300 ms", "brian2/vogels2011": "1 s", "brian2/stdp": "5 s", "brian2/if_curve_hh": "300 ms",
           "brunel2000": "60 ms", "brunel_alpha": "60 ms", "potjans_diesmann2014": "60 ms", "song2000": "20 s", "brette2007_cobahh": "200 ms",
           "nest/brunel_delta": "100 ms", "nest/hpc_benchmark": "200 ms", "nest/if_curve": "300 ms"}
SMALLER = {"potjans_diesmann2014": ["--set", "scale=0.05"]}


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    failed, ran, begin = [], 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = [path for places in (["*.cortex"], ["validation", "*.cortex"], ["gallery", "*", "*.cortex"])
                 for path in sorted(glob.glob(os.path.join(ROOT, "models", *places)))]
        for path in found:
            name = os.path.relpath(path, os.path.join(ROOT, "models"))[:-7].removeprefix("gallery" + os.sep)
            if wanted and name not in wanted and os.path.basename(name) not in wanted:
                continue
            with open(path, encoding="utf-8") as f:
                text = f.read()
            ran += 1
            said = []
            head = re.match(r"(?:## .*\n)+", text)
            if not head or not re.search(r"\b(1[89]|20)\d\d\b|example", head[0]) or "See:" not in head[0].replace("\n## ", " "):
                said.append("no doc comment with its source and with what to see")
            cut = ["--duration", SHORTER[name]] if name in SHORTER else ["--strict"]
            checked = subprocess.run([program, "check", path], capture_output=True, text=True)
            if checked.returncode or "warning" in checked.stderr:
                said.append(checked.stderr)
            start = time.monotonic()
            done = subprocess.run([program, path, "-o", os.path.join(folder, "out.h5"), "-q", "--force", "--progress", "none",
                                   *cut, *SMALLER.get(name, [])], capture_output=True, text=True)
            if done.returncode:
                said.append(f"ended with {done.returncode}\n{done.stderr}")
            print(f"{'FAIL' if said else 'ok  '} {name:<34} {time.monotonic() - start:5.1f} s")
            for one in said:
                print("  " + one.strip().replace("\n", "\n  "))
            if said:
                failed.append(name)
    print(f"gallery: {ran} models, {len(failed)} failures, {time.monotonic() - begin:.0f} s")
    return 1 if failed or not ran else 0


sys.exit(main())
