//! The changes of a shape of traces, line by line.

use super::look::{BAD, FAINT, GOOD, Look, printable};

/// Above this product of lines, lines are not aligned.
const MOST_CELLS: usize = 4_000_000;

/// A line of one of two texts, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change<'t> {
    Same(&'t str),
    Gone(&'t str),
    New(&'t str),
}

/// The lines of a proposal beside those of the accepted shape; `None` if there is none.
pub(crate) fn shape_changes(accepted: Option<&str>, proposal: &str, look: &Look) -> String {
    let changes = changes(accepted.unwrap_or_default(), proposal);
    let lines = changes.into_iter().map(|change| {
        let (sign, style, line) = match change {
            Change::Same(line) => (" ", FAINT, line),
            Change::Gone(line) => ("-", BAD, line),
            Change::New(line) => ("+", GOOD, line),
        };
        let line = format!("{sign} {}", printable(line));
        format!("  {}\n", look.paint(style, &line))
    });
    lines.collect()
}

fn changes<'t>(before: &'t str, after: &'t str) -> Vec<Change<'t>> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let same = |(one, other): &(&&str, &&str)| one == other;
    let start = before.iter().zip(&after).take_while(same).count();
    let (rest, other_rest) = (&before[start..], &after[start..]);
    let end = rest.iter().rev().zip(other_rest.iter().rev());
    let end = end.take_while(same).count();
    let middle = aligned(
        &rest[..rest.len() - end],
        &other_rest[..other_rest.len() - end],
    );
    let start = before[..start].iter().map(|line| Change::Same(line));
    let end = before[before.len() - end..]
        .iter()
        .map(|line| Change::Same(line));
    start.chain(middle).chain(end).collect()
}

/// A longest common subsequence of lines, and the others.
fn aligned<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<Change<'t>> {
    let (rows, columns) = (before.len(), after.len());
    if rows.saturating_mul(columns) > MOST_CELLS {
        let gone = before.iter().map(|line| Change::Gone(line));
        return gone
            .chain(after.iter().map(|line| Change::New(line)))
            .collect();
    }
    // The length of the subsequence of the lines from each position on.
    let mut lengths = vec![vec![0_u32; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            lengths[row][column] = match before[row] == after[column] {
                true => lengths[row + 1][column + 1] + 1,
                false => lengths[row + 1][column].max(lengths[row][column + 1]),
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut changes = Vec::with_capacity(rows + columns);
    while row < rows || column < columns {
        let is_same = row < rows && column < columns && before[row] == after[column];
        if is_same {
            changes.push(Change::Same(before[row]));
            (row, column) = (row + 1, column + 1);
        } else if column == columns
            || row < rows && lengths[row + 1][column] >= lengths[row][column + 1]
        {
            changes.push(Change::Gone(before[row]));
            row += 1;
        } else {
            changes.push(Change::New(after[column]));
            column += 1;
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(before: &str, after: &str) -> String {
        shape_changes(Some(before), after, &Look::plain())
    }

    #[test]
    fn common_lines_stay_and_the_others_have_a_sign() {
        assert_eq!(
            drawn("a\nb\nc\nd\n", "a\nc\nx\nd\n"),
            "    a\n  - b\n    c\n  + x\n    d\n"
        );
        assert_eq!(drawn("a\n", "a\n"), "    a\n");
        assert_eq!(shape_changes(None, "a\n", &Look::plain()), "  + a\n");
        assert_eq!(drawn("a\na\n", "a\n"), "    a\n  - a\n");
    }
}
