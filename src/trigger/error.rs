//! Errors of triggers, with help.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use url::Url;

use super::publish::PublishError;
use super::refused::{NotExported, Refused};
use crate::number::duration;
use crate::process::LaunchError;
use crate::spec::{Location, SpecError};

/// The reason why a trigger has no response. [`help`](Self::help) has the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TriggerError {
    /// Nothing listens on the port.
    #[error("connection refused by {address} ({attempted})")]
    Refused {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
    },
    /// The host name has no address.
    #[error("cannot resolve the host `{host}` ({attempted})")]
    UnknownHost {
        /// The host name.
        host: String,
        /// The request.
        attempted: Attempted,
        /// The error of the resolver.
        #[source]
        source: io::Error,
    },
    /// Another reason for a failed connection.
    #[error("failed to connect to {address} ({attempted})")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
        /// The system error.
        #[source]
        source: reqwest::Error,
    },
    /// The process has reached its limit of open files, which includes connections.
    #[error("too many open files for another connection ({attempted})")]
    TooManyFiles {
        /// The request.
        attempted: Attempted,
    },
    /// The response was not complete in time.
    #[error("{stage} within {} ({attempted})", duration(*limit))]
    Timeout {
        /// The timeout.
        limit: Duration,
        /// The progress until then.
        stage: Stage,
        /// The request, before redirects.
        attempted: Attempted,
    },
    /// The connection ended before the response was complete.
    #[error("the connection was closed before the response was complete ({attempted})")]
    Closed {
        /// The request.
        attempted: Attempted,
        /// The error of the connection.
        #[source]
        source: reqwest::Error,
    },
    /// An `https` URL without the feature `tls`.
    #[error("this build of spanspec has no TLS ({attempted})")]
    NoTls {
        /// The request.
        attempted: Attempted,
    },
    /// The certificate of the server is not trusted.
    #[error("the certificate of {address} is not trusted ({attempted})")]
    Untrusted {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
        /// Help for this kind of distrust.
        hint: &'static str,
        /// The reason.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The response is not TLS.
    #[error("{address} does not use TLS ({attempted})")]
    NotTls {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
    },
    /// The TLS handshake failed for another reason.
    #[error("the TLS handshake with {address} failed ({attempted})")]
    Handshake {
        /// Host and port.
        address: String,
        /// The request.
        attempted: Attempted,
        /// The reason.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No certificate authorities, or a TLS configuration that the TLS library refuses.
    #[error("failed to set up TLS")]
    TlsSetup(#[source] Box<dyn Error + Send + Sync>),
    /// A file of `tls` cannot be read.
    #[error("failed to read {}, which `tls` names", path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// The system error.
        #[source]
        source: io::Error,
    },
    /// A file of `tls` has no usable certificate or key.
    #[error("{} {problem}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        problem: PemProblem,
    },
    /// The response is not HTTP.
    #[error("the response is not HTTP/1.1 ({attempted})")]
    NotHttp {
        /// The request.
        attempted: Attempted,
        /// The syntax error.
        #[source]
        source: reqwest::Error,
    },
    /// The body exceeds the limit.
    #[error("the body of the response exceeds {} MiB ({attempted})", limit / 1024 / 1024)]
    TooLarge {
        /// Maximum size in bytes.
        limit: usize,
        /// The request.
        attempted: Attempted,
    },
    /// The body does not match its `content-encoding`.
    #[error("the body of the response does not match its `content-encoding` ({attempted})")]
    Encoding {
        /// The request.
        attempted: Attempted,
        /// The error of the decoder.
        #[source]
        source: io::Error,
    },
    /// Any other error of a request.
    #[error("the request failed ({attempted})")]
    Request {
        /// The request.
        attempted: Attempted,
        /// The reason.
        #[source]
        source: reqwest::Error,
    },
    /// A file of the body cannot be read.
    #[error("failed to read the body from {}", path.display())]
    BodyFile {
        /// The file.
        path: PathBuf,
        /// The system error.
        #[source]
        source: io::Error,
    },
    /// The content type of a part is invalid.
    #[error("invalid content type `{content_type}` (part `{part}` of the multipart body)")]
    PartType {
        /// The name of the part.
        part: String,
        /// The value.
        content_type: String,
        /// The reason.
        #[source]
        source: reqwest::Error,
    },
    /// The trace state is not a valid header value.
    #[error("invalid tracestate `{value}`: it has characters that headers cannot contain")]
    TraceState {
        /// The value.
        value: String,
    },
    /// The schema of the server refuses a part of the spec.
    #[error("{}", .0.what)]
    Spec(Box<SpecError>),
    /// A server without reflection, and no local schema.
    #[error("{server} has no reflection service")]
    NoReflection {
        /// The URL of the server.
        server: String,
    },
    /// The reflection service does not return a schema.
    #[error("the reflection service of {server} has no complete schema: {reason}")]
    Reflection {
        /// The URL of the server.
        server: String,
        /// The reason.
        reason: String,
    },
    /// The response to a gRPC call is plain HTTP.
    #[error("the response is not gRPC: status {status}{}{} ({attempted})", Kind(content_type.as_deref()), Start(start))]
    NotGrpc {
        /// The HTTP status.
        status: u16,
        /// The content type.
        content_type: Option<String>,
        /// The beginning of the body.
        start: String,
        /// The request.
        attempted: Attempted,
    },
    /// The response to a gRPC call is not HTTP/2.
    #[error("the response is not HTTP/2, which gRPC needs ({attempted})")]
    NotHttp2 {
        /// The request.
        attempted: Attempted,
    },
    /// The response ended without a status, or within a message.
    #[error("the response ended without a gRPC status ({attempted})")]
    NoStatus {
        /// The request.
        attempted: Attempted,
    },
    /// A compressed message, although no compression was offered.
    #[error("a message of the response is compressed, which was not offered ({attempted})")]
    Compressed {
        /// The request.
        attempted: Attempted,
    },
    /// The messages exceed the limit.
    #[error("the response has more than {limit} messages ({attempted})")]
    TooManyMessages {
        /// Maximum number.
        limit: usize,
        /// The request.
        attempted: Attempted,
    },
    /// A number of messages other than one, from a method without a stream.
    #[error("the response has {count} messages, but the method returns one ({attempted})")]
    NotOneMessage {
        /// Number of messages.
        count: usize,
        /// The request.
        attempted: Attempted,
    },
    /// A message that the schema does not describe.
    #[error("a message of the response is not of type {name}: {reason} ({attempted})")]
    NotAMessage {
        /// The type.
        name: String,
        /// The reason.
        reason: String,
        /// The request.
        attempted: Attempted,
    },
    /// A gRPC call without the feature `grpc`.
    #[error("this build of spanspec has no gRPC")]
    NoGrpc,
    /// The broker did not acknowledge the message.
    #[error(transparent)]
    Publish(Box<PublishError>),
    /// The pipeline did not accept an export.
    #[error(transparent)]
    Export(Box<Refused>),
    /// The pipeline did not answer an export in the protocol of its endpoint.
    #[error(transparent)]
    NotExported(Box<NotExported>),
    /// The command could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The command exceeded its timeout, and was ended.
    #[error("`{command}` did not end within {}{}", duration(*limit), OutputTail(stdout, stderr))]
    CommandTimeout {
        /// The command.
        command: String,
        /// The timeout.
        limit: Duration,
        /// Its standard output until then.
        stdout: String,
        /// Its standard error until then.
        stderr: String,
    },
    /// The system did not report the end of the command.
    #[error("failed to wait for `{command}`")]
    CommandLost {
        /// The command.
        command: String,
        /// The system error.
        #[source]
        source: io::Error,
    },
}

