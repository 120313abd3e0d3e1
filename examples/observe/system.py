"""Traffic in the shape of the OpenTelemetry Demo: 21 services, each with an SDK of its own.

All services live in this process, and export over OTLP/HTTP as separate ones would. A checkout calls the services
that the Demo calls. `SILENT="payment logs"` stops a signal of a service; `LOST="checkout payment"` loses the trace
context of a call.
"""

import logging
import os
import time

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, set_span_in_context

SERVICES = (
    "accounting ad agent cart chatbot checkout currency email fraud-detection frontend frontend-proxy frontend-web "
    "image-provider kafka load-generator mcp payment product-catalog quote recommendation shipping"
).split()
# These write no logs, or no spans, in the Demo.
WITHOUT = {
    "agent": {"logs"},
    "chatbot": {"logs"},
    "frontend": {"logs"},
    "frontend-web": {"logs"},
    "image-provider": {"logs"},
    "kafka": {"traces"},
    "mcp": {"logs"},
}
LOST = tuple(os.environ.get("LOST", "").split())
PAUSE = 0.1


class Service:
    """A service with its own SDK."""

    def __init__(self, name):
        self.name = name
        silent = os.environ.get("SILENT", "").split()
        self.without = WITHOUT.get(name, set()) | set(silent[1:] if silent[:1] == [name] else [])
        resource = Resource.create({"service.name": name})
        self.spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        if "traces" not in self.without:
            self.spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        readers = [] if "metrics" in self.without else [PeriodicExportingMetricReader(OTLPMetricExporter())]
        self.metrics = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        self.logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self.logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        self.tracer = self.spans.get_tracer("system")
        meter = self.metrics.get_meter("system")
        self.requests = meter.create_counter("requests")
        self.orders = meter.create_counter("orders.placed")
        self.log = logging.Logger(name)
        is_silent = "logs" in self.without
        self.log.addHandler(logging.NullHandler() if is_silent else LoggingHandler(logger_provider=self.logs))

    def handle(self, operation, caller=None, kind=SpanKind.SERVER, links=(), attributes=None):
        """A span that handles a request of another span."""
        parent = set_span_in_context(caller) if caller else trace.Context()
        span = self.tracer.start_span(
            operation, parent, kind=kind, links=links, attributes=attributes
        )
        self.requests.add(1)
        with trace.use_span(span):
            self.log.warning("handled %s", operation)
        return span


class System:
    """All services."""

    def __init__(self):
        self.services = {name: Service(name) for name in SERVICES}

    def call(self, caller, span, callee, operation, **more):
        """A service handles a request of another service, and ends."""
        is_lost = LOST == (caller, callee)
        handled = self.services[callee].handle(operation, None if is_lost else span, **more)
        handled.end()
        return handled

    def browse(self):
        load, proxy, front = (self.services[name] for name in ("load-generator", "frontend-proxy", "frontend"))
        user = load.handle("browse", kind=SpanKind.CLIENT)
        ingress = proxy.handle("ingress", user)
        page = front.handle("GET /", ingress)
        self.call("frontend", page, "ad", "GetAds")
        self.call("frontend", page, "cart", "GetCart")
        self.call("frontend", page, "product-catalog", "ListProducts")
        advice = self.services["recommendation"].handle("ListRecommendations", page)
        self.call("recommendation", advice, "product-catalog", "ListProducts")
        self.call("frontend-proxy", ingress, "image-provider", "GET /images")
        for span in (advice, page, ingress, user):
            span.end()
        web = self.services["frontend-web"].handle("documentLoad", kind=SpanKind.INTERNAL)
        web.end()

    def order(self):
        page = self.services["frontend"].handle("POST /checkout")
        checkout = self.services["checkout"]
        order = checkout.handle("place order", page)
        self.call("checkout", order, "cart", "GetCart")
        self.call("checkout", order, "product-catalog", "GetProduct")
        self.call("checkout", order, "currency", "Convert")
        shipping = self.services["shipping"].handle("get quote", order)
        self.call("shipping", shipping, "quote", "calculate")
        shipping.end()
        self.call("checkout", order, "payment", "charge", attributes={"payment.currency": "EUR"})
        self.call("checkout", order, "email", "send confirmation")
        sent = checkout.handle("orders publish", order, kind=SpanKind.PRODUCER)
        checkout.orders.add(1)
        for span in (sent, order, page):
            span.end()
        kafka = self.services["kafka"]
        kafka.requests.add(1)
        kafka.log.warning("appended a message")
        for consumer in ("accounting", "fraud-detection"):
            links = [Link(sent.get_span_context())]
            self.services[consumer].handle("orders process", kind=SpanKind.CONSUMER, links=links).end()

    def chat(self):
        question = self.services["chatbot"].handle("POST /chat")
        answer = self.services["agent"].handle("invoke_agent", question)
        self.call("agent", answer, "mcp", "tools/call")
        for span in (answer, question):
            span.end()


def main():
    system = System()
    print("traffic of", len(SERVICES), "services", flush=True)
    while True:
        system.browse()
        system.order()
        system.chat()
        time.sleep(PAUSE)


main()
