//! Checks the names of secrets. A misspelled name would not mask its value.

use std::path::Path;

use super::{FileError, Search, find_specs, read};
use crate::project::{Project, secrets_and_vars};
use crate::secret::values_in;
use crate::spec::{Globals, Location, Place, Source, SpecError, SpecErrors, closest};

/// Checks that each name in `secrets` and of `--secret` is a variable: of the command line, a file,
/// the project, the environment, a service's port, or a spec.
///
/// # Errors
/// All undefined names.
pub(super) fn check(
    search: &Search,
    project: &Project,
    globals: &Globals,
) -> Result<(), SpecErrors> {
    let of_project = project.secrets.iter().zip(&project.secret_places);
    let of_project = of_project.map(|(name, at)| (name, at.clone()));
    let of_search = search.secrets.iter().map(|name| (name, typed(name)));
    let unknown: Vec<(&String, Location)> = of_project
        .chain(of_search)
        .filter(|(name, _)| !is_known(name, globals))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let texts = spec_texts(search, project);
    let errors = unknown
        .into_iter()
        .filter(|(name, _)| {
            let is_there = |text| declares(text, name) || may_be_column(text, name);
            !texts.iter().any(is_there)
        })
        .map(|(name, at)| error(name, at, globals));
    match errors.collect::<Vec<_>>() {
        errors if errors.is_empty() => Ok(()),
        errors => Err(SpecErrors(errors)),
    }
}

/// Adds the values of secrets in a file with errors, because the errors quote its lines. The file
/// is possibly not YAML, so that its text is searched too. `known` are names of secrets.
pub(super) fn hide_in_errors(search: &Search, known: &[String], file: &Source) {
    let (mut names, vars) = secrets_and_vars(file);
    names.extend(known.iter().chain(&search.secrets).cloned());
    names.extend(names_in(file.text()));
    let given = search.vars.iter().chain(&search.environment);
    let all = given.chain(vars.iter().map(|(name, value)| (name, value)));
    let values = all.filter(|(name, _)| names.contains(name));
    search.hidden.add(values.map(|(_, value)| value.clone()));
    let written = names.iter().flat_map(|name| values_in(file.text(), name));
    search.hidden.add(written);
}

/// The names after `secrets:`, on the same line or as items on the next ones.
fn names_in(text: &str) -> Vec<String> {
    let Some((_, rest)) = text.split_once("secrets:") else {
        return Vec::new();
    };
    let (line, next) = rest.split_once('\n').unwrap_or((rest, ""));
    let items = next.lines().map(str::trim_start);
    let items = items.take_while(|line| line.starts_with("- "));
    std::iter::once(line)
        .chain(items)
        .flat_map(|line| line.split(|char: char| !char.is_ascii_alphanumeric() && char != '_'))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn typed(name: &str) -> Location {
    let end = name.len();
    Source::new("--secret", name).at(Place { start: 0, end })
}

fn is_known(name: &str, globals: &Globals) -> bool {
    globals.arguments.contains_key(name)
        || globals.file.contains_key(name)
        || globals.project.has(name)
        || globals.services.contains_key(name)
        || globals.environment.contains_key(name)
        || name == "trace_id"
}

/// The texts of all specs that can be read, also of those that are not selected. Errors of a file
/// are reported when it is read as a spec.
fn spec_texts(search: &Search, project: &Project) -> Vec<Source> {
    let given = find_specs(&search.specs, Path::new(""));
    let usual = find_specs(&project.specs, &project.dir);
    let files = [given, usual]
        .into_iter()
        .flat_map(Result::unwrap_or_default);
    let texts = files.map(|path| read(&path));
    texts.filter_map(Result::<Source, FileError>::ok).collect()
}

/// Returns `true` if a spec with a matrix from a file uses this name, which is an error unless it is
/// defined.
fn may_be_column(spec: &Source, name: &str) -> bool {
    spec.text().contains("matrix:") && spec.text().contains(&format!("${{{name}}}"))
}

/// Returns `true` if a spec has a variable, a variable of its matrix, or a capture with this name:
/// in all three cases it is a key.
fn declares(spec: &Source, name: &str) -> bool {
    spec.text().match_indices(name).any(|(at, _)| {
        let before = spec.text()[..at].trim_end_matches(['"', '\'']);
        let after = spec.text()[at + name.len()..].trim_start_matches(['"', '\'']);
        let begins = before.is_empty() || before.ends_with([' ', '\n', '{', ',']);
        begins && after.trim_start_matches(' ').starts_with(':')
    })
}

fn error(name: &str, at: Location, globals: &Globals) -> SpecError {
    let known: Vec<&str> = globals
        .arguments
        .keys()
        .chain(globals.file.keys())
        .chain(globals.services.keys())
        .chain(globals.environment.keys())
        .map(String::as_str)
        .chain(globals.project.names())
        .collect();
    let similar = closest(name, &known).map(|word| format!("did you mean `{word}`? "));
    SpecError {
        what: format!("undefined secret `{name}`"),
        at,
        label: "undefined variable".to_owned(),
        help: Some(format!(
            "{}define the variable in `vars`, with --var, --var-file or an environment variable, or remove it from `secrets`",
            similar.unwrap_or_default()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_found_in_files_that_are_not_yaml() {
        assert_eq!(names_in("vars: {\nsecrets: [A, B_2]\n"), ["A", "B_2"]);
        assert_eq!(names_in("secrets:\n  - A\n  - \"B\"\nx: y"), ["A", "B"]);
    }
}
