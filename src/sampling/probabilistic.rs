//! Decisions of the `probabilistic_sampler` processor, which samples single spans.
//!
//! Follows version 0.161 of the Collector; 0.140 decides the same.

use std::fmt;

use super::tracestate::{DIGITS, NEVER, OtelState, Randomness, Threshold};
use crate::trace::{Field, Losses, Span, TraceId, Value};

/// The number of hash buckets of `hash_seed`: 14 bits.
const BUCKETS: u32 = 1 << 14;

/// Limits of the Collector for a `tracestate`.
const LONGEST_STATE: usize = 1024;
const MOST_MEMBERS: usize = 31;

/// A `probabilistic_sampler` processor.
#[derive(Clone, Debug)]
pub(crate) struct ProbabilisticSampler {
    /// The id of the component: `probabilistic_sampler`, or `probabilistic_sampler/name`.
    pub(crate) id: String,
    /// A 32-bit number in the Collector, too.
    pub(crate) sampling_percentage: f32,
    pub(crate) mode: Mode,
    pub(crate) hash_seed: u32,
    /// Drops spans whose `tracestate` contradicts the sampler, instead of keeping them; default `true`.
    pub(crate) fail_closed: bool,
    /// Number of hex digits of thresholds, from 1 to 14; default 4.
    pub(crate) sampling_precision: usize,
}

/// The source of randomness, and the meaning of the percentage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A hash of the trace id and a seed.
    #[default]
    HashSeed,
    /// At most this share, counting earlier samplers.
    Equalizing,
    /// This share of what earlier samplers kept.
    Proportional,
}

/// The decision on one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpanDecision {
    pub(crate) is_kept: bool,
    pub(crate) reason: Reason,
}

/// The reason of a decision on one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The attribute `sampling.priority`.
    Priority,
    /// The threshold, compared with the randomness of the trace.
    Randomness,
    /// The `tracestate` is invalid, or contradicts the sampler; `fail_closed` decides.
    TraceState(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Priority => f.write_str("by `sampling.priority`"),
            Self::Randomness => f.write_str("by the randomness of the trace"),
            Self::TraceState(why) => write!(f, "by `fail_closed`, since {why}"),
        }
    }
}

impl ProbabilisticSampler {
    /// Decides on a span of a source that may lose fields.
    ///
    /// # Errors
    /// A field that the decision depends on, and that the source loses.
    pub(crate) fn decide_with(&self, span: &Span, losses: &Losses) -> Result<SpanDecision, Field> {
        /// The fields without which `sampling.priority` is not known.
        const PRIORITY: [Field; 5] = [
            Field::Attributes,
            Field::MovedAttributes,
            Field::AttributeOrigin,
            Field::RewrittenAttributes,
            Field::TagFields,
        ];
        if let Some(field) = PRIORITY.into_iter().find(|field| losses.contains(*field)) {
            return Err(field);
        }
        let decision = self.decide(span);
        match losses.contains(Field::TraceContext) && decision.reason != Reason::Priority {
            true => Err(Field::TraceContext),
            false => Ok(decision),
        }
    }

    /// Decides on a span.
    pub(crate) fn decide(&self, span: &Span) -> SpanDecision {
        if let Some(is_kept) = priority(span) {
            return SpanDecision {
                is_kept,
                reason: Reason::Priority,
            };
        }
        match self.keeps_by_randomness(span) {
            Ok(is_kept) => SpanDecision {
                is_kept,
                reason: Reason::Randomness,
            },
            Err(why) => SpanDecision {
                is_kept: !self.fail_closed,
                reason: Reason::TraceState(why),
            },
        }
    }

