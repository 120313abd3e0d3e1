//! `repeat`.

use std::time::Duration;

use super::rate::{parse_number, parse_percent, parse_rate};
use super::{Reader, Refusal, parse_duration};
use crate::spec::keys;
use crate::spec::yaml::{Kind, Node};
use crate::spec::{Allowance, Arrivals, Pace, Rate, Repeat};

/// More is a mistake: so many connections no machine gives to one process.
const MOST_CONCURRENT: u64 = 4_096;

/// More is a mistake: at a thousand a second they take eleven days.
const MOST_REQUESTS: u64 = 1_000_000_000;

const EXAMPLES: &str = "write `{ times: 200, concurrency: 4 }`, which sends the next request after an answer, or `{ rate: 50/s, for: 30s }`, which sends them whatever the answers";

impl Reader<'_> {
    pub(crate) fn repeat(&self, node: &Node) -> Option<Repeat> {
        if let Some(scalar) = node.scalar() {
            return self.bare_repeat(node, &scalar.text);
        }
        if let Kind::List(_) = node.kind {
            let what = format!("`repeat` is a map, and this is {}", node.describe());
            return self.wrong(node.place, what, "not a map", EXAMPLES);
        }
        self.scope.take_awaited();
        self.map(node, "`repeat`", keys::REPEAT)?;
        let pace = self.pace(node);
        let warmup = self.optional(node, "warmup", |warmup| self.warmup(warmup));
        let failures = self.optional(node, "failures", |failures| self.allowance(failures));
        self.refuse_awaited(node)?;
        let at = self.at(node.place);
        let of_failures = node.get("failures");
        let repeat = Repeat {
            failures_at: of_failures.map_or_else(|| at.clone(), |node| self.at(node.place)),
            at,
            pace: pace?,
            warmup: warmup?.unwrap_or(0),
            failures: failures?.unwrap_or(Allowance::Count(0)),
        };
        if let Some(failures) = of_failures {
            self.refuse_boundless_failures(failures, &repeat)?;
        }
        Some(repeat)
    }

    /// What to do about a variable whose value comes too late.
    pub(crate) const FIX: &'static str = "write the value out, or use one of the `vars`";

    /// Notes what was asked for since the last look and has no value yet. Captures are withheld;
    /// these are `${trace_id}` and the like.
    pub(super) fn refuse_awaited(&self, node: &Node) -> Option<()> {
        match self.scope.take_awaited().into_iter().next() {
            None => Some(()),
            Some(name) => self.wrong(
                node.place,
                format!(
                    "`{name}` has a value only while the spec runs; `repeat` and `budgets` are fixed before"
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
        let what = "`repeat` is a map, and this is a single value";
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
                "`times` stands beside `rate`",
                "one or the other",
                EXAMPLES,
            ),
            (None, None) => match node.get("for") {
                Some(period) => self.wrong(
                    period.place,
                    "`for` says how long, and nothing says how often",
                    "no `rate`",
                    "add `rate: 50/s`, or write `{ times: 200 }`",
                ),
                None => self.wrong(
                    node.place,
                    "`repeat` does not say how often",
                    "how often?",
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
                    format!("`{key}` goes with `{other}`, and there is none"),
                    format!("no `{other}`"),
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
            "write how many requests are sent in all, such as 200",
        );
        let concurrency = self.optional(node, "concurrency", |concurrency| {
            let number = self.at_least_one(
                concurrency,
                "`concurrency`",
                MOST_CONCURRENT,
                "write how many are under way at the same time, from 1 to 4096",
            )?;
            match times {
                Some(times) if number > times => self.wrong(
                    concurrency.place,
                    format!("{number} cannot be under way at the same time where there are {times} in all"),
                    "more than `times`",
                    format!("write {times} or less, or more `times`"),
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
                "`rate` says how often, and nothing says how long",
                "no `for`",
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
                        format!("`arrivals` cannot be `{text}`"),
                        "write `poisson`, as of many independent users, or `constant`",
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
                0 => Err(Refusal::new("nothing is sent in no time", "write 30s")),
                nanos => Ok(Duration::from_nanos(nanos)),
            }
        })
    }

    fn refuse_absurd_number(&self, rate: &Node, pace: &Pace) -> Option<()> {
        let (what, label) = match pace.requests() {
            0 => (
                "not one request is sent at this rate in this time".to_owned(),
                "too slow",
            ),
            1..=MOST_REQUESTS => return Some(()),
            _ => (
                format!("more than {MOST_REQUESTS} requests are sent at this rate in this time"),
                "too many",
            ),
        };
        self.wrong(rate.place, what, label, "write another `rate` or `for`")
    }

    fn at_least_one(&self, node: &Node, what: &str, most: u64, help: &str) -> Option<u64> {
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
                        format!("`warmup` is a number of requests, not `{text}`"),
                        "write how many come first and do not count, such as 10",
                    )
                })
        })
    }

    fn allowance(&self, node: &Node) -> Option<Allowance> {
        self.parse(node, "`failures`", Allowance::Count(0), |text| {
            let read = match text.strip_suffix('%') {
                Some(percent) => parse_percent(percent)
                    .filter(|share| *share <= 1.0)
                    .map(Allowance::Share),
                None => text.parse().map(Allowance::Count).ok(),
            };
            read.ok_or_else(|| {
                let help = match parse_number(text) {
                    Some(share) if share < 1.0 => format!("write {}", Allowance::Share(share)),
                    _ => "write how many requests may fail, `3`, or which share of them, `1%`"
                        .to_owned(),
                };
                Refusal::new(format!("`failures` cannot be `{text}`"), help)
            })
        })
    }

    /// What cannot be repeated, and budgets of a single request.
    pub(crate) fn refuse_idle_budgets(&self, root: &Node) {
        match root.get("repeat") {
            Some(repeat) => self.refuse_what_cannot_be_repeated(root, repeat),
            None => {
                if let Some(budgets) = root.get("budgets") {
                    self.wrong::<()>(
                        budgets.place,
                        "one request says nothing of a quantile, and there is no `repeat`",
                        "measured once",
                        "add `repeat: { times: 200 }`; for the duration of a single span write `duration` in `expect`",
                    );
                }
            }
        }
    }

    fn refuse_what_cannot_be_repeated(&self, root: &Node, repeat: &Node) {
        if root.get("steps").is_some() {
            self.wrong::<()>(
                repeat.place,
                "`repeat` stands beside `steps`",
                "one or the other",
                "repeat a single request, and move the others into `setup`, which runs once",
            );
        }
        if root.get("trace_id").is_some() {
            self.wrong::<()>(
                repeat.place,
                "a trace that exists cannot be repeated",
                "stands beside `trace_id`",
                "leave out `repeat`, or fire a `request` or `run` instead",
            );
        }
    }
}

/// What counts while a variable has no value yet.
fn stand_in() -> Rate {
    Rate {
        per_second: 1.0,
        written: "1/s".to_owned(),
    }
}
