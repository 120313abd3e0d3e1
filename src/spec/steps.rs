//! The steps of a spec: what is fired, in its place in the document, and what is asked of it.

use std::sync::Arc;

use super::Place;
use super::error::closest;
use super::file::File;
use super::keys::{self, Keys};
use super::read::Reader;
use super::read::expect::{Answer, TraceChecks};
use super::read::trigger::TriggerDefaults;
use super::scope::Scope;
use super::spec::{Asked, Draft, Step};
use super::yaml::{Entry, Kind, Node};

/// A step before it is read with the variables of a case.
pub(super) struct StepNode<'n> {
    name: Option<String>,
    /// None where it is missing, which is noted; what the step asks can be read without.
    trigger: Option<Entry>,
    pub(super) node: &'n Node,
    trace_checks: TraceChecks,
}

impl File<'_> {
    pub(super) fn explicit_steps<'n>(
        &self,
        root: &'n Node,
        node: &'n Node,
        reader: &Reader<'_>,
    ) -> Option<Vec<StepNode<'n>>> {
        for key in keys::TRIGGERS
            .names()
            .into_iter()
            .chain(["expect", "capture"])
        {
            if let Some(other) = root.get(key) {
                reader.wrong::<()>(
                    other.place,
                    format!("`{key}` stands beside `steps`"),
                    "one or the other",
                    format!("move `{key}` into one of the steps"),
                );
            }
        }
        let steps = self.steps(root, "steps", TraceChecks::Allowed, reader)?;
        if steps.is_empty() || !steps.iter().any(|step| step.node.get("expect").is_some()) {
            return reader.wrong(
                node.place,
                "none of these steps has an `expect`",
                "nothing is checked",
                "say in at least one of them what must hold",
            );
        }
        Some(steps)
    }

    pub(super) fn only_step<'n>(&self, root: &'n Node, reader: &Reader<'_>) -> StepNode<'n> {
        let trigger = self.trigger_of(root, keys::SPEC, reader);
        // Budgets ask something as well; a response whose status is an error is a failure anyway.
        let asks = |key| root.get(key).is_some() || is_misspelt(root, key);
        if !asks("expect") && !asks("budgets") {
            reader.wrong::<()>(
                start_of(root),
                "this spec expects nothing",
                "no `expect`",
                "say what must hold, such as `expect: { status: 2xx, errors: 0 }`",
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
            let name = reader.optional(node, "name", |name| reader.named(name, "a name"));
            Some(StepNode {
                name: name?,
                trigger: self.trigger_of(node, keys::STEP, reader),
                node,
                trace_checks,
            })
        })
    }

    /// The one trigger of a spec or step; a misspelt one, which is noted already, counts as well.
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
                    "nothing is fired here",
                    "no trigger",
                    "add `request: GET http://…`, `run: command` or `trace_id: …`",
                )
            }),
            (Some(first), Some(second)) => reader.wrong(
                second.key.place,
                format!("`{}` stands beside `{}`", second.key.text, first.key.text),
                "a second trigger",
                "keep one of them, or use `steps`",
            ),
        }
    }

    /// Reads steps as far as that goes before anything is fired; captures have no value yet.
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
        let timeout = self.context.defaults.request_timeout;
        let trigger = step.trigger.as_ref();
        let asked = Asked {
            capture: step.node.get("capture").cloned(),
            expect: step.node.get("expect").cloned(),
            answer: Answer::of(trigger.map(|trigger| trigger.key.text.as_str())),
            trace_checks: step.trace_checks,
            at: trigger.map_or_else(|| start_of(step.node), |trigger| trigger.value.place),
        };
        let reader = self.reader(scope);
        let is_fired =
            trigger.and_then(|trigger| reader.trigger(trigger, TriggerDefaults { timeout }));
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
        let is_from_trace = self.declare_captures(&asked, scope);
        let expect = asked.expect(&self.reader(scope));
        let wait = wait?.unwrap_or_default().or(outer?.unwrap_or_default());
        let (_, is_from_trace, expect) = (is_fired?, is_from_trace?, expect?);
        Some(Step {
            name: step.name.clone(),
            at: self.mistakes.source().at(asked.at),
            wait: wait.or(self.context.defaults.wait),
            timeout_at,
            is_about_trace: is_from_trace || expect.is_about_trace(),
            draft: Arc::new(Draft {
                source: self.mistakes.source().clone(),
                dir: self.dir.to_path_buf(),
                trigger: step.trigger.clone()?,
                asked,
                timeout,
            }),
        })
    }

    /// Makes the names known to what follows; tells whether one of them comes from a span.
    fn declare_captures(&self, asked: &Asked, scope: &mut Scope) -> Option<bool> {
        let Some(node) = &asked.capture else {
            return Some(false);
        };
        let reader = self.reader(scope);
        let captures = reader.captures(node)?;
        let Kind::Map(entries) = &node.kind else {
            return None;
        };
        let hides = |entry: &&Entry| match scope.shadowed(&entry.key.text) {
            Some(other) => {
                let name = &entry.key.text;
                let what = format!("the capture `{name}` would hide {other} of that name");
                let help = "give it another name";
                reader.wrong::<()>(entry.key.place, what, "taken", help);
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
                "setup and teardown wait for no trace, so nothing can be captured from a span",
                "not here",
                "capture from the response, or make it one of `steps`",
            );
        }
        for capture in captures {
            scope.expect(capture.name);
        }
        Some(is_from_trace)
    }
}

/// The names of what these steps capture.
pub(super) fn captured<'n>(steps: &'n [StepNode<'_>]) -> impl Iterator<Item = &'n str> {
    let maps = steps.iter().filter_map(|step| step.node.get("capture"));
    maps.flat_map(|map| match &map.kind {
        Kind::Map(entries) => entries.as_slice(),
        Kind::Scalar(_) | Kind::List(_) => &[],
    })
    .map(|entry| entry.key.text.as_str())
}

/// The entry whose key was meant to be a trigger's, under the key that was meant.
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

/// Whether a key was meant to be this one of a spec, which is noted already.
fn is_misspelt(root: &Node, meant: &str) -> bool {
    let Kind::Map(entries) = &root.kind else {
        return false;
    };
    let mut keys = entries.iter().map(|entry| entry.key.text.as_str());
    let accepted = keys::SPEC.names();
    keys.any(|key| !accepted.contains(&key) && closest(key, &accepted) == Some(meant))
}

/// Where a document or step begins: its first key.
pub(super) fn start_of(node: &Node) -> Place {
    match &node.kind {
        Kind::Map(entries) => entries.first().map_or(node.place, |entry| entry.key.place),
        Kind::Scalar(_) | Kind::List(_) => node.place,
    }
}
