//! One operation as a spec.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::reference::References;
use super::schema;
use super::values::{Example, example, kind};
use crate::import::http_expect::HttpExpect;
use crate::import::http_request::{FORM, HttpBody, HttpPart, HttpRequest};
use crate::import::http_spec::{HttpSpec, HttpStep};
use crate::import::matcher::{keyed, syntax};
use crate::import::template::{literal, variable_name};
use crate::import::{Node, first_free};
use crate::trace::Value;

/// The address if the description has none.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// Characters that would end a segment of a path.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'/')
    .add(b'?')
    .add(b'#')
    .add(b'%')
    .add(b'\\')
    .add(b'"')
    .add(b'<')
    .add(b'>');

/// Headers that other parts of a description define.
const DEFINED_ELSEWHERE: [&str; 5] = [
    "accept",
    "content-type",
    "authorization",
    "traceparent",
    "tracestate",
];

pub(super) struct Operation<'a> {
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    pub(super) node: &'a Node,
    /// The path with all its operations.
    pub(super) item: &'a Node,
}

impl<'a> Operation<'a> {
    pub(super) fn spec(&self, root: &'a Node, references: &mut References<'a>) -> HttpSpec {
        let title = format!("{} {}", self.method.to_ascii_uppercase(), self.path);
        let name = self.node.text_of("operationId").unwrap_or(&title);
        let mut spec = HttpSpec {
            name: literal(name),
            description: self.node.text_of("summary").map(literal),
            tags: self.tags(),
            ..HttpSpec::default()
        };
        let mut request = HttpRequest {
            method: self.method.to_ascii_uppercase(),
            ..HttpRequest::default()
        };
        let base = self.server(root, references, &mut spec);
        let path = self.parameters(references, &mut spec, &mut request);
        request.url = format!("{base}{path}");
        self.body(references, &mut request);
        self.security(root, references, &mut request);
        let mut expect = HttpExpect::default();
        self.response(references, &mut request, &mut expect);
        spec.steps.push(HttpStep {
            request,
            expect,
            ..HttpStep::default()
        });
        spec
    }

    /// The tags of the operation, and `writes` if it is not a safe method.
    fn tags(&self) -> Vec<String> {
        let own = self
            .node
            .get("tags")
            .map_or(&[][..], Node::items)
            .iter()
            .filter_map(Node::text);
        let word = |tag: &str| {
            tag.split_whitespace()
                .collect::<Vec<_>>()
                .join("-")
                .trim_start_matches('!')
                .replace(',', "-")
        };
        let mut tags: Vec<String> = own
            .map(|tag| literal(&word(tag)))
            .filter(|tag| !tag.is_empty())
            .collect();
        if !matches!(self.method, "get" | "head" | "options" | "trace") {
            tags.push("writes".to_owned());
        }
        if self.node.text_of("deprecated") == Some("true") {
            tags.push("deprecated".to_owned());
        }
        let mut known = BTreeSet::new();
        tags.retain(|tag| known.insert(tag.clone()));
        tags
    }

