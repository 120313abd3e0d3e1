#!/usr/bin/env python3
"""Tests Collector configurations with a real Collector: .ci/pipelines.py

Runs the specs of examples/collector and tests/pipelines/passing.yaml, which must pass, and tests/pipelines/failing.yaml,
of which none may pass, and compares what a user reads. The Collector comes from the cache of .ci/backends.py, which builds it.
"""

import os
import subprocess
import sys
import time

from backends import CACHE, HERE, SPANSPEC, Skipped, free_port, install_collector

FAULTS = HERE / "tests" / "pipelines"


def spanspec(folder, *arguments, env):
    """Runs the specs of a folder. Returns the exit code and the output."""
    command = [SPANSPEC, "run", *arguments]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **env}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        collector = install_collector()
    except Skipped as why:
        print(f"skipped: the Collector {why}")
        return
    env = {"OTELCOL": str(collector), "CLOSED": str(free_port())}
    begun = time.monotonic()
    code, output = spanspec(HERE / "examples" / "collector", env=env)
    wrong = [output] if code else []
    print(f"example: {output.strip().splitlines()[-1]} ({time.monotonic() - begun:.0f} s)")
    code, output = spanspec(FAULTS, "passing.yaml", env=env)
    wrong.extend([output] if code else [])
    print(f"passing: {output.strip().splitlines()[-1]}")
    code, output = spanspec(FAULTS, "failing.yaml", env=env)
    lines = (FAULTS / "failing.yaml").read_text().splitlines()
    read = " ".join(output.split())
    missing = [line[9:] for line in lines if line.startswith("# reads: ") and line[9:] not in read]
    if missing or code == 0 or " passed in " in read:
        wrong.extend([*(f"not in the output: {text}" for text in missing), f"exit code {code}", output])
    print(f"faults: {output.strip().splitlines()[-1]}")
    if wrong:
        print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
