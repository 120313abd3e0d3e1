//! `spanspec import curl`, `hurl`, `postman`, `openapi` and `otlp`.

use std::io::Read;
use std::path::{Component, Path};

use crate::import::{self, Import};
use crate::source::saved::read;
use crate::spec::Source;
use crate::trace::Trace;
use crate::workspace::shown;

use super::exit::{Exit, fail};
use super::import::{finish, sources};
use super::import_arguments::{CurlArguments, FilesArguments, ImportOutput, OtlpArguments};
use super::show;

/// Imports a command of curl.
pub(super) fn curl(arguments: &CurlArguments) -> Exit {
    let mut text = arguments.command.clone();
    if text == "-" {
        text.clear();
        if let Err(error) = std::io::stdin().read_to_string(&mut text) {
            let message = format!("error: cannot read standard input: {error}");
            return fail(Exit::Usage, &message);
        }
    }
    let folder = way(Path::new("."), &arguments.output);
    let import = import::curl::import(&Source::new("command", text), &folder);
    finish(&import, &arguments.output)
}

/// Imports files of hurl.
pub(super) fn hurl(arguments: &FilesArguments) -> Exit {
    each(arguments, &["hurl"], import::hurl::import)
}

/// Imports collections and environments of Postman.
pub(super) fn postman(arguments: &FilesArguments) -> Exit {
    each(arguments, &["json"], import::postman::import)
}

/// Imports OpenAPI descriptions.
pub(super) fn openapi(arguments: &FilesArguments) -> Exit {
    each(arguments, &["yaml", "yml", "json"], |source, _, import| {
        import::openapi::import(source, import);
    })
}

/// Imports each file. `add` gets the way from the output to the folder of the file.
fn each(
    arguments: &FilesArguments,
    extensions: &[&str],
    add: impl Fn(&Source, &str, &mut Import),
) -> Exit {
    let mut import = Import::default();
    let sources = match sources(&arguments.paths, extensions, &mut import.remarks) {
        Ok(sources) => sources,
        Err(exit) => return exit,
    };
    for source in &sources {
        let folder = Path::new(source.name()).parent().unwrap_or(Path::new("."));
        add(source, &way(folder, &arguments.output), &mut import);
    }
    finish(&import, &arguments.output)
}

/// Imports a trace of a file.
pub(super) fn otlp(arguments: &OtlpArguments) -> Exit {
    let file = &arguments.file;
    let bytes = match show::bytes(file) {
        Ok(bytes) => bytes,
        Err(error) => return fail(Exit::Usage, &format!("error: {error}")),
    };
    let found = match read(&bytes) {
        Ok(found) => found,
        Err(error) => {
            let why = show::not_a_trace(file, &bytes, &error);
            return fail(Exit::Usage, &format!("error: {why}"));
        }
    };
    let traces = found.traces;
    if traces.is_empty() {
        let why = format!("error: {} contains no span", shown(file));
        return fail(Exit::Nothing, &why);
    }
    match chosen(&traces, arguments.trace.as_deref()) {
        Ok(trace) => {
            let import = import::otlp::import(&Source::new(shown(file), ""), trace);
            finish(&import, &arguments.output)
        }
        Err(why) => {
            let (name, listed) = (shown(file), import::otlp::listed(&traces));
            let message = format!("error: {name} {why}\n{listed}help: choose one with --trace ID");
            fail(Exit::Usage, &message)
        }
    }
}

/// The trace with an id, or the only one.
fn chosen<'t>(traces: &'t [Trace], id: Option<&str>) -> Result<&'t Trace, String> {
    let id = id.map(str::to_ascii_lowercase);
    let is_chosen = |trace: &&Trace| {
        let text = trace.id().to_string();
        id.as_ref().is_none_or(|id| text.starts_with(id))
    };
    let matching: Vec<&Trace> = traces.iter().filter(is_chosen).collect();
    match (matching.as_slice(), &id) {
        ([one], _) => Ok(one),
        ([], Some(id)) => Err(format!("has no trace {id}, but these:")),
        (_, Some(id)) => Err(format!(
            "has several traces that begin with {id}; its traces:"
        )),
        (_, None) => Err(format!("has {} traces:", traces.len())),
    }
}

/// The way from the folder of the output to another folder, with `/` at its end; empty if it is the
/// same.
fn way(folder: &Path, output: &ImportOutput) -> String {
    let from = output.out.as_deref().unwrap_or(Path::new("."));
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (from, to) = (names(&absolute(from)), names(&absolute(folder)));
    let pairs = from.iter().zip(&to);
    let common = pairs.take_while(|(one, other)| one == other).count();
    let up = from[common..].iter().map(|_| "..".to_owned());
    let down = to[common..].iter().cloned();
    up.chain(down).map(|part| part + "/").collect()
}

/// The names in a path, without `.` and `..`.
fn names(path: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                names.pop();
            }
            Component::CurDir => {}
            other => names.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_way_leads_from_the_output_to_the_folder_of_the_source() {
        let to = |out: Option<&str>, folder: &str| {
            let output = ImportOutput {
                out: out.map(PathBuf::from),
                force: false,
            };
            way(Path::new(folder), &output)
        };
        assert_eq!(to(None, "."), "");
        assert_eq!(to(None, "api/tests"), "api/tests/");
        assert_eq!(to(Some("specs/new"), "."), "../../");
        assert_eq!(to(Some("specs"), "specs/../api"), "../api/");
    }
}
