//! All running services.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::output::EventCallback;
use super::running::{ExitWatch, RunningService};
use super::{Service, ServiceOutputs, StartError, TelemetryTarget, UnexpectedExit};
use crate::process::ProcessMark;

/// Time between SIGTERM and SIGKILL. SDKs export their last spans in it.
const GRACE: Duration = Duration::from_secs(5);

/// The running system under test. [`stop`](Self::stop) ends it in order. Dropping it kills it.
#[must_use = "dropping it kills the services"]
pub struct System {
    levels: Vec<Vec<RunningService>>,
    /// The mark of all started processes. `None` when all of them have ended.
    mark: Option<ProcessMark>,
    listener: EventCallback,
    exit_watch: ExitWatch,
}

impl System {
    pub(super) fn new(listener: EventCallback, levels: usize, mark: ProcessMark) -> Self {
        Self {
            levels: std::iter::repeat_with(Vec::new).take(levels).collect(),
            mark: Some(mark),
            listener,
            exit_watch: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Starts a service, which will be stopped before those of lower levels.
    pub(super) fn launch(
        &mut self,
        service: Service,
        level: usize,
        telemetry: &TelemetryTarget,
    ) -> Result<&RunningService, StartError> {
        let number = self.running().count();
        let mark = self
            .mark
            .get_or_insert_with(ProcessMark::new)
            .of_one(number);
        let running =
            RunningService::launch(service, telemetry, mark, &self.listener, &self.exit_watch)?;
        let level = &mut self.levels[level];
        level.push(running);
        Ok(level.last().expect("one was just added"))
    }

    /// The longest export delay of the services, by their `OTEL_BSP_SCHEDULE_DELAY`. `None` if there
    /// are no services.
    #[must_use]
    pub fn effective_schedule_delay(&self) -> Option<Duration> {
        let delays = self.running().map(|running| running.schedule_delays.spans);
        delays.max()
    }

    /// The same for log records, by `OTEL_BLRP_SCHEDULE_DELAY`.
    #[must_use]
    pub fn effective_log_schedule_delay(&self) -> Option<Duration> {
        let delays = self.running().map(|running| running.schedule_delays.logs);
        delays.max()
    }

    /// The longest export interval of metrics of the services, by their `OTEL_METRIC_EXPORT_INTERVAL`.
    #[must_use]
    pub fn effective_metric_interval(&self) -> Option<Duration> {
        let delays = self
            .running()
            .map(|running| running.schedule_delays.metrics);
        delays.max()
    }

    /// The outputs of the services.
    #[must_use]
    pub fn outputs(&self) -> ServiceOutputs {
        let mut outputs = ServiceOutputs::default();
        self.running()
            .for_each(|running| running.add_output(&mut outputs));
        outputs
    }

    /// Until this moment, a refused connection may mean that a service is still starting: the end of
    /// `start_timeout` of the services without a readiness check. `None` if all have one.
    #[must_use]
    pub fn starting_until(&self) -> Option<Instant> {
        self.running()
            .filter(|running| running.service.ready.is_none())
            .map(|running| running.started + running.service.start_timeout)
            .max()
    }

    /// Resolves to the first unexpected end of a service. Can be called any number of times, also after
    /// that end.
    pub fn died(&self) -> impl Future<Output = UnexpectedExit> + Send + use<> {
        let mut exit_watch = self.exit_watch.subscribe();
        async move {
            let death = exit_watch.wait_for(Option::is_some).await;
            match death.ok().and_then(|death| death.clone()) {
                Some(death) => death,
                // All services were stopped.
                None => std::future::pending().await,
            }
        }
    }

    /// Stops all services in the reverse order of their dependencies: SIGTERM to the process group, and
    /// SIGKILL to the rest of it 5 s later. Descendants outside of their group are ended, too. On
    /// Windows, all are killed at once.
    pub async fn stop(mut self) {
        while let Some(level) = self.levels.pop() {
            level.iter().for_each(RunningService::terminate);
            let deadline = tokio::time::Instant::now() + GRACE;
            for running in &level {
                running.ended_by(deadline).await;
            }
        }
        if let Some(mark) = self.mark.take() {
            mark.end(tokio::time::Instant::now() + GRACE).await;
        }
    }

    fn running(&self) -> impl Iterator<Item = &RunningService> {
        self.levels.iter().flatten()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.levels.clear();
        if let Some(mark) = self.mark.take() {
            mark.kill();
        }
    }
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.running().map(|running| &running.service.name);
        f.debug_list().entries(names).finish()
    }
}
