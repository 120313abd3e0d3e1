"""Consumers of real brokers, with OpenTelemetry's stock instrumentation.

Each creates its topic or queue, prints "ready" when it receives messages, and handles each message.

    opentelemetry-instrument python consumer.py kafka
"""

import os
import sys

from opentelemetry import trace

tracer = trace.get_tracer("consumer")


def handle(body):
    """The work for a message."""
    with tracer.start_as_current_span("handle order") as span:
        span.set_attribute("order.text", body)


def kafka():
    """Each message has a span of its own in its trace; the work is not below it."""
    from kafka import KafkaConsumer, TopicPartition
    from kafka.admin import KafkaAdminClient, NewTopic

    # The default for the first answer of a broker, 2 s, is too short on a busy machine.
    broker = {"bootstrap_servers": os.environ["KAFKA"], "api_version_auto_timeout_ms": 60_000}
    admin = KafkaAdminClient(**broker)
    admin.create_topics([NewTopic("payments", num_partitions=1, replication_factor=1)])
    admin.close()
    consumer = KafkaConsumer(**broker, group_id=None, auto_offset_reset="earliest")
    # A group would assign the partition later, or not at all if it does not know the new topic yet.
    consumer.assign([TopicPartition("payments", 0)])
    ready()
    for message in consumer:
        handle(message.value.decode())


def rabbitmq():
    """Continues the trace of each message."""
    import pika

    channel = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP"])).channel()
    channel.queue_declare("payments")
    channel.basic_consume("payments", lambda channel, method, properties, body: handle(body.decode()), auto_ack=True)
    ready()
    channel.start_consuming()


def sqs():
    """Starts a trace for each message, which links to it."""
    import boto3

    client = boto3.client("sqs", endpoint_url=os.environ["SQS"], region_name="us-east-1")
    queue = client.create_queue(QueueName="orders")["QueueUrl"]
    ready()
    while True:
        answer = client.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MessageAttributeNames=["All"])
        for message in answer.get("Messages", []):
            handle(message["Body"])
            client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def ready():
    print("ready", flush=True)


{"kafka": kafka, "rabbitmq": rabbitmq, "sqs": sqs}[sys.argv[1]]()
