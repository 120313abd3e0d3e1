//! Differences between an imported spec and its original.

use std::collections::BTreeMap;
use std::fmt;

use crate::spec::Location;

/// A difference, and its place in the original.
#[derive(Clone, Debug)]
pub(crate) struct Remark {
    pub(crate) level: Level,
    pub(crate) at: Location,
    /// The fact and the remedy, on one line.
    pub(crate) text: String,
}

/// The weight of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Something is missing in the imported spec. The exit code is 1.
    Lost,
    /// The imported spec has it, with a difference that the reader should know.
    Note,
}

impl Level {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Note => "note",
        }
    }
}

/// All differences of an import.
#[derive(Debug, Default)]
pub(crate) struct Remarks(Vec<Remark>);

impl Remarks {
    pub(crate) fn lost(&mut self, at: &Location, text: impl Into<String>) {
        self.push(Level::Lost, at, text.into());
    }

    pub(crate) fn note(&mut self, at: &Location, text: impl Into<String>) {
        self.push(Level::Note, at, text.into());
    }

    /// A place that is visited several times has a difference once.
    fn push(&mut self, level: Level, at: &Location, text: String) {
        let at = at.clone();
        let is_same = |known: &Remark| {
            let is_there = known.at.place == at.place && known.at.source.name() == at.source.name();
            is_there && known.level == level && known.text == text
        };
        if !self.0.iter().any(is_same) {
            self.0.push(Remark { level, at, text });
        }
    }

    pub(crate) fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|remark| remark.level == level).count()
    }
}

/// One line for each difference, by file and line. The same difference of several places of a file
/// is one line.
impl fmt::Display for Remarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: BTreeMap<(&str, Level, &str), Vec<&Location>> = BTreeMap::new();
        for remark in &self.0 {
            let group = (remark.at.source.name(), remark.level, remark.text.as_str());
            groups.entry(group).or_default().push(&remark.at);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        for (_, places) in &mut groups {
            places.sort_by_key(|at| at.place);
        }
        groups.sort_by_key(|((file, ..), places)| (*file, places[0].place));
        for ((_, level, text), places) in groups {
            write!(f, "{}: {}: {text}", places[0], level.word())?;
            let mut lines: Vec<usize> = places.iter().map(|at| at.line()).collect();
            lines.dedup();
            if let [_, more @ ..] = lines.as_slice()
                && !more.is_empty()
            {
                let more: Vec<String> = more.iter().map(ToString::to_string).collect();
                let word = if more.len() == 1 { "line" } else { "lines" };
                write!(f, " (also {word} {})", more.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Place, Source};

    #[test]
    fn the_same_difference_is_one_line_for_each_file() {
        let source = Source::new("a.yaml", "x\ny\nz\n");
        let at = |start| {
            source.at(Place {
                start,
                end: start + 1,
            })
        };
        let mut remarks = Remarks::default();
        remarks.note(&at(4), "rounded");
        remarks.lost(&at(2), "no equivalent");
        remarks.note(&at(0), "rounded");
        assert_eq!(
            remarks.to_string(),
            "a.yaml:1:1: note: rounded (also line 3)\na.yaml:2:1: lost: no equivalent\n"
        );
        assert_eq!(remarks.count(Level::Lost), 1);
    }
}
