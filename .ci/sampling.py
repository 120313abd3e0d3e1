#!/usr/bin/env python3
"""Compares the decisions of `spanspec sampling replay` with those of a real Collector: .ci/sampling.py

Generates traces and `tail_sampling` processors from a seed, sends the traces through a Collector in which each
processor has a pipeline of its own, and compares for each trace if it was kept, and by which policy.

    --seed N          of the generator (default: 1)
    --processors N    number of processors (default: 100)
    --traces N        number of traces (default: 300)
    --collector FILE  another Collector than that of .ci/backends.py, such as an older one, with its --version
    --record FOLDER   writes the cases and the decisions as a fixture
"""

import argparse
import gzip
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from backends import SPANSPEC, Processes, Skipped, free_port, install_collector, post

DEFAULT = "0.161.0"
GATES = "+processor.tailsamplingprocessor.recordpolicy"
BASE = 1_795_800_000_000_000_000
SERVICES = ["gateway", "orders", "payment", "mailer", "größe", ""]
NAMES = ["GET /cart", "POST /orders", "select", "send", "GET /健康", ""]
PATHS = ["/health", "/ready", "/cart", "/orders/42", "", "/Health", "é/health"]
THRESHOLDS = [0, 1, 100, 1000, 5000]
STATES = ["", "vendor=keep", "other=1,vendor=keep", "vendor=drop", "vendor=keep,vendor=keep", "bad", "vendor=", "ot=th:8;rv:00000000000001"]
PATTERNS = ["health", "^/", "\\\\d+", "^$", "(?i)HEALTH", "[/]h.*y$", "^[^/]"]
MILLISECOND = 1_000_000


# Traces


def value(random):
    kinds = [
        lambda: {"stringValue": random.choice(PATHS + ["true", "500", "0"])},
        lambda: {"intValue": str(random.choice([-1, 0, 1, 99, 100, 500, 10_000, 100_000]))},
        lambda: {"doubleValue": random.choice([0.0, 0.5, 100.0, -1.5])},
        lambda: {"boolValue": random.random() < 0.5},
        lambda: {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}},
        lambda: {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}},
        lambda: {},
    ]
    return random.choices(kinds, [8, 8, 3, 4, 1, 1, 1])[0]()


def attributes(random, keys, most):
    chosen = random.sample(keys, random.randint(0, min(most, len(keys))))
    found = [{"key": key, "value": value(random)} for key in chosen]
    # A key that occurs twice: the Collector reads the first value.
    if found and random.random() < 0.04:
        found.append({"key": found[0]["key"], "value": value(random)})
    return found


KEYS = ["url.path", "http.response.status_code", "payment.cents", "debug", "customer.tier"]


def span(random, trace, parent, latency):
    start = BASE + random.randrange(0, 3_000) * MILLISECOND
    taken = random.choice([0, 1, 99, 100, 101, 999, 1000, 1001, latency]) * MILLISECOND + random.choice([0, 0, 1, 999_999])
    found = {
        "traceId": trace,
        "spanId": f"{random.getrandbits(64) | 1:016x}",
        "name": random.choice(NAMES),
        "kind": random.randrange(0, 6),
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + taken),
        "attributes": attributes(random, KEYS, 3),
        "status": random.choice([{}, {}, {"code": 1}, {"code": 2, "message": random.choice(["boom", ""])}]),
        "traceState": random.choice(STATES) if random.random() < 0.2 else "",
        "flags": random.choice([0, 1, 257, 768, 256]),
    }
    if parent:
        found["parentSpanId"] = parent
    if random.random() < 0.2:
        found["events"] = [
            {"timeUnixNano": str(start), "name": random.choice(["exception", "retry"]), "attributes": attributes(random, ["exception.type", "url.path"], 2)}
            for _ in range(random.randint(1, 2))
        ]
    if random.random() < 0.1:
        found["droppedAttributesCount"] = random.randint(1, 3)
    return found


