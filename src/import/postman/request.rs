//! The request of an item.

use super::expression;
use crate::import::http_request::{
    FORM, HttpBody, HttpPart, HttpRequest, Login, add_query, body_of_text, is_trace_context,
    with_scheme,
};
use crate::import::json_text::templated;
use crate::import::matcher::syntax;
use crate::import::template::from_mustache;
use crate::import::{Content, Node, Remarks};
use crate::trace::Value;

/// Number of redirects that Postman follows.
const REDIRECTS: u64 = 10;

/// A text with `{{x}}` in our notation.
fn text(text: &str) -> String {
    from_mustache(text, expression)
}

/// The request of an item. `auth` is that of its folders.
pub(super) fn request(
    node: &Node,
    item: &Node,
    auth: Option<&Node>,
    remarks: &mut Remarks,
) -> HttpRequest {
    // A request can be only its URL.
    let url = node.get("url").unwrap_or(node);
    let mut request = HttpRequest {
        method: node.text_of("method").unwrap_or("GET").to_ascii_uppercase(),
        url: address(url, remarks),
        redirects: Some(REDIRECTS),
        ..HttpRequest::default()
    };
    report_dynamic(node, remarks);
    if let Some(behaviour) = item.get("protocolProfileBehavior") {
        if behaviour.text_of("followRedirects") == Some("false") {
            request.redirects = None;
        }
        if behaviour.text_of("strictSSL") == Some("false") {
            request.tls.push(("verify".to_owned(), syntax("false")));
        }
    }
    for header in enabled(node.get("header")) {
        let name = header.text_of("key").unwrap_or_default();
        if is_trace_context(name) {
            remarks.note(
                &header.at,
                format!("the header {name} is left out: spanspec sends its own with each request"),
            );
        } else if !name.is_empty() {
            request.headers.push((
                name.to_owned(),
                text(header.text_of("value").unwrap_or_default()),
            ));
        }
    }
    if let Some(auth) = node.get("auth").or(auth) {
        log_in(auth, &mut request, remarks);
    }
    if let Some(node) = node.get("body") {
        body(node, &mut request, remarks);
    }
    request
}

/// Reports variables that Postman generates and we do not.
fn report_dynamic(node: &Node, remarks: &mut Remarks) {
    match &node.content {
        Content::Scalar { text, .. } => {
            for part in text.split("{{$").skip(1) {
                let name = part.split("}}").next().unwrap_or_default();
                if !["guid", "randomUUID", "isoTimestamp", "randomInt"].contains(&name) {
                    remarks.lost(
                        &node.at,
                        format!("`{{{{${name}}}}}` has no equivalent: it is the variable `{name}`"),
                    );
                }
            }
        }
        Content::List(items) => items.iter().for_each(|item| report_dynamic(item, remarks)),
        Content::Map(entries) => entries
            .iter()
            // Saved responses and the parts of the URL repeat it.
            .filter(|(key, _)| !matches!(key.text(), Some("host" | "path" | "query")))
            .for_each(|(_, value)| report_dynamic(value, remarks)),
        Content::Null => {}
    }
}

fn enabled(list: Option<&Node>) -> impl Iterator<Item = &Node> {
    let items = list.map_or(&[][..], Node::items).iter();
    items.filter(|item| item.text_of("disabled") != Some("true"))
}

fn address(node: &Node, remarks: &mut Remarks) -> String {
    let raw = match node.text().or_else(|| node.text_of("raw")) {
        Some(raw) => raw.to_owned(),
        None => assembled(node),
    };
    if raw.is_empty() {
        remarks.lost(&node.at, "this request has no URL");
    }
    let start = raw.split('#').next().unwrap_or_default();
    let mut url = with_scheme(&text(start));
    for variable in node.get("variable").map_or(&[][..], Node::items) {
        let Some(name) = variable.text_of("key").or_else(|| variable.text_of("id")) else {
            continue;
        };
        let value = match variable.text_of("value").unwrap_or_default() {
            "" => format!("${{{}}}", crate::import::template::variable_name(name)),
            value => text(value),
        };
        url = with_segment(&url, name, &value);
    }
    url
}

