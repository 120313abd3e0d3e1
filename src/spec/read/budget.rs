//! `budgets`.

use super::rate::{parse_number, parse_percent};
use super::{Reader, Refusal};
use crate::number::Unit;
use crate::spec::keys::{self, Keys};
use crate::spec::{
    Allowance, Budget, CompareVersions, Limit, Location, Measure, Quantile, QuantileBudget,
    Regression,
};
use crate::yaml::{Entry, Kind, Node};

/// Quantiles to compare with the baseline if a budget names none.
const USUAL: [Quantile; 2] = [Quantile::P50, Quantile::P95];

/// Largest accepted tolerance: a hundred times the baseline.
const MOST_TOLERANCE: f64 = 100.0;

/// `regression`.
enum BaselineComparison {
    /// Absent: all quantiles, with the default tolerance.
    Usual,
    /// `none`.
    Not,
    /// All quantiles, with this tolerance.
    All(Regression),
    /// These quantiles only.
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
                    "empty list",
                    "add `- find: checkout` with `p50: < 150ms` below it, or remove `budgets`",
                );
            }
            _ => {
                return self.wrong(
                    node.place,
                    format!("`budgets` must be a list, found {}", node.describe()),
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
                    format!("two budgets measure {}", second.subject),
                    "again",
                    format!("merge them: the first is on line {}", first.at.line()),
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
        // A misplaced key is reported; it is probably the missing one.
        let measure = self.measure(node, misplaced(node).next().is_some());
        let unit = measure
            .as_ref()
            .map_or_else(|| Self::unit_of_limits(node), Measure::unit);
        let limits = self.limits_of_quantiles(entries, unit);
        let compared = self.compared(node);
        let compare = self.optional(node, "compare", |compare| self.compare_versions(compare));
        if let (Some(compare), Some(BaselineComparison::Not)) = (node.get("compare"), &compared) {
            return self.wrong(
                compare.place,
                "`compare` has no effect with `regression: none`",
                "compares nothing",
                "remove one of them",
            );
        }
        self.refuse_awaited(node)?;
        let (measure, limits, compared) = (measure?, limits?, compared?);
        self.refuse_crossed_limits(&limits, unit)?;
        self.refuse_what_is_cut_off(&measure)?;
        let quantiles = together(limits, compared, &at);
        if quantiles.is_empty() {
            let none = node.get("regression").unwrap_or(node);
            return self.wrong(
                none.place,
                "this budget has no limit and no comparison with the baseline",
                "checks nothing",
                "add a limit such as `p99: < 1s`, or remove this to compare p50 and p95 with the baseline",
            );
        }
        Some(Budget {
            subject: measure.subject(),
            at,
            measure,
            quantiles,
            compare: compare?,
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
            "a budget must be a map, found a single value",
            "not a map",
            format!("write `- {key}: {text}` with `p50: < 150ms` below it"),
        )
    }

    /// Refuses conditions on spans outside `find`, where they would select nothing.
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
                    format!("`{key}` is a value of `measure`, not a key"),
                    format!("write `measure: {key}` and `p99: {written}`"),
                ),
                "count" => (
                    "`count` is a value of `measure`, not a key".to_owned(),
                    match parse_number(written) {
                        Some(_) => format!("write `measure: count` and `p99: <= {written}`"),
                        None => format!("write `measure: count` and `p99: {written}`"),
                    },
                ),
                "sum" | "attribute" => (
                    format!("`{key}` is a value of `measure`, not a key"),
                    format!("write `measure: {{ {key}: {written} }}`"),
                ),
                _ => (
                    format!("`{key}` selects spans, and must be inside `find`"),
                    match name {
                        Some(name) if key != "name" => {
                            format!(
                                "move it inside: `find: {{ name: {}, {key}: {written} }}`",
                                name.text
                            )
                        }
                        _ => format!("move it inside: `find: {{ {key}: {written} }}`"),
                    },
                ),
            };
            self.wrong::<()>(entry.key.place, what, "wrong place", help);
        }
    }

    fn limits_of_quantiles(&self, entries: &[Entry], unit: Unit) -> Option<Vec<(Quantile, Limit)>> {
        let asked = entries.iter().filter(|entry| {
            let key = entry.key.text.as_str();
            !keys::BUDGET_WITHOUT_QUANTILES.contains(key) && !is_misplaced(key)
        });
        let quantiles = self.quantiles(asked, "a budget", keys::BUDGET);
        self.all(&quantiles, |(quantile, entry)| {
            let most = self.upper_limit(&entry.value, &format!("`{quantile}`"), unit)?;
            let at = self.at(entry.value.place);
            Some((*quantile, Limit { most, at }))
        })
    }

    /// The quantiles that these keys name. Reports other and repeated keys.
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
                        "remove one of them",
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
                format!("invalid quantile `{text}`"),
                "not above 0 and below 100 with up to three decimals",
                "write p50, p95, p99 or p99.9",
            );
            return;
        }
        self.unknown_key(entry, what, &known.names());
    }

    fn compared(&self, node: &Node) -> Option<BaselineComparison> {
        let Some(node) = node.get("regression") else {
            return Some(BaselineComparison::Usual);
        };
        match &node.kind {
            Kind::Scalar(_) => {
                self.parse(node, "`regression`", BaselineComparison::Usual, |text| {
                    Ok(match text {
                        "none" => BaselineComparison::Not,
                        _ => BaselineComparison::All(Regression {
                            tolerance: Some(tolerance(text)?),
                            at: self.at(node.place),
                        }),
                    })
                })
            }
            Kind::Map(entries) if !entries.is_empty() => {
                self.each_compared(entries).map(BaselineComparison::Some)
            }
            _ => self.wrong(
                node.place,
                "`regression` has no quantile",
                "compares nothing",
                "write `20%`, `{ p50: 20%, p99: 50% }` or `none`",
            ),
        }
    }

    /// `service.version`, or a map with the versions.
    fn compare_versions(&self, node: &Node) -> Option<CompareVersions> {
        const EXAMPLE: &str = "write `service.version` for the newest two versions, or `{ resource: service.version, from: v2.3.0, to: v2.4.0 }`";
        let at = self.at(node.place);
        match &node.kind {
            Kind::Scalar(_) => Some(CompareVersions {
                at,
                key: self.named(node, "a resource attribute")?,
                versions: None,
            }),
            Kind::Map(_) => {
                self.map(node, "`compare`", keys::COMPARE)?;
                let part = |key: &str| match node.get(key) {
                    Some(value) => self.named(value, &format!("`{key}`")),
                    None => self.wrong(
                        node.place,
                        format!("`compare` has no `{key}`"),
                        format!("missing `{key}`"),
                        EXAMPLE,
                    ),
                };
                let (key, from, to) = (part("resource"), part("from"), part("to"));
                let (key, from, to) = (key?, from?, to?);
                if from == to {
                    let what = format!("`compare` compares `{from}` with itself");
                    return self.wrong(node.place, what, "the same version", EXAMPLE);
                }
                Some(CompareVersions {
                    at,
                    key,
                    versions: Some((from, to)),
                })
            }
            Kind::List(_) => {
                let what = "`compare` must be a resource attribute or a map, found a list";
                self.wrong(node.place, what, "a list", EXAMPLE)
            }
        }
    }

    /// Refuses comparisons of versions for requests, which all reach the version that runs.
    pub(crate) fn refuse_versions_of_requests(&self, budgets: &[Budget]) -> Option<()> {
        match budgets.iter().find_map(|budget| budget.compare.as_ref()) {
            None => Some(()),
            Some(compare) => self.wrong(
                compare.at.place,
                "`compare` needs `search`, which finds traces of several versions",
                "not available",
                "remove `compare`: requests are compared with the baseline (`regression`), or use `spanspec ab`",
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

    /// Refuses budgets for spans if the requests are not sampled.
    pub(crate) fn refuse_unsampled(&self, root: &Node, budgets: &[Budget]) {
        let mut triggers = ["request", "graphql", "run"]
            .into_iter()
            .filter_map(|key| root.get(key));
        let Some(sampled) = triggers.find_map(|trigger| trigger.get("sampled")) else {
            return;
        };
        let is_cleared = self.text(sampled, "`sampled`").flatten().as_deref() == Some("false");
        if is_cleared && budgets.iter().any(Budget::is_about_trace) {
            self.wrong::<()>(
                sampled.place,
                "unsampled requests leave no spans, but a budget measures spans",
                "no spans to measure",
                "remove `sampled: false`, or measure `response_time` only",
            );
        }
    }
}

/// The entries of a budget that belong inside `find` or are values of `measure`.
fn misplaced(budget: &Node) -> impl Iterator<Item = &Entry> {
    let entries = match &budget.kind {
        Kind::Map(entries) => entries.as_slice(),
        Kind::Scalar(_) | Kind::List(_) => &[],
    };
    entries.iter().filter(|entry| is_misplaced(&entry.key.text))
}

/// Returns `true` for conditions on spans and values of `measure`.
fn is_misplaced(key: &str) -> bool {
    let others = [
        "take",
        "count",
        "sum",
        "attribute",
        "response_time",
        "trace_duration",
    ];
    keys::SPAN.contains(key) || others.contains(&key)
}

/// `20%`.
fn tolerance(text: &str) -> Result<f64, Refusal> {
    let share = text.strip_suffix('%').and_then(parse_percent);
    if share.is_some_and(|share| share > MOST_TOLERANCE) {
        return Err(Refusal::new(
            format!("`{text}` tolerates everything"),
            "write the tolerated increase, such as `20%`, or `none`",
        ));
    }
    share.ok_or_else(|| {
        let help = match parse_number(text) {
            Some(share) if share < 1.0 => format!("write `{}`", Allowance::Share(share)),
            Some(percent) if percent.fract() == 0.0 && percent > 1.0 => {
                format!("write `{percent}%`")
            }
            _ => "write the tolerated increase, such as `20%`, or `none`".to_owned(),
        };
        Refusal::new(format!("invalid percentage `{text}`"), help)
    })
}

/// Merges limits and comparisons of the same quantile.
fn together(
    limits: Vec<(Quantile, Limit)>,
    compared: BaselineComparison,
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
        BaselineComparison::Not => Vec::new(),
        BaselineComparison::Usual => named.into_iter().map(|one| (one, usual.clone())).collect(),
        BaselineComparison::All(regression) => named
            .into_iter()
            .map(|one| (one, regression.clone()))
            .collect(),
        BaselineComparison::Some(each) => each,
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
