//! `observe`, and `expect` beside it.

use std::time::Duration;

use super::expect::TriggerResult;
use super::selector::EntryIds;
use super::{Reader, Refusal, parse_duration};
use crate::spec::expect::{Condition, Expect};
use crate::spec::keys;
use crate::spec::metric::{MetricAsk, MetricEntry};
use crate::spec::observe::{Observe, ObserveUntil};
use crate::spec::traffic::{EachTrace, SignalPresence, TrafficAsk};
use crate::spec::{Allowance, Place};
use crate::trace::{EdgeKind, ServiceEdge, Signal};
use crate::yaml::{Entry, Kind, Node, suggest};

const EXAMPLE: &str = "write `observe: 2m`, or `observe: { for: 2m, until: satisfied }`";

/// Longest window.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Reader<'_> {
    pub(super) fn observe(&self, node: &Node) -> Option<Observe> {
        if node.scalar().is_some() {
            return Some(Observe {
                longest: self.window(node)?,
                until: ObserveUntil::Longest,
            });
        }
        if let Kind::List(_) = node.kind {
            let what = format!(
                "`observe` must be a duration or a map, found {}",
                node.describe()
            );
            return self.wrong(node.place, what, "not a map", EXAMPLE);
        }
        self.map(node, "`observe`", keys::OBSERVE)?;
        let longest = match node.get("for") {
            Some(longest) => self.window(longest),
            None => self.wrong(
                node.place,
                "`observe` has no `for`",
                "missing `for`",
                EXAMPLE,
            ),
        };
        let until = self.optional(node, "until", |until| self.observe_until(until));
        Some(Observe {
            longest: longest?,
            until: until?.unwrap_or(ObserveUntil::Longest),
        })
    }

    fn window(&self, node: &Node) -> Option<Duration> {
        self.parse(node, "a time", Duration::from_secs(1), |text| {
            let longest = Duration::from_nanos(parse_duration(text)?);
            match longest {
                Duration::ZERO => Err(Refusal::new(
                    "the window of `observe` must be longer than 0",
                    EXAMPLE,
                )),
                _ if longest > LONGEST => Err(Refusal::new(
                    "the window of `observe` must not be longer than a day",
                    EXAMPLE,
                )),
                _ => Ok(longest),
            }
        })
    }

    fn observe_until(&self, node: &Node) -> Option<ObserveUntil> {
        self.parse(
            node,
            "`until`",
            ObserveUntil::Satisfied,
            |text| match text {
                "satisfied" => Ok(ObserveUntil::Satisfied),
                _ => Err(Refusal::new(
                    format!("`until` of `observe` must be `satisfied`, found `{text}`"),
                    "write `until: satisfied`, or remove `until` to observe for the whole time",
                )),
            },
        )
    }

    /// An entry of `expect` beside `observe`.
    pub(super) fn traffic_entry(&self, entry: &Entry, ids: &EntryIds) -> Option<Expect> {
        let (key, node) = (entry.key.text.as_str(), &entry.value);
        match key {
            "signals" => self.signals(node),
            "services" => self.each(self.not_empty(node, "`services`")?, |item| {
                let name = self.observed_service(item)?;
                Some(Condition::Traffic(TrafficAsk::Service(name)))
            }),
            "edges" => self.each(self.not_empty(node, "`edges`")?, |item| {
                let edge = self.service_edge(item)?;
                Some(Condition::Traffic(TrafficAsk::Edge(edge)))
            }),
            "each_trace" => self.each_trace(node),
            "spans" | "logs" | "lint" => self.trace_entry(key, node, ids),
            "metrics" => {
                let metrics = self.metric_entries(node, TriggerResult::Traffic, ids)?;
                self.refuse_asks_of_one_request(&metrics)?;
                Some(Expect {
                    metrics,
                    ..Expect::default()
                })
            }
            _ if keys::TRACE_CHECKS.contains(key) => self.wrong(
                entry.key.place,
                format!("`{key}` checks one trace, and `observe` sees many"),
                "not available",
                format!("check it in each trace: `each_trace: {{ {key}: … }}`"),
            ),
            _ if keys::ANSWER_CHECKS.contains(key) || keys::OUTPUT_CHECKS.contains(key) => self
                .wrong(
                    entry.key.place,
                    format!("`{key}` checks what a trigger sent, and `observe` sends nothing"),
                    "not available",
                    format!("`observe` has {}", keys::TRAFFIC_CHECKS.names().join(", ")),
                ),
            _ => {
                self.unknown_key(entry, "`expect`", &keys::TRAFFIC_CHECKS.names());
                None
            }
        }
    }

    /// `{ checkout: [traces, { not: logs }] }`: a check for each signal.
    fn signals(&self, node: &Node) -> Option<Expect> {
        let entries = self.any_map(node, "`signals`")?;
        if entries.is_empty() {
            return self.wrong(
                node.place,
                "`signals` is empty",
                "empty",
                "add a service: `signals: { checkout: [traces, metrics, logs] }`",
            );
        }
        let read = self.all(entries, |entry| self.signals_of(entry))?;
        let mut expect = Expect::default();
        read.into_iter().for_each(|part| expect.add(part));
        Some(expect)
    }

    fn signals_of(&self, entry: &Entry) -> Option<Expect> {
        let service = self.key(entry)?;
        let what = format!("`signals.{service}`");
        self.refuse_left_out(&service, &entry.value)?;
        let alone = std::slice::from_ref(&entry.value);
        let items = match entry.value.kind {
            Kind::List(_) => self.not_empty(&entry.value, &what)?,
            Kind::Scalar(_) | Kind::Map(_) => alone,
        };
        let mut known: Vec<Signal> = Vec::new();
        let mut expect = Expect::default();
        for item in items {
            for (signal, presence, place) in self.signal_items(item)? {
                if known.contains(&signal) {
                    return self.wrong(
                        place,
                        format!("{} of {service} are expected twice", signal.name()),
                        "again",
                        "remove one of them",
                    );
                }
                known.push(signal);
                let service = service.clone();
                let ask = TrafficAsk::Signal {
                    service,
                    signal,
                    presence,
                };
                expect.add(self.one(Condition::Traffic(ask), item));
            }
        }
        Some(expect)
    }

    /// `logs`, `{ not: logs }` or `{ not: [logs, metrics] }`.
    fn signal_items(&self, node: &Node) -> Option<Vec<(Signal, SignalPresence, Place)>> {
        let (signals, presence) = match &node.kind {
            Kind::Map(_) => {
                self.map(node, "a signal", keys::CHOICE)?;
                let Some(not) = node.get("not") else {
                    let help = "write `logs`, or `{ not: logs }`";
                    return self.wrong(node.place, "this is not a signal", "empty", help);
                };
                let signals = match not.kind {
                    Kind::List(_) => self.not_empty(not, "`not`")?,
                    Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(not),
                };
                (signals, SignalPresence::Absent)
            }
            Kind::Scalar(_) | Kind::List(_) => {
                (std::slice::from_ref(node), SignalPresence::Present)
            }
        };
        let read = |item: &Node| Some((self.signal(item)?, presence, item.place));
        self.all(signals, read)
    }

    fn signal(&self, node: &Node) -> Option<Signal> {
        let names = Signal::ALL.map(Signal::name);
        self.parse(node, "a signal", Signal::Traces, |text| {
            let known = Signal::ALL.into_iter().find(|signal| signal.name() == text);
            known.ok_or_else(|| {
                let help = match text {
                    "spans" | "span" => "did you mean `traces`?".to_owned(),
                    _ => suggest(text, &names),
                };
                Refusal::new(format!("unknown signal `{text}`"), help)
            })
        })
    }

    fn observed_service(&self, node: &Node) -> Option<String> {
        let name = self.named(node, "a service")?;
        self.refuse_left_out(&name, node)?;
        Some(name)
    }

    /// `frontend -> checkout`, or `{ link: checkout -> accounting }`.
    fn service_edge(&self, node: &Node) -> Option<ServiceEdge> {
        let (node, by) = match &node.kind {
            Kind::Map(_) => {
                self.map(node, "an edge", keys::EDGE)?;
                match node.get("link") {
                    Some(link) => (link, EdgeKind::Link),
                    None => {
                        return self.wrong(
                            node.place,
                            "this is not an edge",
                            "missing `link`",
                            "write `frontend -> checkout` for a parent and its child, or `{ link: checkout -> accounting }`",
                        );
                    }
                }
            }
            Kind::Scalar(_) | Kind::List(_) => (node, EdgeKind::Child),
        };
        match self.edge(node)? {
            Condition::Edge(from, to) => Some(ServiceEdge { from, to, by }),
            _ => None,
        }
    }

    /// Expectations for each trace.
    fn each_trace(&self, node: &Node) -> Option<Expect> {
        let entries = self.map(node, "`each_trace`", keys::EACH_TRACE)?;
        let is_check = |entry: &&Entry| keys::TRACE_CHECKS.contains(&entry.key.text);
        let checks: Vec<&Entry> = entries.iter().filter(is_check).collect();
        if checks.is_empty() {
            return self.wrong(
                node.place,
                "`each_trace` has no expectation",
                "no checks",
                "add a check such as `errors: 0`",
            );
        }
        let find = self.optional(node, "find", |find| {
            self.selector(find, &EntryIds::default())
        });
        let failures = self.optional(node, "failures", |failures| self.allowance(failures));
        let items = node.get("spans").map(Node::items);
        let ids = items.map_or_else(EntryIds::new, |items| self.ids(items));
        let read = self.all(&checks, |entry| self.each_trace_entry(entry, &ids));
        let of_failures = node.get("failures").unwrap_or(node);
        if matches!(failures, Some(Some(Allowance::Share(share))) if share >= 1.0) {
            return self.wrong(
                of_failures.place,
                "`failures: 100%` permits that each trace fails, so that nothing is checked",
                "never fails",
                "write a smaller share, or a number of traces",
            );
        }
        let (find, failures, read) = (find?, failures?, read?);
        let mut expect = Expect::default();
        read.into_iter().for_each(|part| expect.add(part));
        let failures = failures.unwrap_or(Allowance::Count(0));
        let each = EachTrace {
            find,
            expect,
            failures,
            failures_at: self.at(of_failures.place),
        };
        let ask = TrafficAsk::EachTrace(Box::new(each));
        Some(self.one(Condition::Traffic(ask), node))
    }

    fn each_trace_entry(&self, entry: &Entry, ids: &EntryIds) -> Option<Expect> {
        let key = entry.key.text.as_str();
        if key == "metrics" {
            return self.wrong(
                entry.key.place,
                "metrics are not of one trace",
                "not available",
                "move `metrics` out of `each_trace`",
            );
        }
        if key == "shape" {
            return self.wrong(
                entry.key.place,
                "`shape` proposes a file for the trace of one request",
                "not available",
                "check it in a spec that sends this request",
            );
        }
        let expect = self.trace_entry(key, &entry.value, ids)?;
        if let Some(share) = expect.share() {
            return self.wrong(
                share.at.place,
                "`share` is about many traces, and this is about each",
                "one trace",
                "write `kept: true`, and `failures` for the share of the other traces",
            );
        }
        Some(expect)
    }

    /// Refuses conditions on metrics that compare with the time before a request, or with its trace.
    fn refuse_asks_of_one_request(&self, metrics: &[MetricEntry]) -> Option<()> {
        let mut asks = metrics.iter().flat_map(|entry| &entry.asks);
        let unfit = asks.find_map(|one| match &one.ask {
            MetricAsk::Change(_) => Some((one, "change")),
            MetricAsk::Exemplar(_) => Some((one, "exemplar")),
            _ => None,
        });
        match unfit {
            Some((one, key)) => self.wrong(
                one.at.place,
                format!("`{key}` is about one request, and `observe` sends none"),
                "not available",
                "check `value`, `points`, or `count` and `sum` of a histogram",
            ),
            None => Some(()),
        }
    }

    /// Refuses keys beside `observe` that need a request.
    pub(crate) fn refuse_beside_observe(&self, node: &Node) -> Option<()> {
        let keys = [
            (
                "poll",
                "`until: satisfied` of `observe` ends the window as soon as everything is there",
            ),
            ("capture", "capture from the trace of a request"),
        ];
        for (key, help) in keys {
            if let Some(other) = node.get(key) {
                return self.wrong(
                    other.place,
                    format!("`{key}` and `observe` exclude each other: `observe` sends nothing"),
                    "conflict",
                    format!("remove `{key}`; {help}"),
                );
            }
        }
        Some(())
    }

    /// Warns if `until: satisfied` never ends a window early.
    pub(crate) fn warn_of_idle_until(&self, trigger: Option<&Entry>, expect: &Expect) {
        let trigger = trigger.filter(|trigger| trigger.key.text == "observe");
        let Some(until) = trigger.and_then(|trigger| trigger.value.get("until")) else {
            return;
        };
        if let Some(check) = expect.needs_whole_window() {
            self.errors.warn(
                until.place,
                format!(
                    "`until: satisfied` has no effect: line {} needs the whole window",
                    check.line()
                ),
                "never earlier",
                "remove it, or move what must not arrive to a spec of its own",
            );
        }
    }
}
