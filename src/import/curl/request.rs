//! The request that options of curl describe.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::import::http_expect::HttpExpect;
use crate::import::http_request::{
    FORM, HttpBody, HttpPart, HttpRequest, Login, add_query, body_of_text, with_scheme,
};
use crate::import::http_spec::{HttpSpec, HttpStep, title};
use crate::import::place::LineRemarks;
use crate::import::{Written, matcher};

/// Maximum number of redirects that curl follows by default.
const REDIRECTS: u64 = 50;

/// The characters that curl does not encode.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A part of the body.
#[derive(Clone, Debug)]
enum Data {
    Text(String),
    /// Name and content of `--data-urlencode`, not encoded yet. The name can be empty.
    Field(String, String),
    File(String),
}

/// Options and URLs of one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected {
    pub(super) urls: Vec<(String, usize)>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<(Data, usize)>,
    is_json: bool,
    parts: Vec<HttpPart>,
    upload: Option<String>,
    query: Vec<String>,
    cookies: Vec<String>,
    user: Option<(String, usize)>,
    timeout: Option<String>,
    redirects: Option<u64>,
    follows: bool,
    is_insecure: bool,
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    key_password: Option<String>,
    is_get: bool,
    is_head: bool,
    fails: bool,
    is_literal: bool,
    /// `Content-Type:` removes the header of the body.
    has_no_type: bool,
}

impl Collected {
    /// Adds an option of the request, by its long name.
    pub(super) fn apply(
        &mut self,
        name: &str,
        value: &str,
        line: usize,
        remarks: &mut LineRemarks<'_>,
    ) {
        let own = || value.to_owned();
        match name {
            "request" => self.method = Some(value.to_ascii_uppercase()),
            "header" => self.header(value, line, remarks),
            "data" | "data-ascii" | "data-binary" | "data-raw" | "json" => {
                self.data(name, value, line, remarks)
            }
            "data-urlencode" => self.urlencode(value, line, remarks),
            "form" => self.form(value, line, remarks),
            "form-string" => self.parts.push(text_part(value)),
            "upload-file" => self.upload = Some(own()),
            "user" => self.user = Some((own(), line)),
            "cookie" => self.cookie(value, line, remarks),
            "oauth2-bearer" => self.push_header("Authorization", format!("Bearer {value}")),
            "user-agent" => self.push_header("User-Agent", own()),
            "referer" => self.push_header("Referer", value.trim_end_matches(";auto").to_owned()),
            "range" => self.push_header("Range", format!("bytes={value}")),
            "compressed" => {
                self.push_header("Accept-Encoding", "deflate, gzip, br, zstd".to_owned())
            }
            "url" => self.urls.push((own(), line)),
            "url-query" => match value.strip_prefix('+') {
                Some(raw) => self.query.push(raw.to_owned()),
                None => self.query.push(encoded_field(value)),
            },
            "cert" => {
                let (path, password) = certificate(value);
                self.cert = Some(path.to_owned());
                self.key_password = password.map(str::to_owned).or(self.key_password.take());
            }
            "key" => self.key = Some(own()),
            "pass" => self.key_password = Some(own()),
            "cacert" => self.ca = Some(own()),
            "insecure" => self.is_insecure = true,
            "max-time" => self.max_time(value, line, remarks),
            "location" => self.follows = true,
            "location-trusted" => {
                self.follows = true;
                let text = "`--location-trusted`: credentials are not sent to other hosts";
                remarks.lost(line, text);
            }
            "max-redirs" => self.max_redirects(value, line, remarks),
            "get" => self.is_get = true,
            "head" => self.is_head = true,
            "fail" | "fail-with-body" => self.fails = true,
            "globoff" => self.is_literal = true,
            // The default.
            "basic" => {}
            other => remarks.lost(line, format!("`--{other}` has no equivalent")),
        }
    }

    fn max_time(&mut self, value: &str, line: usize, remarks: &mut LineRemarks<'_>) {
        match seconds(value) {
            Some(time) => self.timeout = Some(time),
            None => remarks.lost(
                line,
                format!("`--max-time {value}` is not a number of seconds"),
            ),
        }
    }

    fn max_redirects(&mut self, value: &str, line: usize, remarks: &mut LineRemarks<'_>) {
        match value.parse() {
            Ok(number) => self.redirects = Some(number),
            Err(_) => remarks.lost(
                line,
                format!("`--max-redirs {value}`: there is no unlimited number of redirects"),
            ),
        }
    }

    fn push_header(&mut self, name: &str, value: String) {
        self.headers.push((name.to_owned(), value));
    }

    fn cookie(&mut self, value: &str, line: usize, remarks: &mut LineRemarks<'_>) {
        if value.contains('=') {
            self.cookies.push(value.to_owned());
        } else if !value.is_empty() {
            let text = format!("the cookies of the file `{value}`: add the header `Cookie`");
            remarks.lost(line, text);
        }
    }

