//! Versions, and advice about requests without a measurement.

use crate::number::counted;

/// The sentence about requests without a measurement.
pub(super) fn not_measured(requests: u64) -> String {
    let have = if requests == 1 { "has" } else { "have" };
    let requests = counted(requests, "request");
    format!("{requests} {have} no measurement: {MEASURE_THEM}.")
}

/// The advice about requests without a measurement.
pub(super) const MEASURE_THEM: &str = "find out why they fail, or why their traces are incomplete";

/// A version with a `v` before a number: `v2.3.0` for `2.3.0`. Several versions are separated by
/// commas.
pub(crate) fn version(text: &str) -> String {
    let each: Vec<String> = text.split(", ").map(one_version).collect();
    each.join(", ")
}

fn one_version(text: &str) -> String {
    let is_number = text.starts_with(|first: char| first.is_ascii_digit());
    if is_number {
        format!("v{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_start_with_a_letter() {
        assert_eq!(version("2.3.0"), "v2.3.0");
        assert_eq!(version("2.3.0, v2.4.0, main"), "v2.3.0, v2.4.0, main");
    }
}
