//! Waits for the specs that another one needs.

use tokio::sync::watch;

use crate::result::Verdict;
use crate::spec::{NeedGraph, Spec};

/// The verdicts that specs wait for.
pub(super) struct Needs {
    graph: NeedGraph,
    ended: Vec<watch::Sender<Option<Verdict>>>,
    /// The specs that run one after the other: those that run alone, and those that need such a spec.
    is_sequential: Vec<bool>,
}

impl Needs {
    pub(super) fn new(specs: &[Spec]) -> Self {
        let graph = NeedGraph::new(specs);
        let mut is_sequential = vec![false; specs.len()];
        for &index in &graph.order {
            let mut needed = graph.of(index).into_iter().flatten();
            let is_after = needed.any(|needed| is_sequential[*needed]);
            is_sequential[index] = is_after || specs[index].runs_alone();
        }
        Self {
            graph,
            ended: specs.iter().map(|_| watch::Sender::new(None)).collect(),
            is_sequential,
        }
    }

    /// The specs that run concurrently.
    pub(super) fn concurrent(&self) -> impl Iterator<Item = usize> {
        let order = self.graph.order.iter().copied();
        order.filter(|index| !self.is_sequential[*index])
    }

    /// The other specs. Each is after those that it needs.
    pub(super) fn sequential(&self) -> impl Iterator<Item = usize> {
        let order = self.graph.order.iter().copied();
        order.filter(|index| self.is_sequential[*index])
    }

    /// Records the verdict of a spec.
    pub(super) fn ended(&self, index: usize, verdict: &Verdict) {
        self.ended[index].send_replace(Some(verdict.clone()));
    }

    /// Waits until the specs that this one needs have ended. Returns the verdict of a spec that cannot run.
    pub(super) async fn obstacle(&self, index: usize, specs: &[Spec]) -> Option<Verdict> {
        let needed = match self.graph.of(index) {
            Ok(needed) => needed,
            Err(error) => return Some(Verdict::NotRun(error.what.clone())),
        };
        let mut obstacle = None;
        for &other in needed {
            let mut ended = self.ended[other].subscribe();
            let verdict = ended.wait_for(Option::is_some).await;
            let verdict = verdict.expect("the sender is kept").clone();
            obstacle = obstacle.or(verdict.and_then(|verdict| unmet(&specs[other].name, verdict)));
        }
        obstacle
    }
}

fn unmet(name: &str, verdict: Verdict) -> Option<Verdict> {
    Some(match verdict {
        Verdict::Passed => return None,
        Verdict::Failed => Verdict::Skipped(format!("needs `{name}`, which failed")),
        Verdict::Errored => Verdict::Skipped(format!("needs `{name}`, which errored")),
        Verdict::Skipped(why) => {
            Verdict::Skipped(format!("needs `{name}`, which was skipped: {why}"))
        }
        Verdict::NotRun(why) => {
            Verdict::NotRun(format!("needs `{name}`, which did not run: {why}"))
        }
    })
}