    fn keeps_by_randomness(&self, span: &Span) -> Result<bool, String> {
        let state = state(&span.trace_state)?;
        let percentage = self.sampling_percentage.min(100.0);
        if percentage == 0.0 {
            return Ok(false);
        }
        if self.mode == Mode::HashSeed {
            return self.keeps_by_hash(span.trace_id, state, percentage);
        }
        let randomness = state
            .randomness
            .unwrap_or_else(|| Randomness::of(span.trace_id));
        if let Some(threshold) = state.threshold.filter(|th| !th.keeps(randomness)) {
            return Err(format!(
                "{threshold} is above the randomness of the trace, {randomness}"
            ));
        }
        let ratio = (f64::from(percentage) / 100.0).max(1.0 / NEVER as f64);
        let threshold = match (self.mode, state.threshold) {
            (Mode::Equalizing, Some(arrived)) => {
                threshold(ratio, self.sampling_precision).max(Some(arrived))
            }
            (Mode::Proportional, Some(arrived)) => {
                threshold(ratio * arrived.probability(), self.sampling_precision)
            }
            _ => threshold(ratio, self.sampling_precision),
        };
        Ok(threshold.is_some_and(|threshold| threshold.keeps(randomness)))
    }

    fn keeps_by_hash(
        &self,
        trace_id: TraceId,
        state: OtelState,
        percentage: f32,
    ) -> Result<bool, String> {
        // The Collector computes in 32 bits, and rounds down.
        let accepted = (percentage * (BUCKETS as f32 / 100.0)) as u32;
        if accepted == 0 {
            return Ok(false);
        }
        if let Some(randomness) = state.randomness {
            return Err(format!("`tracestate` has {randomness}"));
        }
        if let Some(threshold) = state.threshold {
            return Err(format!("`tracestate` has {threshold}"));
        }
        Ok(hash(self.hash_seed, trace_id) % BUCKETS < accepted)
    }
}

/// The decision of `sampling.priority`: 0 drops, a positive number keeps. Others decide nothing.
fn priority(span: &Span) -> Option<bool> {
    let number = match span.attributes.get("sampling.priority")? {
        Value::Int(number) => *number as f64,
        Value::Double(number) => *number,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    match number {
        0.0 => Some(false),
        number if number > 0.0 => Some(true),
        _ => None,
    }
}

/// The member `ot` of a `tracestate` that is valid as a whole.
fn state(trace_state: &str) -> Result<OtelState, String> {
    let invalid = || "`tracestate` is invalid".to_owned();
    let members = trace_state
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']));
    if trace_state.len() > LONGEST_STATE || members.clone().count() > MOST_MEMBERS {
        return Err(invalid());
    }
    let mut written = members.filter(|member| !member.is_empty());
    if !written.all(is_member) {
        return Err(invalid());
    }
    Ok(OtelState::of(trace_state)?.unwrap_or_default())
}

/// Returns `true` for a `key=value` of a `tracestate`.
fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else {
        return false;
    };
    let is_key_char = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '*' | '/' | '_');
    let is_key = match key.split_once('@') {
        Some((tenant, system)) => {
            tenant.starts_with(|c| matches!(c, 'a'..='z' | '0'..='9'))
                && system.starts_with(|c: char| c.is_ascii_lowercase())
                && tenant.chars().chain(system.chars()).all(is_key_char)
                && tenant.len() <= 241
                && system.len() <= 14
        }
        None => key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(is_key_char),
    };
    let is_value_char = |c: char| matches!(c, ' '..='~') && c != ',' && c != '=';
    let is_value = (1..=256).contains(&value.len())
        && value.chars().all(is_value_char)
        && !value.ends_with(' ');
    is_key && key.len() <= 256 && is_value
}

