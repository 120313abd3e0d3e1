//! `repeat`.

use std::time::Duration;

use super::rate::{parse_number, parse_percent, parse_rate};
use super::{Reader, Refusal, parse_duration};
use crate::spec::keys;
use crate::spec::{Allowance, Arrivals, MOST_CONFIRMATIONS, Pace, Rate, Repeat};
use crate::yaml::{Kind, Node};

/// Maximum of `concurrency`; a process cannot have many more connections.
const MOST_CONCURRENT: u64 = 4_096;

/// Maximum number of requests: eleven days at a thousand per second.
const MOST_REQUESTS: u64 = 1_000_000_000;

const EXAMPLES: &str = "write `{ times: 200, concurrency: 4 }`, which sends each request after a response, or `{ rate: 50/s, for: 30s }`, which sends them at a fixed rate";

impl Reader<'_> {
    pub(crate) fn repeat(&self, node: &Node) -> Option<Repeat> {
        if let Some(scalar) = node.scalar() {
            return self.bare_repeat(node, &scalar.text);
        }
        if let Kind::List(_) = node.kind {
            let what = format!("`repeat` must be a map, found {}", node.describe());
            return self.wrong(node.place, what, "not a map", EXAMPLES);
        }
        self.scope.take_awaited();
        self.map(node, "`repeat`", keys::REPEAT)?;
        let pace = self.pace(node);
        let warmup = self.optional(node, "warmup", |warmup| self.warmup(warmup));
        let failures = self.optional(node, "failures", |failures| self.allowance(failures));
        let confirm = self.optional(node, "confirm", |confirm| self.confirm(confirm));
        self.refuse_awaited(node)?;
        let at = self.at(node.place);
        let of_failures = node.get("failures");
        let repeat = Repeat {
            failures_at: of_failures.map_or_else(|| at.clone(), |node| self.at(node.place)),
            at,
            pace: pace?,
            warmup: warmup?.unwrap_or(0),
            failures: failures?.unwrap_or(Allowance::Count(0)),
            confirm: confirm?.unwrap_or(MOST_CONFIRMATIONS),
        };
        if let Some(failures) = of_failures {
            self.refuse_boundless_failures(failures, &repeat)?;
        }
        Some(repeat)
    }

    /// Help for a variable without a value before the run.
    pub(crate) const FIX: &'static str = "write a literal value, or use one of the `vars`";

    /// Reports variables without a value, such as `${trace_id}`, that were used since the last call.
    pub(super) fn refuse_awaited(&self, node: &Node) -> Option<()> {
        match self.scope.take_awaited().into_iter().next() {
            None => Some(()),
            Some(name) => self.wrong(
                node.place,
                format!(
                    "`{name}` has no value before the run, when `repeat` and `budgets` are read"
                ),
                format!("uses `${{{name}}}`"),
                Self::FIX,
            ),
        }
    }

    /// `repeat: 200`.
    fn bare_repeat<T>(&self, node: &Node, text: &str) -> Option<T> {
        let help = if text.parse::<u64>().is_ok() {
            format!("write `{{ times: {text} }}`")
        } else if parse_rate(text).is_ok() {
            format!("write `{{ rate: {text}, for: 30s }}`")
        } else {
            EXAMPLES.to_owned()
        };
        let what = "`repeat` must be a map, found a single value";
        self.wrong(node.place, what, "not a map", help)
    }

    fn pace(&self, node: &Node) -> Option<Pace> {
        match (node.get("times"), node.get("rate")) {
            (Some(times), None) => {
                self.refuse_keys_of_the_other(node, &["for", "arrivals"], "rate");
                self.closed(node, times)
            }
            (None, Some(rate)) => {
                self.refuse_keys_of_the_other(node, &["concurrency"], "times");
                self.open(node, rate)
            }
            (Some(times), Some(_)) => self.wrong(
                times.place,
                "`times` and `rate` exclude each other",
                "conflict",
                EXAMPLES,
            ),
            (None, None) => match node.get("for") {
                Some(period) => self.wrong(
                    period.place,
                    "`for` requires a `rate`",
                    "missing `rate`",
                    "add `rate: 50/s`, or write `{ times: 200 }`",
                ),
                None => self.wrong(
                    node.place,
                    "`repeat` has neither `times` nor `rate`",
                    "missing `times` or `rate`",
                    EXAMPLES,
                ),
            },
        }
    }

    fn refuse_keys_of_the_other(&self, node: &Node, keys: &[&str], other: &str) {
        for key in keys {
            if let Some(value) = node.get(key) {
                self.wrong::<()>(
                    value.place,
                    format!("`{key}` requires `{other}`"),
                    format!("missing `{other}`"),
                    EXAMPLES,
                );
            }
        }
    }

    fn closed(&self, node: &Node, times: &Node) -> Option<Pace> {
        let times = self.at_least_one(
            times,
            "`times`",
            MOST_REQUESTS,
            "write the total number of requests, such as `200`",
        );
        let concurrency = self.optional(node, "concurrency", |concurrency| {
            let number = self.at_least_one(
                concurrency,
                "`concurrency`",
                MOST_CONCURRENT,
                "write the number of requests in flight, from 1 to 4096",
            )?;
            match times {
                Some(times) if number > times => self.wrong(
                    concurrency.place,
                    format!("`concurrency` is {number}, but `times` only {times}"),
                    "more than `times`",
                    format!("reduce `concurrency` to at most {times}, or increase `times`"),
                ),
                _ => Some(number),
            }
        });
        let concurrency = concurrency?.unwrap_or(1);
        Some(Pace::Closed {
            times: times?,
            concurrency: u32::try_from(concurrency).expect("it is at most MOST_CONCURRENT"),
        })
    }

    fn open(&self, node: &Node, rate: &Node) -> Option<Pace> {
        let read = self.parse(rate, "a rate", stand_in(), parse_rate);
        let period = match node.get("for") {
            Some(period) => self.period(period),
            None => self.wrong(
                rate.place,
                "`rate` requires a `for`",
                "missing `for`",
                "add `for: 30s`",
            ),
        };
        let arrivals = self.optional(node, "arrivals", |arrivals| {
            self.parse(
                arrivals,
                "`arrivals`",
                Arrivals::default(),
                |text| match text {
                    "poisson" => Ok(Arrivals::Poisson),
                    "constant" => Ok(Arrivals::Constant),
                    _ => Err(Refusal::new(
                        format!("invalid `arrivals`: `{text}`"),
                        "write `poisson`, as from many independent users, or `constant`",
                    )),
                },
            )
        });
        let pace = Pace::Open {
            rate: read?,
            period: period?,
            arrivals: arrivals?.unwrap_or_default(),
        };
        self.refuse_absurd_number(rate, &pace)?;
        Some(pace)
    }

    fn period(&self, node: &Node) -> Option<Duration> {
        let awaited = Duration::from_secs(1);
        self.parse(node, "a time", awaited, |text| {
            match parse_duration(text)? {
                0 => Err(Refusal::new("`for` must be longer than 0", "write `30s`")),
                nanos => Ok(Duration::from_nanos(nanos)),
            }
        })
    }

    fn refuse_absurd_number(&self, rate: &Node, pace: &Pace) -> Option<()> {
        let (what, label) = match pace.requests() {
            0 => (
                "this `rate` and `for` result in no request".to_owned(),
                "too slow",
            ),
            1..=MOST_REQUESTS => return Some(()),
            _ => (
                format!("this `rate` and `for` result in more than {MOST_REQUESTS} requests"),
                "too many",
            ),
        };
        self.wrong(rate.place, what, label, "change `rate` or `for`")
    }

    pub(super) fn at_least_one(
        &self,
        node: &Node,
        what: &str,
        most: u64,
        help: &str,
    ) -> Option<u64> {
        self.parse(node, what, 1, |text| {
            let number = text.parse().ok();
            number
                .filter(|number| (1..=most).contains(number))
                .ok_or_else(|| Refusal::new(format!("{what} cannot be `{text}`"), help))
        })
    }

    fn warmup(&self, node: &Node) -> Option<u64> {
        self.parse(node, "`warmup`", 0, |text| {
            let number = text.parse().ok();
            number
                .filter(|number| *number <= MOST_REQUESTS)
                .ok_or_else(|| {
                    Refusal::new(
                        format!("`warmup` must be a number of requests, found `{text}`"),
                        "write the number of requests that are not measured, such as `10`",
                    )
                })
        })
    }

    fn confirm(&self, node: &Node) -> Option<u8> {
        self.parse(node, "`confirm`", MOST_CONFIRMATIONS, |text| {
            let number = text.parse().ok();
            number
                .filter(|number| *number <= MOST_CONFIRMATIONS)
                .ok_or_else(|| {
                    Refusal::new(
                        format!(
                            "`confirm` must be a number from 0 to {MOST_CONFIRMATIONS}, found `{text}`"
                        ),
                        "write how often a run is repeated before a budget fails: `0` for never, at most `2`",
                    )
                })
        })
    }

    pub(super) fn allowance(&self, node: &Node) -> Option<Allowance> {
        self.parse(node, "`failures`", Allowance::Count(0), |text| {
            let read = match text.strip_suffix('%') {
                Some(percent) => parse_percent(percent)
                    .filter(|share| *share <= 1.0)
                    .map(Allowance::Share),
                None => text.parse().map(Allowance::Count).ok(),
            };
            read.ok_or_else(|| {
                let help = match parse_number(text) {
                    Some(share) if share < 1.0 => format!("write `{}`", Allowance::Share(share)),
                    _ => {
                        "write the number of failures that are tolerated, `3`, or their share, `1%`"
                            .to_owned()
                    }
                };
                Refusal::new(format!("invalid `failures`: `{text}`"), help)
            })
        })
    }

    /// Refuses `repeat` for specs that cannot be repeated, and `budgets` without `repeat`.
    pub(crate) fn refuse_idle_budgets(&self, root: &Node) {
        if root.get("search").is_some() {
            return;
        }
        if root.get("repeat").is_some() {
            // Reported.
            let _ = self.refuse_repeated_metrics(root, "repeat");
        }
        match root.get("repeat") {
            Some(repeat) => self.refuse_what_cannot_be_repeated(root, repeat),
            None => {
                if let Some(budgets) = root.get("budgets") {
                    self.wrong::<()>(
                        budgets.place,
                        "`budgets` require `repeat`: a single request has no quantiles",
                        "missing `repeat`",
                        "add `repeat: { times: 200 }`, or check the duration of a span with `duration` in `expect`",
                    );
                }
            }
        }
    }

    fn refuse_what_cannot_be_repeated(&self, root: &Node, repeat: &Node) {
        if root.get("steps").is_some() {
            self.wrong::<()>(
                repeat.place,
                "`repeat` and `steps` exclude each other",
                "conflict",
                "keep one request, and move the others to `setup`, which runs once",
            );
        }
        if root.get("poll").is_some() {
            self.wrong::<()>(
                repeat.place,
                "`repeat` and `poll` exclude each other: `repeat` sends a fixed number of requests",
                "conflict",
                "remove `poll`, or move the request that has to wait to `setup`",
            );
        }
        if root.get("send").is_some() {
            self.wrong::<()>(
                repeat.place,
                "`repeat` and `send` exclude each other",
                "conflict",
                "remove `repeat`, or write several specs with a `matrix`",
            );
        }
        if root.get("conformance").is_some() {
            self.wrong::<()>(
                repeat.place,
                "`repeat` and `conformance` exclude each other",
                "conflict",
                "remove `repeat`",
            );
        }
        if root.get("observe").is_some() {
            self.wrong::<()>(
                repeat.place,
                "`repeat` and `observe` exclude each other: `observe` sends nothing",
                "conflict",
                "remove `repeat`, and observe for a longer time",
            );
        }
        if root.get("trace_id").is_some() {
            self.wrong::<()>(
                repeat.place,
                "`repeat` and `trace_id` exclude each other: an existing trace cannot be repeated",
                "conflict",
                "remove `repeat`, or replace `trace_id` by `request` or `run`",
            );
        }
    }
}

/// Placeholder if a variable has no value.
fn stand_in() -> Rate {
    Rate {
        per_second: 1.0,
        written: "1/s".to_owned(),
    }
}
