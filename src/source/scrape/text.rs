//! Reads the text formats of metrics: Prometheus 0.0.4 and OpenMetrics 1.0. The meaning of samples is left to
//! `families`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use crate::trace::{Nanos, nanos_of};

/// Longest part of a line in messages.
const LONGEST_EXCERPT: usize = 80;

/// Maximum number of labels of a sample.
const MOST_LABELS: usize = 256;

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Without exemplars. Times are in milliseconds.
    Prometheus,
    /// Ends with `# EOF`. Times are in seconds.
    OpenMetrics,
}

/// The samples of an endpoint.
#[derive(Debug)]
pub(super) struct Exposition<'t> {
    pub(super) families: HashMap<Cow<'t, str>, Metadata<'t>>,
    pub(super) samples: Vec<Sample<'t>>,
}

/// The comments about a family.
#[derive(Debug, Default)]
pub(super) struct Metadata<'t> {
    pub(super) kind: Option<FamilyKind>,
    pub(super) unit: &'t str,
}

/// A `# TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FamilyKind {
    Counter,
    Histogram,
    Summary,
    /// Gauges, and types that are read as gauges.
    Gauge,
}

/// A line with a value.
#[derive(Debug)]
pub(super) struct Sample<'t> {
    pub(super) name: Cow<'t, str>,
    pub(super) labels: Labels<'t>,
    pub(super) value: f64,
    pub(super) time: Option<Nanos>,
    pub(super) exemplar: Option<ScrapedExemplar<'t>>,
}

/// An exemplar of a sample.
#[derive(Debug)]
pub(super) struct ScrapedExemplar<'t> {
    pub(super) labels: Labels<'t>,
    pub(super) value: f64,
}

/// Names with values, in their order.
pub(super) type Labels<'t> = Vec<(Cow<'t, str>, Cow<'t, str>)>;

/// The reason why a text cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("line {line} is not UTF-8")]
    NotUtf8 { line: usize },
    #[error("line {line} has {what}: `{text}`")]
    Line {
        line: usize,
        what: &'static str,
        text: String,
    },
    #[error("the end is missing: there is no `# EOF`")]
    NoEof,
    #[error("the end is missing: the last line has no line feed")]
    Cut,
    #[error("there is more after `# EOF`")]
    AfterEof,
}

impl<'t> Exposition<'t> {
    pub(super) fn read(bytes: &'t [u8], format: Format) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            Unreadable::NotUtf8 { line }
        })?;
        let whole = whole(text, format)?;
        let mut read = Self {
            families: HashMap::new(),
            samples: Vec::new(),
        };
        for (index, line) in whole.lines().enumerate() {
            let line = line.trim_matches([' ', '\t', '\r']);
            let wrong = |what| Unreadable::Line {
                line: index + 1,
                what,
                text: line.chars().take(LONGEST_EXCERPT).collect(),
            };
            match line.strip_prefix('#') {
                Some(comment) => read.comment(comment).map_err(wrong)?,
                None if line.is_empty() => {}
                None => read.samples.push(sample(line, format).map_err(wrong)?),
            }
        }
        Ok(read)
    }

    fn comment(&mut self, comment: &'t str) -> Result<(), &'static str> {
        let mut rest = Cursor(comment);
        rest.blanks();
        let keyword = rest.word();
        if !matches!(keyword, "TYPE" | "UNIT") {
            return Ok(());
        }
        rest.blanks();
        let name = match rest.eat('"') {
            true => rest.quoted()?,
            false => Cow::Borrowed(rest.word()),
        };
        rest.blanks();
        let word = rest.word();
        let family = self.families.entry(name).or_default();
        if keyword == "UNIT" {
            family.unit = word;
            return Ok(());
        }
        let kind = match word {
            "counter" => FamilyKind::Counter,
            "histogram" => FamilyKind::Histogram,
            "summary" => FamilyKind::Summary,
            "gauge" | "untyped" | "unknown" | "info" | "stateset" | "gaugehistogram" => {
                FamilyKind::Gauge
            }
            _ => return Err("an unknown type"),
        };
        match family.kind.replace(kind) {
            None => Ok(()),
            Some(_) => Err("a second type of one metric"),
        }
    }
}

/// The text without its end mark.
fn whole(text: &str, format: Format) -> Result<&str, Unreadable> {
    let (before, last) = match text.trim_end().rsplit_once('\n') {
        Some((before, last)) => (before, last),
        None => ("", text.trim_end()),
    };
    // Some servers send OpenMetrics with the content type of Prometheus.
    let has_end = last.trim() == "# EOF";
    if format == Format::OpenMetrics {
        let mut lines = text.lines();
        if lines.any(|line| line.trim() == "# EOF") && !has_end {
            return Err(Unreadable::AfterEof);
        }
        if !has_end {
            return Err(Unreadable::NoEof);
        }
    }
    if has_end {
        return Ok(before);
    }
    match text.is_empty() || text.ends_with('\n') {
        true => Ok(text),
        false => Err(Unreadable::Cut),
    }
}

