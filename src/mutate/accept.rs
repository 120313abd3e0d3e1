//! The faults that specs and the project accept.

use std::collections::HashSet;

use super::examined::{ExaminedStep, Occurrence};
use super::mutant::Mutant;
use super::site::Site;
use crate::check::select;
use crate::spec::{Counted, IgnoredFaults, Location, SpecError};
use crate::trace::Span;

/// The specs to which an entry of `ignore` applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// All.
    Project,
    /// One, by its number among the examined ones.
    Spec(usize),
}

impl Owner {
    fn has(self, step: &ExaminedStep<'_>) -> bool {
        match self {
            Self::Project => true,
            Self::Spec(spec) => step.spec == spec,
        }
    }
}

/// The faults that entries of `ignore` accept.
pub(super) struct Acceptance<'a> {
    entries: Vec<EntryUse<'a>>,
    accepted: HashSet<Occurrence>,
}

/// An entry of `ignore`, and its effect.
struct EntryUse<'a> {
    entry: &'a IgnoredFaults,
    owner: Owner,
    /// It accepts a fault, or might accept one that was not judged.
    is_used: bool,
}

impl<'a> Acceptance<'a> {
    pub(super) fn new(
        entries: impl Iterator<Item = (Owner, &'a IgnoredFaults)>,
        steps: &[ExaminedStep<'_>],
    ) -> Self {
        let mut this = Self {
            entries: Vec::new(),
            accepted: HashSet::new(),
        };
        for (owner, entry) in entries {
            let of_entry = accepted(entry, owner, steps);
            let mut steps = steps.iter().filter(|step| owner.has(step));
            this.entries.push(EntryUse {
                entry,
                owner,
                is_used: !of_entry.is_empty() || steps.any(|step| step.exam.not_judged() > 0),
            });
            this.accepted.extend(of_entry);
        }
        this
    }

    pub(super) fn accepts(&self, fault: Occurrence) -> bool {
        self.accepted.contains(&fault)
    }

    /// The entries that accept no fault, as warnings. Those of the project are among them only if all of its
    /// specs were examined.
    pub(super) fn unused(&self, is_project_known: bool) -> Vec<SpecError> {
        let is_known = |one: &&EntryUse<'_>| is_project_known || one.owner != Owner::Project;
        // All cases of a matrix have the same entries.
        let is_used_elsewhere = |at: &Location| {
            let mut used = self.entries.iter().filter(|one| one.is_used);
            used.any(|one| is_same_place(&one.entry.at, at))
        };
        let unused = self.entries.iter().filter(|one| !one.is_used);
        let unused = unused.filter(is_known).map(|one| &one.entry.at);
        let mut unused: Vec<&Location> = unused.filter(|at| !is_used_elsewhere(at)).collect();
        unused.dedup_by(|one, other| is_same_place(one, other));
        unused.into_iter().map(warning).collect()
    }
}

fn warning(at: &Location) -> SpecError {
    SpecError {
        what: "this entry of `ignore` accepts no fault".to_owned(),
        at: at.clone(),
        label: "without effect".to_owned(),
        help: Some("remove it, or correct `fault`, `find` or `attribute`".to_owned()),
    }
}

pub(super) fn is_same_place(one: &Location, other: &Location) -> bool {
    one.place == other.place && one.source.name() == other.source.name()
}

/// The faults that an entry accepts.
fn accepted(entry: &IgnoredFaults, owner: Owner, steps: &[ExaminedStep<'_>]) -> Vec<Occurrence> {
    let mut all = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        if !owner.has(step) {
            continue;
        }
        let spans = entry.find.as_ref().map(|find| {
            let found = select(find, &step.subject.evidence.trace);
            found.into_iter().map(std::ptr::from_ref).collect()
        });
        let faults = step.exam.mutants.iter().enumerate();
        let faults = faults.filter(|(_, (mutant, _))| {
            mutant.counted != Counted::Never && accepts(entry, spans.as_ref(), step, mutant)
        });
        all.extend(faults.map(|(fault, _)| (number, fault)));
    }
    all
}

/// Returns `true` if an entry accepts a fault. `spans` are those that its `find` selects.
fn accepts(
    entry: &IgnoredFaults,
    spans: Option<&HashSet<*const Span>>,
    step: &ExaminedStep<'_>,
    mutant: &Mutant,
) -> bool {
    let is_kind = entry.kinds.is_empty() || entry.kinds.contains(&mutant.kind);
    let is_detail = entry.attribute.is_none() || entry.attribute == mutant.detail;
    let is_there = spans.is_none_or(|spans| match mutant.site {
        Site::Span(tree, at) => spans.contains(&std::ptr::from_ref(step.subject.span(tree, at))),
        Site::Response | Site::Log(..) => false,
    });
    is_kind && is_detail && is_there
}
