//! Exports telemetry to an OTLP/HTTP endpoint.

use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use super::body::EncodedBody;
use super::hop::Hop;
use super::http::{DEFAULT_TIMEOUT, answer};
use super::refused::Refused;
use super::{Session, TriggerError};
use crate::spec::Tls;
use crate::trace::HttpResponse;

/// Sends export requests to one endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exporter<'a> {
    /// The endpoint, without the path of a signal.
    pub(crate) to: &'a Url,
    pub(crate) headers: &'a [(HeaderName, HeaderValue)],
    pub(crate) tls: &'a Tls,
    /// Maximum time until an export is accepted.
    pub(crate) timeout: Option<Duration>,
}

/// The parts of an answer that the caller interprets, since only `source` reads OTLP.
pub(crate) struct AnswerReader {
    /// The number of rejected records, and a message.
    pub(crate) accepted: fn(&[u8]) -> (u64, String),
    /// The message of a refusal.
    pub(crate) refusal: fn(&[u8]) -> String,
}

impl Exporter<'_> {
    /// Sends one export request in protobuf. Returns the warning of the endpoint, if it has one.
    pub(crate) async fn export(
        &self,
        path: &str,
        message: Vec<u8>,
        read: &AnswerReader,
        session: &Session,
    ) -> Result<Option<String>, TriggerError> {
        let hop = self.hop(path, message);
        let attempted = hop.attempted().to_string();
        let limit = self.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let answer = answer(hop, 0, limit, session).await?;
        let refused = |rejected, message| {
            TriggerError::Export(Box::new(Refused {
                status: answer.status,
                rejected,
                message,
                retry_after: retry_after(&answer),
                attempted,
            }))
        };
        if !(200..300).contains(&answer.status) {
            return Err(refused(0, (read.refusal)(&answer.body)));
        }
        match (read.accepted)(&answer.body) {
            (0, message) => Ok(Some(message).filter(|message| !message.is_empty())),
            (rejected, message) => Err(refused(rejected, message)),
        }
    }

    fn hop(&self, path: &str, message: Vec<u8>) -> Hop {
        let mut url = self.to.clone();
        url.set_path(&format!("{}{path}", self.to.path().trim_end_matches('/')));
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.append(name, value.clone());
        }
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(CONTENT_TYPE, protobuf);
        Hop {
            method: Method::POST,
            url,
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
