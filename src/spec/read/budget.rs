//! `budgets`.

use std::time::Duration;

use super::rate::{parse_number, parse_percent};
use super::selector::Ids;
use super::{Reader, Refusal};
use crate::spec::error::suggest;
use crate::spec::keys::{self, Keys};
use crate::spec::yaml::{Entry, Kind, Node};
use crate::spec::{
    Allowance, Ask, Budget, Limit, Location, Matcher, Measure, Quantile, QuantileBudget,
    Regression, Selector, SpanCondition,
};

/// What is compared with the baseline where a budget names no quantile.
const USUAL: [Quantile; 2] = [Quantile::P50, Quantile::P95];

/// What may become more than a hundred times as long has no limit.
const MOST_TOLERANCE: f64 = 100.0;

/// The words that `measure` takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
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
        let nodes = match &node.kind {
            Kind::List(nodes) if !nodes.is_empty() => nodes,
            Kind::List(_) => {
                return self.wrong(
                    node.place,
                    "`budgets` is empty",
                    "nothing is measured",
                    "write `- find: checkout` and `p50: < 150ms` below it, or leave it out",
                );
            }
            _ => {
                return self.wrong(
                    node.place,
                    format!("`budgets` is a list, and this is {}", node.describe()),
                    "not a list",
                    "write `- find: checkout` or `- measure: response_time`, and `p50: < 150ms` below it",
                );
            }
        };
        let budgets = self.all(nodes, |node| self.budget(node))?;
        self.refuse_same_subjects(&budgets)?;
        Some(budgets)
    }

    fn refuse_same_subjects(&self, budgets: &[Budget]) -> Option<()> {
        let places: Vec<usize> = (0..budgets.len()).collect();
        self.all(&places, |at| {
            let second = &budgets[*at];
            let mut earlier = budgets[..*at].iter();
            match earlier.find(|one| one.subject == second.subject) {
                None => Some(()),
                Some(first) => self.wrong(
                    second.at.place,
                    format!("two budgets of this spec measure {}", second.subject),
                    "again",
                    format!(
                        "the first is on line {}; put all quantiles into one",
                        first.at.line()
                    ),
                ),
            }
        })
        .map(drop)
    }

    fn budget(&self, node: &Node) -> Option<Budget> {
        if let Some(scalar) = node.scalar() {
            return self.bare_budget(node, &scalar.text);
        }
        self.scope.take_awaited();
        let entries = self.any_map(node, "a budget")?;
        let at = self.at(entries.first().map_or(node.place, |entry| entry.key.place));
        self.refuse_keys_of_others(node);
        let measure = self.measure(node);
        let limits = self.limits_of_quantiles(entries);
        let compared = self.compared(node);
        self.refuse_awaited(node)?;
        let (measure, limits, compared) = (measure?, limits?, compared?);
        self.refuse_crossed_limits(&limits)?;
        self.refuse_what_is_cut_off(&measure)?;
        let quantiles = together(limits, compared, &at);
        if quantiles.is_empty() {
            let none = node.get("regression").unwrap_or(node);
            return self.wrong(
                none.place,
                "this budget asks nothing: it has no limit, and is not compared with the baseline",
                "nothing is asked",
                "add a limit such as `p99: < 1s`; or leave this out, and p50 and p95 are compared with the baseline",
            );
        }
        Some(Budget {
            subject: subject(&measure),
            at,
            measure,
            quantiles,
        })
    }

    /// `- inventory-check`.
    fn bare_budget<T>(&self, node: &Node, text: &str) -> Option<T> {
        let key = if text == "response_time" || text == "trace_duration" {
            "measure"
        } else {
            "find"
        };
        self.wrong(
            node.place,
            "a budget is a map, and this is a single value",
            "not a map",
            format!("write `- {key}: {text}`, and `p50: < 150ms` below it"),
        )
    }

    /// What asks something of a span stands inside `find`: beside it, it would select nothing.
    fn refuse_keys_of_others(&self, node: &Node) {
        for entry in misplaced(node) {
            let key = entry.key.text.as_str();
            let written = entry
                .value
                .scalar()
                .map_or("…", |value| value.text.as_str());
            let name = node.get("find").and_then(Node::scalar);
            let (what, help) = match key {
                "duration" | "self_time" | "response_time" | "trace_duration" => (
                    format!("`{key}` is something to measure"),
                    format!("write `measure: {key}` and `p99: {written}`"),
                ),
                "count" => (
                    "a budget has no `count`: where a trace has several such spans, the longest is measured".to_owned(),
                    "check the number of spans in `expect`".to_owned(),
                ),
                _ => (
                    format!("`{key}` selects spans, and stands beside `find`"),
                    match name {
                        Some(name) if key != "name" => {
                            format!("move it inside: `find: {{ name: {}, {key}: {written} }}`", name.text)
                        }
                        _ => format!("move it inside: `find: {{ {key}: {written} }}`"),
                    },
                ),
            };
            self.wrong::<()>(entry.key.place, what, "not here", help);
        }
    }

    fn measure(&self, node: &Node) -> Option<Measure> {
        let kind = self.optional(node, "measure", |node| {
            self.parse(node, "`measure`", Word::Duration, |text| match text {
                "response_time" => Ok(Word::ResponseTime),
                "trace_duration" => Ok(Word::TraceDuration),
                "duration" => Ok(Word::Duration),
                "self_time" => Ok(Word::SelfTime),
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
            (None | Some(Word::Duration), Some(find)) => Some(Measure::Duration(find)),
            (Some(Word::SelfTime), Some(find)) => Some(Measure::SelfTime(find)),
            (Some(Word::ResponseTime), None) => Some(Measure::ResponseTime),
            (Some(Word::TraceDuration), None) => Some(Measure::TraceDuration),
            (Some(Word::ResponseTime | Word::TraceDuration), Some(_)) => self.wrong(
                node.get("measure").map_or(node.place, |node| node.place),
                "this measure has no spans to find",
                "stands beside `find`",
                "leave out one of them; spans have `duration`, which is usual, and `self_time`",
            ),
            // What is misplaced has been noted, and was probably meant to say it.
            (None, None) if misplaced(node).next().is_some() => None,
            (None | Some(Word::Duration | Word::SelfTime), None) => self.wrong(
                node.place,
                "this budget does not say what is measured",
                "of what?",
                "write `find: checkout` for a span, or `measure: response_time`",
            ),
        }
    }

    fn limits_of_quantiles(&self, entries: &[Entry]) -> Option<Vec<(Quantile, Limit)>> {
        let asked = entries.iter().filter(|entry| {
            let key = entry.key.text.as_str();
            !keys::BUDGET_WITHOUT_QUANTILES.contains(key) && !is_misplaced(key)
        });
        let quantiles = self.quantiles(asked, "a budget", keys::BUDGET);
        self.all(&quantiles, |(quantile, entry)| {
            let at_most = self.longest(&entry.value, &format!("`{quantile}`"))?;
            let at = self.at(entry.value.place);
            Some((*quantile, Limit { at_most, at }))
        })
    }

    /// The quantiles that keys name. A key that names none, or one again, is noted.
    fn quantiles<'n>(
        &self,
        entries: impl Iterator<Item = &'n Entry>,
        what: &str,
        known: Keys,
    ) -> Vec<(Quantile, &'n Entry)> {
        let mut named: Vec<(Quantile, &Entry)> = Vec::new();
        for entry in entries {
            let text = entry.key.text.as_str();
            let Ok(quantile) = text.parse() else {
                self.no_quantile(entry, what, known);
                continue;
            };
            match named.iter().find(|(one, _)| *one == quantile) {
                None => named.push((quantile, entry)),
                Some((_, first)) => {
                    self.wrong::<()>(
                        entry.key.place,
                        format!("`{text}` and `{}` are the same quantile", first.key.text),
                        "again",
                        "keep one of them",
                    );
                }
            }
        }
        named
    }

    fn no_quantile(&self, entry: &Entry, what: &str, known: Keys) {
        let text = entry.key.text.as_str();
        let digits = text.strip_prefix(['p', 'P']);
        if digits.is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit())) {
            self.wrong::<()>(
                entry.key.place,
                format!("`{text}` is no quantile"),
                "above 0 and below 100, with up to three decimals",
                "write p50, p95, p99 or p99.9",
            );
            return;
        }
        self.unknown_key(entry, what, &known.names());
    }

    /// `< 150ms`.
    fn longest(&self, node: &Node, what: &str) -> Option<Duration> {
        if let Some(percent) = node.scalar().filter(|scalar| scalar.text.ends_with('%')) {
            let (quantile, percent) = (what.trim_matches('`'), &percent.text);
            return self.wrong(
                node.place,
                format!("{what} is held against a duration, and `{percent}` is a share"),
                "no duration",
                format!("write < 150ms, or `regression: {{ {quantile}: {percent} }}` beside it"),
            );
        }
        let limits = self.longest_duration(node, what)?;
        match limits.ranges.as_slice() {
            [one] if one.least.is_none() && one.greatest.is_some() => {
                // `< 150ms` excludes 150 ms, which no measurement can tell from what it includes.
                let most = one.greatest.unwrap_or_default();
                let written = limits.written.starts_with("< ");
                Some(Duration::from_nanos(most + u64::from(written)))
            }
            // Its variable has no value yet, which is a mistake of its own.
            _ if limits.written == "any" => None,
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
        match &node.kind {
            Kind::Scalar(_) => self.parse(node, "`regression`", Compared::Usual, |text| {
                Ok(match text {
                    "none" => Compared::Not,
                    _ => Compared::All(Regression {
                        tolerance: Some(tolerance(text)?),
                        at: self.at(node.place),
                    }),
                })
            }),
            Kind::Map(entries) if !entries.is_empty() => {
                self.each_compared(entries).map(Compared::Some)
            }
            _ => self.wrong(
                node.place,
                "`regression` names no quantile",
                "nothing is compared",
                "write 20%, `{ p50: 20%, p99: 50% }` or `none`",
            ),
        }
    }

    fn each_compared(&self, entries: &[Entry]) -> Option<Vec<(Quantile, Regression)>> {
        let named = self.quantiles(entries.iter(), "`regression`", keys::USUAL_QUANTILES);
        self.all(&named, |(quantile, entry)| {
            let tolerance = self.parse(&entry.value, "`regression`", 0.0, tolerance)?;
            let regression = Regression {
                tolerance: Some(tolerance),
                at: self.at(entry.value.place),
            };
            Some((*quantile, regression))
        })
    }

    /// Where no request leaves spans, there is nothing to measure of them.
    pub(crate) fn refuse_unsampled(&self, root: &Node, budgets: &[Budget]) {
        let mut triggers = ["request", "run"]
            .into_iter()
            .filter_map(|key| root.get(key));
        let Some(sampled) = triggers.find_map(|trigger| trigger.get("sampled")) else {
            return;
        };
        let is_cleared = self.text(sampled, "`sampled`").flatten().as_deref() == Some("false");
        if is_cleared && budgets.iter().any(Budget::is_about_trace) {
            self.wrong::<()>(
                sampled.place,
                "no request leaves spans, and there is a budget for spans",
                "nothing to measure",
                "leave out `sampled: false`, or measure nothing but `response_time`",
            );
        }
    }
}

