//! All services together, from their start to their stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::output::Listener;
use super::running::{ExitWatch, Running};
use super::{Death, Service, StartError, Telemetry};
use crate::process::Mark;

/// What services get to end by themselves before they are killed: an SDK that flushes its last
/// spans needs some of it.
const GRACE: Duration = Duration::from_secs(5);

/// The running system under test. [`stop`](Self::stop) ends it in order; dropping it kills it.
#[must_use = "dropping it kills the services"]
pub struct System {
    levels: Vec<Vec<Running>>,
    /// The mark of everything that was started; nothing once all of it was ended.
    mark: Option<Mark>,
    listener: Listener,
    exit_watch: ExitWatch,
}

impl System {
    pub(super) fn new(listener: Listener, levels: usize, mark: Mark) -> Self {
        Self {
            levels: std::iter::repeat_with(Vec::new).take(levels).collect(),
            mark: Some(mark),
            listener,
            exit_watch: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Starts one service, which is to be stopped before those of lower levels.
    pub(super) fn launch(
        &mut self,
        service: Service,
        level: usize,
        telemetry: &Telemetry,
    ) -> Result<&Running, StartError> {
        let number = self.running().count();
        let mark = self.mark.get_or_insert_with(Mark::new).of_one(number);
        let running = Running::launch(service, telemetry, mark, &self.listener, &self.exit_watch)?;
        let level = &mut self.levels[level];
        level.push(running);
        Ok(level.last().expect("one was just added"))
    }

    /// The longest time for which one of the services may keep a span before it exports it, by its
    /// `OTEL_BSP_SCHEDULE_DELAY`. Nothing if there are no services.
    #[must_use]
    pub fn effective_schedule_delay(&self) -> Option<Duration> {
        self.running().map(|running| running.schedule_delay).max()
    }

    /// Until when a refused connection may only mean that a service is still starting: the end of
    /// `start_timeout` of the services that do not say when they are ready. Nothing if all do.
    #[must_use]
    pub fn starting_until(&self) -> Option<Instant> {
        self.running()
            .filter(|running| running.service.ready.is_none())
            .map(|running| running.started + running.service.start_timeout)
            .max()
    }

    /// Resolves when a service ends though nobody stopped it, with the first that did. It may be
    /// called any number of times, also after the death.
    pub fn died(&self) -> impl Future<Output = Death> + Send + use<> {
        let mut exit_watch = self.exit_watch.subscribe();
        async move {
            let death = exit_watch.wait_for(Option::is_some).await;
            match death.ok().and_then(|death| death.clone()) {
                Some(death) => death,
                // Stopped: nothing is left to die.
                None => std::future::pending().await,
            }
        }
    }

    /// Stops all services, those that others depend on last: SIGTERM to the process group, and
    /// SIGKILL to what is left of it 5 s later. Descendants that left their group are ended too. On
    /// Windows all are killed at once.
    pub async fn stop(mut self) {
        while let Some(level) = self.levels.pop() {
            level.iter().for_each(Running::terminate);
            let deadline = tokio::time::Instant::now() + GRACE;
            for running in &level {
                running.ended_by(deadline).await;
            }
        }
        if let Some(mark) = self.mark.take() {
            mark.end(tokio::time::Instant::now() + GRACE).await;
        }
    }

    fn running(&self) -> impl Iterator<Item = &Running> {
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
