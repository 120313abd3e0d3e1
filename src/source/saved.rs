//! Reads the traces of a saved file, in each format that is known.

use std::io;

use super::otlp::{self, ReadError};
#[cfg(feature = "cli")]
use super::otlp::{FileTraces, SentSpans};
pub(crate) use super::otlp::{UntiedFile, whole_part};
use super::{jaeger_json, zipkin_json};
use crate::trace::{Hole, Losses, Span, Trace};

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
    #[cfg(feature = "cli")]
    pub(crate) fn is_of_protobuf(&self) -> bool {
        let Self::Otlp(error) = self else {
            return false;
        };
        matches!(error, ReadError::Protobuf(_) | ReadError::OtherProtobuf)
    }

    /// The error with its causes, on one line.
    pub(crate) fn in_full(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |error| error.source());
        let all: Vec<String> = std::iter::once(self.to_string())
            .chain(causes.map(ToString::to_string))
            .collect();
        all.join(": ")
    }

    /// Returns `true` if the file ends too early, as while it is written.
    pub(crate) fn is_cut(&self) -> bool {
        match self {
            Self::Otlp(ReadError::Empty | ReadError::CutOff) => true,
            Self::Otlp(ReadError::Compressed(_, error)) => {
                error.kind() == io::ErrorKind::UnexpectedEof
            }
            Self::Otlp(ReadError::Json(error)) | Self::Zipkin(error) | Self::Jaeger(error) => {
                error.is_eof()
            }
            _ => false,
        }
    }
}

/// Reads the traces of a saved file: OTLP as [`otlp::read`] does, Zipkin's JSON, and that of Jaeger's
/// old API. A trace that a link ties to another one is attached to it.
///
/// # Errors
/// When the bytes have another format.
#[cfg(feature = "cli")]
pub(crate) fn read(file: &[u8]) -> Result<FileTraces, SavedError> {
    match otlp::read_file(file) {
        Ok(file) => Ok(file),
        Err(error) => Ok(FileTraces {
            traces: otlp::tie(of_other_format(file, error)?),
            ..FileTraces::default()
        }),
    }
}

/// The same, without the traces to which links lead, and with log records apart.
///
/// # Errors
/// When the bytes have another format.
pub(crate) fn read_untied(file: &[u8]) -> Result<UntiedFile, SavedError> {
    otlp::read_untied(file).or_else(|error| {
        Ok(UntiedFile {
            traces: of_other_format(file, error)?,
            ..UntiedFile::default()
        })
    })
}

/// The spans of a saved file in order, and the fields that its format loses.
///
/// # Errors
/// When the bytes have another format.
#[cfg(feature = "cli")]
pub(crate) fn read_spans(file: &[u8]) -> Result<(SentSpans, Losses), SavedError> {
    let error = match otlp::read_spans(file) {
        Ok(sent) => return Ok((sent, Losses::none())),
        Err(error) => error,
    };
    let (mut sent, mut losses) = (SentSpans::default(), Losses::none());
    for trace in of_other_format(file, error)? {
        losses.add(trace.losses());
        let holes = trace.holes().iter();
        sent.holes
            .extend(holes.map(|hole| (Some(trace.id()), hole.clone())));
        sent.spans.extend(trace.spans().iter().cloned());
    }
    Ok((sent, losses))
}

fn of_other_format(file: &[u8], error: ReadError) -> Result<Vec<Trace>, SavedError> {
    if !matches!(error, ReadError::OtherJson | ReadError::Json(_)) {
        return Err(error.into());
    }
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
    match (read.spans.is_empty(), read.holes.first()) {
        (true, Some(hole)) => Err(SavedError::NoJaeger(hole.to_string())),
        _ => Ok(traces(read.spans, &read.holes, &read.losses)),
    }
}

fn of_zipkin(text: &str) -> Result<Vec<Trace>, SavedError> {
    let read = zipkin_json::read(text).map_err(SavedError::Zipkin)?;
    let losses = zipkin_json::LOSSES.iter().copied().collect();
    match (read.spans.is_empty(), read.holes.first()) {
        (true, Some(hole)) => Err(SavedError::NoZipkin(hole.to_string())),
        _ => Ok(traces(read.spans, &read.holes, &losses)),
    }
}

fn traces(spans: Vec<Span>, holes: &[Hole], losses: &Losses) -> Vec<Trace> {
    let traces = otlp::assemble(spans).into_iter();
    let traces = traces.map(|trace| {
        let trace = trace.with_holes(holes.iter().cloned());
        trace.with_losses(losses.clone())
    });
    traces.collect()
}
