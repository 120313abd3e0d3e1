//! Policies on the whole trace, or on fields of its spans.

use std::collections::HashSet;

use super::cast::{Cast, Ground};
use super::features::LatencyBound;
use super::input::Input;
use crate::sampling::state_value;
use crate::sampling::vote::Vote;
use crate::trace::{Field, Span, StatusCode};

const MILLISECOND: i64 = 1_000_000;

pub(super) fn always() -> Cast {
    Cast::of(Vote::Sampled, Ground::Always)
}

/// The unknown vote of a policy that reads a field that the source of the trace loses.
pub(super) fn lost(fields: &[Field], input: Input<'_>) -> Option<Cast> {
    let lost = fields.iter().find(|field| input.losses.contains(**field))?;
    Some(unknown(*lost))
}

/// A vote that is unknown because of a lost field.
pub(super) fn unknown(lost: Field) -> Cast {
    Cast::unknown(format!("the source of the trace loses {lost}"))
}

pub(super) fn status_code(codes: &[i32], input: Input<'_>) -> Cast {
    if let Some(lost) = lost(&[Field::Status], input) {
        return lost;
    }
    let number = |code: StatusCode| match code {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    };
    first_span(input, |span| codes.contains(&number(span.status.code)))
}

/// A vote for the trace if a span matches.
fn first_span(input: Input<'_>, matches: impl Fn(&Span) -> bool) -> Cast {
    match input.spans.iter().position(|span| matches(span)) {
        Some(at) => Cast::of(Vote::Sampled, Ground::Span(at)),
        None => Cast::of(Vote::NotSampled, Ground::NoMatch),
    }
}

pub(super) fn trace_state(key: &str, values: &HashSet<String>, input: Input<'_>) -> Cast {
    first_with_context(input, |span| {
        state_value::value(&span.trace_state, key).is_some_and(|value| values.contains(value))
    })
}

/// A vote for the trace if a span has the sampled flag.
pub(super) fn trace_flags(input: Input<'_>) -> Cast {
    first_with_context(input, |span| span.flags & 1 != 0)
}

/// The same for what a source may lose: a match is one all the same.
fn first_with_context(input: Input<'_>, matches: impl Fn(&Span) -> bool) -> Cast {
    let cast = first_span(input, matches);
    match cast.ground {
        Ground::NoMatch => lost(&[Field::TraceContext], input).unwrap_or(cast),
        _ => cast,
    }
}

/// Zero stands for no maximum.
pub(super) fn span_count(min: i64, max: i64, input: Input<'_>) -> Cast {
    let count = input.count();
    let is_match = count >= min && (max == 0 || count <= max);
    Cast::of_match(is_match, Ground::Count(count))
}

/// The hash seed; an empty one stands for the default.
pub(super) fn salt(salt: &str) -> &[u8] {
    match salt {
        "" => b"default-hash-seed",
        salt => salt.as_bytes(),
    }
}

pub(super) fn probabilistic(salt: &[u8], threshold: u64, input: Input<'_>) -> Cast {
    let hash = hash(salt, input.spans[0].trace_id.as_bytes());
    Cast::of_match(hash <= threshold, Ground::Hash(hash))
}

