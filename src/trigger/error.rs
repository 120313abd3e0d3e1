//! Why there is no response, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Method;
use url::Url;

use crate::number::duration;
use crate::process::LaunchError;

/// What kept a trigger from giving a response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TriggerError {
    /// Nobody listens.
    #[error(
        "connection refused by {address} ({attempted}): is it running? `services` in \
         spanspec.yaml can start it"
    )]
    Refused {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
    },
    /// The name has no address.
    #[error(
        "no address is known for the host `{host}` ({attempted}): is the name right, and does it \
         resolve on this machine?"
    )]
    UnknownHost {
        /// The name that was looked up.
        host: String,
        /// The request.
        attempted: Attempted,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// No connection came about, for a reason other than the above.
    #[error("failed to connect to {address} ({attempted}): is it reachable from this machine?")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
        /// What the system said.
        #[source]
        source: reqwest::Error,
    },
    /// A connection is an open file, and this process may have no more of them.
    #[error(
        "no further connection can be opened, for this process has as many open files as it may \
         ({attempted}): lower `concurrency`, or allow more, as `ulimit -n 8192` does"
    )]
    TooManyFiles {
        /// The request.
        attempted: Attempted,
    },
    /// The response was not complete in time.
    #[error("{stage} within {} ({attempted}): `request.timeout` gives it longer", duration(*limit))]
    Timeout {
        /// What was waited.
        limit: Duration,
        /// How far it got.
        stage: Stage,
        /// The request, before redirects.
        attempted: Attempted,
    },
    /// The connection ended before the response did.
    #[error(
        "the connection was closed before the response was complete ({attempted}): did the \
         service crash or restart{}?",
        or_is_it_https(attempted)
    )]
    Closed {
        /// The request.
        attempted: Attempted,
        /// What the connection said.
        #[source]
        source: reqwest::Error,
    },
    /// The server's certificate is not to be trusted.
    #[error("the certificate of {address} is not trusted ({attempted}): {hint}")]
    Untrusted {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
        /// What to do about this kind of distrust.
        hint: &'static str,
        /// What is wrong with the certificate.
        #[source]
        source: Box<rustls::Error>,
    },
    /// The server answered, but not with TLS.
    #[error(
        "{address} does not speak TLS ({attempted}): is it an http port? try `http://` instead of \
         `https://`"
    )]
    NotTls {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
    },
    /// The TLS handshake failed for another reason.
    #[error(
        "the TLS handshake with {address} failed ({attempted}): if it asks for a client \
         certificate, set `tls: {{ cert: …, key: … }}`"
    )]
    Handshake {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
        /// What was wrong.
        #[source]
        source: Box<rustls::Error>,
    },
    /// Nothing is known that could be trusted, or the key does not fit the certificate.
    #[error(
        "failed to set up TLS: without installed certificate authorities (package \
         ca-certificates), name a file with `tls: {{ ca: … }}`; a `key` has to fit its `cert`"
    )]
    TlsSetup(#[source] reqwest::Error),
    /// A file of `tls` cannot be read.
    #[error("failed to read {}, which `tls` names", path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file of `tls` holds something else.
    #[error("{} holds no PEM certificate or key that can be used", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: reqwest::Error,
    },
    /// What came is no HTTP.
    #[error(
        "the answer is no HTTP/1.1 ({attempted}): is it another protocol's port, such as gRPC's or \
         an https port?"
    )]
    NotHttp {
        /// The request.
        attempted: Attempted,
        /// Where it stops being HTTP.
        #[source]
        source: reqwest::Error,
    },
    /// More came than is read.
    #[error("the body of the response is longer than {} MiB ({attempted})", limit / 1024 / 1024)]
    TooLarge {
        /// The most bytes that are read.
        limit: usize,
        /// The request.
        attempted: Attempted,
    },
    /// The body is not what its `content-encoding` says.
    #[error("the body of the response is not what its `content-encoding` says ({attempted})")]
    Encoding {
        /// The request.
        attempted: Attempted,
        /// What the decoder said.
        #[source]
        source: io::Error,
    },
    /// Whatever else can go wrong with a request.
    #[error("the request failed ({attempted})")]
    Request {
        /// The request.
        attempted: Attempted,
        /// What was wrong.
        #[source]
        source: reqwest::Error,
    },
    /// A file that the body names cannot be read.
    #[error("failed to read the body from {}", path.display())]
    BodyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The type of a multipart body's part is none.
    #[error("`{content_type}` is no content type (part `{part}` of the multipart body)")]
    PartType {
        /// The part's name.
        part: String,
        /// What was written.
        content_type: String,
        /// What is wrong with it.
        #[source]
        source: reqwest::Error,
    },
    /// The trace state cannot stand in a header.
    #[error("`{value}` is no tracestate: a header cannot hold its characters")]
    TraceState {
        /// What was written.
        value: String,
    },
    /// The command could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The command ran too long, and was ended.
    #[error(
        "`{command}` did not end within {}: `run.timeout` gives it longer{}",
        duration(*limit),
        Ending(stdout, stderr)
    )]
    CommandTimeout {
        /// The command.
        command: String,
        /// What was waited.
        limit: Duration,
        /// What it wrote until then.
        stdout: String,
        /// What it complained of until then.
        stderr: String,
    },
    /// The system does not tell how the command ended.
    #[error("failed to wait for `{command}`")]
    CommandLost {
        /// The command.
        command: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl TriggerError {
    /// Whether nobody listened, so that nothing was sent: a service that is still starting.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether there was no answer in the time that the spec gives.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::CommandTimeout { .. })
    }

    pub(super) fn pem(path: &Path, source: reqwest::Error) -> Self {
        Self::Pem {
            path: path.to_owned(),
            source,
        }
    }
}

/// The request that an error is about, as `POST http://127.0.0.1:8080/orders`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The method of the request line.
    pub method: Method,
    /// Where it went, without user name and password.
    pub url: Box<Url>,
}

impl Attempted {
    pub(super) fn new(method: &Method, url: &Url) -> Self {
        let mut url = url.clone();
        let _ = url.set_password(None);
        let _ = url.set_username("");
        Self {
            method: method.clone(),
            url: Box::new(url),
        }
    }

    pub(super) fn address(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

impl fmt::Display for Attempted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// How far a request got before its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing came.
    Waiting,
    /// Headers came, and a part of the body.
    Reading {
        /// How much of the body, before decompression.
        bytes: u64,
    },
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => write!(f, "no response"),
            Self::Reading { bytes } => {
                write!(
                    f,
                    "the response began, but only {bytes} bytes of its body came"
                )
            }
        }
    }
}

/// Many servers just hang up on plain HTTP where they expect TLS.
fn or_is_it_https(attempted: &Attempted) -> &'static str {
    match attempted.url.scheme() {
        "http" => ", or is it an https port",
        _ => "",
    }
}

/// The last lines of a command's output, for people.
struct Ending<'a>(&'a str, &'a str);

impl fmt::Display for Ending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.1.trim().is_empty() {
            self.0
        } else {
            self.1
        };
        let lines: Vec<_> = shown.lines().collect();
        if lines.is_empty() {
            return write!(f, "; it wrote nothing");
        }
        write!(f, "; the end of its output:")?;
        let last = &lines[lines.len().saturating_sub(20)..];
        last.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
