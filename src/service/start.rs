//! Starts services: check, build, launch, wait until ready.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::output::EventCallback;
use super::{Service, ServiceEvent, StartError, System, TelemetryTarget, build, order, port};
use crate::process::ProcessMark;

/// Builds all services, starts them concurrently as far as `depends_on` permits, and waits until all
/// are ready. Dropping the future kills the started services.
///
/// `on_event` is called by other tasks while the services run, and must not block.
///
/// # Errors
///
/// When the dependencies are invalid, a port is taken, or a service fails to build, to start, to keep
/// running, or to become ready in time. All services have been stopped then.
pub async fn start(
    services: Vec<Service>,
    telemetry: &TelemetryTarget,
    on_event: impl Fn(ServiceEvent) + Send + Sync + 'static,
) -> Result<System, StartError> {
    order::check(&services)?;
    check_ports(&services)?;
    let listener: EventCallback = Arc::new(on_event);
    let mark = ProcessMark::new();
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
    telemetry: &TelemetryTarget,
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

/// Another process on a port would answer instead of the service.
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
