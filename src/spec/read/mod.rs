//! Converts YAML nodes to the types of `spec`, and records every error.
//!
//! A reader returns `None` after it recorded an error, and its caller continues, so that all
//! errors of a file are reported together. A placeholder replaces a variable without a value,
//! such as a capture before the run.

mod aggregate;
pub(crate) mod almost;
mod budget;
mod capture;
pub(crate) mod command;
mod conformance;
mod continued;
pub(crate) mod expect;
mod file;
mod graphql;
mod grpc;
mod lint;
mod logs;
mod matcher;
mod measure;
mod metrics;
mod mutate;
mod needs;
mod observe;
mod poll;
mod propagation;
mod publish;
mod quantity;
mod rate;
mod repeat;
mod sampling;
mod search;
mod selector;
pub(super) mod send;
mod sense;
mod services;
mod shape;
mod spans;
pub(crate) mod trigger;
mod vacuous;
mod wait;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::keys::Keys;
use super::scope::{Filled, Scope};
use super::{Location, Place};
use crate::trace::Value;
use crate::yaml::{Entry, Kind, Node, Scalar, Style};
use crate::yaml::{ErrorList, suggest, synonym};

pub(crate) use quantity::parse_duration;

/// The beginning of the error about a path.
pub(crate) const FILE_NOT_FOUND: &str = "file not found";

/// Reads nodes of one file with the variables of one scope.
pub(crate) struct Reader<'a> {
    pub(crate) errors: &'a ErrorList,
    pub(crate) scope: &'a Scope,
    /// The folder of the file; base of relative paths.
    pub(crate) dir: &'a Path,
    /// The treatment of strings that are nearly matchers.
    doubtful: Doubtful,
    words: Words,
}

/// The treatment of strings that a system may send, but that were probably meant as matchers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Doubtful {
    /// A warning: at worst, the check fails.
    #[default]
    Warned,
    /// An error: the check would pass for nearly every value.
    Refused,
}

/// The meaning of words and phrases that were probably meant as matchers: `present`, `contains ord`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Words {
    #[default]
    Doubtful,
    /// Nearly every word can be a name.
    Names,
}

/// A text with its variables substituted. `None` if one has no value yet.
type FilledText = Option<String>;

/// The reason why a text is invalid.
pub(crate) struct Refusal {
    pub(crate) what: String,
    pub(crate) help: String,
}

impl Refusal {
    pub(crate) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            help: help.into(),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.what, self.help)
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(errors: &'a ErrorList, scope: &'a Scope, dir: &'a Path) -> Self {
        Self {
            errors,
            scope,
            dir,
            doubtful: Doubtful::default(),
            words: Words::default(),
        }
    }
}

