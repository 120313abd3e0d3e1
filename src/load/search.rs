//! Finds traces in a backend, and judges each as if a request had caused it.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{FuturesUnordered, unfold};

use super::engine::EngineMeasurement;
use super::progress::{LoadProgress, ticks};
use super::query::query;
use super::request::{JudgedRequest, RequestTemplate};
use super::request_stats::RequestStats;
use super::verdict::StopReason;
use crate::budget::share_bounds;
use crate::check::{self, Judged};
use crate::number::{counted, figure};
use crate::result::Trouble;
use crate::source::{SearchError, SearchQuery, TraceSearch};
use crate::spec::{Budget, Repeat, Search, Trigger};
use crate::step::WaitEnd;
use crate::trace::Field;

/// Maximum number of traces that are read at the same time.
const MAX_READ: usize = 16;

/// The search of a spec.
pub(super) struct SpecSearch<'t, 'a> {
    pub(super) template: &'t RequestTemplate<'a>,
    pub(super) repeat: &'a Repeat,
    pub(super) budgets: &'a [Budget],
    pub(super) on_progress: &'t (dyn Fn(LoadProgress) + Send + Sync),
}

/// The traces that were found so far.
#[derive(Default)]
struct Found {
    /// Number of traces that were read.
    examined: u64,
    /// Number of those with such a span.
    matching: u64,
    /// The limit was reached, so there may be more.
    is_limited: bool,
}

impl<'a> SpecSearch<'_, 'a> {
    /// Judges the traces that the search of the spec finds, the newest first.
    pub(super) async fn run(&self, stats: &mut RequestStats<'a>) -> StopReason<'a> {
        let trigger = match self.template.reader.trigger(&self.template.scope) {
            Ok(trigger) => trigger,
            Err(errors) => return StopReason::Unsearchable(Box::new(Trouble::from(&errors))),
        };
        let Trigger::Search(search) = &*trigger else {
            return StopReason::Complete;
        };
        match self.judge_all(search, stats).await {
            Ok(()) => StopReason::Complete,
            Err(reason) => reason,
        }
    }

    /// # Errors
    /// The reason to stop before the verdicts.
    async fn judge_all(
        &self,
        search: &Search,
        stats: &mut RequestStats<'a>,
    ) -> Result<(), StopReason<'a>> {
        self.refuse_losses(search)?;
        let source = self.template.run.source;
        let delay = source
            .backend()
            .map_or_else(Duration::default, |of| of.delay);
        let query = query(search, delay);
        let found = self.judge_found(search, &query, stats).await?;
        let notes = notes(&found, stats.failed, source.search_gap());
        stats.search_notes.extend(notes);
        if found.matching < search.at_least {
            return Err(self.unsearchable(too_few(search, &found)));
        }
        let engine = EngineMeasurement {
            source,
            search,
            query: &query,
        };
        let measured = engine.replace(self.budgets, stats).await;
        measured.map_err(|error| self.unsearchable(trouble(error)))?;
        let compared = stats.compare_versions();
        compared.map_err(|trouble| StopReason::Unsearchable(Box::new(trouble)))
    }

    /// Refuses a search that needs a field which the source loses.
    fn refuse_losses(&self, search: &Search) -> Result<(), StopReason<'a>> {
        let losses = self.template.run.source.losses();
        if let Err(why) = check::can_be_found(&search.find, &losses) {
            let what = format!("`search` cannot select traces: {why}");
            let help = "remove this condition from `find`";
            return Err(self.unsearchable(Trouble::new(&what).with_help([help])));
        }
        let mut compared = self
            .budgets
            .iter()
            .filter_map(|budget| budget.compare.as_ref());
        let mut lost = [Field::Resource, Field::AttributeOrigin].into_iter();
        match (compared.next(), lost.find(|field| losses.contains(*field))) {
            (Some(compare), Some(field)) => {
                let what =
                    format!("versions cannot be compared, because the backend loses {field}");
                let trouble = Trouble::new(&what)
                    .with_location(Some(compare.at.clone()))
                    .with_help(["compare them in a backend that keeps resource attributes"]);
                Err(StopReason::Unsearchable(Box::new(trouble)))
            }
            _ => Ok(()),
        }
    }

    /// Reads and judges traces until the limit is reached, or there is no further one.
    async fn judge_found(
        &self,
        search: &Search,
        query: &SearchQuery,
        stats: &mut RequestStats<'a>,
    ) -> Result<Found, StopReason<'a>> {
        let run = self.template.run;
        let found = TraceSearch::new(run.source, query.clone());
        let mut ids = pin!(unfold(found, |mut found| async move {
            let next = found.next().await.transpose()?;
            Some((next, found))
        }));
        let mut stopped = pin!(run.stopped());
        let mut ticks = ticks();
        let mut judging = FuturesUnordered::new();
        let mut of = Found::default();
        let mut is_over = false;
        loop {
            let in_work = of.matching + judging.len() as u64;
            let has_room = judging.len() < MAX_READ && in_work < search.limit;
            if judging.is_empty() && (is_over || !has_room) {
                of.is_limited = !is_over;
                return Ok(of);
            }
            let done: JudgedRequest<'a> = tokio::select! {
                stop = &mut stopped => return Err(StopReason::Stopped(stop)),
                _ = ticks.tick() => {
                    (self.on_progress)(self.progress(stats));
                    continue;
                }
                id = ids.next(), if has_room && !is_over => {
                    match id {
                        Some(Ok(id)) => judging.push(self.template.judge_found(id)),
                        Some(Err(error)) => return Err(self.unsearchable(trouble(error))),
                        None => is_over = true,
                    }
                    continue;
                }
                Some(done) = judging.next() => done,
            };
            of.examined += 1;
            if let Some(done) = with_span(search, done) {
                of.matching += 1;
                stats.add(done);
            }
        }
    }

    fn progress(&self, stats: &RequestStats<'a>) -> LoadProgress {
        LoadProgress {
            done: stats.requests,
            failed: stats.not_passed(),
            ..LoadProgress::of_none(self.repeat)
        }
    }

    /// A trouble at the search of the spec.
    fn unsearchable(&self, trouble: Trouble) -> StopReason<'a> {
        let at = self.template.reader.step.at.clone();
        StopReason::Unsearchable(Box::new(trouble.with_location(Some(at))))
    }
}

