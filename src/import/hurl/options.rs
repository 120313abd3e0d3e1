//! The section `[Options]` of an entry.

use super::Converter;
use super::entry::{Line, Message};
use super::token::key_value;
use crate::import::Written;
use crate::import::matcher::syntax;
use crate::import::template::variable_name;
use crate::trace::Value;

/// Options of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) redirects: Option<u64>,
    pub(super) timeout: Option<String>,
    pub(super) tls: Vec<(String, Written)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) user: Option<String>,
    /// Number of retries, and the interval in milliseconds.
    pub(super) retry: Option<(u64, u64)>,
}

/// Number of redirects that hurl follows by default.
const REDIRECTS: u64 = 50;

/// Options about output.
const OUTPUT: [&str; 4] = ["verbose", "very-verbose", "verbosity", "output"];

impl Converter<'_> {
    /// The options of a request. `None` if it is skipped.
    pub(super) fn options(&mut self, message: &Message) -> Option<Options> {
        let mut options = Options::default();
        let mut retry = (None, 1000);
        let mut most = REDIRECTS;
        let mut follows = false;
        for line in message.section(&["Options"]) {
            let Some((name, value)) = key_value(&line.text) else {
                self.remarks
                    .lost(line.number, format!("`{}` is not an option", line.text));
                continue;
            };
            let value = self.text(&value);
            let is_on = value == "true";
            match name.as_str() {
                "skip" if is_on => {
                    self.remarks
                        .note(line.number, "the entry is left out: it has `skip: true`");
                    return None;
                }
                "location" => follows = is_on,
                "location-trusted" => {
                    follows |= is_on;
                    self.remarks.lost(
                        line.number,
                        "`location-trusted`: credentials are not sent to other hosts",
                    );
                }
                "max-redirs" => {
                    let why = "there is no unlimited number of redirects";
                    most = self.whole(line, &value, why).unwrap_or(most);
                }
                "insecure" if is_on => options.tls.push(("verify".to_owned(), syntax("false"))),
                "cacert" => options.tls.push(("ca".to_owned(), value.into())),
                "cert" => options.tls.push(("cert".to_owned(), value.into())),
                "key" => options.tls.push(("key".to_owned(), value.into())),
                "compressed" if is_on => options
                    .headers
                    .push(("Accept-Encoding".to_owned(), "gzip, deflate, br".to_owned())),
                "header" => match value.split_once(':') {
                    Some((name, value)) => options
                        .headers
                        .push((name.trim().to_owned(), value.trim().to_owned())),
                    None => self
                        .remarks
                        .lost(line.number, format!("`{value}` is not a header")),
                },
                "user" => options.user = Some(value),
                "max-time" => match milliseconds(&value, "s") {
                    Some(time) => options.timeout = Some(format!("{time}ms")),
                    None => self
                        .remarks
                        .lost(line.number, format!("`{value}` is not a duration")),
                },
                "retry" => {
                    let why = "there is no unlimited number of tries; add `poll`";
                    retry.0 = self.whole(line, &value, why).or(retry.0);
                }
                "retry-interval" => retry.1 = milliseconds(&value, "ms").unwrap_or(retry.1),
                "repeat" if value == "1" => {}
                "variable" => self.variable(line, &value),
                _ if OUTPUT.contains(&name.as_str()) || value == "false" => {}
                _ => self.remarks.lost(
                    line.number,
                    format!("the option `{name}: {value}` has no equivalent"),
                ),
            }
        }
        options.redirects = follows.then_some(most);
        options.retry = retry
            .0
            .filter(|retries| *retries > 0)
            .map(|retries| (retries, retry.1));
        Some(options)
    }

    /// A whole number. Another value is reported with the reason.
    fn whole(&mut self, line: &Line, value: &str, why: &str) -> Option<u64> {
        let number = value.parse().ok();
        if number.is_none() {
            self.remarks
                .lost(line.number, format!("`{}`: {why}", line.text));
        }
        number
    }

    /// `name=value`.
    fn variable(&mut self, line: &Line, definition: &str) {
        let Some((name, value)) = definition.split_once('=') else {
            return self
                .remarks
                .lost(line.number, format!("`variable: {definition}` has no `=`"));
        };
        let (name, value) = (name.trim().to_owned(), value.trim());
        let value = match value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
        {
            Some(text) => Value::String(text.to_owned()),
            None if value == "true" || value == "false" => Value::Bool(value == "true"),
            None => Value::number(value).unwrap_or_else(|| Value::String(value.to_owned())),
        };
        let free = self.free_name(&variable_name(&name));
        self.names.insert(name, free.clone());
        self.vars.push((free, value));
    }
}

/// A duration such as `500ms`, `2s` or `1m`.
fn milliseconds(text: &str, default_unit: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    let factor = match (&text[end..], default_unit) {
        ("ms", _) | ("", "ms") => 1,
        ("s", _) | ("", _) => 1_000,
        ("m", _) => 60_000,
        ("h", _) => 3_600_000,
        _ => return None,
    };
    number.checked_mul(factor)
}
