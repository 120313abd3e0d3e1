//! HTTP requests.

use std::collections::BTreeMap;

use super::{Converter, Trigger};
use crate::import::Node;
use crate::import::http_request::{HttpBody, HttpRequest, body_of_text, with_scheme};
use crate::import::tracetest::subject::ResponseKind;

impl Converter<'_> {
    pub(super) fn http(&mut self, node: &Node) -> Option<Trigger> {
        let Some(url) = node.get("url") else {
            self.import
                .remarks
                .lost(&node.at, "the trigger has no `url`");
            return None;
        };
        let at = &url.at;
        let mut url = with_scheme(&self.text(url));
        if !url.contains("${") && url::Url::parse(&url).is_err() {
            let text = format!("the URL {url} is not valid: set the variable BASE_URL");
            self.import.remarks.lost(at, text);
            url = "${BASE_URL}".to_owned();
        }
        let method = self
            .text_of(node, "method")
            .unwrap_or_else(|| "GET".to_owned())
            .to_uppercase();
        self.verification(node, &url);
        let mut headers = self.pairs(node.get("headers"));
        let mut query = Vec::new();
        if let Some(auth) = node.get("auth").or_else(|| node.get("authentication")) {
            self.authenticate(auth, &mut headers, &mut query);
        }
        let body = node
            .get("body")
            .filter(|body| body.text().is_some_and(|text| !text.trim().is_empty()));
        let body = match body {
            Some(body) => body_of_text(&self.content(body), &mut headers),
            None => HttpBody::None,
        };
        let request = HttpRequest {
            method,
            url,
            headers,
            query,
            body,
            ..HttpRequest::default()
        };
        Some(Trigger {
            key: "request",
            value: request.written(),
            response: ResponseKind::Http,
            names: BTreeMap::new(),
        })
    }

    /// Notes that the certificate is verified; in Tracetest, that is off by default.
    pub(super) fn verification(&mut self, node: &Node, url: &str) {
        let is_verified = node.text_of("sslVerification") == Some("true");
        if !is_verified && url.starts_with("https://") {
            self.import.remarks.note(
                &node.at,
                "the certificate is verified, unlike in Tracetest: add `tls: { ca: … }` or `tls: { verify: false }` if it is self-signed",
            );
        }
    }

    /// Adds the credentials of `auth`. They are variables, so that no secret is copied.
    pub(super) fn authenticate(
        &mut self,
        auth: &Node,
        headers: &mut Vec<(String, String)>,
        query: &mut Vec<(String, String)>,
    ) {
        let Some(kind) = auth.text_of("type") else {
            return;
        };
        let part = auth.get(kind).unwrap_or(auth);
        match kind {
            "basic" => {
                let name = "Authorization".to_owned();
                headers.push((name, "Basic ${BASIC_AUTH}".to_owned()));
                self.import.remarks.note(
                    &auth.at,
                    "set the variable BASIC_AUTH to `username:password` in base64: the spec language does not encode it",
                );
            }
            "bearer" => {
                let token = ["token", "bearer"].iter().find_map(|key| part.get(key));
                let token = self.credential(token, "TOKEN");
                self.import.remarks.note(
                    &auth.at,
                    "the token is sent without `Bearer` before it, as Tracetest does: add it if the service expects it",
                );
                headers.push(("Authorization".to_owned(), token));
            }
            "apiKey" => {
                let name = self.text_of(part, "key").unwrap_or_default();
                let value = self.credential(part.get("value"), "API_KEY");
                match part.text_of("in") {
                    Some("query") => query.push((name, value)),
                    _ => headers.push((name, value)),
                }
            }
            other => {
                let text = format!("the authentication `{other}` has no equivalent");
                self.import.remarks.lost(&auth.at, text);
            }
        }
    }

    /// The text of a credential, or a variable if it is written in the file.
    pub(super) fn credential(&mut self, node: Option<&Node>, variable: &str) -> String {
        let Some(node) = node else {
            return format!("${{{variable}}}");
        };
        let text = self.text(node);
        if text.contains("${") {
            return text;
        }
        let remark = format!(
            "the credential is not copied: set the variable {variable}, and list it in `secrets`"
        );
        self.import.remarks.note(&node.at, remark);
        format!("${{{variable}}}")
    }
}
