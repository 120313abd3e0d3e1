//! Triggers of Tracetest.

mod graphql;
mod grpc;
mod http;
mod kafka;

use std::collections::BTreeMap;

use super::files::Files;
use super::subject::ResponseKind;
use super::variables::Variables;
use crate::import::http_request::is_trace_context;
use crate::import::{Import, Node, Written};

/// A trigger: its key in a spec, and its value.
pub(super) struct Trigger {
    pub(super) key: &'static str,
    pub(super) value: Written,
    pub(super) response: ResponseKind,
    /// The names of fields in paths of JSON by the names that Tracetest has for them.
    pub(super) names: BTreeMap<String, String>,
}

impl Trigger {
    /// The path with our names of fields.
    pub(super) fn path(&self, path: &str) -> String {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut written = String::with_capacity(path.len());
        let mut rest = path;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let is_field = written.ends_with(['.', '\'', '"']);
            match self.names.get(name).filter(|_| is_field) {
                Some(field) => written.push_str(field),
                None => written.push_str(name),
            }
            let sign = after.chars().next();
            written.extend(sign);
            rest = &after[sign.map_or(0, char::len_utf8)..];
        }
        written
    }
}

/// The surroundings of a trigger.
pub(super) struct Converter<'a> {
    pub(super) variables: &'a Variables,
    pub(super) files: &'a Files<'a>,
    pub(super) import: &'a mut Import,
    /// The stem of the file of the spec, for files beside it.
    pub(super) stem: &'a str,
}

impl Converter<'_> {
    /// Converts a trigger. `None` if it has no equivalent, which is reported.
    pub(super) fn trigger(&mut self, node: &Node) -> Option<Trigger> {
        let kind = node.text_of("type").or_else(|| node.text_of("triggerType"));
        let key = |names: &[&str]| names.iter().find_map(|name| node.get(name)).unwrap_or(node);
        match kind.map(str::to_lowercase).as_deref() {
            Some("http") => self.http(key(&["httpRequest", "http"])),
            Some("grpc") => self.grpc(key(&["grpc"])),
            Some("graphql") => self.graphql(key(&["graphql"])),
            Some("kafka") => self.kafka(key(&["kafka"])),
            Some("traceid") => Some(self.trace_id(key(&["traceid", "traceId"]))),
            Some(tool @ ("cypress" | "playwright" | "artillery" | "k6" | "playwrightengine")) => {
                Some(self.tool(tool, node))
            }
            kind => {
                let kind = kind.unwrap_or("nothing");
                let text = format!("the trigger has no equivalent: its type is {kind}");
                self.import.remarks.lost(&node.at, text);
                None
            }
        }
    }

    /// The text of a node, in our notation.
    fn text(&mut self, node: &Node) -> String {
        let text = node.text().unwrap_or_default();
        self.variables
            .text(text, &node.at, &mut self.import.remarks)
    }

    fn text_of(&mut self, node: &Node, key: &str) -> Option<String> {
        node.get(key).map(|value| self.text(value))
    }

    /// A text that may also be the path of a file, as the command line of Tracetest permits.
    fn content(&mut self, node: &Node) -> String {
        let text = node.text().unwrap_or_default();
        let content = match looks_like_path(text) {
            true => self.files.read(&node.at, text),
            false => Ok(text.to_owned()),
        };
        if let Err(reason) = &content {
            let lost = format!("the file {text} is not read ({reason}): the text is its path");
            self.import.remarks.lost(&node.at, lost);
        }
        let text = content.as_deref().unwrap_or(text);
        self.variables
            .text(text, &node.at, &mut self.import.remarks)
    }

    fn trace_id(&mut self, node: &Node) -> Trigger {
        let id = self
            .text_of(node, "id")
            .unwrap_or_else(|| "${TRACE_ID}".to_owned());
        Trigger {
            key: "trace_id",
            value: Written::Text(id),
            response: ResponseKind::None,
            names: BTreeMap::new(),
        }
    }

    /// Tools that Tracetest does not start itself, and its engine for scripts of Playwright.
    fn tool(&mut self, tool: &str, node: &Node) -> Trigger {
        let command = match tool {
            "cypress" => "npx cypress run",
            "artillery" => "npx artillery run test.yml",
            "k6" => "k6 run script.js",
            _ => "npx playwright test",
        };
        let text = format!(
            "the file has no command for {tool}: adapt `run: {command}`, and send TRACEPARENT of its environment with the requests"
        );
        match tool == "playwrightengine" && node.get("playwrightEngine").is_some() {
            true => self.import.remarks.lost(
                &node.at,
                format!(
                    "the script and the target of the Playwright engine are not imported; {text}"
                ),
            ),
            false => self.import.remarks.note(&node.at, text),
        }
        Trigger {
            key: "run",
            value: command.into(),
            response: ResponseKind::None,
            names: BTreeMap::new(),
        }
    }

    /// Notes authentication that Tracetest has in its files, but does not send.
    fn left_out_login(&mut self, node: &Node, remedy: &str) {
        let auth = node.get("auth");
        let is_set = |auth: &&Node| auth.text_of("type").is_some_and(|kind| !kind.is_empty());
        if let Some(auth) = auth.filter(is_set) {
            let text = format!(
                "the authentication is left out, as Tracetest does not send it: add `{remedy}`"
            );
            self.import.remarks.note(&auth.at, text);
        }
    }

    /// Pairs of `key` and `value`; a list for a name that is repeated.
    fn pairs(&mut self, node: Option<&Node>) -> Vec<(String, String)> {
        let items = node.map(Node::items).unwrap_or_default();
        let mut pairs = Vec::new();
        for item in items {
            let name = self.text_of(item, "key").unwrap_or_default();
            let value = self.text_of(item, "value").unwrap_or_default();
            if name.contains("${") {
                let text = format!("the name `{name}` has variables, which names cannot have");
                self.import.remarks.lost(&item.at, text);
            } else if is_trace_context(&name) {
                let text = format!("`{name}` is left out: spanspec sets it");
                self.import.remarks.note(&item.at, text);
            } else if !name.is_empty() {
                pairs.push((name, value));
            }
        }
        pairs
    }
}

/// Returns `true` for the path of a file.
pub(super) fn looks_like_path(text: &str) -> bool {
    text.starts_with("./")
        || text.starts_with("../")
        || text.starts_with('/') && !text.contains('\n')
}
