//! `spanspec run`: services up, specs run, services down, reports written.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::report::text;
use crate::report::{
    Annotations, Detail, Github, Granularity, Html, Json, Junit, Look, Markdown, Progress,
    Reporter, Tap, Terminal,
};
use crate::result::{Report, RunEvent, SpecReport, Telemetry, Trouble, Verdict};
use crate::session::{Listener, Session, Stopper};
use crate::source::Remote;
use crate::spec::Spec;
use crate::step::{Options, SaveTraces, Stop};
use crate::workspace::{Ports, Workspace, shown};

use super::arguments::{Format, JunitGranularity, ReportKind, RunArguments};
use super::exit::{Exit, fail, note};
use super::host::{fail_with, runtime};
use super::load::load;
use super::output;
use super::selection::{full_name, select};

/// Where traces of failed specs go, from the project's folder.
const TRACES: &str = "target/spanspec";

/// Does what the arguments say.
pub(super) fn run(arguments: RunArguments) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let remote = match &arguments.receiver {
        Some(receiver) if !arguments.list => match runtime.block_on(Remote::connect(receiver)) {
            Ok(remote) => Some(remote),
            Err(error) => return fail_with(&[Trouble::from_error(&error)]),
        },
        _ => None,
    };
    let ports = match &remote {
        _ if arguments.list => Ports::Unknown,
        Some(remote) => Ports::Given(remote.health().ports.clone()),
        None => Ports::Allocated,
    };
    let mut workspace = match load(&arguments.specs, ports) {
        Ok(workspace) => workspace,
        Err(exit) => return exit,
    };
    let all = std::mem::take(&mut workspace.specs);
    let known = all.len();
    let specs = patient(select(all, &arguments.specs), &arguments);
    if specs.is_empty() {
        return fail(Exit::Nothing, &nothing_selected(known));
    }
    if arguments.list {
        return list(&specs);
    }
    let audience = Audience::new(&arguments);
    let report = runtime.block_on(session(&workspace, remote, &arguments, &specs, &audience));
    // A command that ignores its end must not keep us.
    runtime.shutdown_background();
    let exit = Exit::of(&report);
    if audience.finish(&report) {
        exit
    } else {
        worse(exit)
    }
}

/// The specs with the timeout of the arguments.
pub(super) fn patient(specs: Vec<Spec>, arguments: &RunArguments) -> Vec<Spec> {
    with_timeout(specs, arguments.timeout)
}

/// The specs with this timeout, if there is one.
pub(super) fn with_timeout(mut specs: Vec<Spec>, timeout: Option<Duration>) -> Vec<Spec> {
    if let Some(timeout) = timeout {
        let steps = specs.iter_mut().flat_map(|spec| spec.steps.iter_mut());
        steps.for_each(|step| step.wait.timeout = Some(timeout));
    }
    specs
}

/// A report that could not be written is an error where all passed.
fn worse(exit: Exit) -> Exit {
    if exit == Exit::Passed {
        Exit::Errored
    } else {
        exit
    }
}

pub(super) fn nothing_selected(known: usize) -> String {
    match known {
        0 => "no spec was found: name files or folders, or `specs` in spanspec.yaml".to_owned(),
        1 => "the only spec was not selected by --filter, --tag and --shard".to_owned(),
        _ => format!("none of {known} specs was selected by --filter, --tag and --shard"),
    }
}

fn list(specs: &[Spec]) -> Exit {
    let names: Vec<String> = specs
        .iter()
        .map(|spec| output::secrets().text(&full_name(spec)) + "\n")
        .collect();
    // Where nobody reads it, it need not be written.
    let _ = output::stdout().write_all(names.concat().as_bytes());
    Exit::Passed
}

/// Everything that is told how the run goes.
pub(super) struct Audience(Arc<Mutex<Vec<Box<dyn Reporter + Send>>>>);

impl Audience {
    pub(super) fn new(arguments: &RunArguments) -> Self {
        Self(Arc::new(Mutex::new(reporters(arguments))))
    }

    /// Starts over, for another run.
    pub(super) fn renew(&self, arguments: &RunArguments) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all = reporters(arguments);
    }

    fn tell(&self, event: &RunEvent<'_>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().for_each(|reporter| reporter.on_event(event));
    }

    pub(super) fn listener(&self) -> Listener {
        let this = Self(Arc::clone(&self.0));
        Arc::new(move |event| this.tell(event))
    }

    /// Writes all reports, also where one of them fails; tells whether all were written.
    pub(super) fn finish(&self, report: &Report) -> bool {
        let report = output::secrets().report(report.clone());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed: Vec<std::io::Error> = all
            .iter_mut()
            .filter_map(|reporter| reporter.finish(&report).err())
            .collect();
        for error in &failed {
            fail(Exit::Errored, &format!("error: {error}"));
        }
        failed.is_empty()
    }
}

/// Whether a runner of GitHub's reads what we write.
fn is_on_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

