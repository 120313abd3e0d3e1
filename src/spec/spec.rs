//! A spec: one test, as its author wrote it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::{Mistakes, SpecErrors};
use super::expect::{Capture, Expect};
use super::globals::{Globals, Variables};
use super::matrix::Case;
use super::read::Reader;
use super::read::expect::{Answer, TraceChecks};
use super::read::trigger::TriggerDefaults;
use super::scope::Scope;
use super::trigger::Trigger;
use super::yaml::{Entry, Node};
use super::{Budget, Location, Place, Repeat, Source, Wait};

/// One test: of a matrix, one case.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name, with the case: `placing an order [sku=A1]`.
    pub name: String,
    /// Where it begins; its source is the file.
    pub at: Location,
    /// What it is about, in the author's words.
    pub description: Option<String>,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// Why it is left out, if it is.
    pub skip: Option<String>,
    /// Specs with the same lock never overlap.
    pub lock: Option<String>,
    /// What seeds the system.
    pub setup: Vec<Step>,
    /// What is tested, in order.
    pub steps: Vec<Step>,
    /// What cleans up.
    pub teardown: Vec<Step>,
    /// That its only step is fired many times; `setup` and `teardown` still run once.
    pub repeat: Option<Repeat>,
    /// What the durations of all these times may be.
    pub budgets: Vec<Budget>,
    /// Which of the cases of its matrix it is, from 1; None where there is no matrix.
    pub case_number: Option<usize>,
    pub(super) case: Case,
    pub(super) vars: Variables,
    pub(super) globals: Arc<Globals>,
}

/// One trigger with what is captured and expected of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name, if the author gave one.
    pub name: Option<String>,
    /// Where its trigger stands.
    pub at: Location,
    /// How long to wait for its trace.
    pub wait: Wait,
    /// Where its `timeout` stands, if the spec sets it.
    pub timeout_at: Option<Location>,
    /// Whether it asks anything of the trace.
    pub is_about_trace: bool,
    pub(super) draft: Arc<Draft>,
}

/// A step before its variables are filled in.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) source: Source,
    pub(super) dir: PathBuf,
    pub(super) trigger: Entry,
    pub(super) asked: Asked,
    pub(super) timeout: Option<Duration>,
}

/// What a step asks of what it fired.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) capture: Option<Node>,
    pub(super) expect: Option<Node>,
    pub(super) answer: Answer,
    pub(super) trace_checks: TraceChecks,
    /// Where checks stand that nobody wrote.
    pub(super) at: Place,
}

impl Spec {
    /// The variables of a fresh attempt.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let mut scope = Scope::new(Arc::clone(&self.globals), self.vars.clone());
        for chosen in &self.case {
            scope.set(chosen.name.clone(), chosen.value.clone());
        }
        scope
    }

    /// Every step, in the order in which they run.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.setup.iter().chain(&self.steps).chain(&self.teardown)
    }
}

impl Step {
    /// What it fires, variables filled in.
    ///
    /// # Errors
    /// If a captured value does not fit its place.
    pub fn trigger(&self, scope: &Scope) -> Result<Trigger, SpecErrors> {
        let draft = &self.draft;
        self.read(scope, |reader| {
            reader.trigger(
                &draft.trigger,
                TriggerDefaults {
                    timeout: draft.timeout,
                },
            )
        })
    }

    /// What it captures.
    ///
    /// # Errors
    /// If a captured value does not fit its place.
    pub fn captures(&self, scope: &Scope) -> Result<Vec<Capture>, SpecErrors> {
        self.read(scope, |reader| match &self.draft.asked.capture {
            Some(node) => reader.captures(node),
            None => Some(Vec::new()),
        })
    }

    /// What must hold, with the checks that are implied where the author says nothing: a command
    /// ends with 0, and a request of which nothing else is asked has a status below 400.
    ///
    /// # Errors
    /// If a captured value does not fit its place.
    pub fn expect(&self, scope: &Scope) -> Result<Expect, SpecErrors> {
        self.read(scope, |reader| self.draft.asked.expect(reader))
    }

    fn read<T>(
        &self,
        scope: &Scope,
        read: impl FnOnce(&Reader<'_>) -> Option<T>,
    ) -> Result<T, SpecErrors> {
        let mistakes = Mistakes::new(&self.draft.source);
        let value = read(&Reader {
            mistakes: &mistakes,
            scope,
            dir: &self.draft.dir,
        });
        mistakes.check(value)
    }
}

impl Asked {
    pub(super) fn expect(&self, reader: &Reader<'_>) -> Option<Expect> {
        let at = reader.at(self.at);
        let mut expect = match &self.expect {
            Some(node) => reader.expect(node, self.answer, self.trace_checks)?,
            None => Expect::default(),
        };
        let says = |key| {
            self.expect
                .as_ref()
                .is_some_and(|node| node.get(key).is_some())
        };
        match self.answer {
            Answer::Command if !says("exit_code") => expect.checks.insert(0, Reader::exit_zero(at)),
            Answer::Response if self.expect.is_none() => {
                expect.checks.push(Reader::no_error_status(at));
            }
            _ => {}
        }
        Some(expect)
    }
}
