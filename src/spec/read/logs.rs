//! `logs` and `logs_correlated` of `expect`.

use super::quantity::complement;
use super::selector::{EntryIds, may_be_none};
use super::{Reader, Refusal};
use crate::spec::expect::{Condition, Expect};
use crate::spec::keys;
use crate::spec::limits::{Bounds, Limits};
use crate::spec::log::{LogAsk, LogCondition, LogEntry, LogSelector, SEVERITIES};
use crate::spec::{AttributeKey, Matcher};
use crate::yaml::suggest;
use crate::yaml::{Entry, Kind, Node};

/// The largest severity number.
const MOST_SEVERE: u64 = 24;

impl Reader<'_> {
    pub(super) fn log_entries(&self, node: &Node, ids: &EntryIds) -> Option<Vec<LogEntry>> {
        let items = self.not_empty(node, "`logs`")?;
        self.all(items, |item| {
            let entry = self.log_entry(item, ids)?;
            let awaits = self.scope.take_awaited().into_iter().collect();
            Some(LogEntry { awaits, ..entry })
        })
    }

    fn log_entry(&self, node: &Node, ids: &EntryIds) -> Option<LogEntry> {
        let at = self.at(node.place);
        if matches!(node.kind, Kind::Scalar(_)) {
            return Some(LogEntry {
                receiver: None,
                find: self.log_selector(node, ids)?,
                count: Limits::at_least(1),
                count_at: at.clone(),
                each: Vec::new(),
                at,
                awaits: Vec::new(),
            });
        }
        let entries = self.map(node, "an entry of `logs`", keys::LOG_ENTRY)?;
        let Some(find_node) = node.get("find") else {
            return self.wrong(
                node.place,
                "this entry of `logs` has no `find`",
                "missing `find`",
                "add `find: body`, `find: { service: … }`, or `find: {}` for every log record of the trace",
            );
        };
        let count = self.optional(node, "count", |count| self.count(count, "a count"));
        let reader = self.strict_if(may_be_none(count.as_ref().and_then(Option::as_ref)));
        let find = reader.log_selector(find_node, ids);
        let each = self.log_conditions(entries, ids);
        let (find, count, each) = (find?, count?, each?);
        let count_at = node.get("count").unwrap_or(find_node).place;
        let count = count.unwrap_or_else(|| Limits::at_least(1));
        let first = each.first().map(|condition| condition.at.place);
        self.refuse_idle_conditions(&count, "log record", first)?;
        Some(LogEntry {
            receiver: None,
            find,
            count,
            count_at: self.at(count_at),
            each,
            at,
            awaits: Vec::new(),
        })
    }

    fn log_selector(&self, node: &Node, ids: &EntryIds) -> Option<LogSelector> {
        match &node.kind {
            Kind::Scalar(_) => {
                let ask = LogAsk::Body(self.matcher(node)?);
                let at = self.at(node.place);
                Some(LogSelector {
                    conditions: vec![LogCondition { ask, at }],
                })
            }
            Kind::List(_) => self.wrong(
                node.place,
                "a log record must be a body or a map, found a list",
                "a list",
                "write a text, or `{ body: [a, b] }` for one of several texts",
            ),
            Kind::Map(_) => {
                let entries = self.map(node, "a log record", keys::LOG)?;
                let conditions = self.log_conditions(entries, ids)?;
                Some(LogSelector { conditions })
            }
        }
    }

    fn log_conditions(&self, entries: &[Entry], ids: &EntryIds) -> Option<Vec<LogCondition>> {
        let asked = entries
            .iter()
            .filter(|entry| keys::LOG.contains(&entry.key.text));
        let asked: Vec<&Entry> = asked.collect();
        let read = self.all(&asked, |entry| self.log_condition(entry, ids))?;
        Some(read.into_iter().flatten().collect())
    }

    fn log_condition(&self, entry: &Entry, ids: &EntryIds) -> Option<Vec<LogCondition>> {
        let node = &entry.value;
        let ask = match entry.key.text.as_str() {
            "service" => LogAsk::Service(self.service_name(node)?),
            "severity" => LogAsk::Severity(self.severities(node)?),
            "body" => LogAsk::Body(self.matcher(node)?),
            "event" => LogAsk::Event(self.text_matcher(node)?),
            "scope" => LogAsk::Scope(self.text_matcher(node)?),
            "on" => LogAsk::On(self.pattern(node, ids)?),
            "attributes" => return self.keyed_of_log(node, "`attributes`", LogAsk::Attribute),
            "resource" => return self.keyed_of_log(node, "`resource`", LogAsk::Resource),
            _ => return None,
        };
        let at = self.at(node.place);
        Some(vec![LogCondition { ask, at }])
    }

    fn keyed_of_log(
        &self,
        node: &Node,
        what: &str,
        ask: fn(AttributeKey, Matcher) -> LogAsk,
    ) -> Option<Vec<LogCondition>> {
        let entries = self.any_map(node, what)?;
        if entries.is_empty() {
            let what = format!("{what} is empty");
            return self.wrong(node.place, what, "empty", "add an entry, or remove this");
        }
        self.all(entries, |entry| {
            let matcher = self.matcher(&entry.value)?;
            let ask = ask(self.attribute_key(entry)?, matcher);
            let at = self.at(entry.value.place);
            Some(LogCondition { ask, at })
        })
    }

    /// Severities: `warn`, `warn..`, `debug..info`, `[info, error]`, `{ not: debug }`.
    fn severities(&self, node: &Node) -> Option<Limits<u64>> {
        match &node.kind {
            Kind::Scalar(_) => {
                let any = Limits::range(None, None, "any");
                self.parse(node, "a severity", any, severity_range)
            }
            Kind::List(items) if !items.is_empty() => {
                let each = self.all(items, |item| self.severities(item))?;
                let written: Vec<&str> = each.iter().map(|one| one.written.as_str()).collect();
                Some(Limits {
                    written: format!("one of {}", written.join(", ")),
                    negates: each.iter().any(|one| one.negates),
                    ranges: each.into_iter().flat_map(|one| one.ranges).collect(),
                })
            }
            Kind::Map(_) => {
                let entries = self.map(node, "a severity", keys::CHOICE)?;
                let not = entries.first().filter(|entry| entry.key.text == "not")?;
                let refused = complement(&self.severities(&not.value)?);
                // The complement has no bounds, but severities have.
                let bounded = |range: Bounds<u64>| Bounds {
                    least: Some(range.least.unwrap_or(1)),
                    greatest: Some(range.greatest.unwrap_or(MOST_SEVERE)),
                };
                let ranges = refused.ranges.into_iter().map(bounded);
                let ranges: Vec<_> = ranges
                    .filter(|range| range.least <= range.greatest)
                    .collect();
                if ranges.is_empty() {
                    return self.wrong(
                        node.place,
                        "this excludes every severity",
                        "can never hold",
                        "exclude fewer severities, or remove `severity`",
                    );
                }
                Some(Limits { ranges, ..refused })
            }
            Kind::List(_) => self.wrong(
                node.place,
                "an empty list of severities matches nothing",
                "empty",
                "write `warn`, `info..`, `[info, warn]` or `{ not: debug }`",
            ),
        }
    }

    /// `true`, or a list of services.
    pub(super) fn correlated(&self, node: &Node) -> Option<Expect> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "true" => {
                Some(self.one(Condition::LogsCorrelated(None), node))
            }
            Kind::Scalar(_) | Kind::Map(_) => self.wrong(
                node.place,
                "`logs_correlated` must be `true` or a list of services",
                "not a list",
                "write `logs_correlated: true`, or `logs_correlated: [order, payment]`",
            ),
            Kind::List(_) => {
                let items = self.not_empty(node, "`logs_correlated`")?;
                self.each(items, |item| {
                    let name = self.named(item, "a service")?;
                    self.refuse_left_out(&name, item)?;
                    Some(Condition::LogsCorrelated(Some(name)))
                })
            }
        }
    }
}

