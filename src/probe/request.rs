//! The bytes of a request.

use std::fmt::Write as _;

use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::conformance::Ids;
use crate::spec::{Conformance, ECHO_PLACEHOLDER, ID_PLACEHOLDER};

/// Writes requests for one URL.
pub(super) struct RequestWriter<'a> {
    suite: &'a Conformance,
}

impl<'a> RequestWriter<'a> {
    pub(super) fn new(suite: &'a Conformance) -> Self {
        Self { suite }
    }

    /// The bytes of a request with these header lines, which are sent as they are.
    pub(super) fn request(&self, lines: &[String], ids: &Ids, echo: Option<&str>) -> Vec<u8> {
        let suite = self.suite;
        let mut head = format!("GET {} HTTP/1.1\r\n", self.target(ids, echo));
        // Writing to a string cannot fail.
        let _ = write!(head, "Host: {}\r\n", host(&suite.url));
        let version = env!("CARGO_PKG_VERSION");
        let _ = write!(
            head,
            "User-Agent: spanspec/{version}\r\nAccept: */*\r\nConnection: close\r\n"
        );
        if let Some(url) = echo {
            let _ = write!(head, "{}: {url}\r\n", suite.echo_header);
        }
        let mut bytes = head.into_bytes();
        for (name, value) in &suite.headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        for line in lines {
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    /// Path and query. They contain the nonce, so that spans with the URL show it.
    fn target(&self, ids: &Ids, echo: Option<&str>) -> String {
        let url = &self.suite.url;
        let mut target = filled(url.path(), ID_PLACEHOLDER, &ids.nonce);
        match url.query() {
            Some(query) => {
                target.push_str(&format!("?{}", filled(query, ID_PLACEHOLDER, &ids.nonce)))
            }
            None if target == url.path() => target.push_str(&format!("?spanspec={}", ids.nonce)),
            None => {}
        }
        if !target.contains(&ids.nonce) {
            target.push_str(&format!("&spanspec={}", ids.nonce));
        }
        let Some(echo) = echo else { return target };
        let encoded: String = byte_serialize(echo.as_bytes()).collect();
        filled(&target, ECHO_PLACEHOLDER, &encoded)
    }
}

/// Replaces a placeholder, which is encoded in a path.
fn filled(text: &str, placeholder: &str, value: &str) -> String {
    let name = placeholder.trim_matches(['{', '}']);
    let encoded = format!("%7B{name}%7D");
    text.replace(&encoded, value).replace(placeholder, value)
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Context, Source, Spec, Trigger};

    fn head(conformance: &str, lines: &[&str]) -> String {
        let text = format!("conformance: {conformance}\n");
        let source = Source::new("a.yaml", &*text);
        let specs = Spec::read_all(&source, std::path::Path::new("."), &Context::default());
        let spec = specs.unwrap().remove(0);
        let Ok(Trigger::Conformance(suite)) = spec.steps[0].trigger(&spec.scope()) else {
            panic!("{conformance}");
        };
        let ids = Ids {
            nonce: "n0".to_owned(),
            ..Ids::random()
        };
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let echo = suite.has_echo().then_some("http://127.0.0.1:9/n0");
        let bytes = RequestWriter::new(&suite).request(&lines, &ids, echo);
        let version = env!("CARGO_PKG_VERSION");
        String::from_utf8(bytes)
            .unwrap()
            .replace(version, "VERSION")
    }

    #[test]
    fn header_lines_are_sent_as_they_are() {
        let sent = head(
            "{ url: 'http://[::1]:80/a?b=c', headers: { Authorization: x } }",
            &["TraceParent:  1 ", "traceparent:2"],
        );
        assert_eq!(
            sent,
            "GET /a?b=c&spanspec=n0 HTTP/1.1\r\nHost: [::1]\r\nUser-Agent: spanspec/VERSION\r\nAccept: */*\r\nConnection: close\r\nauthorization: x\r\nTraceParent:  1 \r\ntraceparent:2\r\n\r\n"
        );
    }

    #[test]
    fn the_service_learns_the_echo_by_a_header_or_in_the_url() {
        let sent = head("{ url: 'http://a/orders?x=1', echo: /relay }", &[]);
        assert!(
            sent.starts_with("GET /relay?spanspec=n0 HTTP/1.1\r\n"),
            "{sent}"
        );
        assert!(
            sent.contains("\r\nx-spanspec-echo: http://127.0.0.1:9/n0\r\n"),
            "{sent}"
        );
        let sent = head("'http://a/fetch?url={echo}'", &[]);
        let target = "GET /fetch?url={echo}&spanspec=n0"
            .replace("{echo}", "http%3A%2F%2F127.0.0.1%3A9%2Fn0");
        assert!(sent.starts_with(&target), "{sent}");
        let sent = head("'http://a/orders/{id}'", &[]);
        assert!(sent.starts_with("GET /orders/n0 HTTP/1.1"), "{sent}");
    }
}
