//! The parts of a selector that a backend can evaluate.

use std::time::{Duration, SystemTime};

use crate::source::SearchQuery;
use crate::spec::{Ask, Limits, Matcher, Search, Selector};
use crate::trace::{Nanos, StatusCode, Value, nanos_of, unix_nanos};

/// The query of a search. Its window ends `delay` before now, so that the spans in it can be read.
pub(super) fn query(search: &Search, delay: Duration) -> SearchQuery {
    let to = unix_nanos(SystemTime::now()).saturating_sub(nanos_of(delay));
    let mut query = SearchQuery {
        from: to.saturating_sub(nanos_of(search.since)),
        to,
        ..SearchQuery::default()
    };
    for condition in &search.find.conditions {
        add(&condition.ask, &mut query);
    }
    query
}

/// The query without a window, if a backend can evaluate the whole selector exactly.
pub(super) fn whole(find: &Selector) -> Option<SearchQuery> {
    let mut query = SearchQuery::default();
    let is_whole = find.take.is_none()
        && find.conditions.iter().all(|condition| {
            let before = query.clone();
            add(&condition.ask, &mut query);
            is_exact(&condition.ask) && query != before
        });
    is_whole.then_some(query)
}

/// Returns `true` if backends that lose the types of values can evaluate it, and one range of durations is meant.
fn is_exact(ask: &Ask) -> bool {
    match ask {
        Ask::Attribute(_, matcher) | Ask::Resource(_, matcher) => {
            matches!(matcher, Matcher::Equal(Value::String(_)))
        }
        Ask::Duration(limits) => limits.ranges.len() == 1,
        _ => true,
    }
}

fn add(ask: &Ask, query: &mut SearchQuery) {
    match ask {
        Ask::Service(Matcher::Equal(Value::String(name))) => query.service = Some(name.clone()),
        Ask::Name(Matcher::Equal(Value::String(name))) => query.name = Some(name.clone()),
        Ask::Attribute(key, Matcher::Equal(value)) if is_simple(value) => {
            let pair = |key: &str| (key.to_owned(), value.clone());
            query.attributes.extend(key.single().map(pair));
        }
        Ask::Resource(key, Matcher::Equal(value)) if is_simple(value) => {
            let pair = |key: &str| (key.to_owned(), value.clone());
            query.resource.extend(key.single().map(pair));
        }
        Ask::Status(choice) => query.is_error = choice.allowed == [StatusCode::Error],
        Ask::Duration(limits) => (query.at_least, query.at_most) = bounds(limits),
        _ => {}
    }
}

/// Returns `true` for values that all backends compare in the same way.
fn is_simple(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Int(_) | Value::Bool(_))
}

/// The smallest and the largest duration that the limits permit; `None` if there is none.
fn bounds(limits: &Limits<Nanos>) -> (Option<Nanos>, Option<Nanos>) {
    let least: Option<Vec<Nanos>> = limits.ranges.iter().map(|range| range.least).collect();
    let greatest: Option<Vec<Nanos>> = limits.ranges.iter().map(|range| range.greatest).collect();
    (
        least.and_then(|all| all.into_iter().min()),
        greatest.and_then(|all| all.into_iter().max()),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec::{Context, Source, Spec, Trigger};

    fn query_of(find: &str) -> SearchQuery {
        let text = format!("search: {{ find: {find}, since: 1h }}\nexpect: {{ errors: 0 }}\n");
        let specs = Spec::read_all(
            &Source::new("a.yaml", text),
            Path::new("."),
            &Context::default(),
        );
        let spec = specs.unwrap().remove(0);
        match spec.steps[0].trigger(&spec.scope()).unwrap() {
            Trigger::Search(search) => query(&search, Duration::from_secs(20)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_backend_gets_the_conditions_that_name_one_value() {
        let query = query_of(
            "{ service: shop, name: POST /orders, attributes: { http.response.status_code: 500, a: =~ x }, resource: { service.version: v2 }, status: error, duration: 1ms..2s, kind: server }",
        );
        assert_eq!(query.service.as_deref(), Some("shop"));
        assert_eq!(query.name.as_deref(), Some("POST /orders"));
        let status = ("http.response.status_code".to_owned(), Value::Int(500));
        assert_eq!(query.attributes, [status]);
        let version = ("service.version".to_owned(), Value::from("v2"));
        assert_eq!(query.resource, [version]);
        assert!(query.is_error);
        assert_eq!(
            (query.at_least, query.at_most),
            (Some(1_000_000), Some(2_000_000_000))
        );
        assert_eq!(query.to - query.from, 3_600_000_000_000);
    }

    #[test]
    fn an_engine_measures_only_selectors_that_it_evaluates_exactly() {
        let is_whole = |find: &str| {
            let text = format!("search: {{ find: {find}, since: 1h }}\nexpect: {{ errors: 0 }}\n");
            let specs = Spec::read_all(
                &Source::new("a.yaml", text),
                Path::new("."),
                &Context::default(),
            );
            let spec = specs.unwrap().remove(0);
            match spec.steps[0].trigger(&spec.scope()).unwrap() {
                Trigger::Search(search) => whole(&search.find).is_some(),
                other => panic!("{other:?}"),
            }
        };
        assert!(is_whole(
            "{ service: shop, name: a, attributes: { b: x }, status: error }"
        ));
        for find in [
            "{ name: =~ a }",
            "{ name: a, kind: server }",
            "{ attributes: { http.response.status_code: 500 } }",
            "{ attributes: { a | b: x } }",
            "{ name: a, status: { not: error } }",
            "{ name: a, below: b }",
            "{ duration: { not: 1s..2s } }",
        ] {
            assert!(!is_whole(find), "{find}");
        }
    }

    #[test]
    fn conditions_that_exclude_or_permit_several_values_are_left_to_the_judge() {
        let query = query_of(
            "{ service: [a, b], name: =~ ^GET, attributes: { a: { not: 1 } }, duration: { not: 1s..2s } }",
        );
        assert_eq!((query.service, query.name), (None, None));
        assert_eq!(query.attributes, []);
        assert_eq!((query.at_least, query.at_most), (None, None));
        assert!(!query.is_error);
    }
}
