//! Runs builds one after the other, since they share caches and locks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::output::{self, EventCallback, LineTail};
use super::{CommandLine, ExitReason, Service, ServiceEvent, StartError};
use crate::process::{Launch, Line, ProcessMark};

/// Number of lines of a failed build that are shown.
const SHOWN: usize = 40;

/// Time to wait for the end of the outputs of a build that has ended.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// Runs the builds of all services. A build that several services share runs once.
pub(super) async fn all(
    services: &[Service],
    mark: &ProcessMark,
    listener: &EventCallback,
) -> Result<(), StartError> {
    let mut done = Vec::new();
    for service in services {
        let Some(build) = &service.build else {
            continue;
        };
        let job = (build, &service.dir);
        if !done.contains(&job) {
            one(service, build, mark, listener).await?;
            done.push(job);
        }
    }
    Ok(())
}

async fn one(
    service: &Service,
    build: &CommandLine,
    mark: &ProcessMark,
    listener: &EventCallback,
) -> Result<(), StartError> {
    listener(ServiceEvent::BuildStarted {
        service: service.name.clone(),
        command: build.to_string(),
    });
    let started = Instant::now();
    let tail = Arc::new(LineTail::default());
    let ending = run(service, build, mark, Arc::clone(&tail), listener).await?;
    if ending != ExitReason::Code(0) {
        return Err(StartError::BuildFailed {
            service: service.name.clone(),
            command: build.to_string(),
            ending,
            tail: tail.last(SHOWN),
        });
    }
    listener(ServiceEvent::BuildFinished {
        service: service.name.clone(),
        time: started.elapsed(),
    });
    Ok(())
}

async fn run(
    service: &Service,
    build: &CommandLine,
    mark: &ProcessMark,
    tail: Arc<LineTail>,
    listener: &EventCallback,
) -> Result<ExitReason, StartError> {
    let launch = Launch {
        words: build.words(),
        dir: service.dir.clone(),
        set: Vec::new(),
        unset: Vec::new(),
        mark: mark.clone(),
    };
    let mut child = launch.spawn().map_err(|source| StartError::Build {
        service: service.name.clone(),
        source,
    })?;
    let (name, listener) = (service.name.clone(), Arc::clone(listener));
    let readers = output::read(&mut child, move |_, line| {
        let Line::Whole(line) = line else {
            return;
        };
        tail.push(line.clone());
        listener(ServiceEvent::BuildOutput {
            service: name.clone(),
            line,
        });
    });
    let status = child.wait().await;
    let _ = tokio::time::timeout(STRAGGLERS, readers.join_all()).await;
    Ok(ExitReason::of(status))
}
