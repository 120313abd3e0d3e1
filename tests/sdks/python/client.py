"""Sends each kind of value with the SDK for Python. OTEL_EXPORTER_OTLP_PROTOCOL chooses the exporters."""

import importlib
import math
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry import metrics, propagate, trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

MODULES = {"grpc": "proto.grpc", "http/protobuf": "proto.http", "http/json": "json.http"}
VALUES = {
    "text": 'Zoë 東京 🚚 "\\\n',
    "text.empty": "",
    "yes": True,
    "no": False,
    "int.max": 2**63 - 1,
    "int.min": -(2**63),
    "double": 0.1,
    "double.max": 1.7976931348623157e308,
    "double.min": 5e-324,
    "double.infinite": math.inf,
    "texts": ["ä", ""],
    "bools": [True, False],
    "ints": [2**63 - 1, -(2**63)],
    "doubles": [0.5, -1e-9],
    "list.empty": [],
}
STRUCTURES = {"bytes": b"\x00\xff\x80\x01", "map": {"ä": {"b": [1, "two", 3.5, True]}}, "mixed": [1, "two", [False]]}


def exporter(module, name):
    package = f"opentelemetry.exporter.otlp.{MODULES[os.environ['OTEL_EXPORTER_OTLP_PROTOCOL']]}"
    return getattr(importlib.import_module(f"{package}.{module}"), name)()


provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter("trace_exporter", "OTLPSpanExporter")))
trace.set_tracer_provider(provider)
logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(exporter("_log_exporter", "OTLPLogExporter")))
set_logger_provider(logs)
reader = PeriodicExportingMetricReader(exporter("metric_exporter", "OTLPMetricExporter"))
metrics.set_meter_provider(MeterProvider([reader]))

tracer, logger, meter = trace.get_tracer("client"), get_logger("client"), metrics.get_meter("client")
parcels = meter.create_counter("parcels", unit="{parcel}")
weight = meter.create_histogram("weight", unit="kg")
level, largest = meter.create_gauge("level"), meter.create_gauge("largest")


def values():
    other = trace.SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, is_remote=True)
    links = [trace.Link(other, {"why": "früher", "count": 7})]
    with tracer.start_as_current_span("values", attributes={**VALUES, **STRUCTURES}, links=links) as span:
        span.add_event("geprüft ✓", {"attempt": 2, "note": "„gut“"})
        span.set_status(Status(StatusCode.ERROR, "leider voll 🚚"))
        warning = LogRecord(severity_number=SeverityNumber.WARN, body="Bestellung 42 – gepackt 📦", attributes={**VALUES, **STRUCTURES})
        logger.emit(warning)
        body = {"ä": 1, "b": [True, "c"], "d": b"\x00\xff"}
        logger.emit(LogRecord(severity_number=SeverityNumber.INFO, body=body, event_name="packed"))
        parcels.add(3, {"route": "Köln"})
        trace_id = f"{span.get_span_context().trace_id:032x}"
        for kilograms in (1.5, 7):
            weight.record(kilograms, {"request": trace_id})
        level.set(0.1)
        largest.set(2**63 - 1)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/values":
            context = propagate.extract({name.lower(): value for name, value in self.headers.items()})
            with tracer.start_as_current_span("GET /values", context, SpanKind.SERVER):
                values()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
