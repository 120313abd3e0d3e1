//! The bar of a span, to an eighth of a column.

use super::super::look::Charset;
use crate::trace::{Nanos, Span};

/// Spans further than this from the median do not extend the scale: their clock is wrong.
const SANE: Nanos = 30 * 24 * 3_600 * 1_000_000_000;

/// The time that a row of bars stands for.
pub(super) struct TimeWindow {
    start: Nanos,
    end: Nanos,
}

/// The place of a span in the window, from 0 to 1; outside of it if its clock is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extent {
    Before,
    Within { start: f64, end: f64 },
    After,
}

impl TimeWindow {
    pub(super) fn of(spans: &[Span]) -> Self {
        // Spans are in the order of their start, so the middle one has the median.
        let middle = spans.get(spans.len() / 2).map_or(0, |span| span.start);
        let sane = |time: &Nanos| time.abs_diff(middle) <= SANE;
        let starts = spans.iter().map(|span| span.start).filter(sane);
        let ends = spans.iter().map(|span| span.end).filter(sane);
        Self {
            start: starts.clone().min().unwrap_or(middle),
            end: ends.chain(starts).max().unwrap_or(middle),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a bar has a few hundred eighths"
    )]
    pub(super) fn extent(&self, span: &Span) -> Extent {
        let end = span.end.max(span.start);
        if end < self.start {
            return Extent::Before;
        }
        if span.start > self.end {
            return Extent::After;
        }
        let whole = self.end.saturating_sub(self.start).max(1) as f64;
        let part =
            |time: Nanos| time.clamp(self.start, self.end).abs_diff(self.start) as f64 / whole;
        Extent::Within {
            start: part(span.start),
            end: part(end),
        }
    }
}

/// The bar in exactly this number of columns.
pub(super) fn draw(extent: &Extent, columns: usize, charset: Charset) -> String {
    let (before, after) = match charset {
        Charset::Unicode => ('◂', '▸'),
        Charset::Ascii => ('<', '>'),
    };
    match extent {
        Extent::Before => format!("{before}{:blanks$}", "", blanks = columns - 1),
        Extent::After => format!("{:blanks$}{after}", "", blanks = columns - 1),
        Extent::Within { start, end } => {
            let (start, end) = eighths(*start, *end, columns);
            (0..columns)
                .map(|column| {
                    let from = start.saturating_sub(column * 8).min(8);
                    let to = end.saturating_sub(column * 8).min(8);
                    match charset {
                        Charset::Unicode => block(from, to),
                        Charset::Ascii => letter(from, to, end - start),
                    }
                })
                .collect()
        }
    }
}

/// Never shorter than an eighth, so that every span is visible.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "parts of one times a number of columns"
)]
fn eighths(start: f64, end: f64, columns: usize) -> (usize, usize) {
    let all = columns * 8;
    let at = |part: f64| ((part * all as f64).round() as usize).min(all);
    let start = at(start).min(all - 1);
    (start, at(end).max(start + 1))
}

/// Unicode has blocks for every eighth from the left, but from the right only for a half and an
/// eighth.
fn block(from: usize, to: usize) -> char {
    const FROM_LEFT: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    match (from, to) {
        _ if from >= to => ' ',
        (0, _) => FROM_LEFT[to - 1],
        (1..=2, 8) => '█',
        (7, 8) => '▕',
        _ if from + to > 8 => '▐',
        _ => FROM_LEFT[to - 1],
    }
}

fn letter(from: usize, to: usize, whole: usize) -> char {
    match to.saturating_sub(from) {
        0 => ' ',
        1..4 if whole < 4 => '|',
        1..4 => ' ',
        _ => '#',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(start: f64, end: f64, charset: Charset) -> String {
        draw(&Extent::Within { start, end }, 8, charset)
    }

    #[test]
    fn bars_are_drawn_to_an_eighth_of_a_column() {
        assert_eq!(drawn(0.0, 1.0, Charset::Unicode), "████████");
        assert_eq!(drawn(0.0, 0.55, Charset::Unicode), "████▍   ");
        assert_eq!(drawn(0.56, 1.0, Charset::Unicode), "    ▐███");
        assert_eq!(drawn(0.25, 0.5, Charset::Ascii), "  ##    ");
    }

    #[test]
    fn a_span_that_took_no_time_is_still_seen() {
        assert_eq!(drawn(0.5, 0.5, Charset::Unicode), "    ▏   ");
        assert_eq!(drawn(1.0, 1.0, Charset::Unicode), "       ▕");
        assert_eq!(drawn(0.5, 0.5, Charset::Ascii), "    |   ");
    }

    #[test]
    fn a_span_of_another_age_stands_at_the_edge() {
        assert_eq!(draw(&Extent::Before, 4, Charset::Unicode), "◂   ");
        assert_eq!(draw(&Extent::After, 4, Charset::Ascii), "   >");
    }
}
