//! The dependencies between services.

use std::collections::HashSet;

use super::{Service, StartError};

/// Rejects services that cannot all start: duplicate names, unknown dependencies, circles.
pub(super) fn check(services: &[Service]) -> Result<(), StartError> {
    let mut names = HashSet::new();
    for service in services {
        if !names.insert(service.name.as_str()) {
            return Err(StartError::Twice {
                service: service.name.clone(),
            });
        }
    }
    for service in services {
        if let Some(unknown) = unknown_dependency(service, &names) {
            return Err(unknown);
        }
    }
    levels(services).map(drop)
}

fn unknown_dependency(service: &Service, names: &HashSet<&str>) -> Option<StartError> {
    let unknown = service
        .depends_on
        .iter()
        .find(|name| !names.contains(name.as_str()))?;
    let mut known: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    known.sort();
    Some(StartError::UnknownDependency {
        service: service.name.clone(),
        dependency: unknown.clone(),
        known,
    })
}

/// The services by level. A service only depends on services of lower levels.
pub(super) fn levels(services: &[Service]) -> Result<Vec<Vec<&Service>>, StartError> {
    let mut levels = Vec::new();
    let mut placed = HashSet::new();
    let mut left: Vec<_> = services.iter().collect();
    while !left.is_empty() {
        let (level, waiting): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|service| is_free(service, &placed));
        if level.is_empty() {
            return Err(StartError::Circle {
                services: circle(&waiting),
            });
        }
        placed.extend(level.iter().map(|service| service.name.as_str()));
        levels.push(level);
        left = waiting;
    }
    Ok(levels)
}

/// Returns `true` if all dependencies of a service are in `there`.
pub(super) fn is_free(service: &Service, there: &HashSet<&str>) -> bool {
    service
        .depends_on
        .iter()
        .all(|name| there.contains(name.as_str()))
}

/// A circle among services that wait for each other. Follows the first such dependency of each until
/// a name is repeated.
fn circle(waiting: &[&Service]) -> Vec<String> {
    let find = |name: &String| waiting.iter().find(|service| service.name == *name);
    let mut path: Vec<String> = vec![waiting[0].name.clone()];
    loop {
        let last = path.last().expect("it begins with one");
        let next =
            find(last).and_then(|service| service.depends_on.iter().find(|n| find(n).is_some()));
        let Some(next) = next else { return path };
        let seen = path.iter().position(|name| name == next);
        path.push(next.clone());
        if let Some(start) = seen {
            return path.split_off(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::CommandLine;
    use super::*;

    fn service(name: &str, depends_on: &[&str]) -> Service {
        let mut service = Service::new(name, CommandLine::Shell("true".into()));
        service.depends_on = depends_on.iter().map(|name| (*name).to_owned()).collect();
        service
    }

    fn message(services: &[Service]) -> String {
        check(services).unwrap_err().to_string()
    }

    #[test]
    fn a_level_depends_on_lower_levels_only() {
        let services = [
            service("gateway", &["order", "cart"]),
            service("order", &["db"]),
            service("db", &[]),
            service("cart", &[]),
        ];
        let levels = levels(&services).unwrap();
        let names: Vec<Vec<_>> = levels
            .iter()
            .map(|level| level.iter().map(|service| service.name.as_str()).collect())
            .collect();
        assert_eq!(names, [vec!["db", "cart"], vec!["order"], vec!["gateway"]]);
    }

    #[test]
    fn a_circle_is_named_without_those_who_only_wait_for_it() {
        let services = [
            service("out", &["a"]),
            service("a", &["b"]),
            service("b", &["c"]),
            service("c", &["a"]),
        ];
        assert_eq!(
            message(&services),
            "services wait for each other in a circle, so none can start: a -> b -> c -> a"
        );
    }

    #[test]
    fn an_unknown_dependency_is_named_with_the_known_services() {
        assert_eq!(
            message(&[service("shop", &["databse"]), service("database", &[])]),
            "service `shop` depends on `databse`, which is not a service: there are database, shop"
        );
    }

    #[test]
    fn a_name_stands_for_one_service() {
        assert_eq!(
            message(&[service("shop", &[]), service("shop", &[])]),
            "two services have the name `shop`"
        );
    }
}
