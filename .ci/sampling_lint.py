"""Compares the errors of `spanspec sampling lint` with a real Collector: it refuses what is an error, and nothing else.

    python3 .ci/sampling_lint.py SPANSPEC COLLECTOR            compares
    python3 .ci/sampling_lint.py SPANSPEC COLLECTOR --record   also writes tests/sampling/collector.jsonl
    … --version 0.140.1     the Collector is of this version
    … --only ottl           compares the cases whose names begin so

The Rust tests compare with the recorded answers. A configuration that makes the Collector panic at the first trace counts
as refused.
"""

import json
import pathlib
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORDED = ROOT / "tests/sampling/collector.jsonl"
START = 30

ERRORS = "{ name: errors, type: status_code, status_code: { status_codes: [ERROR] } }"


def one(policy):
    return f"tail_sampling: {{ decision_wait: 1s, policies: [{policy}] }}"


def regex(pattern):
    return one(
        "{ name: a, type: string_attribute, string_attribute: { key: k, enabled_regex_matching: true, "
        f"values: [{json.dumps(pattern)}] }} }}"
    )


def setting(text):
    return f"tail_sampling: {{ {text}, policies: [{ERRORS}] }}"


def simple(kind, block):
    return one(f"{{ name: a, type: {kind}, {kind}: {block} }}")


def inner(outer, policies):
    return simple(outer, f"{{ {outer}_sub_policy: {policies} }}")


