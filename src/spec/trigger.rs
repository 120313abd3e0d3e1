//! Triggers: a request, a command, or the id of a trace that exists.

use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "run")]
use super::publish::MessagePlace;
use super::publish::Publish;
use super::{Conformance, GrpcCall, Observe, Selector, SendTelemetry, Tls};
use crate::number;
use crate::trace::{TraceRef, Value};

/// The cause of a trace, with variables substituted.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// An HTTP request that carries our `traceparent`.
    Request(Box<Request>),
    /// A GraphQL operation, as an HTTP request.
    GraphQl(Box<GraphQl>),
    /// A gRPC call that carries our `traceparent`.
    Grpc(Box<GrpcCall>),
    /// A command with the `traceparent` in its environment.
    Run(Command),
    /// A trace that something else starts.
    TraceId(TraceRef),
    /// A message with the trace context in its headers.
    Publish(Box<Publish>),
    /// Telemetry for a pipeline.
    Send(Box<SendTelemetry>),
    /// Cases of trace context, sent as raw bytes.
    Conformance(Box<Conformance>),
    /// Traces that a backend has already.
    Search(Box<Search>),
    /// Everything that arrives in a window.
    Observe(Observe),
}

/// A search for traces with a span that starts within a window, which ends now.
#[derive(Clone, Debug)]
pub struct Search {
    /// The span.
    pub find: Selector,
    /// The length of the window.
    pub since: Duration,
    /// Maximum number of traces, the newest first.
    pub limit: u64,
    /// Minimum number of traces.
    pub at_least: u64,
}

/// The first span that a trigger should cause, as far as diagnoses of missing spans need it.
#[cfg(feature = "run")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// The server span of a request for this path.
    Path(String),
    /// The server span of a call of this method of a service.
    Method(String, String),
    /// Any span of a command.
    Command,
    /// A span that processes a message.
    Message(MessagePlace),
    /// The spans that a pipeline lets through.
    Sent,
    /// None: the trace context is not sampled.
    Unsampled,
    /// Unknown: something else started the trace.
    Nothing,
    /// A span that was found before.
    Found,
}

impl Trigger {
    /// The trigger on one line, as reports show it: `POST http://a/orders`. Without the password of
    /// a URL.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Request(request) => request.describe(),
            Self::GraphQl(graphql) => {
                format!("{} ({})", graphql.request.describe(), graphql.title)
            }
            Self::Grpc(call) => call.describe(),
            Self::Run(command) => shell_words::join(&command.words),
            Self::TraceId(trace) => format!("trace {}", trace.trace_id),
            Self::Publish(publish) => publish.describe(),
            Self::Send(send) => send.describe(),
            Self::Conformance(conformance) => conformance.describe(),
            Self::Search(search) => search.describe(),
            Self::Observe(observe) => observe.describe(),
        }
    }

    /// The HTTP request that it sends.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Request(request) => Some(request),
            Self::GraphQl(graphql) => Some(&graphql.request),
            Self::Grpc(_)
            | Self::Run(_)
            | Self::TraceId(_)
            | Self::Publish(_)
            | Self::Send(_)
            | Self::Conformance(_)
            | Self::Search(_)
            | Self::Observe(_) => None,
        }
    }

    /// What it sends beside the ids of the trace; `None` if it sends nothing.
    #[must_use]
    pub fn propagation(&self) -> Option<&Propagation> {
        match self {
            Self::Request(request) => Some(&request.propagation),
            Self::GraphQl(graphql) => Some(&graphql.request.propagation),
            Self::Grpc(call) => Some(&call.propagation),
            Self::Run(command) => Some(&command.propagation),
            Self::Publish(publish) => Some(&publish.propagation),
            Self::TraceId(_)
            | Self::Send(_)
            | Self::Conformance(_)
            | Self::Search(_)
            | Self::Observe(_) => None,
        }
    }

    /// Returns `false` if the trace context asks services not to record.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.propagation().is_none_or(|sent| sent.sampled)
    }

    /// The trace that something else starts.
    #[must_use]
    pub fn existing_trace(&self) -> Option<TraceRef> {
        match self {
            Self::TraceId(trace) => Some(*trace),
            Self::Request(_)
            | Self::GraphQl(_)
            | Self::Grpc(_)
            | Self::Run(_)
            | Self::Publish(_)
            | Self::Send(_)
            | Self::Conformance(_)
            | Self::Search(_)
            | Self::Observe(_) => None,
        }
    }

    /// The URL that is requested, without the query parameters of `query`.
    #[must_use]
    pub fn url(&self) -> Option<&url::Url> {
        match self {
            Self::Grpc(call) => Some(&call.server),
            Self::Send(send) => Some(&send.to),
            Self::Conformance(conformance) => Some(&conformance.url),
            other => other.request().map(|request| &request.url),
        }
    }

    /// The headers that are sent, in addition to those that spanspec adds.
    #[must_use]
    pub fn headers(&self) -> &[(http::HeaderName, http::HeaderValue)] {
        match self {
            Self::Grpc(call) => &call.metadata,
            Self::Send(send) => &send.headers,
            Self::Conformance(conformance) => &conformance.headers,
            other => other.request().map_or(&[], |request| &request.headers),
        }
    }

    /// The password of the key of the client certificate.
    #[must_use]
    pub fn key_password(&self) -> Option<&str> {
        let tls = match self {
            Self::Grpc(call) => &call.tls,
            Self::Send(send) => &send.tls,
            Self::Conformance(conformance) => &conformance.tls,
            Self::Publish(publish) => publish.tls.as_ref()?,
            other => &other.request()?.tls,
        };
        tls.key_password.as_deref()
    }

    /// Returns `true` if it opens a connection, so that the limit of requests in flight applies.
    #[cfg(feature = "run")]
    pub(crate) fn is_connecting(&self) -> bool {
        self.url().is_some() || matches!(self, Self::Publish(_))
    }

    /// The first span to expect.
    #[cfg(feature = "run")]
    pub(crate) fn called(&self) -> Called {
        match self {
            _ if !self.is_sampled() => Called::Unsampled,
            Self::Request(request) => Called::Path(request.url.path().to_owned()),
            Self::GraphQl(graphql) => Called::Path(graphql.request.url.path().to_owned()),
            Self::Grpc(call) => Called::Method(call.service.clone(), call.method.clone()),
            Self::Run(_) => Called::Command,
            Self::Publish(publish) => Called::Message(MessagePlace::of(publish)),
            Self::TraceId(_) | Self::Observe(_) => Called::Nothing,
            Self::Send(_) => Called::Sent,
            Self::Conformance(conformance) => Called::Path(conformance.url.path().to_owned()),
            Self::Search(_) => Called::Found,
        }
    }
}

