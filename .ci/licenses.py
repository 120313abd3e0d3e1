"""Checks the licence of every dependency against deny.toml, if cargo-deny is not installed."""

import json
import re
import subprocess
import sys

try:
    import tomllib
except ModuleNotFoundError:
    sys.exit("needs Python 3.11 or later, or cargo-deny")


def allowed(expression, licences):
    """True if the licences satisfy an SPDX expression. Old crates write OR as a slash."""
    tokens = re.findall(r"[()]|[\w.+-]+", expression.replace("/", " OR "))

    def either():
        met = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            met = both() or met
        return met

    def both():
        met = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            met = one() and met
        return met

    def one():
        token = tokens.pop(0)
        if token == "(":
            met = either()
            tokens.pop(0)
            return met
        if tokens and tokens[0] == "WITH":
            tokens.pop(0)
            token = f"{token} WITH {tokens.pop(0)}"
        return token in licences

    return either()


with open("deny.toml", "rb") as file:
    rules = tomllib.load(file)
licences = set(rules["licenses"]["allow"])
exceptions = {one["crate"]: set(one["allow"]) for one in rules["licenses"].get("exceptions", [])}
banned = {ban["crate"] for ban in rules["bans"]["deny"]}

command = ["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"]
packages = json.loads(subprocess.check_output(command))["packages"]
errors = [
    f"{package['name']} {package['version']}: {package['license']} is not allowed"
    for package in packages
    if not allowed(package["license"] or "none", licences | exceptions.get(package["name"], set()))
]
errors += [f"{package['name']}: banned" for package in packages if package["name"] in banned]
if errors:
    sys.exit("\n".join(errors))
print(f"{len(packages)} packages, all under {len(licences)} licences that deny.toml allows")
