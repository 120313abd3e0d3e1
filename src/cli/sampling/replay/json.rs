//! The decisions as JSON. `docs/sampling.schema.json` describes it.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::decisions::Replay;
use super::summary::{PolicySummary, Share, Summary};
use crate::sampling::judge::{Cast, in_order};
use crate::sampling::replay::{Arrival, Ending};
use crate::workspace::shown;

#[derive(Serialize)]
struct Document {
    config: String,
    processor: String,
    collector_version: String,
    arrival: &'static str,
    total: Total,
    policies: Vec<OfPolicy>,
    not_evaluated: Vec<NotEvaluated>,
    traces: Vec<OfTrace>,
}

#[derive(Serialize)]
struct Total {
    traces: u64,
    kept: u64,
    not_kept: u64,
    unknown: u64,
    depends_on_rate: u64,
    depends_on_arrival: u64,
    share: f64,
    share_bounds: [f64; 2],
    spans: u64,
    spans_kept: u64,
    spans_per_second: Option<f64>,
    spans_per_second_kept: Option<f64>,
}

#[derive(Serialize)]
struct OfPolicy {
    name: String,
    matches: u64,
    unknown: u64,
    decides: u64,
    share: f64,
    share_bounds: [f64; 2],
}

#[derive(Serialize)]
struct NotEvaluated {
    policy: String,
    reason: String,
    at: String,
}

#[derive(Serialize)]
struct OfTrace {
    trace_id: String,
    kept: Option<bool>,
    policy: Option<String>,
    reason: String,
    votes: Map<String, Json>,
    depends_on_rate: bool,
    depends_on_arrival: bool,
    spans: usize,
    spans_judged: usize,
    late_spans: usize,
    late_spans_kept: usize,
    ending: &'static str,
}

pub(super) fn render(replay: &Replay<'_>, summary: &Summary) -> String {
    let document = Document {
        config: shown(replay.file),
        processor: replay.config.id.clone(),
        collector_version: replay.version.to_string(),
        arrival: match replay.arrival {
            Arrival::AtEnd => "end",
            Arrival::Together => "together",
        },
        total: total(summary),
        policies: summary
            .policies
            .iter()
            .map(|policy| of_policy(policy, summary.share_of(policy)))
            .collect(),
        not_evaluated: not_evaluated(replay),
        traces: (0..replay.results.len())
            .map(|at| of_trace(replay, at))
            .collect(),
    };
    let json = serde_json::to_string_pretty(&document).unwrap_or_default();
    format!("{json}\n")
}

fn total(summary: &Summary) -> Total {
    let Share { share, bounds } = summary.share();
    Total {
        traces: summary.traces,
        kept: summary.kept,
        not_kept: summary.traces - summary.kept - summary.unknown,
        unknown: summary.unknown,
        depends_on_rate: summary.depend_on_rate,
        depends_on_arrival: summary.depend_on_arrival,
        share,
        share_bounds: bounds,
        spans: summary.spans,
        spans_kept: summary.spans_kept,
        spans_per_second: summary.per_second(summary.spans),
        spans_per_second_kept: summary.per_second(summary.spans_kept),
    }
}

fn of_policy(policy: &PolicySummary, share: Share) -> OfPolicy {
    OfPolicy {
        name: policy.name.clone(),
        matches: policy.matches,
        unknown: policy.unknown,
        decides: policy.decides,
        share: share.share,
        share_bounds: share.bounds,
    }
}

fn not_evaluated(replay: &Replay<'_>) -> Vec<NotEvaluated> {
    let conditions = replay.refused.iter().map(|one| NotEvaluated {
        policy: one.policy.clone(),
        reason: one.problem.what.clone(),
        at: one.location().to_string(),
    });
    let extensions = replay
        .extensions()
        .into_iter()
        .map(|(policy, id)| NotEvaluated {
            policy: policy.name.clone(),
            reason: format!("the type `{id}` is an extension"),
            at: policy.at.to_string(),
        });
    conditions.chain(extensions).collect()
}

fn of_trace(replay: &Replay<'_>, at: usize) -> OfTrace {
    let result = &replay.results[at];
    let trace = &replay.traces.all[at];
    OfTrace {
        trace_id: trace.id.to_string(),
        kept: replay.kept(at),
        policy: replay.policy(at).map(str::to_owned),
        reason: replay.reason(at),
        votes: votes(replay, at),
        depends_on_rate: replay.depends_on_rate(at),
        depends_on_arrival: replay.depends_on_arrival(at),
        spans: trace.spans.len(),
        spans_judged: result.judged.len(),
        late_spans: result.late.total(),
        late_spans_kept: result.late.kept,
        ending: match result.ending {
            Ending::Decided => "decided",
            Ending::Evicted => "evicted",
            Ending::TooLarge(_) => "too_large",
            Ending::UnknownSize(_) => "unknown_size",
        },
    }
}

/// The vote of each policy: `null` if it is not asked, `unknown` if its vote is not known.
fn votes(replay: &Replay<'_>, at: usize) -> Map<String, Json> {
    let Some(verdict) = &replay.results[at].verdict else {
        return Map::new();
    };
    let vote = |cast: Option<&Cast>| match cast {
        None => Json::Null,
        Some(cast) => cast.vote().map_or("unknown", |vote| vote.as_str()).into(),
    };
    let policies = in_order(replay.config).into_iter();
    policies
        .zip(verdict.casts())
        .map(|(policy, cast)| (policy.name.clone(), vote(cast)))
        .collect()
}