def trace(random):
    """The requests of one trace: nearly always one."""
    trace_id = f"{random.getrandbits(128) | 1:032x}"
    latency = random.choice([1, 100, 1000, 1001, 5000, 5001])
    blocks, parent = [], None
    for _ in range(random.randint(1, 3)):
        spans = []
        for _ in range(random.choices([1, 2, 3, 6], [5, 4, 2, 1])[0]):
            spans.append(span(random, trace_id, parent, latency))
            parent = random.choice([spans[-1]["spanId"], parent])
        service = random.choice(SERVICES)
        resource = [{"key": "service.name", "value": {"stringValue": service}}] if service else []
        resource += attributes(random, ["tenant", "payment.cents", "url.path", "debug"], 1)
        scope = {"name": random.choice(["gen", "lib", ""]), "version": random.choice(["1", ""])}
        blocks.append({"resource": {"attributes": resource}, "scopeSpans": [{"scope": scope, "spans": spans}]})
    if random.random() < 0.2:
        return [{"resourceSpans": [block]} for block in blocks]
    return [{"resourceSpans": blocks}]


# Processors


def text_condition(random):
    path = random.choice(['attributes["url.path"]', 'resource.attributes["url.path"]', "name", "span.name", 'resource.attributes["service.name"]'])
    text = random.choice(PATHS + SERVICES + NAMES)
    return random.choice([
        f'{path} == "{text}"',
        f'{path} != "{text}"',
        f'IsMatch({path}, "{random.choice(PATTERNS)}")',
        f"IsString({path})",
        f"{path} == nil",
        f'Concat([{path}, "x"], "-") == "{text}-x"',
        f'String({path}) == "{text}"',
        f"IsEmpty({path})",
        f'{path} >= "/h"',
        f'{path} == "nil"',
        f'Duration({path}) > Duration("1s")',
    ])


def number_condition(random):
    path = random.choice(['attributes["payment.cents"]', 'attributes["http.response.status_code"]', 'span.attributes["debug"]', "dropped_attributes_count", "flags"])
    number = random.choice(["0", "100", "500", "-1", "0.5", "100.0", "257"])
    return random.choice([
        f"{path} {random.choice(['==', '!=', '<', '<=', '>', '>='])} {number}",
        f"IsInt({path}) and {path} > {number}",
        f"IsDouble({path})",
        f"IsBool({path})",
        f"{path} == true",
        f"Int({path}) == {number}",
        f"Double({path}) >= {number}",
        f"{path} + 1 > {number}",
    ])


def field_condition(random):
    return random.choice([
        "status.code == STATUS_CODE_ERROR",
        'status.message == "boom"',
        "kind == SPAN_KIND_SERVER",
        'kind.string == "Client"',
        "IsRootSpan()",
        'parent_span_id.string == "0000000000000000"',
        "end_time_unix_nano - start_time_unix_nano >= 1000000000",
        "(end_time_unix_nano - start_time_unix_nano) / 1000000 == 100",
        'end_time - start_time > Duration("1s")',
        "Milliseconds(end_time - start_time) == 1000",
        'trace_state["vendor"] == "keep"',
        'trace_state["vendor"] == ""',
        "trace_state != nil",
        'instrumentation_scope.name == "gen"',
        'instrumentation_scope.version == ""',
        "Len(events) > 0",
        'attributes["debug"][0] == 1',
        'attributes["url.path"]["a"] == 1',
        'attributes["customer.tier"] == [1, "x"]',
        'attributes["customer.tier"] == {"a": 1}',
        "IsList(attributes[\"customer.tier\"])",
        "IsMap(attributes[\"url.path\"])",
        'Len(attributes["url.path"]) > 3',
        'Substring(name, 0, 3) == "GET"',
        'HasPrefix(name, "GET")',
        'ToLowerCase(span.name) == "select"',
        "true",
        "false",
        "nil == nil",
        'attributes["url.path"]["a"] == 1 or true',
        'attributes["url.path"]["a"] == 1 and false',
        'Duration("soon") > Duration("1s")',
        "2 * -1 < dropped_attributes_count - 1",
        'trace_id == TraceID(0x0af7651916cd43dd8448eb211c80319c)',
    ])


