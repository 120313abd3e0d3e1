//! Reads the steps of a spec.

use std::sync::Arc;

use super::Place;
use super::Wait;
use super::file::FileReader;
use super::keys::{self, Keys};
use super::read::Reader;
use super::read::expect::{TraceChecks, TriggerResult};
use super::read::send::sends_metrics;
use super::read::trigger::TriggerDefaults;
use super::scope::{Scope, Withheld};
use super::spec::{Draft, Step, StepExpectations};
use crate::yaml::closest;
use crate::yaml::{Entry, Kind, Node};

/// Captures of a step, used in its `poll`.
const OF_THE_LAST_TRY: Withheld = Withheld {
    why: "is captured from the last try, so `poll` cannot use it",
    help: "compare with a literal value, or with a capture of an earlier step",
};

/// The captures of a step that come from spans.
#[derive(Clone, Copy, Default)]
struct FromTrace {
    /// There is one.
    is_any: bool,
    /// One of them counts exceptions, which services also send as log records.
    counts_exceptions: bool,
}

/// The node of a step, before it is read with the variables of a case.
pub(super) struct StepNode<'n> {
    name: Option<String>,
    /// `None` if it is missing, which is recorded; the rest can be read without.
    trigger: Option<Entry>,
    pub(super) node: &'n Node,
    trace_checks: TraceChecks,
}