ALL = "{ name: all, type: always_sample }"
PATTERNS = [
    "val*", r"\/health", "^a$", r"\d+", r"\C", r"\Z", r"\z", r"\A", r"\b", r"\Qa.b\E", "(?=a)", "(?<n>a)", "(?P<n>a)",
    "(?<=a)", "(?i)a", "(?x)a", "(?U)a+", "a**", "a+?", "*a", "(", ")", "[", "[]", "[]a]", "[b-a]", "[[a]", "[a&&b]",
    "[[:alpha:]]", "[[:nothing:]]", "a{1000}", "a{1001}", "a{2,1}", "a{,2}", "a{", "{", "(a{40}){40}", "(a{30}){30}",
    r"\1", r"\101", r"\x41", r"\x{41}", r"\xZ", r"\pL", r"\p{Greek}", r"\p{Nothing}", r"\h", r"\<", r"\_", "\\\\",
    "(?:a|b)", "a|", "|", "", "(?s:.)", "^*", "$+", r"\b+", r"[\d-z]", r"[a-\d]", r"[^\D]", "(?P<n>a)(?P<n>b)", "x{2}{3}",
    "é+", r"[\x{1F600}-\x{1F64F}]", "(?-s)a", "(?i-s:a)", r"\Q", r"\E", "a{0}", "(?", "(?P<", "(?P<1>a)", "(?P=a)", "[^]a]",
    r"\B",
]
# Conditions that versions of the Collector read in different ways.
OTTL = {
    "duration text": 'Duration("soon") > Duration("1s")',
    "duration number": 'Duration(5) > Duration("1s")',
    "duration path": 'Duration(attributes["a"]) > Duration("1s")',
    "int text": 'Int("x") == 1',
    "double text": 'Double("x") == 1',
    "is empty": "IsEmpty(name)",
    "bool": 'Bool(attributes["a"])',
    "flags": "flags == 1",
    "sign": '-attributes["a"] == 1',
    "sign of a number": "- 1 < 3",
    "sign without space": 'attributes["a"] -1 > 3',
    "float without fraction": 'attributes["a"] > 5.',
    "trace id text": 'trace_id == TraceID("0af7651916cd43dd8448eb211c80319c")',
    "trace id short": "trace_id == TraceID(0x0af7)",
    "trace id name": "trace_id == TraceID(target = 0x0af7651916cd43dd8448eb211c80319c)",
    "span id number": "span_id == SpanID(5)",
    "concat path": 'Concat(attributes["a"], "-") == "x"',
    "substring safe": 'Substring(name, 0, 3, true) == "GET"',
    "list without comma": "[1 2] == nil",
    "list of commas": "[1, 2] == nil",
    "nil text": 'name == "nil"',
    "is string number": "IsString(5)",
    "decode": 'Base64Decode(name) == "a"',
    "coalesce": 'Coalesce([name]) == "a"',
    "otelcol": 'otelcol.client.metadata["a"] != nil',
}
CASES = {
    **{f"regex {pattern}": regex(pattern) for pattern in PATTERNS},
    "no block": "tail_sampling:",
    "no policies": "tail_sampling: { policies: [] }",
    "policies null": "tail_sampling: { policies: }",
    "policies a map": "tail_sampling: { policies: { a: 1 } }",
    "null policy": one("null"),
    "text policy": one("text"),
    "unknown key": setting("sampling_stategy: trace-complete"),
    "duplicate key": "tail_sampling:\n  decision_wait: 1s\n  decision_wait: 2s\n",
    "merged keys": "tail_sampling:\n  policies:\n    - &a { name: a, type: latency, latency: { threshold_ms: 1 } }\n    - { <<: *a, name: b }\n",
    "no name": one("{ type: always_sample }"),
    "empty name": one('{ name: "", type: always_sample }'),
    "blank name": one('{ name: " ", type: always_sample }'),
    "number as name": one("{ name: 404, type: always_sample }"),
    "date as name": one("{ name: 2024-01-02, type: always_sample }"),
    "yes as name": one("{ name: yes, type: always_sample }"),
    "true as name": one("{ name: true, type: always_sample }"),
    "names twice": one(f"{ALL}, {ALL}"),
    "no type": one("{ name: a }"),
    "null type": one("{ name: a, type: }"),
    "unknown type": one("{ name: a, type: always }"),
    "type in upper case": one("{ name: a, type: Always_Sample }"),
    "unknown block": one("{ name: a, type: always_sample, nothing: { a: 1 } }"),
    "unknown empty block": one("{ name: a, type: always_sample, nothing: }"),
    "unknown text": one("{ name: a, type: always_sample, nothing: 1 }"),
    "unknown list": one("{ name: a, type: always_sample, nothing: [1] }"),
    "other block": one("{ name: a, type: always_sample, latency: { threshold_ms: 1 } }"),
    "other block with unknown key": one("{ name: a, type: always_sample, latency: { treshold_ms: 1 } }"),
    "other block with wrong status": one("{ name: a, type: always_sample, status_code: { status_codes: [x] } }"),
    "latency without block": one("{ name: a, type: latency }"),
    "latency exchanged": simple("latency", "{ threshold_ms: 5, upper_threshold_ms: 1 }"),
    "latency text": simple("latency", '{ threshold_ms: "5" }'),
    "latency fraction": simple("latency", "{ threshold_ms: 1.5 }"),
    "latency exponent": simple("latency", "{ threshold_ms: 1e3 }"),
    "latency underscore": simple("latency", "{ threshold_ms: 1_000 }"),
    "latency octal": simple("latency", "{ threshold_ms: 010 }"),
    "latency negative": simple("latency", "{ threshold_ms: -1 }"),
    "latency boolean": simple("latency", "{ threshold_ms: true }"),
    "latency null": simple("latency", "{ threshold_ms: }"),
    "latency list": simple("latency", "[1]"),
    "numeric without bounds": simple("numeric_attribute", "{ key: k }"),
    "numeric with zeros": simple("numeric_attribute", "{ key: k, min_value: 0, max_value: 0 }"),
    "numeric without block": one("{ name: a, type: numeric_attribute }"),
    "numeric bounds exchanged": simple("numeric_attribute", "{ key: k, min_value: 5, max_value: 1 }"),
    "numeric from zero": simple("numeric_attribute", "{ key: k, min_value: 0, max_value: 1 }"),
    "numeric without key": simple("numeric_attribute", "{ min_value: 5 }"),
    "percentage above": simple("probabilistic", "{ sampling_percentage: 150 }"),
    "percentage below": simple("probabilistic", "{ sampling_percentage: -1 }"),
    "percentage infinite": simple("probabilistic", "{ sampling_percentage: .inf }"),
    "percentage text": simple("probabilistic", '{ sampling_percentage: "10" }'),
    "percentage sign": simple("probabilistic", "{ sampling_percentage: 10% }"),
    "salt number": simple("probabilistic", "{ hash_salt: 5, sampling_percentage: 10 }"),
    "status lower": simple("status_code", "{ status_codes: [error] }"),
    "status unknown": simple("status_code", "{ status_codes: [FAILED] }"),
    "status none": simple("status_code", "{ status_codes: [] }"),
    "status missing": one("{ name: a, type: status_code }"),
    "status text": simple("status_code", "{ status_codes: ERROR }"),
    "status text list": simple("status_code", '{ status_codes: "OK,ERROR" }'),
    "status text blank": simple("status_code", '{ status_codes: "OK, ERROR" }'),
    "status null": simple("status_code", "{ status_codes: [~] }"),
    "strings none": simple("string_attribute", "{ key: k, values: [] }"),
    "strings numbers": simple("string_attribute", "{ key: k, values: [404] }"),
    "strings boolean": simple("string_attribute", "{ key: k, values: [true] }"),
    "strings yes": simple("string_attribute", "{ key: k, values: [yes], invert_match: true }"),
    "flag text": simple("string_attribute", '{ key: k, values: [a], invert_match: "true" }'),
    "flag yes": simple("string_attribute", "{ key: k, values: [a], invert_match: yes }"),
    "flag number": simple("string_attribute", "{ key: k, values: [a], invert_match: 1 }"),
    "boolean text": simple("boolean_attribute", '{ key: k, value: "true" }'),
    "boolean default": simple("boolean_attribute", "{ key: k }"),
    "rate zero": simple("rate_limiting", "{ spans_per_second: 0 }"),
    "rate negative": simple("rate_limiting", "{ spans_per_second: -1 }"),
    "bytes missing": one("{ name: a, type: bytes_limiting }"),
    "span count exchanged": simple("span_count", "{ min_spans: 5, max_spans: 1 }"),
    "trace state long": simple("trace_state", f'{{ key: k, values: ["{"x" * 300}"] }}'),
    "trace flags": one("{ name: a, type: trace_flags }"),
    "ottl": simple("ottl_condition", "{ error_mode: ignore, span: ['attributes[\"a\"] == \"b\"'] }"),
    "ottl mode in upper case": simple("ottl_condition", "{ error_mode: IGNORE, span: ['name == \"b\"'] }"),
    "ottl mode unknown": simple("ottl_condition", "{ error_mode: ignored, span: ['name == \"b\"'] }"),
    "ottl none": simple("ottl_condition", "{}"),
    "ottl empty": simple("ottl_condition", "{ span: [] }"),
    "ottl syntax": simple("ottl_condition", "{ span: ['attributes[\"a\" =='] }"),
    "ottl path": simple("ottl_condition", "{ span: ['nothing == 1'] }"),
    "ottl function": simple("ottl_condition", "{ span: ['Nothing(name)'] }"),
    "ottl function case": simple("ottl_condition", "{ span: ['ismatch(name, \"a\")'] }"),
    "ottl function": simple("ottl_condition", "{ span: ['IsMatch(name, \"a\")'] }"),
    "ottl function arguments": simple("ottl_condition", "{ span: ['IsMatch(name)'] }"),
    "ottl pattern": simple("ottl_condition", "{ span: ['IsMatch(name, \"(\")'] }"),
    "ottl string": simple("ottl_condition", "{ span: ['\"true\"'] }"),
    "ottl text": simple("ottl_condition", "{ span: 'name == \"b\"' }"),
    "ottl event": simple("ottl_condition", "{ spanevent: ['name == \"exception\"'] }"),
    "ottl event path": simple("ottl_condition", "{ spanevent: ['spanevent.name == \"exception\"'] }"),
    "ottl span path": simple("ottl_condition", "{ span: ['span.attributes[\"a\"] == 1 and resource.attributes[\"b\"] != nil'] }"),
    "ottl event in span": simple("ottl_condition", "{ span: ['spanevent.name == \"a\"'] }"),
    "ottl event index": simple("ottl_condition", "{ spanevent: ['event_index == 0'] }"),
    **{f"ottl {name}": simple("ottl_condition", f"{{ span: ['{condition}'] }}") for name, condition in OTTL.items()},
    "and": inner("and", f"[{ERRORS}]"),
    "and empty": inner("and", "[]"),
    "and missing": one("{ name: a, type: and }"),
    "and in and": inner("and", f"[{{ name: b, type: and, and: {{ and_sub_policy: [{ALL}] }} }}]"),
    "composite in and": inner("and", "[{ name: b, type: composite }]"),
    "drop in and": inner("and", "[{ name: b, type: drop }]"),
    "not in and": inner("and", f"[{{ name: b, type: not, not: {{ not_sub_policy: {ALL} }} }}]"),
    "unnamed in and": inner("and", "[{ type: always_sample }]"),
    "twice in and": inner("and", f"[{ALL}, {ALL}]"),
    "unused and in and": inner("and", f"[{{ name: b, type: always_sample, and: {{ and_sub_policy: [{ALL}] }} }}]"),
    "drop": inner("drop", f"[{ERRORS}]"),
    "drop empty": inner("drop", "[]"),
    "drop missing": one("{ name: a, type: drop }"),
    "not in drop": inner("drop", f"[{{ name: b, type: not, not: {{ not_sub_policy: {ALL} }} }}]"),
    "and in drop": inner("drop", f"[{{ name: b, type: and, and: {{ and_sub_policy: [{ALL}] }} }}]"),
    "not": simple("not", f"{{ not_sub_policy: {ERRORS} }}"),
    "not list": simple("not", f"{{ not_sub_policy: [{ERRORS}] }}"),
    "not empty": simple("not", "{}"),
    "not missing": one("{ name: a, type: not }"),
    "and in not": simple("not", f"{{ not_sub_policy: {{ name: b, type: and, and: {{ and_sub_policy: [{ALL}] }} }} }}"),
    "not in not": simple("not", f"{{ not_sub_policy: {{ name: b, type: not, not: {{ not_sub_policy: {ALL} }} }} }}"),
    "composite": simple("composite", f"{{ max_total_spans_per_second: 5, composite_sub_policy: [{ALL}] }}"),
    "composite order": simple("composite", f"{{ max_total_spans_per_second: 5, policy_order: [b], composite_sub_policy: [{ALL}] }}"),
    "composite allocation": simple("composite", f"{{ max_total_spans_per_second: 5, composite_sub_policy: [{ALL}], rate_allocation: [{{ policy: b, percent: 200 }}] }}"),
    "composite allocation key": simple("composite", f"{{ composite_sub_policy: [{ALL}], rate_allocation: [{{ policies: b }}] }}"),
    "composite empty": simple("composite", "{}"),
    "composite missing": one("{ name: a, type: composite }"),
    "and in composite": inner("composite", f"[{{ name: b, type: and, and: {{ and_sub_policy: [{ALL}] }} }}]"),
    "not in composite": inner("composite", f"[{{ name: b, type: not, not: {{ not_sub_policy: {ALL} }} }}]"),
    "composite in composite": inner("composite", "[{ name: b, type: composite }]"),
    "not in and in composite": inner("composite", f"[{{ name: b, type: and, and: {{ and_sub_policy: [{{ name: c, type: not, not: {{ not_sub_policy: {ALL} }} }}] }} }}]"),
    "wait": setting("decision_wait: 1m30s"),
    "wait number": setting("decision_wait: 10"),
    "wait fraction": setting("decision_wait: 1.5"),
    "wait null": setting("decision_wait: "),
    "wait text": setting("decision_wait: soon"),
    "wait blank": setting("decision_wait: 1 s"),
    "wait zero": setting("decision_wait: 0"),
    "wait text zero": setting('decision_wait: "0"'),
    "wait negative": setting("decision_wait: -1s"),
    "wait day": setting("decision_wait: 1d"),
    "traces negative": setting("num_traces: -1"),
    "traces zero": setting("num_traces: 0"),
    "traces text": setting('num_traces: "100"'),
    "cache": setting("decision_cache: { sampled_cache_size: 5 }"),
    "cache negative": setting("decision_cache: { sampled_cache_size: -5 }"),
    "cache key": setting("decision_cache: { sampled: 5 }"),
    "strategy": setting("sampling_strategy: span-ingest"),
    "strategy unknown": setting("sampling_strategy: spans"),
    "strategy empty": setting('sampling_strategy: ""'),
    "strategy null": setting("sampling_strategy: "),
    "strategy stateful": "tail_sampling: { sampling_strategy: span-ingest, policies: [{ name: a, type: rate_limiting, rate_limiting: { spans_per_second: 5 } }] }",
    "strategy latency bound": "tail_sampling: { sampling_strategy: span-ingest, policies: [{ name: a, type: latency, latency: { threshold_ms: 1, upper_threshold_ms: 5 } }] }",
    "strategy latency": "tail_sampling: { sampling_strategy: span-ingest, policies: [{ name: a, type: latency, latency: { threshold_ms: 1 } }] }",
    "strategy composite": f"tail_sampling: {{ sampling_strategy: span-ingest, policies: [{{ name: a, type: composite, composite: {{ max_total_spans_per_second: 5, composite_sub_policy: [{ALL}] }} }}] }}",
    "strategy in and": "tail_sampling: { sampling_strategy: span-ingest, policies: [{ name: a, type: and, and: { and_sub_policy: [{ name: b, type: span_count, span_count: { max_spans: 5 } }] } }] }",
    "shards": setting("num_shards: 2"),
    "shards many": setting("num_shards: 257"),
    "shards negative": setting("num_shards: -1"),
    "variable unset": setting('decision_wait: "${env:SPANSPEC_UNSET}"'),
    "variable default": setting('decision_wait: "${env:SPANSPEC_UNSET:-5s}"'),
    "variable default type": setting('decision_wait: "${env:SPANSPEC_UNSET:-soon}"'),
    "variable number": setting('num_traces: "${env:SPANSPEC_UNSET:-5}"'),
    "variable in a flow": setting("num_traces: ${env:SPANSPEC_UNSET:-5}"),
    "variable plain": "tail_sampling:\n  num_traces: ${env:SPANSPEC_UNSET:-5}\n  decision_wait: ${env:SPANSPEC_UNSET}\n",
    "variable part": setting('num_traces: "1${env:SPANSPEC_UNSET:-5}"'),
    "variable number as name": one("{ name: '${env:SPANSPEC_UNSET:-404}', type: always_sample }"),
    "variable name": setting('num_traces: "${2}"'),
    "variable scheme": setting('num_traces: "${HOST:-5}"'),
    "variable escaped": one("{ name: 'a$${env:X}', type: always_sample }"),
    "dollar": one("{ name: 'a$5', type: always_sample }"),
    "sampler": "probabilistic_sampler: { sampling_percentage: 15.3 }",
    "sampler empty": "probabilistic_sampler:",
    "sampler negative": "probabilistic_sampler: { sampling_percentage: -1 }",
    "sampler small": "probabilistic_sampler: { sampling_percentage: .000000000000001 }",
    "sampler above": "probabilistic_sampler: { sampling_percentage: 1000 }",
    "sampler infinite": "probabilistic_sampler: { sampling_percentage: .inf }",
    "sampler nan": "probabilistic_sampler: { sampling_percentage: .nan }",
    "sampler mode": "probabilistic_sampler: { sampling_percentage: 5, mode: equalizing }",
    "sampler mode unknown": "probabilistic_sampler: { sampling_percentage: 5, mode: Equalizing }",
    "sampler mode empty": 'probabilistic_sampler: { sampling_percentage: 5, mode: "" }',
    "sampler precision": "probabilistic_sampler: { sampling_percentage: 5, sampling_precision: 0 }",
    "sampler precision above": "probabilistic_sampler: { sampling_percentage: 5, sampling_precision: 15 }",
    "sampler precision below": "probabilistic_sampler: { sampling_percentage: 5, sampling_precision: -1 }",
    "sampler source": "probabilistic_sampler: { sampling_percentage: 5, attribute_source: span }",
    "sampler seed": "probabilistic_sampler: { sampling_percentage: 5, hash_seed: -1 }",
    "sampler seed text": 'probabilistic_sampler: { sampling_percentage: 5, hash_seed: "1" }',
    "sampler key": "probabilistic_sampler: { sampling_percentage: 5, seed: 1 }",
}
BOTH = f"tail_sampling: {{ policies: [{ERRORS}] }}\n  tail_sampling/b: {{ policies: [{ERRORS}] }}\n  probabilistic_sampler: {{ sampling_percentage: 5 }}\n  batch:"
# Processors, and the pipelines.
PIPELINES = {
    "twice": "traces: { receivers: [otlp], processors: [batch, batch, tail_sampling], exporters: [nop] }",
    "two samplers": "traces: { receivers: [otlp], processors: [tail_sampling, tail_sampling/b], exporters: [nop] }",
    "undefined": "traces: { receivers: [otlp], processors: [tail_sampling/c], exporters: [nop] }",
    "undefined exporter": "traces: { receivers: [otlp], processors: [tail_sampling], exporters: [none] }",
    "undefined receiver": "traces: { receivers: [none], processors: [tail_sampling], exporters: [nop] }",
    "no exporter": "traces: { receivers: [otlp], processors: [tail_sampling] }",
    "no receiver": "traces: { processors: [tail_sampling], exporters: [nop] }",
    "unused": "traces: { receivers: [otlp], exporters: [nop] }",
    "metrics": "metrics: { receivers: [otlp], processors: [tail_sampling], exporters: [nop] }",
    "logs": "logs: { receivers: [otlp], processors: [tail_sampling], exporters: [nop] }",
    "sampler of logs": "logs: { receivers: [otlp], processors: [probabilistic_sampler], exporters: [nop] }",
    "sampler of metrics": "metrics: { receivers: [otlp], processors: [probabilistic_sampler], exporters: [nop] }",
    "unknown signal": "spans: { receivers: [otlp], processors: [tail_sampling], exporters: [nop] }",
    "unknown pipeline key": "traces: { receivers: [otlp], processor: [batch], exporters: [nop] }",
    "text": "traces: { receivers: otlp, processors: tail_sampling, exporters: nop }",
    "text list": 'traces: { receivers: [otlp], processors: "batch,tail_sampling", exporters: [nop] }',
    "order": "traces: { receivers: [otlp], processors: [batch, probabilistic_sampler, tail_sampling], exporters: [nop] }",
    "named": "traces/a: { receivers: [otlp], processors: [tail_sampling], exporters: [nop] }",
}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def configuration(processors, pipelines, port):
    ids = [line.split(":")[0].strip() for line in processors.split("\n") if line and not line.startswith("    ")][:1]
    pipelines = pipelines or f"traces: {{ receivers: [otlp], processors: [{ids[0]}], exporters: [nop] }}"
    indented = "\n".join(["  " + processors.split("\n")[0]] + ["  " + line for line in processors.split("\n")[1:]])
    if "\n  tail_sampling/b" in processors:
        indented = "  " + processors
    return (
        f"receivers: {{ otlp: {{ protocols: {{ http: {{ endpoint: '127.0.0.1:{port}' }} }} }} }}\n"
        f"processors:\n{indented}\n"
        "exporters: { nop: }\n"
        f"service:\n  telemetry: {{ metrics: {{ level: none }} }}\n  pipelines:\n    {pipelines}\n"
    )


