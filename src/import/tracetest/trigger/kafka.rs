//! Messages to Kafka.

use std::collections::BTreeMap;

use super::{Converter, Trigger};
use crate::import::http_request::{fields, json};
use crate::import::tracetest::subject::ResponseKind;
use crate::import::{Map, Node, Written};
use crate::trace::Value;

impl Converter<'_> {
    pub(super) fn kafka(&mut self, node: &Node) -> Option<Trigger> {
        let brokers = node.get("brokerUrls").map(Node::items).unwrap_or_default();
        let brokers: Vec<String> = brokers.iter().map(|broker| self.text(broker)).collect();
        let (Some(topic), false) = (self.text_of(node, "topic"), brokers.is_empty()) else {
            self.import
                .remarks
                .lost(&node.at, "the trigger has no `brokerUrls` or no `topic`");
            return None;
        };
        let mut map = Map::new();
        map.put("kafka", brokers.join(","));
        map.put("topic", topic);
        let key = self.text_of(node, "messageKey");
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            map.put("key", key);
        }
        if let Some(value) = self.text_of(node, "messageValue") {
            match json(&value).filter(|value| matches!(value, Value::Map(_))) {
                Some(value) => map.put("json", Written::json(&value)),
                None => map.put("body", value),
            }
        }
        let headers = self.message_headers(node);
        if !headers.is_empty() {
            map.put("headers", fields(&headers, str::eq));
        }
        if node.text_of("sslVerification") == Some("true") {
            map.put("tls", Map::new());
        }
        let authentication = ["authentication", "authetication"];
        let authentication = authentication.iter().find_map(|key| node.get(key));
        if let Some(plain) = authentication.and_then(|node| node.get("plain")) {
            map.put("user", self.text_of(plain, "username").unwrap_or_default());
            let password = self.credential(plain.get("password"), "KAFKA_PASSWORD");
            map.put("password", password);
        }
        Some(Trigger {
            key: "publish",
            value: map.into(),
            response: ResponseKind::None,
            names: BTreeMap::new(),
        })
    }

    /// The headers of a message. Those that a spec cannot have are lost.
    fn message_headers(&mut self, node: &Node) -> Vec<(String, String)> {
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in self.pairs(node.get("headers")) {
            let why = match () {
                () if name.eq_ignore_ascii_case("baggage") => "write it as `baggage` of `publish`",
                () if headers.iter().any(|(other, _)| *other == name) => "it occurs twice",
                () => {
                    headers.push((name, value));
                    continue;
                }
            };
            let text = format!("the header `{name}` is left out: {why}");
            self.import.remarks.lost(&node.at, text);
        }
        headers
    }
}