impl TriggerError {
    pub(crate) fn spec(error: SpecError) -> Self {
        Self::Spec(Box::new(error))
    }

    /// The part of the spec, if the error is about one.
    pub(crate) fn location(&self) -> Option<&Location> {
        match self {
            Self::Spec(error) => Some(&error.at),
            _ => None,
        }
    }

    /// The port of the pipeline that did not accept an export.
    pub(crate) fn pipeline_port(&self) -> Option<u16> {
        match self {
            Self::Export(refused) => refused.port(),
            Self::NotExported(of) => of.port,
            _ => None,
        }
    }

    /// Returns `true` if nothing listened on the port, for example because a service is starting.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Publish(error) => error.is_refused(),
            _ => matches!(self, Self::Refused { .. }),
        }
    }

    /// Returns `true` if a system that is starting or busy gives this answer, so that a further try
    /// can succeed.
    pub(crate) fn is_transient(&self) -> bool {
        let is_lost = matches!(
            self,
            Self::Closed { .. } | Self::Unreachable { .. } | Self::NoStatus { .. }
        );
        is_lost || self.is_refused() || self.is_timeout()
    }

    /// Returns `true` if the timeout of the spec expired.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Publish(error) => error.is_timeout(),
            Self::NotExported(of) => of.error().is_timeout(),
            _ => matches!(self, Self::Timeout { .. } | Self::CommandTimeout { .. }),
        }
    }

    /// The remedy, as an instruction.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        Some(match self {
            Self::Publish(error) => error.help()?,
            Self::Export(refused) => refused.help(),
            Self::NotExported(of) => of.help(),
            Self::Refused { .. } => {
                "start the service, or let `services` in spanspec.yaml start it"
            }
            Self::UnknownHost { .. } => "check the host name, and that it resolves on this machine",
            Self::Unreachable { .. } => "check that the host is reachable from this machine",
            Self::TooManyFiles { .. } => "raise the limit: `ulimit -n 8192`",
            Self::Timeout { .. } => "increase `request.timeout`",
            Self::Closed { attempted, .. } => match attempted.url.scheme() {
                // Many servers close connections without TLS on a port with TLS.
                "http" => "check whether the service crashed, or whether this is an https port",
                // A server can refuse a client without a certificate after the handshake.
                _ => {
                    "check whether the service crashed or restarted; if it requires a client certificate, set `tls: { cert: …, key: … }`"
                }
            },
            Self::NoTls { .. } => "add the feature `tls` of spanspec in Cargo.toml",
            Self::Untrusted { hint, .. } => hint,
            Self::NotTls { .. } => "use `http://` if this is an http port",
            Self::Handshake { .. } => {
                "if the server requires a client certificate, set `tls: { cert: …, key: … }`"
            }
            Self::TlsSetup(_) => {
                "install certificate authorities (package ca-certificates) or set `tls: { ca: … }`"
            }
            Self::Pem { problem, .. } => problem.help()?,
            Self::NotHttp { .. } => {
                "check the port: it can be one of another protocol, such as gRPC or https"
            }
            Self::CommandTimeout { .. } => "increase `run.timeout`",
            Self::Spec(error) => return error.help.as_deref(),
            Self::NoReflection { .. } => {
                "register the reflection service, or add `proto: protos/shop.proto` or `descriptors: shop.binpb`"
            }
            Self::Reflection { .. } => {
                "add `proto: protos/shop.proto` or `descriptors: shop.binpb`, which replace reflection"
            }
            Self::NotGrpc { .. } => {
                "check the port and the name of the host: a web server or a proxy answered"
            }
            Self::NotHttp2 { .. } => {
                "check the port: it can be one of HTTP/1, or of TLS; write `https://` before the host for TLS"
            }
            Self::NoStatus { .. } => {
                "check whether the service crashed, or a proxy removed the trailers"
            }
            Self::NotAMessage { .. } | Self::NotOneMessage { .. } => {
                "check that `proto` or `descriptors` have the version of the server"
            }
            Self::TooManyMessages { .. } => "set a shorter `timeout` of the call",
            Self::NoGrpc => "add the feature `grpc` of spanspec in Cargo.toml",
            _ => return None,
        })
    }
}

