use super::super::sample;
use super::*;
use crate::result::EarlierTrace;
use crate::trace::{LogRecord, SpanId, Trace};
use std::sync::Arc;

/// The content of the element with this id.
fn json_of(page: &str, id: &str) -> serde_json::Value {
    let start = format!("<script id=\"{id}\" type=\"application/json\">");
    let (_, rest) = page.split_once(&start).expect(id);
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

fn with_name(name: &str) -> Report {
    let mut report = sample::report();
    name.clone_into(&mut report.specs[1].name);
    let attempt = &mut report.specs[1].attempts[0];
    attempt.steps[0].trace = Some(Arc::new(trace_of(name)));
    report
}

fn trace_of(name: &str) -> Trace {
    sample::assemble([sample::span(1, 0, name, name, 0, 5)])
}

#[test]
fn every_spec_has_its_place_in_the_list_and_its_data() {
    let report = sample::report();
    let page = render(&report);
    for (number, spec) in (1..).zip(&report.specs) {
        assert!(
            page.contains(&format!("href=\"#spec-{number}\"")),
            "{number}"
        );
        let data = json_of(&page, &format!("data-{number}"));
        let attempts = data["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), spec.attempts.len());
    }
    for count in [
        "<b>1</b> failed",
        "<b>1</b> errored",
        "<b>1</b> flaky",
        "<b>1</b> skipped",
        "<b>1</b> not run",
    ] {
        assert!(page.contains(count), "{count}");
    }
}

#[test]
fn nothing_is_fetched_and_no_script_runs_but_ours() {
    let page = render(&sample::report());
    let (_, policy) = page
        .split_once("http-equiv=\"Content-Security-Policy\" content=\"")
        .unwrap();
    let (policy, _) = policy.split_once('"').unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'nonce-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!page.contains(" src=") && !page.contains("@import") && !page.contains("url(http"));
    let nonce = |page: &str| page.split_once("nonce-").unwrap().1[..32].to_owned();
    assert_ne!(nonce(&page), nonce(&render(&sample::report())));
}

#[test]
fn names_cannot_end_their_element() {
    for name in [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "</title><img src=x>",
        "\" onclick=\"x",
    ] {
        let report = with_name(name);
        let page = render(&report);
        let ours = render(&with_name("plain"));
        for tag in ["<script", "</script", "<!--", "<img", "onclick=\""] {
            let number = |text: &str| text.matches(tag).count();
            assert_eq!(number(&page), number(&ours), "{tag} of {name}");
        }
        let strings = json_of(&page, "shared")["strings"].clone();
        assert!(strings.as_array().unwrap().contains(&name.into()), "{name}");
    }
}

#[test]
fn spans_share_strings() {
    let page = render(&sample::report());
    let shared = json_of(&page, "shared");
    let strings = shared["strings"].as_array().unwrap();
    let order = strings.iter().filter(|text| *text == "POST /orders");
    assert_eq!(order.count(), 1);
    assert_eq!(shared["sources"].as_array().unwrap().len(), 1);
    let trace = &json_of(&page, "data-2")["attempts"][0]["steps"][0]["traces"][0];
    let row = &trace["spans"][1];
    // The second span is a child of the first, and starts 12 ms later.
    assert_eq!((&row[1], &row[6]), (&0.into(), &12_000_000.into()));
    let name = usize::try_from(row[4].as_u64().unwrap()).unwrap();
    assert_eq!(strings[name], "POST /orders");
}

#[test]
fn an_earlier_trace_has_its_differences() {
    let mut report = sample::report();
    report.specs[1].attempts[0].steps[0].earlier = Some(EarlierTrace {
        trace: Arc::new(sample::assemble([
            sample::span(1, 0, "gateway", "POST /orders", 0, 801),
            sample::span(2, 1, "order", "POST /orders", 12, 788),
            sample::span(9, 2, "mail", "send", 12, 788),
        ])),
        path: "target/spanspec/placed.json".into(),
        started: report.started,
    });
    let page = render(&report);
    let earlier = &json_of(&page, "data-2")["attempts"][0]["steps"][0]["earlier"];
    let changes = earlier["changes"].as_array().unwrap();
    let told = changes
        .iter()
        .map(|change| format!("{} {}", change["what"], change["name"]));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "\"missing\" \"send\"",
            "\"added\" \"reserve_stock\"",
            "\"added\" \"process_payment\"",
            "\"added\" \"INSERT orders\"",
        ]
    );
    // The page orders spans depth first.
    assert_eq!(changes[3]["after"], serde_json::json!([5]));
}

