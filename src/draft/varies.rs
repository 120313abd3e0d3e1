//! Recognises values that are specific to an execution, a machine or a version.

use std::sync::LazyLock;

use regex::Regex;

use super::request::{Payload, Request};
use crate::trace::Value;

/// Attributes of the machine, the process, the code and the connection.
const PREFIXES: [&str; 17] = [
    "thread.",
    "code.",
    "process.",
    "host.",
    "os.",
    "telemetry.",
    "container.",
    "k8s.",
    "user_agent.",
    "network.",
    "net.",
    "client.",
    "server.",
    "peer.",
    "busy_ns",
    "idle_ns",
    "service.",
];

/// Attributes whose values depend on the day or version.
const NAMES: [&str; 13] = [
    "http.user_agent",
    "http.flavor",
    "http.host",
    "http.url",
    "http.client_ip",
    "http.scheme",
    "url.full",
    "url.scheme",
    "url.query",
    "enduser.id",
    "session.id",
    "messaging.client.id",
    "messaging.message.id",
];

/// Suffixes of names of measurements.
const SUFFIXES: [&str; 12] = [
    ".port",
    ".address",
    ".duration",
    "_ms",
    "_ns",
    ".size",
    "_length",
    ".timestamp",
    ".time",
    "_at",
    ".thread",
    ".version",
];

/// UUIDs, hexadecimal and long decimal numbers, texts that end with one, timestamps, addresses.
static VARYING: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"(?i)(^|[^0-9a-z])[0-9a-f]*([0-9][a-f]|[a-f][0-9])[0-9a-f]*($|[^0-9a-z])",
        r"(^|[^0-9])[0-9]{7,}($|[^0-9])",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}|$)",
        r"(^|[^0-9.])[0-9]{1,3}(\.[0-9]{1,3}){3}($|[^0-9.])",
        r"(?i)localhost:[0-9]+|\[::1?\]",
        r"(?i)\b[0-9A-HJKMNP-TV-Z]{26}\b",
        r"\[masked\]",
    ]
    .iter()
    .map(|expression| Regex::new(expression).expect("these are regular expressions"))
    .collect()
});

/// Recognises values that vary. Values in the request itself do not.
pub(super) struct Varies {
    request: String,
}

impl Varies {
    pub(super) fn new(request: &Request) -> Self {
        let payload = match &request.payload {
            Payload::None => String::new(),
            Payload::Json(json) => json.to_string(),
            Payload::Text(text) => text.clone(),
        };
        Self {
            request: format!("{} {payload}", request.url),
        }
    }

    /// Returns `true` for attributes whose name alone shows that the value varies.
    pub(super) fn key(key: &str) -> bool {
        PREFIXES.iter().any(|prefix| key.starts_with(prefix))
            || NAMES.contains(&key)
            || SUFFIXES.iter().any(|suffix| key.ends_with(suffix))
    }

    /// Returns `true` if a value looks specific to one execution.
    pub(super) fn value(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.text(text),
            Value::Int(number) => {
                number.unsigned_abs() >= 1_000_000 && !self.is_sent(&number.to_string())
            }
            Value::Number(number) => number.is_integer() && !self.is_sent(number.as_str()),
            Value::Array(items) => items.iter().any(|item| self.value(item)),
            Value::Null | Value::Bool(_) | Value::Double(_) | Value::Bytes(_) | Value::Map(_) => {
                false
            }
        }
    }

    /// Returns `true` if a text looks specific to one execution.
    pub(super) fn text(&self, text: &str) -> bool {
        !self.is_sent(text) && VARYING.iter().any(|one| is_varying(one, text))
    }

    fn is_sent(&self, text: &str) -> bool {
        text.len() > 1 && self.request.contains(text)
    }
}

/// Returns `true` for ids. Short words such as `a1` are names.
fn is_varying(expression: &Regex, text: &str) -> bool {
    expression.find_iter(text).any(|found| {
        found
            .as_str()
            .trim_matches(|c: char| !c.is_ascii_alphanumeric())
            .len()
            >= 6
            || found.as_str().contains(':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varies() -> Varies {
        Varies::new(&Request {
            name: None,
            method: "GET".to_owned(),
            url: "http://127.0.0.1/orders/ord-986df710446823d2".to_owned(),
            headers: Vec::new(),
            payload: Payload::None,
        })
    }

    #[test]
    fn ids_moments_and_addresses_vary_and_words_do_not() {
        for text in [
            "pay-e262fd3070c06822",
            "8f14e45f-ceea-467a-9575-25f3d5e5cbb1",
            "2026-11-25T02:00:00Z",
            "http://127.0.0.1:40001/payments",
            "order 1790000000",
            "/orders/0af7651916cd43dd",
        ] {
            assert!(varies().text(text), "{text}");
        }
        for text in [
            "card",
            "A1",
            "B2",
            "SELECT stock",
            "ord-986df710446823d2",
            "deadbeef cafe",
            "4.2",
            "v2",
            "sha256",
        ] {
            assert!(!varies().text(text), "{text}");
        }
    }

    #[test]
    fn attributes_of_machines_and_versions_vary() {
        for key in [
            "thread.id",
            "server.port",
            "url.full",
            "code.lineno",
            "http.request_content_length",
        ] {
            assert!(Varies::key(key), "{key}");
        }
        for key in [
            "http.route",
            "payment.method",
            "db.system.name",
            "http.response.status_code",
        ] {
            assert!(!Varies::key(key), "{key}");
        }
    }
}