    fn data(&mut self, name: &str, value: &str, line: usize, remarks: &mut LineRemarks<'_>) {
        self.is_json |= name == "json";
        match value.strip_prefix('@').filter(|_| name != "data-raw") {
            Some(path) => self.data_file(path, name, line, remarks),
            None => self.data.push((Data::Text(value.to_owned()), line)),
        }
    }

    fn header(&mut self, value: &str, line: usize, remarks: &mut LineRemarks<'_>) {
        if let Some(file) = value.strip_prefix('@') {
            return remarks.lost(line, format!("the headers of the file `{file}`"));
        }
        // `X-Empty;` is a header without a value, `Accept:` removes one that curl adds itself.
        if let Some(name) = value.strip_suffix(';').filter(|name| !name.contains(':')) {
            return self.headers.push((name.to_owned(), String::new()));
        }
        let (name, text) = match value.strip_prefix(':') {
            Some(_) => {
                return remarks.note(
                    line,
                    format!("`{value}` is left out: it is sent by the protocol itself"),
                );
            }
            None => value.split_once(':').unwrap_or((value, "")),
        };
        let (name, text) = (name.trim(), text.trim());
        match name.to_ascii_lowercase().as_str() {
            "traceparent" | "tracestate" => remarks.note(
                line,
                format!("the header {name} is left out: spanspec sends its own with each request"),
            ),
            "content-length" => remarks.note(
                line,
                "the header Content-Length is left out: it is computed",
            ),
            "content-type" if text.is_empty() => self.has_no_type = true,
            // Headers that only curl adds.
            "accept" | "user-agent" | "expect" if text.is_empty() => {}
            _ if text.is_empty() => remarks.lost(
                line,
                format!("`{value}` removes a header that spanspec sends, too"),
            ),
            _ => self.headers.push((name.to_owned(), text.to_owned())),
        }
    }

    fn data_file(&mut self, path: &str, name: &str, line: usize, remarks: &mut LineRemarks<'_>) {
        if path == "-" {
            return remarks.lost(
                line,
                format!(
                    "`--{name} @-` reads standard input: save it to a file, and set `body_file`"
                ),
            );
        }
        if matches!(name, "data" | "data-ascii") {
            remarks.note(
                line,
                format!(
                    "`--{name} @{path}` removes line breaks; `body_file` sends the file as it is"
                ),
            );
        }
        self.data.push((Data::File(path.to_owned()), line));
    }

    fn urlencode(&mut self, value: &str, line: usize, remarks: &mut LineRemarks<'_>) {
        let equals = value.find('=');
        let at = value
            .find('@')
            .filter(|at| equals.is_none_or(|equals| *at < equals));
        if at.is_some() {
            return remarks.lost(
                line,
                format!("`--data-urlencode {value}` reads a file: write its content"),
            );
        }
        let (name, content) = value.split_once('=').unwrap_or(("", value));
        self.data
            .push((Data::Field(name.to_owned(), content.to_owned()), line));
    }

    /// `name=text`, `name=@file;type=text/plain`, `name=<file`.
    fn form(&mut self, value: &str, line: usize, remarks: &mut LineRemarks<'_>) {
        let Some((name, content)) = value.split_once('=') else {
            return remarks.lost(line, format!("`-F {value}` has no `=`"));
        };
        let mut pieces = content.split(';');
        let first = pieces.next().unwrap_or_default();
        let mut part = HttpPart {
            name: name.to_owned(),
            ..HttpPart::default()
        };
        match (first.strip_prefix('@'), first.strip_prefix('<')) {
            (Some("-"), _) | (_, Some(_)) => {
                return remarks.lost(line, format!("`-F {value}` reads text from a file or from standard input: write its content under `text`"));
            }
            (Some(path), _) if path.contains(',') => {
                return remarks.lost(
                    line,
                    format!("`-F {value}` sends several files in one part"),
                );
            }
            (Some(path), _) => part.file = Some(path.trim_matches('"').to_owned()),
            (None, None) => {}
        }
        let mut text = first.to_owned();
        for piece in pieces {
            match piece.trim_start().split_once('=') {
                Some(("type", media)) => {
                    part.content_type = Some(media.trim_matches('"').to_owned())
                }
                Some(("filename", file)) => {
                    part.file_name = Some(file.trim_matches('"').to_owned())
                }
                Some(("headers" | "encoder", _)) => {
                    remarks.lost(line, format!("`{piece}` of `-F` has no equivalent"))
                }
                // A parameter of the media type, or a text with a semicolon.
                _ => match &mut part.content_type {
                    Some(media) => media.push_str(&format!(";{piece}")),
                    None => text.push_str(&format!(";{piece}")),
                },
            }
        }
        if part.file.is_none() {
            part.text = Some(text.trim_matches('"').to_owned());
        }
        self.parts.push(part);
    }

