//! gRPC calls.

use std::collections::BTreeMap;

use super::{Converter, Trigger, looks_like_path};
use crate::import::http_request::{fields, json};
use crate::import::tracetest::subject::ResponseKind;
use crate::import::{Map, Node, Written, file_stem};

impl Converter<'_> {
    pub(super) fn grpc(&mut self, node: &Node) -> Option<Trigger> {
        let (Some(address), Some(method)) =
            (self.text_of(node, "address"), self.text_of(node, "method"))
        else {
            self.import
                .remarks
                .lost(&node.at, "the trigger has no `address` or no `method`");
            return None;
        };
        let method = match method.split_once('/') {
            Some(_) => method,
            None => match method.rsplit_once('.') {
                Some((service, method)) => format!("{service}/{method}"),
                None => method,
            },
        };
        let mut map = Map::new();
        map.put(
            "call",
            format!(
                "{}/{}",
                with_plain_text(&address),
                method.trim_start_matches('/')
            ),
        );
        if let Some(message) = self.message(node) {
            map.put("message", message);
        }
        let mut names = BTreeMap::new();
        if let Some((path, text)) = self.proto_of(node) {
            names = json_names(&text);
            map.put("proto", path);
        }
        let metadata: Vec<(String, String)> = self
            .pairs(node.get("metadata"))
            .into_iter()
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect();
        if !metadata.is_empty() {
            map.put("metadata", fields(&metadata, str::eq_ignore_ascii_case));
        }
        self.left_out_login(node, "metadata: { authorization: … }");
        let is_short = map.values().count() == 1;
        let call = match map.get("call") {
            Some(Written::Text(call)) if is_short => Written::Text(call.clone()),
            _ => map.into(),
        };
        Some(Trigger {
            key: "grpc",
            value: call,
            response: ResponseKind::Grpc,
            names,
        })
    }

    fn message(&mut self, node: &Node) -> Option<Written> {
        let request = node.get("request")?;
        let text = self.content(request);
        if matches!(text.trim(), "" | "{}") {
            return None;
        }
        let message = json(&text);
        if message.is_none() {
            self.import.remarks.lost(
                &request.at,
                "the message is not imported: it is not a JSON object, or has variables outside of its strings",
            );
        }
        message.as_ref().map(Written::json)
    }

    /// The path and the text of the proto file.
    fn proto_of(&mut self, node: &Node) -> Option<(String, String)> {
        let keys = ["protobufFile", "protobuf_file"];
        match keys.iter().find_map(|key| node.get(key)) {
            Some(proto) => self.proto(proto),
            None => {
                self.import.remarks.note(
                    &node.at,
                    "there is no proto file: the call needs the server's reflection service",
                );
                None
            }
        }
    }

    /// Adds a proto file, which is named or written in the test, to the files. Returns its path and its
    /// text.
    fn proto(&mut self, node: &Node) -> Option<(String, String)> {
        let written = node.text().unwrap_or_default().trim();
        let is_inline =
            written.contains('\n') || written.contains("syntax") || written.contains('{');
        let (name, text) = if is_inline && !looks_like_path(written) {
            (format!("{}.proto", self.stem), written.to_owned())
        } else {
            match self.files.read(&node.at, written) {
                Ok(text) => (proto_name(written), text),
                Err(reason) => {
                    let text = format!(
                        "the proto file {written} is not read ({reason}): the call needs the server's reflection service"
                    );
                    self.import.remarks.lost(&node.at, text);
                    return None;
                }
            }
        };
        for import in imports(&text) {
            self.import.remarks.lost(
                &node.at,
                format!(
                    "{name} imports {import}, which is not copied: put it into the folder protos"
                ),
            );
        }
        let path = format!("protos/{name}");
        let known = self
            .import
            .files
            .iter()
            .find(|file| file.path.starts_with("protos/") && file.text == text);
        let path = match known {
            Some(file) => file.path.clone(),
            None => self.import.add(&path, text.clone()).to_owned(),
        };
        Some((path, text))
    }
}

fn proto_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    match name.strip_suffix(".proto") {
        Some(_) => name.to_owned(),
        None => format!("{}.proto", file_stem(name)),
    }
}

/// Tracetest never uses TLS for gRPC.
fn with_plain_text(address: &str) -> String {
    let is_loopback = ["127.", "localhost:", "[::1]"]
        .iter()
        .any(|start| address.starts_with(start));
    match is_loopback || address.contains("://") {
        true => address.to_owned(),
        false => format!("http://{address}"),
    }
}

/// The imports of a proto file, without those that every compiler has.
fn imports(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("import"))
        .filter_map(|rest| rest.split('"').nth(1))
        .filter(|path| !path.starts_with("google/protobuf/"))
        .map(str::to_owned)
        .collect()
}

/// The names of fields in a proto file by their names in JSON, where these differ.
fn json_names(proto: &str) -> BTreeMap<String, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = BTreeMap::new();
    for statement in proto.split([';', '{', '}']) {
        let Some((left, _)) = statement.split_once('=') else {
            continue;
        };
        let name = left
            .trim()
            .rsplit(|c| !is_name(c))
            .next()
            .unwrap_or_default();
        let json = camel_case(name);
        if json != name {
            names.insert(json, name.to_owned());
        }
    }
    names
}

fn camel_case(name: &str) -> String {
    let mut written = String::new();
    let mut is_next_upper = false;
    for character in name.chars() {
        match character {
            '_' => is_next_upper = true,
            c if is_next_upper => {
                written.push(c.to_ascii_uppercase());
                is_next_upper = false;
            }
            c => written.push(c),
        }
    }
    written
}
