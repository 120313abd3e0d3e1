//! Readers and writers as functions of plain values, for the fuzz targets of `fuzz/`, which check what they return.
//!
//! Not part of the API. The feature `_fuzzing` turns it on.

#![allow(missing_docs, reason = "not part of the API")]

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::import::{self, Import, Level};
use crate::report::snippet::{self, Diagnostic};
use crate::report::{Look, planted};
use crate::result::Report;
use crate::sampling::config::{self, Environment};
use crate::sampling::judge::{Input, Judge};
use crate::sampling::ottl::{self, Condition, Fidelity, Record};
use crate::sampling::{CollectorVersion, TailSampling, re2};
use crate::secret::{Format, Secrets};
use crate::source::otlp::{self, LogWalk, Malformed, MetricWalk, Walk};
use crate::source::receiver;
use crate::spec::{Location, Source, SpecError};
use crate::trace::{Field, LogRecord, Losses, Signal, Span, TraceId};

/// A span or log record that a walk finds, with the messages around it.
#[derive(Clone, Debug)]
pub struct WalkedRecord {
    /// The trace; `None` for a log record outside of a trace.
    pub trace_id: Option<TraceId>,
    /// The `Span` or `LogRecord` message.
    pub message: Vec<u8>,
    /// The `InstrumentationScope` message.
    pub scope: Vec<u8>,
    /// The `Resource` message.
    pub resource: Vec<u8>,
}

/// The records that a walk finds in a protobuf request.
#[derive(Clone, Debug)]
pub struct Walked {
    pub records: Vec<WalkedRecord>,
    /// Number of spans with an invalid id.
    pub rejected: usize,
    /// The traces of each link and of its span.
    pub links: Vec<(TraceId, TraceId)>,
}

/// Walks an `ExportTraceServiceRequest`.
///
/// # Errors
/// If the request is refused.
pub fn walk_spans(request: &[u8]) -> Result<Walked, Malformed> {
    let walk = Walk::of(request)?;
    let records = walk.spans.iter().map(|span| {
        let scope = &walk.scopes[span.scope];
        WalkedRecord {
            trace_id: Some(span.trace_id),
            message: span.bytes.to_vec(),
            scope: scope.scope.joined().into_owned(),
            resource: walk.resources[scope.resource].joined().into_owned(),
        }
    });
    Ok(Walked {
        records: records.collect(),
        rejected: walk.invalid,
        links: walk.links.iter().map(|link| (link.from, link.to)).collect(),
    })
}

/// Walks an `ExportLogsServiceRequest`.
///
/// # Errors
/// If the request is refused.
pub fn walk_logs(request: &[u8]) -> Result<Walked, Malformed> {
    let walk = LogWalk::of_logs(request)?;
    let records = walk.records.iter().map(|record| {
        let scope = &walk.scopes[record.scope];
        WalkedRecord {
            trace_id: record.trace_id,
            message: record.bytes.to_vec(),
            scope: scope.scope.joined().into_owned(),
            resource: walk.resources[scope.resource].joined().into_owned(),
        }
    });
    Ok(Walked {
        records: records.collect(),
        rejected: 0,
        links: Vec::new(),
    })
}

/// The number of metrics in an `ExportMetricsServiceRequest`.
///
/// # Errors
/// If the request is refused.
pub fn walk_metrics(request: &[u8]) -> Result<usize, Malformed> {
    Ok(MetricWalk::of_metrics(request)?.records.len())
}

/// The span of a walked record. `None` if its ids are invalid.
///
/// # Errors
/// If a message cannot be decoded, which the walk excludes.
pub fn decoded_span(record: WalkedRecord) -> Result<Option<Span>, Malformed> {
    let resource = otlp::resource(Bytes::from(record.resource))?;
    let scope = otlp::scope(Bytes::from(record.scope))?;
    otlp::span(
        Bytes::from(record.message),
        &Arc::new(resource),
        &Arc::new(scope),
    )
}

/// The log record of a walked record.
///
/// # Errors
/// If a message cannot be decoded, which the walk excludes.
pub fn decoded_log(record: WalkedRecord) -> Result<LogRecord, Malformed> {
    let resource = otlp::resource(Bytes::from(record.resource))?;
    let scope = otlp::scope(Bytes::from(record.scope))?;
    otlp::log_record(
        Bytes::from(record.message),
        &Arc::new(resource),
        &Arc::new(scope),
    )
}

/// The request with the name of a receiver in each resource.
///
/// # Errors
/// If the request is refused.
pub fn stamped(request: &[u8]) -> Result<Vec<u8>, Malformed> {
    otlp::stamp(request, "fuzz")
}

