//! Sends telemetry into a pipeline: spans and log records with fresh ids, metrics of now, and then markers.
//!
//! A marker is a span of a trace of its own, with a log record and a data point if those signals are sent. Whatever a pipeline has accepted before it, it has passed on, or
//! dropped, when the marker arrives at the receiver. `step` waits for that.

mod input;
mod spans;

pub(crate) use input::check;

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use self::input::Input;
use crate::source::otlp::{Signal, accepted, refusal};
use crate::spec::{OtlpProtocol, SendTelemetry};
use crate::trace::{SentTelemetry, unix_nanos};
use crate::trigger::{AnswerReader, Exporter, Session, TraceContext, TriggerError};

const ANSWERS: AnswerReader = AnswerReader { accepted, refusal };

/// Sends the telemetry of a spec in the trace of the context, and then its markers.
///
/// # Errors
/// If the input cannot be read, or the pipeline does not accept all of it.
pub(crate) async fn send(
    send: &SendTelemetry,
    context: &TraceContext,
    session: &Session,
) -> Result<SentTelemetry, TriggerError> {
    let input = Input::read(send).map_err(TriggerError::spec)?;
    let signals = input.signals();
    let has_root = input.has_root();
    let exports = input.renewed(context.trace_id, unix_nanos(SystemTime::now()));
    let exporter = Exporter {
        to: &send.to,
        protocol: send.protocol,
        headers: &send.headers,
        tls: &send.tls,
        timeout: send.timeout,
    };
    let started = Instant::now();
    let mut note = None;
    for (signal, request) in exports.requests {
        let path = path(signal, send.protocol);
        let answer = exporter.export(path, request, &ANSWERS, session);
        note = answer.await?.or(note);
    }
    let mut markers = Vec::new();
    for marker in &send.markers {
        let (trace, saved) = spans::marker(marker, has_root, &signals);
        for (signal, request) in saved.exports(trace).requests {
            let path = path(signal, send.protocol);
            let answer = exporter.export(path, request, &ANSWERS, session);
            answer.await?;
        }
        markers.push(trace);
    }
    Ok(SentTelemetry {
        trace: Arc::new(exports.trace),
        logs: exports.logs,
        points: exports.points,
        markers,
        port: send.to.port_or_known_default(),
        note,
        time: started.elapsed(),
    })
}

/// The path of the export requests of a signal.
fn path(signal: Signal, protocol: OtlpProtocol) -> &'static str {
    match protocol {
        OtlpProtocol::Http => signal.http_path(),
        OtlpProtocol::Grpc => signal.grpc_path(),
    }
}
