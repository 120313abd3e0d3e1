//! `source` of the project file: the backend from which traces are read.

use std::path::Path;

use crate::source::backend::{self, AddressForm, KINDS, Kind, SourceSettings};
use crate::spec::{Entry, Node, Reader, did_you_mean};

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
    let here = Path::new("");
    SourceSettings::new(kind, url, here).map_err(|no| no.to_string())
}

fn example() -> String {
    let kind = &KINDS[0];
    format!("{}={}", kind.key.name, kind.example)
}

fn names() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.key.name).collect()
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
    let what = match kind.address {
        AddressForm::Url | AddressForm::UrlWith(_) => "a URL",
        AddressForm::UrlOrName(_) => "a URL or a name",
        AddressForm::Path => "a path",
    };
    let read = |text: &str| SourceSettings::new(kind, text, reader.dir);
    let anywhere = SourceSettings::new(kind, "http://unknown.invalid/", reader.dir);
    let settings = reader.parse(&entry.value, what, anywhere.ok()?, read);
    let options = options(kind, entries, reader);
    let headers = reader.optional(node, "headers", |node| reader.text_map(node, "`headers`"));
    let tenant = reader.optional(node, "tenant", |node| reader.named(node, "a tenant"));
    let tls = reader.optional(node, "tls", |node| reader.tls(node));
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
    Some(SourceSettings {
        options: options?,
        headers: headers?.unwrap_or_default(),
        tenant: tenant?,
        tls: tls?.unwrap_or_default(),
        delay: delay?,
        marks_requests: keep?.unwrap_or(true),
        ..settings?
    })
}

/// The keys that only this kind has.
fn options(
    kind: &'static Kind,
    entries: &[Entry],
    reader: &Reader<'_>,
) -> Option<Vec<(&'static str, String)>> {
    let is_option = |kind: &Kind, entry: &Entry| {
        let name = entry.key.text.as_str();
        kind.options
            .iter()
            .map(|key| key.name)
            .find(|own| *own == name)
    };
    let each = reader.all(entries, |entry| {
        if let Some(name) = is_option(kind, entry) {
            let value = reader.named(&entry.value, &format!("`{name}`"))?;
            return Some(Some((name, value)));
        }
        let owners = KINDS
            .iter()
            .filter(|other| is_option(other, entry).is_some());
        let owners: Vec<&str> = owners.map(|other| other.key.name).collect();
        match owners.is_empty() {
            true => Some(None),
            false => reader.wrong(
                entry.key.place,
                format!("`{}` has no `{}`", kind.key.name, entry.key.text),
                "a key of another backend",
                format!("remove it: it belongs to {}", owners.join(", ")),
            ),
        }
    })?;
    Some(each.into_iter().flatten().collect())
}
