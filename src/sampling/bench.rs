//! A replay that the bench `judging` measures: the types of this folder are not public.

use super::config::{self, Environment};
use super::policy::TailSampling;
use super::replay::{Arrival, Recorded, replay};
use super::version::CollectorVersion;
use crate::trace::{Losses, Span};
use crate::yaml::Source;

/// A processor, and traces to replay.
#[derive(Debug)]
pub struct TailReplay {
    processor: TailSampling,
    traces: Vec<Recorded>,
}

impl TailReplay {
    /// The first `tail_sampling` of a configuration. `None` if there is none, or if it cannot be evaluated. Empty traces
    /// are left out.
    #[must_use]
    pub fn new(configuration: &str, traces: Vec<Vec<Span>>) -> Option<Self> {
        let environment = Environment {
            version: CollectorVersion::LATEST,
            variable: &|_| None,
        };
        let source = Source::new("collector.yaml", configuration);
        let mut reading = config::read(&source, &environment).ok()?;
        if reading.obstacles().next().is_some() {
            return None;
        }
        let processors = &mut reading.configuration.tail_sampling;
        let traces = traces.into_iter().filter_map(|spans| {
            Some(Recorded {
                id: spans.first()?.trace_id,
                spans,
                losses: Losses::none(),
            })
        });
        Some(Self {
            processor: processors.drain(..).next()?,
            traces: traces.collect(),
        })
    }

    /// The number of traces that are kept, if spans arrive at their end.
    #[must_use]
    pub fn kept(&self) -> usize {
        let version = CollectorVersion::LATEST;
        let results = replay(&self.processor, version, &self.traces, Arrival::AtEnd);
        let kept = results.iter().filter(|result| result.kept() == Some(true));
        kept.count()
    }
}
