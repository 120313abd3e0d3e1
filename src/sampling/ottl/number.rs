//! Numbers as Go writes them.

/// A double as Go's JSON writes it: the shortest digits, with an exponent for small and large ones. `None` for NaN
/// and the infinities, which it refuses.
pub(super) fn double(double: f64) -> Option<String> {
    if !double.is_finite() {
        return None;
    }
    let size = double.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return Some(format!("{double}"));
    }
    let text = format!("{double:e}");
    Some(match text.split_once("e-") {
        Some(_) => text,
        None => text.replacen('e', "e+", 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_by_go() {
        for (value, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-7"),
            (0.000_001, "0.000001"),
        ] {
            assert_eq!(double(value).as_deref(), Some(text));
        }
        assert_eq!(double(f64::NAN), None);
    }
}
