//! `grpc`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::trigger::{TriggerDefaults, parse_url, unknown_url};
use super::{Reader, Refusal};
use crate::proto::{Schema, SchemaError, encode};
use crate::spec::expect::{Check, Condition, Expect};
use crate::spec::grpc::{GrpcCall, GrpcMessage, GrpcStatuses};
use crate::spec::trigger::is_loopback;
use crate::spec::{Location, Place, Propagation, SpecError, keys, suggest};
use crate::trace::{GrpcCode, Value};
use crate::yaml::{Entry, Kind, Node};

const EXAMPLE: &str = "write `127.0.0.1:50051/shop.v1.Payment/Charge`";

/// Server, service and method of a call.
#[derive(Clone)]
struct CallTarget {
    server: url::Url,
    service: String,
    method: String,
}

impl Reader<'_> {
    pub(crate) fn grpc(&self, node: &Node, defaults: &TriggerDefaults) -> Option<GrpcCall> {
        let mut call = match &node.kind {
            Kind::Scalar(_) => self.grpc_call(node, node),
            _ => self.long_grpc_call(node),
        }?;
        call.timeout = call.timeout.or(defaults.timeout);
        self.check_call(&call)?;
        Some(call)
    }

    fn long_grpc_call(&self, node: &Node) -> Option<GrpcCall> {
        self.map(node, "`grpc`", keys::GRPC)?;
        let call = match node.get("call") {
            Some(call) => self.grpc_call(call, node),
            None => self.wrong(
                node.place,
                "this `grpc` has no `call`",
                "missing `call`",
                "add `call: 127.0.0.1:50051/shop.v1.Payment/Charge`",
            ),
        };
        let messages = self.grpc_messages(node);
        let schema = self.grpc_schema(node);
        let metadata = self.optional(node, "metadata", |map| self.metadata(map));
        let timeout = self.optional(node, "timeout", |value| self.duration(value, "a timeout"));
        let tls = self.optional(node, "tls", |map| self.tls(map));
        let propagation = self.propagation(node, "metadata");
        let call = call?;
        let call = GrpcCall {
            schema: schema?,
            metadata: metadata?.unwrap_or_default(),
            timeout: timeout?,
            tls: tls?.unwrap_or_default(),
            propagation: propagation?,
            list_at: node.get("messages").map(|list| list.place),
            messages: messages?.unwrap_or_else(|| call.messages.clone()),
            ..call
        };
        Some(call)
    }

    /// The call of a target, with an empty message.
    fn grpc_call(&self, target: &Node, of: &Node) -> Option<GrpcCall> {
        let at = target.place;
        let CallTarget {
            server,
            service,
            method,
        } = self.call_target(target)?;
        let empty = GrpcMessage {
            value: Value::Map(Vec::new()),
            node: Node::map(of.place, Vec::new()),
        };
        Some(GrpcCall {
            server,
            service,
            method,
            messages: vec![empty],
            list_at: None,
            schema: None,
            metadata: Vec::new(),
            timeout: None,
            tls: crate::spec::Tls::default(),
            propagation: Propagation::default(),
            source: self.errors.source().clone(),
            at,
        })
    }

    fn call_target(&self, node: &Node) -> Option<CallTarget> {
        let scalar = self.scalar(node, "a call")?;
        // A variable without a value is usually the address.
        let literal = scalar.text.rsplit('}').next().unwrap_or_default();
        let known = literal.split_once('/').and_then(|(_, path)| method(path));
        let (service, method) = known.unwrap_or_default();
        let awaited = CallTarget {
            server: unknown_url(),
            service,
            method,
        };
        self.parse(node, "a call", awaited, call_target)
    }

    fn grpc_messages(&self, node: &Node) -> Option<Option<Vec<GrpcMessage>>> {
        match (node.get("message"), node.get("messages")) {
            (None, None) => Some(None),
            (Some(message), None) => Some(Some(vec![self.grpc_message(message)?])),
            (None, Some(list)) => {
                let items = self.list(list, "`messages`")?;
                self.all(items, |item| self.grpc_message(item)).map(Some)
            }
            (Some(_), Some(second)) => self.wrong(
                second.place,
                "`messages` and `message` exclude each other",
                "second value",
                "remove one of them",
            ),
        }
    }

    fn grpc_message(&self, node: &Node) -> Option<GrpcMessage> {
        Some(GrpcMessage {
            value: self.value_with_gaps(node)?,
            node: node.clone(),
        })
    }

    /// A value in which `null` stands for each variable without a value.
    fn value_with_gaps(&self, node: &Node) -> Option<Value> {
        if let Some(value) = self.known_value(node)? {
            return Some(value);
        }
        Some(match &node.kind {
            Kind::Scalar(_) => Value::Null,
            Kind::List(items) => Value::Array(self.all(items, |item| self.value_with_gaps(item))?),
            Kind::Map(entries) => Value::Map(self.all(entries, |entry| {
                Some((self.key(entry)?, self.value_with_gaps(&entry.value)?))
            })?),
        })
    }

    /// The schema of local files, if the spec names them.
    fn grpc_schema(&self, node: &Node) -> Option<Option<Schema>> {
        match (node.get("proto"), node.get("descriptors")) {
            (None, None) => Some(None),
            (Some(proto), None) => self.protos(proto),
            (None, Some(set)) => {
                let path = self.file(set, "a descriptor set")?;
                self.schema(set, || Schema::of_descriptors(&path))
            }
            (Some(_), Some(second)) => self.wrong(
                second.place,
                "`descriptors` and `proto` exclude each other",
                "second schema",
                "remove one of them",
            ),
        }
    }

    fn protos(&self, node: &Node) -> Option<Option<Schema>> {
        let (files, include) = match &node.kind {
            Kind::Map(_) => {
                self.map(node, "`proto`", keys::PROTO)?;
                let Some(files) = node.get("files") else {
                    return self.wrong(
                        node.place,
                        "this `proto` has no `files`",
                        "missing `files`",
                        "add `files: protos/payment.proto`",
                    );
                };
                (files, node.get("include"))
            }
            _ => (node, None),
        };
        let paths = self.all(files.items(), |file| self.file(file, "a `.proto` file"))?;
        if paths.is_empty() {
            return self.wrong(files.place, "`proto` has no files", "empty", "name a file");
        }
        let folders = match include {
            Some(include) => self.all(include.items(), |folder| {
                let path = self.path(folder, "a folder")?;
                let is_known = self.text(folder, "a folder")?.is_some();
                if is_known && !path.is_dir() {
                    return self.wrong(
                        folder.place,
                        format!("folder not found: {}", path.display()),
                        "not found",
                        "check the path; it is relative to the folder of this file",
                    );
                }
                Some(path)
            })?,
            None => paths
                .iter()
                .filter_map(|file| file.parent())
                .map(std::path::Path::to_owned)
                .collect(),
        };
        // A file that a variable without a value names does not exist yet.
        if !paths.iter().all(|file| file.is_file()) {
            return Some(None);
        }
        self.schema(files, || Schema::of_protos(&paths, &folders))
    }

    fn schema(
        &self,
        node: &Node,
        read: impl FnOnce() -> Result<Schema, SchemaError>,
    ) -> Option<Option<Schema>> {
        match read() {
            Ok(schema) => {
                for file in schema.files() {
                    self.scope.add_file(file);
                }
                Some(Some(schema))
            }
            Err(SchemaError { what, help }) => self.wrong(node.place, what, "no schema", help),
        }
    }

    fn metadata(&self, node: &Node) -> Option<Vec<(http::HeaderName, http::HeaderValue)>> {
        let each = self.all(self.any_map(node, "`metadata`")?, |entry| {
            let name = self.metadata_name(entry)?;
            let values = match &entry.value.kind {
                Kind::List(items) => self.all(items, |item| self.metadata_value(&name, item)),
                _ => {
                    let value = self.metadata_value(&name, &entry.value);
                    value.map(|value| vec![value])
                }
            };
            let values = values?.into_iter();
            Some(
                values
                    .map(|value| (name.clone(), value))
                    .collect::<Vec<_>>(),
            )
        })?;
        Some(each.into_iter().flatten().collect())
    }

    fn metadata_name(&self, entry: &Entry) -> Option<http::HeaderName> {
        let text = self.key(entry)?;
        let lower = text.to_ascii_lowercase();
        let wrong = |what: String, label: &str, help: String| {
            self.wrong(entry.key.place, what, label, help)
        };
        if lower == "grpc-timeout" {
            let help = "write `timeout: 500ms`, which sets the deadline".to_owned();
            return wrong(format!("`{text}` cannot be set"), "reserved", help);
        }
        if is_reserved(&text) {
            return wrong(
                format!("`{text}` cannot be set: gRPC reserves it"),
                "reserved",
                "choose another name; metadata of an application does not begin with `grpc-`"
                    .to_owned(),
            );
        }
        if text != lower {
            return wrong(
                format!("invalid metadata name `{text}`: names are in lower case"),
                "upper case",
                format!("write `{lower}`"),
            );
        }
        let is_valid = |sign: char| matches!(sign, 'a'..='z' | '0'..='9' | '_' | '-' | '.');
        match http::HeaderName::from_bytes(text.as_bytes()) {
            Ok(name) if text.chars().all(is_valid) => Some(name),
            _ => wrong(
                format!("invalid metadata name `{text}`"),
                "here",
                "use lower-case letters, digits, `_`, `-` and `.`".to_owned(),
            ),
        }
    }

    fn metadata_value(&self, name: &http::HeaderName, node: &Node) -> Option<http::HeaderValue> {
        let awaited = http::HeaderValue::from_static("");
        self.parse(node, "metadata", awaited, |text| {
            if !name.as_str().ends_with("-bin") {
                let is_printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
                let value = http::HeaderValue::from_str(text).ok().filter(|_| is_printable);
                return value.ok_or_else(|| {
                    Refusal::new(
                        "invalid metadata value: it has characters beyond printable ASCII",
                        "remove them, or send bytes: a name that ends in `-bin`, with a value in base64",
                    )
                });
            }
            let bytes = STANDARD_NO_PAD.decode(text.trim_end_matches('='));
            let bytes = bytes.map_err(|_| {
                Refusal::new(
                    format!("the value of `{name}` is not base64"),
                    "encode the bytes as base64, or remove `-bin` from the name to send text",
                )
            })?;
            let text = STANDARD_NO_PAD.encode(bytes);
            Ok(http::HeaderValue::try_from(text).expect("base64 is ASCII"))
        })
    }

    /// Checks the method and the messages with a schema of local files.
    fn check_call(&self, call: &GrpcCall) -> Option<()> {
        let Some(schema) = &call.schema else {
            return Some(());
        };
        if call.method.is_empty() {
            // It is in a variable without a value.
            return Some(());
        }
        let method = match schema.method(&call.service, &call.method) {
            Ok(method) => method,
            Err(unknown) => return self.refuse_spec(call.unknown_method(&unknown)),
        };
        if !method.takes_stream()
            && let Some(error) = call.too_many_messages()
        {
            return self.refuse_spec(error);
        }
        for message in &call.messages {
            if let Err(misfit) = encode(&method.input(), &message.value) {
                let error = call.misfit(message, &misfit);
                if !self.is_gap(&message.node, error.at.place) {
                    return self.refuse_spec(error);
                }
            }
        }
        Some(())
    }

    /// Returns `true` if a variable without a value is at this place.
    fn is_gap(&self, node: &Node, place: Place) -> bool {
        match &node.kind {
            Kind::Scalar(_) => node.place == place && matches!(self.known_value(node), Some(None)),
            Kind::List(items) => items.iter().any(|item| self.is_gap(item, place)),
            Kind::Map(entries) => entries.iter().any(|entry| self.is_gap(&entry.value, place)),
        }
    }

    fn refuse_spec<T>(&self, error: SpecError) -> Option<T> {
        self.errors
            .note(error.at.place, error.what, error.label, error.help)
    }
}

