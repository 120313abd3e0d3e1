"""The service of .ci/soak.py. It exports spans and log records in intervals, and has a child process in another session."""

import asyncio
import json
import os
import signal
import subprocess
import time
from urllib.parse import urlsplit

RECEIVER = urlsplit(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "system"}}]}
# Of this many traces, one has the id of no trace in its attribute.
WRONG_EACH = int(os.environ.get("WRONG_EACH", "0"))
# Nothing is exported before this many requests.
HELD = int(os.environ.get("HELD", "0"))
spans, records = [], []
requests = 0


def text(key, value):
    return {"key": key, "value": {"stringValue": value}}


def record(traceparent):
    """A span with two children, and a log record in the first of them."""
    global requests
    requests += 1
    _, trace, parent, _ = traceparent.split("-")
    now = time.time_ns()
    ids = [os.urandom(8).hex() for _ in range(3)]
    is_wrong = WRONG_EACH and requests % WRONG_EACH == 0
    for own, above, name, kind in [(ids[0], parent, "GET /orders", 2), (ids[1], ids[0], "stock", 1), (ids[2], ids[0], "pay", 1)]:
        times = {"startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1_000_000)}
        attributes = [text("trace", "none" if is_wrong else trace)]
        spans.append({"traceId": trace, "spanId": own, "parentSpanId": above, "name": name, "kind": kind, "attributes": attributes, **times})
    body = {"stringValue": "ordered"}
    records.append({"traceId": trace, "spanId": ids[1], "timeUnixNano": str(now), "severityNumber": 9, "body": body})


def exports():
    """Takes the requests that are due."""
    if requests < HELD:
        return []
    taken, batch, logs = [], spans[:1500], records[:500]
    del spans[:1500], records[:500]
    if batch:
        document = {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"spans": batch}]}]}
        taken.append(("/v1/traces", json.dumps(document).encode()))
    if logs:
        document = {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": logs}]}]}
        taken.append(("/v1/logs", json.dumps(document).encode()))
    return taken


def post(path, body):
    head = f"POST {path} HTTP/1.1\r\nhost: {RECEIVER.netloc}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def export():
    while True:
        await asyncio.sleep(0.05)
        if taken := exports():
            reader, writer = await asyncio.open_connection(RECEIVER.hostname, RECEIVER.port)
            for path, body in taken:
                writer.write(post(path, body))
                head = await reader.readuntil(b"\r\n\r\n")
                [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(length.split(b":")[1]))
            writer.close()


async def die_in_export():
    """Ends this process when half of its export is sent."""
    _, writer = await asyncio.open_connection(RECEIVER.hostname, RECEIVER.port)
    for path, body in exports():
        request = post(path, body)
        writer.write(request[: len(request) // 2])
        await writer.drain()
    os.kill(os.getpid(), signal.SIGKILL)


async def serve(reader, writer):
    try:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = lines[0].split(" ")[1]
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            if path != "/health":
                record(headers["traceparent"])
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            if path == "/killed":
                await die_in_export()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    ignore = "trap '' TERM; " if os.environ.get("STUBBORN") else ""
    subprocess.Popen(["sh", "-c", f"{ignore}sleep 600; :"], start_new_session=True)
    await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"]), backlog=4096)
    await export()


asyncio.run(main())
