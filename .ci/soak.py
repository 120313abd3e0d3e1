#!/usr/bin/env python3
"""Lets spanspec endure load and faults: .ci/soak.py [--long] [--seed N] [--only PART]

Mixed load with flat memory; many traces under test at once; a service that is killed while it exports; a receiver that
restarts; a full disk; and signals at random moments, after which reports are whole or absent and no process is left. The
short form takes about a minute, `--long` twenty minutes. The seed is printed, and repeats the choices.
"""

import argparse
import gzip
import http.client
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
import uuid
import xml.etree.ElementTree
from pathlib import Path

from backends import HERE, SPANSPEC, TARGET, answers, free_port

SYSTEM = HERE / "tests" / "soak"
FOLDER = TARGET / "soak-run"
# Resident memory under load, in MiB; and its growth in the long form, from the median of the middle third to that of the last.
# In the first third it grows to what a receiver keeps and what the largest diagnoses need.
MOST, GROWTH = 300, 10
RUN = [SPANSPEC, "run", "--color", "never", "--no-save-traces", "--listen", "127.0.0.1:0"]
# All processes of this script inherit this variable.
MARK = f"SPANSPEC_SOAK={uuid.uuid4()}"


def environment(**more):
    name, value = MARK.split("=")
    return {**os.environ, name: value, **more}


def processes_left():
    """The command lines of processes that are still there when those that ignore SIGTERM should be killed."""
    deadline = time.monotonic() + 10
    while (left := marked()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def marked():
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if MARK.encode() in (process / "environ").read_bytes().split(b"\0"):
                left.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            # It has ended, or belongs to another user.
            pass
    return left


def spanspec(*arguments):
    done = subprocess.run([*RUN, *arguments], cwd=SYSTEM, env=environment(), capture_output=True, text=True, timeout=900)
    return done.returncode, done.stdout + done.stderr


class Collect:
    """A receiver without services."""

    # For the end of this script, also after an error.
    started = []

    def __init__(self, port):
        project = FOLDER / "collect"
        project.mkdir(exist_ok=True)
        (project / "spanspec.yaml").write_text("defaults: { wait: { flush: 100ms } }\n")
        self.port, self.made_room = port, 0
        command = [SPANSPEC, "collect", "--listen", f"127.0.0.1:{port}"]
        with open(FOLDER / "collect.txt", "ab") as output:
            self.process = subprocess.Popen(command, cwd=project, env=environment(), stdout=output, stderr=output)
        self.started.append(self.process)
        deadline = time.monotonic() + 20
        while not answers(f"http://127.0.0.1:{port}/api/health"):
            if time.monotonic() > deadline:
                raise RuntimeError("the receiver does not answer")
            time.sleep(0.02)

    def memory(self):
        """Resident memory, in MiB."""
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def field(number, content):
    """A field of a protobuf message: a message, text or bytes."""
    content = content.encode() if isinstance(content, str) else content
    length, size = bytearray(), len(content)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def fixed(number, value):
    return bytes([number << 3 | 1]) + struct.pack("<Q", value)


class Client:
    """A connection that exports and asks."""

    def __init__(self, port):
        self.port, self.made_room = port, 0
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def post(self, path, body, media="application/json", compress=False):
        headers = {"content-type": media}
        if compress:
            body, headers["content-encoding"] = gzip.compress(body, 1), "gzip"
        self.connection.request("POST", path, body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def export(self, path, document, compress=False):
        return self.post(path, json.dumps(document).encode(), compress=compress)[0]

    def judge(self, trace, spec):
        status, answer = self.post("/api/judge", json.dumps({"trace": f"00-{trace}-00f067aa0ba902b7-01", "spec": spec}).encode())
        return json.loads(answer) if status == 200 else {"verdict": f"{status} {answer[:200]}", "text": ""}


RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "load"}}]}


def span(trace, number, parent="", start=None):
    now = start or time.time_ns()
    attribute = {"key": "number", "value": {"intValue": str(number)}}
    return {
        "traceId": trace,
        "spanId": f"{number + 1:016x}",
        "parentSpanId": parent,
        "name": f"work {number}",
        "kind": 1,
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 1000),
        "attributes": [attribute],
    }


def spans(*found):
    return {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"spans": found}]}]}


