//! `spanspec run`: services up, specs run, services down, reports written.

use std::io::Write;
use std::path::Path;

use crate::result::{Report, SpecReport, Telemetry, Trouble, Verdict, WithoutSpecs};
use crate::run::propose_shapes;
use crate::session::saved_traces;
use crate::source::{self, Connection};
use crate::spec::Spec;
use crate::step::{Options, SaveTraces};
use crate::workspace::{Ports, Search, Workspace, with_timeout};

use super::arguments::RunArguments;
use super::exit::{Exit, fail};
use super::load::{fail_load, search, troubles, warn_of_unused};
use super::output;
use super::reporters::Reporters;
use super::selection::{full_name, nothing_selected, select};
use super::session::{NotStarted, Start, block_on, fail_with, ports, two_sources, with_session};

/// The search of a run, in which `--source` overrides that of the project file.
pub(super) fn run_search(arguments: &RunArguments, ports: Ports) -> Search {
    Search {
        backend: arguments.execution.source.clone(),
        ..search(&arguments.specs, ports)
    }
}

/// Runs the selected specs.
pub(super) fn run(arguments: RunArguments) -> Exit {
    block_on(run_selected(&arguments))
}

async fn run_selected(arguments: &RunArguments) -> Exit {
    let connection = match &arguments.execution.receiver.url {
        Some(receiver) if !arguments.list => match source::connect(receiver).await {
            Ok(connection) => Some(connection),
            Err(error) => {
                let trouble = vec![Trouble::from_error(&error)];
                fail_with(&trouble);
                return without_specs(arguments, trouble, Exit::Errored);
            }
        },
        _ => None,
    };
    let ports = match arguments.list {
        true => Ports::Unknown,
        false => ports(connection.as_ref()),
    };
    let mut workspace = match Workspace::load(&run_search(arguments, ports)) {
        Ok(workspace) => workspace,
        Err(error) => return without_specs(arguments, troubles(&error), fail_load(&error)),
    };
    if let Some(trouble) = two_sources(&workspace, connection.as_ref()) {
        let trouble = vec![trouble];
        fail_with(&trouble);
        return without_specs(arguments, trouble, Exit::Usage);
    }
    warn_of_unused(&workspace);
    let all = std::mem::take(&mut workspace.specs);
    let known = all.len();
    let project = &workspace.project.dir;
    let specs = with_timeout(
        select(all, project, &arguments.specs),
        arguments.execution.timeout,
    );
    if specs.is_empty() {
        let what = nothing_selected(known, &arguments.specs);
        fail(Exit::Nothing, &what);
        return without_specs(arguments, vec![Trouble::new(&what)], Exit::Nothing);
    }
    if arguments.list {
        return list(&specs, project);
    }
    workspace.start_for(&specs);
    let reporters = Reporters::new(arguments);
    let mut report = report(&workspace, connection, arguments, &specs, &reporters).await;
    report.fail_flaky = arguments.fail_flaky;
    if report.fail_flaky && report.has_flaky() {
        let note = "a spec passed only after a retry, which fails the run (--fail-flaky)";
        report.notices.push(note.to_owned());
    }
    let exit = Exit::of(&report);
    if reporters.finish(&report) {
        exit
    } else {
        exit.or_errored()
    }
}

/// Writes the reports of a run without specs, so that no report of an earlier run remains, and returns
/// `exit`. The errors have been printed.
fn without_specs(arguments: &RunArguments, trouble: Vec<Trouble>, exit: Exit) -> Exit {
    if arguments.list {
        return exit;
    }
    let report = Report {
        without_specs: match exit {
            Exit::Usage => Some(WithoutSpecs::Invalid),
            Exit::Nothing => Some(WithoutSpecs::NotSelected),
            _ => None,
        },
        ..unrun(&[], jiff::Timestamp::now(), trouble)
    };
    Reporters::without_text(arguments).finish(&report);
    exit
}

fn list(specs: &[Spec], project: &Path) -> Exit {
    let specs = specs.iter().filter(|spec| !spec.is_of_other_profiles);
    let names: Vec<String> = specs
        .map(|spec| output::secrets().text(&full_name(spec, project)) + "\n")
        .collect();
    // An error of writing is ignored: standard output is closed.
    let _ = output::stdout().write_all(names.concat().as_bytes());
    Exit::Passed
}

/// The report of a run in its own session.
pub(super) async fn report(
    workspace: &Workspace,
    connection: Option<Connection>,
    arguments: &RunArguments,
    specs: &[Spec],
    reporters: &Reporters,
) -> Report {
    let started = jiff::Timestamp::now();
    let start = Start {
        workspace,
        listen: &arguments.execution.receiver.listen,
        connection,
        listener: reporters.listener(),
    };
    let ran = with_session(start, async |session| {
        let open = session.run_open(specs, options(workspace, arguments)).await;
        // Services may export their last spans when they end.
        session.stop_services().await;
        session.close(open).await
    });
    match ran.await {
        Ok(mut report) => {
            let update = arguments.budgets.budgeting(&workspace.project).update;
            propose_shapes(&mut report, specs, update);
            report
        }
        Err(NotStarted::Failed(trouble)) => unrun(specs, started, trouble),
        Err(NotStarted::Interrupted) => Report {
            interrupted: true,
            ..unrun(specs, started, Vec::new())
        },
    }
}

/// The settings of a run.
pub(super) fn options(workspace: &Workspace, arguments: &RunArguments) -> Options {
    Options {
        jobs: arguments.execution.jobs,
        retries: arguments.execution.retries,
        max_fail: if arguments.fail_fast {
            Some(1)
        } else {
            arguments.max_fail
        },
        save_traces: match arguments.no_save_traces {
            true => SaveTraces::Never,
            false => saved_traces(workspace, arguments.save_traces.as_deref()),
        },
        budgets: arguments.budgets.budgeting(&workspace.project),
        ..Options::default()
    }
}

/// The report of a run whose session did not start.
fn unrun(specs: &[Spec], started: jiff::Timestamp, trouble: Vec<Trouble>) -> Report {
    let why = trouble
        .first()
        .map_or_else(|| "interrupted".to_owned(), |one| one.what.clone());
    let specs = specs.iter().map(|spec| SpecReport {
        name: spec.name.clone(),
        at: spec.at.clone(),
        tags: spec.tags.clone(),
        verdict: match &spec.skip {
            Some(reason) => Verdict::Skipped(reason.clone()),
            None => Verdict::NotRun(why.clone()),
        },
        attempts: Vec::new(),
        duration: std::time::Duration::ZERO,
    });
    Report {
        started,
        duration: jiff::Timestamp::now()
            .duration_since(started)
            .try_into()
            .unwrap_or_default(),
        specs: specs.collect(),
        trouble,
        notices: Vec::new(),
        telemetry: Telemetry::default(),
        interrupted: false,
        without_specs: None,
        fail_flaky: false,
        secrets: output::secrets(),
    }
}
