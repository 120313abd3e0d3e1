#!/usr/bin/env python3
"""Runs the shop's specs against real tracing backends: .ci/backends.py [--minutes N]

Builds or fetches the backends into a cache, starts them on loopback, lets the shop export to them
through a Collector, and compares each verdict with that of the receiver. What the source of a backend
loses may be unjudged; everything else must be the same. Lists what it skipped.

The cache is the folder $SPANSPEC_BACKENDS, by default `backends` in the target folder.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
CACHE = Path(os.environ.get("SPANSPEC_BACKENDS", TARGET / "backends"))
CONFIG = HERE / "tests" / "backends"
SPANSPEC = TARGET / "debug" / "spanspec"
SHOP = TARGET / "debug" / "shop"
# Backends without a server that can be installed; their adapters are tested with recorded answers.
NOT_RUN = [
    "tempo, datadog, honeycomb, dash0: no server in a package registry",
]
LOSS = "the source of this trace does not provide"

COLLECTOR = "v0.161.0"
JAEGER = "v1.76.0"
ZIPKIN = "3.6.1"


def run(*command, cwd=None, env=None, log):
    """Runs a step of an installation; its output goes to a file."""
    with open(log, "ab") as output:
        done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, stdout=output, stderr=output)
    if done.returncode != 0:
        raise Skipped(f"{' '.join(map(str, command[:3]))} … failed, see {log}")


class Skipped(Exception):
    """A backend that cannot be tested here, with the reason."""


def need(program):
    if shutil.which(program) is None:
        raise Skipped(f"needs {program}")


def install_collector():
    """Go module proxy: two minutes of compilation on two cores."""
    need("go")
    folder = CACHE / "collector"
    # A cached program with other components is of no use.
    components = hashlib.sha256((CONFIG / "builder.yaml").read_bytes()).hexdigest()[:12]
    program = folder / f"otelcol-{COLLECTOR}-{components}"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "build.log"
        run("go", "install", f"go.opentelemetry.io/collector/cmd/builder@{COLLECTOR}", env={"GOBIN": str(folder)}, log=log)
        run(folder / "builder", "--config", CONFIG / "builder.yaml", "--skip-compilation", cwd=folder, log=log)
        build = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "."]
        run(*build, cwd=folder / "out", env={"CGO_ENABLED": "0"}, log=log)
    return program


def install_jaeger():
    """Go module proxy: five minutes of compilation on two cores. `go install` refuses its replacements."""
    need("go")
    folder = CACHE / "jaeger"
    program = folder / f"jaeger-{JAEGER}"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "build.log"
        if not (folder / "go.mod").exists():
            run("go", "mod", "init", "backends", cwd=folder, log=log)
        package = "github.com/jaegertracing/jaeger/cmd/jaeger"
        run("go", "get", "-tool", f"{package}@{JAEGER}", cwd=folder, log=log)
        build = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, package]
        run(*build, cwd=folder, env={"CGO_ENABLED": "0"}, log=log)
    return program


def install_zipkin():
    """Maven Central: 135 MB."""
    need("mvn")
    need("java")
    jar = CACHE / f"zipkin-{ZIPKIN}.jar"
    if not jar.exists():
        log = CACHE / "zipkin.log"
        artifact = f"io.zipkin:zipkin-server:{ZIPKIN}:jar:exec"
        run("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={CACHE}", log=log)
        (CACHE / f"zipkin-server-{ZIPKIN}-exec.jar").rename(jar)
    return jar


def install_engine(name, version):
    """OpenSearch or Elasticsearch from Maven Central: 46 and 32 MB."""
    need("mvn")
    need("java")
    folder = CACHE / f"{name}-{version}"
    if not (folder / "ready").exists():
        pom = CONFIG / f"{name}.xml"
        run("mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", f"-DoutputDirectory={folder}", log=CACHE / f"{name}.log")
        (folder / "ready").touch()
    return folder


def install_clickhouse():
    """PyPI: the engine as a library, 534 MB."""
    return install_venv("clickhouse", "chdb==4.4.0")


def install_venv(name, *packages):
    """A virtual environment with packages. Returns its Python."""
    folder = CACHE / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        log = CACHE / f"{name}.log"
        run(sys.executable, "-m", "venv", "--clear", folder, log=log)
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages, log=log)
        (folder / "ready").touch()
    return python


def install_xray():
    """PyPI: moto, 317 MB."""
    return install_venv("xray", "moto[server,xray]==5.2.5")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Processes:
    """The processes of this script; ended when it ends."""

    def __init__(self, logs):
        self.logs = logs
        self.started = []

    def start(self, name, command, env=None, ready=None, seconds=60):
        log = self.logs / f"{name}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [str(part) for part in command], env={**os.environ, **(env or {})}, stdout=output, stderr=output, start_new_session=True
            )
        self.started.append(process)
        deadline = time.monotonic() + seconds
        while ready is not None and not answers(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                text = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{name} does not answer at {ready}:\n{text}")
            time.sleep(0.1)

    def end(self):
        for process in reversed(self.started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def answers(address):
    """Whether a URL, or a port, answers."""
    if isinstance(address, int):
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", address)) == 0
    try:
        urllib.request.urlopen(address, timeout=2).close()
        return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


class Jaeger:
    name = "jaeger"
    install = staticmethod(install_jaeger)
    def start(self, program, processes, folder):
        self.http, self.grpc, self.otlp = free_port(), free_port(), free_port()
        self.env = {"JAEGER_HTTP": str(self.http), "JAEGER_GRPC": str(self.grpc), "JAEGER_OTLP": str(self.otlp)}
        ready = f"http://127.0.0.1:{self.http}/api/v3/services"
        processes.start("jaeger", [program, "--config", CONFIG / "jaeger.yaml"], self.env, ready)

    def exporter(self):
        return "otlphttp/jaeger", {"endpoint": f"http://127.0.0.1:{self.otlp}", "tls": {"insecure": True}}


class Zipkin:
    name = "zipkin"
    install = staticmethod(install_zipkin)
    def start(self, jar, processes, folder):
        self.port = free_port()
        self.env = {"ZIPKIN_PORT": str(self.port)}
        options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        listen = ["ip=127.0.0.1", f"port={self.port}", "protocols[0]=http"]
        listen = [f"--armeria.ports[0].{part}" for part in listen]
        ready = f"http://127.0.0.1:{self.port}/health"
        processes.start("zipkin", ["java", *options, "-jar", jar, *listen], ready=ready)

    def exporter(self):
        return "zipkin", {"endpoint": f"http://127.0.0.1:{self.port}/api/v2/spans"}


class ClickHouse:
    name = "clickhouse"
    install = staticmethod(install_clickhouse)
    def start(self, python, processes, folder):
        self.port = free_port()
        self.env = {"CLICKHOUSE_PORT": str(self.port)}
        command = [python, HERE / "tests" / "support" / "clickhouse.py", self.port]
        processes.start("clickhouse", command, ready=f"http://127.0.0.1:{self.port}/ping")

    def exporter(self):
        return "clickhouse", {
            "endpoint": f"http://127.0.0.1:{self.port}?compress=none",
            "create_schema": True,
            "sending_queue": {"batch": {"flush_timeout": "200ms", "min_size": 1000}},
        }


class SearchEngine:
    """An engine into which another Jaeger writes its index."""

    @classmethod
    def install(cls):
        return install_engine(cls.name, cls.version), install_jaeger()

    def start(self, programs, processes, folder):
        jars, jaeger = programs
        self.http, transport, self.otlp = free_port(), free_port(), free_port()
        self.env = {f"{self.name.upper()}_PORT": str(self.http)}
        options = ["-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
        engine = [CONFIG / self.source, folder / self.name, self.http, transport]
        ready = f"http://127.0.0.1:{self.http}"
        processes.start(self.name, ["java", *options, *engine], ready=ready, seconds=120)
        exporter = {"jaeger_storage_exporter": {"trace_storage": "search"}}
        config = {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.otlp}"}}}},
            "exporters": exporter,
            "extensions": {"jaeger_storage": {"backends": {"search": {self.name: {"server_urls": [ready]}}}}},
            "service": {
                "extensions": ["jaeger_storage"],
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {"traces": {"receivers": ["otlp"], "exporters": list(exporter)}},
            },
        }
        path = folder / f"jaeger-{self.name}.json"
        path.write_text(json.dumps(config))
        processes.start(f"jaeger-{self.name}", [jaeger, "--config", path], ready=self.otlp)

    def exporter(self):
        return f"otlphttp/{self.name}", {"endpoint": f"http://127.0.0.1:{self.otlp}", "tls": {"insecure": True}}


class OpenSearch(SearchEngine):
    name, version, source = "opensearch", "2.19.6", "OpenSearch.java"


class Elasticsearch(SearchEngine):
    name, version, source = "elasticsearch", "7.17.28", "Elasticsearch.java"


class XRay:
    name = "xray"
    install = staticmethod(install_xray)
    def start(self, python, processes, folder):
        port, self.otlp = free_port(), free_port()
        self.env = {"XRAY_PORT": str(port), "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-checked"}
        processes.start("xray", [python, CONFIG / "xray.py", port, self.otlp], ready=self.otlp)

    def exporter(self):
        return "otlphttp/xray", {
            "endpoint": f"http://127.0.0.1:{self.otlp}",
            "encoding": "json",
            "compression": "none",
            "sending_queue": {"batch": {"flush_timeout": "200ms"}},
        }


class Files:
    name = "files"
    @staticmethod
    def install():
        return None

    def start(self, _, processes, folder):
        self.folder = folder / "traces"
        self.folder.mkdir()
        self.env = {"TRACES_FOLDER": str(self.folder)}

    def exporter(self):
        return "file", {"path": str(self.folder / "traces.jsonl"), "flush_interval": "200ms"}


ALL = [Files, Zipkin, ClickHouse, XRay, Jaeger, OpenSearch, Elasticsearch]


def start_collector(program, backends, processes, folder):
    """A Collector that sends all spans to each backend. Returns its address."""
    port = free_port()
    exporters = dict(backend.exporter() for backend in backends)
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": exporters,
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": list(exporters)}},
        },
    }
    path = folder / "collector.json"
    path.write_text(json.dumps(config))
    processes.start("collector", [program, "--config", path], ready=port)
    return f"http://127.0.0.1:{port}"


def start_shop(endpoint, processes):
    """The shop and two versions of its inventory, which export to the Collector."""
    common = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    shop, old, new = free_port(), free_port(), free_port()
    processes.start("shop", [SHOP], {**common, "PORT": str(shop)}, f"http://127.0.0.1:{shop}/health")
    for port, version, p50, p99 in [(old, "v2.3.0", "120", "800"), (new, "v2.4.0", "350", "2400")]:
        env = {
            **common,
            "PORT": str(port),
            "SHOP_INVENTORY_VERSION": version,
            "SHOP_INVENTORY_P50_MS": p50,
            "SHOP_INVENTORY_P99_MS": p99,
        }
        processes.start(f"inventory-{version}", [SHOP, "inventory"], env, port)
    return {"SHOP_PORT": str(shop), "INVENTORY_PORT": str(old)}, new


def spanspec(name, folder, env, *arguments):
    """Runs spanspec, and returns its JSON report."""
    report = folder / f"{name}.json"
    command = [SPANSPEC, "run", *arguments, "--report", f"json={report}", "--update-baselines", "never"]
    with open(folder / f"{name}.txt", "wb") as output:
        subprocess.run(command, env={**os.environ, **env}, stdout=output, stderr=output, cwd=HERE)
    return json.loads(report.read_text())


def outcomes(report):
    """The verdict of each spec, and its checks by place. Names of checks can contain captured values."""
    found = {}
    for spec in report["specs"]:
        key = f"{spec['location']['file']} › {spec['name']}"
        steps = spec["attempts"][-1]["steps"] if spec["attempts"] else []
        checks = {}
        for number, step in enumerate(steps):
            for check in step["checks"]:
                at = check["location"]
                place = (number, at["line"], at["column"], check["what"].split(":")[0])
                checks.setdefault(place, (check["what"], check["outcome"], check["reason"] or ""))
        found[key] = (spec["verdict"], checks)
    return found


def differences(expected, actual):
    """Verdicts and checks that differ for another reason than a loss, and the number of checks that a loss leaves unjudged."""
    wrong, lost = [], 0
    for spec, (verdict, checks) in expected.items():
        if spec not in actual:
            wrong.append(f"{spec}: not run")
            continue
        own_verdict, own_checks = actual[spec]
        losses = [what for what, _, reason in own_checks.values() if LOSS in reason]
        lost += len(losses)
        if own_verdict != verdict and not (losses and own_verdict == "errored"):
            wrong.append(f"{spec}: {own_verdict}, from the receiver {verdict}")
        if losses or verdict != "passed":
            # Checks after the first that is not judged, or failed, can be open.
            continue
        for place, (what, outcome, _) in checks.items():
            _, own, reason = own_checks.get(place, ("", "missing", ""))
            if own != outcome:
                wrong.append(f"{spec}: {what}: {own} ({reason}), from the receiver {outcome}")
    return wrong, lost


def verdict_time(report):
    """The median time from the response to the verdict, in ms."""
    times = []
    for spec in report["specs"]:
        for step in (spec["attempts"] or [{"steps": []}])[-1]["steps"]:
            timing = step["timing"]
            if timing.get("verdict_ms") and timing.get("response_ms") and step["load"] is None:
                times.append(timing["verdict_ms"] - timing["response_ms"])
    times.sort()
    return times[len(times) // 2] if times else 0.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=15, help="time for installations; later ones are skipped")
    parser.add_argument("--only", action="append", help="a backend, instead of all; repeatable")
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = TARGET / "backends-run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begun = time.monotonic()
    skipped, usable = [], []
    try:
        collector = install_collector()
    except Skipped as why:
        print(f"SKIPPED: all backends: the Collector {why}")
        return 0
    for kind in ALL:
        if arguments.only and kind.name not in arguments.only:
            continue
        try:
            if time.monotonic() - begun > 60 * arguments.minutes:
                raise Skipped(f"not installed within {arguments.minutes:g} minutes")
            usable.append((kind(), kind.install()))
        except Skipped as why:
            skipped.append(f"{kind.name}: {why}")
    installed = time.monotonic() - begun
    processes = Processes(folder)
    failed = False
    try:
        for backend, program in usable:
            backend.start(program, processes, folder)
        backends = [backend for backend, _ in usable]
        endpoint = start_collector(collector, backends, processes, folder)
        ports, new_inventory = start_shop(endpoint, processes)
        more = [CONFIG / "failing.yaml", CONFIG / "lossy.yaml"]
        # The receiver gets the same specs and the same shop, started by spanspec itself.
        expected = outcomes(spanspec("receiver", folder, {}, "specs", *more, "--config", "spanspec.yaml"))
        # Traffic of both versions of the inventory for the searches, which find the newest traces.
        for number, inventory in enumerate([ports["INVENTORY_PORT"], new_inventory]):
            load = {**ports, "INVENTORY_PORT": str(inventory), **backends[0].env}
            traffic = [HERE / "specs" / name for name in ("inventory-budget.yaml", "order-placed.yaml", "order-refused.yaml")]
            spanspec(f"traffic-{number}", folder, load, *traffic, *config_of(backends[0]))
        post(f"{endpoint}/v1/traces", faulty_spans())
        # They wait for answers, and no verdict depends on the speed.
        with ThreadPoolExecutor() as pool:
            results = pool.map(lambda one: search(one, folder, {**ports, **one.env}), backends)
            found = {backend.name: result for backend, result in zip(backends, results)}
            linted = dict(zip(found, pool.map(lambda one: lint(one, folder), backends)))
        print(f"{'backend':<12} {'specs':>5} {'checks lost':>12} {'response to verdict':>20}  searches")
        for backend in backends:
            env = {**ports, **backend.env}
            report = spanspec(backend.name, folder, env, HERE / "specs", *more, *config_of(backend))
            wrong, lost = differences(expected, outcomes(report))
            searched = found[backend.name] or "as expected"
            wrong += lint_problems(linted[backend.name])
            print(f"{backend.name:<12} {len(report['specs']):>5} {lost:>12} {verdict_time(report):>17.0f} ms  {searched}")
            for line in wrong:
                print(f"  {line}")
            failed = failed or bool(wrong) or bool(found[backend.name])
        jaeger = next((backend for backend in backends if backend.name == "jaeger"), None)
        if jaeger is not None:
            wrong = example(jaeger, ports, folder)
            print(f"examples/staging: {wrong or 'passed'}")
            failed = failed or bool(wrong)
        for backend, program in usable:
            if backend.name == "clickhouse" and engine_tests(program, folder):
                print("  tests of the adapter with the engine failed")
                failed = True
        policies = sampling(collector, folder)
        print("sampling policies of the documentation: " + ("; ".join(policies) or "keep marked traces only"))
        failed = failed or bool(policies)
    finally:
        processes.end()
    print(f"installed in {installed:.0f} s, run in {time.monotonic() - begun - installed:.0f} s; reports in {folder}")
    for line in [*skipped, *NOT_RUN]:
        print(f"SKIPPED: {line}")
    return 1 if failed else 0


def example(jaeger, ports, folder):
    """What is wrong with the example project under its profiles; empty if nothing is."""
    urls = {"SHOP_URL": f"http://127.0.0.1:{ports['SHOP_PORT']}", "JAEGER_URL": f"http://127.0.0.1:{jaeger.http}"}
    project = HERE / "examples" / "staging" / "spanspec.yaml"
    wrong = []
    for profile, expected in [("staging", ["passed", "passed"]), ("production", ["skipped", "passed"])]:
        report = spanspec(f"example-{profile}", folder, urls, "--config", project, "--profile", profile)
        verdicts = [spec["verdict"] for spec in report["specs"]]
        if verdicts != expected:
            wrong.append(f"{profile}: {verdicts}")
    return "; ".join(wrong)


def engine_tests(python, folder):
    """Runs the tests of the adapter that need the engine. Returns a code other than 0 if they fail."""
    with open(folder / "clickhouse-tests.txt", "wb") as output:
        command = ["cargo", "test", "--locked", "--lib", "clickhouse"]
        env = {**os.environ, "CHDB_PYTHON": str(python)}
        return subprocess.run(command, cwd=HERE, env=env, stdout=output, stderr=output).returncode


def sampling(collector, folder):
    """Which tail sampling policies of docs/sampling.md do not keep exactly the marked trace."""
    wrong = []
    blocks = re.findall(r"```yaml other\n(.*?)```", (HERE / "docs" / "sampling.md").read_text(), re.DOTALL)
    blocks = [block for block in blocks if "tail_sampling" in block]
    for number, block in enumerate(blocks):
        port, kept = free_port(), folder / f"sampled-{number}.jsonl"
        config = folder / f"sampling-{number}.yaml"
        config.write_text(
            block
            + f"receivers: {{ otlp: {{ protocols: {{ http: {{ endpoint: 127.0.0.1:{port} }} }} }} }}\n"
            + f"exporters: {{ file: {{ path: {kept} }} }}\n"
            + "service:\n  telemetry: { metrics: { level: none } }\n"
            + "  pipelines: { traces: { receivers: [otlp], processors: [tail_sampling], exporters: [file] } }\n"
        )
        processes = Processes(folder)
        try:
            processes.start(f"sampling-{number}", [collector, "--config", config], ready=port)
            for mark, digit in [("other=1", "a"), ("spanspec=1,other=1", "b")]:
                post(f"http://127.0.0.1:{port}/v1/traces", one_span(digit * 32, mark))
        finally:
            # It decides about the traces that it has when it ends.
            processes.end()
        text = kept.read_text() if kept.exists() else ""
        if "b" * 32 not in text or "a" * 32 in text:
            wrong.append(f"policy {number + 1} of {len(blocks)} in docs/sampling.md")
    return wrong if blocks else ["no policy in docs/sampling.md"]


def one_span(trace, trace_state):
    now = time.time_ns()
    span = {
        "traceId": trace,
        "spanId": trace[:16],
        "name": "POST /orders",
        "kind": 2,
        "traceState": trace_state,
        "startTimeUnixNano": str(now - 1_000_000),
        "endTimeUnixNano": str(now),
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


# What `spanspec lint` finds in the following spans.
FAULTS = {"error-without-status", "exception-swallowed", "name-with-ids", "orphan", "personal-data", "secret-in-attribute"}


def faulty_spans():
    """A failed request without status, with a secret in an attribute, and a span without its parent."""
    document = one_span("f" * 32, "")
    [block] = document["resourceSpans"]
    [spans] = [block["spans"] for block in block["scopeSpans"]]
    [request] = spans
    text = lambda key, text: {"key": key, "value": {"stringValue": text}}
    block["resource"] = {"attributes": [text("service.name", "faulty")]}
    spans.append({**request, "name": "work", "kind": 1, "spanId": "a" * 16, "parentSpanId": "b" * 16})
    request["name"] = "GET /users/4f9d3c1e-8a2b-4c5d-9e6f-7a8b9c0d1e2f"
    request["attributes"] = [
        text("http.request.method", "GET"),
        text("url.path", "/users"),
        text("url.scheme", "http"),
        text("user.email", "jane@example.com"),
        text("http.request.header.authorization", "Bearer mF9B5f41JqM3xK7pQ2"),
        {"key": "http.response.status_code", "value": {"intValue": "500"}},
    ]
    exception = [text("exception.type", "Refused"), text("exception.message", "the user is gone")]
    request["events"] = [{"name": "exception", "timeUnixNano": request["endTimeUnixNano"], "attributes": exception}]
    return document


def post(url, document):
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(document).encode(), headers)
    urllib.request.urlopen(request, timeout=10).close()


def config_of(backend):
    return ["--config", CONFIG / "spanspec.yaml", "--profile", backend.name]


def search(backend, folder, env):
    """What is wrong with the verdicts of the searches; empty if nothing is."""
    report = spanspec(f"{backend.name}-search", folder, env, CONFIG / "search.yaml", *config_of(backend))
    wrong = []
    for spec, expected in zip(report["specs"], ["passed", "passed", "failed"], strict=True):
        step = spec["attempts"][-1]["steps"][-1]
        trouble = (step["trouble"] or {}).get("what", "")
        is_lost = spec["verdict"] == "errored" and (LOSS in trouble or "loses" in trouble)
        if spec["verdict"] != expected and not is_lost:
            wrong.append(f"{spec['name']}: {spec['verdict']} {trouble}")
        failed = [check["what"] for check in step["checks"] if check["outcome"] == "fail"]
        if spec["verdict"] == "failed" and "p50 of inventory-check" not in failed:
            wrong.append(f"{spec['name']}: failed {failed}")
    return "; ".join(wrong)


def lint(backend, folder):
    """The report of `spanspec lint` on all traces of the backend."""
    place = next(iter(backend.env.values()))
    source = f"{backend.name}={place}" if backend.name == "files" else f"{backend.name}=http://127.0.0.1:{place}"
    report = folder / f"{backend.name}-lint.json"
    command = [SPANSPEC, "lint", "--source", source, "--limit", "100000", "--report", f"json={report}"]
    with open(folder / f"{backend.name}-lint.txt", "wb") as output:
        subprocess.run(command, env={**os.environ, **backend.env}, stdout=output, stderr=output, cwd=folder)
    return json.loads(report.read_text())


def lint_problems(report):
    """What is missing in the findings about the faulty spans, and what is found beside them. Rules that are not judged do not count."""
    found = {one["rule"] for one in report["findings"] if one["service"] == "faulty"}
    others = [one["message"] for one in report["findings"] if one["service"] != "faulty"]
    missing = FAULTS - found - {rule["rule"] for rule in report["unjudged"]}
    return [f"lint: no {rule} in {report['traces']} traces" for rule in missing] + [f"lint: {other}" for other in others]


if __name__ == "__main__":
    sys.exit(main())