impl Reader<'_> {
    /// A check of the response to a gRPC call.
    pub(super) fn grpc_entry(&self, key: &str, node: &Node) -> Option<Expect> {
        let one = |ask: Condition| self.one(ask, node);
        let named = |make: fn(String, crate::spec::Matcher) -> Condition| {
            self.several(node, &format!("`{key}`"), |entry| {
                let name = self.key(entry)?.to_ascii_lowercase();
                Some(make(name, self.text_matcher(&entry.value)?))
            })
        };
        match key {
            "status" => self.grpc_statuses(node).map(Condition::GrpcStatus).map(one),
            "status_message" => {
                let matcher = self.text_matcher(node);
                matcher.map(Condition::StatusMessage).map(one)
            }
            "messages" => self.matcher(node).map(Condition::Messages).map(one),
            "details" => self.matcher(node).map(Condition::Details).map(one),
            "metadata" => named(Condition::Metadata),
            "trailers" => named(Condition::Trailer),
            _ => self.answer_entry(key, node),
        }
    }

    /// `NOT_FOUND`, `5`, a list of them, or `{ not: OK }`.
    fn grpc_statuses(&self, node: &Node) -> Option<GrpcStatuses> {
        match &node.kind {
            Kind::Scalar(_) => Some(GrpcStatuses {
                named: vec![self.grpc_status(node)?],
                negates: false,
            }),
            Kind::List(_) => {
                let items = self.not_empty(node, "`status`")?;
                Some(GrpcStatuses {
                    named: self.all(items, |item| self.grpc_status(item))?,
                    negates: false,
                })
            }
            Kind::Map(_) => {
                self.map(node, "`status`", keys::CHOICE)?;
                let Some(excluded) = node.get("not") else {
                    let help = "write `OK`, `[NOT_FOUND, UNAVAILABLE]` or `{ not: OK }`";
                    return self.wrong(node.place, "`status` is empty", "empty", help);
                };
                let excluded = self.grpc_statuses(excluded)?;
                Some(GrpcStatuses {
                    negates: !excluded.negates,
                    ..excluded
                })
            }
        }
    }

    fn grpc_status(&self, node: &Node) -> Option<GrpcCode> {
        self.parse(node, "a gRPC status", GrpcCode::OK, |text| {
            if let Some(code) = GrpcCode::named(text) {
                return Ok(code);
            }
            match text.parse() {
                Ok(number @ 0..=16) => Ok(GrpcCode(number)),
                Ok(200) => Err(Refusal::new(
                    "200 is a status of HTTP, and not of gRPC",
                    "write `OK`, or remove it: OK is the default",
                )),
                Ok(_) => Err(Refusal::new(
                    format!("`{text}` is not a gRPC status"),
                    "write a name such as `NOT_FOUND`, or a number from 0 to 16",
                )),
                Err(_) => Err(Refusal::new(
                    format!("`{text}` is not a gRPC status"),
                    suggest(text, &GrpcCode::NAMES),
                )),
            }
        })
    }

    /// The default check of a gRPC call: status OK.
    pub(crate) fn grpc_ok(at: Location) -> Check {
        Check {
            ask: Condition::GrpcStatus(GrpcStatuses::ok()),
            at,
            awaits: Vec::new(),
            receiver: None,
        }
    }
}

