//! Checks that services sampled as their caller told them: by the sampled flag, and by the thresholds in
//! `tracestate`.

use std::collections::{BTreeMap, BTreeSet};

use super::judgement::{Finality, Standing};
use super::{Evidence, Failure, Subject, Unjudged, Witness, words};
use crate::number::counted;
use crate::sampling::{OtelState, Randomness};
use crate::spec::Check;
use crate::trace::{Field, Span, SpanId, Trace};

/// The trace flags within `flags` of a span. The exporter for Python sends none.
const TRACE_FLAGS: u32 = 0xff;

/// The sampled flag among the trace flags.
const SAMPLED: u32 = 1;

/// The mark of a call in which a sampled trace ends.
const UNANSWERED: &str = "the called service recorded other calls, but not this one";

/// The evidence on head sampling, beside the trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadEvidence {
    /// The `tracestate` of the request.
    pub trace_state: Option<String>,
    /// The control of a request without the sampled flag.
    pub control: Option<Control>,
    /// Calls of services that recorded other calls, and recorded nothing of these.
    pub unanswered: Vec<SpanId>,
}

/// The same request with the sampled flag, which shows that the services record spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// The services of its spans.
    Recorded(BTreeSet<String>),
    /// The reason why no span of it arrived.
    Nothing(String),
}

/// Judges the spans of a request with or without the sampled flag.
pub(super) fn judge(check: &Check, evidence: &Evidence<'_>, trace: &Trace) -> Standing {
    match evidence.sampled {
        true => sampled(check, evidence.head, trace),
        false => unsampled(check, evidence.head, trace),
    }
}

/// No service may record a span. That none arrived proves nothing, unless the control caused spans.
fn unsampled(check: &Check, head: Option<&HeadEvidence>, trace: &Trace) -> Standing {
    if !trace.is_empty() {
        return Standing::fails(recorded(check, trace), Finality::Final);
    }
    match head.and_then(|head| head.control.as_ref()) {
        Some(Control::Recorded(_)) => Standing::holds(Finality::Open),
        Some(Control::Nothing(why)) => Standing::unjudged(Unjudged::NoControl(why.clone())),
        None => Standing::unjudged(Unjudged::NoControl("no control was sent".to_owned())),
    }
}

fn recorded(check: &Check, trace: &Trace) -> Failure {
    let mut services: BTreeMap<&str, u64> = BTreeMap::new();
    for span in trace.spans() {
        *services.entry(span.service()).or_default() += 1;
    }
    let found: Vec<String> = services
        .iter()
        .map(|(service, spans)| format!("{} of {service}", counted(*spans, "span")))
        .collect();
    let subject = Subject::Trace("spans of a request without the sampled flag");
    let mut failure = Failure::of_check(check, subject, "none", found.join(", "));
    failure.show(trace.spans(), |span| Witness::new(span, "recorded"));
    let names: Vec<&str> = services.into_keys().collect();
    failure.hints.push(follow_the_flag(&names.join(", ")));
    failure
}

fn follow_the_flag(services: &str) -> String {
    format!(
        "`OTEL_TRACES_SAMPLER=parentbased_always_on` lets {services} follow the sampled flag of the caller"
    )
}

/// Each span must have the flag, and a threshold that its trace meets and that is not below that of its
/// parent.
fn sampled(check: &Check, head: Option<&HeadEvidence>, trace: &Trace) -> Standing {
    if trace.losses().contains(Field::TraceContext) {
        return Standing::unjudged(Unjudged::Lost(Field::TraceContext));
    }
    let sent = head.and_then(|head| head.trace_state.as_deref());
    let sent = sent.and_then(|state| OtelState::of(state).ok().flatten());
    let unanswered = head.map_or(&[][..], |head| &head.unanswered);
    let wrong: Vec<(&Span, String)> = (0..trace.len())
        .filter_map(|index| {
            let span = &trace.spans()[index];
            let is_unanswered = unanswered.contains(&span.span_id);
            let why = contradiction(trace, index, sent.as_ref())
                .or_else(|| is_unanswered.then(|| UNANSWERED.to_owned()));
            why.map(|why| (span, why))
        })
        .collect();
    let Some((first, why)) = wrong.first() else {
        return Standing::holds(Finality::Open);
    };
    let found = format!(
        "`{}` of {}: {why}",
        words::excerpt(&first.name),
        first.service()
    );
    let subject = Subject::Trace("sampling by the sampled flag and `tracestate`");
    let expected = "each span sampled, and by no lower threshold than its parent";
    let mut failure = Failure::of_check(check, subject, expected, found);
    let services: BTreeSet<&str> = wrong.iter().map(|(span, _)| span.service()).collect();
    let services: Vec<&str> = services.into_iter().collect();
    failure.hints.push(format!(
        "look at the samplers and propagators of {} and of the services that they call: each must follow the sampled flag of its caller, pass on `ot` of `tracestate`, and only raise `th`",
        services.join(", ")
    ));
    failure.show(wrong, |(span, why)| Witness::new(span, why));
    Standing::fails(failure, Finality::Open)
}

