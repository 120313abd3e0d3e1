//! The request for which a spec is drafted.

use super::graphql::GraphQlRequest;
use super::yaml;
use crate::secret::{is_credential_header, parts_of_credential};
use crate::trace::{GrpcCode, Value};

/// A request, before substitution of variables.
#[derive(Clone, Debug)]
pub struct Request {
    /// The name of the spec.
    pub name: Option<String>,
    /// HTTP or gRPC.
    pub protocol: Protocol,
    /// The URL of a request, or the target of a gRPC call; can contain variables.
    pub url: String,
    /// Names and values; the values can contain variables.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub payload: Payload,
}

/// The protocol of a request, with what only it has.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// HTTP, with a method such as `POST`.
    Http(String),
    /// gRPC, with `.proto` files and folders of imports; none for server reflection.
    Grpc {
        /// The files, relative to the spec.
        protos: Vec<String>,
        /// The folders, relative to the spec.
        include: Vec<String>,
    },
}

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Payload {
    /// No body.
    None,
    /// JSON; its strings can contain variables.
    Json(Value),
    /// A text.
    Text(String),
}

/// A credential, and the variable that replaces it in the spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) variable: String,
    pub(super) value: String,
    /// Its description in a comment.
    pub(super) what: String,
}

/// Writes credentials, or variables instead of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Credentials {
    Shown,
    Hidden,
}

impl Request {
    /// A spec that sends the request, waits for its complete trace, and accepts any trace.
    #[must_use]
    pub fn probe(&self) -> String {
        let any_status = match self.protocol {
            Protocol::Http(_) => "100..599".to_owned(),
            Protocol::Grpc { .. } => format!("[{}]", GrpcCode::NAMES.join(", ")),
        };
        let any_errors = match GraphQlRequest::of(self) {
            Some(_) => "  graphql_errors: 0..\n",
            None => "",
        };
        format!(
            "name: {}\n{}expect:\n  status: {any_status}\n{any_errors}  span_count: ..1000000\n",
            yaml::block(&yaml::escaped(&self.title())),
            self.lines(Credentials::Shown)
        )
    }

    /// The lines of a spec that send the request, without credentials.
    pub(super) fn written(&self) -> String {
        self.lines(Credentials::Hidden)
    }

