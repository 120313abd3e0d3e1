//! Which checks would notice a fault? Applies one fault at a time to the evidence of passed specs, and
//! judges again.
//!
//! Pure: no clock, no network. `list`, `of_response` and `of_checks` find faults, `edit` applies them, `exam`
//! judges them, `remedy` writes checks for those that are missed, and `suite` combines the specs. Running
//! the specs is left to the command, and the text to `report`.

mod edit;
mod exam;
mod list;
mod of_checks;
mod of_response;
mod remedy;
mod suite;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

use crate::draft::Sketches;
use crate::spec::{Counted, FaultKind};
use crate::step::StepEvidence;
use crate::trace::{LogRecord, Span, Trace};

use edit::Edit;

pub(crate) use suite::{
    ExaminedSpec, FaultsOfPlace, IdleCheck, NotExamined, SpecInput, Suite, Which, examine,
};

/// A fault at one place of the evidence of a step.
pub(crate) struct Mutant {
    kind: FaultKind,
    site: Site,
    /// The fault in words.
    what: String,
    /// The attribute, event, header or path.
    detail: Option<String>,
    counted: Counted,
    /// The number of equal places, for which it stands.
    equal: usize,
    edit: Edit,
}

/// The place of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Site {
    Response,
    Span(Tree, usize),
    Log(Tree, usize),
}

/// The trace of the request, or one that links connect with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Tree {
    Own,
    Linked(usize),
}

impl Tree {
    fn of(self, trace: &Trace) -> &Trace {
        match self {
            Self::Own => trace,
            Self::Linked(number) => &trace.linked()[number],
        }
    }

    /// The trees of a trace.
    fn all(trace: &Trace) -> impl Iterator<Item = Self> + use<> {
        std::iter::once(Self::Own).chain((0..trace.linked().len()).map(Self::Linked))
    }
}

/// A step with the drafts of its traces.
struct Subject<'e> {
    evidence: &'e StepEvidence,
    own: Sketches,
    linked: Vec<Sketches>,
}

impl<'e> Subject<'e> {
    fn new(evidence: &'e StepEvidence) -> Self {
        let text = evidence.step.at.source.text();
        let sketches = |trace: &Trace| Sketches::new(text, Arc::new(trace.clone()));
        Self {
            own: sketches(&evidence.trace),
            linked: evidence.trace.linked().iter().map(sketches).collect(),
            evidence,
        }
    }

    fn sketches(&self, tree: Tree) -> &Sketches {
        match tree {
            Tree::Own => &self.own,
            Tree::Linked(number) => &self.linked[number],
        }
    }

    fn span(&self, tree: Tree, span: usize) -> &'e Span {
        &tree.of(&self.evidence.trace).spans()[span]
    }

    fn log(&self, tree: Tree, log: usize) -> &'e LogRecord {
        &tree.of(&self.evidence.trace).logs()[log]
    }

    /// All faults.
    fn mutants(&self) -> Vec<Mutant> {
        let mut all = of_response::faults(self);
        // A step whose checks are about the response only is judged before its trace is complete.
        if self.evidence.expect.is_about_trace() {
            for tree in Tree::all(&self.evidence.trace) {
                all.extend(list::faults(self, tree));
            }
            all.extend(of_checks::faults(self));
        }
        all
    }
}
