//! `expect`.

use super::Reader;
use super::selector::EntryIds;
use super::spans::is_selector;
use crate::spec::expect::{Check, Condition, Expect, LostSpans};
use crate::spec::keys::{self, Keys};
use crate::spec::{Limits, Location};
use crate::yaml::{Entry, Kind, Node};

/// The kind of result of a trigger. Determines the available checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TriggerResult {
    Response,
    GraphQl,
    Grpc,
    Command,
    /// The acknowledgement of a message.
    Message,
    /// The output of a pipeline.
    Output,
    /// The results of conformance cases.
    Cases,
    /// Everything that arrives in a window.
    Traffic,
    Nothing,
    /// No trigger, which is reported elsewhere.
    Unknown,
}

impl TriggerResult {
    /// The result of the trigger with this key.
    pub(crate) fn of(trigger: Option<&str>) -> Self {
        match trigger {
            None => Self::Unknown,
            Some("graphql") => Self::GraphQl,
            Some("grpc") => Self::Grpc,
            Some("run") => Self::Command,
            Some("publish") => Self::Message,
            Some("send") => Self::Output,
            Some("conformance") => Self::Cases,
            Some("observe") => Self::Traffic,
            Some("trace_id" | "search") => Self::Nothing,
            Some(_) => Self::Response,
        }
    }

    /// A check for a spec that has none.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Response | Self::GraphQl | Self::Unknown => "status: 2xx",
            Self::Grpc => "status: OK",
            Self::Command => "exit_code: 0",
            Self::Message => "spans: [{ find: { caused_by: trigger } }]",
            Self::Output => "spans: [{ find: { name: … }, attributes: { … } }]",
            Self::Cases => "orphans: 0",
            Self::Traffic => "signals: { checkout: [traces, metrics, logs] }",
            Self::Nothing => "orphans: 0",
        }
    }

    fn checks(self) -> Keys {
        match self {
            Self::Response => keys::RESPONSE_CHECKS,
            Self::GraphQl => keys::GRAPHQL_CHECKS,
            Self::Grpc => keys::GRPC_CHECKS,
            Self::Command => keys::COMMAND_CHECKS,
            Self::Message => keys::MESSAGE_CHECKS,
            Self::Output => keys::OUTPUT_CHECKS,
            Self::Cases | Self::Nothing => keys::NO_CHECKS,
            Self::Traffic => keys::TRAFFIC_CHECKS,
            Self::Unknown => keys::ANSWER_CHECKS,
        }
    }
}

/// Permission for checks of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceChecks {
    Allowed,
    /// In `setup` and `teardown`.
    Refused,
    /// In `until` of a `poll`.
    RefusedInUntil,
}

impl TraceChecks {
    /// The key with the checks.
    fn key(self) -> &'static str {
        match self {
            Self::Allowed | Self::Refused => "expect",
            Self::RefusedInUntil => "until",
        }
    }

    /// The reason why there are no checks of the trace, and help.
    fn refusal(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Allowed => None,
            Self::Refused => Some((
                "setup and teardown do not wait for traces",
                "check the response only, or move this to `steps`",
            )),
            Self::RefusedInUntil => Some((
                "`until` is judged on the response, before the trace is complete",
                "move it to `expect`, which judges the trace of the last try",
            )),
        }
    }
}

