//! A spec of HTTP requests, as importers build it.
//!
//! All texts are in the notation of the language: `${x}` is a variable, `$${` a literal `${`.

use std::sync::LazyLock;

use regex::Regex;

use super::credentials::Credentials;
use super::loads::read_back;
use super::{Import, Map, Written, matcher};
use crate::draft::yaml;
use crate::spec::Location;
use crate::trace::Value;

/// A spec, or several steps that share captures and cookies.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpSpec {
    pub(crate) name: String,
    /// Lines of comments above the spec.
    pub(crate) comments: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) vars: Vec<(String, Value)>,
    /// One step is written without `steps`.
    pub(crate) steps: Vec<HttpStep>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct HttpStep {
    pub(crate) name: Option<String>,
    pub(crate) request: HttpRequest,
    pub(crate) captures: Vec<(String, Written)>,
    pub(crate) expect: HttpExpect,
    /// `every` and `timeout` of a poll until `expect` is met, in place of `expect`.
    pub(crate) poll: Option<(String, String)>,
}

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

/// Expectations of the response.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpExpect {
    pub(crate) status: Option<Written>,
    pub(crate) headers: Vec<(String, Written)>,
    pub(crate) json: Vec<(String, Written)>,
    pub(crate) body: Option<Written>,
    pub(crate) response_time: Option<Written>,
}

impl HttpExpect {
    /// Adds a condition on the value at a path.
    pub(crate) fn json(&mut self, path: &str, matcher: Written) {
        let known = self.json.iter_mut().find(|(key, _)| key == path);
        let merged = known.map(|(_, earlier)| {
            let merged = matcher::merged(earlier, &matcher);
            merged.map(|merged| *earlier = merged).is_some()
        });
        if merged == Some(true) {
            return;
        }
        // Each condition has a key of its own.
        let is_free = |key: &String| self.json.iter().all(|(other, _)| other != key);
        let key = path_spellings(path).find(is_free);
        merge(&mut self.json, key.as_deref().unwrap_or(path), matcher);
    }

    /// Adds a condition on the values of a header.
    pub(crate) fn header(&mut self, name: &str, matcher: Written) {
        merge(&mut self.headers, &name.to_ascii_lowercase(), matcher);
    }

    /// Adds a condition that another value of the header may meet than earlier ones.
    pub(crate) fn any_header(&mut self, name: &str, matcher: Written) {
        let lower = name.to_ascii_lowercase();
        if self
            .headers
            .iter()
            .any(|(key, other)| *key == lower && *other == matcher)
        {
            return;
        }
        // Names ignore case, so that each condition has a key of its own.
        let is_free = |key: &String| self.headers.iter().all(|(other, _)| other != key);
        let key = spellings(&lower)
            .find(is_free)
            .unwrap_or_else(|| lower.clone());
        merge(&mut self.headers, &key, matcher);
    }

    pub(crate) fn status(&mut self, matcher: Written) {
        add(&mut self.status, matcher);
    }

    pub(crate) fn response_time(&mut self, matcher: Written) {
        add(&mut self.response_time, matcher);
    }

    pub(crate) fn body(&mut self, matcher: Written) {
        add(&mut self.body, matcher);
    }

    /// Adds the conditions of other expectations.
    pub(crate) fn add(&mut self, other: Self) {
        other
            .json
            .into_iter()
            .for_each(|(path, matcher)| self.json(&path, matcher));
        other
            .headers
            .into_iter()
            .for_each(|(name, matcher)| self.header(&name, matcher));
        other
            .status
            .into_iter()
            .for_each(|matcher| self.status(matcher));
        other
            .body
            .into_iter()
            .for_each(|matcher| self.body(matcher));
        other
            .response_time
            .into_iter()
            .for_each(|matcher| self.response_time(matcher));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.status.is_none()
            && self.headers.is_empty()
            && self.json.is_empty()
            && self.body.is_none()
            && self.response_time.is_none()
    }

    fn written(&self) -> Map {
        let mut written = Map::new();
        put_some(&mut written, "status", self.status.as_ref());
        put_map(&mut written, "headers", &self.headers);
        put_map(&mut written, "json", &self.json);
        put_some(&mut written, "body", self.body.as_ref());
        put_some(&mut written, "response_time", self.response_time.as_ref());
        written
    }
}

