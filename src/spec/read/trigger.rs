//! `request`, `trace_id`, and the choice of the trigger.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::command::RunDefaults;
use super::{Reader, Refusal};
use crate::spec::Tls;
use crate::spec::keys;
use crate::spec::trigger::{Body, Part, PartContent, Request, Trigger};
use crate::trace::{NoTrace, TraceId, TraceRef};
use crate::yaml::{Entry, Kind, Node};
use crate::yaml::{ErrorList, did_you_mean};

/// Defaults of the project file.
#[derive(Clone, Debug, Default)]
pub(crate) struct TriggerDefaults {
    /// Timeout of requests.
    pub(crate) timeout: Option<Duration>,
    /// Settings of commands.
    pub(crate) run: Option<Arc<RunDefaults>>,
}

impl Reader<'_> {
    /// The trigger under one of its keys.
    pub(crate) fn trigger(&self, entry: &Entry, defaults: &TriggerDefaults) -> Option<Trigger> {
        let node = &entry.value;
        match entry.key.text.as_str() {
            "request" => self
                .request(node, defaults)
                .map(Box::new)
                .map(Trigger::Request),
            "graphql" => self
                .graphql(node, defaults)
                .map(Box::new)
                .map(Trigger::GraphQl),
            "grpc" => self.grpc(node, defaults).map(Box::new).map(Trigger::Grpc),
            "run" => self
                .command(node, defaults.run.as_deref())
                .map(Trigger::Run),
            "trace_id" => {
                let text = self.text(node, "a trace id")?;
                // Placeholder if a variable has no value: not the id of a real trace.
                let awaited = TraceRef::from(TraceId::random());
                match text.map_or(Ok(awaited), |text| text.trim().parse()) {
                    Ok(id) => Some(Trigger::TraceId(id)),
                    Err(error) => self.wrong(
                        node.place,
                        error.to_string(),
                        "not a trace id",
                        NoTrace::HELP,
                    ),
                }
            }
            "publish" => self.publish(node).map(Box::new).map(Trigger::Publish),
            "send" => self.send(node, defaults).map(Box::new).map(Trigger::Send),
            "conformance" => self
                .conformance(node)
                .map(Box::new)
                .map(Trigger::Conformance),
            "search" => self.search(node).map(Box::new).map(Trigger::Search),
            "observe" => self.observe(node).map(Trigger::Observe),
            _ => None,
        }
    }

    fn request(&self, node: &Node, defaults: &TriggerDefaults) -> Option<Request> {
        let mut request = match &node.kind {
            Kind::Scalar(_) => self.short_request(node)?,
            _ => self.long_request(node)?,
        };
        request.timeout = request.timeout.or(defaults.timeout);
        Some(request)
    }

    /// `GET http://127.0.0.1:8080/health`.
    fn short_request(&self, node: &Node) -> Option<Request> {
        self.refuse_altered_url(node, after_method)?;
        let awaited = Request::new(http::Method::GET, unknown_url());
        self.parse(node, "a request", awaited, |text| {
            let (method, url) = match text.split_once(char::is_whitespace) {
                Some((method, url)) => (method, url.trim()),
                None => ("GET", text),
            };
            let is_method = keys::METHODS.contains(&method.to_ascii_lowercase());
            if !is_method || method != method.to_ascii_uppercase() {
                return Err(Refusal::new(
                    format!("invalid method `{method}`"),
                    "write `GET http://127.0.0.1:8080/health`",
                ));
            }
            let method = http::Method::from_bytes(method.as_bytes())
                .map_err(|_| Refusal::new("invalid method", "write `GET`"))?;
            Ok(Request::new(method, parse_url(url)?))
        })
    }

    fn long_request(&self, node: &Node) -> Option<Request> {
        self.map(node, "a request", keys::REQUEST)?;
        let target = self.target(node);
        let headers = self.optional(node, "headers", |map| self.headers(map));
        let query = self.optional(node, "query", |map| self.query(map));
        let body = self.body(node);
        let timeout = self.optional(node, "timeout", |value| self.duration(value, "a timeout"));
        let redirects = self.optional(node, "redirects", |value| {
            self.number(value, "a number of redirects", 0)
        });
        let tls = self.optional(node, "tls", |map| self.tls(map));
        let propagation = self.propagation(node, "headers");
        let (method, url) = target?;
        Some(Request {
            method,
            url,
            headers: headers?.unwrap_or_default(),
            query: query?.unwrap_or_default(),
            body: body?,
            timeout: timeout?,
            redirects: redirects?.unwrap_or(0),
            tls: tls?.unwrap_or_default(),
            propagation: propagation?,
        })
    }

    /// `post: URL`, or `method: POST` and `url: URL`.
    fn target(&self, node: &Node) -> Option<(http::Method, url::Url)> {
        let short: Vec<(&str, &Node)> = keys::METHODS
            .iter()
            .filter_map(|key| Some((key.name, node.get(key.name)?)))
            .collect();
        let long = (node.get("method"), node.get("url"));
        match (short.as_slice(), long) {
            ([(method, url)], (None, None)) => {
                let method = http::Method::from_bytes(method.to_ascii_uppercase().as_bytes());
                Some((method.ok()?, self.url(url)?))
            }
            ([], (Some(method), Some(url))) => {
                let method = self.parse(method, "a method", http::Method::GET, |text| {
                    http::Method::from_bytes(text.as_bytes()).map_err(|_| {
                        Refusal::new(
                            format!("invalid method `{text}`"),
                            "write a method such as `POST`",
                        )
                    })
                });
                let url = self.url(url);
                Some((method?, url?))
            }
            _ => self.wrong(
                node.place,
                "a request must have one method and one URL",
                "here",
                "write `post: http://…`, or `method: POST` and `url: http://…`",
            ),
        }
    }

    pub(super) fn url(&self, node: &Node) -> Option<url::Url> {
        self.refuse_altered_url(node, str::trim)?;
        self.parse(node, "a URL", unknown_url(), parse_url)
    }

    /// Refuses the value of a variable that would lead to another path, or cut the URL. `url_in`
    /// returns the end of a text, which is its URL.
    pub(super) fn refuse_altered_url(&self, node: &Node, url_in: fn(&str) -> &str) -> Option<()> {
        let Some(scalar) = node.scalar().filter(|scalar| scalar.text.contains("${")) else {
            return Some(());
        };
        // Errors of variables are reported where the text is read.
        let ignored = ErrorList::new(self.errors.source());
        let pieces = self.scope.pieces(scalar, node.place, &ignored);
        let (mut text, mut values) = (String::new(), Vec::new());
        for piece in pieces.flatten().unwrap_or_default() {
            let start = text.len();
            text.push_str(piece.text());
            if piece.value().is_some() {
                values.push(start..text.len());
            }
        }
        match altered(&text, url_in(&text), &values) {
            None => Some(()),
            Some((what, help)) => self.wrong(
                node.place,
                format!("a variable in this URL {what}"),
                "here",
                help,
            ),
        }
    }

    pub(super) fn headers(
        &self,
        node: &Node,
    ) -> Option<Vec<(http::HeaderName, http::HeaderValue)>> {
        let each = self.all(self.any_map(node, "`headers`")?, |entry| {
            let name = self.header_name(entry)?;
            let values = match &entry.value.kind {
                Kind::List(items) => self.all(items, |item| self.header_value(item)),
                _ => self.header_value(&entry.value).map(|value| vec![value]),
            };
            Some(
                values?
                    .into_iter()
                    .map(|value| (name.clone(), value))
                    .collect::<Vec<_>>(),
            )
        })?;
        Some(each.into_iter().flatten().collect())
    }

    fn header_name(&self, entry: &Entry) -> Option<http::HeaderName> {
        let text = self.key(entry)?;
        match http::HeaderName::from_bytes(text.as_bytes()) {
            Ok(name) => Some(name),
            Err(_) => self.wrong(
                entry.key.place,
                format!("invalid header name `{text}`"),
                "here",
                "use letters, digits and hyphens, as in `content-type`",
            ),
        }
    }

    fn header_value(&self, node: &Node) -> Option<http::HeaderValue> {
        let awaited = http::HeaderValue::from_static("");
        self.parse(node, "a header", awaited, |text| {
            http::HeaderValue::from_str(text).map_err(|_| {
                Refusal::new(
                    "invalid header value",
                    "remove line breaks and control characters",
                )
            })
        })
    }

    fn query(&self, node: &Node) -> Option<Vec<(String, String)>> {
        self.fields(node, "`query`")
    }

    /// Names and texts. A list repeats the name.
    fn fields(&self, node: &Node, what: &str) -> Option<Vec<(String, String)>> {
        let each = self.all(self.any_map(node, what)?, |entry| {
            let name = self.key(entry)?;
            let values = match &entry.value.kind {
                Kind::List(items) => self.all(items, |item| self.text(item, "a value")),
                _ => self.text(&entry.value, "a value").map(|value| vec![value]),
            };
            let values = values?.into_iter();
            Some(
                values
                    .map(|v| (name.clone(), v.unwrap_or_default()))
                    .collect::<Vec<_>>(),
            )
        })?;
        Some(each.into_iter().flatten().collect())
    }

    pub(super) fn body(&self, node: &Node) -> Option<Body> {
        let given: Vec<&str> = keys::BODIES
            .names()
            .into_iter()
            .filter(|key| node.get(key).is_some())
            .collect();
        let (key, value) = match given.as_slice() {
            [] => return Some(Body::None),
            [key] => (*key, node.get(key)?),
            [first, second, ..] => {
                return self.wrong(
                    node.get(second)?.place,
                    "a request or message cannot have two bodies",
                    "second body",
                    format!("remove `{first}` or `{second}`"),
                );
            }
        };
        match key {
            "json" => self.value(value).map(Body::Json),
            "body" => self
                .text(value, "a body")
                .map(|text| Body::Text(text.unwrap_or_default())),
            "body_file" => self.file(value, "a file").map(Body::File),
            "form" => self.fields(value, "`form`").map(Body::Form),
            _ => self
                .all(self.list(value, "`multipart`")?, |part| self.part(part))
                .map(Body::Multipart),
        }
    }

    fn part(&self, node: &Node) -> Option<Part> {
        self.map(node, "a part", keys::PART)?;
        let text = |key: &str| {
            self.optional(node, key, |value| {
                self.text(value, key).map(Option::unwrap_or_default)
            })
        };
        let name = match node.get("name") {
            Some(name) => self.named(name, "a part's name"),
            None => self.wrong(
                node.place,
                "this part has no name",
                "missing `name`",
                "add `name: file`",
            ),
        };
        let content = match (node.get("text"), node.get("file")) {
            (Some(_), None) => text("text").map(|text| PartContent::Text(text.unwrap_or_default())),
            (None, Some(file)) => self.file(file, "a file").map(PartContent::File),
            _ => self.wrong(
                node.place,
                "a part must have either `text` or `file`",
                "here",
                "write `text: …` or `file: path`",
            ),
        };
        let (content_type, file_name) = (text("content_type"), text("file_name"));
        Some(Part {
            name: name?,
            content: content?,
            content_type: content_type?,
            file_name: file_name?,
        })
    }

    pub(crate) fn tls(&self, node: &Node) -> Option<Tls> {
        self.map(node, "`tls`", keys::TLS)?;
        let verify = self.optional(node, "verify", |value| self.bool(value, "`verify`"));
        let file = |key| self.optional(node, key, |value| self.file(value, "a PEM file"));
        let (ca, cert, key) = (file("ca"), file("cert"), file("key"));
        let password = self.optional(node, "key_password", |value| {
            self.named(value, "a password")
        });
        let tls = Tls {
            verify: verify?.unwrap_or(true),
            ca: ca?,
            cert: cert?,
            key: key?,
            key_password: password?,
        };
        if let (None, Some(password)) = (&tls.key, node.get("key_password")) {
            return self.wrong(
                password.place,
                "`key_password` requires a `key`",
                "missing `key`",
                "add `cert` and `key`, or remove this",
            );
        }
        if tls.cert.is_some() != tls.key.is_some() {
            return self.wrong(
                node.place,
                "a client certificate requires its key, and the key the certificate",
                "missing `cert` or `key`",
                "add both `cert` and `key`",
            );
        }
        Some(tls)
    }
}

