#!/usr/bin/env python3
"""What may not be in the tree: generated files, bulky files, marks of unfinished work, tests switched off, absolute paths
of somebody's machine, addresses of package registries. Looks at the files git knows, or at all files outside of
build/ where there is no git."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATED = re.compile(r"(\.tab\.[ch]|\.lex\.[ch]|\.yy\.c|\.o|\.a|\.so|\.h5|\.tmp|\.pyc|CMakeCache\.txt)$")
LARGEST = 400_000
HOMES = "|".join(["home", "root", "work", "Users", "mnt", "workspace"])
HOSTS = "|".join(["debian", "pypi", "pythonhosted", "npmjs", "registry", "artifactory", "mirror"])
TEXT = [
    (re.compile(rf"(?:^|[\s\"'(=:`])/(?:{HOMES})/(?!me/)\w"), "an absolute path of one machine"),
    (re.compile(rf"https?://[\w.-]*(?:{HOSTS})"), "the address of a package registry"),
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "a mark of unfinished work"),
    (re.compile(r"\.disa" r"bled\s*=\s*(?:true|1)|cr_sk" r"ip|DISA" r"BLED|@unittest\.sk" r"ip|xfa" r"il"),
     "a test that is switched off"),
]


def files():
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [f for f in listed.stdout.split("\0") if f]
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [d for d in inner if d not in (".git", "build")]
        found += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names]
    return found


def main():
    wrong, n = [], 0
    for name in sorted(files()):
        path = os.path.join(ROOT, name)
        if not os.path.isfile(path):
            continue
        n += 1
        if GENERATED.search(name):
            wrong.append(f"{name}: is generated and does not belong in the tree")
        if os.path.getsize(path) > LARGEST:
            wrong.append(f"{name}: is larger than {LARGEST} bytes")
        with open(path, "rb") as f:
            data = f.read()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            for pattern, what in TEXT:
                if pattern.search(line):
                    wrong.append(f"{name}:{number}: {what}: {line.strip()[:100]}")
    print("\n".join(wrong))
    print(f"tree: {n} files, {len(wrong)} findings")
    return 1 if wrong or not n else 0


sys.exit(main())
