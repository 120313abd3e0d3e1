//! `search`: traces that a source has already, here files.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::system::{Project, Said, said};

/// A trace of two spans, which began this number of seconds ago.
struct Order {
    number: u32,
    seconds_ago: u64,
    micros: u64,
    version: &'static str,
    has_charge: bool,
    /// A parent of the entry that is not in the file.
    caller: Option<&'static str>,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            number: 1,
            seconds_ago: 60,
            micros: 1_000,
            version: "v2.3.0",
            has_charge: true,
            caller: None,
        }
    }
}

impl Order {
    fn json(&self) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let start = u64::try_from(now.as_nanos()).unwrap() - self.seconds_ago * 1_000_000_000;
        let span = |id: &str, parent: &str, name: &str, kind: u8| {
            json!({
                "traceId": format!("{:032x}", 0xa000 + self.number),
                "spanId": id, "parentSpanId": parent, "name": name, "kind": kind,
                "startTimeUnixNano": start.to_string(),
                "endTimeUnixNano": (start + 1_000 * self.micros).to_string(),
            })
        };
        let mut spans = vec![span(
            "000000000000000a",
            self.caller.unwrap_or(""),
            "POST /orders",
            2,
        )];
        if self.has_charge {
            spans.push(span("000000000000000b", "000000000000000a", "charge", 1));
        }
        let attribute =
            |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
        json!({ "resourceSpans": [{
            "resource": { "attributes": [attribute("service.name", "order"), attribute("service.version", self.version)] },
            "scopeSpans": [{ "spans": spans }],
        }] })
    }
}

async fn run(orders: &[Order], spec: &str, arguments: &[&str]) -> (Project, Said) {
    let project = Project::with(&[("a.yaml", spec)]).await;
    project.write(
        "spanspec.yaml",
        "specs: [specs]\nsource: { files: traces, delay: 1s }\n",
    );
    let lines: Vec<String> = orders
        .iter()
        .map(|order| order.json().to_string())
        .collect();
    project.write("traces/orders.jsonl", &lines.join("\n"));
    let said = search(&project, arguments).await;
    (project, said)
}

/// `spanspec run` in the project.
async fn search(project: &Project, arguments: &[&str]) -> Said {
    let all: Vec<&str> = std::iter::once("run")
        .chain(arguments.iter().copied())
        .collect();
    said(project.command(&all)).await
}

const CHARGED: &str = "search: { find: { service: order, name: POST /orders }, since: 1h }
expect:
  spans:
    - find: charge
      count: 1
";

