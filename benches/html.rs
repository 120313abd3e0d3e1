//! Measures the time to write the HTML report, and its size: `cargo bench --bench html`.
//!
//! With `-- --write FOLDER` the pages are kept, for a browser to open: `tests/browser` measures
//! there how quickly they do.

#![expect(clippy::cast_precision_loss, reason = "sizes are rounded anyway")]

mod figures;
mod loads;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use spanspec::internal::budget;
use spanspec::internal::report::html::render;
use spanspec::internal::result::{Measured, Phase, Telemetry};
use spanspec::internal::spec::Place;
use spanspec::{
    Attempt, Attributes, CheckRef, Event, Failure, HttpResponse, Judged, Location, LogRecord,
    Origin, Outcome, Report, Resource, Response, Secrets, Source, Span, SpanExemplar, SpanId,
    SpanKind, SpecReport, Status, StatusCode, StepReport, Subject, Trace, TraceId, Verdict,
    Witness,
};

use figures::{Times, head, line, rounds};
use loads::Budget;

const SERVICES: [&str; 6] = [
    "api-gateway",
    "order",
    "inventory",
    "payment",
    "shipping",
    "notification",
];
const MS: u64 = 1_000_000;
const START: u64 = 1_700_000_000_000_000_000;
const SPEC: &str = "name: placing an order\nrequest: POST ${BASE_URL}/orders\nexpect:\n  status: 201\n  spans:\n    - find: operation 7\n      attributes: { payment.method: card }\n";

/// Names that a hostile service may send.
const HOSTILE: [&str; 7] = [
    "</script><script>document.title = 'hostile'</script>",
    "<img src=x onerror=\"document.title = 'hostile'\">",
    "<!--<script>",
    "]]><svg onload=\"document.title = 'hostile'\">",
    "\" onmouseover=\"document.title = 'hostile'\" x=\"",
    "javascript:document.title='hostile'",
    "{{constructor.constructor('document.title=1')()}} \u{202e}\u{0}\u{1b}[31m \u{2028}",
];

fn main() {
    head("writing the HTML report", "size");
    let pages: [(&str, Report); 8] = [
        (
            "specs-500",
            report((1..=500).map(|n| spec(n, 20)).collect()),
        ),
        ("spans-5000", report(vec![spec(10, 5_000)])),
        ("logs", report(vec![with_logs(8, 20)])),
        ("logs-5000", report(vec![with_logs(5_000, 1_000)])),
        ("hostile", report(vec![hostile()])),
        ("budgets", report(vec![with_budgets()])),
        ("budgets-2000", report(vec![with_five_budgets(2_000)])),
        ("budgets-100000", report(vec![with_five_budgets(100_000)])),
    ];
    for (name, report) in &pages {
        let page = render(report);
        let times = Times::of(rounds(10, 1), || render(report));
        line(name, &times, &format!("{:.2} MB", page.len() as f64 / 1e6));
        if let Some(folder) = folder() {
            std::fs::create_dir_all(&folder).expect("a folder to write to");
            let file = folder.join(format!("{name}.html"));
            std::fs::write(file, page).expect("written");
        }
    }
}

fn folder() -> Option<PathBuf> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--write");
    arguments.nth(1).map(PathBuf::from)
}

fn report(specs: Vec<SpecReport>) -> Report {
    Report {
        started: jiff::Timestamp::UNIX_EPOCH,
        duration: Duration::from_secs(12),
        specs,
        trouble: Vec::new(),
        notices: Vec::new(),
        telemetry: Telemetry::default(),
        interrupted: false,
        without_specs: None,
        fail_flaky: false,
        secrets: Secrets::default(),
    }
}

fn trace_id(number: u64) -> TraceId {
    TraceId::from_bytes((u128::from(number) + 1).to_be_bytes()).expect("no zero")
}

fn span_id(number: usize) -> SpanId {
    SpanId::from_bytes((number as u64 + 1).to_be_bytes()).expect("no zero")
}

