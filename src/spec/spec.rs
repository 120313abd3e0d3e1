//! Specs and their steps.

use std::path::PathBuf;
use std::sync::Arc;

use super::expect::{Capture, Check, Condition, Expect};
use super::globals::{Globals, Variables};
use super::matrix::MatrixCase;
use super::read::Reader;
use super::read::expect::{TraceChecks, TriggerResult};
#[cfg(feature = "run")]
use super::read::send::sends_metrics;
use super::read::trigger::TriggerDefaults;
use super::scope::Scope;
use super::tail_sampling::ExpectedShare;
use super::trigger::Trigger;
use super::{Budget, IgnoredFaults, Location, Need, Place, Poll, Repeat, ServiceSet, Source, Wait};
use crate::yaml::{Entry, Node};
use crate::yaml::{ErrorList, SpecErrors};

/// One test, or one case of a matrix.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name, with the case: `placing an order [sku=A1]`.
    pub name: String,
    /// Its start; the source is the file.
    pub at: Location,
    /// `description`.
    pub description: Option<String>,
    /// Tags for `--tag`.
    pub tags: Vec<String>,
    /// The reason to skip it.
    pub skip: Option<String>,
    /// It is skipped because it runs under other profiles.
    pub is_of_other_profiles: bool,
    /// The specs that must pass before this one runs.
    #[cfg_attr(not(feature = "run"), expect(dead_code, reason = "for runs"))]
    pub(crate) needs: Vec<Need>,
    /// Specs with the same lock never overlap.
    pub lock: Option<String>,
    /// The services of the project file that it needs, with those that they depend on.
    pub services: ServiceSet,
    /// Steps before the test.
    pub setup: Vec<Step>,
    /// Steps of the test, in order.
    pub steps: Vec<Step>,
    /// Steps after the test, run in any case.
    pub teardown: Vec<Step>,
    /// Repetition of its only step; `setup` and `teardown` run once.
    pub repeat: Option<Repeat>,
    /// Limits for the durations of the repeated requests.
    pub budgets: Vec<Budget>,
    /// The faults that it accepts.
    pub ignored_faults: Vec<IgnoredFaults>,
    /// Number of the case in its matrix, from 1. `None` without a matrix.
    pub case_number: Option<usize>,
    pub(super) case: MatrixCase,
    pub(super) vars: Variables,
    pub(super) globals: Arc<Globals>,
}

/// A trigger with its captures and expectations.
#[derive(Clone, Debug)]
pub struct Step {
    /// `name`.
    pub name: Option<String>,
    /// Place of its trigger.
    pub at: Location,
    /// Limits of the wait for its trace.
    pub wait: Wait,
    /// Place of `wait.timeout`, if the spec sets it.
    pub timeout_at: Option<Location>,
    /// Needs the trace.
    pub is_about_trace: bool,
    /// A log record can decide a check, a capture or a measurement.
    pub needs_logs: bool,
    /// Needs metrics.
    pub needs_metrics: bool,
    /// A check is about log records without a trace id, which those of other requests would distort.
    pub is_about_correlation: bool,
    /// A check needs the control of a request without the sampled flag.
    pub needs_control: bool,
    /// The share of the traces of a `repeat` or a search that a sampler must keep.
    pub share: Option<Arc<ExpectedShare>>,
    /// No service of the project file takes part: `services: []`.
    pub is_elsewhere: bool,
    /// The services of the project file that its spec does not need.
    pub left_out: Arc<[String]>,
    pub(super) draft: Arc<Draft>,
}

impl Step {
    /// Returns `true` if it sends nothing.
    #[cfg(feature = "run")]
    pub(crate) fn only_reads(&self) -> bool {
        matches!(
            self.draft.trigger.key.text.as_str(),
            "trace_id" | "search" | "observe"
        )
    }
}

/// A step before substitution of its variables.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) source: Source,
    pub(super) dir: PathBuf,
    pub(super) trigger: Entry,
    pub(super) asked: StepExpectations,
    pub(super) defaults: TriggerDefaults,
}

/// Captures and expectations of a step.
#[derive(Debug)]
pub(super) struct StepExpectations {
    pub(super) capture: Option<Node>,
    pub(super) expect: Option<Node>,
    pub(super) poll: Option<Node>,
    pub(super) answer: TriggerResult,
    pub(super) trace_checks: TraceChecks,
    /// Place for default checks.
    pub(super) at: Place,
}

impl Step {
    /// Returns `true` if it runs conformance cases.
    #[cfg(feature = "run")]
    pub(crate) fn runs_cases(&self) -> bool {
        self.draft.trigger.key.text == "conformance"
    }

    /// Returns `true` if it observes everything that arrives.
    #[cfg(feature = "run")]
    pub(crate) fn observes(&self) -> bool {
        self.draft.trigger.key.text == "observe"
    }

    /// Returns `true` if it sends telemetry into a pipeline.
    #[cfg(feature = "run")]
    pub(crate) fn sends_telemetry(&self) -> bool {
        self.draft.trigger.key.text == "send"
    }

    /// Returns `true` if that has metrics.
    #[cfg(feature = "run")]
    pub(crate) fn sends_metrics(&self) -> bool {
        sends_metrics(&self.draft.trigger)
    }
}