impl FileReader<'_> {
    pub(super) fn explicit_steps<'n>(
        &self,
        root: &'n Node,
        node: &'n Node,
        reader: &Reader<'_>,
    ) -> Option<Vec<StepNode<'n>>> {
        for key in keys::TRIGGERS
            .names()
            .into_iter()
            .chain(["expect", "capture", "poll"])
        {
            if let Some(other) = root.get(key) {
                reader.wrong::<()>(
                    other.place,
                    format!("`{key}` and `steps` exclude each other"),
                    "conflict",
                    format!("move `{key}` into one of the steps"),
                );
            }
        }
        let steps = self.steps(root, "steps", TraceChecks::Allowed, reader)?;
        // Each conformance case is a check.
        let is_checked = |step: &StepNode<'_>| {
            ["expect", "conformance"]
                .iter()
                .any(|key| step.node.get(key).is_some())
        };
        if !steps.iter().any(is_checked) {
            return reader.wrong(
                node.place,
                "these steps have no `expect`",
                "no checks",
                "add an `expect` to at least one step",
            );
        }
        Some(steps)
    }

    pub(super) fn only_step<'n>(&self, root: &'n Node, reader: &Reader<'_>) -> StepNode<'n> {
        let trigger = self.trigger_of(root, keys::SPEC, reader);
        // Budgets and conformance cases are expectations as well; an error status is a failure without `expect`.
        let asks = |key| root.get(key).is_some() || is_misspelt(root, key);
        if !asks("expect") && !asks("budgets") && !asks("conformance") {
            let key = trigger.as_ref().map(|entry| entry.key.text.as_str());
            let result = TriggerResult::of(key);
            let example = match result {
                TriggerResult::Traffic => result.example().to_owned(),
                result => format!("{}, errors: 0", result.example()),
            };
            reader.wrong::<()>(
                start_of(root),
                "this spec has no `expect`",
                "missing `expect`",
                format!("add checks such as `expect: {{ {example} }}`"),
            );
        }
        StepNode {
            name: None,
            trigger,
            node: root,
            trace_checks: TraceChecks::Allowed,
        }
    }

    pub(super) fn steps<'n>(
        &self,
        root: &'n Node,
        key: &str,
        trace_checks: TraceChecks,
        reader: &Reader<'_>,
    ) -> Option<Vec<StepNode<'n>>> {
        let Some(list) = root.get(key) else {
            return Some(Vec::new());
        };
        reader.all(reader.list(list, &format!("`{key}`"))?, |node| {
            reader.map(node, "a step", keys::STEP)?;
            if let Some(search) = node.get("search") {
                return reader.wrong(
                    search.place,
                    format!("`search` cannot be a step of `{key}`"),
                    "not available",
                    "write `search` beside `expect` of the spec",
                );
            }
            if let Some(observe) = node
                .get("observe")
                .filter(|_| trace_checks == TraceChecks::Refused)
            {
                return reader.wrong(
                    observe.place,
                    format!("`observe` cannot be a step of `{key}`"),
                    "not available",
                    "move it to `steps`; what arrives during `setup` is observed too",
                );
            }
            let name = reader.optional(node, "name", |name| reader.named(name, "a name"));
            Some(StepNode {
                name: name?,
                trigger: self.trigger_of(node, keys::STEP, reader),
                node,
                trace_checks,
            })
        })
    }

    /// The trigger of a spec or step, also if its key is misspelled, which is recorded already.
    fn trigger_of(&self, node: &Node, accepted: Keys, reader: &Reader<'_>) -> Option<Entry> {
        let Kind::Map(entries) = &node.kind else {
            return None;
        };
        let mut triggers = entries
            .iter()
            .filter(|entry| keys::TRIGGERS.contains(&entry.key.text));
        match (triggers.next(), triggers.next()) {
            (Some(trigger), None) => Some(trigger.clone()),
            (None, _) => misspelt_trigger(entries, accepted).or_else(|| {
                reader.wrong(
                    start_of(node),
                    "no trigger: nothing starts a trace",
                    "missing trigger",
                    "add `request: GET http://…`, `run: command` or `trace_id: …`",
                )
            }),
            (Some(first), Some(second)) => reader.wrong(
                second.key.place,
                format!(
                    "`{}` and `{}` exclude each other",
                    second.key.text, first.key.text
                ),
                "second trigger",
                "remove one of them, or use `steps`",
            ),
        }
    }

    /// Reads steps before the run, when captures have no value.
    pub(super) fn read_steps(
        &self,
        steps: &[StepNode<'_>],
        root: &Node,
        scope: &mut Scope,
    ) -> Option<Vec<Step>> {
        let read: Vec<Option<Step>> = steps
            .iter()
            .map(|step| self.read_step(step, root, scope))
            .collect();
        read.into_iter().collect()
    }

    fn read_step(&self, step: &StepNode<'_>, root: &Node, scope: &mut Scope) -> Option<Step> {
        let defaults = TriggerDefaults {
            timeout: self.context.defaults.request_timeout,
            run: self.context.defaults.run.clone(),
        };
        let trigger = step.trigger.as_ref();
        let asked = StepExpectations {
            capture: step.node.get("capture").cloned(),
            expect: step.node.get("expect").cloned(),
            poll: step.node.get("poll").cloned(),
            answer: TriggerResult::of(trigger.map(|trigger| trigger.key.text.as_str())),
            trace_checks: step.trace_checks,
            at: trigger.map_or_else(|| start_of(step.node), place_of_trigger),
        };
        let reader = self.reader(scope);
        let is_fired = trigger.and_then(|trigger| reader.trigger(trigger, &defaults));
        let wait = reader.optional(step.node, "wait", |node| reader.wait(node));
        let outer = if std::ptr::eq(step.node, root) {
            Some(None)
        } else {
            reader.optional(root, "wait", |node| reader.wait(node))
        };
        let timeout_at = [step.node, root]
            .iter()
            .find_map(|node| node.get("wait")?.get("timeout"))
            .map(|timeout| reader.at(timeout.place));
        let poll = match asked.answer {
            // It is refused below.
            TriggerResult::Traffic => Some(()),
            _ => self.poll(step, &asked, scope),
        };
        if asked.poll.is_some() {
            self.reader(scope)
                .refuse_repeated_metrics(step.node, "poll")?;
        }
        let from_trace = self.declare_captures(&asked, scope);
        if asked.answer == TriggerResult::Traffic {
            self.reader(scope).refuse_beside_observe(step.node)?;
        }
        let expect = asked.expect(&self.reader(scope));
        let wait = wait?.unwrap_or_default().or(outer?.unwrap_or_default());
        let wait = wait
            .or(self.context.defaults.wait)
            .or(Wait::of_trigger(trigger));
        self.reader(scope).refuse_unproven_end(trigger, wait)?;
        let (_, _, from_trace, expect) = (is_fired?, poll?, from_trace?, expect?);
        let share = expect.share();
        let is_one_of_many = std::ptr::eq(step.node, root)
            && ["repeat", "search"]
                .iter()
                .any(|key| root.get(key).is_some());
        if let Some(share) = share.as_ref().filter(|_| !is_one_of_many) {
            return self.reader(scope).refuse_share_of_one(&share.at);
        }
        self.reader(scope).refuse_unfit_checks(trigger, &expect)?;
        self.reader(scope).warn_of_idle_until(trigger, &expect);

        Some(Step {
            name: step.name.clone(),
            at: self.errors.source().at(asked.at),
            wait,
            timeout_at,
            is_about_trace: from_trace.is_any || expect.is_about_trace(),
            needs_logs: expect.needs_logs() || from_trace.counts_exceptions,
            needs_metrics: !expect.metrics.is_empty() || trigger.is_some_and(sends_metrics),
            is_about_correlation: expect.is_about_correlation(),
            needs_control: expect.needs_control(),
            share: share.map(Arc::new),
            is_elsewhere: false,
            left_out: Arc::default(),
            draft: Arc::new(Draft {
                source: self.errors.source().clone(),
                dir: self.dir.to_path_buf(),
                trigger: step.trigger.clone()?,
                asked,
                defaults,
            }),
        })
    }

    /// Reads `poll`, in which captures of the same step are not available.
    fn poll(&self, step: &StepNode<'_>, asked: &StepExpectations, scope: &Scope) -> Option<()> {
        let Some(node) = &asked.poll else {
            return Some(());
        };
        let mut scope = scope.clone();
        scope.withhold(captured(std::slice::from_ref(step)), OF_THE_LAST_TRY);
        self.reader(&scope).poll(node, asked.answer).map(drop)
    }

    /// Declares the captures for later steps.
    fn declare_captures(&self, asked: &StepExpectations, scope: &mut Scope) -> Option<FromTrace> {
        let Some(node) = &asked.capture else {
            return Some(FromTrace::default());
        };
        let reader = self.reader(scope);
        let captures = reader.captures(node)?;
        let is_there = |capture| reader.is_in_result(asked.answer, capture);
        reader.all(&captures, is_there)?;
        let Kind::Map(entries) = &node.kind else {
            return None;
        };
        let hides = |entry: &&Entry| match scope.shadowed(&entry.key.text) {
            Some(other) => {
                let name = &entry.key.text;
                let what = format!("the capture `{name}` hides {other} with the same name");
                let help = "choose another name";
                reader.wrong::<()>(entry.key.place, what, "name in use", help);
                true
            }
            None => false,
        };
        if entries.iter().filter(hides).count() > 0 {
            return None;
        }
        let is_from_trace = captures.iter().any(|capture| capture.from.is_from_trace());
        if is_from_trace && asked.trace_checks == TraceChecks::Refused {
            return reader.wrong(
                node.place,
                "setup and teardown do not wait for traces, so that they cannot capture from a span",
                "not available",
                "capture from the response, or move this to `steps`",
            );
        }
        let counts_exceptions = captures.iter().any(|capture| capture.from.has_exceptions());
        for capture in captures {
            scope.expect(capture.name);
        }
        Some(FromTrace {
            is_any: is_from_trace,
            counts_exceptions,
        })
    }
}

