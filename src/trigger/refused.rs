//! Exports that a pipeline did not accept, or did not answer.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use url::Url;

use super::TriggerError;
use super::error::Attempted;
use crate::number::{counted, duration};
use crate::spec::OtlpProtocol;
use crate::trace::GrpcCode;

/// An export that the endpoint did not accept.
#[derive(Debug, thiserror::Error)]
#[error("{refusal}{}{} ({attempted})", said(message), again(*refusal, *retry_after))]
pub struct Refused {
    pub(super) refusal: Refusal,
    /// The message of the endpoint.
    pub(super) message: String,
    /// The time after which the endpoint may accept it.
    pub(super) retry_after: Option<Duration>,
    /// The request.
    pub(super) attempted: Attempted,
}

/// The answer of an endpoint that did not accept an export.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// An HTTP status.
    Status(u16),
    /// A gRPC status.
    Code(GrpcCode),
    /// This number of records was rejected, and the others were accepted.
    Records(u64),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the pipeline refused the export: status {status}"),
            Self::Code(code) => write!(f, "the pipeline refused the export: status {code}"),
            Self::Records(rejected) => {
                let records = counted(*rejected, "record");
                write!(f, "the pipeline rejected {records} of the export")
            }
        }
    }
}

fn said(message: &str) -> String {
    /// Longer messages are web pages.
    const MOST: usize = 300;
    match message {
        "" => String::new(),
        message => {
            let start: String = message.chars().take(MOST).collect();
            format!(", {start:?}")
        }
    }
}

fn again(refusal: Refusal, retry_after: Option<Duration>) -> String {
    let name = match refusal {
        Refusal::Code(_) => "retry_delay",
        Refusal::Status(_) | Refusal::Records(_) => "Retry-After",
    };
    let after = retry_after.map(|after| format!(", with `{name}` of {}", duration(after)));
    after.unwrap_or_default()
}

const CREDENTIALS: &str = "add the credentials that the pipeline requires to `headers`";
const NO_ROOM: &str = "correct what the message names; if it names nothing, the pipeline is starting or has no room: wait with `ready` until it can receive, or raise its limits, such as those of `memory_limiter` and `sending_queue`";
const REASON: &str = "look at the log of the pipeline for the reason";
const REJECTED: &str = "send only what the pipeline accepts: it names the reason";

impl Refused {
    pub(super) fn port(&self) -> Option<u16> {
        self.attempted.url.port_or_known_default()
    }

    /// The remedy, as an instruction.
    pub(crate) fn help(&self) -> &'static str {
        match self.refusal {
            Refusal::Status(status) => help_of_status(status),
            Refusal::Code(code) => help_of_code(code),
            Refusal::Records(_) => REJECTED,
        }
    }
}

fn help_of_status(status: u16) -> &'static str {
    match status {
        404 | 405 => {
            "check `to`: it is the base URL of OTLP over HTTP, usually port 4318 of a Collector, to which `/v1/traces` is appended; and let a pipeline of this signal have that receiver"
        }
        400 => {
            "correct what the message of the pipeline names; write `https://` in `to` if the port has TLS"
        }
        401 | 403 => CREDENTIALS,
        413 => "raise `max_request_body_size` of the receiver of the pipeline",
        415 => {
            "let `to` be an OTLP/HTTP endpoint that accepts protobuf, or write `grpc://` (`grpcs://` with TLS) if this is the port of gRPC"
        }
        429 | 502 | 503 | 504 => NO_ROOM,
        _ => REASON,
    }
}

fn help_of_code(code: GrpcCode) -> &'static str {
    match code {
        GrpcCode::UNAUTHENTICATED | GrpcCode::PERMISSION_DENIED => CREDENTIALS,
        GrpcCode::UNAVAILABLE => NO_ROOM,
        GrpcCode::RESOURCE_EXHAUSTED => {
            "raise the limit that the message names: `max_recv_msg_size_mib` of the receiver of the pipeline, or those of `memory_limiter` and `sending_queue`"
        }
        GrpcCode::UNIMPLEMENTED => {
            "check `to`: it is the port of OTLP over gRPC, usually 4317 of a Collector; and let a pipeline of this signal have that receiver"
        }
        GrpcCode::INVALID_ARGUMENT => REJECTED,
        _ => REASON,
    }
}

/// An export without an answer in its protocol.
#[derive(Debug)]
pub struct NotExported {
    error: TriggerError,
    help: &'static str,
    /// The port of the pipeline.
    pub(super) port: Option<u16>,
}

impl NotExported {
    /// Adds the remedy of an export to an error, if its own is about requests.
    pub(super) fn explain(error: TriggerError, to: &Url, protocol: OtlpProtocol) -> TriggerError {
        let port = to.port_or_known_default();
        match help_of_error(&error, protocol) {
            Some(help) => TriggerError::NotExported(Box::new(Self { error, help, port })),
            None => error,
        }
    }

    pub(super) fn error(&self) -> &TriggerError {
        &self.error
    }

    /// The remedy, as an instruction.
    pub(super) fn help(&self) -> &'static str {
        self.help
    }
}

impl fmt::Display for NotExported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for NotExported {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

fn help_of_error(error: &TriggerError, protocol: OtlpProtocol) -> Option<&'static str> {
    use OtlpProtocol::{Grpc, Http};
    use TriggerError as E;
    Some(match (error, protocol) {
        (E::Timeout { .. }, _) => {
            "increase `timeout` of `send`, or look at the log of the pipeline for what it waits for"
        }
        (E::NotTls { .. }, Http) => "write `http://` in `to`: this port has no TLS",
        (E::NotTls { .. }, Grpc) => "write `grpc://` in `to`: this port has no TLS",
        (E::NotHttp { .. } | E::NotHttp2 { .. } | E::Closed { .. } | E::Request { .. }, Http) => {
            "check the port of `to`: that of OTLP over HTTP is usually 4318; write `grpc://` if this is the port of gRPC, usually 4317, or `https://` if it has TLS"
        }
        (
            E::NotHttp { .. }
            | E::NotHttp2 { .. }
            | E::NotGrpc { .. }
            | E::NoStatus { .. }
            | E::Closed { .. }
            | E::Request { .. }
            | E::Handshake { .. },
            Grpc,
        ) => {
            "check the port of `to`: that of OTLP over gRPC is usually 4317; write `http://` (`https://` with TLS) if this is the port of HTTP, usually 4318, or `grpcs://` if it has TLS"
        }
        _ => return None,
    })
}