impl Search {
    /// `search for POST /orders of checkout since 1 h`.
    fn describe(&self) -> String {
        format!(
            "search for {} since {}",
            self.find,
            number::duration(self.since)
        )
    }
}

/// What a trigger sends beside the ids of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// The sampled flag of the trace context.
    pub sampled: bool,
    /// The W3C `tracestate`.
    pub trace_state: Option<String>,
    /// The W3C `baggage`, encoded.
    pub baggage: Option<String>,
}

impl Default for Propagation {
    fn default() -> Self {
        Self {
            sampled: true,
            trace_state: None,
            baggage: None,
        }
    }
}

/// An HTTP request, with variables substituted.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method, in upper case.
    pub method: http::Method,
    /// The URL, without [`Request::query`].
    pub url: url::Url,
    /// Names and values in order. Names can be repeated.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Query parameters to add to those of the URL.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Maximum time until the response is complete.
    pub timeout: Option<Duration>,
    /// Maximum number of redirects to follow. With 0, a redirect is the response.
    pub redirects: usize,
    /// Certificates for `https`.
    pub tls: Tls,
    /// The sampled flag, trace state and baggage.
    pub propagation: Propagation,
}

impl Request {
    /// A request without headers and body, in a sampled trace.
    #[must_use]
    pub fn new(method: http::Method, url: url::Url) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            query: Vec::new(),
            body: Body::None,
            timeout: None,
            redirects: 0,
            tls: Tls::default(),
            propagation: Propagation::default(),
        }
    }

    /// Method and URL, without a password.
    fn describe(&self) -> String {
        let mut url = self.url.clone();
        // It fails only for URLs that cannot have a password.
        let _ = url.set_password(None);
        format!("{} {url}", self.method)
    }
}

/// A GraphQL operation over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphQl {
    /// The request with the query, its variables and the accepted media types.
    pub request: Request,
    /// The kind and name of the operation, as far as they are known: `query Order`.
    pub title: String,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// No body.
    None,
    /// JSON. Sets `content-type` unless the request has one.
    Json(Value),
    /// Text as written.
    Text(String),
    /// The bytes of a file; the path is absolute, or relative to the working directory.
    File(PathBuf),
    /// `application/x-www-form-urlencoded` fields.
    Form(Vec<(String, String)>),
    /// `multipart/form-data` parts.
    Multipart(Vec<Part>),
}

/// A part of a multipart body.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The name of the field.
    pub name: String,
    /// The content.
    pub content: PartContent,
    /// Its `content-type`; default `text/plain` or `application/octet-stream`.
    pub content_type: Option<String>,
    /// The file name to send; default for a file: its own name.
    pub file_name: Option<String>,
}

/// The content of a part of a multipart body.
#[derive(Clone, Debug, PartialEq)]
pub enum PartContent {
    /// Text as written.
    Text(String),
    /// The bytes of a file.
    File(PathBuf),
}

/// A command, split into words. No shell runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The program and its arguments; never empty.
    pub words: Vec<String>,
    /// Variables added to the environment.
    pub env: Vec<(String, String)>,
    /// Working directory.
    pub dir: PathBuf,
    /// Time after which its process group is ended.
    pub timeout: Option<Duration>,
    /// The sampled flag, trace state and baggage.
    pub propagation: Propagation,
}

/// Returns `true` for loopback hosts, without a name lookup.
pub(crate) fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
