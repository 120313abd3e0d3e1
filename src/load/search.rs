//! Finds traces in a backend, and judges each as if a request had caused it.

use std::pin::pin;

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
use crate::source::{SearchError, TraceSearch};
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
        let run = self.template.run;
        let at = &self.template.reader.step.at;
        let trouble = |error: SearchError| {
            let trouble = Trouble::new(&error.why).with_location(Some(at.clone()));
            StopReason::Unsearchable(Box::new(trouble.with_help([error.help])))
        };
        let trigger = match self.template.reader.trigger(&self.template.scope) {
            Ok(trigger) => trigger,
            Err(errors) => return StopReason::Unsearchable(Box::new(Trouble::from(&errors))),
        };
        let Trigger::Search(search) = &*trigger else {
            return StopReason::Complete;
        };
        if let Err(why) = check::can_be_found(&search.find, &run.source.losses()) {
            let error = SearchError {
                why: format!("`search` cannot tell which traces are meant: {why}"),
                help: "remove this condition from `find`".to_owned(),
            };
            return trouble(error);
        }
        let losses = run.source.losses();
        let lost = [Field::Resource, Field::AttributeOrigin];
        let compare = self
            .budgets
            .iter()
            .find_map(|budget| budget.compare.as_ref());
        if let Some(compare) = compare
            && let Some(field) = lost.into_iter().find(|field| losses.contains(*field))
        {
            let what = format!("versions cannot be compared, because the backend loses {field}");
            let what = Trouble::new(&what).with_location(Some(compare.at.clone()));
            let help = "compare them in a backend that keeps resource attributes";
            return StopReason::Unsearchable(Box::new(what.with_help([help])));
        }
        let delay = run
            .source
            .backend()
            .map_or_else(Default::default, |of| of.delay);
        let query = query(search, delay);
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
                break;
            }
            let done: JudgedRequest<'a> = tokio::select! {
                stop = &mut stopped => return StopReason::Stopped(stop),
                _ = ticks.tick() => {
                    (self.on_progress)(LoadProgress {
                        done: stats.requests,
                        failed: stats.not_passed(),
                        ..LoadProgress::of_none(self.repeat)
                    });
                    continue;
                }
                id = ids.next(), if has_room && !is_over => {
                    match id {
                        Some(Ok(id)) => judging.push(self.template.judge_found(id)),
                        Some(Err(error)) => return trouble(error),
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
        of.is_limited = !is_over;
        stats
            .search_notes
            .extend(notes(&of, stats.failed, run.source.search_gap()));
        if of.matching < search.at_least {
            let trouble = too_few(search, &of).with_location(Some(at.clone()));
            return StopReason::Unsearchable(Box::new(trouble));
        }
        let engine = EngineMeasurement {
            source: run.source,
            search,
            query: &query,
        };
        if let Err(error) = engine.replace(self.budgets, stats).await {
            return trouble(error);
        }
        match stats.compare_versions() {
            Ok(()) => StopReason::Complete,
            Err(trouble) => StopReason::Unsearchable(Box::new(trouble)),
        }
    }
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
