#!/usr/bin/env python3
"""`cortexc fmt` on every model of the tree, on the good ones with blanks, line ends and comments thrown in at random, and on
files it must refuse: what comes out is a fixed point, has the same syntax tree, all comments, and no line of more than
100 columns that could be broken.

    fmt.py CORTEXC [SEED [COUNT]]"""

import glob
import os
import random
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PIECES = [" ", "\n", "\n\n\n", "  ", "# c\n", "## d\n", ";", " # x\n", "\t", ",", "{", "}", "[\n", "(\n"]


def call(program, *args, text=None):
    done = subprocess.run([program, *args], input=text, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def comments(text):
    """The comments of a text, in order; `###` may stand for a `##` that documents nothing."""
    found = re.findall(rb'"(?:[^"\\\n]|\\.)*"|(#[^\n]*)', text)
    return [re.sub(rb"^#+", b"#", c.rstrip(b" \t\r")) for c in found if c]


def main():
    program = os.path.abspath(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    failed, refused = [], 0
    paths = sorted(p for p in glob.glob(os.path.join(ROOT, "**", "*.cortex"), recursive=True) if "/build/" not in p)
    texts = []
    for p in paths:
        with open(p, "rb") as f:
            texts.append((os.path.relpath(p, ROOT), f.read()))
    rng = random.Random(seed)
    good = [t for n, t in texts if "/err/" not in n]
    for k in range(count // 4):
        t = rng.choice(good)
        for _ in range(rng.choice([1, 3, 8])):
            blanks = [m.start() for m in re.finditer(rb"[ \n]", t)] + [rng.randrange(len(t) + 1)]
            at = rng.choice(blanks)
            t = t[:at] + rng.choice(PIECES).encode() + t[at + (rng.random() < 0.5):]
        texts.append((f"mutant {k}", t))
    for name, text in texts:
        status, out, err = call(program, "fmt", "-", text=text)
        if status == 65 and err:
            refused += 1
            continue
        if status:
            failed.append(f"{name}: exit {status}: {err.decode(errors='replace')}")
            continue
        if call(program, "fmt", "-", text=out)[1] != out:
            failed.append(f"{name}: formatting it twice makes another text")
        if comments(text) != comments(out):
            failed.append(f"{name}: other comments")
        for line in out.decode(errors="replace").split("\n"):
            if line != line.rstrip(" ") or (len(line) > 100 and "#" not in line and '"' not in line and re.search(r"[,+] ", line[:60])):
                failed.append(f"{name}: `{line}`")
        if b"\n\n\n" in out or out.startswith(b"\n") or (out and not out.endswith(b"\n")) or out.endswith(b"\n\n"):
            failed.append(f"{name}: blank lines")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts:  # the tree as another command prints it
            if name.startswith("mutant") or "/err/" in name:
                continue
            path = os.path.join(folder, "x.cortex")
            with open(path, "wb") as f:
                f.write(text)
            before = call(program, "emit", "ast", path)
            status, out, _ = call(program, "fmt", path)
            with open(path, "rb") as f:
                after = f.read()
            if status or (out != b"") != (after != text) or call(program, "emit", "ast", path)[1] != before[1]:
                failed.append(f"{name}: another tree, or not told that it was changed")
        failed += files(program, folder)
    print("\n".join(failed))
    print(f"fmt: {len(texts)} texts, {refused} refused for their syntax, {len(failed)} failures")
    return 1 if failed else 0


def files(program, folder):
    """What becomes of files: refused, only checked, linked, read-only."""
    failed = []

    def expect(what, ok):
        if not ok:
            failed.append(what)
    bad, plain, link = (os.path.join(folder, n) for n in ("bad.cortex", "plain.cortex", "link.cortex"))
    with open(bad, "w", encoding="utf-8") as f:
        f.write("population  E : 10 of\nrun 1 s\n")
    with open(plain, "w", encoding="utf-8") as f:
        f.write("run   1 s")
    os.chmod(plain, 0o640)
    os.symlink("plain.cortex", link)
    status, out, err = call(program, "fmt", "--check", plain, bad)
    expect("--check: status and names", status == 65 and out.decode() == plain + "\n" and b"[syntax]" in err)
    with open(plain, encoding="utf-8") as f:
        expect("--check changes nothing", f.read() == "run   1 s")
    expect("--check: status 1", call(program, "fmt", "--check", plain)[0] == 1)
    status, out, err = call(program, "fmt", bad, link)
    expect("a refused file, and one through a link", status == 65 and out.decode() == link + "\n")
    with open(bad, encoding="utf-8") as f:
        expect("a refused file stays", f.read() == "population  E : 10 of\nrun 1 s\n")
    with open(plain, encoding="utf-8") as f:
        expect("the file behind the link", f.read() == "run 1 s\n" and os.path.islink(link))
    expect("the mode stays", os.stat(plain).st_mode & 0o777 == 0o640)
    expect("nothing is left behind", sorted(os.listdir(folder)) == ["bad.cortex", "link.cortex", "plain.cortex", "x.cortex"])
    expect("a second time: nothing to do", call(program, "fmt", "--check", plain) == (0, b"", b""))
    expect("no file", call(program, "fmt")[0] == 64 and call(program, "fmt", os.path.join(folder, "none"))[0] == 66)
    expect("nothing at all", call(program, "fmt", "-", text=b"") == (0, b"", b""))
    return failed


sys.exit(main())