/// The URL after the method.
fn after_method(text: &str) -> &str {
    let text = text.trim();
    text.split_once(char::is_whitespace)
        .map_or(text, |(_, url)| url.trim_start())
}

/// The effect of the value of a variable on the parts of a URL, and help. The URL is the end of the
/// text; the values are ranges of the text.
fn altered(text: &str, url: &str, values: &[Range<usize>]) -> Option<(String, &'static str)> {
    const ENCODE: &str = "encode the value: `${url(x)}`; or write the sign outside of the variable";
    const ENCODE_PARAMETER: &str =
        "encode the value: `${url(x)}`; or write the parameters under `query`, which encodes them";
    const REMOVE: &str = "remove it from the value";
    let end = text.trim_end().len();
    let start = end - url.len();
    let query = start_of_query(text, start..end, values);
    // White space around the URL is not a part of it.
    let within = |value: &&Range<usize>| start < value.end && value.start < end;
    for value in values.iter().filter(within) {
        let role = role(text, start..end, values, value);
        let rest = &text[value.end.min(end)..end];
        let in_name = is_in_name(&text[start..end], value.start.saturating_sub(start), rest);
        let found = text[value.clone()].char_indices().find_map(|(at, sign)| {
            let is_in_query = (value.start + at).saturating_sub(start) >= query;
            let effect = match (sign, role) {
                ('#', Role::Base) if rest.is_empty() => return None,
                ('#', _) => "cuts the URL",
                ('\\', _) if !is_in_query => "changes the path",
                ('?', Role::Base) if !rest.is_empty() && !rest.starts_with(['&', '#']) => {
                    "makes the rest of the URL a query"
                }
                ('?', Role::Segment) if !is_in_query => "begins a query",
                ('&', Role::Segment) if is_in_query => "begins another parameter",
                ('=', Role::Segment) if is_in_query && in_name => "ends the name of the parameter",
                _ if sign.is_control() => "changes the path",
                _ => return None,
            };
            Some((sign, effect))
        });
        if let Some((sign, effect)) = found {
            let help = match (role, sign) {
                (Role::Base, _) => REMOVE,
                (_, '&' | '=') => ENCODE_PARAMETER,
                _ => ENCODE,
            };
            let what = format!("contains `{}`, which {effect}", sign.escape_debug());
            return Some((what, help));
        }
    }
    let is_varied = |segment: &Range<usize>| {
        let (from, to) = (start + segment.start, start + segment.end);
        values.iter().any(|value| {
            if value.start <= start {
                // The segments of a base are as they should be, but not one that continues after it.
                from < value.end && value.end < to
            } else {
                value.start <= to && from <= value.end
            }
        })
    };
    let dots = segments(url, query).find(|segment| {
        let text = url[segment.clone()].to_ascii_lowercase();
        let text = text.replace(['\t', '\n', '\r'], "").replace("%2e", ".");
        matches!(text.as_str(), "." | "..") && is_varied(segment)
    })?;
    Some((
        format!(
            "makes the segment `{}`, which changes the path",
            url[dots].escape_debug()
        ),
        "give the variable another value: dots alone cannot be a segment of a path, not even encoded",
    ))
}

