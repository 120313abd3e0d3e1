//! Metrics that services expose for Prometheus.

use super::system::{Project, SPANSPEC, Said};

/// A service that counts its orders, and exposes the count in the way that `MODE` names.
const EXPOSING: &str = r##"
import http.server, os, threading, time
lock, orders, scrapes, trace, start = threading.Lock(), 0, 0, "", time.time()
mode = os.environ["MODE"]
def exposed(is_open):
    exemplar = ' # {trace_id="%s",span_id="00000000000000a1"} 1' % trace if is_open and trace else ""
    if mode == "empty" and not orders:
        return "# EOF\n" if is_open else ""
    family = "shop_orders" if is_open else "shop_orders_total"
    text = '# TYPE %s counter\n' % family
    if orders or mode != "created":
        text += 'shop_orders_total{http_route="/orders"} %d%s\n' % (orders, exemplar)
    if is_open and mode != "created":
        text += 'shop_orders_created{http_route="/orders"} %.3f\n' % start
    text += '# TYPE took_seconds histogram\n'
    text += 'took_seconds_bucket{code="201",le="+Inf"} %d\n' % orders
    text += 'took_seconds_sum{code="201"} %f\ntook_seconds_count{code="201"} %d\n' % (orders * 0.5, orders)
    text += '# TYPE scrapes_total counter\nscrapes_total %d\n' % scrapes
    text += '# TYPE broken gauge\nbroken NaN\n'
    return text + ("# EOF\n" if is_open and mode != "cut" else "")
