#!/usr/bin/env python3
"""Runs `spanspec conformance` against real stacks: .ci/conformance.py [--update] [STACK…]

Compares the cases that do not conform with tests/conformance/STACK.txt. A line of such a file has the name of a
case, its verdict and the strength of the requirement. Each was looked at by hand: it is a property of the stack.
`--update` writes the files. Skips Go where it is not installed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
SPANSPEC = TARGET / "debug" / "spanspec"
GOLDENS = HERE / "tests" / "conformance"
FORMATS = ["--formats", "b3,b3multi,jaeger,xray"]

# The folder with the project file, and the arguments.
STACKS = {
    "express": ("examples/node-express", ["${BASE_URL}/echo", "--echo", "/echo", "--var", "CONFORMANCE=1"]),
    "flask": ("examples/python-flask", ["${BASE_URL}/echo", "--echo", "/echo", "--var", "CONFORMANCE=1"]),
    "go": ("tests/conformance", ["http://127.0.0.1:${services.go.http}", "--echo", "/echo"]),
    # The shop calls no foreign URL, so that its spans are the only observer.
    "shop": (".", ["${BASE_URL}/orders/{id}"]),
}


def cases(stack):
    """The results of all cases, or the reason why there are none."""
    folder, arguments = STACKS[stack]
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        command = [SPANSPEC, "conformance", *arguments, *FORMATS, "--quiet", "--report", f"json={report}"]
        environment = {**os.environ, "TARGET": str(TARGET)}
        done = subprocess.run(command, cwd=HERE / folder, env=environment, capture_output=True, text=True, timeout=300)
        if not report.exists():
            sys.exit(f"{stack}: no report\n{done.stdout}{done.stderr}")
        document = json.loads(report.read_text())
    steps = [step for spec in document["specs"] for attempt in spec["attempts"] for step in attempt["steps"]]
    found = [case for step in steps for case in (step["response"] or {}).get("conformance", {}).get("cases", [])]
    if not found:
        sys.exit(f"{stack}: no cases\n{done.stdout}{done.stderr}")
    return found


def listed(found):
    """A line for each case that does not conform."""
    wrong = [case for case in found if case["verdict"] != "conforming"]
    return "".join(f"{case['name']} {case['verdict']} {case['requirement']}\n" for case in wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true")
    parser.add_argument("stack", nargs="*", default=list(STACKS), help=", ".join(STACKS))
    arguments = parser.parse_args()
    failed = []
    for stack in arguments.stack:
        if stack == "go" and shutil.which("go") is None:
            print("go: skipped, it is not installed")
            continue
        started = time.monotonic()
        found = cases(stack)
        lines, golden = listed(found), GOLDENS / f"{stack}.txt"
        print(f"{stack}: {len(found)} cases in {time.monotonic() - started:.0f} s, {len(lines.splitlines())} do not conform")
        if arguments.update:
            golden.write_text(lines)
        elif lines != golden.read_text():
            failed.append(stack)
            expected = set(golden.read_text().splitlines())
            for line in sorted(expected ^ set(lines.splitlines())):
                print(f"  {'missing' if line in expected else 'new'}: {line}")
            for case in found:
                if f"{case['name']} {case['verdict']} {case['requirement']}" not in expected:
                    if case["verdict"] != "conforming":
                        print(f"  {case['name']}: expected {case['expected']}; found {case['found']}")
    sys.exit(f"not as in tests/conformance: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