/// FNV-1a with 32 bits over the seed, in little endian, and the trace id.
fn hash(seed: u32, trace_id: TraceId) -> u32 {
    let bytes = seed.to_le_bytes().into_iter().chain(*trace_id.as_bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// The threshold for a share, rounded to a number of hex digits. Near 0 and 1 it gets more, as in the
/// specification. `None` if the share is too small.
fn threshold(share: f64, precision: usize) -> Option<Threshold> {
    if share >= 1.0 {
        return Some(Threshold(0));
    }
    if share < 1.0 / NEVER as f64 {
        return None;
    }
    let more = |number: f64| leading_zeros(number) / 4;
    let digits = (precision + more(share).max(more(1.0 - share))).min(DIGITS);
    let exact = NEVER - (share * NEVER as f64).round() as u64;
    let shift = 4 * (DIGITS - digits);
    let rounded = match shift {
        0 => exact,
        shift => (exact + (1 << (shift - 1))) >> shift << shift,
    };
    Some(Threshold(rounded))
}

/// Number of zeros after the point of a binary fraction below 1.
fn leading_zeros(fraction: f64) -> usize {
    let mut zeros = 0;
    let mut fraction = fraction;
    while fraction < 0.5 && zeros < 64 {
        fraction *= 2.0;
        zeros += 1;
    }
    zeros
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::trace::SpanId;

    /// Spans with trace id, `tracestate` and `sampling.priority`, and the indexes of those that each
    /// sampler of a real Collector kept.
    const RECORDED: &str = include_str!("../../tests/fixtures/sampling/probabilistic.json");

    fn span(recorded: &Json) -> Span {
        let [trace_id, trace_state, priority] = [0, 1, 2].map(|at| &recorded[at]);
        let trace_id = trace_id.as_str().unwrap().parse().unwrap();
        let mut span = Span::new(trace_id, SpanId::random(), "s");
        span.trace_state = trace_state.as_str().unwrap().to_owned();
        let priority = priority.as_object().and_then(|value| value.iter().next());
        let value = priority.map(|(kind, value)| match kind.as_str() {
            "intValue" => Value::Int(value.as_str().unwrap().parse().unwrap()),
            "doubleValue" => Value::Double(value.as_f64().unwrap()),
            "boolValue" => Value::Bool(value.as_bool().unwrap()),
            _ => Value::String(value.as_str().unwrap().to_owned()),
        });
        let value = value.map(|value| ("sampling.priority".to_owned(), value));
        span.attributes = value.into_iter().collect();
        span
    }

    fn sampler(recorded: &Json) -> ProbabilisticSampler {
        ProbabilisticSampler {
            id: "probabilistic_sampler".to_owned(),
            sampling_percentage: recorded["sampling_percentage"].as_f64().unwrap() as f32,
            mode: match recorded["mode"].as_str() {
                Some("equalizing") => Mode::Equalizing,
                Some("proportional") => Mode::Proportional,
                _ => Mode::HashSeed,
            },
            hash_seed: recorded["hash_seed"].as_u64().unwrap_or(0) as u32,
            fail_closed: recorded["fail_closed"].as_bool().unwrap_or(true),
            sampling_precision: recorded["sampling_precision"].as_u64().unwrap_or(4) as usize,
        }
    }

    #[test]
    fn the_decisions_are_those_of_a_real_collector() {
        let recorded: Json = serde_json::from_str(RECORDED).unwrap();
        let spans: Vec<Span> = recorded["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(span)
            .collect();
        for case in recorded["samplers"].as_array().unwrap() {
            let sampler = sampler(case);
            let kept = spans.iter().enumerate();
            let kept: Vec<Json> = kept
                .filter(|(_, span)| sampler.decide(span).is_kept)
                .map(|(at, _)| Json::from(at))
                .collect();
            let kept = Json::from(kept);
            let wrong = differing(&kept, &case["kept"]);
            assert_eq!(kept, case["kept"], "{sampler:?}, {wrong:?}");
        }
    }

    fn differing(a: &Json, b: &Json) -> Vec<Json> {
        let [a, b] = [a, b].map(|list| list.as_array().unwrap());
        let only = |x: &Vec<Json>, y: &Vec<Json>| -> Vec<Json> {
            x.iter().filter(|at| !y.contains(at)).cloned().collect()
        };
        [only(a, b), only(b, a)].concat()
    }
}