fn sample(line: &str, format: Format) -> Result<Sample<'_>, &'static str> {
    let mut rest = Cursor(line);
    let mut name = rest.name().map(Cow::Borrowed);
    let mut labels = Vec::new();
    rest.blanks();
    if rest.eat('{') {
        labels = rest.labels(&mut name)?;
    }
    let name = name.ok_or("no name")?;
    rest.blanks();
    let value = number(rest.word())?;
    rest.blanks();
    let time = match rest.0.is_empty() || rest.0.starts_with('#') {
        true => None,
        false => Some(time(rest.word(), format)?),
    };
    rest.blanks();
    let exemplar = match rest.eat('#') {
        true => Some(rest.exemplar(format)?),
        false => None,
    };
    match rest.0.is_empty() {
        true => Ok(Sample {
            name,
            labels,
            value,
            time,
            exemplar,
        }),
        false => Err("something after its value"),
    }
}

fn number(word: &str) -> Result<f64, &'static str> {
    match word {
        "" => Err("no value"),
        word => word.parse().map_err(|_| "a value that is no number"),
    }
}

fn time(word: &str, format: Format) -> Result<Nanos, &'static str> {
    let time = match format {
        Format::Prometheus => word.parse().ok().map(Duration::from_millis),
        Format::OpenMetrics => word
            .parse()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    };
    time.map(nanos_of).ok_or("an invalid time")
}

/// The part of a line that was not read yet.
struct Cursor<'t>(&'t str);

impl<'t> Cursor<'t> {
    fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn eat(&mut self, expected: char) -> bool {
        let rest = self.0.strip_prefix(expected);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// All characters up to a blank.
    fn word(&mut self) -> &'t str {
        self.split(self.0.find([' ', '\t']))
    }

