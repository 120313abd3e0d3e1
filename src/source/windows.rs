//! The search for traces in a source, from new to old.

use std::collections::{HashSet, VecDeque};

use super::contract::TraceSource;
use super::search::{SearchError, SearchQuery};
use crate::trace::{Nanos, TraceId};

/// Maximum number of traces of one answer.
const PAGE: usize = 500;

/// A window of this length, 1 ms, is not divided any further.
const SHORTEST_WINDOW: Nanos = 1_000_000;

/// All traces that meet a query, those of later windows first. A window with more traces than one
/// answer is divided.
pub(crate) struct TraceSearch<'s> {
    source: &'s dyn TraceSource,
    query: SearchQuery,
    /// The windows that were not searched yet, the oldest first.
    windows: Vec<(Nanos, Nanos)>,
    ready: VecDeque<TraceId>,
    known: HashSet<TraceId>,
}

impl<'s> TraceSearch<'s> {
    pub(crate) fn new(source: &'s dyn TraceSource, query: SearchQuery) -> Self {
        Self {
            source,
            windows: vec![(query.from, query.to)],
            query: SearchQuery {
                limit: PAGE,
                ..query
            },
            ready: VecDeque::new(),
            known: HashSet::new(),
        }
    }

    /// The next trace; `None` if there is no further one.
    ///
    /// # Errors
    /// The source cannot be searched, or not completely.
    pub(crate) async fn next(&mut self) -> Result<Option<TraceId>, SearchError> {
        loop {
            if let Some(trace) = self.ready.pop_front() {
                return Ok(Some(trace));
            }
            let Some(window) = self.windows.pop() else {
                return Ok(None);
            };
            self.search(window).await?;
        }
    }

    async fn search(&mut self, (from, to): (Nanos, Nanos)) -> Result<(), SearchError> {
        self.query.from = from;
        self.query.to = to;
        let answer = self.source.search(&self.query).await?;
        if answer.is_cut {
            if to - from <= SHORTEST_WINDOW {
                return Err(SearchError {
                    why: format!("more than {PAGE} such traces start within 1 ms"),
                    help: "add conditions to `find` of `search`".to_owned(),
                });
            }
            let middle = from + (to - from) / 2;
            self.windows.extend([(from, middle), (middle, to)]);
            return Ok(());
        }
        let new = answer.traces.into_iter();
        self.ready
            .extend(new.filter(|trace| self.known.insert(*trace)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::source::search::SearchAnswer;
    use crate::source::{Follow, SourceDiagnostics, Store};
    use crate::trace::Origin;

    /// A trace in each second of a window, with at most `page` traces in an answer.
    #[derive(Debug)]
    struct Seconds {
        page: usize,
    }

    const SECOND: Nanos = 1_000_000_000;

    fn id(second: Nanos) -> TraceId {
        format!("{:032x}", second + 1).parse().unwrap()
    }

    impl TraceSource for Seconds {
        fn follow(&self, trace: TraceId, origin: Origin) -> Follow {
            Store::new().follow(trace, origin)
        }

        fn diagnostics(&self, _: Instant) -> BoxFuture<'_, SourceDiagnostics> {
            std::future::ready(SourceDiagnostics::default()).boxed()
        }

        fn search<'a>(
            &'a self,
            query: &'a SearchQuery,
        ) -> BoxFuture<'a, Result<SearchAnswer, SearchError>> {
            let seconds = query.from.div_ceil(SECOND)..query.to.div_ceil(SECOND);
            let traces: Vec<TraceId> = seconds.map(id).collect();
            let answer = SearchAnswer {
                is_cut: traces.len() > self.page,
                traces: traces.into_iter().take(self.page).collect(),
            };
            std::future::ready(Ok(answer)).boxed()
        }
    }

    async fn found(page: usize) -> Result<Vec<TraceId>, SearchError> {
        let query = SearchQuery {
            from: 0,
            to: 10 * SECOND,
            ..SearchQuery::default()
        };
        let source = Seconds { page };
        let mut search = TraceSearch::new(&source, query);
        let mut all = Vec::new();
        while let Some(trace) = search.next().await? {
            all.push(trace);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn windows_are_divided_until_their_answers_are_complete_and_newer_ones_come_first() {
        let newest_first: Vec<TraceId> = (0..10).rev().map(id).collect();
        assert_eq!(found(1).await.unwrap(), newest_first);
        let mut all = found(500).await.unwrap();
        all.reverse();
        assert_eq!(all, newest_first);
    }

    #[tokio::test]
    async fn more_traces_than_can_be_told_apart_are_an_error() {
        let error = found(0).await.unwrap_err();
        assert_eq!(error.why, "more than 500 such traces start within 1 ms");
    }
}
