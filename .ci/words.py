"""Counts habits that make text hard to read, and fails above a limit.

Counts lines of comments in Rust, of documentation, and of goldens. A limit is a percentage of them.
"""

import re
import subprocess
import sys
from pathlib import Path

HABITS = {
    "opening clause": re.compile(r"^(?:[-*] )?(?:What|Whether|Who|Where|Why|How)\b(?!.*\?$)"),
    "nobody, somebody, whoever": re.compile(r"\b(?:[Nn]obody|[Ss]omebody|[Aa]nybody|[Ww]hoever)\b"),
    "told, tells, said of": re.compile(r"\b(?:[Tt]old|[Tt]ells?|says? of|said of)\b"),
    "so many, so long": re.compile(r"\b[Ss]o (?:many|much|long|few)\b(?! as)"),
}
LIMITS = {
    "comments": {"opening clause": 0.9, "nobody, somebody, whoever": 0.1, "told, tells, said of": 0.2, "so many, so long": 0.1},
    "documentation": dict.fromkeys(HABITS, 0.3),
    "goldens": dict.fromkeys(HABITS, 0.3),
}
COMMENT = re.compile(r"^\s*//[/!]? ?(.*)")


def files(*patterns):
    names = subprocess.run(["git", "ls-files", *patterns], capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in names.split()]


def lines(paths):
    for path in paths:
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            yield f"{path}:{number}", line


def comments():
    for place, line in lines(files("*.rs")):
        if found := COMMENT.match(line):
            yield place, found[1]


def documentation():
    code = False
    for place, line in lines(files("*.md", ":!tests/*")):
        if line.startswith("```"):
            code = not code
        elif not code and line.strip():
            yield place, line.lstrip("# ")


def goldens():
    return lines(files("tests/failures/*.txt", "tests/help/*.txt", "tests/**/*.stderr"))


def main():
    verbose = "--verbose" in sys.argv
    too_many = False
    for kind, of_kind in (("comments", comments()), ("documentation", documentation()), ("goldens", goldens())):
        of_kind = list(of_kind)
        for habit, pattern in HABITS.items():
            found = [(place, line) for place, line in of_kind if pattern.search(line)]
            share = 100 * len(found) / max(len(of_kind), 1)
            limit = LIMITS[kind][habit]
            too_many |= share > limit
            print(f"{kind:14} {len(of_kind):6} lines  {habit:26} {len(found):5}  {share:5.2f} %  (limit {limit} %)")
            if verbose:
                for place, line in found:
                    print(f"    {place}: {line.strip()}")
    return "above a limit\nhelp: --verbose prints the lines" if too_many else 0


if __name__ == "__main__":
    sys.exit(main())
