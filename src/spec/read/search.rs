//! `search`.

use std::time::Duration;

use super::selector::EntryIds;
use super::{Reader, Refusal, parse_duration};
use crate::spec::keys;
use crate::spec::trigger::Search;
use crate::spec::{Allowance, Budget, Pace, Repeat};
use crate::yaml::{Kind, Node};

/// Maximum number of traces by default.
const USUAL_LIMIT: u64 = 100;

/// Largest `limit`: each trace is read whole.
const MOST_TRACES: u64 = 100_000;

const EXAMPLE: &str = "write `{ find: { service: checkout }, since: 1h }`";

impl Reader<'_> {
    pub(super) fn search(&self, node: &Node) -> Option<Search> {
        self.search_map(node)?;
        let find = match node.get("find") {
            Some(find) => self.selector(find, &EntryIds::default()),
            None => self.wrong(
                node.place,
                "`search` has no `find`",
                "missing `find`",
                EXAMPLE,
            ),
        };
        if let Some(take) = node.get("find").and_then(|find| find.get("take")) {
            return self.wrong(
                take.place,
                "`search` finds each trace with such a span, so that `take` selects nothing",
                "not available",
                "remove `take`; `find` of an expectation can have it",
            );
        }
        let since = self.since(node);
        let limit = self.limit(node);
        let at_least = self.optional(node, "at_least", |at_least| {
            self.at_least_one(
                at_least,
                "`at_least`",
                limit.unwrap_or(MOST_TRACES),
                "write the number of traces that must be found, at most `limit`",
            )
        });
        Some(Search {
            find: find?,
            since: since?,
            limit: limit?,
            at_least: at_least?.unwrap_or(1),
        })
    }

    /// The traces of a search as the requests of a `repeat`.
    pub(crate) fn found(&self, node: &Node) -> Option<Repeat> {
        // Errors in it are recorded when the trigger is read.
        if !matches!(node.kind, Kind::Map(_)) {
            return None;
        }
        self.scope.take_awaited();
        let since = self.since(node);
        let limit = self.limit(node);
        let failures = self.optional(node, "failures", |failures| self.allowance(failures));
        self.refuse_awaited(node)?;
        let at = self.at(node.place);
        let of_failures = node.get("failures");
        let found = Repeat {
            failures_at: of_failures.map_or_else(|| at.clone(), |node| self.at(node.place)),
            at,
            pace: Pace::Search {
                limit: limit?,
                since: since?,
            },
            warmup: 0,
            failures: failures?.unwrap_or(Allowance::Count(0)),
            confirm: 0,
        };
        if let Some(failures) = of_failures {
            self.refuse_boundless_failures(failures, &found)?;
        }
        Some(found)
    }

    /// Refuses budgets that measure a response.
    pub(crate) fn refuse_response_times(&self, budgets: &[Budget]) -> Option<()> {
        let of_response = budgets.iter().find(|budget| !budget.is_about_trace());
        match of_response {
            None => Some(()),
            Some(budget) => self.wrong(
                budget.at.place,
                "a search sends nothing, so that there is no response time",
                "not available",
                "measure the entry span, with `find: { kind: server, service: … }`, or `measure: trace_duration`",
            ),
        }
    }

    fn search_map(&self, node: &Node) -> Option<()> {
        match &node.kind {
            Kind::Map(_) => self.map(node, "a search", keys::SEARCH).map(drop),
            _ => self.wrong(
                node.place,
                format!("`search` must be a map, found {}", node.describe()),
                "not a map",
                EXAMPLE,
            ),
        }
    }

    fn since(&self, node: &Node) -> Option<Duration> {
        let Some(since) = node.get("since") else {
            return self.wrong(
                node.place,
                "`search` has no `since`",
                "missing `since`",
                EXAMPLE,
            );
        };
        self.parse(
            since,
            "a time",
            Duration::from_secs(1),
            |text| match parse_duration(text)? {
                0 => Err(Refusal::new("`since` must be longer than 0", "write `1h`")),
                nanos => Ok(Duration::from_nanos(nanos)),
            },
        )
    }

    fn limit(&self, node: &Node) -> Option<u64> {
        let limit = self.optional(node, "limit", |limit| {
            self.at_least_one(
                limit,
                "`limit`",
                MOST_TRACES,
                "write the maximum number of traces, from 1 to 100000",
            )
        });
        Some(limit?.unwrap_or(USUAL_LIMIT))
    }

    /// Refuses keys that need requests, beside `search`.
    pub(crate) fn refuse_beside_search(&self, root: &Node) {
        for key in ["repeat", "steps"] {
            if let Some(other) = root.get(key) {
                self.wrong::<()>(
                    other.place,
                    format!("`{key}` and `search` exclude each other: a search sends nothing"),
                    "conflict",
                    format!("remove `{key}`"),
                );
            }
        }
    }
}
