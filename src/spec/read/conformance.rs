//! `conformance`.

use std::collections::HashSet;

use super::{Reader, Refusal};
use crate::conformance::{Format, Selection, all_names};
use crate::spec::conformance::{Conformance, ECHO_PLACEHOLDER};
use crate::spec::{Tls, keys};
use crate::yaml::{Kind, Node, suggest};

const EXAMPLE: &str =
    "write `conformance: { url: http://127.0.0.1:8080/orders, echo: /spanspec/echo }`";

/// The default of `echo_header`.
const ECHO_HEADER: &str = "x-spanspec-echo";

/// Headers that the cases contain, so that no others of the name may be sent.
const OF_CASES: [&str; 4] = ["traceparent", "tracestate", "baggage", "host"];

impl Reader<'_> {
    pub(super) fn conformance(&self, node: &Node) -> Option<Conformance> {
        if let Kind::Scalar(_) = node.kind {
            return Some(without_keys(self.url(node)?));
        }
        self.map(node, "`conformance`", keys::CONFORMANCE)?;
        let url = match node.get("url") {
            Some(url) => self.url(url),
            None => self.wrong(
                node.place,
                "this `conformance` has no `url`",
                "missing `url`",
                EXAMPLE,
            ),
        };
        let echo = self.optional(node, "echo", |path| self.echo_path(path));
        let echo_header = self.optional(node, "echo_header", |name| self.echo_header(name));
        let level = self.optional(node, "level", |level| self.conformance_level(level));
        let flag =
            |key: &str| self.optional(node, key, |flag| self.bool(flag, &format!("`{key}`")));
        let (strict, baggage) = (flag("strict"), flag("baggage"));
        let formats = self.optional(node, "formats", |list| self.formats(list));
        let allow = self.optional(node, "allow", |list| self.conformance_cases(list));
        let headers = self.optional(node, "headers", |map| self.conformance_headers(map));
        let tls = self.optional(node, "tls", |map| self.tls(map));
        let timeout = self.optional(node, "timeout", |value| self.duration(value, "a timeout"));
        let (url, echo) = (url?, echo?);
        let has_baggage = baggage?.unwrap_or(true);
        let base = without_keys(match &echo {
            Some(path) => url.join(path).unwrap_or(url),
            None => url,
        });
        let calls_echo = echo.is_some() || base.calls_echo;
        Some(Conformance {
            calls_echo,
            echo_header: echo_header?.unwrap_or(base.echo_header),
            selection: Selection {
                level: level?.unwrap_or(2),
                has_baggage,
                formats: formats?.unwrap_or_default(),
            },
            is_strict: strict?.unwrap_or(false),
            allow: allow?.unwrap_or_default(),
            headers: headers?.unwrap_or_default(),
            tls: tls?.unwrap_or_default(),
            timeout: timeout?,
            url: base.url,
        })
    }

    fn echo_path(&self, node: &Node) -> Option<String> {
        self.parse(node, "a path", "/".to_owned(), |text| match text.starts_with('/') {
            true => Ok(text.to_owned()),
            false => Err(Refusal::new(
                format!("`echo` must be a path of the service, found `{text}`"),
                "write `echo: /spanspec/echo`, a path whose handler calls the URL in the header `x-spanspec-echo`",
            )),
        })
    }

    fn echo_header(&self, node: &Node) -> Option<http::HeaderName> {
        let awaited = http::HeaderName::from_static(ECHO_HEADER);
        self.parse(node, "the name of a header", awaited, |text| {
            text.parse().map_err(|_| {
                Refusal::new(
                    format!("`{text}` is not the name of a header"),
                    "write `echo_header: x-spanspec-echo`",
                )
            })
        })
    }

    fn conformance_level(&self, node: &Node) -> Option<u8> {
        self.parse(node, "a level", 2, |text| match text {
            "1" => Ok(1),
            "2" => Ok(2),
            _ => Err(Refusal::new(
                format!("W3C Trace Context has no level `{text}`"),
                "write `level: 1` or `level: 2`",
            )),
        })
    }

    fn formats(&self, node: &Node) -> Option<Vec<Format>> {
        let names = Format::ALL.map(Format::name);
        let read = self.all(self.list(node, "`formats`")?, |item| {
            let format = self.parse(item, "a format", Format::B3, |text| {
                let found = Format::ALL.into_iter().find(|format| format.name() == text);
                found.ok_or_else(|| {
                    Refusal::new(format!("unknown format `{text}`"), suggest(text, &names))
                })
            })?;
            Some((format, item.place))
        })?;
        for (index, (format, place)) in read.iter().enumerate() {
            if read[..index].iter().any(|(other, _)| other == format) {
                return self.wrong(
                    *place,
                    format!("duplicate format `{}`", format.name()),
                    "again",
                    "remove it",
                );
            }
        }
        Some(read.into_iter().map(|(format, _)| format).collect())
    }

    fn conformance_cases(&self, node: &Node) -> Option<Vec<String>> {
        let names = all_names();
        let known: HashSet<&str> = names.iter().copied().collect();
        self.all(self.list(node, "`allow`")?, |item| {
            self.parse(
                item,
                "the name of a case",
                String::new(),
                |text| match known.contains(text) {
                    true => Ok(text.to_owned()),
                    false => Err(Refusal::new(
                        format!("there is no case `{text}`"),
                        unknown_case(text, &names),
                    )),
                },
            )
        })
    }

    fn conformance_headers(
        &self,
        node: &Node,
    ) -> Option<Vec<(http::HeaderName, http::HeaderValue)>> {
        if let Kind::Map(entries) = &node.kind
            && let Some(entry) = entries.iter().find(|entry| {
                let name = entry.key.text.to_ascii_lowercase();
                OF_CASES.contains(&name.as_str())
            })
        {
            return self.wrong(
                entry.key.place,
                format!("`{}` is part of the cases", entry.key.text),
                "sent by the cases",
                "remove this header",
            );
        }
        self.headers(node)
    }
}

/// A short help, since there are many cases.
fn unknown_case(text: &str, names: &[&str]) -> String {
    match crate::yaml::closest(text, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "the report of a run without `allow` names all cases".to_owned(),
    }
}

fn without_keys(url: url::Url) -> Conformance {
    let text = url.as_str();
    Conformance {
        calls_echo: text.contains(ECHO_PLACEHOLDER) || text.contains("%7Becho%7D"),
        echo_header: http::HeaderName::from_static(ECHO_HEADER),
        selection: Selection {
            level: 2,
            has_baggage: true,
            formats: Vec::new(),
        },
        is_strict: false,
        allow: Vec::new(),
        headers: Vec::new(),
        tls: Tls::default(),
        timeout: None,
        url,
    }
}