def condition(random, depth=0):
    kind = random.random()
    if depth < 2 and kind < 0.3:
        parts = [condition(random, depth + 1) for _ in range(random.randint(2, 3))]
        return "(" + f" {random.choice(['and', 'or'])} ".join(parts) + ")"
    if depth < 2 and kind < 0.4:
        return f"not ({condition(random, depth + 1)})"
    return random.choice([text_condition, number_condition, field_condition])(random)


def event_condition(random):
    return random.choice([
        'name == "exception"',
        'spanevent.name == "retry"',
        'attributes["exception.type"] != nil',
        'attributes["url.path"] == span.attributes["url.path"]',
        'span.name == "select" and name == "retry"',
        "time_unix_nano >= span.end_time_unix_nano",
        'resource.attributes["service.name"] == "payment"',
        "event_index == 0",
    ])


def ottl(random):
    block = {"error_mode": random.choice(["ignore", "propagate", "silent"])}
    if random.random() < 0.85:
        block["span"] = [condition(random) for _ in range(random.randint(1, 2))]
    if random.random() < 0.3 or "span" not in block:
        block["spanevent"] = [event_condition(random)]
    return "ottl_condition", block


def latency(random):
    block = {"threshold_ms": random.choice(THRESHOLDS)}
    if random.random() < 0.35:
        block["upper_threshold_ms"] = block["threshold_ms"] + random.choice([1, 100, 1000, 4000])
    return "latency", block


def numeric(random):
    low, high = random.choice([(1, 100), (100, 500), (-5, 0), (0, 99), (10_000, 100_000), (-1, 100), (500, 0)])
    bounds = {key: bound for key, bound in [("min_value", low), ("max_value", high)] if bound or random.random() < 0.5}
    return "numeric_attribute", inverted(random, {"key": random.choice(KEYS), **bounds})


def string(random):
    block = {"key": random.choice(KEYS + ["service.name", "tenant"])}
    if random.random() < 0.5:
        block["values"] = random.sample(PATHS + SERVICES + ["500"], random.randint(1, 3))
    else:
        block["values"] = random.sample(["/he.*", "^/cart$", "\\d+", "", "^$", "[a-z]+$", "(?i)HEALTH", "\\w\\W", "é", "^\\S+$"], random.randint(1, 2))
        block["enabled_regex_matching"] = True
    return "string_attribute", inverted(random, block)


def boolean(random):
    return "boolean_attribute", inverted(random, {"key": random.choice(["debug", "url.path"]), "value": random.random() < 0.5})


def inverted(random, block):
    if random.random() < 0.3:
        block["invert_match"] = True
    return block


def probabilistic(random):
    block = {"sampling_percentage": random.choice([0, 10, 25, 33.3, 50, 99.9, 100, 120])}
    if random.random() < 0.5:
        block["hash_salt"] = random.choice(["a", "halves", "é"])
    return "probabilistic", block


def status(random):
    return "status_code", {"status_codes": random.sample(["OK", "ERROR", "UNSET"], random.randint(1, 2))}


def count(random):
    return "span_count", {"min_spans": random.choice([1, 2, 5]), **({"max_spans": random.choice([2, 5, 9])} if random.random() < 0.4 else {})}


def state(random):
    return "trace_state", {"key": random.choice(["vendor", "other", "ot"]), "values": random.sample(["keep", "1", "", "drop"], 2)}


SIMPLE = [
    (latency, 3), (numeric, 3), (string, 4), (boolean, 2), (probabilistic, 2), (status, 2), (count, 1), (state, 1), (ottl, 5),
    (lambda random: ("always_sample", None), 1),
]