    /// The beginning of the URL: a variable, whose default is the first server.
    fn server(
        &self,
        root: &'a Node,
        references: &mut References<'a>,
        spec: &mut HttpSpec,
    ) -> String {
        let first = |node: &'a Node| {
            node.get("servers")
                .and_then(|servers| servers.items().first())
        };
        let server = first(self.node)
            .or_else(|| first(self.item))
            .or_else(|| first(root));
        let mut url = server
            .and_then(|server| server.text_of("url"))
            .unwrap_or_default()
            .to_owned();
        for (name, variable) in server
            .and_then(|server| server.get("variables"))
            .map_or(&[][..], Node::entries)
        {
            let value = variable.text_of("default").unwrap_or_default();
            url = url.replace(&format!("{{{}}}", name.text().unwrap_or_default()), value);
        }
        let url = url.trim_end_matches('/');
        let (default, rest) = match url.contains("://") {
            true => (url, ""),
            false => {
                references.remarks.note(&root.at, format!("no server with an address: set BASE_URL, which is {DEFAULT_SERVER} by default"));
                (DEFAULT_SERVER, url)
            }
        };
        let default = format!("${{BASE_URL:-{}}}", literal(default));
        spec.vars
            .push(("BASE_URL".to_owned(), Value::String(default)));
        format!("${{BASE_URL}}{}", literal(rest))
    }

    /// The path, with variables in place of its parameters. Adds the other parameters.
    fn parameters(
        &self,
        references: &mut References<'a>,
        spec: &mut HttpSpec,
        request: &mut HttpRequest,
    ) -> String {
        let mut path = literal(self.path);
        let mut cookies = Vec::new();
        for parameter in self.all_parameters(references) {
            let (Some(name), Some(place)) = (parameter.text_of("name"), parameter.text_of("in"))
            else {
                continue;
            };
            let Some(texts) = texts_of(parameter, name, place, references) else {
                continue;
            };
            let joined = texts.join(",");
            match place {
                "path" => {
                    let variable = free(&variable_name(name), spec);
                    path = path.replace(&format!("{{{name}}}"), &format!("${{{variable}}}"));
                    let encoded = match joined.contains("${") {
                        true => joined,
                        false => utf8_percent_encode(&joined, SEGMENT).to_string(),
                    };
                    spec.vars.push((variable, Value::String(encoded)));
                }
                "query" if parameter.text_of("explode") == Some("false") => {
                    request.query.push((name.to_owned(), joined))
                }
                "query" => request
                    .query
                    .extend(texts.into_iter().map(|text| (name.to_owned(), text))),
                "header"
                    if DEFINED_ELSEWHERE
                        .iter()
                        .any(|one| name.eq_ignore_ascii_case(one)) => {}
                "header" => request.headers.push((name.to_owned(), joined)),
                "cookie" => cookies.push(format!("{name}={joined}")),
                other => references
                    .remarks
                    .lost(&parameter.at, format!("`in: {other}` has no equivalent")),
            }
        }
        if !cookies.is_empty() {
            request
                .headers
                .push(("Cookie".to_owned(), cookies.join("; ")));
        }
        self.report_undescribed(&path, references);
        path
    }

    /// Reports a parameter that is still in the path.
    fn report_undescribed(&self, path: &str, references: &mut References<'a>) {
        let left = path.replace("${", "");
        if let Some((_, name)) = left.split_once('{') {
            let name = name.split('}').next().unwrap_or_default();
            let text = format!("the path parameter `{name}` is not described");
            references.remarks.lost(&self.node.at, text);
        }
    }

    /// The parameters of the path and of the operation, which has precedence.
    fn all_parameters(&self, references: &mut References<'a>) -> Vec<&'a Node> {
        let mut all: Vec<&'a Node> = Vec::new();
        for node in [self.item, self.node] {
            for parameter in node.get("parameters").map_or(&[][..], Node::items) {
                let Some(parameter) = references.resolve(parameter) else {
                    continue;
                };
                let key = |node: &'a Node| (node.text_of("name"), node.text_of("in"));
                all.retain(|known| key(known) != key(parameter));
                all.push(parameter);
            }
        }
        all
    }

    fn body(&self, references: &mut References<'a>, request: &mut HttpRequest) {
        let Some(body) = references.get(self.node, "requestBody") else {
            return;
        };
        let Some((media, content)) = preferred(body) else {
            return;
        };
        let found = example(content, references);
        let Some(Example { value, is_made_up }) = found else {
            return references.remarks.lost(
                &content.at,
                format!("the body of type {media} has no example"),
            );
        };
        if is_made_up {
            references.remarks.note(
                &content.at,
                "the body has no example: its values are made up",
            );
        }
        let fields = match &value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        if media.contains("json") {
            if media != "application/json" {
                request
                    .headers
                    .push(("Content-Type".to_owned(), media.to_owned()));
            }
            request.body = HttpBody::Json(value);
        } else if media == FORM {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), value.to_text()));
            request.body = HttpBody::Form(fields.collect());
        } else if media.starts_with("multipart/") {
            let parts = fields.iter().map(|(name, value)| HttpPart {
                name: name.clone(),
                text: Some(value.to_text()),
                ..HttpPart::default()
            });
            request.body = HttpBody::Multipart(parts.collect());
            references.remarks.note(
                &content.at,
                "the parts are texts: write `file: PATH` for files",
            );
        } else if let (Value::String(text), false) = (value, is_made_up) {
            request
                .headers
                .push(("Content-Type".to_owned(), media.to_owned()));
            request.body = HttpBody::Text(text);
        } else {
            references.remarks.lost(
                &content.at,
                format!("the body of type {media} has no example"),
            );
        }
    }

    /// Variables for the credentials of the first alternative.
    fn security(&self, root: &'a Node, references: &mut References<'a>, request: &mut HttpRequest) {
        let all = self.node.get("security").or_else(|| root.get("security"));
        let first = all.and_then(|all| all.items().first());
        for (name, node) in first.map_or(&[][..], Node::entries) {
            let name = name.text().unwrap_or_default();
            let schemes = root
                .get("components")
                .and_then(|components| components.get("securitySchemes"));
            let scheme = schemes
                .and_then(|schemes| schemes.get(name))
                .and_then(|scheme| references.resolve(scheme));
            let Some(scheme) = scheme else {
                references.remarks.lost(
                    &node.at,
                    format!("the security scheme `{name}` does not exist"),
                );
                continue;
            };
            let variable = format!(
                "${{{}}}",
                variable_name(name)
                    .to_ascii_uppercase()
                    .replace(['-', '.'], "_")
            );
            let mut header =
                |name: &str, value: String| request.headers.push((name.to_owned(), value));
            match (
                scheme.text_of("type"),
                scheme.text_of("scheme"),
                scheme.text_of("in"),
            ) {
                (Some("http"), Some(kind), _) if kind.eq_ignore_ascii_case("basic") => {
                    header("Authorization", format!("Basic {variable}"));
                    references.remarks.note(
                        &scheme.at,
                        format!("set {variable} to `user:password` in base64"),
                    );
                }
                (Some("http"), Some(kind), _) if kind.eq_ignore_ascii_case("bearer") => {
                    header("Authorization", format!("Bearer {variable}"))
                }
                (Some("oauth2" | "openIdConnect"), ..) => {
                    header("Authorization", format!("Bearer {variable}"))
                }
                (Some("apiKey"), _, Some("query")) => request
                    .query
                    .push((scheme.text_of("name").unwrap_or(name).to_owned(), variable)),
                (Some("apiKey"), _, Some("cookie")) => header(
                    "Cookie",
                    format!("{}={variable}", scheme.text_of("name").unwrap_or(name)),
                ),
                (Some("apiKey"), ..) => header(scheme.text_of("name").unwrap_or(name), variable),
                _ => references.remarks.lost(
                    &scheme.at,
                    format!("the security scheme `{name}` has no equivalent"),
                ),
            }
        }
    }

    fn response(
        &self,
        references: &mut References<'a>,
        request: &mut HttpRequest,
        expect: &mut HttpExpect,
    ) {
        let Some((code, response)) = self.success() else {
            let title = format!("{} {}", self.method.to_ascii_uppercase(), self.path);
            let text = format!("{title} has no response of success");
            return references.remarks.lost(&self.node.at, text);
        };
        expect.status = Some(match code.as_str() {
            "default" => syntax("2xx"),
            code => syntax(code),
        });
        let Some(response) = references.resolve(response) else {
            return;
        };
        required_headers(response, references, expect);
        // A response to HEAD has no body.
        let Some((media, content)) = preferred(response).filter(|_| self.method != "head") else {
            return;
        };
        let start = media.split(';').next().unwrap_or(media).trim();
        if !start.contains('*') {
            expect.header("content-type", keyed("starts_with", literal(start)));
            // Otherwise the server chooses.
            let all = response.get("content").map_or(&[][..], Node::entries);
            if all.len() > 1 {
                request.headers.push(("Accept".to_owned(), literal(start)));
            }
        }
        match content.get("schema") {
            Some(schema) if media.contains("json") => schema::expect(schema, references, expect),
            Some(schema) if !is_any_text(schema, references) => {
                let text = format!("the schema of {media} is not checked");
                references.remarks.lost(&schema.at, text);
            }
            _ => {}
        }
    }

    /// The code, in lower case, and the response of the first success, or else of another response
    /// that is not an error.
    fn success(&self) -> Option<(String, &'a Node)> {
        let all = self.node.get("responses").map_or(&[][..], Node::entries);
        let all = all.iter().map(|(key, response)| {
            let code = key.text().unwrap_or_default().to_ascii_lowercase();
            (code, response)
        });
        let rank = |code: &str| match code.as_bytes() {
            [b'2', ..] => Some(0),
            [b'1' | b'3', ..] => Some(1),
            b"default" => Some(2),
            _ => None,
        };
        let ranked = all.filter_map(|(code, response)| Some((rank(&code)?, code, response)));
        let first = ranked.min_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        first.map(|(_, code, response)| (code, response))
    }
}