impl Reader<'_> {
    pub(crate) fn at(&self, place: Place) -> Location {
        self.errors.source().at(place)
    }

    pub(crate) fn wrong<T>(
        &self,
        place: Place,
        what: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.errors.note(place, what, label, Some(help.into()))
    }

    /// The entries of a map. Other keys are errors.
    pub(crate) fn map<'n>(
        &self,
        node: &'n Node,
        what: &str,
        accepted: Keys,
    ) -> Option<&'n [Entry]> {
        let entries = self.any_map(node, what)?;
        for entry in entries {
            if !accepted.contains(&entry.key.text) && !self.errors.is_full() {
                self.unknown_key(entry, what, &accepted.names());
            }
        }
        Some(entries)
    }

    pub(crate) fn unknown_key(&self, entry: &Entry, what: &str, accepted: &[&str]) {
        if let Some((key, value)) = entry.key.text.split_once(':')
            && accepted.contains(&key)
        {
            self.wrong::<()>(
                entry.key.place,
                format!("missing space after the colon of `{key}`"),
                "a string in YAML",
                format!("write `{key}: {value}`"),
            );
            return;
        }
        self.wrong::<()>(
            entry.key.place,
            format!("unknown key `{}` in {what}", entry.key.text),
            "unknown key",
            synonym(&entry.key.text, accepted)
                .unwrap_or_else(|| suggest(&entry.key.text, accepted)),
        );
    }

    /// The entries of a map with user-defined keys.
    pub(crate) fn any_map<'n>(&self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.kind {
            Kind::Map(entries) => Some(entries),
            kind => {
                let glued = match kind {
                    Kind::Scalar(scalar) if scalar.style == Style::Plain => scalar
                        .text
                        .split_once(':')
                        .filter(|(key, _)| !key.contains(' ')),
                    _ => None,
                };
                let help = match glued {
                    Some((key, value)) => {
                        format!("add a space after the colon: `{key}: {}`", value.trim())
                    }
                    None => "write `key: value`".to_owned(),
                };
                self.wrong(
                    node.place,
                    format!("{what} must be a map, found {}", node.describe()),
                    "not a map",
                    help,
                )
            }
        }
    }

    pub(crate) fn list<'n>(&self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            _ => self.wrong(
                node.place,
                format!("{what} must be a list, found {}", node.describe()),
                "not a list",
                "start each entry with `- ` on its own line, or write `[a, b]`",
            ),
        }
    }

    pub(crate) fn scalar<'n>(&self, node: &'n Node, what: &str) -> Option<&'n Scalar> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => self.wrong(
                node.place,
                format!("{what} must be a single value, found {}", node.describe()),
                "not a single value",
                "remove the brackets, or quote the text if they are part of it",
            ),
        }
    }

    pub(crate) fn fill(&self, scalar: &Scalar, place: Place) -> Option<Filled> {
        self.scope.fill(scalar, place, self.errors)
    }

    /// A text as written: `010` and `NO` are strings here.
    pub(crate) fn text(&self, node: &Node, what: &str) -> Option<FilledText> {
        let scalar = self.scalar(node, what)?;
        Some(match self.fill(scalar, node.place)? {
            Filled::Text(text) => Some(text),
            Filled::Value(value) => Some(value.to_text()),
            Filled::Awaited => None,
        })
    }

    /// A text that must not be empty.
    pub(crate) fn named(&self, node: &Node, what: &str) -> Option<String> {
        let text = self.text(node, what)?.unwrap_or_else(|| "-".to_owned());
        if text.trim().is_empty() {
            return self.wrong(
                node.place,
                format!("{what} is empty"),
                "empty",
                "write a text",
            );
        }
        Some(text)
    }

    /// A text that `read` converts; `awaited` is the placeholder if a variable has no value.
    pub(crate) fn parse<T>(
        &self,
        node: &Node,
        what: &str,
        awaited: T,
        read: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Option<T> {
        let Some(text) = self.text(node, what)? else {
            return Some(awaited);
        };
        match read(text.trim()) {
            Ok(value) => Some(value),
            Err(Refusal { what, help }) => {
                let label = self.filled_label(node, &text);
                self.wrong(node.place, what, label, help)
            }
        }
    }

    /// A label with the text after substitution, if that differs from the file.
    fn filled_label(&self, node: &Node, text: &str) -> String {
        match node.scalar() {
            Some(scalar) if scalar.text != text => format!("this is {}", Value::from(text)),
            _ => "here".to_owned(),
        }
    }

    pub(crate) fn bool(&self, node: &Node, what: &str) -> Option<bool> {
        self.parse(node, what, false, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Refusal::new(
                format!("{what} must be `true` or `false`, found `{text}`"),
                "write `true` or `false`",
            )),
        })
    }

    pub(crate) fn number<T: std::str::FromStr>(
        &self,
        node: &Node,
        what: &str,
        awaited: T,
    ) -> Option<T> {
        self.parse(node, what, awaited, |text| {
            text.parse().map_err(|_| {
                Refusal::new(
                    format!("{what} must be a whole number, found `{text}`"),
                    "write a number such as `5`",
                )
            })
        })
    }

    /// A duration such as `30s`.
    pub(crate) fn duration(&self, node: &Node, what: &str) -> Option<Duration> {
        self.parse(node, what, Duration::ZERO, |text| {
            parse_duration(text).map(Duration::from_nanos)
        })
    }

    /// A path relative to the folder of the file.
    pub(crate) fn path(&self, node: &Node, what: &str) -> Option<PathBuf> {
        Some(self.dir.join(self.named(node, what)?))
    }

    /// The path of a file that exists.
    pub(crate) fn file(&self, node: &Node, what: &str) -> Option<PathBuf> {
        let is_known = self.text(node, what)?.is_some();
        let path = self.path(node, what)?;
        if is_known {
            self.scope.add_file(&path);
        }
        if is_known && !path.is_file() {
            return self.wrong(
                node.place,
                format!("{FILE_NOT_FOUND}: {}", path.display()),
                "not found",
                "check the path; it is relative to the folder of this file",
            );
        }
        Some(path)
    }

    /// A list of texts. A single text is a list of one.
    pub(crate) fn texts(&self, node: &Node, what: &str) -> Option<Vec<String>> {
        match &node.kind {
            Kind::Scalar(_) => Some(vec![self.named(node, what)?]),
            _ => self.all(self.list(node, what)?, |item| self.named(item, what)),
        }
    }

    /// A map of names to texts.
    pub(crate) fn text_map(&self, node: &Node, what: &str) -> Option<Vec<(String, String)>> {
        self.all(self.any_map(node, what)?, |entry| {
            let value = self.text(&entry.value, &format!("`{}`", entry.key.text))?;
            Some((self.key(entry)?, value.unwrap_or_default()))
        })
    }

    /// A user-defined key, in which variables are not allowed. `$${` is a literal `${`.
    pub(crate) fn key(&self, entry: &Entry) -> Option<String> {
        let text = &entry.key.text;
        match super::template::Template::parse(text) {
            Ok(template) if template.literal().is_some() => template.literal().map(str::to_owned),
            _ => self.wrong(
                entry.key.place,
                "keys cannot contain variables",
                "a key",
                "write the key without variables; `$${` is a literal `${`",
            ),
        }
    }

    /// A JSON value with variables substituted.
    pub(crate) fn value(&self, node: &Node) -> Option<Value> {
        Some(self.known_value(node)?.unwrap_or_default())
    }

    /// As [`value`](Self::value); the inner `None` means a variable without a value.
    pub(crate) fn known_value(&self, node: &Node) -> Option<Option<Value>> {
        self.scope.value(node, self.errors)
    }

    /// Reads all nodes, even after an error.
    pub(crate) fn all<'n, N, T>(
        &self,
        nodes: &'n [N],
        read: impl Fn(&'n N) -> Option<T>,
    ) -> Option<Vec<T>> {
        let is_worth_it = |_: &&'n N| !self.errors.is_full();
        let read: Vec<Option<T>> = nodes.iter().take_while(is_worth_it).map(read).collect();
        read.into_iter().collect()
    }
}
