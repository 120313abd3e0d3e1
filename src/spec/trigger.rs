//! What is fired: a request, a command, or nothing but a look at a trace that exists.

use std::path::PathBuf;
use std::time::Duration;

use crate::trace::{TraceRef, Value};

/// How a trace comes about. More ways will come, so this set is an enum.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// An HTTP request with a `traceparent` of ours.
    Request(Box<Request>),
    /// A command that finds the `traceparent` in its environment.
    Run(Command),
    /// A trace that exists, or will.
    TraceId(TraceRef),
}

/// An HTTP request, all variables filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method, in upper case.
    pub method: http::Method,
    /// Where to, without [`Request::query`].
    pub url: url::Url,
    /// Names and values in order; a name may stand here repeatedly.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Added to what the URL has.
    pub query: Vec<(String, String)>,
    /// What is sent.
    pub body: Body,
    /// Until the whole response was read.
    pub timeout: Option<Duration>,
    /// How many redirects are followed; with 0 the response is the one that the service sent.
    pub redirects: usize,
    /// Certificates.
    pub tls: Tls,
    /// Whether the trace flags say that the trace is sampled.
    pub sampled: bool,
    /// The W3C `tracestate` header.
    pub trace_state: Option<String>,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// None at all.
    None,
    /// JSON; `content-type` is set unless the author sets it.
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

/// One part of a multipart body.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// What it holds.
    pub content: PartContent,
    /// Its `content-type`; guessed for nothing, `text/plain` or `application/octet-stream`.
    pub content_type: Option<String>,
    /// The file name that the server is told; of a file, its own name unless given.
    pub file_name: Option<String>,
}

/// What a part of a multipart body holds.
#[derive(Clone, Debug, PartialEq)]
pub enum PartContent {
    /// Text as written.
    Text(String),
    /// The bytes of a file.
    File(PathBuf),
}

/// What an `https` request trusts and shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Whether the server's certificate is checked.
    pub verify: bool,
    /// A PEM file of authorities to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// A PEM file with the client's certificate.
    pub cert: Option<PathBuf>,
    /// A PEM file with the client's key.
    pub key: Option<PathBuf>,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            verify: true,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

/// A command, split into words; no shell sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The program and its arguments; never empty.
    pub words: Vec<String>,
    /// Added to the environment that spanspec has.
    pub env: Vec<(String, String)>,
    /// Where it runs.
    pub dir: PathBuf,
    /// After this its process group is ended.
    pub timeout: Option<Duration>,
    /// Whether the trace flags say that the trace is sampled.
    pub sampled: bool,
    /// W3C `tracestate`, as `TRACESTATE`.
    pub trace_state: Option<String>,
}