/// The entries of a budget that say something of spans, or name what can be measured.
fn misplaced(budget: &Node) -> impl Iterator<Item = &Entry> {
    let entries = match &budget.kind {
        Kind::Map(entries) => entries.as_slice(),
        Kind::Scalar(_) | Kind::List(_) => &[],
    };
    entries.iter().filter(|entry| is_misplaced(&entry.key.text))
}

/// Whether this key says something of spans, or names what can be measured.
fn is_misplaced(key: &str) -> bool {
    let others = ["take", "count", "response_time", "trace_duration"];
    keys::SPAN.contains(key) || others.contains(&key)
}

/// `20%`.
fn tolerance(text: &str) -> Result<f64, Refusal> {
    let share = text.strip_suffix('%').and_then(parse_percent);
    if share.is_some_and(|share| share > MOST_TOLERANCE) {
        return Err(Refusal::new(
            format!("`{text}` allows everything"),
            "write how much worse it may become, such as 20%; or `none`",
        ));
    }
    share.ok_or_else(|| {
        let help = match parse_number(text) {
            Some(share) if share < 1.0 => format!("write {}", Allowance::Share(share)),
            Some(percent) if percent.fract() == 0.0 && percent > 1.0 => format!("write {percent}%"),
            _ => "write how much worse it may become, such as 20%; or `none`".to_owned(),
        };
        Refusal::new(format!("`{text}` is no percentage"), help)
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
        _ => {
            // What is the same in another order is the same.
            let mut find = find.clone();
            find.conditions
                .sort_by_cached_key(|condition| condition.ask.subject());
            find.to_string()
        }
    }
}
