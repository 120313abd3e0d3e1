//! Reads the traces of a saved file, in each format that is known.

use super::otlp::{self, ReadError};
use super::{jaeger_json, zipkin_json};
use crate::trace::{Losses, Trace};

/// A file without traces that can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SavedError {
    /// It is no file of OTLP, nor of another known format.
    #[error(transparent)]
    Otlp(#[from] ReadError),
    /// JSON of Zipkin with an error.
    #[error("read as JSON of Zipkin, and failed")]
    Zipkin(#[source] serde_json::Error),
    /// JSON of Jaeger's old API with an error.
    #[error("read as JSON of Jaeger's old API, and failed")]
    Jaeger(#[source] serde_json::Error),
    /// JSON of Jaeger's old API in which no span can be read.
    #[error("JSON of Jaeger's old API, but no span can be read: {0}")]
    NoJaeger(String),
    /// JSON of Zipkin in which all ids are invalid.
    #[error("JSON of Zipkin, but no span can be read: {0}")]
    NoZipkin(String),
}

impl SavedError {
    /// Returns `true` if the file was read as protobuf.
    pub(crate) fn is_of_protobuf(&self) -> bool {
        let Self::Otlp(error) = self else {
            return false;
        };
        matches!(error, ReadError::Protobuf(_) | ReadError::OtherProtobuf)
    }
}

/// Reads the traces of a saved file: OTLP as [`otlp::read`] does, Zipkin's JSON, and that of Jaeger's
/// old API.
///
/// # Errors
/// When the bytes have another format.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Trace>, SavedError> {
    let error = match otlp::read(file) {
        Ok(traces) => return Ok(traces),
        Err(error @ (ReadError::OtherJson | ReadError::Json(_))) => error,
        Err(error) => return Err(error.into()),
    };
    let file = otlp::decompressed(file)?;
    let text = String::from_utf8_lossy(&file);
    let text = text.trim_start_matches('\u{feff}');
    if zipkin_json::is_zipkin(text) {
        return of_zipkin(text);
    }
    if jaeger_json::is_jaeger(text) {
        return of_jaeger(text);
    }
    Err(error.into())
}

fn of_jaeger(text: &str) -> Result<Vec<Trace>, SavedError> {
    let read = jaeger_json::spans(text.as_bytes()).map_err(SavedError::Jaeger)?;
    if let (true, Some(hole)) = (read.spans.is_empty(), read.holes.first()) {
        return Err(SavedError::NoJaeger(hole.to_string()));
    }
    let traces = otlp::tie(otlp::assemble(read.spans)).into_iter();
    let traces = traces.map(|trace| {
        let trace = trace.with_holes(read.holes.iter().cloned());
        trace.with_losses(read.losses.clone())
    });
    Ok(traces.collect())
}

fn of_zipkin(text: &str) -> Result<Vec<Trace>, SavedError> {
    let read = zipkin_json::read(text).map_err(SavedError::Zipkin)?;
    if let (true, Some(hole)) = (read.spans.is_empty(), read.holes.first()) {
        return Err(SavedError::NoZipkin(hole.to_string()));
    }
    let losses: Losses = zipkin_json::LOSSES.iter().copied().collect();
    let traces = otlp::tie(otlp::assemble(read.spans)).into_iter();
    let traces = traces.map(|trace| {
        let trace = trace.with_holes(read.holes.iter().cloned());
        trace.with_losses(losses.clone())
    });
    Ok(traces.collect())
}
