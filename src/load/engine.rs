//! Measures budgets of durations in the engine of a backend, over all traces of a search instead of those that are read.

use std::collections::{BTreeMap, BTreeSet};

use super::query::whole;
use super::request_stats::RequestStats;
use crate::budget::{Alpha, Quantile, Samples};
use crate::number::counted;
use crate::source::{SearchError, SearchQuery, TraceSource};
use crate::spec::{Budget, Measure, Search};

/// The engine of a source, with the window of a search.
pub(super) struct EngineMeasurement<'s> {
    pub(super) source: &'s dyn TraceSource,
    pub(super) search: &'s Search,
    /// The query of the search.
    pub(super) query: &'s SearchQuery,
}

impl EngineMeasurement<'_> {
    /// Replaces the durations of budgets that measure the span of the search, if the engine is exact and
    /// can evaluate all its conditions.
    ///
    /// # Errors
    /// The engine does not answer.
    pub(super) async fn replace(
        &self,
        budgets: &[Budget],
        stats: &mut RequestStats<'_>,
    ) -> Result<(), SearchError> {
        if !self.source.has_exact_engine() || whole(&self.search.find).is_none() {
            return Ok(());
        }
        for (index, budget) in budgets.iter().enumerate() {
            if !self.measures(budget) {
                continue;
            }
            let key = budget.compare.as_ref().map_or("", |of| of.key.as_str());
            let counts = self.source.count_by(self.query, key).await?;
            let all: u64 = counts.iter().map(|(_, count)| count).sum();
            let mut sides = BTreeMap::new();
            if budget.compare.is_some() {
                for (version, count) in counts
                    .into_iter()
                    .filter(|(version, _)| !version.is_empty())
                {
                    let mut query = self.query.clone();
                    query
                        .resource
                        .push((key.to_owned(), version.as_str().into()));
                    let samples = self.samples(&query, count, budgets, budget).await?;
                    sides.insert(version, samples);
                }
                stats.replace_sides(index, sides);
            } else {
                let samples = self.samples(self.query, all, budgets, budget).await?;
                stats.replace_samples(index, samples);
            }
            stats.search_notes.push(format!(
                "{} was measured in {} by the engine of the backend, which has them all",
                budget.subject,
                counted(all, "trace")
            ));
        }
        Ok(())
    }

    /// Returns `true` if the budget measures the span that the search finds. With a baseline, all durations
    /// are needed.
    fn measures(&self, budget: &Budget) -> bool {
        let Measure::Duration(find) = &budget.measure else {
            return false;
        };
        !budget.is_compared() && whole(find).is_some() && whole(find) == whole(&self.search.find)
    }

    async fn samples(
        &self,
        query: &SearchQuery,
        count: u64,
        budgets: &[Budget],
        budget: &Budget,
    ) -> Result<Samples, SearchError> {
        let usual = [Quantile::P50, Quantile::P95, Quantile::P99];
        let quantiles = budget.quantiles.iter().map(|one| one.quantile).chain(usual);
        let claims = budgets.iter().flat_map(|budget| &budget.quantiles);
        let claims: usize = claims
            .map(|one| usize::from(one.limit.is_some()) + usize::from(one.is_compared()))
            .sum();
        let ranks: BTreeSet<u64> = quantiles
            .flat_map(|quantile| {
                // The levels of Holm's procedure.
                let alphas =
                    (1..=claims.max(1)).map(|claims| Alpha::FIVE_PERCENT.shared_by(claims));
                alphas.flat_map(move |alpha| Samples::ranks(count, quantile, alpha))
            })
            .collect();
        let ranks: Vec<u64> = ranks.into_iter().collect();
        let durations = self.source.durations_at(query, count, &ranks).await?;
        let micros = durations.into_iter().map(|nanos| nanos / 1_000);
        Ok(Samples::ranked(count, ranks.into_iter().zip(micros)))
    }
}