/// `, content-type text/html`.
struct Kind<'a>(Option<&'a str>);

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(kind) => write!(f, ", content-type {kind}"),
            None => Ok(()),
        }
    }
}

/// `, beginning with "<html>"`.
struct Start<'a>(&'a str);

impl fmt::Display for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            start => write!(f, ", beginning with {start:?}"),
        }
    }
}

/// The reason why a file of `tls` has no usable certificate or key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PemProblem {
    /// No certificate.
    #[error("has no certificate in PEM format")]
    NoCertificate,
    /// No private key.
    #[error("has no private key in PEM format")]
    NoKey,
    /// DER instead of PEM.
    #[error("is in DER format, not in PEM format")]
    Der,
    /// A section that cannot be decoded.
    #[error("has a damaged PEM section")]
    Damaged,
    /// An encrypted key without `key_password`.
    #[error("is encrypted")]
    Encrypted,
    /// A key in the format of OpenSSL before 1.0.
    #[error("is encrypted in the format of old OpenSSL versions (`Proc-Type: 4,ENCRYPTED`)")]
    OldEncryption,
    /// A wrong `key_password`, or an algorithm that is not supported.
    #[error("cannot be decrypted with `key_password`")]
    NotDecrypted,
    /// `key_password` for a key that is not encrypted.
    #[error("is not encrypted, although there is a `key_password`")]
    NotEncrypted,
    /// A certificate that cannot be used.
    #[cfg(feature = "tls")]
    #[error("has a certificate that cannot be used")]
    Certificate(#[source] rustls::Error),
    /// A key that cannot be used.
    #[cfg(feature = "tls")]
    #[error("has a private key that cannot be used")]
    Key(#[source] rustls::Error),
    /// A key of another certificate.
    #[error("is not the key of {}", cert.display())]
    OfAnother {
        /// The certificate.
        cert: PathBuf,
    },
}

impl PemProblem {
    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Der => {
                "convert it: `openssl x509 -inform der` for a certificate, `openssl pkcs8 -inform der` for a key"
            }
            Self::Encrypted => {
                "set `key_password: ${KEY_PASSWORD}`, or decrypt it: `openssl pkey -in old.key -out new.key`"
            }
            Self::OldEncryption => {
                "convert it to PKCS #8: `openssl pkcs8 -topk8 -in old.key -out new.key`"
            }
            Self::NotDecrypted => {
                "check the password; keys in PKCS #8 with PBKDF2 and AES are supported"
            }
            Self::NotEncrypted => "remove `key_password`",
            Self::NoCertificate | Self::NoKey => {
                "check that `ca`, `cert` and `key` name the right files"
            }
            Self::OfAnother { .. } => {
                "check that `cert` and `key` name the right files; the certificate of the client comes first in `cert`"
            }
            _ => return None,
        })
    }
}

