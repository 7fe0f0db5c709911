#!/usr/bin/env python3
"""Changes good and bad models at random and checks them: whatever the text, `cortexc check` must answer with exit
status 0 or 65, within seconds, and say something when it refuses. The same texts every time; a seed of one's own goes
on from there. What fails is kept beside the program.

    run.py CORTEXC [SEED [COUNT]]"""

import glob
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PIECES = ["{", "}", "(", ")", "[", "]", ",", ":", "->", "=", "*", "/", "^", "-", "+", " of ", " in ", "\n", ";", "#", "\"", "0", "1e400",
          "inf", "-1", "1e-300", "10 mV", "3 ms", "%", "state", "param", "dV/dt = ", "unless refractory", "xi", "random()", "µ", "\x00", "\xff",
          "population E : 10 of lif", "for k in range(3) {", "if true {", "import \"x\"", "let a = a", "9999999999999999999999", "sample(E, 3)"]


def mutant(rng, good, bad):
    texts = good if rng.random() < 0.8 else bad
    text = rng.choice(texts)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        a = rng.randrange(len(text) + 1)
        b = min(len(text), a + rng.choice([0, 1, 1, 2, 5, 20, 100]))
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:a] + text[b:]
        elif kind == 1:
            text = text[:a] + rng.choice(PIECES) + text[a:]
        elif kind == 2:
            text = text[:a] + text[a:b] * 2 + text[b:]
        elif kind == 3:
            other = rng.choice(texts)
            c = rng.randrange(len(other))
            text = text[:a] + other[c:c + rng.choice([3, 10, 60])] + text[b:]
        else:
            text = text[:a] + chr(rng.randrange(256)) + text[a + 1:]
    return text


def texts_of(*patterns):
    out = []
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True)):
            with open(path, encoding="utf-8") as f:
                out.append(f.read())
    return out


def main():
    program = os.path.abspath(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    good = texts_of("tests/golden/ok/*.cortex", "tests/golden/run/*.cortex", "models/**/*.cortex")
    bad = texts_of("tests/golden/err/*.cortex")
    rng = random.Random(seed)
    failed, refused = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mutant.cortex")
        for k in range(count):
            data = mutant(rng, good, bad).encode("utf-8", "surrogateescape")
            with open(path, "wb") as f:
                f.write(data)
            try:
                done = subprocess.run([program, "check", path], capture_output=True, timeout=60)
                status, err = done.returncode, done.stderr
            except subprocess.TimeoutExpired:
                status, err = "no answer within a minute", b""
            refused += status == 65
            if status not in (0, 65) or (status == 65 and not err.strip()):
                failed += 1
                keep = os.path.join(os.path.dirname(program), f"mutant-{seed}-{k}.cortex")
                with open(keep, "wb") as f:
                    f.write(data)
                print(f"FAIL {keep}: {status}\n{err.decode(errors='replace')[:2000]}")
                if failed == 10:
                    print("ten are enough")
                    break
    print(f"fuzz: {count} models, {refused} refused, {failed} failures")
    return 1 if failed or not refused or refused == count else 0


sys.exit(main())
