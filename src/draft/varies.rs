//! Recognises values that are specific to an execution, a machine or a version.

use std::sync::LazyLock;

use regex::Regex;

use super::part::Execution;
use super::request::{Payload, Request};
use crate::trace::{Nanos, Value};

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
const SUFFIXES: [&str; 14] = [
    ".port",
    ".address",
    ".duration",
    "_ms",
    "_ns",
    // Of messages. The size of anything else may well be constant.
    ".body.size",
    ".envelope.size",
    "content_length",
    "content_length_uncompressed",
    "compressed_size",
    ".timestamp",
    ".time",
    "_at",
    ".thread",
];

/// With a single execution, integers from here on are taken for ids.
const SMALLEST_ID: f64 = 1e6;

/// Numbers that are a time within this distance of the execution, in seconds, are times.
const YEAR: f64 = 366.0 * 24.0 * 3600.0;

/// Before this time, the clock of a trace is not set: 2001, in seconds since 1970.
const FIRST_CLOCK: f64 = 1e9;

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

/// User agents and versions: `curl/8.5.0`, `go1.22.1`, `1.4.0-rc.1`.
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^[A-Za-z][A-Za-z0-9_.+ -]*/v?[0-9]+\.[0-9]|^[A-Za-z]*[0-9]+\.[0-9]+\.[0-9]+([-+.][0-9A-Za-z.+-]*)?$",
    )
    .expect("this is a regular expression")
});

/// Recognises values that vary. Values in the request itself do not.
pub(super) struct Varies {
    request: String,
    /// Several executions were compared, so an id would differ.
    is_compared: bool,
    /// Time of the execution, in seconds since 1970.
    clock: Option<f64>,
}

impl Varies {
    pub(super) fn new(request: &Request, seen: &[Execution]) -> Self {
        let payload = match &request.payload {
            Payload::None => String::new(),
            Payload::Json(json) => json.to_string(),
            Payload::Text(text) => text.clone(),
        };
        let starts = seen.iter().flat_map(|one| one.trace.spans());
        let start = starts.map(|span| seconds(span.start)).reduce(f64::max);
        Self {
            request: format!("{} {payload}", request.url),
            is_compared: seen.len() > 1,
            clock: start.filter(|start| *start > FIRST_CLOCK),
        }
    }

    /// Returns `true` for attributes whose name alone shows that the value varies.
    pub(super) fn key(key: &str) -> bool {
        PREFIXES.iter().any(|prefix| key.starts_with(prefix))
            || NAMES.contains(&key)
            || SUFFIXES.iter().any(|suffix| key.ends_with(suffix))
    }

    /// Returns `true` if a name says that its value is a user agent or a version. Numbered versions
    /// are data: those of an order, or of a schema.
    pub(super) fn named(name: &str, value: &Value) -> bool {
        let lower = name.to_ascii_lowercase().replace('-', "_");
        let is_agent = lower.ends_with("user_agent") || lower.ends_with("useragent");
        let is_version = match lower.strip_suffix("version") {
            // `conversion` is another word; `appVersion` is two.
            Some(before) if before.ends_with(char::is_alphabetic) => name.ends_with("Version"),
            found => found.is_some(),
        };
        is_agent || is_version && !value.is_number()
    }

    /// Returns `true` if a value looks specific to one execution or to a version.
    pub(super) fn value(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.text(text) || VERSION.is_match(text) && !self.is_sent(text),
            Value::Int(_) | Value::Number(_) | Value::Double(_) => self.number(value),
            Value::Array(items) => items.iter().any(|item| self.value(item)),
            Value::Null | Value::Bool(_) | Value::Bytes(_) | Value::Map(_) => false,
        }
    }

    /// A number that did not differ is constant, unless it is a time: executions can be within one
    /// second.
    fn number(&self, value: &Value) -> bool {
        let (number, is_integer) = match value {
            #[expect(clippy::cast_precision_loss, reason = "compared with years")]
            Value::Int(number) => (*number as f64, true),
            Value::Double(number) => (*number, false),
            Value::Number(number) => (number.nearest_double(), number.is_integer()),
            _ => return false,
        };
        let is_id = !self.is_compared && is_integer && number.abs() >= SMALLEST_ID;
        (is_id || self.is_time(number)) && !self.is_sent(&value.to_text())
    }

    /// Returns `true` for seconds, milliseconds, microseconds or nanoseconds since 1970, within a
    /// year of the execution.
    fn is_time(&self, number: f64) -> bool {
        let Some(clock) = self.clock else {
            return false;
        };
        [1.0, 1e3, 1e6, 1e9]
            .iter()
            .any(|unit| (number / unit - clock).abs() < YEAR)
    }

    /// Returns `true` if a text looks specific to one execution.
    pub(super) fn text(&self, text: &str) -> bool {
        !self.is_sent(text) && VARYING.iter().any(|one| is_varying(one, text))
    }

    fn is_sent(&self, text: &str) -> bool {
        text.len() > 1 && self.request.contains(text)
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared with years")]
fn seconds(time: Nanos) -> f64 {
    time as f64 / 1e9
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
        Varies {
            request: "http://127.0.0.1/orders/ord-986df710446823d2?build=7.0.1".to_owned(),
            is_compared: true,
            clock: Some(1_790_000_000.0),
        }
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
    #[test]
    fn user_agents_and_versions_vary() {
        for text in [
            "curl/8.5.0",
            "Mozilla/5.0 (X11; Linux x86_64)",
            "Python/3.11 aiohttp/3.9.1",
            "1.4.0-rc.1",
            "v2.0.0",
            "go1.22.1",
        ] {
            assert!(varies().value(&text.into()), "{text}");
        }
        for text in ["7.0.1", "4.2", "v2", "text/plain", "SELECT a/b", "EUR"] {
            assert!(!varies().value(&text.into()), "{text}");
        }
        for (name, value) in [
            ("http.request.header.user-agent", "robot"),
            ("userAgent", "robot"),
            ("otel.library.version", "next"),
            ("appVersion", "next"),
        ] {
            assert!(Varies::named(name, &value.into()), "{name}");
        }
        assert!(!Varies::named("schema_version", &Value::Int(3)));
        assert!(!Varies::named("conversion", &"high".into()));
    }

    #[test]
    fn a_number_that_did_not_differ_is_constant_unless_it_is_a_time() {
        let is_constant = |value: Value| assert!(!varies().value(&value), "{value}");
        is_constant(25_000_000.into());
        is_constant(i64::MAX.into());
        is_constant(1_073_741_824.into());
        is_constant(Value::number("18446744073709551615").unwrap());
        is_constant(25.5.into());
        for time in [
            Value::Int(1_790_003_600),
            Value::Int(1_790_000_000_123),
            Value::Int(1_790_000_000_123_456_789),
            Value::Double(1_790_000_000.25),
        ] {
            assert!(varies().value(&time), "{time}");
        }
        let once = Varies {
            is_compared: false,
            ..varies()
        };
        assert!(once.value(&25_000_000.into()), "it may be an id");
        assert!(!once.value(&200.into()));
    }

    #[test]
    fn sizes_vary_only_for_messages() {
        assert!(Varies::key("http.response.body.size"));
        assert!(!Varies::key("batch.size"));
        assert!(!Varies::key("queue.max_length"));
    }
}
