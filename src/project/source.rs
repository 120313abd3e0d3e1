//! `source` of the project file: the backend from which traces are read.

use url::Url;

use crate::source::backend::{self, KINDS, Kind, SourceSettings};
use crate::spec::{Entry, Node, Reader, Refusal, did_you_mean, parse_url};

/// A source that is written as `tempo=http://127.0.0.1:3200`.
///
/// # Errors
/// The text has another form; the sentence says which.
pub fn parse_source(text: &str) -> Result<SourceSettings, String> {
    let (name, url) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not KIND=URL, such as {}", example()))?;
    let kind = KINDS
        .iter()
        .find(|kind| kind.key.name == name)
        .ok_or_else(|| {
            let names = names();
            match did_you_mean(name, &names) {
                Some(hint) => format!("unknown kind of source `{name}`: {hint}"),
                None => format!(
                    "unknown kind of source `{name}`: known are {}",
                    names.join(", ")
                ),
            }
        })?;
    let url = address(url).map_err(|no| no.to_string())?;
    Ok(settings(kind, url))
}

/// The address of a backend. A password in it would be in many messages.
fn address(text: &str) -> Result<Url, Refusal> {
    let url = parse_url(text)?;
    if url.username().is_empty() && url.password().is_none() {
        return Ok(url);
    }
    Err(Refusal::new(
        "the address of a backend contains a user or a password",
        "use `source` in spanspec.yaml with `headers: { Authorization: \"Basic ${CREDENTIALS}\" }`, and put the variable into `secrets`",
    ))
}

fn example() -> String {
    let kind = &KINDS[0];
    format!("{}={}", kind.key.name, kind.example)
}

fn names() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.key.name).collect()
}

fn settings(kind: &'static Kind, url: Url) -> SourceSettings {
    SourceSettings {
        kind,
        url,
        headers: Vec::new(),
        tenant: None,
        delay: None,
        marks_requests: true,
    }
}

/// Reads `source`.
pub(super) fn source(node: &Node, reader: &Reader<'_>) -> Option<SourceSettings> {
    let entries = reader.map(node, "`source`", backend::KEYS)?;
    let kind_of = |entry: &Entry| KINDS.iter().find(|kind| kind.key.name == entry.key.text);
    let mut kinds = entries
        .iter()
        .filter_map(|entry| Some((kind_of(entry)?, entry)));
    let Some((kind, entry)) = kinds.next() else {
        return reader.wrong(
            node.place,
            "`source` names no backend",
            "no backend",
            format!(
                "add one of {} with its URL, such as `{}: {}`",
                names().join(", "),
                KINDS[0].key.name,
                KINDS[0].example
            ),
        );
    };
    if let Some((_, second)) = kinds.next() {
        return reader.wrong(
            second.key.place,
            "`source` names two backends",
            "the second one",
            "name one; a second `source` belongs to another profile",
        );
    }
    let anywhere = Url::parse("http://unknown.invalid/").expect("this is a URL");
    let url = reader.parse(&entry.value, "a URL", anywhere, address);
    let headers = reader.optional(node, "headers", |node| reader.text_map(node, "`headers`"));
    let tenant = reader.optional(node, "tenant", |node| reader.named(node, "a tenant"));
    let delay = reader.optional(node, "delay", |node| reader.duration(node, "a delay"));
    let keep = reader.optional(node, "keep", |node| {
        let text = reader.named(node, "`keep`")?;
        match text.as_str() {
            "none" => Some(false),
            _ => reader.wrong(
                node.place,
                format!("`keep` is `{text}`"),
                "unknown",
                "write `none`, or leave it out: requests then carry `tracestate: spanspec=1`",
            ),
        }
    });
    let url = url?;
    Some(SourceSettings {
        headers: headers?.unwrap_or_default(),
        tenant: tenant?,
        delay: delay?,
        marks_requests: keep?.unwrap_or(true),
        ..settings(kind, url)
    })
}