/// A URL of its parts.
fn assembled(node: &Node) -> String {
    let joined = |key: &str, separator: &str| match node.get(key) {
        Some(list) if !list.items().is_empty() => {
            let parts: Vec<&str> = list
                .items()
                .iter()
                .filter_map(|part| part.text().or_else(|| part.text_of("value")))
                .collect();
            parts.join(separator)
        }
        Some(one) => one
            .text()
            .unwrap_or_default()
            .trim_start_matches('/')
            .to_owned(),
        None => String::new(),
    };
    let protocol = node
        .text_of("protocol")
        .map(|protocol| format!("{protocol}://"))
        .unwrap_or_default();
    let port = node
        .text_of("port")
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let mut url = format!(
        "{protocol}{}{port}/{}",
        joined("host", "."),
        joined("path", "/")
    );
    for pair in enabled(node.get("query")) {
        let name = pair.text_of("key").unwrap_or_default();
        add_query(
            &mut url,
            &format!("{name}={}", pair.text_of("value").unwrap_or_default()),
        );
    }
    url
}

/// The URL with a value in place of the segment `:name`.
fn with_segment(url: &str, name: &str, value: &str) -> String {
    let segment = format!(":{name}");
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (url, String::new()),
    };
    let segments = path
        .split('/')
        .map(|part| if part == segment { value } else { part });
    format!("{}{query}", segments.collect::<Vec<_>>().join("/"))
}

/// The value of an authentication parameter: a list of keys and values, or a map.
fn parameter<'n>(auth: &'n Node, kind: &str, key: &str) -> Option<&'n str> {
    let all = auth.get(kind)?;
    let listed = all
        .items()
        .iter()
        .find(|one| one.text_of("key") == Some(key));
    listed
        .and_then(|one| one.text_of("value"))
        .or_else(|| all.text_of(key))
}

fn log_in(auth: &Node, request: &mut HttpRequest, remarks: &mut Remarks) {
    let kind = auth.text_of("type").unwrap_or("noauth");
    let value = |key: &str| parameter(auth, kind, key).map(text).unwrap_or_default();
    match kind {
        "noauth" => {}
        "bearer" => request.headers.push((
            "Authorization".to_owned(),
            format!("Bearer {}", value("token")),
        )),
        "basic" => {
            let user = format!("{}:{}", value("username"), value("password"));
            match request.log_in(&user) {
                Login::Url => {}
                Login::Impossible => {
                    let basic = "Basic ${BASIC_CREDENTIALS}".to_owned();
                    request.headers.push(("Authorization".to_owned(), basic));
                    remarks.note(
                        &auth.at,
                        "basic authentication: BASIC_CREDENTIALS is `user:password` in base64",
                    );
                }
                Login::Header => remarks.note(
                    &auth.at,
                    "basic authentication: TOKEN is `user:password` in base64",
                ),
            }
        }
        "apikey" if parameter(auth, kind, "in") == Some("query") => {
            request.query.push((value("key"), value("value")))
        }
        "apikey" => request.headers.push((value("key"), value("value"))),
        other => remarks.lost(
            &auth.at,
            format!("the authentication `{other}` has no equivalent: add the header Authorization"),
        ),
    }
}