/// The texts of a parameter. `None` if it is not sent.
fn texts_of<'a>(
    parameter: &'a Node,
    name: &str,
    place: &str,
    references: &mut References<'a>,
) -> Option<Vec<String>> {
    let is_required = parameter.text_of("required") == Some("true");
    let content = parameter.get("content");
    let found = match content.and_then(|content| content.entries().first()) {
        Some((_, media)) => example(media, references),
        None => example(parameter, references),
    };
    let Some(Example { value, is_made_up }) = found else {
        if is_required {
            let text = format!("the parameter `{name}` has no schema and no example");
            references.remarks.lost(&parameter.at, text);
        }
        return None;
    };
    if is_made_up && !is_required && place != "path" {
        return None;
    }
    if is_made_up {
        let text = format!("the parameter `{name}` has no example: its value is made up");
        references.remarks.note(&parameter.at, text);
    }
    let texts = texts(&value);
    if texts.is_none() {
        let text = format!("the parameter `{name}` is a structure");
        references.remarks.lost(&parameter.at, text);
    }
    texts
}

/// Adds the headers that a response always has.
fn required_headers<'a>(
    response: &'a Node,
    references: &mut References<'a>,
    expect: &mut HttpExpect,
) {
    for (name, header) in response.get("headers").map_or(&[][..], Node::entries) {
        let header = references.resolve(header);
        let Some(header) = header.filter(|header| header.text_of("required") == Some("true"))
        else {
            continue;
        };
        expect.header(name.text().unwrap_or_default(), syntax("exists"));
        let schema = header
            .get("schema")
            .and_then(|schema| references.resolve(schema));
        if let Some(schema) = schema.filter(|schema| schema::has_rules(schema)) {
            let text = "the schema of a header is not checked";
            references.remarks.lost(&schema.at, text);
        }
    }
}

