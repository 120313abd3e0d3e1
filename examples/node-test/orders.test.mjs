// What a client of the shop relies on: the response, and what the services did for it.

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

test("a test can send a traceparent of its own", async () => {
  const traceparent = newTraceparent();
  await order({}, { traceparent });
  await assertTrace(traceparent, "errors: 0\nservices: [api-gateway, order, payment]");
});

test("what is wrong is told as spanspec tells it", async () => {
  const response = await order({ simulate: { stock_queries: 5 } });
  const wrong = assertTrace(
    response.headers.get("traceparent"),
    "spans: [{ find: SELECT stock, count: 1 }]",
  );
  await assert.rejects(wrong, /expected exactly 1, found 5/);
});
