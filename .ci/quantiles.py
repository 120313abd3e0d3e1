"""Compares the quantile bounds and the sketch with SciPy and NumPy: .ci/quantiles.py

Installs SciPy from PyPI into the target folder. The example `quantiles` prints the values of spanspec.
"""

import json
import os
import pathlib
import subprocess
import sys
import venv

target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
home = target / "scipy"
python = home / "bin" / "python"

if pathlib.Path(sys.prefix).resolve() != home.resolve():
    if subprocess.run([python, "-c", "import scipy"], capture_output=True).returncode if python.exists() else True:
        venv.create(home, with_pip=True, clear=True)
        subprocess.check_call([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "scipy"])
    sys.exit(subprocess.call([python, __file__]))

import numpy
from scipy.stats import binom

command = ["cargo", "run", "--locked", "--quiet", "--example", "quantiles"]
lines = [json.loads(line) for line in subprocess.check_output(command, text=True).splitlines()]


def upper(count, share, alpha):
    """The smallest rank k with P(X >= k) <= alpha, where X of count samples are below the quantile."""
    rank = int(binom.isf(alpha, count, share)) + 1
    while rank > 1 and binom.sf(rank - 2, count, share) <= alpha:
        rank -= 1
    return rank if rank <= count and binom.sf(rank - 1, count, share) <= alpha else None


def lower(count, share, alpha):
    """The largest rank k with P(X <= k - 1) <= alpha."""
    rank = int(binom.ppf(alpha, count, share)) + 2
    while rank >= 1 and binom.cdf(rank - 1, count, share) > alpha:
        rank -= 1
    return rank if rank >= 1 else None


def error(line):
    """The error in a line, or None."""
    if line["kind"] == "sketch":
        for share, found in line["found"]:
            true = numpy.quantile(line["durations"], share, method="inverted_cdf")
            if abs(found - true) > 0.005 * true * (1 + 1e-9):
                return f"sketch: quantile {share} is {found}, expected {true}"
        return None
    count, share, alpha = line["count"], line["quantile"], line["alpha"]
    if line["kind"] == "smallest":
        has = [upper(n, share, alpha) and lower(n, share, alpha) for n in (count - 1, count)]
        return None if not has[0] and has[1] else f"wrong smallest count: {line}"
    expected = lower(count, share, alpha), upper(count, share, alpha)
    return None if (line["lower"], line["upper"]) == expected else f"{line}: expected {expected}"


errors = [wrong for line in lines if (wrong := error(line))]
if errors or len(lines) < 1_000:
    sys.exit("\n".join([*errors, f"{len(errors)} of {len(lines)} values differ"]))
print(f"{len(lines)} values agree with SciPy")
