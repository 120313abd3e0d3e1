//! Measures the disturbance of the machine on other threads, so that no request is delayed.

use tokio::task::{JoinHandle, spawn_blocking};

use crate::machine::{Disturbance, DisturbanceMeter};

/// The measurement from the first request to the last answer.
pub(super) enum BackgroundMeter {
    /// `None` where the system has no facts.
    Running(Option<DisturbanceMeter>),
    Ending(JoinHandle<Option<Disturbance>>),
}

impl BackgroundMeter {
    pub(super) async fn start() -> Self {
        let meter = spawn_blocking(DisturbanceMeter::start).await;
        Self::Running(meter.ok().flatten())
    }

    /// Ends the measurement. Further calls have no effect.
    pub(super) fn end(&mut self) {
        if let Self::Running(meter) = self
            && let Some(meter) = meter.take()
        {
            *self = Self::Ending(spawn_blocking(|| meter.end()));
        }
    }

    /// The result; `None` if the measurement was not ended.
    pub(super) async fn disturbance(self) -> Option<Disturbance> {
        match self {
            Self::Running(_) => None,
            Self::Ending(result) => result.await.ok().flatten(),
        }
    }
}