/// The reason why this span should not be there, or contradicts its parent.
fn contradiction(trace: &Trace, index: usize, sent: Option<&OtelState>) -> Option<String> {
    let span = &trace.spans()[index];
    if span.flags & TRACE_FLAGS != 0 && span.flags & SAMPLED == 0 {
        return Some("exported without the sampled flag".to_owned());
    }
    let own = match OtelState::of(&span.trace_state) {
        Ok(own) => own.unwrap_or_default(),
        Err(why) => return Some(why),
    };
    let randomness = own
        .randomness
        .unwrap_or_else(|| Randomness::of(span.trace_id));
    if let Some(threshold) = own
        .threshold
        .filter(|threshold| !threshold.keeps(randomness))
    {
        return Some(format!(
            "{threshold} is above the randomness of the trace, {randomness}"
        ));
    }
    let of_parent;
    let parent = match trace.parent(index) {
        Some(parent) => {
            // An invalid one is reported at the parent.
            of_parent = OtelState::of(&trace.spans()[parent].trace_state).ok()??;
            &of_parent
        }
        None => sent?,
    };
    if let (Some(given), own) = (parent.randomness, own.randomness)
        && own != Some(given)
    {
        let own = own.map_or_else(|| "no `rv`".to_owned(), |own| own.to_string());
        return Some(format!("{own}, but {given} at its caller"));
    }
    let given = parent.threshold?;
    match own.threshold {
        None => Some(format!("no `th`, but {given} at its caller")),
        Some(own) if own < given => Some(format!("{own} is below {given} of its caller")),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::spec::{Condition, Place, Source};
    use crate::trace::{Origin, Response, TraceId};

    fn check() -> Check {
        Check {
            ask: Condition::HeadSampling,
            at: Source::new("specs/a.yaml", "").at(Place::default()),
            awaits: Vec::new(),
            receiver: None,
        }
    }

    /// Two spans, the second below the first, with these states.
    fn trace(states: &[(&str, u32)]) -> Trace {
        let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap();
        let mut parent = SpanId::of_caller(id);
        let spans: Vec<Span> = states
            .iter()
            .map(|(state, flags)| {
                let span = Span {
                    parent_id: Some(parent),
                    trace_state: (*state).to_owned(),
                    flags: *flags,
                    ..Span::new(id, SpanId::random(), "charge")
                };
                parent = span.span_id;
                span
            })
            .collect();
        Trace::assemble(id, Origin::Injected(SpanId::of_caller(id)), spans)
    }

    fn found(states: &[(&str, u32)], head: HeadEvidence, sampled: bool) -> String {
        let trace = trace(states);
        let mut evidence = Evidence::new(&Response::None, Some(&trace), sampled);
        evidence.head = Some(&head);
        match judge(&check(), &evidence, &trace).outcome {
            Outcome::Pass => "pass".to_owned(),
            Outcome::Fail(failure) => failure.found,
            Outcome::Unjudged(why) => format!("unjudged: {why}"),
        }
    }

    fn sent(state: &str) -> HeadEvidence {
        HeadEvidence {
            trace_state: Some(state.to_owned()),
            ..HeadEvidence::default()
        }
    }

    #[test]
    fn thresholds_only_rise_from_caller_to_callee() {
        let found = |first, second| found(&[(first, 257), (second, 257)], sent("ot=th:4"), true);
        assert_eq!(found("ot=th:4", "ot=th:8"), "pass");
        assert!(found("ot=th:8", "ot=th:4").ends_with("th:4 is below th:8 of its caller"));
        assert!(found("", "").ends_with("no `th`, but th:4 at its caller"));
        assert!(found("ot=th:4", "a=b").ends_with("no `th`, but th:4 at its caller"));
        assert!(found("ot=th:zz", "ot=th:8").contains("`th:zz` is not 1 to 14 hex digits"));
        assert!(found("ot=th:d", "ot=th:d").contains("th:d is above the randomness of the trace"));
    }

    #[test]
    fn randomness_is_passed_on() {
        let given = "ot=th:4;rv:c0000000000000";
        let found = |second| found(&[(given, 0), (second, 0)], sent(given), true);
        assert_eq!(found(given), "pass");
        assert!(found("ot=th:4;rv:d0000000000000").contains("but rv:c0000000000000 at its caller"));
        assert!(found("ot=th:4").contains("no `rv`, but rv:c0000000000000 at its caller"));
    }

    #[test]
    fn a_span_without_the_flag_in_a_sampled_trace_is_a_contradiction() {
        let found = |flags| found(&[("", flags)], HeadEvidence::default(), true);
        assert!(found(0x302).contains("exported without the sampled flag"));
        assert_eq!(found(0x300), "pass");
        assert_eq!(found(0x301), "pass");
        assert_eq!(found(0), "pass");
    }

    #[test]
    fn a_call_that_a_recording_service_does_not_record_is_a_contradiction() {
        let trace = trace(&[("", 0)]);
        let head = HeadEvidence {
            unanswered: vec![trace.spans()[0].span_id],
            ..HeadEvidence::default()
        };
        let mut evidence = Evidence::new(&Response::None, Some(&trace), true);
        evidence.head = Some(&head);
        let outcome = judge(&check(), &evidence, &trace).outcome;
        let found = outcome.failure().unwrap().found.clone();
        assert!(found.ends_with(UNANSWERED), "{found}");
    }

    #[test]
    fn without_the_flag_only_a_control_that_recorded_proves_that_none_was_recorded() {
        let with = |control| HeadEvidence {
            control,
            ..HeadEvidence::default()
        };
        let recorded = Control::Recorded(["payment".to_owned()].into());
        assert_eq!(found(&[], with(Some(recorded.clone())), false), "pass");
        let nothing = Control::Nothing("none of the control".to_owned());
        assert!(found(&[], with(Some(nothing)), false).starts_with("unjudged"));
        assert!(found(&[], with(None), false).starts_with("unjudged"));
        assert!(found(&[("", 0)], with(Some(recorded)), false).starts_with("1 span of "));
    }
}
