//! Counts the traces that a sampler would keep, and judges their share.

use std::sync::Arc;

use crate::check::{self, CheckRef, Failure, Judged, Outcome, Subject, Unjudged};
use crate::result::{KeptShare, Load, ShareVerdict};
use crate::spec::ExpectedShare;
use crate::trace::Trace;

/// The decisions of a sampler about the traces of a run.
pub(super) struct ShareCount {
    expected: Arc<ExpectedShare>,
    kept: u64,
    unknown: u64,
    traces: u64,
}

impl ShareCount {
    pub(super) fn new(expected: Arc<ExpectedShare>) -> Self {
        Self {
            expected,
            kept: 0,
            unknown: 0,
            traces: 0,
        }
    }

    /// Counts a trace; `None` if it is not complete. Returns an unjudged check if its decision is not known.
    pub(super) fn add(&mut self, trace: Option<&Trace>) -> Option<Judged> {
        self.traces += 1;
        match trace.map(|trace| is_kept(&self.expected, trace)) {
            Some(Ok(is_kept)) => {
                self.kept += u64::from(is_kept);
                None
            }
            None => {
                self.unknown += 1;
                None
            }
            Some(Err(why)) => {
                self.unknown += 1;
                Some(Judged {
                    check: CheckRef::Decision,
                    what: format!("decision of `{}`", self.expected.share.sampler.id()),
                    at: self.expected.at.clone(),
                    outcome: Outcome::Unjudged(why),
                })
            }
        }
    }

    /// The share of all traces that were counted.
    pub(super) fn share(&self) -> KeptShare {
        KeptShare {
            processor: self.expected.share.sampler.id().to_owned(),
            at: self.expected.at.clone(),
            expected: self.expected.share.within.clone(),
            kept: self.kept,
            unknown: self.unknown,
            traces: self.traces,
        }
    }
}

/// Returns `true` if the sampler keeps a complete trace.
pub(super) fn is_kept(expected: &ExpectedShare, trace: &Trace) -> Result<bool, Unjudged> {
    check::is_kept(&expected.share.sampler, trace)
}

/// The check of the share of a load.
pub(super) fn check(load: &Load) -> Option<Judged> {
    let share = load.kept_share.as_ref()?;
    let verdict = share.verdict();
    let outcome = match load.fails_share(verdict) {
        true => Outcome::Fail(Box::new(failure(share, verdict))),
        false => Outcome::Pass,
    };
    Some(Judged {
        check: CheckRef::KeptShare,
        what: format!("share of traces that `{}` keeps", share.processor),
        at: share.at.clone(),
        outcome,
    })
}

fn failure(share: &KeptShare, verdict: ShareVerdict) -> Failure {
    let expected = match verdict {
        ShareVerdict::NotProven => format!("proof of {}", share.expected),
        _ => share.expected.to_string(),
    };
    let subject = Subject::KeptShare(share.processor.clone());
    let found = format!("{verdict}: {}", share.found());
    let mut failure = Failure::new(subject, share.at.clone(), expected, found);
    if verdict == ShareVerdict::NotProven {
        failure.hints.push(share.would_prove());
    }
    failure
}
