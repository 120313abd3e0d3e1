// Sends each kind of value with the SDK for Node, which reads OTEL_EXPORTER_OTLP_PROTOCOL itself.
// Numbers of JavaScript are exact up to 2^53, and those without a fraction are sent as integers.
const http = require("node:http");
const { SeverityNumber, SpanKind, SpanStatusCode, ValueType, context, logs, metrics, propagation, trace } = require("@opentelemetry/api");
const { startNodeSdk } = require("@opentelemetry/sdk-node");

const { MAX_SAFE_INTEGER: largestInteger, MIN_SAFE_INTEGER: smallestInteger } = Number;
const VALUES = {
  text: 'Zoë 東京 🚚 "\\\n',
  "text.empty": "",
  yes: true,
  no: false,
  "int.max": largestInteger,
  "int.min": smallestInteger,
  double: 0.1,
  "double.max": 2 ** 52 - 0.5,
  "double.min": Number.MIN_VALUE,
  texts: ["ä", ""],
  bools: [true, false],
  ints: [largestInteger, smallestInteger],
  doubles: [0.5, -1e-9],
  "list.empty": [],
};
const STRUCTURES = { bytes: new Uint8Array([0, 255, 128, 1]), map: { ä: { b: [1, "two", 3.5, true] } }, mixed: [1, "two", [false]] };

startNodeSdk();
const tracer = trace.getTracer("client");
const logger = logs.getLogger("client");
const meter = metrics.getMeter("client");
const parcels = meter.createCounter("parcels", { unit: "{parcel}" });
const weight = meter.createHistogram("weight", { unit: "kg" });
const level = meter.createGauge("level");
const largest = meter.createGauge("largest", { valueType: ValueType.INT });

function values() {
  const other = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 0, isRemote: true };
  const links = [{ context: other, attributes: { why: "früher", count: 7 } }];
  tracer.startActiveSpan("values", { attributes: { ...VALUES, ...STRUCTURES }, links }, (span) => {
    span.addEvent("geprüft ✓", { attempt: 2, note: "„gut“" });
    span.setStatus({ code: SpanStatusCode.ERROR, message: "leider voll 🚚" });
    const body = "Bestellung 42 – gepackt 📦";
    logger.emit({ severityNumber: SeverityNumber.WARN, body, attributes: { ...VALUES, ...STRUCTURES } });
    const structure = { ä: 1, b: [true, "c"], d: new Uint8Array([0, 255]) };
    logger.emit({ severityNumber: SeverityNumber.INFO, body: structure, eventName: "packed" });
    parcels.add(3, { route: "Köln" });
    for (const kilograms of [1.5, 7]) weight.record(kilograms, { request: span.spanContext().traceId });
    level.record(0.1);
    largest.record(largestInteger);
    span.end();
  });
}

const server = http.createServer((request, response) => {
  if (request.url === "/values") {
    const parent = propagation.extract(context.active(), request.headers);
    tracer.startActiveSpan("GET /values", { kind: SpanKind.SERVER }, parent, (span) => {
      values();
      span.end();
    });
  }
  response.writeHead(204).end();
});
server.listen(Number(process.env.PORT), "127.0.0.1");
