//! HTTP client for calls between services and for exports. Without TLS.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use opentelemetry_http::{HeaderInjector, HttpClient, HttpError};
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Handle;

use crate::call::Call;
use crate::server::{Answer, Reply};
use crate::service::Service;
use crate::simulate;

/// Timeout of an export.
const COLLECTOR_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection pool, shared by clones.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Arc<Client<HttpConnector, Full<Bytes>>>,
    runtime: Handle,
}

impl Http {
    /// Creates a client on the current tokio runtime.
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self {
            client: Arc::new(client),
            runtime: Handle::current(),
        }
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.client.request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}

/// The transport of exporters, whose threads have no tokio runtime.
#[async_trait::async_trait]
impl HttpClient for Http {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.clone();
        let sending = async move {
            tokio::time::timeout(COLLECTOR_TIMEOUT, http.send(request))
                .await
                .map_err(HttpError::from)?
        };
        self.runtime.spawn(sending).await?
    }
}

/// A service that another service calls.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    service: Service,
    address: Authority,
    http: Http,
}

impl Peer {
    pub(crate) fn new(service: Service, address: Authority, http: &Http) -> Self {
        Self {
            service,
            address,
            http: http.clone(),
        }
    }

    pub(crate) async fn get(&self, call: &Call, path: &str) -> Answer {
        self.request(call, Method::GET, path, Bytes::new()).await
    }

    pub(crate) async fn post(&self, call: &Call, path: &str, body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).expect("the types serialize to JSON");
        self.request(call, Method::POST, path, body.into()).await
    }

    pub(crate) async fn delete(&self, call: &Call, path: &str) -> Answer {
        self.request(call, Method::DELETE, path, Bytes::new()).await
    }

    /// Sends a request in a CLIENT span. `Err` is the response for the caller of this service.
    async fn request(&self, call: &Call, method: Method, path: &str, body: Bytes) -> Answer {
        let span = call.start(
            method.to_string(),
            SpanKind::Client,
            self.attributes(&method, path),
        );
        match self
            .http
            .send(self.message(&span, method, path, body))
            .await
        {
            Ok(response) => self.received(&span, &response),
            Err(error) => Err(self.unreachable(&span, error.as_ref())),
        }
    }

    fn attributes(&self, method: &Method, path: &str) -> Vec<KeyValue> {
        vec![
            KeyValue::new("http.request.method", method.to_string()),
            KeyValue::new("url.full", self.url(path)),
            KeyValue::new("server.address", self.address.host().to_owned()),
            KeyValue::new(
                "server.port",
                i64::from(self.address.port_u16().unwrap_or(80)),
            ),
        ]
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn message(&self, span: &Call, method: Method, path: &str, body: Bytes) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.url(path).parse().expect("the path is valid");
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::USER_AGENT, HeaderValue::from_static("shop"));
        let faults = serde_json::to_string(&*span.simulation).expect("faults serialize to JSON");
        // Omitted if it is not a valid header value.
        if let Ok(faults) = HeaderValue::from_str(&faults) {
            headers.insert(simulate::HEADER, faults);
        }
        span.inject(self.service, &mut HeaderInjector(headers));
        request
    }

    fn received(&self, span: &Call, response: &Response<Bytes>) -> Answer {
        let status = response.status();
        span.set("http.response.status_code", i64::from(status.as_u16()));
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(Reply::new(status, body));
        }
        span.set("error.type", status.as_str().to_owned());
        span.fail("");
        if status.is_server_error() {
            let message = format!("{} answered {status}", self.service);
            return Err(Reply::error(
                StatusCode::BAD_GATEWAY,
                "bad_gateway",
                &message,
            ));
        }
        Err(Reply::new(status, body))
    }

    fn unreachable(&self, span: &Call, error: &dyn Error) -> Reply {
        let message = format!("failed to reach {}: {error}", self.service);
        span.set("error.type", "connection_error");
        span.fail(message.clone());
        Reply::error(StatusCode::BAD_GATEWAY, "bad_gateway", &message)
    }
}
