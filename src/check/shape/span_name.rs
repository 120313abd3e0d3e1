//! Names of spans that the semantic conventions have changed.

use std::borrow::Cow;

use crate::trace::{Span, SpanKind, Value, other_names};

/// Operations of messaging spans that were renamed: the former name and the current one.
const OPERATIONS: &[(&str, &str)] = &[("publish", "send"), ("deliver", "process")];

/// The name of a span by the current conventions, if it has a name of former ones. Spans of both
/// generations of an instrumentation have the same name then.
pub(crate) fn conventional_name(span: &Span) -> Cow<'_, str> {
    let name = http(span).or_else(|| messaging(span)).or_else(|| db(span));
    name.map_or(Cow::Borrowed(span.name.as_str()), Cow::Owned)
}

/// `HTTP GET`, `HTTP GET /orders` and, of a server, `/orders` are now `GET` and `GET /orders`.
fn http(span: &Span) -> Option<String> {
    let method = attribute(span, "http.request.method")?;
    let route = attribute(span, "http.route").filter(|_| span.kind == SpanKind::Server);
    let with_route = |route: &str| format!("{method} {route}");
    let name = span.name.as_str();
    match name.strip_prefix("HTTP ") {
        Some(rest) if rest == method => Some(route.map_or_else(|| method.to_owned(), with_route)),
        Some(rest) if rest.strip_prefix(method)?.starts_with(' ') => Some(rest.to_owned()),
        Some(_) => None,
        None => route.filter(|route| *route == name).map(with_route),
    }
}

/// `orders publish` is now `send orders`.
fn messaging(span: &Span) -> Option<String> {
    let destination = attribute(span, "messaging.destination.name")?;
    let before = |text: &'_ str| {
        Some(
            text.strip_suffix(destination)?
                .strip_suffix(' ')?
                .to_owned(),
        )
    };
    let after = |text: &'_ str| {
        Some(
            text.strip_prefix(destination)?
                .strip_prefix(' ')?
                .to_owned(),
        )
    };
    let operation: String = before(&span.name).or_else(|| after(&span.name))?;
    let renamed = OPERATIONS.iter().find(|(old, _)| *old == operation);
    let operation = renamed.map_or(operation.as_str(), |(_, new)| *new);
    (!operation.contains(' ')).then(|| format!("{operation} {destination}"))
}

/// `SELECT shop.orders` is now `SELECT orders`.
fn db(span: &Span) -> Option<String> {
    let operation = attribute(span, "db.operation.name")?;
    let namespace = attribute(span, "db.namespace")?;
    let collection = attribute(span, "db.collection.name")?;
    let target = span.name.strip_prefix(operation)?.strip_prefix(' ')?;
    let table = target.strip_prefix(namespace)?.strip_prefix('.')?;
    (table == collection).then(|| format!("{operation} {collection}"))
}

/// A string under this key, or under a former name of it.
fn attribute<'s>(span: &'s Span, key: &'static str) -> Option<&'s str> {
    let mut names = std::iter::once(key).chain(other_names(key));
    let value = names.find_map(|name| span.attributes.get(name))?;
    Value::as_str(value).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{SpanId, TraceId};

    fn name(written: &str, kind: SpanKind, attributes: &[(&'static str, &str)]) -> String {
        let attributes = attributes
            .iter()
            .map(|(key, value)| (*key, Value::from(*value)));
        let span = Span {
            kind,
            attributes: attributes.collect(),
            ..Span::new(TraceId::random(), SpanId::random(), written)
        };
        conventional_name(&span).into_owned()
    }

    #[test]
    fn both_generations_of_a_name_are_one() {
        let (server, client) = (SpanKind::Server, SpanKind::Client);
        let old = [("http.method", "GET"), ("http.route", "/orders")];
        let new = [("http.request.method", "GET"), ("http.route", "/orders")];
        for written in ["/orders", "HTTP GET", "HTTP GET /orders", "GET /orders"] {
            assert_eq!(name(written, server, &old), "GET /orders", "{written}");
            assert_eq!(name(written, server, &new), "GET /orders", "{written}");
        }
        assert_eq!(name("HTTP GET", client, &old), "GET");
        assert_eq!(name("GET", client, &new), "GET");

        let old = [("messaging.destination", "orders")];
        let new = [("messaging.destination.name", "orders")];
        for written in ["orders publish", "publish orders", "send orders"] {
            assert_eq!(name(written, SpanKind::Producer, &old), "send orders");
            assert_eq!(name(written, SpanKind::Producer, &new), "send orders");
        }
        assert_eq!(
            name("orders process", SpanKind::Consumer, &new),
            "process orders"
        );

        let old = [
            ("db.operation", "SELECT"),
            ("db.name", "shop"),
            ("db.sql.table", "orders"),
        ];
        assert_eq!(name("SELECT shop.orders", client, &old), "SELECT orders");
    }

    #[test]
    fn a_name_without_the_attributes_of_a_convention_stays() {
        for written in [
            "HTTP GET",
            "/orders",
            "orders publish",
            "SELECT shop.orders",
        ] {
            assert_eq!(name(written, SpanKind::Server, &[]), written);
        }
        let other = [("http.method", "POST"), ("http.route", "/carts")];
        for written in ["HTTP GET", "/orders", "place order"] {
            assert_eq!(name(written, SpanKind::Server, &other), written);
        }
    }
}
