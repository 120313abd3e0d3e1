// Traces for tests: asks the receiver that `spanspec exec` started. Nothing to install.

import { AssertionError } from "node:assert";
import { randomBytes } from "node:crypto";

/** A traceparent of our own: what is sent with a request, and asked for afterwards. */
export function newTraceparent() {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
}

/** The trace of a traceparent or trace id, once it is complete. */
export async function getTrace(traceparent, { wait = "10s" } = {}) {
  const trace = await ask(`/api/traces/${encodeURIComponent(traceparent)}?format=flat&wait=${wait}`);
  if (!trace.complete) fail([`the trace is not complete after ${wait}`, ...trace.missing].join("\n"));
  return trace;
}

/** The only span of this name. */
export function findSpan(trace, name) {
  const found = trace.spans.filter((span) => span.name === name);
  if (found.length !== 1) {
    const names = trace.spans.map((span) => `  ${span.service}: ${span.name}`).join("\n");
    fail(`${found.length} spans are called "${name}"; the trace has\n${names}`);
  }
  return found[0];
}

/** Holds a trace against what a spec has under `expect`; fails with spanspec's own text. */
export async function assertTrace(traceparent, expect) {
  const body = JSON.stringify({ trace: traceparent, spec: expect });
  const headers = { "content-type": "application/json" };
  const outcome = await ask("/api/judge", { method: "POST", headers, body });
  if (outcome.verdict !== "passed") fail(`\n${outcome.text}`);
}

async function ask(path, request) {
  const receiver = process.env.SPANSPEC_RECEIVER;
  if (!receiver) fail("SPANSPEC_RECEIVER is not set: run the tests with `spanspec exec -- node --test`");
  const response = await fetch(receiver + path, request);
  const answer = await response.json();
  if (!response.ok) fail(`${answer.title}\n${answer.detail}`);
  return answer;
}

function fail(message) {
  throw new AssertionError({ message });
}
