//! Runs OpenTelemetry Weaver on the spans, and maps its findings to them.
//!
//! `weaver registry live-check` reads samples as JSON, and writes the same samples in the same order, each part with the
//! advice about it.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::super::super::exit::{Exit, fail};
use super::super::super::session::block_on;
use crate::instrumentation::{Finding, Level, Rule, Settings};
use crate::number::duration;
use crate::spec::lint::{WeaverLevel, WeaverSettings};
use crate::trace::{Attributes, Span, SpanKind, Trace, Witness};

/// Maximum time of a run; it may download the registry.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Maximum number of spans that a finding names.
const MOST_SPANS: usize = 20;

const INSTALL: &str =
    "install it from https://github.com/open-telemetry/weaver/releases, and add it to PATH";

/// The findings of Weaver, if a registry is given. An error has been printed.
pub(super) fn findings(traces: &[Trace], settings: &Settings) -> Result<Vec<Finding>, Exit> {
    let Some(weaver) = &settings.weaver else {
        return Ok(Vec::new());
    };
    if settings.level(Rule::Weaver) == Level::Off {
        return Ok(Vec::new());
    }
    let samples = samples(traces);
    let input: Vec<&Json> = samples.iter().map(|(sample, _)| sample).collect();
    let input = json!(input).to_string();
    let mut output = None;
    let exit = block_on(async {
        output = Some(run(weaver, input).await);
        Exit::Passed
    });
    let report = match output.ok_or(exit)? {
        Ok(output) => report(&output, weaver),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "error: `weaver` is not installed, or not in PATH\nhelp: {INSTALL}"
        )),
        Err(error) => Err(format!("error: cannot run `weaver`: {error}")),
    };
    let advice = report.and_then(|report| advice(&report, &samples));
    match advice {
        Ok(advice) => Ok(grouped(advice, weaver, settings)),
        Err(text) => Err(fail(Exit::Errored, &text)),
    }
}

async fn run(weaver: &WeaverSettings, input: String) -> io::Result<Output> {
    let mut child = Command::new("weaver")
        .args(["registry", "live-check", "--registry", &weaver.registry])
        .args(["--input-source", "stdin", "--input-format", "json"])
        .args(["--format", "json", "--no-stream"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // If it ends early, its output has the reason.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let both = async { tokio::join!(feed, child.wait_with_output()).1 };
    let timed_out = |_| {
        let text = format!("it did not end within {}", duration(TIMEOUT));
        io::Error::new(io::ErrorKind::TimedOut, text)
    };
    tokio::time::timeout(TIMEOUT, both)
        .await
        .map_err(timed_out)?
}

/// Its report. The exit code only says if there is a violation.
fn report(output: &Output, weaver: &WeaverSettings) -> Result<Json, String> {
    let report: Option<Json> = serde_json::from_slice(&output.stdout).ok();
    report.ok_or_else(|| {
        let text = String::from_utf8_lossy(&output.stderr);
        let said = text.lines().map(str::trim).rfind(|line| !line.is_empty());
        format!(
            "error: `weaver` wrote no report ({}): {}\nhelp: try `weaver registry check --registry {}`",
            output.status,
            said.unwrap_or("it wrote no error"),
            weaver.registry
        )
    })
}

/// A sample, and the span that stands for it.
type Sample<'t> = (Json, &'t Span);

/// Each resource once, and each span.
fn samples(traces: &[Trace]) -> Vec<Sample<'_>> {
    let mut seen = HashSet::new();
    let spans = || traces.iter().flat_map(Trace::spans);
    let resources = spans().filter(|span| seen.insert(Arc::as_ptr(&span.resource)));
    let resources = resources.map(|span| {
        let attributes = attributes(&span.resource.attributes);
        (json!({ "resource": { "attributes": attributes } }), span)
    });
    let mut all: Vec<Sample<'_>> = resources.collect();
    all.extend(spans().map(|span| (sample(span), span)));
    all
}

