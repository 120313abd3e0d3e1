//! A spec from a saved trace. The trigger is guessed from the server span of the request.

use std::sync::Arc;

use super::credentials::Credentials;
use super::http_request::without_parameters;
use super::loads::context;
use super::{Import, Remarks, file_stem, place};
use crate::draft::{Payload, Protocol, Request, draft_of_saved, yaml};
use crate::spec::{Location, Source};
use crate::trace::{Origin, Span, SpanKind, Trace};

/// The address if the trace has none.
const DEFAULT_ADDRESS: &str = "http://127.0.0.1:8080";

/// The spec of a trace. `source` names the file.
pub(crate) fn import(source: &Source, trace: &Trace) -> Import {
    let mut import = Import::default();
    let at = place::line(source, 1);
    let request_span = request_span(trace);
    let (request, trace, status) = match request_span {
        Some(index) => {
            let span = &trace.spans()[index];
            let request = request(span, &at, &mut import.remarks);
            let status = attribute(span, &["http.response.status_code", "http.status_code"]);
            let status = status.and_then(|code| code.parse().ok());
            if status.is_none() {
                import
                    .remarks
                    .lost(&at, "the server span has no status code: set `status`");
            }
            (request, part(trace, index), status)
        }
        None => {
            let root = trace.top_down().first().map(|&index| &trace.spans()[index]);
            let found = root.map_or_else(String::new, |root| {
                format!("; it begins with `{}` in {}", root.name, root.service())
            });
            import.remarks.lost(&at, format!("the trace has no server span of an HTTP request{found}: write the trigger in place of `request`, and set `status`"));
            (unknown(root), trace.clone(), None)
        }
    };
    let trace = Arc::new(trace.with_unseen_caller());
    let context = context(&request.url);
    match draft_of_saved(&request, trace, status, &context) {
        Ok(text) => {
            let name = request.name.as_deref().unwrap_or("trace");
            import.add(&format!("{}.yaml", file_stem(name)), text);
        }
        Err(errors) => import
            .remarks
            .lost(&at, format!("the request is not valid in a spec: {errors}")),
    }
    import
}

/// The first server span of an HTTP request, from the roots down.
fn request_span(trace: &Trace) -> Option<usize> {
    let mut all = trace.top_down().iter().copied();
    all.find(|&index| {
        let span = &trace.spans()[index];
        span.kind == SpanKind::Server && method(span).is_some()
    })
}

fn method(span: &Span) -> Option<String> {
    attribute(span, &["http.request.method", "http.method"])
}

/// The value of the first of these attributes that exists.
fn attribute(span: &Span, keys: &[&str]) -> Option<String> {
    let mut values = keys.iter().filter_map(|key| span.attributes.get(key));
    values.next().map(crate::trace::Value::to_text)
}

/// The request that the server span received.
fn request(span: &Span, at: &Location, remarks: &mut Remarks) -> Request {
    let method = method(span)
        .unwrap_or_else(|| "GET".to_owned())
        .to_ascii_uppercase();
    let full = attribute(span, &["url.full", "http.url"]);
    let full = full.and_then(|url| url::Url::parse(&url).ok());
    let path = path(span, full.as_ref(), at, remarks);
    let title = format!("{method} {path}");
    let mut rest = yaml::escaped(&path);
    if let Some(query) = query(span, full.as_ref()) {
        rest = format!("{rest}?{}", yaml::escaped(&query));
        let mut credentials = Credentials::default();
        rest = without_parameters(&rest, &mut credentials);
        for one in credentials.iter() {
            remarks.note(
                at,
                format!(
                    "{}: {}, is not written; set it with --var or in the environment",
                    one.variable, one.what
                ),
            );
        }
    }
    if matches!(method.as_str(), "POST" | "PUT" | "PATCH") {
        remarks.lost(
            at,
            format!("the body of {title} is not in the trace: add `json` or `body`"),
        );
    }
    remarks.note(
        at,
        "the headers of the request are not in the trace: add those that it needs",
    );
    Request {
        name: Some(title),
        protocol: Protocol::Http(method),
        url: format!("${{BASE_URL:-{}}}{rest}", address(span)),
        headers: Vec::new(),
        payload: Payload::None,
    }
}

/// The path without the query. A span that has only a route is reported.
fn path(span: &Span, full: Option<&url::Url>, at: &Location, remarks: &mut Remarks) -> String {
    if let Some(url) = full {
        return url.path().to_owned();
    }
    if let Some(path) = attribute(span, &["url.path", "http.target"]) {
        return path.split('?').next().unwrap_or_default().to_owned();
    }
    match attribute(span, &["http.route"]) {
        Some(route) => {
            let text =
                format!("the span has a route, but no path: replace the parameters of `{route}`");
            remarks.lost(at, text);
            route
        }
        None => {
            remarks.lost(at, "the server span has no path: write the URL");
            "/".to_owned()
        }
    }
}

fn query(span: &Span, full: Option<&url::Url>) -> Option<String> {
    let of_target = || {
        let target = attribute(span, &["http.target"])?;
        target.split_once('?').map(|(_, query)| query.to_owned())
    };
    let query = full
        .and_then(|url| url.query().map(str::to_owned))
        .or_else(|| attribute(span, &["url.query"]))
        .or_else(of_target)?;
    let query = query.trim_start_matches('?');
    (!query.is_empty()).then(|| query.to_owned())
}

