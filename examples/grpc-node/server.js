// Two services in one program: `SERVICE=stock` selects stock, otherwise it is orders, which calls stock.
// auto-instrumentations-node traces clients and servers. Neither has the reflection service.

const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const { HealthImplementation } = require("grpc-health-check");
const protobuf = require("protobufjs");

const PROTOS = path.join(__dirname, "protos");
const options = { includeDirs: [PROTOS], keepCase: true, defaults: true, longs: Number };

const { shop } = grpc.loadPackageDefinition(
  loader.loadSync(["shop/v1/stock.proto", "shop/v1/orders.proto"], options),
);
const { Stock, Orders } = shop.v1;

// The messages of a status with details, which no package of ours contains.
const { Status, Shortage } = protobuf.Root.fromJSON({
  nested: {
    Any: { fields: { type_url: { type: "string", id: 1 }, value: { type: "bytes", id: 2 } } },
    Status: {
      fields: {
        code: { type: "int32", id: 1 },
        message: { type: "string", id: 2 },
        details: { rule: "repeated", type: "Any", id: 3 },
      },
    },
    Shortage: { fields: { sku: { type: "string", id: 1 }, pieces: { type: "int32", id: 2 } } },
  },
}).nested;

const PIECES = { A1: 10, B2: 0 };

/** A status with a detail of our own. */
function shortage(sku) {
  const [code, message] = [grpc.status.FAILED_PRECONDITION, `not enough of ${sku}`];
  const value = Shortage.encode({ sku, pieces: PIECES[sku] ?? 0 }).finish();
  const details = [{ type_url: "type.googleapis.com/shop.v1.Shortage", value }];
  const metadata = new grpc.Metadata();
  metadata.set(
    "grpc-status-details-bin",
    Buffer.from(Status.encode({ code, message, details }).finish()),
  );
  return { code, details: message, metadata };
}

const stock = {
  Reserve(call, done) {
    const { sku, quantity } = call.request;
    const metadata = new grpc.Metadata();
    metadata.set("x-warehouse", "north");
    call.sendMetadata(metadata);
    const rest = (PIECES[sku] ?? 0) - quantity;
    if (rest < 0) {
      done(shortage(sku));
    } else {
      done(null, { id: `r-${sku}`, rest: { sku, pieces: rest } });
    }
  },

  Watch(call) {
    const { sku, changes } = call.request;
    let sent = 0;
    const timer = setInterval(() => {
      sent += 1;
      call.write({ sku, pieces: sent });
      if (sent === changes) {
        clearInterval(timer);
        call.end();
      }
    }, 10);
    call.on("cancelled", () => clearInterval(timer));
  },

  Receive(call, done) {
    const reply = { deliveries: 0, pieces: 0 };
    call.on("data", ({ pieces }) => {
      reply.deliveries += 1;
      reply.pieces += pieces;
    });
    call.on("end", () => done(null, reply));
  },

  Check(call) {
    call.on("data", ({ sku }) => call.write({ sku, pieces: PIECES[sku] ?? 0 }));
    call.on("end", () => call.end());
  },
};

const orders = () => {
  const client = new Stock(process.env.STOCK, grpc.credentials.createInsecure());
  const reserve = (item) =>
    new Promise((resolve, reject) => {
      client.Reserve(item, (error, reservation) => (error ? reject(error) : resolve(reservation)));
    });
  return {
    async Place(call, done) {
      try {
        const reservations = [];
        for (const item of call.request.items) {
          reservations.push(await reserve(item));
        }
        done(null, { id: "o-1", reservations });
      } catch (error) {
        done({ code: error.code, details: error.details, metadata: error.metadata });
      }
    },
  };
};

const isStock = process.env.SERVICE === "stock";
const server = new grpc.Server();
if (isStock) {
  server.addService(Stock.service, stock);
} else {
  server.addService(Orders.service, orders());
}
new HealthImplementation({ "": "SERVING" }).addToServer(server);
const address = `127.0.0.1:${process.env.PORT ?? 50051}`;
server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) {
    throw error;
  }
  console.log(`listening on ${address}`);
});

// The instrumentation handles SIGTERM to export the last spans, so Node does not exit until the server
// is closed.
process.on("SIGTERM", () => server.forceShutdown());
