#!/usr/bin/env python3
"""Builds the fuzz targets of `fuzz/` and runs each of them: .ci/fuzz.py [--build] [--optimized] [SECONDS] [TARGET…]

Runs two targets at a time, each from small files of this repository and from what earlier runs found, which stays in
`target/fuzz/corpus`. Prints a table. An input that breaks a target is kept in `target/fuzz/artifacts`, and printed
with the command that reproduces it; then the exit code is 1.

The build shares the dependencies of `cargo build`, and takes two minutes. With `--optimized` it takes seven, and an
input takes a sixth of the time.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
TARGET = BUILD / "fuzz"
TARGETS = sorted(path.stem for path in (HERE / "fuzz/fuzz_targets").glob("*.rs"))

# What `cargo fuzz` passes to the compiler, without the address sanitizer, which needs a nightly compiler: our code has
# no `unsafe`.
FLAGS = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
    "-Awarnings",
]

# Bytes of an input, seconds for one input, and MiB of memory.
LONGEST, SLOWEST, LARGEST = 4096, 20, 2048

# Bytes that become spans.
SPANS = b"\x01\x01\x02\x02\x05\x09\x01\x01\x01\x01\x02" * 6

MATCHERS = """
a|"a"|5|1.50|1..|..5|1..5|> 5|< 5|true|null|exists|absent|=~ ^a|a*|[a, b]|[1, 2..]|{ not: a }|{ contains: a }
{ length: 1.. }|{ equals: "> 5" }|{ starts_with: a, ends_with: b }|{ all: =~ a }|{ any: 1 }|{ same_items: [1, 2] }
{ number: > 5 }|{ json: { $.a: 1 } }|{ json: { "$.a[*]": exists } }|{ type: string }|{ ignore_case: A }|< 600ms|2xx|{ gt: 1 }
""".replace("\n", "|").strip("|").split("|")
VALUES = ['"a"', '"5"', "5", "1.5", "true", "null", "[1,2]", '{"a":1}', '"{\\"a\\":1}"', "", "-0.0", "9007199254740993"]


def files(*patterns):
    """Files of the repository that are short enough."""
    found = {path for pattern in patterns for path in HERE.glob(pattern) if path.is_file()}
    return sorted(path for path in found if path.stat().st_size <= LONGEST)


def texts(*patterns):
    return [path.read_text(errors="replace") for path in files(*patterns)]


def blocks(*patterns):
    """The fenced blocks of YAML in pages."""
    pages = "\n".join(path.read_text() for pattern in patterns for path in HERE.glob(pattern))
    return re.findall(r"```yaml[^\n]*\n(.*?)```", pages, re.S)


def strings(*patterns):
    """The raw strings of Rust files, and the strings without escapes."""
    code = "\n".join(path.read_text() for pattern in patterns for path in HERE.glob(pattern))
    raw = re.findall(r'r#"(.*?)"#', code, re.S)
    return raw + re.findall(r'"([^"\\\n]+)"', re.sub(r'r#".*?"#', "", code, flags=re.S))


def expectations(specs):
    """What stands below `expect:` in specs with one step."""
    for spec in specs:
        for found in re.findall(r"^expect:\n((?:[ ].*\n|\n)+)", spec + "\n", re.M):
            yield textwrap.dedent(found)


def framed(message):
    return b"\0\0" + len(message).to_bytes(4, "big") + message


def seeds(target):
    """Inputs to begin with."""
    specs = ["specs/*.yaml", "examples/*/specs/*.yaml", "tests/failures/*/spec.yaml", "tests/language/*.yaml"]
    messages = [path.read_bytes() for path in files("tests/fixtures/**/*.pb")]
    match target:
        case "wire":
            return messages
        case "grpc":
            return [framed(message) for message in messages]
        case "otlp_json":
            corpus = HERE / "tests/fixtures/pdata/requests.jsonl"
            recorded = [json.loads(line)["request"] for line in corpus.read_text().splitlines()] if corpus.exists() else []
            return recorded + texts("tests/fixtures/otlp/*.json", "tests/fixtures/tempo/*.json", "tests/failures/*/trace.json")
        case "spec":
            return texts(*specs) + blocks("docs/*.md")
        case "matcher":
            written = {line.strip() for spec in texts(*specs) for line in re.findall(r": ([^\n]+)$", spec, re.M)}
            found = [(matcher, VALUES[at % len(VALUES)]) for at, matcher in enumerate(sorted(written)[:300])]
            return [f"{matcher}\0{value}" for matcher, value in [*((m, v) for m in MATCHERS for v in VALUES), *found]]
        case "selector":
            found = [*expectations(texts(*specs)), *expectations(blocks("docs/spec.md"))]
            return [expect.encode() + b"\0" + SPANS for expect in found]
        case "ottl":
            conditions = [text for text in strings("src/sampling/ottl/tests.rs", "src/sampling/re2.rs") if len(text) > 3]
            kinds = [b"\x15\0", b"\x15\1", b"\0\0"]
            return [kinds[at % 3] + text.encode() + b"\0" + SPANS for at, text in enumerate(conditions)]
        case "collector":
            found = texts("tests/sampling/lint/*.yaml", "tests/fixtures/sampling/*/*.yaml", "tests/failures/*/collector.yaml")
            found += texts("examples/*/collector.yaml") + blocks("docs/sampling.md")
            return [b"\x15\0" + text.encode() + b"\0" + SPANS for text in found]
        case "import":
            tracetest = [text for text in strings("src/import/tracetest/tests.rs", "src/import/tracetest/tests/*.rs") if "\n" in text]
            curl = [text for text in strings("src/import/curl/tests.rs") if text.startswith("curl ")]
            kinds = [(0, tracetest), (4, curl), (5, texts("tests/fixtures/import/*.hurl"))]
            kinds += [(6, texts("tests/fixtures/import/*.json")), (7, texts("tests/fixtures/import/*.yaml"))]
            return [bytes([kind]) + text.encode() for kind, found in kinds for text in found]
        case "report":
            return [bytes([place]) + text + b"\0" for place in range(25) for text in (b"a", b"]]>&<\x1b[0m", "é\ufffe".encode())]
        case "masking":
            return [f"hunt&r 2\0{chr(at % 15)}{chr(at)}a".encode() for at in range(25)]
    return []


def words(target):
    """What a dictionary has for this target: keys of the languages, and words that are compared."""
    schemas = "".join(path.read_text() for path in HERE.glob("docs/*.schema.json"))
    keys = sorted(set(re.findall(r'"([a-z][a-z_]+)":', schemas)))
    match target:
        case "spec" | "selector":
            return [f"{key}:" for key in keys] + ["${", "=~ ", "$.", "request:", "count: 0..", "take: first", "{ not: "]
        case "matcher":
            found = "not equals contains starts_with ends_with length all any number json type same_items one_of exists absent"
            return [f"{key}:" for key in found.split()] + ["=~ ", "..", "{ ", " }", "$.a", "null"]
        case "ottl":
            functions = (HERE / "src/sampling/ottl/function.rs").read_text()
            enums = "STATUS_CODE_ERROR SPAN_KIND_SERVER nil true not and or attributes resource instrumentation_scope spanevent"
            return sorted(set(re.findall(r'"([A-Z][A-Za-z0-9]+)"', functions))) + enums.split() + ['["a"]', "trace_id.string"]
        case "collector":
            code = "".join(path.read_text() for path in (HERE / "src/sampling/config").rglob("*.rs"))
            return sorted(set(re.findall(r'"([a-z][a-z_]{3,})"', code)))
        case "import":
            code = "".join(path.read_text() for path in (HERE / "src/import/tracetest").rglob("*.rs"))
            return sorted(set(re.findall(r'"([a-zA-Z][a-zA-Z_.:]{2,})"', code)))
        case "otlp_json":
            code = "".join(path.read_text() for path in (HERE / "src/source/otlp/shape").glob("*.rs"))
            return [f'"{word}":' for word in sorted(set(re.findall(r'"([a-z][A-Za-z]+)"', code)))] + ["null", '"NaN"', "\\ud83d"]
        case "report" | "masking":
            return ["]]>", "&#x1b;", "<!--", "\\u0000", "\x1b[31m", "\u2028", "%25", "&amp;", "…"]
    return []


def prepare(target):
    """Writes the seeds and the dictionary. Returns the arguments for libFuzzer."""
    folder = TARGET / "seeds" / target
    for old in folder.glob("*"):
        old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        seed = seed if isinstance(seed, bytes) else seed.encode()
        (folder / f"{number:04}").write_bytes(seed[:LONGEST])
    dictionary = TARGET / f"{target}.dict"
    entries = ["".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words(target)]
    dictionary.write_text("".join(f'"{entry}"\n' for entry in entries))
    for name in ("corpus", "artifacts"):
        (TARGET / name / target).mkdir(parents=True, exist_ok=True)
    # libFuzzer refuses an empty dictionary.
    dictionaries = [f"-dict={dictionary}"] if entries else []
    return [*dictionaries, f"-artifact_prefix={TARGET / 'artifacts' / target}/", TARGET / "corpus" / target, folder]


def build(optimized):
    """Builds all targets. Returns the folder of the binaries."""
    env = {
        **os.environ,
        "RUSTC_WRAPPER": str(HERE / ".ci/fuzz-rustc"),
        "SPANSPEC_FUZZ_FLAGS": " ".join(FLAGS),
        "CARGO_TARGET_DIR": str(BUILD),
        "CARGO_INCREMENTAL": "0",
        **({"CARGO_PROFILE_DEV_OPT_LEVEL": "1"} if optimized else {}),
    }
    subprocess.run(["cargo", "build", "--locked", "--manifest-path", HERE / "fuzz/Cargo.toml", "--bins"], check=True, env=env)
    return BUILD / "debug"


def run(binary, target, seconds):
    """Runs a target. Returns its figures and its finds."""
    arguments = prepare(target)
    artifacts = TARGET / "artifacts" / target
    before = set(artifacts.iterdir())
    log = TARGET / f"{target}.log"
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={SLOWEST}", f"-rss_limit_mb={LARGEST}"]
    command = [binary, *limits, "-print_final_stats=1", *arguments]
    with log.open("wb") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd=TARGET, timeout=seconds * 3 + 600).returncode
    text = log.read_text(errors="replace")
    number = lambda pattern: int((re.findall(pattern, text) or [0])[-1])
    finds = sorted(path for path in set(artifacts.iterdir()) - before if not path.name.startswith("slow-unit"))
    return {
        "target": target,
        "executions": number(r"number_of_executed_units: (\d+)") or number(r"\n#(\d+)\t"),
        "rate": number(r"average_exec_per_sec: +(\d+)") or number(r"exec/s: (\d+)"),
        "features": number(r" ft: (\d+)"),
        "finds": finds,
        "failed": code != 0 and not finds,
        "log": text,
        "command": [binary, *limits[2:]],
    }


def told(result):
    """The finds of a target, each with the command that reproduces it."""
    target, text = result["target"], result["log"]
    if result["failed"]:
        return f"{target}: ended without an input\n{text[-2000:]}"
    message = re.search(r"thread '.*?panicked.*?(?=\n(?:note:|stack backtrace|==|\s+\d+: ))", text, re.S)
    message = message[0][:2000] if message else "\n".join(re.findall(r"^(?:SUMMARY|==\d+==).*$", text, re.M)[:5])
    told = []
    for path in result["finds"]:
        data = path.read_bytes()
        command = " ".join(str(part) for part in [*result["command"], path])
        told.append(f"{target}: {message}\ninput of {len(data)} bytes: {data[:1000]!r}\nhex: {data[:1000].hex()}\nreproduce: {command}\n")
    return "\n".join(told)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=int, default=60, help="seconds for each target")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"some of {', '.join(TARGETS)}")
    parser.add_argument("--build", action="store_true", help="only build the targets")
    parser.add_argument("--optimized", action="store_true", help="optimize all crates")
    parser.add_argument("--jobs", type=int, default=2, help="number of targets that run at the same time")
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}: there are {', '.join(TARGETS)}")
    binaries = build(arguments.optimized)
    if arguments.build:
        return
    with ThreadPoolExecutor(arguments.jobs) as pool:
        one = lambda target: run(binaries / target, target, arguments.seconds)
        results = list(pool.map(one, arguments.targets or TARGETS))
    print(f"\n{'target':<12}{'executions':>12}{'a second':>10}{'features':>10}{'finds':>7}")
    for result in results:
        print(f"{result['target']:<12}{result['executions']:>12,}{result['rate']:>10,}{result['features']:>10,}{len(result['finds']):>7}")
    broken = [told(result) for result in results if result["finds"] or result["failed"]]
    if broken:
        sys.exit("\n" + "\n".join(broken))


if __name__ == "__main__":
    main()
