//! Pairs the specs of both projects.

use std::path::{Path, PathBuf};

use super::Both;
use crate::budget::is_measurable;
use crate::result::masked;
use crate::spec::{Pace, QuantileBudget, Spec, Trigger};
use crate::workspace::Workspace;

/// A spec with budgets, once for each version.
#[derive(Clone, Debug)]
pub struct SpecPair {
    /// The spec in each project.
    pub specs: Both<Spec>,
}

/// The reason why two projects cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// A spec exists in one project only.
    #[error(
        "the spec {spec} exists in {with} and not in {without}: both projects need the same specs"
    )]
    OneSided {
        /// Its file relative to the project folder, and its name.
        spec: String,
        /// The project that has it.
        with: String,
        /// The project that does not have it.
        without: String,
    },
    /// The budgets of a spec have different subjects.
    #[error(
        "the spec {spec} measures {} in {}, and {} in {}: its budgets must be the same",
        measures.a, projects.a, measures.b, projects.b
    )]
    OtherBudgets {
        /// Its file relative to the project folder, and its name.
        spec: String,
        /// The subjects in each project.
        measures: Both<String>,
        /// The projects.
        projects: Both<String>,
    },
}

/// Pairs the specs of both projects in the order of A. The names of the projects are used in errors.
///
/// # Errors
/// A spec exists in one project only, or has other budgets there.
pub fn pair_specs(
    specs: Both<Vec<Spec>>,
    projects: Both<(&Workspace, &str)>,
) -> Result<Vec<SpecPair>, PairingError> {
    let one_sided = |spec: &Spec, with: (&Workspace, &str), without: (&Workspace, &str)| {
        Err(PairingError::OneSided {
            spec: said(spec, with.0),
            with: with.1.to_owned(),
            without: without.1.to_owned(),
        })
    };
    let mut rest = specs.b;
    let mut pairs = Vec::new();
    for a in specs.a {
        let wanted = key(&a, projects.a.0);
        let found = rest.iter().position(|b| key(b, projects.b.0) == wanted);
        let Some(at) = found else {
            return one_sided(&a, projects.a, projects.b);
        };
        let b = rest.remove(at);
        let (of_a, of_b) = (measures(&a), measures(&b));
        if of_a != of_b {
            return Err(PairingError::OtherBudgets {
                spec: said(&a, projects.a.0),
                measures: Both {
                    a: listed(&of_a, &a),
                    b: listed(&of_b, &b),
                },
                projects: Both {
                    a: projects.a.1.to_owned(),
                    b: projects.b.1.to_owned(),
                },
            });
        }
        pairs.push(SpecPair {
            specs: Both { a, b },
        });
    }
    match rest.first() {
        Some(b) => one_sided(b, projects.b, projects.a),
        None => Ok(pairs),
    }
}

/// The identity of a spec: its file relative to the project folder, and its name.
fn key(spec: &Spec, workspace: &Workspace) -> (PathBuf, String) {
    let path = Path::new(spec.at.source.name());
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let file = real.strip_prefix(&workspace.project.dir).unwrap_or(&real);
    (file.to_owned(), spec.name.clone())
}

fn said(spec: &Spec, workspace: &Workspace) -> String {
    let (file, name) = key(spec, workspace);
    format!("{} › {}", file.display(), masked(&name, spec))
}

fn measures(spec: &Spec) -> Vec<&str> {
    let budgets = spec.budgets.iter();
    budgets.map(|budget| budget.subject.as_str()).collect()
}

/// A list in one line, with masked secrets.
fn listed(measures: &[&str], spec: &Spec) -> String {
    masked(&measures.join(", "), spec)
}

/// Returns `true` if it sends requests, and a quantile is compared.
#[must_use]
pub fn is_comparable(spec: &Spec) -> bool {
    let mut quantiles = spec.budgets.iter().flat_map(|budget| &budget.quantiles);
    !spec.is_search() && quantiles.any(QuantileBudget::is_compared)
}

/// Returns `true` if the triggers of both sides are equal, so that a system would be compared with
/// itself.
#[must_use]
pub fn fires_alike(pair: &SpecPair) -> bool {
    let Both { a, b } = &pair.specs;
    let (scope_a, scope_b) = (a.scope(), b.scope());
    let mut steps = a.steps.iter().zip(&b.steps);
    steps.all(|(a, b)| match (a.trigger(&scope_a), b.trigger(&scope_b)) {
        (Ok(Trigger::Request(a)), Ok(Trigger::Request(b))) => a == b,
        (Ok(Trigger::GraphQl(a)), Ok(Trigger::GraphQl(b))) => a == b,
        (Ok(Trigger::Grpc(a)), Ok(Trigger::Grpc(b))) => a == b,
        (Ok(Trigger::Run(a)), Ok(Trigger::Run(b))) => a == b,
        (Ok(Trigger::Publish(a)), Ok(Trigger::Publish(b))) => a == b,
        _ => false,
    })
}

impl SpecPair {
    /// The name of the spec, with masked secrets.
    #[must_use]
    pub fn name(&self) -> String {
        masked(&self.specs.a.name, &self.specs.a)
    }

    /// The number of compared quantiles that runs of this number of requests can measure.
    pub(super) fn claims(&self, requests: u64) -> usize {
        let spec = &self.specs.b;
        let requests = spec.repeat.as_ref().map_or(0, |repeat| match repeat.pace {
            Pace::Closed { .. } => requests,
            Pace::Open { .. } | Pace::Search { .. } => repeat.pace.requests(),
        });
        let quantiles = spec.budgets.iter().flat_map(|budget| &budget.quantiles);
        let compared = quantiles.filter(|one| one.is_compared());
        let measurable = compared.filter(|one| is_measurable(one.quantile, requests));
        measurable.count()
    }

    /// The spec of one run: this number of requests in a closed loop, and a warm-up in the first run.
    pub(super) fn run_of(&self, turn: super::Turn, requests: u64) -> Spec {
        let mut spec = self.specs.of(turn.side).clone();
        if let Some(repeat) = &mut spec.repeat {
            if let Pace::Closed { times, .. } = &mut repeat.pace {
                repeat.failures = repeat.failures.scaled(*times, requests);
                *times = requests;
            }
            if !turn.is_first {
                repeat.warmup = 0;
            }
        }
        spec
    }
}
