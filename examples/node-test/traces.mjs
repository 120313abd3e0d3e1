// Client for the receiver of `spanspec exec`. Needs no packages.

import { AssertionError } from "node:assert";
import { randomBytes } from "node:crypto";

/** A new traceparent: send it with a request, then ask for its trace. */
export function newTraceparent() {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
}

/** Waits for the complete trace of a traceparent or trace id. */
export async function getTrace(traceparent, { wait = "10s" } = {}) {
  const trace = await ask(`/api/traces/${encodeURIComponent(traceparent)}?format=flat&wait=${wait}`);
  if (!trace.complete) fail([`the trace is incomplete after ${wait}`, ...trace.missing].join("\n"));
  return trace;
}

/** The only span with this name. */
export function findSpan(trace, name) {
  const found = trace.spans.filter((span) => span.name === name);
  if (found.length !== 1) {
    const names = trace.spans.map((span) => `  ${span.service}: ${span.name}`).join("\n");
    fail(`found ${found.length} spans named "${name}", expected 1; spans of the trace:\n${names}`);
  }
  return found[0];
}

/** Checks a trace against the `expect` of a spec. Fails with the text report of spanspec. */
export async function assertTrace(traceparent, expect) {
  const body = JSON.stringify({ trace: traceparent, spec: expect });
  const headers = { "content-type": "application/json" };
  const outcome = await ask("/api/judge", { method: "POST", headers, body });
  if (outcome.verdict !== "passed") fail(`\n${outcome.text}`);
}

async function ask(path, request) {
  const receiver = process.env.SPANSPEC_RECEIVER;
  if (!receiver) fail("SPANSPEC_RECEIVER is not set\nhelp: run the tests with `spanspec exec -- node --test`");
  if (process.env.SPANSPEC_RECEIVER_CERTIFICATE && !process.env.NODE_EXTRA_CA_CERTS) {
    fail("the receiver has TLS\nhelp: start Node with NODE_EXTRA_CA_CERTS=$SPANSPEC_RECEIVER_CERTIFICATE");
  }
  const token = process.env.SPANSPEC_RECEIVER_TOKEN;
  const headers = { ...request?.headers, ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(receiver + path, { ...request, headers });
  const answer = await response.json();
  if (!response.ok) fail(`${answer.title}\n${answer.detail}`);
  return answer;
}

function fail(message) {
  throw new AssertionError({ message });
}
