//! The HTTP API of a running receiver: any language asks it for the trace of a `traceparent`.
//!
//! It stands on the receiver's own ports, below `/api/v1`, with `/api` for the current version.
//! `docs/openapi.yaml` describes it, and is served by it. Receiving spans is left to `source`,
//! when a trace is complete to `run`.

mod events;
mod flat;
mod host;
mod judge;
mod problem;
mod query;
mod stream;
mod traces;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use crate::source::receiver::{Arrival, Refusal, Store};
use crate::source::remote::{API_VERSION, Health};
use crate::spec::Context;
use crate::step::{Flush, Services, Settler};
use problem::Problem;

/// What `docs/openapi.yaml` says.
pub const OPENAPI: &str = include_str!("../../docs/openapi.yaml");

/// So many bytes of spans are remembered for those who ask: some 100,000 of usual size.
pub const REMEMBERED: usize = 64 << 20;

/// The API over one store.
#[derive(Clone, Debug)]
pub struct Api(Arc<Shared>);

/// What is known of the system under test once it runs.
#[derive(Debug)]
pub struct Known {
    /// Where the receiver listens.
    pub listened: Vec<SocketAddr>,
    /// For how long services may keep a span.
    pub flush: Flush,
    /// Whether we started the services.
    pub services: Services,
    /// Their ports by variable.
    pub ports: BTreeMap<String, u16>,
    /// What specs that are sent may refer to.
    pub context: Context,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    state: RwLock<Arc<Running>>,
}

/// What is known, with what is learned.
#[derive(Debug)]
struct Running {
    is_ready: bool,
    settler: Settler,
    known: Known,
}

impl Api {
    /// The API of a receiver that fills this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let known = Known {
            listened: Vec::new(),
            flush: Flush::Assumed,
            services: Services::Theirs,
            ports: BTreeMap::new(),
            context: Context::default(),
        };
        let running = Running::new(known, false, store.clone());
        let state = RwLock::new(Arc::new(running));
        Self(Arc::new(Shared { store, state }))
    }

    /// Tells it that the services are ready, and what is known of them.
    pub fn ready(&self, known: Known) {
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = Arc::new(Running::new(known, true, self.store().clone()));
    }

    /// What answers.
    pub fn routes(&self) -> Router {
        let mut router = Router::new();
        for (path, route) in routes() {
            for prefix in ["/api".to_owned(), format!("/api/v{API_VERSION}")] {
                router = router.route(&format!("{prefix}{path}"), route.clone());
            }
        }
        router
            .route("/api", get(no_such_path).fallback(no_such_path))
            .route("/api/{*path}", get(no_such_path).fallback(no_such_path))
            .layer(middleware::from_fn_with_state(self.clone(), host::check))
            .layer(middleware::from_fn_with_state(self.clone(), problem::mask))
            .with_state(self.clone())
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn running(&self) -> Arc<Running> {
        let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state)
    }
}

impl Running {
    fn new(known: Known, is_ready: bool, store: Store) -> Self {
        Self {
            is_ready,
            settler: Settler::new(known.flush, store),
            known,
        }
    }
}

/// Each path below the prefix, with what answers there.
fn routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    let only_get = |route: MethodRouter<Api>| route.fallback(only_get);
    vec![
        ("/health", only_get(get(health))),
        ("/openapi.yaml", only_get(get(openapi))),
        ("/events", only_get(get(events::follow))),
        ("/traces/{trace}", only_get(get(traces::find))),
        ("/traces/{trace}/spans", only_get(get(stream::spans))),
        ("/sightings", only_get(get(stream::sightings))),
        ("/judge", post(judge::judge).fallback(only_post)),
    ]
}

async fn health(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    query::none(&uri)?;
    let (running, census) = (api.running(), api.store().census());
    let flush_ms = match running.known.flush {
        Flush::Known(bound) => Some(bound.as_secs_f64() * 1_000.0),
        Flush::Assumed => None,
    };
    let refused = census.refusals.iter().map(Refusal::in_full);
    let rejected = census.rejections.iter().map(ToString::to_string);
    Ok(json(&Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api: API_VERSION,
        ready: running.is_ready,
        listened: running.known.listened.clone(),
        flush_ms,
        starts_services: running.known.services == Services::Ours,
        ports: running.known.ports.clone(),
        spans: census.spans,
        refused: census.refused,
        problems: refused.chain(rejected).collect(),
    }))
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], OPENAPI).into_response()
}

/// Exporters of other protocols have paths below `/api` too.
async fn no_such_path(
    State(api): State<Api>,
    arrival: Option<Extension<Arrival>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Problem {
    if let Some(Extension(arrival)) = arrival.filter(|_| method != Method::GET) {
        let sender = arrival.sender(&headers);
        api.store().other_protocol(sender, &method, uri.path());
    }
    let paths: Vec<&str> = routes().into_iter().map(|(path, _)| path).collect();
    Problem::no_path(uri.path(), &paths)
}

async fn only_get(method: Method) -> Problem {
    Problem::wrong_method(&method, "GET")
}

async fn only_post(method: Method) -> Problem {
    Problem::wrong_method(&method, "POST")
}

fn json(value: &impl serde::Serialize) -> Response {
    let body = serde_json::to_string(value).expect("these are structs and maps with text keys");
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