/// Four spans below each, each within its parent.
fn trace(number: u64, spans: usize) -> Trace {
    let resources = SERVICES.map(|service| {
        let attributes = [("service.name", service), ("service.version", "2.3.0")];
        Arc::new(Resource {
            attributes: attributes.into_iter().collect(),
        })
    });
    let all = (0..spans).map(|at| {
        let parent = at.checked_sub(1).map(|before| before / 4);
        let depth = u64::from((3 * at + 1).ilog(4));
        let turn = (at % 4) as u64;
        let service = parent.map_or(0, |parent| 1 + parent % 5);
        Span {
            parent_id: parent
                .map(|parent| span_id(parent + 1))
                .or(Some(span_id(0))),
            kind: SpanKind::ALL[at % 6],
            start: START + depth * MS + turn * 40 * MS,
            end: START + (400 - depth * 10) * MS - turn * MS,
            attributes: attributes(at),
            events: events(at),
            resource: Arc::clone(&resources[service]),
            ..Span::new(
                trace_id(number),
                span_id(at + 1),
                format!("operation {}", at % 40),
            )
        }
    });
    Trace::assemble(trace_id(number), Origin::Injected(span_id(0)), all)
}

fn attributes(at: usize) -> Attributes {
    let text = |key: &str, value: String| (key.to_owned(), value);
    [
        text("http.request.method", "POST".to_owned()),
        text("http.route", "/orders/{id}".to_owned()),
        text("order.id", format!("ord-{at:016x}")),
        text("payment.method", "paypal".to_owned()),
        text("server.address", "127.0.0.1".to_owned()),
        text(
            "db.query.text",
            "SELECT quantity, price FROM stock WHERE sku = $1".to_owned(),
        ),
    ]
    .into_iter()
    .collect()
}

fn events(at: usize) -> Vec<Event> {
    let event = Event {
        name: "retried".to_owned(),
        time: START + 50 * MS,
        attributes: [("attempt", 2_i64)].into_iter().collect(),
    };
    if at.is_multiple_of(10) {
        vec![event]
    } else {
        Vec::new()
    }
}

fn at(word: &str) -> Location {
    let start = SPEC.find(word).expect("a word of the spec");
    let place = Place {
        start,
        end: start + word.len(),
    };
    Source::new("specs/orders.yaml", SPEC).at(place)
}

fn judged(what: &str, word: &str, outcome: Outcome) -> Judged {
    Judged {
        check: CheckRef::Trace(0),
        what: what.to_owned(),
        at: at(word),
        outcome,
    }
}

fn failure(trace: &Trace) -> Failure {
    let span = &trace.spans()[trace.len() / 2];
    let subject = Subject::Span {
        part: "attribute `payment.method`".to_owned(),
        name: span.name.clone(),
    };
    Failure {
        witnesses: vec![Witness {
            trace_id: span.trace_id,
            span_id: span.span_id,
            service: span.service().to_owned(),
            name: span.name.clone(),
            mark: "payment.method = \"paypal\"".to_owned(),
        }],
        ..Failure::new(subject, at("card"), "\"card\"", "\"paypal\"")
    }
}

/// Every tenth fails.
fn spec(number: u64, spans: usize) -> SpecReport {
    let trace = trace(number, spans);
    let has_failed = number.is_multiple_of(10);
    let verdict = if has_failed {
        Verdict::Failed
    } else {
        Verdict::Passed
    };
    let outcome = if has_failed {
        Outcome::Fail(Box::new(failure(&trace)))
    } else {
        Outcome::Pass
    };
    let checks = vec![
        judged("status of the response: 201", "201", Outcome::Pass),
        judged("at least 1 of `operation 7`", "operation 7", Outcome::Pass),
        judged(
            "attribute `payment.method` of `operation 7`",
            "card",
            outcome,
        ),
    ];
    of_step(
        format!("placing order {number}"),
        verdict,
        step(trace, checks),
    )
}