#[tokio::test(flavor = "multi_thread")]
async fn each_trace_of_the_window_is_judged_whole() {
    let orders = [
        Order::default(),
        Order {
            number: 2,
            ..Order::default()
        },
        // Before the window.
        Order {
            number: 3,
            seconds_ago: 7_200,
            has_charge: false,
            ..Order::default()
        },
    ];
    let (project, said) = run(&orders, CHARGED, &["--report", "json=j.json"]).await;
    said.expect(0, &["2 traces, found in the last 1 h", "1 passed"]);
    let report: Value = serde_json::from_str(&project.read("j.json")).unwrap();
    let load = &report["specs"][0]["attempts"][0]["steps"][0]["load"];
    assert_eq!(load["pace"]["kind"], "search");
    assert_eq!((&load["requests"], &load["failed"]), (&json!(2), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_search_shows_the_worst_traces() {
    let failing = |number, micros| Order {
        number,
        micros,
        has_charge: false,
        ..Order::default()
    };
    let orders = [
        Order::default(),
        failing(2, 10),
        failing(3, 30_000),
        failing(4, 20_000),
        failing(5, 5),
    ];
    let spec = CHARGED.replace("since: 1h", "since: 1h, failures: 20%");
    let (project, said) = run(
        &orders,
        &spec,
        &["--report", "junit=j.xml", "--report", "json=j.json"],
    )
    .await;
    let id = |number: u32| format!("{:032x}", 0xa000 + number);
    said.expect(
        1,
        &[
            "4 of 5 traces failed (1 allowed)",
            "expected exactly 1, found none",
            &format!("the worst trace: trace {}", id(3)),
            &format!("also failed: trace {}: exactly 1 of `charge`", id(4)),
            &format!("also failed: trace {}", id(2)),
            "1 failed",
        ],
    );
    assert!(!said.out.contains(&id(5)), "{}", said.out);
    let junit = project.read("j.xml");
    assert_eq!(junit.matches("<testcase").count(), 1, "{junit}");
    let report: Value = serde_json::from_str(&project.read("j.json")).unwrap();
    let other = &report["specs"][0]["attempts"][0]["steps"][0]["load"]["other_failed"];
    assert_eq!(other[0]["trace_id"], id(4));
    assert!(other[0]["saved_trace"].is_string(), "{other:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_reached_its_limit_bounds_the_share_of_failed_traces() {
    let orders: Vec<Order> = (1..=12)
        .map(|number| Order {
            number,
            seconds_ago: u64::from(100 * number),
            has_charge: number % 5 != 0,
            ..Order::default()
        })
        .collect();
    let spec = CHARGED.replace("since: 1h", "since: 1h, limit: 10, failures: 2");
    let (_, said) = run(&orders, &spec, &[]).await;
    // Clopper and Pearson: 2 of 10.
    said.expect(
        0,
        &[
            "2 of 10 traces failed (2 allowed)",
            "the newest 10 traces; there may be more (`limit`), of which 2.52 to 55.6 % fail (95 %",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_traces_and_a_run_without_a_backend_are_errors() {
    let spec = CHARGED.replace("since: 1h", "since: 1h, at_least: 2");
    let (project, said) = run(&[Order::default()], &spec, &[]).await;
    said.expect(
        3,
        &[
            "the search found 1 trace (at least 2 required)",
            "specs/a.yaml:1:9",
        ],
    );
    project.write("spanspec.yaml", "specs: [specs]\n");
    let said = project.run(&[]).await;
    said.expect(
        3,
        &[
            "`search` needs a backend, and this run receives its spans itself",
            "add `source` to spanspec.yaml",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_without_its_caller_is_not_judged_unless_the_spec_accepts_that() {
    let orders = [Order {
        caller: Some("00000000000000ff"),
        ..Order::default()
    }];
    // The charge exists, but further spans could be missing.
    let (project, said) = run(&orders, CHARGED, &[]).await;
    said.expect(
        3,
        &[
            "spans of this trace are missing, so what holds so far may not be all",
            "the span 00000000000000ff never arrived",
            "`orphans: 0..` in `expect` accepts missing parents",
        ],
    );
    project.write(
        "specs/a.yaml",
        &CHARGED.replace("expect:\n", "expect:\n  orphans: 0..\n"),
    );
    search(&project, &[]).await.expect(0, &["1 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_of_which_the_wanted_span_may_be_missing_is_not_judged() {
    // The search means `ship`, which could be the missing caller of the second trace.
    let orders = [
        Order::default(),
        Order {
            number: 2,
            caller: Some("00000000000000ff"),
            ..Order::default()
        },
    ];
    let spec = "search: { find: { service: order, above: { name: charge }, name: =~ ^(POST|ship) }, since: 1h }
expect: { errors: 0 }
";
    let (project, said) = run(&orders, spec, &[]).await;
    said.expect(3, &["1 of 2 traces could not be judged"]);
    // All candidates have the service, but only complete ones show that no `ship` is there.
    project.write(
        "specs/a.yaml",
        "search: { find: { service: order, name: =~ ^ship }, since: 1h }\nexpect: { errors: 0 }\n",
    );
    let said = search(&project, &[]).await;
    said.expect(
        3,
        &["it is not known if `find` means this trace: spans of it are missing"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_whose_only_span_is_invalid_is_not_missed() {
    let (project, _) = run(&[Order::default()], CHARGED, &[]).await;
    let mut invalid = Order {
        number: 2,
        has_charge: false,
        ..Order::default()
    }
    .json();
    invalid["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] = json!("0000000000000000");
    let valid = Order::default().json();
    project.write("traces/orders.jsonl", &format!("{valid}\n{invalid}"));
    let said = search(&project, &[]).await;
    said.expect(3, &["1 of 2 traces could not be judged"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_of_traces_that_spanspec_started_is_known_and_no_mark_replaces_it() {
    let trace = spanspec::internal::trigger::TraceContext::random();
    let parent = trace.parent_id.to_string();
    let of = |caller: &str| {
        let mut order = Order::default().json();
        for span in order["resourceSpans"][0]["scopeSpans"][0]["spans"]
            .as_array_mut()
            .unwrap()
        {
            span["traceId"] = json!(trace.trace_id.to_string());
            span["traceState"] = json!("spanspec=1");
        }
        order["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["parentSpanId"] = json!(caller);
        order.to_string()
    };
    let (project, _) = run(&[Order::default()], CHARGED, &[]).await;
    project.write("traces/orders.jsonl", &of(&parent));
    search(&project, &[]).await.expect(0, &["1 passed"]);
    project.write("traces/orders.jsonl", &of("00000000000000ff"));
    let said = search(&project, &[]).await;
    said.expect(3, &["the span 00000000000000ff never arrived"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_run_side_by_side_are_compared() {
    let of = |first: u32, version, micros: u64| {
        (0..60).map(move |at| Order {
            number: first + at,
            version,
            micros: micros + u64::from(at),
            ..Order::default()
        })
    };
    let orders: Vec<Order> = of(0, "v2.3.0", 120_000)
        .chain(of(100, "v2.4.0", 350_000))
        .collect();
    let spec = "search: { find: { name: charge }, since: 1h, limit: 200 }
budgets:
  - find: { name: charge }
    compare: service.version
";
    let (project, said) = run(&orders, spec, &[]).await;
    said.expect(
        1,
        &[
            "v2.3.0 (baseline, n=60)",
            "v2.4.0 (n=60)",
            "p50 of charge",
            "REGRESSED: at least 2.9",
        ],
    );
    project.write(
        "specs/a.yaml",
        &spec.replace(
            "service.version",
            "{ resource: service.version, from: v2.4.0, to: v2.3.0 }",
        ),
    );
    search(&project, &[]).await.expect(0, &["1 passed"]);
    project.write(
        "specs/a.yaml",
        &spec.replace(
            "service.version",
            "{ resource: service.version, from: v1, to: v2.4.0 }",
        ),
    );
    let said = search(&project, &[]).await;
    said.expect(
        3,
        &["no trace has `service.version` `v1`: found `v2.3.0` in"],
    );
}
