// Two services in one program: `SERVICE=pricing` selects pricing, otherwise it is the storefront, which
// calls pricing. auto-instrumentations-node traces HTTP, Express and GraphQL, and sends the records of
// pino; the code creates only `apply_discount`.

const express = require("express");
const { GraphQLError, buildSchema } = require("graphql");
const { createHandler } = require("graphql-http/lib/use/express");
const pino = require("pino");
const { trace } = require("@opentelemetry/api");

const PRICES = { A1: 12.5, B2: 49.5 };
const PRICING_URL = process.env.PRICING_URL ?? "http://127.0.0.1:3001";

const tracer = trace.getTracer("pricing");
const log = pino({ level: process.env.LOG_LEVEL ?? "info" });

function discounted(total, quantity) {
  return tracer.startActiveSpan("apply_discount", (span) => {
    const rate = quantity >= 10 ? 0.1 : 0;
    span.setAttributes({ "discount.rate": rate, "discount.quantity": quantity });
    if (rate > 0) {
      span.addEvent("discount.granted", { "discount.amount": total * rate });
    }
    span.end();
    return total * (1 - rate);
  });
}

function pricing(app) {
  app.get("/prices/:sku", (request, response) => {
    const { sku } = request.params;
    const quantity = Number(request.query.quantity ?? 1);
    if (sku === "BROKEN") {
      throw new Error("the price list is torn");
    }
    if (!Object.hasOwn(PRICES, sku)) {
      return response.status(404).json({ error: "unknown_sku" });
    }
    const total = discounted(PRICES[sku] * quantity, quantity);
    log.info({ sku, total }, `priced ${sku} at ${total.toFixed(2)}`);
    return response.json({ total });
  });
  // eslint-disable-next-line no-unused-vars -- Express takes four parameters for errors.
  app.use((error, request, response, next) => {
    log.error({ err: error }, `cannot answer ${request.path}`);
    next(error);
  });
}

function priced(sku, quantity) {
  return fetch(`${PRICING_URL}/prices/${encodeURIComponent(sku)}?quantity=${quantity}`);
}

const schema = buildSchema(`
  type Query {
    quote(sku: ID!, quantity: Int! = 1): Quote
  }
  type Quote {
    sku: ID!
    quantity: Int!
    total: Float!
  }
`);

async function quote({ sku, quantity }) {
  const answer = await priced(sku, quantity);
  if (!answer.ok) {
    const code = answer.status === 404 ? "UNKNOWN_SKU" : "PRICING_FAILED";
    throw new GraphQLError(`no quote for ${sku}`, { extensions: { code } });
  }
  const { total } = await answer.json();
  return { sku, quantity, total };
}

// The route of `spanspec conformance`: it calls the URL in a header, so it exists for tests only.
function conformance(app) {
  app.get("/echo", async (request, response) => {
    await fetch(request.get("x-spanspec-echo"));
    response.json({});
  });
}

function storefront(app) {
  app.all("/graphql", createHandler({ schema, rootValue: { quote } }));
  app.get("/quotes/:sku", async (request, response) => {
    const { sku } = request.params;
    const quantity = Number(request.query.quantity ?? 1);
    const answer = await priced(sku, quantity);
    if (answer.status === 404) {
      return response.status(404).json({ error: "unknown_sku", sku });
    }
    if (!answer.ok) {
      return response.status(502).json({ error: "pricing_failed", status: answer.status });
    }
    const { total } = await answer.json();
    return response.json({ sku, quantity, total });
  });
}

const app = express();
app.get("/health", (_request, response) => response.json({ status: "ok" }));
if (process.env.SERVICE === "pricing") {
  pricing(app);
} else {
  storefront(app);
}
if (process.env.CONFORMANCE) {
  conformance(app);
}

const port = Number(process.env.PORT ?? 3000);
const server = app.listen(port, "127.0.0.1", (error) => {
  if (error) {
    throw error;
  }
  console.log(`listening on http://127.0.0.1:${port}`);
});

// The instrumentation handles SIGTERM to export the last spans, so Node does not exit until the server
// is closed.
process.on("SIGTERM", () => server.close());
