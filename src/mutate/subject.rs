//! A step whose evidence gets faults.

use std::sync::Arc;

use super::site::Tree;
use crate::draft::Sketches;
use crate::step::StepEvidence;
use crate::trace::{LogRecord, Span, Trace};

/// A step with the drafts of its traces.
pub(super) struct Subject<'e> {
    pub(super) evidence: &'e StepEvidence,
    pub(super) own: Sketches,
    pub(super) linked: Vec<Sketches>,
}

impl<'e> Subject<'e> {
    pub(super) fn new(evidence: &'e StepEvidence) -> Self {
        let text = evidence.step.at.source.text();
        let sketches = |trace: &Trace| Sketches::new(text, Arc::new(trace.clone()));
        Self {
            own: sketches(&evidence.trace),
            linked: evidence.trace.linked().iter().map(sketches).collect(),
            evidence,
        }
    }

    /// The number of spans and log records that are judged at once.
    pub(super) fn size(&self) -> usize {
        let trees = Tree::all(&self.evidence.trace).map(|tree| tree.of(&self.evidence.trace));
        trees.map(|trace| trace.len() + trace.logs().len()).sum()
    }

    pub(super) fn sketches(&self, tree: Tree) -> &Sketches {
        match tree {
            Tree::Own => &self.own,
            Tree::Linked(number) => &self.linked[number],
        }
    }

    pub(super) fn span(&self, tree: Tree, span: usize) -> &'e Span {
        &tree.of(&self.evidence.trace).spans()[span]
    }

    pub(super) fn log(&self, tree: Tree, log: usize) -> &'e LogRecord {
        &tree.of(&self.evidence.trace).logs()[log]
    }
}
