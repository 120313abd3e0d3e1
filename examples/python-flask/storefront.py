"""The storefront: quotes a price, which it requests from pricing.

opentelemetry-instrument traces Flask and requests. The number of quotes is exposed for Prometheus, with exemplars.
"""

import os

import requests
from flask import Flask, request
from opentelemetry import trace
from prometheus_client import Counter, start_http_server

PRICING_URL = os.environ.get("PRICING_URL", "http://127.0.0.1:5001")

app = Flask(__name__)
quotes = Counter("shop_quotes", "Quotes that were given.")
if "METRICS_PORT" in os.environ:
    start_http_server(int(os.environ["METRICS_PORT"]), addr="127.0.0.1")


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/quotes/<sku>")
def quote(sku):
    quantity = request.args.get("quantity", default=1, type=int)
    answer = requests.get(
        f"{PRICING_URL}/prices/{sku}", params={"quantity": quantity}, timeout=5
    )
    if answer.status_code == 404:
        return {"error": "unknown_sku", "sku": sku}, 404
    if not answer.ok:
        return {"error": "pricing_failed", "status": answer.status_code}, 502
    price = answer.json()
    quotes.inc(exemplar=exemplar())
    return {"sku": sku, "quantity": quantity, "total": price["total"]}


if os.environ.get("CONFORMANCE"):
    # The route of `spanspec conformance`: it calls the URL in a header, so it exists for tests only.
    @app.get("/echo")
    def echo():
        requests.get(request.headers["x-spanspec-echo"], timeout=5)
        return {}


def exemplar():
    """The ids of the current span, as the labels of an exemplar."""
    context = trace.get_current_span().get_span_context()
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