impl Reader<'_> {
    pub(crate) fn expect(
        &self,
        node: &Node,
        answer: TriggerResult,
        trace: TraceChecks,
    ) -> Option<Expect> {
        self.scope.take_awaited();
        let what = format!("`{}`", trace.key());
        let entries = self.any_map(node, &what)?;
        if entries.is_empty() {
            let example = answer.example();
            let help = match trace.refusal() {
                None if answer == TriggerResult::Traffic => {
                    format!("add a check such as `{example}`")
                }
                None => format!("add a check such as `{example}` or `errors: 0`"),
                Some(_) => format!("add a check such as `{example}`"),
            };
            return self.wrong(node.place, format!("{what} is empty"), "empty", help);
        }
        let ids = node
            .get("spans")
            .map(Node::items)
            .map_or_else(EntryIds::new, |items| self.ids(items));
        let is_at = |entry: &&Entry| answer == TriggerResult::Output && entry.key.text == "at";
        let others: Vec<&Entry> = entries.iter().filter(|entry| !is_at(entry)).collect();
        let read = self.all(&others, |entry| {
            self.expect_entry(entry, answer, trace, &ids)
        });
        let mut expect = Expect::default();
        for part in read.iter().flatten() {
            expect.add(part.clone());
        }
        let at = entries.iter().find(is_at).map(|entry| &entry.value);
        let at = at.map(|at| self.expect_at(at, &mut expect));
        let is_read = read.is_some() && at.is_none_or(|at| at.is_some());
        is_read.then(|| expect.with_orphans_in_shapes())
    }

    /// The expectations for what arrived at named receivers.
    fn expect_at(&self, node: &Node, expect: &mut Expect) -> Option<()> {
        let entries = self.any_map(node, "`at`")?;
        if entries.is_empty() {
            return self.wrong(
                node.place,
                "`at` is empty",
                "empty",
                "add an entry, or remove this",
            );
        }
        for entry in entries {
            let name = self.receiver(entry)?;
            let of_receiver = self.expect_at_one(entry)?;
            expect.add(of_receiver.at_receiver(&name));
        }
        Some(())
    }

    /// The expectations for one receiver.
    fn expect_at_one(&self, entry: &Entry) -> Option<Expect> {
        let what = format!("`at.{}`", entry.key.text);
        let checks = self.map(&entry.value, &what, keys::RECEIVER_CHECKS)?;
        if checks.is_empty() {
            let help = "add a check such as `span_count: 0`";
            return self.wrong(entry.value.place, format!("{what} is empty"), "empty", help);
        }
        let items = entry.value.get("spans").map(Node::items);
        let ids = items.map_or_else(EntryIds::new, |items| self.ids(items));
        let read = self.all(checks, |check| match check.key.text.as_str() {
            "metrics" => self.wrong(
                check.key.place,
                "metrics are not checked for each receiver",
                "not available",
                "select them by `resource: { spanspec.receiver: … }`, outside of `at`",
            ),
            _ => self.output_entry(check, &ids),
        })?;
        let mut expect = Expect::default();
        read.into_iter().for_each(|part| expect.add(part));
        Some(expect)
    }

    /// The name of a receiver of the project file.
    fn receiver(&self, entry: &Entry) -> Option<String> {
        let name = self.key(entry)?;
        let known = self.scope.receivers();
        if known.contains(&name) {
            return Some(name);
        }
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = match names.as_slice() {
            [] => format!("add it to spanspec.yaml: `receivers: {{ {name}: auto }}`"),
            names => crate::yaml::suggest(&name, names),
        };
        self.wrong(
            entry.key.place,
            format!("no receiver `{name}` in the project file"),
            "unknown receiver",
            help,
        )
    }

    /// A check of the output of a pipeline.
    fn output_entry(&self, entry: &Entry, ids: &EntryIds) -> Option<Expect> {
        let node = &entry.value;
        match entry.key.text.as_str() {
            "lost" => self.lost(node).map(|lost| self.one(lost, node)),
            "duplicated" => {
                let limits = self.count(node, "`duplicated`")?;
                Some(self.one(Condition::Duplicated(limits), node))
            }
            key => self.trace_entry(key, node, ids),
        }
    }

    fn lost(&self, node: &Node) -> Option<Condition> {
        let selectors = match &node.kind {
            Kind::List(items) if items.iter().any(is_selector) => items,
            _ => {
                let limits = self.count(node, "`lost`")?;
                return Some(Condition::Lost(LostSpans::Number(limits)));
            }
        };
        let selectors = self.all(selectors, |item| self.selector(item, &EntryIds::new()))?;
        Some(Condition::Lost(LostSpans::Exactly(selectors)))
    }

    fn expect_entry(
        &self,
        entry: &Entry,
        answer: TriggerResult,
        trace: TraceChecks,
        ids: &EntryIds,
    ) -> Option<Expect> {
        let key = entry.key.text.as_str();
        if answer == TriggerResult::Traffic {
            return self.traffic_entry(entry, ids);
        }
        let of_trace = keys::TRACE_CHECKS.contains(key);
        let of_output = answer == TriggerResult::Output && keys::OUTPUT_CHECKS.contains(key);
        if let Some((why, help)) = trace.refusal().filter(|_| of_trace || of_output) {
            let what = format!("`{key}` checks the trace, but {why}");
            return self.wrong(entry.key.place, what, "not available", help);
        }
        match answer {
            _ if of_trace && key == "metrics" => Some(Expect {
                metrics: self.metric_entries(&entry.value, answer, ids)?,
                ..Expect::default()
            }),
            _ if of_trace => self.trace_entry(key, &entry.value, ids),
            _ if of_output => self.output_entry(entry, ids),
            _ if !answer.checks().contains(key) => self.refuse_entry(entry, answer, trace),
            TriggerResult::Grpc => self.grpc_entry(key, &entry.value),
            _ => self.answer_entry(key, &entry.value),
        }
    }

    /// Notes why an entry is none of this trigger.
    fn refuse_entry(
        &self,
        entry: &Entry,
        answer: TriggerResult,
        trace: TraceChecks,
    ) -> Option<Expect> {
        let key = entry.key.text.as_str();
        let is_known = answer != TriggerResult::Unknown;
        let refused = |what, help| self.wrong(entry.key.place, what, "not available", help);
        if let Some(help) = only_of_traffic(key).filter(|_| is_known) {
            return refused(
                format!("`{key}` checks everything that arrives, and this trigger has one trace"),
                help.to_owned(),
            );
        }
        if keys::OUTPUT_CHECKS.contains(key) && is_known {
            return refused(
                format!("`{key}` compares the output of a pipeline with what `send` put in"),
                "use the trigger `send`, or `spans`, `span_count` and `logs`".to_owned(),
            );
        }
        if keys::ANSWER_CHECKS.contains(key) {
            return refused(format!("this trigger has no `{key}`"), checks_of(answer));
        }
        if keys::SPAN_ENTRY.contains(key) {
            return self.wrong(
                entry.key.place,
                format!("`{key}` is a check of a span"),
                format!("not in `{}`", trace.key()),
                match trace {
                    TraceChecks::RefusedInUntil => "check the response only".to_owned(),
                    _ => format!(
                        "move it into an entry of `spans`: `spans: [{{ find: …, {key}: … }}]`"
                    ),
                },
            );
        }
        let mut accepted = answer.checks().names();
        if trace != TraceChecks::RefusedInUntil {
            accepted.extend(keys::TRACE_CHECKS.names());
        }
        self.unknown_key(entry, &format!("`{}`", trace.key()), &accepted);
        None
    }

    pub(super) fn answer_entry(&self, key: &str, node: &Node) -> Option<Expect> {
        let one = |ask: Condition| self.one(ask, node);
        match key {
            "status" => self
                .status_code(node)
                .map(Condition::ResponseStatus)
                .map(one),
            "body" => self.text_matcher(node).map(Condition::Body).map(one),
            "response_time" => {
                let limits = self.duration_limits(node, "a response time");
                limits.map(Condition::ResponseTime).map(one)
            }
            "graphql_errors" => self.graphql_errors(node).map(one),
            "exit_code" => self.matcher(node).map(Condition::ExitCode).map(one),
            "stdout" => self.text_matcher(node).map(Condition::Stdout).map(one),
            "stderr" => self.text_matcher(node).map(Condition::Stderr).map(one),
            "headers" => self.several(node, "`headers`", |entry| {
                Some(Condition::Header(
                    self.key(entry)?,
                    self.text_matcher(&entry.value)?,
                ))
            }),
            "json" => self.several(node, "`json`", |entry| {
                let (path, matcher) = self.path_matcher(entry)?;
                Some(Condition::Json(path, matcher))
            }),
            _ => None,
        }
    }

    pub(super) fn trace_entry(&self, key: &str, node: &Node, ids: &EntryIds) -> Option<Expect> {
        let one = |ask: Condition| self.one(ask, node);
        let count = |make: fn(Limits<u64>) -> Condition| {
            self.count(node, &format!("`{key}`")).map(make).map(one)
        };
        match key {
            "errors" => count(Condition::Errors),
            "orphans" => count(Condition::Orphans),
            "span_count" => count(Condition::SpanCount),
            "trace_duration" => {
                let limits = self.duration_limits(node, "a trace's duration");
                limits.map(Condition::TraceDuration).map(one)
            }
            "services" => {
                let items = self.not_empty(node, "`services`")?;
                self.each(items, |item| {
                    let name = self.named(item, "a service")?;
                    self.refuse_left_out(&name, item)?;
                    Some(Condition::Service(name))
                })
            }
            "edges" => {
                let items = self.not_empty(node, "`edges`")?;
                self.each(items, |item| self.edge(item))
            }
            "sequence" => self.sequence(node),
            "spans" => self.spans(node, ids),
            "logs" => self.log_entries(node, ids).map(|logs| Expect {
                logs,
                ..Expect::default()
            }),
            "logs_correlated" => self.correlated(node),
            "shape" => self.shape(node),
            "propagation" => self.continued(node),
            "sampling" => self.sampling(node),
            "lint" => self.lint(node),
            _ => None,
        }
    }

    pub(super) fn one(&self, ask: Condition, node: &Node) -> Expect {
        let awaits = self.scope.take_awaited().into_iter().collect();
        let check = Check {
            ask,
            at: self.at(node.place),
            awaits,
            receiver: None,
        };
        Expect {
            checks: vec![check],
            ..Expect::default()
        }
    }

    pub(super) fn each(
        &self,
        items: &[Node],
        read: impl Fn(&Node) -> Option<Condition>,
    ) -> Option<Expect> {
        let checks = self.all(items, |item| {
            read(item).map(|ask| self.one(ask, item).checks)
        })?;
        Some(Expect {
            checks: checks.into_iter().flatten().collect(),
            ..Expect::default()
        })
    }

    pub(super) fn several(
        &self,
        node: &Node,
        what: &str,
        read: impl Fn(&Entry) -> Option<Condition>,
    ) -> Option<Expect> {
        let entries = self.any_map(node, what)?;
        if entries.is_empty() {
            return self.wrong(
                node.place,
                format!("{what} is empty"),
                "empty",
                "add an entry, or remove this",
            );
        }
        let checks = self.all(entries, |entry| {
            read(entry).map(|ask| self.one(ask, &entry.value).checks)
        })?;
        Some(Expect {
            checks: checks.into_iter().flatten().collect(),
            ..Expect::default()
        })
    }

    pub(super) fn not_empty<'n>(&self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match self.list(node, what)? {
            [] => self.wrong(
                node.place,
                format!("{what} is empty"),
                "empty",
                "add an entry, or remove this",
            ),
            items => Some(items),
        }
    }

    pub(super) fn edge(&self, node: &Node) -> Option<Condition> {
        let none = (String::from("-"), String::from("-"));
        let (from, to) = self.parse(node, "an edge", none, |text| {
            let ends = text
                .split_once("->")
                .map(|(from, to)| (from.trim(), to.trim()));
            match ends {
                Some((from, to)) if !from.is_empty() && !to.is_empty() && !to.contains("->") => {
                    Ok((from.to_owned(), to.to_owned()))
                }
                _ => Err(super::Refusal::new(
                    format!("invalid edge `{text}`"),
                    "write `gateway -> order`: caller and callee",
                )),
            }
        })?;
        self.refuse_left_out(&from, node)?;
        self.refuse_left_out(&to, node)?;
        Some(Condition::Edge(from, to))
    }

    /// The default check of a command: exit code 0.
    pub(crate) fn exit_zero(at: Location) -> Check {
        let zero = crate::spec::Matcher::Equal(crate::trace::Value::Int(0));
        Check {
            ask: Condition::ExitCode(zero),
            at,
            awaits: Vec::new(),
            receiver: None,
        }
    }

    /// The default checks of conformance cases: each conforms.
    pub(crate) fn all_cases(at: Location) -> Check {
        Check {
            ask: Condition::Conformance,
            at,
            awaits: Vec::new(),
            receiver: None,
        }
    }

    /// The default check of a request without other checks: a status below 400.
    pub(crate) fn no_error_status(at: Location) -> Check {
        let limits = Limits::range(Some(100), Some(399), "below 400");
        Check {
            ask: Condition::ResponseStatus(limits),
            at,
            awaits: Vec::new(),
            receiver: None,
        }
    }
}

