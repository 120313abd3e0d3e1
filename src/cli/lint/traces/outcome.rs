//! The findings in traces, and the exit code that follows.

use super::super::super::exit::{Exit, note};
use crate::instrumentation::{Extent, Finding, Level, Observed, Settings, examine};
use crate::trace::Trace;

/// The findings in traces.
pub(super) struct TraceLint {
    /// Findings that count, the most severe first.
    pub(super) findings: Vec<Finding>,
    /// Number of findings that the project file accepts.
    pub(super) ignored: usize,
    pub(super) traces: usize,
    pub(super) spans: usize,
}

impl TraceLint {
    pub(super) fn of(traces: &[Trace], settings: &Settings) -> Self {
        let observed = Observed {
            traces,
            extent: Extent::Whole,
            logs_without_trace: None,
        };
        let all = examine(&observed, settings).findings;
        for (at, entry) in settings.ignored.iter().enumerate() {
            if !all.iter().any(|finding| finding.ignored_by == Some(at)) {
                note(&format!(
                    "note: {}: no finding of {} is ignored by this entry",
                    entry.at, entry.rule
                ));
            }
        }
        let (ignored, findings): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|finding| finding.ignored_by.is_some());
        Self {
            findings,
            ignored: ignored.len(),
            traces: traces.len(),
            spans: traces.iter().map(Trace::len).sum(),
        }
    }

    pub(super) fn number(&self, level: Level) -> usize {
        let of_level = self.findings.iter().filter(|one| one.level == level);
        of_level.count()
    }

    pub(super) fn exit(&self, strict: bool) -> Exit {
        let fails = self.number(Level::Error) > 0 || strict && self.number(Level::Warning) > 0;
        match fails {
            true => Exit::Failed,
            false => Exit::Passed,
        }
    }
}
