// Consumers of real brokers, with OpenTelemetry's stock instrumentation where one exists. Each
// creates its topic or queue, prints "ready" when it receives messages, and handles each message in
// a span of its own.
//
//     node --require @opentelemetry/auto-instrumentations-node/register consumer.js kafka-each
"use strict";
const { setTimeout } = require("node:timers/promises");
const { ROOT_CONTEXT, SpanKind, context, propagation, trace } = require("@opentelemetry/api");

const tracer = trace.getTracer("consumer");

/** The work for a message. */
function handle(body, options = {}) {
  const span = tracer.startSpan("handle order", options);
  span.setAttribute("order.text", body);
  span.end();
}

async function kafka(topic, run) {
  const { Kafka, logLevel } = require("kafkajs");
  const client = new Kafka({ brokers: [process.env.KAFKA], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  const topics = [topic, ...(process.env.TOPICS || "").split(" ").filter(Boolean)];
  await admin.createTopics({ topics: topics.map((name) => ({ topic: name, numPartitions: 3 })), waitForLeaders: false });
  // A topic can be unknown for a moment.
  while (!(await admin.fetchTopicMetadata({ topics }).catch((error) => (error.retriable ? false : Promise.reject(error))))) {
    await setTimeout(50);
  }
  await admin.disconnect();
  const consumer = client.consumer({ groupId: topic });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run(run);
  await joined;
}

const consumers = {
  /** Continues the trace of each message. */
  "kafka-each": () => kafka("orders", { eachMessage: async ({ message }) => handle(String(message.value)) }),

  /** Starts a trace for each batch, whose spans link to the messages. */
  "kafka-batch": () =>
    kafka("batches", {
      eachBatch: async ({ batch, resolveOffset }) => {
        for (const message of batch.messages) {
          handle(String(message.value));
          resolveOffset(message.offset);
        }
      },
    }),

  /** There is no instrumentation for NATS, so that it extracts the context itself. */
  nats: async () => {
    const { connect } = require("nats");
    const connection = await connect({ servers: process.env.NATS });
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: "ORDERS", subjects: ["orders.*"] });
    const getter = { get: (headers, key) => headers?.get(key), keys: (headers) => headers?.keys() ?? [] };
    const receive = (error, message) => {
      const parent = propagation.extract(ROOT_CONTEXT, message.headers, getter);
      context.with(parent, () => handle(message.string(), { kind: SpanKind.CONSUMER }));
    };
    connection.subscribe("orders.*", { callback: receive });
    connection.subscribe("mails", { callback: receive });
    await connection.flush();
  },

  /** Continues the trace of each message. */
  rabbitmq: async () => {
    const amqp = require("amqplib");
    const connection = await amqp.connect(process.env.AMQP);
    const channel = await connection.createChannel();
    await channel.assertQueue("orders");
    await channel.assertExchange("shop", "topic");
    await channel.bindQueue("orders", "shop", "orders.*");
    await channel.consume("orders", (message) => {
      handle(String(message.content));
      channel.ack(message);
    });
  },
};

consumers[process.argv[2]]().then(
  () => console.log("ready"),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