class Shop(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global orders, trace
        self.rfile.read(int(self.headers.get("content-length", 0)))
        with lock:
            orders += 1
            trace = self.headers.get("traceparent", "-").split("-")[1]
            if mode == "restarts":
                globals()["start"], orders = time.time(), 1
        self.reply(201, "text/plain", "")
    def do_GET(self):
        global scrapes
        if self.path.split("?")[0] != "/metrics":
            return self.reply(200, "text/plain", "")
        if mode == "late" and scrapes < 2:
            scrapes += 1
            return self.reply(503, "text/plain", "")
        is_open = "openmetrics" in self.headers.get("accept", "") and mode != "plain"
        with lock:
            scrapes += 1
            text = exposed(is_open)
        if mode == "breaks" and orders:
            return self.reply(404, "text/plain", "")
        if mode == "nothing":
            return self.reply(200, "text/plain", "")
        if mode == "page":
            return self.reply(200, "text/html", "<html>")
        if mode == "missing":
            return self.reply(404, "text/plain", "")
        if mode == "failing":
            return self.reply(500, "text/plain", "")
        kind = "application/openmetrics-text; version=1.0.0" if is_open else "text/plain; version=0.0.4"
        self.reply(200, kind, text)
    def reply(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
"##;

/// Runs specs, each with these expectations about the metrics of a service in this mode.
async fn run(expectations: &[(&str, &str)]) -> Said {
    project(expectations).await.run(&["--verbose"]).await
}

async fn project(expectations: &[(&str, &str)]) -> Project {
    let specs = expectations
        .iter()
        .enumerate()
        .map(|(number, (mode, metrics))| {
            format!(
                "name: spec {number} {mode}\n\
             request: {{ post: \"http://127.0.0.1:${{services.{mode}.http}}/orders\" }}\n\
             expect:\n  status: 201\n  metrics:\n{metrics}"
            )
        });
    let specs: Vec<String> = specs.collect();
    let project = Project::with(&[("a.yaml", &specs.join("---\n"))]).await;
    project.write("shop.py", EXPOSING);
    let mut modes: Vec<&str> = expectations.iter().map(|(mode, _)| *mode).collect();
    modes.sort_unstable();
    modes.dedup();
    let services = modes.iter().map(|mode| {
        format!(
            "  {mode}:
    run: python3 shop.py
    ports: {{ http: auto }}
    env: {{ PORT: \"${{services.{mode}.http}}\", OTEL_SERVICE_NAME: {mode}, MODE: {mode} }}
    ready: http://127.0.0.1:${{services.{mode}.http}}/
    scrape: http://127.0.0.1:${{services.{mode}.http}}/metrics
"
        )
    });
    let services: String = services.collect();
    project.write(
        "spanspec.yaml",
        &format!("defaults: {{ wait: {{ metrics: 100ms }} }}\nservices:\n{services}"),
    );
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scraped_metric_is_found_by_the_name_that_it_has_in_opentelemetry() {
    let by_name = "  - find: { name: shop.orders, service: shop, type: sum, unit: \"{order}\", attributes: { http.route: /orders } }
    change: 1
    exemplar: this
  - find: { name: took, service: shop, attributes: { code: 201 } }
    change: 1
    sum: 0.5..
";
    let by_scraped_name =
        "  - find: { name: shop_orders_total, service: plain, attributes: { http_route: /orders } }
    change: 1
    value: 1..
  - find: { name: took_seconds, service: plain, type: histogram }
    change: 1
";
    // The first order begins this counter, or all metrics.
    let created = "  - find: { name: shop.orders, service: created }\n    change: 1\n";
    let first = "  - find: { name: shop.orders, service: empty }\n    change: 1\n";
    run(&[
        ("shop", by_name),
        ("shop", by_name),
        ("plain", by_scraped_name),
        ("created", created),
        ("empty", first),
    ])
    .await
    .expect(
        0,
        &[
            "5 passed",
            "change of { name \"shop.orders\", service \"shop\"",
            "(scraped as `shop_orders_total`): 1",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_not_ready_yet_is_read_again() {
    let project = project(&[(
        "late",
        "  - { find: { name: shop.orders, service: late }, change: 1 }\n",
    )])
    .await;
    let file = project.read("spanspec.yaml");
    project.write("spanspec.yaml", &file.replace("100ms", "2s"));
    project.run(&[]).await.expect(0, &["1 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_about_an_endpoint_show_no_secret_of_its_url() {
    let project = project(&[("missing", "  - shop.orders\n")]).await;
    let file = project.read("spanspec.yaml");
    let file = file.replace("http}/metrics", "http}/metrics?key=${KEY}");
    let file = file.replace("scrape: http://", "scrape: http://me:opensesame@");
    project.write(
        "spanspec.yaml",
        &format!("vars: {{ KEY: hunter22 }}\nsecrets: [KEY]\n{file}"),
    );
    let said = project.run(&["--verbose", "--report", "html=r.html"]).await;
    said.expect(3, &["?key=[masked] answered 404 Not Found"]);
    let all = said.out + &said.err + &project.read("r.html");
    assert!(
        !all.contains("hunter22") && !all.contains("opensesame"),
        "{all}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_of_exec_are_scraped_too() {
    let one = "  - { find: { name: shop.orders, service: shop }, change: 1, exemplar: this }\n";
    let project = project(&[("shop", one)]).await;
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    let exec = ["exec", "--listen", &listen, "--", SPANSPEC, "run"];
    project.spanspec(&exec).await.expect(0, &["1 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scraped_growth_that_differs_fails_and_one_that_is_not_known_is_an_error() {
    let said = run(&[
        (
            "shop",
            "  - { find: { name: shop.orders, service: shop }, change: 0 }\n",
        ),
        // The requests for metrics are counted.
        (
            "shop",
            "  - { find: { name: scrapes, service: shop }, change: 1 }\n",
        ),
        (
            "shop",
            "  - { find: { name: scrapes, service: shop }, change: 1.. }\n",
        ),
        (
            "shop",
            "  - { find: { name: broken, service: shop }, value: { not: 1 } }\n",
        ),
        (
            "restarts",
            "  - { find: { name: shop.orders, service: restarts }, change: 1 }\n",
        ),
        (
            "restarts",
            "  - { find: { name: shop.orders, service: restarts }, change: 1.. }\n",
        ),
    ])
    .await;
    said.expect(
        1,
        &[
            "change of { name \"shop.orders\", service \"shop\" } (scraped as `shop_orders_total`)",
            "found 1 (0 before the request, 1 after it)",
            "`scrapes_total` of `shop` also grew before the request",
            "`broken` of `shop` has a value that is infinite or not a number",
            "`shop_orders_total` of `restarts` was reset during the request",
            "1 failed, 4 errored, 1 passed",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_cannot_be_read_any_more_makes_the_checks_of_its_service_errors() {
    run(&[
        (
            "breaks",
            "  - { find: { name: shop.orders, service: shop }, change: 0 }\n",
        ),
        (
            "shop",
            "  - { find: { name: shop.orders, service: shop }, change: 1 }\n",
        ),
    ])
    .await
    .expect(
        3,
        &[
            "PASS  spec 0 breaks",
            "`scrape` of `breaks`: GET",
            "1 errored, 1 passed",
        ],
    );
    run(&[(
        "breaks",
        "  - { find: { name: shop.orders, service: breaks }, change: 1 }\n",
    )])
    .await
    .expect(3, &["/metrics answered 404 Not Found", "1 errored"]);
    run(&[(
        "breaks",
        "  - { find: { name: shop.orders, service: other }, change: 0 }\n",
    )])
    .await
    .expect(
        3,
        &["no metric of `other` arrived, and some may be missing: `scrape` of"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_cannot_be_read_makes_the_checks_of_all_services_errors() {
    let any = |mode: &'static str| (mode, "  - { find: shop.orders, change: 1 }\n");
    let said = run(&[
        (
            "page",
            "  - { find: { name: shop.orders, service: page }, change: 0 }\n",
        ),
        (
            "missing",
            "  - { find: { name: shop.orders, service: missing }, change: 0 }\n",
        ),
        (
            "cut",
            "  - { find: { name: shop.orders, service: cut }, value: 0.. }\n",
        ),
        (
            "failing",
            "  - { find: { name: shop.orders, service: failing }, change: 0.. }\n",
        ),
        // The endpoints may name this service.
        (
            "shop",
            "  - { find: { name: shop.orders, service: shop }, change: 1 }\n",
        ),
        (
            "shop",
            "  - { find: { name: shop.orders, service: other }, change: 0 }\n",
        ),
        // It may be a metric of each service.
        any("shop"),
    ])
    .await;
    said.expect(
        3,
        &[
            "`scrape` of `page`: GET\n  http://127.0.0.1:",
            "/metrics answered a web page",
            "write the address of the metrics into `scrape`",
            "`scrape` of `missing`: GET",
            "/metrics answered 404 Not Found",
            "answered no valid metrics: the end is missing: there is no `# EOF`",
            "/metrics answered 500 Internal Server Error",
            "7 errored",
        ],
    );
    run(&[(
        "nothing",
        "  - { find: { name: shop.orders, service: nothing }, change: 0 }\n",
    )])
    .await
    .expect(3, &["`nothing` exposed no metric"]);
}
