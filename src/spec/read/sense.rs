//! Refuses budgets and repetitions that are valid, but pointless.

use super::Reader;
use crate::number::Unit;
use crate::spec::{
    Allowance, Ask, AttributeKey, Limit, Matcher, Measure, Pace, Quantile, Repeat, Selector,
};
use crate::trace::Nanos;
use crate::yaml::Node;

impl Reader<'_> {
    /// Refuses `failures` that tolerate the failure of every request.
    pub(super) fn refuse_boundless_failures(&self, failures: &Node, repeat: &Repeat) -> Option<()> {
        let requests = repeat.pace.requests();
        if repeat.failures.of(requests) < requests {
            return Some(());
        }
        let all = match (&repeat.pace, requests) {
            (_, 1) => "the only request".to_owned(),
            (Pace::Closed { .. }, _) => format!("all {requests} requests"),
            (Pace::Search { .. }, _) => format!("all {requests} traces"),
            (Pace::Open { .. }, _) => format!("all of about {requests} requests"),
        };
        let help = match repeat.failures {
            Allowance::Count(_) => "write a smaller number, or a share such as `1%`",
            Allowance::Share(_) => "write a smaller share, such as `1%`",
        };
        self.wrong(
            failures.place,
            format!("`failures` tolerates the failure of {all}"),
            "cannot fail",
            help,
        )
    }

    /// Refuses a limit that is longer than that of a higher quantile, which it can never exceed.
    pub(super) fn refuse_crossed_limits(
        &self,
        limits: &[(Quantile, Limit)],
        unit: Unit,
    ) -> Option<()> {
        let longer = match unit {
            Unit::Micros => "longer",
            Unit::Number => "higher",
        };
        self.all(limits, |(quantile, limit)| {
            let mut others = limits.iter();
            let shorter = others
                .find(|(other, of)| other > quantile && of.most.value < limit.most.value);
            match shorter {
                None => Some(()),
                Some((other, _)) => self.wrong(
                    limit.at.place,
                    format!("the limit of {quantile} is {longer} than that of {other}, but {quantile} never is"),
                    "has no effect",
                    "swap the limits, or remove this one",
                ),
            }
        })
        .map(drop)
    }

    /// Refuses a condition on the measured quantity, which would exclude the long spans.
    pub(super) fn refuse_what_is_cut_off(&self, measure: &Measure) -> Option<()> {
        let (find, key) = match measure {
            Measure::Duration(find) => (find, "duration"),
            Measure::SelfTime(find) => (find, "self_time"),
            Measure::Attribute(find, key) => return self.refuse_cut_off_attribute(find, key),
            Measure::Sum(find, key) => {
                self.refuse_linked_spans(find)?;
                return self.refuse_cut_off_attribute(find, key);
            }
            Measure::Count(find) => return self.refuse_linked_spans(find),
            Measure::ResponseTime | Measure::TraceDuration => return Some(()),
        };
        let cut = find.conditions.iter().find(|condition| {
            let limits = match (&condition.ask, measure) {
                (Ask::Duration(limits), Measure::Duration(_))
                | (Ask::SelfTime(limits), Measure::SelfTime(_)) => limits,
                _ => return false,
            };
            !limits.holds_for_all_above(Nanos::MAX)
        });
        match cut {
            None => Some(()),
            Some(condition) => self.wrong(
                condition.at.place,
                format!("`{key}` is measured, but this condition excludes longer spans"),
                "excludes long spans",
                format!("remove `{key}` from `find`, and write the limit as `p99: < 1s`"),
            ),
        }
    }

    /// Refuses to count spans of linked traces, of which it is not known when they are complete.
    fn refuse_linked_spans(&self, find: &Selector) -> Option<()> {
        let mut conditions = find.conditions.iter();
        match conditions.find(|condition| condition.ask.follows_links()) {
            None => Some(()),
            Some(condition) => self.wrong(
                condition.at.place,
                "spans of linked traces cannot be counted, because more of them can arrive later",
                "follows links",
                "count spans of the trace itself",
            ),
        }
    }

    /// Refuses a condition on the value of the measured attribute, which would exclude large values.
    fn refuse_cut_off_attribute(&self, find: &Selector, measured: &AttributeKey) -> Option<()> {
        let cut = find
            .conditions
            .iter()
            .find(|condition| match &condition.ask {
                Ask::Attribute(key, matcher) => {
                    let mut names = key.names();
                    let is_measured = names.any(|name| measured.names().any(|one| one == name));
                    is_measured && !matches!(matcher, Matcher::Exists)
                }
                _ => false,
            });
        match cut {
            None => Some(()),
            Some(condition) => self.wrong(
                condition.at.place,
                format!("`{measured}` is measured, but this condition excludes spans by its value"),
                "excludes values",
                "remove this condition, or write `exists`",
            ),
        }
    }
}
