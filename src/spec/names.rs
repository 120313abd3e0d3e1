//! Names of the specs of a file that has errors.

use std::path::Path;
use std::sync::Arc;

use super::file::FileReader;
use super::globals::Variables;
use super::keys;
use super::matrix::{MatrixCase, cases};
use super::scope::Scope;
use super::{Context, Source};
use crate::yaml::{self, Kind, Node};
use crate::yaml::{ErrorList, closest};

/// The known names of the specs of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// All names that were found.
    pub(crate) known: Vec<String>,
    /// The file possibly has specs with other names.
    pub(crate) has_unknown: bool,
}

impl Names {
    /// The names of a file that cannot be read.
    pub(crate) fn unknown() -> Self {
        Self {
            known: Vec::new(),
            has_unknown: true,
        }
    }

    /// Reads the names, although the file has errors elsewhere.
    pub(crate) fn of(source: &Source, dir: &Path, context: &Context) -> Self {
        let errors = ErrorList::new(source);
        let documents = yaml::parse(&errors);
        let mut names = Self::default();
        if !errors.is_empty() {
            names.scan(source.text());
        }
        let file = FileReader {
            errors: &errors,
            dir,
            context,
        };
        for root in &documents {
            names.read(root, &file);
        }
        if names.known.is_empty() {
            names
                .known
                .push(file.case_name(None, &MatrixCase::default()));
        }
        names
    }

    /// The names of one document.
    fn read(&mut self, root: &Node, file: &FileReader<'_>) {
        let globals = Arc::clone(&file.context.globals);
        let outer = Scope::new(Arc::clone(&globals), Variables::default());
        let vars = file.vars(root, &file.reader(&outer)).unwrap_or_default();
        let scope = Scope::new(globals, vars);
        let reader = file.reader(&scope);
        let name = entry(root, "name").and_then(|node| {
            let name = reader.named(node, "a name");
            self.has_unknown |= name.is_none();
            name
        });
        self.has_unknown |= root.get("matrix").is_none() && entry(root, "matrix").is_some();
        match cases(root, &reader) {
            Some(cases) => {
                let names = cases.iter();
                let names = names.map(|case| file.case_name(name.as_deref(), case));
                self.known.extend(names);
            }
            None => {
                self.known
                    .push(file.case_name(name.as_deref(), &MatrixCase::default()));
                self.has_unknown = true;
            }
        }
    }

    /// The names in text that is not valid YAML: all values of `name`, at any level.
    fn scan(&mut self, text: &str) {
        for line in text.lines().map(str::trim_start) {
            if let Some(name) = line.strip_prefix("name:") {
                let name = name.trim().trim_matches(['"', '\'']);
                self.has_unknown |= name.contains("${") || name.is_empty();
                self.known.push(name.to_owned());
            }
            self.has_unknown |= line.starts_with("matrix:");
        }
    }
}

/// The value of a key, also if the key is misspelled.
fn entry<'n>(root: &'n Node, key: &str) -> Option<&'n Node> {
    root.get(key).or_else(|| {
        let Kind::Map(entries) = &root.kind else {
            return None;
        };
        let is_meant =
            |written: &str| !keys::SPEC.contains(written) && closest(written, &[key]).is_some();
        let mut entries = entries.iter();
        let found = entries.find(|entry| is_meant(&entry.key.text));
        found.map(|entry| &entry.value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Names {
        let source = Source::new("specs/ship.yaml", text);
        Names::of(&source, Path::new("."), &Context::default())
    }

    fn known(names: &[&str]) -> Names {
        Names {
            known: names.iter().map(|&name| name.to_owned()).collect(),
            has_unknown: false,
        }
    }

    #[test]
    fn an_error_beside_a_name_does_not_hide_it() {
        let text = "name: a\nmatrix: { n: [1, 2] }\nrequest: GET http://x\nexpect: { errors: x }\n---\nname: ${v}\nvars: { v: b }\nrequest: GET\n";
        assert_eq!(names(text), known(&["a [n=1]", "a [n=2]", "b"]));
        assert_eq!(names("request: GET\n"), known(&["ship"]));
    }

    #[test]
    fn a_misspelt_name_is_a_name() {
        let found = names("nmae: shipped\nrequest: GET http://x\n");
        assert_eq!(found, known(&["shipped"]));
        assert!(names("matrx: { n: [1] }\n").has_unknown);
    }

    #[test]
    fn names_in_text_that_is_not_yaml_are_found() {
        let found = names("name: \"shipped\"\nexpect: { errors: 0\nrequest: GET http://x\n");
        assert_eq!(found, known(&["shipped"]));
        assert_eq!(names("a: [\n"), known(&["ship"]));
    }

    #[test]
    fn a_name_without_a_value_may_be_any_name() {
        assert!(names("name: a ${UNKNOWN_TO_ALL} b\n").has_unknown);
    }
}
