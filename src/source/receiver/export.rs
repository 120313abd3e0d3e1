//! Accepts the export request of either protocol: reads its body, decompresses it and stores it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use tonic::Code;

use super::body::{self, BodyError, WholeBody};
use super::coding::Coding;
use super::connections::Activity;
use super::listener::{Arrival, Timeouts};
use super::remedy;
use super::room::Room;
use super::work::{SHORT, Workers};
use crate::source::otlp::{self, Encoding, Malformed, Signal};
use crate::source::stats::{Carried, Ingested, Refusal};
use crate::source::store::Store;
use crate::trace::Sender;

/// The state of every request handler.
#[derive(Clone, Debug)]
pub(super) struct HandlerState {
    pub(super) store: Store,
    /// The name of the receiver, if it has one.
    pub(super) name: Option<Arc<str>>,
    pub(super) room: Arc<Room>,
    pub(super) workers: Arc<Workers>,
    pub(super) timeouts: Timeouts,
}

/// The answer to a request that is refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) code: Code,
    pub(super) reason: String,
    pub(super) remedy: &'static str,
    /// The service that sent it, if its name can be read.
    pub(super) service: Option<String>,
    /// It is an export of traces, perhaps at the endpoint of another signal.
    pub(super) has_spans: bool,
}

impl Refused {
    pub(super) fn new(
        status: StatusCode,
        code: Code,
        reason: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            reason: reason.into(),
            remedy,
            service: None,
            has_spans: false,
        }
    }

    /// The record of the refusal of a request to this endpoint.
    pub(super) fn record(&self, sender: Sender, endpoint: String, carried: Carried) -> Refusal {
        Refusal {
            at: Instant::now(),
            sender: Sender {
                service: self.service.clone(),
                ..sender
            },
            endpoint,
            reason: self.reason.clone(),
            remedy: self.remedy.to_owned(),
            carried: match self.has_spans {
                true => Carried::Anything,
                false => carried,
            },
        }
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        let (status, code, remedy) = match error {
            BodyError::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                Code::ResourceExhausted,
                remedy::TOO_LARGE,
            ),
            BodyError::TooSlow(_) => (
                StatusCode::REQUEST_TIMEOUT,
                Code::DeadlineExceeded,
                remedy::OVERLOAD,
            ),
            BodyError::NoRoom => (
                StatusCode::SERVICE_UNAVAILABLE,
                Code::Unavailable,
                remedy::OVERLOAD,
            ),
            BodyError::Broken(_) => (
                StatusCode::BAD_REQUEST,
                Code::InvalidArgument,
                remedy::INTERRUPTED,
            ),
            BodyError::Compressed(..) => (
                StatusCode::BAD_REQUEST,
                Code::InvalidArgument,
                remedy::COMPRESSION,
            ),
        };
        Self::new(status, code, error.to_string(), remedy)
    }
}

impl From<Malformed> for Refused {
    fn from(error: Malformed) -> Self {
        let (status, code, remedy) = match error {
            Malformed::TooMany(..) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                Code::ResourceExhausted,
                remedy::TOO_LARGE,
            ),
            _ => (
                StatusCode::BAD_REQUEST,
                Code::InvalidArgument,
                remedy::UNREADABLE,
            ),
        };
        Self::new(status, code, error.to_string(), remedy)
    }
}

/// Records are lost with a refused export. A request without a body is a probe, as is one that only
/// reads.
pub(super) fn carried(of_export: Carried, method: &Method, arrival: Arrival) -> Carried {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE];
    let is_probe = reads.contains(method) || arrival.is_empty;
    match is_probe {
        true => Carried::Nothing,
        false => of_export,
    }
}

/// A message in a body, perhaps compressed.
pub(super) struct CodedMessage {
    pub(super) bytes: Bytes,
    pub(super) coding: Option<Coding>,
}

/// What the message of a request is, and who sent it.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) signal: Signal,
    pub(super) encoding: Encoding,
    pub(super) sender: Sender,
}

/// Reads the body of a request, in which `unwrap` finds the message, stores the message, and returns that of the
/// answer.
pub(super) async fn store(
    shared: &HandlerState,
    kind: Kind,
    request: Request<Body>,
    unwrap: impl FnOnce(&Bytes) -> Result<CodedMessage, Refused>,
) -> Result<Vec<u8>, Refused> {
    let activity = request.extensions().get::<Arc<Activity>>().cloned();
    let reading = activity.as_ref().map(Activity::read);
    let longest = shared.timeouts.request;
    let body = body::read(request.into_body(), longest, &shared.room).await?;
    drop(reading);
    let message = unwrap(&body.bytes)?;
    match short(&message)? {
        Some(short) => accept(&kind, shared, &short),
        None => store_long(shared, kind, message, body).await,
    }
}

/// The decompressed message, if it is short.
fn short(message: &CodedMessage) -> Result<Option<Bytes>, Refused> {
    if message.bytes.len() > SHORT {
        return Ok(None);
    }
    Ok(match message.coding {
        None => Some(message.bytes.clone()),
        Some(coding) => coding
            .decode_at_most(&message.bytes, SHORT)?
            .map(Bytes::from),
    })
}

