//! The paths of the API.

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::problem::Problem;
use super::respond::json;
use super::state::Api;
use super::{events, judge, problem, query, stream, traces};
use crate::source::Refusal;
use crate::source::receiver::{Arrival, other_protocol};
use crate::source::remote::{API_VERSION, Health};
use crate::step::{Flush, Services};

/// The content of `docs/openapi.yaml`.
pub const OPENAPI: &str = include_str!("../../docs/openapi.yaml");

impl Api {
    /// All routes.
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
            .layer(middleware::from_fn_with_state(self.clone(), problem::mask))
            .with_state(self.clone())
    }
}

/// Each path below the prefix, with its handler.
fn routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    let only_get = |route: MethodRouter<Api>| route.fallback(only_get);
    vec![
        ("/health", only_get(get(health))),
        ("/openapi.yaml", only_get(get(openapi))),
        ("/events", only_get(get(events::follow))),
        ("/traces/{trace}", only_get(get(traces::find))),
        ("/traces/{trace}/spans", only_get(get(stream::spans))),
        ("/metrics", only_get(get(stream::metrics))),
        ("/logs", only_get(get(stream::logs))),
        ("/sightings", only_get(get(stream::sightings))),
        ("/judge", post(judge::judge).fallback(only_post)),
    ]
}

async fn health(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    query::none(&uri)?;
    let (state, stats) = (api.state(), api.store().stats());
    let millis = |flush| match flush {
        Flush::Known(bound) => Some(bound.as_secs_f64() * 1_000.0),
        Flush::Assumed => None,
    };
    let refused = stats.refusals.iter().map(Refusal::in_full);
    let rejected = stats.rejections.iter().map(ToString::to_string);
    let hidden = &state.known.context.globals.hidden;
    Ok(json(&Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api: API_VERSION,
        ready: state.is_ready,
        listened: state.known.listened.clone(),
        flush_ms: millis(state.known.flush),
        log_flush_ms: millis(state.known.log_flush),
        metric_flush_ms: millis(state.known.metric_flush),
        starts_services: state.known.services == Services::Ours,
        ports: state.known.ports.clone(),
        spans: stats.spans,
        refused: stats.refused,
        problems: refused
            .chain(rejected)
            .map(|one| hidden.text(&one))
            .collect(),
    }))
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], OPENAPI).into_response()
}

/// Exporters of other protocols send to paths below `/api`, too.
async fn no_such_path(
    State(api): State<Api>,
    arrival: Option<Extension<Arrival>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Problem {
    if let Some(Extension(arrival)) = arrival.filter(|_| method != Method::GET) {
        let refusal = other_protocol(arrival, &headers, &method, uri.path());
        refusal
            .into_iter()
            .for_each(|refusal| api.store().refuse(refusal));
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