    /// A name without quotes; `None` if there is none.
    fn name(&mut self) -> Option<&'t str> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let name = self.split(self.0.find(|c| !is_part(c)));
        let is_number = name.starts_with(|c: char| c.is_ascii_digit());
        (!name.is_empty() && !is_number).then_some(name)
    }

    /// Everything before this position, or all.
    fn split(&mut self, end: Option<usize>) -> &'t str {
        let (word, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        word
    }

    /// A string after its opening quote.
    fn quoted(&mut self) -> Result<Cow<'t, str>, &'static str> {
        const OPEN: &str = "a string without an end";
        let end = self.0.find(['"', '\\']).ok_or(OPEN)?;
        if self.0[end..].starts_with('"') {
            let text = self.split(Some(end));
            self.eat('"');
            return Ok(Cow::Borrowed(text));
        }
        let mut text = String::new();
        let mut characters = self.0.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Ok(Cow::Owned(text));
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, escaped @ ('\\' | '"'))) => text.push(escaped),
                    // Prometheus keeps both characters.
                    Some((_, other)) => text.extend(['\\', other]),
                    None => return Err(OPEN),
                },
                other => text.push(other),
            }
        }
        Err(OPEN)
    }

    /// Labels after the opening brace. A quoted name without a value is that of the metric.
    fn labels(&mut self, metric: &mut Option<Cow<'t, str>>) -> Result<Labels<'t>, &'static str> {
        let mut labels: Labels<'t> = Vec::new();
        loop {
            self.blanks();
            if self.eat('}') {
                return Ok(labels);
            }
            let is_quoted = self.eat('"');
            let name = match is_quoted {
                true => self.quoted()?,
                false => Cow::Borrowed(self.name().ok_or("an invalid label")?),
            };
            self.blanks();
            if self.eat('=') {
                self.blanks();
                if !self.eat('"') {
                    return Err("a label without a quoted value");
                }
                let value = self.quoted()?;
                if labels.iter().any(|(other, _)| *other == name) {
                    return Err("a label twice");
                }
                if labels.len() == MOST_LABELS {
                    return Err("more than 256 labels");
                }
                labels.push((name, value));
            } else if is_quoted && metric.is_none() {
                *metric = Some(name);
            } else {
                return Err("a label without a value");
            }
            self.blanks();
            if !self.eat(',') && !self.0.starts_with('}') {
                return Err("labels without an end");
            }
        }
    }

    /// An exemplar after its `#`.
    fn exemplar(&mut self, format: Format) -> Result<ScrapedExemplar<'t>, &'static str> {
        self.blanks();
        if !self.eat('{') {
            return Err("an exemplar without labels");
        }
        // No name can stand in the braces.
        let labels = self.labels(&mut Some(Cow::Borrowed("")))?;
        self.blanks();
        let value = number(self.word())?;
        self.blanks();
        if !self.0.is_empty() {
            time(self.word(), format)?;
        }
        self.blanks();
        Ok(ScrapedExemplar { labels, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_metrics(text: &str) -> Result<Exposition<'_>, Unreadable> {
        Exposition::read(text.as_bytes(), Format::OpenMetrics)
    }

    fn prometheus(text: &str) -> Result<Exposition<'_>, Unreadable> {
        Exposition::read(text.as_bytes(), Format::Prometheus)
    }

    #[test]
    fn a_sample_has_labels_a_value_a_time_and_an_exemplar() {
        let text = "# TYPE a counter\n# UNIT a seconds\n# HELP a Of \"all\".\n\
            a_total{b=\"x\\\"\\n\\\\\",c=\"{,}\"} 3.0 1520879607.5 # {trace_id=\"07\",span_id=\"a1\"} 0.5 1520879607.7\n\
            # EOF\n";
        let read = open_metrics(text).unwrap();
        let family = &read.families["a"];
        assert_eq!(
            (family.kind, family.unit),
            (Some(FamilyKind::Counter), "seconds")
        );
        let [sample] = read.samples.as_slice() else {
            panic!("{:?}", read.samples);
        };
        assert_eq!((&*sample.name, sample.value), ("a_total", 3.0));
        assert_eq!(sample.time, Some(1_520_879_607_500_000_000));
        let text = |labels: &Labels<'_>| {
            let pairs = labels.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>()
        };
        assert_eq!(text(&sample.labels), ["b=x\"\n\\", "c={,}"]);
        let exemplar = sample.exemplar.as_ref().unwrap();
        assert_eq!(text(&exemplar.labels), ["trace_id=07", "span_id=a1"]);
        assert_eq!(exemplar.value, 0.5);
    }

    #[test]
    fn names_can_be_quoted_and_blanks_are_free() {
        let read = prometheus(
            "{\"http.requests\", \"http.route\"=\"/\" , } 1 5\r\n\n  up \t { } NaN\nlow -Inf\n",
        );
        let read = read.unwrap();
        let samples = read.samples.iter();
        let found: Vec<_> = samples
            .map(|one| (&*one.name, one.labels.len(), one.time, one.value.is_nan()))
            .collect();
        assert_eq!(
            found,
            [
                ("http.requests", 1, Some(5_000_000), false),
                ("up", 0, None, true),
                ("low", 0, None, false)
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let bad = |line: &str| {
            prometheus(&format!("up 1\n{line}\n"))
                .unwrap_err()
                .to_string()
        };
        for (line, message) in [
            ("<html>", "line 2 has no name: `<html>`"),
            ("a", "line 2 has no value: `a`"),
            ("a b", "line 2 has a value that is no number: `a b`"),
            ("a 1 x", "line 2 has an invalid time: `a 1 x`"),
            ("a 1 2 3", "line 2 has something after its value: `a 1 2 3`"),
            ("a{b} 1", "line 2 has a label without a value: `a{b} 1`"),
            (
                "a{b=c} 1",
                "line 2 has a label without a quoted value: `a{b=c} 1`",
            ),
            (
                "a{b=\"c} 1",
                "line 2 has a string without an end: `a{b=\"c} 1`",
            ),
            (
                "a{b=\"c\" 1",
                "line 2 has labels without an end: `a{b=\"c\" 1`",
            ),
            (
                "a{b=\"1\",b=\"2\"} 1",
                "line 2 has a label twice: `a{b=\"1\",b=\"2\"} 1`",
            ),
            (
                "# TYPE a curve",
                "line 2 has an unknown type: `# TYPE a curve`",
            ),
        ] {
            assert_eq!(bad(line), message);
        }
        let twice = prometheus("# TYPE a gauge\n# TYPE a gauge\n").unwrap_err();
        assert!(twice.to_string().contains("a second type"), "{twice}");
        let not_utf8 = Exposition::read(b"a 1\nb{c=\"\xff\"} 1\n", Format::Prometheus);
        assert_eq!(not_utf8.unwrap_err(), Unreadable::NotUtf8 { line: 2 });
    }

    #[test]
    fn a_text_without_its_end_is_cut() {
        assert_eq!(open_metrics("a 1\n").unwrap_err(), Unreadable::NoEof);
        assert_eq!(open_metrics("").unwrap_err(), Unreadable::NoEof);
        assert_eq!(
            open_metrics("a 1\n# EOF\nb 1\n").unwrap_err(),
            Unreadable::AfterEof
        );
        assert!(open_metrics("a 1\n# EOF").is_ok());
        assert_eq!(prometheus("a 1").unwrap_err(), Unreadable::Cut);
        assert!(prometheus("").is_ok());
        // Some servers send OpenMetrics with another content type.
        assert!(prometheus("a 1\n# EOF").is_ok());
    }
}
