//! A running service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::env::ScheduleDelays;
use super::output::{self, EventCallback, ServiceOutput};
use super::ready::LastTry;
use super::{
    ExitReason, Service, ServiceEvent, ServiceOutputs, StartError, TelemetryTarget, UnexpectedExit,
    env, port, remedy,
};
use crate::process::{Child, Launch, ProcessGroup, ProcessMark};

/// Number of lines that errors show.
const SHOWN: usize = 20;

/// Time from SIGTERM to the search for descendants outside of the group.
const LINGERING: Duration = Duration::from_millis(250);

/// Time to wait for the end of the outputs after all known processes were killed.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// A started service. Dropping it kills its process group.
pub(super) struct RunningService {
    pub(super) service: Service,
    pub(super) started: Instant,
    pub(super) schedule_delays: ScheduleDelays,
    group: ProcessGroup,
    mark: ProcessMark,
    output: Arc<ServiceOutput>,
    stopping: Arc<AtomicBool>,
    gone: watch::Receiver<bool>,
    listener: EventCallback,
}

/// The first unexpected end of a service.
pub(super) type ExitWatch = Arc<watch::Sender<Option<UnexpectedExit>>>;

impl RunningService {
    /// Starts the process and a task that watches it.
    pub(super) fn launch(
        service: Service,
        telemetry: &TelemetryTarget,
        mark: ProcessMark,
        listener: &EventCallback,
        exit_watch: &ExitWatch,
    ) -> Result<Self, StartError> {
        let variables = telemetry.variables(&service);
        let schedule_delays = env::schedule_delays(&variables);
        let launch = Launch {
            words: service.run.words(),
            dir: service.dir.clone(),
            set: variables,
            unset: TelemetryTarget::withheld(),
            mark: mark.clone(),
        };
        let started = Instant::now();
        let child = launch.spawn().map_err(|source| StartError::Launch {
            service: service.name.clone(),
            source,
        })?;
        listener(ServiceEvent::Started {
            service: service.name.clone(),
            command: service.run.to_string(),
        });
        Ok(Self::watch(
            service,
            child,
            (started, schedule_delays),
            mark,
            listener,
            exit_watch,
        ))
    }

    fn watch(
        service: Service,
        mut child: Child,
        (started, schedule_delays): (Instant, ScheduleDelays),
        mark: ProcessMark,
        listener: &EventCallback,
        exit_watch: &ExitWatch,
    ) -> Self {
        let awaited = service.ready.as_ref().and_then(super::Ready::line);
        let output = ServiceOutput::new(service.name.clone(), awaited, Arc::clone(listener));
        let output = Arc::new(output);
        let taker = Arc::clone(&output);
        let readers = output::read(&mut child, move |stream, line| taker.take(stream, line));
        let (gone_sender, gone) = watch::channel(false);
        let running = Self {
            started,
            schedule_delays,
            group: child.group(),
            mark,
            output: Arc::clone(&output),
            stopping: Arc::default(),
            gone,
            listener: Arc::clone(listener),
            service,
        };
        tokio::spawn(supervise(WatchTask {
            service: running.service.name.clone(),
            child,
            readers,
            output,
            stopping: Arc::clone(&running.stopping),
            gone: gone_sender,
            exit_watch: Arc::clone(exit_watch),
        }));
        running
    }

    /// Adds its output, by its ports.
    pub(super) fn add_output(&self, outputs: &mut ServiceOutputs) {
        let ports = self.service.ports.iter().map(|(_, port)| *port);
        outputs.add(&self.service.name, ports.collect(), &self.output);
    }

    /// Resolves to the name of the service when it is ready.
    pub(super) fn until_ready(
        &self,
    ) -> impl Future<Output = Result<String, StartError>> + Send + use<> {
        let (name, ready) = (self.service.name.clone(), self.service.ready.clone());
        let (limit, started) = (self.service.start_timeout, self.started);
        let (output, listener) = (Arc::clone(&self.output), Arc::clone(&self.listener));
        let group = self.group.clone();
        async move {
            let last = LastTry::default();
            if let Some(ready) = ready {
                let waited = tokio::time::timeout(limit, ready.wait(&output, &last)).await;
                waited.map_err(|_| {
                    let (last, tail) = (last.get(), output.last(SHOWN));
                    let listened = port::listened_by(&group);
                    StartError::NotReady {
                        help: remedy::not_ready(
                            &name,
                            &ready,
                            last.answer,
                            listened.as_deref(),
                            &tail,
                        ),
                        service: name.clone(),
                        limit,
                        tried: last.text,
                        tail,
                    }
                })?;
                listener(ServiceEvent::Ready {
                    service: name.clone(),
                    time: started.elapsed(),
                });
            }
            Ok(name)
        }
    }

    /// Sends SIGTERM to the group.
    pub(super) fn terminate(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.group.terminate();
        if !cfg!(unix) {
            self.group.kill();
        }
    }

    /// Waits until the process has ended and its outputs are closed. Kills the group at the deadline.
    pub(super) async fn ended_by(&self, deadline: tokio::time::Instant) {
        // A daemon may keep the outputs open. The search for one is slow, so it starts later.
        if tokio::time::timeout(LINGERING, self.gone()).await.is_err() {
            self.mark.terminate();
            let _ = tokio::time::timeout_at(deadline, self.gone()).await;
            self.mark.kill();
        }
        self.group.kill();
        let _ = tokio::time::timeout(STRAGGLERS, self.gone()).await;
        self.group.kill();
        (self.listener)(ServiceEvent::Stopped {
            service: self.service.name.clone(),
        });
    }

    async fn gone(&self) {
        // An error means that the task has ended, and with it the process.
        let _ = self.gone.clone().wait_for(|gone| *gone).await;
    }
}

impl Drop for RunningService {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.group.kill();
    }
}

/// State of the task that waits for the end of a service.
struct WatchTask {
    service: String,
    child: Child,
    readers: JoinSet<()>,
    output: Arc<ServiceOutput>,
    stopping: Arc<AtomicBool>,
    gone: watch::Sender<bool>,
    exit_watch: ExitWatch,
}

/// Waits for the end of a service, and reports an unexpected end.
async fn supervise(mut watched: WatchTask) {
    let ending = ExitReason::of(watched.child.wait().await);
    if watched.stopping.load(Ordering::SeqCst) {
        // Other processes of the group may still clean up. They are killed when the service is stopped.
        watched.readers.join_all().await;
        watched.gone.send_replace(true);
        return;
    }
    watched.child.group().kill();
    let _ = tokio::time::timeout(STRAGGLERS, watched.readers.join_all()).await;
    watched.gone.send_replace(true);
    let death = UnexpectedExit {
        service: watched.service,
        ending,
        tail: watched.output.last(SHOWN),
    };
    watched.exit_watch.send_if_modified(|first| {
        let is_first = first.is_none();
        first.get_or_insert(death);
        is_first
    });
}