fn trouble(error: SearchError) -> Trouble {
    Trouble::new(&error.why).with_help([error.help])
}

/// The trace, unless it has no such span. If that is not known, the trace is errored.
fn with_span<'a>(search: &Search, mut done: JudgedRequest<'a>) -> Option<JudgedRequest<'a>> {
    let Some(trace) = &done.report.trace else {
        return Some(done);
    };
    let is_whole = done.end == Some(WaitEnd::Closed) && trace.holes().is_empty();
    let why = match check::is_found(&search.find, trace) {
        Ok(true) => return Some(done),
        Ok(false) if is_whole => return None,
        Ok(false) => "spans of it are missing".to_owned(),
        Err(why) => why.to_string(),
    };
    let trouble = Trouble::new(&format!(
        "it is not known if `find` means this trace: {why}"
    ));
    let at = done.context.step.at.clone();
    done.report.trouble = Some(trouble.with_location(Some(at)));
    // A trace that is not meant cannot fail.
    let has_failed = |judged: &Judged| judged.outcome.failure().is_some();
    done.report.checks.retain(|judged| !has_failed(judged));
    Some(done)
}

fn too_few(search: &Search, of: &Found) -> Trouble {
    let what = format!(
        "the search found {} (at least {} required)",
        counted(of.matching, "trace"),
        search.at_least
    );
    let examined = (of.examined > of.matching).then(|| {
        format!(
            "{} were read, and have no such span",
            counted(of.examined - of.matching, "other trace")
        )
    });
    Trouble::new(&what).with_details(examined).with_help([
        "check `find` and `since`; a sampler may have dropped the traces, and some backends find new ones late",
    ])
}

fn notes(of: &Found, failed: u64, gap: Option<&'static str>) -> Vec<String> {
    let limited = of.is_limited.then(|| {
        let newest = counted(of.matching, "trace");
        let share = match failed {
            0 => String::new(),
            failed => format!(
                ", of which {} (95 % confidence)",
                bounds(failed, of.matching)
            ),
        };
        format!("the newest {newest}; there may be more (`limit`){share}")
    });
    let gap = gap.map(|why| format!("the search may have missed traces: {why}"));
    limited.into_iter().chain(gap).collect()
}

/// `3.1 to 9.8 % fail`
fn bounds(failed: u64, of: u64) -> String {
    let [least, most] = share_bounds(failed, of, 0.025);
    let percent = |share: f64| figure(100.0 * share);
    format!("{} to {} % fail", percent(least), percent(most))
}