fn of_step(name: String, verdict: Verdict, step: StepReport) -> SpecReport {
    SpecReport {
        name,
        at: at("name"),
        tags: vec!["orders".to_owned()],
        verdict: verdict.clone(),
        attempts: vec![Attempt {
            verdict,
            started: jiff::Timestamp::UNIX_EPOCH,
            duration: Duration::from_millis(400),
            steps: vec![step],
        }],
        duration: Duration::from_millis(400),
    }
}

fn step(trace: Trace, checks: Vec<Judged>) -> StepReport {
    StepReport {
        trigger: "POST http://127.0.0.1:8080/orders".to_owned(),
        trace_id: Some(trace.id()),
        response: Some(Response::Http(HttpResponse {
            status: 201,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: br#"{"order":{"id":"ord-1","total":25}}"#.to_vec(),
            time: Duration::from_millis(350),
            ..HttpResponse::default()
        })),
        trace: Some(Arc::new(trace)),
        checks,
        was_closed: true,
        ..StepReport::blank(Phase::Test)
    }
}

/// A trace with log records: in turn one of INFO, one of WARN, one with an exception, and one of a span
/// that never arrived.
fn with_logs(records: usize, spans: usize) -> SpecReport {
    let trace = trace(1, spans);
    let records: Vec<Arc<LogRecord>> = (0..records).map(|at| record(at, &trace)).collect();
    let checks = vec![judged("status of the response: 201", "201", Outcome::Pass)];
    let exemplar = SpanExemplar {
        span_id: trace.spans()[0].span_id,
        metric: "http.server.request.duration".to_owned(),
        unit: "s".to_owned(),
        value: 0.35.into(),
        attributes: [("http.route", "/orders")].into_iter().collect(),
    };
    let step = StepReport {
        exemplars: vec![exemplar],
        ..step(trace.with_logs(Arc::new(records)), checks)
    };
    of_step("an order is logged".to_owned(), Verdict::Passed, step)
}

fn record(at: usize, trace: &Trace) -> Arc<LogRecord> {
    let span = &trace.spans()[at % trace.len()];
    let (severity, body, attributes) = match at % 4 {
        0 => (9, "order placed", vec![("order.id", "ord-1")]),
        1 => (13, "card declined, trying again", vec![("attempt", "1")]),
        2 => (
            17,
            "payment failed",
            vec![
                ("exception.type", "CardError"),
                ("exception.message", "the bank refused the card"),
                (
                    "exception.stacktrace",
                    "CardError\n  at pay (pay.js:12)\n  at order (order.js:40)",
                ),
            ],
        ),
        _ => (9, "written in a span that never arrived", Vec::new()),
    };
    let span_id = if at % 4 == 3 {
        self::span_id(9_999_999)
    } else {
        span.span_id
    };
    Arc::new(LogRecord {
        severity: Some(severity),
        time: span.start + 2 * MS,
        body: body.into(),
        attributes: attributes.into_iter().collect(),
        resource: Arc::clone(&span.resource),
        ..LogRecord::new(trace.id(), span_id)
    })
}

/// Budgets that regressed, hold, are not proven, and have no baseline.
fn with_budgets() -> SpecReport {
    let budget = |subject, samples, medians, limits| Budget {
        subject,
        samples,
        medians,
        limits,
        versions: ("2.3.0", "2.4.0"),
    };
    of_load(&[
        budget(
            "inventory-check",
            500,
            (Some(120_000.0), 350_000.0),
            (400, 3_000),
        ),
        budget(
            "process_payment",
            500,
            (Some(210_000.0), 212_000.0),
            (400, 9_000),
        ),
        budget("ship", 60, (Some(80_000.0), 91_000.0), (100, 600)),
        budget("response time", 200, (None, 400_000.0), (380, 90_000)),
        budget("cache lookup (self time)", 3, (None, 240.0), (1, 2)),
    ])
}

