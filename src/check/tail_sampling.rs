//! Compares the decision of a Collector's tail sampling about a trace with what is expected.

use std::time::Duration;

use super::judgement::{Finality, Standing};
use super::{Failure, Subject, Unjudged};
use crate::number::exact;
use crate::sampling::judge::{Cast, Decision, Input, Verdict, in_order, reason};
use crate::sampling::replay::{Arrival, Ending, Recorded, Replayed, replay};
use crate::sampling::{CollectorVersion, Policy, TailSampling, Vote};
use crate::spec::Check;
use crate::spec::tail_sampling::TailExpectation;
use crate::trace::{Span, Trace};

/// Judges a trace with all spans that arrived. Another order of spans, other delays and the rate of other traces
/// are not known: what depends on them is unjudged.
pub(super) fn judge(check: &Check, expected: &TailExpectation, trace: &Trace) -> Standing {
    let decided = Decided::of(&expected.processor, expected.version, trace);
    let contradictions = [
        decided.kept(expected.kept.or(expected.kept_by.as_ref().map(|_| true))),
        decided.kept_by(expected.kept_by.as_deref()),
        decided.policies(&expected.policies),
    ];
    let mut found = Vec::new();
    let mut wanted = Vec::new();
    for contradiction in contradictions {
        match contradiction {
            Ok(None) => {}
            Ok(Some((want, is))) => {
                wanted.push(want);
                found.push(is);
            }
            Err(why) => return Standing::unjudged(why),
        }
    }
    if found.is_empty() {
        return Standing::holds(Finality::Open);
    }
    let subject = Subject::Trace("tail sampling");
    let mut failure = Failure::of_check(check, subject, wanted.join(", "), found.join(", "));
    failure.hints = decided.votes();
    Standing::fails(failure, Finality::Open)
}

/// Returns `true` if the processor keeps the trace, with the same reservations.
///
/// # Errors
/// The reason why that is not known.
#[cfg(feature = "run")]
pub(super) fn is_kept(
    processor: &TailSampling,
    version: CollectorVersion,
    trace: &Trace,
) -> Result<bool, Unjudged> {
    Decided::of(processor, version, trace).is_kept()
}

/// A contradiction: what is expected, and what was found instead.
type Found = Result<Option<(String, String)>, Unjudged>;

/// The decision about one trace.
struct Decided<'t> {
    policies: Vec<&'t Policy>,
    whole: Replayed,
    /// With spans that arrive at their end.
    in_time: Replayed,
    trace: Recorded,
    wait: Duration,
}

impl<'t> Decided<'t> {
    fn of(processor: &'t TailSampling, version: CollectorVersion, trace: &Trace) -> Self {
        let recorded = Recorded {
            id: trace.id(),
            spans: trace.spans().to_vec(),
            losses: trace.losses().clone(),
        };
        let traces = [recorded];
        let decide = |arrival| {
            let mut all = replay(processor, version, &traces, arrival);
            all.swap_remove(0)
        };
        let (whole, in_time) = (decide(Arrival::Together), decide(Arrival::AtEnd));
        let [trace] = traces;
        Self {
            policies: in_order(processor),
            whole,
            in_time,
            trace,
            wait: processor.decision_wait,
        }
    }

    fn verdict(&self) -> Result<&Verdict, Unjudged> {
        if let Ending::UnknownSize(field) = self.whole.ending {
            return Err(Unjudged::Lost(field));
        }
        let too_large = || {
            unjudged(
                "the trace is larger than `maximum_trace_size_bytes`, so no policy is asked",
                "raise it, or expect this of a smaller trace",
            )
        };
        self.whole.verdict.as_ref().ok_or_else(too_large)
    }

    fn is_too_large(&self) -> bool {
        matches!(self.whole.ending, Ending::TooLarge(_))
    }

    /// The decision, if it is known.
    fn is_kept(&self) -> Result<bool, Unjudged> {
        if self.is_too_large() {
            return Ok(false);
        }
        let verdict = self.verdict()?;
        let kept = verdict.kept().ok_or_else(|| self.unknown(verdict))?;
        if verdict.kept_depends() {
            return Err(self.dependent(verdict));
        }
        if self.in_time.kept() != Some(kept) {
            return Err(self.late());
        }
        Ok(kept)
    }

    /// Compares the decision with the expected one.
    fn kept(&self, expected: Option<bool>) -> Found {
        let Some(expected) = expected else {
            return Ok(None);
        };
        if self.is_too_large() {
            return Ok(expected.then(|| self.contradiction("kept", "not kept: it is too large")));
        }
        let verdict = self.verdict()?;
        match (expected, self.is_kept()?) {
            (true, false) => Ok(Some(self.contradiction("kept", &self.why_not(verdict)))),
            (false, true) => {
                let by = self
                    .decider(verdict)
                    .map(|name| format!("kept by `{name}`"));
                let by = by.unwrap_or_else(|| "kept".to_owned());
                Ok(Some(self.contradiction("not kept", &by)))
            }
            _ => Ok(None),
        }
    }

    /// Compares the policy that keeps it with the expected one. `kept` judges the decision itself.
    fn kept_by(&self, expected: Option<&str>) -> Found {
        let (Some(expected), Some(true)) = (expected, self.whole.kept()) else {
            return Ok(None);
        };
        let verdict = self.verdict()?;
        let Some(found) = self.decider(verdict) else {
            return Err(self.unknown(verdict));
        };
        if verdict.depends() {
            return Err(self.dependent(verdict));
        }
        let in_time = self.in_time.verdict.as_ref();
        if in_time.and_then(|verdict| self.decider(verdict)) != Some(found) {
            return Err(self.late());
        }
        let is_other = found != expected;
        Ok(is_other.then(|| {
            let expected = format!("kept by `{expected}`");
            self.contradiction(&expected, &format!("kept by `{found}`"))
        }))
    }