fn terminal(arguments: &RunArguments, detail: Detail) -> Terminal<impl Write + Send + use<>> {
    let progress = if arguments.quiet {
        Progress::hidden()
    } else {
        Progress::stderr()
    };
    Terminal::new(output::stdout(), Look::of_stdout(), detail, progress)
}

fn github(
    arguments: &RunArguments,
    detail: Detail,
) -> Github<impl Write + Send + use<>, impl Reporter + Send + use<>> {
    let annotations = if arguments.no_annotations {
        Annotations::LeftOut
    } else {
        Annotations::Shown
    };
    Github::stdout(terminal(arguments, detail), annotations)
}

/// Everybody who is told, by the arguments.
fn reporters(arguments: &RunArguments) -> Vec<Box<dyn Reporter + Send>> {
    let mut all: Vec<Box<dyn Reporter + Send>> = Vec::new();
    let detail = match (arguments.quiet, arguments.verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::Verbose,
        _ => Detail::Normal,
    };
    match arguments.format {
        Format::Text if is_on_github() => all.push(Box::new(github(arguments, detail))),
        Format::Text => all.push(Box::new(terminal(arguments, detail))),
        Format::Github => all.push(Box::new(github(arguments, detail))),
        Format::Json => all.push(Box::new(Json::stdout())),
        Format::Tap => all.push(Box::new(Tap::stdout())),
    }
    if arguments.verbose {
        all.push(Box::new(Outputs));
    }
    for file in &arguments.reports {
        all.push(match file.kind {
            ReportKind::Junit => {
                let granularity = match arguments.junit_granularity {
                    JunitGranularity::Spec => Granularity::Spec,
                    JunitGranularity::Check => Granularity::Check,
                };
                Box::new(Junit::file(&file.path, granularity))
            }
            ReportKind::Json => Box::new(Json::file(&file.path)),
            ReportKind::Html => Box::new(Html::file(&file.path)),
            ReportKind::Markdown => Box::new(Markdown::file(&file.path)),
        });
    }
    if let Some(folder) = &arguments.results {
        all.push(Box::new(Json::in_folder(folder)));
    }
    all
}

/// What the services write, for `--verbose`.
struct Outputs;

impl Reporter for Outputs {
    fn on_event(&mut self, event: &RunEvent<'_>) {
        if let RunEvent::Output { service, line } = event {
            note(&text::output(service, line));
        }
    }

    fn finish(&mut self, _: &Report) -> std::io::Result<()> {
        Ok(())
    }
}

/// From the receiver's start to the services' end.
async fn session(
    workspace: &Workspace,
    remote: Option<Remote>,
    arguments: &RunArguments,
    specs: &[Spec],
    audience: &Audience,
) -> Report {
    let started = jiff::Timestamp::now();
    let stopper = Stopper::default();
    let interrupts = tokio::spawn(interrupts([stopper.clone()]));
    let (listener, listen) = (audience.listener(), &arguments.listen);
    let starting = async {
        match remote {
            Some(remote) => Ok(Session::attached(
                remote,
                workspace,
                stopper.clone(),
                listener,
            )),
            None => Session::start(workspace, listen, stopper.clone(), listener).await,
        }
    };
    let session = tokio::select! {
        session = starting => session,
        () = stopper.interrupted() => {
            let mut report = unrun(specs, started, Vec::new());
            report.interrupted = true;
            return report;
        }
    };
    let mut session = match session {
        Ok(session) => session,
        Err(trouble) => return unrun(specs, started, trouble),
    };
    let open = session.run_open(specs, options(workspace, arguments)).await;
    // Reports are written when the services have ended: they may export their last spans then.
    session.stop_services().await;
    let report = session.close(open).await;
    session.stop().await;
    interrupts.abort();
    report
}

pub(super) fn options(workspace: &Workspace, arguments: &RunArguments) -> Options {
    let folder = workspace.project.dir.join(TRACES);
    Options {
        jobs: arguments.jobs,
        retries: arguments.retries,
        max_fail: if arguments.fail_fast {
            Some(1)
        } else {
            arguments.max_fail
        },
        save_traces: match &arguments.save_traces {
            _ if arguments.no_save_traces => SaveTraces::Never,
            Some(folder) => SaveTraces::All(folder.clone()),
            None => SaveTraces::Failures(shortened(folder)),
        },
        budgets: arguments.budgets.budgeting(&workspace.project),
        ..Options::default()
    }
}

/// A path below the working directory, as a user would type it.
fn shortened(path: PathBuf) -> PathBuf {
    PathBuf::from(shown(&path))
}

/// Tells the run when the user presses Ctrl-C, or the system wants us to end. The second time,
/// nothing is waited for.
pub(super) async fn interrupts(stoppers: impl IntoIterator<Item = Stopper>) {
    signal().await;
    for stopper in stoppers {
        stopper.stop(Stop::Interrupted);
    }
    signal().await;
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    let mut hangup = super::hangup::listen();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        () = super::hangup::next(&mut hangup) => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The report of a run that did not come so far as to run a spec.
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
        secrets: output::secrets(),
    }
}
