//! The system under test and the receiver of its spans, from the first start to the last stop.
//!
//! A session is started for a [`Workspace`]; specs are then run in it any number of times. The
//! command line, output and Ctrl-C are left to the caller.

mod receivers;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::budget::baseline::ReceivedBy;
use crate::result::{Report, RunEvent, Trouble};
use crate::run::{OpenRun, RunEnd, run_open};
use crate::secret::Secrets;
use crate::service::{self, OutputStream, Service, ServiceEvent, System};
use crate::source::backend::{Backend, DEFAULT_DELAY};
use crate::source::remote::Health;
use crate::source::{
    Connection, Receiver, ReceiverStats, ScrapeTarget, Store, TextLog, TraceSource,
};
use crate::spec::Spec;
use crate::step::{Budgeting, Flush, Options, SaveTraces, Services, Stop};
use crate::workspace::{Workspace, shown};

use receivers::named_receivers;
pub use receivers::{addresses, exposures, receiver, telemetry, unbound};

pub use crate::process::OrphanGuard;

/// Maximum time to read the exports that services sent before they ended. Connections of a
/// Collector that keeps running are not waited for any longer.
const DRAIN: Duration = Duration::from_millis(250);

/// Receives the events of a session. Called from several tasks; must not block.
pub type Listener = Arc<dyn Fn(&RunEvent<'_>) + Send + Sync>;

/// Stops a session early. The first reason is kept.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Option<Stop>>);

/// A receiver of spans and, if the project has any, services that are ready.
/// [`stop`](Self::stop) ends them in order; dropping it kills them.
#[must_use = "dropping it kills the services"]
pub struct Session {
    source: Source,
    system: Option<System>,
    /// When the services were asked to end.
    stopping_since: Option<Instant>,
    stopper: Stopper,
    /// The receivers with names, which fill the store of the first one.
    named: Vec<Receiver>,
    /// Ended when dropped.
    exit_watch: JoinSet<()>,
    listener: Listener,
    secrets: Secrets,
    /// Endpoints with metrics of the services of the project file, including those that are not started by this run.
    scrape: Vec<ScrapeTarget>,
    /// The `service.name` of each service that was started, if its `env` sets it.
    service_names: BTreeSet<String>,
}

/// The source of the spans of a session.
#[derive(Debug)]
enum Source {
    /// We listen.
    Ours(Receiver),
    /// Another process does, and started the services, too.
    Theirs(Connection),
    /// A backend has the traces. If we start services, we listen nevertheless.
    Backend {
        backend: Box<Backend>,
        receiver: Option<Receiver>,
    },
}

/// A note about services that were started, but sent no span in the whole run: checks that there is no
/// such span pass for that reason.
fn silent(names: &BTreeSet<String>, stats: &ReceiverStats) -> Option<String> {
    let has_spans =
        |name: &&String| stats.related.contains_key(*name) || stats.unrelated.contains_key(*name);
    let silent = names.iter().filter(|name| !has_spans(name));
    let silent: Vec<String> = silent.map(|name| format!("`{name}`")).collect();
    (!silent.is_empty()).then(|| {
        format!(
            "no span arrived with `service.name` {}: checks for the absence of such spans prove nothing; if specs call these services, check their SDKs and exporters",
            silent.join(", ")
        )
    })
}

impl Default for Stopper {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Stopper {
    /// Stops the session. Returns `true` for the first call.
    pub fn stop(&self, why: Stop) -> bool {
        self.0.send_if_modified(|stop| {
            let is_first = stop.is_none();
            stop.get_or_insert(why);
            is_first
        })
    }

    /// Resolves when the user wants to end; never when a service died.
    pub async fn interrupted(&self) {
        let is_interrupted = |stop: &Option<Stop>| matches!(stop, Some(Stop::Interrupted));
        // We hold the sender ourselves, so that it is not closed.
        let _ = self.0.subscribe().wait_for(is_interrupted).await;
    }

    /// Resolves when it ends, with the reason.
    pub async fn stopped(&self) -> Stop {
        let mut stop = self.0.subscribe();
        let stopped = stop.wait_for(Option::is_some).await;
        match stopped.ok().and_then(|stop| stop.clone()) {
            Some(stop) => stop,
            None => std::future::pending().await,
        }
    }

    /// The reason for the stop, if there was one.
    #[must_use]
    pub fn why(&self) -> Option<Stop> {
        self.0.borrow().clone()
    }
}

impl Session {
    /// Listens, builds and starts the services of the project, and waits until they are ready.
    /// Dropping the future kills what was started.
    ///
    /// `listen` wins over what the project says. Where neither says anything, it is a free port
    /// if there are services to start, and else the ports that OTLP has.
    ///
    /// # Errors
    /// When a port is taken, or a service does not become ready: then nothing is left running.
    pub async fn start(
        workspace: &Workspace,
        listen: &[SocketAddr],
        stopper: Stopper,
        listener: Listener,
    ) -> Result<Self, Vec<Trouble>> {
        let backend = workspace.backend.clone().map(Backend::new).transpose();
        let backend = backend.map_err(|error| vec![Trouble::from_error(&error)])?;
        let backend = match backend {
            Some(backend) if !workspace.project.has_services() => {
                let gone = backend.gone();
                let source = Source::Backend {
                    backend: Box::new(backend),
                    receiver: None,
                };
                return Ok(Self::attached_to(
                    source, gone, workspace, stopper, listener,
                ));
            }
            other => other,
        };
        let receiver = receiver(workspace, listen)
            .start()
            .await
            .map_err(|error| vec![unbound(&error)])?;
        let session = Self::with_receiver(receiver, workspace, stopper, listener).await?;
        Ok(match backend {
            Some(backend) => session.reading_from(backend),
            None => session,
        })
    }

    /// Reads traces from a backend. Services may still send telemetry here.
    fn reading_from(mut self, backend: Backend) -> Self {
        let stopper = self.stopper.clone();
        self.exit_watch.spawn(watch_source(backend.gone(), stopper));
        // The backend does not count their spans.
        self.service_names.clear();
        self.source = match self.source {
            Source::Ours(receiver) => Source::Backend {
                backend: Box::new(backend),
                receiver: Some(receiver),
            },
            other => other,
        };
        self
    }

    /// The same with a receiver that listens already.
    ///
    /// # Errors
    /// When a service does not become ready: then none is left running.
    pub async fn with_receiver(
        receiver: Receiver,
        workspace: &Workspace,
        stopper: Stopper,
        listener: Listener,
    ) -> Result<Self, Vec<Trouble>> {
        let secrets = workspace.globals.hidden.clone();
        let listener = masking(listener, secrets.clone());
        let named = named_receivers(workspace, &receiver).await?;
        let started = start_services(workspace, &receiver, Arc::clone(&listener))
            .await
            .map_err(|troubles| masked(troubles, &secrets))?;
        let (system, services) = match started {
            Some((system, services)) => (Some(system), services),
            None => (None, Vec::new()),
        };
        let service_names = services.iter().filter_map(Service::telemetry_name);
        let mut exit_watch = JoinSet::new();
        if let Some(system) = &system {
            exit_watch.spawn(watch_over(system.died(), stopper.clone(), secrets.clone()));
        }
        Ok(Self {
            source: Source::Ours(receiver),
            system,
            stopping_since: None,
            stopper,
            named,
            exit_watch,
            listener,
            secrets,
            scrape: scrape_targets(&services),
            service_names: service_names.map(Cow::into_owned).collect(),
        })
    }

    /// A session in which another process receives the spans and has started the services. When
    /// it is gone, what runs is ended.
    pub fn attached(
        connection: Connection,
        workspace: &Workspace,
        stopper: Stopper,
        listener: Listener,
    ) -> Self {
        let gone = connection.source.gone();
        let source = Source::Theirs(connection);
        Self::attached_to(source, gone, workspace, stopper, listener)
    }

    fn attached_to(
        source: Source,
        gone: BoxFuture<'static, String>,
        workspace: &Workspace,
        stopper: Stopper,
        listener: Listener,
    ) -> Self {
        let secrets = workspace.globals.hidden.clone();
        let mut exit_watch = JoinSet::new();
        exit_watch.spawn(watch_source(gone, stopper.clone()));
        // The other process has read the same project.
        let services = workspace.services_to_start().unwrap_or_default();
        Self {
            source,
            system: None,
            stopping_since: None,
            stopper,
            named: Vec::new(),
            exit_watch,
            listener: masking(listener, secrets.clone()),
            secrets,
            scrape: scrape_targets(&services),
            service_names: BTreeSet::new(),
        }
    }

    /// Waits until the user interrupts the session.
    pub async fn interrupted(&self) {
        self.stopper.interrupted().await;
    }

    /// The source of the spans.
    #[must_use]
    pub fn source(&self) -> &dyn TraceSource {
        match &self.source {
            Source::Ours(receiver) => receiver,
            Source::Theirs(connection) => &*connection.source,
            Source::Backend { backend, .. } => &**backend,
        }
    }

    /// Our receiver, if we listen.
    fn receiver(&self) -> Option<&Receiver> {
        match &self.source {
            Source::Ours(receiver) => Some(receiver),
            Source::Backend { receiver, .. } => receiver.as_ref(),
            Source::Theirs(_) => None,
        }
    }

    /// Runs specs. The session's facts about its services replace those of the options.
    pub async fn run(&self, specs: &[Spec], options: Options) -> Report {
        let open = self.run_open(specs, options).await;
        self.close(open).await
    }

    /// As [`run`](Self::run), but late spans may still change verdicts, until
    /// [`close`](Self::close).
    pub async fn run_open(&self, specs: &[Spec], options: Options) -> OpenRun {
        let options = Options {
            secrets: self.secrets.clone(),
            ..self.informed(options)
        };
        let stop = self.stopper.0.subscribe();
        let tell = |event: &RunEvent<'_>| (self.listener)(event);
        let mut open = run_open(specs, self.source(), &options, stop, tell).await;
        if let Some(Stop::Died(trouble)) = self.stopper.why() {
            open.add_trouble(trouble);
        }
        open
    }

    /// Makes the verdicts of a run final, with all spans that have arrived: after
    /// [`stop_services`](Self::stop_services) also with those that services export as they end.
    pub async fn close(&self, open: OpenRun) -> Report {
        let end = RunEnd {
            diagnostics: self.source().diagnostics(Instant::now()).await,
            stopping_since: self.stopping_since,
        };
        let silent = silent(&self.service_names, &end.diagnostics.stats);
        let mut report = open.close(&end, |event| (self.listener)(event));
        report
            .notices
            .extend(silent.filter(|_| !report.interrupted));
        self.secrets.report(report)
    }

    /// The report of a run as it would be if no further span came.
    pub async fn provisional(&self, open: &OpenRun) -> Report {
        let diagnostics = self.source().diagnostics(Instant::now()).await;
        self.secrets.report(open.provisional(&diagnostics))
    }

    /// Stops the services, and takes in what they export meanwhile.
    pub async fn stop_services(&mut self) {
        self.exit_watch.shutdown().await;
        let Some(system) = self.system.take() else {
            return;
        };
        self.stopping_since = Some(Instant::now());
        (self.listener)(&RunEvent::Stopping);
        system.stop().await;
        if let Some(receiver) = self.receiver() {
            receiver.drained(DRAIN).await;
        }
        for receiver in &self.named {
            receiver.drained(DRAIN).await;
        }
    }

    /// Stops the services, and closes the ports of the receiver.
    pub async fn stop(mut self) {
        self.stop_services().await;
        for receiver in self.named {
            receiver.stop().await;
        }
        match self.source {
            Source::Ours(receiver)
            | Source::Backend {
                receiver: Some(receiver),
                ..
            } => receiver.stop().await,
            Source::Backend { .. } | Source::Theirs(_) => {}
        }
    }

    /// For how long services may keep a span, and how else to follow traces of theirs.
    #[must_use]
    pub fn informed(&self, options: Options) -> Options {
        let options = Options {
            scrape: self.scrape.clone(),
            ..options
        };
        let system = match (&self.source, &self.system) {
            (Source::Theirs(connection), _) => return informed_by(&connection.health, options),
            (Source::Ours(_) | Source::Backend { .. }, None) => return options,
            (Source::Ours(_) | Source::Backend { .. }, Some(system)) => system,
        };
        let delay = system.effective_schedule_delay();
        let of_logs = system.effective_log_schedule_delay();
        let of_metrics = system.effective_metric_interval();
        Options {
            flush: delay.map_or(Flush::Assumed, Flush::of_schedule_delay),
            log_flush: of_logs.map_or(Flush::Assumed, Flush::of_schedule_delay),
            metric_flush: of_metrics.map_or(Flush::Assumed, Flush::of_schedule_delay),
            starting_until: system.starting_until(),
            outputs: system.outputs(),
            services: Services::Ours,
            ..options
        }
    }
}

fn informed_by(health: &Health, options: Options) -> Options {
    Options {
        flush: health.flush().map_or(options.flush, Flush::Known),
        log_flush: health.log_flush().map_or(options.log_flush, Flush::Known),
        metric_flush: health
            .metric_flush()
            .map_or(options.metric_flush, Flush::Known),
        services: match health.starts_services {
            true => Services::Ours,
            false => Services::Theirs,
        },
        budgets: Budgeting {
            received_by: ReceivedBy::AnotherProcess,
            ..options.budgets
        },
        ..options
    }
}

/// The flush bound of the services that a project starts, as far as its file determines it.
#[must_use]
pub fn declared_flush(workspace: &Workspace) -> Flush {
    if let Some(backend) = &workspace.backend {
        return Flush::Known(backend.delay.unwrap_or(DEFAULT_DELAY));
    }
    let services = workspace.project.services(&workspace.globals);
    let delay = services.ok().and_then(|all| service::schedule_delay(&all));
    delay.map_or(Flush::Assumed, Flush::of_schedule_delay)
}

/// Traces of failed specs are saved in this folder of the project.
const TRACES: &str = "target/spanspec";

/// Saves all traces in the given folder, or else those of failed specs in `target/spanspec`.
pub(crate) fn saved_traces(workspace: &Workspace, folder: Option<&Path>) -> SaveTraces {
    match folder {
        Some(folder) => SaveTraces::All(folder.to_owned()),
        None => {
            let folder = workspace.project.dir.join(TRACES);
            SaveTraces::Failures(PathBuf::from(shown(&folder)))
        }
    }
}

async fn start_services(
    workspace: &Workspace,
    receiver: &Receiver,
    listener: Listener,
) -> Result<Option<(System, Vec<Service>)>, Vec<Trouble>> {
    let services = workspace
        .services_to_start()
        .map_err(|errors| errors.0.iter().map(Trouble::from).collect::<Vec<_>>())?;
    if services.is_empty() {
        return Ok(None);
    }
    let telemetry = telemetry(workspace, receiver);
    let text_logs = TextLogs::of(&services, receiver.store());
    let relay = move |event| {
        text_logs.take(&event);
        relay(&event, &listener);
    };
    service::start(services.clone(), &telemetry, relay)
        .await
        .map(|system| Some((system, services)))
        .map_err(|error| vec![Trouble::from_error(&error).with_help(error.help())])
}

/// The endpoints with metrics of services.
fn scrape_targets(services: &[Service]) -> Vec<ScrapeTarget> {
    let targets = services.iter().filter_map(|service| {
        Some(ScrapeTarget {
            service: service.name.clone(),
            telemetry_name: service.telemetry_name().map(Cow::into_owned),
            url: service.scrape.clone()?,
        })
    });
    targets.collect()
}

/// The outputs of services whose lines are log records.
struct TextLogs {
    store: Store,
    by_output: Mutex<HashMap<(String, OutputStream), TextLog>>,
}

impl TextLogs {
    fn of(services: &[Service], store: &Store) -> Self {
        let of_service = |service: &Service| {
            let name = service.telemetry_name();
            let name = name.map_or_else(|| service.name.clone(), Cow::into_owned);
            let output = |&stream: &OutputStream| {
                let log = TextLog::new(name.clone(), stream.name());
                ((service.name.clone(), stream), log)
            };
            service.logs.iter().map(output).collect::<Vec<_>>()
        };
        Self {
            store: store.clone(),
            by_output: Mutex::new(services.iter().flat_map(of_service).collect()),
        }
    }

    fn take(&self, event: &ServiceEvent) {
        if let ServiceEvent::Output {
            service,
            stream,
            line,
        } = event
        {
            let mut by_output = self
                .by_output
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(log) = by_output.get_mut(&(service.clone(), *stream)) {
                self.store.ingest_line(log, line);
            }
        }
    }
}

/// Forwards the events of services that concern the run.
fn relay(event: &ServiceEvent, listener: &Listener) {
    match event {
        ServiceEvent::BuildStarted { service, .. } => listener(&RunEvent::Building { service }),
        ServiceEvent::BuildOutput { service, line }
        | ServiceEvent::Output { service, line, .. } => {
            listener(&RunEvent::Output { service, line });
        }
        ServiceEvent::Started { service, .. } => listener(&RunEvent::Starting { service }),
        ServiceEvent::Ready { service, time } => listener(&RunEvent::Ready {
            service,
            after: *time,
        }),
        _ => {}
    }
}

/// Ends the run when the source cannot be read any longer.
async fn watch_source(gone: BoxFuture<'static, String>, stopper: Stopper) {
    let why = gone.await;
    stopper.stop(Stop::Died(Trouble::new(&why)));
}

/// Ends the run when a service dies.
async fn watch_over(
    died: impl Future<Output = service::UnexpectedExit>,
    stopper: Stopper,
    secrets: Secrets,
) {
    let death = died.await;
    let trouble = Trouble::new(&death.to_string()).with_help(death.help());
    stopper.stop(Stop::Died(secrets.trouble(trouble)));
}

/// The listener of a session: no event reaches it with a secret.
fn masking(listener: Listener, secrets: Secrets) -> Listener {
    Arc::new(move |event| secrets.event(event, |masked| listener(masked)))
}

fn masked(troubles: Vec<Trouble>, secrets: &Secrets) -> Vec<Trouble> {
    let troubles = troubles.into_iter();
    troubles.map(|trouble| secrets.trouble(trouble)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_services_without_spans_are_noted() {
        let names = BTreeSet::from(["back".to_owned(), "front".to_owned()]);
        let mut stats = ReceiverStats::default();
        stats.unrelated.insert("front".to_owned(), 1);
        let note = silent(&names, &stats).unwrap();
        assert!(note.starts_with("no span arrived with `service.name` `back`: "));
        stats.related.insert("back".to_owned(), 1);
        assert_eq!(silent(&names, &stats), None);
    }
}
