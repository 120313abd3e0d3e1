//! What explains a step that is not as expected.

use std::time::Instant;

use super::completeness::{AtDeadline, Flush, Patience, Start};
use super::diagnosis;
use super::fire::with_trouble;
use super::settings::Setting;
use super::watched::Basis;
use crate::check::{Judged, Missing, Outcome, Unjudged};
use crate::result::{StepReport, Trouble};
use crate::spec::{Called, Step};
use crate::trace::{Hole, Trace};

/// What is known of a step beside its trace: enough to say why that is not as expected.
#[derive(Clone)]
pub(crate) struct Scene<'a> {
    pub(crate) setting: &'a Setting<'a>,
    pub(crate) step: &'a Step,
    pub(crate) called: Called,
    pub(crate) fired: Instant,
}

/// A report to which what explains it may still be added, and how the wait for its trace ended;
/// None where there was none.
pub(crate) struct Decided {
    pub(crate) report: StepReport,
    pub(crate) end: Option<End>,
    /// What it takes to judge the trace again, if a further span could change the verdict.
    pub(crate) basis: Option<Basis>,
}

/// How the wait for a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Every check was final before the trace was closed.
    Early,
    /// Nothing more would come.
    Closed,
    /// Parents were missing when every service had had its time, and a check is about just that.
    Quiet,
    /// The deadline passed, in this state of the trace.
    TimedOut(AtDeadline),
}

impl End {
    /// Every service had its time to export.
    pub(crate) fn is_quiet(self) -> bool {
        matches!(
            self,
            Self::Closed | Self::Quiet | Self::TimedOut(AtDeadline::Quiet)
        )
    }
}

impl Scene<'_> {
    pub(crate) fn patience(&self, start: Start) -> Patience {
        let flush = self.setting.options.flush;
        Patience::new(start, self.step.wait, flush, &self.setting.bound)
    }

    /// Adds what explains a report that is not as expected.
    pub(crate) async fn explained(&self, decided: Decided) -> StepReport {
        let Decided {
            mut report, end, ..
        } = decided;
        let Some(end) = end else {
            return report;
        };
        let is_unjudged =
            |judged: &Judged| matches!(judged.outcome, Outcome::Unjudged(Unjudged::NoSpans));
        let has_failed = report.failures().next().is_some();
        let holes = report.holes();
        if !has_failed && report.checks.iter().any(is_unjudged) {
            let nothing = self.nothing_came().await;
            report.trouble.get_or_insert(nothing);
        } else if !has_failed && !holes.is_empty() {
            let holed = self.holed(&holes);
            report.trouble.get_or_insert(holed);
        } else if let Some(trace) = &report.trace
            && has_failed
            && self.step.is_about_trace
        {
            let sightings = self.setting.source.sightings(self.fired).await;
            let mut notices = diagnosis::remarks(&sightings, trace, end != End::Early);
            notices.extend(trace.holes().iter().map(Hole::in_full));
            notices.extend(self.tail_hint(&report));
            report.notices = notices;
        } else if let End::TimedOut(at) = end
            && report.has_failed()
            && report.trouble.is_none()
        {
            report.trouble = Some(self.inconclusive(report.trace.as_deref(), at));
        }
        report
    }

    /// Why no span came, as far as can be told.
    pub(crate) async fn nothing_came(&self) -> Trouble {
        let sightings = self.setting.source.sightings(self.fired).await;
        let at = Some(&self.step.at);
        diagnosis::nothing_came(self.setting, &sightings, &self.called, at)
    }

    /// Checks are unjudged because spans are lost.
    pub(crate) fn holed(&self, holes: &[&Hole]) -> Trouble {
        let mut help: Vec<String> = holes.iter().map(|hole| hole.remedy.clone()).collect();
        help.dedup();
        Trouble {
            what: "spans of this trace may be missing, so what holds so far may not be all"
                .to_owned(),
            at: Some(self.step.at.clone()),
            details: holes.iter().map(|hole| hole.to_string()).collect(),
            help,
        }
    }

    /// The trace was not complete at the deadline.
    pub(crate) fn inconclusive(&self, trace: Option<&Trace>, at: AtDeadline) -> Trouble {
        let patience = self.patience(Start::Response(self.fired));
        let mut trouble = diagnosis::inconclusive(&patience, trace, at, &self.step.at);
        if at == AtDeadline::Quiet
            && patience.flush == Flush::Assumed
            && let Some(trace) = trace
        {
            let calls = self.setting.unanswered(trace);
            diagnosis::add_unanswered(&mut trouble, trace, &calls);
        }
        trouble
    }

    /// Work that goes on after the response may be what is missing.
    fn tail_hint(&self, report: &StepReport) -> Option<String> {
        let tail = self.step.wait.tail.unwrap_or_default();
        let is_missing = |judged: &Judged| {
            let failure = judged.outcome.failure();
            failure.is_some_and(|failure| failure.missing == Some(Missing::LinkedSpan))
        };
        (tail.is_zero() && report.checks.iter().any(is_missing)).then(|| {
            "work after the response is not waited for: `wait: { tail: 2s }` gives a consumer time".to_owned()
        })
    }
}

impl Decided {
    pub(crate) fn without_trace(report: StepReport, trouble: Trouble) -> Self {
        Self {
            report: with_trouble(report, trouble),
            end: None,
            basis: None,
        }
    }
}