def lint(spanspec, file, version):
    command = [spanspec, "sampling", "lint", file, "--format", "json", *version]
    output = subprocess.run(command, capture_output=True, text=True)
    if not output.stdout:
        return [output.stderr]
    found = json.loads(output.stdout).get("files", [{}])[0].get("findings", [])
    return [finding["message"] for finding in found if finding["level"] == "error"]


def lines_of(process):
    lines = queue.Queue()

    def read():
        for line in process.stderr:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def answer(collector, file, port, may_panic):
    """`None` if the Collector starts, and else its message."""
    process = subprocess.Popen([collector, "--config", file], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    lines, seen, deadline = lines_of(process), [], time.monotonic() + START
    try:
        while True:
            line = lines.get(timeout=max(0.1, deadline - time.monotonic()))
            if line is None:
                return "".join(seen)[-600:]
            seen.append(line)
            if "Everything is ready" in line:
                break
        if not may_panic:
            return None
        send_trace(port)
        process.wait(timeout=5)
        return "panics at the first trace"
    except subprocess.TimeoutExpired:
        return None
    finally:
        process.kill()
        process.wait()


def send_trace(port):
    now = time.time_ns()
    span = {
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "a", "kind": 2,
        "startTimeUnixNano": str(now - 1_000_000), "endTimeUnixNano": str(now),
    }
    body = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [span]}]}]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/traces", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).read()


