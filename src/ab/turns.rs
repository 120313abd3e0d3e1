//! The order of the runs.

use super::AbSide;

/// One run of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The version that runs.
    pub side: AbSide,
    /// `true` for the first run of this version, which warms up.
    pub is_first: bool,
}

/// Pairs of runs in alternating order: A B, B A, A B, …, so that a machine that becomes slower or
/// faster favours neither version.
pub fn turns(pairs: usize) -> impl Iterator<Item = Turn> {
    (0..pairs).flat_map(|pair| {
        let order = match pair % 2 {
            0 => [AbSide::A, AbSide::B],
            _ => [AbSide::B, AbSide::A],
        };
        order.map(|side| Turn {
            side,
            is_first: pair == 0,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_alternates_and_only_the_first_pair_warms_up() {
        let order: String = turns(3).map(|turn| turn.side.to_string()).collect();
        assert_eq!(order, "ABBAAB");
        let first: Vec<bool> = turns(2).map(|turn| turn.is_first).collect();
        assert_eq!(first, [true, true, false, false]);
    }
}
