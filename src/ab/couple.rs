//! The specs that both versions have in common.

use std::path::{Path, PathBuf};

use super::Both;
use crate::budget::Quantile;
use crate::result::masked;
use crate::spec::{Pace, QuantileBudget, Spec};
use crate::workspace::Workspace;

/// A spec with budgets, once for each version.
#[derive(Clone, Debug)]
pub struct Couple {
    /// The spec as each version's project reads it.
    pub specs: Both<Spec>,
}

/// Why two projects cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uncoupled {
    /// One has a spec that the other has not.
    #[error("only {with} has the spec {spec}, and {without} has not: both need the same specs")]
    OneSided {
        /// Its file, as it is from the project's folder, and its name.
        spec: String,
        /// The project that has it.
        with: String,
        /// The project that has not.
        without: String,
    },
    /// One measures something else than the other.
    #[error(
        "the spec {spec} measures {} in {}, and {} in {}: its budgets must be the same",
        measures.a, projects.a, measures.b, projects.b
    )]
    OtherBudgets {
        /// Its file, as it is from the project's folder, and its name.
        spec: String,
        /// What each measures.
        measures: Both<String>,
        /// Where each stands.
        projects: Both<String>,
    },
}

/// Puts the specs of both versions together, in the order of A. Each belongs to the project beside
/// it, whose name is for messages.
///
/// # Errors
/// A spec is in one of them only, or has other budgets there.
pub fn couple(
    specs: Both<Vec<Spec>>,
    projects: Both<(&Workspace, &str)>,
) -> Result<Vec<Couple>, Uncoupled> {
    let one_sided = |spec: &Spec, with: (&Workspace, &str), without: (&Workspace, &str)| {
        Err(Uncoupled::OneSided {
            spec: said(spec, with.0),
            with: with.1.to_owned(),
            without: without.1.to_owned(),
        })
    };
    let mut rest = specs.b;
    let mut couples = Vec::new();
    for a in specs.a {
        let wanted = key(&a, projects.a.0);
        let found = rest.iter().position(|b| key(b, projects.b.0) == wanted);
        let Some(at) = found else {
            return one_sided(&a, projects.a, projects.b);
        };
        let b = rest.remove(at);
        let (of_a, of_b) = (measures(&a), measures(&b));
        if of_a != of_b {
            return Err(Uncoupled::OtherBudgets {
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
        couples.push(Couple {
            specs: Both { a, b },
        });
    }
    match rest.first() {
        Some(b) => one_sided(b, projects.b, projects.a),
        None => Ok(couples),
    }
}

/// What makes two specs the same: the file, as it is from the project's folder, and the name.
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

/// In one line, without any secret.
fn listed(measures: &[&str], spec: &Spec) -> String {
    masked(&measures.join(", "), spec)
}

/// Whether pairs of runs can tell something of a spec: it asks for the comparison of a quantile
/// below p99.
#[must_use]
pub fn is_comparable(spec: &Spec) -> bool {
    let quantiles = spec.budgets.iter().flat_map(|budget| &budget.quantiles);
    quantiles
        .filter(|one| one.quantile < Quantile::P99)
        .any(QuantileBudget::is_compared)
}

/// Whether both versions would get the very same requests, so that one system is compared with
/// itself: nothing that they fire depends on where the version is.
#[must_use]
pub fn fires_alike(couple: &Couple) -> bool {
    let Both { a, b } = &couple.specs;
    let (scope_a, scope_b) = (a.scope(), b.scope());
    let mut steps = a.steps.iter().zip(&b.steps);
    steps.all(|(a, b)| match (a.trigger(&scope_a), b.trigger(&scope_b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    })
}

impl Couple {
    /// What the spec is called, without any secret.
    #[must_use]
    pub fn name(&self) -> String {
        masked(&self.specs.a.name, &self.specs.a)
    }

    /// A run of one of them: so many requests in a closed loop, and with a warm-up once.
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