def policy(random, name, version, nested=False):
    kinds, weights = zip(*SIMPLE)
    kind = random.random()
    if not nested and kind < 0.15:
        return compound(random, name, "and", "and_sub_policy", version)
    if not nested and kind < 0.30:
        return compound(random, name, "drop", "drop_sub_policy", version)
    if version >= (0, 145) and kind < (0.40 if not nested or version >= (0, 154) else 0):
        inner = policy(random, f"{name}-inner", version, nested=True)
        while inner["type"] == "not":
            inner = policy(random, f"{name}-inner", version, nested=True)
        return {"name": name, "type": "not", "not": {"not_sub_policy": inner}}
    if version >= (0, 145) and kind < 0.43:
        return {"name": name, "type": "trace_flags"}
    chosen, block = random.choices(kinds, weights)[0](random)
    return {"name": name, "type": chosen, **({chosen: block} if block is not None else {})}


def compound(random, name, kind, key, version):
    inner = [policy(random, f"{name}-{at}", version, nested=True) for at in range(random.randint(1, 3))]
    return {"name": name, "type": kind, kind: {key: inner}}


def processor(random, number, version):
    policies = [policy(random, f"p{at}", version) for at in range(random.choices([1, 2, 3, 5], [3, 3, 2, 2])[0])]
    if version < (0, 157):
        # It does not start with what it does not have.
        text = json.dumps(policies).replace("IsEmpty(", "IsString(")
        policies = json.loads(text.replace("flags", "dropped_links_count") if version < (0, 145) else text)
    found = {"decision_wait": "1s", "num_traces": 100_000, "policies": policies}
    if random.random() < 0.25:
        found["sample_on_first_match"] = True
    return found


# The Collector


class Receiver(ThreadingHTTPServer):
    """Receives what a Collector exports: a path for each processor."""

    request_queue_size = 1_000

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.kept, self.latest = {}, time.monotonic()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait(self, seconds):
        """Returns when nothing has come for some seconds."""
        while time.monotonic() < self.latest + seconds:
            time.sleep(0.1)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.latest = time.monotonic()
        add_kept(self.server.kept.setdefault(int(self.path.strip("/")), {}), json.loads(body))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def exporters(number, folder, receiver):
    """The exporter of each processor: a file, or the receiver for an old Collector, which has no file exporter here."""
    if receiver is None:
        return {f"file/{at}": {"path": f"{folder}/kept-{at}.jsonl"} for at in range(number)}
    settings = {"encoding": "json", "compression": "none", "sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}
    endpoint = f"http://127.0.0.1:{receiver.server_port}"
    return {f"otlphttp/{at}": {"traces_endpoint": f"{endpoint}/{at}", **settings} for at in range(number)}


def configuration(processors, port, folder, receiver):
    ids = [f"tail_sampling/{number}" for number in range(len(processors))]
    outputs = exporters(len(ids), folder, receiver)
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": dict(zip(ids, processors)),
        "exporters": outputs,
        "service": {
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
            "pipelines": {
                f"traces/{number}": {"receivers": ["otlp"], "processors": [id], "exporters": [output]}
                for number, (id, output) in enumerate(zip(ids, outputs))
            },
        },
    }


def collected(collector, version, processors, requests, folder):
    """What the Collector keeps: for each processor, the policies by trace id."""
    # An older one forgets at its end what is not decided.
    receiver = Receiver() if version < (0, 144) else None
    port = free_port()
    config = folder / "collector.yaml"
    config.write_text(json.dumps(configuration(processors, port, folder, receiver), ensure_ascii=False))
    processes = Processes(folder)
    try:
        processes.start("collector", [collector, "--config", config, f"--feature-gates={GATES}"], ready=port)
        for request in requests:
            post(f"http://127.0.0.1:{port}/v1/traces", request)
        if receiver:
            receiver.wait(5)
    finally:
        processes.end()
    if receiver:
        return [receiver.kept.get(number, {}) for number in range(len(processors))]
    return [kept(folder / f"kept-{number}.jsonl") for number in range(len(processors))]


def kept(path):
    found = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        add_kept(found, json.loads(line))
    return found


