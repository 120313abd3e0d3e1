//! `budgets`.

use std::time::Duration;

use super::repeat::parse_percent;
use super::selector::Ids;
use super::{Reader, Refusal};
use crate::spec::error::suggest;
use crate::spec::yaml::{Entry, Node};
use crate::spec::{
    Ask, Budget, Limit, Location, Matcher, Measure, Quantile, QuantileBudget, Regression, Selector,
    SpanCondition,
};

/// What is compared with the baseline where a budget names no quantile.
const USUAL: [Quantile; 2] = [Quantile::P50, Quantile::P95];

/// The keys that are no quantiles.
const BUDGET_KEYS: [&str; 3] = ["find", "measure", "regression"];

/// What of a span, trace or response is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    ResponseTime,
    TraceDuration,
    Duration,
    SelfTime,
}

/// What is said of the baseline.
enum Compared {
    /// Nothing: all quantiles, with the usual tolerance.
    Usual,
    /// `none`.
    Not,
    /// All quantiles, with this tolerance.
    All(Regression),
    /// These, and no others.
    Some(Vec<(Quantile, Regression)>),
}

impl Reader<'_> {
    pub(crate) fn budgets(&self, node: &Node) -> Option<Vec<Budget>> {
        let nodes = self.list(node, "`budgets`")?;
        if nodes.is_empty() {
            return self.wrong(
                node.place,
                "`budgets` is empty",
                "nothing is measured",
                "write `- find: checkout` and `p50: < 150ms` below it, or leave it out",
            );
        }
        let budgets = self.all(nodes, |node| self.budget(node))?;
        self.refuse_same_subjects(&budgets)?;
        Some(budgets)
    }

    fn refuse_same_subjects(&self, budgets: &[Budget]) -> Option<()> {
        let again = (1..budgets.len()).find_map(|at| {
            let first = budgets[..at]
                .iter()
                .find(|one| one.subject == budgets[at].subject)?;
            Some((first, &budgets[at]))
        });
        match again {
            None => Some(()),
            Some((first, second)) => self.wrong(
                second.at.place,
                format!("two budgets of this spec measure {}", second.subject),
                "again",
                format!(
                    "the first is on line {}; put all quantiles into one",
                    first.at.line()
                ),
            ),
        }
    }

    fn budget(&self, node: &Node) -> Option<Budget> {
        let entries = self.any_map(node, "a budget")?;
        let at = self.at(entries.first().map_or(node.place, |entry| entry.key.place));
        let measure = self.measure(node);
        let limits = self.limits_of_quantiles(entries);
        let compared = self.compared(node);
        let (measure, limits, compared) = (measure?, limits?, compared?);
        let quantiles = together(limits, compared, &at);
        if quantiles.is_empty() {
            return self.wrong(
                node.place,
                "this budget asks nothing",
                "no quantile",
                "write `p50: < 150ms`, or leave out `regression: none`",
            );
        }
        Some(Budget {
            subject: subject(&measure),
            at,
            measure,
            quantiles,
        })
    }

    fn measure(&self, node: &Node) -> Option<Measure> {
        let kind = self.optional(node, "measure", |node| {
            self.parse(node, "`measure`", Kind::Duration, |text| match text {
                "response_time" => Ok(Kind::ResponseTime),
                "trace_duration" => Ok(Kind::TraceDuration),
                "duration" => Ok(Kind::Duration),
                "self_time" => Ok(Kind::SelfTime),
                _ => Err(Refusal::new(
                    format!("`measure` cannot be `{text}`"),
                    suggest(
                        text,
                        &["response_time", "trace_duration", "duration", "self_time"],
                    ),
                )),
            })
        });
        let find = self.optional(node, "find", |node| self.selector(node, &Ids::new()));
        let (kind, find) = (kind?, find?);
        match (kind, find) {
            (None | Some(Kind::Duration), Some(find)) => Some(Measure::Duration(find)),
            (Some(Kind::SelfTime), Some(find)) => Some(Measure::SelfTime(find)),
            (Some(Kind::ResponseTime), None) => Some(Measure::ResponseTime),
            (Some(Kind::TraceDuration), None) => Some(Measure::TraceDuration),
            (Some(Kind::ResponseTime | Kind::TraceDuration), Some(_)) => self.wrong(
                node.get("measure").map_or(node.place, |node| node.place),
                "this measure has no spans to find",
                "stands beside `find`",
                "leave out one of them; spans have `duration`, which is usual, and `self_time`",
            ),
            (None | Some(Kind::Duration | Kind::SelfTime), None) => self.wrong(
                node.place,
                "this budget does not say what is measured",
                "of what?",
                "write `find: checkout` for a span, or `measure: response_time`",
            ),
        }
    }

    fn limits_of_quantiles(&self, entries: &[Entry]) -> Option<Vec<(Quantile, Limit)>> {
        let asked: Vec<(Quantile, &Entry)> = entries
            .iter()
            .filter(|entry| !BUDGET_KEYS.contains(&entry.key.text.as_str()))
            .filter_map(|entry| Some((self.quantile(entry)?, entry)))
            .collect();
        self.all(&asked, |(quantile, entry)| {
            let at_most = self.longest(&entry.value, &format!("`{quantile}`"))?;
            let at = self.at(entry.value.place);
            Some((*quantile, Limit { at_most, at }))
        })
    }

    /// The quantile that a key names. What names none is noted.
    fn quantile(&self, entry: &Entry) -> Option<Quantile> {
        let text = entry.key.text.as_str();
        if let Ok(quantile) = text.parse() {
            return Some(quantile);
        }
        if text.starts_with('p') && text[1..].starts_with(|next: char| next.is_ascii_digit()) {
            return self.wrong(
                entry.key.place,
                format!("`{text}` is no quantile"),
                "no quantile",
                "write p50, p95, p99 or p99.9",
            );
        }
        let known = [&BUDGET_KEYS[..], &["p50", "p95", "p99"]].concat();
        self.unknown_key(entry, "a budget", &known);
        None
    }

    /// `< 150ms`.
    fn longest(&self, node: &Node, what: &str) -> Option<Duration> {
        let limits = self.duration_limits(node, what)?;
        let is_awaited = limits.written == "any";
        match limits.ranges.as_slice() {
            [one] if one.least.is_none() && one.greatest.is_some() => {
                // `< 150ms` excludes 150 ms, which no measurement can tell from what it includes.
                let most = one.greatest.unwrap_or_default();
                let written = limits.written.starts_with("< ");
                Some(Duration::from_nanos(most + u64::from(written)))
            }
            _ if is_awaited => Some(Duration::MAX),
            _ => self.wrong(
                node.place,
                format!("{what} has an upper limit and no other"),
                "no upper limit",
                "write < 150ms",
            ),
        }
    }

    fn compared(&self, node: &Node) -> Option<Compared> {
        let Some(node) = node.get("regression") else {
            return Some(Compared::Usual);
        };
        if node.scalar().is_some() {
            return self.parse(node, "`regression`", Compared::Usual, |text| match text {
                "none" => Ok(Compared::Not),
                _ => Ok(Compared::All(Regression {
                    tolerance: Some(tolerance(text)?),
                    at: self.at(node.place),
                })),
            });
        }
        let entries = self.any_map(node, "`regression`")?;
        let each = self.all(entries, |entry| {
            let quantile = match entry.key.text.parse() {
                Ok(quantile) => quantile,
                Err(_) => {
                    return self.wrong(
                        entry.key.place,
                        format!("`{}` is no quantile", entry.key.text),
                        "no quantile",
                        "write `regression: { p50: 20%, p99: 50% }`",
                    );
                }
            };
            let tolerance = self.parse(&entry.value, "`regression`", 0.0, tolerance)?;
            let tolerance = Some(tolerance);
            Some((
                quantile,
                Regression {
                    tolerance,
                    at: self.at(entry.value.place),
                },
            ))
        })?;
        Some(Compared::Some(each))
    }
}

