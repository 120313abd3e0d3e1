// Contract tests of the shop: responses and their traces.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertTrace, findSpan, getTrace, newTraceparent } from "./traces.mjs";

const ORDERS = `${process.env.BASE_URL}/orders`;

async function order(fields, headers = {}) {
  return fetch(ORDERS, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ sku: "A1", quantity: 2, ...fields }),
  });
}

test("an order charges the card", async () => {
  const response = await order({});
  assert.equal(response.status, 201);

  const trace = await getTrace(response.headers.get("traceparent"));
  const payment = findSpan(trace, "process_payment");
  assert.equal(payment.service, "payment");
  assert.equal(payment.attributes["payment.method"], "card");
  assert.notEqual(payment.status, "error");
});

test("a test can send its own traceparent", async () => {
  const traceparent = newTraceparent();
  await order({}, { traceparent });
  await assertTrace(traceparent, "errors: 0\nservices: [api-gateway, order, payment]");
});

test("a violation is reported with the text of spanspec", async () => {
  const response = await order({ simulate: { stock_queries: 5 } });
  const wrong = assertTrace(
    response.headers.get("traceparent"),
    "spans: [{ find: SELECT stock, count: 1 }]",
  );
  await assert.rejects(wrong, /expected exactly 1, found 5/);
});
