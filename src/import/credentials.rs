//! Credentials of imported requests, which variables replace.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::first_free;
use crate::secret::is_credential_header;
use crate::trace::Value;

/// Credentials that are not written, in the order of the source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials(Vec<Credential>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) variable: String,
    /// The value, as a text with escaped `${`.
    value: String,
    /// Its description in a comment.
    pub(crate) what: String,
}

/// Parts of the names of fields with credentials. `auth` would find `author`.
const CREDENTIAL_WORDS: [&str; 10] = [
    "access-key",
    "access_key",
    "accesskey",
    "api-key",
    "api_key",
    "apikey",
    "credential",
    "passw",
    "secret",
    "token",
];

/// The shortest value that is replaced wherever it occurs.
const SHORTEST: usize = 4;

/// `"name": "value"` in a text, and `<name>value</name>`.
static JSON_FIELD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"("([^"\\\n]{1,100})"\s*:\s*")((?:[^"\\]|\\.)*)(")"#));
static XML_FIELD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(<([\w:.-]{1,100})(?:\s[^<>]*)?>)([^<>]+)(</)"));

fn pattern(expression: &str) -> Regex {
    Regex::new(expression).expect("the expression is valid")
}

impl Credentials {
    /// The variable in place of a value.
    pub(crate) fn hide(&mut self, variable: &str, value: &str, what: &str) -> String {
        if value.is_empty() || is_of_variables(value) {
            return value.to_owned();
        }
        let known = self.0.iter().find(|one| one.value == value);
        if let Some(known) = known {
            return format!("${{{}}}", known.variable);
        }
        let name = first_free(
            variable,
            |number| format!("{variable}_{number}"),
            |name| self.0.iter().any(|one| one.variable == name),
        );
        self.0.push(Credential {
            variable: name.clone(),
            value: value.to_owned(),
            what: what.to_owned(),
        });
        format!("${{{name}}}")
    }

    /// The value of a header. The scheme of an authorization stays, and so do cookies that are
    /// variables.
    pub(crate) fn header(&mut self, name: &str, value: &str) -> String {
        if !is_credential_header(name) {
            return value.to_owned();
        }
        let lower = name.to_ascii_lowercase();
        let what = format!("the header {name}");
        match value.split_once(' ') {
            _ if lower == "cookie" && value.contains("${") => self.cookies(value),
            Some((scheme, rest)) if lower.ends_with("authorization") => {
                format!("{scheme} {}", self.hide("TOKEN", rest.trim(), &what))
            }
            _ if lower == "authorization" => self.hide("TOKEN", value, &what),
            _ => self.hide(&variable_of(&lower), value, &what),
        }
    }

    /// `name=value; name=value`
    fn cookies(&mut self, cookies: &str) -> String {
        let cookies = cookies
            .split(';')
            .map(|cookie| match cookie.split_once('=') {
                Some((name, value)) => {
                    let variable = variable_of(&name.trim().to_ascii_lowercase());
                    let what = format!("the cookie `{}`", name.trim());
                    format!("{name}={}", self.hide(&variable, value, &what))
                }
                None => cookie.to_owned(),
            });
        cookies.collect::<Vec<_>>().join(";")
    }

    /// The value of a field of a query, a form or a JSON body.
    pub(crate) fn field(&mut self, name: &str, value: &str) -> String {
        if !is_telling(name) {
            return value.to_owned();
        }
        let variable = variable_of(&name.to_ascii_lowercase());
        self.hide(&variable, value, &format!("the field `{name}`"))
    }

    /// Returns `true` for a variable whose value is a credential, and must be set elsewhere.
    pub(crate) fn has_variable(&mut self, name: &str, value: &Value) -> bool {
        let Some(text) = value.as_str().filter(|text| !text.is_empty()) else {
            return false;
        };
        let is_hidden = is_telling(name) && !is_of_variables(text);
        if is_hidden {
            self.0.push(Credential {
                variable: name.to_owned(),
                value: text.to_owned(),
                what: format!("the variable `{name}`"),
            });
        }
        is_hidden
    }

    /// A text without the credentials of its fields: JSON, XML, or `name=value&name=value`.
    pub(crate) fn body(&mut self, text: &str) -> String {
        let mut replace = |found: &Captures<'_>| {
            let [start, name, value, end] = [1, 2, 3, 4].map(|group| &found[group]);
            format!("{start}{}{end}", self.field(name, value))
        };
        let text = JSON_FIELD.replace_all(text, &mut replace);
        let text = XML_FIELD.replace_all(&text, &mut replace);
        if text.contains(['\n', '{', '<']) && !text.starts_with("${") || !text.contains('=') {
            return text.into_owned();
        }
        self.pairs(&text)
    }

    /// `name=value&name=value`
    pub(crate) fn pairs(&mut self, text: &str) -> String {
        let pairs = text.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) => format!("{name}={}", self.field(name, value)),
            None => pair.to_owned(),
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    /// A text in which no credential occurs.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        let long = self.0.iter().filter(|one| one.value.len() >= SHORTEST);
        long.fold(text.to_owned(), |text, one| {
            text.replace(&one.value, &format!("${{{}}}", one.variable))
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.0.iter()
    }
}

/// Returns `true` for names of fields whose values are credentials.
pub(crate) fn is_telling(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    // `max_tokens` and `token_type` are settings.
    let is_setting = lower.ends_with("type") || lower.ends_with("tokens");
    CREDENTIAL_WORDS.iter().any(|part| lower.contains(part)) && !is_setting
}

/// Returns `true` if variables are all of the value that could be a credential.
fn is_of_variables(value: &str) -> bool {
    let mut rest = value;
    let mut literal = 0;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}') else {
            break;
        };
        if rest[..start].ends_with('$') {
            return false;
        }
        literal += start;
        rest = &rest[start + end + 1..];
    }
    rest.len() < value.len() && literal + rest.len() < SHORTEST
}

fn variable_of(name: &str) -> String {
    let name = name.trim_start_matches("x-").to_ascii_uppercase();
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    match name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => name,
        false => format!("SECRET_{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_stay_and_literal_parts_do_not() {
        let mut credentials = Credentials::default();
        assert_eq!(
            credentials.header("Authorization", "Bearer ${T}"),
            "Bearer ${T}"
        );
        assert_eq!(
            credentials.header("Authorization", "Bearer s3cret${T}"),
            "Bearer ${TOKEN}"
        );
        assert_eq!(
            credentials.header("Cookie", "sid=${SID}; key=s3cret2"),
            "sid=${SID}; key=${KEY}"
        );
        assert_eq!(credentials.header("Cookie", "sid=s3cret3"), "${COOKIE}");
        assert_eq!(
            credentials.header("Cookie", "sid=$${s3cret4}; a=${A}"),
            "sid=${SID}; a=${A}"
        );
    }

    #[test]
    fn fields_of_all_kinds_of_text_are_found() {
        let of = |text: &str| Credentials::default().body(text);
        assert_eq!(
            of(r#"{"n": ${N}, "password" : "a\"b"}"#),
            r#"{"n": ${N}, "password" : "${PASSWORD}"}"#
        );
        assert_eq!(
            of("<u><token a='1'>s3cret</token></u>"),
            "<u><token a='1'>${TOKEN}</token></u>"
        );
        assert_eq!(
            of("a=1&client_secret=x%20y&a=2"),
            "a=1&client_secret=${CLIENT_SECRET}&a=2"
        );
        assert_eq!(
            of("max_tokens=5&token_type=bearer"),
            "max_tokens=5&token_type=bearer"
        );
    }
}