/// The part of a URL that the value of a variable is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The beginning of the URL, or all of it.
    Base,
    /// All that follows the host or the base: `/orders?page=2`, as in a `location` header.
    Rest,
    /// The whole query: `page=2&size=10`.
    Query,
    /// A part of the path, or of a parameter.
    Segment,
}

fn role(text: &str, url: Range<usize>, values: &[Range<usize>], value: &Range<usize>) -> Role {
    let before = &text[url.start..value.start.max(url.start)];
    let is_last = value.end >= url.end;
    let is_base = |value: &Range<usize>| value.start <= url.start;
    let follows_base = || {
        let mut bases = values.iter().filter(|value| is_base(value));
        let host = before.split_once("://").map(|(_, rest)| rest);
        bases.any(|base| base.end == value.start)
            || host.is_some_and(|host| !host.contains(['/', '?']))
    };
    if is_base(value) {
        Role::Base
    } else if is_last && text[value.clone()].starts_with('/') && follows_base() {
        Role::Rest
    } else if before.find('?').is_some_and(|at| at + 1 == before.len())
        && (is_last || text[value.end..].starts_with('#'))
    {
        Role::Query
    } else {
        Role::Segment
    }
}

/// The offset of the query in the URL. A `?` in a part of the path does not count.
fn start_of_query(text: &str, url: Range<usize>, values: &[Range<usize>]) -> usize {
    let is_segment = |at: usize| {
        let value = values.iter().find(|value| value.contains(&at));
        value.is_some_and(|value| role(text, url.clone(), values, value) == Role::Segment)
    };
    let found = text[url.clone()].match_indices(['?', '#']);
    let mut found = found.map(|(at, _)| at);
    found
        .find(|at| !is_segment(url.start + at))
        .unwrap_or(url.len())
}

