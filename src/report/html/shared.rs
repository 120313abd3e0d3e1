//! Strings, resources, scopes and files that spans share: the page contains each once.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::spec::Source;
use crate::trace::{Attributes, Resource, Scope, Value};

/// Longer strings, in characters, are truncated; the saved trace contains them in full.
const LONGEST_TEXT: usize = 16 * 1024;

/// For each attribute: its key, the text of its value, and the type of the value.
pub(super) type AttributeRow = Vec<usize>;

/// Values that are referenced by index.
#[derive(Default, Serialize)]
pub(super) struct PageValues {
    strings: Vec<String>,
    resources: Vec<AttributeRow>,
    scopes: Vec<(usize, usize, AttributeRow)>,
    sources: Vec<PageFile>,
    #[serde(skip)]
    string_index: HashMap<String, usize>,
    #[serde(skip)]
    resource_index: HashMap<AttributeRow, usize>,
    #[serde(skip)]
    scope_index: HashMap<(usize, usize, AttributeRow), usize>,
    /// Spans of one batch share their resource and scope. The `Arc` keeps the address in use, so that
    /// it identifies one value.
    #[serde(skip)]
    seen_resources: HashMap<*const Resource, (Arc<Resource>, usize)>,
    #[serde(skip)]
    seen_scopes: HashMap<*const Scope, (Arc<Scope>, usize)>,
}

#[derive(Serialize)]
struct PageFile {
    name: String,
    text: String,
}

impl PageValues {
    pub(super) fn string(&mut self, text: &str) -> usize {
        if let Some(&known) = self.string_index.get(text) {
            return known;
        }
        let number = self.strings.len();
        self.strings.push(cut(text));
        self.string_index.insert(text.to_owned(), number);
        number
    }

    pub(super) fn attributes(&mut self, attributes: &Attributes) -> AttributeRow {
        let mut row = Vec::with_capacity(3 * attributes.iter().len());
        for (key, value) in attributes.iter() {
            let text = match value {
                Value::String(text) => self.string(text),
                other => self.string(&other.to_string()),
            };
            row.extend([self.string(key), text, self.string(value.type_name())]);
        }
        row
    }

    pub(super) fn resource(&mut self, resource: &Arc<Resource>) -> usize {
        let pointer = Arc::as_ptr(resource);
        if let Some((_, known)) = self.seen_resources.get(&pointer) {
            return *known;
        }
        let row = self.attributes(&resource.attributes);
        let next = self.resources.len();
        let number = *self.resource_index.entry(row.clone()).or_insert(next);
        if number == next {
            self.resources.push(row);
        }
        let kept = (Arc::clone(resource), number);
        self.seen_resources.insert(pointer, kept);
        number
    }

    pub(super) fn scope(&mut self, scope: &Arc<Scope>) -> usize {
        let pointer = Arc::as_ptr(scope);
        if let Some((_, known)) = self.seen_scopes.get(&pointer) {
            return *known;
        }
        let attributes = self.attributes(&scope.attributes);
        let row = (
            self.string(&scope.name),
            self.string(&scope.version),
            attributes,
        );
        let next = self.scopes.len();
        let number = *self.scope_index.entry(row.clone()).or_insert(next);
        if number == next {
            self.scopes.push(row);
        }
        self.seen_scopes
            .insert(pointer, (Arc::clone(scope), number));
        number
    }

    /// The index of a file. Files that differ in their masked secrets have different indices.
    pub(super) fn source(&mut self, source: &Source) -> usize {
        let is_same = |file: &PageFile| file.name == source.name() && file.text == source.text();
        let known = self.sources.iter().position(is_same);
        known.unwrap_or_else(|| {
            self.sources.push(PageFile {
                name: source.name().to_owned(),
                text: source.text().to_owned(),
            });
            self.sources.len() - 1
        })
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}… ({} bytes in total)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