def add_kept(found, request):
    """Adds the traces of a request, with the policies that the Collector records in their scopes."""
    for block in request["resourceSpans"]:
        for scope in block["scopeSpans"]:
            marks = {one["key"]: one["value"] for one in scope["scope"].get("attributes", [])}
            policy = marks["tailsampling.policy"]["stringValue"]
            for one in scope["spans"]:
                found[one["traceId"]] = policy


# spanspec


def replayed(version, processors, folder, file):
    """The same from spanspec, and what it does not know."""
    config = folder / "collector.yaml"
    results, unknown = [], 0
    for number in range(len(processors)):
        command = [SPANSPEC, "sampling", "replay", config, file, "--processor", f"tail_sampling/{number}", "--arrival", "together"]
        command += ["--format", "json", "--collector-version", version]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise RuntimeError(f"spanspec ends with {done.returncode} for processor {number}:\n{done.stderr[-2000:]}")
        document = json.loads(done.stdout)
        unknown += sum(one["kept"] is None for one in document["traces"])
        results.append({one["trace_id"]: (one["kept"], one["policy"] if one["kept"] else None, one["votes"]) for one in document["traces"]})
    return results, unknown


def disagreements(processors, actual, ours):
    wrong = []
    for number, (collector, spanspec) in enumerate(zip(actual, ours)):
        for trace, (is_kept, policy, votes) in spanspec.items():
            # With an unknown vote, it can be known that a trace is kept, but not by which policy.
            is_other = policy != collector.get(trace) if policy or not is_kept else trace not in collector
            if is_kept is not None and is_other:
                wrong.append((number, trace, collector.get(trace), policy, votes))
    for number, trace, theirs, mine, votes in wrong[:10]:
        print(f"processor {number}, trace {trace}: the Collector decides {theirs}, spanspec {mine}; votes {votes}")
        print("  " + json.dumps(processors[number]["policies"], ensure_ascii=False))
    return len(wrong)


def record(folder, version, processors, lines, actual):
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(folder / "traces.jsonl.gz", "wb", mtime=0) as file:
        file.write(lines.encode())
    ids = {f"tail_sampling/{number}": one for number, one in enumerate(processors)}
    (folder / "collector.yaml").write_text(json.dumps({"processors": ids}, ensure_ascii=False, indent=1) + "\n")
    decisions = {f"tail_sampling/{number}": one for number, one in enumerate(actual)}
    document = {"collector": version, "kept": decisions}
    with gzip.GzipFile(folder / "kept.json.gz", "wb", mtime=0) as file:
        file.write(json.dumps(document, sort_keys=True).encode())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processors", type=int, default=100)
    parser.add_argument("--traces", type=int, default=300)
    parser.add_argument("--collector", type=Path)
    parser.add_argument("--version", default=DEFAULT)
    parser.add_argument("--record", type=Path)
    arguments = parser.parse_args()
    begin = time.monotonic()
    try:
        collector = arguments.collector or install_collector()
    except Skipped as skipped:
        print(f"sampling: skipped: {skipped}")
        return 0
    generator = random.Random(arguments.seed)
    version = tuple(int(part) for part in re.findall(r"\d+", arguments.version))
    processors = [processor(generator, number, version) for number in range(arguments.processors)]
    requests = [request for _ in range(arguments.traces) for request in trace(generator)]
    lines = "".join(json.dumps(request, ensure_ascii=False) + "\n" for request in requests)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "traces.jsonl"
        file.write_text(lines)
        actual = collected(collector, version, processors, requests, folder)
        ours, unknown = replayed(arguments.version, processors, folder, file)
    wrong = disagreements(processors, actual, ours)
    if arguments.record:
        record(arguments.record, arguments.version, processors, lines, actual)
    decisions = len(processors) * arguments.traces
    kept_traces = sum(map(len, actual))
    print(
        f"sampling: {decisions:,} decisions of Collector {arguments.version}: {len(processors)} processors, {arguments.traces} traces, "
        f"{kept_traces:,} kept; {wrong} disagreements, {unknown} not evaluated; {time.monotonic() - begin:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
