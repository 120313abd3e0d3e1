"""`cargo run`, `cargo test` and the shop's build command must compile every dependency alike.

Cargo compiles a crate once for each set of features. A development dependency, or one of the
shop's, that turns on one feature more makes `cargo test` after `cargo run` compile that crate, and
all that rest on it, a second time. Nothing is compiled to find that out.
"""

import subprocess
import sys


def features(*selection):
    """The features of each package, as these arguments would build it."""
    command = ["cargo", "tree", "--locked", "--prefix=none", "--no-dedupe", "--format={p}|{f}"]
    lines = subprocess.check_output([*command, *selection], text=True).splitlines()
    found = {}
    for line in lines:
        package, _, enabled = line.removesuffix(" (*)").partition("|")
        found.setdefault(package.strip(), set()).update(enabled.strip().split(","))
    return found


run = features("--edges=normal,build")
others = {
    "cargo test": features("--edges=normal,build,dev"),
    "cargo build --workspace": features("--edges=normal,build", "--workspace"),
}
mistakes = [
    f"{command}: {package} gets {', '.join(sorted(more - run[package]))}, which `cargo run` does not give it"
    for command, found in others.items()
    for package, more in found.items()
    if package in run and more - run[package]
]
if mistakes:
    hint = "turn these on in [dependencies] of Cargo.toml too, or do without"
    sys.exit("\n".join([*mistakes, hint]))
print(f"{len(run)} packages, the same for `cargo run`, {' and '.join(f'`{name}`' for name in others)}")
