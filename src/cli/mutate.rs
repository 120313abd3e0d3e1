//! `spanspec mutate`: runs the specs once, and finds faults in their traces and responses that no check notices.

use std::io::Write;
use std::path::PathBuf;

use crate::mutate::{
    ExamSettings, Extent, MOST_RECORDS, NotExamined, SpecInput, Suite, Which, examine,
};
use crate::number::counted;
use crate::report::{Look, mutation, write_file};
use crate::result::{Phase, Report, SpecReport, Trouble, Verdict};
use crate::run::passing_trace;
use crate::secret::Format;
use crate::session::Stopper;
use crate::source::{self, Connection};
use crate::spec::Spec;
use crate::step::{KeptEvidence, Options, StepEvidence};
use crate::workspace::{Search, Workspace, shown, with_timeout};

use super::exit::{Exit, fail, note};
use super::live::Live;
use super::load::{fail_load, search, warn_of_unused};
use super::mutate_arguments::{MutateArguments, MutateFormat, MutateReportKind};
use super::output;
use super::selection::{nothing_selected, select, selects_all};
use super::session::{
    Interruptions, NotStarted, Start, block_on, fail_with, ports, two_sources, with_session,
};

/// Runs the selected specs, and judges each again with faults.
pub(super) fn mutate(arguments: &MutateArguments) -> Exit {
    block_on(mutate_selected(arguments))
}

async fn mutate_selected(arguments: &MutateArguments) -> Exit {
    let connection = match connect(arguments).await {
        Ok(connection) => connection,
        Err(exit) => return without_specs(arguments, exit),
    };
    let search = Search {
        backend: arguments.execution.source.clone(),
        ..search(&arguments.specs, ports(connection.as_ref()))
    };
    let mut workspace = match Workspace::load(&search) {
        Ok(workspace) => workspace,
        Err(error) => return without_specs(arguments, fail_load(&error)),
    };
    if let Some(trouble) = two_sources(&workspace, connection.as_ref()) {
        fail_with(&[trouble]);
        return without_specs(arguments, Exit::Usage);
    }
    warn_of_unused(&workspace);
    let all = std::mem::take(&mut workspace.specs);
    let known = all.len();
    let specs = select(all, &workspace.project.dir, &arguments.specs);
    if specs.is_empty() {
        let exit = fail(Exit::Nothing, &nothing_selected(known, &arguments.specs));
        return without_specs(arguments, exit);
    }
    if let Some(folder) = &arguments.traces {
        let inputs: Vec<SpecInput<'_>> = specs
            .iter()
            .map(|spec| saved(spec, std::slice::from_ref(folder)))
            .collect();
        return finish(&workspace, &inputs, None, arguments).await;
    }
    let specs = with_timeout(specs, arguments.execution.timeout);
    let specs: Vec<Spec> = specs.into_iter().map(once).collect();
    workspace.start_for(&specs);
    let (report, evidence) = match run(&workspace, connection, &specs, arguments).await {
        Ok(ran) => ran,
        Err(not_started) => return not_run(&specs, &not_started, arguments),
    };
    for notice in &report.notices {
        note(&format!("note: {notice}"));
    }
    let inputs = inputs(&specs, &report, evidence);
    finish(&workspace, &inputs, Some(&report), arguments).await
}

