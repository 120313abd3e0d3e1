//! Texts of failures: a golden for each kind.
//!
//! `tests/failures/<name>/` contains `spec.yaml`, the judged `trace.json` (OTLP/JSON), optionally a
//! `response.json`, log records without a trace id in `logs.json` and the traces of other requests in `others.json`,
//! and the expected reports `terminal.txt` and `junit.xml`. After a change of
//! messages, `UPDATE_GOLDENS=1 cargo test --test failures` rewrites the reports; review them before
//! a commit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use spanspec::internal::check::{MetricEvidence, capture};
use spanspec::internal::result::{Phase, Telemetry, Timing};
use spanspec::internal::source::otlp::read_logs;
use spanspec::internal::spec::Scope;
use spanspec::internal::step::{ArrivedTraces, metrics_of_exports};
use spanspec::{
    Attempt, CommandResponse, Context, Detail, Evidence, Expect, Finality, Granularity, GrpcCode,
    GrpcEnding, GrpcResponse, HttpResponse, Judged, Judgement, Junit, LogsWithoutTrace, Look,
    Origin, Outcome, Progress, Report, Reporter, Response, Secrets, Source, Spec, SpecReport, Step,
    StepReport, Terminal, Trace, Trouble, Unjudged, Value, Verdict, judge, otlp,
};

macro_rules! failures {
    ($($name:ident)*) => {
        /// Every tested golden.
        const TESTED: &[&str] = &[$(stringify!($name)),*];

        mod reads_as_pinned {
            $(#[test] fn $name() { super::compare(stringify!($name)); })*
        }
    };
}

failures! {
    above_wrong
    absent_but_dropped
    absent_but_there
    after_nothing
    after_wrong
    aggregates
    all_of_nothing
    any_of_unmet
    array_against_alternatives
    attribute_alternatives
    attribute_merged
    attribute_missing
    attribute_misspelt
    attribute_of_the_resource
    attribute_renamed
    attribute_renamed_in_find
    attribute_wrong
    before_wrong
    below_a_service_name
    below_but_should_not
    below_wrong
    boolean_against_text
    boolean_written_as_text
    bytes_hide_text
    capture_body
    capture_header
    capture_nothing
    capture_several
    capture_span
    capture_span_attribute
    case_of_a_text
    caused_by_another
    child_of_a_lost_parent
    child_of_a_root
    child_of_wrong
    command_killed
    command_output
    command_output_json
    count_none_expected
    count_of_another_type
    count_too_many
    diagnosed_dropped
    diagnosed_id_cut
    diagnosed_id_in_decimal
    diagnosed_named_and_missing
    diagnosed_other_header
    diagnosed_proxy
    diagnosed_resampled
    diagnosed_restart_named
    diagnosed_restart_of_the_same_path
    diagnosed_threshold
    duration_at_its_limit
    duration_just_over
    edges
    edges_of_one_service
    ended_before_it_started
    errors
    event_missing
    event_too_often
    exception_in_a_log
    find_a_service_name
    graphql_another_error
    graphql_errors
    graphql_html
    graphql_no_result
    grpc_deadline
    grpc_detail_unknown
    grpc_message
    grpc_metadata_is_a_trailer
    grpc_status
    grpc_stream
    implied_exit_code
    json_in_an_attribute
    kind_wrong
    link_count
    link_missing
    linked_to_nothing
    linked_to_outside_find
    lint_not_judged
    lint_secret
    log_attribute_missing
    log_missing
    log_not_expected
    log_of_no_service
    log_on_another_span
    log_severity_wrong
    log_without_severity
    logs_of_another_trace
    logs_uncorrelated
    matcher_map_unmet
    metric_change
    metric_exemplar
    metric_missing
    metric_reset
    metric_scraped
    name_wrong
    nested_relation
    never_ended
    no_event_at_all
    no_spans
    not_against_an_array
    not_in_another_type
    nothing_found
    nothing_found_at_all
    number_against_text
    one_of_several
    order_without_an_end
    orphans
    output_truncated
    parent_of_too_many
    parents_missing
    propagation_behind_a_gateway
    propagation_gateway_unseen
    propagation_missing
    propagation_nothing
    propagation_restarted
    propagation_restarted_first
    propagation_unclear
    propagation_unlinked_consumer
    range_missed
    regex_not_found
    relation_to_an_entry
    resource_attribute_of_the_span
    resource_wrong
    response_body
    response_header
    response_header_not
    response_json
    response_json_equals
    response_json_includes
    response_json_not
    response_no_json
    response_status
    response_time
    sampling_not_kept
    sampling_spans_dropped
    sampling_threshold_lowered
    scope_wrong
    self_time
    sequence_missing
    sequence_violated
    service_wrong
    services
    services_elsewhere
    several_spans_wrong
    shape_differs
    shape_missing
    span_count
    span_count_too_few
    status_error
    status_message_wrong
    status_unset
    take_beyond_the_last
    take_last_wrong
    text_against_number
    trace_duration
    type_wrong
    unsampled_but_recorded
    version_against_text
    wanted_but_dropped
}

#[test]
fn every_folder_is_tested() {
    let folders: BTreeSet<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let tested: BTreeSet<String> = TESTED.iter().map(ToString::to_string).collect();
    assert_eq!(folders, tested);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failures")
}

fn compare(name: &str) {
    let folder = root().join(name);
    let report = report(&folder, name);
    pinned(&folder.join("terminal.txt"), &terminal(&report));
    pinned(&folder.join("junit.xml"), &junit(&report, name));
}

/// Compares with a file, or writes it if `UPDATE_GOLDENS` is set.
fn pinned(file: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::write(file, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(file).unwrap_or_else(|error| {
        panic!(
            "{}: {error}\nUPDATE_GOLDENS=1 writes it:\n{text}",
            file.display()
        )
    });
    snapbox::assert_data_eq!(text, snapbox::Data::text(expected).raw());
}

fn terminal(report: &Report) -> String {
    let mut out = Vec::new();
    let look = Look::plain();
    let mut terminal = Terminal::new(&mut out, look, Detail::Normal, Progress::hidden());
    terminal.finish(report).unwrap();
    drop(terminal);
    String::from_utf8(out).unwrap()
}

fn junit(report: &Report, name: &str) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("failures-{name}.xml"));
    Junit::file(&file, Granularity::Spec)
        .finish(report)
        .unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    text
}