    /// The default name of the spec.
    pub(super) fn title(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        if let Some(title) = GraphQlRequest::of(self).and_then(|graphql| graphql.title) {
            return title;
        }
        let Protocol::Http(method) = &self.protocol else {
            let target = self.url.rsplit("://").next().unwrap_or_default();
            let call = target.split_once('/').map_or(target, |(_, call)| call);
            return call.to_owned();
        };
        let path = match self.url.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => self
                .url
                .find('}')
                .map_or(self.url.as_str(), |at| &self.url[at + 1..]),
        };
        let path = path.split(['?', '$']).next().unwrap_or(path);
        format!("{method} {path}")
    }

    /// The literal values of credentials, without their scheme, and their parts.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let headers = self.headers.iter();
        let credentials = headers.filter(|(name, _)| is_credential_header(name));
        let parts = credentials.flat_map(|(_, value)| parts_of_credential(value));
        let all = self.credentials().into_iter();
        let all = all.map(|credential| credential.value).chain(parts);
        all.filter(|part| !part.contains("${")).collect()
    }

    /// The credentials.
    pub(super) fn credentials(&self) -> Vec<Credential> {
        let of_url = self.user().map(|user| Credential {
            variable: "CREDENTIALS".to_owned(),
            value: user.to_owned(),
            what: "user and password of the URL".to_owned(),
        });
        let of_headers = self
            .headers
            .iter()
            .filter_map(|(name, value)| credential(name, value));
        of_url.into_iter().chain(of_headers).collect()
    }

    /// `user:password` of the URL, if literal.
    fn user(&self) -> Option<&str> {
        let (_, rest) = self.url.split_once("://")?;
        let host = rest.split(['/', '?']).next()?;
        let (user, _) = host.rsplit_once('@')?;
        (!user.contains("${")).then_some(user)
    }

    fn lines(&self, credentials: Credentials) -> String {
        let hidden = match credentials {
            Credentials::Shown => Vec::new(),
            Credentials::Hidden => self.credentials(),
        };
        let hide = |text: &str| {
            hidden.iter().fold(text.to_owned(), |text, one| {
                text.replace(&one.value, &format!("${{{}}}", one.variable))
            })
        };
        let method = match &self.protocol {
            Protocol::Http(method) => method,
            Protocol::Grpc { protos, include } => return self.grpc_lines((protos, include), &hide),
        };
        let url = hide(&self.url);
        if let Some(graphql) = GraphQlRequest::of(self) {
            return format!(
                "graphql:\n  url: {}\n{}{}",
                yaml::block(&url),
                graphql.lines(&hide),
                self.header_lines("headers", &hide)
            );
        }
        let is_short = self.headers.is_empty() && matches!(self.payload, Payload::None);
        let has_key =
            ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(&method.as_str());
        if is_short && has_key {
            return format!("request: {}\n", yaml::block(&format!("{method} {url}")));
        }
        let url = yaml::block(&url);
        let mut lines = if has_key {
            format!("request:\n  {}: {url}\n", method.to_lowercase())
        } else {
            format!(
                "request:\n  method: {}\n  url: {url}\n",
                yaml::block(method)
            )
        };
        lines.push_str(&self.more_lines(&hide));
        lines
    }

    /// A gRPC call, with credentials replaced by `hide`.
    fn grpc_lines(
        &self,
        (protos, include): (&[String], &[String]),
        hide: &impl Fn(&str) -> String,
    ) -> String {
        let mut lines = format!("grpc:\n  call: {}\n", yaml::block(&hide(&self.url)));
        if let Payload::Json(json) = &self.payload {
            let key = match json {
                Value::Array(_) => "messages",
                _ => "message",
            };
            let json = yaml::json(&yaml::with_texts(json, hide), 4);
            lines.push_str(&format!("  {key}:{json}\n"));
        }
        let list = |all: &[String]| {
            let all: Vec<String> = all.iter().map(|one| yaml::flow(one)).collect();
            match all.as_slice() {
                [one] => one.clone(),
                several => format!("[{}]", several.join(", ")),
            }
        };
        match (protos, include) {
            ([], _) => {}
            (files, []) => lines.push_str(&format!("  proto: {}\n", list(files))),
            (files, folders) => lines.push_str(&format!(
                "  proto: {{ files: {}, include: {} }}\n",
                list(files),
                list(folders)
            )),
        }
        lines.push_str(&self.header_lines("metadata", hide));
        lines
    }

    /// The headers below their key, with credentials replaced by `hide`.
    fn header_lines(&self, key: &str, hide: &impl Fn(&str) -> String) -> String {
        if self.headers.is_empty() {
            return String::new();
        }
        let headers = self.headers.iter().map(|(name, value)| {
            format!(
                "    {}: {}\n",
                yaml::key_text(name),
                yaml::block(&hide(value))
            )
        });
        format!("  {key}:\n{}", headers.collect::<String>())
    }

    /// Headers and body, with credentials replaced by `hide`.
    fn more_lines(&self, hide: &impl Fn(&str) -> String) -> String {
        let mut lines = self.header_lines("headers", hide);
        match &self.payload {
            Payload::None => {}
            Payload::Json(json) => {
                let json = yaml::json(&yaml::with_texts(json, hide), 4);
                lines.push_str(&format!("  json:{json}\n"));
            }
            Payload::Text(text) => {
                lines.push_str(&format!("  body: {}\n", yaml::block(&hide(text))))
            }
        }
        lines
    }
}

/// The secret part of a header.
fn credential(name: &str, value: &str) -> Option<Credential> {
    let lower = name.to_ascii_lowercase();
    // After the scheme, such as `Bearer`.
    let secret = match value.trim().split_once(' ') {
        Some((_, rest)) if lower.ends_with("authorization") => rest.trim(),
        _ => value.trim(),
    };
    if !is_credential_header(name) || secret.is_empty() || secret.contains("${") {
        return None;
    }
    let variable = match lower.as_str() {
        "authorization" => "TOKEN".to_owned(),
        _ => lower
            .trim_start_matches("x-")
            .to_ascii_uppercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
    };
    Some(Credential {
        variable,
        value: secret.to_owned(),
        what: format!("the header {name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str, headers: &[(&str, &str)]) -> Request {
        Request {
            name: None,
            protocol: Protocol::Http("POST".to_owned()),
            url: url.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            payload: Payload::None,
        }
    }

    #[test]
    fn credentials_are_never_written() {
        let headers = [
            ("Authorization", "Bearer abc123"),
            ("Cookie", "sid=s3cret"),
            ("X-Api-Key", "k3y"),
            ("Accept", "text/plain"),
        ];
        let request = request("http://ada:pa55@127.0.0.1/orders", &headers);
        assert_eq!(
            request.written(),
            "request:
  post: http://${CREDENTIALS}@127.0.0.1/orders
  headers:
    Authorization: Bearer ${TOKEN}
    Cookie: ${COOKIE}
    X-Api-Key: ${API_KEY}
    Accept: text/plain
"
        );
        assert!(request.probe().contains("Bearer abc123"));
    }

    #[test]
    fn a_variable_that_the_user_wrote_is_left_alone() {
        let request = request("${BASE_URL}/orders", &[("Authorization", "Bearer ${KEY}")]);
        assert_eq!(request.credentials(), []);
        assert!(request.written().contains("Authorization: Bearer ${KEY}"));
        assert_eq!(request.title(), "POST /orders");
    }
}