    /// The votes of policies.
    fn policies(&self, expected: &[(String, bool)]) -> Found {
        let (mut wanted, mut found) = (Vec::new(), Vec::new());
        for (name, matches) in expected {
            let cast = |verdict: &'_ Verdict| {
                let casts = self.policies.iter().zip(verdict.casts());
                let cast = casts.into_iter().find(|(policy, _)| policy.name == *name);
                cast.and_then(|(_, cast)| cast.cloned())
            };
            let verdict = self.verdict()?;
            let Some(cast_here) = cast(verdict) else {
                return Err(unjudged(
                    format!("`{name}` is not asked: another policy decides before"),
                    "remove it from `policies`",
                ));
            };
            let Some(vote) = cast_here.vote().filter(|_| !cast_here.depends()) else {
                return Err(self.unknown_vote(name, &cast_here));
            };
            let in_time = self.in_time.verdict.as_ref().and_then(cast);
            if in_time.and_then(|cast| cast.vote()) != Some(vote) {
                return Err(self.late());
            }
            if is_match(vote) != *matches {
                let word = if *matches {
                    "matches"
                } else {
                    "does not match"
                };
                wanted.push(format!("`{name}` {word}"));
                found.push(format!("`{name}` votes {vote}"));
            }
        }
        Ok((!found.is_empty()).then(|| (wanted.join(", "), found.join(", "))))
    }

    fn contradiction(&self, expected: &str, found: &str) -> (String, String) {
        (expected.to_owned(), found.to_owned())
    }

    fn decider(&self, verdict: &Verdict) -> Option<&'t str> {
        let policy = verdict.decision()?.policy()?;
        Some(self.policies.get(policy)?.name.as_str())
    }

    fn why_not(&self, verdict: &Verdict) -> String {
        match (verdict.decision(), self.decider(verdict)) {
            (Some(Decision::Dropped(_)), Some(name)) => format!("dropped by `{name}`"),
            (Some(Decision::Vetoed(_)), Some(name)) => format!("not kept: `{name}` is against it"),
            _ => "not kept".to_owned(),
        }
    }

    /// The vote of each policy, with its reason.
    fn votes(&self) -> Vec<String> {
        let Some(verdict) = &self.whole.verdict else {
            return Vec::new();
        };
        let casts = self.policies.iter().zip(verdict.casts());
        let said = casts.filter_map(|(policy, cast)| {
            let cast = cast?;
            let vote = cast
                .vote()
                .map_or("unknown".to_owned(), |vote| vote.to_string());
            Some(format!(
                "`{}` votes {vote}: {}",
                policy.name,
                self.reason(policy, cast)
            ))
        });
        said.collect()
    }

    fn reason(&self, policy: &Policy, cast: &Cast) -> String {
        let spans: Vec<&Span> = self.trace.spans.iter().collect();
        reason(policy, cast, Input::new(&spans, &self.trace.losses))
    }

    /// A vote on which the decision depends is not known.
    fn unknown(&self, verdict: &Verdict) -> Unjudged {
        let mut casts = self.policies.iter().zip(verdict.casts());
        let open = casts.find(|(_, cast)| cast.is_some_and(|cast| cast.vote().is_none()));
        match open {
            Some((policy, Some(cast))) => self.unknown_vote(&policy.name, cast),
            _ => unjudged(
                "several decisions are possible",
                "expect votes with `policies`",
            ),
        }
    }

    fn unknown_vote(&self, name: &str, cast: &Cast) -> Unjudged {
        let policy = self.policies.iter().find(|policy| policy.name == name);
        if policy.is_some_and(|policy| policy.limits_rate()) && cast.depends() {
            return rate(name);
        }
        let why = policy.map_or_else(String::new, |policy| self.reason(policy, cast));
        unjudged(
            format!("the vote of `{name}` is not known: {why}"),
            "expect other policies with `policies`, or write the policy without what spanspec does not evaluate",
        )
    }

    /// A vote on which the decision depends is another one with other traces, or in another order.
    fn dependent(&self, verdict: &Verdict) -> Unjudged {
        let mut casts = self.policies.iter().zip(verdict.casts());
        let rated = casts
            .find(|(policy, cast)| policy.limits_rate() && cast.is_some_and(|cast| cast.depends()));
        match rated {
            Some((policy, _)) => rate(&policy.name),
            None => unjudged(
                "the decision depends on the order in which spans arrive",
                "expect votes of other policies with `policies`",
            ),
        }
    }

    fn late(&self) -> Unjudged {
        let wait = exact(self.wait);
        unjudged(
            format!(
                "the decision depends on spans that end after `decision_wait` ({wait}), when it may be made"
            ),
            "raise `decision_wait`",
        )
    }
}

fn is_match(vote: Vote) -> bool {
    matches!(vote, Vote::Sampled | Vote::InvertSampled | Vote::Dropped)
}

fn rate(name: &str) -> Unjudged {
    unjudged(
        format!("the decision depends on the rate of other traces, which `{name}` limits"),
        "expect votes of other policies with `policies`",
    )
}

fn unjudged(reason: impl Into<String>, remedy: &str) -> Unjudged {
    Unjudged::Sampling {
        reason: reason.into(),
        remedy: remedy.to_owned(),
    }
}