fn sample(span: &Span) -> Json {
    let events = span
        .events
        .iter()
        .map(|event| json!({ "name": event.name, "attributes": attributes(&event.attributes) }));
    let links = span.links.iter();
    let links = links.map(|link| json!({ "attributes": attributes(&link.attributes) }));
    let kind = match span.kind {
        SpanKind::Unspecified => SpanKind::Internal,
        other => other,
    };
    json!({ "span": {
        "name": span.name,
        "kind": kind.as_str(),
        "status": { "code": span.status.code.as_str(), "message": span.status.message },
        "attributes": attributes(&span.attributes),
        "span_events": events.collect::<Vec<_>>(),
        "span_links": links.collect::<Vec<_>>(),
    } })
}

fn attributes(of: &Attributes) -> Vec<Json> {
    let entries = of.iter();
    entries
        .map(|(key, value)| json!({ "name": key, "value": value.to_json() }))
        .collect()
}

/// An advice of Weaver about a span.
struct Advice {
    level: WeaverLevel,
    id: String,
    message: String,
    span: Witness,
}

/// The advice about each sample.
fn advice(report: &Json, samples: &[Sample<'_>]) -> Result<Vec<Advice>, String> {
    let reported = report["samples"].as_array().map_or(&[][..], Vec::as_slice);
    if reported.len() != samples.len() {
        return Err(format!(
            "error: the report of `weaver` is about {} samples, and {} were sent\nhelp: use another version of weaver",
            reported.len(),
            samples.len()
        ));
    }
    let mut all = Vec::new();
    for (sample, (_, span)) in reported.iter().zip(samples) {
        collect(sample, span, &mut all);
    }
    Ok(all)
}

/// Adds the advice of a part of a sample, and of the parts in it.
fn collect(part: &Json, span: &Span, all: &mut Vec<Advice>) {
    match part {
        Json::Array(items) => items.iter().for_each(|item| collect(item, span, all)),
        Json::Object(entries) => {
            let own = part["live_check_result"]["all_advice"].as_array();
            let own = own.into_iter().flatten();
            all.extend(own.filter_map(|advice| {
                let id = advice["id"].as_str()?;
                Some(Advice {
                    level: WeaverLevel::of(advice["level"].as_str()?)?,
                    id: id.to_owned(),
                    message: advice["message"].as_str().unwrap_or(id).to_owned(),
                    span: Witness::new(span, id),
                })
            }));
            let others = entries
                .iter()
                .filter(|(key, _)| *key != "live_check_result");
            others.for_each(|(_, value)| collect(value, span, all));
        }
        _ => {}
    }
}

/// Equal advice about a service is one finding.
fn grouped(advice: Vec<Advice>, weaver: &WeaverSettings, settings: &Settings) -> Vec<Finding> {
    let mut found: BTreeMap<(String, String), Finding> = BTreeMap::new();
    for Advice {
        level,
        id,
        message,
        span,
    } in advice
    {
        let service = span.service.clone();
        let finding = found
            .entry((service.clone(), message.clone()))
            .or_insert_with(|| Finding {
                rule: Rule::Weaver,
                level: level_of(level, weaver.fail_on),
                ignored_by: settings
                    .ignored
                    .iter()
                    .position(|entry| entry.accepts(Rule::Weaver, &service, &message)),
                service,
                what: message,
                help: format!(
                    "correct the instrumentation, or the registry {} (`{id}`)",
                    weaver.registry
                ),
                spans: Vec::new(),
                more: 0,
            });
        match finding.spans.len() < MOST_SPANS {
            true => finding.spans.push(span),
            false => finding.more += 1,
        }
    }
    found.into_values().collect()
}

fn level_of(level: WeaverLevel, fail_on: WeaverLevel) -> Level {
    match level {
        level if level >= fail_on => Level::Error,
        WeaverLevel::Violation | WeaverLevel::Improvement => Level::Warning,
        WeaverLevel::Information => Level::Note,
    }
}
