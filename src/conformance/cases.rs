//! The cases.
//!
//! Each is a request with header lines that a sentence of a specification is about. The requirement is that of the
//! sentence. What only the W3C's test suite requires in its strict mode is a SHOULD.

mod table;

use super::expand::CONTEXTS;
use super::format::Format;
use super::section::Section;
use crate::trace::Requirement;
use table::{BAGGAGE, Row, TRACE_CONTEXT};

/// The requirement on the trace context that the service uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The service continues the trace.
    Continued,
    /// The service continues the trace, and sends another parent id on.
    NewParent,
    /// The service starts a trace of its own.
    Restarted,
    /// As `Restarted`, and it sends no member of this list on.
    RestartedWithout(&'static str),
    /// The trace is continued, and these bits of the flags that are sent on have these values.
    Flags { mask: u8, value: u8 },
    /// The trace is continued, with these members in this order; others stand left of them.
    Kept(&'static str),
    /// The trace is continued, without a member that has a key of this list.
    Discarded(&'static str),
    /// The trace is continued, with at most this number of members.
    AtMost(usize),
    /// The trace is continued, with one of these lists.
    AnyOf(&'static [&'static str]),
    /// The members of the baggage are sent on, with decoded values and properties.
    Baggage(&'static str),
    /// `traceparent` wins over other formats.
    Wins,
}

impl Rule {
    /// Returns `true` if only the echo can show it.
    pub(crate) fn needs_echo(&self) -> bool {
        matches!(
            self,
            Self::Flags { .. } | Self::NewParent | Self::Baggage(_)
        )
    }
}

/// A case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The level of Trace Context that introduced it; 0 for other specifications.
    pub(crate) level: u8,
    pub(crate) requirement: Requirement,
    pub(crate) section: Section,
    /// Names, and templates of what follows the colon.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) rule: Rule,
    /// The request is one that a server must accept.
    pub(crate) is_legal: bool,
}

impl Case {
    /// Number of distinct contexts in its headers.
    pub(crate) fn contexts(&self) -> usize {
        let has_second = self.headers.iter().any(|(_, value)| value.contains("{t2}"));
        match self.rule {
            Rule::Wins => CONTEXTS,
            _ => 1 + usize::from(has_second),
        }
    }
}

/// The cases to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The level of Trace Context, 1 or 2.
    pub(crate) level: u8,
    pub(crate) has_baggage: bool,
    pub(crate) formats: Vec<Format>,
}

/// The cases of a selection, in the order of reports.
pub(crate) fn cases(selection: &Selection) -> Vec<Case> {
    let mut all: Vec<Case> = TRACE_CONTEXT
        .iter()
        .filter(|row| row.level <= selection.level)
        .map(Row::case)
        .collect();
    if selection.has_baggage {
        all.extend(BAGGAGE.iter().map(Row::case));
    }
    all.extend(
        selection
            .formats
            .iter()
            .map(|format| of_formats(format.case(), &[*format])),
    );
    if selection.formats.len() > 1 {
        all.push(of_formats("formats-all", &selection.formats));
    }
    all
}

/// The names of all cases.
pub(crate) fn all_names() -> Vec<&'static str> {
    let all = Selection {
        level: 2,
        has_baggage: true,
        formats: Format::ALL.to_vec(),
    };
    cases(&all).into_iter().map(|case| case.name).collect()
}

fn of_formats(name: &'static str, formats: &[Format]) -> Case {
    let headers = formats.iter().flat_map(|format| format.headers());
    let headers = std::iter::once(&("traceparent", " 00-{t}-{p}-01")).chain(headers);
    Case {
        name,
        level: 0,
        requirement: Requirement::Should,
        section: Section::OtherFormat,
        headers: headers.copied().collect(),
        rule: Rule::Wins,
        is_legal: true,
    }
}
