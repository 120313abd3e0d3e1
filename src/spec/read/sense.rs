//! Budgets and repetitions that can be read, and can never be what somebody means.

use super::Reader;
use crate::spec::yaml::Node;
use crate::spec::{Allowance, Ask, Limit, Measure, Pace, Quantile, Repeat};
use crate::trace::Nanos;

impl Reader<'_> {
    /// Where as many may fail as there are, nothing can.
    pub(super) fn refuse_boundless_failures(&self, failures: &Node, repeat: &Repeat) -> Option<()> {
        let requests = repeat.pace.requests();
        if repeat.failures.of(requests) < requests {
            return Some(());
        }
        let all = match (&repeat.pace, requests) {
            (_, 1) => "the only request".to_owned(),
            (Pace::Closed { .. }, _) => format!("all {requests} requests"),
            (Pace::Open { .. }, _) => format!("all of about {requests} requests"),
        };
        let help = match repeat.failures {
            Allowance::Count(_) => "write a smaller number, or a share such as 1%",
            Allowance::Share(_) => "write a smaller share, such as 1%",
        };
        self.wrong(
            failures.place,
            format!("{all} may fail, so that nothing can go wrong"),
            "never too many",
            help,
        )
    }

    /// A quantile is never longer than a higher one, so its longer limit decides nothing.
    pub(super) fn refuse_crossed_limits(&self, limits: &[(Quantile, Limit)]) -> Option<()> {
        self.all(limits, |(quantile, limit)| {
            let mut others = limits.iter();
            let shorter = others.find(|(other, of)| other > quantile && of.at_most < limit.at_most);
            match shorter {
                None => Some(()),
                Some((other, _)) => self.wrong(
                    limit.at.place,
                    format!("{quantile} is never longer than {other}, and its limit is"),
                    "decides nothing",
                    "exchange both limits, or leave this one out",
                ),
            }
        })
        .map(drop)
    }

    /// Who selects spans by what he measures of them does not see the long ones.
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
                format!("`{key}` is measured, and here spans that are longer are left out"),
                "hides the long ones",
                format!("leave `{key}` out of `find`, and write the limit as `p99: < 1s`"),
            ),
        }
    }
}