fn with_five_budgets(samples: u64) -> SpecReport {
    let subjects = [
        "inventory-check",
        "process_payment",
        "ship",
        "notify",
        "response time",
    ];
    let budgets = subjects.map(|subject| Budget {
        subject,
        samples,
        medians: (Some(120_000.0), 125_000.0),
        limits: (150, 1_000),
        versions: ("2.3.0", "2.4.0"),
    });
    of_load(&budgets)
}

fn of_load(budgets: &[Budget<'_>]) -> SpecReport {
    let slowest = Arc::new(trace(2, 20));
    let measured: Vec<Measured> = budgets
        .iter()
        .map(|budget| budget.measured(&at("operation 7"), &slowest))
        .collect();
    let claims = measured.iter().flat_map(|one| &one.judged);
    let checks = claims.map(budget_check).collect();
    let mut step = step(trace(1, 20), checks);
    step.load = Some(Arc::new(loads::load(measured, &at("201"), "")));
    of_step("an order is quick enough".to_owned(), Verdict::Failed, step)
}

fn budget_check(claim: &budget::JudgedClaim) -> Judged {
    let what = format!("{} of {}", claim.quantile, claim.subject);
    if !claim.verdict.fails() {
        return judged(&what, "operation 7", Outcome::Pass);
    }
    let subject = Subject::Budget {
        quantile: claim.quantile,
        subject: claim.subject.clone(),
    };
    let found = claim.verdict.to_string();
    let failure = Failure::new(subject, at("operation 7"), "within its limit", found);
    judged(&what, "operation 7", Outcome::Fail(Box::new(failure)))
}

/// Everything that comes from the system under test is as bad as it can be.
fn hostile() -> SpecReport {
    let spans = HOSTILE.iter().enumerate().map(|(number, text)| {
        let attributes: Attributes = [(*text, *text), ("service.name", *text)]
            .into_iter()
            .collect();
        Span {
            parent_id: Some(span_id(number)),
            start: START,
            end: START + MS,
            status: Status {
                code: StatusCode::Error,
                message: (*text).to_owned(),
            },
            events: vec![Event {
                name: (*text).to_owned(),
                time: START,
                attributes: attributes.clone(),
            }],
            resource: Arc::new(Resource {
                attributes: attributes.clone(),
            }),
            trace_state: (*text).to_owned(),
            attributes,
            ..Span::new(trace_id(0), span_id(number + 1), *text)
        }
    });
    let trace = Trace::assemble(trace_id(0), Origin::Injected(span_id(0)), spans);
    let records = trace.spans().iter().zip(HOSTILE).map(|(span, text)| {
        Arc::new(LogRecord {
            severity: Some(13),
            severity_text: text.to_owned(),
            time: START,
            body: text.into(),
            event_name: text.to_owned(),
            attributes: [
                (text, text),
                ("exception.type", text),
                ("exception.stacktrace", text),
            ]
            .into_iter()
            .collect(),
            resource: Arc::clone(&span.resource),
            ..LogRecord::new(trace.id(), span.span_id)
        })
    });
    let records = Arc::new(records.collect());
    let trace = trace.with_logs(records);
    let every = HOSTILE.join(" ");
    let failure = Failure {
        found: every.clone(),
        hints: vec![every.clone()],
        ..failure(&trace)
    };
    let checks = vec![judged(&every, "card", Outcome::Fail(Box::new(failure)))];
    let mut step = step(trace, checks);
    step.trigger.clone_from(&every);
    step.notices.push(every.clone());
    step.response = Some(Response::Http(HttpResponse {
        headers: vec![(every.clone(), every.clone())],
        body: every.clone().into_bytes(),
        ..HttpResponse::default()
    }));
    let budget = Budget {
        subject: &every,
        samples: 500,
        medians: (Some(120_000.0), 350_000.0),
        limits: (400, 3_000),
        versions: (&every, &every),
    };
    let slowest = step.trace.clone().expect("it has one");
    let measured = vec![budget.measured(&at("card"), &slowest)];
    step.load = Some(Arc::new(loads::load(measured, &at("card"), &every)));
    of_step(every, Verdict::Failed, step)
}