fn severity_range(text: &str) -> Result<Limits<u64>, Refusal> {
    let (least, most) = match text.split_once("..") {
        None => {
            let least = severity(text.trim(), text)?;
            (least, least + 3)
        }
        Some((from, to)) => {
            let bound = |word: &str, open: u64| match word.trim() {
                "" => Ok(open),
                word => severity(word, text),
            };
            let most = match to.trim() {
                "" => MOST_SEVERE,
                word => severity(word, text)? + 3,
            };
            (bound(from, 1)?, most)
        }
    };
    if least > most || text.trim() == ".." {
        return Err(Refusal::new(
            format!("no severity is in `{text}`"),
            "write the lower severity first: `info..error`, `warn..`, `..info`",
        ));
    }
    Ok(Limits::range(Some(least), Some(most), text.trim()))
}

/// The smallest number of a severity.
fn severity(word: &str, text: &str) -> Result<u64, Refusal> {
    let found = SEVERITIES.iter().find(|(name, _)| *name == word);
    found.map(|(_, least)| *least).ok_or_else(|| {
        let help = match meant(word, text) {
            Some(meant) => format!("write `{meant}`"),
            None if word.parse::<u64>().is_ok() => {
                "write a word: trace, debug, info, warn, error or fatal".to_owned()
            }
            None => suggest(&word.to_lowercase(), &SEVERITIES.map(|(name, _)| name)),
        };
        Refusal::new(format!("`{text}` is not a severity"), help)
    })
}

/// The severities that were probably meant by `> warn`, `error+` or `warning..`.
fn meant(word: &str, text: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let name = match lower.trim_matches(['<', '>', '=', '+', ' ']) {
        "warning" => "warn",
        "information" => "info",
        "err" => "error",
        "critical" => "fatal",
        name => name,
    };
    let at = SEVERITIES.iter().position(|(known, _)| *known == name)?;
    let next = |at: usize| SEVERITIES.get(at).map(|(name, _)| *name);
    Some(match lower.as_str() {
        _ if text.contains("..") => text.replace(word, name),
        sign if sign.starts_with(">=") || sign.ends_with('+') => format!("{name}.."),
        sign if sign.starts_with('>') => format!("{}..", next(at + 1)?),
        sign if sign.starts_with("<=") => format!("..{name}"),
        sign if sign.starts_with('<') => format!("..{}", next(at.checked_sub(1)?)?),
        _ => name.to_owned(),
    })
}