/// Judges the faults, and writes the result. `report` is that of the run, if there was one.
async fn finish(
    workspace: &Workspace,
    inputs: &[SpecInput<'_>],
    report: Option<&Report>,
    arguments: &MutateArguments,
) -> Exit {
    let mut suite = match judged(workspace, inputs, arguments).await {
        Ok(suite) => suite.masked(&output::secrets()),
        Err(exit) => return without_specs(arguments, exit),
    };
    suite.is_interrupted |= report.is_some_and(|report| report.interrupted);
    let exit = exit(&suite, report, arguments);
    written(&suite, arguments, exit)
}

/// Writes the reports of a command without specs, so that no report of an earlier one remains, and returns
/// `exit`. The errors have been printed.
fn without_specs(arguments: &MutateArguments, exit: Exit) -> Exit {
    let suite = Suite::none();
    if arguments.format == MutateFormat::Json {
        print(&suite, arguments);
    }
    write_files(&suite, arguments, exit)
}

/// Writes the reports of specs that were not run.
fn not_run(specs: &[Spec], not_started: &NotStarted, arguments: &MutateArguments) -> Exit {
    let exit = not_started.exit();
    let why = match not_started {
        NotStarted::Interrupted => Some("interrupted"),
        NotStarted::Failed(troubles) => troubles.first().map(|one| one.what.as_str()),
    };
    let why = format!("not run: {}", why.unwrap_or("nothing was started"));
    let specs = specs.iter();
    let suite = Suite {
        not_examined: specs
            .map(|spec| NotExamined::new(spec, why.clone()))
            .collect(),
        is_interrupted: matches!(not_started, NotStarted::Interrupted),
        ..Suite::none()
    };
    written(&suite.masked(&output::secrets()), arguments, exit)
}

/// A spec with the traces of its steps that an earlier run saved in one of these folders. The files have neither responses nor log
/// records, and secrets are masked: checks that need them are not judged again.
pub(super) fn saved<'s>(spec: &'s Spec, folders: &[PathBuf]) -> SpecInput<'s> {
    let name = output::secrets().text(&spec.name);
    let steps = spec.steps.iter().enumerate();
    let found = steps.filter_map(|(number, step)| {
        let number = spec.setup.len() + number;
        let mut saved = folders
            .iter()
            .filter_map(|folder| passing_trace(folder, &name, spec.at.source.name(), number));
        let saved = saved.next()?;
        StepEvidence::of_trace(spec, step, &saved.trace)
    });
    let found: Vec<StepEvidence> = found.collect();
    SpecInput {
        spec,
        evidence: match found.is_empty() {
            true => Err(format!(
                "no trace with which it passed is in {}: run `spanspec run --save-traces DIR`",
                in_words(folders)
            )),
            false => Ok(found),
        },
    }
}

fn in_words(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders.iter().map(|folder| shown(folder)).collect();
    match names.is_empty() {
        true => "a folder that was given".to_owned(),
        false => names.join(" or "),
    }
}

async fn connect(arguments: &MutateArguments) -> Result<Option<Connection>, Exit> {
    let Some(receiver) = &arguments.execution.receiver.url else {
        return Ok(None);
    };
    match source::connect(receiver).await {
        Ok(connection) => Ok(Some(connection)),
        Err(error) => Err(fail_with(&[Trouble::from_error(&error)])),
    }
}

/// The spec with a single request. Budgets need many, and are not judged again.
fn once(mut spec: Spec) -> Spec {
    if !spec.is_search() {
        spec.repeat = None;
        spec.budgets.clear();
    }
    spec
}

/// Runs the specs, and keeps the evidence of their steps.
async fn run(
    workspace: &Workspace,
    connection: Option<Connection>,
    specs: &[Spec],
    arguments: &MutateArguments,
) -> Result<(Report, Vec<StepEvidence>), NotStarted> {
    let live = Live::new(arguments.verbose);
    live.expect(specs.len());
    let start = Start {
        workspace,
        listen: &arguments.execution.receiver.listen,
        connection,
        listener: live.listener(""),
    };
    let kept = KeptEvidence::default();
    let options = Options {
        jobs: arguments.execution.jobs,
        retries: arguments.execution.retries,
        keep_evidence: Some(kept.clone()),
        ..Options::default()
    };
    let ran = with_session(start, async |session| {
        let open = session.run_open(specs, options).await;
        // Services may export their last spans when they end.
        session.stop_services().await;
        session.close(open).await
    });
    let ran = ran.await;
    live.clear();
    Ok((ran?, kept.take()))
}

/// Each spec with its evidence, or with the reason why it is not examined.
fn inputs<'s>(
    specs: &'s [Spec],
    report: &Report,
    evidence: Vec<StepEvidence>,
) -> Vec<SpecInput<'s>> {
    let mut evidence: Vec<Option<StepEvidence>> = evidence.into_iter().map(Some).collect();
    let both = specs.iter().zip(&report.specs);
    let inputs = both.map(|(spec, report)| SpecInput {
        spec,
        evidence: match why_not(spec, report) {
            Some(why) => Err(why),
            None => Ok(kept(report)
                .filter_map(|number| evidence.get_mut(number)?.take())
                .collect()),
        },
    });
    inputs.collect()
}

