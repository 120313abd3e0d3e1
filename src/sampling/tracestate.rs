//! Sampling in `tracestate`: the member `ot`, with a threshold `th` and randomness `rv`.
//!
//! A span is kept if its randomness is not below the threshold. Both have 56 bits. Defined in
//! <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>.

use std::fmt;

use crate::trace::TraceId;

/// Number of hex digits of 56 bits.
pub(crate) const DIGITS: usize = 14;

/// Maximum length of the value of `ot`.
const LONGEST: usize = 256;

/// 2^56: the threshold that nothing reaches.
pub(crate) const NEVER: u64 = 1 << 56;

/// The rejection threshold: spans with less randomness are not sampled. Below 2^56.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Threshold(pub(crate) u64);

/// The randomness of a trace, below 2^56.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Randomness(pub(crate) u64);

/// The member `ot` of a `tracestate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OtelState {
    pub(crate) threshold: Option<Threshold>,
    pub(crate) randomness: Option<Randomness>,
}

impl OtelState {
    /// Reads the member of a whole `tracestate`; `None` if there is none. The last one counts, as in the
    /// Collector.
    ///
    /// # Errors
    /// A text for users if a member is not valid.
    pub(crate) fn of(trace_state: &str) -> Result<Option<Self>, String> {
        let members = trace_state
            .split(',')
            .filter_map(|member| member.trim_matches([' ', '\t']).strip_prefix("ot="));
        members
            .map(Self::parse)
            .try_fold(None, |_, state| state.map(Some))
    }

    fn parse(value: &str) -> Result<Self, String> {
        if value.len() > LONGEST {
            return Err(format!(
                "`ot` has {} characters, more than {LONGEST}",
                value.len()
            ));
        }
        let mut state = Self::default();
        for part in value.split(';') {
            let (key, text) = part
                .split_once(':')
                .filter(|(key, text)| is_key(key) && text.chars().all(is_value))
                .ok_or_else(|| format!("`{part}` in `ot` is not `key:value`"))?;
            match key {
                "th" => state.threshold = Some(Threshold::parse(text)?),
                "rv" => state.randomness = Some(Randomness::parse(text)?),
                _ => {}
            }
        }
        Ok(state)
    }
}

fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

fn is_value(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

impl Threshold {
    /// Up to 14 hex digits; the missing ones are zeros.
    fn parse(text: &str) -> Result<Self, String> {
        hex(text)
            .filter(|_| (1..=DIGITS).contains(&text.len()))
            .map(|number| Self(number << (4 * (DIGITS - text.len()))))
            .ok_or_else(|| format!("`th:{text}` is not 1 to {DIGITS} hex digits"))
    }

    /// Returns `true` if a trace with this randomness is sampled.
    pub(crate) fn keeps(self, randomness: Randomness) -> bool {
        randomness.0 >= self.0
    }

    /// The share of traces that it keeps.
    pub(crate) fn probability(self) -> f64 {
        (NEVER - self.0) as f64 / NEVER as f64
    }
}

/// `th:8`, without trailing zeros.
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:014x}", self.0);
        match digits.trim_end_matches('0') {
            "" => f.write_str("th:0"),
            digits => write!(f, "th:{digits}"),
        }
    }
}

impl Randomness {
    /// Exactly 14 hex digits.
    fn parse(text: &str) -> Result<Self, String> {
        hex(text)
            .filter(|_| text.len() == DIGITS)
            .map(Self)
            .ok_or_else(|| format!("`rv:{text}` is not {DIGITS} hex digits"))
    }

    /// The lowest 56 bits of the trace id.
    pub(crate) fn of(trace_id: TraceId) -> Self {
        let low = trace_id.as_bytes()[9..]
            .iter()
            .fold(0, |low, byte| low << 8 | u64::from(*byte));
        Self(low)
    }
}

/// `rv:0123456789abcd`.
impl fmt::Display for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rv:{:014x}", self.0)
    }
}

fn hex(text: &str) -> Option<u64> {
    // `from_str_radix` accepts a sign.
    let is_hex = text.chars().all(|c| c.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_padded_with_zeros_and_randomness_is_not() {
        let state = OtelState::of("other=1, ot=th:c;rv:00000000000001;x:y").unwrap();
        let expected = OtelState {
            threshold: Some(Threshold(0xc << 52)),
            randomness: Some(Randomness(1)),
        };
        assert_eq!(state, Some(expected));
        assert_eq!(Threshold(0xc << 52).probability(), 0.25);
        assert_eq!(Threshold(0xc << 52).to_string(), "th:c");
        assert_eq!(Threshold(0).to_string(), "th:0");
    }

    #[test]
    fn invalid_members_are_named() {
        let error = |state| OtelState::of(state).unwrap_err();
        assert_eq!(error("ot=th:xyz"), "`th:xyz` is not 1 to 14 hex digits");
        assert_eq!(error("ot=rv:1"), "`rv:1` is not 14 hex digits");
        assert_eq!(error("ot=th:8;"), "`` in `ot` is not `key:value`");
        assert_eq!(error("ot=TH:8"), "`TH:8` in `ot` is not `key:value`");
        assert_eq!(OtelState::of("a=1,b=2"), Ok(None));
    }

    #[test]
    fn the_randomness_of_a_trace_is_its_lowest_56_bits() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap();
        assert_eq!(Randomness::of(id), Randomness(0x00ce_929d_0e0e_4736));
        assert!(Threshold(0x00ce_929d_0e0e_4736).keeps(Randomness::of(id)));
        assert!(!Threshold(0x00ce_929d_0e0e_4737).keeps(Randomness::of(id)));
    }
}
