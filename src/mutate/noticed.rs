//! Which spans, attributes and calls of a step checks notice.

use super::exam::{self, Effect, Fate};
use super::site::Site;
use super::subject::Subject;
use crate::spec::FaultKind;
use crate::step::StepEvidence;
use crate::trace::Trace;

/// A part of a trace whose absence was judged.
pub(crate) struct PartOfTrace<'e> {
    pub(crate) trace: &'e Trace,
    /// The span.
    pub(crate) at: usize,
    pub(crate) part: TracePart,
    /// A check fails or is unjudged without it.
    pub(crate) is_noticed: bool,
}

/// A part of a trace.
pub(crate) enum TracePart {
    /// The span, or its name.
    Span,
    /// The call of the service of the span.
    Call,
    /// A link of the span.
    Link,
    /// An attribute.
    Attribute(String),
}

/// The parts of the traces of a step whose absence was judged.
pub(crate) struct Noticed<'e> {
    pub(crate) parts: Vec<PartOfTrace<'e>>,
    /// Number of faults that were not judged.
    pub(crate) faults_left: usize,
    /// Number of checks that cannot be judged again.
    pub(crate) checks_left: usize,
}

/// Judges the traces of a step without one part at a time.
///
/// # Errors
/// No check of the step passes when it is judged again.
pub(crate) fn noticed(evidence: &StepEvidence) -> Result<Noticed<'_>, String> {
    let subject = Subject::new(evidence);
    let exam = exam::examine(&subject, exam::MOST_RECORDS, &|| false)?;
    let mut parts = Vec::new();
    for (mutant, fate) in &exam.mutants {
        let Site::Span(tree, at) = mutant.site else {
            continue;
        };
        let trace = tree.of(&evidence.trace);
        let is_leaf = trace.children(at).is_empty();
        let mut add = |part| {
            parts.push(PartOfTrace {
                trace,
                at,
                part,
                is_noticed: *fate != Fate::Missed,
            });
        };
        match mutant.kind {
            FaultKind::SpanGone | FaultKind::SpanRenamed => add(TracePart::Span),
            FaultKind::ContextLost => {
                add(TracePart::Call);
                if is_leaf {
                    add(TracePart::Span);
                }
            }
            FaultKind::LinkGone => add(TracePart::Link),
            FaultKind::AttributeGone => {
                if let Some(key) = &mutant.detail {
                    add(TracePart::Attribute(key.clone()));
                }
            }
            _ => {}
        }
    }
    let checks = exam.checks.iter();
    Ok(Noticed {
        parts,
        faults_left: exam.not_judged(),
        checks_left: checks.filter(|one| one.effect == Effect::NotJudged).count(),
    })
}