/// Returns `true` if a value at this offset is in the name of a parameter: `?${name}=1`.
fn is_in_name(url: &str, at: usize, rest: &str) -> bool {
    let before = url[..at].rsplit(['?', '&']).next().unwrap_or_default();
    let after = rest.split('&').next().unwrap_or_default();
    !before.contains('=') && after.contains('=')
}

/// The segments of the path of a URL, which ends at `query`.
fn segments(url: &str, query: usize) -> impl Iterator<Item = Range<usize>> {
    let slashes = ['/', '\\'];
    let after_scheme = url.find(':').map_or(0, |colon| colon + 1);
    let host = url.len() - url[after_scheme..].trim_start_matches(slashes).len();
    let path = url.get(host..query).unwrap_or_default();
    let mut at = host;
    path.split(slashes)
        .map(move |segment| {
            let start = at;
            at += segment.len() + 1;
            start..start + segment.len()
        })
        .skip(1)
}

/// Placeholder if a variable of the URL has no value. Nothing is sent to it.
pub(super) fn unknown_url() -> url::Url {
    url::Url::parse("http://unknown.invalid/").expect("this is a URL")
}

pub(crate) fn parse_url(text: &str) -> Result<url::Url, Refusal> {
    let example = "write `http://127.0.0.1:8080/orders`";
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            let hint = did_you_mean(url.scheme(), &["http", "https"]);
            Err(Refusal::new(
                format!("`{text}` is not an http or https URL"),
                hint.unwrap_or_else(|| example.to_owned()),
            ))
        }
        Ok(_) => Err(Refusal::new(
            format!("the URL `{text}` has no host"),
            example,
        )),
        Err(error) => Err(Refusal::new(
            format!("invalid URL `{text}`: {error}"),
            example,
        )),
    }
}
