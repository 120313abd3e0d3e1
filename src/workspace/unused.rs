//! Variables of the command line to which nothing refers.

use std::collections::BTreeSet;

use super::Workspace;
use crate::spec::{closest, names_in};

impl Workspace {
    /// A sentence for each `--var` to which no spec and no project file refers: its name is probably
    /// misspelled.
    #[must_use]
    pub fn unused_variables(&self) -> Vec<String> {
        let given = &self.globals.arguments;
        if given.is_empty() {
            return Vec::new();
        }
        let mut used = BTreeSet::new();
        let sources = self.specs.iter().map(|spec| spec.at.source.text());
        let project = self.project.source_text();
        for text in sources.chain(project) {
            used.extend(names_in(text));
        }
        let known: Vec<&str> = used.iter().copied().collect();
        let unused = given.keys().filter(|name| !used.contains(name.as_str()));
        unused
            .map(|name| {
                let meant = closest(name, &known);
                let meant = meant.map_or_else(String::new, |word| format!("; did you mean `{word}`?"));
                format!("--var {name} has no effect: no spec and no project file contains `${{{name}}}`{meant}")
            })
            .collect()
    }
}
