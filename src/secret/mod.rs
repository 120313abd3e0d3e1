//! Secrets, and their removal from everything that is written.
//!
//! [`Secrets`] is the set that a run shares: variables, captures, credentials and cookies are added
//! to it as they become known, and whatever writes asks it. A secret is found in every spelling that
//! `spelling` knows, so that a writer need not know how a text was encoded. `format` keeps files of a
//! format well-formed. Which fields a report has is left to `run::mask`.

mod format;
mod header;
mod needle;
mod spelling;
mod writer;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

pub use format::Format;
pub use header::is_credential_header;
pub(crate) use header::parts_of_credential;
pub use writer::MaskedWriter;

use needle::Needles;

use crate::trace::Value;

/// The text that replaces a secret. Its length says nothing about the secret.
pub const MASK: &str = "[masked]";

/// Values that must not be written, in any spelling. A clone is the same set.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    secrets: BTreeSet<String>,
    needles: Arc<Needles>,
}

/// A range of a text that was replaced, and the length of its replacement.
pub(crate) type Replaced = (Range<usize>, usize);

/// The search for secrets in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    /// Every secret, however short: for a text from outside.
    Eager,
    /// Without secrets that are so short that they are part of most reports: for a finished report,
    /// whose texts from outside are masked already.
    Careful,
}

impl Secrets {
    /// A set of these values.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let all = Self::default();
        all.add(secrets);
        all
    }

    /// Adds values: everything that is written from now on is without them.
    pub fn add(&self, secrets: impl IntoIterator<Item = String>) {
        let secrets: Vec<String> = secrets
            .into_iter()
            .filter(|secret| !secret.trim().is_empty())
            .collect();
        if secrets.is_empty() || self.has_all(&secrets) {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.secrets.extend(secrets);
        known.needles = Arc::new(Needles::of(known.secrets.iter().map(String::as_str)));
    }

    /// Adds a variable's value: of a list or a map, each value in it too.
    pub fn add_value(&self, value: &Value) {
        self.add(parts(value));
    }

    /// Returns `true` if all of these are in the set.
    #[must_use]
    pub(crate) fn has_all(&self, secrets: &[String]) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().all(|secret| known.secrets.contains(secret))
    }

    /// Returns `true` if the set has no secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.secrets.is_empty()
    }

    /// A text from outside without any secret.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let found = self.found(text, Search::Eager);
        replaced(text, &found, |_| MASK.to_owned())
    }

    /// Bytes from outside without any secret. Where one is found, bytes that are not UTF-8 become
    /// U+FFFD.
    #[must_use]
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let text = String::from_utf8_lossy(&bytes);
        let found = self.found(&text, Search::Eager);
        if found.is_empty() {
            return bytes;
        }
        replaced(&text, &found, |_| MASK.to_owned()).into_bytes()
    }

    /// A finished text of this format without any secret, and still of this format.
    #[must_use]
    pub fn written(&self, format: Format, text: &str) -> String {
        let mask = |part: &str| {
            let found = self.found(part, Search::Careful);
            (!found.is_empty()).then(|| replaced(part, &found, |_| MASK.to_owned()))
        };
        match mask(text) {
            None => text.to_owned(),
            Some(masked) => format::masked(format, text, masked, &mask),
        }
    }

    /// The text of a file without any secret, with as many lines as before, and the ranges of it
    /// that were replaced, each with the length of its replacement.
    pub(crate) fn in_file(&self, text: &str) -> Option<(String, Vec<Replaced>)> {
        let found = self.found(text, Search::Eager);
        if found.is_empty() {
            return None;
        }
        let replacement = |secret: &str| {
            let breaks = secret.matches('\n').count();
            format!("{MASK}{}", "\n".repeat(breaks))
        };
        let masked = replaced(text, &found, replacement);
        let lengths = found
            .into_iter()
            .map(|range| (range.clone(), replacement(&text[range]).len()));
        Some((masked, lengths.collect()))
    }

    /// The places of secrets in a text, in order and apart from each other.
    fn found(&self, text: &str, search: Search) -> Vec<Range<usize>> {
        let needles = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&known.needles)
        };
        needles.find(text, search)
    }
}

/// The number of secrets, and none of them.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Secrets({})", known.secrets.len())
    }
}

/// A value as text, and the texts and numbers within a list or a map.
pub(crate) fn parts(value: &Value) -> Vec<String> {
    let mut parts = vec![value.to_text()];
    leaves(value, &mut parts);
    parts
}

fn leaves(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, all)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| leaves(value, all)),
        Value::Null | Value::Bool(_) => {}
        other => all.push(other.to_text()),
    }
}

fn replaced(text: &str, found: &[Range<usize>], by: impl Fn(&str) -> String) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        masked.push_str(&text[end..range.start]);
        masked.push_str(&by(&text[range.clone()]));
        end = range.end;
    }
    masked.push_str(&text[end..]);
    masked
}

#[cfg(test)]
mod tests;
