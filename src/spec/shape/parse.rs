//! Reads a shape file.

use super::{LINKED, Shape, ShapeLine};
use crate::trace::SpanKind;
use crate::yaml::{Location, Place, Source, SpecError, did_you_mean};

/// The reason why a text is no shape, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShapeError {
    pub(crate) what: String,
    pub(crate) at: Location,
    pub(crate) label: &'static str,
    pub(crate) help: String,
}

impl From<ShapeError> for SpecError {
    fn from(error: ShapeError) -> Self {
        Self {
            what: error.what,
            at: error.at,
            label: error.label.to_owned(),
            help: Some(error.help),
        }
    }
}

/// The separator of service and name.
const OF: &str = " › ";

/// The separator of the text and its count.
const TIMES: &str = " ×";

const EXAMPLE: &str = "write `service › name (kind)`, such as `order › charge (client, error) ×2`";

/// A line of the file.
struct Written {
    depth: usize,
    line: ShapeLine,
}

/// The spans of one trace of the file.
#[derive(Default)]
struct Tree {
    /// The lines whose children are read, with those children.
    open: Vec<(ShapeLine, Vec<usize>)>,
    roots: Vec<usize>,
}

pub(super) fn parse(source: &Source) -> Result<Shape, ShapeError> {
    let mut shape = Shape::default();
    let mut tree = Tree::default();
    let mut is_linked = false;
    let mut has_spans = false;
    let mut start = 0;
    for (index, text) in source.text().split('\n').enumerate() {
        let line = Line {
            source,
            start,
            text: text.trim_end_matches('\r'),
            number: index + 1,
        };
        start += text.len() + 1;
        if line.text.trim().is_empty() {
            continue;
        }
        if line.text == LINKED {
            if !has_spans {
                return Err(line.wrong(
                    (0, line.text.len()),
                    "no span stands before this line",
                    "no span",
                    "begin the file with the spans of the trace itself",
                ));
            }
            tree.close(&mut shape);
            (is_linked, has_spans) = (true, false);
            continue;
        }
        let mut written = line.read()?;
        if is_linked {
            written.depth = written.depth.checked_sub(1).ok_or_else(|| {
                let help = "indent spans below `linked:` by two spaces";
                line.wrong((0, line.text.len()), "missing indentation", "here", help)
            })?;
        }
        if written.depth > tree.open.len() || !has_spans && written.depth > 0 {
            let help = "indent a span by two spaces more than its parent";
            let width = line.indent();
            return Err(line.wrong((0, width), "this span has no parent", "too deep", help));
        }
        has_spans = true;
        tree.rise(&mut shape, written.depth);
        tree.open.push((written.line, Vec::new()));
    }
    if !has_spans {
        let end = source.text().len();
        return Err(ShapeError {
            what: "there is no span here".to_owned(),
            at: source.at(Place { start: end, end }),
            label: "empty",
            help: "delete the file: a run proposes a new one".to_owned(),
        });
    }
    tree.close(&mut shape);
    shape.sort_linked();
    Ok(shape)
}

impl Tree {
    /// Completes the lines that are not above this depth.
    fn rise(&mut self, shape: &mut Shape, depth: usize) {
        while self.open.len() > depth {
            let Some((line, children)) = self.open.pop() else {
                return;
            };
            let done = shape.add(ShapeLine { children, ..line });
            match self.open.last_mut() {
                Some((_, siblings)) => siblings.push(done),
                None => self.roots.push(done),
            }
        }
    }

    fn close(&mut self, shape: &mut Shape) {
        self.rise(shape, 0);
        shape.add_roots(std::mem::take(&mut self.roots));
    }
}

