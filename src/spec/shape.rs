//! The shape of a trace as text: one line for each kind of span, indented below its parent.
//!
//! `check::shape` builds the shape of a trace, and compares it with that of a file.

mod parse;

use std::cmp::Ordering;
use std::fmt::Write;
use std::path::PathBuf;

use super::AttributeKey;
use crate::yaml::Source;

pub(crate) use parse::ShapeError;

/// Maximum size of a shape file in bytes.
pub(crate) const MOST_BYTES: usize = crate::yaml::MAX_FILE_SIZE;

/// The line before the spans of a linked trace.
pub(crate) const LINKED: &str = "linked:";

/// The expected shape of a trace.
#[derive(Clone, Debug)]
pub struct ExpectedShape {
    /// The file.
    pub path: PathBuf,
    /// The name of the file in messages.
    pub name: String,
    /// The content of the file; `None` if it does not exist.
    pub shape: Option<Shape>,
    /// Attributes that belong to the shape.
    pub attributes: Vec<AttributeKey>,
    /// Linked traces belong to the shape.
    pub follows_links: bool,
    /// The spec accepts that parents never arrive.
    pub accepts_orphans: bool,
}

/// A tree of lines. Equal siblings with equal children are one line with a count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    lines: Vec<ShapeLine>,
    /// The spans without a parent, of the trace and then of each linked trace.
    roots: Vec<Vec<usize>>,
}

/// A line of a [`Shape`]: spans that are equal, with equal spans below them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShapeLine {
    /// `order › charge (client, error)`.
    pub(crate) text: String,
    /// Length of the part of `text` that identifies the span: service, name and kind.
    pub(crate) head: usize,
    /// Number of spans with the same parent.
    pub(crate) count: u64,
    /// The lines below, in order.
    pub(crate) children: Vec<usize>,
    /// The line in the file, from 1; 0 for the shape of a trace.
    pub(crate) number: usize,
    /// Indices of the spans in the trace; empty for the shape of a file.
    pub(crate) spans: Vec<usize>,
}

impl Shape {
    /// Reads the text of a shape file.
    ///
    /// # Errors
    /// The first line that is no part of a shape.
    pub(crate) fn parse(source: &Source) -> Result<Self, ShapeError> {
        parse::parse(source)
    }

    /// Adds a line, and returns its number. The children were added before.
    pub(crate) fn add(&mut self, line: ShapeLine) -> usize {
        let children = self.folded(line.children);
        self.lines.push(ShapeLine { children, ..line });
        self.lines.len() - 1
    }

    /// Adds the spans without a parent of a trace.
    pub(crate) fn add_roots(&mut self, roots: Vec<usize>) {
        let roots = self.folded(roots);
        self.roots.push(roots);
    }

    /// Brings the linked traces into an order that does not depend on their arrival.
    pub(crate) fn sort_linked(&mut self) {
        let mut roots = std::mem::take(&mut self.roots);
        if let Some(linked) = roots.get_mut(1..) {
            linked.sort_by(|one, other| {
                let pairs = one.iter().zip(other);
                let mut differing = pairs.map(|(one, other)| {
                    order((self, *one), (self, *other))
                        .then_with(|| self.lines[*one].count.cmp(&self.lines[*other].count))
                });
                differing
                    .find(|order| order.is_ne())
                    .unwrap_or(one.len().cmp(&other.len()))
            });
        }
        self.roots = roots;
    }

    /// The lines without a parent, of the trace and then of each linked trace.
    pub(crate) fn roots(&self) -> &[Vec<usize>] {
        &self.roots
    }

    /// The line with this number.
    pub(crate) fn line(&self, at: usize) -> &ShapeLine {
        &self.lines[at]
    }

    /// Number of spans of the trace and of the linked traces.
    pub(crate) fn spans(&self) -> u64 {
        let roots = self.roots.iter().flatten();
        roots.fold(0, |sum: u64, &root| {
            sum.saturating_add(self.lines[root].count.saturating_mul(self.size(root)))
        })
    }

    /// Number of spans of one occurrence of a line, with all below it.
    pub(crate) fn size(&self, at: usize) -> u64 {
        let mut sum = 0_u64;
        let mut open = vec![(at, 1_u64)];
        while let Some((at, times)) = open.pop() {
            sum = sum.saturating_add(times);
            let children = self.lines[at].children.iter();
            open.extend(children.map(|&child| {
                let count = self.lines[child].count;
                (child, times.saturating_mul(count))
            }));
        }
        sum
    }

    /// The text of the file; `None` if it would be larger than [`MOST_BYTES`].
    pub(crate) fn render(&self) -> Option<String> {
        let mut text = String::new();
        for (number, roots) in self.roots.iter().enumerate() {
            let is_linked = number > 0;
            if is_linked {
                text.push_str(LINKED);
                text.push('\n');
            }
            let depth = usize::from(is_linked);
            let mut open: Vec<(usize, usize)> =
                roots.iter().rev().map(|&root| (root, depth)).collect();
            while let Some((at, depth)) = open.pop() {
                let line = &self.lines[at];
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{:1$}{2}", "", 2 * depth, line.in_full());
                if text.len() > MOST_BYTES {
                    return None;
                }
                open.extend(line.children.iter().rev().map(|&child| (child, depth + 1)));
            }
        }
        Some(text)
    }

    /// The lines in order, equal ones as one.
    fn folded(&mut self, mut all: Vec<usize>) -> Vec<usize> {
        all.sort_by(|&one, &other| order((self, one), (self, other)));
        let mut folded: Vec<usize> = Vec::new();
        for at in all {
            match folded.last() {
                Some(&last) if order((self, last), (self, at)).is_eq() => {
                    let count = self.lines[at].count;
                    let spans = std::mem::take(&mut self.lines[at].spans);
                    let last = &mut self.lines[last];
                    last.count = last.count.saturating_add(count);
                    last.spans.extend(spans);
                }
                _ => folded.push(at),
            }
        }
        folded
    }
}

impl ShapeLine {
    /// The text with the count.
    pub(crate) fn in_full(&self) -> String {
        match self.count {
            1 => self.text.clone(),
            count => format!("{} ×{count}", self.text),
        }
    }

    /// The text without the count.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Service, name and kind.
    pub(crate) fn head(&self) -> &str {
        &self.text[..self.head]
    }
}

/// Compares two lines with all below them, without their own counts.
pub(crate) fn order(one: (&Shape, usize), other: (&Shape, usize)) -> Ordering {
    let mut open = vec![(one.1, other.1)];
    let mut is_first = true;
    while let Some((left, right)) = open.pop() {
        let (left, right) = (one.0.line(left), other.0.line(right));
        let counts = match std::mem::take(&mut is_first) {
            true => Ordering::Equal,
            false => left.count.cmp(&right.count),
        };
        let order = left.text.cmp(&right.text).then(counts);
        let order = order.then(left.children.len().cmp(&right.children.len()));
        if order.is_ne() {
            return order;
        }
        let children = left.children.iter().zip(&right.children).rev();
        open.extend(children.map(|(left, right)| (*left, *right)));
    }
    Ordering::Equal
}

/// A text on one line: control characters and backslashes are escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' => escaped.push_str("\\\\"),
            char if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') => {
                escaped.extend(char.escape_default());
            }
            char => escaped.push(char),
        }
    }
    escaped
}

/// The same at the start of a line, where a space is indentation.
pub(crate) fn escaped_start(text: &str) -> String {
    let escaped = escaped(text);
    match escaped.strip_prefix(' ') {
        Some(rest) => format!("\\u{{20}}{rest}"),
        None => escaped,
    }
}