/// The checks of what a trigger returns.
fn checks_of(answer: TriggerResult) -> String {
    let (trigger, checks) = match answer {
        TriggerResult::Response => ("a request", keys::RESPONSE_CHECKS),
        TriggerResult::GraphQl => ("a GraphQL operation", keys::GRAPHQL_CHECKS),
        TriggerResult::Grpc => ("a gRPC call", keys::GRPC_CHECKS),
        TriggerResult::Command => ("a command", keys::COMMAND_CHECKS),
        TriggerResult::Message => ("a message", keys::MESSAGE_CHECKS),
        TriggerResult::Output => ("the output of a pipeline", keys::TRACE_CHECKS),
        TriggerResult::Cases => ("the trace of the control", keys::TRACE_CHECKS),
        TriggerResult::Nothing | TriggerResult::Traffic | TriggerResult::Unknown => {
            ("a trace that exists", keys::TRACE_CHECKS)
        }
    };
    format!("{trigger} has {}", checks.names().join(", "))
}

/// Help for a key of `observe` beside another trigger.
fn only_of_traffic(key: &str) -> Option<&'static str> {
    match key {
        "signals" => Some("use the trigger `observe`; for one trace, `services` and `logs`"),
        "each_trace" => Some("use the trigger `observe`, or write the checks directly in `expect`"),
        _ => None,
    }
}
