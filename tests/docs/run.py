#!/usr/bin/env python3
"""Executes the blocks of README.md and docs/**/*.md, so that no page shows what does not work.

    run.py CORTEXC [PAGE …]

Each page has a temporary folder of its own in which its blocks run in order, with `cortexc` first on PATH and the tree's
models/ at hand; a page that writes no out.h5 of its own finds that of the five-layer column. The word behind the fence
says what becomes of a block:

    cortex file=NAME     is written to NAME and must pass `cortexc check`; with `error` behind it must be refused
    cortex fragment      stands in for a model's declarations: must pass `cortexc check` after the page's last
                         `cortex` block that was marked `base`, or alone if there is none
    sh                   runs in bash -e; a failure is a failure
    sh setup             is run by .ci/run, before everything else, and not again here
    python               runs
    console              lines `$ COMMAND` run and must succeed; with `exact` the text below each must come, byte for byte
    text, none           are shown, not run

Any other word is an error: a block that nobody runs must say so."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOWN = {"text", "c", "cmake", ""}


def blocks(page):
    """(line, words behind the fence, text) of every fenced block."""
    with open(page, encoding="utf-8") as f:
        lines = f.read().splitlines()
    k = 0
    while k < len(lines):
        fence = re.match(r"^```(.*)$", lines[k])
        if fence:
            start = k + 1
            k = start
            while k < len(lines) and lines[k] != "```":
                k += 1
            if k == len(lines):
                raise SystemExit(f"{page}:{start}: a block without an end")
            yield start, fence[1].split(), "\n".join(lines[start:k]) + "\n"
        k += 1


class Page:
    def __init__(self, path, folder, env):
        self.path, self.folder, self.env, self.base, self.ran, self.failed = path, folder, env, "", 0, 0

    def call(self, command, **more):
        return subprocess.run(command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=240, **more)

    def fail(self, line, why, text=""):
        self.failed += 1
        print(f"FAIL {os.path.relpath(self.path, ROOT)}:{line}: {why}\n{text}")

    def check(self, line, name, text, want_error):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)
        done = self.call(["cortexc", "check", name])
        if done.returncode != (65 if want_error else 0):
            self.fail(line, f"cortexc check ended with {done.returncode}", done.stdout)

    def console(self, line, text, exact):
        for part in re.split(r"^(?=\$ )", text, flags=re.M):
            if not part.startswith("$ "):
                if part.strip():
                    self.fail(line, "text before the first `$ ` of a console block", part)
                continue
            command, _, expected = part[2:].partition("\n")
            done = self.call(["bash", "-ec", command])
            status = re.search(r"# exit (\d+)$", command)
            if done.returncode != (int(status[1]) if status else 0):
                self.fail(line, f"`{command}` ended with {done.returncode}", done.stdout)
            elif exact and done.stdout != expected:
                self.fail(line, f"`{command}` printed something else", done.stdout)

    def block(self, line, words, text):
        kind, options = (words[0] if words else ""), words[1:]
        if kind in SHOWN:
            return
        self.ran += 1
        if kind == "cortex" and "fragment" in options:
            self.check(line, "fragment.cortex", text + self.base, False)
        elif kind == "cortex" and any(o.startswith("file=") for o in options):
            name = next(o[5:] for o in options if o.startswith("file="))
            self.check(line, name, text, "error" in options)
            if "base" in options:
                self.base = text
        elif kind == "sh" and "setup" in options:
            self.ran -= 1
        elif kind == "sh":
            done = self.call(["bash", "-e"], input=text)
            if done.returncode:
                self.fail(line, f"ended with {done.returncode}", done.stdout)
        elif kind == "python":
            done = self.call([sys.executable, "-"], input=text)
            if done.returncode:
                self.fail(line, f"ended with {done.returncode}", done.stdout)
        elif kind == "console":
            self.console(line, text, "exact" in options)
        else:
            self.fail(line, f"a block of kind `{' '.join(words)}`, which nobody runs")


def main():
    program = os.path.abspath(sys.argv[1])
    pages = [os.path.abspath(p) for p in sys.argv[2:]] or [os.path.join(ROOT, "README.md"), os.path.join(ROOT, "CONTRIBUTING.md")] \
        + sorted(glob.glob(os.path.join(ROOT, "docs/**/*.md"), recursive=True))
    ran = failed = 0
    shared = tempfile.TemporaryDirectory()
    ready = os.path.join(shared.name, "out.h5")
    subprocess.run([program, os.path.join(ROOT, "models/five_layer_column.cortex"), "-o", ready, "-q"], check=True)
    for path in pages:
        with tempfile.TemporaryDirectory() as folder:
            tools = os.path.join(folder, ".bin")
            os.mkdir(tools)
            os.symlink(program, os.path.join(tools, "cortexc"))
            shutil.copytree(os.path.join(ROOT, "models"), os.path.join(folder, "models"))
            env = {k: v for k, v in os.environ.items() if k != "CORTEXC_ISA"}
            page = Page(path, folder, {**env, "PATH": tools + os.pathsep + os.environ["PATH"]})
            if not any("-o out.h5" in text for _, words, text in blocks(path) if "setup" not in words):
                shutil.copy(ready, folder)
            for line, words, text in blocks(path):
                page.block(line, words, text)
            for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", open(path, encoding="utf-8").read()):
                if not re.match(r"https?:", link) and not os.path.exists(os.path.join(os.path.dirname(path), link)):
                    page.fail(0, f"the link {link} leads nowhere")
            ran, failed = ran + page.ran, failed + page.failed
    print(f"docs: {len(pages)} pages, {ran} blocks run, {failed} failures")
    return 1 if failed or not ran else 0


sys.exit(main())
