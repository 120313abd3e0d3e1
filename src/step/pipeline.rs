//! Diagnosis of a pipeline out of which the marker did not come.

use std::time::Duration;

use super::diagnosis::{list, other_telemetry};
use super::run_context::RunContext;
use crate::number::{counted, duration};
use crate::result::{StepReport, Trouble};
use crate::source::SourceDiagnostics;
use crate::trace::Response;

/// Nothing proves that the pipeline is through with what was sent.
pub(super) fn not_through(
    run: &RunContext<'_>,
    diagnostics: &SourceDiagnostics,
    report: &StepReport,
    timeout: Duration,
) -> Trouble {
    let sent = report.response.as_ref().and_then(Response::sent);
    let has_spans = sent.is_none_or(|sent| !sent.trace.is_empty());
    let sent = sent.map_or_else(|| "all".to_owned(), |sent| sent.amount());
    let stats = &diagnostics.stats;
    if stats.is_empty() {
        let listened = list(run.source.addresses());
        return Trouble::new("nothing came out of the pipeline: no telemetry arrived here at all")
            .with_details([
                format!("the pipeline accepted {sent} ({})", report.trigger),
                format!("listened on {listened} (OTLP over gRPC and HTTP)"),
            ])
            .with_help([
                "let an exporter of the pipeline send to `${env:OTEL_EXPORTER_OTLP_ENDPOINT}`, which spanspec sets for each service that it starts",
                "look at the log of the pipeline for exports that failed",
            ]);
    }
    if stats.spans == 0 && has_spans {
        return other_telemetry(stats, None);
    }
    let arrived = report.trace.as_ref().map_or(0, |trace| trace.len());
    let accepted = match has_spans {
        true => format!(
            "the pipeline accepted {sent}; {} arrived",
            counted(arrived as u64, "span")
        ),
        false => format!("the pipeline accepted {sent}"),
    };
    Trouble::new(&format!(
        "the marker did not come out of the pipeline within {}, so further output may",
        duration(timeout)
    ))
    .with_details([
        accepted,
        "the marker is sent last, in each signal that was sent: a span of its own trace, a log record, a gauge, with the attribute `spanspec.marker`".to_owned(),
    ])
    .with_help([
        "if a filter or a sampler drops the marker, give it what they keep: `marker: { attributes: { … } }`, or `status: error`",
        "if the pipeline needs longer: `wait: { timeout: 60s }`, or a shorter `decision_wait` for tests",
        "or declare its longest delay: `marker: none` with `wait: { flush: 2s }`",
    ])
}