/// The names of the captures of these steps.
pub(super) fn captured<'n>(steps: &'n [StepNode<'_>]) -> impl Iterator<Item = &'n str> {
    let maps = steps.iter().filter_map(|step| step.node.get("capture"));
    maps.flat_map(|map| match &map.kind {
        Kind::Map(entries) => entries.as_slice(),
        Kind::Scalar(_) | Kind::List(_) => &[],
    })
    .map(|entry| entry.key.text.as_str())
}

/// The entry with a misspelled trigger key, with the correct key.
fn misspelt_trigger(entries: &[Entry], accepted: Keys) -> Option<Entry> {
    entries.iter().find_map(|entry| {
        let written = entry.key.text.as_str();
        let meant = closest(written, &accepted.names())?;
        let is_trigger = !accepted.contains(written) && keys::TRIGGERS.contains(meant);
        is_trigger.then(|| {
            let mut entry = entry.clone();
            entry.key.text = meant.to_owned();
            entry
        })
    })
}

/// Returns `true` if this key of a spec is misspelled, which is recorded already.
fn is_misspelt(root: &Node, meant: &str) -> bool {
    let Kind::Map(entries) = &root.kind else {
        return false;
    };
    let mut keys = entries.iter().map(|entry| entry.key.text.as_str());
    let accepted = keys::SPEC.names();
    keys.any(|key| !accepted.contains(&key) && closest(key, &accepted) == Some(meant))
}

/// The start of a document or step: its first key.
pub(super) fn start_of(node: &Node) -> Place {
    match &node.kind {
        Kind::Map(entries) => entries.first().map_or(node.place, |entry| entry.key.place),
        Kind::Scalar(_) | Kind::List(_) => node.place,
    }
}

/// The place of implied checks. A query can be long, so that of a GraphQL operation is its URL.
fn place_of_trigger(trigger: &Entry) -> Place {
    let url = match trigger.key.text.as_str() {
        "graphql" => trigger.value.get("url"),
        _ => None,
    };
    url.unwrap_or(&trigger.value).place
}
