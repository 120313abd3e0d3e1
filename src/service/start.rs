//! The order of a start: check, build, launch, wait until ready.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::output::Listener;
use super::{Service, ServiceEvent, StartError, System, Telemetry, build, order, port};
use crate::process::Mark;

/// Builds all services, starts them side by side as far as `depends_on` lets them, and waits until
/// all are ready. Dropping the future kills what was started.
///
/// `on_event` is called from other tasks, for as long as the services run; it must not block.
///
/// # Errors
///
/// At once if the services cannot fit together or a port is taken, else with the first that fails
/// to build, to start, to live, or to become ready in time. Then everything has been stopped.
pub async fn start(
    services: Vec<Service>,
    telemetry: &Telemetry,
    on_event: impl Fn(ServiceEvent) + Send + Sync + 'static,
) -> Result<System, StartError> {
    order::check(&services)?;
    check_ports(&services)?;
    let listener: Listener = Arc::new(on_event);
    let mark = Mark::new();
    if let Err(error) = build::all(&services, &mark, &listener).await {
        mark.kill();
        return Err(error);
    }
    let levels = levels_by_name(&services)?;
    let depth = levels.values().max().map_or(0, |deepest| deepest + 1);
    let mut system = System::new(listener, depth, mark);
    match launch_all(&mut system, services, &levels, telemetry).await {
        Ok(()) => Ok(system),
        Err(error) => {
            system.stop().await;
            Err(error)
        }
    }
}

async fn launch_all(
    system: &mut System,
    mut waiting: Vec<Service>,
    levels: &HashMap<String, usize>,
    telemetry: &Telemetry,
) -> Result<(), StartError> {
    let mut ready = HashSet::new();
    let mut starting = JoinSet::new();
    loop {
        let there = ready.iter().map(String::as_str).collect();
        let (free, blocked) = waiting
            .into_iter()
            .partition::<Vec<_>, _>(|service| order::is_free(service, &there));
        waiting = blocked;
        for service in free {
            let level = levels[&service.name];
            starting.spawn(system.launch(service, level, telemetry)?.until_ready());
        }
        let name = tokio::select! {
            biased;
            death = system.died() => return Err(StartError::Died(death)),
            next = starting.join_next() => match next {
                None => return Ok(()),
                Some(joined) => joined.expect("waiting until ready does not panic")?,
            },
        };
        ready.insert(name);
    }
}

fn levels_by_name(services: &[Service]) -> Result<HashMap<String, usize>, StartError> {
    let levels = order::levels(services)?.into_iter().enumerate();
    Ok(levels
        .flat_map(|(depth, level)| level.into_iter().map(move |s| (s.name.clone(), depth)))
        .collect())
}

/// A stale process on a port would answer in the place of the service that is meant.
fn check_ports(services: &[Service]) -> Result<(), StartError> {
    let mut users: HashMap<u16, &str> = HashMap::new();
    for service in services {
        for (_, port) in &service.ports {
            if let Some(other) = users.insert(*port, &service.name) {
                return Err(StartError::PortShared {
                    service: other.to_owned(),
                    other: service.name.clone(),
                    port: *port,
                });
            }
        }
        let own = service.ports.iter().map(|(_, port)| *port);
        let awaited = service.ready.as_ref().and_then(super::Ready::local_port);
        if let Some(port) = own.chain(awaited).find(|port| port::is_taken(*port)) {
            return Err(StartError::PortTaken {
                service: service.name.clone(),
                port,
                owner: port::port_owner(port),
            });
        }
    }
    Ok(())
}
