//! Fires triggers: sends requests and messages and runs commands, with a trace context.
//!
//! The result is a [`Response`]. `check` judges it, and `run` decides about further attempts.
//!
//! # What is sent
//!
//! A request has the content of the spec, and:
//!
//! - `traceparent`, and `tracestate` and `baggage` if the context has them;
//! - `user-agent: spanspec/<version>` and `accept: */*`, unless the spec has them;
//! - the cookies of the [`Session`], after those of the spec;
//! - a `content-type` for JSON and forms, unless the spec has one, and always for multipart bodies.
//!
//! There is no `accept-encoding` and no `referer`. HTTP/2 is used if a TLS server offers it.
//! A redirect that is followed has the same trace context. To another host or port, or from `https`
//! to `http`, it has no credentials: no cookies, no client certificate, no baggage, and no headers whose
//! name contains `auth`, `token`, `secret`, `session`, `password` or `api-key`.
//!
//! A gRPC call has the trace context as metadata, and its timeout as `grpc-timeout`.
//! A message has the context in headers of the same names.
//!
//! Exports of telemetry have no trace context: it is in the telemetry.
//!
//! A command gets `TRACEPARENT` and, if the context has them, `TRACESTATE` and `BAGGAGE`.

#[cfg(feature = "run")]
mod body;
#[cfg(feature = "run")]
mod cause;
#[cfg(feature = "run")]
mod charset;
#[cfg(feature = "run")]
mod command;
mod context;
#[cfg(feature = "run")]
mod error;
#[cfg(feature = "run")]
mod export;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "run")]
mod hop;
#[cfg(feature = "run")]
mod http;
#[cfg(feature = "run")]
pub(crate) mod publish;
#[cfg(feature = "run")]
mod raw;
#[cfg(feature = "run")]
mod refused;
#[cfg(feature = "run")]
mod session;
#[cfg(feature = "run")]
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;

pub use context::TraceContext;
#[cfg(feature = "run")]
pub use error::{Attempted, Stage, TriggerError};
#[cfg(feature = "run")]
pub(crate) use error::{PemProblem, TlsBlame, TlsFault};
#[cfg(feature = "run")]
pub(crate) use export::{AnswerReader, Exporter};
#[cfg(feature = "run")]
pub use http::DEFAULT_TIMEOUT as REQUEST_TIMEOUT;
#[cfg(feature = "run")]
pub(crate) use raw::{RawAnswer, exchange as raw_exchange};
#[cfg(feature = "run")]
pub use session::Session;
#[cfg(all(test, feature = "tls"))]
pub(crate) use tls::client_config;
#[cfg(feature = "tls")]
pub(crate) use tls::{certificates, certified_key};

#[cfg(feature = "run")]
use crate::spec::Trigger;
#[cfg(feature = "run")]
use crate::trace::Response;

/// Fires a trigger and waits for the response. [`TraceContext::of`] returns the context for a
/// trigger. Dropping the future closes the connection, and kills the process group of the command.
///
/// # Errors
///
/// If there is no response. A status of 500 and an exit code of 1 are responses.
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
        Trigger::GraphQl(graphql) => http::send(&graphql.request, context, session)
            .await
            .map(Response::Http),
        #[cfg(feature = "grpc")]
        Trigger::Grpc(call) => grpc::call(call, context, session)
            .await
            .map(|response| Response::Grpc(Box::new(response))),
        #[cfg(not(feature = "grpc"))]
        Trigger::Grpc(_) => Err(TriggerError::NoGrpc),
        Trigger::Run(run) => command::run(run, context).await.map(Response::Command),
        Trigger::Publish(message) => publish::publish(message, context, session)
            .await
            .map(Response::Message),
        // The folder `send` exports telemetry.
        Trigger::TraceId(_) | Trigger::Send(_) | Trigger::Search(_) | Trigger::Observe(_) => {
            Ok(Response::None)
        }
        // `probe` sends the requests.
        Trigger::Conformance(_) => Ok(Response::None),
    }
}

/// A client of a backend, with certificates for `https`, and without a proxy for this machine.
///
/// # Errors
/// A file cannot be used.
#[cfg(feature = "run")]
pub(crate) fn backend_client(
    builder: reqwest::ClientBuilder,
    url: &url::Url,
    tls: &crate::spec::Tls,
) -> Result<reqwest::ClientBuilder, TriggerError> {
    let builder = match crate::spec::is_loopback(url) {
        true => builder.no_proxy(),
        false => builder,
    };
    match url.scheme() {
        "https" => tls::with_certificates(builder, tls),
        _ => Ok(tls::plain(builder)),
    }
}

/// The cause of a failed TLS handshake, if the error is of one.
#[cfg(feature = "run")]
pub(crate) fn tls_fault(error: &(dyn std::error::Error + 'static)) -> Option<TlsFault> {
    tls::fault(error)
}

/// The remedy if a server has a certificate that is not trusted.
#[cfg(feature = "run")]
pub(crate) fn certificate_remedy(
    error: &(dyn std::error::Error + 'static),
) -> Option<&'static str> {
    tls::remedy(error)
}
