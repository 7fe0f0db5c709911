#!/usr/bin/env python3
"""Applies the hints of error messages to the letter. Every golden model with errors is checked with --diagnostics=json; each
`fix`, what to replace by what, is applied by itself, and the message must be gone; a fix that makes a mistake of
syntax where there was none is a failure as well.

    hints.py CORTEXC"""

import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ERR = os.path.join(os.path.dirname(HERE), "golden", "err")


def check(program, name, folder):
    done = subprocess.run([program, "check", "--diagnostics=json", name], cwd=folder, capture_output=True, timeout=60)
    return [json.loads(line) for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("{")]


def said(diagnostics):
    """How often each message stands in which line."""
    count = {}
    for d in diagnostics:
        key = (d["id"], d["message"], d.get("line"))
        count[key] = count.get(key, 0) + 1
    return count


def main():
    program, failed, applied, errors = os.path.abspath(sys.argv[1]), [], 0, 0
    for path in sorted(glob.glob(os.path.join(ERR, "*.cortex"))):
        name = os.path.basename(path)
        with open(path, "rb") as f:
            text = f.read()
        before = check(program, name, ERR)
        errors += sum(d["severity"] == "error" for d in before)
        with tempfile.TemporaryDirectory() as folder:
            for entry in os.listdir(ERR):  # what the models import and read
                os.symlink(os.path.join(ERR, entry), os.path.join(folder, entry))
            os.unlink(os.path.join(folder, name))
            for d in before:
                fix = d.get("fix")
                if not fix or fix["file"] != name:
                    continue
                applied += 1
                with open(os.path.join(folder, name), "wb") as f:
                    f.write(text[:fix["from"]] + fix["text"].encode() + text[fix["to"]:])
                after = check(program, name, folder)
                key = (d["id"], d["message"], d.get("line"))
                what = f"{name}:{d['line']}:{d['column']}: `{text[fix['from']:fix['to']].decode(errors='replace')}` -> `{fix['text']}`"
                if said(after).get(key, 0) >= said(before)[key]:
                    failed.append(f"{what}: `{d['message']}` is said all the same")
                elif sum(x["id"] == "syntax" for x in after) > sum(x["id"] == "syntax" for x in before):
                    failed.append(f"{what}: a mistake of syntax: {[x['message'] for x in after if x['id'] == 'syntax']}")
    print("\n".join(failed))
    print(f"hints: {errors} errors, {applied} hints applied, {len(failed)} do not mend")
    return 1 if failed or applied < 100 else 0


sys.exit(main())