fn body(node: &Node, request: &mut HttpRequest, remarks: &mut Remarks) {
    if node.text_of("disabled") == Some("true") {
        return;
    }
    request.body = match node.text_of("mode") {
        Some("raw") => raw(node, request),
        Some("urlencoded") => {
            let fields = enabled(node.get("urlencoded"));
            let fields: Vec<(String, String)> = fields
                .map(|field| {
                    (
                        field.text_of("key").unwrap_or_default().to_owned(),
                        text(field.text_of("value").unwrap_or_default()),
                    )
                })
                .collect();
            request.remove_type(FORM);
            HttpBody::Form(fields)
        }
        Some("formdata") => HttpBody::Multipart(
            enabled(node.get("formdata"))
                .flat_map(|field| parts(field, remarks))
                .collect(),
        ),
        Some("graphql") => graphql(node, remarks),
        Some("file") => match node.get("file").and_then(|file| file.text_of("src")) {
            Some(path) => HttpBody::File(path.to_owned()),
            None => {
                remarks.lost(
                    &node.at,
                    "the body is a file without a path: set `body_file`",
                );
                HttpBody::None
            }
        },
        None => HttpBody::None,
        Some(other) => {
            remarks.lost(&node.at, format!("the body `{other}` has no equivalent"));
            HttpBody::None
        }
    };
    if matches!(&request.body, HttpBody::Form(fields) if fields.is_empty())
        || matches!(&request.body, HttpBody::Multipart(parts) if parts.is_empty())
    {
        request.body = HttpBody::None;
    }
}

fn raw(node: &Node, request: &mut HttpRequest) -> HttpBody {
    let content = node.text_of("raw").unwrap_or_default();
    if content.is_empty() {
        return HttpBody::None;
    }
    let language = node
        .get("options")
        .and_then(|options| options.get("raw"))
        .and_then(|raw| raw.text_of("language"));
    let media = match language {
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("html") => "text/html",
        Some("javascript") => "application/javascript",
        _ => "text/plain",
    };
    if request.header("content-type").is_none() {
        request
            .headers
            .push(("Content-Type".to_owned(), media.to_owned()));
    }
    let is_json = request
        .header("content-type")
        .is_some_and(|media| media.contains("json"));
    match templated(content, &expression).filter(|_| is_json) {
        Some(json) => {
            request.remove_type("application/json");
            HttpBody::Json(json)
        }
        None => body_of_text(&text(content), &mut request.headers),
    }
}

fn parts(field: &Node, remarks: &mut Remarks) -> Vec<HttpPart> {
    let part = HttpPart {
        name: field.text_of("key").unwrap_or_default().to_owned(),
        content_type: field.text_of("contentType").map(str::to_owned),
        ..HttpPart::default()
    };
    if field.text_of("type") != Some("file") {
        let text = Some(text(field.text_of("value").unwrap_or_default()));
        return vec![HttpPart { text, ..part }];
    }
    let paths: Vec<&str> = match field.get("src") {
        Some(source) if !source.items().is_empty() => {
            source.items().iter().filter_map(Node::text).collect()
        }
        Some(source) => source.text().into_iter().collect(),
        None => Vec::new(),
    };
    if paths.is_empty() {
        remarks.lost(
            &field.at,
            format!("the file of the field `{}` has no path", part.name),
        );
    }
    let part = |path: &str| HttpPart {
        file: Some(path.to_owned()),
        ..part.clone()
    };
    paths.into_iter().map(part).collect()
}

fn graphql(node: &Node, remarks: &mut Remarks) -> HttpBody {
    let Some(graphql) = node.get("graphql") else {
        return HttpBody::None;
    };
    let mut entries = vec![(
        "query".to_owned(),
        Value::String(text(graphql.text_of("query").unwrap_or_default())),
    )];
    if let Some(name) = graphql
        .text_of("operationName")
        .filter(|name| !name.is_empty())
    {
        entries.push(("operationName".to_owned(), Value::String(text(name))));
    }
    if let Some(variables) = graphql
        .text_of("variables")
        .filter(|text| !text.trim().is_empty())
    {
        match templated(variables, &expression) {
            Some(json) => entries.push(("variables".to_owned(), json)),
            None => remarks.lost(
                &graphql.at,
                "the variables of the GraphQL query are not JSON",
            ),
        }
    }
    HttpBody::Json(Value::Map(entries))
}
