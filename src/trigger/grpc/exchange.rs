//! One exchange: a request with messages, and the response with messages and a status.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use reqwest::Body;
use url::Url;

use super::frames::{Frames, framed};
use super::wire;
use crate::spec::Tls;
use crate::trace::{GrpcCode, GrpcEnding};
use crate::trigger::body::LIMIT;
use crate::trigger::cause::explain;
use crate::trigger::{Attempted, Session, TriggerError};

/// Maximum number of messages of a response.
const MOST_MESSAGES: usize = 100_000;

/// Maximum number of bytes of a response without gRPC that a message shows.
const EXCERPT: usize = 200;

/// A request that is ready to send.
pub(super) struct Exchange<'a> {
    /// Scheme, host and port of the server.
    pub(super) server: &'a Url,
    pub(super) tls: &'a Tls,
    pub(super) path: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) messages: &'a [Bytes],
    /// The deadline.
    pub(super) limit: Duration,
}

/// A response with a status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: GrpcCode,
    pub(super) status_message: String,
    pub(super) ending: GrpcEnding,
    pub(super) metadata: HeaderMap,
    pub(super) trailers: HeaderMap,
    pub(super) messages: Vec<Bytes>,
    pub(super) time: Duration,
}

/// The part of a response that has arrived.
#[derive(Default)]
struct Progress {
    metadata: HeaderMap,
    frames: Frames,
    bytes: usize,
}

/// The request for the messages of a method.
pub(super) fn attempted(server: &Url, path: &str) -> Attempted {
    let mut url = server.clone();
    url.set_path(path);
    Attempted::new(&Method::POST, &url)
}

impl Exchange<'_> {
    /// Sends the request, and reads the response until its status, or until the deadline.
    pub(super) async fn run(self, session: &Session) -> Result<Answer, TriggerError> {
        let attempted = attempted(self.server, self.path);
        // Building a client can read files, which does not count as response time.
        let client = session.grpc_client(self.server, self.tls)?;
        let mut headers = self.headers;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        let timeout = HeaderValue::try_from(wire::timeout_text(self.limit));
        headers.insert("grpc-timeout", timeout.expect("digits and a letter"));
        let request = client
            .post((*attempted.url).clone())
            .headers(headers)
            .body(framed(self.messages));
        let started = Instant::now();
        let mut progress = Progress::default();
        let read = read(request, &mut progress, &attempted);
        let ended = tokio::time::timeout(self.limit, read).await;
        let time = started.elapsed();
        let trailers = match ended {
            Ok(Ok(trailers)) => Some(trailers),
            // The server can reset the stream at the deadline, too.
            Ok(Err(error)) if time < self.limit => return Err(error),
            Ok(Err(_)) | Err(_) => None,
        };
        let (code, status_message, ending) = match &trailers {
            Some(trailers) => {
                let Some((code, message)) = wire::status(trailers) else {
                    return Err(TriggerError::NoStatus { attempted });
                };
                if code == GrpcCode::OK && progress.frames.is_cut() {
                    return Err(TriggerError::NoStatus { attempted });
                }
                (code, message, GrpcEnding::Server)
            }
            None => (
                GrpcCode::DEADLINE_EXCEEDED,
                String::new(),
                GrpcEnding::Deadline,
            ),
        };
        Ok(Answer {
            code,
            status_message,
            ending,
            metadata: progress.metadata,
            trailers: trailers.unwrap_or_default(),
            messages: progress.frames.messages,
            time,
        })
    }
}

/// Sends the request, and reads the response until its trailers.
async fn read(
    request: reqwest::RequestBuilder,
    progress: &mut Progress,
    attempted: &Attempted,
) -> Result<HeaderMap, TriggerError> {
    let lost = |error| explain(error, attempted.clone());
    let response = request.send().await.map_err(lost)?;
    if !is_grpc(&response) {
        return Err(not_grpc(response, attempted).await);
    }
    if response.headers().contains_key("grpc-status") {
        // There is nothing but a status.
        return Ok(own(response.headers()));
    }
    progress.metadata = own(response.headers());
    let mut body: Body = http::Response::<Body>::from(response).into_body();
    while let Some(frame) = body.frame().await {
        match frame.map_err(lost)?.into_data() {
            Ok(data) => {
                progress.bytes += data.len();
                within_limits(progress, attempted)?;
                let pushed = progress.frames.push(&data);
                pushed.map_err(|_| TriggerError::Compressed {
                    attempted: attempted.clone(),
                })?;
            }
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    return Ok(trailers);
                }
            }
        }
    }
    Err(TriggerError::NoStatus {
        attempted: attempted.clone(),
    })
}

fn within_limits(progress: &Progress, attempted: &Attempted) -> Result<(), TriggerError> {
    if progress.bytes > LIMIT {
        return Err(TriggerError::TooLarge {
            limit: LIMIT,
            attempted: attempted.clone(),
        });
    }
    if progress.frames.messages.len() > MOST_MESSAGES {
        return Err(TriggerError::TooManyMessages {
            limit: MOST_MESSAGES,
            attempted: attempted.clone(),
        });
    }
    Ok(())
}

fn is_grpc(response: &reqwest::Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_grpc = kind
        .strip_prefix("application/grpc")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']));
    response.status() == http::StatusCode::OK && is_grpc
}

async fn not_grpc(mut response: reqwest::Response, attempted: &Attempted) -> TriggerError {
    let status = response.status().as_u16();
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let start = response.chunk().await.ok().flatten().unwrap_or_default();
    let start = String::from_utf8_lossy(&start[..start.len().min(EXCERPT)]);
    TriggerError::NotGrpc {
        status,
        content_type: kind,
        start: start.trim().to_owned(),
        attempted: attempted.clone(),
    }
}

/// Headers without those of HTTP.
fn own(headers: &HeaderMap) -> HeaderMap {
    let mut own = headers.clone();
    for name in [
        "content-type",
        "date",
        "server",
        "grpc-encoding",
        "grpc-accept-encoding",
    ] {
        own.remove(name);
    }
    own
}