/// The report of the spec in the folder, with fixed durations.
fn report(folder: &Path, name: &str) -> Report {
    let text = fs::read_to_string(folder.join("spec.yaml")).unwrap();
    let source = Source::new(format!("specs/{}.yaml", name.replace('_', "-")), text);
    let specs = Spec::read_all(&source, folder, &Context::default())
        .unwrap_or_else(|errors| panic!("{errors}"));
    let [spec] = specs.as_slice() else {
        panic!("one spec a folder")
    };
    let step = step_report(folder, spec, &spec.steps[0]);
    let any = |is: fn(&Outcome) -> bool| step.checks.iter().any(|judged| is(&judged.outcome));
    let verdict = if any(|outcome| outcome.failure().is_some()) {
        Verdict::Failed
    } else if any(|outcome| matches!(outcome, Outcome::Unjudged(_))) {
        Verdict::Errored
    } else {
        panic!("nothing fails here")
    };
    let started = "2026-03-01T12:00:00Z".parse().unwrap();
    let duration = Duration::from_millis(812);
    let spans = step.trace.as_ref().map_or(0, |trace| trace.len() as u64);
    let attempt = Attempt {
        verdict: verdict.clone(),
        started,
        duration,
        steps: vec![step],
    };
    let of_spec = SpecReport {
        name: spec.name.clone(),
        at: spec.at.clone(),
        tags: spec.tags.clone(),
        verdict,
        attempts: vec![attempt],
        duration,
    };
    Report {
        started,
        duration,
        specs: vec![of_spec],
        trouble: Vec::new(),
        notices: Vec::new(),
        telemetry: Telemetry {
            spans,
            ..Telemetry::default()
        },
        interrupted: false,
        without_specs: None,
        fail_flaky: false,
        secrets: Secrets::default(),
    }
}

