//! The request of an entry.

use super::Converter;
use super::entry::{Entry, Line};
use super::options::Options;
use super::token::{key_value, unescaped};
use crate::import::http_request::{
    HttpBody, HttpPart, HttpRequest, Login, body_of_text, is_trace_context,
};
use crate::import::json_text::templated;
use crate::trace::Value;

impl Converter<'_> {
    pub(super) fn request(&mut self, entry: &Entry, options: &Options) -> HttpRequest {
        let message = &entry.request;
        let mut request = HttpRequest {
            method: entry.method.clone(),
            url: self.text(&entry.url.text),
            headers: options.headers.clone(),
            timeout: options.timeout.clone(),
            redirects: options.redirects,
            tls: options.tls.clone(),
            ..HttpRequest::default()
        };
        for line in &message.headers {
            self.request_header(line, &mut request);
        }
        for section in ["Captures", "Asserts"] {
            if let Some(line) = message.section(&[section]).next() {
                let text = format!("the section [{section}] has no line such as `HTTP 200` above");
                self.remarks.lost(line.number, text);
            }
        }
        request.query = self.fields(message.section(&["QueryStringParams", "Query"]));
        let form = self.fields(message.section(&["FormParams", "Form"]));
        let parts = self.parts(message.section(&["MultipartFormData", "Multipart"]));
        let cookies = self.fields(message.section(&["Cookies"]));
        if !cookies.is_empty() {
            let cookies: Vec<String> = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request
                .headers
                .push(("Cookie".to_owned(), cookies.join("; ")));
        }
        let mut login = message.section(&["BasicAuth"]).peekable();
        let login_line = login.peek().map(|line| line.number);
        let users = self.fields(login);
        let user = users
            .first()
            .map(|(name, password)| format!("{name}:{password}"));
        if let Some(user) = user.or_else(|| options.user.clone()) {
            let line = login_line.unwrap_or(entry.url.number);
            self.log_in(&user, line, &mut request);
        }
        if let Some(body) = &message.body {
            self.request_body(body, &mut request);
        } else if !parts.is_empty() {
            request.body = HttpBody::Multipart(parts);
        } else if !form.is_empty() {
            request.body = HttpBody::Form(form);
        }
        request
    }

    fn request_header(&mut self, line: &Line, request: &mut HttpRequest) {
        let Some((name, value)) = key_value(&line.text) else {
            return self
                .remarks
                .lost(line.number, format!("`{}` is not a header", line.text));
        };
        if is_trace_context(&name) {
            return self.remarks.note(
                line.number,
                format!("the header {name} is left out: spanspec sends its own with each request"),
            );
        }
        let value = self.text(&value);
        request.headers.push((name, value));
    }

    /// Names and values of a section.
    fn fields<'l>(&mut self, lines: impl Iterator<Item = &'l Line>) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        for line in lines {
            match key_value(&line.text) {
                Some((name, value)) => fields.push((name, self.text(&value))),
                None => self
                    .remarks
                    .lost(line.number, format!("`{}` has no colon", line.text)),
            }
        }
        fields
    }

    fn parts<'l>(&mut self, lines: impl Iterator<Item = &'l Line>) -> Vec<HttpPart> {
        let mut parts = Vec::new();
        for line in lines {
            let Some((name, value)) = key_value(&line.text) else {
                self.remarks
                    .lost(line.number, format!("`{}` has no colon", line.text));
                continue;
            };
            let mut part = HttpPart {
                name,
                ..HttpPart::default()
            };
            match value
                .strip_prefix("file,")
                .and_then(|value| value.split_once(';'))
            {
                Some((path, media)) => {
                    part.file = Some(self.text(path.trim()));
                    part.content_type =
                        Some(media.trim().to_owned()).filter(|media| !media.is_empty());
                }
                None => part.text = Some(self.text(&value)),
            }
            parts.push(part);
        }
        parts
    }

    fn log_in(&mut self, user: &str, line: usize, request: &mut HttpRequest) {
        match request.log_in(user) {
            Login::Url => {}
            Login::Impossible => self.remarks.lost(line, "basic authentication with variables requires a URL that begins with `http://` or `https://`"),
            Login::Header => self.remarks.note(line, "the user becomes the header Authorization: TOKEN is `user:password` in base64"),
        }
    }

    fn request_body(&mut self, body: &Line, request: &mut HttpRequest) {
        let found = self.body(body);
        request.body = match found {
            Some(HttpBody::Text(text)) if request.header("content-type").is_some() => {
                body_of_text(&text, &mut request.headers)
            }
            Some(found) => found,
            None => {
                self.remarks.lost(
                    body.number,
                    "bytes cannot be sent from a spec: save them to a file, and set `body_file`",
                );
                HttpBody::None
            }
        };
        if matches!(request.body, HttpBody::Json(_)) {
            request.remove_type("application/json");
        }
    }

    /// A body of a request or a response. `None` for bytes.
    pub(super) fn body(&mut self, body: &Line) -> Option<HttpBody> {
        let text = body.text.trim();
        if let Some(inner) = text.strip_prefix("```") {
            let inner = inner.strip_suffix("```").unwrap_or(inner);
            let (language, content) = inner.split_once('\n').unwrap_or(("", inner));
            return self.fenced(language.trim(), content, body.number);
        }
        if let Some(inner) = text.strip_prefix('`') {
            let inner = inner.split('`').next().unwrap_or(inner);
            return Some(HttpBody::Text(self.text(&unescaped(inner))));
        }
        if let Some(path) = text.strip_prefix("file,") {
            let path = path.split(';').next().unwrap_or(path);
            return Some(HttpBody::File(self.text(path.trim())));
        }
        if text.starts_with("base64,") || text.starts_with("hex,") {
            return None;
        }
        if text.starts_with('<') {
            return Some(HttpBody::Text(self.text(text)));
        }
        self.json(text)
            .or_else(|| Some(HttpBody::Text(self.text(text))))
    }

    fn fenced(&mut self, language: &str, content: &str, line: usize) -> Option<HttpBody> {
        match language.split(',').next().unwrap_or_default() {
            "json" => self
                .json(content)
                .or_else(|| Some(HttpBody::Text(self.text(content)))),
            "graphql" => {
                let (query, variables) = graphql(content);
                let mut entries =
                    vec![("query".to_owned(), Value::String(self.text(query.trim())))];
                if let Some(variables) = variables {
                    match self.json(variables) {
                        Some(HttpBody::Json(json)) => entries.push(("variables".to_owned(), json)),
                        _ => self
                            .remarks
                            .lost(line, "the variables of the GraphQL query are not JSON"),
                    }
                }
                Some(HttpBody::Json(Value::Map(entries)))
            }
            "base64" | "hex" => None,
            _ => Some(HttpBody::Text(self.text(content))),
        }
    }

    fn json(&self, text: &str) -> Option<HttpBody> {
        let value = templated(text, &|name| Some(self.expression(name)))?;
        Some(HttpBody::Json(value))
    }
}

/// The query, and the JSON after the word `variables` on a line of its own.
fn graphql(content: &str) -> (&str, Option<&str>) {
    let found = content.match_indices("variables").find(|(at, word)| {
        let is_start = content[..*at].trim_end_matches([' ', '\t']).ends_with('\n');
        is_start && content[at + word.len()..].trim_start().starts_with('{')
    });
    match found {
        Some((at, word)) => (&content[..at], Some(&content[at + word.len()..])),
        None => (content, None),
    }
}