/// The cause of a failed TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFault {
    pub(crate) blame: TlsBlame,
    /// The text of the TLS library.
    pub(crate) reason: String,
}

/// The part of a TLS connection that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsBlame {
    /// The client does not trust the certificate of the server.
    Trust,
    /// The server requires another client certificate.
    ClientCertificate,
    /// The server does not speak TLS.
    NoTls,
    Other,
}

/// The request of an error, displayed as `POST http://127.0.0.1:8080/orders`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The method of the request line.
    pub method: Method,
    /// The URL without user name and password.
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

/// Progress of a request at its timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No response.
    Waiting,
    /// The headers and a part of the body.
    Reading {
        /// Size of the received part, before decompression.
        bytes: u64,
    },
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => write!(f, "no response"),
            Self::Reading { bytes } => {
                write!(f, "the response was incomplete ({bytes} bytes of its body)")
            }
        }
    }
}

/// The last lines of the output of a command.
struct OutputTail<'a>(&'a str, &'a str);

impl fmt::Display for OutputTail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.1.trim().is_empty() {
            self.0
        } else {
            self.1
        };
        let lines: Vec<_> = shown.lines().collect();
        if lines.is_empty() {
            return write!(f, "; it had no output");
        }
        write!(f, "; the end of its output:")?;
        let last = &lines[lines.len().saturating_sub(20)..];
        last.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