/// Returns `true` for the schema of any text.
fn is_any_text<'a>(schema: &'a Node, references: &mut References<'a>) -> bool {
    let has_rules = references.resolve(schema).is_some_and(schema::has_rules);
    !has_rules && kind(schema, references).as_deref() == Some("string")
}

/// The media type that a spec can express best.
fn preferred(node: &Node) -> Option<(&str, &Node)> {
    let all = node.get("content").map_or(&[][..], Node::entries);
    let rank = |media: &str| match media {
        "application/json" => 0,
        media if media.contains("json") => 1,
        FORM => 2,
        media if media.starts_with("multipart/") => 3,
        media if media.starts_with("text/") => 4,
        _ => 5,
    };
    let all = all
        .iter()
        .filter_map(|(key, content)| Some((key.text()?, content)));
    all.min_by_key(|(media, _)| rank(media))
}

/// The texts of a parameter, or of its items. `None` for structures.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Map(_) => None,
        Value::Array(items) => items
            .iter()
            .map(|item| texts(item).map(|texts| texts.concat()))
            .collect(),
        Value::Null => Some(vec![String::new()]),
        scalar => Some(vec![scalar.to_text()]),
    }
}

/// A name that no other variable of the spec has.
fn free(name: &str, spec: &HttpSpec) -> String {
    first_free(
        name,
        |number| format!("{name}_{number}"),
        |name| spec.vars.iter().any(|(taken, _)| taken == name),
    )
}
