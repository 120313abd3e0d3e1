"""The pricing service: returns prices, with a discount from ten pieces.

It creates one span, around the discount, and one counter, with OpenTelemetry's API. Without
opentelemetry-instrument, both are no-ops. Its log is Python's own.
"""

import logging
import os
import threading

from flask import Flask, request
from opentelemetry import metrics, trace

PRICES = {"A1": 12.5, "B2": 49.5}

app = Flask(__name__)
tracer = trace.get_tracer("pricing")
discounts = metrics.get_meter("pricing").create_counter("discounts.granted", unit="{discount}")
logging.basicConfig(level=logging.INFO)
log = logging.getLogger("pricing")


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
    total = discounted(PRICES[sku] * quantity, quantity)
    audit(sku, total)
    return {"total": total}


def audit(sku, total):
    """Writes a line. In a thread, it has no trace id, since threads do not inherit the context."""
    line = ("priced %s at %.2f", sku, total)
    if os.environ.get("AUDIT") == "thread":
        thread = threading.Thread(target=log.info, args=line)
        thread.start()
        thread.join()
    else:
        log.info(*line, extra={"price.sku": sku, "price.total": total})


@tracer.start_as_current_span("apply_discount")
def discounted(total, quantity):
    rate = 0.1 if quantity >= 10 else 0.0
    span = trace.get_current_span()
    span.set_attributes({"discount.rate": rate, "discount.quantity": quantity})
    if rate:
        span.add_event("discount.granted", {"discount.amount": total * rate})
        discounts.add(1, {"discount.rate": rate})
    return total * (1 - rate)
