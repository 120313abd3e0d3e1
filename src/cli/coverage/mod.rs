//! `spanspec coverage`: the instrumentation that saved traces show, compared with a recorded list and with
//! specs.

mod json;
mod specs;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::coverage::{Comparison, Inventory, Item, Orphans, Unknown, compare, read, render};
use crate::number::counted;
use crate::report::write_file;
use crate::secret::Format as FileFormat;
use crate::spec::SpecErrors;
use crate::trace::{Origin, Trace};
use crate::workspace::{self, LoadError, Ports, Workspace, shown};

use super::coverage_arguments::{CoverageArguments, CoverageFormat};
use super::exit::{Exit, fail};
use super::load::{fail_load, project_search};
use super::output;
use super::trace_files::{self, Traces};
use specs::Unchecked;

/// The name of the list beside the project file.
const LIST: &str = "coverage.yaml";

/// The coverage of traces.
struct Coverage {
    traces: usize,
    spans: usize,
    list: PathBuf,
    seen: Inventory,
    /// Notes about names that are left out.
    notes: Vec<String>,
    /// The comparison with the list; `None` if there is none.
    comparison: Option<Comparison>,
    /// The list was written.
    is_accepted: bool,
    /// The reasons why it was not.
    refused: Vec<String>,
    unchecked: Option<Unchecked>,
}

/// Compares traces with the list, and prints the differences.
pub(super) fn coverage(arguments: &CoverageArguments) -> Exit {
    match examine(arguments) {
        Ok(coverage) => written(&coverage, arguments),
        Err(exit) => exit,
    }
}

fn examine(arguments: &CoverageArguments) -> Result<Coverage, Exit> {
    let search = project_search(&arguments.project, Ports::Unknown);
    let workspace = Workspace::without_specs(&search).map_err(|error| fail_load(&error))?;
    let list = match &arguments.list {
        Some(list) => list.clone(),
        None => workspace.project.dir.join(LIST),
    };
    // An error in the list before the traces, which take longer.
    let recorded = recorded(&list, arguments.accept)?;
    let read = trace_files::read(&arguments.traces)?;
    let orphans = match arguments.accept_orphans {
        true => Orphans::Accepted,
        false => Orphans::Refused,
    };
    let incomplete = incomplete(&read);
    let traces = assembled(read);
    let mut unknown = Unknown::of(&traces, orphans);
    unknown.spans.extend(incomplete);
    let seen = Inventory::of(&traces);
    let comparison = recorded.map(|list| compare(&list, &seen, &unknown));
    let unchecked = match &arguments.specs {
        None => None,
        Some(specs) => Some(specs::unchecked(arguments, specs, &seen)?),
    };
    let (seen, notes) = seen.without_single_names();
    let mut coverage = Coverage {
        traces: traces.len(),
        spans: traces.iter().map(Trace::len).sum(),
        list,
        seen,
        notes,
        comparison,
        is_accepted: false,
        refused: Vec::new(),
        unchecked,
    };
    if arguments.accept {
        accept(&mut coverage, &unknown)?;
    }
    Ok(coverage)
}

/// The recorded list; `None` if there is no file. With `--accept`, a broken file is an error too: it may be
/// another one.
fn recorded(path: &Path, accept: bool) -> Result<Option<Inventory>, Exit> {
    if !path.exists() {
        return Ok(None);
    }
    let failed = |error: LoadError| {
        let exit = fail_load(&error);
        if accept {
            fail(
                exit,
                "help: nothing was written; delete the file, or name another one with `--list`",
            );
        }
        exit
    };
    let source = workspace::read(path).map_err(|error| failed(LoadError::from(error)))?;
    let list = read(&source).map_err(|SpecErrors(errors)| {
        failed(LoadError::Wrong {
            unreadable: Vec::new(),
            errors,
        })
    });
    list.map(Some)
}

/// The reasons why spans can be missing: a file, or a part of one, cannot be read.
fn incomplete(traces: &Traces) -> Vec<String> {
    let part = traces.incomplete.values().next().map(|first| {
        let number = counted(traces.incomplete.len(), "trace");
        format!("spans of {number} are missing: {}", first.0)
    });
    let whole = (traces.unreadable > 0).then(|| {
        let files = counted(traces.unreadable, "file");
        format!("{files} with the extension of a trace cannot be read as one")
    });
    part.into_iter().chain(whole).collect()
}

fn assembled(traces: Traces) -> Vec<Trace> {
    let all = traces.all.into_iter().map(|one| {
        let trace = Trace::assemble(one.id, Origin::Foreign, one.spans);
        // The parent of the first span of a trace that spanspec started is no span.
        trace.with_losses(one.losses).with_own_caller()
    });
    all.collect()
}

/// Writes the list, unless a part of the traces is not known.
fn accept(coverage: &mut Coverage, unknown: &Unknown) -> Result<(), Exit> {
    let reasons = [&unknown.spans, &unknown.edges, &unknown.attributes];
    coverage.refused = reasons.into_iter().flatten().cloned().collect();
    if !coverage.refused.is_empty() {
        return Ok(());
    }
    let text = render(&coverage.seen);
    write_file(&coverage.list, &text, FileFormat::Text, &output::secrets())
        .map_err(|error| fail(Exit::Errored, &format!("error: {error}")))?;
    coverage.is_accepted = true;
    Ok(())
}

impl Coverage {
    fn vanished(&self) -> &[Item] {
        let of = self.comparison.as_ref();
        of.map_or(&[], |comparison| &comparison.vanished)
    }

    fn exit(&self, arguments: &CoverageArguments) -> Exit {
        if arguments.accept {
            return match self.is_accepted {
                true => Exit::Passed,
                false => Exit::Errored,
            };
        }
        match &self.comparison {
            None => Exit::Errored,
            Some(comparison) if !comparison.vanished.is_empty() => Exit::Failed,
            Some(comparison) if !comparison.unknown.is_empty() => Exit::Errored,
            Some(_) => Exit::Passed,
        }
    }
}

/// Prints the result and writes the reports. Returns the exit code.
fn written(coverage: &Coverage, arguments: &CoverageArguments) -> Exit {
    let mut exit = coverage.exit(arguments);
    let json = || json::render(coverage);
    for report in &arguments.reports {
        if let Err(error) = write_file(&report.0, &json(), FileFormat::Json, &output::secrets()) {
            fail(Exit::Errored, &format!("error: {error}"));
            exit = exit.or_errored();
        }
    }
    let text = match arguments.format {
        CoverageFormat::Text => output::secrets().text(&text::render(coverage)),
        CoverageFormat::Json => output::secrets().written(FileFormat::Json, &json()),
    };
    // Without a reader, the exit code is all that is left.
    let _ = output::stdout().write_all(text.as_bytes());
    if coverage.comparison.is_none() && !arguments.accept {
        let list = shown(&coverage.list);
        let text = format!(
            "error: there is no list to compare with: {list} does not exist\nhelp: record what these traces show with `--accept`, review the file, and commit it"
        );
        fail(exit, &text);
    }
    exit
}