/// Headers of the connection, which are no metadata.
const CONNECTION: [&str; 7] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "te",
    "transfer-encoding",
];

/// Returns `true` for a name that gRPC or HTTP/2 sets.
pub(super) fn is_reserved(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with("grpc-") || lower.starts_with(':') || CONNECTION.contains(&&*lower)
}

fn call_target(text: &str) -> Result<CallTarget, Refusal> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (Some(scheme), rest),
        Some((scheme, _)) => {
            return Err(Refusal::new(
                format!("`{scheme}://` is not the scheme of a gRPC call"),
                "write `http://` for plain text, `https://` for TLS, or none",
            ));
        }
        None => (None, text),
    };
    let (server, path) = rest.split_once('/').ok_or_else(|| {
        Refusal::new(
            format!("the call `{text}` has no service and method"),
            EXAMPLE,
        )
    })?;
    let (service, method) = method(path).ok_or_else(|| {
        Refusal::new(
            format!("`{path}` is not a service and a method"),
            "write `shop.v1.Payment/Charge`: the package, the service, and the method after the slash",
        )
    })?;
    if server.is_empty() {
        return Err(Refusal::new(
            format!("the call `{text}` has no server"),
            EXAMPLE,
        ));
    }
    let plain = parse_url(&format!("http://{server}"))?;
    let scheme = scheme.unwrap_or(if is_loopback(&plain) { "http" } else { "https" });
    Ok(CallTarget {
        server: parse_url(&format!("{scheme}://{server}"))?,
        service,
        method,
    })
}

/// `shop.v1.Payment/Charge`.
fn method(path: &str) -> Option<(String, String)> {
    let (service, method) = path.split_once('/')?;
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
    };
    let is_valid = service.split('.').all(is_name) && is_name(method);
    is_valid.then(|| (service.to_owned(), method.to_owned()))
}
