//! Exports that a pipeline did not accept.

use std::time::Duration;

use crate::number::{counted, duration};

/// An export that the endpoint did not accept.
#[derive(Debug, thiserror::Error)]
#[error("{}{}{} ({attempted})", refusal(*status, *rejected), said(message), again(*retry_after))]
pub struct Refused {
    /// The HTTP status.
    pub(super) status: u16,
    /// The number of records that were rejected, if the others were accepted.
    pub(super) rejected: u64,
    /// The message of the endpoint.
    pub(super) message: String,
    /// The time after which the endpoint may accept it.
    pub(super) retry_after: Option<Duration>,
    /// The request.
    pub(super) attempted: String,
}

fn refusal(status: u16, rejected: u64) -> String {
    match rejected {
        0 => format!("the pipeline refused the export: status {status}"),
        rejected => format!(
            "the pipeline rejected {} of the export",
            counted(rejected, "record")
        ),
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

fn again(retry_after: Option<Duration>) -> String {
    let after = retry_after.map(|after| format!(", with `Retry-After` of {}", duration(after)));
    after.unwrap_or_default()
}

impl Refused {
    /// The remedy, as an instruction.
    pub(crate) fn help(&self) -> &'static str {
        match self.status {
            404 | 405 => {
                "check `to`: it is the base URL of OTLP over HTTP, usually port 4318 of a Collector, to which `/v1/traces` is appended"
            }
            401 | 403 => "add the credentials that the pipeline requires to `headers`",
            413 => "raise `max_request_body_size` of the receiver of the pipeline",
            415 => "let `to` be an OTLP/HTTP endpoint that accepts protobuf",
            429 | 502 | 503 | 504 => {
                "the pipeline is starting or has no room: wait with `ready` until it can receive, or raise its limits, such as those of `memory_limiter` and `sending_queue`"
            }
            _ if self.rejected > 0 => "send only what the pipeline accepts: it names the reason",
            _ => "look at the log of the pipeline for the reason",
        }
    }
}
