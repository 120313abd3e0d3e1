"""The storefront: quotes a price, which it requests from pricing.

Contains no tracing code: opentelemetry-instrument traces Flask and requests.
"""

import os

import requests
from flask import Flask, request

PRICING_URL = os.environ.get("PRICING_URL", "http://127.0.0.1:5001")

app = Flask(__name__)


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
    return {"sku": sku, "quantity": quantity, "total": price["total"]}
