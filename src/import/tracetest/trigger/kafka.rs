//! Messages to Kafka.

use std::collections::BTreeMap;

use super::{Converter, Trigger, fields, http};
use crate::import::tracetest::subject::ResponseKind;
use crate::import::{Map, Node, Written};

impl Converter<'_> {
    pub(super) fn kafka(&mut self, node: &Node) -> Option<Trigger> {
        let brokers: Vec<Written> = node
            .get("brokerUrls")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .map(|broker| Written::Text(self.text(broker)))
            .collect();
        let (Some(topic), false) = (self.text_of(node, "topic"), brokers.is_empty()) else {
            self.import
                .remarks
                .lost(&node.at, "the trigger has no `brokerUrls` or no `topic`");
            return None;
        };
        let mut map = Map::new();
        match brokers.as_slice() {
            [one] => map.put("kafka", one.clone()),
            _ => map.put("kafka", brokers),
        }
        map.put("topic", topic);
        if let Some(key) = self
            .text_of(node, "messageKey")
            .filter(|key| !key.is_empty())
        {
            map.put("key", key);
        }
        if let Some(value) = self.text_of(node, "messageValue") {
            match http::json(&value).filter(|value| matches!(value, crate::trace::Value::Map(_))) {
                Some(json) => map.put("json", Written::json(&json)),
                None => map.put("body", value),
            }
        }
        let headers = self.pairs(node.get("headers"));
        if !headers.is_empty() {
            map.put("headers", fields(headers));
        }
        if node.text_of("sslVerification") == Some("true") {
            map.put("tls", Map::new());
        }
        let auth = ["authentication", "authetication"]
            .iter()
            .find_map(|key| node.get(key));
        if let Some(plain) = auth.and_then(|auth| auth.get("plain")) {
            let user = self.text_of(plain, "username").unwrap_or_default();
            let password = self.credential(plain.get("password"), "KAFKA_PASSWORD");
            map.put("user", user);
            map.put("password", password);
        }
        Some(Trigger {
            key: "publish",
            value: map.into(),
            response: ResponseKind::None,
            names: BTreeMap::new(),
        })
    }
}
