//! HTTP requests that carry a fresh trace context and come back with the trace.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{Call, Incomplete};
use crate::source::Store;
use crate::spec::{self, Body, Trigger};
use crate::trace::{HttpResponse, Response, Trace, Value};
use crate::trigger::{REQUEST_TIMEOUT, Session, TriggerError, fire};

/// Requests whose cookies are kept from one to the next.
#[derive(Clone, Debug, Default)]
pub struct Http {
    session: Arc<Session>,
}

/// A request that is not sent yet. Errors in its parts are reported when it is sent.
#[derive(Debug)]
#[must_use = "it is sent by `send`"]
pub struct Request {
    session: Arc<Session>,
    request: Result<Box<spec::Request>, SendError>,
}

/// A response, with access to its trace.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// All of the response.
    pub response: HttpResponse,
    /// The call that it answers: how long to wait for its trace.
    pub call: Call,
}

/// The reason why there is no response.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The URL is none.
    #[error("`{given}` is no URL: {source}; write one such as http://127.0.0.1:8080/orders")]
    Url {
        /// The given value.
        given: String,
        /// The error in it.
        #[source]
        source: url::ParseError,
    },
    /// A name or value that HTTP does not allow.
    #[error("`{given}` cannot stand in a header")]
    Header {
        /// The given value.
        given: String,
    },
    /// Every request carries a fresh `traceparent`.
    #[error("`traceparent` is sent anyway; `Receiver::call` has one for clients of your own")]
    Traceparent,
    /// A value that has no JSON.
    #[error("the body cannot be written as JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// The request got no response.
    #[error("{0}{help}", help = help(.0).map_or_else(String::new, |help| format!("; help: {help}")))]
    Fire(#[source] TriggerError),
}

/// The remedy in Rust, where neither a project file nor a spec has part in the request.
fn help(error: &TriggerError) -> Option<&str> {
    match error {
        TriggerError::Refused { .. } => {
            Some("start the service before the request, and wait until it listens")
        }
        TriggerError::Timeout { .. } => Some("set a longer `timeout` of the request"),
        TriggerError::Untrusted { .. }
        | TriggerError::Handshake { .. }
        | TriggerError::TlsSetup(_) => None,
        other => other.help(),
    }
}

/// As it reads for people: this is what `?` shows in a test.
impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Starts an HTTP request that carries a trace context.
///
/// ```no_run
/// use spanspec::prelude::*;
///
/// # async fn test(url: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let receiver = Receiver::start()?;
/// let order = serde_json::json!({ "sku": "A1", "quantity": 2 });
/// let reply = spanspec::http().post(url).json(&order).send(&receiver).await?;
/// assert_eq!(reply.status, 201);
///
/// let trace = reply.trace().await?;
/// assert_span!(trace, "process_payment", below: service("order"));
/// # Ok(())
/// # }
/// ```
///
/// In a plain `#[test]`, [`block_on`](crate::block_on) waits for both.
#[must_use]
pub fn http() -> Http {
    Http::default()
}

impl Http {
    /// A GET request.
    pub fn get(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::GET, url)
    }

    /// A POST request.
    pub fn post(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::POST, url)
    }

    /// A PUT request.
    pub fn put(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::PUT, url)
    }

    /// A PATCH request.
    pub fn patch(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::PATCH, url)
    }

    /// A DELETE request.
    pub fn delete(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::DELETE, url)
    }

    /// A request with another method.
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> Request {
        let given = url.as_ref();
        let request = match url::Url::parse(given) {
            Ok(url) => Ok(Box::new(spec::Request {
                timeout: Some(REQUEST_TIMEOUT),
                ..spec::Request::new(method, url)
            })),
            Err(source) => Err(SendError::Url {
                given: given.to_owned(),
                source,
            }),
        };
        Request {
            session: Arc::clone(&self.session),
            request,
        }
    }
}

impl Request {
    /// Adds a header.
    pub fn header(self, name: &str, value: impl AsRef<str>) -> Self {
        let value = value.as_ref();
        self.with(|request| {
            if name.eq_ignore_ascii_case("traceparent") {
                return Err(SendError::Traceparent);
            }
            let wrong = |given: &str| SendError::Header {
                given: given.to_owned(),
            };
            let name = HeaderName::try_from(name).map_err(|_| wrong(name))?;
            let value = HeaderValue::try_from(value).map_err(|_| wrong(value))?;
            request.headers.push((name, value));
            Ok(())
        })
    }

    /// Adds to the query of the URL.
    pub fn query(self, name: &str, value: impl fmt::Display) -> Self {
        self.with(|request| {
            request.query.push((name.to_owned(), value.to_string()));
            Ok(())
        })
    }

    /// Sends this as JSON.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.with(|request| {
            let json = serde_json::to_value(body).map_err(SendError::Json)?;
            request.body = Body::Json(Value::from(json));
            Ok(())
        })
    }

    /// Sends this text.
    pub fn body(self, text: impl Into<String>) -> Self {
        self.with(|request| {
            request.body = Body::Text(text.into());
            Ok(())
        })
    }

    /// Sends these fields as a form.
    pub fn form<'f>(self, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let fields = fields.into_iter();
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.with(|request| {
            request.body = Body::Form(fields.collect());
            Ok(())
        })
    }

    /// Maximum time for the whole response; the default is 30 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|request| {
            request.timeout = Some(timeout);
            Ok(())
        })
    }

    /// Maximum number of redirects that are followed; the default is 0.
    pub fn redirects(self, most: usize) -> Self {
        self.with(|request| {
            request.redirects = most;
            Ok(())
        })
    }

    /// Sends the request. Its spans are to come to this receiver, or to this store.
    ///
    /// # Errors
    /// If there is no response. A status of 500 is one.
    pub async fn send(self, to: impl AsRef<Store>) -> Result<Reply, SendError> {
        let trigger = Trigger::Request(self.request?);
        let mut call = to.as_ref().call();
        let answer = fire(&trigger, call.context(), &self.session).await;
        call.responded();
        match answer.map_err(SendError::Fire)? {
            Response::Http(response) => Ok(Reply {
                status: response.status,
                response,
                call,
            }),
            Response::Grpc(_)
            | Response::Command(_)
            | Response::Message(_)
            | Response::Sent(_)
            | Response::Conformance(_)
            | Response::Traffic(_)
            | Response::None => {
                unreachable!("a request has an HTTP response")
            }
        }
    }

    fn with(mut self, change: impl FnOnce(&mut spec::Request) -> Result<(), SendError>) -> Self {
        if let Ok(request) = &mut self.request
            && let Err(error) = change(request)
        {
            self.request = Err(error);
        }
        self
    }
}

impl Reply {
    /// The body as text; what is no UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.response.body).into_owned()
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// If it is none, or none of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.response.body)
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.response.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The trace of the request, once it is complete. [`Call`] sets the time for that:
    /// `reply.call.tail(secs(2)).trace()`.
    ///
    /// # Errors
    /// If no span arrived, or parents are missing; the text names the spans that arrived instead.
    pub async fn trace(&self) -> Result<Trace, Incomplete> {
        self.call.trace().await
    }
}
