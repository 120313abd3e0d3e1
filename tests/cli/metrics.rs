//! Metrics as evidence.

use super::system::{Project, SPANSPEC, Said};

/// A service that counts its requests, and exports the count to the receiver at its interval. An exemplar
/// is in one export only, as SDKs do it.
const COUNTING: &str = r#"
import http.server, json, os, threading, time, urllib.request
lock, counted, exemplars = threading.Lock(), 0, []
start = str(time.time_ns())
class Shop(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global counted
        context = self.headers.get("traceparent", "").split("-")
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(201)
        self.end_headers()
        with lock:
            counted += 1
            if len(context) == 4:
                exemplars.append({"traceId": context[1], "spanId": "00000000000000a1", "asInt": "1"})
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
def export():
    interval = int(os.environ["OTEL_METRIC_EXPORT_INTERVAL"]) / 1000
    while True:
        time.sleep(interval)
        with lock:
            point = {"startTimeUnixNano": start, "timeUnixNano": str(time.time_ns()), "asInt": str(counted),
                     "attributes": [{"key": "http.route", "value": {"stringValue": "/orders"}}],
                     "exemplars": list(exemplars)}
            exemplars.clear()
        sums = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
        body = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [
            {"metrics": [{"name": "shop.orders", "unit": "{order}", "sum": sums}]}]}]}
        endpoint = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/metrics"
        request = urllib.request.Request(endpoint, json.dumps(body).encode(), {"content-type": "application/json"})
        urllib.request.urlopen(request).read()
threading.Thread(target=export, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
"#;

/// Runs specs, each with these expectations, against a service that counts.
async fn run(expectations: &[&str]) -> Said {
    project(expectations).await.run(&[]).await
}

async fn project(expectations: &[&str]) -> Project {
    let specs = expectations.iter().enumerate().map(|(number, expect)| {
        let request =
            "request: { post: \"http://127.0.0.1:${services.shop.http}/orders\", json: { sku: A1 } }";
        format!("name: spec {number}\n{request}\nexpect:\n  status: 201\n{expect}")
    });
    let specs: Vec<String> = specs.collect();
    let project = Project::with(&[("a.yaml", &specs.join("---\n"))]).await;
    project.write("shop.py", COUNTING);
    project.write(
        "spanspec.yaml",
        "services:
  shop:
    run: python3 shop.py
    ports: { http: auto }
    env: { PORT: \"${services.shop.http}\", OTEL_SERVICE_NAME: shop }
    ready: http://127.0.0.1:${services.shop.http}/
",
    );
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_of_exec_has_metrics_too() {
    let one = "  metrics: [{ find: shop.orders, change: 1, exemplar: this }]\n";
    let project = project(&[one, "  metrics: [{ find: shop.orders, change: 0 }]\n"]).await;
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    let exec = ["exec", "--listen", &listen, "--", SPANSPEC, "run"];
    let said = project.spanspec(&exec).await;
    said.expect(
        1,
        &[
            "found 1 (1 before the request, 2 after it)",
            "1 failed, 1 passed",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_growth_and_the_exemplar_of_one_request_are_found_beside_others() {
    let one = "  metrics:
    - find: { name: shop.orders, service: shop, type: sum, unit: \"{order}\", attributes: { http.route: /orders } }
      change: 1
      value: 1..
      exemplar: this
";
    // The others send requests at the same time, before these run alone.
    run(&[one, "", "", one]).await.expect(0, &["4 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_growth_that_differs_fails_and_a_metric_that_never_arrived_is_an_error() {
    let said = run(&[
        "  metrics: [{ find: shop.orders, change: 0 }]\n",
        "  metrics: [{ find: shop_orders_total, change: 1 }]\n",
        "  metrics: [{ find: { name: orders, service: payment }, change: 1 }]\n",
    ])
    .await;
    said.expect(
        1,
        &[
            "change of `shop.orders`",
            "found 1 (0 before the request, 1 after it)",
            "names are those of OTLP, not of Prometheus: write `shop.orders`",
            "no metric of `payment` arrived",
            "OTEL_METRICS_EXPORTER=otlp, OTEL_METRIC_EXPORT_INTERVAL=500",
            "2 failed, 1 errored",
        ],
    );
}