/// Stores a message on a thread of its own.
async fn store_long(
    shared: &HandlerState,
    kind: Kind,
    message: CodedMessage,
    body: WholeBody,
) -> Result<Vec<u8>, Refused> {
    let state = shared.clone();
    let work = move || {
        // Its memory is in use until the end.
        let _body = body;
        match message.coding {
            None => accept(&kind, &state, &message.bytes),
            Some(coding) => accept(&kind, &state, &coding.decode(&message.bytes)?.into()),
        }
    };
    let done = shared.workers.run(shared.timeouts.request, work).await;
    done.unwrap_or_else(|| {
        Err(Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::Unavailable,
            "too many large requests at the same time",
            remedy::OVERLOAD,
        ))
    })
}

/// Stores the message of a request and returns the message of the answer.
fn accept(kind: &Kind, shared: &HandlerState, message: &Bytes) -> Result<Vec<u8>, Refused> {
    let Kind {
        signal,
        encoding,
        ref sender,
    } = *kind;
    let store = &shared.store;
    let accepted = match &shared.name {
        None => accept_unnamed(signal, encoding, store, message, sender),
        Some(name) => accept_named(name, signal, encoding, store, message, sender),
    };
    accepted.map_err(|error| Refused {
        service: otlp::service_hint(message),
        has_spans: otlp::has_spans(encoding, message),
        ..error.into()
    })
}

fn accept_unnamed(
    signal: Signal,
    encoding: Encoding,
    store: &Store,
    message: &Bytes,
    sender: &Sender,
) -> Result<Vec<u8>, Malformed> {
    match signal {
        Signal::Traces => accept_traces(encoding, store, message, sender),
        Signal::Logs => accept_logs(encoding, store, message),
        Signal::Metrics => accept_metrics(encoding, store, message),
    }
}

/// Stores a message with the name of the receiver in its resources.
fn accept_named(
    name: &str,
    signal: Signal,
    encoding: Encoding,
    store: &Store,
    message: &Bytes,
    sender: &Sender,
) -> Result<Vec<u8>, Malformed> {
    let protobuf = match (encoding, signal) {
        (Encoding::Protobuf, _) => Cow::Borrowed(&message[..]),
        (Encoding::Json, Signal::Traces) => Cow::Owned(otlp::traces_from_json(message.clone())?),
        (Encoding::Json, Signal::Logs) => Cow::Owned(otlp::logs_from_json(message.clone())?),
        (Encoding::Json, Signal::Metrics) => Cow::Owned(otlp::metrics_from_json(message.clone())?),
    };
    let stamped = otlp::stamp(&protobuf, name)?.into();
    let protobuf = Encoding::Protobuf;
    accept_unnamed(signal, protobuf, store, &stamped, sender)?;
    Ok(otlp::success(encoding))
}

fn accept_traces(
    encoding: Encoding,
    store: &Store,
    message: &Bytes,
    sender: &Sender,
) -> Result<Vec<u8>, Malformed> {
    let ingested = match encoding {
        Encoding::Protobuf => store.ingest_from(message, sender)?,
        Encoding::Json => store.ingest_from(&otlp::traces_from_json(message.clone())?, sender)?,
    };
    Ok(match losses(&ingested) {
        None => otlp::success(encoding),
        Some(message) => otlp::partial(encoding, ingested.rejected, &message),
    })
}

fn accept_logs(encoding: Encoding, store: &Store, message: &Bytes) -> Result<Vec<u8>, Malformed> {
    let arrived = Instant::now();
    match encoding {
        Encoding::Protobuf => store.ingest_logs_at(message, arrived)?,
        Encoding::Json => store.ingest_logs_at(&otlp::logs_from_json(message.clone())?, arrived)?,
    }
    Ok(otlp::success(encoding))
}

fn accept_metrics(
    encoding: Encoding,
    store: &Store,
    message: &Bytes,
) -> Result<Vec<u8>, Malformed> {
    match encoding {
        Encoding::Protobuf => store.ingest_metrics(message)?,
        Encoding::Json => store.ingest_json_metrics(message.clone())?,
    }
    Ok(otlp::success(encoding))
}

/// A message for the sender about what is missing from an accepted request. Without rejected
/// spans, OTLP calls it a warning.
fn losses(ingested: &Ingested) -> Option<String> {
    let Ingested {
        spans, rejected, ..
    } = ingested;
    let rejections = (*rejected > 0).then(|| {
        let names = first(&ingested.rejections, *rejected);
        format!("rejected {rejected} of {} spans: {names}", rejected + spans)
    });
    let dropped = ingested.dropped_attributes;
    let drops = (dropped > 0).then(|| {
        let s = if dropped == 1 { "" } else { "s" };
        format!(
            "dropped {dropped} attribute{s}: {}",
            first(&ingested.drops, dropped)
        )
    });
    let messages: Vec<String> = rejections.into_iter().chain(drops).collect();
    (!messages.is_empty()).then(|| messages.join("; "))
}

/// Names the first few of `all` things.
fn first(things: &[impl ToString], all: usize) -> String {
    const MOST_NAMED: usize = 5;
    let mut named: Vec<String> = things
        .iter()
        .take(MOST_NAMED)
        .map(ToString::to_string)
        .collect();
    if all > named.len() {
        named.push(format!("and {} more", all - named.len()));
    }
    named.join("; ")
}
