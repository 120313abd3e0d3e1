"""The pricing service: returns prices, with a discount from ten pieces.

It creates one span, around the discount, with OpenTelemetry's API. Without opentelemetry-instrument,
the span is a no-op.
"""

from flask import Flask, request
from opentelemetry import trace

PRICES = {"A1": 12.5, "B2": 49.5}

app = Flask(__name__)
tracer = trace.get_tracer("pricing")


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/prices/<sku>")
def price(sku):
    quantity = request.args.get("quantity", default=1, type=int)
    if sku == "BROKEN":
        raise RuntimeError("the price list is torn")
    if sku not in PRICES:
        return {"error": "unknown_sku"}, 404
    return {"total": discounted(PRICES[sku] * quantity, quantity)}


@tracer.start_as_current_span("apply_discount")
def discounted(total, quantity):
    rate = 0.1 if quantity >= 10 else 0.0
    span = trace.get_current_span()
    span.set_attributes({"discount.rate": rate, "discount.quantity": quantity})
    if rate:
        span.add_event("discount.granted", {"discount.amount": total * rate})
    return total * (1 - rate)