/// The logs of the page of a trace with these records.
fn logs_of(records: Vec<LogRecord>) -> serde_json::Value {
    let mut report = sample::report();
    let records = records.into_iter().map(Arc::new).collect();
    let trace = sample::shop().with_logs(Arc::new(records));
    report.specs[1].attempts[0].steps[0].trace = Some(Arc::new(trace));
    let data = json_of(&render(&report), "data-2");
    data["attempts"][0]["steps"][0]["traces"][0]["logs"].clone()
}

fn record(span: SpanId, severity: u8, ms: u64) -> LogRecord {
    LogRecord {
        severity: Some(severity),
        time: sample::shop().spans()[0].start + ms * 1_000_000,
        body: format!("at {ms} ms").into(),
        ..LogRecord::new(sample::trace_id(), span)
    }
}

#[test]
fn log_records_refer_to_their_span_if_it_arrived() {
    let alone = record(sample::span_id(99), 9, 3);
    let logs = logs_of(vec![record(sample::span_id(2), 17, 20), alone]);
    let records = logs["records"].as_array().unwrap();
    let told = records
        .iter()
        .map(|row| format!("{} {} {}", row[0], row[1], row[2]));
    assert_eq!(
        told.collect::<Vec<_>>(),
        ["null 3000000 9", "1 20000000 17"]
    );
    assert_eq!(logs["left_out"], serde_json::json!([]));
}

#[test]
fn of_many_log_records_the_page_has_the_most_severe_and_counts_the_others() {
    let of_span = |span| move |ms| record(sample::span_id(span), 9, ms);
    let mut records: Vec<LogRecord> = (0..990).map(of_span(1)).collect();
    records.extend((0..20).map(of_span(2)));
    records.push(record(sample::span_id(99), 1, 0));
    records.push(record(sample::span_id(2), 17, 5_000));
    let logs = logs_of(records);
    let shown = logs["records"].as_array().unwrap();
    assert_eq!(shown.len(), 1_000);
    assert_eq!(shown[999][2], 17);
    assert_eq!(logs["left_out"], serde_json::json!([[1, 11], [null, 1]]));
}

#[test]
fn runs_without_specs_have_a_page() {
    let mut report = sample::report();
    report.specs.clear();
    assert!(render(&report).contains("No spec ran."));
    report
        .trouble
        .push(crate::result::Trouble::new("port 4317 is taken"));
    assert!(render(&report).contains("port 4317 is taken"));
}

#[test]
fn without_scripts_the_page_shows_the_text_of_the_terminal() {
    let page = render(&sample::report());
    let (_, noscript) = page.split_once("<noscript>").unwrap();
    let (noscript, _) = noscript.split_once("</noscript>").unwrap();
    assert!(noscript.contains("FAIL  placing an order charges the card"));
    assert_eq!(noscript.matches("<pre>").count(), 2);
}

#[test]
fn the_traces_of_the_run_are_listed_with_their_places_and_their_service_graph() {
    let report = sample::report();
    let page = render(&report);
    let run = json_of(&page, "run-data");
    let traces = run["traces"].as_array().unwrap();
    assert!(!traces.is_empty());
    for trace in traces {
        let at = |key: &str| usize::try_from(trace[key].as_u64().unwrap()).unwrap();
        let data = json_of(&page, &format!("data-{}", at("spec")));
        let step = &data["attempts"][at("attempt")]["steps"][at("step")];
        let there = match trace["list"].as_str().unwrap() {
            "earlier" => &step["earlier"]["trace"],
            "load" => &step["load"]["traces"][at("at")],
            list => &step[list][at("at")],
        };
        assert_eq!(there["id"], trace["id"]);
        assert_eq!(there["spans"].as_array().unwrap().len(), at("spans"));
    }
    assert!(!run["graph"]["services"].as_array().unwrap().is_empty());
}
