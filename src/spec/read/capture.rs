//! `capture`.

use super::Reader;
use super::expect::TriggerResult;
use super::selector::EntryIds;
use crate::spec::expect::{Capture, CaptureFrom};
use crate::spec::keys;
use crate::spec::template::is_name;
use crate::yaml::{Entry, Kind, Node};

/// Captures that only the response to a gRPC call has.
const GRPC_ONLY: [&str; 4] = ["status_message", "metadata", "trailer", "details"];

impl Reader<'_> {
    pub(crate) fn captures(&self, node: &Node) -> Option<Vec<Capture>> {
        self.all(self.any_map(node, "`capture`")?, |entry| {
            self.capture(entry)
        })
    }

    /// Refuses a capture of a part that the result of the trigger does not have.
    pub(crate) fn is_in_result(&self, result: TriggerResult, capture: &Capture) -> Option<()> {
        let key = capture.from.key();
        let (of, help) = match (result, key) {
            (TriggerResult::Command, Some("json" | "header" | "cookie" | "status" | "body")) => (
                "the result of a command",
                "write `{ stdout: { json: $.id } }`, or `{ stdout: =~ order-([0-9]+) }`",
            ),
            (
                TriggerResult::Command | TriggerResult::Response | TriggerResult::GraphQl,
                Some(key),
            ) if GRPC_ONLY.contains(&key) => {
                let of = match result {
                    TriggerResult::Command => "the result of a command",
                    _ => "an HTTP response",
                };
                (of, "capture it from a `grpc` call")
            }
            (TriggerResult::Grpc, Some("header" | "cookie" | "body" | "stdout")) => (
                "the response to a gRPC call",
                "write a path such as `$.order_id`, or `{ metadata: name }`",
            ),
            (TriggerResult::Message, Some(key)) if key != "json" => (
                "the acknowledgement of a message",
                "write a path such as `$.offset`, or capture from a span",
            ),
            (TriggerResult::Response | TriggerResult::GraphQl, Some("stdout")) => {
                ("a response", "write `{ body: =~ order-([0-9]+) }`")
            }
            (TriggerResult::Nothing, Some(_)) => (
                "a trace id",
                "capture from a span: `{ find: process_payment, attribute: payment.id }`",
            ),
            _ => return Some(()),
        };
        let key = key.unwrap_or_default();
        let what = format!("{of} has no `{key}`");
        self.wrong(capture.at.place, what, "not available", help)
    }

    fn capture(&self, entry: &Entry) -> Option<Capture> {
        let name = entry.key.text.clone();
        if !is_name(&name) {
            return self.wrong(
                entry.key.place,
                format!("invalid variable name `{name}`"),
                "invalid name",
                "use letters, digits, `_`, `-` and `.`",
            );
        }
        let node = &entry.value;
        let (from, is_secret) = match &node.kind {
            Kind::Scalar(scalar) => (
                CaptureFrom::Json(self.json_path(&scalar.text, node.place)?),
                false,
            ),
            Kind::List(_) => {
                return self.wrong(
                    node.place,
                    "a capture must have one source, found a list",
                    "a list",
                    "write a path such as `$.order.id`, or `{ header: location }`",
                );
            }
            Kind::Map(_) => {
                let secret = self.optional(node, "secret", |flag| self.bool(flag, "`secret`"));
                let from = self.capture_from(node);
                (from?, secret?.unwrap_or(false))
            }
        };
        Some(Capture {
            name,
            from,
            is_secret,
            at: self.at(node.place),
        })
    }

    fn capture_from(&self, node: &Node) -> Option<CaptureFrom> {
        if let Some(find) = node.get("find") {
            return self.capture_from_span(node, find);
        }
        let entries = self.map(node, "a capture", keys::RESPONSE_CAPTURE)?;
        let mut sources = entries.iter().filter(|entry| entry.key.text != "secret");
        let (Some(source), None) = (sources.next(), sources.next()) else {
            return self.wrong(
                node.place,
                "a capture must have exactly one source",
                "here",
                format!("use one of {}", keys::CAPTURE_SOURCES.names().join(", ")),
            );
        };
        let value = &source.value;
        match source.key.text.as_str() {
            "json" => {
                let path = self.scalar(value, "a path")?;
                self.json_path(&path.text, value.place)
                    .map(CaptureFrom::Json)
            }
            "header" => self.named(value, "a header").map(CaptureFrom::Header),
            "cookie" => self.named(value, "a cookie").map(CaptureFrom::Cookie),
            "status" => self.bool(value, "`status`").map(|_| CaptureFrom::Status),
            "body" => self.capture_regex(value).map(CaptureFrom::Body),
            "stdout" if matches!(value.kind, Kind::Map(_)) => {
                self.map(value, "`stdout`", keys::STDOUT_CAPTURE)?;
                let Some(path) = value.get("json") else {
                    let help = "write `{ stdout: { json: $.id } }`";
                    return self.wrong(value.place, "this `stdout` has no `json`", "empty", help);
                };
                let path = self.scalar(path, "a path")?;
                self.json_path(&path.text, value.place)
                    .map(CaptureFrom::StdoutJson)
            }
            "stdout" => self.capture_regex(value).map(CaptureFrom::Stdout),
            "status_message" => self.capture_regex(value).map(CaptureFrom::StatusMessage),
            "metadata" => self.named(value, "metadata").map(CaptureFrom::Metadata),
            "trailer" => self.named(value, "a trailer").map(CaptureFrom::Trailer),
            "details" => {
                let path = self.scalar(value, "a path")?;
                self.json_path(&path.text, value.place)
                    .map(CaptureFrom::Details)
            }
            _ => None,
        }
    }

    fn capture_regex(&self, node: &Node) -> Option<regex::Regex> {
        let scalar = self.scalar(node, "an expression")?;
        match scalar.text.trim_start().strip_prefix("=~") {
            Some(expression) => self.regex(expression.trim_start(), node),
            None if scalar.text.starts_with('$') && !scalar.text.starts_with("${") => self.wrong(
                node.place,
                "a capture from a text must be a regular expression",
                "a path",
                format!(
                    "write `{{ json: {path} }}` for a response, or `{{ stdout: {{ json: {path} }} }}` for a command",
                    path = scalar.text
                ),
            ),
            None => self.wrong(
                node.place,
                "a capture from a text must be a regular expression",
                "no `=~`",
                "write `=~ order-([0-9]+)`; the first group is captured",
            ),
        }
    }

    fn capture_from_span(&self, node: &Node, find: &Node) -> Option<CaptureFrom> {
        self.map(node, "a capture from a span", keys::SPAN_CAPTURE)?;
        let selector = self.selector(find, &EntryIds::new());
        let json = self.optional(node, "json", |path| {
            let scalar = self.scalar(path, "a path")?;
            self.json_path(&scalar.text, path.place)
        });
        let Some(attribute) = node.get("attribute") else {
            return self.wrong(
                node.place,
                "this capture from a span has no `attribute`",
                "missing `attribute`",
                "add `attribute: payment.id`",
            );
        };
        let attribute = self.named(attribute, "an attribute");
        Some(CaptureFrom::Span {
            find: selector?,
            attribute: attribute?,
            json: json?,
        })
    }
}