    /// A spec for each URL.
    pub(super) fn specs(self, remarks: &mut LineRemarks<'_>) -> Vec<HttpSpec> {
        let urls = self.urls.clone();
        urls.into_iter()
            .map(|(url, line)| self.spec(&url, line, remarks))
            .collect()
    }

    fn spec(&self, url: &str, line: usize, remarks: &mut LineRemarks<'_>) -> HttpSpec {
        let request = self.request(url, line, remarks);
        let status = match self.fails {
            true => "100..399",
            false => "2xx",
        };
        let comments = match self.fails {
            true => Vec::new(),
            false => vec![
                "curl expects nothing of the response: check `status`, and add expectations."
                    .to_owned(),
            ],
        };
        HttpSpec {
            name: title(&request.method, &request.url),
            comments,
            steps: vec![HttpStep {
                request,
                expect: HttpExpect {
                    status: Some(matcher::syntax(status)),
                    ..HttpExpect::default()
                },
                ..HttpStep::default()
            }],
            ..HttpSpec::default()
        }
    }

    fn request(&self, url: &str, line: usize, remarks: &mut LineRemarks<'_>) -> HttpRequest {
        let mut request = HttpRequest {
            url: self.url(url, line, remarks),
            headers: self.headers.clone(),
            timeout: self.timeout.clone(),
            redirects: self.follows.then(|| self.redirects.unwrap_or(REDIRECTS)),
            tls: self.tls(),
            ..HttpRequest::default()
        };
        if !self.cookies.is_empty() {
            request
                .headers
                .push(("Cookie".to_owned(), self.cookies.join("; ")));
        }
        self.log_in(&mut request, remarks);
        if self.is_get {
            for (data, line) in &self.data {
                match data {
                    Data::File(path) => remarks.lost(
                        *line,
                        format!("`-G` with the file `{path}`: write its content"),
                    ),
                    other => add_query(&mut request.url, &other.encoded()),
                }
            }
        } else {
            self.body(&mut request, remarks);
        }
        for pair in &self.query {
            add_query(&mut request.url, pair);
        }
        let has_body = !matches!(request.body, HttpBody::None);
        request.method = match &self.method {
            Some(method) => method.clone(),
            None if self.is_head => "HEAD".to_owned(),
            None if self.upload.is_some() => "PUT".to_owned(),
            None if has_body => "POST".to_owned(),
            None => "GET".to_owned(),
        };
        request
    }

    fn url(&self, url: &str, line: usize, remarks: &mut LineRemarks<'_>) -> String {
        let start = url.split_once('#').map_or(url, |(start, _)| start);
        let is_pattern = |text: &str| {
            let text = text.replace("${", "");
            text.contains('{') || text.contains('[') && !text.contains("://[")
        };
        if !self.is_literal && is_pattern(start) {
            remarks.lost(line, format!("`{start}` is a pattern for several URLs: write a request for each, or use `matrix`"));
        }
        let is_http = |scheme: &str| ["http", "https"].contains(&&*scheme.to_ascii_lowercase());
        match start.split_once("://") {
            Some((scheme, rest)) if !is_http(scheme) && !scheme.contains("${") => {
                remarks.lost(
                    line,
                    format!("`{scheme}://`: spanspec sends requests over http and https"),
                );
                format!("http://{rest}")
            }
            _ => with_scheme(start),
        }
    }

    fn log_in(&self, request: &mut HttpRequest, remarks: &mut LineRemarks<'_>) {
        let Some((user, line)) = &self.user else {
            return;
        };
        let user = match user.contains(':') || user.contains("${") {
            true => user.clone(),
            false => {
                remarks.lost(*line, "`--user` without a password, for which curl asks");
                format!("{user}:")
            }
        };
        match request.log_in(&user) {
            Login::Url => {}
            Login::Impossible => remarks.lost(
                *line,
                "`--user` with variables requires a URL that begins with `http://` or `https://`",
            ),
            Login::Header => remarks.note(
                *line,
                "`--user` becomes the header Authorization: TOKEN is `user:password` in base64",
            ),
        }
    }

    fn tls(&self) -> Vec<(String, Written)> {
        let key = self.key.as_ref().or(self.cert.as_ref());
        let mut tls = Vec::new();
        if self.is_insecure {
            tls.push(("verify".to_owned(), matcher::syntax("false")));
        }
        let password = self
            .key_password
            .as_ref()
            .map(|_| "${KEY_PASSWORD}".to_owned());
        let texts = [
            ("ca", self.ca.as_ref()),
            ("cert", self.cert.as_ref()),
            ("key", key),
            ("key_password", password.as_ref()),
        ];
        let texts = texts.into_iter();
        tls.extend(texts.filter_map(|(name, text)| Some((name.to_owned(), text?.as_str().into()))));
        tls
    }

