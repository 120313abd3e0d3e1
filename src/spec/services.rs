//! The services of the project file that specs need.

use std::collections::BTreeSet;

/// A service of the project file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredService {
    /// Its name in the project file.
    pub name: String,
    /// The `service.name` of its spans, as far as the project file determines it.
    pub telemetry_name: String,
    /// Names of services that it needs.
    pub depends_on: Vec<String>,
}

/// A set of services of the project file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceSet {
    /// All of them.
    All,
    /// Those with these names.
    Only(BTreeSet<String>),
}

impl ServiceSet {
    /// The empty set.
    #[cfg(feature = "run")]
    #[must_use]
    pub fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Returns `true` if the service is in the set.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }

    /// Returns `true` for the empty set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }

    /// Returns `true` if all services of the other set are in this one.
    #[cfg(feature = "_pure")]
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(these), Self::Only(others)) => others.is_subset(these),
        }
    }

    /// The services of both sets.
    #[cfg(feature = "run")]
    #[must_use]
    pub fn union(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(mut these), Self::Only(others)) => {
                these.extend(others.iter().cloned());
                Self::Only(these)
            }
            _ => Self::All,
        }
    }

    /// These services, and those that they depend on.
    pub(super) fn with_dependencies(
        mut names: BTreeSet<String>,
        declared: &[DeclaredService],
    ) -> Self {
        loop {
            let needed = declared.iter().filter(|one| names.contains(&one.name));
            let needed: Vec<&String> = needed.flat_map(|one| &one.depends_on).collect();
            let known = names.len();
            names.extend(needed.into_iter().cloned());
            if names.len() == known {
                return Self::Only(names);
            }
        }
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> ServiceSet {
        ServiceSet::Only(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn declared(name: &str, depends_on: &[&str]) -> DeclaredService {
        DeclaredService {
            name: name.to_owned(),
            telemetry_name: name.to_owned(),
            depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn a_service_needs_all_that_it_depends_on_directly_or_not() {
        let all = [
            declared("gateway", &["order"]),
            declared("order", &["db"]),
            declared("db", &[]),
            declared("mail", &["db"]),
        ];
        let of = |name: &str| ServiceSet::with_dependencies([name.to_owned()].into(), &all);
        assert_eq!(of("gateway"), set(&["gateway", "order", "db"]));
        assert_eq!(of("db"), set(&["db"]));
    }

    #[test]
    fn a_spec_without_a_list_needs_all_services() {
        assert_eq!(set(&["a"]).union(&set(&["b"])), set(&["a", "b"]));
        assert_eq!(ServiceSet::none().union(&ServiceSet::All), ServiceSet::All);
        assert!(!set(&["a"]).covers(&ServiceSet::All));
        assert!(set(&["a", "b"]).covers(&set(&["b"])));
    }
}
