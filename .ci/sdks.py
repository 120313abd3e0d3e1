#!/usr/bin/env python3
"""Receives all three signals from real SDKs, over each protocol with each compression: .ci/sdks.py [--only SDK]

Starts a client of tests/sdks for each combination, all below one spanspec, and runs its specs, which must pass, and
failing.yaml, of which each spec must fail with its one wrong check. What the exporters send passes through a relay, since an
exporter that ignored its settings would pass all specs. Lists combinations that an SDK refuses, and what it skipped.

The cache is the folder $SPANSPEC_BACKENDS, by default `backends` in the target folder.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

from backends import CACHE, HERE, SPANSPEC, TARGET, Skipped, free_port, install_venv, need, run

CLIENTS = HERE / "tests" / "sdks"
FOLDER = TARGET / "sdks-run"
# The first bytes of compressed data.
MAGIC = {"gzip": b"\x1f\x8b\x08", "zstd": b"\x28\xb5\x2f\xfd"}
MEDIA = {"application/x-protobuf": "http/protobuf", "application/json": "http/json"}
NUMBERS = {"largest": 2**63 - 1, "smallest": -(2**63), "double": 1.7976931348623157e308}
# Numbers of JavaScript are exact up to 2^53, and those without a fraction are sent as integers.
NUMBERS_OF_JAVASCRIPT = {"largest": 2**53 - 1, "smallest": 1 - 2**53, "double": 2**52 - 0.5}
PLAIN, GZIP, DEFLATE, ZSTD = "none", "gzip", "deflate", "zstd"


def cached(name, *files):
    """The folder of an installation, which depends on these files."""
    return CACHE / f"sdks-{name}-{zlib.crc32(b''.join(file.read_bytes() for file in files)):08x}"


class Python:
    language = "python"
    offers = {"grpc": [PLAIN, GZIP], "http/protobuf": [PLAIN, GZIP, DEFLATE], "http/json": [PLAIN, GZIP, DEFLATE]}
    refuses = {("grpc", DEFLATE): 'Invalid value "deflate" for compression'}

    def install(self):
        packages = CLIENTS / "python" / "requirements.txt"
        python = install_venv(cached("python", packages).name, "--requirement", packages)
        return [python, CLIENTS / "python" / "client.py"], {}


class Node:
    language = "nodejs"
    offers = {protocol: [PLAIN, GZIP] for protocol in ["grpc", "http/protobuf", "http/json"]}
    refuses = {("http/json", DEFLATE): "expected 'none' or 'gzip'"}

    def install(self):
        need("npm")
        packages = CLIENTS / "node" / "package.json"
        folder = cached("node", packages)
        if not (folder / "ready").exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(packages, folder)
            run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", cwd=folder, log=CACHE / "sdks-node.log")
            (folder / "ready").touch()
        return ["node", CLIENTS / "node" / "client.js"], {"NODE_PATH": str(folder / "node_modules")}


class Java:
    language = "java"
    offers = {protocol: [PLAIN, GZIP] for protocol in ["grpc", "http/protobuf"]}
    refuses = {("http/json", PLAIN): "protocol: http/json", ("grpc", ZSTD): "Unsupported compressionMethod"}

    def install(self):
        need("mvn")
        need("javac")
        pom, source = CLIENTS / "java" / "pom.xml", CLIENTS / "java" / "Client.java"
        folder, log = cached("java", pom, source), CACHE / "sdks-java.log"
        if not (folder / "ready").exists():
            run("mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", f"-DoutputDirectory={folder}", log=log)
            run("javac", "-encoding", "UTF-8", "-cp", f"{folder}/*", "-d", folder, source, log=log)
            (folder / "ready").touch()
        [agent] = folder.glob("opentelemetry-javaagent-*.jar")
        libraries = [jar for jar in folder.glob("*.jar") if jar != agent]
        options = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-javaagent:{agent}"]
        path = os.pathsep.join(map(str, [folder, *libraries]))
        # Most of the start is about instrumentation that this client has no use for.
        enabled = ["COMMON_DEFAULT", "OPENTELEMETRY_API", "JAVA_HTTP_SERVER"]
        settings = {f"OTEL_INSTRUMENTATION_{name}_ENABLED": str(name != "COMMON_DEFAULT").lower() for name in enabled}
        return ["java", *options, "-cp", path, "Client"], settings


class Go:
    language = "go"
    offers = {protocol: [PLAIN, GZIP] for protocol in ["grpc", "http/protobuf", "http/json"]}
    refuses = {}
    # Its exporters of log records and metrics send protobuf over HTTP always.
    also = {"http/json": ["http/protobuf"]}

    def install(self):
        need("go")
        program = FOLDER / "client-go"
        run("go", "build", "-o", program, ".", cwd=CLIENTS / "go", log=CACHE / "sdks-go.log")
        return [program], {}


class Rust:
    language = "rust"
    offers = {protocol: [PLAIN, GZIP, ZSTD] for protocol in ["grpc", "http/protobuf", "http/json"]}
    refuses = {}

    def install(self):
        folder = cached("rust", CLIENTS / "rust" / "Cargo.lock")
        env = {"CARGO_TARGET_DIR": str(folder)}
        run("cargo", "build", "--locked", "--quiet", cwd=CLIENTS / "rust", env=env, log=CACHE / "sdks-rust.log")
        return [folder / "debug" / "client"], {}


SDKS = {"python": Python(), "node": Node(), "java": Java(), "go": Go(), "rust": Rust()}


class Combination:
    """A client that exports over one protocol with one compression."""

    def __init__(self, sdk, protocol, coding):
        self.sdk, self.protocol, self.coding = sdk, protocol, coding
        self.name = f"{sdk}-{protocol.replace('/', '-')}-{coding}"

    def settings(self):
        # Python's exporter over gRPC refuses the word `none`.
        compression = {} if self.coding == PLAIN else {"OTEL_EXPORTER_OTLP_COMPRESSION": self.coding}
        return {"OTEL_SERVICE_NAME": self.name, "OTEL_EXPORTER_OTLP_PROTOCOL": self.protocol, **compression}

    def transfers(self):
        """The protocols and compressions that its exporters must use."""
        also = getattr(SDKS[self.sdk], "also", {}).get(self.protocol, [])
        return {(protocol, self.coding) for protocol in [self.protocol, *also]}


class Relay:
    """Passes connections on to the receiver, and keeps what clients send."""

    def __init__(self, receiver):
        self.receiver = receiver
        self.sent = {}
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def listen(self, name):
        """The port for one client."""
        streams = self.sent[name] = []
        start = asyncio.start_server(lambda *client: self.connect(streams, *client), "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(start, self.loop).result()
        return server.sockets[0].getsockname()[1]

    async def connect(self, streams, reader, writer):
        try:
            upstream, out = await asyncio.open_connection("127.0.0.1", self.receiver)
        except OSError:
            writer.close()
            return
        stream = bytearray()
        streams.append(stream)
        await asyncio.gather(self.copy(reader, out, stream), self.copy(upstream, writer, bytearray()))

    async def copy(self, reader, writer, stream):
        try:
            while data := await reader.read(65536):
                stream += data
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


def transfers(stream):
    """The protocols and compressions of what a client sent over a connection."""
    if stream.startswith(b"PRI * HTTP/2.0"):
        return {("grpc", next((coding for coding, magic in MAGIC.items() if magic in stream), PLAIN))}
    found = set()
    for match in re.finditer(rb"POST /v1/\w+ HTTP/1.1\r\n(.*?)\r\n\r\n", stream, re.DOTALL):
        headers = dict(line.lower().split(": ", 1) for line in match[1].decode("latin-1").split("\r\n"))
        found.add((MEDIA.get(headers["content-type"]), headers.get("content-encoding", PLAIN)))
    return found


def version(relay, sdk):
    """The version that an SDK names in its resource."""
    for stream in relay.sent[Combination(sdk, "http/protobuf", PLAIN).name]:
        if match := re.search(rb"telemetry\.sdk\.version\x12.\n.([0-9.]+)", stream, re.DOTALL):
            return match[1].decode()
    return "?"


def install(names):
    """The command and settings of each client that can be installed."""
    found = {}
    with ThreadPoolExecutor() as pool:
        pending = {name: pool.submit(SDKS[name].install) for name in names}
        for name, installation in pending.items():
            try:
                command, settings = installation.result()
                found[name] = [str(part) for part in command], settings
            except Skipped as why:
                print(f"{name}: skipped: {why}")
    return found


def write_project(clients, combinations, relay):
    """A project in which each combination is a service, and the lists of cases for its specs."""
    services, cases = {}, []
    for each in combinations:
        command, settings = clients[each.sdk]
        endpoint = f"http://127.0.0.1:{relay.listen(each.name)}"
        port = "${services.%s.http}" % each.name
        env = {**settings, **each.settings(), "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "PORT": port}
        ready = {"ready": f"http://127.0.0.1:{port}/health", "start_timeout": "3m"}
        services[each.name] = {"run": command, "ports": {"http": "auto"}, "env": env, **ready}
        numbers = NUMBERS_OF_JAVASCRIPT if each.sdk == "node" else NUMBERS
        cases.append({"name": each.name, "port": port, "language": SDKS[each.sdk].language, **numbers})
    # With a short one, an exporter gives up on a slow machine, and its export may be lost.
    env = {"OTEL_METRIC_EXPORT_TIMEOUT": "10000"}
    project = {"specs": ["specs.yaml", "failing.yaml"], "env": env, "receiver": {"listen": [relay.receiver]}, "services": services}
    (FOLDER / "spanspec.yaml").write_text(json.dumps(project, indent=2))
    # Specs with metrics run one after another; what they judge does not depend on the compression.
    plain = [case for case in cases if case["name"].endswith(f"-{PLAIN}")]
    write_cases("cases", cases)
    write_cases("plain", plain)
    write_cases("structures", [case for case in cases if case["language"] != "rust"])
    write_cases("exemplars", [case for case in plain if case["language"] not in ("nodejs", "rust")])
    for name in ["specs.yaml", "failing.yaml"]:
        shutil.copy(CLIENTS / name, FOLDER)


def write_cases(name, cases):
    (FOLDER / f"{name}.json").write_text(json.dumps(cases, indent=2))


def run_specs():
    """Runs all specs. Returns those of the report, and the output."""
    report = FOLDER / "report.json"
    command = [SPANSPEC, "run", "--color", "never", "--no-save-traces", "--report", f"json={report}"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    output = done.stdout + done.stderr
    (FOLDER / "output.txt").write_text(output)
    return json.loads(report.read_text())["specs"] if report.exists() else [], output


def verdicts(specs):
    """What is wrong with the specs of each combination."""
    wrong = {}
    for spec in specs:
        name = re.search(r"\[(.*)\]$", spec["name"])[1]
        found = wrong.setdefault(name, [])
        steps = [step for attempt in spec["attempts"] for step in attempt["steps"]]
        failed = [check["what"] for step in steps for check in step["checks"] if check["outcome"] == "fail"]
        is_wrong = spec["name"].startswith("a wrong ")
        if spec["verdict"] != ("failed" if is_wrong else "passed") or len(failed) != is_wrong:
            found.append(f"{spec['name']}: {spec['verdict']} {failed}")
    return wrong


def refusals(clients):
    """Combinations that an SDK refuses, each with its own words; and those that it does not refuse any more."""
    def refused(sdk, protocol, coding, text):
        command, settings = clients[sdk]
        closed = f"http://127.0.0.1:{free_port()}"
        env = {**settings, **Combination(sdk, protocol, coding).settings(), "OTEL_EXPORTER_OTLP_ENDPOINT": closed, "PORT": "0"}
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        end = threading.Timer(60, process.kill)
        end.start()
        try:
            return any(text in line for line in process.stdout)
        finally:
            end.cancel()
            process.kill()
            process.wait()

    missing = []
    for sdk in clients:
        for (protocol, coding), text in SDKS[sdk].refuses.items():
            print(f"{sdk} over {protocol} with {coding}: refused: {text}")
            if not refused(sdk, protocol, coding, text):
                missing.append(f"{sdk} does not refuse {protocol} with {coding}")
    return missing


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=SDKS, help="an SDK, instead of all; repeatable")
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    begun = time.monotonic()
    clients = install(arguments.only or SDKS)
    print(f"installed in {time.monotonic() - begun:.0f} s")
    offers = [(sdk, protocol, coding) for sdk in clients for protocol, codings in SDKS[sdk].offers.items() for coding in codings]
    combinations = [Combination(*offer) for offer in offers]
    relay = Relay(free_port())
    write_project(clients, combinations, relay)
    specs, output = run_specs()
    found, wrong = verdicts(specs), []
    for each in combinations:
        own = found.get(each.name, ["no verdict"])
        sent = set().union(*map(transfers, relay.sent[each.name]))
        if sent != each.transfers():
            own.append(f"sent {sent} instead of {each.transfers()}")
        wrong += own
        print(f"{each.sdk:7}{version(relay, each.sdk):8}{each.protocol:15}{each.coding:9}{'FAILED' if own else 'ok'}")
    wrong += refusals(clients)
    counts = f"{len(combinations)} combinations, {len(specs)} specs"
    print(f"{counts}, {time.monotonic() - begun:.0f} s")
    if wrong:
        print("\n".join([output, *wrong]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
