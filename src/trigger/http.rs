//! Sends a request and reads the whole response.

use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE};

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
    let limit = request.timeout.unwrap_or(DEFAULT_TIMEOUT);
    answer(first, request.redirects, limit, session).await
}

/// The whole response to a request, after at most this number of redirects.
pub(super) async fn answer(
    first: Hop,
    redirects: usize,
    limit: Duration,
    session: &Session,
) -> Result<HttpResponse, TriggerError> {
    // Building a client can read files, which does not count as response time.
    session.client(&first)?;
    let attempted = first.attempted();
    let timeout = |stage| TriggerError::Timeout {
        limit,
        stage,
        attempted,
    };
    let started = Instant::now();
    let answer = follow(first, redirects, session);
    let (mut response, hop) = match tokio::time::timeout(limit, answer).await {
        Ok(answered) => answered?,
        Err(_) => return Err(timeout(Stage::Waiting)),
    };
    let mut raw = Vec::new();
    let rest = limit.saturating_sub(started.elapsed());
    let reading = read_body(&mut response, &hop, &mut raw);
    let is_open = match tokio::time::timeout(rest, reading).await {
        Ok(read) => {
            read?;
            false
        }
        Err(_) if is_event_stream(response.headers()) => true,
        Err(_) => {
            let bytes = raw.len() as u64;
            return Err(timeout(Stage::Reading { bytes }));
        }
    };
    let time = started.elapsed();
    let headers = response.headers();
    let decoded = body::decode(headers, raw, is_open);
    let decoded = decoded.map_err(|source| TriggerError::Encoding {
        attempted: hop.attempted(),
        source,
    })?;
    within_limit(decoded.bytes.len(), &hop)?;
    Ok(HttpResponse {
        status: response.status().as_u16(),
        headers: listed(headers),
        body: decoded.bytes,
        undecoded: decoded.undecoded,
        is_open,
        time,
    })
}

/// Events of a stream that need not end, which are judged up to the timeout.
fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

async fn follow(
    first: Hop,
    redirects: usize,
    session: &Session,
) -> Result<(reqwest::Response, Hop), TriggerError> {
    let mut hop = first;
    let mut followed = 0;
    loop {
        let response = exchange(&hop, session).await?;
        let next = hop.redirected(response.status(), response.headers());
        match next.filter(|_| followed < redirects) {
            Some(next) => hop = next,
            None => return Ok((response, hop)),
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

/// Appends what arrives of the body.
async fn read_body(
    response: &mut reqwest::Response,
    hop: &Hop,
    body: &mut Vec<u8>,
) -> Result<(), TriggerError> {
    let lost = |error| explain(error, hop.attempted());
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        body.extend_from_slice(&chunk);
        within_limit(body.len(), hop)?;
    }
    Ok(())
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
