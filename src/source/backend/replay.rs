//! A server that replays the answers of a backend, and what a follower sees of them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use http_body_util::{BodyExt, Full};
use tokio::task::JoinSet;

use super::{Backend, KINDS, SourceSettings};
use crate::source::TraceSource;
use crate::source::otlp;
use crate::trace::{Origin, Span, Trace, TraceId};

/// The trace of an order that was placed, with everything that OTLP can carry, and one that it links to.
pub(super) const PLACED: &str = "6b0af38e5b8efff798038103d269b633";
/// The trace of a message that was sent meanwhile.
pub(super) const CONSUMER: &str = "6b0af38e00000000d269b6330000000c";
pub(super) const REFUSED: &str = "00f067aa0ba902b7d269b633813fc60d";

/// A longer wait means that something is wrong.
const DEADLINE: Duration = Duration::from_secs(20);

/// The bytes of a file in `tests/fixtures`.
macro_rules! recorded {
    ($file:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/",
            $file
        ))
        .as_slice()
    };
}
pub(super) use recorded;

/// An answer of a backend.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: Vec<u8>,
    /// After the body, as gRPC has them.
    pub(super) trailers: Vec<(&'static str, &'static str)>,
}

impl Answer {
    fn body_with_trailers(&self) -> Body {
        let body = Full::new(Bytes::from(self.body.clone()));
        if self.trailers.is_empty() {
            return Body::new(body);
        }
        let trailers = self.trailers.iter();
        let trailers = trailers.map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        let trailers: HeaderMap = trailers.collect();
        Body::new(body.with_trailers(std::future::ready(Some(Ok(trailers)))))
    }
}

/// A request that a backend received.
pub(super) struct Asked {
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

pub(super) fn answer(status: u16, body: impl AsRef<[u8]>) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: body.as_ref().to_vec(),
        trailers: Vec::new(),
    }
}

/// A server that gives the next answer of a path at each request, the last one again and again, and
/// 404 for other paths.
pub(super) struct Replay {
    pub(super) address: SocketAddr,
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
    _server: JoinSet<()>,
}

/// The settings of a backend of this kind.
pub(super) fn settings(kind: &str, address: &str) -> SourceSettings {
    let kind = KINDS.iter().find(|known| known.key.name == kind).unwrap();
    SourceSettings::new(kind, address, std::path::Path::new("")).unwrap_or_else(|no| panic!("{no}"))
}

impl Replay {
    pub(super) async fn of<const N: usize>(answers: [(&str, Vec<Answer>); N]) -> Self {
        let answers = answers.into_iter();
        let answers: BTreeMap<String, Vec<Answer>> = answers
            .map(|(path, answers)| (path.to_owned(), answers))
            .collect();
        let state = Arc::new(Mutex::new(answers));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&asked);
        let app = Router::new().fallback(
            move |_: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
                note.lock().unwrap().push(Asked {
                    path: uri.to_string(),
                    headers,
                    body: String::from_utf8_lossy(&body).into_owned(),
                });
                let mut state = state.lock().unwrap();
                let found = state
                    .get_mut(uri.path())
                    .map(|answers| match answers.len() {
                        1 => answers[0].clone(),
                        _ => answers.remove(0),
                    });
                let found = found.unwrap_or_else(|| answer(404, ""));
                let mut response = found.body_with_trailers().into_response();
                *response.status_mut() = StatusCode::from_u16(found.status).unwrap();
                for (name, value) in found.headers {
                    response.headers_mut().insert(name, value.parse().unwrap());
                }
                response
            },
        );
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            address,
            asked,
            _server: server,
        }
    }

    pub(super) fn backend(&self, kind: &str) -> Backend {
        self.with(kind, |_| ())
    }

    /// The same over gRPC.
    pub(super) fn grpc_backend(&self, kind: &str) -> Backend {
        let settings = settings(kind, &format!("grpc://{}", self.address));
        Backend::new(settings).unwrap()
    }

    pub(super) fn with(&self, kind: &str, change: impl FnOnce(&mut SourceSettings)) -> Backend {
        let mut settings = settings(kind, &format!("http://{}", self.address));
        change(&mut settings);
        Backend::new(settings).unwrap()
    }

    pub(super) fn paths(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|asked| asked.path.clone()).collect()
    }
}

pub(super) fn id(text: &str) -> TraceId {
    text.parse().unwrap()
}

/// The trace, as soon as two answers agree about it.
pub(super) async fn settled(backend: &Backend, trace: &str) -> Trace {
    let mut follow = backend.follow(id(trace), Origin::Foreign);
    let begun = Instant::now();
    let settled = async {
        loop {
            let snapshot = follow.snapshot();
            if snapshot.known_until > begun && !snapshot.trace.is_empty() {
                return snapshot.trace;
            }
            follow.changed().await;
        }
    };
    tokio::time::timeout(DEADLINE, settled).await.unwrap()
}

/// The reason why the backend cannot be read.
pub(super) async fn refusal(backend: &Backend) -> String {
    let mut follow = backend.follow(id(PLACED), Origin::Foreign);
    follow.snapshot();
    tokio::time::timeout(DEADLINE, backend.gone())
        .await
        .unwrap()
}

/// The first loss that a follower sees.
pub(super) async fn trouble(backend: &Backend) -> String {
    let mut follow = backend.follow(id(PLACED), Origin::Foreign);
    let found = async {
        loop {
            if let Some(hole) = follow.snapshot().trace.holes().first() {
                return hole.to_string();
            }
            follow.changed().await;
        }
    };
    tokio::time::timeout(DEADLINE, found).await.unwrap()
}

pub(super) fn sent(file: &[u8], trace: &str) -> Trace {
    let traces = otlp::read(file).unwrap();
    traces
        .into_iter()
        .find(|one| one.id() == id(trace))
        .unwrap()
}

pub(super) fn by_id(trace: &Trace) -> Vec<Span> {
    let mut spans = trace.spans().to_vec();
    spans.sort_by_key(|span| span.span_id);
    spans
}
