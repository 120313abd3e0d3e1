"""A payment service with all kinds of gRPC methods, reflection and the health service.

opentelemetry-instrument traces the server. The code creates one span itself, around a charge.
"""

import os
import signal
import sys
import time
from concurrent import futures
from pathlib import Path

import grpc
from google.protobuf import any_pb2, timestamp_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status
from opentelemetry import trace

sys.path.append(str(Path(__file__).with_name("gen")))
from shop.v1 import money_pb2, payment_pb2, payment_pb2_grpc  # noqa: E402

MAX_SIZE = 16 * 1024 * 1024

tracer = trace.get_tracer("payment")


class Payment(payment_pb2_grpc.PaymentServicer):
    def Charge(self, request, context):
        if request.amount.units <= 0:
            status = refused()
            # The instrumentation sees the code of `abort`, but not that of `abort_with_status`.
            context.set_trailing_metadata(status.trailing_metadata)
            context.abort(status.code, status.details)
        context.send_initial_metadata([("x-region", "eu")])
        context.set_trailing_metadata([("x-cost", "3")])
        with tracer.start_as_current_span("process_payment") as span:
            span.set_attribute("order.id", request.order_id)
            return payment_pb2.ChargeReply(
                transaction_id=f"tx-{request.order_id}",
                charged=request.amount,
                time=timestamp_pb2.Timestamp(seconds=1_700_000_000),
            )

    def Watch(self, request, context):
        """Sends events until the last one, or without end."""
        number = 0
        while context.is_active():
            number += 1
            is_last = number == request.events
            state = payment_pb2.PaymentEvent.SETTLED if is_last else payment_pb2.PaymentEvent.PENDING
            yield payment_pb2.PaymentEvent(number=number, state=state)
            if is_last:
                return
            time.sleep(0.01)

    def Import(self, requests, context):
        units = [request.amount.units for request in requests]
        return payment_pb2.ImportReply(payments=len(units), units=sum(units))

    def Convert(self, requests, context):
        for money in requests:
            yield money_pb2.Money(currency="EUR", units=money.units * 2)


def refused():
    """INVALID_ARGUMENT with two details: one of google.rpc, and one of our own."""
    violation = error_details_pb2.BadRequest.FieldViolation(
        field="amount.units", description="must be positive"
    )
    details = [
        error_details_pb2.BadRequest(field_violations=[violation]),
        money_pb2.Money(currency="EUR", units=1),
    ]
    packed = [any_pb2.Any() for _ in details]
    for into, detail in zip(packed, details):
        into.Pack(detail)
    status = status_pb2.Status(
        code=code_pb2.INVALID_ARGUMENT, message="the amount must be positive", details=packed
    )
    return rpc_status.to_status(status)


def main():
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=8),
        options=[("grpc.max_receive_message_length", MAX_SIZE)],
    )
    payment_pb2_grpc.add_PaymentServicer_to_server(Payment(), server)
    name = payment_pb2.DESCRIPTOR.services_by_name["Payment"].full_name
    healthy = health.HealthServicer()
    healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    reflection.enable_server_reflection([name, reflection.SERVICE_NAME], server)
    if server.add_insecure_port(f"127.0.0.1:{os.environ['PORT']}") == 0:
        sys.exit("the port is in use")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=1))
    server.wait_for_termination()


main()
