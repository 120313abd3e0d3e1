"""Traces for tests: asks the receiver that `spanspec exec` started. Standard library only."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request


class TraceError(AssertionError):
    """There is no such trace, or it is not as expected; the text says why."""


def get_trace(traceparent, wait="10s"):
    """The trace of a traceparent or trace id, once it is complete."""
    query = urllib.parse.urlencode({"format": "flat", "wait": wait})
    trace = _ask(f"/api/traces/{urllib.parse.quote(traceparent)}?{query}")
    if not trace["complete"]:
        raise TraceError("\n".join([f"the trace is not complete after {wait}", *trace["missing"]]))
    return trace


def find_spans(trace, name, **facts):
    """All spans of this name, with these facts: service, kind, status."""
    return [
        span
        for span in trace["spans"]
        if span["name"] == name and all(span[key] == value for key, value in facts.items())
    ]


def find_span(trace, name, **facts):
    """The only span of this name."""
    found = find_spans(trace, name, **facts)
    if len(found) != 1:
        names = "\n".join(f"  {span['service']}: {span['name']}" for span in trace["spans"])
        raise TraceError(f"{len(found)} spans are called {name!r}; the trace has\n{names}")
    return found[0]


def assert_trace(traceparent, expect, **variables):
    """Holds a trace against what a spec has under `expect`; fails with spanspec's own text."""
    outcome = _ask("/api/judge", {"trace": traceparent, "spec": expect, "vars": variables})
    if outcome["verdict"] != "passed":
        raise TraceError("\n" + outcome["text"])


def _ask(path, question=None):
    receiver = os.environ.get("SPANSPEC_RECEIVER")
    if not receiver:
        raise TraceError("SPANSPEC_RECEIVER is not set: run the tests with `spanspec exec -- pytest`")
    request = urllib.request.Request(receiver + path)
    if question is not None:
        request.data = json.dumps(question).encode()
        request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        raise TraceError(f"{problem['title']}\n{problem['detail']}") from None
