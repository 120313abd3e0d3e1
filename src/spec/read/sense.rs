//! Refuses budgets and repetitions that are valid, but pointless.

use super::Reader;
use crate::spec::yaml::Node;
use crate::spec::{Allowance, Ask, Limit, Measure, Pace, Quantile, Repeat};
use crate::trace::Nanos;

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
    pub(super) fn refuse_crossed_limits(&self, limits: &[(Quantile, Limit)]) -> Option<()> {
        self.all(limits, |(quantile, limit)| {
            let mut others = limits.iter();
            let shorter = others.find(|(other, of)| other > quantile && of.at_most < limit.at_most);
            match shorter {
                None => Some(()),
                Some((other, _)) => self.wrong(
                    limit.at.place,
                    format!("the limit of {quantile} is longer than that of {other}, but {quantile} never is"),
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
}
