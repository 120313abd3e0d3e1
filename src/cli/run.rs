//! `spanspec run`: services up, specs run, services down, reports written.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use spanspec::report::{
    Detail, Granularity, Html, Json, Junit, Look, Progress, Reporter, Terminal,
};
use spanspec::run::{
    Options, Report, RunEvent, SaveTraces, SpecReport, Stop, Telemetry, Trouble, Verdict,
};
use spanspec::session::{Listener, Session, Stopper};
use spanspec::spec::Spec;
use spanspec::workspace::{Ports, Workspace, shown};

use super::arguments::{Format, JunitGranularity, ReportKind, RunArguments};
use super::exit::{Exit, refuse};
use super::selection::{full_name, select};
use super::understand::understand;

/// Where traces of failed specs go, from the project's folder.
const TRACES: &str = "target/spanspec";

/// Does what the arguments say.
pub(super) fn run(arguments: RunArguments) -> Exit {
    let ports = if arguments.list {
        Ports::Unknown
    } else {
        Ports::Allocated
    };
    let mut workspace = match understand(&arguments.specs, ports) {
        Ok(workspace) => workspace,
        Err(exit) => return exit,
    };
    let all = std::mem::take(&mut workspace.specs);
    let known = all.len();
    let mut specs = select(all, &arguments.specs);
    if specs.is_empty() {
        return refuse(Exit::Nothing, &nothing_selected(known));
    }
    if arguments.list {
        return list(&specs);
    }
    if let Some(timeout) = arguments.timeout {
        let steps = specs.iter_mut().flat_map(|spec| spec.steps.iter_mut());
        steps.for_each(|step| step.wait.timeout = Some(timeout));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return refuse(
                Exit::Errored,
                &format!("error: cannot start threads: {error}"),
            );
        }
    };
    let audience = Audience::new(&arguments);
    let report = runtime.block_on(session(&workspace, &arguments, &specs, &audience));
    // A command that ignores its end must not keep us.
    runtime.shutdown_background();
    let exit = Exit::of(&report);
    if audience.finish(&report) {
        exit
    } else {
        worse(exit)
    }
}

/// A report that could not be written is an error where all passed.
fn worse(exit: Exit) -> Exit {
    if exit == Exit::Passed {
        Exit::Errored
    } else {
        exit
    }
}

fn nothing_selected(known: usize) -> String {
    match known {
        0 => "no spec was found: name files or folders, or `specs` in spanspec.yaml".to_owned(),
        1 => "the only spec was not selected by --filter, --tag and --shard".to_owned(),
        _ => format!("none of {known} specs was selected by --filter, --tag and --shard"),
    }
}

fn list(specs: &[Spec]) -> Exit {
    let names: Vec<String> = specs.iter().map(|spec| full_name(spec) + "\n").collect();
    // Where nobody reads it, it need not be written.
    let _ = anstream::stdout().write_all(names.concat().as_bytes());
    Exit::Passed
}

/// Everything that is told how the run goes.
struct Audience(Arc<Mutex<Vec<Box<dyn Reporter + Send>>>>);

impl Audience {
    fn new(arguments: &RunArguments) -> Self {
        let mut all: Vec<Box<dyn Reporter + Send>> = Vec::new();
        let detail = match (arguments.quiet, arguments.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        match arguments.format {
            Format::Text => {
                let progress = if arguments.quiet {
                    Progress::hidden()
                } else {
                    Progress::stderr()
                };
                all.push(Box::new(Terminal::stdout(
                    Look::of_stdout(),
                    detail,
                    progress,
                )));
            }
            Format::Json => all.push(Box::new(Json::stdout())),
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
            });
        }
        Self(Arc::new(Mutex::new(all)))
    }

    fn tell(&self, event: &RunEvent<'_>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().for_each(|reporter| reporter.on_event(event));
    }

    fn listener(&self) -> Listener {
        let this = Self(Arc::clone(&self.0));
        Arc::new(move |event| this.tell(event))
    }

    /// Writes all reports, also where one of them fails; tells whether all were written.
    fn finish(&self, report: &Report) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed: Vec<std::io::Error> = all
            .iter_mut()
            .filter_map(|reporter| reporter.finish(report).err())
            .collect();
        for error in &failed {
            refuse(Exit::Errored, &format!("error: {error}"));
        }
        failed.is_empty()
    }
}

/// What the services write, for `--verbose`.
struct Outputs;

impl Reporter for Outputs {
    fn on_event(&mut self, event: &RunEvent<'_>) {
        if let RunEvent::Output { service, line } = event {
            refuse(Exit::Passed, &format!("[{service}] {line}"));
        }
    }

    fn finish(&mut self, _: &Report) -> std::io::Result<()> {
        Ok(())
    }
}

/// From the receiver's start to the services' end.
async fn session(
    workspace: &Workspace,
    arguments: &RunArguments,
    specs: &[Spec],
    audience: &Audience,
) -> Report {
    let started = jiff::Timestamp::now();
    let stopper = Stopper::default();
    let interrupts = tokio::spawn(interrupts(stopper.clone()));
    let starting = Session::start(
        workspace,
        &arguments.listen,
        stopper.clone(),
        audience.listener(),
    );
    let session = tokio::select! {
        session = starting => session,
        () = stopper.interrupted() => {
            let mut report = unrun(specs, started, Vec::new());
            report.interrupted = true;
            return report;
        }
    };
    let session = match session {
        Ok(session) => session,
        Err(trouble) => return unrun(specs, started, trouble),
    };
    let report = session.run(specs, options(workspace, arguments)).await;
    session.stop().await;
    interrupts.abort();
    report
}

fn options(workspace: &Workspace, arguments: &RunArguments) -> Options {
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
        ..Options::default()
    }
}

/// A path below the working directory, as a user would type it.
fn shortened(path: PathBuf) -> PathBuf {
    PathBuf::from(shown(&path))
}

/// Tells the run when the user presses Ctrl-C, or the system wants us to end. The second time,
/// nothing is waited for.
async fn interrupts(stopper: Stopper) {
    signal().await;
    stopper.stop(Stop::Interrupted);
    signal().await;
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
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
    }
}
