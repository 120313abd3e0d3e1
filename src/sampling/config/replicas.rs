//! Several Collectors that sample the same traces.

use super::Configuration;
use super::finding::{Finding, LintRule};

/// The findings about tail sampling in `replicas` Collectors. All spans of a trace must reach the same one, for
/// which the `loadbalancing` exporter of a Collector before them distributes spans by trace id.
pub(crate) fn of_replicas(configurations: &[&Configuration], replicas: u32) -> Vec<Finding> {
    if replicas < 2 {
        return Vec::new();
    }
    let balancers = configurations.iter().flat_map(|one| &one.load_balancers);
    let is_by_trace = |key: &str| matches!(key, "" | "traceID");
    let (by_trace, others): (Vec<_>, Vec<_>) = balancers.partition(|(key, _)| is_by_trace(key));
    if !by_trace.is_empty() {
        return Vec::new();
    }
    let samplers = configurations.iter().flat_map(|one| &one.tail_sampling);
    samplers
        .map(|sampler| {
            let what = format!(
                "`{}` runs {replicas} times, and no exporter distributes spans by trace id",
                sampler.id
            );
            let mut finding = Finding::new(LintRule::Replicas, &sampler.at, what)
                .label("each instance decides with a part of the spans")
                .help("put Collectors with a `loadbalancing` exporter before it, with `routing_key: traceID`, and name their configuration too");
            if let Some((key, at)) = others.first() {
                finding = finding.also(at, format!("distributes by {key}"));
            }
            finding
        })
        .collect()
}
