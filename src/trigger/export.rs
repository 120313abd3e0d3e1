//! Exports telemetry to an OTLP endpoint, over HTTP or gRPC.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use super::body::EncodedBody;
use super::hop::Hop;
use super::http::{DEFAULT_TIMEOUT, answer};
use super::refused::{NotExported, Refusal, Refused};
use super::{Attempted, Session, TriggerError};
use crate::spec::{OtlpProtocol, Tls};
use crate::trace::HttpResponse;

/// Sends export requests to one endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exporter<'a> {
    /// The endpoint, without the path of a signal.
    pub(crate) to: &'a Url,
    pub(crate) protocol: OtlpProtocol,
    pub(crate) headers: &'a [(HeaderName, HeaderValue)],
    pub(crate) tls: &'a Tls,
    /// Maximum time until an export is accepted.
    pub(crate) timeout: Option<Duration>,
}

/// The parts of an answer that the caller interprets, since only `source` reads OTLP.
pub(crate) struct AnswerReader {
    /// The number of rejected records, and a message.
    pub(crate) accepted: fn(&[u8]) -> (u64, String),
    /// The message of a refusal over HTTP.
    pub(crate) refusal: fn(&[u8]) -> String,
}

impl Exporter<'_> {
    /// Sends one export request in protobuf to the path of its signal. Returns the warning of the endpoint, if it
    /// has one.
    pub(crate) async fn export(
        &self,
        path: &str,
        message: Vec<u8>,
        read: &AnswerReader,
        session: &Session,
    ) -> Result<Option<String>, TriggerError> {
        let answered = match self.protocol {
            OtlpProtocol::Http => self.over_http(path, message, read, session).await,
            OtlpProtocol::Grpc => self.over_grpc(path, message, session).await,
        };
        let body = answered.map_err(|error| NotExported::explain(error, self.to, self.protocol))?;
        match (read.accepted)(&body) {
            (0, message) => Ok(Some(message).filter(|message| !message.is_empty())),
            (rejected, message) => Err(TriggerError::Export(Box::new(Refused {
                refusal: Refusal::Records(rejected),
                message,
                retry_after: None,
                attempted: self.attempted(path),
            }))),
        }
    }

    async fn over_http(
        &self,
        path: &str,
        message: Vec<u8>,
        read: &AnswerReader,
        session: &Session,
    ) -> Result<Bytes, TriggerError> {
        let limit = self.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let answer = answer(self.hop(path, message), 0, limit, session).await?;
        match answer.status {
            200..300 => Ok(answer.body.into()),
            status => Err(TriggerError::Export(Box::new(Refused {
                refusal: Refusal::Status(status),
                message: (read.refusal)(&answer.body),
                retry_after: retry_after(&answer),
                attempted: self.attempted(path),
            }))),
        }
    }

    #[cfg(feature = "grpc")]
    async fn over_grpc(
        &self,
        path: &str,
        message: Vec<u8>,
        session: &Session,
    ) -> Result<Bytes, TriggerError> {
        super::grpc::export(self, path, message, session).await
    }

    #[cfg(not(feature = "grpc"))]
    #[expect(
        clippy::unused_async,
        reason = "with the feature it waits for the answer"
    )]
    async fn over_grpc(&self, _: &str, _: Vec<u8>, _: &Session) -> Result<Bytes, TriggerError> {
        Err(TriggerError::NoGrpc)
    }

    fn attempted(&self, path: &str) -> Attempted {
        Attempted::new(&Method::POST, &self.url(path))
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.to.clone();
        url.set_path(&format!("{}{path}", self.to.path().trim_end_matches('/')));
        url
    }

    fn hop(&self, path: &str, message: Vec<u8>) -> Hop {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.append(name, value.clone());
        }
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(CONTENT_TYPE, protobuf);
        Hop {
            method: Method::POST,
            url: self.url(path),
            headers,
            payload: EncodedBody::bytes(message, None),
            tls: self.tls.clone(),
        }
    }
}

fn retry_after(answer: &HttpResponse) -> Option<Duration> {
    let seconds = answer.header(RETRY_AFTER.as_str()).next()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}