/// The numbers of the evidence of the tested steps.
fn kept(report: &SpecReport) -> impl Iterator<Item = usize> {
    let steps = report.attempts.last().into_iter();
    let steps = steps.flat_map(|attempt| &attempt.steps);
    let tested = steps.filter(|step| step.phase == Phase::Test);
    tested.filter_map(|step| step.kept)
}

/// The reason why a spec is not examined.
fn why_not(spec: &Spec, report: &SpecReport) -> Option<String> {
    if spec.is_search() {
        return Some("`search` checks traces that exist".to_owned());
    }
    match &report.verdict {
        Verdict::Passed => None,
        Verdict::Failed => Some(format!("failed: {}", first_failure(report))),
        Verdict::Errored => Some(format!("errored: {}", first_failure(report))),
        Verdict::Skipped(why) => Some(format!("skipped: {why}")),
        Verdict::NotRun(why) => Some(format!("not run: {why}")),
    }
}

fn first_failure(report: &SpecReport) -> String {
    let steps = report.attempts.last().into_iter();
    let mut steps = steps.flat_map(|attempt| &attempt.steps);
    let why = steps.find_map(|step| {
        let failure = step.failures().next().map(ToString::to_string);
        let trouble = step.trouble.as_ref().map(|trouble| trouble.what.clone());
        failure.or(trouble)
    });
    why.unwrap_or_else(|| "see `spanspec run`".to_owned())
}

/// Judges the faults. Ctrl-C ends it, with what is known; the second one ends the process.
async fn judged(
    workspace: &Workspace,
    inputs: &[SpecInput<'_>],
    arguments: &MutateArguments,
) -> Result<Suite, Exit> {
    let settings = ExamSettings {
        which: match arguments.all {
            true => Which::All,
            false => Which::Default,
        },
        ignored: &workspace.ignored_faults,
        extent: match selects_all(&arguments.specs) {
            true => Extent::Project,
            false => Extent::Selection,
        },
        records: MOST_RECORDS,
    };
    let interruptions = Interruptions::listen().map_err(|error| {
        let text = format!("error: cannot listen for Ctrl-C: {error}");
        fail(Exit::Errored, &text)
    })?;
    if arguments.verbose {
        note(&format!(
            "judging faults of {}",
            counted(inputs.len(), "spec")
        ));
    }
    let stopper = Stopper::default();
    let waiting = tokio::spawn(interruptions.stop([stopper.clone()]));
    let suite =
        tokio::task::block_in_place(|| examine(inputs, settings, &|| stopper.why().is_some()));
    waiting.abort();
    Ok(suite)
}

fn exit(suite: &Suite, report: Option<&Report>, arguments: &MutateArguments) -> Exit {
    if suite.is_interrupted || report.is_some_and(|report| report.interrupted) {
        return Exit::Interrupted;
    }
    let is_low = |minimum: f64| suite.score.share().is_some_and(|score| score < minimum);
    match report.map_or(Exit::Passed, Exit::of) {
        Exit::Passed if suite.score.counted == 0 => Exit::Nothing,
        Exit::Passed if arguments.min_score.is_some_and(is_low) => Exit::Failed,
        exit => exit,
    }
}

/// Writes all reports, and returns the exit code.
fn written(suite: &Suite, arguments: &MutateArguments, exit: Exit) -> Exit {
    print(suite, arguments);
    write_files(suite, arguments, exit)
}

/// Writes to standard output.
fn print(suite: &Suite, arguments: &MutateArguments) {
    let text = match arguments.format {
        MutateFormat::Text => mutation::text(suite, arguments.min_score, &Look::of_stdout()),
        MutateFormat::Json => output::secrets().written(Format::Json, &mutation::json(suite)),
    };
    // Without a reader, the exit code is all that is left.
    let _ = output::stdout().write_all(text.as_bytes());
}

/// Writes the files, and returns the exit code.
fn write_files(suite: &Suite, arguments: &MutateArguments, exit: Exit) -> Exit {
    let mut exit = exit;
    for report in &arguments.reports {
        let (text, format) = match report.kind {
            MutateReportKind::Html => (mutation::html(suite), Format::Markup),
            MutateReportKind::Json => (mutation::json(suite), Format::Json),
        };
        if let Err(error) = write_file(&report.path, &text, format, &output::secrets()) {
            exit = fail(exit.or_errored(), &format!("error: {error}"));
        }
    }
    exit
}
