//! A report with one spec of each kind, and its JUnit.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spanspec::internal::result::{Phase, Telemetry};
use spanspec::internal::spec::Place;
use spanspec::{
    Attempt, CheckRef, Failure, Granularity, Judged, Junit, Location, Origin, Outcome, Report,
    Reporter, Secrets, Source, Span, SpanId, SpecReport, StepReport, Subject, Trace, TraceId,
    Trouble, Verdict,
};

pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPEC: &str = "name: it fails\nrequest: GET /\nexpect: { status: 200, errors: 0 }\n";
const FILE: &str = "specs/pay/place.order.yaml";

fn at(text: &str) -> Location {
    let start = SPEC.find(text).unwrap();
    let end = start + text.len();
    Source::new(FILE, SPEC).at(Place { start, end })
}

fn judged(subject: Subject, at: &Location, expected: &str, found: &str) -> Judged {
    let failure = Failure::new(subject, at.clone(), expected, found);
    Judged::failed(CheckRef::Response(0), failure)
}

fn step(checks: Vec<Judged>, trouble: Option<Trouble>) -> StepReport {
    let id: TraceId = TRACE.parse().unwrap();
    let root = SpanId::from_bytes([1; 8]).unwrap();
    let span = Span {
        end: 1_000_000,
        ..Span::new(id, root, "GET /")
    };
    StepReport {
        trigger: "GET http://127.0.0.1/".to_owned(),
        trace_id: Some(id),
        trace: Some(Arc::new(Trace::assemble(id, Origin::Foreign, [span]))),
        checks,
        trouble,
        was_closed: true,
        saved_trace: Some("target/spanspec/a.json".into()),
        ..StepReport::blank(Phase::Test)
    }
}

fn attempt(verdict: Verdict) -> Attempt {
    let trouble = || Trouble {
        what: "it said <&>\"']]> and </failure>".to_owned(),
        at: Some(at("GET /")),
        details: vec!["[[ATTACHMENT|/etc/passwd]]".to_owned()],
        help: Vec::new(),
    };
    let passed = || Judged {
        check: CheckRef::Response(0),
        what: "status of the response".to_owned(),
        at: at("200"),
        outcome: Outcome::Pass,
    };
    let failed = || {
        let first = judged(
            Subject::Response("body of the response"),
            &at("{ status"),
            "\"card\"",
            "\"paypal\"",
        );
        vec![
            first,
            judged(
                Subject::Response("status of the response"),
                &at("200"),
                "200",
                "503",
            ),
        ]
    };
    let step = match verdict {
        Verdict::Failed => step(failed(), None),
        Verdict::Errored => step(Vec::new(), Some(trouble())),
        _ => step(vec![passed()], None),
    };
    Attempt {
        verdict,
        started: "2026-03-01T12:00:00Z".parse().unwrap(),
        duration: Duration::from_secs(1),
        steps: vec![step],
    }
}

fn spec(name: &str, verdict: Verdict, attempts: Vec<Attempt>) -> SpecReport {
    SpecReport {
        name: name.to_owned(),
        at: at("name"),
        tags: Vec::new(),
        verdict,
        duration: Duration::from_millis(1_000) * u32::try_from(attempts.len().min(2)).unwrap(),
        attempts,
    }
}

fn report() -> Report {
    let one = |verdict: Verdict| vec![attempt(verdict)];
    let specs = vec![
        spec("it passes", Verdict::Passed, one(Verdict::Passed)),
        spec("it fails", Verdict::Failed, one(Verdict::Failed)),
        spec("it fails", Verdict::Failed, one(Verdict::Failed)),
        spec("nobody can tell", Verdict::Errored, one(Verdict::Errored)),
        spec(
            "it passes at last",
            Verdict::Passed,
            vec![attempt(Verdict::Failed), attempt(Verdict::Passed)],
        ),
        spec(
            "it never passes",
            Verdict::Failed,
            [Verdict::Errored, Verdict::Failed, Verdict::Failed]
                .map(attempt)
                .into(),
        ),
        spec(
            "left out",
            Verdict::Skipped("until #12 is done".to_owned()),
            Vec::new(),
        ),
        spec(
            "not reached",
            Verdict::NotRun("interrupted".to_owned()),
            Vec::new(),
        ),
    ];
    Report {
        started: "2026-03-01T12:00:00Z".parse().unwrap(),
        duration: Duration::from_secs(9),
        specs,
        trouble: Vec::new(),
        notices: Vec::new(),
        telemetry: Telemetry::default(),
        interrupted: true,
        without_specs: None,
        fail_flaky: false,
        secrets: Secrets::default(),
    }
}

/// The path in a user's CI.
pub(crate) fn junit(granularity: Granularity) -> String {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join(Path::new("junit.xml"));
    Junit::file(&file, granularity).finish(&report()).unwrap();
    std::fs::read_to_string(file).unwrap()
}
