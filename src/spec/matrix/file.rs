//! The cases of a matrix from a CSV, JSON or YAML file.

use std::collections::HashMap;
use std::path::Path;

use super::{MatrixCase, csv, of_node};
use crate::secret::parts;
use crate::spec::Place;
use crate::spec::keys;
use crate::spec::read::Reader;
use crate::yaml::ErrorList;
use crate::yaml::{self, Kind, Node};

/// Returns `true` for `{ file: cases.csv }`. A list under `file` is a variable of that name.
pub(in crate::spec) fn is_from_file(node: &Node) -> bool {
    node.get("file").is_some_and(|file| file.scalar().is_some())
}

/// The cases of the file, with their labels.
pub(super) fn cases(node: &Node, reader: &Reader<'_>) -> Option<Vec<MatrixCase>> {
    reader.map(node, "`matrix` with a `file`", keys::MATRIX_FILE)?;
    let named = node.get("file")?;
    let path = reader.file(named, "a file")?;
    let source = reader.source_of(&path, named)?;
    let errors = ErrorList::new(&source);
    let elsewhere = Reader::new(&errors, reader.scope, reader.dir);
    let cases = document(&path, named, reader, &errors).and_then(|document| {
        hide_secrets(&document, reader);
        of_node(&document, &elsewhere)
    });
    if cases.is_none() {
        reader.scope.hide_in(source.text());
    }
    let cases = reader.errors.adopt(errors, cases)?;
    match node.get("label") {
        None => Some(cases),
        Some(label) => labelled(cases, label, reader),
    }
}

/// The content of the file, by the extension of its name.
fn document(path: &Path, named: &Node, reader: &Reader<'_>, errors: &ErrorList) -> Option<Node> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => csv::parse(errors, |name, value| {
            let is_secret = reader.scope.is_secret(name);
            reader
                .scope
                .hide(is_secret.then(|| value.to_owned()).into_iter());
        }),
        "json" | "yaml" | "yml" => {
            let mut documents = yaml::parse(errors).into_iter();
            match (documents.next(), documents.next()) {
                (Some(document), None) => Some(document),
                (None, _) if !errors.is_empty() => None,
                (None, _) => errors.note(Place::default(), "this file is empty", "", None),
                (Some(_), Some(second)) => errors.note(
                    second.place,
                    "this file has several documents",
                    "second document",
                    "write one list with all cases".to_owned(),
                ),
            }
        }
        _ => reader.wrong(
            named.place,
            "the cases of a matrix come from a CSV, JSON or YAML file",
            "another kind of file",
            "use a file with the extension `.csv`, `.json`, `.yaml` or `.yml`",
        ),
    }
}

/// Masks the values of secret variables before any message that could contain one.
fn hide_secrets(node: &Node, reader: &Reader<'_>) {
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter().for_each(|item| hide_secrets(item, reader)),
        Kind::Map(entries) => {
            let secret = entries
                .iter()
                .filter(|entry| reader.scope.is_secret(&entry.key.text));
            for entry in secret {
                let ignored = ErrorList::new(reader.errors.source());
                let value = reader.scope.value(&entry.value, &ignored).flatten();
                reader.scope.hide(value.iter().flat_map(parts));
            }
        }
    }
}

/// Adds the label to each case. Two cases cannot have the same.
fn labelled(cases: Vec<MatrixCase>, label: &Node, reader: &Reader<'_>) -> Option<Vec<MatrixCase>> {
    let names = cases.first().into_iter().flat_map(|case| &case.variables);
    let is_bare = |name: &str| label.scalar().is_some_and(|scalar| scalar.text == name);
    if let Some(variable) = names
        .map(|one| one.name.as_str())
        .find(|name| is_bare(name))
    {
        return reader.wrong(
            label.place,
            format!("all cases would have the label `{variable}`"),
            "a fixed text",
            format!("write `\"${{{variable}}}\"` for the value of this variable"),
        );
    }
    let mut numbers = HashMap::new();
    let mut labelled = Vec::new();
    for (index, case) in cases.into_iter().enumerate() {
        let mut scope = reader.scope.clone();
        case.set_in(&mut scope);
        let with_case = Reader::new(reader.errors, &scope, reader.dir);
        let text = with_case.named(label, "a label")?;
        if let Some(first) = numbers.insert(text.clone(), index + 1) {
            return reader.wrong(
                label.place,
                format!(
                    "cases {first} and {} have the same label `{text}`",
                    index + 1
                ),
                "not unique",
                "add another variable to the label",
            );
        }
        labelled.push(MatrixCase {
            label: Some(text),
            ..case
        });
    }
    Some(labelled)
}