impl Spec {
    /// The variables of a fresh attempt.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let mut scope = Scope::new(Arc::clone(&self.globals), self.vars.clone());
        self.case.set_in(&mut scope);
        scope.leave_out(&self.services);
        scope
    }

    /// Its name without that of its case.
    #[cfg(feature = "run")]
    pub(crate) fn name_without_case(&self) -> &str {
        let case = self.case.name().map(|case| format!(" [{case}]"));
        case.and_then(|case| self.name.strip_suffix(case.as_str()))
            .unwrap_or(&self.name)
    }

    /// Returns `true` if it checks traces that exist.
    #[must_use]
    pub fn is_search(&self) -> bool {
        self.repeat
            .as_ref()
            .is_some_and(|repeat| repeat.pace.is_search())
    }

    /// Returns `true` if no other spec may run at the same time: requests of others would distort
    /// durations, metrics count them, and `observe` sees them.
    #[must_use]
    pub fn runs_alone(&self) -> bool {
        let is_disturbed = |step: &Step| {
            let observes = step.draft.trigger.key.text == "observe";
            step.needs_metrics || step.is_about_correlation || observes
        };
        self.repeat.is_some() || self.all_steps().any(is_disturbed)
    }

    /// Returns `true` if a step needs metrics.
    #[must_use]
    pub fn needs_metrics(&self) -> bool {
        self.all_steps().any(|step| step.needs_metrics)
    }

    /// All steps, in the order of execution.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.setup.iter().chain(&self.steps).chain(&self.teardown)
    }
}

impl Step {
    /// The trigger, with variables substituted.
    ///
    /// # Errors
    /// If a captured value is not valid in its place.
    pub fn trigger(&self, scope: &Scope) -> Result<Trigger, SpecErrors> {
        let draft = &self.draft;
        self.read(scope, |reader| {
            reader.trigger(&draft.trigger, &draft.defaults)
        })
    }

    /// The captures, with variables substituted.
    ///
    /// # Errors
    /// If a captured value is not valid in its place.
    pub fn captures(&self, scope: &Scope) -> Result<Vec<Capture>, SpecErrors> {
        self.read(scope, |reader| match &self.draft.asked.capture {
            Some(node) => reader.captures(node),
            None => Some(Vec::new()),
        })
    }

    /// The expectations, with the default checks: exit code 0 for a command, no errors for a GraphQL
    /// operation, OK for a gRPC call, a status below 400 for a request without `expect`. `until` of a
    /// `poll` replaces them if it is about the same. Without its [`share`](Self::share), which is not
    /// about a single trace.
    ///
    /// # Errors
    /// If a captured value is not valid in its place.
    pub fn expect(&self, scope: &Scope) -> Result<Expect, SpecErrors> {
        let mut expect = self.read(scope, |reader| self.draft.asked.expect(reader))?;
        if self.share.is_some() {
            let is_of_one = |check: &Check| !matches!(check.ask, Condition::KeptShare(_));
            expect.checks.retain(is_of_one);
        }
        Ok(expect)
    }

    /// The condition that ends the tries of this step, with variables substituted; `None` if the step
    /// is fired once.
    ///
    /// # Errors
    /// If a captured value is not valid in its place.
    pub fn poll(&self, scope: &Scope) -> Result<Option<Poll>, SpecErrors> {
        let asked = &self.draft.asked;
        asked
            .poll
            .as_ref()
            .map(|node| self.read(scope, |reader| reader.poll(node, asked.answer)))
            .transpose()
    }

    fn read<T>(
        &self,
        scope: &Scope,
        read: impl FnOnce(&Reader<'_>) -> Option<T>,
    ) -> Result<T, SpecErrors> {
        let errors = ErrorList::new(&self.draft.source);
        let value = read(&Reader::new(&errors, scope, &self.draft.dir));
        errors.check(value)
    }
}

impl StepExpectations {
    pub(super) fn expect(&self, reader: &Reader<'_>) -> Option<Expect> {
        let at = reader.at(self.at);
        let mut expect = match &self.expect {
            Some(node) => reader.expect(node, self.answer, self.trace_checks)?,
            None => Expect::default(),
        };
        let until = self.poll.as_ref().and_then(|poll| poll.get("until"));
        let asks = |node: &Option<&Node>, key| node.is_some_and(|node| node.get(key).is_some());
        let says = |key| asks(&self.expect.as_ref(), key) || asks(&until, key);
        match self.answer {
            TriggerResult::Command if !says("exit_code") => {
                expect.checks.insert(0, Reader::exit_zero(at))
            }
            TriggerResult::GraphQl if !says("graphql_errors") => {
                expect.checks.insert(0, Reader::no_graphql_errors(at));
            }
            TriggerResult::Grpc if !says("status") => expect.checks.insert(0, Reader::grpc_ok(at)),
            TriggerResult::Cases => expect.checks.insert(0, Reader::all_cases(at)),
            TriggerResult::Response if self.expect.is_none() && !says("status") => {
                expect.checks.push(Reader::no_error_status(at));
            }
            _ => {}
        }
        Some(expect)
    }
}