fn add(condition: &mut Option<Written>, matcher: Written) {
    *condition = Some(match condition.take() {
        Some(earlier) => matcher::both(earlier, matcher),
        None => matcher,
    });
}

fn put_some(map: &mut Map, key: &str, value: Option<&Written>) {
    if let Some(value) = value {
        map.put(key, value.clone());
    }
}

fn put_map(map: &mut Map, key: &str, entries: &[(String, Written)]) {
    if !entries.is_empty() {
        let inner = map.map(key);
        entries
            .iter()
            .for_each(|(key, value)| inner.put(key, value.clone()));
    }
}

fn put_text(map: &mut Map, key: &str, text: Option<&String>) {
    if let Some(text) = text {
        map.put(key, text.as_str());
    }
}

/// A path with brackets in place of more and more of its dots.
fn path_spellings(path: &str) -> impl Iterator<Item = String> {
    static DOT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\.([A-Za-z_][A-Za-z0-9_]*)").expect("it is valid"));
    let dots = match path.contains(['?', '(', '"', '\'']) {
        true => 0,
        false => DOT.find_iter(path).count(),
    };
    (0..=dots).map(move |dots| match dots {
        0 => path.to_owned(),
        dots => DOT.replacen(path, dots, "['$1']").into_owned(),
    })
}

/// A name with more and more of its letters in upper case.
fn spellings(name: &str) -> impl Iterator<Item = String> {
    let length = name.len();
    (0..=length).map(move |upper| {
        let (start, end) = name.split_at_checked(upper).unwrap_or((name, ""));
        format!("{}{end}", start.to_ascii_uppercase())
    })
}

fn merge(entries: &mut Vec<(String, Written)>, key: &str, matcher: Written) {
    match entries.iter_mut().find(|(other, _)| other == key) {
        Some((_, earlier)) => *earlier = matcher::both(earlier.clone(), matcher),
        None => entries.push((key.to_owned(), matcher)),
    }
}

impl HttpSpec {
    /// Changes relative paths, which are relative to a folder so far.
    pub(crate) fn find_files_in(&mut self, folder: &str) {
        let find = |path: &mut String| {
            if !path.starts_with(['/', '$']) && !path.contains(":\\") {
                path.insert_str(0, folder);
            }
        };
        for request in self.steps.iter_mut().map(|step| &mut step.request) {
            match &mut request.body {
                HttpBody::File(path) => find(path),
                HttpBody::Multipart(parts) => {
                    let files = parts.iter_mut().filter_map(|part| part.file.as_mut());
                    files.for_each(find);
                }
                _ => {}
            }
            for (key, value) in &mut request.tls {
                if let (Written::Text(path), "ca" | "cert" | "key") = (value, key.as_str()) {
                    find(path);
                }
            }
        }
    }

    fn without_files(&self) -> Self {
        let mut spec = self.clone();
        for request in spec.steps.iter_mut().map(|step| &mut step.request) {
            request.tls.clear();
            match &mut request.body {
                HttpBody::File(path) => request.body = HttpBody::Text(path.clone()),
                HttpBody::Multipart(parts) => {
                    for part in parts {
                        part.text = part.file.take().or(part.text.take());
                    }
                }
                _ => {}
            }
        }
        spec
    }

    /// The text of the spec, with variables in place of credentials.
    pub(crate) fn text(&self) -> String {
        let mut credentials = Credentials::default();
        let mut vars = self.vars.clone();
        vars.retain(|(name, value)| !credentials.has_variable(name, value));
        let steps: Vec<HttpStep> = self
            .steps
            .iter()
            .map(|step| step.without(&mut credentials))
            .collect();
        let mut spec = Map::new();
        for comment in &self.comments {
            spec.comment_above(&credentials.hidden_in(comment));
        }
        for one in credentials.iter() {
            spec.comment_above(&format!(
                "{}: {}, not saved here; set it with --var or in the environment",
                one.variable, one.what
            ));
        }
        spec.put("name", self.name.as_str());
        put_text(&mut spec, "description", self.description.as_ref());
        if !self.tags.is_empty() {
            let tags = self.tags.iter().map(|tag| tag.as_str().into());
            spec.put("tags", tags.collect::<Vec<Written>>());
        }
        for (name, value) in &vars {
            spec.map("vars").put(name, Written::json(value));
        }
        match steps.as_slice() {
            [one] => one.put_in(&mut spec),
            several => {
                for step in several {
                    let mut written = Map::new();
                    put_text(&mut written, "name", step.name.as_ref());
                    step.put_in(&mut written);
                    spec.list("steps").push(written.into());
                }
            }
        }
        spec.document()
    }
}

