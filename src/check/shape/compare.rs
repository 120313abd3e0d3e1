//! The differences between the shape of a file and that of a trace.

use std::collections::{HashMap, HashSet, VecDeque};

use super::super::Difference;
use crate::number::{count, counted};
use crate::spec::{Shape, ShapeLine, order};

/// Maximum number of differences that are described.
const MOST: usize = 100;

/// The differences, with the spans of the trace that differ.
pub(super) struct ShapeDifferences {
    /// The number of all.
    pub(super) number: usize,
    /// The first ones, by their lines in the file.
    pub(super) all: Vec<Difference>,
    /// Spans that the file does not have so; indices in the trace.
    pub(super) spans: Vec<usize>,
}

struct Comparison<'s> {
    file: &'s Shape,
    trace: &'s Shape,
    name: &'s str,
    found: ShapeDifferences,
    /// For each difference, its line in the file.
    lines: Vec<usize>,
}

/// Children of one line in both shapes.
struct Siblings {
    /// The line of the parent in the file; 0 without one.
    parent: usize,
    file: Vec<usize>,
    trace: Vec<usize>,
}

pub(super) fn differences(file: &Shape, trace: &Shape, name: &str) -> ShapeDifferences {
    let mut comparison = Comparison {
        file,
        trace,
        name,
        found: ShapeDifferences {
            number: 0,
            all: Vec::new(),
            spans: Vec::new(),
        },
        lines: Vec::new(),
    };
    let none = Vec::new();
    let traces = file.roots().len().max(trace.roots().len());
    for number in 0..traces {
        comparison.siblings(Siblings {
            parent: 0,
            file: file.roots().get(number).unwrap_or(&none).clone(),
            trace: trace.roots().get(number).unwrap_or(&none).clone(),
        });
    }
    comparison.sorted()
}

impl Comparison<'_> {
    fn sorted(mut self) -> ShapeDifferences {
        let all = std::mem::take(&mut self.found.all).into_iter();
        let mut all: Vec<(usize, Difference)> = self.lines.into_iter().zip(all).collect();
        all.sort_by_key(|(line, _)| *line);
        self.found.all = all.into_iter().map(|(_, difference)| difference).collect();
        self.found
    }

    fn siblings(&mut self, top: Siblings) {
        let mut open = vec![top];
        while let Some(mut these) = open.pop() {
            self.equal(&mut these);
            let mut below = self.similar(&mut these, ShapeLine::text);
            below.extend(self.similar(&mut these, ShapeLine::head));
            these.file.iter().for_each(|&line| self.missing(line));
            let parent = these.parent;
            these
                .trace
                .iter()
                .for_each(|&line| self.added(parent, line));
            open.extend(below.into_iter().rev());
        }
    }

    /// Takes lines that are equal with all below them, apart from their number. Both lists are sorted.
    fn equal(&mut self, these: &mut Siblings) {
        let trace = std::mem::take(&mut these.trace);
        let mut found = trace.into_iter().peekable();
        for expected in std::mem::take(&mut these.file) {
            let order_of = |&line: &usize| order((self.file, expected), (self.trace, line));
            while let Some(smaller) = found.next_if(|line| order_of(line).is_gt()) {
                these.trace.push(smaller);
            }
            match found.next_if(|line| order_of(line).is_eq()) {
                Some(same) => self.number(expected, same),
                None => these.file.push(expected),
            }
        }
        these.trace.extend(found);
    }

    /// Takes pairs of lines with the same part of their text. Their children are compared next.
    fn similar(
        &mut self,
        these: &mut Siblings,
        part: for<'l> fn(&'l ShapeLine) -> &'l str,
    ) -> Vec<Siblings> {
        let (file, trace) = (self.file, self.trace);
        let mut candidates: HashMap<&str, VecDeque<usize>> = HashMap::new();
        for &found in &these.trace {
            let lines = candidates.entry(part(trace.line(found))).or_default();
            lines.push_back(found);
        }
        let (mut pairs, mut taken) = (Vec::new(), HashSet::new());
        these.file.retain(|&expected| {
            let lines = candidates.get_mut(part(file.line(expected)));
            let Some(found) = lines.and_then(VecDeque::pop_front) else {
                return true;
            };
            taken.insert(found);
            pairs.push((expected, found));
            false
        });
        these.trace.retain(|found| !taken.contains(found));
        let below = pairs.into_iter().map(|(expected, found)| {
            self.line(expected, found);
            Siblings {
                parent: file.line(expected).number,
                file: file.line(expected).children.clone(),
                trace: trace.line(found).children.clone(),
            }
        });
        below.collect()
    }

    /// The same spans in another number.
    fn number(&mut self, expected: usize, found: usize) {
        let (file, trace) = (self.file.line(expected), self.trace.line(found));
        if file.count != trace.count {
            let (expected, found) = (count(file.count), count(trace.count));
            self.add(
                file.number,
                self.at(file.number),
                format!("{expected} of `{}`", file.text),
                found,
            );
            self.found.spans.extend(&trace.spans);
        }
    }

    /// The same span, perhaps with another status, other events or attributes, or in another number.
    fn line(&mut self, expected: usize, found: usize) {
        let (file, trace) = (self.file.line(expected), self.trace.line(found));
        if file.text == trace.text {
            return self.number(expected, found);
        }
        let (expected, found) = (file.in_full(), trace.in_full());
        self.add(
            file.number,
            self.at(file.number),
            format!("`{expected}`"),
            format!("`{found}`"),
        );
        self.found.spans.extend(&trace.spans);
    }

    fn missing(&mut self, line: usize) {
        let text = described(self.file, line);
        let number = self.file.line(line).number;
        self.add(number, self.at(number), text, "nothing".to_owned());
    }

    fn added(&mut self, parent: usize, line: usize) {
        let place = match parent {
            0 => format!("{}, without parent", self.name),
            parent => format!("below {}", self.at(parent)),
        };
        self.add(
            parent,
            place,
            "nothing".to_owned(),
            described(self.trace, line),
        );
        self.found.spans.extend(&self.trace.line(line).spans);
    }

    fn at(&self, number: usize) -> String {
        format!("{}:{number}", self.name)
    }

    fn add(&mut self, line: usize, path: String, expected: String, found: String) {
        self.found.number += 1;
        if self.found.all.len() < MOST {
            self.lines.push(line);
            self.found.all.push(Difference {
                path,
                expected,
                found,
            });
        }
    }
}

/// A line with the number of spans below it.
fn described(shape: &Shape, line: usize) -> String {
    let text = shape.line(line).in_full();
    match shape.size(line) - 1 {
        0 => format!("`{text}`"),
        below => format!("`{text}` with {} below", counted(below, "span")),
    }
}