fn step_report(folder: &Path, spec: &Spec, step: &Step) -> StepReport {
    let mut scope = spec.scope();
    let trigger = step.trigger(&scope).unwrap();
    let is_sampled = trigger.is_sampled();
    let response = response(&folder.join("response.json"));
    let traces = otlp::read(&fs::read(folder.join("trace.json")).unwrap()).unwrap();
    let trace = traces.into_iter().next();
    let other_traces = other_traces(&folder.join("others.json"));
    let trace = match other_traces {
        Some(_) => trace.map(|trace| sent(&trace)),
        None => trace,
    };
    let arrived = ArrivedTraces {
        trigger: &trigger,
        response: &response,
        trace_id: TRACE.parse().unwrap(),
        trace: trace.as_ref(),
        others: other_traces.clone().unwrap_or_default(),
    };
    let window = other_traces.is_some().then(|| arrived.window());
    let others = match fs::read(folder.join("logs.json")) {
        Ok(file) => read_logs(&file).unwrap(),
        Err(_) => Vec::new(),
    };
    let others = others.into_iter().map(Arc::new);
    let (stray, others) = others.partition(|record| record.trace_id.is_some());
    let mut others = LogsWithoutTrace::complete(others);
    others.stray = stray;
    let metrics = metrics(&folder.join("metrics.json"));
    let evidence = Evidence::new(&response, trace.as_ref(), is_sampled)
        .with_logs_without_trace(Some(&others))
        .with_metrics(metrics.as_ref())
        .with_window(window.as_ref());

    let mut checks = captures(step, &mut scope, &evidence);
    let is_captured = checks.is_empty();
    let (expect, trouble) = match step.expect(&scope) {
        Ok(expect) => (expect, None),
        Err(errors) => {
            let error = &errors.0[0];
            let trouble = Trouble {
                what: error.what.clone(),
                at: Some(error.at.clone()),
                details: Vec::new(),
                help: error.help.clone().into_iter().collect(),
            };
            (Expect::default(), Some(trouble))
        }
    };
    let judged = outcomes(judge(&expect, &evidence), &expect, trace.as_ref());
    checks.extend(
        judged
            .into_iter()
            .filter(|judged| is_captured || judged.outcome.failure().is_some()),
    );
    checks.sort_by_key(|judged| judged.at.place);
    let (missing, notices) = match other_traces {
        Some(_) => arrived.explain(&checks),
        None => (None, Vec::new()),
    };
    let has_failed = checks
        .iter()
        .any(|judged| judged.outcome.failure().is_some());
    let millis = |millis| Some(Duration::from_millis(millis));
    StepReport {
        name: step.name.clone(),
        trigger: trigger.describe(),
        notices,
        trace_id: trace.as_ref().map(Trace::id),
        trace: trace.map(Arc::new),
        response: Some(response),
        checks,
        trouble: trouble.or(missing.filter(|_| !has_failed)),
        was_closed: true,
        timing: Timing {
            response: millis(803),
            last_span: millis(811),
            verdict: millis(812),
        },
        ..StepReport::blank(Phase::Test)
    }
}

/// The trace of each request here.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The span id that was sent with each request that has other traces.
const CALLER: &str = "00f067aa0ba902b7";

/// The traces of other requests.
fn other_traces(file: &Path) -> Option<Vec<Trace>> {
    Some(otlp::read(&fs::read(file).ok()?).unwrap())
}

/// The trace as that of a request.
fn sent(trace: &Trace) -> Trace {
    let origin = Origin::Injected(CALLER.parse().unwrap());
    Trace::assemble(trace.id(), origin, trace.spans().to_vec())
}

/// A file with the exports `before` and `after` the request, in OTLP/JSON or as a text of OpenMetrics, the time
/// `alone_since` which no other spec sends requests, and the time when the request is `settled`.
fn metrics(file: &Path) -> Option<MetricEvidence> {
    let given: serde_json::Value = serde_json::from_slice(&fs::read(file).ok()?).unwrap();
    let exports = |key: &str| {
        let exports = given[key].as_array().unwrap().iter();
        let texts = exports.map(|export| {
            export
                .as_str()
                .map_or_else(|| export.to_string(), str::to_owned)
        });
        texts.collect::<Vec<_>>()
    };
    let time = |key: &str| given[key].as_u64().unwrap();
    Some(metrics_of_exports(
        (&exports("before"), &exports("after")),
        (time("alone_since"), time("settled")),
    ))
}