impl HttpStep {
    fn put_in(&self, map: &mut Map) {
        map.put("request", self.request.written());
        put_map(map, "capture", &self.captures);
        if let Some((every, timeout)) = &self.poll {
            let poll = map.map("poll");
            poll.put("until", self.expect.written());
            poll.put("every", matcher::syntax(every));
            poll.put("timeout", matcher::syntax(timeout));
        } else {
            map.put("expect", self.expect.written());
        }
    }

    /// The step with variables in place of credentials.
    fn without(&self, credentials: &mut Credentials) -> Self {
        let mut step = self.clone();
        let request = &mut step.request;
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
        step
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

impl HttpRequest {
    fn written(&self) -> Written {
        const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
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
}

impl HttpPart {
    fn written(&self) -> Written {
        let mut map = Map::flow("name", self.name.as_str());
        put_text(&mut map, "text", self.text.as_ref());
        put_text(&mut map, "file", self.file.as_ref());
        put_text(&mut map, "content_type", self.content_type.as_ref());
        put_text(&mut map, "file_name", self.file_name.as_ref());
        map.into()
    }
}

/// Names and texts; a list for a name that is repeated.
fn fields(all: &[(String, String)], is_same: fn(&str, &str) -> bool) -> Map {
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

/// The default name of a spec: the method and the path.
pub(crate) fn title(method: &str, url: &str) -> String {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => match url.starts_with("${") {
            true => url.find('}').map_or(url, |at| &url[at + 1..]),
            false => url,
        },
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = if path.is_empty() { "/" } else { path };
    // Names of specs have no variables.
    let path = path.replace("${", "{");
    format!("{method} {path}")
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
    let mut body = HttpBody::Text(text.to_owned());
    let mut implied = "";
    match media.as_deref() {
        Some(media) if media.contains("json") => {
            if let Some(json) = json(text) {
                body = HttpBody::Json(json);
                implied = "application/json";
            }
        }
        Some("application/x-www-form-urlencoded") => {
            if let Some(form) = form(text) {
                body = HttpBody::Form(form);
                implied = "application/x-www-form-urlencoded";
            }
        }
        _ => {}
    }
    headers
        .retain(|(name, value)| !(name.eq_ignore_ascii_case("content-type") && value == implied));
    body
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
            is_new && !key.contains("${") && key.len() < 1_000 && has_plain_keys(value)
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

/// Adds a file with specs. `at` is their place in the source.
pub(crate) fn add_file(import: &mut Import, at: &Location, path: &str, specs: &[HttpSpec]) {
    let documents = |specs: &[HttpSpec]| {
        let texts: Vec<String> = specs.iter().map(HttpSpec::text).collect();
        texts.join("---\n")
    };
    // Files need not exist here.
    let without_files: Vec<HttpSpec> = specs.iter().map(HttpSpec::without_files).collect();
    if let Err(errors) = read_back(path, &documents(&without_files)) {
        let first = errors
            .0
            .first()
            .map_or_else(String::new, |error| error.to_string());
        import.remarks.lost(
            at,
            format!("a spec is not valid, and must be corrected: {first}"),
        );
    }
    import.add(path, documents(specs));
}

/// Names of specs in one file must differ.
pub(crate) fn name_apart(specs: &mut [HttpSpec]) {
    for at in 1..specs.len() {
        let (before, rest) = specs.split_at_mut(at);
        let name = rest[0].name.clone();
        let mut number = 1;
        while before.iter().any(|spec| spec.name == rest[0].name) {
            number += 1;
            rest[0].name = format!("{name} ({number})");
        }
    }
}
