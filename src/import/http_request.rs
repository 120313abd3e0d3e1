//! An HTTP request, as importers build it.
//!
//! All texts are in the notation of the language: `${x}` is a variable, `$${` a literal `${`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::credentials::Credentials;
use super::{Map, Written, matcher};
use crate::draft::yaml;
use crate::trace::Value;

/// The media type of forms.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

#[derive(Clone, Debug, Default)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: HttpBody,
    pub(crate) timeout: Option<String>,
    pub(crate) redirects: Option<u64>,
    pub(crate) tls: Vec<(String, Written)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum HttpBody {
    #[default]
    None,
    Json(Value),
    Text(String),
    File(String),
    Form(Vec<(String, String)>),
    Multipart(Vec<HttpPart>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct HttpPart {
    pub(crate) name: String,
    pub(crate) text: Option<String>,
    /// A path, instead of a text.
    pub(crate) file: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) file_name: Option<String>,
}

/// The place of a user and a password in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// In the URL: they have variables, and the client computes the header.
    Url,
    /// In the header `Authorization`, in base64.
    Header,
    /// Nowhere: they have variables, and the URL does not begin with a scheme.
    Impossible,
}

impl HttpRequest {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Removes a `content-type` that the body implies.
    pub(crate) fn remove_type(&mut self, implied: &str) {
        remove_type(&mut self.headers, implied);
    }

    /// Adds basic authentication for `user:password`.
    pub(crate) fn log_in(&mut self, user: &str) -> Login {
        match (user.contains("${"), self.url.find("://")) {
            (true, Some(at)) => {
                self.url.insert_str(at + 3, &format!("{user}@"));
                Login::Url
            }
            (true, None) => Login::Impossible,
            (false, _) => {
                let basic = format!("Basic {}", STANDARD.encode(user));
                self.headers.push(("Authorization".to_owned(), basic));
                Login::Header
            }
        }
    }

    /// The value of `request`.
    pub(crate) fn written(&self) -> Written {
        let has_key = METHODS.contains(&self.method.as_str());
        let mut map = Map::new();
        if has_key {
            map.put(&self.method.to_ascii_lowercase(), self.url.as_str());
        } else {
            map.put("method", self.method.as_str());
            map.put("url", self.url.as_str());
        }
        self.put_options(&mut map);
        if has_key && map.values().count() == 1 {
            return format!("{} {}", self.method, self.url).into();
        }
        map.into()
    }

    fn put_options(&self, map: &mut Map) {
        if !self.headers.is_empty() {
            map.put("headers", fields(&self.headers, str::eq_ignore_ascii_case));
        }
        if !self.query.is_empty() {
            map.put("query", fields(&self.query, |one, other| one == other));
        }
        match &self.body {
            HttpBody::None => {}
            HttpBody::Json(json) => map.put("json", Written::json(json)),
            HttpBody::Text(text) => map.put("body", text.as_str()),
            HttpBody::File(path) => map.put("body_file", path.as_str()),
            HttpBody::Form(form) => map.put("form", fields(form, |one, other| one == other)),
            HttpBody::Multipart(parts) => {
                let parts = parts.iter().map(HttpPart::written);
                map.put("multipart", parts.collect::<Vec<_>>());
            }
        }
        if let Some(timeout) = &self.timeout {
            map.put("timeout", matcher::syntax(timeout));
        }
        if let Some(number) = self.redirects {
            map.put("redirects", matcher::syntax(number.to_string()));
        }
        if let Some(((key, value), rest)) = self.tls.split_first() {
            let mut tls = Map::flow(key, value.clone());
            rest.iter()
                .for_each(|(key, value)| tls.put(key, value.clone()));
            map.put("tls", tls);
        }
    }

    /// The request with variables in place of credentials.
    pub(super) fn without(&self, credentials: &mut Credentials) -> Self {
        let mut request = self.clone();
        request.url = without_user(&request.url, credentials);
        request.url = without_parameters(&request.url, credentials);
        for (name, value) in &mut request.headers {
            *value = credentials.header(name, value);
        }
        for (name, value) in &mut request.query {
            *value = credentials.field(name, value);
        }
        match &mut request.body {
            HttpBody::Form(fields) => {
                for (name, value) in fields {
                    *value = credentials.field(name, value);
                }
            }
            HttpBody::Json(json) => *json = without_fields(json, credentials),
            HttpBody::Multipart(parts) => {
                for part in parts {
                    part.text = part
                        .text
                        .take()
                        .map(|text| credentials.field(&part.name, &text));
                }
            }
            HttpBody::Text(text) => *text = credentials.body(text),
            HttpBody::None | HttpBody::File(_) => {}
        }
        // A credential can also occur elsewhere in the request.
        let hide = |text: &str| credentials.hidden_in(text);
        request.url = hide(&request.url);
        for (_, value) in request.headers.iter_mut().chain(&mut request.query) {
            *value = hide(value);
        }
        match &mut request.body {
            HttpBody::Text(text) => *text = hide(text),
            HttpBody::Json(json) => *json = yaml::with_texts(json, &hide),
            HttpBody::Form(fields) => fields
                .iter_mut()
                .for_each(|(_, value)| *value = hide(value)),
            HttpBody::Multipart(parts) => {
                let texts = parts.iter_mut().filter_map(|part| part.text.as_mut());
                texts.for_each(|text| *text = hide(text));
            }
            HttpBody::None | HttpBody::File(_) => {}
        }
        request
    }

