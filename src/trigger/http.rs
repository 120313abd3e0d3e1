//! Sends a request and reads the whole response.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::COOKIE;

use super::cause::explain;
use super::hop::Hop;
use super::{Session, Stage, TraceContext, TriggerError, body};
use crate::spec::Request;
use crate::trace::HttpResponse;

/// Default timeout of a request: 30 s.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn send(
    request: &Request,
    context: &TraceContext,
    session: &Session,
) -> Result<HttpResponse, TriggerError> {
    let first = Hop::first(request, context).await?;
    // Building a client can read files, which does not count as response time.
    session.client(&first)?;
    let attempted = first.attempted();
    let progress = ReceivedBytes::default();
    let limit = request.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let exchange = follow(first, request.redirects, session, &progress);
    tokio::time::timeout(limit, exchange)
        .await
        .unwrap_or_else(|_| {
            Err(TriggerError::Timeout {
                limit,
                stage: progress.stage(),
                attempted,
            })
        })
}

/// Progress of an exchange, for the error at a timeout.
#[derive(Default)]
struct ReceivedBytes {
    /// 0 before the headers, then the received bytes of the body plus one.
    received: AtomicU64,
}

impl ReceivedBytes {
    fn body(&self, bytes: usize) {
        self.received.store(bytes as u64 + 1, Ordering::Relaxed);
    }

    fn stage(&self) -> Stage {
        match self.received.load(Ordering::Relaxed) {
            0 => Stage::Waiting,
            received => Stage::Reading {
                bytes: received - 1,
            },
        }
    }
}

async fn follow(
    first: Hop,
    redirects: usize,
    session: &Session,
    progress: &ReceivedBytes,
) -> Result<HttpResponse, TriggerError> {
    let started = Instant::now();
    let mut hop = first;
    let mut followed = 0;
    loop {
        let response = exchange(&hop, session).await?;
        let next = hop.redirected(response.status(), response.headers());
        match next.filter(|_| followed < redirects) {
            Some(next) => hop = next,
            None => return read(response, &hop, started, progress).await,
        }
        followed += 1;
    }
}

async fn exchange(hop: &Hop, session: &Session) -> Result<reqwest::Response, TriggerError> {
    let client = session.client(hop)?;
    let mut headers = hop.headers.clone();
    if let Some(cookies) = session.cookies(&hop.url, headers.get(COOKIE)) {
        headers.insert(COOKIE, cookies);
    }
    let request = client
        .request(hop.method.clone(), hop.url.clone())
        .headers(headers);
    let sent = hop.payload.attach(request)?.send().await;
    let response = sent.map_err(|error| explain(error, hop.attempted()))?;
    session.remember(&hop.url, response.headers());
    Ok(response)
}

async fn read(
    mut response: reqwest::Response,
    hop: &Hop,
    started: Instant,
    progress: &ReceivedBytes,
) -> Result<HttpResponse, TriggerError> {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let raw = read_body(response, hop, progress).await?;
    let time = started.elapsed();
    let body = body::decompress(&headers, raw).map_err(|source| TriggerError::Encoding {
        attempted: hop.attempted(),
        source,
    })?;
    within_limit(body.len(), hop)?;
    Ok(HttpResponse {
        status,
        headers: listed(&headers),
        body,
        time,
    })
}

async fn read_body(
    mut response: reqwest::Response,
    hop: &Hop,
    progress: &ReceivedBytes,
) -> Result<Vec<u8>, TriggerError> {
    let mut body = Vec::new();
    progress.body(0);
    let lost = |error| explain(error, hop.attempted());
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        body.extend_from_slice(&chunk);
        within_limit(body.len(), hop)?;
        progress.body(body.len());
    }
    Ok(body)
}

fn within_limit(bytes: usize, hop: &Hop) -> Result<(), TriggerError> {
    if bytes <= body::LIMIT {
        return Ok(());
    }
    Err(TriggerError::TooLarge {
        limit: body::LIMIT,
        attempted: hop.attempted(),
    })
}

/// Invalid UTF-8 becomes U+FFFD. A repeated header is at the place of its first value.
fn listed(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        })
        .collect()
}
