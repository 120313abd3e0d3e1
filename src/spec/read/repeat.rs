//! `repeat`.

use std::time::Duration;

use super::{Reader, Refusal, parse_duration};
use crate::spec::yaml::Node;
use crate::spec::{Allowance, Arrivals, Pace, Rate, Repeat};

const REPEAT_KEYS: [&str; 7] = [
    "times",
    "concurrency",
    "rate",
    "for",
    "arrivals",
    "warmup",
    "failures",
];

/// More is a mistake: so many connections no machine gives to one process.
const MOST_CONCURRENT: u32 = 10_000;

impl Reader<'_> {
    pub(crate) fn repeat(&self, node: &Node) -> Option<Repeat> {
        self.map(node, "`repeat`", &REPEAT_KEYS)?;
        let pace = match (node.get("times"), node.get("rate")) {
            (Some(times), None) => self.closed(node, times),
            (None, Some(rate)) => self.open(node, rate),
            (Some(times), Some(_)) => self.wrong(
                times.place,
                "`times` stands beside `rate`",
                "one or the other",
                "`{ times: 200, concurrency: 4 }` sends the next request after an answer; `{ rate: 50/s, for: 30s }` sends them whatever the answers",
            ),
            (None, None) => self.wrong(
                node.place,
                "`repeat` does not say how often",
                "how often?",
                "write `{ times: 200, concurrency: 4 }` or `{ rate: 50/s, for: 30s }`",
            ),
        };
        let warmup = self.optional(node, "warmup", |warmup| {
            self.number(warmup, "`warmup`", 0u64)
        });
        let failures = self.optional(node, "failures", |failures| self.allowance(failures));
        let at = self.at(node.place);
        Some(Repeat {
            failures_at: node
                .get("failures")
                .map_or_else(|| at.clone(), |failures| self.at(failures.place)),
            at,
            pace: pace?,
            warmup: warmup?.unwrap_or(0),
            failures: failures?.unwrap_or(Allowance::Count(0)),
        })
    }

    fn closed(&self, node: &Node, times: &Node) -> Option<Pace> {
        self.refuse_keys_of_the_other(node, &["for", "arrivals"], "times", "rate");
        let times = self.at_least_one(times, "`times`", u64::MAX);
        let concurrency = self.optional(node, "concurrency", |concurrency| {
            self.at_least_one(concurrency, "`concurrency`", u64::from(MOST_CONCURRENT))
        });
        Some(Pace::Closed {
            times: times?,
            concurrency: concurrency?
                .map_or(1, |number| u32::try_from(number).unwrap_or(MOST_CONCURRENT)),
        })
    }

    fn open(&self, node: &Node, rate: &Node) -> Option<Pace> {
        self.refuse_keys_of_the_other(node, &["concurrency"], "rate", "times");
        let rate = self.parse(rate, "a rate", stand_in(), parse_rate);
        let period = match node.get("for") {
            Some(period) => self.period(period),
            None => self.wrong(
                node.place,
                "`rate` does not say for how long",
                "no `for`",
                "write `{ rate: 50/s, for: 30s }`",
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
        Some(Pace::Open {
            rate: rate?,
            period: period?,
            arrivals: arrivals?.unwrap_or_default(),
        })
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

    fn refuse_keys_of_the_other(&self, node: &Node, keys: &[&str], here: &str, other: &str) {
        for key in keys {
            if let Some(value) = node.get(key) {
                self.wrong::<()>(
                    value.place,
                    format!("`{key}` stands beside `{here}`"),
                    format!("goes with `{other}`"),
                    format!("`{key}` says something of `{other}`; leave out one of them"),
                );
            }
        }
    }

    fn at_least_one(&self, node: &Node, what: &str, most: u64) -> Option<u64> {
        self.parse(node, what, 1, |text| {
            let number = text.parse().ok();
            number
                .filter(|number| (1..=most).contains(number))
                .ok_or_else(|| {
                    let help = if most == u64::MAX {
                        "such as 200".to_owned()
                    } else {
                        format!("such as 4; {most} is the most")
                    };
                    Refusal::new(format!("{what} is a number from 1 on, not `{text}`"), help)
                })
        })
    }

    fn allowance(&self, node: &Node) -> Option<Allowance> {
        self.parse(node, "`failures`", Allowance::Count(0), |text| {
            let refusal = || {
                Refusal::new(
                    format!("`failures` cannot be `{text}`"),
                    "write how many requests may fail, `3`, or which share of them, `1%`",
                )
            };
            match text.strip_suffix('%') {
                Some(percent) => parse_percent(percent)
                    .filter(|share| *share <= 1.0)
                    .map(Allowance::Share)
                    .ok_or_else(refusal),
                None => text.parse().map(Allowance::Count).map_err(|_| refusal()),
            }
        })
    }
}

/// What counts while a variable has no value yet.
fn stand_in() -> Rate {
    Rate {
        per_second: 1.0,
        written: "1/s".to_owned(),
    }
}

/// The share that so many percent are: 0.2 for `20`. None unless it is a plain number.
pub(super) fn parse_percent(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain = text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let percent: f64 = text.parse().ok().filter(|_| is_plain)?;
    Some(percent / 100.0)
}

/// `50/s`, `0.5/s`, `600/m`.
fn parse_rate(text: &str) -> Result<Rate, Refusal> {
    let refusal = |what: String| Refusal::new(what, "write requests in a time: 50/s or 600/m");
    let Some((number, unit)) = text.split_once('/') else {
        return Err(refusal(format!("`{text}` does not say in which time")));
    };
    let number: Option<f64> = parse_percent(number).map(|share| share * 100.0);
    let seconds = match unit.trim() {
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3_600.0),
        _ => None,
    };
    match number.filter(|number| *number > 0.0).zip(seconds) {
        Some((number, seconds)) => Ok(Rate {
            per_second: number / seconds,
            written: text.to_owned(),
        }),
        None => Err(refusal(format!("`{text}` is no rate"))),
    }
}
