"""Checks that `cargo run`, `cargo test` and the shop's build command share all dependencies.

Cargo compiles a crate once per set of features. If a development dependency, or one of the shop,
enables a further feature, `cargo test` compiles that crate and its dependents again after
`cargo run`. Also prints the number of packages of each set of features. This script only reads
`cargo tree`.
"""

import subprocess
import sys


def features(*selection):
    """The features of each package in a build with these arguments."""
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
errors = [
    f"{command}: {package} has additional features {', '.join(sorted(more - run[package]))}"
    for command, found in others.items()
    for package, more in found.items()
    if package in run and more - run[package]
]
if errors:
    hint = "help: enable these features in [dependencies] of Cargo.toml, or do not use them"
    sys.exit("\n".join([*errors, hint]))
print(f"{len(run)} packages with the same features in `cargo run`, {' and '.join(f'`{name}`' for name in others)}")
for name, selection in {
    "the default features": [],
    "harness and tls": ["--no-default-features", "--features=harness,tls"],
    "harness": ["--no-default-features", "--features=harness"],
    "no features": ["--no-default-features"],
}.items():
    print(f"{len(features('--edges=normal,build', *selection))} packages with {name}")
