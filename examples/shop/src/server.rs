//! HTTP server of a service: SERVER spans and JSON responses.

use std::future::Future;
use std::io;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use axum::serve::ListenerExt;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::call::Call;
use crate::simulate::{self, Simulation};
use crate::telemetry::Telemetry;

/// Result of a handler. Both variants are responses, so that `?` returns an error response.
pub(crate) type Answer = Result<Reply, Reply>;

/// A JSON response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    location: Option<String>,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body,
            location: None,
        }
    }

    /// An error response with a code and a message.
    pub(crate) fn error(status: StatusCode, error: &str, message: &str) -> Self {
        Self::new(status, json!({ "error": error, "message": message }))
    }

    pub(crate) fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }

    /// Deserializes the body. `Err` is a 502 response.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Self> {
        serde_json::from_value(self.body)
            .map_err(|e| Self::error(StatusCode::BAD_GATEWAY, "bad_gateway", &e.to_string()))
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let location = self.location.map(HeaderValue::try_from);
        if let Some(Ok(location)) = location {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

/// Deserializes the body of a request. `Err` is a 400 response.
pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|error| bad_request(&error.to_string()))
}

pub(crate) fn bad_request(message: &str) -> Reply {
    Reply::error(StatusCode::BAD_REQUEST, "bad_request", message)
}

/// The router of a service. Each request has a SERVER span, which is passed to the handler as a
/// [`Call`] extension.
pub(crate) fn routes<S>(
    telemetry: &Telemetry,
    state: S,
    routes: impl IntoIterator<Item = (&'static str, MethodRouter<S>)>,
) -> Router
where
    S: Clone + Send + Sync + 'static,
{
    let mut router = Router::new();
    for (path, methods) in routes {
        let entry = Entry {
            telemetry: telemetry.clone(),
            route: Some(path),
        };
        router = router.route(
            path,
            methods.layer(middleware::from_fn_with_state(entry, traced)),
        );
    }
    let entry = Entry {
        telemetry: telemetry.clone(),
        route: None,
    };
    let unknown = any(not_found).layer(middleware::from_fn_with_state(entry, traced));
    router
        .fallback_service(unknown.with_state(()))
        .with_state(state)
}

/// Serves until `stop` resolves and the requests in flight are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // An optimization; an error is harmless.
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
}

async fn not_found() -> Reply {
    Reply::error(StatusCode::NOT_FOUND, "not_found", "unknown path")
}

/// A route, or the fallback.
#[derive(Clone, Debug)]
struct Entry {
    telemetry: Telemetry,
    route: Option<&'static str>,
}

impl Entry {
    fn accept(&self, request: &Request, simulation: Simulation) -> Call {
        let name = match self.route {
            Some(route) => format!("{} {route}", request.method()),
            None => request.method().to_string(),
        };
        let span = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Server)
            .with_attributes(self.attributes(request));
        let carrier = HeaderExtractor(request.headers());
        Call::accept(&self.telemetry, simulation, &carrier, span)
    }

    fn attributes(&self, request: &Request) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new("http.request.method", request.method().to_string()),
            KeyValue::new("url.path", request.uri().path().to_owned()),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("network.protocol.version", "1.1"),
        ];
        attributes.extend(self.route.map(|route| KeyValue::new("http.route", route)));
        attributes.extend(text(request, header::HOST).into_iter().flat_map(address));
        let agent = text(request, header::USER_AGENT);
        attributes.extend(agent.map(|it| KeyValue::new("user_agent.original", it.to_owned())));
        attributes
    }
}

fn text(request: &Request, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

fn address(host: &str) -> Vec<KeyValue> {
    let (host, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let port = port
        .parse::<i64>()
        .ok()
        .map(|port| KeyValue::new("server.port", port));
    let address = KeyValue::new("server.address", host.to_owned());
    [Some(address), port].into_iter().flatten().collect()
}

/// Middleware that creates the SERVER span.
async fn traced(State(entry): State<Entry>, mut request: Request, next: Next) -> Response {
    let simulation = simulation(&request);
    let call = entry.accept(&request, simulation.as_ref().cloned().unwrap_or_default());
    let mut response = match simulation {
        Err(refusal) => refusal.into_response(),
        Ok(_) if call.simulation.fails(call.service) => failure(&call).into_response(),
        Ok(_) => {
            request.extensions_mut().insert(call.clone());
            next.run(request).await
        }
    };
    answered(&call, response.status());
    // The caller can request the trace with it.
    call.name(&mut HeaderInjector(response.headers_mut()));
    response
}

fn simulation(request: &Request) -> Result<Simulation, Reply> {
    let Some(faults) = request.headers().get(simulate::HEADER) else {
        return Ok(Simulation::default());
    };
    serde_json::from_slice(faults.as_bytes())
        .map_err(|error| bad_request(&format!("{}: {error}", simulate::HEADER)))
}

fn failure(call: &Call) -> Reply {
    let message = format!("simulated failure of {}", call.service);
    Reply::error(StatusCode::INTERNAL_SERVER_ERROR, "simulated", &message)
}

/// Sets the status attributes. A SERVER span has status error only for a server error.
fn answered(call: &Call, status: StatusCode) {
    call.set("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        call.set("error.type", status.as_str().to_owned());
        call.fail("");
    }
}
