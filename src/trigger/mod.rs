//! Fires what makes a trace: a request, or a command, with a trace context of our own.
//!
//! What came back is a [`Response`]; whether it is right is for `check` to say, and whether a
//! failed attempt is worth another is for `run`.
//!
//! # What is sent
//!
//! A request carries what its author wrote, and:
//!
//! - `traceparent`, and `tracestate` if the context has one;
//! - `user-agent: spanspec/<version>` and `accept: */*`, unless written;
//! - the cookies that the [`Session`] has collected, after those written;
//! - a `content-type` for JSON and forms, unless written, and always for multipart bodies.
//!
//! There is no `accept-encoding` and no `referer`. HTTP/2 is spoken where a TLS server offers it.
//! A redirect that is followed carries the same trace context. To another host or port, or from
//! `https` down to `http`, it carries no credentials: neither cookies nor a client certificate nor
//! headers whose name says `auth`, `token`, `secret`, `session`, `password` or `api-key`.
//!
//! A command gets `TRACEPARENT` and, if the context has one, `TRACESTATE`.

#[cfg(feature = "run")]
mod body;
#[cfg(feature = "run")]
mod cause;
#[cfg(feature = "run")]
mod command;
mod context;
#[cfg(feature = "run")]
mod error;
#[cfg(feature = "run")]
mod hop;
#[cfg(feature = "run")]
mod http;
#[cfg(feature = "run")]
mod session;

pub use context::TraceContext;
#[cfg(feature = "run")]
pub use error::{Attempted, Stage, TriggerError};
#[cfg(feature = "run")]
pub use http::DEFAULT_TIMEOUT as REQUEST_TIMEOUT;
#[cfg(feature = "run")]
pub use session::Session;

#[cfg(feature = "run")]
use crate::spec::Trigger;
#[cfg(feature = "run")]
use crate::trace::Response;

/// Fires a trigger and waits for what comes back. The context decides what is propagated; one that
/// fits the trigger comes from [`TraceContext::of`]. Dropping the future ends everything: it closes
/// the connection, and kills the command's process group.
///
/// # Errors
///
/// Only what kept us from getting a response: a status of 500 and an exit code of 1 are responses.
#[cfg(feature = "run")]
pub async fn fire(
    trigger: &Trigger,
    context: &TraceContext,
    session: &Session,
) -> Result<Response, TriggerError> {
    match trigger {
        Trigger::Request(request) => http::send(request, context, session)
            .await
            .map(Response::Http),
        Trigger::Run(run) => command::run(run, context).await.map(Response::Command),
        Trigger::TraceId(_) => Ok(Response::None),
    }
}
