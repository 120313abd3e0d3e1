//! `spanspec record FILE`: adds expectations for the trace to a spec that has a trigger.

use std::path::Path;
use std::sync::Arc;

use crate::atomic_file;
use crate::draft::{Execution, slots, with_expectations, with_probes};
use crate::result::{Phase, Report, SpecReport, StepReport, Verdict};
use crate::secret::Format;
use crate::spec::{Source, Spec};
use crate::trace::Response;
use crate::workspace::{read, shown};

use super::authoring_arguments::RecordArguments;
use super::exit::{Exit, fail, note};
use super::load::fail_load;
use super::output;
use super::record::{Prepared, explain, fire, fired, prepare, save, shots};

/// The file of a spec, if the arguments name one instead of a request.
pub(super) fn file(arguments: &RecordArguments) -> Option<&Path> {
    let [word] = arguments.request.as_slice() else {
        return None;
    };
    let path = Path::new(word);
    let is_yaml = path
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml");
    (is_yaml && !word.contains("://")).then_some(path)
}

/// Runs the specs of the file, and adds what their traces have in common.
pub(super) async fn record(path: &Path, arguments: &RecordArguments) -> Exit {
    let has_request = !arguments.headers.is_empty()
        || arguments.name.is_some()
        || arguments.json.is_some()
        || arguments.body.is_some()
        || !arguments.protos.is_empty()
        || !arguments.include.is_empty();
    if has_request {
        let message = "error: --name, --header, --json, --body, --proto and --include describe a request, and the file has one: change the file";
        return fail(Exit::Usage, message);
    }
    let source = match read(path) {
        Ok(source) => source,
        Err(error) => return fail(Exit::Usage, &format!("error: {error}")),
    };
    let slots = match slots(&source) {
        Ok(slots) if slots.is_empty() => {
            let message = format!(
                "error: each step of {} has `spans`: remove them to record new ones; nothing was fired",
                shown(path)
            );
            return fail(Exit::Usage, &message);
        }
        Ok(slots) => slots,
        Err(errors) => return fail_load(&errors.into()),
    };
    let Prepared {
        connection,
        workspace,
        context,
    } = match prepare(arguments).await {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let probe = Source::new(source.name(), with_probes(source.text(), &slots));
    let specs = match Spec::read_all(&probe, folder, &context) {
        Ok(specs) => shots(specs, arguments),
        Err(errors) => return fail_load(&errors.into()),
    };
    let report = match fire(&workspace, connection, &specs, arguments).await {
        Ok(report) => report,
        Err(exit) => return exit,
    };
    if report
        .specs
        .iter()
        .any(|spec| spec.verdict != Verdict::Passed)
    {
        return explain(&report);
    }
    for notice in &report.notices {
        note(&format!("note: {notice}"));
    }
    let documents = documents(&report);
    let steps = slots.into_iter().filter_map(|slot| {
        let seen: Option<Vec<Execution>> = documents
            .get(slot.document)?
            .iter()
            .map(|spec| execution(spec, slot.step))
            .collect();
        Some((slot, seen?))
    });
    let steps: Vec<_> = steps.collect();
    let mask = |lines: &str| output::secrets().written(Format::Text, lines);
    match with_expectations(source.text(), &steps, mask) {
        Ok(text) => write(path, arguments, &text),
        Err(errors) => fail_load(&errors.into()),
    }
}

/// The reports of each document of the file.
fn documents(report: &Report) -> Vec<Vec<&SpecReport>> {
    let mut documents: Vec<(usize, Vec<&SpecReport>)> = Vec::new();
    for spec in &report.specs {
        let line = spec.at.line();
        match documents.iter_mut().find(|(known, _)| *known == line) {
            Some((_, specs)) => specs.push(spec),
            None => documents.push((line, vec![spec])),
        }
    }
    documents.sort_by_key(|(line, _)| *line);
    documents.into_iter().map(|(_, specs)| specs).collect()
}

/// The trace of a step.
fn execution(spec: &SpecReport, number: usize) -> Option<Execution> {
    let mut steps = spec
        .attempts
        .last()?
        .steps
        .iter()
        .filter(|step| step.phase == Phase::Test);
    let step: &StepReport = steps.nth(number)?;
    Some(Execution {
        // Only the trace counts: expectations of the response stay as they are.
        response: Response::None,
        trace: Arc::clone(step.trace.as_ref()?),
    })
}

fn write(path: &Path, arguments: &RecordArguments, text: &str) -> Exit {
    let target = arguments.out.as_deref().unwrap_or(path);
    let written = match &arguments.out {
        Some(out) => save(out, text, arguments.force),
        None => atomic_file::replace(path, text.as_bytes()),
    };
    match written {
        Ok(()) => {
            let fired = fired(arguments.times);
            let target = shown(target);
            note(&format!(
                "{fired}\nexpectations for the trace were added: {target}; read it, then: spanspec run {target}"
            ));
            Exit::Passed
        }
        Err(error) => {
            let message = format!("error: cannot write {}: {error}", shown(target));
            fail(Exit::Errored, &message)
        }
    }
}