/// FNV-1a, 64 bits.
fn hash(salt: &[u8], id: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = salt.iter().chain(id);
    bytes.fold(BASIS, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

/// The largest hash of a share, computed with a mantissa of 64 bits.
pub(super) fn threshold(share: f64) -> u64 {
    if share.is_nan() || share <= 0.0 {
        return 0;
    }
    if share >= 1.0 {
        return u64::MAX;
    }
    let bits = share.to_bits();
    let exponent = i32::try_from(bits >> 52).unwrap_or(0);
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, power) = match exponent {
        0 => (fraction, -1_074),
        _ => (fraction | 1 << 52, exponent - 1_075),
    };
    let product = u128::from(mantissa) * u128::from(u64::MAX);
    // Rounded to 64 digits: to the nearest, and to an even one between two.
    let surplus = (128 - product.leading_zeros()).saturating_sub(64);
    let half = (1_u128 << surplus) >> 1;
    let rest = product & ((1_u128 << surplus) - 1);
    let kept = product >> surplus;
    let is_up = rest > half || (surplus > 0 && rest == half && kept & 1 == 1);
    let rounded = kept + u128::from(is_up);
    let power = power + i32::try_from(surplus).unwrap_or(0);
    let whole = match u32::try_from(-power) {
        Ok(down) => rounded.checked_shr(down).unwrap_or(0),
        Err(_) => rounded << power,
    };
    u64::try_from(whole).unwrap_or(u64::MAX)
}

/// The first and the last time so far, where zero stands for none.
#[derive(Clone, Copy, Default)]
struct Extent {
    start: u64,
    end: u64,
}

impl Extent {
    fn with(self, span: &Span) -> Self {
        let is_earlier = self.start == 0 || span.start < self.start;
        let is_later = self.end == 0 || span.end > self.end;
        Self {
            start: if is_earlier { span.start } else { self.start },
            end: if is_later { span.end } else { self.end },
        }
    }

    fn nanos(self) -> i64 {
        self.end
            .cast_signed()
            .saturating_sub(self.start.cast_signed())
    }
}

/// The Collector compares after each span, so that the order of spans counts for an upper threshold.
pub(super) fn latency(threshold: i64, upper: i64, bound: LatencyBound, input: Input<'_>) -> Cast {
    if let Some(lost) = lost(&[Field::Durations], input) {
        return lost;
    }
    let is_match = |nanos: i64| {
        let ms = nanos / MILLISECOND;
        match (upper, bound) {
            (0, LatencyBound::Included) => ms >= threshold,
            (0, LatencyBound::Excluded) => ms > threshold,
            _ => threshold < ms && ms <= upper,
        }
    };
    let mut extent = Extent::default();
    let mut matched = None;
    for span in input.spans {
        extent = extent.with(span);
        if matched.is_none() && is_match(extent.nanos()) {
            matched = Some(extent.nanos());
        }
    }
    let total = extent.nanos();
    let mut cast = Cast::of_match(
        matched.is_some(),
        Ground::Duration(matched.unwrap_or(total)),
    );
    if is_blurred(total, threshold, upper, input) {
        return Cast::unknown("the source of the trace loses the exact times of spans");
    }
    if !is_match(total) && may_match_in_part(upper, input) {
        cast.possible = cast.possible.with(Vote::Sampled).with(Vote::NotSampled);
    }
    cast
}

/// The times are not exact, and the duration is near to a threshold.
fn is_blurred(total: i64, threshold: i64, upper: i64, input: Input<'_>) -> bool {
    let is_exact =
        !input.losses.contains(Field::Nanoseconds) && !input.losses.contains(Field::Starts);
    let is_near = |limit: i64| (total / MILLISECOND).saturating_sub(limit).abs() <= 2;
    !is_exact && (is_near(threshold) || upper != 0 && is_near(upper))
}

/// Returns `true` if some spans without the others may match, although all together do not.
fn may_match_in_part(upper: i64, input: Input<'_>) -> bool {
    let has_zero = input
        .spans
        .iter()
        .any(|span| span.start == 0 || span.end == 0);
    let is_shorter = |span: &&Span| {
        let alone = Extent::default().with(span).nanos();
        alone / MILLISECOND <= upper
    };
    has_zero || upper != 0 && input.spans.len() > 1 && input.spans.iter().any(is_shorter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceId;

    #[test]
    fn hashes_are_those_of_the_collector() {
        for (id, expected) in [
            ("0af7651916cd43dd8448eb211c80319c", 0x33bf_83d4_5f51_634c),
            ("4bf92f3577b34da6a3ce929d0e0e4736", 0xa545_33ba_2e49_70b5),
            ("00000000000000000000000000000001", 0xe195_35ee_d1bb_aa8a),
        ] {
            let id: TraceId = id.parse().unwrap();
            assert_eq!(hash(salt(""), id.as_bytes()), expected);
        }
    }

    #[test]
    fn thresholds_are_rounded_as_by_go() {
        // Computed with `math/big`.
        for (share, expected) in [
            (0.0, 0),
            (1.0, u64::MAX),
            (1.5, u64::MAX),
            (0.5, 9_223_372_036_854_775_807),
            (0.1, 1_844_674_407_370_955_263),
            (0.25, 4_611_686_018_427_387_903),
            (1e-20, 0),
        ] {
            assert_eq!(threshold(share), expected, "{share}");
        }
    }
}