    /// The paths of its files.
    pub(super) fn files(&mut self) -> Vec<&mut String> {
        let mut files: Vec<&mut String> = match &mut self.body {
            HttpBody::File(path) => vec![path],
            HttpBody::Multipart(parts) => parts
                .iter_mut()
                .filter_map(|part| part.file.as_mut())
                .collect(),
            _ => Vec::new(),
        };
        for (key, value) in &mut self.tls {
            if let (Written::Text(path), "ca" | "cert" | "key") = (value, key.as_str()) {
                files.push(path);
            }
        }
        files
    }
}

/// The URL with a variable in place of `user:password`.
fn without_user(url: &str, credentials: &mut Credentials) -> String {
    let parts = || {
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split(['/', '?']).next()?;
        let (user, _) = host.rsplit_once('@')?;
        Some((scheme, user, &rest[user.len()..]))
    };
    match parts() {
        Some((scheme, user, rest)) => {
            let user = credentials.hide("CREDENTIALS", user, "user and password of the URL");
            format!("{scheme}://{user}{rest}")
        }
        None => url.to_owned(),
    }
}

/// The URL with variables in place of parameters with credentials.
pub(super) fn without_parameters(url: &str, credentials: &mut Credentials) -> String {
    let Some((start, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let (query, fragment) = match query.split_once('#') {
        Some((query, fragment)) => (query, format!("#{fragment}")),
        None => (query, String::new()),
    };
    format!("{start}?{}{fragment}", credentials.pairs(query))
}

fn without_fields(json: &Value, credentials: &mut Credentials) -> Value {
    match json {
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let value = match value {
                    Value::String(text) => Value::String(credentials.field(key, text)),
                    other => without_fields(other, credentials),
                };
                (key.clone(), value)
            });
            Value::Map(entries.collect())
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| without_fields(item, credentials))
                .collect(),
        ),
        other => other.clone(),
    }
}

impl HttpPart {
    fn written(&self) -> Written {
        let mut map = Map::flow("name", self.name.as_str());
        for (key, text) in [
            ("text", &self.text),
            ("file", &self.file),
            ("content_type", &self.content_type),
            ("file_name", &self.file_name),
        ] {
            if let Some(text) = text {
                map.put(key, text.as_str());
            }
        }
        map.into()
    }
}

/// Names and texts; a list for a name that is repeated.
pub(crate) fn fields(all: &[(String, String)], is_same: fn(&str, &str) -> bool) -> Map {
    let mut grouped: Vec<(&str, Vec<Written>)> = Vec::new();
    for (name, value) in all {
        match grouped.iter_mut().find(|(known, _)| is_same(known, name)) {
            Some((_, values)) => values.push(value.as_str().into()),
            None => grouped.push((name, vec![value.as_str().into()])),
        }
    }
    let mut map = Map::new();
    for (name, mut values) in grouped {
        match values.len() {
            1 => map.put(name, values.remove(0)),
            _ => map.put(name, values),
        }
    }
    map
}

/// Adds a parameter to the query of a URL.
pub(crate) fn add_query(url: &mut String, pair: &str) {
    let separator = match url.contains('?') {
        true if url.ends_with(['?', '&']) => "",
        true => "&",
        false => "?",
    };
    url.push_str(separator);
    url.push_str(pair);
}

/// The body that a text is, by the `content-type` of the headers. Removes the header if the body
/// implies it.
pub(crate) fn body_of_text(text: &str, headers: &mut Vec<(String, String)>) -> HttpBody {
    let media = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let media = media.map(|(_, value)| value.to_ascii_lowercase());
    let (body, implied) = match media.as_deref() {
        Some(media) if media.contains("json") => {
            (json(text).map(HttpBody::Json), "application/json")
        }
        Some(FORM) => (form(text).map(HttpBody::Form), FORM),
        _ => (None, ""),
    };
    match body {
        Some(body) => {
            remove_type(headers, implied);
            body
        }
        None => HttpBody::Text(text.to_owned()),
    }
}

fn remove_type(headers: &mut Vec<(String, String)>, implied: &str) {
    headers.retain(|(name, value)| {
        !(name.eq_ignore_ascii_case("content-type") && value.eq_ignore_ascii_case(implied))
    });
}

/// The URL, which begins with a variable or a scheme: `http` unless it has one.
pub(crate) fn with_scheme(url: &str) -> String {
    match url.contains("://") || url.starts_with("${") {
        true => url.to_owned(),
        false => format!("http://{url}"),
    }
}

/// Returns `true` for headers that spanspec sends itself with each request.
pub(crate) fn is_trace_context(name: &str) -> bool {
    ["traceparent", "tracestate"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}

/// The value of a JSON text with variables in its strings, if a spec can have it.
pub(crate) fn json(text: &str) -> Option<Value> {
    let value = Value::from_json(text.as_bytes()).ok()?;
    has_plain_keys(&value).then_some(value)
}

/// Returns `false` if a key has a variable, or occurs twice.
fn has_plain_keys(value: &Value) -> bool {
    match value {
        Value::Map(entries) => entries.iter().enumerate().all(|(at, (key, value))| {
            let is_new = entries[..at].iter().all(|(other, _)| other != key);
            let is_possible = !key.is_empty() && key.len() < 1_000 && !key.contains("${");
            is_new && is_possible && has_plain_keys(value)
        }),
        Value::Array(items) => items.iter().all(has_plain_keys),
        _ => true,
    }
}

/// The fields of a form, if they are encoded as spanspec encodes them.
fn form(text: &str) -> Option<Vec<(String, String)>> {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect();
    let written = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&fields)
        .finish();
    let is_new = |at: usize| fields[..at].iter().all(|(name, _)| *name != fields[at].0);
    let is_plain = !text.contains("${") && (0..fields.len()).all(is_new);
    (is_plain && written == text).then(|| {
        let fields = fields.into_iter();
        fields
            .map(|(name, value)| (name, super::template::literal(&value)))
            .collect()
    })
}
