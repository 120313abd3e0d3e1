//! The places of faults.

use crate::trace::Trace;

/// The place of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Site {
    Response,
    Span(Tree, usize),
    Log(Tree, usize),
}

/// The trace of the request, or one that links connect with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Tree {
    Own,
    Linked(usize),
}

impl Tree {
    pub(super) fn of(self, trace: &Trace) -> &Trace {
        match self {
            Self::Own => trace,
            Self::Linked(number) => &trace.linked()[number],
        }
    }

    pub(super) fn of_mut(self, trace: &mut Trace) -> &mut Trace {
        match self {
            Self::Own => trace,
            Self::Linked(number) => &mut trace.linked_mut()[number],
        }
    }

    /// The trees of a trace.
    pub(super) fn all(trace: &Trace) -> impl Iterator<Item = Self> + use<> {
        std::iter::once(Self::Own).chain((0..trace.linked().len()).map(Self::Linked))
    }
}
