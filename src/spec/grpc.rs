//! A gRPC call, and its errors with their places in the spec.

use std::fmt;
use std::time::Duration;

use super::{Place, Propagation, Source, Tls};
use crate::proto::{Misfit, PathStep, Schema, UnknownMethod};
use crate::trace::{GrpcCode, Value};
use crate::yaml::{Kind, Node};
use crate::yaml::{SpecError, did_you_mean, suggest};

/// A call of a gRPC method, with variables substituted.
#[derive(Clone, Debug)]
pub struct GrpcCall {
    /// Scheme, host and port of the server.
    pub server: url::Url,
    /// The full name of the service: `shop.v1.Payment`.
    pub service: String,
    /// The name of the method.
    pub method: String,
    /// Messages to send, with their places.
    pub(crate) messages: Vec<GrpcMessage>,
    /// The place of `messages`, if the spec has a list.
    pub(crate) list_at: Option<Place>,
    /// The schema of local files; `None` for server reflection.
    pub(crate) schema: Option<Schema>,
    /// Names and values in order, `-bin` values in base64. Names can be repeated.
    pub metadata: Vec<(http::HeaderName, http::HeaderValue)>,
    /// The deadline, from the start of the call.
    pub timeout: Option<Duration>,
    /// Certificates for `https`.
    pub tls: Tls,
    /// The sampled flag, trace state and baggage.
    pub propagation: Propagation,
    pub(crate) source: Source,
    /// The place of the service and method.
    pub(crate) at: Place,
}

/// A message to send: its value, and the node that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GrpcMessage {
    pub(crate) value: Value,
    pub(crate) node: Node,
}

/// The accepted statuses of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcStatuses {
    /// The statuses that are written.
    pub named: Vec<GrpcCode>,
    /// All others are accepted, instead of these.
    pub negates: bool,
}

impl GrpcStatuses {
    /// Success only.
    #[must_use]
    pub fn ok() -> Self {
        Self {
            named: vec![GrpcCode::OK],
            negates: false,
        }
    }

    /// Returns `true` if this status is accepted.
    #[must_use]
    pub fn accepts(&self, code: GrpcCode) -> bool {
        self.named.contains(&code) != self.negates
    }

    /// Returns `true` if this status is written, so that it is expected and not any other error.
    #[must_use]
    pub fn names(&self, code: GrpcCode) -> bool {
        !self.negates && self.named.contains(&code)
    }
}

impl fmt::Display for GrpcStatuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.named.iter().map(GrpcCode::to_string).collect();
        let names = names.join(" or ");
        match self.negates {
            true => write!(f, "not {names}"),
            false => f.write_str(&names),
        }
    }
}

/// Equal calls send the same. The schema follows from the files.
impl PartialEq for GrpcCall {
    fn eq(&self, other: &Self) -> bool {
        let values = |call: &Self| -> Vec<Value> {
            let messages = call.messages.iter();
            messages.map(|message| message.value.clone()).collect()
        };
        self.server == other.server
            && (&self.service, &self.method) == (&other.service, &other.method)
            && values(self) == values(other)
            && self.metadata == other.metadata
            && self.tls == other.tls
            && self.timeout == other.timeout
            && self.propagation == other.propagation
    }
}

impl GrpcCall {
    /// `grpc http://127.0.0.1:50051/shop.v1.Payment/Charge`, without the password of the URL.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut server = self.server.clone();
        // It fails only for URLs that cannot have a password.
        let _ = server.set_password(None);
        let server = server.as_str().trim_end_matches('/');
        format!("grpc {server}{}", self.path())
    }

    /// The path of the request.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/{}/{}", self.service, self.method)
    }

    /// The schema has no such method.
    pub(crate) fn unknown_method(&self, unknown: &UnknownMethod) -> SpecError {
        let Self {
            service, method, ..
        } = self;
        let (what, label, help) = match unknown {
            UnknownMethod::Service(known) => (
                format!("unknown service `{service}`"),
                "unknown service",
                suggest_service(service, known),
            ),
            UnknownMethod::Method(known) => (
                format!("service `{service}` has no method `{method}`"),
                "unknown method",
                suggest(method, &borrowed(known)),
            ),
        };
        self.error(self.at, what, label, help)
    }

    /// A list of messages for a method that takes one.
    pub(crate) fn too_many_messages(&self) -> Option<SpecError> {
        let at = self.list_at?;
        let what = format!("`{}` takes one message, and not a stream", self.method);
        let help = "write `message: …`; `messages` is for client and bidirectional streams";
        Some(self.error(at, what, "a list", help.to_owned()))
    }

    /// A part of a message does not fit its type.
    pub(crate) fn misfit(&self, message: &GrpcMessage, misfit: &Misfit) -> SpecError {
        let at = place(&message.node, misfit);
        let help = match &misfit.unknown {
            Some(unknown) => suggest(unknown, &borrowed(&misfit.known)),
            None => "write the message as proto3 JSON".to_owned(),
        };
        let label = match misfit.is_key {
            true => "unknown field",
            false => "does not fit",
        };
        self.error(at, misfit.what.clone(), label, help)
    }

    fn error(&self, at: Place, what: String, label: &str, help: String) -> SpecError {
        SpecError {
            what,
            at: self.source.at(at),
            label: label.to_owned(),
            help: Some(help),
        }
    }
}

/// A service with the same name in another package, a similar one, or all.
fn suggest_service(service: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "the schema has no services: check that these are the right files".to_owned();
    }
    let short = |name: &str| name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let mut alike = known.iter().filter(|name| short(name) == short(service));
    match (did_you_mean(service, &borrowed(known)), alike.next()) {
        (Some(meant), _) => meant,
        (None, Some(name)) => format!("did you mean `{name}`?"),
        (None, None) => suggest(service, &borrowed(known)),
    }
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// The place of a part. A variable that contains a structure is the place of all its parts.
pub(super) fn place(node: &Node, misfit: &Misfit) -> Place {
    let mut at = node.place;
    let mut node = Some(node);
    let last = misfit.path.len().saturating_sub(1);
    for (index, step) in misfit.path.iter().enumerate() {
        let (next_at, next) = match (node.map(|node| &node.kind), step) {
            (Some(Kind::Map(entries)), PathStep::Key(key)) => {
                let Some(entry) = entries.iter().find(|entry| entry.key.text == *key) else {
                    break;
                };
                let is_key = misfit.is_key && index == last;
                let at = if is_key {
                    entry.key.place
                } else {
                    entry.value.place
                };
                (at, &entry.value)
            }
            (Some(Kind::List(items)), PathStep::Item(item)) => {
                let Some(item) = items.get(*item) else { break };
                (item.place, item)
            }
            _ => break,
        };
        at = next_at;
        node = Some(next);
    }
    at
}