    fn body(&self, request: &mut HttpRequest, remarks: &mut LineRemarks<'_>) {
        if let Some(path) = &self.upload {
            request.body = HttpBody::File(path.clone());
            return;
        }
        if !self.parts.is_empty() {
            request.body = HttpBody::Multipart(self.parts.clone());
            return;
        }
        if self.data.is_empty() {
            return;
        }
        if self.is_json && request.header("accept").is_none() {
            request
                .headers
                .push(("Accept".to_owned(), "application/json".to_owned()));
        }
        let media = match self.is_json {
            true => "application/json",
            false => FORM,
        };
        if request.header("content-type").is_none() && !self.has_no_type {
            request
                .headers
                .push(("Content-Type".to_owned(), media.to_owned()));
        }
        if let [(Data::File(path), _)] = self.data.as_slice() {
            request.body = HttpBody::File(path.clone());
            return;
        }
        for (data, line) in &self.data {
            if let Data::File(path) = data {
                remarks.lost(
                    *line,
                    format!("the file `{path}` beside other data: write its content"),
                );
            }
        }
        let fields: Option<Vec<(String, String)>> = self
            .data
            .iter()
            .map(|(data, _)| match data {
                Data::Field(name, content) if !name.is_empty() => {
                    Some((name.clone(), content.clone()))
                }
                _ => None,
            })
            .collect();
        let is_form = request.header("content-type") == Some(FORM);
        if let Some(fields) = fields.filter(|_| is_form) {
            request.remove_type(FORM);
            request.body = HttpBody::Form(fields);
            return;
        }
        let separator = if self.is_json { "" } else { "&" };
        let pieces: Vec<String> = self.data.iter().map(|(data, _)| data.encoded()).collect();
        request.body = body_of_text(&pieces.join(separator), &mut request.headers);
    }
}

/// The part of `--form-string name=text`.
fn text_part(value: &str) -> HttpPart {
    let (name, text) = value.split_once('=').unwrap_or((value, ""));
    HttpPart {
        name: name.to_owned(),
        text: Some(text.to_owned()),
        ..HttpPart::default()
    }
}

impl Data {
    fn encoded(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Field(name, content) if name.is_empty() => encoded(content),
            Self::Field(name, content) => format!("{name}={}", encoded(content)),
            Self::File(_) => String::new(),
        }
    }
}

/// `name=content` with the content encoded.
fn encoded_field(value: &str) -> String {
    match value.split_once('=') {
        Some(("", content)) => encoded(content),
        Some((name, content)) => format!("{name}={}", encoded(content)),
        None => encoded(value),
    }
}

/// A text in percent encoding, except its variables.
fn encoded(text: &str) -> String {
    let mut written = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let is_literal = rest[..start].ends_with('$');
        let length = rest[start..].find('}').map_or(2, |end| end + 1);
        match is_literal {
            // `$${` is a literal `${`.
            true => written.push_str(
                &utf8_percent_encode(&format!("{}${{", &rest[..start - 1]), ENCODED).to_string(),
            ),
            false => {
                written.push_str(&utf8_percent_encode(&rest[..start], ENCODED).to_string());
                written.push_str(&rest[start..start + length]);
            }
        }
        rest = &rest[start + if is_literal { 2 } else { length }..];
    }
    written.push_str(&utf8_percent_encode(rest, ENCODED).to_string());
    written
}

/// `client.pem:password`. A letter before the colon is a drive.
fn certificate(value: &str) -> (&str, Option<&str>) {
    match value.rsplit_once(':') {
        Some((path, password)) if path.len() > 1 => (path, Some(password)),
        _ => (value, None),
    }
}

/// A number of seconds as a duration.
fn seconds(value: &str) -> Option<String> {
    let number: f64 = value.parse().ok()?;
    if !number.is_finite() || number <= 0.0 {
        return None;
    }
    let milliseconds = (number * 1000.0).round();
    Some(match milliseconds % 1000.0 == 0.0 {
        true => format!("{}s", milliseconds / 1000.0),
        false => format!("{milliseconds}ms"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::template::literal;

    #[test]
    fn seconds_are_durations() {
        assert_eq!(seconds("5"), Some("5s".to_owned()));
        assert_eq!(seconds("0.25"), Some("250ms".to_owned()));
        assert_eq!(seconds("x"), None);
    }

    #[test]
    fn fields_are_encoded_and_variables_are_not() {
        assert_eq!(encoded("a b&${X}"), "a%20b%26${X}");
        assert_eq!(encoded(&literal("${x}")), "%24%7Bx%7D");
    }
}
