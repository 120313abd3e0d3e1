//! The versions of a measured service.

use std::collections::BTreeMap;

/// Maximum number of versions that are distinguished.
const MOST: usize = 8;

/// The number of traces of each `service.version`. During a rollout, a run sees several versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// The service of the first trace. Other services have other versions without any rollout, so
    /// they are ignored.
    service: Option<String>,
    seen: BTreeMap<String, u64>,
    others: u64,
}

impl Versions {
    /// Counts a trace.
    pub(crate) fn add(&mut self, service: &str, version: &str) {
        if *self.service.get_or_insert_with(|| service.to_owned()) != service {
            return;
        }
        if let Some(traces) = self.seen.get_mut(version) {
            *traces += 1;
        } else if self.seen.len() < MOST {
            self.seen.insert(version.to_owned(), 1);
        } else {
            self.others += 1;
        }
    }

    /// Returns `true` if there are several versions.
    #[must_use]
    pub fn are_several(&self) -> bool {
        self.seen.len() > 1
    }

    /// The versions, each with its number of traces.
    pub fn each(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.seen
            .iter()
            .map(|(version, traces)| (version.as_str(), *traces))
    }

    /// Number of traces of versions that [`each`](Self::each) leaves out.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }

    /// All versions: `2.3.0, 2.4.0`. `None` if there is none.
    pub(crate) fn in_a_line(&self) -> Option<String> {
        let mut all: Vec<&str> = self.seen.keys().map(String::as_str).collect();
        if self.others > 0 {
            all.push("others");
        }
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Replaces each version.
    pub(crate) fn map(&self, change: impl Fn(&str) -> String) -> Self {
        let mut changed = Self {
            service: self.service.as_deref().map(&change),
            others: self.others,
            ..Self::default()
        };
        for (version, traces) in &self.seen {
            *changed.seen.entry(change(version)).or_default() += traces;
        }
        changed
    }
}

impl<'v> FromIterator<(&'v str, u64)> for Versions {
    fn from_iter<I: IntoIterator<Item = (&'v str, u64)>>(all: I) -> Self {
        let seen = all.into_iter();
        Self {
            service: None,
            seen: seen
                .map(|(version, traces)| (version.to_owned(), traces))
                .collect(),
            others: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_are_told_apart_and_the_rest_is_counted() {
        let mut versions = Versions::default();
        assert_eq!(versions.in_a_line(), None);
        versions.add("inventory", "2.4.0");
        assert!(!versions.are_several());
        for number in 0..10 {
            versions.add("inventory", &format!("2.3.{number}"));
            versions.add("inventory", "2.3.0");
        }
        assert_eq!(versions.each().len(), 8);
        assert_eq!(versions.each().next(), Some(("2.3.0", 11)));
        assert_eq!(versions.others(), 3);
        assert!(versions.are_several());
        let line = versions.in_a_line().unwrap();
        assert!(line.ends_with("2.3.6, 2.4.0, others"), "{line}");
    }

    #[test]
    fn services_that_have_versions_of_their_own_are_no_two_versions_of_one() {
        let mut versions = Versions::default();
        versions.add("orders", "9.1");
        versions.add("front", "1");
        assert!(!versions.are_several());
        versions.add("orders", "9.2");
        assert!(versions.are_several());
    }
}