/// The protobuf request of an OTLP/JSON request.
///
/// # Errors
/// If the request is refused.
pub fn protobuf_of_json(signal: Signal, request: &[u8]) -> Result<Vec<u8>, Malformed> {
    let request = request.to_vec();
    match signal {
        Signal::Traces => otlp::traces_from_json(request),
        Signal::Logs => otlp::logs_from_json(request),
        Signal::Metrics => otlp::metrics_from_json(request),
    }
}

/// The decompressed message of a gRPC call, or the reason of its refusal.
///
/// # Errors
/// If the call is refused.
pub fn grpc_message(body: &[u8], encoding: Option<&str>) -> Result<Vec<u8>, String> {
    receiver::decoded_message(body, encoding)
}

/// Draws errors as the command does.
#[must_use]
pub fn drawn(errors: &[SpecError], look: &Look) -> String {
    let errors: Vec<Diagnostic> = errors.iter().map(Diagnostic::from).collect();
    snippet::diagnostics(&errors, look)
}

/// The format of a file that is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    Tracetest,
    Curl,
    Hurl,
    Postman,
    OpenApi,
}

/// The result of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Paths and texts.
    pub files: Vec<(String, String)>,
    /// Losses and differences, one line each.
    pub remarks: String,
    /// Number of losses.
    pub lost: usize,
}

/// Imports a file. Files that it names do not exist.
#[must_use]
pub fn imported(format: ImportFormat, text: &str) -> Imported {
    let source = Source::new("imported", text);
    let mut import = Import::default();
    match format {
        ImportFormat::Tracetest => {
            let read = |_: &str, path: &str| Err(format!("there is no {path}"));
            let files = import::tracetest::Files { read: &read };
            import::tracetest::import(&[source], &files, &mut import);
        }
        ImportFormat::Curl => import = import::curl::import(&source, ""),
        ImportFormat::Hurl => import::hurl::import(&source, "", &mut import),
        ImportFormat::Postman => import::postman::import(&source, "", &mut import),
        ImportFormat::OpenApi => import::openapi::import(&source, &mut import),
    }
    let files = import.files.into_iter().map(|file| (file.path, file.text));
    Imported {
        files: files.collect(),
        lost: import.remarks.count(Level::Lost),
        remarks: import.remarks.to_string(),
    }
}

/// The first error of an imported spec, with a value for each variable.
#[must_use]
pub fn first_error(path: &str, text: &str) -> Option<SpecError> {
    import::first_error(path, text)
}

/// A condition that is refused, and the place in its text.
#[derive(Clone, Debug)]
pub struct OttlProblem {
    pub at: Range<usize>,
    pub what: String,
}

/// The answers of a condition about a record as it was sent, and about one of which fields can be lost. `None` if the
/// answer is an error or not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OttlAnswers {
    pub whole: Option<bool>,
    pub partial: Option<bool>,
}

/// Evaluates an OTTL condition for each span, or for each event of these spans.
///
/// # Errors
/// If the condition is refused.
pub fn ottl(
    text: &str,
    is_about_events: bool,
    minor_version: u32,
    spans: &[Span],
) -> Result<Vec<OttlAnswers>, OttlProblem> {
    let context = match is_about_events {
        true => ottl::Context::SpanEvent,
        false => ottl::Context::Span,
    };
    let condition = Condition::parse(text, context, version(minor_version));
    let condition = condition.map_err(|problem| OttlProblem {
        at: problem.at,
        what: problem.what,
    })?;
    let answer = |span, event, fidelity| {
        let record = Record {
            span,
            event,
            fidelity,
        };
        condition.holds(record).ok()
    };
    let answers = |span, event| OttlAnswers {
        whole: answer(span, event, Fidelity::Whole),
        partial: answer(span, event, Fidelity::Partial),
    };
    Ok(match is_about_events {
        false => spans.iter().map(|span| answers(span, None)).collect(),
        true => {
            let events = spans.iter().flat_map(|span| {
                let events = span.events.iter();
                events.map(move |event| answers(span, Some(event)))
            });
            events.collect()
        }
    })
}

/// Returns `true` if a pattern of Go is translated, and whether it is found in a text.
#[must_use]
pub fn go_pattern(pattern: &str, text: &str) -> Option<bool> {
    let compiled = re2::compile(pattern).ok()?;
    Some(compiled.is_match(text))
}

/// A problem in a configuration of a Collector.
#[derive(Clone, Debug)]
pub struct CollectorFinding {
    pub at: Location,
    pub what: String,
    /// Drawn as the command does.
    pub drawn: String,
}

/// The decisions of a sampler to keep a trace; `None` if one is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decisions {
    /// With all fields of its spans.
    pub whole: Option<bool>,
    /// If its source loses fields.
    pub lossy: Option<bool>,
}

