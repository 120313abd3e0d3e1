//! Results of conformance cases.

use std::time::Duration;

use super::TraceId;

/// The verdict about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseVerdict {
    /// The observers saw what the specification requires.
    Conforming,
    /// An observer saw something else, or the header made the request fail.
    Nonconforming,
    /// A proxy, or the HTTP parser of the server, refused the request before the application.
    Masked,
    /// No observer saw the request.
    Unobservable,
}

impl CaseVerdict {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Conforming => "conforming",
            Self::Nonconforming => "nonconforming",
            Self::Masked => "masked",
            Self::Unobservable => "unobservable",
        }
    }
}

/// The strength of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// MUST of the specification.
    Must,
    /// SHOULD of the specification, or a choice that the test suite of the W3C makes in its strict mode.
    Should,
}

impl Requirement {
    /// `must` or `should`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
        }
    }
}

/// The effect of a case on the verdict of its spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseEffect {
    /// The case passes.
    Passes,
    /// The case passes, and the report has a note.
    Notes,
    /// The case fails.
    Fails,
    /// The case cannot be judged.
    Unjudged,
}

/// The result of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseResult {
    /// The name of the case.
    pub name: &'static str,
    /// Its verdict.
    pub verdict: CaseVerdict,
    /// The requirement that it violates, or else the one that it is about.
    pub requirement: Requirement,
    /// The level of the specification that introduced it, or 0 for other specifications.
    pub level: u8,
    /// The section of the specification: its title, and its address.
    pub section: (&'static str, String),
    /// The header lines that were sent, escaped.
    pub sent: String,
    /// What the specification requires.
    pub expected: String,
    /// What the observers saw, or the reason why they saw nothing.
    pub found: String,
    /// A remedy, unless the case conforms.
    pub help: Option<String>,
    /// The traces whose ids were sent.
    pub trace_ids: Vec<TraceId>,
    /// The request is one that a server must accept.
    pub is_legal: bool,
    /// The user declares that the case does not conform.
    pub is_allowed: bool,
}

/// The results of a conformance run.
#[derive(Clone, Debug, PartialEq)]
pub struct ConformanceResponse {
    /// The level of the specification.
    pub level: u8,
    /// A violated SHOULD fails.
    pub is_strict: bool,
    /// The results, in the order of the list of cases.
    pub cases: Vec<CaseResult>,
    /// Notes about cases that were left out, and about observers.
    pub notes: Vec<String>,
    /// From the first request to the last verdict.
    pub time: Duration,
}

impl ConformanceResponse {
    /// The effect of a case.
    #[must_use]
    pub fn effect(&self, case: &CaseResult) -> CaseEffect {
        match case.verdict {
            CaseVerdict::Conforming if case.is_allowed => CaseEffect::Notes,
            CaseVerdict::Conforming => CaseEffect::Passes,
            CaseVerdict::Unobservable => CaseEffect::Unjudged,
            _ if case.is_allowed => CaseEffect::Passes,
            CaseVerdict::Masked if case.is_legal => CaseEffect::Unjudged,
            CaseVerdict::Masked => CaseEffect::Notes,
            CaseVerdict::Nonconforming
                if case.requirement == Requirement::Should && !self.is_strict =>
            {
                CaseEffect::Notes
            }
            CaseVerdict::Nonconforming => CaseEffect::Fails,
        }
    }

    /// Number of cases with this verdict.
    #[must_use]
    pub fn count(&self, verdict: CaseVerdict) -> usize {
        let cases = self.cases.iter();
        cases.filter(|case| case.verdict == verdict).count()
    }

    /// `41 conforming, 3 nonconforming, 1 masked`.
    #[must_use]
    pub fn summary(&self) -> String {
        let all = [
            CaseVerdict::Conforming,
            CaseVerdict::Nonconforming,
            CaseVerdict::Masked,
            CaseVerdict::Unobservable,
        ];
        let counts = all.iter().map(|verdict| (self.count(*verdict), verdict));
        let parts: Vec<String> = counts
            .filter(|(number, _)| *number > 0)
            .map(|(number, verdict)| format!("{number} {}", verdict.name()))
            .collect();
        parts.join(", ")
    }

    /// Notes for the report.
    #[must_use]
    pub fn all_notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let noted = self.cases.iter();
        let noted = noted.filter(|case| self.effect(case) == CaseEffect::Notes);
        notes.extend(noted.map(|case| match case.verdict {
            CaseVerdict::Conforming => format!(
                "`{}` conforms now: remove it from the cases that are allowed not to",
                case.name
            ),
            CaseVerdict::Masked => format!("`{}` is masked: {}", case.name, case.found),
            _ => format!(
                "`{}` does not conform to a SHOULD: expected {}, found {}",
                case.name, case.expected, case.found
            ),
        }));
        notes
    }
}
