//! `spanspec run`: services up, specs run, services down, reports written.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use spanspec::report::{
    Detail, Granularity, Html, Json, Junit, Look, Progress, Reporter, Terminal,
};
use spanspec::run::{
    Flush, Options, Report, RunEvent, SaveTraces, Services, SpecReport, Stop, Telemetry, Trouble,
    Verdict,
};
use spanspec::service::{self, ServiceEvent, System, port_owner};
use spanspec::source::Receiver;
use spanspec::source::receiver::{BindError, DEFAULT_ADDRESSES};
use spanspec::spec::{Spec, SpecError};

use super::arguments::{Format, JunitGranularity, ReportKind, RunArguments};
use super::exit::{Exit, refuse};
use super::selection::{full_name, select};
use super::workspace::{Ports, Workspace};

/// Where traces of failed specs go, from the project's folder.
const TRACES: &str = "target/spanspec";

/// Does what the arguments say.
pub(super) fn run(arguments: RunArguments) -> Exit {
    let ports = if arguments.list {
        Ports::Unknown
    } else {
        Ports::Allocated
    };
    let mut workspace = match Workspace::load(&arguments.specs, ports) {
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
    let report = runtime.block_on(async {
        let session = Session {
            arguments: &arguments,
            workspace: &workspace,
            audience: &audience,
        };
        session.run(&specs).await
    });
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

    fn service_listener(&self) -> impl Fn(ServiceEvent) + Send + Sync + 'static {
        let this = Self(Arc::clone(&self.0));
        move |event| match &event {
            ServiceEvent::BuildStarted { service, .. } => {
                this.tell(&RunEvent::Building { service });
            }
            ServiceEvent::BuildOutput { service, line }
            | ServiceEvent::Output { service, line } => {
                this.tell(&RunEvent::Output { service, line });
            }
            ServiceEvent::Started { service, .. } => this.tell(&RunEvent::Starting { service }),
            ServiceEvent::Ready { service, time } => {
                this.tell(&RunEvent::Ready {
                    service,
                    after: *time,
                });
            }
            _ => {}
        }
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

/// One run, from the receiver's start to the services' end.
struct Session<'a> {
    arguments: &'a RunArguments,
    workspace: &'a Workspace,
    audience: &'a Audience,
}

impl Session<'_> {
    async fn run(&self, specs: &[Spec]) -> Report {
        let started = jiff::Timestamp::now();
        let receiver = match self.listen().await {
            Ok(receiver) => receiver,
            Err(error) => return unrun(specs, started, bind_trouble(&error)),
        };
        let (stopper, stop) = watch::channel(None);
        let interrupts = tokio::spawn(interrupts(stopper.clone()));
        let system = tokio::select! {
            system = self.start_services(&receiver) => system,
            () = interrupted(stop.clone()) => {
                let mut report = unrun(specs, started, Vec::new());
                report.interrupted = true;
                return report;
            }
        };
        let system = match system {
            Ok(system) => system,
            Err(trouble) => return unrun(specs, started, trouble),
        };
        let deaths = tokio::spawn(deaths(system.as_ref().map(System::died), stopper));
        let options = self.options(system.as_ref());
        let tell = |event: &RunEvent<'_>| self.audience.tell(event);
        let mut report = spanspec::run::run(specs, &receiver, &options, stop.clone(), tell).await;
        deaths.abort();
        if let Some(Stop::Died(trouble)) = &*stop.borrow() {
            report.trouble.push(trouble.clone());
        }
        if let Some(system) = system {
            self.audience.tell(&RunEvent::Stopping);
            system.stop().await;
        }
        interrupts.abort();
        report
    }

    async fn listen(&self) -> Result<Receiver, BindError> {
        let project = &self.workspace.project;
        let addresses: Vec<SocketAddr> = if !self.arguments.listen.is_empty() {
            self.arguments.listen.clone()
        } else if let Some(listen) = &project.listen {
            listen.clone()
        } else if project.has_services() {
            vec![SocketAddr::from(([127, 0, 0, 1], 0))]
        } else {
            DEFAULT_ADDRESSES.to_vec()
        };
        let builder = Receiver::builder().listen(addresses);
        project
            .cors
            .iter()
            .fold(builder, |builder, origin| builder.cors_origin(origin))
            .start()
            .await
    }

    async fn start_services(&self, receiver: &Receiver) -> Result<Option<System>, Vec<Trouble>> {
        let project = &self.workspace.project;
        let services = project
            .services(&self.workspace.globals)
            .map_err(|errors| {
                let said = |error: &SpecError| Trouble {
                    what: error.what.clone(),
                    at: Some(error.at.clone()),
                    details: Vec::new(),
                    help: error.help.clone().into_iter().collect(),
                };
                errors.0.iter().map(said).collect::<Vec<_>>()
            })?;
        if services.is_empty() {
            return Ok(None);
        }
        let port = receiver.addresses().first().map_or(0, SocketAddr::port);
        let telemetry = service::Telemetry {
            endpoint: format!("http://127.0.0.1:{port}"),
        };
        let listener = self.audience.service_listener();
        match service::start(services, &telemetry, listener).await {
            Ok(system) => Ok(Some(system)),
            Err(error) => Err(vec![Trouble::of(&error, None)]),
        }
    }

    fn options(&self, system: Option<&System>) -> Options {
        let arguments = self.arguments;
        let folder = self.workspace.project.dir.join(TRACES);
        let delay = system.and_then(System::effective_schedule_delay);
        Options {
            jobs: arguments.jobs,
            retries: arguments.retries,
            max_fail: if arguments.fail_fast {
                Some(1)
            } else {
                arguments.max_fail
            },
            flush: delay.map_or(Flush::Assumed, Flush::of_schedule_delay),
            starting_until: system.and_then(System::starting_until),
            save_traces: match &arguments.save_traces {
                _ if arguments.no_save_traces => SaveTraces::Never,
                Some(folder) => SaveTraces::All(folder.clone()),
                None => SaveTraces::Failures(shortened(folder)),
            },
            services: if system.is_some() {
                Services::Ours
            } else {
                Services::Theirs
            },
            secrets: Vec::new(),
        }
    }
}

