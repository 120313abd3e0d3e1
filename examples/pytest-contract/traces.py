"""Client for the receiver of `spanspec exec`. Needs only the standard library."""

import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request


class TraceError(AssertionError):
    """The trace is missing, incomplete, or not as expected."""


def get_trace(traceparent, wait="10s"):
    """Waits for the complete trace of a traceparent or trace id."""
    query = urllib.parse.urlencode({"format": "flat", "wait": wait})
    trace = _ask(f"/api/traces/{urllib.parse.quote(traceparent)}?{query}")
    if not trace["complete"]:
        raise TraceError("\n".join([f"the trace is incomplete after {wait}", *trace["missing"]]))
    return trace


def find_spans(trace, name, **facts):
    """All spans with this name and these values of service, kind or status."""
    return [
        span
        for span in trace["spans"]
        if span["name"] == name and all(span[key] == value for key, value in facts.items())
    ]


def find_span(trace, name, **facts):
    """The only span with this name."""
    found = find_spans(trace, name, **facts)
    if len(found) != 1:
        names = "\n".join(f"  {span['service']}: {span['name']}" for span in trace["spans"])
        raise TraceError(f"found {len(found)} spans named {name!r}, expected 1; spans of the trace:\n{names}")
    return found[0]


def assert_trace(traceparent, expect, **variables):
    """Checks a trace against the `expect` of a spec. Fails with the text report of spanspec."""
    outcome = _ask("/api/judge", {"trace": traceparent, "spec": expect, "vars": variables})
    if outcome["verdict"] != "passed":
        raise TraceError("\n" + outcome["text"])


def _ask(path, question=None):
    receiver = os.environ.get("SPANSPEC_RECEIVER")
    if not receiver:
        raise TraceError("SPANSPEC_RECEIVER is not set\nhelp: run the tests with `spanspec exec -- pytest`")
    request = urllib.request.Request(receiver + path)
    if question is not None:
        request.data = json.dumps(question).encode()
        request.add_header("content-type", "application/json")
    if token := os.environ.get("SPANSPEC_RECEIVER_TOKEN"):
        request.add_header("authorization", f"Bearer {token}")
    certificate = os.environ.get("SPANSPEC_RECEIVER_CERTIFICATE")
    tls = ssl.create_default_context(cafile=certificate) if certificate else None
    try:
        with urllib.request.urlopen(request, context=tls) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        raise TraceError(f"{problem['title']}\n{problem['detail']}") from None
