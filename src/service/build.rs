//! Runs builds to their end, one after the other: they share caches and locks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::output::{self, Listener, Tail};
use super::{CommandLine, Ending, Service, ServiceEvent, StartError};
use crate::process::{Launch, Line, Mark};

/// How many lines of a failed build are shown.
const SHOWN: usize = 40;

/// How long the outputs of a build that has ended may stay open.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// Builds every service that has something to build. What several share is built once.
pub(super) async fn all(
    services: &[Service],
    mark: &Mark,
    listener: &Listener,
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
    mark: &Mark,
    listener: &Listener,
) -> Result<(), StartError> {
    listener(ServiceEvent::BuildStarted {
        service: service.name.clone(),
        command: build.to_string(),
    });
    let started = Instant::now();
    let tail = Arc::new(Tail::default());
    let ending = run(service, build, mark, Arc::clone(&tail), listener).await?;
    if ending != Ending::Code(0) {
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
    mark: &Mark,
    tail: Arc<Tail>,
    listener: &Listener,
) -> Result<Ending, StartError> {
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
    let readers = output::read(&mut child, move |line| {
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
    Ok(Ending::of(status))
}