def spans_as_protobuf(trace):
    """64 spans of 2 KiB, which soon fill the 64 MiB that a receiver keeps."""
    now = time.time_ns()
    rest = fixed(7, now) + fixed(8, now + 1000) + field(9, field(1, "text") + field(2, field(1, "x" * 2000)))
    found = [field(1, trace) + field(2, struct.pack(">Q", number + 1)) + field(5, f"work {number}") + rest for number in range(64)]
    resource = field(1, field(1, "service.name") + field(2, field(1, "load")))
    return field(1, field(1, resource) + field(2, b"".join(field(2, one) for one in found)))


def log_records(trace):
    record = {"traceId": trace, "severityNumber": 9, "body": {"stringValue": "worked"}, "timeUnixNano": str(time.time_ns())}
    return {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": [record] * 64}]}]}


def metrics(random):
    attributes = [[{"key": "n", "value": {"intValue": str(n)}}] for n in range(64)]
    now = str(time.time_ns())
    points = [{"asInt": str(random.randrange(1000)), "timeUnixNano": now, "attributes": each} for each in attributes]
    sums = {"dataPoints": points, "aggregationTemporality": 2, "isMonotonic": True}
    return {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"metrics": [{"name": "works", "sum": sums}]}]}]}


GONE = "request: GET http://127.0.0.1/\nwait: { timeout: 1s }\nexpect: { span_count: 1.. }"
# Other load can discard the spans of a trace before it is followed.
MADE_ROOM = "spans of this trace were discarded to make room"
WHOLE_TRACE = "orphans: 0\nspan_count: 3\nspans: [{ find: work 2, attributes: { number: 2 } }]"


