"""Contract tests of the shop: responses and their traces."""

import os

import pytest
import requests

from traces import TraceError, assert_trace, find_span, find_spans, get_trace

ORDERS = os.environ.get("BASE_URL", "http://127.0.0.1:8080") + "/orders"


def test_an_order_charges_the_card_once():
    response = requests.post(ORDERS, json={"sku": "A1", "quantity": 2}, timeout=10)
    assert response.status_code == 201

    trace = get_trace(response.headers["traceparent"])
    payment = find_span(trace, "process_payment", service="payment")
    assert payment["attributes"]["payment.method"] == "card"
    assert payment["attributes"]["payment.attempts"] == 1
    assert payment["status"] != "error"
    assert [event["name"] for event in payment["events"]] == ["card.authorized"]


def test_a_refused_card_is_an_error_and_nothing_is_shipped():
    order = {"sku": "A1", "quantity": 1, "payment": {"method": "card", "number": "4000000000000002"}}
    response = requests.post(ORDERS, json=order, timeout=10)
    assert response.status_code == 402

    trace = get_trace(response.headers["traceparent"])
    payment = find_span(trace, "process_payment")
    assert payment["status"] == "error"
    assert find_spans(trace, "ship") == []


def test_an_order_queries_the_stock_once():
    response = requests.post(ORDERS, json={"sku": "A1", "quantity": 2}, timeout=10)
    assert_trace(
        response.headers["traceparent"],
        """
        errors: 0
        spans:
          - find: SELECT stock
            count: 1
            below: { service: order }
            attributes: { db.system.name: "${database}" }
        """,
        database="postgresql",
    )


def test_a_query_in_a_loop_is_detected():
    order = {"sku": "A1", "quantity": 2, "simulate": {"stock_queries": 5}}
    response = requests.post(ORDERS, json=order, timeout=10)
    with pytest.raises(TraceError, match="expected exactly 1, found 5"):
        assert_trace(response.headers["traceparent"], "spans: [{ find: SELECT stock, count: 1 }]")