/// A line of the source.
struct Line<'s> {
    source: &'s Source,
    /// Offset of its first byte.
    start: usize,
    text: &'s str,
    number: usize,
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    fn read(&self) -> Result<Written, ShapeError> {
        let indent = self.indent();
        if self.text[indent..].starts_with('\t') {
            let help = "indent with two spaces for each level";
            return Err(self.wrong((indent, indent + 1), "a tab", "here", help));
        }
        if indent % 2 == 1 {
            let help = "indent a span by two spaces more than its parent";
            return Err(self.wrong((0, indent), "an odd number of spaces", "here", help));
        }
        let (end, count) = self.count()?;
        let text = &self.text[indent..end];
        let Some(name) = text.find(OF) else {
            return Err(self.wrong((indent, end), "no `›` after the service", "here", EXAMPLE));
        };
        let head = self.head(indent, name + OF.len(), text)?;
        Ok(Written {
            depth: indent / 2,
            line: ShapeLine {
                text: text.to_owned(),
                head,
                count,
                children: Vec::new(),
                number: self.number,
                spans: Vec::new(),
            },
        })
    }

    /// The end of the text, and the count after it.
    fn count(&self) -> Result<(usize, u64), ShapeError> {
        let trimmed = self.text.trim_end();
        let Some(times) = trimmed.rfind(TIMES).filter(|_| !trimmed.ends_with(')')) else {
            return Ok((trimmed.len(), 1));
        };
        let number = &trimmed[times + TIMES.len()..];
        match number.parse() {
            Ok(count) if count > 0 => Ok((times, count)),
            _ => {
                let start = times + TIMES.len();
                let what = format!("`{number}` is not a number of spans");
                let help = "write a number from 1, such as `×3`";
                Err(self.wrong((start, trimmed.len()), &what, "here", help))
            }
        }
    }

    /// The length of service, name and kind.
    fn head(&self, indent: usize, name: usize, text: &str) -> Result<usize, ShapeError> {
        let end = indent + text.len();
        if !text.ends_with(')') {
            return Err(self.wrong((end, end), "no kind after the name", "here", EXAMPLE));
        }
        let kinds = SpanKind::ALL.map(SpanKind::as_str);
        let word_after = |open: usize| {
            let word = &text[open + 2..];
            let length = word.find([',', ')']).unwrap_or(word.len());
            (open + 2, open + 2 + length)
        };
        let opens: Vec<usize> = text.rmatch_indices(" (").map(|(at, _)| at).collect();
        let after_name = opens.iter().filter(|&&open| open + 1 > name);
        let mut words = after_name.map(|&open| word_after(open));
        let is_kind = |(start, end): &(usize, usize)| kinds.contains(&&text[*start..*end]);
        if let Some((_, end)) = words.clone().find(is_kind) {
            return Ok(end);
        }
        let Some((start, stop)) = words.next() else {
            return Err(self.wrong((end, end), "no kind after the name", "here", EXAMPLE));
        };
        let word = &text[start..stop];
        let what = format!("`{word}` is not a kind of span");
        let help = did_you_mean(word, &kinds).unwrap_or_else(|| EXAMPLE.to_owned());
        Err(self.wrong(
            (indent + start, indent + stop),
            &what,
            "unknown kind",
            &help,
        ))
    }

    fn wrong(
        &self,
        (start, end): (usize, usize),
        what: &str,
        label: &'static str,
        help: &str,
    ) -> ShapeError {
        let place = Place {
            start: self.start + start,
            end: self.start + end,
        };
        ShapeError {
            what: what.to_owned(),
            at: self.source.at(place),
            label,
            help: help.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let shape = Shape::parse(&Source::new("a.txt", text));
        let shape = shape.map_err(|error| format!("{}: {} ({})", error.at, error.what, error.help));
        shape.map(|shape| shape.render().unwrap_or_default())
    }

    #[test]
    fn siblings_have_no_order_and_equal_ones_are_one_line() {
        let text = "\
a › GET /x (server)
  b › z (client)
  b › q (client, error)
    c › w (server) ×2
  b › z (client) ×2
linked:
  d › send (consumer)
";
        let sorted = "\
a › GET /x (server)
  b › q (client, error)
    c › w (server) ×2
  b › z (client) ×3
linked:
  d › send (consumer)
";
        assert_eq!(read(text), Ok(sorted.to_owned()));
        assert_eq!(read(sorted), Ok(sorted.to_owned()));
        let windows = text.replace('\n', "\r\n");
        assert_eq!(read(&windows), Ok(sorted.to_owned()));
    }

    #[test]
    fn a_name_may_contain_all_signs_of_the_format() {
        let text = "a › b › c (server) ×3 (x) (client, event y (server)) ×4\n";
        assert_eq!(read(text), Ok(text.to_owned()));
    }

    #[test]
    fn an_error_has_its_place_and_help() {
        let error = |text: &str| read(text).unwrap_err();
        assert_eq!(
            error("a › b (sever)\n"),
            "a.txt:1:8: `sever` is not a kind of span (did you mean `server`?)"
        );
        assert_eq!(
            error("a › b (server)\n    c › d (client)\n"),
            "a.txt:2:1: this span has no parent (indent a span by two spaces more than its parent)"
        );
        assert!(error("a › b (server)\n\tc › d (client)\n").starts_with("a.txt:2:1: a tab"));
        assert!(error("a › b (server)\n c › d (client)\n").starts_with("a.txt:2:1: an odd"));
        assert!(error("a b (server)\n").starts_with("a.txt:1:1: no `›` after the service"));
        assert!(error("a › b\n").starts_with("a.txt:1:6: no kind after the name"));
        assert!(error("a › b (server) ×none\n").starts_with("a.txt:1:17: `none` is not a number"));
        assert!(error("\n\n").starts_with("a.txt:3:1: there is no span here"));
        assert!(error("linked:\n").starts_with("a.txt:1:1: no span stands before"));
        assert!(error("a › b (server)\nlinked:\n").starts_with("a.txt:3:1: there is no span"));
        let flat = "a › b (server)\nlinked:\nc › d (client)\n";
        assert!(error(flat).starts_with("a.txt:3:1: missing indentation"));
        let below_linked = "a › b (server)\nlinked:\n    c › d (client)\n";
        assert!(error(below_linked).starts_with("a.txt:3:1: this span has no parent"));
    }
}
