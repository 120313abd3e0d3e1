//! `ottl_condition`.

use super::super::finding::LintRule;
use super::super::value::is_variable;
use super::Policies;
use super::draft::Draft;
use crate::sampling::ottl::{Condition, Context, ProblemKind};
use crate::sampling::policy::{OttlConditions, Rule};
use crate::yaml::Location;

impl Policies<'_> {
    pub(super) fn ottl(&self, draft: &Draft<'_>) -> Option<Rule> {
        let (span, span_event) = (draft.texts("span"), draft.texts("spanevent"));
        if span.is_empty() && span_event.is_empty() {
            let finding = draft.finding(LintRule::BadCondition, draft.kind_at, "has no condition");
            self.note(finding.help("add conditions as `span` or `spanevent`"));
            return None;
        }
        let is_valid = [(&span, Context::Span), (&span_event, Context::SpanEvent)]
            .map(|(conditions, context)| self.look_at_conditions(draft, conditions, context));
        if is_valid.contains(&false) {
            return None;
        }
        let mode = draft.text("error_mode").to_lowercase();
        Some(Rule::OttlCondition(OttlConditions {
            ignores_errors: matches!(mode.as_str(), "ignore" | "silent"),
            span,
            span_event,
        }))
    }

    /// Returns `true` if the Collector accepts the conditions.
    fn look_at_conditions(
        &self,
        draft: &Draft<'_>,
        conditions: &[(String, Location)],
        context: Context,
    ) -> bool {
        let mut is_valid = true;
        for (text, at) in conditions {
            let Err(problem) = Condition::parse(text, context, self.version) else {
                continue;
            };
            is_valid &= problem.kind != ProblemKind::Invalid;
            let (rule, fact) = match problem.kind {
                ProblemKind::Invalid => (LintRule::BadCondition, "has an invalid condition"),
                ProblemKind::Unsupported => (
                    LintRule::NotEvaluated,
                    "has a condition that `replay` does not evaluate",
                ),
            };
            let finding = match is_variable(at) {
                true => draft.finding(rule, at, fact),
                false => {
                    let what = format!("{fact}: {}", problem.what);
                    draft.finding(rule, &problem.location(text, at), what)
                }
            };
            let help = problem.help.filter(|_| !is_variable(at));
            self.note(finding.help(help.unwrap_or_default()));
        }
        is_valid
    }
}