/// Adds captures to the scope; returns those that failed.
fn captures(step: &Step, scope: &mut Scope, evidence: &Evidence<'_>) -> Vec<Judged> {
    let mut failed = Vec::new();
    for (index, wanted) in step.captures(scope).unwrap().into_iter().enumerate() {
        match capture(&wanted, evidence) {
            Ok(value) => scope.set(wanted.name, value),
            Err(outcome) => failed.push(Judged::capture(index, &wanted, outcome)),
        }
    }
    failed
}

/// The final outcomes. If parents are missing, the deadline has passed.
fn outcomes(judgements: Vec<Judgement>, expect: &Expect, trace: Option<&Trace>) -> Vec<Judged> {
    let missing: Vec<_> = match trace {
        Some(trace) if !expect.tolerates_orphans() => trace.missing_parents().into_iter().collect(),
        _ => Vec::new(),
    };
    judgements
        .into_iter()
        .map(
            |Judgement {
                 mut judged,
                 finality,
             }| {
                let is_open_pass = judged.outcome == Outcome::Pass && finality == Finality::Open;
                if is_open_pass && !missing.is_empty() {
                    judged.outcome = Outcome::Unjudged(Unjudged::ParentsMissing(missing.clone()));
                }
                judged
            },
        )
        .collect()
}

/// A file with `status`, `headers` and `body`, with `grpc_status` and the parts of a gRPC response, or with
/// `exit_code`, `stdout` and `stderr`.
fn response(file: &Path) -> Response {
    let given: serde_json::Value = match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
        Err(_) => serde_json::json!({}),
    };
    let time = Duration::from_millis(given["time_ms"].as_u64().unwrap_or(803));
    let text = |key: &str| given[key].as_str().unwrap_or_default().to_owned();
    if given.get("exit_code").is_some() {
        return Response::Command(CommandResponse {
            exit_code: given["exit_code"]
                .as_i64()
                .and_then(|code| i32::try_from(code).ok()),
            signal: given["signal"]
                .as_i64()
                .and_then(|signal| i32::try_from(signal).ok()),
            stdout: text("stdout"),
            stderr: text("stderr"),
            stdout_dropped: given["stdout_dropped"].as_u64().unwrap_or_default(),
            time,
            ..CommandResponse::default()
        });
    }
    if given.get("grpc_status").is_some() {
        return Response::Grpc(Box::new(grpc_response(&given, time)));
    }
    let body = match &given["body"] {
        serde_json::Value::Null => r#"{"order":{"id":"o-17","sku":"A1","total":42}}"#.to_owned(),
        serde_json::Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let headers = match &given["headers"] {
        serde_json::Value::Array(headers) => headers.clone(),
        _ => vec![serde_json::json!(["content-type", "application/json"])],
    };
    let word = |of: &serde_json::Value| of.as_str().unwrap().to_owned();
    Response::Http(HttpResponse {
        status: u16::try_from(given["status"].as_u64().unwrap_or(201)).unwrap(),
        headers: headers
            .iter()
            .map(|header| (word(&header[0]), word(&header[1])))
            .collect(),
        body: body.into_bytes(),
        time,
        ..HttpResponse::default()
    })
}

fn grpc_response(given: &serde_json::Value, time: Duration) -> GrpcResponse {
    let text = |key: &str| given[key].as_str().unwrap_or_default().to_owned();
    let values = |key: &str| -> Vec<Value> {
        let all = given[key].as_array().into_iter().flatten();
        all.cloned().map(Value::from).collect()
    };
    let pairs = |key: &str| -> Vec<(String, String)> {
        let all = given[key].as_object().into_iter().flatten();
        all.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect()
    };
    let names = given["unknown_details"].as_array().into_iter().flatten();
    GrpcResponse {
        code: GrpcCode::named(&text("grpc_status")).unwrap(),
        status_message: text("status_message"),
        ending: match given["deadline"].as_bool() {
            Some(true) => GrpcEnding::Deadline,
            _ => GrpcEnding::Server,
        },
        metadata: pairs("metadata"),
        trailers: pairs("trailers"),
        messages: values("messages"),
        is_stream: given["stream"].as_bool().unwrap_or_default(),
        details: values("details"),
        unknown_details: names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect(),
        time,
        ..GrpcResponse::default()
    }
}
