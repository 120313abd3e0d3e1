//! Templates of headers, with the ids of one request.

use crate::trace::{SpanId, TraceId};

/// Number of distinct contexts that one request can carry.
pub(crate) const CONTEXTS: usize = 5;

/// The ids of one request.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) traces: [TraceId; CONTEXTS],
    pub(crate) parents: [SpanId; CONTEXTS],
    /// Identifies the request in URLs.
    pub(crate) nonce: String,
}

impl Ids {
    /// Random ids, each with a letter, so that upper case differs.
    pub(crate) fn random() -> Self {
        Self {
            traces: std::array::from_fn(|_| with_letter(TraceId::random)),
            parents: std::array::from_fn(|_| with_letter(SpanId::random)),
            nonce: SpanId::random().to_string(),
        }
    }
}

fn with_letter<T: ToString>(random: impl Fn() -> T) -> T {
    loop {
        let id = random();
        let text = id.to_string();
        // Cases replace the last digit, so the letter must be elsewhere.
        if text[1..text.len() - 1]
            .bytes()
            .any(|byte| byte.is_ascii_alphabetic())
        {
            return id;
        }
    }
}

/// The header lines of templates, without line ends.
pub(crate) fn header_lines(headers: &[(&str, &str)], ids: &Ids) -> Vec<String> {
    let lines = headers.iter();
    lines
        .map(|(name, value)| format!("{name}:{}", expand(value, ids)))
        .collect()
}

/// Replaces placeholders in braces.
///
/// `{t}` and `{p}` are the trace id and parent id of the first context, `{t2}` and `{p2}` of another; `{T}` and `{P}`
/// are in upper case; `{t-}` and `{p-}` lack the last digit. `{members:33}` is a list, and `{key:256}`, `{value:256}`
/// and `{bag:64}` have this length.
pub(super) fn expand(template: &str, ids: &Ids) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        text.push_str(before);
        text.push_str(&value(name, ids));
        rest = after;
    }
    text.push_str(rest);
    text
}

fn value(name: &str, ids: &Ids) -> String {
    let cut = |text: String| text[..text.len() - 1].to_owned();
    if let Some((kind, number)) = name.split_once(':') {
        let number: usize = number.parse().unwrap_or_default();
        return sized(kind, number);
    }
    match name {
        "t" => ids.traces[0].to_string(),
        "p" => ids.parents[0].to_string(),
        "T" => ids.traces[0].to_string().to_uppercase(),
        "P" => ids.parents[0].to_string().to_uppercase(),
        "t-" => cut(ids.traces[0].to_string()),
        "p-" => cut(ids.parents[0].to_string()),
        "key-characters" => "abcdefghijklmnopqrstuvwxyz0123456789_-*/".to_owned(),
        "value-characters" => (' '..='~')
            .filter(|char| !matches!(char, ',' | '=' | ' '))
            .collect(),
        _ => numbered(name, ids),
    }
}

/// An id of another context, or the parts of one in the format of X-Ray.
fn numbered(name: &str, ids: &Ids) -> String {
    let (kind, number) = name.split_at(1);
    let index = number.parse::<usize>().unwrap_or_default() - 1;
    let trace = ids.traces[index].to_string();
    match kind {
        "t" => trace,
        "p" => ids.parents[index].to_string(),
        _ => format!("1-{}-{}", &trace[..8], &trace[8..]),
    }
}

fn sized(kind: &str, number: usize) -> String {
    let list = |prefix: &str| {
        let members = (1..=number).map(|index| format!("{prefix}{index:02}={index}"));
        members.collect::<Vec<_>>().join(",")
    };
    match kind {
        "members" => list("m"),
        "bag" => list("key"),
        _ => kind[..1].repeat(number),
    }
}