/// `20%`.
fn tolerance(text: &str) -> Result<f64, Refusal> {
    let share = text.strip_suffix('%').and_then(parse_percent);
    share.ok_or_else(|| {
        let help = match parse_percent(text) {
            Some(_) => format!("write {text}%"),
            None => "write how much worse it may become, such as 20%; or `none`".to_owned(),
        };
        Refusal::new(format!("`{text}` is no share"), help)
    })
}

/// All that is asked, quantile by quantile.
fn together(
    limits: Vec<(Quantile, Limit)>,
    compared: Compared,
    at: &Location,
) -> Vec<QuantileBudget> {
    let mut all: Vec<QuantileBudget> = limits
        .into_iter()
        .map(|(quantile, limit)| QuantileBudget {
            quantile,
            limit: Some(limit),
            regression: None,
        })
        .collect();
    let named: Vec<Quantile> = all.iter().map(|one| one.quantile).collect();
    let named = if named.is_empty() {
        USUAL.to_vec()
    } else {
        named
    };
    let usual = Regression {
        tolerance: None,
        at: at.clone(),
    };
    let compared = match compared {
        Compared::Not => Vec::new(),
        Compared::Usual => named.into_iter().map(|one| (one, usual.clone())).collect(),
        Compared::All(regression) => named
            .into_iter()
            .map(|one| (one, regression.clone()))
            .collect(),
        Compared::Some(each) => each,
    };
    for (quantile, regression) in compared {
        match all.iter_mut().find(|one| one.quantile == quantile) {
            Some(one) => one.regression = Some(regression),
            None => all.push(QuantileBudget {
                quantile,
                limit: None,
                regression: Some(regression),
            }),
        }
    }
    all.sort_by_key(|one| one.quantile);
    all
}

fn subject(measure: &Measure) -> String {
    match measure {
        Measure::ResponseTime => "response time".to_owned(),
        Measure::TraceDuration => "trace duration".to_owned(),
        Measure::Duration(find) => selected(find),
        Measure::SelfTime(find) => format!("self time of {}", selected(find)),
    }
}

/// `inventory-check`, without the quotes that it has among other words.
fn selected(find: &Selector) -> String {
    match find.conditions.as_slice() {
        [
            SpanCondition {
                ask: Ask::Name(Matcher::Equal(name)),
                ..
            },
        ] if find.take.is_none() => name.to_text(),
        _ => find.to_string(),
    }
}
