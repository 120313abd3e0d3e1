//! Specs from the files of other tools. Pure: the caller reads and writes files.
//!
//! An importer reads its format with [`Node`] (YAML and JSON with places), builds specs as [`Map`]s,
//! and returns an [`Import`]. An imported spec never checks less than its original without a
//! [`Remark`].

mod credentials;
pub(crate) mod curl;
mod http_expect;
mod http_request;
mod http_spec;
pub(crate) mod hurl;
mod json_text;
mod loads;
mod matcher;
pub(crate) mod openapi;
pub(crate) mod otlp;
mod place;
pub(crate) mod postman;
mod remark;
mod template;
pub(crate) mod tracetest;
mod written;

pub(crate) use crate::yaml::foreign::{Content, Node};
#[cfg(feature = "_fuzzing")]
pub(crate) use loads::first_error;
pub(crate) use remark::{Level, Remarks};
pub(crate) use written::{Map, Written};

use std::collections::BTreeSet;

use crate::spec::{Location, Place, Source};
use crate::yaml::foreign;

/// The result of an import.
#[derive(Debug, Default)]
pub(crate) struct Import {
    pub(crate) files: Vec<File>,
    pub(crate) remarks: Remarks,
}

/// A file to write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Relative to the folder of the output, with `/` between folders.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Import {
    /// Adds a file with specs. `at` is their place in the original, which may be as invalid as they are.
    fn add_specs(&mut self, at: &Location, path: &str, text: String) {
        if let Some(error) = loads::first_error(path, &text) {
            let lost = format!("a spec is not valid, and must be corrected: {error}");
            self.remarks.lost(at, lost);
        }
        self.add(path, text);
    }

    /// Adds a file. A path that is taken gets a number.
    pub(crate) fn add(&mut self, path: &str, text: String) -> &str {
        let taken: BTreeSet<String> = self.files.iter().map(|file| key(&file.path)).collect();
        let path = free(path, &taken);
        self.files.push(File { path, text });
        &self.files[self.files.len() - 1].path
    }
}

/// The roots of all documents of a file that are not empty. A syntax error is a loss, and ends the file.
/// A file without any is one, too.
fn roots(source: &Source, remarks: &mut Remarks) -> Vec<Node> {
    let mut read = foreign::read(source);
    read.roots.retain(|root| !root.is_null());
    match read.error {
        Some(error) => remarks.lost(&error.at, format!("not read from here on: {}", error.text)),
        None if read.roots.is_empty() => {
            remarks.lost(&source.at(Place::default()), "the file is empty");
        }
        None => {}
    }
    read.roots
}

/// The path, or the path with the first number for which there is no file.
fn free(path: &str, taken: &BTreeSet<String>) -> String {
    let (stem, extension) = path.rsplit_once('.').unwrap_or((path, ""));
    let numbered = |number| format!("{stem}-{number}.{extension}");
    first_free(path, numbered, |path| taken.contains(&key(path)))
}

/// The name, or the first of its numbered variants, from 2, that is not taken.
fn first_free(
    name: &str,
    numbered: impl Fn(u32) -> String,
    is_taken: impl Fn(&str) -> bool,
) -> String {
    std::iter::once(name.to_owned())
        .chain((2..).map(numbered))
        .find(|name| !is_taken(name))
        .expect("the numbers do not end")
}

/// Some file systems ignore case.
fn key(path: &str) -> String {
    path.to_lowercase()
}

/// A file name without extension that is made of a name: `Add to cart` becomes `add-to-cart`.
pub(crate) fn file_stem(name: &str) -> String {
    const LONGEST: usize = 60;
    let words: Vec<String> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let stem: String = words.join("-").chars().take(LONGEST).collect();
    match stem.trim_end_matches('-') {
        "" => "spec".to_owned(),
        stem => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Source;

    #[test]
    fn two_files_never_have_the_same_path() {
        let mut import = Import::default();
        for _ in 0..2 {
            import.add("a.yaml", String::new());
        }
        assert_eq!(import.add("A.yaml", String::new()), "A-3.yaml");
        assert_eq!(file_stem("POST /orders: new!"), "post-orders-new");
        assert_eq!(file_stem("…"), "spec");
    }

    #[test]
    fn a_truncated_file_is_imported_or_reported() {
        type Importer = fn(&Source, &mut Import);
        let importers: [(&str, Importer); 4] = [
            (
                include_str!("../../tests/fixtures/import/orders.hurl"),
                |source, import| hurl::import(source, "", import),
            ),
            (
                include_str!("../../tests/fixtures/import/shop.postman.json"),
                |source, import| postman::import(source, "", import),
            ),
            (
                include_str!("../../tests/fixtures/import/shop.openapi.yaml"),
                openapi::import,
            ),
            (
                "curl -X POST 'http://a/b?c=d' -H \"X-A: $B\" -d $'a\\n\\u00e4' --json '{\"a\": 1}' -F a=@b | x",
                |source, import| *import = curl::import(source, ""),
            ),
        ];
        for (text, importer) in importers {
            for end in (0..text.len()).step_by(5) {
                let mut import = Import::default();
                importer(&Source::new("a", &text[..end]), &mut import);
                let is_reported = import.remarks.count(Level::Lost) > 0;
                assert!(is_reported || !import.files.is_empty(), "{}", &text[..end]);
            }
        }
    }
}
