//! The values of versions that a budget compares with each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::budget::Samples;
use crate::number::{Unit, count};
use crate::result::Exemplar;
use crate::spec::CompareVersions;
use crate::trace::Trace;

/// The values of each version.
#[derive(Debug, Default)]
pub(super) struct Sides {
    unit: Unit,
    known: BTreeMap<String, Side>,
    /// Number of traces whose value or version is not known. Each can be of any version.
    unknown: u64,
}

/// The values of one version.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    pub(super) samples: Samples,
    /// The largest, with its trace.
    pub(super) largest: Option<Exemplar>,
}

/// Two versions with their values.
#[derive(Debug)]
pub(super) struct ChosenSides {
    pub(super) from: (String, Side),
    pub(super) to: (String, Side),
}

impl Sides {
    pub(super) fn of(unit: Unit) -> Self {
        Self {
            unit,
            ..Self::default()
        }
    }

    /// Adds a value with its trace.
    pub(super) fn add(&mut self, version: &str, value: f64, trace: Option<&Arc<Trace>>) {
        let side = match self.known.get_mut(version) {
            Some(side) => side,
            None => self
                .known
                .entry(version.to_owned())
                .or_insert_with(|| Side {
                    samples: Samples::of(self.unit),
                    largest: None,
                }),
        };
        side.samples.add(value);
        let largest = side.largest.as_ref().map(|largest| largest.value);
        if let Some(trace) = trace.filter(|_| largest < Some(value)) {
            side.largest = Some(Exemplar {
                trace_id: trace.id(),
                value,
                trace: Arc::clone(trace),
                saved: None,
            });
        }
    }

    /// Adds a trace without a known value or version.
    pub(super) fn add_unknown(&mut self) {
        self.unknown += 1;
    }

    /// Replaces the values, but not the largest ones, of which the traces are known.
    pub(super) fn replace(&mut self, all: BTreeMap<String, Samples>) {
        let mut known = std::mem::take(&mut self.known);
        for (version, samples) in all {
            let side = known.remove(&version).unwrap_or_default();
            self.known.insert(version, Side { samples, ..side });
        }
        self.unknown = 0;
    }

    /// The versions to compare.
    ///
    /// # Errors
    /// There are no two of them, or it is not known which are the newest.
    pub(super) fn choose(self, compare: &CompareVersions) -> Result<ChosenSides, String> {
        let Self {
            known: mut all,
            unknown,
            ..
        } = self;
        let key = &compare.key;
        let found: Vec<String> = all
            .iter()
            .map(|(version, side)| format!("`{version}` in {}", count(side.samples.len())))
            .collect();
        let found = match found.as_slice() {
            [] => format!("no span has `{key}`"),
            found => format!("found {} traces", found.join(", ")),
        };
        let (from, to) = match &compare.versions {
            Some((from, to)) => (from.clone(), to.clone()),
            None => newest_two(all.keys().map(String::as_str))
                .map_err(|why| format!("{why}: {found}"))?,
        };
        let mut take = |version: String| match all.remove(&version) {
            Some(side) => {
                let samples = side.samples.with_unknown(unknown);
                Ok((version, Side { samples, ..side }))
            }
            None => Err(format!("no trace has `{key}` `{version}`: {found}")),
        };
        Ok(ChosenSides {
            from: take(from)?,
            to: take(to)?,
        })
    }
}

/// The second newest and the newest version.
fn newest_two<'v>(versions: impl Iterator<Item = &'v str>) -> Result<(String, String), String> {
    const UNKNOWN: &str = "it is not known which versions are the newest";
    let mut versions = versions
        .map(|one| Some((parts(one)?, one)))
        .collect::<Option<Vec<(Vec<Part>, &str)>>>()
        .ok_or(UNKNOWN)?;
    versions.sort();
    match versions.as_slice() {
        all if all.windows(2).any(|pair| pair[0].0 == pair[1].0) => Err(UNKNOWN.to_owned()),
        [.., (_, from), (_, to)] => Ok(((*from).to_owned(), (*to).to_owned())),
        _ => Err("there are no two versions to compare".to_owned()),
    }
}

/// A part of a version, in ascending order: a pre-release (`-rc.1`) is older than the release.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    PreRelease,
    End,
    /// The index of the word in [`WORDS`].
    Word(usize),
    Number(u64),
}

/// The words of pre-releases, in ascending order.
const WORDS: [&str; 5] = ["dev", "alpha", "beta", "pre", "rc"];

/// The parts of `v2.10.0-rc.1`, without the `v`. `None` if it has words without an order, such as a hash.
fn parts(version: &str) -> Option<Vec<Part>> {
    let text = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let (release, before) = match text.split_once('-') {
        Some((release, before)) => (release, Some(before)),
        None => (text, None),
    };
    let number = |text: &str| text.parse().map(Part::Number).ok();
    let mut parts = release
        .split('.')
        .map(number)
        .collect::<Option<Vec<Part>>>()?;
    if let Some(before) = before {
        parts.push(Part::PreRelease);
        for text in before.split(['.', '-']) {
            let digits = text
                .find(|char: char| char.is_ascii_digit())
                .unwrap_or(text.len());
            let (word, digits) = text.split_at(digits);
            if !word.is_empty() {
                parts.push(Part::Word(WORDS.iter().position(|known| *known == word)?));
            }
            if !digits.is_empty() {
                parts.push(number(digits)?);
            }
        }
    }
    parts.push(Part::End);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(versions: &[&str]) -> Result<(String, String), String> {
        newest_two(versions.iter().copied())
    }

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let pair = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(
            newest(&["v2.10.0", "v2.9.1", "v2.3.0"]),
            pair("v2.9.1", "v2.10.0")
        );
        assert_eq!(
            newest(&["2.4.0", "2.4.0-rc.2", "2.4.0-rc.10"]),
            pair("2.4.0-rc.10", "2.4.0")
        );
        assert_eq!(newest(&["1.0", "1.0.1"]), pair("1.0", "1.0.1"));
        assert_eq!(
            newest(&["1.0-rc10", "1.0-rc9"]),
            pair("1.0-rc9", "1.0-rc10")
        );
        assert_eq!(
            newest(&["1.0-rc.1", "1.0-beta.2"]),
            pair("1.0-beta.2", "1.0-rc.1")
        );
    }

    #[test]
    fn hashes_have_no_order_and_one_version_is_not_compared() {
        for versions in [
            ["a1b2", "c3d4"],
            ["1.0.0-3f2a", "1.0.0-9c1d"],
            ["2.4.0+build.9", "2.4.0+build.10"],
            ["v2.3.0", "2.3.0"],
        ] {
            let unknown = newest(&versions).unwrap_err();
            assert_eq!(unknown, "it is not known which versions are the newest");
        }
        let one = newest(&["1.0"]).unwrap_err();
        assert_eq!(one, "there are no two versions to compare");
    }
}
