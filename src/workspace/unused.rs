//! Variables of the command line to which nothing refers.

use std::collections::BTreeSet;

use super::Workspace;
use crate::spec::closest;

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
            used.extend(names(text));
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

/// The words in `${…}`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split("${").skip(1);
    let inside = inside.map(|rest| rest.split('}').next().unwrap_or_default());
    let is_part = |character: char| character.is_alphanumeric() || "_-.".contains(character);
    inside
        .flat_map(move |expression| expression.split(move |next: char| !is_part(next)))
        .filter(|word| word.starts_with(|first: char| first.is_alphabetic() || first == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_functions_and_defaults() {
        let text = "a: ${b}/${number(c.d)}\ne: \"${f-g:-${h}}\" $i";
        let found: Vec<&str> = names(text).collect();
        assert_eq!(found, ["b", "number", "c.d", "f-g", "h"]);
    }
}
