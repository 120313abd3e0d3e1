//! The findings in traces, and the exit code that follows.

use super::super::super::exit::{Exit, fail, note};
use super::input::Input;
use crate::instrumentation::{
    Examination, Extent, Finding, Level, Observed, Rule, Settings, Unknown, examine,
};
use crate::trace::Trace;

/// The least level that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    Errors,
    Warnings,
}

/// The findings in traces.
pub(super) struct TraceLint {
    /// Findings that count, the most severe first.
    pub(super) findings: Vec<Finding>,
    /// Number of findings that the project file accepts.
    pub(super) ignored: usize,
    pub(super) traces: usize,
    pub(super) spans: usize,
    /// The rules that could not be judged.
    pub(super) unjudged: Vec<UnjudgedRule>,
    /// The rules that are on.
    pub(super) rules: Vec<Rule>,
    strictness: Strictness,
}

/// A rule that could not be judged.
pub(super) struct UnjudgedRule {
    pub(super) rule: Rule,
    pub(super) why: Unknown,
    /// The arguments or the project file deny it by name.
    pub(super) is_denied: bool,
}

impl TraceLint {
    /// Examines traces. `of_weaver` are further findings about them.
    pub(super) fn of(
        input: &Input,
        of_weaver: Vec<Finding>,
        settings: &Settings,
        strictness: Strictness,
    ) -> Self {
        let observed = Observed {
            traces: &input.traces,
            extent: Extent::Whole(&input.cut),
            logs_without_trace: input.logs_without_trace.as_ref(),
        };
        let Examination {
            mut findings,
            mut unknown,
        } = examine(&observed, settings);
        findings.extend(of_weaver);
        findings.sort_by_key(|finding| std::cmp::Reverse((finding.level, finding.count())));
        if settings.weaver.is_none() && settings.levels.get(&Rule::Weaver) == Some(&Level::Error) {
            unknown.insert(
                Rule::Weaver,
                Unknown::Unseen {
                    reason: "there is no registry of conventions".to_owned(),
                    remedy: "add `--weaver-registry PATH_OR_URL`, or `lint: { weaver: { registry: … } }` to spanspec.yaml".to_owned(),
                },
            );
        }
        note_idle_entries(&findings, settings);
        let (ignored, findings): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .partition(|finding| finding.ignored_by.is_some());
        let unjudged = unknown.into_iter().map(|(rule, why)| UnjudgedRule {
            rule,
            why,
            is_denied: settings.levels.get(&rule) == Some(&Level::Error),
        });
        let lint = Self {
            findings,
            ignored: ignored.len(),
            traces: input.traces.len(),
            spans: input.traces.iter().map(Trace::len).sum(),
            unjudged: unjudged.collect(),
            rules: Rule::ALL
                .iter()
                .copied()
                .filter(|&rule| settings.level(rule) != Level::Off)
                .filter(|&rule| rule != Rule::Weaver || settings.weaver.is_some())
                .collect(),
            strictness,
        };
        lint.note_unjudged();
        lint
    }

    /// Rules that are denied by name are errors; of others, only the loss of a part is worth a note.
    fn note_unjudged(&self) {
        for UnjudgedRule {
            rule,
            why,
            is_denied,
        } in &self.unjudged
        {
            match (is_denied, why) {
                (true, Unknown::Lost(_)) => {
                    let text = format!("error: `{rule}` is denied, and cannot be judged: {why}");
                    fail(Exit::Errored, &text);
                }
                (true, Unknown::Unseen { remedy, .. }) => {
                    let text = format!(
                        "error: `{rule}` is denied, and cannot be judged: {why}\nhelp: {remedy}"
                    );
                    fail(Exit::Errored, &text);
                }
                (false, _) if is_expected(*rule) => {}
                (false, _) => note(&format!("note: `{rule}` is not judged: {why}")),
            }
        }
    }

    pub(super) fn number(&self, level: Level) -> usize {
        let of_level = self.findings.iter().filter(|one| one.level == level);
        of_level.count()
    }

    /// Returns `true` if findings of this level fail.
    pub(super) fn fails(&self, level: Level) -> bool {
        match self.strictness {
            Strictness::Errors => level == Level::Error,
            Strictness::Warnings => level >= Level::Warning,
        }
    }

    pub(super) fn exit(&self) -> Exit {
        if self.findings.iter().any(|one| self.fails(one.level)) {
            return Exit::Failed;
        }
        match self.unjudged.iter().any(|one| one.is_denied) {
            true => Exit::Errored,
            false => Exit::Passed,
        }
    }
}

/// Returns `true` for rules that need something which is often not there: a limit, or log records.
fn is_expected(rule: Rule) -> bool {
    matches!(rule, Rule::OverSampled | Rule::UncorrelatedLogs)
}

/// Notes entries of `ignore` that accept nothing.
fn note_idle_entries(findings: &[Finding], settings: &Settings) {
    for (at, entry) in settings.ignored.iter().enumerate() {
        if !findings
            .iter()
            .any(|finding| finding.ignored_by == Some(at))
        {
            note(&format!(
                "note: {}: no finding of {} is ignored by this entry",
                entry.at, entry.rule
            ));
        }
    }
}