/// A path below the working directory, as a user would type it.
fn shortened(path: PathBuf) -> PathBuf {
    PathBuf::from(super::files::shown(&path))
}

/// Tells the run when the user presses Ctrl-C, or the system wants us to end. The second time,
/// nothing is waited for.
async fn interrupts(stopper: watch::Sender<Option<Stop>>) {
    signal().await;
    stopper.send_if_modified(|stop| {
        let is_first = stop.is_none();
        stop.get_or_insert(Stop::Interrupted);
        is_first
    });
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

async fn interrupted(mut stop: watch::Receiver<Option<Stop>>) {
    let is_interrupted = |stop: &Option<Stop>| matches!(stop, Some(Stop::Interrupted));
    if stop.wait_for(is_interrupted).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Tells the run when a service dies.
async fn deaths(
    died: Option<impl Future<Output = service::Death>>,
    stopper: watch::Sender<Option<Stop>>,
) {
    let Some(died) = died else { return };
    let death = died.await;
    let trouble = Trouble::told(&death.to_string(), None);
    stopper.send_if_modified(|stop| {
        let is_first = stop.is_none();
        stop.get_or_insert(Stop::Died(trouble));
        is_first
    });
}

fn bind_trouble(error: &BindError) -> Vec<Trouble> {
    let is_taken = error.source.kind() == std::io::ErrorKind::AddrInUse;
    let port = error.addr.port();
    let owner = if is_taken { port_owner(port) } else { None };
    let by = owner.map_or_else(String::new, |owner| format!(" by {owner}"));
    let what = if is_taken {
        format!(
            "port {port} is taken{by}: cannot listen for OTLP on {}",
            error.addr
        )
    } else {
        format!("cannot listen for OTLP on {}: {}", error.addr, error.source)
    };
    vec![Trouble {
        what,
        at: None,
        details: Vec::new(),
        help: vec![
            "`receiver: { listen: [127.0.0.1:0] }` in spanspec.yaml, or `--listen 127.0.0.1:0`, takes a port that is free".to_owned(),
        ],
    }]
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