/// A configuration of a Collector, and what its `tail_sampling` processors decide.
#[derive(Clone, Debug, Default)]
pub struct CollectorReading {
    pub findings: Vec<CollectorFinding>,
    pub decisions: Vec<Decisions>,
}

/// Reads a configuration, and judges each of these traces if nothing prevents that. `lost_fields` are bits of fields
/// that their source loses.
#[must_use]
pub fn collector(
    text: &str,
    minor_version: u32,
    traces: &[Vec<Span>],
    lost_fields: u8,
) -> CollectorReading {
    let losses = &losses(lost_fields);
    let source = Source::new("collector.yaml", text);
    let version = version(minor_version);
    let environment = Environment {
        version,
        variable: &|name| (name == "A").then(|| "1".to_owned()),
    };
    let Ok(reading) = config::read(&source, &environment) else {
        return CollectorReading::default();
    };
    let is_judged = reading.obstacles().next().is_none();
    let processors = reading.configuration.tail_sampling.iter();
    let decisions = processors.filter(|_| is_judged).flat_map(|processor| {
        traces.iter().map(move |spans| Decisions {
            whole: kept(processor, version, spans, &Losses::none()),
            lossy: kept(processor, version, spans, losses),
        })
    });
    CollectorReading {
        decisions: decisions.collect(),
        findings: reading.findings.iter().map(finding).collect(),
    }
}

fn kept(
    processor: &TailSampling,
    version: CollectorVersion,
    spans: &[Span],
    losses: &Losses,
) -> Option<bool> {
    let spans: Vec<&Span> = spans.iter().collect();
    Judge::new(processor, version)
        .judge(Input::new(&spans, losses), 0)
        .kept()
}

fn finding(of: &config::Finding) -> CollectorFinding {
    let diagnostic = Diagnostic {
        id: Some(of.rule.id()),
        title: of.what.clone(),
        at: Some(of.at.clone()),
        label: of.label.clone(),
        also: of.also.clone().into_iter().collect(),
        help: vec![of.help.clone()],
        ..Diagnostic::default()
    };
    CollectorFinding {
        at: of.at.clone(),
        what: of.what.clone(),
        drawn: snippet::diagnostic(&diagnostic, &Look::plain()),
    }
}

/// The version 0.N.0, within those whose behaviour is known.
fn version(minor: u32) -> CollectorVersion {
    let version = format!("0.{}.0", 140 + minor % 22);
    version.parse().expect("a version")
}

/// Fields of spans that a source can lose, and policies read.
const FIELDS: [Field; 8] = [
    Field::AttributeTypes,
    Field::Nanoseconds,
    Field::Resource,
    Field::Attributes,
    Field::Durations,
    Field::Status,
    Field::Events,
    Field::TraceContext,
];

/// The losses with these bits.
fn losses(bits: u8) -> Losses {
    let is_lost = |(at, _): &(usize, Field)| bits & (1 << at) != 0;
    let lost = FIELDS.into_iter().enumerate().filter(is_lost);
    lost.map(|(_, field)| field).collect()
}

/// Number of encodings in which a system may write a secret.
pub const ENCODINGS: usize = planted::ENCODINGS.len();

/// Number of places of a report that can contain a text from outside.
pub const PLACES: usize = planted::PLACES.len();

/// The secret in an encoding.
#[must_use]
pub fn encoded(secret: &str, encoding: usize) -> String {
    planted::ENCODINGS[encoding % ENCODINGS](secret)
}

/// A report of each verdict.
#[must_use]
pub fn sample_report() -> Report {
    planted::report()
}

/// Writes a text to a place of a report.
pub fn plant(report: &mut Report, place: usize, text: &str) {
    planted::PLACES[place % PLACES](report, text.to_owned());
}

/// The report without these secrets, as each reporter writes it.
#[must_use]
pub fn written(report: Report, secrets: Vec<String>) -> Vec<(&'static str, String)> {
    planted::written_in_memory(&Secrets::new(secrets).report(report))
}

/// Returns `true` if a text contains a secret in any encoding. Independent of the masking code.
#[must_use]
pub fn leaks(text: &str, secret: &str) -> bool {
    planted::leaks(text, secret)
}

/// The text with masked secrets: as a text from outside, and as a finished text of each format.
#[must_use]
pub fn masked(text: &str, secrets: Vec<String>) -> [String; 4] {
    let secrets = Secrets::new(secrets);
    [
        secrets.text(text),
        secrets.written(Format::Text, text),
        secrets.written(Format::Json, text),
        secrets.written(Format::Markup, text),
    ]
}
