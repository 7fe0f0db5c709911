"""What every check has at hand: runs models, keeps the rows of the table, knows which checks there are."""

import os
import subprocess

from outfile import OutFile

HERE = os.path.dirname(os.path.abspath(__file__))
NETWORKS = os.path.join(HERE, "..", "..", "models")
CHECKS = []


class Bench:
    """Runs models and keeps the rows of the table."""

    def __init__(self, program, folder):
        self.program, self.folder, self.rows, self.check, self.runs = program, folder, [], "", 0

    def call(self, *words):
        """Standard output of the program; RuntimeError with its messages when it fails."""
        command = [self.program, *words]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout

    def write(self, name, text):
        """Path of a new model file, without its suffix."""
        self.runs += 1
        stem = os.path.join(self.folder, f"{self.runs:03d}-{name}")
        with open(stem + ".cortex", "w", encoding="utf-8") as f:
            f.write(text)
        return stem

    def text(self, name, text, settings=(), seed=None):
        """Runs a model that is given as text; returns its output."""
        stem = self.write(name, text)
        words = [stem + ".cortex", "-o", stem + ".h5", "-q", "--progress", "none"]
        for setting in settings:
            words += ["--set", setting]
        if seed is not None:
            words += ["--seed", str(seed)]
        self.call(*words)
        return OutFile(stem + ".h5")

    def simulate(self, path, edits=(), **more):
        """Runs a copy of a model in which each `edits` pair (old, new) is replaced; returns its output."""
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for old, new in edits:
            if old not in text:
                raise RuntimeError(f"{path} does not contain `{old}`")
            text = text.replace(old, new)
        return self.text(os.path.basename(path)[:-7], text, **more)

    def small(self, name, **more):
        return self.simulate(os.path.join(HERE, "models", name + ".cortex"), **more)

    def network(self, name, **more):
        return self.simulate(os.path.join(NETWORKS, name + ".cortex"), **more)

    def holds(self, what, value, low, high, digits=4):
        """One row of the table: value must lie within [low, high]."""
        ok = low <= value <= high
        self.rows.append((self.check, what, value, low, high, ok))
        print(f"  {'ok  ' if ok else 'FAIL'} {what:<52} {value:>14.{digits}g}   in [{low:.{digits}g}, {high:.{digits}g}]",
              flush=True)

    def near(self, what, value, expected, tolerance, digits=6):
        self.holds(what, value, expected - tolerance, expected + tolerance, digits)

    def same(self, what, value, expected):
        """A count of things, or of mistakes, that must be met exactly."""
        self.holds(what, value, expected, expected, 12)


def check(fast=True):
    """Enrols a check; its first line of documentation is what --list shows."""
    def enrol(function):
        CHECKS.append((function.__name__, fast, function))
        return function
    return enrol


def mean(values):
    return sum(values) / len(values)


def variance(values):
    m = mean(values)
    return sum((x - m) ** 2 for x in values) / (len(values) - 1)