def cases():
    for name, processors in CASES.items():
        yield name, processors, None
    for name, pipelines in PIPELINES.items():
        yield f"pipeline: {name}", BOTH, pipelines


def after(option):
    """The argument after an option, if it is there."""
    return sys.argv[sys.argv.index(option) + 1] if option in sys.argv else None


def main():
    spanspec, collector = sys.argv[1:3]
    version = ["--collector-version", after("--version")] if after("--version") else []
    recorded, differences = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = str(pathlib.Path(folder) / "collector.yaml")
        for name, processors, pipelines in cases():
            if not name.startswith(after("--only") or ""):
                continue
            port = free_port()
            text = configuration(processors, pipelines, port)
            pathlib.Path(file).write_text(text)
            errors = lint(spanspec, file, version)
            refused = answer(collector, file, port, bool(errors) and "numeric" in name)
            if bool(errors) != bool(refused):
                differences.append(f"{name}\n  lint: {errors or 'no error'}\n  Collector: {refused or 'starts'}\n{text}")
            recorded.append({"name": name, "configuration": text.replace(f":{port}", ":0"), "starts": not refused})
    if "--record" in sys.argv:
        RECORDED.write_text("".join(json.dumps(case) + "\n" for case in recorded))
    print("\n".join(differences))
    print(f"{len(recorded)} configurations, {len(differences)} differences")
    sys.exit(bool(differences))


main()