def cut_export(port, random):
    """A part of an export, and then a reset."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        body = b"x" * random.randrange(1, 20000)
        head = b"POST /v1/traces HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\ncontent-length: 20000\r\n\r\n"
        client.sendall(random.choice([head + body, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + body]))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def sent_trace(client, random, leaf, start=None):
    """Sends a trace in two exports. Returns its id."""
    trace = f"{random.getrandbits(128):032x}"
    entry = span(trace, 0, "00f067aa0ba902b7", start)
    client.export("/v1/traces", spans(span(trace, 1, entry["spanId"]), span(trace, leaf, entry["spanId"])))
    client.export("/v1/traces", spans(entry))
    return trace


def judged_trace(client, random):
    """Judges a trace that is right or wrong. Returns what is wrong with the verdict."""
    leaf, expected = random.choice([(2, "passed"), (3, "failed")])
    judged = client.judge(sent_trace(client, random, leaf), WHOLE_TRACE)
    if judged["verdict"] == "errored" and MADE_ROOM in judged["text"]:
        client.made_room += 1
        return []
    return [] if judged["verdict"] == expected else [f"{judged['verdict']} instead of {expected}\n{judged['text']}"]


def export_anything(client, random):
    """Sends one export of a random kind. Returns what is wrong with the answer."""
    trace, compress = f"{random.getrandbits(128):032x}", random.random() < 0.5
    kind = random.choice(["json", "protobuf", "protobuf", "protobuf", "logs", "metrics"])
    if kind == "json":
        status = client.export("/v1/traces", spans(*(span(trace, number) for number in range(64))), compress)
    elif kind == "protobuf":
        status, _ = client.post("/v1/traces", spans_as_protobuf(bytes.fromhex(trace)), "application/x-protobuf", compress)
    elif kind == "logs":
        status = client.export("/v1/logs", log_records(trace), compress)
    else:
        status = client.export("/v1/metrics", metrics(random), compress)
    return [] if status == 200 else [f"{kind}: status {status}"]


def flat_memory(form, seed):
    """Mixed load. Memory is bounded, and in the long form does not grow after the first third."""
    receiver = Collect(free_port())
    wrong, counts, stop = [], {}, time.monotonic() + form.seconds

    def work(number, act):
        client, choices, done = Client(receiver.port), random.Random(f"{seed} {number}"), 0
        try:
            while time.monotonic() < stop and not wrong:
                wrong.extend(act(client, choices))
                done += 1
        except (OSError, http.client.HTTPException, ValueError) as error:
            wrong.append(f"{act.__name__}: {error!r}")
        counts[act.__name__] = counts.get(act.__name__, 0) + done
        counts["made_room"] = counts.get("made_room", 0) + client.made_room

    files = receiver.files()
    threads = [threading.Thread(target=work, args=(number, [export_anything, judged_trace][number % 2])) for number in range(8)]
    for thread in threads:
        thread.start()
    samples = []
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.2)
        samples.append(receiver.memory())
    if wrong:
        receiver.end()
        return wrong
    third = len(samples) // 3
    middle, last = statistics.median(samples[third : 2 * third]), statistics.median(samples[2 * third :])
    judged, unjudged = counts["judged_trace"], counts["made_room"]
    print(f"load: {counts['export_anything']} exports, {judged} traces judged in {form.seconds} s, {unjudged} of them had made room")
    if 100 * unjudged > judged:
        wrong.append(f"{unjudged} of {judged} traces had made room for others")
    print(f"memory: {samples[0]:.0f} MiB, then {middle:.0f} in the middle third, {last:.0f} in the last, at most {max(samples):.0f}")
    if max(samples) > MOST or (form.is_long and last > middle + GROWTH):
        wrong.append(f"memory grew from {middle:.0f} to {last:.0f} MiB")
    return wrong + open_files(receiver, files) + ended(receiver)


def open_files(receiver, before):
    """Connections end in the background."""
    deadline = time.monotonic() + 10
    while receiver.files() > before + 8 and time.monotonic() < deadline:
        time.sleep(0.1)
    return [f"{receiver.files()} open files, {before} before"] if receiver.files() > before + 8 else []


def ended(receiver):
    code = receiver.end()
    return [f"the receiver ended with code {code}"] if code != 0 else []


def broken_exports(form, seed):
    """Exports that are cut or invalid. They may have held spans of a trace, so that no check of the whole of it can pass."""
    receiver, choices = Collect(free_port()), random.Random(f"{seed} broken")
    client, files, start, wrong = Client(receiver.port), receiver.files(), time.time_ns(), []
    for _ in range(form.broken):
        cut_export(receiver.port, choices)
        status, _ = client.post("/v1/traces", choices.randbytes(2000), "application/x-protobuf")
        wrong += [] if status == 400 else [f"invalid bytes: status {status}"]
    trace = sent_trace(client, choices, 2, start)
    for spec, expected in [(WHOLE_TRACE, "errored"), ("spans: [work 2]", "passed")]:
        if (verdict := client.judge(trace, spec)["verdict"]) != expected:
            wrong.append(f"{spec}: {verdict} instead of {expected}")
    print(f"broken exports: {2 * form.broken}, then {receiver.memory():.0f} MiB")
    return wrong + open_files(receiver, files) + ended(receiver)


def traces_at_once(form, seed):
    """All traces are open at the same time, and ten of them are wrong."""
    report = FOLDER / "many.json"
    number, each = form.traces, form.traces // 10
    variables = {"TRACES": number, "HELD": number, "WRONG_EACH": each}
    arguments = [part for name, value in variables.items() for part in ("--var", f"{name}={value}")]
    code, output = spanspec("many.yaml", *arguments, "--report", f"json={report}")
    [spec] = json.loads(report.read_text())["specs"]
    step = spec["attempts"][-1]["steps"][-1]
    load = step["load"] or {}
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    seconds = spec["duration_ms"] / 1000
    print(f"traces at once: {number} in {seconds:.1f} s with at most {memory:.0f} MiB, {load.get('failed')} failed of 10 wrong ones")
    return [] if code == 0 and load.get("failed") == 10 else [f"exit code {code}, {load}", output]


def killed_service(form, seed):
    """A service that is killed in the middle of its export."""
    begun = time.monotonic()
    code, output = spanspec("killed.yaml")
    print(f"killed service: exit code {code} in {time.monotonic() - begun:.1f} s")
    return [] if code == 3 and "1 errored" in output else [f"exit code {code}", output]


def restarted_receiver(form, seed):
    """A receiver that starts again on its port. A trace before its start must not pass."""
    port, wrong = free_port(), []
    for number in range(form.restarts):
        receiver = Collect(port)
        client, choices = Client(port), random.Random(f"{seed} restart {number}")
        wrong += [problem for _ in range(5) for problem in judged_trace(client, choices)]
        if number and (verdict := client.judge(before, GONE)["verdict"]) != "errored":
            wrong.append(f"a trace from before the restart: {verdict}")
        before = f"{choices.getrandbits(128):032x}"
        client.export("/v1/traces", spans(span(before, 0, "00f067aa0ba902b7")))
        wrong += ended(receiver)
    print(f"restarted receiver: {form.restarts} times")
    return wrong


def full_disk(form, seed):
    """Reports on a file system without room, and on a device that is always full."""
    if os.geteuid() != 0:
        print("full disk: skipped: only root can mount a small file system")
        return []
    folder, device, wrong = FOLDER / "full", FOLDER / "device", []
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], check=True)
    try:
        # A report of a run before, which must stay as it is if the new one has no room.
        (folder / "report.json").write_text('{"schema_version": "old"}')
        os.mknod(device, 0o600 | 0o020000, os.makedev(1, 7))
        reports = [f"json={folder}/report.json", f"html={folder}/report.html", f"junit={folder}/report.xml", f"md={device}"]
        code, output = spanspec("specs.yaml", *(part for report in reports for part in ("--report", report)))
        names = sorted(path.name for path in folder.iterdir())
        messages = output.count("No space left on device")
        print(f"full disk: exit code {code}, {messages} messages, left {names}")
        wrong += broken_reports(folder)
        if code != 3 or messages != 3 or "9 passed" not in output or not device.is_char_device():
            wrong += [f"exit code {code}, {messages} messages", output]
    finally:
        subprocess.run(["umount", folder], check=True)
    return wrong


def broken_reports(folder):
    """Reports that are not whole, and files that are none."""
    broken = []
    for path in folder.iterdir():
        text = path.read_text()
        try:
            if path.name == "report.json":
                json.loads(text)["schema_version"]
            elif path.name == "report.xml":
                xml.etree.ElementTree.fromstring(text)
            elif path.name != "report.html" or not text.rstrip().endswith("</html>"):
                broken.append(f"{path.name}, {len(text)} bytes")
        except (ValueError, KeyError, SyntaxError) as error:
            broken.append(f"{path.name}: {error}")
    return broken


def random_signals(form, seed):
    """Ends runs at random moments. Some get two signals."""
    choices, wrong, whole, codes = random.Random(f"{seed} signals"), [], 0, {}
    for number in range(form.signals):
        folder = FOLDER / f"signal-{number}"
        folder.mkdir()
        delay, kind = choices.uniform(0, 2.5), choices.choice([signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
        again = choices.choice([None, None, choices.uniform(0, 0.5)])
        # Whether the child process of the service ignores SIGTERM, so that it is killed after 5 s.
        stubborn = choices.choice(["", "", "1"])
        reports = [f"json={folder}/report.json", f"junit={folder}/report.xml", f"html={folder}/report.html"]
        command = [*RUN, *(part for report in reports for part in ("--report", report))]
        with open(FOLDER / f"signal-{number}.txt", "wb") as output:
            process = subprocess.Popen(command, cwd=SYSTEM, env=environment(STUBBORN=stubborn), stdout=output, stderr=output)
            time.sleep(delay)
            process.send_signal(kind)
            if again is not None:
                time.sleep(again)
                process.send_signal(kind)
            try:
                code = process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                code = "none within 20 s"
        name = f"{kind.name} after {delay:.3f} s" + ("" if again is None else f" and again after {again:.3f} s")
        codes[code] = codes.get(code, 0) + 1
        found = list(folder.iterdir())
        whole += len(found) == 3
        problems = broken_reports(folder) + [f"still running: {left}" for left in processes_left()]
        # A signal before the first handler ends a process that has not started anything.
        if code not in (0, 130) and not (code == -kind and not found and delay < 0.5):
            problems.append(f"exit code {code}")
        wrong += [f"signal {number}, {name}: {problem}" for problem in problems]
    print(f"signals: {form.signals} runs, exit codes {codes}, {whole} with all reports")
    return wrong


PARTS = [killed_service, full_disk, restarted_receiver, broken_exports, traces_at_once, random_signals, flat_memory]
SHORT = argparse.Namespace(is_long=False, seconds=15, traces=1000, restarts=3, broken=100, signals=8)
LONG = argparse.Namespace(is_long=True, seconds=900, traces=10_000, restarts=20, broken=5000, signals=60)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="a quarter of an hour of load, 10,000 traces, 60 signals")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--only", action="append", choices=[part.__name__ for part in PARTS], help="repeatable")
    arguments = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    form = LONG if arguments.long else SHORT
    print(f"seed {arguments.seed}", flush=True)
    wrong = []
    for part in PARTS:
        if arguments.only is None or part.__name__ in arguments.only:
            found = part(form, arguments.seed) + [f"still running: {left}" for left in processes_left()]
            sys.stdout.flush()
            wrong += [f"{part.__name__}: {problem}" for problem in found]
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    try:
        main()
    finally:
        for receiver in Collect.started:
            receiver.kill()