/// Scheme, host and port of the server.
fn address(span: &Span) -> String {
    let scheme =
        attribute(span, &["url.scheme", "http.scheme"]).unwrap_or_else(|| "http".to_owned());
    let host = attribute(
        span,
        &[
            "server.address",
            "net.host.name",
            "http.host",
            "http.server_name",
        ],
    );
    let port = attribute(span, &["server.port", "net.host.port"]);
    let Some(host) = host else {
        return DEFAULT_ADDRESS.to_owned();
    };
    let address = match port {
        Some(port) if !host.ends_with(&format!(":{port}")) => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    };
    // A name with other characters would not be a URL.
    match url::Url::parse(&address) {
        Ok(url) if url.has_host() && !address.contains(['$', '{', '}', '@']) => address,
        _ => DEFAULT_ADDRESS.to_owned(),
    }
}

/// A request to fill in.
fn unknown(root: Option<&Span>) -> Request {
    Request {
        name: root.map(|root| root.name.clone()),
        protocol: Protocol::Http("GET".to_owned()),
        url: format!("${{BASE_URL:-{DEFAULT_ADDRESS}}}/"),
        headers: Vec::new(),
        payload: Payload::None,
    }
}

/// The trace below a span: spans above it belong to the caller.
fn part(trace: &Trace, top: usize) -> Trace {
    let mut below = vec![top];
    let mut at = 0;
    while let Some(&index) = below.get(at) {
        below.extend(trace.children(index));
        at += 1;
    }
    let spans = below.iter().map(|&index| trace.spans()[index].clone());
    Trace::assemble(trace.id(), Origin::Foreign, spans)
        .with_linked(trace.linked().to_vec())
        .with_losses(trace.losses().clone())
        .with_holes(trace.holes().to_vec())
        .with_logs(Arc::new(trace.logs().to_vec()))
}

/// The traces of a file, one on each line, to choose from.
pub(crate) fn listed(traces: &[Trace]) -> String {
    let line = |trace: &Trace| {
        let root = trace.top_down().first().map(|&index| &trace.spans()[index]);
        let name = root.map_or_else(String::new, |root| {
            format!("{} ({})", root.name, root.service())
        });
        format!("  {}  {} spans, {name}\n", trace.id(), trace.len())
    };
    traces.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::loads::loads;
    use crate::source::saved::read;

    fn import_file(bytes: &[u8]) -> (String, String) {
        let traces = read(bytes).unwrap().traces;
        let Import { files, remarks } = import(&Source::new("trace.json", ""), &traces[0]);
        loads(&files[0].text);
        (files[0].text.clone(), remarks.to_string())
    }

    fn span(id: u8, parent: u8, kind: u8, attributes: &str) -> String {
        let parent = match parent {
            0 => String::new(),
            parent => format!(r#""parentSpanId": "{parent:016x}","#),
        };
        format!(
            r#"{{"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "{id:016x}", {parent} "name": "span {id}", "kind": {kind},
            "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000000010000000", "attributes": [{attributes}]}}"#
        )
    }

    fn file(spans: &[String]) -> String {
        format!(
            r#"{{"resourceSpans": [{{"resource": {{"attributes": [{{"key": "service.name", "value": {{"stringValue": "shop"}}}}]}},
            "scopeSpans": [{{"spans": [{}]}}]}}]}}"#,
            spans.join(",")
        )
    }

    fn text(key: &str, value: &str) -> String {
        format!(r#"{{"key": "{key}", "value": {{"stringValue": "{value}"}}}}"#)
    }

    #[test]
    fn the_request_is_that_of_the_first_server_span_and_spans_of_its_caller_are_left_out() {
        let server = [
            text("http.request.method", "POST"),
            text("url.path", "/orders"),
            text("url.query", "a=1&api_key=s3cr3t"),
            text("url.scheme", "http"),
            text("server.address", "shop"),
            r#"{"key": "server.port", "value": {"intValue": "8080"}}"#.to_owned(),
            r#"{"key": "http.response.status_code", "value": {"intValue": "201"}}"#.to_owned(),
        ];
        let spans = [
            span(1, 0, 3, &text("http.request.method", "POST")),
            span(2, 1, 2, &server.join(",")),
            span(3, 2, 1, ""),
        ];
        let (spec, remarks) = import_file(file(&spans).as_bytes());
        assert!(spec.contains("name: POST /orders\nrequest: POST ${BASE_URL:-http://shop:8080}/orders?a=1&api_key=${API_KEY}\n"), "{spec}");
        assert!(spec.contains("  status: 201\n"), "{spec}");
        assert!(spec.contains("- find: span 3\n"), "{spec}");
        assert!(
            !spec.contains("span 1") && !spec.contains("s3cr3t"),
            "{spec}"
        );
        assert!(
            remarks.contains("lost: the body of POST /orders is not in the trace"),
            "{remarks}"
        );
    }

    #[test]
    fn a_trace_without_a_request_can_be_read_and_is_reported() {
        let (spec, remarks) = import_file(file(&[span(1, 0, 5, "")]).as_bytes());
        assert!(spec.contains("status: 100..599\n"), "{spec}");
        assert!(remarks.contains("lost: the trace has no server span of an HTTP request; it begins with `span 1` in shop"), "{remarks}");
    }
}
