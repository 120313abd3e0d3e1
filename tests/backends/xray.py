"""X-Ray as emulated by moto, on loopback, with a receiver of OTLP in front of it.

    python3 xray.py PORT OTLP_PORT

Writes the spans that arrive as JSON at OTLP_PORT as segments, as the Collector's awsxray exporter does
without `indexed_attributes`: a SERVER span or a root is a segment, any other span a subsegment without
its resource. Frames of stacks are left out.
"""

import base64
import json
import re
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from moto.server import ThreadedMotoServer

CLIENT, SERVER = 3, 2
ERROR = 2
# AWS accepts this many documents in a request.
BATCH = 50
NOT_IN_NAMES = re.compile(r"[^ \w.:/%&#=+\-@]")
HTTP_REQUEST = {
    "method": ("http.request.method", "http.method"),
    "url": ("url.full", "http.url"),
    "user_agent": ("user_agent.original", "http.user_agent"),
    "client_ip": ("client.address", "http.client_ip"),
}
HTTP_STATUS = ("http.response.status_code", "http.status_code")
SQL = {
    "database_type": ("db.system",),
    "user": ("db.user",),
    "sanitized_query": ("db.statement",),
}
SQL_SYSTEMS = {"db2", "derby", "hive", "mariadb", "mssql", "mysql", "oracle", "postgresql", "sqlite", "teradata", "other_sql"}
NAMES = ("db.name", "service.name", "rpc.service", "http.host", "net.peer.name")


def value(of):
    """A value of OTLP in JSON."""
    kind, inner = next(iter(of.items()), (None, None))
    match kind:
        case "intValue":
            return int(inner)
        case "arrayValue":
            return [value(one) for one in inner.get("values", [])]
        case "kvlistValue":
            return attributes(inner.get("values", []))
        case "bytesValue":
            return list(base64.b64decode(inner))
    return inner


def attributes(pairs):
    return {pair["key"]: value(pair["value"]) for pair in pairs or []}


def take(found, keys):
    """Removes the values of these keys, and returns the first one."""
    values = [found.pop(key) for key in keys if key in found]
    return values[0] if values else None


def block(found, fields):
    """A block of a segment with the attributes that X-Ray has fields for."""
    values = {field: take(found, keys) for field, keys in fields.items()}
    return {field: of for field, of in values.items() if of is not None}


def trace_id(text):
    return f"1-{text[:8]}-{text[8:]}"


def cause(span):
    events = [attributes(event.get("attributes")) for event in span.get("events", []) if event.get("name") == "exception"]
    exceptions = [{"type": of.get("exception.type"), "message": of.get("exception.message")} for of in events]
    message = span.get("status", {}).get("message")
    if not exceptions and message:
        exceptions = [{"message": message}]
    return [{"id": uuid.uuid4().hex[:16], **exception} for exception in exceptions]


def segment(span, resource):
    """The document of a span."""
    found = attributes(span.get("attributes"))
    is_server, is_client = span.get("kind") == SERVER, span.get("kind") == CLIENT
    is_part = not is_server and bool(span.get("parentSpanId"))
    named_by = {**found, "service.name": resource.get("service.name") if is_server else None}
    name = found.get("peer.service") or next((named_by[key] for key in NAMES if named_by.get(key)), None)
    failed = span.get("status", {}).get("code") == ERROR
    request, status = block(found, HTTP_REQUEST), take(found, HTTP_STATUS)
    is_refused = status is not None and 400 <= status < 500
    document = {
        "id": span["spanId"],
        "trace_id": trace_id(span["traceId"]),
        "name": name or NOT_IN_NAMES.sub("", span["name"])[:200] or "span",
        # Doubles, as the exporter writes them.
        "start_time": int(span["startTimeUnixNano"]) / 1e9,
        "end_time": int(span["endTimeUnixNano"]) / 1e9,
        "parent_id": span.get("parentSpanId"),
        "type": "subsegment" if is_part else None,
        "namespace": "remote" if is_client else None,
        "error": is_refused,
        "throttle": status == 429,
        "fault": not is_refused and (failed or status is not None and 500 <= status < 600),
        "user": take(found, ["enduser.id"]),
        "links": [
            {"trace_id": trace_id(link["traceId"]), "id": link["spanId"], "attributes": attributes(link.get("attributes"))}
            for link in span.get("links", [])
        ],
    }
    if request or status is not None:
        document["http"] = {"request": request, "response": {"status": status}}
    if found.get("db.system") in SQL_SYSTEMS:
        address = [found.pop("db.connection_string", "localhost"), found.pop("db.name", "")]
        document["sql"] = {"url": span["name"], "connection_string": "/".join(address), **block(found, SQL)}
    if exceptions := cause(span):
        document["cause"] = {"exceptions": exceptions}
    if not is_part:
        found |= {f"otel.resource.{key}": of for key, of in resource.items()}
        if version := resource.get("service.version"):
            document["service"] = {"version": version}
    document["metadata"] = {"default": found}
    return {key: of for key, of in document.items() if of not in (None, "", [])}


def segments(body):
    for group in body.get("resourceSpans", []):
        resource = attributes(group.get("resource", {}).get("attributes"))
        for scope in group.get("scopeSpans", []):
            for span in scope.get("spans", []):
                yield json.dumps(segment(span, resource))


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    client = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        documents = list(segments(json.loads(body)))
        refused = []
        for start in range(0, len(documents), BATCH):
            answer = self.client.put_trace_segments(TraceSegmentDocuments=documents[start : start + BATCH])
            refused += answer["UnprocessedTraceSegments"]
        if refused:
            print("refused:", refused, flush=True)
        answer = json.dumps({"message": str(refused)} if refused else {}).encode()
        self.send_response(400 if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def main():
    port, otlp_port = map(int, sys.argv[1:])
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    Receiver.client = boto3.client(
        "xray",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="not-checked",
    )
    ThreadingHTTPServer(("127.0.0.1", otlp_port), Receiver).serve_forever()


if __name__ == "__main__":
    main()
