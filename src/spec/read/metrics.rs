//! `metrics` of `expect`.

use super::Reader;
use super::expect::TriggerResult;
use super::matcher::Scalars;
use super::selector::EntryIds;
use crate::spec::keys;
use crate::spec::metric::{
    MetricAsk, MetricCondition, MetricEntry, SeriesAsk, SeriesSelector, SeriesType,
};
use crate::spec::selector::Pattern;
use crate::spec::{AttributeKey, Matcher, Place};
use crate::trace::Value;
use crate::yaml::{Entry, EntryKey, Kind, Node};

impl Reader<'_> {
    pub(super) fn metric_entries(
        &self,
        node: &Node,
        answer: TriggerResult,
        ids: &EntryIds,
    ) -> Option<Vec<MetricEntry>> {
        if answer == TriggerResult::Nothing {
            return self.wrong(
                node.place,
                "`metrics` needs a request or a command, but this trigger sends nothing",
                "not available",
                "remove `metrics`, or use a trigger that sends a request",
            );
        }
        let items = self.not_empty(node, "`metrics`")?;
        self.all(items, |item| {
            let entry = self.metric_entry(item, ids)?;
            let awaits = self.scope.take_awaited().into_iter().collect();
            Some(MetricEntry { awaits, ..entry })
        })
    }

    /// Refuses `metrics` beside a key that sends a request more than once: the growth is that of one
    /// request.
    pub(crate) fn refuse_repeated_metrics(&self, root: &Node, key: &str) -> Option<()> {
        match root.get("expect").and_then(|expect| expect.get("metrics")) {
            Some(metrics) => self.wrong(
                metrics.place,
                format!("`metrics` and `{key}` exclude each other: metrics count all requests"),
                "conflict",
                "check the metrics in a spec of its own, which sends one request",
            ),
            None => Some(()),
        }
    }

    fn metric_entry(&self, node: &Node, ids: &EntryIds) -> Option<MetricEntry> {
        let at = self.at(node.place);
        if matches!(node.kind, Kind::Scalar(_)) {
            return Some(MetricEntry {
                find: self.series_selector(node)?,
                find_at: at.clone(),
                asks: Vec::new(),
                at,
                awaits: Vec::new(),
            });
        }
        self.refuse_selection_outside(node)?;
        let entries = self.map(node, "an entry of `metrics`", keys::METRIC_ENTRY)?;
        let Some(find_node) = node.get("find") else {
            return self.wrong(
                node.place,
                "this entry of `metrics` has no `find`",
                "missing `find`",
                "add `find: http.server.request.duration`, or `find: { name: …, service: … }`",
            );
        };
        let find = self.series_selector(find_node);
        let asked: Vec<&Entry> = entries
            .iter()
            .filter(|entry| entry.key.text != "find")
            .collect();
        let asks = self.all(&asked, |entry| self.metric_condition(entry, ids));
        for entry in asked {
            self.refuse_key_of_other_type(find.as_ref()?, &entry.key);
        }
        Some(MetricEntry {
            find: find?,
            find_at: self.at(find_node.place),
            asks: asks?.into_iter().flatten().collect(),
            at,
            awaits: Vec::new(),
        })
    }

    fn refuse_selection_outside(&self, node: &Node) -> Option<()> {
        let Kind::Map(entries) = &node.kind else {
            return Some(());
        };
        let mut outside = entries
            .iter()
            .filter(|entry| keys::SERIES.contains(&entry.key.text));
        match outside.next() {
            Some(entry) => {
                let key = &entry.key.text;
                self.wrong(
                    entry.key.place,
                    format!("`{key}` selects series, so it is part of `find`"),
                    "outside `find`",
                    format!("move it into `find`: `find: {{ name: …, {key}: … }}`"),
                )
            }
            None => Some(()),
        }
    }

    fn series_selector(&self, node: &Node) -> Option<SeriesSelector> {
        match &node.kind {
            Kind::Scalar(_) => Some(SeriesSelector {
                conditions: vec![SeriesAsk::Name(self.name_matcher(node)?)],
            }),
            Kind::Map(entries) if entries.is_empty() => self.wrong(
                node.place,
                "this `find` selects every series",
                "empty",
                "add the name of the metric: `find: { name: … }`",
            ),
            Kind::Map(_) => {
                let entries = self.map(node, "a series", keys::SERIES)?;
                let read = self.all(entries, |entry| self.series_condition(entry))?;
                Some(SeriesSelector {
                    conditions: read.into_iter().flatten().collect(),
                })
            }
            Kind::List(_) => self.wrong(
                node.place,
                "a series must be a name or a map, found a list",
                "a list",
                "write a name, or `{ name: [a, b] }` for one of several names",
            ),
        }
    }

    fn series_condition(&self, entry: &Entry) -> Option<Vec<SeriesAsk>> {
        let node = &entry.value;
        Some(vec![match entry.key.text.as_str() {
            "name" => SeriesAsk::Name(self.name_matcher(node)?),
            "service" => SeriesAsk::Service(self.service_name(node)?),
            "type" => SeriesAsk::Type(self.choice(node, "a type of metrics", &SeriesType::ALL)?),
            "unit" => SeriesAsk::Unit(self.text_matcher(node)?),
            "scope" => SeriesAsk::Scope(self.text_matcher(node)?),
            "attributes" => {
                return self.keyed_of_series(node, "`attributes`", SeriesAsk::Attribute);
            }
            "resource" => return self.keyed_of_series(node, "`resource`", SeriesAsk::Resource),
            // Unknown keys are reported already.
            _ => return None,
        }])
    }

    fn keyed_of_series(
        &self,
        node: &Node,
        what: &str,
        ask: fn(AttributeKey, Matcher) -> SeriesAsk,
    ) -> Option<Vec<SeriesAsk>> {
        let entries = self.any_map(node, what)?;
        if entries.is_empty() {
            let what = format!("{what} is empty");
            return self.wrong(node.place, what, "empty", "add an entry, or remove this");
        }
        self.all(entries, |entry| {
            let matcher = self.matcher(&entry.value)?;
            Some(ask(self.attribute_key(entry)?, matcher))
        })
    }

    /// Refuses a condition that the type in `find` excludes.
    fn refuse_key_of_other_type(&self, find: &SeriesSelector, key: &EntryKey) {
        let of_type = find
            .conditions
            .iter()
            .find_map(|condition| match condition {
                SeriesAsk::Type(choice) => match choice.allowed.as_slice() {
                    [one] => Some(*one),
                    _ => None,
                },
                _ => None,
            });
        let (name, keys): (_, &[&str]) = match of_type {
            Some(SeriesType::Gauge) => ("gauge", &["value", "points", "exemplar"]),
            Some(SeriesType::Sum) => ("sum", &["change", "value", "points", "exemplar"]),
            Some(SeriesType::Histogram) => (
                "histogram",
                &["change", "count", "sum", "points", "exemplar"],
            ),
            Some(SeriesType::Summary) => ("summary", &["change", "count", "sum", "points"]),
            None => return,
        };
        if keys::METRIC_ENTRY.contains(&key.text)
            && key.text != "find"
            && !keys.contains(&key.text.as_str())
        {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            self.wrong::<()>(
                key.place,
                format!("a {name} has no `{}`", key.text),
                "never there",
                format!("check {}", keys.join(", ")),
            );
        }
    }

    /// `None` inside for an unknown key, which is reported already.
    fn metric_condition(&self, entry: &Entry, ids: &EntryIds) -> Option<Option<MetricCondition>> {
        let (key, node) = (entry.key.text.as_str(), &entry.value);
        let number = || self.metric_number(key, node);
        let ask = match key {
            "change" => MetricAsk::Change(number()?),
            "value" => MetricAsk::Value(number()?),
            "count" => MetricAsk::Count(number()?),
            "sum" => MetricAsk::Sum(number()?),
            "points" => MetricAsk::Points(number()?),
            "exemplar" => MetricAsk::Exemplar(self.exemplar(node, ids)?),
            _ => return Some(None),
        };
        let at = self.at(node.place);
        Some(Some(MetricCondition { ask, at }))
    }

    /// A condition on a number.
    fn metric_number(&self, key: &str, node: &Node) -> Option<Matcher> {
        let matcher = self.matcher_of(node, Scalars::Typed)?;
        if is_numeric(&matcher) {
            return Some(matcher);
        }
        self.not_a_number(key, node.place)
    }

    fn not_a_number<T>(&self, key: &str, place: Place) -> Option<T> {
        self.wrong(
            place,
            format!("`{key}` must be a number or a comparison"),
            "not a number",
            format!(
                "write `{key}: 1`, `{key}: 1..`, `{key}: < 100`; `find` alone requires that the series exists"
            ),
        )
    }

    /// `this` for any span of the trace, or a span.
    fn exemplar(&self, node: &Node, ids: &EntryIds) -> Option<Option<Pattern>> {
        match node.scalar() {
            Some(scalar) if scalar.text == "this" => Some(None),
            Some(scalar) if ["true", "trace", "yes"].contains(&scalar.text.as_str()) => self.wrong(
                node.place,
                format!("`exemplar` takes `this` or a span, found `{}`", scalar.text),
                "not a span",
                "write `exemplar: this` for any span of this trace",
            ),
            _ => self.pattern(node, ids).map(Some),
        }
    }
}

/// Returns `true` if a matcher applies to numbers only. A variable without a value is null.
fn is_numeric(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::Equal(value) => value.is_number() || *value == Value::Null,
        Matcher::Compare(..) | Matcher::Between(..) => true,
        Matcher::Not(inner) | Matcher::Number(inner) => is_numeric(inner),
        Matcher::OneOf(several) | Matcher::Every(several) => several.iter().all(is_numeric),
        _ => false,
    }
}
